#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recorded feeds as a user reads them, beside a plain reader in Python."""
import contextlib
import csv
import datetime
import gzip
import hashlib
import io
import json
import mmap
import os
import pathlib
import pty
import random
import resource
import shutil
import struct
import subprocess
import sys
import time
import zipfile

import story


def itch_book(data):
    """{side: {price: shares}} of locate 1, from the bytes of a BinaryFILE."""
    orders, book, at = {}, {"B": {}, "S": {}}, 0

    def add(key, locate, side, shares, price):
        orders[key] = [locate, side, shares, price]

    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at)
        m = data[at + 2 : at + 2 + length]
        at += 2 + length
        kind, locate = chr(m[0]), struct.unpack_from(">H", m, 1)[0]
        key = struct.unpack_from(">Q", m, 11)[0] if length >= 19 else 0
        if kind in "AF":
            side, shares, _, price = struct.unpack_from(">cI8sI", m, 19)
            add(key, locate, side.decode(), shares, price)
        elif kind in "ECX":
            orders[key][2] -= struct.unpack_from(">I", m, 19)[0]
        elif kind == "D":
            orders[key][2] = 0
        elif kind == "U":
            new, shares, price = struct.unpack_from(">QII", m, 19)
            add(new, orders[key][0], orders[key][1], shares, price)
            orders[key][2] = 0
    for locate, side, shares, price in orders.values():
        if locate == 1 and shares > 0:
            book[side][price] = book[side].get(price, 0) + shares
    return book


NO_PRICE, NO_TIME = 2**63 - 1, 2**64 - 1


def dbn_metadata(mappings, version=2, schema=0):
    """The metadata of a file whose symbols were mapped to instrument ids."""
    width = 22 if version == 1 else 71

    def symbols(names):
        return struct.pack("<I", len(names)) + b"".join(n.encode().ljust(width, b"\0") for n in names)

    body = b"TEST.DATA".ljust(16, b"\0") + struct.pack("<HQQQ", schema, 0, NO_TIME, 0)
    body += struct.pack("<Q", NO_TIME) if version == 1 else b""
    body += bytes([1, 0, 0]) + (b"" if version == 1 else struct.pack("<H", width))
    body += bytes(100 - len(body)) + bytes(4) + symbols([m[0] for m in mappings]) + symbols([]) + symbols([])
    body += struct.pack("<I", len(mappings))
    for name, instrument in mappings:
        body += name.encode().ljust(width, b"\0") + struct.pack("<III", 1, 20240102, 20240103) + str(instrument).encode().ljust(width, b"\0")
    return b"DBN" + struct.pack("<BI", version, len(body)) + body


def dbn_order(instrument, action, side, order, price, size, flags=128, publisher=1, time=1704205800 * 10**9):
    return struct.pack("<BBHIQQqIBBccQiI", 14, 0xA0, publisher, instrument, time, order, price, size, flags, 0, action, side, time + 1, 0, 0)


def dbn_trade(instrument, side, price, size, publisher=1, time=1704205800 * 10**9, received=1704205800 * 10**9):
    return struct.pack("<BBHIQqIccBBQiI", 12, 0, publisher, instrument, time, price, size, b"T", side, 128, 0, received, 0, 0)


def dbn_best(instrument, bid, ask, publisher=1):
    head = struct.pack("<BBHIQqIccBBQiI", 20, 1, publisher, instrument, NO_TIME, NO_PRICE, 0, b"A", b"B", 128, 0, 1, 0, 0)
    return head + struct.pack("<qqIIII", bid, ask, 3, 4, 1, 1)


class Feed(story.Story):
    def make(self, kind, *words):
        path = self.path("made." + kind)
        self.check("feed", "generate", "--format", kind, "--messages", "5000", "--symbols", "2", "--orders", "100", "-o", path, *words)
        return path

    def answer(self, *words, **more):
        return json.loads(self.check("feed", "decode", "--json", *words, **more).stdout)


class Decode(Feed):
    def test_every_format_is_recognised_and_read_whole(self):
        for kind, some in (("itch", "A"), ("fix", "D"), ("dbn", "mbo"), ("json", "depthUpdate"), ("csv", "tick")):
            answer = self.answer(self.make(kind))
            self.assertEqual(answer["format"], kind)
            self.assertEqual(answer["malformed_messages"], 0)
            self.assertGreater(answer["types"][some], 100)
            self.assertEqual(sum(answer["types"].values()), answer["messages"])

    def test_the_same_seed_is_the_same_file(self):
        first = pathlib.Path(self.make("itch")).read_bytes()
        self.assertEqual(first, pathlib.Path(self.make("itch")).read_bytes())
        self.assertNotEqual(first, pathlib.Path(self.make("itch", "--seed", "2")).read_bytes())

    def test_a_compressed_file(self):
        path = self.make("itch")
        packed = self.path("made.itch.gz")
        with gzip.open(packed, "wb") as out:
            out.write(pathlib.Path(path).read_bytes())
        self.assertEqual(self.answer(packed)["types"], self.answer(path)["types"])

    def test_compressed_in_other_ways(self):
        """Several members of gzip, as pigz and cat make them; a zip, as data.binance.vision has them."""
        data = pathlib.Path(self.make("itch")).read_bytes()
        whole = self.answer(self.path("made.itch"))["types"]
        pathlib.Path(self.path("two.gz")).write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
        self.assertEqual(self.answer(self.path("two.gz"))["types"], whole)
        rows = "1,100.5,2,201,1704205800123,true,true\n2,100.6,3,301.8,1704205800456,false,true\n"
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with zipfile.ZipFile(self.path("BTCUSDT-trades.zip"), "w", method) as out:
                out.writestr("BTCUSDT-trades.csv", rows)
            for words, stdin in ((self.path("BTCUSDT-trades.zip"), None), ("-", pathlib.Path(self.path("BTCUSDT-trades.zip")).read_bytes())):
                done = self.run_command("feed", "decode", "--json", words, stdin=stdin, text=False)
                self.assertEqual(json.loads(done.stdout)["types"], {"tick": 2}, done.stderr)
        with zipfile.ZipFile(self.path("BTCUSDT-trades.zip"), "a") as out:
            out.writestr("another.csv", rows)
        done = self.check("feed", "decode", self.path("BTCUSDT-trades.zip"), code=2)
        self.assertIn("there are several files in it", done.stderr)

    def test_what_a_cell_leaves_open(self):
        """Other rows say it, of a pipe too; else the row is told with what would be clear."""
        dates = "date,price\n" + "".join(f"{month:02}/{day:02}/2024,{day}\n" for month in (1, 2) for day in range(1, 29))
        for words, stdin in ((self.write("american.csv", dates), None), ("-", dates)):
            bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "30d", words, stdin=stdin).stdout)))
            self.assertEqual(sum(int(b["ticks"]) for b in bars), 56)
            self.assertTrue(all(datetime.datetime(2023, 12, 1).timestamp() < int(b["time"]) / 1e9 < datetime.datetime(2024, 3, 1).timestamp() for b in bars))
        for text, says in (("date,price\n01/02/2024,1\n02/02/2024,2\n", "message 1 at byte 11, field date: either number may be the day, and no row nearby says which; write dates as 2026-12-24"),
                           ("date,time,price\n20240102,1000,1\n", "field time: hours and minutes, or minutes and seconds: no row nearby says which; write times as 09:30:00"),
                           ("time;price\n1704205800;1,234\n", "field price: a comma or point may part thousands or decimals here, and no row nearby says which; write numbers as 1234.5")):
            self.assertIn(says, self.check("feed", "decode", self.write("open.csv", text), code=2).stdout)

    def test_a_zip_with_a_text_beside_its_table(self):
        """In whichever order; a .txt alone is the table, however long, and two tables are still one too many."""
        rows, remark = "time,price\n1704205800,1\n1704205801,2\n", "What this is:\na table, and who made it.\n"
        long = "time,price\n" + "".join(f"{1704205800 + i},{i % 7}\n" for i in range(100000))
        cases = (([("README.txt", remark), ("a.csv", rows)], 2), ([("a.csv", rows), ("README.txt", remark)], 2), ([("a.txt", rows)], 2), ([("a.txt", long)], 100000),
                 ([("empty.txt", ""), ("a.csv", rows)], 2), ([("README.txt", remark), ("a.csv", rows), ("more.txt", remark)], 2))
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            for files, ticks in cases:
                with zipfile.ZipFile(self.path("some.zip"), "w", method) as out:
                    for name, text in files:
                        out.writestr(name, text)
                self.assertEqual(self.answer(self.path("some.zip"))["types"], {"tick": ticks}, [name for name, _ in files])
            for files in ([("a.txt", rows), ("b.txt", rows)], [("README.txt", remark), ("a.csv", rows), ("b.csv", rows)], [("a.txt", long), ("b.csv", rows)]):
                with zipfile.ZipFile(self.path("some.zip"), "w", method) as out:
                    for name, text in files:
                        out.writestr(name, text)
                self.assertIn("there are several files in it", self.check("feed", "decode", self.path("some.zip"), code=2).stderr, [name for name, _ in files])
            whole = pathlib.Path(self.path("some.zip")).read_bytes()
            pathlib.Path(self.path("cut.zip")).write_bytes(whole[:200])
            self.assertEqual(self.run_command("feed", "decode", self.path("cut.zip")).returncode, 2)

    def test_a_log_of_fix(self):
        path = self.make("fix")
        stream = pathlib.Path(path).read_bytes()
        messages = [m for m in stream.replace(b"\x018=FIX", b"\x01\n8=FIX").split(b"\n") if m]
        log = b"chatter\n".join(b"20240102-14:30:00.000 : <out> " + m.replace(b"\x01", b"|") + b"\n" for m in messages)
        for name, text in (("bars.log", log), ("plain.log", log.replace(b"|", b"\x01"))):
            pathlib.Path(self.path(name)).write_bytes(text)
            self.assertEqual(self.answer(self.path(name))["types"], self.answer(path)["types"])
        broken = log.replace(b"|35=A|", b"|35=B|", 1)
        pathlib.Path(self.path("broken.log")).write_bytes(broken)
        done = self.run_command("feed", "decode", self.path("broken.log"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("malformed: message 1 at byte %d, field CheckSum (10)" % (broken.index(b"|10=") + 1), done.stdout)

    def test_a_log_of_fix_with_other_separators(self):
        log = pathlib.Path(self.make("fix")).read_bytes().split(b"8=FIX")[1:6]
        carets = b"".join(b"INFO 8=FIX" + m.replace(b"\1", b"^A") + b"\n" for m in log)
        pathlib.Path(self.path("caret.log")).write_bytes(carets)
        self.refuse("feed", "decode", "caret.log", says=["'^A' between fields", "sed 's/\\^A/|/g' caret.log | assay feed decode -"])
        again = self.check("feed", "decode", "--json", "-", stdin=carets.replace(b"^A", b"|"), text=False)
        self.assertEqual(json.loads(again.stdout)["messages"], 5)

    def test_where_it_is_malformed(self):
        path = self.make("itch")
        data = bytearray(pathlib.Path(path).read_bytes())
        data[2] = ord("z")
        broken = self.path("broken")
        pathlib.Path(broken).write_bytes(data)
        done = self.run_command("feed", "decode", "--format", "itch", broken)
        self.assertEqual(done.returncode, 2)
        self.assertIn("malformed: message 1 at byte 2, field type: ", done.stdout)
        self.assertIn("itch, ", done.stdout)
        done = self.run_command("feed", "decode", self.write("what", "hello\n"))
        self.assertEqual(done.returncode, 2)
        self.assertIn("--format", done.stderr)


class Large(Feed):
    """Files that no memory holds."""

    # In a small process of its own: what a process has at its most before it becomes another counts as the other's.
    MEASURE = "import os, sys; p = os.fork() or os.execv(sys.argv[1], sys.argv[1:]); _, s, u = os.wait4(p, 0); print('peak', u.ru_maxrss, file=sys.stderr); sys.exit(os.waitstatus_to_exitcode(s))"

    def peak_mib(self, *words, stdin=None):
        """Of a run that is fine, the most memory that it had, and what it told."""
        done = subprocess.run([sys.executable, "-c", self.MEASURE, story.ASSAY, *words], cwd=self.dir, env=self.environment(), stdin=stdin, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        told, _, peak = done.stderr.rpartition("peak ")
        return int(peak) / (1024 if sys.platform == "linux" else 1024 * 1024), told

    def test_memory_does_not_grow_with_the_file(self):
        day, large = self.make("itch", "--messages", "500000"), self.path("large.itch")
        for _ in range(9):  # in pieces: what this process has at its most, its children count too
            with open(day, "rb") as source, open(large, "ab") as out:
                shutil.copyfileobj(source, out)
        self.assertGreater(os.path.getsize(large), 130e6)
        with open(story.ASSAY, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as program:
            roomy = program.find(b"__asan_init") >= 0 or program.find(b"__tsan_init") >= 0
        for words in (("decode",), ("book", "--symbol", "SYM0001"), ("bars", "--every", "1s")):
            peak, told = self.peak_mib("feed", *words, large)
            self.assertIn("9 days", told)
            self.assertLess(peak, 900 if roomy else 64, words)
        peak, _ = self.peak_mib("feed", "generate", "--messages", "3000000", "-o", self.path("made"))
        self.assertGreater(os.path.getsize(self.path("made")), 80e6)
        self.assertLess(peak, 900 if roomy else 64)
        self.refuse("feed", "generate", "-o", self.path("no", "such", "place"), says="cannot write")
        with gzip.open(self.path("large.gz"), "wb", compresslevel=1) as out:
            for _ in range(4):
                with open(day, "rb") as source:
                    shutil.copyfileobj(source, out)
        with open(self.path("large.gz"), "rb") as stdin:
            peak, _ = self.peak_mib("feed", "decode", "-", stdin=stdin)
        self.assertLess(peak, 900 if roomy else 64)

    def test_a_pipe_in_pieces(self):
        for kind in ("itch", "json", "dbn", "csv", "fix"):
            path = self.make(kind)
            data = pathlib.Path(path).read_bytes()
            done = self.run_command("feed", "decode", "--json", "-", stdin=data, text=False)
            piped, whole = json.loads(done.stdout), self.answer(path)
            del piped["source"], whole["source"]
            self.assertEqual(piped, whole)

    def test_a_file_that_is_cut_off_while_it_is_read(self):
        """A reader that maps the file would die of SIGBUS."""
        data = pathlib.Path(self.make("json")).read_bytes()
        fifo = self.path("fifo")
        os.mkfifo(fifo)
        process = self.start("feed", "decode", "--json", fifo, program=story.ASSAY)
        with open(fifo, "wb") as out:
            out.write(data[: len(data) // 2])
        out, told = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 2, told)
        self.assertEqual(json.loads(out)["malformed_messages"], 1)

    def test_malformed_messages_wherever_a_window_ends(self):
        data, at, broken, count = bytearray(pathlib.Path(self.make("itch", "--messages", "80000")).read_bytes()), 0, 0, 0
        self.assertGreater(len(data), 2 << 20)
        while at < len(data):
            if count % 7 == 3:
                data[at + 2] = ord("z")
                broken += 1
            at += 2 + int.from_bytes(data[at : at + 2], "big")
            count += 1
        pathlib.Path(self.path("broken.itch")).write_bytes(data)
        answer = json.loads(self.check("feed", "decode", "--json", "--format", "itch", self.path("broken.itch"), code=2).stdout)
        self.assertEqual((answer["messages"], answer["malformed_messages"]), (count - broken, broken))
        lines = pathlib.Path(self.make("json", "--messages", "30000")).read_text().splitlines()
        broken = [f'{{"e":"trade"{"," * (i % 3)}' if i % 7 == 3 else line for i, line in enumerate(lines)]
        self.assertGreater(sum(map(len, broken)), 2 << 20)
        answer = json.loads(self.check("feed", "decode", "--json", self.write("broken.json", "\n".join(broken)), code=2).stdout)
        self.assertEqual(answer["malformed_messages"], sum(i % 7 == 3 for i in range(len(lines))))
        self.assertEqual(answer["messages"], len(lines) - answer["malformed_messages"])

    def test_a_compressed_file_that_is_cut_off(self):
        packed = gzip.compress(pathlib.Path(self.make("itch")).read_bytes())
        path = self.path("cut.gz")
        pathlib.Path(path).write_bytes(packed[: len(packed) // 2])
        done = self.check("feed", "decode", path, code=2)
        self.assertIn("add order", done.stdout)
        self.assertIn("the answer is of what comes before", done.stderr)
        self.check("feed", "bars", path, code=2)

    def test_progress_on_a_terminal_only(self):
        path, fifo = self.make("itch"), self.path("slow")
        self.assertEqual(self.check("feed", "decode", path).stderr, "")
        data = pathlib.Path(path).read_bytes()
        os.mkfifo(fifo)
        terminal, side = pty.openpty()
        process = subprocess.Popen([story.ASSAY, "feed", "decode", fifo], stdout=subprocess.PIPE, stderr=side, env=self.environment(TERM="xterm"))
        os.close(side)
        with open(fifo, "wb", buffering=0) as out:
            out.write(data[:30000])
            time.sleep(1.3)
            out.write(data[30000:60000])
            time.sleep(0.1)
            out.write(data[60000:])
        shown = process.communicate(timeout=60)[0].decode()
        told = ""
        with contextlib.suppress(OSError):  # which is how a terminal ends on Linux
            while piece := os.read(terminal, 65536):
                told += piece.decode()
        os.close(terminal)
        self.assertEqual(process.returncode, 0)
        self.assertIn("add order", shown)
        self.assertIn("reading " + fifo[:60], told)
        self.assertTrue(told.endswith("\r\033[K"), told)

    def test_a_log_of_fix_longer_than_a_window(self):
        path = self.make("fix", "--messages", "30000")
        stream = pathlib.Path(path).read_bytes()
        messages = [m for m in stream.replace(b"\x018=FIX", b"\x01\n8=FIX").split(b"\n") if m]
        log = b"chatter 8=FI\n".join(b"20240102-14:30:00.000 : <out> " + m.replace(b"\x01", b"|") + b"\n" for m in messages)
        self.assertGreater(len(log), 5 << 20)
        pathlib.Path(self.path("long.log")).write_bytes(log)
        self.assertEqual(self.answer(self.path("long.log"))["types"], self.answer(path)["types"])


class Days(Feed):
    """Several days of ITCH, one behind the other: other locates, times from midnight again, and order ids again."""

    def message(self, kind, locate, time, rest=b""):
        body = kind + struct.pack(">HH", locate, 0) + time.to_bytes(6, "big") + rest
        return struct.pack(">H", len(body)) + body

    def day(self, locates, start=True, at=9):
        data = self.message(b"S", 0, at * 3600 * 10**9, b"O") if start else b""
        for name, locate, price in locates:
            time = (at + 1) * 3600 * 10**9
            data += self.message(b"R", locate, time, name.ljust(8).encode() + b"QN" + struct.pack(">I", 100) + b"NCZ PNN1N" + struct.pack(">I", 0) + b"N")
            data += self.message(b"A", locate, time, struct.pack(">QcI8sI", locate, b"B", 100, name.ljust(8).encode(), price))
            data += self.message(b"E", locate, time + 10**9, struct.pack(">QIQ", locate, 30, locate))
        return data

    def file(self, data):
        path = self.path("days.itch")
        pathlib.Path(path).write_bytes(data)
        return path

    def test_books_and_bars_begin_anew(self):
        first, second = [("AAA", 1, 10000), ("BBB", 2, 20000)], [("BBB", 1, 21000), ("CCC", 2, 30000)]
        for start, at in ((True, 9), (True, 10), (False, 7)):
            path = self.file(self.day(first) + self.day(second, start, at))
            done = self.check("feed", "book", "--symbol", "BBB", "--json", path)
            self.assertIn("2 days", done.stderr)
            book = json.loads(done.stdout)
            self.assertEqual((book["orders"], book["stale"], [b["price"] for b in book["bids"]]), (2, False, [2.1]))
            self.refuse("feed", "book", "--symbol", "AAA", path, says="no symbol 'AAA'")
            rows = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "1h", path).stdout)))
            self.assertEqual([(r["symbol"], r["close"], r["volume"]) for r in rows], [("AAA", "1", "30"), ("BBB", "2", "30"), ("BBB", "2.1", "30"), ("CCC", "3", "30")])
            hour = 3600 * 10**9
            self.assertEqual([int(r["time"]) // hour for r in rows], [10, 10, 24 + at + 1, 24 + at + 1])

    def test_a_backtest_of_two_days(self):
        first = self.day([("AAA", 1, 10000), ("BBB", 2, 20000)])
        path = self.file(first + self.day([("BBB", 1, 21000), ("CCC", 2, 30000)]))
        answer = json.loads(self.check("backtest", "--strategy", "market-making", "--feed", path, "--symbol", "BBB", "--json").stdout)
        self.assertEqual((answer["unknown"], answer["late"]), (0, 0))
        self.assertGreaterEqual(answer["events"], 4)

    def test_one_day_is_nothing_to_tell(self):
        self.assertEqual(self.check("feed", "bars", self.file(self.day([("AAA", 1, 10000)]))).stderr, "")

    def test_trades_that_are_broken_later(self):
        """Of two days, since match numbers are of one."""
        data = self.day([("AAA", 1, 10000), ("BBB", 2, 20000)])
        broken = self.message(b"B", 2, 15 * 3600 * 10**9, struct.pack(">Q", 2))
        data += broken + self.day([("AAA", 1, 10000), ("BBB", 2, 20000)])
        path = self.file(data)
        done = self.check("feed", "bars", "--every", "1h", path)
        rows = [(r["symbol"], r["volume"]) for r in csv.DictReader(io.StringIO(done.stdout))]
        self.assertEqual(rows, [("AAA", "30"), ("AAA", "30"), ("BBB", "30")])
        self.assertIn("broken later, and are in no bar: 1", done.stderr)
        self.assertNotIn("broken", self.check("feed", "bars", "--symbol", "AAA", path).stderr)
        done = self.run_command("feed", "bars", "--every", "1h", "--json", "-", stdin=data, text=False)
        self.assertEqual((len(json.loads(done.stdout)["bars"]), done.returncode), (4, 0))
        self.assertIn(b"and are in the bars (of a file that is named they would not be): 1", done.stderr)
        with open(path, "rb") as stdin:  # which goes on at its end
            again = subprocess.run([story.ASSAY, "feed", "bars", "--every", "1h", "--json", "-"], stdin=stdin, capture_output=True, timeout=60, check=False)
        self.assertEqual((again.returncode, again.stdout, again.stderr), (0, done.stdout, done.stderr))

    def padded(self, data, size):
        """With messages of no matter behind it."""
        halts = next(n for n in range(14) if (size - len(data) - 23 * n) % 14 == 0)
        last = 11 * 3600 * 10**9
        data += self.message(b"h", 9, last, b"NONE    QH") * halts
        return data + self.message(b"S", 0, last, b"Q") * ((size - len(data)) // 14)

    def test_a_clock_that_is_wrong_once(self):
        hour = 3600 * 10**9
        first, day = [("AAA", 1, 10000), ("BBB", 2, 20000)], [("CCC", 3, 30000)]
        for wrong in (0, 2, 10, 10.9, 11.1, 15, 23):
            clock = self.message(b"h", 1, int(wrong * hour), b"AAA     QH")
            for data in (clock + self.day(first, False), self.day(first) + clock, self.day(first) + clock + self.day(day, False, 10)):
                done = self.check("feed", "book", "--symbol", "AAA", "--json", self.file(data))
                self.assertEqual((done.stderr, json.loads(done.stdout)["stale"]), ("", False), wrong)

    def test_a_day_without_its_beginning_wherever_a_window_ends(self):
        """Its first message, too, is of the new day."""
        hour = 3600 * 10**9
        order = self.message(b"A", 1, 7 * hour, struct.pack(">QcI8sI", 1, b"B", 100, b"BBB     ", 21000))
        self.assertEqual(len(self.padded(b"", 99999)), 99999)
        for cut in (-15, -1, 0, 1, 15):
            data = self.padded(self.day([("AAA", 1, 10000)]), (1 << 18) - len(order) + cut)
            path = self.file(data + order + self.message(b"X", 1, 7 * hour, struct.pack(">QI", 1, 40)))
            done = self.check("feed", "book", "--symbol", "BBB", "--json", path)
            self.assertIn("2 days", done.stderr)
            book = json.loads(done.stdout)
            self.assertEqual((book["orders"], book["stale"], [b["quantity"] for b in book["bids"]]), (1, False, [60]), cut)


class Bars(Feed):
    def test_bars_beside_python(self):
        path = self.make("csv")
        ticks = [r for r in csv.DictReader(io.StringIO(pathlib.Path(path).read_text())) if r["symbol"] == "SYM0001"]
        out = self.check("feed", "bars", "--symbol", "SYM0001", "--every", "50ticks", path).stdout
        bars = list(csv.DictReader(io.StringIO(out)))
        for i, bar in enumerate(bars):
            some = ticks[50 * i : 50 * (i + 1)]
            prices = [float(t["price"]) for t in some]
            self.assertAlmostEqual(float(bar["open"]), prices[0], 9)
            self.assertAlmostEqual(float(bar["high"]), max(prices), 9)
            self.assertAlmostEqual(float(bar["low"]), min(prices), 9)
            self.assertAlmostEqual(float(bar["close"]), prices[-1], 9)
            self.assertEqual(float(bar["volume"]), sum(int(t["quantity"]) for t in some))
            self.assertEqual(bar["time"], some[0]["time"])  # to the nanosecond
        self.assertEqual(sum(int(b["ticks"]) for b in bars), len(ticks))

    def test_bars_are_what_a_backtest_reads(self):
        for kind in ("itch", "json", "dbn", "csv"):
            bars = self.check("feed", "bars", "--symbol", "SYM0001", "--every", "10ms", self.make(kind)).stdout
            answer = json.loads(self.check("backtest", "--strategy", "hold", "--data", "-", "--json", stdin=bars).stdout)
            self.assertEqual(answer["metrics"]["bars"], len(bars.splitlines()) - 1)

    def test_malformed_messages_are_passed_and_told(self):
        path = self.make("json")
        whole = self.check("feed", "bars", "--every", "1s", path).stdout
        text = self.read("made.json")
        done = self.check("feed", "bars", "--every", "1s", self.write("cut.json", text + text[:50]), code=2)
        self.assertEqual(done.stdout, whole)
        self.assertIn("the stream ends inside a message", done.stderr)
        book = ("feed", "book", "--symbol", "SYM0001")
        done = self.check(*book, self.path("cut.json"), code=2)
        self.assertEqual(done.stdout.replace("cut.json", "made.json"), self.check(*book, path).stdout)
        lines = text.splitlines()
        lines[len(lines) // 2] = "{broken}"
        done = self.check(*book, self.write("broken.json", "\n".join(lines)), code=3)
        self.assertIn("STALE", done.stdout)
        self.assertIn("broken.json: message ", done.stderr)

    def test_tables_that_begin_with_the_newest_row(self):
        table = self.write("down.csv", "Gmt time,Open,High,Low,Close,Volume\n" + "".join(f"{d:02}.01.2024 22:00:00.000,1,2,1,2,5\n" for d in range(9, 4, -1)))
        for every in ("1d", "31d"):  # also where all rows are of one bar
            self.refuse("feed", "bars", "--every", every, table, says="has to begin with its oldest row")

    def test_bars_of_currencies_have_no_volume(self):
        rows = "20240102 093000;1.1;1.3;1.0;1.2;0\n20240102 093100;1.2;1.4;1.1;1.3;0\n"
        done = self.check("feed", "bars", "--every", "1h", self.write("DAT_ASCII_EURUSD_M1.csv", rows))
        self.assertEqual(done.stdout.splitlines()[1].split(",")[:7], ["", "1704186000000000000", "1.1", "1.4", "1", "1.3", "0"])

    def test_levels_of_lobster(self):
        self.refuse("feed", "book", self.write("AAPL_2012-06-21_34200000_57600000_orderbook_1.csv", "5859400,200,5853300,18\n"), says="its message file makes the same book")

    def test_late_trades_are_told(self):
        rows = "time,price,quantity\n1704153600000,10,1\n1704153720000,11,1\n1704153601000,12,5\n"
        done = self.check("feed", "bars", self.write("late.csv", rows))
        self.assertEqual(len(done.stdout.splitlines()), 3)
        self.assertIn("over, and are in none: 1", done.stderr)

    def test_a_trade_of_next_year_makes_nothing_late(self):
        rows = "time,price,quantity\n1704153600000,10,1\n1735776000000,99,1\n1704153601000,12,5\n1704153720000,11,1\n"
        done = self.check("feed", "bars", self.write("clock.csv", rows))
        self.assertEqual([(r["close"], r["volume"]) for r in csv.DictReader(io.StringIO(done.stdout))], [("12", "6"), ("11", "1")])
        self.assertIn("far ahead of those around them (--most-jump), and are in no bar: 1", done.stderr)
        done = self.check("feed", "bars", "--most-jump", "0", self.path("clock.csv"))
        self.assertIn("over, and are in none: 2", done.stderr)

    def test_names_of_many_symbols(self):
        """More than there was room for when the first bars came."""
        rows = "time,symbol,price,quantity\n" + "".join(f"{1704153600000 + 60000 * (i // 400)},SYM{i % 400},1,1\n" for i in range(1200))
        out = self.check("feed", "bars", "--format-out", "json", self.write("many.csv", rows)).stdout
        self.assertEqual(sorted(b["symbol"] for b in json.loads(out)["bars"]), sorted(f"SYM{i}" for i in range(400) for _ in range(3)))

    def test_more_bars_than_are_kept_in_memory(self):
        rows = "time,price,quantity\n" + "".join(f"{1704153600000 + 1000 * i},{i},1\n" for i in range(5000))
        out = self.check("feed", "bars", "--every", "1s", self.write("many.csv", rows)).stdout
        self.assertEqual([r["close"] for r in csv.DictReader(io.StringIO(out))], [str(i) for i in range(5000)])

    def test_the_last_bytes_of_a_full_disk(self):
        """Of an answer that ends where the temporary file was written last."""
        rows = [f"{1704205800 + i},{100 + i % 7}" for i in range(4000)]
        whole = self.check("feed", "bars", "--every", "1tick", self.write("t.csv", "time,price\n" + "\n".join(rows))).stdout
        head, lines = whole.index("\n") + 1, whole.splitlines(keepends=True)
        count, size = 0, 0
        while size < 1 << 16:
            count += 1
            size += len(lines[count])
        path = self.write("t.csv", "time,price\n" + "\n".join(rows[:count]))
        for room, code in ((head + size, 0), (head + size - 1, 2)):
            with open(self.path("bars.csv"), "wb") as out:
                done = subprocess.run([story.ASSAY, "feed", "bars", "--every", "1tick", path], stdout=out, stderr=subprocess.PIPE, timeout=60, check=False,
                                      restore_signals=False, preexec_fn=lambda room=room: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)))
            self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(b"standard output cannot be written", done.stderr)

    def test_a_table_that_is_cut_off(self):
        """A file of sysfs says that it has a page, and has less, as one that becomes shorter meanwhile."""
        path = "/sys/devices/system/cpu/online"
        if not os.path.exists(path) or os.path.getsize(path) <= len(pathlib.Path(path).read_bytes()):
            self.skipTest("no such file of sysfs")
        self.refuse("risk", "var", path, says="became shorter while it was read")

    def test_trades_that_are_told_twice(self):
        trade = '{"e":"trade","E":%d,"s":"BNBBTC","t":%d,"p":"%s","q":"2","T":%d,"m":true,"M":true}'
        both = '{"e":"aggTrade","E":%d,"s":"BNBBTC","a":%d,"p":"%s","q":"2","f":%d,"l":%d,"T":%d,"m":true,"M":true}'
        other = trade.replace("BNBBTC", "ETHBTC")
        lines, when = [], 1672515782136
        for i in range(10):
            lines += [trade % (when + i, i, "0.5", when + i), both % (when + i, i, "0.5", i, i, when + i)]
        lines += [other % (when, 1, "7", when)]
        done = self.check("feed", "bars", self.write("twice.json", "\n".join(lines)))
        rows = {r["symbol"]: (r["volume"], r["ticks"]) for r in csv.DictReader(io.StringIO(done.stdout))}
        self.assertEqual(rows, {"BNBBTC": ("20", "10"), "ETHBTC": ("2", "1")})
        self.assertIn("10 of kind aggTrade are left out", done.stderr)

    def test_bars_of_dbn_keep_their_range(self):
        data = dbn_metadata([("AAPL", 38)], schema=7)
        for i, (low, high) in enumerate(((1, 9), (2, 5))):
            prices = [p * 10**9 for p in (3, high, low, 4)]
            data += struct.pack("<BBHIQqqqqQ", 14, 0x21, 1, 38, (1704153600 + 60 * i) * 10**9, *prices, 10)
        path = self.path("bars.dbn")
        pathlib.Path(path).write_bytes(data)
        (bar,) = csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "1h", path).stdout))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume")], [3, 9, 1, 4, 20])

    def test_executions_without_a_time(self):
        def fix(body):
            text = f"8=FIX.4.4|9={len(body)}|{body}".replace("|", "\1")
            return text + f"10={sum(text.encode()) % 256:03}\1"

        report = "35=8|49=A|56=B|34=1|52=20240102-10:00:00|37=1|17=1|150=F|39=1|55=AAPL|54=1|151=0|14=1|6=1|31=10|32=1|"
        timely = fix(report + "60=20240102-10:00:00|")
        path = self.write("some.fix", fix(report) + timely)
        done = self.check("feed", "bars", path)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertIn("without a time, which are in no bar: 1", done.stderr)

    def test_longer_bars_of_bars(self):
        rows = "open_time,open,high,low,close,volume\n1704153600000,3,9,2,4,1\n1704153660000,4,5,1,2,2\n"
        out = self.check("feed", "bars", "--every", "1h", self.write("klines.csv", rows)).stdout
        (bar,) = csv.DictReader(io.StringIO(out))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume")], [3, 9, 1, 2, 3])
        self.refuse("feed", "bars", "--every", "10ticks", self.path("klines.csv"), says="only trades")
        wrong = self.write("wrong.csv", rows.replace("4,5,1,2,2", "4,1,5,2,2") + "1704153720000,6,7,6,7,4\n")
        done = self.check("feed", "bars", "--every", "1h", wrong, code=2)
        (bar,) = csv.DictReader(io.StringIO(done.stdout))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume")], [3, 9, 2, 7, 5])
        self.assertIn("message 2 at byte 61, field high: below the low", done.stderr)
        self.refuse("backtest", "--strategy", "hold", "--data", wrong, says="wrong.csv:3: ")

    def test_prices_without_quantities(self):
        rows = "symbol,date,price\nMSFT,Jan 1 2000,39.81\nMSFT,Feb 1 2000,36.35\nAMZN,Jan 1 2000,64.56\n"
        bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "1d", self.write("prices.csv", rows)).stdout)))
        self.assertEqual([(b["symbol"], b["close"], b["volume"], b["ticks"]) for b in bars], [("MSFT", "39.81", "0", "1"), ("MSFT", "36.35", "0", "1"), ("AMZN", "64.56", "0", "1")])
        rows = "date,open,high,low,close\n2024-01-02,3,9,2,4\n2024-01-03,4,5,1,2\n"
        (bar,) = csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "365d", self.write("ranges.csv", rows)).stdout))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume")], [3, 9, 1, 2, 0])

    def test_the_same_trades_from_every_format(self):
        volumes = set()
        for kind in ("csv", "json", "dbn"):
            out = self.check("feed", "bars", "--symbol", "SYM0001", "--every", "volume:1e15", self.make(kind)).stdout
            volumes.add(float(list(csv.DictReader(io.StringIO(out)))[0]["volume"]))
        self.assertEqual(len(volumes), 1)


class Book(Feed):
    def test_trades_have_no_book(self):
        self.refuse("feed", "book", "--symbol", "SYM0001", self.make("csv"), says="orders or price levels")

    def test_the_book_beside_python(self):
        path = self.make("itch")
        book = itch_book(pathlib.Path(path).read_bytes())
        shown = self.check("feed", "book", "--symbol", "SYM0001", "--depth", "5", "--color", "never", path).stdout
        levels = [line.split() for line in shown.splitlines() if line.strip().startswith(("bid", "ask"))]
        for side, name, prices in (("S", "ask", sorted(book["S"])[:5]), ("B", "bid", sorted(book["B"], reverse=True)[:5])):
            found = [(round(float(w[1]) * 10000), int(w[2])) for w in levels if w[0] == name]
            self.assertEqual(sorted(found), sorted((p, book[side][p]) for p in prices))
        self.assertNotIn("STALE", shown)
        document = json.loads(self.check("feed", "book", "--symbol", "SYM0001", "--depth", "5", "--json", path).stdout)
        self.assertEqual((document["symbol"], document["stale"], document["unknown"]), ("SYM0001", False, 0))
        for side, name, prices in (("S", "asks", sorted(book["S"])[:5]), ("B", "bids", sorted(book["B"], reverse=True)[:5])):
            self.assertEqual([(round(level["price"] * 10000), level["quantity"]) for level in document[name]], [(p, book[side][p]) for p in prices])
        done = self.run_command("feed", "book", "--symbol", "NONE", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("SYM0001, SYM0002", done.stderr)


def matched(orders):
    """The events of a stream of new, market, ioc and cancel messages, as rows, by price, then time: a slow reading of docs/book.md."""
    rest, rows = [], []  # rest: [id, account, side, price, quantity], oldest first

    def tell(time, kind, key, other, side, price, quantity, left, account, reason="NONE", flags=0):
        rows.append([len(rows) + 1, time, kind, key, other, side, price, quantity, left, 0, account, reason, flags])

    for time, kind, key, account, side, price, quantity in orders:
        if kind == "cancel":
            own = [o for o in rest if o[0] == key]
            if not own:
                tell(time, "rejected", key, 0, side, price, quantity, 0, account, "UNKNOWN_ORDER")
            elif own[0][1] != account:
                tell(time, "rejected", key, 0, side, price, quantity, 0, account, "NOT_OWNER")
            else:
                rest.remove(own[0])
                tell(time, "cancelled", key, 0, own[0][2], own[0][3], own[0][4], 0, account, "USER")
            continue
        if any(o[0] == key for o in rest):
            tell(time, "rejected", key, 0, side, price, quantity, 0, account, "DUPLICATE")
            continue
        tell(time, "accepted", key, 0, side, price, quantity, quantity, account)
        if kind == "market":
            price = 2**31 - 1 if side == "buy" else -(2**31)
        better = 1 if side == "buy" else -1
        for o in sorted((o for o in rest if o[2] != side and (o[3] - price) * better <= 0), key=lambda o: o[3] * better):
            traded = min(quantity, o[4])
            if traded == 0:
                break
            quantity -= traded
            o[4] -= traded
            tell(time, "trade", key, o[0], side, o[3], traded, o[4], account, "NONE", (quantity == 0) + 2 * (o[4] == 0))
        rest = [o for o in rest if o[4] > 0]
        if quantity > 0 and kind == "new":
            rest.append([key, account, side, price, quantity])
        elif quantity > 0:
            tell(time, "cancelled", key, 0, side, price, quantity, 0, account, "NO_LIQUIDITY" if kind == "market" else "IMMEDIATE")
    return "sequence,time,kind,id,other,side,price,quantity,remaining,book,account,reason,flags\n" + "".join(",".join(map(str, r)) + "\n" for r in rows)


class Match(Feed):
    """A stream of orders from somebody else, and the events that he knows."""

    def orders(self, count):
        dice = random.Random(5)
        for i in range(count):
            kind = dice.choices(["new", "market", "ioc", "cancel"], [60, 5, 10, 25])[0]
            key, price = dice.randrange(count // 4), 0 if kind == "market" else dice.randrange(9980, 10020)
            yield [i + 1, kind, key, dice.randrange(1, 4), dice.choice(["buy", "sell"]), price, dice.randrange(1, 500)]

    def test_events_and_hashes_beside_python(self):
        orders = list(self.orders(4000))
        wanted = matched(orders)
        table = "time,kind,id,account,side,price,quantity\n" + "".join(",".join(map(str, o)) + "\n" for o in orders)
        path = self.write("orders.csv", table)
        self.assertEqual(self.check("feed", "match", "--events", "-", path).stdout, wanted)
        self.check("feed", "match", "--records", "records", "--journal", "journal", "--expect", hashlib.sha256(wanted.encode()).hexdigest(), path)
        records = pathlib.Path(self.path("records")).read_bytes()
        document = json.loads(self.check("feed", "match", "--json", "journal").stdout)
        self.assertEqual(document["rows_sha256"], hashlib.sha256(wanted.encode()).hexdigest())
        self.assertEqual(document["records_sha256"], hashlib.sha256(records).hexdigest())
        self.assertEqual((document["messages"], document["events"]), (4000, len(records) // 64))
        self.assertEqual(document["kinds"]["trade"], wanted.count(",trade,"))

        def raw(time, kind, key, account, side, price, quantity):
            kinds, market, ioc = 1 if kind == "cancel" else 0, kind == "market", kind == "ioc"
            fields = (0, price, 0, account, 0, kinds, side == "sell", market, ioc, 0, 0, 0, 0)
            return struct.pack("<QQQQQiiII8B", time, key, quantity, 0, *fields)

        self.check("feed", "match", "--raw", "--expect", document["records_sha256"], "-", stdin=b"".join(raw(*o) for o in orders), text=False)
        shown = self.check("feed", "match", "--expect", "0" * 64, path, code=1)
        self.assertIn("hash", shown.stderr)

    def test_orders_of_fix(self):
        """The same stream as FIX, as a log of it, and as a table; FIX names all of an order's quantity, filled or not."""

        def fix(kind, *fields):
            body = "".join(f"{tag}={value}\x01" for tag, value in ((35, kind), (49, "A"), (56, "B"), (34, 1), (52, "20240102-14:30:00"), *fields))
            text = f"8=FIX.4.4\x019={len(body)}\x01{body}"
            return text + f"10={sum(text.encode()) % 256:03}\x01"

        when = (60, "20240102-14:30:00.000000007")
        usual = ((55, "AAPL"), (21, 1), when)
        stream = [fix("A", (98, 0), (108, 30)),
                  fix("D", (11, "1"), (1, "7"), *usual, (54, 2), (38, 100), (40, 2), (44, "10.50")),
                  fix("D", (11, "b-2"), (1, "9"), *usual, (54, 1), (38, 30), (40, 1), (59, 3)),
                  fix("G", (11, "3"), (41, "1"), (1, "7"), *usual, (54, 2), (38, 80), (40, 2), (44, "10.40")),
                  fix("D", (11, "4"), (1, "9"), *usual, (54, 1), (38, 20), (40, 2), (44, "10.40")),
                  fix("G", (11, "5"), (37, "3"), (41, "3"), (1, "7"), *usual, (54, 2), (38, 70), (40, 2), (44, "10.40")),
                  fix("D", (11, "6"), (1, "9"), *usual, (54, 1), (38, 20), (40, 2), (44, "10.405")),
                  fix("F", (11, "8"), (41, "3"), (1, "7"), *usual, (54, 2))]
        hashed = 0xCBF29CE484222325
        for letter in b"b-2":
            hashed = (hashed ^ letter) * 0x100000001B3 % 2**64
        now = 1704205800000000007
        rows = [["new", 1, "", 7, "sell", "gtc", "10.50", 100], ["market", hashed, "", 9, "buy", "ioc", "", 30], ["replace", 1, 3, 7, "", "", "10.40", 50], ["new", 4, "", 9, "buy", "gtc", "10.40", 20],
                ["modify", 3, "", 7, "", "", "10.40", 20], ["cancel", 3, "", 7, "", "", "", ""]]
        table = "time,symbol,kind,id,new_id,account,side,tif,price,quantity\n" + "".join(",".join(map(str, [now, "AAPL", *r])) + "\n" for r in rows)
        run = ["feed", "match", "--price-decimals", "2"]
        wanted = self.check(*run, "--events", "-", self.write("orders.csv", table)).stdout
        self.assertEqual([row.split(",")[2] for row in wanted.splitlines()[1:]], "accepted accepted trade replaced accepted trade modified cancelled".split())
        log = "".join("2024-01-02 INFO " + m.replace("\x01", "|") + "\n" for m in stream)
        for text in ("".join(stream), log):
            done = self.check(*run, "--events", "-", self.write("orders.fix", text), code=2)
            self.assertEqual(done.stdout, wanted)
            self.assertIn("message 7 is no order: tag 44", done.stderr)
            self.assertIn("and were passed: 1", done.stderr)

    def test_a_match_that_is_killed_leaves_nothing(self):
        try:
            os.close(os.open(self.dir, os.O_TMPFILE | os.O_WRONLY))
        except (AttributeError, OSError):
            self.skipTest("this file system has no files without a name")
        self.write("events.csv", "of before")
        head = "id,side,price,qty\n"
        with subprocess.Popen([story.ASSAY, "feed", "match", "--events", "events.csv", "--records", "records", "-"], cwd=self.dir, env=self.environment(),
                              stdin=subprocess.PIPE) as process:
            # More than a pipe and the first look at it hold: it is writing by now.
            process.stdin.write((head + "".join(f"{i},buy,{1 + i % 50},5\n" for i in range(1, 300001))).encode())
            process.kill()
        self.assertEqual(process.returncode, -9)
        self.assertEqual((os.listdir(self.dir), self.read("events.csv")), (["events.csv"], "of before"))

    def test_nothing_is_written_over_what_is_read(self):
        text = "id,side,price,qty\n1,buy,10,5\n"
        path = self.write("own.csv", text)
        os.link(path, self.path("link.csv"))
        self.refuse("feed", "match", "--events", path, path, says="is the file that is read")
        self.refuse("feed", "match", "--records", "./own.csv", path, says="is the file that is read")
        self.refuse("feed", "match", "--events", "link.csv", path, says="is the file that is read")
        self.refuse("feed", "match", "--events", "a.csv", "--journal", "a.csv", path, says="--events and --journal are two files")
        self.assertEqual(self.read("own.csv"), text)
        self.write("before.csv", "of before\n")
        self.refuse("feed", "match", "--events", "before.csv", "missing.csv", says="missing.csv")
        self.refuse("feed", "match", "--events", "before.csv", self.write("none.csv", "price,quantity\n1,2\n"), says="field id")
        self.assertEqual(self.read("before.csv"), "of before\n")
        before = sorted(os.listdir(self.dir))
        self.check("feed", "match", "--events", "before.csv", path)
        self.assertEqual(self.read("before.csv").splitlines()[1], "1,0,accepted,1,0,buy,10,5,5,0,0,NONE,0")
        self.assertEqual(sorted(os.listdir(self.dir)), before)

    def test_a_wrong_hash_hides_no_fault_and_a_journal_is_a_file(self):
        path = self.write("half.csv", "id,side,price,qty\n1,buy,10,5\n2,buy,x,5\n")
        shown = self.check("feed", "match", "--expect", "0" * 64, path, code=1).stderr
        self.assertIn("field price", shown)
        self.assertIn("have the hash", shown)
        self.check("feed", "match", "--journal", "journal", path, code=2)
        journal = pathlib.Path(self.path("journal")).read_bytes()
        done = self.run_command("feed", "match", "-", stdin=journal, text=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"is a journal: it is read from a plain file", done.stderr)

    def test_rows_without_a_book(self):
        rows = f"symbol,kind,id,side,price,qty\nA,new,1,buy,10,5\n,new,2,sell,10,5\n{'X' * 90},new,3,sell,10,5\nA,cancel,1,,,\n"
        done = self.check("feed", "match", "--json", self.write("orders.csv", rows), code=2)
        document = json.loads(done.stdout)
        self.assertEqual((document["messages"], document["malformed"], document["traded"]), (2, 2, 0))
        self.assertIn("message 2 has no symbol", done.stderr)

    def test_what_has_traded_of_many_orders(self):
        """Ids that share their low bits when they are multiplied as hashes used to; each a little filled, and then replaced, or done."""

        def fix(kind, key, side, quantity, price, *more):
            fields = [(35, kind), (49, "A"), (56, "B"), (34, 1), (52, "20240102-14:30:00"), (11, key), *more, (55, "A"), (21, 1), (60, "20240102-14:30:00"), (54, side)]
            body = "".join(f"{tag}={value}\x01" for tag, value in fields + [(38, quantity), (40, 2), (44, price)])
            text = f"8=FIX.4.4\x019={len(body)}\x01{body}"
            return text + f"10={sum(text.encode()) % 256:03}\x01"

        inverse, text, rows = pow(0x9E3779B97F4A7C15, -1, 2**64), "", []
        for i in range(1, 1501):
            key, other, more = (i * inverse % 2**64, (i + 10000) * inverse % 2**64, (i + 20000) * inverse % 2**64)
            text += fix("D", key, 2, 10, 10) + fix("D", other, 1, 4, 10)
            rows += [f"new,{key},,sell,10,10", f"new,{other},,buy,10,4"]
            if i % 3 == 0:
                text += fix("D", more, 1, 6, 10)
                rows += [f"new,{more},,buy,10,6"]
            elif i % 3 == 1:
                text += fix("G", more, 2, 9, 2000, (41, key))
                rows += [f"replace,{key},{more},sell,2000,5"]
            else:
                text += fix("G", more, 2, 4, 2000, (41, key))
                rows += [f"cancel,{key},,sell,,"]
        for i in range(1, 1501, 3):
            key, last = (i + 20000) * inverse % 2**64, (i + 30000) * inverse % 2**64
            text += fix("G", last, 2, 12, 3000, (41, key))
            rows += [f"replace,{key},{last},sell,3000,8"]
        answers = [json.loads(self.check("feed", "match", "--json", self.write(name, what)).stdout) for name, what in
                   (("orders.fix", text), ("orders.csv", "time,kind,id,new_id,side,price,quantity\n" + "".join(f"1704205800000000000,{row}\n" for row in rows)))]
        self.assertEqual(answers[0]["kinds"], answers[1]["kinds"])
        self.assertEqual(answers[0]["rows_sha256"], answers[1]["rows_sha256"])
        self.assertEqual((answers[0]["kinds"]["replaced"], answers[0]["orders"]), (1000, 500))

    def test_logs_of_older_fix(self):
        """FIX 4.2, whose reports say with 150=1 and 2 what was traded; those that take back or repeat (20=1, 3) are no trades."""
        def fix(version, *fields):
            body = "".join(f"{tag}={value}\x01" for tag, value in (fields[0], (34, 1), (49, "A"), (52, "20240102-14:30:00.123"), (56, "B"), *fields[1:]))
            head = f"8=FIX.{version}\x019={len(body)}\x01{body}"
            return f"{head}10={sum(head.encode()) % 256:03}\x01"

        def report(execution, again="0"):
            return ((35, 8), (37, "o"), (17, "e"), (20, again), (150, execution), (39, 2), (55, "AAPL"), (54, 1), (38, 100), (32, 60), (31, "185.5"), (151, 40),
                    (14, 60), (6, "185.5"), (60, "20240102-14:30:00.123"))
        older = [fix("4.2", *report(*r)) for r in (("0",), ("1",), ("2",), ("2", "1"), ("2", "3"))]
        text = "".join(f"20240102-14:30:00.123 : {message}\n" for message in older + [fix("4.3", (35, 0))])
        done = self.check("feed", "bars", self.write("older.log", "20240102-14:29:59 : Created session\n" + text))
        self.assertEqual(done.stdout.splitlines()[1:], ["AAPL,1704205800000000000,185.5,185.5,185.5,185.5,120,185.5,2,0,120"])
        # Taken back, and put right, by what they name: 40 of 100 are left of three trades, and the order's book is not known any more.
        def trade(execution, *more):
            return ((35, 8), (37, "o"), (17, execution), *more, (39, 1), (55, "AAPL"), (54, 1), (38, 100), (60, "20240102-14:30:00.123"))
        news = trade("n", (150, 0), (44, 10), (151, 100))
        fills = [trade(f"e{i}", (150, "F"), (32, 20), (31, 10 + i)) for i in range(3)]
        for bust, right in (((150, "H"),), ((150, "G"),)), (((20, 1), (150, 1)), ((20, 2), (150, 1))):
            stream = [fix("4.4", *m) for m in (news, *fills, trade("b", (19, "e1"), *bust, (32, 20), (31, 11)), trade("c", (19, "e2"), *right, (32, 20), (31, 15)))]
            path = self.write("busts.fix", "".join(stream))
            done = self.check("feed", "bars", path)
            self.assertEqual(done.stdout.splitlines()[1].split(",")[2:8], ["10", "15", "10", "15", "40", "12.5"])
            self.assertIn("broken later", done.stderr)
            self.assertTrue(json.loads(self.check("feed", "book", "--symbol", "AAPL", "--json", path, code=3).stdout)["stale"])
        orders = [((35, "D"), (11, "c1"), (21, 1), (55, "AAPL"), (54, 1), (60, "20240102-14:30:00"), (38, 5), (40, 2), (44, 10)),
                  ((35, "F"), (11, "c2"), (41, "c1"), (55, "AAPL"), (54, 1), (60, "20240102-14:30:01"))]
        answers = [json.loads(self.check("feed", "match", "--json", self.write("orders.fix", "".join(fix(v, *o) for o in orders))).stdout) for v in ("4.2", "4.4")]
        self.assertEqual(answers[0]["kinds"], answers[1]["kinds"])
        self.assertEqual(answers[0]["kinds"]["accepted"], 1)
        self.assertIn("another version", self.check("feed", "decode", self.write("old.fix", fix("4.1", (35, 0))), code=2).stdout)
        for mark, escaped in (("<SOH>", "<SOH>"), ("\\x01", "\\\\x01")):
            said = self.run_command("feed", "decode", "-", stdin=older[0].replace("\x01", mark)).stderr
            self.assertIn(f"sed 's/{escaped}/|/g' | ", said)

    def test_logs_that_speak_of_fix(self):
        message = "8=FIX.4.4|9=5|35=0|10=000|\n"
        for text in ("# all of 8=FIX.4.4 messages\n" + message,):
            self.assertNotIn("between fields", self.run_command("feed", "decode", "--format", "fix", self.write("own.log", text)).stderr)
        said = self.run_command("feed", "decode", "-", stdin=message.replace("|", "^A")).stderr
        self.assertIn("sed 's/\\^A/|/g' | ", said)

    def test_orders_of_lobster_in_a_pipe(self):
        rows = "34200.01,1,11,100,1000000,1\n34200.02,1,12,100,1010000,-1\n"
        self.assertEqual(json.loads(self.check("feed", "book", "--json", "-", stdin=rows).stdout)["symbol"], "stdin")

    def test_symbols_decimals_and_rows_that_are_wrong(self):
        path = self.write("orders.csv", "symbol;id;side;price;qty\nMSFT;1;buy;100.25;5\nAAPL;2;sell;7;3\nAAPL;3;sell;x;3\nMSFT;4;bid;100.5;2\n")
        done = self.check("feed", "match", "--price-decimals", "2", path, code=2)
        self.assertIn("message 3 at byte 73, field price", done.stderr)
        books = [line.split() for line in done.stdout.splitlines() if line.startswith(("MSFT", "AAPL"))]
        self.assertEqual(books, [["MSFT", "10050", "2", "-"], ["AAPL", "-", "700", "3"]])
        self.refuse("feed", "match", "--books", "1", "--price-decimals", "2", path, says="more than 1 symbols")
        self.refuse("feed", "match", self.write("none.csv", "price,quantity\n1,2\n"), says="field id: the first line names no such column")
        self.refuse("feed", "match", "--raw", path, says="ends inside a message of 64 bytes")
        self.refuse("feed", "match", self.write("empty.csv", ""), says="is empty")


class Captures(Feed):
    """What tcpdump and Wireshark write of a feed's packets, beside the file of the same messages."""

    MAC, GROUP = b"\x01\0\x5e\1\2\3\0\1\2\3\4\5", b"\xe9\x36\x0c\x6f"

    def datagrams(self, path, each=7):
        data, at, blocks = pathlib.Path(path).read_bytes(), 0, []
        while at < len(data):
            length = struct.unpack_from(">H", data, at)[0]
            blocks.append(data[at : at + 2 + length])
            at += 2 + length
        for i in range(0, len(blocks), each):
            some = blocks[i : i + each]
            yield b"SESSION001" + struct.pack(">QH", i + 1, len(some)) + b"".join(some)
        yield b"SESSION001" + struct.pack(">QH", len(blocks) + 1, 0xFFFF)

    def ip(self, payload, six=False):
        udp = struct.pack(">HHHH", 40000, 26477, 8 + len(payload), 0) + payload
        if six:
            return struct.pack(">IHBB", 6 << 28, len(udp), 17, 1) + bytes(32) + udp
        return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 1, 17, 0, b"\n\0\0\1", self.GROUP) + udp

    def pcap(self, frames, link=1, order="<", magic=0xA1B2C3D4):
        records = (struct.pack(order + "IIII", 1, 0, len(f), len(f)) + f for f in frames)
        return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link) + b"".join(records)

    def pcapng(self, frames, order="<"):
        def block(kind, body):
            body += b"\0" * (-len(body) % 4)
            return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))

        def half(i, f):  # enhanced and simple packets, in turns
            return block(6, struct.pack(order + "IIIII", 0, 0, 0, len(f), len(f)) + f) if i % 2 else block(3, struct.pack(order + "I", len(f)) + f)

        begin = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack(order + "HHI", 1, 0, 0)) + block(5, b"what")
        return begin + b"".join(half(i, f) for i, f in enumerate(frames))

    def see(self, data, code=0, **more):
        path = self.path("some.pcap")
        pathlib.Path(path).write_bytes(data)
        done = self.check("feed", "decode", "--json", path, code=code, **more)
        return json.loads(done.stdout)["messages"], done.stderr

    def setUp(self):
        super().setUp()
        self.plain = self.make("itch")
        self.sent = list(self.datagrams(self.plain))
        self.ether = [self.MAC + b"\x08\0" + self.ip(p) for p in self.sent]
        self.messages = self.answer(self.plain)["messages"]

    def test_every_kind_of_capture_is_the_same_stream(self):
        tagged = [self.MAC + b"\x88\xa8\0\1\x81\0\0\2\x86\xdd" + self.ip(p, six=True) for p in self.sent]
        ips = [self.ip(p) for p in self.sent]
        for data in (self.pcap(self.ether), self.pcap([f + bytes(64) for f in self.ether]), self.pcap(tagged, order=">", magic=0xA1B23C4D),
                     self.pcap(ips, link=101), self.pcap([bytes(14) + b"\x08\0" + p for p in ips], link=113),
                     self.pcap([b"\x08\0" + bytes(18) + p for p in ips], link=276), self.pcap([b"\2\0\0\0" + p for p in ips], link=0),
                     self.pcap([f[:12] + b"\x91\0\0\1\x81\0\0\2" + f[12:] for f in self.ether]), self.pcap(ips, link=228),
                     self.pcap([self.MAC + b"\x88\x47\0\0\x10\x40\0\0\x21\x40" + p for p in ips]), self.pcap([b"\0\0\0\2" + p for p in ips], link=108),
                     self.pcap([f[:18 + 6] + b"\0" + f[18 + 7 : 18 + 40] + b"\x3c\1" + bytes(14) + b"\x11\0" + bytes(6) + f[18 + 40 :]
                                for f in (self.MAC + b"\x81\0\0\1\x86\xdd" + self.ip(p, six=True) for p in self.sent)]),
                     self.pcapng(self.ether), self.pcapng(self.ether, ">"), gzip.compress(self.pcapng(self.ether))):
            self.assertEqual(self.see(data), (self.messages, ""))
            for verb in (["bars"], ["book", "--symbol", "SYM0001", "--json"]):
                shown = [self.check("feed", *verb, p).stdout.replace(p, "") for p in (self.plain, self.path("some.pcap"))]
                self.assertEqual(*shown)

    def test_both_lines_of_a_feed_and_what_else_is_there(self):
        other = self.MAC + b"\x08\6" + bytes(28), self.MAC + b"\x08\0" + self.ip(b"who is there?")
        frames = [other[0], self.ether[0]]
        for a, b in zip(self.ether[1::2], self.ether[2::2]):
            frames += [b, other[1], a, a, b]
        frames += self.ether[-2:]
        messages, said = self.see(self.pcap(frames))
        self.assertEqual(messages, self.messages)
        self.assertIn("are no MoldUDP64", said)
        pathlib.Path(self.path("none")).write_bytes(self.pcap(other))
        self.refuse("feed", "decode", "none", says="none of which is MoldUDP64")

    def test_what_is_missing_is_told(self):
        lost = self.pcap(self.ether[:200] + self.ether[202:])
        messages, said = self.see(lost, code=2)
        self.assertEqual(messages, self.messages - 14)
        self.assertIn("no packet has 14 of its messages", said)
        self.assertTrue(json.loads(self.check("feed", "book", "--symbol", "SYM0001", "--json", "some.pcap", code=3).stdout)["stale"])
        serve = "feed", "serve", "some.pcap", "--wait", "0", "--rate", "1e7"
        self.assertIn("no packet has 14 of its messages", self.check(*serve, code=2).stderr)
        again = self.check(*serve, "--repeat", "--messages", str(3 * self.messages)).stderr
        self.assertEqual(again.count("no packet has 14 of its messages"), 1)
        words = "backtest", "--strategy", "market-making", "--symbol", "SYM0001", "--feed", "some.pcap"
        self.refuse(*words, says=["no packet has 14", "--skip-malformed"])
        self.assertEqual(json.loads(self.check(*words, "--json", "--skip-malformed").stdout)["missing"], 14)
        self.assertIn("ends inside a packet", self.see(self.pcap(self.ether)[:-9], code=2)[1])
        records = b"".join(struct.pack("<IIII", 1, 0, min(len(f), 90), len(f)) + f[:90] for f in self.ether)
        short = self.pcap([]) + records
        self.assertIn("none of which is MoldUDP64 with messages of TotalView-ITCH 5.0 (packets were captured in part", self.run_command("feed", "decode", "-", stdin=short, text=False).stderr.decode())
        self.assertIn(": 1 of these packets were captured in part", self.see(self.pcap(self.ether) + records[: 16 + 90])[1])
        self.assertIn("the capture is damaged", self.see(self.pcap(self.ether[:9]) + b"\xff" * 99, code=2)[1])

    def datagram(self, first, messages):
        return b"SESSION001" + struct.pack(">QH", first, len(messages)) + b"".join(struct.pack(">H", len(m)) + m for m in messages)

    def frame(self, first, messages):
        return self.MAC + b"\x08\0" + self.ip(self.datagram(first, messages))

    def orders(self, count):
        prices = ((i, b"BS"[i % 2 : i % 2 + 1], 10**6 + (-1) ** (i % 2 + 1) * -100 * (i % 7 + 1)) for i in range(1, count + 1))
        return [b"A" + struct.pack(">HH", 1, 0) + (i * 10**9).to_bytes(6, "big") + struct.pack(">Qc", i, side) + struct.pack(">I8sI", 100, b"AAPL    ", price)
                for i, side, price in prices]

    def test_each_message_is_given_or_told_missing(self):
        message = b"S" + bytes(10) + b"O"
        for loss in (1, 5, 10, 20, 30):
            chance = random.Random(loss)
            for sizes in ((range(1, 36),), (range(1, 3), range(80, 100))):  # the second: large ones behind a store of small ones
                frames, first, had, last = [], 1, 0, 0
                for i in range(4000 if len(sizes) == 1 else 6500):
                    count = chance.choice(sizes[i >= 6000])
                    if i == 0 or chance.random() * 100 > loss:
                        frames.append(self.frame(first, [message] * count))
                        had += count
                        last = first + count - 1
                    first += count
                messages, said = self.see(self.pcap(frames), code=2)
                self.assertEqual(messages, had)
                self.assertIn(f"no packet has {last - had} of its messages", said)

    def test_the_first_packets_in_any_order(self):
        """A capture begins in the middle of a feed, and its first packets are not in turn: none of their messages is lost."""
        messages = self.orders(600)
        frames = [self.frame(90000 + i, messages[i : i + 3]) for i in range(0, 600, 3)]

        def shown(frames):
            pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames))
            return self.check("feed", "decode", "some.pcap").stdout, self.check("feed", "book", "--symbol", "AAPL", "some.pcap").stdout
        wanted = shown(frames)
        self.assertEqual(self.see(self.pcap(frames))[0], 600)
        for seed in range(5):
            first = frames[:20]
            random.Random(seed).shuffle(first)
            self.assertEqual(shown(first + frames[20:]), wanted)
        for few in (frames[:1], frames[:3], frames[2::-1]):  # fewer than are waited for
            self.assertEqual(self.see(self.pcap(few))[0], 3 * len(few))
        given, said = self.see(self.pcap(frames[4::-1] + frames[6:]), code=2)
        self.assertEqual(given, 597)
        self.assertIn("no packet has 3 of its", said)

    def test_a_packet_that_stands_in_the_gap_when_the_store_is_full(self):
        messages = self.orders(9000)
        frames = [self.frame(1, messages[:1])] + [self.frame(i, messages[i - 1 : i + 19]) for i in range(1001, 8900, 20)]
        given, said = self.see(self.pcap(frames[:310] + [self.frame(101, messages[100:900])] + frames[310:]), code=2)
        self.assertEqual(given, 1 + 20 * 395 + 800)
        self.assertIn(f"no packet has {999 - 800} of", said)

    def test_far_ahead(self):
        heartbeat = self.MAC + b"\x08\0" + self.ip(b"SESSION001" + struct.pack(">QH", 1 << 40, 0))
        self.assertEqual(self.see(self.pcap(self.ether[:50] + [heartbeat] + self.ether[50:]))[0], self.messages)
        self.assertEqual(self.see(self.pcap(self.ether + [heartbeat]))[0], self.messages)
        message, far = b"S" + bytes(10) + b"O", 1 << 30
        lines = [self.frame(first, [message]) for first in (1, far, far, far + 1, far + 1, far + 2)]
        given, said = self.see(self.pcap(lines), code=2)
        self.assertEqual(given, 4)
        self.assertIn(f"no packet has {far - 2} of its", said)
        self.assertNotIn("MoldUDP64", said)

    def test_gaps_and_what_ends_early_in_a_backtest(self):
        messages = self.orders(199)
        frames = [self.frame(i + 1, [m]) for i, m in enumerate(messages)]
        words = "backtest", "--strategy", "market-making", "--feed", "some.pcap", "--json"
        pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames[:50] + frames[53:100] + frames[101:]))
        done = self.check(*words, "--skip-malformed")
        answer = json.loads(done.stdout)
        self.assertEqual((answer["missing"], answer["gaps"]), (4, 2))
        self.assertIn("no packet has 4 of its messages: traded in the rest", done.stderr)
        pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames)[:-20])
        self.assertIn("ends inside a packet", self.check(*words, code=2).stderr)
        done = self.check(*words, "--skip-malformed")
        self.assertIn("ends inside a packet: traded in the rest", done.stderr)
        bad = self.frame(51, [b"?" + messages[50][1:]])
        pathlib.Path(self.path("some.pcap")).write_bytes(self.pcap(frames[:50] + [bad] + frames[51:]))
        self.refuse(*words, says=["1 of its packets' blocks is no message of ITCH", "--skip-malformed"])
        self.assertEqual(json.loads(self.check(*words, "--skip-malformed").stdout)["gaps"], 1)
        self.assertEqual(self.see(self.pcap(frames[:50] + [bad] + frames[51:]), code=2)[0], 198)

    def test_blocks_of_pcapng(self):
        def block(kind, body, order="<"):
            body += b"\0" * (-len(body) % 4)
            return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))

        begin, interface = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)), block(1, struct.pack("<HHI", 1, 0, 0))
        packet = lambda f, i: block(6, struct.pack("<IIIII", i, 0, 0, len(f), len(f)) + f)
        old = lambda f, i: block(2, struct.pack("<HHIIII", i, 0, 0, 0, len(f), len(f)) + f)
        for make in (packet, old):
            self.assertEqual(self.see(begin + 70 * interface + b"".join(make(f, i % 70) for i, f in enumerate(self.ether))), (self.messages, ""))
        frames = [packet(f, 0) for f in self.ether]
        large = begin + interface + b"".join(frames[:9]) + block(10, bytes(3 << 20)) + b"".join(frames[9:])
        self.assertEqual(self.see(large), (self.messages, ""))
        self.assertIn("ends inside a packet", self.see(begin + interface + b"".join(frames) + block(10, bytes(3 << 20))[:-9], code=2)[1])
        said = self.see(begin + interface + b"".join(frames) + packet(self.ether[0], 9))[1]
        self.assertIn(f"of {len(frames) + 1} packets 1 are no MoldUDP64", said)

    def test_a_backtest_in_a_capture_with_a_bad_message(self):
        data = bytearray(pathlib.Path(self.plain).read_bytes())
        at = 0
        for _ in range(3000):
            at += 2 + struct.unpack_from(">H", data, at)[0]
        data[at + 2] = ord("~")
        pathlib.Path(self.path("bad.itch")).write_bytes(data)
        words = "backtest", "--strategy", "market-making", "--symbol", "SYM0001", "--feed", "bad.itch"
        self.refuse(*words, says=["message 3001", "--skip-malformed"])
        done = self.check(*words, "--json", "--skip-malformed")
        self.assertIn(f"1 malformed message skipped; the first: bad.itch: message 3001 at byte {at + 2}", done.stderr)
        self.assertEqual(json.loads(done.stdout)["malformed"], 1)
        self.assertIn("malformed messages skipped", self.check(*words, "--skip-malformed").stdout)


class RealDbn(Feed):
    """What real files have and made ones have not: any ids, any ticks, many symbols, several venues, names that come late."""

    def file(self, name, data):
        path = self.path(name)
        pathlib.Path(path).write_bytes(data)
        return path

    def levels(self, path, symbol, *words):
        shown = self.check("feed", "book", "--symbol", symbol, "--color", "never", *words, path).stdout
        self.assertNotIn("STALE", shown)
        return [tuple(line.split()[:3]) for line in shown.splitlines() if line.strip().startswith(("bid", "ask"))]

    def test_fine_ticks_and_large_ids(self):
        data = dbn_metadata([("6EH4", 42140878), ("ZNH4", 4294967295)])
        for i, price in enumerate((1083450000, 1083400000, 1083500000)):
            data += dbn_order(42140878, b"A", b"B", i + 1, price, i + 1)
        for i, price in enumerate((110015625000, 110007812500)):
            data += dbn_order(4294967295, b"A", b"A", i + 1, price, i + 1)
        path = self.file("6e.dbn", data)
        self.assertEqual(self.levels(path, "6EH4"), [("bid", "1.0835", "3"), ("bid", "1.08345", "1"), ("bid", "1.0834", "2")])
        self.assertEqual(self.levels(path, "ZNH4"), [("ask", "110.015625", "1"), ("ask", "110.0078125", "2")])

    def test_best_prices_replace(self):
        data = dbn_metadata([("AAPL", 38)], schema=1) + dbn_best(38, 100 * 10**9, 101 * 10**9) + dbn_best(38, 99 * 10**9, 99500000000)
        self.assertEqual(self.levels(self.file("mbp", data), "AAPL"), [("ask", "99.5", "4"), ("bid", "99", "3")])
        data += dbn_best(38, NO_PRICE, NO_PRICE)
        self.assertEqual(self.levels(self.file("mbp", data), "AAPL"), [])

    def test_changes_of_orders_that_are_not_known(self):
        """As a file has them that begins in the middle of a day: additions, in the book and in a backtest in it."""
        data = dbn_metadata([("AAPL", 38)]) + dbn_order(38, b"A", b"A", 1, 102 * 10**9, 5) + dbn_order(38, b"M", b"B", 7, 101 * 10**9, 3)
        data += dbn_order(38, b"C", b"B", 7, 101 * 10**9, 1)
        path = self.file("middle.dbn", data)
        self.assertEqual(self.levels(path, "AAPL"), [("ask", "102", "5"), ("bid", "101", "2")])
        answer = json.loads(self.check("backtest", "--strategy", "market-making", "--set", "quantity=1", "--feed", path, "--symbol", "AAPL", "--json").stdout)
        self.assertEqual((answer["events"], answer["unknown"]), (3, 0))

    def test_venues_have_books_of_their_own(self):
        data = dbn_metadata([("GOOG", 7)]) + dbn_order(7, b"A", b"B", 1, 187 * 10**9, 5, publisher=39) + dbn_order(7, b"A", b"B", 1, 188 * 10**9, 6, publisher=40)
        path = self.file("venues.dbn", data)
        self.assertEqual(self.levels(path, "GOOG"), [("bid", "187", "5")])
        self.assertEqual(self.levels(path, "GOOG@40"), [("bid", "188", "6")])

    def test_without_names(self):
        path = self.file("names.dbn", dbn_metadata([]) + dbn_order(42140878, b"A", b"B", 1, 10**9, 5))
        self.assertEqual(self.levels(path, "42140878"), [("bid", "1", "5")])

    def test_names_that_come_later(self):
        mapping = struct.pack("<BBHIQ", 176 // 4, 0x16, 1, 99, 0) + b"\1" + b"ES.FUT".ljust(71, b"\0") + b"\1" + b"ESH4".ljust(71, b"\0") + struct.pack("<QQ", 0, 0)
        data = dbn_metadata([]) + dbn_order(99, b"A", b"B", 1, 4700250000000, 5) + mapping + dbn_order(99, b"A", b"B", 2, 4700000000000, 5)
        self.assertEqual([level[1] for level in self.levels(self.file("late.dbn", data), "ESH4")], ["4700.25", "4700"])

    def test_many_symbols_and_bars_of_one(self):
        count = 3000
        names = [(f"S{i}", 1000003 * i % 2**32) for i in range(1, count + 1)]
        data = dbn_metadata(names)
        for i in range(1, count + 1):
            data += dbn_trade(1000003 * i % 2**32, b"B", i * 10**9, i)
        data += dbn_trade(1000003, b"A", NO_PRICE, 7) + dbn_trade(1000003, b"A", 10**9, 7, time=NO_TIME)
        data += dbn_trade(1000003, b"A", 10**9, 9, time=NO_TIME, received=NO_TIME)  # when it was nobody knows
        path = self.file("many.dbn", data)
        out = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--symbol", "S2999", path).stdout)))
        self.assertEqual([(row["close"], row["volume"]) for row in out], [("2999", "2999")])
        out = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--symbol", "S1", path).stdout)))
        self.assertEqual([(row["volume"], row["sell_volume"]) for row in out], [("8", "7")])
        self.assertEqual(len(self.check("feed", "bars", path).stdout.splitlines()), count + 1)

    def test_compressed_in_several_frames(self):
        """Zstandard frames (RFC 8878) of blocks that are stored, as they come when files are joined."""

        def frame(content):
            return b"\x28\xb5\x2f\xfd\xa0" + struct.pack("<I", len(content)) + (len(content) << 3 | 1).to_bytes(3, "little") + content

        data = dbn_metadata([("AAPL", 38)]) + dbn_order(38, b"A", b"B", 1, 10**9, 5)
        path = self.file("day.dbn.zst", frame(data[:100]) + frame(data[100:]))
        done = self.run_command("feed", "decode", "--json", path)
        if "libarchive" in done.stderr:
            self.skipTest(done.stderr)
        self.assertEqual(json.loads(done.stdout)["types"], {"mbo": 1})
        self.assertEqual(self.levels(path, "AAPL"), [("bid", "1", "5")])

    def test_nothing_but_metadata(self):
        path = self.file("empty.dbn", dbn_metadata([("AAPL", 38)], version=1))
        self.assertEqual(self.answer(path)["messages"], 0)


class Lobster(Feed):
    """A file of orders that begins inside a day, called as they are."""

    def test_decode_bars_book_and_backtest(self):
        rows = ["34200.004241176,1,11,18,5853300,1", "34200.02,1,12,18,5859100,-1", "34200.03,1,13,50,5860000,-1", "34200.2,4,11,8,5853300,1", "34200.3,5,0,100,5855000,1",
                "34260.4,2,13,20,5860000,-1", "34260.5,3,12,18,5859100,-1", "34261,7,0,0,-1,-1"]
        path = self.write("AAPL_2012-06-21_34200000_57600000_message_5.csv", "\n".join(rows) + "\n")
        shown = json.loads(self.check("feed", "book", "--json", path).stdout)
        self.assertEqual((shown["symbol"], shown["stale"]), ("AAPL", False))
        self.assertEqual([(x["price"], x["quantity"]) for x in shown["bids"] + shown["asks"]], [(585.33, 10), (586, 30)])
        bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", path).stdout)))
        self.assertEqual([[bar[k] for k in ("symbol", "open", "close", "volume", "buy_volume", "sell_volume")] for bar in bars], [["AAPL", "585.33", "585.5", "108", "0", "108"]])
        self.check("backtest", "--strategy", "market-making", "--feed", path)
        late = self.write("MSFT_message.csv", "\n".join(rows[3:]) + "\n")  # of orders that rested before
        self.assertEqual(json.loads(self.check("feed", "book", "--json", late, code=3).stdout)["unknown"], 3)
        bars = list(csv.DictReader(io.StringIO(self.check("feed", "bars", late).stdout)))
        self.assertEqual((bars[0]["volume"], bars[0]["sell_volume"]), ("108", "108"))


class RealJson(Feed):
    """Streams as they are captured: wrapped or not, with snapshots that name nothing, with messages of other kinds among them."""

    DEPTH = '{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":%d,"u":%d,"b":%s,"a":%s}'

    def shown(self, *lines, symbol="BNBBTC"):
        path = self.write("captured.json", "\n".join(lines) + "\n")
        done = self.run_command("feed", "book", "--symbol", symbol, "--color", "never", path)
        shown = done.stdout
        self.assertEqual(done.returncode, 3 if "STALE" in shown else 0, done.stderr)
        return "STALE" in shown, [tuple(line.split()[:3]) for line in shown.splitlines() if line.strip().startswith(("bid", "ask"))]

    def wrapped(self, stream, text):
        return '{"stream":"%s","data":%s}' % (stream, text)

    def test_a_snapshot_that_names_nothing(self):
        snapshot = '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'
        first = self.DEPTH % (157, 161, '[["0.0023","5"]]', "[]")
        second = self.DEPTH % (162, 162, "[]", "[]")
        third = self.DEPTH % (163, 164, "[]", '[["0.0026","0"],["0.0027","7"]]')
        right = [("ask", "0.0027", "7"), ("bid", "0.0024", "10"), ("bid", "0.0023", "5")]
        self.assertEqual(self.shown(snapshot, first, second, third), (False, right))
        self.assertEqual(self.shown(first, second, snapshot, third), (False, right))
        self.assertTrue(self.shown(snapshot, first, third)[0])

    def test_combined_streams(self):
        lines = [
            self.wrapped("bnbbtc@depth20@100ms", '{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}'),
            self.wrapped("bnbbtc@trade", '{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782136,"m":true,"M":true}'),
            self.wrapped("bnbbtc@kline_1m", '{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"o":"0.0010"}}'),
            self.wrapped("bnbbtc@depth20@100ms", '{"lastUpdateId":170,"bids":[["0.0025","10"]],"asks":[["0.0026","90"]]}'),
        ]
        self.assertEqual(self.shown(*lines), (False, [("ask", "0.0026", "90"), ("bid", "0.0025", "10")]))
        answer = self.answer(self.path("captured.json"))
        self.assertEqual(answer["types"], {"snapshot": 2, "trade": 1, "other": 1})
        shown = self.check("feed", "decode", self.path("captured.json")).stdout
        self.assertIn("snapshot BNBBTC clear price=", shown)  # nobody says when
        self.assertIn("trade BNBBTC trade time=1672515782136000000 side=S", shown)
        self.assertNotIn("time=0", shown)

    def test_trades_told_twice_fill_once(self):
        """The recorded events of a backtest in the book, with one kind of trades and with both."""
        lines = ['{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}', self.DEPTH % (157, 161, '[["0.0023","5"]]', "[]")]
        for i in range(5):
            lines.append('{"e":"trade","E":%d,"s":"BNBBTC","t":%d,"p":"0.0024","q":"1","T":%d,"m":true,"M":true}' % (1672515782136 + i, i, 1672515782136 + i))
            lines.append('{"e":"aggTrade","E":%d,"s":"BNBBTC","a":%d,"p":"0.0024","q":"1","f":%d,"l":%d,"T":%d,"m":true,"M":true}' % (1672515782136 + i, i, i, i, 1672515782136 + i))
        counts = []
        for kept in (lines, [line for line in lines if "aggTrade" not in line]):
            path = self.write("both.json", "\n".join(kept))
            done = self.check("backtest", "--strategy", "market-making", "--set", "quantity=1", "--feed", path, "--symbol", "BNBBTC", "--json")
            counts.append(json.loads(done.stdout)["events"])
            self.assertEqual("5 of kind aggTrade are left out" in done.stderr, kept is lines)
        self.assertEqual(counts[0], counts[1])

    def test_best_prices(self):
        lines = ['{"u":%d,"s":"BNBUSDT","b":"25.35","B":"31.21","a":"25.36","A":"%s"}' % (i, i) for i in (4, 5)]
        self.assertEqual(self.shown(*lines, symbol="BNBUSDT"), (False, [("ask", "25.36", "5"), ("bid", "25.35", "31.21")]))


if __name__ == "__main__":
    story.main()

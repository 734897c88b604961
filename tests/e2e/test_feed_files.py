#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recordings as they lie about: compressed, in pipes, cut off, and larger than memory."""
import contextlib
import gzip
import json
import mmap
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import time
import unittest
import zipfile
import zlib

import feeds
import story


class Compressed(feeds.Feed):
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

    def test_a_zip_with_a_text_beside_its_table(self):
        """In whichever order; a .txt alone is the table, however long, and two tables are still one too many."""
        rows, remark = "time,price\n1704205800,1\n1704205801,2\n", "What this is:\na table, and who made it.\n" * 500
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

    def is_as_far_as_it_goes(self, cut, plain, kind):
        """What is whole of a compressed file is what is whole of the same bytes in a plain one, and where it is cut is told."""
        size = os.path.getsize(self.path(cut))
        at = self.assert_cut(self.run_command("feed", "decode", "--json", "--format", kind, self.path(cut)), size)
        self.assertEqual(json.loads(at.stdout)["messages"], json.loads(self.run_command("feed", "decode", "--json", "--format", kind, plain).stdout)["messages"])
        for words in (("bars", "--every", "1s"), ("flow", "--every", "1s"), ("book", "--symbol", "SYM0001")):
            of_cut, of_plain = (self.run_command("feed", *words, "--format", kind, name) for name in (self.path(cut), plain))
            self.assertEqual(of_cut.stdout.splitlines()[1:], of_plain.stdout.splitlines()[1:], words)
            self.assert_cut(of_cut, size)

    def assert_cut(self, done, size):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"cut off at byte {size}, in the ", done.stderr)
        self.assertIn("the answer is of what comes before" if done.stdout != "" else "fetch the rest of it", done.stderr)
        return done

    def test_a_compressed_file_that_is_cut_off(self):
        for kind in ("itch", "json", "dbn", "fix"):
            packed = gzip.compress(pathlib.Path(self.make(kind)).read_bytes())
            for cut in (len(packed) // 9, len(packed) // 2, len(packed) - 20):
                pathlib.Path(self.path("cut.gz")).write_bytes(packed[:cut])
                pathlib.Path(self.path("cut.plain")).write_bytes(zlib.decompressobj(31).decompress(packed[:cut]))
                self.is_as_far_as_it_goes("cut.gz", self.path("cut.plain"), kind)

    def test_cut_off_of_it_all_but_the_last_bytes(self):
        """In the check sum behind the data: all messages are there."""
        data = pathlib.Path(self.make("itch")).read_bytes()
        pathlib.Path(self.path("cut.gz")).write_bytes(gzip.compress(data)[:-1])
        done = self.check("feed", "decode", "--json", self.path("cut.gz"), code=2)
        self.assertEqual(json.loads(done.stdout)["messages"], self.answer(self.path("made.itch"))["messages"])

    @staticmethod
    def stored(data, block):
        """A frame of Zstandard (RFC 8878) whose blocks are stored, and where each ends."""
        out, ends = bytearray(b"\x28\xb5\x2f\xfd\xa0" + len(data).to_bytes(4, "little")), []
        for at in range(0, len(data), block):
            piece = data[at : at + block]
            out += (len(piece) << 3 | (at + block >= len(data))).to_bytes(3, "little") + piece
            ends.append(len(out))
        return bytes(out), ends

    def test_zstandard_that_is_cut_off(self):
        for kind in ("itch", "json", "dbn", "fix"):
            data = pathlib.Path(self.make(kind)).read_bytes()
            packed, ends = self.stored(data, 10000)
            for blocks in (1, 2, len(ends) // 2, len(ends) - 1):
                pathlib.Path(self.path("cut.zst")).write_bytes(packed[: ends[blocks - 1] + 3])  # in the next block's head
                pathlib.Path(self.path("cut.plain")).write_bytes(data[: 10000 * blocks])
                self.is_as_far_as_it_goes("cut.zst", self.path("cut.plain"), kind)
                done = self.run_command("feed", "decode", "--format", kind, "-", stdin=packed[: ends[blocks - 1] + 3], text=False)
                self.assertIn(f"standard input: the compressed feed is cut off at byte {ends[blocks - 1] + 3}, in the frame that begins at byte 0".encode(), done.stderr)
        self.assertIn("cut off at byte 100", self.refused(packed[:100], "stdin"))

    def refused(self, data, name):
        pathlib.Path(self.path(name)).write_bytes(data)
        done = self.check("feed", "bars", self.path(name), code=2)
        self.assertEqual(done.stdout, "")
        return done.stderr

    @unittest.skipUnless(shutil.which("zstd"), "no zstd to make blocks that are compressed")
    def test_what_zstd_makes_cut_off(self):
        data = pathlib.Path(self.make("json", "--messages", "20000")).read_bytes()
        packed = subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
        block, least = 1 << 17, 0
        for cut in (2000, len(packed) // 3, len(packed) // 2, len(packed) - 1):
            pathlib.Path(self.path("cut.zst")).write_bytes(packed[:cut])
            done = self.run_command("feed", "decode", "--json", "--format", "json", self.path("cut.zst"))
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"cut off at byte {cut}, in the frame that begins at byte 0", done.stderr)
            if done.stdout == "":
                self.assertEqual(cut, 2000)
                continue
            passed = json.loads(done.stdout)["bytes"]
            pathlib.Path(self.path("cut.plain")).write_bytes(data[:passed])
            self.assertEqual(json.loads(done.stdout)["messages"], self.answer(self.path("cut.plain"))["messages"])
            self.assertGreater(passed, least + block / 2)
            least = passed
        self.assertGreater(least, len(data) - 2 * block)
        self.assertIn("no frame begins at byte " + str(len(packed)), self.told_of(packed + b"junkjunkjunk", "junk.zst", len(data)))

    def told_of(self, packed, name, size):
        """All `size` bytes were read, and something behind them is wrong."""
        pathlib.Path(self.path(name)).write_bytes(packed)
        done = self.check("feed", "decode", "--json", self.path(name), code=2)
        self.assertGreater(json.loads(done.stdout)["bytes"], size - 1000)
        return done.stderr


class Large(feeds.Feed):
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


if __name__ == "__main__":
    story.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TotalView-ITCH, beside a plain reader in Python."""
import csv
import io
import json
import pathlib
import struct
import subprocess
import time

import feeds
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


class Book(feeds.Feed):
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


    def test_what_a_symbol_holds_stays_off_the_terminal(self):
        path = self.path("escape.itch")
        pathlib.Path(path).write_bytes(pathlib.Path(self.make("itch")).read_bytes().replace(b"SYM0001 ", b"\x1b[31mX  "))
        shown = self.check("feed", "book", "--symbol", "\x1b[31mX", "--color", "never", path).stdout
        self.assertIn("[31mX, ", shown)
        self.assertNotIn("\x1b", shown)


class Days(feeds.Feed):
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


if __name__ == "__main__":
    story.main()

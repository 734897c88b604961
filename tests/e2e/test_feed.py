#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recorded feeds as a user reads them, beside a plain reader in Python."""
import csv
import gzip
import io
import json
import pathlib
import struct

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
        self.assertEqual(sum(int(b["ticks"]) for b in bars), len(ticks))

    def test_the_same_trades_from_every_format(self):
        volumes = set()
        for kind in ("csv", "json", "dbn"):
            out = self.check("feed", "bars", "--symbol", "SYM0001", "--every", "volume:1e15", self.make(kind)).stdout
            volumes.add(float(list(csv.DictReader(io.StringIO(out)))[0]["volume"]))
        self.assertEqual(len(volumes), 1)


class Book(Feed):
    def test_the_book_beside_python(self):
        path = self.make("itch")
        book = itch_book(pathlib.Path(path).read_bytes())
        shown = self.check("feed", "book", "--symbol", "SYM0001", "--depth", "5", "--color", "never", path).stdout
        levels = [line.split() for line in shown.splitlines() if line.strip().startswith(("bid", "ask"))]
        for side, name, prices in (("S", "ask", sorted(book["S"])[:5]), ("B", "bid", sorted(book["B"], reverse=True)[:5])):
            found = [(round(float(w[1]) * 10000), int(w[2])) for w in levels if w[0] == name]
            self.assertEqual(sorted(found), sorted((p, book[side][p]) for p in prices))
        self.assertNotIn("STALE", shown)
        done = self.run_command("feed", "book", "--symbol", "NONE", path)
        self.assertEqual(done.returncode, 2)
        self.assertIn("SYM0001, SYM0002", done.stderr)


if __name__ == "__main__":
    story.main()

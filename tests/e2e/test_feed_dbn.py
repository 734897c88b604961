#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""DBN, in files that are written here."""
import csv
import io
import json
import pathlib
import struct

import feeds
import story


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


class RealDbn(feeds.Feed):
    """What real files have and made ones have not: any ids, any ticks, many symbols, several venues, names that come late."""

    def file(self, name, data):
        path = self.path(name)
        pathlib.Path(path).write_bytes(data)
        return path

    def levels(self, path, symbol, *words):
        shown = self.check("feed", "book", "--symbol", symbol, "--color", "never", *words, path).stdout
        self.assertNotIn("STALE", shown)
        return [tuple(line.split()[:3]) for line in shown.splitlines() if line.strip().startswith(("bid", "ask"))]

    def test_records_of_a_later_version_are_counted(self):
        unknown = struct.pack("<BBHIQ", 5, 0x77, 1, 7, 1704205800 * 10**9) + bytes(4)
        data = dbn_metadata([("AAA", 7)]) + dbn_trade(7, b"B", 10**10, 1) + unknown + dbn_trade(7, b"S", 10**10, 2)
        path = self.file("later.dbn", data)
        for words in (("decode",), ("bars", "--every", "1s")):
            self.assertIn("of types that are not known (of a later version of DBN?), and were passed: 1\n", self.check("feed", *words, path).stderr)
        self.assertEqual(self.answer(path)["messages"], 2)

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

    def test_bars_of_dbn_keep_their_range(self):
        data = dbn_metadata([("AAPL", 38)], schema=7)
        for i, (low, high) in enumerate(((1, 9), (2, 5))):
            prices = [p * 10**9 for p in (3, high, low, 4)]
            data += struct.pack("<BBHIQqqqqQ", 14, 0x21, 1, 38, (1704153600 + 60 * i) * 10**9, *prices, 10)
        path = self.path("bars.dbn")
        pathlib.Path(path).write_bytes(data)
        (bar,) = csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "1h", path).stdout))
        self.assertEqual([float(bar[k]) for k in ("open", "high", "low", "close", "volume")], [3, 9, 1, 4, 20])


if __name__ == "__main__":
    story.main()

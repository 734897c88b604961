#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Order-flow imbalance and microprice of recorded books, beside a plain reader in Python."""
import csv
import io
import json
import pathlib
import struct

import feeds
import story
import test_feed_dbn as dbn

HOUR = 3600 * 10**9


class Side:
    """The best of one side of a book: orders by their price."""

    def __init__(self, best):
        self.best, self.levels = best, {}

    def add(self, price, shares):
        left = self.levels.get(price, 0) + shares
        self.levels[price] = left
        if left == 0:
            del self.levels[price]

    def top(self):
        price = self.best(self.levels) if self.levels else None
        return price, self.levels.get(price, 0)


def tops(data, wanted):
    """(time, bid, bid's shares, ask, ask's shares) after each message of a BinaryFILE about one locate."""
    orders, sides, at = {}, {"B": Side(max), "S": Side(min)}, 0

    def change(key, shares):
        orders[key][3] += shares
        if orders[key][0] == wanted:
            sides[orders[key][1]].add(orders[key][2], shares)

    def add(key, locate, side, price, shares):
        orders[key] = [locate, side, price, 0]
        change(key, shares)

    while at < len(data):
        (length,) = struct.unpack_from(">H", data, at)
        m = data[at + 2 : at + 2 + length]
        at += 2 + length
        kind, locate, time = chr(m[0]), struct.unpack_from(">H", m, 1)[0], int.from_bytes(m[5:11], "big")
        key = struct.unpack_from(">Q", m, 11)[0] if length >= 19 else 0
        if kind in "AF":
            side, shares, _, price = struct.unpack_from(">cI8sI", m, 19)
            add(key, locate, side.decode(), price, shares)
        elif kind in "ECX":
            change(key, -struct.unpack_from(">I", m, 19)[0])
        elif kind == "D":
            change(key, -orders[key][3])
        elif kind == "U":
            new, shares, price = struct.unpack_from(">QII", m, 19)
            change(key, -orders[key][3])
            add(new, orders[key][0], orders[key][1], price, shares)
        if locate == wanted:
            yield (time, *sides["B"].top(), *sides["S"].top())


def flows(seen, every):
    """Rows {time: (bid, ask, bid's, ask's, imbalance, changes)}: Cont, Kukanov and Stoikov (2014), equation 3, change by change."""
    rows, last = {}, None
    for time, bid, bids, ask, asks in seen:
        if last is None and (bids == 0 or asks == 0):
            continue
        if last is not None:
            bid, ask = bid if bids else last[0], ask if asks else last[2]
        now = (bid, bids, ask, asks)
        if now == last:
            continue
        if last is not None:
            e = (bid >= last[0]) * bids - (bid <= last[0]) * last[1] - (ask <= last[2]) * asks + (ask >= last[2]) * last[3]
            before = rows.get(time // every * every, (0,) * 6)
            rows[time // every * every] = (bid, ask, bids, asks, before[4] + e, before[5] + 1)
        last = now
    return rows


class Flow(feeds.Feed):
    def rows(self, *words, code=0):
        done = self.check("feed", "flow", *words, code=code)
        return list(csv.DictReader(io.StringIO(done.stdout))), done.stderr

    def test_beside_python(self):
        path = self.make("itch", "--messages", "20000")
        data = pathlib.Path(path).read_bytes()
        for locate, every, text in ((1, 10**6, "1ms"), (2, 5 * 10**7, "50ms"), (1, 60 * 10**9, "1m")):
            wanted = flows(tops(data, locate), every)
            self.assertGreater(len(wanted), 0)
            found, _ = self.rows("--every", text, "--symbol", f"SYM000{locate}", path)
            self.assertEqual([int(r["time"]) for r in found], sorted(wanted))
            for r in found:
                bid, ask, bids, asks, imbalance, changes = wanted[int(r["time"])]
                self.assertEqual((float(r["imbalance"]), int(r["changes"])), (imbalance, changes))
                self.assertEqual((float(r["bid_quantity"]), float(r["ask_quantity"])), (bids, asks))
                if bids and asks:
                    self.assertAlmostEqual(float(r["bid"]), bid / 1e4, 9)
                    self.assertAlmostEqual(float(r["spread"]), (ask - bid) / 1e4, 9)
                    self.assertAlmostEqual(float(r["microprice"]), (bid + (ask - bid) * bids / (bids + asks)) / 1e4, 9)
                else:
                    self.assertEqual((r["spread"], r["microprice"], r["ask" if bids else "bid"]), ("", "", ""))

    def test_the_same_from_orders_in_another_format(self):
        """One market as ITCH and as DBN: the same changes, which begin at 9:30 in New York and at 14:30 of a day in London."""
        rows = [self.rows("--every", "10ms", self.make(kind, "--messages", "8000"))[0] for kind in ("itch", "dbn")]
        for some, begin in zip(rows, (9, 14)):
            for r in some:
                r["time"] = int(r["time"]) % (24 * HOUR) - begin * HOUR
                r["microprice"] = round(float(r["microprice"]), 9)  # other decimals, other last bits
        self.assertGreater(len(rows[0]), 10)
        key = lambda r: (r["symbol"], r["time"])
        self.assertEqual(sorted(rows[0], key=key), sorted(rows[1], key=key))

    def test_as_json_and_as_text(self):
        path = self.make("json")
        table, _ = self.rows("--every", "100ms", path)
        document = json.loads(self.check("feed", "flow", "--every", "100ms", "--json", path).stdout)
        self.assertEqual((document["schema"], document["lost_books"], document["far_changes"]), ("assay-flow/1", 0, 0))
        self.assertEqual([(r["symbol"], str(r["time"]), r["imbalance"], r["changes"]) for r in document["rows"]],
                         [(r["symbol"], r["time"], float(r["imbalance"]), int(r["changes"])) for r in table])
        text = self.check("feed", "flow", "--every", "100ms", "--format-out", "text", path).stdout
        self.assertIn("microprice", text.splitlines()[0])

    def depth(self, *updates):
        """Binance's, of one pair: (ms, U, u, bids, asks); the first is a snapshot."""
        _, _, last, bids, asks = updates[0]
        lines = [json.dumps({"lastUpdateId": last, "bids": bids, "asks": asks})]
        for ms, first, last, bids, asks in updates[1:]:
            lines.append(json.dumps({"e": "depthUpdate", "E": ms, "s": "AB", "U": first, "u": last, "b": bids, "a": asks}))
        return self.write("depth.json", "\n".join(lines))

    def test_changes_by_hand(self):
        start = 1700000000000
        path = self.depth((0, 0, 10, [["9", "5"]], [["10", "4"]]),
                          (start, 11, 11, [["9", "7"]], []),         # bids grow by 2
                          (start + 10, 12, 12, [], [["10", "1"]]),   # asks shrink by 3
                          (start + 20, 13, 13, [["8", "50"]], []),   # behind the best
                          (start + 30, 14, 14, [["9.5", "3"]], []),  # a better bid of 3
                          (start + 1010, 15, 15, [["9.5", "0"]], []))  # gone: 3 less, and what is behind it is no news
        rows, _ = self.rows("--every", "1s", path)
        self.assertEqual([(r["time"], r["imbalance"], r["changes"]) for r in rows], [(str(start * 10**6), "8", "3"), (str((start + 1000) * 10**6), "-3", "1")])
        self.assertEqual((rows[0]["bid"], rows[0]["ask"], rows[0]["microprice"]), ("9.5", "10", "9.875"))
        self.assertEqual((rows[1]["bid"], rows[1]["bid_quantity"]), ("9", "7"))

    def test_a_gap_begins_anew(self):
        start = 1700000000000
        whole = [(0, 0, 10, [["9", "5"]], [["10", "4"]]), (start, 11, 11, [["9", "7"]], []), (start + 100, 12, 12, [["9", "8"]], [])]
        rows, said = self.rows("--every", "1s", self.depth(*whole, (start + 2000, 14, 14, [["9", "1"]], [])), code=3)
        self.assertEqual([(r["imbalance"], r["changes"]) for r in rows], [("3", "2")])
        self.assertIn("books that messages are missing of", said)
        # A fault in the middle of a file is one, too; at its end it costs nothing.
        lines = pathlib.Path(self.depth(*whole)).read_text().splitlines()
        self.assertEqual(self.rows(self.write("cut.json", "\n".join(lines + [lines[-1][:20]])), code=2)[0], self.rows(self.depth(*whole))[0])
        self.assertEqual(len(self.rows(self.write("broken.json", "\n".join(lines[:2] + ["{broken}"] + lines[2:])), code=3)[0]), 1)

    def test_a_snapshot_behind_a_fault_is_no_change(self):
        start = 1700000000000
        before = [(0, 0, 10, [["9", "5"]], [["10", "4"]]), (start, 11, 11, [["9", "7"]], [])]
        behind = [(0, 0, 20, [["19", "5"]], [["20", "4"]]), (start + 100, 21, 21, [["19", "8"]], [])]
        lines = [pathlib.Path(self.depth(*part)).read_text() for part in (before, behind)]
        rows, said = self.rows("--every", "1s", self.write("again.json", "\n".join([lines[0], "{broken}", lines[1]])), code=3)
        self.assertEqual([(r["bid"], r["imbalance"], r["changes"]) for r in rows], [("9", "2", "1"), ("19", "3", "1")])
        self.assertIn("books that messages are missing of", said)

    def test_a_snapshot_among_differences_is_no_change(self):
        """What it says is where the next change is counted from, in the same row."""
        start = 1700000000000
        snapshot = {"lastUpdateId": 12, "bids": [["19", "5"]], "asks": [["20", "4"]]}
        behind = {"e": "depthUpdate", "E": start + 20, "s": "AB", "U": 13, "u": 13, "b": [["19", "8"]], "a": []}
        text = pathlib.Path(self.depth((0, 0, 10, [["9", "5"]], [["10", "4"]]), (start, 11, 12, [["9", "7"]], []))).read_text()
        for between in ("", '{"e":"trade","E":%d,"s":"AB","t":1,"p":"9","q":"1","T":%d,"m":true}\n' % (start, start)):
            rows, _ = self.rows("--every", "1s", self.write("again.json", f"{text}\n{between}{json.dumps(snapshot)}\n{between}{json.dumps(behind)}\n"))
            self.assertEqual([(r["bid"], r["imbalance"], r["changes"]) for r in rows], [("19", "5", "2")])  # 2 more, and 3 more
        # The very same book told again changes nothing at all.
        rows, _ = self.rows("--every", "1s", self.write("same.json", f'{text}\n{json.dumps({"lastUpdateId": 12, "bids": [["9", "7"]], "asks": [["10", "4"]]})}'))
        self.assertEqual([(r["bid"], r["imbalance"], r["changes"]) for r in rows], [("9", "2", "1")])

    def test_whole_books_alone_are_changes(self):
        """Of @depth5, raw or with the name of its stream, there is nothing else; trades among them tell of no change."""
        start = 1700000000000
        books = [json.dumps({"lastUpdateId": i, "bids": [["9", str(5 + i)]], "asks": [["10", "4"]]}) for i in range(3)]
        trades = ['{"e":"trade","E":%d,"s":"AB","t":1,"p":"9","q":"1","T":%d,"m":true}' % (start + i, start + i) for i in range(3)]
        for lines in ([x for pair in zip(trades, books) for x in pair], [x for t, b in zip(trades, books) for x in (t, '{"stream":"ab@depth5","data":%s}' % b)]):
            rows, _ = self.rows("--every", "1s", self.write("partial.json", "\n".join(lines)))
            self.assertEqual([(r["symbol"], r["bid"], r["imbalance"], r["changes"]) for r in rows], [("AB", "9", "2", "2")])

    def test_whole_books_in_a_table(self):
        """Tardis' rows: each of a whole book is one of its own, the worst prices first or the best."""
        t = 1700000000000000
        row = lambda us, snapshot, side, price, amount: f"X,AB,{t + us},{t + us},{snapshot},{side},{price},{amount}"
        first = [row(0, "true", "bid", 9, 5), row(0, "true", "bid", 8, 50), row(0, "true", "ask", 10, 4), row(0, "true", "ask", 11, 40)]
        again = [row(2000, "true", "bid", 8, 9), row(2000, "true", "bid", 9, 1), row(2000, "true", "ask", 12, 3), row(2000, "true", "ask", 10, 2)]
        head, more = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount", [row(1000, "false", "bid", 9, 7)]
        for lines in (first, first[::-1]):
            for middle in (again, again[::-1]):
                text = "\n".join([head, *lines, *more, *middle, row(3000, "false", "bid", 9, 4)]) + "\n"
                rows, _ = self.rows("--every", "1s", self.write("tardis.csv", text))
                self.assertEqual([(r["bid"], r["bid_quantity"], r["ask_quantity"], r["imbalance"], r["changes"]) for r in rows], [("9", "4", "2", "5", "2")])

    def test_whole_books_in_dbn(self):
        """R, and the orders that rest by the times at which they came (F_SNAPSHOT), the last of which ends it (F_LAST)."""
        ns, last, snapshot = 1704205800 * 10**9, 128, 32
        order = lambda action, side, number, price, size, flags, ms: dbn.dbn_order(7, action, side, number, price * 10**9, size, flags, time=ns + ms * 10**6)
        change = [order(b"A", b"B", 1, 9, 5, last, 0), order(b"A", b"A", 2, 10, 4, last, 0), order(b"A", b"B", 3, 9, 2, last, 1)]
        for ends in (last, 0):
            again = [order(b"R", b"N", 0, 0, 0, snapshot, 2), order(b"A", b"B", 11, 8, 9, snapshot, -500), order(b"A", b"A", 15, 12, 3, snapshot, -450),
                     order(b"A", b"B", 12, 9, 1, snapshot | last - ends, -300), order(b"A", b"A", 13, 10, 2, snapshot | ends, -400)]
            path = self.path("snapshot.dbn")
            pathlib.Path(path).write_bytes(dbn.dbn_metadata([("AB", 7)]) + b"".join(change + again + [order(b"A", b"B", 14, 9, 3, last, 3)]))
            rows, _ = self.rows("--every", "1s", path)
            self.assertEqual([(r["bid"], r["bid_quantity"], r["ask_quantity"], r["imbalance"], r["changes"]) for r in rows], [("9", "4", "2", "5", "2")])

    def test_a_clock_that_is_wrong_once(self):
        start, year = 1700000000000, 365 * 86400 * 1000
        path = self.depth((0, 0, 10, [["9", "5"]], [["10", "4"]]), (start, 11, 11, [["9", "7"]], []), (start + 100, 12, 12, [["9", "8"]], []),
                          (start + year, 13, 13, [["9", "9"]], []), (start + 200, 14, 14, [["9", "10"]], []))
        rows, said = self.rows("--every", "1s", path)
        self.assertEqual([(r["time"], r["imbalance"], r["changes"]) for r in rows], [(str(start * 10**6), "5", "4")])
        self.assertIn("far ahead of those around them (--most-jump), and count with the next one: 1", said)
        self.assertEqual(len(self.rows("--every", "1s", "--most-jump", "0", path)[0]), 2)
        # The very first may be wrong, too.
        path = self.depth((0, 0, 10, [["9", "5"]], [["10", "4"]]), (start + year, 11, 11, [["9", "7"]], []), (start, 12, 12, [["9", "8"]], []),
                          (start + 2000, 13, 13, [["9", "9"]], []))
        rows, said = self.rows("--every", "1s", path)
        self.assertEqual([(r["time"], r["imbalance"]) for r in rows], [(str(start * 10**6), "3"), (str((start + 2000) * 10**6), "1")])
        self.assertIn("(--most-jump), and count with the next one: 1", said)

    def test_what_has_no_book(self):
        self.refuse("feed", "flow", self.make("csv"), says="orders or price levels")
        path = self.make("itch")
        self.refuse("feed", "flow", "--symbol", "NONE", path, says=["no book of NONE", "feed decode"])
        for every in ("10ticks", "0s", "x"):
            self.refuse("feed", "flow", "--every", every, path, says="--every needs 250ms, 1s, 1m or 1h")


if __name__ == "__main__":
    story.main()

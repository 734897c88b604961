#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Orders into a matching engine, beside a slow one in Python."""
import hashlib
import json
import os
import pathlib
import random
import struct
import subprocess

import feeds
import story


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


class Match(feeds.Feed):
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

    def test_a_disk_that_is_full(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("there is no /dev/full here")
        path = self.write("own.csv", "id,side,price,qty\n1,buy,10,5\n")
        self.refuse("feed", "match", "--events", "/dev/full", path, says="cannot write /dev/full: No space left on device")
        with open("/dev/full", "w") as full:
            done = subprocess.run([story.ASSAY, "feed", "match", "--events", "-", path], stdout=full, stderr=subprocess.PIPE, text=True, env=self.environment())
        self.assertEqual((done.returncode, "cannot write standard output: No space left on device" in done.stderr), (2, True), done.stderr)

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

    def test_an_end_that_is_torn(self):
        """What comes before is matched, and that something is missing is told, whoever reads."""
        path = self.write("orders.csv", "id,side,price,qty\n" + "".join(f"{i},{('buy', 'sell')[i % 2]},10,5\n" for i in range(1, 16)))
        document = json.loads(self.check("feed", "match", "--json", "--journal", "journal", path).stdout)
        self.assertEqual((document["messages"], document["torn_bytes"]), (15, 0))
        journal = pathlib.Path(self.path("journal")).read_bytes()
        raw = b"".join(journal[32 + 80 * i + 16:32 + 80 * i + 80] for i in range(15))

        def put(name, data):
            pathlib.Path(self.path(name)).write_bytes(data)
            return self.path(name)

        for options, whole, size in (([], journal, 80), (["--raw"], raw, 64)):
            self.check("feed", "match", *options, put("whole", whole))
            torn = put("torn", whole[:-30])
            done = self.check("feed", "match", *options, "--json", torn, code=2)
            document = json.loads(done.stdout)
            self.assertEqual((document["messages"], document["torn_bytes"], document["malformed"]), (14, size - 30, 0))
            self.assertIn("torn has a torn end: its last 50 bytes" if size == 80 else "torn ends inside a message of 64 bytes", done.stderr)
            self.refuse("feed", "match", *options, put("torn", whole[:100 - size]), says="torn")
        lost = journal[:32 + 80 * 13] + journal[32 + 80 * 14:]
        self.refuse("feed", "match", put("lost", lost), says="record 14 is not where it should be, and record 15 behind that is sound")

    def test_a_side_that_there_is_not(self):
        orders = [struct.pack("<QQQQQiiII8B", 0, 1, 5, 0, 0, 10, 0, 0, 0, 0, side, 0, 0, 0, 0, 0, 0) for side in (0, 1, 2, 255)]
        rows = self.check("feed", "match", "--raw", "--events", "-", "-", stdin=b"".join(orders), text=False).stdout.decode().splitlines()[1:]
        self.assertEqual([row.split(",")[5] for row in rows if "MALFORMED" in row], ["2", "255"])

    def test_columns_that_are_passed_over_are_told(self):
        """A price under a name that nobody knows would be 0 without a word."""
        path = self.write("orders.csv", "seq,type,id,side,rate,qty\n1,limit,1,buy,10,5\n2,limit,2,sell,9,5\n3,cancel,1,,,\n")
        done = self.check("feed", "match", "--json", path)
        self.assertIn("orders.csv: columns that say nothing to an engine, and were passed over: seq, rate", done.stderr)
        self.assertEqual(json.loads(done.stdout)["kinds"]["rejected"], 1)  # it has traded
        self.assertEqual(self.check("feed", "match", self.write("all.csv", "op,id,side,px,sz\nnew,1,buy,10,5\n")).stderr, "")

    def test_a_name_does_nothing_to_a_terminal(self):
        shown = self.check("feed", "match", self.write("orders.csv", "symbol,id,side,price,qty\n\x1b[31mX,1,buy,5,7\n")).stdout
        self.assertNotIn("\x1b", shown)
        self.assertEqual([line.split()[1:] for line in shown.splitlines() if "[31mX" in line], [["5", "7", "-"]])

    def test_rows_without_a_book(self):
        rows = f"symbol,kind,id,side,price,qty\nA,new,1,buy,10,5\n,new,2,sell,10,5\n{'X' * 90},new,3,sell,10,5\nA,cancel,1,,,\n"
        done = self.check("feed", "match", "--json", self.write("orders.csv", rows), code=2)
        document = json.loads(done.stdout)
        self.assertEqual((document["messages"], document["malformed"], document["traded"]), (2, 2, 0))
        self.assertIn("message 2 has no symbol", done.stderr)

    def test_symbols_decimals_and_rows_that_are_wrong(self):
        path = self.write("orders.csv", "symbol;id;side;price;qty\nMSFT;1;buy;100.25;5\nAAPL;2;sell;7;3\nAAPL;3;sell;x;3\nMSFT;4;bid;100.5;2\n")
        done = self.check("feed", "match", "--price-decimals", "2", path, code=2)
        self.assertIn("message 3 at byte 73, field price", done.stderr)
        books = [line.split() for line in done.stdout.splitlines() if line.startswith(("MSFT", "AAPL"))]
        self.assertEqual(books, [["MSFT", "10050", "2", "-"], ["AAPL", "-", "700", "3"]])
        self.refuse("feed", "match", "--books", "1", "--price-decimals", "2", path, says="more than 1 symbols")
        self.refuse("feed", "match", self.write("none.csv", "price,quantity\n1,2\n"), says="field id: the first line names no such column")
        self.check("feed", "match", "--raw", path, code=2)
        self.refuse("feed", "match", self.write("empty.csv", ""), says="is empty")


if __name__ == "__main__":
    story.main()

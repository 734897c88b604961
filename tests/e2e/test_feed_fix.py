#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""FIX, as streams and as logs of every kind."""
import json
import pathlib

import feeds
import story


def fix(*fields, version="4.4"):
    """A message with its frame; the first of its fields is its type."""
    body = "".join(f"{tag}={value}\x01" for tag, value in (fields[0], (49, "A"), (56, "B"), (34, 1), (52, "20240102-14:30:00"), *fields[1:]))
    text = f"8=FIX.{version}\x019={len(body)}\x01{body}"
    return text + f"10={sum(text.encode()) % 256:03}\x01"


class Logs(feeds.Feed):
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

    def test_a_log_of_fix_longer_than_a_window(self):
        path = self.make("fix", "--messages", "30000")
        stream = pathlib.Path(path).read_bytes()
        messages = [m for m in stream.replace(b"\x018=FIX", b"\x01\n8=FIX").split(b"\n") if m]
        log = b"chatter 8=FI\n".join(b"20240102-14:30:00.000 : <out> " + m.replace(b"\x01", b"|") + b"\n" for m in messages)
        self.assertGreater(len(log), 5 << 20)
        pathlib.Path(self.path("long.log")).write_bytes(log)
        self.assertEqual(self.answer(self.path("long.log"))["types"], self.answer(path)["types"])

    def test_logs_that_speak_of_fix(self):
        message = "8=FIX.4.4|9=5|35=0|10=000|\n"
        for text in ("# all of 8=FIX.4.4 messages\n" + message,):
            self.assertNotIn("between fields", self.run_command("feed", "decode", "--format", "fix", self.write("own.log", text)).stderr)
        said = self.run_command("feed", "decode", "-", stdin=message.replace("|", "^A")).stderr
        self.assertIn("sed 's/\\^A/|/g' | ", said)

    def test_logs_of_older_fix(self):
        """FIX 4.2, whose reports say with 150=1 and 2 what was traded; those that take back or repeat (20=1, 3) are no trades."""
        def report(execution, again="0"):
            return ((35, 8), (37, "o"), (17, "e"), (20, again), (150, execution), (39, 2), (55, "AAPL"), (54, 1), (38, 100), (32, 60), (31, "185.5"), (151, 40),
                    (14, 60), (6, "185.5"), (60, "20240102-14:30:00.123"))
        older = [fix(*report(*r), version="4.2") for r in (("0",), ("1",), ("2",), ("2", "1"), ("2", "3"))]
        text = "".join(f"20240102-14:30:00.123 : {message}\n" for message in older + [fix((35, 0), version="4.3")])
        done = self.check("feed", "bars", self.write("older.log", "20240102-14:29:59 : Created session\n" + text))
        self.assertEqual(done.stdout.splitlines()[1:], ["AAPL,1704205800000000000,185.5,185.5,185.5,185.5,120,185.5,2,0,120"])
        # Taken back, and put right, by what they name: 40 of 100 are left of three trades, and the order's book is not known any more.
        def trade(execution, *more):
            return ((35, 8), (37, "o"), (17, execution), *more, (39, 1), (55, "AAPL"), (54, 1), (38, 100), (60, "20240102-14:30:00.123"))
        news = trade("n", (150, 0), (44, 10), (151, 100))
        fills = [trade(f"e{i}", (150, "F"), (32, 20), (31, 10 + i)) for i in range(3)]
        for bust, right in (((150, "H"),), ((150, "G"),)), (((20, 1), (150, 1)), ((20, 2), (150, 1))):
            stream = [fix(*m) for m in (news, *fills, trade("b", (19, "e1"), *bust, (32, 20), (31, 11)), trade("c", (19, "e2"), *right, (32, 20), (31, 15)))]
            path = self.write("busts.fix", "".join(stream))
            done = self.check("feed", "bars", path)
            self.assertEqual(done.stdout.splitlines()[1].split(",")[2:8], ["10", "15", "10", "15", "40", "12.5"])
            self.assertIn("broken later", done.stderr)
            self.assertTrue(json.loads(self.check("feed", "book", "--symbol", "AAPL", "--json", path, code=3).stdout)["stale"])
        orders = [((35, "D"), (11, "c1"), (21, 1), (55, "AAPL"), (54, 1), (60, "20240102-14:30:00"), (38, 5), (40, 2), (44, 10)),
                  ((35, "F"), (11, "c2"), (41, "c1"), (55, "AAPL"), (54, 1), (60, "20240102-14:30:01"))]
        answers = [json.loads(self.check("feed", "match", "--json", self.write("orders.fix", "".join(fix(*o, version=v) for o in orders))).stdout) for v in ("4.2", "4.4")]
        self.assertEqual(answers[0]["kinds"], answers[1]["kinds"])
        self.assertEqual(answers[0]["kinds"]["accepted"], 1)
        self.assertIn("another version", self.check("feed", "decode", self.write("old.fix", fix((35, 0), version="4.1")), code=2).stdout)
        for mark, escaped in (("<SOH>", "<SOH>"), ("\\x01", "\\\\x01")):
            said = self.run_command("feed", "decode", "-", stdin=older[0].replace("\x01", mark)).stderr
            self.assertIn(f"sed 's/{escaped}/|/g' | ", said)


class Reports(feeds.Feed):
    def test_executions_without_a_time(self):
        report = (35, 8), (37, 1), (17, 1), (150, "F"), (39, 1), (55, "AAPL"), (54, 1), (151, 0), (14, 1), (6, 1), (31, 10), (32, 1)
        path = self.write("some.fix", fix(*report) + fix(*report, (60, "20240102-10:00:00")))
        done = self.check("feed", "bars", path)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        self.assertIn("without a time, which are in no bar: 1", done.stderr)


class Orders(feeds.Feed):
    def test_orders_of_fix(self):
        """The same stream as FIX, as a log of it, and as a table; FIX names all of an order's quantity, filled or not."""
        when = (60, "20240102-14:30:00.000000007")
        usual = ((55, "AAPL"), (21, 1), when)
        stream = [fix((35, "A"), (98, 0), (108, 30)),
                  fix((35, "D"), (11, "1"), (1, "7"), *usual, (54, 2), (38, 100), (40, 2), (44, "10.50")),
                  fix((35, "D"), (11, "b-2"), (1, "9"), *usual, (54, 1), (38, 30), (40, 1), (59, 3)),
                  fix((35, "G"), (11, "3"), (41, "1"), (1, "7"), *usual, (54, 2), (38, 80), (40, 2), (44, "10.40")),
                  fix((35, "D"), (11, "4"), (1, "9"), *usual, (54, 1), (38, 20), (40, 2), (44, "10.40")),
                  fix((35, "G"), (11, "5"), (37, "3"), (41, "3"), (1, "7"), *usual, (54, 2), (38, 70), (40, 2), (44, "10.40")),
                  fix((35, "D"), (11, "6"), (1, "9"), *usual, (54, 1), (38, 20), (40, 2), (44, "10.405")),
                  fix((35, "F"), (11, "8"), (41, "3"), (1, "7"), *usual, (54, 2))]
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

    def test_what_has_traded_of_many_orders(self):
        """Ids that share their low bits when they are multiplied as hashes used to; each a little filled, and then replaced, or done."""

        def order(kind, key, side, quantity, price, *more):
            usual = (55, "A"), (21, 1), (60, "20240102-14:30:00")
            return fix((35, kind), (11, key), *more, *usual, (54, side), (38, quantity), (40, 2), (44, price))

        inverse, text, rows = pow(0x9E3779B97F4A7C15, -1, 2**64), "", []
        for i in range(1, 1501):
            key, other, more = (i * inverse % 2**64, (i + 10000) * inverse % 2**64, (i + 20000) * inverse % 2**64)
            text += order("D", key, 2, 10, 10) + order("D", other, 1, 4, 10)
            rows += [f"new,{key},,sell,10,10", f"new,{other},,buy,10,4"]
            if i % 3 == 0:
                text += order("D", more, 1, 6, 10)
                rows += [f"new,{more},,buy,10,6"]
            elif i % 3 == 1:
                text += order("G", more, 2, 9, 2000, (41, key))
                rows += [f"replace,{key},{more},sell,2000,5"]
            else:
                text += order("G", more, 2, 4, 2000, (41, key))
                rows += [f"cancel,{key},,sell,,"]
        for i in range(1, 1501, 3):
            key, last = (i + 20000) * inverse % 2**64, (i + 30000) * inverse % 2**64
            text += order("G", last, 2, 12, 3000, (41, key))
            rows += [f"replace,{key},{last},sell,3000,8"]
        answers = [json.loads(self.check("feed", "match", "--json", self.write(name, what)).stdout) for name, what in
                   (("orders.fix", text), ("orders.csv", "time,kind,id,new_id,side,price,quantity\n" + "".join(f"1704205800000000000,{row}\n" for row in rows)))]
        self.assertEqual(answers[0]["kinds"], answers[1]["kinds"])
        self.assertEqual(answers[0]["rows_sha256"], answers[1]["rows_sha256"])
        self.assertEqual((answers[0]["kinds"]["replaced"], answers[0]["orders"]), (1000, 500))


if __name__ == "__main__":
    story.main()

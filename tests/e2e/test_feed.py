#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recorded feeds as a user reads them, whatever their format."""
import csv
import io
import json
import pathlib
import resource
import subprocess

import feeds
import story


class Decode(feeds.Feed):
    def test_as_many_messages_as_are_asked_for(self):
        """One market in each format: as much happens in all of them, and a table of trades has as many rows."""
        for count in (1, 999, 5000):
            types = {kind: self.answer(self.make(kind, "--messages", str(count)))["types"] for kind in ("itch", "dbn", "fix", "json", "csv")}
            itch = {kind: types["itch"].get(kind, 0) for kind in "AFECXDUP"}
            self.assertEqual(sum(itch.values()), count)
            executed = itch["E"] + itch["C"]
            self.assertEqual(types["dbn"]["mbo"], count + 2 * executed + itch["U"])
            self.assertEqual(types["fix"].get("8", 0) + types["fix"].get("9", 0), count + itch["U"])
            self.assertEqual((types["json"].get("depthUpdate", 0), types["json"].get("trade", 0)), (count - itch["P"], executed + itch["P"]))
            self.assertEqual(types["csv"], {"tick": count})
        # The rows are the market's trades, in order.
        trades = [json.loads(line)["data"] for line in pathlib.Path(self.make("json", "--messages", "20000")).read_text().splitlines() if '"e":"trade"' in line]
        rows = list(csv.DictReader(io.StringIO(pathlib.Path(self.make("csv", "--messages", str(len(trades)))).read_text())))
        self.assertGreater(len(rows), 500)
        self.assertEqual([(r["symbol"], float(r["price"]), float(r["quantity"]), r["side"]) for r in rows],
                         [(t["s"], float(t["p"]), float(t["q"]), "sell" if t["m"] else "buy") for t in trades])

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


class Bars(feeds.Feed):
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

    def test_the_same_trades_from_every_format(self):
        volumes, trades = set(), self.answer(self.make("json"))["types"]["trade"]
        for kind, words in (("csv", ("--messages", str(trades))), ("json", ()), ("dbn", ())):
            out = self.check("feed", "bars", "--symbol", "SYM0001", "--every", "volume:1e15", self.make(kind, *words)).stdout
            volumes.add(float(list(csv.DictReader(io.StringIO(out)))[0]["volume"]))
        self.assertEqual(len(volumes), 1)


if __name__ == "__main__":
    story.main()

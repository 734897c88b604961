#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backtests as a user asks for them, beside a plain backtester in Python."""
import json
import math
import os
import random
import statistics
import unittest
import xml.etree.ElementTree

import story

PRICES = os.path.join(story.SOURCE, "..", "shared", "data", "prices")


def walk(seed, bars):
    """Rows of date, open, high, low, close, volume."""
    rng, price, out = random.Random(seed), 100.0, []
    for i in range(bars):
        points = [price := price * math.exp(rng.gauss(0, 0.01)) for _ in range(4)]
        points = [float(f"{p:.4f}") for p in points]
        out.append((f"{2000 + i // 336}-{i // 28 % 12 + 1:02}-{i % 28 + 1:02}", points[0], max(points), min(points), points[3], rng.randrange(1000, 9000)))
    return out


def cross(rows, fast, slow, fee, cash=100000.0):
    """Equity at each close: all in while the faster mean is above the slower one, trading at the next open."""
    closes, held, wanted, curve, trades = [row[4] for row in rows], 0.0, False, [], 0
    for t, row in enumerate(rows):
        if wanted and held == 0:
            held = cash / (row[1] * (1 + fee))
            cash -= held * row[1] * (1 + fee)
        elif not wanted and held > 0:
            cash += held * row[1] * (1 - fee)
            held, trades = 0.0, trades + 1
        curve.append(cash + held * row[4])
        if t + 1 >= slow:
            wanted = statistics.fmean(closes[t + 1 - fast:t + 1]) > statistics.fmean(closes[t + 1 - slow:t + 1])
    return curve, trades


class Backtest(story.Story):
    def table(self, name="walk.csv", seed=1, bars=600):
        rows = walk(seed, bars)
        return rows, self.write(name, "date,open,high,low,close,volume\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def answer(self, *words, **more):
        return json.loads(self.check("backtest", *words, "--json", **more).stdout)

    def test_equals_a_plain_one(self):
        rows, path = self.table()
        for fast, slow, bps in ((5, 20, 0), (10, 50, 5), (3, 7, 25)):
            done = self.answer("--strategy", "sma", "--fast", str(fast), "--slow", str(slow), "--fee-bps", str(bps), "--data", path)
            curve, trades = cross(rows, fast, slow, bps / 1e4)
            self.assertEqual(len(done["equity"]), len(curve))
            for ours, theirs in zip(done["equity"], curve):
                self.assertAlmostEqual(ours / theirs, 1, places=11)
            metrics = done["metrics"]
            self.assertEqual(metrics["trades"], trades)
            self.assertEqual(len(done["trades"]), trades)
            returns = [b / a - 1 for a, b in zip(curve, curve[1:])]
            year = done["periods_per_year"]
            self.assertAlmostEqual(metrics["sharpe"], statistics.fmean(returns) / statistics.stdev(returns) * math.sqrt(year), places=9)
            peaks = [max(curve[:i + 1]) for i in range(len(curve))]
            self.assertAlmostEqual(metrics["max_drawdown"], max(1 - e / p for e, p in zip(curve, peaks)), places=12)
            self.assertAlmostEqual(metrics["total_return"], curve[-1] / curve[0] - 1, places=11)
            events = self.answer("--strategy", "sma", "--fast", str(fast), "--slow", str(slow), "--fee-bps", str(bps), "--data", path, "--events")
            self.assertEqual(events, done)

    def test_sweep(self):
        _, path = self.table()
        words = ["--strategy", "sma", "--sweep", "fast=2..12:5", "--sweep", "slow=10..40:10", "--data", path]
        done = self.answer(*words, "-j", "2")
        self.assertEqual(len(done["rows"]), 12)
        self.assertEqual(done, self.answer(*words, "-j", "1"))
        self.assertEqual([row["outcome"] for row in done["rows"]].count("skipped"), 1)  # 12 is not less than 10
        finished = [row for row in done["rows"] if row["outcome"] == "done"]
        self.assertEqual(done["rows"][done["best"]]["metrics"]["sharpe"], max(row["metrics"]["sharpe"] for row in finished))
        for row in finished:
            alone = self.answer("--strategy", "sma", "--set", f"fast={row['parameters']['fast']}", "--set", f"slow={row['parameters']['slow']}", "--data", path)
            self.assertEqual(alone["metrics"], row["metrics"])
        text = self.check("backtest", *words, "--top", "2").stdout
        self.assertIn("12 configurations of sma, 1 skipped", text)

    def test_walk_forward_and_dates(self):
        _, path = self.table()
        done = self.answer("--strategy", "sma", "--sweep", "fast=2..12:5", "--sweep", "slow=20..40:10", "--walk-forward", "4", "--data", path)
        self.assertEqual(len(done["windows"]), 4)
        self.assertEqual(len(done["equity"]), 600 - 3 * (600 // 7) + 1)
        whole = 1.0
        for window in done["windows"]:
            whole *= 1 + window["tested"]["total_return"]
        self.assertAlmostEqual(done["metrics"]["total_return"], whole - 1, places=9)
        some = self.answer("--strategy", "hold", "--from", "2000-06-01", "--to", "2001-02-01", "--data", path)
        self.assertEqual((some["from"], some["to"]), ("2000-06-01", "2001-01-28"))

    def test_reports(self):
        _, path = self.table("a <b> & c.csv")
        self.check("backtest", "--strategy", "sma", "--data", path, "--report", self.path("out.html"))
        page = self.read("out.html")
        root = xml.etree.ElementTree.fromstring(page.split("\n", 1)[1])
        text = "".join(root.itertext())
        self.assertIn("a <b> & c", text)
        self.assertIn("Sharpe ratio", text)
        self.assertNotIn("http://", page.replace("http://www.w3.org/2000/svg", ""))
        self.check("backtest", "--strategy", "sma", "--data", path, "--report", self.path("out.svg"))
        xml.etree.ElementTree.fromstring(self.read("out.svg"))
        shown = self.check("backtest", "--strategy", "hold", "--data", path).stdout
        self.assertIn("deepest drawdown", shown)
        self.assertIn("█", shown)

    def test_lookahead(self):
        _, path = self.table()
        done = self.answer("--strategy", "sma", "--check-lookahead", "--cuts", "5", "--data", path)
        self.assertEqual((done["found"], done["cuts"]), (False, 5))

    def test_several_assets(self):
        _, path = self.table()
        self.write("long.csv", "symbol,date,price\nA,Jan 1 2000,10\nA,Feb 1 2000,11\nA,Mar 1 2000,12\nB,Feb 1 2000,5\nB,Mar 1 2000,6\n")
        done = self.answer("--strategy", "hold", "--by", "symbol", "--data", self.path("long.csv"))
        self.assertEqual(done["assets"], ["A", "B"])
        # Half in A at 11, half in B at 5, both from February on.
        self.assertAlmostEqual(done["equity"][-1], 50000 * 12 / 11 + 50000 * 6 / 5, places=6)
        done = self.answer("--strategy", "sma", "--fast", "1", "--slow", "2", "--by", "symbol", "--asset", "A", "--data", self.path("long.csv"))
        self.assertEqual(done["assets"], ["A"])
        self.refuse("backtest", "--strategy", "sma", "--by", "symbol", "--data", self.path("long.csv"), says="1 asset")
        two = self.answer("--strategy", "hold", "--data", path, "--data", self.table("other.csv", 2)[1])
        self.assertEqual(two["assets"], ["walk", "other"])

    def test_mistakes(self):
        _, path = self.table()
        run = ["backtest", "--strategy", "sma"]
        self.refuse(*run, says="--data FILE is missing")
        self.refuse("backtest", "--data", path, says="--strategy is missing")
        self.refuse("backtest", "--strategy", "smaa", "--data", path, says="did you mean 'sma'?")
        self.refuse(*run, "--data", path, "--set", "fats=3", says=["no parameter 'fats'", "fast, slow"])
        self.refuse(*run, "--data", path, "--fast", "60", says="fast (60) has to be less than slow (50)")
        self.refuse(*run, "--data", path, "--sweep", "fast=5", says="NAME=FIRST..LAST")
        self.refuse(*run, "--data", path, "--sweep", "fast=9..5", says="it has to rise")
        self.refuse(*run, "--data", path, "--walk-forward", "3", says="--sweep says which")
        self.refuse(*run, "--data", path, "--from", "soon", says="--from needs a date")
        self.refuse(*run, "--data", path, "--from", "2040-01-01", says="no bar lies between")
        self.refuse(*run, "--data", self.path("none.csv"), says="none.csv")
        bad = {"2000-01-03,1,2,0.5,x,5": ["bad.csv:3", "column 'close'", "'x'"],
               "2000-01-03,1,2,0.5,-1,5": ["bad.csv:3", "no price above 0"],
               "2000-01-03,1,2,0.5,3,5": ["bad.csv:3", "high lies below"],
               "2000-01-01,1,2,0.5,1,5": ["bad.csv:3", "not after that of line 2"],
               "tomorrow,1,2,0.5,1,5": ["bad.csv:3", "column 'date'", "tomorrow"],
               "2000-01-03,1,2,0.5,1": ["bad.csv:3", "cells"]}
        for row, says in bad.items():
            name = self.write("bad.csv", f"date,open,high,low,close,volume\n2000-01-02,1,2,0.5,1,5\n{row}\n")
            self.refuse(*run, "--data", name, says=says)
        self.refuse(*run, "--data", self.write("x.csv", "a,b\n1,2\n3,4\n"), says="--column says which")

    def test_splits_and_dividends(self):
        bars = self.write("split.csv", "date,price\n2020-01-01,100\n2020-01-02,100\n2020-01-03,50\n2020-01-06,60\n2020-01-07,60\n")
        actions = self.write("actions.csv", "date,split,dividend\n2020-01-03,2,\n2020-01-04,,1.5\n2021-01-01,10,\n")
        done = self.answer("--strategy", "hold", "--cash", "1000", "--data", bars, "--actions", actions)
        # 10 units become 20; a dividend of Saturday is Monday's.
        self.assertEqual([round(value, 9) for value in done["equity"]], [1000, 1000, 1000, 1230, 1230])
        self.assertAlmostEqual(done["metrics"]["dividends"], 30, places=9)
        for text, says in {"date,split\nsoon,2\n": ["a.csv:2", "soon"], "date,split\n2020-01-03,-2\n": ["a.csv:2", "-2"], "date,x\n2020-01-03,2\n": ["split or dividend"],
                           "date,split,asset\n2020-01-03,2,B\n": ["a.csv:2", "no bars of 'B'"]}.items():
            self.refuse("backtest", "--strategy", "hold", "--data", bars, "--actions", self.write("a.csv", text), says=says)

    def test_in_a_book(self):
        self.check("feed", "generate", "--messages", "30000", "--symbols", "2", "--orders", "200", "--seed", "3", "-o", self.path("made.itch"))
        name = "SYM0001"
        words = ["--strategy", "market-making", "--feed", self.path("made.itch"), "--symbol", name, "--maker-bps", "-0.2"]
        done = self.answer(*words)
        self.assertEqual(done, self.answer(*words))
        self.assertEqual(done["unknown"], 0)
        self.assertGreater(done["fills"], 0)
        self.assertLess(done["fees"], 0)
        self.assertGreater(done["events"], 5000)
        # Whoever is slower is hit by what he would have avoided, or is not there: the same orders cannot come out.
        self.assertNotEqual(done["fills"], self.answer(*words, "--order-us", "100000")["fills"])
        self.assertIn("units made", self.check("backtest", *words).stdout)
        self.refuse("backtest", *words[:4], says="--symbol is missing")
        self.refuse("backtest", *words[:2], says="--feed FILE is missing")
        self.refuse("backtest", *words[:4], "--symbol", "NOBODY", says="no symbol 'NOBODY'")
        self.refuse("backtest", *words, "--set", "lea=1", says="no parameter 'lea'")
        self.refuse("backtest", *words, "--set", "most=-1", says="most is a whole number from 1")
        # Bars of the same feed are a table like any other.
        bars = self.check("feed", "bars", "--every", "50ticks", "--symbol", name, self.path("made.itch")).stdout
        self.assertGreater(len(self.answer("--strategy", "sma", "--fast", "2", "--slow", "4", "--data", "-", stdin=bars)["equity"]), 3)

    def test_real_prices(self):
        path = os.path.join(PRICES, "sp500-2000.csv")
        if not os.path.exists(path):
            self.skipTest("the shared data are not here")
        done = self.answer("--strategy", "hold", "--data", path)
        with open(path, encoding="utf-8") as file:
            rows = [line.split(",") for line in file.read().splitlines()[1:]]
        self.assertAlmostEqual(done["metrics"]["total_return"], float(rows[-1][4]) / float(rows[1][1]) - 1, places=12)
        self.assertEqual(done["periods_per_year"], 252)
        adjusted = self.answer("--strategy", "hold", "--adjusted", "--data", path)
        self.assertAlmostEqual(adjusted["metrics"]["total_return"], done["metrics"]["total_return"], places=9)


if __name__ == "__main__":
    story.main()

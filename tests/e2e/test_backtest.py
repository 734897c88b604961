#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backtests as a user asks for them, beside a plain backtester in Python."""
import csv
import gzip
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import time
import unittest
import xml.etree.ElementTree
import zipfile

import backtests
import story

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PRICES = os.path.join(story.SOURCE, "..", "shared", "data", "prices")


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


# ---- A slow reference, from the rules in docs/backtest.md ------------------------------------------------------------------------------------


def wilder(closes, rows):
    """RSI by its recursion; None while it warms up."""
    up = down = 0.0
    out = [None] * len(closes)
    for i in range(1, len(closes)):
        change = closes[i] - closes[i - 1]
        gain, loss = max(change, 0.0), max(-change, 0.0)
        up = up + gain / rows if i <= rows else (up * (rows - 1) + gain) / rows
        down = down + loss / rows if i <= rows else (down * (rows - 1) + loss) / rows
        if i >= rows:
            out[i] = 100 * up / (up + down) if up + down > 0 else None
    return out


def wishes(strategy, closes, p):
    """The share of equity wanted after each close, None: as before."""
    out, now = [], 0.0
    oscillator = wilder(closes, p["period"]) if strategy == "rsi" else None
    for t, close in enumerate(closes):
        if strategy == "hold":
            out.append(1.0 if t == 0 else None)
            continue
        if strategy == "sma" and t + 1 >= p["slow"]:
            fast, slow = (statistics.fmean(closes[t + 1 - n:t + 1]) for n in (p["fast"], p["slow"]))
            now = 1.0 if fast > slow else -1.0 if p["short"] and fast < slow else 0.0
        if strategy == "rsi" and oscillator[t] is not None:
            now = 1.0 if oscillator[t] < p["low"] else (-1.0 if p["short"] else 0.0) if oscillator[t] > p["high"] else now
        if strategy == "bollinger" and t + 1 >= p["period"]:
            window = closes[t + 1 - p["period"]:t + 1]
            middle, width = statistics.fmean(window), p["deviations"] * statistics.pstdev(window)
            if close > middle + width:
                now = 1.0
            elif p["short"] and close < middle - width:
                now = -1.0
            elif now * (close - middle) < 0:
                now = 0.0
        out.append(now * p.get("size", 1.0))
    return out


def fee_of(costs, units, price):
    return max(costs["order"] + costs["share"] * units + costs["rate"] * units * price, costs["least"])


def follow(rows, wanted, costs, cash=100000.0, held=0.0):
    """Trades each change of a target at the next open; the quantity that margin allows is found by halving."""
    fills, last = [], None if held else 0.0
    for t in range(len(rows) - 1):
        if wanted[t] is None or wanted[t] == last:
            continue
        last, market = wanted[t], rows[t + 1][1]
        equity = cash + held * market
        change = last * equity / market - held
        side = 1.0 if change > 0 else -1.0
        price = market * (1 + side * costs["slip"]) + side * costs["away"]

        def fits(units):
            after = held + side * units
            left = equity - fee_of(costs, units, price) - units * abs(price - market)
            return abs(after) * market <= costs["leverage"] * left * (1 + 1e-13) or abs(after) <= abs(held) and after * held >= 0
        low, high = 0.0, abs(change)
        if not fits(high):
            for _ in range(200):
                middle = (low + high) / 2
                low, high = (middle, high) if fits(middle) else (low, middle)
        else:
            low = high
        out = last == 0 and low == abs(change)
        units = low if out or not costs["lot"] else math.floor(low / costs["lot"] + 1e-9) * costs["lot"]
        if units * market <= 1e-12 * equity:
            continue
        fee = fee_of(costs, units, price)
        cash -= side * units * price + fee
        held += side * units
        fills.append((t + 1, side * units, price, fee))
    return fills


def account_for(rows, fills, year, risk_free, fifo, cash=100000.0, begins=(0.0, 0.0)):
    """All metrics from the fills alone, and from a position and its price to begin with."""
    first, held, curve, lots, realised, fees, turnover, exposed = cash + begins[0] * rows[0][4], begins[0], [], [begins] if begins[0] else [], 0.0, 0.0, 0.0, 0
    trips, flow, at = [], -begins[0] * begins[1] if begins[0] else None, {}
    for bar, quantity, price, fee in fills:
        at.setdefault(bar, []).append((quantity, price, fee))
    for t, row in enumerate(rows):
        for quantity, price, fee in at.get(t, ()):
            turnover += abs(quantity) * price / (cash + held * row[1])
            cash -= quantity * price + fee
            fees += fee
            left, share = quantity, fee
            if held * quantity < 0 and abs(quantity) >= abs(held) * (1 - 1e-12):
                share = fee * abs(held) / abs(quantity)
                trips.append(flow + held * price - share)
                flow, share = None, fee - share
            while lots and lots[0][0] * left < 0:
                units, cost = lots[0] if fifo else (sum(l[0] for l in lots), None)
                if not fifo:
                    cost = sum(l[0] * l[1] for l in lots) / units
                    lots = [(units, cost)]
                leaves = units if abs(left) >= abs(units) * (1 - 1e-12) else -left
                realised += leaves * (price - cost)
                left += leaves
                lots = lots[1:] if leaves == units else [(units - leaves, cost)] + lots[1:]
            held += quantity
            if abs(left) * price > 1e-7:
                lots.append((left, price))
                flow = (flow or 0.0) - left * price - share
            elif held and flow is not None:
                flow -= quantity * price + fee
            if not lots:
                held = 0.0
        curve.append(cash + held * row[4])
        exposed += t > 0 and held != 0
    n = len(curve) - 1
    returns = [b / a - 1 for a, b in zip(curve, curve[1:])]
    mean, deviation = statistics.fmean(returns), statistics.stdev(returns)
    downside = math.sqrt(sum(min(r, 0) ** 2 for r in returns) / n)
    peak, deepest, longest, peak_at = curve[0], 0.0, 0, 0
    for t, equity in enumerate(curve):
        if equity >= peak:
            longest, peak, peak_at = max(longest, t - peak_at if t - peak_at > 1 else 0), equity, t
        deepest = max(deepest, 1 - equity / peak)
    longest = max(longest, n - peak_at)
    annual = (curve[-1] / first) ** (year / n) - 1
    gains, losses = sum(t for t in trips if t > 0), -sum(t for t in trips if t < 0)
    return curve, {"total_return": curve[-1] / first - 1, "annual_return": annual, "volatility": deviation * math.sqrt(year), "downside": downside * math.sqrt(year),
                   "sharpe": (mean - risk_free / year) / deviation * math.sqrt(year), "sortino": mean / downside * math.sqrt(year), "calmar": annual / deepest,
                   "max_drawdown": deepest, "longest_drawdown": longest, "exposure": exposed / n, "turnover": turnover / n * year, "fees": fees, "realised": realised,
                   "unrealised": sum(units * (rows[-1][4] - cost) for units, cost in lots), "trades": len(trips), "fills": len(fills),
                   "win_rate": sum(t > 0 for t in trips) / len(trips) if trips else None, "profit_factor": gains / losses if losses else None,
                   "average_trade": statistics.fmean(trips) if trips else None, "best_trade": max(trips, default=None), "worst_trade": min(trips, default=None)}


class Backtest(backtests.Backtest):
    def test_compressed_tables(self):
        _, path = self.table()
        words = ("--strategy", "sma", "--fast", "5", "--slow", "20", "--data")
        plain = self.answer(*words, path)["metrics"]
        with open(path, "rb") as table, gzip.open(path + ".gz", "wb") as out:
            out.write(table.read())
        with zipfile.ZipFile(path + ".zip", "w", zipfile.ZIP_DEFLATED) as out:
            out.write(path, "walk.csv")
        for packed in (".gz", ".zip"):
            self.assertEqual(self.answer(*words, path + packed)["metrics"], plain)

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

    def test_recomputed(self):
        """Every ready strategy of one asset with every kind of cost: fills, curve and metrics, to a billionth."""
        rows, path = self.table(seed=7)
        real = os.path.join(PRICES, "sp500-2000.csv")
        strategies = {"hold": {}, "sma": {"fast": 10, "slow": 50, "short": 0}, "rsi": {"period": 14, "low": 35, "high": 65, "short": 1},
                      "bollinger": {"period": 20, "deviations": 1.5, "short": 1}}
        none = {"rate": 0.0, "order": 0.0, "share": 0.0, "least": 0.0, "slip": 0.0, "away": 0.0, "lot": 0.0, "leverage": 1.0}
        dear = {"rate": 0.001, "order": 1.5, "share": 0.01, "least": 20.0, "slip": 0.0005, "away": 0.02, "lot": 5.0, "leverage": 2.0}
        cases = [(name, rows, path, costs, fifo) for name in strategies for costs, fifo in ((none, False), (dear, True), ({**dear, "lot": 0.0}, False))]
        if os.path.exists(real):
            with open(real, encoding="utf-8") as file:
                cells = [line.split(",") for line in file.read().splitlines()[1:]]
            prices = [(c[0], float(c[1]), float(c[2]), float(c[3]), float(c[4]), float(c[6])) for c in cells]
            cases += [(name, prices, real, dear, True) for name in strategies]
        for name, bars, file, costs, fifo in cases:
            p = {**strategies[name], "size": 1.6} if costs["leverage"] > 1 and name != "hold" else strategies[name]
            words = [f"--set={k}={v}" for k, v in p.items()]
            done = self.answer("--strategy", name, "--data", file, *words, *(["--fifo"] if fifo else []), "--risk-free", "0.02", "--fee-bps", str(costs["rate"] * 1e4),
                               "--fee-order", str(costs["order"]), "--fee-share", str(costs["share"]), "--fee-least", str(costs["least"]), "--slippage-bps",
                               str(costs["slip"] * 1e4), "--slippage-ticks", "2", "--tick", str(costs["away"] / 2 or 1e-12), "--lot", str(costs["lot"]), "--leverage", str(costs["leverage"]))
            with self.subTest(strategy=name, costs=costs, file=file):
                fills = follow(bars, wishes(name, [row[4] for row in bars], p), {**costs, "away": costs["away"] or 2e-12})
                dates = [row[0] for row in bars]
                self.assertEqual(done["at"], dates)
                self.assertEqual([f["at"] for f in done["fills"]], [dates[f[0]] for f in fills])
                for ours, theirs in zip(done["fills"], fills):
                    for key, value in zip(("quantity", "price", "fee"), theirs[1:]):
                        self.assertAlmostEqual(ours[key] / (value or 1), bool(value), delta=1e-9)
                curve, metrics = account_for(bars, fills, done["periods_per_year"], 0.02, fifo)
                for ours, theirs in zip(done["equity"], curve):
                    self.assertAlmostEqual(ours, theirs, delta=1e-9 * abs(theirs))
                for key, value in metrics.items():
                    if value is None:
                        self.assertIsNone(done["metrics"][key], key)
                    else:
                        self.assertAlmostEqual(done["metrics"][key], value, delta=1e-6 * max(abs(value), 1e-3), msg=key)

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
        listed = self.answer("--strategy", "sma", "--sweep", "fast=2,7,12", "--sweep", "slow=10,20,30,40", "--data", path)
        self.assertEqual(done["rows"], listed["rows"])
        uneven = self.answer("--strategy", "sma", "--sweep", "fast=2,3,9.0,11", "--data", path)
        self.assertEqual([row["parameters"]["fast"] for row in uneven["rows"]], [2, 3, 9, 11])
        self.refuse("backtest", "--strategy", "sma", "--sweep", "fast=2,9,3", "--data", path, says="the values of fast have to rise")
        self.refuse("backtest", "--strategy", "sma", "--sweep", "fast=2,,3", "--data", path, says="NAME=A,B,C")
        text = self.check("backtest", *words, "--top", "2").stdout
        self.assertIn("12 configurations of sma, 1 skipped", text)
        # what ran without a score stands behind what has one, and before what was skipped: no row that ran lacks
        idle = self.check("backtest", "--strategy", "sma", "--sweep", "fast=2,30,40", "--sweep", "slow=20,5000,6000", "--data", path).stdout
        self.assertIn("9 configurations of sma, 2 skipped", idle)
        table = idle.split("trades\n", 1)[1].split("\n\n", 1)[0]
        self.assertEqual(len(re.findall(r"(?m)^ +[0-9]+ +(?:20|5000|6000) .*%", table)), 7, idle)

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

    def agree(self, done, rows, first, fills, cash=100000.0, begins=(0.0, 0.0)):
        """An answer whose curve, fills and metrics are those of these fills on the rows from `first` on."""
        dates = [row[0] for row in rows]
        self.assertEqual([f["at"] for f in done["fills"]], [dates[f[0]] for f in fills])
        for ours, theirs in zip(done["fills"], fills):
            for key, value in zip(("quantity", "price", "fee"), theirs[1:]):
                self.assertAlmostEqual(ours[key], value, delta=1e-8 * abs(value))
        curve, metrics = account_for(rows[first:], [(f[0] - first, *f[1:]) for f in fills], done["periods_per_year"], 0.0, False, cash, begins)
        self.assertEqual(len(curve), len(done["equity"]))
        for ours, theirs in zip(done["equity"], curve):
            self.assertAlmostEqual(ours, theirs, delta=1e-9 * abs(theirs))
        for key, value in metrics.items():
            if value is not None:
                self.assertAlmostEqual(done["metrics"][key], value, delta=1e-6 * max(abs(value), 1e-3), msg=key)

    def test_positions_to_begin_with(self):
        rows, path = self.table(seed=3)
        costs = {"rate": 0.001, "order": 1.0, "share": 0.0, "least": 0.0, "slip": 0.0, "away": 0.0, "lot": 0.0, "leverage": 1.0}
        words = ["--strategy", "sma", "--fast", "5", "--slow", "20", "--fee-bps", "10", "--fee-order", "1", "--data", path]
        wanted = wishes("sma", [row[4] for row in rows], {"fast": 5, "slow": 20, "short": 0})
        for quantity, price, cash, first in ((300, 88.5, 2500, 40), (-20, None, 9000, 41), (40, None, 0, 57), (40, None, -700, 300)):
            with self.subTest(quantity=quantity, first=first):
                position = f"{quantity}@{price}" if price else str(quantity)
                done = self.answer(*words, "--position", position, "--cash", str(cash), "--from", rows[first][0])
                self.assertEqual(done["positions"], [{"asset": "walk", "quantity": quantity, "price": price}])
                late = [None] * first + [wanted[first]] + wanted[first + 1:]
                fills = follow(rows, late, costs, float(cash), float(quantity))
                self.agree(done, rows, first, fills, float(cash), (float(quantity), price or rows[first][4]))
        both = self.answer("--strategy", "hold", "--data", path, "--data", self.table("other.csv", 4)[1], "--position", "other=7", "--cash", "1")
        self.assertEqual(both["positions"], [{"asset": "other", "quantity": 7, "price": None}])
        run = ["backtest", *words]
        for position, says in (("walk=x", "needs QUANTITY"), ("wolk=3", "no asset 'wolk'"), ("3@0", "needs QUANTITY"), ("-1e9", "nothing is there to trade with")):
            self.refuse(*run, "--position", position, says=says)
        self.refuse(*run, "--position", "1", "--position", "walk=2", says="twice")
        self.refuse(*run, "--cash", "0", says="--cash is above 0 unless")
        self.refuse(*run, "--carry", says="--carry is of --walk-forward")
        self.refuse("backtest", "--strategy", "hold", "--data", path, "--data", self.path("other.csv"), "--position", "3", says="of several assets")

    def test_carried_from_window_to_window(self):
        """What the windows chose, written down as one array of wishes and traded by the slow reference: the same fills, curve and metrics."""
        rows, path = self.table(seed=9, bars=900)
        closes = [row[4] for row in rows]
        costs = {"rate": 0.002, "order": 0.0, "share": 0.0, "least": 3.0, "slip": 0.0005, "away": 0.0, "lot": 1.0, "leverage": 1.0}
        words = ["--strategy", "sma", "--sweep", "fast=2..12:5", "--sweep", "slow=20..40:10", "--sweep", "short=0,1", "--walk-forward", "7", "--train", "2",
                 "--rank", "return", "--fee-bps", "20", "--fee-least", "3", "--slippage-bps", "5", "--lot", "1", "--data", path]
        dates = {row[0]: i for i, row in enumerate(rows)}
        for position in (200.0, 0.0):
            done = self.answer(*words, "--carry", *(["--position", str(position)] if position else []))
            self.assertTrue(done["carry"])
            wanted, last = [None] * len(rows), len(rows)
            for window in reversed(done["windows"]):
                p, first = window["parameters"], dates[window["test_from"]] - 1
                now = wishes("sma", closes[:last], {"fast": int(p["fast"]), "slow": int(p["slow"]), "short": p["short"]})
                wanted[first:last], last = now[first:last], first
            fills = follow(rows, wanted, costs, held=position)
            self.agree(done, rows, last, fills, begins=(position, closes[last]))
            self.assertGreater(len({json.dumps(window["parameters"]) for window in done["windows"]}), 2)
        apart = self.answer(*words)
        self.assertFalse(apart["carry"])
        self.assertGreater(apart["metrics"]["fills"], len(fills))
        self.assertGreater(apart["metrics"]["fees"], done["metrics"]["fees"])
        for more, says in ((["--carry"], "goes over to the next"), ([], "is sold there, with fees and slippage")):
            self.check("backtest", *words, *more, "--report", self.path("page.html"))
            with open(self.path("page.html"), encoding="utf-8") as file:
                self.assertIn("What a window holds at its end " + says, file.read())

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
        self.refuse("backtest", "--strategy", "sma", "--data", path, "--report", self.path("out.pdf"), says=".html, .svg or .csv")
        texts = [text.text for text in xml.etree.ElementTree.fromstring(self.read("out.svg")).iter("{http://www.w3.org/2000/svg}text")]
        self.assertEqual(texts[0], "sma fast=10 slow=50 short=0 size=1")  # a picture says what it is of
        self.assertIn("dashed: hold", texts)
        shown = self.check("backtest", "--strategy", "hold", "--data", path).stdout
        self.assertIn("deepest drawdown", shown)
        self.assertIn("█", shown)

    def page(self, *words):
        """The page of a backtest, as the tree of its elements."""
        self.check("backtest", *words, "--report", self.path("page.html"))
        root = xml.etree.ElementTree.fromstring(self.read("page.html").split("\n", 1)[1])
        self.assertEqual([link.get("href") for link in root.find("body/nav").iter("a")], ["#" + part.get("id") for part in root.iter("section")])
        return root

    def section(self, root, name):
        found = [node for node in root.iter("section") if node.get("id") == name]
        return found[0] if found else None

    def test_scales_tell_their_ends_apart(self):
        """Cents on a hundred thousand, and a price of many digits: no two ticks of a picture read alike, nor the ends of the plot in a terminal."""
        for step, most in ((1e-6, 60), (1e-3, 60), (0.2, 40)):
            rows = [f"2024-{1 + i // 28:02}-{1 + i % 28:02},{100 * (1 + step) ** i:.9f}" for i in range(most)]
            path = self.write("near.csv", "date,close\n" + "\n".join(rows) + "\n")
            shown = self.check("backtest", "--strategy", "hold", "--data", path, "--report", self.path("near.svg")).stdout
            ends = [line.split()[0] for line in shown.splitlines()[3:11] if line[:12].strip()]
            self.assertEqual(len(set(ends)), 2, ends)
            self.assertLess(float(ends[1]), float(ends[0]))
            texts = [text.text for text in xml.etree.ElementTree.fromstring(self.read("near.svg")).iter("{http://www.w3.org/2000/svg}text")]
            ticks = texts[2:texts.index("Equity" if "Equity" in texts else "Equity (logarithmic)")]
            self.assertGreater(len(ticks), 1)
            self.assertEqual(len(ticks), len(set(map(float, ticks))), ticks)

    def test_sweep_page(self):
        """Every configuration is on the map, the best is marked, and what luck would have given stands beside it."""
        _, path = self.table()
        words = ["--strategy", "sma", "--sweep", "fast=2..12:2", "--sweep", "slow=10..40:5", "--data", path]
        done = self.answer(*words)
        finished = [row for row in done["rows"] if row["outcome"] == "done"]
        ratios = [row["metrics"]["sharpe"] for row in finished]
        normal, spread, euler, alike = statistics.NormalDist(), statistics.stdev(ratios), 0.5772156649015329, done["luck"]["correlation"]
        self.assertTrue(0.2 < alike < 0.95, alike)
        count = alike + (1 - alike) * len(ratios)
        expected = spread * ((1 - euler) * normal.inv_cdf(1 - 1 / count) + euler * normal.inv_cdf(1 - 1 / (count * math.e)))
        best = finished[ratios.index(max(ratios))]["parameters"]
        curve = self.answer("--strategy", "sma", "--set", f"fast={best['fast']}", "--set", f"slow={best['slow']}", "--data", path)["equity"]
        returns = [b / a - 1 for a, b in zip(curve, curve[1:])]
        mean, deviation, year = statistics.fmean(returns), statistics.pstdev(returns), done["luck"]["best_sharpe"] / (statistics.fmean(returns) / statistics.stdev(returns))
        skewness, kurtosis = (statistics.fmean([(x - mean) ** k for x in returns]) / deviation ** k for k in (3, 4))
        ratio = max(ratios) / year
        sure = normal.cdf((ratio - expected / year) * math.sqrt((len(returns) - 1) / (1 - skewness * ratio + (kurtosis - 1) / 4 * ratio ** 2)))
        self.assertEqual(done["luck"]["trials"], len(ratios))
        self.assertAlmostEqual(done["luck"]["independent"], count, places=9)
        self.assertAlmostEqual(done["luck"]["expected_best"], expected, places=9)
        self.assertAlmostEqual(done["luck"]["deflated_sharpe"], sure, places=9)
        self.assertIn(f"luck alone would show {expected:.2f}", self.check("backtest", *words).stdout)

        root = self.page(*words, "--report", self.path("all.csv"))
        part = self.section(root, "configurations")
        text = "".join(part.itertext())
        self.assertIn(f"would still show {expected:.2f}", text)
        self.assertIn(f"{100 * sure:.2f} %", text)
        hints = [node.text for node in part.iter("title")]
        self.assertEqual(len(hints), 6 * 7)
        for row in finished:
            p = row["parameters"]
            self.assertIn(f"fast {p['fast']}, slow {p['slow']}: {row['metrics']['sharpe']:.2f}".replace("-0.00", "0.00"), hints)
        self.assertEqual(len([node for node in part.iter("rect") if node.get("class") == "best"]), 1)
        table = next(part.iter("table"))
        rows = [[cell.get("data-v") for cell in row.iter("td")] for row in table.iter("tr")][1:]
        self.assertEqual(len(rows), len(done["rows"]))
        self.assertEqual([float(row[4]) for row in rows[:len(ratios)]], sorted(ratios, reverse=True))
        self.assertEqual([row.get("class") for row in table.iter("tr")][1:3], ["top", None])
        with open(self.path("all.csv"), encoding="utf-8") as file:
            cells = list(csv.DictReader(file))
        self.assertEqual([float(c["sharpe"]) if c["sharpe"] else None for c in cells], [row["metrics"]["sharpe"] if "metrics" in row else None for row in done["rows"]])
        self.assertEqual([c["outcome"] for c in cells], [row["outcome"] for row in done["rows"]])

    @unittest.skipIf(CHROMIUM is None, "Chromium is not here")
    def test_table_sorts(self):
        """A click on a heading, in a browser: largest first, then smallest."""
        _, path = self.table()
        self.check("backtest", "--strategy", "sma", "--sweep", "fast=2..12:2", "--sweep", "slow=10..40:5", "--data", path, "--report", self.path("page.html"))
        page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", self.read("page.html"))
        for clicks, way in ((1, -1), (2, 1)):
            click = "addEventListener('load', function () { var b = document.querySelectorAll('.sorts th button')[7]; %s });" % ("b.click();" * clicks)
            done = subprocess.run([CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--user-data-dir=" + self.path("profile"), "--dump-dom",
                                   "file://" + self.write("clicked.html", page.replace("</body>", f"<script>{click}</script></body>"))],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=100, check=False)
            table = re.search(r'<table class="sorts.*?</table>', done.stdout.decode(), re.S)[0]
            self.assertIn('aria-sort="%s"><button type="button">drawdown' % ("descending" if way < 0 else "ascending"), table[:table.index("</thead>")])
            shown = [re.findall(r'data-v="([^"]*)"', row) for row in re.findall(r"<tr.*?</tr>", table, re.S)[1:]]
            values = [float(cells[7]) for cells in shown if len(cells) > 7]
            self.assertGreater(len(values), 30)
            self.assertEqual(values, sorted(values, reverse=way < 0))

    def test_sweep_pages_of_other_shapes(self):
        _, path = self.table()
        line = self.section(self.page("--strategy", "rsi", "--sweep", "period=5..30", "--data", path), "configurations")
        self.assertEqual(len([node for node in line.iter("circle") if node.get("class") == "best"]), 1)
        self.assertEqual(len([node for node in line.iter("circle") if node.get("class") == "pt"]), 26)
        uneven = self.section(self.page("--strategy", "rsi", "--sweep", "period=5,6,8,20", "--sweep", "low=20,30,35", "--data", path), "configurations")
        self.assertEqual({hint.text.split(":")[0] for hint in uneven.iter("title")}, {f"period {p}, low {low}" for p in (5, 6, 8, 20) for low in (20, 30, 35)})
        three = self.section(self.page("--strategy", "rsi", "--sweep", "period=5..9", "--sweep", "low=20..40:10", "--sweep", "high=60..80:10", "--rank", "drawdown", "--data", path), "configurations")
        self.assertIn("the mean of the configurations in a cell", "".join(three.itertext()))
        self.assertEqual(len(list(three.iter("title"))), 5 * 3)
        many = self.section(self.page("--strategy", "sma", "--sweep", "fast=1..100", "--sweep", "slow=2..200", "--data", path), "configurations")
        self.assertIn("200 of 19900 configurations", "".join(many.itertext()))
        self.assertLess(os.path.getsize(self.path("page.html")), 700000)
        self.refuse("backtest", "--strategy", "sma", "--sweep", "fast=60..61", "--data", path, "--report", self.path("none.html"), says=["nothing that a report could show", "has to be less than slow"])

    def test_walk_page(self):
        """Windows side by side, and what each one sells at its end costs what trades cost."""
        rows, path = self.table()
        words = ["--strategy", "sma", "--sweep", "fast=2..12:5", "--sweep", "slow=20..40:10", "--walk-forward", "4", "--fee-bps", "20", "--slippage-bps", "10", "--data", path]
        done = self.answer(*words)
        closes, last = {row[0]: row[4] for row in rows}, {window["test_to"] for window in done["windows"]}
        ends = [fill for fill in done["fills"] if fill["at"] in last and abs(fill["price"] / closes[fill["at"]] - 1) < 0.0011]
        self.assertGreater(len(ends), 0)
        for fill in ends:
            self.assertAlmostEqual(fill["price"] / closes[fill["at"]], 1 - math.copysign(0.001, -fill["quantity"]), places=9)
            self.assertAlmostEqual(fill["fee"], 0.002 * abs(fill["quantity"]) * fill["price"], places=6)
        self.assertAlmostEqual(sum(fill["quantity"] for fill in done["fills"]), 0, places=6)
        self.assertAlmostEqual(sum(trade["profit"] for trade in done["trades"]), done["equity"][-1] - done["equity"][0], places=5)
        root = self.page(*words, "--report", self.path("windows.csv"))
        part = self.section(root, "windows")
        text = "".join(part.itertext())
        for window in done["windows"]:
            self.assertIn(f"fast={window['parameters']['fast']} slow={window['parameters']['slow']}", text)
            self.assertIn(f"{100 * window['tested']['annual_return']:.2f} %", text)
            self.assertIn(f"{100 * window['trained']['annual_return']:.2f} %", text)
        with open(self.path("windows.csv"), encoding="utf-8") as file:
            cells = list(csv.DictReader(file))
        self.assertEqual([(float(c["tested_sharpe"]), c["test_to"]) for c in cells], [(w["tested"]["sharpe"], w["test_to"]) for w in done["windows"]])

    def test_trades_and_months(self):
        rows, path = self.table()
        words = ["--strategy", "sma", "--fast", "3", "--slow", "8", "--fee-bps", "5", "--data", path]
        done = self.answer(*words, "--close-at-end")
        self.assertEqual(done["metrics"]["open_at_end"], 0)
        root = self.page(*words, "--close-at-end", "--report", self.path("trades.csv"))
        with open(self.path("trades.csv"), encoding="utf-8") as file:
            trades = list(csv.DictReader(file))
        self.assertEqual([(t["entry"], t["exit"], float(t["profit"])) for t in trades], [(t["entry"], t["exit"], t["profit"]) for t in done["trades"]])
        months = {}
        for at, equity in zip(done["at"], done["equity"]):
            months[at[:7]] = equity
        ends = [done["equity"][0]] + list(months.values())
        wanted = [f"{100 * (b / a - 1):.2f} %".replace("-0.00", "0.00") for a, b in zip(ends, ends[1:])]
        table = next(self.section(root, "months").iter("table"))
        shown = [cell.text.replace("-0.00", "0.00") for row in table.iter("tr") for cell in list(row.iter("td"))[:-1] if cell.text]
        self.assertEqual(shown, wanted)
        years = {at[:4]: equity for at, equity in zip(done["at"], done["equity"])}
        ends = [done["equity"][0]] + list(years.values())
        self.assertEqual([list(row.iter("td"))[-1].text for row in list(table.iter("tr"))[1:]], [f"{100 * (b / a - 1):.2f} %" for a, b in zip(ends, ends[1:])])

    def test_tables_without_names(self):
        """Binance's bulk files as they are; a table that has no dates."""
        klines = "".join(f"{{0}},{100 + i},{101 + i},{99 + i},{100.5 + i},{10 + i},{{1}},1,2,3,4,0\n".replace("{0}", str(1704067200000 + i * 3600000)).replace("{1}", str(1704067200000 + i * 3600000 + 3599999)) for i in range(48))
        table = self.write("BTCUSDT-1h.csv", klines)
        text = self.check("backtest", "--strategy", "hold", "--data", table).stdout
        self.assertIn("read as Binance's klines: open time in milliseconds", text)
        done = self.answer("--strategy", "hold", "--data", table)
        self.assertEqual((done["from"], done["to"]), ("2024-01-01", "2024-01-02T23:00:00Z"))
        self.assertIn("klines", done["note"])
        self.assertAlmostEqual(done["metrics"]["total_return"], 147.5 / 101 - 1, places=12)
        micro = self.write("micro.csv", "".join(",".join(cell + "000" if k in (0, 6) else cell for k, cell in enumerate(line.split(","))) + "\n" for line in klines.splitlines()))
        self.assertEqual({**self.answer("--strategy", "hold", "--data", micro), "note": 0, "assets": 0, "trades": 0, "fills": 0}, {**done, "note": 0, "assets": 0, "trades": 0, "fills": 0})
        self.assertIn("microseconds", self.check("backtest", "--strategy", "hold", "--data", micro).stdout)
        for line, name in (("1,100.5,2,201,1704067200000,True,True", "trades"), ("1,100.5,2,201,1704067200000000,false", "trades"), ("1,100.5,2,7,9,1704067200000,true,true", "aggTrades"),
                           ("1,100.5,2,7,9,1704067200000,true", "aggTrades"), ("1,100.5,2,101,3,1704067200000,1704067200001", "bookTicker")):
            self.refuse("backtest", "--strategy", "hold", "--data", self.write("bare.csv", f"{line}\n{line}\n"), says=f"looks like Binance's {name}")
        plain = self.write("plain.csv", "close\n10\n11\n12\n11\n")
        text = self.check("backtest", "--strategy", "hold", "--data", plain).stdout
        self.assertIn("plain.csv has no dates: its rows are bars in their order. A year is taken as 252 of them; --periods says otherwise.", text)
        self.assertIn("A year is 12 of them", self.answer("--strategy", "hold", "--data", plain, "--periods", "12")["note"])
        self.assertIsNone(self.answer("--strategy", "hold", "--data", self.table()[1])["note"])

    def test_tables_of_sites(self):
        """One market as vendors write it: their names, dates, numbers, and the newest row first."""
        names = "date,open,high,low,close,volume\n"
        days = [f"2024-01-{day:02}" for day in range(2, 32)]
        bars = [(100 + i % 7, 109, 90, 101 + i % 5, 1000000 + i) for i in range(len(days))]
        run = ("--strategy", "sma", "--fast", "2", "--slow", "5", "--data")
        wanted = self.answer(*run, self.write("plain.csv", names + "".join(",".join(map(str, (d, *b))) + "\n" for d, b in zip(days, bars))))

        def american(d):
            return f"{d[5:7]}/{d[8:]}/{d[:4]}"

        def german(d):
            return f"{d[8:]}.{d[5:7]}.{d[:4]} 00:00:00.000"

        rows = list(zip(days, bars))
        tables = {
            "newest first": (names + "".join(",".join(map(str, (d, *b))) + "\n" for d, b in rows[::-1]), "go back in time"),
            "nasdaq.com": ("Date,Close/Last,Volume,Open,High,Low\n" + "".join(
                f'{american(d)},${c},"{v:,}",${o},${h},${l}\n' for d, (o, h, l, c, v) in rows[::-1]), "go back in time"),
            "spreadsheet": ("Date,Open,High,Low,Close,Volume\n" + "".join(",".join(map(str, (american(d), *b))) + "\n" for d, b in rows), "with the month first"),
            "dukascopy": ("Gmt time,Open,High,Low,Close,Volume\n" + "".join(",".join(map(str, (german(d), *b))) + "\n" for d, b in rows), None),
            "metatrader": ("<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOLUME>\n" + "".join(
                "\t".join(map(str, (d.replace("-", "."), "00:00:00", *b))) + "\n" for d, b in rows), None),
            "stooq": ("<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n" + "".join(
                ",".join(map(str, ("A.US", "D", d.replace("-", ""), "000000", *b))) + "\n" for d, b in rows), None)}
        for name, (text, says) in tables.items():
            done = self.answer(*run, self.write("site.csv", text))
            for key in ("from", "to", "metrics", "equity", "at"):
                self.assertEqual(done[key], wanted[key], (name, key))
            self.assertIn(says or "", done["note"] or "", name)
        hours = "date;time;price\n" + "".join(f"20240102;{h:02}3000;{100 + h}\n" for h in range(6))
        self.assertEqual(self.answer("--strategy", "hold", "--data", self.write("hours.csv", hours))["to"], "2024-01-02T05:30:00Z")
        clocks = ["9:30:00 AM", "12:15:00 PM", "3:45:00 PM"]
        halves = "date,time,price\n" + "".join(f"20240102,{c},1\n" for c in clocks)
        self.assertEqual(self.answer("--strategy", "hold", "--data", self.write("halves.csv", halves))["at"], [f"2024-01-02T{c}:00Z" for c in ("09:30", "12:15", "15:45")])
        digits = "date,time,price\n20240102,93000,1\n20240102,100000,2\n"
        self.assertEqual(self.answer("--strategy", "hold", "--data", self.write("digits.csv", digits))["from"], "2024-01-02T09:30:00Z")
        both = "datetime,time,price\n" + "".join(f"2024-01-02 {h:02}:30:00,{h:02}:30:00,{h}\n" for h in range(8, 20))
        done = self.answer("--strategy", "hold", "--data", self.write("both.csv", both))
        self.assertEqual((done["from"], done["to"]), ("2024-01-02T08:30:00Z", "2024-01-02T19:30:00Z"))
        self.assertIn("Column 'time' of", done["note"])
        parts = "date,price\n01/31/2024 9:30:00.250,1\n01/31/2024 9:30:00.5,2\n01/31/2024 9:30:00.75 ,3\n"
        self.assertEqual(len(self.answer("--strategy", "hold", "--data", self.write("parts.csv", parts))["at"]), 3)
        odd = hours + "20240103;noon;5\n"
        self.refuse("backtest", "--strategy", "hold", "--data", self.write("odd.csv", odd), says=["odd.csv:8: column 'time': 'noon' is no time of a day"])
        for clock in ("0960", "24:00"):  # none of which can be read: the dates would all be midnights
            text = "date,time,price\n" + "".join(f"2024-01-{day:02},{clock},{day}\n" for day in range(2, 9))
            self.refuse("backtest", "--strategy", "hold", "--data", self.write("odd.csv", text), says=f"odd.csv:2: column 'time': '{clock}' is no time of a day")
        # Four digits are hours and minutes where one of them can be nothing else, or the rows are of several days; with five among them, seconds.
        def clocks(some):
            return self.write("clocks.csv", "date,time,price\n" + "".join(f"{day},{clock},{i + 1}\n" for i, (day, clock) in enumerate(some)))

        for some, at in (([("20240102", "0931"), ("20240102", "1000"), ("20240102", "1600")], ("09:31", "10:00", "16:00")),
                         ([("20240102", "930"), ("20240102", "1600"), ("20240103", "930")], ("09:30", "16:00", "09:30")),
                         ([("20240102", "3000"), ("20240102", "5900"), ("20240102", "10000")], ("00:30", "00:59", "01:00"))):
            done = self.answer("--strategy", "hold", "--data", clocks(some))
            self.assertEqual([t[11:16] for t in done["at"]], list(at))
        self.refuse("backtest", "--strategy", "hold", "--data", clocks([("20240102", "1000"), ("20240102", "1030")]),
                    says="clocks.csv:2: column 'time': '1000' may be hours and minutes, or minutes and seconds, and no row says which (09:30 says it)")
        words = "date,time,price\n" + "".join(f"2024-01-{day:02},after close,{day}\n" for day in range(2, 9))
        self.assertEqual(self.answer("--strategy", "hold", "--data", self.write("words.csv", words))["from"], "2024-01-02")
        for wrong, cell in (("02/30/2024", "02/30/2024"), ("Total", "Total"), ("01/20/2024 24:30", "01/20/2024 24:30")):
            text = "date,price\n01/18/2024,1\n01/19/2024,2\n" + wrong + ",3\n"
            self.refuse("backtest", "--strategy", "hold", "--data", self.write("wrong.csv", text), says=f"wrong.csv:4: column 'date': '{cell}' is no date")
        # Each series has an order of its own, and together they say which number is the day; the table as a whole is in no order.
        series = "symbol,date,price\n" + "".join(f"{name},{d},{i + 1}\n" for name in "AB" for i, d in enumerate(["01/02/2024", "02/02/2024", "01/03/2024"]))
        done = self.answer("--strategy", "hold", "--by", "symbol", "--data", self.write("series.csv", series))
        self.assertEqual(done["at"], ["2024-02-01", "2024-02-02", "2024-03-01"])
        self.assertIn("with the day first", done["note"])
        for open_ in ("A,01/02/2024,1\nA,02/02/2024,2\nB,01/02/2024,1\n", "A,01/02/2024,1\nA,02/02/2024,2\nB,05/01/2024,1\nB,04/02/2024,2\nB,03/03/2024,2\n"):
            self.refuse("backtest", "--strategy", "hold", "--by", "symbol", "--data", self.write("open.csv", "symbol,date,price\n" + open_),
                        says=["open.csv:2", "nothing says which number is the day"])
        index = self.write("index.csv", ",close\n2024-01-02,1\n2024-01-03,2\n")
        self.assertEqual(self.answer("--strategy", "hold", "--data", index)["at"], ["2024-01-02", "2024-01-03"])
        futures = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n1,2,3,4,5,1704067200044,false\n"
        self.refuse("backtest", "--strategy", "hold", "--data", self.write("futures.csv", futures), says=["table of trades", "feed bars --every 1h"])
        to_and_fro = names + "".join(",".join(map(str, (d, *b))) + "\n" for d, b in rows[::-1] + rows[3:4])
        self.refuse("backtest", "--strategy", "hold", "--data", self.write("fro.csv", to_and_fro), says="is not after that of line 2")

    def test_tables_as_they_are_downloaded(self):
        """What stands around a table: titles, remarks, empty cells, UTF-16; and what is none."""
        names, rows = "Date,Open,High,Low,Close,Volume\n", [f"2024-01-{day:02},{100 + day % 7},109,90,{101 + day % 5},100000{day:02}" for day in range(2, 32)]
        run = ("--strategy", "sma", "--fast", "2", "--slow", "5", "--data")
        plain = names + "".join(f"{row}\n" for row in rows)
        wanted = self.answer(*run, self.write("plain.csv", plain))
        tables = {"title": "https://www.example.com\n" + plain, "titles": "Example Inc.\nHistorical Prices\n\n" + plain,
                  "remark": plain + "\nData provided by Example\n", "quoted remark": plain + '"For information, not for trading"\n',
                  "behind rows": names + "".join(f"{row},\n" for row in rows), "behind all": names.replace("\n", ",,\n") + "".join(f"{row},,\n" for row in rows),
                  "blanks in names": '"Date ","OPEN ","HIGH ","LOW ","close ","VOLUME "\n' + "".join(f"{row}\n" for row in rows),
                  "lakhs": names + "".join(row.rsplit(",", 1)[0] + f',"1,00,000{row[-2:]}"\n'.replace("1,00,000", "1,00,00,0") for row in rows),
                  "zones": names + "".join(row[:10] + " 01:00:00.000 GMT+0100" + row[10:] + "\n" for row in rows)}
        for name, text in tables.items():
            done = self.answer(*run, self.write("site.csv", text))
            for key in ("from", "to", "metrics", "equity", "at"):
                self.assertEqual(done[key], wanted[key], (name, key))
        for order in ("utf-16-le", "utf-16-be"):
            with open(self.path("wide.txt"), "wb") as file:
                file.write(("\ufeff" + plain.replace(",", "\t").replace("\n", "\r\n")).encode(order))
            self.assertEqual(self.answer(*run, self.path("wide.txt"))["metrics"], wanted["metrics"], order)
        said = self.check("backtest", *run, self.write("remark.csv", tables["remark"])).stderr
        self.assertIn("remark.csv:33: the table ends here: 'Data provided by Example'", said)
        for text, says in (('{\n "Information": "too many requests"\n}', "is JSON, and no table"),
                           ('[ [1499040000000, "0.01"]]', "`jq -r '.[] | @csv'` makes one of a list of rows"), ("<!DOCTYPE html><html>", "is a web page"),
                           (plain + "2024-02-01\n", ":32: 1 cell where"), (plain + "Data provided by Example\n2024-02-01,1,1,1,1,1\n", ":32: 1 cell where"),
                           ("Rendite\n1,5\n2,5\n", "2 cells where the first line has 1")):
            self.refuse("backtest", *run, self.write("none.csv", text), says=says)

    def test_tables_of_more_sites(self):
        """When and what columns are, by the names that services give them, or by what stands where."""
        bars = [(100 + i % 7, 109, 90, 101 + i % 5, 1000 + i) for i in range(30)]
        run = ("--strategy", "sma", "--fast", "2", "--slow", "5", "--data")
        times = [1704187800 + 60 * i for i in range(30)]

        def rows(form, scale=1):
            return "".join(form(t, *(v * scale for v in b[:4]), b[4]) + "\n" for t, b in zip(times, bars))

        def clock(t, form):
            return time.strftime(form, time.gmtime(t))
        wanted = self.answer(*run, self.write("plain.csv", "timestamp,open,high,low,close,volume\n" + rows(lambda t, *b: ",".join(map(str, (t, *b))))))
        tables = {
            "polygon": "ticker,volume,open,close,high,low,window_start,transactions\n" + rows(lambda t, o, h, l, c, v: f"A,{v},{o},{c},{h},{l},{t}000000000,3"),
            "databento": "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n" + rows(
                lambda t, o, h, l, c, v: f"{t}000000000,33,1,7,{o},{h},{l},{c},{v}", 10**9),
            "readable": "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n" + rows(
                lambda t, o, h, l, c, v: f"{clock(t, '%Y-%m-%dT%H:%M:%S')}.000000000Z,33,1,7,{o}.000000000,{h}.000000000,{l}.000000000,{c}.000000000,{v},ESH4"),
            "bitfinex": "MTS,OPEN,CLOSE,HIGH,LOW,VOLUME\n" + rows(lambda t, o, h, l, c, v: f"{t}000,{o},{c},{h},{l},{v}"),
            "refinitiv": "#RIC,Date-Time,Open,High,Low,Last,Volume\n" + rows(lambda t, *b: ",".join(map(str, ("A.O", clock(t, "%Y-%m-%dT%H:%M:%S.000000000Z"), *b)))),
            "doubles": "timestamp,open,high,low,close,volume\n" + rows(lambda t, *b: ",".join(map(str, (f"{t}.0", *b)))),
            "powers": "timestamp,open,high,low,close,volume\n" + rows(lambda t, *b: ",".join(map(str, (f"{t / 1e9:.9f}e+09", *b)))),
            "histdata": rows(lambda t, *b: ";".join(map(str, (clock(t, "%Y%m%d %H%M%S"), *b)))),
            "metatrader": rows(lambda t, *b: ",".join(map(str, (clock(t, "%Y.%m.%d,%H:%M"), *b)))),
            "kraken": rows(lambda t, *b: ",".join(map(str, (t, *b, 3)))),
            "volumes": "Unix,Symbol,Open,High,Low,Close,Volume BTC,Volume USD\n" + rows(lambda t, o, h, l, c, v: f"{t},BTC,{o},{h},{l},{c},{v},9")}
        for name, text in tables.items():
            done = self.answer(*run, self.write("site.csv", text))
            for key in ("from", "to", "metrics", "equity", "at", "periods_per_year"):
                self.assertEqual(done[key], wanted[key], (name, key))
            self.assertEqual("no line of names" in (done["note"] or ""), text[0].isdigit(), name)
        american = rows(lambda t, *b: ",".join(map(str, (clock(86400 * (t - 1704187800) // 60 + 1704067200, "%m/%d/%Y"), clock(t, "%H:%M"), *b))))
        self.assertIn("with the month first", self.answer(*run, self.write("kibot.txt", american))["note"])
        self.assertEqual(self.answer("--strategy", "hold", "--data", self.write("fred.csv", "observation_date,SP500\n2024-01-02,10\n2024-01-03,\n2024-01-04,11\n"))["metrics"]["bars"], 2)
        two = "ticker,close,window_start\nA,1,1704187800000000000\nA,2,1704187860000000000\nB,9,1704187920000000000\n"
        self.refuse("backtest", *run, self.write("two.csv", two), says="two.csv:4: column 'ticker': 'B' behind 'A': --by ticker tells")
        self.assertEqual(len(self.answer("--strategy", "hold", "--by", "ticker", "--data", self.path("two.csv"))["assets"]), 2)
        self.refuse("backtest", *run, self.write("bare.csv", "1,2,3\n4,5,6\n"), says="has no line of names")
        self.refuse("backtest", *run, self.write("odd.csv", "2024-01-02,3,2,1,5\n2024-01-03,3,2,1,5\n"), says="has no line of names")  # close above high
        self.refuse("backtest", *run, self.write("words.csv", "Datum,Schluss,Volumen\n2024-01-02,1,2\n"), says="(it has Datum, Schluss, Volumen)")

    def test_times_and_prices_that_pass_for_others(self):
        """Compact times are no counts, parts of a day are not cut, and prices of Databento are all in one unit."""
        bars = [(100 + i % 7, 109, 90, 101 + i % 5, 1000 + i) for i in range(30)]
        run = ("--strategy", "sma", "--fast", "2", "--slow", "5", "--data")
        times = [1704187800 + 60 * i for i in range(30)]

        def table(when, names="time,open,high,low,close,volume\n"):
            return self.write("times.csv", names + "".join(",".join(map(str, (when(t), *b))) + "\n" for t, b in zip(times, bars)))
        wanted = self.answer(*run, table(str))
        for form in ("%Y%m%d%H%M%S", "%Y%m%d%H%M"):
            done = self.answer(*run, table(lambda t: time.strftime(form, time.gmtime(t))))
            self.assertEqual([done[key] for key in ("from", "to", "metrics")], [wanted[key] for key in ("from", "to", "metrics")], form)
        done = self.answer(*run, table(lambda t: repr(t / 86400 + 25569)))
        self.assertEqual([done[key] for key in ("from", "to", "metrics")], [wanted[key] for key in ("from", "to", "metrics")], "a spreadsheet's")
        # Of 1976, in milliseconds: the second would be a minute of 1994.
        self.assertEqual(self.answer("--strategy", "hold", "--data", self.write("ms.csv", "time,close\n199324800000,1\n199411200000,2\n199497600000,3\n"))["from"][:4], "1976")
        names = "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n"
        row = "1704187800000000000,33,1,7,"
        for text in (row + "100.25,101.5,99.75,100,5\n", row + "100,101.5,99.75,100,5\n",
                     row + "100.25,101.5,99.75,100.5,5\n" + row.replace("7800", "7860") + "100000000000,101000000000,99000000000,100000000000,5\n"):
            self.refuse("backtest", "--strategy", "hold", "--data", self.write("mixed.csv", names + text), says="of Databento they are all")
        # No price is written as the largest number of 64 bits, in whichever unit the others are; both readers pass such a row.
        for scale, form in ((10**9, "{:.0f}"), (1, "{:.9f}")):
            rows = [",".join(form.format(v * scale) for v in b[:4]) for b in bars[:9]]
            rows[4] = ",".join(["9223372036854775807"] * 4)
            path = self.write("none.csv", names + "".join(f"{1704187800 + 60 * i}000000000,33,1,7,{r},5\n" for i, r in enumerate(rows)))
            done = self.answer("--strategy", "hold", "--data", path)
            self.assertEqual((done["metrics"]["bars"], done["fills"][0]["price"]), (8, 100 + 1))
            self.assertEqual(json.loads(self.check("feed", "decode", "--json", path).stdout)["types"], {"bar": 8, "other": 1})
        sizes = "ts_event,rtype,publisher_id,size\n" + "".join(f"{t}000000000,33,1,5{i}\n" for i, t in enumerate(times[:8]))
        self.assertEqual(self.answer("--strategy", "hold", "--column", "size", "--data", self.write("sizes.csv", sizes))["fills"][0]["price"], 51)

    def test_lookahead(self):
        _, path = self.table()
        self.assertEqual(self.answer("--strategy", "sma", "--check-lookahead", "--data", path)["cuts"], 599)
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
               "2000-01-03,1,2,0.5,3,5": ["bad.csv:3", "high lies below the open or the close"],
               "2000-01-03,1,0.5,2,1,5": ["bad.csv:3", "high lies below the low"],
               "2000-01-02,1,2,0.5,1,5": ["bad.csv:3", "not after that of line 2"],
               "2000-01-01,1,2,0.5,1,5": ["bad.csv:3", "not after that of line 2"],
               "tomorrow,1,2,0.5,1,5": ["bad.csv:3", "column 'date'", "tomorrow"],
               "2000-01-03,1,2,0.5,1": ["bad.csv:3", "cells"]}
        for row, says in bad.items():
            name = self.write("bad.csv", f"date,open,high,low,close,volume\n2000-01-02,1,2,0.5,1,5\n{row}\n")
            self.refuse(*run, "--data", name, says=says)
        self.refuse(*run, "--data", self.write("x.csv", "a,b\n1,2\n3,4\n"), says="--column says which")

    def test_hostile_tables(self):
        """What files of the world look like, and what no run can count with."""
        hold = ["--strategy", "hold", "--data"]
        head = "Date;Open;High;Low;Close;Adj Close;Volume"
        rows = [f"2024-01-0{i};{i};{i + 1};{i - 0.5};{i + 0.5};{i};0" for i in range(1, 6)]
        name = self.path("odd.csv")
        with open(name, "wb") as file:
            file.write(b"\xef\xbb\xbf" + "\r\n".join([head] + rows).encode())
        self.assertAlmostEqual(self.answer(*hold, name)["metrics"]["total_return"], 5.5 / 2 - 1, places=12)
        self.assertEqual(self.answer(*hold, name, "--volume-share", "0.1")["metrics"]["fills"], 0)
        for dates, first in ((("20240105", "20240106"), "2024-01-05"), (("2024-01-05T09:30:00-05:00", "2024-01-05T09:31:00.5-0500"), "2024-01-05T14:30:00Z"),
                             (("1704447000", "1704447060"), "2024-01-05T09:30:00Z"), (("1704447000.5", "1704447001.25"), "2024-01-05T09:30:00.5Z"), (("5.5", "6.5"), None),
                             (("2024-01-05 09:30:00.25", "2024-01-05 09:30:01"), "2024-01-05T09:30:00.25Z")):
            table = self.write("dates.csv", f"date,close\n{dates[0]},5\n{dates[1]},6\n")
            if first is None:
                self.refuse("backtest", *hold, table, says="is no date")
                continue
            done = self.answer(*hold, table)
            self.assertEqual((done["from"], done["at"][0]), (first, first))
        one = self.answer(*hold, self.write("one.csv", "date,close\n2024-01-05,5\n"))
        self.assertEqual((one["metrics"]["fills"], one["metrics"]["sharpe"], one["equity"]), (0, None, [100000]))
        gaps = self.answer(*hold, self.write("gaps.csv", "date,close\n2024-01-01,nan\n2024-01-02,5\n2024-01-03,\n2024-01-04,6\n2024-01-05,9\n"))
        self.assertEqual((gaps["at"], gaps["equity"][-1]), (["2024-01-02", "2024-01-04", "2024-01-05"], 150000))
        bad = {"date,close\n2024-01-01,1e308\n2024-01-02,1e-308\n2024-01-03,1e308\n": "beyond what a number can hold",
               "date,close\n2024-01-01,inf\n": "is no number", "date,close\n01/02/2024,5\n": "nothing says which number is the day", "date,close\n9999-12-31,5\n": "is no date", "date,close\n20241301,5\n": "is no date",
               "date,close\n2024-01-02T10:00:00+99:00,5\n": "is no date", "date,close,volume\n2024-01-01,5,-1\n": "no number from 0 on",
               "date,open,high,low,close\n2024-01-01,1,2,1.2,1.5\n": "low lies above", "date,close\n": "no rows", "": "is empty", "date,close\n2024-01-01,5\0\n": "NUL"}
        for text, says in bad.items():
            self.refuse("backtest", *hold, self.write("bad.csv", text), says=says)
        skipped = self.check("backtest", "--strategy", "sma", "--data", name, "--sweep", "fast=60..61").stdout
        self.assertIn("2 skipped", skipped)
        self.assertIn("has to be less than slow", skipped)

    def test_splits_and_dividends(self):
        bars = self.write("split.csv", "date,price\n2020-01-01,100\n2020-01-02,100\n2020-01-03,50\n2020-01-06,60\n2020-01-07,60\n")
        actions = self.write("actions.csv", "date,split,dividend\n2020-01-03,2,\n2020-01-04,,1.5\n2021-01-01,10,\n")
        done = self.answer("--strategy", "hold", "--cash", "1000", "--data", bars, "--actions", actions)
        # 10 units become 20; a dividend of Saturday is Monday's.
        self.assertEqual([round(value, 9) for value in done["equity"]], [1000, 1000, 1000, 1230, 1230])
        self.assertAlmostEqual(done["metrics"]["dividends"], 30, places=9)
        american = self.write("american.csv", "date,split,dividend\n01/03/2020,2,\n01/04/2020,,1.5\n12/31/2021,10,\n")
        self.assertEqual(self.answer("--strategy", "hold", "--cash", "1000", "--data", bars, "--actions", american)["equity"], done["equity"])
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
        self.refuse("backtest", *words[:4], says="several symbols: --symbol says whose")
        self.check("backtest", *words, "--report", self.path("book.html"))
        figures = [row.split("<")[0] for row in self.read("book.html").split('id="figures"')[1].split("<tr><td>")[1:]]
        self.assertEqual(figures, ["total return", "deepest drawdown", "fees", "dividends", "first equity", "last equity"])  # and nothing that is not known
        self.check("backtest", *words, "--report", self.path("book.svg"))
        xml.etree.ElementTree.fromstring(self.read("book.svg"))
        self.check("backtest", *words, "--report", self.path("book.html"))
        self.assertIn(f"Market making in {name}", self.read("book.html"))
        self.assertIn(f'<dt>Fills</dt><dd class="fig">{done["fills"]}</dd>', self.read("book.html"))
        self.assertNotIn("<dt>Trades</dt>", self.read("book.html"))
        self.check("backtest", *words, "--report", self.path("fills.csv"))
        with open(self.path("fills.csv"), encoding="utf-8") as file:
            self.assertEqual([(int(c["order"]), c["side"], float(c["price"])) for c in csv.DictReader(file)], [(t["order"], t["side"], t["price"]) for t in done["trades"]])
        self.refuse("backtest", *words, "--sweep", "lean=0..2", says="--sweep is for strategies on bars")
        self.refuse("backtest", "--strategy", "sma", "--feed", self.path("made.itch"), says="sma trades on bars")
        # Money and position are what its fills add up to.
        self.assertEqual(len(done["trades"]), done["fills"])
        signs = {"buy": 1, "sell": -1}
        cash = -sum(signs[t["side"]] * t["price"] * t["quantity"] + t["fee"] for t in done["trades"])
        self.assertAlmostEqual(done["cash"], cash, places=6)
        self.assertAlmostEqual(done["fees"], sum(t["fee"] for t in done["trades"]), places=9)
        self.assertEqual(done["position"], sum(signs[t["side"]] * t["quantity"] for t in done["trades"]))
        self.assertEqual(done["tick"], 0.01)
        self.refuse("backtest", *words[:2], says="--feed FILE is missing")
        self.refuse("backtest", *words[:4], "--symbol", "NOBODY", says="no symbol 'NOBODY'")
        self.refuse("backtest", *words, "--set", "lea=1", says="no parameter 'lea'")
        self.refuse("backtest", *words, "--set", "most=-1", says="most is a whole number from 1")
        # Bars of the same feed are a table like any other.
        bars = self.check("feed", "bars", "--every", "50ticks", "--symbol", name, self.path("made.itch")).stdout
        self.assertGreater(len(self.answer("--strategy", "sma", "--fast", "2", "--slow", "4", "--data", "-", stdin=bars)["equity"]), 3)

    def test_in_books_of_every_feed(self):
        """The same market in formats with other scales; what Binance says of levels instead of orders."""
        for form, unit in (("dbn", 1), ("json", 1e-8)):
            path = self.path("made." + form)
            self.check("feed", "generate", "--format", form, "--messages", "20000", "--symbols", "1", "--orders", "200", "--seed", "3", "-o", path)
            done = self.answer("--strategy", "market-making", "--feed", path, "--set", "quantity=3", "--set", "most=30")
            self.assertAlmostEqual(done["tick"], 0.01, places=12)
            self.assertAlmostEqual(done["unit"], unit, places=12)
            self.assertGreater(done["fills"], 5)
            self.assertEqual(done["parameters"]["quantity"], 3)
            self.assertLessEqual(done["most_position"], 36)
            for trade in done["trades"]:
                self.assertLessEqual(trade["quantity"], 3)
                self.assertTrue(50 < trade["price"] < 200)
        self.refuse("backtest", "--strategy", "market-making", "--feed", self.write("ticks.csv", "time,price,size\n1,2,3\n2,2,3\n"), says="trades only")

    def test_a_feed_that_is_not_recognised(self):
        """The sentence names an option, and it is there."""
        run = "backtest", "--strategy", "market-making", "--feed"
        self.refuse(*run, self.write("what", "hello\n"), says=["--format says what it is (itch, fix, dbn, json or csv)"])
        self.refuse(*run, "what", "--format", "json", says=["what: message 1 at byte 0, field JSON: a document has to begin with {"])
        path = self.path("made.itch")
        self.check("feed", "generate", "--messages", "5000", "--symbols", "1", "-o", path)
        self.assertEqual(self.answer(*run[1:], path, "--format", "itch"), self.answer(*run[1:], path))
        _, bars = self.table()
        self.refuse("backtest", "--strategy", "sma", "--format", "csv", "--data", bars, says="--feed, --symbol and --format are for strategies in a book")

    def test_binance(self):
        """A snapshot that names no symbol and no time, differences that it holds already, and trades: the first buyer of 0.3 meets 0.2 that
        stood there, then us."""
        self.write("b.json", "\n".join((
            '{"e":"depthUpdate","E":1700000000000,"s":"BTCUSDT","U":1,"u":9,"b":[["64000.10","9.0"]],"a":[["64000.90","9.0"]]}',
            '{"lastUpdateId":10,"bids":[["64000.10","0.20000000"],["64000.00","1.5"]],"asks":[["64000.20","0.20000000"]]}',
            '{"e":"depthUpdate","E":1700000000050,"s":"BTCUSDT","U":8,"u":10,"b":[["64000.15","9.0"]],"a":[]}',
            '{"e":"depthUpdate","E":1700000000100,"s":"BTCUSDT","U":11,"u":12,"b":[],"a":[["64000.30","2.0"]]}',
            '{"e":"trade","E":1700000001000,"s":"BTCUSDT","t":1,"p":"64000.20","q":"0.30000000","T":1700000001000,"m":false,"M":true}',
            '{"e":"depthUpdate","E":1700000001100,"s":"BTCUSDT","U":13,"u":14,"b":[["64000.10","0.2"]],"a":[["64000.20","0"]]}')) + "\n")
        done = self.answer("--strategy", "market-making", "--feed", self.path("b.json"), "--set", "quantity=0.5", "--set", "most=1", "--maker-bps", "2")
        self.assertAlmostEqual(done["tick"], 0.1, places=12)
        self.assertEqual([(t["side"], round(t["price"], 6), round(t["quantity"], 9), t["maker"]) for t in done["trades"]], [("sell", 64000.2, 0.1, True)])
        self.assertAlmostEqual(done["cash"], 0.1 * 64000.2 * (1 - 2e-4), places=6)
        self.refuse("backtest", "--strategy", "market-making", "--feed", self.path("b.json"), "--set", "quantity=1e-9", says="no whole number of the feed's units")

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

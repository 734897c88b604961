#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Bars by volume and by dollars as a user gets them, beside a slow count with Python's whole numbers."""
import csv
import fractions
import io
import json
import random

import story

Exact = fractions.Fraction


def trade(index, symbol, price, quantity):
    return json.dumps({"e": "trade", "E": 1672515782136 + index, "s": symbol, "t": index, "p": price, "q": quantity, "T": 1672515782136 + index, "m": index % 2 == 0})


def plain_bars(ticks, by, every):
    """[(volume, vwap, ticks)], each closed by the tick that reached `every`."""
    bars, volume, money, count = [], Exact(0), Exact(0), 0
    for price, quantity in ticks:
        volume += Exact(quantity)
        money += Exact(price) * Exact(quantity)
        count += 1
        if (volume if by == "volume" else money) >= every:
            bars.append((volume, money / volume, count))
            volume, money, count = Exact(0), Exact(0), 0
    return bars + ([(volume, money / volume, count)] if count else [])


class BigBars(story.Story):
    def beside(self, path, by, every, ticks, *more):
        rows = list(csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", f"{by}:{every}", path, *more).stdout)))
        expected = plain_bars(ticks, by, Exact(every))
        self.assertEqual([int(r["ticks"]) for r in rows], [count for _, _, count in expected])
        for row, (volume, vwap, _) in zip(rows, expected):
            self.assertAlmostEqual(float(row["volume"]) / float(volume), 1, 12)
            self.assertAlmostEqual(float(row["vwap"]) / float(vwap), 1, 12)
            self.assertAlmostEqual((float(row["buy_volume"]) + float(row["sell_volume"])) / float(volume), 1, 12)
        return rows

    def test_dollars_of_bitcoin(self):
        draw = random.Random(1)
        ticks = [(f"{draw.uniform(59000, 61000):.8f}", f"{draw.uniform(0.001, 2):.8f}") for _ in range(2000)]
        path = self.write("btc.json", "\n".join(trade(i, "BTCUSDT", *tick) for i, tick in enumerate(ticks)))
        for every in ("1000", "1845", "1000000", "1234567.89"):
            self.beside(path, "dollar", every, ticks)
        self.assertEqual(len(self.beside(path, "dollar", "1000000000000", ticks)), 1)
        self.beside(path, "volume", "12.5", ticks)

    def test_a_bar_ends_with_its_last_cent(self):
        ticks = [("60000.00000000", "0.10000000")] * 500  # 6,000 each
        path = self.write("even.json", "\n".join(trade(i, "BTCUSDT", *tick) for i, tick in enumerate(ticks)))
        self.assertEqual({r["ticks"] for r in self.beside(path, "dollar", "600000", ticks)}, {"100"})

    def test_coins_that_cost_nothing(self):
        ticks = [("0.00001000", "90000000000.00")] * 10
        path = self.write("shib.json", "\n".join(trade(i, "SHIBUSDT", *tick) for i, tick in enumerate(ticks)))
        (bar,) = csv.DictReader(io.StringIO(self.check("feed", "bars", "--every", "1d", path).stdout))
        self.assertEqual((float(bar["volume"]), float(bar["vwap"])), (900000000000.0, 1e-05))
        self.beside(path, "volume", "500000000000", ticks)
        self.beside(path, "dollar", "2000000", ticks)

    def test_dollars_of_a_table(self):
        draw = random.Random(2)
        ticks = [(f"{draw.uniform(10, 11):.4f}", str(draw.randrange(1, 1000))) for _ in range(1000)]
        path = self.write("t.csv", "time,price,quantity,side\n" + "\n".join(f"{1672515782136000000 + i},{p},{q},{'BS'[i % 2]}" for i, (p, q) in enumerate(ticks)))
        self.beside(path, "dollar", "250000", ticks)
        self.beside(path, "volume", "30000", ticks)

    def test_a_length_that_doubles_do_not_have(self):
        ticks = [("1.5", "0.01")] * 100  # 0.29 * 100 is a little less than 29 as a double
        path = self.write("t.csv", "time,price,quantity,side\n" + "\n".join(f"{1672515782136000000 + i},{p},{q},buy" for i, (p, q) in enumerate(ticks)))
        self.assertEqual([r["ticks"] for r in self.beside(path, "volume", "0.29", ticks, "--quantity-decimals", "2")], ["29", "29", "29", "13"])

    def test_more_than_all_steps(self):
        """10^39 steps, which are more than 128 bits can count: one bar, and not one of each trade."""
        path = self.write("t.csv", "time,price,quantity\n" + "".join(f"{1672515782136 + i},100,1\n" for i in range(3)))
        for every in ("1000", "1000000000", "1000000000000000000"):
            done = self.check("feed", "bars", "--every", f"dollar:{every}", "--price-decimals", "15", "--quantity-decimals", "15", path)
            self.assertEqual([r["ticks"] for r in csv.DictReader(io.StringIO(done.stdout))], ["3"])

    def test_money_beyond_what_a_sum_holds(self):
        """Three trades of 2^63 at 2^63 each: their volume is known, their average is not; the bar behind them has one."""
        most, whole = 2**63 - 1, ("--price-decimals", "0", "--quantity-decimals", "0")
        rows = [(1672515782136, most, most)] * 3 + [(1672515842136, 7, 1)] * 2
        path = self.write("t.csv", "time,price,quantity\n" + "".join(f"{t},{p},{q}\n" for t, p, q in rows))
        done = self.check("feed", "bars", "--every", "1m", *whole, path)
        self.assertEqual([(r["volume"], r["vwap"]) for r in csv.DictReader(io.StringIO(done.stdout))], [(repr(3 * float(most)), ""), ("2", "7")])
        done = json.loads(self.check("feed", "bars", "--every", "1m", "--json", *whole, path).stdout)
        self.assertEqual([bar["vwap"] for bar in done["bars"]], [None, 7])


if __name__ == "__main__":
    story.main()

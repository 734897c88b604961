#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prices, risk and devices as a user or another program asks for them."""
import csv
import datetime
import io
import json
import math
import os
import random
import statistics
import unittest

import story

MARKET = ["--spot", "100", "--strike", "110", "--time", "0.25", "--rate", "0.05"]
PRICES = os.path.join(story.SOURCE, "..", "shared", "data", "prices")


def normal(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def black_scholes(kind, spot, strike, time, rate, volatility):
    d1 = (math.log(spot / strike) + (rate + volatility**2 / 2) * time) / (volatility * math.sqrt(time))
    d2 = d1 - volatility * math.sqrt(time)
    call = spot * normal(d1) - strike * math.exp(-rate * time) * normal(d2)
    return call if kind == "call" else call - spot + strike * math.exp(-rate * time)


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


class Finance(story.Story):
    def answer(self, *words, **more):
        return json.loads(self.check(*words, "--json", **more).stdout)

    def table(self):
        """Two assets over 60 days, the second twice as nervous and one day short."""
        lines, a, b = ["date,calm,nervous"], 100, 50
        for i in range(60):
            move = ((i * 7919) % 13 - 6) / 300
            a, b = a * (1 + move), b * (1 + 2 * move + 0.001 * (i % 3))
            lines.append(f"2026-{1 + i // 28:02}-{1 + i % 28:02},{a:.6f},{'' if i == 7 else f'{b:.6f}'}")
        return self.write("prices.csv", "\n".join(lines) + "\n")


class Options(Finance):
    def test_a_call_in_closed_form_and_by_tree(self):
        closed = self.answer("price", "european", *MARKET, "--volatility", "0.2")
        self.assertAlmostEqual(closed["price"], black_scholes("call", 100, 110, 0.25, 0.05, 0.2), 12)
        self.assertIsNone(closed["standard_error"])
        self.assertEqual(set(closed["greeks"]), {"delta", "gamma", "vega", "theta", "rho", "vanna", "volga", "charm"})
        self.assertTrue(closed["device"].startswith("cpu"))
        up, down = (self.answer("price", "european", "--spot", s, *MARKET[2:], "--volatility", "0.2")["price"] for s in ("100.01", "99.99"))
        self.assertAlmostEqual(closed["greeks"]["delta"], (up - down) / 0.02, 6)
        tree = self.answer("price", "european", *MARKET, "--volatility", "0.2", "--method", "tree")
        self.assertAlmostEqual(tree["price"], closed["price"], 5)
        self.assertEqual(tree["steps"], 1001)
        american = self.answer("price", "american", "--type", "put", *MARKET, "--volatility", "0.2")
        european = self.answer("price", "european", "--type", "put", *MARKET, "--volatility", "0.2")
        self.assertGreater(american["price"], european["price"])
        self.assertIn("1.1911317", self.check("price", "european", *MARKET, "--volatility", "0.2").stdout)

    def test_the_volatility_comes_back(self):
        price = self.answer("price", "european", *MARKET, "--volatility", "0.3")["price"]
        self.assertAlmostEqual(self.answer("price", "implied", "--price", str(price), *MARKET)["volatility"], 0.3, 12)
        self.refuse("price", "implied", "--price", "200", *MARKET, says="price")

    def test_a_table_of_options(self):
        path = self.write("options.csv", "name,type,spot,strike,time,volatility\n\"a, b\",call,100,110,0.25,0.2\nc,put,90,100,1,0.4\n")
        priced = rows(self.check("price", "european", path, "--rate", "0.05").stdout)
        self.assertEqual([row["name"] for row in priced], ["a, b", "c"])
        for row in priced:
            said = black_scholes(row["type"], *(float(row[key]) for key in ("spot", "strike", "time")), 0.05, float(row["volatility"]))
            self.assertAlmostEqual(float(row["price"]), said, 10)
            self.assertEqual(row["problem"], "")
        back = self.write("back.csv", self.check("price", "european", path, "--rate", "0.05").stdout)
        for row in rows(self.check("price", "implied", back, "--rate", "0.05").stdout):
            self.assertAlmostEqual(float(row["implied_volatility"]), float(row["volatility"]), 10)
        bad = self.write("bad.csv", "spot,strike,time,volatility\n100,110,0.25,0.2\n-1,110,0.25,0.2\n")
        done = self.check("price", "european", bad, "--rate", "0.05", code=2)
        self.assertIn("bad.csv:3: the spot is not a positive number", done.stderr)
        self.assertGreater(float(rows(done.stdout)[0]["price"]), 0)
        self.assertEqual(rows(done.stdout)[1]["price"], "")
        self.refuse("price", "european", self.write("x.csv", "spot,strike\n1,2\n"), says="no column 'time'")
        self.refuse("price", "european", path, says="no column 'rate', and --rate does not say it")
        self.refuse("price", "european", self.write("y.csv", "spot,strike,time,volatility\n1,2,oops,0.1\n"), says="y.csv:2: column 'time': 'oops' is no number")
        self.refuse("price", "european", self.write("z.csv", "spot,strike,time,volatility\n1,2,3\n"), says="z.csv:2: 3 cells where the first line has 4")

    def test_bad_input_has_a_sentence(self):
        self.refuse("price", says="say which: european")
        self.refuse("price", "europan", *MARKET, says="did you mean 'price european'?")
        self.refuse("price", "european", *MARKET, says="--volatility VOLATILITY is missing")
        for option, value, says in (("--spot", "-1", "spot"), ("--time", "0", "time"), ("--volatility", "-0.2", "volatility"), ("--strike", "nan", "--strike")):
            words = [*MARKET, "--volatility", "0.2"]
            words[words.index(option) + 1] = value
            self.refuse("price", "european", *words, says=says)
        help_text = self.check("price", "--help").stdout
        self.assertIn("price european ", help_text)
        self.assertIn("portfolio minimum-variance ", self.check("portfolio", "--help").stdout)

    def test_what_would_do_nothing_is_refused(self):
        european, simulated = ["price", "european", *MARKET], ["--method", "montecarlo"]
        for words, says in ((["--volatility", "0.2", "--paths", "1000"], "--paths is of simulations: add --method montecarlo"),
                            (["--volatility", "0.2", "--antithetic"], "--antithetic is of simulations"),
                            (["--volatility", "0.2", "--device", "cuda"], "--device cuda is for simulations"),
                            (["--volatility", "0.2", "--steps", "10"], "--steps is of trees"),
                            (["--volatility", "0.2", *simulated, "--tree", "crr"], "--tree is of trees"),
                            (["--volatility", "0.2", "--jump-rate", "3"], "--jump-rate is of Merton's model: add --model merton"),
                            (["--volatility", "0.2", "--variance", "0.04"], "--variance is of Heston's model"),
                            (["--volatility", "0.2", "--model", "merton"], "--jump-rate N is missing"),
                            (["--volatility", "0.2", "--model", "heston", "--variance", "0.04"], "Heston's model has no --volatility"),
                            (["--model", "heston", "--method", "closed-form"], "--method closed-form knows geometric Brownian motion only")):
            self.refuse(*european, *words, says=says)
        self.check(*european, "--volatility", "0.2", "--device", "cpu")
        self.check(*european, "--volatility", "0.2", "--method", "tree", "--steps", "10")
        for method in ("closed-form", "tree", "montecarlo"):  # the same words for every method that is named
            done = self.check(*european, "--volatility", "0.2", "--method", method, "--paths", "2e4", "--seed", "42", "--json")
            self.assertAlmostEqual(json.loads(done.stdout)["price"], 1.19113, delta=0.1)
            self.assertEqual(method != "montecarlo", "--paths does nothing here" in done.stderr)
        done = self.check(*european, "--volatility", "0.2", *simulated, "--paths", "1000", "--json")
        self.assertIn("no Greeks: their errors need 16384 paths, and --paths is 1000", done.stderr)
        self.assertEqual(json.loads(done.stdout)["greeks"], {})
        for paths in ("1.5e0", "1e99", "0x1e3", "1e-3"):
            self.refuse(*european, "--volatility", "0.2", *simulated, "--paths", paths, says="needs a whole number")
        self.check(*european, "--volatility", "0.2", env={"ASSAY_DEVICE": "cpu"})
        path = self.table()
        self.refuse("risk", "var", path, "--scenarios", "1000", says="--scenarios is of simulations")
        self.refuse("risk", "stress", path, "-p", "calm=1000", says="--shock ASSET=RETURN is missing")
        self.refuse("risk", "stress", path, "--shock", "calm=-0.1", says="--position ASSET=MONEY is missing")
        self.assertIn("price american", self.check("help", "price").stdout)


class Risk(Finance):
    def test_value_at_risk_of_a_table(self):
        path = self.table()
        closes = [float(row["calm"]) for row in rows(self.read("prices.csv"))]
        returns = sorted(b / a - 1 for a, b in zip(closes, closes[1:]))
        tails = self.answer("risk", "var", path, "--level", "0.9,0.95")["tails"]
        self.assertEqual([(t["asset"], t["level"], t["periods"]) for t in tails],
                         [("calm", 0.9, 59), ("calm", 0.95, 59), ("nervous", 0.9, 58), ("nervous", 0.95, 58)])
        self.assertAlmostEqual(tails[0]["var"], -returns[5], 12)  # the sixth worst of 59: 53 of them, 90 %, lose less or as much
        self.assertGreater(tails[0]["es"], tails[0]["var"])
        normal_tail = self.answer("risk", "var", path, "-c", "calm", "--level", "0.99", "--method", "normal")["tails"][0]
        wanted = -(statistics.mean(returns) - 2.3263478740408408 * statistics.stdev(returns))
        self.assertAlmostEqual(normal_tail["var"], wanted, 12)
        words = ["risk", "var", path, "-c", "calm", "--level", "0.99", "--method", "montecarlo", "--scenarios", "100000", "--seed", "7"]
        drawn = self.answer(*words)["tails"][0]
        self.assertTrue(drawn["var_low"] <= drawn["var"] <= drawn["var_high"])
        self.assertLess(abs(drawn["var"] / normal_tail["var"] - 1), 0.03)
        self.assertEqual(drawn, self.answer(*words)["tails"][0])
        said = self.answer(*words, "--device", "cpu")
        self.assertEqual((said["tails"][0], said["device"]), (drawn, "cpu"))
        self.assertIn("asked for", said["device_reason"])
        mixed = self.check("risk", "var", path, "--weights", "calm=0.5,nervous=0.5", "--format", "csv")
        self.assertEqual(rows(mixed.stdout)[0]["asset"], "portfolio")
        self.assertIn("1 rows", mixed.stderr)

    def test_what_moves_together(self):
        path = self.table()
        matrix = self.answer("risk", "correlation", path)["matrix"]
        self.assertEqual((matrix[0]["with"]["calm"], matrix[1]["with"]["nervous"]), (1, 1))
        self.assertGreater(matrix[0]["with"]["nervous"], 0.99)
        self.assertEqual(matrix[0]["with"]["nervous"], matrix[1]["with"]["calm"])
        beta = self.answer("risk", "beta", path, "--market", "calm")["betas"]
        self.assertEqual([row["asset"] for row in beta], ["nervous"])
        self.assertAlmostEqual(beta[0]["beta"], 2, 1)
        shrunk = self.answer("risk", "covariance", path, "-e", "ledoit-wolf")
        self.assertTrue(0 <= shrunk["shrinkage"] <= 1)
        stress = self.answer("risk", "stress", path, "-p", "calm=1000,nervous=500", "--shock", "calm=-0.1", "--follow")["scenarios"][0]
        self.assertAlmostEqual(stress["pnl"], -100 - 500 * 0.1 * beta[0]["beta"], 6)

    def test_dates_that_are_numbers_are_no_asset(self):
        path = self.write("dates.csv", "date,a,b\n" + "".join(f"{20240101 + i},{100 + (i * 7) % 5},{50 + (i * 3) % 4}\n" for i in range(20)))
        done = self.check("risk", "covariance", path, "--json")
        self.assertEqual([row["asset"] for row in json.loads(done.stdout)["matrix"]], ["a", "b"])
        self.assertIn("column 'date' of", done.stderr)
        held = self.check("portfolio", "risk-parity", path, "--json")
        self.assertEqual([row["asset"] for row in json.loads(held.stdout)["weights"]], ["a", "b"])
        both = json.loads(self.check("risk", "covariance", path, "-c", "date", "-c", "a", "--json").stdout)["matrix"]
        self.assertEqual([row["asset"] for row in both], ["date", "a"])

    def test_assets_that_are_called_as_names_are(self):
        """A column of numbers holds no names, whatever it is called; one of names tells assets apart all the same."""
        for name in ("asset", "pair", "name", "tic", "ric", "instrument"):
            path = self.write("wide.csv", f"date,{name},market\n" + "".join(f"2024-01-{1 + i:02},{100 + i % 5}.5,{50 + (i * 3) % 4}\n" for i in range(20)))
            done = self.check("risk", "covariance", path, "--json")
            self.assertEqual([{name, "market"} == set(row["with"]) for row in json.loads(done.stdout)["matrix"]], [True, True])
            long = self.write("long.csv", f"date,{name},price\n2024-01-01,A,1\n2024-01-01,B,2\n2024-01-02,A,3\n2024-01-02,B,3\n")
            self.refuse("risk", "covariance", long, says=f"long.csv:3: column '{name}': 'B' behind 'A'")
        codes = self.write("codes.csv", "date,symbol,price\n2024-01-01,600519,1\n2024-01-01,000001,2\n")
        self.refuse("risk", "covariance", codes, says="'000001' behind '600519'")

    def test_drawdown_and_ratios(self):
        path = self.write("curve.csv", "value\n100\n120\n60\n90\n130\n117\n")
        down = self.answer("risk", "drawdown", path)["drawdowns"][0]
        self.assertEqual((down["deepest"], down["peak_row"], down["trough_row"], down["recovery_row"]), (0.5, 2, 3, 5))
        self.assertAlmostEqual(down["current"], 0.1, 12)
        good = self.answer("risk", "performance", path, "--periods-per-year", "1")["performance"][0]
        self.assertAlmostEqual(good["total"], 0.17, 12)
        self.assertAlmostEqual(good["deepest_drawdown"], 0.5, 12)
        self.refuse("risk", "drawdown", path, "--of", "returns", says="a drawdown is of prices")

    def test_a_row_an_asset_and_date(self):
        lines = ["symbol,date,price"] + [f"{name},{day},{base + day * (1 if name == 'A' else 2)}" for name, base in (("A", 10), ("B", 20)) for day in range(1, 9) if (name, day) != ("B", 1)]
        path = self.write("long.csv", "\n".join(lines) + "\n")
        done = self.check("risk", "covariance", path, "--by", "symbol", "--json")
        self.assertEqual([row["asset"] for row in json.loads(done.stdout)["matrix"]], ["A", "B"])
        self.assertIn("1 rows of", done.stderr)
        self.assertEqual({t["asset"]: t["periods"] for t in self.answer("risk", "var", path, "--by", "symbol", "--level", "0.9")["tails"]}, {"A": 7, "B": 6})
        self.refuse("risk", "var", path, "--by", "symbl", says="did you mean 'symbol'?")
        numbered = self.write("numbered.csv", "symbol,session,price\n" + "".join(f"{s},{i},{100 + i * (i % 3)}\n" for i in range(1, 9) for s in "AB"))
        self.assertEqual([t["periods"] for t in self.answer("risk", "var", numbered, "--by", "symbol", "--date", "session", "--level", "0.9")["tails"]], [7, 7])
        twice = self.write("twice.csv", "symbol,date,price\nA,1,2\nA,1,3\n")
        self.refuse("risk", "covariance", twice, "--by", "symbol", says="twice.csv:3: 'A' has a second number on '1'")

    def test_bad_input_has_a_sentence(self):
        path = self.table()
        self.refuse("risk", "var", path, "--level", "99", says="--level needs numbers between 0 and 1")
        self.refuse("risk", "var", path, "--decay", "0.97", says="--decay is of simulations")
        self.refuse("risk", "stress", path, "-p", "calm=1000", "--shock", "calm=-2", says="a price falls by everything at most")
        self.refuse("risk", "var", path, "-c", "clam", says="did you mean 'calm'?")
        self.refuse("risk", "var", path, "--weights", "calm", says="needs ASSET=NUMBER")
        self.refuse("risk", "beta", path, says="--market ASSET is missing")
        self.refuse("risk", "var", self.path("absent.csv"), says="absent.csv")
        self.refuse("risk", "var", self.write("empty.csv", ""), says="empty.csv is empty")
        self.refuse("risk", "var", self.write("words.csv", "a,b\nx,y\n"), says="no column of numbers")
        self.refuse("risk", "var", self.write("zero.csv", "p\n1\n0\n2\n"), says="prices are above 0")
        self.refuse("risk", "var", self.write("short.csv", "p\n1\n"), says="at least 3 are needed")

    def test_real_prices(self):
        if not os.path.isdir(PRICES):
            self.skipTest("the shared prices are not here")
        tails = self.answer("risk", "var", os.path.join(PRICES, "sp500-2000.csv"), "--column", "close")["tails"]
        self.assertTrue(0.01 < tails[0]["var"] < tails[0]["es"] < 0.1)
        matrix = self.answer("risk", "correlation", os.path.join(PRICES, "stocks.csv"), "--by", "symbol")["matrix"]
        self.assertEqual([row["asset"] for row in matrix], ["MSFT", "AMZN", "IBM", "GOOG", "AAPL"])


class Simulations(Finance):
    def test_the_closed_form_within_three_standard_errors(self):
        words = ["price", "european", *MARKET, "--volatility", "0.2", "--method", "montecarlo", "--paths", "200000", "--seed", "42"]
        one = self.answer(*words)
        self.assertLess(abs(one["price"] - black_scholes("call", 100, 110, 0.25, 0.05, 0.2)), 3 * one["standard_error"])
        self.assertTrue(one["low"] < one["price"] < one["high"])
        self.assertEqual((one["paths"], one["seed"]), (200000, 42))
        delta = normal((math.log(100 / 110) + (0.05 + 0.02) * 0.25) / 0.1)
        self.assertLess(abs(one["greeks"]["delta"] - delta), 4 * one["greek_errors"]["delta"])
        self.assertTrue(one["device"])
        self.assertEqual(one["price"], self.answer(*words, env={"ASSAY_THREADS": "1"})["price"])  # to the last bit
        self.assertNotEqual(one["price"], self.answer(*words[:-1], "43")["price"])
        self.assertIn("by Monte Carlo", self.check(*words).stdout)

    def test_the_answer_says_what_it_is_of(self):
        few = ["--paths", "1000", "--no-greeks"]
        seed = 9007199254740993  # no double
        words = ["price", "european", *MARKET, "--volatility", "0.2", "--method", "montecarlo", *few, "--seed", str(seed)]
        self.assertEqual(self.answer(*words)["seed"], seed)
        self.assertIn(str(seed), self.check(*words).stdout)
        heston = {"variance": 0.04, "long_variance": 0.05, "reversion": 1.5, "variance_volatility": 0.3, "correlation": -0.6}
        words = ["price", "asian", *MARKET, "--model", "heston", *few, "--steps", "4"]
        for name, value in heston.items():
            words += [f"--{name.replace('_', '-')}", str(value)]
        inputs = self.answer(*words)["inputs"]
        self.assertEqual({name: inputs[name] for name in heston}, heston)
        self.assertEqual((inputs["model"], inputs["average"]), ("heston", "arithmetic"))
        self.assertNotIn("volatility", inputs)
        words = ["price", "basket", "--spot", "100,90", "--volatility", "0.2,0.3", "--correlation", "0.5", "--strike", "95", "--time", "1", "--rate", "0.05"]
        inputs = self.answer(*words, *few, "--weights", "0.75,0.25")["inputs"]
        self.assertEqual((inputs["spot"], inputs["volatility"], inputs["correlation"]), ([100, 90], [0.2, 0.3], [0.5]))
        self.assertEqual(inputs["weights"], [0.75, 0.25])
        tree = ["price", "american", *MARKET, "--volatility", "0.2", "--steps", "1000"]
        self.assertEqual((self.answer(*tree)["steps"], self.answer(*tree, "--tree", "crr")["steps"]), (1001, 1000))
        done = self.check("price", "american", *MARKET, "--volatility", "0.2", "--method", "montecarlo", "--paths", "1000")
        self.assertIn("no Greeks", done.stderr)

    def test_a_basket_moves_with_each_asset(self):
        words = ["price", "basket", "--spot", "100,90", "--volatility", "0.2,0.3", "--correlation", "0.5", "--strike", "95", "--time", "1", "--rate", "0.05", "--paths", "20000"]
        answer = self.answer(*words)
        assets = answer["assets"]
        self.assertEqual(len(assets), 2)
        self.assertAlmostEqual(100 * assets[0]["delta"] + 90 * assets[1]["delta"], answer["greeks"]["delta"], places=6)
        for asset in assets:
            for name in ("delta", "gamma", "vega"):
                self.assertGreater(asset[name], 5 * asset[f"{name}_error"])
        self.assertGreater(answer["greeks"]["correlation"], 0)
        self.assertIn("vega, asset 2", self.check(*words).stdout)

    def test_correlations_that_contradict_each_other(self):
        words = ["price", "basket", "--spot", "100,90,80", "--volatility", "0.2,0.3,0.25", "--strike", "90", "--time", "1", "--rate", "0.05", "--paths", "20000", "--no-greeks"]
        bad = ["--correlation", "1,0.9,-0.9,0.9,1,0.9,-0.9,0.9,1"]
        self.refuse(*words, *bad, says="--nearest")
        # Three assets of equal numbers but for signs: the nearest have 1/2 of each.
        nearest = self.answer(*words, *bad, "--nearest")
        self.assertAlmostEqual(nearest["correlation_distance"], math.sqrt(6) * 0.4, 6)
        known = self.answer(*words, "--correlation", "1,0.5,-0.5,0.5,1,0.5,-0.5,0.5,1")
        self.assertAlmostEqual(nearest["price"], known["price"], 6)
        self.assertEqual(self.answer(*words, "--correlation", "0.5", "--nearest")["correlation_distance"], 0)

    def test_an_american_option_has_two_bounds(self):
        words = ["price", "american", "--type", "put", *MARKET, "--volatility", "0.2"]
        tree = self.answer(*words)["price"]
        answer = self.answer(*words, "--method", "montecarlo", "--paths", "65536", "--no-greeks", "--upper-bound")
        self.assertLess(answer["price"], tree + 4 * answer["standard_error"])
        self.assertGreater(answer["upper_bound"], 0.998 * tree - 4 * answer["upper_bound_error"])  # of 50 dates
        self.assertLess(answer["upper_bound"], 1.01 * tree)
        self.assertGreater(answer["exercise_loss"], 0)  # what the lower one is low by, by chance
        self.assertLess(answer["exercise_loss"], 0.005 * tree)
        self.assertNotIn("exercise_loss", self.answer(*words, "--method", "montecarlo", "--paths", "65536", "--no-greeks", "--control"))
        self.refuse(*words, "--upper-bound", says="--method montecarlo")

    def test_an_american_option_under_other_models(self):
        words = ["price", "american", "--type", "put", "--spot", "10", "--strike", "10", "--time", "0.25", "--rate", "0.1", "--model", "heston", "--variance", "0.0625",
                 "--long-variance", "0.16", "--reversion", "5", "--variance-volatility", "0.9", "--correlation", "0.1", "--paths", "65536"]
        found = self.answer(*words, "--control")
        self.assertAlmostEqual(found["price"], 0.52, delta=0.008)  # Ikonen and Toivanen 2008
        self.assertEqual((found["method"], found["steps"], found["greek_methods"]["delta"]), ("montecarlo", 50, "same numbers"))
        self.assertAlmostEqual(found["greeks"]["delta"], -0.44, delta=0.03)
        self.assertIn("99.9 % interval", self.check(*words, "--no-greeks", "--level", "0.999").stdout)
        self.refuse(*words, "--method", "tree", says="knows geometric Brownian motion only")
        self.refuse(*words, "--upper-bound", says="upper bound is known under geometric Brownian motion only")
        points = self.answer(*words, "--sampling", "sobol", "--no-greeks")
        self.assertAlmostEqual(points["price"], 0.52, delta=0.004)
        self.refuse(*words, "--sampling", "sobol", "--control", says="leave `control` out, or `sampling`")
        self.refuse(*words, "--tree", "crr", says="--tree is of trees")

    def test_an_american_option_has_a_control_and_greeks_of_some_paths(self):
        words = ["price", "american", "--type", "put", *MARKET, "--volatility", "0.2"]
        tree = self.answer(*words)
        answer = self.answer(*words, "--method", "montecarlo", "--paths", "65536", "--control")
        self.assertLess(abs(answer["price"] / tree["price"] - 1), 0.003)  # of 50 dates
        self.assertLess(answer["standard_error"], 1e-4 * tree["price"])
        self.assertGreater(answer["variance_ratio"], 1000)
        self.assertEqual((answer["paths"], answer["greeks_paths"]), (65536, 8192))
        self.assertEqual(set(answer["greek_methods"].values()), {"likelihood ratio"})
        for name, value in tree["greeks"].items():
            self.assertLess(abs(answer["greeks"][name] - value), 0.01 * abs(value) + 4 * answer["greek_errors"][name], name)

    def test_an_average_is_worth_less_than_the_end(self):
        market = ["--spot", "100", "--strike", "100", "--time", "1", "--rate", "0.05", "--volatility", "0.2", "--paths", "20000"]
        asian = self.answer("price", "asian", *market, "--steps", "12", "--control")
        self.assertLess(abs(asian["price"] - 6.0), 0.3)  # between the geometric average's 5.9 and 6.1
        self.assertGreater(asian["variance_ratio"], 100)
        self.assertEqual(asian["steps"], 12)

    def near(self, answer, wanted, more=0):
        self.assertLess(abs(answer["price"] - wanted), 4 * answer["standard_error"] + more, answer)

    def test_every_payoff_and_model(self):
        market = [*MARKET, "--volatility", "0.2"]
        paths = ["--paths", "40000", "--seed", "5"]
        first = self.run_command("price", "barrier", *market, *paths, "--barrier", "80", "--json")
        if "is not there yet" in first.stderr:
            self.skipTest("this build has no barriers yet")
        call = black_scholes("call", 100, 110, 0.25, 0.05, 0.2)
        out, inside = (self.answer("price", "barrier", *market, *paths, "--barrier", "95", "--barrier-kind", kind) for kind in ("down-out", "down-in"))
        self.assertLess(abs(out["price"] + inside["price"] - call), 4 * (out["standard_error"] + inside["standard_error"]))
        d2 = (math.log(100 / 110) + (0.05 - 0.02) * 0.25) / 0.1
        self.near(self.answer("price", "digital", *market, *paths, "--payout", "10"), 10 * math.exp(-0.0125) * normal(d2))
        self.refuse("price", "digital", *market, *paths, "--payout", "0", says="--payout 0 is worth nothing")
        short = self.check("price", "european", *market, *paths, "--method", "montecarlo", "--target-error", "1e-6", "--json")
        self.assertIn("not the 1e-06 that was aimed at", short.stderr)
        self.assertEqual(json.loads(short.stdout)["target_reached"], "no")
        self.assertGreater(self.answer("price", "lookback", *market, *paths)["price"], call)
        floating = self.answer("price", "lookback", "--style", "floating", "--spot", "100", "--time", "0.25", "--rate", "0.05", "--volatility", "0.2", *paths)
        self.assertGreater(floating["price"], black_scholes("call", 100, 100, 0.25, 0.05, 0.2))
        tree = self.answer("price", "american", "--type", "put", *market)["price"]
        self.near(self.answer("price", "american", "--type", "put", *market, *paths, "--method", "montecarlo"), tree, 0.01 * tree)
        one = self.answer("price", "basket", "--spot", "100", "--volatility", "0.2", "--strike", "110", "--time", "0.25", "--rate", "0.05", *paths)
        self.near(one, call)
        exchange = ["--spot", "100,96", "--volatility", "0.2,0.3", "--correlation", "0.8", "--strike", "1e-9", "--time", "1", "--rate", "0.05"]
        spread = self.answer("price", "spread", *exchange, *paths)
        self.near(spread, black_scholes("call", 100, 96, 1, 0, math.sqrt(0.04 + 0.09 - 2 * 0.8 * 0.06)))  # Margrabe 1978
        heston = ["--model", "heston", "--variance", "0.04", "--long-variance", "0.04", "--reversion", "1", "--variance-volatility", "0.001"]
        self.near(self.answer("price", "european", *MARKET, *heston, *paths), call, 0.01)
        merton = ["--model", "merton", "--jump-rate", "1", "--jump-mean", "0", "--jump-volatility", "0.0001"]
        self.near(self.answer("price", "european", *market, *merton, *paths), call, 0.01)

    def test_bad_input_has_a_sentence(self):
        market = [*MARKET, "--volatility", "0.2"]
        self.refuse("price", "european", *market, "--method", "montecarlo", "--paths", "99999999999999", says="--paths")
        self.refuse("price", "european", *market, "--method", "monte", says="--method cannot be 'monte'")
        self.refuse("price", "european", *market, "--method", "montecarlo", "--device", "cdua", says="cdua")
        self.refuse("price", "barrier", *market, says="--barrier PRICE is missing")
        self.refuse("price", "spread", "--spot", "100", "--volatility", "0.2", *MARKET[2:], says="a spread is between two assets")
        self.refuse("price", "basket", "--spot", "100,90", "--volatility", "0.2", *MARKET[2:], says="--volatility has 1 number")


class Indicators(Finance):
    def test_the_table_comes_back_with_a_column_more(self):
        path = self.table()
        closes = [float(row["calm"]) for row in rows(self.read("prices.csv"))]
        done = rows(self.check("indicator", "sma", "--period", "5", "--column", "calm", path).stdout)
        self.assertEqual([row["date"] for row in done], [row["date"] for row in rows(self.read("prices.csv"))])
        self.assertEqual([row["sma"] for row in done[:4]], [""] * 4)
        for i in range(4, 60):
            self.assertAlmostEqual(float(done[i]["sma"]), sum(closes[i - 4:i + 1]) / 5, 9)

    def test_an_rsi_and_its_crossings(self):
        series = "close\n" + "".join(f"{100 + i}\n" for i in range(20)) + "".join(f"{119 - 3 * i}\n" for i in range(1, 21))
        answer = self.answer("indicator", "rsi", "--period", "14", stdin=series)
        self.assertEqual(answer["parameters"]["period"], 14)
        values = answer["values"]["rsi"]
        self.assertEqual((answer["rows"], len(values), answer["warmup"]["rsi"]), (40, 40, 14))
        self.assertEqual(values[:14], [None] * 14)
        self.assertEqual(values[14], 100)
        self.assertIn("enters oversold", [c["event"] for c in answer["crossings"]])
        for c in answer["crossings"]:
            self.assertEqual(values[c["row"]] < 30, c["event"] == "enters oversold", c)

    def test_a_gap_poisons_nothing(self):
        whole = [float(row["sma"]) for row in rows(self.check("indicator", "sma", "--period", "2", "-", stdin="v\n1\n2\n4\n").stdout)[1:]]
        gap = rows(self.check("indicator", "sma", "--period", "2", "-", stdin="v,w\n1,a\n2,b\n,c\n4,d\n").stdout)
        self.assertEqual([row["sma"] for row in gap], ["", str(whole[0]), "", str(int(whole[1]))])

    def test_several_series_in_one_table(self):
        lines = ["name,price"] + [f"{name},{value}" for i in range(6) for name, value in (("a", i), ("b", 10 * i))]
        done = rows(self.check("indicator", "sma", "-p", "3", "--by", "name", "-", stdin="\n".join(lines)).stdout)
        self.assertEqual([float(row["sma"]) for row in done if row["name"] == "b" and row["sma"]], [10, 20, 30, 40])
        self.assertEqual([row["sma"] for row in done if row["name"] == "a"][:3], ["", "", "1"])
        young = self.check("indicator", "sma", "-p", "3", "--by", "name", "-", stdin="\n".join([*lines, "new,1", "new,2"]))
        self.assertEqual([row["sma"] for row in rows(young.stdout)], [row["sma"] for row in done] + ["", ""])
        self.assertIn("1 of 3 series of standard input are too short for a value of sma, 'new' is the first", young.stderr)
        self.refuse("indicator", "sma", "-p", "9", "--by", "name", "-", stdin="\n".join(lines), says="all 2 series are too short")

    def test_bad_input_has_a_sentence(self):
        path = self.table()
        self.refuse("indicator", "rsy", path, says="did you mean 'rsi'?")
        swapped = "date,close,high,low,volume\n2020-01-01,10,9,11,5\n2020-01-02,11,12,10,-5\n2020-01-03,11,12,10,5\n2020-01-04,13,12,10,5\n2020-01-05,9,12,10,5\n"
        said = self.check("indicator", "atr", "-p", "2", "-", stdin=swapped).stderr
        self.assertIn("standard input:2: the high lies below the low, and 2 other rows are no better", said)
        self.assertIn("standard input:3: the volume is below 0", self.check("indicator", "obv", "-", stdin=swapped).stderr)
        self.assertEqual(self.check("indicator", "sma", "-p", "2", "-", stdin=swapped).stderr, "")
        self.refuse("indicator", "rsi", path, says="--column says which it is")
        self.refuse("indicator", "rsi", "--period", "0", "-c", "calm", path, says="--period")
        self.refuse("indicator", "rsi", "--period", "2.5", "-c", "calm", path, says="whole")
        self.refuse("indicator", "rsi", "--set", "perod=3", "-c", "calm", path, says="no parameter 'perod'")
        self.refuse("indicator", "rsi", "-", stdin="1\n2\n", says="standard input has 2 rows")
        self.refuse("indicator", "atr", "-c", "calm", path, says="needs high")
        self.refuse("indicator", says="`indicator --list` shows")
        names = [row["name"] for row in self.answer("indicator", "--list")["indicators"]]
        self.assertTrue({"sma", "rsi", "macd", "bollinger", "atr"} <= set(names))


class Tables(Finance):
    """Files as sites and spreadsheets write them give the numbers of the plain table."""

    def setUp(self):
        super().setUp()
        self.days = [datetime.date(2024, 1, 25) + datetime.timedelta(days=i) for i in range(30)]
        self.closes = [round(4000 + 60 * math.sin(i * 0.7) + 3 * i, 2) for i in range(30)]
        self.volumes = [1000000 + 7919 * i for i in range(30)]
        self.plain = self.values("Date,Close\n" + self.lines(lambda d, c, v: f"{d},{c:.2f}"))

    def lines(self, form, back=False):
        made = [form(d, c, v) for d, c, v in zip(self.days, self.closes, self.volumes)]
        return "".join(f"{line}\n" for line in (made[::-1] if back else made))

    def values(self, text, *words):
        """Of an SMA, which names what it was of by its size."""
        done = self.check("indicator", "sma", "--period", "5", *words, self.write("t.csv", text), "--json")
        self.said = done.stderr
        return json.loads(done.stdout)["values"]["sma"]

    @staticmethod
    def german(number):
        return f"{number:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")

    def test_numbers_as_people_write_them(self):
        for text in ("Date,Close\n" + self.lines(lambda d, c, v: f'{d},"{c:,.2f}"'),
                     "sep=;\nDatum;Close\n" + self.lines(lambda d, c, v: f"{d:%d.%m.%Y};{self.german(c)}"),
                     "Date;Close\n" + self.lines(lambda d, c, v: f"{d:%d/%m/%Y};" + f"{c:,.2f}".replace(",", "\u202f").replace(".", ",")),
                     "Date|Close|Volume\n" + self.lines(lambda d, c, v: f"{d}|{c:.2f} €|{v}"),
                     "# made by hand\n<DATE>,<CLOSE>,<VOL>\n" + self.lines(lambda d, c, v: f"{d:%Y%m%d},{c},{v}"),
                     "Price,Close,Volume\nTicker,X,X\nDate,,\n" + self.lines(lambda d, c, v: f"{d},{c},{v}")):
            self.assertEqual(self.values(text), self.plain, text[:200])
        percent = self.answer("risk", "performance", "--of", "returns", self.write("p.csv", "Date,Change %\n2024-01-02,1.5%\n2024-01-03,(0.5%)\n"))
        self.assertAlmostEqual(percent["performance"][0]["total"], 1.015 * 0.995 - 1, 12)
        self.refuse("indicator", "sma", "-p", "2", "-", stdin="Close;b\n1,234;x\n1,235;y\n1,236;z\n", says="leaves open what a comma in a number means")

    def test_a_comma_in_one_column_says_nothing_of_another(self):
        prices = [(d, round(c / 30, 3)) for d, c in zip(self.days, self.closes)]
        plain = self.values("Date,Close\n" + "".join(f"{d},{c:.3f}\n" for d, c in prices))
        for cells in (["1,5"], [""] * 9 + ["0,5"], ["x"] * 9 + ["1,2"], ["1,234", "3,2", "5,5"], ["1,234", "5,678,901"]):
            text = "Date,Close,Note\n" + "".join(f'{d},{c:.3f},"{cells[i % len(cells)]}"\n' for i, (d, c) in enumerate(prices))
            self.assertEqual(self.values(text), plain, cells)
        text = "Date,Close,Volume\n" + "".join(f'{d},{c:.2f},"{v:,}"\n' for d, c, v in zip(self.days, self.closes, self.volumes))
        self.assertEqual(self.values(text), self.plain)
        self.assertEqual(self.values(text, "--column", "volume")[4], statistics.mean(self.volumes[:5]))
        half = "Date,Close,Share\n" + "".join(f'{d},"{12000 + i:,}","0,5"\n' for i, d in enumerate(self.days))
        self.refuse("indicator", "sma", self.write("half.csv", half), says="half.csv:2: column 'Close': '12,000': the column leaves open")
        mixed = "Date,Close\n" + "".join(f'{d},{c:.3f}\n' for d, c in prices) + '2024-03-01,"1,2"\n'
        self.refuse("indicator", "sma", self.write("mixed.csv", mixed), says="mixed.csv:32: column 'Close': '1,2': the column leaves open")
        german = "Datum;Close;Stück\n" + "".join(f"{d};{self.german(c)};{i + 1}.234\n" for i, (d, c) in enumerate(prices))
        self.assertEqual(self.values(german, "--column", "stück")[4], 3234)

    def test_no_volume_for_a_close(self):
        self.assertEqual(self.values("Date,Close/Last,Volume\n" + self.lines(lambda d, c, v: f"{d:%m/%d/%Y},${c:.2f},{v}")), self.plain)
        self.refuse("indicator", "sma", "-", stdin="day,Volume\na,1\nb,2\n", says="--column says which it is")

    def assets(self, text, *words):
        done = self.check("risk", "covariance", self.write("assets.csv", text), *words, "--json")
        self.said = done.stderr
        return [row["asset"] for row in json.loads(done.stdout)["matrix"]]

    def test_what_is_no_price_is_no_asset(self):
        table = "Date,AAPL,MSFT,Mkt Cap,Vol.,Change %,Note\n" + self.lines(
            lambda d, c, v: f"{d},{c},{c / 2 + v % 7},{c / 2000:.3f}T,{v},{c / 5000:.2f}%,{'' if d.day != 2 else 12}")
        self.assertEqual(self.assets(table), ["AAPL", "MSFT"])
        self.assertIn("'Mkt Cap', 'Vol.', 'Change %', 'Note' of", self.said)
        self.assertEqual(self.assets(table, "-c", "aapl", "-c", "vol."), ["AAPL", "Vol."])
        self.assertEqual(self.said, "")
        self.assertEqual(self.assets("Date,AAPL,Change %\n" + self.lines(lambda d, c, v: f"{d},{c},{c / 5000:.2f}%"), "--of", "returns"), ["AAPL", "Change %"])
        self.refuse("risk", "var", self.write("cap.csv", "Date,Cap\n" + self.lines(lambda d, c, v: f"{d},{v}K")), says="has no column of prices; --column takes 'Cap'")
        bars = '"Date","Price","Open","High","Low","Vol.","Change %"\n' + self.lines(
            lambda d, c, v: f'"{d:%m/%d/%Y}","{c:,.2f}","{c - 1:,.2f}","{c + 2:,.2f}","{c - 2:,.2f}","{v / 1e6:.2f}M","-0.15%"', back=True)
        self.assertEqual(self.assets(bars), ["Price"])
        one = self.answer("risk", "performance", self.write("bars.csv", bars))["performance"][0]["total"]
        self.assertAlmostEqual(one, self.closes[-1] / self.closes[0] - 1, 12)

    def test_bars_without_names_and_of_several_assets(self):
        bars = [(f"20240102 0930{i:02}", 100 + i % 7, 109, 90, 101 + i % 5, 0) for i in range(40)]
        named = self.write("named.csv", "date,close\n" + "".join(f"{b[0]},{b[4]}\n" for b in bars))
        bare = self.write("DAT_ASCII_EURUSD_M1.csv", "".join(";".join(map(str, b)) + "\n" for b in bars))
        self.assertEqual(self.answer("risk", "var", bare, "--column", "close")["tails"], self.answer("risk", "var", named)["tails"])
        done = self.check("indicator", "rsi", bare)
        self.assertIn("has no line of names and was read as date, open, high, low, close, volume", done.stderr)
        self.assertTrue(done.stdout.startswith("date;open;high;low;close;volume;rsi"), done.stdout[:80])
        # Of returns, what happens to lie as bars do is four assets.
        returns = self.write("returns.csv", "".join(f"{20240102 + i},{1 + i % 3},{5 + i % 2},{0.5 - i % 3},{2 + i % 2}\n" for i in range(20)))
        done = self.check("risk", "covariance", returns, "--of", "returns", "--json")
        self.assertEqual([row["asset"] for row in json.loads(done.stdout)["matrix"]], ["2", "3", "4", "5"])
        self.assertNotIn("was read as", done.stderr)
        # a clock that is put back an hour is no other series, but another symbol is
        two = self.write("two.csv", "ticker,close,window_start\n" + "".join(f"{t},{100 + i % 7 + (t == 'B') * 50},{1704187800 + 60 * i}000000000\n" for t in "AB" for i in range(40)))
        for verb in (("indicator", "rsi"), ("risk", "var")):
            self.refuse(*verb, two, says="two.csv:42: column 'ticker': 'B' behind 'A': --by ticker tells")
            self.check(*verb, two, "--by", "ticker")

    def test_rows_to_and_fro_are_refused(self):
        back = "Time,Close\n" + "".join(f"2024-03-{day:02} {hour}:00,{100 + day + hour}\n" for day in range(1, 9) for hour in range(16, 9, -1))
        self.refuse("indicator", "sma", "-p", "5", self.write("zig.csv", back), says="zig.csv:3: '2024-03-01 15:00' comes behind '2024-03-01 16:00' of line 2")
        clock = "Time,Close\n" + "".join(f"2024-10-{day} {hour:02}:{minute},{day + hour}\n" for day in (26, 27, 28) for hour in [0, 1, 2, *([2] if day == 27 else []), *range(3, 24)] for minute in ("00", "30"))
        self.values(clock)
        self.assertEqual(self.said, "")
        for unit in (3, 6, 9):
            text = "".join(f"2024-03-02T09:30:00.{i:0{unit}},{i}\n" for i in range(40, 0, -1))
            self.assertEqual(self.values("timestamp,price\n" + text)[0], 38, unit)
            self.assertIn("go back in time", self.said)

    def test_which_number_is_the_day_each_series_says(self):
        days = [datetime.date(2024, 3, 9) - datetime.timedelta(days=i) for i in range(12)]
        self.assertEqual(days[-1].month, 2)  # so some have a number above 12
        for form, some in (("%d/%m/%Y", days), ("%m/%d/%Y", days), ("%d.%m.%Y", days[:9]), ("%d/%m/%Y", days[:9]), ("%m/%d/%Y", days[:9])):
            text = "date,symbol,close\n" + "".join(f"{d.strftime(form)},{name},{100 + i * i}\n" for name in "AB" for i, d in enumerate(some))
            total = self.answer("risk", "performance", "--by", "symbol", self.write("lng.csv", text))["performance"]
            wanted = 100 / (100 + (len(some) - 1) ** 2) - 1
            for asset in total:
                self.assertAlmostEqual(asset["total"], wanted, 12, (form, len(some)))
        months = "date,symbol,close\n" + "".join(f"01/{month:02}/2024,{name},{100 + month}\n" for name in "AB" for month in range(12, 0, -1))
        self.assertAlmostEqual(self.answer("risk", "performance", "--by", "symbol", self.write("mon.csv", months))["performance"][1]["total"], 112 / 101 - 1, 12)
        spelled = "date,symbol,close\n" + "".join(f"{d.month}/{d.day}/2024,A,{100 + i}\n{d:%m/%d}/2024,B,{100 + i}\n" for i, d in enumerate(days[:9]))
        self.assertEqual([t["periods"] for t in self.answer("risk", "var", "--by", "symbol", self.write("spelled.csv", spelled), "--level", "0.9")["tails"]], [8, 8])
        either = "date,symbol,close\n" + "".join(f"{day:02}/{13 - day:02}/2024,{name},{100 + day}\n" for name in "AB" for day in range(1, 12))
        for words in (["risk", "var", "--by", "symbol"], ["indicator", "sma", "-p", "3", "--by", "symbol", "-c", "close"]):
            self.refuse(*words, self.write("either.csv", either), says="either.csv:2: column 'date': '01/12/2024': nothing says which number is the day")
        alone = "date,close\n" + "".join(f"{day:02}/{13 - day:02}/2024,{100 + day}\n" for day in range(1, 12))
        self.refuse("risk", "var", self.write("alone.csv", alone), says="nothing says which number is the day")
        # Each series is in order both ways, and only together do they say something else.
        apart = "date,symbol,close\n05/01/2024,A,1\n06/01/2024,A,2\n01/03/2024,B,3\n02/03/2024,B,4\n"
        self.refuse("risk", "var", "--by", "symbol", self.write("apart.csv", apart), says="nothing says which number is the day")

    def test_a_row_without_a_date_is_no_price(self):
        text = "date,symbol,close\n2024-01-05,A,8\nNA,A,2\n2024-01-04,A,4\n,A,3\n2024-01-03,A,2\n2024-01-02,A,1\n"
        done = self.check("risk", "performance", "--by", "symbol", self.write("gap.csv", text), "--json")
        self.assertAlmostEqual(json.loads(done.stdout)["performance"][0]["total"], 7, 12)
        self.assertIn("2 rows of", done.stderr)
        self.assertIn("without a date", done.stderr)
        self.refuse("risk", "var", "--by", "symbol", self.write("none.csv", "date,symbol,close\nNA,A,1\n,A,2\n"), says="has no date in column 'date'")

    def test_lists_are_no_numbers(self):
        """As in India digits go by twos behind commas only."""
        for cell in ("5 10 200", "5'10'200"):
            path = self.write("list.csv", f"date,x\n2024-01-02,{cell}\n2024-01-03,1\n2024-01-04,1\n")
            self.refuse("indicator", "sma", "--period", "2", "--column", "x", path, says=f"'{cell}' is no number")

    def test_times_by_any_of_their_names_are_no_asset(self):
        for name in ("dtyyyymmdd", "<DTYYYYMMDD>", "trade_date", "Exchange Date", "unix", "close time"):
            self.assertEqual(self.assets(f"{name},a,b\n" + self.lines(lambda d, c, v: f"{d:%Y%m%d},{c},{c / 2 + v % 7}")), ["a", "b"], name)

    def test_rows_that_go_back_in_time(self):
        for form in ("%Y-%m-%d", "%m/%d/%Y", "%d.%m.%Y", "%d-%b-%y", "%b %d, %Y"):
            text = "Date;Close\n" + self.lines(lambda d, c, v: f"{d.strftime(form)};{c}", back=True)
            self.assertEqual(self.values(text), self.plain[::-1], form)
            self.assertIn("go back in time (column 'Date')", self.said)
        serial = "Date,Close\n" + self.lines(lambda d, c, v: f"{(d - datetime.date(1899, 12, 30)).days},{c}", back=True)
        self.assertEqual(self.values(serial), self.plain[::-1])
        clocks = [f"2024-10-27 0{h}:{m:02}" for h, m in [(h, m) for h in (0, 1, 2) for m in range(0, 60, 2)] + [(2, m) for m in range(0, 60, 2)]]
        self.values("Time,Close\n" + "".join(f"{t},{i + 1}\n" for i, t in enumerate(clocks)))
        self.assertEqual(self.said, "")
        forth = self.write("forth.csv", "Date,Close\n" + self.lines(lambda d, c, v: f"{d},{c}"))
        back = self.write("back.csv", "Date,Close\n" + self.lines(lambda d, c, v: f"{d},{c}", back=True))
        for words in (["var"], ["performance"], ["covariance"]):
            answers = [self.answer("risk", *words, path) for path in (forth, back)]
            for answer in answers:
                answer.pop("source")
            self.assertEqual(*answers)
        self.assertEqual(*[[c["event"] for c in self.answer("indicator", "rsi", "--period", "3", path)["crossings"]] for path in (forth, back)])
        both = "Date,Close\n" + self.lines(lambda d, c, v: f"{d},{c}") * 2
        self.refuse("indicator", "rsi", self.write("both.csv", both), says="both.csv:32: '2024-01-25' comes behind '2024-02-23' of line 31")

    def test_an_asset_that_begins_before_the_first_one(self):
        late = "".join(f"{d},NEW,{c}\n" for d, c in zip(self.days[10:], self.closes[10:]))
        early = "".join(f"{d},OLD,{c}\n" for d, c in zip(self.days, self.closes))
        path = self.write("long.csv", "date,symbol,close\n" + late + early)
        self.assertEqual(self.answer("risk", "performance", "--by", "symbol", path)["performance"][1]["total"],
                         self.answer("risk", "performance", self.write("o.csv", "close\n" + "".join(f"{c}\n" for c in self.closes)))["performance"][0]["total"])

    def test_gaps_of_other_programs(self):
        for gap in ("#N/A N/A", "#N/A", ".", "--", "<NA>", "n.a."):
            text = "Date,Close\n" + "".join(f"{d},{gap if i == 20 else c}\n" for i, (d, c) in enumerate(zip(self.days, self.closes)))
            self.assertEqual([i for i, v in enumerate(self.values(text)) if v is None], [0, 1, 2, 3, 20], gap)

    def test_a_word_among_prices_is_told(self):
        text = "Date,a,b\n" + "".join(f"{d},{c},{'oops' if i == 7 else c / 2 + i}\n" for i, (d, c) in enumerate(zip(self.days, self.closes)))
        self.refuse("portfolio", "minimum-variance", self.write("w.csv", text), says="w.csv:9: column 'b': 'oops' is no number")

    def test_an_asset_that_does_not_vary_is_named(self):
        path = self.write("flat.csv", "Date,moves,FLAT\n" + self.lines(lambda d, c, v: f"{d},{c},50"))
        self.refuse("risk", "correlation", path, says="FLAT does not vary")
        self.refuse("portfolio", "risk-parity", path, says="FLAT has no variance")

    def test_a_first_line_of_dates_and_numbers_is_a_row(self):
        self.assertEqual(self.values(self.lines(lambda d, c, v: f"{d},{c}")), self.plain)


class Portfolios(Finance):
    def prices(self):
        lines, values = ["a,b,c"], [100, 100, 100]
        for i in range(80):
            moves = (((i * 7) % 11 - 5) / 500, ((i * 5) % 13 - 6 + 0.5) / 250, ((i * 3) % 17 - 8 + 1) / 200)
            values = [v * (1 + m) for v, m in zip(values, moves)]
            lines.append(",".join(f"{v:.9f}" for v in values))
        return self.write("three.csv", "\n".join(lines) + "\n")

    def weights(self, *words):
        answer = self.answer("portfolio", *words)
        return {row["asset"]: row["weight"] for row in answer["weights"]}, answer

    def test_weights_keep_to_their_constraints(self):
        path = self.prices()
        calm, answer = self.weights("minimum-variance", path)
        self.assertAlmostEqual(sum(calm.values()), 1, 9)
        self.assertEqual(max(calm, key=calm.get), "a")
        self.assertLess(answer["kkt"], 1e-8)
        covariance = {row["asset"]: row["with"] for row in self.answer("risk", "covariance", path)["matrix"]}
        variance = sum(calm[x] * calm[y] * covariance[x][y] for x in calm for y in calm)
        self.assertAlmostEqual(answer["volatility"], math.sqrt(variance), 9)
        kept, _ = self.weights("minimum-variance", path, "--turnover", "0", "--current", "a=0.2,b=0.3,c=0.5")
        self.assertEqual(kept, {"a": 0.2, "b": 0.3, "c": 0.5})
        bound, _ = self.weights("minimum-variance", path, "--bound", "a=:0.3", "--group", "rest=b+c=:0.8")
        self.assertTrue(bound["a"] <= 0.3 + 1e-9 and bound["b"] + bound["c"] <= 0.8 + 1e-9)
        parity, _ = self.weights("risk-parity", path)
        shares = [parity[x] * sum(parity[y] * covariance[x][y] for y in parity) for x in parity]
        self.assertAlmostEqual(max(shares) / min(shares), 1, 5)
        self.assertEqual(self.weights("mean-variance", path, "--tolerance", "0")[0], calm)
        best, sharpest = self.weights("maximum-sharpe", path)
        self.assertGreaterEqual(sharpest["sharpe"], answer["sharpe"])
        self.assertTrue(all(w >= -1e-9 for w in best.values()))

    def test_assets_may_have_any_name(self):
        """Names of our own columns too."""
        path = self.write("names.csv", "volatility,sharpe,name\n100,50,7\n101,51,8\n99,52,7\n103,51,9\n104,55,8\n")
        done = self.check("portfolio", "frontier", path, "--points", "3", "--json")
        pairs = json.loads(done.stdout, object_pairs_hook=lambda pairs: pairs)
        self.assertNotIn(False, [len({key for key, _ in row}) == len(row) for row in dict(pairs)["portfolios"]])
        for row in json.loads(done.stdout)["portfolios"]:
            self.assertAlmostEqual(sum(row["weights"].values()), 1, 9)
            self.assertEqual(set(row["weights"]), {"volatility", "sharpe", "name"})
            self.assertLess(row["volatility"], 0.3)
        heading = self.check("portfolio", "frontier", path, "--points", "3", "--format", "csv").stdout.splitlines()[0]
        self.assertEqual(heading, "expected_return,volatility,sharpe,weights:volatility,weights:sharpe,name")
        path = self.write("assets.csv", "asset,x\n100,50\n101,51\n99,52\n")
        row = self.answer("risk", "correlation", path)["matrix"][0]
        self.assertEqual((row["asset"], row["with"]["asset"]), ("asset", 1))
        self.assertTrue(self.check("risk", "correlation", path).stdout.startswith("asset  with:asset"))

    def test_the_frontier_rises(self):
        points = rows(self.check("portfolio", "frontier", self.prices(), "--points", "6", "--format", "csv").stdout)
        self.assertEqual(len(points), 6)
        risks = [float(p["volatility"]) for p in points]
        self.assertEqual(risks, sorted(risks))
        target, answer = self.weights("target-return", self.prices(), "--return", points[3]["expected_return"])
        self.assertAlmostEqual(answer["volatility"], risks[3], 6)

    def test_contradictions_are_named(self):
        path = self.prices()
        self.refuse("portfolio", "minimum-variance", path, "--high", "0.2", says="no portfolio fits")
        self.refuse("portfolio", "minimum-variance", path, "--bound", "a=much", says="--bound needs ASSET=LOW:HIGH")
        self.refuse("portfolio", "minimum-variance", path, "--group", "x=a", says="--group needs NAME=ASSET+ASSET=LOW:HIGH")
        self.refuse("portfolio", "minimum-variance", path, "--turnover", "0.1", says="--turnover and --current go together")
        self.refuse("portfolio", "target-return", path, says="--return R is missing")
        self.refuse("portfolio", "best", path, says="there is no 'portfolio best'")


class Devices(Finance):
    def test_what_there_is(self):
        listed = self.answer("device", "list")["devices"]
        cpu = [row for row in listed if row["id"] == "cpu"]
        self.assertTrue(cpu[0]["available"] and cpu[0]["f64"])
        for row in listed:
            self.assertTrue(row["available"] or row["cause"], row)
        status = self.answer("device", "status", "--device", "cpu")
        self.assertEqual(status["device"], "cpu")
        self.assertGreater(status["memory_bytes"], 0)
        self.assertIn("cpu", self.check("device", "list").stdout)
        self.refuse("device", "status", "--device", "cdua", says="cdua")

    def test_a_driver_without_threads_ends_nobody(self):
        """PoCL calls abort() where the system gives it no threads; where that begins depends on the machine, so the limit grows past it."""
        limited = lambda mib, *words: self.run_command("-c", f"ulimit -v {mib * 1024}; exec \"$0\" \"$@\"", story.ASSAY, *words, program="sh")
        if limited(4096, "version").returncode != 0:
            self.skipTest("this build needs more address space than that (a sanitizer)")
        for mib in range(160, 360, 8):
            for words in (("price", "asian", *MARKET, "--volatility", "0.2", "-n", "1000", "--no-greeks"), ("device", "list")):
                done = limited(mib, *words)
                self.assertGreaterEqual(done.returncode, 0, (mib, words, done.stderr))

    def test_what_suits_is_measured_once(self):
        where = {"ASSAY_CACHE_DIR": self.path("cache")}
        first = self.answer("device", "tune", "--device", "cpu", env=where)
        self.assertEqual((first["device"], first["cached"], first["use_fp16"]), ("cpu", False, False))
        self.assertGreater(first["paths_per_s_f64"], 0)
        self.assertEqual(self.answer("device", "tune", "--device", "cpu", env=where), {**first, "cached": True})

    def test_what_its_memory_gives(self):
        where = {"ASSAY_CACHE_DIR": self.path("nothing measured")}
        found = self.answer("device", "bandwidth", "--device", "cpu", env=where)
        self.assertEqual((found["device"], found["ceiling_bytes_per_s"], found["ceiling_ratio"], found["ceiling"]), ("cpu", None, None, None))
        self.assertGreater(found["achieved_bytes_per_s"], 1e8)
        self.assertIn("`assay machine ceilings` measures it once", found["cause"])
        shown = self.check("device", "bandwidth", "--device", "cpu", env=where).stdout
        self.assertRegex(shown, r"(?s)Achieved .* read and written, by the best copy of .*Not available .*measures it once")
        self.refuse("device", "bandwidth", "--device", "cdua", says="cdua")

    def test_workloads_run_on_each_device_that_is_here(self):
        """A device that is not here, or has no library for it, is a reason and no failure."""
        for name, least in (("option_payoff", 12), ("risk_simulation", 3), ("risk_correlation_batch", 3), ("matrix_product_device", 6)):
            self.check("run", *story.QUICK, "--suite", "performance", "--filter", name, "--format", "json")
            found = [b for b in self.result()["benchmarks"] if b["base_name"] == name]
            self.assertEqual({b["params"]["device"] for b in found}, {"cpu", "opencl", "cuda"})
            self.assertGreaterEqual(len(found), least)
            for b in found:
                self.assertIn(b["status"], ("ok",) if b["params"]["device"] == "cpu" else ("ok", "unsupported"), b["reason"])
                self.assertTrue(b["status"] == "ok" or b["reason"], b["name"])

    def test_which_device_for_which_size(self):
        found = self.answer("device", "compare", "--operations", "euro", "--devices", "cpu", "--seconds", "0.5")
        self.assertEqual([(g["operation"], g["type"], g["large"], g["same_bits"]) for g in found["guide"]],
                         [("european", "f32", "cpu", True), ("european", "f64", "cpu", True)])
        sizes = [p["size"] for p in found["curves"][0]["points"]]
        self.assertEqual(sizes, [1024 * 4**i for i in range(len(sizes))])
        self.check("device", "compare", "--operations", "copy", "--devices", "cpu", "--seconds", "0.5", "--output", "devices.html")
        self.assertIn("<h1>Which device for what</h1>", self.read("devices.html"))
        self.refuse("device", "compare", "--operations", "swap", says="there is no operation 'swap'")

    def test_a_first_run_compiles_on_nobodys_time(self):
        """A driver that has compiled nothing yet takes longer for that than a curve has; the curve is as long as another."""
        there = [row["id"] for row in self.answer("device", "list")["devices"] if row["available"] and row["id"].startswith("opencl:")]
        if not there:
            self.skipTest("no OpenCL device")
        cold = {name: self.path(name) for name in ("POCL_CACHE_DIR", "ASSAY_CACHE_DIR", "XDG_CACHE_HOME")}
        found = self.answer("device", "compare", "--operations", "european", "--devices", there[0], "--seconds", "1", env=cold)
        for curve in found["curves"]:
            self.assertGreaterEqual(len(curve["points"]), 3, curve)

    def test_a_demo_of_all_of_it(self):
        # Without OpenCL, whose compiler may take longer than all the rest.
        shown = self.check("demo", "--seconds", "1", env={"OCL_ICD_VENDORS": self.dir}).stdout
        for part in ("1. This machine", "2. One option four ways", "3. One of those paths", "4. Which device for what"):
            self.assertIn(part, shown)
        closed, tree = (float(line.split()[-3]) for line in shown.splitlines() if "closed form" in line or "binomial" in line)
        self.assertAlmostEqual(closed, 6.04009, places=4)
        self.assertAlmostEqual(tree, closed, places=2)


class LongBars(story.Story):
    def test_of_bars_with_a_row_a_symbol_the_close_counts(self):
        draw = random.Random(4)
        rows = ["symbol,date,open,high,low,close,volume"]
        for symbol in ("AA", "BB", "CC"):
            price = 100.0
            for day in range(60):
                begin, price = price, price * (1 + draw.gauss(0.002, 0.01))
                rows.append(f"{symbol},2024-{1 + day // 28:02}-{1 + day % 28:02},{begin:.4f},{max(begin, price) + 1:.4f},{min(begin, price) - 1:.4f},{price:.4f},{draw.randrange(9000)}")
        path = self.write("bars.csv", "\n".join(rows) + "\n")
        for verb in (("portfolio", "maximum-sharpe"), ("risk", "correlation")):
            done = self.check(*verb, path, "--by", "symbol", "--json")
            named = self.check(*verb, path, "--by", "symbol", "--value", "close", "--json")
            self.assertEqual(done.stdout, named.stdout)
            self.assertIn("'open', 'high', 'low', 'volume' of " + path + " are left out; --value says which counts", done.stderr)
            self.assertEqual(named.stderr, "")
        two = self.write("two.csv", "symbol,date,bid,dividend\nAA,2024-01-01,5,1\nAA,2024-01-02,6,1\n")
        self.refuse("risk", "var", two, "--by", "symbol", says="2 columns of numbers ('bid', 'dividend'): --value says which")


if __name__ == "__main__":
    unittest.main()

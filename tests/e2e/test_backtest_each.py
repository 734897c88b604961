#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many symbols, each backtested by itself; and many configurations, stopped on the way."""
import contextlib
import csv
import gzip
import json
import os
import re
import signal
import statistics
import time
import xml.etree.ElementTree

import backtests
import story


class Each(backtests.Backtest):
    def test_each_by_itself(self):
        """A line for every asset, to the bit what it gives alone; what cannot be run loses itself only."""
        run = ("--strategy", "sma", "--fast", "3", "--slow", "8", "--fee-bps", "2")
        paths = [self.table(f"m{seed}.csv", seed, 200 + seed)[1] for seed in range(1, 8)]
        alone = [self.answer(*run, "--data", path) for path in paths]
        for workers in ("1", "3"):
            done = self.answer(*run, "--each", "--workers", workers, "--data", *paths)
            self.assertEqual([row["metrics"] for row in done["rows"]], [one["metrics"] for one in alone])
            self.assertEqual([row["hold"] for row in done["rows"]], [one["hold"] for one in alone])
            self.assertEqual([(row["asset"], row["from"], row["to"]) for row in done["rows"]], [(one["assets"][0], one["from"], one["to"]) for one in alone])
        returns = [one["metrics"]["total_return"] for one in alone]
        together = done["summary"]
        self.assertEqual((together["assets"], together["done"], together["gained"]), (7, 7, sum(value > 0 for value in returns)))
        self.assertEqual(together["beat_hold"], sum(one["metrics"]["total_return"] > one["hold"]["total_return"] for one in alone))
        for key, value in (("mean", statistics.fmean(returns)), ("median", statistics.median(returns)), ("least", min(returns)), ("most", max(returns))):
            self.assertAlmostEqual(together["total_return"][key], value, places=12)
        # Broken ones, beside whole ones.
        with open(self.path("bytes.csv"), "wb") as file:
            file.write(bytes(range(256)) * 20)
        broken = [self.write("empty.csv", ""), self.path("bytes.csv"), self.path("absent.csv"), self.write("minus.csv", "date,close\n2024-01-02,-5\n")]
        with open(paths[1], "rb") as file, gzip.open(self.path("packed.csv.gz"), "wb") as packed:
            packed.write(file.read())
        done = self.check("backtest", *run, "--each", "--json", "--data", paths[0], *broken, self.path("packed.csv.gz"), "--report", self.path("all.csv"), code=2)
        rows = json.loads(done.stdout)["rows"]
        self.assertEqual([row["outcome"] for row in rows], ["done", "failed", "failed", "failed", "failed", "done"])
        self.assertEqual((rows[0]["metrics"], rows[5]["metrics"], rows[5]["asset"]), (alone[0]["metrics"], alone[1]["metrics"], "packed"))
        self.assertIn("minus.csv:2: the close is no price above 0", rows[4]["why"])
        self.assertEqual(done.stderr.count("failed: "), 4)
        with open(self.path("all.csv"), newline="", encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        self.assertEqual([row["outcome"] for row in table], [row["outcome"] for row in rows])
        self.assertEqual(float(table[5]["total_return"]), alone[1]["metrics"]["total_return"])
        shown = self.check("backtest", *run, "--each", "--top", "1", "--data", *paths).stdout
        self.assertIn("7 assets; best sharpe first", shown)
        self.assertIn("... and 6 more", shown)
        # Of one table, where each has its own dates; with actions, of others too; and each with its own sweep.
        wide = self.write("wide.csv", "symbol,date,price\n" + "".join(
            f"{name},2020-{1 + i // 28:02}-{1 + i % 28:02},{50 + 10 * k + (i * (7 + k)) % 13}\n" for k, name in enumerate("AB") for i in range(5 * k, 100)))
        actions = self.write("actions.csv", "date,split,asset\n2020-03-02,2,A\n2020-03-02,3,C\n")
        own = ("--strategy", "sma", "--sweep", "fast=2..4", "--sweep", "slow=6..9")
        done = self.answer(*own, "--each", "--by", "symbol", "--actions", actions, "--data", wide)
        for row, extra in zip(done["rows"], (("--actions", self.write("a.csv", "date,split\n2020-03-02,2\n")), ())):
            one = self.answer(*own, "--by", "symbol", "--asset", row["asset"], "--data", wide, *extra)
            best = one["rows"][one["best"]]
            self.assertEqual((row["parameters"], row["metrics"], row["configurations"]), (best["parameters"], best["metrics"], 12))
        for words, says in ((("--walk-forward", "3"), "--sweep says which"), (("--check-lookahead",), "--check-lookahead"), (("--position", "5"), "--position"),
                            (("--report", "page.svg"), "ends in .html or .csv"), (("--set", "slow=2"), "less than slow")):
            self.refuse("backtest", "--strategy", "sma", "--each", *words, "--data", paths[0], says=says)

    def test_notes_of_each_are_lines_of_plain_text(self):
        rows = "close\n" + "".join(f"{50 + i % 7}\n" for i in range(60))
        paths = [self.write(name, text) for name, text in (("one.csv", rows), ("t\x1b[2Jwo.csv", rows), ("th\x1b[2Jree.csv", "close\n-5\n"))]
        done = self.check("backtest", "--strategy", "sma", "--each", "--data", *paths, code=2)
        self.assertEqual([line.split(" has no dates")[0] for line in done.stdout.splitlines()[-2:]],
                         [f"one: {paths[0]}", "t\ufffd[2Jwo: " + paths[1].replace("\x1b", "\ufffd")])
        self.assertIn("th\ufffd[2Jree failed: ", done.stderr)
        self.assertNotIn("\x1b", done.stdout + done.stderr)

    def test_each_walked_forward(self):
        """To the bit what a walk-forward of one symbol gives."""
        run = ("--strategy", "sma", "--sweep", "fast=3..5", "--sweep", "slow=10..20:5", "--walk-forward", "3", "--fee-bps", "2")
        paths = [self.table(f"m{seed}.csv", seed, 300 + seed)[1] for seed in range(1, 4)] + [self.table("short.csv", 9, 7)[1]]
        for more in ((), ("--carry",), ("--anchored", "--train", "2")):
            alone = [self.answer(*run, *more, "--data", path) for path in paths[:3]]
            done = json.loads(self.check("backtest", *run, *more, "--each", "--json", "--data", *paths, "--report", self.path("all.csv"), code=2).stdout)
            self.assertEqual((done["walk_forward"], done["partial"]), (3, False))
            for row, one in zip(done["rows"], alone):
                self.assertEqual((row["metrics"], row["hold"], row["to"]), (one["metrics"], one["hold"], one["to"]))
                self.assertLess(row["from"], one["windows"][0]["test_from"])
                self.assertEqual((row["efficiency"], row["windows"]), (one["efficiency"], sum("parameters" in w for w in one["windows"])))
                self.assertEqual(row["parameters"], [w["parameters"] for w in one["windows"] if "parameters" in w][-1])
            self.assertIn("cannot be cut into 3 windows", done["rows"][3]["why"])
            with open(self.path("all.csv"), newline="", encoding="utf-8") as file:
                table = list(csv.DictReader(file))
            self.assertEqual([row["windows"] for row in table], [str(row["windows"]) for row in done["rows"][:3]] + [""])
        shown = self.check("backtest", *run, "--each", "--data", *paths[:3]).stdout
        self.assertIn("tried on what came next, 3 times", shown)
        self.assertIn("chosen last", shown)

    def test_nothing_to_choose(self):
        """A price that never moves gives no configuration a score: none is shown as chosen, least of all one that was not swept."""
        flat = self.write("flat.csv", "date,close\n" + "".join(f"2020-{1 + i // 28:02}-{1 + i % 28:02},100\n" for i in range(300)))
        run = ("--strategy", "sma", "--sweep", "fast=3,4", "--sweep", "slow=20,30", "--walk-forward", "3", "--each", "--data", flat)
        shown = self.check("backtest", *run, "--report", self.path("flat.html")).stdout
        self.assertEqual(next(line for line in shown.splitlines() if line.startswith("flat ")).split()[-2:], ["-", "-"])
        (cells,) = self.rows_of(self.path("flat.html"))
        self.assertEqual("".join(cells[-1].itertext()), "-")
        why = "none of 4 configurations has a score (none has traded)"
        all_why = "no window had a choice: in the first " + why
        self.assertEqual(cells[-1].get("title"), all_why)
        self.assertIn(f"\nflat: {all_why}\n", shown)
        done = json.loads(self.check("backtest", *run, "--json", "--report", self.path("all.csv")).stdout)
        (row,) = done["rows"]
        self.assertEqual((row["outcome"], row["windows"], row["why"]), ("done", 0, all_why))
        self.assertEqual(row["parameters"], dict.fromkeys(("fast", "slow", "short", "size")))
        with open(self.path("all.csv"), newline="", encoding="utf-8") as file:
            (row,) = csv.DictReader(file)
        self.assertEqual((row["windows"], row["why"], row["fast"] + row["slow"] + row["short"] + row["size"]), ("0", all_why, ""))
        # By itself each window says it.
        alone = [word for word in run if word != "--each"]
        self.assertEqual(self.check("backtest", *alone, "--report", self.path("alone.csv"), "--report", self.path("alone.html")).stdout.count("nothing: " + why), 3)
        self.assertEqual([(w["why"], "parameters" in w) for w in self.answer(*alone)["windows"]], [(why, False)] * 3)
        with open(self.path("alone.csv"), newline="", encoding="utf-8") as file:
            self.assertEqual([(row["why"], row["fast"]) for row in csv.DictReader(file)], [(why, "")] * 3)
        with open(self.path("alone.html"), encoding="utf-8") as file:
            self.assertEqual(file.read().count("nothing: " + why), 3)
        self.refuse("backtest", *alone[:6], "--data", flat, "--report", self.path("none.html"), says=["nothing that a report could show", why])

    def rows_of(self, page):
        with open(page, encoding="utf-8") as file:
            root = xml.etree.ElementTree.fromstring(file.read().split("\n", 1)[1])
        self.assertEqual([link.get("href") for link in root.find("body/nav").iter("a")], ["#" + part.get("id") for part in root.iter("section")])
        section = next(s for s in root.iter("section") if s.get("id") == "symbols")
        return [[cell for cell in row if cell.tag == "td"] for row in section.find(".//tbody")]

    def test_a_page_of_each(self):
        """The best first, each with a curve that begins with all the cash and ends where the figures say; names are text."""
        run = ("backtest", "--strategy", "sma", "--fast", "3", "--slow", "8")
        paths = [self.table(f"m{seed}.csv", seed, 100 + seed)[1] for seed in range(1, 5)] + [self.table("<i>&x.csv", 9, 40)[1], self.write("empty.csv", "")]
        done = json.loads(self.check(*run, "--each", "--json", "--data", *paths, "--report", self.path("all.html"), code=2).stdout)
        rows = self.rows_of(self.path("all.html"))
        self.assertEqual(len(rows), 6)
        best = sorted((r for r in done["rows"] if r["outcome"] == "done"), key=lambda r: -r["metrics"]["sharpe"])
        self.assertEqual(["".join(row[0].itertext()) for row in rows], [r["asset"] for r in best] + ["empty"])
        for cells, row in zip(rows, best):
            self.assertEqual(float(cells[2].get("data-v")), row["metrics"]["total_return"])
            lines = {line.get("class"): [tuple(map(float, point.split())) for point in re.split("[ML]", line.get("d"))[1:]] for line in cells[1].iter("path")}
            self.assertEqual(set(lines), {"roof3", "ln"})
            for points in lines.values():
                self.assertEqual(len(points), min(64, row["metrics"]["bars"]))
                self.assertEqual((points[0][0], points[-1][0]), (2, 128))
            self.assertEqual(lines["roof3"][0], lines["ln"][0])
            up = row["metrics"]["total_return"] > row["hold"]["total_return"]
            self.assertEqual(lines["ln"][-1][1] < lines["roof3"][-1][1], up)  # pictures count down
        self.assertIn("failed: ", "".join(rows[-1][1].itertext()))
        page = self.read("all.html")
        self.assertNotIn("<i>", page)
        self.assertEqual(page.count("not run</dd>"), 1)
        for rank, head in (("sharpe", ("descending", "Sharpe")), ("return", ("descending", "return")), ("drawdown", ("ascending", "drawdown"))):
            self.check(*run, "--rank", rank, "--each", "--data", *paths[:2], "--report", self.path("ranked.html"))
            self.assertEqual(re.findall(r'<th [^>]*aria-sort="(\w+)"><button type="button">(\w+)', self.read("ranked.html")), [head])
        # With a sweep of its own, and with a walk-forward, each says what was chosen.
        for words, says in (((), "the best of its own sweep"), (("--walk-forward", "2"), "tried on what came next")):
            self.check(*run[:3], "--sweep", "fast=2..4", "--sweep", "slow=6..9", *words, "--each", "--data", *paths[:3], "--report", self.path("swept.html"))
            self.assertIn(says, self.read("swept.html"))
            for cells in self.rows_of(self.path("swept.html")):
                self.assertRegex("".join(cells[-1].itertext()), r"^fast=[234] slow=[6789]$")


class Stopped(backtests.Backtest):
    """Ctrl-C: what is done is an answer, and it says what it is."""

    def workers(self, process):
        """The seconds of a processor that each of its workers has used so far."""
        used = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8") as file:
                fields = file.read().rpartition(")")[2].split()
                if int(fields[1]) == process.pid:
                    used.append((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        return used

    def wait(self, process, enough, seconds=60):
        """Until its workers are so far, however fast the machine is."""
        if not os.path.exists("/proc/self/stat"):
            time.sleep(3)
            return
        end = time.monotonic() + seconds
        while process.poll() is None and not enough(self.workers(process)):
            self.assertLess(time.monotonic(), end, "its workers do not come so far")
            time.sleep(0.02)

    def stop(self, process):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of its processes
        out, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, said)
        return out, said

    def sweep(self, *words):
        _, path = self.table("long.csv", 1, 80000)
        process = self.start("backtest", "--strategy", "rsi", "--events", "--sweep", "period=2..200", "--sweep", "low=10..45:0.25", "--workers", "2", "--data", path, *words, program=story.ASSAY)
        self.wait(process, lambda used: sum(used) >= 0.5)
        return process

    def test_a_sweep(self):
        out, said = self.stop(self.sweep("--json", "--report", self.path("all.csv"), "--report", self.path("all.html")))
        done = json.loads(out)
        outcomes = [row["outcome"] for row in done["rows"]]
        self.assertTrue(done["partial"])
        self.assertEqual(len(outcomes), 199 * 141)
        self.assertEqual(set(outcomes), {"done", "not run"})
        self.assertIn(f"stopped: {outcomes.count('not run')} of 28059 configurations are not run", said)
        self.assertEqual(done["rows"][done["best"]]["outcome"], "done")
        with open(self.path("all.csv"), newline="", encoding="utf-8") as file:
            self.assertEqual([row["outcome"] for row in csv.DictReader(file)], outcomes)
        self.assertIn(f"{outcomes.count('not run')} not run", self.read("all.html"))
        # What is done has the bits of a run by itself.
        row = next(row for row in done["rows"] if row["outcome"] == "done")
        alone = self.answer("--strategy", "rsi", "--data", self.path("long.csv"), *(w for k, v in row["parameters"].items() for w in ("--set", f"{k}={v}")))
        self.assertEqual(row["metrics"], alone["metrics"])

    def test_a_sweep_as_text(self):
        out, _ = self.stop(self.sweep())
        self.assertRegex(out, r"28,?059 configurations of rsi, \d+ not run; best sharpe first")
        self.assertNotIn("all was stopped", out)

    def test_a_walk_forward(self):
        out, said = self.stop(self.sweep("--walk-forward", "3"))
        self.assertEqual(out, "")
        self.assertIn("stopped in window ", said)

    def test_each(self):
        _, path = self.table("first.csv", 1, 100)
        os.mkfifo(self.path("never.csv"))  # nobody ever writes to it
        process = self.start("backtest", "--strategy", "sma", "--each", "--json", "--workers", "2", "--data", path, self.path("never.csv"), program=story.ASSAY)
        for _ in range(10):  # one worker alone, for a while: the other has nothing left to do
            self.wait(process, lambda used: len(used) == 1)
            time.sleep(0.02)
        out, said = self.stop(process)
        done = json.loads(out)
        self.assertEqual(([row["outcome"] for row in done["rows"]], done["partial"]), (["done", "not run"], True))
        self.assertIn("stopped: 1 of 2 assets are not run", said)
        self.assertEqual(done["rows"][0]["metrics"], self.answer("--strategy", "sma", "--data", path)["metrics"])


if __name__ == "__main__":
    story.main()

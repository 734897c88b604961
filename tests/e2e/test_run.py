#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Running suites: what lies there afterwards, and what the exit code says."""
import csv
import html.parser
import json
import os
import re
import sqlite3
import xml.etree.ElementTree

import story
from story import FIXTURE, QUICK

try:
    import jsonschema
except ImportError:
    jsonschema = None


class Outline(html.parser.HTMLParser):
    """Checks that elements close in order, and collects what a page would fetch."""

    VOID = {"meta", "link", "br", "img", "input", "hr", "col", "source"}

    def __init__(self):
        super().__init__()
        self.open, self.fetched = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value and not value.startswith(("#", "data:")):
                self.fetched.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
            self.open.pop()


class Reports(story.Story):
    def test_a_quick_run_leaves_every_report(self):
        done = self.check("run", *QUICK, "--suite", "performance", "--filter", "alloc_small", "--format", "json", "html", "csv", "markdown", "junit")
        names = sorted(os.listdir(self.path("benchmark_results")))
        for name in ("history.db", "report.csv", "report.html", "report.json", "report.junit.xml", "report.md"):
            self.assertIn(name, names)
        self.assertEqual([n for n in names if n.startswith((".probe", "report.json."))], [])
        self.assertRegex(done.stdout, r"alloc_small[^$]*bytes=16 ")
        self.assertIn("HTML report: " + os.path.realpath(self.path("benchmark_results/report.html")), done.stdout)
        self.assertEqual(done.stderr, "")
        self.assertTrue(os.path.exists(self.path("benchmark_run.log")))

        result = self.result()
        measured = {b["name"] for b in result["benchmarks"]}
        self.assertIn("alloc_small/bytes=16", measured)
        for benchmark in result["benchmarks"]:
            self.assertEqual(benchmark["status"], "ok", benchmark)
            time = benchmark["metrics"][0]
            self.assertEqual((time["name"], time["unit"]), ("time", "ns"))
            self.assertGreater(time["value"], 0)
            self.assertEqual(len(time["processes"]), 3)
        self.assertEqual(len(result["slas"]) > 0, True)

        page = self.read("benchmark_results/report.html")
        outline = Outline()
        outline.feed(page)
        self.assertEqual((outline.open, outline.fetched), ([], []))
        self.assertIn("alloc_small", page)
        with open(self.path("benchmark_results/report.csv"), newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
        self.assertEqual({len(row) for row in rows}, {len(rows[0])})
        for name in measured:
            self.assertTrue(any(name in row for row in rows), name)
        cases = xml.etree.ElementTree.parse(self.path("benchmark_results/report.junit.xml")).iter("testcase")
        self.assertTrue(measured <= {name for case in cases for name in (case.get("name"), case.get("name").split("/", 1)[-1])})
        self.assertIn("alloc_small/bytes=16", self.read("benchmark_results/report.md"))

        history = sqlite3.connect(self.path("benchmark_results/history.db"))
        self.assertEqual(history.execute("pragma integrity_check").fetchone()[0], "ok")
        history.close()
        run = json.loads(self.check("history", "--json").stdout)["runs"][0]
        self.assertEqual((run["state"], run["benchmarks"], run["failed"]), ("complete", len(measured), 0))

    def test_json_is_pure_and_keeps_its_schema(self):
        done = self.check("run", *QUICK, "--filter", "performance/alloc_small/bytes=16", "--json", "--format", "csv")
        result = json.loads(done.stdout)
        self.assertEqual(result["schema"], "assay-result/1")
        self.assertIn("CSV report: ", done.stderr)
        self.assertFalse(os.path.exists(self.path("benchmark_results/report.json")))
        schema = os.path.join(story.SOURCE, "docs", "result.schema.json")
        if jsonschema is None:
            self.skipTest("python3-jsonschema is not here")
        with open(schema, encoding="utf-8") as file:
            jsonschema.validate(result, json.load(file))

    def test_checks_of_the_hardware_suite_are_rows(self):
        done = self.run_command("run", *QUICK, "--suite", "hardware", "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        result = json.loads(done.stdout)
        self.assertTrue(result["checks"])
        for row in result["checks"]:
            self.assertIn(row["status"], ("pass", "fail", "unavailable"))

    def test_all_names_what_cannot_run_yet(self):
        done = self.run_command("run", *QUICK, "--filter", "performance/alloc_small/bytes=16", "--json")
        suites = {s["name"]: s for s in json.loads(done.stdout)["run"]["suites"]}
        self.assertEqual(suites["performance"]["status"], "ok")
        for name in ("containers", "ai"):
            self.assertEqual((suites[name]["status"], suites[name]["reason"]), ("unsupported", "not built yet"))

    def test_trading_from_tick_to_order_and_under_overload(self):
        wanted = ["trading/order_throughput/market=crash/risk=yes", "trading/order_execution/order=iceberg", "trading/market_data_*", "trading/risk_positions",
                  "trading/strategy_step", "trading/websocket_round_trip/wait=sleep", "trading/tick_to_order", "stress/high_frequency/market=crash/hurry=10*"]
        for one in wanted:
            done = self.run_command("run", *QUICK, "--no-history", "--filter", one, "--json")
            self.assertIn(done.returncode, (0, 1, 3), done.stderr)  # whether limits are met depends on the machine, and on who else is at work
            rows = json.loads(done.stdout)["benchmarks"]
            self.assertTrue(rows, one)
            for row in rows:
                self.assertEqual((row["status"], row["reason"]), ("ok", None), row["name"])
                metrics = {metric["name"]: metric["value"] for metric in row["metrics"]}
                if one.startswith("stress"):
                    self.assertGreater(metrics["orders_turned_away"], 0)
                    self.assertLess(metrics["events_shed"], 1)
                if "tick_to_order" in one:
                    self.assertGreater(metrics["orders_per_message"], 0)

    def test_a_report_is_rendered_again_from_file_stdin_and_history(self):
        self.check("run", *QUICK, "--no-history", "--filter", "performance/alloc_small/bytes=16")
        text = self.read("benchmark_results/report.json")
        run_id = json.loads(text)["run"]["id"]
        from_file = self.check("report", "benchmark_results/report.json", "--format", "csv").stdout
        self.assertEqual(self.check("report", "-", "--format", "csv", stdin=text).stdout, from_file)
        self.assertEqual(self.check("report", "benchmark_results/report.json", "--format", "json").stdout.strip(), text.strip())
        self.refuse("report", says="there is no history")
        self.check("run", *QUICK, "--filter", "performance/alloc_small/bytes=16")
        newer = self.result()["run"]["id"]
        self.assertNotEqual(newer, run_id)
        for which in (newer, newer[:8], "latest"):
            self.assertEqual(json.loads(self.check("report", which, "--format", "json").stdout)["run"]["id"], newer)
        self.refuse("report", "0000", says="0000")
        self.check("report", "--format", "html", "--output", "again.html")
        self.assertIn("alloc_small", self.read("again.html"))

    def test_the_job_summary_is_appended(self):
        summary = self.path("summary.md")
        self.write(summary, "before\n")
        self.check("run", *QUICK, "--filter", "performance/alloc_small/bytes=16", env={"GITHUB_STEP_SUMMARY": summary})
        text = self.read(summary)
        self.assertTrue(text.startswith("before\n"))
        self.assertIn("alloc_small", text)

    def test_seed_repeats_the_order(self):
        orders = []
        for log in ("a.log", "b.log"):
            self.check("--quick-run", "--seed", "7", "--filter", "sizes", "--log-file", log, "--no-history", program=FIXTURE)
            orders.append(re.findall(r"start \S+", self.read(log)))
        self.assertEqual(len(orders[0]), 9)
        self.assertEqual(orders[0], orders[1])


class Verdicts(story.Story):
    def test_what_goes_wrong_loses_only_itself(self):
        done = self.check("run", "--quick-run", "--suite", "all", program=FIXTURE, code=1)
        status = {b["name"]: b for b in self.result()["benchmarks"]}
        self.assertEqual(status["wait"]["status"], "ok")
        self.assertEqual(status["crash"]["status"], "failed")
        self.assertRegex(status["crash"]["reason"], "(?i)abort|signal 6")
        self.assertEqual(status["leave"]["status"], "failed")
        self.assertIn("7", status["leave"]["reason"])
        self.assertEqual(status["hang"]["status"], "failed")
        self.assertRegex(status["hang"]["reason"], "0.3 s|time")
        self.assertEqual((status["absent"]["status"], status["absent"]["reason"]), ("unsupported", "there is no flux capacitor"))
        self.assertIn("flux capacitor", done.stdout)

    def test_unsupported_is_no_failure(self):
        self.check("run", "--quick-run", "--filter", "absent", program=FIXTURE)

    def test_a_missed_limit_is_exit_1(self):
        limits = self.path("mine.toml")
        self.write(limits, '[[sla]]\nname = "Wait"\nbenchmark = "*/wait"\nmax = "1 us"\n')
        done = self.check("run", "--quick-run", "--filter", "wait", "--sla", limits, program=FIXTURE, code=1)
        self.assertIn("Wait", done.stdout)
        mine = [s for s in self.result()["slas"] if s["name"] == "Wait"]
        self.assertEqual(mine[0]["status"], "missed")

    def test_a_regression_is_found_and_the_same_is_not(self):
        options = ["--no-ceilings", "--filter", "wait", "--processes", "5", "--time", "0.05", "--no-settle"]
        self.refuse("run", *options, "--regression-check", says='no baseline "default"', program=FIXTURE)
        self.check("run", *options, "--export-baselines", program=FIXTURE, env={"FIXTURE_US": "20"})
        worse = self.run_command("run", *options, "--regression-check", program=FIXTURE, env={"FIXTURE_US": "60"})
        if "other programs kept" in worse.stdout:  # tests run beside others, and then even this much is not the code's for certain
            self.assertEqual(worse.returncode, 3)
        else:
            self.assertEqual(worse.returncode, 1, worse.stdout)
            self.assertRegex(worse.stdout, "1 of 1 benchmark became (critically )?worse: wait, time ")
        better = self.run_command("run", *options, "--regression-check", program=FIXTURE, env={"FIXTURE_US": "5"})
        self.assertIn(better.returncode, (0, 3), better.stdout)
        self.assertNotRegex(better.stdout, "benchmarks? became")
        self.refuse("run", "--regression-check", "--no-history", says="--no-history", program=FIXTURE)

    def test_what_was_not_compared_is_no_pass(self):
        quick = ["run", *QUICK, "--no-settle"]
        self.check(*quick, "--filter", "sizes/n=1", "--export-baselines", program=FIXTURE)
        other = self.check(*quick, "--filter", "wait", "--regression-check", program=FIXTURE, code=3)
        self.assertIn("Nothing could be compared: 1 new.", other.stdout)  # the filter left the other one out
        self.check(*quick, "--filter", "wait", "--export-baselines", program=FIXTURE)
        # A benchmark of the baseline that was asked for and is not there: the one that was renamed away.
        database = sqlite3.connect(self.path("benchmark_results/history.db"))
        database.execute("update benchmarks set name = 'waited', document = replace(document, '\"wait\"', '\"waited\"') where name = 'wait'")
        database.commit()
        database.close()
        renamed = self.check(*quick, "--filter", "wait", "--regression-check", program=FIXTURE, code=3)
        self.assertRegex(renamed.stdout, r"missing +waited ")
        self.assertIn("1 was not measured again", renamed.stdout)


class Own(story.Story):
    def test_a_user_program_has_the_whole_command_line(self):
        done = self.check("--quick-run", "--filter", "sizes", "--format", "csv", program=FIXTURE)
        self.assertRegex(done.stdout, r"sizes[^$]*n=4 ")
        self.assertTrue(os.path.exists(self.path("benchmark_results/report.csv")))
        name = os.path.basename(FIXTURE)
        self.assertIn(f"{name}/sizes/n=4", self.check("list", program=FIXTURE).stdout)
        self.assertIn(f"Usage: {name} run", self.check("run", "--help", program=FIXTURE).stdout)
        self.assertIn(f"_{name.replace('-', '_')}()", self.check("completion", "bash", program=FIXTURE).stdout)
        self.refuse("--suite", "wrng", says="did you mean 'wrong'?", program=FIXTURE)
        self.refuse("--filter", "nothing-like-it", says="nothing-like-it", program=FIXTURE)


class Terminal(story.Story):
    WORDS = ["run", "--quick-run", "--filter", "sizes"]

    def test_progress_and_colour_only_where_they_belong(self):
        code, shown = self.on_terminal(*self.WORDS, program=FIXTURE, env={"TERM": "xterm"})
        self.assertEqual(code, 0, shown)
        self.assertIn("\r\033[K", shown)
        self.assertRegex(shown, r"benchmarks \d/9  0:0\d, about 0:0\d left")
        self.assertRegex(shown, r"\033\[\d+m")
        code, shown = self.on_terminal(*self.WORDS, "--no-progress", program=FIXTURE, env={"TERM": "xterm", "NO_COLOR": "1"})
        self.assertNotIn("\033", shown)
        code, shown = self.on_terminal(*self.WORDS, program=FIXTURE, env={"TERM": "dumb"})
        self.assertNotIn("\033", shown)
        self.assertNotRegex(shown, r"about \d+:\d\d left")

    def test_elsewhere_it_is_silent_until_asked(self):
        self.assertEqual(self.check(*self.WORDS, program=FIXTURE).stderr, "")
        lines = self.check(*self.WORDS, "-v", program=FIXTURE).stderr.splitlines()
        self.assertTrue(any("sizes/n=4" in line for line in lines), lines)
        self.assertFalse(any("\033" in line for line in lines), lines)
        self.assertIn("\r\033[K", self.check(*self.WORDS, "--progress", program=FIXTURE).stderr)
        self.assertRegex(self.check(*self.WORDS, "--color=always", program=FIXTURE).stdout, r"\033\[\d+m")


if __name__ == "__main__":
    story.main()

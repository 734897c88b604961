#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Results as other tools' files, read by those tools, and pushed to the real Pushgateway."""
import copy
import csv
import http.client
import http.server
import io
import json
import math
import os
import re
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
import urllib.request

import openmetrics
import story

COMPARE_PY = "/usr/share/benchmark/compare.py"
HOSTILE = 'a"b\\c\nd{e="f"} größe,\u2028\t#'


def made_result():
    """A result with something in every part of it, whose figures are known."""
    with open(os.path.join(story.SOURCE, "tests", "golden", "result.json"), encoding="utf-8") as file:
        return json.load(file)


def metric(name, unit, processes, **more):
    kind = {"ns": "time", "B": "memory", "ratio": "accuracy"}.get(unit, "count")
    value = statistics.median(processes)
    stats = {"processes": len(processes), "samples": 10 * len(processes), "set_aside": 0, "median": value, "mean": statistics.mean(processes),
             "stddev": statistics.stdev(processes) if len(processes) > 1 else None, "min": min(processes), "max": max(processes), "p50": value, "p90": None,
             "p95": None, "p99": None, "p999": None, "ci_low": min(processes), "ci_high": max(processes)}
    made = {"name": name, "unit": unit, "kind": kind, "better": "lower", "value": value, "ci_low": min(processes), "ci_high": max(processes), "stats": stats,
            "processes": processes, "ceiling": None}
    made.update(more)
    return made


class Made(story.Story):
    """Stories over made results."""

    def setUp(self):
        super().setUp()
        made = made_result()
        template = next(b for b in made["benchmarks"] if b["status"] == "ok")
        self.made = made
        self.template = {k: v for k, v in template.items()}
        self.template.update(metrics=[], latency=None if template.get("latency") is None else template["latency"], params={})

    def benchmark(self, name, metrics, suite="mine", **more):
        bench = copy.deepcopy(self.template)
        bench.update({"name": name, "base_name": name, "suite": suite, "metrics": metrics, **more})
        return bench

    def result_of(self, *benchmarks, **more):
        result = copy.deepcopy(self.made)
        result["benchmarks"] = list(benchmarks)
        result["complexities"] = []
        result.update(more)
        return self.write("made.json", json.dumps(result))


class Exports(Made):
    def two(self):
        return self.result_of(
            self.benchmark("fast", [metric("time", "ns", [10.5, 11.25, 10.0]), metric("cpu_time", "ns", [9.0, 9.5, 9.25]),
                                    metric("iterations", "1", [5, 6, 7]), metric("peak_rss", "B", [4096, 8192, 4096])]),
            self.benchmark("slow/n=8", [metric("time", "ns", [2e9, 2.5e9])], base_name="slow", params={"n": "8"}),
            self.benchmark("broken", [], status="failed", reason="it was unplugged"))

    def export(self, path, to, **options):
        return self.check("export", path, "--to", to, **options).stdout

    # ---- other tools --------------------------------------------------------------------------------------------------------------

    def test_google_benchmark_has_a_row_a_process_and_the_aggregates(self):
        made = json.loads(self.export(self.two(), "google-benchmark"))
        rows = [b for b in made["benchmarks"] if b["run_name"] == "mine/fast"]
        single = [b for b in rows if b["run_type"] == "iteration"]
        self.assertEqual([b["real_time"] for b in single], [10.5, 11.25, 10.0])
        self.assertEqual([b["cpu_time"] for b in single], [9.0, 9.5, 9.25])
        self.assertEqual([b["repetition_index"] for b in single], [0, 1, 2])
        self.assertEqual([b["peak_rss"] for b in single], [4096, 8192, 4096])
        self.assertTrue(all(b["time_unit"] == "ns" and b["iterations"] == 10 and b["repetitions"] == 3 for b in single))
        aggregates = {b["aggregate_name"]: b for b in rows if b["run_type"] == "aggregate"}
        self.assertEqual(set(aggregates), {"mean", "median", "stddev", "cv"})
        self.assertEqual(aggregates["median"]["name"], "mine/fast_median")
        self.assertAlmostEqual(aggregates["mean"]["real_time"], statistics.mean([10.5, 11.25, 10.0]))
        self.assertAlmostEqual(aggregates["stddev"]["real_time"], statistics.stdev([10.5, 11.25, 10.0]))
        self.assertAlmostEqual(aggregates["cv"]["real_time"], statistics.stdev([10.5, 11.25, 10.0]) / statistics.mean([10.5, 11.25, 10.0]))
        slow = [b for b in made["benchmarks"] if b["name"] == "mine/slow/n:8"]
        self.assertIn("not measured", slow[0]["label"])  # the CPU time that the format cannot do without
        self.assertNotIn("broken", {b["name"] for b in made["benchmarks"]})

    @unittest.skipUnless(os.path.exists(COMPARE_PY), "Google Benchmark's compare.py (libbenchmark-tools) is not here")
    def test_google_benchmarks_own_compare_reads_it(self):
        # It wants scipy and numpy, for a test that has nothing to do with reading.
        os.makedirs(self.path("stub", "scipy"))
        self.write("stub/scipy/__init__.py", "")
        self.write("stub/scipy/stats.py", "from types import SimpleNamespace\nfrom numpy import array\n"
                   "def mannwhitneyu(*a, **k): return SimpleNamespace(pvalue=1.0)\ndef gmean(v): return array(sum(c) / len(c) for c in zip(*v))\n")
        self.write("stub/numpy.py", "class array(list):\n  def any(self): return any(self)\n")
        before = self.export(self.two(), "google-benchmark")
        self.write("before.json", before)
        self.write("after.json", before.replace('"real_time": 10.5,', '"real_time": 21,'))
        done = subprocess.run([sys.executable, COMPARE_PY, "--no-color", "benchmarks", "before.json", "after.json"], cwd=self.dir, capture_output=True, text=True,
                              env=self.environment(PYTHONPATH=self.path("stub")), timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^mine/fast +\+1\.0000 ")
        self.assertRegex(done.stdout, r"(?m)^mine/fast_median ")
        self.assertRegex(done.stdout, r"(?m)^mine/slow/n:8 +\+0\.0000 ")

    def test_pytest_benchmark_has_a_round_a_process(self):
        made = json.loads(self.export(self.two(), "pytest-benchmark"))
        fast, slow = made["benchmarks"]
        self.assertEqual((fast["name"], fast["fullname"], fast["group"]), ("fast", "mine/fast", "mine"))
        data = [10.5e-9, 11.25e-9, 10.0e-9]
        for have, want in zip(fast["stats"]["data"], data, strict=True):
            self.assertAlmostEqual(have / want, 1, places=14)
        for key, want in (("min", 10e-9), ("max", 11.25e-9), ("mean", statistics.mean(data)), ("stddev", statistics.stdev(data)),
                          ("median", statistics.median(data)), ("ops", 1 / statistics.mean(data)), ("total", sum(data))):
            self.assertAlmostEqual(fast["stats"][key] / want, 1, places=12, msg=key)
        self.assertEqual(fast["stats"]["rounds"], 3)
        self.assertEqual(slow["params"], {"n": "8"})
        self.assertEqual(made["commit_info"]["id"], self.made["run"]["commit"])
        self.assertEqual(made["machine_info"]["cpu"]["brand"], "Größe™ CPU\t@ 2.0")
        self.assertEqual(fast["extra_info"]["peak_rss"], {"value": 4096, "unit": "B"})

    def test_pytest_benchmarks_own_compare_reads_it(self):
        path = self.two()
        self.check("export", path, "--to", "pytest-benchmark", "--output-file", "0001_one.json")
        python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable  # the distribution's modules
        if subprocess.run([python, "-c", "import pytest_benchmark"], capture_output=True, check=False).returncode != 0:
            self.skipTest("pytest-benchmark (python3-pytest-benchmark) is not here")
        done = subprocess.run([python, "-m", "pytest_benchmark", "compare", self.path("0001_one.json"), "--sort=fullname"], cwd=self.dir, capture_output=True,
                              text=True, env=self.environment(COLUMNS="200"), timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^fast .*10\.[05]")
        self.assertRegex(done.stdout, r"(?m)^slow/n=8 ")

    def test_hyperfine_has_a_run_a_process(self):
        made = json.loads(self.export(self.two(), "hyperfine"))
        fast, slow = made["results"]
        self.assertEqual(fast["command"], "mine/fast")
        self.assertEqual(slow["times"], [2.0, 2.5])
        self.assertEqual((slow["mean"], slow["median"], slow["min"], slow["max"]), (2.25, 2.25, 2.0, 2.5))
        self.assertAlmostEqual(slow["stddev"], statistics.stdev([2.0, 2.5]))
        self.assertEqual((slow["user"], slow["exit_codes"], slow["parameters"]), (None, [None, None], {"n": "8"}))
        self.assertEqual(fast["memory_usage_byte"], [4096, 8192, 4096])
        self.write("timed.json", self.check("time", "--runs", "3", "--json", "true").stdout)
        timed = json.loads(self.export("timed.json", "hyperfine"))["results"][0]
        self.assertEqual(timed["exit_codes"], [0, 0, 0])
        self.assertEqual(timed["command"], "true")
        self.assertEqual(len(timed["times"]), 3)
        self.assertGreaterEqual(timed["user"] + timed["system"], 0)

    def test_what_a_format_cannot_hold_is_said(self):
        counted = self.benchmark("counted", [metric("instructions", "1", [1e6, 1e6])])
        path = self.result_of(counted, self.benchmark("timed", [metric("time", "ns", [1, 2])]))
        done = self.check("export", path, "--to", "hyperfine")
        self.assertIn("1 of 2 benchmarks have no time", done.stderr)
        self.assertEqual(len(json.loads(done.stdout)["results"]), 1)
        path = self.result_of(counted)
        for to in ("hyperfine", "google-benchmark", "pytest-benchmark"):
            self.refuse("export", path, "--to", to, says=["no benchmark of this run has a time", to])
        self.assertIn("instructions", self.export(path, "csv"))

    def test_csv_and_json_hold_everything(self):
        path = self.two()
        rows = list(csv.DictReader(io.StringIO(self.export(path, "csv"))))
        self.assertEqual({r["benchmark"] for r in rows}, {"fast", "slow/n=8", "broken"})
        self.assertEqual([b["name"] for b in json.loads(self.export(path, "json"))["benchmarks"]], ["fast", "slow/n=8", "broken"])

    def test_runs_come_from_the_history_too(self):
        self.check("run", *story.QUICK, "--filter", "sizes", "--format", "openmetrics", "hyperfine", program=story.FIXTURE)
        for name in ("report.openmetrics.txt", "report.hyperfine.json"):
            self.assertTrue(os.path.exists(self.path("benchmark_results", name)), name)
        openmetrics.read(self.read("benchmark_results", "report.openmetrics.txt"))
        self.assertEqual(len(json.loads(self.check("export", "--to", "hyperfine").stdout)["results"]), 3)
        self.assertEqual(len(json.loads(self.check("export", "latest", "-t", "hyperfine", "-o", "-").stdout)["results"]), 3)
        self.refuse("export", says="--to is missing")
        self.refuse("export", "--to", "hyperfin", says="did you mean 'hyperfine'?")
        self.refuse("export", "nowhere.json", "--to", "csv", says="nowhere.json")
        self.refuse("export", "--to", "csv", "--output-file", self.path("no", "such", "dir.csv"), says="dir.csv")

    # ---- OpenMetrics ----------------------------------------------------------------------------------------------------------------

    def promtool(self, text):
        if shutil.which("promtool") is None:
            self.skipTest("promtool (prometheus) is not here")
        done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"", b""))

    def test_openmetrics_has_every_figure(self):
        path = self.write("made.json", json.dumps(self.made))
        text = self.export(path, "openmetrics")
        families = openmetrics.read(text)
        scale = {"ns": ("seconds", 1e9), "B": ("bytes", 1), "B/s": ("bytes_per_second", 1), "items/s": ("items_per_second", 1), "FLOP/s": ("flops", 1),
                 "ratio": ("ratio", 1), "Hz": ("hertz", 1), "1": (None, 1)}
        seen = 0
        for b in self.made["benchmarks"]:
            labels = {"suite": b["suite"], "benchmark": b["name"]}
            self.assertEqual(families["assay_benchmark_status"].value(**labels, status=b["status"]), 1)
            self.assertEqual(families["assay_benchmark_status"].value(**labels, status="skipped" if b["status"] != "skipped" else "ok"), 0)
            for m in b["metrics"] if b["status"] == "ok" else []:
                unit, divisor = scale[m["unit"]]
                for part, key in (("", "value"), ("_ci_low", "ci_low"), ("_ci_high", "ci_high")):
                    stem = m["name"][: -len(unit) - 1] if unit and m["name"].endswith(unit) and m["name"] != unit else m["name"]
                    stem = "" if stem == unit else "_" + stem
                    name = f"assay_benchmark{stem}{part}" + (f"_{unit}" if unit else "")
                    if m[key] is None:
                        self.assertFalse(name in families and any(all(h.get(k) == v for k, v in labels.items()) for _, h, _ in families[name].samples))
                        continue
                    self.assertEqual(families[name].value(**labels), m[key] / divisor)
                    self.assertEqual(families[name].unit, unit)
                    seen += 1
                self.assertEqual(families["assay_benchmark_processes"].value(**labels, metric=m["name"]), len(m["processes"]))
                if m["ceiling"] is not None and m["ceiling"]["share"] is not None:
                    self.assertEqual(families["assay_benchmark_ceiling_ratio"].value(**labels, metric=m["name"]), m["ceiling"]["share"])
        self.assertGreater(seen, 3)
        for sla in self.made["slas"]:
            self.assertEqual(families["assay_sla_status"].value(sla=sla["name"], status=sla["status"]), 1)
        for check in self.made["checks"]:
            self.assertEqual(families["assay_check_status"].value(check=check["name"], suite=check["suite"], status=check["status"]), 1)
        info = families["assay_run_info"].samples[0][1]
        self.assertEqual((info["run"], info["commit"]), (self.made["run"]["id"], self.made["run"]["commit"]))
        self.assertEqual(families["assay_run_duration_seconds"].samples[0][2], self.made["run"]["duration_s"])
        self.promtool(text)

    def test_openmetrics_survives_hostile_names(self):
        names = ["time", "Time", "ci_low", "time_ci_low", "größe", "x_total", "count", "a-b", "a_b", "a b", "status", "info", "processes", "ceiling_ratio", '"', "\\",
                 "new\nline", "9lives", "_", "x" * 300]
        units = ["ns", "1", "B", "weird/s", "/s", "é", "total", "count", "ratio", "requests/s", "x" * 120]
        metrics = [metric(n, units[i % len(units)], [1.5 + i, 2.5 + i]) for i, n in enumerate(names)]
        more = [metric(n, units[(i + 3) % len(units)], [1.5, 2.5]) for i, n in enumerate(names)]
        slas = [dict(s, name=HOSTILE, benchmark=HOSTILE, metric=HOSTILE) for s in self.made["slas"] * 2]
        checks = [dict(c, name=HOSTILE, suite=HOSTILE) for c in self.made["checks"] * 2]
        result = copy.deepcopy(self.made)
        result["run"]["name"] = result["machine"]["label"] = HOSTILE
        path = self.result_of(self.benchmark(HOSTILE, metrics, suite=HOSTILE), self.benchmark(HOSTILE + "2", more, suite=HOSTILE, params={"p": HOSTILE}),
                              slas=slas, checks=checks, run=result["run"], machine=result["machine"])
        text = self.export(path, "openmetrics")
        families = openmetrics.read(text)
        self.assertEqual(families["assay_benchmark_time_seconds"].value(benchmark=HOSTILE, suite=HOSTILE), 2e-9)
        total = sum(len(f.samples) for n, f in families.items() if f.help.endswith("median over processes."))
        self.assertEqual(total, 2 * len(names))  # no figure was lost to another of a similar name
        self.promtool(text)

    def test_openmetrics_of_nothing_is_valid(self):
        path = self.result_of(slas=[], checks=[])
        text = self.export(path, "openmetrics")
        self.assertEqual(openmetrics.read(text)["assay_run_benchmarks"].value(status="ok"), 0)
        self.promtool(text)

    def test_prometheus_own_parser_reads_it_too(self):
        try:
            from prometheus_client.openmetrics import parser
        except ImportError:
            self.skipTest("prometheus_client (python3-prometheus-client) is not here")
        metrics = [metric(n, u, [1.5, 2.5]) for n, u in (("time", "ns"), ("x_total", "1"), ("größe", "B"), ("n", "requests/s"))]
        text = self.export(self.result_of(self.benchmark(HOSTILE, metrics)), "openmetrics")
        theirs = {s for f in parser.text_string_to_metric_families(text) for s in ((s.name, tuple(sorted(s.labels.items())), s.value) for s in f.samples)}
        ours = {(n, tuple(sorted(labels.items())), v) for f in openmetrics.read(text).values() for n, labels, v in f.samples}
        self.assertEqual(theirs, ours)

    def test_the_checker_is_strict(self):
        good = '# TYPE a gauge\na{x="1"} 1\na{x="2"} 2.5e-3\n# TYPE b_s gauge\n# UNIT b_s s\nb_s +Inf\n# EOF\n'
        self.assertEqual(openmetrics.read(good)["a"].value(x="2"), 2.5e-3)
        for bad in (good[:-6], good + "\n", good.replace("a{x=\"2\"}", "a{x=\"1\"}"), good.replace("UNIT b_s s", "UNIT b_s seconds"),
                    good.replace("# EOF", 'a{x="3"} 1\n# EOF'), good.replace("2.5e-3", "2.5 e-3"), good.replace("2.5e-3", "0x10"),
                    good.replace('{x="1"}', '{x="1",x="2"}'), good.replace('{x="1"}', '{x="\\q"}'), good.replace("# TYPE b_s gauge\n", "\n"),
                    good.replace("# TYPE b_s gauge", "# TYPE b_s gauges"), good.replace("TYPE b_s gauge", "TYPE b_s counter"),
                    good.replace("# TYPE a gauge", "# TYPE a gauge\n# TYPE a gauge"), "# HELP a \\x\na 1\n# EOF\n", "# TYPE a counter\na_total -1\n# EOF\n",
                    "# TYPE a counter\na_total 1\n# TYPE a_created gauge\na_created 1\n# EOF\n", "# comment\n# EOF\n"):
            with self.assertRaises(openmetrics.Wrong, msg=bad):
                openmetrics.read(bad)

    # ---- Grafana -----------------------------------------------------------------------------------------------------------------

    def test_the_dashboard_asks_for_what_is_exported(self):
        with open(os.path.join(story.SOURCE, "examples", "grafana", "assay.json"), encoding="utf-8") as file:
            board = json.load(file)
        asked = set()
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                asked |= set(re.findall(r"\bassay_[a-z0-9_]+", target["expr"]))
        for variable in board["templating"]["list"] + board["annotations"]["list"]:
            asked |= set(re.findall(r"\bassay_[a-z0-9_]+", json.dumps([variable.get("query"), variable.get("expr")])))
        exported = set(openmetrics.read(self.export(self.write("made.json", json.dumps(self.made)), "openmetrics")))
        self.assertGreater(len(asked), 5)
        self.assertEqual(asked - exported, set())
        self.assertEqual(len({p["id"] for p in board["panels"]}), len(board["panels"]))
        places = [p["gridPos"] for p in board["panels"]]
        self.assertTrue(all(p["x"] + p["w"] <= 24 for p in places))
        if shutil.which("promtool") is not None:  # each query is one that Prometheus can parse
            rules = [{"record": f"r{i}", "expr": re.sub(r"\$__\w+", "5m", t["expr"]).replace("$", "")}
                     for i, t in enumerate(t for p in board["panels"] for t in p.get("targets", []))]
            self.write("rules.yml", json.dumps({"groups": [{"name": "g", "rules": rules}]}))
            done = subprocess.run(["promtool", "check", "rules", "rules.yml"], cwd=self.dir, capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)


class Pushes(story.Story):
    """To the real Pushgateway of the distribution."""

    @classmethod
    def setUpClass(cls):
        program = shutil.which("prometheus-pushgateway") or shutil.which("pushgateway")
        if program is None:
            raise unittest.SkipTest("prometheus-pushgateway is not here")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.port = probe.getsockname()[1]
        cls.process = subprocess.Popen([program, f"--web.listen-address=127.0.0.1:{cls.port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        cls.addClassCleanup(cls.stop)
        for _ in range(200):
            try:
                cls.get("/-/ready")
                return
            except (OSError, http.client.HTTPException):
                if cls.process.poll() is not None:
                    raise unittest.SkipTest(f"prometheus-pushgateway ended with {cls.process.returncode}") from None
                time.sleep(0.05)
        raise unittest.SkipTest("prometheus-pushgateway did not get ready")

    @classmethod
    def stop(cls):
        cls.process.kill()
        cls.process.wait()

    @classmethod
    def get(cls, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{cls.port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def setUp(self):
        super().setUp()
        self.made = self.write("made.json", json.dumps(made_result()))
        self.gateway = ["--gateway", f"http://127.0.0.1:{self.port}"]

    def groups(self):
        """{the group's labels: names of its metrics}"""
        groups = json.loads(self.get("/api/v1/metrics"))["data"]
        return {tuple(sorted(g["labels"].items())): {n for n in g if n.startswith("assay_")} for g in groups}

    def push(self, *words, **options):
        return self.check("push", *words, *self.gateway, env={"no_proxy": "127.0.0.1"}, **options)

    def test_a_result_arrives_and_goes(self):
        done = self.push(self.made)
        self.assertIn('{job="assay"}', done.stdout)
        self.assertIn(json.loads(self.read("made.json"))["run"]["id"], done.stdout)
        names = self.groups()[(("job", "assay"),)]
        self.assertIn("assay_benchmark_time_seconds", names)
        self.assertIn("assay_sla_status", names)
        shown = self.get("/metrics")
        bench = json.loads(self.read("made.json"))["benchmarks"][0]
        time_s = next(m for m in bench["metrics"] if m["name"] == "time")["value"] / 1e9
        line = next(s for s in shown.splitlines() if s.startswith("assay_benchmark_time_seconds{") and f'benchmark="{bench["name"]}"' in s)
        self.assertTrue(math.isclose(float(line.rsplit(" ", 1)[1]), time_s, rel_tol=1e-12))
        self.push("--delete")
        self.assertNotIn((("job", "assay"),), self.groups())

    def test_groups_of_any_value(self):
        values = {"branch": "feature/größe", "empty": "", "space": "a b?c#d%", "dot": ".."}
        words = [w for k, v in values.items() for w in ("--grouping", f"{k}={v}")]
        self.push(self.made, "--job", "nightly/x", *words)
        expected = tuple(sorted({"job": "nightly/x", **values}.items()))
        groups = {tuple((k, v) for k, v in g if v or k in values): n for g, n in self.groups().items()}
        without_empty = tuple((k, v) for k, v in expected if v)
        self.assertTrue(expected in groups or without_empty in groups, groups.keys())
        self.push("--delete", "--job", "nightly/x", *words)

    def test_put_replaces_and_post_adds(self):
        empty = json.loads(self.read("made.json"))
        empty.update(benchmarks=[], complexities=[], slas=[], checks=[])
        self.write("empty.json", json.dumps(empty))
        self.push(self.made, "--job", "p")
        self.push("empty.json", "--job", "p", "--method", "post")
        self.assertIn("assay_benchmark_time_seconds", self.groups()[(("job", "p"),)])
        self.push("empty.json", "--job", "p")
        self.assertNotIn("assay_benchmark_time_seconds", self.groups()[(("job", "p"),)])
        self.push("--delete", "--job", "p")

    def test_trouble_has_the_gateways_own_words(self):
        env = {"no_proxy": "127.0.0.1"}
        wrong = f"http://joe:geheim@127.0.0.1:{self.port}/elsewhere"
        done = self.refuse("push", self.made, "--gateway", wrong, says=["answered 404", "/elsewhere/metrics/job/assay", "not found"], env=env)
        self.assertNotIn("geheim", done.stderr)
        self.refuse("push", self.made, *self.gateway, "--grouping", "instance__=x", "--grouping", "__a=1", says="__a=1", env=env)
        self.refuse("push", self.made, *self.gateway, "--grouping", "suite=x", says="'suite'", env=env)
        self.refuse("push", self.made, *self.gateway, "--grouping", "a=x", "--grouping", "a=y", says="'a' twice", env=env)
        self.refuse("push", self.made, *self.gateway, "--job", "", says="--job is empty", env=env)
        self.refuse("push", self.made, "--delete", *self.gateway, says="takes no run", env=env)
        self.refuse("push", self.made, says="--gateway is missing")
        self.refuse("push", self.made, "--gateway", "ftp://x", says="http://")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.refuse("push", self.made, "--gateway", f"http://127.0.0.1:{probe.getsockname()[1]}", says=["onnect", "tried 3 times"], env=env)


class Comments(Made):
    """The comment on a pull request, from made results: what is better, worse and unknown is clear."""

    def setUp(self):
        super().setUp()
        self.before = self.side("before.json", "aaaaaaaaaaaaaaaa", 1)
        self.after = self.side("after.json", "bbbbbbbbbbbbbbbb", 1.5)

    def side(self, name, run, factor):
        spread = [1, 1.001, 0.999, 1.002, 0.998, 1.0015]
        result = copy.deepcopy(self.made)
        result["run"]["id"] = run
        result["benchmarks"] = [self.benchmark("slower", [metric("time", "ns", [100 * factor * s for s in spread])]),
                                self.benchmark("alike", [metric("time", "ns", [100 * s for s in spread])])]
        result["complexities"] = []
        return self.write(name, json.dumps(result))

    def test_a_comment_has_the_verdict_first(self):
        done = self.check("report", self.after, "--format", "markdown", "--pr", "--against", self.before, env={"GITHUB_STEP_SUMMARY": self.path("summary.md")})
        lines = done.stdout.split("\n")
        self.assertEqual(lines[0], "<!-- assay: comparison -->")
        self.assertRegex(lines[1], r"^### .*became .*worse: slower, time \+50\.\d %")
        shown, folded = done.stdout.split("<details>")
        self.assertIn("`slower`", shown)
        self.assertNotIn("`alike`", shown)
        self.assertIn("`alike`", folded)
        self.assertEqual(self.read("summary.md"), "\n" + done.stdout)
        again = self.check("compare", self.before, self.after, code=1, env={"GITHUB_STEP_SUMMARY": self.path("summary.md")})
        self.assertNotIn("<!--", again.stdout)
        self.assertEqual(self.read("summary.md").count("<!-- assay: comparison -->"), 2)

    def test_a_trend_is_no_pdf(self):
        self.refuse("trend", "--output", "x.pdf", says=["x.pdf", ".svg"])

    def test_trends_go_into_a_directory(self):
        self.refuse("report", "--trends", "--output", "out", says=["--output-dir", "--output out"])
        self.assertFalse(os.path.exists(self.path("benchmark_results")))

    def test_thresholds_count_in_a_comment_too(self):
        done = self.check("report", self.after, "--pr", "--against", self.before, "--threshold", "80", "--output", "comment.md")
        self.assertIn("AllPass", done.stdout)
        self.assertIn("Nothing became worse", self.read("comment.md"))

    def test_any_report_can_be_against_something(self):
        self.check("report", self.after, "--format", "html", "--against", self.before, "--output", "report.html")
        self.assertIn("slower", self.read("report.html"))
        self.assertRegex(self.check("report", self.after, "--against", self.before).stdout, r"worse|critical")

    def test_trouble_with_comments(self):
        self.refuse("report", self.after, "--pr", says=["no run before bbbbbbbbbbbbbbbb", "--baseline or --against"])
        self.refuse("report", self.after, "--pr", "--format", "html", says=["--pr is Markdown", "compare"])
        self.refuse("report", self.after, "--pr", "--baseline", "main", "--against", "x", says="both name")
        self.refuse("report", self.after, "--pr", "--baseline", "main", says="history")
        self.refuse("report", self.after, "--pr", "--against", "nowhere.json", says="nowhere.json")


class Pipelines(story.Story):
    """examples/ci: what a user copies is what is tried here."""

    FOLDER = os.path.join(story.SOURCE, "examples", "ci")

    def text_of(self, *parts):
        with open(os.path.join(story.SOURCE, *parts), encoding="utf-8") as file:
            return file.read()

    def load(self, name):
        try:
            import yaml
        except ImportError:
            self.skipTest("PyYAML (python3-yaml) is not here")
        return yaml.safe_load(self.text_of("examples", "ci", name))

    def test_every_command_line_is_one(self):
        seen = 0
        for parts, command in ((("examples", "ci", "github.yml"), r"build/assay"), (("examples", "ci", "gitlab.yml"), r"build/assay"),
                               (("examples", "ci", "plain.sh"), r'"\$assay"'), (("docs", "ci.md"), r"(?m)^    assay"), (("docs", "export.md"), r"(?m)^    assay")):
            for line in re.findall(command + r" ((?:[^\n|&;#]|\\\n)*)", self.text_of(*parts)):
                words = [w.replace("$", "x") for w in shlex.split(line.replace(chr(34) + "$@" + chr(34), ""))]
                self.check(*words, "--help")  # which checks the options and their values, and runs nothing
                seen += 1
        self.assertGreater(seen, 12)
        self.refuse("run", "--formt", "json", "--help", says="did you mean '--format'?")

    def test_the_github_workflow_has_what_it_needs(self):
        flow = self.load("github.yml")
        self.assertEqual(flow["permissions"], {"contents": "read", "pull-requests": "write"})
        self.assertEqual(set(flow[True]), {"push", "pull_request"})  # YAML 1.1 takes "on" for true
        steps = flow["jobs"]["performance"]["steps"]
        for step in steps:
            self.assertTrue(("run" in step) != ("uses" in step), step)
            self.assertRegex(step.get("uses", "actions/"), r"^actions/")  # nobody else's
        script = next(s["with"]["script"] for s in steps if "github-script" in s.get("uses", ""))
        self.assertIn("comment.md", script)
        self.assertIn("updateComment", script)

    def scripts(self, name):
        flow = self.load(name)
        if name == "gitlab.yml":
            self.assertEqual(flow["performance"]["artifacts"]["reports"], {"junit": "benchmark_results/*.junit.xml"})
            return {"all": flow["performance"]["script"][0]}
        return {s["name"]: s["run"] for s in flow["jobs"]["performance"]["steps"] if "name" in s and "run" in s}

    def play(self, script, code=(0,), **env):
        """A script of a workflow as it stands, where `build/assay` is the fixture in a hurry."""
        os.makedirs(self.path("build"), exist_ok=True)
        os.makedirs(self.path("history"), exist_ok=True)
        self.write("build/assay", f"""#!/bin/sh
verb=$1; shift
[ "$verb" != run ] || {{ shift 2; set -- --filter sizes/n=1 --quick-run --no-ceilings --no-settle "$@"; }}
exec '{story.FIXTURE}' "$verb" "$@"
""")
        os.chmod(self.path("build", "assay"), 0o755)
        for name in ("summary.md", "output"):
            self.write(name, "")
        done = subprocess.run(["bash", "-e", "-c", script], cwd=self.dir, capture_output=True, text=True, timeout=120,
                              env=self.environment(ASSAY_HISTORY="history/history.db", GITHUB_STEP_SUMMARY=self.path("summary.md"),
                                                   GITHUB_OUTPUT=self.path("output"), **env))
        self.assertIn(done.returncode, code, f"{script}\n{done.stdout}\n{done.stderr}")
        return done

    def is_comment(self, text):
        self.assertTrue(text.startswith("<!-- assay: comparison -->\n### "), text[:200])
        self.assertLessEqual(len(text), 65536)

    def test_the_github_workflow_runs_as_it_stands(self):
        steps = self.scripts("github.yml")
        first = self.play(steps["Compare with the baseline"])
        self.assertIn("::notice::main has not been measured yet", first.stdout)
        self.assertEqual(self.read("output"), "")
        self.play(steps["Measure the baseline"])
        self.assertTrue(os.path.exists(self.path("history", "history.db")))
        self.play(steps["Compare with the baseline"])
        self.assertRegex(self.read("output"), r"^code=[013]\n$")
        self.is_comment(self.read("comment.md"))
        self.assertIn("baseline default", self.read("comment.md"))
        self.assertRegex(self.read("summary.md"), r"(?m)^## ")  # the report, and once the comparison
        self.assertEqual(self.read("summary.md").count("<!-- assay: comparison -->"), 1)
        for code, verdict in (("0", 0), ("1", 1), ("2", 2), ("3", 0)):
            self.play(steps["Verdict"], code=(verdict,), CODE=code)

    def test_the_gitlab_pipeline_runs_as_it_stands(self):
        script = self.scripts("gitlab.yml")["all"]
        merge = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "", "ASSAY_TOKEN": ""}
        self.assertIn("nothing to compare with", self.play(script, **merge).stdout)
        shutil.rmtree(self.path("history"))
        self.play(script, CI_DEFAULT_BRANCH="main", CI_COMMIT_BRANCH="main", ASSAY_TOKEN="")
        self.play(script, code=(0, 1, 3), **merge)
        self.is_comment(self.read("comment.md"))
        self.assertIn("<testsuite", self.read("benchmark_results", "regress.junit.xml"))

    def test_the_gitlab_note_is_written_once_and_then_over(self):
        for tool in ("curl", "jq"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not here")
        asked, notes = [], [{"id": 6, "body": "somebody else's"}]

        class Gitlab(http.server.BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                asked.append((self.command, self.path, self.headers["PRIVATE-TOKEN"], urllib.parse.parse_qs(body).get("body", [""])[0]))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(notes).encode())

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Gitlab)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        script = self.scripts("gitlab.yml")["all"]
        merge = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "", "ASSAY_TOKEN": "secret", "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api/v4",
                 "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "2", "no_proxy": "127.0.0.1"}
        self.play(script, CI_DEFAULT_BRANCH="main", CI_COMMIT_BRANCH="main", ASSAY_TOKEN="")
        self.play(script, code=(0, 1, 3), **merge)
        path = "/api/v4/projects/1/merge_requests/2/notes"
        self.assertEqual([a[:3] for a in asked], [("GET", path + "?per_page=100", "secret"), ("POST", path, "secret")])
        self.assertEqual(asked[1][3], self.read("comment.md"))
        notes.append({"id": 7, "body": asked[1][3]})
        self.play(script, code=(0, 1, 3), **merge)
        self.assertEqual(asked[3][:2], ("PUT", path + "/7"))
        self.is_comment(asked[3][3])

    def test_the_plain_script_runs_as_it_stands(self):
        script = os.path.join(self.FOLDER, "plain.sh")
        words = ["--filter", "sizes/n=1", "--no-settle", *story.QUICK]
        self.check(story.FIXTURE, "check", *words, program=script, code=2)  # no baseline yet
        self.assertFalse(os.path.exists(self.path("benchmark_results", "comment.md")))
        self.check(story.FIXTURE, "baseline", *words, program=script)
        done = self.run_command(story.FIXTURE, "check", *words, program=script)
        self.assertIn(done.returncode, (0, 1, 3), done.stderr)
        self.is_comment(self.read("benchmark_results", "comment.md"))
        elsewhere = {"ASSAY_OUTPUT_DIR": self.path("out"), "ASSAY_HISTORY": self.path("team.db")}
        self.check(story.FIXTURE, "baseline", *words, program=script, env=elsewhere)
        self.assertIn(self.run_command(story.FIXTURE, "check", *words, program=script, env=elsewhere).returncode, (0, 1, 3))
        self.is_comment(self.read("out", "comment.md"))
        self.refuse(story.FIXTURE, "maybe", says="baseline or check", program=script)
        self.refuse(says="usage:", program=script)


if __name__ == "__main__":
    story.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Results of other tools: the real tools where they are installed, read here independently, and files that are not right."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import unittest

import story
from story import ASSAY, Story

GOOGLE = os.path.join(os.path.dirname(ASSAY), "bench", "bench_trivial_google")
UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}


class Imports(Story):
    def imported(self, *words, **options):
        return json.loads(self.check("import", *words, "--json", **options).stdout)

    def metric(self, result, name, metric):
        benchmark = next(b for b in result["benchmarks"] if b["name"] == name)
        return next(m for m in benchmark["metrics"] if m["name"] == metric)

    def close(self, actual, expected):
        self.assertEqual(len(actual), len(expected))
        for a, b in zip(actual, expected):
            self.assertAlmostEqual(a, b, delta=1e-9 * abs(b))

    def facts(self, result):
        return {f["key"]: f["value"] for f in result["machine"]["facts"]}


class RealTools(Imports):
    @unittest.skipUnless(os.path.exists(GOOGLE), "Google Benchmark is not installed, so bench_trivial_google was not built")
    def test_google_benchmark(self):
        files, expected = [], {}
        for number in range(3):
            text = subprocess.run([GOOGLE, "--benchmark_format=json", "--benchmark_min_time=0.001", "--benchmark_repetitions=4"],
                                  check=True, capture_output=True, timeout=120).stdout.decode()
            files.append(self.write(f"google-{number}.json", text))
            for row in json.loads(text)["benchmarks"]:
                if row["run_type"] == "iteration":
                    expected.setdefault(row["name"], {}).setdefault(number, []).append(row["real_time"] * UNITS[row["time_unit"]])
        result = self.imported(*files)
        self.assertEqual(result["run"]["source"], "google-benchmark")
        self.assertEqual({b["name"] for b in result["benchmarks"]}, set(expected))
        for name, of_process in expected.items():
            time = self.metric(result, name, "time")
            self.close(time["processes"], [statistics.median(v) for v in of_process.values()])
            self.close([time["value"]], [statistics.median(time["processes"])])
            self.close(sum(time["samples"], []), sum(of_process.values(), []))
            self.assertEqual([len(s) for s in time["samples"]], [4, 4, 4])
            self.assertNotIn("replicate", time)
        one = self.metric(self.imported(files[0]), name, "time")
        self.assertEqual(one["replicate"], "repetition")
        self.close(one["processes"], expected[name][0])
        context = json.loads(self.read("google-0.json"))["context"]
        facts = self.facts(result)
        self.assertEqual(facts["import.num_cpus"], context["num_cpus"])
        self.assertEqual(facts["import.host_name"], context["host_name"])
        self.assertIn(context["host_name"], result["machine"]["label"])

    @unittest.skipUnless(shutil.which("hyperfine"), "hyperfine is not installed")
    def test_hyperfine(self):
        file = self.path("hyperfine.json")
        subprocess.run(["hyperfine", "-N", "-i", "--runs", "4", "--export-json", file, "-P", "code", "0", "1", "sh -c 'exit {code}'"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
        result = self.imported(file)
        rows = json.loads(self.read("hyperfine.json"))["results"]
        for row, benchmark in zip(rows, result["benchmarks"]):
            self.assertEqual(benchmark["base_name"], row["command"])
            self.assertEqual(benchmark["params"], row["parameters"])
            self.close(benchmark["metrics"][0]["processes"], [1e9 * t for t in row["times"]])
            self.close([benchmark["metrics"][0]["value"]], [1e9 * row["median"]])
        self.assertEqual([b["status"] for b in result["benchmarks"]], ["ok", "failed"])
        self.assertIn("4 of 4 runs failed: the first ended with exit code 1", result["benchmarks"][1]["reason"])

    def test_pytest_benchmark(self):
        python = next((p for p in (sys.executable, "/usr/bin/python3") if subprocess.run(
            [p, "-c", "import pytest_benchmark"], stderr=subprocess.DEVNULL, check=False).returncode == 0), None)
        if python is None:
            self.skipTest("pytest-benchmark is not installed")
        self.write("test_sum.py", "import pytest\n\n@pytest.mark.parametrize('n', [10, 100])\ndef test_sum(benchmark, n):\n"
                                  "    benchmark.extra_info['kept_mb'] = n\n    benchmark.pedantic(sum, (range(n),), rounds=7, iterations=3)\n")
        file = self.path("pytest.json")
        subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_sum.py", "--benchmark-json", file], check=True, cwd=self.dir,
                       stdout=subprocess.DEVNULL, timeout=120)
        result = self.imported(file)
        for row in json.loads(self.read("pytest.json"))["benchmarks"]:
            name = f"test_sum/n={row['params']['n']}"
            time = self.metric(result, name, "time")
            self.close(time["processes"], [1e9 * v for v in row["stats"]["data"]])
            self.close([time["value"]], [1e9 * row["stats"]["median"]])
            self.assertEqual(time["replicate"], "repetition")
            self.assertEqual(self.metric(result, name, "kept")["value"], 1e6 * row["params"]["n"])
        self.assertEqual(result["benchmarks"][0]["suite"], "test_sum.py")


ROWS = '{"context": {"num_cpus": 2, "host_name": "%s"}, "benchmarks": [\n{"name": "a", "real_time": %s, "cpu_time": 1, "time_unit": "ns"}]}'


class Keeping(Imports):
    def test_it_becomes_a_run_of_the_history(self):
        files = [self.write(f"{i}.json", ROWS % ("box", 100 + i)) for i in range(3)]
        said = self.check("import", *files, "--name", "before", "--commit", "abcdef1234").stdout
        self.assertIn("3 processes", said)
        self.check("import", *files, "--name", "again")
        runs = json.loads(self.check("history", "--json").stdout)["runs"]
        self.assertEqual([(r["name"], r["commit"]) for r in runs], [("again", None)])
        shown = json.loads(self.check("history", "show", "--json").stdout)
        self.assertEqual(self.metric(shown, "a", "time")["processes"], [100, 101, 102])
        self.assertEqual(shown["run"]["source"], "google-benchmark")

    def test_json_keeps_nothing_unless_it_is_asked_for(self):
        file = self.write("a.json", ROWS % ("box", 1))
        self.imported(file)
        self.imported(file, "--output", "out.json", env={"ASSAY_HISTORY": self.path("h.db")})
        self.assertFalse(os.path.exists(self.path("benchmark_results")) or os.path.exists(self.path("h.db")))
        self.assertEqual(self.imported("out.json"), json.loads(self.read("out.json")))
        self.imported(file, "--history", "h.db")
        self.assertTrue(os.path.exists(self.path("h.db")))

    def test_our_own_file_comes_back_byte_for_byte(self):
        golden = os.path.join(story.SOURCE, "tests", "golden", "result.json")
        with open(golden, encoding="utf-8") as file:
            self.assertEqual(self.check("import", golden, "--json").stdout, file.read())

    def test_a_pipe(self):
        self.assertEqual(self.imported("-", stdin=ROWS % ("box", 7))["benchmarks"][0]["metrics"][0]["value"], 7)
        self.assertEqual(self.imported("-", "--from", "baselines", stdin='{"a_ms": 2}')["benchmarks"][0]["metrics"][0]["value"], 2e6)

    def test_a_copy_of_a_file_is_no_second_process(self):
        files = [self.write(f"{i}.json", ROWS % ("box", 5)) for i in range(3)] + [self.write("other.json", ROWS % ("box", 6))]
        result = self.imported(*files)
        self.assertEqual(self.metric(result, "a", "time")["processes"], [5, 6])
        self.assertIn("1.json: it is the same as 0.json, byte for byte", self.facts(result)["import.left_out.0"].replace(self.dir + "/", ""))

    def test_values_of_several_machines_are_marked(self):
        files = [self.write(f"{i}.json", ROWS % (host, 5)) for i, host in enumerate(["one", "two"])]
        said = self.check("import", *files, "--no-history").stdout
        self.assertIn("the values come from 2 machines", said)


class Wrong(Imports):
    def test_an_output_that_cannot_be_written_stores_nothing(self):
        file = self.write("a.json", ROWS % ("box", 1))
        self.refuse("import", file, "--output", self.path("no", "such", "out.json"), "--history", "h.db", says="out.json")
        self.assertFalse(os.path.exists(self.path("h.db")))

    def test_nothing_is_half_imported(self):
        good = self.write("good.json", ROWS % ("box", 1))
        text = ROWS % ("box", 2)
        for cut in range(5, len(text), 13):
            torn = self.write("torn.json", text[:cut])
            self.refuse("import", good, torn, says="torn.json")
        self.assertFalse(os.path.exists(self.path("benchmark_results")))

    def test_the_place_is_named(self):
        for text, says in [(ROWS % ("box", "NaN"), "wrong.json: benchmarks[0].real_time: expected a number, found NaN"),
                           (ROWS % ("box", '"1"'), 'wrong.json: benchmarks[0].real_time: expected a number, found the string "1"'),
                           (ROWS % ("box", "1,"), "wrong.json:2:"), ("", "wrong.json is empty"), ("hello\n", "none of the formats"),
                           ("[" * 5000, "wrong.json:1:")]:
            file = self.write("wrong.json", text)
            forced = ["--from", "google-benchmark"] if text.startswith("[") else []
            self.refuse("import", file, *forced, says=says)
        with open(self.path("wrong.json"), "wb") as file:
            file.write(ROWS.encode().replace(b"%s", b"1").replace(b'"a"', b'"\xff\xfe"'))
        self.refuse("import", "wrong.json", says="wrong.json:2:")
        with open(self.path("wide.json"), "wb") as file:
            file.write((ROWS % ("box", 1)).encode("utf-16"))
        self.refuse("import", "wide.json", says="wide.json is UTF-16 text")
        self.refuse("import", "absent.json", says="absent.json")
        self.refuse("import", self.dir, says="none of the formats")
        self.refuse("import", "--from", "gogle-benchmark", "x", says="google-benchmark")

    def test_large_files_are_refused_before_they_are_read(self):
        with open(self.path("large.json"), "wb") as file:
            file.truncate(1 << 34)  # 16 GiB that lie nowhere
        self.refuse("import", "large.json", "--from", "google-benchmark", says=["large.json", "268435456"], timeout=20)
        file = self.write("a.json", ROWS % ("box", 1))
        self.refuse("import", file, env={"ASSAY_IMPORT_LIMIT": "50"}, says="50 bytes")
        self.refuse("import", file, env={"ASSAY_IMPORT_LIMIT": "much"}, says="ASSAY_IMPORT_LIMIT")


if __name__ == "__main__":
    story.main()

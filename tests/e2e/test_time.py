#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""assay time: whole commands side by side."""
import json
import os
import re

import story


class Time(story.Story):
    def test_two_commands_are_compared(self):
        done = self.check("time", "--runs", "4", "sleep 0.01", "sleep 0.2")
        ratio = float(re.search(r"'sleep 0.01' ran\n\s+([\d.]+) ± [\d.]+ times faster than 'sleep 0.2'", done.stdout).group(1))
        fast, slow = (float(re.search(rf"(?m)^sleep {s}\s+([\d.]+) ms", done.stdout).group(1)) for s in ("0.01", "0.2"))
        self.assertAlmostEqual(ratio, slow / fast, delta=ratio / 50)
        self.assertTrue(fast < slow and 150 < slow, done.stdout)
        self.assertEqual(done.stderr, "")

    def test_parameters_make_a_case_each(self):
        data = json.loads(self.check("time", "--runs=2", "-P", "n=1,2", "-P", "word=a,b", "echo {n} {word}", "--json").stdout)
        self.assertEqual(len(data["benchmarks"]), 4)
        self.assertEqual({(b["params"]["n"], b["params"]["word"]) for b in data["benchmarks"]}, {("1", "a"), ("1", "b"), ("2", "a"), ("2", "b")})

    def test_output_of_commands_does_not_mix_with_ours(self):
        done = self.check("time", "--runs", "2", "--json", "echo noise; echo noise >&2")
        json.loads(done.stdout)
        self.assertNotIn("noise", done.stderr)

    def test_runs_and_warmup_are_as_many_as_asked(self):
        self.check("time", "--runs", "3", "--warmup", "2", "--prepare", "echo p >> prepared", "echo r >> ran")
        with open(self.path("ran"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 5)
        with open(self.path("prepared"), encoding="utf-8") as file:
            self.assertGreaterEqual(len(file.readlines()), 3)

    def test_failure_counts_unless_ignored(self):
        done = self.check("time", "--runs", "2", "exit 3", "true", code=1)
        self.assertRegex(done.stdout, r"exit 3.* failed: .*3")
        self.check("time", "--runs", "2", "--ignore-failure", "exit 3")
        self.check("time", "--runs", "1", "no-such-program-at-all", code=1)

    def test_without_a_shell_words_are_run(self):
        self.check("time", "--runs", "2", "--shell=", "sleep 0.01")
        done = self.check("time", "--runs", "2", "--shell=", "touch '$HOME'")
        self.assertTrue(done.stdout)

    def test_ratios_are_figures_or_absent(self):
        done = self.check("time", "--runs", "3", ":", "sleep 0.01")
        self.assertNotRegex(done.stdout, r"\b(inf|nan)\b")

    def test_reports_only_when_asked(self):
        self.check("time", "--runs", "2", "true")
        self.assertEqual(os.listdir(self.dir), [])
        self.check("time", "--runs", "2", "true", "--format", "csv", "json", "--output-dir", "out")
        self.assertEqual(sorted(os.listdir(self.path("out"))), ["report.csv", "report.json"])


if __name__ == "__main__":
    story.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""assay ab: two commands, two builds of a benchmark executable, two revisions."""
import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import story


class Commands(story.Story):
    def test_slower_is_worse_and_faster_is_better(self):
        done = self.check("ab", "sleep 0.01", "sleep 0.06", "--max-time", "60", code=1)
        self.assertRegex(done.stdout, r"sleep 0.01 vs sleep 0.06")
        self.assertIn("critical", done.stdout)
        self.assertRegex(done.stdout, r"blocks of A B B A")
        self.assertEqual(done.stderr, "")
        done = self.check("ab", "sleep 0.06", "sleep 0.01", "--max-time", "60")
        self.assertIn("better", done.stdout)

    def test_json_has_the_interval(self):
        done = self.check("ab", "sleep 0.01", "sleep 0.06", "--json", "--max-time", "60", "--label-a", "old", "--label-b", "new", code=1)
        answer = json.loads(done.stdout)
        change = answer["changes"][0]
        self.assertEqual((answer["before"]["label"], answer["after"]["label"]), ("old", "new"))
        self.assertTrue(0 < change["ci_low"] <= change["change_ratio"] <= change["ci_high"], change)
        self.assertTrue(change["q_value"] <= answer["alpha"] == 0.01)

    def test_a_difference_below_the_threshold_is_the_same(self):
        self.check("ab", "sleep 0.01", "sleep 0.06", "--threshold", "1000%", "--max-time", "2")

    def test_too_little_time_is_inconclusive(self):
        done = self.check("ab", "sleep 0.1", "sleep 0.1", "--max-time", "0.5", code=3)
        self.assertIn("inconclusive", done.stdout)
        self.assertIn("--max-time", done.stdout)

    def test_the_answer_goes_where_it_is_asked_for(self):
        done = self.check("ab", "sleep 0.01", "sleep 0.06", "--max-time", "60", "--format", "markdown", "--output", "answer.md", code=1)
        self.assertEqual(done.stdout, "")
        self.assertIn("sleep 0.01 vs sleep 0.06", self.read("answer.md"))

    def test_what_fails_is_said(self):
        done = self.check("ab", "true; sleep 0.01", "exit 3", code=1)
        self.assertRegex(done.stderr, r"exit 3 failed: .*3")
        self.check("ab", "sleep 0.01; exit 3", "sleep 0.06; exit 3", "--max-time", "60", "--ignore-failure", code=1)

    def test_preparation_and_both_sides_are_run(self):
        self.check("ab", "echo a >> ran; sleep 0.01", "echo b >> ran; sleep 0.01", "--prepare", "echo p >> ran", "--max-time", "0.6", "--blocks", "3", code=3)
        ran = self.read("ran").split()
        self.assertTrue(ran.count("a") == ran.count("b") >= 6)
        self.assertGreaterEqual(ran.count("p"), 12)

    def test_wrong_words_are_refused(self):
        self.refuse("ab", "true", says="A B")
        self.refuse("ab", "true", "true", "--detect", "two", says="2.5%")
        self.refuse("ab", "true", "true", "--detect", "-1%", says="--detect")
        self.refuse("ab", " ", "true", says="empty")
        self.refuse("ab", "true", "true", "--run", "x", says="--git")
        self.refuse("ab", "true", "true", "--threshold", "2%", "--thresholds", "x.toml", says="--threshold")
        self.refuse("ab", "true", "true", "--filter", "", "--prepare", "true", says="--prepare")

    def test_an_interruption_reports_what_is_known_and_leaves_no_process(self):
        mark = f"31.4159{os.getpid()}"
        process = self.start("ab", "sleep 0.02", "sleep 0.021", "--prepare", f": {mark}", "--max-time", "60", program=story.ASSAY)
        time.sleep(0.7)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130, out)
        self.assertIn("interrupted", out)
        left = subprocess.run(["pgrep", "-f", mark], stdout=subprocess.PIPE, check=False).stdout
        self.assertEqual(left, b"")

    def test_progress_on_a_terminal(self):
        code, text = self.on_terminal("ab", "sleep 0.01", "sleep 0.06", "--max-time", "60", env={"TERM": "xterm", "LANG": "C.UTF-8"})
        self.assertEqual(code, 1)
        self.assertRegex(text, r"blocks \d+/\d+")


class Benchmarks(story.Story):
    """Two builds stand in for each other: one executable whose benchmark takes as long as its side's environment says."""

    def builds(self, old, new):
        for name, us in (("bench_old", old), ("bench_new", new)):
            self.write(name, f'#!/bin/sh\nFIXTURE_US={us} exec "{story.FIXTURE}" "$@"\n')
            os.chmod(self.path(name), 0o755)
        return self.path("bench_old"), self.path("bench_new")

    def test_a_slower_build_is_worse(self):
        done = self.check("ab", "--filter", "wait", *self.builds(20, 30), "--max-time", "60", "--json", code=1)
        change = json.loads(done.stdout)["changes"][0]
        self.assertEqual(change["benchmark"], "wait")
        self.assertAlmostEqual(change["change_ratio"], 0.5, delta=0.2)

    def test_the_same_build_is_no_worse(self):
        answer = json.loads(self.run_command("ab", "--filter", "wait", story.FIXTURE, story.FIXTURE, "--max-time", "1.5", "--json").stdout)
        self.assertIn(answer["changes"][0]["verdict"], ("same", "inconclusive"))

    def test_several_benchmarks_are_measured_at_once(self):
        done = self.run_command("ab", "--filter", "*sizes*", story.FIXTURE, story.FIXTURE, "--max-time", "1", "--blocks", "2", "--json")
        changes = json.loads(done.stdout)["changes"]
        self.assertEqual({c["benchmark"] for c in changes}, {"sizes/n=1", "sizes/n=2", "sizes/n=4"})
        self.assertTrue(all(c["before_count"] >= 4 for c in changes), changes)

    def test_a_benchmark_that_fails_is_a_failure(self):
        done = self.check("ab", "--filter", "*crash", story.FIXTURE, story.FIXTURE, "--max-time", "5", code=1)
        self.assertIn("SIGABRT", done.stderr)

    def test_another_engine_is_asked_by_its_command_line(self):
        """A wrapper that drops the worker's argument is like an executable whose engine speaks another language."""
        for name, us in (("bench_old", 20), ("bench_new", 40)):
            self.write(name, f'#!/bin/sh\ncase "$1" in --assay-worker*) exit 126;; esac\nunset ASSAY_WORKER\nFIXTURE_US={us} exec "{story.FIXTURE}" "$@"\n')
            os.chmod(self.path(name), 0o755)
        done = self.check("ab", "--filter", "wait", self.path("bench_old"), self.path("bench_new"), "--max-time", "60", "--json", code=1)
        self.assertAlmostEqual(json.loads(done.stdout)["changes"][0]["change_ratio"], 1, delta=0.5)
        self.assertEqual(glob.glob(self.path("benchmark_results*")), [])

    def test_what_is_no_benchmark_executable_is_refused(self):
        self.refuse("ab", "--filter", "", "/bin/true", "/bin/true", says=["/bin/true", "assay/bench.h"])
        self.refuse("ab", "--filter", "", "./absent", "/bin/true", says="./absent")
        self.refuse("ab", "--filter", "no-such-thing", story.FIXTURE, story.FIXTURE, says="no-such-thing")


@unittest.skipIf(shutil.which("git") is None, "git is not installed")
class Revisions(story.Story):
    def git(self, *words):
        plain = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false", *words]
        return subprocess.run(plain, cwd=self.dir, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout.strip()

    def setUp(self):
        super().setUp()
        self.temp = tempfile.mkdtemp(prefix="assay-story-tmp-")
        self.addCleanup(shutil.rmtree, self.temp, ignore_errors=True)
        self.git("init", "-q", "-b", "main")
        for tag, seconds in (("fast", "0.01"), ("slow", "0.06")):
            self.write("pace", seconds)
            self.git("add", "pace")
            self.git("commit", "-q", "-m", tag)
            self.git("tag", tag)
        self.write("pace", "changed, not committed")
        self.before = self.git("status", "--porcelain"), self.git("rev-parse", "HEAD")

    def nothing_is_left(self):
        self.assertEqual(self.git("worktree", "list").count("\n"), 0)
        self.assertEqual(os.listdir(self.temp), [])
        self.assertEqual((self.git("status", "--porcelain"), self.git("rev-parse", "HEAD")), self.before)
        self.assertEqual(self.read("pace"), "changed, not committed")

    def words(self, build="cp pace built", run="sleep $(cat built)"):
        return ["ab", "--git", "fast", "slow", "--build", build, "--run", run]

    def test_a_planted_slow_down_is_found(self):
        done = self.check(*self.words(), "--max-time", "60", "--json", env={"TMPDIR": self.temp}, code=1)
        answer = json.loads(done.stdout)
        self.assertTrue(answer["changes"][0]["verdict"] in ("worse", "critical"), answer["changes"])
        self.assertEqual(answer["before"]["label"], "fast")
        self.assertEqual(answer["after"]["commit"], self.git("rev-parse", "slow"))
        self.nothing_is_left()

    def test_a_benchmark_executable_of_each_tree(self):
        build = f"printf '#!/bin/sh\\nFIXTURE_US=%s exec {story.FIXTURE} \"$@\"\\n' $(cut -c4- pace)0 > bench && chmod +x bench"
        done = self.check(*self.words(build, "./bench"), "--filter", "wait", "--max-time", "60", env={"TMPDIR": self.temp}, code=1)
        self.assertIn("wait", done.stdout)
        self.nothing_is_left()

    def test_a_failing_build_shows_its_end(self):
        done = self.refuse(*self.words(build="seq 1 1000; echo 'cannot build this' >&2; exit 7"), says=["fast", "code 7", "cannot build this", "999"], env={"TMPDIR": self.temp})
        self.assertNotIn("\n17\n", done.stderr)
        self.nothing_is_left()

    def test_a_revision_that_is_not_there_is_refused(self):
        self.refuse("ab", "--git", "fast", "nowhere", "--run", "true", says="nowhere", env={"TMPDIR": self.temp})
        self.refuse("ab", "--git", "fast", "slow", says="--run", env={"TMPDIR": self.temp})
        self.nothing_is_left()

    def interrupt(self, *words):
        process = subprocess.Popen([story.ASSAY, *words], cwd=self.dir, env=self.environment(TMPDIR=self.temp), text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        self.addCleanup(self.end, process)
        deadline = time.monotonic() + 20
        while not os.path.exists(self.path("begun")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 130)
        self.assertEqual(subprocess.run(["pgrep", "-f", f"sleep 987{os.getpid()}"], stdout=subprocess.PIPE, check=False).stdout, b"")
        os.remove(self.path("begun"))
        self.nothing_is_left()

    def test_an_interrupted_build_leaves_nothing(self):
        self.interrupt(*self.words(build=f"touch {self.path('begun')}; sleep 987{os.getpid()}"))

    def test_an_interrupted_measurement_leaves_nothing(self):
        self.interrupt(*self.words(run=f"touch {self.path('begun')}; sleep 987{os.getpid()}"))


if __name__ == "__main__":
    story.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measuring on an interval: rounds, restarts, one at a time, and a clean end."""
import json
import os
import re
import signal
import socket
import sqlite3
import time

import story
from story import FIXTURE, QUICK

RUN = ["--", "run", "--filter", "own/weight", *QUICK, "--format", "json"]
# A round that lasts until somebody ends it.
LONG = ["--", "run", "--filter", "e2e_fixture/wait", "--no-ceilings", "--time", "60", "--timeout", "600", "--processes", "1"]
STATE = "benchmark_results/history.db.monitor.json"
RULES = "alerts:\n  memory_usage: {warning: 100MB}\nchannels: [{file: alerts.jsonl}]\n"


def in_session(leader):
    """Processes of that session that are not mere zombies."""
    left = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                state, _, _, session = file.read().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(session) == leader and state != "Z":
            left.append(int(entry))
    return left


def words_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read().split("\0")
    except OSError:
        return []


class Monitor(story.Story):
    def setUp(self):
        super().setUp()
        if not FIXTURE:
            self.skipTest("the fixture was not built")

    def monitor(self, *words, code=0, env=None):
        return self.check("monitor", *words, program=FIXTURE, code=code, env=env)

    def runs(self):
        path = self.path("benchmark_results/history.db")
        if not os.path.exists(path):
            return 0
        db = sqlite3.connect(path)
        try:
            return db.execute("SELECT count(*) FROM runs WHERE state = 1").fetchone()[0]
        finally:
            db.close()

    def state(self):
        return json.loads(self.read(STATE))

    def said(self, process, text, seconds=60):
        """Reads what it prints until the text is there."""
        lines = []
        os.set_blocking(process.stdout.fileno(), False)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            line = process.stdout.readline()
            if line:
                lines.append(line)
                if text in line:
                    return line
            elif process.poll() is not None:
                break
            else:
                time.sleep(0.02)
        self.fail(f"never said {text!r}: {lines} {process.poll()}")

    def wait_for_benchmark(self, process, seconds=30):
        """Until the run and its benchmark are processes of their own."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and process.poll() is None:
            if len(in_session(process.pid)) >= 3:
                return
            time.sleep(0.02)
        self.fail("no benchmark was started")

    def gone(self, process, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not in_session(process.pid):
                return
            time.sleep(0.02)
        self.fail(f"left behind: {in_session(process.pid)}")

    def test_rounds_are_measured_judged_and_told(self):
        self.write("rules.yaml", RULES)
        done = self.monitor("--every", "1s", "--rounds", "2", "--alerts", "rules.yaml", "--log-file", "monitor.log", *RUN)
        self.assertEqual(done.stderr, "")
        self.assertRegex(done.stdout, r"(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d round 1: run [0-9a-f]{16}, 1 benchmarks in ")
        self.assertIn("round 2: run", done.stdout)
        self.assertIn("round 2: run", self.read("monitor.log"))
        self.assertEqual(self.runs(), 2)
        worse = self.monitor("--every", "1s", "--rounds", "2", "--alerts", "rules.yaml", *RUN, code=1, env={"FIXTURE_BYTES": "1.3e9"})
        self.assertEqual(len(re.findall(r"warning +new", worse.stdout)), 1)
        self.assertIn("nothing new", worse.stdout)
        self.assertEqual(len(self.read("alerts.jsonl").splitlines()), 1)
        self.assertEqual(self.runs(), 4)

    def test_a_restart_neither_forgets_nor_repeats_a_round(self):
        self.monitor("--every", "1h", "--rounds", "1", *RUN)
        due = self.state()["due_s"]
        self.assertTrue(time.time() + 3500 < due <= time.time() + 3601)
        waiting = self.start("monitor", "--every", "1h", *RUN)
        self.said(waiting, "the next round is due at")
        waiting.terminate()
        self.assertEqual(waiting.wait(10), 0)
        self.assertEqual(self.state()["due_s"], due)
        self.assertEqual(self.runs(), 1)
        # Five rounds were missed while nobody was there: one is made up for, at once, and the rhythm is kept.
        self.write(STATE, json.dumps({"schema": "assay-monitor/1", "due_s": int(time.time()) - 5 * 3600 + 600}))
        late = self.start("monitor", "--every", "1h", *RUN)
        self.said(late, "round 1: run")
        end = time.monotonic() + 10
        while self.state()["due_s"] < time.time() and time.monotonic() < end:
            time.sleep(0.02)
        self.assertAlmostEqual(self.state()["due_s"], time.time() + 600, delta=60)
        late.terminate()
        self.assertEqual(late.wait(10), 0)
        self.assertEqual(self.runs(), 2)

    def test_there_is_one_monitor_a_history(self):
        first = self.start("monitor", "--every", "1h", *LONG)
        self.said(first, "monitoring run every 1h")
        self.refuse("monitor", "--every", "1h", *RUN, says=["another monitor works on benchmark_results/history.db", f"process {first.pid}"], program=FIXTURE)
        self.monitor("--every", "1h", "--rounds", "1", "--history", "other.db", *RUN)
        self.wait_for_benchmark(first)
        first.terminate()
        self.assertEqual(first.wait(30), 0)
        self.gone(first)
        self.assertIn("stopped by SIGTERM", first.stdout.read())
        self.assertLessEqual(self.state()["due_s"], time.time())  # the round that was cut short is made up for

    def test_after_a_kill_another_takes_over(self):
        first = self.start("monitor", "--every", "1h", *LONG)
        self.wait_for_benchmark(first)
        first.kill()
        first.wait(10)
        self.gone(first)
        self.monitor("--every", "1h", "--rounds", "1", *RUN)
        self.assertEqual(self.runs(), 1)

    def test_a_round_that_fails_does_not_end_it(self):
        done = self.monitor("--every", "1s", "--rounds", "2", "--", "run", "--filter", "nothing/such", code=2)
        self.assertIn("round 1: failed: the run ended with exit code 2", done.stdout)
        self.assertIn("round 2: failed", done.stdout)
        self.assertIn("nothing/such", done.stderr)  # the run's own words
        slow = self.monitor("--every", "1s", "--rounds", "1", "--timeout", "1s", *LONG, code=2)
        self.assertIn("longer than --timeout 1s", slow.stdout)
        busy = self.monitor("--every", "1s", "--rounds", "1", "--max-load", "0.01", "--history", "busy.db", *RUN)
        self.assertIn("skipped, the load is" if os.getloadavg()[0] > 0.02 else "round 1", busy.stdout)

    def test_a_password_is_in_no_message_and_no_list_of_processes(self):
        """A server that never answers keeps the round's process there for as long as somebody looks at it."""
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        place = f"127.0.0.1:{server.getsockname()[1]}/db"
        for url in (f"postgresql://joe:s3cret@{place}", f"postgresql://{place}?user=joe&password=s3cret"):
            env = {"ASSAY_HISTORY": url, "ASSAY_CACHE_DIR": self.path("cache")}
            log = f"monitor{len(url)}.log"
            process = self.start("monitor", "--every", "1h", "--log-file", log, *LONG, env=env)
            self.assertNotIn("s3cret", self.said(process, "monitoring run every 1h"))
            self.refuse("monitor", "--every", "1h", *LONG, says="another monitor works on postgresql://", program=FIXTURE, env=env)
            refused = self.run_command("monitor", "--every", "1h", *LONG, program=FIXTURE, env=env)
            self.assertNotIn("s3cret", refused.stderr)
            words, end = [], time.monotonic() + 30
            while not words and time.monotonic() < end and process.poll() is None:
                words = [w for w in map(words_of, in_session(process.pid)) if w[1:2] == ["run"]]
            self.assertTrue(words)
            self.assertNotIn("s3cret", str(words))
            for _ in range(2):  # told twice, it kills the round at once
                process.terminate()
                time.sleep(0.2)
            self.assertEqual(process.wait(30), 0)
            self.assertNotIn("s3cret", process.stdout.read() + process.stderr.read() + self.read(log))

    def test_wrong_words_are_refused(self):
        for words, says in (
            (["--every", "soon", *RUN], "--every needs a length of time such as 30s, 15m, 1h or 7d, not 'soon'"),
            (["--every", "0s", *RUN], "--every needs a length"),
            (["--every", "100ms", *RUN], "--every needs a length"),
            (["--every", "10s", "--jitter", "1m", *RUN], "--jitter 1m is longer than --every 10s"),
            (["--every", "1h"], "-- run [OPTION]... is missing"),
            (["--every", "1h", "--", "list"], "what is monitored is a run"),
            (["--every", "1h", "--", "run", "--history=x"], "give --history to monitor"),
            (["--every", "1h", "--", "run", "--no-history"], "cannot do without"),
            (["--every", "1h", "--alerts", "nowhere.yaml", *RUN], "nowhere.yaml"),
        ):
            self.refuse("monitor", *words, says=says, program=FIXTURE)


if __name__ == "__main__":
    story.main()

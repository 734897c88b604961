#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Interruptions, full disks, bad input: nothing that was measured is lost, nothing of the user's is harmed."""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unittest

import story
from story import FIXTURE, QUICK

SLOW = ["--no-ceilings", "--filter", "sizes", "--processes", "8", "--time", "0.4"]


class HostileText(story.Story):
    """What somebody else wrote must not drive the reader's terminal."""

    def assert_harmless(self, done):
        for text in (done.stdout, done.stderr):
            self.assertNotRegex(text, "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

    def test_a_capture_cannot_colour_or_reorder(self):
        with open(self.path("odd.txt"), "wb") as file:
            file.write(b"hw.machine: arm64\nhw.ncpu: 8\nmachdep.cpu.brand_string: Apple \xff\xfe\x1b[31m\xe2\x80\xaeM4\nhw.memsize: 17179869184\n")
        shown = self.check("machine", "--from", "odd.txt")
        self.assertIn("\ufffd[31m", shown.stdout)
        self.assert_harmless(shown)
        checked = self.run_command("machine", "check", "--from", "odd.txt")
        self.assertIn(checked.returncode, (0, 1, 3))
        self.assert_harmless(checked)

    def test_a_name_cannot_either(self):
        self.check("run", *QUICK, "--filter", "sizes/n=1", "--name", "a\x1b[31mb", program=FIXTURE)
        listed = self.check("history")
        self.assertIn("a\ufffd[31mb", listed.stdout)
        for done in (listed, self.check("report"), self.run_command("report", "no\x1b[31mrun")):
            self.assert_harmless(done)


class Interrupted(story.Story):
    @unittest.skipUnless(os.geteuid() == 0, "needs root for a read-only mount")
    def test_a_history_that_may_not_be_written_can_be_read(self):
        self.check("--filter", "sizes", *story.QUICK, program=story.FIXTURE)
        os.mkdir(self.path("ro"))
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", self.path("ro")], capture_output=True).returncode != 0:
            self.skipTest("mount is not allowed here")
        try:
            shutil.copy(self.path("benchmark_results", "history.db"), self.path("ro"))
            subprocess.run(["mount", "-o", "remount,ro", self.path("ro")], check=True)
            self.assertIn("complete", self.check("history", "--history", self.path("ro", "history.db")).stdout)
            self.assertIn("sizes", self.check("report", "latest", "--history", self.path("ro", "history.db"), "--format", "csv").stdout)
        finally:
            subprocess.run(["umount", self.path("ro")], check=True)

    def test_kill_loses_at_most_what_was_in_flight(self):
        process = self.start(*SLOW)
        self.wait_for_log(": ok in", process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        finished = set(re.findall(r"/(sizes/n=\d+): ok in", self.read("benchmark_run.log")))
        run = json.loads(self.check("history", "--json").stdout)["runs"][0]
        self.assertEqual(run["state"], "interrupted")
        result = json.loads(self.check("history", "show", "--json").stdout)
        self.assertTrue(finished <= {b["name"] for b in result["benchmarks"]}, (finished, result["benchmarks"]))
        self.assertRegex(self.check("report", "latest").stdout, r"\n +[1-7] of 8 processes\n")
        self.assertRegex(self.check("report", "latest", "--format", "markdown").stdout, r"\([1-7] of 8 processes\)")

    def test_ctrl_c_reports_what_there_is(self):
        process = self.start(*SLOW)
        self.wait_for_log(": ok in", process)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 130, (out, err))
        self.assertIn("stopping", err)
        self.assertIn("HTML report: ", out)
        result = self.result()
        self.assertTrue(result["run"]["interrupted"])
        status = {b["name"]: b["status"] for b in result["benchmarks"]}
        self.assertEqual(list(status), ["sizes/n=1", "sizes/n=2", "sizes/n=4"])
        self.assertIn("ok", status.values())
        for benchmark in result["benchmarks"]:  # one that was never begun is there and says so
            if benchmark["status"] != "ok":
                self.assertEqual((benchmark["status"], benchmark["metrics"]), ("skipped", []))
                self.assertIn("run ended", benchmark["reason"])
        self.assertEqual(json.loads(self.check("history", "--json").stdout)["runs"][0]["state"], "interrupted")

    def test_no_process_is_left_behind(self):
        process = self.start(*SLOW)
        self.wait_for_log(": ok in", process)
        process.terminate()
        process.communicate(timeout=30)
        time.sleep(0.2)
        left = subprocess.run(["ps", "-eo", "sid="], text=True, capture_output=True).stdout.split()
        self.assertNotIn(str(process.pid), left)


class Disk(story.Story):
    def mount(self, size):
        where = self.path("small")
        os.mkdir(where)
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", where], capture_output=True).returncode != 0:
            self.skipTest("a small file system needs root")
        self.addCleanup(subprocess.run, ["umount", "-l", where])
        return where

    def test_a_full_directory_is_refused_before_measuring(self):
        where = self.mount("64k")
        self.refuse("run", *QUICK, "--filter", "clock_read", "--output-dir", where, says=["no room", "No space left"])
        self.assertNotIn("start ", self.read("benchmark_run.log"))
        self.assertEqual(os.listdir(where), [])

    def test_a_disk_that_fills_up_loses_nothing(self):
        where = self.mount("8m")
        process = self.start(*SLOW, "--output-dir", where)
        self.wait_for_log(": ok in", process)
        with open(os.path.join(where, "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
        self.assertEqual(process.returncode, 2, (out, err))
        self.assertIn("No space left", err)
        saved = re.search(r"nothing that was measured is lost: it is in (\S+);", err)
        self.assertTrue(saved, err)
        with open(saved.group(1), encoding="utf-8") as file:
            self.assertTrue(json.load(file)["benchmarks"])
        os.remove(saved.group(1))
        os.rmdir(os.path.dirname(saved.group(1)))
        self.assertFalse(os.path.exists(os.path.join(where, "report.html")))

    def test_an_unwritable_directory_is_refused(self):
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        self.refuse("run", *QUICK, "--filter", "clock_read", "--output-dir", "file", says="not a directory")
        self.refuse("run", *QUICK, "--filter", "clock_read", "--output-dir", "file/below", says="file")
        self.refuse("run", *QUICK, "--filter", "clock_read", "--output-dir", "/proc/nowhere", says="/proc/nowhere")
        self.refuse("run", *QUICK, "--filter", "clock_read", "--log-file", "file/log", says=["file/log", "--log-file"])

    def test_a_closed_pipe_or_full_stdout_is_not_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([story.ASSAY, "list"], stdout=full, stderr=subprocess.PIPE, text=True, cwd=self.dir)
        self.assertEqual(done.returncode, 2)
        self.assertIn("standard output", done.stderr)


class BadInput(story.Story):
    def test_unknown_and_unbuilt_suites(self):
        self.refuse("run", "--suite", "performence", says=["did you mean 'performance'?", "hardware"])
        for suite in ("containers", "ai"):
            self.refuse("run", "--suite", suite, says="unsupported (not built yet)")
        self.refuse("run", "--suite", "performance,ai", says="'ai' is unsupported")
        self.refuse("run", "--filter", "no-such-thing", says="no-such-thing")

    def test_broken_limits_name_the_place(self):
        self.write("mine.toml", '[[sla]]\nname = "x"\nbenchmark = \n')
        done = self.refuse("run", *QUICK, "--filter", "clock_read", "--sla", "mine.toml", says="mine.toml:3:")
        self.assertRegex(done.stderr, r"mine\.toml:3:\d+: .*expected")
        self.write("mine.toml", '[[sla]]\nname = "x"\nbenchmark = "*"\nmax = "ten"\n')
        self.refuse("run", *QUICK, "--filter", "clock_read", "--sla", "mine.toml", says="mine.toml:4:")
        self.refuse("run", *QUICK, "--filter", "clock_read", "--sla", "nowhere.toml", says="nowhere.toml")
        self.refuse("run", *QUICK, "--filter", "clock_read", "--profile", "m5-max", says="m5-max")

    def test_a_damaged_history_is_refused_and_not_touched(self):
        os.mkdir(self.path("benchmark_results"))
        path = self.path("benchmark_results/history.db")
        for content in (b"this is no database, but long enough to look at twice" * 100, b"SQLite format 3\0" + b"\xff" * 5000):
            with open(path, "wb") as file:
                file.write(content)
            self.refuse("run", *QUICK, "--filter", "alloc_small", says="history.db")
            self.refuse("history", says="history.db")
            with open(path, "rb") as file:
                self.assertEqual(file.read(), content)

    def test_a_history_without_room_beside_it_is_not_damaged(self):
        self.check("--quick-run", "--filter", "sizes", program=FIXTURE)
        no_room = "import os, resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); os.execv(sys.argv[1], sys.argv[1:])"
        done = self.run_command("-c", no_room, story.ASSAY, "history", program=sys.executable)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("complete", done.stdout)
        done = self.run_command("-c", no_room, story.ASSAY, "baseline", "save", "main", program=sys.executable)
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("damaged", done.stderr)
        self.check("baseline", "save", "main")  # nothing was wrong with it

    def test_a_history_of_a_newer_assay_is_refused_and_not_touched(self):
        self.check("--quick-run", "--filter", "sizes", program=FIXTURE)
        path = self.path("benchmark_results/history.db")
        database = sqlite3.connect(path)
        database.execute("pragma journal_mode = delete")
        version = database.execute("pragma user_version").fetchone()[0]
        self.assertGreater(version, 0)
        database.execute(f"pragma user_version = {version + 1}")
        database.commit()
        database.close()
        with open(path, "rb") as file:
            before = file.read()
        self.refuse("--quick-run", "--filter", "sizes", says=["history.db", "newer"], program=FIXTURE)
        with open(path, "rb") as file:
            self.assertEqual(file.read(), before)

    def test_results_that_are_none(self):
        for text in ("", "{", "[]", '{"schema": "assay-result/1"}', '{"schema": "something/1"}'):
            self.write("r.json", text)
            self.refuse("report", "r.json", says="r.json")
        self.write("r.json", '{"schema": "assay-result/999"}')
        self.refuse("report", "r.json", says="upgrade Assay")


if __name__ == "__main__":
    story.main()

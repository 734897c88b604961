#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A team's history in PostgreSQL, as the command meets it. tests/support/postgres.py starts the server."""
import json
import os
import re
import shutil
import signal
import subprocess
import time
import unittest

import story
from story import FIXTURE, QUICK

SERVER, OVER_TCP = os.environ["ASSAY_TEST_POSTGRES"], os.environ["ASSAY_TEST_POSTGRES_TCP"]
SLOW = ["run", "--no-ceilings", "--quick-run", "--filter", "sizes", "--processes", "8", "--time", "0.2"]


class Server(story.Story):
    """In the order of their names: the last test ends the server."""

    def test_a_run_and_all_that_asks_for_it(self):
        env = {"ASSAY_HISTORY": OVER_TCP}
        run = ["run", *QUICK, "--filter", "sizes", "--export-baselines", "--format", "json", "html"]
        self.refuse("history", env=env, says=["no history", "127.0.0.1"])
        done = self.check(*run, f"--history={OVER_TCP}", program=FIXTURE)
        self.assertFalse(os.path.exists(self.path("benchmark_results", "history.db")))
        self.check(*run, "--history", OVER_TCP, program=FIXTURE)
        listed = self.check("history", "--json", env=env)
        runs = json.loads(listed.stdout)["runs"]
        self.assertEqual([r["state"] for r in runs], ["complete"] * 2)
        shown = self.check("history", "show", runs[1]["id"][:6], "--json", env=env)
        self.assertEqual(json.loads(shown.stdout)["run"]["id"], runs[1]["id"])
        by_name = self.check("report", "baseline:default", "--format", "json", env=env)
        self.assertEqual(json.loads(by_name.stdout)["run"]["id"], runs[0]["id"])
        self.refuse("report", "baseline:defalt", env=env, says='did you mean "default"')
        checked = self.run_command("run", *QUICK, "--filter", "sizes", "--regression-check", program=FIXTURE, env=env)
        self.assertIn(checked.returncode, (0, 1, 3), checked.stderr)
        self.write("plain.json", '{"a_ms": 2}')
        imported = self.check("import", "plain.json", env=env)
        self.assertIn("in postgresql://tester@127.0.0.1", imported.stdout)
        for text in [imported.stdout, done.stdout, done.stderr, listed.stdout, shown.stdout, by_name.stdout, self.read("benchmark_results", "report.html"),
                     self.read("benchmark_results", "report.json"), self.read("benchmark_run.log")]:
            self.assertNotIn("s3cret", text)
        self.assertIn("--history=postgresql://tester@127.0.0.1", json.loads(shown.stdout)["run"]["command"])

    def test_b_what_is_wrong_is_said_without_the_password(self):
        wrong = OVER_TCP.replace("s3cret", "s3cre")
        for words in (["history"], ["report"], ["run", *QUICK, "--filter", "sizes"]):
            done = self.refuse(*words, "--history", wrong, says=["password authentication failed", "postgresql://tester@127.0.0.1"], program=FIXTURE)
            self.assertNotIn("s3cre", done.stderr)

    def test_bb_a_monitor_keeps_its_alerts_there(self):
        self.write("rules.yaml", "alerts:\n  memory_usage: {warning: 100MB}\n")
        words = ["monitor", "--every", "1s", "--rounds", "1", "--alerts", "rules.yaml", "--history", OVER_TCP, "--", "run", "--filter", "own/weight", *QUICK, "--format", "json"]
        done = self.check(*words, program=FIXTURE)
        done = self.check(*words, program=FIXTURE, env={"FIXTURE_BYTES": "1.3e9"}, code=1)
        self.assertRegex(done.stdout, "warning +new")
        self.assertNotIn("s3cret", done.stdout + done.stderr)
        alert, = json.loads(self.check("alerts", "--json", env={"ASSAY_HISTORY": OVER_TCP}).stdout)["alerts"]
        self.check("alerts", "ack", alert["id"], env={"ASSAY_HISTORY": OVER_TCP})
        self.assertIn("acknowledged", self.check("alerts", env={"ASSAY_HISTORY": OVER_TCP}).stdout)
        self.assertFalse(os.path.exists(self.path("benchmark_results", "history.db")))

    def test_c_a_killed_run_is_interrupted(self):
        process = self.start(*SLOW, "--history", SERVER)
        self.wait_for_log(": ok in", process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        finished = set(re.findall(r"/(sizes/n=\d+): ok in", self.read("benchmark_run.log")))
        run = json.loads(self.check("history", "--json", "--history", SERVER).stdout)["runs"][0]
        self.assertEqual(run["state"], "interrupted")
        result = json.loads(self.check("history", "show", "--json", "--history", SERVER).stdout)
        self.assertTrue(finished <= {b["name"] for b in result["benchmarks"]}, (finished, result["benchmarks"]))

    def sql(self, text):
        done = subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", SERVER, "-c", text], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)

    @unittest.skipUnless(shutil.which("psql"), "psql is not here")
    def test_d_what_could_not_be_written_is_when_the_run_ends(self):
        process = self.start(*SLOW, "--history", SERVER)
        self.wait_for_log(": ok in", process)
        self.sql("ALTER TABLE benchmarks ADD CONSTRAINT broken CHECK(status > 9) NOT VALID")
        self.wait_for_log("not complete in the history", process)
        self.sql("ALTER TABLE benchmarks DROP CONSTRAINT broken")
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, (out, err))
        self.assertIn("complete in it after all", err)
        run = json.loads(self.check("history", "--json", "--history", SERVER).stdout)["runs"][0]
        self.assertEqual((run["state"], run["benchmarks"]), ("complete", 3))

    def test_e_a_run_goes_on_without_its_server(self):
        process = self.start(*SLOW, "--verbose", "--format", "json", "--history", SERVER)
        self.wait_for_log(": ok in", process)
        os.kill(int(os.environ["ASSAY_TEST_POSTGRES_PID"]), signal.SIGQUIT)
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, (out, err))
        self.assertIn("not complete in the history", err)
        self.assertEqual([b["status"] for b in self.result()["benchmarks"]], ["ok"] * 3)
        began = time.monotonic()
        self.refuse("history", "--history", SERVER, says="is the server running")
        self.assertLess(time.monotonic() - began, 10)


if __name__ == "__main__":
    story.main()

# SPDX-License-Identifier: MIT
"""What the stories share: running the command, a directory of one's own, and helpers to look at what it left.

Standard library only. A story that needs what is not here skips itself and says why.
"""
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ASSAY = os.environ["ASSAY"]  # the command
FIXTURE = os.environ.get("ASSAY_FIXTURE", "")  # tests/e2e/fixture.c: a user's own benchmarks
SOURCE = os.environ["ASSAY_SOURCE"]  # the source tree
QUICK = ["--quick-run", "--no-ceilings"]


class Story(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="assay-story-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def environment(self, **more):
        """The environment of a user without settings of their own."""
        plain = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "GITHUB_STEP_SUMMARY", "COLUMNS", "TERM")}
        plain.update(more)
        return plain

    def run_command(self, *words, program=ASSAY, env=None, text=True, stdin=None, timeout=120):
        """As subprocess.run; text is decoded without touching line ends, since a carriage return is something to see."""
        if stdin is not None and text:
            stdin = stdin.encode()
        done = subprocess.run([program, *words], cwd=self.dir, env=self.environment(**(env or {})), input=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=timeout)
        if text:
            done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done

    def check(self, *words, code=0, **options):
        """Runs and expects an exit code; shows everything when it is another."""
        done = self.run_command(*words, **options)
        self.assertEqual(done.returncode, code, f"{words}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}")
        return done

    def refuse(self, *words, says, **options):
        """Wrong use or bad input: exit 2, a sentence on stderr, nothing on stdout."""
        done = self.check(*words, code=2, **options)
        self.assertEqual(done.stdout, "", words)
        for part in [says] if isinstance(says, str) else says:
            self.assertIn(part, done.stderr, words)
        return done

    def read(self, *parts):
        with open(self.path(*parts), encoding="utf-8", newline="") as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def result(self, directory="benchmark_results"):
        return json.loads(self.read(directory, "report.json"))

    def start(self, *words, program=FIXTURE, env=None):
        process = subprocess.Popen([program, *words], cwd=self.dir, env=self.environment(**(env or {})), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   start_new_session=True)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.communicate()
        process.stdout.close()
        process.stderr.close()

    def wait_for_log(self, text, process, seconds=60):
        """Until the run's log says it: the run is then known to be at that point."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if os.path.exists(self.path("benchmark_run.log")) and text in self.read("benchmark_run.log"):
                return
            if process.poll() is not None:
                self.fail(f"ended before the log said {text!r}: {process.communicate()}")
            time.sleep(0.02)
        self.fail(f"the log never said {text!r}")

    def on_terminal(self, *words, program=ASSAY, env=None, seconds=60):
        """Runs with stdout and stderr on a pseudo-terminal; gives exit code and everything that was written there."""
        master, slave = pty.openpty()
        process = subprocess.Popen([program, *words], cwd=self.dir, env=self.environment(**(env or {})), stdin=slave, stdout=slave, stderr=slave, close_fds=True)
        os.close(slave)
        written = b""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ready, _, _ = select.select([master], [], [], 0.1)
            if ready:
                try:
                    chunk = os.read(master, 65536)
                except OSError:
                    break
                if not chunk:
                    break
                written += chunk
            elif process.poll() is not None:
                break
        os.close(master)
        return process.wait(timeout=10), written.decode("utf-8", "replace")


def main():
    unittest.main(verbosity=2)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints every bar of the judge beside the figure measured now.

    python3 bench/judge/bars.py [BUILD_DIR] [--full]

Without --full few repetitions of what takes long (a comparison of two programs takes ten seconds, an A/A round of a suite half a minute): the
results files aa-results.jsonl and planted-results.jsonl in the build directory grow with every call, and the rows are over all of them.
--full makes a hundred of each, which takes some hours. Exit code 1 when a bar is missed.
"""
import os
import subprocess
import sys

full = "--full" in sys.argv
words = [word for word in sys.argv[1:] if word != "--full"]
build = os.path.abspath(words[0] if words else "build")
here = os.path.dirname(os.path.abspath(__file__))
judge = f"{build}/bench/judge"
missed = False


def rows(*command):
    """Runs a program and prints those of its lines that are rows."""
    global missed
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=build)
    for line in done.stdout.splitlines():
        if line.startswith(("met   ", "MISSED")):
            missed |= line.startswith("MISSED")
            print(line, flush=True)
    if done.returncode == 77:  # it says why
        print(f"        {done.stdout.strip()}", flush=True)
    elif done.returncode not in (0, 1):
        missed = True
        print(f"MISSED  {command[0]} ended with {done.returncode}", flush=True)


rows(f"{judge}/judge_compare", "20000")
rows(f"{judge}/judge_changepoints")
rows(f"{judge}/ab_rates")
rows(f"{judge}/judge_history")
rows(sys.executable, os.path.join(here, "..", "..", "tests", "support", "postgres.py"), f"{judge}/judge_history")
rows(sys.executable, f"{here}/planted.py", build, "--results", f"{build}/planted-results.jsonl", "--repeat", "100" if full else "2")
rows(sys.executable, f"{here}/aa.py", build, "--results", f"{build}/aa-results.jsonl", "--repeat", "100" if full else "2")
sys.exit(1 if missed else 0)

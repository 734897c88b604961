#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A/A on this machine: whole suites against themselves, one run after the other, every second one beside a busy neighbour.

    python3 bench/judge/aa.py [BUILD_DIR] [--repeat N] [--suite performance] [--results FILE] [--run-args "--quick-run"]

Each round is one `assay run --regression-check --export-baselines` against the round before, so a quiet run is compared with a busy one and
the other way round. Rounds are appended to the results file, so that a hundred of them can be spread over a day; the row is over all of it.
Exit code 1 when the bar is missed.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
import time

MOST_ALARMS = 0.01

parser = argparse.ArgumentParser()
parser.add_argument("build", nargs="?", default="build")
parser.add_argument("--repeat", type=int, default=4)
parser.add_argument("--suite", default="performance")
parser.add_argument("--results", default="aa-results.jsonl")
parser.add_argument("--run-args", default="--quick-run")
parser.add_argument("--pause", type=float, default=0, help="seconds between rounds, to spread them")
options = parser.parse_args()
build = os.path.abspath(options.build)


def round_of(directory, busy):
    """The status of the comparison with the round before, and the lines of what was called worse or better; None for the first."""
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"]) if busy else None
    try:
        command = [f"{build}/assay", "run", "--suite", options.suite, "--no-ceilings", "--output-dir", directory, "--format", "json", "--baseline", "aa",
                   "--log-file=", "--color", "never", "--export-baselines", "--regression-check", *options.run_args.split()]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3600)
    finally:
        if neighbour is not None:
            neighbour.kill()
            neighbour.wait()
    status = re.search(r"^Status +(\w+)", done.stdout, re.MULTILINE)
    if status is None and "Baseline 'aa' is now" not in done.stdout:
        sys.exit(f"aa.py: {' '.join(command)} gave no comparison:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    lines = [line.strip() for line in done.stdout.splitlines() if re.match(r"^\S* *(worse|critical|better) ", line)]
    return (status.group(1) if status else None), lines


def measure():
    with tempfile.TemporaryDirectory(prefix="assay-aa-") as directory, open(options.results, "a", encoding="utf-8") as results:
        for number in range(options.repeat + 1):
            busy = number % 2 == 1
            status, lines = round_of(directory, busy)
            if status is None:
                continue
            entry = {"at": int(time.time()), "neighbour": busy, "status": status, "told": lines, "load": os.getloadavg()[0]}
            results.write(json.dumps(entry) + "\n")
            results.flush()
            print(f"round {number}: {status}{' beside a neighbour' if busy else ''}", *lines, sep="\n  ", file=sys.stderr, flush=True)
            time.sleep(options.pause)


def report():
    with open(options.results, encoding="utf-8") as results:
        rounds = [json.loads(line) for line in results]
    statuses = collections.Counter(r["status"] for r in rounds)
    alarms = statuses["HasRegressions"] + statuses["HasCriticalRegressions"]
    faster = sum(any(line.split()[1:2] == ["better"] or line.startswith("better") for line in r["told"]) for r in rounds)
    met = bool(rounds) and alarms <= MOST_ALARMS * len(rounds)
    beside = f"{statuses['AllPass']} AllPass, {statuses['Inconclusive']} Inconclusive; {faster} with something called better; load up to " \
             f"{max((r['load'] for r in rounds), default=0):.0f}"
    print(f"{'met   ' if met else 'MISSED'}  {'A/A of whole suites, half beside a busy neighbour: alarms':<58} {'<= 1 of 100':>14} "
          f"{f'{alarms} of {len(rounds)}':>16}  {beside}")
    return met


if options.repeat > 0:
    measure()
sys.exit(0 if report() else 1)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How often `assay ab` finds slow-downs of a known size in a real kernel on this machine, and how often it alarms where nothing changed.

    python3 bench/judge/planted.py [BUILD_DIR] [--repeat N] [--effects 0,1,2,5,10] [--results FILE] [--max-time 10] [--verify]

Every repetition is one `assay ab --filter table planted_0 planted_X --max-time 10`, the sizes in random order. Each verdict is appended to
the results file, so a long series can be made in parts; the rates are over all of it, with 95 % intervals (Clopper and Pearson).
--verify counts the instructions of both builds under cachegrind instead. Exit code 1 when a rate misses its bar; what so few repetitions leave open, the interval says.
"""
import argparse
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile

BARS = {1: 0.60, 2: 0.95, 5: 0.99, 10: 0.99}
FALSE_ALARMS = 0.05

parser = argparse.ArgumentParser()
parser.add_argument("build", nargs="?", default="build")
parser.add_argument("--repeat", type=int, default=5)
parser.add_argument("--effects", default="0,1,2,5,10")
parser.add_argument("--results", default="planted-results.jsonl")
parser.add_argument("--max-time", default="10")
parser.add_argument("--verify", action="store_true")
options = parser.parse_args()
build = os.path.abspath(options.build)
failed = False


def executable(effect):
    return f"{build}/bench/judge/planted_{10 * effect}"


def row(name, bar, figure, met, beside=""):
    global failed
    failed |= not met
    print(f"{'met   ' if met else 'MISSED'}  {name:<58} {bar:>14} {figure:>16}  {beside}", flush=True)


def beta_quantile(p, a, b):
    """By bisection over the binomial tail; a and b are whole here."""
    n, low, high = a + b - 1, 0.0, 1.0
    for _ in range(60):
        x = (low + high) / 2
        tail = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
        low, high = (x, high) if tail < p else (low, x)
    return low


def interval(hits, n):
    low = 0 if hits == 0 else beta_quantile(0.025, hits, n - hits + 1)
    high = 1 if hits == n else beta_quantile(0.975, hits + 1, n - hits)
    return low, high


def measure(effect):
    done = subprocess.run([f"{build}/assay", "ab", "--filter", "table", executable(0), executable(effect), "--max-time", options.max_time, "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    change = json.loads(done.stdout)["changes"][0]
    return {"effect": effect, "verdict": change["verdict"], "change": change["change_ratio"], "low": change["ci_low"], "high": change["ci_high"],
            "processes": change["before_count"] + change["after_count"]}


def instructions(effect, operations):
    """Of the kernel alone: the difference between many passes and few. PLANTED_PASSES makes the executable do just those."""
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={scratch}/out", executable(effect)],
                              env={**os.environ, "PLANTED_PASSES": str(operations)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return int(re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)[1].replace(",", ""))


def verify():
    def of_pass(effect):
        return (instructions(effect, 60) - instructions(effect, 10)) / 50
    plain = of_pass(0)
    for effect in BARS:
        grown = of_pass(effect) / plain - 1
        row(f"planted {effect} %: instructions of a pass, beside none planted", f"{effect} % +- a fiftieth", f"{100 * grown:.3f} %", abs(grown - effect / 100) < 0.02 * effect / 100)


def collect():
    effects = [int(e) for e in options.effects.split(",")] * options.repeat
    random.shuffle(effects)
    with open(options.results, "a", encoding="utf-8") as results:
        for at, effect in enumerate(effects):
            print(f"\r{at + 1}/{len(effects)}", end="", file=sys.stderr, flush=True)
            results.write(json.dumps(measure(effect)) + "\n")
            results.flush()
    print("\r", end="", file=sys.stderr)


def report():
    with open(options.results, encoding="utf-8") as results:
        rows = [json.loads(line) for line in results]
    for effect in sorted({r["effect"] for r in rows}):
        mine = [r for r in rows if r["effect"] == effect]
        verdicts = [r["verdict"] for r in mine]
        n, same = len(mine), verdicts.count("same")
        alarms = sum(v in ("worse", "critical") for v in verdicts) + (verdicts.count("better") if effect == 0 else 0)
        low, high = interval(alarms, n)
        medians = sorted(r["processes"] for r in mine)[n // 2], sorted(r["change"] for r in mine)[n // 2]
        beside = f"95 %: {100 * low:.0f} to {100 * high:.0f} %; same {same}, of {n}; median {medians[0]} processes, change {100 * medians[1]:+.2f} %"
        if effect == 0:
            row("ab, the same executable on both sides: alarms", "<= 5 %", f"{alarms}/{n}", alarms <= FALSE_ALARMS * n, beside)
            continue
        bar = BARS[effect]
        row(f"ab, planted {effect} % within {options.max_time} s: found", f">= {100 * bar:.0f} %", f"{alarms}/{n}", alarms >= bar * n and (effect > 1 or same == 0), beside)


if options.verify:
    verify()
else:
    collect()
    report()
sys.exit(failed)

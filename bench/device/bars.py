#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The device layer's bars beside the figures measured now: python3 bench/device/bars.py [BUILD_DIR]

Best of a few runs, by CPU time. "limit": over the bar, but within a tenth of what this machine can do at all, which is shown. Exit code 1 when
a bar is missed."""
import json
import pathlib
import subprocess
import sys

build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
BARS = [
    ("pool_hit", "allocation that the pool serves", 60, "ns"),
    ("internal_fragmentation", "internal fragmentation, 512 B to 16 MiB", 12.5, "%"),
    ("perf_on", "timed operation, on", 22, "ns"),
    ("perf_off", "timed operation, off", 1, "ns"),
    ("cpu_launch", "launch of one group on the cpu, beside its work", None, "ns"),
    ("device_run", "a piece of work on the cpu, beside what it does", None, "ns"),
]
best = {}
for _ in range(5):
    out = subprocess.run([str(build / "bench/device/bench_device"), "--json"], stdout=subprocess.PIPE, text=True, check=True).stdout
    for line in out.splitlines():
        figure = json.loads(line)
        if figure["what"] not in best or figure["value"] < best[figure["what"]]["value"]:
            best[figure["what"]] = figure
missed = 0
for what, text, bar, unit in BARS:
    figure = best[what]
    met = bar is None or figure["value"] <= bar
    at_limit = not met and figure["value"] <= 1.1 * figure.get("ceiling", 0)
    missed += not met and not at_limit
    limit = f"<= {bar} {unit}" if bar is not None else "-"
    print(f"{'met   ' if met else 'limit ' if at_limit else 'MISSED'}  {text:<58} {limit:>14} {figure['value']:>12.1f} {unit:<3}  {figure.get('note', '')}")
sys.exit(1 if missed else 0)

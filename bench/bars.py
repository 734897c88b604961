#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints every bar of the foundation beside the figure measured now, and beside a peer in the same run where one is installed.

    python3 bench/bars.py [BUILD_DIR]

Timings are medians over several rounds, peers interleaved. Exit code 1 when a bar is missed.
"""
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

build = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
scratch = tempfile.mkdtemp(prefix="assay-bars-")
rows = []


def seconds(command, **kwargs):
    begin = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=scratch, **kwargs)
    return time.perf_counter() - begin, done


def row(name, bar, figure, met, beside=""):
    rows.append(met)
    print(f"{'met   ' if met else 'MISSED'}  {name:<58} {bar:>14} {figure:>16}  {beside}", flush=True)


def trivial():
    """Three trivial benchmarks in quick form, and what the null workload reads."""
    assay = [f"{build}/bench/bench_trivial", "--quick-run", "--json", "--no-history", "--output-dir", scratch]
    google = f"{build}/bench/bench_trivial_google"
    ours, theirs, null = [], [], []
    for _ in range(7):
        took, done = seconds(assay)
        ours.append(took)
        result = json.loads(done.stdout)
        null.append(next(b for b in result["benchmarks"] if b["base_name"] == "null")["metrics"][0]["value"])
        if os.path.exists(google):
            took, _ = seconds([google, "--benchmark_repetitions=3", "--benchmark_min_time=0.03"])
            theirs.append(took)
    beside = f"Google Benchmark, same time a repetition: {statistics.median(theirs):.3f} s" if theirs else "Google Benchmark is not installed"
    row("three trivial benchmarks, quick, 3 fresh processes each", "<= 0.5 s", f"{statistics.median(ours):.3f} s", statistics.median(ours) <= 0.5, beside)
    worst = max(null, key=abs)
    row("null workload, worst of 7 runs", "0 +- 0.3 ns", f"{worst:.3f} ns", abs(worst) <= 0.3)


def commands():
    """The harness's own cost for whole commands, beside hyperfine's: the time both report for the same command."""
    if shutil.which("hyperfine") is None:
        return print("        assay time beside hyperfine: hyperfine is not installed")
    _, done = seconds([f"{build}/assay", "time", "--runs", "20", "--json", "sleep 0.05"])
    ours = json.loads(done.stdout)["benchmarks"][0]["metrics"][0]["value"] / 1e6
    export = f"{scratch}/hyperfine.json"
    seconds(["hyperfine", "-r", "20", "--export-json", export, "sleep 0.05"])
    theirs = json.load(open(export))["results"][0]["median"] * 1e3
    print(f"        assay time 'sleep 0.05': {ours:.2f} ms; hyperfine: {theirs:.2f} ms; ratio {ours / theirs:.3f}")


def quick_run():
    """make run's job: every suite in quick form, with the ceilings measured anew."""
    took, done = seconds([f"{build}/assay", "run", "--quick-run", "--output-dir", f"{scratch}/all"],
                         env={**os.environ, "ASSAY_CACHE_DIR": f"{scratch}/cache"})
    row("assay run --quick-run, all suites, ceilings measured anew", "<= 180 s", f"{took:.1f} s", took <= 180 and done.returncode in (0, 1))
    result = json.load(open(f"{scratch}/all/report.json"))
    failed = [b["name"] for b in result["benchmarks"] if b["status"] == "failed"]
    row("benchmarks that failed in that run", "0", str(len(failed)), not failed, ", ".join(failed[:4]))
    size = os.path.getsize(f"{scratch}/all/report.html")
    print(f"        its report.html: {size / 1e3:.0f} kB for {len(result['benchmarks'])} benchmarks (bar: 2 MB at 1,000, held by a test)")


try:
    trivial()
    commands()
    quick_run()
finally:
    shutil.rmtree(scratch, ignore_errors=True)
sys.exit(0 if all(rows) else 1)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Finance's bars beside the figures measured now and beside the peers, all in one run.

    python3 bench/quant/bars.py [BUILD_DIR] [--rounds N] [--cpu N] [--no-peers]

Every round runs each of our programs (BUILD/bench/quant/quant_*) and each peer that is here, in turns, pinned to one core; a row shows the medians
over the rounds. Time is CPU time, so that neighbours do not count. Peers: QuantLib (built where it is installed), NumPy and SciPy, TA-Lib and Tulip
(tools/fetch-peers.sh). Exit code 1 when a bar is missed. A bar whose figure is not there says so and is missed.
"""
import argparse
import collections
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

parser = argparse.ArgumentParser()
parser.add_argument("build", nargs="?", default="build")
parser.add_argument("--rounds", type=int, default=3)
parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None)
parser.add_argument("--no-peers", action="store_true")
options = parser.parse_args()
build = pathlib.Path(options.build).resolve()
source = pathlib.Path(__file__).resolve().parents[2]
environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "ASSAY_THREADS": "1", "ASSAY_DEVICE": "cpu"}
# {what: {peer: [figures]}}
figures = collections.defaultdict(lambda: collections.defaultdict(list))
absent = {}
missed = 0
# GFLOP/s of f32 multiply-adds on the core that bars in seconds were set on (2 vCPU with AVX-512)
BAR_CORE = 175
GREEKS = "greeks_ratio_"


def programs():
    ours = [[str(path), "--json"] for path in sorted((build / "bench/quant").glob("quant_*")) if os.access(path, os.X_OK) and path.is_file()]
    return ours, [] if options.no_peers else peers()


def is_quantlib_here():
    """Not part of the default build: its templates take long, and only this script runs it. What was carried here cannot be built."""
    if not (build / "build.ninja").exists():
        return (build / "bench/peers/peer_quantlib").exists()
    return subprocess.run(["ninja", "-C", str(build), "bench/peers/peer_quantlib"], capture_output=True, check=False).returncode == 0


def indicators():
    """The program of TA-Lib and Tulip, or why there is none."""
    if not (source / "tools/fetch-peers.sh").exists():
        carried = build / "bench/peers/peer_indicators"
        return (str(carried), "") if carried.exists() else ("", "was not carried here")
    fetched = subprocess.run([str(source / "tools/fetch-peers.sh")], capture_output=True, text=True, check=False)
    why = (fetched.stderr.strip().splitlines() or ["could not be fetched"])[-1].removeprefix("fetch-peers.sh: ")
    return (fetched.stdout.strip(), "") if fetched.returncode == 0 else ("", why)


def peers():
    found = []
    if is_quantlib_here():
        found.append([str(build / "bench/peers/peer_quantlib")])
    else:
        absent["QuantLib"] = "is not installed (libquantlib0-dev), or the build directory was configured before it was"
    # The system's Python first: that is where a distribution's NumPy is.
    for python in filter(None, ["/usr/bin/python3", shutil.which("python3")]):
        if subprocess.run([python, "-c", "import numpy"], capture_output=True, check=False).returncode == 0:
            found.append([python, str(source / "bench/peers/numpy_scipy.py")])
            break
    else:
        absent["NumPy"] = "is not installed (python3-numpy, python3-scipy)"
    program, why = indicators()
    if program:
        found.append([program])
    else:
        absent["TA-Lib"] = absent["Tulip"] = why
    return found


def pin():
    if options.cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {options.cpu})


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=pin, timeout=600, check=False)
    if done.returncode != 0:
        print(f"        {command[0]} ended with {done.returncode}: {done.stderr.strip()[-300:]}", flush=True)
    for line in done.stdout.splitlines():
        entry = json.loads(line)
        if "absent" in entry:
            absent[entry["what"]] = entry["absent"]
        else:
            figures[entry["what"]][entry["peer"]].append(entry)


def median(what, peer="assay"):
    """None where nobody measured it."""
    entries = figures[what][peer] if what in figures and peer in figures[what] else []
    return statistics.median(entry["value"] for entry in entries) if entries else None


def is_rate(what):
    unit = next(entry["unit"] for entries in figures[what].values() for entry in entries)
    return unit.endswith("/s")


def text(value, unit):
    if unit == "ratio":
        return f"{value:.2f}x"
    for size, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if unit.endswith("/s") and not unit.startswith("G") and value >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def beside(what):
    """Peers with their ratio, ceiling and note, of the last round."""
    parts, ours = [], median(what)
    for peer, entries in figures[what].items():
        if peer != "assay" and entries:
            theirs = median(what, peer)
            ratio = f" ({(ours / theirs if is_rate(what) else theirs / ours):.3g}x)" if ours else ""
            parts.append(f"{peer} {entries[-1]['version']} {text(theirs, entries[-1]['unit'])}{ratio}")
    last = figures[what]["assay"][-1] if figures[what]["assay"] else {}
    ceilings = [entry["ceiling"] for entry in figures[what]["assay"] if "ceiling" in entry]
    if ceilings:
        ceiling = statistics.median(ceilings)
        parts.append(f"{100 * (ours / ceiling if is_rate(what) else ceiling / ours):.0f} % of {text(ceiling, last['unit'])}")
    if "note" in last:
        parts.append(last["note"])
    return "; ".join(parts)


def row(name, bar, figure, met, more=""):
    global missed
    missed += not met
    print(f"{'met   ' if met else 'MISSED'}  {name:<58} {bar:>14} {figure:>16}  {more}", flush=True)


def in_proportion(what, bar):
    """How near the figure is to a bar of arithmetic, given this core's multiply-adds: bars in seconds hold for the core they were set on."""
    here, ours = median("fma_f32"), median(what)
    if here is None or ours is None:
        return ""
    scaled = bar * here / BAR_CORE if is_rate(what) else bar * BAR_CORE / here
    return f"{100 * (ours / scaled if is_rate(what) else scaled / ours):.0f} % of the bar in proportion to this core's FMA rate"


def limit(what, name, bar, unit, arithmetic=False):
    """An absolute bar: at least for rates, at most for the rest."""
    ours = median(what)
    if ours is None:
        return row(name, f"{'>=' if unit.endswith('/s') else '<='} {text(bar, unit)}", "not measured", False, "; ".join(filter(None, [absent.get(what, ""), beside(what) if what in figures else ""])))
    return row(name, f"{'>=' if is_rate(what) else '<='} {text(bar, unit)}", text(ours, unit), ours >= bar if is_rate(what) else ours <= bar,
               "; ".join(filter(None, [beside(what), in_proportion(what, bar) if arithmetic else ""])))


def times(what, name, peer, bar):
    """At least `bar` times as fast as the peer. Peers are optional: without one there is no bar."""
    ours, theirs = median(what), median(what, peer)
    if theirs is None:
        return print(f"        {name}, beside {peer}: {absent.get(peer, 'not measured')}{'' if ours is None else '; ' + beside(what)}", flush=True)
    if ours is None:
        return row(f"{name}, times {peer}", f">= {bar:g}x", "not measured", False, absent.get(what, ""))
    ratio = ours / theirs if is_rate(what) else theirs / ours
    unit = figures[what]["assay"][0]["unit"]
    return row(f"{name}, times {peer}", f">= {bar:g}x", f"{ratio:.3g}x", ratio >= bar, f"{text(ours, unit)}; {beside(what)}")


def same_price(what, name, peer):
    """Within three standard errors of the difference. Trees of the same steps: QuantLib's probabilities come from the drift of the logarithm, ours from
    that of the price, which differ in the order of a step."""
    entries = [figures[what][who][-1] for who in ("assay", peer) if what in figures and figures[what][who]]
    if len(entries) < 2 or not all("price" in entry for entry in entries):
        return
    ours, theirs = (entry["price"] for entry in entries)
    error = sum(entry.get("standard_error", 0) ** 2 for entry in entries) ** 0.5
    allowed = 3 * error if error > 0 else 1e-5 * theirs
    row(f"{name}, price beside {peer}'s", f"+- {allowed:.2g}", f"{ours - theirs:+.2g}", abs(ours - theirs) <= allowed, f"{ours:.8g} and {theirs:.8g}")


def better_of(what, name, *names):
    known = [median(what, peer) for peer in names if median(what, peer) is not None]
    ours = median(what)
    if not known:
        return print(f"        {name}, beside {' and '.join(names)}: {absent.get(names[0], 'not measured')}", flush=True)
    best = min(known)
    return row(name, f"<= {best:.3g} ns/price", "not measured" if ours is None else f"{ours:.3g} ns/price", ours is not None and ours <= best, beside(what))


def table():
    limit("european_mc_f32", "European Monte Carlo, f32", 1e9, "paths/s", True)
    times("european_mc_f64", "European Monte Carlo, f64", "QuantLib", 100)
    times("european_mc_f64", "European Monte Carlo, f64", "NumPy", 6)
    times("asian_252_f64", "252-step Asian, f64", "QuantLib", 85)
    times("asian_252_f64", "252-step Asian, f64", "NumPy", 4)
    for bits in ("f32", "f64"):
        gain = median(f"sobol_gain_{bits}")
        row(f"252-step Asian, {bits}, Sobol points to the same error", ">= 30x", "not measured" if gain is None else f"{gain:.0f}x", gain is not None and gain >= 30,
            f"{text(median(f'asian_252_sobol_{bits}'), 'paths/s')}; {beside(f'asian_252_sobol_{bits}')}" if gain is not None else "")
    limit("european_mc_greeks_ratio", "five Greeks beside the price", 1.5, "ratio")
    for what in sorted(what for what in figures if what.startswith(GREEKS)):
        payoff, model, bits = what.removeprefix(GREEKS).rsplit("_", 2)
        limit(what, f"five Greeks beside the price, {payoff.replace('_', ' ')} {model} {bits}", 1.5, "ratio")
    limit("closed_form_greeks", "closed form and five Greeks", 10, "ns/option", True)
    limit("implied_volatility", "implied volatility", 20, "ns/option", True)
    times("lsm_50x100k", "LSM, 50 steps, 100k paths", "QuantLib", 50)
    times("crr_1000", "CRR, 1000 steps", "QuantLib", 15)
    for what, name in (("european_mc_f64", "European Monte Carlo, f64"), ("asian_252_f64", "252-step Asian, f64"), ("lsm_50x100k", "LSM"), ("crr_1000", "CRR")):
        same_price(what, name, "QuantLib")
    for name, bar in (("rsi", 0.75), ("macd", 1.0), ("bollinger", 1.0)):
        limit(f"batch_{name}", f"batch {name}, 1000 x 10,000 f64", bar, "ns/price", True)
    for name in ("rsi", "macd", "bollinger"):
        better_of(f"series_{name}", f"one series of 1M, {name}", "TA-Lib", "Tulip")
    limit("correlation_500x2520", "correlation, 500 x 2520", 8, "ms", True)
    limit("var_es_1m", "VaR and ES of 1M scenarios", 1.5, "ms")
    limit("long_only_500", "long-only optimum of 500 assets", 30, "ms")
    for what in ("sgemm_2048", "dgemm_2048"):
        ratio = median(f"{what}_of_best")
        row(f"{what[:5]} 2048, of the best library's speed", ">= 0.95x", "not measured" if ratio is None else f"{ratio:.2f}x", ratio is not None and ratio >= 0.95,
            beside(what) if what in figures else "")


def the_rest(shown):
    for what in sorted(set(figures) - shown):
        if figures[what]["assay"]:
            print(f"        {what}: {text(median(what), figures[what]['assay'][0]['unit'])}  {beside(what)}")


ours, others = programs()
for number in range(options.rounds):
    for command in ours + others:
        run(command)
core = median("fma_f32") if "fma_f32" in figures else None
print(f"Finance: medians of {options.rounds} rounds, CPU time on core {options.cpu}, load {os.getloadavg()[0]:.1f}", flush=True)
if core is not None:
    print(f"        this core: {core:.0f} GFLOP/s of f32 multiply-adds; the one that bars in seconds were set on: {BAR_CORE}", flush=True)
table()
the_rest({"sobol_gain_f32", "sobol_gain_f64", "asian_252_sobol_f32", "asian_252_sobol_f64", "european_mc_f32", "european_mc_f64", "asian_252_f64", "european_mc_greeks_ratio", "closed_form_greeks", "implied_volatility", "lsm_50x100k",
          "crr_1000", "correlation_500x2520", "var_es_1m", "long_only_500", "sgemm_2048", "dgemm_2048", "sgemm_2048_of_best", "dgemm_2048_of_best"}
         | {f"{kind}_{name}" for kind in ("batch", "series") for name in ("rsi", "macd", "bollinger")}
         | {what for what in figures if what.startswith(GREEKS)})
sys.exit(1 if missed else 0)

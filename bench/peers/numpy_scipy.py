#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""NumPy's and SciPy's side of the comparison (bench/README.md): the fastest way that their users would find. One thread.

    numpy_scipy.py [WHAT]...        only these figures; all without

Debian's OpenBLAS takes recent processors for old ones, so its core type is set before it is loaded, as Assay does for itself. What the environment says
of it does not count: somebody's core type for another machine would make the comparison a lie.
"""
import json
import math
import os
import sys
import time


def core_type():
    try:
        flags = open("/proc/cpuinfo", encoding="utf-8").read()
    except OSError:
        return None
    words = set(flags.split())
    if {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"} <= words:
        return "SKYLAKEX"
    return "HASWELL" if {"avx2", "fma"} <= words else None


for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ.pop("OPENBLAS_CORETYPE", None)
if core_type() is not None:
    os.environ["OPENBLAS_CORETYPE"] = core_type()

try:
    import numpy as np
except ImportError:
    sys.exit("numpy_scipy.py: there is no NumPy for this Python")
try:
    import scipy
    from scipy import optimize, special
except ImportError:
    scipy = None

SPOT, STRIKE, RATE, VOLATILITY = 100.0, 110.0, 0.05, 0.2
wanted = sys.argv[1:]


def best_s(rounds, work):
    """CPU time of the best round: neighbours do not count. The first is a warm-up."""
    work()
    times = []
    for _ in range(rounds):
        begin = time.thread_time()
        work()
        times.append(time.thread_time() - begin)
    return min(times)


def figure(what, value, unit, peer="NumPy", **more):
    version = (scipy if peer == "SciPy" else np).__version__
    print(json.dumps({"peer": peer, "version": version, "what": what, "value": value, "unit": unit, **more}), flush=True)


def european(what, dtype):
    paths, years = 1_000_000, 0.25
    rng = np.random.default_rng(42)
    drift, width = dtype((RATE - VOLATILITY**2 / 2) * years), dtype(VOLATILITY * math.sqrt(years))
    result = []

    def work():
        terminal = rng.standard_normal(paths, dtype=dtype)
        terminal *= width
        terminal += drift
        np.exp(terminal, out=terminal)
        terminal *= dtype(SPOT)
        terminal -= dtype(STRIKE)
        np.maximum(terminal, dtype(0), out=terminal)
        discount = math.exp(-RATE * years)
        result[:] = [float(terminal.mean()) * discount, float(terminal.std()) * discount / math.sqrt(paths)]

    seconds = best_s(3, work)
    figure(what, paths / seconds, "paths/s", price=result[0], standard_error=result[1])


def asian(what):
    """Blocks of paths that stay in the cache, one step at a time."""
    paths, steps, block = 16_384, 252, 4096
    rng = np.random.default_rng(42)
    drift, width = (RATE - VOLATILITY**2 / 2) / steps, VOLATILITY / math.sqrt(steps)
    result = []

    def work():
        total = squares = 0.0
        for _ in range(paths // block):
            log, average = np.full(block, math.log(SPOT)), np.zeros(block)
            for _ in range(steps):
                move = rng.standard_normal(block)
                move *= width
                move += drift
                log += move
                average += np.exp(log, out=move)
            payoff = np.maximum(average / steps - STRIKE, 0)
            total += payoff.sum()
            squares += (payoff * payoff).sum()
        mean = total / paths
        discount = math.exp(-RATE)
        result[:] = [mean * discount, discount * math.sqrt((squares / paths - mean * mean) / paths)]

    seconds = best_s(2, work)
    figure(what, paths / seconds, "paths/s", price=result[0], standard_error=result[1])


def closed_form(what):
    count = 4096
    i = np.arange(count)
    strike, years, rate, sigma = 80.0 + i % 41, 0.1 + i % 23 * 0.1, 0.01 * (i % 6), 0.1 + 0.02 * (i % 17)
    sign = np.where(i % 2 == 0, 1.0, -1.0)

    def work():
        root = np.sqrt(years)
        width = sigma * root
        d1 = (np.log(SPOT / strike) + (rate + sigma * sigma / 2) * years) / width
        d2 = d1 - width
        discount = strike * np.exp(-rate * years)
        n1, n2, density = special.ndtr(sign * d1), special.ndtr(sign * d2), np.exp(-d1 * d1 / 2) * 0.3989422804014327
        return (sign * (SPOT * n1 - discount * n2), sign * n1, density / (SPOT * width), SPOT * density * root,
                -SPOT * density * sigma / (2 * root) - sign * rate * discount * n2, sign * years * discount * n2)

    figure(what, best_s(30, work) / count * 1e9, "ns/option", "SciPy")


def returns(assets, days):
    rng = np.random.default_rng(7)
    return rng.standard_normal((assets, days)) * 0.01 + rng.standard_normal(days) * 0.008 + rng.uniform(0, 0.001, (assets, 1))


def correlation(what):
    data = returns(500, 2520)
    figure(what, best_s(5, lambda: np.corrcoef(data)) * 1e3, "ms", note=os.environ.get("OPENBLAS_CORETYPE", "core type as OpenBLAS finds it"))


def var_es(what):
    scenarios = np.random.default_rng(9).standard_normal(1_000_000) * 0.02

    def work():
        at = [int(len(scenarios) * 0.01), int(len(scenarios) * 0.05)]
        parts = np.partition(scenarios, at)
        return [(-parts[k], -parts[:k].mean()) for k in at]

    figure(what, best_s(5, work) * 1e3, "ms")


def long_only(what):
    """Minimum variance, weights >= 0 that sum to 1, with the gradient given."""
    covariance = np.cov(returns(500, 2520)) * 1e4
    count = len(covariance)

    def work():
        return optimize.minimize(lambda w: w @ covariance @ w, np.full(count, 1 / count), jac=lambda w: 2 * covariance @ w, method="SLSQP",
                                 bounds=[(0, 1)] * count, constraints={"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(count)},
                                 options={"maxiter": 200, "ftol": 1e-10})

    begin = time.thread_time()
    found = work()
    figure(what, (time.thread_time() - begin) * 1e3, "ms", "SciPy", note=f"SLSQP, {found.nit} iterations, {'converged' if found.success else found.message}")


def product(what, dtype):
    n = 2048
    rng = np.random.default_rng(1)
    a, b = rng.random((n, n), dtype=dtype), rng.random((n, n), dtype=dtype)
    figure(what, 2.0 * n**3 / best_s(1, lambda: a @ b) / 1e9, "GFLOP/s", note=os.environ.get("OPENBLAS_CORETYPE", "core type as OpenBLAS finds it"))


work = [
    ("european_mc_f32", lambda what: european(what, np.float32)),
    ("european_mc_f64", lambda what: european(what, np.float64)),
    ("asian_252_f64", asian),
    ("correlation_500x2520", correlation),
    ("var_es_1m", var_es),
    ("sgemm_2048", lambda what: product(what, np.float32)),
    ("dgemm_2048", lambda what: product(what, np.float64)),
]
if scipy is not None:
    work += [("closed_form_greeks", closed_form), ("long_only_500", long_only)]
for name, run in work:
    if not wanted or name in wanted:
        run(name)

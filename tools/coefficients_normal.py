#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Coefficients of src/kernels/normal.h, with the logarithm to base 2 of each error bound; needs mpmath.

Rational functions by weighted least squares at Chebyshev points in 60 digits, the weights made anew a few times from the denominator found
(Sanathanan and Koerner 1963), which ends within a factor of two of the minimax error. Lowest power first."""
import struct

import mpmath as mp

mp.mp.dps = 60


def mills(z):
    return mp.sqrt(mp.pi / 2) * mp.erfc(z / mp.sqrt(2)) * mp.exp(z * z / 2)


def quantile(p):
    return mp.sqrt(2) * mp.erfinv(2 * p - 1)


def chebyshev(low, high, count):
    return [(low + high) / 2 + (high - low) / 2 * mp.cos(mp.pi * (k + mp.mpf(1) / 2) / count) for k in range(count)]


def bent(low, high, centre, count):
    """Points on a long interval, dense at its lower end."""
    def t(z):
        return (z - centre) / (z + centre)
    return [centre * (1 + u) / (1 - u) for u in chebyshev(t(low), t(high), count)]


def value(coefficients, x):
    return mp.polyval(coefficients[::-1], x)


def solve(rows, rhs):
    """Least squares with columns of one size."""
    scale = [max(abs(row[j]) for row in rows) for j in range(len(rows[0]))]
    a = mp.matrix([[row[j] / scale[j] for j in range(len(row))] for row in rows])
    x = mp.qr_solve(a, mp.matrix(rhs))[0]
    return [x[j] / scale[j] for j in range(len(scale))]


def fit(xs, fs, weights, above, below):
    """above / below for f, its error times the weight; the constant below is 1."""
    denominator = [mp.mpf(1)] * len(xs)
    for _ in range(6):
        rows, rhs = [], []
        for x, f, w, d in zip(xs, fs, weights, denominator):
            weight = w / d
            rows.append([x**k * weight for k in range(above + 1)] + [-f * x**k * weight for k in range(1, below + 1)])
            rhs.append(f * weight)
        found = solve(rows, rhs)
        p, q = found[:above + 1], [mp.mpf(1)] + found[above + 1:]
        denominator = [abs(value(q, x)) for x in xs]
    return p, q, max(abs(value(p, x) / value(q, x) - f) * w for x, f, w in zip(xs, fs, weights))


def fit_mills(degree, longest):
    """Mills' ratio M = P / Q and its slope -M' = 1 - z M = N / Q, both relative: Q of `degree`, N two less, N(0) = Q(0) = 1, and so
    P = (Q - N) / z."""
    zs = bent(mp.mpf(0), mp.mpf(longest), mp.mpf(2), 4 * degree + 10)
    ms = [mills(z) for z in zs]
    slopes = [1 - z * m for z, m in zip(zs, ms)]
    denominator = [(1 + z)**degree for z in zs]
    for _ in range(6):
        rows, rhs = [], []
        for z, m, slope, d in zip(zs, ms, slopes, denominator):
            weight = 1 / (min(slope, z * m) * d)
            rows.append([-slope * z**k * weight for k in range(1, degree + 1)] + [z**k * weight for k in range(1, degree - 1)])
            rhs.append(-(1 - slope) * weight)
        found = solve(rows, rhs)
        q, n = [mp.mpf(1)] + found[:degree], [mp.mpf(1)] + found[degree:]
        denominator = [value(q, z) for z in zs]
    p = [q[k + 1] - (n[k + 1] if k + 1 < len(n) else 0) for k in range(degree)]
    errors = [max(abs(value(p, z) / value(q, z) / m - 1) for z, m in zip(zs, ms)),
              max(abs(value(n, z) / value(q, z) / s - 1) for z, s in zip(zs, slopes))]
    return q, n, p, errors


def show(name, coefficients, bits):
    print(" ", name, [(float(c) if bits == 64 else struct.unpack("f", struct.pack("f", float(c)))[0]).hex() for c in coefficients])


def title(name, bits, errors):
    print(f"f{bits} {name}, error", [f"2^{mp.nstr(mp.log(e, 2), 4)}" for e in errors])


# The last is the rough one of implied volatilities.
for bits, degree, longest in ((64, 11, 40), (32, 6, 15), (64, 5, 40)):
    q, n, p, errors = fit_mills(degree, longest)
    title("Mills' ratio P / Q, slope N / Q", bits, errors)
    show("P", p, bits), show("Q", q, bits), show("N", n, bits)
half, slope = mp.mpf("0.425"), mp.sqrt(2 * mp.pi)
for bits, above, below in ((64, 7, 7), (32, 3, 3)):
    rs = [r for r in chebyshev(mp.mpf(0), half**2, 4 * (above + below) + 8) if r < half**2 - mp.mpf("1e-9")]
    us = [mp.sqrt(half**2 - r) for r in rs]
    xs = [quantile(mp.mpf("0.5") + u) for u in us]
    p, q, error = fit(rs, [(x / u - slope) / u**2 for x, u in zip(xs, us)], [u**3 / x for x, u in zip(xs, us)], above, below)
    title("(quantile of 1/2 + u over u - sqrt(2 pi)) over u^2, in 0.425^2 - u^2; of the quantile", bits, [error])
    show("P", p, bits), show("Q", q, bits)
for bits, above, below, longest in ((64, 10, 10, 38.6), (32, 3, 4, 14.2)):
    zs = bent(quantile(mp.mpf("0.925")) * mp.mpf("0.998"), mp.mpf(longest), mp.mpf(4), 4 * (above + below) + 8)
    ts = [mp.sqrt(-2 * mp.log(mp.erfc(z / mp.sqrt(2)) / 2)) for z in zs]
    p, q, error = fit(ts, [t - z for t, z in zip(ts, zs)], [1 / z for z in zs], above, below)
    title("minus the quantile of q is less than sqrt(-2 ln q) by; of the quantile", bits, [error])
    show("P", p, bits), show("Q", q, bits)

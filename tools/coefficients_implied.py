#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fraction that mends the first guess of an implied volatility (src/kernels/options/implied.c); needs NumPy and SciPy.

Below the inflection, with a = -u, the guess is too great by a factor that rises from 1 to at most 3 and falls to 1 again. It is fitted by
1 + a (c0 + c1 a + c2 a^2) / (1 + d0 a + ... + d3 a^4), each coefficient linear in 1 / (1 + 2 sqrt(y)), so that the greatest error of s on a
grid of both becomes least (least squares of its first, third and sixth power, each from the last one's result, from a few starts)."""
import numpy as np
from scipy.optimize import least_squares
from scipy.special import erfcx


def mills(z):
    return np.sqrt(np.pi / 2) * erfcx(z / np.sqrt(2))


def slope(z):
    """-M'(z) = 1 - z M(z), by its asymptotic series where that cancels."""
    far = np.maximum(z, 6.0)**-2
    series = far * (1 + far * (-3 + far * (15 + far * (-105 + far * (945 - far * 10395)))))
    return np.where(z > 12, series, 1 - z * mills(z))


def s_of(a, y):
    return y * y / (np.sqrt(a * a + y * y) + a)


def guess(a, y):
    """What the kernel guesses for the w that belongs to a, and that w."""
    s = s_of(a, y)
    w = np.exp(-a * a / 2) / np.sqrt(2 * np.pi) * np.where(s < 0.02, s * slope(a + s / 2), mills(a) - mills(a + s))
    near_zero = y / np.sqrt(2 * np.pi) * (1 - y * np.sqrt(np.pi / 8) + y * y / 3)
    w_y = np.where(y < 1e-2, near_zero, 0.5 - mills(y) / np.sqrt(2 * np.pi))
    t = np.sqrt(-2 * np.log(w / (2 * w_y)))
    first = t - (2.515517 + 0.802853 * t + 0.010328 * t**2) / (1 + 1.432788 * t + 0.189269 * t**2 + 0.001308 * t**3)
    first = np.maximum(first, 1e-20)
    second = y * 0.5 * (w_y / w - w / w_y)
    return first * second / (first + second), w


def main():
    a_grid = np.concatenate([np.geomspace(1e-4, 1, 60), np.linspace(1.05, 37, 160)])
    y_grid = np.concatenate([np.geomspace(2e-8, 0.1, 50), np.geomspace(0.11, 51, 40)])
    a, y = [grid.ravel() for grid in np.meshgrid(a_grid, y_grid)]
    x, w = guess(a, y)
    keep = w > 1e-299
    a, y, x = a[keep], y[keep], x[keep]
    h, s = 1 / (1 + 2 * np.sqrt(y)), s_of(a, y)

    def error(parameters):
        c, d = (part.reshape(-1, 2) @ np.stack([np.ones_like(h), h]) for part in (parameters[:6], parameters[6:]))
        factor = 1 + x * (c[0] + x * (c[1] + x * c[2])) / (1 + x * (d[0] + x * (d[1] + x * (d[2] + x * d[3]))))
        return np.log(s_of(x / np.maximum(factor, 0.05), y) / s)

    best = None
    for seed in range(3):
        found = np.zeros(14)
        found[1], found[12] = 0.3, 0.05
        found += 0.02 * np.random.default_rng(seed).normal(size=found.size)
        for power in (1, 3, 6):
            found = least_squares(lambda q, n=power: np.sign(error(q)) * np.abs(8 * error(q))**n, found, method="lm" if power == 1 else "trf",
                                  max_nfev=400).x
        worst = np.abs(error(found)).max()
        if best is None or worst < best[0]:
            best = worst, found
    print("greatest error of ln s", best[0])
    for k, (constant, linear) in enumerate(best[1].reshape(-1, 2)):
        print(f"{'cccdddd'[k]}{k if k < 3 else k - 3}: {constant:.9g} + {linear:.9g} h")


main()

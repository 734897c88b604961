# SPDX-License-Identifier: MIT
"""What the stories about backtests share."""
import json
import math
import random

import story


def walk(seed, bars):
    """Rows of date, open, high, low, close, volume."""
    rng, price, out = random.Random(seed), 100.0, []
    for i in range(bars):
        points = [price := price * math.exp(rng.gauss(0, 0.01)) for _ in range(4)]
        points = [float(f"{p:.4f}") for p in points]
        out.append((f"{2000 + i // 336}-{i // 28 % 12 + 1:02}-{i % 28 + 1:02}", points[0], max(points), min(points), points[3], rng.randrange(1000, 9000)))
    return out


class Backtest(story.Story):
    def table(self, name="walk.csv", seed=1, bars=600):
        rows = walk(seed, bars)
        return rows, self.write(name, "date,open,high,low,close,volume\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))

    def answer(self, *words, **more):
        return json.loads(self.check("backtest", *words, "--json", **more).stdout)

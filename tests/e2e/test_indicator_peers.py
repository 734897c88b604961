# SPDX-License-Identifier: MIT
"""`assay indicator` beside TA-Lib and Tulip, row by row, to 1e-9: optional, where their sources have been fetched (tools/fetch-peers.sh).

Nothing is fetched here. The sources are looked for where that script leaves them, or in the folder that ASSAY_PEERS names.
"""
import csv
import ctypes
import io
import math
import os
import pathlib
import random
import shutil
import subprocess
import sys
import unittest

from story import Story

ROWS = 1500
home = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "assay/peers"
peers = pathlib.Path(os.environ.get("ASSAY_PEERS") or home)
talib = peers / "node_modules/talib/src/lib"
tulip = peers / "node_modules/tulind/external"

# Ours and its arguments; outputs in the order of theirs; their function, inputs and options.
TALIB = [
    ("sma", {"period": 20}, ["sma"], "SMA", "c", [20]),
    ("ema", {"period": 20}, ["ema"], "EMA", "c", [20]),
    ("wma", {"period": 20}, ["wma"], "WMA", "c", [20]),
    ("dema", {"period": 20}, ["dema"], "DEMA", "c", [20]),
    ("tema", {"period": 20}, ["tema"], "TEMA", "c", [20]),
    ("kama", {"period": 10}, ["kama"], "KAMA", "c", [10]),
    ("trix", {"period": 15}, ["trix"], "TRIX", "c", [15]),
    ("macd", {}, ["macd", "signal", "histogram"], "MACD", "c", [12, 26, 9]),
    ("bollinger", {"period": 20}, ["upper", "middle", "lower"], "BBANDS", "c", [20, 2.0, 2.0, 0]),
    ("stddev", {"period": 20}, ["stddev"], "STDDEV", "c", [20, 1.0]),
    ("linreg", {"period": 14}, ["value"], "LINEARREG", "c", [14]),
    ("linreg", {"period": 14}, ["slope"], "LINEARREG_SLOPE", "c", [14]),
    ("linreg", {"period": 14}, ["intercept"], "LINEARREG_INTERCEPT", "c", [14]),
    ("rsi", {"period": 14}, ["rsi"], "RSI", "c", [14]),
    ("stochrsi", {"period": 14}, ["k", "d"], "STOCHRSI", "c", [14, 14, 3, 0]),
    ("stochf", {"period": 14}, ["k", "d"], "STOCHF", "hlc", [14, 3, 0]),
    ("stoch", {"period": 14}, ["k", "d"], "STOCH", "hlc", [14, 3, 0, 3, 0]),
    ("williams", {"period": 14}, ["williams"], "WILLR", "hlc", [14]),
    ("cci", {"period": 20}, ["cci"], "CCI", "hlc", [20]),
    ("mfi", {"period": 14}, ["mfi"], "MFI", "hlcv", [14]),
    ("roc", {"period": 10}, ["roc"], "ROC", "c", [10]),
    ("momentum", {"period": 10}, ["momentum"], "MOM", "c", [10]),
    ("aroon", {"period": 14}, ["down", "up"], "AROON", "hl", [14]),
    ("atr", {"period": 14}, ["atr"], "ATR", "hlc", [14]),
    ("adx", {"period": 14}, ["adx"], "ADX", "hlc", [14]),
    ("adx", {"period": 14}, ["plus_di"], "PLUS_DI", "hlc", [14]),
    ("adx", {"period": 14}, ["minus_di"], "MINUS_DI", "hlc", [14]),
    ("psar", {}, ["psar"], "SAR", "hl", [0.02, 0.2]),
    ("obv", {}, ["obv"], "OBV", "cv", []),
]
# Tulip begins exponential averages with the first price, so these are compared once that has faded: rows to leave out. Its MACD of 12 and 26 has
# rounded factors of its own (0.15, 0.075).
TULIP = [
    ("sma", {"period": 20}, ["sma"], "sma", "c", [20], 0),
    ("wma", {"period": 20}, ["wma"], "wma", "c", [20], 0),
    ("linreg", {"period": 14}, ["value"], "linreg", "c", [14], 0),
    ("williams", {"period": 14}, ["williams"], "willr", "hlc", [14], 0),
    ("mfi", {"period": 14}, ["mfi"], "mfi", "hlcv", [14], 0),
    ("aroon", {"period": 14}, ["down", "up"], "aroon", "hl", [14], 0),
    ("momentum", {"period": 10}, ["momentum"], "mom", "c", [10], 0),
    ("ema", {"period": 20}, ["ema"], "ema", "c", [20], 500),
    ("rsi", {"period": 14}, ["rsi"], "rsi", "c", [14], 700),
]


def build(sources, includes, name):
    """A library of theirs, kept beside their sources for the next time."""
    library = peers / f"lib{name}_for_tests.so"
    if not library.exists():
        made = subprocess.run([os.environ.get("CC", "cc").split()[-1], "-O1", "-w", "-shared", "-fPIC", *[f"-I{path}" for path in includes], *map(str, sources), "-lm", "-o",
                               str(library)], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise unittest.SkipTest(f"{name}'s sources do not build here: {made.stderr.strip()[-200:]}")
    return ctypes.CDLL(str(library))


class Peers(Story):
    def setUp(self):
        super().setUp()
        dice, price, lines = random.Random(5), 100.0, ["high,low,close,volume"]
        columns = {letter: [] for letter in "hlcv"}
        for _ in range(ROWS):
            before, price = price, price * (1 + dice.uniform(-0.02, 0.02))
            row = {"h": max(before, price) * (1 + dice.random() * 0.01), "l": min(before, price) * (1 - dice.random() * 0.01), "c": price, "v": float(dice.randrange(100, 10000))}
            for letter, value in row.items():
                columns[letter].append(value)
            lines.append(",".join(repr(row[letter]) for letter in "hlcv"))
        self.columns = {letter: (ctypes.c_double * ROWS)(*values) for letter, values in columns.items()}
        self.file = self.path("prices.csv")
        with open(self.file, "w", encoding="ascii") as out:
            out.write("\n".join(lines) + "\n")

    def ours(self, name, parameters, outputs):
        words = [word for key, value in parameters.items() for word in ("--set", f"{key}={value}")]
        rows = list(csv.DictReader(io.StringIO(self.check("indicator", name, *words, self.file).stdout)))
        self.assertEqual(len(rows), ROWS)
        return [[float(row[output]) if row[output] not in ("", "nan") else math.nan for row in rows] for output in outputs]

    def compare(self, who, case, begin, theirs, leave_out=0):
        """Their values from row `begin` on; before, ours has none either (but where TA-Lib starts later than it could)."""
        name, parameters, outputs = case[:3]
        for output, mine, yours in zip(outputs, self.ours(name, parameters, outputs), theirs):
            self.assertGreater(len(yours), ROWS - 100)
            for row in range(max(begin, leave_out), ROWS):
                self.assertLessEqual(abs(mine[row] - yours[row - begin]), 1e-9 * max(1, abs(yours[row - begin])), f"{name} {output}, row {row}, beside {who}: {mine[row]} and {yours[row - begin]}")

    def test_talib(self):
        functions = talib / "src/ta_func"
        wanted = {case[3] for case in TALIB} | {"MA", "TRIMA", "MAMA", "T3", "VAR", "DX", "ROCR", "CMO", "MINUS_DM", "PLUS_DM", "TRANGE", "utility"}
        sources = [functions / f"ta_{name}.c" for name in sorted(wanted)] + [talib / "src/ta_common/ta_global.c", talib / "src/ta_common/ta_version.c"]
        library = build(sources, [talib / "include", talib / "src/ta_common", functions], "talib")
        library.TA_Initialize()
        for case in TALIB:
            with self.subTest(case[0], function=case[3]):
                outs = [(ctypes.c_double * ROWS)() for _ in case[2]]
                begin, count = ctypes.c_int(), ctypes.c_int()
                options = [ctypes.c_double(value) if isinstance(value, float) else ctypes.c_int(value) for value in case[5]]
                status = getattr(library, f"TA_{case[3]}")(0, ROWS - 1, *[self.columns[letter] for letter in case[4]], *options, ctypes.byref(begin), ctypes.byref(count), *outs)
                self.assertEqual(status, 0)
                self.compare("TA-Lib", case, begin.value, [list(out[:count.value]) for out in outs])

    def test_tulip(self):
        library = build([tulip / "tiamalgamation.c"], [tulip], "tulip")
        for case in TULIP:
            with self.subTest(case[0], function=case[3]):
                options = (ctypes.c_double * max(1, len(case[5])))(*case[5])
                start = getattr(library, f"ti_{case[3]}_start")(options)
                outs = [(ctypes.c_double * ROWS)() for _ in case[2]]
                pointers = [ctypes.POINTER(ctypes.c_double) * len(array) for array in (case[4], outs)]
                inputs = pointers[0](*[ctypes.cast(self.columns[letter], ctypes.POINTER(ctypes.c_double)) for letter in case[4]])
                places = pointers[1](*[ctypes.cast(out, ctypes.POINTER(ctypes.c_double)) for out in outs])
                self.assertEqual(getattr(library, f"ti_{case[3]}")(ROWS, inputs, options, places), 0)
                self.compare("Tulip", case, start, [list(out[:ROWS - start]) for out in outs], case[6])


def absent():
    if not talib.is_dir() or not tulip.is_dir():
        return f"there are no sources of TA-Lib and Tulip in {peers} (tools/fetch-peers.sh gets them)"
    return "there is no C compiler to build TA-Lib and Tulip with" if shutil.which("cc") is None else None


if __name__ == "__main__":
    if absent():
        print("skipped:", absent())
        sys.exit(77)
    unittest.main()

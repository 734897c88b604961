#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares Assay's TOML reader with Python's over generated documents, valid ones and broken ones. Usage: toml_compare.py PATH/TO/toml_dump"""
import datetime
import json
import math
import random
import subprocess
import sys

try:
    import tomllib
except ImportError:
    try:
        import tomli as tomllib
    except ImportError:
        print("skipped: this Python has neither tomllib nor tomli")
        sys.exit(77)

DOCUMENTS = 4000
rng = random.Random(20260101)


def key():
    kind = rng.random()
    if kind < 0.7:
        return "".join(rng.choice("abxyz_-019") for _ in range(rng.randint(1, 3)))
    if kind < 0.85:
        return json.dumps(rng.choice(["a", "a.b", "", "é", "x y", "#", "\t"]), ensure_ascii=rng.random() < 0.5)
    return "'" + rng.choice(["a", "", "b.c", "\\", "ü"]) + "'"


def dotted():
    return rng.choice([".", " . ", "."]).join(key() for _ in range(rng.choice([1, 1, 1, 2, 3])))


def integer():
    return rng.choice([
        str(rng.randint(-(2**63), 2**63 - 1)), str(rng.randint(-99, 99)), "+7", "-0", "1_000", hex(rng.randint(0, 2**63 - 1)),
        oct(rng.randint(0, 2**40)), bin(rng.randint(0, 255)), "0xDE_ad", "0b1_0"])


def real():
    return rng.choice([repr(rng.uniform(-1e9, 1e9)), "%.*e" % (rng.randint(1, 18), rng.lognormvariate(0, 90)), "1e5", "-0.0", "6.02E+23",
                       "inf", "-inf", "nan", "+nan", "1_0.0_1", "5e-324", "1.7976931348623157e308"])


def moment():
    day = "%04d-%02d-%02d" % (rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 28))
    time = "%02d:%02d:%02d" % (rng.randint(0, 23), rng.randint(0, 59), rng.randint(0, 59))
    time += rng.choice(["", "", ".5", ".123456", ".1234567891"])
    zone = rng.choice(["", "Z", "z", "+00:00", "-07:30", "+23:59"])
    return rng.choice([day, time, day + rng.choice("Tt ") + time + zone])


def string():
    text = "".join(rng.choice(["a", "é", "\U0001F600", " ", "\\\\", "\\n", "\\t", "\\u00E9", "\\U0001F600", "\\\"", "'", "#", "=", "\t"])
                   for _ in range(rng.randint(0, 6)))
    raw = "".join(rng.choice(["a", "é", "\\", "\"", "#", "\t", " "]) for _ in range(rng.randint(0, 6)))
    return rng.choice([
        '"' + text + '"', "'" + raw + "'",
        '"""' + rng.choice(["", "\n", "\r\n"]) + text + rng.choice(["\n", "\r\n", "\\\n  \n\t", " \"\"x", ""]) + '"""',
        "'''" + rng.choice(["", "\n"]) + raw + rng.choice(["\n", "''x", ""]) + "'''"])


def value(depth=0):
    kind = rng.random()
    if depth < 4 and kind < 0.12:
        separator = rng.choice([",", ", ", ",\n", " , # c\n"])
        return "[" + separator.join(value(depth + 1) for _ in range(rng.randint(0, 4))) + rng.choice(["]", "\n]"])
    if depth < 4 and kind < 0.24:
        return "{" + ", ".join(dotted() + " = " + value(depth + 1) for _ in range(rng.randint(0, 3))) + "}"
    return rng.choice([integer, real, moment, string, lambda: rng.choice(["true", "false"])])()


def document():
    lines = []
    for _ in range(rng.randint(1, 10)):
        kind = rng.random()
        if kind < 0.6:
            lines.append(dotted() + rng.choice([" = ", "=", "\t=\t"]) + value())
        elif kind < 0.75:
            lines.append("[" + dotted() + "]")
        elif kind < 0.9:
            lines.append("[[" + dotted() + "]]")
        else:
            lines.append(rng.choice(["", "# comment é", "  "]))
    return rng.choice(["\n", "\n", "\r\n"]).join(lines) + rng.choice(["", "\n"])


def broken(text):
    """One or two characters dropped, doubled or replaced."""
    for _ in range(rng.randint(1, 2)):
        at = rng.randint(0, len(text))
        text = text[:at] + rng.choice(["", "", "=", "[", "]", "\"", "'", ".", "_", "0", "-", "\n", "{", "}", ",", "#", "e", "\\"]) + text[at + rng.randint(0, 1):]
    return text


def tree(node):
    """Python's tree in the form that toml_dump prints."""
    if isinstance(node, dict):
        return {"table": {k: tree(v) for k, v in node.items()}}
    if isinstance(node, list):
        return {"array": [tree(v) for v in node]}
    if isinstance(node, bool):
        return ["bool", "true" if node else "false"]
    if isinstance(node, int):
        return ["integer", str(node)]
    if isinstance(node, float):
        return ["float", "nan" if math.isnan(node) else node.hex()]
    if isinstance(node, str):
        return ["string", node]
    date = (node.year, node.month, node.day) if isinstance(node, datetime.date) else (0, 0, 0)
    time = (node.hour, node.minute, node.second, node.microsecond) if not type(node) is datetime.date else (0, 0, 0, 0)
    offset = 0
    kind = "local-time"
    if isinstance(node, datetime.datetime):
        kind = "local-datetime" if node.tzinfo is None else "offset-datetime"
        offset = 0 if node.tzinfo is None else int(node.utcoffset().total_seconds() // 60)
    elif isinstance(node, datetime.date):
        kind = "local-date"
    return [kind, "%d-%d-%d %d:%d:%d.%06d %d" % (*date, *time, offset)]


def canonical_reals(node):
    """C's %a and Python's hex() write the same number differently."""
    if isinstance(node, dict):
        return {k: canonical_reals(v) for k, v in node.items()}
    if isinstance(node, list):
        if len(node) == 2 and node[0] == "float" and isinstance(node[1], str) and node[1] != "nan":
            number = float.fromhex(node[1])
            return ["float", number.hex()]
        return [canonical_reals(v) for v in node]
    return node


def allowed_difference(text, error):
    """Where the two may differ: Python's integers have no end; its dates have no year 0 and no second 60."""
    if error is not None:
        return "64 bits" in error
    return "0000-" in text or ":60" in text


documents = [document() for _ in range(DOCUMENTS)]
documents += [broken(document()) for _ in range(DOCUMENTS)]
stdin = b"".join(b"%d\n%s" % (len(d.encode()), d.encode()) for d in documents)
answers = subprocess.run([sys.argv[1]], input=stdin, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
assert len(answers) == len(documents), (len(answers), len(documents))
accepted = refused = differing = 0
for text, line in zip(documents, answers):
    ours = json.loads(line)
    error = ours.get("error")
    try:
        theirs = tree(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as reason:
        theirs, why = None, str(reason)
    if error is not None and theirs is None:
        refused += 1
    elif error is None and theirs is not None and canonical_reals(ours) == theirs:
        accepted += 1
    elif not ((error is None) == (theirs is not None)) and allowed_difference(text, error):
        pass
    else:
        differing += 1
        if differing <= 5:
            print("--- document:", repr(text), "\n    assay: ", error or line, "\n    python:", why if theirs is None else json.dumps(theirs), sep="\n")
print(f"{accepted} read alike, {refused} refused by both, {differing} differ")
sys.exit(0 if differing == 0 and accepted > DOCUMENTS // 10 and refused > DOCUMENTS // 10 else 1)

# SPDX-License-Identifier: MIT
"""A strict checker of OpenMetrics 1.0 text (https://prometheus.io/docs/specs/om/open_metrics_spec/): its ABNF and the MUSTs of its prose.

read(text) gives {family: Family}; anything that is not exactly as the specification says raises Wrong with the line.
"""
import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
VALUE = rf"(?:{NUMBER}|[+-]?[iI][nN][fF](?:[iI][nN][iI][tT][yY])?|[nN][aA][nN])"
ESCAPED = r'(?:[^"\\\n]|\\["\\n])*'
DESCRIPTOR = re.compile(rf"# (TYPE|UNIT|HELP) ({NAME}) (.*)")
SAMPLE = re.compile(rf'({NAME})(\{{(?:{LABEL}="{ESCAPED}"(?:,{LABEL}="{ESCAPED}")*)?\}})? ({VALUE})(?: ({NUMBER}))?')
PAIR = re.compile(rf'({LABEL})="({ESCAPED})"')
SUFFIXES = {"counter": ("_total", "_created"), "gauge": ("",), "unknown": ("",), "info": ("_info",), "stateset": ("",),
            "summary": ("", "_count", "_sum", "_created"), "histogram": ("_bucket", "_count", "_sum", "_created"),
            "gaugehistogram": ("_bucket", "_gcount", "_gsum")}


class Wrong(Exception):
    pass


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help = name, None, None, None
        self.samples = []  # (sample name, {label: value}, float)

    def value(self, **labels):
        """The only sample with these labels."""
        found = [v for _, have, v in self.samples if all(have.get(k) == w for k, w in labels.items())]
        assert len(found) == 1, f"{self.name}{labels}: {len(found)} samples"
        return found[0]


def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text)


def describe(family, kind, rest):
    if getattr(family, kind.lower()) is not None:
        raise Wrong(f"a second {kind}")
    if family.samples:
        raise Wrong(f"{kind} after samples")
    if kind == "TYPE" and rest not in SUFFIXES:
        raise Wrong(f"no such type: {rest}")
    if kind == "UNIT" and rest and not family.name.endswith("_" + rest):
        raise Wrong(f"the unit {rest} is not the end of the name")
    if kind == "HELP" and not re.fullmatch(r'(?:[^"\\\n]|\\["\\n])*', rest):
        raise Wrong("the help is not escaped")
    setattr(family, kind.lower(), rest)


def add_sample(family, name, labels, value, seen):
    pairs = PAIR.findall(labels or "")
    names = [n for n, _ in pairs]
    if len(set(names)) != len(names):
        raise Wrong("a label twice")
    if any(n.startswith("__") for n in names):
        raise Wrong("a reserved label")
    series = (name, tuple(sorted(pairs)))
    if series in seen:
        raise Wrong("a series twice")
    seen.add(series)
    number = float(value)
    kind = family.type or "unknown"
    if kind == "info" and number != 1 or kind == "stateset" and number not in (0, 1):
        raise Wrong(f"{value} in a family of type {kind}")
    if kind == "counter" and not (number >= 0 and math.isfinite(number)):
        raise Wrong("a counter is not negative and not NaN")
    if kind == "stateset" and family.name not in names:
        raise Wrong("a state has a label of the family's name")
    family.samples.append((name, {n: unescape(v) for n, v in pairs}, number))


def belongs(family, name):
    return any(name == family.name + suffix for suffix in SUFFIXES[family.type or "unknown"])


def check_clashes(families):
    taken = {}
    for family in families.values():
        if family.type in ("info", "stateset") and family.unit:
            raise Wrong(f"{family.name}: type {family.type} has no unit")
        for suffix in SUFFIXES[family.type or "unknown"]:
            other = taken.setdefault(family.name + suffix, family.name)
            if other != family.name:
                raise Wrong(f"{family.name} and {other} clash over {family.name + suffix}")


def read(data):
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    if "\0" in text or not re.search(r"(?:^|\n)# EOF\n?\Z", text):
        raise Wrong("does not end with # EOF")
    lines = text.removesuffix("\n").split("\n")[:-1]
    families, seen, current = {}, set(), None
    for at, line in enumerate(lines, 1):
        try:
            descriptor, sample = DESCRIPTOR.fullmatch(line), SAMPLE.fullmatch(line)
            if not descriptor and not sample:
                raise Wrong("neither a descriptor nor a sample")
            name = (descriptor or sample)[2 if descriptor else 1]
            if descriptor and (current is None or current.name != name) or sample and (current is None or not belongs(current, name)):
                if name in families:
                    raise Wrong("the family began before: families are interleaved")
                current = families[name] = Family(name)
            if descriptor:
                describe(current, descriptor[1], descriptor[3])
            else:
                if not belongs(current, name):
                    raise Wrong(f"no sample of a {current.type}")
                add_sample(current, name, sample[2], sample[3], seen)
        except Wrong as wrong:
            raise Wrong(f"line {at}: {wrong}: {line}") from None
    check_clashes(families)
    return families

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The layer rule, read from the #include lines: layers.py SOURCE_ROOT

- A folder of src/ includes itself and what stands left of it in LAYERS.
- Folders of one layer do not include each other in a circle.
- suites/ and examples/ use public headers only, so that they show what a user can do.
- A header that only one operating system has is included in src/os alone."""
import pathlib
import re
import sys

LAYERS = [
    ["base", "os"],
    ["stats", "machine", "device", "kernels"],
    ["bench", "observe", "quant", "nn", "market", "data", "photon"],
    ["result"],
    ["history"],
    ["judge"],
    ["run"],
    ["report"],
    ["server"],
    ["cli"],
]
# These two lie under everything and may use each other.
FOUNDATION = {"base", "os"}
# The module that a public header belongs to, where it is not called like it.
PUBLIC = {"status": "base", "metric": "base", "check": "base", "ceilings": "machine", "elementwise": "kernels", "gemm": "kernels", "options": "quant",
          "changepoints": "stats", "import": "result", "compare": "judge", "alerts": "judge", "ab": "run", "crossover": "run", "trend": "report",
          "account": "market", "backtest": "market", "book_backtest": "market", "backtest_report": "report", "book": "market", "book_flow": "market", "websocket": "market", "feeds": "market", "feed_itch": "market",
          "feed_json": "market", "feed_csv": "market", "feed_dbn": "market", "feed_fix": "market", "feed_book": "market", "feed_file": "market", "feed_orders": "market", "bars": "market",
          "risk": "quant", "montecarlo": "quant", "portfolio": "quant", "indicators": "quant"}
ONE_SYSTEM = re.compile(
    r"^(linux|asm|mach|mach-o|libkern|IOKit|CoreFoundation|Availability|TargetConditionals)(/|\.h|$)"
    r"|^sys/(epoll|eventfd|signalfd|timerfd|inotify|fanotify|prctl|sysinfo|sysmacros|vfs|mount|sysctl|event|auxv|sendfile|random|personality)\.h$"
    r"|^(malloc|sched_ext|numa|numaif|libproc|sysexits)\.h$")
# It stands in for the C library's own functions, so it is written for one C library.
SHIM = "src/observe/preload/"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)

rank = {folder: number for number, layer in enumerate(LAYERS) for folder in layer}


def includes(path):
    text = path.read_text(encoding="utf-8")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def module_of(kind, name):
    """The module that an include belongs to, or None for a system's or a library's."""
    parts = name.split("/")
    if parts[0] == "assay" and len(parts) > 1:
        stem = parts[1].removesuffix(".h")
        return PUBLIC.get(stem, stem)
    if kind == '"' and len(parts) > 1:
        return parts[0]
    return None


def check(root):
    problems = []
    uses = {}

    def complain(path, line, text):
        problems.append(f"{path.relative_to(root)}:{line}: {text}")

    def check_file(path, own):
        for line, kind, name in includes(path):
            if own != "os" and not str(path.relative_to(root)).startswith(SHIM) and ONE_SYSTEM.search(name):
                complain(path, line, f"<{name}> is not on every system: what needs it belongs behind src/os/prim.h")
            module = module_of(kind, name)
            if module is None or module == own or {module, own} <= FOUNDATION:
                continue
            if module not in rank:
                complain(path, line, f"{name}: there is no layer '{module}' (tests/structure/layers.py lists them)")
            elif own in rank and rank[module] > rank[own]:
                complain(path, line, f"{own} includes {name}, which lies above it")
            else:
                uses.setdefault(own, {}).setdefault(module, (path, line))

    for path in sorted(root.glob("src/**/*.[ch]")) + sorted(root.glob("cli/**/*.[ch]")):
        parts = path.relative_to(root).parts
        check_file(path, parts[1] if parts[0] == "src" else "cli")
    for path in sorted(root.glob("include/assay/*.h")):
        check_file(path, PUBLIC.get(path.stem, path.stem))
    for folder in ("suites", "examples"):
        for path in sorted(root.glob(f"{folder}/**/*.[ch]")):
            for line, kind, name in includes(path):
                inside = (path.parent / name).exists() or (root / folder / name).exists()
                if kind == '"' and not inside:
                    complain(path, line, f"{folder} use public headers only, not \"{name}\"")
                if ONE_SYSTEM.search(name):
                    complain(path, line, f"<{name}> is not on every system")
    for own, modules in uses.items():
        for module, (path, line) in modules.items():
            if own < module and own in uses.get(module, {}):
                other, other_line = uses[module][own]
                complain(path, line, f"{own} and {module} include each other (see {other.relative_to(root)}:{other_line})")
    return problems


found = check(pathlib.Path(sys.argv[1]).resolve())
print("\n".join(found) or "every include points downwards")
sys.exit(1 if found else 0)

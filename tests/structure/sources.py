#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What every file of the tree keeps to: sources.py SOURCE_ROOT

- Sources begin with an SPDX line.
- No path of the machine that somebody works on.
- packages.list has the form that tools/install-packages.sh reads, and names no package twice.
- The library reads and writes numbers with a fraction through base/number.h: C's own functions follow the locale of the program.
- No code outside of a backend's folder asks a device for its name: what it may do is in its kind and flags.
- Text files end with a line end and hold no tabs (but for the Makefile) and no blanks at line ends."""
import pathlib
import re
import subprocess
import sys

SOURCES = {".c", ".h", ".py", ".sh", ".js", ".css"}
TEXTS = SOURCES | {".build", ".md", ".toml", ".list", ".txt", ".yml"}
# Inputs and expected outputs are what they are.
DATA = ("tests/golden/", "tests/fixtures/", "tests/fuzz/corpus/")
# Put together here, so that this file passes its own test.
FORBIDDEN = ["/" + "work/", "/tmp/" + "wt", "/home/" + "[a-z]"]
SPDX = "SPDX-License-Identifier: MIT"
PACKAGE_LINE = re.compile(r"^(build|test|extra) +[a-z0-9][a-z0-9.+-]+(\|[a-z0-9][a-z0-9.+-]+)* +\S.*$")

root = pathlib.Path(sys.argv[1]).resolve()
problems = []


def files():
    """What git knows or would take in; without git, everything but the build directories."""
    listed = subprocess.run(["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard", "-z"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listed.returncode == 0:
        names = listed.stdout.decode().split("\0")
    else:
        names = [str(p.relative_to(root)) for p in root.rglob("*") if not re.match(r"(build|\.git)", p.relative_to(root).parts[0])]
    return sorted(name for name in names if name and (root / name).is_file())


def check_text(name, text):
    lines = text.split("\n")
    if pathlib.Path(name).suffix in SOURCES or text.startswith("#!"):
        if not any(SPDX in line for line in lines[:3]):
            problems.append(f"{name}:1: the first lines lack '{SPDX}'")
    if pathlib.Path(name).suffix not in TEXTS:
        return
    if text and not text.endswith("\n"):
        problems.append(f"{name}:{len(lines)}: no line end at the end")
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            problems.append(f"{name}:{number}: blanks at the end of the line")
        if "\t" in line:
            problems.append(f"{name}:{number}: a tab")


LOCAL = re.compile(r"(?<![\w.])(strtod|strtof|strtold|atof|vsnprintf|vsprintf)\(")
PRINTS = re.compile(r"(?<![\w.])(snprintf|sprintf|f?printf|dprintf|sscanf)\(((?:[^;\"]|\"(?:[^\"\\]|\\.)*\")*?)\);", re.DOTALL)
FRACTION = re.compile(r"%[-+ #0]*(\*|\d+)?(\.(\*|\d+))?l?[fFgGeEaA]")


def check_numbers(name, text):
    if not name.startswith(("src/", "cli/")) or not name.endswith(".c") or name == "src/base/number.c":
        return
    found = [match.start() for match in LOCAL.finditer(text)]
    found += [match.start() for match in PRINTS.finditer(text) if FRACTION.search("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', match[2])))]
    for at in found:
        problems.append(f"{name}:{text.count(chr(10), 0, at) + 1}: follows the locale: use base/number.h")


# The modules that work with devices; elsewhere "cpu" may be a control group or a perf event, and a user's word in the shell.
WITH_DEVICES = re.compile(r"^(src/(device|bench|kernels|nn|quant|run|report|server)|suites)/.*\.[ch]$")
BACKEND = re.compile(r"^src/device/(cpu|cuda|dummy|opencl)/")
ASKS_NAME = re.compile(r"\bstrn?(case)?cmp\([^;{]*?\"(cpu|cuda|dummy|opencl)[:\"]")


def check_devices(name, text):
    if not WITH_DEVICES.match(name) or BACKEND.match(name):
        return
    for match in ASKS_NAME.finditer(text):
        problems.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: a device is asked for its name: use its kind or flags (assay/device.h)")


def check_packages(text):
    seen = set()
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if not PACKAGE_LINE.match(line):
            problems.append(f"packages.list:{number}: expected 'group package what it is for'")
            continue
        for package in line.split()[1].split("|"):
            if package in seen:
                problems.append(f"packages.list:{number}: {package} stands there twice")
            seen.add(package)


names = files()
for name in names:
    if name.startswith(DATA):
        continue
    try:
        text = (root / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        continue  # a picture or an archive
    check_text(name, text)
    check_numbers(name, text)
    check_devices(name, text)
    for pattern in FORBIDDEN:
        for match in re.finditer(pattern, text):
            problems.append(f"{name}:{text.count(chr(10), 0, match.start()) + 1}: '{match[0]}' is a path of somebody's machine")
check_packages((root / "packages.list").read_text(encoding="utf-8"))
print("\n".join(problems) or f"{len(names)} files")
sys.exit(1 if problems or len(names) < 50 else 0)

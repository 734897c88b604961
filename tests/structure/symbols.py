#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the library exports: symbols.py SOURCE_ROOT LIBASSAY.a [LIBASSAY.so]

Every symbol with external linkage begins with assay_. The shared library exports exactly the functions and data that the public headers mark ASSAY_API."""
import pathlib
import re
import shutil
import subprocess
import sys

if shutil.which("nm") is None:
    print("skipped: nm is not here")
    sys.exit(77)
root, archive, *shared = sys.argv[1:]
# What compilers and sanitizers put into every object.
COMPILERS = re.compile(r"^(__asan_|__tsan_|__ubsan_|__odr_asan|__sancov|__gcov|__llvm|asan\.|__x86\.get_pc)")
API = re.compile(r"ASSAY_API\b[^;{]*?\b(assay_\w+)\s*(?:\(|;|\[)", re.DOTALL)


def defined(path, *options):
    out = subprocess.check_output(["nm", "-g", "--defined-only", "-P", *options, path], text=True, stderr=subprocess.DEVNULL)
    return {line.split()[0] for line in out.splitlines() if len(line.split()) >= 2 and not COMPILERS.match(line)}


problems = [f"{archive}: {name} does not begin with assay_" for name in sorted(defined(archive)) if not name.startswith("assay_")]
declared = set()
for header in sorted(pathlib.Path(root, "include", "assay").glob("*.h")):
    text = re.sub(r"/\*.*?\*/|^\s*#[^\n]*(\\\n[^\n]*)*", "", header.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    declared |= set(API.findall(text))
for library in shared:
    exported = defined(library, "-D")
    problems += [f"{library} exports {name}, which no public header declares with ASSAY_API" for name in sorted(exported - declared)]
    problems += [f"{library} lacks {name}, which a public header declares" for name in sorted(declared - exported)]
print("\n".join(problems) or f"{len(declared)} public symbols")
sys.exit(1 if problems or len(declared) < 10 else 0)

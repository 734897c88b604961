#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Kernel sources as C arrays: embed.py SOURCE_DIRECTORY OUTPUT.c DEPFILE KERNEL.c[:F32.fatbin:F64.fatbin]...

OpenCL and NVRTC compile at run time and see no files, so each kernel file is taken apart at its `#include "kernels/..."` lines into parts
that, put one after the other, are the text a preprocessor would have seen. A header counts once; its parts are shared by all kernels. A
#line directive keeps the places in build logs right. The files that the native build alone needs (NATIVE_ONLY) stay out.

With fat binaries (what nvcc made of the file for each precision) those are embedded too."""
import hashlib
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"(kernels/[^"]+)"')
NATIVE_ONLY = {"kernels/dialect_native.h", "kernels/indicators/lanes.h"}


class Parts:
    """Every different part of text once."""

    def __init__(self):
        self.number = {}

    def add(self, text):
        return self.number.setdefault(text, len(self.number))


def flatten(root, file, parts, seen, found):
    """Numbers of the parts that `file` is made of, in order."""
    path = root / file
    if file in NATIVE_ONLY or file in seen:
        return []
    seen.add(file)
    found.add(path)
    numbers, lines, first = [], [], 1
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        match = INCLUDE.match(line)
        if match is None:
            lines.append(line)
            continue
        numbers.append(parts.add(text_of(file, first, lines)))
        numbers += flatten(root, match[1], parts, seen, found)
        lines, first = [], number + 1
    numbers.append(parts.add(text_of(file, first, lines)))
    return numbers


def text_of(file, first, lines):
    return f'#line {first} "{file}"\n' + "\n".join(lines) + "\n"


def literal(text):
    """One C literal a line: readable, and no line is longer than the source's own."""
    out = []
    for line in text.splitlines():
        escaped = line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?")
        out.append(f'    "{escaped}\\n"')
    return "\n".join(out)


def symbols(name, path):
    """Two symbols around the bytes of a file. A change of the bytes changes this text, so that the object is made again."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return (f"/* {digest} */\n"
            f'__asm__(".section .rodata\\n.balign 16\\n.globl {name}\\n.hidden {name}\\n{name}:\\n.incbin \\"{path.resolve()}\\"\\n"\n'
            f'        ".globl {name}_end\\n.hidden {name}_end\\n{name}_end:\\n.byte 0\\n.previous\\n");\n'
            f"extern const unsigned char {name}[], {name}_end[];\n")


def main(root, output, depfile, files):
    root = pathlib.Path(root).resolve()
    parts, found, rows, binaries = Parts(), set(), [], []
    for file in files:
        file, *fatbins = file.split(":")
        name = pathlib.Path(file).resolve().relative_to(root).as_posix()
        numbers = flatten(root, name, parts, set(), found)
        cuda = ["NULL, NULL", "NULL, NULL"]
        for place, fatbin in enumerate(fatbins):
            symbol = f"assay_fatbin_{len(rows)}_{place}"
            binaries.append(symbols(symbol, pathlib.Path(fatbin)))
            cuda[place] = f"{symbol}, {symbol}_end"
            found.add(pathlib.Path(fatbin))
        rows.append((name.removeprefix("kernels/").removesuffix(".c"), numbers, cuda))

    text = ["/* Made by tools/embed.py. */", '#include "kernels/embedded/embedded.h"', ""]
    for part, number in parts.number.items():
        text.append(f"static const char part_{number}[] =\n{literal(part)};")
    text += binaries
    for number, (_, numbers, _) in enumerate(rows):
        text.append(f"static const char *const parts_{number}[] = {{{''.join(f'part_{n}, ' for n in numbers)}NULL}};")
    text.append("const assay_embedded assay_embedded_files[] = {")
    for number, (name, _, cuda) in enumerate(rows):
        text.append(f'    {{"{name}", parts_{number}, {{{{{cuda[0]}}}, {{{cuda[1]}}}}}}},')
    text.append("    {NULL, NULL, {{NULL, NULL}, {NULL, NULL}}},\n};")
    pathlib.Path(output).write_text("\n".join(text) + "\n", encoding="utf-8")
    pathlib.Path(depfile).write_text(f"{output}: {' '.join(sorted(str(path) for path in found))}\n", encoding="utf-8")


main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:])

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The examples of the public headers and of the documentation compile, and those that need nothing else run: examples.py SOURCE_ROOT LIBASSAY.so

An example is what a comment of a header says in lines that are indented by four more; those of one comment belong together. In a page it is
a block of ```c. Each becomes a function, `int example(void)`, of one file that includes every public header; lines that begin with `static`
or #include stand before it. What an example takes as given (prices, a file, a function of the user's) and what it promises stands in
examples.settings, by the same rules, which has a section for each. It is compiled with -Wall -Werror; an example ends before it uses all that it names, so
unused variables are fine."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FLAGS = ["-std=gnu17", "-Wall", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable"]
PAGES = ["README.md", "CONTRIBUTING.md"]
PRELUDE = """\
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define check(condition) do { if (!(condition)) { fprintf(stderr, "not so: %s\\n", #condition); return 1; } } while (0)
/* The user's own functions: they take whatever they get. */
static __attribute__((unused)) int take(int nothing, ...) { return nothing; }
#define use(...) take(0, __VA_ARGS__)
static __attribute__((unused)) int fail(const char *message) { return fprintf(stderr, "%s\\n", message), 1; }
"""


def examples_of_header(path):
    """[(line, text)]: a line of the source and the example's text. Code stands behind an empty line, or first in its comment."""
    found, begin, lines, may_begin = [], None, [], False
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n") + ["/*"], 1):
        if line.lstrip().startswith("/*"):
            if lines:
                found.append((begin, lines))
            begin, lines, may_begin = None, [], True
        elif (match := re.match(r"\s*\* {5}(.*)", line)) and may_begin:
            begin = begin or number
            lines += [""] * (number - begin - len(lines)) + [match[1]]
        else:
            may_begin = line.strip() == "*"
    return found


def examples_of_page(path):
    text = path.read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start()) + 2, m[1].split("\n")) for m in re.finditer(r"^```c\n(.*?)^```", text, re.S | re.M)]


def read_settings(path):
    """{name: (flags, before, behind)}"""
    sections = {}
    for section in re.split(r"^@ ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
        head, _, body = section.partition("\n")
        name, _, flags = head.partition(": ")
        before, _, behind = body.partition("...\n")
        sections[name] = (flags, before, behind)
    return sections


def part(lines, begin, path):
    """Lines that stand outside of a function, and the rest, each where the compiler finds its line in the header."""
    outside, inside, in_static = [], [], False
    for number, line in enumerate(lines, begin):
        starts = line.startswith(("static ", "#include"))
        (outside if starts or in_static else inside).append(f'#line {number} "{path}"\n{line}')
        in_static = (in_static or (starts and line.rstrip().endswith("{"))) and not line.startswith("}")
    return "\n".join(outside) + "\n", "\n".join(inside) + "\n"


def sources_of(root, examples, settings, here):
    """[(name, C)]: the programs, and at last all the others in one."""
    common = source = PRELUDE + "".join(f"#include <assay/{header.name}>\n" for header in sorted((root / "include/assay").glob("*.h")))
    runs, programs = [], []
    for name, (path, begin, lines) in examples.items():
        flags, before, behind = settings[name]
        if flags.startswith("not C"):
            continue
        function = "example_" + re.sub(r"\W", "_", name)
        given, before = part(before.split("\n"), 1, f"{here}, {name}")
        outside, inside = part(lines, begin, path)
        outside = given + outside
        if flags == "a program":
            programs.append((function, f"{common}{outside}{before}{inside}"))
            continue
        own = any(line.startswith("assay_error err") for line in lines)
        source += f"{outside}static int {function}(void) {{\n{'' if own else '  assay_error err = {0};'}\n{before}{inside}"
        source += f'#line 1 "{here}, behind {name}"\n{behind}  return err.status == ASSAY_OK ? 0 : fail(err.message);\n}}\n'
        runs.append((function, name, flags == "runs"))
    rows = "".join(f'    {{"{name}", {function}, {int(run)}}},\n' for function, name, run in runs)
    return programs + [("examples", source + f"""#line 1 "the end"
int main(void) {{
  static const struct {{ const char *name; int (*run)(void); int runs; }} all[] = {{
{rows}  }};
  int failed = 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {{
    if (!all[i].runs || all[i].run() == 0) continue;
    printf("%s failed\\n", all[i].name);
    failed = 1;
  }}
  return failed;
}}
""")]


def main():
    root, library = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
    if not compilers:
        print("skipped: no gcc and no clang here")
        return 77
    examples = {}
    for path in sorted((root / "include/assay").glob("*.h")) + [root / page for page in PAGES] + sorted((root / "docs").glob("*.md")):
        found = examples_of_header(path) if path.suffix == ".h" else examples_of_page(path)
        for count, (begin, lines) in enumerate(found, 1):
            examples[f"{path.name} {count}" if count > 1 else path.name] = (path.relative_to(root), begin, lines)
    here = "tests/headers/examples.settings"
    settings = read_settings(root / here)
    problems = [f"{here}: {name} has no section" for name in examples.keys() - settings.keys()]
    problems += [f"{here}: there is no example {name}" for name in settings.keys() - examples.keys()]
    if problems:
        print("\n".join(sorted(problems)))
        return 1
    with tempfile.TemporaryDirectory() as folder:
        sources = sources_of(root, examples, settings, here)
        for name, source in sources:
            pathlib.Path(folder, f"{name}.c").write_text(source, encoding="utf-8")
        compile_all = [*FLAGS, f"-I{root}/include", "-fsyntax-only", *(f"{folder}/{name}.c" for name, _ in sources)]
        link = [*FLAGS, f"-I{root}/include", f"{folder}/examples.c", "-o", f"{folder}/examples", str(library), f"-Wl,-rpath,{library.parent}", "-lm"]
        for command in [[compiler, *compile_all] for compiler in compilers] + [[compilers[0], *link]]:
            if subprocess.run(command, cwd=root, check=False).returncode != 0:
                return 1
        done = subprocess.run([f"{folder}/examples"], cwd=folder, check=False, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "ASSAY_DEVICE": "cpu"})
    if done.returncode != 0:
        print(done.stdout)
        return 1
    print(f"{len(examples)} examples, {sum(flags == 'runs' for flags, _, _ in settings.values())} of them run")
    return 0


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernels on another processor: aarch64.py SOURCE_ROOT BUILD_ROOT HASHES KERNEL_FILE...

Cross-compiles kernels and hashes.c for aarch64, runs them under qemu-user, and compares every hash with what HASHES (the same program, built
for this machine) prints. Skipped with a reason (77) where the cross compiler or qemu-user is missing."""
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import tempfile

source, build, hashes = (pathlib.Path(p).resolve() for p in sys.argv[1:4])
compiler, emulator = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
if compiler is None or emulator is None:
    print(f"skipped: {'aarch64-linux-gnu-gcc (package gcc-aarch64-linux-gnu)' if compiler is None else 'qemu-aarch64 (package qemu-user)'} is not here")
    sys.exit(77)

COMMON = ["-std=gnu17", "-D_GNU_SOURCE", "-ffp-contract=off", f"-I{source}/src", f"-I{source}/include", f"-I{source}/tests/support", f"-I{build}"]
KERNEL = ["-O1", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi"]
HOST = ["tests/kernels/hashes.c", "tests/support/kernel_cases.c", "src/kernels/kernel.c", "src/kernels/variant.c", "src/os/isa.c"]


def compile_one(job):
    name, arguments = job
    done = subprocess.run([compiler, *COMMON, *arguments, "-c", "-o", name], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}:\n{done.stderr}")
    return name


def lines_of(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode != 0:
        sys.exit(f"{command[-1]} ended with {done.returncode}:\n{done.stderr}")
    print(done.stderr, end="")
    return done.stdout.splitlines()


with tempfile.TemporaryDirectory(prefix="assay-aarch64-") as directory:
    jobs = [(f"{directory}/host{i}.o", ["-O1", str(source / path)]) for i, path in enumerate(HOST)]
    stand_in = pathlib.Path(directory) / "stand_in.c"
    # Which extensions there are beyond NEON does not matter to kernels; without this, half of the library would have to be cross-compiled.
    stand_in.write_text('#include "base/alloc.h"\n#include "os/prim.h"\nvoid assay_free(void *block) { (void)block; }\n'
                        "assay_status assay_os_read_file(const char *path, size_t limit, assay_error *err, char **data, size_t *length) {\n"
                        "  (void)path, (void)limit, (void)err, (void)data, (void)length;\n  return ASSAY_ERR_UNSUPPORTED;\n}\n"
                        "assay_status assay_error_set(assay_error *err, assay_status status, const char *file, int line, const char *format, ...) {\n"
                        "  (void)err, (void)file, (void)line, (void)format;\n  return status;\n}\n", encoding="utf-8")
    jobs.append((f"{directory}/stand_in.o", ["-O1", str(stand_in)]))
    for path in map(pathlib.Path, sys.argv[4:]):
        for bits in ("32", "64"):
            for variant, flags in (("c", ["-fno-tree-vectorize", "-DASSAY_ONE_LANE"]), ("neon", [])):
                jobs.append((f"{directory}/{path.parent.name}_{path.stem}_{bits}_{variant}.o",
                             [*KERNEL, *flags, f"-DREAL_BITS={bits}", f"-DASSAY_VARIANT={variant}", str(path.resolve())]))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        objects = list(pool.map(compile_one, jobs))
    program = f"{directory}/hashes"
    linked = subprocess.run([compiler, "-static", *objects, "-lm", "-lpthread", "-o", program], capture_output=True, text=True)
    if linked.returncode != 0:
        sys.exit(linked.stderr)
    here, there = lines_of([str(hashes), "1"]), lines_of([emulator, program, "1"])
    different = [(a, b) for a, b in zip(here, there) if a != b]
    if different or len(here) != len(there) or not here:
        sys.exit(f"{len(here)} lines here, {len(there)} on aarch64; {len(different)} differ, first: {different[:3]}")
    print(f"{len(here)} cases have the same bits on aarch64")

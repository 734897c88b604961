#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds and runs meson tests of several build directories and ends with one line: N passed, N failed, N skipped.

    tools/run-tests.py build build-asan:-structure,-e2e build-tsan:threads

Behind a colon: suites to run, or, with a minus, not to run. Only what the chosen tests need is built. The counts are those of meson's own log; the exit
code is 0 only when every build worked, at least one test ran and none failed. TEST_ARGS in the environment goes to `meson test`."""
import glob
import json
import os
import shlex
import shutil
import subprocess
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}
LOG = "assay-tests"
# Meson's own summary would read as the whole, where it is that of one directory.
NOISE = ("ninja:", "Ok: ", "Expected Fail: ", "Fail: ", "Unexpected Pass: ", "Skipped: ", "Timeout: ", "Full log written", "Summary of Failures")


def chosen_tests(directory, only, without):
    tests = json.loads(subprocess.check_output(["meson", "introspect", directory, "--tests"]))
    for test in tests:
        suites = {suite.split(":")[-1] for suite in test["suite"]}
        if not suites & without and (not only or suites & only):
            yield test


def needed_targets(directory, tests):
    """What ninja has to build: everything when all tests run, else the programs that the chosen ones run."""
    targets = {}
    for target in json.loads(subprocess.check_output(["meson", "introspect", directory, "--targets"])):
        targets[target["id"]] = target["filename"]
    files = {name for test in tests for target in test["depends"] for name in targets.get(target, [])}
    files |= {name for test in tests for name in test["cmd"] if name.startswith(os.path.abspath(directory) + os.sep)}
    made = {name for names in targets.values() for name in names}
    return sorted(os.path.relpath(name, directory) for name in files & made)


def logs(directory):
    return glob.glob(os.path.join(glob.escape(directory), "meson-logs", LOG + "*.json"))


def counts(directory):
    passed = failed = skipped = 0
    for name in logs(directory):
        with open(name, encoding="utf-8") as log:
            for line in log:
                result = json.loads(line)["result"]
                passed += result in PASSED
                skipped += result in SKIPPED
                failed += result not in PASSED | SKIPPED
    return passed, failed, skipped


def environment():
    env = dict(os.environ)
    # LeakSanitizer stumbles over thread-local blocks of libraries that were loaded at run time (matrix products' threads), if they are tracked.
    env.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:allocator_may_return_null=1:intercept_tls_get_addr=0")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
    suppressions = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "tsan.supp")
    env.setdefault("TSAN_OPTIONS", f"halt_on_error=1:handle_segv=0:suppressions={suppressions}")
    return env


def wrapper(directory):
    """ThreadSanitizer of gcc 12 cannot place its memory under the address randomisation of newer kernels."""
    options = json.loads(subprocess.check_output(["meson", "introspect", directory, "--buildoptions"]))
    sanitizer = next((o["value"] for o in options if o["name"] == "b_sanitize"), "none")
    if "thread" not in sanitizer or shutil.which("setarch") is None:
        return []
    return ["--wrapper", "setarch -R"] if subprocess.run(["setarch", "-R", "true"], stderr=subprocess.DEVNULL, check=False).returncode == 0 else []


def build(directory, targets):
    done = subprocess.run(["ninja", "-C", directory, *targets], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout[-8000:])
        print(f"{directory} does not build")
        return False
    for line in done.stdout.splitlines():
        if "warning:" in line:
            print(line)
    return True


def run(spec):
    """Returns (passed, failed, skipped, everything worked)."""
    directory, _, suites = spec.partition(":")
    names = [name for name in suites.split(",") if name]
    without = {name[1:] for name in names if name.startswith("-")}
    only = {name for name in names if not name.startswith("-")}
    print(f"== {directory}" + (f" ({suites})" if suites else ""), flush=True)
    if not build(directory, ["build.ninja"]):  # options or build files may have changed since the last time
        return 0, 0, 0, False
    tests = list(chosen_tests(directory, only, without))
    if not tests:
        print("no such tests")
        return 0, 0, 0, False
    if not build(directory, needed_targets(directory, tests) if only or without else []):
        return 0, 0, 0, False
    for log in logs(directory):
        os.remove(log)
    arguments = [x for name in sorted(only) for x in ("--suite", name)] + [x for name in sorted(without) for x in ("--no-suite", name)]
    # Time limits are there for what hangs. On a machine with much else to do, under a sanitizer, a test takes ten times as long.
    command = ["meson", "test", "-C", directory, "--no-rebuild", "--print-errorlogs", "--logbase", LOG, "--timeout-multiplier", "5",
               *arguments, *wrapper(directory)]
    with subprocess.Popen([*command, *shlex.split(os.environ.get("TEST_ARGS", ""))], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", env=environment()) as process:
        for line in process.stdout:
            if line.strip() and not line.startswith(NOISE):
                print(line, end="", flush=True)
    passed, failed, skipped = counts(directory)
    return passed, failed, skipped, process.returncode == 0 and passed + failed + skipped == len(tests)


def main():
    total = [0, 0, 0]
    good = True
    for spec in sys.argv[1:]:
        *result, worked = run(spec)
        total = [a + b for a, b in zip(total, result)]
        good = good and worked
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 0 if good and total[0] > 0 and total[1] == 0 else 1


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs of other tools run for real; what Assay reads of them is held against a reading of our own."""
import json
import math
import os
import re
import shutil
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import story

GO = shutil.which("go")
CXX = shutil.which("g++")

GO_TEST = """package sums

import (
    "fmt"
    "testing"
)

func BenchmarkSum(b *testing.B) {
    for _, n := range []int{10, 1000} {
        b.Run(fmt.Sprintf("size=%d/kind=int", n), func(b *testing.B) {
            xs := make([]int, n)
            s := 0
            b.SetBytes(int64(8 * n))
            b.ReportAllocs()
            for i := 0; i < b.N; i++ {
                for _, x := range xs {
                    s += x
                }
            }
            b.ReportMetric(float64(n), "items/op")
        })
    }
}

func BenchmarkPrint(b *testing.B) {
    fmt.Println("noise")
    for i := 0; i < b.N; i++ {
    }
    b.ReportMetric(3.5, "p99-us/op")
}

func BenchmarkSkip(b *testing.B) { b.Skip("no data") }
func BenchmarkBad(b *testing.B)  { b.Fatal("it broke") }
"""

CATCH_TEST = """#define CATCH_CONFIG_MAIN
#define CATCH_CONFIG_ENABLE_BENCHMARKING
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
#include <stdexcept>
static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
TEST_CASE("fibonacci") {
  BENCHMARK("fib 5") { return fib(5); };
  SECTION("large & <odd>") { BENCHMARK("fib 10") { return fib(10); }; }
  BENCHMARK("throws") { throw std::runtime_error("no"); return 1; };
}
TEST_CASE("wrong") { BENCHMARK("fib 1") { return fib(1); }; CHECK(fib(3) == 5); }
"""


class Tools(story.Story):
    def imported(self, *paths, **options):
        return json.loads(self.check("import", "--json", *paths, **options).stdout)

    def values(self, result, suite, name, metric):
        found = [b for b in result["benchmarks"] if (b["suite"], b["name"]) == (suite, name)]
        self.assertEqual(len(found), 1, [(b["suite"], b["name"]) for b in result["benchmarks"]])
        return next(m for m in found[0]["metrics"] if m["name"] == metric)

    def assert_near(self, found, expected):
        self.assertEqual(len(found), len(expected), (found, expected))
        for a, b in zip(found, expected):
            self.assertTrue(math.isclose(a, b, rel_tol=1e-12), (found, expected))


@unittest.skipIf(GO is None, "the go command is not installed")
class Go(Tools):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("go"))
        self.write("go/go.mod", "module example.com/sums\n\ngo 1.19\n")
        self.write("go/sums_test.go", GO_TEST)

    def go_test(self, *words):
        """The output of `go test`, without network and without the user's settings."""
        cache = os.path.join(os.environ.get("ASSAY_CACHE_DIR", self.dir), "go-build")  # what the standard library compiles to
        environment = dict(os.environ, GOCACHE=cache, GOPATH=self.path("path"), HOME=self.dir, GOFLAGS="-mod=mod", GOPROXY="off", GOTOOLCHAIN="local")
        done = subprocess.run([GO, "test", "-run", "NONE", "-benchtime", "20x", *words], cwd=self.path("go"), env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=100)
        return done.stdout.decode()

    def expected(self, text):
        """name -> unit -> values, read line by line in another way than Assay does."""
        rows = {}
        for name, figures in re.findall(r"^(Benchmark\S+)\s+(?:[a-z]+\s+)*\d+\t(.*)$", text, re.M):
            for number, unit in re.findall(r"([0-9.e+]+) (\S+)", figures):
                rows.setdefault(name, {}).setdefault(unit, []).append(float(number))
        return rows

    def test_what_go_test_prints(self):
        text = self.go_test("-bench", "Sum|Skip|Bad|Print", "-count", "3")
        rows = self.expected(text)
        self.assertEqual(len(rows), 3, text)
        result = self.imported(self.write("go.txt", text))
        units = {"ns/op": ("time", 1), "MB/s": ("bytes_per_second", 1e6), "B/op": ("allocated_bytes", 1), "allocs/op": ("allocations", 1),
                 "items/op": ("items/op", 1), "p99-us/op": ("p99-us/op", 1000)}
        for name, figures in rows.items():
            for unit, values in figures.items():
                metric, factor = units[unit]
                m = self.values(result, "example.com/sums", name, metric)
                self.assertEqual(m.get("replicate", "process"), "repetition")
                self.assert_near(m["processes"], [v * factor for v in values])
        bad = next(b for b in result["benchmarks"] if b["base_name"] == "BenchmarkBad")
        self.assertEqual(bad["status"], "failed")
        self.assertIn("it broke", bad["reason"])
        self.assertEqual([s["status"] for s in result["run"]["suites"]], ["failed"])

    def test_events_and_several_invocations(self):
        texts = [self.go_test("-bench", "Sum", "-cpu", "1,2") for _ in range(2)]
        files = [self.write(f"go-{i}.txt", t) for i, t in enumerate(texts)]
        result = self.imported(*files)
        for name, figures in self.expected(texts[0]).items():
            m = self.values(result, "example.com/sums", name, "time")
            self.assertEqual(m.get("replicate", "process"), "process")
            self.assert_near(m["processes"], [figures["ns/op"][0], self.expected(texts[1])[name]["ns/op"][0]])
        events = self.go_test("-bench", "Sum", "-json")
        whole = "".join(json.loads(line).get("Output", "") for line in events.splitlines() if line.startswith("{"))
        result = self.imported(self.write("go.json", events))
        self.assertEqual(len(self.expected(whole)), 2, whole)
        for name, figures in self.expected(whole).items():
            self.assert_near(self.values(result, "example.com/sums", name, "time")["processes"], figures["ns/op"])


@unittest.skipIf(CXX is None, "there is no C++ compiler")
class Catch2(Tools):
    def build(self):
        has_three = os.path.exists("/usr/include/catch2/catch_all.hpp")
        if not has_three and not os.path.exists("/usr/include/catch2/catch.hpp"):
            self.skipTest("Catch2 is not installed")
        if not has_three and os.environ.get("ASSAY_TEST_SLOW") != "1":
            self.skipTest("compiling Catch2 2.x takes half a minute: ASSAY_TEST_SLOW=1 does it")
        self.write("t.cpp", CATCH_TEST)
        words = [CXX, "-O0", "-w", "-o", self.path("t"), self.path("t.cpp")] + (["-lCatch2Main", "-lCatch2"] if has_three else [])
        subprocess.run(words, check=True, timeout=200)

    def test_what_catch2_writes(self):
        self.build()
        done = subprocess.run([self.path("t"), "-r", "xml", "--benchmark-samples", "10", "--benchmark-resamples", "100", "--benchmark-warmup-time", "1"],
                              stdout=subprocess.PIPE, timeout=100)
        text = done.stdout.decode()
        result = self.imported(self.write("catch.xml", text))
        expected = {}
        for case in ElementTree.fromstring(text).iter("TestCase"):
            for row in case.iter("BenchmarkResults"):
                if row.find("mean") is not None:
                    expected[case.get("name"), row.get("name")] = row.find("mean"), float(row.find("standardDeviation").get("value"))
        self.assertEqual(len(expected), 3)
        for (suite, name), (mean, deviation) in expected.items():
            m = self.values(result, suite, "large & <odd>/" + name if name == "fib 10" else name, "time")
            self.assertEqual(m.get("replicate", "process"), "run")
            self.assert_near([m["value"], m["stats"]["ci_low"], m["stats"]["ci_high"], m["stats"]["stddev"]],
                             [float(mean.get("value")), float(mean.get("lowerBound")), float(mean.get("upperBound")), deviation])
        throws = next(b for b in result["benchmarks"] if b["name"] == "throws")
        self.assertEqual((throws["status"], throws["reason"]), ("failed", "no"))
        self.assertEqual({s["name"]: s["status"] for s in result["run"]["suites"]}["wrong"], "failed")


if __name__ == "__main__":
    story.main()

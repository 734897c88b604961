/* SPDX-License-Identifier: MIT */
/* The same three under Google Benchmark, for the comparison in bars.py. */
#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>

static void null(benchmark::State &state) {
  for (auto _ : state) benchmark::ClobberMemory();
}
BENCHMARK(null);

static void add(benchmark::State &state) {
  uint64_t x = 0;
  for (auto _ : state) benchmark::DoNotOptimize(x += 3);
}
BENCHMARK(add);

static void allocate(benchmark::State &state) {
  for (auto _ : state) {
    void *block = malloc(64);
    benchmark::DoNotOptimize(block);
    free(block);
  }
}
BENCHMARK(allocate);

BENCHMARK_MAIN();

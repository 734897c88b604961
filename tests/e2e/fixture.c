/* SPDX-License-Identifier: MIT */
/* A user's own benchmarks for the stories: one of a length that the story chooses, and some that go wrong. */
#include <assay/bench.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Takes $FIXTURE_US microseconds by the clock, so that a story can make it "slower" on a machine of any speed. */
ASSAY_BENCH(wait, .summary = "as long as the story says") {
  const char *text = getenv("FIXTURE_US");
  double us = text != NULL ? atof(text) : 20;
  ASSAY_LOOP(b) {
    for (double start = now_us(); now_us() - start < us;) {
    }
  }
}

ASSAY_BENCH(sizes, .params = {{"n", "1,2,4"}}) {
  uint64_t n = assay_bench_u64(b, "n"), sum = 0;
  ASSAY_LOOP(b) {
    for (uint64_t i = 0; i < n; i++) assay_keep(sum += i);
  }
  assay_bench_items(b, (double)n);
}

/* A figure that is exactly what the story says, however busy the machine is. An empty loop's time would be a tenth of a nanosecond that
 * doubles with where the loop lies, and be taken for a change of its own. */
ASSAY_BENCH(weight, .suite = "own", .summary = "as heavy as the story says") {
  const char *text = getenv("FIXTURE_BYTES");
  ASSAY_LOOP(b) {
    for (uint64_t i = 0; i < 1000; i++) assay_keep(i);
  }
  assay_bench_metric(b, "weight", text != NULL ? atof(text) : 1e9, "B", ASSAY_KIND_MEMORY, ASSAY_LOWER);
}

ASSAY_BENCH(crash, .suite = "wrong") {
  (void)b;
  abort();
}

ASSAY_BENCH(leave, .suite = "wrong") {
  (void)b;
  _exit(7);
}

ASSAY_BENCH(hang, .suite = "wrong", .timeout_s = 0.3) {
  (void)b;
  for (;;) pause();
}

ASSAY_BENCH(absent, .suite = "wrong") { assay_bench_unsupported(b, "there is no flux capacitor"); }

ASSAY_MAIN()

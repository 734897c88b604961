/* SPDX-License-Identifier: MIT */
/*
 * Latency: every operation is recorded. On a schedule (rate_hz) an operation that starts late because the one before was slow counts from
 * the moment it was due, so a stall shows in all the operations that it delayed (no coordinated omission).
 */
#include <assay/bench.h>

/* Work that is slow once in a while, like a cache miss, a lock or a garbage collector. */
static uint64_t serve(uint64_t request) {
  uint64_t rounds = request % 1000 == 0 ? 20000 : 50, x = request;
  while (rounds-- > 0) x = x * 6364136223846793005u + 1442695040888963407u;
  return x;
}

ASSAY_BENCH(serve_back_to_back, .mode = ASSAY_MODE_LATENCY) {
  uint64_t request = 0;
  ASSAY_LOOP(b) assay_keep(serve(request++));
}

ASSAY_BENCH(serve_on_schedule, .mode = ASSAY_MODE_LATENCY, .rate_hz = 200000) {
  uint64_t request = 0;
  ASSAY_LOOP(b) assay_keep(serve(request++));
}

ASSAY_MAIN()

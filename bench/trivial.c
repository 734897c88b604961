/* SPDX-License-Identifier: MIT */
/* Three trivial benchmarks, the first of them nothing at all: what the engine itself costs and how near to 0 it measures nothing. */
#include <assay/bench.h>

#include <stdlib.h>

ASSAY_BENCH(null) { ASSAY_LOOP(b) assay_keep_memory(); }

ASSAY_BENCH(add) {
  uint64_t x = 0;
  ASSAY_LOOP(b) assay_keep(x += 3);
}

ASSAY_BENCH(allocate) {
  ASSAY_LOOP(b) {
    void *block = malloc(64);
    assay_keep(block);
    free(block);
  }
}

ASSAY_MAIN()

/* SPDX-License-Identifier: MIT */
/* A sweep over sizes and types: set-up and tear-down stay outside the clock, the growth is fitted, and a figure of one's own goes beside
 * the time. */
#include <assay/bench.h>

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) { return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b); }

ASSAY_BENCH(sort, .summary = "qsort of random or sorted numbers", .params = {{"n", "1k..64k*4"}, {"input", "random,sorted"}},
            .complexity = "n") {
  size_t n = assay_bench_u64(b, "n");
  int *input = malloc(n * sizeof *input), *work = malloc(n * sizeof *work);
  if (input == NULL || work == NULL) {
    assay_bench_fail(b, "out of memory for %zu numbers", n);
  } else {
    srand((unsigned)assay_bench_seed(b));
    bool sorted = strcmp(assay_bench_text(b, "input"), "sorted") == 0;
    for (size_t i = 0; i < n; i++) input[i] = sorted ? (int)i : rand();

    ASSAY_LOOP(b) {
      memcpy(work, input, n * sizeof *work);
      qsort(work, n, sizeof *work, compare);
      assay_keep_memory();
    }

    size_t in_order = 1;
    for (size_t i = 1; i < n; i++) in_order += work[i - 1] <= work[i];
    assay_bench_items(b, (double)n);
    assay_bench_metric(b, "in_order", (double)in_order / (double)n, "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER);
  }
  free(input);
  free(work);
}

ASSAY_MAIN()

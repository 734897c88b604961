/* SPDX-License-Identifier: MIT */
/* The list of benchmarks that an executable of the user's answers `assay ab` with. */
#include <stdlib.h>
#include <string.h>

#include "run/ab_sides.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_error err = {0};
  assay_ab_listed listed = {.program = "it"};
  if (assay_ab_read_list(&arena, (const char *)data, size, "it", &err, &listed) == ASSAY_OK) {
    for (size_t i = 0; i < listed.count; i++) {
      const assay_bench_case *bench = &listed.cases[i];
      if (bench->name[0] == '\0' || bench->suite[0] == '\0' || bench->param_count > ASSAY_BENCH_MAX_PARAMS) abort();
      if (strncmp(bench->name, bench->desc->name, strlen(bench->desc->name)) != 0) abort();
      if (assay_ab_counterpart(&listed, i, &listed) > i) abort(); /* itself, or the first of that name */
    }
  } else if (err.message[0] == '\0') {
    abort();
  }
  assay_arena_deinit(&arena);
  return 0;
}

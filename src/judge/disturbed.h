/* SPDX-License-Identifier: MIT */
/* Whether a figure says something of the program, or of what else the machine did meanwhile. */
#ifndef ASSAY_JUDGE_DISTURBED_H
#define ASSAY_JUDGE_DISTURBED_H

#include <assay/result.h>

#include "base/arena.h"

typedef struct assay_disturbance {
  /* What others did while a benchmark was measured, as part of a sentence ("other programs kept 1.2 of 2 CPUs busy while it was measured");
   * NULL: nothing that counts, or nobody knows. */
  const char *says;
  double slower;  /* at most so many times as slow is work because of it */
  double delayed; /* at most this share of single answers had to wait because of it, for however long */
} assay_disturbance;

assay_disturbance assay_judge_disturbance(assay_arena *arena, const assay_result *result, const assay_benchmark_result *benchmark);

#endif

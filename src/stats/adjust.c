/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>

#include <assay/stats.h>

#include "base/alloc.h"

static int by_p(const void *a, const void *b) {
  double x = **(double *const *)a, y = **(double *const *)b;
  return (x > y) - (x < y);
}

/* p of rank k of n becomes the least p * n / rank from there up. */
assay_status assay_stats_adjust(double *p_values, size_t count) {
  double **tested = assay_calloc(ASSAY_TAG_STATS, count + 1, sizeof *tested);
  if (tested == NULL) return ASSAY_ERR_NO_MEMORY;
  size_t n = 0;
  for (size_t i = 0; i < count; i++)
    if (!isnan(p_values[i])) tested[n++] = &p_values[i];
  qsort(tested, n, sizeof *tested, by_p);
  double least = 1;
  for (size_t k = n; k-- > 0;) {
    least = fmin(least, *tested[k] * (double)n / (double)(k + 1));
    *tested[k] = least;
  }
  assay_free(tested);
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <assay/stats.h>

#include "base/alloc.h"

/* Each quantile, and how many values it needs so that at least one is to be expected in its tail: 1 / (1 - q). */
static const struct {
  double q;
  uint64_t least;
} tails[] = {{0.5, 1}, {0.9, 10}, {0.95, 20}, {0.99, 100}, {0.999, 1000}};

enum { TAILS = sizeof tails / sizeof *tails };

static void set_quantiles(assay_summary *summary, const double quantiles[TAILS]) {
  summary->p50 = quantiles[0];
  summary->p90 = quantiles[1];
  summary->p95 = quantiles[2];
  summary->p99 = quantiles[3];
  summary->p999 = quantiles[4];
}

/* Counts what there is; refuses what is not a number. */
static assay_status check(const double *const *values, const size_t *counts, size_t processes, assay_error *err, size_t *used,
                          size_t *samples) {
  for (size_t p = 0; p < processes; p++) {
    for (size_t i = 0; i < counts[p]; i++)
      if (!isfinite(values[p][i]))
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "sample %zu of process %zu is %g; only finite samples can be summarized", i, p,
                          values[p][i]);
    *used += counts[p] > 0;
    *samples += counts[p];
  }
  if (*samples == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no process gave a sample, so there is nothing to summarize");
  return ASSAY_OK;
}

/* `medians` has room for the processes, `pool` for all samples. Each process is sorted in the pool for its median, then all of them
 * together. */
static void fill(const double *const *values, const size_t *counts, size_t processes, double *medians, double *pool,
                 assay_summary *summary) {
  size_t used = 0, at = 0;
  for (size_t p = 0; p < processes; p++) {
    if (counts[p] == 0) continue;
    memcpy(pool + at, values[p], counts[p] * sizeof *pool);
    assay_stats_sort(pool + at, counts[p]);
    medians[used++] = assay_stats_quantile_sorted(pool + at, counts[p], 0.5);
    at += counts[p];
  }
  assay_stats_sort(pool, at);
  double quantiles[TAILS];
  for (size_t i = 0; i < TAILS; i++) quantiles[i] = at < tails[i].least ? NAN : assay_stats_quantile_sorted(pool, at, tails[i].q);

  *summary = (assay_summary){.processes = used, .samples = at, .min = pool[0], .max = pool[at - 1]};
  set_quantiles(summary, quantiles);
  summary->mean = assay_stats_mean(medians, used);
  assay_stats_sort(medians, used);
  summary->median = assay_stats_quantile_sorted(medians, used, 0.5);
  summary->stddev = used > 1 ? assay_stats_stddev(medians, used) : NAN;
}

assay_status assay_stats_summarize(const double *const *values, const size_t *counts, size_t processes, assay_error *err,
                                   assay_summary *summary) {
  size_t used = 0, samples = 0;
  assay_status status = check(values, counts, processes, err, &used, &samples);
  if (status != ASSAY_OK) return status;
  double *scratch = assay_calloc(ASSAY_TAG_STATS, used + samples, sizeof *scratch);
  if (scratch == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to sort %zu samples", samples);

  assay_summary result;
  assay_interval interval = {NAN, NAN};
  fill(values, counts, processes, scratch, scratch + used, &result);
  if (used > 1) status = assay_stats_interval(scratch, used, 0.95, &interval);
  assay_free(scratch);
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "no confidence interval over %zu processes", used);
  /* Where no sample can be negative (a time, a size), neither can the truth: cutting the interval at 0 costs no coverage. */
  result.ci_low = result.min >= 0 && interval.low < 0 ? 0 : interval.low;
  result.ci_high = interval.high;
  *summary = result;
  return ASSAY_OK;
}

void assay_histogram_summarize(const assay_histogram *histogram, assay_summary *summary) {
  if (histogram->count == 0) return;
  double quantiles[TAILS];
  for (size_t i = 0; i < TAILS; i++)
    quantiles[i] = histogram->count < tails[i].least ? NAN : assay_histogram_quantile(histogram, tails[i].q);
  summary->min = (double)histogram->min;
  summary->max = (double)histogram->max;
  set_quantiles(summary, quantiles);
}

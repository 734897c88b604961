/* SPDX-License-Identifier: MIT */
#include "bench/process.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void assay_bench_process_deinit(assay_bench_process *process) {
  assay_free(process->samples);
  assay_free(process->latency);
  assay_free(process->service);
  process->samples = NULL;
  process->latency = process->service = NULL;
  process->sample_count = 0;
}

bool assay_bench_process_add(assay_bench_process *process, const char *name, double value, const char *unit, assay_metric_kind kind,
                             assay_better better) {
  assay_bench_figure figure = {.kind = kind, .better = better, .value = value};
  snprintf(figure.name, sizeof figure.name, "%s", name);
  snprintf(figure.unit, sizeof figure.unit, "%s", unit);
  size_t i = 0;
  while (i < process->figure_count && strcmp(process->figures[i].name, figure.name) != 0) i++;
  if (i == sizeof process->figures / sizeof *process->figures) return false;
  if (i == process->figure_count) process->figure_count++;
  process->figures[i] = figure;
  return true;
}

const assay_bench_figure *assay_bench_process_find(const assay_bench_process *process, const char *name) {
  for (size_t i = 0; i < process->figure_count; i++) {
    if (strcmp(process->figures[i].name, name) == 0) return &process->figures[i];
  }
  return NULL;
}

enum { STEADY_HALF = 5 }; /* samples; fewer say nothing of themselves */
/* As in the warm-up, but three standard errors: neighbouring samples are alike, so there is less in them than their number says. */
static const double steady_ratio = 0.02, steady_errors = 3;

static double median_error(const double *values, size_t count) { return 1.2533 * assay_stats_mad(values, count) / sqrt((double)count); }

void assay_bench_confirm_steady(assay_bench_process *process) {
  double *kept = assay_alloc(ASSAY_TAG_BENCH, (process->sample_count + 1) * sizeof *kept);
  size_t count = 0;
  if (kept == NULL) return;
  for (size_t i = 0; i < process->sample_count; i++) {
    if (process->samples[i].aside == 0) kept[count++] = process->samples[i].ns;
  }
  size_t half = count / 2;
  if (half >= STEADY_HALF) {
    double first = assay_stats_median(kept, half), second = assay_stats_median(kept + half, count - half);
    double error = hypot(median_error(kept, half), median_error(kept + half, count - half));
    if (fabs(second - first) > fmax(steady_ratio * first, steady_errors * error))
      process->steady = ASSAY_STEADY_NO;
    else if (process->steady == ASSAY_STEADY_UNTESTED)
      process->steady = ASSAY_STEADY_YES;
  }
  assay_free(kept);
}

/* A spin that took 10 % longer than usual saw a lower clock frequency or a busy sibling thread, and so did the sample. */
static const double spin_limit = 1.10;

static uint32_t marks_of(const assay_covariates *c) {
  uint32_t marks = 0;
  if (c->involuntary_switches > 0) marks |= ASSAY_ASIDE_PREEMPTED;
  if (c->migrations > 0) marks |= ASSAY_ASIDE_MIGRATED;
  if (c->steal_ms > 0) marks |= ASSAY_ASIDE_STOLEN;
  if (c->major_faults > 0) marks |= ASSAY_ASIDE_FAULTED;
  if (c->throttled_us > 0) marks |= ASSAY_ASIDE_THROTTLED;
  if (c->spin_ratio > spin_limit) marks |= ASSAY_ASIDE_SPIN;
  return marks;
}

static double median_spin(const assay_bench_sample *samples, size_t count) {
  double *spins = assay_alloc(ASSAY_TAG_BENCH, count * sizeof *spins);
  if (spins == NULL) return NAN;
  for (size_t i = 0; i < count; i++) spins[i] = samples[i].covariates.spin_ratio;
  double median = assay_stats_median(spins, count);
  assay_free(spins);
  return median;
}

void assay_bench_judge_samples(assay_bench_sample *samples, size_t count) {
  if (count == 0) return;
  double usual = median_spin(samples, count);
  size_t marked = 0;
  for (size_t i = 0; i < count; i++) {
    samples[i].covariates.spin_ratio /= usual;
    samples[i].marks = marks_of(&samples[i].covariates);
    marked += samples[i].marks != 0;
  }
  bool keep_all = marked * 2 > count;
  for (size_t i = 0; i < count; i++) samples[i].aside = keep_all ? 0 : samples[i].marks;
}

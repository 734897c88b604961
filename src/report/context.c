/* SPDX-License-Identifier: MIT */
/* What a history knows that stands beside a result: the run before it on the same machine, what changed, and how each figure went over
 * time. */
#include <string.h>

#include "base/alloc.h"
#include "report/render.h"

enum { RUNS_LOOKED_AT = 100, TREND_POINTS = 40 };

/* A context lends its parts as const; here they are owned. */
static void *owned(const void *part) { return (void *)(uintptr_t)part; }

/* The newest finished run before this one. A quick run is compared with a quick one where there is one: their noise is alike. */
static const assay_history_run *find_previous(const assay_history_run *runs, size_t count, const assay_result *result) {
  const assay_history_run *found = NULL;
  for (size_t i = 0; i < count; i++) {
    const assay_history_run *run = &runs[i];
    bool usable = run->state == ASSAY_RUN_COMPLETE && run->benchmarks > 0 && strcmp(run->id, result->run.id) != 0 &&
                  run->started_at_s <= result->run.started_at_s;
    if (usable && run->quick == result->run.quick) return run;
    if (usable && found == NULL) found = run;
  }
  return found;
}

static assay_status load_previous(assay_history *history, const assay_result *result, assay_error *err, assay_report_context *context) {
  assay_history_run *runs = NULL;
  size_t count = 0;
  assay_status status = assay_history_runs(history, result->machine_id, RUNS_LOOKED_AT, err, &runs, &count);
  if (status != ASSAY_OK) return status;
  const assay_history_run *run = find_previous(runs, count, result);
  assay_result *previous = NULL;
  if (run != NULL) status = assay_history_load(history, run->id, result->machine_id, err, &previous);
  assay_history_runs_free(runs);
  if (status != ASSAY_OK || previous == NULL) return status;
  context->previous = previous;
  assay_changes *changes = NULL;
  status = assay_compare(previous, result, NULL, err, &changes);
  context->changes = changes;
  return status;
}

static assay_status load_trends(assay_history *history, const assay_result *result, assay_error *err, assay_report_context *context) {
  assay_report_trend *trends = assay_calloc(ASSAY_TAG_REPORT, result->benchmark_count + 1, sizeof *trends);
  if (trends == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the trends of %zu benchmarks", result->benchmark_count);
  context->trends = trends;
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (!assay_report_measured(b)) continue;
    assay_report_trend *trend = &trends[context->trend_count];
    assay_history_point *points = NULL;
    *trend = (assay_report_trend){.suite = b->suite, .benchmark = b->name, .metric = assay_report_main_metric(b)->name};
    assay_status status = assay_history_series(history, result->machine_id, trend->suite, trend->benchmark, trend->metric, TREND_POINTS,
                                               err, &points, &trend->count);
    if (status != ASSAY_OK) return status;
    trend->points = points;
    context->trend_count++; /* also one without points: it is freed with the rest */
  }
  return ASSAY_OK;
}

assay_status assay_report_context_load(assay_history *history, const assay_result *result, assay_error *err,
                                       assay_report_context *context) {
  assay_report_context loaded = {.color = context->color, .width = context->width};
  assay_status status = load_previous(history, result, err, &loaded);
  if (status == ASSAY_OK) status = load_trends(history, result, err, &loaded);
  if (status == ASSAY_OK)
    *context = loaded;
  else
    assay_report_context_deinit(&loaded);
  return status;
}

void assay_report_context_deinit(assay_report_context *context) {
  for (size_t i = 0; i < context->trend_count; i++) assay_history_points_free(owned(context->trends[i].points));
  assay_free(owned(context->trends));
  assay_changes_destroy(owned(context->changes));
  assay_result_destroy(owned(context->previous));
  *context = (assay_report_context){.color = context->color, .width = context->width};
}

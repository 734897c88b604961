/* SPDX-License-Identifier: MIT */
#include "report/export.h"

#include <math.h>
#include <string.h>
#include <time.h>

const assay_metric_result *assay_export_time(const assay_benchmark_result *b) {
  if (b->status != ASSAY_OUTCOME_OK || b->metric_count == 0) return NULL;
  const assay_metric_result *main = &b->metrics[0];
  const assay_metric_result *time = strcmp(main->unit, "ns") == 0 ? main : assay_benchmark_metric(b, "time");
  return time != NULL && strcmp(time->unit, "ns") == 0 && time->process_count > 0 ? time : NULL;
}

const char *assay_export_name(const assay_result *result, const assay_benchmark_result *b, const char *tool, assay_buf *scratch) {
  bool from_there = result->run.source != NULL && strcmp(result->run.source, tool) == 0;
  assay_buf_clear(scratch);
  if (b->suite != NULL && b->suite[0] != '\0' && strcmp(b->suite, "time") != 0 && !from_there) assay_buf_printf(scratch, "%s/", b->suite);
  assay_buf_puts(scratch, b->name);
  return scratch->data != NULL ? scratch->data : "";
}

const char *assay_export_replicate(const assay_result *result) {
  const assay_metric_result *first = NULL;
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_metric_result *time = assay_export_time(&result->benchmarks[i]);
    if (first == NULL) first = time;
    if (time != NULL && time->replicate != first->replicate) return NULL;
  }
  return first != NULL ? assay_replicate_text(first->replicate) : NULL;
}

const assay_metric_result *assay_export_metric(const assay_benchmark_result *b, const char *name, size_t count) {
  const assay_metric_result *m = assay_benchmark_metric(b, name);
  return m != NULL && m->process_count == count ? m : NULL;
}

size_t assay_report_left_out(const assay_result *result, assay_format format) {
  if (format != ASSAY_FORMAT_GOOGLE_BENCHMARK && format != ASSAY_FORMAT_PYTEST_BENCHMARK && format != ASSAY_FORMAT_HYPERFINE) return 0;
  size_t count = 0;
  for (size_t i = 0; i < result->benchmark_count; i++) count += assay_export_time(&result->benchmarks[i]) == NULL;
  return count;
}

void assay_export_when(int64_t at_s, char out[ASSAY_REPORT_TEXT]) {
  time_t at = (time_t)at_s;
  struct tm parts;
  if (gmtime_r(&at, &parts) == NULL || strftime(out, ASSAY_REPORT_TEXT, "%Y-%m-%dT%H:%M:%S+00:00", &parts) == 0)
    memcpy(out, "1970-01-01T00:00:00+00:00", 26);
}

static const assay_fact *find_fact(const assay_result *result, const char *key) {
  for (size_t i = 0; i < result->fact_count; i++)
    if (strcmp(result->facts[i].key, key) == 0) return &result->facts[i];
  return NULL;
}

const char *assay_export_fact_text(const assay_result *result, const char *key) {
  const assay_fact *fact = find_fact(result, key);
  return fact != NULL && fact->type == ASSAY_FACT_TEXT ? fact->text : NULL;
}

double assay_export_fact(const assay_result *result, const char *key) {
  const assay_fact *fact = find_fact(result, key);
  return fact != NULL && (fact->type == ASSAY_FACT_INTEGER || fact->type == ASSAY_FACT_REAL) ? fact->real : NAN;
}

void assay_export_count(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  if (isfinite(value) && fabs(value) < 9e15)
    assay_json_int(json, (int64_t)llround(value));
  else
    assay_json_null(json);
}

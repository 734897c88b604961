/* SPDX-License-Identifier: MIT */
/*
 * The JSON of pytest-benchmark's storage, as `pytest-benchmark compare` reads it: a round is a process. Times in seconds. The definitions
 * of the figures are that tool's (Tukey's fences for the outliers).
 */
#include <assay/stats.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "report/export.h"

static const char tool[] = "pytest-benchmark";
static const double s_per_ns = 1e9; /* divided by: a division is rounded once */

static void machine_info(assay_json *json, const assay_result *result) {
  const char *cpu = assay_export_fact_text(result, "cpu.model");
  assay_json_key(json, "machine_info");
  assay_json_object(json);
  assay_json_put_string(json, "node", result->run.host != NULL ? result->run.host : result->machine_label);
  assay_json_put_string(json, "processor", assay_export_fact_text(result, "cpu.architecture"));
  assay_json_put_string(json, "machine", assay_export_fact_text(result, "cpu.architecture"));
  assay_json_put_string(json, "release", assay_export_fact_text(result, "kernel.release"));
  assay_json_put_string(json, "system", assay_export_fact_text(result, "kernel.name"));
  assay_json_key(json, "cpu");
  assay_json_object(json);
  assay_json_put_string(json, "brand", cpu);
  assay_json_put_string(json, "brand_raw", cpu); /* the name since pytest-benchmark 3.4 */
  assay_json_put_string(json, "arch", assay_export_fact_text(result, "cpu.architecture"));
  assay_export_count(json, "count", assay_export_fact(result, "cpu.threads"));
  assay_json_end(json);
  assay_json_put_string(json, "assay_machine", result->machine_label);
  assay_json_put_string(json, "assay_machine_id", result->machine_id);
  assay_json_end(json);
}

static void commit_info(assay_json *json, const assay_run_info *run) {
  assay_json_key(json, "commit_info");
  assay_json_object(json);
  assay_json_put_string(json, "id", run->commit != NULL ? run->commit : "unversioned");
  assay_json_put_string(json, "time", NULL);
  assay_json_put_string(json, "author_time", NULL);
  assay_json_put_string(json, "dirty", NULL); /* not known: only the commit was read */
  assay_json_put_string(json, "project", run->name);
  assay_json_put_string(json, "branch", NULL);
  assay_json_end(json);
}

/* ---- Statistics of one benchmark ----------------------------------------------------------------------------------------------------- */

/* The ends of what lies within one and a half interquartile ranges of the quartiles, and how many do not. */
static size_t fences(const double *sorted, size_t count, double q1, double q3, double *low, double *high) {
  double reach = 1.5 * (q3 - q1);
  size_t outside = 0;
  *low = *high = NAN;
  for (size_t i = 0; i < count; i++) {
    if (sorted[i] < q1 - reach || sorted[i] > q3 + reach) {
      outside++;
      continue;
    }
    if (isnan(*low)) *low = sorted[i];
    *high = sorted[i];
  }
  return outside;
}

static void stats(assay_json *json, const double *data, double *sorted, size_t count) {
  double mean = assay_stats_mean(data, count), spread = assay_stats_stddev(data, count), low = NAN, high = NAN;
  memcpy(sorted, data, count * sizeof *sorted);
  assay_stats_sort(sorted, count);
  double q1 = assay_stats_quantile_sorted(sorted, count, 0.25), q3 = assay_stats_quantile_sorted(sorted, count, 0.75);
  size_t iqr_outliers = fences(sorted, count, q1, q3, &low, &high), stddev_outliers = 0;
  for (size_t i = 0; i < count; i++) stddev_outliers += fabs(data[i] - mean) > spread;
  char outliers[ASSAY_REPORT_TEXT];
  snprintf(outliers, sizeof outliers, "%zu;%zu", stddev_outliers, iqr_outliers);
  assay_json_key(json, "stats");
  assay_json_object(json);
  assay_json_put_double(json, "min", sorted[0]);
  assay_json_put_double(json, "max", sorted[count - 1]);
  assay_json_put_double(json, "mean", mean);
  assay_json_put_double(json, "stddev", count > 1 ? spread : 0); /* as that tool writes it for one round */
  assay_export_count(json, "rounds", (double)count);
  assay_json_put_double(json, "median", assay_stats_quantile_sorted(sorted, count, 0.5));
  assay_json_put_double(json, "iqr", q3 - q1);
  assay_json_put_double(json, "q1", q1);
  assay_json_put_double(json, "q3", q3);
  assay_export_count(json, "iqr_outliers", (double)iqr_outliers);
  assay_export_count(json, "stddev_outliers", (double)stddev_outliers);
  assay_json_put_string(json, "outliers", outliers);
  assay_json_put_double(json, "ld15iqr", low);
  assay_json_put_double(json, "hd15iqr", high);
  assay_json_put_double(json, "ops", 1 / mean);
  assay_json_put_double(json, "total", mean * (double)count);
  assay_json_key(json, "data");
  assay_json_array_inline(json);
  for (size_t i = 0; i < count; i++) assay_json_double(json, data[i]);
  assay_json_end(json);
  assay_export_count(json, "iterations", 1);
  assay_json_end(json);
}

static void params(assay_json *json, const assay_benchmark_result *b, assay_buf *scratch) {
  assay_json_key(json, "params");
  if (b->param_count == 0) {
    assay_json_null(json);
    assay_json_put_string(json, "param", NULL);
    return;
  }
  assay_json_object_inline(json);
  assay_buf_clear(scratch);
  for (size_t i = 0; i < b->param_count; i++) {
    assay_json_put_string(json, b->params[i].name, b->params[i].value);
    assay_buf_printf(scratch, "%s%s=%s", i > 0 ? "-" : "", b->params[i].name, b->params[i].value);
  }
  assay_json_end(json);
  assay_json_put_string(json, "param", scratch->data);
}

/* What that format has no place of its own for. */
static void extra_info(assay_json *json, const assay_benchmark_result *b, const assay_metric_result *time) {
  assay_json_key(json, "extra_info");
  assay_json_object(json);
  for (size_t i = 0; i < b->metric_count; i++) {
    const assay_metric_result *m = &b->metrics[i];
    if (m == time || assay_benchmark_metric(b, m->name) != m) continue;
    assay_json_key(json, m->name);
    assay_json_object_inline(json);
    assay_json_put_double(json, "value", m->value);
    assay_json_put_string(json, "unit", m->unit);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void benchmark(assay_json *json, const assay_result *result, const assay_benchmark_result *b, const assay_metric_result *time,
                      assay_buf *scratch) {
  double *data = assay_calloc(ASSAY_TAG_REPORT, time->process_count * 2, sizeof *data);
  if (data == NULL) {
    json->out->failed = true;
    return;
  }
  for (size_t i = 0; i < time->process_count; i++) data[i] = time->processes[i] / s_per_ns;
  assay_json_object(json);
  assay_json_put_string(json, "group", b->suite);
  assay_json_put_string(json, "name", b->name);
  assay_json_put_string(json, "fullname", assay_export_name(result, b, tool, scratch));
  params(json, b, scratch);
  extra_info(json, b, time);
  assay_json_key(json, "options");
  assay_json_object(json);
  assay_json_key(json, "disable_gc");
  assay_json_bool(json, false);
  assay_json_put_string(json, "timer", "assay");
  assay_export_count(json, "min_rounds", (double)time->process_count);
  assay_json_put_double(json, "max_time", NAN);
  assay_json_put_double(json, "min_time", NAN);
  assay_json_key(json, "warmup");
  assay_json_bool(json, true);
  assay_json_end(json);
  stats(json, data, data + time->process_count, time->process_count);
  assay_json_end(json);
  assay_free(data);
}

void assay_export_pytest(const assay_render *r) {
  assay_json json = {.out = r->out, .indent = 4};
  assay_buf scratch = {0};
  char when[ASSAY_REPORT_TEXT];
  assay_json_object(&json);
  machine_info(&json, r->result);
  commit_info(&json, &r->result->run);
  assay_json_key(&json, "benchmarks");
  assay_json_array(&json);
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    const assay_metric_result *time = assay_export_time(b);
    if (time != NULL) benchmark(&json, r->result, b, time, &scratch);
  }
  assay_json_end(&json);
  assay_export_when(r->result->run.started_at_s, when);
  assay_json_put_string(&json, "datetime", when);
  assay_json_put_string(&json, "version", "3.2.2"); /* of the format */
  assay_json_put_string(&json, "assay_replicate", assay_export_replicate(r->result));
  assay_json_end(&json);
  if (scratch.failed) r->out->failed = true;
  assay_buf_deinit(&scratch);
}

/* SPDX-License-Identifier: MIT */
/* hyperfine's JSON, as its own scripts/plot_*.py read it: a timing run is a process. Times in seconds. */
#include <assay/stats.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "report/export.h"

static const char tool[] = "hyperfine";

/* Mean over the runs, in seconds; null when it was not measured. */
static void mean_of(assay_json *json, const char *key, const assay_benchmark_result *b, const char *metric, size_t count) {
  const assay_metric_result *m = assay_export_metric(b, metric, count);
  assay_json_put_double(json, key, m != NULL ? assay_stats_mean(m->processes, count) / 1e9 : NAN);
}

static void per_run(assay_json *json, const char *key, const assay_metric_result *m, double divisor) {
  assay_json_key(json, key);
  assay_json_array_inline(json);
  for (size_t i = 0; i < m->process_count; i++) assay_json_double(json, m->processes[i] / divisor);
  assay_json_end(json);
}

/* A command that ends with another code than 0 is a failed benchmark, unless that was to be ignored; then the code was not kept. */
static void exit_codes(assay_json *json, const assay_result *whole, const assay_benchmark_result *b, size_t count) {
  const char *command = whole->run.command;
  /* Only what Assay itself ran as a command has a code that anybody saw. */
  bool is_command = whole->run.source == NULL && command != NULL && b->suite != NULL && strcmp(b->suite, "time") == 0;
  bool known = is_command && strstr(command, "--ignore-failure") == NULL && strstr(command, " -i") == NULL;
  assay_json_key(json, "exit_codes");
  assay_json_array_inline(json);
  for (size_t i = 0; i < count; i++) known ? assay_json_int(json, 0) : assay_json_null(json);
  assay_json_end(json);
}

static void result(assay_json *json, const assay_result *whole, const assay_benchmark_result *b, const assay_metric_result *time,
                   assay_buf *scratch) {
  size_t count = time->process_count;
  const assay_metric_result *memory = assay_export_metric(b, "peak_rss", count);
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < count; i++) {
    low = fmin(low, time->processes[i]);
    high = fmax(high, time->processes[i]);
  }
  assay_json_object(json);
  assay_json_put_string(json, "command", assay_export_name(whole, b, tool, scratch));
  assay_json_put_double(json, "mean", assay_stats_mean(time->processes, count) / 1e9);
  assay_json_put_double(json, "stddev", count > 1 ? assay_stats_stddev(time->processes, count) / 1e9 : NAN);
  assay_json_put_double(json, "median", assay_stats_median(time->processes, count) / 1e9);
  mean_of(json, "user", b, "user_time", count);
  mean_of(json, "system", b, "system_time", count);
  assay_json_put_double(json, "min", low / 1e9);
  assay_json_put_double(json, "max", high / 1e9);
  per_run(json, "times", time, 1e9);
  if (memory != NULL && strcmp(memory->unit, "B") == 0) {
    assay_json_key(json, "memory_usage_byte");
    assay_json_array_inline(json);
    for (size_t i = 0; i < count; i++) assay_json_uint(json, (uint64_t)fmax(0, memory->processes[i]));
    assay_json_end(json);
  }
  exit_codes(json, whole, b, count);
  if (b->param_count > 0) {
    assay_json_key(json, "parameters");
    assay_json_object_inline(json);
    for (size_t i = 0; i < b->param_count; i++) assay_json_put_string(json, b->params[i].name, b->params[i].value);
    assay_json_end(json);
  }
  assay_json_end(json);
}

void assay_export_hyperfine(const assay_render *r) {
  assay_json json = {.out = r->out, .indent = 2};
  assay_buf scratch = {0};
  assay_json_object(&json);
  assay_json_key(&json, "results");
  assay_json_array(&json);
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    const assay_metric_result *time = assay_export_time(b);
    if (time != NULL) result(&json, r->result, b, time, &scratch);
  }
  assay_json_end(&json);
  assay_json_end(&json);
  if (scratch.failed) r->out->failed = true;
  assay_buf_deinit(&scratch);
}

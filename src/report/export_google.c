/* SPDX-License-Identifier: MIT */
/*
 * Google Benchmark's JSON, as its tools/compare.py and the many dashboards for it read it: a row of type "iteration" for each process, in
 * their order, then the aggregates over them. Times in ns. Other metrics are user counters, under their own names and in base units.
 */
#include <assay/stats.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "report/export.h"

static const char tool[] = "google-benchmark";

typedef struct family {
  const char *suite, *base_name;
  size_t index, next;
} family;

static void caches(assay_json *json, const assay_result *result) {
  assay_json_key(json, "caches");
  assay_json_array(json);
  for (unsigned i = 0; i < 16; i++) {
    static const char *const types[][2] = {{"data", "Data"}, {"instruction", "Instruction"}, {"unified", "Unified"}};
    char key[48];
    snprintf(key, sizeof key, "caches.%u.type", i);
    const char *type = assay_export_fact_text(result, key);
    if (type == NULL) break;
    for (size_t k = 0; k < sizeof types / sizeof *types; k++)
      if (strcmp(type, types[k][0]) == 0) type = types[k][1];
    assay_json_object_inline(json);
    assay_json_put_string(json, "type", type);
    snprintf(key, sizeof key, "caches.%u.level", i);
    assay_export_count(json, "level", assay_export_fact(result, key));
    snprintf(key, sizeof key, "caches.%u.size_bytes", i);
    assay_export_count(json, "size", assay_export_fact(result, key));
    snprintf(key, sizeof key, "caches.%u.shared_by_threads", i);
    assay_export_count(json, "num_sharing", assay_export_fact(result, key));
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void context(assay_json *json, const assay_result *result) {
  const assay_run_info *run = &result->run;
  char when[ASSAY_REPORT_TEXT];
  double hz = assay_export_fact(result, "cpu.frequency_max_hz");
  if (!isfinite(hz)) hz = assay_export_fact(result, "cpu.frequency_current_hz");
  const char *governor = assay_export_fact_text(result, "cpu.frequency_governor");
  char program[64] = "assay";
  if (run->command != NULL) snprintf(program, sizeof program, "%.*s", (int)strcspn(run->command, " "), run->command);
  assay_export_when(run->started_at_s, when);
  assay_json_key(json, "context");
  assay_json_object(json);
  assay_json_put_string(json, "date", when);
  assay_json_put_string(json, "host_name", run->host != NULL ? run->host : result->machine_label);
  assay_json_put_string(json, "executable", program);
  assay_export_count(json, "num_cpus", assay_export_fact(result, "cpu.threads"));
  assay_export_count(json, "mhz_per_cpu", hz / 1e6);
  assay_json_key(json, "cpu_scaling_enabled");
  if (governor != NULL)
    assay_json_bool(json, strcmp(governor, "performance") != 0);
  else
    assay_json_null(json);
  caches(json, result);
  assay_json_key(json, "load_avg");
  assay_json_array_inline(json);
  assay_json_end(json);
  assay_json_put_string(json, "library_build_type", "release");
  assay_json_put_string(json, "assay_version", run->version);
  assay_json_put_string(json, "assay_run", run->id);
  assay_json_put_string(json, "assay_command", run->command);
  assay_json_put_string(json, "assay_replicate", assay_export_replicate(result));
  assay_json_put_string(json, "assay_machine", result->machine_label);
  assay_json_put_string(json, "assay_machine_id", result->machine_id);
  if (run->commit != NULL) assay_json_put_string(json, "assay_commit", run->commit);
  assay_json_end(json);
}

/* ---- Rows --------------------------------------------------------------------------------------------------------------------------- */

/* What one row is of: a process (aggregate NULL) or a figure over all of them. */
typedef struct row {
  const assay_benchmark_result *bench;
  const assay_metric_result *time, *cpu; /* cpu NULL: not measured */
  const char *name;
  size_t family, instance, process;
  const char *aggregate;
} row;

static double aggregate_of(const char *which, const assay_metric_result *m) {
  double mean = assay_stats_mean(m->processes, m->process_count);
  if (strcmp(which, "mean") == 0) return mean;
  if (strcmp(which, "median") == 0) return assay_stats_median(m->processes, m->process_count);
  double spread = assay_stats_stddev(m->processes, m->process_count);
  return strcmp(which, "cv") == 0 ? spread / mean : spread;
}

static double figure(const row *r, const assay_metric_result *m) {
  return r->aggregate != NULL ? aggregate_of(r->aggregate, m) : m->processes[r->process];
}

/* Keys of a row; a metric of the same name would make it ambiguous. */
static bool is_reserved(const char *name) {
  static const char *const keys[] = {"name",
                                     "run_name",
                                     "run_type",
                                     "repetitions",
                                     "repetition_index",
                                     "threads",
                                     "iterations",
                                     "real_time",
                                     "cpu_time",
                                     "time_unit",
                                     "family_index",
                                     "per_family_instance_index",
                                     "aggregate_name",
                                     "aggregate_unit",
                                     "label",
                                     "error_occurred",
                                     "error_message",
                                     "skipped",
                                     "skip_message",
                                     "complexity",
                                     "big_o",
                                     "rms"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(keys[i], name) == 0) return true;
  return false;
}

static double threads_of(const assay_benchmark_result *b) {
  for (size_t i = 0; i < b->param_count; i++)
    if (strcmp(b->params[i].name, "threads") == 0 && b->params[i].value[0] >= '1' && b->params[i].value[0] <= '9')
      return assay_strtod(b->params[i].value, NULL);
  return 1;
}

/* How many samples stand behind a process: what there is of an iteration count. */
static double iterations_of(const row *r) {
  const assay_metric_result *m = r->time;
  if (r->aggregate != NULL) return (double)m->process_count;
  if (m->sample_counts != NULL) return (double)m->sample_counts[r->process];
  return fmax(1, floor((double)m->stats.samples / (double)m->process_count));
}

static void begin_row(assay_json *json, const row *r, const char *suffix) {
  assay_buf name = {0};
  assay_buf_printf(&name, "%s%s%s", r->name, suffix != NULL ? "_" : "", suffix != NULL ? suffix : "");
  assay_json_object(json);
  assay_json_put_string(json, "name", name.data);
  assay_export_count(json, "family_index", (double)r->family);
  assay_export_count(json, "per_family_instance_index", (double)r->instance);
  assay_json_put_string(json, "run_name", r->name);
  assay_json_put_string(json, "run_type", suffix != NULL ? "aggregate" : "iteration");
  if (name.failed) json->out->failed = true;
  assay_buf_deinit(&name);
}

static void measured_row(assay_json *json, const row *r) {
  const assay_benchmark_result *b = r->bench;
  begin_row(json, r, r->aggregate);
  assay_export_count(json, "repetitions", (double)r->time->process_count);
  if (r->aggregate == NULL) assay_export_count(json, "repetition_index", (double)r->process);
  assay_export_count(json, "threads", threads_of(b));
  if (r->aggregate != NULL) {
    assay_json_put_string(json, "aggregate_name", r->aggregate);
    assay_json_put_string(json, "aggregate_unit", strcmp(r->aggregate, "cv") == 0 ? "percentage" : "time");
  }
  assay_export_count(json, "iterations", iterations_of(r));
  assay_json_put_double(json, "real_time", figure(r, r->time));
  assay_json_put_double(json, "cpu_time", figure(r, r->cpu != NULL ? r->cpu : r->time));
  assay_json_put_string(json, "time_unit", "ns");
  /* compare.py cannot do without a CPU time. */
  if (r->cpu == NULL) assay_json_put_string(json, "label", "cpu_time was not measured: real_time repeated");
  for (size_t i = 0; i < b->metric_count; i++) {
    const assay_metric_result *m = &b->metrics[i];
    bool again = assay_benchmark_metric(b, m->name) != m; /* a name that is there twice: the first counts */
    if (m != r->time && m->process_count == r->time->process_count && !is_reserved(m->name) && !again)
      assay_json_put_double(json, m->name, figure(r, m));
  }
  assay_json_end(json);
}

static void bench_rows(assay_json *json, row *r) {
  static const char *const aggregates[] = {"mean", "median", "stddev", "cv"};
  r->time = assay_export_time(r->bench);
  if (r->time == NULL) return; /* a row without times would stop compare.py, and 0 would be a lie */
  r->cpu = assay_export_metric(r->bench, "cpu_time", r->time->process_count);
  if (r->cpu == r->time) r->cpu = NULL;
  for (r->process = 0; r->process < r->time->process_count; r->process++) measured_row(json, r);
  for (size_t i = 0; r->time->process_count > 1 && i < sizeof aggregates / sizeof *aggregates; i++) {
    r->aggregate = aggregates[i];
    measured_row(json, r);
  }
}

/* Benchmarks of one function stand side by side in a result, so a family ends where the name changes. */
static void next_family(family *f, const assay_benchmark_result *b) {
  bool same = f->base_name != NULL && strcmp(f->base_name, b->base_name) == 0 && strcmp(f->suite, b->suite) == 0;
  if (f->base_name != NULL && !same) f->index++;
  f->next = same ? f->next + 1 : 0;
  f->suite = b->suite;
  f->base_name = b->base_name;
}

/* "sum/n=8" is "sum/n:8" there, where a tool that knows it finds the argument. */
static const char *name_of(const assay_result *result, const assay_benchmark_result *b, assay_buf *out) {
  assay_buf ours = {0};
  assay_buf_puts(&ours, b->base_name);
  for (size_t i = 0; i < b->param_count; i++) assay_buf_printf(&ours, "/%s=%s", b->params[i].name, b->params[i].value);
  bool usual = ours.data != NULL && strcmp(ours.data, b->name) == 0;
  assay_benchmark_result base = *b;
  base.name = usual ? b->base_name : b->name;
  assay_export_name(result, &base, tool, out);
  for (size_t i = 0; usual && i < b->param_count; i++) assay_buf_printf(out, "/%s:%s", b->params[i].name, b->params[i].value);
  if (ours.failed) out->failed = true;
  assay_buf_deinit(&ours);
  return out->data != NULL ? out->data : "";
}

void assay_export_google(const assay_render *r) {
  assay_json json = {.out = r->out, .indent = 2};
  assay_buf name = {0};
  family f = {0};
  assay_json_object(&json);
  context(&json, r->result);
  assay_json_key(&json, "benchmarks");
  assay_json_array(&json);
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    next_family(&f, b);
    row one = {.bench = b, .name = name_of(r->result, b, &name), .family = f.index, .instance = f.next};
    bench_rows(&json, &one);
  }
  assay_json_end(&json);
  assay_json_end(&json);
  if (name.failed) r->out->failed = true;
  assay_buf_deinit(&name);
}

/* SPDX-License-Identifier: MIT */
/*
 * A history of a million results: 2,000 runs of 100 benchmarks with five metrics each, documents and all. What does a trend, a comparison,
 * a list cost, from opening it on?
 *
 *     judge_history                                              a file in $TMPDIR
 *     tests/support/postgres.py build/bench/judge/judge_history  the server that $ASSAY_TEST_POSTGRES names
 *
 * The first run is written as a run writes itself; the others are made of it in SQL, run by run, in words that both databases take.
 */
#include <assay/compare.h>
#include <assay/history.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/random.h"
#include "history/db.h"
#include "os/prim.h"

enum { RUNS = 2000, BENCHMARKS = 100, METRICS = 5, PROCESSES = 10, MANY = 1000, TRIES = 9, POINTS = 1000, MANY_METRICS = 3 };
static const double BAR_MS = 100;
static const char machine[] = "00112233aabbccdd";

static assay_error problem;

static void must(assay_status status) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "judge_history: %s\n", problem.message);
  exit(2);
}

static double now_ms(void) { return (double)assay_os_now_ns() / 1e6; }

/* ---- Filling ------------------------------------------------------------------------------------------------------------------ */

static assay_metric_result made_metric(size_t nth, double *processes, assay_random *random) {
  static const char *const names[METRICS] = {"time", "items_per_second", "allocations", "peak_rss", "latency"};
  static const char *const units[METRICS] = {"ns", "items/s", "count", "B", "ns"};
  static const assay_metric_kind kinds[METRICS] = {ASSAY_KIND_TIME, ASSAY_KIND_THROUGHPUT, ASSAY_KIND_COUNT, ASSAY_KIND_MEMORY,
                                                   ASSAY_KIND_LATENCY};
  for (size_t p = 0; p < PROCESSES; p++) processes[p] = 1000 * (double)(nth + 1) * (1 + 0.02 * assay_random_unit(random));
  double value = processes[0];
  return (assay_metric_result){.name = names[nth],
                               .unit = units[nth],
                               .kind = kinds[nth],
                               .better = nth == 1 ? ASSAY_HIGHER : ASSAY_LOWER,
                               .value = value,
                               .ci_low = value * 0.987654321,
                               .ci_high = value * 1.0123456789,
                               .stats = {PROCESSES, 2970, 31, value, value * 1.01, value * 0.0123, value * 0.97, value * 1.3, value,
                                         value * 1.02, value * 1.04, value * 1.1, NAN, value * 0.987654321, value * 1.0123456789},
                               .process_count = PROCESSES,
                               .processes = processes,
                               .ceiling = nth == 0 ? "l1.read" : NULL,
                               .ceiling_value = nth == 0 ? 600 : NAN,
                               .ceiling_share = nth == 0 ? 0.6 : NAN};
}

/* A run as large as one of a real suite. */
static assay_result *made_run(const char *id, int64_t at_s, size_t benchmarks, size_t metrics) {
  assay_result *result = NULL;
  assay_random random;
  assay_random_init(&random, 42);
  must(assay_result_create(&problem, &result));
  result->run.id = assay_result_text(result, id);
  result->run.version = "0.1.0";
  result->run.commit = "1000000000000000000000001000000000000001";
  result->run.started_at_s = at_s;
  result->run.duration_s = 300;
  result->run.processes = PROCESSES;
  result->machine_id = machine;
  result->machine_label = "A machine, 2 cores";
  for (size_t b = 0; b < benchmarks; b++) {
    char name[40];
    double processes[METRICS][PROCESSES];
    assay_metric_result values[METRICS];
    snprintf(name, sizeof name, benchmarks == MANY ? "large/n=%zu" : "operation/n=%zu/type=f32", b);
    for (size_t m = 0; m < metrics; m++) values[m] = made_metric(m, processes[m], &random);
    assay_benchmark_result benchmark = {.name = name,
                                        .suite = "performance",
                                        .base_name = "operation",
                                        .metric_count = metrics,
                                        .metrics = values,
                                        .steady = ASSAY_STEADY_YES,
                                        .set_aside_ratio = 0.01,
                                        .set_aside_why = "2 preempted, 1 migrated",
                                        .clock_resolution_ns = 1,
                                        .clock_cost_ns = 21.7,
                                        .counters_cause = "perf_event_open: Permission denied (kernel.perf_event_paranoid is 3)"};
    must(assay_result_add_benchmark(result, &benchmark, &problem));
  }
  return result;
}

/* The first run again, RUNS - 1 times, an hour apart. */
#define OTHER_RUNS "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
static const char *const multiply[] = {
    OTHER_RUNS
    "INSERT INTO runs(id, machine_id, started_at_s, duration_s, state, quick, version, commit_id, document) SELECT "
    "'' || (1000000000000000 + i), machine_id, started_at_s + 3600 * i, duration_s, state, quick, version, "
    "'100000000000000000000000' || (1000000000000000 + i), document FROM runs, n WHERE runs.key = 1 ORDER BY i",
    "INSERT INTO benchmarks(run, suite, name, status, position, document) SELECT r.key, b.suite, b.name, b.status, b.position, b.document "
    "FROM runs r JOIN benchmarks b ON b.run = 1 WHERE r.key > 1 ORDER BY r.key, b.position",
    "INSERT INTO points(series, at_s, run, value, ci_low, ci_high) SELECT p.series, r.started_at_s, r.key, "
    "p.value * (1 + 0.00001 * ((r.key * 7919 + p.series * 104729) % 1999)), p.ci_low, p.ci_high "
    "FROM runs r JOIN points p ON p.run = 1 WHERE r.key > 1 ORDER BY r.key, p.series"};

static void fill(assay_history *history, bool is_file) {
  /* Only while it is made: a gigabyte need not go through the log. */
  if (is_file) must(history->driver->script(history, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", &problem));
  assay_result *first = made_run("1000000000000001", 1700000000, BENCHMARKS, METRICS);
  must(assay_history_put_result(history, first, &problem));
  assay_result_destroy(first);
  must(history->driver->begin(history, &problem));
  for (size_t i = 0; i < sizeof multiply / sizeof *multiply; i++) must(history->driver->script(history, multiply[i], &problem));
  must(history->driver->finish(history, ASSAY_OK, &problem));
  if (!is_file) must(history->driver->script(history, "VACUUM ANALYZE points", &problem)); /* the server does so by itself, later */
}

/* ---- Questions ---------------------------------------------------------------------------------------------------------------- */

static size_t series(assay_history *history, int attempt, size_t limit) {
  char name[40];
  assay_history_point *points = NULL;
  size_t count = 0;
  snprintf(name, sizeof name, "operation/n=%d/type=f32", (attempt * 37) % BENCHMARKS);
  must(assay_history_series(history, machine, "performance", name, "time", limit, &problem, &points, &count));
  assay_history_points_free(points);
  return count;
}

static size_t trend(assay_history *history, int attempt) { return series(history, attempt, POINTS); }
static size_t whole_trend(assay_history *history, int attempt) { return series(history, attempt, 0); }

static size_t compare(assay_history *history, int attempt) {
  assay_result *before = NULL, *after = NULL;
  assay_changes *changes = NULL;
  char which[60];
  snprintf(which, sizeof which, "%lld", 1000000000000100LL + 50 * attempt);
  must(assay_history_load(history, which, machine, &problem, &before));
  must(assay_history_load(history, "latest", machine, &problem, &after));
  must(assay_compare(before, after, NULL, &problem, &changes));
  size_t count = changes->count;
  assay_changes_destroy(changes);
  assay_result_destroy(before);
  assay_result_destroy(after);
  return count;
}

static size_t noise(assay_history *history, int attempt) {
  double sum = 0;
  for (int i = 0; i < BENCHMARKS; i++) {
    char name[40];
    double ratio = 0;
    snprintf(name, sizeof name, "operation/n=%d/type=f32", (attempt + i) % BENCHMARKS);
    must(assay_history_noise(history, machine, "performance", name, "time", &problem, &ratio));
    sum += ratio;
  }
  return sum > 0 ? BENCHMARKS : 0;
}

static size_t runs(assay_history *history, int attempt) {
  (void)attempt;
  assay_history_run *found = NULL;
  size_t count = 0;
  must(assay_history_runs(history, machine, 100, &problem, &found, &count));
  assay_history_runs_free(found);
  return count;
}

static size_t names(assay_history *history, int attempt) {
  (void)attempt;
  assay_history_name *found = NULL;
  size_t count = 0;
  must(assay_history_names(history, machine, "*n=7/*", &problem, &found, &count));
  assay_history_names_free(found);
  return count;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static const char *store_name = "SQLite";

static void row(const char *what, bool met, const char *bar, double ms, const char *beside) {
  char named[100];
  snprintf(named, sizeof named, "history in %s: %s", store_name, what);
  printf("%s  %-58s %14s %13.1f ms  %s\n", met ? "met   " : "MISSED", named, bar, ms, beside);
}

/* The median of several tries, each with a history opened anew and another series or run. */
static bool ask(const char *path, const char *what, size_t (*question)(assay_history *, int), size_t expected) {
  double took[TRIES], cpu_ms = 0;
  char beside[80];
  for (int i = 0; i < TRIES; i++) {
    assay_history *history = NULL;
    double before = now_ms();
    uint64_t cpu_before = assay_os_thread_cpu_ns();
    must(assay_history_open_read(path, &problem, &history));
    size_t count = question(history, i);
    took[i] = now_ms() - before;
    cpu_ms += (double)(assay_os_thread_cpu_ns() - cpu_before) / 1e6 / TRIES;
    assay_history_close(history);
    if (count != expected) fprintf(stderr, "judge_history: %s gave %zu instead of %zu\n", what, count, expected);
    if (count != expected) exit(2);
  }
  qsort(took, TRIES, sizeof *took, ascending);
  snprintf(beside, sizeof beside, "%.1f to %.1f with opening it; %.1f of CPU here", took[0], took[TRIES - 1], cpu_ms);
  row(what, took[TRIES / 2] < BAR_MS, "< 100 ms", took[TRIES / 2], beside);
  return took[TRIES / 2] < BAR_MS;
}

static double megabytes(const char *path) {
  struct stat file;
  if (assay_history_is_url(path) || stat(path, &file) != 0) return NAN;
  return (double)file.st_size / 1e6;
}

int main(void) {
  const char *server = getenv("ASSAY_TEST_POSTGRES");
  char *directory = NULL, path[4096], beside[100] = "";
  must(assay_os_temp_dir(&problem, &directory));
  snprintf(path, sizeof path, "%s/history.db", directory);
  if (server != NULL) snprintf(path, sizeof path, "%s", server);
  if (server != NULL) store_name = "PostgreSQL";
  assay_history *history = NULL;
  must(assay_history_open(path, &problem, &history));
  double before = now_ms();
  fill(history, server == NULL);
  double filled = now_ms();
  assay_result *large = made_run("fedcba9876543210", 1600000000, MANY, MANY_METRICS);
  assay_history_close(history);
  must(assay_history_open(path, &problem, &history));
  double made = now_ms();
  must(assay_history_put_result(history, large, &problem));
  double stored = now_ms();
  assay_result_destroy(large);
  assay_history_close(history);
  if (server == NULL) snprintf(beside, sizeof beside, "a file of %.0f MB", megabytes(path));
  row("1M points in 2,000 runs made", true, "", filled - before, beside);
  row("a run of 1,000 benchmarks stored", true, "", stored - made, "");
  bool met = ask(path, "trend of 1,000 points of 1M", trend, POINTS);
  met = ask(path, "trend of 2,000 points of 1M", whole_trend, RUNS) && met;
  met = ask(path, "compare, an older run with the latest", compare, BENCHMARKS) && met;
  met = ask(path, "noise of 100 benchmarks", noise, BENCHMARKS) && met;
  met = ask(path, "the newest 100 runs", runs, 100) && met;
  met = ask(path, "names of the series that match", names, METRICS) && met;
  assay_os_remove_tree(directory);
  assay_free(directory);
  return met ? 0 : 1;
}

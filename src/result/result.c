/* SPDX-License-Identifier: MIT */
#include <assay/result.h>

#include <string.h>

#include "result/storage.h"

assay_status assay_result_create(assay_error *err, assay_result **result) {
  assay_result *created = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *created);
  assay_result_storage *storage = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *storage);
  if (created == NULL || storage == NULL) {
    assay_free(created);
    assay_free(storage);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a result");
  }
  assay_arena_init(&storage->arena, ASSAY_TAG_RESULT);
  created->storage = storage;
  *result = created;
  return ASSAY_OK;
}

void assay_result_destroy(assay_result *result) {
  if (result == NULL) return;
  assay_arena_deinit(assay_result_arena(result));
  assay_free(result->storage);
  assay_free(result);
}

const char *assay_result_text(assay_result *result, const char *text) { return assay_arena_strdup(assay_result_arena(result), text); }

void *assay_result_room(assay_result *result, void *items, size_t count, size_t *capacity, size_t size) {
  return count < *capacity ? items : assay_arena_grow(assay_result_arena(result), items, count, capacity, size);
}

assay_status assay_result_added(const assay_result *result, assay_error *err) {
  return assay_result_arena(result)->failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a result") : ASSAY_OK;
}

/* Makes room in result-><plural>; evaluates to whether there is some. */
#define ROOM(result, plural, singular)                                                                                              \
  (assay_result_room((result), (result)->plural, (result)->singular##_count, &assay_result_storage_of(result)->singular##_capacity, \
                     sizeof *(result)->plural))

static const char *copy(assay_arena *arena, const char *text) { return assay_arena_strdup(arena, text); }

static double *copy_doubles(assay_arena *arena, const double *values, size_t count) {
  double *copied = count == 0 ? NULL : assay_arena_alloc(arena, count, sizeof *copied);
  if (copied != NULL) memcpy(copied, values, count * sizeof *copied);
  return copied;
}

static void copy_samples(assay_arena *arena, const assay_metric_result *from, assay_metric_result *to) {
  to->sample_counts = NULL;
  to->samples = NULL;
  if (from->sample_counts == NULL || from->samples == NULL || from->process_count == 0) return;
  size_t *counts = assay_arena_alloc(arena, from->process_count, sizeof *counts), total = 0;
  for (size_t p = 0; counts != NULL && p < from->process_count; p++) total += counts[p] = from->sample_counts[p];
  to->samples = copy_doubles(arena, from->samples, total);
  to->sample_counts = to->samples == NULL ? NULL : counts;
}

static assay_metric_result copy_metric(assay_arena *arena, const assay_metric_result *from) {
  assay_metric_result to = *from;
  to.recheck.against = copy(arena, from->recheck.against);
  to.recheck.reason = copy(arena, from->recheck.reason);
  to.name = copy(arena, from->name);
  to.unit = copy(arena, from->unit);
  to.ceiling = copy(arena, from->ceiling);
  to.processes = copy_doubles(arena, from->processes, from->process_count);
  copy_samples(arena, from, &to);
  return to;
}

static assay_latency_curve copy_curve(assay_arena *arena, const assay_latency_curve *from) {
  return (assay_latency_curve){
      .count = from->count,
      .quantiles = copy_doubles(arena, from->quantiles, from->count),
      .values_ns = copy_doubles(arena, from->values_ns, from->count),
  };
}

static void copy_params(assay_arena *arena, const assay_benchmark_result *from, assay_benchmark_result *to) {
  to->params = from->param_count == 0 ? NULL : assay_arena_alloc(arena, from->param_count, sizeof *to->params);
  for (size_t i = 0; to->params != NULL && i < from->param_count; i++) {
    to->params[i].name = copy(arena, from->params[i].name);
    to->params[i].value = copy(arena, from->params[i].value);
  }
}

static assay_benchmark_result copy_benchmark(assay_arena *arena, const assay_benchmark_result *from) {
  assay_benchmark_result to = *from;
  to.name = copy(arena, from->name);
  to.suite = copy(arena, from->suite);
  to.base_name = copy(arena, from->base_name);
  to.reason = copy(arena, from->reason);
  to.complexity = copy(arena, from->complexity);
  to.set_aside_why = copy(arena, from->set_aside_why);
  to.counters_cause = copy(arena, from->counters_cause);
  to.allocations_cause = copy(arena, from->allocations_cause);
  copy_params(arena, from, &to);
  to.metrics = from->metric_count == 0 ? NULL : assay_arena_alloc(arena, from->metric_count, sizeof *to.metrics);
  for (size_t i = 0; to.metrics != NULL && i < from->metric_count; i++) to.metrics[i] = copy_metric(arena, &from->metrics[i]);
  to.latency = copy_curve(arena, &from->latency);
  to.service = copy_curve(arena, &from->service);
  return to;
}

static assay_benchmark_result *find_benchmark(const assay_result *result, const char *suite, const char *name) {
  for (size_t i = 0; i < result->benchmark_count; i++) {
    assay_benchmark_result *b = &result->benchmarks[i];
    if (strcmp(b->name, name) == 0 && strcmp(b->suite, suite) == 0) return b;
  }
  return NULL;
}

assay_status assay_result_add_benchmark(assay_result *result, const assay_benchmark_result *benchmark, assay_error *err) {
  if (benchmark->name == NULL || benchmark->suite == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a benchmark in a result needs a suite and a name");
  assay_benchmark_result *place = find_benchmark(result, benchmark->suite, benchmark->name);
  assay_benchmark_result copied = copy_benchmark(assay_result_arena(result), benchmark);
  if (copied.base_name == NULL) copied.base_name = copied.name;
  if (place == NULL) {
    assay_benchmark_result *grown = ROOM(result, benchmarks, benchmark);
    if (grown != NULL) {
      result->benchmarks = grown;
      place = &grown[result->benchmark_count];
    }
  }
  assay_status status = assay_result_added(result, err);
  if (status != ASSAY_OK) return status;
  if (place == &result->benchmarks[result->benchmark_count]) result->benchmark_count++;
  *place = copied;
  return ASSAY_OK;
}

void assay_result_arrange(assay_result *result, const assay_bench_plan *plan) {
  size_t placed = 0;
  for (size_t i = 0; i < assay_bench_plan_count(plan) && placed < result->benchmark_count; i++) {
    const assay_bench_case *bench = assay_bench_plan_at(plan, i);
    assay_benchmark_result *found = find_benchmark(result, bench->suite != NULL ? bench->suite : "", bench->name);
    if (found == NULL) continue;
    assay_benchmark_result moved = *found;
    *found = result->benchmarks[placed];
    result->benchmarks[placed++] = moved;
  }
}

assay_status assay_result_add_checks(assay_result *result, const assay_check_list *checks, assay_error *err) {
  assay_arena *arena = assay_result_arena(result);
  for (size_t i = 0; i < checks->count; i++) {
    const assay_check *from = &checks->items[i];
    assay_check *grown = ROOM(result, checks, check);
    assay_check copied = {.suite = copy(arena, from->suite),
                          .name = copy(arena, from->name),
                          .status = from->status,
                          .expected = copy(arena, from->expected),
                          .measured = copy(arena, from->measured),
                          .cause = copy(arena, from->cause),
                          .recommendation = copy(arena, from->recommendation)};
    assay_status status = assay_result_added(result, err);
    if (status != ASSAY_OK) return status;
    result->checks = grown;
    result->checks[result->check_count++] = copied;
  }
  return ASSAY_OK;
}

assay_status assay_result_add_suite(assay_result *result, const char *name, assay_outcome outcome, const char *reason, assay_error *err) {
  assay_run_info *run = &result->run;
  void *grown =
      assay_result_room(result, run->suites, run->suite_count, &assay_result_storage_of(result)->suite_capacity, sizeof *run->suites);
  const char *name_copy = assay_result_text(result, name), *reason_copy = assay_result_text(result, reason);
  assay_status status = assay_result_added(result, err);
  if (status != ASSAY_OK) return status;
  run->suites = grown;
  run->suites[run->suite_count].name = name_copy;
  run->suites[run->suite_count].status = outcome;
  run->suites[run->suite_count].reason = reason_copy;
  run->suite_count++;
  return ASSAY_OK;
}

assay_status assay_result_add_sla(assay_result *result, const assay_sla_result *sla, assay_error *err) {
  assay_arena *arena = assay_result_arena(result);
  assay_sla_result *grown = ROOM(result, slas, sla), copied = *sla;
  copied.name = copy(arena, sla->name);
  copied.description = copy(arena, sla->description);
  copied.benchmark = copy(arena, sla->benchmark);
  copied.metric = copy(arena, sla->metric);
  copied.unit = copy(arena, sla->unit);
  copied.reason = copy(arena, sla->reason);
  assay_status status = assay_result_added(result, err);
  if (status != ASSAY_OK) return status;
  result->slas = grown;
  result->slas[result->sla_count++] = copied;
  return ASSAY_OK;
}

assay_status assay_result_add_recommendation(assay_result *result, const assay_recommendation *recommendation, assay_error *err) {
  assay_arena *arena = assay_result_arena(result);
  assay_recommendation *grown = ROOM(result, recommendations, recommendation), copied = *recommendation;
  copied.title = copy(arena, recommendation->title);
  copied.because = copy(arena, recommendation->because);
  copied.command = copy(arena, recommendation->command);
  assay_status status = assay_result_added(result, err);
  if (status != ASSAY_OK) return status;
  result->recommendations = grown;
  result->recommendations[result->recommendation_count++] = copied;
  return ASSAY_OK;
}

const assay_benchmark_result *assay_result_find(const assay_result *result, const char *suite, const char *name) {
  return find_benchmark(result, suite, name);
}

const assay_metric_result *assay_benchmark_metric(const assay_benchmark_result *benchmark, const char *name) {
  for (size_t i = 0; i < benchmark->metric_count; i++)
    if (strcmp(benchmark->metrics[i].name, name) == 0) return &benchmark->metrics[i];
  return NULL;
}

int assay_result_exit_code(const assay_result *result) {
  bool missed = false;
  for (size_t i = 0; i < result->benchmark_count; i++) missed |= result->benchmarks[i].status == ASSAY_OUTCOME_FAILED;
  for (size_t i = 0; i < result->check_count; i++) missed |= result->checks[i].status == ASSAY_CHECK_FAIL;
  for (size_t i = 0; i < result->sla_count; i++) missed |= result->slas[i].status == ASSAY_SLA_MISSED;
  for (size_t i = 0; i < result->run.suite_count; i++) missed |= result->run.suites[i].status == ASSAY_OUTCOME_FAILED;
  if (missed) return ASSAY_EXIT_MISSED;
  for (size_t i = 0; i < result->sla_count; i++) {
    if (result->slas[i].status == ASSAY_SLA_INCONCLUSIVE) return ASSAY_EXIT_INCONCLUSIVE;
  }
  return ASSAY_EXIT_FINE;
}

const char *assay_better_text(assay_better better) { return better == ASSAY_HIGHER ? "higher" : "lower"; }

const char *assay_replicate_text(assay_replicate replicate) {
  static const char *const texts[] = {"process", "repetition", "run", "exact"};
  return (unsigned)replicate < sizeof texts / sizeof *texts ? texts[replicate] : "unknown";
}

const char *assay_sla_status_text(assay_sla_status status) {
  static const char *const texts[] = {"met", "missed", "not_applicable", "inconclusive"};
  return (unsigned)status < sizeof texts / sizeof *texts ? texts[status] : "unknown";
}

/* SPDX-License-Identifier: MIT */
/* A baseline that only ever gets better: the benchmarks that a run improved or added are taken over, the others keep their figures. */
#include <assay/compare.h>

#include <stdio.h>
#include <string.h>

#include "base/text.h"

bool assay_baseline_takes(const assay_changes *changes, const char *suite, const char *benchmark) {
  bool better = false;
  for (size_t i = 0; i < changes->count; i++) {
    const assay_change *c = &changes->items[i];
    if (strcmp(c->benchmark, benchmark) != 0 || strcmp(c->suite, suite) != 0) continue;
    if (c->verdict == ASSAY_VERDICT_WORSE || c->verdict == ASSAY_VERDICT_CRITICAL) return false;
    /* A lighter benchmark whose time cannot be told is no better baseline. */
    if (c->is_main && c->verdict == ASSAY_VERDICT_INCONCLUSIVE) return false;
    better |= c->verdict == ASSAY_VERDICT_BETTER || c->verdict == ASSAY_VERDICT_NEW;
  }
  return better;
}

static assay_status copy_of(const assay_result *result, assay_error *err, assay_result **copy) {
  char *json = NULL;
  assay_status status = assay_result_to_json(result, err, &json);
  if (status == ASSAY_OK) status = assay_result_from_json(json, strlen(json), err, copy);
  assay_string_free(json);
  return status;
}

static const char *id_of(assay_result *merged, const assay_result *baseline, const assay_result *run) {
  char id[17];
  uint64_t hash = assay_hash(ASSAY_HASH_START, baseline->run.id, strlen(baseline->run.id));
  hash = assay_hash(hash, run->run.id, strlen(run->run.id));
  snprintf(id, sizeof id, "%016llx", (unsigned long long)hash);
  return assay_result_text(merged, id);
}

static bool has_suite(const assay_result *result, const char *name) {
  for (size_t i = 0; i < result->run.suite_count; i++)
    if (strcmp(result->run.suites[i].name, name) == 0) return true;
  return false;
}

/* It stands where the baseline stood; the history passes over it when it looks for the latest run. */
static void describe(assay_result *merged, const assay_result *baseline, const assay_result *run) {
  merged->run.id = id_of(merged, baseline, run);
  merged->run.source = assay_result_text(merged, ASSAY_SOURCE_BASELINE);
  merged->run.commit = assay_result_text(merged, run->run.commit);
  merged->run.version = assay_result_text(merged, run->run.version);
  merged->run.started_at_s = baseline->run.started_at_s;
}

assay_status assay_baseline_merge(const assay_result *baseline, const assay_result *run, const assay_changes *changes, assay_error *err,
                                  assay_result **merged) {
  assay_result *made = NULL;
  if (baseline->machine_id != NULL && run->machine_id != NULL && strcmp(baseline->machine_id, run->machine_id) != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the run is of another machine (%s) than the baseline (%s)",
                      run->machine_label != NULL ? run->machine_label : run->machine_id,
                      baseline->machine_label != NULL ? baseline->machine_label : baseline->machine_id);
  assay_status status = copy_of(baseline, err, &made);
  for (size_t i = 0; i < run->benchmark_count && status == ASSAY_OK; i++) {
    const assay_benchmark_result *b = &run->benchmarks[i];
    if (!assay_baseline_takes(changes, b->suite, b->name)) continue;
    status = assay_result_add_benchmark(made, b, err);
    if (status == ASSAY_OK && !has_suite(made, b->suite)) status = assay_result_add_suite(made, b->suite, ASSAY_OUTCOME_OK, NULL, err);
  }
  if (status != ASSAY_OK) {
    assay_result_destroy(made);
    return status;
  }
  describe(made, baseline, run);
  *merged = made;
  return ASSAY_OK;
}

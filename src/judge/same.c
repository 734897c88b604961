/* SPDX-License-Identifier: MIT */
#include "judge/same.h"

#include <string.h>

static bool same_text(const char *a, const char *b) { return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0); }

static bool same_values(const assay_metric_result *a, const assay_metric_result *b) {
  return a->process_count == b->process_count && memcmp(a->processes, b->processes, a->process_count * sizeof *a->processes) == 0;
}

/* Every figure of `a` is in `b`; *measured counts those that no second measurement would give again. */
static bool same_figures(const assay_benchmark_result *a, const assay_benchmark_result *b, size_t *measured) {
  if (a->status != b->status || a->metric_count != b->metric_count) return false;
  for (size_t i = 0; i < a->metric_count; i++) {
    const assay_metric_result *m = &a->metrics[i], *other = &b->metrics[i];
    if (strcmp(m->name, other->name) != 0 || !same_values(m, other)) return false;
    *measured += m->replicate != ASSAY_REPLICATE_EXACT && (m->kind == ASSAY_KIND_TIME || m->kind == ASSAY_KIND_THROUGHPUT);
  }
  return true;
}

bool assay_result_is_same_run(const assay_result *a, const assay_result *b) {
  size_t measured = 0;
  bool same_origin = same_text(a->run.id, b->run.id) || a->run.started_at_s == b->run.started_at_s;
  if (!same_origin || a->benchmark_count != b->benchmark_count) return false;
  for (size_t i = 0; i < a->benchmark_count; i++) {
    const assay_benchmark_result *one = &a->benchmarks[i], *other = &b->benchmarks[i];
    if (strcmp(one->name, other->name) != 0 || !same_text(one->suite, other->suite) || !same_figures(one, other, &measured)) return false;
  }
  return measured > 0;
}

void assay_changes_refuse_same_run(assay_changes *changes) {
  for (size_t i = 0; i < changes->count; i++) {
    changes->items[i].verdict = ASSAY_VERDICT_INCONCLUSIVE;
    changes->items[i].reason = "both sides are the same run";
  }
  changes->same_run = true;
  assay_changes_filter(changes, NULL, NULL); /* counts anew */
}

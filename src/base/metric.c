/* SPDX-License-Identifier: MIT */
#include <assay/check.h>
#include <assay/metric.h>

#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"

static const char *const kind_texts[] = {"time", "latency", "throughput", "accuracy", "error_rate", "memory", "energy", "count"};
static const char *const outcome_texts[] = {"ok", "skipped", "unsupported", "failed"};

enum { KINDS = sizeof kind_texts / sizeof *kind_texts, OUTCOMES = sizeof outcome_texts / sizeof *outcome_texts };

const char *assay_metric_kind_text(assay_metric_kind kind) { return (unsigned)kind < KINDS ? kind_texts[kind] : "unknown"; }

bool assay_metric_kind_parse(const char *text, assay_metric_kind *kind) {
  for (unsigned i = 0; i < KINDS; i++) {
    if (strcmp(text, kind_texts[i]) == 0) {
      *kind = (assay_metric_kind)i;
      return true;
    }
  }
  return false;
}

const char *assay_outcome_text(assay_outcome outcome) { return (unsigned)outcome < OUTCOMES ? outcome_texts[outcome] : "unknown"; }

bool assay_outcome_parse(const char *text, assay_outcome *outcome) {
  for (unsigned i = 0; i < OUTCOMES; i++) {
    if (strcmp(text, outcome_texts[i]) == 0) {
      *outcome = (assay_outcome)i;
      return true;
    }
  }
  return false;
}

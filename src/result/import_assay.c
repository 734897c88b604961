/* SPDX-License-Identifier: MIT */
/*
 * Our own results. One file is taken as it is (import.c); several are put together here, all their processes side by side. What belongs to
 * a single run (ceilings, curves, limits, checks) stays behind.
 */
#include <math.h>
#include <string.h>

#include "result/import.h"

static void add_metric(assay_importer *in, assay_imported *b, const assay_metric_result *m) {
  const assay_import_metric what = {m->name, m->unit, m->kind, m->better};
  size_t at = 0;
  if (m->replicate == ASSAY_REPLICATE_RUN && m->process_count == 1) {
    assay_import_summary(in, b, &what, m->value, &m->stats);
    return;
  }
  for (size_t p = 0; p < m->process_count && assay_import_ok(in); p++) {
    if (m->replicate == ASSAY_REPLICATE_EXACT) {
      assay_import_exact(in, b, &what, m->processes[p]);
    } else if (m->sample_counts != NULL && m->sample_counts[p] > 0) {
      for (size_t i = 0; i < m->sample_counts[p]; i++) assay_import_value(in, b, &what, (unsigned)p, m->samples[at + i]);
    } else {
      assay_import_value(in, b, &what, m->replicate == ASSAY_REPLICATE_REPETITION ? 0 : (unsigned)p, m->processes[p]);
    }
    if (m->sample_counts != NULL) at += m->sample_counts[p];
  }
}

static void add_benchmark(assay_importer *in, const assay_benchmark_result *from) {
  enum { MOST_PARAMS = 64 };
  assay_import_param params[MOST_PARAMS];
  size_t count = from->param_count < MOST_PARAMS ? from->param_count : MOST_PARAMS;
  for (size_t i = 0; i < count; i++) params[i] = (assay_import_param){from->params[i].name, from->params[i].value};
  assay_imported *b = assay_import_benchmark(in, from->suite, from->base_name, params, count, from->name);
  if (from->status != ASSAY_OUTCOME_OK) assay_import_outcome(in, b, from->status, from->reason);
  for (size_t m = 0; m < from->metric_count && assay_import_ok(in); m++) add_metric(in, b, &from->metrics[m]);
}

static void read(assay_importer *in, const char *text, size_t length) {
  assay_error inner = {0};
  assay_result *result = NULL;
  assay_status status = assay_result_from_json(text, length, &inner, &result);
  if (status != ASSAY_OK) {
    if (in->status == ASSAY_OK) in->status = ASSAY_FAIL(in->err, status, "%s: %s", in->file, inner.message);
    return;
  }
  if (in->file_count == 1) {
    in->whole = result;
    return;
  }
  for (size_t i = 0; i < result->benchmark_count && assay_import_ok(in); i++) add_benchmark(in, &result->benchmarks[i]);
  assay_import_started(in, result->run.started_at_s);
  assay_import_duration(in, result->run.duration_s);
  assay_import_commit(in, result->run.commit);
  assay_import_command(in, result->run.command);
  assay_import_hardware(in, result->machine_id, result->machine_label);
  assay_import_note(in, "ceilings, percentile curves, limits and checks: they belong to a single run");
  assay_result_destroy(result);
}

static bool looks(const assay_import_look *look) {
  return assay_import_has(look, "schema") && strstr(look->text, "\"assay-result/") != NULL;
}

const assay_import_format assay_import_assay = {.name = "assay", .what = "Assay's own JSON", .looks = looks, .read_text = read};

/* SPDX-License-Identifier: MIT */
/* A comparison for other programs: schema "assay-compare/1" (docs/compare.schema.json). Keys are only ever added. */
#include <math.h>

#include "base/json.h"
#include "report/changes.h"

static void put_side(assay_json *json, const char *key, const assay_result *r, const char *label) {
  static const assay_result nothing;
  bool known = r != NULL;
  if (r == NULL) r = &nothing;
  assay_json_key(json, key);
  assay_json_object(json);
  assay_json_put_string(json, "label", label);
  assay_json_put_string(json, "run_id", r->run.id);
  assay_json_put_string(json, "name", r->run.name);
  assay_json_put_string(json, "commit", r->run.commit);
  assay_json_put_string(json, "version", r->run.version);
  assay_json_put_string(json, "source", r->run.source);
  assay_json_put_string(json, "source_version", assay_changes_source_version(r));
  assay_json_key(json, "started_at_s");
  if (known)
    assay_json_int(json, r->run.started_at_s);
  else
    assay_json_null(json);
  assay_json_put_string(json, "machine_id", r->machine_id);
  assay_json_put_string(json, "machine", r->machine_label);
  assay_json_key(json, "quick");
  assay_json_bool(json, r->run.quick);
  assay_json_end(json);
}

static void put_change(assay_json *json, const assay_change *c) {
  assay_json_object(json);
  assay_json_put_string(json, "suite", c->suite);
  assay_json_put_string(json, "benchmark", c->benchmark);
  assay_json_put_string(json, "metric", c->metric);
  assay_json_put_string(json, "unit", c->unit);
  assay_json_key(json, "is_main");
  assay_json_bool(json, c->is_main);
  assay_json_put_string(json, "kind", assay_metric_kind_text(c->kind));
  assay_json_put_string(json, "better", c->better == ASSAY_HIGHER ? "higher" : "lower");
  assay_json_put_string(json, "verdict", assay_verdict_text(c->verdict));
  assay_json_put_double(json, "before", c->before);
  assay_json_put_double(json, "after", c->after);
  assay_json_put_double(json, "change_ratio", c->change_ratio);
  assay_json_put_double(json, "ci_low", c->ci_low);
  assay_json_put_double(json, "ci_high", c->ci_high);
  assay_json_put_double(json, "p_value", c->p_value);
  assay_json_put_double(json, "q_value", c->q_value);
  assay_json_put_double(json, "threshold_warning", c->threshold.warning);
  assay_json_put_double(json, "threshold_critical", c->threshold.critical);
  assay_json_put_double(json, "noise_floor", assay_change_noise(c));
  assay_json_put_double(json, "detectable", c->detectable);
  assay_json_put_uint(json, "before_count", c->before_count);
  assay_json_put_uint(json, "after_count", c->after_count);
  assay_json_put_string(json, "reason", c->reason);
  assay_json_end(json);
}

static void put_counts(assay_json *json, const char *key, const size_t counts[ASSAY_VERDICT_COUNT]) {
  assay_json_key(json, key);
  assay_json_object(json);
  for (unsigned v = 0; v < ASSAY_VERDICT_COUNT; v++) assay_json_put_uint(json, assay_verdict_text((assay_verdict)v), counts[v]);
  assay_json_end(json);
}

void assay_changes_json(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) {
  const assay_changes *all = view->changes;
  assay_json json = {.out = out, .indent = 2};
  assay_buf text = {0};
  (void)context;
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-compare/1");
  assay_json_put_string(&json, "status", assay_regress_status_text(all->status));
  assay_json_key(&json, "exit_code");
  assay_json_int(&json, assay_changes_exit_code(all));
  assay_changes_headline(view, &text);
  assay_json_put_string(&json, "verdict", text.data);
  assay_json_key(&json, "notes");
  assay_json_array(&json);
  for (size_t i = 0;; i++) {
    assay_buf_clear(&text);
    if (!assay_changes_note(view, i, &text)) break;
    assay_json_string(&json, text.data);
  }
  assay_json_end(&json);
  if (text.failed) out->failed = true;
  assay_buf_deinit(&text);
  assay_json_put_double(&json, "alpha", all->alpha);
  assay_json_put_uint(&json, "tested", all->tested);
  assay_json_key(&json, "other_machine");
  assay_json_bool(&json, all->other_machine);
  assay_json_key(&json, "same_run");
  assay_json_bool(&json, all->same_run);
  assay_json_put_double(&json, "common_ratio", all->common_ratio);
  put_side(&json, "before", view->before, view->before_label);
  put_side(&json, "after", view->after, view->after_label);
  assay_json_put_uint(&json, "benchmarks", view->benchmarks);
  put_counts(&json, "benchmark_verdicts", view->tally);
  put_counts(&json, "verdicts", all->verdicts);
  assay_json_key(&json, "changes");
  assay_json_array(&json);
  for (size_t i = 0; i < view->count; i++) put_change(&json, view->rows[i]);
  assay_json_end(&json);
  assay_json_end(&json);
}

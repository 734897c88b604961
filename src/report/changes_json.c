/* SPDX-License-Identifier: MIT */
/* A comparison for other programs: schema "assay-compare/1" (docs/compare.schema.json). Keys are only ever added. */
#include <math.h>

#include "base/json.h"
#include "report/changes.h"

static void put_text(assay_json *json, const char *key, const char *text) {
  assay_json_key(json, key);
  assay_json_string(json, text);
}

static void put_real(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  assay_json_double(json, value);
}

static void put_count(assay_json *json, const char *key, size_t count) {
  assay_json_key(json, key);
  assay_json_uint(json, count);
}

static void put_side(assay_json *json, const char *key, const assay_result *r, const char *label) {
  static const assay_result nothing;
  bool known = r != NULL;
  if (r == NULL) r = &nothing;
  assay_json_key(json, key);
  assay_json_object(json);
  put_text(json, "label", label);
  put_text(json, "run_id", r->run.id);
  put_text(json, "name", r->run.name);
  put_text(json, "commit", r->run.commit);
  put_text(json, "version", r->run.version);
  put_text(json, "source", r->run.source);
  put_text(json, "source_version", assay_changes_source_version(r));
  assay_json_key(json, "started_at_s");
  if (known)
    assay_json_int(json, r->run.started_at_s);
  else
    assay_json_null(json);
  put_text(json, "machine_id", r->machine_id);
  put_text(json, "machine", r->machine_label);
  assay_json_key(json, "quick");
  assay_json_bool(json, r->run.quick);
  assay_json_end(json);
}

static void put_change(assay_json *json, const assay_change *c) {
  assay_json_object(json);
  put_text(json, "suite", c->suite);
  put_text(json, "benchmark", c->benchmark);
  put_text(json, "metric", c->metric);
  put_text(json, "unit", c->unit);
  assay_json_key(json, "is_main");
  assay_json_bool(json, c->is_main);
  put_text(json, "kind", assay_metric_kind_text(c->kind));
  put_text(json, "better", c->better == ASSAY_HIGHER ? "higher" : "lower");
  put_text(json, "verdict", assay_verdict_text(c->verdict));
  put_real(json, "before", c->before);
  put_real(json, "after", c->after);
  put_real(json, "change_ratio", c->change_ratio);
  put_real(json, "ci_low", c->ci_low);
  put_real(json, "ci_high", c->ci_high);
  put_real(json, "p_value", c->p_value);
  put_real(json, "q_value", c->q_value);
  put_real(json, "threshold_warning", c->threshold.warning);
  put_real(json, "threshold_critical", c->threshold.critical);
  put_real(json, "noise_floor", assay_change_noise(c));
  put_real(json, "detectable", c->detectable);
  put_count(json, "before_count", c->before_count);
  put_count(json, "after_count", c->after_count);
  put_text(json, "reason", c->reason);
  assay_json_end(json);
}

static void put_counts(assay_json *json, const char *key, const size_t counts[ASSAY_VERDICT_COUNT]) {
  assay_json_key(json, key);
  assay_json_object(json);
  for (unsigned v = 0; v < ASSAY_VERDICT_COUNT; v++) put_count(json, assay_verdict_text((assay_verdict)v), counts[v]);
  assay_json_end(json);
}

void assay_changes_json(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) {
  const assay_changes *all = view->changes;
  assay_json json = {.out = out, .indent = 2};
  assay_buf text = {0};
  (void)context;
  assay_json_object(&json);
  put_text(&json, "schema", "assay-compare/1");
  put_text(&json, "status", assay_regress_status_text(all->status));
  assay_json_key(&json, "exit_code");
  assay_json_int(&json, assay_changes_exit_code(all));
  assay_changes_headline(view, &text);
  put_text(&json, "verdict", text.data);
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
  put_real(&json, "alpha", all->alpha);
  put_count(&json, "tested", all->tested);
  assay_json_key(&json, "other_machine");
  assay_json_bool(&json, all->other_machine);
  assay_json_key(&json, "same_run");
  assay_json_bool(&json, all->same_run);
  put_real(&json, "common_ratio", all->common_ratio);
  put_side(&json, "before", view->before, view->before_label);
  put_side(&json, "after", view->after, view->after_label);
  put_count(&json, "benchmarks", view->benchmarks);
  put_counts(&json, "benchmark_verdicts", view->tally);
  put_counts(&json, "verdicts", all->verdicts);
  assay_json_key(&json, "changes");
  assay_json_array(&json);
  for (size_t i = 0; i < view->count; i++) put_change(&json, view->rows[i]);
  assay_json_end(&json);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

/* SPDX-License-Identifier: MIT */
/* What a comparison says, whatever the format: the order of its rows, its counts and its sentences. */
#include "report/changes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "report/render.h"

/* ---- Verdicts ------------------------------------------------------------------------------------------------------------------- */

static const assay_verdict_look looks[ASSAY_VERDICT_COUNT] = {
    [ASSAY_VERDICT_SAME] = {"=", "", ASSAY_TONE_PLAIN, "same"},
    [ASSAY_VERDICT_BETTER] = {"\u2713", "\u2705 ", ASSAY_TONE_GOOD, "better"},
    [ASSAY_VERDICT_WORSE] = {"\u2717", "\u274C ", ASSAY_TONE_BAD, "worse"},
    [ASSAY_VERDICT_CRITICAL] = {"\u2717", "\u274C ", ASSAY_TONE_BAD, "worse"},
    [ASSAY_VERDICT_INCONCLUSIVE] = {"?", "\u2754 ", ASSAY_TONE_UNSURE, "maybe"},
    [ASSAY_VERDICT_MISSING] = {"\u2013", "", ASSAY_TONE_UNSURE, "same"},
    [ASSAY_VERDICT_NEW] = {"+", "", ASSAY_TONE_PLAIN, "same"},
};

const assay_verdict_look *assay_verdict_look_of(assay_verdict verdict) { return &looks[verdict]; }

/* What needs a look first. Of several metrics of one benchmark, the verdict that stands first here is the benchmark's. */
static const assay_verdict order[ASSAY_VERDICT_COUNT] = {ASSAY_VERDICT_CRITICAL, ASSAY_VERDICT_WORSE,        ASSAY_VERDICT_BETTER,
                                                         ASSAY_VERDICT_MISSING,  ASSAY_VERDICT_INCONCLUSIVE, ASSAY_VERDICT_NEW,
                                                         ASSAY_VERDICT_SAME};

static int rank_of(assay_verdict verdict) {
  int rank = 0;
  while (order[rank] != verdict) rank++;
  return rank;
}

/* ---- The view ------------------------------------------------------------------------------------------------------------------- */

static double size_of(const assay_change *c) { return isfinite(c->change_ratio) ? fabs(c->change_ratio) : 0; }

static int by_weight(const void *a, const void *b) {
  const assay_change *x = *(const assay_change *const *)a, *y = *(const assay_change *const *)b;
  if (x->verdict != y->verdict) return rank_of(x->verdict) - rank_of(y->verdict);
  if (size_of(x) != size_of(y)) return size_of(x) < size_of(y) ? 1 : -1;
  int names = strcmp(x->suite, y->suite);
  if (names == 0) names = strcmp(x->benchmark, y->benchmark);
  return names != 0 ? names : strcmp(x->metric, y->metric);
}

static int by_benchmark(const void *a, const void *b) {
  const assay_change *x = *(const assay_change *const *)a, *y = *(const assay_change *const *)b;
  int names = strcmp(x->suite, y->suite);
  if (names == 0) names = strcmp(x->benchmark, y->benchmark);
  return names != 0 ? names : rank_of(x->verdict) - rank_of(y->verdict);
}

static bool is_same_benchmark(const assay_change *x, const assay_change *y) {
  return strcmp(x->benchmark, y->benchmark) == 0 && strcmp(x->suite, y->suite) == 0;
}

static void count_benchmarks(assay_changes_view *v) {
  if (v->count > 0) qsort(v->rows, v->count, sizeof *v->rows, by_benchmark);
  for (size_t i = 0; i < v->count; i++) {
    if (i > 0 && is_same_benchmark(v->rows[i - 1], v->rows[i])) continue;
    v->benchmarks++;
    v->tally[v->rows[i]->verdict]++;
  }
}

assay_status assay_changes_view_make(const assay_changes *changes, const assay_changes_context *context, assay_error *err,
                                     assay_changes_view *view) {
  assay_changes_view v = {.changes = changes,
                          .before = context->before,
                          .after = context->after,
                          .before_label = context->before_label,
                          .note = context->note,
                          .after_label = context->after_label,
                          .count = changes != NULL ? changes->count : 0};
  v.rows = assay_calloc(ASSAY_TAG_REPORT, v.count + 1, sizeof *v.rows);
  if (v.rows == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to sum up %zu changes", v.count);
  for (size_t i = 0; i < v.count; i++) v.rows[i] = &changes->items[i];
  count_benchmarks(&v);
  if (v.count > 0) qsort(v.rows, v.count, sizeof *v.rows, by_weight);
  while (v.open < v.count && rank_of(v.rows[v.open]->verdict) < rank_of(ASSAY_VERDICT_NEW)) v.open++;
  for (size_t i = v.open; i-- > 0;) {
    if (v.rows[i]->verdict == ASSAY_VERDICT_BETTER) v.best = v.rows[i];
    if (v.rows[i]->verdict == ASSAY_VERDICT_WORSE || v.rows[i]->verdict == ASSAY_VERDICT_CRITICAL) v.worst = v.rows[i];
  }
  *view = v;
  return ASSAY_OK;
}

void assay_changes_view_deinit(assay_changes_view *view) {
  assay_free(view->rows);
  *view = (assay_changes_view){0};
}

/* ---- Figures -------------------------------------------------------------------------------------------------------------------- */

/* Error rates are compared by difference: from 1 % to 2 % is a point, not 100 %. */
static const char *in_points(const assay_change *c, char *out) {
  size_t length = strlen(out);
  if (c->kind == ASSAY_KIND_ERROR_RATE && length > 1 && out[length - 1] == '%') strcpy(out + length - 1, "pp");
  return out;
}

const char *assay_change_by(const assay_change *change, double ratio, char out[ASSAY_CHANGE_TEXT]) {
  assay_report_signed_percent(ratio, out);
  return in_points(change, out);
}

const char *assay_change_size(const assay_change *change, double ratio, char out[ASSAY_CHANGE_TEXT]) {
  assay_report_percent(ratio, out);
  return in_points(change, out);
}

const char *assay_change_interval(const assay_change *change, char out[ASSAY_CHANGE_TEXT]) {
  char high[ASSAY_CHANGE_TEXT];
  out[0] = '\0';
  if (!isfinite(change->ci_low) || !isfinite(change->ci_high)) return out;
  assay_change_by(change, change->ci_low, out);
  assay_change_by(change, change->ci_high, high);
  size_t used = strlen(out);
  snprintf(out + used, ASSAY_CHANGE_TEXT - used, " to %.30s", high);
  return out;
}

const char *assay_change_q(const assay_change *change, char out[ASSAY_CHANGE_TEXT]) {
  double q = change->q_value;
  if (isnan(q)) return strcpy(out, "\u2013");
  if (q < 0.001) return strcpy(out, "<0.001");
  assay_snprintf(out, ASSAY_CHANGE_TEXT, q < 0.1 ? "%.3f" : "%.2f", q);
  return out;
}

double assay_change_noise(const assay_change *change) { return change->noise_floor > 0 ? change->noise_floor : NAN; }

static double value_in(const assay_result *result, const assay_change *c, double otherwise) {
  const assay_benchmark_result *b = result == NULL || isnan(otherwise) ? NULL : assay_result_find(result, c->suite, c->benchmark);
  const assay_metric_result *m = b == NULL ? NULL : assay_benchmark_metric(b, c->metric);
  return m == NULL ? otherwise : m->value;
}

void assay_change_values(const assay_changes_view *view, const assay_change *change, double *before, double *after) {
  *before = view->medians ? value_in(view->before, change, change->before) : change->before;
  *after = view->medians ? value_in(view->after, change, change->after) : change->after;
}

/* ---- Sentences ------------------------------------------------------------------------------------------------------------------ */

size_t assay_changes_worse(const assay_changes_view *view) {
  return view->tally[ASSAY_VERDICT_CRITICAL] + view->tally[ASSAY_VERDICT_WORSE];
}

static const char *word_of(assay_verdict verdict) { return verdict == ASSAY_VERDICT_SAME ? "the same" : assay_verdict_text(verdict); }

/* Those whose bit is set in `leave_out` are told elsewhere. */
static size_t tally(const assay_changes_view *view, unsigned leave_out, const char *before, assay_buf *out) {
  size_t told = 0;
  for (size_t k = 0; k < ASSAY_VERDICT_COUNT; k++) {
    size_t count = view->tally[order[k]];
    if (count == 0 || (leave_out >> order[k] & 1) != 0) continue;
    assay_buf_printf(out, "%s%zu %s", told++ > 0 ? ", " : before, count, word_of(order[k]));
  }
  return told;
}

void assay_changes_tally(const assay_changes_view *view, assay_buf *out) { tally(view, 0, "", out); }

static void tell_worst(const assay_changes_view *view, size_t worse, assay_buf *out) {
  char by[ASSAY_CHANGE_TEXT], interval[ASSAY_CHANGE_TEXT];
  const assay_change *c = view->worst;
  if (c == NULL) return;
  assay_buf_printf(out, ": %s%s, %s %s", c->benchmark, worse > 1 ? " most" : "", c->metric, assay_change_by(c, c->change_ratio, by));
  if (*assay_change_interval(c, interval) != '\0') assay_buf_printf(out, " (95 %% interval %s)", interval);
}

static void tell_worse(const assay_changes_view *view, assay_buf *out) {
  size_t worse = assay_changes_worse(view), critical = view->tally[ASSAY_VERDICT_CRITICAL];
  assay_buf_printf(out, "%zu of ", worse);
  assay_report_plural(out, view->benchmarks, "benchmark");
  assay_buf_puts(out, critical == worse ? " became critically worse" : " became worse");
  if (critical > 0 && critical < worse) assay_buf_printf(out, ", %zu of them critically", critical);
  tell_worst(view, worse, out);
  tally(view, 1u << ASSAY_VERDICT_CRITICAL | 1u << ASSAY_VERDICT_WORSE, "; ", out);
  assay_buf_putc(out, '.');
}

static void tell_unsure(const assay_changes_view *view, assay_buf *out) {
  size_t unsure = view->tally[ASSAY_VERDICT_INCONCLUSIVE], missing = view->tally[ASSAY_VERDICT_MISSING];
  if (unsure + missing == 0) {
    assay_buf_puts(out, "Nothing could be compared");
    tally(view, 0, ": ", out);
    assay_buf_putc(out, '.');
    return;
  }
  assay_buf_puts(out, "Nothing is known to be worse, but of ");
  assay_report_plural(out, view->benchmarks, "benchmark");
  assay_buf_putc(out, ' ');
  if (unsure > 0) assay_buf_printf(out, "%zu %s too noisy to say", unsure, unsure == 1 ? "is" : "are");
  if (missing > 0) assay_buf_printf(out, "%s%zu %s not measured again", unsure > 0 ? " and " : "", missing, missing == 1 ? "was" : "were");
  tally(view, 1u << ASSAY_VERDICT_INCONCLUSIVE | 1u << ASSAY_VERDICT_MISSING, "; ", out);
  assay_buf_putc(out, '.');
}

void assay_changes_headline(const assay_changes_view *view, assay_buf *out) {
  if (view->count == 0) {
    assay_buf_puts(out, "Nothing could be compared: the two sides have no benchmark in common.");
    return;
  }
  if (view->changes->same_run) {
    assay_buf_puts(out, "Nothing was compared: both sides are the same run.");
    return;
  }
  switch (view->changes->status) {
    case ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS:
    case ASSAY_REGRESS_HAS_REGRESSIONS: tell_worse(view, out); return;
    case ASSAY_REGRESS_INCONCLUSIVE: tell_unsure(view, out); return;
    case ASSAY_REGRESS_ALL_PASS: break;
  }
  assay_buf_puts(out, "Nothing became worse in ");
  assay_report_plural(out, view->benchmarks, "benchmark");
  tally(view, 0, ": ", out);
  assay_buf_putc(out, '.');
}

void assay_changes_rule(const assay_changes_view *view, assay_buf *out) {
  double alpha = view->changes != NULL && view->changes->alpha > 0 ? view->changes->alpha : 0.05;
  assay_buf_printf(out,
                   "A verdict needs a change beyond its threshold and beyond the noise floor, and a q-value (the p-value corrected for how "
                   "many comparisons were made, Benjamini-Hochberg) of at most %.3g; without all three, a change that looks large stays "
                   "inconclusive.",
                   alpha);
}

/* What they share is beyond the thresholds of at least half of them. */
static bool moved_together(const assay_changes *changes) {
  size_t beyond = 0, count = 0;
  if (!isfinite(changes->common_ratio)) return false;
  for (size_t i = 0; i < changes->count; i++) {
    const assay_change *c = &changes->items[i];
    if (!c->is_main || !isfinite(c->change_ratio)) continue;
    count++;
    beyond += fabs(changes->common_ratio) > c->threshold.warning;
  }
  return count > 0 && 2 * beyond >= count;
}

static const char *machine_of(const assay_result *result) {
  return result != NULL && result->machine_label != NULL ? result->machine_label : "an unknown machine";
}

bool assay_changes_note(const assay_changes_view *view, size_t index, assay_buf *out) {
  char by[ASSAY_REPORT_TEXT];
  if (view->changes == NULL) return false;
  if (view->changes->same_run && index-- == 0) {
    assay_buf_puts(out,
                   "A run always agrees with itself. If a newer one was to be tested, it is not where it was looked for: was it "
                   "measured, and stored in this history?");
    return true;
  }
  if (moved_together(view->changes) && index-- == 0) {
    double common = view->changes->common_ratio;
    assay_buf_printf(out, "Everything moved together by %s for the %s: the machine or the build, rather than one change.",
                     assay_report_percent(fabs(common), by), common > 0 ? "worse" : "better");
    return true;
  }
  if (view->changes->other_machine && index-- == 0) {
    assay_buf_printf(out, "The two sides come from different machines (%s; %s): a difference may be theirs.", machine_of(view->before),
                     machine_of(view->after));
    return true;
  }
  if (view->note != NULL && index == 0) {
    assay_buf_puts(out, view->note);
    return true;
  }
  return false;
}

const char *assay_changes_source_version(const assay_result *result) {
  for (size_t i = 0; result != NULL && i < result->fact_count; i++) {
    const assay_fact *fact = &result->facts[i];
    bool says = strcmp(fact->key, "import.tool_version") == 0 || strcmp(fact->key, "import.version") == 0;
    if (says && fact->type == ASSAY_FACT_TEXT) return fact->text;
  }
  return NULL;
}

static void tell_source(const assay_run_info *run, const char *version, assay_buf *out) {
  if (run->source == NULL && run->version != NULL)
    assay_buf_printf(out, ", Assay %s", run->version);
  else if (run->source != NULL && strcmp(run->source, ASSAY_SOURCE_BASELINE) == 0)
    assay_buf_puts(out, ", put together from several runs");
  else if (run->source != NULL)
    assay_buf_printf(out, ", from %s%s%s", run->source, version != NULL ? ", version " : "", version != NULL ? version : "");
}

void assay_changes_side(const assay_changes_view *view, bool after, assay_buf *out) {
  const assay_result *r = after ? view->after : view->before;
  const char *label = after ? view->after_label : view->before_label;
  char when[ASSAY_REPORT_TEXT];
  if (label != NULL) assay_buf_puts(out, label);
  if (r == NULL) {
    if (label == NULL) assay_buf_puts(out, "unknown");
    return;
  }
  if (r->run.id != NULL) assay_buf_printf(out, "%srun %s", label != NULL ? ": " : "", r->run.id);
  if (r->run.started_at_s > 0) assay_buf_printf(out, " of %s", assay_report_when(r->run.started_at_s, when));
  if (r->run.commit != NULL) assay_buf_printf(out, ", commit %.12s", r->run.commit);
  tell_source(&r->run, assay_changes_source_version(r), out);
  if (r->machine_label != NULL) assay_buf_printf(out, ", on %s", r->machine_label);
}

void assay_change_sentence(const assay_changes_view *view, const assay_change *change, assay_buf *out) {
  char text[ASSAY_CHANGE_TEXT];
  double before, after;
  assay_change_values(view, change, &before, &after);
  if (change->verdict == ASSAY_VERDICT_MISSING) {
    assay_buf_printf(out, "%s was %s before, and was not measured again", change->metric, assay_report_value(before, change->unit, text));
    return;
  }
  if (change->verdict == ASSAY_VERDICT_NEW) {
    assay_buf_printf(out, "%s is %s; there was none before", change->metric, assay_report_value(after, change->unit, text));
    return;
  }
  assay_buf_printf(out, "%s %s", change->metric, assay_change_by(change, change->change_ratio, text));
  assay_buf_printf(out, ", from %s", assay_report_value(before, change->unit, text));
  assay_buf_printf(out, " to %s (", assay_report_value(after, change->unit, text));
  if (*assay_change_interval(change, text) != '\0')
    assay_buf_printf(out, "95 %% interval %s, q %s, ", text, assay_change_q(change, (char[ASSAY_CHANGE_TEXT]){0}));
  assay_buf_printf(out, "threshold %s", assay_change_size(change, change->threshold.warning, text));
  if (!isnan(assay_change_noise(change))) assay_buf_printf(out, ", noise floor %s", assay_change_size(change, change->noise_floor, text));
  if (isfinite(change->detectable)) assay_buf_printf(out, ", detectable from %s", assay_change_size(change, change->detectable, text));
  assay_buf_putc(out, ')');
  if (change->reason != NULL) assay_buf_printf(out, "; %s", change->reason);
}

/* ---- One format ----------------------------------------------------------------------------------------------------------------- */

static void (*const writers[ASSAY_FORMAT_COUNT])(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) = {
    [ASSAY_FORMAT_JSON] = assay_changes_json,   [ASSAY_FORMAT_HTML] = assay_changes_html,
    [ASSAY_FORMAT_CSV] = assay_changes_csv,     [ASSAY_FORMAT_MARKDOWN] = assay_changes_markdown,
    [ASSAY_FORMAT_JUNIT] = assay_changes_junit, [ASSAY_FORMAT_TERMINAL] = assay_changes_terminal};

assay_status assay_report_changes(const assay_changes *changes, const assay_changes_context *context, assay_format format, assay_error *err,
                                  char **text) {
  static const assay_changes_context nothing;
  if (changes == NULL || (unsigned)format >= ASSAY_FORMAT_COUNT || writers[format] == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "report: no comparison, or no such format of one");
  if (context == NULL) context = &nothing;
  assay_changes_view view;
  assay_status status = assay_changes_view_make(changes, context, err, &view);
  if (status != ASSAY_OK) return status;
  assay_buf out = {0};
  writers[format](&view, context, &out);
  assay_changes_view_deinit(&view);
  char *rendered = assay_buf_take(&out);
  if (rendered == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the comparison");
  *text = rendered;
  return ASSAY_OK;
}

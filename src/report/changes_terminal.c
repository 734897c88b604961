/* SPDX-License-Identifier: MIT */
/* A comparison on a terminal: the sentence first, then what changed, worst first. */
#include <math.h>
#include <string.h>

#include "report/svg.h"
#include "report/term.h"

enum { VERDICT = 12, STRIP = 23, GAP = ASSAY_TERM_GAP, LEAST_NAME = 24, ROOM = 40 };

/* Widths; 0: the column is left out. */
typedef struct columns {
  size_t name, before, after, by, interval, strip, q, noise, detectable;
  double limit; /* what the end of the strip stands for */
} columns;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static assay_ink ink_of(assay_verdict verdict) {
  static const assay_ink inks[] = {[ASSAY_TONE_PLAIN] = ASSAY_INK_PLAIN,
                                   [ASSAY_TONE_GOOD] = ASSAY_INK_GOOD,
                                   [ASSAY_TONE_BAD] = ASSAY_INK_BAD,
                                   [ASSAY_TONE_UNSURE] = ASSAY_INK_UNSURE};
  return inks[assay_verdict_look_of(verdict)->tone];
}

/* ---- Which columns -------------------------------------------------------------------------------------------------------------- */

static void measure(const assay_changes_view *view, const assay_change *c, columns *w) {
  char text[ASSAY_CHANGE_TEXT];
  double before, after;
  assay_buf name = {0};
  assay_report_change_name(c, &name);
  if (name.data != NULL) w->name = larger(w->name, assay_report_columns(name.data));
  assay_buf_deinit(&name);
  assay_change_values(view, c, &before, &after);
  w->before = larger(w->before, assay_report_columns(assay_report_value(before, c->unit, text)));
  w->after = larger(w->after, assay_report_columns(assay_report_value(after, c->unit, text)));
  w->by = larger(w->by, assay_report_columns(assay_change_by(c, c->change_ratio, text)));
  w->interval = larger(w->interval, assay_report_columns(assay_change_interval(c, text)));
  /* What is known of none of them has no column. */
  if (!isnan(c->q_value)) w->q = larger(w->q, 6 /* "<0.001" */);
  if (!isnan(assay_change_noise(c)))
    w->noise = larger(w->noise, larger(5 /* "Noise" */, assay_report_columns(assay_change_size(c, c->noise_floor, text))));
  if (!isnan(c->detectable))
    w->detectable = larger(w->detectable, larger(7 /* "Detects" */, assay_report_columns(assay_change_size(c, c->detectable, text))));
  if (isfinite(c->ci_low)) w->limit = fmax(w->limit, fabs(c->ci_low));
  if (isfinite(c->ci_high)) w->limit = fmax(w->limit, fabs(c->ci_high));
  if (isfinite(c->change_ratio)) w->limit = fmax(w->limit, fabs(c->change_ratio));
}

static size_t plus(size_t column) { return column > 0 ? column + GAP : 0; }

static size_t taken(const columns *w) {
  return 2 + VERDICT + GAP + w->name + plus(w->before > 0 ? w->before + 3 + w->after : 0) + plus(w->by) + plus(w->interval) +
         plus(w->strip) + plus(w->q) + plus(w->noise) + plus(w->detectable);
}

/* Columns leave from the right of this list until the names have room. What leaves of the last three stands on a line of its own. */
static void fit(const assay_term *t, columns *w) {
  size_t full = w->name;
  if (!t->bounded) {
    w->strip = 0; /* for the eye at a terminal; a log keeps the figures */
    return;
  }
  if (w->name > ROOM) w->name = ROOM;
  size_t *const leaving[] = {&w->detectable, &w->noise, &w->q, &w->strip, &w->before, &w->interval};
  for (size_t i = 0; i < sizeof leaving / sizeof *leaving && taken(w) > t->width; i++) {
    *leaving[i] = 0;
    if (leaving[i] == &w->strip && w->name > LEAST_NAME) w->name = LEAST_NAME;
  }
  size_t others = taken(w) - w->name, room = t->width > others + 8 ? t->width - others : 8;
  w->name = full < room ? full : room;
}

static columns choose(const assay_term *t, const assay_changes_view *view, const assay_change *const *rows, size_t count) {
  columns w = {.name = 9 /* "Benchmark" */, .before = 6, .after = 5, .by = 6, .strip = STRIP, .limit = 0.02};
  for (size_t i = 0; i < count; i++) measure(view, rows[i], &w);
  if (w.interval > 0) w.interval = larger(w.interval, 13 /* "95 % interval" */);
  if (w.interval == 0) w.strip = 0; /* nothing is known of any spread */
  w.limit = assay_nice_limit(fmin(w.limit, 0.5));
  fit(t, &w);
  return w;
}

/* ---- Rows ----------------------------------------------------------------------------------------------------------------------- */

static size_t place(const columns *w, double ratio) {
  double at = (ratio / w->limit + 1) / 2 * (STRIP - 1) + 0.5;
  return at <= 0 ? 0 : at >= STRIP - 1 ? STRIP - 1 : (size_t)at;
}

/* The threshold band (·), 0 (│), the interval (─) and the change (●); what lies beyond the scale is an arrow. */
static void strip(assay_term *t, const assay_change *c, const columns *w) {
  bool known = isfinite(c->change_ratio), wide = known && isfinite(c->ci_low) && isfinite(c->ci_high);
  size_t zero = STRIP / 2, from = wide ? place(w, c->ci_low) : 1, to = wide ? place(w, c->ci_high) : 0;
  size_t low = place(w, -c->threshold.warning), high = place(w, c->threshold.warning), dot = known ? place(w, c->change_ratio) : STRIP;
  assay_term_begin(t, ink_of(c->verdict));
  for (size_t i = 0; i < STRIP; i++) {
    bool covered = i >= from && i <= to;
    const char *mark = !known ? " " : i == zero ? "\u2502" : i >= low && i <= high ? "\u00B7" : " ";
    if (covered) mark = i == zero ? "\u253C" : "\u2500";
    if (covered && i == 0 && c->ci_low < -w->limit) mark = "\u25C0";
    if (covered && i == STRIP - 1 && c->ci_high > w->limit) mark = "\u25B6";
    if (i == dot) mark = fabs(c->change_ratio) <= w->limit ? "\u25CF" : c->change_ratio < 0 ? "\u25C0" : "\u25B6";
    assay_buf_puts(t->out, mark);
  }
  assay_term_end(t, ink_of(c->verdict));
}

static void text_cell(assay_term *t, assay_ink with, const char *text, size_t width, bool right) {
  if (width == 0) return;
  assay_term_spaces(t, GAP);
  assay_term_cell(t, with, text, width, right);
}

static void figures(assay_term *t, const assay_changes_view *view, const assay_change *c, const columns *w) {
  char text[ASSAY_CHANGE_TEXT];
  double before, after;
  assay_change_values(view, c, &before, &after);
  text_cell(t, ASSAY_INK_PLAIN, assay_report_value(before, c->unit, text), w->before, true);
  if (w->before > 0) {
    assay_buf_puts(t->out, " \u2192 ");
    assay_term_cell(t, ASSAY_INK_PLAIN, assay_report_value(after, c->unit, text), w->after, false);
  }
  text_cell(t, ink_of(c->verdict), assay_change_by(c, c->change_ratio, text), w->by, true);
  text_cell(t, ASSAY_INK_PLAIN, assay_change_interval(c, text), w->interval, false);
  if (w->strip > 0) assay_term_spaces(t, GAP), strip(t, c, w);
  text_cell(t, ASSAY_INK_DIM, assay_change_q(c, text), w->q, true);
  text_cell(t, ASSAY_INK_DIM, assay_change_size(c, assay_change_noise(c), text), w->noise, true);
  text_cell(t, ASSAY_INK_DIM, assay_change_size(c, c->detectable, text), w->detectable, true);
  assay_term_newline(t);
}

/* What has no column, and why it is inconclusive; a reason that the row before had too is not said again. */
static void details(assay_term *t, const assay_change *c, const columns *w, const assay_change *previous) {
  char text[ASSAY_CHANGE_TEXT];
  assay_buf line = {0};
  size_t told = 0, indent = 2 + VERDICT + GAP;
  if (w->q == 0 && !isnan(c->q_value)) assay_buf_printf(&line, "%sq %s", told++ > 0 ? ", " : "", assay_change_q(c, text));
  if (w->noise == 0 && !isnan(assay_change_noise(c)))
    assay_buf_printf(&line, "%snoise floor %s", told++ > 0 ? ", " : "", assay_change_size(c, c->noise_floor, text));
  if (w->detectable == 0 && isfinite(c->detectable))
    assay_buf_printf(&line, "%sdetectable from %s", told++ > 0 ? ", " : "", assay_change_size(c, c->detectable, text));
  bool again = previous != NULL && previous->reason != NULL && c->reason != NULL && strcmp(previous->reason, c->reason) == 0;
  if (c->reason != NULL && !again) assay_buf_printf(&line, "%s%s", told++ > 0 ? "; " : "", c->reason);
  if (line.length > 0) assay_term_spaces(t, indent), assay_term_wrap(t, ASSAY_INK_DIM, line.data, indent, indent);
  if (line.failed) t->out->failed = true;
  assay_buf_deinit(&line);
}

static void row(assay_term *t, const assay_changes_view *view, const assay_change *c, const columns *w) {
  assay_ink with = ink_of(c->verdict);
  assay_term_put(t, with, assay_verdict_look_of(c->verdict)->glyph);
  assay_term_spaces(t, 1);
  assay_term_cell(t, with, assay_verdict_text(c->verdict), VERDICT, false);
  assay_term_spaces(t, GAP);
  assay_buf name = {0};
  assay_report_change_name(c, &name);
  if (name.failed) t->out->failed = true;
  assay_term_name(t, ASSAY_INK_PLAIN, name.data != NULL ? name.data : "", 2 + VERDICT + GAP, w->name);
  assay_buf_deinit(&name);
  figures(t, view, c, w);
}

static void scale(assay_term *t, const columns *w) {
  char end[ASSAY_REPORT_TEXT];
  assay_report_percent(w->limit, end);
  size_t side = assay_report_columns(end) + 1, half = STRIP / 2;
  assay_term_begin(t, ASSAY_INK_DIM);
  assay_buf_printf(t->out, "\u2212%s", end);
  assay_term_spaces(t, half > side ? half - side : 0);
  assay_buf_putc(t->out, '0');
  assay_term_spaces(t, half > side ? half - side : 0);
  assay_buf_printf(t->out, "+%s", end);
  assay_term_end(t, ASSAY_INK_DIM);
}

static void head(assay_term *t, const columns *w) {
  assay_term_spaces(t, 2);
  assay_term_cell(t, ASSAY_INK_DIM, "Verdict", VERDICT, false);
  text_cell(t, ASSAY_INK_DIM, "Benchmark", w->name, false);
  text_cell(t, ASSAY_INK_DIM, "Before", w->before, true);
  if (w->before > 0) assay_term_spaces(t, 3), assay_term_cell(t, ASSAY_INK_DIM, "After", w->after, false);
  text_cell(t, ASSAY_INK_DIM, "Change", w->by, true);
  text_cell(t, ASSAY_INK_DIM, "95 % interval", w->interval, false);
  if (w->strip > 0) assay_term_spaces(t, GAP), scale(t, w);
  text_cell(t, ASSAY_INK_DIM, "q", w->q, true);
  text_cell(t, ASSAY_INK_DIM, "Noise", w->noise, true);
  text_cell(t, ASSAY_INK_DIM, "Detects", w->detectable, true);
  assay_term_newline(t);
}

/* What the short headings stand for. */
static void legend(assay_term *t, const columns *w) {
  assay_buf line = {0};
  if (w->strip > 0) assay_buf_puts(&line, "Strip: the change (\u25CF) with its interval, the threshold (\u00B7), no change (\u2502). ");
  if (w->noise > 0) assay_buf_puts(&line, "Noise: what the same code shows between two runs. ");
  if (w->detectable > 0) assay_buf_puts(&line, "Detects: the smallest change that so many processes find in four of five cases. ");
  if (line.length > 0) assay_term_wrap(t, ASSAY_INK_DIM, line.data, 0, 0);
  if (line.failed) t->out->failed = true;
  assay_buf_deinit(&line);
}

/* ---- The tables ----------------------------------------------------------------------------------------------------------------- */

/* Those that stand open: of the inconclusive ones, which come last, so many may be noise that only the first are shown. */
static size_t open_rows(const assay_changes_view *view, bool all) {
  size_t unsure = 0;
  while (unsure < view->open && view->rows[view->open - 1 - unsure]->verdict == ASSAY_VERDICT_INCONCLUSIVE) unsure++;
  return all || unsure <= ASSAY_REPORT_INCONCLUSIVE ? view->open : view->open - unsure + ASSAY_REPORT_INCONCLUSIVE;
}

void assay_term_changes(assay_term *t, const assay_changes_view *view, bool all) {
  size_t shown = open_rows(view, all), end = all ? view->count : shown;
  if (end > 0) {
    columns w = choose(t, view, view->rows, end);
    head(t, &w);
    for (size_t i = 0; i < end; i++) {
      row(t, view, view->rows[i], &w);
      if (i < view->open) details(t, view->rows[i], &w, i > 0 ? view->rows[i - 1] : NULL);
    }
    legend(t, &w);
  }
  assay_buf rest = {0};
  if (shown < view->open) assay_buf_printf(&rest, "%zu more are inconclusive; the HTML report has them all. ", view->open - shown);
  bool is_same_run = view->changes != NULL && view->changes->same_run;
  if (view->tally[ASSAY_VERDICT_INCONCLUSIVE] > 0 && !is_same_run) assay_changes_rule(view, &rest);
  if (rest.length > 0) assay_term_wrap(t, ASSAY_INK_DIM, rest.data, 0, 0);
  if (rest.failed) t->out->failed = true;
  assay_buf_deinit(&rest);
}

/* ---- A comparison for itself ---------------------------------------------------------------------------------------------------- */

static void line(assay_term *t, assay_ink with, const char *title, const assay_buf *text) {
  size_t at = title != NULL ? 8 : 0;
  if (title != NULL) assay_term_cell(t, ASSAY_INK_DIM, title, at, false);
  if (text->failed) t->out->failed = true;
  assay_term_wrap(t, with, text->data != NULL ? text->data : "", at, at);
}

static assay_ink ink_of_status(assay_regress_status status) {
  return status == ASSAY_REGRESS_ALL_PASS ? ASSAY_INK_GOOD : status == ASSAY_REGRESS_INCONCLUSIVE ? ASSAY_INK_UNSURE : ASSAY_INK_BAD;
}

void assay_changes_terminal(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) {
  assay_term t = assay_term_make(out, context->width, context->color);
  assay_ink with = ink_of_status(view->changes->status);
  assay_buf text = {0};
  const char *const glyphs[] = {ASSAY_GLYPH_TICK, ASSAY_GLYPH_CROSS, ASSAY_GLYPH_CROSS, "?"};
  assay_term_put(&t, with, glyphs[view->changes->status]);
  assay_term_spaces(&t, 1);
  assay_changes_headline(view, &text);
  if (text.failed) out->failed = true;
  assay_term_wrap(&t, with, text.data != NULL ? text.data : "", 2, 2);
  for (int after = 0; after < 2; after++) {
    assay_buf_clear(&text);
    assay_changes_side(view, after, &text);
    line(&t, ASSAY_INK_PLAIN, after ? "After" : "Before", &text);
  }
  assay_buf_clear(&text);
  assay_buf_puts(&text, assay_regress_status_text(view->changes->status));
  line(&t, with, "Status", &text);
  for (size_t i = 0;; i++) {
    assay_buf_clear(&text);
    if (!assay_changes_note(view, i, &text)) break;
    line(&t, ASSAY_INK_UNSURE, "Note", &text);
  }
  assay_buf_deinit(&text);
  if (view->open > 0 || (context->all && view->count > 0)) assay_buf_putc(out, '\n');
  assay_term_changes(&t, view, context->all);
}

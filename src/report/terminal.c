/* SPDX-License-Identifier: MIT */
/* The report on a terminal: aligned by columns (not bytes), no wider than the terminal, colour only when asked for. */
#include <math.h>
#include <string.h>

#include "report/render.h"

#define TICK "\u2713"
#define CROSS "\u2717"
#define NONE "\u2013"
#define BLOCK "\u2588"

enum { DEFAULT_WIDTH = 100, MIN_WIDTH = 40, BAR = 10, SHARE = 7, NAME = 48, LEAST_NAME = 24, GAP = 2 };

typedef enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_GOOD, INK_BAD, INK_UNSURE, INK_BAR } ink;

static const char *const ink_codes[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[33m", "\033[36m"};

typedef struct terminal {
  const assay_render *r;
  assay_buf *out;
  size_t width;
  bool bounded; /* on a terminal; in a pipe no name is cut and no column left out */
  bool color;
} terminal;

static void begin(terminal *t, ink with) {
  if (t->color && with != INK_PLAIN) assay_buf_puts(t->out, ink_codes[with]);
}

static void end(terminal *t, ink with) {
  if (t->color && with != INK_PLAIN) assay_buf_puts(t->out, "\033[0m");
}

static void put(terminal *t, ink with, const char *text) {
  begin(t, with);
  assay_report_fit(t->out, text, assay_report_columns(text), false);
  end(t, with);
}

/* A cell that fills its column; what is too long loses its middle, so names go through name_cell. */
static void cell(terminal *t, ink with, const char *text, size_t columns, bool right) {
  begin(t, with);
  assay_report_fit(t->out, text, columns, right);
  end(t, with);
}

static void spaces(terminal *t, size_t count) {
  for (size_t i = 0; i < count; i++) assay_buf_putc(t->out, ' ');
}

/* The spaces that padded the last cell go: they would wrap on a narrower terminal and show up in diffs. */
static void newline(terminal *t) {
  while (t->out->length > 0 && t->out->data[t->out->length - 1] == ' ') t->out->data[--t->out->length] = '\0';
  assay_buf_putc(t->out, '\n');
}

/* Words of `text` in lines that begin at `indent`; the first line stands at `at` already. A word longer than a line stays whole. */
static void wrap(terminal *t, ink with, const char *text, size_t indent, size_t at) {
  size_t start = at;
  for (const char *p = text; *p != '\0';) {
    while (*p == ' ' || *p == '\n') p++;
    size_t bytes = strcspn(p, " \n");
    if (bytes == 0) break;
    assay_buf word = {0};
    assay_buf_append(&word, p, bytes);
    size_t columns = word.failed ? 0 : assay_report_columns(word.data);
    if (at > indent && at + (at > start) + columns > t->width) {
      newline(t);
      spaces(t, indent);
      start = at = indent;
    } else if (at > start) {
      assay_buf_putc(t->out, ' ');
      at++;
    }
    if (word.failed)
      t->out->failed = true;
    else
      put(t, with, word.data);
    assay_buf_deinit(&word);
    at += columns;
    p += bytes;
  }
  newline(t);
}

/*
 * A name in a column that begins at `indent`. One that is too long is never cut, since its end tells it from the others: it takes lines of
 * its own, broken behind slashes and spaces, and what follows stands on the next.
 */
static void name_cell(terminal *t, ink with, const char *name, size_t indent, size_t columns) {
  if (assay_report_columns(name) <= columns) {
    cell(t, with, name, columns, false);
    return;
  }
  size_t at = indent;
  for (const char *p = name; *p != '\0';) {
    size_t bytes = strcspn(p, "/ ");
    bytes += p[bytes] != '\0';
    assay_buf piece = {0};
    assay_buf_append(&piece, p, bytes);
    if (piece.failed) {
      t->out->failed = true;
      return;
    }
    size_t wide = assay_report_columns(piece.data);
    if (at > indent && at + wide > t->width) {
      newline(t);
      spaces(t, indent + 2);
      at = indent + 2;
    }
    put(t, with, piece.data);
    assay_buf_deinit(&piece);
    at += wide;
    p += bytes;
  }
  newline(t);
  spaces(t, indent + columns);
}

/* How wide a column of names becomes: all of them in a pipe, at most a part of the line on a terminal. */
static size_t name_columns(const terminal *t, size_t longest, size_t part) { return t->bounded && longest > part ? part : longest; }

static void heading(terminal *t, const char *title, const char *note) {
  assay_buf_putc(t->out, '\n');
  put(t, INK_BOLD, title);
  spaces(t, GAP);
  size_t at = assay_report_columns(title) + GAP;
  wrap(t, INK_DIM, note, at, at);
}

/* ---- A suite ------------------------------------------------------------------------------------------------------------------------ */

static const struct {
  const char *glyph;
  ink with;
} outcome_marks[] = {{TICK, INK_GOOD}, {NONE, INK_UNSURE}, {NONE, INK_DIM}, {CROSS, INK_BAD}};

/* Widths of the columns of one suite's table; 0: the column is left out. */
typedef struct columns {
  size_t name, value, half, rate, share, ceiling;
  bool bar; /* the share has a bar before its figure */
} columns;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static const char *value_text(const assay_benchmark_result *b, char out[ASSAY_REPORT_TEXT]) {
  const assay_metric_result *m = assay_report_main_metric(b);
  return m == NULL ? strcpy(out, NONE) : assay_report_value(m->value, m->unit, out);
}

static const char *half_text(const assay_benchmark_result *b, char out[ASSAY_REPORT_TEXT]) {
  const assay_metric_result *m = assay_report_main_metric(b);
  return assay_report_percent(m == NULL ? NAN : assay_report_half_ratio(m), out);
}

static const char *rate_text(const assay_benchmark_result *b, char out[ASSAY_REPORT_TEXT]) {
  const assay_metric_result *m = assay_report_rate_metric(b);
  out[0] = '\0';
  return m == NULL || m == assay_report_main_metric(b) ? out : assay_report_value(m->value, m->unit, out);
}

static void measure_row(const assay_benchmark_result *b, const char *label, size_t indent, columns *c) {
  char text[ASSAY_REPORT_TEXT];
  c->name = larger(c->name, indent + assay_report_columns(label));
  if (!assay_report_measured(b)) return;
  const assay_metric_result *bound = assay_report_bound_metric(b);
  c->value = larger(c->value, assay_report_columns(value_text(b, text)));
  c->half = larger(c->half, assay_report_columns(half_text(b, text)));
  c->rate = larger(c->rate, assay_report_columns(rate_text(b, text)));
  if (bound == NULL) return;
  c->share = BAR + SHARE;
  c->bar = true;
  c->ceiling = larger(c->ceiling, assay_report_columns(bound->ceiling));
}

static size_t taken(const columns *c) {
  size_t sum = 2;
  const size_t all[] = {c->value, c->half, c->rate, c->share, c->ceiling};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) sum += all[i] > 0 ? all[i] + GAP : 0;
  return sum;
}

/* Columns leave from the least to the most useful until the names have room; names that still have none get lines of their own. */
static void fit_columns(columns *c, size_t width) {
  size_t wanted = c->name < NAME ? c->name : NAME;
  if (taken(c) + wanted > width) c->ceiling = 0;
  if (taken(c) + wanted > width) c->rate = 0;
  if (taken(c) + wanted > width && c->bar) {
    c->bar = false;
    c->share = SHARE;
  }
  if (wanted > LEAST_NAME) wanted = LEAST_NAME;
  if (taken(c) + wanted > width) c->half = 0;
  if (taken(c) + wanted > width) c->share = 0;
  size_t room = width > taken(c) + 8 ? width - taken(c) : 8;
  if (c->name > room) c->name = room;
}

static void share_bar(terminal *t, const assay_metric_result *m) {
  double filled = m->ceiling_share * BAR + 0.5;
  size_t blocks = filled >= BAR ? BAR : filled > 0 ? (size_t)filled : 0;
  begin(t, INK_BAR);
  for (size_t i = 0; i < blocks; i++) assay_buf_puts(t->out, BLOCK);
  end(t, INK_BAR);
  begin(t, INK_DIM);
  for (size_t i = blocks; i < BAR; i++) assay_buf_puts(t->out, "\u00B7");
  end(t, INK_DIM);
}

static void share_cell(terminal *t, const assay_benchmark_result *b, const columns *c) {
  const assay_metric_result *m = assay_report_bound_metric(b);
  char text[ASSAY_REPORT_TEXT];
  if (m == NULL) {
    spaces(t, c->share);
    return;
  }
  if (c->bar) share_bar(t, m);
  cell(t, INK_PLAIN, assay_report_percent(m->ceiling_share, text), c->bar ? c->share - BAR : c->share, true);
}

static void figures(terminal *t, const assay_benchmark_result *b, const columns *c) {
  char text[ASSAY_REPORT_TEXT];
  const assay_metric_result *bound = assay_report_bound_metric(b);
  spaces(t, GAP);
  cell(t, INK_BOLD, value_text(b, text), c->value, true);
  if (c->half > 0) spaces(t, GAP), cell(t, INK_DIM, half_text(b, text), c->half, true);
  if (c->rate > 0) spaces(t, GAP), cell(t, INK_PLAIN, rate_text(b, text), c->rate, true);
  if (c->share > 0) spaces(t, GAP), share_cell(t, b, c);
  if (c->ceiling > 0) spaces(t, GAP), cell(t, INK_DIM, bound == NULL ? "" : bound->ceiling, c->ceiling, false);
  newline(t);
}

/* What a benchmark measured of its own stands under its row, and so does that not all its processes ran. */
static void notes(terminal *t, const assay_benchmark_result *b, size_t indent) {
  assay_buf note = {0};
  assay_report_partial(t->r->result, b, &note);
  if (note.length > 0) spaces(t, 4 + indent), wrap(t, INK_UNSURE, note.data, 4 + indent, 4 + indent);
  assay_buf_clear(&note);
  assay_report_own_metrics(b, &note);
  if (note.length > 0) spaces(t, 4 + indent), wrap(t, INK_PLAIN, note.data, 4 + indent, 4 + indent);
  if (note.failed) t->out->failed = true;
  assay_buf_deinit(&note);
}

static void row(terminal *t, const assay_benchmark_result *b, const char *label, size_t indent, const columns *c) {
  assay_buf partial = {0};
  assay_report_partial(t->r->result, b, &partial);
  bool doubtful = assay_report_measured(b) && (b->steady == ASSAY_STEADY_NO || partial.length > 0);
  assay_buf_deinit(&partial);
  put(t, doubtful ? INK_UNSURE : outcome_marks[b->status].with, doubtful ? "~" : outcome_marks[b->status].glyph);
  spaces(t, 1 + indent);
  name_cell(t, INK_PLAIN, label, 2 + indent, c->name - indent);
  if (assay_report_measured(b)) {
    figures(t, b, c);
    notes(t, b, indent);
    return;
  }
  spaces(t, GAP);
  size_t at = 2 + c->name + GAP;
  assay_buf why = {0};
  assay_buf_printf(&why, "%s%s%s", assay_outcome_text(b->status), b->reason != NULL ? ": " : "", b->reason != NULL ? b->reason : "");
  if (why.failed)
    t->out->failed = true;
  else
    wrap(t, outcome_marks[b->status].with, why.data, at + 24 < t->width ? at : 4, at);
  assay_buf_deinit(&why);
}

static void table_head(terminal *t, const columns *c) {
  spaces(t, 2);
  cell(t, INK_DIM, "Benchmark", c->name, false);
  if (c->value > 0) spaces(t, GAP), cell(t, INK_DIM, "Median", c->value, true);
  if (c->half > 0) spaces(t, GAP), cell(t, INK_DIM, "\u00B1 95 %", c->half, true);
  if (c->rate > 0) spaces(t, GAP), cell(t, INK_DIM, "Rate", c->rate, true);
  if (c->share > 0) spaces(t, GAP), cell(t, INK_DIM, c->bar ? "Share of ceiling" : "Share", c->share, !c->bar);
  if (c->ceiling > 0) spaces(t, GAP), cell(t, INK_DIM, "Ceiling", c->ceiling, false);
  newline(t);
}

typedef void (*row_visit)(terminal *t, const assay_benchmark_result *b, const char *label, size_t indent, columns *c);

static void visit_measure(terminal *t, const assay_benchmark_result *b, const char *label, size_t indent, columns *c) {
  (void)t;
  measure_row(b, label, indent, c);
}

static void visit_print(terminal *t, const assay_benchmark_result *b, const char *label, size_t indent, columns *c) {
  row(t, b, label, indent, c);
}

/* Every row of a suite; with `titles` also the line above each group of several. */
static void each_row(terminal *t, const char *suite, bool titles, row_visit visit, columns *c) {
  const assay_digest *d = t->r->digest;
  assay_buf label = {0};
  for (size_t g = 0; g < d->group_count; g++) {
    const assay_digest_group *group = &d->groups[g];
    if (strcmp(group->suite, suite) != 0) continue;
    size_t indent = group->count > 1 ? 2 : 0;
    if (titles && indent > 0) {
      assay_buf_clear(&label);
      assay_digest_common(d, group, &label);
      spaces(t, 2);
      put(t, INK_PLAIN, group->base_name);
      spaces(t, GAP);
      if (label.data != NULL) put(t, INK_DIM, label.data);
      newline(t);
    }
    for (size_t i = 0; i < group->count; i++) {
      assay_buf_clear(&label);
      assay_digest_label(d, group, d->order[group->first + i], &label);
      if (!label.failed) visit(t, d->order[group->first + i], label.data, indent, c);
    }
  }
  if (label.failed) t->out->failed = true;
  assay_buf_deinit(&label);
}

static void suite_table(terminal *t, const assay_digest_suite *s) {
  if (s->benchmarks == 0 && s->checks > 0 && s->status == ASSAY_OUTCOME_OK) return; /* its checks have their own table */
  assay_buf note = {0};
  if (s->status != ASSAY_OUTCOME_OK) {
    assay_buf_printf(&note, "%s%s%s", assay_outcome_text(s->status), s->reason != NULL ? ": " : "", s->reason != NULL ? s->reason : "");
  } else {
    for (unsigned i = 0, told = 0; i < 4; i++) {
      if (s->outcomes[i] > 0)
        assay_buf_printf(&note, "%s%zu %s", told++ > 0 ? ", " : "", s->outcomes[i], assay_outcome_text((assay_outcome)i));
    }
  }
  heading(t, s->name, note.data != NULL ? note.data : "");
  assay_buf_deinit(&note);
  if (s->benchmarks == 0) return;
  columns c = {.name = strlen("Benchmark"), .half = 6 /* "± 95 %" */};
  each_row(t, s->name, false, visit_measure, &c);
  if (c.value == 0)
    c.half = 0; /* nothing measured */
  else
    c.value = larger(c.value, strlen("Median"));
  if (t->bounded) fit_columns(&c, t->width);
  table_head(t, &c);
  each_row(t, s->name, true, visit_print, &c);
}

/* ---- Limits, checks, changes, recommendations --------------------------------------------------------------------------------------- */

static void slas(terminal *t) {
  static const char *const glyphs[] = {TICK, CROSS, NONE, "?"};
  static const ink inks[] = {INK_GOOD, INK_BAD, INK_DIM, INK_UNSURE};
  const assay_result *result = t->r->result;
  if (result->sla_count == 0) return;
  const size_t *counts = t->r->digest->slas;
  assay_buf note = {0};
  assay_buf_printf(&note, "%zu met, %zu missed, ", counts[ASSAY_SLA_MET], counts[ASSAY_SLA_MISSED]);
  if (counts[ASSAY_SLA_INCONCLUSIVE] > 0) assay_buf_printf(&note, "%zu inconclusive, ", counts[ASSAY_SLA_INCONCLUSIVE]);
  assay_buf_printf(&note, "%zu not applicable", counts[ASSAY_SLA_NOT_APPLICABLE]);
  heading(t, "Limits", note.data != NULL ? note.data : "");
  assay_buf_deinit(&note);
  size_t names = 0, values = 0, limits = 0;
  char value[ASSAY_REPORT_TEXT], limit[ASSAY_REPORT_TEXT];
  for (size_t i = 0; i < result->sla_count; i++) {
    const assay_sla_result *s = &result->slas[i];
    if (s->status == ASSAY_SLA_NOT_APPLICABLE) continue;
    names = larger(names, assay_report_columns(s->name));
    values = larger(values, assay_report_columns(assay_report_value(s->value, s->unit, value)));
    limits = larger(limits, assay_report_columns(assay_report_value(s->limit, s->unit, limit)));
  }
  names = name_columns(t, names, t->width * 2 / 5);
  for (size_t i = 0; i < result->sla_count; i++) {
    const assay_sla_result *s = &result->slas[i];
    if (s->status == ASSAY_SLA_NOT_APPLICABLE) continue;
    put(t, inks[s->status], glyphs[s->status]);
    spaces(t, 1);
    name_cell(t, INK_PLAIN, s->name, 2, names);
    spaces(t, GAP);
    cell(t, s->status == ASSAY_SLA_MET ? INK_BOLD : inks[s->status], assay_report_value(s->value, s->unit, value), values, true);
    assay_buf_puts(t->out, s->is_max ? "  \u2264 " : "  \u2265 ");
    cell(t, INK_PLAIN, assay_report_value(s->limit, s->unit, limit), limits, false);
    spaces(t, GAP);
    const char *note_text = s->reason != NULL ? s->reason : s->description;
    size_t at = 2 + names + GAP + values + 4 + limits + GAP;
    wrap(t, INK_DIM, note_text != NULL ? note_text : "", at + 20 < t->width ? at : 4, at);
  }
  assay_buf rest = {0};
  assay_report_not_applicable(result, &rest);
  if (rest.length > 0) put(t, INK_DIM, NONE), spaces(t, 1), wrap(t, INK_DIM, rest.data, 2, 2);
  if (rest.failed) t->out->failed = true;
  assay_buf_deinit(&rest);
}

static void checks(terminal *t) {
  static const char *const glyphs[] = {TICK, CROSS, NONE};
  static const ink inks[] = {INK_GOOD, INK_BAD, INK_DIM};
  const assay_result *result = t->r->result;
  if (result->check_count == 0) return;
  const size_t *counts = t->r->digest->checks;
  assay_buf note = {0};
  assay_buf_printf(&note, "%zu pass, %zu fail, %zu unavailable", counts[0], counts[1], counts[2]);
  heading(t, "Checks", note.data != NULL ? note.data : "");
  assay_buf_deinit(&note);
  size_t names = 0;
  for (size_t i = 0; i < result->check_count; i++) names = larger(names, assay_report_columns(result->checks[i].name));
  names = name_columns(t, names, t->width * 2 / 5);
  for (size_t i = 0; i < result->check_count; i++) {
    const assay_check *c = &result->checks[i];
    assay_buf text = {0};
    if (c->status == ASSAY_CHECK_UNAVAILABLE)
      assay_buf_printf(&text, "unavailable%s%s", c->cause != NULL ? ": " : "", c->cause != NULL ? c->cause : "");
    else
      assay_buf_printf(&text, "%s%s%s%s", c->measured != NULL ? c->measured : "", c->expected != NULL ? " (expected " : "",
                       c->expected != NULL ? c->expected : "", c->expected != NULL ? ")" : "");
    put(t, inks[c->status], glyphs[c->status]);
    spaces(t, 1);
    name_cell(t, INK_PLAIN, c->name, 2, names);
    spaces(t, GAP);
    wrap(t, c->status == ASSAY_CHECK_UNAVAILABLE ? INK_DIM : INK_PLAIN, text.data != NULL ? text.data : "", 2 + names + GAP,
         2 + names + GAP);
    assay_buf_deinit(&text);
    if (c->status != ASSAY_CHECK_FAIL || c->recommendation == NULL) continue;
    spaces(t, 2 + names + GAP);
    wrap(t, INK_UNSURE, c->recommendation, 2 + names + GAP, 2 + names + GAP);
  }
}

/* What is shown of the changes, in this order. */
static const assay_verdict news[] = {ASSAY_VERDICT_WORSE, ASSAY_VERDICT_BETTER, ASSAY_VERDICT_MISSING, ASSAY_VERDICT_INCONCLUSIVE};
enum { VERDICT = 12, BY = 9, FIGURE = 13 };

static size_t change_columns(const assay_change *c) {
  assay_buf name = {0};
  assay_report_change_name(c, &name);
  size_t wide = name.data != NULL ? assay_report_columns(name.data) : 0;
  assay_buf_deinit(&name);
  return wide;
}

static void change_row(terminal *t, const assay_change *c, size_t names, bool figured) {
  char before[ASSAY_REPORT_TEXT], after[ASSAY_REPORT_TEXT], by[ASSAY_REPORT_TEXT];
  double value_before, value_after;
  ink with = c->verdict == ASSAY_VERDICT_WORSE ? INK_BAD : c->verdict == ASSAY_VERDICT_BETTER ? INK_GOOD : INK_UNSURE;
  assay_report_change_values(t->r, c, &value_before, &value_after);
  cell(t, with, assay_verdict_text(c->verdict), VERDICT, false);
  spaces(t, GAP);
  assay_buf name = {0};
  assay_report_change_name(c, &name);
  if (name.failed) t->out->failed = true;
  name_cell(t, INK_PLAIN, name.data != NULL ? name.data : "", VERDICT + GAP, names);
  assay_buf_deinit(&name);
  spaces(t, GAP);
  cell(t, with, assay_report_signed_percent(c->change_ratio, by), BY, true);
  if (figured) {
    spaces(t, GAP);
    cell(t, INK_PLAIN, assay_report_value(value_before, c->unit, before), FIGURE, true);
    assay_buf_puts(t->out, " \u2192 ");
    cell(t, INK_PLAIN, assay_report_value(value_after, c->unit, after), FIGURE, false);
  }
  newline(t);
}

static void change_rows(terminal *t, const assay_changes *all) {
  size_t names = 0, unsure = 0;
  for (size_t k = 0; k < sizeof news / sizeof *news * all->count; k++) {
    const assay_change *c = &all->items[k % all->count];
    if (c->verdict == news[k / all->count]) names = larger(names, change_columns(c));
  }
  size_t least = VERDICT + GAP + GAP + BY, figures_too = least + GAP + FIGURE + 3 + FIGURE;
  bool figured = !t->bounded || names + figures_too <= t->width; /* else before and after leave, not the names */
  names = name_columns(t, names, t->width - (figured ? figures_too : least));
  for (size_t k = 0; k < sizeof news / sizeof *news * all->count; k++) {
    const assay_change *c = &all->items[k % all->count];
    if (c->verdict != news[k / all->count]) continue;
    if (c->verdict == ASSAY_VERDICT_INCONCLUSIVE && unsure++ >= ASSAY_REPORT_INCONCLUSIVE) continue;
    change_row(t, c, names, figured);
  }
}

static void changes(terminal *t) {
  const assay_changes *all = t->r->context->changes;
  if (all == NULL || all->count == 0) return;
  const size_t *v = t->r->digest->verdicts;
  assay_buf note = {0};
  assay_buf_printf(&note, "%zu worse, %zu better, %zu inconclusive, %zu the same", v[ASSAY_VERDICT_WORSE], v[ASSAY_VERDICT_BETTER],
                   v[ASSAY_VERDICT_INCONCLUSIVE], v[ASSAY_VERDICT_SAME]);
  if (v[ASSAY_VERDICT_NEW] > 0) assay_buf_printf(&note, ", %zu new", v[ASSAY_VERDICT_NEW]);
  if (v[ASSAY_VERDICT_MISSING] > 0) assay_buf_printf(&note, ", %zu missing", v[ASSAY_VERDICT_MISSING]);
  heading(t, "Since the previous run", note.data != NULL ? note.data : "");
  assay_buf_deinit(&note);
  change_rows(t, all);
  size_t unsure = v[ASSAY_VERDICT_INCONCLUSIVE];
  assay_buf rest = {0};
  if (unsure > ASSAY_REPORT_INCONCLUSIVE)
    assay_buf_printf(&rest, "%zu more are inconclusive; the HTML report has them all. ", unsure - ASSAY_REPORT_INCONCLUSIVE);
  if (unsure > 0) assay_buf_puts(&rest, assay_report_verdict_rule);
  if (rest.length > 0) wrap(t, INK_DIM, rest.data, 0, 0);
  if (rest.failed) t->out->failed = true;
  assay_buf_deinit(&rest);
}

static void recommendations(terminal *t) {
  const assay_result *result = t->r->result;
  if (result->recommendation_count == 0) return;
  heading(t, "Recommendations", "");
  for (size_t i = 0; i < result->recommendation_count; i++) {
    const assay_recommendation *a = &result->recommendations[i];
    assay_buf_puts(t->out, "\u2022 ");
    wrap(t, INK_BOLD, a->title, 2, 2);
    spaces(t, 2);
    wrap(t, INK_DIM, a->because, 2, 2);
    if (a->command == NULL) continue;
    assay_buf_puts(t->out, "  $ ");
    put(t, INK_PLAIN, a->command); /* whole on its line, so that it can be copied */
    newline(t);
  }
}

/* ---- The whole ---------------------------------------------------------------------------------------------------------------------- */

static void masthead(terminal *t) {
  const assay_run_info *run = &t->r->result->run;
  char when[ASSAY_REPORT_TEXT], took[ASSAY_REPORT_TEXT];
  if (t->r->result->machine_label != NULL) wrap(t, INK_BOLD, t->r->result->machine_label, 0, 0);
  assay_buf line = {0};
  assay_buf_printf(&line, "%s, %s, %u fresh process%s a benchmark%s", assay_report_when(run->started_at_s, when),
                   assay_report_took(run, took), run->processes, run->processes == 1 ? "" : "es", run->quick ? ", quick" : "");
  if (run->commit != NULL) assay_buf_printf(&line, ", commit %.12s", run->commit);
  if (run->name != NULL) assay_buf_printf(&line, ", \"%s\"", run->name);
  wrap(t, INK_DIM, line.data != NULL ? line.data : "", 0, 0);
  assay_buf_deinit(&line);
}

static void last_line(terminal *t) {
  assay_buf line = {0};
  assay_digest_headline(t->r->digest, t->r->result, &line);
  assay_buf_putc(t->out, '\n');
  int code = assay_result_exit_code(t->r->result);
  ink with = code == ASSAY_EXIT_FINE ? INK_GOOD : code == ASSAY_EXIT_INCONCLUSIVE ? INK_UNSURE : INK_BAD;
  wrap(t, t->r->digest->verdicts[ASSAY_VERDICT_WORSE] > 0 ? INK_BAD : with, line.data != NULL ? line.data : "", 0, 0);
  assay_buf_deinit(&line);
}

void assay_report_terminal(const assay_render *r) {
  size_t width = r->context->width == 0 ? DEFAULT_WIDTH : r->context->width;
  terminal t = {
      .r = r, .out = r->out, .width = width < MIN_WIDTH ? MIN_WIDTH : width, .bounded = r->context->width > 0, .color = r->context->color};
  masthead(&t);
  for (size_t i = 0; i < r->digest->suite_count; i++) suite_table(&t, &r->digest->suites[i]);
  if (r->digest->unsteady > 0) {
    assay_buf_putc(t.out, '\n');
    put(&t, INK_UNSURE, "~");
    spaces(&t, 1);
    wrap(&t, INK_DIM, "never got steady: read the figure with care", 2, 2);
  }
  checks(&t);
  slas(&t);
  changes(&t);
  recommendations(&t);
  last_line(&t);
}

/* SPDX-License-Identifier: MIT */
/* The report on a terminal: aligned by columns (not bytes), no wider than the terminal, colour only when asked for. */
#include <math.h>
#include <string.h>

#include "report/term.h"

#define BLOCK "\u2588"

enum { BAR = 10, SHARE = 7, NAME = 48, LEAST_NAME = 24, GAP = ASSAY_TERM_GAP };

/* ---- A suite ------------------------------------------------------------------------------------------------------------------------ */

static const struct {
  const char *glyph;
  assay_ink with;
} outcome_marks[] = {{ASSAY_GLYPH_TICK, ASSAY_INK_GOOD},
                     {ASSAY_GLYPH_NONE, ASSAY_INK_UNSURE},
                     {ASSAY_GLYPH_NONE, ASSAY_INK_DIM},
                     {ASSAY_GLYPH_CROSS, ASSAY_INK_BAD}};

/* Widths of the columns of one suite's table; 0: the column is left out. */
typedef struct columns {
  size_t name, value, half, rate, share, ceiling;
  bool bar; /* the share has a bar before its figure */
} columns;

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static const char *value_text(const assay_benchmark_result *b, char out[ASSAY_REPORT_TEXT]) {
  const assay_metric_result *m = assay_report_main_metric(b);
  return m == NULL ? strcpy(out, ASSAY_GLYPH_NONE) : assay_report_value(m->value, m->unit, out);
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

static void share_bar(assay_term *t, const assay_metric_result *m) {
  double filled = m->ceiling_share * BAR + 0.5;
  size_t blocks = filled >= BAR ? BAR : filled > 0 ? (size_t)filled : 0;
  assay_term_begin(t, ASSAY_INK_BAR);
  for (size_t i = 0; i < blocks; i++) assay_buf_puts(t->out, BLOCK);
  assay_term_end(t, ASSAY_INK_BAR);
  assay_term_begin(t, ASSAY_INK_DIM);
  for (size_t i = blocks; i < BAR; i++) assay_buf_puts(t->out, "\u00B7");
  assay_term_end(t, ASSAY_INK_DIM);
}

static void share_cell(assay_term *t, const assay_benchmark_result *b, const columns *c) {
  const assay_metric_result *m = assay_report_bound_metric(b);
  char text[ASSAY_REPORT_TEXT];
  if (m == NULL) {
    assay_term_spaces(t, c->share);
    return;
  }
  if (c->bar) share_bar(t, m);
  assay_term_cell(t, ASSAY_INK_PLAIN, assay_report_percent(m->ceiling_share, text), c->bar ? c->share - BAR : c->share, true);
}

static void figures(assay_term *t, const assay_benchmark_result *b, const columns *c) {
  char text[ASSAY_REPORT_TEXT];
  const assay_metric_result *bound = assay_report_bound_metric(b);
  assay_term_spaces(t, GAP);
  assay_term_cell(t, ASSAY_INK_BOLD, value_text(b, text), c->value, true);
  if (c->half > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_DIM, half_text(b, text), c->half, true);
  if (c->rate > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_PLAIN, rate_text(b, text), c->rate, true);
  if (c->share > 0) assay_term_spaces(t, GAP), share_cell(t, b, c);
  if (c->ceiling > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_DIM, bound == NULL ? "" : bound->ceiling, c->ceiling, false);
  assay_term_newline(t);
}

/* What a benchmark measured of its own stands under its row, and so does that not all its processes ran. */
static void notes(assay_term *t, const assay_benchmark_result *b, size_t indent) {
  assay_buf note = {0};
  assay_report_partial(t->r->result, b, &note);
  if (note.length > 0) assay_term_spaces(t, 4 + indent), assay_term_wrap(t, ASSAY_INK_UNSURE, note.data, 4 + indent, 4 + indent);
  assay_buf_clear(&note);
  assay_report_own_metrics(b, &note);
  if (note.length > 0) assay_term_spaces(t, 4 + indent), assay_term_wrap(t, ASSAY_INK_PLAIN, note.data, 4 + indent, 4 + indent);
  if (note.failed) t->out->failed = true;
  assay_buf_deinit(&note);
}

static void row(assay_term *t, const assay_benchmark_result *b, const char *label, size_t indent, const columns *c) {
  assay_buf partial = {0};
  assay_report_partial(t->r->result, b, &partial);
  bool doubtful = assay_report_measured(b) && (b->steady == ASSAY_STEADY_NO || partial.length > 0);
  assay_buf_deinit(&partial);
  assay_term_put(t, doubtful ? ASSAY_INK_UNSURE : outcome_marks[b->status].with, doubtful ? "~" : outcome_marks[b->status].glyph);
  assay_term_spaces(t, 1 + indent);
  assay_term_name(t, ASSAY_INK_PLAIN, label, 2 + indent, c->name - indent);
  if (assay_report_measured(b)) {
    figures(t, b, c);
    notes(t, b, indent);
    return;
  }
  assay_term_spaces(t, GAP);
  size_t at = 2 + c->name + GAP;
  assay_buf why = {0};
  assay_buf_printf(&why, "%s%s%s", assay_outcome_text(b->status), b->reason != NULL ? ": " : "", b->reason != NULL ? b->reason : "");
  if (why.failed)
    t->out->failed = true;
  else
    assay_term_wrap(t, outcome_marks[b->status].with, why.data, at + 24 < t->width ? at : 4, at);
  assay_buf_deinit(&why);
}

static void table_head(assay_term *t, const columns *c) {
  assay_term_spaces(t, 2);
  assay_term_cell(t, ASSAY_INK_DIM, "Benchmark", c->name, false);
  if (c->value > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_DIM, "Median", c->value, true);
  if (c->half > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_DIM, "\u00B1 95 %", c->half, true);
  if (c->rate > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_DIM, "Rate", c->rate, true);
  if (c->share > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_DIM, c->bar ? "Share of ceiling" : "Share", c->share, !c->bar);
  if (c->ceiling > 0) assay_term_spaces(t, GAP), assay_term_cell(t, ASSAY_INK_DIM, "Ceiling", c->ceiling, false);
  assay_term_newline(t);
}

typedef void (*row_visit)(assay_term *t, const assay_benchmark_result *b, const char *label, size_t indent, columns *c);

static void visit_measure(assay_term *t, const assay_benchmark_result *b, const char *label, size_t indent, columns *c) {
  (void)t;
  measure_row(b, label, indent, c);
}

static void visit_print(assay_term *t, const assay_benchmark_result *b, const char *label, size_t indent, columns *c) {
  row(t, b, label, indent, c);
}

/* Every row of a suite; with `titles` also the line above each group of several. */
static void each_row(assay_term *t, const char *suite, bool titles, row_visit visit, columns *c) {
  const assay_digest *d = t->r->digest;
  assay_buf label = {0};
  for (size_t g = 0; g < d->group_count; g++) {
    const assay_digest_group *group = &d->groups[g];
    if (strcmp(group->suite, suite) != 0) continue;
    size_t indent = group->count > 1 ? 2 : 0;
    if (titles && indent > 0) {
      assay_buf_clear(&label);
      assay_digest_common(d, group, &label);
      assay_term_spaces(t, 2);
      assay_term_put(t, ASSAY_INK_PLAIN, group->base_name);
      assay_term_spaces(t, GAP);
      if (label.data != NULL) assay_term_put(t, ASSAY_INK_DIM, label.data);
      assay_term_newline(t);
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

static void suite_table(assay_term *t, const assay_digest_suite *s) {
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
  assay_term_heading(t, s->name, note.data != NULL ? note.data : "");
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

/* Columns of the table of limits. */
typedef struct sla_columns {
  size_t names, values, limits;
} sla_columns;

static void sla_heading(assay_term *t) {
  const size_t *counts = t->r->digest->slas;
  assay_buf note = {0};
  assay_buf_printf(&note, "%zu met, %zu missed, ", counts[ASSAY_SLA_MET], counts[ASSAY_SLA_MISSED]);
  if (counts[ASSAY_SLA_INCONCLUSIVE] > 0) assay_buf_printf(&note, "%zu inconclusive, ", counts[ASSAY_SLA_INCONCLUSIVE]);
  assay_buf_printf(&note, "%zu not applicable", counts[ASSAY_SLA_NOT_APPLICABLE]);
  assay_term_heading(t, "Limits", note.data != NULL ? note.data : "");
  assay_buf_deinit(&note);
}

static sla_columns fit_slas(const assay_term *t) {
  const assay_result *result = t->r->result;
  sla_columns c = {0};
  char text[ASSAY_REPORT_TEXT];
  for (size_t i = 0; i < result->sla_count; i++) {
    const assay_sla_result *s = &result->slas[i];
    if (s->status == ASSAY_SLA_NOT_APPLICABLE) continue;
    c.names = larger(c.names, assay_report_columns(s->name));
    c.values = larger(c.values, assay_report_columns(assay_report_value(s->value, s->unit, text)));
    c.limits = larger(c.limits, assay_report_columns(assay_report_value(s->limit, s->unit, text)));
  }
  c.names = assay_term_name_columns(t, c.names, t->width * 2 / 5);
  return c;
}

static void sla_row(assay_term *t, const assay_sla_result *s, const sla_columns *c) {
  static const char *const glyphs[] = {ASSAY_GLYPH_TICK, ASSAY_GLYPH_CROSS, ASSAY_GLYPH_NONE, "?"};
  static const assay_ink inks[] = {ASSAY_INK_GOOD, ASSAY_INK_BAD, ASSAY_INK_DIM, ASSAY_INK_UNSURE};
  char text[ASSAY_REPORT_TEXT];
  assay_term_put(t, inks[s->status], glyphs[s->status]);
  assay_term_spaces(t, 1);
  assay_term_name(t, ASSAY_INK_PLAIN, s->name, 2, c->names);
  assay_term_spaces(t, GAP);
  assay_term_cell(t, s->status == ASSAY_SLA_MET ? ASSAY_INK_BOLD : inks[s->status], assay_report_value(s->value, s->unit, text), c->values,
                  true);
  assay_buf_puts(t->out, s->is_max ? "  \u2264 " : "  \u2265 ");
  assay_term_cell(t, ASSAY_INK_PLAIN, assay_report_value(s->limit, s->unit, text), c->limits, false);
  assay_term_spaces(t, GAP);
  const char *note = s->reason != NULL ? s->reason : s->description;
  size_t at = 2 + c->names + GAP + c->values + 4 + c->limits + GAP;
  assay_term_wrap(t, ASSAY_INK_DIM, note != NULL ? note : "", at + 20 < t->width ? at : 4, at);
}

static void slas(assay_term *t) {
  const assay_result *result = t->r->result;
  if (result->sla_count == 0) return;
  sla_heading(t);
  const sla_columns c = fit_slas(t);
  for (size_t i = 0; i < result->sla_count; i++)
    if (result->slas[i].status != ASSAY_SLA_NOT_APPLICABLE) sla_row(t, &result->slas[i], &c);
  assay_buf rest = {0};
  assay_report_not_applicable(result, &rest);
  if (rest.length > 0)
    assay_term_put(t, ASSAY_INK_DIM, ASSAY_GLYPH_NONE), assay_term_spaces(t, 1), assay_term_wrap(t, ASSAY_INK_DIM, rest.data, 2, 2);
  if (rest.failed) t->out->failed = true;
  assay_buf_deinit(&rest);
}

static void checks(assay_term *t) {
  static const char *const glyphs[] = {ASSAY_GLYPH_TICK, ASSAY_GLYPH_CROSS, ASSAY_GLYPH_NONE};
  static const assay_ink inks[] = {ASSAY_INK_GOOD, ASSAY_INK_BAD, ASSAY_INK_DIM};
  const assay_result *result = t->r->result;
  if (result->check_count == 0) return;
  const size_t *counts = t->r->digest->checks;
  assay_buf note = {0};
  assay_buf_printf(&note, "%zu pass, %zu fail, %zu unavailable", counts[0], counts[1], counts[2]);
  assay_term_heading(t, "Checks", note.data != NULL ? note.data : "");
  assay_buf_deinit(&note);
  size_t names = 0;
  for (size_t i = 0; i < result->check_count; i++) names = larger(names, assay_report_columns(result->checks[i].name));
  names = assay_term_name_columns(t, names, t->width * 2 / 5);
  for (size_t i = 0; i < result->check_count; i++) {
    const assay_check *c = &result->checks[i];
    assay_buf text = {0};
    if (c->status == ASSAY_CHECK_UNAVAILABLE)
      assay_buf_printf(&text, "unavailable%s%s", c->cause != NULL ? ": " : "", c->cause != NULL ? c->cause : "");
    else
      assay_buf_printf(&text, "%s%s%s%s", c->measured != NULL ? c->measured : "", c->expected != NULL ? " (expected " : "",
                       c->expected != NULL ? c->expected : "", c->expected != NULL ? ")" : "");
    assay_term_put(t, inks[c->status], glyphs[c->status]);
    assay_term_spaces(t, 1);
    assay_term_name(t, ASSAY_INK_PLAIN, c->name, 2, names);
    assay_term_spaces(t, GAP);
    assay_term_wrap(t, c->status == ASSAY_CHECK_UNAVAILABLE ? ASSAY_INK_DIM : ASSAY_INK_PLAIN, text.data != NULL ? text.data : "",
                    2 + names + GAP, 2 + names + GAP);
    assay_buf_deinit(&text);
    if (c->status != ASSAY_CHECK_FAIL || c->recommendation == NULL) continue;
    assay_term_spaces(t, 2 + names + GAP);
    assay_term_wrap(t, ASSAY_INK_UNSURE, c->recommendation, 2 + names + GAP, 2 + names + GAP);
  }
}

static void changes(assay_term *t) {
  const assay_changes_view *view = &t->r->digest->changes;
  if (view->count == 0) return;
  assay_buf note = {0};
  assay_changes_tally(view, &note);
  assay_term_heading(t, "Since the previous run", note.data != NULL ? note.data : "");
  assay_buf_deinit(&note);
  assay_term_changes(t, view, false);
}

static void recommendations(assay_term *t) {
  const assay_result *result = t->r->result;
  if (result->recommendation_count == 0) return;
  assay_term_heading(t, "Recommendations", "");
  for (size_t i = 0; i < result->recommendation_count; i++) {
    const assay_recommendation *a = &result->recommendations[i];
    assay_buf_puts(t->out, "\u2022 ");
    assay_term_wrap(t, ASSAY_INK_BOLD, a->title, 2, 2);
    assay_term_spaces(t, 2);
    assay_term_wrap(t, ASSAY_INK_DIM, a->because, 2, 2);
    if (a->command == NULL) continue;
    assay_buf_puts(t->out, "  $ ");
    assay_term_put(t, ASSAY_INK_PLAIN, a->command); /* whole on its line, so that it can be copied */
    assay_term_newline(t);
  }
}

/* ---- The whole ---------------------------------------------------------------------------------------------------------------------- */

static void masthead(assay_term *t) {
  const assay_run_info *run = &t->r->result->run;
  char when[ASSAY_REPORT_TEXT], took[ASSAY_REPORT_TEXT];
  if (t->r->result->machine_label != NULL) assay_term_wrap(t, ASSAY_INK_BOLD, t->r->result->machine_label, 0, 0);
  assay_buf line = {0};
  assay_buf_printf(&line, "%s, %s, ", assay_report_when(run->started_at_s, when), assay_report_took(run, took));
  assay_report_behind(t->r->result, &line);
  if (run->quick) assay_buf_puts(&line, ", quick");
  if (run->commit != NULL) assay_buf_printf(&line, ", commit %.12s", run->commit);
  if (run->name != NULL) assay_buf_printf(&line, ", \"%s\"", run->name);
  assay_term_wrap(t, ASSAY_INK_DIM, line.data != NULL ? line.data : "", 0, 0);
  assay_buf_deinit(&line);
}

static void last_line(assay_term *t) {
  assay_buf line = {0};
  assay_digest_headline(t->r->digest, t->r->result, &line);
  assay_buf_putc(t->out, '\n');
  int code = assay_result_exit_code(t->r->result);
  assay_ink with = code == ASSAY_EXIT_FINE ? ASSAY_INK_GOOD : code == ASSAY_EXIT_INCONCLUSIVE ? ASSAY_INK_UNSURE : ASSAY_INK_BAD;
  assay_term_wrap(t, assay_changes_worse(&t->r->digest->changes) > 0 ? ASSAY_INK_BAD : with, line.data != NULL ? line.data : "", 0, 0);
  assay_buf_deinit(&line);
}

void assay_report_terminal(const assay_render *r) {
  assay_term t = assay_term_make(r->out, r->context->width, r->context->color);
  t.r = r;
  masthead(&t);
  for (size_t i = 0; i < r->digest->suite_count; i++) suite_table(&t, &r->digest->suites[i]);
  if (r->digest->unsteady > 0) {
    assay_buf_putc(t.out, '\n');
    assay_term_put(&t, ASSAY_INK_UNSURE, "~");
    assay_term_spaces(&t, 1);
    assay_term_wrap(&t, ASSAY_INK_DIM, "never got steady: read the figure with care", 2, 2);
  }
  checks(&t);
  slas(&t);
  changes(&t);
  recommendations(&t);
  last_line(&t);
}

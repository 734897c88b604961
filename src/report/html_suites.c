/* SPDX-License-Identifier: MIT */
/* A table a suite: median, interval, what each fresh process gave, and the share of the ceiling that binds it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/html.h"

enum { STRIP_WIDTH = 130, BAR_WIDTH = 140, ROW_HEIGHT = 16, MIDDLE = 8 };

/* ---- Processes ---------------------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* How far the furthest process is from the median, relative to it; NaN without processes. */
static double furthest_process(const assay_metric_result *m) {
  double furthest = NAN;
  for (size_t i = 0; i < m->process_count && m->value != 0; i++)
    furthest = fmax(fabs(m->processes[i] / m->value - 1), isnan(furthest) ? 0 : furthest);
  return furthest;
}

/*
 * One scale for all strips of a suite, so that noisy benchmarks look noisy: wide enough for three out of four. What lies outside is drawn
 * at the edge, hollow.
 */
static double strip_limit(const assay_render *r, const char *suite) {
  double *all = assay_calloc(ASSAY_TAG_REPORT, r->result->benchmark_count + 1, sizeof *all);
  size_t count = 0;
  for (size_t i = 0; all != NULL && i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    if (!assay_report_measured(b) || strcmp(b->suite, suite) != 0) continue;
    double furthest = furthest_process(assay_report_main_metric(b));
    if (isfinite(furthest)) all[count++] = furthest;
  }
  double limit = 0.01;
  if (count > 0) {
    qsort(all, count, sizeof *all, by_value);
    double most = all[(count - 1) * 3 / 4];
    limit = assay_nice_limit(fmin(fmax(most, 0.001), 1));
  }
  assay_free(all);
  return limit;
}

static void strip(assay_buf *out, const assay_metric_result *m, double limit) {
  if (m->process_count == 0 || m->value == 0) return;
  assay_axis axis = {-limit, limit, false, 4, STRIP_WIDTH - 4};
  assay_svg_begin(out, "p", STRIP_WIDTH, ROW_HEIGHT, NULL);
  if (isfinite(m->ci_low) && isfinite(m->ci_high)) {
    double low = assay_axis_at(&axis, m->ci_low / m->value - 1), high = assay_axis_at(&axis, m->ci_high / m->value - 1);
    assay_svg_rect(out, "box", low, 3, fmax(high - low, 1), 10);
  }
  double middle = assay_axis_at(&axis, 0);
  assay_svg_line(out, "med", middle, 1, middle, ROW_HEIGHT - 1);
  for (size_t i = 0; i < m->process_count; i++) {
    double apart = m->processes[i] / m->value - 1;
    if (isfinite(apart)) assay_svg_dot(out, fabs(apart) > limit ? "far" : "dot", assay_axis_at(&axis, apart), MIDDLE, 2.6);
  }
  assay_svg_end(out);
}

/* ---- Share of the ceiling ----------------------------------------------------------------------------------------------------------- */

/* The interval of the share: for a cost the share is limit / value, for a rate value / limit. */
static void share_interval(const assay_metric_result *m, double *low, double *high) {
  bool cost = m->better == ASSAY_LOWER;
  *low = cost ? m->ceiling_value / m->ci_high : m->ci_low / m->ceiling_value;
  *high = cost ? m->ceiling_value / m->ci_low : m->ci_high / m->ceiling_value;
}

static void share(assay_buf *out, const assay_metric_result *m) {
  char text[ASSAY_REPORT_TEXT];
  assay_axis axis = {0, 1.1, false, 0, BAR_WIDTH};
  double full = assay_axis_at(&axis, 1), low, high;
  share_interval(m, &low, &high);
  assay_buf_puts(out, "<div>");
  assay_svg_begin(out, "p", BAR_WIDTH, ROW_HEIGHT, NULL);
  assay_svg_rect(out, "trk", 0, 4, full, 8);
  assay_svg_rect(out, "bar", 0, 4, assay_axis_at(&axis, m->ceiling_share), 8);
  assay_svg_line(out, "z", full, 1, full, ROW_HEIGHT - 1);
  if (isfinite(low) && isfinite(high) && high > low)
    assay_svg_whisker(out, assay_axis_at(&axis, low), assay_axis_at(&axis, high), MIDDLE, 2.5);
  assay_svg_end(out);
  assay_buf_printf(out, "<b>%s</b><span>", assay_report_percent(m->ceiling_share, text));
  assay_html_text(out, m->ceiling);
  assay_buf_puts(out, "</span></div>");
}

/* What the table of a suite needs: columns that would be empty are left out. */
typedef struct layout {
  double limit; /* of the strips */
  bool measured, share, rate;
} layout;

static unsigned columns_of(const layout *l) { return l->measured ? 4u + l->share + l->rate : 2; }

static layout find_layout(const assay_render *r, const char *suite) {
  layout l = {.limit = strip_limit(r, suite)};
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    if (!assay_report_measured(b) || strcmp(b->suite, suite) != 0) continue;
    const assay_metric_result *rate = assay_report_rate_metric(b);
    l.measured = true;
    l.share |= assay_report_bound_metric(b) != NULL;
    l.rate |= rate != NULL && rate != assay_report_main_metric(b);
  }
  return l;
}

/* ---- Rows --------------------------------------------------------------------------------------------------------------------------- */

/* What stands beneath a name: that processes are missing, and the benchmark's own metrics. */
static void under_name(const assay_render *r, const assay_benchmark_result *b) {
  assay_buf note = {0};
  assay_report_partial(r->result, b, &note);
  if (note.length > 0) assay_buf_putc(r->out, ' '), assay_html_mark(r->out, ASSAY_TONE_UNSURE, "~", note.data);
  assay_buf_clear(&note);
  if (assay_report_measured(b)) assay_report_own_metrics(b, &note);
  if (note.length > 0)
    assay_buf_puts(r->out, "<span class=\"sub\">"), assay_html_text(r->out, note.data), assay_buf_puts(r->out, "</span>");
  if (note.failed) r->out->failed = true;
  assay_buf_deinit(&note);
}

static void row_head(const assay_render *r, const assay_digest_group *group, const assay_benchmark_result *b) {
  const assay_metric_result *m = assay_report_main_metric(b), *bound = assay_report_bound_metric(b);
  double half = m != NULL ? assay_report_half_ratio(m) : NAN;
  /* For sorting: share and noise; "-" reads as not a number. */
  assay_buf_puts(r->out, "<tr data-k=\"");
  if (bound != NULL)
    assay_buf_printf(r->out, "%.4f", bound->ceiling_share);
  else
    assay_buf_putc(r->out, '-');
  if (isfinite(half))
    assay_buf_printf(r->out, " %.4f\"", half);
  else
    assay_buf_puts(r->out, " -\"");
  if (b->status != ASSAY_OUTCOME_OK) assay_buf_printf(r->out, " class=\"%s\"", assay_outcome_text(b->status));
  assay_buf_printf(r->out, "><th scope=\"row\" class=\"n%s\">", group->count > 1 ? " in" : "");
  if (group->count > 1) {
    assay_buf_puts(r->out, "<span class=\"full\">");
    assay_html_text(r->out, group->base_name);
    assay_buf_puts(r->out, " </span>");
  }
  assay_buf label = {0};
  assay_digest_label(r->digest, group, b, &label);
  if (label.failed) r->out->failed = true;
  assay_html_name(r->out, label.data);
  assay_buf_deinit(&label);
  if (assay_report_measured(b) && b->steady == ASSAY_STEADY_NO)
    assay_buf_putc(r->out, ' '), assay_html_mark(r->out, ASSAY_TONE_UNSURE, "~", "not steady");
  under_name(r, b);
  assay_buf_puts(r->out, "</th>");
}

static void absent_row(const assay_render *r, const assay_benchmark_result *b, const layout *l) {
  static const assay_tone tones[] = {ASSAY_TONE_PLAIN, ASSAY_TONE_PLAIN, ASSAY_TONE_UNSURE, ASSAY_TONE_BAD};
  assay_buf_printf(r->out, "<td class=\"x\" colspan=\"%u\">", columns_of(l) - 1);
  assay_html_mark(r->out, tones[b->status], b->status == ASSAY_OUTCOME_FAILED ? "\u2717" : "\u2013",
                  b->status == ASSAY_OUTCOME_OK ? "no figure" : assay_outcome_text(b->status));
  if (b->reason != NULL) assay_buf_puts(r->out, ": "), assay_html_text(r->out, b->reason);
  assay_buf_puts(r->out, "</td></tr>\n");
}

static void row(const assay_render *r, const assay_digest_group *group, const assay_benchmark_result *b, const layout *l) {
  char text[ASSAY_REPORT_TEXT];
  row_head(r, group, b);
  if (!assay_report_measured(b)) {
    absent_row(r, b, l);
    return;
  }
  const assay_metric_result *m = assay_report_main_metric(b), *bound = assay_report_bound_metric(b), *rate = assay_report_rate_metric(b);
  assay_buf_puts(r->out, "<td class=\"r v\">");
  assay_html_value(r->out, m->value, m->unit);
  assay_buf_printf(r->out, "</td><td class=\"r soft h\">\u00B1&#160;%s</td><td class=\"strip\">",
                   assay_report_percent(assay_report_half_ratio(m), text));
  strip(r->out, m, l->limit);
  assay_buf_puts(r->out, "</td>");
  if (l->share) assay_buf_puts(r->out, "<td class=\"share\">");
  if (bound != NULL) share(r->out, bound);
  if (l->share) assay_buf_puts(r->out, "</td>");
  if (l->rate) assay_buf_puts(r->out, "<td class=\"r rt\">");
  if (rate != NULL && rate != m) assay_html_value(r->out, rate->value, rate->unit);
  assay_buf_puts(r->out, l->rate ? "</td></tr>\n" : "</tr>\n");
}

static void group_rows(const assay_render *r, const assay_digest_group *group, const layout *l) {
  assay_buf_puts(r->out, "<tbody>");
  if (group->count > 1) {
    assay_buf common = {0};
    assay_digest_common(r->digest, group, &common);
    assay_buf_printf(r->out, "<tr class=\"g\"><th colspan=\"%u\" scope=\"rowgroup\">", columns_of(l));
    assay_html_text(r->out, group->base_name);
    if (common.data != NULL)
      assay_buf_puts(r->out, "<span class=\"n\">"), assay_html_text(r->out, common.data), assay_buf_puts(r->out, "</span>");
    assay_buf_puts(r->out, "</th></tr>\n");
    assay_buf_deinit(&common);
  }
  for (size_t i = 0; i < group->count; i++) row(r, group, r->digest->order[group->first + i], l);
  assay_buf_puts(r->out, "</tbody>\n");
}

static void table_head(assay_buf *out, const layout *l) {
  char text[ASSAY_REPORT_TEXT];
  assay_buf_puts(out, "<thead><tr><th>Benchmark</th>");
  if (!l->measured) {
    assay_buf_puts(out, "<th>What happened</th></tr></thead>\n");
    return;
  }
  assay_report_tick(l->limit * 100, "%", text);
  assay_buf_printf(out,
                   "<th class=\"r\">Median</th><th class=\"r\">95&#160;%% interval</th><th>Processes, from the median<span class=\"scale\">"
                   "<i>\u2212%s</i><i style=\"left:50%%\">0</i><i>+%s</i></span></th>",
                   text, text);
  if (l->share)
    assay_buf_puts(out,
                   "<th>Share of its ceiling<span class=\"scale wide\"><i>0</i><i style=\"left:45.5%\">50</i><i style=\"left:91%;"
                   "right:auto;transform:translateX(-50%)\">100&#160;%</i></span></th>");
  assay_buf_puts(out, l->rate ? "<th class=\"r\">Rate</th></tr></thead>\n" : "</tr></thead>\n");
}

static void table(const assay_render *r, const char *suite) {
  layout l = find_layout(r, suite);
  assay_buf_puts(r->out, "<div class=\"scroll\"><table class=\"suite\">");
  table_head(r->out, &l);
  for (size_t g = 0; g < r->digest->group_count; g++) {
    if (strcmp(r->digest->groups[g].suite, suite) == 0) group_rows(r, &r->digest->groups[g], &l);
  }
  assay_buf_puts(r->out, "</table></div>\n");
}

/* ---- Every figure ------------------------------------------------------------------------------------------------------------------- */

static void figure_row(assay_buf *out, const assay_benchmark_result *b, const assay_metric_result *m) {
  const assay_summary *s = &m->stats;
  assay_buf_puts(out, "<tr><th scope=\"row\" class=\"n\">");
  assay_html_text(out, b->name);
  assay_buf_puts(out, "</th><td>");
  assay_html_text(out, m->name);
  assay_buf_puts(out, "</td>");
  const double figures[] = {m->value, m->ci_low, m->ci_high, s->mean, s->stddev, s->min, s->p50, s->p90, s->p99, s->p999, s->max};
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
    assay_buf_puts(out, "<td class=\"r\">");
    assay_html_value(out, figures[i], m->unit);
    assay_buf_puts(out, "</td>");
  }
  assay_buf_printf(out, "<td class=\"r\">%zu</td><td class=\"r\">%zu</td><td class=\"r\">%zu</td></tr>\n", m->process_count, s->samples,
                   s->set_aside);
}

static void every_figure(const assay_render *r, const assay_digest_suite *s) {
  if (r->result->benchmark_count > ASSAY_HTML_MANY) {
    assay_buf_puts(r->out, "<p class=\"soft\">Every further figure of so many benchmarks is in the CSV and JSON reports.</p>\n");
    return;
  }
  assay_buf_puts(r->out, "<details><summary>Every figure of ");
  assay_html_text(r->out, s->name);
  assay_buf_puts(
      r->out,
      "</summary><div class=\"scroll\"><table><thead><tr><th>Benchmark</th><th>Metric</th><th class=\"r\">Median</th><th class=\"r\">"
      "95&#160;% from</th><th class=\"r\">to</th><th class=\"r\">Mean</th><th class=\"r\">Std. dev.</th><th class=\"r\">Min</th>"
      "<th class=\"r\">p50</th><th class=\"r\">p90</th><th class=\"r\">p99</th><th class=\"r\">p99.9</th><th class=\"r\">Max</th>"
      "<th class=\"r\">Processes</th><th class=\"r\">Samples</th><th class=\"r\">Set aside</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = r->digest->order[i];
    if (strcmp(b->suite, s->name) != 0) continue;
    for (size_t k = 0; k < b->metric_count; k++) figure_row(r->out, b, &b->metrics[k]);
  }
  assay_buf_puts(r->out, "</tbody></table></div></details>\n");
}

/* Causes that hold for the whole suite are said once. */
static void shared_causes(const assay_render *r, const assay_digest_suite *s) {
  const char *counters = NULL, *allocations = NULL;
  double aside = 0, most = 0;
  size_t measured = 0;
  const assay_benchmark_result *worst = NULL;
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    if (strcmp(b->suite, s->name) != 0 || !assay_report_measured(b)) continue;
    measured++;
    if (b->counters_cause != NULL) counters = b->counters_cause;
    if (b->allocations_cause != NULL) allocations = b->allocations_cause;
    if (!isfinite(b->set_aside_ratio)) continue;
    aside += b->set_aside_ratio;
    if (b->set_aside_ratio > most) most = b->set_aside_ratio, worst = b;
  }
  if (measured == 0) return;
  char text[ASSAY_REPORT_TEXT];
  assay_buf_puts(r->out, "<p class=\"soft\">");
  assay_buf_printf(r->out, "Samples set aside for what happened around them, never for being slow: %s on average",
                   assay_report_percent(aside / (double)measured, text));
  if (worst != NULL && worst->set_aside_why != NULL) {
    assay_buf_printf(r->out, ", at most %s (<code>", assay_report_percent(most, text));
    assay_html_text(r->out, worst->name);
    assay_buf_puts(r->out, "</code>: ");
    assay_html_text(r->out, worst->set_aside_why);
    assay_buf_putc(r->out, ')');
  }
  assay_buf_putc(r->out, '.');
  if (counters != NULL) assay_buf_puts(r->out, " No hardware counters: "), assay_html_text(r->out, counters), assay_buf_putc(r->out, '.');
  if (allocations != NULL)
    assay_buf_puts(r->out, " No allocation counts: "), assay_html_text(r->out, allocations), assay_buf_putc(r->out, '.');
  assay_buf_puts(r->out, "</p>\n");
}

/* ---- The sections ------------------------------------------------------------------------------------------------------------------- */

static void suite(const assay_render *r, size_t index) {
  const assay_digest_suite *s = &r->digest->suites[index];
  if (s->benchmarks == 0) return;
  char id[32];
  snprintf(id, sizeof id, "suite-%zu", index);
  assay_html_begin(r->out, id, s->name, NULL);
  assay_buf_puts(r->out, "<p class=\"lead\">");
  if (s->status != ASSAY_OUTCOME_OK) {
    assay_buf_puts(r->out, assay_outcome_text(s->status));
    if (s->reason != NULL) assay_buf_puts(r->out, ": "), assay_html_text(r->out, s->reason);
  } else {
    for (unsigned i = 0, told = 0; i < 4; i++) {
      if (s->outcomes[i] > 0)
        assay_buf_printf(r->out, "%s%zu %s", told++ > 0 ? ", " : "", s->outcomes[i], assay_outcome_text((assay_outcome)i));
    }
  }
  assay_buf_puts(r->out, ".</p>\n");
  if (s->benchmarks > 0) {
    table(r, s->name);
    shared_causes(r, s);
    every_figure(r, s);
  }
  assay_html_end(r->out);
}

bool assay_html_has_absent_suites(const assay_render *r) {
  for (size_t i = 0; i < r->digest->suite_count; i++) {
    if (r->digest->suites[i].benchmarks == 0 && r->digest->suites[i].status != ASSAY_OUTCOME_OK) return true;
  }
  return false;
}

/* Suites that were asked for and did not run stand together, each with its cause. */
static void absent_suites(const assay_render *r) {
  assay_html_begin(r->out, "not-run", "Not run", NULL);
  assay_buf_puts(r->out, "<ul class=\"causes\">\n");
  for (size_t i = 0; i < r->digest->suite_count; i++) {
    const assay_digest_suite *s = &r->digest->suites[i];
    if (s->benchmarks > 0 || s->status == ASSAY_OUTCOME_OK) continue;
    assay_buf_puts(r->out, "<li><b>");
    assay_html_text(r->out, s->name);
    assay_buf_printf(r->out, "</b>: %s", assay_outcome_text(s->status));
    if (s->reason != NULL) assay_buf_puts(r->out, ", "), assay_html_text(r->out, s->reason);
    assay_buf_puts(r->out, "</li>\n");
  }
  assay_buf_puts(r->out, "</ul>\n");
  assay_html_end(r->out);
}

void assay_html_suites(const assay_render *r) {
  if (r->result->benchmark_count > 1)
    assay_buf_puts(
        r->out,
        "<div class=\"tools\"><label>Show <input id=\"filter\" type=\"search\" placeholder=\"names, parameters, failed\"/></label>"
        "<label>Order <select id=\"sort\"><option value=\"run\">by name</option><option value=\"low\">furthest from the ceiling</option>"
        "<option value=\"high\">nearest the ceiling</option><option value=\"noise\">noisiest</option></select></label>"
        "<span id=\"shown\" role=\"status\"></span></div>\n");
  for (size_t i = 0; i < r->digest->suite_count; i++) suite(r, i);
  if (assay_html_has_absent_suites(r)) absent_suites(r);
}

/* SPDX-License-Identifier: MIT */
/* The first screen: what was measured, on what, and what came out; then limits and recommendations. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/html.h"

/* ---- Tiles -------------------------------------------------------------------------------------------------------------------------- */

static void begin_tile(assay_buf *out, const char *title) { assay_buf_printf(out, "<div><dt>%s</dt><dd><div class=\"fig\">", title); }

static void end_tile(assay_buf *out) { assay_buf_puts(out, "</div></dd></div>\n"); }

static void stack_part(assay_buf *out, const char *tone, size_t count) {
  if (count > 0) assay_buf_printf(out, "<i class=\"%s\" style=\"flex:%zu\"></i>", tone, count);
}

static void enumerate(assay_buf *out, const size_t *counts, const char *const *words, size_t kinds) {
  size_t told = 0;
  for (size_t i = 0; i < kinds; i++) {
    if (counts[i] > 0) assay_buf_printf(out, "%s%zu %s", told++ > 0 ? ", " : "", counts[i], words[i]);
  }
}

static void outcome_tile(const assay_render *r) {
  static const char *const words[] = {"ok", "skipped", "unsupported", "failed"};
  const size_t *o = r->digest->outcomes;
  if (r->result->benchmark_count == 0) return;
  begin_tile(r->out, "Benchmarks measured");
  assay_buf_printf(r->out, "%zu <small>of %zu</small></div>", o[ASSAY_OUTCOME_OK], r->result->benchmark_count);
  assay_buf_puts(r->out, "<div class=\"stack\" aria-hidden=\"true\">");
  stack_part(r->out, "good", o[ASSAY_OUTCOME_OK]);
  stack_part(r->out, "bad", o[ASSAY_OUTCOME_FAILED]);
  stack_part(r->out, "unsure", o[ASSAY_OUTCOME_UNSUPPORTED]);
  stack_part(r->out, "plain", o[ASSAY_OUTCOME_SKIPPED]);
  assay_buf_puts(r->out, "</div><div class=\"sub\">");
  enumerate(r->out, o, words, 4);
  end_tile(r->out);
}

static void limit_tile(const assay_render *r) {
  const size_t *s = r->digest->slas;
  if (s[ASSAY_SLA_NOT_APPLICABLE] == r->result->sla_count) return;
  begin_tile(r->out, "Limits met");
  assay_buf_printf(r->out, "<span class=\"%s\">%zu</span> <small>of %zu</small></div>",
                   s[ASSAY_SLA_MISSED] > 0         ? "bad"
                   : s[ASSAY_SLA_INCONCLUSIVE] > 0 ? "unsure"
                                                   : "good",
                   s[ASSAY_SLA_MET], s[ASSAY_SLA_MET] + s[ASSAY_SLA_MISSED] + s[ASSAY_SLA_INCONCLUSIVE]);
  assay_buf_puts(r->out, "<div class=\"stack\" aria-hidden=\"true\">");
  stack_part(r->out, "good", s[ASSAY_SLA_MET]);
  stack_part(r->out, "bad", s[ASSAY_SLA_MISSED]);
  stack_part(r->out, "unsure", s[ASSAY_SLA_INCONCLUSIVE]);
  stack_part(r->out, "plain", s[ASSAY_SLA_NOT_APPLICABLE]);
  assay_buf_printf(r->out, "</div><div class=\"sub\">%zu missed, ", s[ASSAY_SLA_MISSED]);
  if (s[ASSAY_SLA_INCONCLUSIVE] > 0) assay_buf_printf(r->out, "%zu inconclusive, ", s[ASSAY_SLA_INCONCLUSIVE]);
  assay_buf_printf(r->out, "%zu not applicable", s[ASSAY_SLA_NOT_APPLICABLE]);
  end_tile(r->out);
}

static void change_tile(const assay_render *r) {
  const assay_changes_view *view = &r->digest->changes;
  const size_t *v = view->tally, worse = assay_changes_worse(view);
  if (view->count == 0) return;
  begin_tile(r->out, "Since the previous run");
  assay_buf_printf(r->out, "<span class=\"%s\">%zu</span> <small>worse</small></div>", worse > 0 ? "bad" : "good", worse);
  assay_buf_puts(r->out, "<div class=\"stack\" aria-hidden=\"true\">");
  stack_part(r->out, "bad", worse);
  stack_part(r->out, "unsure", v[ASSAY_VERDICT_INCONCLUSIVE]);
  stack_part(r->out, "plain", v[ASSAY_VERDICT_SAME]);
  stack_part(r->out, "good", v[ASSAY_VERDICT_BETTER]);
  assay_buf_puts(r->out, "</div><div class=\"sub\">");
  assay_changes_tally(view, r->out);
  end_tile(r->out);
}

static void share_tile(const assay_render *r, const assay_benchmark_result *b, const char *title) {
  char text[ASSAY_REPORT_TEXT];
  if (b == NULL) return;
  const assay_metric_result *m = assay_report_bound_metric(b);
  begin_tile(r->out, title);
  assay_report_percent(m->ceiling_share, text);
  char *space = strchr(text, ' ');
  if (space != NULL) *space = '\0';
  assay_html_text(r->out, text);
  assay_buf_puts(r->out, "<small>&#160;%</small></div><div class=\"sub\">");
  assay_html_name(r->out, b->name);
  assay_buf_puts(r->out, ", of ");
  assay_html_text(r->out, m->ceiling);
  end_tile(r->out);
}

static void check_tile(const assay_render *r) {
  const size_t *c = r->digest->checks;
  if (r->result->check_count == 0) return;
  begin_tile(r->out, "Checks passed");
  assay_buf_printf(r->out, "<span class=\"%s\">%zu</span> <small>of %zu</small></div>", c[ASSAY_CHECK_FAIL] > 0 ? "bad" : "good",
                   c[ASSAY_CHECK_PASS], c[ASSAY_CHECK_PASS] + c[ASSAY_CHECK_FAIL]);
  assay_buf_puts(r->out, "<div class=\"stack\" aria-hidden=\"true\">");
  stack_part(r->out, "good", c[ASSAY_CHECK_PASS]);
  stack_part(r->out, "bad", c[ASSAY_CHECK_FAIL]);
  stack_part(r->out, "plain", c[ASSAY_CHECK_UNAVAILABLE]);
  assay_buf_printf(r->out, "</div><div class=\"sub\">%zu failed, %zu unavailable", c[ASSAY_CHECK_FAIL], c[ASSAY_CHECK_UNAVAILABLE]);
  end_tile(r->out);
}

/* ---- Every benchmark on one line ---------------------------------------------------------------------------------------------------- */

enum { FIELD_WIDTH = 1072, FIELD_HEIGHT = 110, FIELD_BASE = 84, BINS = 134 };

/* A dot a benchmark at its share of the ceiling; dots that would cover one another are stacked. */
static void field(const assay_render *r) {
  if (r->digest->nearest == NULL) return;
  assay_axis axis = {0, 1.1, false, 8, FIELD_WIDTH - 8};
  unsigned char stacked[BINS + 1] = {0};
  assay_buf_puts(r->out, "<figure><div class=\"scroll\">");
  assay_svg_begin(r->out, "plot broad", FIELD_WIDTH, FIELD_HEIGHT, "Share of its ceiling that each benchmark reaches, one dot each");
  for (int k = 0; k <= 10; k += 2) {
    char label[16];
    double x = assay_axis_at(&axis, k / 10.0);
    snprintf(label, sizeof label, "%d %%", k * 10);
    assay_svg_line(r->out, k == 10 ? "z" : "gr", x, 6, x, FIELD_BASE + 6);
    assay_svg_text(r->out, "tk", x, FIELD_BASE + 22, k == 0 ? "start" : "middle", label);
  }
  assay_svg_text(r->out, "tk", assay_axis_at(&axis, 1) + 6, 14, "start", "the ceiling");
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    const assay_metric_result *m = assay_report_measured(b) ? assay_report_bound_metric(b) : NULL;
    if (m == NULL) continue;
    double x = assay_axis_at(&axis, m->ceiling_share);
    size_t bin = (size_t)(x / 8);
    double y = FIELD_BASE - 4 - stacked[bin] * 8.0;
    if (y < 8) continue; /* a full column says enough */
    stacked[bin]++;
    assay_svg_dot(r->out, "dot", bin * 8.0 + 4, y, 3.6);
  }
  assay_svg_line(r->out, "ax", axis.from, FIELD_BASE + 1, axis.to, FIELD_BASE + 1);
  assay_svg_end(r->out);
  assay_buf_puts(
      r->out, "</div><figcaption>Each dot is a benchmark, at the share it reaches of the ceiling that binds it.</figcaption></figure>\n");
}

/* ---- The section -------------------------------------------------------------------------------------------------------------------- */

static void sentence(const char *words, assay_tone tone, void *user) {
  static const char *const marks[] = {"<b class=\"plain\" aria-hidden=\"true\">\u2022</b>",
                                      "<b class=\"good\" aria-hidden=\"true\">\u2713</b>",
                                      "<b class=\"bad\" aria-hidden=\"true\">\u2717</b>", "<b class=\"unsure\" aria-hidden=\"true\">?</b>"};
  assay_buf *out = user;
  assay_buf_printf(out, "<li>%s<span>", marks[tone]);
  assay_html_text(out, words);
  assay_buf_puts(out, "</span></li>\n");
}

static void deck(const assay_render *r) {
  const assay_run_info *run = &r->result->run;
  char when[ASSAY_REPORT_TEXT], took[ASSAY_REPORT_TEXT];
  assay_buf_puts(r->out, "<p class=\"deck\">");
  size_t named = 0;
  for (size_t i = 0; i < r->digest->suite_count; i++) {
    if (r->digest->suites[i].status != ASSAY_OUTCOME_OK) continue;
    assay_buf_puts(r->out, named++ > 0 ? ", " : r->digest->suite_count > 1 ? "Suites " : "Suite ");
    assay_html_text(r->out, r->digest->suites[i].name);
  }
  assay_buf_printf(r->out, "%sMeasured on %s in %s, %s", named > 0 ? ". " : "", assay_report_when(run->started_at_s, when),
                   assay_report_took(run, took), run->source == NULL ? "in " : "");
  assay_report_behind(r->result, r->out);
  if (run->quick) assay_buf_puts(r->out, " (quick form)");
  if (run->commit != NULL) {
    assay_buf_puts(r->out, ", commit <code>");
    assay_html_text(r->out, run->commit);
    assay_buf_puts(r->out, "</code>");
  }
  if (run->name != NULL) {
    assay_buf_puts(r->out, ", named \u201C");
    assay_html_text(r->out, run->name);
    assay_buf_puts(r->out, "\u201D");
  }
  assay_buf_puts(r->out, ".</p>\n");
}

void assay_html_summary(const assay_render *r) {
  assay_buf headline = {0};
  assay_digest_headline(r->digest, r->result, &headline);
  if (headline.failed) r->out->failed = true;
  assay_buf_puts(r->out, "<section id=\"summary\" class=\"first\"><p class=\"kicker\">");
  assay_html_text(r->out, r->result->machine_label != NULL ? r->result->machine_label : "Unknown machine");
  assay_buf_puts(r->out, "</p><h1>");
  assay_html_text(r->out, headline.data);
  assay_buf_puts(r->out, "</h1>\n");
  assay_buf_deinit(&headline);
  deck(r);
  assay_buf_puts(r->out, "<dl class=\"tiles\">\n");
  outcome_tile(r);
  limit_tile(r);
  change_tile(r);
  check_tile(r);
  share_tile(r, r->digest->nearest, "Nearest its ceiling");
  if (r->digest->furthest != r->digest->nearest) share_tile(r, r->digest->furthest, "Furthest from it");
  assay_buf_puts(r->out, "</dl>\n");
  field(r);
  assay_buf_puts(r->out, "<ul class=\"news\">\n");
  assay_digest_sentences(r->digest, r->result, r->context, sentence, r->out);
  assay_buf_puts(r->out, "</ul>\n");
  assay_html_end(r->out);
}

/* ---- Limits ------------------------------------------------------------------------------------------------------------------------- */

/* How much room there is to the limit, in words: "6.2 x within", "21 x too much". */
static void margin(assay_buf *out, const assay_sla_result *s) {
  if (s->status == ASSAY_SLA_NOT_APPLICABLE || s->status == ASSAY_SLA_INCONCLUSIVE || !(s->limit > 0) || !(s->value > 0)) return;
  double room = s->is_max ? s->limit / s->value : s->value / s->limit;
  bool kept = room >= 1;
  if (!kept) room = 1 / room;
  const char *word = kept ? "to spare" : s->is_max ? "too much" : "too little";
  if (room >= 9999.5)
    assay_buf_printf(out, "over 10&#8239;000\u00D7 %s", word);
  else if (room < 1.995)
    assay_buf_printf(out, "%.0f&#160;%% %s", (room - 1) * 100, word);
  else
    assay_buf_printf(out, "%.*f\u00D7 %s", room < 9.95 ? 1 : 0, room, word);
}

static void limit_row(const assay_render *r, const assay_sla_result *s) {
  assay_buf_puts(r->out, "<tr><td class=\"w\">");
  switch (s->status) {
    case ASSAY_SLA_MET: assay_html_mark(r->out, ASSAY_TONE_GOOD, "\u2713", "met"); break;
    case ASSAY_SLA_MISSED: assay_html_mark(r->out, ASSAY_TONE_BAD, "\u2717", "missed"); break;
    case ASSAY_SLA_INCONCLUSIVE: assay_html_mark(r->out, ASSAY_TONE_UNSURE, "?", "inconclusive"); break;
    case ASSAY_SLA_NOT_APPLICABLE: assay_html_mark(r->out, ASSAY_TONE_PLAIN, "\u2013", "n/a"); break;
  }
  assay_buf_puts(r->out, "</td><th scope=\"row\">");
  assay_html_text(r->out, s->name);
  if (s->description != NULL)
    assay_buf_puts(r->out, "<span class=\"sub\">"), assay_html_text(r->out, s->description), assay_buf_puts(r->out, "</span>");
  assay_buf_puts(r->out, "</th><td class=\"r\" data-l=\"Measured\">");
  assay_html_value(r->out, s->value, s->unit);
  assay_buf_puts(r->out,
                 s->is_max ? "</td><td class=\"r\" data-l=\"Asked\">\u2264&#160;" : "</td><td class=\"r\" data-l=\"Asked\">\u2265&#160;");
  assay_html_value(r->out, s->limit, s->unit);
  assay_buf_puts(r->out, "</td><td class=\"w\">");
  margin(r->out, s);
  assay_buf_puts(r->out, "</td><td class=\"soft\">");
  if (s->status != ASSAY_SLA_NOT_APPLICABLE || s->reason == NULL) {
    assay_buf_puts(r->out, "<code>");
    assay_html_name(r->out, s->benchmark);
    assay_buf_puts(r->out, "</code> ");
    assay_html_text(r->out, s->metric);
    if (s->reason != NULL) assay_buf_puts(r->out, "<br/>");
  }
  if (s->reason != NULL) assay_html_text(r->out, s->reason);
  assay_buf_puts(r->out, "</td></tr>\n");
}

static void limit_table(const assay_render *r, const assay_sla_status *shown, size_t kinds) {
  size_t count = r->result->sla_count;
  assay_buf_puts(r->out,
                 "<div class=\"scroll\"><table class=\"cards\"><thead><tr><th>Verdict</th><th>Limit</th><th class=\"r\">Measured</th>"
                 "<th class=\"r\">Asked</th><th>Room</th><th>Looks at</th></tr></thead><tbody>\n");
  for (size_t k = 0; k < kinds * count; k++) {
    if (r->result->slas[k % count].status == shown[k / count]) limit_row(r, &r->result->slas[k % count]);
  }
  assay_buf_puts(r->out, "</tbody></table></div>\n");
}

/* Those without a workload are folded: they say nothing about this run. */
void assay_html_limits(const assay_render *r) {
  static const assay_sla_status judged[] = {ASSAY_SLA_MISSED, ASSAY_SLA_INCONCLUSIVE, ASSAY_SLA_MET}, others[] = {ASSAY_SLA_NOT_APPLICABLE};
  size_t idle = r->digest->slas[ASSAY_SLA_NOT_APPLICABLE];
  if (r->result->sla_count == 0) return;
  assay_html_begin(r->out, "limits", "Limits",
                   "Service-level targets, checked against this run. A limit without a workload is not applicable, never met.");
  if (idle < r->result->sla_count) limit_table(r, judged, sizeof judged / sizeof *judged);
  if (idle > 0) {
    assay_buf_printf(r->out, "<details><summary>%zu limit%s not apply to this run</summary>\n", idle, idle == 1 ? " does" : "s do");
    limit_table(r, others, 1);
    assay_buf_puts(r->out, "</details>\n");
  }
  assay_html_end(r->out);
}

/* ---- Recommendations ---------------------------------------------------------------------------------------------------------------- */

void assay_html_recommendations(const assay_render *r) {
  if (r->result->recommendation_count == 0) return;
  assay_html_begin(r->out, "recommendations", "Recommendations",
                   "Each rests on a figure of this report, named beneath it; the most rewarding first.");
  assay_buf_puts(r->out, "<ol class=\"advice\">\n");
  for (int priority = 1; priority <= 3; priority++) {
    for (size_t i = 0; i < r->result->recommendation_count; i++) {
      const assay_recommendation *a = &r->result->recommendations[i];
      int own = a->priority < 1 ? 1 : a->priority > 3 ? 3 : a->priority;
      if (own != priority) continue;
      assay_buf_puts(r->out, "<li><b>");
      assay_html_text(r->out, a->title);
      assay_buf_puts(r->out, "</b><p>");
      assay_html_text(r->out, a->because);
      assay_buf_puts(r->out, "</p>");
      if (a->command != NULL)
        assay_buf_puts(r->out, "<pre><code>"), assay_html_text(r->out, a->command), assay_buf_puts(r->out, "</code></pre>");
      assay_buf_puts(r->out, "</li>\n");
    }
  }
  assay_buf_puts(r->out, "</ol>\n");
  assay_html_end(r->out);
}

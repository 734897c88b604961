/* SPDX-License-Identifier: MIT */
/* Before and after, with the interval of each change: since the previous run on this machine, or a comparison for itself. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/html.h"

enum { PLOT_WIDTH = 180, ROW_HEIGHT = 18, MAX_SAME = 400 };

/* Half the width of the scale: every interval that is shown fits, up to half as much again or half as little; what lies beyond that is
 * drawn as an arrow at the edge. */
static double scale_limit(const assay_change *const *rows, size_t count) {
  double most = 0.02;
  for (size_t i = 0; i < count; i++) {
    if (isfinite(rows[i]->ci_low)) most = fmax(most, fabs(rows[i]->ci_low));
    if (isfinite(rows[i]->ci_high)) most = fmax(most, fabs(rows[i]->ci_high));
    if (isfinite(rows[i]->change_ratio)) most = fmax(most, fabs(rows[i]->change_ratio));
  }
  return assay_nice_limit(fmin(most, 0.5));
}

static void interval_plot(assay_buf *out, const assay_change *c, double limit) {
  if (!isfinite(c->change_ratio)) return;
  assay_axis axis = {-limit, limit, false, 5, PLOT_WIDTH - 5};
  const char *ink = assay_verdict_look_of(c->verdict)->css;
  char css[32];
  assay_svg_begin(out, "p", PLOT_WIDTH, ROW_HEIGHT, NULL);
  if (isfinite(c->threshold.warning)) {
    double from = assay_axis_at(&axis, -c->threshold.warning), to = assay_axis_at(&axis, c->threshold.warning);
    assay_svg_rect(out, "thr", from, 0, to - from, ROW_HEIGHT);
  }
  double zero = assay_axis_at(&axis, 0);
  assay_svg_line(out, "z", zero, 0, zero, ROW_HEIGHT);
  if (isfinite(c->ci_low) && isfinite(c->ci_high)) {
    snprintf(css, sizeof css, "iv %s", ink);
    assay_svg_line(out, css, assay_axis_at(&axis, c->ci_low), 9, assay_axis_at(&axis, c->ci_high), 9);
    if (c->ci_low < -limit) assay_svg_arrow(out, ink, 0, 9, -6);
    if (c->ci_high > limit) assay_svg_arrow(out, ink, PLOT_WIDTH, 9, 6);
  }
  if (fabs(c->change_ratio) <= limit)
    assay_svg_dot(out, ink, assay_axis_at(&axis, c->change_ratio), 9, 4);
  else if (c->change_ratio < 0)
    assay_svg_arrow(out, ink, 0, 9, -9);
  else
    assay_svg_arrow(out, ink, PLOT_WIDTH, 9, 9);
  assay_svg_end(out);
}

static void row(const assay_changes_view *view, const assay_change *c, double limit, assay_buf *out) {
  char text[ASSAY_CHANGE_TEXT];
  double before, after;
  const assay_verdict_look *look = assay_verdict_look_of(c->verdict);
  assay_change_values(view, c, &before, &after);
  assay_buf_puts(out, "<tr><td class=\"w\">");
  assay_html_mark(out, look->tone, look->glyph, assay_verdict_text(c->verdict));
  assay_buf_puts(out, "</td><th scope=\"row\" class=\"n\">");
  assay_html_name(out, c->benchmark);
  if (!c->is_main) assay_buf_puts(out, " <small>"), assay_html_text(out, c->metric), assay_buf_puts(out, "</small>");
  if (c->reason != NULL) assay_buf_puts(out, "<span class=\"sub\">"), assay_html_text(out, c->reason), assay_buf_puts(out, "</span>");
  assay_buf_puts(out, "</th><td class=\"r\" data-l=\"before\">");
  assay_html_value(out, before, c->unit);
  assay_buf_puts(out, "</td><td class=\"r\" data-l=\"now\">");
  assay_html_value(out, after, c->unit);
  assay_buf_printf(out, "</td><td class=\"r\" data-l=\"change\">%s</td><td class=\"strip\">", assay_change_by(c, c->change_ratio, text));
  interval_plot(out, c, limit);
  assay_buf_printf(out, "</td><td class=\"w soft\">%s</td><td class=\"r soft\" data-l=\"q\">", assay_change_interval(c, text));
  assay_html_text(out, assay_change_q(c, text));
  assay_buf_puts(out, "</td><td class=\"r soft\" data-l=\"noise\">");
  assay_html_text(out, assay_change_size(c, assay_change_noise(c), text));
  assay_buf_puts(out, "</td><td class=\"r soft\" data-l=\"detectable\">");
  assay_html_text(out, assay_change_size(c, c->detectable, text));
  assay_buf_puts(out, "</td></tr>\n");
}

static void table(const assay_changes_view *view, size_t from, size_t count, assay_buf *out) {
  char text[ASSAY_REPORT_TEXT];
  double limit = scale_limit(view->rows + from, count);
  assay_report_percent(limit, text);
  assay_buf_printf(
      out,
      "<div class=\"scroll\"><table class=\"cmp cards tight\"><thead><tr><th>Verdict</th><th>Benchmark</th><th class=\"r\">Before</th>"
      "<th class=\"r\">Now</th><th class=\"r\">Change</th><th><span class=\"scale\"><i>\u2212%s</i><i style=\"left:50%%\">0</i><i>+%s</i>"
      "</span></th><th>95&#160;%% interval</th><th class=\"r\">q</th><th class=\"r\">Noise floor</th><th "
      "class=\"r\">Detectable</th></tr></thead>"
      "<tbody>\n",
      text, text);
  for (size_t i = 0; i < count; i++) row(view, view->rows[from + i], limit, out);
  assay_buf_puts(out, "</tbody></table></div>\n");
}

/* What the columns mean, and what is needed for a verdict. */
static void explain(const assay_changes_view *view, assay_buf *out) {
  assay_buf text = {0};
  assay_buf_puts(&text,
                 view->medians
                     ? "Before and Now are the medians of each run; Change is that of the typical process, so it need not be their ratio. "
                     : "Before and Now are the geometric means over the processes of each side. ");
  assay_buf_puts(
      &text,
      "The line is the change's 95\u00A0% interval, an arrow what lies beyond the scale; the shaded band is its threshold. Noise floor: "
      "what "
      "the same code shows between two runs. Detectable: the smallest change that so many processes find in four of five cases. ");
  assay_changes_rule(view, &text);
  if (text.failed) out->failed = true;
  assay_html_text(out, text.data);
  assay_buf_deinit(&text);
}

static void tables(const assay_changes_view *view, assay_buf *out) {
  size_t unsure = 0, rest = view->count - view->open, shown = rest > MAX_SAME ? MAX_SAME : rest;
  while (unsure < view->open && view->rows[view->open - 1 - unsure]->verdict == ASSAY_VERDICT_INCONCLUSIVE) unsure++;
  size_t folded = unsure > ASSAY_REPORT_INCONCLUSIVE ? unsure - ASSAY_REPORT_INCONCLUSIVE : 0;
  if (view->open > 0) table(view, 0, view->open - folded, out);
  if (folded > 0) {
    assay_buf_printf(out, "<details><summary>%zu more inconclusive</summary>\n", folded);
    table(view, view->open - folded, folded > MAX_SAME ? MAX_SAME : folded, out);
    assay_buf_puts(out, "</details>\n");
  }
  if (rest == 0) return;
  assay_buf_printf(out, "<details%s><summary>%zu the same or new</summary>\n", view->open == 0 ? " open=\"open\"" : "", rest);
  table(view, view->open, shown, out);
  if (shown < rest) assay_buf_printf(out, "<p class=\"soft\">The %zu that changed most are shown.</p>\n", shown);
  assay_buf_puts(out, "</details>\n");
}

void assay_html_changes(const assay_render *r) {
  const assay_changes_view *view = &r->digest->changes;
  const assay_result *previous = r->context->previous;
  char when[ASSAY_REPORT_TEXT];
  assay_html_begin(r->out, "changes", "Since the previous run", NULL);
  assay_buf_puts(r->out, "<p class=\"lead\">");
  if (view->count == 0) {
    assay_buf_puts(r->out, previous == NULL ? "There is no earlier run of this machine in the history, so nothing to compare with yet."
                                            : "The previous run and this one have no measured benchmark in common.");
  } else {
    if (previous != NULL) {
      assay_buf_printf(r->out, "Compared with the run of %s", assay_report_when(previous->run.started_at_s, when));
      if (previous->run.commit != NULL)
        assay_buf_puts(r->out, " at commit <code>"), assay_html_text(r->out, previous->run.commit), assay_buf_puts(r->out, "</code>");
      assay_buf_puts(r->out, ". ");
    }
    explain(view, r->out);
  }
  assay_buf_puts(r->out, "</p>\n");
  tables(view, r->out);
  assay_html_end(r->out);
}

/* ---- A comparison for itself ---------------------------------------------------------------------------------------------------- */

static void side(const assay_changes_view *view, bool after, assay_buf *out) {
  assay_buf text = {0};
  assay_changes_side(view, after, &text);
  if (text.failed) out->failed = true;
  assay_buf_printf(out, "<div><dt>%s</dt><dd>", after ? "After" : "Before");
  assay_html_text(out, text.data);
  assay_buf_puts(out, "</dd></div>\n");
  assay_buf_deinit(&text);
}

void assay_changes_html(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out) {
  assay_buf text = {0};
  (void)context;
  assay_changes_headline(view, &text);
  if (text.failed) out->failed = true;
  assay_html_page_begin(out, "Comparison", text.data);
  assay_buf_puts(out, "<main>\n<section id=\"summary\" class=\"first\"><p class=\"kicker\">");
  assay_html_text(out, assay_regress_status_text(view->changes->status));
  assay_buf_puts(out, "</p><h1>");
  assay_html_text(out, text.data);
  assay_buf_puts(out, "</h1>\n<dl class=\"glance\">\n");
  side(view, false, out);
  side(view, true, out);
  assay_buf_puts(out, "</dl>\n");
  for (size_t i = 0;; i++) {
    assay_buf_clear(&text);
    if (!assay_changes_note(view, i, &text)) break;
    assay_buf_puts(out, "<p class=\"unsure\">");
    assay_html_text(out, text.data);
    assay_buf_puts(out, "</p>\n");
  }
  assay_buf_deinit(&text);
  assay_html_end(out);
  assay_html_begin(out, "changes", "What changed", NULL);
  assay_buf_puts(out, "<p class=\"lead\">");
  explain(view, out);
  assay_buf_puts(out, "</p>\n");
  tables(view, out);
  assay_html_end(out);
  assay_html_page_end(out);
}

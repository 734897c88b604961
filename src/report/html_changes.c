/* SPDX-License-Identifier: MIT */
/* Before and after: what changed since the previous run on this machine, with the interval of each change. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/html.h"

enum { PLOT_WIDTH = 260, ROW_HEIGHT = 18, MAX_SAME = 400 };

static const struct {
  const char *glyph;
  assay_tone tone;
  const char *ink;
  int rank; /* order in the table: what needs a look first */
} verdicts[] = {
    [ASSAY_VERDICT_SAME] = {"=", ASSAY_TONE_PLAIN, "same", 4},         [ASSAY_VERDICT_BETTER] = {"\u2713", ASSAY_TONE_GOOD, "better", 1},
    [ASSAY_VERDICT_WORSE] = {"\u2717", ASSAY_TONE_BAD, "worse", 0},    [ASSAY_VERDICT_INCONCLUSIVE] = {"?", ASSAY_TONE_UNSURE, "maybe", 3},
    [ASSAY_VERDICT_MISSING] = {"\u2013", ASSAY_TONE_PLAIN, "same", 2}, [ASSAY_VERDICT_CRITICAL] = {"\u2717", ASSAY_TONE_BAD, "worse", 0},
    [ASSAY_VERDICT_NEW] = {"+", ASSAY_TONE_PLAIN, "same", 5},
};

static int by_weight(const void *a, const void *b) {
  const assay_change *x = *(const assay_change *const *)a, *y = *(const assay_change *const *)b;
  if (verdicts[x->verdict].rank != verdicts[y->verdict].rank) return verdicts[x->verdict].rank - verdicts[y->verdict].rank;
  double dx = isfinite(x->change_ratio) ? fabs(x->change_ratio) : 0, dy = isfinite(y->change_ratio) ? fabs(y->change_ratio) : 0;
  if (dx != dy) return dx < dy ? 1 : -1;
  int suites = strcmp(x->suite, y->suite);
  return suites != 0 ? suites : strcmp(x->benchmark, y->benchmark);
}

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
  const char *ink = verdicts[c->verdict].ink;
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

static void row(const assay_render *r, const assay_change *c, double limit) {
  char text[ASSAY_REPORT_TEXT];
  double before, after;
  assay_buf *out = r->out;
  assay_report_change_values(r, c, &before, &after);
  assay_buf_puts(out, "<tr><td class=\"w\">");
  assay_html_mark(out, verdicts[c->verdict].tone, verdicts[c->verdict].glyph, assay_verdict_text(c->verdict));
  assay_buf_puts(out, "</td><th scope=\"row\" class=\"n\">");
  assay_html_name(out, c->benchmark);
  if (!c->is_main) assay_buf_puts(out, " <small>"), assay_html_text(out, c->metric), assay_buf_puts(out, "</small>");
  assay_buf_puts(out, "</th><td class=\"r\" data-l=\"before\">");
  assay_html_value(out, before, c->unit);
  assay_buf_puts(out, "</td><td class=\"r\" data-l=\"now\">");
  assay_html_value(out, after, c->unit);
  assay_buf_printf(out, "</td><td class=\"r\" data-l=\"change\">%s</td><td class=\"strip\">",
                   assay_report_signed_percent(c->change_ratio, text));
  interval_plot(out, c, limit);
  assay_buf_puts(out, "</td><td class=\"w soft\">");
  if (isfinite(c->ci_low) && isfinite(c->ci_high)) {
    assay_buf_printf(out, "%s to ", assay_report_signed_percent(c->ci_low, text));
    assay_buf_puts(out, assay_report_signed_percent(c->ci_high, text));
  }
  assay_buf_puts(out, "</td></tr>\n");
}

static void table(const assay_render *r, const assay_change *const *rows, size_t count) {
  assay_buf *out = r->out;
  char text[ASSAY_REPORT_TEXT];
  double limit = scale_limit(rows, count);
  assay_report_percent(limit, text);
  assay_buf_printf(
      out,
      "<div class=\"scroll\"><table class=\"cmp cards\"><thead><tr><th>Verdict</th><th>Benchmark</th><th class=\"r\">Before</th>"
      "<th class=\"r\">Now</th><th class=\"r\">Change</th><th><span class=\"scale\"><i>\u2212%s</i><i style=\"left:50%%\">0</i><i>+%s</i>"
      "</span></th><th>95&#160;%% interval</th></tr></thead><tbody>\n",
      text, text);
  for (size_t i = 0; i < count; i++) row(r, rows[i], limit);
  assay_buf_puts(out, "</tbody></table></div>\n");
}

static void lead(const assay_render *r) {
  const assay_result *previous = r->context->previous;
  const assay_changes *changes = r->context->changes;
  char when[ASSAY_REPORT_TEXT];
  assay_html_begin(r->out, "changes", "Since the previous run", NULL);
  assay_buf_puts(r->out, "<p class=\"lead\">");
  if (changes == NULL || changes->count == 0) {
    assay_buf_puts(r->out, previous == NULL ? "There is no earlier run of this machine in the history, so nothing to compare with yet."
                                            : "The previous run and this one have no measured benchmark in common.");
  } else {
    if (previous != NULL) {
      assay_buf_printf(r->out, "Compared with the run of %s", assay_report_when(previous->run.started_at_s, when));
      if (previous->run.commit != NULL)
        assay_buf_puts(r->out, " at commit <code>"), assay_html_text(r->out, previous->run.commit), assay_buf_puts(r->out, "</code>");
      assay_buf_puts(r->out, ". ");
    }
    assay_buf_puts(
        r->out,
        "Before and Now are the medians of each run; Change is that of the typical process, so it need not be their ratio. The line is "
        "its 95\u00A0% interval, an arrow what lies beyond the scale; the shaded band is the threshold of that kind of metric. ");
    assay_html_text(r->out, assay_report_verdict_rule);
  }
  assay_buf_puts(r->out, "</p>\n");
}

void assay_html_changes(const assay_render *r) {
  const assay_changes *changes = r->context->changes;
  size_t count = changes != NULL ? changes->count : 0, unsure = 0, news = 0;
  lead(r);
  const assay_change **rows = assay_calloc(ASSAY_TAG_REPORT, count + 1, sizeof(void *));
  if (rows == NULL) {
    r->out->failed = true;
    return;
  }
  for (size_t i = 0; i < count; i++) rows[i] = &changes->items[i];
  if (count > 0) qsort(rows, count, sizeof *rows, by_weight);
  while (news < count && rows[news]->verdict != ASSAY_VERDICT_SAME && rows[news]->verdict != ASSAY_VERDICT_NEW) news++;
  unsure = r->digest->verdicts[ASSAY_VERDICT_INCONCLUSIVE];
  size_t folded = unsure > ASSAY_REPORT_INCONCLUSIVE ? unsure - ASSAY_REPORT_INCONCLUSIVE : 0;
  if (news > 0) table(r, rows, news - folded);
  if (folded > 0) {
    assay_buf_printf(r->out, "<details><summary>%zu more inconclusive</summary>\n", folded);
    table(r, rows + news - folded, folded > MAX_SAME ? MAX_SAME : folded);
    assay_buf_puts(r->out, "</details>\n");
  }
  if (count > news) {
    size_t rest = count - news, shown = rest > MAX_SAME ? MAX_SAME : rest;
    assay_buf_printf(r->out, "<details%s><summary>%zu the same, %zu new</summary>\n", news == 0 ? " open=\"open\"" : "",
                     r->digest->verdicts[ASSAY_VERDICT_SAME], r->digest->verdicts[ASSAY_VERDICT_NEW]);
    table(r, rows + news, shown);
    if (shown < rest) assay_buf_printf(r->out, "<p class=\"soft\">The %zu that changed most are shown.</p>\n", shown);
    assay_buf_puts(r->out, "</details>\n");
  }
  assay_free(rows);
  assay_html_end(r->out);
}

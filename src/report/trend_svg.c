/* SPDX-License-Identifier: MIT */
/* Trends as a document: a panel a series, in one column while they are few. */
#include "report/trend_svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/render.h"
#include "report/svg.h"
#include "report/trend_plot.h"

enum { MARGIN = 16, HEAD = 40, NAME = 22, NOTE = 15, FEW = 6, MOST_PANELS = 60, MOST_NOTES = 4 };

typedef struct layout {
  size_t columns, panels;
  double panel_width, plot_height, panel_height;
  size_t notes; /* lines of change points below each plot */
} layout;

static layout lay_out(const assay_trends *trends, bool with_notes) {
  layout l = {.panels = trends->count < MOST_PANELS ? trends->count : MOST_PANELS};
  l.columns = trends->count <= FEW ? 1 : 3;
  l.panel_width = l.columns == 1 ? 860 : 340;
  l.plot_height = l.columns == 1 ? 190 : 124;
  for (size_t i = 0; with_notes && l.columns == 1 && i < l.panels; i++)
    if (trends->items[i].change_count > l.notes) l.notes = trends->items[i].change_count;
  if (l.notes > MOST_NOTES) l.notes = MOST_NOTES;
  l.panel_height = NAME + l.plot_height + (double)(l.notes * NOTE) + (l.notes > 0 ? 10 : 6);
  return l;
}

static const char *short_commit(const char *commit, char out[16]) {
  snprintf(out, 16, "%.10s", commit[0] != '\0' ? commit : "unknown");
  return out;
}

static void note_change(assay_buf *out, const assay_trend *trend, const assay_changepoint *c, double x, double y) {
  char from_text[16], to_text[16], before[ASSAY_REPORT_TEXT], after[ASSAY_REPORT_TEXT], change[ASSAY_REPORT_TEXT], when[ASSAY_REPORT_TEXT];
  const char *from, *to;
  assay_trend_commits(trend, c, &from, &to);
  assay_buf text = {0};
  assay_buf_printf(&text, "%s %s (%s \u2192 %s), %s, after %s, not after %s", assay_changepoint_kind_text(c->kind),
                   assay_report_signed_percent(c->change_ratio, change), assay_report_value(c->before, trend->unit, before),
                   assay_report_value(c->after, trend->unit, after), assay_report_when(trend->points[c->index].at_s, when),
                   short_commit(from, from_text), short_commit(to, to_text));
  assay_svg_text(out, "tk", x, y, "start", text.data != NULL ? text.data : "");
  assay_buf_deinit(&text);
}

static void draw_panel(assay_buf *out, const assay_trend *trend, const layout *l, double x, double y) {
  assay_trend_frame frame = {.width = l->panel_width, .height = l->plot_height, .left = 66, .right = 66, .top = 16, .bottom = 20};
  assay_trend_line line = {.points = trend->points,
                           .count = trend->count,
                           .unit = trend->unit,
                           .last = "pt",
                           .changes = trend->changes,
                           .change_count = trend->change_count,
                           .better = trend->better};
  assay_buf name = {0};
  assay_buf_printf(&name, "%s/%s", trend->suite, trend->benchmark);
  if (strcmp(trend->metric, "time") != 0) assay_buf_printf(&name, ": %s", trend->metric);
  assay_buf shown = {0};
  assay_report_fit(&shown, name.data != NULL ? name.data : "", l->columns == 1 ? 120 : 46, false);
  assay_svg_text(out, "em", x, y + 14, "start", shown.data != NULL ? shown.data : "");
  assay_buf_printf(out, "<g transform=\"translate(%.0f %.0f)\">\n", x, y + NAME);
  if (assay_trend_has_figure(trend->points, trend->count)) assay_trend_panel(out, &frame, &line);
  assay_buf_puts(out, "</g>\n");
  for (size_t i = 0; i < trend->change_count && i < l->notes; i++)
    note_change(out, trend, &trend->changes[i], x + frame.left, y + NAME + l->plot_height + 12 + (double)(i * NOTE));
  assay_buf_deinit(&name);
  assay_buf_deinit(&shown);
}

static bool any_interval(const assay_trends *trends) {
  for (size_t i = 0; i < trends->count; i++)
    for (size_t k = 0; k < trends->items[i].count; k++)
      if (isfinite(trends->items[i].points[k].ci_low)) return true;
  return false;
}

void assay_trends_draw(assay_buf *out, const assay_trends *trends, const char *title, const char *nothing) {
  layout l = lay_out(trends, true);
  size_t rows = (l.panels + l.columns - 1) / l.columns;
  double width = 2 * MARGIN + (double)l.columns * l.panel_width, height = HEAD + (rows > 0 ? (double)rows * l.panel_height : 40) + 30;
  assay_svg_document(out, width, height, title);
  assay_svg_text(out, "ti", MARGIN, 26, "start", title);
  if (trends->count == 0) assay_svg_text(out, "lb", MARGIN, HEAD + 20, "start", nothing);
  for (size_t i = 0; i < l.panels; i++)
    draw_panel(out, &trends->items[i], &l, MARGIN + (double)(i % l.columns) * l.panel_width,
               HEAD + (double)(i / l.columns) * l.panel_height);
  char text[240];
  if (l.panels < trends->count) {
    snprintf(text, sizeof text, "%zu further series are in the history.", trends->count - l.panels);
    assay_svg_text(out, "lb", MARGIN, height - 12, "start", text);
  } else if (trends->count > 0) {
    snprintf(text, sizeof text,
             "Median of each run%s, oldest first; scales do not begin at zero, lone spikes are marked at the edge. Shaded: where a change "
             "may lie (green: better).",
             any_interval(trends) ? " with its 95 % interval" : "");
    assay_svg_text(out, "lb", MARGIN, height - 12, "start", text);
  }
  assay_svg_end(out);
  assay_buf_putc(out, '\n');
}

assay_status assay_trends_svg(const assay_trends *trends, const char *title, assay_error *err, char **svg) {
  assay_buf out = {0};
  assay_trends_draw(&out, trends, title, "There is no figure.");
  char *text = assay_buf_take(&out);
  if (text == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the trends");
  *svg = text;
  return ASSAY_OK;
}

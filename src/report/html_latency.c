/* SPDX-License-Identifier: MIT */
/* Latency by percentile, on the axis that users of HdrHistogram know: every further nine takes the same room. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/html.h"

enum {
  WIDTH = 460,
  HEIGHT = 280,
  LEFT = 56,
  RIGHT = 92,
  TOP = 14,
  BOTTOM = 34,
  SERIES = ASSAY_SVG_SERIES,
  MAX_POINTS = 256,
  MAX_PLOTS = 24
};

/* Where a quantile stands: 0 at 0, 1 at 90 %, 2 at 99 % ... */
static double nines(double quantile) { return quantile >= 1 ? INFINITY : -log10(1 - quantile); }

static bool has_curve(const assay_benchmark_result *b) { return b->status == ASSAY_OUTCOME_OK && b->latency.count > 1; }

bool assay_html_has_latency(const assay_render *r) {
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    if (has_curve(&r->result->benchmarks[i])) return true;
  }
  return false;
}

/*
 * The value at a quantile by linear interpolation over nines. NaN beyond the last point that enough operations stand behind: the largest of
 * all (quantile 1) is no stand-in for a percentile.
 */
static double curve_at(const assay_latency_curve *curve, double quantile) {
  for (size_t i = 0; i < curve->count; i++) {
    if (fabs(curve->quantiles[i] - quantile) < 1e-9) return curve->values_ns[i];
    if (curve->quantiles[i] < quantile || i == 0) continue;
    double from = nines(curve->quantiles[i - 1]), to = nines(curve->quantiles[i]);
    if (!isfinite(to)) return NAN;
    return curve->values_ns[i - 1] + (curve->values_ns[i] - curve->values_ns[i - 1]) * (nines(quantile) - from) / (to - from);
  }
  return NAN;
}

typedef struct extent {
  double low, high, nines;
} extent;

static void extend(extent *e, const assay_latency_curve *curve) {
  for (size_t i = 0; i < curve->count; i++) {
    double value = curve->values_ns[i], at = nines(curve->quantiles[i]);
    if (!(value > 0)) continue;
    e->low = fmin(e->low, value);
    e->high = fmax(e->high, value);
    if (isfinite(at)) e->nines = fmax(e->nines, at);
  }
}

static void draw_curve(assay_buf *out, const assay_latency_curve *curve, const assay_axis *x, const assay_axis *y, const char *css,
                       double *end) {
  double xs[MAX_POINTS], ys[MAX_POINTS];
  size_t count = 0;
  for (size_t i = 0; i < curve->count && count < MAX_POINTS; i++) {
    double at = nines(curve->quantiles[i]);
    if (!(curve->values_ns[i] > 0)) continue;
    if (!isfinite(at)) { /* the largest of all has no percentile; it stands at the edge */
      assay_svg_dot(out, "far", x->to, assay_axis_at(y, curve->values_ns[i]), 2.6);
      continue;
    }
    xs[count] = assay_axis_at(x, at);
    ys[count] = *end = assay_axis_at(y, curve->values_ns[i]);
    count++;
  }
  assay_svg_polyline(out, css, xs, ys, count);
}

static void frame(assay_buf *out, const assay_axis *x, const assay_axis *y) {
  double right = x->to;
  assay_svg_rows(out, y, 6, LEFT, right, assay_tick_of_unit, "ns");
  double spacing = (x->to - x->from) / (x->high - x->low);
  static const char *const labels[] = {"0", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %"};
  for (int i = 0; i <= 6 && i <= x->high + 1e-9; i++) {
    double at = assay_axis_at(x, i);
    assay_svg_line(out, "gr", at, TOP, at, HEIGHT - BOTTOM);
    if (spacing >= 50 || i % 2 == 0) assay_svg_text(out, "tk", at, HEIGHT - BOTTOM + 15, "middle", labels[i]);
  }
  assay_svg_line(out, "ax", LEFT, HEIGHT - BOTTOM, right, HEIGHT - BOTTOM);
  assay_svg_text(out, "lb", right, HEIGHT - 4, "end", "percentile of operations");
}

static void short_label(const assay_render *r, const assay_digest_group *group, const assay_benchmark_result *b, char out[40]) {
  assay_buf full = {0}, fitted = {0};
  assay_digest_label(r->digest, group, b, &full);
  assay_report_fit(&fitted, full.data != NULL ? full.data : "", 15, false);
  snprintf(out, 40, "%.39s", fitted.data != NULL ? fitted.data : "");
  assay_buf_deinit(&full);
  assay_buf_deinit(&fitted);
}

static void quantile_table(const assay_render *r, const assay_digest_group *group, const assay_benchmark_result *const *shown,
                           size_t count) {
  static const double quantiles[] = {0.5, 0.9, 0.99, 0.999, 0.9999};
  bool labelled = group->count > 1; /* alone it has the name of the figure */
  assay_buf_puts(r->out, "<div class=\"scroll\"><table class=\"tight\"><thead><tr>");
  assay_buf_puts(r->out, labelled ? "<th></th>" : "");
  assay_buf_puts(r->out,
                 "<th class=\"r\">p50</th><th class=\"r\">p90</th><th class=\"r\">p99</th>"
                 "<th class=\"r\">p99.9</th><th class=\"r\">p99.99</th><th class=\"r\">max</th></tr></thead><tbody>");
  for (size_t i = 0; i < count; i++) {
    assay_buf_puts(r->out, "<tr>");
    if (labelled) {
      assay_buf label = {0};
      assay_digest_label(r->digest, group, shown[i], &label);
      assay_buf_puts(r->out, "<th scope=\"row\" class=\"n\">");
      assay_html_name(r->out, label.data);
      assay_buf_puts(r->out, "</th>");
      assay_buf_deinit(&label);
    }
    for (size_t k = 0; k < sizeof quantiles / sizeof *quantiles; k++) {
      assay_buf_puts(r->out, "<td class=\"r\">");
      assay_html_value(r->out, curve_at(&shown[i]->latency, quantiles[k]), "ns");
      assay_buf_puts(r->out, "</td>");
    }
    assay_buf_puts(r->out, "<td class=\"r\">");
    assay_html_value(r->out, shown[i]->metric_count > 0 ? shown[i]->metrics[0].stats.max : NAN, "ns");
    assay_buf_puts(r->out, "</td></tr>");
  }
  assay_buf_puts(r->out, "</tbody></table></div>");
}

static void caption(assay_buf *out, const assay_benchmark_result *const *shown, size_t count, bool service, size_t left_out) {
  char text[ASSAY_REPORT_TEXT];
  assay_buf_puts(out, "<figcaption>");
  if (service) assay_buf_puts(out, "Solid: response time, from the scheduled start. Dashed: service time, from the actual start. ");
  for (size_t i = 0; i < count; i++) {
    if (!(shown[i]->rate_hz > 0)) continue;
    assay_buf_printf(out, "Issued at %s", assay_report_value(shown[i]->rate_hz, "items/s", text));
    assay_buf_printf(out, ", %s reached. ", assay_report_value(shown[i]->rate_achieved_hz, "items/s", text));
  }
  if (left_out > 0) assay_buf_printf(out, "%zu more are in the table of the suite.", left_out);
  assay_buf_puts(out, "</figcaption>");
}

static void plot(const assay_render *r, const assay_digest_group *group) {
  const assay_benchmark_result *shown[SERIES];
  char labels[SERIES][40], css[16];
  double ends[SERIES] = {0};
  size_t count = 0, all = 0;
  bool service = false;
  extent e = {INFINITY, 0, 1};
  for (size_t i = 0; i < group->count; i++) {
    const assay_benchmark_result *b = r->digest->order[group->first + i];
    if (!has_curve(b)) continue;
    all++;
    if (count == SERIES) continue;
    short_label(r, group, b, labels[count]);
    shown[count++] = b;
    extend(&e, &b->latency);
    extend(&e, &b->service);
    service |= b->service.count > 1;
  }
  if (count == 0 || !(e.high > 0)) return;
  bool log = e.high > 8 * e.low;
  double right = WIDTH - (group->count > 1 ? RIGHT : RIGHT / 6); /* no labels, no room for them */
  assay_axis x = {0, fmin(fmax(e.nines, 1), 6) * 1.04, false, LEFT, right};
  assay_axis y = assay_axis_nice(log ? e.low : 0, e.high, log, HEIGHT - BOTTOM, TOP);
  assay_buf_puts(r->out, "<figure><h3>");
  assay_html_text(r->out, group->base_name);
  assay_buf_puts(r->out, "</h3>");
  assay_svg_begin(r->out, "plot", WIDTH, HEIGHT, "Latency by percentile; the table beneath has the figures");
  frame(r->out, &x, &y);
  for (size_t i = 0; i < count; i++) {
    double ignored;
    snprintf(css, sizeof css, "l%zu dash", i);
    if (shown[i]->service.count > 1) draw_curve(r->out, &shown[i]->service, &x, &y, css, &ignored);
    snprintf(css, sizeof css, "l%zu", i);
    draw_curve(r->out, &shown[i]->latency, &x, &y, css, &ends[i]);
  }
  const char *names[SERIES];
  for (size_t i = 0; i < count; i++) names[i] = labels[i];
  if (group->count > 1) assay_svg_end_labels(r->out, WIDTH - RIGHT + 6, ends, names, count);
  assay_svg_end(r->out);
  quantile_table(r, group, shown, count);
  caption(r->out, shown, count, service, all - count);
  assay_buf_puts(r->out, "</figure>\n");
}

void assay_html_latency(const assay_render *r) {
  if (!assay_html_has_latency(r)) return;
  assay_html_begin(
      r->out, "latency", "Latency",
      "How long operations took, by percentile. Every further nine takes the same room, so the tail that users feel is not hidden.");
  assay_buf_puts(r->out, "<div class=\"grid two\">\n");
  size_t drawn = 0;
  for (size_t g = 0; g < r->digest->group_count && drawn < MAX_PLOTS; g++) {
    size_t before = r->out->length;
    plot(r, &r->digest->groups[g]);
    drawn += r->out->length > before;
  }
  assay_buf_puts(r->out, "</div>\n");
  assay_html_end(r->out);
}

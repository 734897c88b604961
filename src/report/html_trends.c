/* SPDX-License-Identifier: MIT */
/* Two grids of small plots: cost over a sweep with its Big-O fit, and each figure over earlier runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "report/html.h"
#include "report/trend_plot.h"

enum { WIDTH = 330, LEFT = 52, MAX_SWEEP = 64, MAX_SCALING = 36 };

/* ---- Growth ------------------------------------------------------------------------------------------------------------------------- */

enum { GROWTH_HEIGHT = 200, GROWTH_BOTTOM = 30, GROWTH_TOP = 10, GROWTH_RIGHT = 12, FIT_POINTS = 33 };

static double growth(assay_big_o order, double n) {
  double log_n = n > 1 ? log2(n) : 0;
  switch (order) {
    case ASSAY_O_1: return 1;
    case ASSAY_O_LOG_N: return log_n;
    case ASSAY_O_N: return n;
    case ASSAY_O_N_LOG_N: return n * log_n;
    case ASSAY_O_N2: return n * n;
    case ASSAY_O_N3: return n * n * n;
    case ASSAY_O_UNCLEAR: break;
  }
  return NAN;
}

static const char *growth_text(assay_big_o order) {
  static const char *const texts[] = {"1", "log\u2082 n", "n", "n log\u2082 n", "n\u00B2", "n\u00B3", "?"};
  return (unsigned)order < sizeof texts / sizeof *texts ? texts[order] : "?";
}

/* Whether a benchmark belongs to the sweep "sum/type=f32": same base name and the parameters named. */
static bool in_sweep(const assay_benchmark_result *b, const assay_complexity_result *c) {
  if (!assay_report_measured(b) || strcmp(b->suite, c->suite) != 0 || strcmp(b->base_name, c->base_name) != 0) return false;
  size_t base = strlen(c->base_name);
  const char *rest = c->name != NULL && strncmp(c->name, c->base_name, base) == 0 ? c->name + base : "";
  for (size_t i = 0; i < b->param_count && *rest != '\0'; i++) {
    if (strcmp(b->params[i].name, c->param) == 0) continue;
    char wanted[ASSAY_NAME_MAX];
    snprintf(wanted, sizeof wanted, "/%s=%s", b->params[i].name, b->params[i].value);
    const char *found = strstr(rest, wanted);
    if (found == NULL || (found[strlen(wanted)] != '\0' && found[strlen(wanted)] != '/')) return false;
  }
  return true;
}

static bool size_of(const assay_benchmark_result *b, const char *param, double *size) {
  for (size_t i = 0; i < b->param_count; i++) {
    if (strcmp(b->params[i].name, param) == 0) return assay_parse_f64(b->params[i].value, size) && *size > 0;
  }
  return false;
}

static void growth_frame(assay_buf *out, const assay_axis *x, const assay_axis *y, const char *param) {
  double ticks[ASSAY_AXIS_TICKS];
  char text[ASSAY_REPORT_TEXT];
  assay_svg_rows(out, y, 5, LEFT, WIDTH - GROWTH_RIGHT, assay_tick_of_unit, "ns");
  size_t count = assay_axis_ticks(x, 5, ticks);
  for (size_t i = 0; i < count; i++) {
    assay_report_tick(ticks[i], "", text);
    assay_svg_text(out, "tk", assay_axis_at(x, ticks[i]), GROWTH_HEIGHT - GROWTH_BOTTOM + 14, "middle", text);
  }
  assay_svg_line(out, "ax", LEFT, GROWTH_HEIGHT - GROWTH_BOTTOM, WIDTH - GROWTH_RIGHT, GROWTH_HEIGHT - GROWTH_BOTTOM);
  assay_svg_text(out, "lb", WIDTH - GROWTH_RIGHT, GROWTH_HEIGHT - 2, "end", param);
}

static void growth_plot(const assay_render *r, const assay_complexity_result *c) {
  double sizes[MAX_SWEEP], costs[MAX_SWEEP], low = INFINITY, high = 0, small = INFINITY, large = 0;
  size_t count = 0;
  for (size_t i = 0; i < r->result->benchmark_count && count < MAX_SWEEP; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    if (!in_sweep(b, c) || !size_of(b, c->param, &sizes[count]) || !(b->metrics[0].value > 0)) continue;
    costs[count] = b->metrics[0].value;
    low = fmin(low, costs[count]);
    high = fmax(high, costs[count]);
    small = fmin(small, sizes[count]);
    large = fmax(large, sizes[count]);
    count++;
  }
  if (count < 2) return;
  assay_axis x = assay_axis_nice(small, large, true, LEFT, WIDTH - GROWTH_RIGHT);
  assay_axis y = assay_axis_nice(low, high, true, GROWTH_HEIGHT - GROWTH_BOTTOM, GROWTH_TOP);
  assay_buf_puts(r->out, "<figure><h3>");
  assay_html_text(r->out, c->name != NULL ? c->name : c->base_name);
  assay_buf_puts(r->out, "</h3>");
  assay_svg_begin(r->out, "plot", WIDTH, GROWTH_HEIGHT, "Cost over size on logarithmic axes, with the fitted growth");
  growth_frame(r->out, &x, &y, c->param);
  if (c->fit.order != ASSAY_O_UNCLEAR) {
    double xs[FIT_POINTS], ys[FIT_POINTS];
    for (int i = 0; i < FIT_POINTS; i++) {
      double n = small * pow(large / small, i / (double)(FIT_POINTS - 1)), cost = c->fit.coefficient * growth(c->fit.order, n);
      xs[i] = assay_axis_at(&x, n);
      ys[i] = cost >= y.low && cost <= y.high ? assay_axis_at(&y, cost) : NAN;
    }
    assay_svg_polyline(r->out, "roof2", xs, ys, FIT_POINTS);
  }
  for (size_t i = 0; i < count; i++) assay_svg_dot(r->out, "pt", assay_axis_at(&x, sizes[i]), assay_axis_at(&y, costs[i]), 4.5);
  assay_svg_end(r->out);
  char text[ASSAY_REPORT_TEXT];
  assay_buf_puts(r->out, "<figcaption>");
  if (c->fit.order == ASSAY_O_UNCLEAR) {
    assay_buf_puts(r->out, "No form fits clearly better than another.");
  } else {
    assay_buf_printf(r->out, "<b>%s</b>: %s \u00D7 %s", assay_big_o_text(c->fit.order), assay_report_value(c->fit.coefficient, "ns", text),
                     growth_text(c->fit.order));
    assay_buf_printf(r->out, "; residuals %s.", assay_report_percent(c->fit.rms_ratio, text));
  }
  assay_buf_puts(r->out, "</figcaption></figure>\n");
}

void assay_html_scaling(const assay_render *r) {
  if (r->result->complexity_count == 0) return;
  assay_html_begin(r->out, "scaling", "Scaling", "Cost over the size of a sweep, with the growth that fits it best.");
  assay_buf_puts(r->out, "<div class=\"grid\">\n");
  for (size_t i = 0; i < r->result->complexity_count && i < MAX_SCALING; i++) growth_plot(r, &r->result->complexities[i]);
  assay_buf_puts(r->out, "</div>\n");
  assay_html_end(r->out);
}

/* ---- Over time ---------------------------------------------------------------------------------------------------------------------- */

enum { TREND_HEIGHT = 112, TREND_TOP = 12, TREND_BOTTOM = 20, TREND_RIGHT = 58, TREND_POINTS = 128, MAX_TRENDS = 48 };

bool assay_html_has_trends(const assay_render *r) {
  for (size_t i = 0; i < r->context->trend_count; i++) {
    if (r->context->trends[i].count > 1) return true;
  }
  return false;
}

static const assay_metric_result *metric_of(const assay_result *result, const assay_report_trend *t) {
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (strcmp(b->name, t->benchmark) != 0 || strcmp(b->suite, t->suite) != 0) continue;
    for (size_t k = 0; k < b->metric_count; k++) {
      if (strcmp(b->metrics[k].name, t->metric) == 0) return &b->metrics[k];
    }
  }
  return NULL;
}

static assay_verdict verdict_of(const assay_render *r, const assay_report_trend *t) {
  const assay_changes *changes = r->context->changes;
  for (size_t i = 0; changes != NULL && i < changes->count; i++) {
    const assay_change *c = &changes->items[i];
    if (strcmp(c->benchmark, t->benchmark) == 0 && strcmp(c->suite, t->suite) == 0 && strcmp(c->metric, t->metric) == 0) return c->verdict;
  }
  return ASSAY_VERDICT_SAME;
}

static void trend_plot(const assay_render *r, const assay_report_trend *t) {
  static const assay_trend_frame frame = {
      .width = WIDTH, .height = TREND_HEIGHT, .left = LEFT, .right = TREND_RIGHT, .top = TREND_TOP, .bottom = TREND_BOTTOM};
  size_t count = t->count > TREND_POINTS ? TREND_POINTS : t->count, first = t->count - count;
  const assay_metric_result *m = metric_of(r->result, t);
  if (m == NULL || !assay_trend_has_figure(t->points + first, count)) return;
  const char *css = assay_verdict_look_of(verdict_of(r, t))->css;
  assay_buf_puts(r->out, "<figure><h3 class=\"n\">");
  assay_html_name(r->out, t->benchmark);
  assay_buf_puts(r->out, "</h3>");
  assay_svg_begin(r->out, "plot", WIDTH, TREND_HEIGHT, "The figure over earlier runs, with its 95 % interval");
  assay_trend_panel(
      r->out, &frame,
      &(assay_trend_line){.points = t->points + first, .count = count, .unit = m->unit, .last = strcmp(css, "same") == 0 ? "pt" : css});
  assay_svg_end(r->out);
  assay_buf_puts(r->out, "</figure>\n");
}

/* Those with a verdict come first: with many benchmarks the unchanged ones are what can be left out. */
void assay_html_trends(const assay_render *r) {
  if (!assay_html_has_trends(r)) return;
  const assay_report_context *context = r->context;
  assay_html_begin(r->out, "trends", "Over time",
                   "Median of each run on this machine, oldest first, with its 95 % interval. The scales do not begin at zero.");
  assay_buf_puts(r->out, "<div class=\"grid\">\n");
  size_t drawn = 0, able = 0;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < context->trend_count; i++) {
      const assay_report_trend *t = &context->trends[i];
      if (t->count < 2 || (verdict_of(r, t) == ASSAY_VERDICT_SAME) != (pass == 1)) continue;
      able++;
      if (drawn < MAX_TRENDS) trend_plot(r, t), drawn++;
    }
  }
  assay_buf_puts(r->out, "</div>\n");
  if (able > drawn)
    assay_buf_printf(r->out, "<p class=\"soft\">%zu further benchmarks that did not change are in the history.</p>\n", able - drawn);
  assay_html_end(r->out);
}

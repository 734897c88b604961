/* SPDX-License-Identifier: MIT */
/* Which device for which size: the guide in sentences, the figures, and a plot an operation. */
#include <assay/crossover.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/number.h"
#include "report/html.h"

static const char *size_text(double size, const char *unit, char text[ASSAY_REPORT_TEXT]) {
  if (strcmp(unit, "bytes") == 0) return assay_report_value(size, "B", text);
  assay_snprintf(text, ASSAY_REPORT_TEXT, "%.0f %s", size, unit);
  return text;
}

static const char *time_text(double seconds, char text[ASSAY_REPORT_TEXT]) { return assay_report_value(seconds * 1e9, "ns", text); }

static bool same_operation(const assay_crossover_curve *a, const assay_crossover_curve *b) {
  return strcmp(a->operation, b->operation) == 0 && strcmp(a->type, b->type) == 0;
}

/* ---- Text --------------------------------------------------------------------------------------------------------------------------- */

static void put_rate(assay_buf *out, const assay_crossover_curve *c, const assay_crossover_point *p) {
  char text[ASSAY_REPORT_TEXT];
  if (strcmp(c->unit, "bytes") == 0)
    assay_buf_puts(out, assay_report_value(p->size / p->seconds, "B/s", text));
  else
    assay_buf_printf(out, "%.3g M%s/s", p->size / p->seconds / 1e6, c->unit);
}

static void write_text(assay_buf *out, const assay_crossover *found) {
  assay_buf_puts(out, "Which device for what\n\n");
  for (size_t i = 0; i < found->advice_count; i++) {
    assay_buf_puts(out, "  ");
    assay_buf_plain(out, found->advice[i].sentence);
    assay_buf_putc(out, '\n');
  }
  for (size_t i = 0; i < found->curve_count; i++) {
    const assay_crossover_curve *c = &found->curves[i];
    assay_buf_printf(out, "\n%s, %s, on %s\n", c->what, c->type, c->device);
    if (c->cause != NULL) {
      assay_buf_puts(out, "  not measured: ");
      assay_buf_plain(out, c->cause);
      assay_buf_putc(out, '\n');
    }
    for (size_t k = 0; k < c->count; k++) {
      char size[ASSAY_REPORT_TEXT], took[ASSAY_REPORT_TEXT];
      assay_buf_printf(out, "  %20s  %12s  ", size_text(c->points[k].size, c->unit, size), time_text(c->points[k].seconds, took));
      put_rate(out, c, &c->points[k]);
      assay_buf_putc(out, '\n');
    }
  }
}

/* ---- JSON --------------------------------------------------------------------------------------------------------------------------- */

static void write_points(assay_json *json, const assay_crossover_curve *c) {
  assay_json_key(json, "points");
  assay_json_array(json);
  for (size_t k = 0; k < c->count; k++) {
    const assay_crossover_point *p = &c->points[k];
    assay_json_object_inline(json);
    assay_json_key(json, "size"), assay_json_double(json, p->size);
    assay_json_key(json, "seconds"), assay_json_double(json, p->seconds);
    assay_json_key(json, "low"), assay_json_double(json, p->low);
    assay_json_key(json, "high"), assay_json_double(json, p->high);
    assay_json_key(json, "calls"), assay_json_uint(json, p->calls);
    assay_json_key(json, "answer"), assay_json_double(json, p->answer);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void write_json(assay_buf *out, const assay_crossover *found) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_key(&json, "schema"), assay_json_string(&json, "assay-crossover/1");
  assay_json_key(&json, "machine"), assay_json_string(&json, found->machine);
  assay_json_key(&json, "at_s"), assay_json_int(&json, found->at_s);
  assay_json_key(&json, "guide");
  assay_json_array(&json);
  for (size_t i = 0; i < found->advice_count; i++) {
    const assay_crossover_advice *a = &found->advice[i];
    assay_json_object(&json);
    assay_json_key(&json, "operation"), assay_json_string(&json, a->operation);
    assay_json_key(&json, "type"), assay_json_string(&json, a->type);
    assay_json_key(&json, "small"), assay_json_string(&json, a->small);
    assay_json_key(&json, "large"), assay_json_string(&json, a->large);
    assay_json_key(&json, "crossover"), assay_json_double(&json, a->from);
    assay_json_key(&json, "times_as_fast"), assay_json_double(&json, a->most);
    assay_json_key(&json, "clear"), assay_json_bool(&json, a->clear);
    assay_json_key(&json, "same_bits"), assay_json_bool(&json, a->same_bits);
    assay_json_key(&json, "sentence"), assay_json_string(&json, a->sentence);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_key(&json, "curves");
  assay_json_array(&json);
  for (size_t i = 0; i < found->curve_count; i++) {
    const assay_crossover_curve *c = &found->curves[i];
    assay_json_object(&json);
    assay_json_key(&json, "operation"), assay_json_string(&json, c->operation);
    assay_json_key(&json, "type"), assay_json_string(&json, c->type);
    assay_json_key(&json, "device"), assay_json_string(&json, c->device);
    assay_json_key(&json, "unit"), assay_json_string(&json, c->unit);
    assay_json_key(&json, "cause"), assay_json_string(&json, c->cause);
    write_points(&json, c);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

/* ---- HTML --------------------------------------------------------------------------------------------------------------------------- */

enum { WIDTH = 860, HEIGHT = 300, LEFT = 80, RIGHT = 130, TOP = 16, BOTTOM = 40, MOST_CURVES = 16, MOST_POINTS = 64 };

static void widen(double value, double *low, double *high) {
  *low = fmin(*low, value);
  *high = fmax(*high, value);
}

/* An axis of bytes has powers of two at its ends and at its ticks: 64 KiB and not 97.7 KiB. */
static assay_axis binary_axis(double low, double high, double from, double to) {
  low = exp2(floor(log2(low)));
  high = exp2(ceil(log2(high)));
  return (assay_axis){low, high > low ? high : 2 * low, true, from, to};
}

static size_t binary_ticks(const assay_axis *axis, int wanted, double ticks[ASSAY_AXIS_TICKS]) {
  int first = (int)lround(log2(axis->low)), last = (int)lround(log2(axis->high)), every = (last - first) / wanted + 1;
  size_t count = 0;
  for (int power = first; power <= last && count < ASSAY_AXIS_TICKS; power++)
    if (power % every == 0) ticks[count++] = ldexp(1, power);
  return count;
}

static void tick_of_seconds(const void *user, double seconds, char text[ASSAY_TICK_TEXT]) {
  (void)user;
  assay_report_tick(seconds * 1e9, "ns", text);
}

static void draw_axes(assay_buf *out, const assay_axis *x, const assay_axis *y, const char *unit) {
  double ticks[ASSAY_AXIS_TICKS];
  char text[ASSAY_REPORT_TEXT];
  assay_svg_rows(out, y, 5, LEFT, WIDTH - RIGHT, tick_of_seconds, NULL);
  bool bytes = strcmp(unit, "bytes") == 0;
  size_t count = bytes ? binary_ticks(x, 6, ticks) : assay_axis_ticks(x, 6, ticks);
  for (size_t i = 0; i < count; i++) {
    double at = assay_axis_at(x, ticks[i]);
    assay_svg_line(out, "gr", at, TOP, at, HEIGHT - BOTTOM);
    assay_svg_text(out, "tk", at, HEIGHT - BOTTOM + 16, "middle", assay_report_tick(ticks[i], bytes ? "B" : "", text));
  }
  assay_svg_line(out, "ax", LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM);
  assay_svg_text(out, "lb", (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 6, "middle", unit);
}

/* A dot a measured size, so that a curve of one is seen as well. Returns the height at which it ends. */
static double draw_curve(assay_buf *out, const assay_crossover_curve *c, const assay_axis *x, const assay_axis *y, size_t series) {
  double xs[MOST_POINTS], ys[MOST_POINTS];
  char line[8], dot[8];
  size_t count = c->count < MOST_POINTS ? c->count : MOST_POINTS;
  snprintf(line, sizeof line, "l%zu", series % ASSAY_SVG_SERIES);
  snprintf(dot, sizeof dot, "t%zu", series % ASSAY_SVG_SERIES);
  for (size_t k = 0; k < count; k++) {
    xs[k] = assay_axis_at(x, c->points[k].size);
    ys[k] = assay_axis_at(y, c->points[k].seconds);
  }
  if (count > 1) assay_svg_polyline(out, line, xs, ys, count);
  for (size_t k = 0; k < count; k++) assay_svg_dot(out, dot, xs[k], ys[k], 2.4);
  return ys[count - 1];
}

static void draw_curves(assay_buf *out, const assay_crossover_curve *first, size_t count, const assay_axis *x, const assay_axis *y) {
  double ends[MOST_CURVES];
  const char *labels[MOST_CURVES];
  size_t series = 0;
  for (size_t i = 0; i < count && series < MOST_CURVES; i++) {
    if (!same_operation(&first[i], first) || first[i].count == 0) continue;
    labels[series] = first[i].device;
    ends[series] = draw_curve(out, &first[i], x, y, series);
    series++;
  }
  assay_svg_end_labels(out, WIDTH - RIGHT + 8, ends, labels, series);
}

/* `first` is the first curve of its operation; the others follow somewhere behind it. */
static void draw_operation(assay_buf *out, const assay_crossover_curve *first, size_t count, const assay_crossover_advice *a) {
  double low_x = INFINITY, high_x = 0, low_y = INFINITY, high_y = 0;
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; same_operation(&first[i], first) && k < first[i].count; k++) {
      widen(first[i].points[k].size, &low_x, &high_x);
      widen(first[i].points[k].seconds, &low_y, &high_y);
    }
  }
  if (!(high_x > 0)) return;
  bool bytes = strcmp(first->unit, "bytes") == 0;
  assay_axis x = bytes ? binary_axis(low_x, high_x, LEFT, WIDTH - RIGHT) : assay_axis_nice(low_x, high_x, true, LEFT, WIDTH - RIGHT);
  assay_axis y = assay_axis_nice(low_y, high_y, true, HEIGHT - BOTTOM, TOP);
  assay_html_plot_begin(out, WIDTH, HEIGHT, a->sentence);
  draw_axes(out, &x, &y, first->unit);
  if (!isnan(a->from)) assay_svg_line(out, "roof3", assay_axis_at(&x, a->from), TOP, assay_axis_at(&x, a->from), HEIGHT - BOTTOM);
  draw_curves(out, first, count, &x, &y);
  assay_html_plot_end(out, NULL);
}

static void write_table(assay_buf *out, const assay_crossover_curve *first, size_t count) {
  assay_buf_puts(out,
                 "<details><summary>Figures</summary><table><thead><tr><th>device</th><th>size</th><th>time</th><th>fastest to slowest "
                 "call</th></tr></thead><tbody>");
  for (size_t i = 0; i < count; i++) {
    if (!same_operation(&first[i], first)) continue;
    if (first[i].cause != NULL) {
      assay_buf_printf(out, "<tr><td>%s</td><td colspan=\"3\">not measured: ", first[i].device);
      assay_html_text(out, first[i].cause);
      assay_buf_puts(out, "</td></tr>");
    }
    for (size_t k = 0; k < first[i].count; k++) {
      const assay_crossover_point *p = &first[i].points[k];
      char size[ASSAY_REPORT_TEXT], took[ASSAY_REPORT_TEXT], low[ASSAY_REPORT_TEXT], high[ASSAY_REPORT_TEXT];
      assay_buf_printf(out, "<tr><td>%s</td><td>%s</td><td>%s</td><td>%s to %s</td></tr>", first[i].device,
                       size_text(p->size, first[i].unit, size), time_text(p->seconds, took), time_text(p->low, low),
                       time_text(p->high, high));
    }
  }
  assay_buf_puts(out, "</tbody></table></details>");
}

static void write_html(assay_buf *out, const assay_crossover *found) {
  assay_html_page_begin(out, "Which device for what", found->machine != NULL ? found->machine : "devices");
  assay_buf lead = {0};
  assay_buf_printf(&lead, "%s%sFrom host call to host result, transfers included; medians.", found->machine != NULL ? found->machine : "",
                   found->machine != NULL ? ". " : "");
  if (lead.failed) out->failed = true;
  assay_html_main_begin(out, "Which device for what", lead.data);
  assay_buf_deinit(&lead);
  assay_buf_puts(out, "<ul>");
  for (size_t i = 0; i < found->advice_count; i++) {
    assay_buf_printf(out, "<li><a href=\"#operation-%zu\">", i);
    assay_html_text(out, found->advice[i].sentence);
    assay_buf_puts(out, "</a></li>");
  }
  assay_buf_puts(out, "</ul>");
  assay_html_end(out);
  size_t at = 0;
  for (size_t i = 0; i < found->advice_count; i++) {
    const assay_crossover_advice *a = &found->advice[i];
    while (at < found->curve_count &&
           (strcmp(found->curves[at].operation, a->operation) != 0 || strcmp(found->curves[at].type, a->type) != 0))
      at++;
    if (at == found->curve_count) break;
    char id[40];
    assay_buf title = {0};
    snprintf(id, sizeof id, "operation-%zu", i);
    assay_buf_printf(&title, "%s, %s", found->curves[at].what, found->curves[at].type);
    assay_html_begin(out, id, title.data != NULL ? title.data : "", NULL); /* its sentence stands in the guide */
    draw_operation(out, &found->curves[at], found->curve_count - at, a);
    write_table(out, &found->curves[at], found->curve_count - at);
    assay_html_end(out);
    assay_buf_deinit(&title);
  }
  assay_html_page_end(out);
}

assay_status assay_crossover_render(const assay_crossover *found, assay_crossover_format format, assay_error *err, char **text) {
  assay_buf out = {0};
  switch (format) {
    case ASSAY_CROSSOVER_TEXT: write_text(&out, found); break;
    case ASSAY_CROSSOVER_JSON: write_json(&out, found); break;
    case ASSAY_CROSSOVER_HTML: write_html(&out, found); break;
    default: return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no such format of a selection guide");
  }
  char *taken = assay_buf_take(&out);
  if (taken == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the selection guide");
  *text = taken;
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
#include "report/svg.h"
#include "base/number.h"
#include "report/render.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Axes --------------------------------------------------------------------------------------------------------------------------- */

double assay_axis_at(const assay_axis *axis, double value) {
  double low = axis->low, high = axis->high;
  if (axis->log) {
    low = log10(low);
    high = log10(high);
    value = value > 0 ? log10(value) : low;
  }
  double part = (value - low) / (high - low);
  if (!(part > 0)) part = 0;
  if (part > 1) part = 1;
  return axis->from + part * (axis->to - axis->from);
}

/* Steps of 1, 2 and 5: Heckbert's "nice numbers" (Graphics Gems, 1990), so that a tick is never at 37. */
static double nice_step(double raw, bool up) {
  double power = pow(10, floor(log10(raw))), part = raw / power;
  double nice;
  if (up)
    nice = part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10;
  else
    nice = part < 1.5 ? 1 : part < 3.5 ? 2 : part < 7.5 ? 5 : 10;
  return nice * power;
}

double assay_nice_limit(double value) { return nice_step(value * (1 - 1e-9), true); }

static size_t log_ticks(const assay_axis *axis, size_t wanted, double *ticks) {
  int first = (int)ceil(log10(axis->low) - 1e-9), last = (int)floor(log10(axis->high) + 1e-9);
  int decades = last - first + 1, every = 1;
  while (decades / every > (int)wanted) every++;
  size_t count = 0;
  static const double within[] = {1, 2, 5};
  bool fine = decades <= (int)wanted / 3;
  for (int e = first - 1; e <= last; e++) {
    for (size_t k = 0; k < (fine ? 3u : 1u); k++) {
      double tick = within[k] * pow(10, e);
      bool due = fine || (e - first) % every == 0;
      if (due && tick >= axis->low * (1 - 1e-9) && tick <= axis->high * (1 + 1e-9) && count < ASSAY_AXIS_TICKS) ticks[count++] = tick;
    }
  }
  return count;
}

size_t assay_axis_ticks(const assay_axis *axis, size_t wanted, double ticks[ASSAY_AXIS_TICKS]) {
  if (axis->log) return log_ticks(axis, wanted, ticks);
  double step = nice_step((axis->high - axis->low) / (double)wanted, false);
  double first = ceil(axis->low / step - 1e-9);
  size_t count = 0;
  for (double k = first; k * step <= axis->high + step * 1e-9 && count < ASSAY_AXIS_TICKS; k++)
    ticks[count++] = k * step + 0; /* 0 for -0, which would be written so */
  return count;
}

assay_axis assay_axis_nice(double low, double high, bool log, double from, double to) {
  if (log) {
    if (!(low > 0)) low = high > 0 ? high / 10 : 1;
    if (!(high > low)) high = low * 10;
    double low_power = pow(10, floor(log10(low))), high_power = pow(10, floor(log10(high)));
    double low_part = low / low_power;
    low = (low_part >= 5 ? 5 : low_part >= 2 ? 2 : 1) * low_power;
    high = nice_step(high / high_power * (1 - 1e-9), true) * high_power;
    if (!(high > low)) high = low * 10;
    return (assay_axis){low, high, true, from, to};
  }
  if (!(high > low)) {
    double apart = low != 0 ? fabs(low) / 2 : 1;
    low -= apart;
    high = low + 2 * apart;
  }
  double step = nice_step((high - low) / 5, false);
  return (assay_axis){floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, false, from, to};
}

void assay_tick_of_unit(const void *user, double value, char text[ASSAY_TICK_TEXT]) { assay_report_tick(value, user, text); }

void assay_svg_rows(assay_buf *out, const assay_axis *y, size_t wanted, double left, double right, assay_tick_text *text_of,
                    const void *user) {
  double ticks[ASSAY_AXIS_TICKS];
  size_t count = assay_axis_ticks(y, wanted, ticks);
  for (size_t i = 0; i < count; i++) {
    char text[ASSAY_TICK_TEXT];
    double at = assay_axis_at(y, ticks[i]);
    assay_svg_line(out, "gr", left, at, right, at);
    text_of(user, ticks[i], text);
    assay_svg_text(out, "tk", left - 6, at + 4, "end", text);
  }
}

/* ---- Marks -------------------------------------------------------------------------------------------------------------------------- */

void assay_svg_number(assay_buf *out, double value) {
  char text[40];
  assay_snprintf(text, sizeof text, "%.1f", value);
  size_t length = strlen(text);
  if (text[length - 1] == '0') text[length - 2] = '\0';
  assay_buf_puts(out, strcmp(text, "-0") == 0 ? "0" : text);
}

static void attribute(assay_buf *out, const char *name, double value) {
  assay_buf_printf(out, " %s=\"", name);
  assay_svg_number(out, value);
  assay_buf_putc(out, '"');
}

static void open_mark(assay_buf *out, const char *element, const char *css_class) {
  assay_buf_printf(out, "<%s class=\"%s\"", element, css_class);
}

void assay_svg_begin(assay_buf *out, const char *css_class, double width, double height, const char *title) {
  open_mark(out, "svg", css_class);
  assay_buf_printf(out, " viewBox=\"0 0 %.0f %.0f\"", width, height);
  if (title == NULL) {
    assay_buf_puts(out, " aria-hidden=\"true\">");
    return;
  }
  assay_buf_puts(out, " role=\"img\" aria-label=\"");
  assay_report_xml(out, title);
  assay_buf_puts(out, "\">");
}

/* No custom properties: librsvg, which makes PNGs of these, does not know them. Each class is said once a theme. */
static const char document_style[] =
    "svg{font:11px Inter,system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif;background:#fdfcfa}"
    "text{fill:#17191d}.tk,.lb{fill:#595e68}.em{font-weight:650}.ti{font-size:15px;font-weight:650}.gr{stroke:#ebe8e1;fill:none}"
    ".ax{stroke:#dedad2;fill:none}.roof{stroke:#17191d;stroke-width:1.4;fill:none}.roof2{stroke:#595e68;fill:none}"
    ".roof3{stroke:#595e68;stroke-dasharray:4 3;fill:none}.pt{fill:#1d5f9e;stroke:#fdfcfa}.ln{stroke:#1d5f9e;stroke-width:1.6;fill:none}"
    ".area{fill:#1d5f9e;fill-opacity:.16}.chg{fill:#c2571a;fill-opacity:.2}.chl{fill:#a8460d;font-weight:650}"
    ".chb{fill:#2f7d4f;fill-opacity:.2}.chbl{fill:#1f6b3c;font-weight:650}.spk{fill:#595e68}.paper{fill:#fdfcfa}"
    ".halo{stroke:#fdfcfa;stroke-width:3;paint-order:stroke;stroke-linejoin:round}"
    "@media(prefers-color-scheme:dark){svg{background:#14161a}text{fill:#e9e7e2}.tk,.lb{fill:#a4a8b1}.gr{stroke:#262a31}.ax{stroke:#353941}"
    ".roof{stroke:#e9e7e2}.roof2,.roof3{stroke:#a4a8b1}.pt{fill:#6db0e8;stroke:#14161a}.ln{stroke:#6db0e8}.area{fill:#6db0e8}.chg{fill:#"
    "e8935a}"
    ".chl{fill:#f0a878}.chb{fill:#5fb882}.chbl{fill:#84d0a1}.spk{fill:#a4a8b1}.paper{fill:#14161a}.halo{stroke:#14161a}}";

void assay_svg_document(assay_buf *out, double width, double height, const char *title) {
  assay_buf_printf(
      out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\">\n<title>",
      width, height, width, height);
  assay_report_xml(out, title);
  assay_buf_printf(out, "</title>\n<style>%s</style>\n", document_style);
  assay_svg_rect(out, "paper", 0, 0, width, height);
}

void assay_svg_end(assay_buf *out) { assay_buf_puts(out, "</svg>"); }

void assay_svg_line(assay_buf *out, const char *css_class, double x1, double y1, double x2, double y2) {
  open_mark(out, "path", css_class);
  assay_buf_puts(out, " d=\"M");
  assay_svg_number(out, x1);
  assay_buf_putc(out, ' ');
  assay_svg_number(out, y1);
  bool level = y1 == y2, upright = x1 == x2;
  assay_buf_putc(out, level ? 'H' : upright ? 'V' : 'L');
  if (level || !upright) assay_svg_number(out, x2);
  if (!level && !upright) assay_buf_putc(out, ' ');
  if (!level) assay_svg_number(out, y2);
  assay_buf_puts(out, "\"/>");
}

void assay_svg_rect(assay_buf *out, const char *css_class, double x, double y, double width, double height) {
  open_mark(out, "rect", css_class);
  attribute(out, "x", x);
  attribute(out, "y", y);
  attribute(out, "width", width > 0 ? width : 0);
  attribute(out, "height", height > 0 ? height : 0);
  assay_buf_puts(out, "/>");
}

void assay_svg_dot(assay_buf *out, const char *css_class, double x, double y, double radius) {
  open_mark(out, "circle", css_class);
  attribute(out, "cx", x);
  attribute(out, "cy", y);
  attribute(out, "r", radius);
  assay_buf_puts(out, "/>");
}

void assay_svg_arrow(assay_buf *out, const char *css_class, double x, double y, double length) {
  double base = x - length, half = fabs(length) * 0.7;
  open_mark(out, "polygon", css_class);
  assay_buf_puts(out, " points=\"");
  const double points[] = {x, y, base, y - half, base, y + half};
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    if (i > 0) assay_buf_putc(out, i % 2 == 1 ? ',' : ' ');
    assay_svg_number(out, points[i]);
  }
  assay_buf_puts(out, "\"/>");
}

void assay_svg_pointer(assay_buf *out, const char *css_class, double x, double y, double length) {
  double half = fabs(length) * 0.7;
  open_mark(out, "polygon", css_class);
  assay_buf_puts(out, " points=\"");
  const double points[] = {x, y, x - half, y - length, x + half, y - length};
  for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
    if (i > 0) assay_buf_putc(out, i % 2 == 1 ? ',' : ' ');
    assay_svg_number(out, points[i]);
  }
  assay_buf_puts(out, "\"/>");
}

void assay_svg_text(assay_buf *out, const char *css_class, double x, double y, const char *anchor, const char *text) {
  open_mark(out, "text", css_class);
  attribute(out, "x", x);
  attribute(out, "y", y);
  if (strcmp(anchor, "start") != 0) assay_buf_printf(out, " text-anchor=\"%s\"", anchor);
  assay_buf_putc(out, '>');
  assay_report_xml(out, text);
  assay_buf_puts(out, "</text>");
}

void assay_svg_end_labels(assay_buf *out, double x, const double *ends, const char *const *labels, size_t count) {
  size_t order[ASSAY_SVG_LABELS];
  if (count > ASSAY_SVG_LABELS) count = ASSAY_SVG_LABELS;
  for (size_t i = 0; i < count; i++) {
    size_t k = i;
    for (; k > 0 && ends[i] < ends[order[k - 1]]; k--) order[k] = order[k - 1];
    order[k] = i;
  }
  double last = -100;
  for (size_t i = 0; i < count; i++) {
    char css[16];
    double y = fmax(ends[order[i]] + 4, last + 13);
    last = y;
    snprintf(css, sizeof css, "em t%zu", order[i] % ASSAY_SVG_SERIES);
    assay_svg_text(out, css, x, y, "start", labels[order[i]]);
  }
}

static void point(assay_buf *out, char command, double x, double y) {
  assay_buf_putc(out, command);
  assay_svg_number(out, x);
  assay_buf_putc(out, ' ');
  assay_svg_number(out, y);
}

void assay_svg_polyline(assay_buf *out, const char *css_class, const double *x, const double *y, size_t count) {
  open_mark(out, "path", css_class);
  assay_buf_puts(out, " d=\"");
  bool drawing = false;
  for (size_t i = 0; i < count; i++) {
    if (!isfinite(x[i]) || !isfinite(y[i])) {
      drawing = false;
      continue;
    }
    point(out, drawing ? 'L' : 'M', x[i], y[i]);
    drawing = true;
  }
  assay_buf_puts(out, "\"/>");
}

void assay_svg_band(assay_buf *out, const char *css_class, const double *x, const double *low, const double *high, size_t count) {
  size_t drawn = 0;
  assay_buf path = {0};
  for (size_t i = 0; i < count; i++) {
    if (isfinite(low[i]) && isfinite(high[i])) point(&path, drawn++ > 0 ? 'L' : 'M', x[i], high[i]);
  }
  for (size_t i = count; i > 0; i--) {
    if (isfinite(low[i - 1]) && isfinite(high[i - 1])) point(&path, 'L', x[i - 1], low[i - 1]);
  }
  if (path.failed) out->failed = true;
  if (drawn > 1 && path.data != NULL) {
    open_mark(out, "path", css_class);
    assay_buf_printf(out, " d=\"%sZ\"/>", path.data);
  }
  assay_buf_deinit(&path);
}

void assay_svg_whisker(assay_buf *out, double x1, double x2, double y, double half_height) {
  open_mark(out, "path", "ci");
  assay_buf_puts(out, " d=\"");
  const double ends[] = {x1, x2};
  for (int i = 0; i < 2; i++) {
    point(out, 'M', ends[i], y - half_height);
    assay_buf_putc(out, 'V');
    assay_svg_number(out, y + half_height);
  }
  point(out, 'M', x1, y);
  assay_buf_putc(out, 'H');
  assay_svg_number(out, x2);
  assay_buf_puts(out, "\"/>");
}

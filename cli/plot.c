/* SPDX-License-Identifier: MIT */
/* A series in a terminal: half blocks, with a mark where it changed. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/cli.h"
#include "report/render.h"

enum { PLOT_ROWS = 8, PLOT_WIDEST = 186, PLOT_NARROWEST = 20 };

typedef struct plot {
  size_t width;
  double low, high; /* values at the bottom and the top */
  double least[PLOT_WIDEST], most[PLOT_WIDEST];
  bool change[PLOT_WIDEST];
} plot;

static size_t place_of(const assay_cli_plot *from, const plot *p, size_t row) { return row * p->width / from->count; }

/* Each character stands for some rows: from their smallest to their largest value. */
static bool make_plot(const assay_cli_plot *from, size_t width, plot *p) {
  *p = (plot){.width = width < from->count ? width : from->count, .low = INFINITY, .high = -INFINITY};
  for (size_t i = 0; i < p->width; i++) p->least[i] = INFINITY, p->most[i] = -INFINITY;
  for (size_t r = 0; r < from->count; r++) {
    double value = from->values[r * from->stride];
    size_t at = place_of(from, p, r);
    if (isnan(value)) continue;
    p->least[at] = fmin(p->least[at], value);
    p->most[at] = fmax(p->most[at], value);
    p->low = fmin(p->low, value);
    p->high = fmax(p->high, value);
  }
  for (size_t i = 0; i < from->change_count; i++) p->change[place_of(from, p, from->changes[i].index)] = true;
  return p->low <= p->high;
}

/* Which of the plot's half rows (0 at the bottom) a value is in. */
static int half_row(const plot *p, double value) {
  double span = p->high / 2 - p->low / 2; /* halves, so that the largest numbers do not overflow */
  if (!(span > 0)) return PLOT_ROWS;
  return (int)((value / 2 - p->low / 2) / span * (2 * PLOT_ROWS - 1) + 0.5);
}

static const char *mark_at(const plot *p, size_t at, int row) {
  if (!(p->least[at] <= p->most[at])) return p->change[at] ? "┊" : " ";
  int low = half_row(p, p->least[at]), high = half_row(p, p->most[at]);
  bool lower = low <= 2 * row && 2 * row <= high, upper = low <= 2 * row + 1 && 2 * row + 1 <= high;
  if (lower && upper) return "█";
  if (lower || upper) return lower ? "▄" : "▀";
  return p->change[at] ? "┊" : " ";
}

/* Money has no powers of ten, and what is near to each other has the digits that tell both ends apart. */
static void label(const assay_cli_plot *from, const plot *p, double value, char *text, size_t size) {
  const double span = p->high - p->low, large = fmax(fabs(p->high), fabs(p->low));
  const bool is_narrow = span > 0 && span < 1e-4 * large;
  if (from->unit != NULL)
    snprintf(text, size, "%s", assay_report_value(value, from->unit, (char[ASSAY_REPORT_TEXT]){0}));
  else if (large >= 1e10 || (large < 1e5 && !is_narrow))
    assay_snprintf(text, size, "%.5g", value);
  else
    assay_snprintf(text, size, "%.*f", is_narrow ? (int)fmin(fmax(1 - floor(log10(span)), 0), 6) : 0, value);
}

/* Of the terminal; behind a pipe as COLUMNS says. */
static unsigned columns_of_output(void) {
  const char *told = getenv("COLUMNS");
  unsigned columns = assay_cli_columns(stdout);
  if (columns > 0 || told == NULL) return columns;
  long wanted = strtol(told, NULL, 10);
  return wanted > 0 && wanted < 10000 ? (unsigned)wanted : 0;
}

void assay_cli_put_plot(assay_buf *out, const assay_cli_plot *from, bool color) {
  unsigned columns = columns_of_output();
  size_t width = columns == 0 ? 80 : columns < PLOT_NARROWEST + 14 ? PLOT_NARROWEST : columns - 14;
  plot p;
  if (!make_plot(from, width < PLOT_WIDEST ? width : PLOT_WIDEST, &p)) return;
  for (int row = PLOT_ROWS - 1; row >= 0; row--) {
    char text[48] = "";
    if (row == PLOT_ROWS - 1) label(from, &p, p.high, text, sizeof text);
    if (row == 0) label(from, &p, p.low, text, sizeof text);
    assay_buf_printf(out, "%*s%s ", 12 - (int)assay_cli_text_width(text), "", text);
    for (size_t at = 0; at < p.width; at++) {
      bool paint = color && p.change[at];
      assay_buf_printf(out, "%s%s%s", paint ? "\033[33m" : "", mark_at(&p, at, row), paint ? "\033[0m" : "");
    }
    assay_buf_putc(out, '\n');
  }
  assay_buf_printf(out, "%13s", "");
  for (size_t at = 0; at < p.width; at++) assay_buf_puts(out, p.change[at] ? "^" : " ");
  assay_buf_putc(out, '\n');
}

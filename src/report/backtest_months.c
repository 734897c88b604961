/* SPDX-License-Identifier: MIT */
/* Returns of a backtest over months and years. */
#include <math.h>
#include <time.h>

#include "base/alloc.h"
#include "report/backtest.h"

enum { MONTHS = 12, MOST_YEARS = 200 };

typedef struct year_row {
  double months[MONTHS], year; /* NaN: nothing of it is there */
} year_row;

/* Months since the year 0; -1: the calendar does not reach there. */
static int64_t month_of(int64_t ns) {
  time_t at = (time_t)((ns - (ns % 1000000000 + 1000000000) % 1000000000) / 1000000000);
  struct tm when;
  return gmtime_r(&at, &when) != NULL ? (int64_t)(when.tm_year + 1900) * MONTHS + when.tm_mon : -1;
}

static bool span_of(const assay_backtest_view *view, int64_t *first, int64_t *last) {
  const assay_backtest_result *r = view->result;
  if (view->times == NULL || r->metrics.bars < 2) return false;
  *first = month_of(view->times[r->first]);
  *last = month_of(view->times[r->first + r->metrics.bars - 1]);
  return *first >= 0 && *last > *first && *last / MONTHS - *first / MONTHS < MOST_YEARS;
}

bool assay_backtest_has_months(const assay_backtest_view *view) {
  int64_t first, last;
  return span_of(view, &first, &last);
}

static double change(double from, double to) { return from > 0 ? to / from - 1 : NAN; }

/* The first month is counted from the first bar on, the last one up to the last. */
static void fill_years(const assay_backtest_view *view, int64_t first_year, year_row *years) {
  const assay_backtest_result *r = view->result;
  const int64_t *times = view->times + r->first;
  double month_base = r->equity[0], year_base = r->equity[0];
  for (size_t i = 0; i < r->metrics.bars; i++) {
    int64_t month = month_of(times[i]);
    bool last = i + 1 == r->metrics.bars, ends_month = last || month_of(times[i + 1]) != month;
    if (!ends_month) continue;
    year_row *row = &years[month / MONTHS - first_year];
    row->months[month % MONTHS] = change(month_base, r->equity[i]);
    row->year = change(year_base, r->equity[i]);
    month_base = r->equity[i];
    if (last || month_of(times[i + 1]) / MONTHS != month / MONTHS) year_base = r->equity[i];
  }
}

static void put_cell(assay_buf *out, double value) {
  char text[48];
  if (isnan(value)) {
    assay_buf_puts(out, "<td class=\"r\"></td>");
    return;
  }
  assay_backtest_figure_text(value, ASSAY_FIGURE_PERCENT, text);
  assay_buf_printf(out, "<td class=\"r %s\">%s</td>", value > 0 ? "good" : value < 0 ? "bad" : "plain", text);
}

assay_status assay_backtest_html_months(assay_buf *out, const assay_backtest_view *view, assay_error *err) {
  static const char *const names[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  int64_t first, last;
  if (!span_of(view, &first, &last)) return ASSAY_OK;
  size_t count = (size_t)(last / MONTHS - first / MONTHS) + 1;
  year_row *years = assay_alloc(ASSAY_TAG_REPORT, count * sizeof *years);
  if (years == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the returns of %zu years", count);
  for (size_t i = 0; i < count; i++) {
    years[i].year = NAN;
    for (int m = 0; m < MONTHS; m++) years[i].months[m] = NAN;
  }
  fill_years(view, first / MONTHS, years);
  assay_html_begin(out, "months", "Months", "Returns from the close of a month to that of the next.");
  assay_buf_puts(out, "<div class=\"scroll\"><table class=\"months tight\"><thead><tr><th></th>");
  for (int m = 0; m < MONTHS; m++) assay_buf_printf(out, "<th class=\"r\">%s</th>", names[m]);
  assay_buf_puts(out, "<th class=\"r\">year</th></tr></thead><tbody>\n");
  for (size_t i = 0; i < count; i++) {
    assay_buf_printf(out, "<tr><th scope=\"row\">%lld</th>", (long long)(first / MONTHS) + (long long)i);
    for (int m = 0; m < MONTHS; m++) put_cell(out, years[i].months[m]);
    put_cell(out, years[i].year);
    assay_buf_puts(out, "</tr>\n");
  }
  assay_buf_puts(out, "</tbody></table></div>\n");
  assay_html_end(out);
  assay_free(years);
  return ASSAY_OK;
}

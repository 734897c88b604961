/* SPDX-License-Identifier: MIT */
/* When bars are: dates of a column that says them, and times of a day that may have a column of their own. */
#include <string.h>

#include "cli/bars.h"
#include "market/table/times.h"

bool assay_cli_bars_date(const assay_cli_table *t, const assay_cli_times *times, size_t i, int64_t *ns) {
  const int64_t second = 1000000000, most = INT64_MAX / second - 1;
  if (assay_cell_is_gap(t->cells[i * t->columns + times->column]) || times->at[i] > most || times->at[i] < -most) return false;
  *ns = times->at[i] * second + times->nanos[i];
  return true;
}

assay_status assay_cli_bars_odd_date(const assay_cli_table *t, const assay_cli_times *times, size_t i, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: column '%s': '%.40s' is no date such as 2026-12-24, and no time since 1970", t->source,
                    t->lines[i], t->names[times->column], t->cells[i * t->columns + times->column]);
}

/* The first cell that nobody can read, such as the Total of a footer, and not the first that needs the whole column. */
static assay_status find_odd_date(const assay_cli_table *t, const assay_cli_times *times, assay_error *err) {
  int64_t at, nanos;
  size_t odd = 0;
  for (size_t i = t->rows; i > 0; i--) {
    const char *cell = t->cells[(i - 1) * t->columns + times->column];
    if (!assay_cell_is_gap(cell) && !assay_table_moment(cell, &at) && !assay_table_date(cell, false, &at, &nanos) &&
        !assay_table_date(cell, true, &at, &nanos))
      odd = i - 1;
  }
  return assay_cli_bars_odd_date(t, times, odd, err);
}

assay_status assay_cli_bars_times(assay_cli *cli, const assay_cli_table *t, size_t by, assay_error *err, assay_cli_times *times) {
  static const char *const perhaps[] = {"day", "month", "period", "", NULL};
  assay_status status = assay_cli_table_times_by(cli, t, NULL, by, err, times);
  times->unclear = times->unclear || times->otherwise != NULL;
  if (status == ASSAY_OK) status = assay_cli_times_are_clear(t, times, err);
  if (status != ASSAY_OK || !times->named || times->known) return status;
  if (!assay_cli_table_is_one_of(t, times->column, perhaps)) return find_odd_date(t, times, err);
  times->named = false;
  return ASSAY_OK;
}

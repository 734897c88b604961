/* SPDX-License-Identifier: MIT */
/* Splits and dividends out of a table. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bars.h"

static int by_bar(const void *a, const void *b) {
  const assay_backtest_action *x = a, *y = b;
  if (x->bar != y->bar) return x->bar < y->bar ? -1 : 1;
  return x->asset < y->asset ? -1 : x->asset > y->asset;
}

static assay_status read_action(const assay_cli_table *t, size_t i, const assay_cli_times *times, const size_t *asset, assay_error *err,
                                const assay_cli_bars *bars, assay_backtest_action *made) {
  const assay_bars *b = bars->data.bars;
  int64_t at = 0;
  if (!assay_cli_bars_date(t, times, i, &at)) return assay_cli_bars_odd_date(t, times, i, err);
  while (made->bar < b->count && b->times[made->bar] < at) made->bar++;
  if (asset == NULL) return ASSAY_OK;
  const char *name = t->cells[i * t->columns + *asset];
  while (made->asset < bars->data.assets && strcmp(bars->data.names[made->asset], name) != 0) made->asset++;
  if (made->asset < bars->data.assets || bars->is_part) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s:%zu: there are no bars of '%s'", t->source, t->lines[i], name);
}

assay_status assay_cli_bars_actions(assay_cli *cli, const char *path, assay_error *err, assay_cli_bars *bars) {
  static const char *const splits[] = {"split", "splits", "stock splits", NULL}, *const dividends[] = {"dividend", "dividends", NULL},
                           *const assets[] = {"asset", "symbol", "ticker", "name", NULL};
  assay_cli_table t;
  assay_cli_times times;
  size_t split = 0, dividend = 0, asset = 0, count = 0;
  double *numbers[2] = {NULL};
  assay_status status = assay_cli_table_read(cli, path, err, &t);
  if (status != ASSAY_OK) return status;
  bool has_split = assay_cli_table_has(&t, splits, &split), has_dividend = assay_cli_table_has(&t, dividends, &dividend);
  bool has_asset = assay_cli_table_has(&t, assets, &asset);
  status = assay_cli_bars_times(cli, &t, has_asset ? asset : SIZE_MAX, err, &times);
  if (status != ASSAY_OK) return status;
  if (!times.named || (!has_split && !has_dividend))
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s needs the columns date, and split or dividend", t.source);
  if (bars->data.bars->times == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--actions needs bars with dates");
  if ((bars->data.assets > 1 || bars->is_part) && !has_asset)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s needs the column asset: there are several", t.source);
  if (has_split) status = assay_cli_table_numbers(cli, &t, split, true, err, &numbers[0]);
  if (status == ASSAY_OK && has_dividend) status = assay_cli_table_numbers(cli, &t, dividend, true, err, &numbers[1]);
  assay_backtest_action *made = assay_arena_alloc(&cli->arena, t.rows + 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", t.source);
  for (size_t i = 0; i < t.rows && status == ASSAY_OK; i++) {
    assay_backtest_action *a = &made[count];
    *a = (assay_backtest_action){.split = has_split && !isnan(numbers[0][i]) ? numbers[0][i] : 0,
                                 .dividend = has_dividend && !isnan(numbers[1][i]) ? numbers[1][i] : 0};
    status = read_action(&t, i, &times, has_asset ? &asset : NULL, err, bars, a);
    if (status == ASSAY_OK && a->split < 0)
      status = ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s:%zu: a split gives more than 0 units for one, not %g", t.source, t.lines[i], a->split);
    count += a->bar < bars->rows && a->asset < bars->data.assets; /* what lies behind the last bar does not matter any more */
  }
  if (status != ASSAY_OK) return status;
  qsort(made, count, sizeof *made, by_bar);
  bars->data.actions = made;
  bars->data.action_count = count;
  return ASSAY_OK;
}

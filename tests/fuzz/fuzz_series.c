/* SPDX-License-Identifier: MIT */
/* Any text as a plain series: finite numbers or none at all, or a refusal that says why; and whatever was read has its change points. */
#include <assay/changepoints.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "result/series.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_points(const assay_series *series, const assay_changepoint *points, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const assay_changepoint *p = &points[i];
    if (p->index == 0 || p->index >= series->rows || p->low > p->index || p->high < p->index || p->high >= series->rows) abort();
    if (i > 0 && p->index <= points[i - 1].index) abort();
    if (!(p->p_value >= 0 && p->p_value <= 1) || p->column >= series->columns) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char *const wanted[] = {"2", "time"};
  if (size == 0 || size > 4000) return 0;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_CLI);
  assay_error err = {0};
  assay_series series = {0};
  /* The first byte says whether columns are asked for. */
  size_t wanted_count = data[0] == '@' ? 1 : data[0] == '!' ? 2 : 0, skip = wanted_count > 0;
  if (assay_series_read((const char *)data + skip, size - skip, "fuzz", wanted, wanted_count, &arena, &err, &series) == ASSAY_OK) {
    assay_changepoint *points = NULL;
    size_t count = 0;
    for (size_t i = 0; i < series.rows * series.columns; i++)
      if (isinf(series.values[i])) abort();
    for (size_t c = 0; c < series.columns; c++)
      if (series.names[c] == NULL) abort();
    if (assay_changepoints_find(series.values, series.rows, series.columns, &err, &points, &count) != ASSAY_OK) abort();
    check_points(&series, points, count);
    assay_changepoints_free(points);
  } else if (err.message[0] == '\0') {
    abort();
  }
  assay_arena_deinit(&arena);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* Bars for tests: out of a file, and a strategy that follows an array. */
#ifndef ASSAY_TEST_MARKET_DATA_H
#define ASSAY_TEST_MARKET_DATA_H

#include <assay/backtest.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "test.h"

typedef struct test_bars {
  double *columns[5];
  assay_bars bars;
} test_bars;

static inline void test_free_bars(test_bars *b) {
  for (int i = 0; i < 5; i++) free(b->columns[i]);
}

/* A file of date,open,high,low,close,...,volume; false: it is not here. */
static inline bool test_read_bars(const char *shared, test_bars *b) {
  const char *path = test_shared_path(shared);
  FILE *file = path != NULL ? fopen(path, "r") : NULL;
  if (file == NULL) return false;
  char line[512];
  size_t count = 0, room = 20000;
  for (int i = 0; i < 5; i++) b->columns[i] = calloc(room, sizeof(double));
  double **c = b->columns;
  while (count < room && fgets(line, sizeof line, file) != NULL)
    count += sscanf(line, "%*[^,],%lf,%lf,%lf,%lf,%*f,%lf", &c[0][count], &c[1][count], &c[2][count], &c[3][count], &c[4][count]) == 5;
  fclose(file);
  b->bars = (assay_bars){.count = count, .open = c[0], .high = c[1], .low = c[2], .close = c[3], .volume = c[4]};
  return count > 0;
}

/* `user` is an array of targets. */
static inline void test_follow_targets(assay_backtest *run, void *state) {
  (void)state;
  const double *targets = assay_backtest_user(run);
  size_t now = assay_backtest_now(run);
  double before = 0;
  for (size_t i = now; i > 0 && before == 0; i--)
    if (!isnan(targets[i - 1])) {
      before = targets[i - 1];
      break;
    }
  if (!isnan(targets[now]) && targets[now] != before) assay_backtest_target(run, 0, targets[now]);
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Any text as a table of bars, and each ready strategy on what it says, with rules that the first bytes choose: refused with a sentence, or
 * a whole result without a number that is none. The path of targets and that of events agree.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/bars.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const assay_backtest_result *r, size_t bars) {
  const assay_backtest_metrics *m = &r->metrics;
  if (m->bars != bars || isnan(m->last_equity) || isnan(m->total_return) || isnan(m->exposure) || isnan(m->turnover)) abort();
  if (m->exposure < 0 || m->exposure > 1 || m->max_drawdown < 0 || m->max_drawdown > 1) abort();
  for (size_t i = 0; i < bars; i++)
    if (!isfinite(r->equity[i])) abort();
  if (r->equity[bars - 1] != m->last_equity) abort();
  for (size_t i = 0; i < m->fills; i++)
    if (r->fills[i].bar >= bars || !isfinite(r->fills[i].quantity) || !(r->fills[i].price > 0) || !(r->fills[i].fee >= 0)) abort();
}

static void run(const assay_cli_bars *bars, const assay_strategy *strategy, assay_backtest_options o) {
  assay_backtest_result *r = NULL, *again = NULL;
  assay_error err = {0};
  o.keep_equity = o.keep_fills = o.keep_trades = true;
  if (assay_backtest_run(strategy, NULL, &bars->data, &o, &err, &r) != ASSAY_OK) {
    if (err.message[0] == '\0') abort();
    return;
  }
  check(r, bars->rows);
  o.events = true;
  if (assay_backtest_run(strategy, NULL, &bars->data, &o, &err, &again) != ASSAY_OK) abort();
  if (memcmp(r->equity, again->equity, bars->rows * sizeof *r->equity) != 0) abort();
  assay_backtest_result_destroy(r);
  assay_backtest_result_destroy(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3) return 0;
  int fd = memfd_create("table", MFD_CLOEXEC);
  if (fd < 0 || write(fd, data + 3, size - 3) != (ssize_t)(size - 3)) abort();
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  assay_cli cli = {.program = "fuzz"};
  assay_arena_init(&cli.arena, ASSAY_TAG_CLI);
  const char *files[] = {path, path};
  const assay_cli_bars_settings settings = {.files = {files, data[0] & 64 ? 2 : 1}, .adjusted = (data[0] & 32) != 0};
  const assay_backtest_options options = {
      .fees = {.per_order = data[1] & 3, .rate = (data[1] >> 2 & 3) * 1e-3, .per_share = (data[1] >> 4 & 3) * 1e-2},
      .slippage = {.rate = (data[1] >> 6) * 1e-3,
                   .volume_share = data[2] & 1 ? 0.1 : 0,
                   .impact = data[2] & 2 ? 0.1 : 0,
                   .ticks = data[2] >> 6,
                   .tick = 0.01},
      .lot = data[2] >> 2 & 3,
      .leverage = 1 + (data[2] >> 4 & 1),
      .maintenance = data[2] & 32 ? 0.3 : 0,
      .basis = data[0] & 128 ? ASSAY_COST_FIFO : ASSAY_COST_AVERAGE};
  assay_cli_bars bars;
  assay_error err = {0};
  if (assay_cli_bars_read(&cli, &settings, &err, &bars) == ASSAY_OK) {
    const assay_strategy *strategy = assay_strategy_at((data[0] & 31) % 7);
    if (strategy == NULL) abort();
    run(&bars, strategy, options);
  } else if (err.message[0] == '\0') {
    abort();
  }
  assay_arena_deinit(&cli.arena);
  close(fd);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any text as a table of bars, and each ready strategy on what it says, with rules that the first bytes choose: refused with a sentence, or
 * a whole result without a number that is none. The path of targets and that of events agree. Behind a '#' bytes are prices themselves,
 * gaps and the ends of what a number holds among them, so that more than the reader is tried.
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

static void run(const assay_backtest_data *data, const assay_strategy *strategy, assay_backtest_options o) {
  assay_backtest_result *r = NULL, *again = NULL;
  assay_error err = {0};
  size_t bars = data->bars->count;
  o.keep_equity = o.keep_fills = o.keep_trades = true;
  if (assay_backtest_run(strategy, NULL, data, &o, &err, &r) != ASSAY_OK) {
    if (err.message[0] == '\0') abort();
    return;
  }
  check(r, bars);
  o.events = true;
  if (assay_backtest_run(strategy, NULL, data, &o, &err, &again) != ASSAY_OK) abort();
  if (memcmp(r->equity, again->equity, bars * sizeof *r->equity) != 0) abort();
  assay_backtest_result_destroy(r);
  assay_backtest_result_destroy(again);
}

/* ---- Bytes as prices ---------------------------------------------------------------------------------------------------------------- */

enum { MOST_BARS = 300, BAR_BYTES = 6 };

static double level_of(uint8_t byte) {
  static const double ends[] = {1e300, 1e-300, 1e15, 1e-15, 5e-324, 1.7e308};
  return byte >= 250 ? ends[byte - 250] : 50 + byte;
}

/* Two assets; the second has the first one's prices backwards. */
static void run_bytes(const uint8_t *data, size_t size, const assay_strategy *strategy, const assay_backtest_options *options) {
  static double columns[2][5][MOST_BARS];
  static int64_t times[MOST_BARS];
  size_t count = size / BAR_BYTES < MOST_BARS ? size / BAR_BYTES : MOST_BARS, actions = 0;
  assay_backtest_action action[MOST_BARS];
  for (size_t i = 0; i < count; i++) {
    const uint8_t *b = data + i * BAR_BYTES;
    double open = level_of(b[0]), close = b[0] >= 250 ? open * (1 + b[1] / 256.0) : level_of(b[1]), high = fmax(open, close),
           low = fmin(open, close);
    const double row[5] = {open, high * (1 + b[2] / 1024.0), low * (1 - b[3] / 1024.0), close, b[4] >= 250 ? 1e300 : b[4] * 10.0};
    bool gap = b[5] >= 250;
    times[i] = (i == 0 ? 0 : times[i - 1]) + 1 + (int64_t)b[5] * 3600000000000;
    for (int k = 0; k < 5; k++) {
      columns[0][k][i] = gap ? NAN : row[k];
      columns[1][k][count - 1 - i] = gap ? NAN : row[k];
    }
    if (b[5] < 4)
      action[actions++] = (assay_backtest_action){.asset = 0, .bar = i, .split = b[5] & 1 ? 2 : 0, .dividend = b[5] & 2 ? 1 : 0};
  }
  assay_bars bars[2];
  for (int a = 0; a < 2; a++) {
    double(*c)[MOST_BARS] = columns[a];
    bars[a] = (assay_bars){.count = count, .times = times, .open = c[0], .high = c[1], .low = c[2], .close = c[3], .volume = c[4]};
  }
  size_t assets = strcmp(strategy->name, "pairs") == 0 || (strategy->assets_most > 1 && size % 2 == 1) ? 2 : 1;
  const assay_backtest_data made = {.assets = assets, .bars = bars, .actions = action, .action_count = actions};
  run(&made, strategy, *options);
}

static void run_text(const uint8_t *data, size_t size, const uint8_t *how, const assay_strategy *strategy,
                     const assay_backtest_options *options) {
  int fd = memfd_create("table", MFD_CLOEXEC), again = dup(fd);
  if (fd < 0 || again < 0 || write(fd, data, size) != (ssize_t)size) abort();
  char paths[2][40];
  snprintf(paths[0], sizeof paths[0], "/proc/self/fd/%d", fd);
  snprintf(paths[1], sizeof paths[1], "/proc/self/fd/%d", again); /* files are assets by their names */
  static const assay_cli_verb verb = {.name = "backtest"};        /* notes begin with it */
  assay_cli cli = {.program = "fuzz", .verb = &verb};
  assay_arena_init(&cli.arena, ASSAY_TAG_CLI);
  const char *files[] = {paths[0], paths[1]};
  const assay_cli_bars_settings settings = {.files = {files, how[0] & 64 ? 2 : 1}, .adjusted = (how[0] & 32) != 0};
  assay_cli_bars bars;
  assay_error err = {0};
  if (assay_cli_bars_read(&cli, &settings, &err, &bars) == ASSAY_OK)
    run(&bars.data, strategy, *options);
  else if (err.message[0] == '\0')
    abort();
  assay_arena_deinit(&cli.arena);
  close(again);
  close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 4) return 0;
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
  const assay_strategy *strategy = assay_strategy_at((data[0] & 31) % 7);
  if (strategy == NULL) abort();
  if (data[3] == '#')
    run_bytes(data + 4, size - 4, strategy, &options);
  else
    run_text(data + 3, size - 3, data, strategy, &options);
  return 0;
}

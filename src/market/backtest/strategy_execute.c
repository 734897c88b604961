/* SPDX-License-Identifier: MIT */
/* A large order in pieces: equal ones, or such as the market trades. */
#include <math.h>

#include "market/backtest/strategies.h"

enum { QUANTITY, BARS, START, ROWS };

typedef struct execute_state {
  double sent;  /* of the whole quantity */
  size_t begun; /* bar of the first piece */
  bool has_begun;
} execute_state;

/* Brings what was sent to `done` (0 to 1) of the whole, in a market order. */
static void send_to(assay_backtest *run, execute_state *s, double done) {
  double whole = assay_backtest_parameters(run)[QUANTITY], wanted = done >= 1 ? whole : whole * done, piece = wanted - s->sent;
  if (piece == 0 || (piece > 0) != (whole > 0)) return;
  if (assay_backtest_submit(run, &(assay_backtest_order){.quantity = piece}, NULL) == ASSAY_OK) s->sent = wanted;
}

/* Pieces that have come due, the first at the close of bar `start`; 0 before. */
static size_t due(assay_backtest *run, execute_state *s) {
  size_t now = assay_backtest_now(run);
  if ((double)now < assay_backtest_parameters(run)[START]) return 0;
  if (!s->has_begun) s->begun = now;
  s->has_begun = true;
  return now - s->begun + 1;
}

static void twap_bar(assay_backtest *run, void *state) {
  execute_state *s = state;
  double bars = assay_backtest_parameters(run)[BARS], pieces = (double)due(run, s);
  if (pieces >= 1 && pieces <= bars) send_to(run, s, pieces / bars);
}

const assay_strategy assay_strategy_twap = {
    .name = "twap",
    .title = "Time-weighted execution",
    .summary = "Trades a quantity in equal pieces, one a bar.",
    .parameter_count = 3,
    .parameters = {{"quantity", 1000, -1e12, 1e12, false, "units to buy; below 0: to sell"},
                   {"bars", 20, 1, 1000000, true, "pieces"},
                   {"start", 0, 0, 1e9, true, "bar after which it begins"}},
    .state_size = sizeof(execute_state),
    .on_bar = twap_bar,
};

/* As much of the quantity as the bar is of the volume that is to be expected, which is the mean of the rows before. The last piece is what
 * is left. */
static void vwap_bar(assay_backtest *run, void *state) {
  execute_state *s = state;
  const double *p = assay_backtest_parameters(run);
  const assay_bars *b = assay_backtest_bars(run, 0);
  size_t now = assay_backtest_now(run), rows = (size_t)p[ROWS];
  if (b->volume == NULL) {
    assay_backtest_fail(run, "vwap needs bars with volumes");
    return;
  }
  double pieces = (double)due(run, s), expected = 0, seen = 0, count = 0;
  if (pieces < 1 || pieces > p[BARS]) return;
  for (size_t i = s->begun >= rows ? s->begun - rows : 0; i <= s->begun; i++) {
    if (isnan(b->close[i])) continue;
    expected += b->volume[i];
    count++;
  }
  for (size_t i = s->begun; i <= now; i++) seen += isnan(b->close[i]) ? 0 : b->volume[i];
  double all = count > 0 ? expected / count * p[BARS] : 0;
  if (pieces == p[BARS])
    send_to(run, s, 1);
  else if (all > 0)
    send_to(run, s, seen / all);
}

const assay_strategy assay_strategy_vwap = {
    .name = "vwap",
    .title = "Volume-weighted execution",
    .summary = "Trades a quantity in pieces that follow the volume, the last after `bars` bars.",
    .parameter_count = 4,
    .parameters = {{"quantity", 1000, -1e12, 1e12, false, "units to buy; below 0: to sell"},
                   {"bars", 20, 1, 1000000, true, "bars that it takes"},
                   {"start", 0, 0, 1e9, true, "bar after which it begins"},
                   {"rows", 20, 1, 1000000, true, "bars before that whose mean volume is expected"}},
    .state_size = sizeof(execute_state),
    .on_bar = vwap_bar,
};

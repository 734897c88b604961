/* SPDX-License-Identifier: MIT */
/* A large order in pieces: equal ones, or such as the market trades. */
#include <math.h>

#include "market/backtest/strategies.h"

enum { QUANTITY, BARS, START, ROWS };

typedef struct execute_state {
  double sent;           /* of the whole quantity, as orders were taken */
  double expected, seen; /* volume of all the bars that it takes, and of those so far */
  size_t pieces;         /* that have come due */
} execute_state;

/* Brings what was sent to `done` (0 to 1) of the whole, in a market order of whole lots; what does not fill a lot waits for the next piece.
 * The last one sends that too, so that a rest which no lot divides is refused aloud. */
static void send_to(assay_backtest *run, execute_state *s, double done, bool last) {
  double whole = assay_backtest_parameters(run)[QUANTITY], lot = assay_backtest_get_options(run)->lot, size = fabs(whole);
  for (int tries = last ? 2 : 1; tries > 0; tries--) {
    double piece = (last ? size : size * done) - fabs(s->sent);
    if (piece <= 1e-12 * size || (!last && piece < lot * (1 - 1e-9))) return;
    assay_backtest_order order = {.quantity = copysign(piece, whole)};
    uint64_t id = 0;
    if (assay_backtest_submit(run, &order, &id) != ASSAY_OK || !assay_backtest_find(run, id, &order)) return;
    s->sent += order.quantity;
  }
}

/* Whether another piece has come due, the first at the close of bar `start`, or of the first that trades. */
static bool is_due(assay_backtest *run, execute_state *s) {
  const double *p = assay_backtest_parameters(run);
  size_t now = assay_backtest_now(run);
  if ((double)now < p[START] || now < assay_backtest_get_options(run)->first || (double)s->pieces >= p[BARS]) return false;
  s->pieces++;
  return true;
}

static void twap_bar(assay_backtest *run, void *state) {
  execute_state *s = state;
  double pieces = assay_backtest_parameters(run)[BARS];
  if (is_due(run, s)) send_to(run, s, (double)s->pieces / pieces, (double)s->pieces == pieces);
}

const assay_strategy assay_strategy_twap = {
    .name = "twap",
    .title = "Time-weighted execution",
    .summary = "Trades a quantity in equal pieces of whole lots, one a bar.",
    .parameter_count = 3,
    .parameters = {{"quantity", 1000, -1e12, 1e12, false, "units to buy; below 0: to sell"},
                   {"bars", 20, 1, 1000000, true, "pieces"},
                   {"start", 0, 0, 1e9, true, "bar after which it begins"}},
    .state_size = sizeof(execute_state),
    .on_bar = twap_bar,
};

/* The mean of the rows before `now`, those that traded; 0: there are none. */
static double mean_volume(const assay_bars *b, size_t now, size_t rows) {
  double sum = 0, count = 0;
  for (size_t i = now > rows ? now - rows : 0; i < now; i++) {
    if (isnan(b->close[i])) continue;
    sum += b->volume[i];
    count++;
  }
  return count > 0 ? sum / count : 0;
}

/* As much of the quantity as the volume so far is of the volume that is to be expected; where nothing is known of that, equal pieces. The
 * last piece is what is left. */
static void vwap_bar(assay_backtest *run, void *state) {
  execute_state *s = state;
  const double *p = assay_backtest_parameters(run);
  const assay_bars *b = assay_backtest_bars(run, 0);
  size_t now = assay_backtest_now(run);
  if (b->volume == NULL) {
    assay_backtest_fail(run, "vwap needs bars with volumes");
    return;
  }
  if (!is_due(run, s)) return;
  if (s->pieces == 1) s->expected = p[BARS] * mean_volume(b, now, (size_t)p[ROWS]);
  s->seen += isnan(b->close[now]) ? 0 : b->volume[now];
  double done = s->expected > 0 ? fmin(s->seen / s->expected, 1) : (double)s->pieces / p[BARS];
  send_to(run, s, done, (double)s->pieces == p[BARS]);
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

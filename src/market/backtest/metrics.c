/* SPDX-License-Identifier: MIT */
/*
 * Metrics out of what was counted on the way. The definitions are those of assay/risk.h, which looks at a series in several passes with
 * logarithms and compensated sums; a sweep of thousands of runs cannot. The tests hold both against each other.
 */
#include <math.h>

#include "market/backtest/engine.h"

static double sum_of(const double lanes[ASSAY_TALLY_LANES]) {
  double sum = 0;
  for (int i = 0; i < ASSAY_TALLY_LANES; i++) sum += lanes[i];
  return sum;
}

/* The last stretch under water has no new peak to end it. */
static void end_drawdown(const assay_tally *t, double *deepest, size_t *longest) {
  double depth = (t->peak - t->trough) / t->peak;
  size_t under = t->last < t->peak ? t->count - 1 - t->peak_at : 0;
  *deepest = depth > t->deepest ? depth : t->deepest;
  *longest = under > t->longest ? under : t->longest;
}

static double ratio(double a, double b) { return b != 0 ? a / b : NAN; }

void assay_backtest_finish(const assay_finish *from, assay_backtest_metrics *metrics) {
  const assay_scores *s = from->scores;
  const assay_tally *t = &s->tally;
  double n = (double)(t->count - 1), year = from->periods_per_year, sum = sum_of(t->sum), squares = sum_of(t->squares);
  bool ruined = s->ruined_at != SIZE_MAX;
  assay_backtest_metrics m = {.first_equity = from->first_equity, .last_equity = t->last};
  m.bars = from->bars;
  m.total_return = m.last_equity / m.first_equity - 1;
  m.annual_return = n > 0 && !ruined ? pow(m.last_equity / m.first_equity, year / n) - 1 : ruined ? -1 : 0;
  /* One pass suffices: the mean of returns is small beside their spread. Below its own rounding the spread is 0. */
  double spread = n > 1 ? (squares - sum * sum / n) / (n - 1) : 0, mean = n > 0 ? sum / n : 0;
  if (spread * (n - 1) <= 1e-13 * squares) spread = 0;
  double downside = n > 0 ? sqrt(sum_of(t->falls) / n) : 0;
  m.volatility = sqrt(spread) * sqrt(year);
  m.downside = downside * sqrt(year);
  m.sharpe = ratio(mean - from->risk_free / year, sqrt(spread)) * sqrt(year);
  m.sortino = ratio(mean, downside) * sqrt(year);
  end_drawdown(t, &m.max_drawdown, &m.longest_drawdown);
  if (ruined) m.max_drawdown = 1;
  m.calmar = ratio(m.annual_return, m.max_drawdown);
  double all = (double)(from->bars - 1); /* n ends where everything was lost */
  m.exposure = all > 0 ? (double)s->exposed / all : 0;
  m.turnover = all > 0 ? s->turnover / all * year : 0;
  m.trades = s->trades;
  m.win_rate = ratio((double)s->wins, (double)s->trades);
  m.profit_factor = s->trades == 0 ? NAN : s->losses > 0 ? s->gains / s->losses : s->gains > 0 ? INFINITY : NAN;
  m.average_trade = ratio(s->profit, (double)s->trades);
  m.best_trade = s->trades > 0 ? s->best : NAN;
  m.worst_trade = s->trades > 0 ? s->worst : NAN;
  m.fills = s->fills;
  m.orders = s->orders;
  m.rejected = s->rejected;
  m.margin_calls = s->margin_calls;
  m.ruined_at = s->ruined_at;
  m.fees = from->fees;
  m.realised = from->realised;
  m.unrealised = from->unrealised;
  m.dividends = from->dividends;
  m.open_at_end = from->open_at_end;
  *metrics = m;
}

assay_status assay_backtest_check_metrics(const assay_backtest_metrics *m, assay_error *err) {
  if (isfinite(m->last_equity) && isfinite(m->volatility) && isfinite(m->downside) && isfinite(m->turnover) && isfinite(m->fees) &&
      isfinite(m->realised) && isfinite(m->unrealised))
    return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the equity goes beyond what a number can hold: are the prices what they should be?");
}

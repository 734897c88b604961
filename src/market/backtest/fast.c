/* SPDX-License-Identifier: MIT */
/*
 * The fast path: one asset, targets that rarely change. Between two changes nothing happens but the close, which is a loop in lanes;
 * without a position not even that.
 */
#include "market/backtest/engine.h"

bool assay_targets_are_plain(const assay_backtest_data *data, const assay_rules *rules) {
  const assay_bars *b = data->bars;
  if (data->assets != 1 || data->action_count > 0 || rules->maintenance > 0 || rules->volume_share > 0 || rules->impact > 0) return false;
  return assay_backtest_functions_best()->wrong(NULL, NULL, NULL, b->close, b->count) == b->count;
}

static void open_held(assay_fast *fast, const assay_backtest_held *held) {
  double market = fast->bars->close[fast->first], price = held->price > 0 ? held->price : market;
  fast->position = (assay_position){.quantity = held->quantity, .cost = held->quantity * price};
  fast->first_equity = fast->cash + held->quantity * market;
  fast->aim = NAN;
  assay_trip_open(&fast->trip, held->quantity, price, 0, fast->first);
}

void assay_fast_begin(assay_fast *fast, const assay_backtest_options *options) {
  fast->cash = fast->first_equity = assay_backtest_cash_of(options);
  fast->position = (assay_position){0};
  fast->aim = 0;
  fast->failed = false;
  fast->begins_held = options->held != NULL;
  if (fast->begins_held && options->held->quantity != 0) open_held(fast, options->held);
  assay_scores_begin(&fast->scores, fast->first_equity);
  fast->at = fast->first + 1;
  if (fast->equity != NULL) fast->equity[0] = fast->first_equity;
}

/* From bar `at` on there is this much, 0 or less. */
static void end_ruined(assay_fast *fast, double left) {
  assay_tally_ruin(&fast->scores.tally, left);
  fast->scores.ruined_at = fast->at;
  if (fast->equity == NULL) return;
  for (size_t i = fast->at; i < fast->end; i++) fast->equity[i - fast->first] = left;
}

/* Equity does not move without a position: its return is exactly 0, which adds nothing to any sum. What closed the last one may have cost
 * all that there was. */
static void rest(assay_fast *fast, size_t end) {
  if (fast->at >= end) return;
  if (!(fast->cash > 0)) {
    end_ruined(fast, fast->cash);
    return;
  }
  assay_tally *t = &fast->scores.tally;
  size_t from = fast->at;
  assay_tally_add(t, fast->cash);
  t->count += end - from - 1;
  if (t->peak == fast->cash) t->peak_at = t->count - 1;
  if (fast->equity != NULL)
    for (size_t i = from; i < end; i++) fast->equity[i - fast->first] = fast->cash;
  fast->at = end;
}

static void note_fill(assay_fast *fast, uint64_t order, size_t bar, double quantity, double price, double fee) {
  if (fast->fills == NULL) return;
  assay_backtest_fill *fill = assay_list_add(fast->fills, sizeof *fill);
  fast->failed = fast->failed || fill == NULL;
  if (fill != NULL) *fill = (assay_backtest_fill){.order = order, .bar = bar, .quantity = quantity, .price = price, .fee = fee};
}

static void note_trade(assay_fast *fast, size_t bar, double before, const assay_trip *trip) {
  if (fast->trades == NULL) return;
  assay_backtest_trade *trade = assay_list_add(fast->trades, sizeof *trade);
  fast->failed = fast->failed || trade == NULL;
  if (trade != NULL) *trade = assay_trip_trade(trip, 0, bar, before);
}

/* Everything is lost: the position is closed at this close, and what is left (0 or less) stays. */
static void ruin(assay_fast *fast) {
  const double close = fast->bars->close[fast->at];
  assay_position *p = &fast->position;
  double before = p->quantity, left = fast->cash + before * close;
  assay_trip_close(&fast->trip, &fast->scores, -before, close, 0);
  note_trade(fast, fast->at, before, &fast->trip);
  assay_ledger_pay(p, &fast->cash, -before, close, 0);
  assay_ledger_cost(p, -before, close);
  p->quantity = 0;
  end_ruined(fast, left);
}

/* Up to the close of the bar before `end`. */
static void pass(assay_fast *fast, size_t end) {
  assay_position *p = &fast->position;
  if (fast->at >= end || fast->scores.ruined_at != SIZE_MAX) return;
  if (p->quantity == 0) {
    rest(fast, end);
    return;
  }
  size_t from = fast->at;
  double *equity = fast->equity != NULL ? fast->equity - fast->first : NULL;
  fast->at = fast->loops->hold(&fast->scores.tally, fast->bars->close, from, end, fast->cash, p->quantity, equity);
  fast->scores.exposed += fast->at - from;
  if (fast->at < end) ruin(fast);
}

static void note_equity(assay_fast *fast, double equity) {
  if (equity > 0)
    assay_tally_add(&fast->scores.tally, equity);
  else
    assay_tally_ruin(&fast->scores.tally, equity), fast->scores.ruined_at = fast->at;
  fast->scores.exposed += equity > 0;
  if (fast->equity != NULL) fast->equity[fast->at - fast->first] = equity;
  fast->at++;
}

/* What is held at the last close is closed there; the bar is over with it. */
static void close_at_end(assay_fast *fast) {
  pass(fast, fast->end - 1);
  double market = fast->bars->close[fast->end - 1];
  assay_position *p = &fast->position;
  double before = p->quantity, equity = fast->cash + before * market;
  if (before == 0 || fast->at >= fast->end || fast->scores.ruined_at != SIZE_MAX || !(equity > 0)) return;
  double price = assay_rules_price(fast->rules, market, before < 0);
  double fee = assay_ledger_fee(&fast->rules->fees, fabs(before), fabs(before) * price);
  assay_trip closed;
  assay_ledger_pay(p, &fast->cash, -before, price, fee);
  assay_ledger_cost(p, -before, price);
  p->quantity = 0;
  note_fill(fast, 0, fast->end - 1, -before, price, fee);
  assay_scores_fill(&fast->scores, &fast->trip, before, -before, price, fee, fast->end - 1, equity, &closed);
  note_trade(fast, fast->end - 1, before, &closed);
  note_equity(fast, fast->cash);
}

static void pass_last(assay_fast *fast) {
  if (fast->rules->close_at_end) close_at_end(fast);
  pass(fast, fast->end);
}

void assay_fast_want(assay_fast *fast, size_t bar, double share) {
  size_t next = bar + 1;
  if (next < fast->end)
    pass(fast, next);
  else
    pass_last(fast);
  if (fast->scores.ruined_at != SIZE_MAX || (next >= fast->end && fast->hands_over)) return;
  fast->scores.orders++;
  if (next >= fast->end) return;
  fast->aim = share;
  const assay_bars *b = fast->bars;
  double market = b->open != NULL ? b->open[next] : b->close[next];
  assay_position *p = &fast->position;
  double before = p->quantity, equity = fast->cash + before * market;
  if (!(equity > 0)) return;
  double quantity = assay_rules_target(fast->rules, share, equity, 0, before, market);
  if (quantity == 0) return;
  double price = assay_rules_price(fast->rules, market, quantity > 0);
  double fee = assay_ledger_fee(&fast->rules->fees, fabs(quantity), fabs(quantity) * price);
  assay_trip closed;
  assay_ledger_pay(p, &fast->cash, quantity, price, fee);
  assay_ledger_cost(p, quantity, price);
  p->quantity = before + quantity;
  note_fill(fast, fast->scores.orders, next, quantity, price, fee);
  if (assay_scores_fill(&fast->scores, &fast->trip, before, quantity, price, fee, next, equity, &closed))
    note_trade(fast, next, before, &closed);
}

void assay_fast_end(assay_fast *fast) {
  pass_last(fast);
  fast->position.price = fast->bars->close[fast->end - 1];
}

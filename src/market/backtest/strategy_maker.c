/* SPDX-License-Identifier: MIT */
/* Quoting both sides of a book. */
#include <assay/book_backtest.h>

#include <math.h>

enum { QUANTITY, OFFSET, MOST, LEAN };

typedef struct maker_state {
  uint64_t quotes[2]; /* by side; 0: none */
} maker_state;

/* Steps behind the best price of its side; a position moves both quotes against itself. Never at or beyond the other side. */
static int32_t quote_at(const double *p, assay_side side, const assay_mbo_level best[2], double held) {
  double shift = round(p[LEAN] * held / p[QUANTITY]), price = best[side].price;
  price += side == ASSAY_BUY ? -p[OFFSET] - fmax(shift, 0) : p[OFFSET] - fmin(shift, 0);
  return price > INT32_MIN && price < INT32_MAX ? (int32_t)price : best[side].price;
}

static void quote(assay_book_backtest *run, maker_state *s, assay_side side, const assay_mbo_level best[2]) {
  const double *p = assay_book_backtest_parameters(run);
  double held = (double)assay_book_backtest_position(run);
  bool full = side == ASSAY_BUY ? held + p[QUANTITY] > p[MOST] : held - p[QUANTITY] < -p[MOST];
  int32_t price = quote_at(p, side, best, held);
  assay_book_backtest_own own;
  bool is_there = s->quotes[side] != 0 && assay_book_backtest_find(run, s->quotes[side], &own);
  if (is_there && !full && own.price == price) return;
  if (is_there) assay_book_backtest_cancel(run, s->quotes[side]);
  s->quotes[side] = full ? 0 : assay_book_backtest_order(run, side, price, (uint64_t)p[QUANTITY], false);
}

static void maker_event(assay_book_backtest *run, const assay_market_event *event, void *state) {
  assay_mbo_level best[2];
  if (!(event->flags & ASSAY_MARKET_LAST) && event->kind == ASSAY_MARKET_EXECUTE) return; /* in the middle of a sweep */
  if (!assay_book_backtest_best(run, ASSAY_BUY, &best[ASSAY_BUY]) || !assay_book_backtest_best(run, ASSAY_SELL, &best[ASSAY_SELL])) return;
  if (best[ASSAY_BUY].price >= best[ASSAY_SELL].price) return; /* crossed: an auction */
  quote(run, state, ASSAY_BUY, best);
  quote(run, state, ASSAY_SELL, best);
}

const assay_book_strategy assay_book_strategy_maker = {
    .name = "market-making",
    .title = "Market making",
    .summary = "Quotes both sides at the best prices, leaning against its position.",
    .parameter_count = 4,
    .parameters = {{"quantity", 100, 1, 1e14, true, "units of each quote"},
                   {"offset", 0, 0, 1e6, true, "price steps behind the best price"},
                   {"most", 1000, 1, 1e15, true, "largest position either way"},
                   {"lean", 0, 0, 1e6, false, "price steps that a position of one quote moves the quote that would add to it"}},
    .state_size = sizeof(maker_state),
    .on_event = maker_event,
};

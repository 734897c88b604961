/* SPDX-License-Identifier: MIT */
/*
 * Any orders on any bars: no fill is better than its bar or worse than its order's limit, none comes before its order or after its time,
 * volume and short sales keep to their rules, what a bracket closes is there, and the money adds up. Twelve bytes are a bar and what the
 * strategy does at its close.
 */
#include <assay/backtest.h>

#include <math.h>
#include <stdlib.h>

enum { BYTES = 12, MOST_BARS = 120, MOST_ORDERS = 4000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct told {
  assay_backtest_order order;
  size_t bar;
  double filled;
} told;

typedef struct book {
  const uint8_t *data;
  assay_backtest_options options;
  told orders[MOST_ORDERS];
  double volume[MOST_BARS], traded[MOST_BARS], position, cash;
  const double *open, *high, *low;
  bool has_targets;
} book;

static double price_of(uint8_t byte) { return 80 + byte % 41; }

static void send(assay_backtest *run, book *s, const uint8_t *b) {
  assay_backtest_order o = {.quantity = (b[5] & 128 ? -1.0 : 1.0) * (1 + b[5] % 50),
                            .kind = (assay_backtest_kind)(b[6] & 3),
                            .force = (assay_backtest_force)((b[6] >> 2) % 5),
                            .limit = price_of(b[7]),
                            .stop = price_of(b[8]),
                            .until = assay_backtest_now(run) + b[6] / 64};
  if (b[9] & 1) o.stop_loss = o.quantity > 0 ? 80 + b[9] / 2 % 15 : 105 + b[9] / 2 % 15;
  if (b[10] & 1) o.take_profit = o.quantity > 0 ? 105 + b[10] / 2 % 15 : 80 + b[10] / 2 % 15;
  uint64_t id = 0;
  if (assay_backtest_submit(run, &o, &id) != ASSAY_OK || id >= MOST_ORDERS) return;
  assay_backtest_order found;
  if (!assay_backtest_find(run, id, &found) || fabs(found.quantity) > fabs(o.quantity)) abort();
  s->orders[id] = (told){.order = found, .bar = assay_backtest_now(run)};
}

static void on_bar(assay_backtest *run, void *state) {
  (void)state;
  book *s = assay_backtest_user(run);
  const uint8_t *b = s->data + assay_backtest_now(run) * BYTES;
  if (b[11] < 150) send(run, s, b);
  s->has_targets = s->has_targets || (b[11] >= 150 && b[11] < 170);
  if (b[11] >= 150 && b[11] < 170) assay_backtest_target(run, 0, (b[5] - 128) / 64.0);
  if (b[11] >= 170 && b[11] < 190) assay_backtest_cancel(run, b[5]);
  if (b[11] >= 190 && b[11] < 195) assay_backtest_cancel_all(run, 0);
  if (fabs(assay_backtest_cash(run) - s->cash) > 1e-6 * (1 + fabs(s->cash))) abort();
  if (assay_backtest_position(run, 0) != s->position) abort();
}

static void check_price(const book *s, const told *t, const assay_backtest_fill *f) {
  double slack = 1e-9 * f->price, slip = s->options.slippage.rate * f->price * 1.01 + slack;
  bool buys = f->quantity > 0, has_limit = t->order.kind == ASSAY_BACKTEST_LIMIT || t->order.kind == ASSAY_BACKTEST_STOP_LIMIT;
  if (f->price > s->high[f->bar] + slip || f->price < s->low[f->bar] - slip) abort();
  if (has_limit && (buys ? f->price > t->order.limit + slack : f->price < t->order.limit - slack)) abort();
  if (t->order.kind == ASSAY_BACKTEST_MARKET && fabs(f->price - s->open[f->bar]) > slip) abort();
}

static void on_fill(assay_backtest *run, const assay_backtest_fill *f, void *state) {
  (void)state;
  book *s = assay_backtest_user(run);
  double before = s->position;
  s->position += f->quantity;
  if (s->position == 0) s->position = 0;
  s->cash -= f->quantity * f->price + f->fee;
  s->traded[f->bar] += fabs(f->quantity);
  if (f->bar != assay_backtest_now(run) || !(f->fee >= 0) || f->quantity == 0) abort();
  if (s->options.slippage.volume_share > 0 && s->traded[f->bar] > s->options.slippage.volume_share * s->volume[f->bar] + 1e-6) abort();
  if (s->options.no_short && s->position < -1e-9) abort();
  if (s->options.lot > 0 && fabs(remainder(f->quantity, s->options.lot)) > 1e-6 && fabs(remainder(before, s->options.lot)) < 1e-6 &&
      f->order < MOST_ORDERS && s->orders[f->order].order.quantity != 0 && s->options.slippage.volume_share == 0)
    abort();
  told *t = f->order < MOST_ORDERS ? &s->orders[f->order] : NULL;
  if (t == NULL || t->order.quantity == 0) { /* a target, or a bracket, which closes what is there */
    if (!s->has_targets && (before * f->quantity >= 0 || fabs(f->quantity) > fabs(before) * (1 + 1e-12))) abort();
    return;
  }
  t->filled += f->quantity;
  if (f->bar <= t->bar || fabs(t->filled) > fabs(t->order.quantity) + 1e-9 || (t->filled > 0) != (t->order.quantity > 0)) abort();
  if ((t->order.force == ASSAY_BACKTEST_IOC || t->order.force == ASSAY_BACKTEST_DAY) && f->bar != t->bar + 1) abort();
  if (t->order.force == ASSAY_BACKTEST_FOK && t->filled != t->order.quantity) abort();
  if (t->order.force == ASSAY_BACKTEST_GTD && f->bar > t->order.until) abort();
  check_price(s, t, f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static double o[MOST_BARS], h[MOST_BARS], l[MOST_BARS], c[MOST_BARS];
  static book s;
  if (size < 2 + BYTES) return 0;
  size_t count = (size - 2) / BYTES < MOST_BARS ? (size - 2) / BYTES : MOST_BARS;
  s = (book){.data = data + 2, .open = o, .high = h, .low = l, .cash = 10000};
  s.options = (assay_backtest_options){.cash = 10000,
                                       .fees = {.rate = (data[0] & 3) * 1e-3, .per_order = data[0] >> 2 & 1, .least = data[0] >> 3 & 1},
                                       .slippage = {.rate = (data[0] >> 4 & 3) * 1e-3, .volume_share = data[0] & 64 ? 0.1 : 0},
                                       .lot = data[1] & 3,
                                       .leverage = 1 + (data[1] >> 2 & 3),
                                       .maintenance = data[1] & 16 ? 0.3 : 0,
                                       .no_short = (data[1] & 32) != 0,
                                       .basis = data[1] & 64 ? ASSAY_COST_FIFO : ASSAY_COST_AVERAGE,
                                       .keep_equity = true};
  for (size_t i = 0; i < count; i++) {
    const uint8_t *b = s.data + i * BYTES;
    o[i] = price_of(b[0]);
    c[i] = price_of(b[1]);
    h[i] = fmax(o[i], c[i]) + b[2] % 8;
    l[i] = fmin(o[i], c[i]) - b[3] % 8;
    s.volume[i] = b[4];
  }
  assay_bars bars = {.count = count, .open = o, .high = h, .low = l, .close = c, .volume = s.volume};
  const assay_backtest_data made = {.assets = 1, .bars = &bars};
  const assay_strategy strategy = {.name = "fuzz", .on_bar = on_bar, .on_fill = on_fill, .user = &s};
  assay_backtest_result *r = NULL;
  assay_error err = {0};
  if (assay_backtest_run(&strategy, NULL, &made, &s.options, &err, &r) != ASSAY_OK) abort();
  const assay_backtest_metrics *m = &r->metrics;
  double all = 10000 + m->realised + m->unrealised - m->fees;
  if (fabs(all - m->last_equity) > 1e-6 * (1 + fabs(all)) || r->equity[count - 1] != m->last_equity) abort();
  if (m->ruined_at == SIZE_MAX && fabs(s.cash + s.position * c[count - 1] - m->last_equity) > 1e-6 * (1 + fabs(all))) abort();
  assay_backtest_result_destroy(r);
  return 0;
}

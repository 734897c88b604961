/* SPDX-License-Identifier: MIT */
#include <assay/bars.h>

#include <math.h>

typedef __int128 wide;

static wide wide_of(const assay_bar_sum *sum) { return (wide)((unsigned __int128)(uint64_t)sum->high << 64 | sum->low); }
static const wide sum_most = (wide)(~(unsigned __int128)0 >> 1), sum_least = -sum_most - 1;

/* A sum that has come to either end is not known any more, whatever is added. */
static void add_to(assay_bar_sum *sum, wide amount) {
  wide before = wide_of(sum), total;
  if (__builtin_add_overflow(before, amount, &total)) total = amount < 0 ? sum_least : sum_most;
  if (before == sum_most || before == sum_least) return;
  *sum = (assay_bar_sum){.low = (uint64_t)total, .high = (int64_t)(total >> 64)};
}

/* Of quantities, which would have to be 2^63 to come to the end. */
static void add_quantity(assay_bar_sum *sum, uint64_t quantity) {
  sum->low += quantity;
  sum->high += sum->low < quantity;
}

double assay_bar_sum_value(const assay_bar_sum *sum) {
  wide value = wide_of(sum);
  return value == sum_most ? INFINITY : value == sum_least ? -INFINITY : (double)value;
}

/* Whole steps are divided exactly: the average of one price is that price, and no average lies beyond the prices. */
static double average(const assay_bar_sum *money, const assay_bar_sum *volume, double of_nothing) {
  const wide value = wide_of(money), divisor = wide_of(volume);
  if (divisor == 0) return of_nothing;
  if (value == sum_most || value == sum_least) return NAN;
  return (double)(value / divisor) + (double)(value % divisor) / (double)divisor;
}

/* ---- Bars ---------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_bar_maker_init(assay_bar_maker *bars, const assay_bar_maker_options *options, assay_error *err) {
  if ((unsigned)options->by > ASSAY_BAR_BY_DOLLARS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there are bars by time, ticks, volume and dollars only");
  if (options->every == 0 && options->every_high == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a bar has to be longer than nothing");
  if (options->every_high != 0 && options->by < ASSAY_BAR_BY_VOLUME)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "bars by time and by ticks have no every_high");
  *bars = (assay_bar_maker){.options = *options};
  if (options->most_fill == 0) bars->options.most_fill = 1000000;
  if (options->most_jump_ns == 0) bars->options.most_jump_ns = UINT64_C(86400000000000);
  return ASSAY_OK;
}

static void close_bar(assay_bar_maker *bars) {
  if (bars->ready) bars->refused++;
  bars->now.vwap = average(&bars->money, &bars->volume, (double)bars->now.close);
  bars->now.volume = assay_bar_sum_value(&bars->volume);
  bars->now.buy_volume = assay_bar_sum_value(&bars->bought);
  bars->now.sell_volume = assay_bar_sum_value(&bars->sold);
  bars->done = bars->now;
  bars->ready = true;
  bars->open = false;
}

static void begin_bar(assay_bar_maker *bars, const assay_tick *tick) {
  uint64_t every = bars->options.every, begin = tick->time_ns;
  if (bars->options.by == ASSAY_BAR_BY_TIME) begin -= begin % every;
  bars->now = (assay_bar){.begin_ns = begin, .open = tick->price, .high = tick->price, .low = tick->price, .close = tick->price};
  bars->money = bars->volume = bars->bought = bars->sold = (assay_bar_sum){0};
  bars->latest_ns = 0;
  bars->open = true;
}

static uint64_t sum_of(uint64_t a, uint64_t b) { return b > UINT64_MAX - a ? UINT64_MAX : a + b; }

static void count_tick(assay_bar_maker *bars, const assay_tick *tick) {
  assay_bar *now = &bars->now;
  bool by_time = bars->options.by == ASSAY_BAR_BY_TIME;
  if (tick->price > now->high) now->high = tick->price;
  if (tick->price < now->low) now->low = tick->price;
  now->ticks++;
  add_quantity(&bars->volume, tick->quantity);
  if (tick->side == 'B') add_quantity(&bars->bought, tick->quantity);
  if (tick->side == 'S') add_quantity(&bars->sold, tick->quantity);
  add_to(&bars->money, (wide)tick->price * (wide)tick->quantity);
  if (!by_time || tick->time_ns >= bars->latest_ns) {
    now->close = tick->price;
    bars->latest_ns = tick->time_ns;
  }
  now->end_ns = by_time ? sum_of(now->begin_ns, bars->options.every) : bars->latest_ns;
}

/* What is below 0 (prices may be) reaches nothing. */
static bool reaches(const assay_bar_sum *sum, const assay_bar_maker_options *options) {
  if (sum->high < 0) return false;
  return (uint64_t)sum->high != options->every_high ? (uint64_t)sum->high > options->every_high : sum->low >= options->every;
}

static bool is_full(const assay_bar_maker *bars) {
  switch (bars->options.by) {
    case ASSAY_BAR_BY_TICKS: return bars->now.ticks >= bars->options.every;
    case ASSAY_BAR_BY_VOLUME: return reaches(&bars->volume, &bars->options);
    case ASSAY_BAR_BY_DOLLARS: return reaches(&bars->money, &bars->options);
    default: return false;
  }
}

static void put_tick(assay_bar_maker *bars, const assay_tick *tick) {
  uint64_t every = bars->options.every;
  bool by_time = bars->options.by == ASSAY_BAR_BY_TIME;
  if (by_time && (bars->open ? tick->time_ns < bars->now.begin_ns : bars->done.ticks > 0 && tick->time_ns < bars->done.end_ns)) {
    bars->late++;
    return;
  }
  bars->begun = true;
  if (tick->time_ns > bars->newest_ns) bars->newest_ns = tick->time_ns;
  if (by_time && bars->open && tick->time_ns - bars->now.begin_ns >= every) {
    close_bar(bars);
    begin_bar(bars, tick);
    bool too_far = (bars->now.begin_ns - bars->done.begin_ns) / every - 1 > bars->options.most_fill;
    if (bars->options.fill && too_far) bars->gaps++;
    bars->fill_ns = bars->options.fill && !too_far ? bars->done.begin_ns + every : bars->now.begin_ns;
    bars->fill_price = bars->done.close;
  } else if (!bars->open) {
    begin_bar(bars, tick);
    bars->fill_ns = bars->now.begin_ns;
  }
  count_tick(bars, tick);
  if (is_full(bars)) close_bar(bars);
}

/* ---- Ticks that are far ahead -------------------------------------------------------------------------------------------------------- */

static bool is_far(const assay_bar_maker *bars, const assay_tick *tick) {
  if (bars->options.by != ASSAY_BAR_BY_TIME || bars->options.most_jump_ns == UINT64_MAX) return false;
  return !bars->begun || (tick->time_ns > bars->newest_ns && tick->time_ns - bars->newest_ns > bars->options.most_jump_ns);
}

static void add_or_hold(assay_bar_maker *bars, const assay_tick *tick) {
  bars->waits = is_far(bars, tick);
  if (bars->waits)
    bars->held = *tick;
  else
    put_tick(bars, tick);
}

/* The tick that came when another waited: that one's bars go out first. */
static void add_behind(assay_bar_maker *bars) {
  if (!bars->follows) return;
  bars->follows = false;
  add_or_hold(bars, &bars->behind);
}

void assay_bar_maker_add(assay_bar_maker *bars, const assay_tick *tick) {
  add_behind(bars); /* where nobody took what was done */
  if (!bars->waits) {
    add_or_hold(bars, tick);
    return;
  }
  bars->waits = false;
  if (tick->time_ns < bars->held.time_ns && bars->held.time_ns - tick->time_ns > bars->options.most_jump_ns) {
    bars->far++;
    add_or_hold(bars, tick);
    return;
  }
  bars->behind = *tick;
  bars->follows = true;
  put_tick(bars, &bars->held);
}

static bool take_done(assay_bar_maker *bars, assay_bar *bar) {
  if (bars->ready) {
    *bar = bars->done;
    bars->ready = false;
    return true;
  }
  if (!bars->open || bars->options.by != ASSAY_BAR_BY_TIME || bars->fill_ns >= bars->now.begin_ns) return false;
  int64_t flat = bars->fill_price;
  *bar = (assay_bar){.begin_ns = bars->fill_ns,
                     .end_ns = bars->fill_ns + bars->options.every,
                     .open = flat,
                     .high = flat,
                     .low = flat,
                     .close = flat,
                     .vwap = (double)flat};
  bars->fill_ns += bars->options.every;
  return true;
}

bool assay_bar_maker_take(assay_bar_maker *bars, assay_bar *bar) {
  if (take_done(bars, bar)) return true;
  if (!bars->follows) return false;
  add_behind(bars);
  return take_done(bars, bar);
}

bool assay_bar_maker_finish(assay_bar_maker *bars, assay_bar *bar) {
  add_behind(bars);
  if (bars->waits) {
    bars->waits = false;
    put_tick(bars, &bars->held);
    bars->fill_ns = bars->now.begin_ns; /* whether there was nothing up to there, nobody confirms */
  }
  if (!bars->ready && !bars->open) return false;
  if (!bars->ready) close_bar(bars);
  *bar = bars->done;
  bars->ready = false;
  return true;
}

/* ---- Averages ------------------------------------------------------------------------------------------------------------------------ */

void assay_vwap_add(assay_vwap *vwap, int64_t price, uint64_t quantity) {
  add_to(&vwap->money, (wide)price * (wide)quantity);
  add_quantity(&vwap->volume, quantity);
}

double assay_vwap_price(const assay_vwap *vwap) { return average(&vwap->money, &vwap->volume, NAN); }

/* ---- Quotes -------------------------------------------------------------------------------------------------------------------------- */

double assay_microprice(const assay_top *top) {
  if (top->bid_quantity == 0 || top->ask_quantity == 0) return NAN;
  double bids = (double)top->bid_quantity, asks = (double)top->ask_quantity;
  return (double)top->bid + (double)((wide)top->ask - top->bid) * (bids / (bids + asks));
}

double assay_flow_add(assay_flow *flow, const assay_top *top) {
  assay_top now = *top;
  if (now.bid_quantity == 0) now.bid = flow->last.bid;
  if (now.ask_quantity == 0) now.ask = flow->last.ask;
  const assay_top last = flow->last;
  flow->last = now;
  if (!flow->begun) {
    flow->begun = true;
    return 0;
  }
  wide change = 0;
  if (now.bid >= last.bid) change += now.bid_quantity;
  if (now.bid <= last.bid) change -= last.bid_quantity;
  if (now.ask <= last.ask) change -= now.ask_quantity;
  if (now.ask >= last.ask) change += last.ask_quantity;
  add_to(&flow->imbalance, change);
  flow->changes++;
  return (double)change;
}

/* SPDX-License-Identifier: MIT */
/* Positions to begin with, and positions that a walk-forward carries from test to test. */
#include <string.h>

#include "base/alloc.h"
#include "slow_backtest.h"
#include "test.h"

static test_market m;

static assay_backtest_result *run_targets(const double *targets, const assay_backtest_options *options) {
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assert_ok(assay_backtest_run_targets(&m.bars, targets, options, &err, &r), err);
  return r;
}

/* ---- To begin with ------------------------------------------------------------------------------------------------------------------- */

/* Any market, targets, costs and position, debts too: the fast path, the path of events and the slow one. */
static void any_position_is_that_of_the_slow_one(void **state) {
  (void)state;
  static double targets[BARS], equity[BARS];
  assay_random random;
  assay_random_init(&random, 51);
  size_t compared = 0;
  for (uint64_t round = 0; round < 200; round++) {
    make_market(&m, 4000 + round, 400);
    random_targets(&random, targets, 400);
    for (size_t i = 0; i < round * 2; i++) targets[i] = NAN; /* nothing is said for a while */
    assay_backtest_options o = random_options(&random, 400);
    assay_backtest_held held = {floor(40 * assay_random_unit(&random)) - (o.no_short ? 0 : 15), round % 2 ? 90 : 0};
    o.held = &held;
    if (held.quantity > 20 && round % 3 == 0) o.cash = -500;
    if (held.quantity > 0 && round % 3 == 1) o.cash = 0;
    assay_backtest_result *fast = run_targets(targets, &o);
    o.events = true;
    assay_backtest_result *events = run_targets(targets, &o);
    assert_same(fast, events);
    slow_backtest(&m, targets, &o, equity);
    bool ruined = fast->metrics.ruined_at != SIZE_MAX;
    for (size_t i = 0; i < fast->metrics.bars && !ruined; i++) assert_near(fast->equity[i], equity[i], 1e-6 * fabs(equity[i]) + 1e-6);
    compared += !ruined;
    double market = m.close[o.first], price = held.price > 0 ? held.price : market, earned_before = held.quantity * (market - price);
    assert_near(fast->metrics.first_equity, o.cash + held.quantity * market, 1e-9);
    assert_near(fast->metrics.last_equity - fast->metrics.first_equity,
                fast->metrics.realised + fast->metrics.unrealised - earned_before - fast->metrics.fees, 1e-7);
    double profit = 0;
    for (size_t i = 0; i < fast->metrics.trades; i++) profit += fast->trades[i].profit;
    if (fast->metrics.open_at_end == 0) assert_near(fast->metrics.first_equity + profit - earned_before, fast->metrics.last_equity, 1e-7);
    if (fast->metrics.trades > 0 && held.quantity != 0) {
      assert_int_equal(fast->trades[0].entry_bar, o.first);
      assert_true(fast->metrics.fills > 0 && fast->fills[0].bar > o.first); /* what is there costs nothing */
    }
    assay_backtest_result_destroy(fast);
    assay_backtest_result_destroy(events);
  }
  assert_true(compared > 180);
}

/* The ready strategies, called back and as arrays, in the middle of their warm-up, at its end, and long after it. */
static void callbacks_do_the_same(void **state) {
  (void)state;
  make_market(&m, 3, BARS);
  static const size_t firsts[] = {0, 1, 20, 48, 49, 50, 51, 300, 301};
  for (size_t i = 0; assay_strategy_at(i) != NULL; i++) {
    const assay_strategy *strategy = assay_strategy_at(i);
    if (strategy->targets == NULL || strategy->on_bar == NULL) continue;
    for (size_t k = 0; k < sizeof firsts / sizeof *firsts; k++) {
      assay_backtest_held held = {k % 3 == 0 ? -20 : 30, 0};
      assay_backtest_options o = {.cash = 5000, .held = &held, .fees = {.rate = 0.001}, .first = firsts[k]};
      o.keep_equity = o.keep_fills = o.keep_trades = true;
      assay_error err = {0};
      assay_backtest_result *fast = NULL, *events = NULL;
      assert_ok(assay_backtest_run(strategy, NULL, &m.data, &o, &err, &fast), err);
      o.events = true;
      assert_ok(assay_backtest_run(strategy, NULL, &m.data, &o, &err, &events), err);
      assert_same(fast, events);
      assert_int_equal(fast->fills[0].bar, firsts[k] + 1); /* each wants something by then, and it is not 30 units */
      assay_backtest_result_destroy(fast);
      assay_backtest_result_destroy(events);
    }
  }
}

/* 10 units that cost 8, at 10 when it begins. The rest is sold at 12: 5 at 1 % at the first open, then the others. */
static void by_hand(void **state) {
  (void)state;
  static const double closes[] = {9, 10, 12, 12, 12}, targets[] = {NAN, 0.5, NAN, 0, NAN};
  const assay_bars bars = {.count = 5, .close = closes};
  const assay_backtest_held held = {10, 8};
  for (int way = 0; way < 3; way++) {
    assay_backtest_options o = {.cash = 0, .held = &held, .fees = {.rate = 0.01}, .first = 1, .events = way > 0};
    o.basis = way == 2 ? ASSAY_COST_FIFO : ASSAY_COST_AVERAGE;
    o.keep_equity = o.keep_fills = o.keep_trades = true;
    assay_error err = {0};
    assay_backtest_result *r = NULL;
    assert_ok(assay_backtest_run_targets(&bars, targets, &o, &err, &r), err);
    const double equity[] = {100, 120 - 0.6, 120 - 0.6, 120 - 0.6 - 0.6};
    for (int i = 0; i < 4; i++) assert_near(r->equity[i], equity[i], 1e-12);
    assert_int_equal(r->metrics.fills, 2);
    assert_int_equal(r->metrics.trades, 1);
    assert_near(r->trades[0].profit, 40 - 1.2, 1e-12);
    assert_near(r->trades[0].entry_price, 8, 1e-12);
    assert_near(r->metrics.realised, 40, 1e-12);
    assert_near(r->metrics.first_equity, 100, 0);
    assert_near(r->metrics.exposure, 2 / 3.0, 1e-12);
    assay_backtest_result_destroy(r);
  }
}

/* Two assets, one of which has not traded since before a split: 4 old units are 8, at half of the last price. */
static void a_price_from_before_a_split(void **state) {
  (void)state;
  static const double first[] = {20, NAN, NAN, 11, 12}, second[] = {50, 50, 50, 50, 50};
  const assay_bars both[] = {{.count = 5, .close = first}, {.count = 5, .close = second}};
  const assay_backtest_action split = {.bar = 1, .split = 2};
  const assay_backtest_data data = {.assets = 2, .bars = both, .actions = &split, .action_count = 1};
  const assay_backtest_held held[] = {{8, 0}, {-1, 0}};
  const assay_backtest_options o = {.cash = 70, .held = held, .first = 2, .keep_equity = true};
  const double none = 0; /* of equity */
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assert_ok(assay_backtest_run(assay_strategy_find("hold"), &none, &data, &o, &err, &r), err);
  const double equity[] = {70 + 80 - 50, 70 + 88 - 50, 70 + 88 - 50}; /* out at the next open, the first asset's 11 */
  for (int i = 0; i < 3; i++) assert_near(r->equity[i], equity[i], 1e-12);
  assert_int_equal(r->metrics.fills, 2);
  assert_int_equal(r->metrics.open_at_end, 0);
  assay_backtest_result_destroy(r);
  /* At the price before the split there would be less than nothing. */
  const assay_backtest_held shorts[] = {{-8, 0}, {0, 0}};
  const assay_backtest_options owes = {.cash = 100, .held = shorts, .first = 2};
  assert_ok(assay_backtest_run(assay_strategy_find("hold"), &none, &data, &owes, &err, &r), err);
  assert_near(r->metrics.first_equity, 20, 1e-12);
  assay_backtest_result_destroy(r);
}

static void look(assay_backtest *run, void *state) {
  (void)state;
  size_t now = assay_backtest_now(run);
  double held = now < 3 ? 0 : 7;
  assert_true(assay_backtest_position(run, 0) == held);
  assert_true(assay_backtest_equity(run) == 100 + held * assay_backtest_bars(run, 0)->close[now]);
  if (now < 3) return;
  assay_account_totals t = assay_account_get_totals(assay_backtest_account(run));
  assert_near(t.equity, t.deposits + t.realised + t.unrealised + t.dividends - t.fees, 1e-9);
}

/* Who only calls back and says nothing finds the position at its first bar, and keeps it. */
static void orders_find_it(void **state) {
  (void)state;
  make_market(&m, 8, 40);
  const assay_strategy looks = {.name = "looks", .on_bar = look};
  const assay_backtest_held held = {7, 60};
  const assay_backtest_options o = {.cash = 100, .held = &held, .first = 3};
  assay_error err = {0};
  assay_backtest_result *r = NULL;
  assert_ok(assay_backtest_run(&looks, NULL, &m.data, &o, &err, &r), err);
  assert_int_equal(r->metrics.fills, 0);
  assert_int_equal(r->metrics.open_at_end, 1);
  assert_near(r->metrics.unrealised, 7 * (m.close[39] - 60), 1e-9);
  assay_backtest_result_destroy(r);
}

static void sweeps_begin_with_it_too(void **state) {
  (void)state;
  make_market(&m, 12, BARS);
  const assay_backtest_range ranges[] = {{0, 2, 20, 3}, {1, 15, 60, 9}};
  const assay_backtest_held held = {25, 0};
  const assay_backtest_options o = {.cash = 1000, .held = &held, .fees = {.rate = 0.001}, .first = 37};
  for (int workers = 0; workers < 2; workers++) {
    assay_backtest_sweep sweep = {.strategy = assay_strategy_find("sma"), .ranges = ranges, .range_count = 2, .here = workers == 0};
    assay_error err = {0};
    assay_backtest_row *rows = NULL;
    size_t count = 0;
    assert_ok(assay_backtest_run_sweep(&sweep, &m.data, &o, &err, &rows, &count), err);
    for (size_t i = 0; i < count; i++) {
      if (rows[i].outcome != ASSAY_BACKTEST_DONE) continue;
      assay_backtest_result *r = NULL;
      assert_ok(assay_backtest_run(sweep.strategy, rows[i].parameters, &m.data, &o, &err, &r), err);
      assert_memory_equal(&rows[i].metrics, &r->metrics, sizeof r->metrics);
      assay_backtest_result_destroy(r);
    }
    assay_backtest_rows_free(rows);
  }
}

static void what_cannot_be_is_refused(void **state) {
  (void)state;
  make_market(&m, 5, 20);
  m.open[0] = m.high[0] = m.low[0] = m.close[0] = NAN;
  const struct {
    assay_backtest_held held;
    double cash;
    size_t first;
    bool no_short;
    const char *says;
  } cases[] = {{{NAN, 0}, 100, 1, false, "finite"},  {{INFINITY, 0}, 100, 1, false, "finite"}, {{1, -1}, 100, 1, false, "price"},
               {{1, NAN}, 100, 1, false, "price"},   {{-1, 0}, 1000, 1, true, "short"},        {{1, 0}, 100, 0, false, "no close"},
               {{1, 0}, -1000, 1, false, "worth"},   {{-10, 0}, 100, 1, false, "worth"},       {{0, 0}, 0, 1, false, "worth"},
               {{1, 0}, -INFINITY, 1, false, "cash"}};
  double targets[20] = {0};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_backtest_options o = {
        .cash = cases[i].cash, .held = &cases[i].held, .first = cases[i].first, .no_short = cases[i].no_short, .events = i % 2};
    assay_error err = {0};
    assay_backtest_result *r = NULL;
    assert_int_equal(assay_backtest_run_targets(&m.bars, targets, &o, &err, &r), ASSAY_ERR_INVALID);
    if (strstr(err.message, cases[i].says) == NULL) fail_msg("case %zu: '%s' does not say '%s'", i, err.message, cases[i].says);
    assert_null(r);
  }
  const assay_backtest_options debts = {.cash = -1};
  assay_backtest_result *r = NULL;
  assert_int_equal(assay_backtest_run_targets(&m.bars, targets, &debts, NULL, &r), ASSAY_ERR_INVALID);
}

/* ---- From test to test --------------------------------------------------------------------------------------------------------------- */

static assay_backtest_walked *walk_of(const assay_backtest_walk_forward *walk, const assay_backtest_sweep *sweep,
                                      const assay_backtest_data *data, const assay_backtest_options *options) {
  assay_error err = {0};
  assay_backtest_walked *walked = NULL;
  assert_ok(assay_backtest_run_walk_forward(walk, sweep, data, options, &err, &walked), err);
  return walked;
}

/* All of the tests as one run: the same curve, fills and trades to the bit, the same counts, and sums that were added in another order. */
static void assert_one_run(const assay_backtest_walked *walked, const assay_backtest_result *one) {
  const assay_backtest_result *r = walked->result;
  const assay_backtest_metrics *a = &r->metrics, *b = &one->metrics;
  assert_int_equal(a->bars, b->bars);
  for (size_t i = 0; i < a->bars; i++)
    if (r->equity[i] != one->equity[i]) fail_msg("bar %zu: %.17g, not %.17g", r->first + i, r->equity[i], one->equity[i]);
  assert_int_equal(a->fills, b->fills);
  for (size_t i = 0; i < a->fills; i++) {
    assay_backtest_fill x = r->fills[i], y = one->fills[i];
    x.order = y.order = 0;
    assert_memory_equal(&x, &y, sizeof x);
  }
  assert_int_equal(a->trades, b->trades);
  assert_memory_equal(r->trades, one->trades, a->trades * sizeof *r->trades);
  assert_int_equal(a->rejected, b->rejected);
  assert_int_equal(a->margin_calls, b->margin_calls);
  assert_int_equal(a->open_at_end, b->open_at_end);
  assert_int_equal(a->ruined_at, b->ruined_at);
  assert_int_equal(a->longest_drawdown, b->longest_drawdown);
  const double sums[][2] = {{a->fees, b->fees},           {a->realised, b->realised},     {a->unrealised, b->unrealised},
                            {a->dividends, b->dividends}, {a->turnover, b->turnover},     {a->exposure, b->exposure},
                            {a->sharpe, b->sharpe},       {a->sortino, b->sortino},       {a->max_drawdown, b->max_drawdown},
                            {a->win_rate, b->win_rate},   {a->best_trade, b->best_trade}, {a->annual_return, b->annual_return}};
  for (size_t i = 0; i < sizeof sums / sizeof *sums; i++) {
    if (isnan(sums[i][0]) && isnan(sums[i][1])) continue;
    assert_near(sums[i][0], sums[i][1], 1e-9 * (1 + fabs(sums[i][1])));
  }
}

/* `user`'s array, one for a parameter that is 0 and the same for one that is 1. */
static assay_status given(const assay_bars *b, const double *parameters, void *user, assay_error *err, double *targets) {
  (void)parameters, (void)err;
  memcpy(targets, user, b->count * sizeof *targets);
  return ASSAY_OK;
}

static const assay_backtest_range one_value = {0, 0, 0, 1};
static const assay_strategy_parameter unused = {"x", 0, 0, 1, true, "nothing"};

/* A choice that stays the same costs nothing: any targets and any options, in any number of windows. */
static void a_choice_that_stays_is_one_run(void **state) {
  (void)state;
  static double targets[BARS];
  assay_random random;
  assay_random_init(&random, 61);
  for (uint64_t round = 0; round < 150; round++) {
    make_market(&m, 6000 + round, 500);
    random_targets(&random, targets, 500);
    assay_backtest_options o = random_options(&random, 500);
    assay_backtest_held held = {round % 20, 0};
    if (round % 3 == 0) o.held = &held;
    if (round % 4 == 1) o.maintenance = 0.6, o.leverage = 2;
    o.events = round % 2;
    if (round % 8 == 7) o.basis = ASSAY_COST_FIFO;
    assay_strategy follow = {.name = "given", .parameter_count = 1, .parameters = {unused}, .targets = given, .user = targets};
    const assay_backtest_sweep sweep = {.strategy = &follow, .ranges = &one_value, .range_count = 1, .here = true};
    const assay_backtest_walk_forward walk = {
        .windows = 1 + round % 12, .train = 1 + round % 3, .objective = ASSAY_BACKTEST_RETURN, .carry = true};
    assay_backtest_walked *walked = walk_of(&walk, &sweep, &m.data, &o);
    o.first = walked->result->first;
    assay_backtest_result *one = run_targets(targets, &o);
    assert_one_run(walked, one);
    assert_int_equal(walked->result->metrics.orders, one->metrics.orders);
    assay_backtest_result_destroy(one);
    assay_backtest_walked_destroy(walked);
  }
}

/* Each window has its own averages. What is wanted by one after the other is one array, and one run. */
static void choices_that_change_are_one_array(void **state) {
  (void)state;
  static double targets[BARS], part[BARS];
  const assay_backtest_range ranges[] = {{0, 2, 14, 3}, {1, 15, 60, 5}, {2, 0, 1, 1}};
  const assay_strategy *sma = assay_strategy_find("sma");
  const assay_backtest_sweep sweep = {.strategy = sma, .ranges = ranges, .range_count = 3, .here = true};
  assay_random random;
  assay_random_init(&random, 71);
  size_t changes = 0;
  for (uint64_t round = 0; round < 16; round++) {
    make_market(&m, 7000 + round, BARS);
    assay_backtest_options o = random_options(&random, BARS);
    o.first = o.end = 0;
    o.events = round % 4 == 3;
    const assay_backtest_walk_forward walk = {.windows = 9, .train = 2, .objective = ASSAY_BACKTEST_RETURN, .carry = true};
    assay_backtest_walked *walked = walk_of(&walk, &sweep, &m.data, &o);
    for (size_t i = 0; i < walked->window_count; i++) {
      const assay_backtest_window *w = &walked->windows[i];
      assay_error err = {0};
      assert_ok(sma->targets(&m.bars, w->parameters, NULL, &err, part), err);
      size_t from = i > 0 ? w->test_first - 1 : 0; /* the first one's wishes from before count too */
      memcpy(targets + from, part + from, (w->test_end - from) * sizeof *targets);
      if (i > 0) changes += memcmp(w->parameters, w[-1].parameters, sizeof w->parameters) != 0;
    }
    o.first = walked->result->first;
    assay_backtest_result *one = run_targets(targets, &o);
    assert_one_run(walked, one);
    assert_int_equal(walked->result->metrics.orders, one->metrics.orders);
    assay_backtest_result_destroy(one);
    assay_backtest_walked_destroy(walked);
  }
  assert_true(changes > 60);
}

/* Orders with brackets in one asset, targets that often have to wait in another, which has days off. */
static void order_bar(assay_backtest *run, void *state) {
  (void)state;
  size_t now = assay_backtest_now(run);
  double close = assay_backtest_bars(run, 0)->close[now];
  if (now % 13 == 5) { /* several brackets of one position, and some of a position that turns */
    bool buys = now % 5 != 0;
    const assay_backtest_order o = {.quantity = buys ? 1 : -3,
                                    .force = ASSAY_BACKTEST_IOC,
                                    .stop_loss = buys ? 0.92 * close : 1.06 * close,
                                    .take_profit = buys ? 1.07 * close : 0.94 * close};
    assay_backtest_submit(run, &o, NULL);
  }
  if (now % 13 == 12) assay_backtest_target(run, 1, (double)(now % 5) / 5 - 0.3);
}

static void brackets_and_what_waits_go_over(void **state) {
  (void)state;
  static test_market other;
  const assay_strategy orders = {
      .name = "orders", .assets_least = 2, .assets_most = 2, .parameter_count = 1, .parameters = {unused}, .on_bar = order_bar};
  const assay_backtest_sweep sweep = {.strategy = &orders, .ranges = &one_value, .range_count = 1, .here = true};
  const assay_backtest_action actions[] = {{0, 210, 2, 0}, {0, 330, 0, 0.7}, {1, 331, 0.5, 0.1}};
  for (uint64_t round = 0; round < 24; round++) {
    make_market(&m, 8000 + round, 600);
    make_market(&other, 9000 + round, 600);
    for (size_t i = 0; i < 600; i++)
      if (i % 13 < 3 && i % 2) other.open[i] = other.high[i] = other.low[i] = other.close[i] = NAN;
    const assay_bars both[] = {m.bars, other.bars};
    const assay_backtest_data data = {.assets = 2, .bars = both, .actions = actions, .action_count = 3};
    assay_backtest_options o = {.cash = 2000, .fees = {.rate = 0.001, .per_order = 1}, .leverage = 2, .keep_fills = true};
    if (round % 2) o.basis = ASSAY_COST_FIFO;
    if (round % 3 == 1) o.slippage.volume_share = 0.0003;
    if (round % 4 == 2) o.maintenance = 0.7;
    if (round % 4 == 3) o.close_at_end = true;
    const assay_backtest_walk_forward walk = {.windows = 2 + round, .train = 1, .objective = ASSAY_BACKTEST_RETURN, .carry = true};
    assay_backtest_walked *walked = walk_of(&walk, &sweep, &data, &o);
    o.first = walked->result->first;
    o.keep_equity = o.keep_trades = true;
    assay_error err = {0};
    assay_backtest_result *one = NULL;
    assert_ok(assay_backtest_run(&orders, NULL, &data, &o, &err, &one), err);
    assert_true(one->metrics.trades > 3);
    assert_one_run(walked, one);
    assay_backtest_result_destroy(one);
    assay_backtest_walked_destroy(walked);
  }
}

/* Two windows of who always wants to be in: bought once at 1 %, where windows that begin with cash pay four times. */
static void only_what_changes_pays(void **state) {
  (void)state;
  static double flat[12], in[12];
  for (size_t i = 0; i < 12; i++) flat[i] = 100 + (double)(i % 2), in[i] = 1;
  const assay_bars small = {.count = 12, .close = flat};
  const assay_backtest_data one = {.assets = 1, .bars = &small};
  const assay_strategy always = {.name = "in", .parameter_count = 1, .parameters = {unused}, .targets = given, .user = in};
  const assay_backtest_sweep sweep = {.strategy = &always, .ranges = &one_value, .range_count = 1, .here = true};
  const assay_backtest_walk_forward walk = {.windows = 2, .train = 1, .objective = ASSAY_BACKTEST_RETURN, .carry = true};
  const assay_backtest_options o = {.cash = 1000, .fees = {.rate = 0.01}};
  assay_backtest_walked *walked = walk_of(&walk, &sweep, &one, &o);
  assert_int_equal(walked->result->metrics.fills, 1);
  assert_near(walked->result->metrics.last_equity, 1000 / 1.01 * 1.01, 1e-9); /* bought at 100, at 101 at last */
  assert_int_equal(walked->result->metrics.open_at_end, 1);
  assert_near(walked->windows[1].tested.fees, 0, 0);
  assert_near(walked->windows[1].tested.first_equity, walked->windows[0].tested.last_equity, 0);
  assay_backtest_walked_destroy(walked);
}

/* Buys in training, and in the first test; later it does nothing, so that no configuration has a score. */
static void buy_at_first(assay_backtest *run, void *state) {
  (void)state;
  size_t first = assay_backtest_get_options(run)->first;
  bool buys = (first == 0 && assay_backtest_now(run) == 5) || (first == 299 && assay_backtest_now(run) == 310);
  if (buys) assay_backtest_submit(run, &(assay_backtest_order){.quantity = 5, .stop_loss = 1}, NULL);
}

static void nothing_chosen_is_nothing_held(void **state) {
  (void)state;
  make_market(&m, 77, 700);
  const assay_strategy once = {.name = "once", .parameter_count = 1, .parameters = {unused}, .on_bar = buy_at_first};
  const assay_backtest_sweep sweep = {.strategy = &once, .ranges = &one_value, .range_count = 1, .here = true};
  const assay_backtest_walk_forward walk = {.windows = 4, .train = 3, .objective = ASSAY_BACKTEST_DRAWDOWN, .carry = true};
  const assay_backtest_options o = {.cash = 1000, .fees = {.per_order = 2}, .keep_fills = true};
  assay_backtest_walked *walked = walk_of(&walk, &sweep, &m.data, &o);
  assert_true(walked->windows[0].chosen && !walked->windows[1].chosen && !walked->windows[2].chosen);
  const assay_backtest_result *r = walked->result;
  assert_int_equal(r->metrics.fills, 2);
  assert_int_equal(r->fills[1].bar, 400);
  assert_near(r->fills[1].price, m.open[400], 0);
  assert_near(r->metrics.last_equity, 1000 - 4 + 5 * (m.open[400] - r->fills[0].price), 1e-9);
  assert_near(r->equity[r->metrics.bars - 1], r->metrics.last_equity, 0);
  assert_int_equal(r->metrics.open_at_end, 0);
  assert_int_equal(r->trades[0].entry_bar, 311);
  assay_backtest_walked_destroy(walked);
}

/* What is there before the first test, with a choice and without one, whether it is carried on or not. */
static void the_first_test_begins_with_what_is_held(void **state) {
  (void)state;
  static double in[BARS];
  make_market(&m, 78, 700);
  for (size_t i = 0; i < BARS; i++) in[i] = NAN;
  const assay_backtest_held held = {3, 0};
  const assay_strategy silent = {.name = "silent", .parameter_count = 1, .parameters = {unused}, .targets = given, .user = in};
  const assay_backtest_sweep sweep = {.strategy = &silent, .ranges = &one_value, .range_count = 1, .here = true};
  for (int way = 0; way < 4; way++) {
    const assay_backtest_objective objective = way & 1 ? ASSAY_BACKTEST_RETURN : ASSAY_BACKTEST_DRAWDOWN; /* which nobody has */
    const assay_backtest_walk_forward walk = {.windows = 4, .train = 3, .objective = objective, .carry = way & 2};
    const assay_backtest_options o = {.cash = -50, .held = &held, .keep_fills = true};
    assay_backtest_walked *walked = walk_of(&walk, &sweep, &m.data, &o);
    const assay_backtest_result *r = walked->result;
    assert_near(r->equity[0], -50 + 3 * m.close[299], 1e-12);
    assert_int_equal(r->metrics.fills, way == 3 ? 0 : 1);
    double sold = way == 3 ? m.close[699] : way == 1 ? m.close[399] : m.open[300];
    assert_near(r->metrics.last_equity, -50 + 3 * sold, 1e-9);
    assert_near(r->metrics.total_return, r->metrics.last_equity / r->equity[0] - 1, 1e-12);
    assay_backtest_walked_destroy(walked);
  }
}

static void leaves_nothing(void **state) {
  (void)state;
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_position_is_that_of_the_slow_one),
      cmocka_unit_test(callbacks_do_the_same),
      cmocka_unit_test(by_hand),
      cmocka_unit_test(a_price_from_before_a_split),
      cmocka_unit_test(orders_find_it),
      cmocka_unit_test(sweeps_begin_with_it_too),
      cmocka_unit_test(what_cannot_be_is_refused),
      cmocka_unit_test(a_choice_that_stays_is_one_run),
      cmocka_unit_test(choices_that_change_are_one_array),
      cmocka_unit_test(brackets_and_what_waits_go_over),
      cmocka_unit_test(only_what_changes_pays),
      cmocka_unit_test(nothing_chosen_is_nothing_held),
      cmocka_unit_test(the_first_test_begins_with_what_is_held),
      cmocka_unit_test(leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* The inside of a backtest. */
#ifndef ASSAY_MARKET_ENGINE_H
#define ASSAY_MARKET_ENGINE_H

#include "base/alloc.h"
#include "market/backtest/account.h"
#include "market/backtest/rules.h"
#include "market/backtest/scores.h"

/* How an order came to trade on the bar of its fill: what its bracket may still see of that bar. */
typedef enum assay_entry { ASSAY_ENTRY_OPEN, ASSAY_ENTRY_STOP, ASSAY_ENTRY_LIMIT } assay_entry;

typedef struct assay_waiting {
  assay_backtest_order order; /* its quantity: what is left */
  uint64_t id;
  uint64_t sibling;          /* the other side of a bracket; 0: none */
  double share;              /* of a target */
  double traded, value, fee; /* so far, as numbers above 0 */
  double entry_price;
  size_t given, first_bar; /* bar at whose close it was given; first bar that it could trade on, SIZE_MAX: none yet */
  size_t opened;           /* last bar at whose open it was tried; SIZE_MAX: none yet */
  size_t limit_from;       /* of a stop-limit that is triggered: first bar on which its limit counts */
  assay_entry entry;
  bool is_target, is_bracket, triggered, done;
} assay_waiting;

typedef struct assay_list {
  void *items;
  size_t count, capacity;
} assay_list;

struct assay_backtest {
  const assay_strategy *strategy;
  const double *parameters;
  const assay_backtest_data *data;
  const assay_backtest_options *options;
  void *state;
  assay_rules rules;
  assay_account *account;
  assay_scores scores;
  assay_bars *views; /* what the strategy sees: counts grow */
  bool reveals;      /* views are arrays of their own that take a bar when it has closed */
  assay_trip *trips;
  double *wanted;      /* targets from before the first bar; NaN: none */
  double *aims;        /* what each asset was last brought to as a target; NaN: something else */
  double *volume_left; /* of this bar; NULL: no limit */
  double *equity;      /* NULL: not kept */
  assay_list orders;   /* of assay_waiting, in the order in which they came */
  assay_list fills, trades;
  uint64_t last_id;
  size_t first, end, now, next_action;
  double equity_now, gross_now; /* while orders trade: at this bar's prices, after the fills so far */
  double first_equity;
  bool trading, settles;     /* `settles`: the first bar of a run that begins with positions; targets wait to be compared with them */
  struct assay_carry *carry; /* NULL: the run stands alone */
  assay_list *decisions;     /* of assay_decision; NULL: nobody asks */
  char rejection[200];
  assay_status status;
  assay_error *err;
};

/* What a strategy did, for those who compare. Every byte counts. */
typedef struct assay_decision {
  uint64_t bar, what; /* 0 order, 1 target, 2 cancel, 3 cancel all */
  uint64_t id;
  assay_backtest_order order;
  double share;
} assay_decision;

/*
 * What goes over from a run to the one that begins at its last close. Zeroed: nothing yet, the first run begins as its options say. Between
 * runs it is the account, whose profits and fees are counted from 0 again, and all that waits in its name.
 */
typedef struct assay_carry {
  assay_account *account; /* NULL: nothing yet */
  assay_trip *trips;
  double *aims;
  assay_list orders; /* of assay_waiting: targets and brackets; number i has the id i + 1 */
  bool last;         /* of a run: none comes behind it; else what its last bar would decide is for the next one */
} assay_carry;

/* What is held at the beginning (holdings.c). NULL, or what is wrong with it at the close of bar `first`. */
assay_status assay_backtest_check_held(const assay_backtest_options *options, const assay_backtest_data *data, size_t first,
                                       assay_error *err);
/* Cash and positions at the close of bar `first`. */
double assay_backtest_equity_at(const assay_backtest_options *options, const assay_backtest_data *data, size_t first);
/* At the close of bar `first`, which is marked already. */
void assay_backtest_take_over(assay_backtest *run);
/* After the end: moves everything out of the run. */
assay_status assay_backtest_hand_over(assay_backtest *run, assay_error *err);
static inline bool assay_backtest_hands_over(const assay_backtest *run) { return run->carry != NULL && !run->carry->last; }
/* `held` (one an asset) becomes what options say of what goes over. */
void assay_carry_put_held(const assay_carry *carry, size_t assets, assay_backtest_held *held);
void assay_carry_drop(assay_carry *carry);

/* The rules that options mean; ASSAY_ERR_INVALID names the one that is out of range. */
assay_status assay_backtest_read_options(const assay_backtest_options *options, const assay_backtest_data *data, assay_error *err,
                                         assay_rules *rules, size_t *first, size_t *end);
/* NULL, or what is wrong with a bar. */
const char *assay_backtest_wrong_bar(const assay_bars *bars, size_t bar);
double assay_backtest_cash_of(const assay_backtest_options *options);
/* Parameters, data, and as many assets as the strategy takes. */
assay_status assay_backtest_check_run(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                      assay_error *err);
/* Ranges that a sweep takes, and how many configurations they are (sweep.c). */
assay_status assay_backtest_check_ranges(const assay_backtest_sweep *sweep, assay_error *err, size_t *count);
/* Outcome and why of what was not done, which a process that died could not say. */
void assay_backtest_explain(unsigned char state, unsigned char ended_by, assay_backtest_row *row);
/* Appends room for one more; NULL: out of memory. */
void *assay_list_add(assay_list *list, size_t size);

/* Orders of bar `run->now` (orders.h). */
void assay_backtest_trade_bar(assay_backtest *run);
void assay_backtest_split_orders(assay_backtest *run, size_t asset, double ratio);
/* Cancels all orders and closes all positions at the next open. */
void assay_backtest_call_margin(assay_backtest *run);
/* Closes every position at the price it was last marked with, as an order at the market would, but whatever the volume; the value that is
 * left of them, which is 0. */
double assay_backtest_close_all(assay_backtest *run);
/* Closes every position at the price it was last marked with, without fees: nothing is left to pay them. */
void assay_backtest_ruin(assay_backtest *run);
void assay_backtest_reject(assay_backtest *run, const char *format, ...) ASSAY_PRINTF(2, 3);

/* Metrics out of what was counted (metrics.c). */
typedef struct assay_finish {
  const assay_scores *scores;
  size_t bars;
  double first_equity;
  double periods_per_year, risk_free;
  double fees, realised, unrealised, dividends;
  size_t open_at_end;
} assay_finish;
/* Of rows in which assay_backtest_best finds none: "none of 4 configurations has a score (none has traded)". */
void assay_backtest_tell_unscored(const assay_backtest_row *rows, size_t count, assay_backtest_objective objective, char text[160]);
void assay_backtest_finish(const assay_finish *from, assay_backtest_metrics *metrics);
/* ASSAY_ERR_INVALID where prices were such that an infinite number or none has come of it. */
assay_status assay_backtest_check_metrics(const assay_backtest_metrics *metrics, assay_error *err);

/* Whether targets can take the fast path: one asset that trades on every bar, nothing that happens within a bar. */
bool assay_targets_are_plain(const assay_backtest_data *data, const assay_rules *rules);

/* The fast path (targets.c): an order each time that the target changes. */
typedef struct assay_fast {
  const assay_bars *bars;
  const assay_rules *rules;
  const assay_backtest_functions *loops;
  double cash, first_equity;
  double aim; /* the last target; NaN: what is held is none */
  assay_position position;
  assay_trip trip;
  assay_scores scores;
  size_t first, end, at;      /* next bar that has no equity yet */
  double *equity;             /* NULL: not kept; [0] is bar `first` */
  assay_list *fills, *trades; /* NULL: not kept */
  bool begins_held;           /* the first target is compared with `aim` */
  bool hands_over;            /* what the last bar wants is for the next run */
  bool failed;                /* out of memory */
} assay_fast;
void assay_fast_begin(assay_fast *fast, const assay_backtest_options *options);
/* The same from what goes over. */
void assay_fast_take_over(assay_fast *fast, const assay_carry *carry);
assay_status assay_fast_hand_over(const assay_fast *fast, assay_carry *carry, assay_error *err);
/* Wants `share` at the close of `bar` (ascending from call to call, from `first` on). */
void assay_fast_want(assay_fast *fast, size_t bar, double share);
void assay_fast_end(assay_fast *fast);
void assay_fast_finish(const assay_fast *fast, const assay_backtest_options *options, double periods_per_year,
                       assay_backtest_metrics *metrics);

/* The strategy bar by bar; `decisions` gets everything that it does. `shown` (an entry an asset, in memory that may be written) is what it
 * sees: each bar is put in when it has closed, and what stands there before is anything. NULL: the data. */
assay_status assay_backtest_record(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                   const assay_backtest_options *options, const assay_bars *shown, assay_error *err, assay_list *decisions);

/* The fast path of the cross of moving averages (averages.c). With `keeps`, averages are there again for the next call. */
typedef struct assay_averages assay_averages;
assay_averages *assay_averages_create(const assay_backtest_data *data, bool keeps);
void assay_averages_destroy(assay_averages *averages);
/* From a fast path that has begun to its end. False: out of memory. */
bool assay_averages_run(assay_averages *averages, const double *parameters, assay_fast *fast);
/* A whole run, for sweeps. False: it cannot here. */
bool assay_averages_measure(assay_averages *averages, const double *parameters, const assay_backtest_options *options,
                            assay_backtest_metrics *metrics);

/* As assay_backtest_run, with everything but the options checked already and given. `carry` NULL: the run stands alone. */
assay_status assay_backtest_run_checked(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                        const assay_backtest_options *options, assay_carry *carry, assay_error *err,
                                        assay_backtest_result **result);

#endif

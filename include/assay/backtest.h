/* SPDX-License-Identifier: MIT */
/*
 * assay/backtest.h: what a trading strategy would have earned on past bars, with fees, slippage, margin and corporate actions; sweeps over
 * parameters and runs over many symbols on all cores, walk-forward, and a check that a strategy does not see the future.
 *
 *     assay_bars bars = {.count = n, .open = o, .high = h, .low = l, .close = c, .times = t};
 *     assay_backtest_data data = {.assets = 1, .bars = &bars};
 *     assay_backtest_options options = {.cash = 10000, .fees = {.rate = 0.0005}};
 *     const assay_strategy *sma = assay_strategy_find("sma");
 *     double parameters[ASSAY_STRATEGY_MOST_PARAMETERS] = {10, 50, 0, 1};       // fast, slow, short, size; NULL for the usual ones
 *     assay_backtest_result *result = NULL;
 *     if (assay_backtest_run(sma, parameters, &data, &options, &err, &result) != ASSAY_OK) return fail(err.message);
 *     printf("%.1f %% a year, Sharpe %.2f\n", 100 * result->metrics.annual_return, result->metrics.sharpe);
 *     assay_backtest_result_destroy(result);
 *
 * Time: a strategy is called at the close of each bar and sees all bars up to it. What it orders is traded on the next bar, never on the
 * one that it has just seen. On that bar, O, H, L, C being its prices:
 * - market: at O, plus slippage.
 * - limit, to buy at P: at O where O <= P (it opened better), else at P where L <= P. No slippage. To sell: mirrored.
 * - stop, to buy at S: at O where O >= S (it opened beyond), else at S where H >= S; plus slippage.
 * - stop-limit: triggered like a stop, then a limit. Triggered at O: like a limit on that bar. Triggered within the bar: at S where S <= P;
 *   else at P where C <= P, since the close surely came later; else it rests as a limit from the next bar on.
 * - brackets (stop_loss, take_profit of an order) live from its fill on, for what it opened; one cancels the other. They go when their
 *   position is closed, whatever closed it, and never close more than is held. Where one bar reaches both, the stop loss is taken. On the
 *   bar of the fill itself the stop loss counts wherever it was reached, the take profit only where it surely came later: the order traded
 *   at O or by a stop, or C is beyond it.
 *
 * Orders are looked at in this order: those that trade at the open, of these first what makes a position smaller, then as they were given;
 * within the bar stops, then limits. A bar whose close is NaN does not trade: orders wait.
 *
 * A target is a share of equity: 1 is all, -0.5 is half of it short. Its quantity is worked out when it trades, from equity at that open,
 * made smaller so that fees and slippage can be paid too, and rounded towards zero to `lot`.
 * Other orders that margin does not allow when they would trade are rejected, and counted.
 *
 * Same bits: a strategy's callbacks and its array of targets give the same result to the last bit, on every instruction set; a sweep gives
 * the same with any number of workers.
 *
 * Units: prices in money, ratios as fractions (0.1 is 10 %), times in ns since 1970 UTC. Everything that comes in is checked: a price that
 * is not above 0, a high below the close, times that do not ascend are ASSAY_ERR_INVALID with asset and bar. Thread-safety: the tables are
 * constant; runs are independent of each other; a running backtest belongs to the thread that called. docs/backtest.md has the rules with
 * examples, formulas and figures.
 */
#ifndef ASSAY_BACKTEST_H
#define ASSAY_BACKTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/account.h>
#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Data ---------------------------------------------------------------------------------------------------------------------------- */

enum { ASSAY_BACKTEST_MOST_ASSETS = 4096 };

/* Bars of one asset, ascending in time. Borrowed. */
typedef struct assay_bars {
  size_t count;
  const int64_t *times;            /* of the bars' ends; NULL: not known */
  const double *open, *high, *low; /* NULL (all three): prices are closes only, and an order trades at the next close */
  const double *close;             /* NaN: the asset did not trade (then so are the others) */
  const double *volume;            /* NULL: not known */
} assay_bars;

/* A split or dividend, before the open of its bar. */
typedef struct assay_backtest_action {
  size_t asset, bar;
  double split;    /* new units for one old; 0 or 1: none */
  double dividend; /* money for each unit held before the split; 0: none */
} assay_backtest_action;

typedef struct assay_backtest_data {
  size_t assets;
  const assay_bars *bars;               /* one an asset, all of the same count and times */
  const char *const *names;             /* for messages; NULL: numbers */
  const assay_backtest_action *actions; /* ascending by bar; prices are as they were traded then */
  size_t action_count;
} assay_backtest_data;

ASSAY_API assay_status assay_backtest_check_data(const assay_backtest_data *data, assay_error *err);

/* Bars a year: from the times, brought to 252, 365, 52, 12, 4 or 1 where it is near; 252 without times. */
ASSAY_API double assay_backtest_periods_per_year(const assay_bars *bars);

/* A made-up market for tests and benchmarks: a geometric random walk, the same for the same seed. Arrays of `count`. */
typedef struct assay_backtest_walk {
  uint64_t seed;
  double start;             /* first price; 0: 100 */
  double drift, volatility; /* per bar, of the logarithm; volatility 0: 0.01 */
} assay_backtest_walk;
ASSAY_API assay_status assay_backtest_make_walk(const assay_backtest_walk *walk, size_t count, assay_error *err, double *open, double *high,
                                                double *low, double *close, double *volume);

/* ---- Options ------------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_slippage {
  double rate;         /* of the price, against you: 0.0001 for 1 basis point */
  double ticks, tick;  /* ticks x tick of the price, against you */
  double volume_share; /* most of a bar's volume that all orders in an asset take together; the rest waits. 0: no limit */
  double impact;       /* moves the price by impact x share^2, share being the order's part of the bar's volume; needs volumes */
} assay_slippage;

/* A position to begin with. */
typedef struct assay_backtest_held {
  double quantity; /* below 0: short; 0: none */
  double price;    /* that it was opened at, on average; 0: the close of bar `first` */
} assay_backtest_held;

/*
 * What is held at the beginning is there from the close of bar `first` on, and cost nothing to get: equity begins as cash plus its value
 * there, which has to be above 0; profit counts from its price. The last target that a strategy had by then counts as ever, so that only
 * the difference is traded; a strategy that has `targets`, and none by then that is a number, wants 0 if it is called back, and leaves what
 * is there otherwise. Orders find it as assay_backtest_position.
 */
typedef struct assay_backtest_options {
  double cash;                     /* to begin with; 0: 100,000. With `held` it is what stands here, 0 and debts too */
  const assay_backtest_held *held; /* one an asset; NULL: nothing */
  assay_fees fees;
  assay_slippage slippage;
  double lot;         /* quantities are whole multiples of it; 0: any */
  double leverage;    /* gross exposure may be so many times equity when a position is opened; 0: 1 */
  double maintenance; /* least equity as a share of gross exposure: below, everything is closed at the next open; 0: no limit */
  bool close_at_end;  /* what is held at the last close is closed there, all of it, with fees and slippage; else it stays open */
  bool no_short;      /* orders that would sell more than there is are cut down (targets) or rejected */
  assay_cost_basis basis;
  double periods_per_year; /* 0: assay_backtest_periods_per_year */
  double risk_free;        /* per year, for Sharpe's ratio */
  size_t first, end; /* trades on bars first + 1 to end - 1 only, and is judged from `first` on; what is before serves to warm up. 0: all */
  bool keep_equity, keep_fills, keep_trades; /* in the result; metrics do not need them */
  bool events;                               /* call the strategy bar by bar even where it has an array of targets: slower, same bits */
} assay_backtest_options;

/* ---- Orders -------------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_backtest_kind {
  ASSAY_BACKTEST_MARKET,
  ASSAY_BACKTEST_LIMIT,
  ASSAY_BACKTEST_STOP,
  ASSAY_BACKTEST_STOP_LIMIT,
} assay_backtest_kind;

typedef enum assay_backtest_force {
  ASSAY_BACKTEST_GTC, /* until cancelled */
  ASSAY_BACKTEST_DAY, /* until the end of the (UTC) day of its first bar; without times: of its first bar */
  ASSAY_BACKTEST_IOC, /* what its first bar does not trade is cancelled */
  ASSAY_BACKTEST_FOK, /* its first bar trades all of it or nothing */
  ASSAY_BACKTEST_GTD  /* until the bar `until`, which counts */
} assay_backtest_force;

typedef struct assay_backtest_order {
  size_t asset;
  double quantity; /* above 0 buys */
  assay_backtest_kind kind;
  double limit, stop; /* prices, where the kind has them */
  assay_backtest_force force;
  size_t until;                  /* ASSAY_BACKTEST_GTD */
  double stop_loss, take_profit; /* prices of the bracket; 0: none */
} assay_backtest_order;

typedef struct assay_backtest_fill {
  uint64_t order; /* as assay_backtest_submit gave it; targets and brackets have numbers of their own; 0: close_at_end */
  size_t bar, asset;
  double quantity, price, fee;
} assay_backtest_fill;

/* ---- Strategies ---------------------------------------------------------------------------------------------------------------------- */

enum { ASSAY_STRATEGY_MOST_PARAMETERS = 8 };

typedef struct assay_strategy_parameter {
  const char *name; /* "fast" */
  double usual, least, most;
  bool whole;
  const char *help; /* "rows of the faster average" */
} assay_strategy_parameter;

typedef struct assay_backtest assay_backtest;

/*
 * A strategy: data and callbacks. `state` is state_size bytes, zeroed, a run each. Nothing but `on_bar` is needed; with `targets` alone
 * not even that.
 */
typedef struct assay_strategy {
  const char *name, *title, *summary;
  size_t assets_least, assets_most; /* 0: one */
  unsigned parameter_count;
  assay_strategy_parameter parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  size_t state_size;
  void *user; /* for the callbacks (assay_backtest_user) */
  /* Checks what parameters have to do with each other; may be NULL. */
  assay_status (*check)(const double *parameters, assay_error *err);
  /* Before the first bar; may be NULL. */
  assay_status (*start)(assay_backtest *run, const double *parameters, void *state, assay_error *err);
  /* After the close of each bar. */
  void (*on_bar)(assay_backtest *run, void *state);
  /* After each fill; may be NULL. */
  void (*on_fill)(assay_backtest *run, const assay_backtest_fill *fill, void *state);
  /* At the end, also of a run that failed after `start` succeeded; may be NULL. */
  void (*stop)(void *state);
  /* The whole of it as an array, for one asset: targets[t] is the share of equity wanted after the close of bar t, NaN: as before; may be
   * NULL. `user` is the strategy's. */
  assay_status (*targets)(const assay_bars *bars, const double *parameters, void *user, assay_error *err, double *targets);
} assay_strategy;

/* The ready ones by place, from 0; NULL past the last. */
ASSAY_API const assay_strategy *assay_strategy_at(size_t index);
/* By name, in any case; NULL when there is none. */
ASSAY_API const assay_strategy *assay_strategy_find(const char *name);
/* The name that is nearest to a word that none is called; NULL when none is near. */
ASSAY_API const char *assay_strategy_suggest(const char *name);
/* Place of a parameter by name, in any case; -1 when there is none. */
ASSAY_API int assay_strategy_parameter_at(const assay_strategy *strategy, const char *name);
ASSAY_API void assay_strategy_defaults(const assay_strategy *strategy, double *parameters);
/* ASSAY_ERR_INVALID names the parameter that is out of its range, not whole, or at odds with another. */
ASSAY_API assay_status assay_strategy_check(const assay_strategy *strategy, const double *parameters, assay_error *err);

/* What callbacks may ask. The bar that has just closed, from 0: */
ASSAY_API size_t assay_backtest_now(const assay_backtest *run);
ASSAY_API size_t assay_backtest_assets(const assay_backtest *run);
/* Bars up to and including that one: `count` is now + 1 (0 during `start`). Valid until the run ends; the count moves on. */
ASSAY_API const assay_bars *assay_backtest_bars(const assay_backtest *run, size_t asset);
ASSAY_API void *assay_backtest_user(const assay_backtest *run);
ASSAY_API const double *assay_backtest_parameters(const assay_backtest *run);
ASSAY_API double assay_backtest_position(const assay_backtest *run, size_t asset);
ASSAY_API double assay_backtest_cash(const assay_backtest *run);
ASSAY_API double assay_backtest_equity(const assay_backtest *run);
ASSAY_API const assay_account *assay_backtest_account(const assay_backtest *run);
/* What is left of an order that waits, brackets too; false: it is done, or was never there. */
ASSAY_API bool assay_backtest_find(const assay_backtest *run, uint64_t id, assay_backtest_order *order);
/* What the run was asked with: the lot, the leverage, the first bar that trades. */
ASSAY_API const assay_backtest_options *assay_backtest_get_options(const assay_backtest *run);
/* Orders of an asset that have not traded in full. */
ASSAY_API size_t assay_backtest_open_orders(const assay_backtest *run, size_t asset);

/* What callbacks may do. Before bar `first` orders are not taken (their id is 0), and the last target counts from there on. A wrong order
 * is refused: the run goes on, and counts it (metrics.rejected, with the first reason). `id` may be NULL. */
ASSAY_API assay_status assay_backtest_submit(assay_backtest *run, const assay_backtest_order *order, uint64_t *id);
/* False: there is no such order any more. */
ASSAY_API bool assay_backtest_cancel(assay_backtest *run, uint64_t id);
ASSAY_API void assay_backtest_cancel_all(assay_backtest *run, size_t asset);
/* A market order that brings the asset to this share of equity; replaces an earlier target that still waits. */
ASSAY_API void assay_backtest_target(assay_backtest *run, size_t asset, double share);
/* Ends the run as failed, with this sentence. */
ASSAY_API void assay_backtest_fail(assay_backtest *run, const char *why);

/* ---- Running ------------------------------------------------------------------------------------------------------------------------- */

/* Of round trips: from a position of 0 to the next one of 0, or through it. */
typedef struct assay_backtest_trade {
  size_t asset, entry_bar, exit_bar;
  double quantity;                /* all that was bought (below 0: sold) to open it */
  double entry_price, exit_price; /* averages */
  double profit;                  /* after fees, with dividends */
  double fees;
} assay_backtest_trade;

/* Ratios that have no value (no trade, nothing that varies) are NaN. Formulas: docs/backtest.md. */
typedef struct assay_backtest_metrics {
  double first_equity, last_equity;
  double total_return, annual_return; /* compounded */
  double volatility, downside;        /* per year */
  double sharpe, sortino, calmar;
  double max_drawdown;     /* ratio of the peak, 0 to 1 */
  size_t longest_drawdown; /* bars under water */
  double exposure;         /* share of the bars after the first with a position at their close */
  double turnover;         /* traded value over equity, per year */
  double win_rate, profit_factor;
  double average_trade, best_trade, worst_trade; /* money */
  double fees, realised, unrealised, dividends;
  size_t bars, trades, fills, orders, rejected, margin_calls;
  size_t open_at_end; /* positions */
  size_t ruined_at;   /* bar at which equity was 0 or less, and everything was closed; SIZE_MAX: never */
} assay_backtest_metrics;

typedef struct assay_backtest_result {
  assay_backtest_metrics metrics;
  double *equity;               /* at each close from bar `first` on, metrics.bars of them; NULL: not kept */
  assay_backtest_fill *fills;   /* metrics.fills */
  assay_backtest_trade *trades; /* metrics.trades */
  size_t first;                 /* bar of equity[0] */
  double periods_per_year;
  char rejection[200]; /* of the first order that was rejected: why; "" when none was */
} assay_backtest_result;

/* `parameters` NULL: the usual ones. `options` NULL: all 0. */
ASSAY_API assay_status assay_backtest_run(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                          const assay_backtest_options *options, assay_error *err, assay_backtest_result **result);
/* Signals that are there already, bars->count of them: as a strategy that has these `targets`. */
ASSAY_API assay_status assay_backtest_run_targets(const assay_bars *bars, const double *targets, const assay_backtest_options *options,
                                                  assay_error *err, assay_backtest_result **result);
/* Accepts NULL. */
ASSAY_API void assay_backtest_result_destroy(assay_backtest_result *result);

/* ---- Sweeps -------------------------------------------------------------------------------------------------------------------------- */

enum { ASSAY_BACKTEST_MOST_CONFIGURATIONS = 1000000 };

/* Values of a parameter: first, first + step, ... up to last; or `values` as they stand. */
typedef struct assay_backtest_range {
  unsigned parameter; /* its place */
  double first, last, step;
  const double *values; /* that rise; NULL: first, last and step count */
  size_t value_count;
} assay_backtest_range;

/* How many they are (of a range that a sweep takes), and one of them. */
ASSAY_API size_t assay_backtest_range_values(const assay_backtest_range *range);
ASSAY_API double assay_backtest_range_value(const assay_backtest_range *range, size_t index);

typedef struct assay_backtest_sweep {
  const assay_strategy *strategy;
  const double *parameters;           /* those that no range varies; NULL: the usual ones */
  const assay_backtest_range *ranges; /* all combinations of their values, the last range varying fastest */
  size_t range_count;
  unsigned workers; /* processes; 0: as many as there are CPUs for */
  double seconds;   /* that a configuration may take; 0: any time */
  bool here;        /* without processes: a configuration that crashes ends the program */
  /* Not 0 (a signal's handler may set it): what is done stays, what is being done is given up, and the rest is ASSAY_BACKTEST_NOT_RUN. A
   * walk-forward ends with ASSAY_ERR_INTERRUPTED; of many symbols, one whose sweep or walk-forward is cut short is not run. May be NULL. */
  const volatile int *stop;
} assay_backtest_sweep;

typedef enum assay_backtest_outcome {
  ASSAY_BACKTEST_DONE,
  ASSAY_BACKTEST_SKIPPED,   /* its parameters do not go together */
  ASSAY_BACKTEST_FAILED,    /* the run gave a status */
  ASSAY_BACKTEST_CRASHED,   /* its process died */
  ASSAY_BACKTEST_TIMED_OUT, /* its process was ended */
  ASSAY_BACKTEST_NOT_RUN,   /* all was stopped before it was done */
  ASSAY_BACKTEST_OUTCOMES
} assay_backtest_outcome;
/* "done", "skipped", ... */
ASSAY_API const char *assay_backtest_outcome_text(assay_backtest_outcome outcome);

typedef struct assay_backtest_row {
  double parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_backtest_outcome outcome;
  int signal;                     /* that its process died of; 0: it exited */
  char why[120];                  /* of what is not done; "" otherwise */
  assay_backtest_metrics metrics; /* of what is done */
} assay_backtest_row;

/*
 * A row for each configuration, in the order of the ranges. A configuration that fails, crashes or hangs loses its own row. The same bits
 * for any number of workers, and the same as assay_backtest_run gives; a moving-average cross shares its averages between configurations,
 * and takes a nanosecond a bar or less. Free the rows with assay_backtest_rows_free.
 */
ASSAY_API assay_status assay_backtest_run_sweep(const assay_backtest_sweep *sweep, const assay_backtest_data *data,
                                                const assay_backtest_options *options, assay_error *err, assay_backtest_row **rows,
                                                size_t *count);
ASSAY_API void assay_backtest_rows_free(assay_backtest_row *rows);

typedef enum assay_backtest_objective {
  ASSAY_BACKTEST_SHARPE,
  ASSAY_BACKTEST_SORTINO,
  ASSAY_BACKTEST_CALMAR,
  ASSAY_BACKTEST_RETURN,
  ASSAY_BACKTEST_DRAWDOWN, /* the smallest */
} assay_backtest_objective;
ASSAY_API const char *assay_backtest_objective_text(assay_backtest_objective objective);
/* More is better; NaN: it has none. */
ASSAY_API double assay_backtest_score(const assay_backtest_metrics *metrics, assay_backtest_objective objective);
/* The best row that is done, the first of equals; SIZE_MAX: none has a score. */
ASSAY_API size_t assay_backtest_best(const assay_backtest_row *rows, size_t count, assay_backtest_objective objective);

/* ---- Walk-forward: how ----------------------------------------------------------------------------------------------------------------
 */

/*
 * The bars are cut into windows + train pieces of the same length (the last takes the rest). Window i is swept over pieces i to
 * i + train - 1, and what was best there is tried on piece i + train, which it has not seen.
 */
typedef struct assay_backtest_walk_forward {
  size_t windows, train; /* 1 or more; train 0: 3 */
  bool anchored;         /* training always begins with the first bar */
  bool carry;            /* what a test holds at its end goes over to the next; else it is closed there, and the next begins with cash */
  assay_backtest_objective objective;
} assay_backtest_walk_forward;

/* ---- Many symbols -------------------------------------------------------------------------------------------------------------------- */

/* What a symbol is run on. */
typedef struct assay_backtest_loaded {
  assay_backtest_data data;
  assay_backtest_options options; /* those of all, unless `load` changes them: its first bar, what is held of it */
  char note[200];                 /* something to say to people; "": nothing */
} assay_backtest_loaded;

/*
 * Symbols that are each kept somewhere. They are loaded by the process that runs them, so that as many are read at a time as there are
 * processes, and no more are in memory; one that is slow, broken, or takes its process down loses itself alone. Where reading is what
 * takes the time, there may be more workers than CPUs.
 */
typedef struct assay_backtest_source {
  size_t count;
  assay_status (*load)(void *user, size_t index, assay_error *err, assay_backtest_loaded *loaded);
  void (*unload)(void *user, const assay_backtest_loaded *loaded); /* after its run; NULL: nothing has to be done */
  void *user;
} assay_backtest_source;

enum { ASSAY_BACKTEST_SAMPLES = 64 };

typedef struct assay_backtest_symbol {
  assay_backtest_outcome outcome;
  int signal;    /* as of a row */
  char why[240]; /* of what is not done; of a walk-forward in which nothing was chosen, why; "" otherwise */
  char note[200];
  bool has_times;
  int64_t first_ns, last_ns;                         /* of the bars that it was run on */
  size_t configurations;                             /* of a sweep: that are done */
  double parameters[ASSAY_STRATEGY_MOST_PARAMETERS]; /* that it was run with; of a sweep those of its best; NaN: nothing was chosen */
  assay_backtest_metrics metrics, hold;              /* hold: bought and held over the same bars at the same costs */
  size_t windows;                                    /* of a walk-forward: in which something was chosen */
  double efficiency;                                 /* of a walk-forward, as assay_backtest_walked has it; else 0 */
  size_t samples; /* of both curves, where options keep equity: evenly spread from the first bar to the last */
  double curve[ASSAY_BACKTEST_SAMPLES], hold_curve[ASSAY_BACKTEST_SAMPLES];
} assay_backtest_symbol;

/*
 * The strategy on each symbol by itself, in their order; the same bits for any number of workers. Without ranges each is run once. With
 * them each has a sweep of its own and shows the best of it, which was chosen on the bars that it is shown on; or with `walk` (which may be
 * NULL) a walk-forward of its own: what is shown was chosen on bars before, and `parameters` are those of its last choice. `seconds` is
 * what a symbol may take. Free the symbols with assay_backtest_symbols_free.
 */
ASSAY_API assay_status assay_backtest_run_each(const assay_backtest_sweep *sweep, assay_backtest_objective objective,
                                               const assay_backtest_walk_forward *walk, const assay_backtest_source *source,
                                               const assay_backtest_options *options, assay_error *err, assay_backtest_symbol **symbols);
ASSAY_API void assay_backtest_symbols_free(assay_backtest_symbol *symbols);

typedef struct assay_backtest_spread {
  size_t count;                     /* of symbols that have the value */
  double mean, median, least, most; /* NaN where none has */
} assay_backtest_spread;

typedef struct assay_backtest_summary {
  size_t symbols, done;
  size_t gained, beat_hold, ruined; /* of those done */
  assay_backtest_spread total_return, annual_return, sharpe, max_drawdown, hold_return;
} assay_backtest_summary;

ASSAY_API assay_status assay_backtest_summarise(const assay_backtest_symbol *symbols, size_t count, assay_error *err,
                                                assay_backtest_summary *summary);

/* ---- The best of many ---------------------------------------------------------------------------------------------------------------- */

/*
 * What the best Sharpe ratio of a sweep says, all ratios a year. Of many tries without any skill the best looks good too; how good is known
 * from their number and their spread. Neighbours in a grid do nearly the same: as tries count as many as would be independent, which their
 * mean correlation says. Source: Bailey and López de Prado, "The deflated Sharpe ratio", Journal of Portfolio Management 40(5), 2014, with
 * its appendix on the number of trials.
 */
typedef struct assay_backtest_luck {
  size_t trials;        /* configurations that have a ratio */
  double correlation;   /* of their returns, on average over all pairs; NaN: not known, and taken as 0 */
  double independent;   /* tries that count: correlation + (1 - correlation) trials */
  double best;          /* the ratio of `best` */
  double spread;        /* standard deviation of all */
  double expected_best; /* what the best of so many shows on average that are worth nothing and spread as these do */
  double probability;   /* deflated Sharpe ratio: how sure it is that the true ratio of `best` lies above that; NaN: it has no value */
} assay_backtest_luck;

/* `best` is the chosen one, run again with its equity kept; `correlation` as assay_backtest_correlate measures it, or NaN. */
ASSAY_API assay_status assay_backtest_measure_luck(const assay_backtest_row *rows, size_t count, const assay_backtest_result *best,
                                                   double correlation, assay_error *err, assay_backtest_luck *luck);
/*
 * The mean correlation of the returns of all pairs of configurations, 0 to 1 (less is 0): of all that have a ratio, or of 32 of them,
 * evenly spread, which are run once more, here. NaN where there are no two.
 */
ASSAY_API assay_status assay_backtest_correlate(const assay_backtest_sweep *sweep, const assay_backtest_data *data,
                                                const assay_backtest_options *options, const assay_backtest_row *rows, size_t count,
                                                assay_error *err, double *correlation);

/* Its two formulas. The expected greatest of `trials` independent normal values of mean 0 and this standard deviation; NaN of less than 1.
 * Between 1 and 2 the line between both. */
ASSAY_API double assay_backtest_expected_best(double trials, double spread);
typedef struct assay_backtest_shape {
  size_t returns;
  double skewness, kurtosis; /* m3 / m2^1.5, m4 / m2^2: 0 and 3 of a normal distribution */
} assay_backtest_shape;
/* How sure it is that a ratio lies above `expected`, both a period, not a year; NaN where the shape allows no answer. */
ASSAY_API double assay_backtest_deflate(double sharpe, double expected, const assay_backtest_shape *shape);

/* ---- Walk-forward -------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_backtest_window {
  size_t train_first, test_first, test_end; /* bars; trained up to test_first */
  bool chosen;                              /* false: no configuration had a score; what was held is closed, nothing else is traded */
  double parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  char why[160]; /* of what has no choice: why; "" otherwise */
  assay_backtest_metrics trained, tested;
} assay_backtest_window;

typedef struct assay_backtest_walked {
  assay_backtest_window *windows;
  size_t window_count;
  bool carry; /* as it was asked for */
  /*
   * Of all tests one after the other, with equity and trades, and fills where they are to be kept. The first begins with what `held` says.
   * Without `carry` each other one begins without positions, and what it leaves open is closed at its last close with fees and slippage, as
   * by `close_at_end`. With it positions, their cost and brackets, and targets that still wait, go on; other orders end with their test. A
   * target that the next choice has too is no order, so that a choice that stays the same costs nothing: the result is then, to the bit,
   * that of one run over all tests. A trade counts in the test that closes it, with all its fees; `unrealised` of a test counts from what
   * positions cost, whenever that was.
   */
  assay_backtest_result *result;
  double efficiency; /* mean annual return of the tests over that of the trainings; NaN where those did not gain */
} assay_backtest_walked;

ASSAY_API assay_status assay_backtest_run_walk_forward(const assay_backtest_walk_forward *walk, const assay_backtest_sweep *sweep,
                                                       const assay_backtest_data *data, const assay_backtest_options *options,
                                                       assay_error *err, assay_backtest_walked **walked);
/* Accepts NULL. */
ASSAY_API void assay_backtest_walked_destroy(assay_backtest_walked *walked);

/* ---- No look-ahead ------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_backtest_peek {
  bool found;
  size_t cuts;    /* that were tried */
  size_t cut;     /* bars that the strategy was given as they are */
  size_t bar;     /* whose decision differs, before `cut` */
  char what[240]; /* a sentence */
} assay_backtest_peek;

/*
 * Runs the strategy with three other futures from a cut on: the data end there; they go the other way (c²/p for each price p, c being the
 * last close before); they jump at random. Compares what it decides before the cut: every order, cancel and target, to the bit. A strategy
 * that sees bars beyond the one that it is called for decides otherwise. Cut data end where memory ends: reading beyond them is a crash,
 * and found too. What is called back also runs on the data with each bar put in only when it has closed, and other bars in its place
 * before: so a look ahead is found at whatever bar it is. `cuts` 0: for an array of targets one behind every bar (of long data so many that
 * no more than 30 million bars are read, at least 16), for callbacks 16; fewer than all lie at random, the same ones each time. What a
 * strategy knows from elsewhere than this data (its `user`) is the same in all runs, and cannot be found out.
 */
ASSAY_API assay_status assay_backtest_check_lookahead(const assay_strategy *strategy, const double *parameters,
                                                      const assay_backtest_data *data, const assay_backtest_options *options, size_t cuts,
                                                      assay_error *err, assay_backtest_peek *peek);

#ifdef __cplusplus
}
#endif
#endif

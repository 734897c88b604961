/* SPDX-License-Identifier: MIT */
/* assay backtest: strategies on the bars of a table. The rooms behind it: _ask reads what is asked for, _once, _each, _sweep, _walk, _check
 * and _list do it, _book is for strategies in a recorded book. */
#include "cli/backtest.h"

#include "cli/backtest_report.h"
#include "cli/feed.h"

#define AT(field) .at = offsetof(assay_cli_backtest_settings, field)

/* What only bars have is refused where there are none, rather than passed over. */
static assay_status refuse_of_bars(const assay_cli_backtest_job *j) {
  const assay_cli_backtest_settings *s = j->settings;
  const char *option = s->sweep.count > 0        ? "sweep"
                       : s->windows > 0          ? "walk-forward"
                       : s->check                ? "check-lookahead"
                       : s->each                 ? "each"
                       : s->actions != NULL      ? "actions"
                       : s->positions.count > 0  ? "position"
                       : s->begin != NULL        ? "from"
                       : s->end != NULL          ? "to"
                       : s->from.files.count > 0 ? "data"
                                                 : NULL;
  return option == NULL ? ASSAY_OK
                        : ASSAY_FAIL(j->err, ASSAY_ERR_INVALID,
                                     "--%s is for strategies on bars; %s takes --feed, --symbol, --set, fees and "
                                     "latencies",
                                     option, j->settings->strategy);
}

static int run(assay_cli *cli, const void *raw) {
  assay_error err = {0};
  assay_cli_backtest_job j = {.cli = cli, .settings = raw, .err = &err};
  if (j.settings->list) return assay_cli_backtest_list(&j);
  if (assay_cli_check_backtest_reports(&j.settings->reports, &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_cli_book_settings book = j.settings->book;
  book.reports = &j.settings->reports;
  book.cash = j.settings->cash;
  const assay_book_strategy *in_book = j.settings->strategy != NULL ? assay_cli_book_strategy(j.settings->strategy) : NULL;
  if (in_book != NULL && refuse_of_bars(&j) != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (in_book != NULL)
    return assay_cli_backtest_book(cli, in_book, &book, &j.settings->parameters, j.settings->json,
                                   assay_cli_use_color(j.settings->color, stdout));
  if (assay_cli_backtest_read(&j) != ASSAY_OK) return assay_cli_fail(cli, &err);
  if (j.settings->each) return assay_cli_backtest_each(&j);
  if (j.settings->check) return assay_cli_backtest_check(&j);
  if (j.settings->windows > 0) return assay_cli_backtest_walk(&j);
  return j.range_count > 0 ? assay_cli_backtest_sweep(&j) : assay_cli_backtest_once(&j);
}

static const assay_cli_option options[] = {
    {"strategy", 's', ASSAY_CLI_TEXT, "NAME", AT(strategy), .help = "Which; `backtest --list` shows them with their parameters."},
    {"data", 'd', ASSAY_CLI_REPEAT, "FILE", AT(from.files), .hint = ASSAY_CLI_FILE, .follows = true,
     .help = "CSV with a line of names: date, open, high, low, close, volume; or date and price; or Binance's klines without one. Several "
             "files are several assets. `-`: "
             "standard "
             "input."},
    {"feed", 0, ASSAY_CLI_TEXT, "FILE", AT(book.feed), .hint = ASSAY_CLI_FILE,
     .help = "Of market-making: a recorded feed (ITCH, DBN, ...)."},
    {"format", 0, ASSAY_CLI_TEXT, "FORMAT", .choices = assay_cli_feed_formats, AT(book.format),
     .help = "Of --feed: what it is; recognised when not given."},
    {"symbol", 0, ASSAY_CLI_TEXT, "NAME", AT(book.symbol), .help = "Of --feed: whose book; not needed where it has one symbol."},
    {"feed-us", 0, ASSAY_CLI_REAL, "N", "20", .low = 0, .high = 1e9, AT(book.feed_us),
     .help = "Of --feed: microseconds until an event is seen."},
    {"order-us", 0, ASSAY_CLI_REAL, "N", "20", .low = 0, .high = 1e9, AT(book.order_us),
     .help = "Of --feed: microseconds until an order arrives."},
    {"maker-bps", 0, ASSAY_CLI_REAL, "N", .low = -10000, .high = 10000, AT(book.maker_bps),
     .help = "Of --feed: fee for making; below 0 a rebate."},
    {"taker-bps", 0, ASSAY_CLI_REAL, "N", .low = -10000, .high = 10000, AT(book.taker_bps), .help = "Of --feed: fee for taking."},
    {"skip-malformed", 0, ASSAY_CLI_FLAG, AT(book.skip_malformed),
     .help = "Of --feed: pass malformed messages, and say how many and where."},
    {"by", 0, ASSAY_CLI_TEXT, "COLUMN", AT(from.by), .help = "The rows of several assets stand in one file: this column names them."},
    {"asset", 0, ASSAY_CLI_REPEAT, "NAME", AT(from.assets), .help = "With --by: only these assets."},
    {"each", 0, ASSAY_CLI_FLAG, AT(each),
     .help = "Run each asset by itself, on all cores: a line each and what they have together; with --sweep each has the best of its "
             "own, with --walk-forward its own tests. A file that cannot be read loses only itself."},
    {"column", 'c', ASSAY_CLI_TEXT, "COLUMN", AT(from.column), .help = "The closes; 'close' or 'price' when not given."},
    {"adjusted", 0, ASSAY_CLI_FLAG, AT(from.adjusted), .help = "Bring all prices to the column of adjusted closes (splits, dividends)."},
    {"actions", 0, ASSAY_CLI_TEXT, "FILE", AT(actions), .hint = ASSAY_CLI_FILE,
     .help = "CSV of splits and dividends (date, split, dividend, asset), where prices are as they were traded."},
    {"fast", 0, ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(fast), .help = "The same as --set fast=ROWS."},
    {"slow", 0, ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(slow), .help = "The same as --set slow=ROWS."},
    {"period", 'p', ASSAY_CLI_REAL, "ROWS", .low = 1, .high = 1e6, AT(period), .help = "The same as --set period=ROWS."},
    {"set", 0, ASSAY_CLI_REPEAT, "NAME=NUMBER", AT(parameters), .help = "Any parameter by its name."},
    {"sweep", 0, ASSAY_CLI_REPEAT, "NAME=A..B[:STEP]", AT(sweep),
     .help = "Try these values (or NAME=A,B,C), all combinations of several, on all cores."},
    {"rank", 0, ASSAY_CLI_TEXT, "WHAT", "sharpe", .choices = assay_cli_backtest_objectives, AT(rank),
     .help = "What the best of a sweep is best in."},
    {"top", 0, ASSAY_CLI_UNSIGNED, "N", "15", .low = 1, .high = 1e6, AT(top), .help = "How many of a sweep are shown."},
    {"walk-forward", 0, ASSAY_CLI_UNSIGNED, "N", .low = 1, .high = 10000, AT(windows),
     .help = "Choose on the past and try on what came next, N times one after the other."},
    {"train", 0, ASSAY_CLI_UNSIGNED, "N", "3", .low = 1, .high = 10000, AT(train),
     .help = "Of --walk-forward: a training is N times as long as a test."},
    {"anchored", 0, ASSAY_CLI_FLAG, AT(anchored), .help = "Of --walk-forward: every training begins with the first bar."},
    {"carry", 0, ASSAY_CLI_FLAG, AT(carry),
     .help = "Of --walk-forward: positions go on from test to test, and only what the next choice changes is traded; otherwise each test "
             "ends without any."},
    {"check-lookahead", 0, ASSAY_CLI_FLAG, AT(check),
     .help = "Run the strategy on other futures and compare what it decides before them; exit code 1 when it looks ahead."},
    {"cuts", 0, ASSAY_CLI_UNSIGNED, "N", .low = 1, .high = 100000, AT(cuts),
     .help = "Of --check-lookahead: at how many bars futures begin; when not given behind every bar where a strategy is an array."},
    {"cash", 0, ASSAY_CLI_REAL, "MONEY", "100000", .low = -1e15, .high = 1e15, AT(cash),
     .help = "To begin with; beside --position 0 and debts too."},
    {"position", 0, ASSAY_CLI_REPEAT, "[NAME=]QUANTITY[@PRICE]", AT(positions),
     .help = "Held to begin with (below 0: short), got at this price or at the first close; of several assets NAME says which."},
    {"fee-bps", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 10000, AT(fee_bps), .help = "Fee in basis points of what is traded."},
    {"fee-order", 0, ASSAY_CLI_REAL, "MONEY", .low = 0, .high = 1e9, AT(fee_order), .help = "Fee of each order."},
    {"fee-share", 0, ASSAY_CLI_REAL, "MONEY", .low = 0, .high = 1e9, AT(fee_share), .help = "Fee of each unit."},
    {"fee-least", 0, ASSAY_CLI_REAL, "MONEY", .low = 0, .high = 1e9, AT(fee_least), .help = "Least fee of an order."},
    {"slippage-bps", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 5000, AT(slippage_bps),
     .help = "Market and stop orders trade so much worse."},
    {"slippage-ticks", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 1e6, AT(ticks), .help = "The same in ticks of --tick."},
    {"tick", 0, ASSAY_CLI_REAL, "MONEY", "0.01", .low = 1e-12, .high = 1e9, AT(tick), .help = "Of --slippage-ticks."},
    {"volume-share", 0, ASSAY_CLI_REAL, "RATIO", .low = 0, .high = 1, AT(volume_share),
     .help = "Most of a bar's volume that orders take; the rest waits for the next."},
    {"impact", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 1e6, AT(impact),
     .help = "An order that is a share x of the volume moves the price by N x squared."},
    {"lot", 0, ASSAY_CLI_REAL, "UNITS", .low = 0, .high = 1e12, AT(lot),
     .help = "Whole multiples of it are traded; any fraction when not given."},
    {"leverage", 0, ASSAY_CLI_REAL, "N", "1", .low = 0.001, .high = 1000, AT(leverage), .help = "Exposure may be N times equity."},
    {"maintenance", 0, ASSAY_CLI_REAL, "RATIO", .low = 0, .high = 1, AT(maintenance),
     .help = "Below this share of exposure in equity everything is closed at the next open."},
    {"no-short", 0, ASSAY_CLI_FLAG, AT(no_short), .help = "Nothing is sold that is not there."},
    {"close-at-end", 0, ASSAY_CLI_FLAG, AT(close_at_end),
     .help = "What is held at the last close is closed there, with fees and slippage."},
    {"fifo", 0, ASSAY_CLI_FLAG, AT(fifo), .help = "What was bought first is sold first; at average cost otherwise."},
    {"risk-free", 0, ASSAY_CLI_REAL, "RATIO", .low = -1, .high = 5, AT(risk_free), .help = "Return a year that Sharpe's ratio is over."},
    {"periods", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 1e9, AT(periods), .help = "Bars a year; found from the dates when not given."},
    {"from", 0, ASSAY_CLI_TEXT, "DATE", AT(begin), .help = "Trade from here on; bars before it warm up."},
    {"to", 0, ASSAY_CLI_TEXT, "DATE", AT(end), .help = "End before this date."},
    {"workers", 'j', ASSAY_CLI_UNSIGNED, "N", .low = 1, .high = 256, AT(workers),
     .help = "Processes of a sweep or of --each, which read and run one asset at a time each; as many as CPUs when not given."},
    {"seconds", 0, ASSAY_CLI_REAL, "N", .low = 0, .high = 86400, AT(seconds),
     .help = "A configuration (of --each: an asset) that takes longer is given up."},
    {"report", 'o', ASSAY_CLI_REPEAT, "FILE", AT(reports), .hint = ASSAY_CLI_FILE,
     .help = "Equity, drawdown, figures, months and trades as a page; a sweep's map and table, a walk-forward's windows. NAME.svg: a "
             "picture. NAME.csv: all trades, configurations or windows as a table."},
    {"events", 0, ASSAY_CLI_FLAG, AT(events), .help = "Call the strategy bar by bar although it could be faster: the same bits."},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, AT(color), .help = "Colours in the terminal."},
    {"list", 0, ASSAY_CLI_FLAG, AT(list), .help = "List the strategies with their parameters."},
    {"json", 0, ASSAY_CLI_FLAG, AT(json), .help = "As JSON: metrics, trades and the curve; all rows of a sweep."},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"one strategy, with fees", "backtest --strategy sma --fast 10 --slow 50 --fee-bps 5 --data sp500.csv"},
    {"all pairs of averages, as a page",
     "backtest --strategy sma --sweep fast=5..50 --sweep slow=20..200:5 --data sp500.csv --report best.html"},
    {"chosen on the past, tried on what came next",
     "backtest --strategy sma --sweep fast=5..50:5 --sweep slow=20..200:20 --walk-forward 8 --data sp500.csv"},
    {"from what is held now", "backtest --strategy sma --position 100@52.30 --cash 2500 --from 2024-01-01 --data stock.csv"},
    {"these values only, each configuration as a row of a table",
     "backtest --strategy rsi --sweep period=7,14,21 --sweep low=20..40:5 --data sp500.csv --report all.csv"},
    {"many symbols, each by itself", "backtest --strategy sma --each --data prices/*.csv --report all.html"},
    {"does it see the future?", "backtest --strategy sma --check-lookahead --data sp500.csv"},
    {"quotes in a recorded book", "backtest --strategy market-making --feed day.itch --symbol AAPL --maker-bps -0.2 --set lean=1"},
    {"what there is", "backtest --list"},
    {0}};

const assay_cli_verb assay_cli_backtest = {
    .name = "backtest",
    .summary = "What a strategy would have earned on past bars.",
    .details =
        "A strategy sees a bar when it has closed, and trades on the next one: at its open, or within it where the price of an order is "
        "reached. "
        "Beside it stands buying and holding the same at the same costs. docs/backtest.md has every rule.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(assay_cli_backtest_settings),
    .run = run,
};

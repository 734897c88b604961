/* SPDX-License-Identifier: MIT */
/* assay feed bars. */
#include <assay/bars.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/feed.h"
#include "cli/grid.h"

typedef struct bars_settings {
  assay_cli_feed_settings from;
  const char *every, *symbol, *format;
  double most_jump; /* seconds */
  bool fill, json;
} bars_settings;

/* Bars of one symbol, and the scale of its prices. */
typedef struct symbol_bars {
  assay_bar_maker maker;
  assay_market_event scale;
  uint64_t last_ns; /* when its last tick was */
} symbol_bars;

/* A trade that was declared void: its match number, which is of one day. */
typedef struct broken_trade {
  uint64_t day, match;
} broken_trade;

typedef struct bars_job {
  const bars_settings *settings;
  assay_feed_book *book; /* what rests, for executions that do not say their price */
  symbol_bars **bars;    /* an entry a symbol */
  uint32_t room;
  assay_bar_maker_options options;
  double amount; /* of --every, without its scale */
  assay_cli_grid grid;
  assay_status status;
  assay_error *err;
  uint64_t late, far, timeless, removed;
  uint64_t steps[2]; /* of a table: rows that go forth and back in time */
  assay_cli_feed_faults faults;
  broken_trade *broken; /* in order once all are known */
  size_t broken_count, broken_room;
  bool is_table;     /* a file of CSV */
  bool is_of_bars;   /* its rows are bars */
  bool knows_broken; /* they were found when the file was read before */
} bars_job;

/* "1m", "1000ticks", "volume:500", "dollar:1000000". */
static assay_status read_every(bars_job *j, const char *text) {
  char number[40] = "";
  static const struct {
    const char *word;
    assay_bar_by by;
  } prefixes[] = {{"volume:", ASSAY_BAR_BY_VOLUME},
                  {"dollar:", ASSAY_BAR_BY_DOLLARS},
                  {"dollars:", ASSAY_BAR_BY_DOLLARS},
                  {"tick:", ASSAY_BAR_BY_TICKS},
                  {"ticks:", ASSAY_BAR_BY_TICKS}};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    size_t length = strlen(prefixes[i].word);
    if (strncmp(text, prefixes[i].word, length) != 0) continue;
    j->options.by = prefixes[i].by;
    if (assay_parse_f64(text + length, &j->amount) && j->amount > 0 && j->amount <= 1e18) return ASSAY_OK;
  }
  const char *ticks = strstr(text, "tick");
  if (ticks != NULL && ticks > text && (size_t)(ticks - text) < sizeof number) {
    memcpy(number, text, (size_t)(ticks - text));
    j->options.by = ASSAY_BAR_BY_TICKS;
    if (assay_parse_f64(number, &j->amount) && j->amount >= 1 && j->amount <= 1e18) return ASSAY_OK;
  }
  j->options.by = ASSAY_BAR_BY_TIME;
  if (assay_cli_feed_parse_length(text, &j->amount)) return ASSAY_OK;
  return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--every needs 30s, 1m, 1h, 250ms, 1000ticks, volume:5000 or dollar:1000000, not '%s'",
                    text);
}

/* A bar goes in as its four prices. */
enum { PRICES_OF_BAR = 4 };
static uint64_t ticks_a_row(const bars_job *j) { return j->is_of_bars ? PRICES_OF_BAR : 1; }

static void put_bar(bars_job *j, const assay_cli_feed_file *feed, uint32_t symbol, const symbol_bars *of, const assay_bar *bar) {
  double price = assay_cli_feed_scale(assay_market_price_decimals(&of->scale)),
         quantity = assay_cli_feed_scale(assay_market_quantity_decimals(&of->scale));
  assay_cli_grid_kept(&j->grid, assay_cli_feed_name(feed, symbol)); /* which is another's when the next day begins */
  const double prices[] = {(double)bar->open, (double)bar->high, (double)bar->low, (double)bar->close};
  assay_cli_grid_whole(&j->grid, bar->begin_ns); /* nanoseconds since 1970 are more than a double can tell apart */
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) assay_cli_grid_number(&j->grid, prices[i] / price);
  assay_cli_grid_number(&j->grid, bar->volume / quantity);
  assay_cli_grid_number(&j->grid, bar->vwap / price);
  assay_cli_grid_whole(&j->grid, bar->ticks / ticks_a_row(j));
  assay_cli_grid_number(&j->grid, bar->buy_volume / quantity);
  assay_cli_grid_number(&j->grid, bar->sell_volume / quantity);
}

static bool reach_bars(bars_job *j, uint32_t symbol) {
  if (symbol < j->room) return true;
  uint32_t room = 2 * symbol + 64;
  symbol_bars **bars = assay_realloc(ASSAY_TAG_CLI, j->bars, room, sizeof *bars);
  if (bars == NULL) return false;
  memset(bars + j->room, 0, (room - j->room) * sizeof *bars);
  j->bars = bars;
  j->room = room;
  return true;
}

/* What is written with up to 18 digits stays exact in steps, of which a million dollars are 10^22 where both have 8 decimals. */
static void set_length(assay_bar_maker_options *options, double amount, unsigned decimals) {
  double scale = assay_cli_feed_scale(decimals), whole = floor(amount);
  unsigned __int128 steps = ~(unsigned __int128)0; /* what no sum reaches */
  if (amount * scale < 1e38)
    steps = (unsigned __int128)whole * (unsigned __int128)scale + (unsigned __int128)floor((amount - whole) * scale + 0.5);
  if (steps == 0) steps = 1;
  options->every = (uint64_t)steps;
  options->every_high = (uint64_t)(steps >> 64);
}

static symbol_bars *bars_of(bars_job *j, uint32_t symbol, const assay_market_event *event) {
  if (symbol < j->room && j->bars[symbol] != NULL) return j->bars[symbol];
  assay_bar_maker_options options = j->options;
  unsigned decimals = options.by < ASSAY_BAR_BY_VOLUME ? 0 : assay_market_quantity_decimals(event);
  if (options.by == ASSAY_BAR_BY_DOLLARS) decimals += assay_market_price_decimals(event);
  set_length(&options, j->amount, decimals);
  symbol_bars *made = assay_calloc(ASSAY_TAG_CLI, 1, sizeof *made);
  if (made == NULL || !reach_bars(j, symbol)) {
    assay_free(made);
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for bars");
    return NULL;
  }
  made->scale.decimals = event->decimals;
  j->status = assay_bar_maker_init(&made->maker, &options, j->err);
  return j->bars[symbol] = made;
}

static bool is_wanted(const bars_job *j, const assay_cli_feed_file *feed, uint32_t symbol) {
  return j->settings->symbol == NULL || strcmp(assay_cli_feed_name(feed, symbol), j->settings->symbol) == 0;
}

static void put_tick(bars_job *j, const assay_cli_feed_file *feed, const assay_market_event *event, const assay_tick *tick) {
  uint32_t symbol = event->symbol < ASSAY_CLI_FEED_SYMBOLS ? event->symbol : 0;
  if (!is_wanted(j, feed, symbol)) return;
  if (event->time_ns == ASSAY_CLI_FEED_NO_TIME) {
    j->timeless++;
    return;
  }
  symbol_bars *bars = bars_of(j, symbol, event);
  assay_bar bar;
  if (bars == NULL) return;
  if (bars->last_ns != 0 && tick->time_ns != bars->last_ns) j->steps[tick->time_ns < bars->last_ns]++;
  bars->last_ns = tick->time_ns;
  assay_bar_maker_add(&bars->maker, tick);
  while (assay_bar_maker_take(&bars->maker, &bar)) put_bar(j, feed, symbol, bars, &bar);
}

/* A trade of nothing is none. */
static void add_tick(bars_job *j, const assay_cli_feed_file *feed, const assay_market_event *event, const assay_tick *tick) {
  if (tick->quantity > 0 || event->quantity > 0 || feed->no_quantities) put_tick(j, feed, event, tick);
}

/* ---- Trades that are broken afterwards ------------------------------------------------------------------------------------------------
 */

static int by_match(const void *a, const void *b) {
  const broken_trade *x = a, *y = b;
  if (x->day != y->day) return x->day < y->day ? -1 : 1;
  return (x->match > y->match) - (x->match < y->match);
}

static void note_broken(bars_job *j, const assay_cli_feed_file *feed, uint64_t match) {
  if (j->knows_broken) return;
  if (j->broken_count == j->broken_room) {
    size_t room = 2 * j->broken_room + 64;
    broken_trade *grown = assay_realloc(ASSAY_TAG_CLI, j->broken, room, sizeof *grown);
    if (grown == NULL) {
      j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for broken trades");
      return;
    }
    j->broken = grown;
    j->broken_room = room;
  }
  j->broken[j->broken_count++] = (broken_trade){feed->days, match};
}

static bool is_broken(const bars_job *j, const assay_cli_feed_file *feed, uint64_t match) {
  const broken_trade wanted = {feed->days, match};
  return j->knows_broken && match != 0 && bsearch(&wanted, j->broken, j->broken_count, sizeof wanted, by_match) != NULL;
}

static bool take_event(bars_job *j, const assay_cli_feed_file *feed, const assay_market_event *event) {
  assay_tick tick = {event->time_ns, event->price, event->quantity, event->side};
  bool is_trade = event->kind == ASSAY_MARKET_TRADE && (event->price != 0 || event->quantity != 0);
  bool is_execution = event->kind == ASSAY_MARKET_EXECUTE && (event->flags & ASSAY_MARKET_HIDDEN) == 0;
  if (event->kind == ASSAY_MARKET_BROKEN && is_wanted(j, feed, event->symbol)) note_broken(j, feed, event->other_id);
  if ((is_trade || is_execution) && is_broken(j, feed, event->other_id)) {
    is_trade = is_execution = false;
    j->removed++;
  }
  if (is_trade) add_tick(j, feed, event, &tick);
  if (is_execution) {
    assay_feed_order order;
    if (assay_feed_book_find(j->book, event->symbol, event->order_id, &order)) {
      if (tick.price == 0) tick.price = order.price;
      tick.side = order.side == 'B' ? 'S' : 'B';
    } else if (feed->format == ASSAY_FEED_CSV) { /* LOBSTER says it of orders too that rested before */
      tick.side = event->side == 'B' ? 'S' : 'B';
    }
    if (tick.price != 0) add_tick(j, feed, event, &tick);
  }
  if (event->kind != ASSAY_MARKET_QUOTE) assay_feed_book_apply(j->book, event, 1);
  return j->status == ASSAY_OK;
}

/* Bars of bars: each is the four prices that it names, in an order that gives them back, with its volume at the close; those of currencies
 * have a volume of 0. */
static bool take_bar(bars_job *j, const assay_cli_feed_file *feed, const assay_csv_row *row, const assay_market_event *event) {
  const int64_t prices[PRICES_OF_BAR - 1] = {row->open, row->high, row->low};
  if (j->options.by != ASSAY_BAR_BY_TIME) {
    j->status =
        ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s has bars, and only trades make bars by ticks, volume or dollars: --every 1h", feed->path);
    return false;
  }
  j->is_of_bars = true;
  for (size_t i = 0; i < PRICES_OF_BAR - 1; i++) put_tick(j, feed, event, &(assay_tick){.time_ns = row->time_ns, .price = prices[i]});
  put_tick(j, feed, event, &(assay_tick){row->time_ns, row->close, (uint64_t)row->quantity, row->side});
  return j->status == ASSAY_OK;
}

/* Of a record of DBN that is one. */
static bool is_bar(const assay_cli_feed_file *feed, const assay_cli_feed_message *m, assay_csv_row *bar) {
  if (feed->format == ASSAY_FEED_CSV) {
    *bar = *(const assay_csv_row *)m->row;
    return bar->kind == ASSAY_CSV_BAR;
  }
  if (feed->format != ASSAY_FEED_DBN || m->count != 1 || m->events[0].kind != ASSAY_MARKET_TRADE) return false;
  const assay_dbn_record *record = m->row;
  static const char *const names[] = {"open", "high", "low", "close"};
  int64_t *const prices[] = {&bar->open, &bar->high, &bar->low, &bar->price};
  assay_dbn_field field;
  *bar = (assay_csv_row){.kind = ASSAY_CSV_BAR, .time_ns = m->events[0].time_ns, .quantity = (int64_t)m->events[0].quantity};
  if (!assay_dbn_is_bar(record->type)) return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (assay_dbn_find(record, names[i], &field)) *prices[i] = assay_dbn_number(record, &field);
  bar->close = bar->price;
  return true;
}

static void end_bars(bars_job *j, const assay_cli_feed_file *feed);

static bool take_message(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  bars_job *j = context;
  assay_csv_row bar;
  if (m->day_is_over) {
    end_bars(j, feed);
    return j->status == ASSAY_OK;
  }
  if (m->kind == NULL) {
    assay_cli_feed_note_fault(&j->faults, feed, m->reader);
    return true;
  }
  if (m->says_again) return true;
  if (is_bar(feed, m, &bar)) return take_bar(j, feed, &bar, m->events);
  for (size_t i = 0; i < m->count; i++)
    if (!take_event(j, feed, &m->events[i])) return false;
  return true;
}

/* What was begun is over: with the file, or with a day of it. */
static void end_bars(bars_job *j, const assay_cli_feed_file *feed) {
  for (uint32_t i = 0; i < j->room; i++) {
    symbol_bars *bars = j->bars[i];
    assay_bar bar;
    if (bars == NULL) continue;
    while (j->status == ASSAY_OK && assay_bar_maker_finish(&bars->maker, &bar)) put_bar(j, feed, i, bars, &bar);
    j->late += bars->maker.late / ticks_a_row(j);
    j->far += bars->maker.far / ticks_a_row(j);
    assay_free(bars);
    j->bars[i] = NULL;
  }
}

/* A table of CSV has no place for what is in no bar. */
static void tell_left_out(const bars_job *j, const assay_cli *cli, bool once) {
  const struct {
    uint64_t count;
    const char *what;
  } rows[] = {{j->late, j->is_table ? "a table has to begin with its oldest row: trades that came when their bar was over, and are in none"
                                    : "trades that came when their bar was over, and are in none"},
              {j->far, "trades that were far ahead of those around them (--most-jump), and are in no bar"},
              {j->timeless, "trades without a time, which are in no bar"},
              {j->removed, "trades that were broken later, and are in no bar"},
              {once && !j->knows_broken ? j->broken_count : 0,
               "trades that were broken later, and are in the bars (of a file that is named they would not be)"}};
  fflush(stdout);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (rows[i].count > 0) fprintf(stderr, "%s %s: %s: %" PRIu64 "\n", cli->program, cli->verb->name, rows[i].what, rows[i].count);
}

static assay_status read_once(bars_job *j, assay_cli *cli, assay_cli_feed_file *feed) {
  j->status = assay_cli_feed_open(cli, cli->operands[0], &j->settings->from, j->err, feed);
  j->is_table = feed->format == ASSAY_FEED_CSV;
  if (j->status == ASSAY_OK)
    j->status = assay_feed_book_create(&(assay_feed_book_options){.symbols = ASSAY_CLI_FEED_SYMBOLS}, j->err, &j->book);
  if (j->status == ASSAY_OK) assay_cli_feed_walk(feed, take_message, j);
  end_bars(j, feed);
  return j->status;
}

/* Standard input goes on where it is, though a file is behind it. */
static bool is_read_once(const assay_cli *cli, const assay_cli_feed_file *feed) {
  return strcmp(cli->operands[0], "-") == 0 || assay_feed_file_where(feed->file).size == 0;
}

/* Which trades are broken is known at the end. Where there are some, which is seldom, a file is read again without them. */
static assay_status read_bars(bars_job *j, assay_cli *cli, assay_cli_feed_file *feed) {
  if (read_once(j, cli, feed) != ASSAY_OK || j->broken_count == 0 || is_read_once(cli, feed)) return j->status;
  qsort(j->broken, j->broken_count, sizeof *j->broken, by_match);
  j->knows_broken = true;
  assay_feed_book_destroy(j->book);
  assay_cli_feed_close(feed);
  assay_cli_grid_clear(&j->grid);
  j->book = NULL;
  j->late = j->far = j->timeless = j->steps[0] = j->steps[1] = 0;
  j->faults = (assay_cli_feed_faults){0};
  return read_once(j, cli, feed);
}

/* Of a table whose newest row is the first, bars would begin with their ends. */
static void refuse_what_goes_back(bars_job *j, const assay_cli_feed_file *feed) {
  if (j->status != ASSAY_OK || !j->is_table || j->steps[1] <= j->steps[0]) return;
  j->status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID,
                         "the rows of %s go back in time: a table has to begin with its oldest row (behind its line of names, "
                         "`tail -n +2 FILE | tac` turns it around)",
                         feed->path);
}

static assay_status no_trades(const bars_job *j, const assay_cli_feed_file *feed) {
  const char *symbol = j->settings->symbol;
  return ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "%s has no trades%s%s (%s)", feed->path, symbol != NULL ? " of " : "",
                    symbol != NULL ? symbol : "",
                    symbol != NULL && feed->named == 0 ? "it names no symbols: what it has comes without --symbol"
                                                       : "`assay feed decode` says what it has");
}

static int run_bars(assay_cli *cli, const void *raw) {
  static const char *const names[] = {"symbol", "time", "open",  "high",       "low",        "close",
                                      "volume", "vwap", "ticks", "buy_volume", "sell_volume"};
  assay_error err = {0};
  assay_cli_feed_file feed = {0};
  bars_job j = {.settings = raw, .err = &err, .grid = {.cli = cli, .names = names, .columns = sizeof names / sizeof *names}};
  j.grid.on_disk = !j.settings->json && strcmp(j.settings->format, "csv") == 0;
  j.options.fill = j.settings->fill;
  j.options.most_jump_ns = j.settings->most_jump > 0 ? (uint64_t)(j.settings->most_jump * 1e9) : UINT64_MAX;
  j.status = read_every(&j, j.settings->every);
  if (j.status == ASSAY_OK) j.status = read_bars(&j, cli, &feed);
  refuse_what_goes_back(&j, &feed);
  if (j.status == ASSAY_OK && j.grid.rows == 0 && feed.broken.status != ASSAY_OK) err = feed.broken, j.status = err.status;
  if (j.status == ASSAY_OK && j.grid.rows == 0 && j.faults.count > 0) {
    err = j.faults.first;
    j.status = ASSAY_ERR_PARSE;
  }
  if (j.status == ASSAY_OK && j.grid.rows == 0) j.status = no_trades(&j, &feed);
  assay_cli_grid_fact(&j.grid, "late_ticks", NULL, (double)j.late);
  assay_cli_grid_fact(&j.grid, "far_ticks", NULL, (double)j.far);
  assay_cli_grid_fact(&j.grid, "timeless_ticks", NULL, (double)j.timeless);
  assay_cli_grid_fact(&j.grid, "broken_trades", NULL, (double)j.broken_count);
  int code = j.status == ASSAY_OK ? assay_cli_grid_show(&j.grid, j.settings->format, j.settings->json, "assay-bars/1", "bars")
                                  : assay_cli_fail(cli, &err);
  if (code == ASSAY_EXIT_FINE) tell_left_out(&j, cli, feed.file != NULL);
  code = assay_cli_feed_tell(cli, &feed, &j.faults, code);
  assay_cli_grid_close(&j.grid);
  assay_free(j.broken);
  assay_free(j.bars);
  assay_feed_book_destroy(j.book);
  assay_cli_feed_close(&feed);
  return code;
}

static const char *const answer_formats[] = {"csv", "text", "json", NULL};
#define AT(field) .at = offsetof(bars_settings, field)
static const assay_cli_option bars_options[] = {
    {"every", 'e', ASSAY_CLI_TEXT, "SIZE", "1m", AT(every), .help = "30s, 1m, 1h, 250ms; 1000ticks; volume:5000; dollar:1000000."},
    {"symbol", 's', ASSAY_CLI_TEXT, "NAME", AT(symbol), .help = "Only of this one; all when not given."},
    {"fill", 0, ASSAY_CLI_FLAG, AT(fill), .help = "Flat bars where there was no trade (bars by time)."},
    {"most-jump", 0, ASSAY_CLI_REAL, "SECONDS", "86400", .low = 0, .high = 1e9, AT(most_jump),
     .help = "A trade that is further ahead of the one before counts only when the next one is there too (bars by time); 0: always."},
    {"format-out", 0, ASSAY_CLI_TEXT, "FORMAT", "csv", .choices = answer_formats, AT(format), .help = "How the answer is written."},
    {"json", 0, ASSAY_CLI_FLAG, AT(json), .help = "The same as --format-out json."},
    ASSAY_CLI_FEED_OPTIONS(bars_settings),
    ASSAY_CLI_END};
static const assay_cli_example bars_examples[] = {
    {"one-minute bars of every symbol", "feed bars day.itch > bars.csv"},
    {"bars of a million dollars each", "feed bars --every dollar:1000000 --symbol BTCUSDT trades.json"},
    {0}};
const assay_cli_verb assay_cli_feed_bars = {
    .name = "feed bars",
    .summary = "Bars of the trades in a recorded feed, by time, ticks, volume or dollars.",
    .details =
        "Times are nanoseconds, as in the feed. A trade is never split between bars; trades of a bar that is over are left out and "
        "counted. A file of bars (CSV, DBN) gives longer ones, by time. Trades that ITCH breaks later are left out, for which a file that "
        "has some "
        "is read twice. docs/feeds.md.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = bars_options,
    .examples = bars_examples,
    .settings_size = sizeof(bars_settings),
    .run = run_bars,
};

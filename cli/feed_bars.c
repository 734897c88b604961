/* SPDX-License-Identifier: MIT */
/* assay feed bars. */
#include <assay/bars.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/feed.h"
#include "cli/grid.h"

typedef struct bars_settings {
  assay_cli_feed_settings from;
  const char *every, *symbol, *format;
  bool fill, json;
} bars_settings;

typedef struct bars_job {
  const bars_settings *settings;
  assay_feed_book *book;  /* what rests, for executions that do not say their price */
  assay_bar_maker **bars; /* an entry a symbol */
  uint32_t room;
  assay_bar_maker_options options;
  double amount; /* of --every, without its scale */
  assay_cli_grid grid;
  assay_status status;
  assay_error *err;
  uint64_t late;
  assay_cli_feed_faults faults;
} bars_job;

/* "1m", "1000ticks", "volume:500", "dollar:1000000". */
static assay_status read_every(bars_job *j, const char *text) {
  char number[40] = "";
  double amount = 0;
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
  size_t length = strlen(text);
  const char *ticks = strstr(text, "tick");
  if (ticks != NULL && ticks > text && (size_t)(ticks - text) < sizeof number) {
    memcpy(number, text, (size_t)(ticks - text));
    j->options.by = ASSAY_BAR_BY_TICKS;
    if (assay_parse_f64(number, &j->amount) && j->amount >= 1 && j->amount <= 1e18) return ASSAY_OK;
  }
  j->options.by = ASSAY_BAR_BY_TIME;
  if (length > 2 && strcmp(text + length - 2, "ms") == 0 && length < sizeof number) {
    memcpy(number, text, length - 2);
    if (assay_parse_f64(number, &amount) && amount > 0 && amount < 1e9) return j->amount = amount * 1e6, ASSAY_OK;
  }
  assay_error ignored = {0};
  if (assay_cli_parse_duration(text, "--every", &ignored, &amount) == ASSAY_OK && amount > 0 && amount < 1e9)
    return j->amount = amount * 1e9, ASSAY_OK;
  return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--every needs 30s, 1m, 1h, 250ms, 1000ticks, volume:5000 or dollar:1000000, not '%s'",
                    text);
}

static void put_bar(bars_job *j, const assay_cli_feed_file *feed, uint32_t symbol, const assay_market_event *event, const assay_bar *bar) {
  double price = assay_cli_feed_scale(assay_market_price_decimals(event)),
         quantity = assay_cli_feed_scale(assay_market_quantity_decimals(event));
  assay_cli_grid_text(&j->grid, assay_cli_feed_name(feed, symbol));
  const double prices[] = {(double)bar->open, (double)bar->high, (double)bar->low, (double)bar->close};
  assay_cli_grid_whole(&j->grid, bar->begin_ns); /* nanoseconds since 1970 are more than a double can tell apart */
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++) assay_cli_grid_number(&j->grid, prices[i] / price);
  assay_cli_grid_number(&j->grid, (double)bar->volume / quantity);
  assay_cli_grid_number(&j->grid, bar->vwap / price);
  assay_cli_grid_whole(&j->grid, bar->ticks);
  assay_cli_grid_number(&j->grid, (double)bar->buy_volume / quantity);
  assay_cli_grid_number(&j->grid, (double)bar->sell_volume / quantity);
}

static bool reach_bars(bars_job *j, uint32_t symbol) {
  if (symbol < j->room) return true;
  uint32_t room = 2 * symbol + 64;
  assay_bar_maker **bars = assay_realloc(ASSAY_TAG_CLI, j->bars, room, sizeof *bars);
  if (bars == NULL) return false;
  memset(bars + j->room, 0, (room - j->room) * sizeof *bars);
  j->bars = bars;
  j->room = room;
  return true;
}

static assay_bar_maker *bars_of(bars_job *j, uint32_t symbol, const assay_market_event *event) {
  if (symbol < j->room && j->bars[symbol] != NULL) return j->bars[symbol];
  assay_bar_maker_options options = j->options;
  double every = j->amount, quantity = assay_cli_feed_scale(assay_market_quantity_decimals(event));
  if (options.by == ASSAY_BAR_BY_VOLUME) every *= quantity;
  if (options.by == ASSAY_BAR_BY_DOLLARS) every *= quantity * assay_cli_feed_scale(assay_market_price_decimals(event));
  options.every = every < 1 ? 1 : every >= 1.8e19 ? UINT64_MAX : (uint64_t)llround(every < 9e18 ? every : 9e18);
  assay_bar_maker *made = assay_calloc(ASSAY_TAG_CLI, 1, sizeof *made);
  if (made == NULL || !reach_bars(j, symbol)) {
    assay_free(made);
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for bars");
    return NULL;
  }
  j->status = assay_bar_maker_init(made, &options, j->err);
  return j->bars[symbol] = made;
}

static void add_tick(bars_job *j, const assay_cli_feed_file *feed, const assay_market_event *event, const assay_tick *tick) {
  uint32_t symbol = event->symbol < ASSAY_CLI_FEED_SYMBOLS ? event->symbol : 0;
  if (event->time_ns == UINT64_MAX) return; /* when it was nobody knows */
  if (j->settings->symbol != NULL && strcmp(assay_cli_feed_name(feed, symbol), j->settings->symbol) != 0) return;
  assay_bar_maker *bars = bars_of(j, symbol, event);
  assay_bar bar;
  if (bars == NULL || (tick->quantity == 0 && event->quantity == 0)) return;
  assay_bar_maker_add(bars, tick);
  while (assay_bar_maker_take(bars, &bar)) put_bar(j, feed, symbol, event, &bar);
}

static bool take_event(bars_job *j, const assay_cli_feed_file *feed, const assay_market_event *event) {
  assay_tick tick = {event->time_ns, event->price, event->quantity, event->side};
  if (event->kind == ASSAY_MARKET_TRADE && (event->price != 0 || event->quantity != 0)) add_tick(j, feed, event, &tick);
  if (event->kind == ASSAY_MARKET_EXECUTE && (event->flags & ASSAY_MARKET_HIDDEN) == 0) {
    assay_feed_order order;
    if (assay_feed_book_find(j->book, event->symbol, event->order_id, &order)) {
      if (tick.price == 0) tick.price = order.price;
      tick.side = order.side == 'B' ? 'S' : 'B';
    }
    if (tick.price != 0) add_tick(j, feed, event, &tick);
  }
  if (event->kind != ASSAY_MARKET_QUOTE) assay_feed_book_apply(j->book, event, 1);
  return j->status == ASSAY_OK;
}

/* Bars of bars: each is the four prices that it names, in an order that gives them back, with its volume at the close. */
static bool take_bar(bars_job *j, const assay_cli_feed_file *feed, const assay_csv_row *row, const assay_market_event *event) {
  const int64_t prices[] = {row->open, row->high, row->low};
  if (j->options.by != ASSAY_BAR_BY_TIME) {
    j->status =
        ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s has bars, and only trades make bars by ticks, volume or dollars: --every 1h", feed->path);
    return false;
  }
  for (size_t i = 0; i < sizeof prices / sizeof *prices; i++)
    add_tick(j, feed, event, &(assay_tick){.time_ns = row->time_ns, .price = prices[i]});
  add_tick(j, feed, event, &(assay_tick){row->time_ns, row->close, (uint64_t)row->quantity, row->side});
  return j->status == ASSAY_OK;
}

static bool take_message(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  bars_job *j = context;
  if (m->kind == NULL) {
    assay_cli_feed_note_fault(&j->faults, feed, m->reader);
    return true;
  }
  if (feed->format == ASSAY_FEED_CSV && ((const assay_csv_row *)m->row)->kind == ASSAY_CSV_BAR) return take_bar(j, feed, m->row, m->events);
  for (size_t i = 0; i < m->count; i++)
    if (!take_event(j, feed, &m->events[i])) return false;
  return true;
}

static void finish_bars(bars_job *j, const assay_cli_feed_file *feed) {
  assay_market_event scale = {.decimals = (uint8_t)(feed->price_decimals | feed->quantity_decimals << 4)};
  if (feed->format == ASSAY_FEED_ITCH) scale.decimals = 4;
  if (feed->format == ASSAY_FEED_DBN) scale.decimals = 9;
  for (uint32_t i = 0; i < j->room; i++) {
    assay_bar bar;
    if (j->bars[i] == NULL) continue;
    if (j->status == ASSAY_OK && assay_bar_maker_finish(j->bars[i], &bar)) put_bar(j, feed, i, &scale, &bar);
    j->late += j->bars[i]->late;
    assay_free(j->bars[i]);
  }
}

static int run_bars(assay_cli *cli, const void *raw) {
  static const char *const names[] = {"symbol", "time", "open",  "high",       "low",        "close",
                                      "volume", "vwap", "ticks", "buy_volume", "sell_volume"};
  assay_error err = {0};
  assay_cli_feed_file feed = {0};
  bars_job j = {.settings = raw, .err = &err, .grid = {.cli = cli, .names = names, .columns = sizeof names / sizeof *names}};
  j.options.fill = j.settings->fill;
  j.status = read_every(&j, j.settings->every);
  if (j.status == ASSAY_OK) j.status = assay_cli_feed_open(cli, cli->operands[0], &j.settings->from, &err, &feed);
  if (j.status == ASSAY_OK) j.status = assay_feed_book_create(&(assay_feed_book_options){.symbols = ASSAY_CLI_FEED_SYMBOLS}, &err, &j.book);
  if (j.status == ASSAY_OK) assay_cli_feed_walk(&feed, take_message, &j);
  finish_bars(&j, &feed);
  if (j.status == ASSAY_OK && j.grid.count == 0 && j.faults.count > 0) {
    err = j.faults.first;
    j.status = ASSAY_ERR_PARSE;
  }
  if (j.status == ASSAY_OK && j.grid.count == 0)
    j.status = ASSAY_FAIL(&err, ASSAY_ERR_NOT_FOUND, "%s has no trades%s%s", feed.path, j.settings->symbol != NULL ? " of " : "",
                          j.settings->symbol != NULL ? j.settings->symbol : "");
  assay_cli_grid_fact(&j.grid, "late_ticks", NULL, (double)j.late);
  int code = j.status == ASSAY_OK ? assay_cli_grid_show(&j.grid, j.settings->format, j.settings->json, "assay-bars/1", "bars")
                                  : assay_cli_fail(cli, &err);
  if (code == ASSAY_EXIT_FINE && j.late > 0) { /* a table of CSV has no place for it */
    fflush(stdout);
    fprintf(stderr, "%s %s: trades that came when their bar was over, and are in none: %" PRIu64 "\n", cli->program, cli->verb->name,
            j.late);
  }
  code = assay_cli_feed_tell_faults(cli, &j.faults, code);
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
        "counted. A file of bars (CSV) gives longer ones, by time. docs/feeds.md.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = bars_options,
    .examples = bars_examples,
    .settings_size = sizeof(bars_settings),
    .run = run_bars,
};

/* SPDX-License-Identifier: MIT */
/* assay feed bars, assay feed book. */
#include <assay/bars.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/feed.h"
#include "cli/grid.h"

static double scale_of(unsigned decimals) {
  double scale = 1;
  for (unsigned i = 0; i < decimals; i++) scale *= 10;
  return scale;
}

/* Malformed messages are passed; the first is told once the answer is out. */
typedef struct faults {
  uint64_t count;
  assay_error first;
} faults;

static void note_fault(faults *f, const assay_cli_feed_file *feed, const assay_feed_reader *reader) {
  if (f->count++ == 0) assay_feed_explain(reader, feed->path, &f->first);
}

/* The exit code: an answer that something is missing of is not a good one. */
static int tell_faults(assay_cli *cli, const faults *f, int code) {
  assay_error err = {0};
  if (f->count == 0 || code != ASSAY_EXIT_FINE) return code;
  fflush(stdout);
  if (f->count == 1)
    ASSAY_FAIL(&err, ASSAY_ERR_PARSE, "%s (the answer is without it)", f->first.message);
  else
    ASSAY_FAIL(&err, ASSAY_ERR_PARSE, "%s (the answer is without it, and without %" PRIu64 " more)", f->first.message, f->count - 1);
  return assay_cli_fail(cli, &err);
}

/* ---- Bars
 * ---------------------------------------------------------------------------------------------------------------------------------- */

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
  faults faults;
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
  double price = scale_of(assay_market_price_decimals(event)), quantity = scale_of(assay_market_quantity_decimals(event));
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
  double every = j->amount, quantity = scale_of(assay_market_quantity_decimals(event));
  if (options.by == ASSAY_BAR_BY_VOLUME) every *= quantity;
  if (options.by == ASSAY_BAR_BY_DOLLARS) every *= quantity * scale_of(assay_market_price_decimals(event));
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
    note_fault(&j->faults, feed, m->reader);
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
  code = tell_faults(cli, &j.faults, code);
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
#undef AT

/* ---- Book
 * ------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct book_settings {
  assay_cli_feed_settings from;
  const char *symbol, *color;
  uint64_t depth, messages;
  bool json;
} book_settings;

typedef struct book_job {
  const book_settings *settings;
  assay_feed_book *book;
  assay_status status;
  assay_error *err;
  assay_market_event last; /* for the scale */
  faults faults;
} book_job;

static bool build(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  book_job *j = context;
  if (m->kind == NULL) {
    note_fault(&j->faults, feed, m->reader);
    if (m->reader->fault.offset < feed->size) assay_feed_book_lost(j->book); /* else it is only the end that is cut off */
    return true;
  }
  if (m->count > 0) j->last = m->events[0];
  const assay_binance_message *json = feed->format == ASSAY_FEED_JSON ? m->row : NULL;
  if (json != NULL && json->kind == ASSAY_BINANCE_DEPTH)
    assay_feed_book_update(j->book, m->symbol, json);
  else if (json != NULL && json->kind == ASSAY_BINANCE_SNAPSHOT)
    assay_feed_book_snapshot(j->book, m->symbol, json);
  else
    assay_feed_book_apply(j->book, m->events, m->count);
  return j->settings->messages == 0 || m->reader->count < j->settings->messages;
}

static void put_level(assay_buf *out, const book_job *j, const assay_feed_level *level, double widest, bool color, char side) {
  double price = (double)level->price / scale_of(assay_market_price_decimals(&j->last)),
         quantity = (double)level->quantity / scale_of(assay_market_quantity_decimals(&j->last));
  int cells = widest > 0 ? (int)(quantity / widest * 40 + 0.5) : 0;
  assay_buf number = {0}, amount = {0};
  assay_buf_double(&number, price);
  assay_buf_double(&amount, quantity);
  assay_buf_printf(out, "  %s %14s %14s ", side == 'B' ? "bid" : "ask", number.data, amount.data);
  if (level->orders > 0)
    assay_buf_printf(out, "%6u ", level->orders);
  else
    assay_buf_puts(out, "       ");
  if (color) assay_buf_puts(out, side == 'B' ? "\x1b[32m" : "\x1b[31m");
  for (int i = 0; i < cells; i++) assay_buf_puts(out, "\xe2\x96\x88");
  if (color) assay_buf_puts(out, "\x1b[0m");
  assay_buf_putc(out, '\n');
  assay_buf_deinit(&number);
  assay_buf_deinit(&amount);
}

enum { MOST_LEVELS = 1000 };

/* What is shown of a book: its best levels, the best first. */
typedef struct book_view {
  const char *name, *path;
  bool stale;
  assay_feed_level bids[MOST_LEVELS], asks[MOST_LEVELS];
  size_t bid_count, ask_count;
  double spread, microprice; /* NaN where a side is empty */
  size_t orders;             /* in all books */
  assay_feed_book_counts counts;
} book_view;

static void look_at_book(const book_job *j, const assay_cli_feed_file *feed, uint32_t symbol, book_view *v) {
  size_t depth = (size_t)j->settings->depth;
  double price = scale_of(assay_market_price_decimals(&j->last));
  *v = (book_view){.name = assay_cli_feed_name(feed, symbol),
                   .path = feed->path,
                   .stale = assay_feed_book_is_stale(j->book, symbol),
                   .orders = assay_feed_book_orders(j->book),
                   .counts = assay_feed_book_get_counts(j->book),
                   .spread = NAN,
                   .microprice = NAN};
  v->bid_count = assay_feed_book_depth(j->book, symbol, 'B', v->bids, depth);
  v->ask_count = assay_feed_book_depth(j->book, symbol, 'S', v->asks, depth);
  if (v->bid_count == 0 || v->ask_count == 0) return;
  assay_top top = {v->bids[0].price, v->asks[0].price, v->bids[0].quantity, v->asks[0].quantity};
  v->spread = (double)(top.ask - top.bid) / price;
  v->microprice = round(assay_microprice(&top) / price * 1e6) / 1e6;
}

static void put_book(assay_buf *out, const book_job *j, const book_view *v, bool color) {
  double widest = 0, scale = scale_of(assay_market_quantity_decimals(&j->last));
  for (size_t i = 0; i < v->bid_count; i++) widest = fmax(widest, (double)v->bids[i].quantity / scale);
  for (size_t i = 0; i < v->ask_count; i++) widest = fmax(widest, (double)v->asks[i].quantity / scale);
  assay_buf_printf(out, "%s, %s%s\n", v->name, v->path, v->stale ? "  STALE: messages are missing, or do not fit" : "");
  for (size_t i = v->ask_count; i-- > 0;) put_level(out, j, &v->asks[i], widest, color, 'S');
  for (size_t i = 0; i < v->bid_count; i++) put_level(out, j, &v->bids[i], widest, color, 'B');
  if (!isnan(v->spread)) {
    assay_buf_puts(out, "  spread ");
    assay_buf_double(out, v->spread);
    assay_buf_puts(out, ", microprice ");
    assay_buf_double(out, v->microprice);
    assay_buf_putc(out, '\n');
  }
  assay_buf_printf(out, "  %zu orders in all books; %" PRIu64 " events, %" PRIu64 " about what is not there, %" PRIu64 " refused\n",
                   v->orders, v->counts.applied, v->counts.impossible, v->counts.refused);
}

static void put_json_levels(assay_json *json, const book_job *j, const char *key, const assay_feed_level *levels, size_t count) {
  assay_json_key(json, key);
  assay_json_array(json);
  for (size_t i = 0; i < count; i++) {
    assay_json_object_inline(json);
    assay_json_key(json, "price");
    assay_json_double(json, (double)levels[i].price / scale_of(assay_market_price_decimals(&j->last)));
    assay_json_key(json, "quantity");
    assay_json_double(json, (double)levels[i].quantity / scale_of(assay_market_quantity_decimals(&j->last)));
    assay_json_key(json, "orders"); /* a feed of levels does not say */
    levels[i].orders > 0 ? assay_json_uint(json, levels[i].orders) : assay_json_null(json);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void put_json_book(assay_buf *out, const book_job *j, const book_view *v) {
  assay_json json = {.out = out};
  const char *const texts[][2] = {{"schema", "assay-book/1"}, {"symbol", v->name}, {"source", v->path}};
  const struct {
    const char *key;
    uint64_t value;
  } counts[] = {{"orders", v->orders}, {"events", v->counts.applied}, {"unknown", v->counts.impossible}, {"refused", v->counts.refused}};
  assay_json_object(&json);
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assay_json_key(&json, texts[i][0]);
    assay_json_string(&json, texts[i][1]);
  }
  assay_json_key(&json, "stale");
  assay_json_bool(&json, v->stale);
  put_json_levels(&json, j, "bids", v->bids, v->bid_count);
  put_json_levels(&json, j, "asks", v->asks, v->ask_count);
  assay_json_key(&json, "spread");
  assay_json_double(&json, v->spread);
  assay_json_key(&json, "microprice");
  assay_json_double(&json, v->microprice);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    assay_json_key(&json, counts[i].key);
    assay_json_uint(&json, counts[i].value);
  }
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

static void show_book(assay_buf *out, const book_job *j, const assay_cli_feed_file *feed, uint32_t symbol) {
  static book_view view;
  look_at_book(j, feed, symbol, &view);
  if (j->settings->json)
    put_json_book(out, j, &view);
  else
    put_book(out, j, &view, assay_cli_use_color(j->settings->color, stdout));
}

static assay_status no_symbol(const assay_cli_feed_file *feed, const char *wanted, assay_error *err) {
  assay_buf known = {0};
  size_t count = 0;
  for (uint32_t i = 1; i <= feed->named; i++)
    if (feed->names[i][0] != '\0' && count++ < 10) assay_buf_printf(&known, "%s%s", count > 1 ? ", " : "", feed->names[i]);
  assay_status status = wanted != NULL ? ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s has no symbol '%s'; it has %s%s", feed->path, wanted,
                                                    known.length > 0 ? known.data : "none", count > 10 ? ", ..." : "")
                                       : ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--symbol says which book; %s has %s%s", feed->path,
                                                    known.length > 0 ? known.data : "none", count > 10 ? ", ..." : "");
  assay_buf_deinit(&known);
  return status;
}

static int run_book(assay_cli *cli, const void *raw) {
  assay_error err = {0};
  assay_cli_feed_file feed = {0};
  assay_buf out = {0};
  book_job j = {.settings = raw, .err = &err};
  uint32_t symbol = 0;
  j.status = assay_cli_feed_open(cli, cli->operands[0], &j.settings->from, &err, &feed);
  if (j.status == ASSAY_OK) j.status = assay_feed_book_create(&(assay_feed_book_options){.symbols = ASSAY_CLI_FEED_SYMBOLS}, &err, &j.book);
  if (j.status == ASSAY_OK && feed.format == ASSAY_FEED_CSV)
    j.status =
        ASSAY_FAIL(&err, ASSAY_ERR_UNSUPPORTED, "%s is a table of trades or bars, and a book needs orders or price levels", feed.path);
  if (j.status == ASSAY_OK) assay_cli_feed_walk(&feed, build, &j);
  if (j.status == ASSAY_OK && j.faults.count > 0 && feed.named == 0) {
    err = j.faults.first;
    j.status = ASSAY_ERR_PARSE;
  }
  if (j.status == ASSAY_OK) {
    symbol = j.settings->symbol != NULL ? assay_cli_feed_symbol(&feed, j.settings->symbol) : feed.named == 1 ? 1 : 0;
    if (symbol == 0) j.status = no_symbol(&feed, j.settings->symbol, &err);
  }
  if (j.status == ASSAY_OK) show_book(&out, &j, &feed, symbol);
  int code = j.status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  code = tell_faults(cli, &j.faults, code);
  assay_buf_deinit(&out);
  assay_feed_book_destroy(j.book);
  assay_cli_feed_close(&feed);
  return code;
}

#define AT(field) .at = offsetof(book_settings, field)
static const assay_cli_option book_options[] = {
    {"symbol", 's', ASSAY_CLI_TEXT, "NAME", AT(symbol), .help = "Whose book."},
    {"depth", 'd', ASSAY_CLI_UNSIGNED, "LEVELS", "10", .low = 1, .high = 1000, AT(depth), .help = "Of each side."},
    {"messages", 'n', ASSAY_CLI_UNSIGNED, "N", "0", AT(messages), .help = "The book after so many messages; 0: after all."},
    {"json", 0, ASSAY_CLI_FLAG, AT(json), .help = "A document; the best levels first."},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, AT(color), .help = "Colours on the terminal."},
    ASSAY_CLI_FEED_OPTIONS(book_settings),
    ASSAY_CLI_END};
static const assay_cli_example book_examples[] = {
    {"how the day ended", "feed book --symbol AAPL day.itch"},
    {"five levels after a million messages", "feed book --symbol AAPL --depth 5 --messages 1000000 day.itch"},
    {"for a script, which looks whether it is stale", "feed book --symbol BTCUSDT --json depth.json"},
    {0}};
const assay_cli_verb assay_cli_feed_book = {
    .name = "feed book",
    .summary = "The book of a symbol, rebuilt from a recorded feed.",
    .details =
        "Of feeds of orders (ITCH, DBN mbo) and of levels (Binance's depth, DBN mbp). A book is stale when messages are missing or do not "
        "fit. docs/feeds.md.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = book_options,
    .examples = book_examples,
    .settings_size = sizeof(book_settings),
    .run = run_book,
};

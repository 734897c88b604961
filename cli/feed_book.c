/* SPDX-License-Identifier: MIT */
/* assay feed book. */
#include <assay/bars.h>

#include <inttypes.h>
#include <math.h>

#include "base/json.h"
#include "cli/feed.h"

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
  assay_cli_feed_faults faults;
} book_job;

static bool build(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  book_job *j = context;
  if (m->kind != NULL && m->count > 0) j->last = m->events[0];
  j->status = assay_cli_feed_build(j->book, &j->faults, feed, m, j->err);
  if (j->status != ASSAY_OK || m->kind == NULL) return j->status == ASSAY_OK;
  return j->settings->messages == 0 || m->reader->count < j->settings->messages;
}

static void put_level(assay_buf *out, const book_job *j, const assay_feed_level *level, double widest, bool color, char side) {
  double price = (double)level->price / assay_cli_feed_scale(assay_market_price_decimals(&j->last)),
         quantity = (double)level->quantity / assay_cli_feed_scale(assay_market_quantity_decimals(&j->last));
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
  double price = assay_cli_feed_scale(assay_market_price_decimals(&j->last));
  const char *name = assay_cli_feed_name(feed, symbol);
  *v = (book_view){.name = name[0] == '\0' && j->settings->symbol != NULL ? j->settings->symbol : name,
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
  v->microprice = round(assay_microprice(&top) * 1e6) / (1e6 * price); /* a millionth of a price step says enough */
}

static void put_book(assay_buf *out, const book_job *j, const book_view *v, bool color) {
  double widest = 0, scale = assay_cli_feed_scale(assay_market_quantity_decimals(&j->last));
  for (size_t i = 0; i < v->bid_count; i++) widest = fmax(widest, (double)v->bids[i].quantity / scale);
  for (size_t i = 0; i < v->ask_count; i++) widest = fmax(widest, (double)v->asks[i].quantity / scale);
  assay_buf_plain(out, v->name); /* a feed may hold anything */
  assay_buf_puts(out, v->name[0] != '\0' ? ", " : "");
  assay_buf_plain(out, v->path);
  assay_buf_puts(out, v->stale ? "  STALE: messages are missing, or do not fit\n" : "\n");
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
    assay_json_put_double(json, "price", (double)levels[i].price / assay_cli_feed_scale(assay_market_price_decimals(&j->last)));
    assay_json_put_double(json, "quantity", (double)levels[i].quantity / assay_cli_feed_scale(assay_market_quantity_decimals(&j->last)));
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
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) assay_json_put_string(&json, texts[i][0], texts[i][1]);
  assay_json_key(&json, "stale");
  assay_json_bool(&json, v->stale);
  put_json_levels(&json, j, "bids", v->bids, v->bid_count);
  put_json_levels(&json, j, "asks", v->asks, v->ask_count);
  assay_json_put_double(&json, "spread", v->spread);
  assay_json_put_double(&json, "microprice", v->microprice);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) assay_json_put_uint(&json, counts[i].key, counts[i].value);
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

/* 0: none. Binance's snapshots name no symbol: where nothing else does, the only book is of the one that was asked for. */
static uint32_t find_symbol(const book_job *j, const assay_cli_feed_file *feed) {
  const bool is_nameless = feed->named == 0 && feed->format == ASSAY_FEED_JSON && assay_feed_book_get_counts(j->book).applied > 0;
  if (is_nameless) return 1;
  return j->settings->symbol != NULL ? assay_cli_feed_symbol(feed, j->settings->symbol) : feed->named == 1 ? 1 : 0;
}

static int run_book(assay_cli *cli, const void *raw) {
  assay_error err = {0};
  assay_cli_feed_file feed = {0};
  assay_buf out = {0};
  book_job j = {.settings = raw, .err = &err};
  uint32_t symbol = 0;
  j.status = assay_cli_feed_open(cli, cli->operands[0], &j.settings->from, &err, &feed);
  if (j.status == ASSAY_OK) j.status = assay_feed_book_create(&(assay_feed_book_options){.symbols = ASSAY_CLI_FEED_SYMBOLS}, &err, &j.book);
  if (j.status == ASSAY_OK) assay_cli_feed_walk(&feed, build, &j);
  if (j.status == ASSAY_OK && assay_cli_feed_missing(&feed) > 0) assay_feed_book_lost(j.book);
  if (j.status == ASSAY_OK && j.faults.count > 0 && feed.named == 0) {
    err = j.faults.first;
    j.status = ASSAY_ERR_PARSE;
  }
  if (j.status == ASSAY_OK) {
    symbol = find_symbol(&j, &feed);
    if (symbol == 0) j.status = no_symbol(&feed, j.settings->symbol, &err);
  }
  if (j.status == ASSAY_OK) show_book(&out, &j, &feed, symbol);
  int code = j.status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  if (code == ASSAY_EXIT_FINE && assay_feed_book_is_stale(j.book, symbol)) code = ASSAY_EXIT_INCONCLUSIVE;
  code = assay_cli_feed_tell(cli, &feed, &j.faults, code);
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
    {"for a script: exit code 3 when it is stale", "feed book --symbol BTCUSDT --json depth.json"},
    {0}};
const assay_cli_verb assay_cli_feed_book = {
    .name = "feed book",
    .summary = "The book of a symbol, rebuilt from a recorded feed.",
    .details =
        "Of feeds of orders (ITCH, DBN mbo) and of levels (Binance's depth, DBN mbp). A book is stale when messages are missing or do not "
        "fit: it is shown, and the exit code is 3. It is 2 when a message is malformed and the book can be trusted all the same (its end "
        "is cut "
        "off). docs/feeds.md.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = book_options,
    .examples = book_examples,
    .settings_size = sizeof(book_settings),
    .run = run_book,
};

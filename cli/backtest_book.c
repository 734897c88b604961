/* SPDX-License-Identifier: MIT */
#include "cli/backtest_book.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "cli/backtest_report.h"
#include "cli/feed.h"

typedef struct job {
  assay_cli *cli;
  const assay_cli_book_settings *settings;
  assay_error *err;
  const assay_book_strategy *strategy;
  double parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_status status;
  bool has_symbol, is_named; /* `symbol` is its number in this day's messages; `name` is known */
  uint32_t symbol;
  char name[ASSAY_CLI_FEED_NAME];
  assay_market_event *events;
  size_t count, room, timeless; /* events that stand before the first time */
  size_t late;                  /* that were earlier than the one before them */
  uint64_t snapshot;            /* of Binance: its last update; what is older is in it already */
  assay_cli_feed_faults faults; /* that were passed */
  uint64_t missing;             /* messages that a capture has not */
  int code;                     /* ASSAY_EXIT_FINE, or what the recording's own faults come to */
  bool is_lost;                 /* something before the next event */
  bool has_book;
  uint64_t tick;          /* the feed's steps in one of the book's prices */
  double price_of, units; /* money of one of those; the feed's units in one of what people count */
} job;

const assay_book_strategy *assay_cli_book_strategy(const char *name) {
  return strcasecmp(name, assay_book_strategy_maker.name) == 0 ? &assay_book_strategy_maker : NULL;
}

static assay_status read_parameters(job *j, const assay_cli_words *words) {
  const assay_book_strategy *s = j->strategy;
  for (unsigned i = 0; i < s->parameter_count; i++) j->parameters[i] = s->parameters[i].usual;
  for (size_t i = 0; i < words->count; i++) {
    const char *word = words->items[i], *equals = strchr(word, '=');
    double value = 0;
    unsigned place = 0;
    if (equals == NULL || !assay_parse_f64(equals + 1, &value))
      return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--set needs NAME=NUMBER, such as quantity=100, not '%.60s'", word);
    size_t length = (size_t)(equals - word);
    while (place < s->parameter_count &&
           (strncasecmp(s->parameters[place].name, word, length) != 0 || s->parameters[place].name[length] != '\0'))
      place++;
    if (place == s->parameter_count)
      return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s has no parameter '%.*s' (it has quantity, offset, most, lean)", s->name, (int)length,
                        word);
    j->parameters[place] = value;
  }
  return ASSAY_OK;
}

/* ---- The recording ------------------------------------------------------------------------------------------------------------------- */

/* Binance's streams name in small letters what its messages name in capitals. */
static bool same_name(const assay_cli_feed_file *feed, const char *a, const char *b) {
  return feed->format == ASSAY_FEED_JSON ? strcasecmp(a, b) == 0 : strcmp(a, b) == 0;
}

/* Whether it is the symbol that was asked for: by its name, or by its number where it has no name; the first one where none was. */
static bool is_wanted(job *j, const assay_cli_feed_file *feed, uint32_t symbol) {
  char number[16];
  if (j->has_symbol && symbol == j->symbol) return true;
  const char *name = assay_cli_feed_name(feed, symbol), *asked = j->is_named ? j->name : j->settings->symbol;
  if (name[0] == '\0') snprintf(number, sizeof number, "%u", symbol), name = number;
  if (symbol == 0 || (asked != NULL && !same_name(feed, name, asked))) return false;
  if (j->has_symbol) return true;
  j->has_symbol = j->is_named = true;
  j->symbol = symbol;
  snprintf(j->name, sizeof j->name, "%s", name);
  return true;
}

/* Binance's snapshots name no symbol, and say the time when they were asked for nowhere: they are of the file's one symbol, and now. What a
 * difference says that is older than the snapshot is in it already. */
static bool is_of_chain(job *j, const assay_binance_message *m) {
  if (m->kind == ASSAY_BINANCE_SNAPSHOT) j->snapshot = m->last_update;
  return m->kind != ASSAY_BINANCE_DEPTH || m->last_update > j->snapshot;
}

static bool keep(job *j, const assay_cli_feed_file *feed, const assay_market_event *e) {
  if (j->count == j->room) {
    j->events = assay_arena_grow(&j->cli->arena, j->events, j->count, &j->room, sizeof *j->events);
    if (j->events == NULL) {
      j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the events of %s", feed->path);
      return false;
    }
  }
  assay_market_event *made = &j->events[j->count];
  uint64_t before = j->count > 0 ? made[-1].time_ns : 0;
  *made = *e;
  if (made->time_ns == UINT64_MAX) made->time_ns = 0; /* when it was nobody knows */
  if (made->time_ns == 0 && before == 0) j->timeless = j->count + 1;
  j->late += made->time_ns != 0 && made->time_ns < before;
  if (made->time_ns < before) made->time_ns = before;
  j->has_book = j->has_book || e->kind == ASSAY_MARKET_ADD || e->kind == ASSAY_MARKET_QUOTE;
  if (j->is_lost) made->flags |= ASSAY_MARKET_GAP;
  j->is_lost = false;
  j->count++;
  return true;
}

/* Another day: whose book it is has another number, and no order rests. */
static bool end_day(job *j, const assay_cli_feed_file *feed) {
  const assay_market_event clear = {.kind = ASSAY_MARKET_CLEAR, .time_ns = ASSAY_CLI_FEED_NO_TIME, .flags = ASSAY_MARKET_LAST};
  j->has_symbol = false;
  return j->count == 0 || keep(j, feed, &clear);
}

static bool collect(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  job *j = context;
  if (m->day_is_over) return end_day(j, feed);
  if (assay_feed_file_lost_before(feed->file, m->reader->base + m->reader->at)) j->is_lost = true;
  if (m->says_again) return true;
  if (m->kind == NULL && j->settings->skip_malformed) {
    assay_cli_feed_note_fault(&j->faults, feed, m->reader);
    j->is_lost = true;
    return true;
  }
  if (m->kind == NULL) {
    assay_error found = {0};
    (void)assay_feed_explain(m->reader, feed->path, &found);
    j->status = ASSAY_FAIL(j->err, found.status, "%s (or --skip-malformed, to trade in what the rest comes to)", found.message);
    return false;
  }
  bool is_json = feed->format == ASSAY_FEED_JSON;
  if (is_json && !is_of_chain(j, m->row)) return true;
  for (size_t i = 0; i < m->count; i++) {
    assay_market_event e = m->events[i];
    bool is_nameless = is_json && assay_cli_feed_name(feed, e.symbol)[0] == '\0';
    if (!is_nameless && !is_wanted(j, feed, e.symbol)) {
      if (j->settings->symbol != NULL || e.symbol == 0) continue;
      j->status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s has several symbols: --symbol says whose book it is (%s, or another)",
                             feed->path, j->name);
      return false;
    }
    if (!keep(j, feed, &e)) return false;
  }
  return true;
}

/* All events are of one symbol now, and those that came before any time have the first one. */
static void settle(job *j) {
  for (size_t i = 0; i < j->count; i++) {
    j->events[i].symbol = j->symbol;
    if (i < j->timeless && j->timeless < j->count) j->events[i].time_ns = j->events[j->timeless].time_ns;
  }
}

/* Quantities are given as people count them; the feed counts in steps of its own. */
static assay_status scale_parameters(job *j) {
  static const char *const quantities[] = {"quantity", "most"};
  for (unsigned i = 0; i < j->strategy->parameter_count; i++)
    for (size_t k = 0; k < sizeof quantities / sizeof *quantities; k++) {
      if (strcmp(j->strategy->parameters[i].name, quantities[k]) != 0) continue;
      double units = j->parameters[i] * j->units;
      if (fabs(units - round(units)) > 1e-6)
        return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s: %s of %g is no whole number of the feed's units of %g", j->strategy->name,
                          quantities[k], j->parameters[i], 1 / j->units);
      j->parameters[i] = round(units);
    }
  return ASSAY_OK;
}

static assay_status find_scale(job *j) {
  const assay_market_event *e = j->events, *end = e + j->count;
  while (e < end && e->kind != ASSAY_MARKET_ADD && e->kind != ASSAY_MARKET_QUOTE) e++;
  j->tick = assay_book_backtest_common_tick(j->events, j->count, j->symbol);
  j->price_of = (double)j->tick * pow(10, -(double)assay_market_price_decimals(e));
  j->units = pow(10, assay_market_quantity_decimals(e));
  return scale_parameters(j);
}

/* It was asked for, so it is no error; but everybody is told how much of the recording is not there, and where that begins. */
static void tell_skipped(job *j, const assay_cli_feed_file *feed) {
  assay_feed_file_capture capture = {0};
  char lacks[ASSAY_CLI_CAPTURE_LACKS];
  (void)assay_feed_file_captured(feed->file, &capture);
  if (j->settings->skip_malformed && assay_cli_feed_capture_lacks(&capture, lacks, sizeof lacks)) {
    assay_cli_feed_note(j->cli, feed);
    assay_cli_note(j->cli, "%s%s: traded in the rest", feed->path, lacks);
  } else {
    j->code = assay_cli_feed_tell(j->cli, feed, &(assay_cli_feed_faults){0}, ASSAY_EXIT_FINE);
  }
  if (j->faults.count > 0)
    assay_cli_note(j->cli, "%" PRIu64 " malformed message%s skipped; the first: %s", j->faults.count, j->faults.count == 1 ? "" : "s",
                   j->faults.first.message);
}

static assay_status refuse_capture(job *j, const assay_cli_feed_file *feed) {
  assay_feed_file_capture capture = {0};
  char lacks[ASSAY_CLI_CAPTURE_LACKS];
  (void)assay_feed_file_captured(feed->file, &capture);
  (void)assay_cli_feed_capture_lacks(&capture, lacks, sizeof lacks);
  return ASSAY_FAIL(j->err, ASSAY_ERR_CORRUPT, "%s%s (--skip-malformed trades in what the rest comes to)", feed->path, lacks);
}

static assay_status read_feed(job *j) {
  assay_cli_feed_file feed = {0};
  const assay_cli_feed_settings plain = {.format = j->settings->format, .price_decimals = 8, .quantity_decimals = 8};
  if (j->settings->feed == NULL)
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--feed FILE is missing: %s trades in a recorded book", j->strategy->name);
  j->status = assay_cli_feed_open(j->cli, j->settings->feed, &plain, j->err, &feed);
  if (j->status == ASSAY_OK) assay_cli_feed_walk(&feed, collect, j);
  if (j->status == ASSAY_OK && feed.broken.status != ASSAY_OK)
    j->status = ASSAY_FAIL(j->err, feed.broken.status, "%s", feed.broken.message);
  if (j->status == ASSAY_OK && !j->is_named && j->settings->symbol != NULL)
    j->status =
        ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "%s has no symbol '%s' (`feed decode` shows them)", j->settings->feed, j->settings->symbol);
  if (j->status == ASSAY_OK && !j->has_book)
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s tells of trades only: %s needs a book (orders or price levels)",
                           j->settings->feed, j->strategy->name);
  if (j->status == ASSAY_OK) j->missing = assay_cli_feed_missing(&feed);
  if (j->missing > 0 && !j->settings->skip_malformed) j->status = refuse_capture(j, &feed);
  if (j->status == ASSAY_OK) tell_skipped(j, &feed);
  assay_cli_feed_close(&feed);
  if (j->status != ASSAY_OK) return j->status;
  settle(j);
  return find_scale(j);
}

/* ---- The answer ---------------------------------------------------------------------------------------------------------------------- */

/* About as many samples of the curve as a wide terminal has columns. */
static uint64_t sample_of(const job *j) {
  if (j->count < 2) return 1;
  uint64_t span = j->events[j->count - 1].time_ns - j->events[0].time_ns;
  return span / 500 + 1;
}

/* As it was given: quantities in what people count. */
static double shown_parameter(const job *j, unsigned i) {
  const char *name = j->strategy->parameters[i].name;
  bool is_quantity = strcmp(name, "quantity") == 0 || strcmp(name, "most") == 0;
  return is_quantity ? j->parameters[i] / j->units : j->parameters[i];
}

static void put_fills(const job *j, const assay_book_backtest_result *r, assay_json *json) {
  assay_json_key(json, "trades");
  assay_json_array(json);
  for (size_t i = 0; i < r->fill_count; i++) {
    const assay_book_backtest_fill *f = &r->fills[i];
    assay_json_object_inline(json);
    assay_json_put_uint(json, "time_ns", f->time_ns);
    assay_json_put_uint(json, "order", f->order);
    assay_json_put_string(json, "side", f->side == ASSAY_BUY ? "buy" : "sell");
    assay_json_put_double(json, "price", f->price * j->price_of);
    assay_json_put_double(json, "quantity", (double)f->quantity / j->units);
    assay_json_put_double(json, "fee", f->fee);
    assay_json_key(json, "maker");
    assay_json_bool(json, f->maker);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void put_json(const job *j, const assay_book_backtest_result *r, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-book-backtest/1");
  assay_json_put_string(&json, "strategy", j->strategy->name);
  assay_json_put_string(&json, "symbol", j->name);
  assay_json_key(&json, "parameters");
  assay_json_object_inline(&json);
  for (unsigned i = 0; i < j->strategy->parameter_count; i++)
    assay_json_put_double(&json, j->strategy->parameters[i].name, shown_parameter(j, i));
  assay_json_end(&json);
  assay_json_put_double(&json, "tick", j->price_of);
  assay_json_put_double(&json, "unit", 1 / j->units);
  assay_json_put_double(&json, "profit", r->profit);
  assay_json_put_double(&json, "fees", r->fees);
  assay_json_put_double(&json, "cash", r->cash);
  assay_json_put_double(&json, "position", (double)r->position / j->units);
  assay_json_put_double(&json, "most_position", (double)r->most_position / j->units);
  assay_json_put_double(&json, "deepest", r->deepest);
  assay_json_put_uint(&json, "events", r->events);
  assay_json_put_uint(&json, "unknown", r->unknown);
  assay_json_put_uint(&json, "late", j->late);
  assay_json_put_uint(&json, "malformed", j->faults.count);
  assay_json_put_uint(&json, "missing", j->missing);
  assay_json_put_uint(&json, "gaps", r->gaps);
  assay_json_put_uint(&json, "orders", r->orders);
  assay_json_put_uint(&json, "cancels", r->cancels);
  assay_json_put_uint(&json, "too_late", r->too_late);
  assay_json_put_uint(&json, "fills", r->fill_count);
  assay_json_put_double(&json, "maker_quantity", (double)r->maker_quantity / j->units);
  assay_json_put_double(&json, "taker_quantity", (double)r->taker_quantity / j->units);
  assay_json_put_double(&json, "sharpe_sample", r->sharpe_sample);
  put_fills(j, r, &json);
  assay_json_put_uint(&json, "sample_ns", sample_of(j));
  assay_json_key(&json, "equity");
  assay_json_array_inline(&json);
  for (size_t i = 0; i < r->sample_count; i++) assay_json_double(&json, r->equity[i]);
  assay_json_end(&json);
  assay_json_end(&json);
}

static void put_line(assay_buf *out, const char *name, const char *form, double value) {
  char text[48];
  assay_snprintf(text, sizeof text, form, value == 0 ? 0 : value);
  assay_buf_printf(out, "%-28s %14s\n", name, text);
}

static void put_text(const job *j, const assay_book_backtest_result *r, bool color, assay_buf *out) {
  assay_buf_printf(out, "%s in %s: ", j->strategy->title, j->name);
  for (unsigned i = 0; i < j->strategy->parameter_count; i++) {
    assay_buf_printf(out, "%s%s=", i > 0 ? " " : "", j->strategy->parameters[i].name);
    assay_buf_double(out, shown_parameter(j, i));
  }
  assay_buf_puts(out, "\nprices in steps of ");
  assay_buf_double(out, j->price_of);
  assay_buf_puts(out, "\n\n");
  assay_cli_plot plot = {.values = r->equity, .stride = 1, .count = r->sample_count};
  if (r->sample_count > 1) assay_cli_put_plot(out, &plot, color);
  assay_buf_putc(out, '\n');
  put_line(out, "profit", "%.2f", r->profit);
  put_line(out, "fees (below 0: rebates)", "%.2f", r->fees);
  put_line(out, "deepest below its best", "%.2f", r->deepest);
  put_line(out, "position at the end", "%.10g", (double)r->position / j->units);
  put_line(out, "largest position", "%.10g", (double)r->most_position / j->units);
  put_line(out, "events", "%.0f", (double)r->events);
  put_line(out, "events that did not fit", "%.0f", (double)r->unknown);
  if (j->faults.count > 0) put_line(out, "malformed messages skipped", "%.0f", (double)j->faults.count);
  if (j->missing > 0) put_line(out, "messages missing", "%.0f", (double)j->missing);
  if (j->late > 0) put_line(out, "events out of time", "%.0f", (double)j->late);
  if (r->gaps > 0) put_line(out, "events after a gap", "%.0f", (double)r->gaps);
  put_line(out, "orders", "%.0f", (double)r->orders);
  put_line(out, "cancellations", "%.0f", (double)r->cancels);
  put_line(out, "of which too late", "%.0f", (double)r->too_late);
  put_line(out, "fills", "%.0f", (double)r->fill_count);
  put_line(out, "units made", "%.10g", (double)r->maker_quantity / j->units);
  put_line(out, "units taken", "%.10g", (double)r->taker_quantity / j->units);
}

/* ---- A page or a picture ------------------------------------------------------------------------------------------------------------- */

/* Each fill a row. */
static void put_table(const job *j, const assay_book_backtest_result *r, assay_buf *out) {
  assay_buf_puts(out, "time_ns,order,side,price,quantity,fee,maker\n");
  for (size_t i = 0; i < r->fill_count; i++) {
    const assay_book_backtest_fill *f = &r->fills[i];
    assay_buf_printf(out, "%llu,%llu,%s,", (unsigned long long)f->time_ns, (unsigned long long)f->order,
                     f->side == ASSAY_BUY ? "buy" : "sell");
    assay_buf_double(out, f->price * j->price_of);
    assay_buf_putc(out, ',');
    assay_buf_double(out, (double)f->quantity / j->units);
    assay_buf_putc(out, ',');
    assay_buf_double(out, f->fee);
    assay_buf_printf(out, ",%s\n", f->maker ? "true" : "false");
  }
}

/* The samples as the bars of a backtest. What is per year stays without a value: a recording is some hours. */
static assay_status write_report(const job *j, const assay_book_backtest_result *r) {
  const assay_cli_book_settings *s = j->settings;
  if (s->reports->count == 0) return ASSAY_OK;
  double *equity = assay_arena_alloc(&j->cli->arena, r->sample_count + 1, sizeof *equity), peak = s->cash, deepest = 0;
  int64_t *times = assay_arena_alloc(&j->cli->arena, r->sample_count + 1, sizeof *times);
  if (equity == NULL || times == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the report");
  for (size_t i = 0; i < r->sample_count; i++) {
    equity[i] = s->cash + r->equity[i];
    times[i] = (int64_t)(j->events[0].time_ns + i * sample_of(j));
    peak = fmax(peak, equity[i]);
    deepest = fmax(deepest, 1 - equity[i] / peak);
  }
  assay_buf title = {0}, table = {0};
  put_table(j, r, &table);
  assay_buf_printf(&title, "%s in %s", j->strategy->title, j->name);
  assay_backtest_result shown = {.equity = equity,
                                 .metrics = {.first_equity = s->cash,
                                             .last_equity = s->cash + r->profit,
                                             .total_return = r->profit / s->cash,
                                             .annual_return = NAN,
                                             .volatility = NAN,
                                             .sharpe = NAN,
                                             .sortino = NAN,
                                             .calmar = NAN,
                                             .max_drawdown = deepest,
                                             .exposure = NAN,
                                             .turnover = NAN,
                                             .win_rate = NAN,
                                             .profit_factor = NAN,
                                             .average_trade = NAN,
                                             .best_trade = NAN,
                                             .worst_trade = NAN,
                                             .fees = r->fees,
                                             .bars = r->sample_count,
                                             .fills = r->fill_count,
                                             .orders = r->orders,
                                             .ruined_at = SIZE_MAX}};
  const assay_backtest_view view = {.title = title.data, .subtitle = s->feed, .result = &shown, .times = times};
  assay_status status = title.failed ? ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the report")
                                     : assay_cli_write_backtest_reports(&view, &table, s->reports, j->err);
  assay_buf_deinit(&title);
  assay_buf_deinit(&table);
  return status;
}

int assay_cli_backtest_book(assay_cli *cli, const assay_book_strategy *strategy, const assay_cli_book_settings *settings,
                            const assay_cli_words *parameters, bool json, bool color) {
  assay_error err = {0};
  job j = {.cli = cli, .settings = settings, .err = &err, .strategy = strategy};
  assay_book_backtest_result *result = NULL;
  assay_buf out = {0};
  assay_status status = read_parameters(&j, parameters);
  if (status == ASSAY_OK) status = read_feed(&j);
  assay_book_backtest_options options = {.symbol = j.symbol,
                                         .feed_ns = (uint64_t)(settings->feed_us * 1000),
                                         .order_ns = (uint64_t)(settings->order_us * 1000),
                                         .maker_rate = settings->maker_bps / 1e4,
                                         .taker_rate = settings->taker_bps / 1e4,
                                         .tick = j.tick,
                                         .sample_ns = sample_of(&j),
                                         .keep_fills = json || settings->reports->count > 0};
  if (status == ASSAY_OK) status = assay_book_backtest_run(strategy, j.parameters, j.events, j.count, &options, &err, &result);
  if (status == ASSAY_OK) status = write_report(&j, result);
  if (status == ASSAY_OK && json) put_json(&j, result, &out);
  if (status == ASSAY_OK && !json) put_text(&j, result, color, &out);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  if (code == ASSAY_EXIT_FINE) code = j.code;
  assay_buf_deinit(&out);
  assay_book_backtest_result_destroy(result);
  return code;
}

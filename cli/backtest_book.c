/* SPDX-License-Identifier: MIT */
#include "cli/backtest_book.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/number.h"
#include "base/text.h"
#include "cli/feed.h"

typedef struct job {
  assay_cli *cli;
  const assay_cli_book_settings *settings;
  assay_error *err;
  const assay_book_strategy *strategy;
  double parameters[ASSAY_STRATEGY_MOST_PARAMETERS];
  assay_status status;
  uint32_t symbol; /* 0: not known yet */
  assay_market_event *events;
  size_t count, room;
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

/* ---- The recording
 * ----------------------------------------------------------------------------------------------------------------------- */

static bool look_for_symbol(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  job *j = context;
  (void)m;
  j->symbol = assay_cli_feed_symbol(feed, j->settings->symbol);
  return j->symbol == 0;
}

static bool collect(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  job *j = context;
  if (m->kind == NULL) {
    j->status = assay_feed_explain(m->reader, feed->path, j->err);
    return false;
  }
  for (size_t i = 0; i < m->count; i++) {
    const assay_market_event *e = &m->events[i];
    if (e->symbol != j->symbol) continue;
    if (j->count == j->room) {
      j->events = assay_arena_grow(&j->cli->arena, j->events, j->count, &j->room, sizeof *j->events);
      if (j->events == NULL) {
        j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the events of %s", feed->path);
        return false;
      }
    }
    j->events[j->count++] = *e;
  }
  return true;
}

static assay_status read_feed(job *j) {
  assay_cli_feed_file feed = {0};
  const assay_cli_feed_settings plain = {.price_decimals = 8, .quantity_decimals = 8};
  if (j->settings->feed == NULL)
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--feed FILE is missing: %s trades in a recorded book", j->strategy->name);
  if (j->settings->symbol == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--symbol is missing: whose book is it?");
  j->status = assay_cli_feed_open(j->cli, j->settings->feed, &plain, j->err, &feed);
  if (j->status == ASSAY_OK) assay_cli_feed_walk(&feed, look_for_symbol, j);
  if (j->status == ASSAY_OK && j->symbol == 0)
    j->status =
        ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "%s has no symbol '%s' (`feed decode` shows them)", j->settings->feed, j->settings->symbol);
  if (j->status == ASSAY_OK) assay_cli_feed_walk(&feed, collect, j);
  assay_cli_feed_close(&feed);
  return j->status;
}

/* ---- The answer
 * --------------------------------------------------------------------------------------------------------------------------- */

static void put_number(assay_json *json, const char *key, double value) {
  assay_json_key(json, key);
  assay_json_double(json, value);
}

static void put_count(assay_json *json, const char *key, uint64_t value) {
  assay_json_key(json, key);
  assay_json_uint(json, value);
}

static void put_json(const job *j, const assay_book_backtest_result *r, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_key(&json, "schema");
  assay_json_string(&json, "assay-book-backtest/1");
  assay_json_key(&json, "strategy");
  assay_json_string(&json, j->strategy->name);
  assay_json_key(&json, "symbol");
  assay_json_string(&json, j->settings->symbol);
  assay_json_key(&json, "parameters");
  assay_json_object_inline(&json);
  for (unsigned i = 0; i < j->strategy->parameter_count; i++) put_number(&json, j->strategy->parameters[i].name, j->parameters[i]);
  assay_json_end(&json);
  put_number(&json, "profit", r->profit);
  put_number(&json, "fees", r->fees);
  put_number(&json, "cash", r->cash);
  assay_json_key(&json, "position");
  assay_json_int(&json, r->position);
  put_count(&json, "most_position", (uint64_t)r->most_position);
  put_number(&json, "deepest", r->deepest);
  put_count(&json, "events", r->events);
  put_count(&json, "unknown", r->unknown);
  put_count(&json, "orders", r->orders);
  put_count(&json, "cancels", r->cancels);
  put_count(&json, "too_late", r->too_late);
  put_count(&json, "fills", r->fill_count);
  put_count(&json, "maker_quantity", r->maker_quantity);
  put_count(&json, "taker_quantity", r->taker_quantity);
  assay_json_key(&json, "equity");
  assay_json_array_inline(&json);
  for (size_t i = 0; i < r->sample_count; i++) assay_json_double(&json, r->equity[i]);
  assay_json_end(&json);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

static void put_line(assay_buf *out, const char *name, const char *form, double value) {
  char text[48];
  assay_snprintf(text, sizeof text, form, value == 0 ? 0 : value);
  assay_buf_printf(out, "%-28s %14s\n", name, text);
}

static void put_text(const job *j, const assay_book_backtest_result *r, bool color, assay_buf *out) {
  assay_buf_printf(out, "%s in %s: ", j->strategy->title, j->settings->symbol);
  for (unsigned i = 0; i < j->strategy->parameter_count; i++) {
    assay_buf_printf(out, "%s%s=", i > 0 ? " " : "", j->strategy->parameters[i].name);
    assay_buf_double(out, j->parameters[i]);
  }
  assay_buf_puts(out, "\n\n");
  assay_cli_plot plot = {.values = r->equity, .stride = 1, .count = r->sample_count};
  if (r->sample_count > 1) assay_cli_put_plot(out, &plot, color);
  assay_buf_putc(out, '\n');
  put_line(out, "profit", "%.2f", r->profit);
  put_line(out, "fees (below 0: rebates)", "%.2f", r->fees);
  put_line(out, "deepest below its best", "%.2f", r->deepest);
  put_line(out, "position at the end", "%.0f", (double)r->position);
  put_line(out, "largest position", "%.0f", (double)r->most_position);
  put_line(out, "events", "%.0f", (double)r->events);
  put_line(out, "events that did not fit", "%.0f", (double)r->unknown);
  put_line(out, "orders", "%.0f", (double)r->orders);
  put_line(out, "cancellations", "%.0f", (double)r->cancels);
  put_line(out, "of which too late", "%.0f", (double)r->too_late);
  put_line(out, "fills", "%.0f", (double)r->fill_count);
  put_line(out, "units made", "%.0f", (double)r->maker_quantity);
  put_line(out, "units taken", "%.0f", (double)r->taker_quantity);
}

/* About as many samples of the curve as a wide terminal has columns. */
static uint64_t sample_of(const job *j) {
  if (j->count < 2) return 1;
  uint64_t span = j->events[j->count - 1].time_ns - j->events[0].time_ns;
  return span / 500 + 1;
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
                                         .sample_ns = sample_of(&j)};
  if (status == ASSAY_OK) status = assay_book_backtest_run(strategy, j.parameters, j.events, j.count, &options, &err, &result);
  if (status == ASSAY_OK && json) put_json(&j, result, &out);
  if (status == ASSAY_OK && !json) put_text(&j, result, color, &out);
  if (status == ASSAY_OK && out.failed) status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  assay_book_backtest_result_destroy(result);
  return code;
}

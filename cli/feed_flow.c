/* SPDX-License-Identifier: MIT */
/* assay feed flow: what the best prices of a book did, a row an interval. */
#include <assay/bars.h>

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/feed.h"
#include "cli/grid.h"

typedef struct flow_settings {
  assay_cli_feed_settings from;
  const char *every, *symbol, *format;
  double most_jump; /* seconds */
  bool json;
} flow_settings;

/* Best prices, and since when they are. */
typedef struct timed_top {
  assay_top top;
  uint64_t time_ns;
} timed_top;

/* What is kept of a symbol. It begins when both sides are there, and anew where messages are missing. */
typedef struct symbol_flow {
  assay_flow flow;          /* of the row that is being made */
  assay_market_event scale; /* of its prices and quantities */
  timed_top seen;           /* the last change, which waits for the next one where its time is far ahead of all before */
  bool has_seen, waits;
  bool has_differences; /* some message told of less than the whole book */
  bool is_restated;     /* the book was told anew at restated_ns, of which more may come (rows of a table) */
  uint64_t restated_ns;
  bool is_open;                /* the last message was not the last of its instant: no book to look at yet */
  uint64_t last_ns, newest_ns; /* of its messages; of the changes that count, 0: none yet */
} symbol_flow;

typedef struct flow_job {
  const flow_settings *settings;
  assay_feed_book *book;
  symbol_flow **flows; /* an entry a symbol */
  uint32_t room;
  uint64_t every_ns, most_jump_ns;
  assay_cli_grid grid;
  assay_status status;
  assay_error *err;
  assay_cli_feed_faults faults;
  uint64_t far, broken_off; /* changes at a time that nothing else confirmed; times that a book was lost */
} flow_job;

/* ---- Rows ---------------------------------------------------------------------------------------------------------------------------- */

static void put_side(flow_job *j, int64_t price, uint64_t quantity, double scale) {
  assay_cli_grid_number(&j->grid, quantity > 0 ? (double)price / scale : NAN);
}

static void put_row(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f) {
  const assay_top *top = &f->flow.last;
  const double price = assay_cli_feed_scale(assay_market_price_decimals(&f->scale));
  const double quantity = assay_cli_feed_scale(assay_market_quantity_decimals(&f->scale));
  const bool has_both = top->bid_quantity > 0 && top->ask_quantity > 0;
  if (f->flow.changes == 0) return;
  assay_cli_grid_kept(&j->grid, assay_cli_feed_name(feed, symbol));
  assay_cli_grid_whole(&j->grid, f->newest_ns - f->newest_ns % j->every_ns);
  put_side(j, top->bid, top->bid_quantity, price);
  put_side(j, top->ask, top->ask_quantity, price);
  assay_cli_grid_number(&j->grid, (double)top->bid_quantity / quantity);
  assay_cli_grid_number(&j->grid, (double)top->ask_quantity / quantity);
  assay_cli_grid_number(&j->grid, has_both ? (double)(top->ask - top->bid) / price : NAN);
  assay_cli_grid_number(&j->grid, assay_microprice(top) / price);
  assay_cli_grid_number(&j->grid, assay_bar_sum_value(&f->flow.imbalance) / quantity);
  assay_cli_grid_whole(&j->grid, f->flow.changes);
  f->flow.imbalance = (assay_bar_sum){0};
  f->flow.changes = 0;
}

/* ---- Changes ------------------------------------------------------------------------------------------------------------------------- */

/* What is earlier than its row counts in it: a book changes when its message comes. */
static void count_change(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f, const timed_top *change) {
  if (change->time_ns / j->every_ns > f->newest_ns / j->every_ns) put_row(j, feed, symbol, f);
  if (change->time_ns > f->newest_ns) f->newest_ns = change->time_ns;
  (void)assay_flow_add(&f->flow, &change->top);
}

/* A change far ahead of the last one counts at its time when the next is as late, and else when that one does. */
static void release(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f, uint64_t next_ns) {
  if (!f->waits) return;
  f->waits = false;
  const bool is_wrong = next_ns < f->seen.time_ns && f->seen.time_ns - next_ns > j->most_jump_ns;
  j->far += is_wrong;
  if (is_wrong) f->seen.time_ns = next_ns;
  count_change(j, feed, symbol, f, &f->seen);
}

static bool is_far(const flow_job *j, const symbol_flow *f, uint64_t time_ns) {
  return f->newest_ns == 0 || (time_ns > f->newest_ns && time_ns - f->newest_ns > j->most_jump_ns);
}

static bool is_same(const assay_top *a, const assay_top *b) {
  return a->bid == b->bid && a->ask == b->ask && a->bid_quantity == b->bid_quantity && a->ask_quantity == b->ask_quantity;
}

static void take_top(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f, const assay_top *top) {
  const timed_top change = {*top, f->last_ns};
  if (!f->has_seen && (top->bid_quantity == 0 || top->ask_quantity == 0)) return;
  if (f->has_seen && is_same(top, &f->seen.top)) return;
  release(j, feed, symbol, f, change.time_ns);
  f->seen = change;
  f->has_seen = true;
  f->waits = is_far(j, f, change.time_ns);
  if (!f->waits) count_change(j, feed, symbol, f, &change);
}

/* ---- Books --------------------------------------------------------------------------------------------------------------------------- */

/* What was begun is a row; what comes behind a gap is no change of what was before. */
static void break_off(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f) {
  release(j, feed, symbol, f, f->seen.time_ns);
  put_row(j, feed, symbol, f);
  f->flow = (assay_flow){0};
  f->has_seen = f->is_open = false;
}

static bool is_lost(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f) {
  if (!assay_feed_book_is_stale(j->book, symbol)) return false;
  j->broken_off += f->has_seen;
  break_off(j, feed, symbol, f);
  return true;
}

static void look(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f) {
  assay_feed_level bid = {0}, ask = {0};
  f->is_open = false;
  if (is_lost(j, feed, symbol, f)) return;
  (void)assay_feed_book_depth(j->book, symbol, 'B', &bid, 1);
  (void)assay_feed_book_depth(j->book, symbol, 'S', &ask, 1);
  take_top(j, feed, symbol, f, &(assay_top){bid.price, ask.price, bid.quantity, ask.quantity});
}

/* ---- Books that are told anew ----------------------------------------------------------------------------------------------------------
 */

static bool has_event(const assay_cli_feed_message *m, assay_market_kind kind) {
  for (size_t i = 0; i < m->count; i++)
    if (m->events[i].kind == kind) return true;
  return false;
}

/* A record of DBN that tells of an order which rested already (F_SNAPSHOT). */
static bool is_of_snapshot(const assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  enum { FLAGS_AT = 36, SNAPSHOT = 32 };
  const assay_dbn_record *record = feed->format == ASSAY_FEED_DBN ? m->row : NULL;
  return record != NULL && record->type == ASSAY_DBN_MBO && (record->data[FLAGS_AT] & SNAPSHOT) != 0;
}

/* Whether a message tells of a whole book beside what changes it, and so of no change. Where nothing else comes, as in Binance's
 * @depth20, the difference of two such is all there is to know. */
static bool restates(symbol_flow *f, const assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  if (has_event(m, ASSAY_MARKET_CLEAR)) return feed->format != ASSAY_FEED_JSON || f->has_differences;
  f->has_differences |= !has_event(m, ASSAY_MARKET_TRADE);
  return is_of_snapshot(feed, m);
}

/* What the book is from here on begins anew, as behind a gap, but in the same row. */
static void begin_anew(flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol, symbol_flow *f) {
  release(j, feed, symbol, f, f->last_ns);
  f->flow.begun = f->has_seen = false;
  f->is_restated = true;
  f->restated_ns = f->last_ns;
}

/* Whether more of the same instant is to come before there is a book to look at. Of a table each row is a message. */
static bool is_unfinished(const symbol_flow *f, const assay_cli_feed_file *feed, const assay_market_event *last) {
  if (feed->format == ASSAY_FEED_DBN) return (last->flags & ASSAY_MARKET_LAST) == 0;
  return feed->format == ASSAY_FEED_CSV && f->is_restated;
}

static symbol_flow *flow_of(flow_job *j, uint32_t symbol, const assay_market_event *event) {
  if (symbol < j->room && j->flows[symbol] != NULL) return j->flows[symbol];
  if (symbol >= j->room) {
    const uint32_t room = 2 * symbol + 64;
    symbol_flow **flows = assay_realloc(ASSAY_TAG_CLI, j->flows, room, sizeof *flows);
    if (flows != NULL) {
      memset(flows + j->room, 0, (room - j->room) * sizeof *flows);
      j->flows = flows;
      j->room = room;
    }
  }
  symbol_flow *made = symbol < j->room ? assay_calloc(ASSAY_TAG_CLI, 1, sizeof *made) : NULL;
  if (made == NULL) {
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for the symbols of a feed");
    return NULL;
  }
  made->scale.decimals = event->decimals;
  return j->flows[symbol] = made;
}

static bool is_wanted(const flow_job *j, const assay_cli_feed_file *feed, uint32_t symbol) {
  return j->settings->symbol == NULL || strcmp(assay_cli_feed_name(feed, symbol), j->settings->symbol) == 0;
}

/* A day is over: names, books and locates begin anew. */
static void end_flows(flow_job *j, const assay_cli_feed_file *feed) {
  for (uint32_t i = 0; i < j->room; i++) {
    if (j->flows[i] == NULL) continue;
    break_off(j, feed, i, j->flows[i]);
    assay_free(j->flows[i]);
    j->flows[i] = NULL;
  }
}

/* Where DBN tells of one instant in several messages, there is no book between them; whoever does not say which is the last has a book
 * where the next instant begins. */
static bool take_message(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  flow_job *j = context;
  symbol_flow *f = NULL;
  const assay_market_event *last = m->count > 0 ? &m->events[m->count - 1] : NULL;
  const bool is_about = last != NULL && last->symbol < ASSAY_CLI_FEED_SYMBOLS && is_wanted(j, feed, last->symbol);
  if (m->day_is_over) end_flows(j, feed);
  if (m->kind != NULL && assay_feed_file_lost_before(feed->file, m->reader->base + m->reader->at)) assay_feed_book_lost(j->book);
  if (is_about && (f = flow_of(j, last->symbol, last)) == NULL) return false;
  const bool has_time = f != NULL && last->time_ns != ASSAY_CLI_FEED_NO_TIME;
  const bool is_anew = f != NULL && restates(f, feed, m), goes_on = is_anew && f->is_restated;
  if (has_time && f->is_open && last->time_ns != f->last_ns && !goes_on) look(j, feed, last->symbol, f);
  if (f != NULL && f->has_seen) (void)is_lost(j, feed, last->symbol, f); /* before a snapshot makes it known again */
  j->status = assay_cli_feed_build(j->book, &j->faults, feed, m, j->err);
  if (j->status != ASSAY_OK || f == NULL) return j->status == ASSAY_OK;
  if (has_time) f->last_ns = last->time_ns;
  if (is_anew) begin_anew(j, feed, last->symbol, f);
  f->is_restated = f->is_restated && (is_anew || f->last_ns == f->restated_ns);
  f->is_open = is_unfinished(f, feed, last);
  if (!f->is_open) look(j, feed, last->symbol, f);
  return j->status == ASSAY_OK;
}

/* ---- The verb ------------------------------------------------------------------------------------------------------------------------ */

static assay_status read_settings(flow_job *j) {
  const flow_settings *s = j->settings;
  double ns = 0;
  if (!assay_cli_feed_parse_length(s->every, &ns) || ns < 1)
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "--every needs 250ms, 1s, 1m or 1h, not '%s'", s->every);
  j->every_ns = (uint64_t)llround(ns);
  j->most_jump_ns = s->most_jump > 0 ? (uint64_t)(s->most_jump * 1e9) : UINT64_MAX;
  j->grid.on_disk = !s->json && strcmp(s->format, "csv") == 0;
  return ASSAY_OK;
}

static void read_feed(flow_job *j, assay_cli *cli, assay_cli_feed_file *feed) {
  j->status = assay_cli_feed_open(cli, cli->operands[0], &j->settings->from, j->err, feed);
  if (j->status == ASSAY_OK)
    j->status = assay_feed_book_create(&(assay_feed_book_options){.symbols = ASSAY_CLI_FEED_SYMBOLS}, j->err, &j->book);
  if (j->status == ASSAY_OK) assay_cli_feed_walk(feed, take_message, j);
  for (uint32_t i = 0; i < j->room; i++)
    if (j->flows[i] != NULL && j->flows[i]->is_open) look(j, feed, i, j->flows[i]);
  end_flows(j, feed);
}

/* Why there is no row at all. */
static void refuse_nothing(flow_job *j, const assay_cli_feed_file *feed) {
  if (j->status != ASSAY_OK || j->grid.rows > 0) return;
  if (feed->broken.status != ASSAY_OK) {
    *j->err = feed->broken;
  } else if (j->faults.count > 0) {
    *j->err = j->faults.first;
  } else {
    ASSAY_FAIL(j->err, ASSAY_ERR_NOT_FOUND, "%s has no book%s%s with a change of its best prices (`assay feed decode` says what it has)",
               feed->path, j->settings->symbol != NULL ? " of " : "", j->settings->symbol != NULL ? j->settings->symbol : "");
  }
  j->status = j->err->status;
}

static int run_flow(assay_cli *cli, const void *raw) {
  static const char *const names[] = {"symbol",       "time",   "bid",        "ask",       "bid_quantity",
                                      "ask_quantity", "spread", "microprice", "imbalance", "changes"};
  assay_error err = {0};
  assay_cli_feed_file feed = {0};
  flow_job j = {.settings = raw, .err = &err, .grid = {.cli = cli, .names = names, .columns = sizeof names / sizeof *names}};
  j.status = read_settings(&j);
  if (j.status == ASSAY_OK) read_feed(&j, cli, &feed);
  refuse_nothing(&j, &feed);
  assay_cli_grid_count(&j.grid, "lost_books", j.broken_off);
  assay_cli_grid_count(&j.grid, "far_changes", j.far);
  int code = j.status == ASSAY_OK ? assay_cli_grid_show(&j.grid, j.settings->format, j.settings->json, "assay-flow/1", "rows")
                                  : assay_cli_fail(cli, &err);
  if (code == ASSAY_EXIT_FINE && j.far > 0)
    assay_cli_note(cli, "changes that were far ahead of those around them (--most-jump), and count with the next one: %" PRIu64, j.far);
  if (code == ASSAY_EXIT_FINE && j.broken_off > 0) {
    assay_cli_note(cli, "books that messages are missing of, which have no rows from there on until they are known again: %" PRIu64,
                   j.broken_off);
    code = ASSAY_EXIT_INCONCLUSIVE;
  }
  code = assay_cli_feed_tell(cli, &feed, &j.faults, code);
  assay_cli_grid_close(&j.grid);
  assay_free(j.flows);
  assay_feed_book_destroy(j.book);
  assay_cli_feed_close(&feed);
  return code;
}

static const char *const answer_formats[] = {"csv", "text", "json", NULL};
#define AT(field) .at = offsetof(flow_settings, field)
static const assay_cli_option flow_options[] = {
    {"every", 'e', ASSAY_CLI_TEXT, "LENGTH", "1s", AT(every), .help = "Of a row: 250ms, 1s, 1m, 1h."},
    {"symbol", 's', ASSAY_CLI_TEXT, "NAME", AT(symbol), .help = "Only of this one; all when not given."},
    {"most-jump", 0, ASSAY_CLI_REAL, "SECONDS", "86400", .low = 0, .high = 1e9, AT(most_jump),
     .help = "A change that is further ahead of the one before counts at its time only when the next one is there too; 0: always."},
    {"format-out", 0, ASSAY_CLI_TEXT, "FORMAT", "csv", .choices = answer_formats, AT(format), .help = "How the answer is written."},
    {"json", 0, ASSAY_CLI_FLAG, AT(json), .help = "The same as --format-out json."},
    ASSAY_CLI_FEED_OPTIONS(flow_settings),
    ASSAY_CLI_END};
static const assay_cli_example flow_examples[] = {
    {"second by second, of every symbol", "feed flow day.itch > flow.csv"},
    {"ten seconds a row, of one symbol", "feed flow --every 10s --symbol AAPL day.itch"},
    {"of a captured stream of depth updates, as JSON", "feed flow --every 250ms --symbol BTCUSDT --json depth.json"},
    {0}};
const assay_cli_verb assay_cli_feed_flow = {
    .name = "feed flow",
    .summary = "Order-flow imbalance and microprice of a recorded book.",
    .details =
        "Of feeds of orders (ITCH, DBN mbo, FIX, LOBSTER) and of levels (Binance's depth, DBN mbp). A row is an interval in which the best "
        "prices or their quantities changed: what they are at its end, the middle weighted by the other side's quantity, and what of the "
        "changes was demand less supply (Cont, Kukanov and Stoikov 2014). Where messages are missing the book begins anew; the exit code "
        "is 3 then. docs/feeds.md.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = flow_options,
    .examples = flow_examples,
    .settings_size = sizeof(flow_settings),
    .run = run_flow,
};

/* SPDX-License-Identifier: MIT */
/* assay feed match. */
#include "cli/feed_match.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"

enum { SHOWN_BOOKS = 20 };

/* ---- The answer ---------------------------------------------------------------------------------------------------------------------- */

static const char *book_name(const assay_match_job *j, uint32_t book, char number[16]) {
  const char *name = assay_cli_feed_name(&j->symbols, book + 1);
  if (name[0] == '\0') snprintf(number, 16, "%" PRIu32, book);
  return name[0] == '\0' ? number : name;
}

/* A stream may hold anything, and a terminal does what it is told. */
static void put_name(assay_buf *out, const assay_match_job *j, uint32_t book) {
  enum { WIDTH = 17 };
  char number[16];
  const size_t before = out->length;
  assay_buf_plain(out, book_name(j, book, number));
  do assay_buf_putc(out, ' ');
  while (out->length < before + WIDTH);
}

static void put_side(assay_buf *out, const assay_match_job *j, uint32_t book, assay_side side) {
  assay_mbo_level best;
  if (!assay_book_best(j->book, book, side, &best))
    assay_buf_printf(out, "%24s", "-");
  else
    assay_buf_printf(out, "%12" PRId32 " %11" PRIu64, best.price, best.quantity);
}

static void put_text(assay_buf *out, const assay_match_job *j) {
  uint32_t shown = 0;
  assay_buf_printf(out, "%s: %" PRIu64 " messages, %" PRIu64 " events\n", j->symbols.path, assay_book_applied(j->book),
                   assay_book_sequence(j->book));
  for (unsigned i = 0; i < ASSAY_BOOK_EVENTS; i++)
    if (j->events[i] > 0) assay_buf_printf(out, "  %-14s %12" PRIu64 "\n", assay_book_event_text(i), j->events[i]);
  assay_buf_printf(out, "  %-14s %12" PRIu64 "\n  %-14s %12zu\n", "traded", j->traded, "orders left", assay_book_orders(j->book));
  for (uint32_t i = 0; i < j->settings->books && shown < SHOWN_BOOKS; i++) {
    assay_mbo_level best;
    if (!assay_book_best(j->book, i, ASSAY_BUY, &best) && !assay_book_best(j->book, i, ASSAY_SELL, &best)) continue;
    if (shown++ == 0) assay_buf_printf(out, "%-16s %24s %24s\n", "book", "bid, quantity", "ask, quantity");
    put_name(out, j, i);
    put_side(out, j, i, ASSAY_BUY);
    assay_buf_puts(out, " ");
    put_side(out, j, i, ASSAY_SELL);
    assay_buf_putc(out, '\n');
  }
  if (j->rows.text[0] != '\0')
    assay_buf_printf(out, "SHA-256 of the rows     %s\nSHA-256 of the records  %s\n", j->rows.text, j->records.text);
}

static void put_json(assay_buf *out, const assay_match_job *j) {
  assay_json json = {.out = out, .indent = 2};
  const struct {
    const char *key;
    uint64_t value;
  } counts[] = {{"messages", assay_book_applied(j->book)}, {"malformed", j->faults.count}, {"torn_bytes", j->torn},
                {"events", assay_book_sequence(j->book)},  {"traded", j->traded},          {"orders", assay_book_orders(j->book)}};
  const struct { const char *key, *value; } hashes[] = {{"rows_sha256", j->rows.text}, {"records_sha256", j->records.text}};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-match/1");
  assay_json_put_string(&json, "source", j->symbols.path);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) assay_json_put_uint(&json, counts[i].key, counts[i].value);
  assay_json_key(&json, "kinds");
  assay_json_object(&json);
  for (unsigned i = 0; i < ASSAY_BOOK_EVENTS; i++) assay_json_put_uint(&json, assay_book_event_text(i), j->events[i]);
  assay_json_end(&json);
  for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++)
    assay_json_put_string(&json, hashes[i].key, hashes[i].value[0] != '\0' ? hashes[i].value : NULL);
  assay_json_end(&json);
}

static bool is_expected(const assay_match_job *j) {
  return j->settings->expect == NULL || strcasecmp(j->settings->expect, j->rows.text) == 0 ||
         strcasecmp(j->settings->expect, j->records.text) == 0;
}

static int answer(assay_match_job *j) {
  const assay_match_settings *s = j->settings;
  const bool is_taken = j->rows.file == stdout || j->records.file == stdout;
  assay_buf out = {0};
  if (s->json)
    put_json(&out, j);
  else
    put_text(&out, j);
  int code = is_taken ? ASSAY_EXIT_FINE : assay_cli_print(j->cli, out.data);
  assay_buf_deinit(&out);
  if (j->passed > 0)
    assay_cli_note(j->cli, "%s: messages that are no order (D), cancel (F) or replace (G), and were passed: %" PRIu64, j->symbols.path,
                   j->passed);
  /* What is wrong with the input first: it may be why the hash is another. */
  code = assay_cli_feed_tell(j->cli, &j->symbols, &j->faults, code);
  if (is_expected(j)) return code;
  assay_cli_note(j->cli, "neither the rows nor the records have the hash %s", s->expect);
  return ASSAY_EXIT_MISSED;
}

/* ---- Beginning ----------------------------------------------------------------------------------------------------------------------- */

static bool is_file(const char *path, struct stat *info) {
  const bool is_standard = strcmp(path, "-") == 0;
  return (is_standard ? fstat(STDIN_FILENO, info) : stat(path, info)) == 0 && S_ISREG(info->st_mode);
}

static bool are_same(const char *a, const char *b) {
  struct stat one, other;
  if (strcmp(a, b) == 0) return true;
  return is_file(a, &one) && is_file(b, &other) && one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/* Nothing is written over what is read, and no two outputs over each other. */
static assay_status check_paths(assay_match_job *j, const char *input) {
  const assay_match_settings *s = j->settings;
  const struct { const char *option, *path; } outputs[] = {{"--events", s->events}, {"--records", s->records}, {"--journal", s->journal}};
  for (size_t i = 0; i < 3; i++) {
    if (outputs[i].path == NULL) continue;
    if (strcmp(outputs[i].path, "-") != 0 && are_same(outputs[i].path, input))
      return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s %s is the file that is read", outputs[i].option, outputs[i].path);
    for (size_t k = 0; k < i; k++)
      if (outputs[k].path != NULL && are_same(outputs[k].path, outputs[i].path))
        return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s and %s are two files", outputs[k].option, outputs[i].option);
  }
  return ASSAY_OK;
}

/* Before anything is written, so that a wrong name costs no file of before. */
static assay_status open_input(assay_match_job *j, const char *path) {
  assay_feed_reader first;
  assay_status status = check_paths(j, path);
  if (status == ASSAY_OK) status = assay_feed_file_open(path, NULL, j->err, &j->symbols.file);
  if (status != ASSAY_OK) return status;
  assay_feed_file_begin(j->symbols.file, &first);
  return first.size > 0 ? ASSAY_OK : ASSAY_FAIL(j->err, ASSAY_ERR_PARSE, "%s is empty", j->symbols.path);
}

static void take_events(void *context, const assay_book_event *events, size_t count) {
  assay_match_job *j = context;
  char row[ASSAY_ORDERS_MOST_ROW];
  assay_match_write(j, &j->records, events, count * sizeof *events);
  for (size_t i = 0; i < count; i++) {
    assay_match_write(j, &j->rows, row, assay_orders_put_event(&events[i], row));
    j->events[events[i].kind]++;
    if (j->filled.orders != NULL && !assay_match_filled_follow(&j->filled, &events[i]) && j->status == ASSAY_OK)
      j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for what has traded");
    if (events[i].kind == ASSAY_BOOK_TRADE_EVENT) j->traded += events[i].quantity;
  }
}

static assay_status begin(assay_match_job *j) {
  const assay_match_settings *s = j->settings;
  assay_error no_hash = {0};
  const bool has_hash = assay_match_load_hash(&no_hash) == ASSAY_OK;
  if (!has_hash && s->expect != NULL) return ASSAY_FAIL(j->err, no_hash.status, "%s", no_hash.message);
  if (!has_hash) assay_cli_note(j->cli, "%s", no_hash.message);
  assay_status status = assay_match_open(j, &j->rows, s->events, has_hash);
  if (status == ASSAY_OK) status = assay_match_open(j, &j->records, s->records, has_hash);
  if (status == ASSAY_OK)
    status = assay_book_create(&(assay_book_options){.books = (uint32_t)s->books,
                                                     .accounts = (uint32_t)s->accounts,
                                                     .most_orders = (uint32_t)s->most_orders,
                                                     .sink = take_events,
                                                     .context = j},
                               j->err, &j->book);
  if (status == ASSAY_OK && s->journal != NULL) {
    assay_book_journal_info info = {0};
    status = assay_book_journal_open(s->journal, 1, j->err, &j->journal, &info);
    if (status == ASSAY_OK && info.records > 0)
      status = ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s has messages already: --journal begins a new one", s->journal);
  }
  const char *names = assay_orders_event_names();
  if (status == ASSAY_OK) assay_match_write(j, &j->rows, names, strlen(names));
  return status == ASSAY_OK ? j->status : status;
}

/* ---- The verb ------------------------------------------------------------------------------------------------------------------------ */

static int run_match(assay_cli *cli, const void *raw) {
  assay_error err = {0};
  assay_match_job *j = assay_arena_alloc(&cli->arena, 1, sizeof *j);
  if (j == NULL) return assay_cli_fail(cli, &(assay_error){.status = ASSAY_ERR_NO_MEMORY, .message = "out of memory"});
  *j = (assay_match_job){.settings = raw,
                         .cli = cli,
                         .err = &err,
                         .symbols = {.cli = cli, .path = strcmp(cli->operands[0], "-") == 0 ? "standard input" : cli->operands[0]}};
  j->status = open_input(j, cli->operands[0]);
  if (j->status == ASSAY_OK) j->status = begin(j);
  if (j->status == ASSAY_OK) assay_match_file(j, cli->operands[0]);
  if (j->status == ASSAY_OK) j->status = assay_book_check(j->book, &err);
  assay_match_finish(j, &j->rows);
  assay_match_finish(j, &j->records);
  assay_error journal_err = {0};
  if (assay_book_journal_close(j->journal, &journal_err) != ASSAY_OK && j->status == ASSAY_OK) err = journal_err, j->status = err.status;
  int code = j->status == ASSAY_OK ? answer(j) : assay_cli_fail(cli, &err);
  assay_book_destroy(j->book);
  assay_match_filled_end(&j->filled);
  assay_cli_feed_close(&j->symbols);
  return code;
}

#define AT(field) .at = offsetof(assay_match_settings, field)
static const assay_cli_option match_options[] = {
    {"events", 'e', ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, AT(events),
     .help = "Every event as a row of CSV; `-`: on standard output, and nothing else."},
    {"records", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, AT(records), .help = "Every event as its 64 bytes (assay_book_event)."},
    {"expect", 0, ASSAY_CLI_TEXT, "SHA256", AT(expect), .help = "Exit code 1 unless the rows or the records have this hash."},
    {"price-decimals", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = 9, AT(price_decimals),
     .help = "Of prices in a table and FIX: with 2, 100.25 is the book's 10025."},
    {"quantity-decimals", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = 9, AT(quantity_decimals), .help = "Of quantities."},
    {"books", 0, ASSAY_CLI_UNSIGNED, "N", "1024", .low = 1, .high = 1000000, AT(books), .help = "Numbers from 0 to N - 1, or symbols."},
    {"accounts", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = 10000000, AT(accounts),
     .help = "Check risk, for accounts 0 to N - 1; 0: not at all."},
    {"most-orders", 0, ASSAY_CLI_UNSIGNED, "N", "0", .low = 0, .high = 1 << 30, AT(most_orders), .help = "At one time; 0: 2^24."},
    {"journal", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, AT(journal), .help = "Keep the messages as a journal (a new file)."},
    {"raw", 0, ASSAY_CLI_FLAG, AT(raw), .help = "FILE is messages of 64 bytes (assay_book_message), one behind the other."},
    {"json", 0, ASSAY_CLI_FLAG, AT(json), .help = "The summary as JSON."},
    ASSAY_CLI_END};
static const assay_cli_example match_examples[] = {
    {"what came of it, and its hash", "feed match orders.csv"},
    {"every event, and its hash by another program", "feed match --events - orders.csv | sha256sum"},
    {"a stream with decimal prices whose events are known", "feed match --price-decimals 2 --expect $(cat orders.sha256) orders.csv"},
    {0}};
const assay_cli_verb assay_cli_feed_match = {
    .name = "feed match",
    .summary = "Match a stream of orders: every event, their hash, and what is left.",
    .details =
        "FILE is a table of orders (CSV with a line of names: kind, id, account, symbol, side, type, tif, price, quantity and more), "
        "orders, cancels and replaces of FIX 4.4 or a log of them, a journal of an engine, or with --raw its messages; `-` is standard "
        "input. The "
        "same stream gives the same events, byte for byte, on every machine, and the hash is the SHA-256 of the bytes that --events (and "
        "--records) write. What is malformed is passed and told, with exit code 2. docs/book.md has the columns, the rules, and what each "
        "event says.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = match_options,
    .examples = match_examples,
    .settings_size = sizeof(assay_match_settings),
    .run = run_match,
};

/* SPDX-License-Identifier: MIT */
/* assay feed match: orders from a table, FIX, a journal of an engine, or its messages as they are. */
#include <inttypes.h>
#include <string.h>

#include "cli/feed_match.h"
#include "market/feeds/cells.h"
#include "os/prim.h"

static bool flush(assay_match_job *j) {
  if (j->status == ASSAY_OK && j->journal != NULL) j->status = assay_book_journal_append(j->journal, j->waiting, j->waiting_count, j->err);
  if (j->status == ASSAY_OK) assay_book_apply(j->book, j->waiting, j->waiting_count);
  j->waiting_count = 0;
  return j->status == ASSAY_OK;
}

static bool take_message(assay_match_job *j, const assay_book_message *message) {
  j->waiting[j->waiting_count++] = *message;
  return j->waiting_count < ASSAY_MATCH_AT_ONCE || flush(j);
}

static bool note_fault(assay_match_job *j, assay_feed_reader *reader) {
  assay_cli_feed_note_fault(&j->faults, &j->symbols, reader);
  return assay_feed_skip(reader);
}

/* Why a row has no book; NULL: it has one. A clock is of all books, and what is of an order that rests has that order's. */
static const char *no_book(const assay_order_row *row) {
  const uint8_t kind = row->message.kind;
  const bool has_own = kind == ASSAY_BOOK_NEW || kind == ASSAY_BOOK_PHASE || kind == ASSAY_BOOK_UNCROSS;
  if (row->symbol.length >= ASSAY_CLI_FEED_NAME) return "a symbol that is too long";
  return has_own && row->message.book == 0 && row->symbol.at != NULL && row->symbol.length == 0 ? "no symbol, which says its book" : NULL;
}

static void refuse_row(assay_match_job *j, uint64_t message, const char *problem) {
  if (j->faults.count++ == 0)
    ASSAY_FAIL(&j->faults.first, ASSAY_ERR_PARSE, "%s: message %" PRIu64 " has %s", j->symbols.path, message, problem);
}

/* Symbols are books in the order in which they come. */
static bool find_book(assay_match_job *j, assay_order_row *row) {
  if (row->symbol.at == NULL || row->symbol.length == 0) return true;
  const uint32_t number = assay_cli_feed_number(&j->symbols, row->symbol);
  if (number == 0 || number > j->settings->books) {
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_LIMIT, "%s has more than %" PRIu64 " symbols (--books)", j->symbols.path, j->settings->books);
    return false;
  }
  row->message.book = number - 1;
  return true;
}

/* A column that is passed over may be one that counts, under a name that nobody knows here. Before the second row: the names are still in
 * the window then, unless they alone fill it. */
static void tell_passed_columns(const assay_match_job *j, const assay_order_reader *reader) {
  assay_feed_reader names = reader->in;
  assay_cells_line line;
  assay_buf passed = {0};
  names.at = 0;
  if (names.base != 0 || assay_cells_next_line(&names, &line) != ASSAY_FEED_MESSAGE) return;
  for (size_t i = 0, at = 0; i < reader->columns; i++, at++) {
    assay_feed_text cell;
    if (!assay_cells_read(line.text, line.length, reader->separator, &at, &cell)) break;
    if (reader->roles[i] != 0 || cell.length == 0) continue;
    const char *name = assay_arena_strndup(&j->cli->arena, cell.at, cell.length);
    if (passed.length > 0) assay_buf_puts(&passed, ", ");
    if (name != NULL) assay_buf_plain(&passed, name);
  }
  if (passed.length > 0)
    assay_cli_note(j->cli, "%s: columns that say nothing to an engine, and were passed over: %s", j->symbols.path, passed.data);
  assay_buf_deinit(&passed);
}

static void match_table(assay_match_job *j, assay_feed_file *file) {
  assay_order_reader reader;
  assay_order_row row;
  bool is_first = true;
  assay_orders_open(&reader, NULL, 0, (unsigned)j->settings->price_decimals, (unsigned)j->settings->quantity_decimals);
  assay_feed_file_begin(file, &reader.in);
  do {
    while (assay_orders_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
      const char *problem = no_book(&row);
      if (is_first) tell_passed_columns(j, &reader);
      is_first = false;
      if (problem != NULL)
        refuse_row(j, reader.in.count, problem);
      else if (!find_book(j, &row) || !take_message(j, &row.message))
        return;
    }
  } while (reader.in.fault.problem != NULL ? note_fault(j, &reader.in)
                                           : !reader.in.last && assay_feed_file_more(file, &reader.in, &j->symbols.broken) == ASSAY_OK);
}

static void match_raw(assay_match_job *j, assay_feed_file *file) {
  assay_feed_reader reader;
  assay_book_message message;
  assay_feed_file_begin(file, &reader);
  do {
    for (; reader.size - reader.at >= sizeof message; reader.at += sizeof message) {
      memcpy(&message, reader.data + reader.at, sizeof message);
      if (!take_message(j, &message)) return;
    }
  } while (!reader.last && assay_feed_file_more(file, &reader, &j->symbols.broken) == ASSAY_OK);
  if (!reader.last || reader.size == reader.at) return;
  j->torn = reader.size - reader.at;
  ASSAY_FAIL(&j->symbols.broken, ASSAY_ERR_PARSE, "%s ends inside a message of %zu bytes", j->symbols.path, sizeof message);
}

/* Account (1): a number is itself, a name its hash (FNV-1a, 32 bits). */
static uint32_t account_of(const assay_fix_message *message) {
  assay_feed_text text = {0};
  uint64_t number = 0;
  if (assay_fix_whole(message, 1, &number) && number <= UINT32_MAX) return (uint32_t)number;
  if (!assay_fix_find(message, 1, &text)) return 0;
  uint32_t hash = UINT32_C(0x811c9dc5);
  for (size_t i = 0; i < text.length; i++) hash = (hash ^ (uint8_t)text.at[i]) * UINT32_C(0x01000193);
  return hash;
}

static bool refuse_order(assay_match_job *j, const assay_cli_feed_message *m, uint32_t tag, const assay_feed_fault *fault) {
  if (j->faults.count++ == 0)
    ASSAY_FAIL(&j->faults.first, ASSAY_ERR_PARSE, "%s: message %" PRIu64 " is no order: tag %" PRIu32 ", %s: %s", j->symbols.path,
               m->reader->count, tag, fault->field, fault->problem);
  return true;
}

/* One at a time: what a replacement leaves open depends on what has traded before. */
static bool take_fix(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  assay_match_job *j = context;
  const assay_fix_message *fix = m->row;
  (void)feed;
  if (m->kind == NULL) {
    assay_cli_feed_note_fault(&j->faults, &j->symbols, m->reader);
    return true;
  }
  if (!assay_fix_is(fix, "D") && !assay_fix_is(fix, "F") && !assay_fix_is(fix, "G")) {
    j->passed++;
    return true;
  }
  assay_order_row row = {0};
  assay_feed_fault fault = {0};
  uint32_t tag = 0;
  assay_fix_find(fix, 55, &row.symbol);
  if (row.symbol.length >= ASSAY_CLI_FEED_NAME) return refuse_row(j, m->reader->count, "a symbol that is too long"), true;
  if (!find_book(j, &row)) return false;
  assay_fix_terms terms = {.book = row.message.book,
                           .account = account_of(fix),
                           .price_decimals = (unsigned)j->settings->price_decimals,
                           .quantity_decimals = (unsigned)j->settings->quantity_decimals,
                           .tick = 1};
  if (!assay_fix_order(fix, &terms, &row.message, &tag, &fault)) return refuse_order(j, m, tag, &fault);
  terms.filled = assay_fix_is(fix, "G") ? assay_match_filled_of(&j->filled, row.message.id) : 0;
  /* No more than has traded: nothing is to stay open. */
  if (terms.filled > 0 && row.message.quantity <= terms.filled)
    row.message = (assay_book_message){.kind = ASSAY_BOOK_CANCEL,
                                       .time = row.message.time,
                                       .id = row.message.id,
                                       .account = row.message.account,
                                       .book = row.message.book,
                                       .side = row.message.side};
  else if (terms.filled > 0 && !assay_fix_order(fix, &terms, &row.message, &tag, &fault))
    return refuse_order(j, m, tag, &fault);
  return take_message(j, &row.message) && flush(j);
}

static void match_fix(assay_match_job *j) {
  j->symbols.format = ASSAY_FEED_FIX;
  j->symbols.begun_ns = assay_os_now_ns();
  j->status = assay_cli_feed_unwrap(&j->symbols, j->err);
  if (j->status == ASSAY_OK && !assay_match_filled_begin(&j->filled))
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for what has traded");
  if (j->status == ASSAY_OK) assay_cli_feed_walk(&j->symbols, take_fix, j);
}

static assay_status match_journal(assay_match_job *j, const char *path) {
  if (strcmp(path, "-") == 0 || assay_feed_file_where(j->symbols.file).packed)
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s is a journal: it is read from a plain file by its name, not from a pipe or packed",
                      j->symbols.path);
  if (j->journal != NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s is a journal: --journal would be the same again", path);
  assay_book_journal_info info = {0};
  assay_status status = assay_book_journal_replay(path, j->book, j->err, &info);
  j->torn = info.torn_bytes;
  if (j->torn > 0)
    ASSAY_FAIL(&j->symbols.broken, ASSAY_ERR_PARSE, "%s has a torn end: its last %" PRIu64 " bytes are no whole record", path, j->torn);
  return status;
}

assay_status assay_match_file(assay_match_job *j, const char *path) {
  static const char journal_magic[] = "ASYJRNL";
  assay_feed_file *file = j->symbols.file;
  assay_feed_reader first;
  assay_feed_file_begin(file, &first);
  if (j->settings->raw)
    match_raw(j, file);
  else if (first.size >= sizeof journal_magic && memcmp(first.data, journal_magic, sizeof journal_magic) == 0)
    j->status = match_journal(j, path);
  else if (assay_cli_feed_is_fix(first.data, first.size))
    match_fix(j);
  else
    match_table(j, file);
  if (j->status == ASSAY_OK) flush(j);
  if (j->status == ASSAY_OK && j->faults.count > 0 && assay_book_applied(j->book) == 0) {
    *j->err = j->faults.first;
    j->status = ASSAY_ERR_PARSE;
  }
  if (j->status == ASSAY_OK && j->torn > 0 && assay_book_applied(j->book) == 0) {
    *j->err = j->symbols.broken;
    j->status = j->err->status;
  }
  return j->status;
}

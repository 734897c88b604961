/* SPDX-License-Identifier: MIT */
/* assay feed match. */
#include <assay/feed_orders.h>

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/number.h"
#include "cli/feed.h"
#include "os/library.h"
#include "os/prim.h"

typedef struct match_settings {
  const char *events, *records, *journal, *expect;
  uint64_t accounts, books, most_orders, price_decimals, quantity_decimals;
  bool raw, json;
} match_settings;

#define HASH_FUNCTIONS(X) X(EVP_MD_CTX_new) X(EVP_MD_CTX_free) X(EVP_sha256) X(EVP_DigestInit_ex) X(EVP_DigestUpdate) X(EVP_DigestFinal_ex)
static struct { ASSAY_LIBRARY_TABLE(HASH_FUNCTIONS) } evp;

enum { AT_ONCE = 256, HASH_TEXT = 65, SHOWN_BOOKS = 20 };

/* Where events go in one form: into a hash, and a file where one was asked for. */
typedef struct output {
  const char *path;
  char *target, *beside; /* a file is written beside its place and put there at the end; NULL: it is written through */
  FILE *file;
  EVP_MD_CTX *hash;
  char text[HASH_TEXT]; /* "" without libcrypto */
} output;

/* What has traded of an order that is open: FIX names all of its quantity, the engine what is open. */
typedef struct filled_order {
  uint64_t id, quantity; /* quantity 0: a free place */
} filled_order;

typedef struct match_job {
  const match_settings *settings;
  assay_cli *cli;
  assay_error *err;
  assay_status status;
  assay_book *book;
  assay_book_journal *journal;
  output rows, records;
  uint64_t events[ASSAY_BOOK_EVENTS], traded;
  assay_book_message waiting[AT_ONCE];
  size_t waiting_count;
  assay_cli_feed_file symbols; /* the file, and its names */
  filled_order *filled;        /* of FIX, by hash; NULL: it is none */
  size_t filled_count, filled_room;
  uint64_t seed;   /* of that hash: the file chooses the ids, and nobody's choice may make them collide */
  uint64_t passed; /* messages of FIX that are no orders */
  assay_cli_feed_faults faults;
} match_job;

/* ---- Events out ---------------------------------------------------------------------------------------------------------------------- */

static void put(match_job *j, output *out, const void *bytes, size_t size) {
  if (out->hash != NULL && evp.EVP_DigestUpdate(out->hash, bytes, size) != 1 && j->status == ASSAY_OK)
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_INTERNAL, "libcrypto cannot hash the events");
  if (out->file == NULL || j->status != ASSAY_OK || fwrite(bytes, 1, size, out->file) == size) return;
  j->status = ASSAY_FAIL(j->err, ASSAY_ERR_IO, "cannot write %s", out->path);
}

/* ---- What has traded ----------------------------------------------------------------------------------------------------------------- */

static size_t place_of(const match_job *j, uint64_t id) {
  unsigned __int128 product = (unsigned __int128)(id ^ j->seed) * (UINT64_C(0x9e3779b97f4a7c15) ^ j->seed << 1);
  return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & (j->filled_room - 1);
}

static filled_order *find_filled(const match_job *j, uint64_t id) {
  size_t at = place_of(j, id);
  while (j->filled[at].quantity > 0 && j->filled[at].id != id) at = (at + 1) & (j->filled_room - 1);
  return &j->filled[at];
}

static bool grow_filled(match_job *j) {
  match_job grown = {.filled_room = j->filled_room == 0 ? 1024 : 2 * j->filled_room, .seed = j->seed};
  grown.filled = assay_calloc(ASSAY_TAG_CLI, grown.filled_room, sizeof *grown.filled);
  if (grown.filled == NULL) return false;
  for (size_t i = 0; i < j->filled_room; i++)
    if (j->filled[i].quantity > 0) *find_filled(&grown, j->filled[i].id) = j->filled[i];
  assay_free(j->filled);
  j->filled = grown.filled;
  j->filled_room = grown.filled_room;
  return true;
}

static void add_filled(match_job *j, uint64_t id, uint64_t quantity) {
  if (quantity == 0) return;
  if (2 * j->filled_count >= j->filled_room && !grow_filled(j)) {
    if (j->status == ASSAY_OK) j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for what has traded");
    return;
  }
  filled_order *own = find_filled(j, id);
  j->filled_count += own->quantity == 0;
  *own = (filled_order){.id = id, .quantity = own->quantity + quantity};
}

/* What stands behind the free place moves up, unless it would come before where its search begins. */
static void drop_filled(match_job *j, uint64_t id) {
  const size_t mask = j->filled_room - 1;
  size_t hole = (size_t)(find_filled(j, id) - j->filled);
  if (j->filled[hole].quantity == 0) return;
  for (size_t at = (hole + 1) & mask; j->filled[at].quantity > 0; at = (at + 1) & mask) {
    if (((at - place_of(j, j->filled[at].id)) & mask) < ((at - hole) & mask)) continue;
    j->filled[hole] = j->filled[at];
    hole = at;
  }
  j->filled[hole] = (filled_order){0};
  j->filled_count--;
}

static void follow_event(match_job *j, const assay_book_event *e) {
  const uint64_t before = e->kind == ASSAY_BOOK_REPLACED_EVENT ? find_filled(j, e->id)->quantity : 0;
  if (e->kind == ASSAY_BOOK_TRADE_EVENT) {
    add_filled(j, e->id, e->quantity);
    add_filled(j, e->other, e->quantity);
    if ((e->flags & ASSAY_BOOK_ID_DONE) != 0) drop_filled(j, e->id);
    if ((e->flags & ASSAY_BOOK_OTHER_DONE) != 0) drop_filled(j, e->other);
  }
  /* An id that is used again is another order. */
  if (e->kind == ASSAY_BOOK_ACCEPTED_EVENT || e->kind == ASSAY_BOOK_CANCELLED_EVENT || e->kind == ASSAY_BOOK_EXPIRED_EVENT ||
      e->kind == ASSAY_BOOK_REPLACED_EVENT)
    drop_filled(j, e->id);
  if (e->kind == ASSAY_BOOK_REPLACED_EVENT) add_filled(j, e->other, before);
}

/* ---- Events, taken ------------------------------------------------------------------------------------------------------------------- */

static void take_events(void *context, const assay_book_event *events, size_t count) {
  match_job *j = context;
  char row[ASSAY_ORDERS_MOST_ROW];
  put(j, &j->records, events, count * sizeof *events);
  for (size_t i = 0; i < count; i++) {
    put(j, &j->rows, row, assay_orders_put_event(&events[i], row));
    j->events[events[i].kind]++;
    if (j->filled != NULL) follow_event(j, &events[i]);
    if (events[i].kind == ASSAY_BOOK_TRADE_EVENT) j->traded += events[i].quantity;
  }
}

static assay_status load_hash(assay_error *err) {
  static const char *const names[] = {"libcrypto.so.3", "libcrypto.3.dylib", NULL}, *const symbols[] = {ASSAY_LIBRARY_NAMES(HASH_FUNCTIONS)
                                                                                                            NULL};
  return assay_library_load(names, symbols, (void **)&evp, "the hash of events", "libssl3", err);
}

static assay_status open_beside(match_job *j, output *out) {
  const size_t length = strlen(out->path) + sizeof ".XXXXXX";
  out->target = realpath(out->path, NULL); /* a link stays a link */
  const size_t room = out->target != NULL ? strlen(out->target) + sizeof ".XXXXXX" : length;
  out->beside = assay_alloc(ASSAY_TAG_CLI, room);
  if (out->beside == NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", out->path);
  assay_snprintf(out->beside, room, "%s.XXXXXX", out->target != NULL ? out->target : out->path);
  const int fd = mkstemp(out->beside);
  if (fd < 0) {
    assay_free(out->beside);
    out->beside = NULL;
    return ASSAY_FAIL_ERRNO(j->err, errno, "cannot write %s", out->path);
  }
  const mode_t mask = umask(0);
  umask(mask);
  fchmod(fd, 0666 & ~mask);
  out->file = fdopen(fd, "wb");
  if (out->file != NULL) return ASSAY_OK;
  close(fd);
  return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", out->path);
}

static assay_status open_output(match_job *j, output *out, const char *path, bool has_hash) {
  struct stat there;
  out->path = path;
  if (has_hash && ((out->hash = evp.EVP_MD_CTX_new()) == NULL || evp.EVP_DigestInit_ex(out->hash, evp.EVP_sha256(), NULL) != 1))
    return ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "no memory for the hash of events");
  if (path == NULL) return ASSAY_OK;
  const bool is_stdout = strcmp(path, "-") == 0;
  if (!is_stdout && (stat(path, &there) != 0 || S_ISREG(there.st_mode))) return open_beside(j, out);
  out->file = is_stdout ? stdout : fopen(path, "wb"); /* a device or a pipe is written through */
  return out->file != NULL ? ASSAY_OK : ASSAY_FAIL_ERRNO(j->err, errno, "cannot write %s", path);
}

static void finish_output(match_job *j, output *out) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (out->hash != NULL && evp.EVP_DigestFinal_ex(out->hash, digest, &size) == 1)
    for (unsigned i = 0; i < size && 2 * i + 2 < HASH_TEXT; i++) snprintf(out->text + (size_t)2 * i, 3, "%02x", digest[i]);
  if (out->hash != NULL) evp.EVP_MD_CTX_free(out->hash);
  if (out->file != NULL) {
    bool is_written = out->file == stdout ? fflush(stdout) == 0 : fclose(out->file) == 0;
    if (!is_written && j->status == ASSAY_OK) j->status = ASSAY_FAIL(j->err, ASSAY_ERR_IO, "cannot write %s", out->path);
  }
  if (out->beside != NULL && j->status == ASSAY_OK && rename(out->beside, out->target != NULL ? out->target : out->path) != 0)
    j->status = ASSAY_FAIL_ERRNO(j->err, errno, "cannot write %s", out->path);
  if (out->beside != NULL && j->status != ASSAY_OK) unlink(out->beside);
  assay_free(out->beside);
  free(out->target);
}

/* ---- Messages in --------------------------------------------------------------------------------------------------------------------- */

static bool flush(match_job *j) {
  if (j->status == ASSAY_OK && j->journal != NULL) j->status = assay_book_journal_append(j->journal, j->waiting, j->waiting_count, j->err);
  if (j->status == ASSAY_OK) assay_book_apply(j->book, j->waiting, j->waiting_count);
  j->waiting_count = 0;
  return j->status == ASSAY_OK;
}

static bool take_message(match_job *j, const assay_book_message *message) {
  j->waiting[j->waiting_count++] = *message;
  return j->waiting_count < AT_ONCE || flush(j);
}

static bool note_fault(match_job *j, assay_feed_reader *reader) {
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

static void refuse_row(match_job *j, uint64_t message, const char *problem) {
  if (j->faults.count++ == 0)
    ASSAY_FAIL(&j->faults.first, ASSAY_ERR_PARSE, "%s: message %" PRIu64 " has %s", j->symbols.path, message, problem);
}

/* Symbols are books in the order in which they come. */
static bool find_book(match_job *j, assay_order_row *row) {
  if (row->symbol.at == NULL || row->symbol.length == 0) return true;
  const uint32_t number = assay_cli_feed_number(&j->symbols, row->symbol);
  if (number == 0 || number > j->settings->books) {
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_LIMIT, "%s has more than %" PRIu64 " symbols (--books)", j->symbols.path, j->settings->books);
    return false;
  }
  row->message.book = number - 1;
  return true;
}

static void match_table(match_job *j, assay_feed_file *file) {
  assay_order_reader reader;
  assay_order_row row;
  assay_orders_open(&reader, NULL, 0, (unsigned)j->settings->price_decimals, (unsigned)j->settings->quantity_decimals);
  assay_feed_file_begin(file, &reader.in);
  do {
    while (assay_orders_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
      const char *problem = no_book(&row);
      if (problem != NULL)
        refuse_row(j, reader.in.count, problem);
      else if (!find_book(j, &row) || !take_message(j, &row.message))
        return;
    }
  } while (reader.in.fault.problem != NULL ? note_fault(j, &reader.in)
                                           : !reader.in.last && assay_feed_file_more(file, &reader.in, &j->symbols.broken) == ASSAY_OK);
}

static void match_raw(match_job *j, assay_feed_file *file) {
  assay_feed_reader reader;
  assay_book_message message;
  assay_feed_file_begin(file, &reader);
  do {
    for (; reader.size - reader.at >= sizeof message; reader.at += sizeof message) {
      memcpy(&message, reader.data + reader.at, sizeof message);
      if (!take_message(j, &message)) return;
    }
  } while (!reader.last && assay_feed_file_more(file, &reader, &j->symbols.broken) == ASSAY_OK);
  if (reader.last && reader.size != reader.at)
    j->status = ASSAY_FAIL(j->err, ASSAY_ERR_PARSE, "%s ends inside a message of %zu bytes", j->symbols.path, sizeof message);
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

static bool refuse_order(match_job *j, const assay_cli_feed_message *m, uint32_t tag, const assay_feed_fault *fault) {
  if (j->faults.count++ == 0)
    ASSAY_FAIL(&j->faults.first, ASSAY_ERR_PARSE, "%s: message %" PRIu64 " is no order: tag %" PRIu32 ", %s: %s", j->symbols.path,
               m->reader->count, tag, fault->field, fault->problem);
  return true;
}

/* One at a time: what a replacement leaves open depends on what has traded before. */
static bool take_fix(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  match_job *j = context;
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
  terms.filled = assay_fix_is(fix, "G") ? find_filled(j, row.message.id)->quantity : 0;
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

static void match_fix(match_job *j) {
  j->symbols.format = ASSAY_FEED_FIX;
  j->symbols.begun_ns = assay_os_now_ns();
  j->status = assay_cli_feed_unwrap(&j->symbols, j->err);
  if (j->status == ASSAY_OK && !grow_filled(j)) j->status = ASSAY_FAIL(j->err, ASSAY_ERR_NO_MEMORY, "out of memory for what has traded");
  if (j->status == ASSAY_OK) assay_cli_feed_walk(&j->symbols, take_fix, j);
}

static assay_status match_journal(match_job *j, const char *path) {
  if (strcmp(path, "-") == 0 || assay_feed_file_where(j->symbols.file).packed)
    return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s is a journal: it is read from a plain file by its name, not from a pipe or packed",
                      j->symbols.path);
  if (j->journal != NULL) return ASSAY_FAIL(j->err, ASSAY_ERR_INVALID, "%s is a journal: --journal would be the same again", path);
  return assay_book_journal_replay(path, j->book, j->err, NULL);
}

static assay_status match_file(match_job *j, const char *path) {
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
  return j->status;
}

/* ---- The answer ---------------------------------------------------------------------------------------------------------------------- */

static const char *book_name(const match_job *j, uint32_t book, char number[16]) {
  const char *name = assay_cli_feed_name(&j->symbols, book + 1);
  if (name[0] == '\0') snprintf(number, 16, "%" PRIu32, book);
  return name[0] == '\0' ? number : name;
}

static void put_side(assay_buf *out, const match_job *j, uint32_t book, assay_side side) {
  assay_mbo_level best;
  if (!assay_book_best(j->book, book, side, &best))
    assay_buf_printf(out, "%24s", "-");
  else
    assay_buf_printf(out, "%12" PRId32 " %11" PRIu64, best.price, best.quantity);
}

static void put_text(assay_buf *out, const match_job *j) {
  char number[16];
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
    assay_buf_printf(out, "%-16s ", book_name(j, i, number));
    put_side(out, j, i, ASSAY_BUY);
    assay_buf_puts(out, " ");
    put_side(out, j, i, ASSAY_SELL);
    assay_buf_putc(out, '\n');
  }
  if (j->rows.text[0] != '\0')
    assay_buf_printf(out, "SHA-256 of the rows     %s\nSHA-256 of the records  %s\n", j->rows.text, j->records.text);
}

static void put_json(assay_buf *out, const match_job *j) {
  assay_json json = {.out = out, .indent = 2};
  const struct {
    const char *key;
    uint64_t value;
  } counts[] = {{"messages", assay_book_applied(j->book)},
                {"malformed", j->faults.count},
                {"events", assay_book_sequence(j->book)},
                {"traded", j->traded},
                {"orders", assay_book_orders(j->book)}};
  const struct { const char *key, *value; } hashes[] = {{"rows_sha256", j->rows.text}, {"records_sha256", j->records.text}};
  assay_json_object(&json);
  assay_json_key(&json, "schema");
  assay_json_string(&json, "assay-match/1");
  assay_json_key(&json, "source");
  assay_json_string(&json, j->symbols.path);
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    assay_json_key(&json, counts[i].key);
    assay_json_uint(&json, counts[i].value);
  }
  assay_json_key(&json, "kinds");
  assay_json_object(&json);
  for (unsigned i = 0; i < ASSAY_BOOK_EVENTS; i++) {
    assay_json_key(&json, assay_book_event_text(i));
    assay_json_uint(&json, j->events[i]);
  }
  assay_json_end(&json);
  for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
    assay_json_key(&json, hashes[i].key);
    hashes[i].value[0] != '\0' ? assay_json_string(&json, hashes[i].value) : assay_json_null(&json);
  }
  assay_json_end(&json);
}

static bool is_expected(const match_job *j) {
  return j->settings->expect == NULL || strcasecmp(j->settings->expect, j->rows.text) == 0 ||
         strcasecmp(j->settings->expect, j->records.text) == 0;
}

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
static assay_status check_paths(match_job *j, const char *input) {
  const match_settings *s = j->settings;
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
static assay_status open_input(match_job *j, const char *path) {
  assay_feed_reader first;
  assay_status status = check_paths(j, path);
  if (status == ASSAY_OK) status = assay_feed_file_open(path, NULL, j->err, &j->symbols.file);
  if (status != ASSAY_OK) return status;
  assay_feed_file_begin(j->symbols.file, &first);
  return first.size > 0 ? ASSAY_OK : ASSAY_FAIL(j->err, ASSAY_ERR_PARSE, "%s is empty", j->symbols.path);
}

static assay_status begin(match_job *j) {
  const match_settings *s = j->settings;
  assay_error no_hash = {0};
  const bool has_hash = load_hash(&no_hash) == ASSAY_OK;
  if (!has_hash && s->expect != NULL) return ASSAY_FAIL(j->err, no_hash.status, "%s", no_hash.message);
  if (!has_hash) assay_cli_note(j->cli, "%s", no_hash.message);
  assay_status status = open_output(j, &j->rows, s->events, has_hash);
  if (status == ASSAY_OK) status = open_output(j, &j->records, s->records, has_hash);
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
  if (status == ASSAY_OK) put(j, &j->rows, names, strlen(names));
  return status == ASSAY_OK ? j->status : status;
}

static int answer(match_job *j) {
  const match_settings *s = j->settings;
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

static int run_match(assay_cli *cli, const void *raw) {
  assay_error err = {0};
  match_job *j = assay_arena_alloc(&cli->arena, 1, sizeof *j);
  if (j == NULL) return assay_cli_fail(cli, &(assay_error){.status = ASSAY_ERR_NO_MEMORY, .message = "out of memory"});
  *j = (match_job){.settings = raw,
                   .cli = cli,
                   .err = &err,
                   .symbols = {.cli = cli, .path = strcmp(cli->operands[0], "-") == 0 ? "standard input" : cli->operands[0]}};
  if (!assay_os_entropy(&j->seed, sizeof j->seed)) j->seed = assay_os_now_ns();
  j->status = open_input(j, cli->operands[0]);
  if (j->status == ASSAY_OK) j->status = begin(j);
  if (j->status == ASSAY_OK) match_file(j, cli->operands[0]);
  if (j->status == ASSAY_OK) j->status = assay_book_check(j->book, &err);
  finish_output(j, &j->rows);
  finish_output(j, &j->records);
  assay_error journal_err = {0};
  if (assay_book_journal_close(j->journal, &journal_err) != ASSAY_OK && j->status == ASSAY_OK) err = journal_err, j->status = err.status;
  int code = j->status == ASSAY_OK ? answer(j) : assay_cli_fail(cli, &err);
  assay_book_destroy(j->book);
  assay_free(j->filled);
  assay_cli_feed_close(&j->symbols);
  return code;
}

#define AT(field) .at = offsetof(match_settings, field)
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
        "orders, "
        "cancels and replaces of FIX 4.4 or a log of them, a journal of an engine, or with --raw its messages; `-` is standard input. The "
        "same stream gives the same events, byte for byte, on every machine, and the hash is the SHA-256 of the bytes that --events (and "
        "--records) write. What is malformed is passed and told, with exit code 2. docs/book.md has the columns, the rules, and what each "
        "event says.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = match_options,
    .examples = match_examples,
    .settings_size = sizeof(match_settings),
    .run = run_match,
};

/* SPDX-License-Identifier: MIT */
#include "market/feeds/feed.h"

#include <inttypes.h>
#include <string.h>

#include <assay/feed_itch.h>

#include "market/feeds/csv.h"

static const char *const formats[ASSAY_FEED_FORMATS] = {"unknown", "itch", "fix", "dbn", "json", "csv"};

const char *assay_feed_format_text(assay_feed_format format) {
  return (unsigned)format < ASSAY_FEED_FORMATS ? formats[format] : formats[ASSAY_FEED_UNKNOWN];
}

assay_feed_format assay_feed_format_find(const char *text) {
  for (int i = ASSAY_FEED_UNKNOWN + 1; text != NULL && i < ASSAY_FEED_FORMATS; i++)
    if (strcmp(text, formats[i]) == 0) return (assay_feed_format)i;
  return ASSAY_FEED_UNKNOWN;
}

const char *assay_market_kind_text(assay_market_kind kind) {
  static const char *const kinds[ASSAY_MARKET_KINDS] = {"nothing", "add",   "execute", "cancel", "delete", "replace",
                                                        "trade",   "quote", "status",  "clear",  "broken"};
  return (unsigned)kind < ASSAY_MARKET_KINDS ? kinds[kind] : kinds[ASSAY_MARKET_NOTHING];
}

/* ---- Recognising -------------------------------------------------------------------------------------------------------------------- */

/* A file of ITCH has nothing at its start but its first messages: two whole blocks of the right lengths (or one that is all) do not happen
 * by chance in text. */
static bool looks_like_itch(const uint8_t *bytes, size_t size) {
  size_t at = 0, found = 0;
  while (size - at >= 3 && found < 4) {
    size_t length = assay_be16(bytes + at);
    if (length == 0 || length != assay_itch_lengths[bytes[at + 2]]) return false;
    found++;
    if (size - at < 2 + length) break;
    at += 2 + length;
  }
  return found > 0;
}

/* A line of words, one of which says that these are prices or trades; or of values that are known by their places. */
static bool is_line_of_csv(const char *text, size_t length) {
  static const char *const words[] = {"time", "price", "date", "close", "symbol", "bid", "last", "px", "unix"};
  if (assay_csv_is_title(text, length)) return false;
  for (size_t i = 0; i < length; i++)
    for (size_t w = 0; w < sizeof words / sizeof *words; w++) {
      size_t at = 0;
      while (words[w][at] != '\0' && i + at < length && (text[i + at] | 0x20) == words[w][at]) at++;
      if (words[w][at] == '\0') return true;
    }
  uint8_t roles[ASSAY_CSV_BARE_COLUMNS];
  return assay_csv_bare_roles(text, length, roles) > 0;
}

/* Titles may stand above the first line. */
static bool looks_like_csv(const char *text, size_t size) {
  enum { MOST_TITLES = 20 };
  for (int lines = 0; lines <= MOST_TITLES && size > 0; lines++) {
    const char *end = memchr(text, '\n', size);
    const size_t whole = end != NULL ? (size_t)(end - text) + 1 : size;
    size_t length = end != NULL ? whole - 1 : size;
    if (length > 0 && text[length - 1] == '\r') length--;
    if (length > 0 && !assay_csv_is_title(text, length)) return is_line_of_csv(text, length);
    text += whole;
    size -= whole;
  }
  return false;
}

assay_feed_format assay_feed_recognise(const void *bytes, size_t size) {
  const char *text = bytes;
  size_t at = 0;
  if (size >= 4 && memcmp(text, "DBN", 3) == 0 && text[3] >= 1 && text[3] <= 9) return ASSAY_FEED_DBN;
  if (looks_like_itch(bytes, size)) return ASSAY_FEED_ITCH;
  if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) at = 3;
  while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) at++;
  if (size - at >= 7 && memcmp(text + at, "8=FIX", 5) == 0) return ASSAY_FEED_FIX;
  if (at < size && (text[at] == '{' || text[at] == '[')) return ASSAY_FEED_JSON;
  size_t behind = at; /* the time of receipt, and a document */
  if (at < size && text[at] >= '0' && text[at] <= '9')
    while (behind < size && text[behind] != '\0' && strchr("0123456789.-:TZ", text[behind]) != NULL) behind++;
  if (behind > at && size - behind >= 2 && (text[behind] == ' ' || text[behind] == '\t') && text[behind + 1] == '{') return ASSAY_FEED_JSON;
  return at < size && looks_like_csv(text + at, size - at) ? ASSAY_FEED_CSV : ASSAY_FEED_UNKNOWN;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------------------ */

void assay_feed_open(assay_feed_reader *reader, const void *bytes, size_t size) {
  *reader = (assay_feed_reader){.data = bytes, .size = size, .last = true};
}

void assay_feed_window(assay_feed_reader *reader, const void *bytes, size_t size, bool last) {
  reader->base += reader->at;
  reader->data = bytes;
  reader->size = size;
  reader->at = 0;
  reader->last = last;
}

assay_feed_step assay_feed_fail(assay_feed_reader *reader, size_t field_at, size_t next_at, const char *field, const char *problem,
                                const char *mend) {
  reader->fault = (assay_feed_fault){.offset = reader->base + field_at,
                                     .message = reader->count + 1,
                                     .field = field,
                                     .problem = problem,
                                     .mend = mend,
                                     .next = next_at > 0 ? reader->base + next_at : 0};
  return ASSAY_FEED_MALFORMED;
}

assay_feed_step assay_feed_short(assay_feed_reader *reader, const char *field) {
  if (!reader->last) return ASSAY_FEED_MORE;
  return assay_feed_fail(reader, reader->size, 0, field, "the stream ends inside a message",
                         "fetch the rest of it, or drop the last message");
}

assay_status assay_feed_explain(const assay_feed_reader *reader, const char *what, assay_error *err) {
  const assay_feed_fault *fault = &reader->fault;
  if (fault->problem == NULL) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s: message %" PRIu64 " at byte %" PRIu64 ", field %s: %s; %s", what, fault->message,
                    fault->offset, fault->field, fault->problem, fault->mend);
}

bool assay_feed_skip(assay_feed_reader *reader) {
  uint64_t next = reader->fault.next;
  if (reader->fault.problem == NULL || next == 0 || next < reader->base + reader->at || next - reader->base > reader->size) return false;
  reader->at = (size_t)(next - reader->base);
  reader->count++;
  reader->fault = (assay_feed_fault){0};
  return true;
}

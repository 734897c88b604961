/* SPDX-License-Identifier: MIT */
/* A file of any format as events, for the verbs about feeds. */
#include "cli/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

const char *const assay_cli_feed_formats[] = {"itch", "fix", "dbn", "json", "csv", NULL};

/* ---- Opening ------------------------------------------------------------------------------------------------------------------------- */

/* Whether the first line has a FIX message in it, behind a time or whatever else a log writes before each. */
static bool looks_like_fix_log(const uint8_t *bytes, size_t size) {
  const uint8_t *end = memchr(bytes, '\n', size), *found = memmem(bytes, end != NULL ? (size_t)(end - bytes) : size, "8=FIX", 5);
  return found != NULL && (found == bytes || !strchr("0123456789", found[-1]) || found[-1] == '\0');
}

/*
 * Logs of FIX write a time before each message, and bars where its separators are. Bars become separators, and what stands between two
 * messages line ends, which the reader passes: so every place keeps its number. A stream as it came over the line is left as it is.
 */
static bool is_fix_log(const uint8_t *bytes, size_t size) {
  size_t first = 0;
  while (first < size && bytes[first] != '|' && bytes[first] != 1) first++;
  return first < size && (bytes[first] == '|' || size < 5 || memcmp(bytes, "8=FIX", 5) != 0);
}

/* The character that ends the fields of the message at `begin`; 0: that is not to be seen yet. */
static uint8_t separator_of(const uint8_t *begin, const uint8_t *end, bool last) {
  const uint8_t *line = memchr(begin, '\n', (size_t)(end - begin)), *const most = line != NULL ? line : end;
  const uint8_t *at = begin;
  while (at < most && *at != '|' && *at != 1) at++;
  return at < most ? *at : line != NULL || last ? 1 : 0;
}

/* What stands behind the first BeginString where fields end with something that no log of ours has; 0: they end as they should. */
static char odd_separator(const uint8_t *bytes, size_t size) {
  const uint8_t *found = memmem(bytes, size, "8=FIX.4.4", 9), *const end = bytes + size;
  if (found == NULL || end - found < 12) return 0;
  const size_t width = found[9] == '^' && found[10] == 'A' ? 2 : 1;
  /* BodyLength (9) is next in a message; in a line of prose it is not. */
  if ((size_t)(end - found) < 11 + width || memcmp(found + 9 + width, "9=", 2) != 0) return 0;
  return found[9] == '|' || found[9] == 1 ? 0 : (char)found[9];
}

static size_t unwrap_fix_log(void *context, uint8_t *bytes, size_t size, bool last) {
  enum { PART = 4 }; /* of "8=FIX" */
  uint8_t *at = bytes, *const end = bytes + size, *begin;
  (void)context;
  while ((begin = memmem(at, (size_t)(end - at), "8=FIX", 5)) != NULL) {
    const uint8_t separator = separator_of(begin, end, last), check[] = {separator, '1', '0', '='};
    const uint8_t *sum = separator != 0 ? memmem(begin, (size_t)(end - begin), check, sizeof check) : NULL;
    const uint8_t *behind = sum != NULL ? memchr(sum + 1, separator, (size_t)(end - sum - 1)) : NULL;
    memset(at, '\n', (size_t)(begin - at));
    if (behind == NULL && !last) return (size_t)(begin - bytes);
    behind = behind != NULL ? behind + 1 : end;
    for (at = begin; at < behind; at++)
      if (*at == '|' && separator == '|') *at = 1;
  }
  size_t left = (size_t)(end - at), keep = last ? 0 : left < PART ? left : PART;
  memset(at, '\n', left - keep);
  return size - keep;
}

assay_status assay_cli_feed_unwrap(assay_cli_feed_file *feed, assay_error *err) {
  assay_feed_reader first;
  assay_feed_file_begin(feed->file, &first);
  const char odd = odd_separator(first.data, first.size), text[] = {odd, '\0'};
  const bool is_file = strcmp(feed->path, "-") != 0 && strcmp(feed->path, "standard input") != 0;
  if (odd == '^' || odd == ';' || odd == ' ')
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s writes '%s' between fields: `sed 's/%s/|/g'%s%s | %s %s -` reads it", feed->path,
                      odd == '^' ? "^A" : text, odd == '^' ? "\\^A" : text, is_file ? " " : "", is_file ? feed->path : "",
                      feed->cli->program, feed->cli->verb->name);
  if (!is_fix_log(first.data, first.size)) return ASSAY_OK;
  return assay_feed_file_set_prepare(feed->file, unwrap_fix_log, NULL, err);
}

bool assay_cli_feed_is_fix(const uint8_t *bytes, size_t size) {
  const assay_feed_format format = assay_feed_recognise(bytes, size);
  if (format != ASSAY_FEED_UNKNOWN && format != ASSAY_FEED_CSV) return format == ASSAY_FEED_FIX;
  return looks_like_fix_log(bytes, size);
}

assay_status assay_cli_feed_open(assay_cli *cli, const char *path, const assay_cli_feed_settings *settings, assay_error *err,
                                 assay_cli_feed_file *feed) {
  assay_feed_reader first;
  *feed = (assay_cli_feed_file){.cli = cli,
                                .path = path,
                                .begun_ns = assay_os_now_ns(),
                                .price_decimals = (unsigned)settings->price_decimals,
                                .quantity_decimals = (unsigned)settings->quantity_decimals};
  assay_status status = assay_feed_file_open(path, NULL, err, &feed->file);
  if (status != ASSAY_OK) return status;
  assay_feed_file_begin(feed->file, &first);
  feed->format = settings->format != NULL ? assay_feed_format_find(settings->format) : assay_feed_recognise(first.data, first.size);
  assay_feed_file_capture capture;
  if (first.size == 0 && assay_feed_file_captured(feed->file, &capture))
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE,
                      "%s is a capture of %" PRIu64 " packets, none of which is MoldUDP64 with messages of TotalView-ITCH 5.0", path,
                      capture.packets);
  if (first.size == 0) return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "%s is empty", path);
  if (settings->format == NULL && (feed->format == ASSAY_FEED_UNKNOWN || feed->format == ASSAY_FEED_CSV))
    if (looks_like_fix_log(first.data, first.size)) feed->format = ASSAY_FEED_FIX;
  if (feed->format == ASSAY_FEED_FIX) status = assay_cli_feed_unwrap(feed, err);
  if (status != ASSAY_OK) return status;
  if (feed->format == ASSAY_FEED_UNKNOWN)
    return ASSAY_FAIL(err, ASSAY_ERR_PARSE,
                      "%s does not begin like any feed that is known: --format says what it is (itch, fix, dbn, json or csv)", path);
  feed->levels = assay_alloc(ASSAY_TAG_CLI, ASSAY_CLI_FEED_LEVELS * sizeof *feed->levels);
  if (feed->levels == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %s", path);
  if (!assay_os_entropy(&feed->seed, sizeof feed->seed)) feed->seed = assay_os_now_ns();
  if (feed->format != ASSAY_FEED_DBN) return ASSAY_OK;
  status = assay_dbn_map_create(ASSAY_CLI_FEED_SYMBOLS - 1, err, &feed->map);
  return status == ASSAY_OK ? assay_dbn_map_create(0, err, &feed->ids) : status;
}

void assay_cli_feed_close(assay_cli_feed_file *feed) {
  assay_free(feed->levels);
  assay_free(feed->names);
  assay_free(feed->places);
  assay_free(feed->id_names);
  assay_free(feed->trade_kinds);
  assay_dbn_map_destroy(feed->map);
  assay_dbn_map_destroy(feed->ids);
  assay_feed_file_close(feed->file);
}

/* ---- Symbols ------------------------------------------------------------------------------------------------------------------------- */

/* With a secret, so that nobody's choice of names makes them collide. */
static uint32_t hash_of(const assay_cli_feed_file *feed, const char *text, size_t length) {
  uint64_t hash = feed->seed ^ length;
  for (size_t at = 0; at < length; at += 8) {
    uint64_t word = 0;
    memcpy(&word, text + at, length - at < 8 ? length - at : 8);
    unsigned __int128 product = (unsigned __int128)(hash ^ word) * (UINT64_C(0x9e3779b97f4a7c15) ^ feed->seed << 1);
    hash = (uint64_t)product ^ (uint64_t)(product >> 64);
  }
  return (uint32_t)(hash ^ hash >> 32);
}

static bool is_named(const assay_cli_feed_file *feed, uint32_t symbol, const char *text, size_t length) {
  return strlen(feed->names[symbol]) == length && memcmp(feed->names[symbol], text, length) == 0;
}

static uint32_t find_name(const assay_cli_feed_file *feed, const char *text, size_t length) {
  if (feed->places == NULL || length == 0) return 0;
  for (uint32_t at = hash_of(feed, text, length) & feed->place_mask;; at = (at + 1) & feed->place_mask) {
    uint32_t symbol = feed->places[at];
    if (symbol == 0 || is_named(feed, symbol, text, length)) return symbol;
  }
}

static void place_name(assay_cli_feed_file *feed, uint32_t symbol) {
  const char *name = feed->names[symbol];
  size_t length = strlen(name);
  uint32_t at = hash_of(feed, name, length) & feed->place_mask;
  while (feed->places[at] != 0 && !is_named(feed, feed->places[at], name, length)) at = (at + 1) & feed->place_mask;
  if (feed->places[at] != 0) return; /* of two with one name, the first is found */
  feed->places[at] = symbol;
  feed->places_used++;
}

/* The places of old names are forgotten whenever there are too many. */
static bool spread_names(assay_cli_feed_file *feed) {
  uint32_t room = 1024;
  while (room < 4 * feed->named) room *= 2;
  uint32_t *places = assay_calloc(ASSAY_TAG_CLI, room, sizeof *places);
  if (places == NULL) return false;
  assay_free(feed->places);
  feed->places = places;
  feed->place_mask = room - 1;
  feed->places_used = 0;
  for (uint32_t i = 1; i <= feed->named; i++)
    if (feed->names[i][0] != '\0') place_name(feed, i);
  return true;
}

static bool grow_names(char (**names)[ASSAY_CLI_FEED_NAME], uint32_t *room, uint32_t wanted) {
  if (wanted < *room) return true;
  uint32_t more = wanted < 64 ? 128 : 2 * wanted;
  void *grown = assay_realloc(ASSAY_TAG_CLI, *names, more, sizeof **names);
  if (grown == NULL) return false;
  *names = grown;
  memset(*names + *room, 0, (more - *room) * sizeof **names);
  *room = more;
  return true;
}

static void name_symbol(assay_cli_feed_file *feed, uint32_t symbol, const char *text, size_t length) {
  while (length > 0 && text[length - 1] == ' ') length--;
  if (symbol == 0 || symbol >= ASSAY_CLI_FEED_SYMBOLS || length == 0 || length >= ASSAY_CLI_FEED_NAME) return;
  if (!grow_names(&feed->names, &feed->name_room, symbol)) return;
  if (symbol > feed->named) feed->named = symbol;
  if (is_named(feed, symbol, text, length)) return;
  memcpy(feed->names[symbol], text, length);
  feed->names[symbol][length] = '\0';
  if (feed->places != NULL && 2 * feed->places_used < feed->place_mask)
    place_name(feed, symbol);
  else
    (void)spread_names(feed); /* without memory, the names before are found still */
}

uint32_t assay_cli_feed_number(assay_cli_feed_file *feed, assay_feed_text text) {
  if (text.at == NULL || text.length == 0 || text.length >= ASSAY_CLI_FEED_NAME) return 0;
  uint32_t symbol = find_name(feed, text.at, text.length);
  if (symbol != 0) return symbol;
  symbol = feed->named + 1;
  name_symbol(feed, symbol, text.at, text.length);
  return feed->named == symbol ? symbol : 0;
}

const char *assay_cli_feed_name(const assay_cli_feed_file *feed, uint32_t symbol) {
  return symbol <= feed->named && feed->names != NULL ? feed->names[symbol] : "";
}

uint32_t assay_cli_feed_symbol(const assay_cli_feed_file *feed, const char *name) { return find_name(feed, name, strlen(name)); }

/* ---- Windows ------------------------------------------------------------------------------------------------------------------------- */

/* How far a long file is read, on a terminal. */
static void show_progress(assay_cli_feed_file *feed) {
  const uint64_t patience_ns = 1000000000, redraw_ns = 200000000;
  uint64_t now = assay_os_now_ns();
  if (now - feed->begun_ns < patience_ns || now - feed->drawn_ns < redraw_ns || !isatty(STDERR_FILENO)) return;
  const assay_feed_file_place place = assay_feed_file_where(feed->file);
  const uint64_t mega = 1000000;
  feed->drawn_ns = now;
  feed->drawn = true;
  fprintf(stderr, "\r\033[Kreading %.60s: %" PRIu64, feed->path, place.read / mega);
  if (place.size > 0)
    fprintf(stderr, " of %" PRIu64 " MB, %" PRIu64 " %%", place.size / mega, place.read * 100 / place.size);
  else
    fputs(" MB", stderr);
  fflush(stderr);
}

static bool next_window(assay_cli_feed_file *feed, assay_feed_reader *reader) {
  show_progress(feed);
  return assay_feed_file_more(feed->file, reader, &feed->broken) == ASSAY_OK;
}

/* Whether where a malformed message ends may be in what is not in the window yet: then it is looked at again with more behind it. */
static bool look_further(assay_cli_feed_file *feed, assay_feed_reader *reader) {
  const size_t far_enough = (size_t)1 << 24;
  const assay_feed_fault fault = reader->fault;
  if (reader->last || reader->size - reader->at > far_enough) return false;
  if (fault.next != 0 && fault.next - reader->base <= reader->size) return false;
  reader->fault = (assay_feed_fault){0};
  if (next_window(feed, reader)) return true;
  reader->fault = fault;
  return false;
}

/* After a step that was no message: whether there is more. A fault is told, and passed where its end is known. */
static bool go_on(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_cli_feed_visit *visit, void *context) {
  if (reader->fault.problem == NULL) return !reader->last && next_window(feed, reader);
  if (look_further(feed, reader)) return true;
  return visit(context, feed, &(assay_cli_feed_message){.reader = reader}) && assay_feed_skip(reader);
}

/* ---- Walking ------------------------------------------------------------------------------------------------------------------------- */

/* Locates are given anew every day. */
static void forget_names(assay_cli_feed_file *feed) {
  for (uint32_t i = 0; i <= feed->named && feed->names != NULL; i++) feed->names[i][0] = '\0';
  if (feed->places != NULL) memset(feed->places, 0, (feed->place_mask + (size_t)1) * sizeof *feed->places);
  feed->named = feed->places_used = 0;
}

static const uint64_t disorder_ns = UINT64_C(60000000000);

static bool is_early(const assay_cli_feed_file *feed, uint64_t time_ns) { return time_ns + disorder_ns < feed->time_ns; }

/* A clock may be wrong once: a time far ahead is the feed's once the next message is as late, and an early one never. */
__attribute__((noinline)) static void note_odd_time(assay_cli_feed_file *feed, uint64_t time_ns) {
  if (feed->far_ns != 0 && time_ns + disorder_ns >= feed->far_ns) feed->time_ns = feed->far_ns;
  feed->far_ns = time_ns > feed->time_ns + disorder_ns ? time_ns : 0;
  if (feed->far_ns == 0 && !is_early(feed, time_ns)) feed->time_ns = time_ns;
}

static void note_time(assay_cli_feed_file *feed, uint64_t time_ns) {
  if (__builtin_expect(feed->far_ns == 0 && time_ns + disorder_ns - feed->time_ns <= 2 * disorder_ns, 1))
    feed->time_ns = time_ns;
  else
    note_odd_time(feed, time_ns);
}

/* Whether the message behind `m` is early too. The window may have to go on for that, and `m` with it. */
__attribute__((noinline)) static bool is_next_early(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_itch_message *m) {
  assay_feed_reader ahead = *reader;
  assay_itch_message next;
  assay_market_event event;
  assay_feed_step step;
  while ((step = assay_itch_next(&ahead, &next)) == ASSAY_FEED_MORE) {
    reader->at -= m->length + (size_t)2;
    reader->count--;
    bool is_more = next_window(feed, reader);
    assay_itch_next(reader, m);
    if (!is_more) return false;
    ahead = *reader;
  }
  if (step != ASSAY_FEED_MESSAGE) return false;
  assay_itch_event(&next, &event);
  return is_early(feed, event.time_ns);
}

/* Another day of ITCH, in the same file: it begins with its system event, or (where that is cut off) with two early messages. */
static bool begins_day(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_itch_message *m, uint64_t time_ns) {
  if (feed->days == 0) return false;
  if (m->type == 'S' && m->as->system.event == 'O') return true;
  return is_early(feed, time_ns) && is_next_early(feed, reader, m);
}

/* Books are empty then. The event says so itself, unless its beginning is cut off; returns how many events there are. */
static size_t begin_day(assay_cli_feed_file *feed, assay_market_event events[2]) {
  forget_names(feed);
  feed->days++;
  feed->time_ns = feed->far_ns = 0;
  if ((events[0].flags & ASSAY_MARKET_ALL_SYMBOLS) != 0) return 1;
  events[1] = events[0];
  events[0] = (assay_market_event){.time_ns = events[1].time_ns, .kind = ASSAY_MARKET_STATUS, .flags = ASSAY_MARKET_ALL_SYMBOLS};
  return 2;
}

static void walk_itch(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  const uint64_t day_ns = UINT64_C(86400000000000);
  assay_feed_reader reader;
  assay_itch_message m;
  assay_feed_file_begin(feed->file, &reader);
  feed->days = 0;
  do {
    while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      assay_market_event events[2];
      const char kind[2] = {m.type, '\0'};
      size_t count = 1;
      assay_itch_event(&m, events);
      uint64_t time_ns = events[0].time_ns;
      if (__builtin_expect(begins_day(feed, &reader, &m, time_ns), 0)) {
        if (!visit(context, feed, &(assay_cli_feed_message){.reader = &reader, .day_is_over = true})) return;
        count = begin_day(feed, events);
      }
      if (feed->days == 0) feed->days = 1;
      note_time(feed, time_ns);
      for (size_t i = 0; i < count && feed->days > 1; i++) events[i].time_ns += (feed->days - 1) * day_ns;
      const assay_market_event *event = &events[count - 1];
      if (m.type == 'R') name_symbol(feed, assay_itch_locate(&m), m.as->directory.stock, sizeof m.as->directory.stock);
      if (m.type == 'A' || m.type == 'F')
        if (assay_cli_feed_name(feed, event->symbol)[0] == '\0') name_symbol(feed, event->symbol, m.as->add.stock, sizeof m.as->add.stock);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader, kind, assay_itch_name(m.type), &m, events, count})) return;
    }
  } while (go_on(feed, &reader, visit, context));
}

static void walk_fix(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_feed_reader reader;
  assay_fix_message m;
  assay_feed_file_begin(feed->file, &reader);
  do {
    while (assay_fix_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      assay_market_event event;
      assay_feed_text symbol = {0};
      char kind[8] = "";
      memcpy(kind, m.type.at, m.type.length < sizeof kind ? m.type.length : sizeof kind - 1);
      assay_fix_find(&m, 55, &symbol);
      size_t count = assay_fix_event(&m, assay_cli_feed_number(feed, symbol), feed->price_decimals, feed->quantity_decimals, &event);
      if (count > 0 && event.time_ns == 0) event.time_ns = ASSAY_CLI_FEED_NO_TIME;
      const char *name = assay_fix_name(&m);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader, kind, name != NULL ? name : "other", &m, &event, count})) return;
    }
  } while (go_on(feed, &reader, visit, context));
}

static void name_instrument(assay_cli_feed_file *feed, uint32_t instrument, assay_feed_text name) {
  if (name.at == NULL || name.length == 0 || name.length >= ASSAY_CLI_FEED_NAME) return;
  uint32_t at = assay_dbn_map_add(feed->ids, 0, instrument);
  if (at == 0 || !grow_names(&feed->id_names, &feed->id_room, at)) return;
  memcpy(feed->id_names[at], name.at, name.length);
  feed->id_names[at][name.length] = '\0';
}

static bool whole_number(assay_feed_text text, uint32_t *number) {
  int64_t value = 0;
  if (text.length == 0 || !assay_feed_decimal(text.at, text.length, 0, &value) || value < 0 || value > UINT32_MAX) return false;
  *number = (uint32_t)value;
  return true;
}

/* The metadata's mappings: a symbol, and what it was called from one day to another. One of the two is the instrument's id, mostly. */
static void name_from_metadata(assay_cli_feed_file *feed, const assay_dbn_metadata *m) {
  enum { STYPE_INSTRUMENT = 0 };
  const uint8_t *at = m->mapping;
  for (uint32_t i = 0; i < m->mappings; i++) {
    const assay_dbn_list from = {.at = at, .count = 1, .width = m->symbol_width};
    assay_feed_text name = assay_dbn_item(&from, 0);
    at += m->symbol_width;
    uint32_t intervals = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
    at += 4;
    for (uint32_t k = 0; k < intervals; k++, at += 8 + (size_t)m->symbol_width) {
      const assay_dbn_list to = {.at = at + 8, .count = 1, .width = m->symbol_width};
      assay_feed_text other = assay_dbn_item(&to, 0);
      uint32_t instrument;
      if (m->stype_in == STYPE_INSTRUMENT && m->stype_out != STYPE_INSTRUMENT) {
        if (whole_number(name, &instrument)) name_instrument(feed, instrument, other);
      } else if (whole_number(other, &instrument)) {
        name_instrument(feed, instrument, name);
      }
    }
  }
}

/* The number of a record's symbol. A new one is called as its instrument is: by its id when that has no name, and with the publisher's
 * number (or the instrument's) behind it where the name is another's already. */
static uint32_t number_instrument(assay_cli_feed_file *feed, const assay_dbn_record *record, bool again) {
  uint32_t symbol = assay_dbn_map_number(feed->map, record), instrument = assay_dbn_instrument(record);
  if (symbol == 0) return UINT32_MAX; /* which no book has */
  if (symbol <= feed->named && !again) return symbol;
  uint32_t id = assay_dbn_map_find(feed->ids, 0, instrument), other;
  char name[ASSAY_CLI_FEED_NAME], longer[ASSAY_CLI_FEED_NAME];
  if (id != 0)
    memcpy(name, feed->id_names[id], sizeof name);
  else
    snprintf(name, sizeof name, "%" PRIu32, instrument);
  memcpy(longer, name, sizeof name);
  if ((other = find_name(feed, longer, strlen(longer))) != 0 && other != symbol)
    snprintf(longer, sizeof longer, "%.66s@%u", name, assay_dbn_publisher(record));
  if ((other = find_name(feed, longer, strlen(longer))) != 0 && other != symbol)
    snprintf(longer, sizeof longer, "%.50s@%u#%" PRIu32, name, assay_dbn_publisher(record), instrument);
  name_symbol(feed, symbol, longer, strlen(longer));
  return symbol;
}

static uint32_t name_from_dbn(assay_cli_feed_file *feed, const assay_dbn_record *record) {
  const char *field = record->type == ASSAY_DBN_DEFINITION       ? "raw_symbol"
                      : record->type == ASSAY_DBN_SYMBOL_MAPPING ? "stype_out_symbol"
                                                                 : NULL;
  if (record->type == ASSAY_DBN_SYSTEM || record->type == ASSAY_DBN_ERROR) return UINT32_MAX;
  if (field != NULL) name_instrument(feed, assay_dbn_instrument(record), assay_dbn_text(record, field));
  return number_instrument(feed, record, field != NULL);
}

static void walk_dbn(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_dbn_reader reader;
  assay_dbn_record record;
  assay_dbn_open(&reader, NULL, 0);
  assay_feed_file_begin(feed->file, &reader.in);
  assay_feed_step begun;
  while ((begun = assay_dbn_read_metadata(&reader)) == ASSAY_FEED_MORE)
    if (!next_window(feed, &reader.in)) return;
  if (begun == ASSAY_FEED_MESSAGE) name_from_metadata(feed, &reader.metadata);
  do {
    while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE) {
      assay_market_event events[ASSAY_DBN_MOST_EVENTS];
      size_t count = assay_dbn_events(&reader, &record, name_from_dbn(feed, &record), events);
      const char *kind = assay_dbn_type_text(record.type);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader.in, kind, "", &record, events, count})) return;
    }
  } while (go_on(feed, &reader.in, visit, context));
}

/* Streams name in small letters what messages name in capitals. A snapshot that was asked for names nothing: it is of the file's one symbol
 * (which may have no name yet). */
static uint32_t number_pair(assay_cli_feed_file *feed, const assay_binance_message *m) {
  char name[ASSAY_CLI_FEED_NAME];
  if (m->kind == ASSAY_BINANCE_OTHER) return 0;
  if (m->symbol.at == NULL) return m->kind == ASSAY_BINANCE_SNAPSHOT && feed->named <= 1 ? 1 : 0;
  if (m->symbol.length >= sizeof name) return 0;
  for (size_t i = 0; i < m->symbol.length; i++) {
    char c = m->symbol.at[i];
    name[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
  }
  return assay_cli_feed_number(feed, (assay_feed_text){.at = name, .length = m->symbol.length});
}

/* Who captures a pair's trades and its aggTrades has all of them twice: the kind that came first counts. */
static bool says_again(assay_cli_feed_file *feed, uint32_t symbol, assay_binance_kind kind) {
  if (kind != ASSAY_BINANCE_TRADE && kind != ASSAY_BINANCE_AGGREGATE) return false;
  if (symbol >= feed->trade_room) {
    uint32_t room = 2 * symbol + 64;
    uint8_t *kinds = assay_realloc(ASSAY_TAG_CLI, feed->trade_kinds, room, 1);
    if (kinds == NULL) return false;
    memset(kinds + feed->trade_room, 0, room - feed->trade_room);
    feed->trade_kinds = kinds;
    feed->trade_room = room;
  }
  uint8_t *own = &feed->trade_kinds[symbol];
  if (*own == 0) *own = (uint8_t)kind;
  if (*own == kind) return false;
  feed->said_again[kind == ASSAY_BINANCE_AGGREGATE]++;
  return true;
}

static void walk_json(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  static assay_market_event events[ASSAY_CLI_FEED_LEVELS + 1];
  assay_binance_reader reader;
  assay_binance_message m;
  assay_binance_open(&reader, NULL, 0, feed->price_decimals, feed->quantity_decimals, feed->levels, ASSAY_CLI_FEED_LEVELS);
  assay_feed_file_begin(feed->file, &reader.in);
  do {
    while (assay_binance_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      uint32_t symbol = number_pair(feed, &m);
      size_t count = assay_binance_events(&reader, &m, symbol, 0, events, ASSAY_CLI_FEED_LEVELS + 1);
      const bool again = says_again(feed, symbol, m.kind);
      for (size_t i = 0; i < count; i++)
        if (events[i].time_ns == 0) events[i].time_ns = ASSAY_CLI_FEED_NO_TIME;
      if (!visit(context, feed,
                 &(assay_cli_feed_message){&reader.in, assay_binance_kind_text(m.kind), "", &m, events, count, symbol, again}))
        return;
    }
  } while (go_on(feed, &reader.in, visit, context));
}

/* "dir/AAPL_2012-06-21_34200000_57600000_message_10.csv" is AAPL's: rows of LOBSTER name no symbol. */
static assay_feed_text symbol_of_path(const char *path) {
  const char *slash = strrchr(path, '/'), *base = slash != NULL ? slash + 1 : path;
  if (strcmp(path, "-") == 0) base = "stdin";
  return (assay_feed_text){.at = base, .length = strcspn(base, "_.")};
}

static void walk_csv(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, NULL, 0, feed->price_decimals, feed->quantity_decimals);
  assay_feed_file_begin(feed->file, &reader.in);
  do {
    while (assay_csv_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
      assay_market_event event;
      feed->no_quantities = !reader.quantities;
      if (row.kind == ASSAY_CSV_ORDER) row.symbol = symbol_of_path(feed->path);
      assay_csv_event(&reader, &row, assay_cli_feed_number(feed, row.symbol), &event);
      const char *kind = row.kind == ASSAY_CSV_BAR ? "bar" : row.kind == ASSAY_CSV_ORDER ? assay_market_kind_text(row.event) : "tick";
      if (!visit(context, feed, &(assay_cli_feed_message){&reader.in, kind, "", &row, &event, 1})) return;
    }
  } while (go_on(feed, &reader.in, visit, context));
}

void assay_cli_feed_walk(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  switch (feed->format) {
    case ASSAY_FEED_ITCH: walk_itch(feed, visit, context); break;
    case ASSAY_FEED_FIX: walk_fix(feed, visit, context); break;
    case ASSAY_FEED_DBN: walk_dbn(feed, visit, context); break;
    case ASSAY_FEED_JSON: walk_json(feed, visit, context); break;
    default: walk_csv(feed, visit, context); break;
  }
  if (feed->drawn) fputs("\r\033[K", stderr);
  feed->drawn = false;
}

/* ---- Answers --------------------------------------------------------------------------------------------------------------------------
 */

void assay_cli_feed_note_fault(assay_cli_feed_faults *f, const assay_cli_feed_file *feed, const assay_feed_reader *reader) {
  if (f->count++ == 0) assay_feed_explain(reader, feed->path, &f->first);
}

void assay_cli_feed_note(assay_cli *cli, const assay_cli_feed_file *feed) {
  static const char *const kinds[] = {"trade", "aggTrade"};
  assay_feed_file_capture capture;
  if (assay_feed_file_captured(feed->file, &capture) && capture.others > 0)
    assay_cli_note(cli, "%s: of %" PRIu64 " packets %" PRIu64 " are no MoldUDP64 of its first session, and were passed", feed->path,
                   capture.packets, capture.others);
  if (feed->days > 1)
    assay_cli_note(cli, "%s has %" PRIu64 " days: books begin anew with each, and times count on from the first midnight", feed->path,
                   feed->days);
  for (int i = 0; i < 2; i++)
    if (feed->said_again[i] > 0)
      assay_cli_note(cli, "%s has the same trades as %s and as %s: %" PRIu64 " of kind %s are left out", feed->path, kinds[!i], kinds[i],
                     feed->said_again[i], kinds[i]);
}

uint64_t assay_cli_feed_missing(const assay_cli_feed_file *feed) {
  assay_feed_file_capture capture = {0};
  (void)assay_feed_file_captured(feed->file, &capture);
  return capture.missing + capture.malformed;
}

bool assay_cli_feed_capture_lacks(const assay_feed_file_capture *c, char *text, size_t size) {
  if (c->missing > 0 && c->malformed > 0)
    snprintf(text, size, ": no packet has %" PRIu64 " of its messages, and %" PRIu64 " more are malformed", c->missing, c->malformed);
  else if (c->missing > 0)
    snprintf(text, size, ": no packet has %" PRIu64 " of its messages", c->missing);
  else if (c->malformed > 0)
    snprintf(text, size, ": %" PRIu64 " of its packets' blocks %s no message of ITCH", c->malformed, c->malformed == 1 ? "is" : "are");
  else if (c->torn > 0)
    snprintf(text, size, " ends inside a packet");
  return c->missing > 0 || c->malformed > 0 || c->torn > 0;
}

int assay_cli_feed_tell(assay_cli *cli, const assay_cli_feed_file *feed, const assay_cli_feed_faults *f, int code) {
  assay_error err = {0};
  if (feed->file == NULL || (code != ASSAY_EXIT_FINE && code != ASSAY_EXIT_INCONCLUSIVE)) return code;
  fflush(stdout);
  assay_cli_feed_note(cli, feed);
  const char *changed = assay_feed_file_changed(feed->file);
  assay_feed_file_capture capture = {0};
  (void)assay_feed_file_captured(feed->file, &capture);
  char lacks[ASSAY_CLI_CAPTURE_LACKS];
  if (feed->broken.status != ASSAY_OK)
    ASSAY_FAIL(&err, feed->broken.status, "%s (the answer is of what comes before)", feed->broken.message);
  else if (f->count == 1)
    ASSAY_FAIL(&err, ASSAY_ERR_PARSE, "%s (the answer is without it)", f->first.message);
  else if (f->count > 1)
    ASSAY_FAIL(&err, ASSAY_ERR_PARSE, "%s (the answer is without it, and without %" PRIu64 " more)", f->first.message, f->count - 1);
  else if (assay_cli_feed_capture_lacks(&capture, lacks, sizeof lacks))
    ASSAY_FAIL(&err, ASSAY_ERR_CORRUPT, "%s%s (the answer is of the rest)", feed->path, lacks);
  else if (assay_feed_file_where(feed->file).cut_off)
    ASSAY_FAIL(&err, ASSAY_ERR_IO, "%s became shorter while it was read (the answer is of what was there)", feed->path);
  else if (changed != NULL)
    assay_cli_note(cli, "%s %s", feed->path, changed);
  if (f->count > 0 && changed != NULL) assay_cli_note(cli, "%s %s", feed->path, changed);
  if (err.status == ASSAY_OK) return code;
  int failed = assay_cli_fail(cli, &err);
  return code == ASSAY_EXIT_FINE ? failed : code;
}

double assay_cli_feed_scale(unsigned decimals) {
  double scale = 1;
  for (unsigned i = 0; i < decimals; i++) scale *= 10;
  return scale;
}

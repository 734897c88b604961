/* SPDX-License-Identifier: MIT */
/* assay feed decode, assay feed generate. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/feed.h"
#include "os/prim.h"

/* ---- Decode -------------------------------------------------------------------------------------------------------------------------- */

typedef struct decode_settings {
  assay_cli_feed_settings from;
  uint64_t lines;
  bool json;
} decode_settings;

enum { KINDS = 64, FAULTS = 20 };

typedef struct kind_row {
  char kind[24], title[40];
  uint64_t count;
} kind_row;

typedef struct tally {
  uint64_t messages, events, faults, lines;
  size_t kinds, shown;
  uint8_t places[256]; /* of kinds of one character, the row and 1: there are 300 million messages in a day */
  kind_row rows[KINDS];
  assay_feed_fault found[FAULTS];
  assay_buf first; /* the first messages, as text */
} tally;

static void put_decimal(assay_buf *out, int64_t value, unsigned decimals) {
  uint64_t positive = value < 0 ? 0 - (uint64_t)value : (uint64_t)value, unit = 1;
  for (unsigned i = 0; i < decimals; i++) unit *= 10;
  assay_buf_printf(out, "%s%" PRIu64, value < 0 ? "-" : "", positive / unit);
  if (decimals > 0) assay_buf_printf(out, ".%0*" PRIu64, (int)decimals, positive % unit);
}

static void put_shown(assay_buf *out, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) assay_buf_putc(out, text[i] == 1 ? '|' : text[i] >= ' ' && text[i] <= '~' ? text[i] : '.');
}

static void put_itch(assay_buf *out, const assay_itch_message *m) {
  size_t count = 0;
  const assay_itch_field *fields = assay_itch_fields(m->type, &count);
  for (size_t i = 1; i < count; i++) {
    uint64_t number = assay_itch_number(m, &fields[i]);
    assay_buf_printf(out, " %s=", fields[i].name);
    switch (fields[i].kind) {
      case ASSAY_ITCH_ALPHA: {
        size_t length = fields[i].bytes;
        const char *text = (const char *)m->as + fields[i].offset;
        while (length > 0 && text[length - 1] == ' ') length--;
        put_shown(out, text, length);
        break;
      }
      case ASSAY_ITCH_PRICE4: put_decimal(out, (int64_t)number, 4); break;
      case ASSAY_ITCH_PRICE8: put_decimal(out, (int64_t)number, 8); break;
      case ASSAY_ITCH_TIME:
        assay_buf_printf(out, "%02u:%02u:%02u.%09u", (unsigned)(number / 3600000000000u), (unsigned)(number / 60000000000u % 60),
                         (unsigned)(number / 1000000000u % 60), (unsigned)(number % 1000000000u));
        break;
      default: assay_buf_printf(out, "%" PRIu64, number); break;
    }
  }
}

static void put_dbn(assay_buf *out, const assay_dbn_record *record) {
  assay_dbn_field field;
  for (size_t i = 2; assay_dbn_field_at(record, i, &field); i++) {
    int64_t number = assay_dbn_number(record, &field);
    assay_buf_printf(out, " %.*s=", (int)field.name.length, field.name.at);
    if (field.kind == ASSAY_DBN_TEXT) {
      const char *text = (const char *)record->data + field.offset;
      put_shown(out, text, strnlen(text, field.bytes));
    } else if ((field.kind == ASSAY_DBN_PRICE && number == ASSAY_DBN_NO_PRICE) ||
               (field.kind == ASSAY_DBN_TIME && (uint64_t)number == UINT64_MAX)) {
      assay_buf_puts(out, "none");
    } else if (field.kind == ASSAY_DBN_PRICE) {
      put_decimal(out, number, 9);
    } else if (field.kind == ASSAY_DBN_CHAR) {
      const char c = (char)number;
      put_shown(out, &c, 1);
    } else if (field.kind == ASSAY_DBN_SIGNED) {
      assay_buf_printf(out, "%" PRId64, number);
    } else {
      assay_buf_printf(out, "%" PRIu64, (uint64_t)number);
    }
  }
}

static void put_event(assay_buf *out, const assay_market_event *e) {
  assay_buf_printf(out, " %s", assay_market_kind_text((assay_market_kind)e->kind));
  if (e->time_ns != ASSAY_CLI_FEED_NO_TIME) assay_buf_printf(out, " time=%" PRIu64, e->time_ns);
  if (e->side != 0) assay_buf_printf(out, " side=%c", e->side);
  assay_buf_puts(out, " price=");
  put_decimal(out, e->price, assay_market_price_decimals(e));
  assay_buf_puts(out, " quantity=");
  put_decimal(out, (int64_t)e->quantity, assay_market_quantity_decimals(e));
}

static void put_line(tally *t, const assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  assay_buf *out = &t->first;
  assay_buf_printf(out, "%" PRIu64 " %s", m->reader->count, m->kind);
  if (feed->format == ASSAY_FEED_ITCH) {
    put_itch(out, m->row);
  } else if (feed->format == ASSAY_FEED_DBN) {
    put_dbn(out, m->row);
  } else if (feed->format == ASSAY_FEED_FIX) {
    const assay_fix_message *fix = m->row;
    assay_buf_putc(out, ' ');
    put_shown(out, fix->body, fix->body_length);
  } else {
    uint32_t symbol = m->count > 0 ? m->events[0].symbol : 0;
    const char *name = assay_cli_feed_name(feed, symbol);
    if (symbol != 0) assay_buf_putc(out, ' '), assay_buf_plain(out, name);
    for (size_t i = 0; i < m->count && i < 4; i++) put_event(out, &m->events[i]);
    if (m->count > 4) assay_buf_printf(out, " and %zu more", m->count - 4);
  }
  assay_buf_putc(out, '\n');
}

static bool count_message(void *context, assay_cli_feed_file *feed, const assay_cli_feed_message *m) {
  tally *t = context;
  if (m->day_is_over) return true;
  if (m->kind == NULL) {
    if (t->faults < FAULTS) t->found[t->faults] = m->reader->fault;
    t->faults++;
    return true;
  }
  t->messages++;
  t->events += m->count;
  uint8_t *place = m->kind[0] != '\0' && m->kind[1] == '\0' ? &t->places[(uint8_t)m->kind[0]] : NULL;
  size_t i = place != NULL && *place != 0 ? *place - 1u : 0;
  while (i < t->kinds && strcmp(t->rows[i].kind, m->kind) != 0) i++;
  if (place != NULL && i < KINDS) *place = (uint8_t)(i + 1);
  if (i == t->kinds && t->kinds < KINDS) {
    t->kinds++;
    strncat(t->rows[i].kind, m->kind, sizeof t->rows[i].kind - 1);
    strncat(t->rows[i].title, m->title, sizeof t->rows[i].title - 1);
  }
  if (i < KINDS) t->rows[i].count++;
  if (t->shown < t->lines) put_line(t, feed, m), t->shown++;
  return true;
}

static int more_of_them(const void *a, const void *b) {
  const kind_row *x = a, *y = b;
  return (x->count < y->count) - (x->count > y->count);
}

static void put_text(const tally *t, const assay_cli_feed_file *feed, double seconds, assay_buf *out) {
  const assay_feed_file_place place = assay_feed_file_where(feed->file);
  assay_buf_printf(out, "%s: %s, %" PRIu64 " messages in %" PRIu64 " bytes", feed->path, assay_feed_format_text(feed->format), t->messages,
                   place.passed);
  if (place.packed) assay_buf_puts(out, " (unpacked)");
  assay_buf_printf(out, ", %.0f ms\n", seconds * 1e3);
  for (size_t i = 0; i < t->kinds; i++) {
    assay_buf_puts(out, "  ");
    assay_cli_pad(out, t->rows[i].kind, 16);
    assay_cli_pad(out, t->rows[i].title, 36);
    assay_buf_printf(out, "%12" PRIu64 "\n", t->rows[i].count);
  }
  if (t->first.length > 0) assay_buf_printf(out, "first messages:\n%s", t->first.data);
  for (size_t i = 0; i < t->faults && i < FAULTS; i++)
    assay_buf_printf(out, "malformed: message %" PRIu64 " at byte %" PRIu64 ", field %s: %s; %s\n", t->found[i].message, t->found[i].offset,
                     t->found[i].field, t->found[i].problem, t->found[i].mend);
  if (t->faults > FAULTS) assay_buf_printf(out, "malformed: %" PRIu64 " more\n", t->faults - FAULTS);
}

static void put_key(assay_json *json, const char *key, const char *text) {
  assay_json_key(json, key);
  assay_json_string(json, text);
}
static void put_count(assay_json *json, const char *key, uint64_t count) {
  assay_json_key(json, key);
  assay_json_uint(json, count);
}

static void put_json(const tally *t, const assay_cli_feed_file *feed, assay_buf *out) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  put_key(&json, "schema", "assay-feed/1");
  put_key(&json, "source", feed->path);
  put_key(&json, "format", assay_feed_format_text(feed->format));
  put_count(&json, "bytes", assay_feed_file_where(feed->file).passed);
  put_count(&json, "messages", t->messages);
  put_count(&json, "events", t->events);
  assay_json_key(&json, "types");
  assay_json_object(&json);
  for (size_t i = 0; i < t->kinds; i++) put_count(&json, t->rows[i].kind, t->rows[i].count);
  assay_json_end(&json);
  put_count(&json, "malformed_messages", t->faults);
  assay_json_key(&json, "malformed");
  assay_json_array(&json);
  for (size_t i = 0; i < t->faults && i < FAULTS; i++) {
    assay_json_object_inline(&json);
    put_count(&json, "offset", t->found[i].offset);
    put_count(&json, "message", t->found[i].message);
    put_key(&json, "field", t->found[i].field);
    put_key(&json, "problem", t->found[i].problem);
    put_key(&json, "mend", t->found[i].mend);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

static int run_decode(assay_cli *cli, const void *raw) {
  const decode_settings *settings = raw;
  assay_error err = {0};
  assay_cli_feed_file feed;
  assay_buf out = {0};
  static tally t;
  t = (tally){.lines = settings->json ? 0 : settings->lines};
  assay_status status = assay_cli_feed_open(cli, cli->operands[0], &settings->from, &err, &feed);
  if (status == ASSAY_OK) {
    uint64_t begin = assay_os_now_ns();
    assay_cli_feed_walk(&feed, count_message, &t);
    double seconds = (double)(assay_os_now_ns() - begin) / 1e9;
    qsort(t.rows, t.kinds, sizeof *t.rows, more_of_them);
    if (settings->json)
      put_json(&t, &feed, &out);
    else
      put_text(&t, &feed, seconds, &out);
    if (out.failed || t.first.failed) status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory for the answer");
  }
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  code = assay_cli_feed_tell(cli, &feed, &(assay_cli_feed_faults){0}, code);
  if (code == ASSAY_EXIT_FINE && t.faults > 0) code = ASSAY_EXIT_CANNOT_RUN;
  assay_buf_deinit(&out);
  assay_buf_deinit(&t.first);
  assay_cli_feed_close(&feed);
  return code;
}

static const assay_cli_option decode_options[] = {
    ASSAY_CLI_FEED_OPTIONS(decode_settings),
    {"lines", 'n', ASSAY_CLI_UNSIGNED, "N", "5", .low = 0, .high = 1e6, .at = offsetof(decode_settings, lines),
     .help = "First messages to show with all their fields."},
    {"json", 0, ASSAY_CLI_FLAG, .at = offsetof(decode_settings, json), .help = "As JSON."},
    ASSAY_CLI_END};
static const assay_cli_example decode_examples[] = {{"what is in a day of NASDAQ", "feed decode 01302020.NASDAQ_ITCH50.gz"},
                                                    {"for another program", "feed decode --json trades.dbn.zst"},
                                                    {0}};
const assay_cli_verb assay_cli_feed_decode = {
    .name = "feed decode",
    .summary = "Read a recorded feed: how many messages of which kind, the first, and where it is malformed.",
    .details =
        "FILE is TotalView-ITCH 5.0, FIX 4.2 to 4.4, DBN, Binance-style JSON or CSV, compressed (zstd, gzip, bzip2, xz, lz4, zip) or not; "
        "`-` is standard input. "
        "Malformed messages are "
        "passed where it is known where they end; the exit code is 2 when there is one. Files of any size are read in little memory.",
    .operands = "FILE",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = decode_options,
    .examples = decode_examples,
    .settings_size = sizeof(decode_settings),
    .run = run_decode,
};

/* ---- Generate ------------------------------------------------------------------------------------------------------------------------ */

typedef struct generate_settings {
  const char *format, *output;
  uint64_t messages, seed, symbols, orders, version;
  double price, volatility, burst;
} generate_settings;
#define AT(field) .at = offsetof(generate_settings, field)

/* In pieces, into the file itself: what is made can be made again, and a day of it is no matter of memory. */
static assay_status write_stream(assay_feed_maker *maker, const char *path, assay_error *err) {
  static uint8_t piece[1 << 18];
  bool is_file = path != NULL && strcmp(path, "-") != 0, is_written = true;
  FILE *out = is_file ? fopen(path, "wb") : stdout;
  if (out == NULL) return ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", path);
  for (size_t got; is_written && (got = assay_feed_maker_fill(maker, piece, sizeof piece)) > 0;)
    is_written = fwrite(piece, 1, got, out) == got;
  is_written = fflush(out) == 0 && is_written;
  int code = errno;
  if (is_file) is_written = fclose(out) == 0 && is_written;
  return is_written ? ASSAY_OK : ASSAY_FAIL_ERRNO(err, code, "cannot write %s", is_file ? path : "standard output");
}

static int run_generate(assay_cli *cli, const void *raw) {
  const generate_settings *s = raw;
  assay_error err = {0};
  assay_feed_maker *maker = NULL;
  const assay_feed_market market = {.format = assay_feed_format_find(s->format),
                                    .seed = s->seed,
                                    .messages = s->messages,
                                    .symbols = (uint32_t)s->symbols,
                                    .orders = (uint32_t)s->orders,
                                    .start_price = s->price,
                                    .volatility_ticks = s->volatility,
                                    .version = (uint8_t)s->version,
                                    .burst = s->burst};
  assay_status status = assay_feed_maker_create(&market, &err, &maker);
  if (status == ASSAY_OK) status = write_stream(maker, s->output, &err);
  assay_feed_maker_destroy(maker);
  return status == ASSAY_OK ? ASSAY_EXIT_FINE : assay_cli_fail(cli, &err);
}

static const assay_cli_option generate_options[] = {
    {"format", 'f', ASSAY_CLI_TEXT, "FORMAT", "itch", .choices = assay_cli_feed_formats, AT(format), .help = "Of the stream."},
    {"messages", 'n', ASSAY_CLI_UNSIGNED, "N", "100000", .low = 1, .high = 1e10, AT(messages),
     .help =
         "About the book and its trades: of itch exactly so many beside those that open and close a day; as much happens in dbn, fix and "
         "json, where it may take several. Of csv: rows, each a trade."},
    {"seed", 's', ASSAY_CLI_UNSIGNED, "N", "1", AT(seed), .help = "The same seed is the same stream, on every machine."},
    {"symbols", 0, ASSAY_CLI_UNSIGNED, "N", "8", .low = 1, .high = 9999, AT(symbols), .help = "How many."},
    {"orders", 0, ASSAY_CLI_UNSIGNED, "N", "2000", .low = 1, .high = 1e6, AT(orders), .help = "That rest in each book, about."},
    {"price", 0, ASSAY_CLI_REAL, "P", "100", .low = 0.01, .high = 1e5, AT(price), .help = "Of the first symbol, at the start."},
    {"volatility", 0, ASSAY_CLI_REAL, "TICKS", "1", .low = 1e-9, .high = 100, AT(volatility), .help = "Of a step of the prices."},
    {"burst", 0, ASSAY_CLI_REAL, "P", "0.7", .low = 1e-9, .high = 0.999, AT(burst),
     .help = "Chance that the next message has the same instant."},
    {"dbn-version", 0, ASSAY_CLI_UNSIGNED, "N", "3", .low = 1, .high = 3, AT(version), .help = "1, 2 or 3."},
    {"output", 'o', ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, AT(output), .help = "Standard output when not given."},
    ASSAY_CLI_END};
static const assay_cli_example generate_examples[] = {
    {"a million messages of ITCH", "feed generate --messages 1000000 --seed 7 -o made.itch"},
    {"trades and depth as Binance sends them", "feed generate --format json -o made.json"},
    {0}};
const assay_cli_verb assay_cli_feed_generate = {
    .name = "feed generate",
    .summary = "Make a valid stream of a market that is not there.",
    .details = "Prices walk, orders come in bursts and leave again; every message is one that the format allows where it stands.",
    .options = generate_options,
    .examples = generate_examples,
    .settings_size = sizeof(generate_settings),
    .run = run_generate,
};

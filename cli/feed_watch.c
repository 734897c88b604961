/* SPDX-License-Identifier: MIT */
/* assay feed watch: what a WebSocket feed says, as a table that renews itself or as lines. */
#include <assay/websocket.h>

#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/number.h"
#include "cli/cli.h"
#include "os/prim.h"

typedef struct watch_settings {
  const char *ca_file, *protocol, *origin;
  uint64_t messages;
  double seconds;
  bool json, insecure, compress;
  assay_cli_words subscribe;
} watch_settings;

#define AT(field) .at = offsetof(watch_settings, field)

static const assay_cli_option options[] = {
    {"json", 0, ASSAY_CLI_FLAG, .help = "Each text message on a line of its own, as it came; of a binary one its size.", AT(json)},
    {"messages", 'n', ASSAY_CLI_UNSIGNED, "N", .high = 1e15, .help = "End after so many.", AT(messages)},
    {"seconds", 's', ASSAY_CLI_REAL, "S", .low = 0.001, .high = 1e9, .help = "End after so long.", AT(seconds)},
    {"send", 0, ASSAY_CLI_REPEAT, "TEXT", .help = "Send this once connected, such as a subscription.", AT(subscribe)},
    {"protocol", 0, ASSAY_CLI_TEXT, "NAME", .help = "Subprotocol to ask for.", AT(protocol)},
    {"origin", 0, ASSAY_CLI_TEXT, "ORIGIN", .help = "Origin to name.", AT(origin)},
    {"compress", 0, ASSAY_CLI_FLAG, .help = "Offer compression (permessage-deflate).", AT(compress)},
    {"ca-file", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE,
     .help = "PEM of who may sign the server's certificate; the system's when not given.", AT(ca_file)},
    {"insecure", 0, ASSAY_CLI_FLAG, .help = "Do not check the server's certificate.", AT(insecure)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"a table of what comes", "feed watch ws://127.0.0.1:9000/"},
    {"the first thousand messages into a file", "feed watch ws://127.0.0.1:9000/ --json -n 1000 > trades.json"},
    {0}};

enum { MOST_SYMBOLS = 500, LINE_LIMIT = 1 << 16 };

typedef struct row {
  char symbol[40];
  char price[32], quantity[32], bid[32], ask[32]; /* as they came */
  uint64_t trades, updates;
} row;

typedef struct watching {
  assay_cli *cli;
  const watch_settings *settings;
  assay_ws_loop *loop;
  assay_ws *ws;
  row rows[MOST_SYMBOLS];
  size_t row_count;
  uint64_t messages, bytes, binary, other, from_ns, shown_ns, shown_messages;
  assay_buf lines;
  bool opened, over, terminal;
  int code;
  unsigned close_code;
  char reason[300];
} watching;

static watching *signalled;

static void on_signal(int number) {
  (void)number;
  if (signalled == NULL) return;
  signalled->over = true;
  assay_ws_loop_wake(signalled->loop);
}

/* ---- What comes ---------------------------------------------------------------------------------------------------------------------- */

/* The row of a symbol; NULL when there are too many. */
static row *row_of(watching *w, const char *symbol) {
  for (size_t i = 0; i < w->row_count; i++) {
    if (strncmp(w->rows[i].symbol, symbol, sizeof w->rows[i].symbol - 1) == 0) return &w->rows[i];
  }
  if (w->row_count == MOST_SYMBOLS) return NULL;
  row *r = &w->rows[w->row_count++];
  snprintf(r->symbol, sizeof r->symbol, "%s", symbol);
  return r;
}

/* Prices come as texts, by some as numbers. */
static void keep(char *field, size_t size, const json_t *value) {
  if (json_is_string(value))
    snprintf(field, size, "%s", json_string_value(value));
  else if (json_is_number(value))
    assay_snprintf(field, size, "%.10g", json_number_value(value));
}

/* The best level that is there: differences name levels that go with a quantity of 0. */
static void keep_best(char *field, size_t size, const json_t *levels) {
  const json_t *best = NULL;
  for (size_t i = 0; best == NULL && i < json_array_size(levels); i++) {
    const json_t *level = json_array_get(levels, i), *quantity = json_array_get(level, 1);
    const char *text = json_string_value(quantity);
    if (text == NULL || assay_strtod(text, NULL) != 0) best = json_array_get(level, 0);
  }
  if (best != NULL) keep(field, size, best);
}

static void take_document(watching *w, const json_t *document) {
  const json_t *data = json_object_get(document, "data");
  if (json_is_object(data)) document = data; /* of a combined stream */
  const char *symbol = json_string_value(json_object_get(document, "s"));
  if (symbol == NULL) { /* a snapshot of the depth, which does not say of what */
    w->other++;
    return;
  }
  const json_t *bids = json_object_get(document, "b"), *asks = json_object_get(document, "a"), *price = json_object_get(document, "p");
  if (bids == NULL) bids = json_object_get(document, "bids");
  if (asks == NULL) asks = json_object_get(document, "asks");
  row *r = row_of(w, symbol);
  if (r == NULL) {
    w->other++;
    return;
  }
  r->updates++;
  if (price != NULL) {
    r->trades++;
    keep(r->price, sizeof r->price, price);
    keep(r->quantity, sizeof r->quantity, json_object_get(document, "q"));
  }
  keep_best(r->bid, sizeof r->bid, bids);
  keep_best(r->ask, sizeof r->ask, asks);
}

static void put_line(watching *w, assay_ws_opcode opcode, const uint8_t *data, size_t length) {
  if (opcode == ASSAY_WS_BINARY) {
    assay_buf_printf(&w->lines, "{\"binary\": %zu}\n", length);
  } else {
    assay_buf_append(&w->lines, (const char *)data, length);
    /* A message stays on one line: white space between JSON's tokens means nothing, and inside its texts there are no line ends. */
    for (size_t i = w->lines.length - length; !w->lines.failed && i < w->lines.length; i++) {
      if (w->lines.data[i] == '\n' || w->lines.data[i] == '\r') w->lines.data[i] = ' ';
    }
    assay_buf_putc(&w->lines, '\n');
  }
}

static void flush_lines(watching *w) {
  if (w->lines.length == 0) return;
  int code = assay_cli_print(w->cli, w->lines.data);
  if (code != ASSAY_EXIT_FINE) {
    w->code = code;
    w->over = true;
  }
  assay_buf_clear(&w->lines);
}

static void on_message(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  (void)ws;
  watching *w = user;
  if (w->over) return;
  w->messages++;
  w->bytes += length;
  if (w->settings->json) {
    put_line(w, opcode, data, length);
    if (w->lines.length > LINE_LIMIT) flush_lines(w);
  } else if (opcode == ASSAY_WS_BINARY) {
    w->binary++;
  } else {
    json_t *document = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(document))
      take_document(w, document);
    else
      w->other++;
    json_decref(document);
  }
  if (w->settings->messages > 0 && w->messages >= w->settings->messages) w->over = true;
}

static void on_open(void *user, assay_ws *ws) {
  watching *w = user;
  w->opened = true;
  w->from_ns = assay_os_now_ns();
  for (size_t i = 0; i < w->settings->subscribe.count; i++)
    (void)assay_ws_send(ws, ASSAY_WS_TEXT, w->settings->subscribe.items[i], strlen(w->settings->subscribe.items[i]), NULL);
}

static void on_closed(void *user, assay_ws *ws, unsigned code, const char *reason, bool clean) {
  (void)ws;
  (void)clean;
  watching *w = user;
  w->ws = NULL;
  w->close_code = code;
  snprintf(w->reason, sizeof w->reason, "%s", reason);
}

/* ---- The table ----------------------------------------------------------------------------------------------------------------------- */

static void put_cell(assay_buf *out, const char *text, size_t width) {
  assay_buf plain = {0};
  assay_buf_plain(&plain, text);
  size_t columns = plain.data != NULL ? assay_cli_text_width(plain.data) : 0;
  for (; columns < width; columns++) assay_buf_putc(out, ' ');
  if (plain.data != NULL) assay_buf_puts(out, plain.data);
  assay_buf_deinit(&plain);
}

static void put_rate(assay_buf *out, double a_second) {
  char text[40];
  assay_snprintf(text, sizeof text, "%.0f", a_second);
  assay_buf_puts(out, text);
}

static void put_table(const watching *w, uint64_t now, size_t most, assay_buf *out) {
  double since = now > w->shown_ns ? (double)(now - w->shown_ns) / 1e9 : 1;
  assay_buf_puts(out, w->cli->operands[0]);
  assay_buf_printf(out, ": %llu messages, ", (unsigned long long)w->messages);
  put_rate(out, (double)(w->messages - w->shown_messages) / since);
  assay_buf_printf(out, " a second, %llu kB", (unsigned long long)(w->bytes / 1000));
  if (w->binary > 0) assay_buf_printf(out, ", %llu binary", (unsigned long long)w->binary);
  if (w->other > 0) assay_buf_printf(out, ", %llu not shown", (unsigned long long)w->other);
  assay_buf_puts(out, "\n");
  if (w->row_count == 0) return;
  assay_cli_pad(out, "symbol", 16);
  static const char *const heads[] = {"last", "quantity", "bid", "ask", "trades", "updates"};
  for (size_t i = 0; i < 6; i++) put_cell(out, heads[i], i < 4 ? 16 : 10);
  assay_buf_putc(out, '\n');
  for (size_t i = 0; i < w->row_count && i < most; i++) {
    const row *r = &w->rows[i];
    assay_buf name = {0};
    assay_buf_plain(&name, r->symbol);
    assay_cli_pad(out, name.data != NULL ? name.data : "", 16);
    assay_buf_deinit(&name);
    put_cell(out, r->price, 16);
    put_cell(out, r->quantity, 16);
    put_cell(out, r->bid, 16);
    put_cell(out, r->ask, 16);
    char number[24];
    snprintf(number, sizeof number, "%llu", (unsigned long long)r->trades);
    put_cell(out, number, 10);
    snprintf(number, sizeof number, "%llu", (unsigned long long)r->updates);
    put_cell(out, number, 10);
    assay_buf_putc(out, '\n');
  }
}

/* In place, four times a second; only once, at the end, where stdout is no terminal. */
static void show(watching *w, bool last) {
  enum { EVERY_MS = 250, ROWS = 40 };
  uint64_t now = assay_os_now_ns();
  if (w->settings->json || (!last && (!w->terminal || now - w->shown_ns < EVERY_MS * UINT64_C(1000000)))) return;
  assay_buf out = {0};
  if (last) { /* the mean over it all */
    w->shown_ns = w->from_ns;
    w->shown_messages = 0;
  }
  if (w->terminal) assay_buf_puts(&out, "\033[H\033[J");
  put_table(w, now, w->terminal ? ROWS : MOST_SYMBOLS, &out);
  int code = assay_cli_print(w->cli, out.data != NULL ? out.data : "");
  if (code != ASSAY_EXIT_FINE) w->code = code;
  assay_buf_deinit(&out);
  w->shown_ns = now;
  w->shown_messages = w->messages;
}

/* ---- The verb ------------------------------------------------------------------------------------------------------------------------ */

static assay_status watch(watching *w, assay_error *err) {
  assay_status status = ASSAY_OK;
  uint64_t end = w->settings->seconds > 0 ? assay_os_now_ns() + (uint64_t)(w->settings->seconds * 1e9) : UINT64_MAX;
  while (status == ASSAY_OK && w->ws != NULL && !w->over) {
    uint64_t now = assay_os_now_ns();
    if (now >= end) break;
    double wait_s = fmin(w->terminal ? 0.25 : 1, end == UINT64_MAX ? 1 : (double)(end - now) / 1e9);
    status = assay_ws_loop_turn(w->loop, wait_s, err);
    flush_lines(w);
    show(w, false);
  }
  if (w->ws != NULL) (void)assay_ws_close(w->ws, ASSAY_WS_CLOSE_NORMAL, NULL, NULL);
  uint64_t patience = assay_os_now_ns() + UINT64_C(2000000000);
  while (status == ASSAY_OK && w->ws != NULL && assay_os_now_ns() < patience) status = assay_ws_loop_turn(w->loop, 0.1, err);
  return status;
}

/* Whether the stream ended before it should: both ends agree on 1000, a server that leaves says 1001 or nothing. */
static assay_status judge_end(const watching *w, assay_error *err) {
  const char *url = w->cli->operands[0];
  if (w->over || (w->opened && (w->close_code == 0 || w->close_code == ASSAY_WS_CLOSE_NORMAL ||
                                w->close_code == ASSAY_WS_CLOSE_GOING_AWAY || w->close_code == ASSAY_WS_CLOSE_NONE)))
    return ASSAY_OK;
  if (!w->opened || w->close_code == ASSAY_WS_CLOSE_ABNORMAL) return ASSAY_FAIL(err, ASSAY_ERR_IO, "%s: %s", url, w->reason);
  return ASSAY_FAIL(err, ASSAY_ERR_IO, "%s: %s (close code %u)", url, w->reason[0] != '\0' ? w->reason : "the server ended it",
                    w->close_code);
}

static int run(assay_cli *cli, const void *given) {
  const watch_settings *settings = given;
  assay_error err = {0};
  watching *w = assay_calloc(ASSAY_TAG_CLI, 1, sizeof *w);
  if (w == NULL) {
    ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory");
    return assay_cli_fail(cli, &err);
  }
  w->cli = cli;
  w->settings = settings;
  w->terminal = !settings->json && isatty(STDOUT_FILENO);
  const char *protocols[] = {settings->protocol, NULL};
  assay_ws_client_options client = {.origin = settings->origin,
                                    .protocols = settings->protocol != NULL ? protocols : NULL,
                                    .ca_file = settings->ca_file,
                                    .unverified = settings->insecure,
                                    .connection = {.compression = {.on = settings->compress}}};
  assay_ws_handlers handlers = {.user = w, .open = on_open, .message = on_message, .closed = on_closed};
  assay_status status = assay_ws_loop_create(NULL, &err, &w->loop);
  if (status == ASSAY_OK) status = assay_ws_connect(w->loop, cli->operands[0], &client, &handlers, &err, &w->ws);
  if (status == ASSAY_OK) {
    signalled = w;
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    status = watch(w, &err);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signalled = NULL;
    flush_lines(w);
    if (w->opened) show(w, true);
    if (status == ASSAY_OK) status = judge_end(w, &err);
  }
  assay_ws_loop_destroy(w->loop);
  int code = status == ASSAY_OK ? w->code : assay_cli_fail(cli, &err);
  assay_buf_deinit(&w->lines);
  assay_free(w);
  return code;
}

const assay_cli_verb assay_cli_feed_watch = {.name = "feed watch",
                                             .summary = "Show what comes over a WebSocket.",
                                             .details =
                                                 "A table of the symbols in Binance-style JSON (trades, depth), renewed four times a "
                                                 "second on a terminal and printed once at the end elsewhere; "
                                                 "or lines with --json. wss:// is TLS, with the certificate and its host checked. Ends "
                                                 "when the server closes, after --messages or --seconds, "
                                                 "or with Ctrl-C. docs/websocket.md.",
                                             .operands = "URL",
                                             .operands_least = 1,
                                             .operands_most = 1,
                                             .options = options,
                                             .examples = examples,
                                             .settings_size = sizeof(watch_settings),
                                             .run = run};

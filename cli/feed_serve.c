/* SPDX-License-Identifier: MIT */
/* assay feed serve: a recorded or made market over WebSocket. */
#include <assay/feed_dbn.h>
#include <assay/feed_file.h>
#include <assay/websocket.h>

#include <math.h>
#include <signal.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/cli.h"
#include "os/prim.h"

typedef struct serve_settings {
  const char *format, *address, *certificate, *key, *policy;
  assay_cli_words origins;
  uint64_t port, messages, wait, seed, symbols, queue_kib, connections;
  double rate;
  bool repeat, compress, spin, json;
} serve_settings;

#define AT(field) .at = offsetof(serve_settings, field)

static const char *const formats[] = {"json", "itch", "dbn", NULL}, *const policies[] = {"refuse", "drop-oldest", "disconnect", NULL};

static const assay_cli_option options[] = {
    {"format", 'f', ASSAY_CLI_TEXT, "FORMAT", .choices = formats, AT(format),
     .help = "json: Binance-style documents, one a text message. itch: TotalView-ITCH with its length before each message, binary. dbn: a "
             "record "
             "a binary message, and to each client the metadata first. When not given, what FILE is, or json."},
    {"port", 'p', ASSAY_CLI_UNSIGNED, "PORT", .high = 65535, AT(port),
     .help = "Where to listen; any that is free when not given, which is said."},
    {"address", 0, ASSAY_CLI_TEXT, "ADDRESS", "127.0.0.1", AT(address), .help = "Numeric; 0.0.0.0 for all the world."},
    {"rate", 'r', ASSAY_CLI_REAL, "N", "1000", .low = 0.001, .high = 1e9, AT(rate), .help = "Messages a second."},
    {"messages", 'n', ASSAY_CLI_UNSIGNED, "N", .high = 1e12, AT(messages),
     .help = "End after so many; a made market has no end of its own."},
    {"repeat", 0, ASSAY_CLI_FLAG, .help = "Begin a recording again at its end.", AT(repeat)},
    {"wait", 'w', ASSAY_CLI_UNSIGNED, "N", "1", .high = 1e6, AT(wait), .help = "Begin when so many are connected; 0: at once."},
    {"policy", 0, ASSAY_CLI_TEXT, "POLICY", "drop-oldest", .choices = policies, AT(policy),
     .help = "What becomes of messages when a client reads too slowly: it misses the newest (refuse), the oldest, or the rest."},
    {"queue", 0, ASSAY_CLI_UNSIGNED, "KIB", "4096", .low = 1, .high = 1 << 22, AT(queue_kib),
     .help = "KiB that wait for a client before that."},
    {"connections", 0, ASSAY_CLI_UNSIGNED, "N", "1000", .low = 1, .high = 1e6, AT(connections), .help = "Most clients at a time."},
    {"origin", 0, ASSAY_CLI_REPEAT, "ORIGIN", AT(origins),
     .help = "Web pages that may connect, such as https://example.com; '*': all. Only those of this machine when not given."},
    {"compress", 0, ASSAY_CLI_FLAG, .help = "Compress for clients that can (permessage-deflate).", AT(compress)},
    {"certificate", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "PEM; with --key the address is wss://.", AT(certificate)},
    {"key", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "PEM, of the certificate.", AT(key)},
    {"seed", 0, ASSAY_CLI_UNSIGNED, "N", "1", .high = 1e15, .help = "Of a made market.", AT(seed)},
    {"symbols", 0, ASSAY_CLI_UNSIGNED, "N", "8", .low = 1, .high = 10000, .help = "Of a made market.", AT(symbols)},
    {"spin", 0, ASSAY_CLI_FLAG, .help = "Do not sleep between messages: less delay, a whole core.", AT(spin)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "What was sent, as JSON.", AT(json)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"a made market, 1,000 messages a second", "feed serve --port 9000"},
    {"a recording, to three clients at 50,000 a second", "feed serve trades.json --rate 50000 --wait 3"},
    {"TLS, for pages of one site", "feed serve --address 0.0.0.0 --certificate cert.pem --key key.pem --origin https://example.com"},
    {0}};

enum { AT_ONCE = 4096, CHUNK = 1 << 22 }; /* a chunk holds the metadata of 10,000 symbols */

typedef struct serving {
  const assay_cli *cli;
  const serve_settings *settings;
  assay_ws_loop *loop;
  assay_ws_server *server;
  const char *path;
  assay_feed_file *file;   /* a recording */
  assay_feed_maker *maker; /* or a made market, a chunk at a time */
  uint8_t *chunk;
  assay_feed_reader in; /* what of it is here */
  assay_feed_format format;
  const uint8_t *head; /* what each client gets first, and the stream begins with; NULL: nothing */
  uint8_t *kept;       /* the head: a window is written over */
  size_t head_length;
  bool begun, stopping;
  uint64_t sent, from_ns, open; /* clients that shook hands */
  uint64_t heads;               /* that were sent: no messages of the stream */
  assay_error *err;
} serving;

static assay_ws_loop *signalled; /* what a signal stops */
static volatile sig_atomic_t signal_count;

static void on_signal(int number) {
  (void)number;
  signal_count++;
  if (signalled != NULL) assay_ws_loop_wake(signalled);
}

/* ---- What is sent -------------------------------------------------------------------------------------------------------------------- */

/* The end of the JSON document at `at`: where its brackets close. 0 when they do not. */
static size_t end_of_document(const uint8_t *bytes, size_t size, size_t at) {
  size_t depth = 0;
  bool quoted = false;
  for (; at < size; at++) {
    uint8_t c = bytes[at];
    if (quoted) {
      if (c == '\\')
        at++;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && (depth == 0 || --depth == 0)) {
      return at + 1;
    }
  }
  return 0;
}

/* What stands between documents: blanks, and the time of receipt that a recorder writes before each. */
static void skip_to_document(assay_feed_reader *in) {
  while (in->at < in->size && memchr(" \t\r\n", in->data[in->at], 4) != NULL) in->at++;
  size_t at = in->at;
  while (at < in->size && ((in->data[at] >= '0' && in->data[at] <= '9') || in->data[at] == '.')) at++;
  if (at == in->at || at == in->size || (in->data[at] != ' ' && in->data[at] != '\t')) return;
  while (at < in->size && (in->data[at] == ' ' || in->data[at] == '\t')) at++;
  if (at < in->size && (in->data[at] == '{' || in->data[at] == '[')) in->at = at;
}

/* The end of the message at in->at; 0: it is none, or it is not all there. */
static size_t end_of_message(const serving *s) {
  const uint8_t *bytes = s->in.data + s->in.at;
  size_t left = s->in.size - s->in.at, end = 0;
  switch (s->format) {
    case ASSAY_FEED_ITCH: end = left >= 2 ? s->in.at + 2 + (size_t)(bytes[0] << 8 | bytes[1]) : 0; break;
    case ASSAY_FEED_DBN: end = bytes[0] >= 4 ? s->in.at + 4 * (size_t)bytes[0] : 0; break; /* a header has 16 bytes */
    default: end = bytes[0] == '{' || bytes[0] == '[' ? end_of_document(s->in.data, s->in.size, s->in.at) : 0; break;
  }
  return end <= s->in.size ? end : 0;
}

/* More of a made market is there when all of it is sent, and of a recording when the window ends inside a message. */
static bool get_more(serving *s) {
  if (s->maker != NULL && s->in.at == s->in.size) {
    assay_feed_window(&s->in, s->chunk, assay_feed_maker_fill(s->maker, s->chunk, CHUNK), false);
    return s->in.size > 0;
  }
  return s->file != NULL && !s->in.last && assay_feed_file_more(s->file, &s->in, s->err) == ASSAY_OK;
}

/* Whether what is here may be a message once more is here. */
static bool may_begin(const serving *s) {
  return s->format != ASSAY_FEED_JSON || s->in.at == s->in.size || memchr("{[.0123456789", s->in.data[s->in.at], 13) != NULL;
}

/* The next message; false at the end of the stream, or where it is none (with an error). */
static bool next_message(serving *s, const uint8_t **message, size_t *length) {
  assay_feed_reader *in = &s->in;
  size_t end = 0;
  do {
    if (s->format == ASSAY_FEED_JSON) skip_to_document(in);
    end = in->at < in->size ? end_of_message(s) : 0;
  } while (end == 0 && may_begin(s) && get_more(s));
  if (s->err->status != ASSAY_OK || in->at == in->size) return false;
  if (end == 0) {
    ASSAY_FAIL(s->err, ASSAY_ERR_PARSE, "byte %llu: %s", (unsigned long long)(in->base + in->at),
               s->format == ASSAY_FEED_JSON ? "not a JSON document" : "the stream ends within a message, or is none");
    return false;
  }
  *message = in->data + in->at;
  *length = end - in->at;
  in->at = end;
  return true;
}

static assay_status make_market(serving *s, assay_error *err) {
  const uint64_t endless = UINT64_C(1000000000000);
  assay_feed_market market = {.format = s->format,
                              .seed = s->settings->seed,
                              .symbols = (uint32_t)s->settings->symbols,
                              .messages = s->settings->messages > 0 ? s->settings->messages : endless};
  s->chunk = assay_alloc(ASSAY_TAG_CLI, CHUNK);
  if (s->chunk == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  assay_status status = assay_feed_maker_create(&market, err, &s->maker);
  if (status == ASSAY_OK) assay_feed_window(&s->in, s->chunk, assay_feed_maker_fill(s->maker, s->chunk, CHUNK), false);
  return status;
}

static assay_status open_recording(serving *s, assay_error *err) {
  assay_feed_file_close(s->file);
  s->file = NULL;
  assay_status status = assay_feed_file_open(s->path, NULL, err, &s->file);
  if (status == ASSAY_OK) assay_feed_file_begin(s->file, &s->in);
  return status;
}

static assay_status read_recording(serving *s, assay_error *err) {
  assay_status status = open_recording(s, err);
  if (status == ASSAY_OK && s->settings->repeat && (strcmp(s->path, "-") == 0 || assay_feed_file_where(s->file).size == 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--repeat needs a file by its name: %s cannot be read again", s->path);
  if (status != ASSAY_OK || s->settings->format != NULL) return status;
  assay_feed_format found = assay_feed_recognise(s->in.data, s->in.size);
  if (found != ASSAY_FEED_UNKNOWN) s->format = found; /* else it is no JSON either, and where will be said */
  if (s->format == ASSAY_FEED_JSON || s->format == ASSAY_FEED_ITCH || s->format == ASSAY_FEED_DBN) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is %s, and json, itch and dbn can be served", s->path, assay_feed_format_text(found));
}

/* Nobody can read records without the metadata, whenever he comes: it is kept. */
static assay_status read_head(serving *s, assay_error *err) {
  assay_dbn_reader reader = {.in = s->in};
  assay_feed_step step = ASSAY_FEED_END;
  if (s->format != ASSAY_FEED_DBN) return ASSAY_OK;
  if (s->file == NULL) reader.in.last = true;
  while ((step = assay_dbn_read_metadata(&reader)) == ASSAY_FEED_MORE) {
    assay_status status = assay_feed_file_more(s->file, &reader.in, err);
    if (status != ASSAY_OK) return status;
  }
  if (step != ASSAY_FEED_MESSAGE)
    return reader.in.size == 0 ? ASSAY_FAIL(err, ASSAY_ERR_PARSE, "the stream is empty") : assay_feed_explain(&reader.in, "DBN", err);
  assay_free(s->kept);
  s->head_length = reader.in.at;
  s->head = s->kept = assay_alloc(ASSAY_TAG_CLI, s->head_length);
  if (s->kept == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  memcpy(s->kept, reader.in.data, s->head_length);
  s->in = reader.in;
  if (s->file == NULL) s->in.last = false;
  return ASSAY_OK;
}

/* Whether there is a message at all is seen before anybody is served; it is sent like the others. */
static assay_status see_first(serving *s, assay_error *err) {
  const uint8_t *first;
  size_t length;
  if (next_message(s, &first, &length)) {
    s->in.at -= length;
    return ASSAY_OK;
  }
  return err->status != ASSAY_OK ? err->status : ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no message to send in %s", s->path);
}

static assay_status load(serving *s, const assay_cli *cli, assay_error *err) {
  s->err = err;
  s->format = s->settings->format != NULL ? assay_feed_format_find(s->settings->format) : ASSAY_FEED_JSON;
  bool made = cli->operand_count == 0;
  s->path = made ? NULL : cli->operands[0];
  assay_status status = made ? make_market(s, err) : read_recording(s, err);
  if (status == ASSAY_OK) status = read_head(s, err);
  return status != ASSAY_OK || made ? status : see_first(s, err);
}

/* At the end of a recording: whether that was all of it. */
static bool was_whole(serving *s) {
  const char *changed = s->file != NULL ? assay_feed_file_changed(s->file) : NULL;
  if (s->file != NULL && assay_feed_file_where(s->file).cut_off)
    return ASSAY_FAIL(s->err, ASSAY_ERR_IO, "%s became shorter while it was read", s->path), false;
  if (changed != NULL) assay_cli_note(s->cli, "%s %s", s->path, changed);
  return true;
}

static bool begin_again(serving *s) {
  return open_recording(s, s->err) == ASSAY_OK && read_head(s, s->err) == ASSAY_OK && see_first(s, s->err) == ASSAY_OK;
}

/* ---- Sending ------------------------------------------------------------------------------------------------------------------------- */

static bool is_over(serving *s) { return s->err->status != ASSAY_OK || (s->settings->messages > 0 && s->sent >= s->settings->messages); }

static void send_due(serving *s, uint64_t due) {
  for (int i = 0; i < AT_ONCE && s->sent < due && !is_over(s); i++) {
    const uint8_t *message;
    size_t length;
    if (!next_message(s, &message, &length)) {
      if (s->err->status == ASSAY_OK && was_whole(s) && s->settings->repeat && s->maker == NULL && begin_again(s)) continue;
      s->stopping = true;
      return;
    }
    assay_ws_server_broadcast(s->server, s->format == ASSAY_FEED_JSON ? ASSAY_WS_TEXT : ASSAY_WS_BINARY, message, length);
    s->sent++;
  }
}

/* Messages leave when they are due, whoever keeps up: what a client cannot take is its policy's matter, not the others'. */
static assay_status serve(serving *s, assay_error *err) {
  assay_status status = ASSAY_OK;
  double rate = s->settings->rate;
  while (status == ASSAY_OK && signal_count == 0 && !s->stopping && !is_over(s)) {
    double wait_s = -1;
    s->begun = s->begun || s->open >= s->settings->wait;
    if (s->begun) {
      uint64_t now = assay_os_now_ns();
      if (s->from_ns == 0) s->from_ns = now;
      double due = floor((double)(now - s->from_ns) / 1e9 * rate) + 1;
      send_due(s, due < 1e18 ? (uint64_t)due : UINT64_MAX);
      wait_s = (double)s->sent / rate - (double)(assay_os_now_ns() - s->from_ns) / 1e9;
      if (wait_s < 0) wait_s = 0;
    }
    if (!s->stopping) status = assay_ws_loop_turn(s->loop, wait_s, err);
  }
  assay_ws_server_stop(s->server);
  while (status == ASSAY_OK && signal_count < 2 && assay_ws_server_connections(s->server) > 0)
    status = assay_ws_loop_turn(s->loop, -1, err);
  return status;
}

static void report(const serving *s, assay_buf *out) {
  assay_ws_counts counts = assay_ws_server_count(s->server);
  uint64_t sent_out = counts.messages_out - counts.dropped, delivered = sent_out > s->heads ? sent_out - s->heads : 0;
  double seconds = s->from_ns > 0 ? (double)(assay_os_now_ns() - s->from_ns) / 1e9 : 0;
  if (!s->settings->json) {
    assay_buf_printf(out, "%llu messages in ", (unsigned long long)s->sent);
    assay_buf_double(out, round(seconds * 1000) / 1000);
    assay_buf_printf(out, " s to %llu clients: %llu delivered, %llu refused, %llu dropped; %llu clients disconnected, %llu turned away\n",
                     (unsigned long long)counts.accepted, (unsigned long long)(delivered), (unsigned long long)counts.refused,
                     (unsigned long long)counts.dropped, (unsigned long long)counts.disconnected, (unsigned long long)counts.turned_away);
    return;
  }
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  const struct {
    const char *name;
    uint64_t value;
  } rows[] = {{"messages", s->sent},
              {"clients", counts.accepted},
              {"delivered", delivered},
              {"refused", counts.refused},
              {"dropped", counts.dropped},
              {"disconnected", counts.disconnected},
              {"turned_away", counts.turned_away},
              {"faults", counts.faults},
              {"bytes", counts.bytes_out}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assay_json_key(&json, rows[i].name);
    assay_json_uint(&json, rows[i].value);
  }
  assay_json_key(&json, "seconds");
  assay_json_double(&json, seconds);
  assay_json_end(&json);
  assay_buf_putc(out, '\n');
}

static void on_open(void *user, assay_ws *ws) {
  serving *s = user;
  s->open++;
  if (s->head != NULL && assay_ws_send(ws, ASSAY_WS_BINARY, s->head, s->head_length, NULL) == ASSAY_OK) s->heads++;
}

static void on_closed(void *user, assay_ws *ws, unsigned code, const char *reason, bool clean) {
  (void)ws;
  (void)code;
  (void)reason;
  (void)clean;
  ((serving *)user)->open--;
}

static assay_ws_policy policy_of(const char *name) {
  return strcmp(name, "refuse") == 0 ? ASSAY_WS_REFUSE : strcmp(name, "disconnect") == 0 ? ASSAY_WS_DISCONNECT : ASSAY_WS_DROP_OLDEST;
}

static assay_status open_server(serving *s, assay_error *err) {
  const serve_settings *settings = s->settings;
  assay_ws_server_options server = {.address = settings->address,
                                    .port = (uint16_t)settings->port,
                                    .origins = settings->origins.items,
                                    .certificate = settings->certificate,
                                    .key = settings->key,
                                    .connection_limit = settings->connections,
                                    .connection = {.policy = policy_of(settings->policy),
                                                   .queue_limit = (size_t)settings->queue_kib * 1024,
                                                   .message_limit = 4096, /* clients have nothing to say */
                                                   .compression = {.on = settings->compress}}};
  assay_status status = assay_ws_loop_create(&(assay_ws_loop_options){.spin = settings->spin}, err, &s->loop);
  return status == ASSAY_OK ? assay_ws_server_open(s->loop, &server, &(assay_ws_handlers){.user = s, .open = on_open, .closed = on_closed},
                                                   err, &s->server)
                            : status;
}

static int run(assay_cli *cli, const void *settings) {
  assay_error err = {0};
  serving s = {.cli = cli, .settings = settings};
  assay_buf out = {0};
  assay_status status = load(&s, cli, &err);
  if (status == ASSAY_OK) status = open_server(&s, &err);
  int code = ASSAY_EXIT_FINE;
  if (status == ASSAY_OK) {
    signalled = s.loop;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    bool bracketed = strchr(s.settings->address, ':') != NULL;
    fprintf(stderr, "serving on %s://%s%s%s:%u/\n", s.settings->certificate != NULL ? "wss" : "ws", bracketed ? "[" : "",
            s.settings->address, bracketed ? "]" : "", assay_ws_server_port(s.server));
    status = serve(&s, &err);
    report(&s, &out);
    code = assay_cli_print(cli, out.data);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signalled = NULL;
  }
  if (err.status != ASSAY_OK) code = assay_cli_fail(cli, &err);
  assay_ws_loop_destroy(s.loop);
  assay_feed_file_close(s.file);
  assay_free(s.kept);
  assay_feed_maker_destroy(s.maker);
  assay_free(s.chunk);
  assay_buf_deinit(&out);
  return code;
}

const assay_cli_verb assay_cli_feed_serve = {
    .name = "feed serve",
    .summary = "Stream a market over WebSocket.",
    .details =
        "The stream is a recording of any size (JSON documents one behind the other, with times of receipt before them or without, ITCH "
        "with its lengths, or DBN; compressed or not), or a made market when no FILE is given. All clients get the same messages from when "
        "they connect; each has a queue of its own. Ctrl-C ends it gracefully: what is queued goes out, then a close frame. Only this "
        "machine can connect unless --address says otherwise. docs/websocket.md.",
    .operands = "[FILE]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(serve_settings),
    .run = run};

const assay_cli_verb assay_cli_feed = {.name = "feed",
                                       .summary = "Market data: streams of trades and books.",
                                       .options = assay_cli_no_options,
                                       .operands_most = 1,
                                       .settings_size = 1,
                                       .family = true,
                                       .run = assay_cli_run_family};

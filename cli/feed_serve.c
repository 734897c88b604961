/* SPDX-License-Identifier: MIT */
/* assay feed serve: a recorded or made market over WebSocket. */
#include <assay/websocket.h>

#include <math.h>
#include <signal.h>
#include <string.h>

#include "base/json.h"
#include "cli/feed_source.h"
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

enum { AT_ONCE = 4096 };

typedef struct serving {
  const serve_settings *settings;
  assay_cli_source *source;
  assay_ws_loop *loop;
  assay_ws_server *server;
  bool ready, begun, stopping, waits; /* `ready`: the stream has begun; `waits`: its next message is not here yet */
  uint64_t sent, from_ns, open;       /* clients that shook hands */
  uint64_t heads;                     /* that were sent: no messages of the stream */
  assay_error *err;
} serving;

static assay_ws_loop *signalled; /* what a signal stops */
static volatile sig_atomic_t signal_count;

static void on_signal(int number) {
  (void)number;
  signal_count++;
  if (signalled != NULL) assay_ws_loop_wake(signalled);
}

/* ---- Sending ------------------------------------------------------------------------------------------------------------------------- */

static bool is_over(serving *s) { return s->err->status != ASSAY_OK || (s->settings->messages > 0 && s->sent >= s->settings->messages); }

static void send_due(serving *s, uint64_t due) {
  s->waits = false;
  for (int i = 0; i < AT_ONCE && s->sent < due && !is_over(s); i++) {
    const uint8_t *message;
    size_t length;
    assay_cli_source_step step = assay_cli_source_next(s->source, s->err, &message, &length);
    s->waits = step == ASSAY_CLI_SOURCE_LATER;
    s->stopping = step == ASSAY_CLI_SOURCE_END;
    if (step != ASSAY_CLI_SOURCE_MESSAGE) return;
    bool is_text = assay_cli_source_format(s->source) == ASSAY_FEED_JSON;
    assay_ws_server_broadcast(s->server, is_text ? ASSAY_WS_TEXT : ASSAY_WS_BINARY, message, length);
    s->sent++;
  }
}

/* Who came before the stream began gets its head now. */
static void see_beginning(serving *s) {
  size_t length;
  if (s->ready || !assay_cli_source_is_ready(s->source, s->err) || s->err->status != ASSAY_OK) return;
  s->ready = true;
  const uint8_t *head = assay_cli_source_head(s->source, &length);
  if (head != NULL && s->open > 0) assay_ws_server_broadcast(s->server, ASSAY_WS_BINARY, head, length);
  if (head != NULL) s->heads += s->open;
}

/* Messages leave when they are due and here, whoever keeps up: what a client cannot take is its policy's matter, not the others'. */
static assay_status serve(serving *s) {
  assay_status status = ASSAY_OK;
  assay_error problem = {0};
  double rate = s->settings->rate;
  while (status == ASSAY_OK && signal_count == 0 && !s->stopping && !is_over(s)) {
    double wait_s = -1;
    see_beginning(s);
    s->begun = s->begun || (s->ready && s->open >= s->settings->wait);
    if (s->begun) {
      uint64_t now = assay_os_now_ns();
      if (s->from_ns == 0) s->from_ns = now;
      double due = floor((double)(now - s->from_ns) / 1e9 * rate) + 1;
      send_due(s, due < 1e18 ? (uint64_t)due : UINT64_MAX);
      wait_s = (double)s->sent / rate - (double)(assay_os_now_ns() - s->from_ns) / 1e9;
      if (wait_s < 0) wait_s = 0;
      if (s->waits) wait_s = -1;
    }
    if (!s->stopping && !is_over(s)) status = assay_ws_loop_turn(s->loop, wait_s, &problem);
  }
  assay_ws_server_stop(s->server);
  while (status == ASSAY_OK && signal_count < 2 && assay_ws_server_connections(s->server) > 0)
    status = assay_ws_loop_turn(s->loop, -1, &problem);
  if (status != ASSAY_OK && s->err->status == ASSAY_OK) *s->err = problem;
  return s->err->status;
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
}

static void on_open(void *user, assay_ws *ws) {
  serving *s = user;
  size_t length;
  const uint8_t *head = s->ready ? assay_cli_source_head(s->source, &length) : NULL;
  s->open++;
  if (head != NULL && assay_ws_send(ws, ASSAY_WS_BINARY, head, length, NULL) == ASSAY_OK) s->heads++;
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
  return assay_ws_server_open(s->loop, &server, &(assay_ws_handlers){.user = s, .open = on_open, .closed = on_closed}, err, &s->server);
}

static void wake(void *loop) { assay_ws_loop_wake(loop); }

static assay_status open_all(serving *s, const assay_cli *cli, assay_error *err) {
  const serve_settings *settings = s->settings;
  assay_status status = assay_ws_loop_create(&(assay_ws_loop_options){.spin = settings->spin}, err, &s->loop);
  const assay_cli_source_settings source = {.path = cli->operand_count == 0 ? NULL : cli->operands[0],
                                            .format = settings->format,
                                            .seed = settings->seed,
                                            .symbols = settings->symbols,
                                            .messages = settings->messages,
                                            .repeat = settings->repeat,
                                            .wake = wake,
                                            .user = s->loop};
  if (status == ASSAY_OK) status = assay_cli_source_open(cli, &source, err, &s->source);
  return status == ASSAY_OK ? open_server(s, err) : status;
}

static int run(assay_cli *cli, const void *settings) {
  assay_error err = {0};
  serving s = {.settings = settings, .err = &err};
  assay_buf out = {0};
  int code = ASSAY_EXIT_FINE;
  if (open_all(&s, cli, &err) == ASSAY_OK) {
    signalled = s.loop;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    bool bracketed = strchr(s.settings->address, ':') != NULL;
    fprintf(stderr, "serving on %s://%s%s%s:%u/\n", s.settings->certificate != NULL ? "wss" : "ws", bracketed ? "[" : "",
            s.settings->address, bracketed ? "]" : "", assay_ws_server_port(s.server));
    (void)serve(&s);
    report(&s, &out);
    code = assay_cli_print(cli, out.data);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signalled = NULL;
  }
  if (err.status != ASSAY_OK) code = assay_cli_fail(cli, &err);
  assay_cli_source_close(s.source); /* its thread wakes the loop */
  assay_ws_loop_destroy(s.loop);
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

const assay_cli_verb assay_cli_feed = {.name = "feed", .summary = "Market data: streams of trades and books.", ASSAY_CLI_FAMILY};

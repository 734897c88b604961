/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket client that runs the cases of a conformance suite's server, one after the other: it asks how many there are (/getCaseCount),
 * echoes through each (/runCase?case=N&agent=NAME), and asks for the report (/updateReports?agent=NAME), as Autobahn's fuzzingserver has
 * it:
 *
 *     websocket_cases [URL [NAME [FIRST [LAST]]]]
 */
#include <assay/websocket.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct run {
  assay_ws_loop *loop;
  const char *url, *agent;
  unsigned long at, first, last; /* the case; 0: asking for their number */
  bool over, connected, failed;
} run;

static void visit(run *r);

static void on_open(void *user, assay_ws *ws) {
  (void)ws;
  ((run *)user)->connected = true;
}

static void on_message(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  run *r = user;
  if (r->at > 0) {
    (void)assay_ws_send(ws, opcode, data, length, NULL);
    return;
  }
  char number[21] = "";
  memcpy(number, data, length < sizeof number ? length : sizeof number - 1);
  unsigned long count = strtoul(number, NULL, 10);
  if (r->last == 0 || r->last > count) r->last = count;
}

static void on_closed(void *user, assay_ws *ws, unsigned code, const char *reason, bool clean) {
  (void)ws;
  run *r = user;
  if (!r->connected) {
    fprintf(stderr, "%s\n", reason);
    r->failed = true;
  } else if (r->at > 0 && !r->over) {
    printf("case %lu: %u%s%s%s\n", r->at, code, clean ? "" : ", not clean", reason[0] != '\0' ? ": " : "", reason);
  }
  if (r->failed || r->over) {
    assay_ws_loop_stop(r->loop);
    return;
  }
  r->at = r->at == 0 ? r->first : r->at + 1;
  r->over = r->at > r->last;
  visit(r);
}

/* The next thing to do is a connection. */
static void visit(run *r) {
  char url[1000];
  assay_error err = {0};
  static const assay_ws_client_options options = {
      .connection = {.message_limit = 64 << 20, .frame_limit = 64 << 20, .queue_limit = 64 << 20, .compression = {.on = true}}};
  if (r->over)
    snprintf(url, sizeof url, "%s/updateReports?agent=%s", r->url, r->agent);
  else if (r->at == 0)
    snprintf(url, sizeof url, "%s/getCaseCount", r->url);
  else
    snprintf(url, sizeof url, "%s/runCase?case=%lu&agent=%s", r->url, r->at, r->agent);
  r->connected = false;
  assay_ws_handlers handlers = {.user = r, .open = on_open, .message = on_message, .closed = on_closed};
  if (assay_ws_connect(r->loop, url, &options, &handlers, &err, NULL) == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err.message);
  r->failed = true;
  assay_ws_loop_stop(r->loop);
}

int main(int argc, char **argv) {
  assay_error err = {0};
  run r = {.url = argc > 1 ? argv[1] : "ws://127.0.0.1:9001",
           .agent = argc > 2 ? argv[2] : "assay",
           .first = argc > 3 ? strtoul(argv[3], NULL, 10) : 1,
           .last = argc > 4 ? strtoul(argv[4], NULL, 10) : 0};
  if (assay_ws_loop_create(NULL, &err, &r.loop) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  visit(&r);
  if (assay_ws_loop_run(r.loop, &err) != ASSAY_OK) r.failed = true;
  assay_ws_loop_destroy(r.loop);
  return r.failed ? 1 : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * A WebSocket server that says what it hears, compressed for those who offer it:
 *
 *     websocket_echo [PORT [ADDRESS]]
 *
 * This is what conformance suites drive as a server (Autobahn: wstest -m fuzzingclient -s '{"servers": [{"url": "ws://127.0.0.1:9001"}]}').
 */
#include <assay/websocket.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static assay_ws_loop *loop;

static void stop(int signal_number) {
  (void)signal_number;
  assay_ws_loop_stop(loop);
}

static void echo(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  (void)user;
  /* A peer that asks for more than it takes would lose answers, and not know: it is told to come back later. */
  if (assay_ws_send(ws, opcode, data, length, NULL) != ASSAY_OK) assay_ws_close(ws, ASSAY_WS_CLOSE_TRY_LATER, "read what I say", NULL);
}

int main(int argc, char **argv) {
  assay_error err = {0};
  assay_ws_server *server;
  assay_ws_server_options options = {
      .port = (uint16_t)(argc > 1 ? strtoul(argv[1], NULL, 10) : 9001),
      .address = argc > 2 ? argv[2] : NULL,
      .origins = (const char *const[]){"*", NULL},
      .connection = {.message_limit = 64 << 20, .frame_limit = 64 << 20, .queue_limit = 64 << 20, .compression = {.on = true}},
  };
  if (assay_ws_loop_create(NULL, &err, &loop) != ASSAY_OK ||
      assay_ws_server_open(loop, &options, &(assay_ws_handlers){.message = echo}, &err, &server) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    return 1;
  }
  printf("ws://%s:%u/\n", options.address != NULL ? options.address : "127.0.0.1", assay_ws_server_port(server));
  fflush(stdout);
  signal(SIGINT, stop);
  signal(SIGTERM, stop);
  bool fine = assay_ws_loop_run(loop, &err) == ASSAY_OK;
  if (!fine) fprintf(stderr, "%s\n", err.message);
  assay_ws_loop_destroy(loop);
  return fine ? 0 : 1;
}

/* SPDX-License-Identifier: MIT */
/*
 * A place for connections to stand: a loop with a server of ours, clients of ours, and bare sockets that speak to either byte by byte. The
 * server's side writes down what it sees in `ours`, the client's in `theirs`.
 */
#ifndef WEBSOCKET_STAND_H
#define WEBSOCKET_STAND_H

#include "test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <assay/websocket.h>

#include "market/websocket/tls.h"
#include "os/prim.h"
#include "reference.h"

typedef struct end {
  unsigned opened, closed, messages, pongs, drained;
  unsigned code;
  bool clean, echo;
  char reason[300], last[300];
  uint8_t last_opcode;
  size_t last_length;
  uint64_t bytes;
  unsigned long long sum; /* of all bytes, weighted by place */
  assay_ws *ws;
} end;

extern assay_error err;
extern assay_ws_loop *loop;
extern assay_ws_server *server;
extern end ours, theirs;

assay_ws_handlers handlers_of(end *e);
/* The server echoes; what is at "/nowhere" it does not know. */
void start_with(const assay_ws_server_options *options, bool spin);
void start_patient(double patience_s);
void start(const assay_ws_options *connection);
void finish(void);
void connect_to(const char *scheme, const char *path, const assay_ws_client_options *options);
/* One client, and waits until both ends are open. */
void connected(const assay_ws_client_options *options);
void send_text(end *e, const char *text);

/* Turns until the condition holds; ten seconds are for ever. */
#define until(condition)                                                            \
  do {                                                                              \
    uint64_t give_up = assay_os_now_ns() + UINT64_C(10000000000);                   \
    while (!(condition)) {                                                          \
      if (assay_os_now_ns() > give_up) fail_msg("this never came: %s", #condition); \
      assert_ok(assay_ws_loop_turn(loop, 0.01, &err), err);                         \
    }                                                                               \
  } while (0)

/* ---- Bare sockets ---------------------------------------------------------------------------------------------------------------- */

extern const char hello[]; /* a request without the empty line at its end */
extern char heard_bytes[1 << 20];
extern size_t heard_length;
extern bool heard_end;

/* To our server, with a small window to receive. */
int bare_socket(void);
/* Turns the loop as it sends, so that the other end can take it. */
void put(int fd, const void *bytes, size_t length);
/* A turn, and what came. */
void hear(int fd);
/* A bare socket that shook hands; `more`: header lines. */
int shaken(const char *more);
/* A frame whose first byte is as given. */
void put_masked(int fd, unsigned first, const void *data, size_t length);
/* The close code that the server answers with, which then hangs up. */
unsigned answered_code(int fd);

/* What a client of ours says, as a server hears it; at least one frame. */
extern transcript from_client;
void hear_client(int fd);

/* Listens on loopback, without waiting in accept. */
int listener(uint16_t *port);
/* A server of bare sockets that our client is connected to; `more` are header lines of its answer. */
int bare_server(const char *more, const assay_ws_client_options *options, const assay_ws_handlers *handlers);

#endif

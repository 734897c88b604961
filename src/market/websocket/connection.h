/* SPDX-License-Identifier: MIT */
/* What the loop, servers and clients share. */
#ifndef ASSAY_MARKET_WEBSOCKET_CONNECTION_H
#define ASSAY_MARKET_WEBSOCKET_CONNECTION_H

#include <sys/socket.h>

#include "base/arena.h"
#include "market/websocket/tls.h"
#include "os/poller.h"

enum {
  READ_SIZE = 256 * 1024, /* one for the whole loop: what a message needs beyond it is the connection's */
  EVENTS_AT_ONCE = 128,
  SPIN_DIRECT = 8,         /* so few connections are read without asking the system which */
  WIRE_ENOUGH = 64 * 1024, /* encoded ahead of the socket; what is encoded cannot be dropped any more */
  REASON_SIZE = 256,
};

/* The first field of what the poller tells of. */
typedef enum watched { WATCHED_SERVER, WATCHED_CONNECTION } watched;

typedef enum ws_state {
  TO_CONNECT, /* TCP is being set up */
  TO_SHAKE,   /* TLS's handshake, then ours */
  OPEN,       /* frames */
  CLOSING,    /* our close frame waits in the queue or is sent; theirs is not here yet */
  SAYING_BYE, /* nothing more is read from the peer; our last bytes go out */
  LINGERING,  /* all is sent and our side is shut: until the peer hangs up, so that nothing of it is lost */
  DEAD        /* waits to be freed at the end of the turn */
} ws_state;

typedef struct queued {
  struct queued *next;
  size_t length;
  uint8_t opcode, flags; /* as of frames; ASSAY_WS_CLOSE for the close frame behind the last message */
  bool compress, whole;  /* whole: may be dropped */
  uint8_t data[];
} queued;

struct assay_ws {
  watched kind;
  int fd;
  ws_state state;
  assay_ws_role role;
  assay_ws_loop *loop;
  assay_ws_server *server;               /* NULL: a client */
  assay_ws *next, *previous, *dead_next; /* of the loop */
  assay_ws *server_next, *server_previous;
  const assay_ws_handlers *handlers;
  const assay_ws_options *options;
  struct client *client; /* what only clients have */
  void *data;
  const char *protocol; /* of the server's or client's options */
  char address[64];

  assay_ws_tls *tls;
  bool tls_ready;
  assay_ws_bytes head; /* of the handshake, as it comes */
  assay_ws_parser parser;
  assay_ws_deflate *deflate;
  bool compress_out;
  assay_ws_bytes message; /* pieces so far */
  assay_ws_utf8 utf8;     /* of a compressed text */

  assay_ws_bytes wire; /* encoded; the first `wire_sent` bytes are gone */
  size_t wire_sent;
  queued *first, *last;
  size_t queued_bytes;
  size_t held, spare, fixed;        /* of memory, as the loop has counted it; what of it can be given up; what of it TLS has */
  bool part_open;                   /* assay_ws_send_part: more will follow */
  bool was_full;                    /* something waited: `drained` is due */
  bool corked;                      /* its bytes are being dealt with: answers go out together */
  bool direct;                      /* read by a loop that spins: the poller does not know it */
  bool wants_write;                 /* the poller was asked */
  uint8_t pong_length, ping_length; /* 1 more than the bytes; 0: none waits */
  uint8_t pong[ASSAY_WS_CONTROL_MOST], ping[ASSAY_WS_CONTROL_MOST];

  bool was_open, close_queued, close_sent, close_got;
  unsigned code; /* of the end, see assay_ws_handlers.closed; 0: not known yet */
  char reason[REASON_SIZE];
  uint64_t deadline_ns;       /* of the state; 0: none */
  uint64_t heard_ns, ping_ns; /* last byte from the peer; when a ping is due, or its answer (`pinged`) */
  bool pinged;
  assay_ws_counts counts;
};

struct assay_ws_loop {
  assay_os_poller *poller;
  bool spin;
  unsigned short_waits, wanted_waits; /* in a row; before it is patient */
  uint64_t patience_ns;
  int stopped, woken; /* set by any thread: always through __atomic */
  assay_ws *first;
  size_t count, direct;
  size_t held, spare, memory_limit; /* of all connections */
  size_t starved;                   /* bytes that were refused for that: once there is room for them, `drained` is due. 0: none */
  assay_ws *dead;
  assay_ws_server *servers;
  uint64_t now_ns, scanned_ns, next_deadline_ns; /* as of the turn; UINT64_MAX: none */
  assay_ws_masks masks;
  assay_ws_tls_context *tls_known; /* of its clients */
  assay_ws_bytes scratch;          /* frames on their way into TLS, compressed messages */
  unsigned idle_spins, busy_spins; /* rounds since it looked around: in a row without anything; that brought something */
  uint8_t *bytes, *plain;          /* READ_SIZE; `plain` with TLS only */
  assay_ws_event events[EVENTS_AT_ONCE];
};

struct assay_ws_server {
  watched kind;
  int fd; /* -1: stopped */
  assay_ws_loop *loop;
  assay_ws_server *next;
  assay_ws *first;
  size_t count;
  uint16_t port;
  uint64_t resume_ns; /* no descriptors were left: accepting goes on then; 0: it does */
  assay_ws_server_options options;
  assay_ws_handlers handlers;
  assay_ws_tls_context *tls;
  assay_arena arena;      /* texts of the options */
  assay_ws_counts counts; /* of connections that are gone, and the server's own */
};

/* ---- connection.c */
assay_ws *assay_ws_connection_create(assay_ws_loop *loop, int fd, assay_ws_role role, const assay_ws_handlers *handlers,
                                     const assay_ws_options *options);
/* The system says that there is something to read or room to write. */
void assay_ws_connection_ready(assay_ws *ws, unsigned what);
void assay_ws_connection_deadline(assay_ws *ws);
/* Frames begin: the handshake is done. */
void assay_ws_connection_open(assay_ws *ws, const assay_ws_agreement *agreement);
/* Ends it at once, with this cause unless there is one already. */
void assay_ws_connection_end(assay_ws *ws, unsigned code, const char *why);
/* What the peer did ends the connection: it is told why, and nothing more is read (section 7.1.7). */
void assay_ws_connection_fail(assay_ws *ws, unsigned code, const char *why);
/* What is encoded goes out, then ours is shut: for refusals and after close frames. */
void assay_ws_connection_finish(assay_ws *ws);
void assay_ws_connection_free(assay_ws *ws);
/* Counts what it holds now. */
void assay_ws_weigh(assay_ws *ws);
/* `drained`, where it is due. */
void assay_ws_tell_drained(assay_ws *ws);
void assay_ws_set_end(assay_ws *ws, unsigned code, const char *reason, size_t length);
void assay_ws_set_deadline(assay_ws *ws, double seconds);
void assay_ws_earliest(assay_ws_loop *loop, uint64_t ns);

/* ---- input.c, messages.c */
/* Whether anything came. */
bool assay_ws_connection_read(assay_ws *ws);
/* Of a connection whose handshake is done. */
void assay_ws_take_frames(assay_ws *ws, uint8_t *bytes, size_t length);

/* ---- output.c */
/* Text of the handshake, or a control frame, before all that is queued. */
bool assay_ws_put_bytes(assay_ws *ws, const void *bytes, size_t length);
bool assay_ws_put_frame(assay_ws *ws, assay_ws_opcode opcode, unsigned flags, const void *data, size_t length, bool compress);
/* Encodes what waits and writes as much as the system takes. */
void assay_ws_flush(assay_ws *ws);
void assay_ws_forget_queue(assay_ws *ws);
bool assay_ws_enqueue(assay_ws *ws, assay_ws_opcode opcode, unsigned flags, bool compress, bool whole, const void *data, size_t length);
size_t assay_ws_wire_left(const assay_ws *ws);
/* More than half of the memory limit is in use: nothing is kept for later. */
static inline bool assay_ws_memory_is_tight(const assay_ws_loop *loop) { return loop->held > loop->memory_limit / 2; }
static inline bool assay_ws_memory_has_room(const assay_ws_loop *loop, size_t more) {
  return loop->held <= loop->memory_limit && more <= loop->memory_limit - loop->held;
}
/* The same, once compressors have given up what they can do without. */
bool assay_ws_memory_find_room(assay_ws_loop *loop, size_t more);

/* ---- loop.c */
/* A loop that spins takes the connection to itself, or gives it back to the poller. */
void assay_ws_loop_adopt(assay_ws *ws);
void assay_ws_loop_release(assay_ws *ws);

/* ---- server.c, client.c */
void assay_ws_server_accept(assay_ws_server *server);
void assay_ws_server_deadline(assay_ws_server *server);
void assay_ws_server_head(assay_ws *ws, size_t end);
void assay_ws_server_forget(assay_ws *ws);
void assay_ws_client_connected(assay_ws *ws);
void assay_ws_client_shake(assay_ws *ws);
void assay_ws_client_head(assay_ws *ws, size_t end);
void assay_ws_client_free(assay_ws *ws);
/* Whether another address of the host is tried. */
bool assay_ws_client_next(assay_ws *ws);
assay_status assay_ws_options_check(assay_ws_options *options, assay_error *err);
const char *const *assay_ws_copy_list(assay_arena *arena, const char *const *list);
/* Non-blocking, closed by exec, without Nagle's delay. `peer`: NULL where there is none yet. */
bool assay_ws_prepare_socket(int fd, const struct sockaddr *peer);

#endif

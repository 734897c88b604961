/* SPDX-License-Identifier: MIT */
/* Peers that do not read: what waits for them is bounded, and what becomes of it is the policy's matter. */
#include "base/alloc.h"
#include "stand.h"

enum { PIECE = 4096, QUEUE = 65536 };

/* Sends numbered messages to a peer that does not read until the policy has something to do. */
static unsigned fill(int *fd, assay_ws_policy policy, double close_s, assay_status *status) {
  start(&(assay_ws_options){.queue_limit = QUEUE, .policy = policy, .ping_s = -1, .close_s = close_s});
  *fd = shaken("");
  char data[PIECE];
  memset(data, '.', sizeof data);
  unsigned count = 0;
  for (*status = ASSAY_OK; *status == ASSAY_OK && count < 20000; count++) {
    snprintf(data, sizeof data, "%08u", count);
    *status = assay_ws_send(ours.ws, ASSAY_WS_BINARY, data, sizeof data, NULL);
    assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
    if (ours.ws != NULL) assert_true(assay_ws_queued(ours.ws) <= QUEUE + PIECE + 64);
    if (ours.ws != NULL && assay_ws_count(ours.ws).dropped > 100) break;
  }
  return count;
}

/* Reads all, and returns the numbers of the messages that came. */
static unsigned drain(int fd, unsigned *numbers, unsigned most) {
  static uint8_t bytes[1 << 16];
  assay_ws_parser parser;
  assay_ws_parser_init(&parser, &(assay_ws_parser_options){.role = ASSAY_WS_CLIENT});
  unsigned count = 0, quiet = 0;
  char number[9] = "";
  size_t have = 0;
  while (quiet < 30) {
    assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    quiet = got > 0 ? 0 : quiet + 1;
    for (size_t at = 0, used; got > 0 && at < (size_t)got; at += used) {
      assay_ws_event e;
      size_t events = assay_ws_parser_feed(&parser, bytes + at, (size_t)got - at, &e, 1, &used);
      assert_int_equal(parser.fault, 0);
      if (events == 0) continue;
      if ((e.flags & ASSAY_WS_FIRST) != 0) have = 0;
      for (size_t i = 0; i < e.length && have < 8; i++) number[have++] = (char)e.data[i];
      if ((e.flags & ASSAY_WS_LAST) != 0 && count < most) numbers[count++] = (unsigned)strtoul(number, NULL, 10);
    }
  }
  return count;
}

static unsigned numbers[20000];

static void refused_messages_are_counted_and_nothing_is_lost(void **state) {
  (void)state;
  int fd;
  assay_status status;
  unsigned sent = fill(&fd, ASSAY_WS_REFUSE, 0, &status) - 1;
  assert_int_equal(status, ASSAY_ERR_BUSY);
  assert_int_equal(assay_ws_count(ours.ws).refused, 1);
  assert_int_equal(drain(fd, numbers, 20000), sent);
  for (unsigned i = 0; i < sent; i++) assert_int_equal(numbers[i], i);
  assert_int_equal(ours.drained, 1);
  assert_int_equal(assay_ws_queued(ours.ws), 0);
  send_text(&ours, "again");
  close(fd);
  finish();
}

static void the_oldest_are_dropped_and_the_rest_is_in_order(void **state) {
  (void)state;
  int fd;
  assay_status status;
  unsigned sent = fill(&fd, ASSAY_WS_DROP_OLDEST, 0, &status) + 1;
  assert_int_equal(status, ASSAY_OK);
  uint64_t dropped = assay_ws_count(ours.ws).dropped;
  assert_true(dropped > 100);
  unsigned got = drain(fd, numbers, 20000);
  assert_int_equal(got, sent - dropped);
  for (unsigned i = 1; i < got; i++) assert_true(numbers[i] > numbers[i - 1]);
  assert_int_equal(numbers[got - 1], sent - 1); /* the newest always comes */
  assert_int_equal(ours.drained, 1);            /* nobody was refused, but the queue was not empty and is */
  close(fd);
  finish();
}

/* Those who do not even read what is on the wire are hung up on when close_s is over. That is no fault beside the disconnection. */
static void slow_readers_are_disconnected(void **state) {
  (void)state;
  int fd;
  assay_status status;
  fill(&fd, ASSAY_WS_DISCONNECT, 0.2, &status);
  assert_int_equal(status, ASSAY_ERR_BUSY);
  assert_int_equal(assay_ws_send(ours.ws, ASSAY_WS_BINARY, "x", 1, NULL), ASSAY_ERR_INVALID);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_TRY_LATER);
  assert_string_equal(ours.reason, "the peer reads too slowly");
  assert_false(ours.clean);
  assay_ws_counts counts = assay_ws_server_count(server);
  assert_int_equal(counts.disconnected, 1);
  assert_int_equal(counts.faults, 0);
  assert_true(counts.dropped > 0);
  close(fd);
  finish();
}

/* All bytes of a server that come until it hangs up. */
static size_t hear_all(int fd, uint8_t *bytes, size_t most) {
  size_t size = 0;
  ssize_t got = -1;
  uint64_t give_up = assay_os_now_ns() + UINT64_C(10000000000);
  while (got != 0 && size < most) {
    assert_true(assay_os_now_ns() < give_up);
    got = recv(fd, bytes + size, most - size, MSG_DONTWAIT);
    if (got > 0) size += (size_t)got;
    if (got < 0) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  }
  return size;
}

/* Who reads on when it is too late gets whole messages in order, and then why there are no more: never half a frame. */
static void slow_readers_are_told(void **state) {
  (void)state;
  static uint8_t bytes[1 << 20];
  int fd;
  assay_status status;
  unsigned sent = fill(&fd, ASSAY_WS_DISCONNECT, 0, &status) - 1;
  assert_int_equal(ours.closed, 0);
  size_t got_messages = 0;
  assay_ws_parser parser;
  assay_ws_parser_init(&parser, &(assay_ws_parser_options){.role = ASSAY_WS_CLIENT});
  unsigned code = 0;
  char reason[64] = "";
  while (code == 0) {
    ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    assert_int_not_equal(got, 0); /* a close frame comes first */
    if (got < 0) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
    for (size_t at = 0, used; got > 0 && at < (size_t)got; at += used) {
      assay_ws_event e;
      size_t events = assay_ws_parser_feed(&parser, bytes + at, (size_t)got - at, &e, 1, &used);
      assert_int_equal(parser.fault, 0);
      if (events == 1 && e.opcode == ASSAY_WS_CLOSE) {
        code = e.code;
        memcpy(reason, e.data, e.length < sizeof reason ? e.length : sizeof reason - 1);
      } else if (events == 1) {
        got_messages += (e.flags & ASSAY_WS_LAST) != 0;
      }
    }
  }
  assert_int_equal(code, ASSAY_WS_CLOSE_TRY_LATER);
  assert_string_equal(reason, "the peer reads too slowly");
  assert_int_equal(got_messages, sent - assay_ws_server_count(server).dropped);
  uint8_t answer[2] = {ASSAY_WS_CLOSE_TRY_LATER >> 8, ASSAY_WS_CLOSE_TRY_LATER & 255};
  put_masked(fd, 0x88, answer, sizeof answer);
  assert_int_equal(hear_all(fd, bytes, sizeof bytes), 0);
  close(fd);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_TRY_LATER);
  assert_true(ours.clean);
  assert_int_equal(assay_ws_server_count(server).disconnected, 1);
  assert_int_equal(assay_ws_server_count(server).faults, 0);
  finish();
}

/* Pings that are never read: one answer waits, not thousands. */
static void a_flood_of_pings_costs_no_memory(void **state) {
  (void)state;
  start(&(assay_ws_options){.queue_limit = QUEUE, .ping_s = -1});
  int fd = shaken("");
  char payload[125];
  memset(payload, 'p', sizeof payload);
  uint8_t frame[140];
  uint32_t mask = 7;
  size_t length = assay_ws_frame(frame, ASSAY_WS_PING, 0, payload, sizeof payload, &mask);
  for (unsigned i = 0; i < 60000; i++) {
    if (send(fd, frame, length, MSG_NOSIGNAL) != (ssize_t)length) break; /* the way in is full as well */
    if (i % 16 == 0) assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
    if (ours.ws != NULL) assert_true(assay_ws_queued(ours.ws) < 400000);
  }
  close(fd);
  finish();
}

/* One long message fills the wire with nothing in the queue: whoever was refused then is told when there is room. */
static void a_refusal_is_followed_by_drained(void **state) {
  (void)state;
  start(&(assay_ws_options){.queue_limit = QUEUE, .ping_s = -1});
  int fd = shaken("");
  static char large[16 << 20];
  int roomy = 1 << 20;
  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &roomy, sizeof roomy), 0);
  assert_ok(assay_ws_send(ours.ws, ASSAY_WS_BINARY, large, sizeof large, &err), err);
  assert_int_equal(assay_ws_send(ours.ws, ASSAY_WS_BINARY, "x", 1, NULL), ASSAY_ERR_BUSY);
  assert_int_equal(ours.drained, 0);
  until((hear(fd), heard_length = 0, ours.drained == 1));
  assert_int_equal(assay_ws_queued(ours.ws), 0);
  assert_ok(assay_ws_send(ours.ws, ASSAY_WS_BINARY, "x", 1, &err), err);
  close(fd);
  finish();
}

static char long_message[8 << 20];
static assay_status first_said, second_said;

static void send_long(void *user, assay_ws *ws) {
  ((end *)user)->opened++;
  ((end *)user)->ws = ws;
  first_said = assay_ws_send(ws, ASSAY_WS_BINARY, long_message, sizeof long_message, NULL);
  second_said = assay_ws_send(ws, ASSAY_WS_BINARY, long_message, sizeof long_message, NULL);
}

/* The handshake's answer, which waits to go out while `open` runs, is no message: one that is longer than the queue may follow. */
static void a_long_message_from_open(void **state) {
  (void)state;
  static const assay_ws_policy policies[] = {ASSAY_WS_REFUSE, ASSAY_WS_DISCONNECT};
  for (size_t i = 0; i < 2; i++) {
    start(NULL);
    assay_ws_server *other = NULL;
    assay_ws_handlers handlers = handlers_of(&ours), client = handlers_of(&theirs);
    handlers.open = send_long;
    assert_ok(assay_ws_server_open(loop, &(assay_ws_server_options){.connection = {.queue_limit = QUEUE, .policy = policies[i]}}, &handlers,
                                   &err, &other),
              err);
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", assay_ws_server_port(other));
    assert_ok(assay_ws_connect(loop, url, NULL, &client, &err, NULL), err);
    until(theirs.closed == 1 || theirs.messages == 1);
    assert_int_equal(first_said, ASSAY_OK);
    assert_int_equal(second_said, ASSAY_ERR_BUSY); /* but only one */
    if (policies[i] == ASSAY_WS_REFUSE) assert_int_equal(theirs.last_length, sizeof long_message);
    if (policies[i] == ASSAY_WS_REFUSE) until(ours.drained == 1);
    finish();
  }
}

/* Fills the queue out of `message` until it is refused. */
static void fill_up(void *user, assay_ws *ws, assay_ws_opcode opcode, uint8_t *data, size_t length) {
  (void)data, (void)length;
  end *e = user;
  e->messages++;
  while (assay_ws_send(ws, opcode, long_message, 1000, NULL) == ASSAY_OK) {
  }
}

/* A queue that a handler fills and that goes out at once when it returns: spinning and not, `drained` comes. */
static void refused_in_a_handler(void **state) {
  (void)state;
  for (int spin = 0; spin < 2; spin++) {
    start_with(&(assay_ws_server_options){0}, spin == 1);
    assay_ws_server *other = NULL;
    assay_ws_handlers handlers = handlers_of(&ours), client = handlers_of(&theirs);
    handlers.message = fill_up;
    assert_ok(assay_ws_server_open(loop, &(assay_ws_server_options){.connection = {.queue_limit = 10000}}, &handlers, &err, &other), err);
    char url[64];
    snprintf(url, sizeof url, "ws://127.0.0.1:%u/", assay_ws_server_port(other));
    assert_ok(assay_ws_connect(loop, url, NULL, &client, &err, NULL), err);
    until(theirs.opened == 1);
    send_text(&theirs, "go");
    until(ours.drained == 1);
    finish();
  }
}

/* ---- All connections together
 * ------------------------------------------------------------------------------------------------------------
 */

static void start_small(size_t memory, const assay_ws_options *connection) {
  err = (assay_error){0};
  ours = (end){.echo = false};
  theirs = (end){0};
  assay_ws_handlers handlers = handlers_of(&ours);
  assert_ok(assay_ws_loop_create(&(assay_ws_loop_options){.memory_limit = memory}, &err, &loop), err);
  assert_ok(assay_ws_server_open(loop, &(assay_ws_server_options){.connection = *connection}, &handlers, &err, &server), err);
}

/* Twenty peers that begin long messages and never finish them: those that hold most go, and one that finishes its own is heard. */
static void unfinished_messages_have_a_limit_together(void **state) {
  (void)state;
  enum { PEERS = 20, BEGUN = 300000 };
  int fds[PEERS], patient;
  start_small(1 << 20, &(assay_ws_options){.close_s = 0.2}); /* none of them hangs up */
  patient = shaken("");
  put_masked(patient, 0x01, long_message, 1000);
  for (int i = 0; i < PEERS; i++) {
    fds[i] = shaken("");
    put_masked(fds[i], 0x02, long_message, BEGUN);
    for (int turns = 0; turns < 5; turns++) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  }
  until(ours.closed >= PEERS - 3);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_TRY_LATER);
  assert_string_equal(ours.reason, "all connections together hold too much");
  assert_true(assay_ws_server_count(server).disconnected >= ours.closed);
  put_masked(patient, 0x80, "", 0);
  until(ours.messages == 1);
  assert_int_equal(ours.last_length, 1000);
  for (int i = 0; i < PEERS; i++) close(fds[i]);
  close(patient);
  finish();
}

/* Inflated data counts: a peer cannot get more by sending it compressed. */
static void inflated_messages_count(void **state) {
  (void)state;
  start_small(1 << 20, &(assay_ws_options){.compression = {.on = true}});
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  assay_ws_agreement agreement = {.on = true, .server_bits = 15, .client_bits = 15};
  assay_ws_deflate *d = NULL;
  assay_ws_bytes packed = {0};
  assert_ok(assay_ws_deflate_create(ASSAY_WS_CLIENT, &agreement, 1, &err, &d), err);
  assert_true(assay_ws_compress(d, long_message, sizeof long_message, &packed));
  put_masked(fd, 0xC2, packed.data, packed.length);
  assert_int_equal(answered_code(fd), ASSAY_WS_CLOSE_TRY_LATER);
  assay_ws_deflate_destroy(d);
  assay_ws_bytes_deinit(&packed);
  close(fd);
  finish();
}

/* What waits for one peer that does not read keeps another one from sending, until that peer is gone; then it is told. */
static void what_waits_has_a_limit_together(void **state) {
  (void)state;
  start_small(sizeof long_message + (1 << 20), &(assay_ws_options){.queue_limit = 64 << 20, .ping_s = -1});
  int fd = shaken("");
  assay_ws *first = ours.ws;
  assert_int_equal(assay_ws_send(first, ASSAY_WS_BINARY, long_message, 2 * sizeof long_message, NULL), ASSAY_ERR_LIMIT);
  unsigned sent = 0;
  while (assay_ws_send(first, ASSAY_WS_BINARY, long_message, 1 << 20, NULL) == ASSAY_OK) assert_true(++sent < 64);
  int other = shaken("");
  assert_true(ours.ws != first);
  assert_int_equal(assay_ws_send(ours.ws, ASSAY_WS_BINARY, long_message, sizeof long_message, NULL), ASSAY_ERR_BUSY);
  assert_int_equal(ours.drained, 0);
  close(fd);
  until(ours.drained == 1);
  assert_ok(assay_ws_send(ours.ws, ASSAY_WS_BINARY, long_message, sizeof long_message, &err), err);
  close(other);
  finish();
}

/* Who reads slowly is told too where all connections together hold too much, if what waited for that peer was what the others need. */
static void slow_readers_are_told_where_memory_ends(void **state) {
  (void)state;
  unsigned sent = 0;
  start_small(sizeof long_message, &(assay_ws_options){.queue_limit = 64 << 20, .ping_s = -1, .policy = ASSAY_WS_DISCONNECT});
  int fd = shaken("");
  while (assay_ws_send(ours.ws, ASSAY_WS_BINARY, long_message, 100000, NULL) == ASSAY_OK) assert_true(++sent < 1000);
  assert_int_equal(assay_ws_server_count(server).disconnected, 1);
  for (int turns = 0; turns < 5; turns++) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  assert_int_equal(ours.closed, 0); /* its close frame waits behind the wire */
  close(fd);
  until(ours.closed == 1);
  finish();
}

/* Where it is others that hold it, nobody waits for a close frame to be read. */
static void who_needs_what_others_hold_is_hung_up_on(void **state) {
  (void)state;
  start_small(sizeof long_message, &(assay_ws_options){.queue_limit = 64 << 20, .ping_s = -1, .policy = ASSAY_WS_DISCONNECT});
  int fd = shaken("");
  assay_ws *first = ours.ws;
  while (assay_ws_queued(first) < 3 << 20) assert_ok(assay_ws_send(first, ASSAY_WS_BINARY, long_message, 1 << 20, &err), err);
  int other = shaken("");
  assert_int_equal(assay_ws_send(ours.ws, ASSAY_WS_BINARY, long_message, 6 << 20, NULL), ASSAY_ERR_BUSY);
  for (int turns = 0; turns < 5; turns++) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  assert_int_equal(ours.closed, 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_TRY_LATER);
  close(other);
  close(fd);
  until(ours.closed == 2);
  finish();
}

/* ---- Compression -----------------------------------------------------------------------------------------------------------------------
 */

typedef struct peer {
  int fd;
  assay_ws *ws; /* the server's end */
  assay_ws_deflate *deflate;
} peer;

static void meet(peer *p, const char *offer, bool fresh) {
  assay_ws_agreement agreement = {.on = true, .server_bits = 15, .client_bits = 15, .client_no_context = fresh};
  p->fd = shaken(offer);
  p->ws = ours.ws;
  assert_ok(assay_ws_deflate_create(ASSAY_WS_CLIENT, &agreement, 1, &err, &p->deflate), err);
}

static void part(peer *p) {
  close(p->fd);
  assay_ws_deflate_destroy(p->deflate);
}

static void say_compressed(peer *p, const void *text, size_t length) {
  assay_ws_bytes packed = {0};
  assert_true(assay_ws_compress(p->deflate, text, length, &packed));
  put_masked(p->fd, 0xC1, packed.data, packed.length);
  assay_ws_bytes_deinit(&packed);
}

/* The next message that the server sends, which has to be this text; whether it came compressed. */
static bool hear_text(peer *p, const char *text, size_t length) {
  assay_ws_parser parser;
  assay_ws_event e;
  size_t used;
  assay_ws_parser_init(&parser, &(assay_ws_parser_options){.role = ASSAY_WS_CLIENT, .compression = true});
  heard_length = 0;
  until((hear(p->fd),
         heard_length > 2 && ((uint8_t)heard_bytes[1] < 126 ? heard_length >= 2u + (uint8_t)heard_bytes[1] : heard_length >= 4 + length)));
  assert_int_equal(assay_ws_parser_feed(&parser, (uint8_t *)heard_bytes, heard_length, &e, 1, &used), 1);
  assay_ws_bytes plain = {0};
  bool compressed = (e.flags & ASSAY_WS_COMPRESSED) != 0;
  if (compressed) assert_int_equal(assay_ws_inflate(p->deflate, e.data, e.length, true, 1 << 20, &plain), 0);
  assert_int_equal(compressed ? plain.length : e.length, length);
  assert_memory_equal(compressed ? plain.data : e.data, text, length);
  assay_ws_bytes_deinit(&plain);
  return compressed;
}

static const char deflate_offer[] = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
enum { MANY_PEERS = 30, TEXT = 600 };
static peer peers[MANY_PEERS];
static char news[TEXT];

/* What this process really holds for the market, but for the peers' own compression and what is there without any message. */
static size_t held_now(size_t before) {
  size_t live = assay_tag_get_stats(ASSAY_TAG_MARKET).live_bytes, theirs_too = 0;
  for (int i = 0; i < MANY_PEERS; i++) theirs_too += assay_ws_deflate_held(peers[i].deflate);
  return live - theirs_too - before;
}

/* Compressors for half of the limit at most; the other peers get the same text as it is. */
static void compressors_have_a_limit_together(void **state) {
  (void)state;
  enum { LIMIT = 5 << 18, LONG = 900 * 1024 };
  start_small(LIMIT, &(assay_ws_options){.compression = {.on = true}});
  memset(news, 'n', sizeof news);
  for (int i = 0; i < MANY_PEERS; i++) meet(&peers[i], deflate_offer, false);
  size_t before = held_now(0);
  unsigned compressed = 0;
  for (int round = 0; round < 3; round++) {
    compressed = 0;
    for (int i = 0; i < MANY_PEERS; i++) {
      news[0] = (char)('a' + (i + round) % 26);
      assert_ok(assay_ws_send(peers[i].ws, ASSAY_WS_TEXT, news, TEXT, &err), err);
      assert_true(held_now(before) <= LIMIT / 2);
      compressed += hear_text(&peers[i], news, TEXT);
    }
    assert_true(compressed >= 1 && compressed <= LIMIT / 2 / 250000);
  }
  assert_true(held_now(before) > 200000); /* what is counted is there */
  /* What a message needs they give up, and nobody is sent away for it; what follows can still be inflated. */
  put_masked(peers[0].fd, 0x02, long_message, LONG);
  put_masked(peers[0].fd, 0x80, "", 0);
  until(ours.messages == 1);
  assert_int_equal(ours.closed, 0);
  assert_int_equal(ours.last_length, LONG);
  assert_true(held_now(before) < LIMIT / 2);
  for (int i = 0; i < MANY_PEERS; i++) {
    news[0] = (char)('A' + i % 26);
    assert_ok(assay_ws_send(peers[i].ws, ASSAY_WS_TEXT, news, TEXT, &err), err);
    (void)hear_text(&peers[i], news, TEXT);
  }
  for (int i = 0; i < MANY_PEERS; i++) part(&peers[i]);
  until(ours.closed == MANY_PEERS);
  finish();
  memset(peers, 0, sizeof peers);
}

/* Windows to inflate with cannot be given up where the next message may point into them: a few connections are. */
static void windows_have_a_limit_together(void **state) {
  (void)state;
  enum { LIMIT = 500000 };
  for (int fresh = 0; fresh < 2; fresh++) {
    start_small(LIMIT, &(assay_ws_options){.compression = {.on = true, .client_no_context_takeover = fresh == 1}});
    for (int i = 0; i < MANY_PEERS; i++) meet(&peers[i], deflate_offer, fresh == 1);
    size_t before = held_now(0);
    for (int i = 0; i < MANY_PEERS; i++) {
      unsigned so_far = ours.messages;
      say_compressed(&peers[i], news, TEXT);
      until(ours.messages == so_far + 1); /* the newest is always heard */
      assert_int_equal(ours.last_length, TEXT);
      assert_true(held_now(before) <= LIMIT);
    }
    if (fresh == 1) {
      assert_int_equal(ours.closed, 0); /* each message begins anew: nothing is kept */
    } else {
      for (int turns = 0; turns < 5; turns++) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
      assert_true(assay_ws_server_count(server).disconnected >= MANY_PEERS / 2);
      assert_true(assay_ws_server_count(server).disconnected < MANY_PEERS);
    }
    /* Once half is in use nobody is promised compression any more. */
    if (fresh == 0) {
      int late = shaken(deflate_offer);
      assert_false(assay_ws_compressed(ours.ws));
      close(late);
    }
    for (int i = 0; i < MANY_PEERS; i++) part(&peers[i]);
    memset(peers, 0, sizeof peers);
    finish();
  }
}

/* What a connection gave up to make room for its own message it takes anew, and that counts as well. */
static void a_window_that_was_given_up_counts(void **state) {
  (void)state;
  enum { LIMIT = 600000, NEWS = 100000 };
  static char same[NEWS];
  memset(same, 's', sizeof same);
  unsigned sent_away = 0;
  for (size_t other = 420000; other < 500000; other += 4096) {
    start_small(LIMIT, &(assay_ws_options){.close_s = 0.2, .compression = {.on = true, .client_no_context_takeover = true}});
    meet(&peers[0], deflate_offer, true);
    meet(&peers[1], deflate_offer, true);
    size_t before = held_now(0);
    say_compressed(&peers[0], news, TEXT);
    until(ours.messages == 1);
    put_masked(peers[1].fd, 0x02, long_message, other);
    for (int turns = 0; turns < 20; turns++) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
    assay_ws_bytes packed = {0};
    assert_true(assay_ws_compress(peers[0].deflate, same, sizeof same, &packed));
    put_masked(peers[0].fd, 0x41, packed.data, packed.length);
    assay_ws_bytes_deinit(&packed);
    for (int turns = 0; turns < 20; turns++) {
      assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
      if (held_now(before) > LIMIT) fail_msg("%zu beside %zu", held_now(before), other);
    }
    char goodbye;
    sent_away += recv(peers[0].fd, &goodbye, 1, MSG_DONTWAIT) == 1;
    part(&peers[0]);
    part(&peers[1]);
    memset(peers, 0, sizeof peers);
    finish();
  }
  assert_true(sent_away > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(refused_messages_are_counted_and_nothing_is_lost),
      cmocka_unit_test(the_oldest_are_dropped_and_the_rest_is_in_order),
      cmocka_unit_test(slow_readers_are_disconnected),
      cmocka_unit_test(slow_readers_are_told),
      cmocka_unit_test(a_flood_of_pings_costs_no_memory),
      cmocka_unit_test(a_refusal_is_followed_by_drained),
      cmocka_unit_test(a_long_message_from_open),
      cmocka_unit_test(refused_in_a_handler),
      cmocka_unit_test(unfinished_messages_have_a_limit_together),
      cmocka_unit_test(inflated_messages_count),
      cmocka_unit_test(what_waits_has_a_limit_together),
      cmocka_unit_test(slow_readers_are_told_where_memory_ends),
      cmocka_unit_test(who_needs_what_others_hold_is_hung_up_on),
      cmocka_unit_test(compressors_have_a_limit_together),
      cmocka_unit_test(windows_have_a_limit_together),
      cmocka_unit_test(a_window_that_was_given_up_counts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

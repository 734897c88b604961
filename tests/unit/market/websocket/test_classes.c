/* SPDX-License-Identifier: MIT */
/*
 * Conformance, in the classes that suites for RFC 6455 use: framing, pings, reserved bits, opcodes, fragments, UTF-8, closing, limits,
 * compression with all its parameters. Each against our server and against our client, which both echo, by a peer of bare sockets; what
 * comes back is read by reference.h and plain_inflate.h, not by the parser and zlib.
 */
#include <errno.h>

#include "plain_inflate.h"
#include "stand.h"

enum { FIN = 0x80, RSV1 = 0x40, MORE = 0, MOST_FRAMES = 32 };

static const struct {
  const char *name;
  bool server;
} roles[] = {{"our server", true}, {"our client", false}};

/* ---- The peer
 * ----------------------------------------------------------------------------------------------------------------------------
 */

static int peer = -1;
static bool against_server;
static uint8_t *stream; /* frames that wait to be sent */
static size_t stream_length, stream_capacity;
static uint8_t *said; /* what came back */
static size_t said_length, said_capacity;
static bool said_end;
static transcript answers;

static end *echoing(void) { return against_server ? &ours : &theirs; }

/* `more`: header lines of a client that offers, or of a server that answers. */
static void meet_with(bool ours_serves, const assay_ws_options *options, const char *more) {
  static assay_ws_handlers handlers;
  against_server = ours_serves;
  start(options);
  if (ours_serves) {
    peer = shaken(more);
  } else {
    theirs.echo = true;
    handlers = handlers_of(&theirs);
    peer = bare_server(more, &(assay_ws_client_options){.connection = *options}, &handlers);
  }
  int roomy = 1 << 20;
  (void)setsockopt(peer, SOL_SOCKET, SO_RCVBUF, &roomy, sizeof roomy);
  stream_length = said_length = 0;
  said_end = false;
}

static void meet(bool ours_serves) { meet_with(ours_serves, &(assay_ws_options){.ping_s = -1}, ""); }

static void part(void) {
  close(peer);
  until(echoing()->closed == 1);
  transcript_clear(&answers);
  finish();
}

static void room_for(uint8_t **bytes, size_t length, size_t more, size_t *capacity) {
  if (length + more <= *capacity) return;
  *capacity = (length + more) * 2;
  *bytes = realloc(*bytes, *capacity);
  assert_non_null(*bytes);
}

/* Adds a frame whose header announces `announced` bytes, of which `length` follow. */
static void add_frame_of(unsigned first, const void *data, size_t length, uint64_t announced) {
  uint32_t mask = 0x9b1e37c4;
  room_for(&stream, stream_length, length + 16, &stream_capacity);
  size_t header = assay_ws_frame_header(stream + stream_length, ASSAY_WS_TEXT, 0, announced, against_server ? &mask : NULL);
  stream[stream_length] = (uint8_t)first;
  stream_length += header;
  for (size_t i = 0; i < length; i++)
    stream[stream_length + i] = ((const uint8_t *)data)[i] ^ (against_server ? (uint8_t)(mask >> 8 * (i % 4)) : 0);
  stream_length += length;
}

static void add_frame(unsigned first, const void *data, size_t length) { add_frame_of(first, data, length, length); }

static bool take_what_came(void) {
  static uint8_t bytes[1 << 18];
  size_t before = said_length;
  ssize_t got;
  while ((got = recv(peer, bytes, sizeof bytes, 0)) > 0) {
    room_for(&said, said_length, (size_t)got, &said_capacity);
    memcpy(said + said_length, bytes, (size_t)got);
    said_length += (size_t)got;
  }
  said_end |= got == 0;
  return said_end || said_length > before;
}

/* Waits only where nothing is there already. */
static void listen_once(double wait_s) {
  assert_ok(assay_ws_loop_turn(loop, 0, &err), err);
  if (take_what_came() || wait_s == 0) return;
  assert_ok(assay_ws_loop_turn(loop, wait_s, &err), err);
  (void)take_what_came();
}

/* As until, with the peer's ears open. */
#define listen_until(condition)                                                     \
  do {                                                                              \
    uint64_t give_up = assay_os_now_ns() + UINT64_C(10000000000);                   \
    while (!(condition)) {                                                          \
      if (assay_os_now_ns() > give_up) fail_msg("this never came: %s", #condition); \
      listen_once(0.001);                                                           \
    }                                                                               \
  } while (0)

/* Sends what waits in pieces of `chop` bytes (0: as it fits), and listens meanwhile. */
static void deliver(size_t chop) {
  for (size_t at = 0; at < stream_length && !said_end;) {
    size_t piece = chop == 0 || stream_length - at < chop ? stream_length - at : chop;
    ssize_t got = send(peer, stream + at, piece, MSG_NOSIGNAL);
    if (got > 0) at += (size_t)got;
    if (got < 0 && errno != EAGAIN) break; /* it hung up on us */
    listen_once(0);
  }
  stream_length = 0;
}

/* Reads all that came as a peer would. */
static void understand(uint64_t limit) {
  transcript_clear(&answers);
  reference_parse(said, said_length, against_server ? ASSAY_WS_CLIENT : ASSAY_WS_SERVER, true, limit, limit, &answers);
  assert_int_equal(answers.fault, 0);
}

static bool whole_answers(size_t count) {
  understand(1 << 25);
  return answers.count >= count && !answers.items[count - 1].open;
}

/* ---- Cases
 * -------------------------------------------------------------------------------------------------------------------------------
 */

typedef struct frame {
  unsigned first;
  const char *data;
  size_t length;
} frame;
#define F(first, text) \
  { (first), (text), sizeof(text) - 1 }

/* What is sent, and what has to come back: whole messages, pongs, and a close frame with its code (0: none; the connection stays). */
typedef struct test_case {
  const char *name;
  frame sent[MOST_FRAMES], back[MOST_FRAMES];
  unsigned code;
} test_case;

static void check_case(const test_case *c, size_t chop, const char *role) {
  size_t count = 0, wanted = 0;
  for (; c->sent[count].data != NULL; count++) add_frame(c->sent[count].first, c->sent[count].data, c->sent[count].length);
  while (c->back[wanted].data != NULL) wanted++;
  wanted += c->code != 0;
  deliver(chop);
  uint64_t give_up_at = assay_os_now_ns() + UINT64_C(10000000000);
  while (wanted > 0 && !whole_answers(wanted) && assay_os_now_ns() < give_up_at && !said_end) listen_once(0.001);
  if (wanted > 0) (void)whole_answers(wanted);
  if (answers.count < wanted) fail_msg("%s, %s, in pieces of %zu: %zu answers, not %zu", role, c->name, chop, answers.count, wanted);
  for (size_t i = 0; i < wanted; i++) {
    const heard *h = &answers.items[i];
    if (i + 1 == wanted && c->code != 0) {
      if (h->opcode != 8 || h->code != c->code)
        fail_msg("%s, %s, in pieces of %zu: opcode %u, code %u, not %u", role, c->name, chop, h->opcode, h->code, c->code);
      continue;
    }
    const frame *f = &c->back[i];
    if (h->open || h->opcode != (f->first & 15) || h->length != f->length || (h->length > 0 && memcmp(h->data, f->data, h->length) != 0))
      fail_msg("%s, %s, in pieces of %zu: answer %zu is another", role, c->name, chop, i);
  }
}

/* Each for itself, at once and byte by byte; and nothing comes back but what is expected. */
static void check_cases(const test_case *cases, size_t count) {
  static const size_t chops[] = {0, 1};
  for (size_t r = 0; r < 2; r++) {
    for (size_t i = 0; i < count; i++) {
      for (size_t k = 0; k < 2; k++) {
        meet(roles[r].server);
        check_case(&cases[i], chops[k], roles[r].name);
        if (cases[i].code == 0) { /* it still listens, and said nothing more */
          size_t before = answers.count;
          add_frame(FIN | 9, "still there", 11);
          deliver(0);
          listen_until(whole_answers(before + 1));
          assert_int_equal(answers.items[before].opcode, ASSAY_WS_PONG);
        } else if (against_server) {
          listen_until(said_end); /* the server hangs up first */
          understand(1 << 25);
          assert_int_equal(answers.items[answers.count - 1].opcode, ASSAY_WS_CLOSE);
        }
        part();
      }
    }
  }
}
#define CHECK(cases) check_cases(cases, sizeof cases / sizeof *cases)

/* ---- 1: framing
 * --------------------------------------------------------------------------------------------------------------------------
 */

static uint8_t made[1 << 24];

static void make_text(size_t length) {
  for (size_t i = 0; i < length; i++) made[i] = (uint8_t)('*' + (i * 7 + i / 251) % 64);
}

static void check_echo(unsigned opcode, size_t length, size_t fragment, size_t chop) {
  for (size_t at = 0; at < length || at == 0; at += fragment) {
    size_t piece = fragment == 0 || length - at <= fragment ? length - at : fragment;
    bool last = at + piece == length;
    add_frame((at == 0 ? opcode : 0) | (last ? FIN : 0), made + at, piece);
    if (last) break;
  }
  said_length = 0;
  deliver(chop);
  size_t header = 2u + (length > 125 ? 2 : 0) + (length > 65535 ? 6 : 0) + (against_server ? 0 : 4);
  listen_until(said_length >= header + length);
  assert_int_equal(said_length, header + length);
  assert_int_equal(said[0], FIN | opcode);
  uint8_t *mask = said + header - 4, *data = said + header;
  if (!against_server)
    for (size_t i = 0; i < length; i++) data[i] ^= mask[i % 4];
  assert_memory_equal(data, made, length);
}

static void framing(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 125, 126, 127, 128, 65535, 65536, 70000};
  for (size_t r = 0; r < 2; r++) {
    meet(roles[r].server);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
      make_text(sizes[i]);
      for (unsigned opcode = 1; opcode <= 2; opcode++) {
        check_echo(opcode, sizes[i], 0, 0);
        check_echo(opcode, sizes[i], 0, 997);
        if (sizes[i] <= 128) check_echo(opcode, sizes[i], 0, 1);
      }
    }
    part();
  }
}

/* ---- 2: pings and pongs
 * ------------------------------------------------------------------------------------------------------------------
 */

#define C25 "0123456789abcdefghijklmno"
#define C125 C25 C25 C25 C25 C25

static void pings_and_pongs(void **state) {
  (void)state;
  static const test_case cases[] = {
      {"an empty ping", {F(FIN | 9, "")}, {F(10, "")}, 0},
      {"a ping with a text", {F(FIN | 9, "Hello")}, {F(10, "Hello")}, 0},
      {"a ping with bytes", {F(FIN | 9, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}, {F(10, "\x00\xff\xfe\xfd\xfc\xfb\x00\xff")}, 0},
      {"a ping of 125 bytes", {F(FIN | 9, C125)}, {F(10, C125)}, 0},
      {"a ping of 126 bytes", {F(FIN | 9, C125 "x")}, {{0}}, 1002},
      {"a pong of 126 bytes", {F(FIN | 10, C125 "x")}, {{0}}, 1002},
      {"a pong that nobody asked for", {F(FIN | 10, "")}, {{0}}, 0},
      {"the same with data, then a ping", {F(FIN | 10, "what"), F(FIN | 9, "ping")}, {F(10, "ping")}, 0},
      {"ten pings",
       {F(FIN | 9, "0"), F(FIN | 9, "1"), F(FIN | 9, "2"), F(FIN | 9, "3"), F(FIN | 9, "4"), F(FIN | 9, "5"), F(FIN | 9, "6"),
        F(FIN | 9, "7"), F(FIN | 9, "8"), F(FIN | 9, "9")},
       {F(10, "0"), F(10, "1"), F(10, "2"), F(10, "3"), F(10, "4"), F(10, "5"), F(10, "6"), F(10, "7"), F(10, "8"), F(10, "9")},
       0},
  };
  CHECK(cases);
}

/* ---- 3 and 4: reserved bits and opcodes
 * --------------------------------------------------------------------------------------------------
 */

static void check_fault_after_a_message(const char *name, unsigned first, const char *data) {
  test_case c = {name, {F(FIN | 1, "fine"), {first, data, strlen(data)}, F(FIN | 9, "not heard")}, {F(1, "fine")}, 1002};
  check_cases(&c, 1);
}

static void reserved_bits(void **state) {
  (void)state;
  static const unsigned opcodes[] = {1, 2, 8, 9, 10};
  for (unsigned bits = 1; bits < 8; bits++) {
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++)
      check_fault_after_a_message("reserved bits", FIN | bits << 4 | opcodes[i], bits % 2 == 0 ? "" : "payload");
  }
}

static void reserved_opcodes(void **state) {
  (void)state;
  for (unsigned opcode = 3; opcode < 16; opcode++) {
    if (opcode > 7 && opcode < 11) continue;
    check_fault_after_a_message("a reserved opcode", FIN | opcode, "");
    check_fault_after_a_message("a reserved opcode with data", FIN | opcode, "payload");
  }
}

/* ---- 5: fragments
 * ------------------------------------------------------------------------------------------------------------------------
 */

static void fragments(void **state) {
  (void)state;
  static const test_case cases[] = {
      {"a ping in fragments", {F(MORE | 9, "a"), F(FIN | 0, "b")}, {{0}}, 1002},
      {"a pong in fragments", {F(MORE | 10, "a"), F(FIN | 0, "b")}, {{0}}, 1002},
      {"a close in fragments", {F(MORE | 8, "\x03\xe8"), F(FIN | 0, "b")}, {{0}}, 1002},
      {"two fragments", {F(MORE | 1, "one"), F(FIN | 0, "two")}, {F(1, "onetwo")}, 0},
      {"a ping between", {F(MORE | 1, "one"), F(FIN | 9, "ping"), F(FIN | 0, "two")}, {F(10, "ping"), F(1, "onetwo")}, 0},
      {"a pong between", {F(MORE | 2, "one"), F(FIN | 10, "pong"), F(FIN | 0, "two")}, {F(2, "onetwo")}, 0},
      {"a last fragment of nothing", {F(FIN | 0, "what"), F(FIN | 1, "Hello")}, {{0}}, 1002},
      {"a fragment of nothing", {F(MORE | 0, "what"), F(FIN | 1, "Hello")}, {{0}}, 1002},
      {"an empty fragment of nothing", {F(MORE | 0, ""), F(FIN | 0, "")}, {{0}}, 1002},
      {"a fragment behind a whole message", {F(FIN | 1, "Hello"), F(FIN | 0, "more")}, {F(1, "Hello")}, 1002},
      {"a fragment behind one in fragments", {F(MORE | 1, "a"), F(FIN | 0, "b"), F(MORE | 0, "c"), F(FIN | 1, "d")}, {F(1, "ab")}, 1002},
      {"a text inside a text", {F(MORE | 1, "a"), F(FIN | 1, "b")}, {{0}}, 1002},
      {"a text inside bytes", {F(MORE | 2, "a"), F(FIN | 1, "b")}, {{0}}, 1002},
      {"bytes begin inside a text", {F(MORE | 1, "a"), F(MORE | 2, "b")}, {{0}}, 1002},
      {"five fragments, pings between",
       {F(MORE | 1, "1"), F(MORE | 0, "2"), F(FIN | 9, "p1"), F(MORE | 0, "3"), F(MORE | 0, "4"), F(FIN | 9, "p2"), F(FIN | 0, "5")},
       {F(10, "p1"), F(10, "p2"), F(1, "12345")},
       0},
      {"empty fragments", {F(MORE | 1, ""), F(MORE | 0, ""), F(FIN | 0, "")}, {F(1, "")}, 0},
      {"empty fragments around one", {F(MORE | 2, ""), F(MORE | 0, "x"), F(FIN | 0, "")}, {F(2, "x")}, 0},
      {"two messages in fragments", {F(MORE | 1, "a"), F(FIN | 0, "b"), F(MORE | 2, "c"), F(FIN | 0, "d")}, {F(1, "ab"), F(2, "cd")}, 0},
  };
  CHECK(cases);
}

/* A pong does not wait for the end of the message that the ping came into. */
static void pongs_do_not_wait(void **state) {
  (void)state;
  for (size_t r = 0; r < 2; r++) {
    meet(roles[r].server);
    add_frame(MORE | 1, "begin", 5);
    add_frame(FIN | 9, "now", 3);
    deliver(0);
    listen_until(whole_answers(1));
    assert_int_equal(answers.items[0].opcode, ASSAY_WS_PONG);
    assert_int_equal(echoing()->messages, 0);
    part();
  }
}

/* ---- 6: UTF-8
 * ----------------------------------------------------------------------------------------------------------------------------
 */

static const frame good_texts[] = {
    F(1, "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!"),
    F(1, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"),
    F(1, "\x00"),
    F(1, "\x7f"),
    F(1, "\xc2\x80\xdf\xbf"),
    F(1, "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd"),
    F(1, "\xef\xbf\xbe\xef\xbf\xbf"), /* not characters, and valid */
    F(1, "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xf0\x9f\x98\x80"),
    F(1, "\xef\xbb\xbf with a mark of order"),
};

static const frame bad_texts[] = {
    F(1, "\x80"),
    F(1, "\xbf"),
    F(1, "a\x80\xbf\x80"),
    F(1, "\xc0\xaf"), /* overlong */
    F(1, "\xc1\xbf"),
    F(1, "\xe0\x80\xaf"),
    F(1, "\xe0\x9f\xbf"),
    F(1, "\xf0\x80\x80\xaf"),
    F(1, "\xf0\x8f\xbf\xbf"),
    F(1, "\xf8\x88\x80\x80\x80"),
    F(1, "\xfc\x84\x80\x80\x80\x80"),
    F(1, "\xed\xa0\x80"), /* surrogates */
    F(1, "\xed\xbf\xbf"),
    F(1, "\xed\xa0\x80\xed\xb0\x80"),
    F(1, "\xf4\x90\x80\x80"), /* too large */
    F(1, "\xf5\x80\x80\x80"),
    F(1, "\xf7\xbf\xbf\xbf"),
    F(1, "\xfe"),
    F(1, "\xff"),
    F(1, "\xc2 a lead alone"),
    F(1, "\xe2\x82 two of three"),
    F(1, "\xf0\x9f\x98 three of four"),
    F(1, "fine for a long time, longer than any vector is wide, and then\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"),
    F(1, "\xc2"), /* cut off */
    F(1, "\xe1\x80"),
    F(1, "\xf0\x90\x80"),
};

static void good_utf8(void **state) {
  (void)state;
  for (size_t r = 0; r < 2; r++) {
    meet(roles[r].server);
    for (size_t i = 0; i < sizeof good_texts / sizeof *good_texts; i++) {
      memcpy(made, good_texts[i].data, good_texts[i].length);
      for (size_t fragment = 0; fragment < 4; fragment++) {
        check_echo(1, good_texts[i].length, fragment, 0);
        check_echo(1, good_texts[i].length, fragment, 1);
      }
    }
    part();
  }
}

static void bad_utf8(void **state) {
  (void)state;
  for (size_t r = 0; r < 2; r++) {
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
      for (int how = 0; how < 3; how++) { /* whole; a byte a fragment; a byte at a time */
        meet(roles[r].server);
        const frame *f = &bad_texts[i];
        for (size_t at = 0; how == 1 && at < f->length; at++)
          add_frame((at == 0 ? 1 : 0) | (at + 1 == f->length ? FIN : 0), f->data + at, 1);
        if (how != 1) add_frame(FIN | 1, f->data, f->length);
        deliver(how == 2 ? 1 : 0);
        listen_until(whole_answers(1));
        if (answers.items[0].code != 1007) fail_msg("%s, bad text %zu, way %d: %u", roles[r].name, i, how, answers.items[0].code);
        assert_int_equal(echoing()->messages, 0);
        part();
      }
    }
  }
}

/* A text that can become none any more ends the connection at once: whatever more was announced is not waited for. */
static void bad_utf8_fails_fast(void **state) {
  (void)state;
  for (size_t r = 0; r < 2; r++) {
    for (int fragmented = 0; fragmented < 2; fragmented++) {
      static const char begin[] = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4", wrong[] = "\x90";
      meet(roles[r].server);
      add_frame_of((fragmented ? MORE : FIN) | 1, begin, sizeof begin - 1, 200);
      deliver(0);
      for (int turns = 0; turns < 5; turns++) listen_once(0.001);
      assert_int_equal(said_length, 0); /* so far it could still be one */
      uint8_t byte = (uint8_t)wrong[0] ^ (against_server ? (uint8_t)(0x9b1e37c4u >> 8 * ((sizeof begin - 1) % 4)) : 0);
      assert_int_equal(send(peer, &byte, 1, MSG_NOSIGNAL), 1);
      listen_until(whole_answers(1));
      assert_int_equal(answers.items[0].code, 1007);
      part();
    }
  }
}

/* ---- 7: closing
 * --------------------------------------------------------------------------------------------------------------------------
 */

#define C123 C25 C25 C25 C25 "0123456789abcdefghijklm"

static void closing(void **state) {
  (void)state;
  static const test_case cases[] = {
      {"a message, then close", {F(FIN | 1, "Hello"), F(FIN | 8, "\x03\xe8")}, {F(1, "Hello")}, 1000},
      {"close twice", {F(FIN | 8, "\x03\xe8"), F(FIN | 8, "\x03\xe8")}, {{0}}, 1000},
      {"a ping behind", {F(FIN | 8, "\x03\xe8"), F(FIN | 9, "late")}, {{0}}, 1000},
      {"a text behind", {F(FIN | 8, "\x03\xe8"), F(FIN | 1, "late")}, {{0}}, 1000},
      {"in the middle of a message", {F(MORE | 1, "one"), F(FIN | 8, "\x03\xe8"), F(FIN | 0, "two")}, {{0}}, 1000},
      {"without a code", {F(FIN | 8, "")}, {{0}}, 1005},
      {"half a code", {F(FIN | 8, "\x03")}, {{0}}, 1002},
      {"a reason", {F(FIN | 8, "\x03\xe8Hello")}, {{0}}, 1000},
      {"the longest reason", {F(FIN | 8, "\x03\xe8" C123)}, {{0}}, 1000},
      {"one byte more", {F(FIN | 8, "\x03\xe8" C123 "x")}, {{0}}, 1002},
      {"a reason that is no text", {F(FIN | 8, "\x03\xe8\xce\xba\xed\xa0\x80")}, {{0}}, 1007},
      {"a reason that is cut off", {F(FIN | 8, "\x03\xe8\xe2\x82")}, {{0}}, 1007},
  };
  CHECK(cases);
}

static void close_codes(void **state) {
  (void)state;
  static const unsigned allowed[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999},
                        forbidden[] = {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535};
  for (size_t r = 0; r < 2; r++) {
    for (size_t i = 0; i < 16 + 12; i++) {
      unsigned code = i < 16 ? allowed[i] : forbidden[i - 16], expected = i < 16 ? code : 1002;
      meet(roles[r].server);
      add_frame(FIN | 8, (uint8_t[]){(uint8_t)(code >> 8), (uint8_t)code}, 2);
      deliver(0);
      listen_until(whole_answers(1));
      if (answers.items[0].code != expected) fail_msg("%s, code %u: %u", roles[r].name, code, answers.items[0].code);
      part();
      assert_int_equal(echoing()->code, expected);
      assert_int_equal(echoing()->clean, i < 16);
    }
  }
}

/* ---- 9 and 10: limits, and many fragments
 * ------------------------------------------------------------------------------------------------
 */

static void large_messages(void **state) {
  (void)state;
  static const size_t sizes[] = {64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20};
  for (size_t r = 0; r < 2; r++) {
    meet(roles[r].server);
    make_text(sizeof made);
    for (size_t i = 0; i < 5; i++) check_echo(1 + i % 2, sizes[i], 0, 0);
    for (size_t fragment = 64; fragment <= 1 << 18; fragment *= 16) check_echo(1, 1 << 20, fragment, 0);
    check_echo(2, 4 << 20, 1 << 16, 0);
    check_echo(1, 1 << 16, 1300, 0);
    check_echo(1, 1 << 16, 64, 0);
    check_echo(2, 1 << 16, 0, 64);
    part();
  }
}

static void beyond_the_limits(void **state) {
  (void)state;
  const assay_ws_options options = {.ping_s = -1, .frame_limit = 1000, .message_limit = 3000};
  for (size_t r = 0; r < 2; r++) {
    for (int how = 0; how < 3; how++) {
      meet_with(roles[r].server, &options, "");
      make_text(4000);
      check_echo(1, 1000, 0, 0);
      check_echo(2, 3000, 1000, 0);
      said_length = 0;
      if (how == 0) add_frame_of(FIN | 2, made, 5, 1001); /* the header is enough */
      if (how == 1) add_frame_of(FIN | 2, made, 0, (uint64_t)1 << 62);
      for (int i = 0; how == 2 && i < 4; i++) add_frame(i == 0 ? 1 : 0, made, 900);
      deliver(0);
      listen_until(whole_answers(1));
      assert_int_equal(answers.items[0].code, 1009);
      part();
    }
  }
}

/* ---- 12 and 13: compression
 * --------------------------------------------------------------------------------------------------------------
 */

/* What the peer compresses with, and reads with; `bits` of its own and of ours. */
typedef struct packing {
  assay_ws_deflate *out;
  plain_inflate in;
  bool fresh;
} packing;

static void open_packing(packing *p, bool fresh_out, bool fresh_in, unsigned bits_out, unsigned bits_in) {
  /* The stream that zlib writes for a client's bits. */
  assay_ws_agreement agreement = {.on = true, .client_no_context = fresh_out, .client_bits = (uint8_t)bits_out, .server_bits = 15};
  *p = (packing){.fresh = fresh_in, .in = {.window = (size_t)1 << bits_in}};
  assert_ok(assay_ws_deflate_load(&err), err);
  assert_ok(assay_ws_deflate_create(ASSAY_WS_CLIENT, &agreement, 6, &err, &p->out), err);
}

static void close_packing(packing *p) {
  assay_ws_deflate_destroy(p->out);
  plain_inflate_deinit(&p->in);
}

static void check_packed_echo(packing *p, const uint8_t *data, size_t length, size_t fragment) {
  assay_ws_bytes packed = {0};
  assert_true(assay_ws_compress(p->out, data, length, &packed));
  for (size_t at = 0; at < packed.length; at += fragment) {
    size_t piece = packed.length - at < fragment ? packed.length - at : fragment;
    add_frame((at == 0 ? RSV1 | 1 : 0) | (at + piece == packed.length ? FIN : 0), packed.data + at, piece);
  }
  assay_ws_bytes_deinit(&packed);
  said_length = 0;
  deliver(0);
  listen_until(whole_answers(1));
  const heard *h = &answers.items[0];
  assert_true(answers.count == 1 && h->opcode == ASSAY_WS_TEXT && h->compressed);
  assert_int_equal(plain_inflate_message(&p->in, h->data, h->length, length), 0);
  assert_int_equal(p->in.length - p->in.message, length);
  assert_memory_equal(p->in.data + p->in.message, data, length);
  assert_false(p->in.beyond); /* ours keeps to the window that was agreed on */
  if (p->fresh) plain_inflate_forget(&p->in);
}

/* Prices as feeds have them: much repeats, at many distances. */
static void make_documents(size_t length) {
  size_t at = 0;
  for (unsigned i = 0; at < length; i++) {
    char text[120];
    int wrote = snprintf(text, sizeof text, "{\"e\":\"trade\",\"s\":\"%s\",\"t\":%u,\"p\":\"%u.%02u\",\"q\":\"0.%03u\"}\n",
                         i * 7 % 5 < 2 ? "BTCUSDT" : "ETHUSDT", 100000 + i, 60000 + i * 31 % 977, i * i % 100, i * 17 % 1000);
    size_t count = (size_t)wrote < length - at ? (size_t)wrote : length - at;
    memcpy(made + at, text, count);
    at += count;
  }
}

typedef struct parameters {
  const char *offer, *answer; /* a client's; a server's, which ours has to give, or our client is given */
  bool fresh_server, fresh_client;
  unsigned server_bits, client_bits;
} parameters;

static const parameters sets[] = {
    {"permessage-deflate", "permessage-deflate", false, false, 15, 15},
    {"permessage-deflate; client_max_window_bits", "permessage-deflate", false, false, 15, 15},
    {"permessage-deflate; server_no_context_takeover", "permessage-deflate; server_no_context_takeover", true, false, 15, 15},
    {"permessage-deflate; client_no_context_takeover", "permessage-deflate; client_no_context_takeover", false, true, 15, 15},
    {"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover", true, true, 15, 15},
    {"permessage-deflate; server_max_window_bits=9", "permessage-deflate; server_max_window_bits=9", false, false, 9, 15},
    {"permessage-deflate; server_max_window_bits=15", "permessage-deflate; server_max_window_bits=15", false, false, 15, 15},
    {"permessage-deflate; client_max_window_bits=9; server_max_window_bits=9",
     "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9", false, false, 9, 9},
    {"permessage-deflate; client_max_window_bits=10", "permessage-deflate; client_max_window_bits=10", false, false, 15, 10},
    {"permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12",
     "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=12", true, false, 9, 12},
    {"permessage-deflate; server_no_context_takeover; server_max_window_bits=15; client_no_context_takeover; client_max_window_bits=9",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; client_max_window_bits=9",
     true, true, 15, 9},
    {"permessage-deflate; server_max_window_bits=8, permessage-deflate; unknown, permessage-deflate; server_max_window_bits=11",
     "permessage-deflate; server_max_window_bits=11", false, false, 11, 15},
};

static const size_t document_sizes[] = {16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072};

static void check_documents(const parameters *p) {
  bool of_server = against_server;
  packing packing_of;
  open_packing(&packing_of, of_server ? p->fresh_client : p->fresh_server, of_server ? p->fresh_server : p->fresh_client,
               of_server ? p->client_bits : p->server_bits, of_server ? p->server_bits : p->client_bits);
  for (size_t i = 0; i < sizeof document_sizes / sizeof *document_sizes; i++) {
    make_documents(document_sizes[i] + 5);
    for (size_t times = 0; times < 3; times++)
      check_packed_echo(&packing_of, made + times, document_sizes[i],
                        times == 0   ? SIZE_MAX / 2
                        : times == 1 ? 1000
                                     : 1 + document_sizes[i] / 20);
  }
  close_packing(&packing_of);
}

static void compression_of_our_server(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    char more[400];
    against_server = true;
    start(&(assay_ws_options){.ping_s = -1, .compression = {.on = true, .least = 1}});
    snprintf(more, sizeof more, "Sec-WebSocket-Extensions: %s\r\n\r\n", sets[i].offer);
    peer = bare_socket();
    put(peer, hello, strlen(hello));
    put(peer, more, strlen(more));
    said_length = 0, said_end = false;
    listen_until(said_length > 4 && memcmp(said + said_length - 4, "\r\n\r\n", 4) == 0);
    room_for(&said, said_length, 1, &said_capacity);
    said[said_length] = '\0';
    snprintf(more, sizeof more, "Sec-WebSocket-Extensions: %s\r\n", sets[i].answer);
    if (strstr((const char *)said, more) == NULL) fail_msg("to %s: %s", sets[i].offer, (const char *)said);
    check_documents(&sets[i]);
    part();
  }
}

static void compression_of_our_client(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
    char more[400];
    snprintf(more, sizeof more, "Sec-WebSocket-Extensions: %s\r\n", sets[i].answer);
    meet_with(false, &(assay_ws_options){.ping_s = -1, .compression = {.on = true, .least = 1}}, more);
    until(theirs.opened == 1);
    check_documents(&sets[i]);
    part();
  }
}

/* Reserved bits when compression was agreed on: RSV1 begins a message, and means nothing anywhere else. */
static void reserved_bits_with_compression(void **state) {
  (void)state;
  static const char hello_packed[] = "\xf2\x48\xcd\xc9\xc9\x07\x00";
  static const struct {
    frame sent[3];
    unsigned code;
  } cases[] = {
      {{{FIN | RSV1 | 1, hello_packed, 7}}, 0},
      {{{RSV1 | 1, hello_packed, 3}, {FIN | 0, hello_packed + 3, 4}}, 0},
      {{{RSV1 | 1, hello_packed, 3}, {FIN | RSV1 | 0, hello_packed + 3, 4}}, 1002},
      {{F(1, "Hel"), {FIN | RSV1 | 0, hello_packed, 7}}, 1002},
      {{F(FIN | RSV1 | 9, "ping")}, 1002},
      {{F(FIN | RSV1 | 10, "pong")}, 1002},
      {{F(FIN | RSV1 | 8, "\x03\xe8")}, 1002},
      {{F(FIN | 0x20 | 1, "a")}, 1002},
      {{{FIN | RSV1 | 0x10 | 1, hello_packed, 7}}, 1002},
      {{F(FIN | RSV1 | 1, "\xff\xff\xff")}, 1007},
      {{F(FIN | RSV1 | 1, "\x00\x02\x00\xfd\xff\xc3\x28\x00")}, 1007}, /* inflates to what is no text */
      {{F(FIN | RSV1 | 2, "")}, 1007},
  };
  for (size_t r = 0; r < 2; r++) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      meet_with(roles[r].server, &(assay_ws_options){.ping_s = -1, .compression = {.on = true}},
                "Sec-WebSocket-Extensions: permessage-deflate\r\n");
      for (size_t f = 0; f < 3 && cases[i].sent[f].data != NULL; f++)
        add_frame(cases[i].sent[f].first, cases[i].sent[f].data, cases[i].sent[f].length);
      deliver(0);
      listen_until(whole_answers(1));
      if (answers.items[0].code != cases[i].code) fail_msg("%s, case %zu: %u", roles[r].name, i, answers.items[0].code);
      if (cases[i].code == 0) assert_memory_equal(answers.items[0].data, "Hello", 5);
      part();
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(framing),
      cmocka_unit_test(pings_and_pongs),
      cmocka_unit_test(reserved_bits),
      cmocka_unit_test(reserved_opcodes),
      cmocka_unit_test(fragments),
      cmocka_unit_test(pongs_do_not_wait),
      cmocka_unit_test(good_utf8),
      cmocka_unit_test(bad_utf8),
      cmocka_unit_test(bad_utf8_fails_fast),
      cmocka_unit_test(closing),
      cmocka_unit_test(close_codes),
      cmocka_unit_test(large_messages),
      cmocka_unit_test(beyond_the_limits),
      cmocka_unit_test(compression_of_our_server),
      cmocka_unit_test(compression_of_our_client),
      cmocka_unit_test(reserved_bits_with_compression),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  free(stream);
  free(said);
  return failed;
}

/* SPDX-License-Identifier: MIT */
/* Frames by the RFC: its own examples, every rule with a stream that breaks it, and a slow reading of the RFC over random streams. */
#include "test.h"

#include <assay/websocket.h>

#include "base/random.h"
#include "kernels/variant.h"
#include "reference.h"

static const char *variants[8];

static void find_variants(void) {
  for (size_t i = 0, v; i < 7 && (v = assay_kernel_variant_usable(i)) < ASSAY_KERNEL_VARIANT_COUNT; i++)
    variants[i] = assay_kernel_variant_text(v);
}

/* ---- Streams by hand ----------------------------------------------------------------------------------------------------------------- */

typedef struct stream {
  uint8_t *bytes;
  size_t length, capacity;
} stream;

static void put(stream *s, const void *bytes, size_t length) {
  if (s->length + length > s->capacity) {
    s->capacity = 2 * (s->length + length) + 64;
    s->bytes = realloc(s->bytes, s->capacity);
    assert_non_null(s->bytes);
  }
  if (length > 0) memcpy(s->bytes + s->length, bytes, length);
  s->length += length;
}

/* A frame written by the RFC's picture, not by our writer; `first` is the whole first byte. */
static void put_frame(stream *s, assay_ws_role reader, unsigned first, const void *data, size_t length) {
  static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
  uint8_t header[14] = {(uint8_t)first};
  size_t at = 2;
  bool masked = reader == ASSAY_WS_SERVER;
  header[1] = (uint8_t)(length < 126 ? length : length < 65536 ? 126 : 127);
  for (size_t i = length < 126 ? 0 : length < 65536 ? 2 : 8; i > 0; i--) header[at++] = (uint8_t)((uint64_t)length >> 8 * (i - 1));
  if (masked) {
    header[1] |= 0x80;
    memcpy(header + at, key, 4);
    at += 4;
  }
  put(s, header, at);
  for (size_t i = 0; i < length; i++) {
    uint8_t byte = ((const uint8_t *)data)[i] ^ (masked ? key[i % 4] : 0);
    put(s, &byte, 1);
  }
}

static transcript expected, got;

/* The reference's answer, from every variant, in pieces of every size. */
static void compare(const stream *s, const assay_ws_parser_options *given) {
  assay_ws_parser_options options = *given;
  uint64_t frame = options.frame_limit != 0 ? options.frame_limit : ASSAY_WS_MESSAGE_LIMIT;
  uint64_t message = options.message_limit != 0 ? options.message_limit : ASSAY_WS_MESSAGE_LIMIT;
  reference_parse(s->bytes, s->length, options.role, options.compression, frame, message, &expected);
  static const size_t pieces[] = {0, 1, 2, 7, 61, 1000};
  for (size_t v = 0; variants[v] != NULL; v++) {
    options.variant = variants[v];
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
      parser_transcript(s->bytes, s->length, &options, pieces[i], i % 2 == 0 ? 64 : 1, &got);
      if (!transcripts_agree(&expected, &got)) {
        fail_msg("%s in pieces of %zu: fault %u after %zu events, the reference has %u after %zu", variants[v], pieces[i], got.fault,
                 got.count, expected.fault, expected.count);
      }
      transcript_clear(&got);
    }
  }
}

/* What was heard as "opcode:payload", a close by its code, an open message with "+", and the fault at the end; a message that the fault
 * ended is left out. */
static void check_said(const stream *s, const assay_ws_parser_options *options, const char *said) {
  char text[2000] = "";
  compare(s, options);
  for (size_t i = 0; i < expected.count; i++) {
    const heard *h = &expected.items[i];
    size_t at = strlen(text);
    if (expected.fault != 0 && h->open) continue;
    snprintf(text + at, sizeof text - at, "%s%u%s:%.*s", at > 0 ? " " : "", h->code != 0 ? h->code : h->opcode, h->open ? "+" : "",
             (int)h->length, h->data != NULL ? (const char *)h->data : "");
  }
  size_t at = strlen(text);
  if (expected.fault != 0) snprintf(text + at, sizeof text - at, "%s!%u", at > 0 ? " " : "", expected.fault);
  assert_string_equal(text, said);
  transcript_clear(&expected);
}

static const assay_ws_parser_options as_server = {.role = ASSAY_WS_SERVER}, as_client = {.role = ASSAY_WS_CLIENT};

static void check_bytes(const assay_ws_parser_options *options, const char *bytes, size_t length, const char *said) {
  stream s = {0};
  put(&s, bytes, length);
  check_said(&s, options, said);
  free(s.bytes);
}
#define check_literal(options, literal, said) check_bytes((options), (literal), sizeof(literal) - 1, (said))

/* RFC 6455 section 5.7. */
static void the_examples_of_the_rfc(void **state) {
  (void)state;
  check_literal(&as_client, "\x81\x05\x48\x65\x6c\x6c\x6f", "1:Hello");
  check_literal(&as_server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "1:Hello");
  check_literal(&as_client, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", "1:Hello");
  check_literal(&as_client, "\x89\x05\x48\x65\x6c\x6c\x6f", "9:Hello");
  check_literal(&as_server, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "10:Hello");
}

/* A frame of the script: first byte, payload. */
typedef struct part {
  unsigned first;
  const char *text;
  int length; /* -1: strlen */
} part;

typedef struct rule {
  const char *what, *said;
  bool compression;
  part parts[6];
} rule;

#define T(text) (text), -1
static const rule rules[] = {
    {"an empty text", "1:", false, {{0x81, T("")}}},
    {"an empty binary", "2:", false, {{0x82, T("")}}},
    {"empty fragments", "1:", false, {{0x01, T("")}, {0x00, T("")}, {0x80, T("")}}},
    {"two texts", "1:a 1:b", false, {{0x81, T("a")}, {0x81, T("b")}}},
    {"a ping without payload", "9:", false, {{0x89, T("")}}},
    {"a pong that nobody asked for", "10:x 1:a", false, {{0x8A, T("x")}, {0x81, T("a")}}},
    {"a ping between fragments", "1:ab 9:p", false, {{0x01, T("a")}, {0x89, T("p")}, {0x80, T("b")}}},
    {"a close between fragments", "1+:a 1000:", false, {{0x01, T("a")}, {0x88, "\x03\xe8", 2}, {0x80, T("b")}}},
    {"a ping in fragments", "!1002", false, {{0x09, T("a")}, {0x80, T("b")}}},
    {"RSV1 without an agreement", "!1002", false, {{0xC1, T("a")}}},
    {"RSV1 with one", "1:a", true, {{0xC1, T("a")}}},
    {"RSV1 in a continuation", "!1002", true, {{0x41, T("a")}, {0xC0, T("b")}}},
    {"RSV1 in a ping", "!1002", true, {{0xC9, T("a")}}},
    {"RSV2", "!1002", true, {{0xA1, T("a")}}},
    {"RSV3", "!1002", true, {{0x91, T("a")}}},
    {"RSV3 after a good text", "1:a !1002", false, {{0x81, T("a")}, {0x91, T("b")}}},
    {"RSV2 in a ping", "!1002", false, {{0xA9, T("")}}},
    {"RSV3 in a close", "!1002", false, {{0x98, T("")}}},
    {"a continuation of nothing", "!1002", false, {{0x80, T("a")}}},
    {"the same, to be continued", "!1002", false, {{0x00, T("a")}}},
    {"a continuation behind the end", "1:ab !1002", false, {{0x01, T("a")}, {0x80, T("b")}, {0x80, T("c")}}},
    {"a text inside a text", "!1002", false, {{0x01, T("a")}, {0x81, T("b")}}},
    {"a binary inside a text", "!1002", false, {{0x01, T("a")}, {0x02, T("b")}}},
    {"a close without code", "1005:", false, {{0x88, T("")}}},
    {"a close with half a code", "!1002", false, {{0x88, T("a")}}},
    {"a close with a reason",
     "1000:bye",
     false,
     {{0x88,
       "\x03\xe8"
       "bye",
       5}}},
    {"a close with a wrong reason", "!1007", false, {{0x88, "\x03\xe8\xce\xba\xe1\xbd", 6}}},
    {"what comes behind a close", "1001:", false, {{0x88, "\x03\xe9", 2}, {0x89, T("p")}, {0xFF, T("junk")}}},
    {"a character across fragments", "1:\xce\xba\xe1\xbd\xb9", false, {{0x01, T("\xce")}, {0x00, T("\xba\xe1\xbd")}, {0x80, T("\xb9")}}},
    {"a character cut by the end", "!1007", false, {{0x01, T("\xce")}, {0x00, T("\xba")}, {0x80, T("\xe1\xbd")}}},
    {"wrong at the second fragment", "!1007", false, {{0x01, T("\xf4")}, {0x00, T("\x90")}}},
    {"a surrogate", "!1007", false, {{0x81, T("a\xed\xa0\x80")}}},
    {"overlong", "!1007", false, {{0x81, T("\xc0\xaf")}}},
    {"beyond the last plane", "!1007", false, {{0x81, T("\xf4\x90\x80\x80")}}},
    {"a NUL inside", "1:", false, {{0x81, "\0", 1}}},
    {"binary is not text", "2:\xff\xfe", false, {{0x82, T("\xff\xfe")}}},
    {"compressed text is not text yet", "1:\xff\xfe", true, {{0xC1, T("\xff\xfe")}}},
};

static void every_rule_that_streams_break(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
    for (int role = 0; role < 2; role++) {
      stream s = {0};
      for (const part *p = rules[i].parts; p->text != NULL; p++)
        put_frame(&s, (assay_ws_role)role, p->first, p->text, p->length < 0 ? strlen(p->text) : (size_t)p->length);
      assay_ws_parser_options options = {.role = (assay_ws_role)role, .compression = rules[i].compression};
      check_said(&s, &options, rules[i].said);
      free(s.bytes);
    }
  }
}

static void reserved_opcodes_are_faults(void **state) {
  (void)state;
  for (unsigned opcode = 0; opcode < 16; opcode++) {
    bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
    stream s = {0};
    put_frame(&s, ASSAY_WS_SERVER, 0x80 | opcode, "", 0);
    parser_transcript(s.bytes, s.length, &as_server, 0, 64, &got);
    assert_int_equal(got.fault, !known || opcode == 0 ? 1002 : 0);
    transcript_clear(&got);
    free(s.bytes);
  }
}

static void masks_are_a_matter_of_the_role(void **state) {
  (void)state;
  check_literal(&as_server, "\x81\x05\x48\x65\x6c\x6c\x6f", "!1002");
  check_literal(&as_client, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", "!1002");
  check_literal(&as_server, "\x89\x00", "!1002");
}

static void lengths_are_minimal_and_below_two_to_the_63(void **state) {
  (void)state;
  check_literal(&as_client, "\x82\x7e\x00\x7d", "!1002");
  check_literal(&as_client, "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", "!1002");
  check_literal(&as_client, "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", "!1002");
  check_literal(&as_client, "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", "!1009");
  check_literal(&as_client, "\x89\x7e\x00\x7e", "!1002");
  check_literal(&as_client, "\x88\x7f", "!1002");
}

static void every_length_near_a_boundary(void **state) {
  (void)state;
  static const size_t lengths[] = {0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 124, 125, 126, 127, 128, 129, 65535, 65536, 65537};
  uint8_t *data = malloc(70000);
  assert_non_null(data);
  for (size_t i = 0; i < 70000; i++) data[i] = (uint8_t)(i % 7 == 0 ? 'a' : i % 95 + 32);
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    for (int role = 0; role < 2; role++) {
      stream s = {0};
      for (unsigned opcode = 1; opcode <= 2; opcode++) put_frame(&s, (assay_ws_role)role, 0x80 | opcode, data, lengths[i]);
      assay_ws_parser_options options = {.role = (assay_ws_role)role};
      compare(&s, &options);
      assert_int_equal(expected.count, 2);
      assert_int_equal(expected.items[1].length, lengths[i]);
      transcript_clear(&expected);
      free(s.bytes);
    }
  }
  free(data);
}

static void limits_hold_before_the_payload_comes(void **state) {
  (void)state;
  assay_ws_parser_options small = {.role = ASSAY_WS_CLIENT, .frame_limit = 10, .message_limit = 15};
  check_literal(&small, "\x82\x0a", "2+:");
  check_literal(&small, "\x82\x0b", "!1009");
  check_literal(&small,
                "\x02\x0a"
                "0123456789"
                "\x80\x05"
                "01234",
                "2:012345678901234");
  stream s = {0};
  put(&s,
      "\x02\x0a"
      "0123456789"
      "\x80\x06",
      14);
  parser_transcript(s.bytes, s.length, &small, 0, 64, &got);
  assert_int_equal(got.fault, 1009);
  transcript_clear(&got);
  free(s.bytes);
  /* A control frame is no message. */
  check_literal(&small,
                "\x89\x0c"
                "0123456789ab",
                "9:0123456789ab");
}

static void close_codes(void **state) {
  (void)state;
  static const unsigned fine[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
  static const unsigned wrong[] = {0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535};
  for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) assert_true(assay_ws_close_code_valid(fine[i]));
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assert_false(assay_ws_close_code_valid(wrong[i]));
    uint8_t code[2] = {(uint8_t)(wrong[i] >> 8), (uint8_t)wrong[i]};
    stream s = {0};
    put_frame(&s, ASSAY_WS_SERVER, 0x88, code, 2);
    check_said(&s, &as_server, "!1002");
    free(s.bytes);
  }
}

static void close_reasons_are_cut_between_characters(void **state) {
  (void)state;
  uint8_t out[ASSAY_WS_CONTROL_MOST];
  char reason[200];
  assert_int_equal(assay_ws_close_payload(out, ASSAY_WS_CLOSE_NONE, "x"), 0);
  assert_int_equal(assay_ws_close_payload(out, 1000, NULL), 2);
  for (size_t lead = 0; lead < 4; lead++) {
    memset(reason, 'a', lead);
    for (size_t i = lead; i < 180; i += 3) memcpy(reason + i, "\xe2\x82\xac", 4);
    size_t length = assay_ws_close_payload(out, 1001, reason);
    assert_true(length > 120 && length <= 125);
    assert_true(text_is_whole(out + 2, length - 2));
    assert_memory_equal(out + 2, reason, length - 2);
  }
}

/* ---- Writing ------------------------------------------------------------------------------------------------------------------------ */

static void what_is_written_is_read(void **state) {
  (void)state;
  assay_ws_masks masks = {0};
  assay_error err = {0};
  for (size_t length = 0; length < 70000; length = length < 300 ? length + 1 : length * 3) {
    uint8_t *data = malloc(length + 1), *out = malloc(length + ASSAY_WS_HEADER_MOST);
    assert_true(data != NULL && out != NULL);
    for (size_t i = 0; i < length; i++) data[i] = (uint8_t)(i * 131 + length);
    for (int role = 0; role < 2; role++) {
      uint32_t mask = 0;
      assert_ok(assay_ws_masks_next(&masks, &err, &mask), err);
      size_t written = assay_ws_frame(out, ASSAY_WS_BINARY, 0, data, length, role == ASSAY_WS_SERVER ? &mask : NULL);
      assay_ws_parser_options options = {.role = (assay_ws_role)role};
      reference_parse(out, written, options.role, false, 1 << 20, 1 << 20, &expected);
      assert_int_equal(expected.count, 1);
      assert_false(expected.items[0].open);
      assert_int_equal(expected.items[0].length, length);
      if (length > 0) assert_memory_equal(expected.items[0].data, data, length);
      transcript_clear(&expected);
    }
    free(data);
    free(out);
  }
}

static void flags_are_written(void **state) {
  (void)state;
  uint8_t out[ASSAY_WS_HEADER_MOST];
  assert_int_equal(assay_ws_frame_header(out, ASSAY_WS_TEXT, ASSAY_WS_MORE | ASSAY_WS_COMPRESSED, 5, NULL), 2);
  assert_int_equal(out[0], 0x41);
  assert_int_equal(assay_ws_frame_header(out, ASSAY_WS_CONTINUATION, 0, (uint64_t)1 << 40, NULL), 10);
  assert_memory_equal(out, "\x80\x7f\0\0\1\0\0\0\0\0", 10);
}

static void masking_touches_only_its_bytes(void **state) {
  (void)state;
  static const uint32_t masks[] = {0, 0x3d21fa37, 0xFFFFFFFF, 0x80000001};
  uint8_t in[420], out[420];
  for (size_t length = 0; length <= 300; length++) {
    for (size_t offset = 0; offset < 5; offset++) {
      for (size_t m = 0; m < 4; m++) {
        uint8_t key[4];
        memcpy(key, &masks[m], 4);
        for (size_t i = 0; i < sizeof in; i++) in[i] = (uint8_t)(i * 37 + length);
        memset(out, 0xEE, sizeof out);
        assay_ws_mask(out + 40 + offset, in + offset, length, masks[m]);
        for (size_t i = 0; i < sizeof out; i++) {
          size_t at = i - 40 - offset;
          assert_int_equal(out[i], i >= 40 + offset && at < length ? in[offset + at] ^ key[at % 4] : 0xEE);
        }
        assay_ws_mask(in + offset, in + offset, length, masks[m]);
        assert_memory_equal(in + offset, out + 40 + offset, length);
      }
    }
  }
}

static void masks_differ(void **state) {
  (void)state;
  assay_ws_masks masks = {0};
  assay_error err = {0};
  uint32_t seen[200];
  for (size_t i = 0; i < 200; i++) {
    assert_ok(assay_ws_masks_next(&masks, &err, &seen[i]), err);
    for (size_t j = 0; j < i && i < 100; j++) assert_int_not_equal(seen[i], seen[j]); /* one in a million times */
  }
}

/* ---- Against the reading of the RFC -------------------------------------------------------------------------------------------------- */

static size_t random_text(assay_random *random, uint8_t *out, size_t most) {
  size_t length = 0;
  unsigned ascii = (unsigned)assay_random_below(random, 5);
  while (length + 4 <= most) {
    uint32_t point = assay_random_below(random, 4) < ascii ? (uint32_t)assay_random_below(random, 128)
                     : assay_random_below(random, 2) == 0  ? (uint32_t)assay_random_below(random, 0x800)
                     : assay_random_below(random, 2) == 0  ? (uint32_t)assay_random_below(random, 0x10000)
                                                           : (uint32_t)assay_random_below(random, 0x110000);
    length += assay_utf8_encode(point, (char *)out + length);
  }
  return length;
}

static void put_random_message(assay_random *random, stream *s, assay_ws_role role, bool compression) {
  static uint8_t data[3000];
  bool text = assay_random_below(random, 3) > 0;
  size_t length = random_text(random, data, (size_t)assay_random_below(random, assay_random_below(random, 4) == 0 ? sizeof data : 150));
  if (assay_random_below(random, 30) == 0 && length > 0)
    data[assay_random_below(random, length)] ^= (uint8_t)(1 + assay_random_below(random, 255));
  unsigned first = (text ? 1u : 2u) | (compression && assay_random_below(random, 3) == 0 ? 0x40 : 0);
  for (size_t at = 0;;) {
    size_t piece = assay_random_below(random, 2) == 0 ? length - at : (size_t)assay_random_below(random, length - at + 1);
    bool last = at + piece == length && assay_random_below(random, 3) > 0;
    put_frame(s, role, first | (last ? 0x80 : 0), data + at, piece);
    at += piece;
    first = 0;
    if (last) return;
    while (assay_random_below(random, 4) == 0)
      put_frame(s, role, 0x89 + (unsigned)assay_random_below(random, 2), data, length < 100 ? length : 100);
  }
}

static void random_streams_read_as_the_rfc_says(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 20260101);
  size_t faults = 0, messages = 0;
  for (int round = 0; round < 400; round++) {
    assay_ws_parser_options options = {
        .role = (assay_ws_role)(round & 1), .compression = (round & 2) != 0, .message_limit = 2500, .frame_limit = 2000};
    stream s = {0};
    for (size_t i = assay_random_below(&random, 12); i > 0; i--) put_random_message(&random, &s, options.role, options.compression);
    if (s.length > 0 && assay_random_below(&random, 3) == 0)
      s.bytes[assay_random_below(&random, s.length)] ^= (uint8_t)(1u << assay_random_below(&random, 8));
    if (assay_random_below(&random, 4) == 0) put_frame(&s, options.role, 0x88, "\x03\xe8", 2);
    if (s.length > 0 && assay_random_below(&random, 4) == 0) s.length = (size_t)assay_random_below(&random, s.length);
    compare(&s, &options);
    faults += expected.fault != 0;
    messages += expected.count;
    transcript_clear(&expected);
    free(s.bytes);
  }
  assert_true(faults > 40 && messages > 1000);
}

/* ---- UTF-8 --------------------------------------------------------------------------------------------------------------------------- */

#include "market/websocket/loops.h"

/* The sequence behind `before` bytes of filler, in every variant, whole and in two pieces. */
static void check_sequence(const uint8_t *sequence, size_t count, size_t before, size_t after, const char *filler) {
  uint8_t text[200];
  size_t fill = strlen(filler), length = 0;
  while (length + fill <= before) memcpy(text + length, filler, fill), length += fill;
  while (length < before) text[length++] = 'x';
  memcpy(text + length, sequence, count);
  length += count;
  memset(text + length, 'y', after);
  length += after;
  bool begins = text_begins_so(text, length), whole = text_is_whole(text, length);
  for (size_t v = 0; variants[v] != NULL; v++) {
    const assay_ws_loops *loops = assay_ws_loops_find(variants[v], NULL);
    for (size_t cut = 0; cut <= length; cut += cut + 1 < before || cut > before + 4 ? 29 : 1) {
      uint32_t utf8 = 0, texted = 0;
      bool right = loops->utf8(text, cut, &utf8) && loops->utf8(text + cut, length - cut, &utf8);
      uint8_t copy[200];
      memcpy(copy, text, length);
      bool same = loops->text(copy, cut, 0, &texted) && loops->text(copy + cut, length - cut, 0, &texted);
      if (right != begins || same != right || (right && (utf8 == 0) != whole) || (right && texted != utf8) ||
          (!right && loops->utf8((const uint8_t *)"a", 1, &utf8)))
        fail_msg("%s: %02x %02x %02x %02x after %zu of '%s', %zu after, cut at %zu: %d, not %d", variants[v], sequence[0],
                 count > 1 ? sequence[1] : 0, count > 2 ? sequence[2] : 0, count > 3 ? sequence[3] : 0, before, filler, after, cut, right,
                 begins);
    }
  }
}

static void utf8_at_every_place(void **state) {
  (void)state;
  static const uint8_t edges[] = {0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
                                  0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFE, 0xFF};
  enum { EDGES = sizeof edges };
  static const size_t places[] = {0, 1, 13, 15, 16, 29, 30, 31, 32, 61, 62, 63, 64, 95, 100};
  static const char *const fillers[] = {"abc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
  size_t turn = 0;
  for (size_t a = 0; a < EDGES; a++) {
    for (size_t b = 0; b < EDGES; b++) {
      for (size_t c = 0; c < EDGES; c++, turn++) {
        uint8_t sequence[4] = {edges[a], edges[b], edges[c], edges[turn % EDGES]};
        size_t count = 1 + turn % 4;
        check_sequence(sequence, count, places[turn % 15], turn / 7 % 2 == 0 ? 0 : turn % 70, fillers[turn % 3]);
      }
    }
  }
}

/* All pairs of bytes, whole. */
static void utf8_all_pairs(void **state) {
  (void)state;
  for (unsigned pair = 0; pair < 65536; pair++) {
    uint8_t bytes[80] = {0};
    memset(bytes, ' ', 76);
    memcpy(bytes + 40, (uint8_t[]){(uint8_t)(pair >> 8), (uint8_t)pair}, 2);
    bool begins = text_begins_so(bytes, 76);
    for (size_t v = 0; variants[v] != NULL; v++) {
      uint32_t utf8 = 0;
      assert_int_equal(assay_ws_loops_find(variants[v], NULL)->utf8(bytes, 76, &utf8), begins);
    }
  }
}

static void utf8_all_characters(void **state) {
  (void)state;
  for (uint32_t point = 0; point < 0x110000; point += point < 0x3000 || (point > 0xD000 && point < 0x10400) ? 1 : 61) {
    char bytes[4];
    size_t length = assay_utf8_encode(point, bytes);
    assay_ws_utf8 utf8 = {0};
    if (length == 0) continue;
    assert_true(assay_ws_utf8_feed(&utf8, bytes, length));
    assert_true(assay_ws_utf8_complete(&utf8));
    if (length == 1) continue;
    utf8 = (assay_ws_utf8){0};
    assert_true(assay_ws_utf8_feed(&utf8, bytes, length - 1));
    assert_false(assay_ws_utf8_complete(&utf8));
  }
}

int main(void) {
  find_variants();
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_examples_of_the_rfc),
      cmocka_unit_test(every_rule_that_streams_break),
      cmocka_unit_test(reserved_opcodes_are_faults),
      cmocka_unit_test(masks_are_a_matter_of_the_role),
      cmocka_unit_test(lengths_are_minimal_and_below_two_to_the_63),
      cmocka_unit_test(every_length_near_a_boundary),
      cmocka_unit_test(limits_hold_before_the_payload_comes),
      cmocka_unit_test(close_codes),
      cmocka_unit_test(close_reasons_are_cut_between_characters),
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(flags_are_written),
      cmocka_unit_test(masking_touches_only_its_bytes),
      cmocka_unit_test(masks_differ),
      cmocka_unit_test(random_streams_read_as_the_rfc_says),
      cmocka_unit_test(utf8_at_every_place),
      cmocka_unit_test(utf8_all_pairs),
      cmocka_unit_test(utf8_all_characters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

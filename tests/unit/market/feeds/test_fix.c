/* SPDX-License-Identifier: MIT */
/* FIX 4.4: messages by hand, cuts and flipped bits, and a made log. */
#include "fix_text.h"

static const char order[] =
    "35=D|49=ME|56=THEM|34=7|52=20240102-14:30:00.123|11=abc|55=AAPL|54=1|60=20240102-14:30:00|38=100|40=2|44=187.5000|95=8|96=a|b=c|8=|58="
    "x|";

static void test_a_message_by_hand(void **state) {
  (void)state;
  char text[600];
  size_t size = frame(text, order);
  assay_feed_reader reader;
  assay_fix_message m;
  assay_feed_text value;
  int64_t price = 0;
  uint64_t sequence = 0;
  assay_feed_open(&reader, text, size);
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
  assert_true(assay_fix_is(&m, "D"));
  assert_false(assay_fix_is(&m, "DA"));
  assert_string_equal(assay_fix_name(&m), "new order single");
  assert_true(assay_fix_find(&m, 55, &value) && text_is(value, "AAPL"));
  assert_true(assay_fix_decimal(&m, 44, 4, &price));
  assert_int_equal(price, 1875000);
  assert_true(assay_fix_whole(&m, 34, &sequence));
  assert_int_equal(sequence, 7);
  assert_true(assay_fix_find(&m, 96, &value));
  assert_int_equal(value.length, 8); /* data with SOH and something like a field in it */
  assert_true(assay_fix_find(&m, 58, &value) && text_is(value, "x"));
  assert_false(assay_fix_find(&m, 8, &value));
  assay_fix_cursor cursor = {0};
  assay_fix_field field;
  int count = 0;
  while (assay_fix_field_next(&m, &cursor, &field)) count++;
  assert_int_equal(count, 15);
  uint32_t tag = 0;
  assay_feed_fault fault = {0};
  assert_true(assay_fix_check(&m, &tag, &fault));
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_END);
}

/* The message of the FIX wiki's page on CheckSum, with its sum as given there would be another version's; this one is written out by hand.
 */
static void test_bytes_by_hand(void **state) {
  (void)state;
  static const char text[] = "8=FIX.4.4\0019=40\00135=0\00149=A\00156=B\00134=12\00152=20240102-14:30:00\00110=089\001";
  unsigned sum = 0;
  for (size_t i = 0; i < sizeof text - 1 - 7; i++) sum += (unsigned char)text[i];
  char right[sizeof text];
  memcpy(right, text, sizeof text);
  snprintf(right + sizeof text - 1 - 4, 5, "%03u\001", sum & 255);
  assay_feed_reader reader;
  assay_fix_message m;
  size_t body = strlen("35=0.49=A.56=B.34=12.52=20240102-14:30:00.");
  assert_int_equal(body, 42);
  assay_feed_open(&reader, right, sizeof text - 1);
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MALFORMED); /* 40 is not 42 */
  assert_string_equal(reader.fault.field, "BodyLength (9)");
}

static void test_faults(void **state) {
  (void)state;
  static const struct {
    const char *body, *from, *to, *field;
  } cases[] = {{"35=0|49=A|", "FIX.4.4", "FIX.4.2", "BeginString (8)"},
               {"35=0|49=A|", "\0019=", "\0017=", "BodyLength (9)"},
               {"35=0|49=A|", "9=10\001", "9=11\001", "BodyLength (9)"},
               {"35=0|49=A|", "9=10\001", "9=1x\001", "BodyLength (9)"},
               {"35=0|49=A|", "49=A", "49=B", "CheckSum (10)"},
               {"49=A|35=0|", "", "", "MsgType (35)"},
               {"35=0|49A|", "", "", "field"},
               {"35=|49=A|", "", "", "MsgType (35)"},
               {"35=0|049=A|", "", "", "field"},
               {"35=0|95=3|96=ab|", "", "", "field"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[600];
    size_t size = frame(text, cases[i].body);
    if (cases[i].from[0] != '\0') memcpy(strstr(text, cases[i].from), cases[i].to, strlen(cases[i].to));
    size_t second = size;
    size += frame(text + size, "35=0|49=A|");
    assay_feed_reader reader;
    assay_fix_message m;
    assay_error err = {0};
    assay_feed_open(&reader, text, size);
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MALFORMED);
    assert_string_equal(reader.fault.field, cases[i].field);
    assert_int_equal(assay_feed_explain(&reader, "FIX", &err), ASSAY_ERR_PARSE);
    assert_true(assay_feed_skip(&reader));
    assert_int_equal(reader.at, second);
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
  }
  char text[600];
  frame(text, "35=D|49=ME|56=THEM|34=7|52=20240102-14:30:00|11=abc|55=AAPL|54=1|60=20240102-14:30:00|");
  assay_feed_reader reader;
  assay_fix_message m;
  uint32_t tag = 0;
  assay_feed_fault fault = {0};
  assay_feed_open(&reader, text, strlen(text));
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
  assert_false(assay_fix_check(&m, &tag, &fault));
  assert_int_equal(tag, 40);
  assert_string_equal(fault.field, "OrdType (40)");
  /* A field without a value is a fault of the message, not of the stream. */
  assay_feed_open(&reader, text, frame(text, "35=0|49=|56=THEM|34=7|52=20240102-14:30:00|"));
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
  assert_false(assay_fix_check(&m, &tag, &fault));
  assert_int_equal(tag, 49);
  assert_string_equal(fault.problem, "the field has no value");
}

static void test_every_cut_and_flipped_bits(void **state) {
  (void)state;
  char text[600];
  size_t size = frame(text, order);
  assay_feed_reader reader;
  assay_fix_message m;
  for (size_t cut = 1; cut < size; cut++) {
    char *copy = malloc(cut);
    memcpy(copy, text, cut);
    assay_feed_open(&reader, copy, cut);
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MALFORMED);
    assay_feed_open(&reader, copy, cut);
    reader.last = false;
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MORE);
    free(copy);
  }
  /* No single bit can be wrong unnoticed: the sum sees it. */
  for (size_t bit = 0; bit < size * 8; bit++) {
    text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
    assay_feed_open(&reader, text, size);
    assert_int_not_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
    text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
  }
}

/* Heads within one another whose lengths all end at one trailer with a wrong sum: what is summed for them stays in proportion. */
static void test_overlapping_heads(void **state) {
  (void)state;
  enum { SIZE = 1 << 20, HEAD = 20 };
  static const char *const versions[] = {"8=FIX.4.4\0019=", "8=FIX.4.2\0019="};
  char *text = malloc(SIZE + 600);
  for (size_t v = 0; v < 2; v++) {
    for (size_t at = 0; at < SIZE / HEAD * HEAD; at += HEAD) {
      char head[64];
      snprintf(head, sizeof head, "%s%07zu\001", versions[v], SIZE / HEAD * HEAD - at - HEAD + 1);
      memcpy(text + at, head, HEAD);
    }
    size_t size = SIZE / HEAD * HEAD;
    size += (size_t)sprintf(text + size, "\00110=%s\001", "000");
    assay_feed_reader reader;
    assay_fix_message m;
    uint64_t most = 0, wrong = 0;
    assay_feed_open(&reader, text, size);
    while (assay_fix_next(&reader, &m) == ASSAY_FEED_MALFORMED && assay_feed_skip(&reader)) {
      most = reader.owed > most ? reader.owed : most;
      wrong++;
    }
    assert_int_equal(wrong, SIZE / HEAD);
    assert_true(most > 32 << 20 && most < 66 << 20);
  }
  free(text);
}

/* A stream that only lost a byte here and there owes nothing, and each message that is right is heard. */
static void test_honest_faults_owe_nothing(void **state) {
  (void)state;
  char text[1200];
  size_t first = frame(text, order), size = first + frame(text + first, "35=0|49=A|");
  text[40] ^= 1;
  assay_feed_reader reader;
  assay_fix_message m;
  assay_feed_open(&reader, text, size);
  for (int round = 0; round < 1000; round++) {
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MALFORMED);
    assert_true(assay_feed_skip(&reader));
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
    assert_int_equal(reader.owed, 0);
    reader.at = 0;
  }
}

static void test_made_log(void **state) {
  (void)state;
  assay_feed_market market = {.format = ASSAY_FEED_FIX, .seed = 4, .messages = 2000, .symbols = 3, .orders = 40};
  assay_error err = {0};
  uint8_t *text = NULL;
  size_t size = 0;
  assert_ok(assay_feed_generate(&market, &err, &text, &size), err);
  assert_int_equal(assay_feed_recognise(text, size), ASSAY_FEED_FIX);
  assay_feed_reader reader;
  assay_fix_message m;
  assay_feed_open(&reader, text, size);
  uint64_t next[2] = {1, 1}, kinds[128] = {0}, events[ASSAY_MARKET_KINDS] = {0};
  while (assay_fix_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    assay_feed_text sender;
    uint64_t sequence = 0;
    uint32_t tag = 0;
    assay_feed_fault fault = {0};
    assay_market_event some[ASSAY_FIX_MOST_EVENTS], event;
    if (!assay_fix_check(&m, &tag, &fault)) fail_msg("%s: %.*s", fault.field, (int)m.length, m.data);
    assert_true(assay_fix_find(&m, 49, &sender) && assay_fix_whole(&m, 34, &sequence));
    assert_int_equal(sequence, next[text_is(sender, "FIRM")]++);
    kinds[(unsigned char)m.type.at[0]]++;
    if (assay_fix_events(&m, 1, 4, 0, some) == 1) {
      event = some[0];
      events[event.kind]++;
      assert_true(event.order_id > 0 && event.time_ns > UINT64_C(1704171600000000000));
      if (event.kind == ASSAY_MARKET_ADD) assert_true(event.price > 0 && event.quantity > 0);
    }
  }
  assert_null(reader.fault.problem);
  assert_true(kinds['D'] > 500 && kinds['8'] > 1000 && kinds['F'] > 200 && kinds['G'] > 10 && kinds['9'] > 5 && kinds['0'] > 1);
  assert_int_equal(events[ASSAY_MARKET_ADD], kinds['D']);
  assert_true(events[ASSAY_MARKET_EXECUTE] > 30);
  assay_feed_generated_free(text);
}

/* Of another version: the digit behind "FIX.4.", and the sum with it. */
static size_t frame_of(char *out, char minor, const char *body) {
  const size_t size = frame(out, body);
  const unsigned sum = (unsigned)atoi(out + size - 4);
  out[8] = minor;
  sprintf(out + size - 4, "%03u\001", (sum + 256 + (unsigned)(minor - '4')) % 256);
  return size;
}

static void test_older_versions(void **state) {
  (void)state;
  char text[600];
  assay_feed_reader reader;
  assay_fix_message m;
  for (char minor = '0'; minor <= '5'; minor++) {
    const size_t size = frame_of(text, minor, "35=0|49=A|");
    const bool is_own = minor == '4', is_older = minor >= '2' && minor <= '4';
    assay_feed_open(&reader, text, size);
    assert_int_equal(assay_fix_next(&reader, &m), is_own ? ASSAY_FEED_MESSAGE : ASSAY_FEED_MALFORMED);
    if (!is_own) assert_string_equal(reader.fault.problem, "another version than FIX.4.4");
    assay_feed_open(&reader, text, size);
    assert_int_equal(assay_fix_next_older(&reader, &m), is_older ? ASSAY_FEED_MESSAGE : ASSAY_FEED_MALFORMED);
    if (is_older) assert_true(assay_fix_is(&m, "0") && m.length == size);
    if (!is_older) assert_string_equal(reader.fault.problem, "another version than FIX.4.2, 4.3 and 4.4");
    for (size_t cut = 1; cut < size; cut++) {
      assay_feed_open(&reader, text, cut);
      reader.last = false;
      assert_int_equal(assay_fix_next_older(&reader, &m), ASSAY_FEED_MORE);
    }
  }
}

static void test_what_reports_say_was_done(void **state) {
  (void)state;
  static const struct {
    const char *fields;
    int kind; /* -1: it is no event */
    uint64_t other;
    char side;
    unsigned flags;
  } cases[] = {
      {"150=0|54=1|", ASSAY_MARKET_ADD, 0, 'B', ASSAY_MARKET_LAST},
      {"150=F|54=1|", ASSAY_MARKET_EXECUTE, 7, 'B', ASSAY_MARKET_LAST},
      {"150=F|54=3|", ASSAY_MARKET_EXECUTE, 7, 'B', ASSAY_MARKET_LAST}, /* buy minus */
      {"150=F|54=4|", ASSAY_MARKET_EXECUTE, 7, 'S', ASSAY_MARKET_LAST}, /* sell plus */
      {"150=H|54=2|19=5|", ASSAY_MARKET_BROKEN, 5, 'S', ASSAY_MARKET_LAST | ASSAY_MARKET_GAP},
      {"150=G|54=2|19=5|", ASSAY_MARKET_BROKEN, 5, 'S', ASSAY_MARKET_GAP}, /* and the trade as it is now */
      {"20=0|150=0|54=1|", ASSAY_MARKET_ADD, 0, 'B', ASSAY_MARKET_LAST},
      {"20=0|150=1|54=1|", ASSAY_MARKET_EXECUTE, 7, 'B', ASSAY_MARKET_LAST},
      {"20=0|150=2|54=2|", ASSAY_MARKET_EXECUTE, 7, 'S', ASSAY_MARKET_LAST},
      {"20=1|150=1|54=2|19=5|", ASSAY_MARKET_BROKEN, 5, 'S', ASSAY_MARKET_LAST | ASSAY_MARKET_GAP},
      {"20=2|150=2|54=2|19=5|", ASSAY_MARKET_BROKEN, 5, 'S', ASSAY_MARKET_GAP},
      {"20=3|150=2|54=2|", -1, 0, 0, 0},
      {"150=1|54=2|", -1, 0, 0, 0},
      {"20=01|150=1|54=2|", -1, 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[600], body[300];
    assay_feed_reader reader;
    assay_fix_message m;
    assay_market_event some[ASSAY_FIX_MOST_EVENTS], event;
    snprintf(body, sizeof body, "35=8|37=9|17=7|%s55=A|44=3|151=60|31=2.5|32=40|60=20240102-14:30:00|", cases[i].fields);
    assay_feed_open(&reader, text, frame(text, body));
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
    const bool is_last = (cases[i].flags & ASSAY_MARKET_LAST) != 0;
    assert_int_equal(assay_fix_events(&m, 1, 1, 0, some), cases[i].kind < 0 ? 0 : is_last ? 1 : 2);
    if (cases[i].kind < 0) continue;
    event = some[0];
    const bool adds = cases[i].kind == ASSAY_MARKET_ADD;
    assert_int_equal(event.kind, cases[i].kind);
    assert_int_equal(event.order_id, 9);
    assert_int_equal(event.other_id, cases[i].other);
    assert_int_equal(event.side, cases[i].side);
    assert_int_equal(event.flags, cases[i].flags);
    assert_int_equal(event.price, adds ? 30 : 25);
    assert_int_equal(event.quantity, adds ? 60 : 40);
    if (is_last) continue;
    event.kind = ASSAY_MARKET_TRADE;
    event.other_id = 7;
    event.side = 0;
    event.flags = ASSAY_MARKET_LAST;
    assert_memory_equal(&some[1], &event, sizeof event);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_message_by_hand),
      cmocka_unit_test(test_bytes_by_hand),
      cmocka_unit_test(test_faults),
      cmocka_unit_test(test_every_cut_and_flipped_bits),
      cmocka_unit_test(test_made_log),
      cmocka_unit_test(test_overlapping_heads),
      cmocka_unit_test(test_honest_faults_owe_nothing),
      cmocka_unit_test(test_older_versions),
      cmocka_unit_test(test_what_reports_say_was_done),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* FIX 4.4: messages by hand, cuts and flipped bits, and two sessions that talk over a bad line. */
#include <assay/feed_fix.h>

#include "base/random.h"
#include "test.h"

/* "35=0|49=A|" with its head and its sum, worked out here a second time. */
static size_t frame(char *out, const char *body) {
  size_t length = (size_t)snprintf(out, 600, "8=FIX.4.4|9=%zu|%s", strlen(body), body);
  unsigned sum = 0;
  for (size_t i = 0; i < length; i++) {
    if (out[i] == '|') out[i] = 1;
    sum += (unsigned char)out[i];
  }
  return length + (size_t)sprintf(out + length, "10=%03u\001", sum % 256);
}

static bool text_is(assay_feed_text text, const char *wanted) {
  return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

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
               {"35=0|49=|", "", "", "field"},
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
    assay_market_event event;
    if (!assay_fix_check(&m, &tag, &fault)) fail_msg("%s: %.*s", fault.field, (int)m.length, m.data);
    assert_true(assay_fix_find(&m, 49, &sender) && assay_fix_whole(&m, 34, &sequence));
    assert_int_equal(sequence, next[text_is(sender, "FIRM")]++);
    kinds[(unsigned char)m.type.at[0]]++;
    if (assay_fix_event(&m, 1, 4, 0, &event)) {
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

/* ---- Sessions ---------------------------------------------------------------------------------------------------------------------------
 */

static const uint64_t second = 1000000000;

typedef struct side {
  assay_fix_session session;
  char out[20000];
  char bodies[200][40]; /* what was sent, by its number */
  uint64_t delivered;   /* application messages, in order: "58=1", "58=2", ... */
  uint64_t sent;
} side;

static bool stored(void *context, uint64_t sequence, const char **type, const char **body, size_t *length) {
  side *s = context;
  if (sequence >= 200 || s->bodies[sequence][0] == '\0') return false;
  *type = "B";
  *body = s->bodies[sequence];
  *length = strlen(*body);
  return true;
}

static void open_side(side *s, bool initiator, bool stores) {
  assay_error err = {0};
  memset(s, 0, sizeof *s);
  assay_fix_options options = {.sender = initiator ? "ME" : "THEM",
                               .target = initiator ? "THEM" : "ME",
                               .heartbeat_s = 10,
                               .initiator = initiator,
                               .stored = stores ? stored : NULL,
                               .context = s};
  assert_ok(assay_fix_session_init(&s->session, &options, s->out, sizeof s->out, &err), err);
}

static void say(side *s, uint64_t now) {
  char body[40];
  uint64_t number = s->session.next_out;
  snprintf(body, sizeof body, "148=news\00158=%d\001", (int)++s->sent);
  if (!assay_fix_session_send(&s->session, now, "B", body, strlen(body)))
    s->sent--;
  else if (number < 200)
    memcpy(s->bodies[number], body, sizeof body);
}

/* Carries what one side has to say to the other; each message is lost with a chance of one in `lose` (0: never). Returns the last verdict.
 */
static assay_fix_verdict carry(side *from, side *to, uint64_t now, assay_random *random, unsigned lose) {
  static char wire[20000];
  size_t size = from->session.out_length;
  assay_fix_verdict verdict = ASSAY_FIX_ADMIN;
  assay_feed_reader reader;
  assay_fix_message m;
  memcpy(wire, from->out, size);
  from->session.out_length = 0;
  assay_feed_open(&reader, wire, size);
  while (assay_fix_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    if (lose > 0 && !assay_fix_is(&m, "A") && assay_random_below(random, lose) == 0) continue;
    verdict = assay_fix_session_receive(&to->session, now, &m);
    if (verdict == ASSAY_FIX_DELIVER) {
      uint64_t number = 0;
      assert_true(assay_fix_whole(&m, 58, &number));
      assert_int_equal(number, to->delivered + 1);
      to->delivered = number;
    }
    if (verdict == ASSAY_FIX_DISCONNECT) break;
  }
  assert_null(reader.fault.problem);
  return verdict;
}

static void test_logon_talk_logout(void **state) {
  (void)state;
  static side a, b;
  uint64_t now = 1000 * second;
  open_side(&a, true, true);
  open_side(&b, false, true);
  say(&a, now);
  assert_int_equal(a.sent, 0); /* not logged on */
  assay_fix_session_start(&a.session, now);
  carry(&a, &b, now, NULL, 0);
  assert_int_equal(b.session.state, ASSAY_FIX_ON);
  carry(&b, &a, now, NULL, 0);
  assert_int_equal(a.session.state, ASSAY_FIX_ON);
  for (int i = 0; i < 5; i++) say(&a, now), say(&b, now);
  carry(&a, &b, now, NULL, 0);
  carry(&b, &a, now, NULL, 0);
  assert_int_equal(a.delivered, 5);
  assert_int_equal(b.delivered, 5);
  assay_fix_session_logout(&a.session, now, "bye");
  assert_int_equal(carry(&a, &b, now, NULL, 0), ASSAY_FIX_DISCONNECT);
  assert_int_equal(carry(&b, &a, now, NULL, 0), ASSAY_FIX_DISCONNECT);
  assert_string_equal(a.session.reason, "logged out");
  assert_int_equal(b.session.state, ASSAY_FIX_CLOSED);
}

/* Half of everything is lost, for a while, in both directions; heartbeats and resend requests bring it all. */
static void talk_over_a_bad_line(bool stores) {
  static side a, b;
  assay_random random;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    uint64_t now = 1000 * second;
    assay_random_init(&random, seed);
    open_side(&a, true, stores);
    open_side(&b, false, stores);
    assay_fix_session_start(&a.session, now);
    for (int step = 0; step < 400; step++) {
      unsigned lose = step < 200 ? 3 : 0;
      now += second;
      if (step < 200 && assay_random_below(&random, 4) == 0) say(&a, now);
      if (step < 200 && assay_random_below(&random, 4) == 0) say(&b, now);
      assay_fix_session_tick(&a.session, now);
      assay_fix_session_tick(&b.session, now);
      carry(&a, &b, now, &random, lose);
      carry(&b, &a, now, &random, lose);
      if (a.session.state == ASSAY_FIX_CLOSED || b.session.state == ASSAY_FIX_CLOSED) break;
    }
    if (a.session.state == ASSAY_FIX_CLOSED || b.session.state == ASSAY_FIX_CLOSED) continue; /* a peer that seemed dead: allowed */
    assert_int_equal(a.session.next_in, b.session.next_out);
    assert_int_equal(b.session.next_in, a.session.next_out);
    assert_int_equal(a.delivered, b.sent);
    assert_int_equal(b.delivered, a.sent);
  }
}
static void test_recovery_over_a_bad_line(void **state) {
  (void)state;
  talk_over_a_bad_line(true);
}

static assay_fix_verdict give(side *to, uint64_t now, const char *body) {
  char text[600];
  assay_feed_reader reader;
  assay_fix_message m;
  size_t size = frame(text, body);
  assay_feed_open(&reader, text, size);
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MESSAGE);
  return assay_fix_session_receive(&to->session, now, &m);
}

/* What is in `out`, SOH as |, forgotten afterwards. */
static const char *said(side *s) {
  static char text[20000];
  memcpy(text, s->out, s->session.out_length);
  text[s->session.out_length] = '\0';
  for (char *c = text; *c != '\0'; c++)
    if (*c == 1) *c = '|';
  s->session.out_length = 0;
  return text;
}

#define HEAD(type, number) "35=" type "|49=ME|56=THEM|34=" number "|52=20240102-14:30:00|"

static void test_single_cases(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
  open_side(&b, false, false);
  assert_int_equal(give(&b, now, HEAD("0", "1")), ASSAY_FIX_DISCONNECT); /* no logon */
  open_side(&b, false, false);
  assert_int_equal(give(&b, now, HEAD("A", "1") "98=0|108=10|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "35=A|49=THEM|56=ME|34=1|"));
  assert_int_equal(give(&b, now, HEAD("1", "2") "112=hello|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "35=0|49=THEM|56=ME|34=2|52=19700101-00:16:40.000|112=hello|"));
  /* A gap: 3 and 4 are missing. Asked for once. */
  assert_int_equal(give(&b, now, HEAD("B", "5") "148=x|"), ASSAY_FIX_LATER);
  assert_non_null(strstr(said(&b), "35=2|49=THEM|56=ME|34=3|52=19700101-00:16:40.000|7=3|16=0|"));
  assert_int_equal(give(&b, now, HEAD("B", "6") "148=x|"), ASSAY_FIX_LATER);
  assert_string_equal(said(&b), "");
  assert_int_equal(give(&b, now, "35=B|49=ME|56=THEM|34=3|43=Y|52=20240102-14:30:00|148=x|"), ASSAY_FIX_DELIVER);
  assert_int_equal(give(&b, now, "35=4|49=ME|56=THEM|34=4|43=Y|52=20240102-14:30:00|123=Y|36=6|"), ASSAY_FIX_ADMIN);
  assert_int_equal(give(&b, now, "35=B|49=ME|56=THEM|34=6|43=Y|52=20240102-14:30:00|148=x|"), ASSAY_FIX_DELIVER);
  assert_int_equal(give(&b, now, "35=B|49=ME|56=THEM|34=6|43=Y|52=20240102-14:30:00|148=x|"), ASSAY_FIX_DUPLICATE);
  assert_int_equal(b.session.next_in, 7);
  /* Ours are asked for: nothing is stored, so one gap fill covers them. */
  assert_int_equal(give(&b, now, HEAD("2", "7") "7=1|16=0|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "35=4|49=THEM|56=ME|34=1|43=Y|122=19700101-00:16:40.000|52=19700101-00:16:40.000|123=Y|36=4|"));
  /* A field is missing: rejected, and counted. */
  assert_int_equal(give(&b, now, HEAD("D", "8") "11=1|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=8|371=55|372=D|373=1|"));
  assert_int_equal(b.session.next_in, 9);
  /* A reset goes forward whatever its own number is, never back. */
  assert_int_equal(give(&b, now, HEAD("4", "1") "36=5|"), ASSAY_FIX_REJECTED);
  assert_int_equal(b.session.next_in, 9);
  assert_int_equal(give(&b, now, HEAD("4", "99") "36=20|"), ASSAY_FIX_ADMIN);
  assert_int_equal(b.session.next_in, 20);
  said(&b);
  assert_int_equal(give(&b, now, HEAD("B", "19") "148=x|"), ASSAY_FIX_DISCONNECT);
  assert_non_null(strstr(said(&b), "35=5|"));
  assert_string_equal(b.session.reason, "MsgSeqNum too low");
  open_side(&b, false, false);
  assert_int_equal(give(&b, now, "35=A|49=YOU|56=THEM|34=1|52=20240102-14:30:00|98=0|108=10|"), ASSAY_FIX_DISCONNECT);
  assert_string_equal(b.session.reason, "CompID problem");
}

static void test_silence(void **state) {
  (void)state;
  static side a, b;
  uint64_t now = 1000 * second;
  open_side(&a, true, false);
  open_side(&b, false, false);
  assay_fix_session_start(&a.session, now);
  carry(&a, &b, now, NULL, 0);
  carry(&b, &a, now, NULL, 0);
  assert_int_equal(assay_fix_session_tick(&a.session, now + 9 * second), ASSAY_FIX_ADMIN);
  assert_string_equal(said(&a), "");
  assay_fix_session_tick(&a.session, now + 10 * second);
  assert_non_null(strstr(said(&a), "35=0|"));
  assay_fix_session_tick(&a.session, now + 13 * second);
  assert_non_null(strstr(said(&a), "35=1|"));
  assert_int_equal(assay_fix_session_tick(&a.session, now + 24 * second), ASSAY_FIX_DISCONNECT);
  assert_string_equal(a.session.reason, "no answer to a test request");
  assay_error err = {0};
  char room[100];
  assert_int_equal(assay_fix_session_init(&a.session, &(assay_fix_options){.sender = "", .target = "x"}, a.out, sizeof a.out, &err),
                   ASSAY_ERR_INVALID);
  assert_int_equal(assay_fix_session_init(&a.session, &(assay_fix_options){.sender = "y", .target = "x"}, room, sizeof room, NULL),
                   ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_message_by_hand),          cmocka_unit_test(test_bytes_by_hand), cmocka_unit_test(test_faults),
      cmocka_unit_test(test_every_cut_and_flipped_bits), cmocka_unit_test(test_made_log),      cmocka_unit_test(test_logon_talk_logout),
      cmocka_unit_test(test_recovery_over_a_bad_line),   cmocka_unit_test(test_single_cases),  cmocka_unit_test(test_silence),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

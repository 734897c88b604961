/* SPDX-License-Identifier: MIT */
/* FIX sessions: two that talk over a bad line, and every rule by a peer that breaks it. */
#include "base/random.h"
#include "fix_text.h"

static const uint64_t second = 1000000000;

typedef struct side {
  assay_fix_session session;
  char out[20000];
  char bodies[200][40]; /* what was sent, by its number, and when */
  uint64_t times[200];
  uint64_t delivered; /* application messages, in order: "58=1", "58=2", ... */
  uint64_t sent;
} side;

static bool stored(void *context, uint64_t sequence, const char **type, const char **body, size_t *length, uint64_t *sent_ns) {
  side *s = context;
  if (sequence >= 200 || s->bodies[sequence][0] == '\0') return false;
  *type = "B";
  *body = s->bodies[sequence];
  *length = strlen(*body);
  *sent_ns = s->times[sequence];
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
    memcpy(s->bodies[number], body, sizeof body), s->times[number] = now;
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

/* What the peer of `to` says. */
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
  assert_int_equal(give(&b, now, "35=B|49=ME|56=THEM|34=3|43=Y|122=20240102-14:29:59|52=20240102-14:30:00|148=x|"), ASSAY_FIX_DELIVER);
  assert_int_equal(give(&b, now, "35=4|49=ME|56=THEM|34=4|43=Y|52=20240102-14:30:00|123=Y|36=6|"), ASSAY_FIX_ADMIN);
  assert_int_equal(give(&b, now, "35=B|49=ME|56=THEM|34=6|43=Y|122=20240102-14:30:00|52=20240102-14:30:00|148=x|"), ASSAY_FIX_DELIVER);
  assert_int_equal(give(&b, now, "35=B|49=ME|56=THEM|34=6|43=Y|122=20240102-14:30:00|52=20240102-14:30:00|148=x|"), ASSAY_FIX_DUPLICATE);
  assert_int_equal(b.session.next_in, 7);
  /* Ours are asked for: nothing is stored, so one gap fill covers them. */
  assert_int_equal(give(&b, now, HEAD("2", "7") "7=1|16=0|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "35=4|49=THEM|56=ME|34=1|43=Y|122=19700101-00:16:40.000|52=19700101-00:16:40.000|123=Y|36=4|"));
  /* A field is missing: rejected, and counted. */
  assert_int_equal(give(&b, now, HEAD("D", "8") "11=1|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=8|371=55|372=D|373=1|58=required tag missing (55)|"));
  assert_int_equal(b.session.next_in, 9);
  /* A reset goes forward whatever its own number is, never back. */
  assert_int_equal(give(&b, now, HEAD("4", "1") "36=5|"), ASSAY_FIX_REJECTED);
  assert_int_equal(b.session.next_in, 9);
  assert_int_equal(give(&b, now, HEAD("4", "99") "36=20|"), ASSAY_FIX_ADMIN);
  assert_int_equal(b.session.next_in, 20);
  said(&b);
  assert_int_equal(give(&b, now, HEAD("B", "19") "148=x|"), ASSAY_FIX_DISCONNECT);
  assert_non_null(strstr(said(&b), "58=MsgSeqNum too low, expecting 20 but received 19|"));
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

/* An acceptor that is logged on, its answer forgotten. */
static void open_on(side *b, uint64_t now, const char *heartbeat) {
  char logon[200];
  open_side(b, false, false);
  snprintf(logon, sizeof logon, HEAD("A", "1") "98=0|108=%s|", heartbeat);
  assert_int_equal(give(b, now, logon), ASSAY_FIX_ADMIN);
  assert_int_equal(b->session.state, ASSAY_FIX_ON);
  b->session.out_length = 0;
}

/* HeartBtInt 0 is "no heartbeats", not "no clocks". */
static void test_a_peer_without_heartbeats(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
  open_side(&b, false, false);
  assert_int_equal(give(&b, now, HEAD("A", "1") "98=0|108=0|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "98=0|108=0|"));
  assert_int_equal(assay_fix_session_tick(&b.session, now + 3600 * second), ASSAY_FIX_ADMIN);
  assert_string_equal(said(&b), "");
  /* A gap is still asked for again. */
  now += 3600 * second;
  assert_int_equal(give(&b, now, HEAD("B", "5") "148=x|"), ASSAY_FIX_LATER);
  assert_non_null(strstr(said(&b), "7=2|"));
  assay_fix_session_tick(&b.session, now + 6 * second);
  assert_non_null(strstr(said(&b), "7=2|"));
  assay_fix_session_logout(&b.session, now, NULL);
  assert_int_equal(assay_fix_session_tick(&b.session, now + 9 * second), ASSAY_FIX_ADMIN);
  assert_int_equal(assay_fix_session_tick(&b.session, now + 11 * second), ASSAY_FIX_DISCONNECT);
  assert_string_equal(b.session.reason, "no answer to the logout");
}

static void test_logons_that_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *logon, *reject, *reason;
  } cases[] = {
      {HEAD("A", "1") "108=30|", "371=98|372=A|373=1|", "the logon lacks a field that it needs"},
      {HEAD("A", "1") "98=0|", "371=108|372=A|373=1|", "the logon lacks a field that it needs"},
      {"35=A|49=ME|56=THEM|34=1|98=0|108=30|", "371=52|372=A|373=1|", "the logon lacks a field that it needs"},
      {HEAD("A", "1") "98=1|108=30|", "371=98|372=A|373=5|", "EncryptMethod (98) is not 0"},
      {HEAD("A", "1") "98=0|108=-1|", "371=108|372=A|373=5|", "HeartBtInt (108) is no number of seconds"},
      {HEAD("A", "1") "98=0|108=1e9|", "371=108|372=A|373=5|", "HeartBtInt (108) is no number of seconds"},
      {HEAD("A", "1") "98=0|108=999999|", "371=108|372=A|373=5|", "HeartBtInt (108) is no number of seconds"},
      {HEAD("A", "7") "98=0|108=30|141=Y|", "371=34|372=A|373=5|", "a logon that resets the numbers has another MsgSeqNum than 1"},
      {"35=A|49=YOU|56=THEM|34=1|52=20240102-14:30:00|98=0|108=10|", "371=49|372=A|373=9|", "CompID problem"},
      {"35=A|49=ME|56=YOU|34=1|52=20240102-14:30:00|98=0|108=10|", "371=49|372=A|373=9|", "CompID problem"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int initiator = 0; initiator < 2; initiator++) {
      static side b;
      char logon[300], *at;
      open_side(&b, initiator == 1, false);
      if (initiator == 1) assay_fix_session_start(&b.session, 0);
      snprintf(logon, sizeof logon, "%s", cases[i].logon);
      if (initiator == 1) { /* the same from the other side */
        bool us = strstr(logon, "49=ME|56=THEM") != NULL, target = strstr(logon, "56=YOU") != NULL;
        at = strstr(logon, "49=");
        char rest[300];
        snprintf(rest, sizeof rest, "%s", strstr(logon, "|34="));
        snprintf(at, sizeof logon - (size_t)(at - logon), "%s%s", us ? "49=THEM|56=ME" : target ? "49=THEM|56=YOU" : "49=YOU|56=ME", rest);
      }
      assert_int_equal(give(&b, 1000 * second, logon), ASSAY_FIX_DISCONNECT);
      assert_string_equal(b.session.reason, cases[i].reason);
      const char *text = said(&b);
      if (strstr(text, cases[i].reject) == NULL || strstr(text, "35=5|") == NULL) fail_msg("%s: %s", logon, text);
      assert_int_equal(b.session.state, ASSAY_FIX_CLOSED);
    }
  }
}

/* A logon that comes again as a possible duplicate is one. */
static void test_logons_that_come_again(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
  open_on(&b, now, "10");
  assert_int_equal(give(&b, now, "35=A|49=ME|56=THEM|34=1|43=Y|122=20240102-14:30:00|52=20240102-14:30:00|98=0|108=20|"),
                   ASSAY_FIX_DUPLICATE);
  assert_string_equal(said(&b), "");
  assert_int_equal(b.session.next_in, 2);
  assert_int_equal(b.session.options.heartbeat_s, 10);
  /* One that starts the numbers anew is answered so. */
  assert_int_equal(give(&b, now, HEAD("0", "2") ""), ASSAY_FIX_ADMIN);
  assert_int_equal(give(&b, now, HEAD("A", "1") "98=0|108=20|141=Y|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "35=A|49=THEM|56=ME|34=1|52=19700101-00:16:40.000|98=0|108=20|141=Y|"));
  assert_int_equal(b.session.next_in, 2);
  assert_int_equal(give(&b, now, HEAD("A", "1") "98=0|108=20|"), ASSAY_FIX_DISCONNECT); /* too low, and no duplicate */
}

static void test_gap_fills_that_lead_nowhere(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
  open_on(&b, now, "10");
  assert_int_equal(give(&b, now, HEAD("4", "2") "123=Y|36=2|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=2|371=36|372=4|373=5|"));
  assert_int_equal(b.session.next_in, 3);
  assert_int_equal(give(&b, now, HEAD("4", "3") "123=Y|36=1|"), ASSAY_FIX_REJECTED);
  assert_int_equal(give(&b, now, HEAD("4", "4") "123=Y|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=4|371=36|372=4|373=1|"));
  assert_int_equal(give(&b, now, HEAD("4", "5") "123=Y|36=x|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=5|371=36|372=4|373=6|"));
  assert_int_equal(give(&b, now, HEAD("4", "6") "123=Y|36=7|"), ASSAY_FIX_ADMIN);
  assert_int_equal(b.session.next_in, 7);
  assert_int_equal(give(&b, now, HEAD("4", "9") "36=7|"), ASSAY_FIX_ADMIN); /* a reset to what is expected anyway */
  assert_int_equal(give(&b, now, HEAD("4", "9") "36=6|"), ASSAY_FIX_REJECTED);
  assert_int_equal(b.session.next_in, 7);
}

/* What goes out again says when it went out first (122), and when now (52). */
static void test_times_of_repeats(void **state) {
  (void)state;
  static side a, b;
  uint64_t now = 1000 * second;
  open_side(&a, true, true);
  open_side(&b, false, false);
  assay_fix_session_start(&a.session, now);
  carry(&a, &b, now, NULL, 0);
  carry(&b, &a, now, NULL, 0);
  say(&a, now + second);
  said(&a);
  assert_int_equal(give(&a, now + 60 * second, "35=2|49=THEM|56=ME|34=2|52=20240102-14:30:00|7=1|16=0|"), ASSAY_FIX_ADMIN);
  const char *text = said(&a);
  assert_non_null(strstr(text, "35=4|49=ME|56=THEM|34=1|43=Y|122=19700101-00:17:40.000|52=19700101-00:17:40.000|123=Y|36=2|"));
  assert_non_null(strstr(text, "35=B|49=ME|56=THEM|34=2|43=Y|122=19700101-00:16:41.000|52=19700101-00:17:40.000|148=news|58=1|"));
}

/* More is asked for than `out` holds: it goes on once that was sent, without a hole, and what is new comes behind it. */
static void test_repeats_that_do_not_fit(void **state) {
  (void)state;
  static side a, b;
  uint64_t now = 1000 * second;
  open_side(&a, true, true);
  open_side(&b, false, false);
  a.session.out_capacity = 1024;
  assay_fix_session_start(&a.session, now);
  carry(&a, &b, now, NULL, 0);
  carry(&b, &a, now, NULL, 0);
  for (int i = 0; i < 40; i++) say(&a, now), said(&a); /* all lost */
  assert_int_equal(a.sent, 40);
  say(&a, now);
  carry(&a, &b, now, NULL, 0); /* b sees the gap */
  carry(&b, &a, now, NULL, 0); /* and asks */
  assert_true(a.session.out_length > 900 && a.session.out_length <= 1024);
  assert_false(assay_fix_session_send(&a.session, now, "B", "58=x\001", 5)); /* not before the rest */
  unsigned rounds = 0;
  while (a.session.repeat_end != 0 || a.session.out_length > 0) {
    assert_true(++rounds < 40);
    carry(&a, &b, now, NULL, 0);
    assay_fix_session_tick(&a.session, now);
  }
  assert_true(rounds > 4);
  assert_int_equal(b.delivered, 41);
  assert_false(a.session.overflow);
  say(&a, now);
  carry(&a, &b, now, NULL, 0);
  assert_int_equal(b.delivered, 42);
  assert_int_equal(b.session.next_in, a.session.next_out);
}

static bool one_long(void *context, uint64_t sequence, const char **type, const char **body, size_t *length, uint64_t *sent_ns) {
  static char text[2000];
  (void)context;
  memset(text, 'x', sizeof text);
  memcpy(text, "58=", 3);
  text[sizeof text - 1] = 1;
  if (sequence == 3) *type = "B", *body = text, *length = sizeof text;
  if (sequence == 4) *type = "B", *body = "58=y\001", *length = 5;
  *sent_ns = 0;
  return sequence == 3 || sequence == 4;
}

/* A message that has no room even alone is lost, which is said, and leaves no hole. */
static void test_a_repeat_that_never_fits(void **state) {
  (void)state;
  static side a;
  uint64_t now = 1000 * second;
  open_side(&a, true, false);
  a.session.options.stored = one_long;
  a.session.out_capacity = 1024;
  a.session.next_out = 5;
  assay_fix_session_start(&a.session, now);
  said(&a);
  assert_int_equal(give(&a, now, "35=A|49=THEM|56=ME|34=1|52=20240102-14:30:00|98=0|108=10|"), ASSAY_FIX_ADMIN);
  assert_int_equal(give(&a, now, "35=2|49=THEM|56=ME|34=2|52=20240102-14:30:00|7=1|16=4|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&a), "35=4|49=ME|56=THEM|34=1|43=Y|122=19700101-00:16:40.000|52=19700101-00:16:40.000|123=Y|36=3|"));
  assay_fix_session_tick(&a.session, now);
  const char *text = said(&a);
  assert_non_null(strstr(text, "34=3|43=Y|122=19700101-00:16:40.000|52=19700101-00:16:40.000|123=Y|36=4|"));
  assert_non_null(strstr(text, "35=B|49=ME|56=THEM|34=4|43=Y|"));
  assert_true(a.session.overflow);
  assert_int_equal(a.session.repeat_end, 0);
}

/* A possible duplicate says when it was sent first, before it is sent now. */
static void test_duplicates_and_their_times(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
#define AGAIN(type, number, more) "35=" type "|49=ME|56=THEM|34=" number "|43=Y|" more "52=20240102-14:30:00|"
  open_on(&b, now, "10");
  assert_int_equal(give(&b, now, HEAD("0", "2")), ASSAY_FIX_ADMIN);
  /* Seen before: rejected, and nothing counts. */
  assert_int_equal(give(&b, now, AGAIN("B", "2", "") "148=x|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=2|371=122|372=B|373=1|"));
  assert_int_equal(b.session.next_in, 3);
  /* New: rejected, and it counts, so that it is not asked for again. */
  assert_int_equal(give(&b, now, AGAIN("B", "3", "") "148=x|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=3|371=122|372=B|373=1|"));
  assert_int_equal(b.session.next_in, 4);
  assert_int_equal(give(&b, now, AGAIN("B", "4", "122=20240102-14:30:01|") "148=x|"), ASSAY_FIX_REJECTED); /* sent before it was sent */
  assert_non_null(strstr(said(&b), "45=4|371=122|372=B|373=10|"));
  assert_int_equal(give(&b, now, AGAIN("B", "5", "122=yesterday|") "148=x|"), ASSAY_FIX_REJECTED);
  assert_non_null(strstr(said(&b), "45=5|371=122|372=B|373=6|"));
  assert_int_equal(give(&b, now, AGAIN("B", "6", "122=20240102-14:30:00|") "148=x|"), ASSAY_FIX_DELIVER);
  assert_int_equal(give(&b, now, AGAIN("B", "6", "122=20240102-14:30:00|") "148=x|"), ASSAY_FIX_DUPLICATE);
  /* Behind a gap it comes again anyway; a gap fill is taken without. */
  assert_int_equal(give(&b, now, AGAIN("B", "9", "") "148=x|"), ASSAY_FIX_LATER);
  said(&b);
  assert_int_equal(give(&b, now, AGAIN("4", "7", "") "123=Y|36=10|"), ASSAY_FIX_ADMIN);
  assert_int_equal(b.session.next_in, 10);
  assert_string_equal(said(&b), "");
}

static void test_messages_that_are_none(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
  static const struct {
    const char *body, *reject;
  } cases[] = {
      {HEAD("I", "2"), "45=2|371=35|372=I|373=11|"},
      {HEAD("BZ", "2"), "45=2|371=35|372=BZ|373=11|"},
      {HEAD("hello", "2"), "45=2|371=35|372=hello|373=11|"},
      {HEAD("D", "2") "11=|", "45=2|371=11|372=D|373=4|"},
      {HEAD("1", "2") "112=|", "45=2|371=112|372=1|373=4|58=tag specified without a value (112)|"},
      {HEAD("0", "2") "34=2|", "45=2|371=34|372=0|373=13|"},
      {HEAD("0", "2") "49=ME|", "45=2|371=49|372=0|373=13|"},
      {"35=0|49=ME|56=THEM|34=2|", "45=2|371=52|372=0|373=1|"},
      {HEAD("2", "2") "7=0|16=0|", "45=2|371=7|372=2|373=5|"},
      {HEAD("2", "2") "7=99|16=0|", "45=2|371=7|372=2|373=5|"},
      {HEAD("2", "2") "7=x|16=0|", "45=2|371=7|372=2|373=5|"},
      {HEAD("2", "2") "7=2|16=1|", "45=2|371="},
      {HEAD("2", "2") "7=1|", "45=2|371=16|372=2|373=1|"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    open_on(&b, now, "10");
    assert_int_equal(give(&b, now, cases[i].body), ASSAY_FIX_REJECTED);
    const char *text = said(&b);
    if (strstr(text, cases[i].reject) == NULL) fail_msg("%s: %s", cases[i].body, text);
    assert_int_equal(b.session.next_in, 3); /* it counts: it would be no better the next time */
    assert_int_equal(give(&b, now, HEAD("0", "3")), ASSAY_FIX_ADMIN);
    assert_string_equal(said(&b), "");
  }
  open_on(&b, now, "10");
  assert_int_equal(give(&b, now, HEAD("BH", "2")), ASSAY_FIX_DELIVER);
  assert_int_equal(give(&b, now, HEAD("U7", "3")), ASSAY_FIX_DELIVER); /* the peers' own */
}

/* What the reader finds garbled is counted and comes again as a gap; a whole message of another version ends it. */
static void test_garbled_messages(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
  static const char *const wrong[] = {"8=FIX.4.4|9=57|35=0|49=ME|56=THEM|34=2|52=20240102-14:30:00|10=000|",
                                      "8=FIX.4.2|9=45|35=0|49=ME|56=THEM|34=2|52=20240102-14:30:00|10=000|",
                                      "8=FIX.4.4|9=9|35=0|49=ME|56=THEM|34=2|52=20240102-14:30:00|10=000|", "8=FIX.4.4|35=0|9=45|10=000|"};
  char text[600];
  assay_feed_reader reader;
  assay_fix_message m;
  open_on(&b, now, "10");
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    snprintf(text, sizeof text, "%s", wrong[i]);
    for (char *c = text; *c != '\0'; c++)
      if (*c == '|') *c = 1;
    assay_feed_open(&reader, text, strlen(text));
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MALFORMED);
    assert_int_equal(assay_fix_session_garbled(&b.session, now, &reader.fault), ASSAY_FIX_GARBLED);
    assert_int_equal(b.session.garbled, i + 1);
  }
  assert_int_equal(b.session.next_in, 2);
  assert_string_equal(said(&b), "");
  assert_int_equal(give(&b, now, HEAD("0", "3")), ASSAY_FIX_LATER); /* what was garbled is asked for */
  assert_non_null(strstr(said(&b), "7=2|16=0|"));
  size_t size = frame(text, "35=0|49=ME|56=THEM|34=2|52=20240102-14:30:00|");
  char *sum = text + size - 7;
  text[8] = '2';
  unsigned less = (unsigned)atoi(sum + 3) + 256 - 2;
  snprintf(sum, 8, "10=%03u\001", less % 256);
  for (size_t cut = 1; cut < size; cut++) { /* it may come in two pieces */
    char *piece = malloc(cut);
    memcpy(piece, text, cut);
    reader = (assay_feed_reader){0};
    assay_feed_window(&reader, piece, cut, false);
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MORE);
    reader.last = true;
    assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MALFORMED);
    free(piece);
  }
  reader = (assay_feed_reader){0};
  assay_feed_window(&reader, text, size, false);
  assert_int_equal(assay_fix_next(&reader, &m), ASSAY_FEED_MALFORMED);
  assert_string_equal(reader.fault.problem, "another version than FIX.4.4");
  assert_int_equal(assay_fix_session_garbled(&b.session, now, &reader.fault), ASSAY_FIX_DISCONNECT);
  assert_non_null(strstr(said(&b), "35=5|49=THEM|56=ME|"));
  assert_string_equal(b.session.reason, "Incorrect BeginString");
}

static void test_clocks_that_differ(void **state) {
  (void)state;
  static side b;
  uint64_t now = UINT64_C(1704205800) * second; /* 20240102-14:30:00 */
  for (int late = 0; late < 2; late++) {
    open_on(&b, now, "10");
    b.session.options.accuracy_s = 120;
    assert_int_equal(give(&b, now + 120 * second, HEAD("0", "2")), ASSAY_FIX_ADMIN);
    said(&b);
    assert_int_equal(give(&b, late == 1 ? now + 121 * second : now - 121 * second, HEAD("0", "3")), ASSAY_FIX_DISCONNECT);
    const char *text = said(&b);
    assert_non_null(strstr(text, "45=3|371=52|372=0|373=10|"));
    assert_non_null(strstr(text, "35=5|"));
    assert_int_equal(b.session.next_in, 4);
  }
}

/* A gap in chunks: each is asked for when the one before is here. */
static void test_gaps_in_chunks(void **state) {
  (void)state;
  static side b;
  uint64_t now = 1000 * second;
  open_on(&b, now, "10");
  b.session.options.resend_most = 3;
  assert_int_equal(give(&b, now, HEAD("B", "9") "148=x|"), ASSAY_FIX_LATER);
  assert_non_null(strstr(said(&b), "7=2|16=4|"));
  char body[200];
  for (unsigned i = 2; i <= 9; i++) {
    snprintf(body, sizeof body, "35=B|49=ME|56=THEM|34=%u|43=Y|122=20240102-14:30:00|52=20240102-14:30:00|148=x|", i);
    assert_int_equal(give(&b, now, body), ASSAY_FIX_DELIVER);
    const char *text = said(&b);
    if (i == 4)
      assert_non_null(strstr(text, "7=5|16=7|"));
    else if (i == 7)
      assert_non_null(strstr(text, "7=8|16=0|")); /* and all that came since */
    else
      assert_string_equal(text, "");
  }
  assert_int_equal(b.session.gap_end, 0);
  /* A fill over the end of a chunk goes on behind it; nothing comes, and it is asked again. */
  assert_int_equal(give(&b, now, HEAD("B", "30") "148=x|"), ASSAY_FIX_LATER);
  assert_non_null(strstr(said(&b), "7=10|16=12|"));
  assert_int_equal(give(&b, now, HEAD("4", "10") "123=Y|36=15|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "7=15|16=17|"));
  assay_fix_session_tick(&b.session, now + 4 * second);
  assert_string_equal(said(&b), "");
  assay_fix_session_tick(&b.session, now + 6 * second);
  assert_non_null(strstr(said(&b), "7=15|16=17|"));
}

/* Both ends lost something of a session of before: with 789 each repeats it at the logon, and nobody has to ask. */
static void test_the_next_number_at_logon(void **state) {
  (void)state;
  static side a, b;
  for (int fall_back = 0; fall_back < 2; fall_back++) {
    uint64_t now = 1000 * second;
    open_side(&a, true, true);
    open_side(&b, false, true);
    assay_fix_session_start(&a.session, now);
    carry(&a, &b, now, NULL, 0);
    carry(&b, &a, now, NULL, 0);
    for (int i = 0; i < 4; i++) say(&a, now), say(&b, now);
    said(&a), said(&b); /* lost with the line */
    a.session.state = b.session.state = ASSAY_FIX_CLOSED;
    a.session.options.next_expected = fall_back == 0;
    assay_fix_session_start(&a.session, now);
    assert_int_equal(a.session.next_out, 7);
    carry(&a, &b, now, NULL, 0);
    static char copy[20000];
    snprintf(copy, sizeof copy, "%s", "");
    memcpy(copy, b.out, b.session.out_length);
    copy[b.session.out_length] = '\0';
    bool asked = strstr(copy, "\00135=2\001") != NULL;
    assert_int_equal(asked, fall_back == 1);
    assert_int_equal(strstr(copy, "\001789=2\001") != NULL, fall_back == 0);
    for (int i = 0; i < 4; i++) carry(&b, &a, now, NULL, 0), carry(&a, &b, now, NULL, 0);
    assert_int_equal(a.delivered, 4);
    assert_int_equal(b.delivered, 4);
    assert_int_equal(a.session.next_in, b.session.next_out);
    assert_int_equal(b.session.next_in, a.session.next_out);
    say(&a, now), say(&b, now);
    carry(&a, &b, now, NULL, 0), carry(&b, &a, now, NULL, 0);
    assert_int_equal(a.delivered, 5);
    assert_int_equal(b.delivered, 5);
  }
  /* Who expects more than there was has another session in mind. */
  open_side(&b, false, false);
  assert_int_equal(give(&b, second, HEAD("A", "1") "98=0|108=10|789=2|"), ASSAY_FIX_DISCONNECT);
  assert_string_equal(b.session.reason, "NextExpectedMsgSeqNum too high");
  open_side(&b, false, false);
  assert_int_equal(give(&b, second, HEAD("A", "1") "98=0|108=10|789=x|"), ASSAY_FIX_DISCONNECT);
  assert_non_null(strstr(said(&b), "371=789|372=A|373=5|"));
  /* The first logon of all: both begin at 1. */
  open_side(&a, true, false);
  a.session.options.next_expected = true;
  assay_fix_session_start(&a.session, second);
  assert_non_null(strstr(said(&a), "|789=1|"));
  open_side(&b, false, false);
  assert_int_equal(give(&b, second, HEAD("A", "1") "98=0|108=10|789=1|"), ASSAY_FIX_ADMIN);
  assert_non_null(strstr(said(&b), "|789=2|"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_logon_talk_logout),
      cmocka_unit_test(test_recovery_over_a_bad_line),
      cmocka_unit_test(test_single_cases),
      cmocka_unit_test(test_silence),
      cmocka_unit_test(test_a_peer_without_heartbeats),
      cmocka_unit_test(test_logons_that_are_refused),
      cmocka_unit_test(test_logons_that_come_again),
      cmocka_unit_test(test_gap_fills_that_lead_nowhere),
      cmocka_unit_test(test_times_of_repeats),
      cmocka_unit_test(test_repeats_that_do_not_fit),
      cmocka_unit_test(test_a_repeat_that_never_fits),
      cmocka_unit_test(test_duplicates_and_their_times),
      cmocka_unit_test(test_messages_that_are_none),
      cmocka_unit_test(test_garbled_messages),
      cmocka_unit_test(test_clocks_that_differ),
      cmocka_unit_test(test_gaps_in_chunks),
      cmocka_unit_test(test_the_next_number_at_logon),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

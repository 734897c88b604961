/* SPDX-License-Identifier: MIT */
/* MoldUDP64: packets by hand, and a stream through losses, repeats and reordering, which comes out as it went in. */
#include <assay/feed_itch.h>

#include "base/random.h"
#include "test.h"

static const char session[10] = "20240102A ";

static size_t put_packet(uint8_t *packet, uint64_t sequence, unsigned count) {
  size_t size = assay_mold_mark(packet, session, sequence, (uint16_t)count);
  for (unsigned i = 0; i < count; i++) {
    static const uint8_t system[] = {0, 12, 'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'O'};
    memcpy(packet + size, system, sizeof system);
    packet[size + 12] = (uint8_t)(sequence + i); /* its time, to tell them apart */
    size += sizeof system;
  }
  return size;
}

static void test_a_packet_by_hand(void **state) {
  (void)state;
  static const uint8_t bytes[] = {
      'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 0, 0, 0, 1,   0, 0,  0,   7, 0, 2, /* number 2^32 + 7, two */
      0,   12,  'S', 0,   0,   0,   0,   0,   0,   0,   0, 0, 1, 'O', 0, 19, 'D', 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 42};
  assay_mold_packet packet;
  assay_itch_message m;
  assert_int_equal(assay_mold_open(&packet, bytes, sizeof bytes), ASSAY_FEED_MESSAGE);
  assert_int_equal(packet.sequence, UINT64_C(4294967303));
  assert_int_equal(packet.count, 2);
  assert_memory_equal(packet.session, "ABCDEFGHIJ", 10);
  assert_int_equal(assay_mold_next(&packet, &m), ASSAY_FEED_MESSAGE);
  assert_int_equal(m.type, 'S');
  assert_int_equal(assay_mold_next(&packet, &m), ASSAY_FEED_MESSAGE);
  assert_int_equal(assay_be64(m.as->remove.order), 42);
  assert_int_equal(assay_mold_next(&packet, &m), ASSAY_FEED_END);
  for (size_t cut = 0; cut < sizeof bytes; cut++) {
    uint8_t *copy = malloc(cut + 1);
    memcpy(copy, bytes, cut);
    assert_int_equal(assay_mold_open(&packet, copy, cut), ASSAY_FEED_MALFORMED);
    assert_non_null(packet.blocks.fault.problem);
    assert_true(packet.blocks.fault.offset <= cut);
    free(copy);
  }
  uint8_t longer[sizeof bytes + 1];
  memcpy(longer, bytes, sizeof bytes);
  assert_int_equal(assay_mold_open(&packet, longer, sizeof longer), ASSAY_FEED_MALFORMED);
  assert_string_equal(packet.blocks.fault.field, "message count");
}

static int take_all(assay_mold_receiver *receiver, uint64_t *next) {
  assay_itch_message m;
  int count = 0;
  while (assay_mold_take(receiver, &m) == ASSAY_FEED_MESSAGE) {
    assert_int_equal(assay_itch_time_ns(&m), (uint8_t)*next);
    (*next)++;
    count++;
    assert_int_equal(receiver->expected, *next);
  }
  return count;
}

static void test_gap_is_asked_for_and_filled(void **state) {
  (void)state;
  uint8_t memory[4096], packet[1000], request[ASSAY_MOLD_HEAD];
  assay_mold_receiver receiver;
  uint64_t next = 1;
  assay_mold_init(&receiver, memory, sizeof memory);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 1, 3)), ASSAY_MOLD_MESSAGES);
  assert_int_equal(take_all(&receiver, &next), 3);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 4, 0)), ASSAY_MOLD_HEARTBEAT);
  assert_int_equal(assay_mold_request(&receiver, request), 0);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 9, 2)), ASSAY_MOLD_GAP);
  assert_true(receiver.stale);
  assert_int_equal(take_all(&receiver, &next), 0);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 6, 2)), ASSAY_MOLD_GAP);
  /* 4 and 5 are missing: ten characters, 8 bytes of number, 2 of count. */
  assert_int_equal(assay_mold_request(&receiver, request), ASSAY_MOLD_HEAD);
  assert_memory_equal(request, session, 10);
  assert_memory_equal(request + 10, "\0\0\0\0\0\0\0\4\0\2", 10);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 6, 2)), ASSAY_MOLD_DUPLICATE);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 4, 2)), ASSAY_MOLD_MESSAGES);
  assert_int_equal(take_all(&receiver, &next), 4); /* and the stored 6 and 7 */
  assert_true(receiver.stale);
  assert_int_equal(assay_mold_request(&receiver, request), ASSAY_MOLD_HEAD);
  assert_memory_equal(request + 10, "\0\0\0\0\0\0\0\10\0\1", 10);
  /* The answer overlaps what is there already. */
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 7, 4)), ASSAY_MOLD_MESSAGES);
  assert_int_equal(take_all(&receiver, &next), 3);
  assert_false(receiver.stale);
  assert_int_equal(receiver.used, 0);
  assert_int_equal(receiver.gaps, 1);
  assert_int_equal(receiver.duplicates, 1);
}

static void test_heartbeat_and_end_show_what_was_lost_last(void **state) {
  (void)state;
  uint8_t memory[4096], packet[1000], request[ASSAY_MOLD_HEAD];
  assay_mold_receiver receiver;
  uint64_t next = 5;
  assay_mold_init(&receiver, memory, sizeof memory);
  assay_mold_receive(&receiver, packet, put_packet(packet, 5, 1));
  take_all(&receiver, &next);
  assert_int_equal(assay_mold_receive(&receiver, packet, assay_mold_mark(packet, session, 8, 0)), ASSAY_MOLD_GAP);
  assert_int_equal(assay_mold_request(&receiver, request), ASSAY_MOLD_HEAD);
  assert_memory_equal(request + 10, "\0\0\0\0\0\0\0\6\0\2", 10);
  assert_int_equal(assay_mold_receive(&receiver, packet, assay_mold_mark(packet, session, 8, ASSAY_MOLD_END)), ASSAY_MOLD_GAP);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 6, 2)), ASSAY_MOLD_MESSAGES);
  assert_int_equal(take_all(&receiver, &next), 2);
  assert_int_equal(assay_mold_receive(&receiver, packet, assay_mold_mark(packet, session, 8, ASSAY_MOLD_END)), ASSAY_MOLD_OVER);
  assert_true(receiver.ended);
  assert_false(receiver.stale);
}

static void test_giving_up_says_how_many(void **state) {
  (void)state;
  uint8_t memory[4096], packet[1000];
  assay_mold_receiver receiver;
  uint64_t next = 1;
  assay_mold_init(&receiver, memory, sizeof memory);
  assay_mold_receive(&receiver, packet, put_packet(packet, 1, 1));
  take_all(&receiver, &next);
  assert_int_equal(assay_mold_give_up(&receiver), 0);
  assay_mold_receive(&receiver, packet, put_packet(packet, 5, 2));
  assert_int_equal(assay_mold_give_up(&receiver), 3);
  next = 5;
  assert_int_equal(take_all(&receiver, &next), 2);
  assert_false(receiver.stale);
  assert_int_equal(receiver.lost, 3);
}

static void test_strangers_and_nonsense(void **state) {
  (void)state;
  uint8_t packet[1000];
  assay_mold_receiver receiver;
  uint64_t next = 1;
  assay_itch_message m;
  assay_mold_init(&receiver, NULL, 0);
  assert_int_equal(assay_mold_receive(&receiver, packet, 3), ASSAY_MOLD_BAD);
  assert_false(receiver.joined);
  assay_mold_receive(&receiver, packet, put_packet(packet, 1, 1));
  take_all(&receiver, &next);
  size_t size = put_packet(packet, 2, 1);
  packet[0] = 'x';
  assert_int_equal(assay_mold_receive(&receiver, packet, size), ASSAY_MOLD_SESSION);
  /* No memory for what lies behind a gap: it is asked for again with the rest. */
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 4, 1)), ASSAY_MOLD_GAP);
  assert_int_equal(receiver.refused, 1);
  assert_int_equal(assay_mold_request(&receiver, packet), ASSAY_MOLD_HEAD);
  assert_memory_equal(packet + 10, "\0\0\0\0\0\0\0\2\0\3", 10);
  /* A block that is no message of ITCH is told of and passed. */
  size = put_packet(packet, 2, 3);
  packet[ASSAY_MOLD_HEAD + 2] = 'z';
  assert_int_equal(assay_mold_receive(&receiver, packet, size), ASSAY_MOLD_MESSAGES);
  assert_int_equal(assay_mold_take(&receiver, &m), ASSAY_FEED_MALFORMED);
  assert_non_null(receiver.fault.problem);
  next = 3;
  assert_int_equal(take_all(&receiver, &next), 2);
}

/* One packet that is far ahead is nobody's gap: the feed goes on as if it had not come. Two that agree are believed, and giving up then
 * waits for a packet with messages. */
static void test_far_ahead(void **state) {
  (void)state;
  const uint64_t far = UINT64_C(1) << 60;
  uint8_t memory[4096], packet[1000];
  assay_mold_receiver receiver;
  uint64_t next = 1;
  assay_mold_init(&receiver, memory, sizeof memory);
  assay_mold_receive(&receiver, packet, put_packet(packet, 1, 2));
  assert_int_equal(take_all(&receiver, &next), 2);
  assert_int_equal(assay_mold_receive(&receiver, packet, assay_mold_mark(packet, session, far, 0)), ASSAY_MOLD_FAR_AHEAD);
  assert_false(receiver.stale);
  assert_int_equal(assay_mold_give_up(&receiver), 0);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 3, 2)), ASSAY_MOLD_MESSAGES);
  assert_int_equal(take_all(&receiver, &next), 2);
  assert_int_equal(assay_mold_receive(&receiver, packet, assay_mold_mark(packet, session, far, 0)), ASSAY_MOLD_FAR_AHEAD);
  assert_int_equal(assay_mold_receive(&receiver, packet, assay_mold_mark(packet, session, far, 0)), ASSAY_MOLD_GAP);
  assert_true(receiver.stale);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 5, 1)), ASSAY_MOLD_MESSAGES);
  assert_int_equal(take_all(&receiver, &next), 1);
  assert_true(assay_mold_give_up(&receiver) > 0);
  assert_false(receiver.stale);
  assert_int_equal(receiver.expected, 6);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 4, 1)), ASSAY_MOLD_DUPLICATE);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 9, 1)), ASSAY_MOLD_MESSAGES);
  next = 9;
  assert_int_equal(take_all(&receiver, &next), 1);
  assert_int_equal(receiver.lost, 3);
  assert_false(receiver.stale);
  /* Where two packets of messages agree, the feed has indeed gone on. */
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, far, 1)), ASSAY_MOLD_FAR_AHEAD);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, far + 1, 1)), ASSAY_MOLD_GAP);
  assert_true(assay_mold_give_up(&receiver) > 0);
  next = far + 1;
  assert_int_equal(take_all(&receiver, &next), 1);
}

/* Packets of odd lengths, in any order, overlapping and within one another: what is left of them to take, beside a set of numbers. */
static void test_the_store_beside_a_set(void **state) {
  (void)state;
  enum { ROUNDS = 400, PACKETS = 60, SPAN = 200, LONGEST = 12 };
  assay_random random;
  assay_random_init(&random, 21);
  static uint8_t memory[16384]; /* all of them */
  for (int round = 0; round < ROUNDS; round++) {
    uint8_t packet[1000];
    bool has[SPAN + LONGEST + 2] = {false};
    assay_mold_receiver receiver;
    assay_itch_message m;
    uint64_t next = 1, lost = 0;
    assay_mold_init(&receiver, memory, sizeof memory);
    receiver.expected = 1;
    for (int i = 0; i < PACKETS || receiver.stale; i++) {
      uint64_t first = next + assay_random_below(&random, 40), back = assay_random_below(&random, 4);
      const unsigned count = 1 + (unsigned)assay_random_below(&random, LONGEST);
      first = first > SPAN ? SPAN : first > back ? first - back : 1;
      if (i >= PACKETS || assay_random_below(&random, 10) == 0) {
        lost += assay_mold_give_up(&receiver);
      } else {
        assay_mold_receive(&receiver, packet, put_packet(packet, first, count));
        for (uint64_t k = first; k < first + count; k++) has[k] = true;
      }
      while (assay_mold_take(&receiver, &m) == ASSAY_FEED_MESSAGE) {
        for (; next < receiver.expected - 1; next++) {
          assert_false(has[next]); /* only what nobody had was given up */
          lost--;
        }
        assert_int_equal(assay_itch_time_ns(&m), (uint8_t)next);
        assert_true(has[next]);
        next++;
      }
      assert_false(has[next]);
      assert_true(receiver.used <= receiver.capacity && (receiver.used == 0) == !receiver.stale);
    }
    assert_int_equal(lost, 0);
  }
}

/* Behind a snapshot: what it has already is left out, what is stored behind it is kept. */
static void test_resume(void **state) {
  (void)state;
  uint8_t memory[4096], packet[1000];
  assay_mold_receiver receiver;
  uint64_t next = 1;
  assay_mold_init(&receiver, memory, sizeof memory);
  assay_mold_receive(&receiver, packet, put_packet(packet, 1, 1));
  take_all(&receiver, &next);
  assay_mold_receive(&receiver, packet, put_packet(packet, 10, 4));
  assay_mold_receive(&receiver, packet, put_packet(packet, 14, 2));
  assay_mold_resume(&receiver, 12);
  next = 12;
  assert_int_equal(take_all(&receiver, &next), 4);
  assert_false(receiver.stale);
  assay_mold_receive(&receiver, packet, put_packet(packet, 18, 2));
  assay_mold_resume(&receiver, 17);
  assert_true(receiver.stale);
  assert_int_equal(assay_mold_receive(&receiver, packet, put_packet(packet, 17, 1)), ASSAY_MOLD_MESSAGES);
  next = 17;
  assert_int_equal(take_all(&receiver, &next), 3);
  assert_false(receiver.stale);
}

/* A made stream in packets, through a line that loses, repeats and reorders; what is asked for is sent again (and lost again). */
static void test_a_bad_line(void **state) {
  (void)state;
  enum { PACKETS = 4000, LONGEST = 400 };
  assay_error err = {0};
  uint8_t *stream = NULL;
  size_t size = 0;
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = 11, .messages = 10000, .symbols = 3, .orders = 40};
  assert_ok(assay_feed_generate(&market, &err, &stream, &size), err);
  static uint8_t packets[PACKETS][LONGEST];
  static size_t sizes[PACKETS];
  static uint64_t firsts[PACKETS];
  assay_random random;
  assay_random_init(&random, 12);
  assay_feed_reader reader, twin;
  assay_feed_open(&reader, stream, size);
  uint64_t sequence = 1;
  size_t count = 0;
  for (firsts[0] = 1;
       (sizes[count] = assay_mold_pack(&reader, session, &sequence, packets[count], 80 + (size_t)assay_random_below(&random, 320))) > 0;) {
    count++;
    assert_true(count < PACKETS);
    firsts[count] = sequence;
  }
  assert_int_equal(reader.at, size);
  static uint8_t memory[8192];
  assay_mold_receiver receiver;
  assay_itch_message m, right;
  assay_mold_init(&receiver, memory, sizeof memory);
  receiver.expected = 1;
  assay_feed_open(&twin, stream, size);
  uint64_t taken = 0;
  for (size_t i = 0; taken < sequence - 1;) {
    size_t which = i;
    uint8_t request[ASSAY_MOLD_HEAD];
    if (i >= count) which = count - 1;
    if (assay_mold_request(&receiver, request) > 0 && assay_random_below(&random, 2) == 0) {
      which = 0;
      while (which + 1 < count && firsts[which + 1] <= assay_be64(request + 10)) which++;
    } else if (assay_random_below(&random, 10) == 0) {
      which = i > 3 ? i - 3 : i;
    } else {
      i++;
    }
    if (assay_random_below(&random, 5) == 0 || which >= count) continue; /* lost */
    assert_int_not_equal(assay_mold_receive(&receiver, packets[which], sizes[which]), ASSAY_MOLD_BAD);
    while (assay_mold_take(&receiver, &m) == ASSAY_FEED_MESSAGE) {
      assert_int_equal(assay_itch_next(&twin, &right), ASSAY_FEED_MESSAGE);
      assert_int_equal(m.length, right.length);
      assert_memory_equal(m.as, right.as, m.length);
      taken++;
    }
  }
  assert_int_equal(assay_itch_next(&twin, &right), ASSAY_FEED_END);
  assert_false(receiver.stale);
  assert_true(receiver.gaps > 100 && receiver.duplicates > 50);
  assay_feed_generated_free(stream);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_packet_by_hand),
      cmocka_unit_test(test_gap_is_asked_for_and_filled),
      cmocka_unit_test(test_heartbeat_and_end_show_what_was_lost_last),
      cmocka_unit_test(test_giving_up_says_how_many),
      cmocka_unit_test(test_strangers_and_nonsense),
      cmocka_unit_test(test_far_ahead),
      cmocka_unit_test(test_the_store_beside_a_set),
      cmocka_unit_test(test_resume),
      cmocka_unit_test(test_a_bad_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

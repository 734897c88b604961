/* SPDX-License-Identifier: MIT */
/* TotalView-ITCH against the tables of its specification, written down here a second time, and against a slow reader of those. */
#include <assay/feed_itch.h>

#include "base/random.h"
#include "base/text.h"
#include "test.h"

/* ---- The specification once more: type, length, then name offset bytes, ... ---------------------------------------------------------- */

typedef struct spec {
  char type;
  int length;
  const char *fields; /* behind type, locate 1 2, tracking 3 2, time 5 6 */
} spec;

static const spec specs[] = {
    {'S', 12, "event 11 1"},
    {'R', 39,
     "stock 11 8 market_category 19 1 financial_status 20 1 round_lot_size 21 4 round_lots_only 25 1 classification 26 1 sub_type 27 2 "
     "authenticity 29 1 short_sale_threshold 30 1 ipo 31 1 luld_tier 32 1 etp 33 1 etp_leverage 34 4 inverse 38 1"},
    {'H', 25, "stock 11 8 state 19 1 reserved 20 1 reason 21 4"},
    {'Y', 20, "stock 11 8 action 19 1"},
    {'L', 26, "mpid 11 4 stock 15 8 primary 23 1 mode 24 1 state 25 1"},
    {'V', 35, "level1 11 8 level2 19 8 level3 27 8"},
    {'W', 12, "level 11 1"},
    {'K', 28, "stock 11 8 release 19 4 qualifier 23 1 price 24 4"},
    {'J', 35, "stock 11 8 reference 19 4 upper 23 4 lower 27 4 extension 31 4"},
    {'h', 21, "stock 11 8 market 19 1 action 20 1"},
    {'A', 36, "order 11 8 side 19 1 shares 20 4 stock 24 8 price 32 4"},
    {'F', 40, "order 11 8 side 19 1 shares 20 4 stock 24 8 price 32 4 attribution 36 4"},
    {'E', 31, "order 11 8 shares 19 4 match 23 8"},
    {'C', 36, "order 11 8 shares 19 4 match 23 8 printable 31 1 price 32 4"},
    {'X', 23, "order 11 8 shares 19 4"},
    {'D', 19, "order 11 8"},
    {'U', 35, "order 11 8 new_order 19 8 shares 27 4 price 31 4"},
    {'P', 44, "order 11 8 side 19 1 shares 20 4 stock 24 8 price 32 4 match 36 8"},
    {'Q', 40, "shares 11 8 stock 19 8 price 27 4 match 31 8 cross 39 1"},
    {'B', 19, "match 11 8"},
    {'I', 50,
     "paired 11 8 imbalance 19 8 direction 27 1 stock 28 8 far_price 36 4 near_price 40 4 reference 44 4 cross 48 1 variation 49 1"},
    {'N', 20, "stock 11 8 interest 19 1"},
    {'O', 48, "stock 11 8 eligible 19 1 least 20 4 most 24 4 near_price 28 4 near_time 32 8 lower_collar 40 4 upper_collar 44 4"},
};
enum { SPECS = sizeof specs / sizeof *specs, HEAD_FIELDS = 4 };

static void test_every_field_is_where_the_specification_has_it(void **state) {
  (void)state;
  int types = 0;
  for (int i = 0; i < 256; i++) types += assay_itch_lengths[i] != 0;
  assert_int_equal(types, SPECS);
  for (size_t i = 0; i < SPECS; i++) {
    size_t count = 0, at = HEAD_FIELDS;
    const assay_itch_field *fields = assay_itch_fields(specs[i].type, &count);
    assert_non_null(fields);
    assert_non_null(assay_itch_name(specs[i].type));
    assert_int_equal(assay_itch_lengths[(unsigned char)specs[i].type], specs[i].length);
    char text[400];
    snprintf(text, sizeof text, "%s", specs[i].fields);
    char *save = NULL;
    for (char *name = strtok_r(text, " ", &save); name != NULL; name = strtok_r(NULL, " ", &save), at++) {
      assert_true(at < count);
      assert_string_equal(fields[at].name, name);
      assert_int_equal(fields[at].offset, atoi(strtok_r(NULL, " ", &save)));
      assert_int_equal(fields[at].bytes, atoi(strtok_r(NULL, " ", &save)));
    }
    assert_int_equal(at, count);
    assert_int_equal(fields[count - 1].offset + fields[count - 1].bytes, specs[i].length);
  }
  size_t none = 1;
  assert_null(assay_itch_fields('z', &none));
  assert_int_equal(none, 0);
}

/* ---- Messages by hand ---------------------------------------------------------------------------------------------------------------- */

static assay_itch_message only_message(const uint8_t *block, size_t size) {
  assay_feed_reader reader;
  assay_itch_message message = {0};
  assay_feed_open(&reader, block, size);
  assert_int_equal(assay_itch_next(&reader, &message), ASSAY_FEED_MESSAGE);
  assert_ptr_equal(message.as, block + 2); /* in place */
  assert_int_equal(message.length, size - 2);
  assay_itch_message none;
  assert_int_equal(assay_itch_next(&reader, &none), ASSAY_FEED_END);
  assert_int_equal(reader.count, 1);
  return message;
}

static void test_add_by_hand(void **state) {
  (void)state;
  static const uint8_t block[] = {0,    36,   'A',                                /* length, type */
                                  0x1c, 0x2d, 0,    2,                            /* locate 7213, tracking 2 */
                                  0x1f, 0x1a, 0xce, 0xd8, 0x21, 0xa5,             /* 34200.0... s */
                                  0,    0,    0,    0,    0,    0x12, 0xd6, 0x87, /* order 1234567 */
                                  'B',  0,    0,    0x01, 0x2c,                   /* buy 300 */
                                  'A',  'A',  'P',  'L',  ' ',  ' ',  ' ',  ' ',  /* */
                                  0,    0x1c, 0x9c, 0x38};                        /* 187.5000 */
  assay_itch_message m = only_message(block, sizeof block);
  assert_int_equal(m.type, 'A');
  assert_int_equal(assay_itch_locate(&m), 7213);
  assert_int_equal(assay_itch_time_ns(&m), UINT64_C(0x1f1aced821a5));
  assert_int_equal(assay_be64(m.as->add.order), 1234567);
  assert_int_equal(m.as->add.side, 'B');
  assert_int_equal(assay_be32(m.as->add.shares), 300);
  assert_memory_equal(m.as->add.stock, "AAPL    ", 8);
  assert_int_equal(assay_be32(m.as->add.price), 1875000);
  assay_market_event event;
  assay_itch_event(&m, &event);
  assert_int_equal(event.kind, ASSAY_MARKET_ADD);
  assert_int_equal(event.symbol, 7213);
  assert_int_equal(event.price, 1875000);
  assert_int_equal(event.quantity, 300);
  assert_int_equal(event.order_id, 1234567);
  assert_int_equal(event.side, 'B');
  assert_int_equal(assay_market_price_decimals(&event), 4);
  assert_int_equal(assay_market_quantity_decimals(&event), 0);
  assay_feed_fault fault = {0};
  assert_true(assay_itch_check(&m, &fault));
  assert_null(fault.problem);
}

static void test_cross_replace_and_listing_by_hand(void **state) {
  (void)state;
  static const uint8_t cross[] = {
      0,   40,  'Q', 0,   9,   0,   0,   0,   0, 0, 0,    0,    1, 0, 0, 0, 1, 0, 0, 0,  5, /* 2^32 + 5 shares */
      'Z', 'V', 'Z', 'Z', 'T', ' ', ' ', ' ', 0, 0, 0x27, 0x10, 0, 0, 0, 0, 0, 0, 0, 77, 'O'};
  assay_market_event event;
  assay_itch_message m = only_message(cross, sizeof cross);
  assay_itch_event(&m, &event);
  assert_int_equal(event.kind, ASSAY_MARKET_TRADE);
  assert_int_equal(event.quantity, UINT64_C(4294967301));
  assert_int_equal(event.price, 10000);
  assert_int_equal(event.other_id, 77);
  static const uint8_t replace[] = {
      0, 35, 'U', 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 0,   0,    0,    0,    0, 0,
      0, 1,  0,   0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 100, 0x77, 0x35, 0x94, 0}; /* 200,000.0000, the highest price there is */
  m = only_message(replace, sizeof replace);
  assay_itch_event(&m, &event);
  assert_int_equal(event.kind, ASSAY_MARKET_REPLACE);
  assert_int_equal(event.order_id, 1);
  assert_int_equal(event.other_id, 2);
  assert_int_equal(event.quantity, 100);
  assert_int_equal(event.price, 2000000000);
  static const uint8_t decline[] = {0, 35, 'V', 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0x5d, 0x21, 0xdb, 0xa0, 0, /* 4000.00000000 */
                                    0, 0,  0,   0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2};
  m = only_message(decline, sizeof decline);
  assert_int_equal(assay_be64(m.as->decline.level1), UINT64_C(400000000000));
  size_t count = 0;
  const assay_itch_field *fields = assay_itch_fields('V', &count);
  assert_int_equal(assay_itch_number(&m, &fields[HEAD_FIELDS + 2]), 2);
  assert_int_equal(fields[HEAD_FIELDS].kind, ASSAY_ITCH_PRICE8);
}

static void test_executions_and_states_by_hand(void **state) {
  (void)state;
  uint8_t priced[] = {0, 36, 'C', 0, 3, 0,  0, 0, 0, 0, 0, 0, 9, 0, 0,   0, 0, 0, 0,
                      0, 1,  0,   0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 8, 'N', 0, 0, 0, 99};
  assay_market_event event;
  assay_itch_message m = only_message(priced, sizeof priced);
  assay_itch_event(&m, &event);
  assert_int_equal(event.kind, ASSAY_MARKET_EXECUTE);
  assert_int_equal(event.price, 99);
  assert_int_equal(event.flags, ASSAY_MARKET_HIDDEN);
  priced[33] = 'Y';
  assay_itch_event(&m, &event);
  assert_int_equal(event.flags, 0);
  priced[33] = 'y';
  assay_feed_fault fault = {0};
  assert_false(assay_itch_check(&m, &fault));
  assert_string_equal(fault.field, "printable");
  assert_int_equal(fault.offset, 31);
  static const uint8_t system[] = {0, 12, 'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 'Q'};
  m = only_message(system, sizeof system);
  assay_itch_event(&m, &event);
  assert_int_equal(event.kind, ASSAY_MARKET_STATUS);
  assert_int_equal(event.order_id, 'Q');
  static const uint8_t late[] = {0, 12, 'S', 0, 0, 0, 0, 0x4e, 0x94, 0x91, 0x4f, 0, 0, 'Q'}; /* 86,400 s: the next day */
  m = only_message(late, sizeof late);
  assert_false(assay_itch_check(&m, &fault));
  assert_string_equal(fault.field, "time");
}

/* ---- Made streams, read a second time the slow way ----------------------------------------------------------------------------------- */

static uint64_t slow_number(const uint8_t *block, int offset, int bytes) {
  uint64_t number = 0;
  for (int i = 0; i < bytes; i++) number = number * 256 + block[2 + offset + i];
  return number;
}

/* The number of a field by its name in the specification above; 0 where the type has none of that name. */
static uint64_t slow_field(const uint8_t *block, const char *wanted) {
  for (size_t i = 0; i < SPECS; i++) {
    if (specs[i].type != (char)block[2]) continue;
    char text[400];
    snprintf(text, sizeof text, "%s", specs[i].fields);
    char *save = NULL;
    for (char *name = strtok_r(text, " ", &save); name != NULL; name = strtok_r(NULL, " ", &save)) {
      int offset = atoi(strtok_r(NULL, " ", &save)), bytes = atoi(strtok_r(NULL, " ", &save));
      if (strcmp(name, wanted) == 0) return slow_number(block, offset, bytes);
    }
  }
  return 0;
}

typedef struct stream {
  uint8_t *bytes;
  size_t size;
} stream;

static stream make(uint64_t seed, uint64_t messages) {
  assay_error err = {0};
  stream made = {0};
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = seed, .messages = messages, .symbols = 5, .orders = 50};
  assert_ok(assay_feed_generate(&market, &err, &made.bytes, &made.size), err);
  return made;
}

static void test_made_stream_reads_back(void **state) {
  (void)state;
  stream made = make(1, 20000);
  assay_feed_reader reader;
  assay_itch_message m;
  assay_feed_open(&reader, made.bytes, made.size);
  uint64_t kinds[256] = {0}, before_ns = 0;
  while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    const uint8_t *block = (const uint8_t *)m.as - 2;
    assay_market_event event;
    assay_feed_fault fault = {0};
    assay_itch_event(&m, &event);
    kinds[(unsigned char)m.type]++;
    assert_true(assay_itch_check(&m, &fault));
    assert_true(event.time_ns >= before_ns);
    before_ns = event.time_ns;
    assert_int_equal(event.time_ns, slow_number(block, 5, 6));
    assert_int_equal(event.symbol, slow_number(block, 1, 2));
    if (strchr("AFECXDUP", m.type) == NULL) continue;
    assert_int_equal(event.order_id, slow_field(block, "order"));
    assert_int_equal(event.quantity, slow_field(block, "shares"));
    assert_int_equal(event.price, slow_field(block, "price"));
    assert_int_equal(event.other_id, slow_field(block, m.type == 'U' ? "new_order" : "match"));
    /* What 'P' says is the side of the hidden order, always 'B' since 2014-07-14: of the aggressor it says nothing. */
    if (m.type == 'P') assert_int_equal(m.as->trade.side, 'B');
    assert_int_equal(event.side, m.type == 'P' ? 0 : slow_field(block, "side"));
  }
  assert_null(reader.fault.problem);
  assert_int_equal(reader.at, made.size);
  assert_int_equal(reader.count, 20000 + 6 + 10);
  assert_true(kinds['A'] > 8000 && kinds['D'] > 5000 && kinds['E'] > 500 && kinds['C'] > 50 && kinds['F'] > 300 && kinds['U'] > 300 &&
              kinds['X'] > 100 && kinds['P'] > 50);
  assert_int_equal(kinds['R'], 5);
  assay_feed_generated_free(made.bytes);
}

static void test_same_seed_same_bytes(void **state) {
  (void)state;
  stream a = make(7, 3000), b = make(7, 3000), c = make(8, 3000);
  assert_int_equal(a.size, b.size);
  assert_memory_equal(a.bytes, b.bytes, a.size);
  assert_true(a.size != c.size || memcmp(a.bytes, c.bytes, a.size) != 0);
  /* And in pieces. */
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = 7, .messages = 3000, .symbols = 5, .orders = 50};
  assay_error err = {0};
  assay_feed_maker *maker = NULL;
  uint8_t piece[ASSAY_FEED_MAKER_LEAST];
  size_t got, at = 0;
  assert_ok(assay_feed_maker_create(&market, &err, &maker), err);
  while ((got = assay_feed_maker_fill(maker, piece, sizeof piece)) > 0) {
    assert_true(at + got <= a.size);
    assert_memory_equal(piece, a.bytes + at, got);
    at += got;
  }
  assert_int_equal(at, a.size);
  assay_feed_maker_destroy(maker);
  assay_feed_generated_free(a.bytes);
  assay_feed_generated_free(b.bytes);
  assay_feed_generated_free(c.bytes);
}

/* On every machine and with every compiler: what the made streams of this seed were on x86-64 and on aarch64. */
static void test_made_bytes_are_the_same_everywhere(void **state) {
  (void)state;
  static const uint64_t hashes[ASSAY_FEED_FORMATS] = {0,
                                                      UINT64_C(0x8f971f51014e7df7),
                                                      UINT64_C(0xb16301d7c265990d),
                                                      UINT64_C(0xc199328acccd1698),
                                                      UINT64_C(0xc9a2c8e16f9cb564),
                                                      UINT64_C(0xd30b2d3be5ddc7f6)};
  for (int format = ASSAY_FEED_ITCH; format < ASSAY_FEED_FORMATS; format++) {
    assay_feed_market market = {.format = (assay_feed_format)format, .seed = 7, .messages = 3000, .symbols = 5, .orders = 50};
    assay_error err = {0};
    uint8_t *bytes = NULL;
    size_t size = 0;
    assert_ok(assay_feed_generate(&market, &err, &bytes, &size), err);
    assert_int_equal(assay_hash(ASSAY_HASH_START, bytes, size), hashes[format]);
    assay_feed_generated_free(bytes);
  }
}

static void test_settings_out_of_range(void **state) {
  (void)state;
  const assay_feed_market bad[] = {{.format = ASSAY_FEED_UNKNOWN},
                                   {.format = ASSAY_FEED_ITCH, .symbols = 10000},
                                   {.format = ASSAY_FEED_ITCH, .orders = 1000001},
                                   {.format = ASSAY_FEED_ITCH, .start_price = -1},
                                   {.format = ASSAY_FEED_ITCH, .burst = 1},
                                   {.format = ASSAY_FEED_ITCH, .add = -1},
                                   {.format = ASSAY_FEED_CSV, .add = 1},
                                   {.format = ASSAY_FEED_CSV, .add = 1, .execute = 0.0005},
                                   {.format = ASSAY_FEED_DBN, .version = 4}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assay_error err = {0};
    assay_feed_maker *maker = NULL;
    assert_int_equal(assay_feed_maker_create(&bad[i], &err, &maker), ASSAY_ERR_INVALID);
    assert_null(maker);
    assert_non_null(strstr(err.message, "made market's"));
  }
}

/* The fast way gives the events of the slow one, whatever the batch and wherever the window ends. */
static void test_batches_equal_single_events(void **state) {
  (void)state;
  stream made = make(2, 5000);
  assay_random random;
  assay_random_init(&random, 3);
  for (int round = 0; round < 40; round++) {
    assay_feed_reader fast, slow;
    assay_market_event events[300], one;
    assay_itch_message m;
    memset(&fast, 0, sizeof fast);
    assay_feed_open(&slow, made.bytes, made.size);
    size_t end = 0, count, total = 0;
    do {
      size_t begin = end == 0 ? 0 : (size_t)(fast.base + fast.at);
      end += 1 + (size_t)assay_random_below(&random, round == 0 ? 100 : 5000);
      if (end > made.size) end = made.size;
      if (end < begin) end = begin;
      /* A copy of the exact size, so that a sanitizer sees a byte too many. */
      uint8_t *window = malloc(end - begin + 1);
      memcpy(window, made.bytes + begin, end - begin);
      assay_feed_window(&fast, window, end - begin, end == made.size);
      while ((count = assay_itch_events(&fast, events, 1 + (size_t)assay_random_below(&random, 300))) > 0) {
        for (size_t i = 0; i < count; i++) {
          assert_int_equal(assay_itch_next(&slow, &m), ASSAY_FEED_MESSAGE);
          assay_itch_event(&m, &one);
          assert_memory_equal(&one, &events[i], sizeof one);
        }
        total += count;
      }
      assert_null(fast.fault.problem);
      free(window);
    } while (end < made.size);
    assert_int_equal(total, 5016);
    assert_int_equal(assay_itch_next(&slow, &m), ASSAY_FEED_END);
  }
  assay_feed_generated_free(made.bytes);
}

/* ---- What is wrong ------------------------------------------------------------------------------------------------------------------- */

static void test_every_cut_of_every_message(void **state) {
  (void)state;
  for (size_t i = 0; i < SPECS; i++) {
    size_t size = 2 + (size_t)specs[i].length;
    for (size_t cut = 1; cut < size; cut++) {
      uint8_t *block = calloc(1, cut);
      const uint8_t head[3] = {0, (uint8_t)specs[i].length, (uint8_t)specs[i].type};
      memcpy(block, head, cut < 3 ? cut : 3);
      assay_feed_reader reader = {0};
      assay_itch_message m;
      assay_market_event event;
      assay_feed_window(&reader, block, cut, false);
      assert_int_equal(assay_itch_next(&reader, &m), cut == 2 && block[1] == 0 ? ASSAY_FEED_END : ASSAY_FEED_MORE);
      assert_int_equal(reader.at, 0);
      assay_feed_open(&reader, block, cut);
      assert_int_equal(assay_itch_next(&reader, &m), ASSAY_FEED_MALFORMED);
      assert_int_equal(assay_itch_events(&reader, &event, 1), 0);
      assert_int_equal(reader.fault.offset, cut);
      assert_int_equal(reader.fault.message, 1);
      assert_int_equal(reader.fault.next, 0);
      assert_false(assay_feed_skip(&reader));
      free(block);
    }
  }
}

static void test_a_fault_names_its_place_and_can_be_passed(void **state) {
  (void)state;
  uint8_t blocks[] = {0, 12, 'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 'O',      /* right */
                      0, 3,  'z', 1, 2,                                   /* no type */
                      0, 13, 'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 'S', 'x', /* too long */
                      0, 0,                                               /* an end in the middle */
                      0, 12, 'S', 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 'Q'};
  assay_feed_reader reader;
  assay_itch_message m;
  assay_error err = {0};
  assay_feed_open(&reader, blocks, sizeof blocks);
  assert_int_equal(assay_feed_explain(&reader, "ITCH", &err), ASSAY_OK);
  assert_int_equal(assay_itch_next(&reader, &m), ASSAY_FEED_MESSAGE);
  assert_int_equal(assay_itch_next(&reader, &m), ASSAY_FEED_MALFORMED);
  assert_int_equal(assay_itch_next(&reader, &m), ASSAY_FEED_MALFORMED); /* stays there */
  assert_int_equal(assay_feed_explain(&reader, "ITCH", &err), ASSAY_ERR_PARSE);
  assert_non_null(strstr(err.message, "ITCH: message 2 at byte 16, field type: "));
  assert_true(assay_feed_skip(&reader));
  assert_false(assay_feed_skip(&reader));
  assert_int_equal(assay_itch_next(&reader, &m), ASSAY_FEED_MALFORMED);
  assert_int_equal(reader.fault.message, 3);
  assert_int_equal(reader.fault.offset, 19);
  assert_string_equal(reader.fault.field, "length");
  assert_true(assay_feed_skip(&reader));
  assert_int_equal(assay_itch_next(&reader, &m), ASSAY_FEED_MESSAGE);
  assert_int_equal(m.as->system.event, 'Q');
  assert_int_equal(assay_itch_next(&reader, &m), ASSAY_FEED_END);
}

static void test_flipped_bits(void **state) {
  (void)state;
  stream made = make(4, 300);
  assay_random random;
  assay_random_init(&random, 5);
  for (int round = 0; round < 3000; round++) {
    size_t at = (size_t)assay_random_below(&random, made.size);
    uint8_t bit = (uint8_t)(1u << assay_random_below(&random, 8));
    made.bytes[at] ^= bit;
    assay_feed_reader one, many;
    assay_itch_message m;
    assay_market_event events[64];
    uint64_t singles = 0, batched = 0;
    assay_feed_open(&one, made.bytes, made.size);
    do
      while (assay_itch_next(&one, &m) == ASSAY_FEED_MESSAGE) singles++;
    while (assay_feed_skip(&one));
    assay_feed_open(&many, made.bytes, made.size);
    size_t count;
    do
      while ((count = assay_itch_events(&many, events, 64)) > 0) batched += count;
    while (assay_feed_skip(&many));
    assert_int_equal(singles, batched);
    assert_int_equal(one.at, many.at);
    assert_int_equal(one.fault.offset, many.fault.offset);
    if (one.fault.problem != NULL) {
      assert_true(one.fault.offset <= made.size && one.fault.message > 0);
      assert_non_null(one.fault.field);
      assert_non_null(one.fault.mend);
    }
    made.bytes[at] ^= bit;
  }
  assay_feed_generated_free(made.bytes);
}

static void test_recognised(void **state) {
  (void)state;
  stream made = make(6, 10);
  assert_int_equal(assay_feed_recognise(made.bytes, made.size), ASSAY_FEED_ITCH);
  assert_int_equal(assay_feed_recognise(made.bytes, 20), ASSAY_FEED_ITCH);
  assay_feed_generated_free(made.bytes);
  assert_int_equal(assay_feed_recognise("8=FIX.4.4\0019=5\001", 14), ASSAY_FEED_FIX);
  assert_int_equal(assay_feed_recognise("DBN\003....", 8), ASSAY_FEED_DBN);
  assert_int_equal(assay_feed_recognise(" \n{\"e\":\"trade\"}", 15), ASSAY_FEED_JSON);
  assert_int_equal(assay_feed_recognise("Date,Open,High\n", 15), ASSAY_FEED_CSV);
  assert_int_equal(assay_feed_recognise("hello, world\n", 13), ASSAY_FEED_UNKNOWN);
  assert_int_equal(assay_feed_recognise("", 0), ASSAY_FEED_UNKNOWN);
  assert_int_equal(assay_feed_recognise("D", 1), ASSAY_FEED_UNKNOWN);
  for (int i = 1; i < ASSAY_FEED_FORMATS; i++) assert_int_equal(assay_feed_format_find(assay_feed_format_text((assay_feed_format)i)), i);
  assert_int_equal(assay_feed_format_find("pcap"), ASSAY_FEED_UNKNOWN);
  assert_int_equal(assay_feed_format_find(NULL), ASSAY_FEED_UNKNOWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_field_is_where_the_specification_has_it),
      cmocka_unit_test(test_add_by_hand),
      cmocka_unit_test(test_cross_replace_and_listing_by_hand),
      cmocka_unit_test(test_executions_and_states_by_hand),
      cmocka_unit_test(test_made_stream_reads_back),
      cmocka_unit_test(test_same_seed_same_bytes),
      cmocka_unit_test(test_made_bytes_are_the_same_everywhere),
      cmocka_unit_test(test_settings_out_of_range),
      cmocka_unit_test(test_batches_equal_single_events),
      cmocka_unit_test(test_every_cut_of_every_message),
      cmocka_unit_test(test_a_fault_names_its_place_and_can_be_passed),
      cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_recognised),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

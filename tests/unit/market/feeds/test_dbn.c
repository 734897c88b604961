/* SPDX-License-Identifier: MIT */
/* DBN: metadata and records by hand, the sizes of all layouts, made streams of every version, cuts, flipped bits, compressed files. */
#include <assay/feed_book.h>
#include <assay/feed_dbn.h>

#include "base/random.h"
#include "test.h"

typedef struct bytes {
  uint8_t at[4000];
  size_t size;
} bytes;

static void put(bytes *b, uint64_t value, size_t count) {
  for (size_t i = 0; i < count; i++) b->at[b->size++] = (uint8_t)(value >> 8 * i);
}
static void put_text(bytes *b, const char *text, size_t width) {
  memset(b->at + b->size, 0, width);
  memcpy(b->at + b->size, text, strlen(text));
  b->size += width;
}

/* As the encoding's documentation has it: 8 bytes, then 100, then the lists. */
static void put_metadata(bytes *b, unsigned version, bool ts_out) {
  size_t width = version == 1 ? 22 : 71, begin = b->size;
  put_text(b, "DBN", 3);
  put(b, version, 1);
  put(b, 0, 4);
  put_text(b, "XNAS.ITCH", 16);
  put(b, 0xffff, 2);
  put(b, 1000, 8);
  put(b, 2000, 8);
  put(b, 7, 8);
  if (version == 1) put(b, 99, 8);
  put(b, 1, 1);
  put(b, 0, 1);
  put(b, ts_out, 1);
  if (version > 1) put(b, width, 2);
  put_text(b, "", version == 1 ? 47 : 53);
  assert_int_equal(b->size - begin, 108);
  put(b, 0, 4);
  put(b, 2, 4);
  put_text(b, "AAPL", width);
  put_text(b, "MSFT", width);
  put(b, 0, 4);
  put(b, 1, 4);
  put_text(b, "NONE", width);
  put(b, 1, 4);
  put_text(b, "AAPL", width);
  put(b, 1, 4);
  put(b, 20240102, 4);
  put(b, 20240103, 4);
  put_text(b, "38", width);
  uint32_t length = (uint32_t)(b->size - begin - 8);
  for (int i = 0; i < 4; i++) b->at[begin + 4 + (size_t)i] = (uint8_t)(length >> 8 * i);
}

static void put_header(bytes *b, size_t size, unsigned type) {
  put(b, size / 4, 1);
  put(b, type, 1);
  put(b, 2, 2);
  put(b, 38, 4);
  put(b, UINT64_C(1704205800123456789), 8);
}

static bool text_is(assay_feed_text text, const char *wanted) {
  return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

static int64_t number(const assay_dbn_record *record, const char *name) {
  assay_dbn_field field;
  if (!assay_dbn_find(record, name, &field)) fail_msg("no field %s", name);
  return assay_dbn_number(record, &field);
}

static void test_metadata(void **state) {
  (void)state;
  for (unsigned version = 1; version <= 3; version++) {
    bytes b = {0};
    assay_dbn_reader reader;
    assay_dbn_record record;
    put_metadata(&b, version, true);
    assay_dbn_open(&reader, b.at, b.size);
    assert_int_equal(assay_dbn_read_metadata(&reader), ASSAY_FEED_MESSAGE);
    const assay_dbn_metadata *m = &reader.metadata;
    assert_int_equal(m->version, version);
    assert_true(text_is(m->dataset, "XNAS.ITCH"));
    assert_int_equal(m->schema, 0xffff);
    assert_int_equal(m->start_ns, 1000);
    assert_int_equal(m->end_ns, 2000);
    assert_int_equal(m->limit, 7);
    assert_int_equal(m->stype_in, 1);
    assert_int_equal(m->stype_out, 0);
    assert_true(m->ts_out);
    assert_int_equal(m->symbol_width, version == 1 ? 22 : 71);
    assert_int_equal(m->symbols.count, 2);
    assert_true(text_is(assay_dbn_item(&m->symbols, 1), "MSFT"));
    assert_null(assay_dbn_item(&m->symbols, 2).at);
    assert_int_equal(m->partial.count, 0);
    assert_true(text_is(assay_dbn_item(&m->not_found, 0), "NONE"));
    assert_int_equal(m->mappings, 1);
    assert_int_equal(reader.in.at, b.size);
    assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_END);
    for (size_t cut = 1; cut < b.size; cut++) {
      uint8_t *copy = malloc(cut);
      memcpy(copy, b.at, cut);
      assay_dbn_open(&reader, copy, cut);
      assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MALFORMED);
      assay_dbn_open(&reader, copy, cut);
      reader.in.last = false;
      assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MORE);
      free(copy);
    }
  }
}

static void test_wrong_metadata(void **state) {
  (void)state;
  static const struct {
    size_t at;
    uint8_t value;
    const char *field;
  } cases[] = {{0, 'X', "magic"},
               {3, 0, "version"},
               {3, 4, "version"},
               {4, 5, "metadata length"},
               {7, 0xff, "metadata length"},
               {8 + 46, 0, "symbols"},
               {8 + 100, 1, "schema definition"},
               {8 + 104 + 3, 9, "symbols"},
               {8 + 108 + 142 + 3, 9, "partial"},
               {8 + 112 + 142 + 3, 9, "not_found"},
               {8 + 116 + 142 + 71 + 3, 9, "mappings"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bytes b = {0};
    assay_dbn_reader reader;
    assay_dbn_record record;
    put_metadata(&b, 3, false);
    b.at[cases[i].at] = cases[i].value;
    if (cases[i].at == 4) memset(b.at + 5, 0, 3);
    if (cases[i].at == 8 + 46) b.at[8 + 45] = 0; /* symbol_cstr_len 0 */
    assay_dbn_open(&reader, b.at, b.size);
    assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MALFORMED);
    if (cases[i].at == 8 + 46)
      assert_string_equal(reader.in.fault.field, "symbol_cstr_len");
    else
      assert_string_equal(reader.in.fault.field, cases[i].field);
    assert_int_equal(reader.in.fault.next, 0);
    if (cases[i].value == 4) assert_non_null(strstr(reader.in.fault.problem, "version 4 is not released"));
  }
}

/* Sizes from the static assertions of the reference implementation. */
static void test_layouts_fill_their_records(void **state) {
  (void)state;
  static const struct {
    unsigned type;
    size_t sizes[3];
  } cases[] = {{0x00, {48, 48, 48}},    {0x01, {80, 80, 80}},    {0x0a, {368, 368, 368}}, {0x11, {56, 56, 56}},   {0x20, {56, 56, 56}},
               {0x21, {56, 56, 56}},    {0x22, {56, 56, 56}},    {0x23, {56, 56, 56}},    {0x24, {56, 56, 56}},   {0x12, {40, 40, 40}},
               {0x13, {360, 400, 520}}, {0x14, {112, 112, 112}}, {0x15, {80, 320, 320}},  {0x16, {80, 176, 176}}, {0x17, {80, 320, 320}},
               {0x18, {64, 64, 80}},    {0xa0, {56, 56, 56}},    {0xb1, {80, 80, 80}},    {0xc0, {80, 80, 80}},   {0xc1, {80, 80, 80}},
               {0xc2, {80, 80, 80}},    {0xc3, {80, 80, 80}},    {0xc4, {80, 80, 80}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assert_non_null(assay_dbn_type_text(cases[i].type));
    for (unsigned version = 1; version <= 3; version++) {
      for (int ts_out = 0; ts_out < 2; ts_out++) {
        bytes b = {0};
        assay_dbn_reader reader;
        assay_dbn_record record;
        assay_dbn_field field;
        size_t size = cases[i].sizes[version - 1] + (ts_out ? 8 : 0), begin;
        put_metadata(&b, version, ts_out);
        begin = b.size;
        put_header(&b, size, cases[i].type);
        put_text(&b, "", size - 16);
        if (ts_out) b.at[b.size - 8] = 77;
        assay_dbn_open(&reader, b.at, b.size);
        assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MESSAGE);
        assert_ptr_equal(record.data, b.at + begin);
        assert_int_equal(number(&record, "instrument_id"), 38);
        assert_int_equal(number(&record, "ts_event"), INT64_C(1704205800123456789));
        size_t last = 0, count = 0;
        for (; assay_dbn_field_at(&record, count, &field); count++) last = (size_t)field.offset + field.bytes;
        assert_true(count > 5 && last <= size && last + 19 > size);
        if (ts_out) assert_int_equal(number(&record, "ts_out"), 77);
        /* One word more or less is malformed, and where the next record begins is said. */
        b.at[begin] = (uint8_t)(b.at[begin] - 1);
        assay_dbn_open(&reader, b.at, b.size);
        assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MALFORMED);
        assert_string_equal(reader.in.fault.field, "length");
        assert_int_equal(reader.in.fault.offset, begin);
        assert_true(assay_feed_skip(&reader.in));
      }
    }
  }
  assert_null(assay_dbn_type_text(0x55));
}

static void test_records_by_hand(void **state) {
  (void)state;
  bytes b = {0};
  put_metadata(&b, 1, false);
  put_header(&b, 56, 0xa0);
  put(&b, 1234567890123, 8);
  put(&b, (uint64_t)INT64_C(-37630000000), 8); /* -37.63: oil, 2020-04-20 */
  put(&b, 5, 4);
  put(&b, 130, 1);
  put(&b, 3, 1);
  put(&b, 'A', 1);
  put(&b, 'A', 1);
  put(&b, UINT64_C(1704205800123457789), 8);
  put(&b, (uint32_t)-25, 4);
  put(&b, 98765, 4);
  put_header(&b, 24, 0x77); /* not known */
  put(&b, 1, 8);
  put_header(&b, 80, 0x01);
  put(&b, 187500000000, 8);
  put(&b, 100, 4);
  put_text(&b, "CB", 2);
  put(&b, 0, 2);
  put(&b, 1, 8);
  put(&b, 2, 4);
  put(&b, 3, 4);
  put(&b, 187490000000, 8);
  put(&b, INT64_MAX, 8);
  put(&b, 300, 4);
  put(&b, 400, 4);
  put(&b, 2, 4);
  put(&b, 3, 4);
  size_t definition = b.size;
  put_header(&b, 360, 0x13);
  put_text(&b, "", 344);
  memcpy(b.at + definition + 200, "ESH4", 4); /* raw_symbol of version 1: by hand from its layout */
  b.at[definition + 330] = 0x10;              /* strike_price's third byte */
  assay_dbn_reader reader;
  assay_dbn_record record;
  assay_market_event event, quotes[20];
  assay_dbn_open(&reader, b.at, b.size);
  assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MESSAGE);
  assert_int_equal(number(&record, "order_id"), 1234567890123);
  assert_int_equal(number(&record, "price"), INT64_C(-37630000000));
  assert_int_equal(number(&record, "ts_in_delta"), -25);
  assert_int_equal(number(&record, "sequence"), 98765);
  assert_int_equal(number(&record, "action"), 'A');
  assert_true(assay_dbn_event(&reader, &record, &event));
  assert_int_equal(event.kind, ASSAY_MARKET_ADD);
  assert_int_equal(event.side, 'S');
  assert_int_equal(event.price, INT64_C(-37630000000));
  assert_int_equal(event.quantity, 5);
  assert_int_equal(event.symbol, 38);
  assert_int_equal(event.flags, ASSAY_MARKET_LAST);
  assert_int_equal(assay_market_price_decimals(&event), 9);
  assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MESSAGE);
  assert_int_equal(reader.unknown, 1);
  assert_int_equal(assay_dbn_quotes(&record, quotes, 20), 2);
  assert_int_equal(quotes[0].price, 187490000000);
  assert_int_equal(quotes[0].quantity, 300);
  assert_int_equal(quotes[1].side, 'S');
  assert_int_equal(quotes[1].quantity, 0); /* no price: an empty side */
  assert_int_equal(number(&record, "ask_ct_00"), 3);
  assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_MESSAGE);
  assert_true(text_is(assay_dbn_text(&record, "raw_symbol"), "ESH4"));
  assert_int_equal(number(&record, "strike_price"), 0x100000);
  assert_null(assay_dbn_text(&record, "no_such").at);
  assert_int_equal(assay_dbn_next(&reader, &record), ASSAY_FEED_END);
}

static void test_made_streams(void **state) {
  (void)state;
  for (uint8_t version = 1; version <= 3; version++) {
    assay_feed_market market = {.format = ASSAY_FEED_DBN, .seed = 3, .messages = 5000, .symbols = 3, .orders = 50, .version = version};
    assay_error err = {0};
    uint8_t *made = NULL;
    size_t size = 0;
    assert_ok(assay_feed_generate(&market, &err, &made, &size), err);
    assert_int_equal(assay_feed_recognise(made, size), ASSAY_FEED_DBN);
    assay_dbn_reader reader;
    assay_dbn_record record;
    assay_market_event event;
    uint64_t kinds[ASSAY_MARKET_KINDS] = {0};
    assay_dbn_open(&reader, made, size);
    while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE)
      if (assay_dbn_event(&reader, &record, &event)) kinds[event.kind]++;
    assert_null(reader.in.fault.problem);
    assert_int_equal(reader.in.at, size);
    assert_int_equal(reader.metadata.version, version);
    assert_int_equal(reader.metadata.symbols.count, 3);
    assert_true(kinds[ASSAY_MARKET_ADD] > 2000 && kinds[ASSAY_MARKET_CANCEL] > 1500 && kinds[ASSAY_MARKET_TRADE] > 100);
    assay_random random;
    assay_random_init(&random, 4);
    for (int round = 0; round < 500; round++) {
      size_t at = (size_t)assay_random_below(&random, size < 4000 ? size : 4000);
      uint8_t bit = (uint8_t)(1u << assay_random_below(&random, 8));
      made[at] ^= bit;
      assay_dbn_open(&reader, made, size);
      do
        while (assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE) assay_dbn_event(&reader, &record, &event);
      while (assay_feed_skip(&reader.in));
      assert_true(reader.in.fault.problem == NULL || reader.in.fault.offset <= size);
      made[at] ^= bit;
    }
    assay_feed_generated_free(made);
  }
}

/* ---- Books --------------------------------------------------------------------------------------------------------------------------- */

enum { EURO = 42140878, ZN = 31110, TIME = 1704205800 };

static void put_head(bytes *b, size_t size, unsigned type, unsigned publisher, uint32_t instrument, uint64_t time) {
  put(b, size / 4, 1);
  put(b, type, 1);
  put(b, publisher, 2);
  put(b, instrument, 4);
  put(b, time, 8);
}

static void put_mbo(bytes *b, unsigned publisher, uint32_t instrument, const char *action_and_side, uint64_t order, int64_t price,
                    uint32_t size, unsigned flags) {
  put_head(b, 56, 0xa0, publisher, instrument, TIME);
  put(b, order, 8);
  put(b, (uint64_t)price, 8);
  put(b, size, 4);
  put(b, flags, 1);
  put(b, 0, 1);
  put_text(b, action_and_side, 2);
  put(b, TIME + 5, 8);
  put(b, 0, 8);
}

typedef struct quote {
  int64_t bid, ask;
} quote;

/* mbp-1, mbp-10 and the like: `quotes` of 10 lots and 3 orders a side. */
static void put_mbp(bytes *b, unsigned type, size_t size, const char *action_and_side, const quote *quotes, size_t count) {
  size_t end = b->size + size;
  put_head(b, size, type, 1, EURO, UINT64_MAX); /* the event has no time */
  put(b, 77000000000, 8);
  put(b, 4, 4);
  put_text(b, action_and_side, 2);
  put(b, 128, 1);
  put(b, 0, 1);
  put(b, TIME + 5, 8);
  put(b, 0, 8);
  for (size_t i = 0; i < count; i++) {
    put(b, (uint64_t)quotes[i].bid, 8);
    put(b, (uint64_t)quotes[i].ask, 8);
    put(b, 10 + i, 4);
    put(b, 20 + i, 4);
    put(b, 3, 4);
    put(b, 4, 4);
  }
  assert_int_equal(b->size, end);
}

typedef struct follower {
  assay_dbn_reader reader;
  assay_dbn_map *map;
  assay_feed_book *book;
  size_t events, trades;
  assay_market_event last; /* the last trade */
} follower;

static follower follow(const bytes *b) {
  follower f = {0};
  assay_error err = {0};
  assay_dbn_record record;
  assay_market_event events[ASSAY_DBN_MOST_EVENTS];
  assert_ok(assay_dbn_map_create(0, &err, &f.map), err);
  assert_ok(assay_feed_book_create(NULL, &err, &f.book), err);
  assay_dbn_open(&f.reader, b->at, b->size);
  while (assay_dbn_next(&f.reader, &record) == ASSAY_FEED_MESSAGE) {
    size_t count = assay_dbn_events(&f.reader, &record, assay_dbn_map_number(f.map, &record), events);
    for (size_t i = 0; i < count; i++)
      if (events[i].kind == ASSAY_MARKET_TRADE) f.last = events[i], f.trades++;
    for (size_t i = 0; count > 1 && i < count; i++) assert_int_equal((events[i].flags & ASSAY_MARKET_LAST) != 0, i + 1 == count);
    f.events += count;
    assert_int_equal(assay_feed_book_apply(f.book, events, count), 0);
  }
  assert_null(f.reader.in.fault.problem);
  assert_ok(assay_feed_book_check(f.book, &err), err);
  for (uint32_t i = 1; i <= assay_dbn_map_count(f.map); i++) assert_false(assay_feed_book_is_stale(f.book, i));
  return f;
}

static void end_following(follower *f) {
  assay_dbn_map_destroy(f->map);
  assay_feed_book_destroy(f->book);
}

/* The prices of a side, best first, 0 behind them. */
static void assert_side(const follower *f, uint32_t symbol, char side, const int64_t *prices) {
  assay_feed_level levels[64];
  size_t count = assay_feed_book_depth(f->book, symbol, side, levels, 64);
  for (size_t i = 0; i < count; i++) assert_int_equal(levels[i].price, prices[i]);
  assert_int_equal(prices[count], 0);
}

/* A record of best prices says all there is: what was there before is gone. */
static void test_quotes_replace(void **state) {
  (void)state;
  static const unsigned types[] = {0x01, 0xb1, 0xc2, 0xc0, 0xc3};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    bytes b = {0};
    put_metadata(&b, 3, false);
    put_mbp(&b, types[i], 80, "AB", &(quote){100000000000, 101000000000}, 1);
    put_mbp(&b, types[i], 80, "AB", &(quote){99000000000, 99500000000}, 1);
    follower f = follow(&b);
    assert_side(&f, 1, 'B', (int64_t[]){99000000000, 0});
    assert_side(&f, 1, 'S', (int64_t[]){99500000000, 0});
    end_following(&f);
    put_mbp(&b, types[i], 80, "CA", &(quote){99000000000, INT64_MAX}, 1); /* nobody offers */
    f = follow(&b);
    assert_side(&f, 1, 'B', (int64_t[]){99000000000, 0});
    assert_side(&f, 1, 'S', (int64_t[]){0});
    end_following(&f);
  }
}

/* A trade of mbp-10: 21 events, the trade and all levels. */
static void test_ten_levels_and_a_trade(void **state) {
  (void)state;
  bytes b = {0};
  quote quotes[10];
  int64_t bids[11] = {0}, asks[11] = {0};
  put_metadata(&b, 2, false);
  for (int i = 0; i < 10; i++) quotes[i] = (quote){INT64_C(1000000000) * (100 - i), INT64_C(1000000000) * (101 + i)};
  put_mbp(&b, 0x0a, 368, "AB", quotes, 10);
  for (int i = 0; i < 10; i++) quotes[i] = (quote){bids[i] = 110015625000 - i * 7812500, asks[i] = 110015625000 + (i + 1) * 7812500};
  put_mbp(&b, 0x0a, 368, "TA", quotes, 10);
  follower f = follow(&b);
  assert_int_equal(f.events, 20 + 21);
  assert_int_equal(f.trades, 1);
  assert_int_equal(f.last.side, 'S');
  assert_int_equal(f.last.time_ns, TIME + 5); /* when it was received */
  assert_side(&f, 1, 'B', bids);
  assert_side(&f, 1, 'S', asks);
  assay_feed_level level;
  assert_int_equal(assay_feed_book_depth(f.book, 1, 'S', &level, 1), 1);
  assert_int_equal(level.quantity, 20);
  assert_int_equal(level.orders, 4);
  end_following(&f);
}

/* Ids and ticks as they are: 6E moves by 0.00005, ZN by half of 1/64, oil was below 0. */
static void test_real_ids_and_ticks(void **state) {
  (void)state;
  bytes b = {0};
  put_metadata(&b, 1, false);
  put_mbo(&b, 1, EURO, "RN", 0, INT64_MAX, 0, 8);
  put_mbo(&b, 1, EURO, "AB", 6413364814613, 1083400000, 5, 0);
  put_mbo(&b, 1, EURO, "AB", 6413364814614, 1083450000, 6, 128);
  put_mbo(&b, 1, EURO, "AA", 6413364814615, 1083500000, 7, 128);
  put_mbo(&b, 1, ZN, "AB", 6413364814613, 110015625000, 1, 0); /* the same id elsewhere */
  put_mbo(&b, 1, ZN, "AB", 2, 110000000000, 2, 0);
  put_mbo(&b, 1, ZN, "AB", 3, 110007812500, 3, 0);
  put_mbo(&b, 1, ZN, "AA", 4, 110023437500, 4, 128);
  put_mbo(&b, 1, UINT32_MAX, "AB", 1, -37630000000, 1, 128);
  put_mbo(&b, 1, UINT32_MAX, "AB", 2, 10000000, 1, 128);
  put_mbo(&b, 1, EURO, "MB", 6413364814613, 1083300000, 9, 128);
  put_mbo(&b, 1, EURO, "FB", 6413364814613, 1083300000, 4, 0);
  put_mbo(&b, 1, EURO, "CB", 6413364814613, 1083300000, 4, 128);
  put_mbo(&b, 1, EURO, "NN", 0, INT64_MAX, 0, 128);
  put_mbo(&b, 1, EURO, "MA", 8, 1084000000, 9, 128); /* not known: an addition */
  put_mbo(&b, 1, EURO, "AB", 9, INT64_MAX, 9, 128);  /* at the market, in an auction: it has no place */
  follower f = follow(&b);
  assert_int_equal(assay_dbn_map_count(f.map), 3);
  assert_int_equal(assay_dbn_map_find(f.map, 1, ZN), 2);
  assert_int_equal(assay_dbn_map_find(f.map, 2, ZN), 0);
  assert_side(&f, 1, 'B', (int64_t[]){1083450000, 1083300000, 0});
  assert_side(&f, 1, 'S', (int64_t[]){1083500000, 1084000000, 0});
  assert_side(&f, 2, 'B', (int64_t[]){110015625000, 110007812500, 110000000000, 0});
  assert_side(&f, 2, 'S', (int64_t[]){110023437500, 0});
  assert_side(&f, 3, 'B', (int64_t[]){10000000, -37630000000, 0});
  assay_feed_order order;
  assert_true(assay_feed_book_find(f.book, 1, 6413364814613, &order));
  assert_int_equal(order.quantity, 5);
  assert_int_equal(order.price, 1083300000);
  assert_true(assay_feed_book_find(f.book, 2, 6413364814613, &order));
  assert_int_equal(order.quantity, 1);
  assert_true(assay_feed_book_find(f.book, 1, 9, &order));
  assert_int_equal(order.price, ASSAY_FEED_NO_PRICE);
  end_following(&f);
}

/* Venues of one file: the same instrument and the same order ids, books of their own; one of them publishes its best prices only. */
static void test_publishers(void **state) {
  (void)state;
  bytes b = {0};
  put_metadata(&b, 3, false);
  put_mbo(&b, 39, 7, "AB", 1, 187000000000, 5, 128);
  put_mbo(&b, 40, 7, "AB", 1, 188000000000, 6, 128);
  put_mbo(&b, 39, 7, "CB", 1, 187000000000, 5, 128);
  put_mbo(&b, 41, 7, "AB", 0, 189000000000, 100, 64 + 128);
  put_mbo(&b, 41, 7, "AA", 0, 190000000000, 100, 64 + 128);
  put_mbo(&b, 41, 7, "AB", 0, 188500000000, 100, 64 + 128); /* replaces, and does not rest beside */
  put_mbo(&b, 41, 7, "AA", 0, INT64_MAX, 0, 64 + 128);      /* nobody offers */
  put_mbo(&b, 42, 7, "AB", 1, 180000000000, 30, 16 + 128);  /* a level */
  put_mbo(&b, 42, 7, "AB", 2, 179000000000, 40, 16 + 128);
  put_mbo(&b, 42, 7, "MB", 1, 180000000000, 35, 16 + 128);
  put_mbo(&b, 42, 7, "CB", 2, 179000000000, 40, 16 + 128);
  follower f = follow(&b);
  assert_int_equal(assay_dbn_map_count(f.map), 4);
  assert_side(&f, 1, 'B', (int64_t[]){0});
  assert_side(&f, 2, 'B', (int64_t[]){188000000000, 0});
  assert_side(&f, 3, 'B', (int64_t[]){188500000000, 0});
  assert_side(&f, 3, 'S', (int64_t[]){0});
  assert_side(&f, 4, 'B', (int64_t[]){180000000000, 0});
  uint16_t publisher;
  uint32_t instrument;
  assay_dbn_map_key(f.map, 3, &publisher, &instrument);
  assert_true(publisher == 41 && instrument == 7);
  end_following(&f);
}

/* A book that may be wrong, as its records say, until it is emptied. */
static void test_maybe_bad_book(void **state) {
  (void)state;
  bytes b = {0};
  assay_error err = {0};
  assay_feed_book *book = NULL;
  assay_dbn_reader reader;
  assay_dbn_record record;
  assay_market_event events[ASSAY_DBN_MOST_EVENTS];
  const bool stale[] = {false, true, true, false};
  put_metadata(&b, 3, false);
  put_mbo(&b, 1, 7, "AB", 1, 5000000000, 5, 128);
  put_mbo(&b, 1, 7, "AB", 2, 5000000000, 5, 128 + 4);
  put_mbo(&b, 1, 7, "AB", 3, 5000000000, 5, 128);
  put_mbo(&b, 1, 7, "RN", 0, INT64_MAX, 0, 128 + 32);
  assert_ok(assay_feed_book_create(NULL, &err, &book), err);
  assay_dbn_open(&reader, b.at, b.size);
  for (size_t i = 0; assay_dbn_next(&reader, &record) == ASSAY_FEED_MESSAGE; i++) {
    assay_feed_book_apply(book, events, assay_dbn_events(&reader, &record, 1, events));
    assert_int_equal(assay_feed_book_is_stale(book, 1), stale[i]);
  }
  assay_feed_book_destroy(book);
}

/* More symbols than its first room, in any order, and no more than it may. */
static void test_map(void **state) {
  (void)state;
  enum { COUNT = 3000 };
  assay_error err = {0};
  assay_dbn_map *map = NULL;
  uint8_t data[16] = {0};
  const assay_dbn_record record = {.data = data, .length = 16};
  assert_ok(assay_dbn_map_create(COUNT, &err, &map), err);
  for (uint32_t round = 0; round < 2; round++)
    for (uint32_t i = 0; i <= COUNT; i++) {
      uint32_t id = i * 2654435761u;
      memcpy(data + 4, &id, sizeof id);
      data[2] = (uint8_t)(i % 3);
      assert_int_equal(assay_dbn_map_number(map, &record), i < COUNT ? i + 1 : 0);
      assert_int_equal(assay_dbn_map_find(map, (uint16_t)(i % 3), id), i < COUNT ? i + 1 : 0);
    }
  assay_dbn_map_destroy(map);
  assay_dbn_map_destroy(NULL);
}

/* A Zstandard frame (RFC 8878) with one block that is stored as it is. */
static size_t put_frame(uint8_t *out, const uint8_t *content, size_t size) {
  const uint8_t head[] = {0x28,
                          0xb5,
                          0x2f,
                          0xfd,
                          0xa0,
                          (uint8_t)size,
                          (uint8_t)(size >> 8),
                          0,
                          0,
                          (uint8_t)(size << 3 | 1),
                          (uint8_t)(size >> 5),
                          (uint8_t)(size >> 13)};
  memcpy(out, head, sizeof head);
  memcpy(out + sizeof head, content, size);
  return sizeof head + size;
}

static void test_unpacking(void **state) {
  (void)state;
  bytes b = {0};
  put_metadata(&b, 2, false);
  uint8_t packed[9000] = "\x5e\x2a\x4d\x18\x03\0\0\0abc"; /* a frame to be skipped */
  assay_error err = {0};
  uint8_t *out = NULL;
  size_t size = 11, got = 0;
  assert_false(assay_feed_is_packed(packed, size));
  size += put_frame(packed + size, b.at, 100);
  size += put_frame(packed + size, b.at + 100, b.size - 100); /* two frames */
  assert_true(assay_feed_is_packed(packed, size));
  assert_false(assay_feed_is_packed(b.at, b.size));
  assay_status status = assay_feed_unpack(packed, size, 1 << 20, &err, &out, &got);
  if (status == ASSAY_ERR_UNSUPPORTED) test_skip(err.message);
  assert_ok(status, err);
  assert_int_equal(got, b.size);
  assert_memory_equal(out, b.at, got);
  assay_feed_generated_free(out);
  out = NULL;
  assert_int_equal(assay_feed_unpack(packed, size - 3, 1 << 20, NULL, &out, &got), ASSAY_ERR_CORRUPT);
  assert_int_equal(assay_feed_unpack(packed, size, 200, NULL, &out, &got), ASSAY_ERR_LIMIT);
  assert_int_equal(assay_feed_unpack(packed, size, b.size - 1, NULL, &out, &got), ASSAY_ERR_LIMIT);
  assert_null(out);
  assert_ok(assay_feed_unpack(packed, size, b.size, &err, &out, &got), err); /* not more than that */
  assert_int_equal(got, b.size);
  assay_feed_generated_free(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_metadata),
      cmocka_unit_test(test_wrong_metadata),
      cmocka_unit_test(test_layouts_fill_their_records),
      cmocka_unit_test(test_records_by_hand),
      cmocka_unit_test(test_made_streams),
      cmocka_unit_test(test_unpacking),
      cmocka_unit_test(test_quotes_replace),
      cmocka_unit_test(test_ten_levels_and_a_trade),
      cmocka_unit_test(test_real_ids_and_ticks),
      cmocka_unit_test(test_publishers),
      cmocka_unit_test(test_maybe_bad_book),
      cmocka_unit_test(test_map),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

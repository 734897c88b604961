/* SPDX-License-Identifier: MIT */
/* DBN: metadata and records by hand, the sizes of all layouts, made streams of every version, cuts, flipped bits, compressed files. */
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
  uint8_t packed[9000];
  assay_error err = {0};
  uint8_t *out = NULL;
  size_t size = put_frame(packed, b.at, 100), got = 0;
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
  assert_null(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_metadata),        cmocka_unit_test(test_wrong_metadata), cmocka_unit_test(test_layouts_fill_their_records),
      cmocka_unit_test(test_records_by_hand), cmocka_unit_test(test_made_streams),   cmocka_unit_test(test_unpacking),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Binance-style JSON: documents by hand, and made ones with their keys shuffled, blanks and escapes, read a second time by jansson. */
#include <assay/feed_json.h>

#include <jansson.h>

#include "base/random.h"
#include "test.h"

static assay_binance_level levels[64];

static assay_binance_message only_message(const char *text) {
  assay_binance_reader reader;
  assay_binance_message message;
  memset(&message, 0xaa, sizeof message);
  assay_binance_open(&reader, text, strlen(text), 8, 8, levels, 64);
  assay_error err = {0};
  if (assay_binance_next(&reader, &message) != ASSAY_FEED_MESSAGE) {
    assay_feed_explain(&reader.in, "JSON", &err);
    fail_msg("%s\n%s", text, err.message);
  }
  assay_binance_message none;
  assert_int_equal(assay_binance_next(&reader, &none), ASSAY_FEED_END);
  return message;
}

static bool text_is(assay_feed_text text, const char *wanted) {
  return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

static void test_a_trade(void **state) {
  (void)state;
  assay_binance_message m = only_message(
      "{\"e\":\"trade\",\"E\":1672515782136,\"s\":\"BNBBTC\",\"t\":12345,\"p\":\"0.001\",\"q\":\"100\","
      "\"T\":1672515782135,\"m\":true,\"M\":true}");
  assert_int_equal(m.kind, ASSAY_BINANCE_TRADE);
  assert_int_equal(m.time_ns, UINT64_C(1672515782136000000));
  assert_int_equal(m.trade_ns, UINT64_C(1672515782135000000));
  assert_true(text_is(m.symbol, "BNBBTC"));
  assert_int_equal(m.id, 12345);
  assert_int_equal(m.price, 100000);
  assert_int_equal(m.quantity, INT64_C(10000000000));
  assert_true(m.maker_buys);
  assert_null(m.stream.at);
  assay_binance_reader reader = {.price_decimals = 8, .quantity_decimals = 8};
  assay_market_event event;
  assert_int_equal(assay_binance_event_count(&m), 1);
  assert_int_equal(assay_binance_events(&reader, &m, 7, 0, &event, 1), 1);
  assert_int_equal(event.kind, ASSAY_MARKET_TRADE);
  assert_int_equal(event.side, 'S');
  assert_int_equal(event.symbol, 7);
  assert_int_equal(event.time_ns, m.trade_ns);
  assert_int_equal(assay_market_price_decimals(&event), 8);
  assert_int_equal(assay_market_quantity_decimals(&event), 8);
}

static void test_the_same_in_other_words(void **state) {
  (void)state;
  const char *const same[] = {
      "{\"m\":false,\"p\":\"0.01633102\",\"q\":\"4.70443515\",\"T\":1499865549590123,\"f\":26129,\"l\":26130,\"a\":26129,\"s\":\"BTCUSDT\","
      "\"E\":1499865549590124,\"e\":\"aggTrade\"}",
      " \r\n\t{ \"e\" : \"aggTrade\" , \"E\" : 1499865549590124 "
      ",\n\"s\":\"BTCUSDT\",\"a\":26129,\"p\":\"0.01633102\",\"q\":\"4.70443515\",\"f\":26129,\"l\":26130,\"T\":1499865549590123,\"m\":"
      "false,\"M\":true } ",
      "{\"stream\":\"btcusdt@aggTrade\",\"data\":{\"e\":\"aggTrade\",\"E\":1499865549590124,\"s\":\"BTCUSDT\",\"a\":26129,\"p\":\"0."
      "01633102\",\"q\":\"4.70443515\",\"f\":26129,\"l\":26130,\"T\":1499865549590123,\"m\":false}}",
      "{\"data\":{\"e\":\"aggTrade\",\"E\":1499865549590124,\"s\":\"BTCUSDT\",\"a\":26129,\"p\":0.01633102,\"q\":4.70443515,\"f\":26129,"
      "\"l\":26130,\"T\":1499865549590123,\"m\":false},\"stream\":\"btcusdt@aggTrade\"}",
      "{\"\\u0065\":\"agg\\u0054rade\",\"E\":1499865549590124,\"s\":\"BTCUSDT\",\"a\":26129,\"\\u0070\":\"0\\u002e01633102\",\"q\":\"4."
      "704435150000\",\"f\":26129,\"l\":26130,\"T\":1499865549590123,\"m\":false,"
      "\"x\":{\"e\":[1,-2.5e+3,null,{\"p\":\"}\\\"\"}]},\"\":0}",
  };
  for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
    assay_binance_message m = only_message(same[i]);
    assert_int_equal(m.kind, ASSAY_BINANCE_AGGREGATE);
    assert_int_equal(m.price, 1633102);
    assert_int_equal(m.quantity, 470443515);
    assert_int_equal(m.id, 26129);
    assert_int_equal(m.first_id, 26129);
    assert_int_equal(m.last_id, 26130);
    assert_int_equal(m.trade_ns, UINT64_C(1499865549590123000)); /* microseconds by their size */
    assert_false(m.maker_buys);
    assert_true(text_is(m.symbol, "BTCUSDT"));
    assert_int_equal(m.stream.at != NULL, i == 2 || i == 3);
  }
}

/* Names as JSON may write them: what they say counts, as UTF-8, and half of a pair and NUL are U+FFFD. */
static void test_texts_with_escapes(void **state) {
  (void)state;
  static const struct {
    const char *written, *said;
  } cases[] = {{"BTC\\u0055SDT", "BTCUSDT"},
               {"\\u0042\\u0054C\\u0055SD\\u0054", "BTCUSDT"},
               {"BTC\\/USDT", "BTC/USDT"},
               {"\\\"\\\\\\b\\f\\n\\r\\t", "\"\\\b\f\n\r\t"},
               {"\\u00e4\\u00C4", "\xc3\xa4\xc3\x84"},
               {"\\u5e01\xe5\xae\x89", "\xe5\xb8\x81\xe5\xae\x89"},
               {"\\ud83d\\ude00x", "\xf0\x9f\x98\x80x"},
               {"\\ud83dx", "\xef\xbf\xbdx"},
               {"\\ud83d\\u0041", "\xef\xbf\xbd\x41"},
               {"\\ud83d\\ue000", "\xef\xbf\xbd\xee\x80\x80"},
               {"\\ude00\\ud83d", "\xef\xbf\xbd\xef\xbf\xbd"},
               {"a\\u0000b", "a\xef\xbf\xbd\x62"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[600];
    assay_binance_reader reader;
    assay_binance_message m;
    for (int combined = 0; combined < 2; combined++) {
      int length = snprintf(text, sizeof text,
                            combined ? "{\"stream\":\"%s@depth5\",\"data\":{\"lastUpdateId\":1,\"bids\":[],\"asks\":[]}}"
                                     : "{\"e\":\"tr\\u0061de\",\"E\":1,\"s\":\"%s\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1,\"m\":true}",
                            cases[i].written);
      assay_binance_open(&reader, text, (size_t)length, 8, 8, levels, 64);
      assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MESSAGE);
      assert_int_equal(m.kind, combined ? ASSAY_BINANCE_SNAPSHOT : ASSAY_BINANCE_TRADE);
      if (!text_is(m.symbol, cases[i].said)) fail_msg("%s is %.*s", cases[i].written, (int)m.symbol.length, m.symbol.at);
      if (!combined) assert_true(text_is(m.event, "trade"));
      if (combined) assert_int_equal(m.stream.length, strlen(cases[i].said) + strlen("@depth5"));
    }
  }
  /* A sign that parts a stream's name may be written so, too. */
  assay_binance_reader reader;
  assay_binance_message m;
  const char *sign = "{\"stream\":\"bnb\\u0040depth\\u0032\\u0030\",\"data\":{\"lastUpdateId\":1,\"bids\":[],\"asks\":[]}}";
  assay_binance_open(&reader, sign, strlen(sign), 8, 8, levels, 64);
  assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MESSAGE);
  assert_true(text_is(m.symbol, "bnb"));
  assert_true(text_is(m.stream, "bnb@depth20"));
  m = only_message("{\"u\":1,\"s\":\"X\",\"b\":\"1\\u002e5\",\"B\":\"\\u0032\",\"a\":\"2\",\"A\":\"1\"}");
  assert_int_equal(m.kind, ASSAY_BINANCE_TICKER);
  assert_int_equal(m.bids[0].price, 150000000);
  assert_int_equal(m.bids[0].quantity, 200000000);
}

/* The longest name with escapes that is one, and one that is longer; without them there is no limit. */
static void test_long_texts_with_escapes(void **state) {
  (void)state;
  for (int length = 100; length < 200; length++)
    for (int escaped = 0; escaped < 3; escaped++) {
      char name[300], text[600];
      static const char *const first[] = {"x", "\\u0078", "\\u5e01"};
      const int bytes = escaped == 2 ? length + 2 : length;
      snprintf(name, sizeof name, "%.*s%s", length - 1,
               "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
               "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
               first[escaped]);
      const int size =
          snprintf(text, sizeof text, "{\"e\":\"trade\",\"E\":1,\"s\":\"%s\",\"t\":1,\"p\":\"1\",\"q\":\"1\",\"T\":1,\"m\":true}", name);
      assay_binance_reader reader;
      assay_binance_message m;
      assay_binance_open(&reader, text, (size_t)size, 8, 8, NULL, 0);
      const bool fits = escaped == 0 || bytes <= 123;
      assert_int_equal(assay_binance_next(&reader, &m), fits ? ASSAY_FEED_MESSAGE : ASSAY_FEED_MALFORMED);
      if (fits)
        assert_int_equal(m.symbol.length, bytes);
      else
        assert_string_equal(reader.in.fault.field, "s");
    }
}

static void test_depth_and_snapshot(void **state) {
  (void)state;
  assay_binance_message m = only_message(
      "{\"e\":\"depthUpdate\",\"E\":1672515782136,\"s\":\"BNBBTC\",\"U\":157,\"u\":160,\"b\":[[\"0.0024\",\"10\"]],"
      "\"a\":[[\"0.0026\",\"100\"],[\"0.0027\",\"0.00000000\",[]]]}");
  assert_int_equal(m.kind, ASSAY_BINANCE_DEPTH);
  assert_int_equal(m.first_update, 157);
  assert_int_equal(m.last_update, 160);
  assert_false(m.has_previous);
  assert_int_equal(m.bid_count, 1);
  assert_int_equal(m.ask_count, 2);
  assert_int_equal(m.bids[0].price, 240000);
  assert_int_equal(m.bids[0].quantity, 1000000000);
  assert_int_equal(m.asks[1].price, 270000);
  assert_int_equal(m.asks[1].quantity, 0);
  m = only_message(
      "{\"stream\":\"bnbbtc@depth20\",\"data\":{\"asks\":[[\"4.00000200\",\"12.00000000\"]],\"lastUpdateId\":1027024,\"bids\":[]}}");
  assert_int_equal(m.kind, ASSAY_BINANCE_SNAPSHOT);
  assert_int_equal(m.last_update, 1027024);
  assert_int_equal(m.bid_count, 0);
  assert_int_equal(m.ask_count, 1);
  assert_int_equal(m.asks[0].price, 400000200);
  assert_true(text_is(m.symbol, "bnbbtc"));
  assay_binance_reader reader = {.price_decimals = 8, .quantity_decimals = 8};
  assay_market_event events[4];
  assert_int_equal(assay_binance_events(&reader, &m, 1, 0, events, 4), 2);
  assert_int_equal(events[0].kind, ASSAY_MARKET_CLEAR);
  assert_int_equal(events[1].kind, ASSAY_MARKET_QUOTE);
  assert_int_equal(events[1].side, 'S');
  assert_int_equal(events[1].flags, ASSAY_MARKET_LAST);
  m = only_message(
      "{\"e\":\"depthUpdate\",\"E\":123456789,\"T\":123456788,\"s\":\"BTCUSDT\",\"U\":157,\"u\":160,\"pu\":149,\"b\":[],\"a\":[]}");
  assert_true(m.has_previous);
  assert_int_equal(m.previous_update, 149);
  m = only_message("{\"result\":null,\"id\":1}");
  assert_int_equal(m.kind, ASSAY_BINANCE_OTHER);
  m = only_message("{\"e\":\"kline\",\"E\":1,\"s\":\"X\",\"k\":{\"t\":1,\"a\":[[1]]},\"b\":[1,2],\"a\":[[\"x\"]]}");
  assert_int_equal(m.kind, ASSAY_BINANCE_OTHER);
  assert_true(text_is(m.event, "kline"));
}

static void test_faults(void **state) {
  (void)state;
#define TRADE(p, q) "{\"e\":\"trade\",\"E\":1,\"s\":\"X\",\"t\":1,\"p\":" p ",\"q\":" q ",\"T\":1,\"m\":true}"
  static const struct {
    const char *text, *field;
    size_t offset;
  } cases[] = {
      {TRADE("\"0.000000001\"", "\"1\""), "p", 37},
      {TRADE("\"1e5\"", "\"1\""), "p", 37},
      {TRADE("\"\"", "\"1\""), "p", 37},
      {TRADE("\"1.2.3\"", "\"1\""), "p", 37},
      {TRADE("\"92233720368547758.08\"", "\"1\""), "p", 37}, /* 2^63 steps */
      {TRADE("\"1\"", "\"-1\""), "q", 45},
      {TRADE("null", "\"1\""), "p", 37},
      {"{\"e\":\"trade\",\"E\":1,\"s\":\"X\"}", "t", 0},
      {"{\"e\":\"trade\",\"e\":\"trade\"}", "e", 17},
      {"{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"X\",\"U\":5,\"u\":4,\"b\":[],\"a\":[]}", "u", 43},
      {"{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"X\",\"U\":5,\"u\":5,\"b\":[[\"1\"]],\"a\":[]}", "b", 54},
      {"{\"e\":\"depthUpdate\",\"E\":1,\"s\":\"X\",\"U\":18446744073709551616,\"u\":5,\"b\":[],\"a\":[]}", "U", 37},
      {"[1]", "JSON", 1},
      {"{\"a\":01}", "JSON", 6},
      {"{\"a\" 1}", "JSON", 5},
      {"{\"x\":tru}", "JSON", 8},
      {"{\"x\":\"\\x\"}", "JSON", 6},
      {"{\"x\":\"\n\"}", "JSON", 6},
      {"{,}", "JSON", 1},
      {"{\"x\":[1,]}", "JSON", 8},
      {"{\"x\":1,}", "JSON", 7},
      {"{\"\"\":1}", "JSON", 3}, /* no key of a quote */
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int padded = 0; padded < 2; padded++) { /* with and without room to read ahead */
      char text[400];
      assay_binance_reader reader;
      assay_binance_message m;
      assay_error err = {0};
      snprintf(text, sizeof text, "%s%s", cases[i].text, padded ? "\n{\"result\":null}                                              " : "");
      assay_binance_open(&reader, text, strlen(text), 8, 8, levels, 64);
      assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MALFORMED);
      assert_string_equal(reader.in.fault.field, cases[i].field);
      if (reader.in.fault.offset != cases[i].offset) fail_msg("%s: at %d, not %zu", text, (int)reader.in.fault.offset, cases[i].offset);
      assert_int_equal(assay_feed_explain(&reader.in, "JSON", &err), ASSAY_ERR_PARSE);
      if (!padded) continue;
      assert_true(assay_feed_skip(&reader.in));
      if (strchr(cases[i].text, '\n') != NULL) continue; /* the next line begins inside it */
      assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MESSAGE);
    }
  }
  assay_binance_reader reader;
  assay_binance_message m;
  const char *many = "{\"lastUpdateId\":1,\"bids\":[[\"1\",\"1\"],[\"2\",\"1\"],[\"3\",\"1\"]],\"asks\":[]}";
  assay_binance_open(&reader, many, strlen(many), 8, 8, levels, 2);
  assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MALFORMED);
  assert_string_equal(reader.in.fault.field, "levels");
}

/* ---- Decimal text -------------------------------------------------------------------------------------------------------------------- */

/* Three times each, and with blanks behind: the general way, the fast one, and the one that knows the last document. */
static assay_feed_step step_of(const char *text, assay_binance_message *message) {
  char long_text[4000];
  assay_binance_reader reader;
  assay_feed_step step = ASSAY_FEED_MORE;
  for (int blanks = 0; blanks < 2; blanks++) {
    size_t size = 0;
    for (int i = 0; i < 3; i++) size += (size_t)snprintf(long_text + size, sizeof long_text - size, "%s%*s\n", text, blanks * 300, "");
    assay_binance_open(&reader, long_text, size, 8, 8, levels, 64);
    for (int i = 0; i < 3; i++) {
      assay_feed_step now = assay_binance_next(&reader, message);
      if (blanks + i > 0 && now != step) fail_msg("%s: %d, and then %d", text, (int)step, (int)now);
      step = now;
      if (step != ASSAY_FEED_MESSAGE) assert_true(assay_feed_skip(&reader.in));
    }
  }
  return step;
}

/* /api/v3/trades and aggTrades: what they are is in their words. */
static void test_trades_that_were_asked_for(void **state) {
  (void)state;
  assay_binance_message m = only_message(
      "[{\"id\":28457,\"price\":\"4.00000100\",\"qty\":\"12.00000000\",\"quoteQty\":\"48.000012\",\"time\":1499865549590,"
      "\"isBuyerMaker\":true,\"isBestMatch\":true}]");
  assert_int_equal(m.kind, ASSAY_BINANCE_TRADE);
  assert_int_equal(m.id, 28457);
  assert_int_equal(m.price, 400000100);
  assert_int_equal(m.quantity, INT64_C(1200000000));
  assert_int_equal(m.trade_ns, UINT64_C(1499865549590000000));
  assert_int_equal(m.time_ns, 0);
  assert_true(m.maker_buys);
  assert_null(m.symbol.at);
  assert_null(m.event.at);
  m = only_message(
      "{\"a\":26129,\"p\":\"0.01633102\",\"q\":\"4.70443515\",\"f\":27781,\"l\":27782,\"T\":1498793709153,\"m\":false,\"M\":true}");
  assert_int_equal(m.kind, ASSAY_BINANCE_AGGREGATE);
  assert_int_equal(m.id, 26129);
  assert_int_equal(m.price, 1633102);
  assert_int_equal(m.first_id, 27781);
  assert_int_equal(m.last_id, 27782);
  assert_int_equal(m.trade_ns, UINT64_C(1498793709153000000));
  assert_false(m.maker_buys);
  static const struct {
    const char *text, *field; /* NULL: it is another document */
  } others[] = {{"{\"id\":1,\"price\":\"4\",\"qty\":\"1\",\"time\":5,\"isBuyerMaker\":1}", "isBuyerMaker"},
                {"{\"id\":1,\"price\":\"4\",\"qty\":\"-1\",\"time\":5,\"isBuyerMaker\":true}", "qty"},
                {"{\"id\":1,\"price\":\"4\",\"price\":\"5\",\"qty\":\"1\",\"time\":5,\"isBuyerMaker\":true}", "price"},
                {"{\"id\":1,\"price\":\"4\",\"qty\":\"1\",\"time\":\"noon\",\"isBuyerMaker\":true}", "time"},
                {"{\"a\":1,\"p\":\"4\",\"q\":\"x\",\"f\":1,\"l\":1,\"T\":5,\"m\":true}", "q"},
                {"{\"id\":1,\"price\":\"4\",\"qty\":\"1\",\"time\":5}", NULL},
                {"{\"a\":1,\"p\":\"4\",\"q\":\"1\",\"f\":1,\"l\":1,\"T\":5}", NULL},
                {"{\"id\":7,\"time\":[],\"result\":{\"id\":7,\"price\":{},\"time\":null}}", NULL}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    assay_binance_reader reader;
    assay_binance_open(&reader, others[i].text, strlen(others[i].text), 8, 8, levels, 64);
    assay_feed_step step = assay_binance_next(&reader, &m);
    assert_int_equal(step, others[i].field != NULL ? ASSAY_FEED_MALFORMED : ASSAY_FEED_MESSAGE);
    if (others[i].field != NULL)
      assert_string_equal(reader.in.fault.field, others[i].field);
    else
      assert_int_equal(m.kind, ASSAY_BINANCE_OTHER);
  }
}

/* Numbers that are no JSON, and times that are none. */
static void test_numbers_by_the_grammar(void **state) {
  (void)state;
  static const struct {
    const char *price, *time;
    bool right;
  } cases[] = {{"1.5", "1672515782136", true},    {"0.5", "1672515782136", true},      {"-0.5", "1672515782136", true},
               {"0", "1672515782136", true},      {"5", "1672515782136", true},        {"01.5", "1672515782136", false},
               {".5", "1672515782136", false},    {"5.", "1672515782136", false},      {"00", "1672515782136", false},
               {"-", "1672515782136", false},     {"-.5", "1672515782136", false},     {"-01", "1672515782136", false},
               {"1.5e0", "1672515782136", false}, {"1", "18446744073709", true},       {"1", "18446744073710", false},
               {"1", "50000000000000", false},    {"1", "18446744073709551", true},    {"1", "18446744073709552", false},
               {"1", "99999999999999999", false}, {"1", "18446744073709551615", true}, {"1", "18446744073709551616", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[400];
    assay_binance_message m;
    snprintf(text, sizeof text,
             "{\"e\":\"trade\",\"E\":%s,\"s\":\"BTCUSDT\",\"t\":12345,\"p\":%s,\"q\":2.5,\"T\":%s,\"m\":true,\"M\":true}", cases[i].time,
             cases[i].price, cases[i].time);
    assay_feed_step step = step_of(text, &m);
    if (step != (cases[i].right ? ASSAY_FEED_MESSAGE : ASSAY_FEED_MALFORMED)) fail_msg("%s", text);
    if (step != ASSAY_FEED_MESSAGE) continue;
    int64_t price = 0;
    assert_true(assay_feed_decimal(cases[i].price, strlen(cases[i].price), 8, &price));
    assert_int_equal(m.price, price);
    assert_int_equal(m.quantity, 250000000);
    assert_int_equal(m.time_ns, m.trade_ns);
    assert_true(m.time_ns >= UINT64_C(1672515782136000000));
  }
}

/* Binance's documentation's own examples of what else its streams say. */
static void test_best_prices_and_partial_depth(void **state) {
  (void)state;
  assay_binance_message m = only_message(
      "{\"u\":400900217,\"s\":\"BNBUSDT\",\"b\":\"25.35190000\",\"B\":\"31.21000000\",\"a\":\"25.36520000\",\"A\":\"40.66000000\"}");
  assay_binance_reader reader = {.price_decimals = 8, .quantity_decimals = 8};
  assay_market_event events[50];
  assert_int_equal(m.kind, ASSAY_BINANCE_TICKER);
  assert_true(text_is(m.symbol, "BNBUSDT"));
  assert_int_equal(m.last_update, 400900217);
  assert_int_equal(assay_binance_events(&reader, &m, 3, 0, events, 50), 2);
  assert_int_equal(events[0].kind, ASSAY_MARKET_QUOTE);
  assert_int_equal(events[0].flags, ASSAY_MARKET_WHOLE_SIDE);
  assert_int_equal(events[0].price, 2535190000);
  assert_int_equal(events[0].quantity, 3121000000);
  assert_int_equal(events[1].side, 'S');
  assert_int_equal(events[1].price, 2536520000);
  assert_int_equal(events[1].flags, ASSAY_MARKET_WHOLE_SIDE | ASSAY_MARKET_LAST);
  m = only_message(
      "{\"e\":\"bookTicker\",\"u\":400900217,\"E\":1568014460893,\"T\":1568014460891,\"s\":\"BNBUSDT\",\"b\":\"25.35190000\",\"B\":\"31."
      "21000000\","
      "\"a\":\"25.36520000\",\"A\":\"40.66000000\"}");
  assert_int_equal(m.kind, ASSAY_BINANCE_TICKER);
  assert_int_equal(m.trade_ns, UINT64_C(1568014460891000000));
  static const char part[] =
      "{\"e\":\"depthUpdate\",\"E\":1571889248277,\"T\":1571889248276,\"s\":\"BTCUSDT\",\"U\":390497796,\"u\":390497878,\"pu\":390497794,"
      "\"b\":[[\"7403.89\",\"0.002\"]],\"a\":[[\"7405.96\",\"3.340\"]]}";
  char text[600];
  static const struct {
    const char *stream;
    assay_binance_kind kind;
  } cases[] = {{"btcusdt@depth", ASSAY_BINANCE_DEPTH},          {"btcusdt@depth@100ms", ASSAY_BINANCE_DEPTH},
               {"btcusdt@depth5", ASSAY_BINANCE_SNAPSHOT},      {"btcusdt@depth20@100ms", ASSAY_BINANCE_SNAPSHOT},
               {"btcusdt@depth10@0ms", ASSAY_BINANCE_SNAPSHOT}, {"btcusdt", ASSAY_BINANCE_DEPTH}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    snprintf(text, sizeof text, "{\"stream\":\"%s\",\"data\":%s}", cases[i].stream, part);
    m = only_message(text);
    assert_int_equal(m.kind, cases[i].kind);
    assert_true(text_is(m.symbol, "BTCUSDT"));
    assert_int_equal(m.last_update, 390497878);
    assert_int_equal(assay_binance_events(&reader, &m, 3, 0, events, 50), cases[i].kind == ASSAY_BINANCE_SNAPSHOT ? 3 : 2);
  }
  m = only_message(
      "{\"stream\":\"bnbbtc@depth5\",\"data\":{\"lastUpdateId\":160,\"bids\":[[\"0.0024\",\"10\"]],\"asks\":[[\"0.0026\",\"100\"]]}}");
  assert_int_equal(m.kind, ASSAY_BINANCE_SNAPSHOT);
  assert_true(text_is(m.symbol, "bnbbtc"));
  static const char *const others[] = {
      "{\"e\":\"kline\",\"E\":1672515782136,\"s\":\"BNBBTC\",\"k\":{\"t\":1672515780000,\"T\":1672515839999,\"s\":\"BNBBTC\",\"i\":\"1m\","
      "\"f\":100,\"L\":200,"
      "\"o\":\"0.0010\",\"c\":\"0.0020\",\"h\":\"0.0025\",\"l\":\"0.0015\",\"v\":\"1000\",\"n\":100,\"x\":false,\"q\":\"1.0000\",\"V\":"
      "\"500\",\"Q\":\"0.500\",\"B\":\"123456\"}}",
      "{\"e\":\"24hrTicker\",\"E\":1672515782136,\"s\":\"BNBBTC\",\"p\":\"0.0015\",\"P\":\"250.00\",\"w\":\"0.0018\",\"x\":\"0.0009\","
      "\"c\":\"0.0025\",\"Q\":\"10\","
      "\"b\":\"0.0024\",\"B\":\"10\",\"a\":\"0.0026\",\"A\":\"100\",\"o\":\"0.0010\",\"h\":\"0.0025\",\"l\":\"0.0010\",\"v\":\"10000\","
      "\"q\":\"18\",\"O\":0,\"C\":86400000,"
      "\"F\":0,\"L\":18150,\"n\":18151}",
      "{\"e\":\"markPriceUpdate\",\"E\":1562305380000,\"s\":\"BTCUSDT\",\"p\":\"11794.15000000\",\"i\":\"11784.62659091\",\"P\":\"11784."
      "25641265\",\"r\":\"0.00038167\","
      "\"T\":1562306400000}",
      "{\"result\":null,\"id\":1}"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_int_equal(only_message(others[i]).kind, ASSAY_BINANCE_OTHER);
  static const char wrong[] = "{\"u\":4,\"s\":\"BNBUSDT\",\"b\":\"25.3519\",\"B\":\"x\",\"a\":\"25.3652\",\"A\":\"40.66\"}";
  assert_int_equal(step_of(wrong, &m), ASSAY_FEED_MALFORMED);
}

/* Recorders put the time of receipt before what they received. */
static void test_times_of_receipt(void **state) {
  (void)state;
  static const char text[] =
      "1676419207212527000 {\"u\":4,\"s\":\"BNBUSDT\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\"}\n"
      "1676419207.25\t{\"u\":5,\"s\":\"BNBUSDT\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\"}\n"
      "2023-02-15T00:00:07.1234567Z {\"u\":6,\"s\":\"BNBUSDT\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\"}\n";
  assay_binance_reader reader;
  assay_binance_message m;
  assert_int_equal(assay_feed_recognise(text, sizeof text - 1), ASSAY_FEED_JSON);
  for (size_t cut = 0; cut < sizeof text; cut++) { /* the first window ends anywhere */
    assay_binance_open(&reader, text, 0, 8, 8, levels, 64);
    assay_feed_window(&reader.in, text, cut, false);
    uint64_t update = 4;
    for (assay_feed_step step = ASSAY_FEED_MESSAGE; step != ASSAY_FEED_END;) {
      step = assay_binance_next(&reader, &m);
      assert_int_not_equal(step, ASSAY_FEED_MALFORMED);
      if (step == ASSAY_FEED_MESSAGE) assert_int_equal(m.last_update, update++);
      size_t at = (size_t)(reader.in.base + reader.in.at);
      if (step == ASSAY_FEED_MORE) assay_feed_window(&reader.in, text + at, sizeof text - 1 - at, true);
    }
    assert_int_equal(update, 7);
  }
  static const char *const first[] = {"2023-02-15T00:00:07.1234567Z {", "1676419207.25\t{"};
  for (size_t i = 0; i < 2; i++) assert_int_equal(assay_feed_recognise(first[i], strlen(first[i])), ASSAY_FEED_JSON);
  static const char *const wrong[] = {"5", "5 ", "5{}", "5 [", "a {}", "5 5 {}"};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    assay_binance_open(&reader, wrong[i], strlen(wrong[i]), 8, 8, levels, 64);
    assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MALFORMED);
    assert_int_equal(reader.in.fault.offset, 0);
  }
}

/* A list of documents is what is in it, wherever a window ends. */
static void test_lists(void **state) {
  (void)state;
  char text[4000] = "[";
  for (int i = 0; i < 20; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text),
             "%s{\"e\":\"trade\",\"E\":1,\"s\":\"BTCUSDT\",\"t\":%d,\"p\":\"1.5\",\"q\":\"2\",\"T\":1,\"m\":true,\"M\":true}",
             i > 0 ? ",\n " : "", 1000 + i);
  strcat(text, "\n]\n");
  for (size_t cut = 0; cut <= strlen(text); cut++) {
    assay_binance_reader reader;
    assay_binance_message m;
    uint64_t id = 1000;
    assay_binance_open(&reader, text, 0, 8, 8, levels, 64);
    assay_feed_window(&reader.in, text, cut, false);
    for (assay_feed_step step = ASSAY_FEED_MESSAGE; step != ASSAY_FEED_END;) {
      step = assay_binance_next(&reader, &m);
      if (step == ASSAY_FEED_MALFORMED) fail_msg("%s", reader.in.fault.problem);
      if (step == ASSAY_FEED_MESSAGE) assert_int_equal(m.id, id++);
      const size_t at = (size_t)(reader.in.base + reader.in.at);
      if (step == ASSAY_FEED_MORE) assay_feed_window(&reader.in, text + at, strlen(text) - at, true);
    }
    assert_int_equal(id, 1020);
  }
}

#define SOME_TRADE "{\"e\":\"trade\",\"E\":1,\"s\":\"AB\",\"t\":7,\"p\":\"1.5\",\"q\":\"2\",\"T\":1,\"m\":true,\"M\":true}"

/* Text with T for a trade of 78 bytes. */
static size_t write_marks(const char *marks, char *text) {
  size_t length = 0;
  for (; *marks != '\0'; marks++) {
    const char *piece = *marks == 'T' ? SOME_TRADE : (const char[]){*marks, '\0'};
    memcpy(text + length, piece, strlen(piece));
    length += strlen(piece);
  }
  return length;
}

/* A fault whose end is in what is not there yet is met again. */
static bool tell_fault(assay_feed_reader *in, size_t counts[2], assay_feed_fault *first) {
  const assay_feed_fault fault = in->fault;
  const bool is_passed = assay_feed_skip(in);
  if (!is_passed && !in->last) {
    in->fault = (assay_feed_fault){0};
    return true;
  }
  if (counts[1]++ == 0) *first = fault;
  return is_passed;
}

/* Reads all of a text that comes in two windows; counts trades and faults, and keeps the first fault. */
static void read_marks(const char *text, size_t length, size_t cut, size_t counts[2], assay_feed_fault *first) {
  assay_binance_reader reader;
  assay_binance_message m;
  counts[0] = counts[1] = 0;
  *first = (assay_feed_fault){0};
  assay_binance_open(&reader, text, 0, 8, 8, levels, 64);
  assay_feed_window(&reader.in, text, cut, false);
  for (;;) {
    const assay_feed_step step = assay_binance_next(&reader, &m);
    const size_t told = counts[1];
    if (step == ASSAY_FEED_END || (step == ASSAY_FEED_MALFORMED && !tell_fault(&reader.in, counts, first))) return;
    counts[0] += step == ASSAY_FEED_MESSAGE;
    const size_t at = (size_t)(reader.in.base + reader.in.at);
    if (step == ASSAY_FEED_MORE || (step == ASSAY_FEED_MALFORMED && told == counts[1]))
      assay_feed_window(&reader.in, text + at, length - at, true);
  }
}

/* Commas that are too many or missing, and lists that are cut off, are told where they are, and cost no message. */
static void test_marks_of_lists(void **state) {
  (void)state;
  const size_t trade = strlen(SOME_TRADE);
  const struct {
    const char *marks;
    size_t trades, faults, offset;
    const char *says;
  } cases[] = {{"[T,T]", 2, 0, 0, NULL},
               {"[]", 0, 0, 0, NULL},
               {" [ T , T ]\n[T]\nT\n[]T", 5, 0, 0, NULL},
               {"[[T,T],[],[T],T]", 4, 0, 0, NULL},
               {"\xef\xbb\xbf[T]", 1, 0, 0, NULL},
               {"\xef\xbb\xbf\r\n\n[T]\n", 1, 0, 0, NULL},
               {"\xef\xbb\xbf\n T", 1, 0, 0, NULL},
               {"[5 T,5 T]", 2, 0, 0, NULL},
               {"[T,T,]", 2, 1, 2 * trade + 3, "without a document behind"},
               {"[T,,T]", 2, 1, trade + 2, "without a document before"},
               {"[,T]", 1, 1, 1, "without a document before"},
               {"T,T", 2, 1, trade, "documents that are no list"},
               {"T,\nT,\n", 2, 2, trade, "documents that are no list"},
               {"T]", 1, 1, trade, "has not begun"},
               {"[T]]", 1, 1, trade + 2, "has not begun"},
               {"[T", 1, 1, trade + 1, "ends inside a list"},
               {"[T,", 1, 1, trade + 2, "ends inside a list"},
               {"[[T]", 1, 1, trade + 3, "ends inside a list"},
               {"[TT]", 2, 1, trade + 1, "a comma or the end of the list"},
               {"[T T,T]", 3, 1, trade + 2, "a comma or the end of the list"},
               {"[T[T]]", 2, 1, trade + 1, "a comma or the end of the list"},
               /* What is malformed goes with its line; the rest of its list is read as before. */
               {"[T,\n{},\n{5},\nT\n]\n[T]", 4, 1, trade + 8, "no JSON"},
               {"[{5}]\n[T]\n[T", 2, 2, 2, "no JSON"},
               {"[7,T]", 0, 1, 1, "has to begin with {"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static char text[2000];
    const size_t length = write_marks(cases[i].marks, text);
    for (size_t cut = 0; cut <= length; cut++) {
      size_t counts[2];
      assay_feed_fault first;
      read_marks(text, length, cut, counts, &first);
      if (counts[0] != cases[i].trades || counts[1] != cases[i].faults)
        fail_msg("'%s' cut at %zu: %zu trades and %zu faults (%s)", cases[i].marks, cut, counts[0], counts[1],
                 first.problem != NULL ? first.problem : "none");
      if (counts[1] == 0) continue;
      assert_int_equal(first.offset, cases[i].offset);
      if (strcmp(cases[i].says, "no JSON") != 0) assert_non_null(strstr(first.problem, cases[i].says));
    }
  }
}

static void test_decimal_text(void **state) {
  (void)state;
  static const struct {
    const char *text;
    unsigned decimals;
    bool fits;
    int64_t value;
  } cases[] = {{"0", 0, true, 0},
               {"7", 2, true, 700},
               {"-12.50", 2, true, -1250},
               {".5", 1, true, 5},
               {"5.", 1, true, 50},
               {"1.2300", 2, true, 123},
               {"1.2301", 2, false, 0},
               {"9223372036854775807", 0, true, INT64_MAX},
               {"9223372036854775808", 0, false, 0},
               {"-9223372036854775807", 0, true, -INT64_MAX},
               {"92233720368.54775807", 8, true, INT64_MAX},
               {"", 0, false, 0},
               {".", 0, false, 0},
               {"-", 0, false, 0},
               {"1 ", 0, false, 0},
               {"+1", 0, false, 0},
               {"1", 16, false, 0},
               {"00012.5", 1, true, 125}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t value = -42;
    assert_int_equal(assay_feed_decimal(cases[i].text, strlen(cases[i].text), cases[i].decimals, &value), cases[i].fits);
    assert_int_equal(value, cases[i].fits ? cases[i].value : -42);
  }
}

/* Every count of digits on both sides of the point, by the fast way and the slow one. */
static void test_numbers_of_every_shape(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 1);
  for (int round = 0; round < 20000; round++) {
    int whole = (int)assay_random_below(&random, 12), fraction = (int)assay_random_below(&random, 10);
    unsigned decimals = (unsigned)assay_random_below(&random, 11);
    char number[40], text[400];
    int at = 0;
    for (int i = 0; i < whole; i++) number[at++] = (char)('0' + assay_random_below(&random, 10));
    if (fraction > 0 || assay_random_below(&random, 9) == 0) number[at++] = '.';
    for (int i = 0; i < fraction; i++) number[at++] = (char)('0' + assay_random_below(&random, 10));
    if (assay_random_below(&random, 20) == 0 && at > 0)
      number[assay_random_below(&random, (uint64_t)at)] = "x-+ :/"[assay_random_below(&random, 6)];
    number[at] = '\0';
    int64_t expected = 0;
    bool fits = assay_feed_decimal(number, (size_t)at, decimals, &expected) && expected >= 0;
    snprintf(text, sizeof text, "{\"lastUpdateId\":1,\"asks\":[],\"bids\":[[\"1\",\"%s\"]]}%*s", number, round % 2 * 200, "");
    assay_binance_reader reader;
    assay_binance_message m;
    assay_binance_open(&reader, text, strlen(text), 8, decimals, levels, 64);
    assert_int_equal(assay_binance_next(&reader, &m), fits ? ASSAY_FEED_MESSAGE : ASSAY_FEED_MALFORMED);
    if (fits) assert_int_equal(m.bids[0].quantity, expected);
  }
}

/* ---- Like the last one
 * --------------------------------------------------------------------------------------------------------------------
 */

/* The same place, or of what has escapes the same words in each reader. */
static bool same_text(assay_feed_text a, assay_feed_text b) {
  if (a.at == b.at || a.at == NULL || b.at == NULL) return a.at == b.at && a.length == b.length;
  return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

static bool same_trade(const assay_binance_message *a, const assay_binance_message *b) {
  return a->kind == b->kind && a->maker_buys == b->maker_buys && a->has_previous == b->has_previous && same_text(a->symbol, b->symbol) &&
         same_text(a->stream, b->stream) && same_text(a->event, b->event) && a->time_ns == b->time_ns && a->trade_ns == b->trade_ns &&
         a->id == b->id && a->first_id == b->first_id && a->last_id == b->last_id && a->price == b->price && a->quantity == b->quantity &&
         a->first_update == b->first_update && a->last_update == b->last_update && a->previous_update == b->previous_update &&
         a->bid_count == b->bid_count && a->ask_count == b->ask_count;
}

/* How the trades of a stream are written: the order of their members, blanks, what else there is. */
typedef struct habit {
  size_t order[14], count;
  bool aggregate, combined, blanks, microseconds;
} habit;

static habit make_habit(assay_random *random) {
  habit h = {.aggregate = assay_random_below(random, 2) == 0,
             .combined = assay_random_below(random, 3) == 0,
             .blanks = assay_random_below(random, 3) == 0,
             .microseconds = assay_random_below(random, 3) == 0};
  h.count = 9 + (size_t)assay_random_below(random, 5);
  for (size_t i = 0; i < h.count; i++) h.order[i] = i;
  if (assay_random_below(random, 2) == 0) assay_random_shuffle(random, h.order, h.count);
  return h;
}

/* Up to `most` digits, of which the first is rarely 0. */
static int put_digits(assay_random *random, char *out, int most) {
  int count = 1 + (int)assay_random_below(random, 20) % most;
  for (int i = 0; i < count; i++) out[i] = (char)('0' + assay_random_below(random, 10));
  if (out[0] == '0' && assay_random_below(random, 50) > 0) out[0] = '1';
  return count;
}

static int put_quoted_decimal(assay_random *random, char *out) {
  int at = 0;
  out[at++] = '"';
  at += put_digits(random, out + at, assay_random_below(random, 30) == 0 ? 12 : 3);
  if (assay_random_below(random, 10) > 0) {
    out[at++] = '.';
    for (int i = 0; i < 8; i++) out[at++] = i < 4 ? (char)('0' + assay_random_below(random, 10)) : '0';
    if (assay_random_below(random, 20) == 0) at -= (int)assay_random_below(random, 9);
  }
  out[at++] = '"';
  return at;
}

static size_t put_trade(assay_random *random, const habit *h, char *out) {
  static const char *const symbols[] = {"BTCUSDT", "ETHUSDT", "PEPEUSDT", "X", "", "BTC\\u0055SDT"};
  const char *colon = h->blanks ? ": " : ":", *comma = h->blanks ? ", " : ",";
  const char *symbol = symbols[assay_random_below(random, 8) == 0 ? assay_random_below(random, 6) : 0];
  size_t at = 0;
  if (h->combined) at += (size_t)sprintf(out, "{\"stream\"%s\"%s@trade\"%s\"data\"%s", colon, symbol, comma, colon);
  out[at++] = '{';
  for (size_t i = 0; i < h->count; i++) {
    char *member = out + at;
    size_t which = h->order[i];
    if (i > 0) at += (size_t)sprintf(out + at, "%s", comma);
    at += (size_t)sprintf(
        out + at, "\"%s\"%s",
        (const char *[]){"e", "E", "s", h->aggregate ? "a" : "t", "p", "q", "T", "m", "f", "l", "M", "b", "X", "n"}[which], colon);
    switch (which) {
      case 0: at += (size_t)sprintf(out + at, "\"%s\"", h->aggregate ? "aggTrade" : "trade"); break;
      case 2: at += (size_t)sprintf(out + at, "\"%s\"", symbol); break;
      case 4:
      case 5: at += (size_t)put_quoted_decimal(random, out + at); break;
      case 7: at += (size_t)sprintf(out + at, assay_random_below(random, 2) == 0 ? "true" : "false"); break;
      case 1:
      case 6:
        at +=
            (size_t)sprintf(out + at, "%llu", (h->microseconds ? 1672515782136000ull : 1672515782136ull) + assay_random_below(random, 999));
        break;
      case 10: at += (size_t)sprintf(out + at, "true"); break;
      case 12: at += (size_t)sprintf(out + at, "\"MARKET\""); break;
      case 13: at += (size_t)sprintf(out + at, "null"); break;
      default: at += (size_t)put_digits(random, out + at, 19); break;
    }
    (void)member;
  }
  out[at++] = '}';
  if (h->combined) out[at++] = '}';
  return at;
}

/* A reader that has read trades like this one answers as one that has not, whatever is wrong with the document, and wherever it ends. */
static void test_trades_like_the_last_one(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 6);
  uint64_t right = 0, fitted = 0;
  for (int stream = 0; stream < 300; stream++) {
    habit h = make_habit(&random);
    assay_binance_reader kept;
    unsigned price_decimals = assay_random_below(&random, 2) == 0 ? 8 : 4, quantity_decimals = (unsigned)assay_random_below(&random, 12);
    assay_binance_open(&kept, "", 0, price_decimals, quantity_decimals, NULL, 0);
    for (int i = 0; i < 100; i++) {
      char text[1000];
      size_t size = put_trade(&random, &h, text);
      if (assay_random_below(&random, 4) == 0) {
        size_t at = (size_t)assay_random_below(&random, size);
        text[at] = assay_random_below(&random, 2) == 0 ? (char)(text[at] ^ 1 << assay_random_below(&random, 8))
                                                       : "0123456789\"\\.,:}{tfe- "[assay_random_below(&random, 23)];
      }
      if (assay_random_below(&random, 20) == 0) size = (size_t)assay_random_below(&random, size) + 1;
      size_t behind = i % 2 == 0 ? 0 : (size_t)assay_random_below(&random, 600);
      char *bytes = malloc(size + behind);
      memcpy(bytes, text, size);
      memset(bytes + size, ' ', behind);
      assay_binance_reader fresh;
      assay_binance_message a, b;
      assay_binance_open(&fresh, bytes, size + behind, price_decimals, quantity_decimals, NULL, 0);
      memset(&kept.in, 0, sizeof kept.in);
      assay_feed_window(&kept.in, bytes, size + behind, true);
      uint32_t before = kept.shape.age;
      assay_feed_step wanted = assay_binance_next(&fresh, &a), step = assay_binance_next(&kept, &b);
      if (step != wanted) fail_msg("%d, not %d: %.*s", (int)step, (int)wanted, (int)size, bytes);
      if (step == ASSAY_FEED_MESSAGE) {
        if (!same_trade(&a, &b)) fail_msg("not the same: %.*s", (int)size, bytes);
        assert_int_equal(kept.in.at, fresh.in.at);
        right++;
        fitted += kept.shape.age > before;
      } else {
        assert_memory_equal(&kept.in.fault, &fresh.in.fault, sizeof kept.in.fault);
      }
      free(bytes);
    }
  }
  if (fitted > 0) assert_true(fitted > right / 5); /* none: this processor has no fast way */
}

/* ---- Beside jansson ------------------------------------------------------------------------------------------------------------------ */

static size_t put_blanks(assay_random *random, char *out) {
  size_t count = assay_random_below(random, 4) == 0 ? (size_t)assay_random_below(random, 4) : 0;
  for (size_t i = 0; i < count; i++) out[i] = " \t\r\n"[assay_random_below(random, 4)];
  return count;
}

static size_t put_quoted(assay_random *random, char *out, const char *text) {
  size_t at = 0;
  out[at++] = '"';
  for (; *text != '\0'; text++)
    if (assay_random_below(random, 40) == 0)
      at += (size_t)sprintf(out + at, "\\u%04x", *text);
    else
      out[at++] = *text;
  out[at++] = '"';
  return at;
}

/* A trade or a depth with its members in any order. */
static size_t put_document(assay_random *random, char *out) {
  char members[12][300];
  size_t count = 0, order[12], at = 0;
  bool depth = assay_random_below(random, 2) == 0;
  char *m;
#define MEMBER(key)     \
  m = members[count++]; \
  m += put_quoted(random, m, key), m += put_blanks(random, m), *m++ = ':', m += put_blanks(random, m)
#define NUMBER(key, below) \
  MEMBER(key);             \
  sprintf(m, "%llu", (unsigned long long)assay_random_below(random, below))
#define QUOTED(key, ...)                      \
  MEMBER(key);                                \
  snprintf(value, sizeof value, __VA_ARGS__); \
  m[put_quoted(random, m, value)] = '\0'
  char value[100];
  QUOTED("e", "%s", depth ? "depthUpdate" : "trade");
  NUMBER("E", 1000000000000ull);
  QUOTED("s", "SYM%d", (int)assay_random_below(random, 100));
  if (depth) {
    NUMBER("U", 1000);
    MEMBER("u");
    sprintf(m, "%llu", 1000 + (unsigned long long)assay_random_below(random, 1ull << 62));
    for (int side = 0; side < 2; side++) {
      MEMBER(side == 0 ? "b" : "a");
      *m++ = '[';
      size_t levels_ = (size_t)assay_random_below(random, 3);
      for (size_t i = 0; i < levels_; i++) {
        m += put_blanks(random, m);
        m += sprintf(m, "%s[\"%d.%08d\",", i > 0 ? "," : "", (int)assay_random_below(random, 100000),
                     (int)assay_random_below(random, 100000000));
        m += put_blanks(random, m);
        m += sprintf(m, "\"%d.%03d\"]", (int)assay_random_below(random, 1000), (int)assay_random_below(random, 1000));
      }
      m += put_blanks(random, m);
      strcpy(m, "]");
    }
  } else {
    NUMBER("t", 1ull << 63);
    NUMBER("T", 10000000000000ull);
    QUOTED("p", "%d.%04d", (int)assay_random_below(random, 100000), (int)assay_random_below(random, 10000));
    QUOTED("q", "%d", (int)assay_random_below(random, 1000000));
    MEMBER("m");
    strcpy(m, assay_random_below(random, 2) == 0 ? "true" : "false");
  }
  if (assay_random_below(random, 3) == 0) {
    MEMBER("more");
    strcpy(m, "{\"e\":[null,{}],\"p\":-1.5E-3}");
  }
  for (size_t i = 0; i < count; i++) order[i] = i;
  assay_random_shuffle(random, order, count);
  out[at++] = '{';
  for (size_t i = 0; i < count; i++) {
    at += put_blanks(random, out + at);
    at += (size_t)sprintf(out + at, "%s%s", i > 0 ? "," : "", members[order[i]]);
    at += put_blanks(random, out + at);
  }
  out[at++] = '}';
  return at;
}

static int64_t steps_of(const json_t *text) {
  int64_t value = -1;
  assert_true(assay_feed_decimal(json_string_value(text), strlen(json_string_value(text)), 8, &value));
  return value;
}

static void compare_levels(const json_t *list, const assay_binance_level *found, size_t count) {
  assert_int_equal(json_array_size(list), count);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(steps_of(json_array_get(json_array_get(list, i), 0)), found[i].price);
    assert_int_equal(steps_of(json_array_get(json_array_get(list, i), 1)), found[i].quantity);
  }
}

static void compare(const char *text, size_t length, const assay_binance_message *m) {
  json_error_t problem;
  json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
  if (root == NULL) fail_msg("%s: %.*s", problem.text, (int)length, text);
  assert_string_equal(json_string_value(json_object_get(root, "e")), assay_binance_kind_text(m->kind));
  assert_int_equal((uint64_t)json_integer_value(json_object_get(root, "E")) * 1000000, m->time_ns);
  if (m->kind == ASSAY_BINANCE_TRADE) {
    assert_int_equal(json_integer_value(json_object_get(root, "t")), m->id);
    assert_int_equal((uint64_t)json_integer_value(json_object_get(root, "T")) * 1000000, m->trade_ns);
    assert_int_equal(steps_of(json_object_get(root, "p")), m->price);
    assert_int_equal(steps_of(json_object_get(root, "q")), m->quantity);
    assert_int_equal(json_is_true(json_object_get(root, "m")), m->maker_buys);
  } else {
    assert_int_equal(json_integer_value(json_object_get(root, "U")), m->first_update);
    assert_int_equal(json_integer_value(json_object_get(root, "u")), m->last_update);
    compare_levels(json_object_get(root, "b"), m->bids, m->bid_count);
    compare_levels(json_object_get(root, "a"), m->asks, m->ask_count);
  }
  json_decref(root);
}

static void test_beside_jansson(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 2);
  static char text[200 * 1000];
  static size_t ends[200];
  for (int round = 0; round < 10; round++) {
    size_t size = 0;
    for (int i = 0; i < 200; i++) {
      size += put_document(&random, text + size);
      ends[i] = size;
    }
    assay_binance_reader reader;
    assay_binance_message m;
    assay_binance_open(&reader, text, size, 8, 8, levels, 64);
    for (int i = 0; i < 200; i++) {
      assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MESSAGE);
      assert_int_equal(reader.in.at, ends[i]);
      size_t begin = i > 0 ? ends[i - 1] : 0;
      compare(text + begin, ends[i] - begin, &m);
    }
    assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_END);
  }
}

/* Every document cut everywhere: more is needed, and never a message; and never a byte read behind the cut (sanitizers see it). */
static void test_every_cut(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 3);
  for (int round = 0; round < 60; round++) {
    char text[2000];
    size_t size = put_document(&random, text);
    for (size_t cut = 1; cut < size; cut++) {
      char *copy = malloc(cut);
      memcpy(copy, text, cut);
      assay_binance_reader reader;
      assay_binance_message m;
      assay_binance_open(&reader, copy, cut, 8, 8, levels, 64);
      assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MALFORMED);
      assert_int_equal(reader.in.fault.offset, cut);
      assay_binance_open(&reader, copy, cut, 8, 8, levels, 64);
      reader.in.last = false;
      assert_int_equal(assay_binance_next(&reader, &m), ASSAY_FEED_MORE);
      assert_int_equal(reader.in.at, 0);
      free(copy);
    }
  }
}

static void test_flipped_bits(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 4);
  char text[2000];
  for (int round = 0; round < 20000; round++) {
    size_t size = put_document(&random, text);
    size_t at = (size_t)assay_random_below(&random, size);
    text[at] = (char)(text[at] ^ 1 << assay_random_below(&random, 8));
    if (text[at] == '\0') continue; /* jansson takes it for a blank */
    assay_binance_reader reader;
    assay_binance_message m;
    json_error_t problem;
    assay_binance_open(&reader, text, size, 8, 8, levels, 64);
    assay_feed_step step = assay_binance_next(&reader, &m);
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    /* What jansson takes for JSON is one for us, but where the bytes are no longer the fields that a message needs. */
    if (root == NULL && step == ASSAY_FEED_MESSAGE && strstr(problem.text, "UTF-8") == NULL &&
        strstr(problem.text, "decode byte") == NULL && strstr(problem.text, "Unicode") == NULL && strstr(problem.text, "u0000") == NULL &&
        strstr(problem.text, "duplicate") == NULL && strstr(problem.text, "big") == NULL &&
        assay_binance_next(&reader, &m) == ASSAY_FEED_END)
      fail_msg("%s: %.*s", problem.text, (int)size, text);
    if (root != NULL && step == ASSAY_FEED_MALFORMED && strcmp(reader.in.fault.field, "JSON") == 0)
      fail_msg("%s at %d, byte %d: %.*s", reader.in.fault.problem, (int)reader.in.fault.offset, text[reader.in.fault.offset], (int)size,
               text);
    json_decref(root);
  }
}

static void test_made_stream(void **state) {
  (void)state;
  assay_feed_market market = {.format = ASSAY_FEED_JSON, .seed = 5, .messages = 3000, .symbols = 3, .orders = 40};
  assay_error err = {0};
  uint8_t *text = NULL;
  size_t size = 0;
  assert_ok(assay_feed_generate(&market, &err, &text, &size), err);
  assert_int_equal(assay_feed_recognise(text, size), ASSAY_FEED_JSON);
  assay_binance_reader reader;
  assay_binance_message m;
  assay_binance_open(&reader, text, size, 8, 8, levels, 64);
  uint64_t updates[4] = {0}, seen[ASSAY_BINANCE_KINDS] = {0};
  while (assay_binance_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    seen[m.kind]++;
    uint64_t *update = &updates[m.symbol.at[6] - '0'];
    if (m.kind == ASSAY_BINANCE_DEPTH) assert_int_equal(m.first_update, *update + 1);
    if (m.kind != ASSAY_BINANCE_TRADE) *update = m.last_update;
  }
  assert_null(reader.in.fault.problem);
  assert_int_equal(reader.in.at, size);
  assert_int_equal(seen[ASSAY_BINANCE_SNAPSHOT], 3);
  assert_true(seen[ASSAY_BINANCE_DEPTH] > 2500 && seen[ASSAY_BINANCE_TRADE] > 100);
  assay_feed_generated_free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_trade),
      cmocka_unit_test(test_the_same_in_other_words),
      cmocka_unit_test(test_texts_with_escapes),
      cmocka_unit_test(test_long_texts_with_escapes),
      cmocka_unit_test(test_depth_and_snapshot),
      cmocka_unit_test(test_faults),
      cmocka_unit_test(test_trades_that_were_asked_for),
      cmocka_unit_test(test_numbers_by_the_grammar),
      cmocka_unit_test(test_best_prices_and_partial_depth),
      cmocka_unit_test(test_times_of_receipt),
      cmocka_unit_test(test_lists),
      cmocka_unit_test(test_marks_of_lists),
      cmocka_unit_test(test_decimal_text),
      cmocka_unit_test(test_numbers_of_every_shape),
      cmocka_unit_test(test_trades_like_the_last_one),
      cmocka_unit_test(test_beside_jansson),
      cmocka_unit_test(test_every_cut),
      cmocka_unit_test(test_flipped_bits),
      cmocka_unit_test(test_made_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

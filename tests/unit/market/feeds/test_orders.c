/* SPDX-License-Identifier: MIT */
/* Tables of orders: by hand, words in every spelling, what does not fit, and in windows of every size. */
#include <assay/feed_orders.h>

#include "test.h"

static assay_feed_step read_one(const char *text, assay_order_row *row, assay_feed_fault *fault) {
  assay_order_reader reader;
  assay_orders_open(&reader, text, strlen(text), 2, 0);
  assay_feed_step step = assay_orders_next(&reader, row);
  *fault = reader.in.fault;
  return step;
}

static assay_book_message message_of(const char *text) {
  assay_order_row row;
  assay_feed_fault fault;
  if (read_one(text, &row, &fault) != ASSAY_FEED_MESSAGE) fail_msg("%s: %s", fault.field, fault.problem);
  return row.message;
}

static void test_kinds_that_say_otherwise(void **state) {
  (void)state;
  static const struct {
    const char *text, *field;
  } cases[] = {{"kind,id,type\nmarket,1,limit\n", "type"},
               {"type,kind,id\nstop,market,1\n", "type"},
               {"kind,id,tif\nioc,1,gtc\n", "tif"},
               {"kind,id,tif\nioc,1,fok\n", "tif"}};
  assay_feed_fault fault;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_order_row row = {.message.id = 77};
    assert_int_equal(read_one(cases[i].text, &row, &fault), ASSAY_FEED_MALFORMED);
    assert_string_equal(fault.field, cases[i].field);
    assert_int_equal(row.message.id, 77); /* untouched */
  }
  assert_int_equal(message_of("kind,id,type\nmarket,1,market\n").type, ASSAY_BOOK_MARKET);
  assert_int_equal(message_of("kind,id,tif\nioc,1,ioc\n").tif, ASSAY_BOOK_IOC);
}

static void test_every_field(void **state) {
  (void)state;
  assay_book_message m = message_of(
      "\xef\xbb\xbfTime,Action,ORDER_ID,account,book,Symbol,side,Order Type,time-in-force,price,qty,display,stop "
      "price,expire,self_trade\r\n"
      "17,Add,18446744073709551615,4294967295,3,\"A,B\",Sell,stop-limit,GTD,-100.25,281474976710655,7,100.5,99,Cancel Oldest\r\n");
  assert_int_equal(m.time, 17);
  assert_int_equal(m.kind, ASSAY_BOOK_NEW);
  assert_true(m.id == UINT64_MAX);
  assert_int_equal(m.account, UINT32_MAX);
  assert_int_equal(m.book, 3);
  assert_int_equal(m.side, ASSAY_SELL);
  assert_int_equal(m.type, ASSAY_BOOK_STOP_LIMIT);
  assert_int_equal(m.tif, ASSAY_BOOK_GTD);
  assert_int_equal(m.price, -10025);
  assert_true(m.quantity == ASSAY_BOOK_MOST_QUANTITY);
  assert_int_equal(m.display, 7);
  assert_int_equal(m.trigger, 10050);
  assert_int_equal(m.expire, 99);
  assert_int_equal(m.self_trade, ASSAY_BOOK_CANCEL_OLDEST);
}

static void test_what_is_not_said_is_zero(void **state) {
  (void)state;
  assay_book_message m = message_of("id;kind;price;note\n\n5;;;whatever\n"), zero;
  memset(&zero, 0, sizeof zero);
  zero.id = 5;
  assert_memory_equal(&m, &zero, sizeof m);
}

static void test_kinds(void **state) {
  (void)state;
  static const struct {
    const char *row;
    assay_book_kind kind;
    unsigned type, tif;
  } rows[] = {{"new,1,,", ASSAY_BOOK_NEW, ASSAY_BOOK_LIMIT, ASSAY_BOOK_GTC},
              {"market,1,,", ASSAY_BOOK_NEW, ASSAY_BOOK_MARKET, ASSAY_BOOK_GTC},
              {"ioc,1,,", ASSAY_BOOK_NEW, ASSAY_BOOK_LIMIT, ASSAY_BOOK_IOC},
              {"limit,1,post-only,", ASSAY_BOOK_NEW, ASSAY_BOOK_POST_ONLY, ASSAY_BOOK_GTC},
              {"cancel,1,limit,", ASSAY_BOOK_CANCEL, 0, 0},
              {"modify,1,iceberg,", ASSAY_BOOK_MODIFY, 0, 0},
              {"Mass Cancel,,,", ASSAY_BOOK_MASS_CANCEL, 0, 0},
              {"phase,,,auction", ASSAY_BOOK_PHASE, ASSAY_BOOK_AUCTION, 0},
              {"uncross,,,continuous", ASSAY_BOOK_UNCROSS, ASSAY_BOOK_CONTINUOUS, 0},
              {"kill,,,", ASSAY_BOOK_KILL, 1, 0},
              {"revive,,,", ASSAY_BOOK_KILL, 0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char text[128];
    snprintf(text, sizeof text, "kind,id,type,phase\n%s", rows[i].row);
    assay_book_message m = message_of(text);
    assert_int_equal(m.kind, rows[i].kind);
    assert_int_equal(m.type, rows[i].type);
    assert_int_equal(m.tif, rows[i].tif);
  }
}

/* Names and words as others write them: what stands between their parts does not count. */
static void test_other_names(void **state) {
  (void)state;
  assay_book_message wanted = message_of(
      "kind,id,time,account,side,type,tif,price,quantity,display,trigger,self_trade\n"
      "new,7,3,2,sell,stop_limit,gtd,1.25,9,0,1.5,cancel_both\n");
  static const char *const others[] = {
      "msg_type,orderId,ts,Account ID,side,ordType,timeInForce,px,sz,display_qty,stop_px,stp\n"
      "submit,7,3,2,S,StopLimit,GTD,1.25,9,0,1.5,cancel-both\n",
      "op,Order Ref,ts_ns,accountid,side,OrderType,TIF,limit_price,shares,displaysize,triggerPrice,selfTradePrevention\n"
      "Insert,7,3,2,ask,STOP_LIMIT,gtd,1.25,9,0,1.5,CancelBoth\n"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    assay_book_message m = message_of(others[i]);
    assert_memory_equal(&m, &wanted, sizeof m);
  }
}

/* Where no column is of kinds. Where one is, a type is a type. */
static void test_types_that_are_kinds(void **state) {
  (void)state;
  static const struct {
    const char *text;
    assay_book_kind kind;
    unsigned type, tif;
  } rows[] = {{"type,id\ncancel,5", ASSAY_BOOK_CANCEL, 0, 0},
              {"id,order_type\n5,Modify", ASSAY_BOOK_MODIFY, 0, 0},
              {"type,id\nmarket,5", ASSAY_BOOK_NEW, ASSAY_BOOK_MARKET, 0},
              {"type,id\nlimit,5", ASSAY_BOOK_NEW, 0, 0},
              {"type,id\nioc,5", ASSAY_BOOK_NEW, 0, ASSAY_BOOK_IOC},
              {"type,id,tif\nadd,5,fok", ASSAY_BOOK_NEW, 0, ASSAY_BOOK_FOK},
              {"type,id\n,5", ASSAY_BOOK_NEW, 0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assay_book_message m = message_of(rows[i].text);
    assert_int_equal(m.kind, rows[i].kind);
    assert_int_equal(m.type, rows[i].type);
    assert_int_equal(m.tif, rows[i].tif);
    assert_int_equal(m.id, 5);
  }
  assay_order_row row;
  assay_feed_fault fault;
  assert_int_equal(read_one("kind,type,id\nnew,cancel,5", &row, &fault), ASSAY_FEED_MALFORMED);
  assert_string_equal(fault.field, "type");
}

/* The same bytes as assay_book_limits_message makes. */
static void test_limits(void **state) {
  (void)state;
  const assay_book_limits limits = {.quantity = 5, .notional = UINT64_MAX, .position = 7, .rate = 4000000000, .collar = 9};
  assay_book_message wanted = assay_book_limits_message(3, 2, &limits);
  assay_book_message m =
      message_of("kind,id,time,account,quantity,display,expire,price,trigger\nlimits,,3,2,5,18446744073709551615,7,4000000000,9");
  assert_memory_equal(&m, &wanted, sizeof m);
}

static void test_new_ids_and_words_that_are_hashed(void **state) {
  (void)state;
  assay_book_message m = message_of("kind,id,new_id,expire\nreplace,a,foobar,77");
  assert_true(m.id == UINT64_C(0xaf63dc4c8601ec8c)); /* FNV-1a's own table */
  assert_true(m.new_id == UINT64_C(0x85944171f73967e8));
}

static void test_what_is_malformed(void **state) {
  (void)state;
  static const struct {
    const char *text, *field;
    size_t offset;
  } rows[] = {{"kind,price\nnew,1", "id", 0},
              {"id,ID\n1,1", "id", 3},
              {"kind,id\nsend,1", "kind", 8},
              {"id\n18446744073709551616", "id", 3},
              {"id,price\n1,21474836.48", "price", 11},
              {"id,price\n1,0.001", "price", 11},
              {"id,quantity\n1,-1", "quantity", 14},
              {"id,quantity\n1,281474976710656", "quantity", 14},
              {"id,side\n1,x", "side", 10},
              {"id,side\n1,-1", "side", 10},
              {"id,side\n1,buy_", "side", 10},
              {"id,tif\n1,-", "tif", 9},
              {"id,time\n1,34200.5", "time", 10},
              {"id,tif\n1,gtx", "tif", 9},
              {"id,account\n1,4294967296", "account", 13},
              {"id,book\n1,4294967295", "book", 10},
              {"id,side\n1", "columns", 9},
              {"id,side\n1,buy,2", "columns", 14}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assay_order_row row;
    assay_feed_fault fault;
    assert_int_equal(read_one(rows[i].text, &row, &fault), ASSAY_FEED_MALFORMED);
    assert_string_equal(fault.field, rows[i].field);
    assert_int_equal(fault.offset, rows[i].offset);
  }
}

static void test_windows_and_rows_that_are_passed(void **state) {
  (void)state;
  static const char text[] = "id,side,price\n1,buy,1.5\n2,neither,1\n\"3\",sell,2\r\n4,s,2.25";
  for (size_t piece = 1; piece < sizeof text; piece++) {
    assay_order_reader reader;
    assay_order_row row;
    uint64_t sum = 0, faults = 0;
    size_t end = 0;
    assay_orders_open(&reader, text, 0, 2, 0);
    assay_feed_step step = ASSAY_FEED_MORE;
    while (step != ASSAY_FEED_END) {
      size_t at = (size_t)(reader.in.base + reader.in.at);
      end = end + piece < sizeof text - 1 ? end + piece : sizeof text - 1;
      assay_feed_window(&reader.in, text + at, end - at, end == sizeof text - 1);
      while ((step = assay_orders_next(&reader, &row)) == ASSAY_FEED_MESSAGE || step == ASSAY_FEED_MALFORMED) {
        if (step == ASSAY_FEED_MESSAGE) sum = sum * 1000 + row.message.id * 100 + (uint64_t)row.message.price;
        if (step == ASSAY_FEED_MALFORMED) faults++, assert_true(assay_feed_skip(&reader.in));
      }
    }
    assert_int_equal(faults, 1);
    assert_int_equal(sum, 250500625);
    assert_int_equal(reader.in.count, 4);
  }
}

static void test_an_event_as_a_row(void **state) {
  (void)state;
  char row[ASSAY_ORDERS_MOST_ROW];
  assay_book_event e = {.sequence = 9,
                        .time = 8,
                        .id = 7,
                        .price = -5,
                        .quantity = 4,
                        .kind = ASSAY_BOOK_CANCELLED_EVENT,
                        .side = ASSAY_SELL,
                        .reason = ASSAY_BOOK_NO_LIQUIDITY};
  size_t length = assay_orders_put_event(&e, row);
  assert_int_equal(length, strlen(row));
  assert_string_equal(row, "9,8,cancelled,7,0,sell,-5,4,0,0,0,NO_LIQUIDITY,0\n");
  e = (assay_book_event){.sequence = 1, .kind = ASSAY_BOOK_REJECTED_EVENT, .side = 2, .reason = ASSAY_BOOK_MALFORMED};
  assay_orders_put_event(&e, row);
  assert_string_equal(row, "1,0,rejected,0,0,2,0,0,0,0,0,MALFORMED,0\n"); /* the side that the message named */
  memset(&e, 0xff, sizeof e);                                             /* the longest numbers, and no known words */
  length = assay_orders_put_event(&e, row);
  assert_int_equal(length, strlen(row));
  assert_string_equal(assay_orders_reason(ASSAY_BOOK_REASONS), "UNKNOWN");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_field),
      cmocka_unit_test(test_kinds_that_say_otherwise),
      cmocka_unit_test(test_what_is_not_said_is_zero),
      cmocka_unit_test(test_kinds),
      cmocka_unit_test(test_other_names),
      cmocka_unit_test(test_types_that_are_kinds),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_new_ids_and_words_that_are_hashed),
      cmocka_unit_test(test_what_is_malformed),
      cmocka_unit_test(test_windows_and_rows_that_are_passed),
      cmocka_unit_test(test_an_event_as_a_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

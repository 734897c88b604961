/* SPDX-License-Identifier: MIT */
/* Tables of ticks and bars: by hand, in windows, malformed, and a real file beside a plain reader. */
#include <assay/feed_csv.h>

#include "base/random.h"
#include "test.h"

static bool text_is(assay_feed_text text, const char *wanted) {
  return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

static void test_ticks(void **state) {
  (void)state;
  static const char text[] =
      "\xef\xbb\xbfid,\"Price\", qty ,Symbol,TIME_ms,is_buyer_maker\r\n"
      "1,10.25,3,\"A,B\",1672515782136,true\r\n"
      "\r\n"
      "2,\"-0.5\",,C D ,1672515782137, False\r\n"
      "3,7,0.125,,1672515782138.5,1"; /* no line end at the end */
  assay_csv_reader reader;
  assay_csv_row row;
  assay_market_event event;
  assay_csv_open(&reader, text, sizeof text - 1, 2, 3);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.kind, ASSAY_CSV_TICK);
  assert_int_equal(row.price, 1025);
  assert_int_equal(row.quantity, 3000);
  assert_true(text_is(row.symbol, "A,B"));
  assert_int_equal(row.time_ns, UINT64_C(1672515782136000000));
  assert_int_equal(row.side, 'S');
  assay_csv_event(&reader, &row, 9, &event);
  assert_int_equal(event.kind, ASSAY_MARKET_TRADE);
  assert_int_equal(assay_market_price_decimals(&event), 2);
  assert_int_equal(assay_market_quantity_decimals(&event), 3);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.price, -50);
  assert_int_equal(row.quantity, 0);
  assert_true(text_is(row.symbol, "C D"));
  assert_int_equal(row.side, 'B');
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.quantity, 125);
  assert_int_equal(row.time_ns, UINT64_C(1672515782138500000));
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
  assert_int_equal(reader.in.count, 3);
}

static void test_bars_and_two_columns_of_time(void **state) {
  (void)state;
  static const char text[] = "volume;close;low;high;open;date;time\n5;2;1;4;3;2024-02-29;16:00:01.5\n";
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, text, sizeof text - 1, 0, 0);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.kind, ASSAY_CSV_BAR);
  assert_int_equal(row.open, 3);
  assert_int_equal(row.high, 4);
  assert_int_equal(row.low, 1);
  assert_int_equal(row.close, 2);
  assert_int_equal(row.price, 2);
  assert_int_equal(row.quantity, 5);
  assert_int_equal(row.time_ns, UINT64_C(1709222401500000000)); /* date -ud '2024-02-29 16:00:01' +%s */
}

/* A time of its own is the date's, whatever the other column says; and a malformed row is not written. */
static void test_a_date_with_a_time_and_a_time(void **state) {
  (void)state;
  static const char text[] =
      "date,time,price\n2024-02-29 16:00:01,16:00:01,1\n2024-03-01 00:00:00,00:00:01,1\n2024-03-01 00:00:02,00:00:02,x\n";
  static const uint64_t times[] = {UINT64_C(1709222401000000000), UINT64_C(1709251200000000000)};
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, text, sizeof text - 1, 0, 0);
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    assert_int_equal(row.time_ns, times[i]);
  }
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MALFORMED);
  assert_int_equal(row.time_ns, times[1]);
  static const char midnights[] = "date,time,price\n2024-02-29 00:00:00,16:00:01,1\n";
  assay_csv_open(&reader, midnights, sizeof midnights - 1, 0, 0);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.time_ns, times[0]);
}

static void test_times(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t ns; /* UINT64_MAX: refused */
  } cases[] = {{"1970-01-01", 0},
               {"2000-02-29", UINT64_C(951782400000000000)},
               {"2023-02-29", UINT64_MAX},
               {"2024-13-01", UINT64_MAX},
               {"2024-00-10", UINT64_MAX},
               {"2024/01/02", UINT64_C(1704153600000000000)},
               {"2024-01-02T09:30:00Z", UINT64_C(1704187800000000000)},
               {"2024-01-02 09:30", UINT64_C(1704187800000000000)},
               {"2024-01-02T09:30:00.123456789-05:00", UINT64_C(1704205800123456789)},
               {"2024-01-02T09:30:00+0530", UINT64_C(1704168000000000000)},
               {"2024-01-02T09:30:00+05", UINT64_C(1704169800000000000)},
               {"2024-01-02T24:00:00", UINT64_MAX},
               {"2024-01-02T09:30:00.1234567891", UINT64_MAX},
               {"2024-01-02T09:30:00x", UINT64_MAX},
               {"2024-01-02x", UINT64_MAX},
               {"1969-12-31", UINT64_MAX},
               {"9999-12-31", UINT64_MAX},
               {"1704187800", UINT64_C(1704187800000000000)},
               {"1704187800.25", UINT64_C(1704187800250000000)},
               {"1704187800123", UINT64_C(1704187800123000000)},
               {"1704187800123456", UINT64_C(1704187800123456000)},
               {"1704187800123456789", UINT64_C(1704187800123456789)},
               {"18446744073709551616", UINT64_MAX},
               {"20240102", UINT64_C(1704153600000000000)},
               {"20240102 09:30:00.5", UINT64_C(1704187800500000000)},
               {"20240102T09:30:00-05:00", UINT64_C(1704205800000000000)},
               {"20240102093000", UINT64_C(1704187800000000000)},
               {"20240102996000", UINT64_MAX},
               {"20241302", UINT64_C(20241302000000000)}, /* no date: seconds */
               {"202401020930", UINT64_C(1704187800000000000)},
               {"202413020930", UINT64_C(202413020930000000)}, /* no date: milliseconds */
               {"2024010293", UINT64_C(2024010293000000000)},
               {"20240102x", UINT64_MAX},
               {"", UINT64_MAX},
               {"-5", UINT64_MAX},
               {"12a", UINT64_MAX},
               {"Jan 1 2000", UINT64_C(946684800000000000)}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t ns = 77;
    bool read = assay_feed_time(cases[i].text, strlen(cases[i].text), 0, &ns);
    if (read != (cases[i].ns != UINT64_MAX)) fail_msg("%s", cases[i].text);
    if (read ? ns != cases[i].ns : ns != 77) fail_msg("%s: %llu", cases[i].text, (unsigned long long)ns);
  }
}

/* Compact dates in a column of times and in one of dates; a unit in the name says that it is a number. */
static void test_compact_dates(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t ns;
  } cases[] = {{"time,open,high,low,close,volume\n20240102,1,1,1,1,5\n", UINT64_C(1704153600000000000)},
               {"date,time,price\n20240102,09:30:00,1\n", UINT64_C(1704187800000000000)},
               {"Date,time_ms,price\n20240102,1704187800000,1\n", UINT64_C(1704187800000000000)},
               {"time_s,price\n20240102,1\n", UINT64_C(20240102000000000)},
               {"price,transact_time\n1,1704187800000\n", UINT64_C(1704187800000000000)},
               {"timestamp,time_ms,price\n1704187800,1704187800000,1\n", UINT64_C(1704187800000000000)},
               {"time_ms,timestamp,price\n1704187800000,1704187800,1\n", UINT64_C(1704187800000000000)},
               {"date,time,price\n20240102,93000,1\n", UINT64_C(1704187800000000000)},
               {"date,time,price\n20240102,103000+01,1\n", UINT64_C(1704187800000000000)},
               {"date,time,price\n20240102,0930,1\n", UINT64_C(1704187800000000000)},
               {"date,time,price\n20240102,0,1\n", UINT64_C(1704153600000000000)},
               {"date,time,price\n01/02/2024,1704187800,1\n", UINT64_C(1704187800000000000)}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_csv_reader reader;
    assay_csv_row row;
    assay_csv_open(&reader, cases[i].text, strlen(cases[i].text), 2, 0);
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    if (row.time_ns != cases[i].ns) fail_msg("%llu: %s", (unsigned long long)row.time_ns, cases[i].text);
  }
}

/* 1000 is ten o'clock where 0931 is half past nine before or behind it, and one of two times where nothing says which. */
static void test_clocks_without_seconds(void **state) {
  (void)state;
  static const char text[] = "date,time,price\n20240102,1000,1\n20240102,0931,1\n20240102,1000,1\n20240102,1060,1\n";
  static const uint64_t times[] = {UINT64_C(1704189600000000000), UINT64_C(1704187860000000000), UINT64_C(1704189600000000000)};
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, text, sizeof text - 1, 2, 0);
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    assert_int_equal(row.time_ns, times[i]);
  }
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MALFORMED);
  static const char alone[] = "date,time,price\n20240102,1000,1\n20240102,1001,1\n";
  assay_csv_open(&reader, alone, sizeof alone - 1, 2, 0);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MALFORMED);
    assert_string_equal(reader.in.fault.field, "time");
    assert_string_equal(reader.in.fault.mend, "write times as 09:30:00");
    assert_true(assay_feed_skip(&reader.in));
  }
}

/* One table in two windows: its rows up to `cut`, and then all of it; the same rows come as of the whole. */
static size_t read_all(const char *text, size_t size, size_t cut, assay_csv_row *rows, size_t most) {
  assay_csv_reader reader;
  size_t count = 0;
  assay_csv_open(&reader, text, cut, 2, 1);
  reader.in.last = cut == size;
  while (count < most) {
    const assay_feed_step step = assay_csv_next(&reader, &rows[count]);
    if (step == ASSAY_FEED_MORE) {
      const size_t begin = (size_t)(reader.in.base + reader.in.at);
      assay_feed_window(&reader.in, text + begin, size - begin, true);
    } else if (step == ASSAY_FEED_MALFORMED && assay_feed_skip(&reader.in)) {
      rows[count++] = (assay_csv_row){.time_ns = 0};
    } else if (step == ASSAY_FEED_MESSAGE) {
      count++;
    } else {
      break;
    }
  }
  return count;
}

/* What a cell leaves open, other rows say: those before it, and up to 300 behind it, wherever windows end. */
static void test_what_other_rows_say(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t times[4]; /* s since 1970; 0: refused */
    int64_t prices[4]; /* in 1/100; 0: not looked at */
  } cases[] = {
      /* Which number is the day: a 13th month before, behind; an order in time; both at once. */
      {"date,price\n01/13/2024,1\n02/01/2024,1\n", {1705104000, 1706745600}, {0}},
      {"time,price\n02/01/2024 09:30,1\n01/13/2024 09:30,1\n", {1706779800, 1705138200}, {0}},
      {"date,price\n02/01/2024,1\n13/01/2024,1\n", {1704153600, 1705104000}, {0}},
      {"date,price\n11/01/2024,1\n12/01/2024,1\n01/02/2024,1\n", {1704931200, 1705017600, 1706745600}, {0}},
      {"date,price\n02/01/2024,1\n13/01/2024,1\n01/13/2024,1\n", {0, 1705104000, 1705104000}, {0}},
      {"date,price\n01/13/2024,1\n13/01/2024,1\n02/01/2024,1\n", {1705104000, 0, 1706745600}, {0}},
      {"date,price\n02/01/2024,1\n03/01/2024,1\n", {0, 0}, {0}},
      {"date,price\n31/12/1969,1\n31/12/2023,1\n", {0, 1703980800}, {0}},
      /* What a comma and a point are. */
      {"time;price\n1704153600;1,230\n1704153601;1,5\n", {1704153600, 1704153601}, {123, 150}},
      {"time;price\n1704153600;1.234\n1704153601;1.234,5\n1704153602;7\n", {1704153600, 1704153601, 1704153602}, {123400, 123450, 700}},
      {"time;price;size\n1704153600;1,234;1.5\n", {1704153600}, {123400}},
      {"time,price\n1704153600,\"5,10,200\"\n1704153601,\"1,234\"\n", {1704153600, 1704153601}, {51020000, 123400}},
      {"time;price\n1704153600;151.2\n1704153601;151.230\n", {1704153600, 1704153601}, {15120, 15123}},
      {"time;price\n1704153600;1,234\n1704153601;1.5\n1704153602;1,5\n", {0, 1704153601, 0}, {0, 150}},
      {"time;price;note\n1704153600;1,230;1,5\n1704153601;2,340;see a\n1704153602;3,450;see b\n", {0, 0, 0}, {0}}, /* notes say nothing */
      /* Minutes, or lost zeros. */
      {"date,time,price\n20240102,1000,1\n20240103,930,1\n", {1704189600, 1704274200}, {0}},
      {"date,time,price\n20240102,1000,1\n20240102,10000,1\n", {1704154200, 1704157200}, {0}},
      {"date,time,price\n20240102,9:30 AM,1\n20240102,3-PM,1\n", {1704187800, 1704207600}, {0}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const size_t size = strlen(cases[i].text);
    size_t wanted = 0;
    for (const char *p = strchr(cases[i].text, '\n'); p[1] != '\0'; p = strchr(p + 1, '\n')) wanted++;
    for (size_t cut = 0; cut <= size; cut++) {
      assay_csv_row rows[6];
      if (read_all(cases[i].text, size, cut, rows, 6) != wanted) fail_msg("cut at %zu: %s", cut, cases[i].text);
      for (size_t k = 0; k < wanted; k++) {
        if (rows[k].time_ns != cases[i].times[k] * UINT64_C(1000000000))
          fail_msg("row %zu, cut at %zu: %llu: %s", k, cut, (unsigned long long)rows[k].time_ns, cases[i].text);
        if (cases[i].prices[k] != 0 && rows[k].price != cases[i].prices[k])
          fail_msg("row %zu, cut at %zu: %lld: %s", k, cut, (long long)rows[k].price, cases[i].text);
      }
    }
  }
}

/* Rows are asked 300 at a time: what the next ones say is not waited for, and counts from there on. */
static void test_how_many_rows_are_asked(void **state) {
  (void)state;
  enum { ROWS = 700 };
  static char text[ROWS * 20];
  static assay_csv_row rows[ROWS + 1];
  for (size_t said = 0; said < ROWS; said += 150) {
    size_t size = (size_t)snprintf(text, sizeof text, "date,price\n");
    for (size_t i = 0; i < ROWS; i++)
      size += (size_t)snprintf(text + size, sizeof text - size, "%s,1\n", i == said ? "01/13/2024" : "02/01/2024");
    assert_int_equal(read_all(text, size, size, rows, ROWS + 1), ROWS);
    const size_t first = said / 300 * 300; /* of the 300 that were asked together */
    for (size_t i = 0; i < ROWS; i++)
      if ((rows[i].time_ns != 0) != (i >= first)) fail_msg("said in row %zu: row %zu", said, i);
  }
}

/* Which unit prices have is a matter of the table, not of the cell. */
static void test_prices_of_databento_in_one_unit(void **state) {
  (void)state;
#define OHLC "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n1704187800000000000,33,1,7,"
#define NEXT "1704187860000000000,33,1,7,"
  static const char *const refused[] = {OHLC "100.25,101.5,99.75,100,5\n", OHLC "100,101.5,99.75,100.25,5\n",
                                        OHLC "100.25,101.5,99.75,100.5,5\n" NEXT "100,101,99,100,5\n",
                                        OHLC "100000000000,101000000000,99000000000,100000000000,5\n" NEXT "100.25,101.5,99.75,100.5,5\n"};
  static const char gaps[] = OHLC "100.25,101.5,99.75,100.5,9223372036854775807\n";
  assay_csv_reader reader;
  assay_csv_row row;
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    assay_csv_open(&reader, refused[i], strlen(refused[i]), 9, 0);
    assay_feed_step step = ASSAY_FEED_MESSAGE;
    while ((step = assay_csv_next(&reader, &row)) == ASSAY_FEED_MESSAGE) {
    }
    if (step != ASSAY_FEED_MALFORMED) fail_msg("read: %s", refused[i]);
  }
  assay_csv_open(&reader, gaps, sizeof gaps - 1, 2, 0);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.quantity, 0);
}

static void test_faults_name_the_place(void **state) {
  (void)state;
  static const struct {
    const char *text, *field;
    size_t offset;
    uint64_t message;
    bool goes_on;
  } cases[] = {
      {"time,price\n1,2\n2,x\n3,4\n", "price", 17, 2, true},
      {"time,price\n1,2.5\n3,4\n", "price", 13, 1, true},
      {"time,price\nyesterday,2\n3,4\n", "time", 11, 1, true},
      {"time,price\n1\n3,4\n", "columns", 12, 1, true},
      {"time,price\n1,2,3\n3,4\n", "columns", 15, 1, true},
      {"time,price\n1,\"2\"x\n3,4\n", "quotes", 16, 1, true},
      {"time,price,qty\n1,2,-1\n3,4,5\n", "quantity", 19, 1, true},
      {"time,price,side\n1,2,left\n3,4,buy\n", "side", 20, 1, true},
      {"a,b\n1,2\n", "time", 0, 1, false},
      {"time,b\n1,2\n", "price", 0, 1, false},
      {"time,open,high,low,close\n1,2,3,4,5\n2,1,1,1,1\n", "high", 25, 1, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_csv_reader reader;
    assay_csv_row row;
    assay_csv_open(&reader, cases[i].text, strlen(cases[i].text), 0, 0);
    while (assay_csv_next(&reader, &row) == ASSAY_FEED_MESSAGE) {
    }
    if (reader.in.fault.problem == NULL) fail_msg("%s: no fault", cases[i].text);
    assert_string_equal(reader.in.fault.field, cases[i].field);
    if (reader.in.fault.offset != cases[i].offset) fail_msg("%s: at %d", cases[i].text, (int)reader.in.fault.offset);
    assert_int_equal(reader.in.fault.message, cases[i].message);
    assert_int_equal(assay_feed_skip(&reader.in), cases[i].goes_on);
    if (cases[i].goes_on) assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  }
}

static void test_windows(void **state) {
  (void)state;
  assay_feed_market market = {.format = ASSAY_FEED_CSV, .seed = 2, .messages = 5000, .symbols = 3, .orders = 40};
  assay_error err = {0};
  uint8_t *text = NULL;
  size_t size = 0;
  assert_ok(assay_feed_generate(&market, &err, &text, &size), err);
  assert_int_equal(assay_feed_recognise(text, size), ASSAY_FEED_CSV);
  assay_random random;
  assay_random_init(&random, 3);
  for (int round = 0; round < 20; round++) {
    assay_csv_reader whole, pieces;
    assay_csv_row row, twin;
    assay_csv_open(&whole, text, size, 4, 0);
    assay_csv_open(&pieces, text, 0, 4, 0);
    size_t end = 0;
    assay_feed_step step = ASSAY_FEED_MORE;
    while (step == ASSAY_FEED_MORE) {
      size_t begin = (size_t)(pieces.in.base + pieces.in.at);
      end += 1 + (size_t)assay_random_below(&random, 200);
      if (end > size) end = size;
      uint8_t *copy = malloc(end - begin + 1);
      memcpy(copy, text + begin, end - begin);
      assay_feed_window(&pieces.in, copy, end - begin, end == size);
      while ((step = assay_csv_next(&pieces, &row)) == ASSAY_FEED_MESSAGE) {
        assert_int_equal(assay_csv_next(&whole, &twin), ASSAY_FEED_MESSAGE);
        assert_int_equal(row.price, twin.price);
        assert_int_equal(row.time_ns, twin.time_ns);
        assert_int_equal(row.side, twin.side);
        assert_int_equal(row.symbol.length, 7);
      }
      free(copy);
    }
    assert_int_equal(step, ASSAY_FEED_END);
    assert_int_equal(assay_csv_next(&whole, &twin), ASSAY_FEED_END);
    assert_true(whole.in.count > 200);
  }
  assay_feed_generated_free(text);
}

/* The rows of data.binance.vision as its README on GitHub describes them, and what is nearly one. */
static void test_tables_without_names(void **state) {
  (void)state;
  static const struct {
    const char *text;
    assay_csv_kind kind;
    int64_t price;
    char side;
  } rows[] = {{"3357000001,44187.14,0.5,22093.57,1704153600000,True,True\n", ASSAY_CSV_TICK, 4418714, 'S'},
              {"3357000001,44187.14,0.5,22093.57,1704153600000,false\n", ASSAY_CSV_TICK, 4418714, 'B'},
              {"2835000001,44187.14,0.5,3357000001,3357000002,1704153600000,true,true\r\n", ASSAY_CSV_TICK, 4418714, 'S'},
              {"2835000001,44187.14,0.5,3357000001,3357000002,1704153600000000,false", ASSAY_CSV_TICK, 4418714, 'B'},
              {"1704153600000,3,5,2,4,0.5,1704153659999,2.1,12,0.1,0.3,0\n", ASSAY_CSV_BAR, 400, 0},
              {"1704153600000000,3,5,2,4,0.5,1704153659999999,2.1,12,0.1,0.3,0\n", ASSAY_CSV_BAR, 400, 0}};
  static const char *const others[] = {"1,2,3,4,5,6,7\n",
                                       "1704153600000,3,5,2,4,0.5\n",
                                       "1,44187.14,0.5,22093.57,1704153600000,True,,\n",
                                       "1704153600000,3,5,2,4,0.5,1704153659999,2.1,12,0.1,0.3\n",
                                       "2024-01-02 09:30:00.123,1.10,1.11,0.5,0.9\n",
                                       /* a bid, an ask, their sizes */ "a,b,c,d,e,f,g\n"};
  assay_csv_reader reader;
  assay_csv_row row;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(assay_feed_recognise(rows[i].text, strlen(rows[i].text)), ASSAY_FEED_CSV);
    assay_csv_open(&reader, rows[i].text, strlen(rows[i].text), 2, 1);
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    assert_int_equal(row.kind, rows[i].kind);
    assert_int_equal(row.price, rows[i].price);
    assert_int_equal(row.quantity, 5);
    assert_int_equal(row.side, rows[i].side);
    assert_int_equal(row.time_ns, UINT64_C(1704153600000000000));
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
  }
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    assert_int_equal(assay_feed_recognise(others[i], strlen(others[i])), ASSAY_FEED_UNKNOWN);
    assay_csv_open(&reader, others[i], strlen(others[i]), 2, 1);
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MALFORMED);
  }
}

/* Every type of LOBSTER, with prices finer and coarser than its own. */
static void test_orders_of_lobster(void **state) {
  (void)state;
  static const char text[] =
      "34200.004241176,1,16113575,18,5853300,1\n"
      "34200.1,2,16113575,8,5853300,1\n"
      "34201,3,16113575,10,5853300,1\n"
      "34202.5,4,7,5,5853300,-1\n"
      "34203,5,0,6,5853350,-1\n"
      "34204,6,-1,7,5853400,1\r\n"
      "34205.123456789,7,0,0,-1,-1\n"
      "34206,8,1,1,1,1\n"
      "34207,1,1,1,1,0\n"
      "34208,1,1,1,100,1";
  static const struct {
    assay_market_kind kind;
    char side;
    uint64_t order, quantity, time_ns;
    int64_t price;
  } rows[] = {{ASSAY_MARKET_ADD, 'B', 16113575, 18, 34200004241176, 58533000000},
              {ASSAY_MARKET_CANCEL, 'B', 16113575, 8, 34200100000000, 58533000000},
              {ASSAY_MARKET_DELETE, 'B', 16113575, 10, 34201000000000, 58533000000},
              {ASSAY_MARKET_EXECUTE, 'S', 7, 5, 34202500000000, 58533000000},
              {ASSAY_MARKET_TRADE, 'B', 0, 6, 34203000000000, 58533500000},
              {ASSAY_MARKET_TRADE, 0, 0, 7, 34204000000000, 58534000000},
              {ASSAY_MARKET_STATUS, 0, 0, 0, 34205123456789, 0}};
  assay_csv_reader reader;
  assay_csv_row row;
  assay_market_event event;
  assert_int_equal(assay_feed_recognise(text, sizeof text - 1), ASSAY_FEED_CSV);
  assay_csv_open(&reader, text, sizeof text - 1, 8, 0);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    assert_int_equal(row.kind, ASSAY_CSV_ORDER);
    assay_csv_event(&reader, &row, 3, &event);
    assert_int_equal(event.kind, rows[i].kind);
    assert_int_equal(event.side, rows[i].side);
    assert_int_equal(event.order_id, rows[i].order);
    assert_int_equal(event.quantity, rows[i].quantity);
    assert_int_equal(event.time_ns, rows[i].time_ns);
    assert_int_equal(event.price, rows[i].price);
    assert_int_equal(event.symbol, 3);
  }
  for (int i = 0; i < 2; i++) { /* no such type, no such direction */
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MALFORMED);
    assert_true(assay_feed_skip(&reader.in));
  }
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assay_csv_open(&reader, text, sizeof text - 1, 2, 0);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.price, 58533);
  assay_csv_open(&reader, text, sizeof text - 1, 1, 0); /* 585.33 has more */
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MALFORMED);
}

/* What stands for a price in a halt's row says what kind it is (-1: trading stops, 0: quotes, 1: trading again), with any decimals. */
static void test_halts_of_lobster(void **state) {
  (void)state;
  static const char text[] = "34200,1,1,1,100,1\n34205.1,7,0,0,-1,-1\n34205.2,7,0,0,0,-1\n34205.3,7,0,0,1,-1\n";
  assay_csv_reader reader;
  assay_csv_row row;
  assay_market_event event;
  assay_csv_open(&reader, text, sizeof text - 1, 2, 0);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    assay_csv_event(&reader, &row, 1, &event);
    assert_int_equal(event.kind, ASSAY_MARKET_STATUS);
    assert_int_equal(event.price, 0);
  }
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
}

/* One trade of 29.5 at 100.03 as sites write it, in tables of their own names, numbers and times. */
static void test_tables_of_sites(void **state) {
  (void)state;
  static const struct {
    const char *text, *symbol;
    char side;
    uint64_t time_ns;
  } cases[] = {
      {"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nbinance,BTC,1704205801810072,1704205801811306,1,buy,100.03,29.5\n",
       "BTC", 'B', 1704205801810072000},
      {"trade_id,side,size,price,created_at\n1,SELL,29.50000000,100.03,2024-01-02T14:30:01.810072Z\n", "", 'S', 1704205801810072000},
      {"ticker,conditions,id,participant_timestamp,price,sip_timestamp,size\nA,\"12,37\",9,1704205801810072000,100.03,1704205801999999999,"
       "29.5\n",
       "A", 0, 1704205801810072000},
      {"instrument_name,trade_id,side,price,size,created_time\nBTC-USDT,1,buy,100.03,29.5,1704205801810\n", "BTC-USDT", 'B',
       1704205801810000000},
      {"trade_id/\xb4\xe9\xba\xcfid,side/\xbd\xbb,size/\xca\xfd,price/\xbc\xdb,created_time/\xca\xb1\n1,buy,29.5,100.03,1704205801810\n",
       "", 'B', 1704205801810000000},
      {"timestamp,symbol,side,size,price,trdType\n2024-01-02D14:30:01.810072000,XBT,Sell,29.5,100.03,Regular\n", "XBT", 'S',
       1704205801810072000},
      {"timestamp,instrument_name,direction,price,amount\n1704205801810,BTC-PERPETUAL,sell,100.03,29.5\n", "BTC-PERPETUAL", 'S',
       1704205801810000000},
      {"#RIC,Domain,Date-Time,GMT Offset,Type,Price,Volume\nA.O,Market Price,2024-01-02T14:30:01.810072000Z,-5,Trade,100.03,29.5\n", "A.O",
       0, 1704205801810072000},
      {"DATE,TIME_M,EX,SYM_ROOT,SIZE,PRICE\n20240102,14:30:01.810072000,Q,A,29.5,100.03\n", "A", 0, 1704205801810072000},
      {"Date|Time|Symbol|Trade Volume|Trade Price\n20240102|143001810072000|A|29.5|100.03\n", "A", 0, 1704205801810072000},
      {"<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\r\n2024.01.02\t14:30:01.810\t100\t101\t100.03\t29.5\t56\r\n", "", 0,
       1704205801810000000},
      {"Unix,Date,Symbol,Price,Volume BTC,Volume USD\n1704205801810,01/02/2024,BTC,100.03,29.5,9\n", "BTC", 0, 1704205801810000000},
      {"https://www.example.com\n\nA title\ntime,price,size\n1704205801,1.0003e+02,295e-1\n", "", 0, 1704205801000000000},
      {"Date;Time;Price;Volume\n02.01.2024;14:30:01;100,03;29,5\n", "", 0, 1704205801000000000},
      {"sep=;\r\nDatum;Time;Price;Volume\r\n02.01.2024;14:30:01;100,03;29,5\r\n", "", 0, 1704205801000000000},
      {"Date;Time;Price;Volume;\"a,b,c,d,e\"\n02.01.2024;14:30:01;100,03;29,5;x\n", "", 0, 1704205801000000000},
      {"time;price;size\n1704205801;$100.03;29,50\n", "", 0, 1704205801000000000},
      {"time,price,size,,\n1704205801,100.03,29.5,,\n", "", 0, 1704205801000000000},
      {"time,price,size\n1704205801,100.03,29.5,,\n", "", 0, 1704205801000000000},
      {"1704205801,100.03,29.50000000\n", "", 0, 1704205801000000000},
      {"1704205801.810072,100.030000000000,29.5\n", "", 0, 1704205801810072000},
      {"2024-01-02 14:30:01.810,100.03,29.5\n", "", 0, 1704205801810000000},
      {"2024.01.02,14:30:01,100.03,29.5\n", "", 0, 1704205801000000000},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_csv_reader reader;
    assay_csv_row row;
    size_t size = strlen(cases[i].text);
    if (assay_feed_recognise(cases[i].text, size) != ASSAY_FEED_CSV) fail_msg("not recognised: %s", cases[i].text);
    assay_csv_open(&reader, cases[i].text, size, 8, 8);
    if (assay_csv_next(&reader, &row) != ASSAY_FEED_MESSAGE) fail_msg("%s: %s", reader.in.fault.problem, cases[i].text);
    if (row.time_ns != cases[i].time_ns) fail_msg("%llu: %s", (unsigned long long)row.time_ns, cases[i].text);
    assert_int_equal(row.kind, ASSAY_CSV_TICK);
    assert_int_equal(row.price, 10003000000);
    assert_int_equal(row.quantity, 2950000000);
    assert_int_equal(row.side, cases[i].side);
    assert_int_equal(row.symbol.length, strlen(cases[i].symbol));
    if (row.symbol.length > 0) assert_memory_equal(row.symbol.at, cases[i].symbol, row.symbol.length);
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
  }
}

static void test_bars_of_sites(void **state) {
  (void)state;
  static const struct {
    const char *text, *symbol;
  } cases[] = {
      {"Date, Time, Open, High, Low, Last, Volume, NumberOfTrades\r\n2024/1/2, 09:30:00.000000, 3, 5, 2, 4, 50, 9\r\n", ""},
      {"<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\nA.US,5,20240102,093000,3,5,2,4,50,0\n", "A.US"},
      {"ticker,volume,open,close,high,low,window_start,transactions\nA,50,3,4,5,2,1704187800000000000,7\n", "A"},
      {"date,open,high,low,close,volume,Name\n2024-01-02 09:30,3,5,2,4,50,AAL\n", "AAL"},
      {"Timestamp,Open,High,Low,Close,Volume_(BTC),Volume_(Currency)\n1704187800,3,5,2,4,50,1\n", ""},
      {"ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume\n"
       "1704187800000000000,33,1,5482,3000000000,5000000000,2000000000,4000000000,50\n",
       "5482"},
      {"ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol\n"
       "2024-01-02T09:30:00.000000000Z,33,1,5482,3.000000000,5.000000000,2.000000000,4.000000000,50,ESH4\n",
       "ESH4"},
      {"20240102 093000;3.000000;5.000000;2.000000;4.000000;50\n", ""},
      {"2024.01.02,09:30,3.0,5.0,2.0,4.0,50\r\n", ""},
      {"2024-01-02 09:30:00,3,5,2,4,50\n", ""},
      {"time,open,high,low,close,volume\n202401020930,3,5,2,4,50\n", ""},
      {"1704187800,3,5,2,4,50,12\n", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_csv_reader reader;
    assay_csv_row row;
    size_t size = strlen(cases[i].text);
    assert_int_equal(assay_feed_recognise(cases[i].text, size), ASSAY_FEED_CSV);
    assay_csv_open(&reader, cases[i].text, size, 2, 0);
    if (assay_csv_next(&reader, &row) != ASSAY_FEED_MESSAGE) fail_msg("%s: %s", reader.in.fault.problem, cases[i].text);
    if (row.time_ns != 1704187800000000000) fail_msg("%llu: %s", (unsigned long long)row.time_ns, cases[i].text);
    assert_int_equal(row.kind, ASSAY_CSV_BAR);
    const int64_t prices[] = {row.open, row.high, row.low, row.close, row.price, row.quantity * 10};
    for (size_t k = 0; k < 6; k++) assert_int_equal(prices[k], ((const int64_t[]){300, 500, 200, 400, 400, 500})[k]);
    assert_int_equal(row.symbol.length, strlen(cases[i].symbol));
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
  }
}

/* Quotes among trades, rows without a price, levels and orders are no trades; and what is written in one of two ways is none. */
static void test_what_is_no_trade(void **state) {
  (void)state;
  static const struct {
    const char *text;
    assay_market_kind kind;
    char side;
    int64_t price;
    uint64_t quantity, order;
  } cases[] = {
      {"time,type,price,size\n1704205801,QUOTE BID NB,100.03,5\n", ASSAY_MARKET_NOTHING, 0, 10003, 5, 0},
      {"time,price,size\n1704205801,N/A,null\n", ASSAY_MARKET_NOTHING, 0, 0, 0, 0},
      {"time,open,high,low,close,volume\n1704205801,NaN,NaN,NaN,NaN,NaN\n", ASSAY_MARKET_NOTHING, 0, 0, 0, 0},
      {"ts_event,rtype,instrument_id,action,side,depth,price,size\n1704205801000000000,1,7,A,B,0,100030000000,5\n", ASSAY_MARKET_NOTHING,
       'B', 10003, 5, 0},
      {"ts_event,rtype,instrument_id,action,side,depth,price,size\n1704205801000000000,1,7,T,A,0,100.030000000,5\n", ASSAY_MARKET_TRADE,
       'S', 10003, 5, 0},
#define MBO "ts_event,rtype,instrument_id,action,side,price,size,order_id\n1704205801000000000,160,7,"
      {MBO "A,B,100030000000,5,18446744073709551615\n", ASSAY_MARKET_ADD, 'B', 10003, 5, UINT64_MAX},
      {MBO "M,A,100.03,5,9\n", ASSAY_MARKET_REPLACE, 'S', 10003, 5, 9},
      {MBO "C,A,100.03,5,9\n", ASSAY_MARKET_CANCEL, 'S', 10003, 5, 9},
      {MBO "C,A,100.03,0,9\n", ASSAY_MARKET_NOTHING, 'S', 10003, 0, 9},
      {MBO "R,N,,0,0\n", ASSAY_MARKET_CLEAR, 0, 0, 0, 0},
      {MBO "T,B,100.03,5,0\n", ASSAY_MARKET_TRADE, 'B', 10003, 5, 0},
      {MBO "T,B,9223372036854775807,5,0\n", ASSAY_MARKET_NOTHING, 'B', ASSAY_FEED_NO_PRICE, 5, 0},
      {MBO "F,B,100.03,5,9\n", ASSAY_MARKET_NOTHING, 'B', 10003, 5, 9},
      {"symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\nX,1704205801000000,1,false,bid,100.03,0\n", ASSAY_MARKET_QUOTE, 'B',
       10003, 0, 0},
      {"symbol,timestamp,first_update_id,side,update_type,price,qty\nX,1704205801000,1,a,set,100.03,5\n", ASSAY_MARKET_QUOTE, 'S', 10003, 5,
       0},
  };
  static const char *const refused[] = {"time;price\n1704205801;1,234\n", /* a thousand or one? */
                                        "time,price\n1704205801,\"1,2345\"\n",
                                        "time,price\n1704205801,\"1,23\"\n",
                                        "time;price\n1704205801;1.234.56\n",
                                        "time;price\n1704205801;1,234,567.8.9\n",
                                        "time,price\n1704205801,1e\n",
                                        "time,price\n1704205801,1e-9\n",
                                        "time,price\n1704205801,1e300\n",
                                        "Time|Price\n093000123456789|1\n", /* of which day? */
                                        "date,price\n01/02/2024,1\n",
                                        "time,price\n1704205801,\"0,123\"\n",
                                        "time,price\n1704205801,\"1234,567\"\n",
                                        "time,price\n1704205801,\"$,123\"\n",
                                        "time,price\n1704205801,\"-,123\"\n",
                                        "time;price\n1704205801;0.123,45\n",
                                        "date,time,price\n01/02/2024,0931,1\n",
                                        "date,time,price\nrubbish,93000,1\n",
                                        "date,time,price\n20240102,930,1\n", /* or half past nine minutes */
                                        "date,time,price\n20240102,96000,1\n",
                                        "date,time_ms,price\n20240102,34200000,1\n", /* of a day, or since 1970? */
                                        "date,price\n45293,1\n",
                                        "time,is_snapshot,side,price,qty\n1704205801,maybe,bid,1,1\n"};
  assay_csv_reader reader;
  assay_csv_row row;
  assay_market_event event;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_csv_open(&reader, cases[i].text, strlen(cases[i].text), 2, 0);
    if (assay_csv_next(&reader, &row) != ASSAY_FEED_MESSAGE) fail_msg("%s: %s", reader.in.fault.problem, cases[i].text);
    assay_csv_event(&reader, &row, 3, &event);
    if (event.kind != cases[i].kind) fail_msg("%s: %s", assay_market_kind_text((assay_market_kind)event.kind), cases[i].text);
    assert_int_equal(event.price, cases[i].price);
    assert_int_equal(event.side, cases[i].side);
    assert_int_equal(event.quantity, cases[i].quantity);
    assert_int_equal(event.order_id, cases[i].order);
    if (event.kind == ASSAY_MARKET_REPLACE) assert_int_equal(event.other_id, cases[i].order);
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
  }
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    assay_csv_open(&reader, refused[i], strlen(refused[i]), 8, 0);
    if (assay_csv_next(&reader, &row) != ASSAY_FEED_MALFORMED) fail_msg("read: %s", refused[i]);
  }
}

/* The book of before ends where a whole one begins, and with it alone. */
static void test_whole_books_of_levels(void **state) {
  (void)state;
  static const char text[] =
      "symbol,timestamp,is_snapshot,side,price,amount\n"
      "X,1704205801000000,true,bid,100,1\nX,1704205801000000,true,ask,101,1\nX,1704205802000000,false,bid,100,0\n"
      "X,1704205803000000,true,bid,99,1\nY,1704205803000000,true,bid,50,1\n";
  static const char wanted[] = "CQQQCQCQ";
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, text, sizeof text - 1, 0, 0);
  for (size_t i = 0; i < sizeof wanted - 1; i++) {
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    assert_int_equal(row.kind, ASSAY_CSV_ORDER);
    if (row.event != (wanted[i] == 'C' ? ASSAY_MARKET_CLEAR : ASSAY_MARKET_QUOTE)) fail_msg("row %zu", i);
    assert_int_equal(row.symbol.at[0], i < 6 ? 'X' : 'Y');
  }
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
  assert_int_equal(reader.in.count, 5);
}

/* Rows of several whole books take turns; 1 is as true as true. */
static void test_whole_books_that_take_turns(void **state) {
  (void)state;
  static const char text[] =
      "symbol,timestamp,is_snapshot,side,price,amount\n"
      "A,1704205801000000,1,bid,100,1\nB,1704205801000000,1,bid,50,1\nA,1704205801000000,1,ask,101,1\nB,1704205801000000,1,ask,51,1\n"
      "A,1704205802000000,0,bid,100,2\nA,1704205803000000,1,bid,99,1\n";
  static const char wanted[] = "CQCQQQQCQ";
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, text, sizeof text - 1, 0, 0);
  for (size_t i = 0; i < sizeof wanted - 1; i++) {
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    if (row.event != (wanted[i] == 'C' ? ASSAY_MARKET_CLEAR : ASSAY_MARKET_QUOTE)) fail_msg("row %zu", i);
  }
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
}

static void test_real_bars(void **state) {
  (void)state;
  const char *path = test_shared_path("data/prices/sp500-2000.csv");
  if (path == NULL) test_skip("shared/data/prices is not here");
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  static char text[1 << 20], line[500];
  size_t size = fread(text, 1, sizeof text, file);
  rewind(file);
  assert_non_null(fgets(line, sizeof line, file));
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, text, size, 6, 0);
  while (fgets(line, sizeof line, file) != NULL) {
    double open, high, low, close, adjusted, volume;
    assert_int_equal(sscanf(line, "%*d-%*d-%*d,%lf,%lf,%lf,%lf,%lf,%lf", &open, &high, &low, &close, &adjusted, &volume), 6);
    assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
    assert_near((double)row.open, open * 1e6, 0.01);
    assert_near((double)row.high, high * 1e6, 0.01);
    assert_near((double)row.low, low * 1e6, 0.01);
    assert_near((double)row.close, close * 1e6, 0.01);
    assert_near((double)row.quantity, volume, 0.01);
  }
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_END);
  assert_true(reader.in.count > 5000);
  fclose(file);
}

/* Ten levels of Databento have 74 columns. */
static void test_wide_tables(void **state) {
  (void)state;
  char text[2000] = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence";
  for (unsigned i = 0; i < 10; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), ",bid_px_%02u,ask_px_%02u,bid_sz_%02u,ask_sz_%02u,bid_ct_%02u,ask_ct_%02u", i,
             i, i, i, i, i);
  strcat(text, ",symbol\n1704205801000000000,1704205801000000001,10,1,7,T,A,0,100.25,5,0,1,9");
  for (unsigned i = 0; i < 10; i++) strcat(text, ",100,101,1,2,3,4");
  strcat(text, ",AAPL\n");
  assay_csv_reader reader;
  assay_csv_row row;
  assay_csv_open(&reader, text, strlen(text), 2, 0);
  assert_int_equal(assay_csv_next(&reader, &row), ASSAY_FEED_MESSAGE);
  assert_int_equal(row.price, 10025);
  assert_int_equal(row.quantity, 5);
  assert_true(text_is(row.symbol, "AAPL"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ticks),
      cmocka_unit_test(test_bars_and_two_columns_of_time),
      cmocka_unit_test(test_a_date_with_a_time_and_a_time),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_compact_dates),
      cmocka_unit_test(test_clocks_without_seconds),
      cmocka_unit_test(test_what_other_rows_say),
      cmocka_unit_test(test_how_many_rows_are_asked),
      cmocka_unit_test(test_prices_of_databento_in_one_unit),
      cmocka_unit_test(test_faults_name_the_place),
      cmocka_unit_test(test_windows),
      cmocka_unit_test(test_tables_without_names),
      cmocka_unit_test(test_orders_of_lobster),
      cmocka_unit_test(test_halts_of_lobster),
      cmocka_unit_test(test_tables_of_sites),
      cmocka_unit_test(test_bars_of_sites),
      cmocka_unit_test(test_what_is_no_trade),
      cmocka_unit_test(test_whole_books_of_levels),
      cmocka_unit_test(test_whole_books_that_take_turns),
      cmocka_unit_test(test_real_bars),
      cmocka_unit_test(test_wide_tables),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

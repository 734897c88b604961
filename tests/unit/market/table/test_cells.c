/* SPDX-License-Identifier: MIT */
/* What columns of market tables are called, and what their numbers, dates and times mean, alone and beside others of their column. */
#include <math.h>

#include "market/table/bare.h"
#include "market/table/databento.h"
#include "market/table/names.h"
#include "market/table/numbers.h"
#include "market/table/times.h"
#include "test.h"

/* ---- Names --------------------------------------------------------------------------------------------------------------------------- */

static void test_names_of_feeds(void **state) {
  (void)state;
  static const struct {
    const char *name;
    assay_column role;
    uint64_t scale;
  } cases[] = {{"Time", ASSAY_COLUMN_TIME, 7},
               {"<DATE>", ASSAY_COLUMN_DATE, 7},
               {"#RIC", ASSAY_COLUMN_SYMBOL, 7},
               {"size/\xca\xfd", ASSAY_COLUMN_QUANTITY, 7},
               {"OPEN ", ASSAY_COLUMN_OPEN, 7},
               {"time_ms", ASSAY_COLUMN_TIME, 1000000},
               {"Unix Timestamp_S", ASSAY_COLUMN_TIME, 1000000000},
               {"ts_event_ns", ASSAY_COLUMN_TIME, 1},
               {"time_m", ASSAY_COLUMN_TIME, 7}, /* TAQ's, and no unit */
               {"time_xs", ASSAY_COLUMN_PASSED, 7},
               {"price_ms", ASSAY_COLUMN_PASSED, 7},
               {"adj close", ASSAY_COLUMN_PASSED, 7},
               {"value", ASSAY_COLUMN_PASSED, 7},
               {"", ASSAY_COLUMN_PASSED, 7},
               {"<>", ASSAY_COLUMN_PASSED, 7}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t scale = 7;
    if (assay_column_of(cases[i].name, strlen(cases[i].name), &scale) != cases[i].role) fail_msg("'%s'", cases[i].name);
    if (scale != cases[i].scale) fail_msg("'%s': %llu", cases[i].name, (unsigned long long)scale);
  }
}

/* The best first, each once, and none that means something else there. */
static void test_names_of_tables(void **state) {
  (void)state;
  static const char *const first[] = {"close", "price", "value", "last"};
  const char *name;
  size_t at = 0, count = 0;
  for (; count < 4; count++) assert_string_equal(assay_column_next_name(ASSAY_COLUMNS_OF_CLOSE, ASSAY_IN_TABLES, &at), first[count]);
  while ((name = assay_column_next_name(ASSAY_COLUMNS_OF_CLOSE, ASSAY_IN_TABLES, &at)) != NULL) {
    count++;
    assert_string_not_equal(name, "px"); /* a feed's */
  }
  assert_true(count > 10);
  at = 0;
  while ((name = assay_column_next_name(ASSAY_COLUMN_BIT(ASSAY_COLUMN_QUANTITY), ASSAY_IN_TABLES, &at)) != NULL)
    assert_string_not_equal(name, "amount");
  assert_true(assay_column_is_called("<Close>", "close"));
  assert_true(assay_column_is_called("#RIC", "#ric"));
  assert_true(assay_column_is_called("Close ", "CLOSE"));
  assert_false(assay_column_is_called("Close", "clos"));
  assert_true(assay_column_is_some_volume("Volume_(BTC)", 12));
  assert_false(assay_column_is_some_volume("volume", 6));
  assert_false(assay_column_is_some_volume("volumes of", 10));
}

/* ---- Numbers ------------------------------------------------------------------------------------------------------------------------- */

static void test_numbers(void **state) {
  (void)state;
  const double none = NAN;
  static const struct {
    const char *text;
    double point, comma; /* with a decimal point, with a decimal comma; NaN: none */
  } cases[] = {{"1,234.50", 1234.5, NAN},   {"1.234,50", NAN, 1234.5},   {"1,234", 1234, 1.234}, {"151.234", 151.234, 151234},
               {"5,10,200", 510200, NAN},   {"5,10,20", NAN, NAN},       {"1,5", NAN, 1.5},      {"0,123", NAN, 0.123},
               {"1,2345", NAN, 1.2345},     {"1234,567", NAN, 1234.567}, {"$12.5", 12.5, NAN},   {"-$5", -5, -5},
               {"58.29M", 58.29e6, NAN},    {"58,29K", NAN, 58290},      {"0.53%", 0.0053, NAN}, {"(12)", -12, -12},
               {"1 234,5", NAN, 1234.5},    {"1'234.5", 1234.5, NAN},    {"1e-05", 1e-5, 1e-5},  {"1.234.567", NAN, 1234567},
               {"1,234,567", 1234567, NAN}, {"12 34", NAN, NAN},         {"x", NAN, NAN},        {"", NAN, NAN}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int style = 0; style < 2; style++) {
      const double wanted = style == 0 ? cases[i].point : cases[i].comma;
      double value = none;
      const bool is = assay_cell_number(cases[i].text, style == 0 ? ASSAY_CELL_POINT : ASSAY_CELL_COMMA, &value);
      if (is == isnan(wanted) || (is && fabs(value - wanted) > 1e-12 * fabs(wanted))) fail_msg("'%s' %d: %g", cases[i].text, style, value);
    }
}

/* ---- Times --------------------------------------------------------------------------------------------------------------------------- */

static void test_counts(void **state) {
  (void)state;
  static const struct {
    const char *text;
    uint64_t scale, ns; /* UINT64_MAX: none */
  } cases[] = {{"1704187800", 0, UINT64_C(1704187800000000000)},
               {"1704187800.25", 0, UINT64_C(1704187800250000000)},
               {"1704187800123", 0, UINT64_C(1704187800123000000)},
               {"1704187800123456", 0, UINT64_C(1704187800123456000)},
               {"1704187800123456789", 0, UINT64_C(1704187800123456789)},
               {"1.7041878e+09", 0, UINT64_C(1704187800000000000)},
               {"1.7041878E12", 0, UINT64_C(1704187800000000000)},
               {"20240102", 1000000000, UINT64_C(20240102000000000)},
               {"5", 1, 5},
               {"1704187800.1234567899", 0, UINT64_C(1704187800123456789)},
               {"1704187800.x", 0, UINT64_MAX},
               {"1e5", 0, UINT64_MAX},
               {"1e300", 0, UINT64_MAX},
               {"18446744073709551616", 0, UINT64_MAX},
               {"18446744073", 1000000000, UINT64_C(18446744073000000000)},
               {"18446744074", 1000000000, UINT64_MAX},
               {"", 0, UINT64_MAX},
               {"-5", 0, UINT64_MAX}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    uint64_t ns = UINT64_MAX;
    assay_table_count(cases[i].text, strlen(cases[i].text), cases[i].scale, &ns);
    if (ns != cases[i].ns) fail_msg("'%s': %llu", cases[i].text, (unsigned long long)ns);
  }
  int64_t at = 0;
  assert_true(assay_table_moment("34200004241176", &at)); /* half past nine, as exchanges count it */
  assert_int_equal(at, 34200004241176);
  assert_false(assay_table_moment("99999999", &at));
  assert_true(assay_table_moment("20240102", &at));
  assert_int_equal(at, INT64_C(1704153600000000000));
}

static void test_dates(void **state) {
  (void)state;
  const int64_t day = 86400;
  static const struct {
    const char *text;
    int month_first, day_first; /* days since 2024-01-01; -1: no date */
    int64_t clock_ns;
  } cases[] = {{"02/01/2024", 31, 1, 0},
               {"1/13/24", 12, -1, 0},
               {"13/1/24", -1, 12, 0},
               {"2.1.2024 17:30", 1, 1, INT64_C(63000000000000)},
               {"2-Jan-24", 1, 1, 0},
               {"Jan 2, 2024 3 PM", 1, 1, INT64_C(54000000000000)},
               {"01/31/2024 9:30:00.250", 30, -1, INT64_C(34200250000000)},
               {"2024-01-02 12-AM", 1, 1, 0},
               {"01/31/2024 13:00 PM", 30, -1, INT64_C(46800000000000)},
               {"01/31/2024 093000", 30, -1, INT64_C(34200000000000)},
               {"02/30/2024", -1, -1, 0},
               {"01/20/2024 24:30", -1, -1, 0},
               {"01/02", -1, -1, 0},
               {"Jan Feb 2024", -1, -1, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int way = 0; way < 2; way++) {
      int64_t seconds = 0, nanos = 0;
      const int wanted = way == 0 ? cases[i].month_first : cases[i].day_first;
      const bool is = assay_table_date(cases[i].text, way == 1, &seconds, &nanos);
      if (is != (wanted >= 0)) fail_msg("'%s' %d", cases[i].text, way);
      if (is && (seconds - 1704067200 - wanted * day) * 1000000000 + nanos != cases[i].clock_ns)
        fail_msg("'%s' %d: %lld.%09lld", cases[i].text, way, (long long)seconds, (long long)nanos);
    }
}

/* A number above 12 says it, else the order of the rows; both at once say nothing. */
static void test_which_number_is_the_day(void **state) {
  (void)state;
  static const struct {
    const char *cells[6];
    assay_day_place place;
  } cases[] = {{{"01/02/2024", "01/13/2024"}, ASSAY_MONTH_FIRST},
               {{"13/02/2024", "01/02/2024"}, ASSAY_DAY_FIRST},
               {{"01/13/2024", "13/01/2024"}, ASSAY_DAY_EITHER},
               {{"01/02/2024", "02/02/2024", "03/02/2024"}, ASSAY_DAY_OPEN}, /* days or months */
               {{"11/01/2024", "12/01/2024", "01/02/2024"}, ASSAY_DAY_FIRST},
               {{"01/11/2024", "01/12/2024", "02/01/2024"}, ASSAY_MONTH_FIRST},
               {{"02/01/2024", "01/12/2024", "01/11/2024"}, ASSAY_MONTH_FIRST}, /* the newest first */
               {{"01/02/2024", "01/02/2024"}, ASSAY_DAY_OPEN},
               {{"2-Jan-24", "3-Jan-24"}, ASSAY_DAY_OPEN},
               {{"x", ""}, ASSAY_DAY_OPEN}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_date_evidence evidence = {0};
    for (size_t k = 0; k < 6 && cases[i].cells[k] != NULL; k++) assay_table_look_at_date(cases[i].cells[k], &evidence);
    if (assay_table_day_place(&evidence) != cases[i].place) fail_msg("%zu: %d", i, assay_table_day_place(&evidence));
  }
}

static void test_clocks(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int64_t ms[3]; /* where nothing is said, of minutes, of seconds; -1: none */
  } cases[] = {{"09:30", {34200000, 34200000, 34200000}},
               {"9:30:00.25", {34200250, 34200250, 34200250}},
               {"9:30 AM", {34200000, 34200000, 34200000}},
               {"12:15:00 pm", {44100000, 44100000, 44100000}},
               {"12:00 AM", {0, 0, 0}},
               {"12:00 PM", {43200000, 43200000, 43200000}},
               {"12:30 PM", {45000000, 45000000, 45000000}},
               {"13:00 AM", {-1, -1, -1}},
               {"3-PM", {54000000, 54000000, 54000000}},
               {"093000", {34200000, 34200000, 34200000}},
               {"093000250", {34200250, 34200250, 34200250}},
               {"0930002", {-1, -1, -1}},
               {"93000", {34200000, 34200000, 34200000}},
               {"96000", {-1, -1, -1}},
               {"0931", {34260000, 34260000, 34260000}},
               {"0", {0, 0, 0}},
               {"931", {-1, 34260000, 571000}},
               {"1000", {-1, 36000000, 600000}},
               {"1060", {-1, -1, -1}},
               {"3000", {-1, -1, 1800000}},
               {"24:00", {-1, -1, -1}},
               {"am", {-1, -1, -1}},
               {" pm", {-1, -1, -1}},
               {"", {-1, -1, -1}}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (int style = 0; style < 3; style++) {
      int64_t ns = -1;
      const bool is = assay_table_clock(cases[i].text, strlen(cases[i].text), (assay_clock_style)style, &ns);
      if (is != (cases[i].ms[style] >= 0) || (is && ns != cases[i].ms[style] * 1000000))
        fail_msg("'%s' %d: %lld", cases[i].text, style, (long long)ns);
    }
}

static void test_what_four_digits_are(void **state) {
  (void)state;
  static const struct {
    const char *cells[5];
    bool several_days;
    assay_clock_style style;
  } cases[] = {{{"0931", "1000"}, false, ASSAY_CLOCK_MINUTES},       {{"1000", "93000"}, false, ASSAY_CLOCK_SECONDS},
               {{"930", "1000", "1600"}, true, ASSAY_CLOCK_MINUTES}, {{"930", "1000", "1600"}, false, ASSAY_CLOCK_OPEN},
               {{"0", "30", "3000"}, true, ASSAY_CLOCK_SECONDS},     {{"0931", "93000"}, true, ASSAY_CLOCK_OPEN},
               {{"09:30", "093000", "x"}, true, ASSAY_CLOCK_OPEN}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_clock_evidence evidence = {0};
    for (size_t k = 0; k < 5 && cases[i].cells[k] != NULL; k++)
      assay_table_look_at_clock(cases[i].cells[k], strlen(cases[i].cells[k]), &evidence);
    if (assay_table_clock_style(&evidence, cases[i].several_days) != cases[i].style) fail_msg("%zu", i);
  }
}

/* A clock that is put back is one step of many; as many back as forth is no order. */
static void test_the_way_of_rows(void **state) {
  (void)state;
  assert_int_equal(assay_table_direction(&(assay_table_steps){.near = {60, 1}}), 1);
  assert_int_equal(assay_table_direction(&(assay_table_steps){.near = {1, 60}}), -1);
  assert_int_equal(assay_table_direction(&(assay_table_steps){.near = {40, 1}}), 0);
  assert_int_equal(assay_table_direction(&(assay_table_steps){.far = {3, 0}, .near = {60, 1}}), 1);
  assert_int_equal(assay_table_direction(&(assay_table_steps){.far = {300, 1}}), 0);
}

static void test_units_of_databento(void **state) {
  (void)state;
  static const struct {
    const char *cell;
    assay_databento_unit unit;
    bool is_none;
  } cases[] = {{"100000000000", ASSAY_DATABENTO_STEPS, false},
               {"-100", ASSAY_DATABENTO_STEPS, false},
               {"100.250000000", ASSAY_DATABENTO_READABLE, false},
               {"-0.5", ASSAY_DATABENTO_READABLE, false},
               {"0", ASSAY_DATABENTO_EITHER, false},
               {"0.000000000", ASSAY_DATABENTO_EITHER, false},
               {"9223372036854775807", ASSAY_DATABENTO_EITHER, true},
               {"9223372036854775806", ASSAY_DATABENTO_STEPS, false},
               {"92233720368547758070", ASSAY_DATABENTO_STEPS, false},
               {"", ASSAY_DATABENTO_EITHER, false},
               {"NaN", ASSAY_DATABENTO_EITHER, false},
               {"1e9", ASSAY_DATABENTO_EITHER, false},
               {"-", ASSAY_DATABENTO_EITHER, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const assay_feed_text cell = {.at = cases[i].cell, .length = strlen(cases[i].cell)};
    if (assay_databento_unit_of(cell) != cases[i].unit || assay_databento_is_none(cell) != cases[i].is_none)
      fail_msg("'%s'", cases[i].cell);
  }
}

/* Rows as sites give them away: how many columns say when, and whether a bar is behind them. */
static void test_bars_without_names(void **state) {
  (void)state;
  static const struct {
    const char *row; /* parted by ; */
    size_t when;
    bool is_bar;
  } cases[] = {{"20240102 093000;1.10;1.12;1.09;1.11;0", 1, true},   /* HistData */
               {"2024.01.02;09:30;1.10;1.12;1.09;1.11;57", 2, true}, /* MetaTrader */
               {"01/13/2024;09:30;1.10;1.12;1.09;1.11;57", 2, true}, /* Kibot */
               {"13/01/2024;9:30 PM;1.10;1.12;1.09;1.11;57;3", 2, true},
               {"Jan 2 2024;1.10;1.12;1.09;1.11", 1, true},
               {"2024-01-02 09:30:00;1.10;1.20;1.09;0.5", 1, false},  /* a bid, an ask, their sizes */
               {"2024-01-02 09:30:00;1.10;1.50;1.09;1.11", 1, false}, /* wider than one without a volume should be */
               {"2024-01-02 09:30:00;1.10;1.50;1.09;1.11;7", 1, true},
               {"2024-01-02 09:30:00;1.10;1.09;1.09;1.11;7", 1, false},     /* the high below the open */
               {"2024-01-02 09:30:00;1.10;1.12;1.09;1.11;7;2.5", 1, false}, /* no count */
               {"2024-01-02 09:30:00;1.10;1.12;1.09;1.11;7;2;1", 1, false}, /* and one more */
               {"2024-01-02 09:30:00;1.10;1.12;1.09;-1.11;7", 1, false},
               {"2024-01-02;1.10;1.12;1.09", 1, false},
               {"1704205800;1.10;1.12;1.09;1.11;7;3", 1, true}, /* Kraken */
               {"1704205800;1.10;1.12;1.09;1.11;7", 1, false},  /* any number may be first */
               {"12:30;1.10;1.12;1.09;1.11", 0, false},
               {"BTC;1.10;1.12;1.09;1.11", 0, false},
               {"", 0, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_feed_text cells[12];
    size_t count = 0;
    for (const char *at = cases[i].row;; at++) {
      cells[count++] = (assay_feed_text){.at = at, .length = strcspn(at, ";")};
      at += cells[count - 1].length;
      if (*at == '\0') break;
    }
    const size_t when = assay_bare_moment(cells, count);
    if (when != cases[i].when) fail_msg("'%s': %zu", cases[i].row, when);
    const bool is_bar = when > 0 && assay_bare_is_bar(cells + when, count - when, assay_bare_is_number(cells[0]));
    if (is_bar != cases[i].is_bar) fail_msg("'%s': %d", cases[i].row, is_bar);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_units_of_databento),
      cmocka_unit_test(test_bars_without_names),
      cmocka_unit_test(test_names_of_feeds),
      cmocka_unit_test(test_names_of_tables),
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_counts),
      cmocka_unit_test(test_dates),
      cmocka_unit_test(test_which_number_is_the_day),
      cmocka_unit_test(test_clocks),
      cmocka_unit_test(test_the_way_of_rows),
      cmocka_unit_test(test_what_four_digits_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

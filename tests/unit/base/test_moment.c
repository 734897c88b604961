/* SPDX-License-Identifier: MIT */
/* Dates and times beside the C library's calendar, and as people write them. */
#include "base/moment.h"

#include <string.h>
#include <time.h>

#include "base/random.h"
#include "test.h"

static const int64_t second_ns = 1000000000;

static void test_every_day_beside_the_library(void **state) {
  (void)state;
  for (int64_t day = -106000; day <= 106000; day++) { /* 1679 to 2260 */
    time_t at = (time_t)(day * 86400);
    struct tm when;
    char text[3][16];
    assert_non_null(gmtime_r(&at, &when));
    strftime(text[0], sizeof text[0], "%Y-%m-%d", &when);
    strftime(text[1], sizeof text[1], "%Y%m%d", &when);
    strftime(text[2], sizeof text[2], "%b %d %Y", &when);
    for (int i = 0; i < 3; i++) {
      assay_moment m;
      int64_t ns = 0;
      if (!assay_moment_read(text[i], strlen(text[i]), &m) || !assay_moment_ns(&m, &ns)) fail_msg("%s", text[i]);
      if (m.days != day || ns != day * 86400 * second_ns || m.has_zone) fail_msg("%s", text[i]);
      assert_int_equal(m.day, when.tm_mday);
      assert_int_equal(m.month, when.tm_mon + 1);
    }
  }
}

static const struct {
  const char *text;
  int64_t ns; /* INT64_MIN: it is none */
} as_written[] = {{"2024-01-02", 1704153600000000000},
                  {"2024/01/02", 1704153600000000000},
                  {"20240102", 1704153600000000000},
                  {"Jan 2 2024", 1704153600000000000},
                  {"jan 02 2024", 1704153600000000000},
                  {"2024-01-02Z", 1704153600000000000},
                  {"2024-01-02 UTC", 1704153600000000000},
                  {"2024-01-02T09:30", 1704187800000000000},
                  {"2024-01-02 09:30:00", 1704187800000000000},
                  {"2024-01-02 09:30:00 UTC", 1704187800000000000},
                  {"2024-01-02T09:30:00Z", 1704187800000000000},
                  {"2024-01-02T09:30:00.5", 1704187800500000000},
                  {"2024-01-02T09:30:00,25Z", 1704187800250000000},
                  {"2024-01-02T09:30:00.123456789-05:00", 1704205800123456789},
                  {"2024-01-02T09:30:00+0530", 1704168000000000000},
                  {"2024-01-02T09:30+05", 1704169800000000000},
                  {"20240102T09:30:00-05:00", 1704205800000000000},
                  {"20240102  09:30:00", 1704187800000000000},
                  {"20240102   09:30:00", INT64_MIN},
                  {"20240102  ", INT64_MIN},
                  {"20240102093000", 1704187800000000000},
                  {"20240102 093000", 1704187800000000000},
                  {"20240102T093000", 1704187800000000000},
                  {"20240102 093000123", 1704187800123000000},
                  {"20240102 093000 1234560", 1704187800123456000},
                  {"20240102 093000.25", 1704187800250000000},
                  {"20240102T093000Z", 1704187800000000000},
                  {"20240102T093000+0100", 1704184200000000000},
                  {"20240102T093000-05:00", 1704205800000000000},
                  {"20240102 093000 UTC", 1704187800000000000},
                  {"20240102 093000 +0100", 1704184200000000000},
                  {"20240102T093000.5Z", 1704187800500000000},
                  {"20240102T093000123Z", 1704187800123000000},
                  {"20240102 093000123456789", 1704187800123456789},
                  {"20240102 0930001", INT64_MIN},
                  {"20240102 09300012", INT64_MIN},
                  {"20240102 0930001234", INT64_MIN},
                  {"20240102T093000x", INT64_MIN},
                  {"20240102T093000.", INT64_MIN},
                  {"20240102T093000.Z", INT64_MIN},
                  {"5.1.2026 093000", INT64_MIN},
                  {"5.1.2026093000", INT64_MIN},
                  {"20240102 0930001234567890", INT64_MIN},
                  {"20240102 09300", INT64_MIN},
                  {"20240102 093061", INT64_MIN},
                  {"20240102 093000 ", INT64_MIN},
                  {"2024-01-02D09:30:00.123456789", 1704187800123456789},
                  {"2024-01-02D", INT64_MIN},
                  {"2024-01-02 09:30:00 GMT", 1704187800000000000},
                  {"02.01.2024 09:30:00.000 GMT+0100", 1704184200000000000},
                  {"2024-01-02 09:30:00 UTC-05:00", 1704205800000000000},
                  {"2024-01-02 09:30:00 +05:30", 1704168000000000000},
                  {"2024-01-02 09:30:00 EST", INT64_MIN},
                  {"2024-01-02 09:30:00 GMT0100", INT64_MIN},
                  {"1969-12-31T23:59:59.5", -500000000},
                  {"2016-12-31T23:59:60Z", 1483228800000000000},
                  {"2024-02-29", 1709164800000000000},
                  {"1900-02-29", INT64_MIN},
                  {"2023-02-29", INT64_MIN},
                  {"2024-04-31", INT64_MIN},
                  {"2024-13-01", INT64_MIN},
                  {"2024-00-01", INT64_MIN},
                  {"2024-01-00", INT64_MIN},
                  {"2024-01/02", INT64_MIN},
                  {"2024-1-2", 1704153600000000000},
                  {"2024/1/2", 1704153600000000000},
                  {"2024-01-2", 1704153600000000000},
                  {"2024-1-02Z", 1704153600000000000},
                  {"2024-1-2 9:30", 1704187800000000000},
                  {"2024/1/2T9:30:00Z", 1704187800000000000},
                  {"2024-01-02 9:30", 1704187800000000000},
                  {"20240102 9:30", 1704187800000000000},
                  {"2024.01.02 09:30", 1704187800000000000},
                  {"02.01.2024", 1704153600000000000},
                  {"2.1.2024 09:30:00.500", 1704187800500000000},
                  {"31.1.2024Z", 1706659200000000000},
                  {"2.13.2024", INT64_MIN},
                  {"30.2.2024", INT64_MIN},
                  {"02.01.24", INT64_MIN},
                  {"2.1.202", INT64_MIN},
                  {"02.01-2024", INT64_MIN},
                  {"2024.01/02", INT64_MIN},
                  {"12.345678", INT64_MIN},
                  {"2024-1-0", INT64_MIN},
                  {"2024-0-1", INT64_MIN},
                  {"2024-1-32", INT64_MIN},
                  {"2024-1-123", INT64_MIN},
                  {"2024-001-2", INT64_MIN},
                  {"2024-1/2", INT64_MIN},
                  {"2024-1-", INT64_MIN},
                  {"2024-1--2", INT64_MIN},
                  {"2024-1-2093000", INT64_MIN},
                  {"2024-1-2 093000", INT64_MIN},
                  {"2024-1-2 9:3", INT64_MIN},
                  {"2024-1-2 9", INT64_MIN},
                  {"2024-1-2 :30", INT64_MIN},
                  {"2024-1-2 009:30", INT64_MIN},
                  {"2024-1-2 9:30:5", INT64_MIN},
                  {"2024010 2", INT64_MIN},
                  {"2024112", INT64_MIN},
                  {"2024-01-02x", INT64_MIN},
                  {"2024-01-02T", INT64_MIN},
                  {"2024-01-02T24:00", INT64_MIN},
                  {"2024-01-02T09:60", INT64_MIN},
                  {"2024-01-02T09:30:61", INT64_MIN},
                  {"2024-01-02T09:30:00.", INT64_MIN},
                  {"2024-01-02T09:30:00.1234567890", INT64_MIN},
                  {"2024-01-02T09:30:00+5", INT64_MIN},
                  {"2024-01-02T09:30:00+05:3", INT64_MIN},
                  {"2024-01-02T09:30:00+24", INT64_MIN},
                  {"2024-01-02T09:30:00Zx", INT64_MIN},
                  {"2024010209300", INT64_MIN},
                  {"Foo 2 2024", INT64_MIN},
                  {"Jan 32 2024", INT64_MIN},
                  {"Jan 2 24", INT64_MIN},
                  {"1600-01-01", INT64_MIN},
                  {"2300-01-01", INT64_MIN},
                  {"", INT64_MIN},
                  {"1704187800", INT64_MIN}};

static void test_as_people_write_them(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof as_written / sizeof *as_written; i++) {
    assay_moment m = {.day = 99};
    int64_t ns = 0;
    size_t length = strlen(as_written[i].text);
    char *copy = malloc(length + 1);
    memcpy(copy + 1, as_written[i].text, length); /* for AddressSanitizer: no NUL behind it */
    bool is_read = assay_moment_read(copy + 1, length, &m), is = is_read && assay_moment_ns(&m, &ns);
    free(copy);
    if (is != (as_written[i].ns != INT64_MIN) || (is && ns != as_written[i].ns)) fail_msg("%s: %lld", as_written[i].text, (long long)ns);
    if (!is_read && m.day != 99) fail_msg("%s: the moment did not stay", as_written[i].text);
  }
}

static void test_clocks_and_counts(void **state) {
  (void)state;
  int64_t ns = 0;
  assert_true(assay_moment_read_clock("09:30:00", 8, &ns));
  assert_int_equal(ns, 34200 * second_ns);
  assert_true(assay_moment_read_clock("00:30+01:00", 11, &ns));
  assert_int_equal(ns, -1800 * second_ns);
  assert_true(assay_moment_read_clock("9:30", 4, &ns));
  assert_int_equal(ns, 34200 * second_ns);
  assert_false(assay_moment_read_clock("9:3", 3, &ns));
  assert_int_equal(assay_moment_unit(1704187800), 1000000000);
  assert_int_equal(assay_moment_unit(1704187800123), 1000000);
  assert_int_equal(assay_moment_unit(1704187800123456), 1000);
  assert_int_equal(assay_moment_unit(1704187800123456789), 1);
}

/* No text of such characters is read beyond its end, and what is read is a time that exists. */
static void test_any_text(void **state) {
  (void)state;
  static const char letters[] = "0123456789-/:T .+ZJan2024";
  assay_random random;
  assay_random_init(&random, 5);
  for (int round = 0; round < 200000; round++) {
    char text[24];
    size_t length = assay_random_below(&random, sizeof text);
    for (size_t i = 0; i < length; i++) text[i] = letters[assay_random_below(&random, sizeof letters - 1)];
    if (length > 10 && round % 2 == 0) memcpy(text, "2024-02-03", 10);
    assay_moment m;
    if (assay_moment_read(text, length, &m)) assert_in_range(m.day, 1, 31);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_day_beside_the_library),
      cmocka_unit_test(test_as_people_write_them),
      cmocka_unit_test(test_clocks_and_counts),
      cmocka_unit_test(test_any_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

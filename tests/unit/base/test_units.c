/* SPDX-License-Identifier: MIT */
#include <assay/metric.h>

#include <math.h>

#include "base/random.h"
#include "test.h"

static void values_are_shown_with_prefix_and_three_or_four_digits(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *unit, *text;
  } cases[] = {
      {1234.5, "ns", "1.234 us"}, /* 1.2345 as a double lies just below */
      {16e9, "B/s", "16.0 GB/s"},
      {0.5, "ratio", "50.0 %"},
      {0, "ns", "0 ns"},
      {0.3, "ns", "0.300 ns"},
      {0.0123, "ns", "0.0123 ns"},
      {-2500, "ns", "-2.500 us"},
      {999.96, "ns", "1.000 us"}, /* never "1000.0 ns" */
      {999949, "ns", "999.9 us"},
      {1.5e9, "ns", "1.500 s"},
      {0.25, "s", "250.0 ms"},
      {90e9, "ns", "90.0 s"},
      {900e9, "ns", "15.0 min"},
      {9000e9, "ns", "2.500 h"},
      {512, "B", "512 B"},
      {65536, "B", "64.0 KiB"},
      {3e9, "B", "2.794 GiB"},
      {1023.99, "B", "1.000 KiB"},
      {12.5, "B", "12.5 B"},
      {175e9, "FLOP/s", "175.0 GFLOP/s"},
      {2.1e9, "Hz", "2.100 GHz"},
      {5.25e6, "items/s", "5.250 M items/s"},
      {12, "items/s", "12.0 items/s"},
      {0.015, "J", "15.0 mJ"},
      {1e-13, "J", "0.100 pJ"},
      {2.5e-11, "J", "25.0 pJ"},
      {3, "J", "3.000 J"},
      {4, "CPUs", "4 CPUs"},
      {123456, "1", "123456"},
      {2.5, "1", "2.500"},
      {7654321, "paths", "7.654 M paths"},
      {0.00012, "ratio", "0.012 %"},
      {NAN, "ns", "n/a"},
      {INFINITY, "ns", "inf ns"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[64];
    assert_ptr_equal(assay_format_value(cases[i].value, cases[i].unit, text, sizeof text), text);
    assert_string_equal(text, cases[i].text);
  }
  char tight[5];
  assert_string_equal(assay_format_value(1234.5, "ns", tight, sizeof tight), "1.23");
}

static void written_values_are_read_in_base_units(void **state) {
  (void)state;
  static const struct {
    const char *text;
    double value;
    const char *unit;
  } cases[] = {
      {"10 ms", 1e7, "ns"},
      {"100 MB", 1e8, "B"},
      {"64 KiB", 65536, "B"},
      {"50K/s", 50000, "items/s"},
      {"20 %", 0.2, "ratio"},
      {"7%", 0.07, "ratio"},
      {"5", 5, ""},
      {" 1.5e3us ", 1.5e6, "ns"},
      {"2 \xC2\xB5s", 2000, "ns"},
      {"2 \xCE\xBCs", 2000, "ns"},
      {"1 h", 3600e9, "ns"},
      {"1.5 min", 90e9, "ns"},
      {"-3 s", -3e9, "ns"},
      {"546 GB/s", 546e9, "B/s"},
      {"1 GiB/s", 1073741824, "B/s"},
      {"3.2 GHz", 3.2e9, "Hz"},
      {"1.2 TFLOP/s", 1.2e12, "FLOP/s"},
      {"2 M orders/s", 2e6, "items/s"},
      {"2 Morders/s", 2e6, "items/s"},
      {"100 orders/s", 100, "items/s"},
      {"12 mJ", 0.012, "J"},
      {"65 W", 65, "W"},
      {"3 k", 3000, ""},
      {".5", 0.5, ""},
      {"0.25 ratio", 0.25, "ratio"},
      {"8 kB", 8000, "B"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    double value = -1;
    const char *unit = NULL;
    assert_ok(assay_parse_value(cases[i].text, &err, &value, &unit), err);
    if (value != cases[i].value) print_error("%s\n", cases[i].text);
    assert_true(value == cases[i].value);
    assert_string_equal(unit, cases[i].unit);
  }
}

static void what_is_no_value_is_refused_and_named(void **state) {
  (void)state;
  static const char *const texts[] = {"",           " ",
                                      "ms",         "ten ms",
                                      "10 m",       "10 Mb",
                                      "10 mB",      "10 KiHz",
                                      "1e999",      "0x10",
                                      "inf",        "nan",
                                      "10 ms x",    "1..5",
                                      "1,5 ms",     "10 kms",
                                      "10 % %",     "5 kitemz/s",
                                      "5 %/s",      "10 M M",
                                      "1 MiFLOP/s", "10 furlongs and a very long unit that goes on"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assay_error err = {0};
    double value = -1;
    const char *unit = "before";
    if (assay_parse_value(texts[i], &err, &value, &unit) != ASSAY_ERR_PARSE) {
      print_error("accepted: %s\n", texts[i]);
      fail();
    }
    assert_non_null(strstr(err.message, "expected"));
    assert_true(value == -1);
    assert_string_equal(unit, "before");
  }
}

static void what_is_shown_reads_back_within_its_digits(void **state) {
  (void)state;
  static const char *const units[] = {"ns", "B", "B/s", "FLOP/s", "Hz", "items/s", "ratio", "J", "W", ""};
  assay_random random;
  assay_random_init(&random, 7);
  for (int i = 0; i < 20000; i++) {
    const char *unit = units[assay_random_below(&random, sizeof units / sizeof *units)];
    double value = pow(10, assay_random_unit(&random) * 17 - 2), back = -1;
    char text[64];
    const char *unit_back = NULL;
    assay_error err = {0};
    assay_format_value(value, unit, text, sizeof text);
    assert_ok(assay_parse_value(text, &err, &back, &unit_back), err);
    if (fabs(back / value - 1) > 0.0055) print_error("%.17g %s -> %s -> %.17g\n", value, unit, text, back);
    assert_true(fabs(back / value - 1) <= 0.0055);
    assert_string_equal(unit_back, unit);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(values_are_shown_with_prefix_and_three_or_four_digits),
      cmocka_unit_test(written_values_are_read_in_base_units),
      cmocka_unit_test(what_is_no_value_is_refused_and_named),
      cmocka_unit_test(what_is_shown_reads_back_within_its_digits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Every format, over every shape of a result: golden files, hostile text, nothing measured, no intervals, and the same bytes twice. */
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include <assay/report.h>

#include "base/alloc.h"
#include "os/prim.h"
#include "report/render.h"
#include "report/svg.h"
#include "sample_result.h"
#include "test.h"

static char *render(const test_sample *s, assay_format format, unsigned width, bool color) {
  assay_report_context context = test_sample_context(s);
  context.width = width;
  context.color = color;
  assay_error err = {0};
  char *text = NULL;
  assert_ok(assay_report_render(s->result, &context, format, &err, &text), err);
  assert_non_null(text);
  return text;
}

static void golden(const char *name, assay_format format, unsigned width, void (*shape)(test_sample *)) {
  test_sample s;
  test_sample_init(&s);
  if (shape != NULL) shape(&s);
  char *text = render(&s, format, width, false);
  test_assert_golden(name, text);
  assay_string_free(text);
  test_sample_deinit(&s);
}

static void keep_none(test_sample *s) { test_sample_keep(s, 0); }

static void text_formats_match_their_golden_files(void **state) {
  (void)state;
  golden("report.txt", ASSAY_FORMAT_TERMINAL, 0, NULL);
  golden("report_narrow.txt", ASSAY_FORMAT_TERMINAL, 60, NULL);
  golden("report_failed.txt", ASSAY_FORMAT_TERMINAL, 0, test_sample_fail_all);
  golden("report_empty.txt", ASSAY_FORMAT_TERMINAL, 0, keep_none);
  golden("report.csv", ASSAY_FORMAT_CSV, 0, NULL);
  golden("report.md", ASSAY_FORMAT_MARKDOWN, 0, NULL);
  golden("report_hostile.md", ASSAY_FORMAT_MARKDOWN, 0, test_sample_make_hostile);
  golden("report.junit.xml", ASSAY_FORMAT_JUNIT, 0, NULL);
  golden("report_hostile.junit.xml", ASSAY_FORMAT_JUNIT, 0, test_sample_make_hostile);
}

static size_t columns_of_widest_line(const char *text) {
  size_t widest = 0, columns = 0;
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '\n')
      columns = 0;
    else if (((unsigned char)*p & 0xC0) != 0x80)
      columns++; /* the sample has no wide or combining characters */
    if (columns > widest) widest = columns;
  }
  return widest;
}

static void terminal_lines_fit_the_width(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  for (size_t i = 0; i < s.result->recommendation_count; i++) s.result->recommendations[i].command = NULL; /* commands stay whole */
  for (unsigned width = 72; width <= 200; width += 7) {
    char *text = render(&s, ASSAY_FORMAT_TERMINAL, width, false);
    if (columns_of_widest_line(text) > width) print_error("%s", text);
    assert_in_range(columns_of_widest_line(text), 1, width);
    assay_string_free(text);
  }
  test_sample_deinit(&s);
}

static void terminal_colours_only_when_asked(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  char *plain = render(&s, ASSAY_FORMAT_TERMINAL, 100, false), *colored = render(&s, ASSAY_FORMAT_TERMINAL, 100, true);
  assert_null(strchr(plain, '\033'));
  assert_non_null(strstr(colored, "\033[31m"));
  assay_string_free(plain);
  assay_string_free(colored);
  test_sample_make_hostile(&s);
  s.result->benchmarks[0].name = "\033[2Jgone\x07";
  char *hostile = render(&s, ASSAY_FORMAT_TERMINAL, 100, false);
  assert_null(strchr(hostile, '\033'));
  assert_null(strchr(hostile, '\x07'));
  assay_string_free(hostile);
  test_sample_deinit(&s);
}

/* A right-to-left override would show what follows it on the line in another order. */
static void directional_controls_do_not_reach_people(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  s.result->benchmarks[0].name = s.result->machine_label = "sum\u202Egnp.exe\u2066\u200F";
  static const assay_format for_people[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_MARKDOWN, ASSAY_FORMAT_HTML};
  for (size_t i = 0; i < 3; i++) {
    char *text = render(&s, for_people[i], 100, false);
    assert_null(strstr(text, "\u202E"));
    assert_null(strstr(text, "\u2066"));
    assert_null(strstr(text, "\u200F"));
    assert_non_null(strstr(text, "sum\uFFFDgnp.exe\uFFFD\uFFFD"));
    assay_string_free(text);
  }
  char *csv = render(&s, ASSAY_FORMAT_CSV, 0, false); /* programs get the name as it is */
  assert_non_null(strstr(csv, "sum\u202Egnp.exe"));
  assay_string_free(csv);
  test_sample_deinit(&s);
}

static void names_are_never_cut(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  static const unsigned widths[] = {0, 40, 60, 80, 100};
  for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
    char *text = render(&s, ASSAY_FORMAT_TERMINAL, widths[i], false);
    assert_null(strstr(text, "\u2026"));
    assay_string_free(text);
  }
  s.result->benchmarks[0].name = s.changes->items[0].benchmark =
      "transform_reduce/op=add/type=f32/layout=contiguous/arrangement=pinned/bytes=67108864";
  s.changes->items[0].verdict = ASSAY_VERDICT_WORSE;
  char *piped = render(&s, ASSAY_FORMAT_TERMINAL, 0, false);
  assert_non_null(strstr(piped, s.changes->items[0].benchmark));
  assay_string_free(piped);
  char *narrow = render(&s, ASSAY_FORMAT_TERMINAL, 60, false);
  assert_non_null(strstr(narrow, "bytes=67108864"));
  assay_string_free(narrow);
  test_sample_deinit(&s);
}

static void limits_without_a_workload_are_one_line(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  size_t slas = s.result->sla_count;
  test_sample_keep(&s, 1);
  s.result->check_count = 0;
  s.result->sla_count = slas;
  for (size_t i = 0; i < slas; i++) {
    s.result->slas[i].status = ASSAY_SLA_NOT_APPLICABLE;
    s.result->slas[i].reason = "no benchmark matches it";
  }
  static const assay_format formats[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_MARKDOWN};
  for (size_t i = 0; i < 2; i++) {
    char *text = render(&s, formats[i], 0, false);
    assert_null(strstr(text, "kept"));
    assert_non_null(strstr(text, " limits do not apply: no benchmark matches trading/order"));
    assert_null(strstr(text, "n/a"));
    assay_string_free(text);
  }
  s.result->slas[0].status = ASSAY_SLA_MET;
  char *text = render(&s, ASSAY_FORMAT_TERMINAL, 0, false);
  assert_non_null(strstr(text, "every limit was kept"));
  assay_string_free(text);
  test_sample_deinit(&s);
}

static void interrupted_runs_say_what_is_missing(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  s.result->run.interrupted = true;
  s.result->run.duration_s = 0;
  s.result->benchmarks[0].metrics[0].process_count = 1;
  static const assay_format formats[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_MARKDOWN, ASSAY_FORMAT_HTML};
  for (size_t i = 0; i < 3; i++) {
    char *text = render(&s, formats[i], 0, false);
    assert_non_null(strstr(text, "duration not known"));
    assert_non_null(strstr(text, "1 of 5 processes"));
    assert_null(strstr(text, "5 of 5 processes"));
    assay_string_free(text);
  }
  test_sample_deinit(&s);
}

static void own_metrics_stand_beside_the_main_one(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  static const assay_format formats[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_MARKDOWN, ASSAY_FORMAT_HTML};
  for (size_t i = 0; i < 3; i++) {
    char *text = render(&s, formats[i], 0, false);
    assert_non_null(strstr(text, "accuracy 97.4 %"));
    assert_null(strstr(text, "peak_rss 3")); /* the engine's stay among all figures */
    assay_string_free(text);
  }
  test_sample_deinit(&s);
}

static void decided_changes_come_before_inconclusive_ones(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  size_t unsure = 0;
  s.result->sla_count = 0;
  for (size_t i = 0; i < s.changes->count; i++) {
    if (s.changes->items[i].verdict == ASSAY_VERDICT_SAME) s.changes->items[i].verdict = ASSAY_VERDICT_INCONCLUSIVE;
    unsure += s.changes->items[i].verdict == ASSAY_VERDICT_INCONCLUSIVE;
  }
  static const struct {
    assay_format format;
    const char *better, *inconclusive;
  } cases[] = {{ASSAY_FORMAT_TERMINAL, " better  ", "? inconclusive "},
               {ASSAY_FORMAT_MARKDOWN, "better |", "inconclusive |"},
               {ASSAY_FORMAT_HTML, "</b>better<", "</b>inconclusive<"}};
  for (size_t i = 0; i < 3; i++) {
    char *text = render(&s, cases[i].format, 0, false), folded[40];
    const char *better = strstr(text, cases[i].better), *inconclusive = strstr(text, cases[i].inconclusive);
    assert_non_null(better);
    assert_non_null(inconclusive);
    assert_true(better < inconclusive);
    assert_non_null(strstr(text, "Benjamini"));
    snprintf(folded, sizeof folded, "%zu more", unsure - 8);
    assert_non_null(strstr(text, folded));
    assay_string_free(text);
  }
  test_sample_deinit(&s);
}

static void percentiles_need_operations_behind_them(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  static double quantiles[] = {0, 0.5, 0.9, 0.99, 1}, values[] = {10, 20, 30, 40, 118.1e3}; /* 183 operations */
  for (size_t i = 0; i < s.result->benchmark_count; i++) {
    assay_benchmark_result *b = &s.result->benchmarks[i];
    if (b->latency.count > 0) b->latency = (assay_latency_curve){5, quantiles, values};
    if (b->metric_count > 0) b->metrics[0].stats.max = 118.1e3;
  }
  char *text = render(&s, ASSAY_FORMAT_HTML, 0, false), *from = strstr(text, "id=\"latency\""), *to = strstr(from, "</section>");
  *to = '\0';
  size_t largest = 0, tables = 0;
  for (char *p = from; (p = strstr(p, ">118.1&")) != NULL; p++) largest++;
  for (char *p = from; (p = strstr(p, ">p99.99<")) != NULL; p++) tables++;
  assert_int_equal(tables, 2);
  assert_int_equal(largest, 3); /* benchmarks, each with its maximum alone */
  assay_string_free(text);
  test_sample_deinit(&s);
}

static void csv_has_equal_fields_and_no_formulas(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  s.result->benchmarks[0].name = "=HYPERLINK(\"http://x\")";
  s.result->benchmarks[1].name = "+1";
  s.result->benchmarks[2].name = "-1";
  s.result->benchmarks[3].name = "@sum";
  s.result->benchmarks[4].name = "two\nlines, \"quoted\"";
  char *text = render(&s, ASSAY_FORMAT_CSV, 0, false);
  size_t fields = 0, wanted = 0, rows = 0;
  bool quoted = false, at_start = true;
  for (const char *p = text; *p != '\0'; p++) {
    if (*p == '"') quoted = !quoted;
    if (!quoted && at_start && *p != '"') assert_null(strchr("=+@", *p)); /* numbers may be negative, text may not begin so */
    at_start = !quoted && (*p == ',' || *p == '\n');
    if (quoted) continue;
    if (*p == ',') fields++;
    if (*p != '\n') continue;
    assert_int_equal(p[-1], '\r');
    if (rows++ == 0) wanted = fields;
    assert_int_equal(fields, wanted);
    fields = 0;
  }
  assert_non_null(strstr(text, "\"'=HYPERLINK(\"\"http://x\"\")\""));
  assert_non_null(strstr(text, "\"'-1\""));
  assert_non_null(strstr(text, "\"two\nlines, \"\"quoted\"\"\""));
  assay_string_free(text);
  test_sample_deinit(&s);
}

static void every_format_renders_every_shape_and_repeats(void **state) {
  (void)state;
  void (*const shapes[])(test_sample *) = {NULL, keep_none, test_sample_fail_all, test_sample_single_process, test_sample_make_hostile};
  for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
    test_sample s;
    test_sample_init(&s);
    if (shapes[k] != NULL) shapes[k](&s);
    for (int f = ASSAY_FORMAT_HTML; f < ASSAY_FORMAT_COUNT; f++) {
      char *once = render(&s, (assay_format)f, 0, false), *again = render(&s, (assay_format)f, 0, false);
      assert_string_equal(once, again);
      assert_null(strstr(once, "nan"));
      assert_null(strstr(once, "inf "));
      assay_string_free(once);
      assay_string_free(again);
    }
    test_sample_deinit(&s);
  }
}

static void no_context_and_unwritable_places_are_told(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  assay_error err = {0};
  char path[4200];
  snprintf(path, sizeof path, "%s/report.txt", test_temp_dir());
  assert_ok(assay_report_write(s.result, NULL, ASSAY_FORMAT_TERMINAL, path, &err), err);
  assert_int_equal(access(path, R_OK), 0);
  assert_int_not_equal(assay_report_write(s.result, NULL, ASSAY_FORMAT_CSV, "/nonexistent/dir/report.csv", &err), ASSAY_OK);
  assert_non_null(strstr(err.message, "/nonexistent/dir"));
  char *text = NULL;
  assay_error_clear(&err);
  assert_int_equal(assay_report_render(NULL, NULL, ASSAY_FORMAT_CSV, &err, &text), ASSAY_ERR_INVALID);
  assert_null(text);
  test_sample_deinit(&s);
}

static void format_names_go_both_ways(void **state) {
  (void)state;
  for (int f = 0; f < ASSAY_FORMAT_COUNT; f++) {
    assay_format parsed = ASSAY_FORMAT_COUNT;
    assert_true(assay_format_parse(assay_format_text((assay_format)f), &parsed) && (int)parsed == f);
    assert_true(assay_format_parse(assay_format_extension((assay_format)f), &parsed) && (int)parsed == f);
  }
  assay_format untouched = ASSAY_FORMAT_CSV;
  assert_false(assay_format_parse("pdf", &untouched));
  assert_int_equal(untouched, ASSAY_FORMAT_CSV);
}

static void moments_are_as_short_as_they_can_be(void **state) {
  (void)state;
  static const struct {
    int64_t ns;
    const char *text;
  } cases[] = {{0, "1970-01-01"},
               {INT64_C(1704153600000000000), "2024-01-02"},
               {INT64_C(1704187800000000000), "2024-01-02 09:30 UTC"},
               {INT64_C(1704187801000000000), "2024-01-02 09:30:01 UTC"},
               {INT64_C(1704187800250000000), "2024-01-02 09:30:00.250 UTC"},
               {INT64_C(1704187800000250000), "2024-01-02 09:30:00.000250 UTC"},
               {INT64_C(1704187800000000001), "2024-01-02 09:30:00.000000001 UTC"},
               {-1, "1969-12-31 23:59:59.999999999 UTC"},
               {-86400 * INT64_C(1000000000), "1969-12-31"},
               {INT64_MIN, "1677-09-21 00:12:43.145224192 UTC"},
               {INT64_MAX, "2262-04-11 23:47:16.854775807 UTC"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[ASSAY_REPORT_TEXT];
    assert_string_equal(assay_report_moment(cases[i].ns, text), cases[i].text);
  }
}

/* Every axis from 0 on begins with a whole number of steps that rounds up to it from below. */
static void no_axis_has_a_zero_below_zero(void **state) {
  (void)state;
  for (double high = 0.003; high < 1e80; high *= 7) {
    double ticks[ASSAY_AXIS_TICKS];
    const assay_axis from = assay_axis_nice(0, high, false, 0, 100), to = assay_axis_nice(-high, 0, false, 0, 100);
    assert_true(assay_axis_ticks(&from, 6, ticks) > 1 && ticks[0] == 0 && !signbit(ticks[0]));
    const size_t count = assay_axis_ticks(&to, 6, ticks);
    assert_true(count > 1 && ticks[count - 1] == 0 && !signbit(ticks[count - 1]));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(moments_are_as_short_as_they_can_be),
      cmocka_unit_test(no_axis_has_a_zero_below_zero),
      cmocka_unit_test(text_formats_match_their_golden_files),
      cmocka_unit_test(terminal_lines_fit_the_width),
      cmocka_unit_test(terminal_colours_only_when_asked),
      cmocka_unit_test(directional_controls_do_not_reach_people),
      cmocka_unit_test(names_are_never_cut),
      cmocka_unit_test(limits_without_a_workload_are_one_line),
      cmocka_unit_test(interrupted_runs_say_what_is_missing),
      cmocka_unit_test(own_metrics_stand_beside_the_main_one),
      cmocka_unit_test(decided_changes_come_before_inconclusive_ones),
      cmocka_unit_test(percentiles_need_operations_behind_them),
      cmocka_unit_test(csv_has_equal_fields_and_no_formulas),
      cmocka_unit_test(every_format_renders_every_shape_and_repeats),
      cmocka_unit_test(no_context_and_unwritable_places_are_told),
      cmocka_unit_test(format_names_go_both_ways),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A program that we are part of may have chosen a locale in which numbers have a comma: nothing that is read or written changes. */
#include <locale.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include <assay/report.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/toml.h"
#include "judge/alert_rules.h"
#include "result/import.h"
#include "sample_result.h"
#include "test.h"

static char comma[64]; /* the name of such a locale; "" where none can be had */

static bool has_comma(const char *name) {
  if (setlocale(LC_ALL, name) == NULL) return false;
  bool has = strcmp(localeconv()->decimal_point, ",") == 0;
  setlocale(LC_ALL, "C");
  if (has) snprintf(comma, sizeof comma, "%s", name);
  return has;
}

/* Where the system has none, one is made of its sources into the test's own directory. */
static bool make_locale(void) {
  char path[700];
  snprintf(path, sizeof path, "%s/comma.UTF-8", test_temp_dir());
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    execlp("localedef", "localedef", "-i", "de_DE", "-f", "UTF-8", path, (char *)NULL);
    _exit(127);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (status != 0 || setenv("LOCPATH", test_temp_dir(), 1) != 0) return false;
  return has_comma("comma.UTF-8");
}

static int find_locale(void **state) {
  (void)state;
  if (!has_comma("de_DE.UTF-8") && !has_comma("fr_FR.UTF-8")) make_locale();
  return 0;
}

static void begin_commas(void) {
  if (comma[0] == '\0') test_skip("there is no locale with a comma here, and localedef makes none");
  assert_non_null(setlocale(LC_ALL, comma));
  char text[16];
  snprintf(text, sizeof text, "%.1f", 1.5);
  assert_string_equal(text, "1,5"); /* it is as bad as it should be */
}

static int end_commas(void **state) {
  (void)state;
  setlocale(LC_ALL, "C");
  return 0;
}

static void values_have_points(void **state) {
  (void)state;
  begin_commas();
  char text[64];
  double value = 0;
  const char *unit = NULL;
  assay_error err = {0};
  assert_string_equal(assay_format_value(1234.5, "ns", text, sizeof text), "1.234 us");
  assert_ok(assay_parse_value("2.5 ms", &err, &value, &unit), err);
  assert_near(value, 2.5e6, 0);
  assert_true(assay_parse_f64("0.125", &value));
  assert_near(value, 0.125, 0);
  assert_false(assay_parse_f64("0,125", &value));
  assay_buf out = {0};
  assay_buf_double(&out, 0.1);
  assay_buf_printf(&out, " %.2f", 0.75);
  assert_string_equal(out.data, "0.1 0.75");
  assay_buf_deinit(&out);
  ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "at most %g", 0.5);
  assert_string_equal(err.message, "at most 0.5");
}

static void files_have_points(void **state) {
  (void)state;
  begin_commas();
  assay_error err = {0};
  assay_toml *toml = NULL;
  static const char settings[] = "x = 2.75\n", rules[] = "alerts:\n  time: {warning: 2.5%}\n";
  assert_ok(assay_toml_parse(settings, sizeof settings - 1, "x.toml", &err, &toml), err);
  assert_near(assay_toml_get(assay_toml_root(toml), "x")->as.real, 2.75, 0);
  assay_toml_destroy(toml);
  assay_alert_rules *read = NULL;
  assert_ok(assay_alert_rules_parse(rules, sizeof rules - 1, "r.yaml", false, &err, &read), err);
  assay_alert_rules_destroy(read);
  static const char go[] = "pkg: p\nBenchmarkX-2 \t 1000 \t 12.75 ns/op\n",
                    hyperfine[] = "{\"results\": [{\"command\": \"a\", \"mean\": 0.25, \"times\": [0.125, 0.375]}]}";
  assay_result *result = NULL;
  assert_ok(assay_import_memory("go.txt", go, sizeof go - 1, "go", &err, &result), err);
  assert_near(result->benchmarks[0].metrics[0].value, 12.75, 0);
  assay_result_destroy(result);
  assert_ok(assay_import_memory("h.json", hyperfine, sizeof hyperfine - 1, "hyperfine", &err, &result), err);
  assert_near(result->benchmarks[0].metrics[0].processes[0], 0.125e9, 0);
  assay_result_destroy(result);
}

/* Every report, byte for byte as without the locale. */
static void reports_have_points(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  assay_report_context context = test_sample_context(&s);
  for (int format = 0; format < ASSAY_FORMAT_COUNT; format++) {
    char *before = NULL, *with = NULL;
    assay_error err = {0};
    setlocale(LC_ALL, "C");
    assert_ok(assay_report_render(s.result, &context, (assay_format)format, &err, &before), err);
    begin_commas();
    assert_ok(assay_report_render(s.result, &context, (assay_format)format, &err, &with), err);
    if (strcmp(before, with) != 0) fail_msg("the report '%s' follows the locale", assay_format_text((assay_format)format));
    assay_string_free(before);
    assay_string_free(with);
  }
  test_sample_deinit(&s);
}

static void comparisons_and_pictures_have_points(void **state) {
  (void)state;
  test_sample s;
  test_sample_init(&s);
  assay_changes_context context = {.before = s.previous, .after = s.result};
  static const assay_format formats[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_JSON, ASSAY_FORMAT_MARKDOWN,
                                         ASSAY_FORMAT_JUNIT,    ASSAY_FORMAT_CSV,  ASSAY_FORMAT_HTML};
  for (size_t i = 0; i <= sizeof formats / sizeof *formats; i++) {
    char *texts[2] = {NULL};
    assay_error err = {0};
    for (int with = 0; with < 2; with++) {
      setlocale(LC_ALL, "C");
      if (with) begin_commas();
      if (i < sizeof formats / sizeof *formats)
        assert_ok(assay_report_changes(s.changes, &context, formats[i], &err, &texts[with]), err);
      else
        assert_ok(assay_report_roofline_svg(s.result, &err, &texts[with]), err);
    }
    if (strcmp(texts[0], texts[1]) != 0) fail_msg("text %zu follows the locale", i);
    assay_string_free(texts[0]);
    assay_string_free(texts[1]);
  }
  test_sample_deinit(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(values_have_points, end_commas),
      cmocka_unit_test_teardown(files_have_points, end_commas),
      cmocka_unit_test_teardown(reports_have_points, end_commas),
      cmocka_unit_test_teardown(comparisons_and_pictures_have_points, end_commas),
  };
  return cmocka_run_group_tests(tests, find_locale, NULL);
}

/* SPDX-License-Identifier: MIT */
/* A comparison in every format: every verdict, hostile names, nothing to compare, no intervals. */
#include <math.h>

#include <assay/report.h>

#include "made_result.h"
#include "sample_result.h"
#include "test.h"

/* One of every verdict; of one benchmark a second metric, of another an error rate. */
static const assay_change every_verdict[] = {
    {.suite = "performance",
     .benchmark = "sum/n=1000",
     .metric = "time",
     .unit = "ns",
     .is_main = true,
     .verdict = ASSAY_VERDICT_SAME,
     .before_count = 5,
     .after_count = 5,
     .before = 100.2,
     .after = 100.9,
     .change_ratio = 0.007,
     .ci_low = -0.004,
     .ci_high = 0.018,
     .p_value = 0.19,
     .q_value = 0.24,
     .threshold = {0.05, 0.125},
     .noise_floor = 0.02,
     .detectable = 0.016},
    {.suite = "performance",
     .benchmark = "sort/n=1000/type=f64",
     .metric = "time",
     .unit = "ns",
     .is_main = true,
     .verdict = ASSAY_VERDICT_CRITICAL,
     .before_count = 5,
     .after_count = 5,
     .before = 12.3e6,
     .after = 16.5e6,
     .change_ratio = 0.3415,
     .ci_low = 0.301,
     .ci_high = 0.383,
     .p_value = 1e-6,
     .q_value = 7e-6,
     .threshold = {0.05, 0.125},
     .noise_floor = 0.012,
     .detectable = 0.023},
    {.suite = "performance",
     .benchmark = "sort/n=1000/type=f64",
     .metric = "peak_rss",
     .unit = "B",
     .kind = ASSAY_KIND_MEMORY,
     .verdict = ASSAY_VERDICT_WORSE,
     .before_count = 5,
     .after_count = 5,
     .before = 64 << 20,
     .after = 80 << 20,
     .change_ratio = 0.25,
     .ci_low = 0.24,
     .ci_high = 0.26,
     .p_value = 1e-5,
     .q_value = 5e-5,
     .threshold = {0.1, 0.25},
     .detectable = 0.01},
    {.suite = "trading",
     .benchmark = "order_insert",
     .metric = "latency",
     .unit = "ns",
     .kind = ASSAY_KIND_LATENCY,
     .is_main = true,
     .verdict = ASSAY_VERDICT_WORSE,
     .before_count = 5,
     .after_count = 4,
     .before = 850,
     .after = 1105,
     .change_ratio = 0.3,
     .ci_low = 0.22,
     .ci_high = 0.381,
     .p_value = 0.0011,
     .q_value = 0.0026,
     .threshold = {0.2, 0.5},
     .noise_floor = 0.08,
     .detectable = 0.11},
    {.suite = "trading",
     .benchmark = "orders",
     .metric = "items_per_second",
     .unit = "items/s",
     .kind = ASSAY_KIND_THROUGHPUT,
     .better = ASSAY_HIGHER,
     .is_main = true,
     .verdict = ASSAY_VERDICT_BETTER,
     .before_count = 5,
     .after_count = 5,
     .before = 1e6,
     .after = 1.18e6,
     .change_ratio = 0.18,
     .ci_low = 0.15,
     .ci_high = 0.21,
     .p_value = 2e-4,
     .q_value = 7e-4,
     .threshold = {0.1, 0.25},
     .noise_floor = 0.03,
     .detectable = 0.041},
    {.suite = "trading",
     .benchmark = "rejects",
     .metric = "error_rate",
     .unit = "ratio",
     .kind = ASSAY_KIND_ERROR_RATE,
     .is_main = true,
     .verdict = ASSAY_VERDICT_INCONCLUSIVE,
     .before_count = 3,
     .after_count = 3,
     .before = 0.01,
     .after = 0.025,
     .change_ratio = 0.015,
     .ci_low = -0.02,
     .ci_high = 0.05,
     .p_value = 0.2,
     .q_value = 0.24,
     .threshold = {0.01, 0.025},
     .detectable = 0.04,
     .reason = "the interval holds both no change and the threshold: 3 processes on each side are too few"},
    {.suite = "wide",
     .benchmark = "far/away",
     .metric = "time",
     .unit = "ns",
     .is_main = true,
     .verdict = ASSAY_VERDICT_INCONCLUSIVE,
     .before_count = 2,
     .after_count = 2,
     .before = 10,
     .after = 18,
     .change_ratio = 0.8,
     .ci_low = -0.7,
     .ci_high = 10.5,
     .p_value = 0.3,
     .q_value = 0.3,
     .threshold = {0.05, 0.125},
     .detectable = 2.5,
     .reason = "the interval holds both no change and the threshold: 2 processes on each side are too few"},
    {.suite = "performance",
     .benchmark = "gone",
     .metric = "time",
     .unit = "ns",
     .is_main = true,
     .verdict = ASSAY_VERDICT_MISSING,
     .before_count = 5,
     .before = 61.2,
     .after = NAN,
     .change_ratio = NAN,
     .ci_low = NAN,
     .ci_high = NAN,
     .p_value = NAN,
     .q_value = NAN,
     .threshold = {0.05, 0.125},
     .detectable = NAN},
    {.suite = "performance",
     .benchmark = "fresh",
     .metric = "time",
     .unit = "ns",
     .is_main = true,
     .verdict = ASSAY_VERDICT_NEW,
     .after_count = 5,
     .before = NAN,
     .after = 44,
     .change_ratio = NAN,
     .ci_low = NAN,
     .ci_high = NAN,
     .p_value = NAN,
     .q_value = NAN,
     .threshold = {0.05, 0.125},
     .detectable = NAN},
};
enum { COUNT = sizeof every_verdict / sizeof *every_verdict };

typedef struct sample {
  assay_change items[COUNT];
  assay_changes changes;
  assay_changes_context context;
  assay_result *before, *after;
} sample;

static void count_verdicts(assay_changes *changes) {
  memset(changes->verdicts, 0, sizeof changes->verdicts);
  for (size_t i = 0; i < changes->count; i++) changes->verdicts[changes->items[i].verdict]++;
}

static void begin(sample *s) {
  *s = (sample){.before = test_empty_result("00000000000000aa", 1789632000), .after = test_empty_result("00000000000000bb", 1789718400)};
  memcpy(s->items, every_verdict, sizeof every_verdict);
  s->before->run.commit = "e3d9a20f00e3d9a20f00e3d9a20f00e3d9a20f00";
  s->after->run.commit = "4743812f00ba4743812f00ba4743812f00ba4743";
  s->changes = (assay_changes){.items = s->items,
                               .count = COUNT,
                               .tested = 7,
                               .status = ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS,
                               .alpha = 0.05,
                               .common_ratio = 0.004};
  count_verdicts(&s->changes);
  s->context = (assay_changes_context){.before = s->before, .after = s->after, .before_label = "baseline main"};
}

static void end(sample *s) {
  assay_result_destroy(s->before);
  assay_result_destroy(s->after);
}

/* Leaves only the changes with this verdict. */
static void keep(sample *s, assay_verdict verdict, assay_regress_status status) {
  size_t kept = 0;
  for (size_t i = 0; i < s->changes.count; i++)
    if (s->items[i].verdict == verdict) s->items[kept++] = s->items[i];
  s->changes.count = kept;
  s->changes.status = status;
  count_verdicts(&s->changes);
}

static char *render(const sample *s, assay_format format) {
  assay_error err = {0};
  char *text = NULL;
  assert_ok(assay_report_changes(&s->changes, &s->context, format, &err, &text), err);
  assert_non_null(text);
  return text;
}

static void golden(const sample *s, assay_format format, const char *name) {
  char *text = render(s, format);
  test_assert_golden(name, text);
  assay_string_free(text);
}

static void formats_match_their_golden_files(void **state) {
  (void)state;
  sample s;
  begin(&s);
  golden(&s, ASSAY_FORMAT_TERMINAL, "compare.txt");
  golden(&s, ASSAY_FORMAT_JSON, "compare.json");
  golden(&s, ASSAY_FORMAT_CSV, "compare.csv");
  golden(&s, ASSAY_FORMAT_MARKDOWN, "compare.md");
  golden(&s, ASSAY_FORMAT_JUNIT, "compare.junit.xml");
  s.context.pull_request = true;
  golden(&s, ASSAY_FORMAT_MARKDOWN, "compare_pr.md");
  s.context.all = true;
  s.context.width = 150;
  golden(&s, ASSAY_FORMAT_TERMINAL, "compare_wide.txt");
  s.context.width = 60;
  golden(&s, ASSAY_FORMAT_TERMINAL, "compare_narrow.txt");
  end(&s);
}

static void hostile_names_stay_text(void **state) {
  (void)state;
  static const char evil[] = TEST_HOSTILE_NAME "\n=1+1 @everyone \033[2J \xff";
  sample s;
  begin(&s);
  for (size_t i = 0; i < s.changes.count; i++) {
    s.items[i].benchmark = s.items[i].suite = s.items[i].metric = evil;
    if (s.items[i].reason != NULL) s.items[i].reason = evil;
  }
  s.context.before_label = s.context.after_label = evil;
  s.before->run.commit = s.before->machine_label = s.after->machine_label = evil;
  s.changes.other_machine = true;
  s.context.all = true;
  static const assay_format formats[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_JSON, ASSAY_FORMAT_MARKDOWN, ASSAY_FORMAT_JUNIT,
                                         ASSAY_FORMAT_HTML};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    char *text = render(&s, formats[i]);
    assert_null(strchr(text, '\033'));
    assert_null(strchr(text, '\xff'));
    if (formats[i] == ASSAY_FORMAT_JUNIT || formats[i] == ASSAY_FORMAT_HTML) assert_null(strstr(text, "<script>alert"));
    assay_string_free(text);
  }
  golden(&s, ASSAY_FORMAT_MARKDOWN, "compare_hostile.md");
  golden(&s, ASSAY_FORMAT_JUNIT, "compare_hostile.junit.xml");
  golden(&s, ASSAY_FORMAT_CSV, "compare_hostile.csv");
  end(&s);
}

static void the_first_sentence_is_the_verdict(void **state) {
  (void)state;
  static const struct {
    assay_verdict only; /* SAME: all of them */
    assay_regress_status status;
    const char *says;
  } cases[] = {
      {ASSAY_VERDICT_COUNT, ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS,
       "2 of 8 benchmarks became worse, 1 of them critically: sort/n=1000/type=f64 most, time +34.2 %"},
      {ASSAY_VERDICT_CRITICAL, ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS,
       "1 of 1 benchmark became critically worse: sort/n=1000/type=f64, time +34.2 %"},
      {ASSAY_VERDICT_BETTER, ASSAY_REGRESS_ALL_PASS, "Nothing became worse in 1 benchmark: 1 better."},
      {ASSAY_VERDICT_SAME, ASSAY_REGRESS_ALL_PASS, "Nothing became worse in 1 benchmark: 1 the same."},
      {ASSAY_VERDICT_INCONCLUSIVE, ASSAY_REGRESS_INCONCLUSIVE, "Nothing is known to be worse, but of 2 benchmarks 2 are too noisy to say."},
      {ASSAY_VERDICT_MISSING, ASSAY_REGRESS_INCONCLUSIVE, "Nothing is known to be worse, but of 1 benchmark 1 was not measured again."},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    sample s;
    begin(&s);
    if (cases[i].only != ASSAY_VERDICT_COUNT) keep(&s, cases[i].only, cases[i].status);
    char *text = render(&s, ASSAY_FORMAT_JSON);
    if (strstr(text, cases[i].says) == NULL) print_error("%s\n%.400s\n", cases[i].says, text);
    assert_non_null(strstr(text, cases[i].says));
    assert_non_null(strstr(text, assay_regress_status_text(cases[i].status)));
    assay_string_free(text);
    end(&s);
  }
}

static void notes_say_what_moved_everything(void **state) {
  (void)state;
  sample s;
  begin(&s);
  s.changes.common_ratio = 0.31;
  s.changes.other_machine = true;
  s.after->machine_label = "Another machine";
  static const assay_format formats[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_JSON, ASSAY_FORMAT_MARKDOWN, ASSAY_FORMAT_JUNIT,
                                         ASSAY_FORMAT_HTML};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    s.context.width = 400; /* no line breaks inside the sentences */
    char *text = render(&s, formats[i]);
    assert_non_null(strstr(text, "Everything moved together by 31.0 % for the worse"));
    assert_non_null(strstr(text, "different machines"));
    assert_non_null(strstr(text, "Another machine"));
    assay_string_free(text);
  }
  s.changes.common_ratio = 0.01; /* within the thresholds: nothing to say */
  char *text = render(&s, ASSAY_FORMAT_TERMINAL);
  assert_null(strstr(text, "moved together"));
  assay_string_free(text);
  end(&s);
}

static void a_comment_fits_where_comments_go(void **state) {
  (void)state;
  enum { MANY = 4000 };
  sample s;
  begin(&s);
  static assay_change many[MANY];
  static char names[MANY][200];
  for (size_t i = 0; i < MANY; i++) {
    many[i] = every_verdict[i % COUNT];
    snprintf(names[i], sizeof names[i], "a_benchmark_with_a_rather_long_name/and=parameters/that=go_on_and_on/number=%zu", i);
    many[i].benchmark = names[i];
  }
  s.changes.items = many;
  s.changes.count = MANY;
  count_verdicts(&s.changes);
  for (int short_form = 0; short_form < 2; short_form++) {
    s.context.pull_request = short_form;
    char *text = render(&s, ASSAY_FORMAT_MARKDOWN);
    assert_true(strlen(text) < 65536);
    assert_non_null(strstr(text, "more are in the HTML report"));
    assay_string_free(text);
  }
  end(&s);
}

static void names_of_any_length_leave_the_verdict_and_a_whole_page(void **state) {
  (void)state;
  static const size_t lengths[] = {3000, 70000};
  for (size_t k = 0; k < 2; k++) {
    sample s;
    begin(&s);
    char *name = calloc(1, lengths[k] + 1);
    assert_non_null(name);
    memset(name, 'x', lengths[k]);
    static assay_change many[400];
    for (size_t i = 0; i < 400; i++) {
      many[i] = every_verdict[i % COUNT];
      many[i].benchmark = name;
    }
    s.changes.items = many;
    s.changes.count = 400;
    count_verdicts(&s.changes);
    s.context.pull_request = true;
    char *text = render(&s, ASSAY_FORMAT_MARKDOWN);
    assert_true(strlen(text) <= ASSAY_REPORT_COMMENT_MAX);
    assert_ptr_equal(strstr(text, ASSAY_REPORT_COMMENT_MARK "\n### "), text);
    assert_non_null(strstr(text, "became worse"));
    assert_non_null(strstr(text, k == 0 ? "more are in the HTML report" : "Cut here"));
    assert_int_equal(strstr(text, "<details>") != NULL, strstr(text, "</details>") != NULL);
    assay_string_free(text);
    free(name);
    end(&s);
  }
}

static void nothing_and_no_figures_are_told(void **state) {
  (void)state;
  assay_changes nothing = {.status = ASSAY_REGRESS_INCONCLUSIVE, .common_ratio = NAN};
  static const assay_format formats[] = {ASSAY_FORMAT_TERMINAL, ASSAY_FORMAT_JSON,  ASSAY_FORMAT_MARKDOWN,
                                         ASSAY_FORMAT_HTML,     ASSAY_FORMAT_JUNIT, ASSAY_FORMAT_CSV};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    assay_error err = {0};
    char *text = NULL;
    assert_ok(assay_report_changes(&nothing, NULL, formats[i], &err, &text), err);
    if (formats[i] != ASSAY_FORMAT_CSV && strstr(text, "Nothing could be compared") == NULL) print_error("%s\n", text);
    if (formats[i] != ASSAY_FORMAT_CSV) assert_non_null(strstr(text, "Nothing could be compared"));
    assay_string_free(text);
  }
  assay_error err = {0};
  char *text = NULL;
  assert_int_equal(assay_report_changes(&nothing, NULL, ASSAY_FORMAT_COUNT, &err, &text), ASSAY_ERR_INVALID);
  assert_int_equal(assay_report_changes(NULL, NULL, ASSAY_FORMAT_JSON, &err, &text), ASSAY_ERR_INVALID);
  assert_null(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(formats_match_their_golden_files),
      cmocka_unit_test(hostile_names_stay_text),
      cmocka_unit_test(the_first_sentence_is_the_verdict),
      cmocka_unit_test(notes_say_what_moved_everything),
      cmocka_unit_test(a_comment_fits_where_comments_go),
      cmocka_unit_test(nothing_and_no_figures_are_told),
      cmocka_unit_test(names_of_any_length_leave_the_verdict_and_a_whole_page),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

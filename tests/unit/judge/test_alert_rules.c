/* SPDX-License-Identifier: MIT */
/* Rules files: what they mean, and how a wrong one is refused. */
#include "judge/alert_rules.h"
#include "os/prim.h"
#include "test.h"

static assay_alert_rules *parse(const char *text, bool toml) {
  assay_error err = {0};
  assay_alert_rules *rules = NULL;
  assert_ok(assay_alert_rules_parse(text, strlen(text), toml ? "dir/r.toml" : "dir/r.yaml", toml, &err, &rules), err);
  return rules;
}

static const char *name_of(const assay_alert_rules *rules, const char *suite, const char *benchmark, const char *metric,
                           assay_metric_kind kind) {
  const assay_alert_rule *rule = assay_alert_rule_for(rules, suite, benchmark, metric, kind);
  return rule != NULL ? rule->name : "";
}

/* The level of a step under the rule that counts: 0 none, 1 warning, 2 critical. */
static int level_of(const assay_alert_rules *rules, const char *benchmark, const char *metric, const char *unit, assay_metric_kind kind,
                    assay_better better, double before, double after) {
  assay_alert_level level;
  const assay_alert_rule *rule = assay_alert_rule_for(rules, "s", benchmark, metric, kind);
  if (rule == NULL || !assay_alert_rule_level(rule, before, after, unit, kind, better, &level)) return 0;
  return level == ASSAY_ALERT_CRITICAL ? 2 : 1;
}

/* The shape of the fourth seed, comments and all. */
static const char seed_shape[] =
    "# Performance alert configuration\n"
    "alerts:\n"
    "  compilation_time:\n"
    "    warning: 20%  # 20% slower than baseline\n"
    "    critical: 50% # 50% slower than baseline\n"
    "    \n"
    "  memory_usage:\n"
    "    warning: 100MB  # Above baseline + 100MB\n"
    "    critical: 200MB # Above baseline + 200MB\n"
    "    \n"
    "  energy_efficiency:\n"
    "    warning: 15%   # 15% less efficient\n"
    "    critical: 30%  # 30% less efficient\n";

static void check_seed(const assay_alert_rules *rules) {
  assert_int_equal(rules->count, 3);
  assert_int_equal(rules->channel_count, 0);
  const assay_metric_kind time = ASSAY_KIND_TIME, memory = ASSAY_KIND_MEMORY, energy = ASSAY_KIND_ENERGY;
  const assay_better lower = ASSAY_LOWER;
  assert_int_equal(level_of(rules, "compile_matmul", "time", "ns", time, lower, 100, 119), 0);
  assert_int_equal(level_of(rules, "compile_matmul", "time", "ns", time, lower, 100, 120), 1);
  assert_int_equal(level_of(rules, "compile_matmul", "time", "ns", time, lower, 100, 149), 1);
  assert_int_equal(level_of(rules, "compile_matmul", "time", "ns", time, lower, 100, 151), 2);
  assert_int_equal(level_of(rules, "compile_matmul", "time", "ns", time, lower, 100, 50), 0); /* faster */
  assert_int_equal(level_of(rules, "matmul", "time", "ns", time, lower, 100, 200), 0);        /* nothing is compiled there */
  assert_int_equal(level_of(rules, "matmul", "compilation_time", "ns", time, lower, 100, 130), 1);
  assert_int_equal(level_of(rules, "matmul", "peak_rss", "B", memory, lower, 1e9, 1.09e9), 0);
  assert_int_equal(level_of(rules, "matmul", "peak_rss", "B", memory, lower, 1e9, 1.1e9), 1);
  assert_int_equal(level_of(rules, "matmul", "peak_rss", "B", memory, lower, 1e9, 1.25e9), 2);
  assert_int_equal(level_of(rules, "matmul", "energy", "J", energy, lower, 1, 1.2), 1);
  assert_int_equal(level_of(rules, "matmul", "energy_efficiency", "items/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER, 100, 84), 1);
  assert_int_equal(level_of(rules, "matmul", "energy_efficiency", "items/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER, 100, 69), 2);
  assert_int_equal(level_of(rules, "matmul", "energy_efficiency", "items/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER, 100, 130), 0);
}

static void the_shape_of_the_seed_is_read(void **state) {
  (void)state;
  assay_alert_rules *rules = parse(seed_shape, false);
  check_seed(rules);
  assay_alert_rules_destroy(rules);
}

static void the_seed_itself_is_read_as_it_stands(void **state) {
  (void)state;
  const char *path = test_shared_path("seeds/004_acd4f8169fa4293d.txt");
  if (path == NULL) test_skip("the seeds are not beside this checkout");
  assay_error err = {0};
  char *text = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file(path, 1 << 20, &err, &text, &length), err);
  char *start = strstr(text, "# Performance alert configuration"), *end = start != NULL ? strstr(start, "```") : NULL;
  assert_non_null(end);
  *end = '\0';
  assay_alert_rules *rules = parse(start, false);
  check_seed(rules);
  assay_alert_rules_destroy(rules);
  assay_free(text);
}

static void toml_says_the_same(void **state) {
  (void)state;
  assay_alert_rules *rules = parse(
      "[alerts.compilation_time]\nwarning = \"20%\"\ncritical = \"50 %\"\n"
      "[alerts.memory_usage]\nwarning = \"100MB\"\ncritical = \"200MB\"\n"
      "[alerts]\nenergy_efficiency = {warning = \"15%\", critical = \"30%\"}\n",
      true);
  check_seed(rules);
  assay_alert_rules_destroy(rules);
  rules = parse(
      "[alerts]\ntime = \"10%\"\nallocations = 5\n[[channels]]\ncommand = [\"say\", \"{title}\"]\ntimeout = 2.5\nresolved = true\n", true);
  assert_int_equal(rules->channel_count, 1);
  assert_string_equal(rules->channels[0].words[1], "{title}");
  assert_null(rules->channels[0].words[2]);
  assert_near(rules->channels[0].timeout_s, 2.5, 0);
  assert_true(rules->channels[0].resolved);
  assert_int_equal(level_of(rules, "b", "allocations", "allocations", ASSAY_KIND_COUNT, ASSAY_LOWER, 2, 7), 1);
  assert_int_equal(level_of(rules, "b", "allocations", "allocations", ASSAY_KIND_COUNT, ASSAY_LOWER, 2, 6), 0);
  assay_alert_rules_destroy(rules);
}

static void the_last_rule_that_matches_counts(void **state) {
  (void)state;
  assay_alert_rules *rules = parse(
      "alerts:\n"
      "  time: 10%\n"
      "  performance/alloc*: {warning: 30%}\n"
      "  'performance/*:peak_rss': {critical: 1MiB}\n"
      "  own: {benchmark: '*/sort', kind: latency, warning: 5ms}\n"
      "  p99: {metric: latency_p99, benchmark: nn/*, warning: 1%}\n"
      "  performance/alloc_huge: off\n",
      false);
  assert_string_equal(name_of(rules, "nn", "lstm", "time", ASSAY_KIND_TIME), "time");
  assert_string_equal(name_of(rules, "nn", "lstm", "cpu_time", ASSAY_KIND_TIME), "time");
  assert_string_equal(name_of(rules, "nn", "lstm", "latency_p99", ASSAY_KIND_LATENCY), "p99");
  assert_string_equal(name_of(rules, "quant", "lstm", "latency_p99", ASSAY_KIND_LATENCY), "");
  assert_string_equal(name_of(rules, "quant", "sort", "latency", ASSAY_KIND_LATENCY), "own");
  assert_string_equal(name_of(rules, "performance", "alloc_small", "time", ASSAY_KIND_TIME), "performance/alloc*");
  assert_string_equal(name_of(rules, "performance", "alloc_small", "peak_rss", ASSAY_KIND_MEMORY), "performance/*:peak_rss");
  assert_string_equal(name_of(rules, "performance", "copy", "peak_rss", ASSAY_KIND_MEMORY), "performance/*:peak_rss");
  assert_true(assay_alert_rule_for(rules, "performance", "alloc_huge", "time", ASSAY_KIND_TIME)->off);
  /* A name without a wildcard is that benchmark, not all that begin so. */
  assert_false(assay_alert_rule_for(rules, "performance", "alloc_huger", "time", ASSAY_KIND_TIME)->off);
  assay_alert_rules_destroy(rules);
}

static void an_amount_holds_in_its_own_unit_only(void **state) {
  (void)state;
  assay_alert_rules *rules = parse("alerts:\n  latency: {warning: 2ms}\n  error_rate: 1%\n  accuracy: 2%\n", false);
  assert_int_equal(level_of(rules, "b", "latency", "ns", ASSAY_KIND_LATENCY, ASSAY_LOWER, 1e6, 3.1e6), 1);
  assert_int_equal(level_of(rules, "b", "latency", "cycles", ASSAY_KIND_LATENCY, ASSAY_LOWER, 1e6, 9e6), 0);
  assert_int_equal(level_of(rules, "b", "error_rate", "ratio", ASSAY_KIND_ERROR_RATE, ASSAY_LOWER, 0, 0.02), 1); /* points */
  assert_int_equal(level_of(rules, "b", "error_rate", "ratio", ASSAY_KIND_ERROR_RATE, ASSAY_LOWER, 0.5, 0.505), 0);
  assert_int_equal(level_of(rules, "b", "accuracy", "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER, 0.9, 0.88), 1);
  assert_int_equal(level_of(rules, "b", "accuracy", "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER, 0.9, 0.89), 0);
  assay_alert_rules_destroy(rules);
}

static void channels_keep_what_is_said_of_them(void **state) {
  (void)state;
  assay_alert_rules *rules = parse(
      "alerts: {time: 10%}\n"
      "channels:\n"
      "  - file: alerts.jsonl\n"
      "  - file: /var/log/alerts.jsonl\n"
      "  - command: echo {title}\n"
      "    level: critical\n"
      "  - webhook: https://example.org/hook\n"
      "    headers: ['Authorization: Bearer ${TOKEN}']\n"
      "    name: chat\n"
      "    attempts: 5\n"
      "    timeout: 500ms\n",
      false);
  const assay_alert_channel *c = rules->channels;
  assert_int_equal(rules->channel_count, 4);
  assert_string_equal(c[0].target, "dir/alerts.jsonl"); /* beside the rules */
  assert_string_equal(c[1].target, "/var/log/alerts.jsonl");
  assert_int_equal(c[2].medium, ASSAY_ALERT_COMMAND);
  assert_null(c[2].words);
  assert_int_equal(c[2].least, ASSAY_ALERT_CRITICAL);
  assert_string_equal(c[3].name, "chat");
  assert_string_equal(c[3].headers[0], "Authorization: Bearer ${TOKEN}");
  assert_int_equal(c[3].attempts, 5);
  assert_near(c[3].timeout_s, 0.5, 1e-12);
  assay_alert_rules_destroy(rules);
}

static void wrong_files_are_refused_with_place_and_mend(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
    bool toml;
  } cases[] = {
      {"alerts:\n  time:\n    warn: 20%\n", "dir/r.yaml:3:5: unknown key 'warn'; did you mean 'warning'?", false},
      {"alrets:\n  time: 20%\n", "dir/r.yaml:1:1: unknown key 'alrets'; did you mean 'alerts'?", false},
      {"alerts:\n  time:\n    warning: fast\n", "dir/r.yaml:3:14: warning: expected a number with a unit", false},
      {"alerts:\n  time:\n    warning: 0.2\n", "dir/r.yaml:3:14: warning: '0.2' has no unit; write 20% for a share", false},
      {"alerts:\n  time:\n    warning: 0%\n", "dir/r.yaml:3:14", false},
      {"alerts:\n  time:\n    warning: -5%\n", "not more than nothing", false},
      {"alerts:\n  time: {warning: 20%, critical: 10%}\n", "dir/r.yaml:2:34: critical (10%) is less than warning (20%)", false},
      {"alerts:\n  time: {}\n", "dir/r.yaml:2:3: 'time' needs warning or critical", false},
      {"alerts:\n  time:\n", "dir/r.yaml:2:8: warning: expected a share such as 20% or an amount such as 100MB, found nothing", false},
      {"alerts:\n  time: 5%\n  memory: 5%\n  time: 6%\n", "dir/r.yaml:4:3: 'time' stands here twice; it was first given in line 2", false},
      {"alerts:\n  a: &x {warning: 5%}\n  b: *x\n", "anchors and aliases (&x) are not read here", false},
      {"alerts:\n  */alloc*: 5%\n", "must stand in quotes", false},
      {"alerts:\n  *alloc: 5%\n", "quote a glob: '*alloc'", false},
      {"alerts: [1, 2]\n", "dir/r.yaml:1:9: alerts: expected rules", false},
      {"alerts: {? [a]: 5%}\n", "a key must be a text", false},
      {"alerts:\n  time: 5%\n---\nalerts:\n  time: 5%\n", "a second document", false},
      {"alerts:\n  time: 5%\n bad\n", "dir/r.yaml:3:", false},
      {"", "nothing in this file", false},
      {"channels: []\n", "there are no rules: expected alerts:", false},
      {"alerts: {x: {kind: tiem, warning: 1%}}\n", "did you mean 'time'?", false},
      {"alerts: {time: 1%}\nchannels:\n  - webhok: http://x\n", "dir/r.yaml:3:5: unknown key 'webhok'; did you mean 'webhook'?", false},
      {"alerts: {time: 1%}\nchannels:\n  - webhook: ftp://x\n", "dir/r.yaml:3:14: webhook: 'ftp://x' is no URL", false},
      {"alerts: {time: 1%}\nchannels:\n  - {file: a, command: b}\n", "a channel is one of file, command and webhook", false},
      {"alerts: {time: 1%}\nchannels:\n  - {file: a, timeout: 1h}\n", "timeout: expected a time from 100ms to 30s", false},
      {"alerts: {time: 1%}\nchannels:\n  - {command: []}\n", "command: an empty list", false},
      {"alerts: {time: 1%}\nchannels:\n  - {webhook: 'http://x', headers: [a]}\n", "headers: expected \"Name: value\"", false},
      {"[alerts.time]\nwarnning = \"1%\"\n", "did you mean 'warning'?", true},
      {"[alerts.time]\nwarning = 2020-01-01\n", "expected text or a number, found", true},
      {"[alerts.time\n", "dir/r.toml:1:", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    assay_alert_rules *rules = NULL;
    assay_status status = assay_alert_rules_parse(cases[i].text, strlen(cases[i].text), cases[i].toml ? "dir/r.toml" : "dir/r.yaml",
                                                  cases[i].toml, &err, &rules);
    if (status != ASSAY_ERR_PARSE || strstr(err.message, cases[i].says) == NULL)
      fail_msg("case %zu: expected \"%s\", got %d \"%s\"", i, cases[i].says, status, err.message);
    assert_null(rules);
  }
}

static void what_is_too_large_or_too_deep_is_refused(void **state) {
  (void)state;
  enum { SIZE = 300 * 1024 };
  static char text[SIZE + 1];
  assay_error err = {0};
  assay_alert_rules *rules = NULL;
  memset(text, ' ', SIZE);
  memcpy(text, "alerts: {time: 1%}", 18);
  assert_int_equal(assay_alert_rules_parse(text, SIZE, "r.yaml", false, &err, &rules), ASSAY_ERR_LIMIT);
  memset(text, '[', 200 * 1024);
  err = (assay_error){0};
  assert_int_equal(assay_alert_rules_parse(text, 200 * 1024, "r.yaml", false, &err, &rules), ASSAY_ERR_PARSE);
  assert_non_null(strstr(err.message, "nested more than"));
  memset(text, '\0', sizeof text);
  for (size_t i = 0; i < 30000; i++) strcat(text + 4 * i, "- 1\n");
  err = (assay_error){0};
  assert_int_equal(assay_alert_rules_parse(text, 120000, "r.yaml", false, &err, &rules), ASSAY_ERR_PARSE);
  assert_non_null(strstr(err.message, "more than 20000 values"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_shape_of_the_seed_is_read),
      cmocka_unit_test(the_seed_itself_is_read_as_it_stands),
      cmocka_unit_test(toml_says_the_same),
      cmocka_unit_test(the_last_rule_that_matches_counts),
      cmocka_unit_test(an_amount_holds_in_its_own_unit_only),
      cmocka_unit_test(channels_keep_what_is_said_of_them),
      cmocka_unit_test(wrong_files_are_refused_with_place_and_mend),
      cmocka_unit_test(what_is_too_large_or_too_deep_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

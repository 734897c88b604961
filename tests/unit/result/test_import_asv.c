/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>
#include <math.h>

#include "os/prim.h"

#define ABOUT(commit, environment, date)                                                                                            \
  "\"commit_hash\": \"" commit "\", \"env_name\": \"" environment "\", \"date\": " date                                             \
  ", \"params\": {\"arch\": \"x86_64\", \"cpu\": \"Some CPU\","                                                                     \
  " \"machine\": \"box\", \"num_cpu\": \"8\", \"os\": \"Linux 6.1\", \"ram\": \"16\", \"python\": \"3.11\"}, \"python\": \"3.11\"," \
  " \"requirements\": {\"numpy\": \"1.26\"}, \"env_vars\": {}"
#define COLUMNS                                                                                                                    \
  "\"result_columns\": [\"result\", \"params\", \"version\", \"started_at\", \"duration\", \"stats_ci_99_a\", \"stats_ci_99_b\", " \
  "\"stats_q_25\","                                                                                                                \
  " \"stats_q_75\", \"stats_number\", \"stats_repeat\", \"samples\", \"profile\"]"
#define V2(about, rows) "{" about ", " COLUMNS ", \"results\": {" rows "}, \"durations\": {}, \"version\": 2}"
#define ONE(commit, environment, date, value) \
  V2(ABOUT(commit, environment, date), "\"b.time_a\": [[" value "], [], \"v1\", 1700000000000, 0.5]")
#define BENCHMARKS                                                                                                                      \
  "{\"b.S.time_sort\": {\"name\": \"b.S.time_sort\", \"param_names\": [\"n\", \"kind\"], \"params\": [[\"10\", \"20\"], [\"'a'\", "     \
  "\"'b'\"]],"                                                                                                                          \
  " \"type\": \"time\", \"unit\": \"seconds\", \"version\": \"v1\"}, \"b.track_acc\": {\"name\": \"b.track_acc\", \"param_names\": []," \
  " \"params\": [], \"type\": \"track\", \"unit\": \"MB/sec\"}, \"version\": 2}"

static assay_result *import_path(const char *relative) { return import_tree("asv", relative); }

static void parameters_become_cases(void **state) {
  (void)state;
  put_file("one/results", "benchmarks.json", BENCHMARKS);
  put_file("one/results/box", "machine.json", "{\"machine\": \"box\", \"version\": 1}");
  put_file("one/results/box", "abcd1234-virtualenv-py3.11.json",
           V2(ABOUT("abcd1234ef", "virtualenv-py3.11", "1700000000000"),
              "\"b.S.time_sort\": [[0.5, null, NaN, 0.25], [[\"10\", \"20\"], [\"'a'\", \"'b'\"]], \"v1\", 1700000100000, 2.5, [0.4, null, "
              "null, 0.2],"
              " [0.6, null, null, 0.3], [0.45, null, null, 0.24], [0.55, null, null, 0.26], [1, null, null, 7], [10, null, null, 3],"
              " [[0.5, 0.75, 0.25], null, null, null]], \"b.track_acc\": [[3], [], \"v\", 1700000050000]"));
  assay_result *r = import_path("one/results");
  const char *first = "b.S.time_sort/n=10/kind='a'";
  assert_values(metric(r, "asv", first, "time"), ASSAY_REPLICATE_REPETITION, 3, 0.5e9, 0.75e9, 0.25e9);
  assert_int_equal(benchmark(r, "asv", "b.S.time_sort/n=10/kind='b'")->status, ASSAY_OUTCOME_FAILED);
  assert_int_equal(benchmark(r, "asv", "b.S.time_sort/n=20/kind='a'")->status, ASSAY_OUTCOME_SKIPPED);
  const assay_metric_result *last = metric(r, "asv", "b.S.time_sort/n=20/kind='b'", "time");
  assert_values(last, ASSAY_REPLICATE_RUN, 1, 0.25e9);
  assert_int_equal(last->stats.samples, 3);
  assert_near(fact(r, "import.benchmarks.asv/b.S.time_sort/n=20/kind='b'.ci_99_high")->real, 0.3, 0);
  assert_string_equal(metric(r, "asv", "b.track_acc", "value")->unit, "B/s");
  assert_near(metric(r, "asv", "b.track_acc", "value")->value, 3e6, 0);
  assert_int_equal(metric(r, "asv", "b.track_acc", "value")->better, ASSAY_HIGHER);
  assert_string_equal(r->run.commit, "abcd1234ef");
  assert_int_equal(r->run.started_at_s, 1700000050);
  assert_near(r->run.duration_s, 2.5, 0);
  assert_string_equal(benchmark(r, "asv", first)->base_name, "b.S.time_sort");
  assert_fact(r, "import.env_name", "virtualenv-py3.11");
  assert_fact(r, "import.requirements.numpy", "1.26");
  assert_says(r->machine_label, "box");
  assay_result_destroy(r);
  r = import_path("one/results/box/abcd1234-virtualenv-py3.11.json");
  assert_int_equal(r->benchmark_count, 5);
  assert_near(metric(r, "asv", "b.track_acc", "value")->value, 3e6, 0);
  assay_result_destroy(r);
}

static void the_newest_commit_is_taken(void **state) {
  (void)state;
  put_file("two/.asv/results/box", "machine.json", "{}");
  put_file("two/.asv/results/box", "aaaa0000-py.json", ONE("aaaa0000", "py", "1600000000000", "1"));
  put_file("two/.asv/results/box", "bbbb0000-py.json", ONE("bbbb0000", "py", "1700000000000", "2"));
  assay_result *r = import_path("two");
  assert_values(metric(r, "asv", "b.time_a", "time"), ASSAY_REPLICATE_RUN, 1, 2e9);
  assert_string_equal(r->run.commit, "bbbb0000");
  assert_says(fact(r, "import.left_out.0")->text, "1 result files of other commits");
  assay_result_destroy(r);
  r = import_path("two/.asv/results/box/aaaa0000-py.json");
  assert_near(metric(r, "asv", "b.time_a", "time")->value, 1e9, 0);
  assay_result_destroy(r);
  /* Another environment of the same commit is another configuration, not a repetition. */
  put_file("two/.asv/results/box", "bbbb0000-pypy.json", ONE("bbbb0000", "pypy", "1700000000000", "4"));
  r = import_path("two");
  assert_near(metric(r, "asv", "b.time_a/environment=py", "time")->value, 2e9, 0);
  assert_near(metric(r, "asv", "b.time_a/environment=pypy", "time")->value, 4e9, 0);
  assay_result_destroy(r);
  put_file("two/.asv/results/other", "machine.json", "{}");
  put_file("two/.asv/results/other", "cccc0000-py.json", ONE("cccc0000", "py", "1", "2"));
  char path[700];
  const char *paths[] = {path};
  assay_error err = {0};
  snprintf(path, sizeof path, "%s/two", test_temp_dir());
  assert_int_equal(assay_import(paths, 1, NULL, &err, &r), ASSAY_ERR_PARSE);
  assert_says(err.message, "results of several machines");
}

static void version_one_is_read(void **state) {
  (void)state;
  assay_result *r = import_text("asv",
                                "{" ABOUT("abcd", "py", "1") ", \"results\": {\"b.time_x\": 0.5, \"b.mem_y\": {\"result\": [100, 200], \"params\": [[\"1\", \"2\"]]},"
                                                             " \"b.time_z\": {\"result\": [0.25], \"params\": [], \"stats\": [{\"ci_99\": [0.2, 0.3], \"q_25\": 0.24, \"q_75\": 0.26,"
                                                             " \"number\": 5, \"repeat\": 10}], \"samples\": [[0.25, 0.5]]}, \"b.time_null\": null},"
                                                             " \"started_at\": {\"b.time_x\": 1700000000000}, \"version\": 1}");
  assert_values(metric(r, "asv", "b.time_x", "time"), ASSAY_REPLICATE_RUN, 1, 0.5e9);
  assert_near(metric(r, "asv", "b.mem_y/param1=2", "memory")->value, 200, 0);
  assert_values(metric(r, "asv", "b.time_z", "time"), ASSAY_REPLICATE_REPETITION, 2, 0.25e9, 0.5e9);
  assert_near(fact(r, "import.benchmarks.asv/b.time_z.ci_99_low")->real, 0.2, 0);
  assert_int_equal(fact(r, "import.benchmarks.asv/b.time_z.repeat")->integer, 10);
  assert_int_equal(benchmark(r, "asv", "b.time_null")->status, ASSAY_OUTCOME_FAILED);
  assert_int_equal(r->run.started_at_s, 1700000000);
  assay_result_destroy(r);
}

static void mistakes_name_the_path(void **state) {
  (void)state;
  const char *f = "asv";
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "\"b.time_x\": [[\"fast\"], []]")),
              "file: results.b.time_x.result: expected a number, found the string \"fast\"");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "\"b.time_x\": [[1, 2, 3], [[\"1\", \"2\"]]]")),
              "results.b.time_x.result: 3 values for the 2 cases");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "\"b.time_x\": [[1], [[]]]")), "results.b.time_x.params[0]: expected an array of values");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "\"b.time_x\": {\"result\": 1}")),
              "results.b.time_x: expected an array with the columns");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "\"b.time_x\": [[Infinity], []]")), "Infinity");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "\"b.time_x\": [[-1], []]")), "below zero");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "\"b.time_x\": [[1], []], \"b.time_x\": [[2], []]")), "duplicate object key");
  assert_says(refused(f, "{" ABOUT("a", "p", "1") ", \"results\": {}, \"version\": 3}"), "version: results of version 3");
  assert_says(refused(f, "{" ABOUT("a", "p", "1") ", \"results\": {}}"), "version: expected");
  assert_says(refused(f, "{" ABOUT("a", "p", "1") ", \"results\": {}, \"version\": 2}"), "result_columns: expected an array");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"), "")), "there is no benchmark in it");
  assert_says(refused(f, "{\"commit_hash\": \"a\", \"results\""), "file:1:");
  assert_says(refused(f, V2(ABOUT("a", "p", "1"),
                            "\"b.time_x\": [null, [[1,2,3,4,5,6,7,8,9,0],[1,2,3,4,5,6,7,8,9,0],[1,2,3,4,5,6,7,8,9,0],"
                            "[1,2,3,4,5,6,7,8,9,0],[1,2,3,4,5,6,7,8,9,0],[1,2,3,4,5,6,7,8,9,0]]]")),
              "more than 100000 cases");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parameters_become_cases),
      cmocka_unit_test(the_newest_commit_is_taken),
      cmocka_unit_test(version_one_is_read),
      cmocka_unit_test(mistakes_name_the_path),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

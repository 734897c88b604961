/* SPDX-License-Identifier: MIT */
/* What a history does, whatever holds it: run over SQLite, and over PostgreSQL where ASSAY_TEST_POSTGRES names a server. */
#include <assay/history.h>

#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "made_result.h"
#include "store.h"
#include "test.h"

static void a_run_comes_back_as_it_was(void **state) {
  (void)state;
  assay_error err = {0};
  const char *path = test_fresh_history();
  assay_history *h = test_open_history(path);
  assay_result *made = test_made_result(), *back = NULL;
  assert_ok(assay_history_begin(h, made, &err), err);
  /* As a run does: in the order in which they were finished, one of them twice. */
  for (size_t i = made->benchmark_count; i-- > 0;) assert_ok(assay_history_put_benchmark(h, made->run.id, &made->benchmarks[i], &err), err);
  assert_ok(assay_history_put_benchmark(h, made->run.id, &made->benchmarks[0], &err), err);
  assert_ok(assay_history_finish(h, made, &err), err);
  assay_history_close(h);

  h = test_open_history(path);
  assert_ok(assay_history_load(h, "latest", NULL, &err, &back), err);
  char *before = test_json_of(made), *after = test_json_of(back);
  assert_string_equal(after, before);
  assay_string_free(before);
  assay_string_free(after);
  assay_result_destroy(back);

  assay_history_run *runs = NULL;
  size_t count = 0;
  assert_ok(assay_history_runs(h, NULL, 0, &err, &runs, &count), err);
  assert_int_equal(count, 1);
  assert_string_equal(runs[0].id, "0123456789abcdef");
  assert_string_equal(runs[0].name, "nightly");
  assert_string_equal(runs[0].machine_label, "A machine, 2 cores");
  assert_int_equal(runs[0].state, ASSAY_RUN_COMPLETE);
  assert_int_equal(runs[0].benchmarks, 4);
  assert_int_equal(runs[0].failed, 1);
  assert_true(runs[0].quick && runs[0].duration_s == 12.75);
  assay_history_runs_free(runs);
  assay_history_close(h);
  assay_result_destroy(made);
}

static void runs_are_found_by_place_and_by_start_of_id(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  assay_result *r = NULL;
  assert_int_equal(assay_history_load(h, "latest", NULL, &err, &r), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  test_store_time(h, "aaaa000000000001", 300, 3);
  test_store_time(h, "aaaa000000000002", 100, 1);
  test_store_time(h, "bbbb000000000003", 200, 2);

  static const struct {
    const char *which;
    double value;
  } found[] = {{"latest", 3}, {"previous", 2}, {"aaaa000000000002", 1}, {"BBBB0", 2}, {"aaaa000000000001", 3}};
  for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
    assert_ok(assay_history_load(h, found[i].which, NULL, &err, &r), err);
    assert_near(r->benchmarks[0].metrics[0].value, found[i].value, 0);
    assay_result_destroy(r);
  }
  assert_int_equal(assay_history_load(h, "aaaa", NULL, &err, &r), ASSAY_ERR_INVALID); /* two begin so */
  assert_non_null(strstr(err.message, "aaaa000000000002"));
  assay_error_clear(&err);
  assert_int_equal(assay_history_load(h, "cc", NULL, &err, &r), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  assert_int_equal(assay_history_load(h, "%", NULL, &err, &r), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  assert_int_equal(assay_history_load(h, "latest", "0000000000000000", &err, &r), ASSAY_ERR_NOT_FOUND);
  assay_history_close(h);
}

static void a_series_is_ordered_limited_and_of_good_runs(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  for (int i = 0; i < 5; i++) {
    char id[17];
    snprintf(id, sizeof id, "%016x", i);
    test_store_time(h, id, 1000 - i, i); /* stored newest first */
  }
  assay_result *failed = test_empty_result("ffffffffffffffff", 2000);
  test_add_time(failed, "a", 99);
  failed->benchmarks[0].status = ASSAY_OUTCOME_FAILED;
  test_store(h, failed);
  assay_result_destroy(failed);
  assay_result *part = test_empty_result("eeeeeeeeeeeeeeee", 3000); /* some of its benchmarks have not all their processes */
  assert_ok(assay_history_begin(h, part, &err), err);
  test_add_time(part, "a", 98);
  assert_ok(assay_history_put_benchmark(h, part->run.id, &part->benchmarks[0], &err), err);
  part->run.interrupted = true;
  assert_ok(assay_history_finish(h, part, &err), err);
  assay_result_destroy(part);

  assay_history_point *points = NULL;
  size_t count = 0;
  assert_ok(assay_history_series(h, "00112233aabbccdd", "s", "a", "time", 3, &err, &points, &count), err);
  assert_int_equal(count, 3);
  for (int i = 0; i < 3; i++) {
    assert_near(points[i].value, 2 - i, 0);
    assert_int_equal(points[i].at_s, 998 + i);
    assert_true(isnan(points[i].ci_low));
  }
  assert_string_equal(points[2].run_id, "0000000000000000");
  assay_history_points_free(points);
  assert_ok(assay_history_series(h, NULL, "s", "a", "time", 0, &err, &points, &count), err);
  assert_int_equal(count, 5);
  assay_history_points_free(points);
  assert_ok(assay_history_series(h, "other", "s", "a", "time", 0, &err, &points, &count), err);
  assert_int_equal(count, 0);
  assay_history_points_free(points);
  assay_history_close(h);
}

static void a_benchmark_put_again_replaces_its_figures(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  assert_ok(assay_history_begin(h, r, &err), err);
  test_add_time(r, "a", 5);
  assert_ok(assay_history_put_benchmark(h, r->run.id, &r->benchmarks[0], &err), err);
  test_add_time(r, "a", 6);
  assert_ok(assay_history_put_benchmark(h, r->run.id, &r->benchmarks[0], &err), err);

  assay_history_point *points = NULL;
  size_t count = 0;
  assert_int_equal(assay_history_load(h, "latest", NULL, &err, &back), ASSAY_ERR_NOT_FOUND); /* it still runs */
  assay_error_clear(&err);
  assert_int_equal(assay_history_put_benchmark(h, "00000000000000bb", &r->benchmarks[0], &err), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  assert_ok(assay_history_finish(h, r, &err), err); /* after a refused write it goes on */
  assert_ok(assay_history_series(h, NULL, "s", "a", "time", 0, &err, &points, &count), err);
  assert_int_equal(count, 1);
  assert_near(points[0].value, 6, 0);
  assay_history_points_free(points);
  r->benchmarks[0].status = ASSAY_OUTCOME_FAILED; /* its last process failed: the figure goes from the trend */
  assert_ok(assay_history_put_benchmark(h, r->run.id, &r->benchmarks[0], &err), err);
  assert_ok(assay_history_series(h, NULL, "s", "a", "time", 0, &err, &points, &count), err);
  assert_int_equal(count, 0);
  assay_history_points_free(points);
  assay_result_destroy(r);
  assay_history_close(h);
}

static void a_baseline_is_a_name_that_can_move(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  test_store_time(h, "aaaa000000000001", 1, 1);
  test_store_time(h, "bbbb000000000002", 2, 2);
  assay_result *r = NULL;
  assert_int_equal(assay_history_load_baseline(h, "main", &err, &r), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  assert_ok(assay_history_save_baseline(h, "main", "aaaa000000000001", "first", &err), err);
  assert_ok(assay_history_load_baseline(h, "main", &err, &r), err);
  assert_string_equal(r->run.id, "aaaa000000000001");
  assay_result_destroy(r);
  assert_ok(assay_history_save_baseline(h, "main", "latest", NULL, &err), err);
  assert_ok(assay_history_load_baseline(h, "main", &err, &r), err);
  assert_string_equal(r->run.id, "bbbb000000000002");
  assay_result_destroy(r);
  assert_int_equal(assay_history_save_baseline(h, "x", "cccc", NULL, &err), ASSAY_ERR_NOT_FOUND);
  assay_history_close(h);
}

/* A stored run of that commit. */
static void store_commit(assay_history *h, const char *id, int64_t at_s, const char *commit, bool interrupted) {
  assay_error err = {0};
  assay_result *r = test_empty_result(id, at_s);
  test_add_time(r, "a", (double)at_s);
  r->run.commit = commit;
  r->run.interrupted = interrupted;
  assert_ok(assay_history_put_result(h, r, &err), err);
  assay_result_destroy(r);
}

static void does_not_load(assay_history *h, const char *which, const char *machine, assay_status status, const char *message) {
  assay_error err = {0};
  assay_result *r = NULL;
  assert_int_equal(assay_history_load(h, which, machine, &err, &r), status);
  if (strstr(err.message, message) == NULL) print_error("%s lacks: %s\n", err.message, message);
  assert_non_null(strstr(err.message, message));
  assert_null(r);
}

#define COMMIT_A "1234567aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMIT_B "1234567bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void runs_are_found_by_commit_and_by_baseline(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  store_commit(h, "aaaa000000000001", 100, COMMIT_A, false);
  store_commit(h, "aaaa000000000002", 200, COMMIT_A, false);
  store_commit(h, "aaaa000000000003", 300, COMMIT_A, true); /* newer, but cut short */
  store_commit(h, "bbbb000000000004", 150, COMMIT_B, false);
  test_loads(h, "1234567a", "aaaa000000000002");
  test_loads(h, "commit:1234567A", "aaaa000000000002");
  test_loads(h, "commit:" COMMIT_B, "bbbb000000000004");
  does_not_load(h, "1234567", NULL, ASSAY_ERR_INVALID, COMMIT_B);
  does_not_load(h, "123456", NULL, ASSAY_ERR_NOT_FOUND, "123456");
  does_not_load(h, "commit:main", NULL, ASSAY_ERR_NOT_FOUND, "no run of commit \"main\"");
  does_not_load(h, "1234567a", "another machine", ASSAY_ERR_NOT_FOUND, "other machines");

  assert_ok(assay_history_save_baseline(h, "release", "aaaa000000000001", "the first", &err), err);
  assert_ok(assay_history_save_baseline(h, "bbbb", "aaaa000000000001", NULL, &err), err);
  test_loads(h, "release", "aaaa000000000001");
  store_commit(h, "cccc000000000005", 50, "svn r4711", false); /* an imported one, of another tool's */
  test_loads(h, "svn r4711", "cccc000000000005");
  test_loads(h, "commit:svn r4711", "cccc000000000005");
  test_loads(h, "bbbb", "bbbb000000000004"); /* an id goes before a name ... */
  test_loads(h, "baseline:bbbb", "aaaa000000000001");
  assert_ok(assay_history_save_baseline(h, "aaaa", "bbbb000000000004", NULL, &err), err);
  test_loads(h, "aaaa", "bbbb000000000004"); /* ... where it is one */
  does_not_load(h, "relase", NULL, ASSAY_ERR_NOT_FOUND, "did you mean \"release\"");
  does_not_load(h, "baseline:relase", NULL, ASSAY_ERR_NOT_FOUND, "did you mean \"release\"");
  does_not_load(h, "aaaa0000000000f1", NULL, ASSAY_ERR_NOT_FOUND, "did you mean \"aaaa00000000000");
  does_not_load(h, "unlike anything", NULL, ASSAY_ERR_NOT_FOUND, "baselines: aaaa, bbbb, release");
  does_not_load(h, "", NULL, ASSAY_ERR_INVALID, "names no run");
  assay_history_close(h);
}

static void baselines_are_listed_and_deleted(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  assay_history_baseline *baselines = NULL;
  size_t count = 99;
  assert_ok(assay_history_baselines(h, &err, &baselines, &count), err);
  assert_int_equal(count, 0);
  assay_history_baselines_free(baselines);

  store_commit(h, "aaaa000000000001", 100, COMMIT_A, false);
  store_commit(h, "aaaa000000000002", 200, COMMIT_B, false);
  assert_ok(assay_history_save_baseline(h, "release 1", "aaaa000000000001", "the first", &err), err);
  assert_ok(assay_history_save_baseline(h, "main", "latest", NULL, &err), err);
  assert_ok(assay_history_save_baseline(h, "release 1", "aaaa000000000002", NULL, &err), err); /* moved: it keeps its description */
  assert_ok(assay_history_baselines(h, &err, &baselines, &count), err);
  assert_int_equal(count, 2);
  assert_string_equal(baselines[0].name, "main");
  assert_string_equal(baselines[0].description, "");
  assert_string_equal(baselines[1].description, "the first");
  assert_string_equal(baselines[1].run_id, "aaaa000000000002");
  assert_string_equal(baselines[1].commit, COMMIT_B);
  assert_string_equal(baselines[1].version, "0.1.0");
  assert_string_equal(baselines[1].machine_label, "A machine, 2 cores");
  assert_string_equal(baselines[1].machine_id, "00112233aabbccdd");
  assert_int_equal(baselines[1].started_at_s, 200);
  assert_int_equal(baselines[1].benchmarks, 1);
  assert_true(baselines[1].saved_at_s > 1700000000);
  assay_history_baselines_free(baselines);

  char longest[128];
  memset(longest, 'x', sizeof longest);
  const char *const refused_names[] = {"", "latest", "previous", "two\nlines", "\x1b[2J"};
  for (size_t i = 0; i < sizeof refused_names / sizeof *refused_names; i++) {
    assert_int_equal(assay_history_save_baseline(h, refused_names[i], "latest", NULL, &err), ASSAY_ERR_INVALID);
    assay_error_clear(&err);
  }
  longest[127] = '\0';
  assert_ok(assay_history_save_baseline(h, longest, "latest", NULL, &err), err);
  char longer[129];
  snprintf(longer, sizeof longer, "%sx", longest);
  assert_int_equal(assay_history_save_baseline(h, longer, "latest", NULL, &err), ASSAY_ERR_INVALID);
  assay_error_clear(&err);

  assert_int_equal(assay_history_delete_baseline(h, "mian", &err), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "did you mean \"main\""));
  assay_error_clear(&err);
  assert_ok(assay_history_delete_baseline(h, "main", &err), err);
  does_not_load(h, "main", NULL, ASSAY_ERR_NOT_FOUND, "main");
  test_loads(h, "latest", "aaaa000000000002"); /* the run stays */
  assay_history_close(h);
}

static size_t series_length(assay_history *h, const char *benchmark) {
  assay_error err = {0};
  assay_history_point *points = NULL;
  size_t count = 0;
  assert_ok(assay_history_series(h, NULL, "s", benchmark, "time", 0, &err, &points, &count), err);
  assay_history_points_free(points);
  return count;
}

static void a_whole_result_replaces_the_run_of_its_id(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  test_add_time(r, "a", 1);
  test_add_time(r, "b", 2);
  r->run.commit = COMMIT_A;
  assert_ok(assay_history_put_result(h, r, &err), err);
  assert_ok(assay_history_save_baseline(h, "kept", "00000000000000aa", NULL, &err), err);
  assay_result_destroy(r);
  test_store_time(h, "00000000000000bb", 20, 7);

  r = test_empty_result("00000000000000aa", 30); /* at another time, on another machine, with another benchmark */
  r->machine_id = "ffffffffffffffff";
  r->run.commit = COMMIT_B;
  test_add_time(r, "a", 3);
  test_add_time(r, "c", 4);
  assert_ok(assay_history_put_result(h, r, &err), err);
  assert_ok(assay_history_load(h, "baseline:kept", NULL, &err, &back), err);
  char *before = test_json_of(r), *after = test_json_of(back);
  assert_string_equal(after, before);
  assay_string_free(before);
  assay_string_free(after);
  assay_result_destroy(back);
  assay_result_destroy(r);
  assert_int_equal(series_length(h, "a"), 2);
  assert_int_equal(series_length(h, "b"), 0);
  assert_int_equal(series_length(h, "c"), 1);
  assay_history_point *points = NULL;
  size_t count = 0;
  assert_ok(assay_history_series(h, "ffffffffffffffff", "s", "a", "time", 0, &err, &points, &count), err);
  assert_int_equal(count, 1);
  assert_string_equal(points[0].commit, COMMIT_B);
  assert_int_equal(points[0].at_s, 30);
  assay_history_points_free(points);

  r = test_empty_result("", 30);
  assert_int_equal(assay_history_put_result(h, r, &err), ASSAY_ERR_INVALID);
  assay_result_destroy(r);
  assay_history_close(h);
}

static void documents_are_kept_by_kind_and_key(void **state) {
  (void)state;
  assay_error err = {0};
  const char *path = test_fresh_history();
  assay_history *h = test_open_history(path);
  assay_history_document *documents = NULL;
  size_t count = 99;
  assert_ok(assay_history_put_document(h, "alert", "b", "{\"n\": 1}", &err), err);
  assert_ok(assay_history_put_document(h, "alert", "a", "{}", &err), err);
  assert_ok(assay_history_put_document(h, "mute", "a", "[]", &err), err);
  assert_ok(assay_history_put_document(h, "alert", "b", "{\"n\": \"\xc3\xa9'\\\"\"}", &err), err);
  assay_history_close(h);
  h = test_open_history(path);
  assert_ok(assay_history_documents(h, "alert", &err, &documents, &count), err);
  assert_int_equal(count, 2);
  assert_string_equal(documents[0].key, "a");
  assert_string_equal(documents[1].json, "{\"n\": \"\xc3\xa9'\\\"\"}");
  assert_true(documents[1].changed_at_s > 1700000000);
  assay_history_documents_free(documents);
  assert_ok(assay_history_delete_document(h, "alert", "b", &err), err);
  assert_int_equal(assay_history_delete_document(h, "alert", "b", &err), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  assert_int_equal(assay_history_put_document(h, "alert", "", "{}", &err), ASSAY_ERR_INVALID);
  assay_error_clear(&err);
  assert_ok(assay_history_documents(h, "alert", &err, &documents, &count), err);
  assert_int_equal(count, 1);
  assay_history_documents_free(documents);
  assert_ok(assay_history_documents(h, "nothing", &err, &documents, &count), err);
  assert_int_equal(count, 0);
  assay_history_documents_free(documents);
  assay_history_close(h);
}

static void the_names_of_all_series_are_listed(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  assay_result *made = test_made_result();
  test_store(h, made);
  assay_result_destroy(made);
  test_store_time(h, "00000000000000aa", 10, 1);
  test_store_time(h, "00000000000000bb", 20, 1);
  assay_history_name *names = NULL;
  size_t count = 0;
  assert_ok(assay_history_names(h, NULL, NULL, &err, &names, &count), err);
  assert_int_equal(count, 4);
  assert_string_equal(names[0].suite, "performance");
  assert_string_equal(names[0].benchmark, "sum/n=1000/type=f32");
  assert_string_equal(names[0].metric, "items_per_second");
  assert_string_equal(names[0].unit, "items/s");
  assert_string_equal(names[0].machine_id, "00112233aabbccdd");
  assert_int_equal(names[0].points, 1);
  assert_string_equal(names[2].suite, "s");
  assert_int_equal(names[2].points, 2);
  assay_history_names_free(names);
  assert_ok(assay_history_names(h, "00112233aabbccdd", "trading/o*", &err, &names, &count), err);
  assert_int_equal(count, 1);
  assert_string_equal(names[0].metric, "latency");
  assay_history_names_free(names);
  assert_ok(assay_history_names(h, "ffffffffffffffff", NULL, &err, &names, &count), err);
  assert_int_equal(count, 0);
  assay_history_names_free(names);
  assay_history_close(h);
}

/* Neighbours that differ by `scale` times a fixed pattern, and one step in the middle. */
static double noise_with(assay_history *h, size_t runs, double scale, double step) {
  static const double pattern[] = {0.3, -0.9, 0.5, 1.2, -0.4, 0.1, -1.1, 0.8};
  assay_error err = {0};
  double noise = 0;
  for (size_t i = 0; i < runs; i++) {
    char id[17];
    snprintf(id, sizeof id, "%016zx", i);
    test_store_time(h, id, (int64_t)i, 100 * exp(scale * pattern[i % 8]) * (i >= runs / 2 ? step : 1));
  }
  assert_ok(assay_history_noise(h, NULL, "s", "a", "time", &err, &noise), err);
  assay_history_close(h);
  return noise;
}

static void noise_is_what_neighbouring_runs_differ_by(void **state) {
  (void)state;
  assert_true(isnan(noise_with(test_open_history(test_fresh_history()), 5, 0.01, 1)));
  /* the 15 |d| of 16 runs: .5 .5 .5 .7 .7 1.2 1.2 1.2 1.2 1.4 1.4 1.6 1.6 1.9 1.9; 35 % of them lie below 0.7 + 0.9 * 0.5 */
  double noise = noise_with(test_open_history(test_fresh_history()), 16, 0.01, 1);
  assert_near(noise, expm1(0.0115 * 1.959964 / 0.453762), 1e-9);
  assert_near(noise_with(test_open_history(test_fresh_history()), 16, 0.01, 2), noise, 0.01); /* a step is no noise */
  assert_near(noise_with(test_open_history(test_fresh_history()), 6, 0, 1), 0, 1e-12);
}

static void hostile_text_is_only_text(void **state) {
  (void)state;
  static const char *const names[] = {"'; DROP TABLE runs; --",    "\"quoted\"", "two\nlines\t", "%s%n$1?1", "\xff\xfe", "\xed\xa0\x80",
                                      "e\xcc\x81 \xf0\x9f\x98\x80"};
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  r->run.name = "na'me \xff";
  r->machine_label = "machine \xc0";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) test_add_time(r, names[i], (double)i + 1);
  test_store(h, r);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_int_equal(series_length(h, names[i]), 1);
  assert_ok(assay_history_load(h, "latest", NULL, &err, &back), err);
  assert_int_equal(back->benchmark_count, r->benchmark_count);
  assert_string_equal(back->run.name, "na'me \xef\xbf\xbd");
  assay_result_destroy(back);
  assert_ok(assay_history_save_baseline(h, "b'\xff", "latest", "d'\xff", &err), err);
  test_loads(h, "b'\xff", "00000000000000aa");
  assert_ok(assay_history_delete_baseline(h, "b'\xff", &err), err);
  assert_ok(assay_history_put_document(h, "k'", "\xff", "{}", &err), err);
  assert_ok(assay_history_delete_document(h, "k'", "\xff", &err), err);
  assay_result_destroy(r);
  assay_history_close(h);
}

/* ---- Killed and crowded ------------------------------------------------------------------------------------------------------- */

static void a_killed_run_keeps_what_was_done(void **state) {
  (void)state;
  char path[4096];
  int ready[2];
  snprintf(path, sizeof path, "%s", test_fresh_history());
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    assay_error err = {0};
    assay_history *h = NULL;
    assay_result *r = test_empty_result("00000000000000aa", 10);
    test_add_time(r, "a", 1);
    test_add_time(r, "b", 2);
    bool stored = assay_history_open(path, &err, &h) == ASSAY_OK && assay_history_begin(h, r, &err) == ASSAY_OK &&
                  assay_history_put_benchmark(h, r->run.id, &r->benchmarks[0], &err) == ASSAY_OK &&
                  assay_history_put_benchmark(h, r->run.id, &r->benchmarks[1], &err) == ASSAY_OK;
    if (write(ready[1], stored ? "y" : "n", 1) != 1) _exit(1);
    for (uint64_t i = 0;; i++) /* until it is killed, in the middle of a write as likely as not */
      if (assay_history_put_benchmark(h, r->run.id, &r->benchmarks[i % 2], &err) != ASSAY_OK) _exit(1);
  }
  char said = 0;
  assert_int_equal(read(ready[0], &said, 1), 1);
  assert_int_equal(said, 'y');

  /* While it lives it runs, as another process sees it too. */
  assay_error err = {0};
  assay_history *h = test_open_history(path);
  assay_history_run *runs = NULL;
  size_t count = 0;
  assert_ok(assay_history_runs(h, NULL, 0, &err, &runs, &count), err);
  assert_int_equal(runs[0].state, ASSAY_RUN_RUNNING);
  assay_history_runs_free(runs);
  assay_history_close(h);

  kill(child, SIGKILL);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  h = test_open_history(path);
  assert_ok(assay_history_runs(h, NULL, 0, &err, &runs, &count), err);
  assert_int_equal(runs[0].state, ASSAY_RUN_INTERRUPTED);
  assert_int_equal(runs[0].benchmarks, 2);
  assay_history_runs_free(runs);
  assay_result *r = NULL;
  assert_ok(assay_history_load(h, "latest", NULL, &err, &r), err);
  assert_true(r->run.interrupted);
  assert_int_equal(r->benchmark_count, 2);
  assert_near(assay_result_find(r, "s", "b")->metrics[0].value, 2, 0);
  assay_result_destroy(r);
  assay_history_close(h);
  close(ready[0]);
  close(ready[1]);
}

static void a_reused_process_number_is_not_the_owner(void **state) {
  (void)state;
  char path[4096];
  snprintf(path, sizeof path, "%s", test_fresh_history());
  assay_error err = {0};
  assay_history *h = test_open_history(path);
  assay_result *r = test_empty_result("00000000000000aa", 10);
  assert_ok(assay_history_begin(h, r, &err), err);
  assay_history_close(h);

  /* our own number, but a process that started at another time */
  test_execute(path, "UPDATE runs SET owner_started = owner_started - 1");
  h = test_open_history(path);
  assay_history_run *runs = NULL;
  size_t count = 0;
  assert_ok(assay_history_runs(h, NULL, 0, &err, &runs, &count), err);
  assert_int_equal(runs[0].state, ASSAY_RUN_INTERRUPTED);
  assay_history_runs_free(runs);
  assay_history_close(h);
  assay_result_destroy(r);
}

enum { WRITERS = 3, RUNS_EACH = 20 };

static int write_runs(const char *path, int writer) {
  for (int i = 0; i < RUNS_EACH; i++) {
    assay_error err = {0};
    assay_history *h = NULL;
    char id[17];
    snprintf(id, sizeof id, "%08x%08x", writer, i);
    assay_result *r = test_empty_result(id, 1000 + i);
    test_add_time(r, "a", i);
    if (assay_history_open(path, &err, &h) != ASSAY_OK || assay_history_begin(h, r, &err) != ASSAY_OK ||
        assay_history_put_benchmark(h, id, &r->benchmarks[0], &err) != ASSAY_OK || assay_history_finish(h, r, &err) != ASSAY_OK) {
      fprintf(stderr, "writer %d: %s\n", writer, err.message);
      return 1;
    }
    assay_history_close(h);
    assay_result_destroy(r);
  }
  return 0;
}

/* All of them also race to create the file. */
static void processes_write_at_once(void **state) {
  (void)state;
  char path[4096];
  pid_t children[WRITERS];
  snprintf(path, sizeof path, "%s", test_fresh_history());
  for (int w = 0; w < WRITERS; w++)
    if ((children[w] = fork()) == 0) _exit(write_runs(path, w));
  for (int w = 0; w < WRITERS; w++) {
    int status = 0;
    waitpid(children[w], &status, 0);
    assert_int_equal(status, 0);
  }
  assay_error err = {0};
  assay_history *h = test_open_history(path);
  assay_history_run *runs = NULL;
  size_t count = 0;
  assert_ok(assay_history_runs(h, NULL, 0, &err, &runs, &count), err);
  assert_int_equal(count, WRITERS * RUNS_EACH);
  for (size_t i = 0; i < count; i++) assert_int_equal(runs[i].state, ASSAY_RUN_COMPLETE);
  assay_history_runs_free(runs);
  assay_history_close(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_run_comes_back_as_it_was),
      cmocka_unit_test(runs_are_found_by_place_and_by_start_of_id),
      cmocka_unit_test(a_series_is_ordered_limited_and_of_good_runs),
      cmocka_unit_test(a_benchmark_put_again_replaces_its_figures),
      cmocka_unit_test(a_baseline_is_a_name_that_can_move),
      cmocka_unit_test(runs_are_found_by_commit_and_by_baseline),
      cmocka_unit_test(baselines_are_listed_and_deleted),
      cmocka_unit_test(a_whole_result_replaces_the_run_of_its_id),
      cmocka_unit_test(documents_are_kept_by_kind_and_key),
      cmocka_unit_test(the_names_of_all_series_are_listed),
      cmocka_unit_test(noise_is_what_neighbouring_runs_differ_by),
      cmocka_unit_test(hostile_text_is_only_text),
      cmocka_unit_test(a_killed_run_keeps_what_was_done),
      cmocka_unit_test(a_reused_process_number_is_not_the_owner),
      cmocka_unit_test(processes_write_at_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

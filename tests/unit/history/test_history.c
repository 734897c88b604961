/* SPDX-License-Identifier: MIT */
#include <assay/history.h>

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#include <sys/mount.h>
#endif

#include "history/db.h"
#include "made_result.h"
#include "os/prim.h"
#include "test.h"

/* A path that no other test of this program uses; static text. */
static const char *fresh_path(void) {
  static char path[4096];
  static int number;
  snprintf(path, sizeof path, "%s/%d.db", test_temp_dir(), number++);
  return path;
}

static assay_history *open_at(const char *path) {
  assay_error err = {0};
  assay_history *h = NULL;
  assert_ok(assay_history_open(path, &err, &h), err);
  return h;
}

static char *json_of(const assay_result *result) {
  assay_error err = {0};
  char *json = NULL;
  assert_ok(assay_result_to_json(result, &err, &json), err);
  return json;
}

static void store(assay_history *h, const assay_result *r) {
  assay_error err = {0};
  assert_ok(assay_history_begin(h, r, &err), err);
  assert_ok(assay_history_finish(h, r, &err), err);
}

static void add_time(assay_result *r, const char *name, double value) {
  double processes[] = {value, value, value};
  test_add_made_benchmark(r, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, processes, 3);
}

/* A stored run with one benchmark "s/a". */
static void store_time(assay_history *h, const char *id, int64_t at_s, double value) {
  assay_result *r = test_empty_result(id, at_s);
  add_time(r, "a", value);
  store(h, r);
  assay_result_destroy(r);
}

static void a_run_comes_back_as_it_was(void **state) {
  (void)state;
  assay_error err = {0};
  const char *path = fresh_path();
  assay_history *h = open_at(path);
  assay_result *made = test_made_result(), *back = NULL;
  assert_ok(assay_history_begin(h, made, &err), err);
  /* As a run does: in the order in which they were finished, one of them twice. */
  for (size_t i = made->benchmark_count; i-- > 0;) assert_ok(assay_history_put_benchmark(h, made->run.id, &made->benchmarks[i], &err), err);
  assert_ok(assay_history_put_benchmark(h, made->run.id, &made->benchmarks[0], &err), err);
  assert_ok(assay_history_finish(h, made, &err), err);
  assay_history_close(h);

  h = open_at(path);
  assert_ok(assay_history_load(h, "latest", NULL, &err, &back), err);
  char *before = json_of(made), *after = json_of(back);
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
  assay_history *h = open_at(fresh_path());
  assay_result *r = NULL;
  assert_int_equal(assay_history_load(h, "latest", NULL, &err, &r), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  store_time(h, "aaaa000000000001", 300, 3);
  store_time(h, "aaaa000000000002", 100, 1);
  store_time(h, "bbbb000000000003", 200, 2);

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
  assay_history *h = open_at(fresh_path());
  for (int i = 0; i < 5; i++) {
    char id[17];
    snprintf(id, sizeof id, "%016x", i);
    store_time(h, id, 1000 - i, i); /* stored newest first */
  }
  assay_result *failed = test_empty_result("ffffffffffffffff", 2000);
  add_time(failed, "a", 99);
  failed->benchmarks[0].status = ASSAY_OUTCOME_FAILED;
  store(h, failed);
  assay_result_destroy(failed);
  assay_result *part = test_empty_result("eeeeeeeeeeeeeeee", 3000); /* some of its benchmarks have not all their processes */
  assert_ok(assay_history_begin(h, part, &err), err);
  add_time(part, "a", 98);
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
  assay_history *h = open_at(fresh_path());
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  assert_ok(assay_history_begin(h, r, &err), err);
  add_time(r, "a", 5);
  assert_ok(assay_history_put_benchmark(h, r->run.id, &r->benchmarks[0], &err), err);
  add_time(r, "a", 6);
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
  assay_history *h = open_at(fresh_path());
  store_time(h, "aaaa000000000001", 1, 1);
  store_time(h, "bbbb000000000002", 2, 2);
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
  add_time(r, "a", (double)at_s);
  r->run.commit = commit;
  r->run.interrupted = interrupted;
  assert_ok(assay_history_put_result(h, r, &err), err);
  assay_result_destroy(r);
}

static void loads(assay_history *h, const char *which, const char *id) {
  assay_error err = {0};
  assay_result *r = NULL;
  assert_ok(assay_history_load(h, which, "00112233aabbccdd", &err, &r), err);
  assert_string_equal(r->run.id, id);
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
  assay_history *h = open_at(fresh_path());
  store_commit(h, "aaaa000000000001", 100, COMMIT_A, false);
  store_commit(h, "aaaa000000000002", 200, COMMIT_A, false);
  store_commit(h, "aaaa000000000003", 300, COMMIT_A, true); /* newer, but cut short */
  store_commit(h, "bbbb000000000004", 150, COMMIT_B, false);
  loads(h, "1234567a", "aaaa000000000002");
  loads(h, "commit:1234567A", "aaaa000000000002");
  loads(h, "commit:" COMMIT_B, "bbbb000000000004");
  does_not_load(h, "1234567", NULL, ASSAY_ERR_INVALID, COMMIT_B);
  does_not_load(h, "123456", NULL, ASSAY_ERR_NOT_FOUND, "123456");
  does_not_load(h, "commit:main", NULL, ASSAY_ERR_INVALID, "hexadecimal");
  does_not_load(h, "1234567a", "another machine", ASSAY_ERR_NOT_FOUND, "other machines");

  assert_ok(assay_history_save_baseline(h, "release", "aaaa000000000001", "the first", &err), err);
  assert_ok(assay_history_save_baseline(h, "bbbb", "aaaa000000000001", NULL, &err), err);
  loads(h, "release", "aaaa000000000001");
  loads(h, "bbbb", "bbbb000000000004"); /* an id goes before a name ... */
  loads(h, "baseline:bbbb", "aaaa000000000001");
  assert_ok(assay_history_save_baseline(h, "aaaa", "bbbb000000000004", NULL, &err), err);
  loads(h, "aaaa", "bbbb000000000004"); /* ... where it is one */
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
  assay_history *h = open_at(fresh_path());
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
  loads(h, "latest", "aaaa000000000002"); /* the run stays */
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
  assay_history *h = open_at(fresh_path());
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  add_time(r, "a", 1);
  add_time(r, "b", 2);
  r->run.commit = COMMIT_A;
  assert_ok(assay_history_put_result(h, r, &err), err);
  assert_ok(assay_history_save_baseline(h, "kept", "00000000000000aa", NULL, &err), err);
  assay_result_destroy(r);
  store_time(h, "00000000000000bb", 20, 7);

  r = test_empty_result("00000000000000aa", 30); /* at another time, on another machine, with another benchmark */
  r->machine_id = "ffffffffffffffff";
  r->run.commit = COMMIT_B;
  add_time(r, "a", 3);
  add_time(r, "c", 4);
  assert_ok(assay_history_put_result(h, r, &err), err);
  assert_ok(assay_history_load(h, "baseline:kept", NULL, &err, &back), err);
  char *before = json_of(r), *after = json_of(back);
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
  const char *path = fresh_path();
  assay_history *h = open_at(path);
  assay_history_document *documents = NULL;
  size_t count = 99;
  assert_ok(assay_history_put_document(h, "alert", "b", "{\"n\": 1}", &err), err);
  assert_ok(assay_history_put_document(h, "alert", "a", "{}", &err), err);
  assert_ok(assay_history_put_document(h, "mute", "a", "[]", &err), err);
  assert_ok(assay_history_put_document(h, "alert", "b", "{\"n\": \"\xc3\xa9'\\\"\"}", &err), err);
  assay_history_close(h);
  h = open_at(path);
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
  assay_history *h = open_at(fresh_path());
  assay_result *made = test_made_result();
  store(h, made);
  assay_result_destroy(made);
  store_time(h, "00000000000000aa", 10, 1);
  store_time(h, "00000000000000bb", 20, 1);
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
    store_time(h, id, (int64_t)i, 100 * exp(scale * pattern[i % 8]) * (i >= runs / 2 ? step : 1));
  }
  assert_ok(assay_history_noise(h, NULL, "s", "a", "time", &err, &noise), err);
  assay_history_close(h);
  return noise;
}

static void noise_is_what_neighbouring_runs_differ_by(void **state) {
  (void)state;
  assert_true(isnan(noise_with(open_at(fresh_path()), 5, 0.01, 1)));
  /* |d| of the pattern: .5 .7 .9 1.2 1.2 1.4 1.6 1.9; the median of the 15 differences of 16 runs is 1.2 */
  double noise = noise_with(open_at(fresh_path()), 16, 0.01, 1);
  assert_near(noise, expm1(0.012 * 1.959964 / 0.67449), 1e-9);
  assert_near(noise_with(open_at(fresh_path()), 16, 0.01, 2), noise, 0.01); /* a step is no noise */
  assert_near(noise_with(open_at(fresh_path()), 6, 0, 1), 0, 1e-12);
}

static void hostile_text_is_only_text(void **state) {
  (void)state;
  static const char *const names[] = {"'; DROP TABLE runs; --",    "\"quoted\"", "two\nlines\t", "%s%n$1?1", "\xff\xfe", "\xed\xa0\x80",
                                      "e\xcc\x81 \xf0\x9f\x98\x80"};
  assay_error err = {0};
  assay_history *h = open_at(fresh_path());
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  r->run.name = "na'me \xff";
  r->machine_label = "machine \xc0";
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) add_time(r, names[i], (double)i + 1);
  store(h, r);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) assert_int_equal(series_length(h, names[i]), 1);
  assert_ok(assay_history_load(h, "latest", NULL, &err, &back), err);
  assert_int_equal(back->benchmark_count, r->benchmark_count);
  assert_string_equal(back->run.name, "na'me \xef\xbf\xbd");
  assay_result_destroy(back);
  assert_ok(assay_history_save_baseline(h, "b'\xff", "latest", "d'\xff", &err), err);
  loads(h, "b'\xff", "00000000000000aa");
  assert_ok(assay_history_delete_baseline(h, "b'\xff", &err), err);
  assert_ok(assay_history_put_document(h, "k'", "\xff", "{}", &err), err);
  assert_ok(assay_history_delete_document(h, "k'", "\xff", &err), err);
  assay_result_destroy(r);
  assay_history_close(h);
}

/* ---- Older histories ---------------------------------------------------------------------------------------------------------- */

static void execute(const char *path, const char *sql);

/* The file as the first schema wrote it. */
static void make_version1(const char *path) {
  assay_error err = {0};
  char *sql = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file(test_source_path("unit/history/version1.sql"), 1 << 20, &err, &sql, &length), err);
  execute(path, sql);
  assay_string_free(sql);
}

static int64_t number_in(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
  assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
  int64_t number = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  return number;
}

static void check_version1_content(assay_history *h) {
  assay_error err = {0};
  assay_history_run *runs = NULL;
  assay_history_name *names = NULL;
  assay_history_point *points = NULL;
  assay_result *r = NULL;
  size_t count = 0;
  assert_ok(assay_history_runs(h, NULL, 0, &err, &runs, &count), err);
  assert_int_equal(count, 3);
  assert_string_equal(runs[2].name, "nightly");
  assert_int_equal(runs[2].failed, 1);
  assay_history_runs_free(runs);
  assert_ok(assay_history_load(h, "release-1", NULL, &err, &r), err);
  assert_string_equal(r->run.id, "0123456789abcdef");
  assert_int_equal(r->benchmark_count, 4);
  assert_int_equal(r->benchmarks[0].metrics[0].process_count, 3);
  assert_near(r->benchmarks[0].metrics[0].value, 100.125, 0);
  assay_result_destroy(r);
  loads(h, "4743812f00", "fedcba9876543210");
  assert_ok(assay_history_names(h, NULL, "*", &err, &names, &count), err);
  assert_int_equal(count, 4);
  assert_string_equal(names[0].unit, "items/s");
  assert_string_equal(names[1].unit, "ns");
  assert_string_equal(names[2].unit, "ns");
  assay_history_names_free(names);
  assert_ok(assay_history_series(h, NULL, "performance", "sum/n=1000/type=f32", "time", 0, &err, &points, &count), err);
  assert_int_equal(count, 2);
  assert_string_equal(points[1].commit, "4743812f00ba4743812f00ba4743812f00ba4743");
  assert_near(points[1].ci_high, 102.1, 0);
  assay_history_points_free(points);
}

static void an_older_history_is_brought_up_to_date(void **state) {
  (void)state;
  assay_error err = {0};
  char path[4096];
  snprintf(path, sizeof path, "%s", fresh_path());
  make_version1(path);
  assay_history *h = open_at(path);
  check_version1_content(h);
  assert_ok(assay_history_put_document(h, "alert", "a", "{}", &err), err);
  store_time(h, "00000000000000bb", 20, 7);
  assay_history_close(h);
  assert_int_equal(number_in(path, "SELECT user_version FROM pragma_user_version"), 2);
  assert_int_equal(number_in(path, "SELECT count(*) FROM schema_changes"), 2);
  h = open_at(path);
  loads(h, "release-1", "0123456789abcdef");
  assay_history_close(h);
}

enum { RACERS = 4, RACES = 5 };

static void processes_that_migrate_at_once_do_it_once(void **state) {
  (void)state;
  for (int race = 0; race < RACES; race++) {
    char path[4096];
    pid_t children[RACERS];
    int go[2];
    snprintf(path, sizeof path, "%s", fresh_path());
    make_version1(path);
    assert_int_equal(pipe(go), 0);
    for (int i = 0; i < RACERS; i++) {
      if ((children[i] = fork()) != 0) continue;
      char c;
      assay_error err = {0};
      assay_history *h = NULL;
      close(go[1]);
      if (read(go[0], &c, 1) < 0) _exit(1); /* all begin when the other end is closed */
      if (assay_history_open(path, &err, &h) != ASSAY_OK) fprintf(stderr, "%s\n", err.message);
      assay_history_close(h);
      _exit(h == NULL);
    }
    close(go[0]);
    close(go[1]);
    for (int i = 0; i < RACERS; i++) {
      int status = 1;
      waitpid(children[i], &status, 0);
      assert_int_equal(status, 0);
    }
    assert_int_equal(number_in(path, "SELECT count(*) FROM schema_changes"), 2);
    assay_history *h = open_at(path);
    check_version1_content(h);
    assay_history_close(h);
  }
}

/* What cannot be migrated as a whole stays as it was: here a table of the new schema is in the way. */
static void a_migration_that_fails_leaves_the_old_file(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = NULL;
  char path[4096];
  snprintf(path, sizeof path, "%s", fresh_path());
  make_version1(path);
  execute(path, "CREATE TABLE documents(x)");
  assert_int_not_equal(assay_history_open(path, &err, &h), ASSAY_OK);
  assert_non_null(strstr(err.message, path));
  assert_int_equal(number_in(path, "SELECT user_version FROM pragma_user_version"), 1);
  assert_int_equal(number_in(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'runs_by_commit'"), 0);
  execute(path, "DROP TABLE documents");
  h = open_at(path);
  check_version1_content(h);
  assay_history_close(h);
}

static void an_older_history_that_may_not_be_written_is_read(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = NULL;
  assay_history_document *documents = NULL;
  size_t count = 9;
  char path[4096];
  snprintf(path, sizeof path, "%s", fresh_path());
  make_version1(path);
  assert_ok(assay_sqlite_open_frozen(path, &err, &h), err);
  check_version1_content(h);
  assert_ok(assay_history_documents(h, "alert", &err, &documents, &count), err);
  assert_int_equal(count, 0);
  assay_history_documents_free(documents);
  assay_history_close(h);
  assert_int_equal(number_in(path, "SELECT user_version FROM pragma_user_version"), 1);
}

/* ---- Plans ---------------------------------------------------------------------------------------------------------------- */

/* Statements that read all of a table by their nature: lists of everything. */
static bool lists_all(int which) {
  return which == ASSAY_SQL_LIST_BASELINES || which == ASSAY_SQL_NAMES || which == ASSAY_SQL_NAMES_OF || which == ASSAY_SQL_LIST_RUNS ||
         which == ASSAY_SQL_NTH_ENDED;
}

static void no_statement_reads_a_whole_table(void **state) {
  (void)state;
  const char *path = fresh_path();
  assay_history_close(open_at(path));
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
  int scans = 0;
  for (int i = 0; i < ASSAY_SQL_COUNT; i++) {
    char sql[4096];
    sqlite3_stmt *plan = NULL;
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", assay_db_texts[i]);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &plan, NULL), SQLITE_OK);
    while (sqlite3_step(plan) == SQLITE_ROW) {
      const char *line = (const char *)sqlite3_column_text(plan, 3);
      bool scan = strncmp(line, "SCAN", 4) == 0 && strcmp(line, "SCAN CONSTANT ROW") != 0;
      if (scan && lists_all(i) && (strstr(line, "SCAN b") == line || strstr(line, "SCAN s") == line || strstr(line, "USING INDEX") != NULL))
        continue;
      if (scan || (strstr(line, "TEMP B-TREE FOR ORDER BY") != NULL && i == ASSAY_SQL_SERIES)) {
        print_error("%s\n  %s\n", assay_db_texts[i], line);
        scans++;
      }
    }
    sqlite3_finalize(plan);
  }
  sqlite3_close(db);
  assert_int_equal(scans, 0);
}

/* ---- Killed and crowded ------------------------------------------------------------------------------------------------------- */

static void a_killed_run_keeps_what_was_done(void **state) {
  (void)state;
  char path[4096];
  int ready[2];
  snprintf(path, sizeof path, "%s", fresh_path());
  assert_int_equal(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    assay_error err = {0};
    assay_history *h = NULL;
    assay_result *r = test_empty_result("00000000000000aa", 10);
    add_time(r, "a", 1);
    add_time(r, "b", 2);
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
  assay_history *h = open_at(path);
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
  h = open_at(path);
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
  char path[4096], sql[200];
  snprintf(path, sizeof path, "%s", fresh_path());
  assay_error err = {0};
  assay_history *h = open_at(path);
  assay_result *r = test_empty_result("00000000000000aa", 10);
  assert_ok(assay_history_begin(h, r, &err), err);
  assay_history_close(h);

  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK); /* our own number, but a process that started at another time */
  snprintf(sql, sizeof sql, "UPDATE runs SET owner_started = owner_started - 1");
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
  h = open_at(path);
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
    add_time(r, "a", i);
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
  snprintf(path, sizeof path, "%s", fresh_path());
  for (int w = 0; w < WRITERS; w++)
    if ((children[w] = fork()) == 0) _exit(write_runs(path, w));
  for (int w = 0; w < WRITERS; w++) {
    int status = 0;
    waitpid(children[w], &status, 0);
    assert_int_equal(status, 0);
  }
  assay_error err = {0};
  assay_history *h = open_at(path);
  assay_history_run *runs = NULL;
  size_t count = 0;
  assert_ok(assay_history_runs(h, NULL, 0, &err, &runs, &count), err);
  assert_int_equal(count, WRITERS * RUNS_EACH);
  for (size_t i = 0; i < count; i++) assert_int_equal(runs[i].state, ASSAY_RUN_COMPLETE);
  assay_history_runs_free(runs);
  assay_history_close(h);
}

/* ---- Files that are no good --------------------------------------------------------------------------------------------------- */

/* Opening fails so, says so, and leaves every byte as it is. */
static void refused(const char *path, assay_status status, const char *message) {
  assay_error err = {0};
  char *before = NULL, *after = NULL;
  size_t before_length = 0, after_length = 0;
  assay_history *h = NULL;
  assert_ok(assay_os_read_file(path, 1 << 26, &err, &before, &before_length), err);
  assay_status got = assay_history_open(path, &err, &h);
  if (got != status || strstr(err.message, message) == NULL) print_error("%s: %s\n", assay_status_text(got), err.message);
  assert_int_equal(got, status);
  assert_non_null(strstr(err.message, path));
  assert_non_null(strstr(err.message, message));
  assert_null(h);
  assay_error_clear(&err);
  assert_ok(assay_os_read_file(path, 1 << 26, &err, &after, &after_length), err);
  assert_int_equal(after_length, before_length);
  assert_memory_equal(after, before, before_length);
  assay_string_free(before);
  assay_string_free(after);
}

static void write_file(const char *path, const void *data, size_t length) {
  assay_error err = {0};
  assert_ok(assay_os_write_file(path, data, length, &err), err);
}

/* A good history, closed, so that all of it is in the one file. */
static void make_history(const char *path) {
  assay_history *h = open_at(path);
  for (int i = 0; i < 20; i++) {
    char id[17];
    snprintf(id, sizeof id, "%016x", i);
    store_time(h, id, i, i);
  }
  assay_history_close(h);
}

static void execute(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

static void bad_files_are_refused_untouched(void **state) {
  (void)state;
  assay_error err = {0};
  char path[4096];
  snprintf(path, sizeof path, "%s", fresh_path());
  write_file(path, "{\"not\": \"a database\"}", 21);
  refused(path, ASSAY_ERR_CORRUPT, "is not a history");

  snprintf(path, sizeof path, "%s", fresh_path());
  execute(path, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)");
  refused(path, ASSAY_ERR_CORRUPT, "of another program");

  snprintf(path, sizeof path, "%s", fresh_path());
  make_history(path);
  char *whole = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file(path, 1 << 26, &err, &whole, &length), err);
  for (size_t part = 1; part <= 3; part++) {
    write_file(path, whole, length * part / 4);
    refused(path, ASSAY_ERR_CORRUPT, "damaged");
  }
  write_file(path, whole, 50);
  refused(path, ASSAY_ERR_CORRUPT, "is not a history");
  memset(whole + 4096, 0xA5, length - 8192);
  write_file(path, whole, length);
  refused(path, ASSAY_ERR_CORRUPT, "damaged");
  assay_string_free(whole);

  snprintf(path, sizeof path, "%s", fresh_path());
  make_history(path);
  execute(path, "PRAGMA user_version = 99; CREATE TABLE later(x)");
  refused(path, ASSAY_ERR_VERSION, "newer Assay");
}

static void paths_that_cannot_be_are_named(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = NULL;
  char path[4096];
  snprintf(path, sizeof path, "%s/no/such/history.db", test_temp_dir());
  assert_int_not_equal(assay_history_open(path, &err, &h), ASSAY_OK);
  assert_non_null(strstr(err.message, path));
  assay_error_clear(&err);
  assert_int_not_equal(assay_history_open(test_temp_dir(), &err, &h), ASSAY_OK); /* a directory */
  assert_null(h);
  snprintf(path, sizeof path, "%s", fresh_path()); /* an empty file, as a killed start may leave it, is a new history */
  write_file(path, "", 0);
  assay_history_close(open_at(path));
}

#ifdef __linux__
enum { CANNOT_MOUNT = 77 };

/* In a child with a small file system of its own. */
static int fill_up(const char *directory) {
  char path[4200];
  snprintf(path, sizeof path, "%s/history.db", directory);
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return CANNOT_MOUNT;
  mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
  if (mount("small", directory, "tmpfs", 0, "size=1m") != 0) return CANNOT_MOUNT;
  assay_error err = {0};
  assay_history *h = NULL;
  int stored = 0;
  if (assay_history_open(path, &err, &h) != ASSAY_OK) return 1;
  for (; stored < 10000; stored++) {
    char id[17];
    snprintf(id, sizeof id, "%016x", stored);
    assay_result *r = test_empty_result(id, stored);
    add_time(r, "a", stored);
    bool failed = assay_history_begin(h, r, &err) != ASSAY_OK || assay_history_finish(h, r, &err) != ASSAY_OK;
    assay_result_destroy(r);
    if (failed) break;
  }
  if (err.status != ASSAY_ERR_NO_SPACE || strstr(err.message, path) == NULL || stored < 5) return 2;
  assay_history_point *points = NULL;
  size_t count = 0;
  assay_error_clear(&err);
  if (assay_history_series(h, NULL, "s", "a", "time", 0, &err, &points, &count) != ASSAY_OK) return 3;
  bool intact = count == (size_t)stored && points[stored - 1].value == stored - 1;
  assay_history_points_free(points);
  assay_history_close(h);
  h = NULL;
  return intact && assay_history_open(path, &err, &h) == ASSAY_OK ? 0 : 4;
}

static void a_full_disk_loses_nothing_that_was_stored(void **state) {
  (void)state;
  char directory[4096];
  assay_error err = {0};
  snprintf(directory, sizeof directory, "%s/small", test_temp_dir());
  assert_ok(assay_os_make_dirs(directory, &err), err);
  pid_t child = fork();
  if (child == 0) _exit(fill_up(directory));
  int status = 0;
  waitpid(child, &status, 0);
  assert_true(WIFEXITED(status));
  if (WEXITSTATUS(status) == CANNOT_MOUNT) test_skip("no file system may be mounted here");
  assert_int_equal(WEXITSTATUS(status), 0);
}
#endif

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
      cmocka_unit_test(an_older_history_is_brought_up_to_date),
      cmocka_unit_test(processes_that_migrate_at_once_do_it_once),
      cmocka_unit_test(a_migration_that_fails_leaves_the_old_file),
      cmocka_unit_test(an_older_history_that_may_not_be_written_is_read),
      cmocka_unit_test(no_statement_reads_a_whole_table),
      cmocka_unit_test(a_killed_run_keeps_what_was_done),
      cmocka_unit_test(a_reused_process_number_is_not_the_owner),
      cmocka_unit_test(processes_write_at_once),
      cmocka_unit_test(bad_files_are_refused_untouched),
      cmocka_unit_test(paths_that_cannot_be_are_named),
#ifdef __linux__
      cmocka_unit_test(a_full_disk_loses_nothing_that_was_stored),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

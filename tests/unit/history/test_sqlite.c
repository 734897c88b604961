/* SPDX-License-Identifier: MIT */
/* What only a file can be: of an older schema, damaged, on a full disk. */
#include <assay/history.h>

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
#include "store.h"
#include "test.h"

/* ---- Older histories ---------------------------------------------------------------------------------------------------------- */

/* The file as the first schema wrote it. */
static void make_version1(const char *path) {
  assay_error err = {0};
  char *sql = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file(test_source_path("unit/history/version1.sql"), 1 << 20, &err, &sql, &length), err);
  test_execute(path, sql);
  assay_string_free(sql);
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
  test_loads(h, "4743812f00", "fedcba9876543210");
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
  snprintf(path, sizeof path, "%s", test_fresh_history());
  make_version1(path);
  assay_history *h = test_open_history(path);
  check_version1_content(h);
  assert_ok(assay_history_put_document(h, "alert", "a", "{}", &err), err);
  test_store_time(h, "00000000000000bb", 20, 7);
  assay_history_close(h);
  assert_int_equal(test_number_in(path, "SELECT user_version FROM pragma_user_version"), 2);
  assert_int_equal(test_number_in(path, "SELECT count(*) FROM schema_changes"), 2);
  h = test_open_history(path);
  test_loads(h, "release-1", "0123456789abcdef");
  assay_history_close(h);
}

enum { RACERS = 4, RACES = 5 };

static void processes_that_migrate_at_once_do_it_once(void **state) {
  (void)state;
  for (int race = 0; race < RACES; race++) {
    char path[4096];
    pid_t children[RACERS];
    int go[2];
    snprintf(path, sizeof path, "%s", test_fresh_history());
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
    assert_int_equal(test_number_in(path, "SELECT count(*) FROM schema_changes"), 2);
    assay_history *h = test_open_history(path);
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
  snprintf(path, sizeof path, "%s", test_fresh_history());
  make_version1(path);
  test_execute(path, "CREATE TABLE documents(x)");
  assert_int_not_equal(assay_history_open(path, &err, &h), ASSAY_OK);
  assert_non_null(strstr(err.message, path));
  assert_int_equal(test_number_in(path, "SELECT user_version FROM pragma_user_version"), 1);
  assert_int_equal(test_number_in(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'runs_by_commit'"), 0);
  test_execute(path, "DROP TABLE documents");
  h = test_open_history(path);
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
  snprintf(path, sizeof path, "%s", test_fresh_history());
  make_version1(path);
  assert_ok(assay_sqlite_open_frozen(path, &err, &h), err);
  check_version1_content(h);
  assert_ok(assay_history_documents(h, "alert", &err, &documents, &count), err);
  assert_int_equal(count, 0);
  assay_history_documents_free(documents);
  assay_history_close(h);
  assert_int_equal(test_number_in(path, "SELECT user_version FROM pragma_user_version"), 1);
}

/* ---- Plans ---------------------------------------------------------------------------------------------------------------- */

/* Statements that read all of a table by their nature: lists of everything. */
static bool lists_all(int which) {
  return which == ASSAY_SQL_LIST_BASELINES || which == ASSAY_SQL_NAMES || which == ASSAY_SQL_NAMES_OF || which == ASSAY_SQL_LIST_RUNS ||
         which == ASSAY_SQL_NTH_ENDED;
}

static void no_statement_reads_a_whole_table(void **state) {
  (void)state;
  const char *path = test_fresh_history();
  assay_history_close(test_open_history(path));
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
  assay_history *h = test_open_history(path);
  for (int i = 0; i < 20; i++) {
    char id[17];
    snprintf(id, sizeof id, "%016x", i);
    test_store_time(h, id, i, i);
  }
  assay_history_close(h);
}

static void bad_files_are_refused_untouched(void **state) {
  (void)state;
  assay_error err = {0};
  char path[4096];
  snprintf(path, sizeof path, "%s", test_fresh_history());
  write_file(path, "{\"not\": \"a database\"}", 21);
  refused(path, ASSAY_ERR_CORRUPT, "is not a history");

  snprintf(path, sizeof path, "%s", test_fresh_history());
  test_execute(path, "CREATE TABLE theirs(x); INSERT INTO theirs VALUES(1)");
  refused(path, ASSAY_ERR_CORRUPT, "of another program");

  snprintf(path, sizeof path, "%s", test_fresh_history());
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

  snprintf(path, sizeof path, "%s", test_fresh_history());
  make_history(path);
  test_execute(path, "PRAGMA user_version = 99; CREATE TABLE later(x)");
  refused(path, ASSAY_ERR_VERSION, "newer Assay");
}

/* Not all of a large file is read when it is opened, but what is missing is missed. */
static void a_large_file_cut_short_is_refused(void **state) {
  (void)state;
  enum { LARGE = 5 << 20, CUT = 4096 * 3 };
  char path[4096];
  assay_error err = {0};
  snprintf(path, sizeof path, "%s", test_fresh_history());
  assay_history *h = test_open_history(path);
  char *json = malloc(LARGE + 1);
  memset(json, '1', LARGE);
  json[LARGE] = '\0';
  assert_ok(assay_history_put_document(h, "large", "a", json, &err), err);
  free(json);
  assay_history_close(h);
  assay_history_close(test_open_history(path));
  assert_int_equal(truncate(path, test_number_in(path, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size") - CUT), 0);
  refused(path, ASSAY_ERR_CORRUPT, "damaged");
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
  snprintf(path, sizeof path, "%s", test_fresh_history()); /* an empty file, as a killed start may leave it, is a new history */
  write_file(path, "", 0);
  assay_history_close(test_open_history(path));
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
    test_add_time(r, "a", stored);
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
      cmocka_unit_test(an_older_history_is_brought_up_to_date),     cmocka_unit_test(processes_that_migrate_at_once_do_it_once),
      cmocka_unit_test(a_migration_that_fails_leaves_the_old_file), cmocka_unit_test(an_older_history_that_may_not_be_written_is_read),
      cmocka_unit_test(no_statement_reads_a_whole_table),           cmocka_unit_test(bad_files_are_refused_untouched),
      cmocka_unit_test(a_large_file_cut_short_is_refused),          cmocka_unit_test(paths_that_cannot_be_are_named),
#ifdef __linux__
      cmocka_unit_test(a_full_disk_loses_nothing_that_was_stored),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "store.h"

#include <sqlite3.h>
#include <string.h>
#ifdef ASSAY_TEST_LIBPQ
#include <libpq-fe.h>
#endif

#include "made_result.h"
#include "test.h"

const char *test_postgres(void) {
  const char *url = getenv("ASSAY_TEST_POSTGRES");
  return url != NULL && url[0] != '\0' ? url : NULL;
}

const char *test_fresh_history(void) {
  static char path[4096];
  static int number;
  if (test_postgres() == NULL) {
    snprintf(path, sizeof path, "%s/%d.db", test_temp_dir(), number++);
    return path;
  }
  char sql[100];
  snprintf(sql, sizeof sql, "CREATE SCHEMA h%d", ++number);
  test_execute(test_postgres(), sql);
  snprintf(path, sizeof path, "%s&options=-csearch_path%%3Dh%d", test_postgres(), number);
  return path;
}

assay_history *test_open_history(const char *path) {
  assay_error err = {0};
  assay_history *h = NULL;
  assert_ok(assay_history_open(path, &err, &h), err);
  return h;
}

static int64_t number_in_file(const char *path, const char *sql) {
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

static void execute_in_file(const char *path, const char *sql) {
  sqlite3 *db = NULL;
  assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
  assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
  sqlite3_close(db);
}

/* The first number of the answer; 0 where there are no rows. */
static int64_t ask_server(const char *url, const char *sql) {
#ifdef ASSAY_TEST_LIBPQ
  PGconn *connection = PQconnectdb(url);
  PGresult *result = PQexec(connection, sql);
  ExecStatusType how = PQresultStatus(result);
  if (how != PGRES_COMMAND_OK && how != PGRES_TUPLES_OK) fail_msg("%s: %s", sql, PQerrorMessage(connection));
  int64_t number = PQntuples(result) > 0 ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
  PQclear(result);
  PQfinish(connection);
  return number;
#else
  fail_msg("this test was built without libpq: %s %s", url, sql);
  return 0;
#endif
}

void test_execute(const char *path, const char *sql) {
  if (assay_history_is_url(path))
    ask_server(path, sql);
  else
    execute_in_file(path, sql);
}

int64_t test_number_in(const char *path, const char *sql) {
  return assay_history_is_url(path) ? ask_server(path, sql) : number_in_file(path, sql);
}

char *test_json_of(const assay_result *result) {
  assay_error err = {0};
  char *json = NULL;
  assert_ok(assay_result_to_json(result, &err, &json), err);
  return json;
}

void test_store(assay_history *h, const assay_result *r) {
  assay_error err = {0};
  assert_ok(assay_history_begin(h, r, &err), err);
  assert_ok(assay_history_finish(h, r, &err), err);
}

void test_add_time(assay_result *r, const char *name, double value) {
  double processes[] = {value, value, value};
  test_add_made_benchmark(r, "s", name, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, processes, 3);
}

void test_store_time(assay_history *h, const char *id, int64_t at_s, double value) {
  assay_result *r = test_empty_result(id, at_s);
  test_add_time(r, "a", value);
  test_store(h, r);
  assay_result_destroy(r);
}

void test_loads(assay_history *h, const char *which, const char *id) {
  assay_error err = {0};
  assay_result *r = NULL;
  assert_ok(assay_history_load(h, which, "00112233aabbccdd", &err, &r), err);
  assert_string_equal(r->run.id, id);
  assay_result_destroy(r);
}

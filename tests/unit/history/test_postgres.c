/* SPDX-License-Identifier: MIT */
/* What only a server can do: refuse, vanish, belong to others. Run by tests/support/postgres.py. */
#include <assay/history.h>

#include <libpq-fe.h>
#include <math.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history/db.h"
#include "made_result.h"
#include "os/prim.h"
#include "store.h"
#include "test.h"

/* Opening fails so, names the database and never shows the password. */
static void refused(const char *url, assay_status status, const char *message) {
  assay_error err = {0};
  assay_history *h = NULL;
  assay_status got = assay_history_open(url, &err, &h);
  if (got != status || strstr(err.message, message) == NULL) print_error("%s gives %s: %s\n", url, assay_status_text(got), err.message);
  assert_int_equal(got, status);
  assert_null(h);
  assert_non_null(strstr(err.message, message));
  assert_non_null(strstr(err.message, "postgres"));
  assert_null(strstr(err.message, "s3cret"));
  assert_null(strchr(err.message, '\n'));
}

/* The TCP URL with one part of it replaced; static text. */
static const char *changed_url(const char *part, const char *by) {
  static char url[1000];
  const char *given = getenv("ASSAY_TEST_POSTGRES_TCP");
  assert_non_null(given);
  const char *at = strstr(given, part);
  assert_non_null(at);
  snprintf(url, sizeof url, "%.*s%s%s", (int)(at - given), given, by, at + strlen(part));
  return url;
}

static void what_cannot_be_opened_says_why(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = NULL;
  refused(changed_url("s3cret%20word", "s3cretwrong"), ASSAY_ERR_PERMISSION, "password authentication failed");
  refused(changed_url(":s3cret%20word", ""), ASSAY_ERR_PERMISSION, ".pgpass");
  refused(changed_url("/postgres?", "/nosuchdatabase?"), ASSAY_ERR_NOT_FOUND, "nosuchdatabase");
  refused(changed_url("127.0.0.1", "no.such.host.invalid"), ASSAY_ERR_IO, "no.such.host.invalid");
  refused(changed_url("s3cret%20word", "s3cret@word"), ASSAY_ERR_INVALID, "%40");
  refused(changed_url("127.0.0.1:", "127.0.0.1:x"), ASSAY_ERR_IO, "port");
  refused("postgresql://127.0.0.1:1/db", ASSAY_ERR_IO, "refused");
  refused("postgresql://host/db?no_such_word=1", ASSAY_ERR_INVALID, "no_such_word");
  refused("postgresql://[::1/db", ASSAY_ERR_INVALID, "cannot be read");
  assert_ok(assay_history_open(changed_url("?", "?options=-csearch_path%3Dpg_temp&"), &err, &h), err); /* the right password */
  assay_history_close(h);
}

static void reading_does_not_make_tables(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = NULL;
  const char *url = test_fresh_history();
  assert_int_equal(assay_history_open_read(url, &err, &h), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "no history"));
  assert_int_equal(test_number_in(url, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"), 0);
}

static void other_tables_and_newer_histories_are_refused(void **state) {
  (void)state;
  char url[4096];
  snprintf(url, sizeof url, "%s", test_fresh_history());
  test_execute(url, "CREATE TABLE runs(x int)");
  refused(url, ASSAY_ERR_CORRUPT, "search_path");
  assert_int_equal(test_number_in(url, "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"), 1); /* all or nothing */
  test_execute(url, "DROP TABLE runs; CREATE TABLE schema_changes(x text)");
  refused(url, ASSAY_ERR_CORRUPT, "not those of a history");

  snprintf(url, sizeof url, "%s", test_fresh_history());
  assay_history_close(test_open_history(url));
  assert_int_equal(test_number_in(url, "SELECT max(version) FROM schema_changes"), ASSAY_HISTORY_SCHEMA);
  test_execute(url, "INSERT INTO schema_changes VALUES(99, 0)");
  refused(url, ASSAY_ERR_VERSION, "newer Assay");
}

static void rights_are_asked_for_by_name(void **state) {
  (void)state;
  char url[4096], schema[40], as_reader[4096], sql[1000];
  assay_error err = {0};
  assay_history *h = NULL;
  snprintf(url, sizeof url, "%s", test_fresh_history());
  snprintf(schema, sizeof schema, "%s", strrchr(url, 'D') + 1);
  snprintf(sql, sizeof sql, "CREATE ROLE reader LOGIN; GRANT USAGE ON SCHEMA %s TO reader", schema);
  test_execute(url, sql);
  snprintf(as_reader, sizeof as_reader, "postgresql://reader%s", strchr(url, '@'));
  refused(as_reader, ASSAY_ERR_PERMISSION, "CREATE on the schema"); /* it may not make the tables */

  h = test_open_history(url);
  test_store_time(h, "00000000000000aa", 10, 1);
  assay_result *r = test_empty_result("00000000000000bb", 20), *back = NULL;
  assert_ok(assay_history_begin(h, r, &err), err);
  assay_history_close(h);
  test_execute(url, "UPDATE runs SET owner_started = 1 WHERE state = 0"); /* its owner is gone, but a reader cannot say so */
  refused(as_reader, ASSAY_ERR_PERMISSION, "permission denied");
  snprintf(sql, sizeof sql, "GRANT SELECT ON ALL TABLES IN SCHEMA %s TO reader", schema);
  test_execute(url, sql);
  assert_ok(assay_history_open_read(as_reader, &err, &h), err);
  assert_ok(assay_history_load(h, "latest", NULL, &err, &back), err);
  assert_string_equal(back->run.id, "00000000000000aa");
  assay_result_destroy(back);
  assert_int_equal(assay_history_finish(h, r, &err), ASSAY_ERR_PERMISSION);
  assert_non_null(strstr(err.message, "SELECT, INSERT, UPDATE, DELETE"));
  assay_error_clear(&err);
  assert_int_equal(assay_history_save_baseline(h, "x", "latest", NULL, &err), ASSAY_ERR_PERMISSION);
  test_loads(h, "latest", "00000000000000aa"); /* it goes on after a refusal */
  assay_history_close(h);
  assay_result_destroy(r);
}

/* The runs of other hosts: nobody here knows whether they live. */
static void runs_of_other_hosts_are_left_a_day(void **state) {
  (void)state;
  char url[4096];
  assay_error err = {0};
  snprintf(url, sizeof url, "%s", test_fresh_history());
  assay_history *h = test_open_history(url);
  int64_t now = assay_os_wall_s();
  assay_result *young = test_empty_result("00000000000000aa", now - 3600), *old = test_empty_result("00000000000000bb", now - 90000);
  assert_ok(assay_history_begin(h, young, &err), err);
  assert_ok(assay_history_begin(h, old, &err), err);
  assay_history_close(h);
  test_execute(url, "UPDATE runs SET owner_boot = 'another host'");
  assay_history_close(test_open_history(url));
  assert_int_equal(test_number_in(url, "SELECT state FROM runs WHERE id = '00000000000000aa'"), ASSAY_RUN_RUNNING);
  assert_int_equal(test_number_in(url, "SELECT state FROM runs WHERE id = '00000000000000bb'"), ASSAY_RUN_INTERRUPTED);
  assay_result_destroy(young);
  assay_result_destroy(old);
}

/* A long run: a thousand benchmarks go through the pipeline and come back in their order. */
static void a_large_run_goes_through(void **state) {
  (void)state;
  enum { MANY = 1000 };
  assay_error err = {0};
  char url[4096];
  snprintf(url, sizeof url, "%s", test_fresh_history());
  assay_history *h = test_open_history(url);
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  for (int i = 0; i < MANY; i++) {
    char name[20];
    snprintf(name, sizeof name, "b%d", (i * 7919) % MANY);
    test_add_time(r, name, i + 1);
  }
  assert_ok(assay_history_put_result(h, r, &err), err);
  assert_ok(assay_history_load(h, "latest", NULL, &err, &back), err);
  char *before = test_json_of(r), *after = test_json_of(back);
  assert_true(strcmp(before, after) == 0);
  assay_string_free(before);
  assay_string_free(after);
  assert_int_equal(test_number_in(url, "SELECT count(*) FROM points"), MANY);
  assay_result_destroy(back);
  assay_result_destroy(r);
  assay_history_close(h);
}

/* A statement deep in the pipeline fails: nothing of the transaction stays, the message names it, and the next one works. */
static void a_failure_in_the_middle_leaves_nothing(void **state) {
  (void)state;
  assay_error err = {0};
  char url[4096];
  snprintf(url, sizeof url, "%s", test_fresh_history());
  assay_history *h = test_open_history(url);
  assay_result *r = test_empty_result("00000000000000aa", 10);
  for (int i = 0; i < 200; i++) {
    char name[20];
    snprintf(name, sizeof name, "b%d", i);
    test_add_time(r, name, i + 1);
  }
  test_execute(url, "ALTER TABLE points ADD CONSTRAINT small CHECK(value < 100)");
  assert_int_equal(assay_history_put_result(h, r, &err), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "store a figure"));
  assert_non_null(strstr(err.message, "small"));
  assay_error_clear(&err);
  assert_int_equal(test_number_in(url, "SELECT (SELECT count(*) FROM runs) + (SELECT count(*) FROM benchmarks)"), 0);
  test_execute(url, "ALTER TABLE points DROP CONSTRAINT small");
  assert_ok(assay_history_put_result(h, r, &err), err);
  assert_int_equal(test_number_in(url, "SELECT count(*) FROM points"), 200);
  assert_int_equal(assay_history_begin(h, r, &err), ASSAY_ERR_INVALID); /* that run is there */
  assay_result_destroy(r);
  assay_history_close(h);
}

/* Two writers who name new series in opposite orders block each other; the server ends one, and it tries again. */
static void writers_in_opposite_orders_both_succeed(void **state) {
  (void)state;
  enum { SERIES = 300 };
  char url[4096];
  pid_t children[4];
  snprintf(url, sizeof url, "%s", test_fresh_history());
  assay_history_close(test_open_history(url));
  for (int w = 0; w < 4; w++) {
    if ((children[w] = fork()) != 0) continue;
    assay_error err = {0};
    assay_history *h = NULL;
    char id[17], name[20];
    snprintf(id, sizeof id, "%016x", w);
    assay_result *r = test_empty_result(id, 10 + w);
    for (int i = 0; i < SERIES; i++) {
      snprintf(name, sizeof name, "b%d", w % 2 == 0 ? i : SERIES - 1 - i);
      test_add_time(r, name, i + 1);
    }
    bool stored = assay_history_open(url, &err, &h) == ASSAY_OK && assay_history_put_result(h, r, &err) == ASSAY_OK;
    if (!stored) fprintf(stderr, "%s\n", err.message);
    _exit(!stored);
  }
  for (int w = 0; w < 4; w++) {
    int status = 1;
    waitpid(children[w], &status, 0);
    assert_int_equal(status, 0);
  }
  assert_int_equal(test_number_in(url, "SELECT count(*) FROM points"), 4 * SERIES);
  assert_int_equal(test_number_in(url, "SELECT count(*) FROM series"), SERIES);
}

/* No statement reads a whole table once there is something in it. */
static void statements_use_their_indexes(void **state) {
  (void)state;
  char url[4096];
  snprintf(url, sizeof url, "%s", test_fresh_history());
  assay_history_close(test_open_history(url));
  test_execute(
      url,
      "INSERT INTO machines SELECT 'm' || i, 'x', 0, 0 FROM generate_series(1, 20) i;"
      "INSERT INTO runs(id, machine_id, started_at_s, duration_s, state, quick, version, commit_id, document) SELECT "
      "lpad(to_hex(i), 16, '0'), 'm' || 1 + i % 20, i, 1, 1, 0, 'v', lpad(to_hex(i), 40, '0'), '{}' FROM generate_series(1, 2000) i;"
      "INSERT INTO benchmarks(run, suite, name, status, position, document) SELECT r, 's', 'b' || i, 0, i, '{}' FROM "
      "generate_series(1, 2000) r, generate_series(1, 20) i;"
      "INSERT INTO series(machine_id, suite, benchmark, metric) SELECT 'm' || m, 's', 'b' || i, 'time' FROM "
      "generate_series(1, 20) m, generate_series(1, 20) i;"
      "INSERT INTO points SELECT s.id, r.started_at_s, r.key, 1 FROM series s JOIN runs r ON r.machine_id = s.machine_id; ANALYZE");
  static const struct {
    const char *name, *arguments;
  } asked[] = {{"SERIES", "(40, 's', 'b1', 'time', 'm1')"},
               {"SERIES_ANYWHERE", "(40, 's', 'b1', 'time')"},
               {"LOAD_BENCHMARKS", "('0000000000000010')"},
               {"NTH_ENDED_OF", "(0, 'm3')"},
               {"NTH_ENDED", "(0)"},
               {"FIND_START", "('00000000000001')"},
               {"COMMIT_RANGE", "('00000000000000000000000000000000000012')"},
               {"DROP_RUN_POINTS", "(7, 7, 'm8')"},
               {"LIST_RUNS_OF", "(20, 'm2')"}};
  const char *const names[] = {
#define NAME(name, text) #name,
      ASSAY_DB_STATEMENTS(NAME)
#undef NAME
  };
  PGconn *connection = PQconnectdb(url);
  PQclear(PQexec(connection, "SET enable_seqscan = off")); /* a few rows are read whole; what is left cannot do without */
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    size_t which = 0;
    while (strcmp(names[which], asked[i].name) != 0) which++;
    char sql[4096], *mark;
    snprintf(sql, sizeof sql, "PREPARE q%zu AS %s", i, assay_db_texts[which]);
    while ((mark = strchr(sql, '?')) != NULL) *mark = '$';
    PGresult *result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_COMMAND_OK) print_error("%s", PQerrorMessage(connection));
    PQclear(result);
    snprintf(sql, sizeof sql, "EXPLAIN EXECUTE q%zu%s", i, asked[i].arguments);
    result = PQexec(connection, sql);
    if (PQresultStatus(result) != PGRES_TUPLES_OK) print_error("%s", PQerrorMessage(connection));
    assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
    for (int row = 0; row < PQntuples(result); row++) {
      const char *line = PQgetvalue(result, row, 0);
      bool is_scan = strstr(line, "Seq Scan on runs") != NULL || strstr(line, "Seq Scan on points") != NULL ||
                     strstr(line, "Seq Scan on benchmarks") != NULL;
      if (is_scan) print_error("%s: %s\n", asked[i].name, line);
      assert_false(is_scan);
    }
    PQclear(result);
  }
  PQfinish(connection);
}

/* A server that is restarted in the middle of a run: the next process's figures are kept on a new connection. */
static void a_lost_connection_is_made_again(void **state) {
  (void)state;
  assay_error err = {0};
  char url[4096];
  snprintf(url, sizeof url, "%s", test_fresh_history());
  assay_history *h = test_open_history(url);
  assay_result *r = test_empty_result("00000000000000aa", 10);
  test_add_time(r, "a", 1);
  assert_ok(assay_history_begin(h, r, &err), err);
  test_execute(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'assay' AND pid <> pg_backend_pid()");
  assert_ok(assay_history_put_benchmark(h, r->run.id, &r->benchmarks[0], &err), err);
  assert_ok(assay_history_finish(h, r, &err), err);
  test_loads(h, "latest", "00000000000000aa");
  assay_result_destroy(r);
  assay_history_close(h);
}

/* The last one: afterwards there is no server. */
static void a_server_that_is_gone_is_an_error(void **state) {
  (void)state;
  assay_error err = {0};
  assay_history *h = test_open_history(test_fresh_history());
  assay_result *r = test_empty_result("00000000000000aa", 10), *back = NULL;
  test_add_time(r, "a", 1);
  assert_ok(assay_history_begin(h, r, &err), err);
  pid_t server = (pid_t)strtol(getenv("ASSAY_TEST_POSTGRES_PID"), NULL, 10);
  assert_true(server > 1);
  assert_int_equal(kill(server, SIGQUIT), 0); /* at once */
  assert_int_equal(assay_history_put_benchmark(h, r->run.id, &r->benchmarks[0], &err), ASSAY_ERR_IO);
  assert_non_null(strstr(err.message, "postgresql://tester@"));
  assay_error_clear(&err);
  assert_int_equal(assay_history_load(h, "latest", NULL, &err, &back), ASSAY_ERR_IO);
  assay_error_clear(&err);
  assert_int_equal(assay_history_save_baseline(h, "x", "latest", NULL, &err), ASSAY_ERR_IO);
  assay_history_close(h);
  assay_result_destroy(r);
}

int main(void) {
  if (test_postgres() == NULL) {
    print_message("skipped: ASSAY_TEST_POSTGRES names no server (tests/support/postgres.py starts one)\n");
    return 77;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_cannot_be_opened_says_why),
      cmocka_unit_test(reading_does_not_make_tables),
      cmocka_unit_test(other_tables_and_newer_histories_are_refused),
      cmocka_unit_test(rights_are_asked_for_by_name),
      cmocka_unit_test(runs_of_other_hosts_are_left_a_day),
      cmocka_unit_test(a_large_run_goes_through),
      cmocka_unit_test(a_failure_in_the_middle_leaves_nothing),
      cmocka_unit_test(writers_in_opposite_orders_both_succeed),
      cmocka_unit_test(statements_use_their_indexes),
      cmocka_unit_test(a_lost_connection_is_made_again),
      cmocka_unit_test(a_server_that_is_gone_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What is shown of a URL: never its password. */
#include <assay/history.h>

#include <string.h>

#include "history/url.h"
#include "test.h"

static void a_password_is_never_shown(void **state) {
  (void)state;
  static const struct {
    const char *url, *shown;
    bool is_doubtful; /* a character of the password should have been written as %XX */
  } cases[] = {
      {"postgresql://host/db", "postgresql://host/db", false},
      {"postgresql://me@host:5433/db", "postgresql://me@host:5433/db", false},
      {"postgresql://me:secret@host/db", "postgresql://me@host/db", false},
      {"postgres://me:secret@host:5433/db?sslmode=require", "postgres://me@host:5433/db?sslmode=require", false},
      {"postgresql://me:@host", "postgresql://me@host", false},
      {"postgresql://:secret@host", "postgresql://@host", false},
      {"postgresql://me:sec:ret@host/db", "postgresql://me@host/db", false},
      {"postgresql://me:sec%40ret@host/db", "postgresql://me@host/db", false},
      {"postgresql://me:sec@ret@host/db", "postgresql://me@host/db", true},
      {"postgresql://me:sec/ret@host/db", "postgresql://me@host/db", true},
      {"postgresql://me:sec?ret@host/db", "postgresql://me@host/db", true},
      {"postgresql:///db?password=secret", "postgresql:///db", false},
      {"postgresql:///db?host=/tmp&password=secret&port=1", "postgresql:///db?host=/tmp&port=1", false},
      {"postgresql:///db?PassWord=secret&port=1", "postgresql:///db?port=1", false},
      {"postgresql:///db?port=1&sslpassword=secret", "postgresql:///db?port=1", false},
      {"postgresql:///db?sslpassword=secret&a:secret@host", "postgresql:///db?a@host", true},
      {"postgresql://me@h1,h2:5/db?options=-csearch_path%3Da", "postgresql://me@h1,h2:5/db?options=-csearch_path%3Da", false},
      {"some/file:with@signs?password=1", "some/file:with@signs?password=1", false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *shown = assay_history_shown(cases[i].url);
    assert_string_equal(shown, cases[i].shown);
    assert_int_equal(assay_url_hides_more(cases[i].url), cases[i].is_doubtful);
    assert_int_equal(assay_url_has_secret(cases[i].url), strcmp(cases[i].url, cases[i].shown) != 0);
    assay_string_free(shown);
  }
}

static void a_url_is_told_from_a_file(void **state) {
  (void)state;
  assert_true(assay_history_is_url("postgresql://"));
  assert_true(assay_history_is_url("postgres://x"));
  assert_false(assay_history_is_url("postgresql:/x"));
  assert_false(assay_history_is_url("./postgresql://x"));
  assert_false(assay_history_is_url(""));
  assert_true(assay_history_exists("postgresql://nowhere"));
  assert_true(assay_history_exists("/"));
  assert_false(assay_history_exists("/no/such/file.db"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_password_is_never_shown),
      cmocka_unit_test(a_url_is_told_from_a_file),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

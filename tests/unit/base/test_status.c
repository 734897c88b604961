/* SPDX-License-Identifier: MIT */
#include <assay/metric.h>
#include <assay/status.h>

#include <errno.h>

#include "test.h"

static void the_first_failure_stands(void **state) {
  (void)state;
  assay_error err = {0};
  assert_int_equal(ASSAY_FAIL(&err, ASSAY_ERR_PARSE, "cause %d", 1), ASSAY_ERR_PARSE);
  int line = err.line;
  assert_int_equal(ASSAY_FAIL(&err, ASSAY_ERR_IO, "consequence"), ASSAY_ERR_IO);
  assert_int_equal(err.status, ASSAY_ERR_PARSE);
  assert_string_equal(err.message, "cause 1");
  assert_int_equal(err.line, line);
  assert_non_null(strstr(err.file, "test_status.c"));
  assay_error_clear(&err);
  assert_int_equal(err.status, ASSAY_OK);
  assert_int_equal(ASSAY_FAIL(NULL, ASSAY_ERR_BUSY, "nobody listens"), ASSAY_ERR_BUSY);
  assay_error_clear(NULL);
}

static void errno_becomes_a_status_and_a_sentence(void **state) {
  (void)state;
  static const struct {
    int code;
    assay_status status;
  } cases[] = {{ENOSPC, ASSAY_ERR_NO_SPACE},  {EDQUOT, ASSAY_ERR_NO_SPACE},  {EACCES, ASSAY_ERR_PERMISSION},  {EROFS, ASSAY_ERR_PERMISSION},
               {ENOENT, ASSAY_ERR_NOT_FOUND}, {ENOMEM, ASSAY_ERR_NO_MEMORY}, {ENOSYS, ASSAY_ERR_UNSUPPORTED}, {EIO, ASSAY_ERR_IO}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    assert_int_equal(ASSAY_FAIL_ERRNO(&err, cases[i].code, "cannot write %s", "x"), cases[i].status);
    assert_memory_equal(err.message, "cannot write x: ", 16);
    assert_string_equal(err.message + 16, strerror(cases[i].code));
  }
}

static void long_messages_are_cut_not_overrun(void **state) {
  (void)state;
  struct {
    assay_error err;
    char guard[8];
  } holder = {.guard = "guard"};
  char text[3000];
  memset(text, 'x', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  ASSAY_FAIL_ERRNO(&holder.err, ENOENT, "%s", text);
  assert_int_equal(strlen(holder.err.message), sizeof holder.err.message - 1);
  assert_string_equal(holder.guard, "guard");
}

static void every_code_has_a_text_and_an_exit_code(void **state) {
  (void)state;
  for (int i = 0; i < ASSAY_STATUS_COUNT; i++) {
    for (int j = 0; j < i; j++) assert_string_not_equal(assay_status_text((assay_status)i), assay_status_text((assay_status)j));
    int code = assay_status_exit_code((assay_status)i);
    assert_true(i == ASSAY_OK ? code == 0 : code > 0);
  }
  assert_string_equal(assay_status_text((assay_status)99), "unknown status");
  assert_int_equal(assay_status_exit_code((assay_status)99), ASSAY_EXIT_CANNOT_RUN);
}

static void names_of_kinds_and_outcomes_read_back(void **state) {
  (void)state;
  for (int i = ASSAY_KIND_TIME; i <= ASSAY_KIND_COUNT; i++) {
    assay_metric_kind kind = ASSAY_KIND_TIME;
    assert_true(assay_metric_kind_parse(assay_metric_kind_text((assay_metric_kind)i), &kind));
    assert_int_equal(kind, i);
  }
  for (int i = ASSAY_OUTCOME_OK; i <= ASSAY_OUTCOME_FAILED; i++) {
    assay_outcome outcome = ASSAY_OUTCOME_OK;
    assert_true(assay_outcome_parse(assay_outcome_text((assay_outcome)i), &outcome));
    assert_int_equal(outcome, i);
  }
  assay_metric_kind kind = ASSAY_KIND_MEMORY;
  assert_false(assay_metric_kind_parse("Time", &kind));
  assert_int_equal(kind, ASSAY_KIND_MEMORY);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_first_failure_stands),
      cmocka_unit_test(errno_becomes_a_status_and_a_sentence),
      cmocka_unit_test(long_messages_are_cut_not_overrun),
      cmocka_unit_test(every_code_has_a_text_and_an_exit_code),
      cmocka_unit_test(names_of_kinds_and_outcomes_read_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka and a few helpers. */
#ifndef ASSAY_TEST_H
#define ASSAY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <assay/status.h>

/* |actual - expected| <= tolerance, with both values in the message. */
#define assert_near(actual, expected, tolerance) test_assert_near((actual), (expected), (tolerance), #actual, __FILE__, __LINE__)
void test_assert_near(double actual, double expected, double tolerance, const char *what, const char *file, int line);

/* The call gives ASSAY_OK; otherwise fails with the message of `err`. */
#define assert_ok(call, err) test_assert_ok((call), &(err), #call, __FILE__, __LINE__)
void test_assert_ok(assay_status status, const assay_error *err, const char *what, const char *file, int line);

/* A file of the data shared by all projects ("data/machines/..."): looked for beside the checkout; NULL where it is absent.
 * The text is static and is overwritten by the next call. */
const char *test_shared_path(const char *relative);
/* Ends the test as skipped, saying why. */
void test_skip(const char *why);
/* A private directory that lasts until the test program ends. */
const char *test_temp_dir(void);
/* Path of a file in tests/ of the source tree; static text. */
const char *test_source_path(const char *relative);
/* `text` is what tests/golden/NAME holds; with ASSAY_GOLDEN_UPDATE=1 it is written there instead. */
void test_assert_golden(const char *name, const char *text);

#endif

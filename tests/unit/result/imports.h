/* SPDX-License-Identifier: MIT */
/* What the tests of the readers share. */
#ifndef ASSAY_TEST_IMPORTS_H
#define ASSAY_TEST_IMPORTS_H

#include <assay/result.h>

#include "result/import.h"
#include "test.h"

/* The result of a document; fails the test with the message where it is refused. It was recognised as `format`, too. */
assay_result *import_text(const char *format, const char *text);
/* Writes folder/name below the test's folder and returns its path; static text. */
const char *put_file(const char *folder, const char *name, const char *text);
/* The result of what lies there, recognised as `format`. */
assay_result *import_tree(const char *format, const char *relative);
/* The message with which it is refused; static text. Fails the test where it is accepted, and where a result came out all the same. */
const char *refused(const char *format, const char *text);

const assay_benchmark_result *benchmark(const assay_result *result, const char *suite, const char *name);
const assay_metric_result *metric(const assay_result *result, const char *suite, const char *name, const char *metric);
/* Fails unless the metric has exactly these values, in this order, of that kind. */
void assert_values(const assay_metric_result *m, assay_replicate replicate, size_t count, ...);
/* A fact of the result; NULL when it is not there. */
const assay_fact *fact(const assay_result *result, const char *key);
void assert_fact(const assay_result *result, const char *key, const char *text);
/* Writing it, reading it and writing it again gives the same: what the history keeps. */
void assert_round_trip(const assay_result *result);

#define assert_says(message, part)                                                            \
  do {                                                                                        \
    const char *said_ = (message);                                                            \
    if (strstr(said_, (part)) == NULL) fail_msg("\"%s\" does not say \"%s\"", said_, (part)); \
  } while (0)

#endif

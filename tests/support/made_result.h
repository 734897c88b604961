/* SPDX-License-Identifier: MIT */
/* A result with something in every part of it, for tests of what crosses from one module to the next. */
#ifndef ASSAY_MADE_RESULT_H
#define ASSAY_MADE_RESULT_H

#include <assay/result.h>

/* The caller destroys it. Always the same content. */
assay_result *test_made_result(void);

/* An empty result of one run, for tests that add benchmarks of their own. */
assay_result *test_empty_result(const char *run_id, int64_t started_at_s);
/* Adds a benchmark that was ok, with one metric of `count` process values; value and stats are the mean of them. */
void test_add_made_benchmark(assay_result *result, const char *suite, const char *name, const char *metric, const char *unit,
                             assay_metric_kind kind, assay_better better, const double *processes, size_t count);

#endif

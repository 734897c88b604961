/* SPDX-License-Identifier: MIT */
/*
 * A made-up but plausible run for tests of whatever reads results: about thirty benchmarks of four suites with every outcome, latency
 * curves, SLAs of each kind, checks, a full set of ceilings, machine facts, recommendations, the run before it, and trends of twelve
 * points. No figure in it was measured; all of them repeat.
 */
#ifndef ASSAY_SAMPLE_RESULT_H
#define ASSAY_SAMPLE_RESULT_H

#include <assay/report.h>

#include "base/arena.h"

typedef struct test_sample {
  assay_arena arena; /* owns everything below */
  assay_result *result, *previous;
  assay_changes *changes;
  assay_report_trend *trends;
  size_t trend_count;
} test_sample;

#define TEST_HOSTILE_NAME "<script>alert(1)</script>\"&'|"

void test_sample_init(test_sample *sample);
void test_sample_deinit(test_sample *sample);
/* The context with everything of the sample in it. */
assay_report_context test_sample_context(const test_sample *sample);

/* Other shapes of the same result, in place. */
void test_sample_keep(test_sample *sample, size_t benchmarks); /* only the first so many; SLAs, fits, changes and trends go */
void test_sample_grow(test_sample *sample,
                      size_t benchmarks);             /* copies under new names until there are so many, each in changes and trends */
void test_sample_fail_all(test_sample *sample);       /* every benchmark failed, no figure anywhere */
void test_sample_single_process(test_sample *sample); /* one process each: no interval anywhere */
void test_sample_make_hostile(test_sample *sample);   /* every text that users choose becomes TEST_HOSTILE_NAME */

#endif

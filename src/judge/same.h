/* SPDX-License-Identifier: MIT */
/* A run beside itself: no comparison, however good it looks. */
#ifndef ASSAY_JUDGE_SAME_H
#define ASSAY_JUDGE_SAME_H

#include <assay/compare.h>

/* Whether both are one measurement: the same run, or files that say the same. Counts alone (instructions, bytes) may well be the same
 * twice; times to the last digit are not. */
bool assay_result_is_same_run(const assay_result *a, const assay_result *b);
/* Makes everything inconclusive and says so (assay_changes.same_run). */
void assay_changes_refuse_same_run(assay_changes *changes);

#endif

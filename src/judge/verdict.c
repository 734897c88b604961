/* SPDX-License-Identifier: MIT */
#include <assay/judge.h>

const char *assay_verdict_text(assay_verdict verdict) {
  static const char *const texts[] = {"same", "better", "worse", "inconclusive", "missing", "new"};
  return (unsigned)verdict < sizeof texts / sizeof *texts ? texts[verdict] : "unknown";
}

/* SPDX-License-Identifier: MIT */
/* Stands in for functions whose modules are being written; goes when they are there. */
#include <assay/judge.h>

__attribute__((weak)) const char *assay_verdict_text(assay_verdict verdict) {
  static const char *const texts[] = {"same", "better", "worse", "inconclusive", "missing", "new"};
  return texts[verdict];
}

__attribute__((weak)) const char *assay_big_o_text(assay_big_o order) {
  static const char *const texts[] = {"O(1)", "O(log n)", "O(n)", "O(n log n)", "O(n^2)", "O(n^3)", "unclear"};
  return texts[order];
}

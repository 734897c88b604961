/* SPDX-License-Identifier: MIT */
/* Values in the sentences of the judge, in the units of the reports. */
#ifndef ASSAY_JUDGE_VALUE_H
#define ASSAY_JUDGE_VALUE_H

#include <assay/metric.h>

#include <string.h>

enum { ASSAY_JUDGE_VALUE = 80 };

/* As assay_format_value, with the micro sign that the reports write. */
static inline const char *assay_judge_value(double value, const char *unit, char out[ASSAY_JUDGE_VALUE]) {
  assay_format_value(value, unit, out, ASSAY_JUDGE_VALUE - 1);
  size_t length = strlen(out);
  if (length > 3 && strcmp(out + length - 3, " us") == 0) memcpy(out + length - 2, "\u00B5s", 4);
  return out;
}

#endif

/* SPDX-License-Identifier: MIT */
/* Any text: a finite value in a base unit that can be shown, or a refusal. */
#include <assay/metric.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char text[200], shown[64];
  if (size >= sizeof text) return 0;
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  assay_error err = {0};
  double value = 0;
  const char *unit = NULL;
  if (assay_parse_value(text, &err, &value, &unit) == ASSAY_OK) {
    if (unit == NULL || isnan(value)) abort();
    if (strlen(assay_format_value(value, unit, shown, sizeof shown)) == 0) abort();
  } else if (err.message[0] == '\0') {
    abort();
  }
  return 0;
}

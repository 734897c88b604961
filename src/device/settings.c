/* SPDX-License-Identifier: MIT */
/* What the environment says about devices in general; ASSAY_THREADS and ASSAY_ISA, ASSAY_GEMM and ASSAY_DUMMY are read by those whom they
 * are for. What cannot be understood is refused: it was meant to change something. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/core.h"

static const char *setting(const char *name) {
  const char *text = getenv(name);
  return text != NULL && text[0] != '\0' ? text : NULL;
}

const char *assay_settings_device(void) { return setting("ASSAY_DEVICE"); }

assay_status assay_settings_debug(assay_error *err, bool *debug) {
  const char *text = setting("ASSAY_DEBUG");
  bool on = text != NULL && strcmp(text, "1") == 0;
  if (text != NULL && !on && strcmp(text, "0") != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ASSAY_DEBUG=%.60s is neither 1 nor 0", text);
  *debug = on;
  return ASSAY_OK;
}

assay_status assay_settings_memory_fraction(double otherwise, assay_error *err, double *fraction) {
  const char *text = setting("ASSAY_MEMORY_FRACTION");
  double value = otherwise;
  if (text != NULL && (!assay_parse_f64(text, &value) || !(value > 0 && value <= 1)))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ASSAY_MEMORY_FRACTION=%s is not a number above 0 and at most 1", text);
  *fraction = value;
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
/* All that the environment says about devices is read here. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "device/core.h"

static const char *setting(const char *name) {
  const char *text = getenv(name);
  return text != NULL && text[0] != '\0' ? text : NULL;
}

const char *assay_settings_device(void) { return setting("ASSAY_DEVICE"); }

bool assay_settings_debug(void) {
  const char *text = setting("ASSAY_DEBUG");
  return text != NULL && strcmp(text, "0") != 0;
}

assay_status assay_settings_memory_fraction(double otherwise, assay_error *err, double *fraction) {
  const char *text = setting("ASSAY_MEMORY_FRACTION");
  double value = otherwise;
  if (text != NULL && (!assay_parse_f64(text, &value) || !(value > 0 && value <= 1)))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ASSAY_MEMORY_FRACTION=%s is not a number above 0 and at most 1", text);
  *fraction = value;
  return ASSAY_OK;
}

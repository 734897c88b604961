/* SPDX-License-Identifier: MIT */
/* Whatever the beginning looks like decides which reader gets it. */
#include "import_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  import_one(NULL, data, size);
  return 0;
}

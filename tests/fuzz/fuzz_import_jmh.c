/* SPDX-License-Identifier: MIT */
#include "import_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  import_one("jmh", data, size);
  return 0;
}

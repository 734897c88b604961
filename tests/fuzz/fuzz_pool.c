/* SPDX-License-Identifier: MIT */
#include "tests/support/pool_script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const char *wrong = script_run(data, size < 800 ? size : 800);
  if (wrong != NULL) {
    fprintf(stderr, "%s\n", wrong);
    abort();
  }
  return 0;
}

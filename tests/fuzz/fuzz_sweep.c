/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "bench/sweep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  if (text == NULL) return 0;
  if (size > 0) memcpy(text, data, size);
  text[size] = '\0';
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_error err = {0};
  assay_sweep sweep = {0};
  if (assay_sweep_expand(&arena, "n", text, 4, &err, &sweep) == ASSAY_OK) {
    if (sweep.count == 0 || sweep.count > ASSAY_SWEEP_LIMIT) abort();
    for (size_t i = 0; i < sweep.count; i++) {
      if (sweep.values[i][0] == '\0') abort();
    }
  } else if (err.message[0] == '\0') {
    abort();
  }
  assay_arena_deinit(&arena);
  free(text);
  return 0;
}

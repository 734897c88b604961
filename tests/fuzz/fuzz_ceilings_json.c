/* SPDX-License-Identifier: MIT */
/* A cache of ceilings that anything may have written: read, bound and written again. */
#include <assay/ceilings.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_ceilings *ceilings = NULL, *again = NULL;
  assay_error err = {0};
  if (assay_ceilings_from_json((const char *)data, size, &err, &ceilings) != ASSAY_OK) return 0;
  const char *name = NULL;
  double ns = 0;
  assay_work work = {.bytes_read = 3e6, .bytes_written = 1e6, .flops = 1e6, .threads = 3};
  if (assay_ceilings_bind(ceilings, &work, &name, &ns) == ASSAY_OK && (name == NULL || !(ns > 0))) abort();
  char *text = NULL;
  if (assay_ceilings_to_json(ceilings, &err, &text) == ASSAY_OK && assay_ceilings_from_json(text, strlen(text), &err, &again) != ASSAY_OK)
    abort();
  assay_string_free(text);
  assay_ceilings_destroy(again);
  assay_ceilings_destroy(ceilings);
  return 0;
}

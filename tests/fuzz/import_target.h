/* SPDX-License-Identifier: MIT */
/* A reader of another tool's format: any bytes are refused with a message that names the document, or give a result that gives the same
 * JSON when it is written, read and written again. */
#ifndef ASSAY_FUZZ_IMPORT_TARGET_H
#define ASSAY_FUZZ_IMPORT_TARGET_H

#include <assay/result.h>

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "result/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void import_one(const char *format, const uint8_t *data, size_t size) {
  assay_error err = {0};
  assay_result *result = NULL, *back = NULL;
  char *text = malloc(size + 1), *first = NULL, *second = NULL; /* of its own, so that a read beyond its end is seen */
  if (text == NULL) abort();
  memcpy(text, data, size);
  text[size] = '\0';
  assay_status status = assay_import_memory("file", text, size, format, &err, &result);
  free(text);
  if (status != ASSAY_OK) {
    if (err.message[0] == '\0' || result != NULL) abort();
    return;
  }
  if (assay_result_to_json(result, &err, &first) != ASSAY_OK) abort();
  if (assay_result_from_json(first, strlen(first), &err, &back) != ASSAY_OK) abort();
  if (assay_result_to_json(back, &err, &second) != ASSAY_OK || strcmp(first, second) != 0) abort();
  assay_string_free(first);
  assay_string_free(second);
  assay_result_destroy(result);
  assay_result_destroy(back);
}

#endif

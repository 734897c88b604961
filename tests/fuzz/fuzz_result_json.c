/* SPDX-License-Identifier: MIT */
/* Any bytes: refused with a message, or a result that gives the same JSON when it is written, read and written again. */
#include <assay/result.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *write_json(const assay_result *result) {
  assay_error err = {0};
  char *json = NULL;
  if (assay_result_to_json(result, &err, &json) != ASSAY_OK) abort();
  return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_error err = {0};
  assay_result *result = NULL, *back = NULL;
  if (assay_result_from_json((const char *)data, size, &err, &result) != ASSAY_OK) {
    if (err.message[0] == '\0' || result != NULL) abort();
    return 0;
  }
  char *first = write_json(result);
  if (assay_result_from_json(first, strlen(first), &err, &back) != ASSAY_OK) abort();
  char *second = write_json(back);
  if (strcmp(first, second) != 0) abort();
  assay_string_free(first);
  assay_string_free(second);
  assay_result_destroy(result);
  assay_result_destroy(back);
  return 0;
}

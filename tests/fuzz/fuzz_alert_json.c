/* SPDX-License-Identifier: MIT */
/* Any text as a stored alert: one that says the same once written and read again, or a refusal. */
#include <stdlib.h>
#include <string.h>

#include "judge/alert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *written(const assay_alerts *alerts) {
  char *json = NULL;
  if (assay_alert_to_json(&alerts->items[0], 0, NULL, &json) != ASSAY_OK) abort();
  return json;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = malloc(size + 1);
  assay_alerts *first = NULL, *again = NULL;
  if (text == NULL || assay_alerts_create(NULL, &first) != ASSAY_OK || assay_alerts_create(NULL, &again) != ASSAY_OK) abort();
  memcpy(text, data, size);
  text[size] = '\0';
  if (assay_alerts_add_document(first, text, NULL) == ASSAY_OK) {
    char *one = written(first);
    if (assay_alerts_add_document(again, one, NULL) != ASSAY_OK) abort();
    char *two = written(again);
    if (strcmp(one, two) != 0) abort();
    assay_string_free(one);
    assay_string_free(two);
  } else if (first->count != 0) {
    abort();
  }
  assay_alerts_destroy(first);
  assay_alerts_destroy(again);
  free(text);
  return 0;
}

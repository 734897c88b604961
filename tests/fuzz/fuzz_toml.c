/* SPDX-License-Identifier: MIT */
/* Any bytes: a document whose every value can be walked, or a refusal that names a place. */
#include <stdlib.h>
#include <string.h>

#include "base/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const assay_toml_value *value) {
  size_t sum = (size_t)value->line;
  if (value->line < 1 || value->column < 1) abort();
  if (value->type == ASSAY_TOML_STRING) {
    sum += strlen(value->as.string.text);
    if (value->as.string.text[value->as.string.length] != '\0') abort();
  } else if (value->type == ASSAY_TOML_ARRAY) {
    for (size_t i = 0; i < value->as.array.count; i++) sum += walk(value->as.array.items[i]);
  } else if (value->type == ASSAY_TOML_TABLE) {
    for (size_t i = 0; i < value->as.table.count; i++) {
      const char *key = value->as.table.keys[i];
      if (strlen(key) == value->as.table.key_lengths[i] && assay_toml_get(value, key) != value->as.table.values[i]) abort();
      sum += walk(value->as.table.values[i]);
    }
  }
  return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_error err = {0};
  assay_toml *doc = NULL;
  if (assay_toml_parse((const char *)data, size, "fuzz", &err, &doc) == ASSAY_OK) {
    if (walk(assay_toml_root(doc)) == 0) abort();
  } else if (doc != NULL || strncmp(err.message, "fuzz:", 5) != 0 || strchr(err.message, '\n') != NULL) {
    abort();
  }
  assay_toml_destroy(doc);
  return 0;
}

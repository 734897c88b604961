/* SPDX-License-Identifier: MIT */
#include "kernels/embedded/embedded.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

const assay_embedded *assay_embedded_find(const char *file) {
  for (const assay_embedded *row = assay_embedded_files; row->file != NULL; row++) {
    if (strcmp(row->file, file) == 0) return row;
  }
  return NULL;
}

uint64_t assay_embedded_hash(const assay_embedded *file) {
  uint64_t hash = ASSAY_HASH_START;
  for (const char *const *part = file->parts; *part != NULL; part++) hash = assay_hash(hash, *part, strlen(*part));
  return hash;
}

char *assay_embedded_source(const assay_embedded *file) {
  assay_buf text = {0};
  for (const char *const *part = file->parts; *part != NULL; part++) assay_buf_puts(&text, *part);
  return assay_buf_take(&text);
}

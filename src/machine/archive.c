/* SPDX-License-Identifier: MIT */
#include "machine/archive.h"

assay_libarchive_table assay_libarchive;

assay_status assay_libarchive_load(assay_error *err) {
  static const char *const names[] = {"libarchive.so.13", "libarchive.13.dylib", NULL};
  static const char *const symbols[] = {ASSAY_LIBRARY_NAMES(ASSAY_LIBARCHIVE) NULL};
  if (assay_libarchive.archive_read_new != NULL) return ASSAY_OK;
  return assay_library_load(names, symbols, (void **)&assay_libarchive, "reading or making a captured machine", "libarchive13", err);
}

/* SPDX-License-Identifier: MIT */
/* Which keys stand at the beginning of a JSON text that may be cut anywhere. Only import.c and import_look.c include this. */
#ifndef ASSAY_RESULT_IMPORT_LOOK_H
#define ASSAY_RESULT_IMPORT_LOOK_H

#include "base/buf.h"

enum { ASSAY_IMPORT_LOOK_BYTES = 256 << 10 };

/* Appends each different path of at most six levels of brackets once, a line each: "context", "context.num_cpus", "benchmarks[].name".
 * Never fails: what is no JSON gives what was seen until then. */
void assay_import_look_keys(const char *text, size_t length, assay_buf *keys);

#endif

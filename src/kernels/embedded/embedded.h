/* SPDX-License-Identifier: MIT */
/*
 * The kernel files, embedded by tools/embed.py: their flattened source for the compilers of drivers, and what nvcc made of them where the
 * build had nvcc. Constant data; thread-safe.
 */
#ifndef ASSAY_KERNELS_EMBEDDED_H
#define ASSAY_KERNELS_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

typedef struct assay_embedded_binary {
  const unsigned char *data, *end; /* NULL: the build had no nvcc */
} assay_embedded_binary;

typedef struct assay_embedded {
  const char *file;                /* as assay_kernel has it: "montecarlo/european"; NULL ends the table */
  const char *const *parts;        /* of the source, NULL-terminated; one after the other they are the text */
  assay_embedded_binary fatbin[2]; /* single, double precision */
} assay_embedded;

extern const assay_embedded assay_embedded_files[];

/* NULL when there is no such file. */
const assay_embedded *assay_embedded_find(const char *file);
/* Identity of a file's whole source. */
uint64_t assay_embedded_hash(const assay_embedded *file);
/* The whole source; free with assay_free. NULL: out of memory. */
char *assay_embedded_source(const assay_embedded *file);

#endif

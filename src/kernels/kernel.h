/* SPDX-License-Identifier: MIT */
/*
 * The kernels of Assay by name: what a device needs to launch one. A kernel is written once in the dialect (dialect.h) and has a line in
 * kernels.def for each precision.
 */
#ifndef ASSAY_KERNELS_KERNEL_H
#define ASSAY_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "kernels/types.h"
#include "kernels/variant.h"

enum { ASSAY_KERNEL_GROUP_SIZE = 256, ASSAY_KERNEL_MAX_BUFFERS = 6 };

/* Runs the groups [group_begin, group_end): reentrant, touches nothing but the buffers. `params` holds params_bytes bytes. */
typedef void (*assay_kernel_fn)(const void *params, void *const *buffers, size_t group_begin, size_t group_end);

typedef struct assay_kernel {
  const char *name; /* "mc_european_f32"; its symbol in OpenCL and CUDA is assay_kernel_<name> */
  const char *file; /* the kernel file that has it, below src/kernels, without ".c": "montecarlo/european" */
  unsigned bits;    /* REAL_BITS that it is built with: 32 or 64 */
  unsigned buffers;
  size_t params_bytes;
  bool follows; /* it waits for the kernel before by itself, so a device may start it early (dialect.h) */
  assay_kernel_fn variants[ASSAY_KERNEL_VARIANT_COUNT];
} assay_kernel;

/* All of them; the table is constant. */
const assay_kernel *assay_kernel_table(size_t *count);
/* NULL when there is none of that name. */
const assay_kernel *assay_kernel_find(const char *name);
/* The best variant here; `isa` (may be NULL) receives its name. */
assay_kernel_fn assay_kernel_function(const assay_kernel *kernel, const char **isa);

#endif

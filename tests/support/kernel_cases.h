/* SPDX-License-Identifier: MIT */
/*
 * One table of cases for the kernels of kernels.def: for each kernel some launches with fixed input. Whatever runs kernels (native
 * variants, OpenCL, CUDA) runs them all and compares what it wrote with the scalar reference, bit by bit. A new kernel gets a row here.
 */
#ifndef ASSAY_TEST_KERNEL_CASES_H
#define ASSAY_TEST_KERNEL_CASES_H

#include <stddef.h>

#include "kernels/kernel.h"

enum { KERNEL_CASE_PARAMS = 512 };

typedef struct kernel_case {
  const assay_kernel *kernel;
  size_t groups;
  _Alignas(8) unsigned char params[KERNEL_CASE_PARAMS];
  size_t bytes[ASSAY_KERNEL_MAX_BUFFERS];                               /* of each buffer */
  void *buffers[ASSAY_KERNEL_MAX_BUFFERS];                              /* as they are before the launch */
  unsigned own;                                                         /* bit b: what the kernel leaves in buffer b is its own business */
  void (*settle)(const struct kernel_case *made, void *const *buffers); /* NULL: the kernel has no choice (kernel_case_settle) */
} kernel_case;

/* The index-th case of a kernel, with its buffers made; false when there are no more. */
bool kernel_case_make(const assay_kernel *kernel, size_t index, kernel_case *made);
void kernel_case_free(kernel_case *made);
/* Runs it with a variant (ASSAY_KERNEL_VARIANT_c is the reference) over the buffers. */
void kernel_case_run(const kernel_case *made, size_t variant, void *const *buffers);
/* What a kernel may write as it likes (places that nobody reads, an order) becomes the same in whatever any of them wrote. */
void kernel_case_settle(const kernel_case *made, void *const *buffers);

#endif

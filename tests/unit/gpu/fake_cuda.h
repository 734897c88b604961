/* SPDX-License-Identifier: MIT */
/* What a test tells the driver of fake_cuda.c; found with dlsym, so that the same test runs over a real driver. */
#ifndef ASSAY_TEST_FAKE_CUDA_H
#define ASSAY_TEST_FAKE_CUDA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct fake_cuda_kernels {
  bool (*sizes)(const char *kernel, size_t *params_bytes, size_t *buffers);
  void (*run)(const char *kernel, const void *params, void *const *buffers, size_t groups);
} fake_cuda_kernels;

typedef void fake_cuda_set_fn(const fake_cuda_kernels *kernels);
/* The call of `function` after `skip` more gives `code`, once. */
typedef void fake_cuda_fail_fn(const char *function, int code, int skip);
/* Blocks of memory that are allocated, pinned ones too. */
typedef size_t fake_cuda_live_fn(void);

void fake_cuda_set(const fake_cuda_kernels *kernels);
void fake_cuda_fail(const char *function, int code, int skip);
size_t fake_cuda_live(void);

#endif

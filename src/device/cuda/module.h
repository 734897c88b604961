/* SPDX-License-Identifier: MIT */
/*
 * Kernel files as modules of a CUDA context: nvcc's binary where the build had nvcc and the device takes it (machine code, or PTX that the
 * driver compiles), otherwise what NVRTC makes of the embedded source, which is cached.
 */
#ifndef ASSAY_DEVICE_CUDA_MODULE_H
#define ASSAY_DEVICE_CUDA_MODULE_H

#include <stddef.h>

#include "device/cuda/api.h"
#include "kernels/embedded/embedded.h"

typedef struct assay_cu_target {
  const char *name; /* of the device, for messages */
  int major, minor; /* compute capability */
} assay_cu_target;

/* In the current context; `bits` is 32 or 64. ASSAY_ERR_UNSUPPORTED says what is missing and where it comes from. */
assay_status assay_cu_module_load(const assay_cu_target *target, const assay_embedded *file, unsigned bits, assay_error *err,
                                  CUmodule *module);

/* Machine code from the embedded source through NVRTC, or from the cache; free with assay_free. Needs no GPU. */
assay_status assay_cu_compile(const assay_cu_target *target, const assay_embedded *file, unsigned bits, assay_error *err, char **cubin,
                              size_t *length);

#endif

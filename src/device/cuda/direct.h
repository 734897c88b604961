/* SPDX-License-Identifier: MIT */
/*
 * Results without a copy: pinned memory of the host that kernels write over the bus. A copy that is enqueued behind a kernel costs six
 * microseconds, a few kilobytes over the bus next to nothing; a price of a million paths takes twelve.
 *
 * Some places of one size. A place that is given back goes to the same stream next, whose commands run in order; to another one only when
 * the last user's commands are done. Thread-safe; the device's context must be current.
 */
#ifndef ASSAY_DEVICE_CUDA_DIRECT_H
#define ASSAY_DEVICE_CUDA_DIRECT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "device/cuda/api.h"

enum { ASSAY_CU_DIRECT_PLACES = 16, ASSAY_CU_DIRECT_BYTES = 256 << 10 };

typedef struct assay_cu_direct {
  pthread_mutex_t lock;
  char *memory; /* made when it is first needed */
  bool refused; /* the driver gave none, or not at the host's own address */
  struct {
    bool taken;
    CUstream last;
  } places[ASSAY_CU_DIRECT_PLACES];
} assay_cu_direct;

void assay_cu_direct_init(assay_cu_direct *direct);
/* Nothing of it is in use any more. */
void assay_cu_direct_deinit(assay_cu_direct *direct);
/* NULL: too large, or none is left. */
void *assay_cu_direct_alloc(assay_cu_direct *direct, CUstream stream, size_t bytes);
/* `again` false: commands of others may still use it, so nobody gets it any more. */
void assay_cu_direct_free(assay_cu_direct *direct, void *memory, bool again);
/* A stream that is about to go, with nothing under way. */
void assay_cu_direct_forget(assay_cu_direct *direct, CUstream stream);
bool assay_cu_direct_has(const assay_cu_direct *direct, CUdeviceptr address);

#endif

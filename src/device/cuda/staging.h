/* SPDX-License-Identifier: MIT */
/*
 * A stream's copies to and from ordinary host memory. A GPU copies by itself only from and to pinned memory; so each stream has some, data
 * passes through it, and the host goes on. Writes are copied into it when they are enqueued; reads are copied out of it when the stream is
 * synced. Pinning costs a millisecond, so the memory stays with the stream, and large copies pass in pieces, one in flight while the next
 * is filled.
 *
 * One thread at a time, with the device's context current.
 */
#ifndef ASSAY_DEVICE_CUDA_STAGING_H
#define ASSAY_DEVICE_CUDA_STAGING_H

#include <stdbool.h>
#include <stddef.h>

#include "device/cuda/api.h"

enum { ASSAY_CU_STAGING_PIECES = 4, ASSAY_CU_STAGING_READS = 64 };

typedef struct assay_cu_read {
  void *to;
  const char *from;
  size_t bytes;
} assay_cu_read;

typedef struct assay_cu_staging {
  CUstream stream;
  char *small; /* ring for what is small; `small_used` bytes belong to commands since the last sync */
  size_t small_used;
  char *pieces; /* for what is large: made when it is first needed */
  CUevent done[ASSAY_CU_STAGING_PIECES];
  assay_cu_read reads[ASSAY_CU_STAGING_READS]; /* to copy out at the next sync */
  size_t read_count;
  bool deferred; /* some of them are from where a kernel wrote them itself */
} assay_cu_staging;

CUresult assay_cu_staging_init(assay_cu_staging *staging, CUstream stream);
void assay_cu_staging_deinit(assay_cu_staging *staging);
CUresult assay_cu_staging_write(assay_cu_staging *staging, CUdeviceptr to, const void *from, size_t bytes);
CUresult assay_cu_staging_read(assay_cu_staging *staging, void *to, CUdeviceptr from, size_t bytes);
/* A read of pinned memory that kernels write (direct.h): at the next sync, or settle, which is due before any other command. */
CUresult assay_cu_staging_defer(assay_cu_staging *staging, void *to, const char *from, size_t bytes);
CUresult assay_cu_staging_settle(assay_cu_staging *staging);
/* Waits for the stream and finishes the reads. */
CUresult assay_cu_staging_sync(assay_cu_staging *staging);

#endif

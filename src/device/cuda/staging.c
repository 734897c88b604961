/* SPDX-License-Identifier: MIT */
#include "device/cuda/staging.h"

#include <string.h>

enum {
  SMALL_BYTES = 256 << 10, /* all small copies between two syncs */
  SMALL_COPY = 32 << 10,   /* what counts as small */
  PIECE_BYTES = 4 << 20,
};

CUresult assay_cu_staging_init(assay_cu_staging *staging, CUstream stream) {
  *staging = (assay_cu_staging){.stream = stream};
  return assay_cu.cuMemHostAlloc((void **)&staging->small, SMALL_BYTES, CU_MEMHOSTALLOC_PORTABLE);
}

void assay_cu_staging_deinit(assay_cu_staging *staging) {
  if (staging->small != NULL) assay_cu.cuMemFreeHost(staging->small);
  if (staging->pieces != NULL) assay_cu.cuMemFreeHost(staging->pieces);
  for (int i = 0; i < ASSAY_CU_STAGING_PIECES; i++) {
    if (staging->done[i] != NULL) assay_cu.cuEventDestroy_v2(staging->done[i]);
  }
  *staging = (assay_cu_staging){0};
}

static CUresult make_pieces(assay_cu_staging *staging) {
  CUresult code = CUDA_SUCCESS;
  if (staging->pieces == NULL)
    code = assay_cu.cuMemHostAlloc((void **)&staging->pieces, (size_t)ASSAY_CU_STAGING_PIECES * PIECE_BYTES, CU_MEMHOSTALLOC_PORTABLE);
  for (int i = 0; i < ASSAY_CU_STAGING_PIECES && code == CUDA_SUCCESS; i++) {
    if (staging->done[i] == NULL) code = assay_cu.cuEventCreate(&staging->done[i], CU_EVENT_DISABLE_TIMING);
  }
  return code;
}

/* Room of the small ring, 64-byte aligned; a full one waits for the stream and begins anew. */
static CUresult take_small(assay_cu_staging *staging, size_t bytes, char **room) {
  if (staging->small_used + bytes > SMALL_BYTES) {
    CUresult code = assay_cu_staging_sync(staging);
    if (code != CUDA_SUCCESS) return code;
  }
  *room = staging->small + staging->small_used;
  staging->small_used += (bytes + 63) & ~(size_t)63;
  return CUDA_SUCCESS;
}

CUresult assay_cu_staging_write(assay_cu_staging *staging, CUdeviceptr to, const void *from, size_t bytes) {
  CUresult code;
  if (bytes <= SMALL_COPY) {
    char *room = NULL;
    code = take_small(staging, bytes, &room);
    if (code != CUDA_SUCCESS) return code;
    memcpy(room, from, bytes);
    return assay_cu.cuMemcpyHtoDAsync_v2(to, room, bytes, staging->stream);
  }
  code = make_pieces(staging);
  for (size_t done = 0, turn = 0; done < bytes && code == CUDA_SUCCESS; done += PIECE_BYTES, turn = (turn + 1) % ASSAY_CU_STAGING_PIECES) {
    size_t length = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
    char *piece = staging->pieces + turn * PIECE_BYTES;
    code = assay_cu.cuEventSynchronize(staging->done[turn]); /* at once when it was never recorded */
    if (code != CUDA_SUCCESS) break;
    memcpy(piece, (const char *)from + done, length);
    code = assay_cu.cuMemcpyHtoDAsync_v2(to + done, piece, length, staging->stream);
    if (code == CUDA_SUCCESS) code = assay_cu.cuEventRecord(staging->done[turn], staging->stream);
  }
  return code;
}

/* Several pieces are on their way while one is copied out. */
static CUresult read_large(assay_cu_staging *staging, char *to, CUdeviceptr from, size_t bytes) {
  CUresult code = make_pieces(staging);
  size_t pieces = (bytes + PIECE_BYTES - 1) / PIECE_BYTES;
  for (size_t step = 0; step < pieces + ASSAY_CU_STAGING_PIECES && code == CUDA_SUCCESS; step++) {
    size_t turn = step % ASSAY_CU_STAGING_PIECES;
    char *piece = staging->pieces + turn * PIECE_BYTES;
    if (step >= ASSAY_CU_STAGING_PIECES && step - ASSAY_CU_STAGING_PIECES < pieces) {
      size_t done = (step - ASSAY_CU_STAGING_PIECES) * PIECE_BYTES;
      code = assay_cu.cuEventSynchronize(staging->done[turn]);
      if (code == CUDA_SUCCESS) memcpy(to + done, piece, bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES);
    }
    if (step < pieces && code == CUDA_SUCCESS) {
      size_t begin = step * PIECE_BYTES, length = bytes - begin < PIECE_BYTES ? bytes - begin : PIECE_BYTES;
      code = assay_cu.cuMemcpyDtoHAsync_v2(piece, from + begin, length, staging->stream);
      if (code == CUDA_SUCCESS) code = assay_cu.cuEventRecord(staging->done[turn], staging->stream);
    }
  }
  return code;
}

CUresult assay_cu_staging_read(assay_cu_staging *staging, void *to, CUdeviceptr from, size_t bytes) {
  if (bytes > SMALL_COPY) return read_large(staging, to, from, bytes);
  if (staging->read_count == ASSAY_CU_STAGING_READS) {
    CUresult code = assay_cu_staging_sync(staging);
    if (code != CUDA_SUCCESS) return code;
  }
  char *room = NULL;
  CUresult code = take_small(staging, bytes, &room);
  if (code == CUDA_SUCCESS) code = assay_cu.cuMemcpyDtoHAsync_v2(room, from, bytes, staging->stream);
  if (code == CUDA_SUCCESS) staging->reads[staging->read_count++] = (assay_cu_read){to, room, bytes};
  return code;
}

CUresult assay_cu_staging_defer(assay_cu_staging *staging, void *to, const char *from, size_t bytes) {
  CUresult code = staging->read_count == ASSAY_CU_STAGING_READS ? assay_cu_staging_sync(staging) : CUDA_SUCCESS;
  if (code != CUDA_SUCCESS) return code;
  staging->reads[staging->read_count++] = (assay_cu_read){to, from, bytes};
  staging->deferred = true;
  return CUDA_SUCCESS;
}

CUresult assay_cu_staging_settle(assay_cu_staging *staging) { return staging->deferred ? assay_cu_staging_sync(staging) : CUDA_SUCCESS; }

CUresult assay_cu_staging_sync(assay_cu_staging *staging) {
  CUresult code = assay_cu.cuStreamSynchronize(staging->stream);
  for (size_t i = 0; i < staging->read_count && code == CUDA_SUCCESS; i++)
    memcpy(staging->reads[i].to, staging->reads[i].from, staging->reads[i].bytes);
  staging->read_count = staging->small_used = 0;
  staging->deferred = false;
  return code;
}

/* SPDX-License-Identifier: MIT */
#include "device/cuda/direct.h"

void assay_cu_direct_init(assay_cu_direct *direct) {
  *direct = (assay_cu_direct){.memory = NULL};
  pthread_mutex_init(&direct->lock, NULL);
}

void assay_cu_direct_deinit(assay_cu_direct *direct) {
  if (direct->memory != NULL) assay_cu.cuMemFreeHost(direct->memory);
  pthread_mutex_destroy(&direct->lock);
}

/* Under the lock. */
static void make_memory(assay_cu_direct *direct) {
  void *memory = NULL;
  CUdeviceptr seen = 0;
  size_t bytes = (size_t)ASSAY_CU_DIRECT_PLACES * ASSAY_CU_DIRECT_BYTES;
  direct->refused = true;
  if (assay_cu.cuMemHostAlloc(&memory, bytes, CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP) != CUDA_SUCCESS) return;
  if (assay_cu.cuMemHostGetDevicePointer_v2(&seen, memory, 0) != CUDA_SUCCESS || seen != (CUdeviceptr)(uintptr_t)memory) {
    assay_cu.cuMemFreeHost(memory);
    return;
  }
  direct->memory = memory;
  direct->refused = false;
}

static bool is_idle(CUstream stream) { return stream == NULL || assay_cu.cuStreamQuery(stream) == CUDA_SUCCESS; }

/* Under the lock: a place of this stream's own, else one that nobody uses. */
static int find_place(const assay_cu_direct *direct, CUstream stream) {
  for (int i = 0; i < ASSAY_CU_DIRECT_PLACES; i++) {
    if (!direct->places[i].taken && direct->places[i].last == stream) return i;
  }
  for (int i = 0; i < ASSAY_CU_DIRECT_PLACES; i++) {
    if (!direct->places[i].taken && is_idle(direct->places[i].last)) return i;
  }
  return -1;
}

void *assay_cu_direct_alloc(assay_cu_direct *direct, CUstream stream, size_t bytes) {
  if (bytes > ASSAY_CU_DIRECT_BYTES) return NULL;
  char *found = NULL;
  pthread_mutex_lock(&direct->lock);
  if (direct->memory == NULL && !direct->refused) make_memory(direct);
  int place = direct->memory != NULL ? find_place(direct, stream) : -1;
  if (place >= 0) {
    direct->places[place].taken = true;
    direct->places[place].last = stream;
    found = direct->memory + (size_t)place * ASSAY_CU_DIRECT_BYTES;
  }
  pthread_mutex_unlock(&direct->lock);
  return found;
}

void assay_cu_direct_free(assay_cu_direct *direct, void *memory, bool again) {
  size_t place = (size_t)((char *)memory - direct->memory) / ASSAY_CU_DIRECT_BYTES;
  pthread_mutex_lock(&direct->lock);
  direct->places[place].taken = !again;
  pthread_mutex_unlock(&direct->lock);
}

void assay_cu_direct_forget(assay_cu_direct *direct, CUstream stream) {
  pthread_mutex_lock(&direct->lock);
  for (int i = 0; i < ASSAY_CU_DIRECT_PLACES; i++) {
    if (direct->places[i].last == stream) direct->places[i].last = NULL;
  }
  pthread_mutex_unlock(&direct->lock);
}

bool assay_cu_direct_has(const assay_cu_direct *direct, CUdeviceptr address) {
  CUdeviceptr begin = (CUdeviceptr)(uintptr_t)direct->memory;
  return begin != 0 && address >= begin && address - begin < (CUdeviceptr)ASSAY_CU_DIRECT_PLACES * ASSAY_CU_DIRECT_BYTES;
}

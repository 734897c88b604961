/* SPDX-License-Identifier: MIT */
/*
 * A CUDA driver for machines without one: memory is the host's, and kernels are whatever the test hands over. It is as strict as the real
 * one where a backend could be wrong: commands happen when somebody waits, not when they are enqueued, so host memory that is reused too
 * early shows; calls without a current context fail; only memory that was allocated may be touched.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device/cuda/api.h"
#include "fake_cuda.h"

#define EXPORT __attribute__((visibility("default")))

enum { MAX_BLOCKS = 4096, FREE_BYTES = 1 << 30, CONTEXT_INVALID = 201 };

typedef struct command {
  enum { COPY, FILL, LAUNCH, MARK } kind;
  void *to;
  const void *from;
  size_t bytes;
  uint32_t value;
  const char *kernel;
  unsigned groups;
  unsigned char params[512];
  void *buffers[8];
  struct CUevent_st *event;
  struct command *next;
} command;

struct CUevent_st {
  bool recorded, done;
};
struct CUstream_st {
  int unused;
};
struct CUfunc_st {
  char name[128];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* One order for all streams: the strictest that their own orders and the events between them allow. */
static command *first, **last = &first;
static struct {
  char *data;
  size_t bytes;
  bool host;
} blocks[MAX_BLOCKS];
static size_t used_bytes;
static _Thread_local CUcontext current;
static fake_cuda_kernels kernels;
static char failing[64];
static int failing_code, failing_skip;
static int primary_references;

EXPORT void fake_cuda_set(const fake_cuda_kernels *given) { kernels = *given; }

EXPORT void fake_cuda_fail(const char *function, int code, int skip) {
  strncpy(failing, function, sizeof failing - 1);
  failing_code = code;
  failing_skip = skip;
}

EXPORT size_t fake_cuda_live(void) {
  size_t count = 0;
  for (size_t i = 0; i < MAX_BLOCKS; i++) count += blocks[i].data != NULL;
  return count;
}

/* The planned failure of a call, if it is its turn. */
static CUresult planned(const char *function) {
  if (strcmp(failing, function) != 0 || failing_skip-- > 0) return CUDA_SUCCESS;
  failing[0] = '\0';
  return failing_code;
}

#define BEGIN()                                            \
  do {                                                     \
    CUresult planned_code = planned(__func__);             \
    if (planned_code != CUDA_SUCCESS) return planned_code; \
  } while (0)
#define BEGIN_IN_CONTEXT()                       \
  do {                                           \
    if (current == NULL) return CONTEXT_INVALID; \
    BEGIN();                                     \
  } while (0)

static bool inside(const void *address, size_t bytes) {
  const char *p = address;
  for (size_t i = 0; i < MAX_BLOCKS; i++) {
    if (blocks[i].data != NULL && p >= blocks[i].data && p + bytes <= blocks[i].data + blocks[i].bytes) return true;
  }
  return false;
}

static CUresult allocate(size_t bytes, bool host, char **made) {
  if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
  if (!host && bytes > FREE_BYTES - used_bytes) return CUDA_ERROR_OUT_OF_MEMORY;
  for (size_t i = 0; i < MAX_BLOCKS; i++) {
    if (blocks[i].data != NULL) continue;
    blocks[i].data = aligned_alloc(256, (bytes + 255) & ~(size_t)255);
    if (blocks[i].data == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(blocks[i].data, 0xA5, bytes);
    blocks[i].bytes = bytes;
    blocks[i].host = host;
    if (!host) used_bytes += bytes;
    *made = blocks[i].data;
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_OUT_OF_MEMORY;
}

static void run(command *c) {
  switch (c->kind) {
    case COPY: memcpy(c->to, c->from, c->bytes); break;
    case FILL:
      for (size_t i = 0; i < c->bytes; i += 4) memcpy((char *)c->to + i, &c->value, 4);
      break;
    case LAUNCH: kernels.run(c->kernel, c->params, c->buffers, c->groups); break;
    case MARK: c->event->done = true; break;
  }
}

static void run_all(void) {
  while (first != NULL) {
    command *c = first;
    first = c->next;
    run(c);
    free(c);
  }
  last = &first;
}

static CUresult release(void *address) {
  run_all();
  for (size_t i = 0; i < MAX_BLOCKS; i++) {
    if (blocks[i].data != address || address == NULL) continue;
    if (!blocks[i].host) used_bytes -= blocks[i].bytes;
    free(blocks[i].data);
    blocks[i].data = NULL;
    return CUDA_SUCCESS;
  }
  return CUDA_ERROR_INVALID_VALUE;
}

static CUresult enqueue(command made) {
  command *c = malloc(sizeof *c);
  *c = made;
  c->next = NULL;
  *last = c;
  last = &c->next;
  return CUDA_SUCCESS;
}

#define LOCKED(expression)               \
  __extension__({                        \
    pthread_mutex_lock(&lock);           \
    CUresult locked_code = (expression); \
    pthread_mutex_unlock(&lock);         \
    locked_code;                         \
  })

#define FUNCTION(result, name, arguments) EXPORT result name arguments

FUNCTION(CUresult, cuInit, (unsigned flags)) {
  BEGIN();
  return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
FUNCTION(CUresult, cuDriverGetVersion, (int *version)) {
  *version = 12080;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuGetErrorName, (CUresult code, const char **name)) {
  *name = code == CUDA_ERROR_OUT_OF_MEMORY     ? "CUDA_ERROR_OUT_OF_MEMORY"
          : code == CUDA_ERROR_ILLEGAL_ADDRESS ? "CUDA_ERROR_ILLEGAL_ADDRESS"
                                               : "CUDA_ERROR_OTHER";
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuGetErrorString, (CUresult code, const char **text)) {
  *text = code == CUDA_ERROR_OUT_OF_MEMORY ? "out of memory" : "something else";
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDeviceGetCount, (int *count)) {
  *count = 1;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDeviceGet, (CUdevice * device, int ordinal)) {
  *device = ordinal;
  return ordinal == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
FUNCTION(CUresult, cuDeviceGetName, (char *name, int size, CUdevice device)) {
  (void)device;
  strncpy(name, "Fake GPU", (size_t)size);
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDeviceGetPCIBusId, (char *id, int size, CUdevice device)) {
  (void)device;
  strncpy(id, "0000:01:00.0", (size_t)size);
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDeviceTotalMem_v2, (size_t * bytes, CUdevice device)) {
  (void)device;
  *bytes = FREE_BYTES;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDeviceGetAttribute, (int *value, CUdevice_attribute which, CUdevice device)) {
  (void)device;
  *value = which == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT ? 4 : which == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 9 : 0;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDevicePrimaryCtxSetFlags_v2, (CUdevice device, unsigned flags)) {
  (void)device, (void)flags;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device)) {
  (void)device;
  BEGIN();
  primary_references++;
  *context = (CUcontext)&primary_references;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuDevicePrimaryCtxRelease_v2, (CUdevice device)) {
  (void)device;
  return primary_references-- > 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}
FUNCTION(CUresult, cuCtxGetCurrent, (CUcontext * context)) {
  *context = current;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuCtxSetCurrent, (CUcontext context)) {
  if (context != NULL && primary_references == 0) return CONTEXT_INVALID;
  current = context;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuMemGetInfo_v2, (size_t * available, size_t *total)) {
  BEGIN_IN_CONTEXT();
  *available = FREE_BYTES - used_bytes;
  *total = FREE_BYTES;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuMemAlloc_v2, (CUdeviceptr * address, size_t bytes)) {
  BEGIN_IN_CONTEXT();
  char *made = NULL;
  CUresult code = LOCKED(allocate(bytes, false, &made));
  if (code == CUDA_SUCCESS) *address = (CUdeviceptr)(uintptr_t)made;
  return code;
}
FUNCTION(CUresult, cuMemFree_v2, (CUdeviceptr address)) {
  BEGIN_IN_CONTEXT();
  return LOCKED(release((void *)(uintptr_t)address));
}
FUNCTION(CUresult, cuMemHostAlloc, (void **address, size_t bytes, unsigned flags)) {
  (void)flags;
  BEGIN_IN_CONTEXT();
  return LOCKED(allocate(bytes, true, (char **)address));
}
FUNCTION(CUresult, cuMemFreeHost, (void *address)) {
  BEGIN_IN_CONTEXT();
  return LOCKED(release(address));
}
FUNCTION(CUresult, cuMemHostGetDevicePointer_v2, (CUdeviceptr * address, void *host, unsigned flags)) {
  (void)flags;
  *address = (CUdeviceptr)(uintptr_t)host;
  return CUDA_SUCCESS;
}

static CUresult copy(void *to, const void *from, size_t bytes) {
  if (!inside(to, bytes) || !inside(from, bytes)) return CUDA_ERROR_INVALID_VALUE; /* pinned on the host's side, too */
  return enqueue((command){.kind = COPY, .to = to, .from = from, .bytes = bytes});
}
FUNCTION(CUresult, cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream stream)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  return LOCKED(copy((void *)(uintptr_t)to, from, bytes));
}
FUNCTION(CUresult, cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream stream)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  return LOCKED(copy(to, (const void *)(uintptr_t)from, bytes));
}
FUNCTION(CUresult, cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  return LOCKED(copy((void *)(uintptr_t)to, (const void *)(uintptr_t)from, bytes));
}
FUNCTION(CUresult, cuMemsetD32Async, (CUdeviceptr to, unsigned value, size_t count, CUstream stream)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  void *address = (void *)(uintptr_t)to;
  if (!inside(address, 4 * count) || to % 4 != 0) return CUDA_ERROR_INVALID_VALUE;
  return LOCKED(enqueue((command){.kind = FILL, .to = address, .bytes = 4 * count, .value = value}));
}
FUNCTION(CUresult, cuStreamCreate, (CUstream * stream, unsigned flags)) {
  (void)flags;
  BEGIN_IN_CONTEXT();
  *stream = calloc(1, sizeof **stream);
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuStreamDestroy_v2, (CUstream stream)) {
  free(stream);
  return CUDA_SUCCESS;
}
static CUresult wait_all(void) {
  run_all();
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuStreamSynchronize, (CUstream stream)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  return LOCKED(wait_all());
}
FUNCTION(CUresult, cuStreamQuery, (CUstream stream)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  return LOCKED(first == NULL ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY);
}
FUNCTION(CUresult, cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned flags)) {
  (void)stream, (void)event, (void)flags;
  BEGIN_IN_CONTEXT();
  return CUDA_SUCCESS; /* there is one order */
}
FUNCTION(CUresult, cuEventCreate, (CUevent * event, unsigned flags)) {
  (void)flags;
  BEGIN_IN_CONTEXT();
  *event = calloc(1, sizeof **event);
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuEventDestroy_v2, (CUevent event)) {
  LOCKED(wait_all());
  free(event);
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuEventRecord, (CUevent event, CUstream stream)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  event->recorded = true;
  event->done = false;
  return LOCKED(enqueue((command){.kind = MARK, .event = event}));
}
FUNCTION(CUresult, cuEventQuery, (CUevent event)) { return !event->recorded || event->done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY; }
FUNCTION(CUresult, cuEventSynchronize, (CUevent event)) {
  BEGIN_IN_CONTEXT();
  return event->recorded && !event->done ? LOCKED(wait_all()) : CUDA_SUCCESS;
}
FUNCTION(CUresult, cuEventElapsedTime, (float *ms, CUevent begin, CUevent end)) {
  if (!begin->done || !end->done) return CUDA_ERROR_NOT_READY;
  *ms = 0.5f;
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuModuleLoadDataEx, (CUmodule * module, const void *image, unsigned count, CUjit_option *options, void **values)) {
  (void)count, (void)options, (void)values;
  BEGIN_IN_CONTEXT();
  static const unsigned char fatbin[] = {0x50, 0xED, 0x55, 0xBA}, elf[] = {0x7F, 'E', 'L', 'F'};
  if (memcmp(image, fatbin, 4) != 0 && memcmp(image, elf, 4) != 0) return CUDA_ERROR_INVALID_IMAGE;
  *module = malloc(1);
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuModuleUnload, (CUmodule module)) {
  free(module);
  return CUDA_SUCCESS;
}
FUNCTION(CUresult, cuModuleGetFunction, (CUfunction * function, CUmodule module, const char *name)) {
  static struct CUfunc_st known[1000];
  static size_t count;
  (void)module;
  BEGIN_IN_CONTEXT();
  if (strncmp(name, "assay_kernel_", 13) != 0 || kernels.run == NULL) return CUDA_ERROR_NOT_FOUND;
  struct CUfunc_st *made = &known[count++ % 1000];
  strncpy(made->name, name + 13, sizeof made->name - 1);
  *function = made;
  return CUDA_SUCCESS;
}
static CUresult launch(CUfunction function, unsigned groups, void **arguments) {
  command c = {.kind = LAUNCH, .kernel = function->name, .groups = groups};
  size_t params = 0, buffers = 0;
  if (!kernels.sizes(function->name, &params, &buffers)) return CUDA_ERROR_INVALID_VALUE;
  memcpy(c.params, arguments[0], params);
  for (size_t i = 0; i < buffers; i++) {
    CUdeviceptr address = 0;
    memcpy(&address, arguments[i + 1], sizeof address);
    c.buffers[i] = (void *)(uintptr_t)address;
    if (!inside(c.buffers[i], 1)) return CUDA_ERROR_INVALID_VALUE;
  }
  return LOCKED(enqueue(c));
}
FUNCTION(CUresult, cuLaunchKernel,
         (CUfunction function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream,
          void **arguments, void **extra)) {
  (void)stream;
  BEGIN_IN_CONTEXT();
  if (x == 0 || y != 1 || z != 1 || bx != 256 || by != 1 || bz != 1 || shared != 0 || extra != NULL) return CUDA_ERROR_INVALID_VALUE;
  return launch(function, x, arguments);
}
/* Early only what waits by itself. */
FUNCTION(CUresult, cuLaunchKernelEx, (const CUlaunchConfig *config, CUfunction function, void **arguments, void **extra)) {
  BEGIN_IN_CONTEXT();
  if (config->gridDimX == 0 || config->gridDimY != 1 || config->gridDimZ != 1 || config->blockDimX != 256 || config->blockDimY != 1 ||
      config->blockDimZ != 1 || config->sharedMemBytes != 0 || extra != NULL || config->numAttrs != 1 ||
      config->attrs->id != CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION ||
      config->attrs->value.programmaticStreamSerializationAllowed != 1 || strstr(function->name, "_join_") == NULL)
    return CUDA_ERROR_INVALID_VALUE;
  return launch(function, config->gridDimX, arguments);
}
FUNCTION(CUresult, cuFuncGetAttribute, (int *value, CUfunction_attribute which, CUfunction function)) {
  BEGIN_IN_CONTEXT();
  if (which != CU_FUNC_ATTRIBUTE_PTX_VERSION || function == NULL) return CUDA_ERROR_INVALID_VALUE;
  *value = 90;
  return CUDA_SUCCESS;
}

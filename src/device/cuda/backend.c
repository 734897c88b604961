/* SPDX-License-Identifier: MIT */
/*
 * CUDA's driver API as a backend. It shares the device's primary context with whatever else of CUDA runs in the process (cuBLAS, a user's
 * own code). Waiting spins: a price of a million paths takes some microseconds, waking a thread takes fifty. Streams with their pinned
 * memory are kept for the next caller, since making one costs more than such a price.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "device/backend.h"
#include "device/cuda/api.h"
#include "device/cuda/direct.h"
#include "device/cuda/gemm.h"
#include "device/cuda/health.h"
#include "device/cuda/module.h"
#include "device/cuda/staging.h"
#include "kernels/kernel.h"

enum {
  RANK = 10, /* the first that auto takes */
  ALIGNMENT = 256,
  MAX_GROUPS = 0x7FFFFFFF, /* of a grid's first dimension, on every GPU since 2012 */
};

typedef struct loaded {
  const assay_embedded *file;
  unsigned bits;
  CUmodule module;
  struct loaded *next;
} loaded;

typedef struct function {
  CUfunction handle;
  bool early; /* may be started while the kernel before it runs */
  struct function *next;
} function;

typedef struct stream {
  CUstream handle;
  assay_cu_staging staging;
  assay_cu_gemm gemm;
  struct stream *next;
} stream;

typedef struct state {
  CUdevice device;
  CUcontext context;
  assay_cu_target target;
  char name[128], pci[32];
  assay_cu_direct direct;
  pthread_mutex_t lock; /* of the lists */
  loaded *modules;
  function *functions;
  stream *idle;
} state;

/* ---- Which there are ------------------------------------------------------------------------------------------------------------ */

static int attribute(CUdevice device, CUdevice_attribute which) {
  int value = 0;
  return assay_cu.cuDeviceGetAttribute(&value, which, device) == CUDA_SUCCESS ? value : 0;
}

static bool describe(int ordinal, assay_device_info *info) {
  CUdevice device = 0;
  size_t memory = 0;
  int version = 0;
  *info = (assay_device_info){.kind = ASSAY_DEVICE_GPU, .flags = ASSAY_DEVICE_F64, .rank = RANK, .alignment_bytes = ALIGNMENT};
  if (assay_cu.cuDeviceGet(&device, ordinal) != CUDA_SUCCESS) return false;
  if (assay_cu.cuDeviceGetName(info->name, sizeof info->name, device) != CUDA_SUCCESS) return false;
  if (assay_cu.cuDeviceTotalMem_v2(&memory, device) != CUDA_SUCCESS) return false;
  assay_cu.cuDriverGetVersion(&version);
  snprintf(info->driver, sizeof info->driver, "CUDA %d.%d, compute capability %d.%d", version / 1000, version % 1000 / 10,
           attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
           attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR));
  snprintf(info->isa, sizeof info->isa, "sm_%d%d", attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) % 1000,
           attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR) % 10);
  info->compute_units = (unsigned)attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  info->memory_bytes = info->max_buffer_bytes = memory;
  /* kHz and bits; two transfers a clock. */
  info->memory_bandwidth_bytes_per_s =
      2e3 * attribute(device, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE) * attribute(device, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH) / 8;
  return true;
}

static size_t enumerate(assay_device_info *infos, size_t capacity, char *cause, size_t cause_size) {
  assay_error err = {0};
  int count = 0;
  if (assay_cu_load(&err) != ASSAY_OK) {
    snprintf(cause, cause_size, "%s", err.message);
    return 0;
  }
  CUresult code = assay_cu.cuDeviceGetCount(&count);
  if (code != CUDA_SUCCESS || count <= 0) {
    snprintf(cause, cause_size, "CUDA's driver runs but sees no GPU (cuDeviceGetCount gave %d, error %d)", count, code);
    return 0;
  }
  size_t wrote = 0;
  for (int i = 0; i < count && wrote < capacity; i++) { /* ordinals stay ordinals: the first that does not answer ends the list */
    if (!describe(i, &infos[wrote])) {
      snprintf(cause, cause_size, "CUDA's driver runs but GPU %d does not answer", i);
      break;
    }
    wrote++;
  }
  return wrote;
}

/* ---- Opening -------------------------------------------------------------------------------------------------------------------- */

static assay_status fail(const state *s, assay_error *err, CUresult code, const char *what) {
  return assay_cu_fail(err, code, s->name, what);
}

/* A context is current by thread, and other code may have made its own current since. Some 10 ns. */
static CUresult enter(const state *s) { return assay_cu.cuCtxSetCurrent(s->context); }

static void destroy_stream(state *s, stream *q) {
  assay_cu_staging_deinit(&q->staging);
  assay_cu_gemm_deinit(&q->gemm);
  if (q->handle != NULL) {
    assay_cu_direct_forget(&s->direct, q->handle);
    assay_cu.cuStreamDestroy_v2(q->handle);
  }
  assay_free(q);
}

static void close_state(void *opened) {
  state *s = opened;
  if (s->context != NULL) enter(s);
  while (s->idle != NULL) {
    stream *q = s->idle;
    s->idle = q->next;
    destroy_stream(s, q);
  }
  while (s->functions != NULL) {
    function *f = s->functions;
    s->functions = f->next;
    assay_free(f);
  }
  while (s->modules != NULL) {
    loaded *m = s->modules;
    s->modules = m->next;
    assay_cu.cuModuleUnload(m->module);
    assay_free(m);
  }
  assay_cu_direct_deinit(&s->direct);
  if (s->context != NULL) {
    assay_cu.cuCtxSetCurrent(NULL);
    assay_cu.cuDevicePrimaryCtxRelease_v2(s->device);
  }
  pthread_mutex_destroy(&s->lock);
  assay_free(s);
}

static assay_status open_state(size_t index, assay_error *err, void **opened) {
  assay_status status = assay_cu_load(err);
  if (status != ASSAY_OK) return status;
  state *s = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *s);
  if (s == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to open a CUDA device");
  pthread_mutex_init(&s->lock, NULL);
  assay_cu_direct_init(&s->direct);
  snprintf(s->name, sizeof s->name, "cuda:%zu", index);
  const char *what = "asking for the device";
  CUresult code = assay_cu.cuDeviceGet(&s->device, (int)index);
  if (code == CUDA_SUCCESS) {
    assay_cu.cuDeviceGetName(s->name, sizeof s->name, s->device);
    assay_cu.cuDeviceGetPCIBusId(s->pci, sizeof s->pci, s->device);
    s->target = (assay_cu_target){s->name, attribute(s->device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
                                  attribute(s->device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)};
    /* Refused where somebody uses the context already: then his way of waiting stays. */
    assay_cu.cuDevicePrimaryCtxSetFlags_v2(s->device, CU_CTX_SCHED_SPIN);
    what = "creating a context";
    code = assay_cu.cuDevicePrimaryCtxRetain(&s->context, s->device);
  }
  if (code == CUDA_SUCCESS) code = enter(s);
  if (code == CUDA_SUCCESS) {
    *opened = s;
    return ASSAY_OK;
  }
  status = fail(s, err, code, what);
  close_state(s);
  return status;
}

/* ---- Memory --------------------------------------------------------------------------------------------------------------------- */

static void *as_memory(CUdeviceptr address) { return (void *)(uintptr_t)address; }

static CUdeviceptr address_of(const assay_slice *slice) { return (CUdeviceptr)(uintptr_t)slice->memory + slice->offset; }

static assay_status memory_alloc(void *opened, size_t bytes, assay_error *err, void **memory) {
  const state *s = opened;
  CUdeviceptr address = 0;
  CUresult code = enter(s);
  if (code == CUDA_SUCCESS) code = assay_cu.cuMemAlloc_v2(&address, bytes);
  if (code == CUDA_SUCCESS) {
    *memory = as_memory(address);
    return ASSAY_OK;
  }
  char what[64];
  snprintf(what, sizeof what, "allocating %zu bytes", bytes);
  return fail(s, err, code, what);
}

static void memory_free(void *opened, void *memory) {
  if (enter(opened) == CUDA_SUCCESS) assay_cu.cuMemFree_v2((CUdeviceptr)(uintptr_t)memory);
}

static assay_status memory_info(void *opened, assay_error *err, uint64_t *free_bytes, uint64_t *total_bytes) {
  const state *s = opened;
  size_t available = 0, total = 0;
  CUresult code = enter(s);
  if (code == CUDA_SUCCESS) code = assay_cu.cuMemGetInfo_v2(&available, &total);
  if (code != CUDA_SUCCESS) return fail(s, err, code, "asking for free memory");
  *free_bytes = available;
  *total_bytes = total;
  return ASSAY_OK;
}

static void *direct_alloc(void *opened, void *queue, size_t bytes) {
  state *s = opened;
  return enter(s) == CUDA_SUCCESS ? assay_cu_direct_alloc(&s->direct, ((stream *)queue)->handle, bytes) : NULL;
}

static void direct_free(void *opened, void *memory, bool again) { assay_cu_direct_free(&((state *)opened)->direct, memory, again); }

/* ---- Streams and their commands --------------------------------------------------------------------------------------------------- */

static stream *take_idle(state *s) {
  pthread_mutex_lock(&s->lock);
  stream *q = s->idle;
  if (q != NULL) s->idle = q->next;
  pthread_mutex_unlock(&s->lock);
  return q;
}

static assay_status queue_create(void *opened, assay_error *err, void **queue) {
  state *s = opened;
  stream *q = take_idle(s);
  if (q == NULL) {
    q = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *q);
    if (q == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a stream");
    CUresult code = enter(s);
    if (code == CUDA_SUCCESS) code = assay_cu.cuStreamCreate(&q->handle, CU_STREAM_NON_BLOCKING);
    if (code == CUDA_SUCCESS) code = assay_cu_staging_init(&q->staging, q->handle);
    if (code != CUDA_SUCCESS) {
      destroy_stream(s, q);
      return fail(s, err, code, "creating a stream");
    }
  }
  *queue = q;
  return ASSAY_OK;
}

static void queue_destroy(void *opened, void *queue) {
  state *s = opened;
  stream *q = queue;
  bool fine = enter(s) == CUDA_SUCCESS && assay_cu.cuStreamQuery(q->handle) == CUDA_SUCCESS;
  if (!fine) {
    destroy_stream(s, q);
    return;
  }
  pthread_mutex_lock(&s->lock);
  q->next = s->idle;
  s->idle = q;
  pthread_mutex_unlock(&s->lock);
}

static assay_status queue_sync(void *opened, void *queue, assay_error *err) {
  CUresult code = enter(opened);
  if (code == CUDA_SUCCESS) code = assay_cu_staging_sync(&((stream *)queue)->staging);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(opened, err, code, "a command of a stream");
}

/* What was read in place is taken before another command could write there. */
static CUresult begin_command(const state *s, stream *q) {
  CUresult code = enter(s);
  return code == CUDA_SUCCESS ? assay_cu_staging_settle(&q->staging) : code;
}

static assay_status write_slice(void *opened, void *queue, const assay_slice *to, const void *from, assay_error *err) {
  CUresult code = begin_command(opened, queue);
  if (code == CUDA_SUCCESS) code = assay_cu_staging_write(&((stream *)queue)->staging, address_of(to), from, to->bytes);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(opened, err, code, "writing a buffer");
}

static assay_status read_slice(void *opened, void *queue, const assay_slice *from, void *to, assay_error *err) {
  const state *s = opened;
  stream *q = queue;
  CUresult code = enter(s);
  if (code == CUDA_SUCCESS && assay_cu_direct_has(&s->direct, address_of(from)))
    code = assay_cu_staging_defer(&q->staging, to, (const char *)(uintptr_t)address_of(from), from->bytes);
  else if (code == CUDA_SUCCESS)
    code = assay_cu_staging_read(&q->staging, to, address_of(from), from->bytes);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(opened, err, code, "reading a buffer");
}

static assay_status copy_slice(void *opened, void *queue, const assay_slice *to, const assay_slice *from, assay_error *err) {
  CUresult code = begin_command(opened, queue);
  if (code == CUDA_SUCCESS) code = assay_cu.cuMemcpyDtoDAsync_v2(address_of(to), address_of(from), to->bytes, ((stream *)queue)->handle);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(opened, err, code, "copying a buffer");
}

static assay_status fill_slice(void *opened, void *queue, const assay_slice *to, uint32_t value, assay_error *err) {
  CUresult code = begin_command(opened, queue);
  if (code == CUDA_SUCCESS) code = assay_cu.cuMemsetD32Async(address_of(to), value, to->bytes / 4, ((stream *)queue)->handle);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(opened, err, code, "filling a buffer");
}

/* ---- Events ----------------------------------------------------------------------------------------------------------------------- */

static assay_status event_create(void *opened, assay_error *err, void **event) {
  CUevent made = NULL;
  CUresult code = enter(opened);
  if (code == CUDA_SUCCESS) code = assay_cu.cuEventCreate(&made, CU_EVENT_DEFAULT);
  if (code != CUDA_SUCCESS) return fail(opened, err, code, "creating an event");
  *event = made;
  return ASSAY_OK;
}

static void event_destroy(void *opened, void *event) {
  if (enter(opened) == CUDA_SUCCESS) assay_cu.cuEventDestroy_v2(event);
}

static assay_status event_record(void *opened, void *event, void *queue, assay_error *err) {
  CUresult code = enter(opened);
  if (code == CUDA_SUCCESS) code = assay_cu.cuEventRecord(event, ((stream *)queue)->handle);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(opened, err, code, "recording an event");
}

static assay_status event_wait(void *opened, void *queue, void *event, assay_error *err) {
  CUresult code = enter(opened);
  if (code == CUDA_SUCCESS) code = assay_cu.cuStreamWaitEvent(((stream *)queue)->handle, event, 0);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(opened, err, code, "waiting for an event");
}

static assay_status event_elapsed(void *opened, void *begin, void *end, assay_error *err, double *ns) {
  float ms = 0;
  CUresult code = enter(opened);
  if (code == CUDA_SUCCESS) code = assay_cu.cuEventSynchronize(begin);
  if (code == CUDA_SUCCESS) code = assay_cu.cuEventSynchronize(end);
  if (code == CUDA_SUCCESS) code = assay_cu.cuEventElapsedTime(&ms, begin, end);
  if (code != CUDA_SUCCESS) return fail(opened, err, code, "timing two events");
  *ns = 1e6 * (double)ms;
  return ASSAY_OK;
}

/* ---- Kernels ---------------------------------------------------------------------------------------------------------------------- */

static assay_status module_of(state *s, const assay_kernel *row, assay_error *err, CUmodule *module) {
  const assay_embedded *file = assay_embedded_find(row->file);
  if (file == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "the source of %s is not in this program", row->name);
  for (loaded *m = s->modules; m != NULL; m = m->next) {
    if (m->file == file && m->bits == row->bits) {
      *module = m->module;
      return ASSAY_OK;
    }
  }
  loaded *m = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *m);
  if (m == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a CUDA module");
  assay_status status = assay_cu_module_load(&s->target, file, row->bits, err, &m->module);
  if (status != ASSAY_OK) {
    assay_free(m);
    return status;
  }
  m->file = file;
  m->bits = row->bits;
  m->next = s->modules;
  s->modules = m;
  *module = m->module;
  return ASSAY_OK;
}

/* Machine code from before Hopper has no wait in it, also where a driver has made it for Hopper out of older PTX. */
static bool may_be_early(const assay_kernel *row, CUfunction handle) {
  int version = 0;
  return row->follows && assay_cu_newer.cuLaunchKernelEx != NULL &&
         assay_cu.cuFuncGetAttribute(&version, CU_FUNC_ATTRIBUTE_PTX_VERSION, handle) == CUDA_SUCCESS && version >= 90;
}

static assay_status kernel_find(void *opened, const char *name, assay_error *err, void **kernel) {
  state *s = opened;
  const assay_kernel *row = assay_kernel_find(name);
  if (row == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no kernel named %s", name);
  CUresult code = enter(s);
  if (code != CUDA_SUCCESS) return fail(s, err, code, "entering the context");
  CUmodule module = NULL;
  pthread_mutex_lock(&s->lock);
  assay_status status = module_of(s, row, err, &module);
  pthread_mutex_unlock(&s->lock);
  if (status != ASSAY_OK) return status;
  char symbol[128];
  function *found = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *found);
  if (found == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a CUDA kernel");
  snprintf(symbol, sizeof symbol, "assay_kernel_%s", name);
  code = assay_cu.cuModuleGetFunction(&found->handle, module, symbol);
  if (code != CUDA_SUCCESS) {
    assay_free(found);
    return fail(s, err, code, symbol);
  }
  found->early = may_be_early(row, found->handle);
  pthread_mutex_lock(&s->lock);
  found->next = s->functions;
  s->functions = found;
  pthread_mutex_unlock(&s->lock);
  *kernel = found;
  return ASSAY_OK;
}

static CUresult start(const function *f, unsigned groups, CUstream in, void **arguments) {
  if (!f->early) return assay_cu.cuLaunchKernel(f->handle, groups, 1, 1, ASSAY_KERNEL_GROUP_SIZE, 1, 1, 0, in, arguments, NULL);
  CUlaunchAttribute early = {.id = CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
                             .value = {.programmaticStreamSerializationAllowed = 1}};
  CUlaunchConfig config = {groups, 1, 1, ASSAY_KERNEL_GROUP_SIZE, 1, 1, 0, in, &early, 1};
  return assay_cu_newer.cuLaunchKernelEx(&config, f->handle, arguments, NULL);
}

static assay_status launch(void *opened, void *queue, void *kernel, size_t groups, const void *params, size_t params_bytes,
                           const assay_slice *buffers, size_t count, assay_error *err) {
  const state *s = opened;
  (void)params_bytes; /* the function knows */
  if (groups > MAX_GROUPS) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s launches at most %d groups, not %zu", s->name, MAX_GROUPS, groups);
  CUdeviceptr addresses[ASSAY_BACKEND_MAX_BUFFERS];
  void *arguments[1 + ASSAY_BACKEND_MAX_BUFFERS];
  memcpy(arguments, &params, sizeof params); /* the driver only reads it */
  for (size_t i = 0; i < count; i++) {
    addresses[i] = address_of(&buffers[i]);
    arguments[i + 1] = &addresses[i];
  }
  CUresult code = begin_command(s, queue);
  if (code == CUDA_SUCCESS) code = start(kernel, (unsigned)groups, ((stream *)queue)->handle, arguments);
  return code == CUDA_SUCCESS ? ASSAY_OK : fail(s, err, code, "launching a kernel");
}

static assay_status multiply(void *opened, void *queue, const struct assay_gemm_args *args, const assay_slice *a, const assay_slice *b,
                             const assay_slice *c, const assay_slice *room, assay_error *err) {
  const state *s = opened;
  stream *q = queue;
  CUresult code = begin_command(s, q);
  if (code != CUDA_SUCCESS) return fail(s, err, code, "entering the context");
  return assay_cu_gemm_multiply(&q->gemm, s->name, q->handle, args, address_of(a), address_of(b), address_of(c), address_of(room), err);
}

static bool supports(void *opened, const char *operation) {
  (void)opened;
  return (strcmp(operation, "gemm_f32") == 0 || strcmp(operation, "gemm_f64") == 0) && assay_cu_gemm_here();
}

static void health(void *opened, assay_device_health *health) { assay_cu_health(((state *)opened)->pci, health); }

const assay_backend *assay_backend_cuda(void) {
  static const assay_backend backend = {
      .version = ASSAY_BACKEND_VERSION,
      .name = "cuda",
      .of_one_process = true,
      .enumerate = enumerate,
      .open = open_state,
      .close = close_state,
      .memory_alloc = memory_alloc,
      .memory_free = memory_free,
      .memory_info = memory_info,
      .direct_alloc = direct_alloc,
      .direct_free = direct_free,
      .write = write_slice,
      .read = read_slice,
      .copy = copy_slice,
      .fill = fill_slice,
      .queue_create = queue_create,
      .queue_destroy = queue_destroy,
      .queue_sync = queue_sync,
      .event_create = event_create,
      .event_destroy = event_destroy,
      .event_record = event_record,
      .event_wait = event_wait,
      .event_elapsed = event_elapsed,
      .kernel_find = kernel_find,
      .launch = launch,
      .multiply = multiply,
      .multiply_bytes = ASSAY_CU_GEMM_ROOM,
      .supports = supports,
      .health = health,
  };
  return &backend;
}

/* SPDX-License-Identifier: MIT */
/*
 * OpenCL 1.2 as a backend: every device of every platform that the ICD loader knows. What is asked of a device beyond the standard's
 * minimum, so that its bits are everybody's, is in program.c; a device that lacks it is listed and says so when a kernel is asked for.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "device/backend.h"
#include "device/opencl/pocl.h"
#include "device/opencl/program.h"
#include "kernels/kernel.h"

enum {
  RANK_GPU = 20, /* behind CUDA, before the processor's own lanes */
  RANK_NEVER = 0,
  MAX_PLATFORMS = 16,
};

typedef struct built {
  const assay_embedded *file;
  unsigned bits;
  cl_program program;
  struct built *next;
} built;

/* Arguments belong to a kernel object, not to a launch, so that setting them and launching is one step for everybody. */
typedef struct kernel {
  cl_kernel handle;
  pthread_mutex_t lock;
  struct kernel *next;
} kernel;

typedef struct state {
  const struct found *found;
  cl_context context;
  cl_command_queue service; /* for what is asked outside of any queue */
  pthread_mutex_t lock;     /* of the two lists and of `service` */
  built *programs;
  kernel *kernels;
} state;

typedef struct event {
  cl_event mark;
} event;

/* Devices as enumerated; written once. */
typedef struct found {
  cl_platform_id platform;
  cl_device_id device;
  assay_cl_facts facts;
} found;
static found devices[ASSAY_BACKEND_MAX_DEVICES];
static size_t device_count;

/* ---- Which there are --------------------------------------------------------------------------------------------------------- */

static size_t power_of_two(size_t bytes) {
  size_t power = 64;
  while (power < bytes) power *= 2;
  return power;
}

static void describe(const assay_cl_facts *facts, assay_device_info *info) {
  *info = (assay_device_info){0};
  snprintf(info->name, sizeof info->name, "%s", facts->name);
  snprintf(info->driver, sizeof info->driver, "%.40s, %.40s, driver %.30s", facts->platform, facts->version, facts->driver);
  info->kind = facts->gpu ? ASSAY_DEVICE_GPU : facts->cpu ? ASSAY_DEVICE_CPU : ASSAY_DEVICE_OTHER;
  info->flags = facts->same_bits ? ASSAY_DEVICE_F64 : 0;
  info->rank = facts->gpu && facts->same_bits ? RANK_GPU : RANK_NEVER;
  info->compute_units = facts->compute_units;
  info->memory_bytes = facts->memory_bytes;
  info->max_buffer_bytes = facts->largest_bytes;
  info->alignment_bytes = power_of_two(facts->align_bytes);
}

/* Adds a platform's devices; `cause` says why it was not asked. */
static void look_at(cl_platform_id platform, assay_device_info *infos, size_t capacity, char *cause, size_t cause_size) {
  assay_error err = {0};
  if (assay_cl_is_pocl(platform, NULL, 0) && assay_cl_pocl_can_start(&err) != ASSAY_OK) {
    assay_log(ASSAY_LOG_DEBUG, "opencl: %s", err.message);
    snprintf(cause, cause_size, "%s", err.message);
    return;
  }
  cl_device_id ids[ASSAY_BACKEND_MAX_DEVICES];
  cl_uint count = 0;
  cl_device_type all = CL_DEVICE_TYPE_CPU | CL_DEVICE_TYPE_GPU | CL_DEVICE_TYPE_ACCELERATOR;
  if (assay_cl.clGetDeviceIDs(platform, all, ASSAY_BACKEND_MAX_DEVICES, ids, &count) != CL_SUCCESS) return;
  for (cl_uint i = 0; i < count && i < ASSAY_BACKEND_MAX_DEVICES && device_count < capacity; i++) {
    found *row = &devices[device_count];
    row->platform = platform;
    row->device = ids[i];
    if (assay_cl_get_facts(platform, ids[i], NULL, &row->facts) == ASSAY_OK) describe(&row->facts, &infos[device_count++]);
  }
}

/* Which platforms there are can be asked without waking any. PoCL's device is the processor (one that it may have beside that is taken by
 * name, or through the driver of its maker). */
static bool serves_auto(char *what, size_t size) {
  assay_error err = {0};
  cl_platform_id platforms[MAX_PLATFORMS];
  cl_uint count = 0;
  if (assay_cl_load(&err) != ASSAY_OK || assay_cl.clGetPlatformIDs(MAX_PLATFORMS, platforms, &count) != CL_SUCCESS || count == 0)
    return true;
  for (cl_uint i = 0; i < count && i < MAX_PLATFORMS; i++)
    if (!assay_cl_is_pocl(platforms[i], what, size)) return true;
  return false;
}

static size_t enumerate(assay_device_info *infos, size_t capacity, char *cause, size_t cause_size) {
  assay_error err = {0};
  if (assay_cl_load(&err) != ASSAY_OK) {
    snprintf(cause, cause_size, "%s", err.message);
    return 0;
  }
  cl_platform_id platforms[MAX_PLATFORMS];
  cl_uint count = 0;
  cl_int code = assay_cl.clGetPlatformIDs(MAX_PLATFORMS, platforms, &count);
  device_count = 0;
  if (capacity > ASSAY_BACKEND_MAX_DEVICES) capacity = ASSAY_BACKEND_MAX_DEVICES;
  for (cl_uint i = 0; code == CL_SUCCESS && i < count && i < MAX_PLATFORMS; i++) look_at(platforms[i], infos, capacity, cause, cause_size);
  if (code != CL_SUCCESS || count == 0)
    snprintf(cause, cause_size, "the OpenCL loader is there but knows no driver (none in /etc/OpenCL/vendors; clGetPlatformIDs gave %d)",
             (int)code);
  else if (device_count == 0 && cause[0] == '\0')
    snprintf(cause, cause_size, "the OpenCL drivers that are installed (%u) offer no device", (unsigned)count);
  return device_count;
}

/* ---- Opening ------------------------------------------------------------------------------------------------------------------ */

static void close_state(void *opened) {
  state *s = opened;
  while (s->kernels != NULL) {
    kernel *k = s->kernels;
    s->kernels = k->next;
    assay_cl.clReleaseKernel(k->handle);
    pthread_mutex_destroy(&k->lock);
    assay_free(k);
  }
  while (s->programs != NULL) {
    built *b = s->programs;
    s->programs = b->next;
    assay_cl.clReleaseProgram(b->program);
    assay_free(b);
  }
  if (s->service != NULL) assay_cl.clReleaseCommandQueue(s->service);
  if (s->context != NULL) assay_cl.clReleaseContext(s->context);
  pthread_mutex_destroy(&s->lock);
  assay_free(s);
}

static assay_status fail(const state *s, assay_error *err, cl_int code, const char *what) {
  return assay_cl_fail(err, code, s->found->facts.name, what);
}

static assay_status open_state(size_t index, assay_error *err, void **opened) {
  if (index >= device_count)
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "OpenCL has %zu devices here, none of number %zu", device_count, index);
  state *s = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *s);
  if (s == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to open an OpenCL device");
  s->found = &devices[index];
  pthread_mutex_init(&s->lock, NULL);
  const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)s->found->platform, 0};
  cl_int code = CL_SUCCESS;
  const char *what = "creating a context";
  s->context = assay_cl.clCreateContext(properties, 1, &s->found->device, NULL, NULL, &code);
  if (code == CL_SUCCESS) {
    what = "creating a command queue";
    s->service = assay_cl.clCreateCommandQueue(s->context, s->found->device, 0, &code);
  }
  if (code == CL_SUCCESS) {
    *opened = s;
    return ASSAY_OK;
  }
  assay_status status = fail(s, err, code, what);
  close_state(s);
  return status;
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------------- */

/* Drivers may put off taking memory until it is used, and then fail where nobody expects it; so it is used here. Where they take it page
 * by page, as for a processor, it is theirs to keep that promise. */
static assay_status memory_alloc(void *opened, size_t bytes, assay_error *err, void **memory) {
  state *s = opened;
  if (bytes > s->found->facts.largest_bytes)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "%s allows %llu bytes in one piece, %zu were asked for", s->found->facts.name,
                      (unsigned long long)s->found->facts.largest_bytes, bytes);
  cl_int code = CL_SUCCESS;
  cl_mem made = assay_cl.clCreateBuffer(s->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
  if (code == CL_SUCCESS && !s->found->facts.cpu && bytes >= sizeof(cl_uint)) {
    cl_uint zero = 0;
    pthread_mutex_lock(&s->lock);
    code = assay_cl.clEnqueueFillBuffer(s->service, made, &zero, sizeof zero, 0, sizeof zero, 0, NULL, NULL);
    if (code == CL_SUCCESS) code = assay_cl.clFinish(s->service);
    pthread_mutex_unlock(&s->lock);
    if (code == CL_OUT_OF_RESOURCES) code = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    if (code != CL_SUCCESS) assay_cl.clReleaseMemObject(made);
  }
  if (code != CL_SUCCESS) {
    char what[64];
    snprintf(what, sizeof what, "allocating %zu bytes", bytes);
    return fail(s, err, code, what);
  }
  *memory = made;
  return ASSAY_OK;
}

static void memory_free(void *opened, void *memory) {
  (void)opened;
  assay_cl.clReleaseMemObject(memory);
}

static assay_status make_view(void *opened, void *memory, size_t offset, size_t bytes, assay_error *err, void **view) {
  state *s = opened;
  cl_buffer_region region = {offset, bytes};
  cl_int code = CL_SUCCESS;
  cl_mem made = assay_cl.clCreateSubBuffer(memory, CL_MEM_READ_WRITE, CL_BUFFER_CREATE_TYPE_REGION, &region, &code);
  if (code != CL_SUCCESS) return fail(s, err, code, "making a part of a buffer");
  *view = made;
  return ASSAY_OK;
}

/* ---- Commands ----------------------------------------------------------------------------------------------------------------- */

static assay_status write_slice(void *opened, void *queue, const assay_slice *to, const void *from, assay_error *err) {
  cl_int code = assay_cl.clEnqueueWriteBuffer(queue, to->memory, CL_FALSE, to->offset, to->bytes, from, 0, NULL, NULL);
  return code == CL_SUCCESS ? ASSAY_OK : fail(opened, err, code, "writing a buffer");
}

static assay_status read_slice(void *opened, void *queue, const assay_slice *from, void *to, assay_error *err) {
  cl_int code = assay_cl.clEnqueueReadBuffer(queue, from->memory, CL_FALSE, from->offset, from->bytes, to, 0, NULL, NULL);
  return code == CL_SUCCESS ? ASSAY_OK : fail(opened, err, code, "reading a buffer");
}

static assay_status copy_slice(void *opened, void *queue, const assay_slice *to, const assay_slice *from, assay_error *err) {
  cl_int code = assay_cl.clEnqueueCopyBuffer(queue, from->memory, to->memory, from->offset, to->offset, to->bytes, 0, NULL, NULL);
  return code == CL_SUCCESS ? ASSAY_OK : fail(opened, err, code, "copying a buffer");
}

static assay_status fill_slice(void *opened, void *queue, const assay_slice *to, uint32_t value, assay_error *err) {
  cl_int code = assay_cl.clEnqueueFillBuffer(queue, to->memory, &value, sizeof value, to->offset, to->bytes, 0, NULL, NULL);
  return code == CL_SUCCESS ? ASSAY_OK : fail(opened, err, code, "filling a buffer");
}

static assay_status queue_create(void *opened, assay_error *err, void **queue) {
  state *s = opened;
  cl_int code = CL_SUCCESS;
  cl_command_queue made = assay_cl.clCreateCommandQueue(s->context, s->found->device, CL_QUEUE_PROFILING_ENABLE, &code);
  if (code != CL_SUCCESS) return fail(s, err, code, "creating a command queue");
  *queue = made;
  return ASSAY_OK;
}

static void queue_destroy(void *opened, void *queue) {
  (void)opened;
  assay_cl.clReleaseCommandQueue(queue);
}

static assay_status queue_sync(void *opened, void *queue, assay_error *err) {
  cl_int code = assay_cl.clFinish(queue);
  return code == CL_SUCCESS ? ASSAY_OK : fail(opened, err, code, "waiting for the commands of a stream");
}

/* ---- Events ------------------------------------------------------------------------------------------------------------------- */

static assay_status event_create(void *opened, assay_error *err, void **made) {
  (void)opened;
  event *e = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *e);
  if (e == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for an event");
  *made = e;
  return ASSAY_OK;
}

static void event_destroy(void *opened, void *made) {
  (void)opened;
  event *e = made;
  if (e->mark != NULL) assay_cl.clReleaseEvent(e->mark);
  assay_free(e);
}

/* Flushed: another queue may wait for it, and nothing would send it off then. */
static assay_status event_record(void *opened, void *made, void *queue, assay_error *err) {
  event *e = made;
  cl_event mark = NULL;
  cl_int code = assay_cl.clEnqueueMarkerWithWaitList(queue, 0, NULL, &mark);
  if (code == CL_SUCCESS) code = assay_cl.clFlush(queue);
  if (code != CL_SUCCESS) return fail(opened, err, code, "recording an event");
  if (e->mark != NULL) assay_cl.clReleaseEvent(e->mark);
  e->mark = mark;
  return ASSAY_OK;
}

static assay_status event_wait(void *opened, void *queue, void *made, assay_error *err) {
  event *e = made;
  if (e->mark == NULL) return ASSAY_OK;
  cl_int code = assay_cl.clEnqueueBarrierWithWaitList(queue, 1, &e->mark, NULL);
  return code == CL_SUCCESS ? ASSAY_OK : fail(opened, err, code, "waiting for an event");
}

static assay_status event_elapsed(void *opened, void *begin, void *end, assay_error *err, double *ns) {
  cl_event marks[2] = {((event *)begin)->mark, ((event *)end)->mark};
  cl_ulong times[2] = {0, 0};
  cl_int code = assay_cl.clWaitForEvents(2, marks);
  for (int i = 0; i < 2 && code == CL_SUCCESS; i++)
    code = assay_cl.clGetEventProfilingInfo(marks[i], CL_PROFILING_COMMAND_END, sizeof times[i], &times[i], NULL);
  if (code != CL_SUCCESS) return fail(opened, err, code, "timing two events");
  *ns = (double)(int64_t)(times[1] - times[0]);
  return ASSAY_OK;
}

/* ---- Kernels ------------------------------------------------------------------------------------------------------------------- */

static assay_status program_of(state *s, const assay_kernel *row, assay_error *err, cl_program *program) {
  const assay_embedded *file = assay_embedded_find(row->file);
  if (file == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "the source of %s is not in this program", row->name);
  for (built *b = s->programs; b != NULL; b = b->next) {
    if (b->file == file && b->bits == row->bits) {
      *program = b->program;
      return ASSAY_OK;
    }
  }
  built *b = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *b);
  if (b == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for an OpenCL program");
  assay_status status = assay_cl_build(s->context, s->found->device, &s->found->facts, file, row->bits, err, &b->program);
  if (status != ASSAY_OK) {
    assay_free(b);
    return status;
  }
  b->file = file;
  b->bits = row->bits;
  b->next = s->programs;
  s->programs = b;
  *program = b->program;
  return ASSAY_OK;
}

/* A GPU runs a group of 256 items as one work group; one that has fewer registers than that takes cannot. */
static assay_status check_group(const state *s, const assay_kernel *row, cl_kernel handle, assay_error *err) {
  if (s->found->facts.cpu) return ASSAY_OK;
  size_t items = 0;
  cl_int code = assay_cl.clGetKernelWorkGroupInfo(handle, s->found->device, CL_KERNEL_WORK_GROUP_SIZE, sizeof items, &items, NULL);
  if (code == CL_SUCCESS && items >= ASSAY_KERNEL_GROUP_SIZE) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s runs %s in work groups of at most %zu items; it needs %d", s->found->facts.name,
                    row->name, items, ASSAY_KERNEL_GROUP_SIZE);
}

static assay_status make_kernel(state *s, const assay_kernel *row, assay_error *err, kernel **made) {
  cl_program program = NULL;
  assay_status status = program_of(s, row, err, &program);
  if (status != ASSAY_OK) return status;
  char symbol[128];
  snprintf(symbol, sizeof symbol, "assay_kernel_%s", row->name);
  cl_int code = CL_SUCCESS;
  cl_kernel handle = assay_cl.clCreateKernel(program, symbol, &code);
  if (code != CL_SUCCESS) return fail(s, err, code, symbol);
  status = check_group(s, row, handle, err);
  kernel *k = status == ASSAY_OK ? assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *k) : NULL;
  if (status == ASSAY_OK && k == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for an OpenCL kernel");
  if (status != ASSAY_OK) {
    assay_cl.clReleaseKernel(handle);
    return status;
  }
  k->handle = handle;
  pthread_mutex_init(&k->lock, NULL);
  k->next = s->kernels;
  s->kernels = k;
  *made = k;
  return ASSAY_OK;
}

static assay_status kernel_find(void *opened, const char *name, assay_error *err, void **made) {
  state *s = opened;
  const assay_kernel *row = assay_kernel_find(name);
  if (row == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no kernel named %s", name);
  if (!s->found->facts.same_bits)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s (%s) cannot run %s with the bits of other devices: it has not %s",
                      s->found->facts.name, s->found->facts.platform, name, s->found->facts.lacks);
  kernel *k = NULL;
  pthread_mutex_lock(&s->lock);
  assay_status status = make_kernel(s, row, err, &k);
  pthread_mutex_unlock(&s->lock);
  if (status == ASSAY_OK) *made = k;
  return status;
}

static assay_status launch(void *opened, void *queue, void *made, size_t groups, const void *params, size_t params_bytes,
                           const assay_slice *buffers, size_t count, assay_error *err) {
  state *s = opened;
  kernel *k = made;
  /* On a processor one work-item does a group in lanes (dialect_opencl.h). */
  size_t local = s->found->facts.cpu ? 1 : ASSAY_KERNEL_GROUP_SIZE, global = groups * local;
  pthread_mutex_lock(&k->lock);
  cl_int code = assay_cl.clSetKernelArg(k->handle, 0, params_bytes, params);
  for (size_t i = 0; i < count && code == CL_SUCCESS; i++) {
    cl_mem buffer = buffers[i].view != NULL ? buffers[i].view : buffers[i].memory;
    code = assay_cl.clSetKernelArg(k->handle, (cl_uint)i + 1, sizeof buffer, &buffer);
  }
  if (code == CL_SUCCESS) code = assay_cl.clEnqueueNDRangeKernel(queue, k->handle, 1, NULL, &global, &local, 0, NULL, NULL);
  pthread_mutex_unlock(&k->lock);
  return code == CL_SUCCESS ? ASSAY_OK : fail(s, err, code, "launching a kernel");
}

/* ---- Health -------------------------------------------------------------------------------------------------------------------- */

static void health(void *opened, assay_device_health *health) {
  const state *s = opened;
  health->memory_total_bytes = (double)s->found->facts.memory_bytes;
  health->max_clock_hz = 1e6 * s->found->facts.clock_mhz;
  snprintf(health->cause, sizeof health->cause, "OpenCL tells nothing of temperature, power, clocks and free memory");
}

const assay_backend *assay_backend_opencl(void) {
  static const assay_backend backend = {
      .version = ASSAY_BACKEND_VERSION,
      .name = "opencl",
      .of_one_process = true,
      .enumerate = enumerate,
      .serves_auto = serves_auto,
      .open = open_state,
      .close = close_state,
      .memory_alloc = memory_alloc,
      .memory_free = memory_free,
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
      .view = make_view,
      .unview = memory_free,
      .health = health,
  };
  return &backend;
}

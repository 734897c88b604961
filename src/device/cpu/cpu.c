/* SPDX-License-Identifier: MIT */
/* The processor as a device: memory is the host's, commands are done when their call returns, kernels run in vector lanes on threads. */
#include <assay/gemm.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/alloc.h"
#include "base/float.h"
#include "device/backend.h"
#include "device/cpu/copy.h"
#include "device/cpu/health.h"
#include "device/cpu/threads.h"
#include "kernels/kernel.h"
#include "kernels/variant.h"
#include "os/prim.h"

enum { ALIGNMENT = 64, CPUS_MAX = 4096 };

typedef struct cpu {
  assay_threads *threads;
} cpu;

typedef struct cpu_event {
  uint64_t ns;
} cpu_event;

/* ---- what there is ---------------------------------------------------------------------------------------------------------------- */

static void put_name(char *name, size_t size) {
  snprintf(name, size, "processor");
#if defined(__x86_64__)
  unsigned words[13] = {0}, highest = __get_cpuid_max(0x80000000, NULL);
  if (highest < 0x80000004) return;
  for (unsigned i = 0; i < 3; i++) __get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
  const char *text = (const char *)words;
  while (*text == ' ') text++;
  size_t length = strlen(text);
  while (length > 0 && text[length - 1] == ' ') length--;
  if (length > 0) snprintf(name, size, "%.*s", (int)length, text);
#endif
}

static size_t enumerate(assay_device_info *infos, size_t capacity, char *cause, size_t cause_size) {
  (void)cause, (void)cause_size;
  if (capacity == 0) return 0;
  const char *isa = "c";
  size_t kernels = 0;
  unsigned threads = 1;
  const assay_kernel *table = assay_kernel_table(&kernels);
  if (kernels > 0) assay_kernel_function(table, &isa);
  assay_threads_wanted(NULL, &threads);
  uint64_t bytes = assay_cpu_memory_total();
  infos[0] = (assay_device_info){
      .id = "cpu",
      .kind = ASSAY_DEVICE_CPU,
      .flags = ASSAY_DEVICE_F64 | ASSAY_DEVICE_HOST_MEMORY | ASSAY_DEVICE_IN_ORDER,
      .rank = 100,
      .compute_units = (unsigned)assay_os_allowed_cpus(NULL, 0),
      .memory_bytes = bytes,
      .max_buffer_bytes = bytes,
      .alignment_bytes = ALIGNMENT,
  };
  snprintf(infos[0].isa, sizeof infos[0].isa, "%s", isa);
  put_name(infos[0].name, sizeof infos[0].name);
  snprintf(infos[0].driver, sizeof infos[0].driver, "%s lanes, %u thread%s", isa, threads, threads == 1 ? "" : "s");
  return 1;
}

static assay_status open_cpu(size_t index, assay_error *err, void **state) {
  (void)index;
  unsigned wanted = 1, cpus[CPUS_MAX];
  assay_status status = assay_threads_wanted(err, &wanted);
  if (status == ASSAY_OK) status = assay_kernel_variant_check(err);
  if (status != ASSAY_OK) return status;
  cpu *device = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *device);
  size_t chosen = assay_cpu_choose(wanted, cpus, CPUS_MAX);
  if (device != NULL) device->threads = assay_threads_create(wanted, cpus, chosen);
  if (device == NULL || device->threads == NULL) {
    assay_free(device);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the threads of the cpu device");
  }
  *state = device;
  return ASSAY_OK;
}

static void close_cpu(void *state) {
  cpu *device = state;
  assay_threads_destroy(device->threads);
  assay_free(device);
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------------- */

/* The address of the block stands in front of what is handed out. */
static assay_status memory_alloc(void *state, size_t bytes, assay_error *err, void **memory) {
  (void)state;
  char *block = bytes < SIZE_MAX / 2 ? assay_alloc(ASSAY_TAG_DEVICE, bytes + ALIGNMENT + sizeof(void *)) : NULL;
  if (block == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "the system has no %zu bytes", bytes);
  char *aligned = (char *)(((uintptr_t)block + sizeof(void *) + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
  memcpy(aligned - sizeof(void *), &block, sizeof block);
  assay_cpu_ask_for_huge_pages(aligned, bytes);
  *memory = aligned;
  return ASSAY_OK;
}

static void memory_free(void *state, void *memory) {
  (void)state;
  char *block;
  memcpy(&block, (char *)memory - sizeof(void *), sizeof block);
  assay_free(block);
}

static assay_status memory_info(void *state, assay_error *err, uint64_t *free_bytes, uint64_t *total_bytes) {
  (void)state;
  return assay_cpu_memory(err, free_bytes, total_bytes);
}

static void *host(void *state, void *memory) {
  (void)state;
  return memory;
}

static assay_status wrap(void *state, void *array, size_t bytes, assay_error *err, void **memory) {
  (void)state, (void)bytes, (void)err;
  *memory = array;
  return ASSAY_OK;
}

static void unwrap(void *state, void *memory) { (void)state, (void)memory; }

static void *address(const assay_slice *slice) { return (char *)slice->memory + slice->offset; }

/* ---- commands ----------------------------------------------------------------------------------------------------------------------- */

static assay_status write_bytes(void *state, void *queue, const assay_slice *to, const void *from, assay_error *err) {
  (void)queue, (void)err;
  assay_cpu_copy(((const cpu *)state)->threads, address(to), from, to->bytes);
  return ASSAY_OK;
}

static assay_status read_bytes(void *state, void *queue, const assay_slice *from, void *to, assay_error *err) {
  (void)queue, (void)err;
  assay_cpu_copy(((const cpu *)state)->threads, to, address(from), from->bytes);
  return ASSAY_OK;
}

static assay_status copy(void *state, void *queue, const assay_slice *to, const assay_slice *from, assay_error *err) {
  (void)queue, (void)err;
  assay_cpu_copy(((const cpu *)state)->threads, address(to), address(from), to->bytes);
  return ASSAY_OK;
}

static assay_status fill(void *state, void *queue, const assay_slice *to, uint32_t value, assay_error *err) {
  (void)state, (void)queue, (void)err;
  uint32_t *words = address(to);
  for (size_t i = 0; i < to->bytes / sizeof *words; i++) words[i] = value;
  return ASSAY_OK;
}

/* Commands are done when they return, so a queue is nothing but an address. */
static assay_status queue_create(void *state, assay_error *err, void **queue) {
  (void)err;
  *queue = state;
  return ASSAY_OK;
}

static void queue_destroy(void *state, void *queue) { (void)state, (void)queue; }

static assay_status queue_sync(void *state, void *queue, assay_error *err) {
  (void)state, (void)queue, (void)err;
  return ASSAY_OK;
}

static assay_status event_create(void *state, assay_error *err, void **event) {
  (void)state;
  *event = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof(cpu_event));
  return *event != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for an event");
}

static void event_destroy(void *state, void *event) {
  (void)state;
  assay_free(event);
}

static assay_status event_record(void *state, void *event, void *queue, assay_error *err) {
  (void)state, (void)queue, (void)err;
  ((cpu_event *)event)->ns = assay_os_now_ns();
  return ASSAY_OK;
}

static assay_status event_wait(void *state, void *queue, void *event, assay_error *err) {
  (void)state, (void)queue, (void)event, (void)err;
  return ASSAY_OK;
}

static assay_status event_elapsed(void *state, void *begin, void *end, assay_error *err, double *ns) {
  (void)state, (void)err;
  *ns = (double)(int64_t)(((const cpu_event *)end)->ns - ((const cpu_event *)begin)->ns);
  return ASSAY_OK;
}

/* ---- kernels ------------------------------------------------------------------------------------------------------------------------ */

static assay_status kernel_find(void *state, const char *name, assay_error *err, void **kernel) {
  (void)state;
  const assay_kernel *found = assay_kernel_find(name);
  if (found == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no kernel '%s'", name);
  *kernel = (void *)(uintptr_t)found; /* never written */
  return ASSAY_OK;
}

typedef struct launch_job {
  assay_kernel_fn function;
  const void *params;
  void *buffers[ASSAY_BACKEND_MAX_BUFFERS];
} launch_job;

static void run_groups(void *context, size_t begin, size_t end) {
  const launch_job *job = context;
  uint64_t environment = assay_float_enter();
  job->function(job->params, job->buffers, begin, end);
  assay_float_leave(environment);
}

static assay_status launch(void *state, void *queue, void *kernel, size_t groups, const void *params, size_t params_bytes,
                           const assay_slice *buffers, size_t count, assay_error *err) {
  (void)queue, (void)params_bytes, (void)err;
  cpu *device = state;
  launch_job job = {.function = assay_kernel_function(kernel, NULL), .params = params};
  for (size_t i = 0; i < count; i++) job.buffers[i] = address(&buffers[i]);
  assay_threads_run(device->threads, groups, run_groups, &job);
  return ASSAY_OK;
}

/* The library has threads of its own. */
static assay_status multiply(void *state, void *queue, const assay_gemm_args *args, const assay_slice *a, const assay_slice *b,
                             const assay_slice *c, const assay_slice *room, assay_error *err) {
  (void)room, (void)state, (void)queue;
  assay_gemm_args here = *args;
  here.a = address(a);
  here.b = address(b);
  here.c = address(c);
  return assay_gemm(&here, ASSAY_GEMM_AUTO, err);
}

static bool supports(void *state, const char *operation) {
  (void)state;
  return strcmp(operation, "gemm_f32") == 0 || strcmp(operation, "gemm_f64") == 0;
}

static void health(void *state, assay_device_health *health) {
  (void)state;
  assay_cpu_health(health);
}

const assay_backend *assay_backend_cpu(void) {
  static const assay_backend backend = {
      .version = ASSAY_BACKEND_VERSION,
      .name = "cpu",
      .enumerate = enumerate,
      .open = open_cpu,
      .close = close_cpu,
      .memory_alloc = memory_alloc,
      .memory_free = memory_free,
      .write = write_bytes,
      .read = read_bytes,
      .copy = copy,
      .fill = fill,
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
      .memory_info = memory_info,
      .host = host,
      .wrap = wrap,
      .unwrap = unwrap,
      .multiply = multiply,
      .supports = supports,
      .health = health,
  };
  return &backend;
}

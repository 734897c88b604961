/* SPDX-License-Identifier: MIT */
#include "device/dummy/dummy.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "device/backend.h"
#include "kernels/kernel.h"

/* Garbage: neither zero nor a small number in any precision. */
enum { GARBAGE = 0xcb, ALIGNMENT = 256 };
/* Every command takes this long on the device's own clock. */
static const double command_ns = 1000;

typedef struct dummy_memory {
  size_t bytes;
  char *data;
} dummy_memory;

typedef struct dummy_view {
  const dummy_memory *memory;
  size_t offset;
} dummy_view;

typedef struct dummy_event {
  unsigned references;    /* the caller's, and commands that record it */
  uint64_t queue, serial; /* where it was recorded last */
  double ns;
} dummy_event;

typedef enum command_kind { WRITE, READ, COPY, FILL, LAUNCH, RECORD, WAIT } command_kind;

typedef struct command {
  struct command *next;
  uint64_t serial;
  command_kind kind;
  assay_slice to, from;
  const void *source;
  void *target;
  uint32_t value;
  const assay_kernel *kernel;
  size_t groups;
  assay_slice buffers[ASSAY_BACKEND_MAX_BUFFERS];
  size_t count;
  dummy_event *event;
  uint64_t wait_queue, wait_serial;
  _Alignas(16) char params[];
} command;

typedef struct dummy_queue {
  struct dummy_queue *next;
  uint64_t id, enqueued, done; /* serials */
  command *first, **last;
} dummy_queue;

typedef struct dummy {
  pthread_mutex_t lock;
  assay_dummy_options options;
  uint64_t used, allocations, launches, syncs, queue_ids;
  double clock_ns;
  dummy_queue *queues;
  bool lost;
} dummy;

/* ---- what there is ------------------------------------------------------------------------------------------------------------------- */

static size_t enumerate(assay_device_info *infos, size_t capacity, char *cause, size_t cause_size) {
  assay_dummy_options options;
  assay_error err = {0};
  if (assay_dummy_parse(getenv("ASSAY_DUMMY"), &err, &options) != ASSAY_OK || options.absent != 0 || capacity == 0) {
    snprintf(cause, cause_size, "%.200s", err.status != ASSAY_OK ? err.message : "ASSAY_DUMMY says that it is absent");
    return 0;
  }
  infos[0] = (assay_device_info){
      .id = "dummy",
      .name = "a device for tests",
      .driver = "scalar reference kernels, run when waited for",
      .isa = "c",
      .kind = ASSAY_DEVICE_OTHER,
      .flags = ASSAY_DEVICE_F64 | ASSAY_DEVICE_DUMMY,
      .rank = (unsigned)options.rank,
      .compute_units = 1,
      .memory_bytes = options.memory,
      .max_buffer_bytes = options.memory,
      .alignment_bytes = ALIGNMENT,
  };
  return 1;
}

static assay_status open_dummy(size_t index, assay_error *err, void **state) {
  (void)index;
  assay_dummy_options options;
  assay_status status = assay_dummy_parse(getenv("ASSAY_DUMMY"), err, &options);
  if (status != ASSAY_OK) return status;
  if (options.open == 0) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "ASSAY_DUMMY says that it does not open");
  dummy *device = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *device);
  if (device == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the dummy device");
  device->options = options;
  pthread_mutex_init(&device->lock, NULL);
  *state = device;
  return ASSAY_OK;
}

static void close_dummy(void *state) {
  dummy *device = state;
  pthread_mutex_destroy(&device->lock);
  assay_free(device);
}

static assay_status lost(dummy *device, const char *when, assay_error *err) {
  device->lost = true;
  return ASSAY_FAIL(err, ASSAY_ERR_LOST, "ASSAY_DUMMY says that it is lost at %s", when);
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------------ */

static assay_status take_memory(dummy *device, size_t bytes, assay_error *err, dummy_memory **memory) {
  const assay_dummy_options *options = &device->options;
  if (options->alloc != 0 && ++device->allocations >= options->alloc)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "ASSAY_DUMMY says that allocation %llu fails", (unsigned long long)device->allocations);
  if (bytes > options->memory - device->used)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "the device has %llu bytes left", (unsigned long long)(options->memory - device->used));
  dummy_memory *made = assay_alloc(ASSAY_TAG_DEVICE, sizeof *made);
  char *data = assay_alloc(ASSAY_TAG_DEVICE, bytes);
  if (made == NULL || data == NULL) {
    assay_free(made), assay_free(data);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "the host has no %zu bytes for the dummy device", bytes);
  }
  memset(data, GARBAGE, bytes);
  *made = (dummy_memory){.bytes = bytes, .data = data};
  device->used += bytes;
  *memory = made;
  return ASSAY_OK;
}

static assay_status memory_alloc(void *state, size_t bytes, assay_error *err, void **memory) {
  dummy *device = state;
  pthread_mutex_lock(&device->lock);
  assay_status status = take_memory(device, bytes, err, (dummy_memory **)memory);
  pthread_mutex_unlock(&device->lock);
  return status;
}

static assay_status memory_info(void *state, assay_error *err, uint64_t *free_bytes, uint64_t *total_bytes) {
  (void)err;
  dummy *device = state;
  pthread_mutex_lock(&device->lock);
  *total_bytes = device->options.memory;
  *free_bytes = device->options.memory - device->used;
  pthread_mutex_unlock(&device->lock);
  return ASSAY_OK;
}

static assay_status view(void *state, void *memory, size_t offset, size_t bytes, assay_error *err, void **out) {
  (void)state, (void)bytes;
  dummy_view *made = assay_alloc(ASSAY_TAG_DEVICE, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a view");
  *made = (dummy_view){.memory = memory, .offset = offset};
  *out = made;
  return ASSAY_OK;
}

/* NULL when the slice is not what the pool cut: our own bug, which shows as an internal error. */
static char *address(const assay_slice *slice) {
  const dummy_memory *memory = slice->memory;
  const dummy_view *of = slice->view;
  if (of == NULL || of->memory != memory || of->offset > slice->offset || slice->offset + slice->bytes > memory->bytes) return NULL;
  return memory->data + slice->offset;
}

/* ---- running what was enqueued ------------------------------------------------------------------------------------------------------- */

static void drop_event(dummy_event *event) {
  if (--event->references == 0) assay_free(event);
}

static bool run_until(dummy *device, dummy_queue *queue, uint64_t serial);

static dummy_queue *find_queue(const dummy *device, uint64_t id) {
  dummy_queue *queue = device->queues;
  while (queue != NULL && queue->id != id) queue = queue->next;
  return queue;
}

static bool run_kernel(const command *todo) {
  void *buffers[ASSAY_BACKEND_MAX_BUFFERS] = {0};
  for (size_t i = 0; i < todo->count; i++) {
    if ((buffers[i] = address(&todo->buffers[i])) == NULL) return false;
  }
  todo->kernel->variants[ASSAY_KERNEL_VARIANT_c](todo->params, buffers, 0, todo->groups);
  return true;
}

static bool run(dummy *device, const command *todo) {
  char *to = todo->to.memory != NULL ? address(&todo->to) : NULL, *from = todo->from.memory != NULL ? address(&todo->from) : NULL;
  device->clock_ns += command_ns;
  switch (todo->kind) {
    case WRITE:
      if (to != NULL) memcpy(to, todo->source, todo->to.bytes);
      return to != NULL;
    case READ:
      if (from != NULL) memcpy(todo->target, from, todo->from.bytes);
      return from != NULL;
    case COPY:
      if (to != NULL && from != NULL) memcpy(to, from, todo->to.bytes);
      return to != NULL && from != NULL;
    case FILL:
      for (size_t i = 0; to != NULL && i < todo->to.bytes; i += sizeof todo->value) memcpy(to + i, &todo->value, sizeof todo->value);
      return to != NULL;
    case LAUNCH: return run_kernel(todo);
    case RECORD:
      todo->event->ns = device->clock_ns;
      drop_event(todo->event);
      return true;
    case WAIT: break;
  }
  dummy_queue *other = find_queue(device, todo->wait_queue);
  return other == NULL || run_until(device, other, todo->wait_serial);
}

static bool run_until(dummy *device, dummy_queue *queue, uint64_t serial) {
  bool fine = true;
  while (queue->first != NULL && queue->first->serial <= serial) {
    command *todo = queue->first;
    queue->first = todo->next;
    if (queue->first == NULL) queue->last = &queue->first;
    fine = run(device, todo) && fine;
    queue->done = todo->serial;
    assay_free(todo);
  }
  return fine;
}

/* Commands that were enqueued earlier may still use what is given back, as on any device. */
static void run_all(dummy *device) {
  if (device->lost) return;
  for (dummy_queue *queue = device->queues; queue != NULL; queue = queue->next) run_until(device, queue, queue->enqueued);
}

static void memory_free(void *state, void *memory) {
  dummy *device = state;
  dummy_memory *gone = memory;
  pthread_mutex_lock(&device->lock);
  run_all(device);
  device->used -= gone->bytes;
  pthread_mutex_unlock(&device->lock);
  assay_free(gone->data);
  assay_free(gone);
}

static void unview(void *state, void *gone) {
  dummy *device = state;
  pthread_mutex_lock(&device->lock);
  run_all(device);
  pthread_mutex_unlock(&device->lock);
  assay_free(gone);
}

static command *enqueue(dummy_queue *queue, command_kind kind, size_t params_bytes) {
  command *todo = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *todo + params_bytes);
  if (todo == NULL) return NULL;
  todo->kind = kind;
  todo->serial = ++queue->enqueued;
  *queue->last = todo, queue->last = &todo->next;
  return todo;
}

/* ---- commands ----------------------------------------------------------------------------------------------------------------------- */

static assay_status no_memory(assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "the host has no memory for a command of the dummy device");
}

static assay_status put(void *state, void *queue, const command *what, assay_error *err) {
  dummy *device = state;
  pthread_mutex_lock(&device->lock);
  command *todo = enqueue(queue, what->kind, 0);
  if (todo != NULL) {
    todo->to = what->to, todo->from = what->from;
    todo->source = what->source, todo->target = what->target, todo->value = what->value;
  }
  pthread_mutex_unlock(&device->lock);
  return todo != NULL ? ASSAY_OK : no_memory(err);
}

static assay_status write_bytes(void *state, void *queue, const assay_slice *to, const void *from, assay_error *err) {
  return put(state, queue, &(command){.kind = WRITE, .to = *to, .source = from}, err);
}

static assay_status read_bytes(void *state, void *queue, const assay_slice *from, void *to, assay_error *err) {
  return put(state, queue, &(command){.kind = READ, .from = *from, .target = to}, err);
}

static assay_status copy(void *state, void *queue, const assay_slice *to, const assay_slice *from, assay_error *err) {
  return put(state, queue, &(command){.kind = COPY, .to = *to, .from = *from}, err);
}

static assay_status fill(void *state, void *queue, const assay_slice *to, uint32_t value, assay_error *err) {
  return put(state, queue, &(command){.kind = FILL, .to = *to, .value = value}, err);
}

static assay_status kernel_find(void *state, const char *name, assay_error *err, void **kernel) {
  (void)state;
  const assay_kernel *found = assay_kernel_find(name);
  if (found == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no kernel '%s'", name);
  *kernel = (void *)(uintptr_t)found; /* never written */
  return ASSAY_OK;
}

static assay_status launch_locked(dummy *device, dummy_queue *queue, const assay_kernel *kernel, size_t groups, const void *params,
                                  size_t params_bytes, const assay_slice *buffers, size_t count, assay_error *err) {
  uint64_t number = ++device->launches;
  if (number == device->options.launch) return lost(device, "a launch", err);
  if (number == device->options.launch_memory)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "ASSAY_DUMMY says that a launch runs out of memory");
  command *todo = enqueue(queue, LAUNCH, params_bytes);
  if (todo == NULL) return no_memory(err);
  todo->kernel = kernel, todo->groups = groups, todo->count = count;
  if (params_bytes > 0) memcpy(todo->params, params, params_bytes);
  for (size_t i = 0; i < count; i++) todo->buffers[i] = buffers[i];
  return ASSAY_OK;
}

static assay_status launch(void *state, void *queue, void *kernel, size_t groups, const void *params, size_t params_bytes,
                           const assay_slice *buffers, size_t count, assay_error *err) {
  dummy *device = state;
  pthread_mutex_lock(&device->lock);
  assay_status status = launch_locked(device, queue, kernel, groups, params, params_bytes, buffers, count, err);
  pthread_mutex_unlock(&device->lock);
  return status;
}

/* ---- queues and events --------------------------------------------------------------------------------------------------------------- */

static assay_status queue_create(void *state, assay_error *err, void **out) {
  dummy *device = state;
  dummy_queue *queue = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *queue);
  if (queue == NULL) return no_memory(err);
  queue->last = &queue->first;
  pthread_mutex_lock(&device->lock);
  queue->id = ++device->queue_ids;
  queue->next = device->queues, device->queues = queue;
  pthread_mutex_unlock(&device->lock);
  *out = queue;
  return ASSAY_OK;
}

/* What is left of a lost device never runs. */
static void queue_destroy(void *state, void *gone) {
  dummy *device = state;
  dummy_queue *queue = gone;
  pthread_mutex_lock(&device->lock);
  dummy_queue **at = &device->queues;
  while (*at != queue) at = &(*at)->next;
  *at = queue->next;
  for (command *todo = queue->first, *next; todo != NULL; todo = next) {
    next = todo->next;
    if (todo->kind == RECORD) drop_event(todo->event);
    assay_free(todo);
  }
  pthread_mutex_unlock(&device->lock);
  assay_free(queue);
}

static assay_status sync_locked(dummy *device, dummy_queue *queue, assay_error *err) {
  if (device->lost) return lost(device, "what came before", err);
  if (++device->syncs == device->options.sync) return lost(device, "a wait", err);
  return run_until(device, queue, queue->enqueued)
             ? ASSAY_OK
             : ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "a command was given a slice that the pool did not cut");
}

static assay_status queue_sync(void *state, void *queue, assay_error *err) {
  dummy *device = state;
  pthread_mutex_lock(&device->lock);
  assay_status status = sync_locked(device, queue, err);
  pthread_mutex_unlock(&device->lock);
  return status;
}

static assay_status event_create(void *state, assay_error *err, void **out) {
  (void)state;
  dummy_event *event = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *event);
  if (event == NULL) return no_memory(err);
  event->references = 1;
  *out = event;
  return ASSAY_OK;
}

static void event_destroy(void *state, void *event) {
  dummy *device = state;
  pthread_mutex_lock(&device->lock);
  drop_event(event);
  pthread_mutex_unlock(&device->lock);
}

static assay_status event_record(void *state, void *mark, void *where, assay_error *err) {
  dummy *device = state;
  dummy_queue *queue = where;
  dummy_event *event = mark;
  pthread_mutex_lock(&device->lock);
  command *todo = enqueue(queue, RECORD, 0);
  if (todo != NULL) {
    todo->event = event;
    event->references++;
    event->queue = queue->id, event->serial = todo->serial;
  }
  pthread_mutex_unlock(&device->lock);
  return todo != NULL ? ASSAY_OK : no_memory(err);
}

static assay_status event_wait(void *state, void *queue, void *mark, assay_error *err) {
  dummy *device = state;
  const dummy_event *event = mark;
  pthread_mutex_lock(&device->lock);
  command *todo = enqueue(queue, WAIT, 0);
  if (todo != NULL) todo->wait_queue = event->queue, todo->wait_serial = event->serial;
  pthread_mutex_unlock(&device->lock);
  return todo != NULL ? ASSAY_OK : no_memory(err);
}

static bool reach(dummy *device, const dummy_event *event) {
  dummy_queue *queue = find_queue(device, event->queue);
  return queue == NULL || run_until(device, queue, event->serial);
}

static assay_status event_elapsed(void *state, void *begin, void *end, assay_error *err, double *ns) {
  dummy *device = state;
  const dummy_event *from = begin, *to = end;
  pthread_mutex_lock(&device->lock);
  bool fine = reach(device, from);
  fine = reach(device, to) && fine;
  if (fine) *ns = to->ns - from->ns;
  pthread_mutex_unlock(&device->lock);
  return fine ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "a command was given a slice that the pool did not cut");
}

const assay_backend *assay_backend_dummy(void) {
  static const assay_backend backend = {
      .version = ASSAY_BACKEND_VERSION,
      .name = "dummy",
      .enumerate = enumerate,
      .open = open_dummy,
      .close = close_dummy,
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
      .view = view,
      .unview = unview,
  };
  return &backend;
}

/* SPDX-License-Identifier: MIT */
/* An open device of the process: its pool, kernels by name, and whether it still answers. */
#include "device/core.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "kernels/kernel.h"

/* ---- one stream waits for others (asked for by the pool) ---------------------------------------------------------------------------- */

static assay_status wait_for_stream(assay_core *core, const assay_stream *from, const assay_stream *to, assay_error *err) {
  const assay_backend *backend = core->backend;
  void *event = NULL;
  assay_status status = backend->event_create(core->state, err, &event);
  if (status != ASSAY_OK) return status;
  status = backend->event_record(core->state, event, from->queue, err);
  if (status == ASSAY_OK) status = backend->event_wait(core->state, to->queue, event, err);
  backend->event_destroy(core->state, event);
  return status;
}

/* A stream that is gone was synced: nothing of it is under way. */
static assay_status order(void *user, uint64_t from, unsigned to, assay_error *err) {
  assay_core *core = user;
  assay_status status = ASSAY_OK;
  pthread_mutex_lock(&core->lock);
  for (; from != 0 && status == ASSAY_OK; from &= from - 1) {
    const assay_stream *other = core->streams[__builtin_ctzll(from)];
    if (other != NULL) status = wait_for_stream(core, other, core->streams[to], err);
  }
  pthread_mutex_unlock(&core->lock);
  return status;
}

/* ---- life ---------------------------------------------------------------------------------------------------------------------------- */

static assay_status make_pool(assay_core *core, assay_error *err) {
  bool host = (core->info.flags & ASSAY_DEVICE_HOST_MEMORY) != 0;
  double fraction = 0;
  assay_status status = assay_settings_memory_fraction(host ? 0.8 : 0.9, err, &fraction);
  if (status != ASSAY_OK) return status;
  const assay_pool_source source = {
      .backend = core->backend,
      .state = core->state,
      .name = core->info.id,
      .alignment = core->info.alignment_bytes,
      .max_buffer_bytes = core->info.max_buffer_bytes,
      .limit_bytes = (uint64_t)(fraction * (double)core->info.memory_bytes),
      .in_order = core->in_order,
      .order = order,
      .user = core,
  };
  return assay_pool_create(&source, err, &core->pool);
}

static assay_status check_info(const assay_backend *backend, const assay_device_info *info, assay_error *err) {
  size_t alignment = info->alignment_bytes;
  if (alignment == 0 || (alignment & (alignment - 1)) != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: the backend '%s' gives an alignment of %zu, which is no power of two", info->id,
                      backend->name, alignment);
  if (info->max_buffer_bytes == 0 || info->memory_bytes == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: the backend '%s' gives no memory", info->id, backend->name);
  return ASSAY_OK;
}

assay_status assay_core_open(const assay_backend *backend, size_t index, const assay_device_info *info, assay_error *err,
                             assay_core **out) {
  bool debug = false;
  assay_status status = check_info(backend, info, err);
  if (status == ASSAY_OK) status = assay_settings_debug(err, &debug);
  if (status != ASSAY_OK) return status;
  assay_core *core = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *core);
  if (core == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of host memory for the device %s", info->id);
  core->backend = backend;
  core->info = *info;
  core->in_order = (info->flags & ASSAY_DEVICE_IN_ORDER) != 0;
  core->debug = debug;
  core->activity_device = assay_ring_device(info->id);
  core->generation = assay_core_generation();
  pthread_mutex_init(&core->lock, NULL);
  pthread_mutex_init(&core->kernel_lock, NULL);
  pthread_cond_init(&core->stream_left, NULL);
  status = backend->open(index, err, &core->state);
  if (status == ASSAY_OK && (status = make_pool(core, err)) != ASSAY_OK) backend->close(core->state);
  if (status != ASSAY_OK) {
    pthread_cond_destroy(&core->stream_left);
    pthread_mutex_destroy(&core->kernel_lock);
    pthread_mutex_destroy(&core->lock);
    assay_free(core);
    return status;
  }
  *out = core;
  return ASSAY_OK;
}

void assay_core_close(assay_core *core) {
  if (!assay_core_is_ours(core)) return;
  for (size_t i = 0; i < core->idle_count; i++) core->backend->queue_destroy(core->state, core->idle_queues[i]);
  assay_pool_destroy(core->pool);
  core->backend->close(core->state);
  pthread_cond_destroy(&core->stream_left);
  pthread_mutex_destroy(&core->kernel_lock);
  pthread_mutex_destroy(&core->lock);
  assay_free(core);
}

/* ---- fork ---------------------------------------------------------------------------------------------------------------------------- */

static atomic_uint generation;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void count_fork(void) { atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed); }
static void watch_forks(void) { pthread_atfork(NULL, NULL, count_fork); }

unsigned assay_core_generation(void) {
  pthread_once(&watch_once, watch_forks);
  return atomic_load_explicit(&generation, memory_order_relaxed);
}

bool assay_core_is_ours(const assay_core *core) { return !core->backend->of_one_process || core->generation == assay_core_generation(); }

/* ---- losses -------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_core_usable(assay_core *core, assay_error *err) {
  if (!assay_core_is_ours(core))
    return ASSAY_FAIL(err, ASSAY_ERR_LOST,
                      "%s was opened before this process was forked, and drivers do not survive that: open devices "
                      "in the child alone, or call exec",
                      core->info.id);
  if (!atomic_load_explicit(&core->lost, memory_order_acquire)) return ASSAY_OK;
  pthread_mutex_lock(&core->lock);
  ASSAY_FAIL(err, ASSAY_ERR_LOST, "%s was lost: %s", core->info.id, core->lost_cause);
  pthread_mutex_unlock(&core->lock);
  return ASSAY_ERR_LOST;
}

assay_status assay_core_note(assay_core *core, assay_status status, const assay_error *cause) {
  if (status != ASSAY_ERR_LOST || atomic_load_explicit(&core->lost, memory_order_acquire)) return status;
  pthread_mutex_lock(&core->lock);
  const char *text = cause != NULL && cause->message[0] != '\0' ? cause->message : "it does not answer any more";
  snprintf(core->lost_cause, sizeof core->lost_cause, "%.*s", (int)sizeof core->lost_cause - 1, text);
  pthread_mutex_unlock(&core->lock);
  atomic_store_explicit(&core->lost, true, memory_order_release);
  assay_log(ASSAY_LOG_WARNING, "%s is lost: %s", core->info.id, text);
  return status;
}

/* ---- kernels ------------------------------------------------------------------------------------------------------------------------- */

static assay_status make_ready(assay_core *core, const char *name, assay_core_kernel *slot, assay_error *err) {
  const assay_kernel *info = assay_kernel_find(name);
  const char *kept = info != NULL ? info->name : assay_ring_label(name);
  void *kernel = NULL;
  if (kept == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the kernel '%s'", name);
  if (core->kernel_count == ASSAY_CORE_KERNELS / 2)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s has %d kernels already", core->info.id, ASSAY_CORE_KERNELS / 2);
  assay_status status = core->backend->kernel_find(core->state, kept, err, &kernel);
  if (status != ASSAY_OK) return status;
  *slot = (assay_core_kernel){.name = kept, .info = info, .kernel = kernel};
  core->kernel_count++;
  return ASSAY_OK;
}

assay_status assay_core_kernel_get(assay_core *core, const char *name, assay_error *err, const assay_core_kernel **kernel) {
  size_t at = (size_t)assay_hash(ASSAY_HASH_START, name, strlen(name)) % ASSAY_CORE_KERNELS;
  assay_status status = ASSAY_OK;
  pthread_mutex_lock(&core->kernel_lock);
  while (core->kernels[at].name != NULL && strcmp(core->kernels[at].name, name) != 0) at = (at + 1) % ASSAY_CORE_KERNELS;
  if (core->kernels[at].name == NULL) status = make_ready(core, name, &core->kernels[at], err);
  pthread_mutex_unlock(&core->kernel_lock);
  if (status == ASSAY_OK) *kernel = &core->kernels[at]; /* never moves, never changes */
  return status;
}

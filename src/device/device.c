/* SPDX-License-Identifier: MIT */
/* What a device says about itself. */
#include <assay/device.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "device/core.h"
#include "kernels/kernel.h"

const assay_device_info *assay_device_get_info(const assay_device *device) { return device != NULL ? &device->core->info : NULL; }
const char *assay_device_reason(const assay_device *device) { return device->reason; }
bool assay_device_is_exact(const assay_device *device) { return device != NULL && device->exact; }

bool assay_device_supports(const assay_device *device, const char *operation) {
  if (device == NULL || operation == NULL) return false;
  assay_core *core = device->core;
  if (atomic_load_explicit(&core->lost, memory_order_acquire)) return false;
  if (core->backend->supports != NULL && core->backend->supports(core->state, operation)) return true;
  const assay_core_kernel *kernel = NULL;
  return assay_core_kernel_get(core, operation, NULL, &kernel) == ASSAY_OK;
}

void assay_device_memory(const assay_device *device, assay_memory_stats *stats) {
  if (device == NULL)
    *stats = (assay_memory_stats){0};
  else
    assay_pool_stats(device->core->pool, stats);
}

size_t assay_device_memory_classes(const assay_device *device, assay_memory_row *rows, size_t capacity) {
  return device != NULL ? assay_pool_classes(device->core->pool, rows, capacity) : 0;
}

size_t assay_device_memory_labels(const assay_device *device, assay_memory_row *rows, size_t capacity) {
  return device != NULL ? assay_pool_labels(device->core->pool, rows, capacity) : 0;
}

uint64_t assay_device_trim(assay_device *device, uint64_t keep_bytes) {
  return device != NULL ? assay_pool_trim(device->core->pool, keep_bytes) : 0;
}

void assay_device_set_memory_limit(assay_device *device, uint64_t bytes) {
  if (device != NULL) assay_pool_set_limit(device->core->pool, bytes);
}

typedef struct mover {
  assay_core *core;
  void *queue;
} mover;

static bool move(void *user, const assay_slice *to, const assay_slice *from) {
  const mover *with = user;
  const assay_backend *backend = with->core->backend;
  return backend->copy(with->core->state, with->queue, to, from, NULL) == ASSAY_OK &&
         backend->queue_sync(with->core->state, with->queue, NULL) == ASSAY_OK;
}

/* All that was enqueued is done; false when the device fails meanwhile. */
static bool drain(assay_core *core) {
  bool done = true;
  pthread_mutex_lock(&core->lock);
  for (size_t i = 0; i < ASSAY_POOL_STREAMS && done; i++) {
    if (core->streams[i] != NULL) done = core->backend->queue_sync(core->state, core->streams[i]->queue, NULL) == ASSAY_OK;
  }
  pthread_mutex_unlock(&core->lock);
  return done;
}

uint64_t assay_device_defragment(assay_device *device) {
  if (device == NULL) return 0;
  assay_core *core = device->core;
  mover with = {.core = core};
  if (assay_core_usable(core, NULL) != ASSAY_OK || !drain(core) || core->backend->queue_create(core->state, NULL, &with.queue) != ASSAY_OK)
    return 0;
  uint64_t returned = assay_pool_defragment(core->pool, move, &with);
  core->backend->queue_destroy(core->state, with.queue);
  return returned;
}

const char *assay_memory_pressure_text(assay_memory_pressure pressure) {
  static const char *const texts[] = {"none", "moderate", "high", "critical"};
  return (unsigned)pressure < sizeof texts / sizeof *texts ? texts[pressure] : "unknown";
}

void assay_device_get_health(const assay_device *device, assay_device_health *health) {
  *health = (assay_device_health){NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, "", ""};
  if (device == NULL) {
    snprintf(health->cause, sizeof health->cause, "there is no device (NULL)");
    return;
  }
  assay_core *core = device->core;
  const assay_backend *backend = core->backend;
  assay_error lost = {0};
  if (assay_core_usable(core, &lost) != ASSAY_OK) {
    snprintf(health->cause, sizeof health->cause, "%.*s", (int)sizeof health->cause - 1, lost.message);
    return;
  }
  if (backend->health != NULL)
    backend->health(core->state, health);
  else
    snprintf(health->cause, sizeof health->cause, "the backend '%s' has no sensors", backend->name);
  uint64_t free_bytes = 0, total_bytes = 0;
  if (!isnan(health->memory_total_bytes) || backend->memory_info == NULL) return;
  if (backend->memory_info(core->state, NULL, &free_bytes, &total_bytes) == ASSAY_OK)
    health->memory_free_bytes = (double)free_bytes, health->memory_total_bytes = (double)total_bytes;
}

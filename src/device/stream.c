/* SPDX-License-Identifier: MIT */
/* Streams, events and launches. */
#include <assay/device.h>

#include <string.h>

#include "device/command.h"
#include "kernels/kernel.h"

/* ---- streams ------------------------------------------------------------------------------------------------------------------------ */

static assay_status new_queue(assay_core *core, assay_error *err, void **queue) {
  pthread_mutex_lock(&core->lock);
  bool idle = core->idle_count > 0;
  if (idle) *queue = core->idle_queues[--core->idle_count];
  pthread_mutex_unlock(&core->lock);
  return idle ? ASSAY_OK : core->backend->queue_create(core->state, err, queue);
}

/* A queue is dear on some devices: an idle one serves the next stream. */
static void put_queue(assay_core *core, void *queue) {
  pthread_mutex_lock(&core->lock);
  bool kept = core->idle_count < ASSAY_CORE_IDLE_QUEUES && !atomic_load_explicit(&core->lost, memory_order_acquire);
  if (kept) core->idle_queues[core->idle_count++] = queue;
  pthread_mutex_unlock(&core->lock);
  if (!kept) core->backend->queue_destroy(core->state, queue);
}

static void leave(assay_core *core, const assay_stream *stream) {
  pthread_mutex_lock(&core->lock);
  core->streams[stream->index] = NULL;
  pthread_cond_signal(&core->stream_left);
  pthread_mutex_unlock(&core->lock);
}

static bool take_place(assay_core *core, assay_stream *stream) {
  for (unsigned i = 0; i < ASSAY_POOL_STREAMS; i++) {
    if (core->streams[i] != NULL) continue;
    stream->index = i;
    core->streams[i] = stream;
    return true;
  }
  return false;
}

static bool enter(assay_core *core, assay_stream *stream, bool in_turn) {
  pthread_mutex_lock(&core->lock);
  bool found = take_place(core, stream);
  while (!found && in_turn) {
    pthread_cond_wait(&core->stream_left, &core->lock);
    found = take_place(core, stream);
  }
  pthread_mutex_unlock(&core->lock);
  return found;
}

static assay_status create(assay_device *device, bool in_turn, assay_error *err, assay_stream **out) {
  if (device == NULL || out == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_stream_create needs a device and a place for the stream");
  assay_core *core = device->core;
  assay_error cause = {0};
  assay_status status = assay_core_usable(core, err);
  if (status != ASSAY_OK) return status;
  assay_stream *stream = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *stream);
  if (stream == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of host memory for a stream of %s", core->info.id);
  stream->core = core;
  bool entered = enter(core, stream, in_turn);
  status = entered ? new_queue(core, &cause, &stream->queue) : ASSAY_OK;
  if (entered && status != ASSAY_OK) leave(core, stream);
  if (!entered) {
    status = ASSAY_FAIL(&cause, ASSAY_ERR_LIMIT, "%s has %d streams already: destroy one first", core->info.id, ASSAY_POOL_STREAMS);
  }
  if (status != ASSAY_OK) {
    assay_free(stream);
    ASSAY_FAIL(err, status, "%s", cause.message);
    return assay_core_note(core, status, &cause);
  }
  *out = stream;
  return ASSAY_OK;
}

assay_status assay_stream_create(assay_device *device, assay_error *err, assay_stream **out) { return create(device, false, err, out); }

assay_status assay_stream_create_in_turn(assay_device *device, assay_error *err, assay_stream **out) {
  return create(device, true, err, out);
}

void assay_stream_destroy(assay_stream *stream) {
  if (stream == NULL) return;
  assay_core *core = stream->core;
  bool clean = !stream->used || assay_stream_sync(stream, NULL) == ASSAY_OK;
  /* A device that counts as lost may still write to arrays that the caller is about to free: only its queue knows when it has stopped. */
  if (!clean && assay_core_is_ours(core)) core->backend->queue_sync(core->state, stream->queue, NULL);
  leave(core, stream);
  /* A queue in which something failed may remember it. */
  if (clean)
    put_queue(core, stream->queue);
  else if (assay_core_is_ours(core))
    core->backend->queue_destroy(core->state, stream->queue);
  assay_free(stream);
}

assay_status assay_stream_sync(assay_stream *stream, assay_error *err) {
  if (stream == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_stream_sync needs a stream");
  assay_core *core = stream->core;
  assay_command command = {.kind = ASSAY_ACTIVITY_SYNC, .label = "sync"};
  assay_status status = assay_command_begin(&command, stream, err);
  if (status != ASSAY_OK) return status;
  status = assay_command_end(&command, core->backend->queue_sync(core->state, stream->queue, &command.cause));
  stream->used = status != ASSAY_OK;
  return status;
}

/* ---- events ------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_event_create(assay_device *device, assay_error *err, assay_event **out) {
  if (device == NULL || out == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_event_create needs a device and a place for the event");
  assay_core *core = device->core;
  assay_status status = assay_core_usable(core, err);
  if (status != ASSAY_OK) return status;
  assay_event *event = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *event);
  if (event == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of host memory for an event of %s", core->info.id);
  status = core->backend->event_create(core->state, err, &event->event);
  if (status != ASSAY_OK) {
    assay_free(event);
    return assay_core_note(core, status, err);
  }
  event->core = core;
  *out = event;
  return ASSAY_OK;
}

void assay_event_destroy(assay_event *event) {
  if (event == NULL) return;
  event->core->backend->event_destroy(event->core->state, event->event);
  assay_free(event);
}

static assay_status check_pair(const assay_stream *stream, const assay_event *event, bool recorded, assay_error *err) {
  if (stream == NULL || event == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "an event and a stream are needed");
  if (stream->core != event->core)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the event is of %s, the stream of %s", event->core->info.id, stream->core->info.id);
  if (recorded && !event->recorded) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the event was never recorded, so nobody can wait for it");
  return assay_core_usable(stream->core, err);
}

assay_status assay_event_record(assay_event *event, assay_stream *stream, assay_error *err) {
  assay_status status = check_pair(stream, event, false, err);
  if (status != ASSAY_OK) return status;
  assay_core *core = stream->core;
  stream->used = true;
  status = core->backend->event_record(core->state, event->event, stream->queue, err);
  if (status == ASSAY_OK) event->recorded = true;
  return assay_core_note(core, status, err);
}

assay_status assay_stream_wait(assay_stream *stream, assay_event *event, assay_error *err) {
  assay_status status = check_pair(stream, event, true, err);
  if (status != ASSAY_OK) return status;
  assay_core *core = stream->core;
  stream->used = true;
  return assay_core_note(core, core->backend->event_wait(core->state, stream->queue, event->event, err), err);
}

assay_status assay_event_elapsed(assay_event *begin, assay_event *end, assay_error *err, double *ns) {
  if (begin == NULL || end == NULL || ns == NULL || begin->core != end->core || !begin->recorded || !end->recorded)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_event_elapsed needs two recorded events of one device");
  assay_core *core = begin->core;
  assay_status status = assay_core_usable(core, err);
  if (status != ASSAY_OK) return status;
  return assay_core_note(core, core->backend->event_elapsed(core->state, begin->event, end->event, err, ns), err);
}

/* ---- launches ----------------------------------------------------------------------------------------------------------------------- */

static assay_status check_launch(const assay_core *core, const assay_core_kernel *kernel, size_t groups, size_t params_bytes,
                                 assay_buffer *const *buffers, size_t count, assay_error *err) {
  const assay_kernel *info = kernel->info;
  if (groups == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: a launch of no groups", kernel->name);
  if (count > ASSAY_BACKEND_MAX_BUFFERS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: %zu buffers are more than %d", kernel->name, count, ASSAY_BACKEND_MAX_BUFFERS);
  if (info != NULL && params_bytes != info->params_bytes)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: its parameters are %zu bytes, not %zu", kernel->name, info->params_bytes, params_bytes);
  if (info != NULL && count != info->buffers)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: it takes %u buffers, not %zu", kernel->name, info->buffers, count);
  for (size_t i = 0; i < count; i++) {
    if (buffers[i] == NULL || buffers[i]->owner != core || buffers[i]->state != ASSAY_BLOCK_LIVE)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: buffer %zu is not a live buffer of %s", kernel->name, i, core->info.id);
  }
  return ASSAY_OK;
}

assay_status assay_stream_launch(assay_stream *stream, const char *name, size_t groups, const void *params, size_t params_bytes,
                                 assay_buffer *const *buffers, size_t count, assay_error *err) {
  if (stream == NULL || name == NULL || (params == NULL && params_bytes > 0) || (buffers == NULL && count > 0))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_stream_launch needs a stream, a kernel's name, parameters and buffers");
  assay_core *core = stream->core;
  assay_command command = {.kind = ASSAY_ACTIVITY_LAUNCH};
  const assay_core_kernel *kernel = NULL;
  assay_slice slices[ASSAY_BACKEND_MAX_BUFFERS];
  assay_status status = assay_command_begin(&command, stream, err);
  if (status == ASSAY_OK) status = assay_core_note(core, assay_core_kernel_get(core, name, err, &kernel), err);
  if (status == ASSAY_OK) status = check_launch(core, kernel, groups, params_bytes, buffers, count, err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < count; i++) {
    slices[i] = assay_command_slice(&command, buffers[i], 0, buffers[i]->requested);
    command.bytes += (double)buffers[i]->requested;
  }
  command.label = kernel->name;
  return assay_command_end(&command, core->backend->launch(core->state, stream->queue, kernel->kernel, groups, params, params_bytes, slices,
                                                           count, &command.cause));
}

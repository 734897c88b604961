/* SPDX-License-Identifier: MIT */
#include "quant/launch.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <assay/device.h>

enum { MAX_BUFFERS = 16 };

struct assay_quant_buffer {
  assay_buffer *memory;
  void *array; /* of an output that is not used in place */
};

struct assay_quant_session {
  assay_stream *stream;
  unsigned gpu_processors;
  assay_quant_buffer buffers[MAX_BUFFERS];
  size_t count;
};

static assay_status room(const assay_quant_session *session, assay_error *err) {
  if (session->count < MAX_BUFFERS) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "a session holds at most %d buffers", MAX_BUFFERS);
}

static assay_status added(assay_quant_session *session, assay_status status, assay_quant_buffer **buffer) {
  if (status == ASSAY_OK) *buffer = &session->buffers[session->count++];
  return status;
}

assay_status assay_quant_in(assay_quant_session *session, const void *array, size_t bytes, const char *label, assay_error *err,
                            assay_quant_buffer **buffer) {
  assay_quant_buffer *next = &session->buffers[session->count];
  assay_status status = room(session, err);
  if (status == ASSAY_OK) status = assay_buffer_borrow_in(session->stream, array, bytes, label, err, &next->memory);
  return added(session, status, buffer);
}

assay_status assay_quant_out(assay_quant_session *session, void *array, size_t bytes, const char *label, assay_error *err,
                             assay_quant_buffer **buffer) {
  assay_quant_buffer *next = &session->buffers[session->count];
  assay_status status = room(session, err);
  if (status == ASSAY_OK) status = assay_buffer_borrow_out(session->stream, array, bytes, label, err, &next->memory);
  if (status == ASSAY_OK && assay_buffer_host(next->memory) != array) next->array = array;
  return added(session, status, buffer);
}

assay_status assay_quant_scratch(assay_quant_session *session, size_t bytes, const char *label, assay_error *err,
                                 assay_quant_buffer **buffer) {
  assay_quant_buffer *next = &session->buffers[session->count];
  assay_status status = room(session, err);
  if (status == ASSAY_OK) status = assay_buffer_alloc(session->stream, bytes, label, err, &next->memory);
  return added(session, status, buffer);
}

unsigned assay_quant_gpu_processors(const assay_quant_session *session) { return session->gpu_processors; }

assay_status assay_quant_launch(assay_quant_session *session, const char *name, unsigned bits, size_t groups, const void *params,
                                size_t params_bytes, assay_quant_buffer *const *buffers, size_t count, assay_error *err) {
  char full[64];
  assay_buffer *memory[MAX_BUFFERS];
  if (count > MAX_BUFFERS) return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "%s takes no %zu buffers", name, count);
  snprintf(full, sizeof full, "%s_f%u", name, bits);
  for (size_t i = 0; i < count; i++) memory[i] = buffers[i]->memory;
  return assay_stream_launch(session->stream, full, groups, params, params_bytes, memory, count, err);
}

assay_status assay_quant_copy(assay_quant_session *session, assay_quant_buffer *to, const assay_quant_buffer *from, size_t bytes,
                              assay_error *err) {
  return assay_buffer_copy(session->stream, to->memory, 0, from->memory, 0, bytes, err);
}

assay_status assay_quant_finish(assay_quant_session *session, assay_error *err) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < session->count && status == ASSAY_OK; i++) {
    const assay_quant_buffer *buffer = &session->buffers[i];
    if (buffer->array != NULL)
      status = assay_buffer_read(session->stream, buffer->memory, 0, buffer->array, assay_buffer_bytes(buffer->memory), err);
  }
  return status == ASSAY_OK ? assay_stream_sync(session->stream, err) : status;
}

/* ---- on a device ------------------------------------------------------------------------------------------------------------------- */

typedef struct job {
  assay_quant_work work;
  void *context;
  char isa[16]; /* of the device that ran it last */
} job;

static assay_status on_device(assay_device *device, assay_stream *stream, void *context, assay_error *err) {
  job *todo = context;
  const assay_device_info *info = assay_device_get_info(device);
  assay_quant_session session = {.stream = stream, .gpu_processors = info->kind == ASSAY_DEVICE_GPU ? info->compute_units : 0};
  snprintf(todo->isa, sizeof todo->isa, "%s", info->isa);
  assay_status status = todo->work(&session, todo->context, err);
  for (size_t i = 0; i < session.count; i++) assay_buffer_free(session.buffers[i].memory);
  return status;
}

void assay_quant_here(assay_quant_where *where) {
  *where = (assay_quant_where){.device = "cpu", .reason = "no device was asked for: the calling thread"};
}

assay_status assay_quant_run(const char *request, assay_quant_work work, void *context, assay_error *err, assay_quant_where *where) {
  job todo = {.work = work, .context = context};
  assay_device *device = NULL;
  assay_device_outcome outcome;
  assay_status status = request != NULL ? assay_device_open(request, err, &device) : ASSAY_OK;
  if (status == ASSAY_OK) status = assay_device_run(device, on_device, &todo, err, &outcome);
  assay_device_close(device);
  if (status != ASSAY_OK) return status;
  *where = (assay_quant_where){.fell_back = outcome.fell_back};
  memcpy(where->device, outcome.device, sizeof where->device);
  memcpy(where->isa, todo.isa, sizeof where->isa);
  memcpy(where->reason, outcome.reason, sizeof where->reason);
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
/* Buffers: from the pool, from the caller, under keys, in scopes; and what is moved in and out of them. */
#include <assay/device.h>

#include <string.h>

#include "device/command.h"
#include "os/ticks.h"

/* Bits that are a NaN in every precision: what reads fresh memory in debug mode shows. */
#define POISON UINT32_MAX

/* ---- allocating --------------------------------------------------------------------------------------------------------------------- */

static void note(const assay_core *core, assay_activity_kind kind, const assay_buffer *buffer, bool hit) {
  const assay_ring_row row = {.kind = kind,
                              .hit = hit,
                              .device = core->activity_device,
                              .label = buffer->label,
                              .begin_ticks = assay_ticks_stamp(),
                              .bytes = (double)buffer->requested};
  assay_ring_push(&row);
}

static assay_status check_request(const assay_stream *stream, size_t bytes, const char *label, assay_buffer *const *buffer,
                                  assay_error *err) {
  if (stream == NULL || label == NULL || buffer == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a buffer needs a stream, a label and a place");
  if (bytes == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a buffer of no bytes for %s", label);
  return assay_core_usable(stream->core, err);
}

assay_status assay_buffer_alloc(assay_stream *stream, size_t bytes, const char *label, assay_error *err, assay_buffer **out) {
  assay_status status = check_request(stream, bytes, label, out, err);
  if (status != ASSAY_OK) return status;
  assay_core *core = stream->core;
  assay_buffer *buffer = NULL;
  bool hit = false;
  status = assay_pool_alloc(core->pool, stream->index, bytes, label, err, &hit, &buffer);
  if (status != ASSAY_OK) return assay_core_note(core, status, err);
  buffer->owner = core;
  note(core, ASSAY_ACTIVITY_ALLOC, buffer, hit);
  if (core->debug && (status = assay_buffer_fill(stream, buffer, 0, POISON, bytes - bytes % 4, err)) != ASSAY_OK) {
    assay_buffer_free(buffer);
    return status;
  }
  *out = buffer;
  return ASSAY_OK;
}

void assay_buffer_free(assay_buffer *buffer) {
  if (buffer == NULL || buffer->owner == NULL) return;
  assay_core *core = buffer->owner;
  if (buffer->state != ASSAY_BLOCK_LIVE) return;
  if (buffer->wrapped)
    core->backend->unwrap(core->state, buffer->memory);
  else
    note(core, ASSAY_ACTIVITY_FREE, buffer, false);
  if (buffer->direct) core->backend->direct_free(core->state, buffer->memory, (buffer->streams & ~(UINT64_C(1) << buffer->stream)) == 0);
  assay_pool_free(core->pool, buffer);
}

void assay_buffer_discard(assay_buffer *buffer) {
  if (buffer == NULL || buffer->owner == NULL) return;
  assay_core *core = buffer->owner;
  assay_pool_forget_one(core->pool, buffer);
  assay_buffer_free(buffer);
}

size_t assay_buffer_bytes(const assay_buffer *buffer) { return buffer != NULL ? buffer->requested : 0; }

void *assay_buffer_host(assay_buffer *buffer) {
  if (buffer == NULL) return NULL;
  const assay_core *core = buffer->owner;
  if (core->backend->host == NULL || (core->info.flags & ASSAY_DEVICE_HOST_MEMORY) == 0) return NULL;
  buffer->pinned = true;
  void *memory = core->backend->host(core->state, buffer->slab != NULL ? buffer->slab->memory : buffer->memory);
  return memory != NULL ? (char *)memory + buffer->offset : NULL;
}

assay_status assay_buffer_cached(assay_stream *stream, const char *key, size_t bytes, const char *label, assay_error *err, bool *fresh,
                                 assay_buffer **out) {
  assay_status status = check_request(stream, bytes, label, out, err);
  if (status == ASSAY_OK && (key == NULL || fresh == NULL))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: a kept buffer needs a key", label);
  if (status != ASSAY_OK) return status;
  assay_core *core = stream->core;
  bool hit = true, is_new = false;
  assay_buffer *buffer = NULL;
  status = assay_pool_cached(core->pool, stream->index, key, bytes, label, err, &is_new, &hit, &buffer);
  if (status != ASSAY_OK) return assay_core_note(core, status, err);
  buffer->owner = core;
  note(core, ASSAY_ACTIVITY_ALLOC, buffer, hit); /* also what was kept: each is freed once */
  *fresh = is_new;
  *out = buffer;
  return ASSAY_OK;
}

/* ---- moving data -------------------------------------------------------------------------------------------------------------------- */

static assay_status check_range(const assay_stream *stream, const assay_buffer *buffer, size_t offset, size_t bytes, const void *host,
                                assay_error *err) {
  if (stream == NULL || buffer == NULL || host == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a transfer needs a stream, a buffer and an array");
  if (buffer->owner != stream->core || buffer->state != ASSAY_BLOCK_LIVE)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the buffer is not a live buffer of %s", stream->core->info.id);
  if (offset > buffer->requested || bytes > buffer->requested - offset)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "bytes %zu to %zu are outside of %s, which has %zu", offset, offset + bytes, buffer->label,
                      buffer->requested);
  return ASSAY_OK;
}

assay_status assay_buffer_write(assay_stream *stream, assay_buffer *buffer, size_t offset, const void *source, size_t bytes,
                                assay_error *err) {
  assay_status status = check_range(stream, buffer, offset, bytes, source, err);
  if (status != ASSAY_OK || bytes == 0) return status;
  assay_core *core = stream->core;
  assay_command command = {.kind = ASSAY_ACTIVITY_WRITE, .label = buffer->label, .bytes = (double)bytes};
  status = assay_command_begin(&command, stream, err);
  if (status != ASSAY_OK) return status;
  const assay_slice to = assay_command_slice(&command, buffer, offset, bytes);
  return assay_command_end(&command, core->backend->write(core->state, stream->queue, &to, source, &command.cause));
}

assay_status assay_buffer_read(assay_stream *stream, const assay_buffer *buffer, size_t offset, void *target, size_t bytes,
                               assay_error *err) {
  assay_status status = check_range(stream, buffer, offset, bytes, target, err);
  if (status != ASSAY_OK || bytes == 0) return status;
  assay_core *core = stream->core;
  assay_command command = {.kind = ASSAY_ACTIVITY_READ, .label = buffer->label, .bytes = (double)bytes};
  status = assay_command_begin(&command, stream, err);
  if (status != ASSAY_OK) return status;
  /* Only what the pool knows of it changes. */
  const assay_slice from = assay_command_slice(&command, (assay_buffer *)(uintptr_t)buffer, offset, bytes);
  return assay_command_end(&command, core->backend->read(core->state, stream->queue, &from, target, &command.cause));
}

assay_status assay_buffer_copy(assay_stream *stream, assay_buffer *to, size_t to_offset, const assay_buffer *from, size_t from_offset,
                               size_t bytes, assay_error *err) {
  assay_status status = check_range(stream, to, to_offset, bytes, stream, err);
  if (status == ASSAY_OK) status = check_range(stream, from, from_offset, bytes, stream, err);
  if (status == ASSAY_OK && to == from) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s cannot be copied onto itself", to->label);
  if (status != ASSAY_OK || bytes == 0) return status;
  assay_core *core = stream->core;
  assay_command command = {.kind = ASSAY_ACTIVITY_COPY, .label = to->label, .bytes = (double)bytes};
  status = assay_command_begin(&command, stream, err);
  if (status != ASSAY_OK) return status;
  const assay_slice target = assay_command_slice(&command, to, to_offset, bytes);
  const assay_slice source = assay_command_slice(&command, (assay_buffer *)(uintptr_t)from, from_offset, bytes);
  return assay_command_end(&command, core->backend->copy(core->state, stream->queue, &target, &source, &command.cause));
}

assay_status assay_buffer_fill(assay_stream *stream, assay_buffer *buffer, size_t offset, uint32_t value, size_t bytes, assay_error *err) {
  assay_status status = check_range(stream, buffer, offset, bytes, stream, err);
  if (status == ASSAY_OK && (offset % 4 != 0 || bytes % 4 != 0))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: a fill of 32-bit values from byte %zu over %zu bytes", buffer->label, offset, bytes);
  if (status != ASSAY_OK || bytes == 0) return status;
  assay_core *core = stream->core;
  assay_command command = {.kind = ASSAY_ACTIVITY_FILL, .label = buffer->label, .bytes = (double)bytes};
  status = assay_command_begin(&command, stream, err);
  if (status != ASSAY_OK) return status;
  const assay_slice to = assay_command_slice(&command, buffer, offset, bytes);
  return assay_command_end(&command, core->backend->fill(core->state, stream->queue, &to, value, &command.cause));
}

/* ---- the caller's arrays ------------------------------------------------------------------------------------------------------------- */

static assay_status borrow_in_place(assay_stream *stream, void *array, size_t bytes, const char *label, assay_error *err,
                                    assay_buffer **out) {
  assay_core *core = stream->core;
  assay_buffer *buffer = assay_pool_handle(core->pool);
  if (buffer == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of host memory for a handle of %s", label);
  assay_status status = core->backend->wrap(core->state, array, bytes, err, &buffer->memory);
  if (status != ASSAY_OK) {
    assay_pool_free(core->pool, buffer);
    return assay_core_note(core, status, err);
  }
  buffer->wrapped = true;
  buffer->owner = core, buffer->requested = buffer->bytes = bytes;
  buffer->label = label, buffer->stream = (uint8_t)stream->index;
  *out = buffer;
  return ASSAY_OK;
}

/* NULL: it has to be copied. */
static assay_buffer *borrow_directly(assay_stream *stream, void *array, size_t bytes, const char *label) {
  assay_core *core = stream->core;
  if (core->backend->direct_alloc == NULL) return NULL;
  void *memory = core->backend->direct_alloc(core->state, stream->queue, bytes);
  assay_buffer *buffer = memory != NULL ? assay_pool_handle(core->pool) : NULL;
  if (buffer == NULL) {
    if (memory != NULL) core->backend->direct_free(core->state, memory, true);
    return NULL;
  }
  buffer->direct = true;
  buffer->memory = memory, buffer->array = array;
  buffer->owner = core, buffer->requested = buffer->bytes = bytes;
  buffer->label = label, buffer->stream = (uint8_t)stream->index;
  assay_pool_count_served(core->pool);
  note(core, ASSAY_ACTIVITY_ALLOC, buffer, true);
  return buffer;
}

assay_status assay_buffer_borrow_in(assay_stream *stream, const void *array, size_t bytes, const char *label, assay_error *err,
                                    assay_buffer **out) {
  assay_status status = check_request(stream, bytes, label, out, err);
  if (status == ASSAY_OK && array == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: no array", label);
  if (status != ASSAY_OK) return status;
  /* Kernels do not write it: that is the contract. */
  if (stream->core->backend->wrap != NULL) return borrow_in_place(stream, (void *)(uintptr_t)array, bytes, label, err, out);
  assay_buffer *buffer = NULL;
  status = assay_buffer_alloc(stream, bytes, label, err, &buffer);
  if (status == ASSAY_OK && (status = assay_buffer_write(stream, buffer, 0, array, bytes, err)) != ASSAY_OK) assay_buffer_free(buffer);
  if (status == ASSAY_OK) *out = buffer;
  return status;
}

assay_status assay_buffer_borrow_out(assay_stream *stream, void *array, size_t bytes, const char *label, assay_error *err,
                                     assay_buffer **out) {
  assay_status status = check_request(stream, bytes, label, out, err);
  if (status == ASSAY_OK && array == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: no array", label);
  if (status != ASSAY_OK) return status;
  if (stream->core->backend->wrap != NULL) return borrow_in_place(stream, array, bytes, label, err, out);
  assay_buffer *buffer = borrow_directly(stream, array, bytes, label);
  if (buffer != NULL) {
    *out = buffer;
    return ASSAY_OK;
  }
  status = assay_buffer_alloc(stream, bytes, label, err, out);
  if (status == ASSAY_OK) (*out)->array = array;
  return status;
}

assay_status assay_buffer_give_back(assay_stream *stream, assay_buffer *buffer, assay_error *err) {
  if (buffer == NULL) return ASSAY_OK;
  assay_status status = ASSAY_OK;
  if (buffer->array != NULL) status = assay_buffer_read(stream, buffer, 0, buffer->array, buffer->requested, err);
  buffer->array = NULL;
  assay_buffer_free(buffer);
  return status;
}

/* ---- scopes ------------------------------------------------------------------------------------------------------------------------- */

assay_status assay_scope_alloc(assay_buffer_scope *scope, assay_stream *stream, size_t bytes, const char *label, assay_error *err,
                               assay_buffer **out) {
  if (scope == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_scope_alloc needs a scope");
  assay_status status = assay_buffer_alloc(stream, bytes, label, err, out);
  if (status == ASSAY_OK) (*out)->scope_next = scope->first, scope->first = *out;
  return status;
}

void assay_scope_end(assay_buffer_scope *scope) {
  for (assay_buffer *buffer = scope->first, *next; buffer != NULL; buffer = next) {
    next = buffer->scope_next;
    assay_buffer_free(buffer);
  }
  scope->first = NULL;
}

/* SPDX-License-Identifier: MIT */
#include "device/command.h"

#include <string.h>

#include "base/log.h"
#include "os/ticks.h"

assay_status assay_command_begin(assay_command *command, assay_stream *stream, assay_error *err) {
  command->stream = stream;
  command->err = err;
  command->begin_ticks = assay_ticks_stamp();
  stream->used = true;
  return assay_core_usable(stream->core, err);
}

/* Waiting after each command makes the one that fails the one that is named. */
static assay_status wait_for_it(const assay_command *command, assay_error *cause) {
  const assay_core *core = command->stream->core;
  assay_status status = core->backend->queue_sync(core->state, command->stream->queue, cause);
  assay_log(ASSAY_LOG_DEBUG, "%s: %s %s: %s", core->info.id, assay_activity_kind_text(command->kind), command->label,
            assay_status_text(status));
  return status;
}

assay_status assay_command_end(assay_command *command, assay_status status) {
  assay_core *core = command->stream->core;
  if (core->debug && status == ASSAY_OK && command->kind != ASSAY_ACTIVITY_SYNC) status = wait_for_it(command, &command->cause);
  const assay_ring_row row = {.kind = command->kind,
                              .device = core->activity_device,
                              .label = command->label,
                              .begin_ticks = command->begin_ticks,
                              .end_ticks = assay_ticks_stamp(),
                              .bytes = command->bytes};
  assay_ring_push(&row);
  if (status == ASSAY_OK) return ASSAY_OK;
  ASSAY_FAIL(command->err, status, "%s: %s %s: %s", core->info.id, assay_activity_kind_text(command->kind), command->label,
             command->cause.message);
  return assay_core_note(core, status, &command->cause);
}

assay_slice assay_command_slice(const assay_command *command, assay_buffer *buffer, size_t offset, size_t bytes) {
  buffer->streams |= UINT64_C(1) << command->stream->index;
  void *memory = buffer->slab != NULL ? buffer->slab->memory : buffer->memory;
  return (assay_slice){.memory = memory, .offset = buffer->offset + offset, .bytes = bytes, .view = buffer->view};
}

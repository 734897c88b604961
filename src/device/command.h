/* SPDX-License-Identifier: MIT */
/* What every command on a stream goes through: is the device still there, how long did the call take, did it fail, and a row of the ring.
 */
#ifndef ASSAY_DEVICE_COMMAND_H
#define ASSAY_DEVICE_COMMAND_H

#include "device/core.h"

typedef struct assay_command {
  assay_activity_kind kind;
  const char *label; /* lives for good */
  double bytes;
  assay_stream *stream;
  uint64_t begin_ticks;
  assay_error *err;  /* the caller's */
  assay_error cause; /* for the hook */
} assay_command;

assay_status assay_command_begin(assay_command *command, assay_stream *stream, assay_error *err);
/* `status` is the hook's; returned when all is well, else passed on with what the hook said. */
assay_status assay_command_end(assay_command *command, assay_status status);
/* An argument of the command; from now on the pool knows that the stream uses the buffer. */
assay_slice assay_command_slice(const assay_command *command, assay_buffer *buffer, size_t offset, size_t bytes);

#endif

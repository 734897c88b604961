/* SPDX-License-Identifier: MIT */
/* Matrix products over buffers. */
#include <assay/device.h>
#include <assay/gemm.h>

#include "device/command.h"
#include "kernels/gemm/gemm.h"

static assay_status check_buffer(const assay_core *core, const char *name, const assay_buffer *buffer, size_t bytes, assay_error *err) {
  if (buffer == NULL || buffer->owner != core || buffer->state != ASSAY_BLOCK_LIVE)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a matrix product: %s is not a live buffer of %s", name, core->info.id);
  if (buffer->requested < bytes)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a matrix product: %s needs %zu bytes, its buffer has %zu", name, bytes, buffer->requested);
  return ASSAY_OK;
}

/* Nothing to add: C is scaled as a product with a k of 1 would scale it, but A and B are not read. Rare, so it may go through the host. */
static assay_status scale_only(assay_stream *stream, const assay_gemm_args *args, size_t bytes, assay_buffer *c, assay_error *err) {
  char *host = assay_alloc(ASSAY_TAG_DEVICE, bytes);
  if (host == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no %zu bytes to scale a matrix of %s", bytes, stream->core->info.id);
  assay_status status = assay_buffer_read(stream, c, 0, host, bytes, err);
  if (status == ASSAY_OK) status = assay_stream_sync(stream, err);
  if (status == ASSAY_OK) {
    assay_gemm_scale(args->type, host, args->stride_c, args->m, args->n, args->beta);
    status = assay_buffer_write(stream, c, 0, host, bytes, err);
  }
  if (status == ASSAY_OK) status = assay_stream_sync(stream, err);
  assay_free(host);
  return status;
}

assay_status assay_stream_gemm(assay_stream *stream, const assay_gemm_args *given, const assay_buffer *a, const assay_buffer *b,
                               assay_buffer *c, assay_error *err) {
  if (stream == NULL || given == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_stream_gemm needs a stream and its arguments");
  assay_core *core = stream->core;
  assay_gemm_args args = *given;
  assay_gemm_bytes bytes;
  assay_status status = assay_gemm_check(&args, err, &bytes);
  if (status == ASSAY_OK && bytes.c == 0) return ASSAY_OK;
  if (status == ASSAY_OK) status = check_buffer(core, "C", c, bytes.c, err);
  if (status != ASSAY_OK) return status;
  if (args.k == 0 || args.alpha == 0 || (args.type == ASSAY_F32 && (float)args.alpha == 0))
    return scale_only(stream, &args, bytes.c, c, err);
  status = check_buffer(core, "A", a, bytes.a, err);
  if (status == ASSAY_OK) status = check_buffer(core, "B", b, bytes.b, err);
  if (status == ASSAY_OK && (a == c || b == c))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a matrix product: C is written while A and B are read, so its buffer is another one");
  if (status == ASSAY_OK && core->backend->multiply == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s has no library for matrix products", core->info.id);
  assay_command command = {.kind = ASSAY_ACTIVITY_LAUNCH,
                           .label = args.type == ASSAY_F32 ? "gemm_f32" : "gemm_f64",
                           .bytes = (double)bytes.a + (double)bytes.b + (double)bytes.c};
  size_t room_bytes = core->backend->multiply_bytes;
  assay_buffer *room = NULL;
  if (status == ASSAY_OK && room_bytes > 0) status = assay_buffer_alloc(stream, room_bytes, "room for a matrix product", err, &room);
  if (status == ASSAY_OK) status = assay_command_begin(&command, stream, err);
  if (status != ASSAY_OK) {
    assay_buffer_free(room);
    return status;
  }
  /* A command notes in every buffer which stream uses it, also in those that it only reads. */
  assay_slice slices[] = {assay_command_slice(&command, (assay_buffer *)(uintptr_t)a, 0, bytes.a),
                          assay_command_slice(&command, (assay_buffer *)(uintptr_t)b, 0, bytes.b),
                          assay_command_slice(&command, c, 0, bytes.c)};
  assay_slice working = {0};
  if (room != NULL) working = assay_command_slice(&command, room, 0, room_bytes);
  status = core->backend->multiply(core->state, stream->queue, &args, &slices[0], &slices[1], &slices[2], room != NULL ? &working : NULL,
                                   &command.cause);
  status = assay_command_end(&command, status);
  assay_buffer_free(room); /* whom the pool gives it next comes behind the product, in this stream or by waiting for it */
  return status;
}

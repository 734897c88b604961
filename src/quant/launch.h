/* SPDX-License-Identifier: MIT */
/*
 * How finance launches kernels: a session on one device that holds the buffers of one piece of work, and the fallback when the device fails
 * in the middle of it (the work is then begun anew on the processor).
 *
 *     static assay_status work(assay_quant_session *session, void *context, assay_error *err) {
 *       assay_quant_buffer *sums;
 *       assay_status status = assay_quant_out(session, host, bytes, "sums", err, &sums);
 *       if (status == ASSAY_OK) status = assay_quant_launch(session, "mc_asian", 64, groups, &params, sizeof params, &sums, 1, err);
 *       return status == ASSAY_OK ? assay_quant_finish(session, err) : status;      // now `host` is written
 *     }
 *     status = assay_quant_run("auto", work, &context, err, &where);
 *
 * Buffers belong to the session and end with it.
 */
#ifndef ASSAY_QUANT_LAUNCH_H
#define ASSAY_QUANT_LAUNCH_H

#include <stdbool.h>

#include <assay/status.h>

typedef struct assay_quant_session assay_quant_session;
typedef struct assay_quant_buffer assay_quant_buffer;

/* What answered. */
typedef struct assay_quant_where {
  char device[32], isa[16], reason[256];
  bool fell_back; /* a device failed; `reason` says at what */
} assay_quant_where;

/* Work that needs no device: the calling thread's own. */
void assay_quant_here(assay_quant_where *where);

/* Can be begun anew: what it writes elsewhere than into its own buffers it writes when it has succeeded. */
typedef assay_status (*assay_quant_work)(assay_quant_session *session, void *context, assay_error *err);

/* `device` as ASSAY_DEVICE takes it; NULL: the default. `where` is written on success. */
assay_status assay_quant_run(const char *device, assay_quant_work work, void *context, assay_error *err, assay_quant_where *where);

/* The caller's array as input or output of kernels (it must outlive the session), or memory that only kernels see. `label` is a literal. */
assay_status assay_quant_in(assay_quant_session *session, const void *array, size_t bytes, const char *label, assay_error *err,
                            assay_quant_buffer **buffer);
assay_status assay_quant_out(assay_quant_session *session, void *array, size_t bytes, const char *label, assay_error *err,
                             assay_quant_buffer **buffer);
assay_status assay_quant_scratch(assay_quant_session *session, size_t bytes, const char *label, assay_error *err,
                                 assay_quant_buffer **buffer);

/* Multiprocessors, compute units; 0 where the session is not on a GPU. */
unsigned assay_quant_gpu_processors(const assay_quant_session *session);
/* Launches kernel `name` in 32 or 64 bits. */
assay_status assay_quant_launch(assay_quant_session *session, const char *name, unsigned bits, size_t groups, const void *params,
                                size_t params_bytes, assay_quant_buffer *const *buffers, size_t count, assay_error *err);
/* The first `bytes` of one buffer into another. */
assay_status assay_quant_copy(assay_quant_session *session, assay_quant_buffer *to, const assay_quant_buffer *from, size_t bytes,
                              assay_error *err);
/* Waits; then outputs can be read, and a later launch may write them again. */
assay_status assay_quant_finish(assay_quant_session *session, assay_error *err);

#endif

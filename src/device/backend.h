/* SPDX-License-Identifier: MIT */
/*
 * What a kind of device implements: one table of functions, one folder. The core (registry, pool, ring, fallback) is written against this
 * table alone, and a device's name stands nowhere outside its folder but in the list of registry.c.
 *
 * Rules for all hooks
 * - `state` is what `open` gave. `queue`, `memory`, `event` and `kernel` are what the hooks of the same backend gave.
 * - A failure sets `err` with a sentence that names the call and the driver's own error name, and returns
 *     ASSAY_ERR_NO_MEMORY    the device is out of memory: the pool frees what it can and asks again, once
 *     ASSAY_ERR_LOST         the device does not answer any more: the core refuses further work on it
 *     ASSAY_ERR_UNSUPPORTED  this device cannot do that (a kernel in double precision, say)
 *     anything else          our fault or the caller's; it is passed on as it is.
 * - The core checks ranges, sizes and NULLs before it calls; hooks may trust their arguments.
 * - One queue is used by one thread at a time, but event_record on it may come from another thread meanwhile. Different queues, and
 *   memory_alloc and memory_free, are used from several threads at once.
 * - memory_free and unview may come while commands that were enqueued earlier still use what is given back: it goes when they are done.
 * - Commands (write, read, copy, fill, launch) return when they are enqueued. Host memory that they use stays as it is until queue_sync.
 */
#ifndef ASSAY_DEVICE_BACKEND_H
#define ASSAY_DEVICE_BACKEND_H

#include <assay/device.h>

/* Part of some memory: an argument of a command. */
typedef struct assay_slice {
  void *memory;
  size_t offset, bytes;
  void *view; /* what the `view` hook gave for the block that the range is in; a kernel's argument begins where its block does */
} assay_slice;

enum { ASSAY_BACKEND_VERSION = 1, ASSAY_BACKEND_MAX_DEVICES = 16, ASSAY_BACKEND_MAX_BUFFERS = 8 };

typedef struct assay_backend {
  unsigned version; /* ASSAY_BACKEND_VERSION */
  const char *name; /* "cuda": what ASSAY_DEVICE takes, before a colon */
  /* Its driver has threads or contexts that a child of fork lacks: what was opened before is lost there. */
  bool of_one_process;

  /* ---- required ---- */

  /* Loads the driver if need be, and writes up to `capacity` devices; returns how many it wrote. The core writes the ids. When there is
   * none, `cause` (cause_size bytes) says exactly why. Never fails loudly. Called once a process, by one thread. */
  size_t (*enumerate)(assay_device_info *infos, size_t capacity, char *cause, size_t cause_size);

  /* `index` as enumerated. Opened once until it is closed, whoever asks. */
  assay_status (*open)(size_t index, assay_error *err, void **state);
  void (*close)(void *state);

  /* Raw memory for the pool, aligned to info.alignment_bytes; large and rare. */
  assay_status (*memory_alloc)(void *state, size_t bytes, assay_error *err, void **memory);
  void (*memory_free)(void *state, void *memory);

  assay_status (*write)(void *state, void *queue, const assay_slice *to, const void *from, assay_error *err);       /* to->bytes */
  assay_status (*read)(void *state, void *queue, const assay_slice *from, void *to, assay_error *err);              /* from->bytes */
  assay_status (*copy)(void *state, void *queue, const assay_slice *to, const assay_slice *from, assay_error *err); /* equal bytes */
  assay_status (*fill)(void *state, void *queue, const assay_slice *to, uint32_t value, assay_error *err);          /* multiple of 4 */

  assay_status (*queue_create)(void *state, assay_error *err, void **queue);
  void (*queue_destroy)(void *state, void *queue); /* synced before, unless the device is lost */
  assay_status (*queue_sync)(void *state, void *queue, assay_error *err);

  assay_status (*event_create)(void *state, assay_error *err, void **event);
  void (*event_destroy)(void *state, void *event);
  assay_status (*event_record)(void *state, void *event, void *queue, assay_error *err);
  assay_status (*event_wait)(void *state, void *queue, void *event, assay_error *err); /* the queue waits, the host does not */
  /* Waits for both (recorded before); device time between them. */
  assay_status (*event_elapsed)(void *state, void *begin, void *end, assay_error *err, double *ns);

  /* The kernel of that name (kernels/kernel.h) made ready; the core asks once a name and keeps the answer until close, so it is never freed
   * one by one. ASSAY_ERR_NOT_FOUND: no such kernel; ASSAY_ERR_UNSUPPORTED: not on this device. */
  assay_status (*kernel_find)(void *state, const char *name, assay_error *err, void **kernel);
  /* params_bytes, and `count` slices, are what the kernel takes. `params` is copied before it returns; groups > 0. */
  assay_status (*launch)(void *state, void *queue, void *kernel, size_t groups, const void *params, size_t params_bytes,
                         const assay_slice *buffers, size_t count, assay_error *err);

  /* ---- optional ---- */

  /* Whether it may have a device that auto takes (a rank above 0), as far as can be known before any device is started: whose driver then
   * takes no threads, no memory and no time of a process that would not use it. False: `what` (size bytes) names what there is instead; it
   * is asked for its devices once somebody names it or lists all. NULL: it may. */
  bool (*serves_auto)(char *what, size_t size);
  /* Free and total bytes now, of everybody. NULL: the device does not say; then pressure is judged by the pool's limit alone. */
  assay_status (*memory_info)(void *state, assay_error *err, uint64_t *free_bytes, uint64_t *total_bytes);
  /* Address at which the host may touch the memory. NULL: never (the flag ASSAY_DEVICE_HOST_MEMORY is absent too). */
  void *(*host)(void *state, void *memory);
  /* Host memory of the caller's as device memory, without a copy; any alignment. NULL: arrays are copied. Both or none. */
  assay_status (*wrap)(void *state, void *array, size_t bytes, assay_error *err, void **memory);
  void (*unwrap)(void *state, void *memory);
  /* Memory of the host that kernels of `queue` write in place: for results so small that a copy behind the kernel would cost more. `read`
   * of it may come later than other reads, but before any command that is enqueued behind it. NULL from direct_alloc: none is left, or
   * so many bytes are too many. `again` false: commands of other queues may still use it. Both or none; NULL: results are copied. */
  void *(*direct_alloc)(void *state, void *queue, size_t bytes);
  void (*direct_free)(void *state, void *memory, bool again);
  /* An object for a part of memory (an OpenCL sub-buffer), made once when the pool cuts a block, whose ranges start at multiples of
   * alignment_bytes, and kept with it through many allocations. NULL: memory and offset are enough. Both or none. */
  assay_status (*view)(void *state, void *memory, size_t offset, size_t bytes, assay_error *err, void **view);
  void (*unview)(void *state, void *view);
  /* The product of matrices with all strides filled in, m, n, k > 0 and alpha not 0; args' own pointers are not read. NULL: it has none.
   * `room` is multiply_bytes of the pool's memory that nobody else uses until the product is done; NULL where that is 0. */
  assay_status (*multiply)(void *state, void *queue, const struct assay_gemm_args *args, const assay_slice *a, const assay_slice *b,
                           const assay_slice *c, const assay_slice *room, assay_error *err);
  size_t multiply_bytes;
  /* Whether it has an operation that is not a kernel. NULL: it has kernels only. (Kernels are asked for through kernel_find.) */
  bool (*supports)(void *state, const char *operation);
  /* Fills in what it knows; the core has set all numbers to NaN and all texts to "". NULL: nothing is known, and the core says so. */
  void (*health)(void *state, assay_device_health *health);
} assay_backend;

/* ASSAY_ERR_INVALID names the hook that is missing or half of a pair. */
assay_status assay_backend_check(const assay_backend *backend, assay_error *err);

/* The backends there are, each in its folder. */
const assay_backend *assay_backend_cpu(void);
const assay_backend *assay_backend_dummy(void);
const assay_backend *assay_backend_opencl(void); /* opencl/ */
const assay_backend *assay_backend_cuda(void);   /* cuda/ */

#endif

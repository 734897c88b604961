/* SPDX-License-Identifier: MIT */
/*
 * What the files of the core share. A core is an open device of the process, shared by all who opened it; an assay_device is one caller's
 * handle to it, with the reason why the caller got this one. A core lives as long as its registry, also when it is lost: opening takes up
 * to a second, and somebody may still hold buffers.
 * Locks: pool before core; neither is held while commands are enqueued.
 */
#ifndef ASSAY_DEVICE_CORE_H
#define ASSAY_DEVICE_CORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "device/pool.h"
#include "device/ring.h"

enum { ASSAY_CORE_KERNELS = 512, ASSAY_CORE_IDLE_QUEUES = 8 };

struct assay_kernel;

typedef struct assay_core_kernel {
  const char *name;                /* lives for good */
  const struct assay_kernel *info; /* NULL for kernels that are not in the table (of test devices) */
  void *kernel;
} assay_core_kernel;

typedef struct assay_registry assay_registry;

typedef struct assay_core {
  const assay_backend *backend;
  assay_device_info info;
  void *state;
  assay_pool *pool;
  assay_registry *registry;
  bool in_order, debug;
  unsigned activity_device;
  atomic_bool lost;
  unsigned generation;                           /* of the process that opened it: a child of fork is another */
  pthread_mutex_t kernel_lock;                   /* of kernels, also while one is compiled: streams come and go meanwhile */
  assay_core_kernel kernels[ASSAY_CORE_KERNELS]; /* open addressing by name */
  size_t kernel_count;
  pthread_mutex_t lock; /* of what follows */
  pthread_cond_t stream_left;
  assay_stream *streams[ASSAY_POOL_STREAMS];
  void *idle_queues[ASSAY_CORE_IDLE_QUEUES];
  size_t idle_count;
  char lost_cause[256];
} assay_core;

struct assay_device {
  assay_core *core;
  bool exact;
  char reason[512];
};

struct assay_stream {
  assay_core *core;
  unsigned index;
  bool used; /* since the last wait; nothing else has to be waited for */
  void *queue;
};

struct assay_event {
  assay_core *core;
  void *event;
  bool recorded;
};

/* core.c */
assay_status assay_core_open(const assay_backend *backend, size_t index, const assay_device_info *info, assay_error *err,
                             assay_core **core);
/* How many forks this process is away from the first one. */
unsigned assay_core_generation(void);
/* False in a child of the process that opened it, where its driver does not work any more. */
bool assay_core_is_ours(const assay_core *core);
/* The registry's alone. */
void assay_core_close(assay_core *core);
/* As assay_stream_create, but waits while all streams of the device are taken. */
assay_status assay_stream_create_in_turn(assay_device *device, assay_error *err, assay_stream **stream);
/* ASSAY_ERR_LOST with the cause once the device is lost. */
assay_status assay_core_usable(assay_core *core, assay_error *err);
/* Remembers a loss; returns `status`. `cause` may be NULL. */
assay_status assay_core_note(assay_core *core, assay_status status, const assay_error *cause);
/* The kernel of that name, made ready once. */
assay_status assay_core_kernel_get(assay_core *core, const char *name, assay_error *err, const assay_core_kernel **kernel);

/* registry.c. The process has one; tests make their own out of fake backends. */
assay_status assay_registry_create(const assay_backend *const *backends, size_t count, assay_error *err, assay_registry **registry);
/* All devices of it are closed. */
void assay_registry_destroy(assay_registry *registry);
assay_registry *assay_registry_of_process(void);
size_t assay_registry_list(assay_registry *registry, assay_device_row *rows, size_t capacity);
assay_status assay_registry_open(assay_registry *registry, const char *request, assay_error *err, assay_device **device);
/* The device that work moves to: the native lanes of the processor. */
assay_status assay_registry_open_fallback(assay_registry *registry, assay_error *err, assay_device **device);

/* settings.c: what the environment says. */
assay_status assay_settings_memory_fraction(double otherwise, assay_error *err, double *fraction);
assay_status assay_settings_debug(assay_error *err, bool *debug);
/* NULL when it says nothing. */
const char *assay_settings_device(void);

#endif

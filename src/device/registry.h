/* SPDX-License-Identifier: MIT */
/* The inside of the list of devices: which there are (registry.c), and which one is taken (open.c). */
#ifndef ASSAY_DEVICE_REGISTRY_H
#define ASSAY_DEVICE_REGISTRY_H

#include "device/core.h"

enum { ASSAY_REGISTRY_BACKENDS = 8, ASSAY_REGISTRY_ROWS = ASSAY_REGISTRY_BACKENDS * ASSAY_BACKEND_MAX_DEVICES };

typedef struct assay_registered {
  assay_device_row public;
  const assay_backend *backend;
  size_t index;     /* in the backend */
  bool under_way;   /* somebody opens it */
  assay_core *core; /* once it was opened */
} assay_registered;

typedef enum assay_registry_progress {
  ASSAY_REGISTRY_NOT_YET,
  ASSAY_REGISTRY_UNDER_WAY,
  ASSAY_REGISTRY_BY_NAME, /* it has nothing for auto, and was not asked for its devices */
  ASSAY_REGISTRY_DONE
} assay_registry_progress;

struct assay_registry {
  /* Of all that follows. A driver that is loaded and a device that opens take up to a second each: the lock is let go meanwhile, and only
   * who wants that same one waits for it. */
  pthread_mutex_t lock;
  pthread_cond_t ended; /* one of the two */
  const assay_backend *backends[ASSAY_REGISTRY_BACKENDS];
  size_t backend_count;
  assay_registered rows[ASSAY_REGISTRY_ROWS]; /* of each backend, as enumerated: ASSAY_BACKEND_MAX_DEVICES places */
  size_t counts[ASSAY_REGISTRY_BACKENDS];
  assay_registry *next;                                   /* of all there are */
  assay_registry_progress asked[ASSAY_REGISTRY_BACKENDS]; /* drivers are loaded when somebody may want them */
  unsigned asked_in[ASSAY_REGISTRY_BACKENDS];             /* by which process: drivers do not survive a fork */
  char by_name[ASSAY_REGISTRY_BACKENDS][64];              /* what those have that were not asked */
};

/* All of these under the lock. Asks a backend for its devices, once; the lock is let go meanwhile. */
void assay_registry_ask(assay_registry *registry, size_t which);
void assay_registry_ask_all(assay_registry *registry);
/* Those that may have something for auto. */
void assay_registry_ask_for_auto(assay_registry *registry);
/* The rows of backends that were asked, in their order. */
size_t assay_registry_rows(const assay_registry *registry, assay_registered *rows[ASSAY_REGISTRY_ROWS]);
/* The same, and what auto would take first stands first. */
size_t assay_registry_by_rank(assay_registry *registry, assay_registered *ordered[ASSAY_REGISTRY_ROWS]);

#endif

/* SPDX-License-Identifier: MIT */
/* A set of ceilings while it is built or read: rows and texts live in its arena. */
#ifndef ASSAY_CEILINGS_SET_H
#define ASSAY_CEILINGS_SET_H

#include <assay/ceilings.h>

#include "base/arena.h"

/* Raised when a measurement changes its meaning, so that old caches are measured again. */
enum { ASSAY_CEILINGS_METHOD = 2 };

struct assay_ceilings {
  assay_arena arena;
  assay_ceiling *items;
  size_t count, capacity;
  int64_t measured_at_s;
  bool quick;
  double took_s;
  unsigned threads;          /* what "Nt" means */
  uint64_t level_bytes[4];   /* [1] L1d of one core ... [3]; 0 when there is none */
  uint64_t last_level_bytes; /* all last-level caches of the machine together */
  const char *machine_id, *kernel, *assay;
  const char *microcode, *features, *cpus; /* what else decides the figures; NULL where the system does not say */
  int64_t method;
  double gap_ratio; /* while measuring: how far the best repetitions of the last row are apart; see measure.h */
};

assay_status assay_ceilings_create(assay_error *err, assay_ceilings **ceilings);
/* Copies `row` and its texts. */
assay_status assay_ceilings_add(assay_ceilings *ceilings, const assay_ceiling *row, assay_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Allocation counts of this process, from the preloaded counter library (src/observe/preload). */
#ifndef ASSAY_BENCH_ALLOCATIONS_H
#define ASSAY_BENCH_ALLOCATIONS_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct assay_allocations {
  uint64_t count, bytes; /* of all threads since the start; bytes as asked for */
} assay_allocations;

/* In a fresh process: whether allocations are counted here; when not, `cause` says why. */
bool assay_allocations_counted(char *cause, size_t size);
/* Only when they are counted. */
assay_allocations assay_allocations_read(void);

/* In the parent: path of the library to preload, NULL when that cannot be done, and then `cause` says why. Free with assay_free. */
char *assay_allocations_library(char *cause, size_t size);

#endif

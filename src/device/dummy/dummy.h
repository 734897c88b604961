/* SPDX-License-Identifier: MIT */
/*
 * A device for tests: what goes wrong on a GPU goes wrong here. Its memory is not the host's, commands run only when somebody waits for
 * them, fresh memory holds garbage, and it fails on demand.
 *
 * ASSAY_DUMMY, a comma list, says how: memory=BYTES (of the device; default 64 MiB), alloc=N (the N-th and all later allocations of the
 * device fail), launch=N (the device is lost at the N-th launch), launch_memory=N (the N-th launch runs out of memory), sync=N (it is lost
 * at the N-th wait), rank=N (auto takes it at that rank), open=0 (it does not open),
 * absent=1 (it is not there).
 */
#ifndef ASSAY_DEVICE_DUMMY_DUMMY_H
#define ASSAY_DEVICE_DUMMY_DUMMY_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct assay_dummy_options {
  uint64_t memory;
  uint64_t alloc, launch, launch_memory, sync; /* 0: never */
  uint64_t rank, open, absent;
} assay_dummy_options;

/* NULL text: the defaults. */
assay_status assay_dummy_parse(const char *text, assay_error *err, assay_dummy_options *options);

#endif

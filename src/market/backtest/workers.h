/* SPDX-License-Identifier: MIT */
/*
 * Work in processes: items 0 to count - 1, each filling a cell of fixed size. An item that crashes or takes too long loses its own cell and
 * nothing else; the process that it was in is replaced, and goes on behind it. Which process does an item says nothing about its result.
 */
#ifndef ASSAY_MARKET_WORKERS_H
#define ASSAY_MARKET_WORKERS_H

#include <assay/status.h>

#include <stdbool.h>

/* Open: not done when all was stopped. */
typedef enum assay_work_state { ASSAY_WORK_OPEN, ASSAY_WORK_DONE, ASSAY_WORK_CRASHED, ASSAY_WORK_TIMED_OUT } assay_work_state;

typedef struct assay_work {
  size_t count, cell_bytes;
  unsigned workers;         /* 0: as many as there are CPUs for */
  double seconds;           /* an item may take; 0: any time */
  bool here;                /* no processes: in this one, one after the other, without protection */
  const volatile int *stop; /* not 0: what is not done stays open. May be NULL; else signals that say stop are for this process alone */
  void *user;
  void (*begin)(void *user, void **context); /* in each process, before its first item; may be NULL */
  void (*end)(void *context);
  void (*item)(void *user, void *context, size_t index, void *cell);
} assay_work;

/* cells: count x cell_bytes, zeroed by the caller and of any memory; states and signals (what ended the process) one an item. */
assay_status assay_work_run(const assay_work *work, assay_error *err, void *cells, unsigned char *states, unsigned char *signals);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Whether a ceiling can be believed. Noise only ever makes a limit look worse than it is. So a row whose best repetitions differ, or that
 * comes out worse than one that it cannot be worse than, is measured again; within bounds, since a busy machine may never be quiet. What
 * stays so is called doubtful in its detail.
 */
#ifndef ASSAY_CEILINGS_CONFIRM_H
#define ASSAY_CEILINGS_CONFIRM_H

#include "machine/ceilings/probes.h"

typedef struct assay_confirm {
  assay_ceilings_run *run;
  uint64_t left_ns;     /* that repeating may still take */
  uint64_t deadline_ns; /* by assay_os_now_ns: nothing is repeated after it */
} assay_confirm;

/* From `start_ns` on: quick 4 s of repeating, none after 20 s in all; full 12 s and 75 s. */
void assay_confirm_init(assay_confirm *confirm, assay_ceilings_run *run, uint64_t start_ns);

/* Measures a row, up to three times while its best repetitions differ, and keeps the best. */
void assay_confirm_measure(assay_confirm *confirm, assay_probe probe, const assay_probe_args *args, assay_ceiling *row);

/* Measures the row again whose name, unit and direction stand. */
typedef void (*assay_confirm_again)(void *user, assay_ceiling *row);

/* Measures again, up to twice, what is worse in the set than it can be beside the others. */
void assay_confirm_orders(assay_confirm *confirm, assay_confirm_again again, void *user);

#endif

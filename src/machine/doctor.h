/* SPDX-License-Identifier: MIT */
/* What makes numbers noisy, from any tree of /proc and /sys: the live one, or one that a test made. */
#ifndef ASSAY_MACHINE_DOCTOR_H
#define ASSAY_MACHINE_DOCTOR_H

#include <assay/machine.h>

#include "machine/source.h"

/* CPU time of one process so far. */
typedef struct assay_doctor_process {
  uint64_t pid, ticks;
  char name[32];
} assay_doctor_process;

/* CPU time of everything at one moment, in the kernel's ticks. */
typedef struct assay_doctor_sample {
  assay_doctor_process *processes; /* in the arena */
  size_t count;
  uint64_t all_ticks, steal_ticks; /* of all CPUs */
  bool has_totals;
} assay_doctor_sample;

void assay_doctor_take(const assay_source *source, assay_arena *arena, assay_doctor_sample *sample);

/* Adds all rows. `before` and `after` are two samples some time apart; `machine` gives what detection knows. */
assay_status assay_doctor_examine(const assay_machine *machine, const assay_source *source, assay_arena *arena,
                                  const assay_doctor_sample *before, const assay_doctor_sample *after, assay_check_list *checks,
                                  assay_error *err);

#endif

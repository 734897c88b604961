/* SPDX-License-Identifier: MIT */
/* The machine against itself: what it claims beside what was measured on it. */
#ifndef ASSAY_MACHINE_VALIDATE_H
#define ASSAY_MACHINE_VALIDATE_H

#include <assay/machine.h>

#include "base/arena.h"

/* Adds the rows. Texts may live in `arena` until then. Takes about a tenth of a second. */
assay_status assay_machine_validate(const assay_machine *machine, const assay_ceilings *ceilings, assay_arena *arena,
                                    assay_check_list *checks, assay_error *err);

#endif

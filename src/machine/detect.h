/* SPDX-License-Identifier: MIT */
#ifndef ASSAY_MACHINE_DETECT_H
#define ASSAY_MACHINE_DETECT_H

#include "machine/facts.h"

/* Runs every component that supports the source. */
assay_status assay_detect_from(const assay_source *source, assay_error *err, assay_machine **machine);
/* Refuses facts that no machine has, and a capture that tells nothing (plausible.c). */
assay_status assay_plausible(const assay_machine *machine, const assay_source *source, assay_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* The cache file of a machine's ceilings, ceilings-<machine id>.json. */
#ifndef ASSAY_CEILINGS_CACHE_H
#define ASSAY_CEILINGS_CACHE_H

#include "machine/ceilings/set.h"

/* Writes machine, kernel, microcode, CPUs and version into a set that is being measured. */
void assay_ceilings_identify(assay_ceilings *ceilings, const assay_machine *machine);
/* ASSAY_ERR_NOT_FOUND when there is no file; another error when there is one that is torn, or of other conditions. */
assay_status assay_ceilings_cache_load(const assay_machine *machine, assay_error *err, assay_ceilings **ceilings);
assay_status assay_ceilings_cache_store(const assay_ceilings *ceilings, assay_error *err);
/* What makes `read` unusable for the machine, kernel and CPUs of `now`; NULL when it may be used. */
const char *assay_ceilings_stale(const assay_ceilings *read, const assay_ceilings *now);

#endif

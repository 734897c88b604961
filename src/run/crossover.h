/* SPDX-License-Identifier: MIT */
/* From measured curves to advice: pure, so that it can be tested without devices. */
#ifndef ASSAY_RUN_CROSSOVER_H
#define ASSAY_RUN_CROSSOVER_H

#include <assay/crossover.h>

#include "base/arena.h"

/* One advice for each operation and type of the curves, in their order; the arrays live in the arena. ASSAY_ERR_NO_MEMORY only. */
assay_status assay_crossover_advise(const assay_crossover_curve *curves, size_t count, assay_arena *storage,
                                    const assay_crossover_advice **advice, size_t *advice_count);

#endif

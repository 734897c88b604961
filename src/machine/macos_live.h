/* SPDX-License-Identifier: MIT */
#ifndef ASSAY_MACHINE_MACOS_LIVE_H
#define ASSAY_MACHINE_MACOS_LIVE_H

#include "machine/source.h"

/* Compiled on macOS only. The pairs live in the arena. */
assay_status assay_macos_read(assay_arena *arena, assay_error *err, assay_source *source);

#endif

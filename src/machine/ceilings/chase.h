/* SPDX-License-Identifier: MIT */
/* A pointer chase: `lines` lines of ASSAY_CHASE_LINE bytes, each holding the address of another, all in one cycle. */
#ifndef ASSAY_CEILINGS_CHASE_H
#define ASSAY_CEILINGS_CHASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__APPLE__) && defined(__aarch64__)
enum { ASSAY_CHASE_LINE = 128 };
#else
enum { ASSAY_CHASE_LINE = 64 };
#endif

/* `memory` is aligned to pointers; the same seed gives the same cycle. */
void assay_chase_build(void *memory, size_t lines, uint64_t seed);
/* Where `steps` loads after `start` lead. */
void *assay_chase_follow(void *start, size_t steps);

#endif

/* SPDX-License-Identifier: MIT */
/* What the kernel of keep.c takes and gives. */
#ifndef ASSAY_KERNELS_RISK_KEEP_H
#define ASSAY_KERNELS_RISK_KEEP_H

#if !defined(REAL_BITS)
#include "kernels/types.h"
#endif

/*
 * risk_keep: copies what is at most `limit`. Group g looks at `each` * GROUP_SIZE values from begin + g * each * GROUP_SIZE on (none from
 * `count` on); what item i keeps begins at kept[(g * GROUP_SIZE + i) * each], in any order, and counts[g * GROUP_SIZE + i] says how many
 * these are: RISK_KEEP_BAD when a value was NaN or infinite. Lanes keep everything of a group with item 0; they may write 8 values behind
 * what they keep. What is kept together is the same everywhere, which item keeps it is not.
 */
#define RISK_KEEP_BAD 0xFFFFFFFFu

typedef struct risk_keep_params {
  u64 count, begin;
  double limit;
  u32 each, unused;
} risk_keep_params;

#endif

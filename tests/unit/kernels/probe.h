/* SPDX-License-Identifier: MIT */
/* Kernels of the tests alone: the elementary functions and random numbers laid bare. */
#ifndef ASSAY_TEST_PROBE_H
#define ASSAY_TEST_PROBE_H

#include "kernels/random_key.h"

typedef struct probe_params {
  u32 function, items;
  u32 first, c1, c2, c3; /* item i draws from the counter (c2, c1, c3, first + i) */
  random_key key;
} probe_params;

/* Of in[item]: out[item], and for two results out[items + item]. */
enum { PROBE_EXP, PROBE_EXP2, PROBE_LOG, PROBE_MINUS_2_LOG, PROBE_SINCOS, PROBE_SQRT, PROBE_DIVIDE, PROBE_FUNCTIONS };

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Every indicator's step as a function of its own (stream.h). A kernel copies its parameters, divides the number of rows by each period and
 * looks for its item, which for one row of one series is five times the step.
 */
#include "kernels/indicators/common.h"

#include "kernels/indicators/stream.h"

#undef INDICATOR
#undef INDICATOR_OF_REGISTERS
#undef INDICATOR_IN_BATCHES
#undef INDICATOR_CARRIED
#undef INDICATOR_CARRIED_OF_REGISTERS
#define INDICATOR(kernel, name, inputs, outputs) INDICATOR_STEP(kernel, name, inputs, outputs)
#define INDICATOR_OF_REGISTERS(kernel, name, inputs, outputs) INDICATOR_STEP(kernel, name, inputs, outputs)
#define INDICATOR_IN_BATCHES(kernel, name, inputs, outputs, usual) INDICATOR_STEP(kernel, name, inputs, outputs)
#define INDICATOR_CARRIED(kernel, name, outputs) INDICATOR_STEP(kernel, name, 1, outputs)
#define INDICATOR_CARRIED_OF_REGISTERS(kernel, name, outputs) INDICATOR_STEP(kernel, name, 1, outputs)

#define INDICATOR_STEP(kernel, name, inputs, outputs)                                                                      \
  INDICATOR_REGISTERS_OF(name)                                                                                             \
  void KERNEL_NAME(kernel)(const indicator_params *restrict params, indicator_rows *restrict rows, double *restrict state, \
                           const double *in, double *out);                                                                 \
  void KERNEL_NAME(kernel)(const indicator_params *restrict params, indicator_rows *restrict rows, double *restrict state, \
                           const double *in, double *out) {                                                                \
    const moment now = {rows->t, {rows->k[0], rows->k[1], rows->k[2], rows->k[3]}};                                        \
    const memory m = {state, 1};                                                                                           \
    name##_state s;                                                                                                        \
    R x[inputs], y[outputs];                                                                                               \
    name##_load(m, 1, &s);                                                                                                 \
    for (u32 j = 0; j < (inputs); j++) x[j] = in[j];                                                                       \
    name##_step(*params, now, &s, behind(m, INDICATOR_REGISTERS), x, y);                                                   \
    for (u32 j = 0; j < (outputs); j++) out[j] = now.t < params->warm[j] ? NOT_A_NUMBER : y[j];                            \
    name##_store(m, s);                                                                                                    \
    rows->t = now.t + 1;                                                                                                   \
    for (u32 j = 0; j < 4; j++) rows->k[j] = now.k[j] + 1 == params->n[j] ? 0 : now.k[j] + 1;                              \
  }                                                                                                                        \
  typedef int name##_is_done

#include "kernels/indicators/averages.c"
#include "kernels/indicators/oscillators.c"
#include "kernels/indicators/trend.c"

/* SPDX-License-Identifier: MIT */
/*
 * Simulated benchmark processes whose true typical value is known: every process has an effect of its own (layout, placement), its samples
 * have noise around that, and what counts is its sample median. Shared by the coverage test and the study behind docs/statistics.md.
 */
#ifndef ASSAY_TEST_PROCESS_MODEL_H
#define ASSAY_TEST_PROCESS_MODEL_H

#include <math.h>

#include "base/random.h"

enum { MODEL_SAMPLES = 15 }; /* odd: the median of exp(x) is exp of the median of x, so the truth stays exact */

typedef enum model_shape { MODEL_NORMAL, MODEL_LOG_NORMAL, MODEL_UNIFORM, MODEL_LAPLACE, MODEL_SLOW_TENTH, MODEL_CLOCK_STEPS } model_shape;

typedef struct process_model {
  const char *name;
  model_shape shape;
  double between, within; /* standard deviations of the two effects, as shares of the true value (of its logarithm for the log-normal) */
} process_model;

/* The median over all processes there could be. */
static const double model_truth = 100;

static inline double model_sample_median(assay_random *random, double sigma) {
  double sorted[MODEL_SAMPLES];
  for (int i = 0; i < MODEL_SAMPLES; i++) {
    double x = sigma * assay_random_normal(random);
    int at = i;
    for (; at > 0 && sorted[at - 1] > x; at--) sorted[at] = sorted[at - 1];
    sorted[at] = x;
  }
  return sorted[MODEL_SAMPLES / 2];
}

static inline double model_process_median(assay_random *random, const process_model *model) {
  double noise = model_sample_median(random, model->within);
  switch (model->shape) {
    case MODEL_NORMAL: return model_truth * (1 + model->between * assay_random_normal(random) + noise);
    case MODEL_LOG_NORMAL: return model_truth * exp(model->between * assay_random_normal(random) + noise);
    case MODEL_UNIFORM: return model_truth * (1 + model->between * sqrt(12) * (assay_random_unit(random) - 0.5) + noise);
    case MODEL_LAPLACE: {
      double u = assay_random_unit(random) - 0.5;
      return model_truth * (1 - copysign(model->between / sqrt(2), u) * log1p(-2 * fabs(u)) + noise);
    }
    case MODEL_SLOW_TENTH: /* every tenth process is ten sigma slower; its sign is drawn, so that the true median stays where it is */
      return model_truth * (1 +
                            model->between * (assay_random_normal(random) +
                                              (assay_random_below(random, 10) == 0 ? (assay_random_below(random, 2) ? 10 : -10) : 0)) +
                            noise);
    case MODEL_CLOCK_STEPS: /* a clock that only knows half a sigma */
      return model_truth * (1 + model->between * 0.5 * round(2 * (assay_random_normal(random) + noise / model->between)));
  }
  return NAN;
}

#endif

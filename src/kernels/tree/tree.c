/* SPDX-License-Identifier: MIT */
#include "kernels/tree/tree.h"

static void european(double *value, size_t count, double rise, double fall) {
  for (size_t j = 0; j < count; j++) value[j] = rise * value[j + 1] + fall * value[j];
}

static void american(double *value, const double *ratio, size_t count, double rise, double fall, double scale, double strike) {
  for (size_t j = 0; j < count; j++) {
    double hold = rise * value[j + 1] + fall * value[j], exercise = scale * ratio[j] - strike;
    value[j] = hold > exercise ? hold : exercise;
  }
}

const assay_tree_functions *assay_tree_functions_best(void) {
  static const assay_tree_functions reference = {european, american};
  return &reference;
}

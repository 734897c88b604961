/* SPDX-License-Identifier: MIT */
/* Built once for each variant (meson.build names ASSAY_VARIANT and its flags): plain loops that the compiler turns into vectors. */
#include "kernels/tree/tree.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define FUNCTIONS JOIN(assay_tree_functions_, ASSAY_VARIANT)

static void european(double *value, size_t begin, size_t end, double rise, double fall) {
  for (size_t j = begin; j < end; j++) value[j] = rise * value[j + 1] + fall * value[j];
}

static void american(double *restrict value, const double *restrict ratio, size_t begin, size_t end, double rise, double fall, double scale,
                     double strike) {
  for (size_t j = begin; j < end; j++) {
    double hold = rise * value[j + 1] + fall * value[j], exercise = scale * ratio[j] - strike;
    value[j] = hold > exercise ? hold : exercise;
  }
}

extern const assay_tree_functions FUNCTIONS;
const assay_tree_functions FUNCTIONS = {european, american};

/* SPDX-License-Identifier: MIT */
#include "kernels/indicators/turn.h"

#include "kernels/variant.h"

#define DECLARE(name, text, needs)                                                      \
  void assay_turn_f64_##name(const double *, size_t, double *, size_t, size_t, size_t); \
  void assay_turn_f32_##name(const float *, size_t, float *, size_t, size_t, size_t);   \
  void assay_copy_past_##name(void *, const void *, size_t);
ASSAY_KERNEL_VARIANTS(DECLARE)
#undef DECLARE

assay_turns assay_turns_best(void) {
#define ROW(name, text, needs) {assay_turn_f64_##name, assay_turn_f32_##name, assay_copy_past_##name},
  static const assay_turns all[] = {ASSAY_KERNEL_VARIANTS(ROW)};
#undef ROW
  return all[assay_kernel_variant_best()];
}

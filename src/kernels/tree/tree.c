/* SPDX-License-Identifier: MIT */
#include "kernels/tree/tree.h"

#include "kernels/variant.h"

#define DECLARE(name, text, needs) extern const assay_tree_functions assay_tree_functions_##name;
ASSAY_KERNEL_VARIANTS(DECLARE)
#undef DECLARE

const assay_tree_functions *assay_tree_functions_variant(size_t variant) {
  static const assay_tree_functions *const variants[] = {
#define ROW(name, text, needs) &assay_tree_functions_##name,
      ASSAY_KERNEL_VARIANTS(ROW)
#undef ROW
  };
  return variants[variant];
}

const assay_tree_functions *assay_tree_functions_best(void) { return assay_tree_functions_variant(assay_kernel_variant_best()); }

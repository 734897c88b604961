/* SPDX-License-Identifier: MIT */
#include "kernels/lattice/lattice.h"

#include "kernels/variant.h"

#define DECLARE(name, text, needs) extern const assay_lattice_functions assay_lattice_functions_##name;
ASSAY_KERNEL_VARIANTS(DECLARE)
#undef DECLARE

const assay_lattice_functions *assay_lattice_functions_variant(size_t variant) {
  static const assay_lattice_functions *const variants[] = {
#define ROW(name, text, needs) &assay_lattice_functions_##name,
      ASSAY_KERNEL_VARIANTS(ROW)
#undef ROW
  };
  return variants[variant];
}

const assay_lattice_functions *assay_lattice_functions_best(void) { return assay_lattice_functions_variant(assay_kernel_variant_best()); }

/* SPDX-License-Identifier: MIT */
/* Which variant runs here, and the types. */
#include <string.h>

#include "kernels/elementwise/variant.h"
#include "kernels/half.h"
#include "kernels/variant.h"

static const assay_elementwise_table *const tables[] = {
#define ROW(name, text, needs) [ASSAY_KERNEL_VARIANT_##name] = &assay_elementwise_##name,
    ASSAY_KERNEL_VARIANTS(ROW)
#undef ROW
};

assay_elementwise_fn assay_elementwise(assay_elementwise_op op, assay_dtype type, const char **isa) {
  size_t variant = assay_kernel_variant_best();
  if (isa != NULL) *isa = assay_kernel_variant_text(variant);
  return tables[variant]->loops[op][type];
}

assay_elementwise_fn assay_elementwise_variant(assay_elementwise_op op, assay_dtype type, size_t index, const char **isa) {
  size_t variant = assay_kernel_variant_usable(index);
  if (variant == ASSAY_KERNEL_VARIANT_COUNT) return NULL;
  if (isa != NULL) *isa = assay_kernel_variant_text(variant);
  return tables[variant]->loops[op][type];
}

static const struct {
  const char *text;
  size_t size;
} types[ASSAY_DTYPE_COUNT] = {[ASSAY_F64] = {"f64", 8}, [ASSAY_F32] = {"f32", 4}, [ASSAY_F16] = {"f16", 2}, [ASSAY_BF16] = {"bf16", 2}};

size_t assay_dtype_size(assay_dtype type) { return types[type].size; }

const char *assay_dtype_text(assay_dtype type) { return types[type].text; }

int assay_dtype_parse(const char *text, assay_dtype *type) {
  for (int i = 0; i < ASSAY_DTYPE_COUNT; i++) {
    if (strcmp(text, types[i].text) != 0) continue;
    *type = (assay_dtype)i;
    return 1;
  }
  return 0;
}

uint16_t assay_f16_from_f32(float value) { return assay_half_to_f16_portable(value); }
float assay_f16_to_f32(uint16_t bits) { return assay_half_from_f16_portable(bits); }
uint16_t assay_bf16_from_f32(float value) { return assay_half_to_bf16(value); }
float assay_bf16_to_f32(uint16_t bits) { return assay_half_from_bf16(bits); }

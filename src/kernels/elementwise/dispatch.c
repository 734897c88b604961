/* SPDX-License-Identifier: MIT */
/* Which variant runs here: the reference first, then every better one that the CPU and the user allow. */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/elementwise/variant.h"
#include "kernels/half.h"
#include "os/isa.h"

typedef struct variant {
  const char *isa;
  uint32_t needs; /* ASSAY_ISA_ bits */
  const assay_elementwise_table *table;
} variant;

/* Ascending: a later row is preferred. A new variant is one declaration in variant.h, one row here and one in meson.build. */
static const variant variants[] = {
    {"c", 0, &assay_elementwise_c},
#if defined(__x86_64__)
    {"sse4.2", ASSAY_ISA_X86_64_V2, &assay_elementwise_sse42},
    {"avx2", ASSAY_ISA_X86_64_V3, &assay_elementwise_avx2},
    {"avx512", ASSAY_ISA_X86_64_V4, &assay_elementwise_avx512},
#elif defined(__aarch64__)
    {"neon", ASSAY_ISA_NEON, &assay_elementwise_neon},
#endif
};

enum { VARIANTS = sizeof variants / sizeof *variants };

/* Is `name` one of the comma-separated `list`? */
static bool listed(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *p = list; p != NULL && *p != '\0'; p = strchr(p, ',')) {
    if (*p == ',') p++;
    if (strncmp(p, name, length) == 0 && (p[length] == ',' || p[length] == '\0')) return true;
  }
  return false;
}

static const variant *chosen = variants;
static pthread_once_t choose_once = PTHREAD_ONCE_INIT;

static void choose(void) {
  const char *allowed = getenv("ASSAY_ISA");
  uint32_t have = assay_isa_usable();
  for (size_t i = 0; i < VARIANTS; i++) {
    if ((variants[i].needs & ~have) == 0 && (allowed == NULL || listed(allowed, variants[i].isa))) chosen = &variants[i];
  }
}

assay_elementwise_fn assay_elementwise(assay_elementwise_op op, assay_dtype type, const char **isa) {
  pthread_once(&choose_once, choose);
  if (isa != NULL) *isa = chosen->isa;
  return chosen->table->loops[op][type];
}

assay_elementwise_fn assay_elementwise_variant(assay_elementwise_op op, assay_dtype type, size_t index, const char **isa) {
  uint32_t have = assay_isa_usable();
  for (size_t i = 0, usable = 0; i < VARIANTS; i++) {
    if ((variants[i].needs & ~have) != 0 || usable++ != index) continue;
    if (isa != NULL) *isa = variants[i].isa;
    return variants[i].table->loops[op][type];
  }
  return NULL;
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

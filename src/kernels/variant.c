/* SPDX-License-Identifier: MIT */
#include "kernels/variant.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/isa.h"

static const struct {
  const char *text;
  uint32_t needs;
} variants[] = {
#define ROW(name, text, needs) {text, needs},
    ASSAY_KERNEL_VARIANTS(ROW)
#undef ROW
};

/* The compilers' levels, and the last variant that each has. */
static const struct {
  const char *text;
  uint32_t has;
} levels[] = {
    {"x86-64", 0},
    {"x86-64-v2", ASSAY_ISA_X86_64_V2},
    {"x86-64-v3", ASSAY_ISA_X86_64_V3},
    {"x86-64-v4", ASSAY_ISA_X86_64_V4},
};

static bool is(const char *word, size_t length, const char *text) { return strlen(text) == length && strncmp(word, text, length) == 0; }

/* Which variants a word of ASSAY_ISA allows, as bits; 0: it is no name. */
static unsigned allowed_by(const char *word, size_t length) {
  unsigned found = 0;
  for (size_t i = 0; i < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    if (is(word, length, variants[i].text)) found |= 1u << i;
  }
#if defined(__x86_64__)
  for (size_t k = 0; k < sizeof levels / sizeof *levels; k++) {
    for (size_t i = 0; i < ASSAY_KERNEL_VARIANT_COUNT && is(word, length, levels[k].text); i++) {
      if ((variants[i].needs & ~levels[k].has) == 0) found |= 1u << i;
    }
  }
#endif
  return found;
}

/* All that ASSAY_ISA allows. *unknown (NULL: not wanted): the first word that is no name, *length characters of it. */
static unsigned allowed(const char *list, const char **unknown, size_t *length) {
  unsigned found = 0;
  for (const char *at = list; at != NULL && *at != '\0';) {
    size_t part = strcspn(at, ",");
    unsigned by = allowed_by(at, part);
    if (by == 0 && part > 0 && unknown != NULL && *unknown == NULL) *unknown = at, *length = part;
    found |= by;
    at += part;
    if (*at == ',') at++;
  }
  return found != 0 ? found : ~0u;
}

static size_t best;
static pthread_once_t choose_once = PTHREAD_ONCE_INIT;

static void choose(void) {
  unsigned may = allowed(getenv("ASSAY_ISA"), NULL, NULL);
  uint32_t have = assay_isa_usable();
  for (size_t i = 0; i < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    if ((variants[i].needs & ~have) == 0 && (may >> i & 1) != 0) best = i;
  }
}

assay_status assay_kernel_variant_check(assay_error *err) {
  const char *unknown = NULL;
  size_t length = 0;
  allowed(getenv("ASSAY_ISA"), &unknown, &length);
  if (unknown == NULL) return ASSAY_OK;
  char names[160] = "";
  size_t used = 0;
  for (size_t i = 0; i < ASSAY_KERNEL_VARIANT_COUNT; i++)
    used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", variants[i].text);
#if defined(__x86_64__)
  snprintf(names + used, sizeof names - used, ", x86-64-v2, x86-64-v3, x86-64-v4");
#endif
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ASSAY_ISA: '%.*s' is no instruction set; known are %s", (int)(length < 40 ? length : 40),
                    unknown, names);
}

size_t assay_kernel_variant_best(void) {
  pthread_once(&choose_once, choose);
  return best;
}

size_t assay_kernel_variant_usable(size_t index) {
  uint32_t have = assay_isa_usable();
  for (size_t i = 0; i < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    if ((variants[i].needs & ~have) == 0 && index-- == 0) return i;
  }
  return ASSAY_KERNEL_VARIANT_COUNT;
}

const char *assay_kernel_variant_text(size_t variant) { return variants[variant].text; }

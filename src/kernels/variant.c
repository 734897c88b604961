/* SPDX-License-Identifier: MIT */
#include "kernels/variant.h"

#include <pthread.h>
#include <stdbool.h>
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

/* Is `name` one of the comma-separated `list`? */
static bool listed(const char *list, const char *name) {
  size_t length = strlen(name);
  for (const char *p = list; p != NULL && *p != '\0'; p = strchr(p, ',')) {
    if (*p == ',') p++;
    if (strncmp(p, name, length) == 0 && (p[length] == ',' || p[length] == '\0')) return true;
  }
  return false;
}

static size_t best;
static pthread_once_t choose_once = PTHREAD_ONCE_INIT;

static void choose(void) {
  const char *allowed = getenv("ASSAY_ISA");
  uint32_t have = assay_isa_usable();
  for (size_t i = 0; i < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    if ((variants[i].needs & ~have) == 0 && (allowed == NULL || listed(allowed, variants[i].text))) best = i;
  }
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

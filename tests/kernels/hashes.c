/* SPDX-License-Identifier: MIT */
/*
 * hashes [N]: runs every case (the first N) of every kernel (tests/support/kernel_cases.h) in every variant that this processor has, and
 * prints one line a case: kernel, case, and a hash of what it wrote. Exit code 1 when a variant differs from the scalar reference. No test
 * library: it is cross-compiled and carried to other machines, whose output must be the same lines.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_cases.h"

static unsigned long long hash(const kernel_case *made, void *const *buffers) {
  unsigned long long h = 0xCBF29CE484222325u; /* FNV-1a */
  for (unsigned b = 0; b < made->kernel->buffers; b++) {
    if (made->own >> b & 1) continue;
    for (size_t i = 0; i < made->bytes[b]; i++) h = (h ^ ((const unsigned char *)buffers[b])[i]) * 0x100000001B3u;
  }
  return h;
}

/* Sums of paths are numbers, whatever a path comes to. */
static bool has_nan(const kernel_case *made, void *const *buffers) {
  const char *name = made->kernel->name;
  bool sums = strncmp(name, "mc_", 3) == 0 && strncmp(name, "mc_paths", 8) != 0 && strncmp(name, "mc_ends", 7) != 0;
  if (!sums || strncmp(name, "mc_sobol", 8) == 0) return false;
  const double *values = buffers[0];
  for (size_t i = 0; i < made->bytes[0] / sizeof *values; i++)
    if (values[i] != values[i]) return true;
  return false;
}

static unsigned long long run(const kernel_case *made, size_t variant, bool *nan) {
  void *buffers[ASSAY_KERNEL_MAX_BUFFERS] = {0};
  for (unsigned b = 0; b < made->kernel->buffers; b++) {
    buffers[b] = malloc(made->bytes[b] + 1);
    if (buffers[b] == NULL) exit(2);
    memcpy(buffers[b], made->buffers[b], made->bytes[b]);
  }
  kernel_case_run(made, variant, buffers);
  kernel_case_settle(made, buffers);
  unsigned long long h = hash(made, buffers);
  *nan = has_nan(made, buffers);
  for (unsigned b = 0; b < made->kernel->buffers; b++) free(buffers[b]);
  return h;
}

int main(int argc, char **argv) {
  size_t most = argc > 1 ? (size_t)strtoul(argv[1], NULL, 10) : SIZE_MAX;
  size_t count;
  const assay_kernel *kernels = assay_kernel_table(&count);
  int differ = 0;
  for (size_t v = 0; assay_kernel_variant_usable(v) < ASSAY_KERNEL_VARIANT_COUNT; v++)
    fprintf(stderr, "variant %s\n", assay_kernel_variant_text(assay_kernel_variant_usable(v)));
  for (size_t k = 0; k < count; k++) {
    kernel_case made;
    for (size_t index = 0; index < most && kernel_case_make(&kernels[k], index, &made); index++) {
      bool nan;
      unsigned long long reference = run(&made, ASSAY_KERNEL_VARIANT_c, &nan);
      if (nan) fprintf(stderr, "%s, case %zu: a sum is NaN\n", kernels[k].name, index), differ = 1;
      printf("%s %zu %016llx\n", kernels[k].name, index, reference);
      for (size_t v = 1; assay_kernel_variant_usable(v) < ASSAY_KERNEL_VARIANT_COUNT; v++) {
        size_t variant = assay_kernel_variant_usable(v);
        if (run(&made, variant, &nan) == reference) continue;
        fprintf(stderr, "%s, case %zu: %s differs from c\n", kernels[k].name, index, assay_kernel_variant_text(variant));
        differ = 1;
      }
      kernel_case_free(&made);
    }
  }
  return differ;
}

/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel_cases.h"
#include "kernels/montecarlo/european.h"

/* What a row fills in: `bits` of the kernel, `index` of the case. False: no more. */
typedef bool (*fill_fn)(unsigned bits, size_t index, kernel_case *made);

static void *doubles(kernel_case *made, int place, size_t count) {
  made->bytes[place] = count * sizeof(double);
  made->buffers[place] = calloc(count, sizeof(double));
  return made->buffers[place];
}

/* Few and many groups; a last draw that is not full, down to one path. */
static bool european(size_t index, kernel_case *made, size_t sums) {
  static const struct {
    u64 paths;
    u32 groups;
  } rows[] = {{1, 1}, {100000, 7}, {262144, 33}, {999999, 64}};
  if (index >= sizeof rows / sizeof *rows) return false;
  u64 at_once = (u64)rows[index].groups * ASSAY_KERNEL_GROUP_SIZE * 4;
  mc_european_params p = {.paths = rows[index].paths,
                          .draws = (u32)((rows[index].paths + at_once - 1) / at_once),
                          .groups = rows[index].groups,
                          .full = (u32)(rows[index].paths / at_once),
                          .key = random_key_make(42, 7),
                          .drift = 0.01,
                          .width = 0.3,
                          .scale = index % 2 == 0 ? 100 : -100,
                          .shift = index % 2 == 0 ? -105 : 95};
  memcpy(made->params, &p, sizeof p);
  made->groups = p.groups;
  doubles(made, 0, sums * p.groups);
  return true;
}

static bool mc_european(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return european(index, made, MC_EUROPEAN_SUMS);
}
static bool mc_european_greeks(unsigned bits, size_t index, kernel_case *made) {
  (void)bits;
  return european(index, made, MC_EUROPEAN_GREEKS_SUMS);
}

static const struct {
  const char *kernel; /* without precision */
  fill_fn fill;
} rows[] = {
    {"mc_european", mc_european},
    {"mc_european_greeks", mc_european_greeks},
};

bool kernel_case_make(const assay_kernel *kernel, size_t index, kernel_case *made) {
  size_t length = strlen(kernel->name) - strlen("_f32");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (strlen(rows[i].kernel) != length || strncmp(rows[i].kernel, kernel->name, length) != 0) continue;
    *made = (kernel_case){.kernel = kernel};
    return rows[i].fill(kernel->bits, index, made);
  }
  return false;
}

void kernel_case_free(kernel_case *made) {
  for (size_t i = 0; i < ASSAY_KERNEL_MAX_BUFFERS; i++) free(made->buffers[i]);
}

void kernel_case_run(const kernel_case *made, size_t variant, void *const *buffers) {
  made->kernel->variants[variant](made->params, buffers, 0, made->groups);
}

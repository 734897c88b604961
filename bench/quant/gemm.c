/* SPDX-License-Identifier: MIT */
/* Matrix products of 2048 by each library that is here, in turns, beside the multiply-adds that this core can do. One thread, best of the
 * turns. */
#include <assay/gemm.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "figure.h"

enum { N = 2048, ROUNDS = 2 };

static void fill(void *data, assay_dtype type) {
  for (size_t i = 0; i < (size_t)N * N; i++) {
    double value = (double)(i * 2654435761u % 1000) / 1000 - 0.5;
    if (type == ASSAY_F64) ((double *)data)[i] = value;
    if (type == ASSAY_F32) ((float *)data)[i] = (float)value;
  }
}

static void measure(assay_dtype type, const char *what, const char *peak_name) {
  assay_gemm_args args = {.type = type, .m = N, .n = N, .k = N, .alpha = 1};
  size_t bytes = (size_t)N * N * assay_dtype_size(type);
  void *a = aligned_alloc(64, bytes), *b = aligned_alloc(64, bytes), *c = aligned_alloc(64, bytes);
  if (a == NULL || b == NULL || c == NULL) exit(EXIT_FAILURE);
  fill(a, type);
  fill(b, type);
  args.a = a, args.b = b, args.c = c;
  double best_ns[ASSAY_GEMM_LIBRARY_COUNT], ceiling = 0;
  for (int i = 0; i < ASSAY_GEMM_LIBRARY_COUNT; i++) best_ns[i] = INFINITY;
  for (int round = 0; round < ROUNDS; round++) {
    for (int library = ASSAY_GEMM_BUILTIN; library < ASSAY_GEMM_LIBRARY_COUNT; library++) {
      uint64_t begin = figure_now_ns();
      if (assay_gemm(&args, (assay_gemm_library)library, NULL) != ASSAY_OK) continue;
      best_ns[library] = fmin(best_ns[library], (double)(figure_now_ns() - begin));
    }
    ceiling = fmax(ceiling, figure_fma_gflops(assay_dtype_text(type), NULL));
  }
  const assay_gemm_chosen *chosen = assay_gemm_choice(type);
  double best = INFINITY, flops = 2.0 * N * N * N;
  char note[400] = "";
  for (int library = ASSAY_GEMM_BUILTIN; library < ASSAY_GEMM_LIBRARY_COUNT; library++) {
    if (best_ns[library] == INFINITY) continue;
    if (library != ASSAY_GEMM_BUILTIN) best = fmin(best, best_ns[library]);
    size_t used = strlen(note);
    snprintf(note + used, sizeof note - used, "%s%s %.1f", used > 0 ? ", " : "", assay_gemm_library_name((assay_gemm_library)library, NULL),
             flops / best_ns[library]);
  }
  figure(peak_name, ceiling, "GFLOP/s", "independent multiply-adds in registers");
  figure_beside(what, flops / best_ns[chosen->library], "GFLOP/s", ceiling, note);
  if (best < INFINITY) {
    char share[40];
    snprintf(share, sizeof share, "%s_of_best", what);
    figure(share, best / best_ns[chosen->library], "ratio", chosen->name);
  }
  free(a);
  free(b);
  free(c);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  /* Somebody else's choice of kernels would be measured, and not what a library can do here. */
  unsetenv("OPENBLAS_CORETYPE");
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  measure(ASSAY_F32, "sgemm_2048", "fma_f32");
  measure(ASSAY_F64, "dgemm_2048", "fma_f64");
  return figure_end();
}

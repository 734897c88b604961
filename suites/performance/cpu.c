/* SPDX-License-Identifier: MIT */
/* What one core of each class does: integers, floating point near its FMA limit, unpredictable branches, byte hashing. */
#include <assay/bench.h>
#include <assay/machine.h>

#include <stdlib.h>
#include <string.h>

/* Moves this thread to the cores that the parameter names; false (and said) where the machine has none of that class. */
static bool run_on_cores(assay_bench *b) {
  assay_error err = {0};
  assay_machine *machine = NULL;
  assay_core_class cores = strcmp(assay_bench_text(b, "cores"), "efficiency") == 0 ? ASSAY_CORES_EFFICIENCY : ASSAY_CORES_PERFORMANCE;
  assay_status status = assay_machine_detect(NULL, &err, &machine);
  if (status == ASSAY_OK) status = assay_machine_run_on(machine, cores, &err);
  if (status != ASSAY_OK) assay_bench_unsupported(b, "%s", err.message);
  assay_machine_destroy(machine);
  return status == ASSAY_OK;
}

#define CORE_CLASSES \
  { "cores", "performance,efficiency" }

/* Proves the harness: what is left when there is nothing to measure. */
ASSAY_BENCH(null, .suite = "performance", .summary = "nothing at all: the loop's own cost, below 0.3 ns", .ceiling = "") {
  ASSAY_LOOP(b) assay_keep_memory();
}

ASSAY_BENCH(cpu_integer, .suite = "performance", .summary = "dependent multiply, add and shift on 64-bit integers",
            .params = {CORE_CLASSES}) {
  if (!run_on_cores(b)) return;
  uint64_t x = assay_bench_seed(b);
  ASSAY_LOOP(b) {
    x = x * 6364136223846793005u + 1442695040888963407u;
    x ^= x >> 29;
    assay_keep(x);
  }
  assay_bench_items(b, 1);
}

/*
 * A polynomial of degree 16 by Horner's rule over an array in L1: nothing but fused multiply-adds, so it comes near the machine's FLOP/s
 * limit where the widest vectors are used. One copy of the loop for each instruction set, chosen when the benchmark starts.
 */
enum { DEGREE = 16, POINTS = 1024 };

#define DEFINE_POLYNOMIAL(name, type, target, FMA)                    \
  target static void name(type *out, const type *in, const type *c) { \
    for (int i = 0; i < POINTS; i++) {                                \
      type x = in[i], y = c[DEGREE];                                  \
      for (int k = DEGREE - 1; k >= 0; k--) y = FMA(y, x, c[k]);      \
      out[i] = y;                                                     \
    }                                                                 \
  }

#define UNFUSED(a, b, c) ((a) * (b) + (c))
#if defined(__clang__)
#define VECTORISED
#define WIDEST "avx512f"
#else
#define WIDEST "avx512f,prefer-vector-width=512"
#define VECTORISED __attribute__((optimize("O3")))
#endif

#if defined(__x86_64__)
DEFINE_POLYNOMIAL(polynomial_f64_avx2, double, __attribute__((target("avx2,fma"))) VECTORISED, __builtin_fma)
DEFINE_POLYNOMIAL(polynomial_f32_avx2, float, __attribute__((target("avx2,fma"))) VECTORISED, __builtin_fmaf)
DEFINE_POLYNOMIAL(polynomial_f64_avx512, double, __attribute__((target(WIDEST))) VECTORISED, __builtin_fma)
DEFINE_POLYNOMIAL(polynomial_f32_avx512, float, __attribute__((target(WIDEST))) VECTORISED, __builtin_fmaf)
DEFINE_POLYNOMIAL(polynomial_f64_base, double, VECTORISED, UNFUSED)
DEFINE_POLYNOMIAL(polynomial_f32_base, float, VECTORISED, UNFUSED)
#define CHOOSE(type)                                                                              \
  (__builtin_cpu_supports("avx512f")                                 ? polynomial_##type##_avx512 \
   : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? polynomial_##type##_avx2   \
                                                                     : polynomial_##type##_base)
#else
DEFINE_POLYNOMIAL(polynomial_f64_base, double, VECTORISED, __builtin_fma)
DEFINE_POLYNOMIAL(polynomial_f32_base, float, VECTORISED, __builtin_fmaf)
#define CHOOSE(type) polynomial_##type##_base
#endif

ASSAY_BENCH(cpu_float, .suite = "performance", .summary = "polynomial of degree 16 over an array in L1",
            .params = {{"type", "f64,f32"}, CORE_CLASSES}) {
  if (!run_on_cores(b)) return;
  static double in64[POINTS], out64[POINTS], c64[DEGREE + 1];
  static float in32[POINTS], out32[POINTS], c32[DEGREE + 1];
  for (int i = 0; i < POINTS; i++) in32[i] = (float)(in64[i] = (i - POINTS / 2) / (double)POINTS);
  for (int k = 0; k <= DEGREE; k++) c32[k] = (float)(c64[k] = 1.0 / (k + 1));
  const char *type = assay_bench_text(b, "type");
  if (strcmp(type, "f64") == 0) {
    void (*polynomial)(double *, const double *, const double *) = CHOOSE(f64);
    ASSAY_LOOP(b) {
      polynomial(out64, in64, c64);
      assay_keep_memory();
    }
  } else {
    void (*polynomial)(float *, const float *, const float *) = CHOOSE(f32);
    ASSAY_LOOP(b) {
      polynomial(out32, in32, c32);
      assay_keep_memory();
    }
  }
  assay_bench_items(b, POINTS);
  assay_bench_flops(b, 2.0 * DEGREE * POINTS, type);
}

static int compare_u32(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

ASSAY_BENCH(cpu_branches, .suite = "performance", .summary = "qsort of 4096 random numbers: branches that nothing predicts",
            .params = {CORE_CLASSES}) {
  if (!run_on_cores(b)) return;
  enum { COUNT = 4096 };
  static uint32_t unsorted[COUNT], work[COUNT];
  uint64_t x = assay_bench_seed(b) | 1;
  for (int i = 0; i < COUNT; i++) unsorted[i] = (uint32_t)((x = x * 6364136223846793005u + 1442695040888963407u) >> 32);
  ASSAY_LOOP(b) {
    memcpy(work, unsorted, sizeof work);
    qsort(work, COUNT, sizeof *work, compare_u32);
    assay_keep_memory();
  }
  assay_bench_items(b, COUNT);
}

ASSAY_BENCH(cpu_hash, .suite = "performance", .summary = "FNV-1a over 4 KiB, a byte at a time", .params = {CORE_CLASSES}) {
  if (!run_on_cores(b)) return;
  static unsigned char bytes[4096];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 31);
  ASSAY_LOOP(b) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < sizeof bytes; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    assay_keep(hash);
  }
  assay_bench_items(b, sizeof bytes);
}

/* The same arithmetic on more and more cores at once: what the machine gives in all. */
ASSAY_BENCH(cpu_scaling, .suite = "performance", .summary = "the polynomial on 1 to all CPUs at once",
            .params = {{"threads", "1..cpus*2"}}) {
  float in[POINTS], out[POINTS], c[DEGREE + 1];
  for (int i = 0; i < POINTS; i++) in[i] = (float)i / POINTS;
  for (int k = 0; k <= DEGREE; k++) c[k] = 1.0f / (float)(k + 1);
  void (*polynomial)(float *, const float *, const float *) = CHOOSE(f32);
  ASSAY_LOOP(b) {
    polynomial(out, in, c);
    assay_keep(out[0]);
  }
  assay_bench_items(b, POINTS);
  assay_bench_flops(b, 2.0 * DEGREE * POINTS, "f32");
}

/* SPDX-License-Identifier: MIT */
/* The elementary functions keep their stated errors, Philox gives its known answers, and every instruction set gives the same bits. */
#include <math.h>

#include "base/random.h"
#include "kernels/kernel.h"
#include "kernels/types.h"

#include "kernels/montecarlo/european.h"
#include "probe.h"
#include "test.h"

#define DECLARE(variant, text, needs)                                                        \
  void assay_kernel_probe_f32_##variant(const void *, void *const *, size_t, size_t);        \
  void assay_kernel_probe_f64_##variant(const void *, void *const *, size_t, size_t);        \
  void assay_kernel_probe_random_f32_##variant(const void *, void *const *, size_t, size_t); \
  void assay_kernel_probe_random_f64_##variant(const void *, void *const *, size_t, size_t);
ASSAY_KERNEL_VARIANTS(DECLARE)

#define PROBE_32(variant, text, needs) assay_kernel_probe_f32_##variant,
#define PROBE_64(variant, text, needs) assay_kernel_probe_f64_##variant,
#define RANDOM_32(variant, text, needs) assay_kernel_probe_random_f32_##variant,
#define RANDOM_64(variant, text, needs) assay_kernel_probe_random_f64_##variant,
static const assay_kernel_fn probes[2][ASSAY_KERNEL_VARIANT_COUNT] = {{ASSAY_KERNEL_VARIANTS(PROBE_32)}, {ASSAY_KERNEL_VARIANTS(PROBE_64)}};
static const assay_kernel_fn randoms[2][ASSAY_KERNEL_VARIANT_COUNT] = {{ASSAY_KERNEL_VARIANTS(RANDOM_32)},
                                                                       {ASSAY_KERNEL_VARIANTS(RANDOM_64)}};

enum { ITEMS = 256 * 256 };

typedef struct domain {
  const char *name;
  double low, high;
  bool logarithmic;
  long double (*truth)(long double x);
  double ulps[2]; /* of f32 and f64 */
} domain;

static long double exp2_truth(long double x) { return exp2l(x); }
static long double minus_2_log(long double x) { return -2 * logl(x); }
static long double reciprocal(long double x) { return 1 / x; }

static const long double TWO_PI = 6.283185307179586476925286766559005768L;
static long double sine_of_turn(long double v) { return sinl(TWO_PI * v); }
static long double cosine_of_turn(long double v) { return cosl(TWO_PI * v); }

static double ulp_at(long double value, bool single) {
  int exponent;
  (void)frexpl(value, &exponent);
  return ldexp(1.0, exponent - (single ? 24 : 53));
}

/* `in` and `out` hold reals of 32 or 64 bits. */
static double real_at(const void *array, bool single, size_t i) {
  return single ? (double)((const float *)array)[i] : ((const double *)array)[i];
}

static void fill(void *in, bool single, const domain *d) {
  assay_random random;
  assay_random_init(&random, 7);
  for (size_t i = 0; i < ITEMS; i++) {
    double unit = i == 0 ? 0 : i == 1 ? 1 : assay_random_unit(&random);
    double x = d->logarithmic ? d->low * exp2(unit * log2(d->high / d->low)) : d->low + unit * (d->high - d->low);
    if (single)
      ((float *)in)[i] = (float)x;
    else
      ((double *)in)[i] = x;
  }
}

/* Runs every variant, checks that all give the bits of the reference, and leaves these in `out`. */
static void run_probe(u32 function, bool single, void *in, void *out) {
  static char other[2 * ITEMS * sizeof(double)];
  probe_params p = {.function = function, .items = ITEMS};
  size_t bytes = 2 * ITEMS * (single ? sizeof(float) : sizeof(double));
  for (size_t i = 0; assay_kernel_variant_usable(i) < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    size_t variant = assay_kernel_variant_usable(i);
    void *buffers[] = {in, i == 0 ? out : other};
    probes[single ? 0 : 1][variant](&p, buffers, 0, ITEMS / 256);
    if (i > 0 && memcmp(out, other, bytes) != 0) fail_msg("function %u: %s differs from c", function, assay_kernel_variant_text(variant));
  }
}

static void check_domain(u32 function, const domain *d, size_t offset, double absolute) {
  static char in[ITEMS * sizeof(double)], out[2 * ITEMS * sizeof(double)];
  for (int single = 0; single < 2; single++) {
    fill(in, single, d);
    run_probe(function, single, in, out);
    double worst = 0;
    for (size_t i = 0; i < ITEMS; i++) {
      long double truth = d->truth((long double)real_at(in, single, i));
      double ulp = absolute > 0 ? (single ? ldexp(absolute, -24) : ldexp(absolute, -53)) : ulp_at(truth, single);
      double error = (double)fabsl((long double)real_at(out, single, offset + i) - truth) / ulp;
      if (error > worst) worst = error;
    }
    if (!(worst <= d->ulps[single ? 0 : 1])) fail_msg("%s f%d: %.3f ulp", d->name, single ? 32 : 64, worst);
  }
}

static void functions_keep_their_stated_errors(void **state) {
  (void)state;
  const domain exps = {"exp", -87, 88, false, expl, {1, 1}};
  const domain exps64 = {"exp", -2, 2, false, expl, {1, 1}};
  const domain powers = {"exp2", -120, 120, false, exp2_truth, {3, 2}};
  const domain logs = {"log", 1e-30, 1e30, true, logl, {2, 2}};
  const domain near_one = {"log near 1", 0.5, 2, false, logl, {2, 2}};
  check_domain(PROBE_EXP, &exps, 0, 0);
  check_domain(PROBE_EXP, &exps64, 0, 0);
  check_domain(PROBE_EXP2, &powers, 0, 0);
  check_domain(PROBE_LOG, &logs, 0, 0);
  check_domain(PROBE_LOG, &near_one, 0, 0);
  const domain radius = {"-2 log", 1e-7, 1, true, minus_2_log, {8, 4}};
  check_domain(PROBE_MINUS_2_LOG, &radius, 0, 0);
  const domain sine = {"sine of a turn", -0.25, 0.25, false, sine_of_turn, {2, 2}};
  const domain cosine = {"cosine of a turn", -0.25, 0.25, false, cosine_of_turn, {3, 2}};
  check_domain(PROBE_SINCOS, &sine, 0, 0);
  check_domain(PROBE_SINCOS, &cosine, ITEMS, 1);
}

static void roots_and_quotients_are_correctly_rounded(void **state) {
  (void)state;
  const domain roots = {"sqrt", 1e-20, 1e20, true, sqrtl, {0.5001, 0.5001}};
  const domain quotients = {"1/x", 1e-20, 1e20, true, reciprocal, {0.5001, 0.5001}};
  check_domain(PROBE_SQRT, &roots, 0, 0);
  check_domain(PROBE_DIVIDE, &quotients, 0, 0);
}

/* The steps of dialect_native.h's sqrt_by_fma, from an estimate that is off by `off`: lanes of AVX-512 take them, and any machine can tell
 * whether they are right. */
static double root_by_fma(double a, double off) {
  double r = (1 + off) / sqrt(a), e = fma(-a, r * r, 1);
  r = fma(fma(e, 0.375, 0.5), e * r, r);
  double root = a * r, half_r = r * 0.5;
  root = fma(fma(-root, root, a), half_r, root);
  return fma(fma(-root, root, a), half_r, root);
}

/* Next to the middle between two doubles, from 2^-500 to 2^700; the estimate may be off by 2^-14. */
static void hard_roots_have_the_same_bits(void **state) {
  (void)state;
  static double in[ITEMS], out[2 * ITEMS];
  assay_random random;
  assay_random_init(&random, 8);
  for (size_t i = 0; i < ITEMS; i++) {
    long double root = ldexpl(1 + assay_random_unit(&random), (int)(i % 600) - 250), half = ldexpl(1, (int)(i % 600) - 250 - 53);
    in[i] = (double)((root + half) * (root + half));
    if (i % 3 == 0) in[i] = nextafter(in[i], i % 2 ? 0 : INFINITY);
  }
  run_probe(PROBE_SQRT, false, in, out);
  for (size_t i = 0; i < ITEMS; i++) assert_true(out[i] == sqrt(in[i]) && out[ITEMS + i] == out[i]);
  for (size_t i = 0; i < ITEMS; i++) assert_true(root_by_fma(in[i], (2 * assay_random_unit(&random) - 1) * 0x1p-14) == out[i]);
}

static void exp_is_limited_and_keeps_nan(void **state) {
  (void)state;
  static double in[ITEMS], out[2 * ITEMS];
  static float in32[ITEMS], out32[2 * ITEMS];
  const double hostile[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300, 0, -0.0};
  for (size_t i = 0; i < 7; i++) {
    in[i] = hostile[i];
    in32[i] = (float)hostile[i];
  }
  run_probe(PROBE_EXP, false, in, out);
  run_probe(PROBE_EXP, true, in32, out32);
  assert_true(isnan(out[0]) && isnan(out32[0]));
  assert_true(isfinite(out[1]) && out[1] > 1e308 && isfinite(out32[1]) && out32[1] > 2e38f);
  assert_true(out[2] > 0 && out[2] < 1e-307 && out32[2] > 0 && out32[2] < 2e-38f);
  assert_true(out[3] == out[1] && out[4] == out[2] && out[5] == 1 && out[6] == 1);
}

/* The answers that come with Random123 (Salmon and others), as "counter key -> words"; the last word is the item. */
static void philox_gives_its_known_answers(void **state) {
  (void)state;
  const struct {
    u32 counter[4], key[2], words[4];
  } known[] = {
      {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  static u32 words[4 * 256];
  static double normals[4 * 256];
  for (size_t n = 0; n < 3; n++) {
    const u32 *c = known[n].counter;
    probe_params p = {.first = c[3], .c1 = c[1], .c2 = c[0], .c3 = c[2], .key = random_key_make(known[n].key[0], known[n].key[1])};
    void *buffers[] = {words, normals};
    for (int bits = 0; bits < 2; bits++) {
      for (size_t i = 0; assay_kernel_variant_usable(i) < ASSAY_KERNEL_VARIANT_COUNT; i++) {
        randoms[bits][assay_kernel_variant_usable(i)](&p, buffers, 0, 1);
        assert_memory_equal(words, known[n].words, sizeof known[n].words);
      }
    }
  }
}

/* Of the first draws: the moments of a standard normal within five of their standard errors, no correlation within a draw, and tails. */
static void check_normals(bool single) {
  static u32 words[4 * ITEMS];
  static char normals[4 * ITEMS * sizeof(double)], other[4 * ITEMS * sizeof(double)];
  size_t count = 4 * (size_t)ITEMS;
  probe_params p = {.first = 0, .c1 = 3, .c2 = 1, .c3 = 4, .key = random_key_make(1, 5)};
  for (size_t i = 0; assay_kernel_variant_usable(i) < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    void *buffers[] = {words, i == 0 ? normals : other};
    randoms[single ? 0 : 1][assay_kernel_variant_usable(i)](&p, buffers, 0, ITEMS / 256);
    if (i > 0) assert_memory_equal(normals, other, sizeof normals);
  }
  double sum[5] = {0}, pairs = 0, beyond_3 = 0;
  for (size_t i = 0; i < count; i++) {
    double z = real_at(normals, single, i), power = 1;
    for (int k = 1; k <= 4; k++) sum[k] += power *= z;
    if (i % 2 == 1) pairs += z * real_at(normals, single, i - 1);
    beyond_3 += fabs(z) > 3;
  }
  double n = (double)count, root = sqrt(n);
  assert_near(sum[1] / n, 0, 5 / root);
  assert_near(sum[2] / n, 1, 5 * sqrt(2) / root);
  assert_near(sum[3] / n, 0, 5 * sqrt(15) / root);
  assert_near(sum[4] / n, 3, 5 * sqrt(96) / root);
  assert_near(pairs / (n / 2), 0, 5 / sqrt(n / 2));
  assert_near(beyond_3 / n, 0.0026998, 5 * sqrt(0.0027) / root);
}

static void normals_are_normal(void **state) {
  (void)state;
  check_normals(true);
  check_normals(false);
}

/* Every number of paths, also those that do not fill a draw, gives the same sums on every instruction set, and counts only what exists. */
static void european_paths_have_the_same_bits(void **state) {
  (void)state;
  const u64 numbers[] = {1, 2, 3, 5, 255, 1023, 1024, 4097, 100003};
  const char *names[] = {"mc_european_f32", "mc_european_f64", "mc_european_greeks_f32", "mc_european_greeks_f64"};
  for (size_t k = 0; k < 4; k++) {
    const assay_kernel *kernel = assay_kernel_find(names[k]);
    size_t sums_of = k < 2 ? MC_EUROPEAN_SUMS : MC_EUROPEAN_GREEKS_SUMS;
    for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
      enum { GROUPS = 7 };
      u64 draws = (numbers[n] + 3) / 4;
      /* Pays 1 whatever happens: the sum is the number of paths. */
      mc_european_params p = {.paths = numbers[n],
                              .draws = (u32)((draws + GROUPS * 256 - 1) / (GROUPS * 256)),
                              .groups = GROUPS,
                              .full = (u32)(numbers[n] / (GROUPS * 256 * 4)),
                              .key = random_key_make(42, 0),
                              .shift = 1};
      double first[GROUPS * MC_EUROPEAN_GREEKS_SUMS], sums[GROUPS * MC_EUROPEAN_GREEKS_SUMS];
      for (size_t i = 0; assay_kernel_variant_usable(i) < ASSAY_KERNEL_VARIANT_COUNT; i++) {
        void *buffers[] = {i == 0 ? first : sums};
        kernel->variants[assay_kernel_variant_usable(i)](&p, buffers, 0, GROUPS);
        if (i > 0) assert_memory_equal(first, sums, GROUPS * sums_of * sizeof *sums);
      }
      double paths = 0;
      for (size_t g = 0; g < GROUPS; g++) paths += first[g * sums_of];
      assert_true(paths == (double)numbers[n]);
    }
  }
}

static void a_price_is_within_its_error_of_the_closed_form(void **state) {
  (void)state;
  enum { GROUPS = 64 };
  const double spot = 100, strike = 110, time = 0.25, rate = 0.05, volatility = 0.2, paths = 1 << 20;
  double d1 = (log(spot / strike) + (rate + volatility * volatility / 2) * time) / (volatility * sqrt(time)),
         d2 = d1 - volatility * sqrt(time);
  double exact = spot * erfc(-d1 / sqrt(2)) / 2 - strike * exp(-rate * time) * erfc(-d2 / sqrt(2)) / 2;
  for (int single = 0; single < 2; single++) {
    mc_european_params p = {.paths = (u64)paths,
                            .draws = 16,
                            .groups = GROUPS,
                            .full = 16,
                            .key = random_key_make(42, 1),
                            .drift = (rate - volatility * volatility / 2) * time / log(2),
                            .width = volatility * sqrt(time) / log(2),
                            .scale = spot,
                            .shift = -strike};
    double sums[GROUPS * MC_EUROPEAN_SUMS], payoff = 0, square = 0;
    void *buffers[] = {sums};
    assay_kernel_function(assay_kernel_find(single ? "mc_european_f32" : "mc_european_f64"), NULL)(&p, buffers, 0, GROUPS);
    for (size_t g = 0; g < GROUPS; g++) {
      payoff += sums[MC_EUROPEAN_SUMS * g];
      square += sums[MC_EUROPEAN_SUMS * g + 1];
    }
    double mean = payoff / paths, discount = exp(-rate * time), error = discount * sqrt((square / paths - mean * mean) / paths);
    assert_true(error > 0.001 && error < 0.01);
    assert_near(discount * mean, exact, 3 * error);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_keep_their_stated_errors), cmocka_unit_test(roots_and_quotients_are_correctly_rounded),
      cmocka_unit_test(hard_roots_have_the_same_bits),      cmocka_unit_test(exp_is_limited_and_keeps_nan),
      cmocka_unit_test(philox_gives_its_known_answers),     cmocka_unit_test(normals_are_normal),
      cmocka_unit_test(european_paths_have_the_same_bits),  cmocka_unit_test(a_price_is_within_its_error_of_the_closed_form),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

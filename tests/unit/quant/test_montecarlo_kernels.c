/* SPDX-License-Identifier: MIT */
/* Every kernel of paths against itself on every instruction set. */
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"
#include "kernels/montecarlo/path.h"
#include "montecarlo_exact.h"

static mc_path_params some_paths(unsigned way, bool walk) {
  mc_path_params p = {.samples = 2011,
                      .draws = 2,
                      .groups = 5,
                      .steps = 7,
                      .key = random_key_make(1, 2),
                      .antithetic = way & 1,
                      .kind = way >> 1 & 3,
                      .drift = 0.01,
                      .width = 0.1,
                      .scale = way & 8 ? 100 : -100,
                      .shift = way & 8 ? -95 : 105,
                      .mean = 0.0485,
                      .deviation = 0.1834,
                      .root_steps = sqrt(7),
                      .barrier = way & 2 ? 0.3 : -0.3,
                      .bridge = 288.5,
                      .level = way & 8 ? -0.074 : 0.0704,
                      .bump = 0.01,
                      .bump_up = 0.01,
                      .bump_down = -0.01,
                      .by_dt = {-0.15, 0.01, 0.002, 0.0003, 0.05, -0.05, 0.04, 0.01},
                      .payout = 1};
  if (!walk) return p;
  static const u32 kinds[] = {MC_WALK_END,
                              MC_WALK_DIGITAL,
                              MC_WALK_ARITHMETIC | MC_WALK_AVERAGE,
                              MC_WALK_GEOMETRIC,
                              MC_WALK_BARRIER | MC_WALK_UP,
                              MC_WALK_BARRIER | MC_WALK_IN,
                              MC_WALK_LOOKBACK,
                              MC_WALK_LOOKBACK | MC_WALK_UP,
                              MC_WALK_LOOKBACK | MC_WALK_FLOATING};
  p.walk_model = way % 3, p.kind = kinds[way / 3 % 9];
  if (p.walk_model == MC_WALK_MERTON)
    p.model[0] = 0.2, p.model[1] = exp(-0.2), p.model[3] = 0.2, p.model[4] = 1.4, p.model[5] = 1, p.jumps = 12;
  if (p.walk_model == MC_WALK_HESTON) {
    static const double model[8] = {0.04, 0.86, 0.0215, 0.0001, 0.35, -0.45, 0.03, 0.006};
    memcpy(p.model, model, sizeof model);
    if (way & 4) p.model[3] = p.model[7] = 0; /* a variance that comes to rest at 0 */
  }
  return p;
}

/* Every kernel of paths gives the same sums from every instruction set, for odd numbers of samples, steps and groups. */
static void test_same_bits(void **state) {
  (void)state;
  static const char *const names[] = {"mc_asian",    "mc_asian_greeks",    "mc_barrier", "mc_barrier_greeks", "mc_basket",
                                      "mc_lookback", "mc_lookback_greeks", "mc_walk",    "mc_walk_greeks",    "mc_basket_greeks"};
  static double sums[2][40 * 5], rules64[7][MC_BASKET_ROW]; /* as rules, and as terms of a basket, they need not make sense */
  static float rules32[7][MC_BASKET_ROW];
  for (int step = 0; step < 7; step++) {
    for (int k = 0; k < MC_BASKET_ROW; k++) rules64[step][k] = k == 0 ? 14 : 0.1 + 0.01 * k, rules32[step][k] = (float)rules64[step][k];
  }
  for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
    for (unsigned bits = 32, paid = 0; bits <= 64; bits += 32, paid = 0) {
      bool walk = strncmp(names[k], "mc_walk", 7) == 0;
      for (unsigned way = 0; way < (walk ? 54 : 16); way++) {
        char name[64];
        snprintf(name, sizeof name, "%s_f%u", names[k], bits);
        const assay_kernel *kernel = assay_kernel_find(name);
        mc_path_params p = some_paths(way, walk);
        size_t variant;
        for (size_t v = 0; (variant = assay_kernel_variant_usable(v)) < ASSAY_KERNEL_VARIANT_COUNT; v++) {
          double *to = sums[v > 0];
          memset(to, 0, sizeof sums[0]);
          void *buffers[] = {to, bits == 32 ? (void *)rules32 : (void *)rules64};
          /* From the middle first: groups do not depend on each other. */
          kernel->variants[variant](&p, buffers, 2, 5);
          kernel->variants[variant](&p, buffers, 0, 2);
          if (v > 0 && memcmp(sums[0], sums[1], sizeof sums[0]) != 0) {
            fail_msg("%s differs on %s from the reference (way %u)", name, assay_kernel_variant_text(variant), way);
          }
        }
        assert_true(sums[0][0] >= 0);
        for (size_t i = 0; i < sizeof sums[0] / sizeof *sums[0]; i++) assert_true(isfinite(sums[0][i]));
        paid += sums[0][0] > 0;
      }
      assert_true(paid >= 8);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

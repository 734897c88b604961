/* SPDX-License-Identifier: MIT */
/* Every build of the kernels gives the bits of plain loops in the same order. */
#include <math.h>

#include <assay/device.h>
#include <assay/risk.h>

#include "base/random.h"
#include "kernels/kernel.h"
#include "kernels/risk/keep.h"
#include "kernels/risk/products.h"
#include "test.h"

enum { MOST_ASSETS = 150, MOST_PANELS = 4, SIDE = MOST_PANELS * RISK_PANEL };

static double returns[RISK_BLOCK * MOST_ASSETS], shifts[MOST_ASSETS], roots[RISK_BLOCK], sums[SIDE], expected_sums[SIDE];
static double packed[SIDE * RISK_BLOCK], wide[SIDE * SIDE], expected[SIDE * SIDE];

static void obvious(size_t periods, size_t n) {
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t t = 0; t < periods; t++) sum = fma((returns[t * n + i] - shifts[i]) * roots[t], roots[t], sum);
    expected_sums[i] = 3 + sum;
    for (size_t j = i; j < n; j++) {
      sum = 0;
      for (size_t t = 0; t < periods; t++)
        sum = fma((returns[t * n + i] - shifts[i]) * roots[t], (returns[t * n + j] - shifts[j]) * roots[t], sum);
      expected[i * SIDE + j] = 7 + sum;
    }
  }
}

static void products_have_the_same_bits(void **state) {
  (void)state;
  const size_t shapes[][2] = {{1, 1}, {3, 5}, {128, 48}, {77, 49}, {128, 150}, {40, 97}};
  const u32 widths[] = {12, 24, 48};
  const assay_kernel *pack = assay_kernel_find("risk_pack_f64"), *multiply = assay_kernel_find("risk_products_f64");
  assert_true(pack != NULL && multiply != NULL);
  assay_random random;
  assay_random_init(&random, 1);
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
    size_t periods = shapes[s][0], n = shapes[s][1], panels = (n + RISK_PANEL - 1) / RISK_PANEL, stride = panels * RISK_PANEL;
    for (size_t i = 0; i < periods * n; i++) returns[i] = assay_random_normal(&random);
    for (size_t i = 0; i < n; i++) shifts[i] = 0.1 * assay_random_normal(&random);
    for (size_t t = 0; t < periods; t++) roots[t] = assay_random_unit(&random);
    obvious(periods, n);
    for (size_t index = 0, variant; (variant = assay_kernel_variant_usable(index)) != ASSAY_KERNEL_VARIANT_COUNT; index++) {
      for (size_t w = 0; w < 3; w++) {
        if (widths[w] == 12 && strcmp(assay_kernel_variant_text(variant), "avx512") == 0) continue; /* three vectors are 24 */
        for (size_t i = 0; i < SIDE; i++) sums[i] = 3;
        for (size_t i = 0; i < stride * stride; i++) wide[i] = 7;
        const risk_pack_params p = {.assets = (u32)n, .panels = (u32)panels, .periods = (u32)periods, .width = widths[w]};
        const risk_products_params q = {.assets = p.assets, .panels = p.panels, .periods = p.periods, .width = p.width};
        void *const pack_buffers[] = {returns, shifts, roots, packed, sums}, *const buffers[] = {packed, wide};
        pack->variants[variant](&p, pack_buffers, 0, panels);
        multiply->variants[variant](&q, buffers, 0, panels * (panels + 1) / 2);
        for (size_t i = 0; i < n; i++) {
          assert_true(sums[i] == expected_sums[i]);
          for (size_t j = i; j < n; j++) assert_true(wide[i * stride + j] == expected[i * SIDE + j]);
        }
      }
    }
  }
}

/* Through a device the covariance is the same to the last bit. */
static void devices_have_the_same_bits(void **state) {
  (void)state;
  enum { PERIODS = 300, N = 101 };
  static double x[PERIODS * N], here[N * N], there[N * N];
  assay_random random;
  assay_random_init(&random, 4);
  for (size_t i = 0; i < PERIODS * N; i++) x[i] = 0.01 * assay_random_normal(&random) + 1;
  const char *const devices[] = {"cpu", "opencl", "cuda"};
  for (int estimator = ASSAY_RISK_SAMPLE; estimator <= ASSAY_RISK_EWMA; estimator++) {
    assay_risk_covariance_options options = {.estimator = (assay_risk_estimator)estimator};
    assay_error err = {0};
    assert_ok(assay_risk_covariance(x, PERIODS, N, &options, &err, here, NULL), err);
    for (size_t d = 0; d < 3; d++) {
      options.device = devices[d];
      memset(there, 0, sizeof there);
      assay_status status = assay_risk_covariance(x, PERIODS, N, &options, NULL, there, NULL);
      if (status != ASSAY_OK && d > 0) continue; /* not here */
      assert_int_equal(status, ASSAY_OK);
      assert_memory_equal(here, there, sizeof here);
    }
  }
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Every build keeps the same values, and sees the one that is no number wherever it stands. */
static void every_build_keeps_the_same(void **state) {
  (void)state;
  enum { EACH = 4, COUNT = 2 * EACH * ASSAY_KERNEL_GROUP_SIZE - 37, ROOM = 2 * EACH * ASSAY_KERNEL_GROUP_SIZE };
  static double values[COUNT], kept[ROOM + 8], gathered[COUNT], below[COUNT];
  static u32 counts[2 * ASSAY_KERNEL_GROUP_SIZE];
  assay_random random;
  assay_random_init(&random, 3);
  size_t wanted = 0;
  for (size_t k = 0; k < COUNT; k++) {
    values[k] = assay_random_normal(&random);
    if (values[k] <= -0.5) below[wanted++] = values[k];
  }
  qsort(below, wanted, sizeof *below, ascending);
  const assay_kernel *keep = assay_kernel_find("risk_keep_f64");
  const risk_keep_params p = {.count = COUNT, .limit = -0.5, .each = EACH};
  void *const buffers[] = {values, kept, counts};
  for (size_t index = 0, variant; (variant = assay_kernel_variant_usable(index)) != ASSAY_KERNEL_VARIANT_COUNT; index++) {
    for (size_t group = 0, at = 0; group < 2; group++) {
      keep->variants[variant](&p, buffers, group, group + 1);
      for (size_t i = group * ASSAY_KERNEL_GROUP_SIZE; i < (group + 1) * ASSAY_KERNEL_GROUP_SIZE; i++) {
        memcpy(gathered + at, kept + i * EACH, counts[i] * sizeof *kept);
        at += counts[i];
      }
      if (group == 1) assert_int_equal(at, wanted);
    }
    qsort(gathered, wanted, sizeof *gathered, ascending);
    assert_memory_equal(gathered, below, wanted * sizeof *below);
    for (size_t k = 0; k < COUNT; k += 61) {
      double was = values[k];
      values[k] = k % 2 ? NAN : INFINITY;
      keep->variants[variant](&p, buffers, 0, 2);
      size_t bad = 0;
      for (size_t i = 0; i < 2 * ASSAY_KERNEL_GROUP_SIZE; i++) bad += counts[i] == RISK_KEEP_BAD;
      assert_int_equal(bad, 1);
      values[k] = was;
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_have_the_same_bits),
      cmocka_unit_test(every_build_keeps_the_same),
      cmocka_unit_test(devices_have_the_same_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include <assay/elementwise.h>

#include <math.h>

#include "base/random.h"
#include "test.h"

/* The nearest binary16 to `value` by trying all of them: slow and obvious. */
static uint16_t nearest_f16(double value) {
  uint16_t best = 0;
  double best_distance = INFINITY;
  for (uint32_t h = 0; h < 0x7C00; h++) {
    double candidate = (h >> 10) == 0 ? ldexp((double)(h & 0x3FF), -24) : ldexp(1024.0 + (h & 0x3FF), (int)(h >> 10) - 25);
    double distance = fabs(fabs(value) - candidate);
    if (distance < best_distance || (distance == best_distance && (h & 1) == 0)) {
      best_distance = distance;
      best = (uint16_t)h;
    }
  }
  if (fabs(value) >= 65520) best = 0x7C00; /* half an ulp beyond the largest */
  return (uint16_t)(best | (signbit(value) ? 0x8000 : 0));
}

static void f16_rounds_to_nearest_even(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 1);
  for (int i = 0; i < 400; i++) {
    float value = (float)ldexp(assay_random_unit(&random) * 2 - 1, (int)assay_random_below(&random, 44) - 26);
    assert_int_equal(assay_f16_from_f32(value), nearest_f16(value));
  }
  const float edges[] = {0.0f,         -0.0f,    0x1p-24f,   0x1p-25f, 0x1.8p-25f, 0x1.8p-24f, 0x1p-14f,
                         0x1.ffcp-15f, 65504.0f, 65519.996f, 65520.0f, 1e30f,      2049.0f,    2051.0f};
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) assert_int_equal(assay_f16_from_f32(edges[i]), nearest_f16(edges[i]));
}

static void every_half_survives_the_round_trip(void **state) {
  (void)state;
  for (uint32_t h = 0; h <= 0xFFFF; h++) {
    float wide = assay_f16_to_f32((uint16_t)h);
    if (isnan(wide))
      assert_true((h & 0x7C00) == 0x7C00 && (assay_f16_from_f32(wide) & 0x7FFF) > 0x7C00);
    else
      assert_int_equal(assay_f16_from_f32(wide), h);
    float brain = assay_bf16_to_f32((uint16_t)h);
    if (isnan(brain))
      assert_true((assay_bf16_from_f32(brain) & 0x7FFF) > 0x7F80);
    else
      assert_int_equal(assay_bf16_from_f32(brain), h);
  }
}

static void bf16_rounds_to_nearest_even(void **state) {
  (void)state;
  assert_int_equal(assay_bf16_from_f32(0x1.01p0f), 0x3F80); /* tie goes to the even neighbour below */
  assert_int_equal(assay_bf16_from_f32(0x1.03p0f), 0x3F82); /* and above */
  assert_int_equal(assay_bf16_from_f32(0x1.010002p0f), 0x3F81);
  assert_int_equal(assay_bf16_from_f32(0x1.fffffep127f), 0x7F80);
}

enum { GUARD = 64, MOST = 300 };

static double value_of(assay_dtype type, const void *element) {
  uint16_t half;
  float single;
  double wide;
  switch (type) {
    case ASSAY_F64: memcpy(&wide, element, 8); return wide;
    case ASSAY_F32: memcpy(&single, element, 4); return single;
    case ASSAY_F16: memcpy(&half, element, 2); return assay_f16_to_f32(half);
    default: memcpy(&half, element, 2); return assay_bf16_to_f32(half);
  }
}

static void same_values(const unsigned char *got, const unsigned char *want, size_t bytes, assay_dtype type, const char *isa) {
  size_t size = assay_dtype_size(type);
  for (size_t at = 0; at + size <= bytes; at += size) {
    if (memcmp(got + at, want + at, size) == 0) continue;
    if (isnan(value_of(type, got + at)) && isnan(value_of(type, want + at))) continue;
    fail_msg("%s %s differs from the reference at element %zu: %g, not %g", isa, assay_dtype_text(type), at / size,
             value_of(type, got + at), value_of(type, want + at));
  }
}

/* Random bits cover NaN, infinities and subnormals in the halves; the wider types get ordinary numbers mixed in, else nearly all are huge
 * or tiny. */
static void fill(unsigned char *bytes, size_t count, assay_dtype type, assay_random *random) {
  for (size_t i = 0; i < count; i++) bytes[i] = (unsigned char)assay_random_next(random);
  size_t size = assay_dtype_size(type);
  if (size == 2) return;
  for (size_t at = 0; at + size <= count; at += size) {
    if (assay_random_below(random, 8) == 0) continue;
    double wide = assay_random_normal(random);
    float single = (float)wide;
    memcpy(bytes + at, size == 8 ? (const void *)&wide : (const void *)&single, size);
  }
}

static void check_variant(assay_elementwise_op op, assay_dtype type, size_t index, assay_random *random) {
  const char *isa = NULL;
  assay_elementwise_fn reference = assay_elementwise_variant(op, type, 0, NULL), tested = assay_elementwise_variant(op, type, index, &isa);
  static unsigned char x[MOST * 8 * 4 + GUARD], y[sizeof x], got[sizeof x], want[sizeof x];
  for (int round = 0; round < 60; round++) {
    size_t n = (size_t)assay_random_below(random, MOST), size = assay_dtype_size(type);
    bool contiguous = round % 2 == 0;
    size_t sz = contiguous ? 1 : 1 + (size_t)assay_random_below(random, 4), sx = contiguous ? 1 : 1 + (size_t)assay_random_below(random, 4),
           sy = contiguous ? 1 : 1 + (size_t)assay_random_below(random, 4), shift = size * (size_t)assay_random_below(random, 4);
    fill(x, sizeof x, type, random);
    fill(y, sizeof y, type, random);
    memset(got, 0xA5, sizeof got);
    memset(want, 0xA5, sizeof want);
    tested(got + shift, x + shift, y, n, sz, sx, sy);
    reference(want + shift, x + shift, y, n, sz, sx, sy);
    same_values(got, want, sizeof got, type, isa); /* the whole buffer: what lies between and behind the elements is untouched */
    reference(want, x, y, n, 1, 1, 1);
    tested(x, x, y, n, 1, 1, 1); /* in place */
    same_values(x, want, n * size, type, isa);
  }
}

static void variants_agree_with_the_reference(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 2);
  for (int op = 0; op < ASSAY_ELEMENTWISE_OP_COUNT; op++)
    for (int type = 0; type < ASSAY_DTYPE_COUNT; type++)
      for (size_t index = 0; assay_elementwise_variant((assay_elementwise_op)op, (assay_dtype)type, index, NULL) != NULL; index++)
        check_variant((assay_elementwise_op)op, (assay_dtype)type, index, &random);
}

static void reference_is_the_operation(void **state) {
  (void)state;
  const double x[] = {1, 2, 3}, y[] = {10, 20, 30};
  double z[3];
  assay_elementwise_variant(ASSAY_ADD, ASSAY_F64, 0, NULL)(z, x, y, 3, 1, 1, 1);
  assert_near(z[2], 33, 0);
  assay_elementwise_variant(ASSAY_MUL, ASSAY_F64, 0, NULL)(z, x, y, 2, 1, 2, 1);
  assert_near(z[1], 60, 0);                 /* stride 2 in x */
  const uint16_t half[] = {0x3C00, 0x4000}; /* 1, 2 */
  uint16_t sum[2];
  assay_elementwise_variant(ASSAY_ADD, ASSAY_F16, 0, NULL)(sum, half, half, 2, 1, 1, 1);
  assert_int_equal(sum[1], 0x4400); /* 4 */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(f16_rounds_to_nearest_even),        cmocka_unit_test(every_half_survives_the_round_trip),
      cmocka_unit_test(bf16_rounds_to_nearest_even),       cmocka_unit_test(reference_is_the_operation),
      cmocka_unit_test(variants_agree_with_the_reference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

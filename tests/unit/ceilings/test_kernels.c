/* SPDX-License-Identifier: MIT */
/* Every instruction stream that this processor can run does what its name says: otherwise its speed would mean nothing. */
#include "machine/ceilings/kernels.h"

#include <math.h>

#include "machine/ceilings/chase.h"
#include "test.h"

enum { LONGEST = 1300, GUARD = 16 };

/* Odd sizes around the block of every width, and a start that is not aligned to a vector. */
static const size_t sizes[] = {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 63, 64, 65, 127, 128, 129, 1000, 1234};

typedef struct arrays {
  double a[GUARD + LONGEST + GUARD], b[LONGEST + 8], c[LONGEST + 8], before[GUARD + LONGEST + GUARD];
} arrays;

static void fill(arrays *x) {
  for (size_t i = 0; i < sizeof x->a / sizeof *x->a; i++) x->before[i] = x->a[i] = -1.0 - (double)i;
  for (size_t i = 0; i < LONGEST + 8; i++) {
    x->b[i] = 0.5 + (double)i;
    x->c[i] = 3.0 * (double)i - 7.0;
  }
}

static double wanted(assay_stream_op op, const arrays *x, size_t offset, size_t i) {
  switch (op) {
    case ASSAY_STREAM_WRITE:
    case ASSAY_STREAM_WRITE_NT: return 2.5;
    case ASSAY_STREAM_COPY:
    case ASSAY_STREAM_COPY_NT: return x->b[offset + i];
    case ASSAY_STREAM_TRIAD:
    case ASSAY_STREAM_TRIAD_NT: return x->b[offset + i] + 2.5 * x->c[offset + i];
    default: return x->before[GUARD + offset + i];
  }
}

static void check_stream(const assay_stream_variant *v, assay_stream_op op, size_t offset, size_t count) {
  static arrays x;
  fill(&x);
  uint64_t bits = v->kernels[op](x.a + GUARD + offset, x.b + offset, x.c + offset, 2.5, count, 1), expected = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t one;
    memcpy(&one, &x.before[GUARD + offset + i], sizeof one);
    if (op == ASSAY_STREAM_READ) expected ^= one;
    if (x.a[GUARD + offset + i] != wanted(op, &x, offset, i))
      fail_msg("%s op %d: element %zu of %zu is %g", v->name, op, i, count, x.a[GUARD + offset + i]);
  }
  if (bits != expected) fail_msg("%s op %d did not read all of %zu numbers", v->name, op, count);
  for (size_t i = 0; i < GUARD + offset; i++) assert_true(x.a[i] == x.before[i]);
  for (size_t i = GUARD + offset + count; i < sizeof x.a / sizeof *x.a; i++) assert_true(x.a[i] == x.before[i]);
}

static void streams_read_write_copy_and_triad_exactly(void **state) {
  (void)state;
  unsigned run = 0;
  for (const assay_stream_variant *v = assay_stream_variants; v->name != NULL; v++) {
    if ((v->isa & ~assay_isa_usable()) != 0) {
      print_message("not run here: %s\n", v->name);
      continue;
    }
    for (int op = 0; op < ASSAY_STREAM_OPS; op++) {
      if (v->kernels[op] == NULL) continue;
      for (size_t offset = 0; offset < 8; offset += 3) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) check_stream(v, (assay_stream_op)op, offset, sizes[i]);
      }
      run++;
    }
  }
  assert_true(run >= 4);
}

static void a_read_of_two_passes_cancels_out(void **state) {
  (void)state;
  double numbers[100];
  for (size_t i = 0; i < 100; i++) numbers[i] = (double)i * 1.25;
  for (const assay_stream_variant *v = assay_stream_variants; v->name != NULL; v++) {
    if ((v->isa & ~assay_isa_usable()) != 0) continue;
    uint64_t once = v->kernels[ASSAY_STREAM_READ](numbers, NULL, NULL, 0, 100, 1);
    assert_true(once != 0);
    assert_true(v->kernels[ASSAY_STREAM_READ](numbers, NULL, NULL, 0, 100, 3) == once);
    assert_true(v->kernels[ASSAY_STREAM_READ](numbers, NULL, NULL, 0, 100, 2) == 0);
  }
}

static void arithmetic_does_every_operation_it_counts(void **state) {
  (void)state;
  unsigned run = 0;
  for (const assay_flops_variant *v = assay_flops_variants; v->type != NULL; v++) {
    if ((v->isa & ~assay_isa_usable()) != 0) {
      print_message("not run here: %s %s %s\n", v->type, v->shape, v->name);
      continue;
    }
    for (uint64_t iterations = 1; iterations <= 1000; iterations = iterations * 3 + 1) {
      double sum = v->kernel(iterations);
      if (sum != (double)v->counted * (double)iterations)
        fail_msg("%s %s %s: %g after %d iterations, expected %g", v->type, v->shape, v->name, sum, (int)iterations,
                 (double)v->counted * (double)iterations);
    }
    assert_true(v->operations == 2 * v->counted);
    run++;
  }
  assert_true(run >= 4);
}

static void a_missing_instruction_set_is_named(void **state) {
  (void)state;
  char text[100];
  assert_string_equal(assay_isa_missing(ASSAY_ISA_AVX512 | ASSAY_ISA_AVX512_FP16, ASSAY_ISA_AVX512, text, sizeof text), "AVX-512 FP16");
  assert_string_equal(assay_isa_missing(ASSAY_ISA_AVX2 | ASSAY_ISA_FMA, 0, text, sizeof text), "AVX2, FMA");
  assert_string_equal(assay_isa_missing(ASSAY_ISA_AVX2, ASSAY_ISA_AVX2, text, sizeof text), "");
  char small[4];
  assert_string_equal(assay_isa_missing(ASSAY_ISA_AVX512_VNNI, 0, small, sizeof small), "AVX");
}

static void the_chase_is_one_cycle_over_all_lines(void **state) {
  (void)state;
  enum { LINES = 1000 };
  char *memory = aligned_alloc(ASSAY_CHASE_LINE, (size_t)LINES * ASSAY_CHASE_LINE);
  static bool seen[LINES];
  assert_non_null(memory);
  for (size_t lines = 1; lines <= LINES; lines = lines * 7 + 1) {
    memset(seen, 0, sizeof seen);
    assay_chase_build(memory, lines, 42);
    void *at = memory;
    for (size_t i = 0; i < lines; i++) {
      size_t line = (size_t)((char *)at - memory) / ASSAY_CHASE_LINE;
      assert_true(line < lines && !seen[line]);
      seen[line] = true;
      at = assay_chase_follow(at, 1);
    }
    assert_true(at == memory);
    assert_true(assay_chase_follow(memory, 3 * lines) == memory);
  }
  free(memory);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(streams_read_write_copy_and_triad_exactly), cmocka_unit_test(a_read_of_two_passes_cancels_out),
      cmocka_unit_test(arithmetic_does_every_operation_it_counts), cmocka_unit_test(a_missing_instruction_set_is_named),
      cmocka_unit_test(the_chase_is_one_cycle_over_all_lines),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

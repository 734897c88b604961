/* SPDX-License-Identifier: MIT */
/* Every way to multiply matrices against the slow one, over odd sizes, strides, transposes and factors, with guard zones around C. */
#include <assay/gemm.h>

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "kernels/gemm/gemm.h"
#include "os/isa.h"
#include "test.h"

/* ROOM: of the largest array with its stride. */
enum { MOST = 40, MOST_K = 520, MORE_K = 70, EXTRA = 3, GUARD = 32, ROOM = (MOST + EXTRA) * (MOST_K + MORE_K) };
static const double guard_value = -12345.5;

/* One random product: the arrays, in both types. */
typedef struct product {
  assay_gemm_args args;
  double a64[ROOM], b64[ROOM], c64[ROOM];
  float a32[ROOM], b32[ROOM], c32[ROOM];
} product;

static void fill(product *p, assay_random *random) {
  for (size_t i = 0; i < ROOM; i++) {
    p->a64[i] = p->a32[i] = (float)(assay_random_unit(random) - 0.5);
    p->b64[i] = p->b32[i] = (float)(assay_random_unit(random) - 0.5);
    p->c64[i] = p->c32[i] = (float)guard_value;
  }
}

/* Element (i, j) of op(X). */
static size_t at(size_t i, size_t j, size_t stride, bool transposed) { return transposed ? j * stride + i : i * stride + j; }

static double element(const product *p, char which, size_t i, size_t j) {
  const assay_gemm_args *args = &p->args;
  bool wide = args->type == ASSAY_F64;
  size_t index = which == 'a'   ? at(i, j, args->stride_a, args->transpose_a)
                 : which == 'b' ? at(i, j, args->stride_b, args->transpose_b)
                                : GUARD + at(i, j, args->stride_c, false);
  switch (which) {
    case 'a': return wide ? p->a64[index] : (double)p->a32[index];
    case 'b': return wide ? p->b64[index] : (double)p->b32[index];
    default: return wide ? p->c64[index] : (double)p->c32[index];
  }
}

static product *random_product(assay_random *random, assay_dtype type, size_t m, size_t n, size_t k) {
  static product p;
  bool ta = assay_random_below(random, 2) == 1, tb = assay_random_below(random, 2) == 1;
  size_t extra = assay_random_below(random, 2) * EXTRA;
  p.args = (assay_gemm_args){.type = type, .transpose_a = ta, .transpose_b = tb, .m = m, .n = n, .k = k, .alpha = 1};
  p.args.stride_a = (ta ? m : k) + extra;
  p.args.stride_b = (tb ? k : n) + extra;
  p.args.stride_c = n + extra;
  static const double factors[] = {0, 1, -0.75};
  p.args.alpha = factors[1 + assay_random_below(random, 2)];
  p.args.beta = factors[assay_random_below(random, 3)];
  fill(&p, random);
  for (size_t i = 0; i < m; i++) {
    for (size_t j = 0; j < n; j++) {
      size_t index = GUARD + i * p.args.stride_c + j;
      p.c64[index] = p.c32[index] = p.args.beta == 0 ? NAN : (float)assay_random_normal(random); /* beta = 0 must not read it */
    }
  }
  bool wide = type == ASSAY_F64;
  p.args.a = wide ? (void *)p.a64 : (void *)p.a32;
  p.args.b = wide ? (void *)p.b64 : (void *)p.b32;
  p.args.c = wide ? (void *)(p.c64 + GUARD) : (void *)(p.c32 + GUARD);
  return &p;
}

/* The product and the sum of magnitudes, which bounds the rounding errors. */
static double slow(const product *p, size_t i, size_t j, double before, double *magnitude) {
  double sum = p->args.beta == 0 ? 0 : p->args.beta * before;
  *magnitude = fabs(sum);
  for (size_t x = 0; x < p->args.k; x++) {
    double term = p->args.alpha * element(p, 'a', i, x) * element(p, 'b', x, j);
    sum += term;
    *magnitude += fabs(term);
  }
  return sum;
}

typedef struct multiplier {
  assay_gemm_library library;
  const assay_gemm_kernel *kernels; /* not NULL: this variant of the built-in one */
  const char *name;
} multiplier;

static void check(const multiplier *by, product *p) {
  static double before[MOST * MOST];
  const assay_gemm_args *args = &p->args;
  for (size_t i = 0; i < args->m; i++)
    for (size_t j = 0; j < args->n; j++) before[i * MOST + j] = element(p, 'c', i, j);
  assay_error err = {0};
  assert_ok(by->kernels != NULL ? assay_gemm_builtin(by->kernels, args, &err) : assay_gemm(args, by->library, &err), err);
  double epsilon = args->type == ASSAY_F64 ? 0x1p-52 : 0x1p-23;
  for (size_t i = 0; i < args->m; i++) {
    for (size_t j = 0; j < args->n; j++) {
      double magnitude, want = slow(p, i, j, before[i * MOST + j], &magnitude), got = element(p, 'c', i, j);
      if (fabs(got - want) <= epsilon * (double)(args->k + 2) * magnitude) continue;
      fail_msg("%s, %s, %zu x %zu x %zu, alpha %g, beta %g%s%s: element %zu, %zu is %.17g, not %.17g", by->name,
               assay_dtype_text(args->type), args->m, args->n, args->k, args->alpha, args->beta, args->transpose_a ? ", A transposed" : "",
               args->transpose_b ? ", B transposed" : "", i, j, got, want);
    }
  }
  bool wide = args->type == ASSAY_F64;
  for (size_t index = 0; index < ROOM; index++) {
    size_t row = index < GUARD ? args->m : (index - GUARD) / args->stride_c, column = index < GUARD ? 0 : (index - GUARD) % args->stride_c;
    if (row < args->m && column < args->n) continue;
    double value = wide ? p->c64[index] : (double)p->c32[index];
    if (value != guard_value) fail_msg("%s wrote outside of C, %zu elements behind its first", by->name, index - GUARD);
  }
}

/* All that are here. */
static size_t multipliers(multiplier *list) {
  size_t count = 0;
  const char *isa;
  const assay_gemm_kernel *kernels;
  for (size_t i = 0; (kernels = assay_gemm_kernel_variant(i, &isa)) != NULL; i++)
    list[count++] = (multiplier){ASSAY_GEMM_BUILTIN, kernels, isa};
  for (int library = ASSAY_GEMM_BUILTIN; library < ASSAY_GEMM_LIBRARY_COUNT; library++) {
    const char *name = assay_gemm_library_name((assay_gemm_library)library, NULL);
    if (name != NULL) list[count++] = (multiplier){(assay_gemm_library)library, NULL, name};
  }
  return count;
}

static void every_way_gives_the_product(void **state) {
  (void)state;
  multiplier list[8];
  size_t count = multipliers(list);
  assay_random random;
  assay_random_init(&random, 3);
  for (size_t by = 0; by < count; by++) {
    for (int round = 0; round < 40; round++) {
      assay_dtype type = round % 2 == 0 && list[by].library != ASSAY_GEMM_ONEDNN ? ASSAY_F64 : ASSAY_F32;
      size_t m = 1 + assay_random_below(&random, MOST), n = 1 + assay_random_below(&random, MOST),
             k = 1 + assay_random_below(&random, MORE_K);
      if (round % 10 == 0) k += MOST_K; /* two blocks of k */
      check(&list[by], random_product(&random, type, m, n, k));
    }
  }
}

/* Several blocks of rows, of columns and of k, with a stride that is not theirs: against the reference kernel, whose bits are those of
 * every other. */
static void built_in_bits_are_the_same_everywhere(void **state) {
  (void)state;
  enum { M = 80, N = 2760, K = 530 };
  static double a[M * K], b[K * N], want[M * N], got[M * N];
  assay_random random;
  assay_random_init(&random, 4);
  for (int type = 0; type < 2; type++) {
    for (size_t i = 0; i < M * K; i++) a[i] = assay_random_normal(&random);
    for (size_t i = 0; i < K * N; i++) b[i] = assay_random_normal(&random);
    if (type == 1) { /* the same memory as f32: any bits will do as long as they are ordinary numbers */
      for (size_t i = 0; i < M * K; i++) ((float *)a)[i] = (float)assay_random_normal(&random);
      for (size_t i = 0; i < K * N; i++) ((float *)b)[i] = (float)assay_random_normal(&random);
    }
    assay_gemm_args args = {.type = type == 0 ? ASSAY_F64 : ASSAY_F32, .m = M, .n = N, .k = K, .alpha = 0.3, .beta = 0.7, .a = a, .b = b};
    args.stride_a = K, args.stride_b = N, args.stride_c = N;
    size_t bytes = (size_t)M * N * assay_dtype_size(args.type);
    const assay_gemm_kernel *kernels;
    const char *isa;
    assay_error err = {0};
    for (size_t i = 0; (kernels = assay_gemm_kernel_variant(i, &isa)) != NULL; i++) {
      double *c = i == 0 ? want : got;
      memset(c, 0, bytes);
      for (size_t x = 0; x < (size_t)M * N; x++) {
        if (type == 0) c[x] = (double)(x % 7);
        if (type == 1) ((float *)c)[x] = (float)(x % 7);
      }
      args.c = c;
      assert_true(kernels->depth < K && kernels->block_bytes < M * K * sizeof(float));
      assert_ok(assay_gemm_builtin(kernels, &args, &err), err);
      if (i > 0 && memcmp(want, got, bytes) != 0) fail_msg("%s and the reference differ in %s", isa, assay_dtype_text(args.type));
    }
  }
}

static void not_a_number_stays_in_its_row_and_column(void **state) {
  (void)state;
  multiplier list[8];
  size_t count = multipliers(list);
  for (size_t by = 0; by < count; by++) {
    if (list[by].kernels != NULL) continue;
    float a[5 * 5], b[5 * 5], c[5 * 5];
    for (size_t i = 0; i < 25; i++) a[i] = b[i] = 1;
    a[2 * 5 + 3] = NAN;
    b[1 * 5 + 4] = INFINITY;
    assay_gemm_args args = {.type = ASSAY_F32, .m = 5, .n = 5, .k = 5, .alpha = 1, .a = a, .b = b, .c = c};
    assay_error err = {0};
    assert_ok(assay_gemm(&args, list[by].library, &err), err);
    for (size_t i = 0; i < 5; i++) {
      for (size_t j = 0; j < 5; j++) {
        if (i == 2)
          assert_true(isnan(c[i * 5 + j]));
        else if (j == 4)
          assert_true(isinf(c[i * 5 + j]));
        else
          assert_near(c[i * 5 + j], 5, 0);
      }
    }
  }
}

static void empty_products_only_scale(void **state) {
  (void)state;
  for (int library = ASSAY_GEMM_AUTO; library <= ASSAY_GEMM_BUILTIN; library++) {
    double a[4] = {NAN, NAN, NAN, NAN}, c[4] = {1, 2, 3, 4};
    assay_gemm_args args = {.type = ASSAY_F64, .m = 2, .n = 2, .k = 0, .alpha = 1, .beta = 2, .c = c};
    assay_error err = {0};
    assert_ok(assay_gemm(&args, (assay_gemm_library)library, &err), err); /* no k: A and B may be NULL */
    assert_near(c[3], 8, 0);
    args.k = 2, args.alpha = 0, args.a = args.b = a;
    assert_ok(assay_gemm(&args, (assay_gemm_library)library, &err), err); /* alpha 0: A and B are not read */
    assert_near(c[3], 16, 0);
    args.beta = 0, c[0] = NAN;
    assert_ok(assay_gemm(&args, (assay_gemm_library)library, &err), err);
    assert_near(c[0], 0, 0);
    args.m = 0, args.a = args.c = NULL, c[0] = 5;
    assert_ok(assay_gemm(&args, (assay_gemm_library)library, &err), err);
    assert_near(c[0], 5, 0);
  }
}

static void bad_input_is_said(void **state) {
  (void)state;
  double a[4] = {1, 2, 3, 4}, b[4] = {1, 0, 0, 1}, c[4] = {9, 9, 9, 9};
  const assay_gemm_args good = {.type = ASSAY_F64, .m = 2, .n = 2, .k = 2, .alpha = 1, .a = a, .b = b, .c = c};
  struct {
    assay_gemm_args args;
    const char *says;
  } bad[16];
  size_t count = 0;
#define BAD(change, text)        \
  do {                           \
    assay_gemm_args args = good; \
    change;                      \
    bad[count].args = args;      \
    bad[count++].says = text;    \
  } while (0)
  BAD(args.type = ASSAY_F16, "not f16");
  BAD(args.type = ASSAY_DTYPE_COUNT, "unknown type");
  BAD(args.alpha = NAN, "alpha");
  BAD(args.beta = INFINITY, "beta");
  BAD((args.type = ASSAY_F32, args.alpha = 1e39), "alpha");
  BAD(args.a = NULL, "A is NULL");
  BAD(args.b = NULL, "B is NULL");
  BAD(args.c = NULL, "C is NULL");
  BAD(args.stride_b = 1, "B has rows of 2 elements but a stride of 1");
  BAD(args.m = SIZE_MAX / 4, "A of");
  BAD(args.k = SIZE_MAX / 2, "A of");
  BAD(args.c = a, "overlaps");
  BAD(args.c = b + 1, "overlaps");
  for (size_t i = 0; i < count; i++) {
    assay_error err = {0};
    assert_int_equal(assay_gemm(&bad[i].args, ASSAY_GEMM_AUTO, &err), ASSAY_ERR_INVALID);
    if (strstr(err.message, bad[i].says) == NULL) fail_msg("'%s' says nothing of '%s'", err.message, bad[i].says);
    assert_near(c[0] + c[3] + a[0] + b[0], 20, 0);
  }
  assay_error err = {0};
  assert_int_equal(assay_gemm(NULL, ASSAY_GEMM_AUTO, &err), ASSAY_ERR_INVALID);
  assert_int_equal(assay_gemm(&good, ASSAY_GEMM_LIBRARY_COUNT, NULL), ASSAY_ERR_UNSUPPORTED);
  assert_int_equal(assay_gemm(&good, ASSAY_GEMM_ONEDNN, NULL), ASSAY_ERR_UNSUPPORTED); /* has no f64, or is not here */
}

static void the_choice_is_recorded_with_its_reason(void **state) {
  (void)state;
  const assay_dtype types[] = {ASSAY_F64, ASSAY_F32};
  for (size_t i = 0; i < 2; i++) {
    const assay_gemm_chosen *chosen = assay_gemm_choice(types[i]);
    assert_non_null(chosen);
    assert_string_equal(chosen->name, assay_gemm_library_name(chosen->library, NULL));
    assert_non_null(strstr(chosen->reason, "the fastest that is here"));
    const char *onednn = assay_gemm_library_name(ASSAY_GEMM_ONEDNN, NULL);
    if (types[i] == ASSAY_F32 && onednn != NULL) assert_string_equal(chosen->name, onednn);
    if (types[i] == ASSAY_F64) assert_non_null(strstr(chosen->reason, "oneDNN")); /* why it is not that */
  }
  assert_null(assay_gemm_choice(ASSAY_BF16));
}

/* In a child, since the choice is made once. */
static void another_word_for_a_library_is_refused(void **state) {
  (void)state;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    setenv("ASSAY_GEMM", "openblass", 1);
    double a[4] = {1, 2, 3, 4}, b[4] = {5, 6, 7, 8}, c[4] = {0};
    assay_gemm_args args = {.type = ASSAY_F64, .m = 2, .n = 2, .k = 2, .alpha = 1, .a = a, .b = b, .c = c};
    assay_error err = {0};
    bool refused =
        assay_gemm(&args, ASSAY_GEMM_AUTO, &err) == ASSAY_ERR_INVALID && strstr(err.message, "ASSAY_GEMM=openblass names none") != NULL;
    bool named = assay_gemm(&args, ASSAY_GEMM_BUILTIN, &err) == ASSAY_OK && c[0] == 19; /* who names one does not ask the environment */
    _exit(refused && named ? 0 : 1);
  }
  int ended = -1;
  waitpid(child, &ended, 0);
  assert_true(WIFEXITED(ended));
  assert_int_equal(WEXITSTATUS(ended), 0);
}

static void openblas_gets_the_kernels_of_this_processor(void **state) {
  (void)state;
  assert_string_equal(assay_gemm_openblas_core(ASSAY_ISA_X86_64_V4), "SKYLAKEX");
  assert_string_equal(assay_gemm_openblas_core(ASSAY_ISA_X86_64_V3), "HASWELL");
  assert_null(assay_gemm_openblas_core(ASSAY_ISA_X86_64_V2));
  assert_null(assay_gemm_openblas_core(ASSAY_ISA_NEON));
  const char *cause = NULL, *name = assay_gemm_library_name(ASSAY_GEMM_OPENBLAS, &cause);
  if (name == NULL) test_skip(cause);
  assert_null(getenv("OPENBLAS_CORETYPE")); /* as it was before */
  assert_null(strstr(name, "Prescott"));
}

int main(void) {
  unsetenv("OPENBLAS_CORETYPE");
  unsetenv("ASSAY_GEMM");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(another_word_for_a_library_is_refused), /* before any choice */
      cmocka_unit_test(every_way_gives_the_product),
      cmocka_unit_test(built_in_bits_are_the_same_everywhere),
      cmocka_unit_test(not_a_number_stays_in_its_row_and_column),
      cmocka_unit_test(empty_products_only_scale),
      cmocka_unit_test(bad_input_is_said),
      cmocka_unit_test(the_choice_is_recorded_with_its_reason),
      cmocka_unit_test(openblas_gets_the_kernels_of_this_processor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

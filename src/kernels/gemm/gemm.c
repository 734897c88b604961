/* SPDX-License-Identifier: MIT */
/* Which library multiplies here, and what every product must keep to before one gets it. */
#include "kernels/gemm/gemm.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"

static const struct {
  const char *name; /* in ASSAY_GEMM */
  void (*open)(assay_gemm_backend *backend);
} libraries[ASSAY_GEMM_LIBRARY_COUNT] = {
    [ASSAY_GEMM_BUILTIN] = {"builtin", assay_gemm_open_builtin},
    [ASSAY_GEMM_ONEDNN] = {"onednn", assay_gemm_open_onednn},
    [ASSAY_GEMM_OPENBLAS] = {"openblas", assay_gemm_open_openblas},
};

static assay_gemm_backend backends[ASSAY_GEMM_LIBRARY_COUNT];
static pthread_once_t opened[ASSAY_GEMM_LIBRARY_COUNT] = {PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT, PTHREAD_ONCE_INIT};

/* One at a time, and only those that are asked for: each costs milliseconds and a pool of threads. */
static void open_builtin(void) { libraries[ASSAY_GEMM_BUILTIN].open(&backends[ASSAY_GEMM_BUILTIN]); }
static void open_onednn(void) { libraries[ASSAY_GEMM_ONEDNN].open(&backends[ASSAY_GEMM_ONEDNN]); }
static void open_openblas(void) { libraries[ASSAY_GEMM_OPENBLAS].open(&backends[ASSAY_GEMM_OPENBLAS]); }

static const assay_gemm_backend *backend_of(assay_gemm_library library) {
  static void (*const once[])(void) = {
      [ASSAY_GEMM_BUILTIN] = open_builtin, [ASSAY_GEMM_ONEDNN] = open_onednn, [ASSAY_GEMM_OPENBLAS] = open_openblas};
  pthread_once(&opened[library], once[library]);
  return &backends[library];
}

const char *assay_gemm_library_name(assay_gemm_library library, const char **cause) {
  if (library <= ASSAY_GEMM_AUTO || library >= ASSAY_GEMM_LIBRARY_COUNT) {
    if (cause != NULL) *cause = "there is no such library";
    return NULL;
  }
  const assay_gemm_backend *backend = backend_of(library);
  if (!backend->here && cause != NULL) *cause = backend->cause;
  return backend->here ? backend->name : NULL;
}

/* ---- The choice -------------------------------------------------------------------------------------------------------------- */

/* By speed: oneDNN compiles its kernels for the processor at hand; the built-in one is for machines that have neither. */
static const assay_gemm_library order[] = {ASSAY_GEMM_ONEDNN, ASSAY_GEMM_OPENBLAS, ASSAY_GEMM_BUILTIN};

typedef struct choice {
  assay_gemm_chosen chosen;
  char reason[2400];
} choice;

static choice choices[2]; /* f64, f32 */

static void say(choice *c, const char *format, ...) ASSAY_PRINTF(2, 3);
static void say(choice *c, const char *format, ...) {
  size_t used = strlen(c->reason);
  va_list args;
  va_start(args, format);
  assay_vsnprintf(c->reason + used, sizeof c->reason - used, format, args);
  va_end(args);
}

static bool take(choice *c, assay_gemm_library library, assay_dtype type) {
  const assay_gemm_backend *backend = backend_of(library);
  if (!backend->here) say(c, "%s; ", backend->cause);
  if (backend->here && !backend->has[type]) say(c, "%s has no %s product; ", backend->name, assay_dtype_text(type));
  if (!backend->here || !backend->has[type]) return false;
  c->chosen = (assay_gemm_chosen){library, backend->name, c->reason};
  return true;
}

static void choose(choice *c, assay_dtype type) {
  const char *wanted = getenv("ASSAY_GEMM");
  bool asks = wanted != NULL && *wanted != '\0' && strcmp(wanted, "auto") != 0;
  for (size_t i = 0; asks && i < sizeof order / sizeof *order; i++) {
    if (strcmp(wanted, libraries[order[i]].name) != 0) continue;
    if (take(c, order[i], type)) return say(c, "ASSAY_GEMM asks for it");
    asks = false;
  }
  if (asks) {
    c->chosen = (assay_gemm_chosen){ASSAY_GEMM_AUTO, "none", c->reason};
    return say(c, "ASSAY_GEMM=%.60s names none of auto, onednn, openblas, builtin", wanted);
  }
  for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
    if (take(c, order[i], type)) return say(c, "the fastest that is here");
  }
}

static void choose_both(void) {
  choose(&choices[0], ASSAY_F64);
  choose(&choices[1], ASSAY_F32);
}

const assay_gemm_chosen *assay_gemm_choice(assay_dtype type) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  if (type != ASSAY_F64 && type != ASSAY_F32) return NULL;
  pthread_once(&once, choose_both);
  return &choices[type == ASSAY_F32 ? 1 : 0].chosen;
}

/* ---- The product ------------------------------------------------------------------------------------------------------------- */

/* Fills in a tight stride; a matrix whose last element lies beyond the address space cannot be. */
static assay_status check_matrix(const char *name, size_t rows, size_t columns, size_t size, size_t *stride, assay_error *err,
                                 size_t *bytes) {
  if (*stride == 0) *stride = columns > 0 ? columns : 1;
  if (*stride < columns)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "%s has rows of %zu elements but a stride of %zu: at least the rows' length, or 0 for tight rows", name, columns,
                      *stride);
  if (__builtin_mul_overflow(rows, *stride, bytes) || __builtin_mul_overflow(*bytes, size, bytes) || *bytes > PTRDIFF_MAX)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s of %zu x %zu elements is larger than any memory", name, rows, columns);
  *bytes = rows > 0 && columns > 0 ? *bytes - (*stride - columns) * size : 0;
  return ASSAY_OK;
}

assay_status assay_gemm_check(assay_gemm_args *args, assay_error *err, assay_gemm_bytes *bytes) {
  if (args->type != ASSAY_F64 && args->type != ASSAY_F32)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "matrix products are in f64 or f32, not %s",
                      args->type < ASSAY_DTYPE_COUNT ? assay_dtype_text(args->type) : "an unknown type");
  double most = args->type == ASSAY_F32 ? 3.4028234e38 : INFINITY;
  if (!(fabs(args->alpha) < INFINITY) || !(fabs(args->beta) < INFINITY) || fabs(args->alpha) > most || fabs(args->beta) > most)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "alpha (%g) and beta (%g) must be finite numbers of the matrices' type", args->alpha,
                      args->beta);
  size_t size = assay_dtype_size(args->type), m = args->m, n = args->n, k = args->k;
  bool ta = args->transpose_a, tb = args->transpose_b;
  assay_status status = check_matrix("A", ta ? k : m, ta ? m : k, size, &args->stride_a, err, &bytes->a);
  if (status == ASSAY_OK) status = check_matrix("B", tb ? n : k, tb ? k : n, size, &args->stride_b, err, &bytes->b);
  if (status == ASSAY_OK) status = check_matrix("C", m, n, size, &args->stride_c, err, &bytes->c);
  return status;
}

static bool overlap(const void *x, size_t x_bytes, const void *y, size_t y_bytes) {
  return x_bytes > 0 && y_bytes > 0 && (uintptr_t)x < (uintptr_t)y + y_bytes && (uintptr_t)y < (uintptr_t)x + x_bytes;
}

static assay_status check_memory(const assay_gemm_args *args, const assay_gemm_bytes *bytes, assay_error *err) {
  const char *missing = args->a == NULL && bytes->a > 0   ? "A"
                        : args->b == NULL && bytes->b > 0 ? "B"
                        : args->c == NULL && bytes->c > 0 ? "C"
                                                          : NULL;
  if (missing != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is NULL in a product of %zu x %zu x %zu", missing, args->m, args->n, args->k);
  if (overlap(args->a, bytes->a, args->c, bytes->c) || overlap(args->b, bytes->b, args->c, bytes->c))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "C overlaps A or B: it is written while they are read");
  return ASSAY_OK;
}

assay_status assay_gemm(const assay_gemm_args *given, assay_gemm_library library, assay_error *err) {
  if (given == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a matrix product without arguments");
  assay_gemm_args args = *given;
  assay_gemm_bytes bytes;
  assay_status status = assay_gemm_check(&args, err, &bytes);
  if (status == ASSAY_OK) status = check_memory(&args, &bytes, err);
  if (status != ASSAY_OK) return status;
  const char *cause = NULL;
  if (library == ASSAY_GEMM_AUTO) {
    const assay_gemm_chosen *chosen = assay_gemm_choice(args.type);
    if (chosen->library == ASSAY_GEMM_AUTO) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s", chosen->reason);
    library = chosen->library;
  }
  if (assay_gemm_library_name(library, &cause) == NULL) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s", cause);
  const assay_gemm_backend *backend = backend_of(library);
  if (!backend->has[args.type])
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "%s has no %s product", backend->name, assay_dtype_text(args.type));
  if (args.m == 0 || args.n == 0) return ASSAY_OK;
  if (args.k == 0 || args.alpha == 0 || (args.type == ASSAY_F32 && (float)args.alpha == 0)) {
    assay_gemm_scale(args.type, args.c, args.stride_c, args.m, args.n, args.beta);
    return ASSAY_OK;
  }
  return backend->multiply(&args, err);
}

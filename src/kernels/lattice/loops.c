/* SPDX-License-Identifier: MIT */
/* Built once for each variant (meson.build names ASSAY_VARIANT and its flags). Four numbers at a time, which are two halves where vectors
 * are shorter. */
#include "kernels/lattice/lattice.h"

#include <string.h>

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define FUNCTIONS JOIN(assay_lattice_functions_, ASSAY_VARIANT)

enum { ORDER = ASSAY_LATTICE_ORDER, SUM_ORDER = ASSAY_LATTICE_SUM_ORDER, ARM = ASSAY_LATTICE_ARM, ROW = ASSAY_LATTICE_ROW, QUADS = 2 };
typedef double pair __attribute__((vector_size(16)));
typedef double quad __attribute__((vector_size(32)));
_Static_assert(QUADS * 4 == ASSAY_LATTICE_BLOCK && ROW == 12 && ORDER == 6 && SUM_ORDER == 2, "as it is written below");

#define INLINE static inline __attribute__((always_inline))

INLINE quad load(const double *at) {
  quad q;
  memcpy(&q, at, sizeof q);
  return q;
}

INLINE void store(double *at, quad q) { memcpy(at, &q, sizeof q); }

INLINE quad all(double x) { return (quad){x, x, x, x}; }

/* Weights are even or odd in b, so both sides are taken at once; and what differs from the node alone, so that what the quadrature leaves
 * out beyond its reach is a share of that. */
INLINE void project(const assay_lattice_weights weights, const double *next, size_t first, size_t last, int order, double *mean,
                    double *rows) {
  for (size_t j = first; j < last; j += ASSAY_LATTICE_BLOCK) {
    quad here[QUADS], terms[ORDER + 1][QUADS];
    for (int n = 0; n < QUADS; n++) {
      here[n] = load(next + j + 4 * n);
      terms[0][n] = here[n];
      for (int k = 1; k <= order; k++) terms[k][n] = all(0);
    }
    for (size_t b = 1; b <= ARM; b++) {
      for (int n = 0; n < QUADS; n++) {
        quad up = load(next + j + b + 4 * n), down = load(next + j - b + 4 * n), even = (up - here[n]) + (down - here[n]), odd = up - down;
        for (int k = 0; k <= order; k++) terms[k][n] += all(weights[b][k]) * (k % 2 ? odd : even);
      }
    }
    for (int n = 0; n < QUADS; n++) store(mean + j + 4 * n, terms[0][n]);
    for (size_t n = 0; n < ASSAY_LATTICE_BLOCK; n++) {
      for (int k = 1; k <= order; k++) rows[ROW * (j + n) + (size_t)k - 1] = terms[k][n / 4][n % 4];
    }
  }
}

static void project_value(const assay_lattice_weights weights, const double *next, size_t first, size_t last, double *mean, double *rows) {
  project(weights, next, first, last, ORDER, mean, rows);
}

static void project_sum(const assay_lattice_weights weights, const double *next, size_t first, size_t last, double *mean, double *rows) {
  project(weights, next, first, last, SUM_ORDER, mean, rows);
}

/* A path's node, and how far it is from there to the next. */
INLINE const double *row_of(const assay_lattice_step *s, double sum, double *part) {
  double place = s->middle + sum * ASSAY_LATTICE_QUARTERS, least = s->first, most = s->last - 2;
  place = place < least ? least : place;
  place = place > most ? most : place;
  int node = (int)place;
  *part = place - node;
  return s->rows + (ptrdiff_t)ROW * node;
}

INLINE quad between(const double *row, double part) {
  quad here = load(row), beside = load(row + ROW);
  return here + all(part) * (beside - here);
}

INLINE pair low(quad q) { return (pair){q[0], q[1]}; }
INLINE pair high(quad q) { return (pair){q[2], q[3]}; }
INLINE pair across(pair a, pair b) { return (pair){a[0] + a[1], b[0] + b[1]}; }

/*
 * The polynomials of a shock. Those of order 3 and more are taken at most REACHED from the middle, as a value's kinks make their sum
 * diverge farther out, where scores are largest; what that adds to their products with those of lower order is subtracted, so that they
 * stay orthogonal to them. By parts, for odd and for even k, with L = REACHED, density p(L) and tail Q(L) of a normal number: E(He_k z) =
 * -2 k He_k-2(L) p(L) E(He_k) = 2 Q(L) He_k(L) - 2 He_k-1(L) p(L),  E(He_k He_2) = -2 k ((k - 1) He_k-3(L) + He_k-1(L)) p(L) where He_1 to
 * He_6 are 4, 15, 52, 163, 444 and 961 at 4.
 */
#define REACHED 4.0
#define DENSITY 1.3383022576488537e-4
#define TAIL 3.167124183311992e-5
typedef struct polynomials {
  quad low, high; /* He_1 to He_4; He_5, He_6, He_1, He_2 */
} polynomials;

INLINE polynomials polynomials_of(double z) {
  double x = z < -REACHED ? -REACHED : z;
  x = x > REACHED ? REACHED : x;
  double z2 = z * z - 1, x2 = x * x - 1, x3 = x * x2 - 2 * x, x4 = x * x3 - 3 * x2, x5 = x * x4 - 4 * x3, x6 = x * x5 - 5 * x4;
  double z3 = x3 + (6 * 4 * DENSITY) * z, z5 = x5 + (10 * 52 * DENSITY) * z;
  double z4 = x4 + (4 * (3 * 4 + 52) * DENSITY) * z2 - 2 * (163 * TAIL - 52 * DENSITY);
  double z6 = x6 + (6 * (5 * 52 + 444) * DENSITY) * z2 - 2 * (961 * TAIL - 444 * DENSITY);
  return (polynomials){{z, z2, z3, z4}, {z5, z6, z, z2}};
}

static void back(const assay_lattice_step *s, size_t count, double sign, const double *before, const double *after,
                 assay_lattice_future *paths) {
  pair discount = {s->discount, s->discount}, twice = {1, 2};
  for (size_t i = 0; i < count; i++) {
    double sum = sign * before[i], z = sign * after[i] - sum, part;
    polynomials he = polynomials_of(z);
    const double *row = row_of(s, sum, &part);
    quad first = between(row, part), second = between(row + 4, part), third = between(row + 8, part);
    pair scored = low(he.low);
    quad a = first * he.low, b = second * he.high, c = third * (quad){scored[0], scored[1], scored[0], scored[1]};
    pair worth, sums, scores;
    memcpy(&worth, &paths[i].worth, sizeof worth);
    memcpy(&sums, &paths[i].slopes, sizeof sums);
    memcpy(&scores, &paths[i].score, sizeof scores);
    worth = discount * (worth - across(low(a) + high(a) + low(b), high(b)));
    worth = (pair){worth[0], worth[0] + worth[1]};
    sums = discount * (sums + twice * low(first) - across(low(c), high(c)));
    scores = scores + scored;
    memcpy(&paths[i].worth, &worth, sizeof worth);
    memcpy(&paths[i].slopes, &sums, sizeof sums);
    memcpy(&paths[i].score, &scores, sizeof scores);
  }
}

static void back_alone(const assay_lattice_step *s, size_t count, double sign, const double *before, const double *after,
                       assay_lattice_future *paths) {
  for (size_t i = 0; i < count; i++) {
    double sum = sign * before[i], z = sign * after[i] - sum, part;
    polynomials he = polynomials_of(z);
    const double *row = row_of(s, sum, &part);
    quad a = between(row, part) * he.low, b = between(row + 4, part) * he.high;
    pair moved = low(a) + high(a) + low(b);
    paths[i].worth = s->discount * (paths[i].worth - (moved[0] + moved[1]));
    paths[i].times *= s->discount;
  }
}

extern const assay_lattice_functions FUNCTIONS;
const assay_lattice_functions FUNCTIONS = {project_value, project_sum, back, back_alone};

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
/* Four paths at a time: the polynomials of their shocks, and where they are between which nodes. */
typedef struct four {
  quad low[4], high[4]; /* of each He_1 to He_4; He_5, He_6, He_1, He_2 */
  quad part;
  const double *row[4];
} four;

typedef long long mask __attribute__((vector_size(32)));
INLINE quad select(mask m, quad a, quad b) { return (quad)((m & (mask)a) | (~m & (mask)b)); }
INLINE quad limit(quad x, double least, double most) {
  x = select(x < all(least), all(least), x);
  return select(x > all(most), all(most), x);
}

/* a, b, c and d of each. */
INLINE void transpose(quad a, quad b, quad c, quad d, quad out[4]) {
  quad ab = __builtin_shufflevector(a, b, 0, 4, 2, 6), ab2 = __builtin_shufflevector(a, b, 1, 5, 3, 7);
  quad cd = __builtin_shufflevector(c, d, 0, 4, 2, 6), cd2 = __builtin_shufflevector(c, d, 1, 5, 3, 7);
  out[0] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
  out[1] = __builtin_shufflevector(ab2, cd2, 0, 1, 4, 5);
  out[2] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
  out[3] = __builtin_shufflevector(ab2, cd2, 2, 3, 6, 7);
}

INLINE void look_at(const assay_lattice_step *s, double sign, quad before, quad after, four *f) {
  quad sum = all(sign) * before, z = all(sign) * after - sum, x = limit(z, -REACHED, REACHED);
  quad z2 = z * z - 1, x2 = x * x - 1, x3 = x * x2 - 2 * x, x4 = x * x3 - 3 * x2, x5 = x * x4 - 4 * x3, x6 = x * x5 - 5 * x4;
  quad z3 = x3 + (6 * 4 * DENSITY) * z, z5 = x5 + (10 * 52 * DENSITY) * z;
  quad z4 = x4 + (4 * (3 * 4 + 52) * DENSITY) * z2 - 2 * (163 * TAIL - 52 * DENSITY);
  quad z6 = x6 + (6 * (5 * 52 + 444) * DENSITY) * z2 - 2 * (961 * TAIL - 444 * DENSITY);
  transpose(z, z2, z3, z4, f->low);
  transpose(z5, z6, z, z2, f->high);
  quad place = limit(all(s->middle) + sum * ASSAY_LATTICE_QUARTERS, s->first, s->last - 2);
  for (int k = 0; k < 4; k++) {
    int node = (int)place[k];
    f->part[k] = place[k] - node;
    f->row[k] = s->rows + (ptrdiff_t)ROW * node;
  }
}

INLINE void back_one(const double *row, double part, quad he_low, quad he_high, double d, assay_lattice_future *path) {
  quad first = between(row, part), second = between(row + 4, part), third = between(row + 8, part);
  pair discount = {d, d}, twice = {1, 2}, scored = low(he_low);
  quad a = first * he_low, b = second * he_high, c = third * __builtin_shufflevector(he_low, he_low, 0, 1, 0, 1);
  pair worth, sums, scores;
  memcpy(&worth, &path->worth, sizeof worth);
  memcpy(&sums, &path->slopes, sizeof sums);
  memcpy(&scores, &path->score, sizeof scores);
  worth = discount * (worth - across(low(a) + high(a) + low(b), high(b)));
  worth = (pair){worth[0], worth[0] + worth[1]};
  sums = discount * (sums + twice * low(first) - across(low(c), high(c)));
  scores = scores + scored;
  memcpy(&path->worth, &worth, sizeof worth);
  memcpy(&path->slopes, &sums, sizeof sums);
  memcpy(&path->score, &scores, sizeof scores);
}

INLINE void back_one_alone(const double *row, double part, quad he_low, quad he_high, double d, assay_lattice_future *path) {
  quad a = between(row, part) * he_low, b = between(row + 4, part) * he_high;
  pair moved = low(a) + high(a) + low(b);
  path->worth = d * (path->worth - (moved[0] + moved[1]));
  path->times *= d;
}

INLINE void back_all(const assay_lattice_step *s, size_t count, double sign, const double *before, const double *after,
                     assay_lattice_future *paths, int alone, size_t at_once) {
  for (size_t i = 0; i + at_once <= count; i += at_once) {
    four f;
    quad from = all(0), to = all(0);
    memcpy(&from, before + i, at_once * sizeof *before);
    memcpy(&to, after + i, at_once * sizeof *after);
    look_at(s, sign, from, to, &f);
    for (size_t k = 0; k < at_once; k++) {
      if (alone) {
        back_one_alone(f.row[k], f.part[k], f.low[k], f.high[k], s->discount, &paths[i + k]);
      } else {
        back_one(f.row[k], f.part[k], f.low[k], f.high[k], s->discount, &paths[i + k]);
      }
    }
  }
}

static void back(const assay_lattice_step *s, size_t count, double sign, const double *before, const double *after,
                 assay_lattice_future *paths) {
  size_t fours = count & ~(size_t)3;
  back_all(s, fours, sign, before, after, paths, 0, 4);
  back_all(s, count - fours, sign, before + fours, after + fours, paths + fours, 0, 1);
}

static void back_alone(const assay_lattice_step *s, size_t count, double sign, const double *before, const double *after,
                       assay_lattice_future *paths) {
  size_t fours = count & ~(size_t)3;
  back_all(s, fours, sign, before, after, paths, 1, 4);
  back_all(s, count - fours, sign, before + fours, after + fours, paths + fours, 1, 1);
}

extern const assay_lattice_functions FUNCTIONS;
const assay_lattice_functions FUNCTIONS = {project_value, project_sum, back, back_alone};

/* SPDX-License-Identifier: MIT */
/*
 * Which draw of initial numbers each later coordinate of src/quant/montecarlo_sobol.c has: of TRIES the one whose pairs with the BEFORE
 * coordinates before it are the most even. For 2^m points the evenness of a pair is its t: every box of volume 2^(t - m) holds 2^t of them
 * (Niederreiter 1987), which is a question of rank over GF(2). Draws are judged by the sum of 4^t over the pairs and m, neighbours four
 * times as much.
 *
 *     gcc -O2 tools/sobol_draws.c build/libassay.a -Isrc -Iinclude $(pkg-config --libs sqlite3 hwloc jansson) -lm -o sobol_draws
 *
 * It runs for half a minute.
 */
#include "quant/montecarlo.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { COORDINATES = 1024, FIRST = 21, BEFORE = 24, TRIES = 64, DIGITS = 14 };

/* The leading digits of a coordinate, each a linear form of the bits of a point's number. */
typedef struct digits {
  uint32_t of[DIGITS];
} digits;

static digits digits_of(const uint32_t v[32]) {
  digits d = {{0}};
  for (int digit = 0; digit < DIGITS; digit++) {
    for (int bit = 0; bit < DIGITS; bit++) d.of[digit] |= (v[bit] >> (31 - digit) & 1) << bit;
  }
  return d;
}

/* How many of the first `of_a` forms of a and then those of b are independent, for numbers of m bits. */
static int rank_of(const digits *a, const digits *b, int of_a, int m) {
  uint32_t basis[DIGITS], pivots[DIGITS];
  for (int n = 0; n < m; n++) {
    uint32_t x = (n < of_a ? a->of[n] : b->of[n - of_a]) & ((1u << m) - 1);
    for (int k = 0; k < n; k++) x ^= x & pivots[k] ? basis[k] : 0;
    if (x == 0) return n;
    pivots[n] = x & -x;
    for (int k = 0; k < n; k++) basis[k] ^= basis[k] & pivots[n] ? x : 0;
    basis[n] = x;
  }
  return m;
}

static int t_of(const digits *a, const digits *b, int m) {
  int least = m;
  for (int of_a = 0; of_a <= m; of_a++) {
    int rank = rank_of(a, b, of_a, m);
    if (rank < least) least = rank;
  }
  return m - least;
}

int main(void) {
  static digits made[COORDINATES];
  static uint32_t v[FIRST][32], drawn[TRIES][32];
  assay_mc_sobol_directions(FIRST, v);
  for (int c = 0; c < FIRST; c++) made[c] = digits_of(v[c]);
  for (uint32_t c = FIRST; c < COORDINATES; c++) {
    long best = LONG_MAX;
    uint32_t which = 0;
    digits kept = {{0}};
    assay_mc_sobol_draws(c, TRIES, drawn);
    for (uint32_t draw = 0; draw < TRIES; draw++) {
      digits d = digits_of(drawn[draw]);
      long cost = 0;
      for (uint32_t back = 1; back <= BEFORE && back <= c && cost < best; back++) {
        for (int m = 8; m <= DIGITS; m += 2) cost += (back == 1 ? 4L : 1L) << (2 * t_of(&made[c - back], &d, m));
      }
      if (cost < best) best = cost, which = draw, kept = d;
    }
    made[c] = kept;
    printf("%u,%c", which, (c - FIRST) % 40 == 39 ? '\n' : ' ');
  }
  printf("\n");
  return 0;
}

/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <math.h>

static uint64_t rotate(uint64_t x, int k) { return x << k | x >> (64 - k); }

void assay_random_init(assay_random *random, uint64_t seed) {
  for (int i = 0; i < 4; i++) {
    seed += 0x9E3779B97F4A7C15u;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    random->state[i] = z ^ z >> 31;
  }
}

uint64_t assay_random_next(assay_random *random) {
  uint64_t *s = random->state;
  uint64_t result = rotate(s[0] + s[3], 23) + s[0];
  uint64_t t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

uint64_t assay_random_below(assay_random *random, uint64_t bound) {
  uint64_t threshold = -bound % bound; /* reject the part of the range that would favour small values */
  for (;;) {
    uint64_t x = assay_random_next(random);
    if (x >= threshold) return x % bound;
  }
}

double assay_random_unit(assay_random *random) { return (double)(assay_random_next(random) >> 11) * 0x1p-53; }

double assay_random_normal(assay_random *random) {
  /* Box-Muller, one of the pair: simple, and speed does not matter here. 1 - u is in (0, 1]. */
  double radius = sqrt(-2 * log(1 - assay_random_unit(random)));
  return radius * cos(2 * 3.14159265358979323846 * assay_random_unit(random));
}

void assay_random_shuffle(assay_random *random, size_t *items, size_t count) {
  for (size_t i = count; i > 1; i--) {
    size_t j = (size_t)assay_random_below(random, i);
    size_t swap = items[i - 1];
    items[i - 1] = items[j];
    items[j] = swap;
  }
}

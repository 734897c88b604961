/* SPDX-License-Identifier: MIT */
/* xoshiro256++ (Blackman and Vigna 2019), seeded through SplitMix64: repeatable streams for orders, bootstraps and test data. */
#ifndef ASSAY_BASE_RANDOM_H
#define ASSAY_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

typedef struct assay_random {
  uint64_t state[4];
} assay_random;

void assay_random_init(assay_random *random, uint64_t seed);
uint64_t assay_random_next(assay_random *random);
/* Uniform in [0, bound), without bias; bound > 0. */
uint64_t assay_random_below(assay_random *random, uint64_t bound);
/* Uniform in [0, 1), 53 bits. */
double assay_random_unit(assay_random *random);
/* Standard normal. */
double assay_random_normal(assay_random *random);
/* Fisher-Yates. */
void assay_random_shuffle(assay_random *random, size_t *items, size_t count);

#endif

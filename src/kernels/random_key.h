/* SPDX-License-Identifier: MIT */
/* The key of a stream of random numbers (random.h) as params structs carry it: the keys of Philox' ten rounds, ready made. */
#ifndef ASSAY_KERNELS_RANDOM_KEY_H
#define ASSAY_KERNELS_RANDOM_KEY_H

typedef struct random_key {
  u32 round[20];
} random_key;

#if !defined(REAL_BITS)
static inline random_key random_key_make(u32 key0, u32 key1) {
  random_key key;
  for (u32 round = 0; round < 10; round++) {
    key.round[2 * round] = key0 + round * 0x9E3779B9u;
    key.round[2 * round + 1] = key1 + round * 0xBB67AE85u;
  }
  return key;
}
#endif

#endif

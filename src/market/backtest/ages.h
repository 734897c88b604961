/* SPDX-License-Identifier: MIT */
/* When each order that rests came: a map from references to numbers that ascend. Open addressing; what leaves closes its gap. A zeroed one
 * is empty. */
#ifndef ASSAY_MARKET_AGES_H
#define ASSAY_MARKET_AGES_H

#include "base/alloc.h"

#include <stdbool.h>

typedef struct assay_age {
  uint64_t reference, age; /* age 0: an empty place */
} assay_age;

typedef struct assay_ages {
  assay_age *places;
  size_t count, mask; /* places - 1 */
  uint64_t seed[2];   /* a secret, where references come from who knows whom */
} assay_ages;

/* References come from outside: they are mixed, so that no regular choice of them is slow, and no choice by who does not know the seed. */
static inline size_t assay_ages_home(const assay_ages *a, uint64_t reference) {
  uint64_t x = (reference ^ a->seed[0]) * (a->seed[1] | UINT64_C(0x9e3779b97f4a7c15));
  return (size_t)(x ^ x >> 32) & a->mask;
}

/* Place of a reference, or of the gap where it would be. */
static inline size_t assay_ages_place(const assay_ages *a, uint64_t reference) {
  size_t at = assay_ages_home(a, reference);
  while (a->places[at].age != 0 && a->places[at].reference != reference) at = (at + 1) & a->mask;
  return at;
}

static inline bool assay_ages_grow(assay_ages *a) {
  size_t room = a->places == NULL ? 1024 : 2 * (a->mask + 1);
  assay_ages bigger = {.places = assay_calloc(ASSAY_TAG_MARKET, room, sizeof *bigger.places),
                       .count = a->count,
                       .mask = room - 1,
                       .seed = {a->seed[0], a->seed[1]}};
  if (bigger.places == NULL) return false;
  for (size_t i = 0; a->places != NULL && i <= a->mask; i++)
    if (a->places[i].age != 0) bigger.places[assay_ages_place(&bigger, a->places[i].reference)] = a->places[i];
  assay_free(a->places);
  *a = bigger;
  return true;
}

static inline bool assay_ages_set(assay_ages *a, uint64_t reference, uint64_t age) {
  if ((a->places == NULL || 2 * (a->count + 1) > a->mask) && !assay_ages_grow(a)) return false;
  size_t at = assay_ages_place(a, reference);
  a->count += a->places[at].age == 0;
  a->places[at] = (assay_age){reference, age};
  return true;
}

static inline void assay_ages_clear(assay_ages *a) {
  assay_free(a->places);
  a->places = NULL;
  a->count = a->mask = 0;
}

/* 0: it is not there. */
static inline uint64_t assay_ages_get(const assay_ages *a, uint64_t reference) {
  return a->places == NULL ? 0 : a->places[assay_ages_place(a, reference)].age;
}

static inline void assay_ages_remove(assay_ages *a, uint64_t reference) {
  if (a->places == NULL) return;
  size_t gap = assay_ages_place(a, reference);
  if (a->places[gap].age == 0) return;
  a->count--;
  for (size_t at = (gap + 1) & a->mask; a->places[at].age != 0; at = (at + 1) & a->mask) {
    size_t home = assay_ages_home(a, a->places[at].reference);
    if (((at - home) & a->mask) < ((at - gap) & a->mask)) continue; /* it lies between its home and here, behind the gap */
    a->places[gap] = a->places[at];
    gap = at;
  }
  a->places[gap].age = 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/* What a result keeps behind its `storage` pointer: the arena that owns everything, and the capacities of its arrays. */
#ifndef ASSAY_RESULT_STORAGE_H
#define ASSAY_RESULT_STORAGE_H

#include <assay/result.h>

#include "base/arena.h"

typedef struct assay_result_storage {
  assay_arena arena;
  size_t suite_capacity, fact_capacity, ceiling_capacity, benchmark_capacity, complexity_capacity, check_capacity, sla_capacity,
      recommendation_capacity;
} assay_result_storage;

static inline assay_result_storage *assay_result_storage_of(const assay_result *result) { return result->storage; }
static inline assay_arena *assay_result_arena(const assay_result *result) { return &assay_result_storage_of(result)->arena; }

/* Room for one more element of `items` (count of capacity); the grown array, or NULL when out of memory. */
void *assay_result_room(assay_result *result, void *items, size_t count, size_t *capacity, size_t size);
/* Ends an add: the failure of the arena, if it failed. */
assay_status assay_result_added(const assay_result *result, assay_error *err);

/* One benchmark of the "benchmarks" array on one line, for the history; free with assay_free. */
assay_status assay_benchmark_result_to_json(const assay_benchmark_result *benchmark, assay_error *err, char **json);

/* The reverse: adds the benchmark (replacing one of the same suite and name). */
assay_status assay_result_add_benchmark_json(assay_result *result, const char *json, size_t length, assay_error *err);

/* Whether it is one of the engine's own metrics, all of them amounts of time, work and memory: never below zero. */
bool assay_metric_is_amount(const char *metric);

/* "lower", "higher". */
const char *assay_better_text(assay_better better);

#endif

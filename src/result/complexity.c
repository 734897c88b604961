/* SPDX-License-Identifier: MIT */
/* Growth over a sweep: benchmarks that differ in the size parameter only are one curve. */
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "result/storage.h"

static const char *param_of(const assay_benchmark_result *b, const char *name) {
  for (size_t i = 0; i < b->param_count; i++)
    if (strcmp(b->params[i].name, name) == 0) return b->params[i].value;
  return NULL;
}

/* The name with all parameters but the size: "sort/type=f32". */
static const char *sweep_name(assay_arena *arena, const assay_benchmark_result *b) {
  assay_buf name = {0};
  assay_buf_puts(&name, b->base_name);
  for (size_t i = 0; i < b->param_count; i++)
    if (strcmp(b->params[i].name, b->complexity) != 0) assay_buf_printf(&name, "/%s=%s", b->params[i].name, b->params[i].value);
  const char *copy = name.failed ? NULL : assay_arena_strdup(arena, name.data);
  arena->failed |= name.failed;
  assay_buf_deinit(&name);
  return copy;
}

/* The benchmark's point of a sweep; false when it has none. */
static bool point_of(const assay_benchmark_result *b, double *size, double *cost) {
  if (b->complexity == NULL || b->status != ASSAY_OUTCOME_OK || b->metric_count == 0 || b->metrics[0].better != ASSAY_LOWER) return false;
  const char *text = param_of(b, b->complexity);
  *cost = b->metrics[0].value;
  return text != NULL && assay_parse_f64(text, size) && *size > 0 && *cost > 0;
}

static size_t distinct(const double *values, size_t count) {
  size_t found = 0;
  for (size_t i = 0; i < count; i++) {
    size_t j = 0;
    while (j < i && values[j] != values[i]) j++;
    found += j == i;
  }
  return found;
}

static assay_status add_fit(assay_result *result, const assay_benchmark_result *b, const char *name, const assay_big_o_fit *fit,
                            assay_error *err) {
  assay_complexity_result *grown = assay_result_room(result, result->complexities, result->complexity_count,
                                                     &assay_result_storage_of(result)->complexity_capacity, sizeof *grown);
  assay_complexity_result made = {.suite = b->suite, .base_name = b->base_name, .param = b->complexity, .name = name, .fit = *fit};
  assay_status status = assay_result_added(result, err);
  if (status != ASSAY_OK) return status;
  result->complexities = grown;
  result->complexities[result->complexity_count++] = made;
  return ASSAY_OK;
}

/* Fits the sweep that begins with benchmark `first`; the others of it are found behind it. */
static assay_status fit_sweep(assay_result *result, const char *const *names, size_t first, double *sizes, double *costs,
                              assay_error *err) {
  size_t count = 0;
  const assay_benchmark_result *head = &result->benchmarks[first];
  for (size_t i = first; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (names[i] != NULL && strcmp(names[i], names[first]) == 0 && strcmp(b->suite, head->suite) == 0 &&
        point_of(b, &sizes[count], &costs[count]))
      count++;
  }
  assay_big_o_fit fit;
  if (distinct(sizes, count) < 3) return ASSAY_OK; /* too few points for a form */
  assay_status status = assay_stats_fit_big_o(sizes, costs, count, err, &fit);
  return status == ASSAY_OK ? add_fit(result, head, names[first], &fit, err) : status;
}

assay_status assay_result_fit_complexity(assay_result *result, assay_error *err) {
  assay_arena scratch;
  assay_arena_init(&scratch, ASSAY_TAG_RESULT);
  size_t n = result->benchmark_count;
  const char **names = assay_arena_alloc(&scratch, n, sizeof *names);
  double *sizes = assay_arena_alloc(&scratch, n, sizeof *sizes), *costs = assay_arena_alloc(&scratch, n, sizeof *costs);
  double size, cost;
  for (size_t i = 0; !scratch.failed && i < n; i++)
    if (point_of(&result->benchmarks[i], &size, &cost)) names[i] = sweep_name(assay_result_arena(result), &result->benchmarks[i]);
  assay_status status = scratch.failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for fits") : assay_result_added(result, err);
  result->complexity_count = 0;
  for (size_t i = 0; status == ASSAY_OK && i < n; i++) {
    bool is_first = names[i] != NULL;
    for (size_t j = 0; is_first && j < i; j++)
      is_first =
          names[j] == NULL || strcmp(names[j], names[i]) != 0 || strcmp(result->benchmarks[j].suite, result->benchmarks[i].suite) != 0;
    if (is_first) status = fit_sweep(result, names, i, sizes, costs, err);
  }
  assay_arena_deinit(&scratch);
  return status;
}

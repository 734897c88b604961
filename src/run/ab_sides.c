/* SPDX-License-Identifier: MIT */
#include "run/ab_sides.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "os/prim.h"
#include "run/child.h"

enum { LIST_BYTES = 16 << 20, LIST_TIMEOUT_S = 30 };

static assay_status broken(const char *what, assay_error *err) {
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                    "%s did not answer `list --json` with a list of benchmarks; --filter is for executables made with <assay/bench.h>",
                    what);
}

/* The name without "/n=1000" of each parameter: they stand at its end in their order. */
static const char *base_of(assay_arena *arena, const assay_bench_case *bench) {
  size_t length = strlen(bench->name), tail = 0;
  for (size_t i = 0; i < bench->param_count; i++) tail += strlen(bench->params[i].name) + strlen(bench->params[i].value) + 2;
  return assay_arena_strndup(arena, bench->name, tail < length ? length - tail : length);
}

static bool read_params(assay_arena *arena, json_t *params, assay_bench_case *bench) {
  const char *name;
  json_t *value;
  json_object_foreach(params, name, value) {
    if (!json_is_string(value) || bench->param_count == ASSAY_BENCH_MAX_PARAMS) return false;
    bench->params[bench->param_count].name = assay_arena_strdup(arena, name);
    bench->params[bench->param_count++].value = assay_arena_strdup(arena, json_string_value(value));
  }
  return true;
}

static bool read_case(assay_arena *arena, const json_t *item, assay_bench_case *bench) {
  const char *suite = json_string_value(json_object_get(item, "suite")), *name = json_string_value(json_object_get(item, "name"));
  json_t *params = json_object_get(item, "params");
  if (suite == NULL || suite[0] == '\0' || name == NULL || name[0] == '\0' || strlen(name) >= sizeof bench->name) return false;
  bench->suite = assay_arena_strdup(arena, suite);
  memcpy(bench->name, name, strlen(name) + 1);
  if (params != NULL && !read_params(arena, params, bench)) return false;
  assay_bench_desc *desc = assay_arena_alloc(arena, 1, sizeof *desc);
  if (arena->failed) return true; /* said once, at the end */
  desc->name = base_of(arena, bench);
  bench->desc = desc;
  return true;
}

assay_status assay_ab_read_list(assay_arena *arena, const char *json, size_t length, const char *what, assay_error *err,
                                assay_ab_listed *listed) {
  json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, NULL);
  const json_t *items = json_object_get(root, "benchmarks");
  const char *schema = json_string_value(json_object_get(root, "schema"));
  bool well = json_is_array(items) && schema != NULL && strncmp(schema, "assay-list/", 11) == 0;
  size_t count = well ? json_array_size(items) : 0;
  assay_bench_case *cases = assay_arena_alloc(arena, count + 1, sizeof *cases);
  for (size_t i = 0; well && cases != NULL && i < count; i++) well = read_case(arena, json_array_get(items, i), &cases[i]);
  json_decref(root);
  if (arena->failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the list of benchmarks");
  if (!well) return broken(what, err);
  listed->count = count;
  listed->cases = cases;
  return ASSAY_OK;
}

static assay_status find_executable(assay_arena *arena, const assay_ab_side *side, assay_error *err, assay_ab_listed *listed) {
  assay_buf path = {0};
  char absolute[PATH_MAX];
  if (side->command[0] != '/' && side->directory != NULL) assay_buf_printf(&path, "%s/", side->directory);
  assay_buf_puts(&path, side->command);
  bool found = !path.failed && realpath(path.data, absolute) != NULL;
  assay_status status = ASSAY_OK;
  if (!found)
    status = ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no %s; with --filter, both sides are paths of benchmark executables",
                        path.data != NULL ? path.data : side->command);
  assay_buf_deinit(&path);
  if (!found) return status;
  listed->executable = assay_arena_strdup(arena, absolute);
  const char *slash = strrchr(absolute, '/');
  listed->program = assay_arena_strdup(arena, slash != NULL ? slash + 1 : absolute);
  return arena->failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory") : ASSAY_OK;
}

assay_status assay_ab_list(assay_arena *arena, const assay_ab_side *side, const char *filter, const volatile int *stop, assay_error *err,
                           assay_ab_listed *listed) {
  assay_ab_listed found = {0};
  assay_status status = find_executable(arena, side, err, &found);
  if (status != ASSAY_OK) return status;
  const char *words[] = {found.executable, "list", "--json", filter[0] != '\0' ? "--filter" : NULL, filter, NULL};
  assay_child child = {.words = words, .directory = side->directory, .limit = LIST_BYTES, .timeout_s = LIST_TIMEOUT_S, .stop = stop};
  assay_buf output = {0};
  char problem[256];
  int code = 0;
  status = assay_child_run(&child, err, &output, problem, &code);
  if (status == ASSAY_OK && code != 0)
    status =
        ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s list --json ended with code %d%s%s; --filter is for executables made with <assay/bench.h>",
                   side->command, code, problem[0] != '\0' ? ": " : "", problem);
  if (status == ASSAY_OK)
    status = assay_ab_read_list(arena, output.data != NULL ? output.data : "", output.length, side->command, err, &found);
  assay_buf_deinit(&output);
  if (status == ASSAY_OK) *listed = found;
  return status;
}

/* A benchmark without a suite of its own has its program's name for one, and two builds seldom have the same name. */
static bool same_suite(const assay_ab_listed *a, const char *in_a, const assay_ab_listed *b, const char *in_b) {
  if (strcmp(in_a, in_b) == 0) return true;
  return a->program != NULL && b->program != NULL && strcmp(in_a, a->program) == 0 && strcmp(in_b, b->program) == 0;
}

size_t assay_ab_counterpart(const assay_ab_listed *listed, size_t index, const assay_ab_listed *other) {
  const assay_bench_case *wanted = &listed->cases[index];
  for (size_t i = 0; i < other->count; i++) {
    if (strcmp(other->cases[i].name, wanted->name) == 0 && same_suite(listed, wanted->suite, other, other->cases[i].suite)) return i;
  }
  return SIZE_MAX;
}

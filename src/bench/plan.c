/* SPDX-License-Identifier: MIT */
#include "bench/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "bench/registry.h"
#include "bench/sweep.h"
#include "os/prim.h"

enum { CASE_LIMIT = ASSAY_SWEEP_LIMIT, THREAD_LIMIT = 4096 };

/* The cross product being walked: the last parameter turns fastest, as the digits of a number do. */
typedef struct product {
  const assay_param *params;
  size_t count;
  assay_sweep sweeps[ASSAY_BENCH_MAX_PARAMS];
  size_t at[ASSAY_BENCH_MAX_PARAMS];
} product;

static bool turn(product *p) {
  for (size_t i = p->count; i-- > 0;) {
    if (++p->at[i] < p->sweeps[i].count) return true;
    p->at[i] = 0;
  }
  return false;
}

static const char *value_at(const product *p, size_t i) { return p->sweeps[i].values[p->at[i]]; }

static assay_status check_threads(const assay_sweep *sweep, const char *owner, assay_error *err) {
  for (size_t i = 0; i < sweep->count; i++) {
    uint64_t threads = 0;
    if (!assay_parse_u64(sweep->values[i], &threads) || threads < 1 || threads > THREAD_LIMIT)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: threads=%s is not a number of threads (1 to %d)", owner, sweep->values[i],
                        THREAD_LIMIT);
  }
  return ASSAY_OK;
}

static assay_status expand(assay_arena *arena, const char *owner, const assay_param *params, size_t count, assay_error *err, product *p) {
  *p = (product){.params = params, .count = count};
  unsigned cpus = assay_os_within_quota(assay_os_allowed_cpus(NULL, 0), assay_os_cpu_quota());
  size_t cases = 1;
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
    if (params[i].values == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: parameter %s has no values", owner, params[i].name);
    for (size_t k = 0; k < i; k++) {
      if (strcmp(params[k].name, params[i].name) == 0)
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: parameter %s is there twice", owner, params[i].name);
    }
    status = assay_sweep_expand(arena, params[i].name, params[i].values, cpus, err, &p->sweeps[i]);
    if (status == ASSAY_OK && strcmp(params[i].name, "threads") == 0) status = check_threads(&p->sweeps[i], owner, err);
    if (status == ASSAY_OK && (cases *= p->sweeps[i].count) > CASE_LIMIT)
      return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s has more than %d cases", owner, CASE_LIMIT);
  }
  return status;
}

static assay_status add_case(assay_bench_plan *plan, const assay_bench_case *bench, assay_error *err) {
  if (plan->count >= CASE_LIMIT) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the plan has more than %d cases", CASE_LIMIT);
  if (plan->count == plan->capacity) {
    assay_bench_case *grown = assay_arena_grow(&plan->arena, plan->cases, plan->count, &plan->capacity, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the plan");
    plan->cases = grown;
  }
  plan->cases[plan->count++] = *bench;
  return ASSAY_OK;
}

static assay_status name_case(assay_bench_case *bench, const product *p, assay_error *err) {
  int length = snprintf(bench->name, sizeof bench->name, "%s", bench->desc->name);
  for (size_t i = 0; i < p->count && length < (int)sizeof bench->name; i++) {
    bench->params[i].name = p->params[i].name;
    bench->params[i].value = value_at(p, i);
    length += snprintf(bench->name + length, sizeof bench->name - (size_t)length, "/%s=%s", p->params[i].name, value_at(p, i));
  }
  bench->param_count = p->count;
  if (length >= (int)sizeof bench->name)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s/%s: the name with its parameters has more than %d bytes", bench->suite, bench->desc->name,
                      ASSAY_NAME_MAX - 1);
  return ASSAY_OK;
}

static assay_status add_bench(assay_bench_plan *plan, const assay_bench_desc *desc, const char *filter, assay_error *err) {
  const char *suite = assay_registry_suite(desc);
  char owner[ASSAY_NAME_MAX];
  snprintf(owner, sizeof owner, "%s/%s", suite, desc->name);
  size_t count = 0;
  while (count < ASSAY_BENCH_MAX_PARAMS && desc->params[count].name != NULL) count++;
  product p;
  assay_status status = expand(&plan->arena, owner, desc->params, count, err, &p);
  if (status != ASSAY_OK) return status;
  if (!(desc->rate_hz >= 0) || !(desc->rate_hz <= 1e9))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: rate_hz is %g; a schedule has from 0 (none) to 1e9 operations a second", desc->name,
                      desc->rate_hz);
  /* The filter sees the name both with and without parameters, so that "mine/sum" names the whole sweep. */
  bool all = filter == NULL || assay_glob_match_benchmark(filter, suite, desc->name, NULL);
  do {
    assay_bench_case bench = {.desc = desc, .suite = suite};
    status = name_case(&bench, &p, err);
    if (status == ASSAY_OK && (all || assay_glob_match_benchmark(filter, suite, bench.name, NULL))) status = add_case(plan, &bench, err);
  } while (status == ASSAY_OK && turn(&p));
  return status;
}

static bool is_listed(const char *const *suites, const char *suite) {
  for (; *suites != NULL; suites++) {
    if (strcmp(*suites, suite) == 0) return true;
  }
  return false;
}

static assay_status check_suites(const char *const *suites, assay_error *err) {
  const char *known[256];
  size_t count = 0;
  for (size_t i = 0; i < assay_suite_count() && count < 255; i++) known[count++] = assay_suite_at(i)->name;
  for (size_t i = 0; i < assay_registry_count() && count < 255; i++) known[count++] = assay_registry_suite(assay_registry_at(i));
  known[count] = NULL;
  for (; *suites != NULL; suites++) {
    if (is_listed(known, *suites) || count == 255) continue;
    const char *near = assay_nearest_word(*suites, known);
    if (near != NULL) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "unknown suite \"%s\"; did you mean \"%s\"?", *suites, near);
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "unknown suite \"%s\"", *suites);
  }
  return ASSAY_OK;
}

assay_status assay_bench_plan_create(const char *const *suites, const char *filter, assay_error *err, assay_bench_plan **plan) {
  assay_status status = assay_registry_check(err);
  if (status == ASSAY_OK && suites != NULL) status = check_suites(suites, err);
  if (status != ASSAY_OK) return status;
  assay_bench_plan *made = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the plan");
  assay_arena_init(&made->arena, ASSAY_TAG_BENCH);
  for (size_t i = 0; i < assay_registry_count() && status == ASSAY_OK; i++) {
    const assay_bench_desc *desc = assay_registry_at(i);
    if (suites == NULL || is_listed(suites, assay_registry_suite(desc))) status = add_bench(made, desc, filter, err);
  }
  if (status == ASSAY_OK)
    *plan = made;
  else
    assay_bench_plan_destroy(made);
  return status;
}

/* Every {name} of a parameter is replaced by its value; other braces stay, shells use them. */
static void fill_in(assay_buf *out, const char *command, const product *p) {
  for (const char *at = command; *at != '\0';) {
    size_t used = 0;
    for (size_t i = 0; i < p->count && *at == '{'; i++) {
      size_t length = strlen(p->params[i].name);
      if (strncmp(at + 1, p->params[i].name, length) != 0 || at[length + 1] != '}') continue;
      assay_buf_puts(out, value_at(p, i));
      used = length + 2;
      break;
    }
    if (used == 0) assay_buf_putc(out, *at);
    at += used == 0 ? 1 : used;
  }
}

static bool is_taken(const assay_bench_plan *plan, const char *name) {
  for (size_t i = 0; i < plan->count; i++) {
    if (plan->cases[i].command != NULL && strcmp(plan->cases[i].name, name) == 0) return true;
  }
  return false;
}

/* Results key on the name: a command that is too long is cut, and one that is there already (an A/A comparison) or looks so after the cut
 * gets a number. */
static void name_command(const assay_bench_plan *plan, assay_bench_case *bench) {
  bool fits = strlen(bench->command) < sizeof bench->name - 8;
  snprintf(bench->name, sizeof bench->name, fits ? "%s" : "%.140s...", bench->command);
  size_t length = strlen(bench->name);
  for (unsigned i = 2; is_taken(plan, bench->name); i++) snprintf(bench->name + length, sizeof bench->name - length, " (%u)", i);
}

assay_status assay_bench_plan_add_command(assay_bench_plan *plan, const char *command, const assay_param *params, size_t param_count,
                                          assay_error *err) {
  if (command == NULL || command[strspn(command, " \t\n")] == '\0') return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the command is empty");
  if (param_count > ASSAY_BENCH_MAX_PARAMS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu parameters; a command has at most %d", param_count, ASSAY_BENCH_MAX_PARAMS);
  assay_param *copies = assay_arena_alloc(&plan->arena, param_count + 1, sizeof *copies);
  if (copies == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the plan");
  for (size_t i = 0; i < param_count; i++) {
    if (params[i].name == NULL || params[i].name[0] == '\0')
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a parameter of \"%s\" has no name", command);
    copies[i] = (assay_param){assay_arena_strdup(&plan->arena, params[i].name), assay_arena_strdup(&plan->arena, params[i].values)};
  }
  if (plan->arena.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the plan");
  product p;
  assay_status status = expand(&plan->arena, command, copies, param_count, err, &p);
  if (status != ASSAY_OK) return status;
  do {
    assay_bench_case bench = {.suite = "time", .param_count = p.count};
    for (size_t i = 0; i < p.count; i++) {
      bench.params[i].name = copies[i].name;
      bench.params[i].value = value_at(&p, i);
    }
    assay_buf text = {0};
    fill_in(&text, command, &p);
    bench.command = text.failed ? NULL : assay_arena_strdup(&plan->arena, text.data);
    assay_buf_deinit(&text);
    if (bench.command == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the plan");
    name_command(plan, &bench);
    status = add_case(plan, &bench, err);
  } while (status == ASSAY_OK && turn(&p));
  return status;
}

assay_status assay_bench_plan_choose(const assay_bench_plan *plan, bool (*keep)(const assay_bench_case *bench, void *user), void *user,
                                     assay_error *err, assay_bench_plan **chosen) {
  assay_bench_plan *made = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the plan");
  assay_arena_init(&made->arena, ASSAY_TAG_BENCH);
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < plan->count && status == ASSAY_OK; i++)
    if (keep(&plan->cases[i], user)) status = add_case(made, &plan->cases[i], err);
  if (status == ASSAY_OK)
    *chosen = made;
  else
    assay_bench_plan_destroy(made);
  return status;
}

size_t assay_bench_plan_count(const assay_bench_plan *plan) { return plan->count; }

const assay_bench_case *assay_bench_plan_at(const assay_bench_plan *plan, size_t index) {
  return index < plan->count ? &plan->cases[index] : NULL;
}

void assay_bench_plan_destroy(assay_bench_plan *plan) {
  if (plan == NULL) return;
  assay_arena_deinit(&plan->arena);
  assay_free(plan);
}

unsigned assay_case_threads(const assay_bench_case *bench) {
  for (size_t i = 0; i < bench->param_count; i++) {
    uint64_t threads = 0;
    if (strcmp(bench->params[i].name, "threads") == 0 && assay_parse_u64(bench->params[i].value, &threads)) return (unsigned)threads;
  }
  return 1;
}

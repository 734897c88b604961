/* SPDX-License-Identifier: MIT */
#include <assay/bench.h>

#include "base/arena.h"
#include "bench/plan.h"
#include "bench/sweep.h"
#include "os/prim.h"
#include "test.h"

/* The values joined by spaces, or the error's message. */
static const char *expand(const char *text) {
  static char joined[4096];
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_sweep sweep = {0};
  assay_error err = {0};
  joined[0] = '\0';
  if (assay_sweep_expand(&arena, "n", text, 6, &err, &sweep) != ASSAY_OK) snprintf(joined, sizeof joined, "%s", err.message);
  for (size_t i = 0; i < sweep.count && strlen(joined) < 4000; i++)
    snprintf(joined + strlen(joined), sizeof joined - strlen(joined), "%s%s", i > 0 ? " " : "", sweep.values[i]);
  assay_arena_deinit(&arena);
  return joined;
}

static void sweeps_follow_the_grammar(void **state) {
  (void)state;
  assert_string_equal(expand("1,2,4"), "1 2 4");
  assert_string_equal(expand(" f32 , f64"), "f32 f64");
  assert_string_equal(expand("1..4"), "1 2 3 4");
  assert_string_equal(expand("0..1+0.25"), "0 0.25 0.5 0.75 1");
  assert_string_equal(expand("0..1+0.1"), "0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 1");
  assert_string_equal(expand("1..10+4"), "1 5 9");
  assert_string_equal(expand("1k..1M*10"), "1000 10000 100000 1000000");
  assert_string_equal(expand("1Ki..6Ki*2"), "1024 2048 4096 6144"); /* the end is always the last value */
  assert_string_equal(expand("1..10*1.1"), "1 2 3 4 5 6 7 8 9 10");
  assert_string_equal(expand("2G,1Mi"), "2000000000 1048576");
  assert_string_equal(expand("cpus,1..cpus*2"), "6 1 2 4 6");
  assert_string_equal(expand("1e3..3e+3+1e3"), "1000 2000 3000");
  assert_string_equal(expand("../data/x,a..b"), "../data/x a..b"); /* words for commands */
  assert_string_equal(expand("-2..2+2"), "-2 0 2");
}

static void mistakes_in_sweeps_are_named(void **state) {
  (void)state;
  assert_non_null(strstr(expand("1,,2"), "empty value"));
  assert_non_null(strstr(expand(""), "empty value"));
  assert_non_null(strstr(expand("4..1"), "downwards"));
  assert_non_null(strstr(expand("1..x"), "\"x\""));
  assert_non_null(strstr(expand("1..8*1"), "factor"));
  assert_non_null(strstr(expand("0..8*2"), "above 0"));
  assert_non_null(strstr(expand("1..8+0"), "step"));
  assert_non_null(strstr(expand("1..8*z"), "\"z\""));
  assert_non_null(strstr(expand("1..1G"), "100000"));
  assert_non_null(strstr(expand("a\tb"), "control"));
}

static void nothing(assay_bench *b) { (void)b; }

static const assay_bench_desc first = {.name = "first", .run = nothing, .suite = "plan", .params = {{"n", "1,2"}, {"type", "f32,f64"}}};
static const assay_bench_desc second = {.name = "second", .run = nothing, .suite = "other"};
static const assay_bench_desc again = {.name = "second", .run = nothing, .suite = "other"};

static size_t count_of(const char *const *suites, const char *filter) {
  assay_bench_plan *plan = NULL;
  assay_error err = {0};
  assert_ok(assay_bench_plan_create(suites, filter, &err, &plan), err);
  size_t count = assay_bench_plan_count(plan);
  assay_bench_plan_destroy(plan);
  return count;
}

static void plans_hold_the_cross_product_of_what_was_asked_for(void **state) {
  (void)state;
  const char *const plan_only[] = {"plan", NULL}, *const none[] = {NULL}, *const typo[] = {"plam", NULL};
  assay_bench_plan *plan = NULL;
  assay_error err = {0};
  assert_ok(assay_bench_plan_create(plan_only, NULL, &err, &plan), err);
  assert_int_equal(assay_bench_plan_count(plan), 4);
  assert_string_equal(assay_bench_plan_at(plan, 1)->name, "first/n=1/type=f64");
  assert_string_equal(assay_bench_plan_at(plan, 2)->params[0].value, "2");
  assert_null(assay_bench_plan_at(plan, 4));
  assay_bench_plan_destroy(plan);
  assert_int_equal(count_of(NULL, NULL), 5);
  assert_int_equal(count_of(none, NULL), 0);
  assert_int_equal(count_of(NULL, "second"), 1);
  assert_int_equal(count_of(NULL, "plan/first"), 4);
  assert_int_equal(count_of(NULL, "plan/first/*f32"), 2);
  assert_int_equal(count_of(NULL, "n=2"), 2);
  assert_int_equal(assay_bench_plan_create(typo, NULL, &err, &plan), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "did you mean \"plan\""));
}

static void commands_get_their_parameters(void **state) {
  (void)state;
  const char *const none[] = {NULL};
  assay_bench_plan *plan = NULL;
  assay_error err = {0};
  assert_ok(assay_bench_plan_create(none, NULL, &err, &plan), err);
  const assay_param params[] = {{"n", "1,2"}, {"f", "a,b"}};
  assert_ok(assay_bench_plan_add_command(plan, "sleep {n}; echo {f}{n} {x} ${HOME}", params, 2, &err), err);
  assert_int_equal(assay_bench_plan_count(plan), 4);
  assert_string_equal(assay_bench_plan_at(plan, 3)->command, "sleep 2; echo b2 {x} ${HOME}");
  assert_null(assay_bench_plan_at(plan, 3)->desc);
  assert_int_equal(assay_bench_plan_add_command(plan, "  ", NULL, 0, &err), ASSAY_ERR_INVALID);
  /* The same command twice (an A/A comparison) and very long ones stay apart. */
  char longer[400], other[400];
  memset(longer, 'x', sizeof longer);
  longer[399] = '\0';
  memcpy(other, longer, sizeof other);
  other[398] = 'y';
  const char *const commands[] = {"true", "true", longer, other};
  for (size_t i = 0; i < 4; i++) {
    assay_error_clear(&err);
    assert_ok(assay_bench_plan_add_command(plan, commands[i], NULL, 0, &err), err);
  }
  for (size_t i = 4; i < 8; i++) {
    for (size_t k = i + 1; k < 8; k++) assert_string_not_equal(assay_bench_plan_at(plan, i)->name, assay_bench_plan_at(plan, k)->name);
  }
  assay_bench_plan_destroy(plan);
}

static void a_name_registered_twice_is_an_error_of_the_plan(void **state) {
  (void)state;
  assay_bench_register(&again);
  assay_bench_plan *plan = NULL;
  assay_error err = {0};
  assert_int_equal(assay_bench_plan_create(NULL, NULL, &err, &plan), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "other/second"));
  assert_null(plan);
}

int main(void) {
  assay_bench_register(&first);
  assay_bench_register(&second);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sweeps_follow_the_grammar),
      cmocka_unit_test(mistakes_in_sweeps_are_named),
      cmocka_unit_test(plans_hold_the_cross_product_of_what_was_asked_for),
      cmocka_unit_test(commands_get_their_parameters),
      cmocka_unit_test(a_name_registered_twice_is_an_error_of_the_plan), /* last: the registry keeps it */
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

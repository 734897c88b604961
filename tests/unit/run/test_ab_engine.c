/* SPDX-License-Identifier: MIT */
/* The order, the end and the verdicts of A/B measurements whose times are made here: nothing depends on a machine's speed. */
#include "run/ab_engine.h"

#include <math.h>

#include "base/random.h"
#include "run/ab_sides.h"
#include "test.h"

enum { PAIRS = 3, MOST_CALLS = 20000 };

/* A machine of the test's own: every process takes 10 ms of its time. */
typedef struct made_machine {
  assay_random random;
  double now_s, process_s;
  double effects[PAIRS], spread, hit, slow_start, rhythm;
  bool fails_b;
  size_t stop_after; /* calls; 0: never */
  size_t calls, blocks;
  struct {
    size_t pair;
    int side;
  } log[MOST_CALLS];
} made_machine;

static assay_status measure(void *user, size_t pair, int side, assay_error *err, assay_ab_measured *m) {
  (void)err;
  made_machine *machine = user;
  if (machine->stop_after > 0 && machine->calls >= machine->stop_after) return ASSAY_ERR_INTERRUPTED;
  if (machine->calls < MOST_CALLS) {
    machine->log[machine->calls].pair = pair;
    machine->log[machine->calls].side = side;
  }
  double noise = machine->spread * assay_random_normal(&machine->random);
  if (assay_random_unit(&machine->random) < machine->hit) noise += 0.4 * assay_random_unit(&machine->random);
  if (machine->calls % 4 == 0) noise += machine->slow_start;
  if (0x96 >> machine->calls % 8 & 1) noise += machine->rhythm; /* the middle of one block, both ends of the next */
  machine->calls++;
  machine->now_s += machine->process_s;
  m->ok = side == 0 || !machine->fails_b;
  m->value = 1e6 * exp(noise + (side == 1 ? machine->effects[pair] : 0));
  return ASSAY_OK;
}

static double elapsed_s(void *user) { return ((made_machine *)user)->now_s; }

static void on_block(void *user, size_t pair) {
  (void)pair;
  ((made_machine *)user)->blocks++;
}

typedef struct trial {
  made_machine machine;
  assay_ab_pair pairs[PAIRS];
  assay_ab_engine engine;
} trial;

static trial *begin(size_t pairs, uint64_t seed) {
  trial *t = calloc(1, sizeof *t);
  t->machine.process_s = 0.01;
  t->machine.spread = 0.01;
  assay_random_init(&t->machine.random, seed * 31 + 1);
  t->engine = (assay_ab_engine){.rule = {.detect = 0.02, .alpha = 0.01},
                                .max_time_s = 10,
                                .seed = seed,
                                .measure = measure,
                                .elapsed_s = elapsed_s,
                                .on_block = on_block,
                                .user = &t->machine,
                                .pair_count = pairs,
                                .pairs = t->pairs};
  return t;
}

static void run(trial *t) {
  assay_error err = {0};
  assert_ok(assay_ab_engine_run(&t->engine, &err), err);
}

static void end(trial *t) {
  assay_ab_engine_deinit(&t->engine);
  free(t);
}

static bool is_different(const trial *t, size_t pair) {
  return assay_ab_paid_p(&t->pairs[pair].view, &t->pairs[pair].stage) <= t->engine.rule.alpha;
}

static bool is_same(const trial *t, size_t pair) {
  assay_ab_rule rule = assay_ab_engine_rule(&t->engine);
  return assay_ab_is_same(&rule, &t->pairs[pair].view, is_different(t, pair));
}

/* ---- Order ------------------------------------------------------------------------------------------------------------------------- */

static void blocks_are_abba_or_baab_by_lot(void **state) {
  (void)state;
  size_t mirrored = 0, blocks = 0, runs = 0;
  int last = -1;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    trial *t = begin(1, seed);
    t->machine.spread = 0.3; /* never narrow */
    run(t);
    assert_true(t->engine.out_of_time);
    for (size_t i = 0; i + 4 <= t->machine.calls; i += 4, blocks++) {
      int first = t->machine.log[i].side;
      assert_int_equal(t->machine.log[i + 3].side, first);
      assert_int_equal(t->machine.log[i + 1].side, 1 - first);
      assert_int_equal(t->machine.log[i + 2].side, 1 - first);
      mirrored += first == 1;
      runs += first != last;
      last = first;
    }
    /* Few blocks must not all stand in one order. */
    assert_int_equal(t->machine.log[0].side, 1 - t->machine.log[4].side);
    end(t);
  }
  /* 5000 tosses of a coin: four standard errors are 141. */
  assert_int_equal(blocks, 5000);
  assert_true(mirrored > 2359 && mirrored < 2641);
  assert_true(runs > 2359 && runs < 2661);
}

static void the_same_seed_gives_the_same_order(void **state) {
  (void)state;
  trial *a = begin(2, 9), *b = begin(2, 9), *c = begin(2, 10);
  a->machine.spread = b->machine.spread = c->machine.spread = 0.3;
  run(a), run(b), run(c);
  assert_int_equal(a->machine.calls, b->machine.calls);
  assert_memory_equal(a->machine.log, b->machine.log, a->machine.calls * sizeof *a->machine.log);
  assert_memory_not_equal(a->machine.log, c->machine.log, a->machine.calls * sizeof *a->machine.log);
  end(a), end(b), end(c);
}

/* ---- Time ---------------------------------------------------------------------------------------------------------------------------- */

static void time_goes_to_what_is_not_known_yet(void **state) {
  (void)state;
  trial *t = begin(3, 4);
  t->machine.effects[0] = 0.5; /* known after a few blocks */
  t->machine.spread = 0.08;
  run(t);
  assert_true(t->pairs[0].stage.finished && is_different(t, 0));
  assert_true(t->pairs[1].out_of_time && t->pairs[2].out_of_time);
  assert_true(t->pairs[0].view.blocks < 40 && t->pairs[1].view.blocks > 100);
  size_t apart = t->pairs[1].view.blocks > t->pairs[2].view.blocks ? t->pairs[1].view.blocks - t->pairs[2].view.blocks
                                                                   : t->pairs[2].view.blocks - t->pairs[1].view.blocks;
  assert_true(apart <= 1);
  assert_true(t->machine.now_s <= 10);
  end(t);
}

static void a_block_that_does_not_fit_is_not_begun(void **state) {
  (void)state;
  trial *t = begin(1, 4);
  t->machine.process_s = 0.9; /* two blocks take 7.2 s, three 10.8 */
  run(t);
  assert_int_equal(t->pairs[0].view.blocks, 2);
  assert_true(t->engine.out_of_time);
  end(t);
  t = begin(1, 4);
  t->machine.process_s = 0.9;
  t->engine.least_blocks = 5; /* asked for, whatever the time */
  run(t);
  assert_int_equal(t->pairs[0].view.blocks, 5);
  end(t);
}

static void what_is_left_can_be_foreseen(void **state) {
  (void)state;
  trial *t = begin(1, 4);
  t->machine.stop_after = 4 * 20;
  t->machine.spread = 0.02;
  run(t);
  double seconds = 0, blocks = 0;
  assay_ab_engine_foresee(&t->engine, &seconds, &blocks);
  assert_true(blocks > 20 && blocks < 400 && seconds > 0 && seconds <= 10 - t->machine.now_s + 1e-9);
  end(t);
}

static void an_interruption_keeps_whole_blocks(void **state) {
  (void)state;
  trial *t = begin(1, 4);
  t->machine.stop_after = 11;
  run(t);
  assert_true(t->engine.interrupted);
  assert_int_equal(t->pairs[0].view.blocks, 2);
  assert_int_equal(t->machine.blocks, 2);
  end(t);
}

static void what_fails_twice_is_left(void **state) {
  (void)state;
  trial *t = begin(2, 4);
  t->machine.fails_b = true;
  run(t);
  for (int i = 0; i < 2; i++) assert_true(t->pairs[i].broken && t->pairs[i].view.blocks == 0);
  assert_true(t->machine.calls <= 12);
  end(t);
}

/* ---- Verdicts ------------------------------------------------------------------------------------------------------------------------ */

typedef struct counts {
  int different, same, covered;
} counts;

static counts repeat(int times, double effect, double spread, double hit, double slow_start) {
  counts c = {0};
  for (int i = 1; i <= times; i++) {
    trial *t = begin(1, (uint64_t)i);
    t->machine.effects[0] = effect;
    t->machine.spread = spread;
    t->machine.hit = hit;
    t->machine.slow_start = slow_start;
    run(t);
    bool same = is_same(t, 0);
    c.same += same;
    c.different += is_different(t, 0) && !same;
    c.covered += t->pairs[0].view.ci.low <= effect && effect <= t->pairs[0].view.ci.high;
    end(t);
  }
  return c;
}

/* 300 sequences at 1 %: 3 alarms are expected, and more than 10 come once in 4000 times. */
static void nothing_is_seldom_something(void **state) {
  (void)state;
  counts quiet = repeat(300, 0, 0.005, 0, 0), hit = repeat(300, 0, 0.002, 0.3, 0), slow = repeat(300, 0, 0.005, 0, 0.05);
  assert_true(quiet.different <= 10 && hit.different <= 10 && slow.different <= 10);
  assert_true(quiet.same >= 285);
  assert_true(quiet.covered >= 275 && hit.covered >= 275); /* of 285 expected */
}

/* Steps of one size, whose signs are the lots': an interval is narrow just when these were lopsided, and Student's t is sure of them. */
static void a_rhythm_of_the_machine_is_no_difference(void **state) {
  (void)state;
  static const double sizes[] = {0.003, 0.005, 0.02, 0.1};
  for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
    int alarms = 0;
    for (uint64_t seed = 1; seed <= 300; seed++) {
      trial *t = begin(1, seed);
      t->machine.spread = 0.0005;
      t->machine.rhythm = sizes[k];
      run(t);
      alarms += is_different(t, 0) && !is_same(t, 0);
      end(t);
    }
    if (alarms > 10) print_error("%d alarms of 300 at a rhythm of %g\n", alarms, sizes[k]);
    assert_true(alarms <= 10);
  }
}

static void what_is_to_be_detected_is_found(void **state) {
  (void)state;
  counts two = repeat(100, log(1.02), 0.005, 0.2, 0), one = repeat(100, log(1.01), 0.005, 0.2, 0),
         down = repeat(100, log(0.98), 0.005, 0, 0);
  assert_true(two.different >= 97 && down.different >= 97);
  assert_true(one.different >= 60);
  assert_true(one.same <= 2); /* half of detect is never "same" */
}

static void a_real_trifle_is_the_same(void **state) {
  (void)state;
  counts c = repeat(50, 0.002, 0.0005, 0, 0);
  assert_int_equal(c.same, 50);
}

static void noise_without_end_is_inconclusive(void **state) {
  (void)state;
  counts c = repeat(50, 0.01, 0.5, 0, 0);
  assert_int_equal(c.same, 0);
  assert_true(c.different <= 4);
}

/* ---- Names --------------------------------------------------------------------------------------------------------------------------- */

static assay_ab_listed listed(assay_arena *arena, const char *json, const char *program) {
  assay_ab_listed made = {.program = program};
  assay_error err = {0};
  assert_ok(assay_ab_read_list(arena, json, strlen(json), program, &err, &made), err);
  return made;
}

static void benchmarks_are_matched_by_name(void **state) {
  (void)state;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_BENCH);
  assay_ab_listed a =
      listed(&arena,
             "{\"schema\": \"assay-list/1\", \"benchmarks\": [{\"suite\": \"old\", \"name\": \"sum/n=10/type=f32\", \"params\": {\"n\": "
             "\"10\", \"type\": \"f32\"}}, {\"suite\": \"mine\", \"name\": \"sort\"}]}",
             "old");
  assay_ab_listed b =
      listed(&arena,
             "{\"schema\": \"assay-list/1\", \"benchmarks\": [{\"suite\": \"mine\", \"name\": \"sort\", \"params\": {}}, "
             "{\"suite\": \"new\", \"name\": \"sum/n=10/type=f32\", \"params\": {}}, {\"suite\": \"mine\", \"name\": \"added\"}]}",
             "new");
  assert_string_equal(a.cases[0].desc->name, "sum");
  assert_string_equal(a.cases[0].params[1].value, "f32");
  assert_int_equal(assay_ab_counterpart(&b, 0, &a), 1);
  assert_int_equal(assay_ab_counterpart(&b, 1, &a), 0); /* the suite is called as the program on both sides */
  assert_true(assay_ab_counterpart(&b, 2, &a) == SIZE_MAX);
  b.program = "other";
  assert_true(assay_ab_counterpart(&b, 1, &a) == SIZE_MAX);
  assay_arena_deinit(&arena);
}

static void what_is_no_list_is_refused(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",
      "usage: thing",
      "{}",
      "{\"schema\": \"other/1\", \"benchmarks\": []}",
      "{\"schema\": \"assay-list/1\", \"benchmarks\": [{\"suite\": 1, \"name\": \"x\"}]}",
      "{\"schema\": \"assay-list/1\", \"benchmarks\": [{\"suite\": \"s\", \"name\": \"x\", \"params\": {\"n\": 1}}]}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TAG_BENCH);
    assay_ab_listed made = {0};
    assay_error err = {0};
    assert_int_equal(assay_ab_read_list(&arena, texts[i], strlen(texts[i]), "./thing", &err, &made), ASSAY_ERR_INVALID);
    assert_non_null(strstr(err.message, "./thing"));
    assay_arena_deinit(&arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(blocks_are_abba_or_baab_by_lot),
      cmocka_unit_test(the_same_seed_gives_the_same_order),
      cmocka_unit_test(time_goes_to_what_is_not_known_yet),
      cmocka_unit_test(a_block_that_does_not_fit_is_not_begun),
      cmocka_unit_test(what_is_left_can_be_foreseen),
      cmocka_unit_test(an_interruption_keeps_whole_blocks),
      cmocka_unit_test(what_fails_twice_is_left),
      cmocka_unit_test(nothing_is_seldom_something),
      cmocka_unit_test(what_is_to_be_detected_is_found),
      cmocka_unit_test(a_real_trifle_is_the_same),
      cmocka_unit_test(a_rhythm_of_the_machine_is_no_difference),
      cmocka_unit_test(noise_without_end_is_inconclusive),
      cmocka_unit_test(benchmarks_are_matched_by_name),
      cmocka_unit_test(what_is_no_list_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

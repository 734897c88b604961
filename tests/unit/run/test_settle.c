/* SPDX-License-Identifier: MIT */
/* Measuring again what looks worse, on processes that a test makes up. */
#include "run/settle.h"

#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "test.h"

enum { CASES = 4, FIRST = 5, ROUNDS = 9, OTHERS = 2 };

/* A machine on which case i takes 1000 ns * factor[i], give or take `noise`; the first processes of a case may be unlucky. */
static struct {
  double factor[CASES], unlucky[CASES], noise;
  double wall_s[CASES];                /* what a process takes */
  double again_wall_s;                 /* and one of those measured again; 0: as long */
  double other[CASES][OTHERS][ROUNDS]; /* metrics beside the time, each 1 GB times what it is in this round; 0: the first measurement */
  assay_random random;
  size_t measured[CASES];    /* processes measured again */
  size_t rounds, stop_after; /* 0: never */
  volatile int stop;
} machine;

static size_t index_of(const assay_bench_case *bench) { return (size_t)(bench->name[strlen(bench->name) - 1] - '0'); }

static assay_bench_process make_process(double ns, double wall_s) {
  assay_bench_process p = {.outcome = ASSAY_OUTCOME_OK, .wall_s = wall_s, .sample_count = 1};
  p.samples = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *p.samples);
  assert_non_null(p.samples);
  p.samples[0] = (assay_bench_sample){.ns = ns, .operations = 1};
  return p;
}

static void add_others(assay_bench_process *p, const double (*other)[ROUNDS]) {
  for (int i = 0; i < OTHERS; i++) {
    assay_bench_figure *f = &p->figures[p->figure_count++];
    *f = (assay_bench_figure){.unit = "B", .kind = ASSAY_KIND_MEMORY, .better = ASSAY_LOWER};
    snprintf(f->name, sizeof f->name, "other%d", i);
    f->value = 1e9 * other[i][machine.rounds];
  }
}

static assay_bench_outcomes *make_outcomes(const assay_bench_plan *plan, unsigned processes, const double *luck) {
  assay_bench_outcomes *made = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *made);
  made->count = assay_bench_plan_count(plan);
  made->items = assay_calloc(ASSAY_TAG_BENCH, made->count + 1, sizeof *made->items);
  for (size_t i = 0; i < made->count; i++) {
    assay_bench_outcome *o = &made->items[i];
    o->bench = assay_bench_plan_at(plan, i);
    o->processes = assay_calloc(ASSAY_TAG_BENCH, processes, sizeof *o->processes);
    size_t at = index_of(o->bench);
    for (; o->process_count < processes; o->process_count++) {
      assay_bench_process *p = &o->processes[o->process_count];
      *p = make_process(
          1000 * machine.factor[at] * (luck != NULL ? luck[at] : 1) * exp(machine.noise * assay_random_normal(&machine.random)),
          machine.rounds > 0 && machine.again_wall_s > 0 ? machine.again_wall_s : machine.wall_s[at]);
      add_others(p, machine.other[at]);
    }
  }
  return made;
}

static assay_status measure(const assay_bench_plan *plan, const assay_bench_config *config, assay_error *err,
                            assay_bench_outcomes **outcomes) {
  (void)err;
  machine.stop = ++machine.rounds == machine.stop_after;
  assert_true(machine.rounds < ROUNDS);
  *outcomes = make_outcomes(plan, config->processes, NULL);
  for (size_t i = 0; i < (*outcomes)->count; i++)
    machine.measured[index_of((*outcomes)->items[i].bench)] += (*outcomes)->items[i].process_count;
  return ASSAY_OK;
}

static assay_result *result_of(const assay_bench_outcomes *outcomes) {
  assay_error err = {0};
  assay_result *r = NULL;
  assert_ok(assay_result_create(&err, &r), err);
  for (size_t i = 0; i < outcomes->count; i++) assert_ok(assay_result_add_outcome(r, &outcomes->items[i], NULL, &err), err);
  return r;
}

typedef struct story {
  assay_bench_plan *plan;
  assay_bench_outcomes *before_outcomes, *outcomes;
  assay_result *before, *after;
  assay_changes *changes;
} story;

static void begin(story *s, double noise) {
  static const char *const none[] = {NULL}, *const commands[CASES] = {"b0", "b1", "b2", "b3"};
  assay_error err = {0};
  *s = (story){0};
  memset(&machine, 0, sizeof machine);
  machine.noise = noise;
  assay_random_init(&machine.random, 7);
  for (int i = 0; i < CASES; i++) {
    machine.factor[i] = machine.unlucky[i] = 1;
    machine.wall_s[i] = 0.001;
    for (int k = 0; k < OTHERS * ROUNDS; k++) machine.other[i][k / ROUNDS][k % ROUNDS] = 1;
  }
  assert_ok(assay_bench_plan_create(none, NULL, &err, &s->plan), err);
  for (int i = 0; i < CASES; i++) assert_ok(assay_bench_plan_add_command(s->plan, commands[i], NULL, 0, &err), err);
  s->before_outcomes = make_outcomes(s->plan, 20, NULL);
  s->before = result_of(s->before_outcomes);
  s->before->run.id = assay_result_text(s->before, "00000000000000b1");
}

static void run(story *s, double seconds, const volatile int *stop) {
  assay_error err = {0};
  assay_bench_config bench = {.processes = FIRST, .stop = stop};
  s->outcomes = make_outcomes(s->plan, FIRST, machine.unlucky);
  s->after = result_of(s->outcomes);
  assay_settle job = {.against = s->before,
                      .seconds = seconds,
                      .plan = s->plan,
                      .bench = &bench,
                      .measure = measure,
                      .outcomes = s->outcomes,
                      .result = s->after};
  assert_ok(assay_settle_run(&job, &err, &s->changes), err);
}

static void end(story *s) {
  assay_changes_destroy(s->changes);
  assay_result_destroy(s->before);
  assay_result_destroy(s->after);
  assay_bench_outcomes_destroy(s->before_outcomes);
  assay_bench_outcomes_destroy(s->outcomes);
  assay_bench_plan_destroy(s->plan);
}

static void bad_luck_is_not_reported(void **state) {
  (void)state;
  story s;
  begin(&s, 0.005);
  machine.unlucky[1] = 1.2; /* a neighbour was there while its first processes ran */
  run(&s, 60, NULL);
  for (size_t i = 0; i < s.changes->count; i++) {
    assert_int_not_equal(s.changes->items[i].verdict, ASSAY_VERDICT_WORSE);
    assert_int_not_equal(s.changes->items[i].verdict, ASSAY_VERDICT_CRITICAL);
  }
  assert_true(machine.measured[1] >= 3);
  assert_int_equal(machine.measured[0], 0); /* nothing was suspected of it */
  end(&s);
}

static void a_regression_is_confirmed_by_fresh_processes(void **state) {
  (void)state;
  story s;
  begin(&s, 0.005);
  machine.factor[2] = 1.1;
  run(&s, 60, NULL);
  assert_int_equal(s.changes->items[2].verdict, ASSAY_VERDICT_WORSE);
  assert_int_equal(s.changes->verdicts[ASSAY_VERDICT_WORSE], 1);
  assert_int_equal(s.changes->status, ASSAY_REGRESS_HAS_REGRESSIONS);
  assert_true(machine.measured[2] >= 3);
  assert_int_equal(s.after->benchmarks[2].metrics[0].process_count, FIRST + machine.measured[2]); /* they are in the result */
  assert_string_equal(s.after->benchmarks[2].name, "b2");
  end(&s);
}

/* What fresh processes said is in the result, so that a comparison made later, of the stored run, says the same; with another run it says
 * nothing. */
static void a_later_comparison_says_the_same(void **state) {
  (void)state;
  for (int confirmed = 0; confirmed < 2; confirmed++) {
    story s;
    begin(&s, 0.002);
    machine.factor[1] = confirmed ? 1.1 : 1.04; /* less than what counts */
    machine.unlucky[1] = 1.2;
    machine.wall_s[1] = 39; /* three fresh processes fit into the time of suspects, 120 s */
    machine.stop_after = 1;
    run(&s, 60, &machine.stop);
    assert_int_equal(machine.measured[1], 3);
    assay_verdict verdict = s.changes->items[1].verdict;
    if (confirmed)
      assert_in_set(verdict, ((const LargestIntegralType[]){ASSAY_VERDICT_WORSE, ASSAY_VERDICT_CRITICAL}), 2);
    else
      assert_int_equal(verdict, ASSAY_VERDICT_INCONCLUSIVE);
    char *json = NULL;
    assay_error err = {0};
    assay_result *stored = NULL;
    assay_changes *later = NULL;
    s.after->run.id = assay_result_text(s.after, "00000000000000a1");
    s.after->run.version = assay_result_text(s.after, "0");
    assert_ok(assay_result_to_json(s.after, &err, &json), err);
    assert_ok(assay_result_from_json(json, strlen(json), &err, &stored), err);
    assert_string_equal(stored->benchmarks[1].metrics[0].recheck.against, "00000000000000b1");
    assert_int_equal(stored->benchmarks[1].metrics[0].recheck.confirmed, confirmed);
    assert_null(stored->benchmarks[0].metrics[0].recheck.against);
    assert_ok(assay_compare(s.before, stored, NULL, &err, &later), err);
    assert_int_equal(later->items[1].verdict, verdict);
    if (!confirmed) assert_string_equal(later->items[1].reason, s.changes->items[1].reason);
    if (!confirmed) assert_non_null(strstr(later->items[1].reason, "fresh processes"));
    assert_int_equal(later->status, s.changes->status);
    assay_changes_destroy(later);
    s.before->run.id = assay_result_text(s.before, "00000000000000c1");
    assert_ok(assay_compare(s.before, stored, NULL, &err, &later), err);
    assert_in_set(later->items[1].verdict, ((const LargestIntegralType[]){ASSAY_VERDICT_WORSE, ASSAY_VERDICT_CRITICAL}), 2);
    assay_changes_destroy(later);
    assay_result_destroy(stored);
    assay_string_free(json);
    end(&s);
  }
}

/* ---- Several metrics ---------------------------------------------------------------------------------------------------------------- */

static const assay_change *change_of(const assay_changes *changes, const char *benchmark, const char *metric) {
  for (size_t i = 0; i < changes->count; i++)
    if (strcmp(changes->items[i].benchmark, benchmark) == 0 && strcmp(changes->items[i].metric, metric) == 0) return &changes->items[i];
  return NULL;
}

static bool is_worse(const assay_changes *changes, const char *benchmark, const char *metric) {
  const assay_change *change = change_of(changes, benchmark, metric);
  return change != NULL && (change->verdict == ASSAY_VERDICT_WORSE || change->verdict == ASSAY_VERDICT_CRITICAL);
}

static bool is_doubted(const assay_changes *changes, const char *benchmark, const char *metric, const char *why) {
  const assay_change *change = change_of(changes, benchmark, metric);
  return change != NULL && change->verdict == ASSAY_VERDICT_INCONCLUSIVE && strstr(change->reason, why) != NULL;
}

/* Less than what counts: 5 % of a time, 10 % of memory. */
static const double LITTLE_TIME = 1.04, LITTLE_MEMORY = 1.09;

/* From round `from` on. */
static void weigh(int bench, int metric, int from, double factor) {
  for (int round = from; round < ROUNDS; round++) machine.other[bench][metric][round] = factor;
}

/* The times were bad luck, and still look worse over all processes; the weights beside them are sure, whatever becomes of the times. */
static void a_doubt_of_one_metric_takes_nothing_from_another(void **state) {
  (void)state;
  story s;
  begin(&s, 0.002);
  machine.unlucky[1] = machine.unlucky[2] = 1.2;
  machine.factor[1] = machine.factor[2] = LITTLE_TIME;
  machine.factor[3] = 1.1;
  for (int bench = 1; bench < CASES; bench++) {
    weigh(bench, 0, 0, 1.15);
    weigh(bench, 1, 0, 1.3);
  }
  machine.stop_after = 1;
  run(&s, 60, &machine.stop);
  assert_true(is_doubted(s.changes, "b1", "time", "fresh processes alone"));
  assert_true(is_doubted(s.changes, "b2", "time", "fresh processes alone"));
  assert_true(is_worse(s.changes, "b3", "time"));
  for (int bench = 1; bench < CASES; bench++) {
    char name[3] = {'b', (char)('0' + bench), '\0'};
    assert_true(is_worse(s.changes, name, "other0") && is_worse(s.changes, name, "other1"));
    const assay_metric_result *other = assay_benchmark_metric(&s.after->benchmarks[bench], "other0");
    assert_string_equal(other->recheck.against, "00000000000000b1");
    assert_true(other->recheck.confirmed);
  }
  assert_int_equal(s.changes->status, ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS);
  end(&s);
}

/* One more process says no more against what three have shown, and what they did not show was not for want of time. */
static void too_few_more_processes_take_nothing_back(void **state) {
  (void)state;
  story s;
  begin(&s, 0.002);
  machine.unlucky[1] = 1.2;
  machine.factor[1] = LITTLE_TIME;
  machine.wall_s[1] = 39;     /* three fit into the time of suspects, 120 s; */
  machine.again_wall_s = 200; /* and one, after these */
  machine.stop_after = 2;
  weigh(1, 0, 0, 1.15);
  run(&s, 60, &machine.stop);
  assert_int_equal(machine.rounds, 2);
  assert_int_equal(machine.measured[1], 4);
  assert_true(is_worse(s.changes, "b1", "other0"));
  assert_true(is_doubted(s.changes, "b1", "time", "fresh processes alone do not show it"));
  end(&s);
}

/* Processes that helped to raise a suspicion do not confirm it, although they were fresh to another metric's. */
static void what_raised_a_suspicion_does_not_confirm_it(void **state) {
  (void)state;
  for (size_t rounds = 1; rounds <= 2; rounds++) {
    story s;
    begin(&s, 0.002);
    machine.factor[1] = 1.1; /* confirmed by the very processes that are heavy */
    weigh(1, 0, 0, LITTLE_MEMORY);
    weigh(1, 1, 0, LITTLE_MEMORY);
    weigh(1, 1, 1, 1.3);           /* this stays, */
    machine.other[1][0][1] = 1.25; /* and this goes */
    machine.stop_after = rounds;
    run(&s, 60, &machine.stop);
    assert_int_equal(machine.rounds, rounds);
    assert_true(is_worse(s.changes, "b1", "time"));
    assert_false(is_worse(s.changes, "b1", "other0"));
    assert_true(rounds == 2 || is_doubted(s.changes, "b1", "other0", "no time"));
    assert_true(rounds == 2 ? is_worse(s.changes, "b1", "other1") : is_doubted(s.changes, "b1", "other1", "no time"));
    end(&s);
  }
}

/* What was told as withdrawn is told so by a comparison of the stored run too, also of a metric that is not the main one. */
static void a_withdrawn_metric_is_told_later_too(void **state) {
  (void)state;
  story s;
  begin(&s, 0.002);
  machine.other[1][0][0] = 1.25;
  weigh(1, 0, 1, LITTLE_MEMORY);
  machine.stop_after = 1;
  run(&s, 60, &machine.stop);
  assert_true(is_doubted(s.changes, "b1", "other0", "fresh processes alone"));
  assay_error err = {0};
  assay_changes *later = NULL;
  assert_ok(assay_compare(s.before, s.after, NULL, &err, &later), err);
  assert_int_equal(later->count, s.changes->count);
  assert_true(is_doubted(later, "b1", "other0", change_of(s.changes, "b1", "other0")->reason));
  assert_int_equal(later->status, s.changes->status);
  assay_changes_destroy(later);
  end(&s);
}

/* ---- Rounds ------------------------------------------------------------------------------------------------------------------------- */

static void what_is_open_is_measured_until_it_is_decided(void **state) {
  (void)state;
  story s;
  begin(&s, 0.05);
  run(&s, 60, NULL);
  assert_int_equal(s.changes->verdicts[ASSAY_VERDICT_SAME], CASES);
  assert_true(machine.rounds >= 1);
  end(&s);
}

static void nothing_is_measured_without_time_or_after_a_stop(void **state) {
  (void)state;
  static const volatile int stop = 1;
  for (int stopped = 0; stopped < 2; stopped++) {
    story s;
    begin(&s, 0.05);
    machine.unlucky[0] = 2;
    run(&s, stopped ? 60 : 0, stopped ? &stop : NULL);
    assert_int_equal(machine.rounds, 0);
    assert_int_equal(s.changes->items[0].verdict, ASSAY_VERDICT_CRITICAL);
    end(&s);
  }
}

/* One whose processes do not fit into the time may take as long again; one that cannot be measured again at all is not accused. */
static void only_what_fresh_processes_show_is_reported(void **state) {
  (void)state;
  story s;
  begin(&s, 0.005);
  machine.factor[0] = machine.factor[1] = machine.factor[2] = 1.1;
  machine.wall_s[1] = 25;
  machine.wall_s[2] = 1000;
  run(&s, 60, NULL);
  assert_true(machine.measured[0] >= 3 && machine.measured[1] >= 3);
  assert_int_equal(machine.measured[2], 0);
  assert_int_equal(s.changes->items[0].verdict, ASSAY_VERDICT_WORSE);
  assert_int_equal(s.changes->items[1].verdict, ASSAY_VERDICT_WORSE);
  assert_int_equal(s.changes->items[2].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assert_non_null(strstr(s.changes->items[2].reason, "no time"));
  end(&s);
}

/* Also where there is no time for any: alone, or beside one that fits. */
static void what_there_is_no_time_for_is_not_accused(void **state) {
  (void)state;
  for (int beside = 0; beside < 2; beside++) {
    story s;
    begin(&s, 0.002);
    machine.unlucky[1] = 1.2;
    machine.wall_s[1] = 200;
    if (beside) machine.factor[2] = 1.1;
    run(&s, 60, NULL);
    assert_int_equal(machine.rounds > 0, beside);
    assert_int_equal(machine.measured[1], 0);
    assert_true(is_doubted(s.changes, "b1", "time", "no time for fresh processes"));
    assert_int_equal(is_worse(s.changes, "b2", "time"), beside);
    assert_int_equal(s.changes->verdicts[ASSAY_VERDICT_CRITICAL], 0);
    assert_string_equal(s.after->benchmarks[1].metrics[0].recheck.against, "00000000000000b1");
    assert_false(s.after->benchmarks[1].metrics[0].recheck.confirmed);
    end(&s);
  }
}

/* What only waits for a narrower interval has the time that was given, and no more; beside a suspect too, which has its three processes. */
static void what_is_open_takes_no_more_time_than_is_given(void **state) {
  (void)state;
  for (int beside = 0; beside < 2; beside++) {
    story s;
    double spent = 0;
    begin(&s, 0.05);
    for (int i = 0; i < CASES; i++) machine.wall_s[i] = 14;
    if (beside) machine.factor[0] = 1.5;
    if (beside) machine.wall_s[0] = 5;
    machine.stop_after = 1;
    run(&s, 60, &machine.stop);
    for (int i = 0; i < CASES; i++) spent += (double)machine.measured[i] * machine.wall_s[i];
    assert_true(spent > 30 && spent <= 60);
    assert_true(!beside || machine.measured[0] >= 3);
    end(&s);
  }
}

/* Looking again and again at the same noise must not find in the end what is not there: fewer than 2.5 % of all verdicts are wrong, where
 * a single look at 5 % may be wrong in five. */
static void many_looks_raise_no_more_alarms(void **state) {
  (void)state;
  enum { TIMES = 150 };
  static const double noises[] = {0.08, 0.15};
  for (size_t n = 0; n < 2; n++) {
    size_t wrong = 0;
    for (uint64_t seed = 1; seed <= TIMES; seed++) {
      story s;
      begin(&s, noises[n]);
      assay_random_init(&machine.random, seed);
      assay_bench_outcomes_destroy(s.before_outcomes);
      assay_result_destroy(s.before);
      s.before_outcomes = make_outcomes(s.plan, FIRST, NULL);
      s.before = result_of(s.before_outcomes);
      run(&s, 60, NULL);
      wrong += s.changes->verdicts[ASSAY_VERDICT_WORSE] + s.changes->verdicts[ASSAY_VERDICT_CRITICAL] +
               s.changes->verdicts[ASSAY_VERDICT_BETTER];
      end(&s);
    }
    assert_true(wrong <= TIMES * CASES / 40);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bad_luck_is_not_reported),
      cmocka_unit_test(a_regression_is_confirmed_by_fresh_processes),
      cmocka_unit_test(only_what_fresh_processes_show_is_reported),
      cmocka_unit_test(what_there_is_no_time_for_is_not_accused),
      cmocka_unit_test(what_is_open_takes_no_more_time_than_is_given),
      cmocka_unit_test(a_later_comparison_says_the_same),
      cmocka_unit_test(a_doubt_of_one_metric_takes_nothing_from_another),
      cmocka_unit_test(too_few_more_processes_take_nothing_back),
      cmocka_unit_test(what_raised_a_suspicion_does_not_confirm_it),
      cmocka_unit_test(a_withdrawn_metric_is_told_later_too),
      cmocka_unit_test(what_is_open_is_measured_until_it_is_decided),
      cmocka_unit_test(many_looks_raise_no_more_alarms),
      cmocka_unit_test(nothing_is_measured_without_time_or_after_a_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

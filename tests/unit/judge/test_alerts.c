/* SPDX-License-Identifier: MIT */
/* From changes to alerts: one a cause, and what becomes of it over time. Changes and histories are made up, so their causes are known. */
#include <assay/alerts.h>

#include <math.h>
#include <unistd.h>

#include "base/random.h"
#include "judge/alert.h"
#include "judge/alert_rules.h"
#include "made_result.h"
#include "test.h"

#define MACHINE "00000000000000ee"

static const char usual_rules[] =
    "alerts:\n  time: {warning: 20%, critical: 50%}\n  memory: {warning: 100MB, critical: 200MB}\n"
    "  throughput: {warning: 20%, critical: 50%}\n";
enum { NOW = 2000000000, DAY = 86400 }; /* 2033: mutes of the tests lie ahead of it */

static assay_alert_rules *rules_of(const char *text) {
  assay_error err = {0};
  assay_alert_rules *rules = NULL;
  assert_ok(assay_alert_rules_parse(text, strlen(text), "r.yaml", false, &err, &rules), err);
  return rules;
}

/* ---- Made-up comparisons ---------------------------------------------------------------------------------------------------------- */

typedef struct made {
  assay_changes changes;
  assay_change items[64];
} made;

static assay_change *add(made *m, const char *benchmark, double before, double after, assay_verdict verdict) {
  double ratio = after / before - 1;
  assay_change *c = &m->items[m->changes.count++];
  *c = (assay_change){.suite = "s",
                      .benchmark = benchmark,
                      .metric = "time",
                      .unit = "ns",
                      .is_main = true,
                      .kind = ASSAY_KIND_TIME,
                      .better = ASSAY_LOWER,
                      .verdict = verdict,
                      .before_count = 5,
                      .after_count = 5,
                      .before = before,
                      .after = after,
                      .change_ratio = ratio,
                      .ci_low = ratio - 0.02,
                      .ci_high = ratio + 0.02,
                      .p_value = 0.001,
                      .q_value = 0.002,
                      .noise_floor = 0.01};
  m->changes.items = m->items;
  m->changes.alpha = 0.05;
  m->changes.common_ratio = NAN;
  return c;
}

static assay_change *worse(made *m, const char *benchmark, double before, double after) {
  return add(m, benchmark, before, after, ASSAY_VERDICT_WORSE);
}

static assay_change *same(made *m, const char *benchmark, double value) { return add(m, benchmark, value, value, ASSAY_VERDICT_SAME); }

/* ---- A world with a history ------------------------------------------------------------------------------------------------------- */

typedef struct world {
  char path[600];
  assay_history *history;
  assay_alert_rules *rules;
  assay_result *runs[64];
  size_t run_count;
} world;

static world *open_world(const char *rules) {
  static world w;
  static int number;
  assay_error err = {0};
  w = (world){.rules = rules_of(rules)};
  snprintf(w.path, sizeof w.path, "%s/h%d.db", test_temp_dir(), number++);
  assert_ok(assay_history_open(w.path, &err, &w.history), err);
  return &w;
}

static void close_world(world *w) {
  for (size_t i = 0; i < w->run_count; i++) assay_result_destroy(w->runs[i]);
  assay_history_close(w->history);
  assay_alert_rules_destroy(w->rules);
}

/* One run an hour, each of a commit of its own unless one is given. */
static assay_result *begin_run(world *w, const char *commit) {
  char id[17], own[41];
  snprintf(id, sizeof id, "%016zx", w->run_count + 1);
  snprintf(own, sizeof own, "%040zx", w->run_count + 1);
  assay_result *r = test_empty_result(id, NOW - 100 * 3600 + (int64_t)w->run_count * 3600);
  r->machine_id = MACHINE;
  r->machine_label = "made up";
  r->run.commit = assay_result_text(r, commit != NULL ? commit : own);
  w->runs[w->run_count++] = r;
  return r;
}

static void measure(assay_result *r, const char *benchmark, double value) {
  double processes[] = {value, value, value};
  test_add_made_benchmark(r, "s", benchmark, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER, processes, 3);
}

static void end_run(world *w) {
  assay_error err = {0};
  assert_ok(assay_history_put_result(w->history, w->runs[w->run_count - 1], &err), err);
}

static assay_alerts *look(world *w, made *m, const assay_result *before, const assay_result *after, int64_t now) {
  assay_error err = {0};
  assay_alerts *alerts = NULL;
  assay_alerts_context context = {.before = before, .after = after, .now_s = now};
  assert_ok(assay_alerts_find(w->rules, &m->changes, &context, w->history, &err, &alerts), err);
  return alerts;
}

static const assay_alert_change *member(const assay_alert *alert, const char *benchmark) {
  for (size_t i = 0; i < alert->change_count; i++)
    if (strcmp(alert->changes[i].benchmark, benchmark) == 0) return &alert->changes[i];
  return NULL;
}

static const assay_alert *alert_of(const assay_alerts *alerts, const char *benchmark) {
  for (size_t i = 0; i < alerts->count; i++)
    if (member(&alerts->items[i], benchmark) != NULL) return &alerts->items[i];
  return NULL;
}

/* ---- What makes an alert ---------------------------------------------------------------------------------------------------------- */

static void significance_and_the_rule_make_an_alert(void **state) {
  (void)state;
  assay_error err = {0};
  assay_alert_rules *rules = rules_of(usual_rules);
  assay_alerts *alerts = NULL;
  made m = {0};
  worse(&m, "slow", 100, 130);
  worse(&m, "slower", 100, 160);
  worse(&m, "below_the_level", 100, 110);
  add(&m, "unsure", 100, 190, ASSAY_VERDICT_INCONCLUSIVE);
  add(&m, "faster", 100, 50, ASSAY_VERDICT_BETTER);
  assay_change *memory = worse(&m, "fat", 1e9, 1.15e9);
  memory->kind = ASSAY_KIND_MEMORY, memory->unit = "B", memory->metric = "peak_rss";
  assay_change *rate = worse(&m, "rate", 100, 71);
  rate->kind = ASSAY_KIND_THROUGHPUT, rate->unit = "items/s", rate->metric = "items_per_second", rate->better = ASSAY_HIGHER;
  assert_ok(assay_alerts_find(rules, &m.changes, NULL, NULL, &err, &alerts), err);
  assert_int_equal(alerts->count, 1); /* nothing separates them */
  const assay_alert *a = &alerts->items[0];
  assert_int_equal(a->change_count, 4);
  assert_int_equal(a->level, ASSAY_ALERT_CRITICAL);
  assert_true(a->is_new);
  assert_string_equal(a->changes[0].benchmark, "slower"); /* the gravest first, then the largest */
  assert_string_equal(a->changes[1].benchmark, "slow");
  assert_string_equal(a->changes[2].benchmark, "rate");
  assert_string_equal(a->changes[3].benchmark, "fat");
  assert_string_equal(a->title, "s/slower time +60.0 % and 3 more");
  assert_near(a->change_ratio, 0.6, 1e-9);
  assert_near(a->ci_low, 0.58, 1e-9);
  assert_near(a->noise_floor, 0.01, 1e-12);
  assay_alerts_destroy(alerts);
  assay_alert_rules_destroy(rules);
}

/* The judge calls small but sure changes the same; a rule that is stricter than its threshold sees them. */
static void a_strict_rule_needs_the_same_evidence(void **state) {
  (void)state;
  assay_error err = {0};
  assay_alert_rules *rules = rules_of("alerts: {time: 2%}\n");
  assay_alerts *alerts = NULL;
  made m = {0};
  assay_change *sure = add(&m, "sure", 100, 103, ASSAY_VERDICT_SAME), *noise = add(&m, "noise", 100, 103, ASSAY_VERDICT_SAME);
  assay_change *unsure = add(&m, "unsure", 100, 103, ASSAY_VERDICT_SAME);
  noise->noise_floor = 0.04;
  unsure->q_value = 0.2;
  sure->ci_low = unsure->ci_low = noise->ci_low = 0.025;
  assert_ok(assay_alerts_find(rules, &m.changes, NULL, NULL, &err, &alerts), err);
  assert_int_equal(alerts->count, 1);
  assert_int_equal(alerts->items[0].change_count, 1);
  assert_string_equal(alerts->items[0].changes[0].benchmark, "sure");
  assay_alerts_destroy(alerts);
  assay_alert_rules_destroy(rules);
}

/* ---- One alert per cause ------------------------------------------------------------------------------------------------------------ */

/* Eight benchmarks against a baseline of 20 runs ago; the first four slowed down in run 7, two in run 15; noise of 2 %. */
static void a_history_separates_two_causes(void **state) {
  (void)state;
  static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
  for (uint64_t seed = 1; seed <= 4; seed++) {
    world *w = open_world(usual_rules);
    made m = {0};
    assay_random random;
    assay_random_init(&random, seed);
    for (int run = 0; run < 21; run++) {
      assay_result *r = begin_run(w, NULL);
      for (uint64_t i = 0; i < 8; i++) {
        double step = i < 4 ? (run >= 7 ? 1.3 + 0.1 * (double)i : 1) : i < 6 ? (run >= 15 ? 1.6 : 1) : 1;
        double value = 100 * step * exp(0.02 * assay_random_normal(&random));
        if (run == 11 && i == 0) value *= 0.7; /* a lone spike is no evidence */
        measure(r, names[i], value);
        if (run == 20 && step > 1) worse(&m, names[i], 100, 100 * step);
        if (run == 20 && step == 1) same(&m, names[i], 100);
      }
      end_run(w);
    }
    assay_alerts *alerts = look(w, &m, w->runs[0], w->runs[20], NOW);
    assert_int_equal(alerts->count, 2);
    const assay_alert *first = alert_of(alerts, "a"), *second = alert_of(alerts, "e");
    assert_int_equal(first->change_count, 4);
    assert_int_equal(second->change_count, 2);
    assert_string_equal(first->commit_from, w->runs[6]->run.commit);
    assert_string_equal(first->commit_to, w->runs[7]->run.commit);
    assert_string_equal(second->commit_from, w->runs[14]->run.commit);
    assert_string_equal(second->commit_to, w->runs[15]->run.commit);
    assert_non_null(strstr(second->title, ", in 0000000000..0000000000"));
    assay_alerts_destroy(alerts);
    close_world(w);
  }
}

/* A step of 30 % six runs ago, that the last two runs say nothing of. */
static void change_points_of_the_history_count_too(void **state) {
  (void)state;
  assay_error err = {0};
  world *w = open_world(usual_rules);
  made m = {0};
  assay_random random;
  assay_random_init(&random, 7);
  for (int run = 0; run < 40; run++) {
    assay_result *r = begin_run(w, NULL);
    measure(r, "steps", 100 * (run >= 34 ? 1.3 : 1) * exp(0.03 * assay_random_normal(&random)));
    measure(r, "stays", 100 * exp(0.03 * assay_random_normal(&random)));
    end_run(w);
  }
  add(&m, "steps", 128, 133, ASSAY_VERDICT_INCONCLUSIVE);
  add(&m, "stays", 100, 104, ASSAY_VERDICT_INCONCLUSIVE);
  assert_ok(assay_alert_watch(&m.changes, MACHINE, w->history, &err), err);
  assert_int_equal(m.items[0].verdict, ASSAY_VERDICT_WORSE);
  assert_near(m.items[0].change_ratio, 0.3, 0.06);
  assert_true(m.items[0].p_value > 0 && m.items[0].q_value >= 19.9 * m.items[0].p_value); /* two series, ten looks at each step */
  assert_int_equal(m.items[1].verdict, ASSAY_VERDICT_INCONCLUSIVE);
  assay_alerts *alerts = look(w, &m, w->runs[38], w->runs[39], NOW);
  assert_int_equal(alerts->count, 1);
  assert_string_equal(alerts->items[0].commit_from, w->runs[33]->run.commit);
  assert_string_equal(alerts->items[0].commit_to, w->runs[34]->run.commit);
  assay_alerts_destroy(alerts);
  close_world(w);
}

static assay_alert_candidate candidate(const assay_change *change, int64_t from_s, int64_t to_s, const int64_t *at_s, const double *values,
                                       size_t count) {
  return (assay_alert_candidate){.change = change, .from_s = from_s, .to_s = to_s, .at_s = at_s, .values = values, .count = count};
}

static void ranges_that_overlap_are_one_cause_unless_the_series_disagree(void **state) {
  (void)state;
  made m = {0};
  assay_change *a = worse(&m, "a", 1, 2), *b = worse(&m, "b", 1, 2), *c = worse(&m, "c", 1, 2);
  enum { N = 12 };
  int64_t at[N];
  double early[N], late[N], early_too[N];
  for (int i = 0; i < N; i++) {
    at[i] = i;
    early[i] = (i >= 4) + 0.01 * (i % 3);
    early_too[i] = 2.0 * (i >= 4) - 0.02 * (i % 2);
    late[i] = (i % 2) * 0.05 - 0.3 * (i >= 4) + (i >= 10); /* it fell where the others rose */
  }
  assay_alert_candidate apart[] = {candidate(a, 1, 2, NULL, NULL, 0), candidate(b, 2, 3, NULL, NULL, 0), candidate(c, 5, 9, NULL, NULL, 0)};
  assert_int_equal(assay_alert_group(apart, 3), 3);
  /* A wide range goes to the narrow one that lies in it, and narrows down; the chain 1-3, 2-6, 5-9 is not one cause. */
  assay_alert_candidate chain[] = {candidate(a, 1, 3, NULL, NULL, 0), candidate(b, 2, 6, NULL, NULL, 0), candidate(c, 5, 9, NULL, NULL, 0)};
  assert_int_equal(assay_alert_group(chain, 3), 2);
  assert_int_equal(chain[0].group, chain[1].group);
  assay_alert_candidate related[] = {candidate(a, 3, 4, at, early, N), candidate(b, 2, 11, at, early_too, N)};
  assert_int_equal(assay_alert_group(related, 2), 1);
  assay_alert_candidate unrelated[] = {candidate(a, 3, 4, at, early, N), candidate(b, 2, 11, at, late, N)};
  assert_int_equal(assay_alert_group(unrelated, 2), 2);
  /* Unknown ranges: one comparison, one cause. */
  assay_alert_candidate unknown[] = {candidate(a, 0, 0, NULL, NULL, 0), candidate(b, 0, 0, NULL, NULL, 0)};
  assert_int_equal(assay_alert_group(unknown, 2), 1);
}

static void what_moves_everything_points_to_the_machine(void **state) {
  (void)state;
  static char names[12][8];
  assay_error err = {0};
  assay_alert_rules *rules = rules_of(usual_rules);
  assay_alerts *alerts = NULL;
  made m = {0};
  for (int i = 0; i < 12; i++) {
    snprintf(names[i], sizeof names[i], "b%d", i);
    worse(&m, names[i], 100, 125);
  }
  m.changes.common_ratio = 0.25;
  assert_ok(assay_alerts_find(rules, &m.changes, NULL, NULL, &err, &alerts), err);
  assert_int_equal(alerts->count, 1);
  assert_non_null(strstr(alerts->items[0].title, "as nearly everything measured: look at the machine first"));
  assay_alerts_destroy(alerts);
  assay_alert_rules_destroy(rules);
}

/* ---- Over time ---------------------------------------------------------------------------------------------------------------------- */

static assay_alert first_of(const assay_alerts *alerts) {
  assert_int_equal(alerts->count, 1);
  return alerts->items[0];
}

/* Looks once more at one benchmark at `value`, compared with the value before; gives the only alert there is. */
static assay_alert round_of(world *w, double before, double value, int64_t now) {
  made m = {0};
  assay_result *r = begin_run(w, NULL);
  measure(r, "x", value);
  end_run(w);
  if (value > before * 1.05)
    worse(&m, "x", before, value);
  else
    add(&m, "x", before, value, value < before * 0.95 ? ASSAY_VERDICT_BETTER : ASSAY_VERDICT_SAME);
  const assay_result *last = w->run_count > 1 ? w->runs[w->run_count - 2] : NULL;
  assay_alerts *alerts = look(w, &m, last, r, now);
  assay_alert only = {0};
  if (alerts->count > 0) only = first_of(alerts);
  only.title = only.reason = NULL;
  only.changes = NULL;
  if (only.is_new) { /* what sending does */
    assay_error err = {0};
    assert_ok(assay_alerts_send(alerts, w->rules, w->history, &err), err);
  }
  assay_alerts_destroy(alerts);
  return only;
}

static void an_alert_is_told_once_and_resolved_when_it_is_gone(void **state) {
  (void)state;
  world *w = open_world(usual_rules);
  assay_error err = {0};
  assert_false(round_of(w, 100, 100, NOW).is_new);
  assay_alert a = round_of(w, 100, 130, NOW + 3600);
  assert_true(a.is_new && a.state == ASSAY_ALERT_OPEN && a.level == ASSAY_ALERT_WARNING);
  assert_int_equal(a.opened_at_s, NOW + 3600);
  /* The step shows only once against the run before; it is there still. */
  assay_alert again = round_of(w, 130, 131, NOW + 7200);
  assert_string_equal(again.id, a.id);
  assert_true(!again.is_new && again.state == ASSAY_ALERT_OPEN);
  /* Nearly at the level: noise does not close it. */
  assert_int_equal(round_of(w, 131, 117, NOW + 7300).state, ASSAY_ALERT_RESOLVED); /* better, and below the level */
  close_world(w);

  w = open_world(usual_rules);
  round_of(w, 100, 100, NOW);
  round_of(w, 100, 130, NOW + 1);
  assert_int_equal(round_of(w, 120, 117, NOW + 2).state, ASSAY_ALERT_OPEN); /* the same as before, and not half of it is gone */
  assay_alert gone = round_of(w, 117, 104, NOW + 3);
  assert_true(gone.is_new && gone.state == ASSAY_ALERT_RESOLVED);
  assert_int_equal(round_of(w, 104, 104, NOW + 4).change_count, 0); /* told once */
  /* It comes back: a new one. */
  assay_alert back = round_of(w, 104, 140, NOW + 5);
  assert_true(back.is_new && back.state == ASSAY_ALERT_OPEN && strcmp(back.id, gone.id) != 0);
  assay_alerts *all = NULL, *live = NULL;
  assert_ok(assay_alerts_list(w->history, true, &err, &all), err);
  assert_ok(assay_alerts_list(w->history, false, &err, &live), err);
  assert_int_equal(all->count, 2);
  assert_string_equal(all->items[0].id, back.id); /* newest first */
  assert_int_equal(live->count, 1);
  assay_alerts_destroy(all);
  assay_alerts_destroy(live);
  close_world(w);
}

static void rising_to_critical_is_told_even_when_acknowledged(void **state) {
  (void)state;
  world *w = open_world(usual_rules);
  assay_error err = {0};
  round_of(w, 100, 100, NOW);
  assay_alert a = round_of(w, 100, 130, NOW + 1);
  char start[5] = {0};
  memcpy(start, a.id, 4);
  assert_ok(assay_alert_acknowledge(w->history, start, NOW + DAY, "known, see the tracker", &err), err);
  /* Against a baseline the same step shows every time. */
  assay_alert quiet = round_of(w, 100, 131, NOW + 2);
  assert_true(!quiet.is_new && quiet.state == ASSAY_ALERT_ACKNOWLEDGED && quiet.until_s == NOW + DAY);
  assay_alert risen = round_of(w, 100, 155, NOW + 3);
  assert_string_equal(risen.id, a.id);
  assert_true(risen.is_new && risen.state == ASSAY_ALERT_OPEN && risen.level == ASSAY_ALERT_CRITICAL);
  assert_false(round_of(w, 100, 158, NOW + 4).is_new);
  close_world(w);
}

static void an_acknowledgement_ends_on_its_day(void **state) {
  (void)state;
  world *w = open_world(usual_rules);
  assay_error err = {0};
  round_of(w, 100, 100, NOW);
  assay_alert a = round_of(w, 100, 130, NOW + 1);
  assert_ok(assay_alert_acknowledge(w->history, a.id, NOW + DAY, NULL, &err), err);
  assert_false(round_of(w, 130, 130, NOW + DAY - 1).is_new);
  assay_alert over = round_of(w, 130, 130, NOW + DAY);
  assert_true(over.is_new && over.state == ASSAY_ALERT_OPEN && over.until_s == 0);
  assert_ok(assay_alert_acknowledge(w->history, a.id, 0, NULL, &err), err); /* for good */
  assert_false(round_of(w, 130, 130, NOW + 1000 * DAY).is_new);
  assert_int_equal(assay_alert_acknowledge(w->history, "ffffffff", 0, NULL, &err), ASSAY_ERR_NOT_FOUND);
  err = (assay_error){0};
  assert_int_equal(assay_alert_acknowledge(w->history, "12", 0, NULL, &err), ASSAY_ERR_INVALID);
  close_world(w);
}

static void what_is_muted_is_kept_and_told_when_the_mute_is_over(void **state) {
  (void)state;
  world *w = open_world(usual_rules);
  assay_error err = {0};
  assert_ok(assay_alert_mute(w->history, "s/*:time", NOW + DAY, "the machine is being moved", &err), err);
  round_of(w, 100, 100, NOW);
  assay_alert a = round_of(w, 100, 130, NOW + 1);
  assert_true(!a.is_new && a.state == ASSAY_ALERT_MUTED && a.until_s == NOW + DAY);
  assert_false(round_of(w, 130, 130, NOW + 2).is_new);
  assay_alert over = round_of(w, 130, 130, NOW + DAY + 1);
  assert_true(over.is_new && over.state == ASSAY_ALERT_OPEN);
  close_world(w);

  w = open_world(usual_rules);
  assert_ok(assay_alert_mute(w->history, "s/x", NOW + DAY, NULL, &err), err);
  round_of(w, 100, 100, NOW);
  round_of(w, 100, 130, NOW + 1);
  assert_ok(assay_alert_mute(w->history, "s/x", 0, NULL, &err), err); /* taken away before its time */
  assert_true(round_of(w, 130, 130, NOW + 2).is_new);
  assert_int_equal(assay_alert_mute(w->history, "s/x", 0, NULL, &err), ASSAY_ERR_NOT_FOUND);
  err = (assay_error){0};
  assert_int_equal(assay_alert_mute(w->history, "s/x", 5, NULL, &err), ASSAY_ERR_INVALID); /* long over */
  assay_alert_mute_entry *mutes = NULL;
  size_t count = 9;
  err = (assay_error){0};
  assert_ok(assay_alert_mutes(w->history, &err, &mutes, &count), err);
  assert_int_equal(count, 0);
  assay_alert_mutes_free(mutes);
  close_world(w);
}

/* What resolves an alert is this machine's own figures. */
static void another_machine_changes_nothing(void **state) {
  (void)state;
  world *w = open_world(usual_rules);
  round_of(w, 100, 100, NOW);
  round_of(w, 100, 130, NOW + 1);
  made m = {0};
  same(&m, "x", 50);
  assay_result *r = begin_run(w, NULL);
  r->machine_id = "00000000000000ff";
  measure(r, "x", 50);
  end_run(w);
  assay_alerts *alerts = look(w, &m, NULL, r, NOW + 2);
  assert_int_equal(alerts->count, 0);
  assay_alerts_destroy(alerts);
  assert_int_equal(round_of(w, 130, 130, NOW + 3).state, ASSAY_ALERT_OPEN);
  close_world(w);
}

/* A benchmark of the same change that was measured later (another filter) joins it without being told again. */
static void a_late_member_joins_its_cause(void **state) {
  (void)state;
  world *w = open_world(usual_rules);
  assay_result *base = begin_run(w, NULL);
  measure(base, "x", 100);
  measure(base, "y", 100);
  end_run(w);
  assay_result *second = begin_run(w, NULL);
  measure(second, "x", 130);
  end_run(w);
  made m = {0};
  worse(&m, "x", 100, 130);
  assay_alerts *alerts = look(w, &m, base, second, NOW);
  char id[17];
  memcpy(id, first_of(alerts).id, sizeof id);
  assay_error err = {0};
  assert_ok(assay_alerts_send(alerts, w->rules, w->history, &err), err);
  assay_alerts_destroy(alerts);
  assay_result *third = begin_run(w, NULL);
  measure(third, "y", 125);
  end_run(w);
  made n = {0};
  worse(&n, "y", 100, 125);
  alerts = look(w, &n, base, third, NOW + 1);
  assert_string_equal(first_of(alerts).id, id);
  assert_int_equal(alerts->items[0].change_count, 2);
  assert_false(alerts->items[0].is_new);
  assay_alerts_destroy(alerts);
  close_world(w);
}

static void what_is_stored_is_read_back_or_passed_over(void **state) {
  (void)state;
  world *w = open_world(usual_rules);
  assay_error err = {0};
  round_of(w, 100, 100, NOW);
  made m = {0};
  worse(&m, "odd \"name\"\n\x01", 0, 5)->change_ratio = NAN;
  assay_result *r = begin_run(w, NULL);
  measure(r, "y", 1);
  end_run(w);
  assay_alerts *alerts = look(w, &m, w->runs[0], r, NOW), *stored = NULL;
  assert_null(strchr(alerts->items[0].title, '\n'));
  assert_ok(assay_history_put_document(w->history, "alert", "garbage", "{\"schema\":\"assay-alert/9\"}", &err), err);
  assert_ok(assay_alerts_list(w->history, true, &err, &stored), err);
  assert_int_equal(stored->count, 1);
  assert_string_equal(stored->items[0].changes[0].benchmark, "odd \"name\"\n\x01");
  assert_true(isnan(stored->items[0].changes[0].change_ratio));
  char *one = NULL, *two = NULL;
  assert_ok(assay_alert_to_json(&alerts->items[0], 0, &err, &one), err);
  assert_ok(assay_alert_to_json(&stored->items[0], 0, &err, &two), err);
  assert_string_equal(one, two);
  assert_null(strchr(one, '\n'));
  assay_string_free(one);
  assay_string_free(two);
  assay_alerts_destroy(stored);
  assay_alerts_destroy(alerts);
  close_world(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(significance_and_the_rule_make_an_alert),
      cmocka_unit_test(a_strict_rule_needs_the_same_evidence),
      cmocka_unit_test(a_history_separates_two_causes),
      cmocka_unit_test(change_points_of_the_history_count_too),
      cmocka_unit_test(ranges_that_overlap_are_one_cause_unless_the_series_disagree),
      cmocka_unit_test(what_moves_everything_points_to_the_machine),
      cmocka_unit_test(an_alert_is_told_once_and_resolved_when_it_is_gone),
      cmocka_unit_test(rising_to_critical_is_told_even_when_acknowledged),
      cmocka_unit_test(an_acknowledgement_ends_on_its_day),
      cmocka_unit_test(what_is_muted_is_kept_and_told_when_the_mute_is_over),
      cmocka_unit_test(another_machine_changes_nothing),
      cmocka_unit_test(a_late_member_joins_its_cause),
      cmocka_unit_test(what_is_stored_is_read_back_or_passed_over),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * A figure that was picked because it looked bad is biased: of many that are the same, the unluckiest are picked. So a suspicion is put to
 * fresh processes, and counts only when these alone show it too; all processes together then say by how much.
 */
#include "run/settle.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/number.h"
#include "judge/changes.h"
#include "os/prim.h"

enum { MOST_ROUNDS = 8, LEAST_FRESH = 3 };

/* Each metric is suspected for itself, also where several are of one benchmark: processes that helped to raise a doubt of one may be fresh
 * to another, and what they do not show of one takes nothing from another. */
typedef struct suspicion {
  size_t outcome;
  const char *metric; /* the result's */
  size_t since;       /* how many processes the outcome had when the metric was called worse or better, or was last not confirmed */
  double not_shown;   /* by how much those differ that last did not confirm it; NaN: it has not been put to any */
  unsigned pass;      /* of `confirm`, in which it is looked at; 0: in none yet */
  bool alive;         /* the look of now raises it too */
} suspicion;

typedef struct settling {
  const assay_settle *job;
  assay_compare_config compare;
  suspicion *suspicions;
  size_t suspicion_count, room;
  size_t *tail; /* from which process on each outcome counts as fresh, in one pass of `confirm` */
  bool *open;   /* outcomes whose verdict waits for fresh processes */
  bool *wanted; /* cases of the next round */
  uint64_t started_ns;
  unsigned round;
  assay_error *err;
} settling;

/* Of the time that was given for measuring again; below 0 when it is over. */
static double seconds_left(const settling *s) { return s->job->seconds - (double)(assay_os_now_ns() - s->started_ns) / 1e9; }

static bool is_stopped(const settling *s) { return s->job->bench->stop != NULL && *s->job->bench->stop != 0; }

static size_t outcome_of(const settling *s, const char *suite, const char *benchmark) {
  const assay_bench_outcomes *all = s->job->outcomes;
  for (size_t i = 0; i < all->count; i++)
    if (strcmp(all->items[i].bench->name, benchmark) == 0 && strcmp(all->items[i].bench->suite, suite) == 0) return i;
  return all->count;
}

static bool is_decided(const assay_change *change) {
  return change->verdict == ASSAY_VERDICT_WORSE || change->verdict == ASSAY_VERDICT_CRITICAL || change->verdict == ASSAY_VERDICT_BETTER;
}

static suspicion *suspicion_of(const settling *s, const assay_change *change) {
  size_t outcome = outcome_of(s, change->suite, change->benchmark);
  for (size_t i = 0; i < s->suspicion_count; i++)
    if (s->suspicions[i].outcome == outcome && strcmp(s->suspicions[i].metric, change->metric) == 0) return &s->suspicions[i];
  return NULL;
}

static size_t processes_of(const settling *s, size_t outcome) { return s->job->outcomes->items[outcome].process_count; }

/* ---- Confirming ------------------------------------------------------------------------------------------------------------------- */

/* The processes of each outcome's tail, as a result of their own. */
static assay_status make_fresh_result(const settling *s, assay_result **fresh) {
  assay_result *made = NULL;
  assay_status status = assay_result_create(s->err, &made);
  const assay_bench_outcomes *all = s->job->outcomes;
  for (size_t i = 0; status == ASSAY_OK && i < all->count; i++) {
    size_t count = processes_of(s, i) - s->tail[i];
    if (count < LEAST_FRESH) continue;
    assay_bench_outcome tail = {.bench = all->items[i].bench, .process_count = count, .processes = all->items[i].processes + s->tail[i]};
    status = assay_result_add_outcome(made, &tail, s->job->ceilings, s->err);
  }
  if (status == ASSAY_OK)
    *fresh = made;
  else
    assay_result_destroy(made);
  return status;
}

static const assay_change *same_change(const assay_changes *changes, const assay_change *change) {
  for (size_t i = 0; i < changes->count; i++) {
    const assay_change *other = &changes->items[i];
    if (strcmp(other->metric, change->metric) == 0 && strcmp(other->benchmark, change->benchmark) == 0 &&
        strcmp(other->suite, change->suite) == 0)
      return other;
  }
  return NULL;
}

static double worsening_of(const assay_change *change) { return assay_towards_worse(change->better, change->change_ratio); }

/* Of its own p-value: it was chosen beforehand, so the number of comparisons no longer counts. */
static bool shows_it_too(const assay_change *fresh, const assay_change *change, double alpha) {
  double same_way = worsening_of(change) > 0 ? worsening_of(fresh) : -worsening_of(fresh);
  return fresh->p_value <= alpha && same_way > fresh->threshold.warning;
}

/* Puts what became of a verdict into the result, so that every later comparison of these two runs says the same. */
static assay_status note_recheck(const settling *s, const assay_change *change, bool confirmed) {
  assay_result *result = s->job->result;
  const char *against = s->job->against->run.id;
  for (size_t i = 0; against != NULL && i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (strcmp(b->name, change->benchmark) != 0 || strcmp(b->suite, change->suite) != 0) continue;
    for (size_t k = 0; k < b->metric_count; k++) {
      if (strcmp(b->metrics[k].name, change->metric) != 0) continue;
      const char *reason = confirmed ? NULL : assay_result_text(result, change->reason);
      b->metrics[k].recheck = (assay_recheck){.against = assay_result_text(result, against), .confirmed = confirmed, .reason = reason};
      if (b->metrics[k].recheck.against == NULL || (!confirmed && reason == NULL))
        return ASSAY_FAIL(s->err, ASSAY_ERR_NO_MEMORY, "out of memory for what was measured again");
    }
  }
  return ASSAY_OK;
}

static void forget_rechecks(const settling *s) {
  for (size_t i = 0; i < s->job->result->benchmark_count; i++)
    for (size_t k = 0; k < s->job->result->benchmarks[i].metric_count; k++)
      s->job->result->benchmarks[i].metrics[k].recheck = (assay_recheck){0};
}

static void withdraw(assay_changes *changes, assay_change *change, double not_shown) {
  char text[200];
  const char *what = worsening_of(change) > 0 ? "worse" : "better";
  if (isnan(not_shown))
    assay_snprintf(text, sizeof text, "it looks %s (%+.1f %%), but there was no time for fresh processes to confirm it", what,
                   100 * change->change_ratio);
  else
    assay_snprintf(text, sizeof text,
                   "over all processes it looks %s (%+.1f %%), but fresh processes alone do not show it for sure (%+.1f %%)", what,
                   100 * change->change_ratio, 100 * not_shown);
  const char *kept = assay_arena_strdup(changes->storage, text);
  change->verdict = ASSAY_VERDICT_INCONCLUSIVE;
  change->withdrawn = true;
  change->reason = kept != NULL ? kept : "";
}

static assay_status begin_suspicion(settling *s, size_t outcome, const char *metric) {
  if (s->suspicion_count == s->room) {
    size_t room = 2 * s->room + 8;
    suspicion *larger = assay_realloc(ASSAY_TAG_BENCH, s->suspicions, room, sizeof *larger);
    if (larger == NULL) return ASSAY_FAIL(s->err, ASSAY_ERR_NO_MEMORY, "out of memory for what is measured again");
    s->suspicions = larger;
    s->room = room;
  }
  s->suspicions[s->suspicion_count++] =
      (suspicion){.outcome = outcome, .metric = metric, .since = processes_of(s, outcome), .not_shown = NAN, .alive = true};
  return ASSAY_OK;
}

/* A suspicion begins with the look that raises it, and ends with the look that does not. */
static assay_status note_suspicions(settling *s, const assay_changes *changes) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < s->suspicion_count; i++) s->suspicions[i].alive = false;
  for (size_t i = 0; i < changes->count && status == ASSAY_OK; i++) {
    const assay_change *change = &changes->items[i];
    size_t at = outcome_of(s, change->suite, change->benchmark);
    if (at == s->job->outcomes->count || !is_decided(change)) continue;
    suspicion *known = suspicion_of(s, change);
    if (known != NULL)
      known->alive = true;
    else
      status = begin_suspicion(s, at, change->metric);
  }
  size_t kept = 0;
  for (size_t i = 0; i < s->suspicion_count; i++)
    if (s->suspicions[i].alive) s->suspicions[kept++] = s->suspicions[i];
  s->suspicion_count = kept;
  return status;
}

/* Metrics of one benchmark that were suspected at different times have different fresh processes; one comparison has one tail of each
 * benchmark, so it may take several. Those that have nothing left to ask stay in, for what all benchmarks say of each other. */
static bool choose_tails(settling *s, unsigned pass) {
  bool any = false;
  memset(s->wanted, 0, s->job->outcomes->count * sizeof *s->wanted);
  for (size_t i = 0; i < s->suspicion_count; i++) {
    suspicion *one = &s->suspicions[i];
    if (one->pass != 0) continue;
    if (!s->wanted[one->outcome]) s->tail[one->outcome] = one->since;
    s->wanted[one->outcome] = any = true;
    if (one->since == s->tail[one->outcome]) one->pass = pass;
  }
  return any;
}

/* What did not confirm it is not asked again. */
static void take_back(settling *s, assay_changes *changes, assay_change *change, suspicion *one, const assay_change *fresh) {
  if (fresh != NULL) {
    one->since = processes_of(s, one->outcome);
    one->not_shown = fresh->change_ratio;
  }
  s->open[one->outcome] = true;
  withdraw(changes, change, one->not_shown);
}

/* Asks the processes of this pass. */
static assay_status ask(settling *s, assay_changes *changes, unsigned pass) {
  assay_result *fresh = NULL;
  assay_changes *again = NULL;
  assay_compare_config config = s->compare;
  config.every_metric = true;
  assay_status status = make_fresh_result(s, &fresh);
  if (status == ASSAY_OK) status = assay_compare(s->job->against, fresh, &config, s->err, &again);
  for (size_t i = 0; status == ASSAY_OK && i < changes->count; i++) {
    assay_change *change = &changes->items[i];
    suspicion *one = is_decided(change) ? suspicion_of(s, change) : NULL;
    if (one == NULL || one->pass != pass) continue;
    const assay_change *other = processes_of(s, one->outcome) - one->since >= LEAST_FRESH ? same_change(again, change) : NULL;
    bool confirmed = other != NULL && shows_it_too(other, change, changes->alpha);
    if (!confirmed) take_back(s, changes, change, one, other);
    status = note_recheck(s, change, confirmed);
  }
  assay_changes_destroy(again);
  assay_result_destroy(fresh);
  return status;
}

/* Takes back every verdict that processes measured after it have not shown as well, and asks for new ones. */
static assay_status confirm(settling *s, assay_changes *changes) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < s->job->outcomes->count; i++) s->tail[i] = processes_of(s, i);
  for (size_t i = 0; i < s->suspicion_count; i++) s->suspicions[i].pass = 0;
  for (unsigned pass = 1; status == ASSAY_OK && choose_tails(s, pass); pass++) status = ask(s, changes, pass);
  if (status == ASSAY_OK) assay_changes_filter(changes, NULL, NULL); /* counts anew */
  return status;
}

/* ---- Measuring again -------------------------------------------------------------------------------------------------------------- */

/* More processes tell more where a verdict waits for them, and where spread is what stands in the way. */
static bool is_suspect(const settling *s, const assay_change *change, size_t outcome) {
  const suspicion *one = is_decided(change) ? suspicion_of(s, change) : NULL;
  return s->open[outcome] || (one != NULL && processes_of(s, outcome) - one->since < LEAST_FRESH);
}

static bool is_open(const assay_change *change) { return change->verdict == ASSAY_VERDICT_INCONCLUSIVE && change->is_main; }

static double cost_of(const assay_bench_outcome *outcome) {
  double sum = 0;
  for (size_t i = 0; i < outcome->process_count; i++) sum += outcome->processes[i].wall_s;
  return outcome->process_count > 0 ? sum / (double)outcome->process_count : 0;
}

/* Nobody is accused without being measured again: suspects may take as much time again as was given, the rest has to fit. */
static double seconds_for(const settling *s, bool suspects) { return seconds_left(s) + (suspects ? s->job->seconds : 0); }

/* Marks the cases of the next round as far as they fit into the time: one process of each, and beside suspects as many as those need.
 * Returns how many of each fit; 0: nothing to do. */
static double choose(settling *s, const assay_changes *changes) {
  const assay_bench_outcomes *all = s->job->outcomes;
  double cost = 0, fit = 0;
  memset(s->wanted, 0, all->count * sizeof *s->wanted);
  for (int suspects = 1; suspects >= 0; suspects--) {
    const double seconds = seconds_for(s, suspects == 1), processes = suspects == 0 && cost > 0 ? LEAST_FRESH : 1;
    for (size_t i = 0; i < changes->count; i++) {
      const assay_change *change = &changes->items[i];
      size_t at = outcome_of(s, change->suite, change->benchmark);
      if (at == all->count || s->wanted[at] || !(suspects == 1 ? is_suspect(s, change, at) : is_open(change))) continue;
      double one = fmax(cost_of(&all->items[at]), 1e-3);
      if (processes * (cost + one) > seconds) continue;
      s->wanted[at] = true;
      cost += one;
      fit = seconds / cost;
    }
  }
  return fit;
}

static bool is_wanted(const assay_bench_case *bench, void *user) {
  const settling *s = user;
  size_t at = outcome_of(s, bench->suite, bench->name);
  return at < s->job->outcomes->count && s->wanted[at];
}

static assay_status measure(settling *s, double fit) {
  assay_bench_config config = *s->job->bench;
  unsigned most = config.processes != 0 ? config.processes : LEAST_FRESH;
  if (most < LEAST_FRESH) most = LEAST_FRESH;
  config.processes = fit < 1 ? 1 : fit < most ? (unsigned)fit : most;
  config.seed = s->job->outcomes->seed + s->round; /* other orders, environments and data than before */
  assay_bench_plan *chosen = NULL;
  assay_bench_outcomes *more = NULL;
  assay_status status = assay_bench_plan_choose(s->job->plan, is_wanted, s, s->err, &chosen);
  if (status == ASSAY_OK) status = s->job->measure(chosen, &config, s->err, &more);
  if (status == ASSAY_OK && assay_bench_outcomes_append(s->job->outcomes, more) != ASSAY_OK)
    status = ASSAY_FAIL(s->err, ASSAY_ERR_NO_MEMORY, "out of memory for the processes measured again");
  for (size_t i = 0; status == ASSAY_OK && i < s->job->outcomes->count; i++)
    if (s->wanted[i]) status = assay_result_add_outcome(s->job->result, &s->job->outcomes->items[i], s->job->ceilings, s->err);
  if (status == ASSAY_OK) assay_result_arrange(s->job->result, s->job->plan);
  assay_bench_outcomes_destroy(more);
  assay_bench_plan_destroy(chosen);
  return status;
}

/* The first look is one look: its verdicts stand where measuring again was not asked for. All later ones need fresh processes. */
static assay_status judge(settling *s, assay_changes **changes) {
  assay_changes *made = NULL;
  forget_rechecks(s);
  assay_status status = assay_compare(s->job->against, s->job->result, &s->compare, s->err, &made);
  if (status == ASSAY_OK) {
    memset(s->open, 0, s->job->outcomes->count * sizeof *s->open);
    status = note_suspicions(s, made);
  }
  if (status == ASSAY_OK && s->round > 0) status = confirm(s, made);
  if (status != ASSAY_OK) {
    assay_changes_destroy(made);
    return status;
  }
  assay_changes_destroy(*changes);
  *changes = made;
  return ASSAY_OK;
}

static assay_status settle(settling *s, assay_changes **changes) {
  assay_status status = judge(s, changes);
  while (status == ASSAY_OK && s->round < MOST_ROUNDS && !is_stopped(s) && seconds_for(s, true) > 0) {
    double fit = choose(s, *changes);
    if (fit == 0 && s->round == 0) return confirm(s, *changes); /* suspects for which there is no time */
    if (fit == 0) break;
    s->round++;
    assay_log(ASSAY_LOG_INFO, "measuring again, round %u", s->round);
    status = measure(s, fit);
    if (status == ASSAY_OK) status = judge(s, changes);
  }
  return status;
}

assay_status assay_settle_run(const assay_settle *job, assay_error *err, assay_changes **changes) {
  size_t count = job->outcomes->count;
  settling s = {.job = job, .started_ns = assay_os_now_ns(), .err = err};
  if (job->compare != NULL) s.compare = *job->compare;
  s.tail = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *s.tail);
  s.open = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *s.open);
  s.wanted = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *s.wanted);
  assay_changes *made = NULL;
  assay_status status = ASSAY_OK;
  if (s.tail == NULL || s.open == NULL || s.wanted == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for measuring again");
  if (status == ASSAY_OK) status = settle(&s, &made);
  assay_free(s.suspicions);
  assay_free(s.tail);
  assay_free(s.open);
  assay_free(s.wanted);
  if (status == ASSAY_OK)
    *changes = made;
  else
    assay_changes_destroy(made);
  return status;
}

/* SPDX-License-Identifier: MIT */
/* Runs a plan: one fresh process at a time, all of them in one random order. Nothing that a process does or writes can harm the run. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "bench/fresh.h"
#include "bench/plan.h"
#include "bench/process.h"
#include "os/prim.h"

enum { COMMAND_PROCESSES = 10, COMMAND_PROCESSES_QUICK = 5, CRASHES_TO_GIVE_UP = 2 };

/* What is known of a case while the run goes on. */
typedef struct case_state {
  unsigned planned, failures_in_a_row;
  bool settled; /* the remaining processes would only say the same again */
} case_state;

typedef struct run {
  const assay_bench_plan *plan;
  const assay_bench_config *config;
  double time_s, warmup_s, timeout_s;
  case_state *states;
  assay_bench_outcomes *outcomes;
  size_t *order; /* index of the case of each process, in the order they run */
  size_t total, done;
  assay_random random;
  assay_fresh *fresh;
} run;

static bool is_stopped(const run *r) { return r->config->stop != NULL && *r->config->stop != 0; }

/* ---- One fresh process ---- */

static uint64_t seed_of(const run *r, const assay_bench_case *bench, size_t process) {
  uint64_t seed = r->outcomes->seed, place = process;
  uint64_t hash = assay_hash(ASSAY_HASH_START, &seed, sizeof seed);
  hash = assay_hash(hash, &place, sizeof place);
  return assay_hash(hash, bench->name, strlen(bench->name));
}

static void make_request(const run *r, const assay_bench_case *bench, size_t process, assay_request *q) {
  *q = (assay_request){
      .time_s = r->time_s,
      .warmup_s = r->warmup_s,
      .timeout_s = r->timeout_s,
      .seed = seed_of(r, bench, process),
      .suite = bench->suite,
      .name = bench->command == NULL ? bench->desc->name : NULL,
      .command = bench->command,
      .shell = r->config->shell,
      .prepare = r->config->prepare,
      .warmups = process == 0 ? r->config->command_warmup : 0,
      .ignore_failure = r->config->ignore_failure,
  };
  if (bench->command != NULL) return;
  q->param_count = bench->param_count;
  for (size_t i = 0; i < bench->param_count; i++) {
    q->params[i].name = bench->params[i].name;
    q->params[i].value = bench->params[i].value;
  }
}

static assay_status run_process(run *r, const assay_bench_case *bench, size_t index, assay_error *err, assay_bench_process *p) {
  assay_request request;
  make_request(r, bench, index, &request);
  assay_fresh_job job = {.request = &request,
                         .timeout_s = bench->desc != NULL && bench->desc->timeout_s > 0 ? bench->desc->timeout_s : r->timeout_s,
                         .memory_limit_bytes = r->config->memory_limit_bytes,
                         .stop = r->config->stop};
  return assay_fresh_run(r->fresh, &r->random, &job, err, p, NULL);
}

/* ---- The plan ---- */

/* Whether more processes of this case can tell anything new. A benchmark that hangs costs one timeout, not five; one that says it cannot
 * run here says the same in every process; one that fails twice in a row is broken. */
static void learn(case_state *state, bool is_command, const assay_bench_process *p) {
  bool timed_out = p->outcome == ASSAY_OUTCOME_FAILED &&
                   (strncmp(p->reason, "timed out", 9) == 0 || (is_command && strstr(p->reason, " timed out after ") != NULL));
  state->failures_in_a_row = p->outcome == ASSAY_OUTCOME_FAILED ? state->failures_in_a_row + 1 : 0;
  state->settled = timed_out || p->outcome == ASSAY_OUTCOME_SKIPPED || p->outcome == ASSAY_OUTCOME_UNSUPPORTED ||
                   state->failures_in_a_row >= CRASHES_TO_GIVE_UP;
}

static void repeat_verdict(const assay_bench_outcome *outcome, assay_bench_process *p) {
  const assay_bench_process *last = &outcome->processes[outcome->process_count - 1];
  p->outcome = last->outcome;
  if (strncmp(last->reason, "not run: ", 9) == 0 || last->outcome != ASSAY_OUTCOME_FAILED)
    snprintf(p->reason, sizeof p->reason, "%s", last->reason);
  else
    snprintf(p->reason, sizeof p->reason, "not run: %.240s", last->reason);
}

static assay_status run_next(run *r, size_t place, assay_error *err) {
  size_t index = r->order[place];
  assay_bench_outcome *outcome = &r->outcomes->items[index];
  case_state *state = &r->states[index];
  const assay_bench_config *config = r->config;
  assay_bench_process *p = &outcome->processes[outcome->process_count];
  p->order = (unsigned)place;
  if (state->settled) {
    p->started_s = assay_fresh_elapsed_s(r->fresh);
    repeat_verdict(outcome, p);
  } else {
    if (config->on_start != NULL) config->on_start(outcome->bench, index, r->done, r->total, config->user);
    assay_status status = run_process(r, outcome->bench, outcome->process_count, err, p);
    if (status != ASSAY_OK) return status;
    learn(state, outcome->bench->command != NULL, p);
    if (p->outcome == ASSAY_OUTCOME_FAILED)
      assay_log(ASSAY_LOG_INFO, "%s/%s: process %zu failed: %s", outcome->bench->suite, outcome->bench->name, outcome->process_count + 1,
                p->reason);
  }
  outcome->process_count++;
  r->done++;
  if (config->on_process != NULL) config->on_process(outcome, index, r->done, r->total, config->user);
  return ASSAY_OK;
}

static unsigned processes_of(const run *r, const assay_bench_case *bench) {
  const assay_bench_config *c = r->config;
  if (c->processes > 0) return c->processes;
  if (bench->command != NULL) return c->quick ? COMMAND_PROCESSES_QUICK : COMMAND_PROCESSES;
  return c->quick ? 3 : 5;
}

static assay_status lay_out(run *r, assay_error *err) {
  size_t count = assay_bench_plan_count(r->plan);
  r->states = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *r->states);
  r->outcomes->items = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *r->outcomes->items);
  if (r->states == NULL || r->outcomes->items == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
  r->outcomes->count = count;
  for (size_t i = 0; i < count; i++) {
    const assay_bench_case *bench = assay_bench_plan_at(r->plan, i);
    assay_bench_outcome *outcome = &r->outcomes->items[i];
    r->states[i].planned = processes_of(r, bench);
    outcome->bench = bench;
    outcome->processes = assay_calloc(ASSAY_TAG_BENCH, r->states[i].planned, sizeof *outcome->processes);
    if (outcome->processes == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
    r->total += r->states[i].planned;
  }
  r->order = assay_alloc(ASSAY_TAG_BENCH, (r->total + 1) * sizeof *r->order);
  if (r->order == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
  size_t put = 0;
  for (size_t i = 0; i < count; i++) {
    for (unsigned k = 0; k < r->states[i].planned; k++) r->order[put++] = i;
  }
  assay_random_shuffle(&r->random, r->order, r->total);
  return ASSAY_OK;
}

static bool is_bad(double seconds) { return !(seconds >= 0) || !isfinite(seconds) || seconds > 86400; }

static assay_status check(const assay_bench_config *c, assay_error *err) {
  if (is_bad(c->time_s) || is_bad(c->warmup_s) || is_bad(c->timeout_s))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "time, warm-up and timeout are between 0 and 86400 seconds");
  if (c->processes > 10000) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%u processes a benchmark; at most 10000", c->processes);
  return ASSAY_OK;
}

assay_status assay_bench_run(const assay_bench_plan *plan, const assay_bench_config *config, assay_error *err,
                             assay_bench_outcomes **outcomes) {
  assay_status status = check(config, err);
  if (status != ASSAY_OK) return status;
  run *r = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *r);
  assay_bench_outcomes *made = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *made);
  if (r == NULL || made == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
    goto done;
  }
  status = assay_fresh_open(err, &r->fresh);
  if (status != ASSAY_OK) goto done;
  r->plan = plan;
  r->config = config;
  r->outcomes = made;
  r->time_s = config->time_s > 0 ? config->time_s : config->quick ? 0.03 : 0.5;
  r->warmup_s = config->warmup_s > 0 ? config->warmup_s : config->quick ? 0.02 : 1;
  r->timeout_s = config->timeout_s > 0 ? config->timeout_s : 60;
  made->seed = config->seed != 0 ? config->seed : assay_os_now_ns() ^ (uint64_t)assay_os_wall_s() << 20 ^ (uint64_t)getpid();
  assay_random_init(&r->random, made->seed);
  status = lay_out(r, err);
  for (size_t place = 0; place < r->total && status == ASSAY_OK; place++) {
    status = is_stopped(r) ? ASSAY_ERR_INTERRUPTED : run_next(r, place, err);
  }
  if (status == ASSAY_ERR_INTERRUPTED) {
    made->interrupted = true;
    status = ASSAY_OK;
  }
done:
  if (r != NULL) {
    assay_fresh_close(r->fresh);
    assay_free(r->states);
    assay_free(r->order);
  }
  assay_free(r);
  if (status == ASSAY_OK)
    *outcomes = made;
  else
    assay_bench_outcomes_destroy(made);
  return status;
}

static assay_bench_outcome *same_case(assay_bench_outcomes *outcomes, const assay_bench_case *bench) {
  for (size_t i = 0; i < outcomes->count; i++) {
    const assay_bench_case *other = outcomes->items[i].bench;
    if (strcmp(other->name, bench->name) == 0 && strcmp(other->suite, bench->suite) == 0) return &outcomes->items[i];
  }
  return NULL;
}

assay_status assay_bench_outcomes_append(assay_bench_outcomes *outcomes, assay_bench_outcomes *more) {
  for (size_t i = 0; i < more->count; i++) {
    assay_bench_outcome *from = &more->items[i], *to = same_case(outcomes, from->bench);
    if (to == NULL || from->process_count == 0) continue;
    size_t count = to->process_count + from->process_count;
    assay_bench_process *grown = assay_realloc(ASSAY_TAG_BENCH, to->processes, count, sizeof *grown);
    if (grown == NULL) return ASSAY_ERR_NO_MEMORY;
    memcpy(grown + to->process_count, from->processes, from->process_count * sizeof *grown);
    to->processes = grown;
    to->process_count = count;
    from->process_count = 0;
  }
  return ASSAY_OK;
}

void assay_bench_outcomes_destroy(assay_bench_outcomes *outcomes) {
  if (outcomes == NULL) return;
  for (size_t i = 0; outcomes->items != NULL && i < outcomes->count; i++) {
    assay_bench_outcome *outcome = &outcomes->items[i];
    for (size_t k = 0; k < outcome->process_count; k++) assay_bench_process_deinit(&outcome->processes[k]);
    assay_free(outcome->processes);
  }
  assay_free(outcomes->items);
  assay_free(outcomes);
}

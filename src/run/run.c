/* SPDX-License-Identifier: MIT */
/*
 * One run, in order: refuse what can be refused (suites, limits, profile, history), detect the machine, get its ceilings, measure, check,
 * judge, keep. Everything measured goes to the history the moment its process ends, so that a kill loses at most the one in flight.
 */
#include <assay/run.h>

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "assay_config.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "os/prim.h"
#include "run/select.h"
#include "run/settle.h"

#include <assay/history.h>

/* Seconds that a quick first measurement of the ceilings takes here, for the remaining time while nothing better is known. */
static const double EXPECTED_QUICK_CEILINGS_S = 20;
/* What a fresh process costs beside its measured time: start, calibration, part of the warm-up. */
static const double EXPECTED_OVERHEAD_S = 0.03;

typedef struct run_state {
  const assay_run_config *config;
  assay_selection selection;
  assay_bench_plan *own_plan;
  const assay_bench_plan *plan;
  assay_slas *slas;
  assay_history *history;
  bool history_broke;
  assay_machine *machine;
  assay_ceilings *ceilings;
  assay_result *result;
  uint64_t started_ns, benchmarks_started_ns;
  const char *phase;
  unsigned processes;
  double expected_process_s; /* before the first one has ended */
  assay_status status;       /* first failure inside a callback */
  assay_error *err;
} run_state;

static double seconds_since(uint64_t start_ns) { return (double)(assay_os_now_ns() - start_ns) / 1e9; }

static bool stopped(const run_state *state) { return state->config->stop != NULL && *state->config->stop != 0; }

static void warn(const run_state *state, const assay_error *problem) {
  assay_log(ASSAY_LOG_WARNING, "%s", problem->message);
  if (state->config->on_warning != NULL) state->config->on_warning(problem->message, state->config->user);
}

static void report(const run_state *state, const assay_run_progress *event) {
  if (state->config->on_progress == NULL) return;
  assay_run_progress full = *event;
  full.phase = state->phase;
  full.elapsed_s = seconds_since(state->started_ns);
  state->config->on_progress(&full, state->config->user);
}

static void enter(run_state *state, const char *phase) {
  state->phase = phase;
  assay_log(ASSAY_LOG_INFO, "%s", phase);
  report(state, &(assay_run_progress){.item = "", .remaining_s = NAN});
}

/* ---- Before anything is measured ---------------------------------------------------------------------------------------------- */

static bool checks_wanted(const run_state *state, const assay_suite *suite) {
  if (suite == NULL || suite->check == NULL) return false;
  return state->config->filter == NULL || assay_glob_match_benchmark(state->config->filter, suite->name, "checks", NULL);
}

static assay_status make_plan(run_state *state) {
  const assay_run_config *config = state->config;
  if (config->plan != NULL) {
    state->plan = config->plan;
    return ASSAY_OK;
  }
  assay_status status = assay_selection_init(&state->selection, config->suites, state->err);
  if (status != ASSAY_OK) return status;
  status = assay_bench_plan_create(state->selection.chosen, config->filter, state->err, &state->own_plan);
  if (status != ASSAY_OK) return status;
  state->plan = state->own_plan;
  if (assay_bench_plan_count(state->plan) > 0) return ASSAY_OK;
  for (size_t i = 0; i < state->selection.chosen_count; i++) {
    if (checks_wanted(state, assay_suite_find(state->selection.chosen[i]))) return ASSAY_OK;
  }
  if (config->filter != NULL)
    return ASSAY_FAIL(state->err, ASSAY_ERR_INVALID, "no benchmark matches the filter '%s'; `list` shows them all", config->filter);
  return ASSAY_FAIL(state->err, ASSAY_ERR_INVALID, "suite '%s' has no benchmarks", state->selection.chosen[0]);
}

static assay_status load_limits(run_state *state) {
  assay_status status = assay_slas_load(NULL, state->err, &state->slas);
  if (status == ASSAY_OK && state->config->sla_path != NULL) status = assay_slas_add_file(state->slas, state->config->sla_path, state->err);
  return status;
}

static uint64_t fresh_seed(void) {
  uint64_t parts[] = {assay_os_now_ns(), (uint64_t)assay_os_wall_s(), (uint64_t)getpid()};
  uint64_t seed = assay_hash(ASSAY_HASH_START, parts, sizeof parts);
  return seed != 0 ? seed : 1;
}

static assay_status begin_result(run_state *state) {
  assay_status status = assay_result_create(state->err, &state->result);
  if (status != ASSAY_OK) return status;
  assay_result *result = state->result;
  const assay_run_config *config = state->config;
  char id[17], commit[41];
  assay_random random;
  assay_random_init(&random, fresh_seed());
  snprintf(id, sizeof id, "%016llx", (unsigned long long)assay_random_next(&random));
  result->run.id = assay_result_text(result, id);
  result->run.name = assay_result_text(result, config->name);
  result->run.version = assay_result_text(result, ASSAY_VERSION);
  result->run.command = assay_result_text(result, config->command);
  if (assay_run_find_commit(".", commit)) result->run.commit = assay_result_text(result, commit);
  result->run.started_at_s = assay_os_wall_s();
  result->run.quick = config->quick;
  result->run.processes = state->processes;
  result->run.seed = config->seed != 0 ? config->seed : fresh_seed() & INT64_MAX; /* JSON readers keep 63 bits */
  return ASSAY_OK;
}

/* ---- Machine and ceilings ----------------------------------------------------------------------------------------------------- */

/* Does a suite of this run have checks that are wanted? */
static bool checks_anything(const run_state *state) {
  for (size_t i = 0; i < state->selection.chosen_count; i++) {
    if (checks_wanted(state, assay_suite_find(state->selection.chosen[i]))) return true;
  }
  return false;
}

static assay_status detect(run_state *state) {
  enter(state, "machine");
  assay_status status = assay_machine_detect(NULL, state->err, &state->machine);
  if (status != ASSAY_OK) return status;
  assay_log(ASSAY_LOG_INFO, "machine %s: %s", assay_machine_id(state->machine), assay_machine_label(state->machine));
  if (state->config->profile == NULL) return ASSAY_OK;
  if (!checks_anything(state))
    return ASSAY_FAIL(state->err, ASSAY_ERR_INVALID,
                      "the profile %s would not be used: no suite of this run checks the machine (hardware does)", state->config->profile);
  /* A broken profile should not cost a whole run: its rows are read now and thrown away. */
  assay_check_list *rows = NULL;
  status = assay_machine_check(state->machine, NULL, state->config->profile, state->err, &rows);
  assay_check_list_destroy(rows);
  return status;
}

static double expected_benchmarks_s(const run_state *state) {
  return state->expected_process_s * (double)assay_bench_plan_count(state->plan) * state->processes;
}

static bool on_ceiling(const char *name, size_t done, size_t total, void *user) {
  run_state *state = user;
  double took = seconds_since(state->benchmarks_started_ns);
  double left = done > 0 ? took / (double)done * (double)(total - done) : EXPECTED_QUICK_CEILINGS_S;
  assay_log(ASSAY_LOG_DEBUG, "ceiling %s", name);
  report(state, &(assay_run_progress){.item = name, .done = done, .total = total, .remaining_s = left + expected_benchmarks_s(state)});
  return !stopped(state);
}

static assay_ceilings_mode ceilings_mode(const assay_run_config *config) {
  if (config->remeasure_ceilings) return ASSAY_CEILINGS_MEASURE;
  if (config->cached_ceilings_only) return ASSAY_CEILINGS_CACHE_ONLY;
  return config->quick ? ASSAY_CEILINGS_QUICK : ASSAY_CEILINGS_CACHED;
}

/* A machine whose ceilings cannot be had is still measured; only the shares are missing. */
static void get_ceilings(run_state *state) {
  if (state->config->no_ceilings) return;
  enter(state, "ceilings");
  state->benchmarks_started_ns = assay_os_now_ns();
  assay_error problem = {0};
  assay_ceilings_mode mode = ceilings_mode(state->config);
  assay_status status = assay_ceilings_get(state->machine, mode, on_ceiling, state, &problem, &state->ceilings);
  if (status == ASSAY_OK || status == ASSAY_ERR_INTERRUPTED) return;
  if (mode != ASSAY_CEILINGS_CACHE_ONLY || status != ASSAY_ERR_NOT_FOUND) warn(state, &problem);
}

static assay_status add_machine(run_state *state) {
  assay_result *result = state->result;
  result->run.host = assay_result_text(result, assay_machine_label(state->machine));
  return assay_result_set_machine(result, state->machine, state->ceilings, state->err);
}

/* ---- History ------------------------------------------------------------------------------------------------------------------ */

/* A history that breaks in the middle (disk full) does not stop the measuring: the result is still in memory and in the reports. */
static void give_up_history(run_state *state, const assay_error *problem) {
  assay_error said = {0};
  ASSAY_FAIL(&said, problem->status, "this run is not complete in the history (%s)", problem->message);
  warn(state, &said);
  assay_history_close(state->history);
  state->history = NULL;
  state->history_broke = true;
}

static void keep_benchmark(run_state *state, const assay_bench_case *bench) {
  if (state->history == NULL) return;
  const assay_benchmark_result *benchmark = assay_result_find(state->result, bench->suite, bench->name);
  assay_error problem = {0};
  if (benchmark != NULL && assay_history_put_benchmark(state->history, state->result->run.id, benchmark, &problem) != ASSAY_OK)
    give_up_history(state, &problem);
}

/* What stood in the way (a server that was away, a disk that was full) may be over when the run is. */
static void mend_history(run_state *state) {
  assay_history *history = NULL;
  assay_status status = assay_history_open(state->config->history_path, NULL, &history);
  if (status == ASSAY_OK) status = assay_history_put_result(history, state->result, NULL);
  assay_history_close(history);
  if (status != ASSAY_OK) return;
  assay_error said = {.message = "the history could be written again: this run is complete in it after all"};
  warn(state, &said);
}

static void finish_history(run_state *state) {
  if (state->history_broke) mend_history(state);
  if (state->history == NULL) return;
  assay_error problem = {0};
  if (assay_history_finish(state->history, state->result, &problem) != ASSAY_OK) give_up_history(state, &problem);
}

/* ---- Benchmarks --------------------------------------------------------------------------------------------------------------- */

static double remaining_benchmarks_s(const run_state *state, size_t done, size_t total) {
  if (done == 0) return expected_benchmarks_s(state);
  return seconds_since(state->benchmarks_started_ns) / (double)done * (double)(total - done);
}

static void on_start(const assay_bench_case *bench, size_t case_index, size_t done, size_t total, void *user) {
  (void)case_index;
  run_state *state = user;
  assay_log(ASSAY_LOG_DEBUG, "start %s/%s (process %zu of %zu)", bench->suite, bench->name, done + 1, total);
  report(state, &(assay_run_progress){
                    .item = bench->name, .done = done, .total = total, .remaining_s = remaining_benchmarks_s(state, done, total)});
}

static void on_process(const assay_bench_outcome *so_far, size_t case_index, size_t done, size_t total, void *user) {
  (void)case_index;
  run_state *state = user;
  const assay_bench_process *newest = &so_far->processes[so_far->process_count - 1];
  const char *reason = newest->outcome == ASSAY_OUTCOME_OK ? NULL : newest->reason;
  assay_status status = assay_result_add_outcome(state->result, so_far, state->ceilings, state->err);
  if (status == ASSAY_OK)
    keep_benchmark(state, so_far->bench);
  else if (state->status == ASSAY_OK)
    state->status = status;
  /* Once the log says it, it is kept. */
  assay_log(newest->outcome == ASSAY_OUTCOME_FAILED ? ASSAY_LOG_WARNING : ASSAY_LOG_INFO, "%s/%s: %s in %.3f s, process %zu%s%s",
            so_far->bench->suite, so_far->bench->name, assay_outcome_text(newest->outcome), newest->wall_s, so_far->process_count,
            reason != NULL ? ": " : "", reason != NULL ? reason : "");
  report(state, &(assay_run_progress){.item = so_far->bench->name,
                                      .done = done,
                                      .total = total,
                                      .remaining_s = remaining_benchmarks_s(state, done, total),
                                      .finished = so_far->process_count >= state->processes,
                                      .outcome = newest->outcome,
                                      .reason = reason});
}

/* Of processes measured again: the result is brought up to date when all of a round are there. */
static void on_again(const assay_bench_outcome *so_far, size_t case_index, size_t done, size_t total, void *user) {
  (void)case_index;
  run_state *state = user;
  report(state, &(assay_run_progress){.item = so_far->bench->name, .done = done, .total = total, .remaining_s = NAN});
}

static assay_status settle(run_state *state, const assay_bench_config *first, assay_bench_outcomes *outcomes) {
  const assay_run_config *config = state->config;
  if (config->against == NULL || config->changes == NULL) return ASSAY_OK;
  enter(state, "again");
  assay_bench_config bench = *first;
  bench.on_start = NULL;
  bench.on_process = on_again;
  assay_settle job = {.against = config->against,
                      .compare = config->compare,
                      .seconds = config->settle_s,
                      .plan = state->plan,
                      .bench = &bench,
                      .measure = assay_bench_run,
                      .ceilings = state->ceilings,
                      .outcomes = outcomes,
                      .result = state->result};
  assay_changes *changes = NULL;
  assay_status status = assay_settle_run(&job, state->err, &changes);
  if (status == ASSAY_OK) *config->changes = changes;
  return status;
}

static assay_status measure(run_state *state) {
  if (assay_bench_plan_count(state->plan) == 0) return ASSAY_OK;
  const assay_run_config *config = state->config;
  enter(state, "benchmarks");
  state->benchmarks_started_ns = assay_os_now_ns();
  assay_bench_config bench = {.processes = state->processes,
                              .quick = config->quick,
                              .time_s = config->time_s,
                              .timeout_s = config->timeout_s,
                              .seed = state->result->run.seed,
                              .shell = config->shell,
                              .prepare = config->prepare,
                              .command_warmup = config->command_warmup,
                              .ignore_failure = config->ignore_failure,
                              .stop = config->stop,
                              .on_start = on_start,
                              .on_process = on_process,
                              .user = state};
  assay_bench_outcomes *outcomes = NULL;
  assay_status status = assay_bench_run(state->plan, &bench, state->err, &outcomes);
  if (status == ASSAY_OK && outcomes->interrupted) state->result->run.interrupted = true;
  /* Those that an interrupted run never began are in the result too, and say so. */
  for (size_t i = 0; status == ASSAY_OK && i < outcomes->count; i++)
    if (outcomes->items[i].process_count == 0)
      status = assay_result_add_outcome(state->result, &outcomes->items[i], state->ceilings, state->err);
  assay_result_arrange(state->result, state->plan);
  if (status == ASSAY_OK) status = state->status;
  if (status == ASSAY_OK) status = settle(state, &bench, outcomes);
  assay_bench_outcomes_destroy(outcomes);
  return status;
}

/* ---- Checks and judgement ----------------------------------------------------------------------------------------------------- */

static bool has_benchmarks(const run_state *state, const char *suite) {
  for (size_t i = 0; i < assay_bench_plan_count(state->plan); i++) {
    if (strcmp(assay_bench_plan_at(state->plan, i)->suite, suite) == 0) return true;
  }
  return false;
}

static assay_status check_suite(run_state *state, const char *name) {
  const assay_suite *suite = assay_suite_find(name);
  if (!checks_wanted(state, suite) && !has_benchmarks(state, name))
    return assay_result_add_suite(state->result, name, ASSAY_OUTCOME_SKIPPED, "the filter leaves nothing of it", state->err);
  if (!checks_wanted(state, suite) || stopped(state))
    return assay_result_add_suite(state->result, name, ASSAY_OUTCOME_OK, NULL, state->err);
  assay_suite_context context = {
      .machine = state->machine, .ceilings = state->ceilings, .profile = state->config->profile, .quick = state->config->quick};
  assay_check_list *rows = NULL;
  assay_error problem = {0};
  report(state, &(assay_run_progress){.item = name, .remaining_s = NAN});
  if (suite->check(&context, &problem, &rows) != ASSAY_OK)
    return assay_result_add_suite(state->result, name, ASSAY_OUTCOME_FAILED, problem.message, state->err);
  assay_status status = assay_result_add_checks(state->result, rows, state->err);
  assay_check_list_destroy(rows);
  if (status == ASSAY_OK) status = assay_result_add_suite(state->result, name, ASSAY_OUTCOME_OK, NULL, state->err);
  return status;
}

static assay_status check_suites(run_state *state) {
  const assay_selection *selection = &state->selection;
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < selection->chosen_count && status == ASSAY_OK; i++) status = check_suite(state, selection->chosen[i]);
  for (size_t i = 0; i < selection->left_count && status == ASSAY_OK; i++)
    status = assay_result_add_suite(state->result, selection->left[i], ASSAY_OUTCOME_UNSUPPORTED,
                                    assay_suite_find(selection->left[i])->unsupported, state->err);
  return status;
}

static assay_status judge(run_state *state) {
  assay_status status = assay_result_fit_complexity(state->result, state->err);
  if (status == ASSAY_OK && state->slas != NULL) status = assay_slas_apply(state->slas, state->result, state->err);
  if (status == ASSAY_OK) status = assay_recommend(state->result, state->err);
  return status;
}

static assay_status prepare(run_state *state) {
  assay_status status = make_plan(state);
  /* Limits are over suites; commands of the moment have none of their own. */
  if (status == ASSAY_OK && (state->config->plan == NULL || state->config->sla_path != NULL)) status = load_limits(state);
  if (status == ASSAY_OK && state->config->history_path != NULL)
    status = assay_history_open(state->config->history_path, state->err, &state->history);
  if (status == ASSAY_OK) status = begin_result(state);
  return status;
}

static assay_status run_all(run_state *state) {
  assay_status status = prepare(state);
  if (status == ASSAY_OK) status = detect(state);
  if (status != ASSAY_OK) return status;
  get_ceilings(state);
  status = add_machine(state);
  if (status == ASSAY_OK && state->history != NULL) status = assay_history_begin(state->history, state->result, state->err);
  if (status == ASSAY_OK && !stopped(state)) status = measure(state);
  if (status != ASSAY_OK) return status;
  enter(state, "checks");
  status = check_suites(state);
  if (status == ASSAY_OK) status = judge(state);
  if (stopped(state)) state->result->run.interrupted = true;
  state->result->run.duration_s = seconds_since(state->started_ns);
  if (status == ASSAY_OK) finish_history(state);
  assay_log(ASSAY_LOG_INFO, "run %s %s after %.1f s", state->result->run.id, state->result->run.interrupted ? "interrupted" : "complete",
            state->result->run.duration_s);
  return status;
}

assay_status assay_run(const assay_run_config *config, assay_error *err, assay_result **result) {
  assay_error local = {0};
  run_state state = {.config = config, .started_ns = assay_os_now_ns(), .err = err != NULL ? err : &local, .phase = ""};
  state.processes = config->processes != 0 ? config->processes : config->quick ? 3 : 5;
  double time_s = config->time_s > 0 ? config->time_s : config->quick ? 0.03 : 0.5;
  state.expected_process_s = time_s + EXPECTED_OVERHEAD_S;
  assay_status status = run_all(&state);
  assay_history_close(state.history);
  assay_ceilings_destroy(state.ceilings);
  assay_machine_destroy(state.machine);
  assay_slas_destroy(state.slas);
  assay_bench_plan_destroy(state.own_plan);
  assay_selection_deinit(&state.selection);
  if (status == ASSAY_OK)
    *result = state.result;
  else
    assay_result_destroy(state.result);
  return status;
}

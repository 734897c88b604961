/* SPDX-License-Identifier: MIT */
/* The A/B measurement of real processes: what one process gives, what becomes of it, and the changes that the blocks come to. */
#include <assay/ab.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "assay_config.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/number.h"
#include "base/random.h"
#include "base/text.h"
#include "bench/fresh.h"
#include "bench/process.h"
#include "os/prim.h"
#include "run/ab_engine.h"
#include "run/ab_sides.h"
#include "run/child.h"

enum {
  SAMPLES_KEPT = 128,  /* of a process, for the results: there may be thousands of processes */
  SAMPLES_WANTED = 20, /* below that a process is too short for its benchmark */
  REPORT_BYTES = 64 << 20
};

/* Many short processes tell more than few long ones: a neighbour comes and goes within milliseconds, and the lot is drawn anew for each
 * block. */
static const double SHORTEST_S = 0.005, LONGEST_S = 0.5, LONGEST_FOR_SAMPLES_S = 0.1;
static const double WARMUP_SHARE = 0.4;
/* See assay_ab_value. */
static const double LOW_QUANTILE = 0.1;

typedef struct ab_pair {
  size_t at[2]; /* of its case on either side */
  assay_bench_outcome outcomes[2];
  size_t capacities[2];
  double time_s, fitted_s; /* measured in each process, and in those of the blocks after the first (0: the same) */
} ab_pair;

typedef struct ab_state {
  const assay_ab_config *config;
  assay_ab *ab;
  assay_arena arena;
  assay_ab_listed sides[2];
  ab_pair *pairs;
  assay_ab_engine engine;
  assay_fresh *fresh;
  assay_random random; /* paddings and benchmark seeds; the orders have their own */
  unsigned processes;
  bool foreign;  /* one side has another engine: both are asked for results by their command line */
  char *scratch; /* for what such runs leave */
  assay_machine *machine;
} ab_state;

static const assay_ab_side *side_of(const ab_state *s, int side) { return side == 0 ? &s->config->a : &s->config->b; }

static const char *label_of(const ab_state *s, int side) {
  const assay_ab_side *it = side_of(s, side);
  return it->label != NULL ? it->label : it->command;
}

static assay_bench_case *case_of(const ab_state *s, const ab_pair *pair, int side) { return &s->sides[side].cases[pair->at[side]]; }

/* ---- One process ----------------------------------------------------------------------------------------------------------------- */

/*
 * The lower decile of a process's kept samples: the speed that it has while nobody disturbs it. Whoever shares the core or the cache makes
 * a part of the samples slower, in every process another part; the fastest tenth stays what it is, on this machine within 0.1 % where the
 * medians differ by 2 % and the means by 5 (docs/ab.md). Code that became slower is slower there too.
 */
static double low_value(const assay_bench_process *p) {
  if (p->latency != NULL) return p->latency->count > 0 ? assay_histogram_quantile(p->latency, 0.5) : NAN;
  double *kept = assay_alloc(ASSAY_TAG_BENCH, (p->sample_count + 1) * sizeof *kept);
  size_t count = 0;
  if (kept == NULL) return NAN;
  for (size_t i = 0; i < p->sample_count; i++) {
    if (p->samples[i].aside == 0) kept[count++] = p->samples[i].ns;
  }
  assay_stats_sort(kept, count);
  double value = assay_stats_quantile_sorted(kept, count, LOW_QUANTILE);
  assay_free(kept);
  return value;
}

static void thin_out(assay_bench_process *p) {
  size_t stride = (p->sample_count + SAMPLES_KEPT - 1) / SAMPLES_KEPT, kept = 0;
  if (stride < 2) return;
  for (size_t i = 0; i < p->sample_count; i += stride) p->samples[kept++] = p->samples[i];
  assay_bench_sample *smaller = assay_realloc(ASSAY_TAG_BENCH, p->samples, kept, sizeof *smaller);
  if (smaller != NULL) p->samples = smaller;
  p->sample_count = kept;
}

/* Set-up that takes long makes longer processes worth their while, and so do operations that take long. */
static double fitting_length(const assay_bench_process *p) {
  double measured_s = 0;
  for (size_t i = 0; i < p->sample_count; i++) measured_s += p->samples[i].ns * (double)p->samples[i].operations / 1e9;
  double wanted = 0.5 * (p->wall_s - measured_s);
  if (p->sample_count < SAMPLES_WANTED && p->sample_count > 0)
    wanted = fmax(wanted, fmin(SAMPLES_WANTED * measured_s / (double)p->sample_count, LONGEST_FOR_SAMPLES_S));
  return fmin(fmax(wanted, SHORTEST_S), LONGEST_S);
}

static void make_request(ab_state *s, const ab_pair *pair, int side, assay_request *q) {
  const assay_ab_config *c = s->config;
  const assay_bench_case *bench = case_of(s, pair, side);
  *q = (assay_request){.time_s = pair->time_s,
                       .warmup_s = WARMUP_SHARE * pair->time_s,
                       .timeout_s = c->timeout_s > 0 ? c->timeout_s : 60,
                       .seed = assay_random_next(&s->random),
                       .suite = bench->suite,
                       .name = bench->command == NULL ? bench->desc->name : NULL,
                       .command = bench->command,
                       .shell = c->shell,
                       .prepare = c->prepare,
                       .warmups = pair->outcomes[side].process_count == 0 ? c->command_warmup : 0,
                       .ignore_failure = c->ignore_failure};
  for (size_t i = 0; i < bench->param_count; i++) {
    q->params[i].name = bench->params[i].name;
    q->params[i].value = bench->params[i].value;
  }
  q->param_count = bench->param_count;
}

static assay_status run_worker(ab_state *s, const ab_pair *pair, int side, assay_error *err, assay_bench_process *p, bool *understood) {
  assay_request request;
  make_request(s, pair, side, &request);
  assay_fresh_job job = {.request = &request,
                         .executable = s->sides[side].executable,
                         .directory = side_of(s, side)->directory,
                         .timeout_s = request.timeout_s,
                         .stop = s->config->stop};
  return assay_fresh_run(s->fresh, &s->random, &job, err, p, understood);
}

/* ---- The same through the command line of an older or newer Assay ----------------------------------------------------------------- */

static void fail(assay_bench_process *p, const char *format, ...) ASSAY_PRINTF(2, 3);
static void fail(assay_bench_process *p, const char *format, ...) {
  p->outcome = ASSAY_OUTCOME_FAILED;
  va_list args;
  va_start(args, format);
  assay_vsnprintf(p->reason, sizeof p->reason, format, args);
  va_end(args);
}

/* Its figure becomes the only sample. */
static void take_figure(const assay_result *result, const assay_bench_case *bench, assay_bench_process *p) {
  const assay_benchmark_result *b = assay_result_find(result, bench->suite, bench->name);
  if (b == NULL || b->status != ASSAY_OUTCOME_OK || b->metric_count == 0) {
    fail(p, "%s", b != NULL && b->reason != NULL ? b->reason : "its result has no figure of it");
    return;
  }
  p->samples = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *p->samples);
  if (p->samples == NULL) {
    fail(p, "out of memory");
    return;
  }
  p->sample_count = 1;
  p->samples[0] = (assay_bench_sample){.ns = b->metrics[0].value, .operations = 1, .covariates = b->covariates};
  p->steady = b->steady;
  p->threads = 1;
  snprintf(p->counters_cause, sizeof p->counters_cause, "not taken over from a result of another version");
  snprintf(p->allocations_cause, sizeof p->allocations_cause, "not taken over from a result of another version");
}

static assay_status run_foreign(ab_state *s, const ab_pair *pair, int side, assay_error *err, assay_bench_process *p) {
  const assay_bench_case *bench = case_of(s, pair, side);
  char filter[2 * ASSAY_NAME_MAX + 8], time[32];
  /* A plain word would match anywhere in a name; with a set of one letter it is a pattern for the whole. */
  snprintf(filter, sizeof filter, "[%c]%s/%s", bench->suite[0], bench->suite + 1, bench->name);
  assay_snprintf(time, sizeof time, "%.3f", fmax(pair->time_s, 0.01));
  const char *words[] = {s->sides[side].executable,
                         "run",
                         "--quick-run",
                         "--json",
                         "--processes",
                         "1",
                         "--time",
                         time,
                         "--filter",
                         filter,
                         "--no-history",
                         "--no-ceilings",
                         "--log-file=",
                         "--output-dir",
                         s->scratch,
                         "--no-progress",
                         NULL};
  assay_child child = {.words = words,
                       .directory = side_of(s, side)->directory,
                       .limit = REPORT_BYTES,
                       .timeout_s = s->config->timeout_s > 0 ? s->config->timeout_s : 60,
                       .stop = s->config->stop};
  assay_buf output = {0};
  assay_result *result = NULL;
  assay_error problem = {0};
  char said[256];
  int code = 0;
  p->started_s = assay_fresh_elapsed_s(s->fresh);
  assay_status status = assay_child_run(&child, err, &output, said, &code);
  p->wall_s = assay_fresh_elapsed_s(s->fresh) - p->started_s;
  if (status == ASSAY_OK && assay_result_from_json(output.data != NULL ? output.data : "", output.length, &problem, &result) != ASSAY_OK)
    fail(p, "its run ended with code %d and no result that can be read: %s", code, said[0] != '\0' ? said : problem.message);
  else if (status == ASSAY_OK)
    take_figure(result, bench, p);
  assay_result_destroy(result);
  assay_buf_deinit(&output);
  return status;
}

/* One process of each side beforehand: it brings the executables into memory, and tells whether they speak this engine's language. */
static assay_status probe(ab_state *s, assay_error *err) {
  for (int side = 0; side < 2 && s->engine.pair_count > 0 && s->config->filter != NULL; side++) {
    assay_bench_process p = {0};
    bool understood = true;
    assay_status status = run_worker(s, &s->pairs[0], side, err, &p, &understood);
    assay_bench_process_deinit(&p);
    if (status != ASSAY_OK) return status;
    if (!understood) s->foreign = true;
  }
  return s->foreign ? assay_os_temp_dir(err, &s->scratch) : ASSAY_OK;
}

/* ---- What the engine asks for ------------------------------------------------------------------------------------------------------ */

static assay_bench_process *room(assay_bench_outcome *outcome, size_t *capacity, assay_error *err) {
  if (outcome->process_count == *capacity) {
    size_t grown_to = *capacity == 0 ? 64 : 2 * *capacity;
    assay_bench_process *grown = assay_realloc(ASSAY_TAG_BENCH, outcome->processes, grown_to, sizeof *grown);
    if (grown == NULL) {
      ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the processes");
      return NULL;
    }
    outcome->processes = grown;
    *capacity = grown_to;
  }
  assay_bench_process *p = &outcome->processes[outcome->process_count];
  *p = (assay_bench_process){0};
  return p;
}

static assay_status measure(void *user, size_t index, int side, assay_error *err, assay_ab_measured *m) {
  ab_state *s = user;
  ab_pair *pair = &s->pairs[index];
  if (s->config->stop != NULL && *s->config->stop != 0) return ASSAY_ERR_INTERRUPTED;
  assay_bench_outcome *outcome = &pair->outcomes[side];
  assay_bench_process *p = room(outcome, &pair->capacities[side], err);
  if (p == NULL) return ASSAY_ERR_NO_MEMORY;
  p->order = s->processes++;
  assay_status status = s->foreign ? run_foreign(s, pair, side, err, p) : run_worker(s, pair, side, err, p, NULL);
  if (status != ASSAY_OK) return status;
  m->value = p->outcome == ASSAY_OUTCOME_OK ? low_value(p) : NAN;
  if (p->outcome == ASSAY_OUTCOME_OK && !(m->value > 0))
    fail(p, s->config->filter == NULL ? "it takes no longer than starting the shell; --shell= leaves the shell out" : "it has no time");
  m->ok = p->outcome == ASSAY_OUTCOME_OK;
  if (m->ok && s->config->filter != NULL && !s->foreign && s->engine.pairs[index].count == 0) pair->fitted_s = fitting_length(p);
  thin_out(p);
  outcome->process_count++;
  return ASSAY_OK;
}

static double elapsed_s(void *user) { return assay_fresh_elapsed_s(((const ab_state *)user)->fresh); }

static void on_block(void *user, size_t index) {
  ab_state *s = user;
  const assay_ab_pair *pair = &s->engine.pairs[index];
  ab_pair *what = &s->pairs[index];
  if (what->fitted_s > 0) what->time_s = what->fitted_s; /* only now: the processes of one block are alike */
  if (s->config->on_progress == NULL) return;
  char item[2 * ASSAY_NAME_MAX];
  const char *name = case_of(s, what, 1)->name;
  if (isfinite(pair->view.ci.high))
    assay_snprintf(item, sizeof item, "%.140s  %+.2f %% (%+.2f to %+.2f)", name, 100 * expm1(pair->view.step),
                   100 * expm1(pair->view.ci.low), 100 * expm1(pair->view.ci.high));
  else
    snprintf(item, sizeof item, "%s", name);
  double seconds, blocks;
  assay_ab_engine_foresee(&s->engine, &seconds, &blocks);
  const char *reason = NULL;
  for (int side = 0; side < 2; side++) {
    const assay_bench_outcome *o = &what->outcomes[side];
    if (o->process_count > 0 && o->processes[o->process_count - 1].outcome == ASSAY_OUTCOME_FAILED)
      reason = o->processes[o->process_count - 1].reason;
  }
  assay_run_progress event = {.phase = "blocks",
                              .item = item,
                              .done = s->engine.blocks,
                              .total = s->engine.blocks + (size_t)ceil(blocks),
                              .elapsed_s = elapsed_s(s),
                              .remaining_s = seconds,
                              .finished = pair->broken || pair->stage.finished,
                              .outcome = pair->broken ? ASSAY_OUTCOME_FAILED : ASSAY_OUTCOME_OK,
                              .reason = pair->broken ? reason : NULL};
  s->config->on_progress(&event, s->config->user);
}

/* ---- Sides and pairs --------------------------------------------------------------------------------------------------------------- */

/* The same command on both sides (two revisions) is named once. */
static void name_commands(const ab_state *s, char name[ASSAY_NAME_MAX]) {
  const char *a = label_of(s, 0), *b = label_of(s, 1);
  if (strcmp(s->config->a.command, s->config->b.command) == 0)
    snprintf(name, ASSAY_NAME_MAX, "%.140s", s->config->a.command);
  else
    snprintf(name, ASSAY_NAME_MAX, "%.70s%s vs %.70s%s", a, strlen(a) > 70 ? "..." : "", b, strlen(b) > 70 ? "..." : "");
}

static assay_status take_commands(ab_state *s, assay_error *err) {
  for (int side = 0; side < 2; side++) {
    assay_bench_case *bench = assay_arena_alloc(&s->arena, 1, sizeof *bench);
    const char *command = side_of(s, side)->command;
    if (bench == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
    if (command == NULL || command[strspn(command, " \t\n")] == '\0')
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the %s command is empty", side == 0 ? "first" : "second");
    bench->suite = "ab";
    bench->command = command;
    name_commands(s, bench->name);
    s->sides[side] = (assay_ab_listed){.count = 1, .cases = bench};
  }
  return ASSAY_OK;
}

static assay_status list_sides(ab_state *s, assay_error *err) {
  const assay_ab_config *c = s->config;
  if (c->filter == NULL) return take_commands(s, err);
  for (int side = 0; side < 2; side++) {
    assay_status status = assay_ab_list(&s->arena, side_of(s, side), c->filter, c->stop, err, &s->sides[side]);
    if (status != ASSAY_OK) return status;
  }
  if (s->sides[0].count + s->sides[1].count == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no benchmark of %s or %s matches the filter '%s'; `%s list` shows them all", c->a.command,
                      c->b.command, c->filter, c->b.command);
  return ASSAY_OK;
}

static assay_status pair_up(ab_state *s, assay_error *err) {
  size_t most = s->sides[1].count;
  s->pairs = assay_arena_alloc(&s->arena, most + 1, sizeof *s->pairs);
  s->engine.pairs = assay_arena_alloc(&s->arena, most + 1, sizeof *s->engine.pairs);
  if (s->pairs == NULL || s->engine.pairs == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  for (size_t i = 0; i < most; i++) {
    size_t other = assay_ab_counterpart(&s->sides[1], i, &s->sides[0]);
    if (other == SIZE_MAX) continue;
    ab_pair *pair = &s->pairs[s->engine.pair_count++];
    *pair = (ab_pair){.at = {other, i}, .time_s = SHORTEST_S};
    for (int side = 0; side < 2; side++) pair->outcomes[side].bench = case_of(s, pair, side);
  }
  return ASSAY_OK;
}

/* ---- The results ------------------------------------------------------------------------------------------------------------------- */

static assay_status begin_result(ab_state *s, int side, assay_result **result, assay_error *err) {
  assay_status status = assay_result_create(err, result);
  if (status != ASSAY_OK) return status;
  assay_result *r = *result;
  char id[17], commit[41];
  const assay_ab_side *it = side_of(s, side);
  snprintf(id, sizeof id, "%016llx", (unsigned long long)assay_random_next(&s->random));
  r->run.id = assay_result_text(r, id);
  r->run.name = assay_result_text(r, label_of(s, side));
  r->run.version = assay_result_text(r, ASSAY_VERSION);
  r->run.command = assay_result_text(r, s->config->command_line);
  if (it->commit != NULL)
    r->run.commit = assay_result_text(r, it->commit);
  else if (assay_run_find_commit(it->directory != NULL ? it->directory : ".", commit))
    r->run.commit = assay_result_text(r, commit);
  r->run.started_at_s = assay_os_wall_s();
  r->run.quick = true; /* short processes */
  r->run.seed = s->engine.seed;
  if (s->machine == NULL) return ASSAY_OK;
  r->run.host = assay_result_text(r, assay_machine_label(s->machine));
  return assay_result_set_machine(r, s->machine, NULL, err);
}

/* Both sides of a pair have one name, that of b. */
static assay_status add_pair(ab_state *s, ab_pair *pair, assay_error *err) {
  assay_bench_case *a = case_of(s, pair, 0);
  a->suite = case_of(s, pair, 1)->suite;
  assay_status status = assay_result_add_outcome(s->ab->before, &pair->outcomes[0], NULL, err);
  if (status == ASSAY_OK) status = assay_result_add_outcome(s->ab->after, &pair->outcomes[1], NULL, err);
  return status;
}

/* What only one side has is in its result as not run. */
static assay_status add_lone(const ab_state *s, int side, assay_error *err) {
  const assay_ab_listed *mine = &s->sides[side], *other = &s->sides[1 - side];
  assay_result *result = side == 0 ? s->ab->before : s->ab->after;
  for (size_t i = 0; i < mine->count; i++) {
    if (assay_ab_counterpart(mine, i, other) != SIZE_MAX) continue;
    assay_benchmark_result lone = {.name = mine->cases[i].name,
                                   .suite = mine->cases[i].suite,
                                   .base_name = mine->cases[i].desc->name,
                                   .status = ASSAY_OUTCOME_SKIPPED,
                                   .reason = side == 0 ? "only the old one has it" : "only the new one has it"};
    assay_status status = assay_result_add_benchmark(result, &lone, err);
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}

static assay_status fill_results(ab_state *s, assay_error *err) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < s->engine.pair_count && status == ASSAY_OK; i++) status = add_pair(s, &s->pairs[i], err);
  for (int side = 0; side < 2 && status == ASSAY_OK; side++) status = add_lone(s, side, err);
  for (int side = 0; side < 2; side++) {
    assay_result *result = side == 0 ? s->ab->before : s->ab->after;
    result->run.duration_s = s->ab->took_s;
    result->run.interrupted = s->ab->interrupted;
  }
  return status;
}

/* ---- The changes ------------------------------------------------------------------------------------------------------------------- */

static const char *say(ab_state *s, const char *format, ...) ASSAY_PRINTF(2, 3);
static const char *say(ab_state *s, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(text, sizeof text, format, args);
  va_end(args);
  const char *kept = assay_result_text(s->ab->after, text);
  return kept != NULL ? kept : "out of memory";
}

static assay_threshold threshold_of(const ab_state *s, const assay_change *c) {
  if (s->config->thresholds != NULL) return assay_threshold_for(s->config->thresholds, c->suite, c->benchmark, c->metric, c->kind);
  return (assay_threshold){.warning = 0, .critical = assay_threshold_for(NULL, c->suite, c->benchmark, c->metric, c->kind).critical};
}

static assay_verdict judge(const ab_state *s, const assay_change *c, const assay_ab_view *view) {
  assay_ab_rule rule = assay_ab_engine_rule(&s->engine);
  bool explicit = s->config->thresholds != NULL, known = isfinite(c->ci_low) && isfinite(c->ci_high);
  double limit = c->threshold.warning;
  if (!known) return ASSAY_VERDICT_INCONCLUSIVE;
  bool different = c->q_value <= s->engine.rule.alpha;
  if (!explicit && assay_ab_is_same(&rule, view, different)) return ASSAY_VERDICT_SAME;
  if (explicit && ((c->ci_low >= -limit && c->ci_high <= limit) || (different && fabs(c->change_ratio) < limit))) return ASSAY_VERDICT_SAME;
  if (!different) return ASSAY_VERDICT_INCONCLUSIVE;
  if (c->change_ratio < 0) return ASSAY_VERDICT_BETTER;
  double worth = explicit ? limit : assay_threshold_for(NULL, c->suite, c->benchmark, c->metric, c->kind).warning;
  return c->change_ratio >= c->threshold.critical && c->ci_low > worth ? ASSAY_VERDICT_CRITICAL : ASSAY_VERDICT_WORSE;
}

/* Why it is not known, and what to do about it. */
static const char *explain(ab_state *s, const assay_change *c, const assay_ab_pair *pair, const ab_pair *what) {
  double detect = s->engine.rule.detect;
  if (pair->broken) {
    for (int side = 1; side >= 0; side--) {
      const assay_bench_outcome *o = &what->outcomes[side];
      if (o->process_count > 0 && o->processes[o->process_count - 1].outcome != ASSAY_OUTCOME_OK)
        return say(s, "%s: %s", label_of(s, side), o->processes[o->process_count - 1].reason);
    }
  }
  if (pair->count == 0) return s->ab->interrupted ? "it was interrupted before the first block" : "no block was measured";
  if (pair->count < 2 || !isfinite(c->ci_high))
    return say(s, "%zu block%s (of four runs) in that time; --max-time or --blocks gives it more", pair->count,
               pair->count == 1 ? "" : "s");
  const char *mend = s->ab->interrupted ? "" : pair->out_of_time ? "; --max-time gives it more time" : "";
  if (c->ci_low > 0 || c->ci_high < 0)
    return say(s, "the 95 %% interval leaves 0 out, but p = %.2g (all looks paid for) is not below %g%s", c->q_value, s->engine.rule.alpha,
               mend);
  return say(s, "differences up to %.1f %% cannot be told from none, and \"same\" would need all of the interval within ±%.1f %%%s",
             100 * c->detectable, 50 * expm1(detect), mend);
}

static assay_change change_of(const ab_state *s, const ab_pair *what, const assay_ab_pair *pair) {
  const assay_bench_case *bench = case_of(s, what, 1);
  const assay_benchmark_result *before = assay_result_find(s->ab->before, bench->suite, bench->name);
  const assay_benchmark_result *after = assay_result_find(s->ab->after, bench->suite, bench->name);
  const assay_metric_result *a = before->metric_count > 0 ? &before->metrics[0] : NULL;
  const assay_metric_result *b = after->metric_count > 0 ? &after->metrics[0] : NULL;
  const assay_metric_result *any = b != NULL ? b : a;
  assay_ab_rule rule = assay_ab_engine_rule(&s->engine);
  bool known = isfinite(pair->view.ci.low) && isfinite(pair->view.ci.high);
  return (assay_change){.suite = after->suite,
                        .benchmark = after->name,
                        .metric = any != NULL ? any->name : "time",
                        .unit = any != NULL ? any->unit : "ns",
                        .is_main = true,
                        .kind = any != NULL ? any->kind : ASSAY_KIND_TIME,
                        .better = ASSAY_LOWER,
                        .verdict = ASSAY_VERDICT_INCONCLUSIVE,
                        .before_count = a != NULL ? a->process_count : 0,
                        .after_count = b != NULL ? b->process_count : 0,
                        .before = a != NULL ? a->value : NAN,
                        .after = b != NULL ? b->value : NAN,
                        .change_ratio = expm1(pair->view.step),
                        .ci_low = known ? expm1(pair->view.ci.low) : NAN,
                        .ci_high = known ? expm1(pair->view.ci.high) : NAN,
                        .p_value = known ? pair->view.p : NAN,
                        .q_value = known ? assay_ab_paid_p(&pair->view, &pair->stage) : NAN,
                        .detectable = expm1(assay_ab_detectable(&rule, &pair->view))};
}

static assay_change lone_change(const assay_benchmark_result *b, assay_verdict verdict) {
  return (assay_change){.suite = b->suite,
                        .benchmark = b->name,
                        .metric = "time",
                        .unit = "ns",
                        .is_main = true,
                        .kind = ASSAY_KIND_TIME,
                        .better = ASSAY_LOWER,
                        .verdict = verdict,
                        .before = NAN,
                        .after = NAN,
                        .change_ratio = NAN,
                        .ci_low = NAN,
                        .ci_high = NAN,
                        .p_value = NAN,
                        .q_value = NAN,
                        .detectable = NAN};
}

static void find_common_ratio(assay_changes *changes, double *room) {
  size_t count = 0;
  for (size_t i = 0; i < changes->count; i++) {
    if (isfinite(changes->items[i].change_ratio)) room[count++] = changes->items[i].change_ratio;
  }
  changes->common_ratio = count >= 3 ? assay_stats_median(room, count) : NAN;
}

static void add_lone_changes(const assay_result *result, assay_verdict verdict, assay_changes *changes) {
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (b->reason != NULL && strncmp(b->reason, "only the ", 9) == 0) changes->items[changes->count++] = lone_change(b, verdict);
  }
}

static assay_status make_changes(ab_state *s, assay_error *err) {
  assay_ab *ab = s->ab;
  size_t most = ab->before->benchmark_count + ab->after->benchmark_count + 1;
  double *q_values = assay_arena_alloc(&s->arena, most, sizeof *q_values);
  assay_changes *changes = ab->changes = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *changes);
  ab->block_counts = assay_calloc(ASSAY_TAG_RESULT, most, sizeof *ab->block_counts);
  if (changes != NULL) changes->items = assay_calloc(ASSAY_TAG_RESULT, most, sizeof *changes->items);
  if (q_values == NULL || ab->block_counts == NULL || changes == NULL || changes->items == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the changes");
  for (size_t i = 0; i < s->engine.pair_count; i++) {
    const assay_ab_pair *pair = &s->engine.pairs[i];
    assay_change *c = &changes->items[changes->count];
    *c = change_of(s, &s->pairs[i], pair);
    c->threshold = threshold_of(s, c);
    q_values[i] = c->q_value;
    changes->tested += !isnan(c->q_value);
    ab->block_counts[changes->count++] = pair->count;
  }
  if (assay_stats_adjust(q_values, changes->count) != ASSAY_OK)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the changes");
  for (size_t i = 0; i < s->engine.pair_count; i++) {
    assay_change *c = &changes->items[i];
    c->q_value = q_values[i];
    c->verdict = s->engine.pairs[i].broken ? ASSAY_VERDICT_INCONCLUSIVE : judge(s, c, &s->engine.pairs[i].view);
    if (c->verdict == ASSAY_VERDICT_INCONCLUSIVE) c->reason = explain(s, c, &s->engine.pairs[i], &s->pairs[i]);
  }
  add_lone_changes(ab->before, ASSAY_VERDICT_MISSING, changes);
  add_lone_changes(ab->after, ASSAY_VERDICT_NEW, changes);
  changes->alpha = s->engine.rule.alpha;
  find_common_ratio(changes, q_values);
  assay_changes_filter(changes, NULL, NULL); /* counts the verdicts */
  return ASSAY_OK;
}

/* ---- The whole --------------------------------------------------------------------------------------------------------------------- */

static bool is_bad(double value, double most) { return !(value >= 0) || value > most; }

static assay_status check(const assay_ab_config *c, assay_error *err) {
  if (is_bad(c->detect_ratio, 10)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "what is to be detected is between 0 and 1000 %%");
  if (is_bad(c->max_time_s, 1e7)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the time is between 0 and 10000000 seconds");
  if (is_bad(c->timeout_s, 86400)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the timeout is between 0 and 86400 seconds");
  if (is_bad(c->alpha, 0.5)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "alpha is between 0 and 0.5");
  if (c->a.command == NULL || c->b.command == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there are two sides, and both need a command");
  return ASSAY_OK;
}

static void set_up(ab_state *s) {
  const assay_ab_config *c = s->config;
  uint64_t parts[] = {assay_os_now_ns(), (uint64_t)assay_os_wall_s(), (uint64_t)getpid()};
  uint64_t seed = c->seed != 0 ? c->seed : assay_hash(ASSAY_HASH_START, parts, sizeof parts) & INT64_MAX; /* JSON readers keep 63 bits */
  s->engine =
      (assay_ab_engine){.rule = {.detect = log1p(c->detect_ratio > 0 ? c->detect_ratio : 0.02), .alpha = c->alpha > 0 ? c->alpha : 0.01},
                        .max_time_s = c->max_time_s > 0 ? c->max_time_s : 60,
                        .least_blocks = c->least_blocks,
                        .seed = seed != 0 ? seed : 1,
                        .measure = measure,
                        .elapsed_s = elapsed_s,
                        .on_block = on_block,
                        .user = s};
  assay_random_init(&s->random, seed ^ UINT64_C(0x9E3779B97F4A7C15));
}

static assay_status run_all(ab_state *s, assay_error *err) {
  assay_status status = list_sides(s, err);
  if (status == ASSAY_OK) status = pair_up(s, err);
  if (status == ASSAY_OK && assay_machine_detect(NULL, NULL, &s->machine) != ASSAY_OK) s->machine = NULL;
  if (status == ASSAY_OK) status = begin_result(s, 0, &s->ab->before, err);
  if (status == ASSAY_OK) status = begin_result(s, 1, &s->ab->after, err);
  if (status == ASSAY_OK) status = assay_fresh_open(err, &s->fresh);
  if (status != ASSAY_OK) return status;
  status = probe(s, err);
  if (status == ASSAY_OK) status = assay_ab_engine_run(&s->engine, err);
  if (status == ASSAY_ERR_INTERRUPTED) {
    s->engine.interrupted = true;
    status = ASSAY_OK;
  }
  s->ab->interrupted = s->engine.interrupted;
  s->ab->out_of_time = s->engine.out_of_time;
  s->ab->blocks = s->engine.blocks;
  s->ab->took_s = assay_fresh_elapsed_s(s->fresh);
  if (status == ASSAY_OK) status = fill_results(s, err);
  return status == ASSAY_OK ? make_changes(s, err) : status;
}

assay_status assay_ab_run(const assay_ab_config *config, assay_error *err, assay_ab **ab) {
  assay_status status = check(config, err);
  if (status != ASSAY_OK) return status;
  ab_state s = {.config = config, .ab = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *s.ab)};
  if (s.ab == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  assay_arena_init(&s.arena, ASSAY_TAG_BENCH);
  set_up(&s);
  status = run_all(&s, err);
  if (s.scratch != NULL) assay_os_remove_tree(s.scratch);
  assay_free(s.scratch);
  for (size_t i = 0; i < s.engine.pair_count; i++) {
    for (int side = 0; side < 2; side++) {
      assay_bench_outcome *o = &s.pairs[i].outcomes[side];
      for (size_t k = 0; k < o->process_count; k++) assay_bench_process_deinit(&o->processes[k]);
      assay_free(o->processes);
    }
  }
  assay_ab_engine_deinit(&s.engine);
  assay_fresh_close(s.fresh);
  assay_machine_destroy(s.machine);
  assay_arena_deinit(&s.arena);
  if (status == ASSAY_OK)
    *ab = s.ab;
  else
    assay_ab_destroy(s.ab);
  return status;
}

void assay_ab_destroy(assay_ab *ab) {
  if (ab == NULL) return;
  assay_changes_destroy(ab->changes);
  assay_result_destroy(ab->before);
  assay_result_destroy(ab->after);
  assay_free(ab->block_counts);
  assay_free(ab);
}

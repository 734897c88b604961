/* SPDX-License-Identifier: MIT */
/* From figures to verdicts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "judge/changes.h"

/* So many more CPUs that other programs kept busy on one side are a cause of their own for what is slower there, */
static const double DISTURBED_CPUS = 0.25;
/* and so many fewer or more for programs whose threads wait for somebody. */
static const double DISTURBED_WAITING = 0.1;
/* A machine that others leave this much less of than a program keeps busy is taken. */
static const double HALF_A_CPU = 0.5;
/* A program that keeps more CPUs busy has several threads at work. */
static const double ONE_THREAD = 1.25;

/* In the direction in which more is worse. */
typedef struct worsening {
  double change, low, high;
} worsening;

static worsening worsening_of(const assay_change *change) {
  double a = assay_towards_worse(change->better, change->ci_low), b = assay_towards_worse(change->better, change->ci_high);
  bool turned = change->better != ASSAY_LOWER;
  return (worsening){assay_towards_worse(change->better, change->change_ratio), turned ? b : a, turned ? a : b};
}

static const char *say(const assay_comparison *c, const char *text) {
  const char *kept = assay_arena_strdup(c->changes->storage, text);
  return kept != NULL ? kept : "";
}

static const char *why_within_noise(const assay_comparison *c, const assay_change *change) {
  char text[256];
  assay_snprintf(text, sizeof text, "the same code differs by up to %.1f %% between two such runs; measuring both in turns (ab) would tell",
                 100 * change->noise_floor);
  return say(c, text);
}

/* It moved as all the others did, and a step of its own is hardly left. */
static bool explained_by_others(const assay_pair *pair) {
  return pair->together * pair->step > 0 && fabs(pair->together) > fabs(pair->step) / 2;
}

static const char *why_together(const assay_comparison *c, const assay_pair *pair) {
  char text[256];
  assay_snprintf(
      text, sizeof text,
      "all benchmarks moved together, by %+.1f %%: the machine or the whole build; measuring both in turns (ab) would tell which",
      100 * expm1(pair->together));
  return say(c, text);
}

static const char *why_not_sure(const assay_comparison *c, const assay_change *change, const assay_pair *pair) {
  char text[256];
  if (explained_by_others(pair)) return why_together(c, pair);
  if (pair->alone > pair->error && !pair->lone) return why_within_noise(c, change);
  if (pair->lone && isnan(change->p_value))
    snprintf(text, sizeof text,
             "one process a side says nothing of how much processes differ: several invocations of each, or a history, would tell");
  else if (pair->lone)
    assay_snprintf(text, sizeof text,
                   "one process a side: changes below about %.0f %% could be chance; several invocations of each would tell",
                   100 * change->detectable);
  else if (isnan(change->p_value))
    snprintf(text, sizeof text, "there are too few values to say");
  else
    assay_snprintf(text, sizeof text, "too noisy: with %zu and %zu values only changes of about %.1f %% are likely to be seen",
                   change->before_count, change->after_count, 100 * change->detectable);
  return say(c, text);
}

static const char *why_open(const assay_comparison *c, const assay_change *change) {
  char text[256];
  assay_snprintf(text, sizeof text, "it changed, but whether by more than the threshold of %g %% is open", 100 * change->threshold.warning);
  return say(c, text);
}

/* CPUs of the whole machine, as others_cpus counts them. */
static double cpus_of(const assay_result *result) {
  for (size_t i = 0; i < result->fact_count; i++)
    if (strcmp(result->facts[i].key, "cpu.threads") == 0 && result->facts[i].type == ASSAY_FACT_INTEGER) return result->facts[i].real;
  return INFINITY;
}

/* What the program keeps busy when it is let; at least one CPU, and that where it is not known. */
static double wanted_cpus(const assay_pair *pair) {
  return fmax(1, fmax(pair->old->covariates.own_cpus, pair->fresh->covariates.own_cpus));
}

/* Others left the program less than it keeps busy. */
static bool taken(const assay_result *result, const assay_benchmark_result *side, double wanted) {
  double cpus = cpus_of(result);
  return side->covariates.others_cpus + fmin(wanted, cpus) >= cpus + HALF_A_CPU;
}

static double samples_of(const assay_metric_result *metric) { return (double)metric->stats.samples; }

/* Its threads wait for each other or for the system: several are at work, single operations are timed, or the samples sleep. */
static bool waits(const assay_change *change, const assay_pair *pair) {
  if (change->kind == ASSAY_KIND_LATENCY || wanted_cpus(pair) > ONE_THREAD) return true;
  double samples = samples_of(pair->before) + samples_of(pair->after);
  return pair->old->covariates.voluntary_switches + pair->fresh->covariates.voluntary_switches > samples / 2 && samples > 0;
}

/* The least factor that the interval leaves. */
static double least_factor(const assay_change *change) {
  if (change->ci_low <= 0 && change->ci_high >= 0) return 1;
  return exp(fmin(fabs(log1p(change->ci_low)), fabs(log1p(change->ci_high))));
}

static const char *why_disturbed(const assay_comparison *c, const assay_pair *pair, bool worse) {
  char text[256];
  const assay_benchmark_result *slower = worse ? pair->fresh : pair->old, *faster = worse ? pair->old : pair->fresh;
  bool full = taken(worse ? c->after : c->before, slower, wanted_cpus(pair));
  assay_snprintf(text, sizeof text, "other programs kept %.1f CPUs busy while the %s figure was measured, and %.1f for the %s one%s",
                 slower->covariates.others_cpus, worse ? "new" : "old", faster->covariates.others_cpus, worse ? "old" : "new",
                 full ? ": all of the machine, so it waited for its turn" : "");
  return say(c, text);
}

/*
 * An assumption, and a generous one. A program that finds a free CPU loses to the others at most as much as these took: one more busy CPU
 * makes it at most twice as slow, and that much of a change must be beyond doubt before any of it is the program's. Where others took what
 * it needs it waits for its turn, and how long depends on how many wait, which others_cpus cannot tell (ten compilers and fifty look
 * alike): that explains anything, also when the faster side found every CPU taken. Threads that wait for somebody may become faster as
 * well as slower beside others, and by any factor: they wait for whole time slices, but squeezed onto one CPU they do not fight for a lock,
 * and wake no sleeping CPU.
 */
static bool explains(const assay_comparison *c, const assay_change *change, const assay_pair *pair, bool worse) {
  double wanted = wanted_cpus(pair), more_cpus = pair->fresh->covariates.others_cpus - pair->old->covariates.others_cpus;
  bool full_before = taken(c->before, pair->old, wanted), full_after = taken(c->after, pair->fresh, wanted);
  if (worse ? full_after : full_before) return true;
  if (waits(change, pair)) return full_before || full_after || fabs(more_cpus) > DISTURBED_WAITING;
  if (!worse) more_cpus = -more_cpus;
  return more_cpus > DISTURBED_CPUS && (!pair->logarithms || least_factor(change) <= 1 + more_cpus);
}

/* It is significant and beyond every limit: what may still speak against it is that the machine was busier then. */
static void judge_changed(const assay_comparison *c, assay_change *change, const assay_pair *pair, worsening w) {
  bool worse = w.change > 0;
  bool may_be_machine = !c->config.interleaved && assay_moves_with_machine(change->kind);
  if (may_be_machine && explains(c, change, pair, worse)) {
    change->verdict = ASSAY_VERDICT_INCONCLUSIVE;
    change->reason = why_disturbed(c, pair, worse);
  } else if (!worse) {
    change->verdict = ASSAY_VERDICT_BETTER;
  } else {
    bool critical = w.change >= change->threshold.critical && w.low > change->threshold.warning;
    change->verdict = critical ? ASSAY_VERDICT_CRITICAL : ASSAY_VERDICT_WORSE;
  }
}

static void judge_one(const assay_comparison *c, assay_change *change, const assay_pair *pair) {
  worsening w = worsening_of(change);
  double limit = change->threshold.warning;
  bool significant = change->q_value <= c->config.alpha; /* false for NaN */
  change->verdict = ASSAY_VERDICT_INCONCLUSIVE;
  if (w.low >= -limit && w.high <= limit)
    change->verdict = ASSAY_VERDICT_SAME;
  else if (!significant)
    change->reason = why_not_sure(c, change, pair);
  else if (fabs(w.change) <= limit)
    change->reason = why_open(c, change);
  else if (fabs(w.change) <= change->noise_floor)
    change->reason = why_within_noise(c, change);
  else
    judge_changed(c, change, pair, w);
}

/* When the new result was measured, fresh processes did not show what all of them together seem to: that was said of this very pair of
 * runs, and is no less true later. */
static void keep_withdrawn(const assay_comparison *c, assay_change *change, const assay_recheck *recheck) {
  bool decided =
      change->verdict == ASSAY_VERDICT_WORSE || change->verdict == ASSAY_VERDICT_CRITICAL || change->verdict == ASSAY_VERDICT_BETTER;
  if (!decided || recheck->confirmed || recheck->against == NULL || recheck->reason == NULL || c->before->run.id == NULL) return;
  if (strcmp(recheck->against, c->before->run.id) != 0) return;
  change->verdict = ASSAY_VERDICT_INCONCLUSIVE;
  change->withdrawn = true;
  change->reason = say(c, recheck->reason);
}

void assay_comparison_judge(assay_comparison *c) {
  for (size_t i = 0; i < c->changes->count; i++) {
    if (c->pairs[i].before == NULL) continue;
    judge_one(c, &c->changes->items[i], &c->pairs[i]);
    keep_withdrawn(c, &c->changes->items[i], &c->pairs[i].after->recheck);
  }
}

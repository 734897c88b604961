/* SPDX-License-Identifier: MIT */
/* From figures to verdicts. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "judge/changes.h"

/* So many more CPUs that other programs kept busy on one side are a cause of their own for what is slower there. */
static const double DISTURBED_CPUS = 0.25;
/* A machine that others leave less of than this is taken. */
static const double HALF_A_CPU = 0.5;

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

/* How many more CPUs others kept busy while the slower side was measured; 0 where that is not known. */
static double disturbance(const assay_pair *pair, bool worse) {
  double before = pair->old->covariates.others_cpus, after = pair->fresh->covariates.others_cpus;
  double more = worse ? after - before : before - after;
  return more > 0 ? more : 0;
}

/* CPUs of the whole machine, as others_cpus counts them. */
static double cpus_of(const assay_result *result) {
  for (size_t i = 0; i < result->fact_count; i++)
    if (strcmp(result->facts[i].key, "cpu.threads") == 0 && result->facts[i].type == ASSAY_FACT_INTEGER) return result->facts[i].real;
  return INFINITY;
}

/* The side that was slower had no CPU for itself. */
static bool taken(const assay_comparison *c, const assay_pair *pair, bool worse) {
  return (worse ? pair->fresh : pair->old)->covariates.others_cpus >= cpus_of(worse ? c->after : c->before) - HALF_A_CPU;
}

static const char *why_disturbed(const assay_comparison *c, const assay_pair *pair, bool worse) {
  char text[256];
  assay_snprintf(text, sizeof text, "other programs kept %.1f CPUs busy while the %s figure was measured, and %.1f for the %s one%s",
                 (worse ? pair->fresh : pair->old)->covariates.others_cpus, worse ? "new" : "old",
                 (worse ? pair->old : pair->fresh)->covariates.others_cpus, worse ? "old" : "new",
                 taken(c, pair, worse) ? ": all of the machine, so it waited for its turn" : "");
  return say(c, text);
}

/*
 * An assumption, and a generous one. Programs that find a free CPU lose to the others at most as much as these took: one more busy CPU
 * makes them at most twice as slow. Where others took every CPU, programs wait for their turn, and how long depends on how many wait,
 * which others_cpus cannot tell: that explains anything, also when the faster side found every CPU taken (ten compilers or fifty look
 * alike). Single operations wait for whole time slices; of latencies a busy machine explains anything.
 */
static bool explains(const assay_comparison *c, const assay_change *change, const assay_pair *pair, bool worse) {
  if (taken(c, pair, worse)) return true;
  double more_cpus = disturbance(pair, worse);
  if (more_cpus <= DISTURBED_CPUS) return false;
  return change->kind == ASSAY_KIND_LATENCY || !pair->logarithms || exp(fabs(pair->step)) <= 1 + more_cpus;
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
  change->reason = say(c, recheck->reason);
}

void assay_comparison_judge(assay_comparison *c) {
  for (size_t i = 0; i < c->changes->count; i++) {
    if (c->pairs[i].before == NULL) continue;
    judge_one(c, &c->changes->items[i], &c->pairs[i]);
    keep_withdrawn(c, &c->changes->items[i], &c->pairs[i].after->recheck);
  }
}

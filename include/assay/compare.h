/* SPDX-License-Identifier: MIT */
/*
 * assay/compare.h: two results against each other: what changed, by how much, and how sure that is (docs/compare.md says why it holds).
 *
 *     assay_changes *changes = NULL;
 *     assay_compare(before, after, NULL, &err, &changes);
 *     for (size_t i = 0; i < changes->count; i++)
 *       printf("%s: %s %+.1f %%\n", changes->items[i].benchmark, assay_verdict_text(changes->items[i].verdict),
 *              100 * changes->items[i].change_ratio);
 *     int code = assay_changes_exit_code(changes);
 *     assay_changes_destroy(changes);
 *
 * Thread-safety: pure functions over what they are given; thresholds are read-only once loaded.
 */
#ifndef ASSAY_COMPARE_H
#define ASSAY_COMPARE_H

#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Thresholds ------------------------------------------------------------------------------------------------------------------ */

/* How much worse counts, as a ratio (error rates: as a difference). A change below `warning` is never WORSE, one from `critical` on is
 * CRITICAL. */
typedef struct assay_threshold {
  double warning, critical;
} assay_threshold;

typedef struct assay_thresholds assay_thresholds;

/*
 * Thresholds are TOML; the shipped ones are profiles/thresholds/assay.toml (row for row: time > 5 %, accuracy > 2 %, throughput > 10 %,
 * latency > 20 %, error rate > 1 point; critical is 2.5 times that):
 *     [thresholds]
 *     time = "5 %"                                        # or { warning = "5 %", critical = "12.5 %" }
 *     [[threshold]]                                       # the last one that matches goes first
 *     benchmark = "performance/alloc*"                    # glob over "suite/name"
 *     metric = "time"                                     # glob; default: every metric
 *     warning = "10 %"
 * `path` NULL: the shipped ones. Those of `path` stand over the shipped ones. A configuration file's own [thresholds] is read like that.
 */
ASSAY_API assay_status assay_thresholds_load(const char *path, assay_error *err, assay_thresholds **thresholds);
/* One threshold for everything (`--threshold 10`): warning `ratio`, critical 2.5 times that. */
ASSAY_API assay_status assay_thresholds_uniform(double ratio, assay_error *err, assay_thresholds **thresholds);
ASSAY_API void assay_thresholds_destroy(assay_thresholds *thresholds); /* accepts NULL */
/* `thresholds` NULL: row N11's. */
ASSAY_API assay_threshold assay_threshold_for(const assay_thresholds *thresholds, const char *suite, const char *benchmark,
                                              const char *metric, assay_metric_kind kind);

/* ---- Changes --------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_verdict {
  ASSAY_VERDICT_SAME,
  ASSAY_VERDICT_BETTER,
  ASSAY_VERDICT_WORSE,
  ASSAY_VERDICT_CRITICAL, /* worse beyond the critical threshold */
  ASSAY_VERDICT_INCONCLUSIVE,
  ASSAY_VERDICT_MISSING, /* only the old result has a figure */
  ASSAY_VERDICT_NEW,     /* only the new one has */
  ASSAY_VERDICT_COUNT
} assay_verdict;

typedef struct assay_change {
  const char *suite, *benchmark, *metric, *unit; /* borrowed from the results */
  bool is_main;                                  /* the benchmark's main metric; each benchmark has one such change */
  assay_metric_kind kind;
  assay_better better;
  assay_verdict verdict;
  size_t before_count, after_count; /* independent values (processes, or runs where only those are known) on each side */
  double before, after;             /* geometric means (from ten values on trimmed; error rates: means); NaN on the side without a figure */
  double change_ratio;              /* (after - before) / before; error rates: after - before, in points */
  double ci_low, ci_high;           /* 95 % of change_ratio; NaN, like all below but the threshold, where nothing is known of the spread */
  double p_value;                   /* of "no change" beyond noise and what all share, two-sided, not yet adjusted */
  double q_value;                   /* adjusted for the number of comparisons (Benjamini and Hochberg): what the verdict rests on */
  assay_threshold threshold;
  double noise_floor; /* change_ratio that 19 of 20 pairs of runs of the same code stay below (history, other benchmarks); 0: none known */
  double detectable;  /* the smallest change_ratio that this many values find in four of five cases (power 80 %) */
  const char *reason; /* why it is inconclusive, in a sentence; NULL otherwise. Static, or borrowed from the changes */
  bool withdrawn;     /* it would be worse or better, but processes measured afterwards did not confirm it: inconclusive */
} assay_change;

/* What a comparison comes to, in the words of a regression test. */
typedef enum assay_regress_status {
  ASSAY_REGRESS_ALL_PASS,
  ASSAY_REGRESS_HAS_REGRESSIONS,
  ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS,
  ASSAY_REGRESS_INCONCLUSIVE /* nothing is worse as far as is known, but not everything could be judged */
} assay_regress_status;

typedef struct assay_changes {
  assay_change *items;
  size_t count;
  size_t verdicts[ASSAY_VERDICT_COUNT]; /* how many items have each verdict */
  size_t tested;                        /* comparisons that the adjustment was made for */
  assay_regress_status status;
  double alpha;
  bool other_machine;  /* the results come from different machines */
  bool same_run;       /* both sides are one run: nothing was compared, and all is inconclusive */
  double common_ratio; /* how far all main metrics moved together (positive: worse); 0: they did not; NaN for fewer than eight */
  void *storage;       /* private */
} assay_changes;

/* What unchanged code showed before: the noise floor of one metric as a ratio, from the history (assay_history_noise); NaN: unknown. */
typedef double (*assay_noise_source)(const char *suite, const char *benchmark, const char *metric, void *user);

typedef struct assay_compare_config {
  const assay_thresholds *thresholds; /* NULL: the shipped ones */
  double alpha;                       /* share of false discoveries that is accepted; 0: 0.05 */
  assay_noise_source noise;           /* NULL: only what the two results themselves show */
  void *noise_user;
  bool interleaved;    /* both were measured in turns by one command (ab): no noise between runs */
  bool every_metric;   /* keep changes of secondary metrics that are the same or inconclusive */
  bool other_machines; /* compare results of different machines all the same; else that is ASSAY_ERR_INVALID */
} assay_compare_config;

/*
 * Compares the metrics of each benchmark that was ok. The main one is always in the answer; of the others (latency percentiles, memory,
 * allocations, accuracy, the benchmark's own, ...; not what follows from the time) those that became worse or better, or seemed to.
 *
 * The interval and the p-value take the noise between runs into account where it is known: from the history, and from how all the other
 * benchmarks of these two results moved. WORSE or BETTER: q_value <= alpha AND the change is beyond the threshold AND beyond the noise
 * floor, and other programs did not keep the
 * machine busier on the slower side. SAME: the interval lies within the thresholds. INCONCLUSIVE: everything else, with the reason.
 * `config` may be NULL. The results must outlive the changes.
 */
ASSAY_API assay_status assay_compare(const assay_result *before, const assay_result *after, const assay_compare_config *config,
                                     assay_error *err, assay_changes **changes);
ASSAY_API void assay_changes_destroy(assay_changes *changes); /* accepts NULL */
/* Takes out the items that `keep` refuses (a filter; NULL refuses none), and counts and judges what is left anew, also after a caller
 * changed verdicts. */
ASSAY_API void assay_changes_filter(assay_changes *changes, bool (*keep)(const assay_change *change, void *user), void *user);

ASSAY_API const char *assay_verdict_text(assay_verdict verdict);
/* "AllPass", "HasRegressions", "HasCriticalRegressions", "Inconclusive". */
ASSAY_API const char *assay_regress_status_text(assay_regress_status status);
/* 0, 1, 1, 3. Faster is never a failure. */
ASSAY_API int assay_changes_exit_code(const assay_changes *changes);

/* ---- A baseline that keeps the best ------------------------------------------------------------------------------------------------- */

/* Whether a baseline is better off with the new figures of this benchmark: it became better and nothing of it worse, or it is new. */
ASSAY_API bool assay_baseline_takes(const assay_changes *changes, const char *suite, const char *benchmark);
/*
 * The baseline with those benchmarks taken from `run`, under an id of its own that the same two always give; `changes` is baseline -> run.
 * ASSAY_ERR_INVALID when they are of different machines: a baseline of two says nothing of either.
 */
ASSAY_API assay_status assay_baseline_merge(const assay_result *baseline, const assay_result *run, const assay_changes *changes,
                                            assay_error *err, assay_result **merged);

#ifdef __cplusplus
}
#endif
#endif

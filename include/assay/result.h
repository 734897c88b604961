/* SPDX-License-Identifier: MIT */
/*
 * assay/result.h: the result of a run as data, and its versioned JSON form (docs/result-schema.md, docs/result.schema.json). This is the
 * only thing that crosses from measuring to history, judging and reporting.
 *
 *     assay_result *r = NULL;
 *     assay_result_read("report.json", &err, &r);
 *     for (size_t i = 0; i < r->benchmark_count; i++)
 *       printf("%s: %s\n", r->benchmarks[i].name, assay_outcome_text(r->benchmarks[i].status));
 *     assay_result_destroy(r);
 *
 * Everything that a result points to belongs to it. Not thread-safe while being built; read-only afterwards.
 */
#ifndef ASSAY_RESULT_H
#define ASSAY_RESULT_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/bench.h>
#include <assay/ceilings.h>
#include <assay/check.h>
#include <assay/machine.h>
#include <assay/metric.h>
#include <assay/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASSAY_RESULT_SCHEMA "assay-result/1"

/* run.source of a baseline that was put together from several runs: none of its figures is one more measurement. */
#define ASSAY_SOURCE_BASELINE "baseline"

/* What one value of a metric is: the statistical unit. */
typedef enum assay_replicate {
  ASSAY_REPLICATE_PROCESS,    /* a fresh process: JMH's fork, pyperf's run, each invocation of a program */
  ASSAY_REPLICATE_REPETITION, /* a repetition inside the only process there was */
  ASSAY_REPLICATE_RUN,        /* a whole run, of which only its figure is known */
  ASSAY_REPLICATE_EXACT       /* a count that does not vary, as instructions under a simulator */
} assay_replicate;

/* What fresh processes said of a metric that looked worse (or better) than in another run when it was measured: assay_run measures again
 * before it reports. Comparisons with that run keep to it. */
typedef struct assay_recheck {
  const char *against; /* id of the run that it was compared with; NULL: no verdict was looked at again */
  bool confirmed;
  const char *reason; /* why the verdict was withdrawn, in a sentence; NULL when it was confirmed */
} assay_recheck;

typedef struct assay_metric_result {
  /* "time", "items_per_second", "bytes_per_second", "flops", "latency", "allocations", "peak_rss", or the benchmark's own. */
  const char *name;
  const char *unit;
  assay_metric_kind kind;
  assay_better better;
  double value;           /* median over processes */
  double ci_low, ci_high; /* 95 %; NaN (null in JSON) for fewer than two processes */
  assay_summary stats;
  size_t process_count;
  double *processes; /* one value a process that was ok, in the order they ran */
  /* What stands behind `processes`. REPETITION: all of them come out of one process, so they say nothing of the next one. */
  assay_replicate replicate;
  /* The kept samples of each process, one after the other, where another tool's file gave them: sample_counts[process_count]. NULL: not
   * kept. */
  const size_t *sample_counts;
  const double *samples;
  assay_recheck recheck;
  const char *ceiling;  /* name of the ceiling that binds it; NULL: none */
  double ceiling_value; /* in this metric's unit */
  double ceiling_share; /* 0..1+: how much of the limit is reached; NaN without a ceiling */
} assay_metric_result;

typedef struct assay_latency_curve {
  size_t count;
  double *quantiles; /* 0, .5, .9 ... 1 - 1e-k: what a percentile plot needs */
  double *values_ns;
} assay_latency_curve;

typedef struct assay_benchmark_result {
  const char *name; /* with parameters: "sum/n=1000" */
  const char *suite;
  const char *base_name; /* without parameters: "sum" */
  size_t param_count;
  struct {
    const char *name, *value;
  } * params;
  assay_outcome status;
  const char *reason;     /* NULL when ok */
  const char *complexity; /* the size parameter of a sweep ("n") whose growth is fitted; NULL: none */
  size_t metric_count;
  assay_metric_result *metrics; /* the first is the main one */
  assay_steady steady;          /* YES: every process got steady; NO: some did not */
  double set_aside_ratio;       /* share of samples set aside on covariates */
  /* Share of samples that covariates marked: more than the above where most of a process was disturbed, and so kept. */
  double disturbed_ratio;
  const char *set_aside_why; /* what marked them, e.g. "12 preempted, 3 migrated"; NULL when none */
  double clock_resolution_ns, clock_cost_ns;
  assay_covariates covariates; /* totals over all samples; spin_ratio, others_cpus, own_cpus and stolen_cpus are means */
  const char *counters_cause;  /* why hardware counters are absent; NULL when present */
  const char *allocations_cause;
  assay_latency_curve latency, service; /* count 0 when not a latency benchmark */
  double rate_hz, rate_achieved_hz;     /* 0 when not at a fixed rate */
} assay_benchmark_result;

typedef struct assay_complexity_result {
  const char *suite, *base_name, *param;
  const char *name; /* with the parameters that are the same over this sweep: "sum/type=f32" */
  assay_big_o_fit fit;
} assay_complexity_result;

/* Inconclusive: the limit lies within the 95 % interval of the figure, so these processes do not decide it; or it is missed by a figure
 * that others on the machine have worsened. */
typedef enum assay_sla_status { ASSAY_SLA_MET, ASSAY_SLA_MISSED, ASSAY_SLA_NOT_APPLICABLE, ASSAY_SLA_INCONCLUSIVE } assay_sla_status;

typedef struct assay_sla_result {
  const char *name, *description;
  const char *benchmark, *metric; /* which figure it looks at (glob over "suite/name") */
  const char *unit;
  bool is_max;         /* true: value must be <= limit; false: >= limit */
  double limit, value; /* value NaN when not applicable */
  assay_sla_status status;
  /* Why it is not applicable or not decided, and how many benchmarks that match were not judged; NULL when there is nothing to say. */
  const char *reason;
} assay_sla_result;

typedef struct assay_recommendation {
  const char *title;   /* what to do */
  const char *because; /* the figure it rests on */
  const char *command; /* a command that does it; may be NULL */
  int priority;        /* 1 highest .. 3 */
} assay_recommendation;

typedef struct assay_run_info {
  const char *id;      /* 16 hex digits */
  const char *name;    /* what the user called it; may be NULL */
  const char *version; /* of Assay */
  const char *command; /* the command line */
  const char *commit;  /* of the directory it ran in; NULL when not in a repository */
  const char *source;  /* the tool that measured, e.g. "google-benchmark"; NULL: Assay */
  const char *host;    /* machine label */
  int64_t started_at_s;
  double duration_s;
  bool quick, interrupted;
  unsigned processes;
  uint64_t seed;
  size_t suite_count;
  struct {
    const char *name;
    assay_outcome status;
    const char *reason;
  } * suites;
} assay_run_info;

typedef struct assay_result {
  assay_run_info run;
  const char *machine_id, *machine_label;
  size_t fact_count;
  assay_fact *facts;
  size_t ceiling_count;
  assay_ceiling *ceilings;
  bool ceilings_quick;
  size_t benchmark_count;
  assay_benchmark_result *benchmarks;
  size_t complexity_count;
  assay_complexity_result *complexities;
  size_t check_count;
  assay_check *checks;
  size_t sla_count;
  assay_sla_result *slas;
  size_t recommendation_count;
  assay_recommendation *recommendations;
  void *storage; /* private */
} assay_result;

ASSAY_API assay_status assay_result_create(assay_error *err, assay_result **result);
ASSAY_API void assay_result_destroy(assay_result *result); /* accepts NULL */
/* Copies into the result's storage; NULL text gives NULL. NULL also when out of memory (then the next add fails). */
ASSAY_API const char *assay_result_text(assay_result *result, const char *text);

/*
 * Each copies what it is given. Adding a benchmark that is there already (same suite and name) replaces it. The arrays of the result may
 * move with every add. With set_machine, `machine` or `ceilings` may be NULL: that part stays as it is.
 */
ASSAY_API assay_status assay_result_set_machine(assay_result *result, const assay_machine *machine, const assay_ceilings *ceilings,
                                                assay_error *err);
/*
 * Turns the processes of one benchmark into metrics (docs/result-schema.md, "From processes to metrics"). The benchmark fails when any
 * process failed, and says how many of how many; the figures of the processes that were ok are kept beside the reason. `ceilings` may be
 * NULL.
 */
ASSAY_API assay_status assay_result_add_outcome(assay_result *result, const assay_bench_outcome *outcome, const assay_ceilings *ceilings,
                                                assay_error *err);
ASSAY_API assay_status assay_result_add_benchmark(assay_result *result, const assay_benchmark_result *benchmark, assay_error *err);
ASSAY_API assay_status assay_result_add_checks(assay_result *result, const assay_check_list *checks, assay_error *err);
ASSAY_API assay_status assay_result_add_suite(assay_result *result, const char *name, assay_outcome status, const char *reason,
                                              assay_error *err);
ASSAY_API assay_status assay_result_add_sla(assay_result *result, const assay_sla_result *sla, assay_error *err);
ASSAY_API assay_status assay_result_add_recommendation(assay_result *result, const assay_recommendation *recommendation, assay_error *err);
/* Puts the benchmarks into the order of the plan; they come in as their first process ended. */
ASSAY_API void assay_result_arrange(assay_result *result, const assay_bench_plan *plan);
/* Big-O fits over every sweep whose benchmark names a complexity parameter. Call once, after the last outcome. */
ASSAY_API assay_status assay_result_fit_complexity(assay_result *result, assay_error *err);

/* NULL when not there. */
ASSAY_API const assay_benchmark_result *assay_result_find(const assay_result *result, const char *suite, const char *name);
ASSAY_API const assay_metric_result *assay_benchmark_metric(const assay_benchmark_result *benchmark, const char *name);

/* "met", "missed", "not_applicable", "inconclusive". */
ASSAY_API const char *assay_sla_status_text(assay_sla_status status);

/* "process", "repetition", "run", "exact". */
ASSAY_API const char *assay_replicate_text(assay_replicate replicate);

/* JSON with stable keys and numbers. Free with assay_string_free. */
ASSAY_API assay_status assay_result_to_json(const assay_result *result, assay_error *err, char **json);
ASSAY_API assay_status assay_result_from_json(const char *json, size_t length, assay_error *err, assay_result **result);
/* From a file ("-": standard input). ASSAY_ERR_VERSION when a newer Assay wrote it. */
ASSAY_API assay_status assay_result_read(const char *path, assay_error *err, assay_result **result);

/* Exit code that this result deserves: 1 when a benchmark or a check failed or an SLA was missed, else 3 when an SLA is inconclusive, else
 * 0. */
ASSAY_API int assay_result_exit_code(const assay_result *result);

#ifdef __cplusplus
}
#endif
#endif

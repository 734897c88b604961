/* SPDX-License-Identifier: MIT */
/*
 * From processes to metrics. The process is the unit: each metric has one value a process (a median of its kept samples, a percentile of
 * its operations, or a figure it reported), and the value of the benchmark is the median of those. docs/result-schema.md says what each
 * metric is.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "result/storage.h"

typedef struct builder {
  assay_arena scratch; /* all of this; the benchmark is copied out of it */
  const assay_bench_outcome *outcome;
  assay_error *err;
  const assay_bench_process **ok; /* processes that were ok */
  size_t ok_count;
  assay_benchmark_result b;
  size_t metric_capacity;
  double limit_ns; /* least time of one operation; NaN without a ceiling */
  const char *ceiling;
} builder;

/* ---- Status ------------------------------------------------------------------------------------------------------------------- */

static void set_status(builder *make) {
  static const assay_outcome worst_first[] = {ASSAY_OUTCOME_FAILED, ASSAY_OUTCOME_UNSUPPORTED, ASSAY_OUTCOME_SKIPPED};
  const assay_bench_outcome *o = make->outcome;
  if (o->process_count == 0) {
    make->b.status = ASSAY_OUTCOME_SKIPPED;
    make->b.reason = "the run ended before its first process";
  }
  for (size_t k = 0; k < 3 && make->b.status == ASSAY_OUTCOME_OK; k++) {
    const assay_bench_process *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < o->process_count; i++) {
      if (o->processes[i].outcome != worst_first[k]) continue;
      if (first == NULL) first = &o->processes[i];
      count++;
    }
    if (count == 0) continue;
    const char *reason = first->reason[0] != '\0' ? first->reason : "no reason was given";
    make->b.status = worst_first[k];
    make->b.reason = count == o->process_count
                         ? reason
                         : assay_arena_printf(&make->scratch, "%zu of %zu processes: %s", count, o->process_count, reason);
  }
}

/* ---- Metrics ------------------------------------------------------------------------------------------------------------------ */

static assay_metric_result *room_for_metric(builder *make) {
  assay_benchmark_result *b = &make->b;
  if (b->metric_count == make->metric_capacity) {
    void *grown = assay_arena_grow(&make->scratch, b->metrics, b->metric_count, &make->metric_capacity, sizeof *b->metrics);
    if (grown == NULL) return NULL;
    b->metrics = grown;
  }
  return &b->metrics[b->metric_count];
}

/*
 * Adds a metric from `values[p]` with `counts[p]` samples of each process that was ok. Processes without a sample have no value; a metric
 * without any is not there at all. NULL then, and when memory is out.
 */
static assay_metric_result *add_metric(builder *make, const assay_bench_figure *what, const double *const *values, const size_t *counts) {
  assay_metric_result *m = room_for_metric(make);
  double *processes = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *processes);
  if (m == NULL || processes == NULL) return NULL;
  *m = (assay_metric_result){.name = assay_arena_strdup(&make->scratch, what->name),
                             .unit = assay_arena_strdup(&make->scratch, what->unit),
                             .kind = what->kind,
                             .better = what->better,
                             .processes = processes,
                             .ceiling_value = NAN,
                             .ceiling_share = NAN};
  for (size_t p = 0; p < make->ok_count; p++)
    if (counts[p] > 0) processes[m->process_count++] = assay_stats_median(values[p], counts[p]);
  if (m->process_count == 0 || assay_stats_summarize(values, counts, make->ok_count, make->err, &m->stats) != ASSAY_OK) return NULL;
  m->value = m->stats.median;
  m->ci_low = m->stats.ci_low;
  m->ci_high = m->stats.ci_high;
  make->b.metric_count++;
  return m;
}

/* The same from one value a process; those that are not finite are no value. */
static assay_metric_result *add_values(builder *make, const assay_bench_figure *what, const double *values) {
  const double **rows = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *rows);
  size_t *counts = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *counts);
  if (rows == NULL || counts == NULL) return NULL;
  for (size_t p = 0; p < make->ok_count; p++) {
    rows[p] = &values[p];
    counts[p] = isfinite(values[p]) ? 1 : 0;
  }
  return add_metric(make, what, rows, counts);
}

/* The engine counts what one pass of all threads did; the working set is one thread's. */
static double threads_of(const assay_bench_process *p) { return p->threads > 0 ? p->threads : 1; }

/* ---- The ceiling -------------------------------------------------------------------------------------------------------------- */

/* "memory.copy.4t" and "flops.f32.vector.Nt" are limits of all threads together; the others are of one core. */
static bool is_of_all_threads(const char *name) {
  const char *last = strrchr(name, '.');
  size_t digits = last == NULL ? 0 : strspn(last + 1, "0123456789N");
  return digits > 0 && strcmp(last + 1 + digits, "t") == 0;
}

/* Least time of one operation under a named ceiling; NaN when its work is not declared. */
static double limit_under(const assay_ceiling *c, const assay_work *work) {
  if (strcmp(c->unit, "ns") == 0) return c->value;
  double amount = strcmp(c->unit, "B/s") == 0 ? work->bytes_read + work->bytes_written : work->flops;
  double cores = is_of_all_threads(c->name) ? 1 : work->threads;
  return amount > 0 ? amount / (c->value * cores) * 1e9 : NAN;
}

static void bind_ceiling(builder *make, const assay_ceilings *ceilings) {
  make->limit_ns = NAN;
  if (ceilings == NULL || make->ok_count == 0) return;
  const assay_bench_process *p = make->ok[0];
  const assay_bench_desc *desc = make->outcome->bench->desc;
  const char *named = p->ceiling_set ? p->ceiling : desc != NULL ? desc->ceiling : NULL;
  assay_work work = {.bytes_read = p->bytes_read,
                     .bytes_written = p->bytes_written,
                     .flops = p->flops,
                     .flop_type = p->flop_type[0] != '\0' ? p->flop_type : NULL,
                     .working_set_bytes = p->working_set_bytes * threads_of(p),
                     .threads = p->threads > 0 ? p->threads : 1};
  if (named != NULL) {
    const assay_ceiling *c = assay_ceilings_find(ceilings, named);
    if (c != NULL && c->available && c->value > 0) make->limit_ns = limit_under(c, &work);
    make->ceiling = c != NULL ? c->name : NULL;
  } else if (work.bytes_read + work.bytes_written > 0 || work.flops > 0) {
    double limit_ns = 0;
    if (assay_ceilings_bind(ceilings, &work, &make->ceiling, &limit_ns) == ASSAY_OK) make->limit_ns = limit_ns;
  }
}

/* `limit` is the ceiling in the metric's own unit. */
static void set_ceiling(builder *make, assay_metric_result *m, double limit) {
  if (m == NULL || !isfinite(limit) || limit <= 0 || m->value <= 0) return;
  m->ceiling = make->ceiling;
  m->ceiling_value = limit;
  m->ceiling_share = m->better == ASSAY_LOWER ? limit / m->value : m->value / limit;
}

/* ---- Time and latency --------------------------------------------------------------------------------------------------------- */

/*
 * The kept samples of a process; all of them where every one was set aside: no value at all would hide the benchmark, and picking some of
 * them would bend it. (The engine does so itself once more than half of a process is marked.)
 */
static double *kept_samples(builder *make, const assay_bench_process *p, size_t *count) {
  double *kept = assay_arena_alloc(&make->scratch, p->sample_count, sizeof *kept);
  *count = 0;
  if (kept == NULL) return NULL;
  for (size_t i = 0; i < p->sample_count; i++)
    if (p->samples[i].aside == 0) kept[(*count)++] = p->samples[i].ns;
  if (*count == 0)
    for (size_t i = 0; i < p->sample_count; i++) kept[(*count)++] = p->samples[i].ns;
  return kept;
}

/* Writes the time of one operation in each process (NaN: none) to `operation_ns`. */
static void add_time(builder *make, double *operation_ns) {
  const double **kept = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *kept);
  size_t *counts = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *counts), set_aside = 0;
  if (kept == NULL || counts == NULL) return;
  for (size_t p = 0; p < make->ok_count; p++) {
    kept[p] = kept_samples(make, make->ok[p], &counts[p]);
    set_aside += make->ok[p]->sample_count - counts[p];
    operation_ns[p] = counts[p] > 0 ? assay_stats_median(kept[p], counts[p]) : NAN;
  }
  static const assay_bench_figure time = {.name = "time", .unit = "ns", .kind = ASSAY_KIND_TIME, .better = ASSAY_LOWER};
  assay_metric_result *m = add_metric(make, &time, kept, counts);
  if (m != NULL) m->stats.set_aside = set_aside;
  set_ceiling(make, m, make->limit_ns);
}

static assay_histogram *merged(builder *make, bool service) {
  assay_histogram *sum = assay_arena_alloc(&make->scratch, 1, sizeof *sum);
  if (sum == NULL) return NULL;
  assay_histogram_init(sum);
  for (size_t p = 0; p < make->ok_count; p++) {
    const assay_histogram *one = service ? make->ok[p]->service : make->ok[p]->latency;
    if (one != NULL) assay_histogram_merge(sum, one);
  }
  return sum;
}

/* NaN where fewer than ten operations lie beyond the quantile: that tail is not known. */
static double tail(const assay_histogram *h, double q) {
  return (double)h->count * (1 - q) >= 10 - 1e-6 ? assay_histogram_quantile(h, q) : NAN;
}

static void add_quantile_metric(builder *make, const char *name, double q) {
  assay_bench_figure what = {.unit = "ns", .kind = ASSAY_KIND_LATENCY, .better = ASSAY_LOWER};
  snprintf(what.name, sizeof what.name, "%s", name);
  double *values = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *values);
  if (values == NULL) return;
  for (size_t p = 0; p < make->ok_count; p++) values[p] = make->ok[p]->latency == NULL ? NAN : tail(make->ok[p]->latency, q);
  add_values(make, &what, values);
}

static void add_latency(builder *make, double *operation_ns) {
  double *medians = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *medians);
  assay_histogram *all = merged(make, false);
  if (medians == NULL || all == NULL) return;
  for (size_t p = 0; p < make->ok_count; p++) {
    const assay_bench_process *process = make->ok[p];
    const assay_histogram *h = process->latency;
    bool empty = h == NULL || h->count == 0;
    medians[p] = empty ? NAN : assay_histogram_quantile(h, 0.5);
    operation_ns[p] = process->rate_achieved_hz > 0 ? threads_of(process) * 1e9 / process->rate_achieved_hz
                      : empty                       ? NAN
                                                    : h->sum / (double)h->count;
  }
  static const assay_bench_figure latency = {.name = "latency", .unit = "ns", .kind = ASSAY_KIND_LATENCY, .better = ASSAY_LOWER};
  assay_metric_result *m = add_values(make, &latency, medians);
  if (m == NULL) return;
  m->stats.samples = all->count;
  assay_histogram_summarize(all, &m->stats);
  set_ceiling(make, m, make->limit_ns);
  add_quantile_metric(make, "latency_p99", 0.99);
  add_quantile_metric(make, "latency_p999", 0.999);
}

/* Quantiles at six places of each decade of 1 - q, as far as there are operations, and the largest value. */
static assay_latency_curve curve_of(builder *make, const assay_histogram *h) {
  static const double places[] = {1, 0.7, 0.5, 0.35, 0.25, 0.15};
  enum { PLACES = sizeof places / sizeof *places, DECADES = 12 };
  assay_latency_curve curve = {0};
  if (h == NULL || h->count == 0) return curve;
  curve.quantiles = assay_arena_alloc(&make->scratch, PLACES * DECADES + 1, sizeof(double));
  curve.values_ns = assay_arena_alloc(&make->scratch, PLACES * DECADES + 1, sizeof(double));
  if (curve.quantiles == NULL || curve.values_ns == NULL) return (assay_latency_curve){0};
  double beyond = 1;
  for (int decade = 0; decade < DECADES; decade++, beyond /= 10) {
    for (int k = 0; k < PLACES; k++) {
      if (beyond * places[k] * (double)h->count < 1) break;
      double q = 1 - beyond * places[k];
      curve.quantiles[curve.count] = q;
      curve.values_ns[curve.count++] = assay_histogram_quantile(h, q);
    }
  }
  curve.quantiles[curve.count] = 1;
  curve.values_ns[curve.count++] = (double)h->max;
  return curve;
}

/* ---- Derived and custom figures ----------------------------------------------------------------------------------------------- */

typedef struct rate {
  assay_bench_figure what;
  double (*work)(const assay_bench_process *p);
} rate;

static double items_of(const assay_bench_process *p) { return p->items; }
static double bytes_of(const assay_bench_process *p) { return p->bytes_read + p->bytes_written; }
static double flops_of(const assay_bench_process *p) { return p->flops; }

/* Work per second of all threads together; `operation_ns` is the time of one pass of them in each process. */
static void add_rate(builder *make, const rate *r, const double *operation_ns) {
  double *values = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *values);
  if (values == NULL || make->ok_count == 0) return;
  for (size_t p = 0; p < make->ok_count; p++) {
    const assay_bench_process *process = make->ok[p];
    double work = r->work(process);
    values[p] = work > 0 && operation_ns[p] > 0 ? work / operation_ns[p] * 1e9 : NAN;
  }
  assay_metric_result *m = add_values(make, &r->what, values);
  set_ceiling(make, m, r->work(make->ok[0]) / make->limit_ns * 1e9);
}

static void add_rates(builder *make, const double *operation_ns) {
  static const rate rates[] = {
      {{.name = "items_per_second", .unit = "items/s", .kind = ASSAY_KIND_THROUGHPUT, .better = ASSAY_HIGHER}, items_of},
      {{.name = "bytes_per_second", .unit = "B/s", .kind = ASSAY_KIND_THROUGHPUT, .better = ASSAY_HIGHER}, bytes_of},
      {{.name = "flops", .unit = "FLOP/s", .kind = ASSAY_KIND_THROUGHPUT, .better = ASSAY_HIGHER}, flops_of},
  };
  for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) add_rate(make, &rates[i], operation_ns);
}

static const assay_bench_figure *figure_of(const assay_bench_process *p, const char *name) {
  for (size_t i = 0; i < p->figure_count; i++)
    if (strcmp(p->figures[i].name, name) == 0) return &p->figures[i];
  return NULL;
}

/* Every figure that any process reported, in the order of first mention. */
static void add_figures(builder *make) {
  double *values = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *values);
  if (values == NULL) return;
  for (size_t p = 0; p < make->ok_count; p++) {
    for (size_t i = 0; i < make->ok[p]->figure_count; i++) {
      const assay_bench_figure *what = &make->ok[p]->figures[i];
      if (assay_benchmark_metric(&make->b, what->name) != NULL) continue;
      for (size_t q = 0; q < make->ok_count; q++) {
        const assay_bench_figure *same = figure_of(make->ok[q], what->name);
        values[q] = same == NULL ? NAN : same->value;
      }
      add_values(make, what, values);
    }
  }
}

/* ---- What stands beside the metrics ------------------------------------------------------------------------------------------- */

/* NaN stands for "not published": it does not count, and a total of nothing but NaN stays NaN. */
static void add_up(double *total, double value) {
  if (!isnan(value)) *total = isnan(*total) ? value : *total + value;
}

static void total_covariates(builder *make) {
  assay_covariates total = {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
  double spins = 0, looks = 0;
  for (size_t p = 0; p < make->ok_count; p++) {
    for (size_t i = 0; i < make->ok[p]->sample_count; i++) {
      const assay_covariates *c = &make->ok[p]->samples[i].covariates;
      add_up(&total.steal_ms, c->steal_ms);
      add_up(&total.voluntary_switches, c->voluntary_switches);
      add_up(&total.involuntary_switches, c->involuntary_switches);
      add_up(&total.migrations, c->migrations);
      add_up(&total.minor_faults, c->minor_faults);
      add_up(&total.major_faults, c->major_faults);
      add_up(&total.pressure_us, c->pressure_us);
      add_up(&total.throttled_us, c->throttled_us);
      add_up(&total.spin_ratio, c->spin_ratio);
      spins += !isnan(c->spin_ratio);
      add_up(&total.others_cpus, c->others_cpus);
      add_up(&total.own_cpus, c->own_cpus);
      add_up(&total.stolen_cpus, c->stolen_cpus);
      looks += !isnan(c->others_cpus);
    }
  }
  total.spin_ratio /= spins;
  /* Clock ticks of others and of this process do not begin at the same moment, so a quiet machine may come out a little below zero. */
  if (total.others_cpus < 0) total.others_cpus = 0;
  total.others_cpus /= looks;
  total.own_cpus /= looks;
  total.stolen_cpus /= looks;
  make->b.covariates = total;
}

/* Whether all samples of a process stand although some were marked. */
static bool stands_disturbed(const assay_bench_process *p) {
  size_t aside = 0, marked = 0;
  for (size_t i = 0; i < p->sample_count; i++) {
    aside += p->samples[i].aside != 0;
    marked += (p->samples[i].marks | p->samples[i].aside) != 0;
  }
  return marked > 0 && (aside == 0 || aside == p->sample_count);
}

static void summarize_set_aside(builder *make) {
  static const char *const whys[] = {"preempted", "migrated", "stolen by the hypervisor", "faulted", "throttled", "beside a slow spin"};
  size_t counts[6] = {0}, aside = 0, marked = 0, samples = 0, disturbed_processes = 0;
  for (size_t p = 0; p < make->ok_count; p++) {
    bool is_latency = make->ok[p]->latency != NULL; /* its histogram has every operation: there is nothing to set aside */
    bool stands = !is_latency && stands_disturbed(make->ok[p]);
    disturbed_processes += stands;
    samples += make->ok[p]->sample_count;
    for (size_t i = 0; i < make->ok[p]->sample_count; i++) {
      uint32_t bits = make->ok[p]->samples[i].marks | make->ok[p]->samples[i].aside;
      marked += bits != 0;
      aside += bits != 0 && !stands && !is_latency;
      for (int k = 0; k < 6; k++) counts[k] += bits >> k & 1;
    }
  }
  make->b.set_aside_ratio = samples == 0 ? 0 : (double)aside / (double)samples;
  make->b.disturbed_ratio = samples == 0 ? 0 : (double)marked / (double)samples;
  if (marked == 0) return;
  assay_buf why = {0};
  for (int k = 0; k < 6; k++)
    if (counts[k] > 0) assay_buf_printf(&why, "%s%zu %s", why.length > 0 ? ", " : "", counts[k], whys[k]);
  if (disturbed_processes > 0)
    assay_buf_printf(&why, "; %zu of %zu processes were disturbed for the most part and stand with all of their samples",
                     disturbed_processes, make->ok_count);
  make->b.set_aside_why = why.failed ? NULL : assay_arena_strdup(&make->scratch, why.data);
  assay_buf_deinit(&why);
}

static void describe_clock(builder *make) {
  double *cost = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *cost);
  double *resolution = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *resolution);
  make->b.clock_cost_ns = make->b.clock_resolution_ns = NAN;
  if (cost == NULL || resolution == NULL || make->ok_count == 0) return;
  for (size_t p = 0; p < make->ok_count; p++) {
    cost[p] = make->ok[p]->clock_cost_ns;
    resolution[p] = make->ok[p]->clock_resolution_ns;
  }
  make->b.clock_cost_ns = assay_stats_median(cost, make->ok_count);
  make->b.clock_resolution_ns = assay_stats_median(resolution, make->ok_count);
}

static void describe_rate(builder *make) {
  const assay_bench_desc *desc = make->outcome->bench->desc;
  if (desc == NULL || desc->rate_hz <= 0) return;
  double *achieved = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *achieved);
  make->b.rate_hz = desc->rate_hz;
  make->b.rate_achieved_hz = NAN;
  if (achieved == NULL || make->ok_count == 0) return;
  for (size_t p = 0; p < make->ok_count; p++) achieved[p] = make->ok[p]->rate_achieved_hz;
  make->b.rate_achieved_hz = assay_stats_median(achieved, make->ok_count);
}

static void describe_processes(builder *make) {
  make->b.steady = make->ok_count > 0 ? ASSAY_STEADY_YES : ASSAY_STEADY_UNTESTED;
  for (size_t p = 0; p < make->ok_count; p++) {
    const assay_bench_process *process = make->ok[p];
    if (process->steady == ASSAY_STEADY_NO || make->b.steady == ASSAY_STEADY_YES) make->b.steady = process->steady;
    if (make->b.counters_cause == NULL && process->counters_cause[0] != '\0') make->b.counters_cause = process->counters_cause;
    if (make->b.allocations_cause == NULL && process->allocations_cause[0] != '\0') make->b.allocations_cause = process->allocations_cause;
  }
}

/* ---- Putting it together ------------------------------------------------------------------------------------------------------ */

static void set_identity(builder *make) {
  const assay_bench_case *bench = make->outcome->bench;
  assay_benchmark_result *b = &make->b;
  b->name = bench->name;
  b->suite = bench->suite != NULL ? bench->suite : "";
  b->base_name = bench->desc != NULL ? bench->desc->name : bench->name;
  b->complexity = bench->desc != NULL ? bench->desc->complexity : NULL;
  b->param_count = bench->param_count;
  b->params = bench->param_count == 0 ? NULL : assay_arena_alloc(&make->scratch, bench->param_count, sizeof *b->params);
  for (size_t i = 0; b->params != NULL && i < bench->param_count; i++) {
    b->params[i].name = bench->params[i].name;
    b->params[i].value = bench->params[i].value;
  }
}

static void choose_ok(builder *make) {
  const assay_bench_outcome *o = make->outcome;
  make->ok = assay_arena_alloc(&make->scratch, o->process_count, sizeof *make->ok);
  for (size_t i = 0; make->ok != NULL && i < o->process_count; i++)
    if (o->processes[i].outcome == ASSAY_OUTCOME_OK) make->ok[make->ok_count++] = &o->processes[i];
}

static void add_metrics(builder *make) {
  double *operation_ns = assay_arena_alloc(&make->scratch, make->ok_count, sizeof *operation_ns);
  if (operation_ns == NULL || make->ok_count == 0) return;
  bool is_latency = false;
  for (size_t p = 0; p < make->ok_count; p++) is_latency |= make->ok[p]->latency != NULL;
  if (is_latency) {
    add_latency(make, operation_ns);
    make->b.latency = curve_of(make, merged(make, false));
    make->b.service = curve_of(make, merged(make, true));
  } else {
    add_time(make, operation_ns);
  }
  add_rates(make, operation_ns);
  add_figures(make);
  summarize_set_aside(make);
}

assay_status assay_result_add_outcome(assay_result *result, const assay_bench_outcome *outcome, const assay_ceilings *ceilings,
                                      assay_error *err) {
  assay_error problem = {0};
  builder make = {.outcome = outcome, .err = &problem};
  assay_arena_init(&make.scratch, ASSAY_TAG_RESULT);
  set_identity(&make);
  set_status(&make);
  choose_ok(&make);
  bind_ceiling(&make, ceilings);
  add_metrics(&make);
  total_covariates(&make);
  describe_clock(&make);
  describe_rate(&make);
  describe_processes(&make);
  assay_status status = ASSAY_OK;
  if (make.scratch.failed)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the metrics of %s/%s", make.b.suite, make.b.name);
  else if (problem.status != ASSAY_OK)
    status = ASSAY_FAIL(err, problem.status, "%s/%s: %s", make.b.suite, make.b.name, problem.message);
  else
    status = assay_result_add_benchmark(result, &make.b, err);
  assay_arena_deinit(&make.scratch);
  return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * What to do about what was measured. One function a rule; a rule says nothing where its figure is not there or is fine. To add one: write
 * it, name the figure in `because`, add it to the table at the end, and give it a case in tests/unit/judge/test_recommend.c.
 */
#include <assay/judge.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "judge/disturbed.h"
#include "judge/value.h"
#include "result/storage.h"

/* From where on a figure is worth a sentence. */
static const double MANY_DISTURBED = 0.1, WIDE_INTERVAL = 0.1, UNSURE = 0.25, LOW_SHARE = 0.25, SLOW_LAYOUT = 1.5, SLOW_TYPE = 1.2,
                    FAST_TYPE = 1.3, SLOW_CORES = 1.2, POOR_SCALING = 0.5, NEAR_LIMIT = 0.8, RATE_MISSED = 0.95,
                    ALLOCATIONS_MATTER_NS = 100e3;
enum { MOST_OF_A_KIND = 3 };

typedef struct advice {
  assay_result *result;
  assay_error *err;
  assay_status status;
  char scratch[8][ASSAY_JUDGE_VALUE]; /* values as text, in turn */
  unsigned next;
} advice;

static const char *value_text(advice *a, double value, const char *unit) {
  char *out = a->scratch[a->next++ % 8];
  return assay_judge_value(value, unit, out);
}

static const char *percent(advice *a, double ratio) { return value_text(a, ratio, "ratio"); }

static char *text(advice *a, const char *format, ...) ASSAY_PRINTF(2, 3);
static char *text(advice *a, const char *format, ...) {
  char line[1200];
  va_list args;
  va_start(args, format);
  assay_vsnprintf(line, sizeof line, format, args);
  va_end(args);
  return assay_arena_strdup(assay_result_arena(a->result), line);
}

static void say(advice *a, int priority, const char *title, const char *because, const char *command) {
  if (a->status != ASSAY_OK) return;
  assay_recommendation r = {.title = title, .because = because, .command = command, .priority = priority};
  a->status =
      title == NULL || because == NULL ? assay_result_added(a->result, a->err) : assay_result_add_recommendation(a->result, &r, a->err);
}

/* ---- Looking at the result ---------------------------------------------------------------------------------------------------- */

#define EACH_OK(a, b)                                                                                                      \
  for (const assay_benchmark_result *b = (a)->result->benchmarks, *end_ = b + (a)->result->benchmark_count; b < end_; b++) \
    if (b->status == ASSAY_OUTCOME_OK && b->metric_count > 0)

static const char *param_of(const assay_benchmark_result *b, const char *name) {
  for (size_t i = 0; i < b->param_count; i++)
    if (strcmp(b->params[i].name, name) == 0) return b->params[i].value;
  return NULL;
}

/* The benchmark that differs from `b` only in the value of one parameter; NULL when there is none with a figure. */
static const assay_benchmark_result *sibling(const advice *a, const assay_benchmark_result *b, const char *param, const char *value) {
  EACH_OK(a, other) {
    if (strcmp(other->suite, b->suite) != 0 || strcmp(other->base_name, b->base_name) != 0 || other->param_count != b->param_count)
      continue;
    bool matches = true;
    for (size_t i = 0; matches && i < b->param_count; i++) {
      const char *wanted = strcmp(b->params[i].name, param) == 0 ? value : b->params[i].value, *found = param_of(other, b->params[i].name);
      matches = found != NULL && strcmp(found, wanted) == 0;
    }
    if (matches) return other;
  }
  return NULL;
}

static double cost_of(const assay_benchmark_result *b) {
  const assay_metric_result *m = &b->metrics[0];
  return m->better == ASSAY_LOWER ? m->value : 1 / m->value;
}

static const assay_fact *fact_of(const advice *a, const char *key) {
  for (size_t i = 0; i < a->result->fact_count; i++)
    if (strcmp(a->result->facts[i].key, key) == 0) return &a->result->facts[i];
  return NULL;
}

/* The pair of benchmarks, one with each value of a parameter, whose ratio of costs (first over second) is largest. */
typedef struct pair {
  const assay_benchmark_result *first, *second;
  double ratio;
} pair;

static double half_width(const assay_metric_result *m) { return (m->ci_high - m->ci_low) / 2 / fabs(m->value); }

/* Known well enough to say something of it beside another; without an interval there is nothing against it. */
static bool is_sure(const assay_benchmark_result *b) { return !(half_width(&b->metrics[0]) > UNSURE); }

static pair widest_pair(const advice *a, const char *param, const char *first, const char *second) {
  pair widest = {0};
  EACH_OK(a, b) {
    const char *value = param_of(b, param);
    if (value == NULL || strcmp(value, first) != 0 || !is_sure(b)) continue;
    const assay_benchmark_result *other = sibling(a, b, param, second);
    if (other == NULL || !is_sure(other) || !(cost_of(other) > 0)) continue;
    double ratio = cost_of(b) / cost_of(other);
    if (ratio > widest.ratio) widest = (pair){b, other, ratio};
  }
  return widest;
}

static const char *pair_text(advice *a, const pair *p) {
  const assay_metric_result *x = &p->first->metrics[0], *y = &p->second->metrics[0];
  return text(a, "%s/%s: %s, against %s of %s", p->first->suite, p->first->name, value_text(a, x->value, x->unit),
              value_text(a, y->value, y->unit), p->second->name);
}

/* ---- Rules: what went wrong --------------------------------------------------------------------------------------------------- */

static void failed_benchmarks(advice *a) {
  const assay_benchmark_result *first = NULL;
  size_t count = 0;
  for (size_t i = 0; i < a->result->benchmark_count; i++) {
    if (a->result->benchmarks[i].status != ASSAY_OUTCOME_FAILED) continue;
    if (count++ == 0) first = &a->result->benchmarks[i];
  }
  if (count == 0) return;
  const char *title = count == 1 ? "Find out why a benchmark failed" : text(a, "Find out why %zu benchmarks failed", count);
  say(a, 1, title, text(a, "%s/%s: %s", first->suite, first->name, first->reason != NULL ? first->reason : "failed"), NULL);
}

static void missed_slas(advice *a) {
  for (size_t i = 0; i < a->result->sla_count; i++) {
    const assay_sla_result *s = &a->result->slas[i];
    if (s->status != ASSAY_SLA_MISSED) continue;
    say(a, 1, text(a, "Bring \"%s\" within its limit", s->name),
        text(a, "%s is %s; the limit is %s %s", s->metric, value_text(a, s->value, s->unit), s->is_max ? "at most" : "at least",
             value_text(a, s->limit, s->unit)),
        NULL);
  }
}

/* What others did, where that is why a limit is undecided; NULL: it is not. */
static const char *disturbance_of(advice *a, const assay_sla_result *s) {
  for (size_t i = 0; i < a->result->benchmark_count && s->reason != NULL; i++) {
    const assay_benchmark_result *b = &a->result->benchmarks[i];
    if (!assay_glob_match_benchmark(s->benchmark, b->suite, b->name, NULL)) continue;
    const char *disturbance = assay_judge_disturbance(assay_result_arena(a->result), a->result, b).says;
    if (disturbance != NULL && strstr(s->reason, disturbance) != NULL) return disturbance;
  }
  return NULL;
}

/* A limit that is not decided wants more processes: the interval over n of them shrinks with the square root of n. */
static void undecided_slas(advice *a) {
  for (size_t i = 0; i < a->result->sla_count; i++) {
    const assay_sla_result *s = &a->result->slas[i];
    if (s->status != ASSAY_SLA_INCONCLUSIVE) continue;
    if (isnan(s->value)) { /* no figure fits it, and more measuring will not make one */
      say(a, 1, text(a, "Mend the limit \"%s\"", s->name), s->reason, NULL);
      continue;
    }
    const char *disturbance = disturbance_of(a, s);
    if (disturbance != NULL) {
      say(a, 2, text(a, "Measure on a quiet machine to decide \"%s\"", s->name),
          text(a, "%s is %s, where %s %s is asked; %s", s->metric, value_text(a, s->value, s->unit), s->is_max ? "at most" : "at least",
               value_text(a, s->limit, s->unit), disturbance),
          "assay doctor");
      continue;
    }
    const char *title = a->result->run.quick ? text(a, "Run without --quick-run to decide \"%s\"", s->name)
                                             : text(a, "Measure more processes to decide \"%s\"", s->name);
    say(a, 2, title,
        text(a, "%s is %s, where %s %s is asked%s%s", s->metric, value_text(a, s->value, s->unit), s->is_max ? "at most" : "at least",
             value_text(a, s->limit, s->unit), s->reason != NULL ? "; " : "", s->reason != NULL ? s->reason : ""),
        a->result->run.quick ? text(a, "assay run --filter '%s'", s->benchmark)
                             : text(a, "assay run --processes %u --filter '%s'", a->result->run.processes * 4, s->benchmark));
  }
}

/* Checks say themselves what to do. */
static void failed_checks(advice *a) {
  for (size_t i = 0; i < a->result->check_count; i++) {
    const assay_check *c = &a->result->checks[i];
    if (c->status != ASSAY_CHECK_FAIL || c->recommendation == NULL) continue;
    say(a, 2, c->recommendation,
        text(a, "%s: %s%s%s%s", c->name, c->measured != NULL ? c->measured : "not as expected", c->expected != NULL ? " (expected " : "",
             c->expected != NULL ? c->expected : "", c->expected != NULL ? ")" : ""),
        NULL);
  }
}

/* ---- Rules: noise ------------------------------------------------------------------------------------------------------------- */

/* The command of this run without its short form; NULL where it does not say so. */
static const char *unhurried_command(advice *a) {
  static const char *const flags[] = {" --quick-run", " -q"};
  const char *command = a->result->run.command;
  for (size_t i = 0; command != NULL && i < sizeof flags / sizeof *flags; i++) {
    const char *at = strstr(command, flags[i]), *end = at == NULL ? NULL : at + strlen(flags[i]);
    if (at != NULL && (*end == ' ' || *end == '\0')) return text(a, "%.*s%s", (int)(at - command), command, end);
  }
  return NULL;
}

static void disturbed_samples(advice *a) {
  const assay_benchmark_result *worst = NULL;
  size_t count = 0;
  EACH_OK(a, b) {
    if (!(b->disturbed_ratio >= MANY_DISTURBED)) continue;
    count++;
    if (worst == NULL || b->disturbed_ratio > worst->disturbed_ratio) worst = b;
  }
  if (worst == NULL) return;
  say(a, 2, "Quieten the machine: many samples were disturbed",
      text(a, "%zu benchmark%s with %s or more of the samples marked; most in %s/%s, %s%s%s%s", count, count == 1 ? "" : "s",
           percent(a, MANY_DISTURBED), worst->suite, worst->name, percent(a, worst->disturbed_ratio),
           worst->set_aside_why != NULL ? " (" : "", worst->set_aside_why != NULL ? worst->set_aside_why : "",
           worst->set_aside_why != NULL ? ")" : ""),
      "assay doctor");
}

static void wide_intervals(advice *a) {
  const assay_benchmark_result *worst = NULL;
  size_t count = 0, with_interval = 0;
  EACH_OK(a, b) {
    double width = half_width(&b->metrics[0]);
    if (!isfinite(width)) continue;
    with_interval++;
    if (width <= WIDE_INTERVAL) continue;
    count++;
    if (worst == NULL || width > half_width(&worst->metrics[0])) worst = b;
  }
  if (worst == NULL) return;
  say(a, 2,
      a->result->run.quick ? "Run without --quick-run before you compare: processes differ much" : "Look for what makes processes differ",
      text(a, "%zu of %zu benchmarks are known to no better than %s; the widest is %s/%s, %s within %s", count, with_interval,
           percent(a, WIDE_INTERVAL), worst->suite, worst->name, value_text(a, worst->metrics[0].value, worst->metrics[0].unit),
           percent(a, half_width(&worst->metrics[0]))),
      a->result->run.quick ? unhurried_command(a) : "assay doctor");
}

static void never_steady(advice *a) {
  const assay_benchmark_result *first = NULL;
  size_t count = 0, all = 0;
  EACH_OK(a, b) {
    all++;
    if (b->steady != ASSAY_STEADY_NO) continue;
    if (count++ == 0) first = b;
  }
  /* A quick run gives up warming after 20 ms: then it is worth a word only where it is the rule. */
  if (count == 0 || (a->result->run.quick && count * 2 < all)) return;
  say(a, 3,
      a->result->run.quick ? "Run without --quick-run: the warm-up was too short" : "Do not trust the last digits of what never got steady",
      text(a, "%zu of %zu benchmarks never got steady before the warm-up ended, %s/%s among them", count, all, first->suite, first->name),
      a->result->run.quick ? unhurried_command(a) : NULL);
}

static void slow_governor(advice *a) {
  const assay_fact *governor = fact_of(a, "cpu.frequency_governor");
  if (governor == NULL || governor->type != ASSAY_FACT_TEXT) return;
  if (strstr(governor->text, "powersave") == NULL && strstr(governor->text, "ondemand") == NULL &&
      strstr(governor->text, "conservative") == NULL)
    return;
  const assay_fact *driver = fact_of(a, "cpu.frequency_driver");
  /* intel_pstate's and amd-pstate's powersave raises the clock as fast as the hardware can. */
  if (driver != NULL && driver->type == ASSAY_FACT_TEXT && strstr(driver->text, "pstate") != NULL) return;
  say(a, 2, "Let the clock run at full speed while measuring", text(a, "the frequency governor is %s", governor->text),
      "sudo cpupower frequency-set -g performance");
}

/* ---- Rules: what could be faster ---------------------------------------------------------------------------------------------- */

static double best_share(const assay_benchmark_result *b) {
  double best = NAN;
  for (size_t i = 0; i < b->metric_count; i++)
    if (isfinite(b->metrics[i].ceiling_share)) best = fmax(isnan(best) ? 0 : best, b->metrics[i].ceiling_share);
  return best;
}

static int by_share(const void *x, const void *y) {
  double a = best_share(*(const assay_benchmark_result *const *)x), b = best_share(*(const assay_benchmark_result *const *)y);
  return (a > b) - (a < b);
}

/* The benchmarks furthest below their limit, one of each name: the others of a sweep say the same. */
static void low_shares(advice *a) {
  const assay_benchmark_result **low = assay_arena_alloc(assay_result_arena(a->result), a->result->benchmark_count, sizeof *low);
  size_t count = 0, said = 0;
  if (low == NULL) return;
  EACH_OK(a, b) {
    const char *layout = param_of(b, "layout");
    if (layout != NULL && strcmp(layout, "strided") == 0) continue; /* has a rule of its own */
    if (best_share(b) < LOW_SHARE && is_sure(b)) low[count++] = b;
  }
  qsort(low, count, sizeof *low, by_share);
  for (size_t i = 0; i < count && said < MOST_OF_A_KIND; i++) {
    bool repeated = false;
    for (size_t j = 0; j < i; j++) repeated |= strcmp(low[j]->base_name, low[i]->base_name) == 0;
    const assay_metric_result *m = &low[i]->metrics[0];
    if (repeated || m->ceiling == NULL) continue;
    say(a, 3, text(a, "See what keeps %s from its limit", low[i]->base_name),
        text(a, "%s/%s takes %s and reaches %s of %s", low[i]->suite, low[i]->name, value_text(a, m->value, m->unit),
             percent(a, best_share(low[i])), m->ceiling),
        NULL);
    said++;
  }
}

static void strided_layouts(advice *a) {
  pair p = widest_pair(a, "layout", "strided", "contiguous");
  if (p.ratio >= SLOW_LAYOUT)
    say(a, 3, text(a, "Keep arrays contiguous: strides cost up to %.1f times as much", p.ratio), pair_text(a, &p), NULL);
}

static void half_types(advice *a) {
  static const char *const halves[] = {"f16", "bf16"};
  for (size_t i = 0; i < 2; i++) {
    pair slow = widest_pair(a, "type", halves[i], "f32"), fast = widest_pair(a, "type", "f32", halves[i]);
    if (slow.ratio >= SLOW_TYPE)
      say(a, 3, text(a, "Compute in f32 instead of %s here: %s takes up to %.1f times as long", halves[i], halves[i], slow.ratio),
          pair_text(a, &slow), NULL);
    else if (fast.ratio >= FAST_TYPE)
      say(a, 3, text(a, "Use %s where its precision suffices: up to %.1f times as fast as f32", halves[i], fast.ratio), pair_text(a, &fast),
          NULL);
  }
}

static void efficiency_cores(advice *a) {
  pair p = widest_pair(a, "cores", "efficiency", "performance");
  if (p.ratio >= SLOW_CORES)
    say(a, 3, text(a, "Keep what is urgent on performance cores: the others take up to %.1f times as long", p.ratio), pair_text(a, &p),
        NULL);
}

/* One thread against as many as there are CPUs: the worst sweep. Rates are of all threads together. */
static void thread_scaling(advice *a) {
  const assay_fact *cpus = fact_of(a, "cpu.threads_allowed");
  const assay_benchmark_result *worst = NULL;
  double worst_efficiency = POOR_SCALING, worst_gain = 0;
  EACH_OK(a, b) {
    uint64_t threads = 0;
    const char *value = param_of(b, "threads");
    if (value == NULL || !assay_parse_u64(value, &threads) || threads < 2) continue;
    if (cpus == NULL || cpus->type != ASSAY_FACT_INTEGER || threads > (uint64_t)cpus->integer) continue;
    const assay_benchmark_result *one = sibling(a, b, "threads", "1");
    if (one == NULL || !is_sure(one) || !is_sure(b)) continue;
    const assay_metric_result *many_rate = assay_benchmark_metric(b, "items_per_second");
    const assay_metric_result *one_rate = assay_benchmark_metric(one, "items_per_second");
    if (many_rate == NULL || one_rate == NULL || !(one_rate->value > 0)) continue;
    double gain = many_rate->value / one_rate->value, efficiency = gain / (double)threads;
    if (efficiency >= worst_efficiency) continue;
    worst = b;
    worst_efficiency = efficiency;
    worst_gain = gain;
  }
  if (worst == NULL) return;
  say(a, 3, text(a, "Find what the threads of %s share", worst->base_name),
      worst_gain >= 0.1 ? text(a, "%s/%s does %.2f times the work of one thread", worst->suite, worst->name, worst_gain)
                        : text(a, "%s/%s does 1/%.0f of the work of one thread", worst->suite, worst->name, 1 / worst_gain),
      NULL);
}

static void hot_allocations(advice *a) {
  const assay_benchmark_result *worst = NULL;
  double most = 0;
  EACH_OK(a, b) {
    const assay_metric_result *m = assay_benchmark_metric(b, "allocations");
    bool is_about_allocation = strstr(b->base_name, "alloc") != NULL;
    if (m == NULL || is_about_allocation || m->value < 1 || b->metrics[0].value > ALLOCATIONS_MATTER_NS) continue;
    if (m->value <= most) continue;
    most = m->value;
    worst = b;
  }
  if (worst == NULL) return;
  say(a, 3, text(a, "Take the allocations out of %s", worst->base_name),
      text(a, "%s/%s allocates %.3g times in an operation of %s", worst->suite, worst->name, most,
           value_text(a, worst->metrics[0].value, worst->metrics[0].unit)),
      NULL);
}

static void missed_rates(advice *a) {
  EACH_OK(a, b) {
    if (!(b->rate_hz > 0) || !(b->rate_achieved_hz < RATE_MISSED * b->rate_hz)) continue;
    say(a, 2, text(a, "Lower the rate of %s, or make it faster: it falls behind", b->base_name),
        text(a, "%s/%s: %s of %s were issued", b->suite, b->name, value_text(a, b->rate_achieved_hz, "Hz"),
             value_text(a, b->rate_hz, "Hz")),
        NULL);
    return;
  }
}

/* ---- Rules: what could not be seen -------------------------------------------------------------------------------------------- */

static void missing_counters(advice *a) {
  EACH_OK(a, b) {
    /* Only where a setting forbids them: a machine without counters cannot be helped. */
    if (b->counters_cause == NULL || strstr(b->counters_cause, "paranoid") == NULL) continue;
    say(a, 3, "Allow hardware counters to see cycles and cache misses", b->counters_cause, "sudo sysctl kernel.perf_event_paranoid=1");
    return;
  }
}

static void near_memory_limit(advice *a) {
  const assay_fact *limit = fact_of(a, "memory.limit_bytes"), *total = fact_of(a, "memory.total_bytes");
  const assay_fact *bound = limit != NULL && limit->type == ASSAY_FACT_INTEGER ? limit : total;
  const assay_benchmark_result *largest = NULL;
  double peak = 0;
  if (bound == NULL || bound->type != ASSAY_FACT_INTEGER || bound->integer <= 0) return;
  EACH_OK(a, b) {
    const assay_metric_result *m = assay_benchmark_metric(b, "peak_rss");
    if (m == NULL || m->value <= peak) continue;
    peak = m->value;
    largest = b;
  }
  if (largest == NULL || peak < NEAR_LIMIT * bound->real) return;
  say(a, 2, bound == limit ? "Raise the memory limit of this control group" : "Measure with less memory in use, or on a larger machine",
      text(a, "%s/%s needs %s of %s", largest->suite, largest->name, value_text(a, peak, "B"), value_text(a, bound->real, "B")), NULL);
}

/* ---- All of them -------------------------------------------------------------------------------------------------------------- */

/* Insertion sort, because the order within one priority is that of the table below. */
static void sort_by_priority(assay_result *result) {
  assay_recommendation *r = result->recommendations;
  for (size_t i = 1; i < result->recommendation_count; i++) {
    assay_recommendation moved = r[i];
    size_t at = i;
    for (; at > 0 && r[at - 1].priority > moved.priority; at--) r[at] = r[at - 1];
    r[at] = moved;
  }
}

assay_status assay_recommend(assay_result *result, assay_error *err) {
  static void (*const rules[])(advice *) = {failed_benchmarks, missed_slas,      undecided_slas,   failed_checks,  disturbed_samples,
                                            wide_intervals,    slow_governor,    missed_rates,     never_steady,   low_shares,
                                            strided_layouts,   half_types,       efficiency_cores, thread_scaling, hot_allocations,
                                            missing_counters,  near_memory_limit};
  advice a = {.result = result, .err = err};
  result->recommendation_count = 0;
  for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) rules[i](&a);
  if (a.status == ASSAY_OK) sort_by_priority(result);
  return a.status;
}

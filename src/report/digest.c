/* SPDX-License-Identifier: MIT */
/* What a person wants to know first: counts, extremes and one-sentence verdicts, the same in every format. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "report/render.h"

/* ---- Finding things ----------------------------------------------------------------------------------------------------------------- */

bool assay_report_measured(const assay_benchmark_result *benchmark) {
  return benchmark->status == ASSAY_OUTCOME_OK && benchmark->metric_count > 0;
}

const assay_metric_result *assay_report_main_metric(const assay_benchmark_result *benchmark) {
  return benchmark->metric_count > 0 ? &benchmark->metrics[0] : NULL;
}

const assay_metric_result *assay_report_bound_metric(const assay_benchmark_result *benchmark) {
  for (size_t i = 0; i < benchmark->metric_count; i++) {
    const assay_metric_result *m = &benchmark->metrics[i];
    if (m->ceiling != NULL && isfinite(m->ceiling_share)) return m;
  }
  return NULL;
}

/* The unit that its ceiling is in comes first: a loop bound by memory is told in B/s, one bound by arithmetic in FLOP/s. */
static int rate_rank(const assay_metric_result *m, bool by_arithmetic) {
  if (m->kind != ASSAY_KIND_THROUGHPUT) return 0;
  if (strcmp(m->unit, "FLOP/s") == 0) return by_arithmetic ? 5 : 3;
  if (strcmp(m->unit, "B/s") == 0) return 4;
  return strcmp(m->unit, "items/s") == 0 ? 2 : 1;
}

const assay_metric_result *assay_report_rate_metric(const assay_benchmark_result *benchmark) {
  const assay_metric_result *best = NULL, *bound = assay_report_bound_metric(benchmark), *first = assay_report_main_metric(benchmark);
  if (first == NULL || first->kind == ASSAY_KIND_LATENCY) return NULL;
  bool by_arithmetic = bound == NULL || strncmp(bound->ceiling, "flops.", 6) == 0 || strncmp(bound->ceiling, "ops.", 4) == 0;
  for (size_t i = 0; i < benchmark->metric_count; i++) {
    const assay_metric_result *m = &benchmark->metrics[i];
    if (rate_rank(m, by_arithmetic) > (best == NULL ? 0 : rate_rank(best, by_arithmetic))) best = m;
  }
  return best;
}

bool assay_report_is_own(const assay_benchmark_result *benchmark, const assay_metric_result *metric) {
  static const char *const engine[] = {
      "time",         "latency",      "latency_p99",  "latency_p999", "items_per_second", "bytes_per_second", "flops",
      "cpu_time",     "user_time",    "system_time",  "peak_rss",     "allocations",      "allocated_bytes",  "cycles",
      "instructions", "cache_misses", "branch_misses"};
  if (metric == assay_report_main_metric(benchmark)) return false; /* it has the columns */
  for (size_t i = 0; i < sizeof engine / sizeof *engine; i++) {
    if (strcmp(metric->name, engine[i]) == 0) return false;
  }
  return true;
}

void assay_report_own_metrics(const assay_benchmark_result *benchmark, assay_buf *out) {
  char text[ASSAY_REPORT_TEXT];
  size_t told = 0;
  for (size_t i = 0; i < benchmark->metric_count; i++) {
    const assay_metric_result *m = &benchmark->metrics[i];
    if (!assay_report_is_own(benchmark, m)) continue;
    assay_buf_printf(out, "%s%s %s", told++ > 0 ? ", " : "", m->name, assay_report_value(m->value, m->unit, text));
    double half = assay_report_half_ratio(m);
    if (half > 0) assay_buf_printf(out, " \u00B1 %s", assay_report_percent(half, text));
  }
}

/* Whose workload did not run at all: the ordinary case, told together. */
static bool is_unmatched(const assay_sla_result *s) {
  return s->status == ASSAY_SLA_NOT_APPLICABLE && (s->reason == NULL || strncmp(s->reason, "no benchmark matches", 20) == 0);
}

void assay_report_not_applicable(const assay_result *result, assay_buf *out) {
  size_t count = 0, told = 0;
  for (size_t i = 0; i < result->sla_count; i++) count += result->slas[i].status == ASSAY_SLA_NOT_APPLICABLE;
  if (count == 0) return;
  assay_report_plural(out, count, "limit");
  assay_buf_printf(out, " %s not apply:", count == 1 ? "does" : "do");
  for (size_t i = 0; i < result->sla_count; i++) {
    if (is_unmatched(&result->slas[i]))
      assay_buf_printf(out, "%s %s", told++ > 0 ? "," : " no benchmark matches", result->slas[i].benchmark);
  }
  for (size_t i = 0; i < result->sla_count; i++) {
    const assay_sla_result *s = &result->slas[i];
    if (s->status == ASSAY_SLA_NOT_APPLICABLE && !is_unmatched(s))
      assay_buf_printf(out, "%s %s (%s)", told++ > 0 ? ";" : "", s->name, s->reason);
  }
  assay_buf_putc(out, '.');
}

void assay_report_partial(const assay_result *result, const assay_benchmark_result *benchmark, assay_buf *out) {
  if (!result->run.interrupted || !assay_report_measured(benchmark)) return;
  size_t ran = assay_report_main_metric(benchmark)->process_count;
  if (ran < result->run.processes) assay_buf_printf(out, "%zu of %u processes", ran, result->run.processes);
}

/* Whether any figure is of several processes, or of one. */
static bool has_replicate(const assay_result *result, assay_replicate replicate) {
  for (size_t i = 0; i < result->benchmark_count; i++)
    for (size_t m = 0; m < result->benchmarks[i].metric_count; m++)
      if (result->benchmarks[i].metrics[m].replicate == replicate) return true;
  return false;
}

void assay_report_behind(const assay_result *result, assay_buf *out) {
  const assay_run_info *run = &result->run;
  unsigned n = run->processes;
  bool is_foreign = run->source != NULL && strcmp(run->source, ASSAY_SOURCE_BASELINE) != 0;
  if (!is_foreign)
    assay_buf_printf(out, "%u fresh process%s a benchmark", n, n == 1 ? "" : "es");
  else if (has_replicate(result, ASSAY_REPLICATE_PROCESS))
    assay_buf_printf(out, "%u process%s a benchmark", n, n == 1 ? "" : "es");
  else if (has_replicate(result, ASSAY_REPLICATE_REPETITION))
    assay_buf_puts(out, "repetitions in one process");
  else if (has_replicate(result, ASSAY_REPLICATE_RUN))
    n > 1 ? assay_buf_printf(out, "up to %u figures a benchmark", n) : assay_buf_puts(out, "one figure a benchmark");
  else
    assay_buf_puts(out, "exact counts");
}

const char *assay_report_took(const assay_run_info *run, char out[ASSAY_REPORT_TEXT]) {
  if (run->interrupted && !(run->duration_s > 0)) return strcpy(out, "duration not known (killed)");
  return assay_report_duration(run->duration_s, out);
}

/* ---- Counting ----------------------------------------------------------------------------------------------------------------------- */

static assay_digest_suite *suite_of(assay_digest *d, const char *name) {
  for (size_t i = 0; i < d->suite_count; i++) {
    if (strcmp(d->suites[i].name, name) == 0) return &d->suites[i];
  }
  assay_digest_suite *grown = assay_realloc(ASSAY_TAG_REPORT, d->suites, d->suite_count + 1, sizeof *grown);
  if (grown == NULL) return NULL;
  d->suites = grown;
  grown[d->suite_count] = (assay_digest_suite){.name = name};
  return &grown[d->suite_count++];
}

static bool count_suites(const assay_result *result, assay_digest *d) {
  for (size_t i = 0; i < result->run.suite_count; i++) {
    assay_digest_suite *s = suite_of(d, result->run.suites[i].name);
    if (s == NULL) return false;
    s->status = result->run.suites[i].status;
    s->reason = result->run.suites[i].reason;
  }
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    assay_digest_suite *s = suite_of(d, b->suite);
    if (s == NULL) return false;
    s->benchmarks++;
    s->outcomes[b->status]++;
  }
  for (size_t i = 0; i < result->check_count; i++) {
    assay_digest_suite *s = suite_of(d, result->checks[i].suite);
    if (s == NULL) return false;
    s->checks++;
  }
  return true;
}

/* ---- Groups ------------------------------------------------------------------------------------------------------------------------- */

static bool has_param(const assay_benchmark_result *b, const char *name, const char *value) {
  for (size_t i = 0; i < b->param_count; i++) {
    if (strcmp(b->params[i].name, name) == 0) return strcmp(b->params[i].value, value) == 0;
  }
  return false;
}

static unsigned common_params(const assay_benchmark_result *const *members, size_t count) {
  unsigned common = 0;
  for (size_t k = 0; count > 1 && k < members[0]->param_count && k < ASSAY_BENCH_MAX_PARAMS; k++) {
    size_t same = 1;
    while (same < count && has_param(members[same], members[0]->params[k].name, members[0]->params[k].value)) same++;
    if (same == count) common |= 1u << k;
  }
  return common;
}

/* The group that a benchmark goes to, made when it is the first; the suite's own order is that of first appearance. */
static assay_digest_group *group_of(assay_digest *d, const assay_benchmark_result *b) {
  for (size_t i = d->group_count; i > 0; i--) {
    assay_digest_group *g = &d->groups[i - 1];
    if (strcmp(g->base_name, b->base_name) == 0 && strcmp(g->suite, b->suite) == 0) return g;
  }
  d->groups[d->group_count] = (assay_digest_group){.suite = b->suite, .base_name = b->base_name};
  return &d->groups[d->group_count++];
}

/* Text with its runs of digits compared as numbers: n=1000 comes after n=64. */
static int natural_order(const char *a, const char *b) {
  while (*a != '\0' && *b != '\0') {
    size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
    if (na > 0 && nb > 0) {
      const char *x = a + strspn(a, "0"), *y = b + strspn(b, "0");
      size_t lx = strspn(x, "0123456789"), ly = strspn(y, "0123456789");
      if (lx != ly) return lx < ly ? -1 : 1;
      int digits = strncmp(x, y, lx);
      if (digits != 0) return digits;
      a += na;
      b += nb;
    } else if (*a != *b) {
      return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    } else {
      a++;
      b++;
    }
  }
  return (*a != '\0') - (*b != '\0');
}

static int by_group_name(const void *a, const void *b) {
  return natural_order(((const assay_digest_group *)a)->base_name, ((const assay_digest_group *)b)->base_name);
}

static int by_name(const void *a, const void *b) {
  return natural_order((*(const assay_benchmark_result *const *)a)->name, (*(const assay_benchmark_result *const *)b)->name);
}

/* Benchmarks ran in random order, which is no order to read them in; within a suite they go by name, the same in every run. */
static void sort_groups(assay_digest *d) {
  for (size_t from = 0, to; from < d->group_count; from = to) {
    for (to = from; to < d->group_count && strcmp(d->groups[to].suite, d->groups[from].suite) == 0;) to++;
    qsort(d->groups + from, to - from, sizeof *d->groups, by_group_name);
  }
}

static bool make_groups(const assay_result *result, assay_digest *d) {
  size_t count = result->benchmark_count;
  d->groups = assay_calloc(ASSAY_TAG_REPORT, count + 1, sizeof *d->groups);
  d->order = assay_calloc(ASSAY_TAG_REPORT, count + 1, sizeof(void *));
  if (d->groups == NULL || d->order == NULL) return false;
  /* Suite by suite: groups first, then their places, then their members. */
  for (size_t s = 0; s < d->suite_count; s++) {
    for (size_t i = 0; i < count; i++) {
      if (strcmp(result->benchmarks[i].suite, d->suites[s].name) == 0) group_of(d, &result->benchmarks[i])->count++;
    }
  }
  sort_groups(d);
  for (size_t g = 0, at = 0; g < d->group_count; g++) {
    d->groups[g].first = at;
    at += d->groups[g].count;
    d->groups[g].count = 0;
  }
  for (size_t i = 0; i < count; i++) {
    assay_digest_group *g = group_of(d, &result->benchmarks[i]);
    d->order[g->first + g->count++] = &result->benchmarks[i];
  }
  for (size_t g = 0; g < d->group_count; g++) qsort(d->order + d->groups[g].first, d->groups[g].count, sizeof *d->order, by_name);
  for (size_t g = 0; g < d->group_count; g++) d->groups[g].common = common_params(d->order + d->groups[g].first, d->groups[g].count);
  return true;
}

static void append_param(assay_buf *out, const char *name, const char *value, size_t *written) {
  assay_buf_printf(out, "%s%s=%s", (*written)++ > 0 ? " " : "", name, value);
}

void assay_digest_label(const assay_digest *digest, const assay_digest_group *group, const assay_benchmark_result *benchmark,
                        assay_buf *out) {
  const assay_benchmark_result *lead = digest->order[group->first];
  size_t written = 0;
  for (size_t i = 0; group->count > 1 && i < benchmark->param_count; i++) {
    bool common = false;
    for (size_t k = 0; k < lead->param_count && k < ASSAY_BENCH_MAX_PARAMS; k++)
      common |= (group->common >> k & 1) != 0 && strcmp(lead->params[k].name, benchmark->params[i].name) == 0;
    if (!common) append_param(out, benchmark->params[i].name, benchmark->params[i].value, &written);
  }
  if (written == 0) assay_buf_puts(out, benchmark->name);
}

void assay_digest_common(const assay_digest *digest, const assay_digest_group *group, assay_buf *out) {
  const assay_benchmark_result *lead = digest->order[group->first];
  size_t written = 0;
  for (size_t k = 0; k < lead->param_count && k < ASSAY_BENCH_MAX_PARAMS; k++) {
    if ((group->common >> k & 1) != 0) append_param(out, lead->params[k].name, lead->params[k].value, &written);
  }
}

/* ---- Extremes ----------------------------------------------------------------------------------------------------------------------- */

static double share_of(const assay_benchmark_result *b) { return assay_report_bound_metric(b)->ceiling_share; }

static void find_extremes(const assay_result *result, assay_digest *d) {
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    d->outcomes[b->status]++;
    if (!assay_report_measured(b)) continue;
    if (b->steady == ASSAY_STEADY_NO) d->unsteady++;
    if (assay_report_bound_metric(b) == NULL) continue;
    if (share_of(b) > 1.1) {
      if (d->over == NULL || share_of(b) > share_of(d->over)) d->over = b;
      continue; /* it says more about how the ceiling was measured than about the benchmark */
    }
    if (d->nearest == NULL || share_of(b) > share_of(d->nearest)) d->nearest = b;
    if (d->furthest == NULL || share_of(b) < share_of(d->furthest)) d->furthest = b;
  }
}

assay_status assay_digest_make(const assay_result *result, const assay_report_context *context, assay_error *err, assay_digest *digest) {
  assay_digest d = {0};
  if (!count_suites(result, &d) || !make_groups(result, &d)) {
    assay_digest_deinit(&d);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to sum up the result");
  }
  for (size_t i = 0; i < result->sla_count; i++) d.slas[result->slas[i].status]++;
  for (size_t i = 0; i < result->check_count; i++) d.checks[result->checks[i].status]++;
  find_extremes(result, &d);
  /* Before and after are the medians of the runs, as in every other table of the report. */
  assay_changes_context sides = {.before = context->previous, .after = result};
  assay_status status = assay_changes_view_make(context->changes, &sides, err, &d.changes);
  d.changes.medians = true;
  if (status == ASSAY_OK)
    *digest = d;
  else
    assay_digest_deinit(&d);
  return status;
}

void assay_digest_deinit(assay_digest *digest) {
  assay_changes_view_deinit(&digest->changes);
  assay_free(digest->suites);
  assay_free(digest->groups);
  assay_free(digest->order);
}

/* ---- Sentences ---------------------------------------------------------------------------------------------------------------------- */

/* Puts ", " or " and " between the parts of an enumeration. */
static void join(assay_buf *out, size_t index, size_t count) {
  if (index > 0) assay_buf_puts(out, index + 1 == count ? " and " : ", ");
}

void assay_digest_headline(const assay_digest *d, const assay_result *result, assay_buf *out) {
  size_t failed = d->outcomes[ASSAY_OUTCOME_FAILED], missed = d->slas[ASSAY_SLA_MISSED], broken = d->checks[ASSAY_CHECK_FAIL];
  size_t worse = assay_changes_worse(&d->changes), ok = d->outcomes[ASSAY_OUTCOME_OK];
  if (result->run.interrupted) assay_buf_puts(out, "Interrupted: ");
  if (result->benchmark_count == 0 && result->check_count == 0) {
    assay_buf_puts(out, result->run.interrupted ? "nothing had been measured." : "Nothing was measured.");
    return;
  }
  if (result->benchmark_count > 0 && ok == 0)
    assay_buf_puts(out, "No benchmark could be measured");
  else if (result->benchmark_count > 0)
    assay_report_plural(out, ok, "benchmark"), assay_buf_puts(out, " measured");
  else
    assay_report_plural(out, result->check_count, "check"), assay_buf_puts(out, " made");
  size_t troubles = (failed > 0) + (missed > 0) + (broken > 0) + (worse > 0), told = 0;
  size_t undecided = d->slas[ASSAY_SLA_INCONCLUSIVE];
  if (troubles == 0 && undecided > 0) {
    assay_buf_puts(out, "; "), assay_report_plural(out, undecided, "limit");
    assay_buf_puts(out, " could not be decided.");
    return;
  }
  if (troubles == 0) {
    assay_buf_puts(out, d->slas[ASSAY_SLA_MET] > 0 ? "; every limit was kept." : ".");
    return;
  }
  assay_buf_puts(out, "; ");
  if (failed > 0) join(out, told++, troubles), assay_buf_printf(out, "%zu failed", failed);
  if (missed > 0)
    join(out, told++, troubles), assay_report_plural(out, missed, "limit"),
        assay_buf_puts(out, missed == 1 ? " was missed" : " were missed");
  if (broken > 0) join(out, told++, troubles), assay_report_plural(out, broken, "check"), assay_buf_puts(out, " failed");
  if (worse > 0) join(out, told++, troubles), assay_buf_printf(out, "%zu got worse", worse);
  assay_buf_putc(out, '.');
}

typedef struct teller {
  assay_buf text;
  assay_sentence_sink sink;
  void *user;
} teller;

static void tell(teller *t, assay_tone tone) {
  if (!t->text.failed && t->text.length > 0) t->sink(t->text.data, tone, t->user);
  assay_buf_clear(&t->text);
}

static void tell_missed(teller *t, const assay_result *result) {
  char value[ASSAY_REPORT_TEXT], limit[ASSAY_REPORT_TEXT];
  for (size_t i = 0; i < result->sla_count; i++) {
    const assay_sla_result *s = &result->slas[i];
    if (s->status != ASSAY_SLA_MISSED) continue;
    assay_buf_printf(&t->text, "%s misses its limit: %s, where %s %s is asked.", s->name, assay_report_value(s->value, s->unit, value),
                     s->is_max ? "at most" : "at least", assay_report_value(s->limit, s->unit, limit));
    tell(t, ASSAY_TONE_BAD);
  }
}

static void tell_change(teller *t, const assay_change *c, size_t others) {
  if (c == NULL) return;
  char by[ASSAY_CHANGE_TEXT], interval[ASSAY_CHANGE_TEXT];
  bool better = c->verdict == ASSAY_VERDICT_BETTER;
  assay_buf_printf(&t->text, "%s got %s: %s %s since the previous run", c->benchmark,
                   c->verdict == ASSAY_VERDICT_CRITICAL ? "critically worse"
                   : better                             ? "better"
                                                        : "worse",
                   c->metric, assay_change_by(c, c->change_ratio, by));
  if (*assay_change_interval(c, interval) != '\0') assay_buf_printf(&t->text, " (95 %% interval %s)", interval);
  if (others > 1) assay_buf_printf(&t->text, "; %zu other%s did too", others - 1, others == 2 ? "" : "s");
  assay_buf_putc(&t->text, '.');
  tell(t, better ? ASSAY_TONE_GOOD : ASSAY_TONE_BAD);
}

static void tell_share(teller *t, const assay_benchmark_result *b, const char *words, assay_tone tone) {
  if (b == NULL) return;
  char share[ASSAY_REPORT_TEXT];
  const assay_metric_result *m = assay_report_bound_metric(b);
  assay_buf_printf(&t->text, "%s %s: it reaches %s of %s.", b->name, words, assay_report_percent(m->ceiling_share, share), m->ceiling);
  tell(t, tone);
}

static void tell_failed(teller *t, const assay_digest *d, const assay_result *result) {
  size_t failed = d->outcomes[ASSAY_OUTCOME_FAILED];
  for (size_t i = 0; failed > 0 && i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (b->status != ASSAY_OUTCOME_FAILED) continue;
    assay_buf_printf(&t->text, "%s failed: %s", b->name, b->reason != NULL ? b->reason : "no reason given");
    if (failed > 1) assay_buf_printf(&t->text, "; %zu other%s failed too", failed - 1, failed == 2 ? "" : "s");
    assay_buf_putc(&t->text, '.');
    tell(t, ASSAY_TONE_BAD);
    return;
  }
}

static void tell_undecided(teller *t, const assay_result *result) {
  char value[ASSAY_REPORT_TEXT], limit[ASSAY_REPORT_TEXT];
  for (size_t i = 0; i < result->sla_count; i++) {
    const assay_sla_result *s = &result->slas[i];
    if (s->status != ASSAY_SLA_INCONCLUSIVE) continue;
    assay_buf_printf(&t->text, "%s may or may not keep its limit: %s, where %s %s is asked", s->name,
                     assay_report_value(s->value, s->unit, value), s->is_max ? "at most" : "at least",
                     assay_report_value(s->limit, s->unit, limit));
    if (s->reason != NULL) assay_buf_printf(&t->text, "; %s", s->reason);
    assay_buf_putc(&t->text, '.');
    tell(t, ASSAY_TONE_UNSURE);
  }
}

static void tell_doubts(teller *t, const assay_digest *d) {
  if (d->over != NULL) {
    char share[ASSAY_REPORT_TEXT];
    const assay_metric_result *m = assay_report_bound_metric(d->over);
    assay_buf_printf(&t->text,
                     "%s reaches %s of %s, so that ceiling was measured under worse conditions than the benchmark: measure it again.",
                     d->over->name, assay_report_percent(m->ceiling_share, share), m->ceiling);
    tell(t, ASSAY_TONE_UNSURE);
  }
  size_t unsure = d->changes.tally[ASSAY_VERDICT_INCONCLUSIVE];
  if (unsure > 0) {
    assay_report_plural(&t->text, unsure, "comparison");
    assay_buf_printf(&t->text, " with the previous run %s inconclusive: too noisy to say.", unsure == 1 ? "is" : "are");
    tell(t, ASSAY_TONE_UNSURE);
  }
  if (d->unsteady > 0) {
    assay_report_plural(&t->text, d->unsteady, "benchmark");
    assay_buf_printf(&t->text, " never got steady; read %s figures with care.", d->unsteady == 1 ? "its" : "their");
    tell(t, ASSAY_TONE_UNSURE);
  }
}

void assay_digest_sentences(const assay_digest *d, const assay_result *result, const assay_report_context *context,
                            assay_sentence_sink sink, void *user) {
  teller t = {.sink = sink, .user = user};
  tell_missed(&t, result);
  tell_failed(&t, d, result);
  tell_undecided(&t, result);
  tell_change(&t, d->changes.worst, assay_changes_worse(&d->changes));
  tell_change(&t, d->changes.best, d->changes.tally[ASSAY_VERDICT_BETTER]);
  if (context->changes != NULL && context->changes->count > 0 && d->changes.worst == NULL && d->changes.best == NULL &&
      d->changes.tally[ASSAY_VERDICT_SAME] > 0) {
    assay_report_plural(&t.text, d->changes.tally[ASSAY_VERDICT_SAME], "benchmark");
    assay_buf_puts(&t.text, " compared with the previous run: none changed by more than its threshold.");
    tell(&t, ASSAY_TONE_GOOD);
  }
  tell_share(&t, d->nearest, "is nearest to the machine's limit", ASSAY_TONE_GOOD);
  if (d->furthest != d->nearest) tell_share(&t, d->furthest, "leaves most unused", ASSAY_TONE_PLAIN);
  tell_doubts(&t, d);
  assay_buf_deinit(&t.text);
}

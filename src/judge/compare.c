/* SPDX-License-Identifier: MIT */
/*
 * Two results against each other; docs/compare.md says it in words and shows how well it does. What is compared is decided here, how far
 * two figures lie apart in judge/difference.c, what is noise in judge/noise.c, and the verdict in judge/verdict.c.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge/changes.h"

static bool has_figure(const assay_benchmark_result *b) { return b != NULL && b->status == ASSAY_OUTCOME_OK && b->metric_count > 0; }

static assay_change unknown_change(const assay_benchmark_result *b, const assay_metric_result *m) {
  return (assay_change){.suite = b->suite,
                        .benchmark = b->name,
                        .metric = m->name,
                        .unit = m->unit,
                        .kind = m->kind,
                        .better = m->better,
                        .before = NAN,
                        .after = NAN,
                        .change_ratio = NAN,
                        .ci_low = NAN,
                        .ci_high = NAN,
                        .p_value = NAN,
                        .q_value = NAN,
                        .noise_floor = 0,
                        .detectable = NAN};
}

static assay_change one_sided(const assay_benchmark_result *b, assay_verdict verdict) {
  const assay_metric_result *m = &b->metrics[0];
  assay_change change = unknown_change(b, m);
  change.is_main = true;
  change.verdict = verdict;
  *(verdict == ASSAY_VERDICT_NEW ? &change.after : &change.before) = m->value;
  *(verdict == ASSAY_VERDICT_NEW ? &change.after_count : &change.before_count) = assay_independent_values(m);
  return change;
}

/* ---- By name ------------------------------------------------------------------------------------------------------------------------ */

static int by_name(const void *a, const void *b) {
  const assay_benchmark_result *x = *(const assay_benchmark_result *const *)a, *y = *(const assay_benchmark_result *const *)b;
  int suite = strcmp(x->suite, y->suite);
  return suite != 0 ? suite : strcmp(x->name, y->name);
}

/* Tens of thousands of benchmarks on each side are looked up in each other. */
static const assay_benchmark_result **make_index(const assay_result *result) {
  const assay_benchmark_result **index = assay_calloc(ASSAY_TAG_RESULT, result->benchmark_count + 1, sizeof *index);
  for (size_t i = 0; index != NULL && i < result->benchmark_count; i++) index[i] = &result->benchmarks[i];
  if (index != NULL) qsort(index, result->benchmark_count, sizeof *index, by_name);
  return index;
}

static const assay_benchmark_result *find_in(const assay_benchmark_result *const *index, size_t count, const assay_benchmark_result *like) {
  const assay_benchmark_result *const *found = bsearch(&like, index, count, sizeof *index, by_name);
  return found != NULL ? *found : NULL;
}

/* The metric of `before` that is `after`'s, in the same unit. */
static const assay_metric_result *counterpart(const assay_benchmark_result *before, const assay_metric_result *after) {
  const assay_metric_result *m = assay_benchmark_metric(before, after->name);
  return m != NULL && strcmp(m->unit, after->unit) == 0 ? m : NULL;
}

/*
 * What says again what the time or latency says (so that one slow-down would be told five times), and what other programs on the machine
 * move as much as the benchmark does.
 */
bool assay_says_nothing_new(const assay_benchmark_result *b, const char *metric) {
  static const char *const rates[] = {"items_per_second", "bytes_per_second", "flops"}, *const others[] = {"cpu_time", "cycles",
                                                                                                           "cache_misses", "branch_misses"};
  bool timed = assay_benchmark_metric(b, "time") != NULL || assay_benchmark_metric(b, "latency") != NULL;
  for (size_t i = 0; timed && i < sizeof rates / sizeof *rates; i++)
    if (strcmp(metric, rates[i]) == 0) return true;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strcmp(metric, others[i]) == 0) return true;
  return false;
}

/* ---- What is compared ----------------------------------------------------------------------------------------------------------- */

static void add(assay_comparison *c, const assay_benchmark_result *old, const assay_metric_result *m, const assay_benchmark_result *b,
                const assay_metric_result *now, bool is_main) {
  assay_change *change = &c->changes->items[c->changes->count];
  *change = unknown_change(b, now);
  change->is_main = is_main;
  c->pairs[c->changes->count++] = (assay_pair){.before = m, .after = now, .old = old, .fresh = b};
}

static void add_one_sided(assay_comparison *c, const assay_benchmark_result *b, assay_verdict verdict) {
  c->changes->items[c->changes->count++] = one_sided(b, verdict);
}

static void add_benchmark(assay_comparison *c, const assay_benchmark_result *b) {
  if (!has_figure(b)) return;
  const assay_benchmark_result *old = find_in(c->old_index, c->before->benchmark_count, b);
  if (!has_figure(old)) old = NULL;
  const assay_metric_result *m = old != NULL ? counterpart(old, &b->metrics[0]) : NULL;
  if (m != NULL)
    add(c, old, m, b, &b->metrics[0], true);
  else
    add_one_sided(c, b, ASSAY_VERDICT_NEW);
  for (size_t i = 1; old != NULL && i < b->metric_count; i++) {
    const assay_metric_result *other = assay_says_nothing_new(b, b->metrics[i].name) ? NULL : counterpart(old, &b->metrics[i]);
    if (other != NULL) add(c, old, other, b, &b->metrics[i], false);
  }
}

static void add_all(assay_comparison *c) {
  for (size_t i = 0; i < c->after->benchmark_count; i++) add_benchmark(c, &c->after->benchmarks[i]);
  for (size_t i = 0; i < c->before->benchmark_count; i++) {
    const assay_benchmark_result *old = &c->before->benchmarks[i];
    if (has_figure(old) && !has_figure(find_in(c->new_index, c->after->benchmark_count, old))) add_one_sided(c, old, ASSAY_VERDICT_MISSING);
  }
  for (size_t i = 0; i < c->changes->count; i++) {
    assay_change *change = &c->changes->items[i];
    change->threshold = assay_threshold_for(c->config.thresholds, change->suite, change->benchmark, change->metric, change->kind);
  }
}

/* ---- All of them together ------------------------------------------------------------------------------------------------------- */

/* The main metrics are one family, the others another: many secondary figures should not cost the power to see what is slower. */
static assay_status adjust(assay_comparison *c, bool main) {
  size_t count = c->changes->count;
  double *p = assay_calloc(ASSAY_TAG_RESULT, count + 1, sizeof *p);
  if (p == NULL) return ASSAY_ERR_NO_MEMORY;
  for (size_t i = 0; i < count; i++) p[i] = c->changes->items[i].is_main == main ? c->changes->items[i].p_value : NAN;
  assay_status status = assay_stats_adjust(p, count);
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
    if (isnan(p[i])) continue;
    c->changes->items[i].q_value = p[i];
    c->changes->tested++;
  }
  assay_free(p);
  return status;
}

/* They were tested (and adjusted for) all the same; only what there is to do something about is told. */
static bool is_told(const assay_change *c, void *user) {
  (void)user;
  return c->is_main || c->withdrawn || c->verdict == ASSAY_VERDICT_WORSE || c->verdict == ASSAY_VERDICT_CRITICAL ||
         c->verdict == ASSAY_VERDICT_BETTER;
}

static assay_regress_status status_of(const assay_changes *changes) {
  const size_t *v = changes->verdicts;
  size_t unsure = v[ASSAY_VERDICT_MISSING], judged = v[ASSAY_VERDICT_SAME] + v[ASSAY_VERDICT_BETTER];
  for (size_t i = 0; i < changes->count; i++)
    unsure += changes->items[i].is_main && changes->items[i].verdict == ASSAY_VERDICT_INCONCLUSIVE;
  if (v[ASSAY_VERDICT_CRITICAL] > 0) return ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS;
  if (v[ASSAY_VERDICT_WORSE] > 0) return ASSAY_REGRESS_HAS_REGRESSIONS;
  return unsure > 0 || judged == 0 ? ASSAY_REGRESS_INCONCLUSIVE : ASSAY_REGRESS_ALL_PASS;
}

static void count_verdicts(assay_changes *changes) {
  memset(changes->verdicts, 0, sizeof changes->verdicts);
  for (size_t i = 0; i < changes->count; i++) changes->verdicts[changes->items[i].verdict]++;
  changes->status = status_of(changes);
}

void assay_changes_filter(assay_changes *changes, bool (*keep)(const assay_change *change, void *user), void *user) {
  size_t kept = 0;
  for (size_t i = 0; i < changes->count; i++)
    if (keep == NULL || keep(&changes->items[i], user)) changes->items[kept++] = changes->items[i];
  changes->count = kept;
  count_verdicts(changes);
}

static assay_status allocate(assay_comparison *c, assay_error *err) {
  size_t most = c->before->benchmark_count + c->after->benchmark_count + 1;
  for (size_t i = 0; i < c->after->benchmark_count; i++) most += c->after->benchmarks[i].metric_count;
  c->changes = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *c->changes);
  assay_arena *arena = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *arena);
  if (c->changes != NULL) c->changes->storage = arena;
  if (arena != NULL) assay_arena_init(arena, ASSAY_TAG_RESULT);
  if (c->changes != NULL) c->changes->items = assay_calloc(ASSAY_TAG_RESULT, most, sizeof *c->changes->items);
  c->pairs = assay_calloc(ASSAY_TAG_RESULT, most, sizeof *c->pairs);
  c->old_index = make_index(c->before);
  c->new_index = make_index(c->after);
  if (c->old_index != NULL && c->new_index != NULL && arena != NULL && c->changes != NULL && c->changes->items != NULL && c->pairs != NULL)
    return ASSAY_OK;
  if (c->changes == NULL) assay_free(arena);
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for comparing two results");
}

static assay_status check_machines(const assay_comparison *c, assay_error *err) {
  const char *old = c->before->machine_id, *now = c->after->machine_id;
  c->changes->other_machine = old != NULL && now != NULL && strcmp(old, now) != 0;
  if (!c->changes->other_machine || c->config.other_machines) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                    "these results are of two machines (%s: %s; %s: %s), so a difference would say nothing of the code; --other-machines "
                    "compares them all the same",
                    old, c->before->machine_label != NULL ? c->before->machine_label : "unnamed", now,
                    c->after->machine_label != NULL ? c->after->machine_label : "unnamed");
}

static assay_status compare_all(assay_comparison *c, assay_error *err) {
  assay_status status = allocate(c, err);
  if (status == ASSAY_OK) status = check_machines(c, err);
  if (status != ASSAY_OK) return status;
  c->changes->alpha = c->config.alpha;
  add_all(c);
  status = assay_comparison_measure(c);
  if (status == ASSAY_OK && !c->config.interleaved) assay_comparison_moderate(c);
  if (status == ASSAY_OK) status = assay_comparison_find_noise(c);
  if (status == ASSAY_OK) assay_comparison_conclude(c);
  if (status == ASSAY_OK) status = adjust(c, true);
  if (status == ASSAY_OK) status = adjust(c, false);
  if (status != ASSAY_OK) return ASSAY_FAIL(err, status, "out of memory for comparing two results");
  assay_comparison_judge(c);
  count_verdicts(c->changes);
  if (!c->config.every_metric) assay_changes_filter(c->changes, is_told, NULL);
  return ASSAY_OK;
}

assay_status assay_compare(const assay_result *before, const assay_result *after, const assay_compare_config *config, assay_error *err,
                           assay_changes **changes) {
  assay_comparison c = {.before = before, .after = after};
  if (config != NULL) c.config = *config;
  if (c.config.alpha == 0) c.config.alpha = 0.05;
  if (!(c.config.alpha > 0 && c.config.alpha < 1))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "alpha must lie between 0 and 1, not %g", c.config.alpha);
  assay_status status = compare_all(&c, err);
  assay_free(c.pairs);
  assay_free(c.old_index);
  assay_free(c.new_index);
  if (status == ASSAY_OK)
    *changes = c.changes;
  else
    assay_changes_destroy(c.changes);
  return status;
}

void assay_changes_destroy(assay_changes *changes) {
  if (changes == NULL) return;
  if (changes->storage != NULL) assay_arena_deinit(changes->storage);
  assay_free(changes->storage);
  assay_free(changes->items);
  assay_free(changes);
}

const char *assay_verdict_text(assay_verdict verdict) {
  static const char *const texts[] = {"same", "better", "worse", "critical", "inconclusive", "missing", "new"};
  return (unsigned)verdict < sizeof texts / sizeof *texts ? texts[verdict] : "unknown";
}

const char *assay_regress_status_text(assay_regress_status status) {
  static const char *const texts[] = {"AllPass", "HasRegressions", "HasCriticalRegressions", "Inconclusive"};
  return (unsigned)status < sizeof texts / sizeof *texts ? texts[status] : "unknown";
}

int assay_changes_exit_code(const assay_changes *changes) {
  switch (changes->status) {
    case ASSAY_REGRESS_ALL_PASS: return ASSAY_EXIT_FINE;
    case ASSAY_REGRESS_HAS_REGRESSIONS:
    case ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS: return ASSAY_EXIT_MISSED;
    case ASSAY_REGRESS_INCONCLUSIVE: break;
  }
  return ASSAY_EXIT_INCONCLUSIVE;
}

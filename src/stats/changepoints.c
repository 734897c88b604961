/* SPDX-License-Identifier: MIT */
/* From a series to its change points: which description of it is the shortest, and which of its changes stand on their own. */
#include <assay/changepoints.h>

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stats/changepoints_inner.h"
#include "stats/inner.h"

/* Chance that a change which is reported is none, after allowing for the search; spread needs more, since noise that clusters is common. */
static const double LEAST_SURE = 0.01, LEAST_SURE_SPREAD = 0.0005;
/* A spread that changed by less is no news. */
static const double SPREAD_RATIO = 2;

typedef struct finder {
  assay_arena *arena;
  assay_cp_work work;
  assay_cp_series series;
  double *weight;
  /* The description that won. */
  assay_cp_view view;
  assay_cp_fit fit;
  bool differences; /* of neighbours are what it describes: a level there is a slope of the series */
  bool calm;        /* strays were laid on their level, since they are modes of the noise */
  double drift;     /* > 0: no change at all but a level that wanders, each step with so much of the noise's variance */
} finder;

/* ---- Descriptions ------------------------------------------------------------------------------------------------------------------ */

static void consider(finder *f, const assay_cp_view *view, bool differences) {
  assay_cp_fit fit;
  assay_cp_search(view, f->arena, &f->work, &fit);
  if (f->arena->failed || (f->view.x != NULL && fit.criterion >= f->fit.criterion)) return;
  f->view = *view;
  f->fit = fit;
  f->differences = differences;
}

static double *new_columns(finder *f) { return assay_arena_alloc(f->arena, f->series.count * f->series.columns, sizeof(double)); }

/* The series as steps on a slow curve, each fitted to what the other leaves; first without steps, then with those that were found best. */
static void consider_curve(finder *f, const assay_cp_view *plain) {
  double log_n = log((double)plain->whole);
  assay_cp_fit steps = {0};
  for (int round = 0; round < 3; round++) {
    double *rest = new_columns(f);
    if (f->arena->failed) return;
    size_t degree = assay_cp_remove_curve(plain->x, steps.at, steps.changes, plain->count, plain->columns, f->arena, rest);
    if (f->arena->failed) return;
    if (degree > 0) {
      assay_cp_view view = *plain;
      view.x = rest;
      view.spent += degree;
      view.price += assay_cp_price_of_trend(plain->whole, plain->columns) + (double)((degree - 1) * plain->columns) * log_n;
      view.with_slope = false;
      view.coarse = true;
      consider(f, &view, false);
    }
    if (f->arena->failed || f->fit.changes == 0 || (round > 0 && f->view.x != rest)) return;
    steps = f->fit;
  }
}

/* The differences of neighbours: a smooth curve whose slope wanders, or changes at once. */
static void consider_differences(finder *f, const assay_cp_view *plain) {
  size_t n = plain->count - 1;
  double *rest = new_columns(f);
  if (f->arena->failed) return;
  for (size_t c = 0; c < plain->columns; c++)
    for (size_t i = 0; i < n; i++) rest[c * n + i] = plain->x[c * plain->count + i + 1] - plain->x[c * plain->count + i];
  assay_cp_view view = *plain;
  view.x = rest;
  view.count = n;
  view.spent += 1;
  view.price += assay_cp_price_of_trend(plain->whole, plain->columns);
  view.shortest = ASSAY_CP_SHORTEST_SLOPE;
  view.with_slope = false;
  view.coarse = true;
  consider(f, &view, true);
}

/*
 * A level that wanders under white noise (a random walk plus noise, by the Kalman filter with a diffuse start): no change at any one place.
 * A first-order autoregression cannot say that, and steps would stand in for it. Gives the -2 log likelihood but for the variance of column
 * c, and the innovations where `off` is not NULL.
 */
static double wander(const assay_cp_view *view, size_t c, double drift, double *off) {
  const double *x = view->x + c * view->count;
  double n = (double)view->whole, level = x[0], doubt = 1 / view->weight[0] + drift, rss = 0, total = 0;
  for (size_t i = 1; i < view->count; i++) {
    double spread = doubt + 1 / view->weight[i], step = x[i] - level, gain = doubt / spread;
    rss += step * step / spread;
    total += log(spread * view->weight[i]);
    level += gain * step;
    doubt = doubt * (1 - gain) + drift;
    if (off != NULL) off[i] = step / sqrt(spread * view->weight[i]);
  }
  return total + n * log(fmax(rss, n * view->floor[c]) / (n - 2 - (double)view->spent));
}

static void consider_wander(finder *f, const assay_cp_view *plain) {
  static const double drifts[] = {0.003, 0.01, 0.03, 0.1, 0.3, 1, 3};
  if (f->fit.changes == 0 || (double)plain->whole < 3 + (double)plain->spent) return;
  for (size_t k = 0; k < sizeof drifts / sizeof *drifts; k++) {
    double criterion = plain->price + log((double)plain->whole);
    for (size_t c = 0; c < plain->columns; c++) criterion += wander(plain, c, drifts[k], NULL);
    if (criterion >= f->fit.criterion) continue;
    f->view = *plain;
    f->fit.changes = 0;
    f->fit.criterion = criterion;
    f->differences = false;
    f->drift = drifts[k];
  }
}

/* Whether the cleaning found anything, but for the ends, where it has fewer neighbours to compare with. */
static bool any_stray(const assay_cp_series *series) {
  size_t n = series->count;
  for (size_t i = 0; i < n * series->columns; i++)
    if (series->raw[i] != series->clean[i] && i % n >= 3 && i % n + 3 < n) return true;
  return false;
}

/*
 * Takes changes out that may be chance runs of strays; false where there were any. Then the shape was fitted to noise that looked like
 * levels: strays are laid on the level that they stray from, and the correlation of neighbours is that of what is left.
 */
static bool runs_hold(finder *f) {
  assay_cp_view *view = &f->view;
  size_t n = f->series.count, m = view->count, d = view->columns;
  if (f->fit.changes == 0 || !any_stray(&f->series)) return true;
  double *raw = new_columns(f), *calm = new_columns(f), *noise = assay_arena_alloc(f->arena, d, sizeof *noise);
  if (f->arena->failed) return true;
  for (size_t c = 0; c < d; c++) {
    const double *all = f->series.raw + c * n, *clean = f->series.clean + c * n;
    noise[c] = f->series.noise[c] * (f->differences ? M_SQRT2 : 1);
    for (size_t i = 0; i < m; i++)
      raw[c * m + i] = view->x[c * m + i] + (f->differences ? (all[i + 1] - clean[i + 1]) - (all[i] - clean[i]) : all[i] - clean[i]);
  }
  if (!assay_cp_drop_chance_runs(view, raw, noise, f->calm, f->arena, &f->fit, calm) || f->arena->failed) return true;
  for (size_t i = 0; i < n * d && !f->differences; i++) f->series.clean[i] += calm[i] - view->x[i];
  view->x = calm;
  f->calm = true;
  return false;
}

static assay_cp_view plain_view(const finder *f) {
  const assay_cp_series *series = &f->series;
  return (assay_cp_view){.x = series->clean,
                         .weight = f->weight,
                         .floor = series->floor,
                         .count = series->count,
                         .columns = series->columns,
                         .whole = series->count,
                         .with_slope = true};
}

static void describe(finder *f) {
  const assay_cp_series *series = &f->series;
  assay_cp_view plain = plain_view(f);
  f->view = (assay_cp_view){0};
  f->drift = 0;
  consider(f, &plain, false);
  double *rest = new_columns(f);
  if (f->arena->failed) return;
  size_t period = assay_cp_remove_season(series->clean, series->count, series->columns, f->arena, rest);
  if (f->arena->failed) return;
  if (period > 0) {
    assay_cp_view seasonal = plain;
    seasonal.x = rest;
    seasonal.spent = period - 1;
    seasonal.price = (double)((period - 1) * series->columns) * log((double)series->count);
    consider(f, &seasonal, false);
    if (f->view.x == rest) plain = seasonal;
  }
  consider_curve(f, &plain);
  if (!f->arena->failed) consider_differences(f, &plain);
  if (!f->arena->failed) consider_wander(f, &plain);
  if (!f->arena->failed && f->fit.changes > 0) assay_cp_polish(&f->view, f->arena, &f->work, &f->fit);
}

enum { LONG = 1000 };

/* Whether so many values were pulled towards their neighbours that they may be a mode of the noise. */
static bool has_many_strays(const assay_cp_series *series) {
  for (size_t c = 0; c < series->columns; c++) {
    size_t strays = 0;
    for (size_t i = c * series->count; i < (c + 1) * series->count; i++) strays += series->clean[i] != series->raw[i];
    if (20 * strays > series->count) return true;
  }
  return false;
}

/* Steps alone, and whether each of them stands against the strays; where not, these are laid on their level. */
static bool levels_hold(finder *f) {
  f->calm = false;
  f->view = (assay_cp_view){0};
  assay_cp_view plain = plain_view(f);
  plain.with_slope = false;
  consider(f, &plain, false);
  return f->arena->failed || runs_hold(f);
}

/*
 * Where changes turn out to be chance runs of strays, curves and seasons were fitted to such runs as well: levels alone say what strays
 * where, and once the strays are laid down everything is asked again.
 */
static void describe_modes_too(finder *f) {
  size_t cells = f->series.count * f->series.columns;
  double *clean = f->series.clean, *copy = new_columns(f);
  /* In a long series of many strays the levels are asked first, since the full description would most likely be thrown away. */
  bool laid = f->series.count >= LONG && has_many_strays(&f->series) && !levels_hold(f);
  describe(f);
  if (laid && !f->arena->failed) runs_hold(f);
  if (laid || f->arena->failed || f->fit.changes == 0) return;
  memcpy(copy, clean, cells * sizeof *copy);
  if (runs_hold(f)) return;
  memcpy(clean, copy, cells * sizeof *copy);
  if (levels_hold(f)) return;
  describe(f);
  if (!f->arena->failed) runs_hold(f);
}

/* ---- Is each change real? ---------------------------------------------------------------------------------------------------------- */

typedef struct verdict {
  double p_value;
  size_t column; /* that moved most, in units of its noise */
} verdict;

/* Survival function of chi-square by the cube root (Wilson and Hilferty 1931): used for several columns, where thresholds are far off. */
static double chi_square_tail(double x, double df) {
  double z = (cbrt(x / df) - (1 - 2 / (9 * df))) / sqrt(2 / (9 * df));
  return 0.5 * erfc(z / M_SQRT2);
}

/*
 * Noise of the two segments beside a change. Each segment's own variance is drawn towards that of the whole (worth so many values), because
 * three values say little; then weighed as in Welch's test, so that it is the shorter segment whose noise counts.
 */
static double noise_beside(const double *rss, const double *df, const double *lengths, double whole, double *freedom) {
  static const double WORTH = 6;
  double a = (WORTH * whole + rss[0]) / (WORTH + df[0]), b = (WORTH * whole + rss[1]) / (WORTH + df[1]);
  double wa = a * lengths[1], wb = b * lengths[0];
  *freedom = (wa + wb) * (wa + wb) / (wa * wa / (WORTH + df[0]) + wb * wb / (WORTH + df[1]));
  return (wa + wb) / (lengths[0] + lengths[1]);
}

/* Student's or F's tail for one or two parameters of one column, chi-square's for more; then times the number of places that were looked
 * at, as far as they are independent: about b^2 log(n) / 2 for a deviation b (James, James and Siegmund 1987). */
static double tail(double statistic, size_t columns, bool sloped, double freedom, double places) {
  double p = columns > 1 ? chi_square_tail(statistic, (double)(columns * (sloped ? 2 : 1)))
             : sloped    ? pow(1 + statistic / freedom, -freedom / 2)
                         : assay_stats_t_pvalue(sqrt(statistic), freedom);
  return fmin(1, p * fmax(1, 0.55 * statistic / (double)columns * log(places)));
}

static verdict judge(const assay_cp_view *view, const assay_cp_fit *fit, const assay_cp_model *model, const double *whole, size_t k) {
  size_t low = k == 0 ? 0 : fit->at[k - 1], at = fit->at[k], high = k + 1 == fit->changes ? view->count : fit->at[k + 1];
  double lengths[2] = {(double)(at - low), (double)(high - at)}, total = 0, freedom = INFINITY, most = -1;
  verdict answer = {.p_value = 1};
  for (size_t c = 0; c < view->columns; c++) {
    double rss[2] = {assay_cp_cost(model, c, low, at), assay_cp_cost(model, c, at, high)};
    double df[2] = {fmax(lengths[0] - (fit->sloped ? 2 : 1), 0), fmax(lengths[1] - (fit->sloped ? 2 : 1), 0)};
    double gain = assay_cp_cost(model, c, low, high) - rss[0] - rss[1], own = 0;
    double noise = noise_beside(rss, df, lengths, whole[c], &own);
    double statistic = fmax(gain, 0) / fmax(noise, view->floor[c]);
    total += statistic;
    freedom = fmin(freedom, own);
    if (statistic > most) most = statistic, answer.column = c;
  }
  answer.p_value = tail(total, view->columns, fit->sloped, freedom, (double)view->count);
  return answer;
}

/* The variance of innovations over all segments, of each column. */
static void whole_noise(const assay_cp_view *view, const assay_cp_fit *fit, const assay_cp_model *model, double *whole) {
  double spent = (double)(fit->changes + 1) * (fit->sloped ? 2 : 1);
  for (size_t c = 0; c < view->columns; c++) {
    double rss = 0;
    for (size_t k = 0; k <= fit->changes; k++)
      rss += assay_cp_cost(model, c, k == 0 ? 0 : fit->at[k - 1], k == fit->changes ? view->count : fit->at[k]);
    whole[c] = fmax(rss / fmax((double)view->count - spent, 1), view->floor[c]);
  }
}

/* From here on the noise is a walk, and what a change is measured by is one jump and not the levels of many values. */
static const double WALK = 0.7;

/* The largest innovation of column c that is no change. */
static double largest_step(const assay_cp_view *view, const assay_cp_fit *fit, size_t c, const double *line) {
  const double *x = view->x + c * view->count;
  double largest = 0;
  for (size_t i = 1, k = 0; i < view->count; i++) {
    if (k < fit->changes && fit->at[k] == i) {
      k++;
      continue;
    }
    double step = x[i] - line[i] - fit->phi * (x[i - 1] - line[i - 1]);
    largest = fmax(largest, step * step * view->weight[i]);
  }
  return largest;
}

/*
 * The steps of a walk are often heavy-tailed, and the largest of them are no changes. No table says how heavy; but the largest of n values
 * from a heavy tail is seldom much larger than the next one (more than 1.8 times as large in one case of six for a tail of exponent 3),
 * while a jump that is something else is.
 */
static double jump_of(const assay_cp_view *view, const assay_cp_fit *fit, const assay_cp_model *model, size_t c, size_t k) {
  size_t low = k == 0 ? 0 : fit->at[k - 1], at = fit->at[k], high = k + 1 == fit->changes ? view->count : fit->at[k + 1];
  return assay_cp_cost(model, c, low, high) - assay_cp_cost(model, c, low, at) - assay_cp_cost(model, c, at, high);
}

static void doubt_jumps(const assay_cp_view *view, const assay_cp_fit *fit, const assay_cp_model *model, const double *largest,
                        verdict *found) {
  for (size_t k = 0; k < fit->changes; k++)
    if (jump_of(view, fit, model, found[k].column, k) < 3.24 * largest[found[k].column]) found[k].p_value = fmax(found[k].p_value, 0.05);
}

/* Takes the least sure change out until all that are left are sure. */
static const assay_cp_model *prune(finder *f, const assay_cp_view *view, assay_cp_fit *fit, double least_sure, verdict **verdicts,
                                   double **noise) {
  const assay_cp_model *model = assay_cp_model_make(view, fit->sloped, fit->phi, f->arena);
  verdict *found = assay_arena_alloc(f->arena, fit->changes + 1, sizeof *found);
  double *whole = assay_arena_alloc(f->arena, view->columns, sizeof *whole), *line = assay_arena_alloc(f->arena, view->count, sizeof *line);
  double *largest = assay_arena_alloc(f->arena, view->columns, sizeof *largest);
  if (f->arena->failed) return NULL;
  whole_noise(view, fit, model, whole);
  for (size_t c = 0; c < view->columns && fit->phi >= WALK; c++) {
    assay_cp_draw(view, fit, c, line);
    largest[c] = largest_step(view, fit, c, line);
  }
  for (size_t k = 0; k < fit->changes; k++) found[k] = judge(view, fit, model, whole, k);
  for (;;) {
    size_t worst = SIZE_MAX;
    if (fit->phi >= WALK) doubt_jumps(view, fit, model, largest, found);
    for (size_t k = 0; k < fit->changes; k++)
      if (found[k].p_value > least_sure && (worst == SIZE_MAX || found[k].p_value > found[worst].p_value)) worst = k;
    if (worst == SIZE_MAX) break;
    double *same = &largest[found[worst].column]; /* a jump that is none is one of the others' steps */
    *same = fmax(*same, jump_of(view, fit, model, found[worst].column, worst));
    memmove(fit->at + worst, fit->at + worst + 1, (fit->changes - worst - 1) * sizeof *fit->at);
    memmove(found + worst, found + worst + 1, (fit->changes - worst - 1) * sizeof *found);
    fit->changes--;
    if (worst > 0) found[worst - 1] = judge(view, fit, model, whole, worst - 1);
    if (worst < fit->changes) found[worst] = judge(view, fit, model, whole, worst);
  }
  *verdicts = found;
  *noise = whole;
  return model;
}

/* ---- Spread ------------------------------------------------------------------------------------------------------------------------ */

typedef struct ranked {
  double size;
  size_t at;
} ranked;

static int by_size(const void *left, const void *right) {
  const ranked *a = left, *b = right;
  if (a->size != b->size) return a->size < b->size ? -1 : 1;
  return (a->at > b->at) - (a->at < b->at);
}

/* Normal scores of the sizes: whatever the noise is like, they are; a spread that changes is a step in them. */
static void score_sizes(const double *off, size_t n, ranked *order, double *scores) {
  for (size_t i = 0; i < n; i++) order[i] = (ranked){.size = fabs(off[i]), .at = i};
  qsort(order, n, sizeof *order, by_size);
  for (size_t from = 0, to; from < n; from = to) {
    for (to = from + 1; to < n && order[to].size == order[from].size;) to++;
    double score = assay_stats_normal_quantile(0.5 * (double)(from + to) / (double)n);
    for (size_t k = from; k < to; k++) scores[order[k].at] = score;
  }
}

/* What the winning description leaves of each value, as innovations. Of a view that lacks the first value, its first is 0. */
static void leftovers(const finder *f, size_t c, double *line, double *off) {
  const assay_cp_view *view = &f->view;
  size_t n = f->series.count, m = view->count, skip = n - m;
  const double *x = view->x + c * m, *raw = f->series.raw + c * n, *clean = f->series.clean + c * n;
  assay_cp_draw(view, &f->fit, c, line);
  for (size_t i = 0; i < n; i++) off[i] = 0;
  if (f->drift > 0) {
    wander(view, c, f->drift, off);
    for (size_t i = 0; i < n; i++) off[i] += raw[i] - clean[i];
    return;
  }
  for (size_t i = 0, k = 0; i < m; i++) {
    double now = x[i] - line[i], before = i > 0 ? x[i - 1] - line[i - 1] : 0;
    bool fresh = i == 0 || (k < f->fit.changes && f->fit.at[k] == i);
    k += fresh && i > 0;
    off[i + skip] = now - (fresh ? 0 : f->fit.phi * before) + (raw[i + skip] - clean[i + skip]);
  }
}

typedef struct spread_change {
  size_t at;
  double p_value;
  size_t column;
} spread_change;

/*
 * Finds where the spread of what is left changes and sets the weights of the rows by it (1 / variance, 1 on average). Gives the number of
 * changes.
 */
static size_t find_spread(finder *f, spread_change **changes) {
  size_t n = f->series.count, d = f->series.columns;
  double *scores = new_columns(f), *off = new_columns(f), *line = assay_arena_alloc(f->arena, n, sizeof *line);
  double *ones = assay_arena_alloc(f->arena, n, sizeof *ones), *floors = assay_arena_alloc(f->arena, d, sizeof *floors);
  ranked *order = assay_arena_alloc(f->arena, n, sizeof *order);
  *changes = NULL;
  if (f->arena->failed || n < 40) return 0;
  for (size_t i = 0; i < n; i++) ones[i] = 1;
  for (size_t c = 0; c < d; c++) {
    floors[c] = 0.05;
    leftovers(f, c, line, off + c * n);
    score_sizes(off + c * n, n, order, scores + c * n);
  }
  assay_cp_view view = {.x = scores, .weight = ones, .floor = floors, .count = n, .columns = d, .whole = n, .shortest = 12};
  assay_cp_fit fit;
  verdict *verdicts;
  double *noise;
  assay_cp_search(&view, f->arena, &f->work, &fit);
  if (f->arena->failed || fit.changes == 0 || prune(f, &view, &fit, LEAST_SURE_SPREAD, &verdicts, &noise) == NULL) return 0;
  spread_change *found = assay_arena_alloc(f->arena, fit.changes + 1, sizeof *found);
  double *weight = assay_arena_alloc(f->arena, n, sizeof *weight);
  if (f->arena->failed || fit.changes == 0) return 0;
  size_t count = 0;
  double sum = 0, last = NAN;
  for (size_t k = 0; k <= fit.changes; k++) {
    size_t from = k == 0 ? 0 : fit.at[k - 1], to = k == fit.changes ? n : fit.at[k];
    size_t column = verdicts[k == fit.changes ? k - 1 : k].column;
    double spread = fmax(assay_cp_scale(off + column * n + from, to - from, line), 1e-3);
    bool changed = k > 0 && fmax(spread / last, last / spread) >= SPREAD_RATIO;
    if (changed) found[count++] = (spread_change){.at = from, .p_value = verdicts[k - 1].p_value, .column = verdicts[k - 1].column};
    if (k == 0 || changed) last = spread;
    for (size_t i = from; i < to; i++) sum += weight[i] = 1 / (last * last);
  }
  if (count == 0) return 0;
  for (size_t i = 0; i < n; i++) f->weight[i] = fmax(0.01, weight[i] * (double)n / sum);
  *changes = found;
  return count;
}

/* ---- Places ------------------------------------------------------------------------------------------------------------------------ */

/* The shortest range around the best place that holds 95 % of the likelihood of all places between the neighbouring changes. */
static void place_range(const finder *f, const assay_cp_model *model, const double *noise, size_t k, double *mass, size_t *low,
                        size_t *high) {
  const assay_cp_view *view = &f->view;
  const assay_cp_fit *fit = &f->fit;
  size_t from = k == 0 ? 0 : fit->at[k - 1], at = fit->at[k], to = k + 1 == fit->changes ? view->count : fit->at[k + 1];
  double least = INFINITY, sum = 0, inside;
  for (size_t i = from + 1; i < to; i++) {
    mass[i] = 0;
    for (size_t c = 0; c < view->columns; c++) mass[i] += (assay_cp_cost(model, c, from, i) + assay_cp_cost(model, c, i, to)) / noise[c];
    least = fmin(least, mass[i]);
  }
  for (size_t i = from + 1; i < to; i++) sum += mass[i] = exp(-0.5 * (mass[i] - least));
  *low = *high = at;
  for (inside = mass[at]; inside < 0.95 * sum;) {
    double left = *low > from + 1 ? mass[*low - 1] : -1, right = *high + 1 < to ? mass[*high + 1] : -1;
    if (left < 0 && right < 0) break;
    if (left >= right)
      inside += mass[--*low];
    else
      inside += mass[++*high];
  }
}

/* A slope that changes is a step in levels too; what counts is which of the two moves the values more over the shorter segment. */
static bool is_trend(const finder *f, const double *line, size_t k) {
  const assay_cp_fit *fit = &f->fit;
  if (f->differences) return true;
  if (!fit->sloped) return false;
  size_t from = k == 0 ? 0 : fit->at[k - 1], at = fit->at[k], to = k + 1 == fit->changes ? f->view.count : fit->at[k + 1];
  double before = line[from + 1] - line[from], after = line[at + 1] - line[at];
  double jump = fabs(line[at] - (line[at - 1] + before)), bend = fabs(after - before) * (double)(at - from < to - at ? at - from : to - at);
  return bend > jump;
}

/* ---- The answer -------------------------------------------------------------------------------------------------------------------- */

/* Median of the caller's values of rows [from, to), or their MAD. */
static double level_of(const double *values, size_t columns, size_t column, size_t from, size_t to, bool spread, double *scratch) {
  size_t m = 0;
  for (size_t r = from; r < to; r++)
    if (!isnan(values[r * columns + column])) scratch[m++] = values[r * columns + column];
  return spread ? assay_stats_mad(scratch, m) : assay_stats_median(scratch, m);
}

static int by_index(const void *left, const void *right) {
  const assay_changepoint *a = left, *b = right;
  return (a->index > b->index) - (a->index < b->index);
}

typedef struct answer {
  assay_changepoint *points;
  size_t count;
} answer;

static void add_levels(finder *f, const assay_cp_model *model, const verdict *verdicts, const double *noise, answer *out) {
  size_t skip = f->series.count - f->view.count;
  double *mass = assay_arena_alloc(f->arena, f->view.count + 1, sizeof *mass),
         *line = assay_arena_alloc(f->arena, f->view.count, sizeof *line);
  if (f->arena->failed) return;
  size_t drawn = SIZE_MAX;
  for (size_t k = 0; k < f->fit.changes; k++) {
    size_t low, high;
    place_range(f, model, noise, k, mass, &low, &high);
    if (drawn != verdicts[k].column) assay_cp_draw(&f->view, &f->fit, drawn = verdicts[k].column, line);
    out->points[out->count++] = (assay_changepoint){.kind = is_trend(f, line, k) ? ASSAY_CHANGEPOINT_TREND : ASSAY_CHANGEPOINT_LEVEL,
                                                    .index = f->fit.at[k] + skip,
                                                    .low = low + skip,
                                                    .high = high + skip,
                                                    .p_value = verdicts[k].p_value,
                                                    .column = verdicts[k].column};
  }
}

/* A spread that changes together with the level is one change. */
static void add_spreads(const finder *f, const spread_change *changes, size_t count, answer *out) {
  size_t levels = out->count, n = f->series.count;
  for (size_t k = 0; k < count; k++) {
    bool together = false;
    size_t reach = 5 + n / 50;
    for (size_t i = 0; i < levels && !together; i++)
      together = out->points[i].index + reach >= changes[k].at && changes[k].at + reach >= out->points[i].index;
    if (together) continue;
    out->points[out->count++] = (assay_changepoint){.kind = ASSAY_CHANGEPOINT_SPREAD,
                                                    .index = changes[k].at,
                                                    .low = changes[k].at > reach ? changes[k].at - reach : 1,
                                                    .high = changes[k].at + reach < n ? changes[k].at + reach : n - 1,
                                                    .p_value = changes[k].p_value,
                                                    .column = changes[k].column};
  }
  qsort(out->points, out->count, sizeof *out->points, by_index);
}

/* Indices become the caller's, and the figures on both sides come from the caller's values. */
static void fill_figures(const finder *f, const double *values, size_t count, size_t columns, double *scratch, answer *out) {
  for (size_t k = 0; k < out->count; k++) {
    assay_changepoint *p = &out->points[k];
    p->index = f->series.row[p->index];
    p->low = f->series.row[p->low];
    p->high = f->series.row[p->high];
    p->column = f->series.column[p->column];
  }
  for (size_t k = 0; k < out->count; k++) {
    assay_changepoint *p = &out->points[k];
    bool spread = p->kind == ASSAY_CHANGEPOINT_SPREAD;
    size_t from = k == 0 ? 0 : out->points[k - 1].index, to = k + 1 == out->count ? count : out->points[k + 1].index;
    p->before = level_of(values, columns, p->column, from, p->index, spread, scratch);
    p->after = level_of(values, columns, p->column, p->index, to, spread, scratch);
    p->change_ratio = p->before != 0 ? (p->after - p->before) / fabs(p->before) : NAN;
  }
}

static void find(finder *f, const double *values, size_t count, size_t columns, answer *out) {
  assay_cp_prepare(values, count, columns, f->arena, &f->series);
  size_t n = f->series.count;
  if (f->arena->failed || n < ASSAY_CP_LEAST || f->series.columns == 0) return;
  f->weight = assay_arena_alloc(f->arena, n, sizeof *f->weight);
  if (f->arena->failed) return;
  for (size_t i = 0; i < n; i++) f->weight[i] = 1;
  describe_modes_too(f);
  spread_change *spreads = NULL;
  size_t spread_count = f->arena->failed ? 0 : find_spread(f, &spreads);
  if (spread_count > 0) describe(f); /* the noisy parts count less now */
  verdict *verdicts;
  double *noise;
  const assay_cp_model *model = NULL;
  for (int round = 0; round < 8; round++) { /* what was taken out are strays in the next round */
    model = f->arena->failed ? NULL : prune(f, &f->view, &f->fit, LEAST_SURE, &verdicts, &noise);
    if (model == NULL || runs_hold(f)) break;
  }
  if (model == NULL || f->fit.changes + spread_count == 0) return;
  out->points = assay_calloc(ASSAY_TAG_STATS, f->fit.changes + spread_count, sizeof *out->points);
  double *scratch = assay_arena_alloc(f->arena, count, sizeof *scratch);
  if (out->points == NULL) f->arena->failed = true;
  if (f->arena->failed) return;
  add_levels(f, model, verdicts, noise, out);
  add_spreads(f, spreads, spread_count, out);
  fill_figures(f, values, count, columns, scratch, out);
}

assay_status assay_cp_find(const double *values, size_t count, size_t columns, assay_cp_work *work, assay_error *err,
                           assay_changepoint **points, size_t *point_count) {
  size_t cells = 0;
  if (columns == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a series needs at least one column");
  if (__builtin_mul_overflow(count, columns, &cells)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a series of that size cannot be");
  for (size_t i = 0; i < cells; i++)
    if (isinf(values[i]))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "row %zu, column %zu of the series is infinite; leave it out or make it NaN", i / columns,
                        i % columns);
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_STATS);
  finder f = {.arena = &arena};
  answer out = {0};
  find(&f, values, count, columns, &out);
  bool failed = arena.failed;
  *work = f.work;
  assay_arena_deinit(&arena);
  if (failed || out.count == 0) {
    assay_free(out.points);
    out = (answer){0};
  }
  if (failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a series of %zu values", cells);
  *points = out.points;
  *point_count = out.count;
  return ASSAY_OK;
}

assay_status assay_changepoints_find(const double *values, size_t count, size_t columns, assay_error *err, assay_changepoint **points,
                                     size_t *point_count) {
  assay_cp_work work;
  return assay_cp_find(values, count, columns, &work, err, points, point_count);
}

const char *assay_changepoint_kind_text(assay_changepoint_kind kind) {
  switch (kind) {
    case ASSAY_CHANGEPOINT_LEVEL: return "level";
    case ASSAY_CHANGEPOINT_TREND: return "trend";
    case ASSAY_CHANGEPOINT_SPREAD: return "spread";
  }
  return "unknown";
}

void assay_changepoints_free(assay_changepoint *points) { assay_free(points); }

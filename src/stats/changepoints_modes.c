/* SPDX-License-Identifier: MIT */
/*
 * Noise with modes: a benchmark that is now and then slower by a fixed amount (a page layout, a core, a cache) has values that keep away
 * from the level without being outliers. Lone ones are pulled in, and a chance run of them looks like a level of its own, surely and
 * sharply. So of each change it is asked whether the shorter of its two segments could be such a run.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/changepoints_inner.h"
#include "stats/inner.h"

/* Farther from its level than this, in standard deviations, a value is a stray. */
static const double STRAY = 4;
/* As in the judging of changes (changepoints.c). */
static const double LEAST_SURE = 0.01;

typedef struct column_view {
  double *line; /* level (and slope) of each segment through the values as they are, not as they were cleaned */
  double *strays;
  size_t stray_count; /* how far strays are from their segment's level, ascending */
  double least;       /* and how far they have to be */
} column_view;

typedef struct ranked {
  double value;
  bool inside;
} ranked;

typedef struct modes {
  const assay_cp_view *view;
  const double *raw;
  assay_cp_fit *fit;
  column_view *columns;
  double *scratch;
  ranked *ranks;
} modes;

static size_t start_of(const modes *m, size_t k) { return k == 0 ? 0 : m->fit->at[k - 1]; }
static size_t end_of(const modes *m, size_t k) { return k == m->fit->changes ? m->view->count : m->fit->at[k]; }

/* The mean of the values near the median: where many stray to one side, the median itself is at the edge of the others. Reorders. */
static double middle_of(double *values, size_t count, double near) {
  double median = assay_cp_select(values, count, (count - 1) / 2), total = 0;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (fabs(values[i] - median) <= near) total += values[i], kept++;
  return total / (double)kept;
}

static void look_at(modes *m, size_t c) {
  const double *raw = m->raw + c * m->view->count;
  column_view *column = &m->columns[c];
  assay_cp_draw(m->view, m->fit, c, column->line);
  column->stray_count = 0;
  for (size_t k = 0; k <= m->fit->changes; k++) {
    size_t from = start_of(m, k), to = end_of(m, k);
    for (size_t i = from; i < to; i++) m->scratch[i - from] = raw[i] - column->line[i];
    double shift = middle_of(m->scratch, to - from, column->least);
    for (size_t i = from; i < to; i++) {
      column->line[i] += shift;
      double off = fabs(raw[i] - column->line[i]);
      if (off > column->least) column->strays[column->stray_count++] = off;
    }
  }
  assay_stats_sort(column->strays, column->stray_count);
}

static size_t count_below(const double *sorted, size_t count, double limit) {
  size_t low = 0, high = count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (sorted[middle] < limit)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* At least `hits` of `tries` with that chance each, by Chernoff's bound. */
static double tail_of_hits(size_t hits, size_t tries, double chance) {
  double share = (double)hits / (double)tries;
  if (share <= chance) return 1;
  double divergence = share * log(share / chance) + (share < 1 ? (1 - share) * log((1 - share) / (1 - chance)) : 0);
  return exp(-(double)tries * divergence);
}

/*
 * A value's chance to be a stray, from the share of those that are. Where strays are common some of them stand in runs that were taken for
 * levels: with two modes that are equally likely the segments hide two in five of them.
 */
static double chance_of_stray(size_t strays, size_t count) {
  double share = (double)(strays + 1) / (double)(count + 1);
  return fmin(share * (1 + 2 * share), fmax(share, 0.5));
}

/* Of one column: how far the values of [from, to) are from the line of their neighbour [beside, beyond), continued. Gives the middle. */
static double gap_between(const modes *m, size_t c, size_t from, size_t to, size_t beside, size_t beyond, double *off) {
  const double *line = m->columns[c].line, *raw = m->raw + c * m->view->count;
  double slope = beyond - beside > 1 ? (line[beyond - 1] - line[beside]) / (double)(beyond - 1 - beside) : 0;
  for (size_t i = from; i < to; i++) off[i - from] = raw[i] - (line[beside] + slope * ((double)i - (double)beside));
  size_t middle = (from + to) / 2;
  return off[middle - from] - (raw[middle] - line[middle]);
}

/* The chance that so many of `count` values are strays at a distance in [least, most), on the side that `least` has the sign of. */
static double run_within(const modes *m, size_t c, const double *off, size_t count, double least, double most) {
  const column_view *column = &m->columns[c];
  size_t hits = 0,
         strays = count_below(column->strays, column->stray_count, most) - count_below(column->strays, column->stray_count, fabs(least));
  if (strays == 0) return 0;
  for (size_t i = 0; i < count; i++) hits += (off[i] > 0) == (least > 0) && fabs(off[i]) >= fabs(least) && fabs(off[i]) < most;
  return tail_of_hits(hits, count, chance_of_stray(strays, m->view->count));
}

static int by_value(const void *left, const void *right) {
  double a = ((const ranked *)left)->value, b = ((const ranked *)right)->value;
  return (a > b) - (a < b);
}

/* Wilcoxon's rank sum of the two segments: whatever the modes are, they are the same on both sides of a change that is none. */
static double chance_of_ranks(const modes *m, size_t c, size_t from, size_t to, size_t beside, size_t beyond) {
  const double *line = m->columns[c].line, *raw = m->raw + c * m->view->count;
  size_t n1 = to - from, n2 = beyond - beside, n = n1 + n2;
  double slope = n2 > 1 ? (line[beyond - 1] - line[beside]) / (double)(n2 - 1) : 0, sum = 0, ties = 0, all = (double)n;
  for (size_t k = 0; k < n; k++) {
    size_t i = k < n1 ? from + k : beside + (k - n1);
    m->ranks[k] = (ranked){.value = raw[i] - slope * (double)i, .inside = k < n1};
  }
  qsort(m->ranks, n, sizeof *m->ranks, by_value);
  for (size_t at = 0, end; at < n; at = end) {
    for (end = at + 1; end < n && m->ranks[end].value == m->ranks[at].value;) end++;
    double same = (double)(end - at);
    ties += same * same * same - same;
    for (size_t k = at; k < end; k++) sum += m->ranks[k].inside ? 0.5 * (double)(at + end + 1) : 0;
  }
  double variance = (double)n1 * (double)n2 / 12 * (all + 1 - ties / (all * (all - 1)));
  return variance > 0 ? erfc(fabs(sum - (double)n1 * (all + 1) / 2) / sqrt(2 * variance)) : 1;
}

/* The chance that noise alone puts so many strays next to each other somewhere; 0 where that is not what the change looks like. */
static double chance_of_run(const modes *m, size_t k, double *off) {
  size_t from = start_of(m, k), at = m->fit->at[k], to = end_of(m, k + 1);
  bool left = at - from < to - at;
  size_t low = left ? from : at, high = left ? at : to, beside = left ? at : from, beyond = left ? to : at;
  size_t best = 0;
  double most = 0, gap = 0;
  for (size_t c = 0; c < m->view->columns; c++) {
    double far = gap_between(m, c, low, high, beside, beyond, off);
    if (fabs(far) / m->columns[c].least > most) most = fabs(far) / m->columns[c].least, gap = far, best = c;
  }
  if (most <= 1) return 0; /* closer than strays are */
  gap_between(m, best, low, high, beside, beyond, off);
  /* A run of one mode, or of any mode beyond: what cannot be either is a change. */
  double least = fmax(m->columns[best].least, 0.5 * fabs(gap));
  double near = run_within(m, best, off, high - low, copysign(least, gap), 1.5 * fabs(gap));
  double any = run_within(m, best, off, high - low, copysign(least, gap), INFINITY);
  double chance = fmin(near, any) * (double)m->view->count;
  return chance <= LEAST_SURE ? chance : fmin(chance, chance_of_ranks(m, best, low, high, beside, beyond) * (double)m->view->count);
}

/* Of neighbouring changes the likelier chance goes first: the other one is asked again when its segment is whole. */
static bool drop_once(modes *m, double *chances, double *off) {
  size_t kept = 0, changes = m->fit->changes;
  for (size_t k = 0; k < changes; k++) chances[k] = chance_of_run(m, k, off);
  for (size_t k = 0; k < changes; k++) {
    bool worst = (k == 0 || chances[k] >= chances[k - 1]) && (k + 1 == changes || chances[k] > chances[k + 1]);
    if (chances[k] <= LEAST_SURE || !worst) m->fit->at[kept++] = m->fit->at[k];
  }
  m->fit->changes = kept;
  return kept < changes;
}

static void lay_strays_down(modes *m, double *calm) {
  size_t n = m->view->count;
  double strongest = 0;
  for (size_t c = 0; c < m->view->columns; c++) {
    const double *raw = m->raw + c * n, *line = m->columns[c].line;
    double product = 0, square = 0, before = 0;
    for (size_t i = 0; i < n; i++) {
      double off = raw[i] - line[i];
      if (fabs(off) > m->columns[c].least) off = 0;
      calm[c * n + i] = line[i] + off;
      product += off * before;
      square += off * off;
      before = off;
    }
    if (square > 0) strongest = fmax(strongest, product / square);
  }
  m->fit->phi = fmin(strongest, 0.97);
}

static bool any_moved(const modes *m, const double *calm) {
  size_t n = m->view->count;
  for (size_t i = 0; i < n * m->view->columns; i++)
    if (fabs(calm[i] - m->view->x[i]) > m->columns[i / n].least) return true;
  return false;
}

bool assay_cp_drop_chance_runs(const assay_cp_view *view, const double *raw, const double *noise, bool again, assay_arena *arena,
                               assay_cp_fit *fit, double *calm) {
  size_t n = view->count, before = fit->changes;
  if (before == 0) return false;
  modes m = {.view = view, .raw = raw, .fit = fit, .columns = assay_arena_alloc(arena, view->columns, sizeof *m.columns)};
  m.scratch = assay_arena_alloc(arena, n, sizeof *m.scratch);
  m.ranks = assay_arena_alloc(arena, n, sizeof *m.ranks);
  double *chances = assay_arena_alloc(arena, before, sizeof *chances), *off = assay_arena_alloc(arena, n, sizeof *off);
  for (size_t c = 0; !arena->failed && c < view->columns; c++) {
    m.columns[c] = (column_view){.least = fmax(STRAY * noise[c], sqrt(view->floor[c]))};
    m.columns[c].line = assay_arena_alloc(arena, n, sizeof *m.columns[c].line);
    m.columns[c].strays = assay_arena_alloc(arena, n, sizeof *m.columns[c].strays);
  }
  if (arena->failed) return false;
  do {
    for (size_t c = 0; c < view->columns; c++) look_at(&m, c);
  } while (drop_once(&m, chances, off));
  if (fit->changes == before && !again) return false;
  lay_strays_down(&m, calm);
  return fit->changes < before || any_moved(&m, calm);
}

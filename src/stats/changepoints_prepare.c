/* SPDX-License-Identifier: MIT */
/* Makes a series ready for the search: units, lone outliers, and the patterns that are no change (seasons, slow curves). */
#include <float.h>
#include <math.h>
#include <string.h>

#include "stats/changepoints_inner.h"
#include "stats/inner.h"

static const double MAD_TO_SIGMA = 1.4826022185056018; /* 1 / Phi^-1(3/4) */

/* Quickselect with the median of three for a pivot; a series made to defeat it is sorted instead. */
double assay_cp_select(double *values, size_t count, size_t rank) {
  size_t low = 0, high = count - 1;
  for (int round = 0; low < high; round++) {
    if (round == 100) {
      assay_stats_sort(values + low, high - low + 1);
      break;
    }
    double a = values[low], b = values[low + (high - low) / 2], c = values[high];
    double pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
    size_t i = low, j = high;
    for (;;) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i >= j) break;
      double swap = values[i];
      values[i++] = values[j];
      values[j--] = swap;
    }
    /* Everything up to j is <= pivot, everything from i on is >= pivot; i is j or j + 1. */
    if (rank <= j && !(i == j && rank == j))
      high = j;
    else if (rank >= i && !(i == j && rank == j))
      low = i;
    else
      return values[rank];
  }
  return values[rank];
}

double assay_cp_scale(const double *distances, size_t count, double *scratch) {
  if (count == 0) return 0;
  for (size_t i = 0; i < count; i++) scratch[i] = fabs(distances[i]);
  double middle = assay_cp_select(scratch, count, (count - 1) / 2);
  if (middle > 0) return MAD_TO_SIGMA * middle;
  return assay_cp_select(scratch, count, (size_t)(0.9 * (double)(count - 1))) / 1.6448536269514722;
}

/* ---- Lone outliers ----------------------------------------------------------------------------------------------------------------- */

enum { REACH = 3 };
static const double OUTLIER = 3; /* as far as a value may be from its neighbours' median, in standard deviations */

/* The median of up to seven values around i. Of the two middle ones of an even number (near the ends) it is the one nearer to x[i]: so the
 * last three values of a series may be a step, and two may not. */
static double median_around(const double *x, size_t count, size_t i) {
  double near[2 * REACH + 1];
  size_t from = i < REACH ? 0 : i - REACH, to = i + REACH < count ? i + REACH + 1 : count, m = 0;
  for (size_t k = from; k < to; k++) {
    size_t at = m++;
    for (; at > 0 && near[at - 1] > x[k]; at--) near[at] = near[at - 1];
    near[at] = x[k];
  }
  double low = near[(m - 1) / 2], high = near[m / 2];
  return fabs(x[i] - low) <= fabs(high - x[i]) ? low : high;
}

double assay_cp_clean(const double *x, size_t count, assay_arena *arena, double *clean) {
  double *middle = assay_arena_alloc(arena, count, sizeof *middle), *off = assay_arena_alloc(arena, count, sizeof *off);
  double *scratch = assay_arena_alloc(arena, count, sizeof *scratch);
  if (arena->failed) return 0;
  for (size_t i = 0; i < count; i++) {
    middle[i] = median_around(x, count, i);
    off[i] = x[i] - middle[i];
  }
  double scale = assay_cp_scale(off, count, scratch), most = OUTLIER * scale;
  for (size_t i = 0; i < count; i++) clean[i] = fabs(off[i]) <= most ? x[i] : middle[i] + copysign(most, off[i]);
  return scale;
}

/* ---- Units ------------------------------------------------------------------------------------------------------------------------- */

/* A series may hold 1e308 beside 1; what is left of it after this can be squared and summed. */
static const double FARTHEST = 1e12;

/* Centres on the median and divides by the spread; false when the values are all the same. */
static bool standardise(double *x, size_t count, double *scratch) {
  double safe = assay_stats_safe_scale(x, count);
  bool varies = false;
  for (size_t i = 0; i < count; i++) {
    scratch[i] = x[i] *= safe;
    varies |= x[i] != x[0];
  }
  if (!varies) return false;
  double middle = assay_cp_select(scratch, count, count / 2);
  for (size_t i = 0; i < count; i++) x[i] -= middle;
  double spread = assay_cp_scale(x, count, scratch), mean = 0;
  for (size_t i = 0; i < count; i++) mean += fabs(x[i]) / (double)count;
  if (!(spread > 0)) spread = mean;
  if (!(spread > DBL_MIN)) return false;
  for (size_t i = 0; i < count; i++) x[i] = fmax(-FARTHEST, fmin(FARTHEST, x[i] / spread));
  return true;
}

/*
 * Times, sizes and prices tend to scatter, grow and repeat in proportion to their size; their logarithms do so evenly. Which of the two is
 * the more even is seen in the steps from value to value, as likelihoods of the values themselves (hence the sum of logarithms).
 */
static void take_logarithms_if_even(double *x, size_t count, double *scratch) {
  double safe = assay_stats_safe_scale(x, count), least = INFINITY, most = 0, plain = 0, proportional = 0, sizes = 0;
  for (size_t i = 0; i < count; i++) {
    if (!(x[i] > 0)) return;
    least = fmin(least, x[i]);
    most = fmax(most, x[i]);
  }
  if (most / 1.2 < least) return; /* as good as the same */
  for (size_t i = 0; i < count; i++) scratch[i] = log(x[i]);
  for (size_t i = 1; i < count; i++) {
    double step = (x[i] - x[i - 1]) * safe, ratio = scratch[i] - scratch[i - 1];
    plain += step * step;
    proportional += ratio * ratio;
    sizes += 2 * (scratch[i] + log(safe));
  }
  double n = (double)count - 1;
  if (n * log(fmax(proportional, DBL_MIN)) + sizes + 6 < n * log(fmax(plain, DBL_MIN))) memcpy(x, scratch, count * sizeof *x);
}

/*
 * What is equal to the last digit is not known to be equal: values that were rounded to steps of g hide a spread of up to g / sqrt(12); a
 * tenth of g leaves room for a noise that never crosses a step. Of many values that never crossed one that room is smaller: all of it
 * together must weigh less than a single step does, or a long flat series with one step would be a walk that rarely moves. Without ties the
 * values themselves say how fine they are.
 */
static double least_variance(const double *x, size_t count, double *scratch) {
  memcpy(scratch, x, count * sizeof *x);
  assay_stats_sort(scratch, count);
  double gap = INFINITY, span = fmax(fabs(scratch[0]), fabs(scratch[count - 1]));
  size_t distinct = 1;
  for (size_t i = 1; i < count; i++)
    if (scratch[i] - scratch[i - 1] > 1e-9 * span) distinct++, gap = fmin(gap, scratch[i] - scratch[i - 1]);
  return distinct <= count / 2 + 1 && isfinite(gap) ? fmax(1e-14, gap * gap / (100 + 10 * (double)count)) : 1e-14;
}

/* ---- Rows and columns ------------------------------------------------------------------------------------------------------------- */

/* Gaps inside a column are bridged by a straight line, those at its ends by the nearest value: the search then needs no exceptions. */
static void bridge(double *x, size_t count) {
  size_t last = SIZE_MAX;
  for (size_t i = 0; i < count; i++) {
    if (isnan(x[i])) continue;
    size_t from = last == SIZE_MAX ? 0 : last + 1;
    for (size_t k = from; k < i; k++)
      x[k] = last == SIZE_MAX ? x[i] : x[last] + (x[i] - x[last]) * ((double)(k - last) / (double)(i - last));
    last = i;
  }
  for (size_t k = last + 1; last != SIZE_MAX && k < count; k++) x[k] = x[last];
}

void assay_cp_prepare(const double *values, size_t count, size_t columns, assay_arena *arena, assay_cp_series *series) {
  *series = (assay_cp_series){.row = assay_arena_alloc(arena, count, sizeof *series->row),
                              .column = assay_arena_alloc(arena, columns, sizeof *series->column),
                              .floor = assay_arena_alloc(arena, columns, sizeof *series->floor),
                              .noise = assay_arena_alloc(arena, columns, sizeof *series->noise)};
  double *scratch = assay_arena_alloc(arena, count, sizeof *scratch);
  if (arena->failed) return;
  for (size_t r = 0; r < count; r++) {
    bool any = false;
    for (size_t c = 0; c < columns && !any; c++) any = !isnan(values[r * columns + c]);
    if (any) series->row[series->count++] = r;
  }
  size_t n = series->count;
  if (n < ASSAY_CP_LEAST) return;
  size_t cells = 0;
  if (__builtin_mul_overflow(n, columns, &cells)) {
    arena->failed = true;
    return;
  }
  series->raw = assay_arena_alloc(arena, cells, sizeof *series->raw);
  series->clean = assay_arena_alloc(arena, cells, sizeof *series->clean);
  if (arena->failed) return;
  for (size_t c = 0; c < columns; c++) {
    double *x = series->raw + series->columns * n, *clean = series->clean + series->columns * n;
    size_t measured = 0;
    for (size_t i = 0; i < n; i++) {
      x[i] = values[series->row[i] * columns + c];
      measured += !isnan(x[i]);
    }
    if (measured < ASSAY_CP_LEAST) continue;
    bridge(x, n);
    take_logarithms_if_even(x, n, scratch);
    if (!standardise(x, n, scratch)) continue;
    series->noise[series->columns] = assay_cp_clean(x, n, arena, clean);
    if (arena->failed) return;
    bool varies = false;
    for (size_t i = 1; i < n && !varies; i++) varies = clean[i] != clean[0];
    if (!varies) continue;
    series->floor[series->columns] = least_variance(x, n, scratch);
    series->column[series->columns++] = c;
  }
}

/* ---- Seasons ----------------------------------------------------------------------------------------------------------------------- */

/*
 * A pattern of period p shows in the differences of neighbours as p means that sum to 0. Differences know nothing of levels: a step is one
 * outlier among them, and outliers are clipped. At least three whole periods must be there.
 */
static double season_error(const double *d, size_t count, size_t period, double *means) {
  memset(means, 0, period * sizeof *means);
  for (size_t i = 0, k = 0; i < count; i++, k = k + 1 == period ? 0 : k + 1) means[k] += d[i];
  double total = 0;
  for (size_t k = 0; k < period; k++) {
    means[k] /= (double)(count / period + (k < count % period ? 1 : 0));
    total += means[k] / (double)period;
  }
  for (size_t k = 0; k < period; k++) means[k] -= total;
  double error = 0;
  for (size_t i = 0, k = 0; i < count; i++, k = k + 1 == period ? 0 : k + 1) error += (d[i] - means[k]) * (d[i] - means[k]);
  return error;
}

enum { MOST_PERIOD = 366, ALL_PERIODS = 60 };

/* Every period up to 60, then those of calendars and clocks: quarters of an hour in a day, days in years, hours in weeks. */
static size_t next_period(size_t period) {
  static const size_t long_ones[] = {72, 84, 90, 96, 104, 120, 144, 168, 180, 240, 252, 260, 288, 336, 360, 365, 366};
  if (period < ALL_PERIODS) return period + 1;
  for (size_t i = 0; i < sizeof long_ones / sizeof *long_ones; i++)
    if (long_ones[i] > period) return long_ones[i];
  return SIZE_MAX;
}

size_t assay_cp_remove_season(const double *x, size_t count, size_t columns, assay_arena *arena, double *rest) {
  size_t n = count - 1, best = 0;
  if (count < 9) return 0;
  double *d = assay_arena_alloc(arena, columns * n, sizeof *d), *scratch = assay_arena_alloc(arena, n, sizeof *scratch);
  double means[MOST_PERIOD], none = 0, least = 0;
  if (arena->failed) return 0;
  for (size_t c = 0; c < columns; c++) {
    double error = 0;
    for (size_t i = 0; i < n; i++) d[c * n + i] = x[c * count + i + 1] - x[c * count + i];
    double most = 3 * assay_cp_scale(d + c * n, n, scratch);
    for (size_t i = 0; i < n; i++) {
      d[c * n + i] = fmax(-most, fmin(most, d[c * n + i]));
      error += d[c * n + i] * d[c * n + i];
    }
    none += (double)n * log(fmax(error, 1e-12) / (double)n);
  }
  for (size_t period = 2; period <= n / 3 && period <= MOST_PERIOD; period = next_period(period)) {
    double total = (double)((period - 1) * columns) * log((double)n);
    for (size_t c = 0; c < columns; c++)
      total += (double)n * log(fmax(season_error(d + c * n, n, period, means), 1e-12) / (double)(n - period));
    if (best == 0 || total < least) least = total, best = period;
  }
  if (best == 0 || least > none - 10) return 0;
  for (size_t c = 0; c < columns; c++) {
    season_error(d + c * n, n, best, means);
    double pattern[MOST_PERIOD] = {0}, middle = 0;
    for (size_t k = 1; k < best; k++) pattern[k] = pattern[k - 1] + means[k - 1];
    for (size_t k = 0; k < best; k++) middle += pattern[k] / (double)best;
    for (size_t i = 0; i < count; i++) rest[c * count + i] = x[c * count + i] - (pattern[i % best] - middle);
  }
  return best;
}

/* ---- Slow curves ------------------------------------------------------------------------------------------------------------------- */

enum { MOST_DEGREE = 8 };

/* Takes the mean of each segment away: what is left is what levels of their own cannot say. */
static void centre_segments(double *x, size_t count, const size_t *at, size_t changes) {
  for (size_t k = 0; k <= changes; k++) {
    size_t from = k == 0 ? 0 : at[k - 1], to = k == changes ? count : at[k];
    double mean = 0;
    for (size_t i = from; i < to; i++) mean += x[i] / (double)(to - from);
    for (size_t i = from; i < to; i++) x[i] -= mean;
  }
}

static double dot(const double *a, const double *b, size_t count) {
  double total = 0;
  for (size_t i = 0; i < count; i++) total += a[i] * b[i];
  return total;
}

/*
 * A polynomial and levels of the segments are fitted together: the powers, freed of what the levels say, are made orthogonal one after the
 * other (Gram and Schmidt, twice, which is enough for eight), so each coefficient stands for itself. The same steps without the levels give
 * the curve that is taken away.
 */
size_t assay_cp_remove_curve(const double *x, const size_t *at, size_t changes, size_t count, size_t columns, assay_arena *arena,
                             double *rest) {
  double n = (double)count, none = 0, least;
  size_t best = 0;
  double *centred = assay_arena_alloc(arena, columns * count, sizeof *centred), *errors = assay_arena_alloc(arena, columns, sizeof *errors);
  double *inner = assay_arena_alloc(arena, (MOST_DEGREE + 1) * count, sizeof *inner); /* basis without the levels */
  double *outer = assay_arena_alloc(arena, (MOST_DEGREE + 1) * count, sizeof *outer); /* the same combinations of plain powers */
  double *amplitudes = assay_arena_alloc(arena, columns * (MOST_DEGREE + 1), sizeof *amplitudes);
  if (arena->failed || count < 4 * MOST_DEGREE) return 0;
  memcpy(centred, x, columns * count * sizeof *x);
  for (size_t c = 0; c < columns; c++) {
    centre_segments(centred + c * count, count, at, changes);
    errors[c] = dot(centred + c * count, centred + c * count, count);
    none += n * log(fmax(errors[c], 1e-14 * n) / (n - 1));
  }
  for (size_t i = 0; i < count; i++) outer[i] = 1;
  least = none;
  for (size_t k = 1; k <= MOST_DEGREE; k++) {
    double *in = inner + k * count, *out = outer + k * count;
    for (size_t i = 0; i < count; i++) in[i] = out[i] = outer[(k - 1) * count + i] * (2 * ((double)i + 0.5) / n - 1);
    centre_segments(in, count, at, changes);
    for (int twice = 0; twice < 2; twice++)
      for (size_t j = 1; j < k; j++) {
        double share = dot(in, inner + j * count, count);
        for (size_t i = 0; i < count; i++) in[i] -= share * inner[j * count + i], out[i] -= share * outer[j * count + i];
      }
    double length = sqrt(dot(in, in, count));
    if (length < 1e-6) break;
    for (size_t i = 0; i < count; i++) in[i] /= length, out[i] /= length;
    double total = (double)(k * columns) * log(n);
    for (size_t c = 0; c < columns; c++) {
      double amplitude = amplitudes[c * (MOST_DEGREE + 1) + k] = dot(in, centred + c * count, count);
      errors[c] -= amplitude * amplitude;
      total += n * log(fmax(errors[c], 1e-14 * n) / (n - (double)k - 1));
    }
    if (total < least) least = total, best = k;
  }
  for (size_t c = 0; c < columns && best > 0; c++) {
    double *y = rest + c * count;
    memcpy(y, x + c * count, count * sizeof *y);
    for (size_t k = 1; k <= best; k++)
      for (size_t i = 0; i < count; i++) y[i] -= amplitudes[c * (MOST_DEGREE + 1) + k] * outer[k * count + i];
  }
  return best;
}

/* SPDX-License-Identifier: MIT */
/*
 * How well change points are found, on simulated series whose truth is known, beside three other methods; and how long it takes.
 *
 *     build/bench/judge_changepoints [SERIES]      so many series of each kind (default 200); tables as in docs/changepoints.md
 *
 * The same random numbers everywhere. Exit code 1 when a bar is missed. A change counts as found when one is reported within 5 values of it
 * (each report finds one change, each change is found once); precision and recall are over all series of a kind together; covering is the
 * mean over series of how well the true segments overlap the found ones (van den Burg and Williams 2020).
 */
#include <assay/changepoints.h>

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"

enum { LONGEST = 20000, MARGIN = 5, MOST_POINTS = 4000 };

/* ---- Series ------------------------------------------------------------------------------------------------------------------------ */

typedef struct made {
  double values[LONGEST];
  size_t count;
  size_t truth[MOST_POINTS];
  size_t changes;
} made;

typedef enum noise {
  WHITE,
  AR_3,
  AR_5,
  STUDENT,
  LOGNORMAL,
  OUTLIERS,
  BIMODAL,
  MODES_1, /* 30 sigma apart, the slow one with probability 0.1 */
  MODES_2,
  MODES_3,
  MODES_5,
  MODES_WIDE, /* the slow one eight times as wide, 0.3 */
  THREE_MODES,
  QUANTISED,
  UNEVEN,
  RELATIVE
} noise;
typedef enum background { LEVEL, DRIFT, WAVE, SEASON_7, SEASON_12, WALK, GROWTH, YEARS } background;
typedef enum truth_kind { NONE, ONE, SOME, CLOSE, LAST, SPREAD, BEND, MANY } truth_kind;

typedef struct family {
  const char *name;
  truth_kind truth;
  noise noise;
  background background;
  double shift; /* in standard deviations of the noise (scale of heavy-tailed noise); SPREAD: the factor */
  size_t least, most;
} family;

static const family families[] = {
    {"no change: white noise", NONE, WHITE, LEVEL, 0, 20, 500},
    {"no change: AR(1) 0.3", NONE, AR_3, LEVEL, 0, 20, 500},
    {"no change: AR(1) 0.5", NONE, AR_5, LEVEL, 0, 20, 500},
    {"no change: Student t, 3 degrees", NONE, STUDENT, LEVEL, 0, 20, 500},
    {"no change: lognormal", NONE, LOGNORMAL, LEVEL, 0, 20, 500},
    {"no change: 3 % outliers of 10 sigma", NONE, OUTLIERS, LEVEL, 0, 20, 500},
    {"no change: two modes 5 sigma apart", NONE, BIMODAL, LEVEL, 0, 20, 500},
    {"no change: rounded to 1 sigma", NONE, QUANTISED, LEVEL, 0, 20, 500},
    {"no change: linear drift of 4 sigma", NONE, WHITE, DRIFT, 4, 20, 500},
    {"no change: slow wave of 2 sigma", NONE, WHITE, WAVE, 2, 40, 500},
    {"no change: season of 7", NONE, WHITE, SEASON_7, 2, 40, 500},
    {"no change: season of 12", NONE, WHITE, SEASON_12, 2, 60, 500},
    {"no change: random walk", NONE, WHITE, WALK, 0, 40, 500},
    {"no change: smooth growth", NONE, WHITE, GROWTH, 30, 40, 500},
    {"no change: growth and season in proportion", NONE, RELATIVE, YEARS, 2, 60, 500},
    {"one step of 1 sigma", ONE, WHITE, LEVEL, 1, 40, 400},
    {"one step of 2 sigma", ONE, WHITE, LEVEL, 2, 40, 400},
    {"one step of 3 sigma", ONE, WHITE, LEVEL, 3, 30, 400},
    {"one step of 5 sigma", ONE, WHITE, LEVEL, 5, 30, 400},
    {"several steps of 2 sigma", SOME, WHITE, LEVEL, 2, 100, 400},
    {"several steps of 3 sigma", SOME, WHITE, LEVEL, 3, 60, 400},
    {"several steps of 5 sigma", SOME, WHITE, LEVEL, 5, 60, 400},
    {"steps of 4 sigma, 6 to 12 values apart", CLOSE, WHITE, LEVEL, 4, 60, 200},
    {"step of 5 sigma 3 to 6 values before the end", LAST, WHITE, LEVEL, 5, 30, 200},
    {"steps of 3 sigma, AR(1) 0.3", SOME, AR_3, LEVEL, 3, 60, 400},
    {"steps of 3 sigma, AR(1) 0.5", SOME, AR_5, LEVEL, 3, 60, 400},
    {"steps of 3 sigma, Student t", SOME, STUDENT, LEVEL, 3, 60, 400},
    {"steps of 3 sigma, lognormal", SOME, LOGNORMAL, LEVEL, 3, 60, 400},
    {"steps of 3 sigma, outliers", SOME, OUTLIERS, LEVEL, 3, 60, 400},
    {"steps of 3 sigma, rounded", SOME, QUANTISED, LEVEL, 3, 60, 400},
    {"steps of 3 sigma, noise that doubles slowly", SOME, UNEVEN, LEVEL, 3, 100, 400},
    {"steps of 3 sigma, all in proportion", SOME, RELATIVE, LEVEL, 3, 60, 400},
    {"steps of 3 sigma on a drift", SOME, WHITE, DRIFT, 3, 60, 400},
    {"steps of 3 sigma on a season", SOME, WHITE, SEASON_7, 3, 60, 400},
    {"steps of 3 sigma, long", MANY, WHITE, LEVEL, 3, 1000, 5000},
    {"spread times 3", SPREAD, WHITE, LEVEL, 3, 100, 500},
    {"slope that changes", BEND, WHITE, LEVEL, 0, 40, 300},
    {"no change: two narrow modes, slow one 0.1", NONE, MODES_1, LEVEL, 0, 30, 1000},
    {"no change: two narrow modes, slow one 0.2", NONE, MODES_2, LEVEL, 0, 30, 1000},
    {"no change: two narrow modes, slow one 0.3", NONE, MODES_3, LEVEL, 0, 30, 1000},
    {"no change: two narrow modes, slow one 0.5", NONE, MODES_5, LEVEL, 0, 30, 1000},
    {"no change: two modes, slow one wide, 0.3", NONE, MODES_WIDE, LEVEL, 0, 30, 1000},
    {"no change: three narrow modes", NONE, THREE_MODES, LEVEL, 0, 30, 1000},
    {"steps of 10 sigma, modes 30 apart, 0.1", SOME, MODES_1, LEVEL, 10, 60, 400},
    {"steps of 10 sigma, modes 30 apart, 0.3", SOME, MODES_3, LEVEL, 10, 60, 400},
    {"steps of 30 sigma, modes 30 apart, 0.2", SOME, MODES_2, LEVEL, 30, 60, 400},
    {"steps of 60 sigma, modes 30 apart, 0.5", SOME, MODES_5, LEVEL, 60, 60, 400},
};

static double student3(assay_random *r) {
  double chi = 0;
  for (int i = 0; i < 3; i++) {
    double z = assay_random_normal(r);
    chi += z * z;
  }
  return assay_random_normal(r) / sqrt(chi / 3);
}

/* Ordinary for benchmarks: some runs get a slower layout, core or cache, each by chance. */
static double of_modes(assay_random *r, noise kind, double z) {
  double u = assay_random_unit(r), slow = kind == MODES_1 ? 0.1 : kind == MODES_2 ? 0.2 : kind == MODES_5 ? 0.5 : 0.3;
  if (kind == THREE_MODES) return z + (u < 0.15 ? 60 : u < 0.45 ? 30 : 0);
  return u < slow ? (kind == MODES_WIDE ? 8 * z : z) + 30 : z;
}

static void add_noise(assay_random *r, noise kind, double *x, size_t n) {
  double before = assay_random_normal(r), phi = kind == AR_3 ? 0.3 : 0.5;
  for (size_t i = 0; i < n; i++) {
    double z = assay_random_normal(r);
    switch (kind) {
      case WHITE:
      case RELATIVE:
      case QUANTISED: x[i] += z; break;
      case AR_3:
      case AR_5: x[i] += before = phi * before + sqrt(1 - phi * phi) * z; break;
      case STUDENT: x[i] += student3(r); break;
      case LOGNORMAL: x[i] += (exp(0.6 * z) - exp(0.18)) / 0.788; break; /* to variance 1 */
      case OUTLIERS: x[i] += assay_random_unit(r) < 0.03 ? z + (assay_random_unit(r) < 0.5 ? -10 : 10) : z; break;
      case BIMODAL: x[i] += z + (assay_random_unit(r) < 0.3 ? 5 : 0); break;
      case MODES_1:
      case MODES_2:
      case MODES_3:
      case MODES_5:
      case MODES_WIDE:
      case THREE_MODES: x[i] += of_modes(r, kind, z); break;
      case UNEVEN: x[i] += z * (1 + (double)i / (double)n); break;
    }
    if (kind == QUANTISED) x[i] = round(x[i]);
    if (kind == RELATIVE) x[i] = 100 * exp(0.1 * x[i]);
  }
}

static void add_background(assay_random *r, const family *f, double *x, size_t n) {
  double size = f->background == DRIFT && f->truth != NONE ? 4 : f->background == SEASON_7 && f->truth != NONE ? 2 : f->shift;
  double phase = 2 * M_PI * assay_random_unit(r), turns = 0.5 + 1.5 * assay_random_unit(r), walk = 0, pattern[12];
  for (int k = 0; k < 12; k++) pattern[k] = size * assay_random_normal(r);
  for (size_t i = 0; i < n; i++) {
    double t = (double)i / (double)n;
    switch (f->background) {
      case LEVEL: break;
      case DRIFT: x[i] += size * t; break;
      case WAVE: x[i] += size * sin(2 * M_PI * turns * t + phase); break;
      case SEASON_7: x[i] += pattern[i % 7]; break;
      case SEASON_12: x[i] += pattern[i % 12]; break;
      case YEARS: x[i] += pattern[i % 12] + 10 * t; break;
      case WALK: x[i] += walk += 3 * assay_random_normal(r); break;
      case GROWTH: x[i] += size * expm1(2 * t); break;
    }
  }
}

static void add_truth(made *s, size_t at) { s->truth[s->changes++] = at; }

static void add_steps(assay_random *r, made *s, size_t apart, size_t apart_most, double shift) {
  double level = 0;
  size_t at = 0;
  for (;;) {
    size_t next = at + apart + (size_t)assay_random_below(r, apart_most - apart + 1);
    double before = level;
    bool last = next + apart > s->count;
    size_t end = last ? s->count : next;
    for (size_t i = at; i < end; i++) s->values[i] += level;
    if (last) return;
    add_truth(s, next);
    level = before + (assay_random_unit(r) < 0.5 ? -shift : shift);
    at = next;
  }
}

static void make_series(assay_random *r, const family *f, made *s) {
  double span = log((double)f->most / (double)f->least);
  s->count = (size_t)((double)f->least * exp(span * assay_random_unit(r)));
  s->changes = 0;
  size_t n = s->count;
  memset(s->values, 0, n * sizeof *s->values);
  if (f->truth == SPREAD) {
    size_t at = n / 4 + (size_t)assay_random_below(r, n / 2);
    bool up = assay_random_unit(r) < 0.5;
    for (size_t i = 0; i < n; i++) s->values[i] = assay_random_normal(r) * ((i >= at) == up ? f->shift : 1);
    add_truth(s, at);
    return;
  }
  if (f->truth == ONE || f->truth == BEND) {
    size_t at = n / 6 + (size_t)assay_random_below(r, n - n / 3);
    for (size_t i = at; i < n; i++) s->values[i] += f->truth == ONE ? f->shift : 12 * (double)(i - at) / (double)(n - at);
    add_truth(s, at);
  }
  if (f->truth == LAST) {
    size_t at = n - 3 - (size_t)assay_random_below(r, 4);
    for (size_t i = at; i < n; i++) s->values[i] += f->shift;
    add_truth(s, at);
  }
  if (f->truth == SOME) add_steps(r, s, 15, n / 2, f->shift);
  if (f->truth == MANY) add_steps(r, s, 40, 600, f->shift);
  if (f->truth == CLOSE) add_steps(r, s, 6, 12, f->shift);
  add_background(r, f, s->values, n);
  add_noise(r, f->noise, s->values, n);
}

/* ---- Other methods ------------------------------------------------------------------------------------------------------------------ */

typedef size_t (*method)(const double *x, size_t n, size_t *found);

static size_t ours(const double *x, size_t n, size_t *found) {
  assay_error err = {0};
  assay_changepoint *points = NULL;
  size_t count = 0;
  if (assay_changepoints_find(x, n, 1, &err, &points, &count) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    exit(2);
  }
  for (size_t i = 0; i < count; i++) found[i] = points[i].index;
  assay_changepoints_free(points);
  return count;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static int by_place(const void *a, const void *b) {
  size_t x = *(const size_t *)a, y = *(const size_t *)b;
  return (x > y) - (x < y);
}

static double difference_sigma(const double *x, size_t n) {
  static double d[LONGEST];
  for (size_t i = 1; i < n; i++) d[i - 1] = fabs(x[i] - x[i - 1]);
  qsort(d, n - 1, sizeof *d, ascending);
  return fmax(1.4826 * d[(n - 1) / 2] / M_SQRT2, 1e-9);
}

/* PELT (Killick, Fearnhead and Eckley 2012): squared error, penalty 3 log n sigma^2, sigma from the MAD of differences. */
static size_t pelt(const double *x, size_t n, size_t *found) {
  static double s1[LONGEST + 1], s2[LONGEST + 1], best[LONGEST + 1], total[LONGEST + 1];
  static size_t from[LONGEST + 1], alive[LONGEST + 1];
  double sigma = difference_sigma(x, n), penalty = 3 * log((double)n) * sigma * sigma;
  for (size_t i = 0; i < n; i++) s1[i + 1] = s1[i] + x[i], s2[i + 1] = s2[i] + x[i] * x[i];
  best[0] = -penalty;
  size_t count = 0;
  for (size_t j = 2; j <= n; j++) {
    if (j != 3) alive[count++] = j - 2; /* segments of two or more */
    best[j] = INFINITY;
    for (size_t k = 0; k < count; k++) {
      size_t i = alive[k];
      double sum = s1[j] - s1[i];
      total[k] = best[i] + s2[j] - s2[i] - sum * sum / (double)(j - i);
      if (total[k] + penalty < best[j]) best[j] = total[k] + penalty, from[j] = i;
    }
    size_t kept = 0;
    for (size_t k = 0; k < count; k++)
      if (total[k] <= best[j]) alive[kept++] = alive[k];
    count = kept;
  }
  best[1] = INFINITY;
  size_t changes = 0;
  for (size_t j = from[n]; j > 0; j = from[j]) found[changes++] = j;
  qsort(found, changes, sizeof *found, by_place);
  return changes;
}

/* E-Divisive (Matteson and James 2014) with windows and a t-test in place of permutations, as Hunter does it (Fleming et al. 2023):
 * windows of 50, p < 0.001, then every change tested against its neighbours' segments. */
static double t_test(const double *x, size_t a, size_t m, size_t b) {
  double n1 = (double)(m - a), n2 = (double)(b - m), m1 = 0, m2 = 0, v1 = 0, v2 = 0;
  if (m - a < 2 || b - m < 2) return 1;
  for (size_t i = a; i < m; i++) m1 += x[i] / n1;
  for (size_t i = m; i < b; i++) m2 += x[i] / n2;
  for (size_t i = a; i < m; i++) v1 += (x[i] - m1) * (x[i] - m1);
  for (size_t i = m; i < b; i++) v2 += (x[i] - m2) * (x[i] - m2);
  double df = n1 + n2 - 2, pooled = fmax((v1 + v2) / df, 1e-18), t = (m1 - m2) / sqrt(pooled * (1 / n1 + 1 / n2));
  /* Student's tail by the normal of Wallace (1959): close enough for a comparison. */
  double z = sqrt(df * log1p(t * t / df)) * (8 * df + 1) / (8 * df + 3);
  return erfc(z / M_SQRT2);
}

static size_t divide(const double *x, size_t a, size_t b, size_t *found) {
  size_t n = b - a, at = a;
  if (n < 4) return 0;
  double best = -1;
  static double within[LONGEST];
  /* Energy distance with alpha = 1 of [a, m) and [m, b), updated as m moves: sums of |x_i - x_j| left, right and across. */
  double left = 0, right = 0, across = 0;
  for (size_t i = a; i < b; i++) {
    within[i] = 0;
    for (size_t j = a; j < b; j++) within[i] += fabs(x[i] - x[j]);
    right += within[i] / 2;
  }
  for (size_t m = a + 1; m < b; m++) {
    double to_left = 0;
    for (size_t j = a; j < m - 1; j++) to_left += fabs(x[m - 1] - x[j]);
    double to_right = within[m - 1] - to_left;
    left += to_left, right -= to_right, across += to_right - to_left;
    double n1 = (double)(m - a), n2 = (double)(b - m);
    if (n1 < 2 || n2 < 2) continue;
    double q = n1 * n2 / (n1 + n2) * (2 * across / (n1 * n2) - left / (n1 * (n1 - 1) / 2) - right / (n2 * (n2 - 1) / 2));
    if (q > best) best = q, at = m;
  }
  if (t_test(x, a, at, b) > 0.001) return 0;
  size_t count = divide(x, a, at, found);
  found[count++] = at;
  return count + divide(x, at, b, found + count);
}

static size_t hunter(const double *x, size_t n, size_t *found) {
  enum { WINDOW = 50 };
  size_t count = 0;
  for (size_t a = 0; a < n; a += WINDOW / 2) {
    size_t b = a + WINDOW < n ? a + WINDOW : n;
    count += divide(x, a, b, found + count);
    if (b == n) break;
  }
  qsort(found, count, sizeof *found, by_place);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (kept == 0 || found[i] != found[kept - 1]) found[kept++] = found[i];
  for (count = kept;;) {
    double most = 0;
    size_t worst = 0;
    for (size_t i = 0; i < count; i++) {
      double p = t_test(x, i == 0 ? 0 : found[i - 1], found[i], i + 1 == count ? n : found[i + 1]);
      if (p > most) most = p, worst = i;
    }
    if (most <= 0.001) return count;
    memmove(found + worst, found + worst + 1, (count - worst - 1) * sizeof *found);
    count--;
  }
}

/* Bayesian online detection (Adams and MacKay 2007) with the settings that van den Burg and Williams (2020) call default: series in units
 * of its standard deviation, normal-inverse-gamma prior with all parameters 1 and mean 0, hazard 1/100; the most likely path of run
 * lengths. */
static size_t bocpd(const double *x, size_t n, size_t *found) {
  static double mean[LONGEST], kappa[LONGEST], alpha[LONGEST], beta[LONGEST], score[LONGEST + 1];
  static size_t start[LONGEST], previous[LONGEST + 1];
  double m = 0, v = 0;
  for (size_t i = 0; i < n; i++) m += x[i] / (double)n;
  for (size_t i = 0; i < n; i++) v += (x[i] - m) * (x[i] - m) / (double)(n - 1);
  double sd = fmax(sqrt(v), 1e-12), stay = log(0.99), change = log(0.01), best_path = 0;
  size_t alive = 0, best_start = 0;
  /* The most likely path in the manner of Viterbi: of each run that is alive, the likelihood of its best past. */
  for (size_t t = 0; t < n; t++) {
    double y = (x[t] - m) / sd;
    start[alive] = t, previous[t] = best_start;
    mean[alive] = 0, kappa[alive] = alpha[alive] = beta[alive] = 1;
    score[alive++] = t == 0 ? 0 : best_path + change;
    double best = -INFINITY;
    for (size_t k = 0; k < alive; k++) {
      double scale = beta[k] * (kappa[k] + 1) / (alpha[k] * kappa[k]), df = 2 * alpha[k], z = y - mean[k];
      score[k] += lgamma((df + 1) / 2) - lgamma(df / 2) - 0.5 * log(df * M_PI * scale) - (df + 1) / 2 * log1p(z * z / (df * scale));
      if (start[k] < t) score[k] += stay;
      beta[k] += kappa[k] * z * z / (2 * (kappa[k] + 1));
      mean[k] += z / (kappa[k] + 1);
      kappa[k] += 1, alpha[k] += 0.5;
      if (score[k] > best) best = score[k], best_start = start[k];
    }
    best_path = best;
    size_t kept = 0;
    for (size_t k = 0; k < alive; k++) {
      if (score[k] < best - 40) continue;
      start[kept] = start[k], mean[kept] = mean[k], kappa[kept] = kappa[k], alpha[kept] = alpha[k], beta[kept] = beta[k],
      score[kept] = score[k];
      kept++;
    }
    alive = kept;
  }
  size_t count = 0;
  for (size_t s = best_start; s > 0; s = previous[s]) found[count++] = s;
  qsort(found, count, sizeof *found, by_place);
  return count;
}

/* ---- Scores -------------------------------------------------------------------------------------------------------------------------- */

typedef struct tally {
  size_t series, alarmed, found, truth, hits;
  double covering;
} tally;

static size_t count_hits(const made *s, const size_t *found, size_t count) {
  size_t hits = 0, next = 0;
  for (size_t i = 0; i < s->changes; i++) {
    while (next < count && found[next] + MARGIN < s->truth[i]) next++;
    if (next < count && found[next] <= s->truth[i] + MARGIN) hits++, next++;
  }
  return hits;
}

static double covering_of(const made *s, const size_t *found, size_t count) {
  double total = 0;
  for (size_t i = 0; i <= s->changes; i++) {
    size_t a = i == 0 ? 0 : s->truth[i - 1], b = i == s->changes ? s->count : s->truth[i];
    double best = 0;
    for (size_t k = 0; k <= count; k++) {
      size_t c = k == 0 ? 0 : found[k - 1], d = k == count ? s->count : found[k];
      size_t low = a > c ? a : c, high = b < d ? b : d;
      if (high <= low) continue;
      double both = (double)(high - low);
      best = fmax(best, both / ((double)(b - a) + (double)(d - c) - both));
    }
    total += best * (double)(b - a);
  }
  return total / (double)s->count;
}

static void score(const made *s, method run, tally *t) {
  static size_t found[LONGEST];
  size_t count = run(s->values, s->count, found);
  t->series++;
  t->alarmed += count > 0;
  t->found += count;
  t->truth += s->changes;
  t->hits += count_hits(s, found, count);
  t->covering += covering_of(s, found, count);
}

static double ratio(size_t a, size_t b) { return b > 0 ? (double)a / (double)b : 1; }

static const struct {
  const char *name;
  method run;
} methods[] = {{"assay", ours}, {"PELT", pelt}, {"t-test E-Div.", hunter}, {"BOCPD", bocpd}};
enum { METHODS = sizeof methods / sizeof *methods, FAMILIES = sizeof families / sizeof *families };

static bool bar(const char *what, const char *limit, double figure, const char *unit, bool met, const char *beside) {
  char text[40];
  snprintf(text, sizeof text, "%.1f %s", figure, unit);
  printf("%s  %-58s %14s %16s  %s\n", met ? "met   " : "MISSED", what, limit, text, beside);
  return met;
}

/* Of processor time: neighbours on the machine make the clock on the wall meaningless. */
static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double milliseconds(const made *s) {
  static size_t found[LONGEST];
  double best = INFINITY;
  for (int round = 0; round < 5; round++) {
    double begin = now_ms();
    ours(s->values, s->count, found);
    best = fmin(best, now_ms() - begin);
  }
  return best;
}

int main(int argc, char **argv) {
  static made s;
  size_t repeats = argc > 1 ? (size_t)atol(argv[1]) : 200;
  if (repeats == 0) repeats = 1;
  bool all_met = true;
  tally at_3[METHODS] = {0}, quiet[METHODS] = {0};
  printf("%-46s", "");
  for (size_t m = 0; m < METHODS; m++) printf("  %-21s", methods[m].name);
  printf("\n%-46s", "");
  for (size_t m = 0; m < METHODS; m++) printf("   prec  rec   F1  cover");
  printf("\n");
  for (size_t f = 0; f < FAMILIES; f++) {
    tally t[METHODS] = {0};
    assay_random r;
    assay_random_init(&r, 1000 + f);
    for (size_t k = 0; k < repeats; k++) {
      make_series(&r, &families[f], &s);
      for (size_t m = 0; m < METHODS; m++) score(&s, methods[m].run, &t[m]);
    }
    printf("%-46s", families[f].name);
    for (size_t m = 0; m < METHODS; m++) {
      double p = ratio(t[m].hits, t[m].found), recall = ratio(t[m].hits, t[m].truth);
      if (families[f].truth == NONE)
        printf("  alarms %5.1f %%  %.2f   ", 100 * ratio(t[m].alarmed, t[m].series), t[m].covering / (double)t[m].series);
      else
        printf("  %5.1f %5.1f %5.1f  %.2f", 100 * p, 100 * recall, p + recall > 0 ? 200 * p * recall / (p + recall) : 0,
               t[m].covering / (double)t[m].series);
      bool of_3 = families[f].shift == 3 && (families[f].truth == ONE || families[f].truth == SOME || families[f].truth == MANY);
      tally *sum = of_3 ? &at_3[m] : families[f].truth == NONE ? &quiet[m] : NULL;
      if (sum != NULL)
        sum->hits += t[m].hits, sum->found += t[m].found, sum->truth += t[m].truth, sum->alarmed += t[m].alarmed,
            sum->series += t[m].series;
    }
    printf("\n");
    fflush(stdout);
  }
  char beside[200];
  snprintf(beside, sizeof beside, "PELT %.1f, t-test %.1f, BOCPD %.1f", 100 * ratio(at_3[1].hits, at_3[1].found),
           100 * ratio(at_3[2].hits, at_3[2].found), 100 * ratio(at_3[3].hits, at_3[3].found));
  double p = 100 * ratio(at_3[0].hits, at_3[0].found), recall = 100 * ratio(at_3[0].hits, at_3[0].truth);
  all_met &= bar("change points of 3 sigma: precision (margin 5)", ">= 90 %", p, "%", p >= 90, beside);
  snprintf(beside, sizeof beside, "PELT %.1f, t-test %.1f, BOCPD %.1f", 100 * ratio(at_3[1].hits, at_3[1].truth),
           100 * ratio(at_3[2].hits, at_3[2].truth), 100 * ratio(at_3[3].hits, at_3[3].truth));
  all_met &= bar("change points of 3 sigma: recall (margin 5)", ">= 90 %", recall, "%", recall >= 90, beside);
  snprintf(beside, sizeof beside, "PELT %.1f, t-test %.1f, BOCPD %.1f", 100 * ratio(quiet[1].alarmed, quiet[1].series),
           100 * ratio(quiet[2].alarmed, quiet[2].series), 100 * ratio(quiet[3].alarmed, quiet[3].series));
  double alarms = 100 * ratio(quiet[0].alarmed, quiet[0].series);
  all_met &= bar("series without a change that get one", "<= 5 %", alarms, "%", alarms <= 5, beside);
  static const family timed[] = {{"10,000 values, no change", NONE, WHITE, LEVEL, 0, 10000, 10000},
                                 {"10,000 values, a random walk", NONE, WHITE, WALK, 0, 10000, 10000},
                                 {"10,000 values, about 30 changes", MANY, WHITE, LEVEL, 3, 10000, 10000},
                                 {"10,000 values, about 1,100 changes", CLOSE, WHITE, LEVEL, 8, 10000, 10000},
                                 {"10,000 values of two narrow modes", NONE, MODES_3, LEVEL, 0, 10000, 10000},
                                 {"10,000 values with a season", NONE, WHITE, SEASON_7, 2, 10000, 10000}};
  for (size_t k = 0; k < sizeof timed / sizeof *timed; k++) {
    assay_random r;
    assay_random_init(&r, 77 + k);
    make_series(&r, &timed[k], &s);
    double ms = milliseconds(&s);
    all_met &= bar(timed[k].name, "<= 50 ms", ms, "ms", ms <= 50, "processor time, best of 5");
  }
  return all_met ? 0 : 1;
}

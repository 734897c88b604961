/* SPDX-License-Identifier: MIT */
/*
 * Few processes tell little of their own spread: of forty benchmarks with five processes each, one or two look ten times as steady as they
 * are, and these raise the alarms. Their neighbours in the same two results tell how large such spreads are, and how much they differ from
 * each other; each benchmark's own spread is drawn towards theirs, the more so the more alike they are (Smyth 2004, as for microarrays).
 */
#include <math.h>

#include "judge/changes.h"

enum { ENOUGH = 8, SERIES_FROM = 12, NEWTON_STEPS = 50 };
static const double ALIKE = 1e4; /* so many degrees of freedom stand for infinitely many */

/* Derivatives of log gamma: recurrence up to where the asymptotic series (DLMF 5.11.2, 5.15.8) has 12 digits. */
static double digamma(double x) {
  double sum = 0;
  for (; x < SERIES_FROM; x++) sum -= 1 / x;
  double r = 1 / (x * x);
  return sum + log(x) - 0.5 / x - r * (1.0 / 12 - r * (1.0 / 120 - r * (1.0 / 252 - r / 240)));
}

static double trigamma(double x) {
  double sum = 0;
  for (; x < SERIES_FROM; x++) sum += 1 / (x * x);
  double r = 1 / (x * x);
  return sum + 1 / x + r / 2 + r / x * (1.0 / 6 - r * (1.0 / 30 - r * (1.0 / 42 - r / 30)));
}

static double tetragamma(double x) {
  double sum = 0;
  for (; x < SERIES_FROM; x++) sum -= 2 / (x * x * x);
  double r = 1 / (x * x);
  return sum - r - r / x - r * r / 2 + r * r * r / 6;
}

/* The x > 0 with trigamma(x) = y, by Newton's method on 1 / trigamma, which is convex (Smyth 2004, appendix). */
static double trigamma_inverse(double y) {
  if (y > 1e7) return 1 / sqrt(y);
  if (y < 1e-6) return 1 / y;
  double x = 0.5 + 1 / y;
  for (int i = 0; i < NEWTON_STEPS; i++) {
    double t = trigamma(x), step = t * (1 - t / y) / tetragamma(x);
    x += step;
    if (fabs(step) < 1e-10 * x) break;
  }
  return x;
}

/* What variances of single processes are like: scaled inverse chi-squared around `variance` with `df` degrees of freedom. */
typedef struct prior {
  double variance, df;
} prior;

static bool has_spread(const assay_comparison *c, size_t i) {
  const assay_pair *pair = &c->pairs[i];
  return assay_is_typical(c, i) && !pair->lone && pair->error > 0 && pair->df > 0 && isfinite(pair->df);
}

/* Moments of the logarithms of the variances, whose noise is that of log chi-squared. */
static bool fit(const assay_comparison *c, prior *p) {
  double mean = 0, noise = 0, squares = 0;
  size_t count = 0;
  for (size_t i = 0; i < c->changes->count; i++) count += has_spread(c, i);
  if (count < ENOUGH) return false;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < c->changes->count; i++) {
      if (!has_spread(c, i)) continue;
      double half = c->pairs[i].df / 2, e = log(assay_process_variance(&c->pairs[i])) - digamma(half) + log(half);
      if (pass == 0) {
        mean += e / (double)count;
        noise += trigamma(half) / (double)count;
      } else {
        squares += (e - mean) * (e - mean) / (double)(count - 1);
      }
    }
  }
  p->df = squares > noise ? 2 * trigamma_inverse(squares - noise) : ALIKE;
  if (p->df > ALIKE) p->df = ALIKE;
  p->variance = exp(mean + digamma(p->df / 2) - log(p->df / 2));
  return true;
}

void assay_comparison_moderate(assay_comparison *c) {
  prior p;
  if (!fit(c, &p)) return;
  for (size_t i = 0; i < c->changes->count; i++) {
    assay_pair *pair = &c->pairs[i];
    if (!has_spread(c, i)) continue;
    double per_process = pair->error * pair->error / assay_process_variance(pair); /* 1 / n + 1 / m */
    double variance = (p.df * p.variance + pair->df * assay_process_variance(pair)) / (p.df + pair->df);
    pair->error = sqrt(variance * per_process);
    pair->df += p.df;
  }
}

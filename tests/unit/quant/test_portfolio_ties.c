/* SPDX-License-Identifier: MIT */
/* Portfolios of assets whose returns are the same, or hardly differ: what a target return and the budget say is nearly the same then. */
#include <math.h>

#include <assay/portfolio.h>

#include "base/random.h"
#include "test.h"

enum { MOST = 24, POINTS = 7, KINDS = 5, SMALL = 4, ROWS = 4, ALL = SMALL + ROWS };

static const double gaps[] = {0, 1e-16, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5};
enum { GAPS = sizeof gaps / sizeof *gaps };

typedef struct market {
  double covariance[MOST * MOST], expected[MOST], low[MOST], high[MOST], current[MOST];
  size_t members[MOST];
  assay_portfolio_group group;
  assay_portfolio_problem p;
} market;

static void make_covariance(double *c, size_t n, assay_random *random) {
  double loadings[MOST * 3];
  for (size_t i = 0; i < n * 3; i++) loadings[i] = 0.1 * assay_random_normal(random) + (i % 3 == 0 ? 0.15 : 0);
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) {
      double sum = 0;
      for (size_t f = 0; f < 3; f++) sum += loadings[i * 3 + f] * loadings[j * 3 + f];
      c[i * n + j] = c[j * n + i] = sum;
    }
    c[i * n + i] += 0.005 + 0.03 * assay_random_unit(random);
  }
}

/* One to three assets come within `gap` of the best one's return. */
static void tie(double *expected, size_t n, double gap, assay_random *random) {
  size_t best = 0;
  for (size_t i = 1; i < n; i++) best = expected[i] > expected[best] ? i : best;
  for (size_t t = assay_random_below(random, 3) + 1; t-- > 0;) {
    size_t other = assay_random_below(random, n);
    if (other != best) expected[other] = expected[best] - gap * (t > 0 ? assay_random_unit(random) : 1);
  }
}

/* kind: 0 long only, 1 caps, 2 short positions, 3 a group, 4 turnover. */
static void make_market(market *m, size_t n, double gap, unsigned kind, assay_random *random) {
  double sum = 0;
  size_t count = 0;
  make_covariance(m->covariance, n, random);
  for (size_t i = 0; i < n; i++) {
    m->expected[i] = 0.05 + 0.05 * assay_random_normal(random);
    m->high[i] = assay_random_below(random, 2) ? 1 : 0.4 + assay_random_unit(random);
    m->low[i] = assay_random_below(random, 3) ? 0 : -0.2 * assay_random_unit(random);
    sum += m->current[i] = assay_random_unit(random);
    if (assay_random_below(random, 2)) m->members[count++] = i;
  }
  for (size_t i = 0; i < n; i++) m->current[i] /= sum;
  tie(m->expected, n, gap, random);
  m->group = (assay_portfolio_group){"some", count, m->members, NULL, -INFINITY, 0.3 + 0.6 * assay_random_unit(random)};
  m->p = (assay_portfolio_problem){.assets = n, .covariance = m->covariance, .expected = m->expected};
  if (kind >= 1) m->p.high = m->high;
  if (kind >= 2) m->p.low = m->low;
  if (kind == 3) m->p.groups = &m->group, m->p.group_count = 1;
  if (kind == 4) m->p.current = m->current, m->p.turnover = 0.05 + 0.8 * assay_random_unit(random);
}

/* How far weights are outside the constraints. */
static double outside(const assay_portfolio_problem *p, const double *w) {
  double sum = 0, turnover = 0, off = 0, group = 0;
  for (size_t i = 0; i < p->assets; i++) {
    off = fmax(off, fmax((p->low == NULL ? 0 : p->low[i]) - w[i], w[i] - (p->high == NULL ? INFINITY : p->high[i])));
    sum += w[i];
    if (p->current != NULL) turnover += fabs(w[i] - p->current[i]);
  }
  for (size_t k = 0; p->group_count > 0 && k < p->groups->count; k++) group += w[p->groups->members[k]];
  if (p->group_count > 0) off = fmax(off, group - p->groups->high);
  if (p->current != NULL) off = fmax(off, turnover - p->turnover);
  return fmax(off, fabs(sum - 1));
}

/* None is refused, every point keeps to the constraints, and a target of any of their returns is met, the largest one as well. */
static void no_tie_is_refused(void **state) {
  (void)state;
  static market m;
  assay_random random;
  assay_random_init(&random, 7);
  double points[POINTS * MOST], w[MOST];
  assay_portfolio_result results[POINTS], alone;
  for (size_t turn = 0; turn < 800 * GAPS; turn++) {
    make_market(&m, 2 + assay_random_below(&random, turn % 4 == 3 ? MOST - 1 : 8), gaps[turn % GAPS], (unsigned)(turn / GAPS % KINDS),
                &random);
    assay_error err = {0};
    if (assay_portfolio_feasible(&m.p, NULL) != ASSAY_OK) continue;
    assert_ok(assay_portfolio_frontier(&m.p, POINTS, &err, points, results), err);
    for (size_t k = 0; k < POINTS; k++) {
      assert_true(outside(&m.p, points + k * m.p.assets) < 1e-11 && results[k].kkt < 1e-8);
      assert_true(k == 0 || results[k].expected_return >= results[k - 1].expected_return - 1e-12);
      assert_true(k == 0 || results[k].volatility >= results[k - 1].volatility - 1e-9);
    }
    double most = results[POINTS - 1].expected_return;
    const double targets[] = {most, most - 1e-13, most - 1e-10, most - 1e-7, results[POINTS / 2].expected_return};
    for (size_t k = 0; k < sizeof targets / sizeof *targets; k++) {
      assert_ok(assay_portfolio_target_return(&m.p, targets[k], &err, w, &alone), err);
      assert_true(alone.expected_return >= targets[k] - 1e-12 && outside(&m.p, w) < 1e-11);
    }
  }
}

/* ---- Every combination of what binds, with returns as distances from the largest one, which are exact -------------------------------- */

typedef struct brute {
  const assay_portfolio_problem *p;
  double top;         /* the largest return of an asset */
  long double target; /* less top */
  long double least;  /* twice the objective */
  int place[SMALL];   /* 0 low, 1 high, 2 current, 3 free above it, 4 free below it */
} brute;

static double low_of(const assay_portfolio_problem *p, size_t i) { return p->low == NULL ? 0 : p->low[i]; }
static double high_of(const assay_portfolio_problem *p, size_t i) { return p->high == NULL ? INFINITY : p->high[i]; }

/* Gauss-Jordan, each row scaled; the right side is the last column. False: singular. */
static bool eliminate(size_t n, long double a[ALL][ALL + 1]) {
  for (size_t r = 0; r < n; r++) {
    long double largest = 0;
    for (size_t c = 0; c < n; c++) largest = fmaxl(largest, fabsl(a[r][c]));
    for (size_t c = 0; c < n && largest > 0; c++) a[r][c] /= largest;
    if (largest > 0) a[r][ALL] /= largest;
  }
  for (size_t k = 0; k < n; k++) {
    size_t best = k;
    for (size_t r = k; r < n; r++) best = fabsl(a[r][k]) > fabsl(a[best][k]) ? r : best;
    if (a[best][k] == 0) return false; /* a pivot of roundings makes a point that keeps to no limits, or one that is no better */
    for (size_t c = 0; c <= ALL; c++) {
      long double swap = a[k][c];
      a[k][c] = a[best][c];
      a[best][c] = swap;
    }
    for (size_t r = 0; r < n; r++) {
      if (r == k) continue;
      long double factor = a[r][k] / a[k][k];
      for (size_t c = k; c <= ALL; c++) a[r][c] -= factor * a[k][c];
    }
  }
  for (size_t k = 0; k < n; k++) a[k][ALL] /= a[k][k];
  return true;
}

/* Constraint `row` as coefficients and a limit: 0 budget, 1 target, 2 group, 3 turnover with the signs that the places say. */
static long double make_row(const brute *b, size_t row, long double *line) {
  const assay_portfolio_problem *p = b->p;
  long double limit = row == 0 ? 1 : row == 1 ? b->target : row == 2 ? (long double)p->groups->high : (long double)p->turnover;
  for (size_t i = 0; i < p->assets; i++) line[i] = row == 0 ? 1 : row == 1 ? (long double)p->expected[i] - b->top : 0;
  for (size_t k = 0; row == 2 && k < p->groups->count; k++) line[p->groups->members[k]] = 1;
  for (size_t i = 0; row == 3 && i < p->assets; i++) {
    bool below =
        b->place[i] == 4 || (b->place[i] == 0 && low_of(p, i) < p->current[i]) || (b->place[i] == 1 && high_of(p, i) < p->current[i]);
    line[i] = below ? -1 : 1;
    limit += line[i] * p->current[i];
  }
  return limit;
}

/* The solution, refined: where rows hardly differ the first one misses them by far more than a rounding. False: singular. */
static bool solve(size_t n, const long double a[ALL][ALL + 1], long double *x) {
  for (size_t k = 0; k < n; k++) x[k] = 0;
  for (int turn = 0; turn < 3; turn++) {
    long double left[ALL][ALL + 1];
    memcpy(left, a, sizeof left);
    for (size_t r = 0; r < n; r++) {
      for (size_t c = 0; c < n; c++) left[r][ALL] -= a[r][c] * x[c];
    }
    if (!eliminate(n, left)) return false;
    for (size_t k = 0; k < n; k++) x[k] += left[k][ALL];
  }
  return true;
}

static bool keeps_to_limits(const brute *b, const long double *w) {
  const assay_portfolio_problem *p = b->p;
  long double line[SMALL], sum = 0, turnover = 0, group = 0, budget = 0;
  make_row(b, 1, line);
  for (size_t i = 0; i < p->assets; i++) {
    if (w[i] < low_of(p, i) - 1e-15L || w[i] > high_of(p, i) + 1e-15L) return false;
    sum += line[i] * w[i];
    budget += w[i];
    if (p->current != NULL) turnover += fabsl(w[i] - p->current[i]);
  }
  for (size_t k = 0; p->group_count > 0 && k < p->groups->count; k++) group += w[p->groups->members[k]];
  return fabsl(budget - 1) < 1e-15L && sum >= b->target - 1e-15L && (p->group_count == 0 || group <= p->groups->high + 1e-15L) &&
         (p->current == NULL || turnover <= p->turnover + 1e-15L);
}

static void try_rows(brute *b, unsigned rows) {
  const assay_portfolio_problem *p = b->p;
  long double a[ALL][ALL + 1] = {{0}}, w[SMALL], line[SMALL];
  size_t free[SMALL], count = 0, n = p->assets;
  for (size_t i = 0; i < n; i++) {
    int place = b->place[i];
    w[i] = place == 0 ? low_of(p, i) : place == 1 ? high_of(p, i) : place == 2 ? p->current[i] : 0;
    if (place >= 3) free[count++] = i;
  }
  size_t size = count;
  for (size_t row = 0; row < ROWS; row++) {
    if (!(rows >> row & 1)) continue;
    long double limit = make_row(b, row, line);
    for (size_t i = 0; i < n; i++) limit -= line[i] * w[i];
    for (size_t f = 0; f < count; f++) a[size][f] = a[f][size] = line[free[f]];
    a[size++][ALL] = limit;
  }
  for (size_t f = 0; f < count; f++) {
    for (size_t g = 0; g < count; g++) a[f][g] = p->covariance[free[f] * n + free[g]];
    for (size_t i = 0; i < n; i++) a[f][ALL] -= p->covariance[free[f] * n + i] * w[i];
  }
  long double x[ALL];
  if (!solve(size, a, x)) return;
  for (size_t f = 0; f < count; f++) w[free[f]] = x[f];
  if (!keeps_to_limits(b, w)) return;
  long double variance = 0;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) variance += w[i] * p->covariance[i * n + j] * w[j];
  }
  b->least = fminl(b->least, variance);
}

/* The least variance with at least this return; infinite: there is none. */
static long double least_variance(const assay_portfolio_problem *p, long double target) {
  brute b = {.p = p, .top = p->expected[0], .least = INFINITY};
  size_t combinations = 1, n = p->assets;
  for (size_t i = 0; i < n; i++) combinations *= 5, b.top = fmax(b.top, p->expected[i]);
  b.target = target - b.top;
  for (size_t c = 0; c < combinations; c++) {
    size_t rest = c;
    bool wanted = true;
    for (size_t i = 0; i < n; i++, rest /= 5) {
      b.place[i] = (int)(rest % 5);
      wanted = wanted && !(b.place[i] == 1 && isinf(high_of(p, i))) && !(p->current == NULL && (b.place[i] == 2 || b.place[i] == 4));
    }
    for (unsigned rows = 0; wanted && rows < 1U << ROWS; rows++) {
      if ((rows >> 2 & 1 && p->group_count == 0) || (rows >> 3 & 1 && p->current == NULL) || !(rows & 1)) continue;
      try_rows(&b, rows);
    }
  }
  return b.least;
}

/* The same with every limit 1e-12 further out. */
static void relax(const market *m, market *near) {
  *near = *m;
  for (size_t i = 0; i < m->p.assets; i++) {
    near->low[i] = (m->p.low == NULL ? 0 : m->low[i]) - 1e-12;
    near->high[i] = (m->p.high == NULL ? INFINITY : m->high[i]) + 1e-12;
  }
  near->p.low = near->low;
  near->p.high = near->high;
  near->group.high += 1e-12;
  if (m->p.group_count > 0) near->p.groups = &near->group;
  near->p.turnover += 1e-12;
}

/* A sum is known to a rounding, and a rounding is worth a lot of variance where returns hardly differ: the answer has no more variance than
 * a target needs that is 2e-14 above, and no less than limits need that are 1e-12 further out. */
static void ties_agree_with_enumeration(void **state) {
  (void)state;
  static market m, near;
  assay_random random;
  assay_random_init(&random, 11);
  double points[POINTS * SMALL], w[SMALL];
  assay_portfolio_result results[POINTS], alone;
  size_t compared = 0;
  for (size_t turn = 0; turn < 60 * GAPS; turn++) {
    make_market(&m, 2 + assay_random_below(&random, SMALL - 1), gaps[turn % GAPS], (unsigned)(turn / GAPS % KINDS), &random);
    assay_error err = {0};
    if (assay_portfolio_feasible(&m.p, NULL) != ASSAY_OK) continue;
    assert_ok(assay_portfolio_frontier(&m.p, POINTS, &err, points, results), err);
    double most = results[POINTS - 1].expected_return;
    const double targets[] = {most, most - 3e-13, most - 1e-9, results[POINTS - 2].expected_return};
    double target = targets[turn / GAPS % 4];
    assert_ok(assay_portfolio_target_return(&m.p, target, &err, w, &alone), err);
    double variance = alone.volatility * alone.volatility;
    relax(&m, &near);
    long double least = least_variance(&near.p, target - 1e-12L), most_needed = least_variance(&m.p, target + 2e-14L);
    assert_true(!isinf(least) && variance >= least * (1 - 1e-9L));
    if (isinf(most_needed)) continue; /* the largest return */
    assert_true(variance <= most_needed * (1 + 1e-9L));
    compared++;
  }
  assert_true(compared > 30 * GAPS);
}

/* However near the next return comes, as long as it can be told from it: the end of the frontier is the best asset alone. */
static void the_end_is_the_best_asset(void **state) {
  (void)state;
  enum { N = 6 };
  static double c[N * N];
  assay_random random;
  assay_random_init(&random, 5);
  for (int turn = 0; turn < 200; turn++) {
    double r[N], w[2 * N], gap = pow(10, -3 - turn % 9);
    make_covariance(c, N, &random);
    for (int i = 0; i < N; i++) r[i] = 0.1 * assay_random_unit(&random);
    r[turn % N] = 0.2;
    r[(turn + 1) % N] = 0.2 - gap;
    const assay_portfolio_problem p = {.assets = N, .covariance = c, .expected = r};
    assay_error err = {0};
    assert_ok(assay_portfolio_frontier(&p, 2, &err, w, NULL), err);
    for (int i = 0; i < N; i++) assert_near(w[N + i], i == turn % N, 1e-15);
    assert_ok(assay_portfolio_target_return(&p, 0.2, &err, w, NULL), err);
    for (int i = 0; i < N; i++) assert_near(w[i], i == turn % N, 1e-15);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_tie_is_refused),
      cmocka_unit_test(ties_agree_with_enumeration),
      cmocka_unit_test(the_end_is_the_best_asset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

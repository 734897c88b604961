/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/portfolio.h>

#include "base/random.h"
#include "test.h"

enum { MOST = 500 };

/* Factors and noise: a covariance as markets have it. */
static void make_covariance(double *c, size_t n, size_t factors, uint64_t seed) {
  static double loadings[MOST * 16];
  assay_random random;
  assay_random_init(&random, seed);
  for (size_t i = 0; i < n * factors; i++) loadings[i] = 0.1 * assay_random_normal(&random);
  for (size_t i = 0; i < n; i++) loadings[i * factors] += 0.15;
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j <= i; j++) {
      double sum = 0;
      for (size_t f = 0; f < factors; f++) sum += loadings[i * factors + f] * loadings[j * factors + f];
      c[i * n + j] = c[j * n + i] = sum;
    }
    c[i * n + i] += 0.005 + 0.03 * assay_random_unit(&random);
  }
}

static void make_returns(double *r, size_t n, uint64_t seed) {
  assay_random random;
  assay_random_init(&random, seed);
  for (size_t i = 0; i < n; i++) r[i] = 0.05 + 0.05 * assay_random_normal(&random);
}

/* ---- Every combination of what binds, each solved by elimination: the best feasible one is the optimum ------------------------------- */

enum { SMALL = 5, ROWS = 4 };

static bool eliminate(double *a, double *b, size_t n) {
  for (size_t k = 0; k < n; k++) {
    size_t best = k;
    for (size_t r = k; r < n; r++) {
      if (fabs(a[r * n + k]) > fabs(a[best * n + k])) best = r;
    }
    if (fabs(a[best * n + k]) < 1e-11) return false;
    for (size_t c = 0; c < n; c++) {
      double swap = a[k * n + c];
      a[k * n + c] = a[best * n + c];
      a[best * n + c] = swap;
    }
    double swap = b[k];
    b[k] = b[best];
    b[best] = swap;
    for (size_t r = 0; r < n; r++) {
      if (r == k) continue;
      double f = a[r * n + k] / a[k * n + k];
      for (size_t c = k; c < n; c++) a[r * n + c] -= f * a[k * n + c];
      b[r] -= f * b[k];
    }
  }
  for (size_t k = 0; k < n; k++) b[k] /= a[k * n + k];
  return true;
}

static double objective(const assay_portfolio_problem *p, double tolerance, const double *w) {
  double sum = 0;
  for (size_t i = 0; i < p->assets; i++) {
    sum -= tolerance * (p->expected == NULL ? 0 : p->expected[i]) * w[i];
    for (size_t j = 0; j < p->assets; j++) sum += 0.5 * w[i] * p->covariance[i * p->assets + j] * w[j];
  }
  return sum;
}

static double row_of(const assay_portfolio_group *g, const double *w) {
  double sum = 0;
  for (size_t k = 0; k < g->count; k++) sum += w[g->members[k]] * (g->coefficients == NULL ? 1 : g->coefficients[k]);
  return sum;
}

static double budget_of(const assay_portfolio_problem *p) { return p->budget_low == 0 ? 1 : p->budget_low; }

static bool satisfies(const assay_portfolio_problem *p, const double *w, double slack) {
  double sum = 0, turnover = 0;
  for (size_t i = 0; i < p->assets; i++) {
    if (!(w[i] >= (p->low == NULL ? 0 : p->low[i]) - slack) || !(w[i] <= (p->high == NULL ? INFINITY : p->high[i]) + slack)) return false;
    sum += w[i];
    if (p->current != NULL) turnover += fabs(w[i] - p->current[i]);
  }
  if (fabs(sum - budget_of(p)) > slack || (p->current != NULL && turnover > p->turnover + slack)) return false;
  for (size_t g = 0; g < p->group_count; g++) {
    double value = row_of(&p->groups[g], w);
    if (value < p->groups[g].low - slack || value > p->groups[g].high + slack) return false;
  }
  return true;
}

typedef struct brute {
  const assay_portfolio_problem *p;
  double tolerance, best;
  int place[SMALL]; /* 0 low, 1 high, 2 current, 3 free above it, 4 free below it */
} brute;

static void try_rows(brute *b, unsigned rows) {
  const assay_portfolio_problem *p = b->p;
  size_t n = p->assets, m = n;
  double a[(SMALL + ROWS + SMALL) * (SMALL + ROWS + SMALL)] = {0}, right[SMALL + ROWS + SMALL] = {0};
  double lines[ROWS + SMALL][SMALL] = {{0}}, targets[ROWS + SMALL];
  size_t count = 0;
  for (size_t i = 0; i < n; i++) lines[0][i] = 1;
  targets[count++] = budget_of(p);
  for (size_t g = 0; g < p->group_count; g++) {
    unsigned side = rows % 3;
    rows /= 3;
    if (side == 0) continue;
    for (size_t k = 0; k < p->groups[g].count; k++)
      lines[count][p->groups[g].members[k]] += p->groups[g].coefficients == NULL ? 1 : p->groups[g].coefficients[k];
    targets[count] = side == 1 ? p->groups[g].low : p->groups[g].high;
    if (isinf(targets[count])) return;
    count++;
  }
  if (rows % 2 == 1) {
    targets[count] = p->turnover;
    for (size_t i = 0; i < n; i++) {
      double now = p->current[i], low = p->low == NULL ? 0 : p->low[i];
      int side = b->place[i] == 3   ? 1
                 : b->place[i] == 4 ? -1
                 : b->place[i] == 0 ? (low < now ? -1 : 1)
                 : b->place[i] == 1 ? (p->high[i] < now ? -1 : 1)
                                    : 1;
      lines[count][i] = side;
      targets[count] += side * now;
    }
    count++;
  }
  for (size_t i = 0; i < n; i++) {
    if (b->place[i] >= 3) continue;
    lines[count][i] = 1;
    targets[count] = b->place[i] == 0 ? (p->low == NULL ? 0 : p->low[i]) : b->place[i] == 1 ? p->high[i] : p->current[i];
    count++;
  }
  m = n + count;
  for (size_t i = 0; i < n; i++) {
    right[i] = b->tolerance * (p->expected == NULL ? 0 : p->expected[i]);
    for (size_t j = 0; j < n; j++) a[i * m + j] = p->covariance[i * n + j];
    for (size_t r = 0; r < count; r++) a[i * m + n + r] = a[(n + r) * m + i] = lines[r][i];
  }
  for (size_t r = 0; r < count; r++) right[n + r] = targets[r];
  if (!eliminate(a, right, m) || !satisfies(p, right, 1e-9)) return;
  b->best = fmin(b->best, objective(p, b->tolerance, right));
}

static double brute_force(const assay_portfolio_problem *p, double tolerance) {
  brute b = {.p = p, .tolerance = tolerance, .best = INFINITY};
  size_t combinations = 1, rows = p->current != NULL ? 2 : 1;
  for (size_t i = 0; i < p->assets; i++) combinations *= 5;
  for (size_t g = 0; g < p->group_count; g++) rows *= 3;
  for (size_t c = 0; c < combinations; c++) {
    size_t rest = c;
    bool wanted = true;
    for (size_t i = 0; i < p->assets; i++, rest /= 5) {
      b.place[i] = (int)(rest % 5);
      if (b.place[i] == 1 && (p->high == NULL || isinf(p->high[i]))) wanted = false;
      if (b.place[i] == 0 && p->low != NULL && isinf(p->low[i])) wanted = false;
      if (p->current == NULL && (b.place[i] == 2 || b.place[i] == 4)) wanted = false;
    }
    for (unsigned r = 0; wanted && r < rows; r++) try_rows(&b, r);
  }
  return b.best;
}

static void small_problems_agree_with_brute_force(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 31);
  double covariance[SMALL * SMALL], expected[SMALL], low[SMALL], high[SMALL], current[SMALL], coefficients[SMALL], w[SMALL];
  const size_t first[] = {0, 1, 2}, second[] = {1, 3}, all[] = {0, 1, 2, 3, 4};
  int infeasible = 0, solved = 0;
  for (int turn = 0; turn < 300; turn++) {
    size_t n = 4 + assay_random_below(&random, turn % 3 == 2 ? 1 : 2);
    make_covariance(covariance, n, 2, (uint64_t)turn);
    make_returns(expected, n, (uint64_t)turn + 1000);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
      low[i] = assay_random_below(&random, 2) ? 0 : -0.5 * assay_random_unit(&random);
      high[i] = 0.1 + assay_random_unit(&random);
      coefficients[i] = assay_random_normal(&random);
      sum += current[i] = assay_random_unit(&random);
    }
    for (size_t i = 0; i < n; i++) current[i] /= sum;
    const assay_portfolio_group groups[] = {
        {"first", 3, first, NULL, -INFINITY, 0.2 + 0.5 * assay_random_unit(&random)},
        {turn % 2 ? "second" : "tilt", turn % 2 ? 2 : 4, turn % 2 ? second : all, turn % 2 ? NULL : coefficients, 0.1, 0.4}};
    assay_portfolio_problem p = {.assets = n, .covariance = covariance, .expected = expected, .low = low, .high = high};
    if (turn % 5 == 1) p.low = NULL, p.high = NULL;
    if (turn % 4 != 0) p.groups = groups, p.group_count = 1 + assay_random_below(&random, 2);
    if (turn % 3 == 2) p.current = current, p.turnover = 0.6 * assay_random_unit(&random);
    double tolerance = turn % 7 == 0 ? 0 : 0.5 * assay_random_unit(&random);
    assay_portfolio_result result;
    assay_error err = {0};
    assay_status status = assay_portfolio_mean_variance(&p, tolerance, &err, w, &result);
    double best = brute_force(&p, tolerance);
    if (isinf(best)) {
      assert_int_equal(status, ASSAY_ERR_INVALID);
      assert_non_null(strstr(err.message, "no portfolio fits"));
      infeasible++;
      continue;
    }
    assert_ok(status, err);
    assert_true(satisfies(&p, w, 1e-12));
    assert_near(objective(&p, tolerance, w), best, 1e-12);
    assert_true(result.kkt < 1e-9);
    solved++;
  }
  assert_true(solved > 150 && infeasible > 10);
}

/* ---- Limits that meet ---------------------------------------------------------------------------------------------------------------- */

static double pick(assay_random *random, const double *from, size_t count) { return from[assay_random_below(random, count)]; }

/* Few periods, so that many are singular; now and then twins and assets without risk. */
static void sample_covariance(double *c, size_t n, assay_random *random) {
  double x[8 * SMALL];
  size_t periods = 1 + assay_random_below(random, 8);
  for (size_t k = 0; k < periods * n; k++) x[k] = assay_random_normal(random);
  bool twins = n > 1 && assay_random_below(random, 6) == 0, cash = assay_random_below(random, 8) == 0;
  for (size_t t = 0; t < periods; t++) {
    if (twins) x[t * n + 1] = x[t * n];
    if (cash) x[t * n + n - 1] = 0;
  }
  for (size_t i = 0; i < n; i++) {
    for (size_t j = 0; j < n; j++) {
      c[i * n + j] = 0;
      for (size_t t = 0; t < periods; t++) c[i * n + j] += x[t * n + i] * x[t * n + j] / (double)periods;
    }
  }
}

typedef struct meeting {
  double covariance[SMALL * SMALL], expected[SMALL], low[SMALL], high[SMALL], current[SMALL];
  size_t members[3];
  assay_portfolio_group groups[2];
  assay_portfolio_problem p;
  double tolerance;
} meeting;

/* Limits from a few round numbers, so that bounds, budget, groups, turnover and what is held now meet all the time. */
static void make_meeting(meeting *m, assay_random *random) {
  const double caps[] = {1, 1, 1, 0.5, 0.25, 2, 1.0 / 3}, floors[] = {0, 0, 0, 0, 0.25, -0.25, -1},
               group_caps[] = {1, 0.5, 0.75, 0.25, 2.0 / 3}, turnovers[] = {0, 0.25, 0.5, 1, 2}, gaps[] = {0, 1e-9};
  size_t n = 1 + assay_random_below(random, 4);
  *m = (meeting){.members = {0, 1, 2}};
  m->p = (assay_portfolio_problem){.assets = n, .covariance = m->covariance, .expected = m->expected, .low = m->low, .high = m->high};
  sample_covariance(m->covariance, n, random);
  double cap = pick(random, caps, 7), floor = pick(random, floors, 7);
  bool exact = assay_random_below(random, 6) == 0;
  for (size_t i = 0; i < n; i++) {
    m->expected[i] = 0.25 * (double)assay_random_below(random, 4);
    m->high[i] = exact ? 1.0 / (double)n + pick(random, gaps, 2) : assay_random_below(random, 3) ? cap : pick(random, caps, 7);
    m->low[i] = fmin(assay_random_below(random, 3) ? floor : pick(random, floors, 7), m->high[i]);
    m->current[i] = assay_random_below(random, 2) ? 1.0 / (double)n : i == 0 ? 1 : 0;
  }
  for (size_t g = 0; n >= 3 && g < assay_random_below(random, 3); g++)
    m->groups[m->p.group_count++] =
        (assay_portfolio_group){g ? "second" : "first", 2, m->members + g, NULL, g ? -INFINITY : 0, pick(random, group_caps, 5)};
  m->p.groups = m->groups;
  if (assay_random_below(random, 4) == 0) m->p.current = m->current, m->p.turnover = pick(random, turnovers, 5);
  m->tolerance = assay_random_below(random, 2) ? 0 : pick(random, caps, 7);
}

/* The same with at least this return. */
static void assert_target_is_least(meeting *m, double target, double *w) {
  const size_t all[] = {0, 1, 2, 3, 4};
  assay_error err = {0};
  assay_portfolio_group saved = m->groups[1];
  assay_status status = assay_portfolio_target_return(&m->p, target, &err, w, NULL);
  m->groups[m->p.group_count++] = (assay_portfolio_group){"return", m->p.assets, all, m->expected, target - 1e-12, INFINITY};
  double best = brute_force(&m->p, 0);
  assert_ok(status, err);
  if (!isinf(best)) assert_near(objective(&m->p, 0, w), best, 1e-8);
  m->groups[--m->p.group_count] = saved;
}

/* Where limits meet, steps have no length: no ordinary problem may be refused for that. */
static void limits_that_meet(void **state) {
  (void)state;
  assay_random random;
  assay_random_init(&random, 404);
  meeting m;
  double w[SMALL], points[5 * SMALL];
  int solved = 0, refused_ones = 0;
  for (int turn = 0; turn < 3000; turn++) {
    make_meeting(&m, &random);
    assay_portfolio_result result, results[5];
    assay_error err = {0};
    assay_status status = assay_portfolio_mean_variance(&m.p, m.tolerance, &err, w, &result);
    double best = brute_force(&m.p, m.tolerance);
    if (isinf(best)) {
      assert_int_equal(status, ASSAY_ERR_INVALID);
      refused_ones++;
      continue;
    }
    assert_ok(status, err);
    assert_true(satisfies(&m.p, w, 1e-10));
    assert_near(objective(&m.p, m.tolerance, w), best, 1e-8);
    assert_true(result.kkt < 1e-8);
    for (size_t i = 0; i < m.p.assets; i++) assert_true(w[i] == 0 || fabs(w[i]) > 1e-16);
    solved++;
    status = assay_portfolio_frontier(&m.p, 5, &err, points, results);
    assert_ok(status, err);
    if (m.p.group_count < 2) assert_target_is_least(&m, results[4].expected_return, w);
    status = assay_portfolio_maximum_sharpe(&m.p, 0, &err, w, NULL);
    if (status != ASSAY_OK) assert_int_equal(status, ASSAY_ERR_INVALID);
    assay_error_clear(&err);
    status = assay_portfolio_risk_parity(&m.p, NULL, &err, w, &result);
    if (status != ASSAY_OK) assert_true(status == ASSAY_ERR_INVALID || status == ASSAY_ERR_LIMIT);
    if (status == ASSAY_OK) assert_true(satisfies(&m.p, w, 1e-9) && result.kkt < 1e-6);
  }
  assert_true(solved > 1000 && refused_ones > 100);
}

/* A cap of 1 on each, which a budget of 1 meets at every vertex. */
static void caps_as_large_as_the_budget(void **state) {
  (void)state;
  const double returns[] = {0.14, 0.04, -0.25, -0.11, 0.13, -0.10, -0.11, -0.19}, high[] = {1, 1}, one[] = {1.57e-4};
  double mean[2] = {0}, c[4] = {0}, w[2];
  for (int t = 0; t < 8; t++) mean[t % 2] += returns[t] / 4;
  for (int t = 0; t < 4; t++) {
    for (int k = 0; k < 4; k++) c[k] += (returns[2 * t + k / 2] - mean[k / 2]) * (returns[2 * t + k % 2] - mean[k % 2]) / 3;
  }
  const assay_portfolio_problem p = {.assets = 2, .covariance = c, .high = high}, single = {.assets = 1, .covariance = one, .high = high};
  assay_error err = {0};
  assay_portfolio_result result;
  assert_ok(assay_portfolio_minimum_variance(&p, &err, w, &result), err);
  double first = (c[3] - c[1]) / (c[0] + c[3] - 2 * c[1]); /* closed form */
  assert_near(w[0], fmin(fmax(first, 0), 1), 1e-10);
  assert_ok(assay_portfolio_minimum_variance(&single, &err, w, &result), err);
  assert_true(w[0] == 1 && result.held == 1);
}

/* With no bounds at all the answer has a closed form: w = C^-1 1 / (1'C^-1 1). */
static void unbounded_minimum_variance(void **state) {
  (void)state;
  enum { N = 40 };
  static double c[N * N], a[N * N], b[N], low[N], w[N];
  make_covariance(c, N, 4, 5);
  memcpy(a, c, sizeof a);
  double sum = 0;
  for (size_t i = 0; i < N; i++) b[i] = 1, low[i] = -INFINITY;
  assert_true(eliminate(a, b, N));
  for (size_t i = 0; i < N; i++) sum += b[i];
  const assay_portfolio_problem p = {.assets = N, .covariance = c, .low = low};
  assay_error err = {0};
  assert_ok(assay_portfolio_minimum_variance(&p, &err, w, NULL), err);
  for (size_t i = 0; i < N; i++) assert_near(w[i], b[i] / sum, 1e-11);
}

/* Optimality, checked from the definition: long only, sum 1. */
static void assert_optimal(const double *c, const double *linear, const double *w, size_t n, double tolerance) {
  double price = 0, sum = 0, scale = 0;
  static double g[MOST];
  for (size_t i = 0; i < n; i++) {
    g[i] = linear == NULL ? 0 : linear[i];
    for (size_t j = 0; j < n; j++) g[i] += c[i * n + j] * w[j];
    price += w[i] * g[i];
    sum += w[i];
    scale = fmax(scale, fabs(g[i]));
    assert_true(w[i] >= 0);
  }
  assert_near(sum, 1, 1e-13);
  for (size_t i = 0; i < n; i++) {
    if (w[i] > 0) assert_near(g[i], price, tolerance * scale);
    assert_true(g[i] >= price - tolerance * scale);
  }
}

static void five_hundred_assets(void **state) {
  (void)state;
  static double c[MOST * MOST], r[MOST], w[MOST], linear[MOST];
  make_covariance(c, MOST, 10, 77);
  make_returns(r, MOST, 78);
  const assay_portfolio_problem p = {.assets = MOST, .covariance = c, .expected = r};
  assay_portfolio_result result;
  assay_error err = {0};
  assert_ok(assay_portfolio_minimum_variance(&p, &err, w, &result), err);
  assert_optimal(c, NULL, w, MOST, 1e-9);
  assert_true(result.held > 5 && result.held < MOST && result.kkt < 1e-9);
  assert_ok(assay_portfolio_maximum_sharpe(&p, 0.01, &err, w, &result), err);
  for (size_t i = 0; i < MOST; i++) linear[i] = -(r[i] - 0.01) * result.volatility * result.volatility / (result.expected_return - 0.01);
  assert_optimal(c, linear, w, MOST, 1e-8);
}

/* Singular: fewer factors than assets, twins, cash, and nothing but zeros. */
static void singular_covariances(void **state) {
  (void)state;
  enum { N = 60 };
  static double c[N * N], x[10 * N], w[N];
  assay_random random;
  assay_random_init(&random, 2);
  for (int i = 0; i < 10 * N; i++) x[i] = assay_random_normal(&random);
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < N; j++) {
      c[i * N + j] = 0;
      for (int t = 0; t < 10; t++) c[i * N + j] += x[t * N + i] * x[t * N + j] / 10;
    }
  }
  for (int j = 0; j < N; j++) c[7 * N + j] = c[3 * N + j]; /* twins */
  for (int j = 0; j < N; j++) c[j * N + 7] = c[j * N + 3];
  const assay_portfolio_problem p = {.assets = N, .covariance = c};
  assay_portfolio_result result;
  assay_error err = {0};
  assert_ok(assay_portfolio_minimum_variance(&p, &err, w, &result), err);
  assert_true(result.kkt < 1e-8);
  double sum = 0;
  for (int i = 0; i < N; i++) sum += w[i];
  assert_near(sum, 1, 1e-13);
  for (int j = 0; j < N; j++) c[5 * N + j] = c[j * N + 5] = 0; /* cash */
  assert_ok(assay_portfolio_minimum_variance(&p, &err, w, &result), err);
  assert_near(result.volatility, 0, 1e-7);
  memset(c, 0, sizeof c);
  assert_ok(assay_portfolio_minimum_variance(&p, &err, w, &result), err);
  assert_true(result.volatility == 0);
  const double one[] = {0.04};
  const assay_portfolio_problem single = {.assets = 1, .covariance = one, .expected = one};
  assert_ok(assay_portfolio_minimum_variance(&single, &err, w, &result), err);
  assert_near(w[0], 1, 1e-15);
  assert_near(result.volatility, 0.2, 1e-15);
  assert_ok(assay_portfolio_maximum_sharpe(&single, 0, &err, w, &result), err);
  assert_near(result.sharpe, 0.2, 1e-15);
}

/* The answer does not depend on the unit of variance or of money. */
static void scales_do_not_matter(void **state) {
  (void)state;
  enum { N = 30 };
  static double c[N * N], scaled[N * N], r[N], w[N], again[N];
  make_covariance(c, N, 3, 9);
  make_returns(r, N, 10);
  assay_portfolio_problem p = {.assets = N, .covariance = c, .expected = r};
  assay_error err = {0};
  assert_ok(assay_portfolio_minimum_variance(&p, &err, w, NULL), err);
  const double scales[] = {1e-250, 1e-8, 1e8, 1e250};
  for (int s = 0; s < 4; s++) {
    for (int i = 0; i < N * N; i++) scaled[i] = c[i] * scales[s];
    p.covariance = scaled;
    assert_ok(assay_portfolio_minimum_variance(&p, &err, again, NULL), err);
    for (int i = 0; i < N; i++) assert_near(again[i], w[i], 1e-12);
  }
  p.covariance = c;
  p.budget_low = p.budget_high = 1e6;
  assert_ok(assay_portfolio_minimum_variance(&p, &err, again, NULL), err);
  for (int i = 0; i < N; i++) assert_near(again[i], 1e6 * w[i], 1e-6);
}

static void sharpe_is_the_largest_of_the_frontier(void **state) {
  (void)state;
  enum { N = 25, POINTS = 200 };
  static double c[N * N], r[N], w[N], points[POINTS * N], low[N], high[N], current[N];
  static assay_portfolio_result results[POINTS];
  for (uint64_t seed = 0; seed < 8; seed++) {
    make_covariance(c, N, 3, seed);
    make_returns(r, N, seed + 50);
    for (int i = 0; i < N; i++) low[i] = seed % 2 ? -0.05 : 0, high[i] = 0.3, current[i] = 1.0 / N;
    assay_portfolio_problem p = {.assets = N, .covariance = c, .expected = r, .low = low, .high = high};
    if (seed >= 4) p.current = current, p.turnover = 0.7;
    assay_portfolio_result result;
    assay_error err = {0};
    assert_ok(assay_portfolio_maximum_sharpe(&p, 0.01, &err, w, &result), err);
    assert_ok(assay_portfolio_frontier(&p, POINTS, &err, points, results), err);
    double best = 0;
    for (int k = 0; k < POINTS; k++) {
      best = fmax(best, (results[k].expected_return - 0.01) / results[k].volatility);
      assert_true(satisfies(&p, points + k * N, 1e-11) && results[k].kkt < 1e-8);
      if (k > 0) assert_true(results[k].volatility >= results[k - 1].volatility - 1e-12);
      if (k > 1)
        assert_near(results[k].expected_return - results[k - 1].expected_return, results[1].expected_return - results[0].expected_return,
                    1e-9);
    }
    assert_true(result.sharpe >= best - 1e-12);
    assert_near(result.sharpe, best, 2e-3 * best);
    /* A target in between, on its own, is the frontier's point. */
    assert_ok(assay_portfolio_target_return(&p, results[77].expected_return, &err, w, &result), err);
    assert_near(result.volatility, results[77].volatility, 1e-10);
    assert_ok(assay_portfolio_minimum_variance(&p, &err, w, &result), err);
    assert_near(result.volatility, results[0].volatility, 1e-10);
  }
}

/* The largest return: as much as may be of what earns most, then of the next, and nothing of the others, however near they come. */
static void frontier_ends_without_dust(void **state) {
  (void)state;
  enum { N = 25, POINTS = 3 };
  static double c[N * N], r[N], high[N], points[POINTS * N];
  assay_portfolio_result results[POINTS];
  for (uint64_t seed = 0; seed < 60; seed++) {
    make_covariance(c, N, 3, seed);
    make_returns(r, N, seed + 50);
    double cap = seed % 2 ? 0.3 : 1, left = 1, right[N] = {0};
    for (int i = 0; i < N; i++) high[i] = cap;
    if (seed % 3 == 0) r[1] = r[0] + 1e-6;
    for (bool taken[N] = {false}; left > 1e-12;) {
      int best = -1;
      for (int i = 0; i < N; i++) {
        if (!taken[i] && (best < 0 || r[i] > r[best])) best = i;
      }
      taken[best] = true;
      right[best] = fmin(cap, left), left -= right[best];
    }
    assay_portfolio_problem p = {.assets = N, .covariance = c, .expected = r, .high = high};
    assay_error err = {0};
    assert_ok(assay_portfolio_frontier(&p, POINTS, &err, points, results), err);
    for (int i = 0; i < N; i++) assert_near(points[(POINTS - 1) * N + i], right[i], 1e-15);
    assert_int_equal(results[POINTS - 1].held, cap < 1 ? 4 : 1);
  }
}

/* Returns that are the same but for their rounding, as sums of the same numbers in another order are. */
static void frontier_of_returns_that_hardly_differ(void **state) {
  (void)state;
  enum { MOST_ASSETS = 14, POINTS = 9 };
  static double c[MOST_ASSETS * MOST_ASSETS], points[POINTS * MOST_ASSETS];
  assay_portfolio_result results[POINTS];
  assay_random random;
  assay_random_init(&random, 9);
  for (uint64_t seed = 0; seed < 600; seed++) {
    double r[MOST_ASSETS], high[MOST_ASSETS];
    size_t n = 3 + assay_random_below(&random, MOST_ASSETS - 2);
    make_covariance(c, n, 3, seed);
    make_returns(r, n, seed + 50);
    for (size_t i = 0; i < n; i++) {
      high[i] = assay_random_below(&random, 2) ? 1 : 0.4 + assay_random_unit(&random);
      if (i > 0 && assay_random_below(&random, 6) == 0) r[i] = r[i - 1] * (1 + 1e-12 * (assay_random_unit(&random) - 0.5));
    }
    assay_portfolio_problem p = {.assets = n, .covariance = c, .expected = r, .high = high};
    assay_error err = {0};
    assert_ok(assay_portfolio_frontier(&p, POINTS, &err, points, results), err);
    for (size_t k = 1; k < POINTS; k++) assert_true(results[k].expected_return >= results[k - 1].expected_return - 1e-12);
  }
}

static void sharpe_without_an_answer(void **state) {
  (void)state;
  const double c[] = {0.04, 0, 0, 0}, poor[] = {0.01, 0.02}, rich[] = {0.05, 0.08};
  double w[2];
  assay_portfolio_problem p = {.assets = 2, .covariance = c, .expected = poor};
  assay_error err = {0};
  assert_int_equal(assay_portfolio_maximum_sharpe(&p, 0.03, &err, w, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "earns more than the risk-free return"));
  p.expected = rich;
  assay_error_clear(&err);
  assert_int_equal(assay_portfolio_maximum_sharpe(&p, 0.03, &err, w, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "without any risk"));
}

static void assert_shares(const double *c, const double *w, const double *shares, size_t n) {
  double variance = 0, total = 0;
  for (size_t i = 0; i < n; i++) {
    total += shares == NULL ? 1 : shares[i];
    for (size_t j = 0; j < n; j++) variance += w[i] * c[i * n + j] * w[j];
  }
  for (size_t i = 0; i < n; i++) {
    double own = 0;
    for (size_t j = 0; j < n; j++) own += w[i] * c[i * n + j] * w[j];
    assert_near(own / variance, (shares == NULL ? 1 : shares[i]) / total, 1e-11);
  }
}

static void parity_shares_the_risk(void **state) {
  (void)state;
  static double c[100 * 100], w[100], shares[100];
  for (size_t n = 1; n <= 100; n = 3 * n + 1) {
    make_covariance(c, n, 3, n);
    for (size_t i = 0; i < n; i++) shares[i] = 1 + (double)(i % 5);
    const assay_portfolio_problem p = {.assets = n, .covariance = c};
    assay_portfolio_result result;
    assay_error err = {0};
    assert_ok(assay_portfolio_risk_parity(&p, NULL, &err, w, &result), err);
    assert_shares(c, w, NULL, n);
    assert_ok(assay_portfolio_risk_parity(&p, shares, &err, w, &result), err);
    assert_shares(c, w, shares, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += w[i];
    assert_near(sum, 1, 1e-13);
  }
  const double uncorrelated[] = {0.04, 0, 0, 0.01}, opposite[] = {1, -1, -1, 1};
  assay_portfolio_problem two = {.assets = 2, .covariance = uncorrelated};
  assay_error err = {0};
  assert_ok(assay_portfolio_risk_parity(&two, NULL, &err, w, NULL), err);
  assert_near(w[0], 1.0 / 3, 1e-14); /* inverse volatility */
  two.covariance = opposite;
  assert_int_equal(assay_portfolio_risk_parity(&two, NULL, &err, w, NULL), ASSAY_ERR_INVALID);
}

/* Assets that nothing holds back share alike; those at a bound take what it lets them. */
static void parity_within_constraints(void **state) {
  (void)state;
  enum { N = 12 };
  static double c[N * N], w[N], high[N], low[N], current[N];
  const size_t members[] = {0, 1, 2};
  const assay_portfolio_group group = {"cap", 3, members, NULL, -INFINITY, 0.1};
  make_covariance(c, N, 3, 21);
  for (int i = 0; i < N; i++) high[i] = i == 4 ? 0.03 : 1, low[i] = i == 6 ? 0.2 : 0, current[i] = i == 0 ? 0.5 : 0.5 / (N - 1);
  assay_portfolio_problem p = {.assets = N, .covariance = c, .low = low, .high = high, .groups = &group, .group_count = 1};
  assay_portfolio_result result;
  assay_error err = {0};
  assert_ok(assay_portfolio_risk_parity(&p, NULL, &err, w, &result), err);
  assert_true(satisfies(&p, w, 1e-12) && result.kkt < 1e-8);
  assert_near(w[4], 0.03, 1e-13);
  assert_near(w[6], 0.2, 1e-13);
  assert_near(w[0] + w[1] + w[2], 0.1, 1e-13);
  double shares[N];
  for (int i = 0; i < N; i++) {
    shares[i] = 0;
    for (int j = 0; j < N; j++) shares[i] += w[i] * c[i * N + j] * w[j];
    if (i > 2 && i != 4 && i != 6) assert_near(shares[i] / shares[3], 1, 1e-7);
  }
  assert_true(shares[4] < shares[3] && shares[6] > shares[3]);
  p.low = NULL;
  p.high = NULL;
  p.group_count = 0;
  p.current = current;
  p.turnover = 0.3;
  assert_ok(assay_portfolio_risk_parity(&p, NULL, &err, w, &result), err);
  assert_true(satisfies(&p, w, 1e-11));
}

static void contradicts(const assay_portfolio_problem *p, const char *const *says) {
  assay_error err = {0};
  assert_int_equal(assay_portfolio_feasible(p, &err), ASSAY_ERR_INVALID);
  for (; *says != NULL; says++) {
    if (strstr(err.message, *says) == NULL) fail_msg("'%s' is not in: %s", *says, err.message);
  }
  double w[8] = {7};
  assert_int_equal(assay_portfolio_minimum_variance(p, NULL, w, NULL), ASSAY_ERR_INVALID);
  assert_true(w[0] == 7);
}

static void contradictions_are_named(void **state) {
  (void)state;
  const double c[] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, high[] = {0.3, 0.3, 0.3}, low[] = {0, 0.5, 0}, caps[] = {1, 0.4, 1},
               r[] = {0.01, 0.02, 0.03};
  const double current[] = {1, 0, 0};
  const size_t tech[] = {0, 1}, rest[] = {2};
  const char *const names[] = {"AAA", "BBB", "CCC"};
  const assay_portfolio_group groups[] = {
      {"tech", 2, tech, NULL, 0, 0.2}, {"rest", 1, rest, NULL, -INFINITY, 0.5}, {"bonds", 1, rest, NULL, 0, INFINITY}};
  assay_portfolio_problem p = {.assets = 3, .covariance = c, .names = names, .expected = r, .high = high};
  contradicts(&p, (const char *const[]){"the budget has to be at least 1", "bounds allow 0.9 at most", NULL});
  p.high = caps;
  p.low = low;
  contradicts(&p, (const char *const[]){"BBB", "at least 0.5 and at most 0.4", NULL});
  p.high = p.low = NULL;
  p.groups = groups;
  p.group_count = 3;
  contradicts(&p, (const char *const[]){"group rest", "group tech", "budget", NULL});
  p.group_count = 0;
  p.low = low;
  p.current = current;
  p.turnover = 0.6;
  contradicts(&p, (const char *const[]){"the turnover limit has to be at most 0.6", "the budget need 1 at least", NULL});
  p.low = NULL;
  p.current = NULL;
  double w[3];
  assay_error err = {0};
  assert_int_equal(assay_portfolio_target_return(&p, 0.05, &err, w, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "the target return has to be at least 0.05, but the bounds and the budget allow 0.03 at most"));
  /* 0.5 contradicts the bounds alone (0.06 each), but what can be reached is 0.03. */
  assay_error_clear(&err);
  p.high = caps;
  assert_int_equal(assay_portfolio_target_return(&p, 0.5, &err, w, NULL), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "the bounds and the budget allow 0.03 at most"));
}

/* Return that rises without limit at no more risk is no answer, however large its weights. */
static void rays_are_refused(void **state) {
  (void)state;
  const double ones[] = {1, 1, 1, 1}, zero[4] = {0}, sound[] = {1, 0.9, 0.9, 1}, r[] = {0.1, 0.2}, low[] = {-INFINITY, -INFINITY},
               high[] = {INFINITY, INFINITY}, capped[] = {3, 3}, current[] = {0.5, 0.5};
  const double *const open[] = {ones, zero};
  double w[2] = {7, 7};
  assay_error err = {0};
  assay_portfolio_problem p = {.assets = 2, .expected = r, .low = low, .high = high};
  for (int k = 0; k < 2; k++) {
    p.covariance = open[k];
    assert_int_equal(assay_portfolio_mean_variance(&p, 1, &err, w, NULL), ASSAY_ERR_INVALID);
    assert_non_null(strstr(err.message, "without limit"));
    assay_error_clear(&err);
    assert_int_equal(assay_portfolio_maximum_sharpe(&p, 0.03, &err, w, NULL), ASSAY_ERR_INVALID);
    assert_true(strstr(err.message, "limit") != NULL && w[0] == 7);
    assay_error_clear(&err);
    assert_ok(assay_portfolio_minimum_variance(&p, &err, w, NULL), err);
    w[0] = 7;
  }
  /* Something to hold them: a covariance without a ray, a bound, a turnover limit. */
  p.covariance = sound;
  assert_ok(assay_portfolio_mean_variance(&p, 1, &err, w, NULL), err);
  assert_near(w[0] + w[1], 1, 1e-12);
  assert_near(w[1], 1.0, 1e-9); /* by hand: d/dw of 0.1 w - (w^2 + (1 - w)^2 + 1.8 w (1 - w)) / 2 is 0 at w = 1/2 + 1/2 */
  p.covariance = ones;
  p.high = capped;
  assert_ok(assay_portfolio_mean_variance(&p, 1, &err, w, NULL), err);
  assert_near(w[1], 3, 1e-12);
  p.high = high;
  p.current = current;
  p.turnover = 1;
  assert_ok(assay_portfolio_mean_variance(&p, 1, &err, w, NULL), err);
  assert_near(w[1], 1, 1e-12);
}

static void refused(const assay_portfolio_problem *p, const char *says) {
  double w[3] = {7};
  assay_error err = {0};
  assert_int_equal(assay_portfolio_mean_variance(p, 0.1, &err, w, NULL), ASSAY_ERR_INVALID);
  if (strstr(err.message, says) == NULL) fail_msg("'%s' is not in: %s", says, err.message);
  assert_true(w[0] == 7);
}

static void bad_input_is_named(void **state) {
  (void)state;
  const double c[] = {1, 0, 0, 1}, skew[] = {1, 0.5, 0.2, 1}, holes[] = {1, NAN, NAN, 1}, indefinite[] = {1, 2, 2, 1},
               negative[] = {1, 0, 0, -1};
  const double r[] = {0.1, 0.2}, with_nan[] = {NAN, 1};
  const size_t outside[] = {2};
  const assay_portfolio_group group = {"far", 1, outside, NULL, 0, 1};
  refused(&(assay_portfolio_problem){.assets = 0, .covariance = c, .expected = r}, "0 assets");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = NULL, .expected = r}, "needs a covariance");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c}, "expected returns");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = skew, .expected = r}, "not symmetric");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = holes, .expected = r}, "nan");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = negative, .expected = r}, "variance of asset 1");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = indefinite, .expected = r}, "not positive semidefinite");
  const double triple[] = {1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1}, three[] = {0.1, 0.2, 0.3};
  refused(&(assay_portfolio_problem){.assets = 3, .covariance = triple, .expected = three}, "not positive semidefinite");
  const size_t twice_members[] = {1, 0, 1};
  const assay_portfolio_group twice = {"pair", 3, twice_members, NULL, 0, 1}, nobody = {"nobody", 2, NULL, NULL, 0, 1};
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = r, .groups = &twice, .group_count = 1},
          "group pair has asset 1 twice");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = r, .groups = &nobody, .group_count = 1}, "no array of them");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = r, .group_count = 1}, "no array of them");
  refused(NULL, "no portfolio problem");
  assert_int_equal(assay_portfolio_minimum_variance(&(assay_portfolio_problem){.assets = 2, .covariance = c}, NULL, NULL, NULL),
                   ASSAY_ERR_INVALID);
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = with_nan}, "expected return 0 is nan");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = r, .low = with_nan}, "asset 0");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = r, .current = with_nan}, "current weight 0");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = r, .current = r, .turnover = -1}, "turnover of at most -1");
  refused(&(assay_portfolio_problem){.assets = 2, .covariance = c, .expected = r, .groups = &group, .group_count = 1},
          "group far has asset 2");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(small_problems_agree_with_brute_force),
      cmocka_unit_test(limits_that_meet),
      cmocka_unit_test(caps_as_large_as_the_budget),
      cmocka_unit_test(unbounded_minimum_variance),
      cmocka_unit_test(five_hundred_assets),
      cmocka_unit_test(singular_covariances),
      cmocka_unit_test(scales_do_not_matter),
      cmocka_unit_test(sharpe_is_the_largest_of_the_frontier),
      cmocka_unit_test(frontier_ends_without_dust),
      cmocka_unit_test(frontier_of_returns_that_hardly_differ),
      cmocka_unit_test(sharpe_without_an_answer),
      cmocka_unit_test(parity_shares_the_risk),
      cmocka_unit_test(parity_within_constraints),
      cmocka_unit_test(contradictions_are_named),
      cmocka_unit_test(rays_are_refused),
      cmocka_unit_test(bad_input_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Any bytes as a set of constraints: weights that keep to them, or a sentence that says what contradicts. */
#include <assay/portfolio.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 7, GROUPS = 4 };

typedef struct reader {
  const uint8_t *data;
  size_t left;
} reader;

static unsigned byte(reader *r) {
  if (r->left == 0) return 0;
  r->left--;
  return *r->data++;
}

/* Mostly small round numbers, where constraints meet exactly; sometimes anything. */
static double number(reader *r) {
  unsigned kind = byte(r);
  if (kind < 200) return ((double)kind - 100) / 20;
  switch (kind) {
    case 200: return INFINITY;
    case 201: return -INFINITY;
    case 202: return NAN;
    case 203: return 1e12;
    case 204: return 1e-12;
    default: return ((double)kind - 228) * pow(10, (double)(byte(r) % 13) - 6);
  }
}

static double tame(reader *r) {
  double x = number(r);
  return fabs(x) <= 1e6 ? x : 0.5;
}

static void check(const assay_portfolio_problem *p, const double *w) {
  double sum = 0, turnover = 0, size = 1;
  for (size_t i = 0; i < p->assets; i++) {
    if (!isfinite(w[i])) abort();
    size = fmax(size, fabs(w[i]));
    if (p->current != NULL) size = fmax(size, fabs(p->current[i]));
  }
  double slack = 1e-6 * size;
  for (size_t i = 0; i < p->assets; i++) {
    if (w[i] < (p->low == NULL ? 0 : p->low[i]) - slack || w[i] > (p->high == NULL ? INFINITY : p->high[i]) + slack) abort();
    sum += w[i];
    if (p->current != NULL) turnover += fabs(w[i] - p->current[i]);
  }
  bool usual = p->budget_low == 0 && p->budget_high == 0;
  if (sum < (usual ? 1 : p->budget_low) - slack * MOST || sum > (usual ? 1 : p->budget_high) + slack * MOST) abort();
  if (p->current != NULL && turnover > p->turnover + slack * MOST) abort();
  for (size_t g = 0; g < p->group_count; g++) {
    const assay_portfolio_group *group = &p->groups[g];
    double value = 0, reach = 1;
    for (size_t k = 0; k < group->count; k++) {
      double factor = group->coefficients == NULL ? 1 : group->coefficients[k];
      value += factor * w[group->members[k]];
      reach = fmax(reach, fabs(factor));
    }
    if (value < group->low - slack * reach * MOST || value > group->high + slack * reach * MOST) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  reader r = {data, size};
  double covariance[MOST * MOST] = {0}, expected[MOST], low[MOST], high[MOST], current[MOST], coefficients[GROUPS][MOST], w[MOST * 5];
  size_t members[GROUPS][MOST], n = 1 + byte(&r) % MOST;
  unsigned shape = byte(&r), factors = byte(&r) % 4;
  assay_portfolio_group groups[GROUPS];
  for (unsigned f = 0; f <= factors; f++) {
    double line[MOST];
    for (size_t i = 0; i < n; i++) line[i] = tame(&r);
    for (size_t i = 0; i < n; i++) {
      for (size_t j = 0; j < n; j++) covariance[i * n + j] += line[i] * line[j];
    }
  }
  for (size_t i = 0; i < n; i++) {
    expected[i] = shape & 1 ? tame(&r) : (double)i / 10;
    low[i] = shape & 2 ? number(&r) : 0;
    high[i] = shape & 4 ? number(&r) : 1;
    current[i] = shape & 8 ? tame(&r) : 0;
  }
  assay_portfolio_problem p = {
      .assets = n, .covariance = covariance, .expected = expected, .groups = groups, .group_count = byte(&r) % (GROUPS + 1)};
  if (shape & 2) p.low = low;
  if (shape & 4) p.high = high;
  if (shape & 8) p.current = current, p.turnover = number(&r);
  if (shape & 16) p.budget_low = number(&r), p.budget_high = number(&r);
  for (size_t g = 0; g < p.group_count; g++) {
    unsigned set = byte(&r), kind = byte(&r);
    groups[g] =
        (assay_portfolio_group){.name = kind & 1 ? "g" : NULL, .members = members[g], .coefficients = kind & 2 ? coefficients[g] : NULL};
    for (size_t i = 0; i < n; i++) {
      if (!(set >> i & 1)) continue;
      coefficients[g][groups[g].count] = kind & 2 ? tame(&r) : 1;
      members[g][groups[g].count++] = i;
    }
    groups[g].low = kind & 4 ? number(&r) : -INFINITY;
    groups[g].high = kind & 8 ? number(&r) : INFINITY;
  }
  assay_error err = {0};
  bool feasible = assay_portfolio_feasible(&p, &err) == ASSAY_OK;
  if (!feasible && err.message[0] == '\0') abort();
  for (unsigned what = 0; what < 5; what++) {
    assay_portfolio_result results[5];
    assay_error why = {0};
    assay_status status;
    switch (what) {
      case 0: status = assay_portfolio_minimum_variance(&p, &why, w, results); break;
      case 1: status = assay_portfolio_mean_variance(&p, 0.3, &why, w, results); break;
      case 2: status = assay_portfolio_maximum_sharpe(&p, 0.01, &why, w, results); break;
      case 3: status = assay_portfolio_frontier(&p, 5, &why, w, results); break;
      default: status = assay_portfolio_risk_parity(&p, NULL, &why, w, results); break;
    }
    if (status == ASSAY_OK && !feasible) abort();
    if (status == ASSAY_OK) check(&p, w);
    if (status != ASSAY_OK && why.message[0] == '\0') abort();
  }
  return 0;
}

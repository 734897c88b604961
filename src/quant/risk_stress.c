/* SPDX-License-Identifier: MIT */
/* What positions lose when some assets are shocked and the others follow. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/float.h"
#include "quant/risk_internal.h"

/* Room for one scenario at a time. */
typedef struct stress {
  const double *positions, *covariance;
  size_t assets;
  double *returns; /* by asset */
  double *factor;  /* of the shocked block, count x count */
  double *pulls;   /* Cov(shocked)^-1 shocks */
  double *own;     /* variances of the shocked */
} stress;

static const char *name_of(const assay_risk_scenario *scenario) { return scenario->name != NULL ? scenario->name : "(without a name)"; }

static assay_status check_scenario(const assay_risk_scenario *scenario, size_t assets, assay_error *err) {
  if (scenario->count > 0 && (scenario->shocked == NULL || scenario->shocks == NULL))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "scenario %s has %zu shocks, but no arrays of them (NULL)", name_of(scenario),
                      scenario->count);
  for (size_t k = 0; k < scenario->count; k++) {
    if (scenario->shocked[k] >= assets)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "scenario %s shocks asset %zu, but there are %zu", name_of(scenario), scenario->shocked[k],
                        assets);
    if (!isfinite(scenario->shocks[k]))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "scenario %s: the shock to asset %zu is %g", name_of(scenario), scenario->shocked[k],
                        scenario->shocks[k]);
    for (size_t other = 0; other < k; other++) {
      if (scenario->shocked[other] == scenario->shocked[k])
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "scenario %s shocks asset %zu twice", name_of(scenario), scenario->shocked[k]);
    }
  }
  return ASSAY_OK;
}

/*
 * pulls = Cov(S)^-1 shocks, *distance = sqrt(shocks' Cov(S)^-1 shocks). A dependent asset (pivot 0) has to be shocked as the others imply;
 * then it adds nothing.
 */
static assay_status solve_shocks(stress *s, const assay_risk_scenario *scenario, assay_error *err, double *distance) {
  size_t m = scenario->count, n = s->assets;
  for (size_t a = 0; a < m; a++) {
    for (size_t b = 0; b < m; b++) s->factor[a * m + b] = s->covariance[scenario->shocked[a] * n + scenario->shocked[b]];
    s->own[a] = s->factor[a * m + a];
  }
  assay_risk_cholesky(s->factor, m, s->own, 1e-12, true);
  double squares = 0;
  for (size_t a = 0; a < m; a++) {
    double sum = scenario->shocks[a], pivot = s->factor[a * m + a], reach = fabs(sum);
    for (size_t b = 0; b < a; b++) {
      double part = s->factor[a * m + b] * s->pulls[b];
      sum -= part;
      reach = fmax(reach, fabs(part));
    }
    if (pivot == 0 && fabs(sum) > 1e-8 * reach) {
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                        "scenario %s: asset %zu moves only with the others (the covariance is singular), which implies %g and not %g",
                        name_of(scenario), scenario->shocked[a], scenario->shocks[a] - sum, scenario->shocks[a]);
    }
    s->pulls[a] = pivot > 0 ? sum / pivot : 0;
    squares += s->pulls[a] * s->pulls[a];
  }
  for (size_t a = m; a-- > 0;) {
    double pivot = s->factor[a * m + a];
    s->pulls[a] = pivot > 0 ? s->pulls[a] / pivot : 0;
    for (size_t b = 0; b < a; b++) s->pulls[b] -= s->factor[a * m + b] * s->pulls[a];
  }
  *distance = sqrt(squares);
  return ASSAY_OK;
}

static assay_status one(stress *s, const assay_risk_scenario *scenario, assay_error *err, assay_risk_stress *result) {
  size_t n = s->assets;
  double distance = NAN;
  memset(s->returns, 0, n * sizeof *s->returns);
  if (s->covariance != NULL && scenario->count > 0) {
    assay_status status = solve_shocks(s, scenario, err, &distance);
    if (status != ASSAY_OK) return status;
    for (size_t i = 0; i < n; i++) {
      for (size_t a = 0; a < scenario->count; a++) s->returns[i] += s->covariance[i * n + scenario->shocked[a]] * s->pulls[a];
    }
  }
  for (size_t a = 0; a < scenario->count; a++) s->returns[scenario->shocked[a]] = scenario->shocks[a];
  assay_risk_stress made = {.distance = s->covariance != NULL && scenario->count == 0 ? 0 : distance};
  made.worst_pnl = INFINITY;
  made.best_pnl = -INFINITY;
  for (size_t i = 0; i < n; i++) {
    double pnl = s->positions[i] * s->returns[i];
    made.pnl += pnl;
    if (pnl < made.worst_pnl) made.worst = i, made.worst_pnl = pnl;
    if (pnl > made.best_pnl) made.best = i, made.best_pnl = pnl;
  }
  if (!isfinite(made.pnl))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "scenario %s: the P&L is beyond the range of numbers", name_of(scenario));
  *result = made;
  return ASSAY_OK;
}

assay_status assay_risk_get_stress(const double *positions, size_t assets, const double *covariance, const assay_risk_scenario *scenarios,
                                   size_t scenario_count, assay_error *err, assay_risk_stress *results) {
  ASSAY_FLOAT_USUAL;
  if (assets == 0 || assets > ASSAY_RISK_MOST_ASSETS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu assets: 1 to %d can be stressed", assets, ASSAY_RISK_MOST_ASSETS);
  assay_status status = assay_risk_check_finite(positions, assets, "position", err);
  if (status == ASSAY_OK && covariance != NULL) status = assay_risk_check_covariance(covariance, assets, "the covariance", err);
  if (status == ASSAY_OK && scenario_count > 0) status = assay_risk_check_given(scenarios, "the scenarios", err);
  if (status == ASSAY_OK) status = assay_risk_check_given(results, "the results to write", err);
  size_t most = 1;
  for (size_t k = 0; k < scenario_count && status == ASSAY_OK; k++) {
    status = check_scenario(&scenarios[k], assets, err);
    if (scenarios[k].count > most) most = scenarios[k].count;
  }
  if (status != ASSAY_OK) return status;
  stress s = {.positions = positions, .covariance = covariance, .assets = assets};
  s.returns = assay_calloc(ASSAY_TAG_QUANT, assets, sizeof *s.returns);
  s.factor = assay_calloc(ASSAY_TAG_QUANT, most * most, sizeof *s.factor);
  s.pulls = assay_calloc(ASSAY_TAG_QUANT, 2 * most, sizeof *s.pulls);
  s.own = s.pulls + most;
  assay_risk_stress *made = assay_calloc(ASSAY_TAG_QUANT, scenario_count + 1, sizeof *made);
  if (s.returns == NULL || s.factor == NULL || s.pulls == NULL || made == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for stress scenarios of %zu assets", assets);
  for (size_t k = 0; k < scenario_count && status == ASSAY_OK; k++) status = one(&s, &scenarios[k], err, &made[k]);
  if (status == ASSAY_OK) memcpy(results, made, scenario_count * sizeof *results);
  assay_free(made);
  assay_free(s.returns);
  assay_free(s.factor);
  assay_free(s.pulls);
  return status;
}

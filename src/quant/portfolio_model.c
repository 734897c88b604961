/* SPDX-License-Identifier: MIT */
#include "quant/portfolio_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/risk_internal.h"

const char *assay_portfolio_asset_name(const assay_portfolio_problem *problem, size_t asset, char text[32]) {
  if (problem->names != NULL && problem->names[asset] != NULL) return problem->names[asset];
  snprintf(text, 32, "asset %zu", asset);
  return text;
}

static double low_of(const assay_portfolio_problem *problem, size_t i) { return problem->low == NULL ? 0 : problem->low[i]; }
static double high_of(const assay_portfolio_problem *problem, size_t i) { return problem->high == NULL ? INFINITY : problem->high[i]; }

static assay_status check_bounds(const assay_portfolio_problem *problem, assay_error *err) {
  char text[32];
  for (size_t i = 0; i < problem->assets; i++) {
    double low = low_of(problem, i), high = high_of(problem, i);
    if (isnan(low) || isnan(high) || low == INFINITY || high == -INFINITY || fabs(isinf(low) ? 0 : low) > 1e15 ||
        fabs(isinf(high) ? 0 : high) > 1e15)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s: bounds of %g and %g", assay_portfolio_asset_name(problem, i, text), low, high);
    if (low > high)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no portfolio fits: the bounds of %s contradict each other, at least %g and at most %g",
                        assay_portfolio_asset_name(problem, i, text), low, high);
  }
  return ASSAY_OK;
}

static assay_status check_range(const char *what, const char *name, double low, double high, assay_error *err) {
  if (isnan(low) || isnan(high) || low == INFINITY || high == -INFINITY || (isfinite(low) && fabs(low) > 1e15) ||
      (isfinite(high) && fabs(high) > 1e15))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s%s: limits of %g and %g", what, name, low, high);
  if (low > high)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no portfolio fits: the limits of %s%s contradict each other, at least %g and at most %g",
                      what, name, low, high);
  return ASSAY_OK;
}

static assay_status check_groups(const assay_portfolio_problem *problem, assay_error *err) {
  if (problem->group_count > ASSAY_PORTFOLIO_MOST_GROUPS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu groups: at most %d", problem->group_count, ASSAY_PORTFOLIO_MOST_GROUPS);
  if (problem->group_count > 0 && problem->groups == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu groups, but there is no array of them (NULL)", problem->group_count);
  for (size_t g = 0; g < problem->group_count; g++) {
    const assay_portfolio_group *group = &problem->groups[g];
    const char *name = group->name == NULL ? "(without a name)" : group->name;
    assay_status status = check_range("group ", name, group->low, group->high, err);
    if (status != ASSAY_OK) return status;
    if (group->count > 0 && group->members == NULL)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "group %s has %zu members, but there is no array of them (NULL)", name, group->count);
    for (size_t k = 0; k < group->count; k++) {
      if (group->members[k] >= problem->assets)
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "group %s has asset %zu, but there are %zu", name, group->members[k], problem->assets);
      if (group->coefficients != NULL && !(fabs(group->coefficients[k]) <= 1e9))
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "group %s: the coefficient of asset %zu is %g", name, group->members[k],
                          group->coefficients[k]);
    }
  }
  return ASSAY_OK;
}

static assay_status check(const assay_portfolio_problem *problem, double budget_low, double budget_high, assay_error *err) {
  if (problem->assets == 0 || problem->assets > ASSAY_PORTFOLIO_MOST_ASSETS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu assets: a portfolio has 1 to %d", problem->assets, ASSAY_PORTFOLIO_MOST_ASSETS);
  assay_status status = check_bounds(problem, err);
  if (status == ASSAY_OK) status = check_range("the budget", "", budget_low, budget_high, err);
  if (status == ASSAY_OK) status = check_groups(problem, err);
  if (status == ASSAY_OK && problem->expected != NULL)
    status = assay_risk_check_finite(problem->expected, problem->assets, "expected return", err);
  if (status != ASSAY_OK || problem->current == NULL) return status;
  status = assay_risk_check_finite(problem->current, problem->assets, "current weight", err);
  if (status == ASSAY_OK && !(problem->turnover >= 0))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a turnover of at most %g: it is 0 or more", problem->turnover);
  return status;
}

/* Bounds of what is bought and sold, so that their difference keeps the weight's bounds. Nothing moves by more than the turnover: said of
 * each as well, no turnover at all leaves no choice instead of a point where everything meets. */
static void split_bounds(assay_portfolio_model *model) {
  const assay_portfolio_problem *problem = model->problem;
  for (size_t i = 0; i < model->assets; i++) {
    double up = high_of(problem, i) - problem->current[i], down = problem->current[i] - low_of(problem, i);
    model->low[i] = fmax(-down, 0);
    model->high[i] = fmax(model->low[i], fmin(fmax(up, 0), problem->turnover));
    model->low[i + model->assets] = fmax(-up, 0);
    model->high[i + model->assets] = fmax(model->low[i + model->assets], fmin(fmax(down, 0), problem->turnover));
  }
}

void assay_portfolio_model_add(assay_portfolio_model *model, assay_portfolio_row kind, const double *coefficients, double low,
                               double high) {
  double *row = model->matrix + model->rows * model->count, now = 0;
  for (size_t i = 0; i < model->assets; i++) {
    row[i] = coefficients[i];
    if (model->count == model->assets) continue;
    row[i + model->assets] = -coefficients[i];
    now += coefficients[i] * model->problem->current[i];
  }
  model->row_low[model->rows] = low - now;
  model->row_high[model->rows] = high - now;
  model->kinds[model->rows++] = kind;
}

/* The first member that a group has twice; `assets`: none. `seen`: scratch. */
static size_t member_twice(const assay_portfolio_group *group, double *seen, size_t assets) {
  memset(seen, 0, assets * sizeof *seen);
  for (size_t k = 0; k < group->count; k++) {
    if (seen[group->members[k]]++ > 0) return group->members[k];
  }
  return assets;
}

static bool make_room(assay_portfolio_model *made) {
  made->low = assay_calloc(ASSAY_TAG_QUANT, made->count, sizeof *made->low);
  made->high = assay_calloc(ASSAY_TAG_QUANT, made->count, sizeof *made->high);
  made->matrix = assay_calloc(ASSAY_TAG_QUANT, made->capacity * made->count, sizeof *made->matrix);
  made->row_low = assay_calloc(ASSAY_TAG_QUANT, made->capacity, sizeof *made->row_low);
  made->row_high = assay_calloc(ASSAY_TAG_QUANT, made->capacity, sizeof *made->row_high);
  made->kinds = assay_calloc(ASSAY_TAG_QUANT, made->capacity, sizeof *made->kinds);
  made->groups = assay_calloc(ASSAY_TAG_QUANT, made->capacity, sizeof *made->groups);
  return made->low != NULL && made->high != NULL && made->matrix != NULL && made->row_low != NULL && made->row_high != NULL &&
         made->kinds != NULL && made->groups != NULL;
}

static void set_bounds(assay_portfolio_model *made) {
  if (made->problem->current != NULL) {
    split_bounds(made);
    return;
  }
  for (size_t i = 0; i < made->assets; i++) {
    made->low[i] = low_of(made->problem, i);
    made->high[i] = high_of(made->problem, i);
  }
}

/* `line`: scratch. */
static assay_status add_groups(assay_portfolio_model *made, double *line, assay_error *err) {
  for (size_t g = 0; g < made->problem->group_count; g++) {
    const assay_portfolio_group *group = &made->problem->groups[g];
    size_t twice = member_twice(group, line, made->assets);
    if (twice < made->assets)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "group %s has asset %zu twice", group->name == NULL ? "(without a name)" : group->name,
                        twice);
    memset(line, 0, made->assets * sizeof *line);
    for (size_t k = 0; k < group->count; k++) line[group->members[k]] += group->coefficients == NULL ? 1 : group->coefficients[k];
    made->groups[made->rows] = g;
    assay_portfolio_model_add(made, ASSAY_ROW_GROUP, line, group->low, group->high);
  }
  return ASSAY_OK;
}

static void add_turnover(assay_portfolio_model *made) {
  if (made->problem->current == NULL || !isfinite(made->problem->turnover)) return;
  for (size_t i = 0; i < made->count; i++) made->matrix[made->rows * made->count + i] = 1;
  made->row_low[made->rows] = -INFINITY;
  made->row_high[made->rows] = made->problem->turnover;
  made->kinds[made->rows++] = ASSAY_ROW_TURNOVER;
}

assay_status assay_portfolio_model_create(const assay_portfolio_problem *problem, assay_error *err, assay_portfolio_model **model) {
  if (problem == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no portfolio problem (NULL)");
  bool usual = problem->budget_low == 0 && problem->budget_high == 0;
  double budget_low = usual ? 1 : problem->budget_low, budget_high = usual ? 1 : problem->budget_high;
  assay_status status = check(problem, budget_low, budget_high, err);
  if (status != ASSAY_OK) return status;
  assay_portfolio_model *made = assay_calloc(ASSAY_TAG_QUANT, 1, sizeof *made);
  double *line = assay_calloc(ASSAY_TAG_QUANT, problem->assets, sizeof *line);
  if (made != NULL) {
    made->problem = problem;
    made->assets = problem->assets;
    made->count = problem->current != NULL ? 2 * problem->assets : problem->assets;
    made->capacity = problem->group_count + 4;
  }
  if (made == NULL || line == NULL || !make_room(made)) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", problem->assets);
    goto failed;
  }
  set_bounds(made);
  for (size_t i = 0; i < made->assets; i++) line[i] = 1;
  if (isfinite(budget_low) || isfinite(budget_high)) assay_portfolio_model_add(made, ASSAY_ROW_BUDGET, line, budget_low, budget_high);
  status = add_groups(made, line, err);
  if (status != ASSAY_OK) goto failed;
  add_turnover(made);
  assay_free(line);
  *model = made;
  return ASSAY_OK;
failed:
  assay_free(line);
  assay_portfolio_model_destroy(made);
  return status;
}

void assay_portfolio_model_destroy(assay_portfolio_model *model) {
  if (model == NULL) return;
  assay_free(model->low);
  assay_free(model->high);
  assay_free(model->matrix);
  assay_free(model->row_low);
  assay_free(model->row_high);
  assay_free(model->kinds);
  assay_free(model->groups);
  assay_free(model);
}

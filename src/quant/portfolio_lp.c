/* SPDX-License-Identifier: MIT */
/*
 * The simplex method for few rows and many bounded variables (Dantzig; bounds as in Chvatal 1983, chapter 8). Every row r has a logical
 * variable y_r = a_r'x within the row's limits, so that the constraints are A x - y = 0 and a first basis, all logicals, is always there.
 * The first phase lessens the sum of what basic variables are outside their limits; the second one the cost.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "quant/portfolio_model.h"

typedef struct simplex {
  const assay_portfolio_model *model;
  const double *cost;
  const bool *skip;
  size_t n, m;
  double *x, *y; /* values of variables and of rows */
  assay_portfolio_place *places, *row_places;
  size_t *basis;   /* variable of each basic place; n + r: the logical of row r */
  double *inverse; /* m x m, of the basis matrix */
  double *prices;  /* m */
  double *column;  /* m: how the basic variables move */
  double scale;    /* of values: what counts as nothing is 1e-11 of it */
  double *largest; /* m: coefficient of each row */
  double unit;     /* of variables, as the limits have it */
} simplex;

static double low_of(const simplex *s, size_t v) {
  if (v < s->n) return s->model->low[v];
  return s->skip != NULL && s->skip[v - s->n] ? -INFINITY : s->model->row_low[v - s->n];
}

static double high_of(const simplex *s, size_t v) {
  if (v < s->n) return s->model->high[v];
  return s->skip != NULL && s->skip[v - s->n] ? INFINITY : s->model->row_high[v - s->n];
}

static double *value_of(simplex *s, size_t v) { return v < s->n ? &s->x[v] : &s->y[v - s->n]; }
static assay_portfolio_place *place_of(simplex *s, size_t v) { return v < s->n ? &s->places[v] : &s->row_places[v - s->n]; }

/* Entry of variable v's column in a row. */
static double entry(const simplex *s, size_t v, size_t row) {
  if (v < s->n) return s->model->matrix[row * s->n + v];
  return v - s->n == row ? -1 : 0;
}

/* column = inverse times variable v's column. */
static void make_column(simplex *s, size_t v) {
  for (size_t i = 0; i < s->m; i++) {
    double sum = 0;
    for (size_t r = 0; r < s->m; r++) sum += s->inverse[i * s->m + r] * entry(s, v, r);
    s->column[i] = sum;
  }
}

/* prices = y - A x: what the values are off by. */
static void make_errors(simplex *s) {
  for (size_t r = 0; r < s->m; r++) {
    double sum = 0;
    const double *row = s->model->matrix + r * s->n;
    for (size_t v = 0; v < s->n; v++) sum += row[v] * s->x[v];
    s->prices[r] = s->y[r] - sum;
  }
}

/* Basic values anew from the others: A x - y = 0. Where two columns of the basis hardly differ (two assets of nearly the same return and a
 * target for it), the inverse is as large as their difference is small, and so are its errors: a second turn takes them away. */
static void refresh(simplex *s) {
  for (size_t i = 0; i < s->m; i++) *value_of(s, s->basis[i]) = 0;
  for (int turn = 0; turn < 3; turn++) {
    make_errors(s);
    for (size_t i = 0; i < s->m; i++) {
      double sum = 0;
      for (size_t r = 0; r < s->m; r++) sum += s->inverse[i * s->m + r] * s->prices[r];
      *value_of(s, s->basis[i]) += sum;
    }
  }
}

/* The basis matrix inverted anew by Gauss-Jordan, against drift; false: it has become singular. */
static bool invert(simplex *s, double *work) {
  size_t m = s->m;
  for (size_t i = 0; i < m; i++) {
    for (size_t r = 0; r < m; r++) work[r * m + i] = entry(s, s->basis[i], r);
  }
  memset(s->inverse, 0, m * m * sizeof *s->inverse);
  for (size_t i = 0; i < m; i++) s->inverse[i * m + i] = 1;
  for (size_t k = 0; k < m; k++) {
    size_t best = k;
    for (size_t r = k + 1; r < m; r++) {
      if (fabs(work[r * m + k]) > fabs(work[best * m + k])) best = r;
    }
    if (fabs(work[best * m + k]) < 1e-13) return false;
    for (size_t c = 0; c < m && best != k; c++) {
      double swap = work[k * m + c];
      work[k * m + c] = work[best * m + c];
      work[best * m + c] = swap;
      swap = s->inverse[k * m + c];
      s->inverse[k * m + c] = s->inverse[best * m + c];
      s->inverse[best * m + c] = swap;
    }
    double pivot = work[k * m + k];
    for (size_t c = 0; c < m; c++) {
      work[k * m + c] /= pivot;
      s->inverse[k * m + c] /= pivot;
    }
    for (size_t r = 0; r < m; r++) {
      double factor = work[r * m + k];
      if (r == k || factor == 0) continue;
      for (size_t c = 0; c < m; c++) {
        work[r * m + c] -= factor * work[k * m + c];
        s->inverse[r * m + c] -= factor * s->inverse[k * m + c];
      }
    }
  }
  return true;
}

/* -1 below its limits, 1 above, 0 within. A row's slack is in its own units, and small: assets whose returns differ by less than that are
 * the same to a target. */
static int outside(simplex *s, size_t v) {
  double value = *value_of(s, v), slack = v < s->n ? 1e-11 * s->scale : 1e-12 * s->unit * s->largest[v - s->n];
  return value < low_of(s, v) - slack ? -1 : value > high_of(s, v) + slack ? 1 : 0;
}

/* Prices of the phase's cost; returns what it is outside altogether (0: the second phase may begin). */
static double make_prices(simplex *s, bool second) {
  double away = 0;
  memset(s->prices, 0, s->m * sizeof *s->prices);
  for (size_t i = 0; i < s->m; i++) {
    size_t v = s->basis[i];
    int side = outside(s, v);
    double cost = second ? (v < s->n ? s->cost[v] : 0) : side;
    if (side != 0) away += side < 0 ? low_of(s, v) - *value_of(s, v) : *value_of(s, v) - high_of(s, v);
    if (cost == 0) continue;
    for (size_t r = 0; r < s->m; r++) s->prices[r] += cost * s->inverse[i * s->m + r];
  }
  return away;
}

/* The variable that lessens the cost fastest (the first one with `first`), and its direction; n + m: none. */
static size_t entering(simplex *s, bool second, bool first, int *direction) {
  size_t best = s->n + s->m;
  double most = 0;
  for (size_t v = 0; v < s->n + s->m; v++) {
    assay_portfolio_place place = *place_of(s, v);
    if (place == ASSAY_BASIC || low_of(s, v) == high_of(s, v)) continue;
    double reduced = second && v < s->n ? s->cost[v] : 0, size = fabs(reduced);
    for (size_t r = 0; r < s->m; r++) {
      double part = s->prices[r] * entry(s, v, r);
      reduced -= part;
      if (fabs(part) > size) size = fabs(part);
    }
    if (fabs(reduced) <= 1e-13 * size) continue;
    bool up = reduced < 0;
    if ((up && place == ASSAY_AT_HIGH) || (!up && place == ASSAY_AT_LOW) || fabs(reduced) <= most) continue;
    best = v;
    most = fabs(reduced);
    *direction = up ? 1 : -1;
    if (first) break;
  }
  return best;
}

typedef struct leaving {
  size_t place; /* in the basis; m: the entering variable reaches its other bound */
  double length;
  bool at_high;
} leaving;

/* How far the entering variable can go, in the first phase until an outside variable comes in. */
static leaving ratio_test(simplex *s, size_t v, int direction) {
  leaving found = {.place = s->m, .length = high_of(s, v) - low_of(s, v), .at_high = direction > 0};
  double pivot = 0;
  for (size_t i = 0; i < s->m; i++) {
    double rate = -s->column[i] * direction;
    if (fabs(rate) < 1e-11) continue;
    size_t b = s->basis[i];
    int side = outside(s, b);
    double limit = rate > 0 ? (side < 0 ? low_of(s, b) : high_of(s, b)) : (side > 0 ? high_of(s, b) : low_of(s, b));
    if ((side > 0 && rate > 0) || (side < 0 && rate < 0) || isinf(limit)) continue;
    double length = fmax((limit - *value_of(s, b)) / rate, 0);
    if (length < found.length - 1e-12 * s->scale || (length <= found.length + 1e-12 * s->scale && fabs(rate) > pivot)) {
      found = (leaving){.place = i, .length = fmin(length, found.length), .at_high = limit == high_of(s, b)};
      pivot = fabs(rate);
    }
  }
  return found;
}

static void step(simplex *s, size_t v, int direction, const leaving *out) {
  for (size_t i = 0; i < s->m; i++) *value_of(s, s->basis[i]) -= s->column[i] * direction * out->length;
  if (out->place == s->m) {
    *place_of(s, v) = direction > 0 ? ASSAY_AT_HIGH : ASSAY_AT_LOW;
    *value_of(s, v) = direction > 0 ? high_of(s, v) : low_of(s, v);
    return;
  }
  size_t gone = s->basis[out->place];
  *value_of(s, v) += direction * out->length;
  *place_of(s, gone) = out->at_high ? ASSAY_AT_HIGH : ASSAY_AT_LOW;
  *value_of(s, gone) = out->at_high ? high_of(s, gone) : low_of(s, gone);
  *place_of(s, v) = ASSAY_BASIC;
  s->basis[out->place] = v;
  double *pivot_row = s->inverse + out->place * s->m, pivot = s->column[out->place];
  for (size_t r = 0; r < s->m; r++) pivot_row[r] /= pivot;
  for (size_t i = 0; i < s->m; i++) {
    double factor = s->column[i];
    if (i == out->place || factor == 0) continue;
    for (size_t r = 0; r < s->m; r++) s->inverse[i * s->m + r] -= factor * pivot_row[r];
  }
}

static void begin(simplex *s) {
  double scale = 0;
  for (size_t v = 0; v < s->n; v++) {
    double low = s->model->low[v], high = s->model->high[v];
    s->places[v] = isfinite(low) ? ASSAY_AT_LOW : isfinite(high) ? ASSAY_AT_HIGH : ASSAY_AT_ZERO;
    s->x[v] = isfinite(low) ? low : isfinite(high) ? high : 0;
    scale = fmax(scale, fabs(s->x[v]));
    s->unit = fmax(s->unit, fabs(s->x[v]));
    if (isfinite(high)) scale = fmax(scale, fmin(fabs(high), 1e3 * scale + 1));
  }
  memset(s->inverse, 0, s->m * s->m * sizeof *s->inverse);
  for (size_t r = 0; r < s->m; r++) {
    s->basis[r] = s->n + r;
    s->row_places[r] = ASSAY_BASIC;
    s->inverse[r * s->m + r] = -1;
    for (size_t v = 0; v < s->n; v++) s->largest[r] = fmax(s->largest[r], fabs(s->model->matrix[r * s->n + v]));
    double low = low_of(s, s->n + r), high = high_of(s, s->n + r);
    if (isfinite(low)) scale = fmax(scale, fabs(low));
    if (isfinite(high)) scale = fmax(scale, fabs(high));
    if (s->largest[r] > 0 && isfinite(low)) s->unit = fmax(s->unit, fabs(low) / s->largest[r]);
    if (s->largest[r] > 0 && isfinite(high)) s->unit = fmax(s->unit, fabs(high) / s->largest[r]);
  }
  for (size_t i = 0; s->n > s->model->assets && i < s->model->assets; i++) {
    scale = fmax(scale, fabs(s->model->problem->current[i]));
    s->unit = fmax(s->unit, fabs(s->model->problem->current[i]));
  }
  s->scale = scale > 0 ? scale : 1;
  refresh(s);
}

static assay_portfolio_lp run(simplex *s, double *work) {
  bool second = false;
  size_t still = 0, most = 200 * (s->n + s->m) + 1000;
  for (size_t count = 0; count < most; count++) {
    if (count % 64 == 63) {
      if (!invert(s, work)) return ASSAY_LP_FAILED;
      refresh(s);
    }
    double away = make_prices(s, second);
    if (!second && away == 0) {
      if (s->cost == NULL) return ASSAY_LP_OPTIMAL;
      second = true;
      make_prices(s, true);
    }
    int direction = 0;
    size_t v = entering(s, second, still > 20, &direction);
    if (v == s->n + s->m) return second ? ASSAY_LP_OPTIMAL : ASSAY_LP_INFEASIBLE;
    make_column(s, v);
    leaving out = ratio_test(s, v, direction);
    if (isinf(out.length)) return second ? ASSAY_LP_UNBOUNDED : ASSAY_LP_FAILED;
    still = out.length > 1e-12 * s->scale ? 0 : still + 1;
    step(s, v, direction, &out);
  }
  return ASSAY_LP_FAILED;
}

assay_portfolio_lp assay_portfolio_vertex_find(const assay_portfolio_model *model, const double *cost, const bool *skip,
                                               assay_portfolio_vertex *vertex) {
  size_t m = model->rows;
  simplex s = {.model = model,
               .cost = cost,
               .skip = skip,
               .n = model->count,
               .m = m,
               .x = vertex->x,
               .places = vertex->places,
               .row_places = vertex->row_places};
  double *numbers = assay_calloc(ASSAY_TAG_QUANT, 2 * m * m + 4 * m + 1, sizeof *numbers);
  s.basis = assay_calloc(ASSAY_TAG_QUANT, m + 1, sizeof *s.basis);
  assay_portfolio_lp answer = ASSAY_LP_NO_MEMORY;
  if (numbers != NULL && s.basis != NULL) {
    s.inverse = numbers;
    s.y = numbers + 2 * m * m;
    s.prices = s.y + m;
    s.column = s.prices + m;
    s.largest = s.column + m;
    begin(&s);
    answer = run(&s, numbers + m * m);
    refresh(&s);
  }
  assay_free(numbers);
  assay_free(s.basis);
  return answer;
}

assay_status assay_portfolio_vertex_create(const assay_portfolio_model *model, assay_error *err, assay_portfolio_vertex **vertex) {
  assay_portfolio_vertex *made = assay_calloc(ASSAY_TAG_QUANT, 1, sizeof *made);
  if (made != NULL) {
    made->x = assay_calloc(ASSAY_TAG_QUANT, model->count, sizeof *made->x);
    made->places = assay_calloc(ASSAY_TAG_QUANT, model->count, sizeof *made->places);
    made->row_places = assay_calloc(ASSAY_TAG_QUANT, model->capacity, sizeof *made->row_places);
    if (made->x != NULL && made->places != NULL && made->row_places != NULL) {
      *vertex = made;
      return ASSAY_OK;
    }
  }
  assay_portfolio_vertex_destroy(made);
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", model->assets);
}

void assay_portfolio_vertex_destroy(assay_portfolio_vertex *vertex) {
  if (vertex == NULL) return;
  assay_free(vertex->x);
  assay_free(vertex->places);
  assay_free(vertex->row_places);
  assay_free(vertex);
}

/* ---- Why nothing fits ------------------------------------------------------------------------------------------------------------- */

static const char *row_name(const assay_portfolio_model *model, size_t row, char *text, size_t size) {
  switch (model->kinds[row]) {
    case ASSAY_ROW_BUDGET: return "the budget";
    case ASSAY_ROW_TURNOVER: return "the turnover limit";
    case ASSAY_ROW_TARGET: return "the target return";
    case ASSAY_ROW_GROUP:
    default: break;
  }
  const char *name = model->problem->groups[model->groups[row]].name;
  if (name != NULL) {
    snprintf(text, size, "group %s", name);
  } else {
    snprintf(text, size, "group number %zu", model->groups[row]);
  }
  return text;
}

/* "at least 1", as the user said it: without what is held now. */
static double shown(const assay_portfolio_model *model, size_t row, double limit) {
  if (model->count == model->assets || model->kinds[row] == ASSAY_ROW_TURNOVER) return limit;
  double now = 0;
  for (size_t i = 0; i < model->assets; i++) now += model->matrix[row * model->count + i] * model->problem->current[i];
  double sum = limit + now;
  return fabs(sum) < 1e-12 * (fabs(limit) + fabs(now)) ? 0 : sum;
}

/* Leaves in `skip` false only for rows that all are needed for the contradiction: whatever the rest contradicts without is put aside. */
static void reduce(const assay_portfolio_model *model, bool *skip, assay_portfolio_vertex *scratch) {
  for (size_t row = 0; row < model->rows; row++) {
    skip[row] = true;
    if (assay_portfolio_vertex_find(model, NULL, skip, scratch) != ASSAY_LP_INFEASIBLE) skip[row] = false;
  }
}

/* The least or largest value that a row can have with the others that are left. NaN: it has no limit. */
static double reach(const assay_portfolio_model *model, size_t row, bool most, bool *skip, double *cost, assay_portfolio_vertex *scratch) {
  const double *coefficients = model->matrix + row * model->count;
  for (size_t v = 0; v < model->count; v++) cost[v] = most ? -coefficients[v] : coefficients[v];
  skip[row] = true;
  assay_portfolio_lp answer = assay_portfolio_vertex_find(model, cost, skip, scratch);
  skip[row] = false;
  if (answer != ASSAY_LP_OPTIMAL) return NAN;
  double sum = 0;
  for (size_t v = 0; v < model->count; v++) sum += coefficients[v] * scratch->x[v];
  return sum;
}

static assay_status describe(const assay_portfolio_model *model, bool *skip, double *cost, assay_portfolio_vertex *scratch, double asked,
                             assay_error *err) {
  size_t subject = model->rows;
  char name[128], other[128], others[512] = "";
  size_t length = 0;
  for (size_t row = model->rows; row-- > 0;) {
    if (skip[row]) continue;
    if (subject == model->rows) {
      subject = row;
      continue;
    }
    const char *text = row_name(model, row, other, sizeof other);
    if (length < sizeof others) length += (size_t)snprintf(others + length, sizeof others - length, " and %s", text);
  }
  if (subject == model->rows) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no portfolio fits these constraints");
  const char *text = row_name(model, subject, name, sizeof name);
  double most = reach(model, subject, true, skip, cost, scratch), least = reach(model, subject, false, skip, cost, scratch);
  double low = isnan(asked) ? model->row_low[subject] : asked, high = model->row_high[subject];
  if (most < low)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no portfolio fits: %s has to be at least %.6g, but the bounds%s allow %.6g at most", text,
                      shown(model, subject, low), others, shown(model, subject, most));
  if (least > high)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no portfolio fits: %s has to be at most %.6g, but the bounds%s need %.6g at least", text,
                      shown(model, subject, high), others, shown(model, subject, least));
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no portfolio fits: %s, the bounds%s contradict each other", text, others);
}

/* A target may contradict the bounds alone, but what can be reached is what all the others allow together: the target comes down to just
 * above that, and the contradiction is that one's. */
static assay_status explain(const assay_portfolio_model *model, bool *skip, double *cost, assay_portfolio_vertex *scratch,
                            assay_error *err) {
  size_t last = model->rows - 1;
  if (model->rows > 0 && model->kinds[last] == ASSAY_ROW_TARGET) {
    double most = reach(model, last, true, skip, cost, scratch), asked = model->row_low[last];
    double *lows = assay_alloc(ASSAY_TAG_QUANT, model->rows * sizeof *lows);
    if (lows != NULL && most < asked) {
      assay_portfolio_model nearer = *model;
      memcpy(lows, model->row_low, model->rows * sizeof *lows);
      lows[last] = most + 1e-7 * (asked - most);
      nearer.row_low = lows;
      reduce(&nearer, skip, scratch);
      assay_status status = describe(&nearer, skip, cost, scratch, skip[last] ? NAN : asked, err);
      assay_free(lows);
      return status;
    }
    assay_free(lows);
  }
  reduce(model, skip, scratch);
  return describe(model, skip, cost, scratch, NAN, err);
}

assay_status assay_portfolio_explain(const assay_portfolio_model *model, assay_portfolio_vertex *scratch, assay_error *err) {
  bool *skip = assay_calloc(ASSAY_TAG_QUANT, model->capacity, sizeof *skip);
  double *cost = assay_calloc(ASSAY_TAG_QUANT, model->count, sizeof *cost);
  assay_status status;
  if (skip == NULL || cost == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a portfolio of %zu assets", model->assets);
  } else {
    status = explain(model, skip, cost, scratch, err);
  }
  assay_free(skip);
  assay_free(cost);
  return status;
}

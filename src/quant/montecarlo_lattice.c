/* SPDX-License-Identifier: MIT */
#include "quant/montecarlo_lattice.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { ARM = ASSAY_LATTICE_ARM, QUARTERS = ASSAY_LATTICE_QUARTERS, ROW = ASSAY_LATTICE_ROW, SUMS = ASSAY_LATTICE_SUMS };

/* Of the quadrature of V He_k / k!: trapezoids over the normal density. */
static void make_weights(assay_mc_lattice *l) {
  double sum = 1;
  for (int b = 1; b <= ARM; b++) sum += 2 * exp(-b * b / (2.0 * QUARTERS * QUARTERS));
  for (int b = 0; b <= ARM; b++) {
    double z = (double)b / QUARTERS, density = exp(-z * z / 2) / sum, he = 1, before = 0, factorial = 1;
    for (int k = 0; k <= ASSAY_LATTICE_ORDER; k++) {
      l->weights[b][k] = density * he / factorial;
      double next = z * he - k * before;
      before = he, he = next, factorial *= k + 1;
    }
  }
}

/* Every price that a path reaches within six deviations, and an arm more. */
static void set_range(assay_mc_lattice *l, double steps) {
  size_t half = (size_t)ceil(ARM * sqrt(steps)) + ARM, most = l->middle - ARM;
  if (half > most) half = most;
  l->first = l->middle - half;
  l->last = l->middle + half + 1;
}

static void set_prices(assay_mc_lattice *l, size_t date) {
  for (size_t j = 0; j < l->size; j++)
    l->price[j] = l->spot * exp(l->drift * (double)date + ((double)j - (double)l->middle) * l->step / QUARTERS);
}

/* What going on is worth more than exercise. */
static double ahead(const assay_mc_lattice *l, size_t j) { return l->worth[j] - l->sign * (l->price[j] - l->strike); }

/* Where neither is better, between node j and the next: a cubic through four nodes, as what a rule misses by moves its derivatives in first
 * order. */
static double border(const assay_mc_lattice *l, size_t j) {
  if (j < l->first + 1) j = l->first + 1;
  if (j > l->last - 3) j = l->last - 3;
  double a = ahead(l, j - 1), b = ahead(l, j), c = ahead(l, j + 1), d = ahead(l, j + 2), low = 0, high = 1;
  bool rises = c > b;
  for (int i = 0; i < 50; i++) {
    double t = (low + high) / 2, u = t - 1;
    double value = -a * t * u * (t - 2) / 6 + b * (t + 1) * u * (t - 2) / 2 - c * (t + 1) * t * (t - 2) / 2 + d * (t + 1) * t * u / 6;
    if ((value < 0) == rises) {
      low = t;
    } else {
      high = t;
    }
  }
  return (double)j + low;
}

/*
 * Going on is worth a convex function of the price, so exercise, which is worth a straight line, is better in one interval. Where both are
 * worth the same but for rounding (a put without interest deep in the money), one goes on: its Greeks are those of the European.
 */
static void set_rule(assay_mc_lattice *l) {
  double tie = -1e-8 * l->strike;
  size_t low = l->first, high = l->last;
  while (low < high && !(ahead(l, low) < tie)) low++;
  while (high > low && !(ahead(l, high - 1) < tie)) high--;
  l->stop_above = INFINITY, l->stop_below = -INFINITY;
  if (low == high) return;
  l->stop_above = -INFINITY, l->stop_below = INFINITY;
  if (low > l->first) l->stop_above = border(l, low - 1);
  if (high < l->last) l->stop_below = border(l, high - 1);
  for (size_t j = low; j < high; j++) {
    l->value[j] = assay_mc_lattice_payoff(l, l->price[j]);
    for (int s = 0; s < SUMS; s++) l->sum[s][j] = 0;
  }
}

/* Beyond the nodes that were worked out a value is as good as a straight line in the price; `edge` is the last of them, `inside` its
 * neighbour. */
static void extend(assay_mc_lattice *l, size_t edge, size_t inside, size_t from, size_t to) {
  double slope = (l->value[edge] - l->value[inside]) / (l->price[edge] - l->price[inside]);
  for (size_t j = from; j < to; j++) {
    double pays = assay_mc_lattice_payoff(l, l->price[j]), line = l->value[edge] + slope * (l->price[j] - l->price[edge]);
    l->value[j] = line > pays ? line : pays;
    for (int s = 0; s < SUMS; s++) l->sum[s][j] = l->sum[s][edge];
  }
}

static void extend_all(assay_mc_lattice *l) {
  extend(l, l->first, l->first + 1, 0, l->first);
  extend(l, l->last - 1, l->last - 2, l->last, l->size);
}

/*
 * The last step is known without a lattice: of what is paid then, g(m + s z) with S e^m s the rest, E g is Black's formula; by parts
 * E(g z) = E g', and E(g He_2) = E g'', which has a peak at the strike.
 */
assay_lattice_future assay_mc_lattice_last(const assay_mc_lattice *l, double price) {
  double s = l->step, forward = price * exp(l->drift + s * s / 2), d1 = (log(price / l->strike) + l->drift) / s + s, d2 = d1 - s;
  double in_forward = l->sign * forward * 0.5 * erfc(-l->sign * d1 * M_SQRT1_2);
  double mean = in_forward - l->sign * l->strike * 0.5 * erfc(-l->sign * d2 * M_SQRT1_2), slope = s * in_forward;
  double curvature = s * slope + s * l->strike * exp(-d2 * d2 / 2) * (M_SQRT1_2 * M_2_SQRTPI / 2);
  double worth = l->discount * fmax(mean, 0);
  return (assay_lattice_future){.worth = worth, .times = worth, .slopes = l->discount * slope, .curvatures = l->discount * curvature};
}

static void set_last_step(assay_mc_lattice *l, size_t date) {
  set_range(l, (double)date);
  set_prices(l, date);
  for (size_t j = 0; j < l->size; j++) {
    assay_lattice_future f = assay_mc_lattice_last(l, l->price[j]);
    l->worth[j] = l->value[j] = f.worth;
    l->sum[ASSAY_LATTICE_TIMES][j] = f.times;
    l->sum[ASSAY_LATTICE_SLOPES][j] = f.slopes;
    l->sum[ASSAY_LATTICE_CURVATURES][j] = f.curvatures;
    l->rows[ROW * j] = f.slopes / l->discount;
    l->rows[ROW * j + 1] = f.curvatures / 2 / l->discount;
  }
  set_rule(l);
  extend_all(l);
}

assay_status assay_mc_lattice_init(assay_mc_lattice *l, const assay_mc_job *job, bool with_sums, assay_error *err) {
  const assay_mc_params *o = &job->option;
  double steps = o->steps;
  size_t size = 2 * ((size_t)ceil(ARM * sqrt(steps)) + (size_t)(2 * ARM)) + 1, room = size + ASSAY_LATTICE_BLOCK;
  *l = (assay_mc_lattice){.functions = assay_lattice_functions_best(),
                          .size = size,
                          .middle = size / 2,
                          .step = job->params.deviation / sqrt(steps),
                          .drift = job->params.mean / steps,
                          .discount = exp(-o->rate * o->time / steps),
                          .sign = o->put ? -1 : 1,
                          .spot = o->spot,
                          .strike = o->strike,
                          .with_sums = with_sums};
  l->memory = assay_calloc(ASSAY_TAG_QUANT, (4 + 2 * SUMS + ROW) * room, sizeof *l->memory);
  if (l->memory == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a lattice of %zu prices", size);
  double *array = l->memory;
  double **const all[] = {&l->price,  &l->worth,  &l->value,       &l->next,        &l->sum[0],
                          &l->sum[1], &l->sum[2], &l->next_sum[0], &l->next_sum[1], &l->next_sum[2]};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++, array += room) *all[i] = array;
  l->rows = array;
  make_weights(l);
  set_last_step(l, o->steps - (size_t)1);
  return ASSAY_OK;
}

void assay_mc_lattice_deinit(assay_mc_lattice *l) { assay_free(l->memory); }

static void swap(double **a, double **b) {
  double *kept = *a;
  *a = *b;
  *b = kept;
}

/* What a date adds to a sum where one goes on (montecarlo_martingale.c). */
static double added(const assay_mc_lattice *l, int which, size_t j) {
  switch (which) {
    case ASSAY_LATTICE_TIMES: return l->worth[j];
    case ASSAY_LATTICE_SLOPES: return l->discount * l->rows[ROW * j];
    default: return l->discount * 2 * l->rows[ROW * j + 1];
  }
}

static void project(assay_mc_lattice *l) {
  l->functions->project_value(l->weights, l->next, l->first, l->last, l->worth, l->rows);
  for (size_t j = l->first; j < l->last; j++) l->worth[j] *= l->discount;
  for (int s = 0; l->with_sums && s < SUMS; s++) {
    double *rows = l->rows + ASSAY_LATTICE_ORDER + ASSAY_LATTICE_SUM_ORDER * s;
    l->functions->project_sum(l->weights, l->next_sum[s], l->first, l->last, l->sum[s], rows);
    for (size_t j = l->first; j < l->last; j++) l->sum[s][j] = added(l, s, j) + l->discount * l->sum[s][j];
  }
}

void assay_mc_lattice_back(assay_mc_lattice *l, size_t date) {
  swap(&l->value, &l->next);
  for (int s = 0; s < SUMS; s++) swap(&l->sum[s], &l->next_sum[s]);
  set_range(l, (double)date);
  set_prices(l, date);
  project(l);
  for (size_t j = l->first; j < l->last; j++) l->value[j] = l->worth[j];
  set_rule(l);
  extend_all(l);
}

assay_lattice_step assay_mc_lattice_step(const assay_mc_lattice *l) {
  return (assay_lattice_step){l->rows, (double)l->first, (double)l->last, (double)l->middle, l->discount};
}

/* Rows of a date are kept of the nodes that were worked out; these are the fewer the earlier the date. Those of the first begin where node
 * 0 would still be within the memory, so that all may be reached by the number of a node. */
assay_status assay_mc_lattice_dates_init(assay_mc_lattice_dates *all, const assay_mc_job *job, bool with_sums, assay_error *err) {
  size_t count = job->option.steps; /* the last one's rule is asked for too */
  assay_mc_lattice_dates made = {.dates = assay_calloc(ASSAY_TAG_QUANT, count, sizeof *made.dates)};
  assay_mc_lattice *l = &made.start;
  assay_status status = made.dates == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a lattice of %zu dates", count)
                                           : assay_mc_lattice_init(l, job, with_sums, err);
  size_t nodes = 0;
  for (size_t date = 0; status == ASSAY_OK && date < count; date++) {
    set_range(l, (double)date);
    nodes += date == 0 ? l->last : l->last - l->first;
  }
  if (status == ASSAY_OK && (made.rows = assay_alloc(ASSAY_TAG_QUANT, nodes * ROW * sizeof *made.rows)) == NULL)
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a lattice of %zu dates and %zu prices", count, nodes);
  for (size_t date = count; status == ASSAY_OK && date-- > 0;) {
    if (date + 1 < count) assay_mc_lattice_back(l, date);
    nodes -= l->last - l->first;
    double *rows = made.rows + ROW * nodes;
    memcpy(rows, l->rows + ROW * l->first, ROW * (l->last - l->first) * sizeof *rows);
    made.dates[date] = (assay_mc_lattice_date){assay_mc_lattice_step(l), l->stop_above, l->stop_below};
    made.dates[date].step.rows = rows - ROW * l->first;
  }
  if (status == ASSAY_OK) {
    *all = made;
  } else {
    assay_mc_lattice_dates_deinit(&made);
  }
  return status;
}

void assay_mc_lattice_dates_deinit(assay_mc_lattice_dates *all) {
  assay_mc_lattice_deinit(&all->start);
  assay_free(all->dates);
  assay_free(all->rows);
}

void assay_mc_lattice_sums(const assay_mc_lattice *l, size_t date, size_t count, double *row) {
  double scale = M_LN2 / l->step, shift = l->drift * (double)date / l->step;
  for (size_t i = 0; i < count; i++) row[i] = row[i] * scale - shift;
}

double assay_mc_lattice_price(const assay_mc_lattice *l, size_t date, double sum) {
  return l->spot * exp(l->drift * (double)date + l->step * sum);
}

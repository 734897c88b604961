/* SPDX-License-Identifier: MIT */
#include <math.h>

#include <assay/stats.h>

/* The forms compared, from slow to fast growth, and their names. ASSAY_O_UNCLEAR is the number of forms. */
enum { FORMS = ASSAY_O_UNCLEAR };

const char *assay_big_o_text(assay_big_o order) {
  static const char *const texts[] = {"O(1)", "O(log n)", "O(n)", "O(n log n)", "O(n^2)", "O(n^3)", "unclear"};
  return (unsigned)order < sizeof texts / sizeof *texts ? texts[order] : "unclear";
}

/* The form at size n, with n counted in units of the largest size where it is a factor, so that n^3 cannot overflow. */
static double form_at(int form, double n, double largest) {
  double share = n / largest;
  switch (form) {
    case ASSAY_O_1: return 1;
    case ASSAY_O_LOG_N: return log2(n);
    case ASSAY_O_N: return share;
    case ASSAY_O_N_LOG_N: return share * log2(n);
    case ASSAY_O_N2: return share * share;
    default: return share * share * share;
  }
}

/* How often form_at() divides by the largest size. */
static int power_of(int form) {
  static const int powers[FORMS] = {0, 0, 1, 1, 2, 3};
  return powers[form];
}

typedef struct form_fit {
  int form;
  double coefficient; /* in units of form_at() and of the largest cost */
  double rms;         /* over the mean cost; infinite where the form cannot be */
} form_fit;

typedef struct sweep_points {
  const double *sizes, *costs;
  size_t count;
  double largest_size, largest_cost, mean_cost; /* the mean in units of the largest */
} sweep_points;

/* Minimises sum (cost - c f)^2: c = sum cost f / sum f^2. */
static form_fit fit_form(const sweep_points *sweep, int form) {
  double products = 0, squares = 0, residuals = 0;
  for (size_t i = 0; i < sweep->count; i++) {
    double f = form_at(form, sweep->sizes[i], sweep->largest_size);
    products += sweep->costs[i] / sweep->largest_cost * f;
    squares += f * f;
  }
  form_fit result = {form, products / squares, INFINITY};
  if (!(result.coefficient > 0)) return result;
  for (size_t i = 0; i < sweep->count; i++) {
    double residual = sweep->costs[i] / sweep->largest_cost - result.coefficient * form_at(form, sweep->sizes[i], sweep->largest_size);
    residuals += residual * residual;
  }
  result.rms = sqrt(residuals / (double)sweep->count) / sweep->mean_cost;
  return result;
}

static assay_status check(const double *sizes, const double *costs, size_t count, assay_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (!(sizes[i] > 0) || isinf(sizes[i]))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "size %zu of the sweep is %g; sizes must be positive", i, sizes[i]);
    if (!isfinite(costs[i]))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the cost at size %g is %g; costs must be finite", sizes[i], costs[i]);
  }
  size_t different = 0;
  for (size_t i = 0; i < count && different < 3; i++) {
    size_t first = 0;
    while (sizes[first] != sizes[i]) first++;
    different += first == i;
  }
  if (different < 3) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a growth needs at least 3 different sizes; the sweep has %zu", different);
  return ASSAY_OK;
}

static sweep_points gather(const double *sizes, const double *costs, size_t count) {
  sweep_points sweep = {.sizes = sizes, .costs = costs, .count = count};
  for (size_t i = 0; i < count; i++) {
    sweep.largest_size = fmax(sweep.largest_size, sizes[i]);
    sweep.largest_cost = fmax(sweep.largest_cost, fabs(costs[i]));
  }
  for (size_t i = 0; i < count && sweep.largest_cost > 0; i++) sweep.mean_cost += costs[i] / sweep.largest_cost / (double)count;
  return sweep;
}

/*
 * Clear: the best form leaves residuals below a quarter of the mean cost, and the second best is at least e^3 = 20 times less likely. For
 * normal residuals the likelihood ratio of two forms with one coefficient each is (rms2 / rms1)^count.
 */
static bool is_clear(const form_fit *best, const form_fit *second, size_t count) {
  const double largest_rms = 0.25, least_log_likelihood_ratio = 3;
  if (!(best->rms < largest_rms)) return false;
  const double rounding = 1e-12; /* exact data leaves rounding only, whose ratio says nothing */
  return (double)count * log(fmax(second->rms, rounding) / fmax(best->rms, rounding)) > least_log_likelihood_ratio;
}

assay_status assay_stats_fit_big_o(const double *sizes, const double *costs, size_t count, assay_error *err, assay_big_o_fit *fit) {
  assay_status status = check(sizes, costs, count, err);
  if (status != ASSAY_OK) return status;
  sweep_points sweep = gather(sizes, costs, count);
  form_fit best = {.form = ASSAY_O_UNCLEAR, .rms = INFINITY}, second = best;
  for (int form = 0; form < FORMS && sweep.mean_cost > 0; form++) {
    form_fit next = fit_form(&sweep, form);
    if (next.rms < best.rms) {
      second = best;
      best = next;
    } else if (next.rms < second.rms) {
      second = next;
    }
  }
  assay_big_o_fit result = {ASSAY_O_UNCLEAR, NAN, isfinite(best.rms) ? best.rms : NAN};
  if (is_clear(&best, &second, count)) {
    result.order = (assay_big_o)best.form;
    result.coefficient = best.coefficient * sweep.largest_cost;
    for (int i = 0; i < power_of(best.form); i++) result.coefficient /= sweep.largest_size;
  }
  *fit = result;
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
/* Monte Carlo tails: the kernel simulates slice by slice, the tail is taken as if the scenarios were history. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/float.h"
#include "kernels/kernel.h"
#include "kernels/risk/scenarios.h"
#include "quant/launch.h"
#include "quant/risk_internal.h"

enum { LEAST_SCENARIOS = 100, MOST_SCENARIOS = 1 << 26, SLICE_BYTES = 4 << 20 };

typedef struct job {
  const assay_risk_simulation *of;
  risk_scenarios_params params;
  size_t padded, groups, slice; /* groups altogether; at once */
  double *factor, *lines, *scratch, *pnl;
  double *part; /* of a device's slice; it is written as long as the session lives, so it goes after it */
} job;

static assay_status check(const assay_risk_simulation *s, assay_error *err) {
  if (s == NULL) return assay_risk_check_given(s, "the simulation", err);
  if (s->assets == 0 || s->assets > ASSAY_RISK_MOST_SIMULATED)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu assets: 1 to %d can be simulated", s->assets, ASSAY_RISK_MOST_SIMULATED);
  if (s->scenarios < LEAST_SCENARIOS || s->scenarios > MOST_SCENARIOS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%llu scenarios: %d to %d can be simulated", (unsigned long long)s->scenarios, LEAST_SCENARIOS,
                      MOST_SCENARIOS);
  if (s->degrees != 0 && (s->degrees < 3 || s->degrees > 64))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%u degrees of freedom: 3 to 64, or 0 for a normal distribution", s->degrees);
  assay_status status = assay_risk_check_finite(s->positions, s->assets, "position", err);
  if (status == ASSAY_OK && s->mean != NULL) status = assay_risk_check_finite(s->mean, s->assets, "mean return", err);
  if (status == ASSAY_OK && s->gamma != NULL) status = assay_risk_check_finite(s->gamma, s->assets, "gamma", err);
  if (status == ASSAY_OK) status = assay_risk_check_covariance(s->covariance, s->assets, "the covariance", err);
  return status;
}

/* The Cholesky factor, padded with zeros; a dependent asset (less than 1e-13 of its own variance is left) gets what the others make of
 * it. */
static assay_status make_factor(job *j, assay_error *err) {
  size_t n = j->of->assets;
  double *square = assay_alloc(ASSAY_TAG_QUANT, (n * n + n) * sizeof *square), *own = square + n * n;
  if (square == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu assets", n);
  memcpy(square, j->of->covariance, n * n * sizeof *square);
  double worst = 0;
  for (size_t i = 0; i < n; i++) own[i] = square[i * n + i];
  assay_risk_cholesky(square, n, own, 1e-13, true);
  for (size_t i = 0; i < n; i++) {
    for (size_t k = 0; k <= i; k++) {
      double sum = 0;
      for (size_t m = 0; m <= k; m++) sum += square[i * n + m] * square[k * n + m];
      double off = fabs(sum - j->of->covariance[i * n + k]), scale = sqrt(own[i]) * sqrt(own[k]);
      worst = fmax(worst, scale > 0 ? off / scale : off);
      j->factor[i * j->padded + k] = square[i * n + k];
    }
  }
  assay_free(square);
  if (worst > 1e-4) /* of a slack of 1e-9 the root; pivots that were left out: at most 1e-13, so their roots 3e-7 */
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the covariance is not positive semidefinite (take the nearest correlation matrix)");
  return ASSAY_OK;
}

static void make_lines(job *j) {
  const assay_risk_simulation *s = j->of;
  size_t n = s->assets, p = j->padded;
  double offset = 0;
  for (size_t i = 0; i < n; i++) {
    j->lines[i] = s->positions[i];
    j->lines[p + i] = s->mean == NULL ? 0 : s->mean[i];
    j->lines[2 * p + i] = s->gamma == NULL ? 0 : s->gamma[i];
    offset += s->positions[i] * j->lines[p + i];
    for (size_t k = 0; k <= i; k++) j->lines[3 * p + k] += s->positions[i] * j->factor[i * p + k];
  }
  bool linear = s->gamma == NULL && !s->log_returns;
  uint64_t key = s->seed * 0x9E3779B97F4A7C15u + 0x5851F42D4C957F2Du; /* small seeds far apart */
  key ^= key >> 32;
  j->params = (risk_scenarios_params){.assets = (u32)n,
                                      .padded = (u32)p,
                                      .degrees = s->degrees,
                                      .linear = linear,
                                      .log_returns = s->log_returns,
                                      .key = random_key_make((u32)key, (u32)(key >> 32)),
                                      .offset = linear ? offset : 0};
}

static void simulate_here(job *j) {
  assay_kernel_fn kernel = assay_kernel_function(assay_kernel_find("risk_scenarios_f64"), NULL);
  for (size_t begin = 0; begin < j->groups; begin += j->slice) {
    risk_scenarios_params p = j->params;
    p.first = (u32)(begin * ASSAY_KERNEL_GROUP_SIZE);
    void *const buffers[] = {j->factor, j->lines, j->scratch, j->pnl + begin * ASSAY_KERNEL_GROUP_SIZE};
    kernel(&p, buffers, 0, j->groups - begin < j->slice ? j->groups - begin : j->slice);
  }
}

static assay_status simulate_on_device(assay_quant_session *session, void *context, assay_error *err) {
  job *j = context;
  assay_quant_buffer *buffers[4];
  size_t slice_items = j->slice * ASSAY_KERNEL_GROUP_SIZE;
  assay_status status = assay_quant_in(session, j->factor, j->padded * j->padded * sizeof(double), "factor", err, &buffers[0]);
  if (status == ASSAY_OK) status = assay_quant_in(session, j->lines, 4 * j->padded * sizeof(double), "positions", err, &buffers[1]);
  if (status == ASSAY_OK) status = assay_quant_scratch(session, slice_items * j->padded * sizeof(double), "normals", err, &buffers[2]);
  if (status == ASSAY_OK) status = assay_quant_out(session, j->part, slice_items * sizeof(double), "scenarios", err, &buffers[3]);
  for (size_t begin = 0; begin < j->groups && status == ASSAY_OK; begin += j->slice) {
    risk_scenarios_params p = j->params;
    size_t groups = j->groups - begin < j->slice ? j->groups - begin : j->slice;
    p.first = (u32)(begin * ASSAY_KERNEL_GROUP_SIZE);
    status = assay_quant_launch(session, "risk_scenarios", 64, groups, &p, sizeof p, buffers, 4, err);
    if (status == ASSAY_OK) status = assay_quant_finish(session, err);
    if (status == ASSAY_OK) memcpy(j->pnl + begin * ASSAY_KERNEL_GROUP_SIZE, j->part, groups * ASSAY_KERNEL_GROUP_SIZE * sizeof *j->part);
  }
  return status;
}

/* Standard error of ES: the tail's own variance and that of where it begins (Manistre and Hancock 2005). */
static double es_error(const double *pnl, size_t count, const assay_risk_tail *tail) {
  double squares = 0, in_tail = 0, unit = 0;
  for (size_t k = 0; k < count; k++) unit = fmax(unit, fabs(-pnl[k] / 4 - tail->es / 4)); /* squares of large losses leave the range */
  if (unit == 0) unit = 1;
  for (size_t k = 0; k < count; k++) {
    double loss = -pnl[k];
    if (loss < tail->var) continue;
    double off = (loss / 4 - tail->es / 4) / unit;
    squares += off * off;
    in_tail++;
  }
  double between = (tail->es / 4 - tail->var / 4) / unit;
  return 4 * unit * sqrt((squares / in_tail + tail->level * between * between) / ((double)count * (1 - tail->level)));
}

static assay_status take_tails(const double *pnl, size_t count, const double *levels, size_t level_count, assay_error *err,
                               assay_risk_simulated *tails) {
  assay_risk_tail found[ASSAY_RISK_MOST_LEVELS], low[ASSAY_RISK_MOST_LEVELS], high[ASSAY_RISK_MOST_LEVELS];
  double below[ASSAY_RISK_MOST_LEVELS], above[ASSAY_RISK_MOST_LEVELS], n = (double)count;
  for (size_t i = 0; i < level_count; i++) {
    double spread = 1.959963984540054 * sqrt(levels[i] * (1 - levels[i]) / n);
    below[i] = fmax(levels[i] - spread, 0.5 / n);
    above[i] = fmin(levels[i] + spread, 1 - 0.5 / n);
  }
  assay_status status = assay_risk_historical(pnl, count, levels, level_count, err, found);
  if (status == ASSAY_OK) status = assay_risk_historical(pnl, count, below, level_count, err, low);
  if (status == ASSAY_OK) status = assay_risk_historical(pnl, count, above, level_count, err, high);
  for (size_t i = 0; i < level_count && status == ASSAY_OK; i++) {
    tails[i] = (assay_risk_simulated){
        .tail = found[i], .var_low = low[i].var, .var_high = high[i].var, .es_error = es_error(pnl, count, &found[i])};
  }
  return status;
}

assay_status assay_risk_monte_carlo(const assay_risk_simulation *simulation, const double *levels, size_t level_count, assay_error *err,
                                    double *pnl, assay_risk_simulated *tails) {
  ASSAY_FLOAT_USUAL;
  assay_status status = assay_risk_check_levels(levels, level_count, err);
  if (status == ASSAY_OK) status = assay_risk_check_given(tails, "the tails to write", err);
  if (status == ASSAY_OK) status = check(simulation, err);
  if (status != ASSAY_OK) return status;
  job j = {.of = simulation, .padded = (simulation->assets + 3) / 4 * 4};
  size_t count = (size_t)simulation->scenarios, group_bytes = j.padded * ASSAY_KERNEL_GROUP_SIZE * sizeof(double);
  j.groups = (count + ASSAY_KERNEL_GROUP_SIZE - 1) / ASSAY_KERNEL_GROUP_SIZE;
  j.slice = simulation->device == NULL ? 1 : SLICE_BYTES * 16 / group_bytes + 1; /* one thread's normals stay in its cache */
  if (j.slice > j.groups) j.slice = j.groups;
  j.factor = assay_calloc(ASSAY_TAG_QUANT, j.padded * j.padded, sizeof *j.factor);
  j.lines = assay_calloc(ASSAY_TAG_QUANT, 4 * j.padded, sizeof *j.lines);
  bool here = simulation->device == NULL;
  j.scratch = here ? assay_alloc(ASSAY_TAG_QUANT, j.slice * group_bytes) : NULL;
  j.part = here ? NULL : assay_alloc(ASSAY_TAG_QUANT, j.slice * ASSAY_KERNEL_GROUP_SIZE * sizeof *j.part);
  j.pnl = assay_alloc(ASSAY_TAG_QUANT, j.groups * ASSAY_KERNEL_GROUP_SIZE * sizeof *j.pnl);
  if (j.factor == NULL || j.lines == NULL || j.pnl == NULL || (here ? j.scratch : j.part) == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu scenarios of %zu assets", count, simulation->assets);
    goto done;
  }
  status = make_factor(&j, err);
  if (status != ASSAY_OK) goto done;
  make_lines(&j);
  assay_quant_where where;
  if (here) {
    simulate_here(&j);
    assay_quant_here(&where);
  } else {
    status = assay_quant_run(simulation->device, simulate_on_device, &j, err, &where);
  }
  for (size_t k = 0; k < count && status == ASSAY_OK; k++) {
    if (!isfinite(j.pnl[k]))
      status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "scenario %zu gains %g: positions or returns are out of range", k, j.pnl[k]);
  }
  if (status == ASSAY_OK) status = take_tails(j.pnl, count, levels, level_count, err, tails);
  if (status == ASSAY_OK && simulation->where != NULL) assay_risk_tell_where(&where, simulation->where);
  if (status == ASSAY_OK && pnl != NULL) memcpy(pnl, j.pnl, count * sizeof *pnl);
done:
  assay_free(j.factor);
  assay_free(j.lines);
  assay_free(j.scratch);
  assay_free(j.part);
  assay_free(j.pnl);
  return status;
}

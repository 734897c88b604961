/* SPDX-License-Identifier: MIT */
/*
 * Sums of groups become numbers. The price's standard error comes from the squares of its paths; those of the Greeks, which are linear
 * forms of several sums, from how much the groups differ: a group holds hundreds of independent paths, so nothing has to be squared a path.
 */
#include <math.h>

#include "base/alloc.h"
#include "quant/montecarlo.h"

static double form_of(const double form[ASSAY_MC_SUMS], const double sums[ASSAY_MC_SUMS]) {
  double value = 0;
  for (int s = 0; s < ASSAY_MC_SUMS; s++) {
    if (form[s] != 0) value += form[s] * sums[s]; /* a sum that does not count may be anything */
  }
  return value;
}

void assay_mc_tally_add(assay_mc_tally *tally, const assay_mc_forms *forms, const double sums[ASSAY_MC_SUMS], double samples) {
  tally->samples += samples;
  tally->groups++;
  tally->sizes += samples * samples;
  for (int s = 0; s < ASSAY_MC_SUMS; s++) tally->sums[s] += sums[s];
  for (int f = 0; f < forms->used; f++) {
    double value = form_of(forms->of[f], sums);
    tally->squares[f] += value * value;
    tally->products[f] += value * samples;
  }
}

double assay_mc_tally_mean(const assay_mc_tally *tally, const assay_mc_forms *forms, int form) {
  return form_of(forms->of[form], tally->sums) / tally->samples;
}

double assay_mc_tally_error(const assay_mc_tally *tally, const assay_mc_forms *forms, int form) {
  double mean = assay_mc_tally_mean(tally, forms, form);
  /* Sum over groups of (value - mean n)^2: how a ratio of two sums varies. */
  double spread = tally->squares[form] - 2 * mean * tally->products[form] + mean * mean * tally->sizes;
  return sqrt((spread < 0 ? 0 : spread) * tally->groups / (tally->groups - 1)) / tally->samples;
}

double assay_mc_group_samples(uint64_t total, uint64_t size, uint64_t groups, uint64_t group) {
  uint64_t full = total / size, rest = total % size;
  uint64_t rows = full > group ? (full - group + groups - 1) / groups : 0;
  return (double)(rows * size + (rest > 0 && full % groups == group ? rest : 0));
}

assay_status assay_mc_groups_init(assay_mc_groups *groups, size_t count, assay_error *err) {
  assay_mc_groups made = {.count = count,
                          .samples = assay_calloc(ASSAY_TAG_QUANT, count, sizeof *made.samples),
                          .sums = assay_calloc(ASSAY_TAG_QUANT, count, sizeof *made.sums)};
  if (made.samples == NULL || made.sums == NULL) {
    assay_mc_groups_deinit(&made);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the sums of %zu groups of paths", count);
  }
  *groups = made;
  return ASSAY_OK;
}

assay_status assay_mc_groups_total(assay_mc_groups *groups, const double *sums, size_t n, size_t count, double samples, assay_error *err) {
  assay_status status = assay_mc_groups_init(groups, 1, err);
  if (status != ASSAY_OK) return status;
  double *total = groups->sums[0];
  for (size_t g = 0; g < count; g++) {
    for (size_t s = 0; s < n; s++) total[s] += sums[g * n + s];
  }
  groups->samples[0] = samples;
  return ASSAY_OK;
}

void assay_mc_groups_deinit(assay_mc_groups *groups) {
  assay_free(groups->samples);
  assay_free(groups->sums);
  *groups = (assay_mc_groups){0};
}

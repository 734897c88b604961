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

static void spread_add(assay_mc_spread *s, double value, double samples, bool is_first) {
  if (is_first) s->first = value / samples;
  double over = value - s->first * samples;
  s->sum += value;
  s->square += over * over;
  s->product += over * samples;
}

void assay_mc_tally_add(assay_mc_tally *tally, const assay_mc_forms *forms, const double sums[ASSAY_MC_SUMS], double samples) {
  bool is_first = tally->groups == 0;
  tally->samples += samples;
  tally->groups++;
  tally->sizes += samples * samples;
  for (int s = 0; s < ASSAY_MC_SUMS; s++) tally->sums[s] += sums[s];
  for (int f = 0; f < forms->used; f++) spread_add(&tally->forms[f], form_of(forms->of[f], sums), samples, is_first);
}

void assay_mc_tally_add_extras(assay_mc_tally *tally, const double *extras, size_t count, double samples) {
  for (size_t i = 0; i < count; i++) spread_add(&tally->extras[i], extras[i], samples, tally->groups == 1); /* the group is counted */
}

double assay_mc_tally_mean(const assay_mc_tally *tally, const assay_mc_forms *forms, int form) {
  return form_of(forms->of[form], tally->sums) / tally->samples;
}

/* Sum over groups of (value - mean n)^2: how a ratio of two sums varies. */
static double error_of(const assay_mc_tally *tally, const assay_mc_spread *s, double mean) {
  double over = mean - s->first, spread = s->square - 2 * over * s->product + over * over * tally->sizes;
  return sqrt((spread < 0 ? 0 : spread) * tally->groups / (tally->groups - 1)) / tally->samples;
}

double assay_mc_tally_error(const assay_mc_tally *tally, const assay_mc_forms *forms, int form) {
  return error_of(tally, &tally->forms[form], assay_mc_tally_mean(tally, forms, form));
}

assay_mc_greek assay_mc_tally_extra(const assay_mc_tally *tally, size_t extra, assay_mc_method method) {
  double mean = tally->extras[extra].sum / tally->samples;
  return (assay_mc_greek){mean, error_of(tally, &tally->extras[extra], mean), method};
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
  assay_free(groups->extras);
  *groups = (assay_mc_groups){0};
}

/* SPDX-License-Identifier: MIT */
/*
 * Tails of scenarios and of moments.
 *
 * A tail needs a handful of order statistics and sums of everything below them, not a sorted array. So: guess from a small sample how low
 * "the tail" begins, keep what lies below that (one pass over the scenarios, the only one when the guess holds), sort the few that are
 * kept, and read off ranks and sums. A guess that kept too few is replaced by a higher one; the answer does not depend on it.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "quant/risk_internal.h"

/* Ranks of one level among ascending P&L: index 0 is the greatest loss. */
typedef struct ranks {
  size_t edge;         /* VaR is the loss here, and all before it are beyond it */
  double part;         /* of the edge that belongs to the tail */
  double tail;         /* number of scenarios in the tail, with that part */
  size_t linear;       /* type 7: between this index ... */
  double linear_share; /* ... and the one before it, this share of the way */
} ranks;

static ranks ranks_of(double level, size_t count) {
  double n = (double)count, at = n * level, whole = nearbyint(at);
  if (fabs(at - whole) <= 4 * DBL_EPSILON * at) at = whole; /* 0.07 * 100 is 7 */
  double rank = fmin(fmax(ceil(at), 1), n);                 /* among losses, from 1 */
  double between = (n - 1) * level;
  if (fabs(between - nearbyint(between)) <= 4 * DBL_EPSILON * between) between = nearbyint(between);
  size_t below = (size_t)fmin(floor(between), n - 1);
  return (ranks){
      .edge = count - (size_t)rank,
      .part = rank - at,
      .tail = n - at,
      .linear = count - 1 - below,
      .linear_share = between - (double)below,
  };
}

/* Order of doubles as order of unsigned integers. */
static uint64_t key_of(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits ^ (((uint64_t)((int64_t)bits >> 63)) | 0x8000000000000000u);
}

static double value_of(uint64_t key) {
  uint64_t bits = key ^ (((key >> 63) - 1) | 0x8000000000000000u);
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

enum { DIGIT_BITS = 11, DIGITS = 6, BUCKETS = 1 << DIGIT_BITS };

/* Least significant digit first; digits that all keys share are passed over. Sorted keys are in `keys` or in `other`: returns which. */
static uint64_t *sort_keys(uint64_t *keys, uint64_t *other, size_t count, uint32_t (*counts)[BUCKETS]) {
  memset(counts, 0, DIGITS * sizeof *counts);
  for (size_t i = 0; i < count; i++) {
    for (int digit = 0; digit < DIGITS; digit++) counts[digit][keys[i] >> (digit * DIGIT_BITS) & (BUCKETS - 1)]++;
  }
  for (int digit = 0; digit < DIGITS; digit++) {
    int shift = digit * DIGIT_BITS;
    if (counts[digit][keys[0] >> shift & (BUCKETS - 1)] == count) continue;
    uint32_t begin = 0;
    for (int b = 0; b < BUCKETS; b++) {
      uint32_t in = counts[digit][b];
      counts[digit][b] = begin;
      begin += in;
    }
    for (size_t i = 0; i < count; i++) other[counts[digit][keys[i] >> shift & (BUCKETS - 1)]++] = keys[i];
    uint64_t *swap = keys;
    keys = other;
    other = swap;
  }
  return keys;
}

/* Copies what is at most `limit` to `kept` and returns how many there are, or more than `capacity` when they do not fit.
 * *finite becomes false when a value is NaN or infinite. */
static size_t keep_below(const double *pnl, size_t count, double limit, double *kept, size_t capacity, bool *finite) {
  size_t at = 0;
  double poison = 0; /* NaN once a value is not finite */
  for (size_t i = 0; i < count; i++) {
    poison += pnl[i] * 0;
    if (at == capacity) {
      if (pnl[i] <= limit) at++;
      if (at > capacity) break;
      continue;
    }
    kept[at] = pnl[i];
    at += pnl[i] <= limit;
  }
  if (!(poison == 0)) *finite = false;
  return at;
}

enum { SAMPLE = 4096 };

/* A value that about `needed` + a margin of the scenarios do not exceed; +infinity where guessing saves nothing. */
static double guess(const double *pnl, size_t count, size_t needed, uint64_t *scratch, uint32_t (*counts)[BUCKETS], size_t *expected) {
  *expected = count;
  if (count < 4 * SAMPLE || needed > count / 4) return INFINITY;
  size_t stride = count / SAMPLE;
  uint64_t hash = 1;
  for (size_t i = 0; i < SAMPLE; i++) {
    hash = hash * 6364136223846793005u + 1442695040888963407u; /* off the beat of whatever period the scenarios may have */
    scratch[i] = key_of(pnl[i * stride + (hash >> 33) % stride]);
  }
  const uint64_t *sorted = sort_keys(scratch, scratch + SAMPLE, SAMPLE, counts);
  double share = (double)needed / (double)count;
  double place = share * SAMPLE + 5 * sqrt(SAMPLE * share * (1 - share)) + 4; /* too low once in millions */
  *expected = (size_t)(1.2 * place * (double)stride) + 4 * stride;
  return value_of(sorted[(size_t)place]);
}

typedef struct tail_buffers {
  double *kept;
  uint64_t *keys;
  uint32_t (*counts)[BUCKETS];
} tail_buffers;

static void free_buffers(tail_buffers *buffers) {
  assay_free(buffers->kept);
  assay_free(buffers->keys);
  assay_free(buffers->counts);
}

static assay_status no_memory(assay_error *err, size_t count) {
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the tail of %zu scenarios", count);
}

/* All scenarios up to at least the one of rank `needed`, as sorted keys: *sorted points into the buffers. */
static assay_status sorted_tail(const double *pnl, size_t count, size_t needed, assay_error *err, tail_buffers *buffers,
                                const uint64_t **sorted) {
  buffers->counts = assay_alloc(ASSAY_TAG_QUANT, DIGITS * sizeof *buffers->counts);
  buffers->keys = assay_calloc(ASSAY_TAG_QUANT, 2 * SAMPLE, sizeof *buffers->keys);
  if (buffers->counts == NULL || buffers->keys == NULL) return no_memory(err, count);
  bool finite = true;
  size_t capacity = 0, kept = 0;
  double limit = guess(pnl, count, needed, buffers->keys, buffers->counts, &capacity);
  for (int attempt = 0;; attempt++) {
    buffers->kept = assay_realloc(ASSAY_TAG_QUANT, buffers->kept, capacity + 1, sizeof *buffers->kept);
    if (buffers->kept == NULL) return no_memory(err, count);
    kept = keep_below(pnl, count, limit, buffers->kept, capacity, &finite);
    if (!finite) return assay_risk_check_finite(pnl, count, "scenario", err);
    if (kept >= needed && kept <= capacity) break;
    limit = INFINITY;
    capacity = count;
  }
  buffers->keys = assay_realloc(ASSAY_TAG_QUANT, buffers->keys, 2 * kept, sizeof *buffers->keys);
  if (buffers->keys == NULL) return no_memory(err, count);
  for (size_t i = 0; i < kept; i++) buffers->keys[i] = key_of(buffers->kept[i]);
  *sorted = sort_keys(buffers->keys, buffers->keys + kept, kept, buffers->counts);
  return ASSAY_OK;
}

/* Losses of more than 2^900 are halved often enough that sums of them stay finite. */
static double scale_for(double largest, size_t count) { return largest > 0x1p900 / (double)count ? 0x1p-128 : 1; }

static assay_risk_tail tail_of(double level, const ranks *at, const uint64_t *sorted, const assay_risk_sum *beyond, double scale) {
  double edge = 0.0 - value_of(sorted[at->edge]);
  double near = 0.0 - value_of(sorted[at->linear]);
  double far = at->linear > 0 ? 0.0 - value_of(sorted[at->linear - 1]) : near;
  assay_risk_sum sum = *beyond; /* the edge's part goes in before the sum is rounded */
  double es = at->tail > 0 ? (0.0 - assay_risk_sum_get(&sum) + at->part * edge * scale) / at->tail / scale : edge;
  return (assay_risk_tail){
      .level = level,
      .var = edge,
      .var_linear = near + at->linear_share * far - at->linear_share * near,
      .es = fmax(es, edge), /* rounding alone can put it below */
  };
}

assay_status assay_risk_historical(const double *pnl, size_t count, const double *levels, size_t level_count, assay_error *err,
                                   assay_risk_tail *tails) {
  assay_status status = assay_risk_check_levels(levels, level_count, err);
  if (status != ASSAY_OK) return status;
  if (count == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no scenarios: a tail needs at least one");
  if (count > UINT32_MAX) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu scenarios: at most %u at once", count, UINT32_MAX);
  ranks at[ASSAY_RISK_MOST_LEVELS];
  size_t deepest_first[ASSAY_RISK_MOST_LEVELS], needed = 0;
  for (size_t i = 0; i < level_count; i++) {
    at[i] = ranks_of(levels[i], count);
    size_t last = at[i].edge > at[i].linear ? at[i].edge : at[i].linear;
    if (last + 1 > needed) needed = last + 1;
    size_t place = i;
    for (; place > 0 && at[deepest_first[place - 1]].edge > at[i].edge; place--) deepest_first[place] = deepest_first[place - 1];
    deepest_first[place] = i;
  }
  tail_buffers buffers = {0};
  const uint64_t *sorted = NULL;
  status = sorted_tail(pnl, count, needed, err, &buffers, &sorted);
  if (status == ASSAY_OK) {
    double largest = fmax(fabs(value_of(sorted[0])), fabs(value_of(sorted[needed - 1])));
    double scale = scale_for(largest, count);
    assay_risk_sum sum;
    assay_risk_sum_init(&sum, largest * scale, needed);
    size_t summed = 0;
    for (size_t i = 0; i < level_count; i++) {
      size_t level = deepest_first[i];
      for (; summed < at[level].edge; summed++) assay_risk_sum_add(&sum, value_of(sorted[summed]) * scale);
      tails[level] = tail_of(levels[level], &at[level], sorted, &sum, scale);
    }
  }
  free_buffers(&buffers);
  return status;
}

/* ---- From moments ------------------------------------------------------------------------------------------------------------- */

static assay_status check_moments(const assay_risk_moments *moments, assay_error *err) {
  if (!isfinite(moments->mean)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the mean is %g", moments->mean);
  if (!(moments->stddev >= 0 && isfinite(moments->stddev)))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the standard deviation is %g: it has to be 0 or more", moments->stddev);
  return ASSAY_OK;
}

static double normal_density(double z) { return 0.39894228040143267794 * exp(-0.5 * z * z); }

assay_status assay_risk_normal(const assay_risk_moments *moments, const double *levels, size_t level_count, assay_error *err,
                               assay_risk_tail *tails) {
  assay_status status = assay_risk_check_levels(levels, level_count, err);
  if (status == ASSAY_OK) status = check_moments(moments, err);
  if (status != ASSAY_OK) return status;
  for (size_t i = 0; i < level_count; i++) {
    double z = assay_stats_normal_quantile(levels[i]);
    double var = moments->stddev * z - moments->mean;
    double es = moments->stddev * (normal_density(z) / (1 - levels[i])) - moments->mean;
    tails[i] = (assay_risk_tail){.level = levels[i], .var = var, .var_linear = var, .es = fmax(es, var)};
  }
  return ASSAY_OK;
}

/*
 * With S and K of the P&L, a loss has skewness -S: its quantile is sigma w(z) - mean with
 *     w(z) = z - (z^2 - 1) S/6 + (z^3 - 3z) K/24 - (2z^3 - 5z) S^2/36.
 * In Hermite polynomials that is He1 - He2 S/6 + He3 K/24 - (2 He3 + He1) S^2/36, and the integral of He_k times the density from q on
 * is He_{k-1}(q) times the density at q: so the mean of w beyond q has the closed form below.
 */
static double corrected(double z, double s, double k) {
  return z - (z * z - 1) * s / 6 + (z * z * z - 3 * z) * k / 24 - (2 * z * z * z - 5 * z) * s * s / 36;
}

/* Is w'(z) = a z^2 + b z + c positive for all z >= q? */
static bool monotone_beyond(double q, double s, double k) {
  double a = k / 8 - s * s / 6, b = -s / 3, c = 1 - k / 8 + 5 * s * s / 36;
  if (a < 0 || (a == 0 && b < 0)) return false;
  double lowest = a > 0 ? fmax(q, -b / (2 * a)) : q;
  return (a * lowest + b) * lowest + c > 0;
}

assay_status assay_risk_cornish_fisher(const assay_risk_moments *moments, const double *levels, size_t level_count, assay_error *err,
                                       assay_risk_tail *tails) {
  assay_status status = assay_risk_check_levels(levels, level_count, err);
  if (status == ASSAY_OK) status = check_moments(moments, err);
  if (status != ASSAY_OK) return status;
  double s = moments->skewness, k = moments->excess_kurtosis;
  if (!isfinite(s) || !isfinite(k))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "skewness %g and excess kurtosis %g: both have to be finite", s, k);
  for (size_t i = 0; i < level_count; i++) {
    if (!monotone_beyond(assay_stats_normal_quantile(levels[i]), s, k)) {
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                        "Cornish-Fisher's correction is not monotone beyond level %g for skewness %g and excess kurtosis %g: take the "
                        "historical or the Monte Carlo tail",
                        levels[i], s, k);
    }
  }
  for (size_t i = 0; i < level_count; i++) {
    double z = assay_stats_normal_quantile(levels[i]);
    double mean_beyond = normal_density(z) / (1 - levels[i]) * (1 - z * s / 6 + (z * z - 1) * k / 24 - (2 * z * z - 1) * s * s / 36);
    double var = moments->stddev * corrected(z, s, k) - moments->mean;
    double es = moments->stddev * mean_beyond - moments->mean;
    tails[i] = (assay_risk_tail){.level = levels[i], .var = var, .var_linear = var, .es = fmax(es, var)};
  }
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * Tails of scenarios and of moments.
 *
 * A tail needs a handful of order statistics and sums of everything below them, not a sorted array. So: guess from a small sample how low
 * "the tail" begins, keep what lies below that (one pass over the scenarios, the only one when the guess holds), spread the few that are
 * kept by their leading bits, and sort only among those next to a rank that is asked for. A guess that kept too few is replaced by
 * everything; the answer does not depend on it.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "base/float.h"
#include "kernels/kernel.h"
#include "kernels/risk/keep.h"
#include "quant/portfolio_vector.h"
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

enum { EACH = 32, SPAN = EACH * ASSAY_KERNEL_GROUP_SIZE };

/* Copies what is at most `limit` to `kept`, which has room for `capacity` and SPAN + 8 more, and returns how many there are, or more than
 * `capacity` when they do not fit. *finite becomes false when a value is NaN or infinite. */
static size_t keep_below(const double *pnl, size_t count, double limit, double *kept, size_t capacity, bool *finite) {
  assay_kernel_fn keep = assay_kernel_function(assay_kernel_find("risk_keep_f64"), NULL);
  u32 counts[ASSAY_KERNEL_GROUP_SIZE];
  size_t at = 0;
  for (size_t begin = 0; begin < count && at <= capacity; begin += SPAN) {
    const risk_keep_params p = {.count = count, .begin = begin, .limit = limit, .each = EACH};
    void *const buffers[] = {(void *)(uintptr_t)pnl, kept + at, counts};
    double *from = kept + at;
    keep(&p, buffers, 0, 1);
    for (size_t i = 0; i < ASSAY_KERNEL_GROUP_SIZE; i++) {
      if (counts[i] == 0) continue;
      if (counts[i] == RISK_KEEP_BAD) {
        *finite = false;
        return at;
      }
      if (kept + at != from + i * EACH) memmove(kept + at, from + i * EACH, counts[i] * sizeof *kept);
      at += counts[i];
    }
  }
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

enum { PLACES = 4096 }; /* that kept scenarios are spread over by their leading bits */

typedef struct tail_work {
  double *kept;
  uint64_t *keys, *other; /* spread: in ascending places, in any order within one; other: room to sort */
  uint32_t (*counts)[BUCKETS];
  uint32_t *begins; /* PLACES + 1: where each place begins */
  bool *sorted;     /* PLACES */
  uint64_t least;
  int shift;
} tail_work;

static void free_work(tail_work *work) {
  assay_free(work->kept);
  assay_free(work->keys);
  assay_free(work->counts);
  assay_free(work->begins);
  assay_free(work->sorted);
}

static assay_status no_memory(assay_error *err, size_t count) {
  return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the tail of %zu scenarios", count);
}

/* All scenarios up to at least the one of rank `needed`. */
static assay_status keep_tail(const double *pnl, size_t count, size_t needed, assay_error *err, tail_work *work, size_t *kept) {
  work->counts = assay_alloc(ASSAY_TAG_QUANT, DIGITS * sizeof *work->counts);
  work->keys = assay_alloc(ASSAY_TAG_QUANT, 2 * SAMPLE * sizeof *work->keys);
  if (work->counts == NULL || work->keys == NULL) return no_memory(err, count);
  bool finite = true;
  size_t capacity = 0;
  double limit = guess(pnl, count, needed, work->keys, work->counts, &capacity);
  for (;;) {
    assay_free(work->kept);
    work->kept = assay_alloc(ASSAY_TAG_QUANT, (capacity + SPAN + 8) * sizeof *work->kept);
    if (work->kept == NULL) return no_memory(err, count);
    *kept = keep_below(pnl, count, limit, work->kept, capacity, &finite);
    if (!finite) return assay_risk_check_finite(pnl, count, "scenario", err);
    if (*kept >= needed && *kept <= capacity) return ASSAY_OK;
    limit = INFINITY;
    capacity = count;
  }
}

static size_t place_of(const tail_work *work, uint64_t key) { return (size_t)((key - work->least) >> work->shift); }

/* Into ascending places by the leading bits of what the keys differ in; nothing is in order within a place. */
static assay_status spread(tail_work *work, size_t kept, size_t count, assay_error *err) {
  assay_free(work->keys);
  work->keys = assay_alloc(ASSAY_TAG_QUANT, 2 * kept * sizeof *work->keys);
  work->begins = assay_calloc(ASSAY_TAG_QUANT, PLACES + 1, sizeof *work->begins);
  work->sorted = assay_calloc(ASSAY_TAG_QUANT, PLACES, sizeof *work->sorted);
  if (work->keys == NULL || work->begins == NULL || work->sorted == NULL) return no_memory(err, count);
  work->other = work->keys + kept;
  uint64_t most = 0;
  work->least = UINT64_MAX;
  for (size_t i = 0; i < kept; i++) {
    uint64_t key = key_of(work->kept[i]);
    work->other[i] = key;
    work->least = key < work->least ? key : work->least;
    most = key > most ? key : most;
  }
  while ((most - work->least) >> work->shift >= PLACES) work->shift++;
  for (size_t i = 0; i < kept; i++) work->begins[place_of(work, work->other[i])]++;
  uint32_t begin = 0;
  for (size_t place = 0; place < PLACES; place++) {
    uint32_t in = work->begins[place];
    work->begins[place] = begin;
    begin += in;
  }
  for (size_t i = 0; i < kept; i++) work->keys[work->begins[place_of(work, work->other[i])]++] = work->other[i];
  for (size_t place = PLACES; place > 0; place--) work->begins[place] = work->begins[place - 1];
  work->begins[0] = 0;
  return ASSAY_OK;
}

/* The value of a rank: its place is sorted when it is first asked for. */
static double ranked(tail_work *work, size_t rank) {
  size_t low = 0, high = PLACES;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (work->begins[middle] <= rank) {
      low = middle;
    } else {
      high = middle;
    }
  }
  size_t begin = work->begins[low], in = work->begins[low + 1] - begin;
  uint64_t *keys = work->keys + begin;
  if (!work->sorted[low] && in > 256) {
    uint64_t *sorted = sort_keys(keys, work->other, in, work->counts);
    if (sorted != keys) memcpy(keys, sorted, in * sizeof *keys);
  } else if (!work->sorted[low]) {
    for (size_t i = 1; i < in; i++) {
      uint64_t key = keys[i];
      size_t at = i;
      for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
      keys[at] = key;
    }
  }
  work->sorted[low] = true;
  return value_of(work->keys[rank]);
}

/* One grid's piece of four values goes to a fold; what is left stays. */
#define TAKE_PIECE(value, grid, fold)               \
  do {                                              \
    assay_four piece = ((value) + (grid)) - (grid); \
    (fold) += piece;                                \
    (value) -= piece;                               \
  } while (0)

/* Adds the ranks [begin, end); four at a time, since the order of exact sums is free. */
static void add_ranks(const tail_work *work, size_t begin, size_t end, double scale, assay_risk_sum *sum) {
  enum { AT_ONCE = 128 };
  double values[AT_ONCE];
  const double *g = sum->grids;
  assay_four g0 = {g[0], g[0], g[0], g[0]}, g1 = {g[1], g[1], g[1], g[1]}, g2 = {g[2], g[2], g[2], g[2]}, g3 = {g[3], g[3], g[3], g[3]};
  assay_four f0 = {0}, f1 = {0}, f2 = {0}, f3 = {0};
  for (size_t i = begin; i < end; i += AT_ONCE) {
    size_t count = end - i < AT_ONCE ? end - i : AT_ONCE;
    for (size_t k = 0; k < count; k++) values[k] = value_of(work->keys[i + k]) * scale;
    for (size_t k = count; k % 4 != 0; k++) values[k] = 0;
    for (size_t k = 0; k < count; k += 4) {
      assay_four value;
      assay_four_load(&value, values + k);
      TAKE_PIECE(value, g0, f0);
      TAKE_PIECE(value, g1, f1);
      TAKE_PIECE(value, g2, f2);
      TAKE_PIECE(value, g3, f3);
    }
  }
  for (int lane = 0; lane < 4; lane++) {
    sum->folds[0] += f0[lane];
    sum->folds[1] += f1[lane];
    sum->folds[2] += f2[lane];
    sum->folds[3] += f3[lane];
  }
}

/* Losses of more than 2^900 are halved often enough that sums of them stay finite. */
static double scale_for(double largest, size_t count) { return largest > 0x1p900 / (double)count ? 0x1p-128 : 1; }

static assay_risk_tail tail_of(double level, const ranks *at, tail_work *work, const assay_risk_sum *beyond, double scale) {
  double edge = 0.0 - ranked(work, at->edge);
  double near = 0.0 - ranked(work, at->linear);
  double far = at->linear > 0 ? 0.0 - ranked(work, at->linear - 1) : near;
  double es = at->tail > 0 ? (0.0 - assay_risk_sum_get(beyond) + at->part * edge * scale) / at->tail / scale : edge;
  return (assay_risk_tail){
      .level = level,
      .var = edge,
      .var_linear = near + at->linear_share * far - at->linear_share * near,
      .es = fmax(es, edge), /* rounding alone can put it below */
  };
}

assay_status assay_risk_historical(const double *pnl, size_t count, const double *levels, size_t level_count, assay_error *err,
                                   assay_risk_tail *tails) {
  ASSAY_FLOAT_USUAL;
  assay_status status = assay_risk_check_levels(levels, level_count, err);
  if (status != ASSAY_OK) return status;
  if (count == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "no scenarios: a tail needs at least one");
  if (pnl == NULL || tails == NULL) return assay_risk_check_given(NULL, pnl == NULL ? "the scenarios" : "the tails to write", err);
  if (count > UINT32_MAX) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu scenarios: at most %u at once", count, UINT32_MAX);
  ranks at[ASSAY_RISK_MOST_LEVELS];
  size_t deepest_first[ASSAY_RISK_MOST_LEVELS], needed = 0, kept = 0;
  for (size_t i = 0; i < level_count; i++) {
    at[i] = ranks_of(levels[i], count);
    size_t last = at[i].edge > at[i].linear ? at[i].edge : at[i].linear;
    if (last + 1 > needed) needed = last + 1;
    size_t place = i;
    for (; place > 0 && at[deepest_first[place - 1]].edge > at[i].edge; place--) deepest_first[place] = deepest_first[place - 1];
    deepest_first[place] = i;
  }
  tail_work work = {0};
  status = keep_tail(pnl, count, needed, err, &work, &kept);
  if (status == ASSAY_OK) status = spread(&work, kept, count, err);
  if (status == ASSAY_OK) {
    double largest = fmax(fabs(ranked(&work, 0)), fabs(ranked(&work, needed - 1)));
    double scale = scale_for(largest, count);
    assay_risk_sum sum;
    assay_risk_sum_init(&sum, largest * scale, needed);
    size_t summed = 0;
    for (size_t i = 0; i < level_count; i++) {
      size_t level = deepest_first[i];
      ranked(&work, at[level].edge); /* what lies before the edge in its place comes before it */
      add_ranks(&work, summed, at[level].edge, scale, &sum);
      summed = at[level].edge;
      tails[level] = tail_of(levels[level], &at[level], &work, &sum, scale);
    }
  }
  free_work(&work);
  return status;
}

/* ---- From moments ------------------------------------------------------------------------------------------------------------- */

static assay_status check_moments(const assay_risk_moments *moments, assay_error *err) {
  if (moments == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there are no moments (NULL)");
  if (!isfinite(moments->mean)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the mean is %g", moments->mean);
  if (!(moments->stddev >= 0 && isfinite(moments->stddev)))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the standard deviation is %g: it has to be 0 or more", moments->stddev);
  return ASSAY_OK;
}

static assay_status check_asked(const assay_risk_moments *moments, const double *levels, size_t level_count, const assay_risk_tail *tails,
                                assay_error *err) {
  assay_status status = assay_risk_check_levels(levels, level_count, err);
  if (status == ASSAY_OK) status = check_moments(moments, err);
  return status == ASSAY_OK ? assay_risk_check_given(tails, "the tails to write", err) : status;
}

static double normal_density(double z) { return 0.39894228040143267794 * exp(-0.5 * z * z); }

assay_status assay_risk_normal(const assay_risk_moments *moments, const double *levels, size_t level_count, assay_error *err,
                               assay_risk_tail *tails) {
  ASSAY_FLOAT_USUAL;
  assay_status status = check_asked(moments, levels, level_count, tails, err);
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
  ASSAY_FLOAT_USUAL;
  assay_status status = check_asked(moments, levels, level_count, tails, err);
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

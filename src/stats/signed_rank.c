/* SPDX-License-Identifier: MIT */
#include "stats/signed_rank.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { EXACT_MOST = 64, SUMS_MOST = EXACT_MOST * (EXACT_MOST + 1) / 2 };

/* ---- The distribution of the sum of ranks with a positive sign ----------------------------------------------------------------- */

/* share[s]: probability of the sum s. Rank k adds k in half of all cases. */
static void distribute(size_t count, double share[SUMS_MOST + 1]) {
  memset(share, 0, (SUMS_MOST + 1) * sizeof *share);
  share[0] = 1;
  size_t most = 0;
  for (size_t k = 1; k <= count; k++) {
    for (size_t s = most + k + 1; s-- > 0;) share[s] = 0.5 * (s <= most ? share[s] : 0) + (s >= k ? 0.5 * share[s - k] : 0);
    most += k;
  }
}

/* P(sum <= s), for s below the middle. */
static double tail(size_t count, double s) {
  if (s < 0) return 0;
  if (count <= EXACT_MOST) {
    double share[SUMS_MOST + 1], sum = 0;
    distribute(count, share);
    for (size_t i = 0; (double)i <= s; i++) sum += share[i];
    return sum;
  }
  double n = (double)count, mean = n * (n + 1) / 4, error = sqrt(n * (n + 1) * (2 * n + 1) / 24);
  return 0.5 * erfc((mean - s - 0.5) / error * M_SQRT1_2);
}

/* The largest sum whose tail is not above `share`; -1: not even 0. */
static double quantile(size_t count, double share) {
  double n = (double)count;
  if (count <= EXACT_MOST) {
    double shares[SUMS_MOST + 1], sum = 0;
    distribute(count, shares);
    for (size_t s = 0; s <= count * (count + 1) / 2; s++) {
      sum += shares[s];
      if (sum > share) return (double)s - 1;
    }
  }
  double mean = n * (n + 1) / 4, error = sqrt(n * (n + 1) * (2 * n + 1) / 24);
  return floor(mean + assay_stats_normal_quantile(share) * error - 0.5);
}

/* ---- The test -------------------------------------------------------------------------------------------------------------------- */

double assay_signed_rank_pvalue(const double *values, size_t count) {
  if (count == 0) return 1;
  double *sizes = assay_alloc(ASSAY_TAG_STATS, count * sizeof *sizes), positive = 0;
  if (sizes == NULL) return NAN;
  for (size_t i = 0; i < count; i++) sizes[i] = fabs(values[i]);
  assay_stats_sort(sizes, count);
  for (size_t i = 0; i < count; i++) {
    if (values[i] < 0) continue;
    /* The rank is the middle of those of the same size. */
    size_t below = 0, upto = count;
    for (size_t low = 0, high = count; low < high;) {
      size_t middle = (low + high) / 2;
      if (sizes[middle] < fabs(values[i]))
        low = middle + 1;
      else
        high = middle;
      below = low;
    }
    for (size_t low = below, high = count; low < high;) {
      size_t middle = (low + high) / 2;
      if (sizes[middle] <= fabs(values[i]))
        low = middle + 1;
      else
        high = middle;
      upto = low;
    }
    double rank = (double)(below + upto + 1) / 2;
    positive += values[i] > 0 ? rank : rank / 2;
  }
  assay_free(sizes);
  double all = (double)count * (double)(count + 1) / 2;
  return fmin(1, 2 * tail(count, floor(fmin(positive, all - positive))));
}

/* ---- The estimate ---------------------------------------------------------------------------------------------------------------- */

/* How many averages (sorted[i] + sorted[j]) / 2, i <= j, are not above `limit`: one walk from both ends. */
static double averages_upto(const double *sorted, size_t count, double limit) {
  double found = 0;
  for (size_t i = 0, j = count; i < count; i++) {
    while (j > i && 0.5 * sorted[i] + 0.5 * sorted[j - 1] > limit) j--;
    if (j <= i) break;
    found += (double)(j - i);
  }
  return found;
}

/* The k-th smallest average, k from 1: halving the range of the values until two neighbouring doubles are left, instead of making and
 * sorting all n (n + 1) / 2 averages. */
static double average_at(const double *sorted, size_t count, double k) {
  double low = sorted[0], high = sorted[count - 1];
  if (averages_upto(sorted, count, low) >= k) return low;
  for (int i = 0; i < 200; i++) {
    double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    if (averages_upto(sorted, count, middle) >= k)
      high = middle;
    else
      low = middle;
  }
  return high;
}

double assay_hodges_lehmann_sorted(const double *sorted, size_t count) {
  double all = (double)count * (double)(count + 1) / 2;
  return 0.5 * (average_at(sorted, count, floor((all + 1) / 2)) + average_at(sorted, count, floor(all / 2) + 1));
}

assay_interval assay_signed_rank_interval_sorted(const double *sorted, size_t count, double level) {
  double all = (double)count * (double)(count + 1) / 2, cut = quantile(count, 0.5 - level / 2);
  if (cut < 0) return (assay_interval){-INFINITY, INFINITY};
  return (assay_interval){average_at(sorted, count, cut + 1), average_at(sorted, count, all - cut)};
}

/* ---- Signs alone ------------------------------------------------------------------------------------------------------------------ */

/* P(at most `heads` of `count` fair coins show heads), added up from the far end, where the terms are smallest. */
static double coins(size_t count, size_t heads) {
  double term = exp(-(double)count * M_LN2), sum = term;
  if (term == 0) { /* more than 1074 coins */
    double n = (double)count;
    return 0.5 * erfc((n / 2 - (double)heads - 0.5) / sqrt(n / 4) * M_SQRT1_2);
  }
  for (size_t k = 1; k <= heads; k++) sum += term *= (double)(count - k + 1) / (double)k;
  return sum;
}

double assay_sign_test_pvalue(const double *values, size_t count) {
  double positive = 0;
  for (size_t i = 0; i < count; i++) positive += values[i] > 0 ? 1 : values[i] == 0 ? 0.5 : 0;
  return fmin(1, 2 * coins(count, (size_t)floor(fmin(positive, (double)count - positive))));
}

assay_interval assay_sign_test_interval_sorted(const double *sorted, size_t count, double level) {
  size_t cut = 0; /* values that are left out at either end */
  while (cut < count / 2 && coins(count, cut) <= 0.5 - level / 2) cut++;
  if (cut == 0) return (assay_interval){-INFINITY, INFINITY};
  return (assay_interval){sorted[cut - 1], sorted[count - cut]};
}

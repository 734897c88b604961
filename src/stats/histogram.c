/* SPDX-License-Identifier: MIT */
#include <float.h>
#include <math.h>
#include <string.h>

#include <assay/stats.h>

/*
 * A value of b significant bits keeps its upper SUB_BUCKET_BITS + 1 bits: `shift` is how many are dropped. Octave 0 holds all values below
 * 2^SUB_BUCKET_BITS exactly; each further octave doubles the width. Because the kept part has its leading bit set (except in octave 0), the
 * next octave follows on without a gap: index = shift * 2^SUB_BUCKET_BITS + (value >> shift). No division, no branch.
 */
enum { SUB_BUCKETS = 1 << ASSAY_HISTOGRAM_SUB_BUCKET_BITS };

static const uint64_t limit = (UINT64_C(1) << ASSAY_HISTOGRAM_MAX_BITS) - 1;

static size_t index_within_limit(uint64_t value) {
  unsigned shift = 63 - ASSAY_HISTOGRAM_SUB_BUCKET_BITS - (unsigned)__builtin_clzll(value | SUB_BUCKETS);
  return ((size_t)shift << ASSAY_HISTOGRAM_SUB_BUCKET_BITS) + (size_t)(value >> shift);
}

size_t assay_histogram_index(uint64_t value_ns) { return index_within_limit(value_ns < limit ? value_ns : limit); }

static unsigned shift_of(size_t index) {
  unsigned octave = (unsigned)(index >> ASSAY_HISTOGRAM_SUB_BUCKET_BITS);
  return octave > 1 ? octave - 1 : 0; /* octaves 0 and 1 both have width 1 */
}

uint64_t assay_histogram_bucket_low(size_t index) {
  unsigned shift = shift_of(index);
  return (uint64_t)(index - ((size_t)shift << ASSAY_HISTOGRAM_SUB_BUCKET_BITS)) << shift;
}

uint64_t assay_histogram_bucket_width(size_t index) { return UINT64_C(1) << shift_of(index); }

void assay_histogram_init(assay_histogram *histogram) {
  memset(histogram, 0, sizeof *histogram);
  histogram->min = UINT64_MAX;
}

void assay_histogram_record(assay_histogram *histogram, uint64_t value_ns) {
  histogram->count++;
  histogram->over_range += value_ns > limit;
  histogram->min = value_ns < histogram->min ? value_ns : histogram->min;
  histogram->max = value_ns > histogram->max ? value_ns : histogram->max;
  histogram->sum += (double)value_ns;
  histogram->buckets[assay_histogram_index(value_ns)]++;
}

void assay_histogram_merge(assay_histogram *into, const assay_histogram *from) {
  into->count += from->count;
  into->over_range += from->over_range;
  into->min = from->min < into->min ? from->min : into->min;
  into->max = from->max > into->max ? from->max : into->max;
  into->sum += from->sum;
  for (size_t i = 0; i < ASSAY_HISTOGRAM_BUCKETS; i++) into->buckets[i] += from->buckets[i];
}

/* Rank (from 1) of the smallest value that at least the share q of all values does not exceed. */
static uint64_t rank_of(uint64_t count, double q) {
  double place = ceil(q * (double)count * (1 - 2 * DBL_EPSILON)); /* q is rounded: 0.07 * 100 is a little over 7 */
  if (place < 1) return 1;
  return place < (double)count ? (uint64_t)place : count;
}

double assay_histogram_quantile(const assay_histogram *histogram, double q) {
  if (histogram->count == 0 || !(q >= 0 && q <= 1)) return NAN;
  uint64_t rank = rank_of(histogram->count, q), seen = 0;
  if (rank == 1) return (double)histogram->min;
  if (rank == histogram->count) return (double)histogram->max;
  size_t index = 0;
  while (index + 1 < ASSAY_HISTOGRAM_BUCKETS && (seen += histogram->buckets[index]) < rank) index++;
  double middle = (double)assay_histogram_bucket_low(index) + 0.5 * (double)(assay_histogram_bucket_width(index) - 1);
  return fmin(fmax(middle, (double)histogram->min), (double)histogram->max);
}

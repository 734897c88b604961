/* SPDX-License-Identifier: MIT */
/*
 * assay/stats.h: pure statistics. No I/O, no clock, no allocation that outlives a call. All functions are thread-safe.
 *
 *     double medians[5] = {12.1, 12.4, 11.9, 12.2, 12.0}; // one per process
 *     assay_interval ci;
 *     assay_stats_interval(medians, 5, 0.95, &ci);
 *     printf("%.3g [%.3g, %.3g]\n", assay_stats_median(medians, 5), ci.low, ci.high);
 *
 * Arrays are not modified unless the name says `sort`. No values, a NaN among them, and (for more than 64 values) no memory for a copy give
 * NaN. docs/statistics.md says which method is used where, why, and how well it does.
 */
#ifndef ASSAY_STATS_H
#define ASSAY_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

ASSAY_API double assay_stats_mean(const double *values, size_t count);
/* Sample standard deviation (n - 1), by a two-pass compensated sum; 0 for one value. */
ASSAY_API double assay_stats_stddev(const double *values, size_t count);
ASSAY_API double assay_stats_median(const double *values, size_t count);
/* Median absolute deviation times 1.4826, so that it estimates sigma for a normal distribution. */
ASSAY_API double assay_stats_mad(const double *values, size_t count);
/* Quantile `q` in [0, 1] of ascending values, Hyndman and Fan type 7 (the default of R and NumPy). */
ASSAY_API double assay_stats_quantile_sorted(const double *sorted, size_t count, double q);
/* Ascending; NaN last. */
ASSAY_API void assay_stats_sort(double *values, size_t count);

typedef struct assay_interval {
  double low, high;
} assay_interval;

/*
 * Confidence interval of the typical process (the median of process medians) from `count` independent finite values, one per process.
 * Up to level 1 - 2^(1 - count) (95 %: from 6 processes on) it rests on the order of the values alone and holds for any distribution; with
 * fewer processes it is the exact bootstrap standard error times a Student quantile calibrated for few normal values. No random numbers:
 * the same values give the same interval. docs/statistics.md derives both and shows the coverage. It always holds
 * assay_stats_median(values). `level` in (0, 1), e.g. 0.95. Two processes give an interval, but at 95 % it is 12.7 times as wide as they
 * are apart. ASSAY_ERR_INVALID for count < 2 (one process says nothing of the spread between processes), for values that are not finite, or
 * for such a level.
 */
ASSAY_API assay_status assay_stats_interval(const double *values, size_t count, double level, assay_interval *interval);

/* Quantile of Student's t with `df` > 0 degrees of freedom (infinite: the normal) at probability p in (0, 1), and the normal's. Relative
 * error below 1e-10; NaN outside the ranges. */
ASSAY_API double assay_stats_t_quantile(double p, double df);
ASSAY_API double assay_stats_normal_quantile(double p);
/* Two-sided p-value of Student's t: P(|T| > |t|), with the same accuracy. */
ASSAY_API double assay_stats_t_pvalue(double t, double df);

/* How far two groups of independent values lie apart, and how sure that is. */
typedef struct assay_difference {
  double before, after; /* typical values */
  double step;          /* after - before */
  double error;         /* standard error of step */
  double df;            /* its degrees of freedom */
  double low, high;     /* confidence interval of step */
  double p_value;       /* two-sided, of "no difference" */
  double least_p;       /* what two modes give by chance, where that is no less; 0: so many values rule them out */
  double detectable;    /* the smallest |step| that this many values with this spread find in four of five cases */
} assay_difference;

/*
 * Welch's t of two means; a side with ten values or more gives its mean trimmed by an eighth at either end, with the winsorised variance
 * (Yuen 1974), so that one bad process in ten does not hide a difference. Fewer than five values on a side, or values that tie on each,
 * cannot tell two modes of speed from a difference: steps below `modes` (0: none are expected, as of counts) then have a p-value of at
 * least what two modes give by chance. Beyond that, values without any spread leave no doubt: p_value is 0 or 1. ASSAY_ERR_INVALID for
 * fewer than two values on a side, for values that are not finite, and for a level outside (0, 1).
 */
ASSAY_API assay_status assay_stats_difference(const double *before, size_t before_count, const double *after, size_t after_count,
                                              double level, double modes, assay_difference *difference);
/* Benjamini and Hochberg (1995): p-values of several tests become the least share of false discoveries at which each counts, in place. NaN
 * stays and does not count. ASSAY_ERR_NO_MEMORY. */
ASSAY_API assay_status assay_stats_adjust(double *p_values, size_t count);

/* What a report says of one metric: the process is the unit, quantiles are over all kept samples of all processes. */
typedef struct assay_summary {
  size_t processes;    /* processes that gave a value */
  size_t samples;      /* kept samples */
  size_t set_aside;    /* samples set aside on their covariates: the caller's to fill in */
  double median, mean; /* of process medians */
  double stddev;       /* between processes; NaN for one process */
  double min, max;     /* over kept samples */
  /* Over kept samples, or over operations in latency benchmarks. NaN where fewer than one in the tail is to be expected: below 10, 20, 100
   * and 1000 values for p90, p95, p99 and p999. */
  double p50, p90, p95, p99, p999;
  double ci_low, ci_high; /* 95 %, cut at 0 where no sample is negative; NaN for one process */
} assay_summary;

/* `values[p]` has `counts[p]` kept samples of process p; processes with 0 samples do not count. ASSAY_ERR_INVALID when there is no sample
 * at all or one is not finite (the message says which). */
ASSAY_API assay_status assay_stats_summarize(const double *const *values, const size_t *counts, size_t processes, assay_error *err,
                                             assay_summary *summary);

/* Growth of a cost over a size, fitted by least squares with one coefficient, as Google Benchmark's users know it; log is base 2. */
typedef enum assay_big_o {
  ASSAY_O_1,
  ASSAY_O_LOG_N,
  ASSAY_O_N,
  ASSAY_O_N_LOG_N,
  ASSAY_O_N2,
  ASSAY_O_N3,
  ASSAY_O_UNCLEAR /* no form fits clearly better than another */
} assay_big_o;

typedef struct assay_big_o_fit {
  assay_big_o order;
  double coefficient; /* cost = coefficient * f(n); NaN where unclear */
  double rms_ratio;   /* root mean square of the residuals over the mean cost, of the best form; NaN where no form fits at all */
} assay_big_o_fit;

/* Needs at least three different sizes, all positive, and finite costs. */
ASSAY_API assay_status assay_stats_fit_big_o(const double *sizes, const double *costs, size_t count, assay_error *err,
                                             assay_big_o_fit *fit);
ASSAY_API const char *assay_big_o_text(assay_big_o order); /* "O(1)", "O(log n)", ... */

/*
 * Latency histogram in the manner of HdrHistogram: log-linear buckets, constant relative error, constant memory, O(1) record.
 * Values are whole nanoseconds in [0, 2^42 - 1] (73 minutes); larger ones are counted in `over_range` and fall into the last bucket.
 * One histogram belongs to one thread at a time.
 */
enum {
  /* 256 sub-buckets an octave: values below 512 are exact, above them a bucket is at most 1/256 of its values wide, and its middle, which
   * quantiles give, is within 1/512 (0.2 %) of each. */
  ASSAY_HISTOGRAM_SUB_BUCKET_BITS = 8,
  ASSAY_HISTOGRAM_MAX_BITS = 42,
  ASSAY_HISTOGRAM_BUCKETS = (ASSAY_HISTOGRAM_MAX_BITS - ASSAY_HISTOGRAM_SUB_BUCKET_BITS + 1) << ASSAY_HISTOGRAM_SUB_BUCKET_BITS
};

typedef struct assay_histogram {
  uint64_t count, over_range;
  uint64_t min, max; /* exact, also over range; min > max while empty */
  double sum;
  uint64_t buckets[ASSAY_HISTOGRAM_BUCKETS];
} assay_histogram; /* 70 KiB: heap or static storage, not the stack of a small thread */

ASSAY_API void assay_histogram_init(assay_histogram *histogram);
ASSAY_API void assay_histogram_record(assay_histogram *histogram, uint64_t value_ns);
ASSAY_API void assay_histogram_merge(assay_histogram *into, const assay_histogram *from);
/* The smallest value that a share q in [0, 1] of all values does not exceed (Hyndman and Fan type 1): the middle of the bucket that holds
 * it, clipped to [min, max], which are given exactly. NaN while empty. */
ASSAY_API double assay_histogram_quantile(const assay_histogram *histogram, double q);
/* Replaces the summary's min, max and p50 to p999 by those of all operations. An empty histogram changes nothing. */
ASSAY_API void assay_histogram_summarize(const assay_histogram *histogram, assay_summary *summary);
/* Index of the bucket of a value, and the lowest value and width of a bucket (for plots and merges). */
ASSAY_API size_t assay_histogram_index(uint64_t value_ns);
ASSAY_API uint64_t assay_histogram_bucket_low(size_t index);
ASSAY_API uint64_t assay_histogram_bucket_width(size_t index);

#ifdef __cplusplus
}
#endif
#endif

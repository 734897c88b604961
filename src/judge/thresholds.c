/* SPDX-License-Identifier: MIT */
/* How much worse counts, by kind of metric and by benchmark. */
#include <assay/compare.h>

static const double CRITICAL = 2.5; /* times the warning: as 20 % and 50 % of row H11 */

/* Row N11; memory, energy and counts have none there: they repeat well, and 5 to 10 % of them is something that somebody did. Error rates
 * are compared by difference, in points. */
static double warning_of(assay_metric_kind kind) {
  switch (kind) {
    case ASSAY_KIND_TIME: return 0.05;
    case ASSAY_KIND_LATENCY: return 0.20;
    case ASSAY_KIND_THROUGHPUT: return 0.10;
    case ASSAY_KIND_ACCURACY: return 0.02;
    case ASSAY_KIND_ERROR_RATE: return 0.01;
    case ASSAY_KIND_MEMORY: return 0.10;
    case ASSAY_KIND_ENERGY: return 0.10;
    case ASSAY_KIND_COUNT: return 0.05;
  }
  return 0.05;
}

assay_threshold assay_threshold_for(const assay_thresholds *thresholds, const char *suite, const char *benchmark, const char *metric,
                                    assay_metric_kind kind) {
  (void)thresholds, (void)suite, (void)benchmark, (void)metric;
  return (assay_threshold){.warning = warning_of(kind), .critical = CRITICAL * warning_of(kind)};
}

/* SPDX-License-Identifier: MIT */
/*
 * assay/metric.h: what kind of quantity a number is. The kind decides how it is shown, which direction is better and which
 * regression threshold applies.
 *
 *     assay_bench_metric(b, "accuracy", 0.987, "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER);
 */
#ifndef ASSAY_METRIC_H
#define ASSAY_METRIC_H

#include <stdbool.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_metric_kind {
  ASSAY_KIND_TIME,       /* unit "ns" */
  ASSAY_KIND_LATENCY,    /* unit "ns", one operation's response time */
  ASSAY_KIND_THROUGHPUT, /* "items/s", "B/s", "FLOP/s" */
  ASSAY_KIND_ACCURACY,   /* "ratio", 0..1 */
  ASSAY_KIND_ERROR_RATE, /* "ratio", 0..1 */
  ASSAY_KIND_MEMORY,     /* "B" */
  ASSAY_KIND_ENERGY,     /* "J" */
  ASSAY_KIND_COUNT       /* "1" or a plural noun */
} assay_metric_kind;

typedef enum assay_better { ASSAY_LOWER, ASSAY_HIGHER } assay_better;

/* "time", "latency", ... as they stand in reports. Never NULL. */
ASSAY_API const char *assay_metric_kind_text(assay_metric_kind kind);
/* The reverse; false when `text` is no kind (then *kind is untouched). */
ASSAY_API bool assay_metric_kind_parse(const char *text, assay_metric_kind *kind);

/* What became of a benchmark, a check or a suite. Absent is never written as 0. */
typedef enum assay_outcome {
  ASSAY_OUTCOME_OK,
  ASSAY_OUTCOME_SKIPPED,     /* the user's choice or a missing input; the reason says which */
  ASSAY_OUTCOME_UNSUPPORTED, /* this machine or build cannot; the reason is the exact cause */
  ASSAY_OUTCOME_FAILED       /* it should have worked; the reason says what happened */
} assay_outcome;

/* "ok", "skipped", "unsupported", "failed". */
ASSAY_API const char *assay_outcome_text(assay_outcome outcome);
ASSAY_API bool assay_outcome_parse(const char *text, assay_outcome *outcome);

/*
 * Human text for a value in a base unit ("ns", "s", "B", "B/s", "FLOP/s", "Hz", "items/s", "ratio", any other): three or four significant
 * digits and a prefix, e.g. 1234.5 ns -> "1.234 us", 16e9 B/s -> "16.0 GB/s", 0.5 ratio -> "50.0 %". Bytes ("B") use KiB, MiB, GiB;
 * rates use decimal prefixes. Writes at most `size` bytes and returns `out`.
 */
ASSAY_API char *assay_format_value(double value, const char *unit, char *out, size_t size);

/*
 * The reverse, for limits in configuration files: "10 ms" -> 1e7 ns, "100 MB" -> 1e8 B, "64 KiB" -> 65536 B, "50K/s" -> 50000 items/s,
 * "20 %" -> 0.2 ratio, "5" -> 5 with an empty unit. The unit comes out as one of the base units above.
 */
ASSAY_API assay_status assay_parse_value(const char *text, assay_error *err, double *value, const char **unit);

#ifdef __cplusplus
}
#endif
#endif

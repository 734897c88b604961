/* SPDX-License-Identifier: MIT */
/*
 * assay/report.h: a result for people and for other programs.
 *
 *     assay_report_write(result, &context, ASSAY_FORMAT_HTML, "benchmark_results/report.html", &err);
 *
 * Files are written beside and renamed: there is never a torn report. Rendering is pure: the same input gives the same bytes.
 */
#ifndef ASSAY_REPORT_H
#define ASSAY_REPORT_H

#include <assay/compare.h>
#include <assay/history.h>
#include <assay/judge.h>
#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_format {
  ASSAY_FORMAT_JSON,
  ASSAY_FORMAT_HTML,
  ASSAY_FORMAT_CSV,
  ASSAY_FORMAT_MARKDOWN,
  ASSAY_FORMAT_JUNIT,
  ASSAY_FORMAT_TERMINAL,
  ASSAY_FORMAT_OPENMETRICS,      /* also valid as Prometheus' text format 0.0.4 */
  ASSAY_FORMAT_GOOGLE_BENCHMARK, /* other tools' own (docs/export.md): one row, round or run a process */
  ASSAY_FORMAT_PYTEST_BENCHMARK,
  ASSAY_FORMAT_HYPERFINE,
  ASSAY_FORMAT_COUNT
} assay_format;

ASSAY_API const char *assay_format_text(assay_format format);      /* "json", "html", ..., "openmetrics", "google-benchmark", ... */
ASSAY_API const char *assay_format_extension(assay_format format); /* "json", "md", "junit.xml", "txt", "google-benchmark.json", ... */
ASSAY_API bool assay_format_parse(const char *text, assay_format *format);
/* How many benchmarks the format has no place for: those of other tools hold times only, and nothing of what failed. */
ASSAY_API size_t assay_report_left_out(const assay_result *result, assay_format format);

/* A metric over earlier runs on this machine. */
typedef struct assay_report_trend {
  const char *suite, *benchmark, *metric;
  const assay_history_point *points;
  size_t count;
} assay_report_trend;

/* What stands beside the result; all may be empty. */
typedef struct assay_report_context {
  const assay_result *previous; /* the run before on this machine; NULL: none */
  const assay_changes *changes; /* previous -> result */
  const assay_report_trend *trends;
  size_t trend_count;
  bool color;     /* TERMINAL */
  unsigned width; /* TERMINAL: columns; 0: 100 */
} assay_report_context;

/* Text in memory; free with assay_string_free. */
ASSAY_API assay_status assay_report_render(const assay_result *result, const assay_report_context *context, assay_format format,
                                           assay_error *err, char **text);
ASSAY_API assay_status assay_report_write(const assay_result *result, const assay_report_context *context, assay_format format,
                                          const char *path, assay_error *err);

/*
 * Fills a context from a history: the finished run before this one on the same machine (a quick one for a quick one where there is any),
 * what changed since, trends. It borrows names from the result, which must outlive it. `color` and `width` stay as they are; what else it
 * held is not freed. Free with assay_report_context_deinit.
 */
ASSAY_API assay_status assay_report_context_load(assay_history *history, const assay_result *result, assay_error *err,
                                                 assay_report_context *context);
ASSAY_API void assay_report_context_deinit(assay_report_context *context);

/* ---- A comparison for itself: compare, ab, regress, and the comment on a pull request ---------------------------------------------- */

/* The first line of a comment on a pull request (nobody sees it): by this a bot finds its own comment, to write the new text over the old.
 */
#define ASSAY_REPORT_COMMENT_MARK "<!-- assay: comparison -->"
/* GitHub takes no longer comments; they are cut to this, in bytes. */
enum { ASSAY_REPORT_COMMENT_MAX = 65536 };

typedef struct assay_changes_context {
  const assay_result *before, *after;
  const char *before_label, *after_label; /* as the user called them, e.g. "baseline main"; NULL: the runs' ids */
  const char *note;                       /* one more sentence that must be known beside it; NULL: none */
  bool pull_request;                      /* MARKDOWN: the comment: the mark above, and what did not change folded away */
  bool all;                               /* TERMINAL: also what stayed the same */
  bool color;                             /* TERMINAL */
  unsigned width;                         /* TERMINAL: columns; 0: 100 */
} assay_changes_context;

/* TERMINAL, JSON (schema "assay-compare/1", docs/compare.md), MARKDOWN, JUNIT, CSV or HTML (intervals drawn); other formats are
 * ASSAY_ERR_INVALID. Free with assay_string_free. */
ASSAY_API assay_status assay_report_changes(const assay_changes *changes, const assay_changes_context *context, assay_format format,
                                            assay_error *err, char **text);

/* ---- Pictures ---------------------------------------------------------------------------------------------------------------------- */

/* An SVG document as PNG, `scale` pixels a unit (0: 2), through librsvg (loaded when first needed; ASSAY_ERR_UNSUPPORTED says what is
 * missing). Free with assay_string_free. */
ASSAY_API assay_status assay_report_png(const char *svg, double scale, assay_error *err, char **png, size_t *length);

/* Roofline of the machine with the result's benchmarks on it (benchmarks may be 0): a complete SVG document. */
ASSAY_API assay_status assay_report_roofline_svg(const assay_result *result, assay_error *err, char **svg);

#ifdef __cplusplus
}
#endif
#endif

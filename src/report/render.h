/* SPDX-License-Identifier: MIT */
/* What the renderers share: one function a format, how figures become text, and the digest that every summary is written from. */
#ifndef ASSAY_REPORT_RENDER_H
#define ASSAY_REPORT_RENDER_H

#include <assay/report.h>

#include "base/buf.h"
#include "report/changes.h"

/* ---- One renderer a format: each appends to `out`, whose stickiness carries out-of-memory. ------------------------------------------ */

struct assay_digest;

typedef struct assay_render {
  const assay_result *result;
  const assay_report_context *context; /* never NULL */
  const struct assay_digest *digest;
  assay_buf *out;
} assay_render;

void assay_report_csv(const assay_render *r);
void assay_report_markdown(const assay_render *r);
void assay_report_junit(const assay_render *r);
void assay_report_terminal(const assay_render *r);
void assay_report_html(const assay_render *r);

/* ---- Parts of a format that a comparison for itself writes too ---------------------------------------------------------------------- */

/*
 * Free text inside a table or list. Markup and HTML are escaped, pipes too, line ends become spaces; an empty comment behind @ keeps a name
 * in a result from notifying somebody.
 */
void assay_markdown_text(assay_buf *out, const char *from);
/* Code in a table: nothing inside is markup but the pipe, which a backslash keeps, and the backtick, which cannot be kept. */
void assay_markdown_code(assay_buf *out, const char *from);

void assay_junit_attribute(assay_buf *out, const char *name, const char *value);
/* Seconds of a suite: what its cases say. How long it ran is not recorded; the whole run's duration stands on <testsuites>. `result` (may
 * be NULL) says when and where. */
void assay_junit_begin_suite(assay_buf *out, const assay_result *result, const char *name, size_t tests, size_t failures, size_t skipped,
                             double seconds);
void assay_junit_begin_case(assay_buf *out, const char *class_name, const char *name, double seconds);
/* `element` is "failure" or "skipped". */
void assay_junit_verdict(assay_buf *out, const char *element, const char *message);
void assay_junit_end_case(assay_buf *out, const char *output);

/*
 * A field that a spreadsheet would run as a formula (it begins with = + - @ or a tab or carriage return) gets a quote mark before it, as
 * OWASP advises; so do fields that begin so after spaces. Text with commas, quotes or line ends is quoted.
 */
void assay_csv_text(assay_buf *out, const char *text);
void assay_csv_next_text(assay_buf *out, const char *text);
/* What is not there is an empty field, never 0. */
void assay_csv_next_number(assay_buf *out, double value);

/* ---- Figures as text ---------------------------------------------------------------------------------------------------------------- */

enum { ASSAY_REPORT_TEXT = 48 };

/* "1.234 us"; a dash where there is no value (NaN). */
const char *assay_report_value(double value, const char *unit, char out[ASSAY_REPORT_TEXT]);
/* The same for a tick of an axis: "100 ns", "5 ms", without zeros that say nothing. */
const char *assay_report_tick(double value, const char *unit, char out[ASSAY_REPORT_TEXT]);
/* Half the 95 % interval relative to the value, or NaN where there is none (one process, a zero). */
double assay_report_half_ratio(const assay_metric_result *metric);
/* "3.1 %" with as many digits as matter, within "<0.1 %" and ">1000 %"; a dash for NaN. */
const char *assay_report_percent(double ratio, char out[ASSAY_REPORT_TEXT]);
/* The same with its sign, "+12.4 %", "-0.3 %" (a true minus). */
const char *assay_report_signed_percent(double ratio, char out[ASSAY_REPORT_TEXT]);
/* "2026-09-17 08:00 UTC" and "2 min 51 s". */
const char *assay_report_when(int64_t at_s, char out[ASSAY_REPORT_TEXT]);
/* "2026-03-01" at midnight, else "2026-03-01 14:20 UTC", with seconds and parts of them where there are some. */
const char *assay_report_moment(int64_t at_ns, char out[ASSAY_REPORT_TEXT]);
const char *assay_report_duration(double seconds, char out[ASSAY_REPORT_TEXT]);
/* "1 benchmark", "3 benchmarks": appends. */
void assay_report_plural(assay_buf *out, size_t count, const char *singular);

/* Columns that the text takes in a terminal; invalid bytes count one each. */
size_t assay_report_columns(const char *text);
/* Copies as much as fits into `columns`, with an ellipsis in the middle when it does not all fit, and pads to it on the right or left. */
void assay_report_fit(assay_buf *out, const char *text, size_t columns, bool right);

/* The benchmark of a change, and behind it the metric where it is not the main one: appends plain text. */
void assay_report_change_name(const assay_change *change, assay_buf *out);

/*
 * Bytes of the directional control that stands at `text` (U+061C, U+200E, U+200F, U+202A-202E, U+2066-2069), else 0. One of them could
 * show a name, or what follows it on the line, in another order than it has; writing from right to left needs none. Reports for people put
 * U+FFFD in its place; those for programs keep it.
 */
size_t assay_report_bidi(const char *text);
/* assay_buf_xml without them, for pages and pictures; `text` may be NULL. */
void assay_report_xml(assay_buf *out, const char *text);

/* ---- Finding things ----------------------------------------------------------------------------------------------------------------- */

/* NULL when the benchmark has no figure. */
const assay_metric_result *assay_report_main_metric(const assay_benchmark_result *benchmark);
/* The first metric of the benchmark that knows its ceiling; NULL without one. */
const assay_metric_result *assay_report_bound_metric(const assay_benchmark_result *benchmark);
/* The rate that says most: FLOP/s, then B/s, then items/s, then any other throughput; NULL without one, and for a latency, of which no
 * rate is the inverse. */
const assay_metric_result *assay_report_rate_metric(const assay_benchmark_result *benchmark);
/* How many inconclusive changes stand open; so many may be noise that the rest is only counted or folded. */
enum { ASSAY_REPORT_INCONCLUSIVE = 8 };
/* True for a metric that the benchmark gave itself, such as "accuracy", rather than the engine. */
bool assay_report_is_own(const assay_benchmark_result *benchmark, const assay_metric_result *metric);
/* "accuracy 97.1 % ± 0.2 %, loss 0.031": appends the benchmark's own metrics, nothing when it has none. */
void assay_report_own_metrics(const assay_benchmark_result *benchmark, assay_buf *out);
/* "7 limits do not apply: ...": appends one sentence about all of them, nothing when each limit applies. */
void assay_report_not_applicable(const assay_result *result, assay_buf *out);
/* "1 of 3 processes": appends when a run was interrupted before all processes of the benchmark had run. */
void assay_report_partial(const assay_result *result, const assay_benchmark_result *benchmark, assay_buf *out);
/* "5 fresh processes a benchmark"; of what another tool measured, what stands behind a figure as far as that is known. Appends. */
void assay_report_behind(const assay_result *result, assay_buf *out);
/* "2 min 51 s"; words where an interrupted run did not live to say. */
const char *assay_report_took(const assay_run_info *run, char out[ASSAY_REPORT_TEXT]);
/* True when figures stand behind it. */
bool assay_report_measured(const assay_benchmark_result *benchmark);

/* ---- The digest --------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_digest_suite {
  const char *name;
  assay_outcome status;
  const char *reason; /* NULL when ok */
  size_t outcomes[4]; /* benchmarks by assay_outcome */
  size_t benchmarks, checks;
} assay_digest_suite;

/* Benchmarks of one suite and base name. With more than one, what all of them share is said once, and each is labelled by the rest. */
typedef struct assay_digest_group {
  const char *suite, *base_name;
  size_t first, count; /* in the digest's order */
  unsigned common;     /* bit k: parameter k of the first benchmark is the same in all of them */
} assay_digest_group;

typedef struct assay_digest {
  size_t outcomes[4];         /* by assay_outcome */
  size_t slas[4];             /* by assay_sla_status */
  size_t checks[3];           /* by assay_check_status */
  assay_changes_view changes; /* since the previous run */
  size_t suite_count;
  assay_digest_suite *suites; /* those asked for, in their order, then those that only have results */
  size_t group_count;
  assay_digest_group *groups;           /* by suite in the order above, then by name */
  const assay_benchmark_result **order; /* every benchmark, group by group */
  /* Nearest to and furthest from their ceilings; NULL when no benchmark has one. */
  const assay_benchmark_result *nearest, *furthest;
  const assay_benchmark_result *over; /* furthest over its ceiling, by more than a tenth; NULL when none is */
  size_t unsteady;                    /* measured benchmarks of which a process never got steady */
} assay_digest;

assay_status assay_digest_make(const assay_result *result, const assay_report_context *context, assay_error *err, assay_digest *digest);
void assay_digest_deinit(assay_digest *digest);
/* "n=1000 type=f32": what sets a benchmark apart in its group (its name in a group of one), and what the whole group shares ("" for
 * nothing). */
void assay_digest_label(const assay_digest *digest, const assay_digest_group *group, const assay_benchmark_result *benchmark,
                        assay_buf *out);
void assay_digest_common(const assay_digest *digest, const assay_digest_group *group, assay_buf *out);
/* One sentence: what the whole run came to. Plain text. */
void assay_digest_headline(const assay_digest *digest, const assay_result *result, assay_buf *out);

/* A sentence worth reading first, plain text. `tone` says whether it is good news. */
typedef void (*assay_sentence_sink)(const char *sentence, assay_tone tone, void *user);
void assay_digest_sentences(const assay_digest *digest, const assay_result *result, const assay_report_context *context,
                            assay_sentence_sink sink, void *user);

#endif

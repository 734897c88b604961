/* SPDX-License-Identifier: MIT */
/* A comparison as every format shows it: what needs a look first, how many benchmarks have which verdict, and the sentences about it. */
#ifndef ASSAY_REPORT_CHANGES_H
#define ASSAY_REPORT_CHANGES_H

#include <assay/report.h>

#include "base/buf.h"

enum { ASSAY_CHANGE_TEXT = 64 };

/* Whether it is good news. */
typedef enum assay_tone { ASSAY_TONE_PLAIN, ASSAY_TONE_GOOD, ASSAY_TONE_BAD, ASSAY_TONE_UNSURE } assay_tone;

typedef struct assay_changes_view {
  const assay_changes *changes;       /* NULL: nothing was compared */
  const assay_result *before, *after; /* may be NULL */
  const char *before_label, *after_label;
  const char *note;          /* of the caller; NULL: none */
  bool medians;              /* before and after are the medians that the other tables of the report show, not the means that were judged */
  const assay_change **rows; /* worst first */
  size_t count, open;        /* rows; the first `open` say something, the others are new or the same */
  size_t benchmarks, tally[ASSAY_VERDICT_COUNT]; /* benchmarks, and how many have which verdict as their gravest */
  const assay_change *worst, *best;              /* NULL without */
} assay_changes_view;

/* `changes` may be NULL or empty. Borrows everything. */
assay_status assay_changes_view_make(const assay_changes *changes, const assay_changes_context *context, assay_error *err,
                                     assay_changes_view *view);
void assay_changes_view_deinit(assay_changes_view *view);

/* ---- Words ---------------------------------------------------------------------------------------------------------------------- */

/* Mark, tone and rank of a verdict. */
typedef struct assay_verdict_look {
  const char *glyph, *mark; /* for terminals and pages; for Markdown ("" for what needs none) */
  assay_tone tone;
  const char *css; /* class of its drawing */
} assay_verdict_look;
const assay_verdict_look *assay_verdict_look_of(assay_verdict verdict);

/* Benchmarks that are worse, critically or not. */
size_t assay_changes_worse(const assay_changes_view *view);
/* "1 critical, 2 worse, 1 better, 3 inconclusive, 12 the same": appends. */
void assay_changes_tally(const assay_changes_view *view, assay_buf *out);
/* One sentence: what the comparison comes to. Plain text. */
void assay_changes_headline(const assay_changes_view *view, assay_buf *out);
/* One sentence: why a change that looks large may still have no verdict. */
void assay_changes_rule(const assay_changes_view *view, assay_buf *out);
/* What must be known beside it (everything moved together, other machine), a sentence a call; false: there is no such note. */
bool assay_changes_note(const assay_changes_view *view, size_t index, assay_buf *out);
/* "baseline main: run 0123456789abcdef of 2026-09-17 08:00 UTC, commit 4743812f00ba, Assay 0.1.0, on ...": one side, appends. */
void assay_changes_side(const assay_changes_view *view, bool after, assay_buf *out);
/* The version that another tool's results say of themselves; NULL where they do not. */
const char *assay_changes_source_version(const assay_result *result);
/* What one change says, without its benchmark's name: "time +12.4 % (95 % interval +8.1 % to +16.9 %, q 0.003, ...)": appends. */
void assay_change_sentence(const assay_changes_view *view, const assay_change *change, assay_buf *out);

/* ---- Figures -------------------------------------------------------------------------------------------------------------------- */

/* A difference of this change's kind: "+12.4 %", or points where error rates are compared; a dash for NaN. */
const char *assay_change_by(const assay_change *change, double ratio, char out[ASSAY_CHANGE_TEXT]);
/* The same without a sign, for thresholds and floors. */
const char *assay_change_size(const assay_change *change, double ratio, char out[ASSAY_CHANGE_TEXT]);
/* "+8.1 % to +16.9 %"; "" where there is no interval. */
const char *assay_change_interval(const assay_change *change, char out[ASSAY_CHANGE_TEXT]);
/* "0.003", "<0.001", a dash. */
const char *assay_change_q(const assay_change *change, char out[ASSAY_CHANGE_TEXT]);
/* NaN where none is known. */
double assay_change_noise(const assay_change *change);
/* What stands before and after it. */
void assay_change_values(const assay_changes_view *view, const assay_change *change, double *before, double *after);

/* ---- One writer a format: appends ----------------------------------------------------------------------------------------------- */

void assay_changes_terminal(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out);
void assay_changes_json(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out);
void assay_changes_markdown(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out);
void assay_changes_junit(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out);
void assay_changes_csv(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out);
void assay_changes_html(const assay_changes_view *view, const assay_changes_context *context, assay_buf *out);

/* The table of what changed, for the run's report too: GitHub-flavoured Markdown. */
void assay_markdown_changes(const assay_changes_view *view, assay_buf *out);

#endif

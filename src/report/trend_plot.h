/* SPDX-License-Identifier: MIT */
/* A figure over runs as a small plot, for pages and documents. */
#ifndef ASSAY_REPORT_TREND_PLOT_H
#define ASSAY_REPORT_TREND_PLOT_H

#include <assay/changepoints.h>
#include <assay/history.h>

#include "base/buf.h"

/* Pixels; left, right, top and bottom are margins. */
typedef struct assay_trend_frame {
  double width, height, left, right, top, bottom;
} assay_trend_frame;

typedef struct assay_trend_line {
  const assay_history_point *points;
  size_t count;
  const char *unit;
  const char *last; /* class of the dot at the newest run */
  const assay_changepoint *changes;
  size_t change_count;
  assay_better better; /* of the changes */
} assay_trend_line;

/* Whether there is anything to draw: a finite figure. */
bool assay_trend_has_figure(const assay_history_point *points, size_t count);
/* Line, 95 % band, scale, dates, the newest figure, and where changes may lie; inside an open <svg>. The scale
 * leaves lone spikes out: these are marked at its edge. */
void assay_trend_panel(assay_buf *out, const assay_trend_frame *frame, const assay_trend_line *line);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A small plotting layer: axes, ticks and marks as SVG text. Colours and weights are classes of the page's style (a standalone document
 * brings its own), so a plot follows light, dark and print. Coordinates are rounded to a tenth of a pixel, which keeps a page of a thousand
 * plots small.
 *
 * Classes: ax (axis line), gr (grid line), tk (tick label), lb (label), em (label that stands out), bar, trk (track), ci (interval), dot,
 * med (median), roof, area and ln (a line with its interval), chg and chb (where a change for the worse or the better may lie), spk (beyond
 * the scale); for series l0 .. l5 (their lines) and t0 .. t5 (their dots and labels).
 */
#ifndef ASSAY_REPORT_SVG_H
#define ASSAY_REPORT_SVG_H

#include <stdbool.h>

#include "base/buf.h"

/* ---- Axes --------------------------------------------------------------------------------------------------------------------------- */

typedef struct assay_axis {
  double low, high; /* in data; low < high; both > 0 when log */
  bool log;
  double from, to; /* in pixels; a vertical axis has from > to */
} assay_axis;

enum { ASSAY_AXIS_TICKS = 24, ASSAY_SVG_SERIES = 6 /* colours */, ASSAY_SVG_LABELS = 16, ASSAY_TICK_TEXT = 48 };

/* Pixel of a value; values outside the axis come out at its ends. */
double assay_axis_at(const assay_axis *axis, double value);
/* Round ticks within the axis, about `wanted` of them: 1-2-5 steps, or powers of ten (with 2 and 5 on short axes). */
size_t assay_axis_ticks(const assay_axis *axis, size_t wanted, double ticks[ASSAY_AXIS_TICKS]);
/* An axis over [low, high] with its ends moved out to round values; equal or disordered ends are parted. */
assay_axis assay_axis_nice(double low, double high, bool log, double from, double to);
/* The smallest of 1, 2, 5 times a power of ten that is not below `value` (> 0). */
double assay_nice_limit(double value);

/* ---- Marks -------------------------------------------------------------------------------------------------------------------------- */

/* Opens an <svg>; `title` (may be NULL: then it is hidden from screen readers, for plots whose figures stand beside them) is escaped. */
void assay_svg_begin(assay_buf *out, const char *css_class, double width, double height, const char *title);
void assay_svg_end(assay_buf *out);
/* Opens a document of its own, with the colours of the classes for light and dark themes. Close with assay_svg_end. */
void assay_svg_document(assay_buf *out, double width, double height, const char *title);
void assay_svg_number(assay_buf *out, double value);
void assay_svg_line(assay_buf *out, const char *css_class, double x1, double y1, double x2, double y2);
void assay_svg_rect(assay_buf *out, const char *css_class, double x, double y, double width, double height);
void assay_svg_dot(assay_buf *out, const char *css_class, double x, double y, double radius);
/* `anchor`: "start", "middle" or "end". The text is escaped. */
void assay_svg_text(assay_buf *out, const char *css_class, double x, double y, const char *anchor, const char *text);
/* The ticks of an upright axis, about `wanted`: for each a line from `left` to `right`, and before it what `text_of` writes. */
typedef void assay_tick_text(const void *user, double value, char text[ASSAY_TICK_TEXT]);
void assay_svg_rows(assay_buf *out, const assay_axis *y, size_t wanted, double left, double right, assay_tick_text *text_of,
                    const void *user);
/* For figures of a unit, which is `user`: "ns", "FLOP/s". */
void assay_tick_of_unit(const void *user, double value, char text[ASSAY_TICK_TEXT]);
/* Labels to the right of lines that end at the heights `ends`, in the colours of series 0, 1, ...; those that would overlap are pushed
 * apart from the top down. At most ASSAY_SVG_LABELS. */
void assay_svg_end_labels(assay_buf *out, double x, const double *ends, const char *const *labels, size_t count);
/* A mark at the edge for what lies beyond it: a triangle whose tip is at (x, y), pointing right, or left when `length` is negative. */
void assay_svg_arrow(assay_buf *out, const char *css_class, double x, double y, double length);
/* The same upright: its tip at (x, y), its base `length` below it (negative: above). */
void assay_svg_pointer(assay_buf *out, const char *css_class, double x, double y, double length);
/* A line through points; NaN breaks it. */
void assay_svg_polyline(assay_buf *out, const char *css_class, const double *x, const double *y, size_t count);
/* The area between two lines over the same x, for intervals. */
void assay_svg_band(assay_buf *out, const char *css_class, const double *x, const double *low, const double *high, size_t count);
/* An interval with end caps at y. */
void assay_svg_whisker(assay_buf *out, double x1, double x2, double y, double half_height);

#endif

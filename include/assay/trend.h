/* SPDX-License-Identifier: MIT */
/*
 * assay/trend.h: one figure over all runs, with the change points in it and the commits that each lies between.
 *
 *     assay_trends *trends = NULL;
 *     assay_trends_load(history, NULL, "performance/alloc*", NULL, 0, &err, &trends);
 *     char *svg = NULL;
 *     assay_trends_svg(trends, "Allocation over time", &err, &svg);
 *     assay_string_free(svg);
 *     assay_trends_destroy(trends);
 *
 * Thread-safety: pure functions over what they are given, but for the history, which belongs to one thread.
 */
#ifndef ASSAY_TREND_H
#define ASSAY_TREND_H

#include <assay/changepoints.h>
#include <assay/history.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_trend {
  char machine_id[17];
  const char *suite, *benchmark, *metric, *unit; /* owned by the trends */
  assay_history_point *points;                   /* oldest first */
  size_t count;
  assay_changepoint *changes; /* indices are of `points` */
  size_t change_count;
  assay_better better; /* LOWER where the newest run does not say */
} assay_trend;

typedef struct assay_trends {
  assay_trend *items;
  size_t count;
  void *storage; /* private */
} assay_trends;

/*
 * Every series whose name or "suite/name" matches the glob, on that machine (NULL: each machine that has it, as a series of its own), and
 * in it the metrics that match (NULL: the one that says most: time, else latency, else the first there is). The last `limit` points (0:
 * all). ASSAY_ERR_NOT_FOUND when nothing matches; the message names the nearest.
 */
ASSAY_API assay_status assay_trends_load(assay_history *history, const char *machine_id, const char *glob, const char *metric, size_t limit,
                                         assay_error *err, assay_trends **trends);
ASSAY_API void assay_trends_destroy(assay_trends *trends); /* accepts NULL */

/* The commits that a change lies between: after *from and not after *to; "" where a run did not record one. Borrowed. */
ASSAY_API void assay_trend_commits(const assay_trend *trend, const assay_changepoint *change, const char **from, const char **to);

/* A complete SVG document: a panel a series, change points shaded over where they may lie. Free with assay_string_free. */
ASSAY_API assay_status assay_trends_svg(const assay_trends *trends, const char *title, assay_error *err, char **svg);
/* Schema "assay-trend/1". Free with assay_string_free. */
ASSAY_API assay_status assay_trends_json(const assay_trends *trends, assay_error *err, char **json);

/*
 * The four plots that a team looks at, written as SVG and PNG with a Markdown page (trends.md) that shows them: time over time, memory over
 * time, time by size, energy over time. Where there is no figure of a kind, the page says why. A PNG that cannot be made (no librsvg) is
 * said in *note (free with assay_string_free; NULL when there is nothing to say) and the page shows the SVG.
 */
ASSAY_API assay_status assay_trends_report(assay_history *history, const char *machine_id, const char *directory, assay_error *err,
                                           char **note);

#ifdef __cplusplus
}
#endif
#endif

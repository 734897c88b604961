/* SPDX-License-Identifier: MIT */
#ifndef ASSAY_REPORT_TREND_SVG_H
#define ASSAY_REPORT_TREND_SVG_H

#include <assay/trend.h>

#include "base/buf.h"

/* Appends the document; `nothing` stands in it where there is no series. */
void assay_trends_draw(assay_buf *out, const assay_trends *trends, const char *title, const char *nothing);

#endif

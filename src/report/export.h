/* SPDX-License-Identifier: MIT */
/* What the renderers for other tools' formats share (docs/export.md): what stands for a benchmark's time, how it is called, the machine. */
#ifndef ASSAY_REPORT_EXPORT_H
#define ASSAY_REPORT_EXPORT_H

#include "base/json.h"
#include "report/render.h"

/* Their renderers; each appends to `out`. */
void assay_export_google(const assay_render *r);
void assay_export_pytest(const assay_render *r);
void assay_export_hyperfine(const assay_render *r);
void assay_export_openmetrics(const assay_render *r);

/* The figure that those formats are about: the main one when it is a time in ns, else "time"; NULL where the benchmark was not ok or has
 * none. */
const assay_metric_result *assay_export_time(const assay_benchmark_result *benchmark);
/* "suite/name"; the name alone for commands (`assay time`) and for what came out of `tool`'s own file, so that it goes back as it came. */
const char *assay_export_name(const assay_result *result, const assay_benchmark_result *benchmark, const char *tool, assay_buf *scratch);
/* What the rows are, where all times agree ("process", "repetition", ...); NULL where they do not. Our own importer asks for it, because
 * those formats mean repetitions inside one process. */
const char *assay_export_replicate(const assay_result *result);
/* Another metric of the benchmark that has one value for each of the `count` processes; NULL without. */
const assay_metric_result *assay_export_metric(const assay_benchmark_result *benchmark, const char *name, size_t count);

/* "2026-09-17T08:00:00+00:00" */
void assay_export_when(int64_t at_s, char out[ASSAY_REPORT_TEXT]);
/* Texts and figures of the machine; NULL and NaN when unknown. */
const char *assay_export_fact_text(const assay_result *result, const char *key);
double assay_export_fact(const assay_result *result, const char *key);
/* A whole number, written as one. */
void assay_export_count(assay_json *json, const char *key, double value);

#endif

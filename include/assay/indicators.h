/* SPDX-License-Identifier: MIT */
/*
 * assay/indicators.h: technical indicators over one series, over a batch of series, and as a stream that takes a row at a time. One table
 * has them all, with their inputs, parameters, outputs and warm-up; docs/indicators.md has the formulas and where they come from.
 *
 *     const assay_indicator *rsi = assay_indicator_find("rsi");
 *     double parameters[ASSAY_INDICATOR_MAX_PARAMETERS], values[1000], crossings[1000];
 *     assay_indicator_defaults(rsi, parameters);
 *     parameters[0] = 21;                                                            // "period"
 *     assay_indicator_data data = {.values[ASSAY_INDICATOR_CLOSE] = closes, .rows = 1000, .series = 1};
 *     double *outputs[] = {values, crossings};                                       // NULL: not wanted
 *     if (assay_indicator_run(rsi, parameters, &data, NULL, &err, outputs) != ASSAY_OK) return fail(err.message);
 *
 *     assay_indicator_stream *stream = NULL;
 *     assay_indicator_stream_create(rsi, NULL, &err, &stream);                       // NULL: the defaults
 *     while (next_close(&close)) assay_indicator_stream_update(stream, &close, row); // row[0] is the RSI, row[1] its crossing
 *     assay_indicator_stream_destroy(stream);
 *
 * Same bits: a stream, one series and a batch in either layout, with any number of threads, on any instruction set and device, give the
 * same bits for the same numbers. What an indicator is, is its stream. assay_indicator_run sees to the floating point environment itself;
 * a stream, whose update takes nanoseconds, takes that of its thread, which has to be the usual one (round to nearest, denormals kept).
 *
 * Warm-up: an output is as long as its input, and NaN in the rows before it has a value (assay_indicator_warmup). A series too short to
 * have a value at all is ASSAY_ERR_INVALID.
 *
 * Gaps: a row of a series in which an input is NaN, infinite or beyond about 1e100 (single precision: 3e15) is a gap: its results are NaN,
 * and all other rows are what they would be if the row were not there. So a gap poisons nothing, and does not count as a row of a period.
 *
 * Nothing moves: with flat prices averages are the price to the bit, widths and slopes are exactly 0, and what swings between two bounds
 * is in the middle (RSI 50, %K 50, Williams -50). No price is too high for a narrow band: docs/indicators.md has the bounds.
 *
 * Thread-safety: the table is constant; assay_indicator_run may be called from any thread; a stream belongs to one thread at a time.
 */
#ifndef ASSAY_INDICATORS_H
#define ASSAY_INDICATORS_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
  ASSAY_INDICATOR_MAX_ALIASES = 4,
  ASSAY_INDICATOR_MAX_PARAMETERS = 5,
  ASSAY_INDICATOR_MAX_OUTPUTS = 4,
  ASSAY_INDICATOR_MAX_PERIOD = 1000000
};

typedef enum assay_indicator_input {
  ASSAY_INDICATOR_HIGH,
  ASSAY_INDICATOR_LOW,
  ASSAY_INDICATOR_CLOSE,
  ASSAY_INDICATOR_VOLUME,
  ASSAY_INDICATOR_INPUTS
} assay_indicator_input;
/* "high", "low", "close", "volume". */
ASSAY_API const char *assay_indicator_input_text(assay_indicator_input input);

typedef struct assay_indicator_parameter {
  const char *name; /* "period" */
  double usual, least, most;
  bool whole; /* a count of rows */
} assay_indicator_parameter;

/* One row of the table. Lists end with NULL, `inputs` with input_count. */
typedef struct assay_indicator {
  const char *name; /* "bollinger" */
  const char *aliases[ASSAY_INDICATOR_MAX_ALIASES];
  const char *title; /* "Bollinger bands" */
  unsigned input_count, parameter_count, output_count;
  assay_indicator_input inputs[ASSAY_INDICATOR_INPUTS]; /* in the order of a stream's rows */
  assay_indicator_parameter parameters[ASSAY_INDICATOR_MAX_PARAMETERS];
  const char *outputs[ASSAY_INDICATOR_MAX_OUTPUTS]; /* "upper", "middle", "lower" */
} assay_indicator;

ASSAY_API const assay_indicator *assay_indicator_table(size_t *count);
/* By name or alias, in any case; NULL when there is none. */
ASSAY_API const assay_indicator *assay_indicator_find(const char *name);
/* The name or alias that is nearest to a word nothing is called; NULL when none is near. */
ASSAY_API const char *assay_indicator_suggest(const char *name);
/* Writes parameter_count numbers. */
ASSAY_API void assay_indicator_defaults(const assay_indicator *indicator, double *parameters);
/* Place of a parameter or output by name, in any case; -1 when there is none. */
ASSAY_API int assay_indicator_parameter_at(const assay_indicator *indicator, const char *name);
ASSAY_API int assay_indicator_output_at(const assay_indicator *indicator, const char *name);

/*
 * Rows without a value at the start, one number an output. `parameters` is parameter_count numbers, or NULL for the defaults, here and
 * below. ASSAY_ERR_INVALID names the parameter that is out of its range, not whole, or at odds with another.
 */
ASSAY_API assay_status assay_indicator_warmup(const assay_indicator *indicator, const double *parameters, assay_error *err, size_t *rows);

/* ---- One series and many ------------------------------------------------------------------------------------------------------- */

typedef enum assay_indicator_layout {
  ASSAY_INDICATOR_SERIES_MAJOR, /* value of row t of series s at [s rows + t] */
  ASSAY_INDICATOR_TIME_MAJOR    /* at [t series + s] */
} assay_indicator_layout;

/* Inputs of the indicator; those that it does not take may be NULL. */
typedef struct assay_indicator_data {
  const double *values[ASSAY_INDICATOR_INPUTS]; /* rows x series numbers each, by input */
  size_t lengths[ASSAY_INDICATOR_INPUTS];       /* numbers in each, checked against rows x series; 0: taken as right */
  size_t rows, series;
  assay_indicator_layout layout; /* of the inputs and of the outputs */
} assay_indicator_data;

typedef struct assay_indicator_options {
  unsigned threads;   /* 0: one */
  const char *device; /* as ASSAY_DEVICE takes it ("auto", "cuda:0"); NULL: the calling processor, which copies nothing */
  char *answered;     /* room for 32 characters: id of the device that gave the results; may be NULL. Written with `device` only */
} assay_indicator_options;

/*
 * outputs[k]: rows x series numbers for output k, or NULL when it is not wanted. Outputs do not overlap inputs or each other.
 * `options` may be NULL. ASSAY_ERR_INVALID for no rows or series, lengths that differ, an input that is missing, parameters as
 * for assay_indicator_warmup, and series too short for a value of any wanted output; outputs are untouched then.
 */
ASSAY_API assay_status assay_indicator_run(const assay_indicator *indicator, const double *parameters, const assay_indicator_data *data,
                                           const assay_indicator_options *options, assay_error *err, double *const *outputs);

/* The same in single precision: all arithmetic is, and its bits are those of every device in single precision. */
typedef struct assay_indicator_data_f32 {
  const float *values[ASSAY_INDICATOR_INPUTS];
  size_t lengths[ASSAY_INDICATOR_INPUTS];
  size_t rows, series;
  assay_indicator_layout layout;
} assay_indicator_data_f32;
ASSAY_API assay_status assay_indicator_run_f32(const assay_indicator *indicator, const double *parameters,
                                               const assay_indicator_data_f32 *data, const assay_indicator_options *options,
                                               assay_error *err, float *const *outputs);

/* ---- A row at a time ----------------------------------------------------------------------------------------------------------- */

typedef struct assay_indicator_stream assay_indicator_stream;

ASSAY_API assay_status assay_indicator_stream_create(const assay_indicator *indicator, const double *parameters, assay_error *err,
                                                     assay_indicator_stream **stream);
/* Accepts NULL. */
ASSAY_API void assay_indicator_stream_destroy(assay_indicator_stream *stream);
/* One row: input_count numbers in the table's order in, output_count out (NaN while it warms up and for a gap). A few ns for most; once a
 * period a time that grows with the period. */
ASSAY_API void assay_indicator_stream_update(assay_indicator_stream *stream, const double *inputs, double *outputs);
/* As new. */
ASSAY_API void assay_indicator_stream_reset(assay_indicator_stream *stream);
/* Bytes that it holds. */
ASSAY_API size_t assay_indicator_stream_bytes(const assay_indicator_stream *stream);

/* ---- Crossings ------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_indicator_event {
  ASSAY_INDICATOR_ENTERS_HIGH, /* rose above the upper level: overbought */
  ASSAY_INDICATOR_LEAVES_HIGH,
  ASSAY_INDICATOR_ENTERS_LOW, /* fell below the lower level: oversold */
  ASSAY_INDICATOR_LEAVES_LOW
} assay_indicator_event;
ASSAY_API const char *assay_indicator_event_text(assay_indicator_event event); /* "enters overbought" */

typedef struct assay_indicator_crossing {
  size_t row;
  assay_indicator_event event;
} assay_indicator_crossing;

/* Where values (an RSI, a %K) cross two levels, lower < upper: writes up to `capacity` of them in order and returns how many there are.
 * A value on a level is between them. NaNs are passed over; the first value enters nothing. */
ASSAY_API size_t assay_indicator_crossings(const double *values, size_t rows, double lower, double upper, size_t capacity,
                                           assay_indicator_crossing *crossings);

#ifdef __cplusplus
}
#endif
#endif

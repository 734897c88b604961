/* SPDX-License-Identifier: MIT */
/*
 * assay/crossover.h: which device for which size. Every operation is run on every device over a row of sizes; where one device overtakes
 * another is the crossover, and the selection guide says it in sentences.
 *
 *     assay_crossover *found = NULL;
 *     assay_crossover_config config = {.seconds = 20};
 *     if (assay_crossover_measure(&config, &err, &found) != ASSAY_OK) return assay_status_exit_code(err.status);
 *     for (size_t i = 0; i < found->advice_count; i++) puts(found->advice[i].sentence);
 *     assay_crossover_destroy(found);
 *
 * A point is the median of several calls from host call to host result, transfers included, after one that warms up; a curve ends before
 * its calls take too long. Where results are comparable (the same kernel), those of all devices are checked to have the same bits.
 *
 * Thread-safety: measuring has the machine for itself, so one call at a time; a finished result may be read from any thread.
 */
#ifndef ASSAY_CROSSOVER_H
#define ASSAY_CROSSOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_crossover_config {
  const char *operations; /* comma list of names or beginnings of names, e.g. "european,copy"; NULL: all */
  const char *devices;    /* comma list of ids, e.g. "cpu,opencl:0"; NULL: all that are there, dummies excepted */
  double seconds;         /* for all together, roughly, and without what drivers compile before a kernel's first use; 0: 30 */
  void (*progress)(void *user, const char *operation, const char *device, double done); /* done: 0 to 1; may be NULL */
  void *user;
  const volatile int *stop; /* not 0: ends early with ASSAY_ERR_INTERRUPTED; may be NULL */
} assay_crossover_config;

typedef struct assay_crossover_point {
  double size;      /* paths, bytes: see the unit of the operation */
  double seconds;   /* median of `calls` */
  double low, high; /* fastest and slowest of them */
  unsigned calls;
  double answer; /* what it calculated, where that is one number; else NaN */
} assay_crossover_point;

/* One operation on one device. */
typedef struct assay_crossover_curve {
  const char *operation, *type, *what, *unit; /* "european", "f32", "Monte Carlo, European option", "paths" */
  const char *device;                         /* id */
  const char *cause;                          /* why there are no points; NULL otherwise */
  const assay_crossover_point *points;        /* by ascending size */
  size_t count;
} assay_crossover_curve;

/* What to use for one operation. */
typedef struct assay_crossover_advice {
  const char *operation, *type;
  const char *small, *large; /* device for small and for large sizes; the same one when there is no crossover */
  double from;    /* `large` is clearly faster from this size on (between two measured ones: interpolated); NaN without a crossover */
  double most;    /* how many times as fast `large` is as `small` (without a crossover: as the next best) at the largest size of both; where
                   * that is not `clear`, how many times as fast the one that happened to be ahead is as the other: never below 1 */
  bool clear;     /* the times that `most` is made of do not overlap: another run will say the same */
  bool same_bits; /* all devices gave the same answers; true where they are not comparable */
  const char *sentence;
} assay_crossover_advice;

typedef struct assay_crossover {
  const assay_crossover_curve *curves;
  size_t curve_count;
  const assay_crossover_advice *advice;
  size_t advice_count;
  const char *machine; /* a label */
  int64_t at_s;
  void *storage;
} assay_crossover;

/* ASSAY_ERR_NOT_FOUND when an operation or device that was named is not there. */
ASSAY_API assay_status assay_crossover_measure(const assay_crossover_config *config, assay_error *err, assay_crossover **found);
ASSAY_API void assay_crossover_destroy(assay_crossover *found);

typedef enum assay_crossover_format { ASSAY_CROSSOVER_TEXT, ASSAY_CROSSOVER_JSON, ASSAY_CROSSOVER_HTML } assay_crossover_format;
/* The guide, the figures and, in HTML, a plot for each operation. `text` is released with assay_string_free. */
ASSAY_API assay_status assay_crossover_render(const assay_crossover *found, assay_crossover_format format, assay_error *err, char **text);

#ifdef __cplusplus
}
#endif
#endif

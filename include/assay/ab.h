/* SPDX-License-Identifier: MIT */
/*
 * assay/ab.h: two programs against each other, measured in turns until the difference is known (docs/ab.md).
 *
 *     assay_ab_config config = {.a = {.command = "./sort_old"}, .b = {.command = "./sort_new"}, .detect_ratio = 0.02, .max_time_s = 10};
 *     assay_ab *ab = NULL;
 *     assay_ab_run(&config, &err, &ab);
 *     puts(assay_verdict_text(ab->changes->items[0].verdict));
 *     assay_ab_destroy(ab);
 *
 * Fresh processes in random ABBA order: drift and neighbours meet both sides alike. One ab at a time in a process.
 */
#ifndef ASSAY_AB_H
#define ASSAY_AB_H

#include <assay/compare.h>
#include <assay/run.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One side: a shell command whose wall time counts, or (filter != NULL) a benchmark executable (assay_main) whose own benchmarks do. */
typedef struct assay_ab_side {
  const char *command;   /* for the shell; or the path of the benchmark executable */
  const char *directory; /* where it runs; NULL: here */
  const char *label;     /* in reports; NULL: the command */
} assay_ab_side;

typedef struct assay_ab_config {
  assay_ab_side a, b;          /* a is the old one */
  const char *filter;          /* NULL: the sides are commands; "" all benchmarks of the executables, else a glob over "suite/name" */
  double detect_ratio;         /* go on until every 95 % interval of the change reaches no farther than this to either side; 0: 0.02 */
  double max_time_s;           /* 0: 60 */
  uint64_t seed;               /* 0: from the clock */
  const char *shell, *prepare; /* of commands, as in assay_bench_config */
  unsigned command_warmup;
  bool ignore_failure;
  const assay_thresholds *thresholds; /* NULL: detect_ratio for everything */
  const volatile int *stop;
  void (*on_progress)(const assay_run_progress *progress, void *user);
  void *user;
} assay_ab_config;

typedef struct assay_ab {
  assay_result *before, *after; /* a and b as results; every process is in them, in the order they ran */
  assay_changes *changes;       /* before -> after, paired by blocks */
  size_t blocks;                /* ABBA blocks measured */
  double took_s;
  bool interrupted, out_of_time; /* out_of_time: some interval is still wider than asked for */
} assay_ab;

ASSAY_API assay_status assay_ab_run(const assay_ab_config *config, assay_error *err, assay_ab **ab);
ASSAY_API void assay_ab_destroy(assay_ab *ab); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif

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
  const char *directory; /* where it runs, and what a relative path of an executable starts from; NULL: here */
  const char *label;     /* in reports; NULL: the command */
  const char *commit;    /* for the record; NULL: that of the directory's repository */
} assay_ab_side;

typedef struct assay_ab_config {
  assay_ab_side a, b;  /* a is the old one */
  const char *filter;  /* NULL: the sides are commands; "" all benchmarks of the executables, else a glob over "suite/name" */
  double detect_ratio; /* what must not be missed: the intervals get narrow enough to find this much and to rule out half of it; 0: 0.02 */
  double max_time_s;   /* 0: 60 */
  double alpha;        /* share of false alarms (of false discoveries where there are many benchmarks); 0: 0.01 */
  size_t least_blocks; /* of each benchmark, even when the time is spent */
  double timeout_s;    /* one process; 0: 60 */
  uint64_t seed;       /* 0: from the clock */
  const char *shell, *prepare; /* of commands, as in assay_bench_config */
  unsigned command_warmup;
  bool ignore_failure;
  const assay_thresholds *thresholds; /* NULL: every difference counts that is not too small for detect_ratio */
  const char *command_line;           /* for the record; may be NULL */
  const volatile int *stop;
  void (*on_progress)(const assay_run_progress *progress, void *user);
  void *user;
} assay_ab_config;

typedef struct assay_ab {
  assay_result *before, *after; /* a and b as results; every process is in them, in the order they ran */
  /* before -> after, one change a benchmark, from the differences within blocks. p_value is of the last look alone; q_value pays for all
   * looks and all benchmarks. */
  assay_changes *changes;
  size_t blocks;        /* ABBA blocks measured */
  size_t *block_counts; /* of them, those behind each of changes->items */
  double took_s;
  bool interrupted, out_of_time; /* out_of_time: some interval is still wider than asked for */
} assay_ab;

/*
 * Measures and judges. What fails while it is measured is in the results. ASSAY_ERR_INVALID for a filter that matches nothing on either
 * side and for executables that are none of Assay's, ASSAY_ERR_NOT_FOUND for those that are not there. An interruption is no error.
 */
ASSAY_API assay_status assay_ab_run(const assay_ab_config *config, assay_error *err, assay_ab **ab);
ASSAY_API void assay_ab_destroy(assay_ab *ab); /* accepts NULL */

/* ---- Two revisions ----------------------------------------------------------------------------------------------------------------- */

typedef struct assay_ab_trees_config {
  const char *repository; /* a directory in it; NULL: here */
  const char *revision_a, *revision_b;
  const char *build; /* shell command, run in each work tree; NULL: nothing is to be built */
  const volatile int *stop;
  void (*on_step)(const char *what, double elapsed_s, void *user); /* "building v1.2", again and again while it goes on; may be NULL */
  void *user;
} assay_ab_trees_config;

typedef struct assay_ab_trees {
  char *directory_a, *directory_b; /* work trees with paths of the same length */
  char commit_a[65], commit_b[65];
  void *storage; /* private */
} assay_ab_trees;

/*
 * Checks both revisions out into work trees of a temporary directory (git worktree add --detach) and builds them. The user's checkout is
 * not touched. On failure (no such revision, a build that fails: the message has the end of what it wrote) and on an interruption
 * (ASSAY_ERR_INTERRUPTED) nothing stays behind.
 */
ASSAY_API assay_status assay_ab_trees_create(const assay_ab_trees_config *config, assay_error *err, assay_ab_trees **trees);
ASSAY_API void assay_ab_trees_destroy(assay_ab_trees *trees); /* removes them; accepts NULL */

#ifdef __cplusplus
}
#endif
#endif

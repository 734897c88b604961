/* SPDX-License-Identifier: MIT */
/*
 * The order of an A/B measurement: which benchmark next, in which order its block, and when it is enough. What measures and what time it is
 * come from outside, so that tests need no machine of a known speed.
 */
#ifndef ASSAY_RUN_AB_ENGINE_H
#define ASSAY_RUN_AB_ENGINE_H

#include <assay/status.h>

#include "run/ab_rule.h"

typedef struct assay_ab_pair {
  double *steps; /* one a block */
  size_t count, capacity;
  assay_ab_view view; /* of the last look; of all steps at the end */
  assay_ab_stage stage;
  double spent_s, block_s; /* in all, and the last block */
  unsigned failures;       /* blocks in a row with a failed process */
  bool mirrored;           /* the last block was B A A B */
  bool broken;             /* it failed too often */
  bool out_of_time;
} assay_ab_pair;

typedef struct assay_ab_measured {
  bool ok;      /* false: the process failed, and its block does not count */
  double value; /* > 0, e.g. ns */
} assay_ab_measured;

typedef struct assay_ab_engine {
  assay_ab_rule rule; /* of the whole: alpha is shared among the pairs */
  double max_time_s;
  size_t least_blocks; /* of each pair, whatever the time */
  uint64_t seed;
  /* Runs one process of side 0 (a) or 1 (b) of a pair. ASSAY_ERR_INTERRUPTED ends the measuring without an error. */
  assay_status (*measure)(void *user, size_t pair, int side, assay_error *err, assay_ab_measured *measured);
  double (*elapsed_s)(void *user);
  void (*on_block)(void *user, size_t pair); /* a block of that pair ended; may be NULL */
  void *user;
  size_t pair_count;
  assay_ab_pair *pairs; /* zeroed by the caller */
  /* results */
  size_t blocks;
  bool interrupted, out_of_time;
} assay_ab_engine;

assay_status assay_ab_engine_run(assay_ab_engine *engine, assay_error *err);
void assay_ab_engine_deinit(assay_ab_engine *engine); /* frees the steps */
/* The rule of one pair. */
assay_ab_rule assay_ab_engine_rule(const assay_ab_engine *engine);
/* Seconds and blocks that are left, as far as can be seen now. */
void assay_ab_engine_foresee(const assay_ab_engine *engine, double *seconds, double *blocks);

#endif

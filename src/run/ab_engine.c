/* SPDX-License-Identifier: MIT */
#include "run/ab_engine.h"

#include <math.h>

#include "base/alloc.h"
#include "base/random.h"

enum { FAILURES_TO_GIVE_UP = 2, PROCESSES = 4 };

/* Alpha is shared out, so that the adjustment for many comparisons at the end finds measurements that were long enough for it. */
assay_ab_rule assay_ab_engine_rule(const assay_ab_engine *e) {
  return (assay_ab_rule){.detect = e->rule.detect, .alpha = e->rule.alpha / (double)(e->pair_count > 0 ? e->pair_count : 1)};
}

static bool is_done(const assay_ab_pair *pair) { return pair->broken || pair->out_of_time || pair->stage.finished; }

/* Time is shared fairly: who had least is next. */
static assay_ab_pair *choose(assay_ab_engine *e) {
  assay_ab_pair *chosen = NULL;
  for (size_t i = 0; i < e->pair_count; i++) {
    if (!is_done(&e->pairs[i]) && (chosen == NULL || e->pairs[i].spent_s < chosen->spent_s)) chosen = &e->pairs[i];
  }
  return chosen;
}

static bool has_time(const assay_ab_engine *e, const assay_ab_pair *pair) {
  if (pair->count < e->least_blocks) return true;
  double elapsed = e->elapsed_s(e->user);
  return elapsed < e->max_time_s && (pair->count == 0 || elapsed + pair->block_s <= e->max_time_s);
}

static assay_status look(const assay_ab_engine *e, assay_ab_pair *pair, assay_error *err) {
  if (assay_ab_look(pair->steps, pair->count, &pair->view) != ASSAY_OK)
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the blocks");
  assay_ab_rule rule = assay_ab_engine_rule(e);
  assay_ab_advance(&rule, &pair->view, &pair->stage);
  return ASSAY_OK;
}

static assay_status add_step(assay_ab_engine *e, assay_ab_pair *pair, double step, assay_error *err) {
  if (pair->count == pair->capacity) {
    size_t capacity = pair->capacity == 0 ? 64 : 2 * pair->capacity;
    double *grown = assay_realloc(ASSAY_TAG_BENCH, pair->steps, capacity, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the blocks");
    pair->steps = grown;
    pair->capacity = capacity;
  }
  pair->steps[pair->count++] = step;
  e->blocks++;
  return pair->count >= pair->stage.next_look ? look(e, pair, err) : ASSAY_OK;
}

/*
 * The order is drawn by lot: if both sides are the same, each step could as well have had the other sign, whatever the machine did
 * meanwhile. The second block is the mirror image of the first, so that few blocks cannot all stand in the same order.
 */
static bool draw_order(const assay_ab_pair *pair, assay_random *random) {
  return pair->count == 1 ? !pair->mirrored : assay_random_below(random, 2) == 1;
}

static assay_status run_block(assay_ab_engine *e, assay_ab_pair *pair, assay_random *random, assay_error *err) {
  double began = e->elapsed_s(e->user), step = 0;
  bool ok = true;
  size_t index = (size_t)(pair - e->pairs);
  pair->mirrored = draw_order(pair, random);
  for (int k = 0; k < PROCESSES && ok; k++) {
    int side = ((k == 1 || k == 2) != pair->mirrored) ? 1 : 0;
    assay_ab_measured m = {0};
    assay_status status = e->measure(e->user, index, side, err, &m);
    if (status != ASSAY_OK) return status;
    ok = m.ok && m.value > 0;
    if (ok) step += (side == 1 ? 0.5 : -0.5) * log(m.value);
  }
  pair->block_s = e->elapsed_s(e->user) - began;
  pair->spent_s += pair->block_s;
  pair->failures = ok ? 0 : pair->failures + 1;
  pair->broken = pair->failures >= FAILURES_TO_GIVE_UP;
  return ok ? add_step(e, pair, step, err) : ASSAY_OK;
}

assay_status assay_ab_engine_run(assay_ab_engine *e, assay_error *err) {
  assay_random random;
  assay_random_init(&random, e->seed);
  assay_status status = ASSAY_OK;
  for (assay_ab_pair *pair; status == ASSAY_OK && (pair = choose(e)) != NULL;) {
    if (!has_time(e, pair)) {
      pair->out_of_time = e->out_of_time = true;
      continue;
    }
    status = run_block(e, pair, &random, err);
    if (status == ASSAY_OK && e->on_block != NULL) e->on_block(e->user, (size_t)(pair - e->pairs));
  }
  e->interrupted = status == ASSAY_ERR_INTERRUPTED;
  if (e->interrupted) status = ASSAY_OK;
  /* The blocks since the last look count as well. (That look was spent on them or on the end: docs/ab.md.) */
  for (size_t i = 0; i < e->pair_count && status == ASSAY_OK; i++) {
    assay_ab_pair *pair = &e->pairs[i];
    if (pair->count > pair->view.blocks && assay_ab_look(pair->steps, pair->count, &pair->view) != ASSAY_OK)
      status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the blocks");
  }
  return status;
}

void assay_ab_engine_deinit(assay_ab_engine *e) {
  for (size_t i = 0; i < e->pair_count; i++) assay_free(e->pairs[i].steps);
}

void assay_ab_engine_foresee(const assay_ab_engine *e, double *seconds, double *blocks) {
  assay_ab_rule rule = assay_ab_engine_rule(e);
  double left_s = 0, left = 0;
  for (size_t i = 0; i < e->pair_count; i++) {
    const assay_ab_pair *pair = &e->pairs[i];
    if (is_done(pair)) continue;
    double more = fmax(assay_ab_foresee(&rule, &pair->view, &pair->stage) - (double)pair->count, 1);
    left += more;
    left_s += more * pair->block_s;
  }
  double most_s = fmax(e->max_time_s - e->elapsed_s(e->user), 0);
  if (left_s > most_s) {
    left *= most_s / left_s;
    left_s = most_s;
  }
  *seconds = left_s;
  *blocks = left;
}

/* SPDX-License-Identifier: MIT */
/*
 * Many crosses of moving averages over the same bars. Averages are worked out once each and kept; a configuration then is a comparison a
 * bar, four in a cycle, and the account's loop on the bars that it holds. docs/backtest.md counts the limit.
 */
#include <math.h>

#include "market/backtest/engine.h"
#include "market/backtest/strategies.h"

enum { MOST_ROWS = 65536, WORD = 64, BLOCK = 64 * WORD };
static const size_t MOST_BYTES = (size_t)256 << 20;

struct assay_averages {
  const assay_backtest_data *data;
  const assay_backtest_functions *loops;
  double periods_per_year;
  size_t kept_bytes;
  double **kept;    /* by rows of the window; NULL: not there */
  double *spare[2]; /* for windows that are too many to keep */
};

assay_averages *assay_averages_create(const assay_backtest_data *data) {
  size_t bars = data->bars->count;
  assay_averages *a = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *a);
  if (a == NULL) return NULL;
  a->data = data;
  a->loops = assay_backtest_functions_best();
  a->periods_per_year = assay_backtest_periods_per_year(data->bars);
  a->kept = assay_calloc(ASSAY_TAG_MARKET, MOST_ROWS + 1, sizeof *a->kept);
  for (int i = 0; i < 2; i++) a->spare[i] = assay_calloc(ASSAY_TAG_MARKET, bars, sizeof **a->spare);
  if (a->kept != NULL && a->spare[0] != NULL && a->spare[1] != NULL) return a;
  assay_averages_destroy(a);
  return NULL;
}

void assay_averages_destroy(assay_averages *a) {
  if (a == NULL) return;
  for (size_t i = 0; a->kept != NULL && i <= MOST_ROWS; i++) assay_free(a->kept[i]);
  assay_free(a->kept);
  for (int i = 0; i < 2; i++) assay_free(a->spare[i]);
  assay_free(a);
}

static const double *average(assay_averages *a, double rows, int which) {
  size_t bytes = a->data->bars->count * sizeof(double), place = rows <= MOST_ROWS ? (size_t)rows : 0;
  if (place != 0 && a->kept[place] != NULL) return a->kept[place];
  double *made = a->spare[which];
  bool keeps = place != 0 && a->kept_bytes + bytes <= MOST_BYTES;
  if (keeps) made = assay_alloc(ASSAY_TAG_MARKET, bytes);
  if (made == NULL || assay_strategy_average(a->data->bars, rows, NULL, made) != ASSAY_OK) {
    if (keeps) assay_free(made);
    return NULL;
  }
  if (keeps) a->kept[place] = made, a->kept_bytes += bytes;
  return made;
}

/* Wants `in` where a bit is 1 and `out` where it is 0, from the first bar on that both averages know. */
typedef struct cross {
  assay_fast *fast;
  double in, out, last;
  uint64_t before; /* last bit of the word before */
} cross;

static void want(cross *c, size_t bar, bool above) {
  double wanted = above ? c->in : c->out;
  if (wanted == c->last) return;
  c->last = wanted;
  if (bar >= c->fast->first) assay_fast_want(c->fast, bar, wanted);
}

/* Bars [begin, end), begin a multiple of 64; `from` is the first whose bit counts. Where bits change, and at `from`, something may be
 * wanted. */
static void cross_block(cross *c, const uint64_t *bits, size_t begin, size_t from, size_t end) {
  for (size_t at = begin; at < end; at += WORD) {
    uint64_t word = bits[(at - begin) / WORD], changes = word ^ (word << 1 | c->before);
    c->before = word >> (WORD - 1);
    if (from >= at + WORD) continue;
    if (from >= at) changes = (changes & ~UINT64_C(0) << (from - at)) | UINT64_C(1) << (from - at);
    for (; changes != 0; changes &= changes - 1) {
      size_t bit = (size_t)__builtin_ctzll(changes);
      if (at + bit < end) want(c, at + bit, word >> bit & 1);
    }
  }
}

/* What was wanted before the first bar is wanted then, unless that bar wants something new by itself. */
static void cross_all(cross *c, const assay_averages *a, const double *fast, const double *slow, size_t warm) {
  uint64_t bits[BLOCK / WORD];
  size_t first = c->fast->first, end = c->fast->end;
  if (first > warm) { /* only the bars on both sides of `first` matter of what was before */
    want(c, first - 1, fast[first - 1] > slow[first - 1]);
    bool now = fast[first] > slow[first];
    double wanted = now ? c->in : c->out;
    if (wanted == c->last && wanted != 0) assay_fast_want(c->fast, first, wanted);
    want(c, first, now);
    warm = first + 1;
  }
  for (size_t begin = warm / WORD * WORD; begin < end; begin += BLOCK) {
    size_t stop = begin + BLOCK < end ? begin + BLOCK : end;
    a->loops->above(fast + begin, slow + begin, stop - begin, bits);
    cross_block(c, bits, begin, warm > begin ? warm : begin, stop);
  }
}

bool assay_averages_run(assay_averages *a, const double *parameters, const assay_backtest_options *options,
                        assay_backtest_metrics *metrics) {
  assay_rules rules;
  assay_fast fast = {.bars = a->data->bars, .rules = &rules, .loops = a->loops};
  if (options->events || options->basis != ASSAY_COST_AVERAGE ||
      assay_backtest_read_options(options, a->data, NULL, &rules, &fast.first, &fast.end) != ASSAY_OK)
    return false;
  const double *faster = average(a, parameters[0], 0), *slower = average(a, parameters[1], 1);
  if (faster == NULL || slower == NULL) return false;
  double in = parameters[3], warm = parameters[1] - 1;
  cross c = {.fast = &fast, .in = in, .out = parameters[2] != 0 ? -in : 0};
  assay_fast_begin(&fast, assay_backtest_cash_of(options));
  if (warm < (double)fast.end) cross_all(&c, a, faster, slower, (size_t)warm);
  assay_fast_end(&fast);
  assay_fast_finish(&fast, options, options->periods_per_year == 0 ? a->periods_per_year : options->periods_per_year, metrics);
  return true;
}

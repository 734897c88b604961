/* SPDX-License-Identifier: MIT */
/*
 * Crosses of moving averages over the same bars. A configuration is a comparison a bar, four in a cycle, and the account's loop on the bars
 * that it holds. For many of them averages are worked out once each and kept; for one alone they are made block by block and never leave
 * the nearest cache. docs/backtest.md counts the limit.
 */
#include <math.h>

#include "market/backtest/engine.h"
#include "market/backtest/strategies.h"

enum { MOST_ROWS = 65536, WORD = 64, BLOCK = 64 * WORD, MOST_IN_BLOCKS = BLOCK / 4, BEFORE = 2 * MOST_IN_BLOCKS };
static const size_t MOST_BYTES = (size_t)256 << 20;

struct assay_averages {
  const assay_backtest_data *data;
  const assay_backtest_functions *loops;
  double periods_per_year;
  size_t kept_bytes;
  double **kept;    /* by rows of the window; NULL: not there. The array itself is NULL where nothing is kept */
  double *spare[2]; /* for windows that are too many, or too long, to keep; NULL until needed */
  double block[2][BLOCK + BEFORE];
};

assay_averages *assay_averages_create(const assay_backtest_data *data, bool keeps) {
  assay_averages *a = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *a);
  if (a == NULL) return NULL;
  a->data = data;
  a->loops = assay_backtest_functions_best();
  a->periods_per_year = assay_backtest_periods_per_year(data->bars);
  if (keeps) a->kept = assay_calloc(ASSAY_TAG_MARKET, MOST_ROWS + 1, sizeof *a->kept);
  return a;
}

void assay_averages_destroy(assay_averages *a) {
  if (a == NULL) return;
  for (size_t i = 0; a->kept != NULL && i <= MOST_ROWS; i++) assay_free(a->kept[i]);
  assay_free(a->kept);
  for (int i = 0; i < 2; i++) assay_free(a->spare[i]);
  assay_free(a);
}

static double *room(assay_averages *a, size_t place, int which) {
  size_t bytes = a->data->bars->count * sizeof(double);
  if (place != 0 && a->kept_bytes + bytes <= MOST_BYTES) {
    a->kept[place] = assay_alloc(ASSAY_TAG_MARKET, bytes);
    if (a->kept[place] != NULL) a->kept_bytes += bytes;
    if (a->kept[place] != NULL) return a->kept[place];
  }
  if (a->spare[which] == NULL) a->spare[which] = assay_alloc(ASSAY_TAG_MARKET, bytes);
  return a->spare[which];
}

/* Where the average of a window is found, block after block. */
typedef struct source {
  double rows;
  const double *whole; /* NULL: it is made in blocks */
  double *block;
} source;

static bool open_source(assay_averages *a, double rows, int which, source *s) {
  size_t place = a->kept != NULL && rows <= MOST_ROWS ? (size_t)rows : 0;
  *s = (source){.rows = rows, .block = a->block[which]};
  if (place != 0 && a->kept[place] != NULL) s->whole = a->kept[place];
  if (s->whole != NULL || (a->kept == NULL && rows <= MOST_IN_BLOCKS)) return true;
  double *made = room(a, place, which);
  s->whole = made;
  return made != NULL && assay_strategy_average(a->data->bars, rows, NULL, made) == ASSAY_OK;
}

/*
 * Averages of the bars [begin, end), at most BLOCK of them. An indicator cuts the rows from the first on into pieces as long as its window
 * (docs/indicators.md, "Windows"), so one that begins with a piece gives the same bits from a window later on.
 */
static const double *averages_of(const assay_averages *a, const source *s, size_t begin, size_t end) {
  if (s->whole != NULL) return s->whole + begin;
  size_t rows = (size_t)s->rows, from = begin + 1 > rows ? (begin + 1 - rows) / rows * rows : 0;
  assay_bars part = {.count = end - from, .close = a->data->bars->close + from};
  return assay_strategy_average(&part, s->rows, NULL, s->block) == ASSAY_OK ? s->block + (begin - from) : NULL;
}

/* Wants `in` where a bit is 1 and `out` where it is 0, from the first bar on that both averages know. */
typedef struct cross {
  assay_fast *fast;
  double in, out, last;
  uint64_t before; /* last bit of the word before */
} cross;

static void want_share(cross *c, size_t bar, double wanted) {
  if (wanted == c->last) return;
  c->last = wanted;
  bool is_there = bar == c->fast->first && c->fast->begins_held && wanted == c->fast->aim;
  if (bar >= c->fast->first && !is_there) assay_fast_want(c->fast, bar, wanted);
}

static void want(cross *c, size_t bar, bool above) { want_share(c, bar, above ? c->in : c->out); }

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

static bool cross_part(cross *c, const assay_averages *a, const source *fast, const source *slow, size_t from, size_t end) {
  uint64_t bits[BLOCK / WORD];
  for (size_t begin = from / WORD * WORD; begin < end; begin += BLOCK) {
    size_t stop = begin + BLOCK < end ? begin + BLOCK : end;
    const double *x = averages_of(a, fast, begin, stop), *y = averages_of(a, slow, begin, stop);
    if (x == NULL || y == NULL) return false;
    a->loops->above(x, y, stop - begin, bits);
    cross_block(c, bits, begin, from > begin ? from : begin, stop);
  }
  return true;
}

/* What was wanted before the first bar is wanted then, unless that bar wants something new by itself; of what is held at the beginning
 * also nothing is wanted. */
static bool cross_all(cross *c, const assay_averages *a, const source *fast, const source *slow, size_t warm) {
  size_t first = c->fast->first;
  if (first <= warm) return cross_part(c, a, fast, slow, warm, c->fast->end);
  size_t orders = c->fast->scores.orders;
  if (!cross_part(c, a, fast, slow, first - 1, first + 1)) return false;
  bool again = c->fast->begins_held ? c->last != c->fast->aim : c->last != 0;
  if (c->fast->scores.orders == orders && again) assay_fast_want(c->fast, first, c->last);
  return cross_part(c, a, fast, slow, first + 1, c->fast->end);
}

bool assay_averages_run(assay_averages *a, const double *parameters, assay_fast *fast) {
  source faster, slower;
  if (!open_source(a, parameters[0], 0, &faster) || !open_source(a, parameters[1], 1, &slower)) return false;
  double in = parameters[3], warm = parameters[1] - 1;
  cross c = {.fast = fast, .in = in, .out = parameters[2] != 0 ? -in : 0, .last = fast->begins_held ? NAN : 0};
  if (fast->begins_held && (double)fast->first < warm) want_share(&c, fast->first, 0); /* out until both are known */
  if (warm < (double)fast->end && !cross_all(&c, a, &faster, &slower, (size_t)warm)) return false;
  assay_fast_end(fast);
  return true;
}

bool assay_averages_measure(assay_averages *a, const double *parameters, const assay_backtest_options *options,
                            assay_backtest_metrics *metrics) {
  assay_rules rules;
  assay_fast fast = {.bars = a->data->bars, .rules = &rules, .loops = a->loops};
  if (options->events || options->basis != ASSAY_COST_AVERAGE ||
      assay_backtest_read_options(options, a->data, NULL, &rules, &fast.first, &fast.end) != ASSAY_OK)
    return false;
  assay_fast_begin(&fast, options);
  if (!assay_averages_run(a, parameters, &fast)) return false;
  assay_fast_finish(&fast, options, options->periods_per_year == 0 ? a->periods_per_year : options->periods_per_year, metrics);
  return assay_backtest_check_metrics(metrics, NULL) == ASSAY_OK; /* else the run by itself says what is wrong */
}

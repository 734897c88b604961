/* SPDX-License-Identifier: MIT */
/* Whether a strategy sees the future: other futures, same decisions. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/random.h"
#include "market/backtest/engine.h"
#include "market/backtest/workers.h"
#include "os/prim.h"

enum { CUTS = 16, FUTURES = 3, MASKS = 8, COLUMNS = 5 };
static const size_t MOST_BARS = 30000000; /* that all cuts together read where nobody says how many they are */
enum { ENDS, TURNS, JUMPS };
static const char *const futures[FUTURES] = {"end there", "go the other way from there", "jump at random from there"};

typedef struct check {
  const assay_strategy *strategy;
  const double *parameters;
  const assay_backtest_data *data;
  assay_backtest_options options;
  const assay_list *real; /* decisions */
  const double *targets;  /* NULL: the strategy has none */
  size_t first_cut, last_cut, cuts;
  size_t called; /* callbacks run on one cut in so many: masks are what finds them */
} check;

/* ---- Other data ---------------------------------------------------------------------------------------------------------------------- */

/* Mappings, used again by the next cut where they are large enough. */
typedef struct wall {
  char *memory;
  size_t room;
} wall;

typedef struct wall_list {
  assay_list all;
  size_t used;
} wall_list;

static bool raise_wall(wall *w, size_t room) {
  size_t page = assay_os_page_size();
  if (w->memory != NULL) munmap(w->memory, w->room + page);
  *w = (wall){0};
  char *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  *w = (wall){memory, room};
  return mprotect(memory + room, page, PROT_NONE) == 0;
}

/* An array whose end is the end of a mapping, with nothing behind it. */
static void *walled(wall_list *walls, size_t bytes) {
  size_t page = assay_os_page_size(), room = (bytes + page - 1) / page * page;
  if (walls->used == walls->all.count) {
    wall *made = assay_list_add(&walls->all, sizeof *made);
    if (made == NULL) return NULL;
    *made = (wall){0};
  }
  wall *w = (wall *)walls->all.items + walls->used++;
  if (w->room < room && !raise_wall(w, room)) return NULL;
  return w->memory + w->room - bytes;
}

static void begin_worker(void *user, void **context) {
  (void)user;
  *context = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof(wall_list));
}

static void end_worker(void *context) {
  wall_list *walls = context;
  for (size_t i = 0; walls != NULL && i < walls->all.count; i++) {
    wall *w = (wall *)walls->all.items + i;
    if (w->memory != NULL) munmap(w->memory, w->room + assay_os_page_size());
  }
  if (walls != NULL) assay_free(walls->all.items);
  assay_free(walls);
}

static double *copied(wall_list *walls, const double *from, size_t count, bool *failed) {
  if (from == NULL) return NULL;
  double *made = walled(walls, count * sizeof *made);
  *failed = *failed || made == NULL;
  if (made != NULL) memcpy(made, from, count * sizeof *made);
  return made;
}

/* Prices from the cut on become c²/p: what rose falls, and highs are lows. */
static void turn(double *prices, size_t cut, size_t count, double about) {
  for (size_t i = cut; i < count; i++) prices[i] = about * about / prices[i];
}

static double last_close(const assay_bars *b, size_t cut) {
  for (size_t i = cut; i > 0; i--)
    if (!isnan(b->close[i - 1])) return b->close[i - 1];
  return 1;
}

/* Volumes become others too. What were highs are lows. */
static void turn_all(double *columns[COLUMNS], const assay_bars *from, size_t cut) {
  double about = last_close(from, cut);
  for (int i = 0; i < 4; i++)
    if (columns[i] != NULL) turn(columns[i], cut, from->count, about);
  for (size_t i = cut; i < from->count && columns[4] != NULL; i++) columns[4][i] = 2 * columns[4][i] + 1;
  for (size_t i = cut; i < from->count && columns[1] != NULL; i++) {
    double swap = columns[1][i];
    columns[1][i] = columns[2][i];
    columns[2][i] = swap;
  }
}

/* Each bar from half to twice as dear as it was, and with some other volume: who asks how far prices go, not where to, learns of it; and so
 * does who asks for prices of one asset in those of another, as each has its own. */
static void jump_all(double *columns[COLUMNS], const assay_bars *from, size_t asset, size_t cut) {
  assay_random random;
  assay_random_init(&random, cut ^ (uint64_t)asset << 32);
  for (size_t i = cut; i < from->count; i++) {
    double by = exp2(2 * assay_random_unit(&random) - 1), volume = exp2(8 * assay_random_unit(&random) - 4);
    for (int k = 0; k < COLUMNS; k++)
      if (columns[k] != NULL) columns[k][i] *= k < 4 ? by : volume;
  }
}

static bool make_bars(wall_list *walls, const assay_backtest_data *data, size_t asset, size_t cut, int future, assay_bars *made) {
  const assay_bars *from = &data->bars[asset];
  bool failed = false;
  size_t count = future == ENDS ? cut : from->count;
  double *columns[COLUMNS];
  const double *const sources[COLUMNS] = {from->open, from->high, from->low, from->close, from->volume};
  for (int i = 0; i < COLUMNS; i++) columns[i] = copied(walls, sources[i], count, &failed);
  int64_t *times = from->times != NULL ? walled(walls, count * sizeof *times) : NULL;
  if (failed || (from->times != NULL && times == NULL)) return false;
  if (times != NULL) memcpy(times, from->times, count * sizeof *times);
  if (future == TURNS) turn_all(columns, from, cut);
  if (future == JUMPS) jump_all(columns, from, asset, cut);
  *made = (assay_bars){
      .count = count, .times = times, .open = columns[0], .high = columns[1], .low = columns[2], .close = columns[3], .volume = columns[4]};
  return true;
}

static size_t actions_before(const assay_backtest_data *data, size_t cut) {
  size_t count = 0;
  while (count < data->action_count && data->actions[count].bar < cut) count++;
  return count;
}

/* ---- Comparing ----------------------------------------------------------------------------------------------------------------------- */

static void describe(const assay_decision *d, char *text, size_t size) {
  static const char *const whats[] = {"an order", "a target", "a cancellation", "a cancellation of all"};
  if (d == NULL)
    snprintf(text, size, "nothing");
  else
    snprintf(text, size, "%s", whats[d->what]);
}

/* The first decision before the cut that is not the same. */
static bool compare_decisions(const assay_list *real, const assay_list *other, size_t cut, int future, assay_backtest_peek *peek) {
  const assay_decision *a = real->items, *b = other->items;
  for (size_t i = 0;; i++) {
    const assay_decision *x = i < real->count && a[i].bar < cut ? &a[i] : NULL, *y = i < other->count && b[i].bar < cut ? &b[i] : NULL;
    if (x == NULL && y == NULL) return false;
    if (x != NULL && y != NULL && memcmp(x, y, sizeof *x) == 0) continue;
    char was[40], is[40];
    describe(x, was, sizeof was);
    describe(y, is, sizeof is);
    size_t bar = (size_t)(x == NULL ? y->bar : y == NULL ? x->bar : x->bar < y->bar ? x->bar : y->bar);
    *peek = (assay_backtest_peek){.found = true, .cut = cut, .bar = bar};
    snprintf(peek->what, sizeof peek->what, "at bar %zu it decides otherwise (%s instead of %s) when the bars from %zu on %s", bar, is,
             x != NULL && y != NULL && x->what == y->what ? "another" : was, cut, futures[future]);
    return true;
  }
}

static bool compare_targets(const double *real, const double *other, size_t cut, int future, assay_backtest_peek *peek) {
  for (size_t i = 0; i < cut; i++) {
    if (memcmp(&real[i], &other[i], sizeof *real) == 0 || (isnan(real[i]) && isnan(other[i]))) continue;
    *peek = (assay_backtest_peek){.found = true, .cut = cut, .bar = i};
    snprintf(peek->what, sizeof peek->what, "its target at bar %zu is another when the bars from %zu on %s", i, cut, futures[future]);
    return true;
  }
  return false;
}

/* ---- A cut --------------------------------------------------------------------------------------------------------------------------- */

/* All of them, or one at random in each of as many stretches: a strategy that looks ahead every so many bars is not passed by for ever. */
static size_t cut_of(const check *c, size_t index) {
  size_t most = c->last_cut - c->first_cut + 1, place = index / FUTURES;
  size_t from = c->first_cut + place * most / c->cuts, to = c->first_cut + (place + 1) * most / c->cuts;
  assay_random random;
  assay_random_init(&random, place);
  return from + (size_t)assay_random_below(&random, to - from);
}

/* These answer false when memory was out: then nothing is known. */
static bool try_targets(const check *c, wall_list *walls, const assay_bars *bars, size_t cut, int future, assay_backtest_peek *peek) {
  double *other = walled(walls, bars->count * sizeof *other);
  if (other == NULL) return false;
  assay_status status = c->strategy->targets(bars, c->parameters, c->strategy->user, NULL, other);
  if (status == ASSAY_OK) compare_targets(c->targets, other, cut, future, peek);
  if (status == ASSAY_OK || status == ASSAY_ERR_NO_MEMORY) return status == ASSAY_OK;
  *peek = (assay_backtest_peek){.found = true, .cut = cut, .bar = cut - 1};
  snprintf(peek->what, sizeof peek->what, "it fails when the bars from %zu on %s", cut, futures[future]);
  return true;
}

static bool try_events(const check *c, const assay_backtest_data *data, size_t cut, int future, assay_backtest_peek *peek) {
  assay_backtest_options options = c->options;
  if (future == ENDS) options.end = 0;
  assay_list decisions = {0};
  assay_error err = {0};
  assay_status status = assay_backtest_record(c->strategy, c->parameters, data, &options, NULL, &err, &decisions);
  if (status == ASSAY_OK) {
    compare_decisions(c->real, &decisions, cut, future, peek);
  } else if (status != ASSAY_ERR_NO_MEMORY) {
    *peek = (assay_backtest_peek){.found = true, .cut = cut, .bar = cut - 1};
    snprintf(peek->what, sizeof peek->what, "it fails when the bars from %zu on %s: %.100s", cut, futures[future], err.message);
  }
  assay_free(decisions.items);
  return status != ASSAY_ERR_NO_MEMORY;
}

/* ---- A mask -------------------------------------------------------------------------------------------------------------------------- */

static double *rotated(wall_list *walls, const double *from, size_t count, size_t by, bool *failed) {
  double *made = from != NULL ? walled(walls, count * sizeof *made) : NULL;
  *failed = *failed || (from != NULL && made == NULL);
  for (size_t i = 0; made != NULL && i < count; i++) made[i] = from[(i + by) % count];
  return made;
}

/* The same bars in a wrong order, as what stands there until the right ones come. */
static bool make_mask(wall_list *walls, const assay_bars *from, size_t by, assay_bars *made) {
  bool failed = false;
  int64_t *times = from->times != NULL ? walled(walls, from->count * sizeof *times) : NULL;
  for (size_t i = 0; times != NULL && i < from->count; i++) times[i] = from->times[(i + by) % from->count];
  *made = (assay_bars){.count = from->count,
                       .times = times,
                       .open = rotated(walls, from->open, from->count, by, &failed),
                       .high = rotated(walls, from->high, from->count, by, &failed),
                       .low = rotated(walls, from->low, from->count, by, &failed),
                       .close = rotated(walls, from->close, from->count, by, &failed),
                       .volume = rotated(walls, from->volume, from->count, by, &failed)};
  return !failed && (from->times == NULL || times != NULL);
}

/* The strategy on the data, seeing other bars wherever it looks beyond the one that has closed: a look at any of them, once in a thousand
 * bars, is one that a cut would have to meet. */
static bool try_mask(const check *c, wall_list *walls, size_t mask, assay_backtest_peek *peek) {
  size_t count = c->data->bars->count, by = count * (mask + 1) / (MASKS + 1);
  assay_list decisions = {0};
  assay_error err = {0};
  assay_bars *shown = assay_calloc(ASSAY_TAG_MARKET, c->data->assets, sizeof *shown);
  bool made = shown != NULL;
  for (size_t a = 0; a < c->data->assets && made; a++) made = make_mask(walls, &c->data->bars[a], by > 0 ? by : 1, &shown[a]);
  assay_status status =
      !made ? ASSAY_ERR_NO_MEMORY : assay_backtest_record(c->strategy, c->parameters, c->data, &c->options, shown, &err, &decisions);
  if (status != ASSAY_OK && status != ASSAY_ERR_NO_MEMORY) {
    *peek = (assay_backtest_peek){.found = true, .cut = c->first_cut, .bar = c->first_cut - 1};
    snprintf(peek->what, sizeof peek->what, "it fails when bars that have not closed hold other prices: %.100s", err.message);
  } else if (status == ASSAY_OK && compare_decisions(c->real, &decisions, count, 0, peek)) {
    peek->cut = peek->bar + 1;
    snprintf(peek->what, sizeof peek->what, "at bar %zu it decides otherwise when the bars from %zu on hold other prices", peek->bar,
             peek->cut);
  }
  assay_free(decisions.items);
  assay_free(shown);
  return status != ASSAY_ERR_NO_MEMORY;
}

static bool try_cut(const check *c, wall_list *walls, size_t index, assay_backtest_peek *peek) {
  size_t cut = cut_of(c, index);
  int future = (int)(index % FUTURES);
  assay_bars *bars = assay_calloc(ASSAY_TAG_MARKET, c->data->assets, sizeof *bars);
  bool made = bars != NULL;
  for (size_t a = 0; a < c->data->assets && made; a++) made = make_bars(walls, c->data, a, cut, future, &bars[a]);
  assay_backtest_data data = *c->data;
  data.bars = bars;
  data.action_count = future == ENDS ? actions_before(c->data, cut) : data.action_count;
  if (made && c->targets != NULL) made = try_targets(c, walls, bars, cut, future, peek);
  bool calls = c->strategy->on_bar != NULL && index / FUTURES % c->called == 0;
  if (made && !peek->found && calls) made = try_events(c, &data, cut, future, peek);
  assay_free(bars);
  return made;
}

typedef struct finding {
  assay_backtest_peek peek;
  bool no_memory; /* nothing was found because nothing could be tried */
} finding;

static void try_item(void *user, void *context, size_t index, void *cell) {
  const check *c = user;
  finding *f = cell;
  wall_list *walls = context;
  size_t cuts = c->cuts * FUTURES;
  if (walls != NULL) walls->used = 0;
  f->no_memory = walls == NULL || !(index < cuts ? try_cut(c, walls, index, &f->peek) : try_mask(c, walls, index - cuts, &f->peek));
}

/* ---- All cuts ------------------------------------------------------------------------------------------------------------------------ */

static void summarise(const check *c, const finding *found, const unsigned char *states, const unsigned char *signals, size_t count,
                      assay_backtest_peek *peek) {
  *peek = (assay_backtest_peek){.cuts = c->cuts};
  for (size_t i = 0; i < count && !peek->found; i++) {
    if (states[i] == ASSAY_WORK_DONE) {
      if (found[i].peek.found) *peek = found[i].peek;
      continue;
    }
    bool masked = i >= c->cuts * FUTURES;
    size_t cut = masked ? c->first_cut : cut_of(c, i);
    *peek = (assay_backtest_peek){.found = true, .cut = cut, .bar = cut - 1};
    snprintf(peek->what, sizeof peek->what, "it %s when the bars from %zu on %s%s", states[i] == ASSAY_WORK_TIMED_OUT ? "hangs" : "crashes",
             cut, masked ? "are others" : futures[i % FUTURES],
             signals[i] == SIGSEGV || signals[i] == SIGBUS ? ": it reads beyond the bars that there are" : "");
  }
  peek->cuts = c->cuts;
}

static assay_status run_cuts(check *c, assay_error *err, assay_backtest_peek *peek) {
  size_t count = c->cuts * FUTURES + (c->strategy->on_bar != NULL ? MASKS : 0);
  finding *found = assay_calloc(ASSAY_TAG_MARKET, count, sizeof *found);
  unsigned char *states = assay_calloc(ASSAY_TAG_MARKET, count, 2);
  assay_work work = {.count = count, .cell_bytes = sizeof *found, .user = c, .begin = begin_worker, .end = end_worker, .item = try_item};
  assay_status status = found == NULL || states == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu cuts", c->cuts)
                                                        : assay_work_run(&work, err, found, states, states + count);
  assay_backtest_peek made = {0};
  if (status == ASSAY_OK) summarise(c, found, states, states + count, count, &made);
  for (size_t i = 0; i < count && status == ASSAY_OK && !made.found; i++)
    if (found[i].no_memory) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for other futures: take fewer bars or cuts");
  if (status == ASSAY_OK) *peek = made;
  assay_free(found);
  assay_free(states);
  return status;
}

assay_status assay_backtest_check_lookahead(const assay_strategy *strategy, const double *parameters, const assay_backtest_data *data,
                                            const assay_backtest_options *options, size_t cuts, assay_error *err,
                                            assay_backtest_peek *peek) {
  double usual[ASSAY_STRATEGY_MOST_PARAMETERS];
  check c = {.strategy = strategy, .parameters = parameters, .data = data, .cuts = cuts};
  if (parameters == NULL) {
    assay_strategy_defaults(strategy, usual);
    c.parameters = usual;
  }
  if (options != NULL) c.options = *options;
  c.options.keep_equity = c.options.keep_fills = c.options.keep_trades = false;
  c.options.close_at_end = false; /* an end is where data were cut, and a position that is gone there is no decision */
  assay_rules rules;
  size_t first = 0, end = 0;
  assay_status status = assay_backtest_check_run(strategy, c.parameters, data, err);
  if (status == ASSAY_OK) status = assay_backtest_read_options(&c.options, data, err, &rules, &first, &end);
  if (status != ASSAY_OK) return status;
  if (end - first < 4) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%zu bars are too few to cut", end - first);
  if (c.cuts > 100000) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu cuts; 100000 is the limit", c.cuts);
  c.first_cut = first + 1;
  c.last_cut = end - 1;
  bool has_targets = strategy->targets != NULL && data->assets == 1;
  size_t most = c.last_cut - c.first_cut + 1, usual_cuts = has_targets ? MOST_BARS / data->bars->count : CUTS;
  if (cuts == 0) c.cuts = usual_cuts > CUTS ? usual_cuts : CUTS;
  if (c.cuts > most) c.cuts = most;
  c.called = cuts == 0 && has_targets ? c.cuts / CUTS + 1 : 1;
  assay_list real = {0};
  double *targets = NULL;
  if (has_targets) {
    targets = assay_alloc(ASSAY_TAG_MARKET, data->bars->count * sizeof *targets);
    status = targets == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %zu targets", data->bars->count)
                             : strategy->targets(data->bars, c.parameters, strategy->user, err, targets);
  }
  if (status == ASSAY_OK && strategy->on_bar != NULL)
    status = assay_backtest_record(strategy, c.parameters, data, &c.options, NULL, err, &real);
  c.real = &real;
  c.targets = targets;
  if (status == ASSAY_OK) status = run_cuts(&c, err, peek);
  assay_free(targets);
  assay_free(real.items);
  return status;
}

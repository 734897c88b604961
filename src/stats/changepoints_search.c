/* SPDX-License-Identifier: MIT */
/*
 * The best segmentation of one view of a series: over shapes of a segment (level, or level and slope), over how strongly neighbouring
 * noise hangs together (phi of a first-order autoregression), and over the number and places of changes, by a penalised likelihood.
 */
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stats/changepoints_inner.h"

/* ---- The cost of a segment --------------------------------------------------------------------------------------------------------- */

/*
 * Within a segment the noise is an AR(1) process: x_t - phi x_(t-1) is an innovation, and the segment's first value stands for itself with
 * variance 1 / (1 - phi^2). So a segment is a weighed regression on independent terms, and running sums of the terms give its cost in
 * constant time. With phi near 1 the first value costs nearly nothing: a random walk may do what it likes but jump.
 */
typedef struct running {
  double w, y, yy, b, bb, yb;
} running;

struct assay_cp_model {
  const assay_cp_view *view;
  bool sloped;
  size_t shortest;
  double phi, a, first; /* a = 1 - phi, first = 1 - phi^2 */
  running *sums;        /* [column * (count + 1) + i]: of the innovations before i */
};

static void fill_sums(assay_cp_model *model) {
  const assay_cp_view *view = model->view;
  double phi = model->phi, middle = 0.5 * (double)view->count;
  for (size_t c = 0; c < view->columns; c++) {
    const double *x = view->x + c * view->count;
    running *sums = model->sums + c * (view->count + 1), total = {0};
    sums[0] = total;
    if (view->count > 0) sums[1] = total;
    for (size_t i = 1; i < view->count; i++) {
      double w = view->weight[i], y = x[i] - phi * x[i - 1];
      total.w += w;
      total.y += w * y;
      total.yy += w * y * y;
      if (model->sloped) {
        double b = model->a * ((double)i - middle) + phi;
        total.b += w * b;
        total.bb += w * b * b;
        total.yb += w * y * b;
      }
      sums[i + 1] = total;
    }
  }
}

static assay_cp_model *new_model(const assay_cp_view *view, assay_arena *arena) {
  assay_cp_model *model = assay_arena_alloc(arena, 1, sizeof *model);
  if (model == NULL) return NULL;
  model->view = view;
  model->sums = assay_arena_alloc(arena, view->columns * (view->count + 1), sizeof *model->sums);
  return model->sums != NULL ? model : NULL;
}

static void set_model(assay_cp_model *model, bool sloped, double phi) {
  model->sloped = sloped;
  model->shortest = sloped ? ASSAY_CP_SHORTEST_SLOPE : ASSAY_CP_SHORTEST;
  if (model->shortest < model->view->shortest) model->shortest = model->view->shortest;
  model->phi = phi;
  model->a = 1 - phi;
  model->first = 1 - phi * phi;
  fill_sums(model);
}

const assay_cp_model *assay_cp_model_make(const assay_cp_view *view, bool sloped, double phi, assay_arena *arena) {
  assay_cp_model *model = new_model(view, arena);
  if (model != NULL) set_model(model, sloped, phi);
  return model;
}

/* Comparisons instead of fmax: this is where the time goes. */
static inline double segment_cost(const assay_cp_model *model, size_t c, size_t from, size_t to) {
  const assay_cp_view *view = model->view;
  const running *sums = model->sums + c * (view->count + 1);
  const running *low = &sums[from + 1], *high = &sums[to];
  double a = model->a, g = model->first * view->weight[from], x = view->x[c * view->count + from];
  double w = high->w - low->w, y = high->y - low->y, yy = high->yy - low->yy + g * x * x;
  double aa = a * a * w + g, ay = a * y + g * x;
  double cost = aa > 0 ? yy - ay * ay / aa : yy;
  if (model->sloped && aa > 0) {
    /* Time counts from the segment's first value, where the slope's column is 0. */
    double shift = a * ((double)from - 0.5 * (double)view->count);
    double b = high->b - low->b - shift * w;
    double bb = high->bb - low->bb - 2 * shift * (high->b - low->b) + shift * shift * w;
    double yb = high->yb - low->yb - shift * y;
    double rest = bb - a * a * b * b / aa, along = yb - a * b * ay / aa;
    if (rest > 1e-9 * bb) cost -= along * along / rest;
  }
  return cost > 0 ? cost : 0;
}

double assay_cp_cost(const assay_cp_model *model, size_t c, size_t from, size_t to) { return segment_cost(model, c, from, to); }

/* ---- Candidates -------------------------------------------------------------------------------------------------------------------- */

typedef struct candidate {
  double score;
  size_t at;
} candidate;

static int by_place(const void *left, const void *right) {
  size_t a = *(const size_t *)left, b = *(const size_t *)right;
  return (a > b) - (a < b);
}

/* How much the means of the `width` values on either side differ, in units of their standard error, squared, over all columns. */
static double contrast(const assay_cp_view *view, const double *sums, const double *scales, size_t at, size_t width) {
  size_t left = at < width ? at : width, right = view->count - at < width ? view->count - at : width;
  double total = 0;
  for (size_t c = 0; c < view->columns; c++) {
    const double *s = sums + c * (view->count + 1);
    double gap = (s[at + right] - s[at]) / (double)right - (s[at] - s[at - left]) / (double)left;
    total += gap * gap / scales[c];
  }
  return total * (double)left * (double)right / (double)(left + right);
}

/* Mean squared difference of neighbours, halved: a stand-in for the variance of the noise that only has to be of the right size. */
static void difference_variance(const assay_cp_view *view, double *scales) {
  for (size_t c = 0; c < view->columns; c++) {
    const double *x = view->x + c * view->count;
    double total = 0;
    for (size_t i = 1; i < view->count; i++) total += (x[i] - x[i - 1]) * (x[i] - x[i - 1]);
    scales[c] = fmax(total / (2 * (double)view->count), DBL_MIN);
  }
}

/*
 * Places that a change may be at, ascending, without 0 and the end. All of a short series; of a long one the local peaks of the contrast
 * between neighbouring windows, at widths from 3 values doubling up to a quarter of the series, the highest first, and an even grid (for
 * slopes, which have no peaks). Steps of the search that follow move each place to where it is best.
 */
static size_t find_candidates(const assay_cp_view *view, size_t limit, assay_arena *arena, size_t *places) {
  size_t n = view->count, found = 0, kept = 0;
  if (n <= limit + 1) {
    for (size_t i = 1; i < n; i++) places[kept++] = i;
    return kept;
  }
  double *sums = assay_arena_alloc(arena, view->columns * (n + 1), sizeof *sums),
         *scales = assay_arena_alloc(arena, view->columns, sizeof *scales);
  double *score = assay_arena_alloc(arena, n, sizeof *score);
  candidate *peaks = assay_arena_alloc(arena, 2 * n, sizeof *peaks);
  bool *taken = assay_arena_alloc(arena, n, sizeof *taken);
  if (arena->failed) return 0;
  difference_variance(view, scales);
  for (size_t c = 0; c < view->columns; c++)
    for (size_t i = 0; i < n; i++) sums[c * (n + 1) + i + 1] = sums[c * (n + 1) + i] + view->x[c * n + i];
  for (size_t width = 3; width <= n / 4; width *= 2) {
    /* Wide windows say little about the exact place: they move in steps of an eighth. */
    size_t stride = width < 16 ? 1 : width / 8, steps = (n - 1) / stride, reach = (width / 2 + stride - 1) / stride;
    for (size_t i = 1; i <= steps; i++) score[i] = contrast(view, sums, scales, i * stride, width);
    for (size_t i = 1; i <= steps && found < 2 * n; i++) {
      bool peak = true;
      for (size_t k = 1; k <= reach && peak; k++) peak = (i <= k || score[i - k] <= score[i]) && (i + k > steps || score[i + k] < score[i]);
      if (peak) peaks[found++] = (candidate){.score = score[i], .at = i * stride}, i += reach;
    }
  }
  size_t grid = limit / 5;
  for (size_t k = 1; k <= grid; k++) {
    size_t at = k * n / (grid + 1);
    if (at > 0 && !taken[at]) taken[at] = true, places[kept++] = at;
  }
  double least = -INFINITY;
  if (found > limit - kept) {
    double *scores = assay_arena_alloc(arena, found, sizeof *scores);
    if (scores == NULL) return 0;
    for (size_t k = 0; k < found; k++) scores[k] = peaks[k].score;
    least = assay_cp_select(scores, found, found - (limit - kept));
  }
  for (size_t k = 0; k < found && kept < limit; k++)
    if (peaks[k].score >= least && !taken[peaks[k].at]) taken[peaks[k].at] = true, places[kept++] = peaks[k].at;
  qsort(places, kept, sizeof *places, by_place);
  return kept;
}

/* ---- The criterion ------------------------------------------------------------------------------------------------------------------ */

/*
 * What a change costs. The highest squared z among n places of white noise exceeds 2 log n + 5 in about one series of a hundred (simulated
 * for n = 30 to 10,000): that is the price of saying that anything changed at all. Further changes are 3 cheaper: a series that changed
 * once is one that changes. With k free parameters at once the same rarity is where chi-square with k degrees has it, by the bound of
 * Laurent and Massart (2000).
 */
static const double FIRST_CHANGE = 3;

static double penalty_of(size_t count, size_t parameters) {
  double one = 2 * log((double)count) + 2, k = (double)parameters;
  double root = (sqrt(2 * one - 1) - 1) / 2;
  return k + 2 * sqrt(k) * root + 2 * root * root;
}

double assay_cp_penalty(size_t count, size_t columns, bool sloped) { return penalty_of(count, sloped ? 2 * columns : columns); }

double assay_cp_price_of_trend(size_t count, size_t columns) { return penalty_of(count, columns) - log((double)count); }

typedef struct searcher {
  const assay_cp_view *view;
  assay_cp_model *model;
  assay_arena *arena;
  assay_cp_work *work;
  size_t *places; /* candidates; places[0] = 0, the last one is the end */
  size_t place_count;
  double *scales;  /* of each column: variance that costs are measured in */
  double *weights; /* and its inverse */
  double *costs;   /* of candidate pairs: [j * (j - 1) / 2 + i] for i < j; NULL: worked out when needed */
  double *best;    /* least total up to a candidate */
  size_t *from;    /* and the candidate before it */
  size_t *at;      /* a segmentation: change points */
  size_t changes;
} searcher;

static double pair_cost(searcher *s, size_t from, size_t to) {
  double total = 0;
  for (size_t c = 0; c < s->view->columns; c++) total += segment_cost(s->model, c, from, to) * s->weights[c];
  s->work->costs += s->view->columns;
  return total;
}

static void set_scale(searcher *s, size_t c, double variance) {
  s->scales[c] = fmax(variance, s->view->floor[c] + DBL_MIN);
  s->weights[c] = 1 / s->scales[c];
}

/* -2 log likelihood of a segmentation with its own variance of each column, and what it costs. */
static double criterion_of(searcher *s, const size_t *at, size_t changes) {
  const assay_cp_view *view = s->view;
  double n = (double)view->whole, segments = (double)(changes + 1);
  double spent = segments * (s->model->sloped ? 2 : 1) + (double)view->spent + (s->model->phi > 0);
  if (n - spent < 2) return INFINITY;
  double total = view->price - (double)view->columns * segments * log(s->model->first);
  for (size_t c = 0; c < view->columns; c++) {
    double rss = 0;
    for (size_t k = 0; k <= changes; k++) rss += assay_cp_cost(s->model, c, k == 0 ? 0 : at[k - 1], k == changes ? view->count : at[k]);
    s->work->costs += changes + 1;
    total += n * log(fmax(rss, n * view->floor[c]) / (n - spent));
  }
  total += (double)changes * assay_cp_penalty(view->whole, view->columns, s->model->sloped) + (changes > 0 ? FIRST_CHANGE : 0);
  if (s->model->sloped) total += assay_cp_price_of_trend(view->whole, view->columns);
  if (s->model->phi > 0) total += log(n);
  return total;
}

/* ---- Where the changes are: dynamic programming over candidates -------------------------------------------------------------------- */

static void backtrack(searcher *s) {
  s->changes = 0;
  for (size_t j = s->from[s->place_count - 1]; j > 0; j = s->from[j]) s->at[s->changes++] = s->places[j];
  for (size_t i = 0; i < s->changes / 2; i++) {
    size_t swap = s->at[i];
    s->at[i] = s->at[s->changes - 1 - i];
    s->at[s->changes - 1 - i] = swap;
  }
}

static void fill_costs(searcher *s) {
  for (size_t j = 1; j < s->place_count; j++) {
    double *costs = s->costs + j * (j - 1) / 2;
    size_t to = s->places[j], i = 0;
    for (; i < j && to - s->places[i] >= s->model->shortest; i++) costs[i] = pair_cost(s, s->places[i], to);
    for (; i < j; i++) costs[i] = INFINITY;
  }
}

/* With all costs at hand. Exact over the candidates. */
static void segment_by_table(searcher *s, double each) {
  s->best[0] = -each;
  for (size_t j = 1; j < s->place_count; j++) {
    const double *costs = s->costs + j * (j - 1) / 2;
    double least = INFINITY;
    size_t from = 0;
    for (size_t i = 0; i < j; i++) {
      double total = s->best[i] + costs[i];
      if (total < least) least = total, from = i;
    }
    s->best[j] = least + each;
    s->from[j] = from;
  }
  backtrack(s);
}

/* Without: starts that can no longer be part of the best answer are dropped (PELT, Killick, Fearnhead and Eckley 2012). */
static void segment_by_pruning(searcher *s, double each, size_t most_alive) {
  size_t *alive = assay_arena_alloc(s->arena, s->place_count, sizeof *alive), count = 0;
  if (alive == NULL) {
    s->changes = 0;
    return;
  }
  s->best[0] = -each;
  size_t entered = 0;
  double *totals = assay_arena_alloc(s->arena, s->place_count, sizeof *totals);
  if (totals == NULL) return;
  for (size_t j = 1; j < s->place_count; j++) {
    while (entered < j && s->places[j] - s->places[entered] >= s->model->shortest) alive[count++] = entered++;
    double least = INFINITY;
    size_t from = 0, kept = 0;
    for (size_t k = 0; k < count; k++) {
      totals[k] = s->best[alive[k]] + pair_cost(s, s->places[alive[k]], s->places[j]);
      if (totals[k] < least) least = totals[k], from = alive[k];
    }
    s->best[j] = least + each;
    s->from[j] = from;
    /* A slack of one penalty, because a segment's first value is judged by itself, so that splitting may cost a little. */
    for (size_t k = 0; k < count; k++)
      if (totals[k] <= s->best[j] + each) alive[kept++] = alive[k];
    count = kept;
    if (count > most_alive) { /* long segments go first */
      memmove(alive, alive + (count - most_alive), most_alive * sizeof *alive);
      count = most_alive;
    }
  }
  backtrack(s);
}

/* Moves each change to the best place between its neighbours. */
static void refine(searcher *s) {
  size_t n = s->view->count, shortest = s->model->shortest;
  for (int round = 0; round < 2; round++) {
    bool moved = false;
    for (size_t k = 0; k < s->changes; k++) {
      size_t low = k == 0 ? 0 : s->at[k - 1], high = k + 1 == s->changes ? n : s->at[k + 1];
      /* Candidates are dense where something happens: no need to look further than a few hundred values. */
      size_t begin = low + shortest, end = high - shortest;
      if (s->at[k] > 256 && begin < s->at[k] - 256) begin = s->at[k] - 256;
      if (end > s->at[k] + 256) end = s->at[k] + 256;
      double least = pair_cost(s, low, s->at[k]) + pair_cost(s, s->at[k], high);
      for (size_t i = begin; i <= end && i < high; i++) {
        double cost = pair_cost(s, low, i) + pair_cost(s, i, high);
        if (cost < least) least = cost, s->at[k] = i, moved = true;
      }
    }
    if (!moved) break;
  }
}

static void keep_if_better(searcher *s, assay_cp_fit *fit) {
  double criterion = criterion_of(s, s->at, s->changes);
  if (criterion >= fit->criterion) return;
  fit->criterion = criterion;
  fit->sloped = s->model->sloped;
  fit->phi = s->model->phi;
  fit->changes = s->changes;
  if (s->changes > 0) memcpy(fit->at, s->at, s->changes * sizeof *fit->at);
}

/* The price of a change in units of the noise, with the term that a segment's first value brings. */
static double price_of_change(const searcher *s) {
  const assay_cp_view *view = s->view;
  return assay_cp_penalty(view->whole, view->columns, s->model->sloped) - (double)view->columns * log(s->model->first);
}

/*
 * The variance is not known, and no estimate is good for every series (that from differences takes every wave for signal, that of the whole
 * takes every step for noise). So the series is segmented under several, from the whole variance downwards, and the criterion decides.
 */
static void search_shape(searcher *s, assay_cp_fit *fit) {
  const assay_cp_view *view = s->view;
  s->changes = 0;
  for (size_t c = 0; c < view->columns; c++) set_scale(s, c, assay_cp_cost(s->model, c, 0, view->count) / (double)view->count);
  keep_if_better(s, fit);
  if (view->count < 2 * s->model->shortest) return;
  fill_costs(s);
  double price = price_of_change(s);
  size_t last = 0;
  for (int level = 0; level < 7; level++, price /= 3) {
    segment_by_table(s, price);
    if (s->changes == 0 || s->changes == last) continue;
    last = s->changes;
    keep_if_better(s, fit);
    if (s->changes > view->count / 4) break;
  }
}

static void own_scales(searcher *s, const assay_cp_fit *fit) {
  const assay_cp_view *view = s->view;
  double segments = (double)(fit->changes + 1) * (fit->sloped ? 2 : 1);
  for (size_t c = 0; c < view->columns; c++) {
    double rss = 0;
    for (size_t k = 0; k <= fit->changes; k++)
      rss += assay_cp_cost(s->model, c, k == 0 ? 0 : fit->at[k - 1], k == fit->changes ? view->count : fit->at[k]);
    set_scale(s, c, rss / fmax((double)view->count - segments, 1));
  }
}

static void refine_fit(searcher *s, assay_cp_fit *fit) {
  if (fit->changes == 0) return;
  memcpy(s->at, fit->at, fit->changes * sizeof *s->at);
  s->changes = fit->changes;
  refine(s);
  keep_if_better(s, fit);
}

/* Candidates of the first search: all places of a series up to FEW; of the second at most MANY, where the first found many changes. */
enum { FEW = 224, FEW_OF_LONG = 176, MANY = 2400, CANDIDATES_A_CHANGE = 12 };

static bool open_searcher(searcher *s, const assay_cp_view *view, assay_arena *arena, assay_cp_work *work, size_t limit, bool table) {
  size_t room = (view->count < limit ? view->count : limit) + 2;
  *s = (searcher){.view = view, .arena = arena, .work = work, .model = new_model(view, arena)};
  s->places = assay_arena_alloc(arena, room, sizeof *s->places);
  s->scales = assay_arena_alloc(arena, view->columns, sizeof *s->scales);
  s->weights = assay_arena_alloc(arena, view->columns, sizeof *s->weights);
  s->costs = table ? assay_arena_alloc(arena, room * room / 2, sizeof *s->costs) : NULL;
  s->best = assay_arena_alloc(arena, room, sizeof *s->best);
  s->from = assay_arena_alloc(arena, room, sizeof *s->from);
  s->at = assay_arena_alloc(arena, room, sizeof *s->at);
  if (arena->failed) return false;
  s->place_count = 2 + find_candidates(view, room - 2, arena, s->places + 1);
  s->places[s->place_count - 1] = view->count;
  return !arena->failed;
}

/*
 * A long series with changes everywhere has more of them than there were candidates, and then looks like a walk. Levels under white noise,
 * its variance from differences, are tried at all places; pruning makes that cheap just when there are many changes, and segments too long
 * for MOST_ALIVE candidates are not needed then.
 */
enum { MOST_ALIVE = 64 };

static void search_dense(const assay_cp_view *view, assay_arena *arena, assay_cp_work *work, assay_cp_fit *fit) {
  searcher s;
  double *steps = assay_arena_alloc(arena, view->count, sizeof *steps), *scratch = assay_arena_alloc(arena, view->count, sizeof *scratch);
  if (arena->failed || !open_searcher(&s, view, arena, work, view->count, false)) return;
  set_model(s.model, false, 0);
  for (size_t c = 0; c < view->columns; c++) {
    const double *x = view->x + c * view->count;
    for (size_t i = 1; i < view->count; i++) steps[i - 1] = x[i] - x[i - 1];
    double scale = assay_cp_scale(steps, view->count - 1, scratch);
    set_scale(&s, c, scale * scale / 2);
  }
  segment_by_pruning(&s, price_of_change(&s), MOST_ALIVE);
  keep_if_better(&s, fit);
}

void assay_cp_search(const assay_cp_view *view, assay_arena *arena, assay_cp_work *work, assay_cp_fit *fit) {
  static const double correlations[] = {0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.85, 0.92, 0.97};
  searcher s;
  *fit = (assay_cp_fit){.criterion = INFINITY, .at = assay_arena_alloc(arena, view->count + 2, sizeof *fit->at)};
  if (!open_searcher(&s, view, arena, work, view->count <= FEW ? FEW : FEW_OF_LONG, true) || arena->failed) return;
  for (int sloped = 0; sloped <= (view->with_slope ? 1 : 0); sloped++)
    for (size_t k = 0; k < sizeof correlations / sizeof *correlations; k += sloped == 1 || view->coarse ? 2 : 1) {
      set_model(s.model, sloped, correlations[k]);
      search_shape(&s, fit);
    }
  if (fit->changes == 0) return;
  set_model(s.model, fit->sloped, fit->phi);
  own_scales(&s, fit);
  refine_fit(&s, fit);
  if (view->count > FEW && fit->changes >= FEW_OF_LONG / 4) search_dense(view, arena, work, fit);
}

static size_t candidates_for(const assay_cp_view *view, const assay_cp_fit *fit) {
  size_t wanted = fit->changes * CANDIDATES_A_CHANGE;
  if (wanted < FEW) wanted = FEW;
  if (wanted > MANY) wanted = MANY;
  return wanted < view->count ? wanted : view->count;
}

void assay_cp_polish(const assay_cp_view *view, assay_arena *arena, assay_cp_work *work, assay_cp_fit *fit) {
  searcher s = {0};
  size_t *at = assay_arena_alloc(arena, view->count + 2, sizeof *at), limit = 0;
  if (at == NULL) return;
  if (fit->changes > 0) memcpy(at, fit->at, fit->changes * sizeof *at);
  fit->at = at;
  for (int round = 0; round < 8 && !arena->failed; round++) {
    double before = fit->criterion;
    size_t wanted = candidates_for(view, fit);
    if (wanted > limit) { /* the more changes there are, the more candidates */
      if (!open_searcher(&s, view, arena, work, limit = wanted, false)) return;
      set_model(s.model, fit->sloped, fit->phi);
      if (view->count < 2 * s.model->shortest) return;
    }
    own_scales(&s, fit);
    segment_by_pruning(&s, price_of_change(&s), SIZE_MAX);
    refine(&s);
    keep_if_better(&s, fit);
    if (!(fit->criterion < before - 1e-9 * fabs(before))) break;
  }
}

void assay_cp_draw(const assay_cp_view *view, const assay_cp_fit *fit, size_t c, double *line) {
  const double *x = view->x + c * view->count;
  for (size_t k = 0; k <= fit->changes; k++) {
    size_t from = k == 0 ? 0 : fit->at[k - 1], to = k == fit->changes ? view->count : fit->at[k];
    double w = 0, wx = 0, wt = 0, wtt = 0, wtx = 0;
    for (size_t i = from; i < to; i++) w += view->weight[i], wx += view->weight[i] * x[i], wt += view->weight[i] * (double)(i - from);
    double mean = wx / w, middle = wt / w, slope = 0;
    for (size_t i = from; i < to; i++) {
      double t = (double)(i - from) - middle;
      wtt += view->weight[i] * t * t;
      wtx += view->weight[i] * t * (x[i] - mean);
    }
    if (fit->sloped && wtt > 0) slope = wtx / wtt;
    for (size_t i = from; i < to; i++) line[i] = mean + slope * ((double)(i - from) - middle);
  }
}

/* SPDX-License-Identifier: MIT */
/* Binomial trees: the lattice of a method, then its values from the last step back to the first (kernels/tree). */
#include <string.h>

#include "base/alloc.h"
#include "base/float.h"
#include "kernels/tree/tree.h"
#include "quant/options.h"

/* Spot at step m after j rises: spot up^j down^(m - j). Rising has the discounted weight `rise`, falling `fall`. */
typedef struct tree_shape {
  uint32_t steps;
  double up, down, rise, fall, step_time;
} tree_shape;

/* What the first levels say: value[m][j] for m <= 2. */
typedef struct first_levels {
  double value[3][3];
} first_levels;

/* The inversion of Peizer and Pratt, method 2: the probability of a binomial step whose n steps exceed z deviations. Small ones keep their
 * digits, so that 1 - h(z) may be taken as h(-z). */
static double peizer_pratt(double z, double n) {
  double scaled = z / (n + 1.0 / 3 + 0.1 / (n + 1));
  double tail = -expm1(-scaled * scaled * (n + 1.0 / 6)), root = sqrt(tail);
  return z >= 0 ? 0.5 + 0.5 * root : 0.5 * (1 - tail) / (1 + root);
}

static bool lattice_crr(const assay_option *option, uint32_t steps, tree_shape *out) {
  double dt = option->time / steps, move = option->volatility * sqrt(dt), drift = (option->rate - option->dividend) * dt;
  /* p = (e^drift - e^-move) / (e^move - e^-move), without the difference of numbers near 1. */
  double width = expm1(move) - expm1(-move), up = (expm1(drift) - expm1(-move)) / width, down = (expm1(move) - expm1(drift)) / width;
  double discount = exp(-option->rate * dt);
  *out = (tree_shape){steps, exp(move), exp(-move), discount * up, discount * down, dt};
  return up >= 0 && down >= 0 && out->up > out->down;
}

static bool lattice_leisen_reimer(const assay_option *option, uint32_t steps, tree_shape *out) {
  steps |= 1;
  double n = steps, dt = option->time / n, deviation = option->volatility * sqrt(option->time);
  double drift = option->rate - option->dividend, moneyness = log(option->spot / option->strike) + drift * option->time;
  double d1 = moneyness / deviation + deviation / 2, d2 = moneyness / deviation - deviation / 2;
  double p = peizer_pratt(d2, n), q = peizer_pratt(-d2, n), growth = exp(drift * dt), discount = exp(-option->rate * dt);
  double up = growth * peizer_pratt(d1, n) / p, down = growth * peizer_pratt(-d1, n) / q;
  *out = (tree_shape){steps, up, down, discount * p, discount * q, dt};
  return p > 0 && q > 0 && down > 0 && up > down;
}

/* ln of the greatest rise over the spot must leave room for the spot itself. */
static bool lattice_fits(const tree_shape *lattice, const assay_option *option) {
  double reach = lattice->steps * fmax(log(lattice->up), -log(lattice->down)) + fabs(log(option->spot)) + fabs(log(option->strike));
  return isfinite(reach) && reach < 690;
}

static bool build(const assay_option *option, const assay_tree *tree, tree_shape *out) {
  bool sound = tree->method == ASSAY_TREE_CRR ? lattice_crr(option, tree->steps, out) : lattice_leisen_reimer(option, tree->steps, out);
  return sound && isfinite(out->rise) && isfinite(out->fall);
}

/* e^(slope m + shift) for whole m: an exponential every so many, and products with the powers between. */
enum { POWERS = 16 };
typedef struct powers {
  double slope, shift, base, small[POWERS];
  uint32_t block; /* that `base` belongs to */
} powers;

static void powers_init(powers *p, double slope, double shift) {
  *p = (powers){.slope = slope, .shift = shift, .block = UINT32_MAX};
  for (int k = 0; k < POWERS; k++) p->small[k] = exp(slope * k);
}

static double powers_at(powers *p, uint32_t m) {
  if (m / POWERS != p->block) {
    p->block = m / POWERS;
    p->base = exp(p->slope * ((double)p->block * POWERS) + p->shift);
  }
  return p->base * p->small[m % POWERS];
}

/* Those nodes whose every end pays nothing are worth 0 themselves, also with early exercise as long as spots fall and rise: a call's below
 * `first` at the last step, one fewer a step further back; a put's from `first` on. They stay as they are. */
typedef struct live_nodes {
  bool call;
  uint32_t steps, first;
} live_nodes;

static live_nodes live_find(bool call, uint32_t steps, const double *value) {
  live_nodes live = {call, steps, 0};
  while (live.first <= steps && (value[live.first] > 0) != call) live.first++;
  return live;
}
static uint32_t live_begin(const live_nodes *live, uint32_t step) {
  uint32_t later = live->steps - step;
  return live->call && live->first > later ? live->first - later : 0;
}
static uint32_t live_end(const live_nodes *live, uint32_t step) { return !live->call && live->first < step + 1 ? live->first : step + 1; }

/*
 * The values at the first levels. `value` and `ratio` have steps + 1 doubles. Spots are ratio[j] times a factor of the step, with
 * ratio[j] = (up / down)^(j - steps / 2), which spans no more than the spots themselves.
 */
static void roll_back(const assay_option *option, assay_exercise exercise, const tree_shape *lattice, double *value, double *ratio,
                      first_levels *out) {
  uint32_t n = lattice->steps;
  double middle = n / 2, log_ratio = log(lattice->up / lattice->down), log_down = log(lattice->down);
  double log_start = log(option->spot) + middle * log_ratio, sign = option->kind == ASSAY_OPTION_CALL ? 1 : -1;
  powers ratios, starts;
  powers_init(&ratios, log_ratio, -middle * log_ratio);
  powers_init(&starts, log_down, log_start);
  for (uint32_t j = 0; j <= n; j++) ratio[j] = powers_at(&ratios, j);
  double last = powers_at(&starts, n);
  for (uint32_t j = 0; j <= n; j++) value[j] = fmax(sign * (last * ratio[j] - option->strike), 0);
  bool some_live = exercise == ASSAY_EXERCISE_EUROPEAN || (lattice->up > 1 && lattice->down < 1);
  live_nodes live = {.call = true, .steps = n};
  if (some_live) live = live_find(option->kind == ASSAY_OPTION_CALL, n, value);
  const assay_tree_functions *functions = assay_tree_functions_best();
  for (uint32_t m = n; m-- > 0;) {
    uint32_t begin = live_begin(&live, m), end = live_end(&live, m);
    if (exercise == ASSAY_EXERCISE_EUROPEAN) {
      if (begin < end) functions->european(value, begin, end, lattice->rise, lattice->fall);
    } else if (begin < end) {
      functions->american(value, ratio, begin, end, lattice->rise, lattice->fall, sign * powers_at(&starts, m), sign * option->strike);
    }
    if (m <= 2) memcpy(out->value[m], value, (m + 1) * sizeof *value);
  }
}

static double rolled_price(const assay_option *option, const assay_tree *tree, double *value, double *ratio) {
  tree_shape lattice;
  first_levels corner;
  if (!build(option, tree, &lattice)) return NAN;
  roll_back(option, tree->exercise, &lattice, value, ratio, &corner);
  return corner.value[0][0];
}

/* delta and gamma from differences between the nodes of level 1 and 2 (Hull): of what lies a step or two ahead, so they are off by the
 * order of a step. */
static void greeks_from_corner(const assay_option *option, const tree_shape *lattice, const first_levels *corner,
                               assay_tree_greeks *greeks) {
  double up = lattice->up, down = lattice->down, spot = option->spot;
  const double *one = corner->value[1], *two = corner->value[2];
  double low = spot * down * down, middle = spot * up * down, high = spot * up * up;
  double below = (two[1] - two[0]) / (middle - low), above = (two[2] - two[1]) / (high - middle), bend = (above - below) / (high - low);
  greeks->delta = (one[1] - one[0]) / (spot * (up - down));
  greeks->gamma = 2 * bend;
}

static assay_status check(const assay_option *option, const assay_tree *tree, assay_error *err, tree_shape *lattice) {
  assay_option_state state = assay_option_check(option);
  if (state != ASSAY_OPTION_FINE) return assay_option_fail(option, state, 0, NULL, err);
  if (option->volatility == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a tree needs a volatility above 0; assay_option_price takes 0");
  if (tree->method != ASSAY_TREE_CRR && tree->method != ASSAY_TREE_LEISEN_REIMER)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no tree method %d", (int)tree->method);
  if (tree->exercise != ASSAY_EXERCISE_EUROPEAN && tree->exercise != ASSAY_EXERCISE_AMERICAN)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no kind of exercise %d", (int)tree->exercise);
  if (tree->steps < 2 || tree->steps > ASSAY_TREE_MAX_STEPS)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%u steps: a tree has 2 to %d", (unsigned)tree->steps, ASSAY_TREE_MAX_STEPS);
  if (!build(option, tree, lattice)) {
    double slope = (option->rate - option->dividend) / option->volatility;
    if (tree->method == ASSAY_TREE_CRR && lattice->up <= lattice->down)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a step's volatility is less than spots are rounded by: use the closed form");
    if (tree->method == ASSAY_TREE_CRR)
      return ASSAY_FAIL(
          err, ASSAY_ERR_INVALID,
          "the drift of a step is greater than its volatility, so the tree's probabilities leave 0 to 1: more than %.0f steps are "
          "needed, or a Leisen-Reimer tree",
          ceil(slope * slope * option->time));
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID,
                      "the option is so far in or out of the money for its volatility that the tree's probabilities round to 0 or 1; a CRR "
                      "tree or the closed form takes it");
  }
  if (!lattice_fits(lattice, option))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the tree's outermost spots leave the range of doubles: use fewer steps");
  return ASSAY_OK;
}

/*
 * Central differences. A CRR price wavers with the volatility, since nodes wander across the strike, so its difference is taken over 2 % of
 * the volatility. A difference that a bumped tree cannot have (its probabilities leave 0 to 1) is NaN; then one side is tried.
 */
static double slope(const assay_option *option, const assay_tree *tree, size_t field, double step, double price, double *value,
                    double *ratio) {
  assay_option lower = *option, higher = *option;
  *(double *)(void *)((char *)&lower + field) -= step;
  *(double *)(void *)((char *)&higher + field) += step;
  double below = rolled_price(&lower, tree, value, ratio), above = rolled_price(&higher, tree, value, ratio);
  if (isnan(below)) return (above - price) / step;
  if (isnan(above)) return (price - below) / step;
  return (above - below) / (2 * step);
}

/* In deviations: a difference's own error, which falls with its square, meets what a tree rounds of the spot, which is the more of a
 * deviation the smaller that is (seconds before expiry). */
static double spot_step(double deviation) { return fmax(1e-3, sqrt(sqrt(1e-13 / deviation))); }

/*
 * delta and gamma of a European option on a Leisen-Reimer tree from trees of a spot a little lower and higher: each lies about the strike
 * as the price's does, so that prices are smooth in the spot and as near as the price is, 1/steps^2. Not so with early exercise, whose
 * first price of exercise moves from node to node with the spot; there nothing is of that order. Of call and put, which differ by a forward
 * on a tree as well, it is the one out of the money: in the other the spot's rounding would stand where gamma is small.
 */
static void greeks_from_spots(const assay_option *option, const assay_tree *tree, double *value, double *ratio, assay_tree_greeks *greeks) {
  double deviation = option->volatility * sqrt(option->time), step = option->spot * fmin(spot_step(deviation) * deviation, 1e-2);
  double kept = exp(-option->dividend * option->time);
  assay_option middle = *option;
  middle.kind = option->spot * kept > option->strike * exp(-option->rate * option->time) ? ASSAY_OPTION_PUT : ASSAY_OPTION_CALL;
  assay_option lower = middle, higher = middle;
  lower.spot -= step;
  higher.spot += step;
  double below = rolled_price(&lower, tree, value, ratio), price = rolled_price(&middle, tree, value, ratio);
  double above = rolled_price(&higher, tree, value, ratio), width = higher.spot - lower.spot;
  if (isnan(below) || isnan(above)) return; /* at the ends of the range the first levels have to do */
  double forward = option->kind == middle.kind ? 0 : option->kind == ASSAY_OPTION_CALL ? kept : -kept;
  greeks->delta = (above - below) / width + forward;
  greeks->gamma = 2 * ((above - price) / (higher.spot - middle.spot) - (price - below) / (middle.spot - lower.spot)) / width;
}

static assay_tree_greeks find_greeks(const assay_option *option, const assay_tree *tree, const tree_shape *lattice,
                                     const first_levels *corner, double *value, double *ratio) {
  bool crr = tree->method == ASSAY_TREE_CRR;
  double price = corner->value[0][0], wide = crr ? 0.02 : 1e-4;
  assay_tree_greeks found;
  greeks_from_corner(option, lattice, corner, &found);
  if (!crr && tree->exercise == ASSAY_EXERCISE_EUROPEAN) greeks_from_spots(option, tree, value, ratio, &found);
  found.vega = slope(option, tree, offsetof(assay_option, volatility), wide * option->volatility, price, value, ratio);
  /* A hundredth of a deviation at most, or the difference is wider than the option's rise; and beyond all probabilities of a CRR tree. */
  double shift = fmin(1e-4, 1e-2 * option->volatility / sqrt(option->time));
  found.rho = slope(option, tree, offsetof(assay_option, rate), shift, price, value, ratio);
  /* The middle of a CRR tree's level 2 is the present spot, two steps later. A Leisen-Reimer tree drifts to its strike, and what lies two
   * steps ahead may be on the other side of early exercise; but its prices hardly waver with time. */
  found.theta = crr ? (corner->value[2][1] - price) / (2 * lattice->step_time)
                    : -slope(option, tree, offsetof(assay_option, time), option->time / 100, price, value, ratio);
  return found;
}

assay_status assay_tree_price(const assay_option *option, const assay_tree *tree, assay_error *err, double *price,
                              assay_tree_greeks *greeks) {
  ASSAY_FLOAT_USUAL;
  if (option == NULL || tree == NULL || price == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_tree_price needs %s (NULL)",
                      option == NULL ? "an option"
                      : tree == NULL ? "a tree"
                                     : "a place for the price");
  tree_shape lattice;
  assay_status status = check(option, tree, err, &lattice);
  if (status != ASSAY_OK) return status;
  size_t room = (size_t)lattice.steps + 1;
  double *value = assay_calloc(ASSAY_TAG_QUANT, room * 2, sizeof *value);
  if (value == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a tree of %u steps", (unsigned)lattice.steps);
  first_levels corner;
  roll_back(option, tree->exercise, &lattice, value, value + room, &corner);
  if (greeks != NULL) *greeks = find_greeks(option, tree, &lattice, &corner, value, value + room);
  *price = corner.value[0][0];
  assay_free(value);
  return ASSAY_OK;
}

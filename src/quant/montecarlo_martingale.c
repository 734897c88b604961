/* SPDX-License-Identifier: MIT */
/*
 * Greeks of American options, and their price with a control variate. A lattice knows about what the option is worth; so it has a rule of
 * exercise, and a martingale M that follows the value (montecarlo_lattice.h). What a path pays under that rule, Y, is then known but for a
 * residual R = Y - V - M of which the deviation is a hundredth to a three-hundredth of Y's, V the lattice's value at the start.
 *
 * Under a rule that is fixed as a function of date and price, the parameters are those of the paths' density alone, and of the discount. So
 * Greeks are expectations of Y times scores (Broadie and Glasserman 1996), unbiased for that rule's value, whose derivatives are those of
 * the option as the rule is its best one. With z_i the shocks, s the deviation of a step, m its drift, d its discount factor, the date of
 * exercise T, sums over i up to T:
 *
 *     by ln S, once and twice:  E(Y z_1) / s,  E(Y He_2(z_1)) / s^2
 *     by m and by s:            E(Y sum z_i) / s,  E(Y sum He_2(z_i)) / s        (later shocks have no part in Y)
 *     by -ln d:                 -E(T Y)
 *
 * Y = V + M + R. Scores have expectation 0; what those of M give is known from its terms, which are orthogonal, d^i c_k(i - 1, S)
 * He_k(z_i):
 *
 *     E(M z_1) = d c_1(0),  E(M He_2(z_1)) = 2 d c_2(0)
 *     E(M sum z_i) = E sum d^i c_1(i - 1, S),  E(M sum He_2(z_i)) = E sum d^i 2 c_2(i - 1, S)
 *
 * whatever the c_k are, so the lattice's errors bias nothing. R times its scores is next to nothing; the two sums, and T Y, vary by half of
 * themselves, and have martingales of their own, from the same lattice, which leave a twentieth.
 *
 * Everything goes backwards in time: a path that is exercised at a date begins anew there. The lattice is made once and kept by dates, and
 * threads share the paths of a piece.
 */
#include <math.h>

#include "base/alloc.h"
#include "base/float.h"
#include "device/cpu/threads.h"
#include "quant/montecarlo_lattice.h"

/* Steps of paths that are worth a thread, which takes a tenth of a millisecond or more to start: one and a half. */
enum { A_THREAD = 1 << 16 };
/* Samples at a time, of which a thread takes so many. Greeks are of one path in SHARE, but of LEAST and MOST at least and at most: their
 * errors are small. */
enum { AT_ONCE = 8192, SLICE = ASSAY_MC_GROUP, GREEKS_SHARE = 128, GREEKS_LEAST = 8192, GREEKS_MOST = 65536 };

typedef assay_lattice_future future; /* `times` of a price alone: what is paid */

/* Of paths, or (sign -1) of their mirror images, which have the shocks the other way round. */
typedef struct path_side {
  double sign;
  future *paths; /* AT_ONCE */
} path_side;

typedef struct work {
  const assay_mc_lattice_dates *lattice;
  bool with_sums;
  assay_threads *threads;
  size_t steps, count; /* of the paths that are there now */
  double *sums;        /* of the shocks, `count` a date */
  future *futures;     /* AT_ONCE, and as many mirror images */
  path_side sides[2];
  size_t side_count;
} work;

static void work_deinit(work *w) {
  assay_threads_destroy(w->threads);
  assay_free(w->sums);
  assay_free(w->futures);
}

/* For so many samples in all. */
static assay_status work_init(work *w, const assay_mc_job *job, const assay_mc_lattice_dates *lattice, bool with_sums, uint64_t samples,
                              assay_error *err) {
  size_t steps = job->option.steps;
  unsigned threads;
  assay_status status = assay_threads_wanted(err, &threads);
  if (status != ASSAY_OK) return status;
  uint64_t busy = 1 + samples * job->paths_per_sample * steps / A_THREAD;
  if (threads > busy) threads = (unsigned)busy;
  *w = (work){.lattice = lattice,
              .with_sums = with_sums,
              .threads = assay_threads_create(threads, NULL, 0),
              .steps = steps,
              .sums = assay_alloc(ASSAY_TAG_QUANT, (steps + 1) * AT_ONCE * sizeof *w->sums),
              .futures = assay_alloc(ASSAY_TAG_QUANT, (size_t)(2 * AT_ONCE) * sizeof *w->futures)};
  if (w->threads == NULL || w->sums == NULL || w->futures == NULL) {
    work_deinit(w);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %d paths of %zu steps", AT_ONCE, steps);
  }
  w->sides[0] = (path_side){1, w->futures};
  w->sides[1] = (path_side){-1, w->futures + AT_ONCE};
  w->side_count = job->option.antithetic ? 2 : 1;
  return ASSAY_OK;
}

static future exercised(const work *w, size_t date, double sum) {
  const assay_mc_lattice *l = &w->lattice->start;
  double pays = assay_mc_lattice_payoff(l, assay_mc_lattice_price(l, date, sum));
  return (future){.worth = pays, .times = w->with_sums ? 0 : pays};
}

/* Paths that are exercised at the date begin anew there. */
static void exercise(const work *w, size_t date, size_t count, const double *sums, double sign, future *paths) {
  const assay_mc_lattice_date *d = &w->lattice->dates[date];
  for (size_t i = 0; date > 0 && i < count; i++) {
    double sum = sign * sums[i], place = d->step.middle + sum * ASSAY_LATTICE_QUARTERS;
    if (place > d->stop_above && place < d->stop_below) paths[i] = exercised(w, date, sum);
  }
}

/* `count` paths from place `first` on, back to the start. */
static void back_to_start(const work *w, size_t first, size_t count) {
  const assay_mc_lattice *l = &w->lattice->start;
  size_t last = w->steps - 1;
  double *after = w->sums + last * w->count + first;
  assay_mc_lattice_sums(l, last, count, after);
  for (size_t s = 0; s < w->side_count; s++) {
    double sign = w->sides[s].sign;
    future *paths = w->sides[s].paths + first;
    for (size_t i = 0; i < count; i++) paths[i] = assay_mc_lattice_last(l, assay_mc_lattice_price(l, last, sign * after[i]));
    exercise(w, last, count, after, sign, paths);
  }
  for (size_t date = last; date-- > 0; after -= w->count) {
    double *before = after - w->count;
    const assay_lattice_step *step = &w->lattice->dates[date].step;
    assay_mc_lattice_sums(l, date, count, before);
    for (size_t s = 0; s < w->side_count; s++) {
      double sign = w->sides[s].sign;
      future *paths = w->sides[s].paths + first;
      (w->with_sums ? l->functions->back : l->functions->back_alone)(step, count, sign, before, after, paths);
      exercise(w, date, count, before, sign, paths);
    }
  }
}

static void slices(void *context, size_t begin, size_t end) {
  ASSAY_FLOAT_USUAL;
  back_to_start(context, begin * SLICE, (end - begin) * SLICE);
}

/* `count` samples from `first` on, both multiples of a group, back to the start. */
static assay_status simulate(work *w, const assay_mc_job *job, uint64_t batch, uint64_t first, size_t count, assay_error *err,
                             assay_quant_where *where) {
  w->count = count;
  assay_status status = assay_mc_store_paths(job, batch, first, count, MC_PATHS_LOGARITHMS, err, w->sums, where);
  if (status == ASSAY_OK) assay_threads_run(w->threads, count / SLICE, slices, w);
  return status;
}

/* ---- The price --------------------------------------------------------------------------------------------------------------------- */

/* What is paid, and the martingale, which is what the residual has not; as the first sums of path.h. */
static assay_status simulate_price(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                                   assay_quant_where *where) {
  work w;
  double sums[MC_PRICE_SUMS] = {0};
  assay_status status = work_init(&w, job, job->lattice, false, samples, err);
  if (status != ASSAY_OK) return status;
  for (uint64_t first = 0; status == ASSAY_OK && first < samples; first += AT_ONCE) {
    size_t count = samples - first < AT_ONCE ? (size_t)(samples - first) : AT_ONCE;
    size_t groups_of = (count + ASSAY_MC_GROUP - 1) / ASSAY_MC_GROUP;
    status = simulate(&w, job, batch, first, groups_of * ASSAY_MC_GROUP, err, where);
    for (size_t i = 0; status == ASSAY_OK && i < count; i++) {
      double paid = 0, control = 0;
      for (size_t s = 0; s < w.side_count; s++) {
        const future *f = &w.sides[s].paths[i];
        paid += f->times / (double)w.side_count;
        control += (f->times - f->worth) / (double)w.side_count;
      }
      sums[MC_SUM_PAYOFF] += paid;
      sums[MC_SUM_SQUARE] += paid * paid;
      sums[MC_SUM_CONTROL] += control;
      sums[MC_SUM_CONTROL_SQUARE] += control * control;
      sums[MC_SUM_PRODUCT] += paid * control;
    }
  }
  work_deinit(&w);
  return status == ASSAY_OK ? assay_mc_groups_total(groups, sums, MC_PRICE_SUMS, 1, (double)samples, err) : status;
}

assay_status assay_mc_martingale_job(assay_mc_job *job, assay_error *err) {
  job->lattice = assay_alloc(ASSAY_TAG_QUANT, sizeof *job->lattice);
  if (job->lattice == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a lattice");
  assay_status status = assay_mc_lattice_dates_init(job->lattice, job, job->option.greeks, err);
  if (status != ASSAY_OK) {
    assay_free(job->lattice);
    job->lattice = NULL;
    return status;
  }
  const assay_mc_lattice *l = &job->lattice->start;
  double now = l->sign * (l->spot - l->strike);
  job->exercised = now > 0 && now >= l->worth[l->middle];
  job->simulate = simulate_price;
  job->control_mean = 0;
  job->control_is_money = true;
  return ASSAY_OK;
}

void assay_mc_martingale_forget(assay_mc_job *job) {
  if (job->lattice != NULL) assay_mc_lattice_dates_deinit(job->lattice);
  assay_free(job->lattice);
  job->lattice = NULL;
}

/* ---- Greeks ------------------------------------------------------------------------------------------------------------------------ */

enum { DELTA, GAMMA, VEGA, THETA, RHO, GREEKS };

/* What one path says, whose first shock is z. */
static void add_greeks(const assay_mc_lattice *l, const assay_mc_params *o, const future *f, double z, double share,
                       double greeks[GREEKS]) {
  const double *terms = l->rows + ASSAY_LATTICE_ROW * l->middle;
  double s = l->step, dt = o->time / o->steps, rest = f->worth - l->worth[l->middle];
  double by_log = (rest * z + l->discount * terms[0]) / s, by_log2 = (rest * (z * z - 1) + 2 * l->discount * terms[1]) / (s * s);
  double by_drift = (rest * f->score + f->slopes) / s, by_step = (rest * f->score2 + f->curvatures) / s;
  greeks[DELTA] += share * by_log / o->spot;
  greeks[GAMMA] += share * (by_log2 - by_log) / (o->spot * o->spot);
  greeks[VEGA] += share * (by_step * sqrt(dt) - by_drift * o->volatility * dt);
  greeks[THETA] += share * (o->rate * f->times / o->steps - by_drift * l->drift / o->time - by_step * s / (2 * o->time));
  greeks[RHO] += share * dt * (by_drift - f->times);
}

typedef struct greek_sums {
  double samples, shift[GREEKS], sum[GREEKS], square[GREEKS];
} greek_sums;

static void add_sample(greek_sums *sums, const double sample[GREEKS]) {
  for (int g = 0; g < GREEKS; g++) {
    if (sums->samples == 0) sums->shift[g] = sample[g]; /* so that squares lose little where the first path says nearly all */
    double rest = sample[g] - sums->shift[g];
    sums->sum[g] += rest;
    sums->square[g] += rest * rest;
  }
  sums->samples++;
}

/* How far rounding moves them, at most: prices are off by a few units in the last place, and scores divide that by the step's deviation. */
static void rounding_of(const assay_mc_lattice *l, const assay_mc_params *o, double off[GREEKS]) {
  double unit = 0x1p-50 * (o->spot + o->strike), s = l->step, root = sqrt(o->steps), dt = o->time / o->steps;
  off[DELTA] = unit / (s * o->spot);
  off[GAMMA] = unit * (1 + s) / (s * s * o->spot * o->spot);
  off[VEGA] = unit * root * (sqrt(dt) + o->volatility * dt) / s;
  off[THETA] = unit * (fabs(o->rate) + root * (fabs(l->drift) / s + 0.5) / o->time);
  off[RHO] = unit * (o->time + root * dt / s);
}

static assay_mc_greek greek_of(const greek_sums *sums, const double off[GREEKS], int g) {
  double n = sums->samples, mean = sums->sum[g] / n, variance = (sums->square[g] / n - mean * mean) * n / (n - 1);
  return (assay_mc_greek){sums->shift[g] + mean, hypot(sqrt(fmax(variance, 0) / n), off[g]), ASSAY_MC_LIKELIHOOD_RATIO};
}

static assay_status add_paths(work *w, const assay_mc_job *job, uint64_t samples, assay_error *err, greek_sums *sums,
                              assay_quant_where *where) {
  assay_status status = ASSAY_OK;
  for (uint64_t first = 0; status == ASSAY_OK && first < samples; first += AT_ONCE) {
    size_t count = samples - first < AT_ONCE ? (size_t)(samples - first) : AT_ONCE;
    status = simulate(w, job, 0, first, count, err, where);
    for (size_t i = 0; status == ASSAY_OK && i < count; i++) {
      double sample[GREEKS] = {0};
      for (size_t s = 0; s < w->side_count; s++) {
        const path_side *side = &w->sides[s];
        add_greeks(&w->lattice->start, &job->option, &side->paths[i], side->sign * w->sums[count + i], 1 / (double)w->side_count, sample);
      }
      add_sample(sums, sample);
    }
  }
  return status;
}

assay_status assay_mc_martingale_greeks(const assay_mc_job *job, uint64_t used, assay_error *err, assay_mc_greeks *greeks, uint64_t *paths,
                                        assay_quant_where *where) {
  work w;
  greek_sums sums = {0};
  assay_mc_lattice_dates own = {0};
  const assay_mc_lattice_dates *lattice = job->lattice != NULL ? job->lattice : &own;
  uint64_t wanted = used / GREEKS_SHARE, most = wanted > GREEKS_MOST ? GREEKS_MOST : wanted > GREEKS_LEAST ? wanted : GREEKS_LEAST;
  uint64_t samples = most / (AT_ONCE * job->paths_per_sample) * AT_ONCE;
  if (samples == 0) samples = GREEKS_LEAST / job->paths_per_sample;
  assay_status status = lattice == &own ? assay_mc_lattice_dates_init(&own, job, true, err) : ASSAY_OK;
  if (status == ASSAY_OK && (status = work_init(&w, job, lattice, true, samples, err)) == ASSAY_OK) {
    status = add_paths(&w, job, samples, err, &sums, where);
    work_deinit(&w);
  }
  if (status == ASSAY_OK) {
    double off[GREEKS];
    rounding_of(&lattice->start, &job->option, off);
    *greeks = (assay_mc_greeks){greek_of(&sums, off, DELTA), greek_of(&sums, off, GAMMA), greek_of(&sums, off, VEGA),
                                greek_of(&sums, off, THETA), greek_of(&sums, off, RHO)};
    *paths = samples * job->paths_per_sample;
  }
  assay_mc_lattice_dates_deinit(&own);
  return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any payoff under any model, looked at after each step. What the faster kernels of asian.c and extremes.c cannot do comes here: jumps,
 * stochastic variance, and barriers and extremes that are watched at steps only.
 *
 * Merton: the number of a step's jumps by inverting the Poisson distribution. Heston: the quadratic-exponential scheme with martingale
 * correction (Andersen 2008, Simple and efficient simulation of the Heston stochastic volatility model; gamma1 = gamma2 = 1/2, psi_c =
 * 3/2).
 *
 * Greeks. Given variances and jumps, the shocks' part of ln S after step i is a Brownian motion at the time V_i (`spread`), and its end G
 * sqrt(V) is independent of the bridge to it. So whatever jumps or has a kink is differentiated after its expectation over G alone is taken
 * (conditional Monte Carlo), which is smooth:
 * - The density of the end, of a geometric average and of an extreme at the strike, hence gamma (homogeneity: it is the strike times that).
 *   An extreme of prices is beyond k once G is beyond its least u_i = (k - x_i) sqrt(V) / V_i + G.
 * - A barrier's payoff: G between the strike's and the barrier's number, the nearest of these u_i, which is Black's formula twice. u moves
 *   with all parameters, and as the nearest step changes, with a kink: gamma is the second difference of the expectation over G, with two
 *   minima more a step for the spots on both sides (MC_WALK_BUMP). The formula's own second derivative and the kink's part apart would not
 *   do: what the formula is worth at a kink is not what it is worth at the spot, and with early steps u moves fast.
 * - Arithmetic averages have no such formula; there the weight of asian.c stands, with V_i for the step's number.
 * Heston: derivatives of each step of the scheme by today's variance and by the step's length are carried along (the two branches of the
 * scheme agree in two moments where they meet, so what a path misses when it changes branch is of the order of the scheme's own error).
 * Merton: time also moves the number of jumps N; the score of that is N / T less its mean.
 */
#include "kernels/normal.h"

#include "kernels/montecarlo/sample.h"

/* Derivatives by one parameter: of the variance (Heston), and of ln S in two parts, the shocks' one with its variance. */
typedef struct walk_slope {
  R v, drift, shocks, spread;
} walk_slope;

typedef struct walk {
  R x, v;                   /* x in binary logarithms; v: variance (Heston) */
  R sum, logs, most, least; /* of S, x; extremes of x, the start included */
  /* For Greeks only: */
  R shocks, spread, jumps; /* the shocks' part of ln S, its variance given v and jumps; number of jumps */
  walk_slope by_v, by_dt;  /* Heston: by today's variance and the length of a step */
  /* Sums for averages: of S (the arithmetic one; else of 1) times the step's number, V, V^2, d ln S by deviation (x deviation) or variance,
   * and by the length of a step. */
  R sum_step, sum_spread, sum_spread2, sum_v, sum_dt;
  R at_step, at_v, at_dt;       /* where the extreme is */
  R near, near_more, near_less; /* the least (k - x_i) / V_i, signs changed below; and when k is a little off */
  R near_inverse, near_step;    /* there: 1 / V, step / V */
  R near_v, near_dt;            /* there: (d ln S + near dV) / V; under GBM and Merton the shocks / V */
} walk;

FUNCTION walk_slope slope_none(void) {
  walk_slope s;
  s.v = s.drift = s.shocks = s.spread = ALL(0);
  return s;
}

FUNCTION walk walk_begin(const mc_path_params p) {
  walk a;
  a.x = a.sum = a.logs = a.most = a.least = a.shocks = a.spread = a.jumps = ALL(0);
  a.v = ALL(p.model[0]);
  a.by_v = a.by_dt = slope_none();
  a.by_v.v = ALL(1);
  a.sum_step = a.sum_spread = a.sum_spread2 = a.sum_v = a.sum_dt = a.at_step = a.at_v = a.at_dt = ALL(0);
  a.near = a.near_more = a.near_less = ALL(RC(1e30));
  a.near_inverse = a.near_step = a.near_v = a.near_dt = ALL(0);
  return a;
}

FUNCTION R jumps_of(const mc_path_params p, R u, R z, R *number) {
  real each = (real)p.model[0], term = (real)p.model[1], sum = term;
  R count = ALL(0);
  for (u32 k = 1; k <= p.jumps; k++) {
    count = count + SELECT(u > ALL(sum), ALL(1), ALL(0));
    term *= each / (real)k;
    sum += term;
  }
  *number = count;
  return FMA(count, ALL(p.model[2]), SQRT(count) * z * (real)p.model[3]);
}

/* So little spread that the shock is lost in the rounding of what it is added to, and so much that its inverse is a number. */
#if REAL_BITS == 32
#define LEAST_PSI RC(1e-20)
#define LEAST RC(1e-36)
#else
#define LEAST_PSI RC(1e-60)
#define LEAST RC(1e-200)
#endif

/* Of the next variance and K0 as functions of its mean m, of ln(m^2 / s^2), and of K2 + K3 / 2. */
typedef struct variance_slopes {
  R mean, v_mean, v_form, k_mean, k_form, k_bound, by_mean, by_s2;
  M is_corrected;
} variance_slopes;

/*
 * Variance after the step, and the constant of the logarithm's step that keeps the discounted price a martingale. A variance that nothing
 * spreads goes to its mean; so it stays at 0 once it is there when its mean in the long run is 0.
 */
FUNCTION R next_variance(const mc_path_params p, R v, R z, R u, R *k0, int greeks, variance_slopes *slopes) {
  real k1 = (real)p.model[4], k2 = (real)p.model[5], k3 = (real)p.model[6], a_bound = k2 + RC(0.5) * k3;
  R one = ALL(1);
  R mean = FMA(v, ALL(p.model[1]), ALL(p.model[7])), m = MAX(mean, ALL(RC(1e-10)));
  R s2 = FMA(v, ALL(p.model[2]), ALL(p.model[3]));
  R psi = MAX(s2 / (m * m), ALL(LEAST_PSI));
  /* Quadratic: a (b + z)^2. */
  R inverse = ALL(2) / psi, root = MAX(inverse - one, ALL(0));
  R both = SQRT(inverse) * SQRT(root), b2 = root + both, a = m / (one + b2), b_alone = SQRT(b2), b = b_alone + z;
  R quadratic = a * b * b;
  R room = FMA(a, ALL(RC(-2.0) * a_bound), one);
  /* Exponential: 0 with probability 1 - tail, else exponential with the mean 1 / beta. */
  R tail = ALL(2) / (psi + one), beta = tail / m;
  R exponential = SELECT(u < tail, r_log(MAX(tail / u, one)) / beta, ALL(0));
  R moment = (one - tail) + beta * tail / (beta - a_bound);
  M is_quadratic = psi <= RC(1.5);
  R logarithm = r_log(MAX(SELECT(is_quadratic, room, moment), ALL(RC(1e-30))));
  R quadratic_k0 = FMA(logarithm, ALL(RC(0.5)), -(b2 * a * a_bound) / room);
  /* Where the moment does not exist, the constant without correction: -rho kappa theta dt / xi. */
  R room_left = SELECT(is_quadratic, room, beta - a_bound);
  R now = v * (k1 + RC(0.5) * k3), corrected = SELECT(is_quadratic, quadratic_k0, -logarithm) - now;
  M is_spread = s2 > RC(0.0), is_corrected = room_left > RC(0.0);
  *k0 = SELECT(is_spread, SELECT(is_corrected, corrected, ALL(p.uncorrected)), -(mean * a_bound) - now);
  R next = SELECT(is_spread, SELECT(is_quadratic, quadratic, exponential), mean);
  if (greeks) {
    /* Of two branches one is taken, so they share their divisions. */
    R half_tail = RC(0.5) * tail;
    R inverse_room = one / SELECT(is_quadratic, room, beta - a_bound);
    R other = one / SELECT(is_quadratic, both * b_alone, MAX(moment, ALL(RC(1e-30))));
    R inverse_ms = one / MAX(m * s2, ALL(LEAST)), by_mean = s2 * inverse_ms;
    R share = a * by_mean, t = FMA(inverse, (inverse - RC(0.5)) * (b_alone * other), inverse); /* 1 / (1 + b^2); d b^2 / d ln(2 / psi) */
    R at = a * t, q = inverse_room * a_bound, k_a = (q * q) * (a - m) * RC(2.0);
    R v_form = at * b * FMA(-share, b, both * other);
    R ratio = beta * inverse_room, q2 = q * q;
    R v_form_e = SELECT(u < tail, (one - half_tail) * FMA(RC(0.5) * m, psi + one, -exponential), ALL(0));
    slopes->v_mean = SELECT(is_spread, SELECT(is_quadratic, share * b * b, exponential * by_mean), one);
    slopes->v_form = SELECT(is_spread, SELECT(is_quadratic, v_form, v_form_e), ALL(0));
    slopes->k_mean = SELECT(is_spread, SELECT(is_quadratic, FMA(k_a, share, -q), ratio * ratio * other * -a_bound), ALL(-a_bound));
    slopes->k_form = SELECT(is_spread, SELECT(is_quadratic, -(k_a * at) * share, (one - half_tail) * tail * q2 * other), ALL(0));
    R k_bound = -inverse_room * FMA((a * q) * RC(2.0), m - a, m);
    slopes->k_bound = SELECT(is_spread, SELECT(is_quadratic, k_bound, -(tail * inverse_room) * (ratio * other)), -mean);
    slopes->mean = mean;
    slopes->by_mean = by_mean;
    slopes->by_s2 = m * inverse_ms;
    slopes->is_corrected = is_corrected | (s2 <= RC(0.0));
  }
  return next;
}

/*
 * How a step of Heston's scheme moves with a parameter that moves the variance before it by s->v, its mean by more_mean, its square
 * deviation by more_s2, and K0's constant by more_k0; `bound` and `k` move K2 + K3 / 2 and K1 = K2, `k3` K3.
 */
FUNCTION void slope_step(walk_slope *s, const mc_path_params p, const variance_slopes *n, R v, R next, R by_spread, R shock, R more_mean,
                         R more_s2, real bound, real k, real k3, real uncorrected, int of_path) {
  real k1 = (real)p.model[4], k2 = (real)p.model[5], both = (real)p.model[6], now = k1 + RC(0.5) * both;
  R mean = FMA(s->v, ALL(p.model[1]), more_mean), s2 = FMA(s->v, ALL(p.model[2]), more_s2);
  R form = FMA(mean * RC(2.0), n->by_mean, -(s2 * n->by_s2));
  R v_next = FMA(n->v_mean, mean, n->v_form * form);
  R k0 = FMA(n->k_mean, mean, FMA(n->k_form, form, FMA(n->k_bound, ALL(bound), -FMA(s->v, ALL(now), v * bound))));
  k0 = SELECT(n->is_corrected, k0, ALL(uncorrected));
  R drift = k0 + FMA(s->v, ALL(k1), FMA(v_next, ALL(k2), (v + next) * k));
  R wider = FMA(s->v + v_next, ALL(both), (v + next) * k3);
  s->drift = s->drift + drift;
  s->spread = s->spread + wider;
  if (of_path) s->shocks = FMA(shock * by_spread, wider * RC(0.5), s->shocks);
  s->v = v_next;
}

/* Looks at a barrier for `near` above. Under GBM what else is needed there follows from these. */
FUNCTION void walk_near(walk *a, const mc_path_params p, R near, R inverse, R step, R v, R dt) {
  R apart = inverse * (real)p.bump;
  M nearer = near < a->near;
  a->near_more = MIN(near + apart, a->near_more);
  a->near_less = MIN(near - apart, a->near_less);
  a->near_inverse = SELECT(nearer, inverse, a->near_inverse);
  if (p.walk_model == MC_WALK_MERTON) a->near_v = SELECT(nearer, v * inverse, a->near_v);
  if (p.walk_model == MC_WALK_HESTON) {
    R signed_near = p.kind & MC_WALK_UP ? near : -near;
    a->near_step = SELECT(nearer, step * inverse, a->near_step);
    a->near_v = SELECT(nearer, FMA(signed_near, a->by_v.spread, v) * inverse, a->near_v);
    a->near_dt = SELECT(nearer, FMA(signed_near, a->by_dt.spread, dt) * inverse, a->near_dt);
  }
  a->near = MIN(near, a->near);
}

/* What the payoff's derivatives need of the price after a step. */
FUNCTION void walk_look(walk *a, const mc_path_params p, u32 number, R price) {
  u32 payoff = p.kind & MC_WALK_PAYOFF;
  int heston = p.walk_model == MC_WALK_HESTON, up = p.kind & MC_WALK_UP;
  if (payoff == MC_WALK_END || payoff == MC_WALK_DIGITAL) return;
  R step = ALL((real)number);
  R v = heston ? a->by_v.drift + a->by_v.shocks : a->shocks, dt = heston ? a->by_dt.drift + a->by_dt.shocks : ALL(0);
  if (payoff == MC_WALK_ARITHMETIC) {
    R spread = price * a->spread;
    a->sum_spread = a->sum_spread + spread;
    a->sum_spread2 = FMA(spread, a->spread, a->sum_spread2);
    a->sum_step = FMA(price, step, a->sum_step);
    a->sum_v = FMA(price, v, a->sum_v);
    if (heston) a->sum_dt = FMA(price, dt, a->sum_dt);
  }
  if (payoff == MC_WALK_GEOMETRIC) {
    a->sum_spread = a->sum_spread + a->spread;
    a->sum_v = a->sum_v + v;
    a->sum_dt = a->sum_dt + dt;
  }
  if (payoff == MC_WALK_LOOKBACK) {
    M further = up ? a->x > a->most : a->x < a->least;
    a->at_step = SELECT(further, step, a->at_step);
    if (p.walk_model != MC_WALK_GBM) a->at_v = SELECT(further, v, a->at_v);
    if (heston) a->at_dt = SELECT(further, dt, a->at_dt);
  }
  if (payoff == MC_WALK_BARRIER || (payoff == MC_WALK_LOOKBACK && !(p.kind & MC_WALK_FLOATING))) {
    real each = (real)p.width * LN2;
    R inverse = heston ? ALL(1) / MAX(a->spread, ALL(LEAST)) : ALL(RC(1.0) / (each * each * (real)number));
    R near = (ALL(payoff == MC_WALK_BARRIER ? p.barrier : p.level) - a->x) * (inverse * (up ? LN2 : -LN2));
    if (payoff == MC_WALK_BARRIER) {
      walk_near(a, p, near, inverse, step, v, dt);
    } else {
      a->near_inverse = SELECT(near < a->near, inverse, a->near_inverse);
      a->near = MIN(near, a->near);
    }
  }
}

/* z: shock of the price (and of nothing else under GBM); z2: of jumps or variance; u uniform. */
FUNCTION void walk_step(walk *a, const mc_path_params p, R z, R z2, R u, u32 number, int greeks) {
  u32 payoff = p.kind & MC_WALK_PAYOFF;
  if (p.walk_model == MC_WALK_HESTON) {
    variance_slopes slopes;
    R k0, v = next_variance(p, a->v, z2, u, &k0, greeks, &slopes);
    R both = a->v + v, spread = both * (real)p.model[6], shock = SQRT(spread) * z;
    R step = k0 + FMA(a->v, ALL(p.model[4]), FMA(v, ALL(p.model[5]), shock));
    a->x = a->x + FMA(step, ALL(RC(1.0) / LN2), ALL(p.drift));
    if (greeks) {
      int of_path = payoff > MC_WALK_DIGITAL;
      R by_spread = of_path ? SELECT(spread > RC(0.0), ALL(1) / MAX(spread, ALL(LEAST)), ALL(0)) : ALL(0), none = ALL(0);
      R more_mean = FMA(a->v, ALL(p.by_dt[0]), ALL(p.by_dt[1])), more_s2 = FMA(a->v, ALL(p.by_dt[2]), ALL(p.by_dt[3]));
      slope_step(&a->by_v, p, &slopes, a->v, v, by_spread, shock, none, none, RC(0.0), RC(0.0), RC(0.0), RC(0.0), of_path);
      slope_step(&a->by_dt, p, &slopes, a->v, v, by_spread, shock, more_mean, more_s2, (real)p.by_dt[4], (real)p.by_dt[5], (real)p.by_dt[6],
                 (real)p.by_dt[7], of_path);
      a->shocks = a->shocks + shock;
      a->spread = a->spread + spread;
    }
    a->v = v;
  } else {
    a->x = FMA(ALL(p.width), z, a->x + ALL(p.drift));
    if (p.walk_model == MC_WALK_MERTON) {
      R count, jump = jumps_of(p, u, z2, &count);
      a->x = a->x + jump;
      if (greeks) a->jumps = a->jumps + count;
    }
    /* Without jumps the end tells them, and what is not an average needs them nowhere else. */
    if (greeks && (p.walk_model == MC_WALK_MERTON || payoff == MC_WALK_ARITHMETIC || payoff == MC_WALK_GEOMETRIC)) {
      real each = (real)p.width * LN2;
      a->shocks = FMA(ALL(each), z, a->shocks);
      a->spread = ALL(each * each * (real)number);
    }
  }
  /* Far out only by an extreme draw of the variance; the price is limited to where single precision has it. */
  if (p.walk_model != MC_WALK_GBM) a->x = MIN(MAX(a->x, ALL(-120)), ALL(120));
  R price = ALL(0);
  if (p.kind & MC_WALK_AVERAGE) {
    price = r_exp2_plain(a->x);
    a->sum = a->sum + price;
  }
  if (greeks) walk_look(a, p, number, price);
  if (payoff == MC_WALK_GEOMETRIC) a->logs = a->logs + a->x;
  if (payoff == MC_WALK_LOOKBACK || (payoff == MC_WALK_BARRIER && !greeks)) {
    a->most = MAX(a->most, a->x);
    a->least = MIN(a->least, a->x);
  }
}

/* Beyond so many deviations there is nothing: 6e-16. */
#define FAR RC(8.0)
FUNCTION R bounded(R x) { return MIN(MAX(x, ALL(-FAR)), ALL(FAR)); }
FUNCTION R density(R x) {
  R limited = bounded(x);
  return SELECT(r_abs(x) < FAR, r_exp(limited * limited * RC(-0.5)) * RC(0.39894228040143267794), ALL(0));
}

FUNCTION R cdf_and_density(R x, R *bell) {
  R above, slope, below, limited = bounded(x), height = r_exp(limited * limited * RC(-0.5)) * RC(0.39894228040143267794);
  r_mills_parts(r_abs(limited), &above, &slope, &below);
  R tail = height * (above / below);
  *bell = SELECT(r_abs(x) < FAR, height, ALL(0));
  return SELECT(x > RC(0.0), RC(1.0) - tail, tail);
}

/* ln S at the end, given all but G: drift + root G. */
typedef struct walk_law {
  R drift, root, inverse, g;
} walk_law;

FUNCTION walk_law law_of(const mc_path_params p, const walk *a) {
  walk_law l;
  l.drift = a->x * LN2 - a->shocks;
  if (p.walk_model == MC_WALK_HESTON) {
    l.root = SQRT(MAX(a->spread, ALL(LEAST)));
    l.inverse = ALL(1) / l.root;
  } else {
    l.root = ALL(p.deviation);
    l.inverse = ALL(RC(1.0) / (real)p.deviation);
  }
  l.g = a->shocks * l.inverse;
  return l;
}

/* The chance that G is beyond a limit, as the underlying counts it and as money does. */
typedef struct walk_tail {
  R underlying, money, bell; /* bell: the density at the limit */
} walk_tail;

FUNCTION walk_tail tail_of(const mc_path_params p, R root, R limit) {
  walk_tail t;
  R unused, below = cdf_and_density(limit, &t.bell), below1 = cdf_and_density(bounded(limit) - root, &unused);
  int call = p.scale > 0;
  t.underlying = call ? ALL(1) - below1 : below1;
  t.money = call ? ALL(1) - below : below;
  return t;
}

/* Second difference of what the tail is worth, between the spots on both sides. Not of the worths: rounded, they have too few digits left
 * in single precision. */
FUNCTION R twice_differed(const mc_path_params p, R forward, walk_tail lower, walk_tail tail, walk_tail higher) {
  R moved = FMA(ALL(p.bump_up), higher.underlying, lower.underlying * (real)p.bump_down);
  R underlying = moved + ((higher.underlying - tail.underlying) + (lower.underlying - tail.underlying));
  R money = (higher.money - tail.money) + (lower.money - tail.money);
  return FMA(ALL(p.shift), money, forward * underlying) * (real)(1.0 / (p.bump * p.bump));
}

/*
 * Barriers: the expectation over G of what is paid, and its derivatives. The tail beyond the strike's number or the barrier's, whichever is
 * further out, is what is paid where the barrier is on the side of the payoff that is worth nothing, and what is missing where it is not.
 * Where it is the strike's for all three spots, its second derivative is known: a rounded difference would be the same off for every path.
 */
FUNCTION void barrier_greeks(mc_sample *out, const mc_path_params p, walk a, walk_law l) {
  int up = (p.kind & MC_WALK_UP) != 0, call = p.scale > 0, instead = call != up;
  R nothing = ALL(0), shift = ALL(p.shift), scale = ALL(p.scale);
  real side = up ? RC(1.0) : RC(-1.0);
  R k = (ALL(p.level * LN2) - l.drift) * l.inverse, u = FMA(a.near * side, l.root, l.g);
  M inside = call ? u > k : u < k;
  R forward = scale * r_exp(FMA(l.root * l.root, ALL(RC(0.5)), l.drift));
  walk_tail plain = tail_of(p, l.root, k), tail = tail_of(p, l.root, SELECT(inside, u, k));
  R plain_underlying = forward * plain.underlying, plain_all = FMA(shift, plain.money, plain_underlying);
  R tail_underlying = forward * tail.underlying, tail_all = FMA(shift, tail.money, tail_underlying);
  /* The same tail when the spot is a little higher or lower: drift, strike and barrier move, and with them which step is the nearest. */
  R apart = l.inverse * (real)p.bump;
  R higher_u = FMA((up ? a.near_less : a.near_more) * side, l.root, l.g), higher_k = k - apart;
  R lower_u = FMA((up ? a.near_more : a.near_less) * side, l.root, l.g), lower_k = k + apart;
  M higher_inside = call ? higher_u > higher_k : higher_u < higher_k, lower_inside = call ? lower_u > lower_k : lower_u < lower_k;
  walk_tail higher = tail_of(p, l.root, SELECT(higher_inside, higher_u, higher_k));
  walk_tail lower = tail_of(p, l.root, SELECT(lower_inside, lower_u, lower_k));

  R strike_bell = plain.bell * (call ? -(real)p.shift : (real)p.shift);
  R at_strike = instead ? SELECT(inside, nothing, strike_bell) : SELECT(inside, strike_bell, nothing);
  R barrier_bell = SELECT(inside, tail.bell, nothing) * side;
  R at_barrier = scale * r_exp(FMA(l.root, bounded(u), l.drift)),
    jump = (at_barrier + shift) * barrier_bell; /* paid there, times density */
  R value = instead ? tail_all : plain_all - tail_all, by_drift = instead ? tail_underlying : plain_underlying - tail_underlying;
  R by_root = FMA(l.root, by_drift, at_strike) - at_barrier * barrier_bell;
  R delta = FMA(jump, -(l.root * a.near_inverse), by_drift);
  R plain_gamma = strike_bell * l.inverse;
  R twice = SELECT(lower_inside | inside | higher_inside, twice_differed(p, forward, lower, tail, higher), plain_gamma + plain_underlying);
  R gamma = instead ? twice - delta : plain_gamma - (twice - (plain_underlying - delta));
  R near_step = p.walk_model == MC_WALK_HESTON ? l.root * a.near_step * (RC(1.0) / (real)p.steps) : l.inverse;
  R mean = FMA(-jump, near_step, by_drift);
  R near = a.near * side, deviation, dt = nothing;
  if (p.kind & MC_WALK_IN) {
    value = plain_all - value;
    delta = plain_underlying - delta;
    mean = plain_underlying - mean;
    gamma = plain_gamma - gamma;
    by_drift = plain_underlying - by_drift;
    by_root = FMA(l.root, plain_underlying, strike_bell) - by_root;
    jump = -jump;
  }
  if (p.walk_model == MC_WALK_HESTON) {
    R half = l.inverse * RC(0.5), back = FMA(-l.g, l.inverse, near) * half;
    R u_v = FMA(a.by_v.spread, back, FMA(a.by_v.shocks, l.inverse, -(l.root * a.near_v)));
    R u_dt = FMA(a.by_dt.spread, back, FMA(a.by_dt.shocks, l.inverse, -(l.root * a.near_dt)));
    deviation = FMA(by_drift, a.by_v.drift, FMA(by_root, a.by_v.spread * half, jump * u_v));
    dt = FMA(by_drift, a.by_dt.drift, FMA(by_root, a.by_dt.spread * half, jump * u_dt));
  } else {
    real each = (real)p.width * LN2;
    R shocks =
        p.walk_model == MC_WALK_GBM ? FMA(a.near_inverse, ALL(p.barrier * LN2), -near) - (real)p.drift / (real)p.width / each : a.near_v;
    deviation = FMA(jump, -(shocks + near), by_root);
  }
  out->delta = delta;
  out->gamma = gamma;
  out->mean = mean;
  out->deviation = deviation;
  out->time = p.walk_model == MC_WALK_MERTON ? value * FMA(a.jumps, ALL(p.model[5]), ALL(-p.model[4])) : dt;
}

/* What is paid beyond the strike when ln S at the end, or ln of an average, has this law. */
FUNCTION void walk_greeks(mc_sample *out, const mc_path_params p, walk a, R end, R looked_at, R paid) {
  u32 payoff = p.kind & MC_WALK_PAYOFF;
  int heston = p.walk_model == MC_WALK_HESTON, floating = p.kind & MC_WALK_FLOATING;
  if (p.walk_model == MC_WALK_GBM) a.shocks = a.x * LN2 - (real)p.mean;
  walk_law l = law_of(p, &a);
  if (payoff == MC_WALK_BARRIER) {
    barrier_greeks(out, p, a, l);
    return;
  }
  real n = (real)p.steps, one_nth = RC(1.0) / n, by_deviation = RC(1.0) / (real)p.deviation, level = (real)(p.level * LN2);
  real strike_size = p.scale > 0 ? -(real)p.shift : (real)p.shift;
  R nothing = ALL(0), dt = nothing;
  R moved = paid * (real)p.scale * looked_at; /* the payoff is homogeneous in the spot and what was shifted */
  out->delta = floating ? out->payoff : moved;
  if (payoff == MC_WALK_END || payoff == MC_WALK_DIGITAL) {
    R k = (ALL(level) - l.drift) * l.inverse, half = (a.shocks * l.inverse) * (l.inverse * RC(0.5));
    if (payoff == MC_WALK_DIGITAL && p.walk_model == MC_WALK_GBM) { /* the expectation would be the whole price */
      R score = l.g * l.inverse;
      out->delta = out->mean = out->payoff * score;
      out->gamma = out->payoff * (FMA(score, score, -(l.inverse * l.inverse)) - score);
      out->deviation = out->payoff * ((l.g * l.g - RC(1.0)) * l.inverse);
      return;
    }
    R bell = density(k);
    if (payoff == MC_WALK_DIGITAL) {
      moved = bell * l.inverse * (p.scale > 0 ? (real)p.payout : -(real)p.payout);
      out->delta = moved;
      out->gamma = moved * (k * l.inverse - RC(1.0));
      half = (k * l.inverse) * RC(0.5);
    } else {
      out->gamma = bell * l.inverse * strike_size;
    }
    out->mean = moved;
    if (heston) {
      out->deviation = moved * FMA(half, a.by_v.spread, a.by_v.drift);
      dt = moved * FMA(half, a.by_dt.spread, a.by_dt.drift);
    } else {
      out->deviation = moved * half * (RC(2.0) * (real)p.deviation);
    }
  } else {
    real each = heston ? RC(1.0) : by_deviation; /* what `v` was not divided by */
    R v = heston ? a.by_v.drift + a.by_v.shocks : a.shocks;
    if (payoff == MC_WALK_ARITHMETIC) {
      R paid_scale = paid * ((real)p.scale * one_nth), ratio = a.sum / a.sum_spread;
      out->mean = paid_scale * a.sum_step * one_nth;
      out->deviation = paid_scale * a.sum_v * each;
      dt = paid_scale * a.sum_dt;
      out->gamma = paid * -(real)p.shift * FMA(ratio, a.shocks + a.sum_spread2 / a.sum_spread, ALL(-1));
    } else if (payoff == MC_WALK_GEOMETRIC) {
      R inverse = l.root * n / a.sum_spread; /* of the deviation */
      R k = FMA(FMA(a.logs, ALL(-one_nth * LN2), ALL(level)), inverse, l.g);
      out->mean = moved * ((n + RC(1.0)) * RC(0.5) * one_nth);
      out->deviation = moved * a.sum_v * (one_nth * each);
      dt = moved * a.sum_dt * one_nth;
      out->gamma = density(k) * inverse * strike_size;
    } else {
      R at = p.walk_model == MC_WALK_GBM ? (p.kind & MC_WALK_UP ? a.most : a.least) * LN2 - a.at_step * ((real)p.mean * one_nth) : a.at_v;
      out->mean = moved * a.at_step * one_nth;
      out->deviation = moved * at * each;
      dt = moved * a.at_dt;
      if (floating) {
        R by_end = paid * (real)p.scale * end;
        out->mean = by_end - out->mean;
        out->deviation = by_end * v * each - out->deviation;
        dt = by_end * (a.by_dt.drift + a.by_dt.shocks) - dt;
      } else if (p.kind & MC_WALK_UP ? p.level > 0 : p.level < 0) {
        R k = FMA(a.near * (p.kind & MC_WALK_UP ? RC(1.0) : RC(-1.0)), l.root, l.g);
        out->gamma = density(k) * (l.root * a.near_inverse) * strike_size;
      }
    }
  }
  out->time = p.walk_model == MC_WALK_MERTON ? out->payoff * FMA(a.jumps, ALL(p.model[5]), ALL(-p.model[4])) : dt;
}

FUNCTION mc_sample walk_end(const mc_path_params p, walk a, int greeks) {
  mc_sample out;
  R nothing = ALL(0), scale = ALL(p.scale), shift = ALL(p.shift), end = r_exp2_plain(a.x);
  u32 payoff = p.kind & MC_WALK_PAYOFF;
  out.delta = out.mean = out.deviation = out.gamma = out.time = nothing;
  out.control = end;
  R looked_at = end;
  if (payoff == MC_WALK_ARITHMETIC) looked_at = a.sum * (RC(1.0) / (real)p.steps);
  if (payoff == MC_WALK_GEOMETRIC) looked_at = r_exp2_plain(a.logs * (RC(1.0) / (real)p.steps));
  if (payoff == MC_WALK_LOOKBACK) looked_at = r_exp2_plain(p.kind & MC_WALK_UP ? a.most : a.least);
  R in_money = FMA(scale, looked_at, shift);
  if (p.kind & MC_WALK_FLOATING) in_money = scale * (end - looked_at);
  R paid = SELECT(in_money > RC(0.0), ALL(1), nothing);
  out.payoff = MAX(in_money, nothing);
  if (payoff == MC_WALK_DIGITAL) out.payoff = paid * (real)p.payout;
  if (payoff == MC_WALK_BARRIER) {
    out.control = out.payoff;
    M touched = greeks ? a.near <= RC(0.0) : p.kind & MC_WALK_UP ? a.most >= ALL(p.barrier) : a.least <= ALL(p.barrier);
    R pays_then = p.kind & MC_WALK_IN ? out.payoff : nothing, pays_else = p.kind & MC_WALK_IN ? nothing : out.payoff;
    out.payoff = SELECT(touched, pays_then, pays_else);
  }
  if (greeks) walk_greeks(&out, p, a, end, looked_at, paid);
  return out;
}

/* What is random about a step; z keeps a block's shocks between the steps that it is for. */
FUNCTION void step_random(const mc_path_params p, GLOBAL const real *given, u64 sample, u32 step, R z[BLOCK], R *shock, R *second, R *u) {
  *second = ALL(0);
  *u = ALL(RC(0.5));
  if (p.walk_model == MC_WALK_GBM) {
    u32 k = step % BLOCK;
    if (k == 0) block_shocks(p, given, sample, step / BLOCK, p.steps - step, z);
    *shock = k == 0 ? z[0] : k == 1 ? z[1] : k == 2 ? z[2] : z[3];
  } else if (p.given) {
    GLOBAL const real *row = given + step * p.stride + (sample - p.first), *next = row + p.steps * p.stride;
    *shock = LOAD(row, 0);
    if (p.walk_model == MC_WALK_HESTON) { /* of the two branches one is taken, so one number will do for both */
      *second = LOAD(next, 0);
      *u = MAX(r_normal_cdf(-*second), ALL(RC(1e-30)));
    } else {
      *u = LOAD(next, 0);
      *second = r_normal_inverse(LOAD(next, p.steps * p.stride));
    }
  } else {
    W words[4];
    block_words(p, sample, step, 0, words);
    box_muller(words[0], words[1], shock, second);
    *u = random_uniform(words[2]);
  }
}

FUNCTION void pair_step(walk *a, walk *mirror, const mc_path_params p, R shock, R second, R u, u32 number, int greeks) {
  walk_step(a, p, shock, second, u, number, greeks);
  if (p.antithetic) walk_step(mirror, p, -shock, -second, u, number, greeks);
}

/*
 * In lanes the random numbers of some steps are made before any is used, or, where a path is one step, of some draws: from a counter to
 * what a step needs is a chain of which a processor cannot look past the end (random.h). Not for a price under other models: there a step
 * is a chain of its own, from variance to variance, and short enough that what the next one needs is made beside it.
 */
#if LANES > 1
typedef struct walk_ahead {
  R shock[BLOCK * RANDOM_AT_ONCE], second[RANDOM_AT_ONCE], u[RANDOM_AT_ONCE];
} walk_ahead;

FUNCTION int walk_is_ahead(const mc_path_params p, int greeks) {
  return !p.given && (greeks || p.walk_model == MC_WALK_GBM || p.steps == 1);
}

/* Those of step `step` and the next ones, or of samples `apart` from each other. */
FUNCTION void walk_go_ahead(walk_ahead *ahead, const mc_path_params p, u64 sample, u64 apart, u32 step, u32 count) {
  W words[RANDOM_AT_ONCE][4];
  for (u32 k = 0; k < count; k++) block_words(p, sample + k * apart, apart ? step : step + k, 0, words[k]);
  for (u32 k = 0; k < count; k++) {
    box_muller(words[k][0], words[k][1], &ahead->shock[k], &ahead->second[k]);
    ahead->u[k] = random_uniform(words[k][2]);
  }
}

/* Before draw number `draw`: a path of one step finds its numbers there. */
FUNCTION void walk_draws_ahead(walk_ahead *ahead, const mc_path_params p, u64 sample, u32 draw, int greeks) {
  if (p.steps > 1 || draw % RANDOM_AT_ONCE != 0 || !walk_is_ahead(p, greeks)) return;
  walk_go_ahead(ahead, p, sample, (u64)p.groups * GROUP_SIZE, 0, p.draws - draw < RANDOM_AT_ONCE ? p.draws - draw : RANDOM_AT_ONCE);
}

FUNCTION void walk_steps_ahead(walk *a, walk *mirror, walk_ahead *ahead, const mc_path_params p, u64 sample, u32 draw, int greeks) {
  if (p.steps == 1) {
    u32 k = draw % RANDOM_AT_ONCE;
    pair_step(a, mirror, p, ahead->shock[k], ahead->second[k], ahead->u[k], 1, greeks);
    return;
  }
  int gbm = p.walk_model == MC_WALK_GBM;
  u32 at_once = gbm ? BLOCK * RANDOM_AT_ONCE : RANDOM_AT_ONCE;
  for (u32 first = 0; first < p.steps; first += at_once) {
    u32 count = p.steps - first < at_once ? p.steps - first : at_once;
    if (gbm) {
      random_many_normals(LANE((u32)sample), first / BLOCK, (u32)(sample >> 32), 0, p.key, (count + BLOCK - 1) / BLOCK, ahead->shock);
    } else {
      walk_go_ahead(ahead, p, sample, 0, first, count);
    }
    for (u32 k = 0; k < count; k++) {
      R second = gbm ? ALL(0) : ahead->second[k], u = gbm ? ALL(0) : ahead->u[k];
      pair_step(a, mirror, p, ahead->shock[k], second, u, first + k + 1, greeks);
    }
  }
}
#else
typedef struct walk_ahead {
  u32 unused;
} walk_ahead;
#define walk_is_ahead(p, greeks) 0
#define walk_draws_ahead(ahead, p, sample, draw, greeks) ((void)0)
#define walk_steps_ahead(a, mirror, ahead, p, sample, draw, greeks) ((void)(ahead), (void)(draw))
#endif

FUNCTION mc_sample walk_path(const mc_path_params p, GLOBAL const real *given, u64 sample, u32 draw, walk_ahead *ahead, int greeks) {
  R z[BLOCK];
  no_shocks(z);
  walk a = walk_begin(p), mirror = a;
  if (walk_is_ahead(p, greeks)) {
    walk_steps_ahead(&a, &mirror, ahead, p, sample, draw, greeks);
    mc_sample out = walk_end(p, a, greeks);
    return p.antithetic ? sample_mean(out, walk_end(p, mirror, greeks)) : out;
  }
  for (u32 step = 0; step < p.steps; step++) {
    R shock, second, u;
    step_random(p, given, sample, step, z, &shock, &second, &u);
    pair_step(&a, &mirror, p, shock, second, u, step + 1, greeks);
  }
  mc_sample out = walk_end(p, a, greeks);
  return p.antithetic ? sample_mean(out, walk_end(p, mirror, greeks)) : out;
}

/* A walk whose model and payoff, within some, are known where it is compiled: registers are few, and often little of a walk is needed. */
FUNCTION mc_sample walk_known(const mc_path_params p, GLOBAL const real *given, u64 sample, u32 draw, walk_ahead *ahead, int greeks,
                              u32 model, u32 payoff_bits, u32 payoff) {
  mc_path_params known = p;
  known.walk_model = model;
  known.kind = (p.kind & ~payoff_bits) | payoff;
  return walk_path(known, given, sample, draw, ahead, greeks);
}

FUNCTION mc_sample walk_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, u32 draw, walk_ahead *ahead, int greeks) {
  walk_draws_ahead(ahead, p, sample, draw, greeks);
  const u32 all_but_digital = MC_WALK_PAYOFF & ~MC_WALK_DIGITAL;
  u32 payoff = p.kind & MC_WALK_PAYOFF;
  if (greeks && p.walk_model == MC_WALK_MERTON && payoff <= MC_WALK_DIGITAL)
    return walk_known(p, given, sample, draw, ahead, greeks, MC_WALK_MERTON, all_but_digital, MC_WALK_END);
  if (p.walk_model != MC_WALK_GBM) return walk_path(p, given, sample, draw, ahead, greeks);
  if (greeks && payoff <= MC_WALK_DIGITAL)
    return walk_known(p, given, sample, draw, ahead, greeks, MC_WALK_GBM, all_but_digital, MC_WALK_END);
  if (greeks && payoff == MC_WALK_BARRIER)
    return walk_known(p, given, sample, draw, ahead, greeks, MC_WALK_GBM, MC_WALK_PAYOFF, MC_WALK_BARRIER);
  if (greeks && payoff == MC_WALK_LOOKBACK)
    return walk_known(p, given, sample, draw, ahead, greeks, MC_WALK_GBM, MC_WALK_PAYOFF, MC_WALK_LOOKBACK);
  return walk_known(p, given, sample, draw, ahead, greeks, MC_WALK_GBM, 0, 0);
}

MC_KERNEL_OF(mc_walk, MC_PRICE_SUMS, walk_ahead ahead, walk_sample(p, given, number, draw, &ahead, 0))
MC_KERNEL_OF(mc_walk_greeks, MC_WALK_GREEKS_SUMS, walk_ahead ahead, walk_sample(p, given, number, draw, &ahead, 1))

/* ---- Exercised early: `given` has the rule, and shocks that are given behind it (path.h) ------------------------------------------- */

/* What is paid is discounted. The control is the discounted underlying where the path stops, a martingale that is stopped (Rasmussen 2005):
 * its mean is the spot's. */
typedef struct exercise {
  R alive, payoff, control;
} exercise;

FUNCTION void exercise_step(exercise *e, const mc_path_params p, GLOBAL const real *rule, const walk *a) {
  GLOBAL const real *c = rule + MC_RULE_TERMS, *d = rule + MC_RULE_V_TERMS;
  R s = r_exp2_plain(a->x), pay = MAX(FMA(ALL(p.scale), s, ALL(p.shift)), ALL(0));
  R t = FMA(s, ALL(rule[MC_RULE_SLOPE]), ALL(rule[MC_RULE_SHIFT]));
  R going_on = FMA(FMA(FMA(ALL(c[3]), t, ALL(c[2])), t, ALL(c[1])), t, ALL(c[0]));
  if (p.walk_model == MC_WALK_HESTON) {
    R w = FMA(a->v, ALL(rule[MC_RULE_V_SLOPE]), ALL(rule[MC_RULE_V_SHIFT]));
    going_on = FMA(w, FMA(FMA(ALL(d[2]), t, ALL(d[1])), t, FMA(ALL(d[3]), w, ALL(d[0]))), going_on);
  }
  R stops = SELECT(pay >= MAX(going_on, ALL(RC(1e-30))), e->alive, ALL(0));
  e->alive = e->alive - stops;
  e->payoff = FMA(stops * rule[MC_RULE_DISCOUNT], pay, e->payoff);
  e->control = FMA(stops * rule[MC_RULE_CARRY], s, e->control);
}

FUNCTION mc_sample exercise_end(const mc_path_params p, GLOBAL const real *given, const exercise *e, const walk *a) {
  mc_sample out;
  out.payoff = e->payoff;
  out.control = FMA(e->alive * given[MC_RULE * (p.steps - 1) + MC_RULE_CARRY], r_exp2_plain(a->x), e->control);
  out.delta = out.mean = out.deviation = out.gamma = out.time = ALL(0);
  return out;
}

FUNCTION mc_sample exercise_sample(const mc_path_params p, GLOBAL const real *given, u64 sample, int greeks) {
  GLOBAL const real *shocks = given + MC_RULE * p.steps;
  R z[BLOCK];
  (void)greeks;
  no_shocks(z);
  walk a = walk_begin(p), mirror = a;
  exercise e, other;
  e.payoff = e.control = ALL(0);
  e.alive = ALL(1);
  other = e;
  for (u32 step = 0; step < p.steps; step++) {
    R shock, second, u;
    step_random(p, shocks, sample, step, z, &shock, &second, &u);
    walk_step(&a, p, shock, second, u, step + 1, 0);
    exercise_step(&e, p, given + MC_RULE * step, &a);
    if (p.antithetic) walk_step(&mirror, p, -shock, -second, u, step + 1, 0);
    if (p.antithetic) exercise_step(&other, p, given + MC_RULE * step, &mirror);
  }
  mc_sample out = exercise_end(p, given, &e, &a);
  return p.antithetic ? sample_mean(out, exercise_end(p, given, &other, &mirror)) : out;
}

MC_KERNEL(mc_exercise, MC_PRICE_SUMS, exercise_sample)

/* ---- Paths for whoever wants to see them ------------------------------------------------------------------------------------------- */

FUNCTION R path_value(const mc_path_params p, const walk *a) {
  if (p.kind & MC_PATHS_VARIANCES) return a->v;
  return p.kind & MC_PATHS_LOGARITHMS ? a->x : ALL(p.scale) * r_exp2_plain(a->x);
}

/* The prices on paths from p.first on: row s of `stride` reals is after step s (0: the start); a mirror
 * image is in the rows behind. */
KERNEL1(mc_paths, mc_path_params, GLOBAL real *, values) {
  ITEMS(i) {
    u64 column = (u64)GROUP * GROUP_SIZE + i, sample = p.first + column;
    R z[BLOCK];
    no_shocks(z);
    walk a = walk_begin(p), mirror = a;
    R start = p.kind & (MC_PATHS_LOGARITHMS | MC_PATHS_VARIANCES) ? path_value(p, &a) : ALL(p.scale);
    STORE(values, column, start);
    if (p.antithetic) STORE(values, (p.steps + 1) * p.stride + column, start);
    for (u32 step = 0; step < p.steps; step++) {
      R shock, second, u;
      step_random(p, values, sample, step, z, &shock, &second, &u);
      walk_step(&a, p, shock, second, u, step + 1, 0);
      STORE(values, (step + 1) * p.stride + column, path_value(p, &a));
      if (p.antithetic) {
        walk_step(&mirror, p, -shock, -second, u, step + 1, 0);
        STORE(values, (p.steps + 1 + step + 1) * p.stride + column, path_value(p, &mirror));
      }
    }
  }
}

/* The ends that european.c draws, in its order: row k has path NORMALS q + k of q = draw items + item; p.first is a multiple of a group. */
KERNEL1(mc_ends, mc_path_params, GLOBAL real *, values) {
  ITEMS(i) {
    u64 column = (u64)GROUP * GROUP_SIZE, number = p.first + column, items = (u64)p.groups * GROUP_SIZE;
    W words[4];
    R z[NORMALS];
    random_words(LANE((u32)(number % items) + i), (u32)(number / items), 0, 0, p.key, words);
    random_normals(words, z);
    for (int k = 0; k < NORMALS; k++) {
      STORE(values, k * p.stride + column + i, ALL(p.scale) * r_exp2_plain(ALL(p.drift)) * r_exp2_product(ALL(p.width), z[k]));
    }
  }
}

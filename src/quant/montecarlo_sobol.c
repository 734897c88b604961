/* SPDX-License-Identifier: MIT */
/*
 * Sobol points for options on paths: scrambled, turned into normals, and laid on the path by a Brownian bridge, so that the first and best
 * coordinates decide where it ends. They are made on the host and given to the same kernels as buffers of shocks.
 *
 * Direction numbers: the first 21 coordinates have those of Joe and Kuo (2008, Constructing Sobol sequences with better two-dimensional
 * projections, table new-joe-kuo-6). Later ones have primitive polynomials in ascending order, found here, and odd initial numbers drawn
 * from a fixed seed: each coordinate alone is as good, pairs of late ones are not optimised, and the bridge leaves them little to say.
 *
 * Scrambling: Owen's nested uniform scrambling by a hash of the bits above (Laine and Karras 2011, with the constants of Vegdahl 2021 as in
 * Burley 2020), with a seed a coordinate and replicate. Replicates are independent, and the standard error is theirs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <assay/stats.h>

#include "base/alloc.h"
#include "quant/montecarlo.h"

enum { BITS = 32, KNOWN = 20, REPLICATES = 16, ROWS_AT_ONCE = 4096 };

/* Coordinates 2 to 21: degree, inner coefficients of the polynomial, initial numbers. */
static const struct {
  uint8_t degree, inner, initial[7];
} known[KNOWN] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 3, 1}},
    {3, 2, {1, 1, 1}},
    {4, 1, {1, 1, 3, 3}},
    {4, 4, {1, 3, 5, 13}},
    {5, 2, {1, 1, 5, 5, 17}},
    {5, 4, {1, 1, 5, 5, 5}},
    {5, 7, {1, 1, 7, 11, 19}},
    {5, 11, {1, 1, 5, 1, 1}},
    {5, 13, {1, 1, 1, 3, 11}},
    {5, 14, {1, 3, 5, 5, 31}},
    {6, 1, {1, 3, 3, 9, 7, 49}},
    {6, 13, {1, 1, 1, 15, 21, 21}},
    {6, 16, {1, 3, 1, 13, 27, 49}},
    {6, 19, {1, 1, 1, 15, 7, 5}},
    {6, 22, {1, 3, 1, 15, 13, 25}},
    {6, 25, {1, 1, 5, 5, 19, 61}},
    {7, 1, {1, 3, 7, 11, 23, 15, 103}},
    {7, 4, {1, 3, 7, 13, 13, 15, 69}},
};

static uint32_t mix(uint32_t x) {
  x = (x ^ x >> 16) * 0x7FEB352Du;
  x = (x ^ x >> 15) * 0x846CA68Bu;
  return x ^ x >> 16;
}

/* Is x of order 2^degree - 1 modulo this polynomial over GF(2)? Tried by walking all of its powers: degrees are small. */
static bool is_primitive(uint32_t polynomial, int degree) {
  uint32_t power = 1, order = (1u << degree) - 1;
  for (uint32_t i = 1; i <= order; i++) {
    power <<= 1;
    if (power >> degree & 1) power ^= polynomial;
    if (power == 1) return i == order;
    if (power == 0) return false;
  }
  return false;
}

static void directions_of(int degree, uint32_t inner, const uint32_t *initial, uint32_t v[BITS]) {
  for (int i = 0; i < degree; i++) v[i] = initial[i] << (BITS - 1 - i);
  for (int i = degree; i < BITS; i++) {
    v[i] = v[i - degree] ^ v[i - degree] >> degree;
    for (int k = 1; k < degree; k++) v[i] ^= (inner >> (degree - 1 - k) & 1) * v[i - k];
  }
}

void assay_mc_sobol_directions(size_t coordinates, uint32_t (*v)[32]) {
  int degree = 7;
  uint32_t inner = 4;
  for (size_t c = 0; c < coordinates; c++) {
    uint32_t initial[20];
    if (c == 0) {
      for (int i = 0; i < BITS; i++) v[0][i] = 1u << (BITS - 1 - i);
    } else if (c <= KNOWN) {
      for (int i = 0; i < known[c - 1].degree; i++) initial[i] = known[c - 1].initial[i];
      directions_of(known[c - 1].degree, known[c - 1].inner, initial, v[c]);
    } else {
      do {
        if (++inner == 1u << (degree - 1)) inner = 0, degree++;
      } while (!is_primitive(1u << degree | inner << 1 | 1, degree));
      for (int i = 0; i < degree; i++) initial[i] = (mix((uint32_t)c * 64 + (uint32_t)i) & ((2u << i) - 1)) | 1;
      directions_of(degree, inner, initial, v[c]);
    }
  }
}

static uint32_t reverse(uint32_t x) {
  x = x << 16 | x >> 16;
  x = (x & 0x00FF00FFu) << 8 | (x >> 8 & 0x00FF00FFu);
  x = (x & 0x0F0F0F0Fu) << 4 | (x >> 4 & 0x0F0F0F0Fu);
  x = (x & 0x33333333u) << 2 | (x >> 2 & 0x33333333u);
  return (x & 0x55555555u) << 1 | (x >> 1 & 0x55555555u);
}

/* Each bit is flipped by a hash of the bits above it: sums and products by even numbers carry upwards only, so backwards it is that. */
static uint32_t scramble(uint32_t x, uint32_t seed) {
  x = reverse(x);
  x ^= x * 0x3D20ADEAu;
  x += seed;
  x *= seed >> 16 | 1;
  x ^= x * 0x05526C56u;
  x ^= x * 0x53A22864u;
  return reverse(x);
}

uint32_t assay_mc_sobol_word(const uint32_t v[32], uint32_t index, uint32_t seed) {
  uint32_t x = 0;
  for (int bit = 0; index >> bit != 0; bit++) x ^= (index >> bit & 1) * v[bit];
  return scramble(x, seed);
}

/* Where a bridge over steps 1 to n puts its points, in the order of the coordinates: the end, then the middle of the widest gaps. */
typedef struct bridge_point {
  uint32_t at, left, right; /* steps; left 0 is the start */
  double to_left, to_right, deviation;
} bridge_point;

static void make_bridge(uint32_t n, bridge_point *points) {
  uint32_t made = 0;
  points[made++] = (bridge_point){.at = n, .deviation = sqrt(n)};
  /* points[i] opens two gaps; they are halved in the order in which they were opened. */
  typedef struct gap {
    uint32_t left, right;
  } gap;
  gap *gaps = assay_alloc(ASSAY_TAG_QUANT, 2 * (size_t)n * sizeof *gaps);
  if (gaps == NULL) {
    points[0].at = 0;
    return;
  }
  size_t first = 0, last = 0;
  gaps[last++] = (gap){0, n};
  while (first < last) {
    gap g = gaps[first++];
    if (g.right - g.left < 2) continue;
    uint32_t at = g.left + (g.right - g.left) / 2;
    double a = at - g.left, b = g.right - at;
    points[made++] = (bridge_point){at, g.left, g.right, b / (a + b), a / (a + b), sqrt(a * b / (a + b))};
    gaps[last++] = (gap){g.left, at};
    gaps[last++] = (gap){at, g.right};
  }
  assay_free(gaps);
}

/* One replicate's plan. */
typedef struct sobol {
  uint32_t steps, radii; /* radii: further coordinates of uniform numbers */
  uint32_t (*v)[32];
  bridge_point *points;
  double *walk;
} sobol;

static double uniform_of(const sobol *s, uint32_t coordinate, uint32_t index, uint64_t seed, uint32_t replicate) {
  uint32_t key = mix((uint32_t)seed + mix((uint32_t)(seed >> 32) + mix(replicate * 0x9E3779B9u + mix(coordinate + 1))));
  return (assay_mc_sobol_word(s->v[coordinate], index, key) + 0.5) * 0x1p-32;
}

/* Shocks of steps for one point, into column `column` of rows. */
static void make_point(const sobol *s, uint32_t index, uint64_t seed, uint32_t replicate, size_t stride, size_t column, double *rows) {
  double *w = s->walk;
  w[0] = 0;
  for (uint32_t c = 0; c < s->steps; c++) {
    const bridge_point *p = &s->points[c];
    double z = assay_stats_normal_quantile(uniform_of(s, c, index, seed, replicate));
    w[p->at] = c == 0 ? p->deviation * z : p->to_left * w[p->left] + p->to_right * w[p->right] + p->deviation * z;
  }
  for (uint32_t i = 0; i < s->steps; i++) rows[i * stride + column] = w[i + 1] - w[i];
  for (uint32_t i = 0; i < s->radii; i++) rows[(s->steps + i) * stride + column] = uniform_of(s, s->steps + i, index, seed, replicate);
}

static void sobol_deinit(sobol *s) {
  assay_free(s->v);
  assay_free(s->points);
  assay_free(s->walk);
}

static assay_status sobol_init(sobol *s, const assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  bool drawn = (o->payoff == ASSAY_MC_LOOKBACK_FIXED || o->payoff == ASSAY_MC_LOOKBACK_FLOATING) && o->watch == ASSAY_MC_CONTINUOUS;
  *s = (sobol){.steps = o->steps, .radii = drawn ? o->steps : 0};
  size_t coordinates = s->steps + (size_t)s->radii;
  s->v = assay_alloc(ASSAY_TAG_QUANT, coordinates * sizeof *s->v);
  s->points = assay_calloc(ASSAY_TAG_QUANT, s->steps, sizeof *s->points);
  s->walk = assay_alloc(ASSAY_TAG_QUANT, (s->steps + (size_t)1) * sizeof *s->walk);
  if (s->points != NULL) make_bridge(s->steps, s->points);
  if (s->v == NULL || s->points == NULL || s->walk == NULL || s->points[0].at == 0) {
    sobol_deinit(s);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %zu Sobol coordinates", coordinates);
  }
  assay_mc_sobol_directions(coordinates, s->v);
  return ASSAY_OK;
}

/* One replicate, `count` points of it from index `from` on; adds its sums. */
static assay_status run_points(const assay_mc_job *job, const sobol *s, uint64_t from, size_t count, uint32_t replicate, void *rows,
                               assay_error *err, double *out, double sums[ASSAY_MC_SUMS], assay_quant_where *where) {
  size_t rows_count = s->steps + (size_t)s->radii, number = rows_count * ROWS_AT_ONCE;
  double *wide = rows;
  for (size_t i = 0; i < count; i++) make_point(s, (uint32_t)(from + i), job->option.seed, replicate, ROWS_AT_ONCE, i, wide);
  bool single = job->option.precision == ASSAY_MC_F32;
  if (single) { /* in place: a float is written where a double was read before */
    for (size_t i = 0; i < number; i++) {
      float narrow = (float)wide[i];
      memcpy((char *)rows + i * sizeof narrow, &narrow, sizeof narrow);
    }
  }
  mc_path_params params = job->params;
  params.given = 1;
  params.stride = ROWS_AT_ONCE;
  params.samples = count;
  params.draws = 1;
  params.groups = (u32)((count + ASSAY_MC_GROUP - 1) / ASSAY_MC_GROUP);
  assay_status status = assay_mc_path_run(job, &params, rows, number * (single ? sizeof(float) : sizeof(double)), err, out, where);
  size_t n = job->option.greeks ? MC_GREEKS_SUMS : MC_PRICE_SUMS;
  for (size_t g = 0; status == ASSAY_OK && g < params.groups; g++) {
    for (size_t k = 0; k < n; k++) sums[k] += out[g * n + k];
  }
  return status;
}

/* Each replicate is a group of the tally. */
static assay_status simulate(const assay_mc_job *job, uint64_t batch, uint64_t samples, assay_error *err, assay_mc_groups *groups,
                             assay_quant_where *where) {
  uint64_t each = (samples + REPLICATES - 1) / REPLICATES;
  sobol s;
  assay_status status = sobol_init(&s, job, err);
  if (status != ASSAY_OK) return status;
  double *rows = assay_calloc(ASSAY_TAG_QUANT, (s.steps + (size_t)s.radii) * ROWS_AT_ONCE, sizeof *rows);
  double *out = assay_alloc(ASSAY_TAG_QUANT, ROWS_AT_ONCE / ASSAY_MC_GROUP * MC_GREEKS_SUMS * sizeof *out);
  assay_mc_groups made = {0};
  if (rows == NULL || out == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for Sobol points of %u steps", s.steps);
  if (status == ASSAY_OK) status = assay_mc_groups_init(&made, REPLICATES, err);
  for (uint32_t r = 0; status == ASSAY_OK && r < REPLICATES; r++) {
    made.samples[r] = (double)each;
    for (uint64_t from = 0; status == ASSAY_OK && from < each; from += ROWS_AT_ONCE) {
      size_t count = each - from < ROWS_AT_ONCE ? (size_t)(each - from) : ROWS_AT_ONCE;
      status = run_points(job, &s, from, count, (uint32_t)batch * REPLICATES + r, rows, err, out, made.sums[r], where);
    }
  }
  sobol_deinit(&s);
  assay_free(rows);
  assay_free(out);
  if (status == ASSAY_OK) {
    *groups = made;
  } else {
    assay_mc_groups_deinit(&made);
  }
  return status;
}

assay_status assay_mc_sobol_job(assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  if (o->model != ASSAY_MC_GBM || job->given != NULL || o->payoff == ASSAY_MC_BASKET) {
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                      "Sobol points are there for one asset under geometric Brownian motion, not exercised early");
  }
  if (o->control) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "with Sobol points a control variate gains little: leave `control` out");
  if (o->steps > ASSAY_MC_MAX_SOBOL_STEPS) {
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%u steps with Sobol points: at most %d are taken", o->steps, ASSAY_MC_MAX_SOBOL_STEPS);
  }
  if (o->paths > 1ull << 32)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%llu paths of Sobol points: at most 2^32 are taken", (unsigned long long)o->paths);
  job->simulate = simulate;
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * Sobol points for options on paths: scrambled, turned into normals, and laid on the path by a Brownian bridge, so that the first and best
 * coordinates decide where it ends. A kernel makes them (kernels/montecarlo/sobol.c), and the same kernels as ever take them as shocks.
 *
 * Direction numbers: the first 21 coordinates have those of Joe and Kuo (2008, Constructing Sobol sequences with better two-dimensional
 * projections, table new-joe-kuo-6). Later ones have primitive polynomials in ascending order, found here, and odd initial numbers: of 64
 * draws from a fixed seed those whose pairs with the 24 coordinates before are the most even (tools/sobol_draws.c found which).
 *
 * Scrambling: Owen's nested uniform scrambling by a hash of the bits above (Laine and Karras 2011, with the constants of Vegdahl 2021 as in
 * Burley 2020), with a seed a coordinate and replicate. Replicates are independent, and the standard error is theirs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "kernels/types.h"

#include "kernels/montecarlo/sobol.h"
#include "quant/montecarlo.h"

enum { BITS = 32, KNOWN = 20, REPLICATES = 16, POINTS_AT_ONCE = 4096 };
/* From row to row a line more than that: rows whose distance is a power of two would all fall on the same few lines of a cache. */
enum { STRIDE = POINTS_AT_ONCE + 8 };

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

/* clang-format off */
/* Which draw the later coordinates have. */
static const uint8_t draws[] = {
    19, 58, 52, 56, 6, 5, 61, 16, 63, 42, 25, 12, 25, 34, 47, 51, 15, 19, 5, 46, 51, 52, 26, 11, 35, 12, 53, 9, 16, 10, 40, 53, 4, 21, 22, 57, 18, 43, 18, 31,
    6, 0, 39, 26, 17, 38, 24, 18, 25, 27, 43, 23, 0, 48, 46, 0, 5, 38, 42, 45, 21, 54, 21, 36, 55, 35, 17, 3, 20, 60, 52, 57, 34, 12, 9, 27, 27, 40, 11, 26,
    26, 57, 35, 33, 17, 26, 38, 32, 9, 46, 40, 37, 57, 4, 3, 54, 5, 41, 25, 20, 24, 7, 40, 9, 50, 51, 8, 7, 59, 6, 62, 57, 18, 17, 29, 1, 56, 50, 63, 20,
    39, 36, 19, 21, 20, 29, 3, 21, 13, 56, 25, 62, 21, 19, 41, 24, 56, 40, 31, 58, 13, 40, 44, 5, 36, 56, 10, 3, 14, 0, 42, 6, 55, 17, 22, 38, 51, 16, 6, 30,
    46, 46, 21, 33, 46, 18, 55, 23, 0, 1, 59, 28, 39, 4, 28, 14, 22, 50, 63, 31, 42, 54, 34, 2, 56, 18, 50, 28, 9, 35, 28, 36, 28, 60, 4, 13, 44, 57, 16, 21,
    41, 57, 52, 23, 19, 21, 48, 57, 15, 2, 7, 55, 40, 21, 47, 55, 7, 62, 16, 40, 3, 15, 47, 55, 50, 29, 40, 62, 17, 59, 17, 43, 13, 10, 59, 55, 31, 27, 21, 24,
    36, 59, 23, 10, 43, 56, 23, 31, 44, 52, 26, 4, 3, 44, 44, 31, 1, 7, 24, 0, 58, 37, 6, 30, 19, 20, 31, 46, 20, 43, 39, 34, 56, 26, 41, 63, 21, 7, 37, 0,
    55, 47, 6, 61, 30, 4, 2, 27, 30, 63, 4, 36, 56, 58, 50, 33, 34, 53, 36, 51, 63, 6, 30, 0, 38, 9, 10, 44, 48, 5, 37, 33, 45, 51, 42, 12, 37, 40, 22, 6,
    28, 25, 18, 57, 22, 63, 19, 11, 41, 21, 12, 13, 49, 36, 59, 10, 7, 24, 42, 37, 40, 47, 45, 47, 36, 56, 18, 42, 34, 45, 27, 44, 31, 25, 28, 53, 19, 49, 15, 4,
    49, 61, 35, 14, 32, 8, 35, 1, 42, 61, 8, 26, 48, 18, 4, 25, 53, 21, 1, 5, 24, 15, 37, 14, 34, 26, 12, 52, 49, 18, 20, 18, 36, 52, 3, 26, 16, 26, 19, 0,
    25, 5, 22, 16, 52, 0, 36, 45, 19, 59, 6, 6, 23, 40, 46, 30, 23, 44, 32, 2, 43, 1, 62, 39, 37, 44, 20, 7, 43, 26, 47, 19, 19, 10, 27, 53, 4, 40, 15, 36,
    26, 38, 19, 6, 33, 60, 19, 42, 63, 23, 5, 58, 51, 54, 31, 10, 30, 26, 38, 30, 30, 19, 27, 4, 50, 32, 11, 11, 35, 19, 58, 16, 46, 4, 51, 6, 30, 10, 11, 2,
    55, 29, 49, 41, 62, 52, 62, 5, 59, 51, 27, 23, 9, 24, 48, 23, 4, 51, 59, 30, 2, 32, 30, 4, 30, 46, 26, 7, 34, 23, 26, 38, 42, 19, 61, 7, 19, 48, 62, 30,
    11, 31, 23, 61, 30, 14, 63, 17, 0, 0, 42, 59, 52, 51, 30, 43, 10, 32, 39, 15, 26, 52, 22, 5, 2, 60, 63, 13, 12, 62, 11, 20, 9, 15, 19, 54, 52, 6, 6, 3,
    26, 9, 14, 38, 31, 11, 2, 25, 54, 60, 38, 49, 3, 35, 5, 18, 9, 16, 40, 47, 21, 9, 48, 25, 19, 51, 24, 51, 16, 62, 24, 55, 19, 55, 20, 25, 45, 60, 35, 45,
    51, 54, 42, 15, 15, 59, 7, 21, 53, 14, 12, 3, 45, 39, 48, 47, 41, 4, 8, 3, 54, 56, 47, 54, 16, 43, 2, 33, 6, 61, 52, 14, 32, 40, 3, 33, 62, 1, 30, 60,
    39, 33, 59, 57, 45, 59, 50, 50, 8, 24, 30, 16, 19, 38, 12, 18, 40, 25, 8, 61, 28, 3, 23, 34, 32, 10, 9, 25, 15, 16, 53, 39, 44, 42, 11, 11, 61, 17, 11, 48,
    44, 8, 7, 46, 17, 63, 12, 32, 56, 45, 17, 49, 28, 33, 4, 51, 30, 46, 58, 55, 2, 12, 32, 51, 19, 57, 17, 40, 39, 17, 9, 20, 26, 42, 46, 48, 16, 57, 56, 58,
    27, 30, 10, 20, 40, 15, 53, 60, 59, 52, 63, 53, 15, 49, 58, 5, 13, 26, 48, 7, 24, 18, 48, 15, 21, 21, 46, 31, 38, 13, 28, 50, 42, 3, 53, 50, 9, 60, 0, 63,
    20, 59, 54, 22, 5, 15, 38, 18, 25, 62, 31, 34, 48, 48, 25, 47, 31, 20, 42, 45, 42, 37, 43, 16, 61, 50, 56, 5, 21, 41, 18, 40, 39, 15, 30, 16, 52, 56, 47, 4,
    4, 26, 4, 4, 16, 7, 38, 56, 15, 51, 19, 8, 35, 6, 8, 54, 38, 19, 33, 35, 37, 24, 63, 55, 40, 57, 43, 62, 59, 32, 24, 22, 44, 3, 49, 12, 17, 22, 50, 13,
    42, 40, 48, 5, 13, 34, 24, 3, 50, 14, 39, 1, 32, 0, 33, 3, 13, 42, 13, 15, 51, 23, 4, 33, 31, 24, 58, 58, 24, 39, 50, 39, 51, 36, 13, 63, 46, 18, 19, 41,
    21, 9, 47, 31, 48, 37, 51, 11, 40, 17, 22, 55, 12, 49, 6, 56, 36, 61, 41, 9, 7, 29, 21, 4, 55, 13, 45, 59, 19, 52, 52, 10, 12, 18, 56, 53, 9, 43, 29, 3,
    1, 27, 6, 7, 32, 38, 13, 28, 46, 26, 55, 59, 6, 19, 0, 62, 8, 22, 24, 44, 0, 24, 5, 59, 49, 39, 19, 56, 44, 42, 62, 10, 2, 43, 4, 51, 33, 30, 7, 37,
    6, 4, 48, 42, 5, 19, 37, 33, 29, 35, 45, 26, 12, 44, 35, 16, 10, 10, 28, 29, 46, 19, 62, 1, 10, 2, 15, 63, 19, 40, 40, 10, 21, 49, 36, 33, 62, 60, 43, 46,
    54, 31, 49,
};
/* clang-format on */
_Static_assert(sizeof draws >= 2 * ASSAY_MC_MAX_SOBOL_STEPS - KNOWN - 1, "a draw for each coordinate");

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

/* Primitive polynomials in ascending order, one a coordinate from the first unknown one on. */
typedef struct polynomial {
  int degree;
  uint32_t inner;
} polynomial;

static polynomial next_polynomial(polynomial p) {
  do {
    if (++p.inner == 1u << (p.degree - 1)) p.inner = 0, p.degree++;
  } while (!is_primitive(1u << p.degree | p.inner << 1 | 1, p.degree));
  return p;
}

static const polynomial last_known = {7, 4};

static void directions_of_draw(polynomial p, uint32_t coordinate, uint32_t draw, uint32_t v[BITS]) {
  uint32_t initial[20];
  for (int i = 0; i < p.degree; i++) initial[i] = (mix((draw << 16 | coordinate << 6) + (uint32_t)i) & ((2u << i) - 1)) | 1;
  directions_of(p.degree, p.inner, initial, v);
}

void assay_mc_sobol_draws(uint32_t coordinate, uint32_t count, uint32_t (*v)[32]) {
  polynomial p = last_known;
  for (uint32_t c = KNOWN; c < coordinate; c++) p = next_polynomial(p);
  for (uint32_t draw = 0; draw < count; draw++) directions_of_draw(p, coordinate, draw, v[draw]);
}

void assay_mc_sobol_directions(size_t coordinates, uint32_t (*v)[32]) {
  polynomial p = last_known;
  for (size_t c = 0; c < coordinates; c++) {
    if (c == 0) {
      for (int i = 0; i < BITS; i++) v[0][i] = 1u << (BITS - 1 - i);
    } else if (c <= KNOWN) {
      uint32_t initial[7];
      for (int i = 0; i < known[c - 1].degree; i++) initial[i] = known[c - 1].initial[i];
      directions_of(known[c - 1].degree, known[c - 1].inner, initial, v[c]);
    } else {
      p = next_polynomial(p);
      directions_of_draw(p, (uint32_t)c, draws[c - KNOWN - 1], v[c]);
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

/* The plan of all replicates; the seeds in `table` are of one. */
typedef struct sobol {
  u32 steps, walks, coordinates; /* bridges over the steps, and behind them uniform numbers */
  u32 skip;                      /* reals of a basket's terms or of a rule of exercise, before the rows */
  u32 *table;
  void *bridge; /* in the kernel's precision */
  size_t real_bytes;
} sobol;

static u32 seed_of(uint64_t seed, uint32_t replicate, uint32_t coordinate) {
  return mix((uint32_t)seed + mix((uint32_t)(seed >> 32) + mix(replicate * 0x9E3779B9u + mix(coordinate + 1))));
}

static void sobol_deinit(sobol *s) {
  assay_free(s->table);
  assay_free(s->bridge);
}

static void write_bridge(const sobol *s, const bridge_point *points) {
  for (u32 c = 0; c < s->walks * s->steps; c++) {
    u32 *row = s->table + (size_t)MC_SOBOL_ROW * c;
    const bridge_point *point = &points[c / s->walks];
    row[MC_SOBOL_AT] = point->at, row[MC_SOBOL_LEFT] = point->left, row[MC_SOBOL_RIGHT] = point->right;
  }
  for (u32 c = 0; c < s->steps; c++) {
    const double reals[MC_SOBOL_BRIDGE] = {points[c].to_left, points[c].to_right, points[c].deviation};
    for (size_t k = 0; k < MC_SOBOL_BRIDGE; k++) {
      if (s->real_bytes == sizeof(float)) {
        ((float *)s->bridge)[MC_SOBOL_BRIDGE * c + k] = (float)reals[k];
      } else {
        ((double *)s->bridge)[MC_SOBOL_BRIDGE * c + k] = reals[k];
      }
    }
  }
}

/* What an option takes: the assets of a basket are walks of one step; Heston's variance is a walk; jumps are two uniform numbers a step,
 * and so is an extreme between steps one. */
static sobol plan_of(const assay_mc_params *o) {
  bool drawn = (o->payoff == ASSAY_MC_LOOKBACK_FIXED || o->payoff == ASSAY_MC_LOOKBACK_FLOATING) && o->watch == ASSAY_MC_CONTINUOUS;
  sobol s = {.steps = o->steps, .walks = 1, .real_bytes = o->precision == ASSAY_MC_F32 ? sizeof(float) : sizeof(double)};
  if (o->payoff == ASSAY_MC_BASKET) s.steps = 1, s.walks = o->assets, s.skip = MC_BASKET_ROW * o->assets;
  if (o->payoff == ASSAY_MC_AMERICAN) s.skip = MC_RULE * o->steps;
  if (o->model == ASSAY_MC_HESTON) s.walks = 2;
  s.coordinates = s.walks * s.steps + (o->model == ASSAY_MC_MERTON ? 2 * s.steps : drawn ? s.steps : 0);
  return s;
}

static assay_status sobol_init(sobol *s, const assay_mc_job *job, assay_error *err) {
  *s = plan_of(&job->option);
  s->table = assay_calloc(ASSAY_TAG_QUANT, (size_t)s->coordinates * MC_SOBOL_ROW, sizeof *s->table);
  s->bridge = assay_alloc(ASSAY_TAG_QUANT, (size_t)s->steps * MC_SOBOL_BRIDGE * s->real_bytes);
  uint32_t(*v)[BITS] = assay_alloc(ASSAY_TAG_QUANT, s->coordinates * sizeof *v);
  bridge_point *points = assay_calloc(ASSAY_TAG_QUANT, s->steps, sizeof *points);
  if (points != NULL) make_bridge(s->steps, points);
  assay_status status = ASSAY_OK;
  if (s->table == NULL || s->bridge == NULL || v == NULL || points == NULL || points[0].at == 0) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u Sobol coordinates", s->coordinates);
    sobol_deinit(s);
  } else {
    assay_mc_sobol_directions(s->coordinates, v);
    for (u32 c = 0; c < s->coordinates; c++) {
      for (int bit = 0; bit < BITS; bit++) s->table[MC_SOBOL_ROW * (size_t)c + (size_t)bit] = reverse(v[c][bit]);
    }
    write_bridge(s, points);
  }
  assay_free(v);
  assay_free(points);
  return status;
}

/* Some points of a replicate: their shocks, and the payoffs from these. */
typedef struct sobol_work {
  const sobol *s;
  const assay_mc_job *job;
  mc_sobol_params points;
  char kernel[40];
  mc_path_params params;
  double *out;
  size_t out_bytes;
} sobol_work;

static assay_status work(assay_quant_session *session, void *context, assay_error *err) {
  const sobol_work *w = context;
  const sobol *s = w->s;
  unsigned bits = s->real_bytes == sizeof(float) ? 32 : 64;
  assay_quant_buffer *table, *bridge, *rows, *sums, *terms;
  assay_status status =
      assay_quant_in(session, s->table, (size_t)s->coordinates * MC_SOBOL_ROW * sizeof *s->table, "Sobol coordinates", err, &table);
  if (status == ASSAY_OK)
    status = assay_quant_in(session, s->bridge, (size_t)s->steps * MC_SOBOL_BRIDGE * s->real_bytes, "Brownian bridge", err, &bridge);
  if (status == ASSAY_OK)
    status = assay_quant_scratch(session, (s->skip + (size_t)s->coordinates * STRIDE) * s->real_bytes, "Sobol points", err, &rows);
  if (status == ASSAY_OK) status = assay_quant_out(session, w->out, w->out_bytes, "sums of paths", err, &sums);
  if (status == ASSAY_OK && s->skip > 0) {
    status = assay_quant_in(session, w->job->given, w->job->given_bytes, "terms of the option", err, &terms);
    if (status == ASSAY_OK) status = assay_quant_copy(session, rows, terms, w->job->given_bytes, err);
  }
  if (status != ASSAY_OK) return status;
  assay_quant_buffer *making[] = {table, bridge, rows}, *paying[] = {sums, rows};
  status = assay_quant_launch(session, "mc_sobol", bits, w->params.groups, &w->points, sizeof w->points, making, 3, err);
  if (status == ASSAY_OK)
    status = assay_quant_launch(session, w->kernel, bits, w->params.groups, &w->params, sizeof w->params, paying, 2, err);
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

/* The replicate whose seeds stand in the table, `count` points of it from index `from` on, of `each`; adds their sums. */
static assay_status run_points(const assay_mc_job *job, const sobol *s, uint64_t from, size_t count, uint64_t each, assay_error *err,
                               double *out, double *sums, assay_quant_where *where) {
  size_t n = assay_mc_kernel_sums(job);
  sobol_work w = {.s = s, .job = job, .params = job->params, .out = out};
  w.params.given = 1;
  w.params.stride = STRIDE;
  w.params.samples = count;
  w.params.draws = 1;
  w.params.groups = (u32)((count + ASSAY_MC_GROUP - 1) / ASSAY_MC_GROUP);
  w.out_bytes = w.params.groups * n * sizeof *out;
  w.points = (mc_sobol_params){.stride = STRIDE,
                               .first = (u32)from,
                               .steps = s->steps,
                               .coordinates = s->coordinates,
                               .bits = 8,
                               .walks = s->walks,
                               .skip = s->skip};
  while (w.points.bits < BITS && each > 1ull << w.points.bits) w.points.bits++;
  assay_snprintf(w.kernel, sizeof w.kernel, "%s%s", job->kernel, job->option.greeks && !job->prices ? "_greeks" : "");
  assay_status status = assay_mc_run(job, work, &w, err, where);
  for (size_t g = 0; status == ASSAY_OK && g < w.params.groups; g++) {
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
  size_t n = assay_mc_kernel_sums(job), extras = job->option.payoff == ASSAY_MC_BASKET ? assay_mc_basket_extras(job) : 0;
  bool by_asset = extras > 0 && job->option.greeks;
  double *out = assay_alloc(ASSAY_TAG_QUANT, (POINTS_AT_ONCE / ASSAY_MC_GROUP + 1) * n * sizeof *out);
  double *sums = out == NULL ? NULL : out + POINTS_AT_ONCE / ASSAY_MC_GROUP * n; /* of a replicate */
  assay_mc_groups made = {0};
  if (out == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for Sobol points of %u steps", s.steps);
  if (status == ASSAY_OK) status = assay_mc_groups_init(&made, REPLICATES, err);
  if (status == ASSAY_OK && by_asset) {
    made.extra_count = extras;
    made.extras = assay_calloc(ASSAY_TAG_QUANT, REPLICATES * extras, sizeof *made.extras);
    if (made.extras == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the Greeks of %u assets", job->option.assets);
  }
  for (uint32_t r = 0; status == ASSAY_OK && r < REPLICATES; r++) {
    made.samples[r] = (double)each;
    memset(sums, 0, n * sizeof *sums);
    for (u32 c = 0; c < s.coordinates; c++)
      s.table[(size_t)MC_SOBOL_ROW * c + MC_SOBOL_SEED] = seed_of(job->option.seed, (uint32_t)batch * REPLICATES + r, c);
    for (uint64_t from = 0; status == ASSAY_OK && from < each; from += POINTS_AT_ONCE) {
      size_t count = each - from < POINTS_AT_ONCE ? (size_t)(each - from) : POINTS_AT_ONCE;
      status = run_points(job, &s, from, count, each, err, out, sums, where);
    }
    if (by_asset) {
      assay_mc_basket_sums(job, sums, made.sums[r], made.extras + r * extras);
    } else {
      memcpy(made.sums[r], sums, n * sizeof *sums);
    }
  }
  sobol_deinit(&s);
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
  if (o->control)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "control variates are of pseudo-random numbers: leave `control` out, or `sampling`");
  if (o->steps > ASSAY_MC_MAX_SOBOL_STEPS) {
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%u steps with Sobol points: at most %d are taken", o->steps, ASSAY_MC_MAX_SOBOL_STEPS);
  }
  u32 coordinates = plan_of(o).coordinates;
  if (coordinates > 2 * ASSAY_MC_MAX_SOBOL_STEPS) {
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%u steps take %u coordinates of Sobol points: at most %d are taken, so %u steps", o->steps,
                      coordinates, 2 * ASSAY_MC_MAX_SOBOL_STEPS, 2 * ASSAY_MC_MAX_SOBOL_STEPS * o->steps / coordinates);
  }
  if (o->paths > ASSAY_MC_MOST_SOBOL_PATHS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%llu paths of Sobol points: at most 2^32 are taken", (unsigned long long)o->paths);
  job->simulate = simulate;
  return ASSAY_OK;
}

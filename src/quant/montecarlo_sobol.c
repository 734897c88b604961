/* SPDX-License-Identifier: MIT */
/*
 * Sobol points for options on paths: scrambled, turned into normals, and laid on the path by a Brownian bridge, so that the first and best
 * coordinates decide where it ends. A kernel makes them (kernels/montecarlo/sobol.c), and the same kernels as ever take them as shocks.
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

/* The plan of all replicates; the seeds in `table` are of one. */
typedef struct sobol {
  u32 steps, coordinates; /* behind the steps: uniform numbers */
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
  for (u32 c = 0; c < s->steps; c++) {
    u32 *row = s->table + (size_t)MC_SOBOL_ROW * c;
    row[MC_SOBOL_AT] = points[c].at, row[MC_SOBOL_LEFT] = points[c].left, row[MC_SOBOL_RIGHT] = points[c].right;
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

static assay_status sobol_init(sobol *s, const assay_mc_job *job, assay_error *err) {
  const assay_mc_params *o = &job->option;
  bool drawn = (o->payoff == ASSAY_MC_LOOKBACK_FIXED || o->payoff == ASSAY_MC_LOOKBACK_FLOATING) && o->watch == ASSAY_MC_CONTINUOUS;
  *s = (sobol){.steps = o->steps,
               .coordinates = drawn ? 2 * o->steps : o->steps,
               .real_bytes = o->precision == ASSAY_MC_F32 ? sizeof(float) : sizeof(double)};
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
  assay_quant_buffer *table, *bridge, *rows, *sums;
  assay_status status =
      assay_quant_in(session, s->table, (size_t)s->coordinates * MC_SOBOL_ROW * sizeof *s->table, "Sobol coordinates", err, &table);
  if (status == ASSAY_OK)
    status = assay_quant_in(session, s->bridge, (size_t)s->steps * MC_SOBOL_BRIDGE * s->real_bytes, "Brownian bridge", err, &bridge);
  if (status == ASSAY_OK)
    status = assay_quant_scratch(session, (size_t)s->coordinates * STRIDE * s->real_bytes, "Sobol points", err, &rows);
  if (status == ASSAY_OK) status = assay_quant_out(session, w->out, w->out_bytes, "sums of paths", err, &sums);
  if (status != ASSAY_OK) return status;
  assay_quant_buffer *making[] = {table, bridge, rows}, *paying[] = {sums, rows};
  status = assay_quant_launch(session, "mc_sobol", bits, w->params.groups, &w->points, sizeof w->points, making, 3, err);
  if (status == ASSAY_OK)
    status = assay_quant_launch(session, w->kernel, bits, w->params.groups, &w->params, sizeof w->params, paying, 2, err);
  return status == ASSAY_OK ? assay_quant_finish(session, err) : status;
}

/* The replicate whose seeds stand in the table, `count` points of it from index `from` on, of `each`; adds their sums. */
static assay_status run_points(const assay_mc_job *job, const sobol *s, uint64_t from, size_t count, uint64_t each, assay_error *err,
                               double *out, double sums[ASSAY_MC_SUMS], assay_quant_where *where) {
  size_t n = assay_mc_kernel_sums(job);
  sobol_work w = {.s = s, .params = job->params, .out = out};
  w.params.given = 1;
  w.params.stride = STRIDE;
  w.params.samples = count;
  w.params.draws = 1;
  w.params.groups = (u32)((count + ASSAY_MC_GROUP - 1) / ASSAY_MC_GROUP);
  w.out_bytes = w.params.groups * n * sizeof *out;
  w.points = (mc_sobol_params){.stride = STRIDE, .first = (u32)from, .steps = s->steps, .coordinates = s->coordinates, .bits = 8};
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
  double *out = assay_alloc(ASSAY_TAG_QUANT, POINTS_AT_ONCE / ASSAY_MC_GROUP * MC_WALK_GREEKS_SUMS * sizeof *out);
  assay_mc_groups made = {0};
  if (out == NULL) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for Sobol points of %u steps", s.steps);
  if (status == ASSAY_OK) status = assay_mc_groups_init(&made, REPLICATES, err);
  for (uint32_t r = 0; status == ASSAY_OK && r < REPLICATES; r++) {
    made.samples[r] = (double)each;
    for (u32 c = 0; c < s.coordinates; c++)
      s.table[(size_t)MC_SOBOL_ROW * c + MC_SOBOL_SEED] = seed_of(job->option.seed, (uint32_t)batch * REPLICATES + r, c);
    for (uint64_t from = 0; status == ASSAY_OK && from < each; from += POINTS_AT_ONCE) {
      size_t count = each - from < POINTS_AT_ONCE ? (size_t)(each - from) : POINTS_AT_ONCE;
      status = run_points(job, &s, from, count, each, err, out, made.sums[r], where);
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
  if (o->model != ASSAY_MC_GBM || job->given != NULL || o->payoff == ASSAY_MC_BASKET) {
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                      "Sobol points are there for one asset under geometric Brownian motion, not exercised early");
  }
  if (o->control) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "with Sobol points a control variate gains little: leave `control` out");
  if (o->steps > ASSAY_MC_MAX_SOBOL_STEPS) {
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%u steps with Sobol points: at most %d are taken", o->steps, ASSAY_MC_MAX_SOBOL_STEPS);
  }
  if (o->paths > ASSAY_MC_MOST_SOBOL_PATHS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%llu paths of Sobol points: at most 2^32 are taken", (unsigned long long)o->paths);
  job->simulate = simulate;
  return ASSAY_OK;
}

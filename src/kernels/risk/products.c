/* SPDX-License-Identifier: MIT */
/* Sums of products of deviations, register tile by register tile. Each sum is its own chain of FMAs, so the shape of the tile is free. */
#include "kernels/dialect.h"

#include "kernels/risk/products.h"

/* Of single numbers, where lanes are wider. */
#if LANES == 1
#define FMA_ONE(a, b, c) FMA((a), (b), (c))
#elif defined(ASSAY_OPENCL)
#define FMA_ONE(a, b, c) fma((a), (b), (c))
#elif REAL_BITS == 32
#define FMA_ONE(a, b, c) __builtin_fmaf((a), (b), (c))
#else
#define FMA_ONE(a, b, c) __builtin_fma((a), (b), (c))
#endif

FUNCTION real pack_one(GLOBAL const real *returns, GLOBAL const real *shifts, const risk_pack_params p, u32 t, u32 asset, real root) {
  return asset < p.assets ? (returns[(u64)(p.begin + t) * p.assets + asset] - shifts[asset]) * root : RC(0.0);
}

#if LANES == 1
#define PACK_TOGETHER 1
#else
#define PACK_TOGETHER 3 /* vectors: their sums stay in registers */
#endif

/* The assets from `asset` on that PACK_TOGETHER vectors hold. */
FUNCTION void pack_columns(GLOBAL const real *returns, GLOBAL const real *shifts, GLOBAL const real *roots, GLOBAL real *packed,
                           GLOBAL real *sums, const risk_pack_params p, u32 asset) {
#if LANES > 1
  if (asset + PACK_TOGETHER * LANES <= p.assets) {
    GLOBAL real *strip = packed + (u64)(asset / p.width) * p.periods * p.width + asset % p.width;
    R sum[PACK_TOGETHER], shift[PACK_TOGETHER];
    for (u32 k = 0; k < PACK_TOGETHER; k++) sum[k] = ALL(0), shift[k] = LOAD(shifts, asset + k * LANES);
    for (u32 t = 0; t < p.periods; t++) {
      GLOBAL const real *from = returns + (u64)(p.begin + t) * p.assets + asset;
      R root = ALL(roots[p.begin + t]);
      for (u32 k = 0; k < PACK_TOGETHER; k++) {
        R z = (LOAD(from, k * LANES) - shift[k]) * root;
        STORE(strip, (u64)t * p.width + k * LANES, z);
        sum[k] = FMA(z, root, sum[k]);
      }
    }
    for (u32 k = 0; k < PACK_TOGETHER; k++) STORE(sums, asset + k * LANES, (p.first ? ALL(0) : LOAD(sums, asset + k * LANES)) + sum[k]);
    return;
  }
#endif
  for (u32 k = 0; k < PACK_TOGETHER * LANES; k++) {
    GLOBAL real *column = packed + (u64)((asset + k) / p.width) * p.periods * p.width + (asset + k) % p.width;
    real sum = RC(0.0);
    for (u32 t = 0; t < p.periods; t++) {
      real root = roots[p.begin + t], z = pack_one(returns, shifts, p, t, asset + k, root);
      column[(u64)t * p.width] = z;
      sum = FMA_ONE(z, root, sum);
    }
    if (asset + k < p.assets) sums[asset + k] = (p.first ? RC(0.0) : sums[asset + k]) + sum;
  }
}

KERNEL5(risk_pack, risk_pack_params, GLOBAL const real *, returns, GLOBAL const real *, shifts, GLOBAL const real *, roots, GLOBAL real *,
        packed, GLOBAL real *, sums) {
#if LANES == 1
  ITEMS(i) {
    if (i < RISK_PANEL) pack_columns(returns, shifts, roots, packed, sums, p, GROUP * RISK_PANEL + i);
  }
#else
  for (u32 c = 0; c < RISK_PANEL; c += PACK_TOGETHER * LANES) pack_columns(returns, shifts, roots, packed, sums, p, GROUP * RISK_PANEL + c);
#endif
}

/* The tile's place: pairs of panels are counted along the rows of the upper triangle. */
FUNCTION void panels_of(u32 group, u32 panels, u32 *row, u32 *column) {
  u32 i = 0, in_row = panels;
  while (group >= in_row) {
    group -= in_row;
    in_row--;
    i++;
  }
  *row = i;
  *column = i + group;
}

#if LANES == 1

/* An item has 3 x 3 sums. */
#define SIDE 3
FUNCTION void tile_of_item(GLOBAL const real *packed, GLOBAL real *sums, const risk_products_params p, u32 row, u32 column) {
  GLOBAL const real *a[SIDE], *b[SIDE];
  real tile[SIDE][SIDE];
  for (u32 k = 0; k < SIDE; k++) {
    a[k] = packed + (u64)((row + k) / p.width) * p.periods * p.width + (row + k) % p.width;
    b[k] = packed + (u64)((column + k) / p.width) * p.periods * p.width + (column + k) % p.width;
    for (u32 l = 0; l < SIDE; l++) tile[k][l] = RC(0.0);
  }
  for (u32 t = 0; t < p.periods; t++) {
    for (u32 k = 0; k < SIDE; k++) {
      for (u32 l = 0; l < SIDE; l++) tile[k][l] = FMA(a[k][(u64)t * p.width], b[l][(u64)t * p.width], tile[k][l]);
    }
  }
  for (u32 k = 0; k < SIDE; k++) {
    for (u32 l = 0; l < SIDE; l++) {
      GLOBAL real *at = sums + (u64)(row + k) * p.panels * RISK_PANEL + column + l;
      *at = (p.first ? RC(0.0) : *at) + tile[k][l];
    }
  }
}

KERNEL2(risk_products, risk_products_params, GLOBAL const real *, packed, GLOBAL real *, sums) {
  u32 row, column;
  panels_of(GROUP, p.panels, &row, &column);
  ITEMS(i) {
    u32 r = row * RISK_PANEL + i / 16 * SIDE, c = column * RISK_PANEL + i % 16 * SIDE;
    if (c + SIDE > r && r < p.assets && c < p.assets) tile_of_item(packed, sums, p, r, c);
  }
}

#else

/* COLUMNS vectors times ROWS rows of sums, one load a vector and one broadcast a row: 12 sums in 16 registers, 24 in 32. */
#if defined(VECTOR_BYTES) && VECTOR_BYTES == 64
#define ROWS 8
#else
#define ROWS 4
#endif
#define COLUMNS 3

/* A number of memory in all lanes. ALL adds to zero, which costs an addition where there is nothing else to do but FMAs; and of plain code
 * gcc makes one load and shuffles, which take a port from the FMAs. */
#if defined(ASSAY_OPENCL)
#define SAME(p) ALL(*(p))
#elif defined(__AVX2__) && !defined(__AVX512F__) && REAL_BITS == 32
#define SAME(p) ((R)_mm256_broadcast_ss(p))
#elif defined(__AVX2__) && !defined(__AVX512F__)
#define SAME(p) ((R)_mm256_broadcast_sd(p))
#elif defined(__AVX512F__) && REAL_BITS == 32
#define SAME(p) ((R)_mm512_broadcastss_ps(_mm_load_ss(p)))
#elif defined(__AVX512F__)
#define SAME(p) ((R)_mm512_broadcastsd_pd(_mm_load_sd(p)))
#else
FUNCTION R same(const real *p) {
  R r;
  for (u32 lane = 0; lane < LANES; lane++) r[lane] = *p;
  return r;
}
#define SAME(p) same(p)
#endif

/* ROWS rows of three vectors; of fewer on the diagonal. */
FUNCTION void tile_of_registers(GLOBAL const real *a, GLOBAL const real *b, GLOBAL real *sums, u32 width, u32 periods, u64 stride,
                                u32 first, const u32 columns) {
#if !defined(ASSAY_OPENCL) /* sums of the block before have left the nearer cache */
  for (u32 k = 0; k < ROWS && !first; k++) {
    for (u32 l = 0; l < columns; l++) __builtin_prefetch(sums + k * stride + l * LANES);
  }
#endif
  R tile[ROWS][COLUMNS];
  for (u32 k = 0; k < ROWS; k++) {
    for (u32 l = 0; l < COLUMNS; l++) tile[k][l] = ALL(0);
  }
  for (u32 t = 0; t < periods; t++) {
    R b0 = LOAD(b, 0), b1 = columns > 1 ? LOAD(b, LANES) : b0, b2 = columns > 2 ? LOAD(b, 2 * LANES) : b0;
    for (u32 k = 0; k < ROWS; k++) {
      R ak = SAME(a + k);
      tile[k][0] = FMA(ak, b0, tile[k][0]);
      if (columns > 1) tile[k][1] = FMA(ak, b1, tile[k][1]);
      if (columns > 2) tile[k][2] = FMA(ak, b2, tile[k][2]);
    }
    a += width;
    b += width;
  }
  for (u32 k = 0; k < ROWS; k++) {
    for (u32 l = 0; l < columns; l++) {
      u64 at = k * stride + l * LANES;
      STORE(sums, at, (first ? ALL(0) : LOAD(sums, at)) + tile[k][l]);
    }
  }
}

KERNEL2(risk_products, risk_products_params, GLOBAL const real *, packed, GLOBAL real *, sums) {
  u32 row, column;
  panels_of(GROUP, p.panels, &row, &column);
  u64 stride = (u64)p.panels * RISK_PANEL;
  for (u32 c = column * RISK_PANEL; c < (column + 1) * RISK_PANEL && c < p.assets; c += COLUMNS * LANES) {
    GLOBAL const real *b = packed + (u64)(c / p.width) * p.periods * p.width + c % p.width;
    for (u32 r = row * RISK_PANEL; r < (row + 1) * RISK_PANEL && r < p.assets && r < c + COLUMNS * LANES; r += ROWS) {
      GLOBAL const real *a = packed + (u64)(r / p.width) * p.periods * p.width + r % p.width;
      GLOBAL real *to = sums + r * stride + c;
      if (r < c + LANES) {
        tile_of_registers(a, b, to, p.width, p.periods, stride, p.first, 3);
      } else if (r < c + 2 * LANES) { /* the first vector is under the diagonal */
        tile_of_registers(a, b + LANES, to + LANES, p.width, p.periods, stride, p.first, 2);
      } else {
        tile_of_registers(a, b + 2 * LANES, to + 2 * LANES, p.width, p.periods, stride, p.first, 1);
      }
    }
  }
}

#endif

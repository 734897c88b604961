/* SPDX-License-Identifier: MIT */
/* What the kernels of products.c take and give. */
#ifndef ASSAY_KERNELS_RISK_PRODUCTS_H
#define ASSAY_KERNELS_RISK_PRODUCTS_H

#if !defined(REAL_BITS)
#include "kernels/types.h"
#endif

/*
 * Covariances go in blocks of at most RISK_BLOCK periods: risk_pack makes deviations of a block, risk_products adds up their products. Both
 * take assets in panels of RISK_PANEL, of which the last may be in part empty (zeros). A packed block is a row of strips of `width` assets
 * (a divisor of RISK_PANEL and a multiple of three of the device's vectors; each device has its best): z of period t and asset a is
 * packed[(a / width * periods + t) * width + a % width].
 *
 * With `first` sums begin from 0, whatever the buffer holds; later blocks add to it.
 *
 * risk_pack, group = panel: z = (returns[(begin + t) * assets + a] - shifts[a]) * roots[begin + t], and sums[a] gains the chain of
 * FMAs z * root over the block.
 * risk_products, group = pair of panels i <= j counted row by row: sums[row * panels * RISK_PANEL + column] gains the chain of FMAs over
 * the block that starts from 0, for row <= column; below the diagonal anything may be written.
 */
enum { RISK_BLOCK = 128, RISK_PANEL = 48 };

typedef struct risk_pack_params {
  u32 assets, panels, begin, periods, width, first;
} risk_pack_params;

typedef struct risk_products_params {
  u32 assets, panels, periods, width, first;
} risk_products_params;

#endif

/* SPDX-License-Identifier: MIT */
/* Sums of products of deviations: the part of a covariance that takes the time. */
#ifndef ASSAY_QUANT_RISK_PRODUCTS_H
#define ASSAY_QUANT_RISK_PRODUCTS_H

#include <assay/risk.h>

#include "quant/launch.h"

typedef struct assay_risk_products {
  const double *returns; /* periods x assets */
  size_t periods, assets;
  const double *roots; /* square roots of the periods' weights; NULL: 1 */
  bool shift;          /* take deviations from the mean of the first block; otherwise from 0 */
  const char *device;  /* as ASSAY_DEVICE takes it; NULL: this thread alone */
} assay_risk_products;

/*
 * z = (return - shift) root. matrix[i][j] for j >= i: sum of z_i z_j; sums[i]: sum of z_i root; shifts[i]. Both sums go in blocks of
 * RISK_BLOCK periods: a chain of FMAs from 0 in each, blocks added in order.
 */
assay_status assay_risk_get_products(const assay_risk_products *products, assay_error *err, double *matrix, double *sums, double *shifts,
                                     assay_quant_where *where);

#endif

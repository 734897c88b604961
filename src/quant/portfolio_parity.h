/* SPDX-License-Identifier: MIT */
#ifndef ASSAY_QUANT_PORTFOLIO_PARITY_H
#define ASSAY_QUANT_PORTFOLIO_PARITY_H

#include "quant/portfolio_model.h"

typedef struct assay_portfolio_parity {
  const assay_portfolio_model *model;
  assay_portfolio_vertex *vertex;
  const double *covariance;
  const double *shares; /* NULL: equal */
  double *weights;      /* out */
  double kkt;           /* out */
  unsigned steps;       /* out */
} assay_portfolio_parity;

assay_status assay_portfolio_parity_solve(assay_portfolio_parity *parity, assay_error *err);

#endif

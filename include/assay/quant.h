/* SPDX-License-Identifier: MIT */
/*
 * assay/quant.h: all of finance in one include.
 *
 *     #include <assay/quant.h>
 *
 *   <assay/options.h>     closed forms, Greeks, implied volatility, trees
 *   <assay/montecarlo.h>  prices, Greeks and paths by simulation
 *   <assay/indicators.h>  technical indicators over series, batches and streams
 *   <assay/risk.h>        value at risk, expected shortfall, covariance, ratios, stress
 *   <assay/portfolio.h>   weights under constraints
 */
#ifndef ASSAY_QUANT_H
#define ASSAY_QUANT_H

#include <assay/indicators.h>
#include <assay/montecarlo.h>
#include <assay/options.h>
#include <assay/portfolio.h>
#include <assay/risk.h>

#endif

/* SPDX-License-Identifier: MIT */
/*
 * assay/market.h: all of trading in one include.
 *
 *     #include <assay/market.h>
 *
 *   <assay/book.h>  books of orders: rebuilt from a feed
 */
#ifndef ASSAY_MARKET_H
#define ASSAY_MARKET_H

#include <assay/book.h>

#endif

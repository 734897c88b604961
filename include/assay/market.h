/* SPDX-License-Identifier: MIT */
/*
 * assay/market.h: all of trading in one include.
 *
 *     #include <assay/market.h>
 *
 *   <assay/account.h>        cash and positions
 *   <assay/backtest.h>       strategies on past bars
 *   <assay/book_backtest.h>  strategies in a recorded book
 *   <assay/book.h>           a matching engine, and books of orders rebuilt from a feed
 */
#ifndef ASSAY_MARKET_H
#define ASSAY_MARKET_H

#include <assay/account.h>
#include <assay/backtest.h>
#include <assay/book.h>
#include <assay/book_backtest.h>

#endif

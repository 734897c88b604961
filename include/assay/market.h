/* SPDX-License-Identifier: MIT */
/*
 * assay/market.h: all of trading in one include.
 *
 *     #include <assay/market.h>
 *
 *   <assay/account.h>        cash and positions
 *   <assay/backtest.h>       strategies on past bars
 *   <assay/bars.h>           bars, and what ticks say, streaming
 *   <assay/book.h>           a matching engine, and books of orders rebuilt from a feed
 *   <assay/book_backtest.h>  strategies in a recorded book
 *   <assay/book_flow.h>      made order flow for an engine
 *   <assay/feeds.h>          market data: readers, events, made streams
 *   <assay/feed_book.h>      books that follow a feed
 *   <assay/feed_csv.h>       ticks and bars as text
 *   <assay/feed_dbn.h>       Databento's binary encoding
 *   <assay/feed_fix.h>       FIX 4.4
 *   <assay/feed_itch.h>      TotalView-ITCH 5.0
 *   <assay/feed_json.h>      Binance's trades and depth
 *   <assay/websocket.h>      WebSocket
 */
#ifndef ASSAY_MARKET_H
#define ASSAY_MARKET_H

#include <assay/account.h>
#include <assay/backtest.h>
#include <assay/bars.h>
#include <assay/book.h>
#include <assay/book_backtest.h>
#include <assay/book_flow.h>
#include <assay/feed_book.h>
#include <assay/feed_csv.h>
#include <assay/feed_dbn.h>
#include <assay/feed_fix.h>
#include <assay/feed_itch.h>
#include <assay/feed_json.h>
#include <assay/feeds.h>
#include <assay/websocket.h>

#endif

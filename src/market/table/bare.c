/* SPDX-License-Identifier: MIT */
#include "market/table/bare.h"

#include <string.h>

#include "market/table/names.h"

bool assay_bare_is_number(assay_feed_text cell) {
  size_t digits = 0, points = 0;
  for (size_t i = 0; i < cell.length; i++) {
    digits += cell.at[i] >= '0' && cell.at[i] <= '9';
    points += cell.at[i] == '.';
  }
  return digits > 0 && points <= 1 && digits + points == cell.length;
}

bool assay_bare_is_count(assay_feed_text cell) { return assay_bare_is_number(cell) && memchr(cell.at, '.', cell.length) == NULL; }

bool assay_bare_is_truth(assay_feed_text cell) {
  return assay_is_word(cell.at, cell.length, "true") || assay_is_word(cell.at, cell.length, "false");
}

static bool is_moment(assay_feed_text cell) { return (cell.length == 13 || cell.length == 16) && assay_bare_is_count(cell); }

assay_bare_table assay_bare_binance(const assay_feed_text *cells, size_t count) {
  if (count == 12 && is_moment(cells[0]) && is_moment(cells[6])) return ASSAY_BARE_KLINES;
  if (count >= 6 && count <= 7 && is_moment(cells[4]) && assay_bare_is_truth(cells[5])) return ASSAY_BARE_TRADES;
  if (count >= 7 && count <= 8 && is_moment(cells[5]) && assay_bare_is_truth(cells[6])) return ASSAY_BARE_AGG_TRADES;
  return count == 7 && is_moment(cells[5]) && is_moment(cells[6]) ? ASSAY_BARE_BOOK_TICKER : ASSAY_BARE_OTHER;
}

const char *assay_bare_table_text(assay_bare_table table) {
  static const char *const texts[] = {NULL, "trades", "aggTrades", "klines", "bookTicker (best bid and ask)"};
  return texts[table];
}

/* SPDX-License-Identifier: MIT */
#include "market/table/bare.h"

#include <string.h>

#include "market/feeds/decimal.h"
#include "market/table/names.h"
#include "market/table/times.h"

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

/* ---- Bars ---------------------------------------------------------------------------------------------------------------------------- */

enum { LONGEST_MOMENT = 63 };

/* With an end, as those who read dates want it; false: it is longer than any. */
static bool ended(assay_feed_text cell, char text[LONGEST_MOMENT + 1]) {
  if (cell.length > LONGEST_MOMENT) return false;
  memcpy(text, cell.at, cell.length);
  text[cell.length] = '\0';
  return true;
}

size_t assay_bare_moment(const assay_feed_text *cells, size_t count) {
  char text[LONGEST_MOMENT + 1];
  int64_t at, nanos;
  if (count == 0 || !ended(cells[0], text)) return 0;
  if (!assay_table_moment(text, &at) && !assay_table_date(text, false, &at, &nanos) && !assay_table_date(text, true, &at, &nanos)) return 0;
  const bool has_clock = count > 1 && memchr(cells[1].at, ':', cells[1].length) != NULL &&
                         assay_table_clock(cells[1].at, cells[1].length, ASSAY_CLOCK_OPEN, &at);
  return has_clock ? 2 : 1;
}

static bool read_price(assay_feed_text cell, int64_t *price) {
  return assay_bare_is_number(cell) && assay_feed_decimal(cell.at, cell.length, ASSAY_FEED_MOST_DECIMALS - 5, price);
}

bool assay_bare_is_bar(const assay_feed_text *cells, size_t count, bool is_counted) {
  int64_t v[ASSAY_BARE_LEAST_BAR];
  if (count < (is_counted ? (size_t)ASSAY_BARE_MOST_BAR : ASSAY_BARE_LEAST_BAR) || count > ASSAY_BARE_MOST_BAR) return false;
  for (int i = 0; i < ASSAY_BARE_LEAST_BAR; i++)
    if (!read_price(cells[i], &v[i])) return false;
  const bool is_range = v[1] >= v[0] && v[1] >= v[3] && v[2] <= v[0] && v[2] <= v[3];
  const bool is_narrow = v[1] - v[2] <= v[1] / 20; /* an ask and a bid's size hardly are */
  return is_range && (count > ASSAY_BARE_LEAST_BAR || is_narrow) && (count < ASSAY_BARE_MOST_BAR || assay_bare_is_count(cells[5]));
}

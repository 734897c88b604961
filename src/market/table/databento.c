/* SPDX-License-Identifier: MIT */
#include "market/table/databento.h"

#include <string.h>

bool assay_databento_is_none(assay_feed_text cell) {
  static const char none[] = "9223372036854775807";
  return cell.length == sizeof none - 1 && memcmp(cell.at, none, sizeof none - 1) == 0;
}

assay_databento_unit assay_databento_unit_of(assay_feed_text cell) {
  bool is_zero = true, is_whole = true;
  if (assay_databento_is_none(cell)) return ASSAY_DATABENTO_EITHER;
  for (size_t i = cell.length > 0 && cell.at[0] == '-'; i < cell.length; i++) {
    const char c = cell.at[i];
    if (c != '.' && (c < '0' || c > '9')) return ASSAY_DATABENTO_EITHER;
    is_whole = is_whole && c != '.';
    is_zero = is_zero && (c == '.' || c == '0');
  }
  return is_zero ? ASSAY_DATABENTO_EITHER : is_whole ? ASSAY_DATABENTO_STEPS : ASSAY_DATABENTO_READABLE;
}

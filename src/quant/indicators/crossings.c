/* SPDX-License-Identifier: MIT */
#include <assay/indicators.h>

#include <math.h>

const char *assay_indicator_event_text(assay_indicator_event event) {
  static const char *const texts[] = {"enters overbought", "leaves overbought", "enters oversold", "leaves oversold"};
  return (unsigned)event < sizeof texts / sizeof *texts ? texts[event] : "unknown";
}

typedef struct crossing_list {
  assay_indicator_crossing *items;
  size_t count, capacity;
} crossing_list;

static void add(crossing_list *list, size_t row, assay_indicator_event event) {
  if (list->count < list->capacity) list->items[list->count] = (assay_indicator_crossing){row, event};
  list->count++;
}

size_t assay_indicator_crossings(const double *values, size_t rows, double lower, double upper, size_t capacity,
                                 assay_indicator_crossing *crossings) {
  crossing_list list = {.items = crossings, .capacity = capacity};
  int zone = 0; /* 1 above upper, -1 below lower */
  bool begun = false;
  for (size_t row = 0; row < rows; row++) {
    if (isnan(values[row])) continue;
    int now = values[row] > upper ? 1 : values[row] < lower ? -1 : 0;
    if (begun && now != zone) {
      if (zone == 1) add(&list, row, ASSAY_INDICATOR_LEAVES_HIGH);
      if (zone == -1) add(&list, row, ASSAY_INDICATOR_LEAVES_LOW);
      if (now == 1) add(&list, row, ASSAY_INDICATOR_ENTERS_HIGH);
      if (now == -1) add(&list, row, ASSAY_INDICATOR_ENTERS_LOW);
    }
    zone = now;
    begun = true;
  }
  return list.count;
}

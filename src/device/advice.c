/* SPDX-License-Identifier: MIT */
/* What would save memory or time, from the pool's own numbers. */
#include <assay/device.h>
#include <assay/metric.h>

#include "base/number.h"
#include "device/core.h"

typedef struct advice_list {
  assay_memory_advice *rows;
  size_t capacity, count;
} advice_list;

/* Below this many allocations, or bytes, a share says nothing. */
enum { ENOUGH_ALLOCATIONS = 100, ENOUGH_BYTES = 16 << 20 };

/* In order of priority, which is the order of the rules for equal ones. */
static void add(advice_list *list, unsigned priority, double saving_bytes, const char *what, const char *mend) {
  size_t at = list->count++;
  if (at >= list->capacity) return;
  for (; at > 0 && list->rows[at - 1].priority > priority; at--) list->rows[at] = list->rows[at - 1];
  assay_memory_advice *row = &list->rows[at];
  row->priority = priority, row->saving_bytes = saving_bytes;
  assay_snprintf(row->what, sizeof row->what, "%s", what);
  assay_snprintf(row->mend, sizeof row->mend, "%s", mend);
}

static void look_at_pressure(const assay_memory_stats *stats, advice_list *list) {
  char what[160], live[32], limit[32];
  if (stats->pressure < ASSAY_PRESSURE_HIGH) return;
  assay_snprintf(what, sizeof what, "memory pressure is %s: %s of at most %s is in use", assay_memory_pressure_text(stats->pressure),
                 assay_format_value((double)stats->live_bytes, "B", live, sizeof live),
                 assay_format_value((double)stats->limit_bytes, "B", limit, sizeof limit));
  add(list, 1, 0, what, "work in smaller batches, or raise ASSAY_MEMORY_FRACTION where the device has memory left");
}

static void look_at_hits(const assay_memory_stats *stats, advice_list *list) {
  char what[160];
  if (stats->allocations < ENOUGH_ALLOCATIONS || stats->hit_ratio >= 0.95) return;
  assay_snprintf(what, sizeof what, "%.0f %% of %llu allocations had to ask the device", 100 * (1 - stats->hit_ratio),
                 (unsigned long long)stats->allocations);
  add(list, stats->hit_ratio < 0.8 ? 1 : 2, 0, what,
      "allocate the largest sizes first, trim less often, keep what comes again under a key");
}

static void look_at_free_memory(const assay_memory_stats *stats, advice_list *list) {
  char what[160], text[32], idle_text[32];
  double idle = (double)(stats->reserved_bytes - stats->live_bytes - stats->cached_bytes), kept = (double)stats->cached_bytes;
  assay_format_value(idle, "B", text, sizeof text);
  assay_format_value(kept, "B", idle_text, sizeof idle_text);
  if (stats->live_bytes > 0 && idle > ENOUGH_BYTES && stats->external_fragmentation > 0.5) {
    assay_snprintf(what, sizeof what, "%s is free in pieces: the largest run is %.0f %% of it", text,
                   100 * (1 - stats->external_fragmentation));
    add(list, 2, idle / 2, what, "call assay_device_defragment while nothing runs");
  }
  if (idle > ENOUGH_BYTES && idle > 0.5 * (double)stats->reserved_bytes) {
    assay_snprintf(what, sizeof what, "%s was taken from the device and is not in use", text);
    add(list, stats->pressure >= ASSAY_PRESSURE_MODERATE ? 1 : 3, idle / 2, what, "call assay_device_trim when no burst is to come");
  }
  if (kept > ENOUGH_BYTES && kept > 0.25 * (double)stats->live_bytes) {
    assay_snprintf(what, sizeof what, "%s is kept under keys and not in use", idle_text);
    add(list, stats->pressure >= ASSAY_PRESSURE_MODERATE ? 1 : 3, kept, what, "call assay_device_trim, or use fewer keys");
  }
}

static void look_at_sizes(const assay_memory_stats *stats, advice_list *list) {
  char what[160], text[32];
  double waste = (double)(stats->live_bytes - stats->requested_bytes);
  if (waste < ENOUGH_BYTES || stats->internal_fragmentation < 0.08) return;
  assay_snprintf(what, sizeof what, "%s of the live blocks is unused (%.1f %%)", assay_format_value(waste, "B", text, sizeof text),
                 100 * stats->internal_fragmentation);
  add(list, 3, waste, what, "ask for sizes at or just below a class (assay_device_memory_classes lists them)");
}

size_t assay_device_memory_advise(const assay_device *device, assay_memory_advice *rows, size_t capacity) {
  advice_list list = {.rows = rows, .capacity = capacity};
  assay_memory_stats stats;
  assay_device_memory(device, &stats);
  look_at_pressure(&stats, &list);
  look_at_hits(&stats, &list);
  look_at_free_memory(&stats, &list);
  look_at_sizes(&stats, &list);
  return list.count;
}

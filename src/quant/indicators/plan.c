/* SPDX-License-Identifier: MIT */
/* How a GPU does a batch: into how many parts a series is cut, and how many series a group has. */
#include <math.h>

#include "quant/indicators/run.h"

/* 53 halvings and, since the roundings of two that are nearly equal keep them apart for a while, a quarter more. */
uint64_t assay_indicator_rows_to_forget(const assay_indicator *indicator, const indicator_params *params, size_t size) {
  const assay_indicator_hidden *hidden = assay_indicator_hidden_of(indicator);
  double slowest = 1;
  for (int k = 0; k < 8; k++) {
    if (hidden->factors >> k & 1) slowest = fmin(slowest, params->x[k]);
  }
  double halvings = size == sizeof(double) ? 53 : 24;
  uint64_t rows = slowest >= 1 ? 0 : (uint64_t)(1.25 * halvings * log(2) / -log1p(-slowest));
  rows = (rows + 64) / 8 * 8; /* a whole number of batches */
  return rows < params->still + 64u ? (params->still + 64u) / 8 * 8 : rows;
}

/* How many series a group does, and whether it has room for their windows beside the ring. */
static uint32_t widest_group(const assay_indicator *indicator, size_t size, const indicator_params *params, bool *local) {
  size_t inputs = indicator->input_count, windows = params->slots - INDICATOR_REGISTERS;
  *local = false;
  if (windows == 0) return INDICATOR_WIDTH(inputs, 0);
  size_t room = INDICATOR_LOCAL / size - (size_t)INDICATOR_RING(inputs, 1);
  for (uint32_t series = INDICATOR_WIDTH(inputs, 1); series >= 32; series -= 16) {
    *local = series * windows <= room;
    if (*local) return series;
  }
  return INDICATOR_WIDTH(inputs, 1);
}

/*
 * How a batch is cut: the cheapest by what an H200 was seen to take (docs/gpu.md). Groups that have room at once work at the same time, a
 * row in so many nanoseconds, one that is only gone over in fewer; and what is read and written has to pass.
 */
typedef struct cut {
  uint64_t rows; /* of a part */
  uint32_t head; /* more of the first */
  uint32_t group_series;
  size_t parts, groups;
} cut;

static const double row_takes[2] = {36, 150}, lead_takes[2] = {20, 150}; /* without windows, and with them */

/* All parts end together when the first, which has nothing to go over before, does as many rows more as take as long. */
static uint32_t rows_instead_of_lead(const indicator_params *params, uint64_t step) {
  bool windows = params->slots > INDICATOR_REGISTERS;
  uint64_t rows = (uint64_t)((double)params->lead * lead_takes[windows] / row_takes[windows]) / step * step;
  return (uint32_t)(rows < params->rows ? rows : 0);
}

static double time_of(const assay_indicator *indicator, const indicator_params *params, const cut *c, size_t size, unsigned processors) {
  enum { LAUNCH = 8000 };
  static const double bytes_at_once = 3500;
  bool windows = params->slots > INDICATOR_REGISTERS;
  size_t room = (size_t)processors * (windows ? INDICATOR_AT_ONCE(1) : INDICATOR_AT_ONCE(0)), turns = (c->groups + room - 1) / room;
  double lead = c->parts > 1 ? (double)params->lead : 0;
  unsigned outputs = (unsigned)__builtin_popcount(params->wanted);
  double work = LAUNCH + (double)turns * ((double)c->rows * row_takes[windows] + lead * lead_takes[windows]);
  double numbers = (double)params->rows * (indicator->input_count + outputs) + (double)(c->parts - 1) * lead * indicator->input_count;
  double passing = numbers * params->series * (double)size / bytes_at_once;
  return fmax(work + 0.4 * passing, 1.15 * passing) + 0.05 * work;
}

static cut best_cut(const assay_indicator *indicator, const indicator_params *params, size_t size, unsigned processors, uint32_t widest,
                    bool in_parts, uint64_t step) {
  cut best = {.parts = 0};
  const uint32_t head = in_parts ? rows_instead_of_lead(params, step) : 0;
  double least = INFINITY;
  for (uint32_t width = 32; width <= widest; width += 16) {
    for (size_t wanted = 1; wanted == 1 || (in_parts && wanted <= params->rows / 64); wanted += 1 + wanted / 16) {
      cut c = {.head = wanted > 1 ? head : 0, .group_series = width};
      uint64_t rows = params->rows - c.head;
      c.rows = ((rows + wanted - 1) / wanted + step - 1) / step * step;
      if (!in_parts || c.rows >= rows) c.rows = params->rows, c.head = 0;
      c.parts = (size_t)((params->rows - c.head + c.rows - 1) / c.rows);
      c.groups = c.parts * ((params->series + width - 1) / width);
      double time = time_of(indicator, params, &c, size, processors);
      if (time < least) best = c, least = time;
    }
  }
  return best;
}

assay_indicator_plan assay_indicator_plan_parts(const assay_indicator *indicator, size_t series, size_t size, unsigned processors,
                                                indicator_params *params) {
  const assay_indicator_hidden *hidden = assay_indicator_hidden_of(indicator);
  bool local, fades = !hidden->finite && hidden->factors != 0;
  params->series = (uint32_t)series;
  params->width = (uint32_t)assay_indicator_rounded_up(series);
  params->fades = fades;
  params->lead = hidden->finite ? params->n[0] : fades ? assay_indicator_rows_to_forget(indicator, params, size) : 0;
  uint32_t widest = widest_group(indicator, size, params, &local);
  cut c = best_cut(indicator, params, size, processors, widest, hidden->finite || fades, hidden->finite ? params->n[0] : 8);
  params->part_groups = (uint32_t)(c.groups / c.parts);
  params->part_rows = c.rows;
  params->head = c.head;
  params->group_series = c.group_series;
  params->local_slots = local ? params->slots - INDICATOR_REGISTERS : 0;
  size_t join_groups = (series + ASSAY_KERNEL_GROUP_SIZE - 1) / ASSAY_KERNEL_GROUP_SIZE;
  return (assay_indicator_plan){.parts = c.parts,
                                .groups = c.groups,
                                .join_groups = c.parts * join_groups,
                                .state_bytes = c.parts * params->width * (1 + (size_t)params->slots + INDICATOR_REGISTERS) * size,
                                .marks_bytes = c.parts * params->width * sizeof(uint32_t),
                                .join = {.series = params->series,
                                         .width = params->width,
                                         .slots = params->slots,
                                         .parts = (uint32_t)c.parts,
                                         .part_groups = (uint32_t)join_groups,
                                         .fades = fades}};
}

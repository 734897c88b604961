/* SPDX-License-Identifier: MIT */
/* Any ticks to a maker of bars: bars stand in order, hold what was given, and are never more than the ticks and the fills allow. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <assay/bars.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_FILL = 50, TICK = 18 };

typedef struct sums {
  uint64_t ticks, begin_ns, fills;
  unsigned __int128 volume;
  bool any;
  bool is_wide; /* quantities of 64 bits: sums may come to their end */
} sums;

static void check(const assay_bar_maker *bars, const assay_bar *bar, sums *s) {
  bool by_time = bars->options.by == ASSAY_BAR_BY_TIME;
  if (bar->low > bar->open || bar->low > bar->close || bar->high < bar->open || bar->high < bar->close) abort();
  if (by_time && (bar->begin_ns % bars->options.every != 0 || (s->any && bar->begin_ns <= s->begin_ns))) abort();
  s->fills = bar->ticks == 0 ? s->fills + 1 : 0;
  if (s->fills > MOST_FILL || (bar->ticks == 0 && (!by_time || !bars->options.fill || bar->open != bar->close))) abort();
  if (bars->options.by == ASSAY_BAR_BY_TICKS && bar->ticks > bars->options.every) abort();
  s->begin_ns = bar->begin_ns;
  s->any = true;
  s->ticks += bar->ticks;
  if (!(bar->vwap >= (double)bar->low && bar->vwap <= (double)bar->high) && !(isnan(bar->vwap) && s->is_wide)) abort();
  if (!s->is_wide) s->volume += (unsigned __int128)bar->volume; /* exact: a byte each */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_bar_maker_options options = {.most_fill = MOST_FILL};
  assay_bar_maker bars;
  assay_bar bar;
  assay_tick tick = {0};
  assay_vwap vwap = {0};
  assay_flow flow = {0};
  sums s = {0};
  uint64_t count = 0;
  unsigned __int128 volume = 0;
  if (size < 10) return 0;
  options.by = (assay_bar_by)(data[0] & 3);
  options.fill = (data[0] & 4) != 0;
  memcpy(&options.every, data + 1, sizeof options.every);
  if ((data[0] & 8) != 0) options.every &= 0xffff;
  if ((data[0] & 16) != 0) options.most_jump_ns = data[0] * UINT64_C(1000);
  if ((data[0] & 32) != 0) options.most_jump_ns = UINT64_MAX;
  if (assay_bar_maker_init(&bars, &options, NULL) != ASSAY_OK) return 0;
  for (size_t at = 9; at + TICK <= size; at += TICK) {
    uint64_t time;
    memcpy(&time, data + at, 8);
    tick.time_ns = (data[at + 16] & 1) != 0 ? time : tick.time_ns + (time & 0xffff);
    memcpy(&tick.price, data + at + 8, 8);
    if ((data[at + 16] & 2) != 0) tick.price &= 0xff;
    tick.quantity = data[at + 17];
    if ((data[at + 16] & 4) != 0) tick.quantity = UINT64_MAX - tick.quantity, s.is_wide = true;
    tick.side = "BS\0B"[data[at + 16] >> 6];
    assay_bar_maker_add(&bars, &tick);
    count++;
    volume += tick.quantity;
    while (assay_bar_maker_take(&bars, &bar)) check(&bars, &bar, &s);
    assay_vwap_add(&vwap, tick.price, tick.quantity);
    const assay_top top = {tick.price, (int64_t)time, tick.quantity, data[at + 16]};
    (void)assay_flow_add(&flow, &top);
    volatile double middle = assay_microprice(&top) + assay_vwap_price(&vwap);
    (void)middle;
  }
  while (assay_bar_maker_finish(&bars, &bar)) check(&bars, &bar, &s);
  const uint64_t left_out = bars.late + bars.far;
  if (s.ticks + left_out != count || bars.refused != 0) abort();
  if (!s.is_wide && (s.volume > volume || volume - s.volume > left_out * UINT8_MAX)) abort();
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The ring of activities: many writers, none of which ever waits, and readers that know what they missed.
 *
 * A writer takes a number, and with it a slot; it claims the slot by an odd sequence, writes the row, and releases it by the next even one.
 * When the slot is still being written by somebody who was overtaken by a whole ring, the row is dropped and counted instead. A reader
 * takes a row only when the sequence is the one of its number before and after. All fields are atomic words, so nothing is a data race.
 */
#ifndef ASSAY_DEVICE_RING_H
#define ASSAY_DEVICE_RING_H

#include <assay/device.h>

enum { ASSAY_RING_SLOTS = 1 << 16, ASSAY_RING_DEVICES = 64 };

typedef struct assay_ring_row {
  assay_activity_kind kind;
  bool hit;
  unsigned device;
  const char *label;
  uint64_t begin_ticks, end_ticks;
  double bytes, flops;
} assay_ring_row;

void assay_ring_push(const assay_ring_row *row);
/* A number for the device of that id; the same id gives the same. 0 when there is no room: such rows have no device. */
unsigned assay_ring_device(const char *id);
/* A copy of the text that lives until the program ends; NULL: out of memory. Few and different ones only. */
const char *assay_ring_label(const char *text);

#endif

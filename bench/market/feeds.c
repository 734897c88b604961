/* SPDX-License-Identifier: MIT */
/* What a message of each feed costs to decode, beside how fast the bytes could be copied, or a peer, in the same run. */
#include <assay/feed_itch.h>

#include <stdio.h>
#include <string.h>

#include "figure.h"

enum { ROUNDS = 31 };

static void die(const assay_error *err) {
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

/* ---- ITCH ---------------------------------------------------------------------------------------------------------------------------- */

static uint64_t add_events(const uint8_t *bytes, size_t size) {
  static assay_market_event events[256];
  assay_feed_reader reader;
  uint64_t sum = 0;
  size_t count;
  assay_feed_open(&reader, bytes, size);
  while ((count = assay_itch_events(&reader, events, 256)) > 0) sum += events[count - 1].order_id + events[0].quantity;
  return sum;
}

/* The same fields the ordinary way: a branch on the type, then field by field. */
static uint64_t add_messages(const uint8_t *bytes, size_t size) {
  assay_feed_reader reader;
  assay_itch_message m;
  assay_market_event event;
  uint64_t sum = 0;
  assay_feed_open(&reader, bytes, size);
  while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
    assay_itch_event(&m, &event);
    sum += event.order_id;
  }
  return sum;
}

/* A visitor that wants one field of one type. */
static uint64_t add_shares(const uint8_t *bytes, size_t size) {
  assay_feed_reader reader;
  assay_itch_message m;
  uint64_t sum = 0;
  assay_feed_open(&reader, bytes, size);
  while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE)
    if (m.type == 'P') sum += assay_be32(m.as->trade.shares);
  return sum;
}

static void itch(void) {
  assay_error err = {0};
  uint8_t *bytes = NULL;
  size_t size = 0;
  assay_feed_market market = {.format = ASSAY_FEED_ITCH, .seed = 1, .messages = 20000, .symbols = 100};
  if (assay_feed_generate(&market, &err, &bytes, &size) != ASSAY_OK) die(&err);
  double messages = (double)(market.messages + 2 * market.symbols + 6);
  uint8_t *copy = malloc(size);
  volatile uint64_t sink = 0;
  double copied = FIGURE_BEST_NS(ROUNDS, memcpy(copy, bytes, size); sink += copy[size / 2]) / messages;
  double events = FIGURE_BEST_NS(ROUNDS, sink += add_events(bytes, size)) / messages;
  double views = FIGURE_BEST_NS(ROUNDS, sink += add_shares(bytes, size)) / messages;
  double plain = FIGURE_BEST_NS(5, sink += add_messages(bytes, size)) / messages;
  char note[120];
  snprintf(note, sizeof note, "a branch on the type, field by field: %.2f ns; memcpy of the bytes: %.2f ns", plain, copied);
  figure_beside("itch_event", events, "ns/message", copied, note);
  figure_beside("itch_view", views, "ns/message", copied, "next and one field, where it lies");
  free(copy);
  assay_feed_generated_free(bytes);
}

int main(int argc, char **argv) {
  figure_begin(argc, argv);
  itch();
  return figure_end();
}

/* SPDX-License-Identifier: MIT */
/* ITCH, message by message: locates are given anew every day, and a file may have several. */
#include "cli/feed_walk.h"

static const uint64_t disorder_ns = UINT64_C(60000000000);

static bool is_early(const assay_cli_feed_file *feed, uint64_t time_ns) { return time_ns + disorder_ns < feed->time_ns; }

/* A clock may be wrong once: a time far ahead is the feed's once the next message is as late, and an early one never. */
__attribute__((noinline)) static void note_odd_time(assay_cli_feed_file *feed, uint64_t time_ns) {
  if (feed->far_ns != 0 && time_ns + disorder_ns >= feed->far_ns) feed->time_ns = feed->far_ns;
  feed->far_ns = time_ns > feed->time_ns + disorder_ns ? time_ns : 0;
  if (feed->far_ns == 0 && !is_early(feed, time_ns)) feed->time_ns = time_ns;
}

static void note_time(assay_cli_feed_file *feed, uint64_t time_ns) {
  if (__builtin_expect(feed->far_ns == 0 && time_ns + disorder_ns - feed->time_ns <= 2 * disorder_ns, 1))
    feed->time_ns = time_ns;
  else
    note_odd_time(feed, time_ns);
}

/* Whether the message behind `m` is early too. The window may have to go on for that, and `m` with it. */
__attribute__((noinline)) static bool is_next_early(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_itch_message *m) {
  assay_feed_reader ahead = *reader;
  assay_itch_message next;
  assay_market_event event;
  assay_feed_step step;
  while ((step = assay_itch_next(&ahead, &next)) == ASSAY_FEED_MORE) {
    reader->at -= m->length + (size_t)2;
    reader->count--;
    bool is_more = assay_cli_feed_next_window(feed, reader);
    assay_itch_next(reader, m);
    if (!is_more) return false;
    ahead = *reader;
  }
  if (step != ASSAY_FEED_MESSAGE) return false;
  assay_itch_event(&next, &event);
  return is_early(feed, event.time_ns);
}

/* Another day of ITCH, in the same file: it begins with its system event, or (where that is cut off) with two early messages. */
static bool begins_day(assay_cli_feed_file *feed, assay_feed_reader *reader, assay_itch_message *m, uint64_t time_ns) {
  if (feed->days == 0) return false;
  if (m->type == 'S' && m->as->system.event == 'O') return true;
  return is_early(feed, time_ns) && is_next_early(feed, reader, m);
}

/* Books are empty then. The event says so itself, unless its beginning is cut off; returns how many events there are. */
static size_t begin_day(assay_cli_feed_file *feed, assay_market_event events[2]) {
  assay_cli_feed_forget_names(feed);
  feed->days++;
  feed->time_ns = feed->far_ns = 0;
  if ((events[0].flags & ASSAY_MARKET_ALL_SYMBOLS) != 0) return 1;
  events[1] = events[0];
  events[0] = (assay_market_event){.time_ns = events[1].time_ns, .kind = ASSAY_MARKET_STATUS, .flags = ASSAY_MARKET_ALL_SYMBOLS};
  return 2;
}

void assay_cli_feed_walk_itch(assay_cli_feed_file *feed, assay_cli_feed_visit *visit, void *context) {
  const uint64_t day_ns = UINT64_C(86400000000000);
  assay_feed_reader reader;
  assay_itch_message m;
  assay_feed_file_begin(feed->file, &reader);
  feed->days = 0;
  do {
    while (assay_itch_next(&reader, &m) == ASSAY_FEED_MESSAGE) {
      assay_market_event events[2];
      const char kind[2] = {m.type, '\0'};
      size_t count = 1;
      assay_itch_event(&m, events);
      uint64_t time_ns = events[0].time_ns;
      if (__builtin_expect(begins_day(feed, &reader, &m, time_ns), 0)) {
        if (!visit(context, feed, &(assay_cli_feed_message){.reader = &reader, .day_is_over = true})) return;
        count = begin_day(feed, events);
      }
      if (feed->days == 0) feed->days = 1;
      note_time(feed, time_ns);
      for (size_t i = 0; i < count && feed->days > 1; i++) events[i].time_ns += (feed->days - 1) * day_ns;
      const assay_market_event *event = &events[count - 1];
      if (m.type == 'R') assay_cli_feed_give_name(feed, assay_itch_locate(&m), m.as->directory.stock, sizeof m.as->directory.stock);
      if (m.type == 'A' || m.type == 'F')
        if (assay_cli_feed_name(feed, event->symbol)[0] == '\0')
          assay_cli_feed_give_name(feed, event->symbol, m.as->add.stock, sizeof m.as->add.stock);
      if (!visit(context, feed, &(assay_cli_feed_message){&reader, kind, assay_itch_name(m.type), &m, events, count})) return;
    }
  } while (assay_cli_feed_go_on(feed, &reader, visit, context));
}

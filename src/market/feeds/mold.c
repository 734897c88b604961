/* SPDX-License-Identifier: MIT */
/* MoldUDP64 1.00: packets of messages with sequence numbers, and a receiver that puts them in order. */
#include <assay/feed_itch.h>

#include "market/feeds/feed.h"

/* ---- One packet ---------------------------------------------------------------------------------------------------------------------- */

assay_feed_step assay_mold_open(assay_mold_packet *packet, const void *bytes, size_t size) {
  const uint8_t *head = bytes;
  *packet = (assay_mold_packet){0};
  assay_feed_open(&packet->blocks, bytes, size);
  assay_feed_reader *blocks = &packet->blocks;
  if (size < ASSAY_MOLD_HEAD)
    return assay_feed_fail(blocks, size, 0, "head", "a packet is at least 20 bytes", "drop the packet and ask for its messages again");
  packet->session = (const char *)head;
  packet->sequence = (uint64_t)assay_be32(head + 10) << 32 | assay_be32(head + 14);
  packet->count = assay_be16(head + 18);
  packet->left = packet->count == ASSAY_MOLD_END ? 0 : packet->count;
  if (packet->sequence > UINT64_MAX - ASSAY_MOLD_END)
    return assay_feed_fail(blocks, 10, 0, "sequence number", "so high that the next would wrap", "drop the packet");
  size_t at = ASSAY_MOLD_HEAD;
  for (unsigned i = 0; i < packet->left; i++) {
    if (size - at < 2 || assay_be16(head + at) > size - at - 2) {
      blocks->count = i;
      return assay_feed_fail(blocks, at, 0, "block length", "the packet ends inside a message",
                             "drop the packet and ask for its messages again");
    }
    at += 2 + (size_t)assay_be16(head + at);
  }
  if (at != size)
    return assay_feed_fail(blocks, at, 0, "message count", "there are bytes behind the last message",
                           "drop the packet and ask for its messages again");
  blocks->at = ASSAY_MOLD_HEAD;
  return ASSAY_FEED_MESSAGE;
}

assay_feed_step assay_mold_next(assay_mold_packet *packet, assay_itch_message *message) {
  assay_feed_reader *blocks = &packet->blocks;
  if (packet->left == 0) return ASSAY_FEED_END;
  size_t at = blocks->at, length = assay_be16(blocks->data + at);
  packet->left--;
  packet->sequence++;
  blocks->at = at + 2 + length;
  if (length == 0 || length != assay_itch_lengths[blocks->data[at + 2]]) {
    assay_feed_fail(blocks, at, blocks->at, "block", "no message of TotalView-ITCH 5.0", "skip it: the next block follows");
    blocks->count++;
    return ASSAY_FEED_MALFORMED;
  }
  blocks->count++;
  *message = (assay_itch_message){
      .as = (const assay_itch_body *)(blocks->data + at + 2), .length = (uint16_t)length, .type = (char)blocks->data[at + 2]};
  return ASSAY_FEED_MESSAGE;
}

/* ---- The receiver -------------------------------------------------------------------------------------------------------------------- */

/*
 * Packets in memory, from `begun` to `used`: the length in four bytes, the bytes, the length again. They are in the order of their first
 * messages, and none lies within another, so they are in that of their ends too: the next one in turn is the first, and a new one is looked
 * for from behind, where it belongs as a rule.
 */
enum { STORED_LENGTH = 4, STORED_MORE = 2 * STORED_LENGTH };

static size_t stored_length(const uint8_t *place) {
  uint32_t length;
  memcpy(&length, place, sizeof length);
  return length;
}

static size_t behind_stored(const assay_mold_receiver *receiver, size_t at) {
  return at + STORED_MORE + stored_length(receiver->memory + at);
}

static size_t before_stored(const assay_mold_receiver *receiver, size_t at) {
  return at - STORED_MORE - stored_length(receiver->memory + at - STORED_LENGTH);
}

static uint64_t stored_first(const assay_mold_receiver *receiver, size_t at) {
  return assay_be64(receiver->memory + at + STORED_LENGTH + 10);
}

static uint64_t stored_end(const assay_mold_receiver *receiver, size_t at) {
  return stored_first(receiver, at) + assay_be16(receiver->memory + at + STORED_LENGTH + 18);
}

void assay_mold_init(assay_mold_receiver *receiver, void *memory, size_t capacity) {
  *receiver = (assay_mold_receiver){.memory = memory, .capacity = memory != NULL ? capacity : 0};
}

/*
 * A sequence number far ahead is believed when the next packet says the same (RFC 3550, A.1, does so with RTP's): one that is forged or
 * broken would otherwise make a gap that nothing ever fills.
 */
static bool is_believed(assay_mold_receiver *receiver, uint64_t sequence, uint64_t end) {
  uint64_t known = receiver->known > receiver->expected ? receiver->known : receiver->expected;
  if (sequence <= known || sequence - known <= ASSAY_MOLD_FAR) {
    receiver->far = 0;
    return true;
  }
  bool again = receiver->far > 0 && sequence >= receiver->far && sequence - receiver->far <= ASSAY_MOLD_FAR;
  receiver->far = end;
  if (!again) receiver->refused++;
  return again;
}

static void learn(assay_mold_receiver *receiver, uint64_t next) {
  if (next > receiver->known) receiver->known = next;
  bool missing = receiver->known > receiver->expected && !receiver->resuming;
  if (missing && !receiver->stale) receiver->gaps++;
  receiver->stale = missing;
}

/* Behind the last packet that begins no later. */
static size_t find_place(const assay_mold_receiver *receiver, uint64_t sequence) {
  size_t at = receiver->used;
  while (at > receiver->begun) {
    const size_t before = before_stored(receiver, at);
    if (stored_first(receiver, before) <= sequence) break;
    at = before;
  }
  return at;
}

static bool is_stored(const assay_mold_receiver *receiver, uint64_t sequence, uint64_t end) {
  const size_t place = find_place(receiver, sequence);
  return place > receiver->begun && end <= stored_end(receiver, before_stored(receiver, place));
}

static void cut_out(assay_mold_receiver *receiver, size_t from, size_t to) {
  memmove(receiver->memory + from, receiver->memory + to, receiver->used - to);
  receiver->used -= to - from;
}

/* So that what is free is behind the last. A packet in turn goes with the others, and is begun with again. */
static void gather(assay_mold_receiver *receiver) {
  if (receiver->now_stored > 0) receiver->now.left = 0;
  receiver->now_stored = 0;
  cut_out(receiver, 0, receiver->begun);
  receiver->begun = 0;
}

/* No stored one holds all of it. Those that it holds all of go: the one in turn begins before any that is stored. */
static void store(assay_mold_receiver *receiver, const void *bytes, size_t size, uint64_t sequence, uint64_t end) {
  const size_t needed = STORED_MORE + size;
  if (receiver->capacity - (receiver->used - receiver->begun) < needed) {
    receiver->refused++;
    return;
  }
  if (receiver->capacity - receiver->used < needed) gather(receiver);
  size_t place = find_place(receiver, sequence), within = place;
  if (place > receiver->begun && stored_first(receiver, before_stored(receiver, place)) == sequence) place = before_stored(receiver, place);
  while (within < receiver->used && stored_end(receiver, within) <= end) within = behind_stored(receiver, within);
  cut_out(receiver, place, within);
  uint8_t *to = receiver->memory + place;
  memmove(to + needed, to, receiver->used - place);
  const uint32_t length = (uint32_t)size;
  memcpy(to, &length, sizeof length);
  memcpy(to + STORED_LENGTH, bytes, size);
  memcpy(to + STORED_LENGTH + size, &length, sizeof length);
  receiver->used += needed;
}

static void drop_first_stored(assay_mold_receiver *receiver) {
  receiver->begun = behind_stored(receiver, receiver->begun);
  if (receiver->begun == receiver->used) receiver->begun = receiver->used = 0;
}

/* Begins with the first message of a packet that is not taken yet; false: all of them are. */
static bool enter(assay_mold_receiver *receiver, const assay_mold_packet *packet, size_t stored) {
  if (packet->sequence > receiver->expected || packet->sequence + packet->left <= receiver->expected) return false;
  receiver->now = *packet;
  receiver->now_stored = stored;
  while (receiver->now.sequence < receiver->expected) {
    assay_mold_packet *now = &receiver->now;
    now->blocks.at += 2 + (size_t)assay_be16(now->blocks.data + now->blocks.at);
    now->sequence++;
    now->left--;
  }
  return true;
}

/* After a gap that was given up, the next packet with messages says where it goes on. */
static void resume_at(assay_mold_receiver *receiver, uint64_t sequence) {
  receiver->lost += sequence - receiver->expected;
  receiver->expected = receiver->known = sequence;
  receiver->resuming = receiver->stale = false;
}

assay_mold_news assay_mold_receive(assay_mold_receiver *receiver, const void *bytes, size_t size) {
  assay_mold_packet packet;
  receiver->packets++;
  if (assay_mold_open(&packet, bytes, size) != ASSAY_FEED_MESSAGE) {
    receiver->fault = packet.blocks.fault;
    return ASSAY_MOLD_BAD;
  }
  if (!receiver->joined) {
    memcpy(receiver->session, packet.session, sizeof receiver->session);
    receiver->joined = true;
    if (receiver->expected == 0) receiver->expected = packet.sequence;
    receiver->known = receiver->expected;
  }
  if (memcmp(receiver->session, packet.session, sizeof receiver->session) != 0) return ASSAY_MOLD_SESSION;
  uint64_t end = packet.sequence + packet.left;
  if (receiver->resuming && packet.left > 0 && packet.sequence >= receiver->expected) resume_at(receiver, packet.sequence);
  if (!is_believed(receiver, packet.sequence, end)) return ASSAY_MOLD_FAR_AHEAD;
  receiver->ended |= packet.count == ASSAY_MOLD_END;
  learn(receiver, packet.left == 0 ? packet.sequence : receiver->known);
  if (packet.left == 0) return receiver->stale ? ASSAY_MOLD_GAP : receiver->ended ? ASSAY_MOLD_OVER : ASSAY_MOLD_HEARTBEAT;
  bool duplicate = end <= receiver->expected || is_stored(receiver, packet.sequence, end);
  if (duplicate) {
    receiver->duplicates++;
    return ASSAY_MOLD_DUPLICATE;
  }
  if (enter(receiver, &packet, 0)) {
    if (end > receiver->known) receiver->known = end;
    return ASSAY_MOLD_MESSAGES;
  }
  store(receiver, bytes, size, packet.sequence, end);
  learn(receiver, end);
  return ASSAY_MOLD_GAP;
}

/* The stored packet that goes on where the last one ended; those that are all known already go. */
static bool enter_stored(assay_mold_receiver *receiver) {
  while (receiver->used > 0 && stored_end(receiver, receiver->begun) <= receiver->expected) drop_first_stored(receiver);
  if (receiver->used == 0 || stored_first(receiver, receiver->begun) > receiver->expected) return false;
  const uint8_t *place = receiver->memory + receiver->begun;
  assay_mold_packet packet;
  assay_mold_open(&packet, place + STORED_LENGTH, stored_length(place));
  return enter(receiver, &packet, receiver->begun + 1);
}

assay_feed_step assay_mold_take(assay_mold_receiver *receiver, assay_itch_message *message) {
  if (receiver->now.left == 0) {
    receiver->now_stored = 0;
    if (!enter_stored(receiver)) {
      learn(receiver, receiver->known);
      return ASSAY_FEED_END;
    }
  }
  assay_feed_step step = assay_mold_next(&receiver->now, message);
  receiver->expected = receiver->now.sequence;
  if (step == ASSAY_FEED_MESSAGE)
    receiver->messages++;
  else
    receiver->fault = receiver->now.blocks.fault;
  return step;
}

/* The first message that is stored, or one behind the last that is known. */
static uint64_t gap_end(const assay_mold_receiver *receiver) {
  uint64_t end = receiver->known;
  for (size_t at = receiver->begun; at < receiver->used; at = behind_stored(receiver, at)) {
    const uint64_t first = stored_first(receiver, at);
    if (first > receiver->expected) return first < end ? first : end;
  }
  return end;
}

static void put_be(uint8_t *to, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

size_t assay_mold_mark(uint8_t packet[ASSAY_MOLD_HEAD], const char session[10], uint64_t sequence, uint16_t count) {
  memcpy(packet, session, 10);
  put_be(packet + 10, sequence, 8);
  put_be(packet + 18, count, 2);
  return ASSAY_MOLD_HEAD;
}

size_t assay_mold_request(const assay_mold_receiver *receiver, uint8_t request[ASSAY_MOLD_HEAD]) {
  if (!receiver->stale) return 0;
  uint64_t missing = gap_end(receiver) - receiver->expected;
  return assay_mold_mark(request, receiver->session, receiver->expected, missing < ASSAY_MOLD_END ? (uint16_t)missing : ASSAY_MOLD_END - 1);
}

/* Only to what is there: how far the feed has come is hearsay where nothing is stored. */
uint64_t assay_mold_give_up(assay_mold_receiver *receiver) {
  if (!receiver->stale) return 0;
  uint64_t end = gap_end(receiver), missing = end - receiver->expected;
  if (receiver->used == 0) {
    receiver->resuming = true;
    receiver->stale = false;
    return missing;
  }
  receiver->expected = end;
  receiver->lost += missing;
  learn(receiver, receiver->known);
  return missing;
}

void assay_mold_resume(assay_mold_receiver *receiver, uint64_t sequence) {
  receiver->expected = sequence;
  receiver->now.left = 0;
  receiver->now_stored = 0;
  receiver->resuming = false;
  receiver->far = 0;
  receiver->known = sequence;
  if (receiver->used > 0) {
    const uint64_t end = stored_end(receiver, before_stored(receiver, receiver->used));
    if (end > receiver->known) receiver->known = end;
  }
  receiver->stale = receiver->known > sequence;
}

/* ---- The sender ---------------------------------------------------------------------------------------------------------------------- */

size_t assay_mold_pack(assay_feed_reader *reader, const char session[10], uint64_t *sequence, uint8_t *packet, size_t capacity) {
  size_t used = ASSAY_MOLD_HEAD;
  uint16_t count = 0;
  assay_itch_message message;
  while (count < ASSAY_MOLD_END - 1) {
    assay_feed_reader before = *reader;
    if (assay_itch_next(reader, &message) != ASSAY_FEED_MESSAGE) break;
    if (used + 2 + message.length > capacity) {
      *reader = before;
      break;
    }
    put_be(packet + used, message.length, 2);
    memcpy(packet + used + 2, message.as, message.length);
    used += 2 + (size_t)message.length;
    count++;
  }
  if (count == 0) return 0;
  assay_mold_mark(packet, session, *sequence, count);
  *sequence += count;
  return used;
}

/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_itch.h: NASDAQ TotalView-ITCH 5.0, in a file (BinaryFILE: two bytes of length, big-endian, before each message) and in packets
 * (MoldUDP64, with gaps, re-requests, heartbeats and the end of a session).
 *
 *     assay_feed_reader reader;
 *     assay_itch_message message;
 *     assay_feed_open(&reader, bytes, size);
 *     while (assay_itch_next(&reader, &message) == ASSAY_FEED_MESSAGE) switch (message.type) {
 *       case 'A': add(assay_be64(message.as->add.order), assay_be32(message.as->add.price)); break;   // in place: nothing is copied
 *       case 'E': execute(assay_be64(message.as->execute.order), assay_be32(message.as->execute.shares)); break;
 *     }
 *     // or as events, a batch at a time: the fastest way
 *     while ((count = assay_itch_events(&reader, events, 256)) > 0) apply(events, count);
 *
 * Units: times are nanoseconds since midnight in New York; Price (4) is in 1/10,000 of a dollar, Price (8) in 1/100,000,000. Text is padded
 * with blanks on its right.
 *
 * Sides of trades: 'E' and 'C' are about an order whose side is known, so the aggressor had the other one. 'P' (a hidden order was hit) has
 * an indicator of the hidden order's side that is 'B' whatever it was, since 2014-07-14; its event has no side.
 *
 * What is malformed: a length that is not the one of the message's type, a type that the specification does not have, bytes that end inside
 * a message. A block of length 0, with which a BinaryFILE ends, is passed over. What stands in a field is the business of assay_itch_check.
 *
 * Source: Nasdaq TotalView-ITCH 5.0 (the tables of fields and their offsets), Nasdaq MoldUDP64 1.00. Thread-safety: as in feeds.h.
 */
#ifndef ASSAY_FEED_ITCH_H
#define ASSAY_FEED_ITCH_H

#include <string.h>

#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Big-endian numbers at any address. */
static inline uint16_t assay_be16(const uint8_t *bytes) { return (uint16_t)(bytes[0] << 8 | bytes[1]); }
static inline uint32_t assay_be32(const uint8_t *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}
static inline uint64_t assay_be48(const uint8_t *bytes) { return (uint64_t)assay_be16(bytes) << 32 | assay_be32(bytes + 2); }
static inline uint64_t assay_be64(const uint8_t *bytes) { return (uint64_t)assay_be32(bytes) << 32 | assay_be32(bytes + 4); }

/* ---- Messages ------------------------------------------------------------------------------------------------------------------- */

/* What every message begins with. */
typedef struct assay_itch_head {
  uint8_t type, locate[2], tracking[2], time[6];
} assay_itch_head;

/*
 * A message where it lies, byte by byte as in the specification's tables: no padding, any alignment. Text is char, numbers are bytes for
 * assay_be16 to assay_be64. The comment is the type's character and the length.
 */
typedef union assay_itch_body {
  assay_itch_head head;
  struct {
    assay_itch_head head;
    char event;
  } system; /* S 12 */
  struct {
    assay_itch_head head;
    char stock[8], market_category, financial_status;
    uint8_t round_lot_size[4];
    char round_lots_only, classification, sub_type[2], authenticity, short_sale_threshold, ipo, luld_tier, etp;
    uint8_t etp_leverage[4];
    char inverse;
  } directory; /* R 39 */
  struct {
    assay_itch_head head;
    char stock[8], state, reserved, reason[4];
  } action; /* H 25: stock trading action */
  struct {
    assay_itch_head head;
    char stock[8], action;
  } reg_sho; /* Y 20 */
  struct {
    assay_itch_head head;
    char mpid[4], stock[8], primary, mode, state;
  } participant; /* L 26 */
  struct {
    assay_itch_head head;
    uint8_t level1[8], level2[8], level3[8]; /* Price (8) */
  } decline;                                 /* V 35: market-wide circuit breaker */
  struct {
    assay_itch_head head;
    char level;
  } breach; /* W 12 */
  struct {
    assay_itch_head head;
    char stock[8];
    uint8_t release[4]; /* seconds since midnight */
    char qualifier;
    uint8_t price[4];
  } ipo; /* K 28 */
  struct {
    assay_itch_head head;
    char stock[8];
    uint8_t reference[4], upper[4], lower[4], extension[4];
  } collar; /* J 35 */
  struct {
    assay_itch_head head;
    char stock[8], market, action;
  } halt; /* h 21 */
  struct {
    assay_itch_head head;
    uint8_t order[8];
    char side;
    uint8_t shares[4];
    char stock[8];
    uint8_t price[4];
  } add; /* A 36 */
  struct {
    assay_itch_head head;
    uint8_t order[8];
    char side;
    uint8_t shares[4];
    char stock[8];
    uint8_t price[4];
    char attribution[4];
  } add_attributed; /* F 40 */
  struct {
    assay_itch_head head;
    uint8_t order[8], shares[4], match[8];
  } execute; /* E 31 */
  struct {
    assay_itch_head head;
    uint8_t order[8], shares[4], match[8];
    char printable;
    uint8_t price[4];
  } execute_price; /* C 36 */
  struct {
    assay_itch_head head;
    uint8_t order[8], shares[4];
  } cancel; /* X 23 */
  struct {
    assay_itch_head head;
    uint8_t order[8];
  } remove; /* D 19: delete */
  struct {
    assay_itch_head head;
    uint8_t order[8], new_order[8], shares[4], price[4];
  } replace; /* U 35 */
  struct {
    assay_itch_head head;
    uint8_t order[8];
    char side;
    uint8_t shares[4];
    char stock[8];
    uint8_t price[4], match[8];
  } trade; /* P 44 */
  struct {
    assay_itch_head head;
    uint8_t shares[8];
    char stock[8];
    uint8_t price[4], match[8];
    char cross;
  } cross; /* Q 40 */
  struct {
    assay_itch_head head;
    uint8_t match[8];
  } broken; /* B 19 */
  struct {
    assay_itch_head head;
    uint8_t paired[8], imbalance[8];
    char direction, stock[8];
    uint8_t far_price[4], near_price[4], reference[4];
    char cross, variation;
  } imbalance; /* I 50 */
  struct {
    assay_itch_head head;
    char stock[8], interest;
  } retail; /* N 20 */
  struct {
    assay_itch_head head;
    char stock[8], eligible;
    uint8_t least[4], most[4], near_price[4], near_time[8], lower_collar[4], upper_collar[4];
  } listing; /* O 48: direct listing with capital raise */
} assay_itch_body;

typedef struct assay_itch_message {
  const assay_itch_body *as; /* in the window; only the member of `type` is there */
  uint16_t length;
  char type;
} assay_itch_message;

static inline uint16_t assay_itch_locate(const assay_itch_message *message) { return assay_be16(message->as->head.locate); }
static inline uint64_t assay_itch_time_ns(const assay_itch_message *message) { return assay_be48(message->as->head.time); }

/* Length of a message of each type; 0: there is no such type. */
ASSAY_API extern const uint8_t assay_itch_lengths[256];

/* The next message of a BinaryFILE; see assay_itch_next. */
ASSAY_API assay_feed_step assay_itch_next_checked(assay_feed_reader *reader, assay_itch_message *message);

/* The next message of a BinaryFILE. */
static inline assay_feed_step assay_itch_next(assay_feed_reader *reader, assay_itch_message *message) {
  size_t left = reader->size - reader->at;
  if (left >= 3) {
    const uint8_t *block = reader->data + reader->at;
    uint16_t length = assay_be16(block);
    if (length == assay_itch_lengths[block[2]] && length != 0 && left >= 2u + length) {
      message->as = (const assay_itch_body *)(block + 2);
      message->length = length;
      message->type = (char)block[2];
      reader->at += 2u + length;
      reader->count++;
      return ASSAY_FEED_MESSAGE;
    }
  }
  return assay_itch_next_checked(reader, message); /* an end, more to come, or a fault */
}

/* Whether every field holds what the specification allows: sides, printable text, times of one day. The fault's offset is within the
 * message; ASSAY_OK leaves it alone. */
ASSAY_API bool assay_itch_check(const assay_itch_message *message, assay_feed_fault *fault);

/* One message as an event, ASSAY_MARKET_NOTHING for those that are about nothing that events know. */
ASSAY_API void assay_itch_event(const assay_itch_message *message, assay_market_event *event);
/*
 * The next messages of a BinaryFILE as events, one for each, at most `capacity`; 0 is the end of the window (or of the stream), or a fault.
 * The same events as assay_itch_event's, several times as fast.
 */
ASSAY_API size_t assay_itch_events(assay_feed_reader *reader, assay_market_event *events, size_t capacity);

typedef enum assay_itch_kind {
  ASSAY_ITCH_ALPHA,
  ASSAY_ITCH_WHOLE,
  ASSAY_ITCH_PRICE4,
  ASSAY_ITCH_PRICE8,
  ASSAY_ITCH_TIME,   /* ns since midnight */
  ASSAY_ITCH_SECONDS /* since midnight */
} assay_itch_kind;

/* A row of the specification's tables, for whatever shows or compares any message. The first four of each type are the head. */
typedef struct assay_itch_field {
  char type;
  uint8_t offset, bytes;
  assay_itch_kind kind;
  const char *name;
} assay_itch_field;

/* All fields of a type, in the order of their offsets; *count is 0 for no type. */
ASSAY_API const assay_itch_field *assay_itch_fields(char type, size_t *count);
/* "add order"; NULL: there is no such type. */
ASSAY_API const char *assay_itch_name(char type);
/* A number of a message; of text, its bytes as a big-endian number. */
ASSAY_API uint64_t assay_itch_number(const assay_itch_message *message, const assay_itch_field *field);

/* ---- MoldUDP64 -------------------------------------------------------------------------------------------------------------------- */

enum { ASSAY_MOLD_HEAD = 20, ASSAY_MOLD_END = 0xffff, ASSAY_MOLD_LARGEST = 65507 };

/* One packet: ten characters of session, the sequence number of its first message, how many there are, then each behind its length. */
typedef struct assay_mold_packet {
  assay_feed_reader blocks; /* behind the head */
  const char *session;      /* 10 characters */
  uint64_t sequence;        /* of the next message that assay_mold_next gives */
  uint16_t count;           /* as sent: 0 is a heartbeat, 0xffff the end of the session; both name the next message to come */
  uint16_t left;            /* not given yet */
} assay_mold_packet;

/* The packet and the lengths of all its blocks, before any is given. ASSAY_FEED_MALFORMED: packet->blocks.fault. */
ASSAY_API assay_feed_step assay_mold_open(assay_mold_packet *packet, const void *bytes, size_t size);
/* Its next message; ASSAY_FEED_END behind the last, or ASSAY_FEED_MALFORMED for what is no ITCH message (skip: the next block). */
ASSAY_API assay_feed_step assay_mold_next(assay_mold_packet *packet, assay_itch_message *message);

/*
 * A receiver puts packets of one session in order: each message comes once and in sequence. Packets behind a gap wait in memory that the
 * caller lends until the gap is filled (by the other line of the feed, or by what assay_mold_request asks for) or given up.
 *
 *     assay_mold_init(&receiver, memory, sizeof memory);
 *     assay_mold_receive(&receiver, datagram, length);
 *     while (assay_mold_take(&receiver, &message) == ASSAY_FEED_MESSAGE) apply(&message);
 *     if (receiver.stale && now > asked + patience) send(server, request, assay_mold_request(&receiver, request));
 */
typedef enum assay_mold_news {
  ASSAY_MOLD_MESSAGES,  /* there may be messages to take */
  ASSAY_MOLD_HEARTBEAT, /* nothing new, and nothing missing */
  ASSAY_MOLD_DUPLICATE, /* all of it was there before */
  ASSAY_MOLD_GAP,       /* something before it is missing: `stale` */
  ASSAY_MOLD_SESSION,   /* of another session; not looked at */
  ASSAY_MOLD_OVER,      /* the session has ended, and nothing is missing */
  ASSAY_MOLD_BAD,       /* malformed: `fault` */
  ASSAY_MOLD_FAR_AHEAD  /* more than ASSAY_MOLD_FAR messages ahead of all that is known, and the first to say so: not believed yet */
} assay_mold_news;
enum { ASSAY_MOLD_FAR = 1 << 24 };

typedef struct assay_mold_receiver {
  char session[10];
  bool joined;       /* the first packet chooses the session, and where it begins: set both (and `expected`) to begin elsewhere */
  bool ended;        /* the sender said so */
  bool stale;        /* messages are missing: what was built from the feed may be wrong until they came */
  uint64_t expected; /* sequence number of the next message to take */
  uint64_t known;    /* one behind the last message that anybody has heard of */
  bool resuming;     /* a gap was given up with nothing stored: the next packet says where it goes on */
  uint64_t far;      /* the end of a packet that is not believed yet; 0: there is none */
  uint64_t packets, messages, duplicates, gaps, lost, refused;
  assay_feed_fault fault;
  uint8_t *memory;
  size_t capacity, begun, used; /* what is stored lies from `begun` to `used`; 0 and 0: nothing */
  assay_mold_packet now;
  size_t now_stored; /* where the packet in turn lies in `memory` plus 1; 0: with the caller */
} assay_mold_receiver;

/* `memory` holds packets behind a gap (64 KiB and more is sensible); NULL and 0: they are refused and have to be asked for again. */
ASSAY_API void assay_mold_init(assay_mold_receiver *receiver, void *memory, size_t capacity);
/* `bytes` have to stay until assay_mold_take was not ASSAY_FEED_MESSAGE. */
ASSAY_API assay_mold_news assay_mold_receive(assay_mold_receiver *receiver, const void *bytes, size_t size);
/* The next message in sequence (its number is expected - 1 afterwards). ASSAY_FEED_END: none yet. ASSAY_FEED_MALFORMED: no ITCH message;
 * the next call goes on behind it. */
ASSAY_API assay_feed_step assay_mold_take(assay_mold_receiver *receiver, assay_itch_message *message);
/* The packet that asks for what is missing; returns its 20 bytes, or 0 when nothing is. */
ASSAY_API size_t assay_mold_request(const assay_mold_receiver *receiver, uint8_t request[ASSAY_MOLD_HEAD]);
/* Goes on behind the gap, at what is stored or else at the next packet that has messages (then `lost` is counted): returns how many
 * messages are missing as far as is known. Whatever was built from the feed needs a fresh start (assay_feed_book_lost). */
ASSAY_API uint64_t assay_mold_give_up(assay_mold_receiver *receiver);
/* Goes on at a message, such as the one that a snapshot ends with (Glimpse); what is stored from there on is kept. */
ASSAY_API void assay_mold_resume(assay_mold_receiver *receiver, uint64_t sequence);

/* Packs messages of a BinaryFILE into one packet of at most `capacity` bytes (1,400 or so for Ethernet), beginning at reader's next.
 * Returns its bytes and counts *sequence on; 0: none is left (or malformed: reader->fault). */
ASSAY_API size_t assay_mold_pack(assay_feed_reader *reader, const char session[10], uint64_t *sequence, uint8_t *packet, size_t capacity);
/* A heartbeat (count 0) or the end of the session (ASSAY_MOLD_END); returns 20. */
ASSAY_API size_t assay_mold_mark(uint8_t packet[ASSAY_MOLD_HEAD], const char session[10], uint64_t sequence, uint16_t count);

#ifdef __cplusplus
}
#endif
#endif

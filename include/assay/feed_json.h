/* SPDX-License-Identifier: MIT */
/*
 * assay/feed_json.h: Binance-style JSON: trades, aggregated trades, differences of the depth, and its snapshots; raw or combined
 * ({"stream": ..., "data": ...}), keys in any order, with white space and escapes.
 *
 *     assay_binance_level levels[2000];
 *     assay_binance_reader reader;
 *     assay_binance_message message;
 *     assay_binance_open(&reader, text, size, 8, 8, levels, 2000);           // prices and quantities in steps of 10^-8
 *     while (assay_binance_next(&reader, &message) == ASSAY_FEED_MESSAGE)
 *       if (message.kind == ASSAY_BINANCE_TRADE) trade(message.price, message.quantity, message.maker_buys ? 'S' : 'B');
 *       else if (message.kind == ASSAY_BINANCE_DEPTH) for (size_t i = 0; i < message.bid_count; i++) set('B', message.bids[i]);
 *     assay_feed_explain(&reader.in, "JSON", &err);
 *
 * Documents stand one behind the other, with white space between them or none, or in lists ([{...},{...}], and lists in such), of which
 * each is a message; a number and a blank before one (the time of its receipt, as recorders write it) are passed over. Decimal text becomes
 * a whole number of steps exactly: "0.00055696" with 8 decimals is 55696. What does not fit (a digit behind the last decimal that is not 0,
 * more than 63 bits) is malformed, never rounded.
 *
 * Units: times are ns since 1970; a number of 14 digits and fewer is taken for milliseconds, of 15 to 17 for microseconds, else
 * nanoseconds.
 *
 * What is malformed: text that is no JSON (but UTF-8 inside strings is not looked at), a key that stands twice, a message without one of
 * the fields that its kind needs, a field of the wrong type, a symbol of more than 123 bytes with escapes, a comma that is too many or
 * missing between documents, a list that is cut off. A document of another kind is ASSAY_BINANCE_OTHER.
 *
 * Source: Binance's documentation of its market streams (spot and futures). Thread-safety: as in feeds.h.
 */
#ifndef ASSAY_FEED_JSON_H
#define ASSAY_FEED_JSON_H

#include <assay/feeds.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_binance_kind {
  ASSAY_BINANCE_OTHER,
  ASSAY_BINANCE_TRADE,     /* "e":"trade"; or as one that was asked for (/api/v3/trades): id, price, qty, time, isBuyerMaker, no symbol */
  ASSAY_BINANCE_AGGREGATE, /* "e":"aggTrade"; or as asked for (/api/v3/aggTrades): without e, E and s */
  ASSAY_BINANCE_DEPTH,     /* "e":"depthUpdate": what changed */
  ASSAY_BINANCE_SNAPSHOT,  /* {"lastUpdateId": ..., "bids": ..., "asks": ...}: all of the depth, or its best levels (SYMBOL@depth5 to 20,
                              of futures too, which call that depthUpdate: of these it is known in combined streams only) */
  ASSAY_BINANCE_TICKER,    /* bookTicker: the best bid and ask, and their quantities; needs room for two levels */
  ASSAY_BINANCE_KINDS
} assay_binance_kind;

/* "trade", "aggTrade", "depthUpdate", "snapshot", "bookTicker", "other". */
ASSAY_API const char *assay_binance_kind_text(assay_binance_kind kind);

/* Both in steps; a quantity of 0 means that the level is gone. */
typedef struct assay_binance_level {
  int64_t price, quantity;
} assay_binance_level;

typedef struct assay_binance_message {
  assay_binance_kind kind;
  bool maker_buys;   /* m: the buyer was resting, so the aggressor sold */
  bool has_previous; /* pu is there (futures) */
  /* In the window; what is written with escapes ("BTC\u0055SDT"), in the reader until the next message, as UTF-8. */
  assay_feed_text symbol;                 /* s; of a combined stream without s, what stands before its '@' */
  assay_feed_text stream;                 /* of a combined stream */
  assay_feed_text event;                  /* e */
  uint64_t time_ns, trade_ns;             /* E and T; 0: not there */
  uint64_t id;                            /* t or a */
  uint64_t first_id, last_id;             /* f and l of an aggregated trade */
  int64_t price, quantity;                /* p and q */
  uint64_t first_update;                  /* U */
  uint64_t last_update;                   /* u, or lastUpdateId of a snapshot */
  uint64_t previous_update;               /* pu */
  const assay_binance_level *bids, *asks; /* in the reader's `levels`, until the next message */
  size_t bid_count, ask_count;
} assay_binance_message;

/*
 * The reader's own: how the last trade was laid out, as parts of some bytes and a value behind them. Where those bytes are the same again,
 * only the values are read. Nothing in here is for anybody else, and a reader may be zeroed.
 */
typedef struct assay_binance_part {
  uint8_t bytes[32], kept[32];     /* what stands before the value, and the mask of it */
  uint8_t places[16];              /* which of the value's bytes are which of 16 digits */
  uint8_t fixed[16], at_fixed[16]; /* the bytes of it that are no such digits, its point above all, and the mask of them */
  uint32_t next, next_kept;        /* the first bytes behind it, and the mask of them */
  uint64_t least, scale;
  uint16_t to; /* offset in assay_binance_message */
  uint8_t width, length, form, decimals;
} assay_binance_part;

enum { ASSAY_BINANCE_PARTS = 16 };
typedef struct assay_binance_shape {
  uint32_t count, reach, event_at; /* parts; bytes that may be read; where the event's text stands, 0: behind a value */
  uint32_t age, waits, pause;      /* how often it fitted; documents until another is learnt; and how many those were last time */
  unsigned price_decimals, quantity_decimals;
  assay_binance_message message; /* what the same documents have in common */
  assay_binance_part parts[ASSAY_BINANCE_PARTS];
} assay_binance_shape;

/* The same for a level of the depth, by where its quotes and points are. */
enum { ASSAY_BINANCE_LEVEL_BITS = 4 };
typedef struct assay_binance_level_shape {
  uint64_t places; /* of the first three quotes (low half) and the points; 0: none yet */
  uint8_t begin;   /* of the quantity */
  uint8_t digits[32], zeros[32];
} assay_binance_level_shape;

/* And the lists that the next document stands in. */
typedef struct assay_binance_list {
  uint32_t depth;    /* 0: in none */
  uint32_t due;      /* what may come next */
  uint64_t begun_at; /* where the last document began */
} assay_binance_list;

/* And what the last message wrote with escapes. */
enum { ASSAY_BINANCE_TEXT = 128 };
typedef struct assay_binance_texts {
  char symbol[ASSAY_BINANCE_TEXT], stream[ASSAY_BINANCE_TEXT], event[ASSAY_BINANCE_TEXT];
} assay_binance_texts;

typedef struct assay_binance_reader {
  assay_feed_reader in;
  assay_binance_list list;
  unsigned price_decimals, quantity_decimals; /* 0 to 15 */
  assay_binance_level *levels;                /* room for bids and asks together, of one message */
  size_t capacity;
  uint8_t hints[24]; /* the reader's own: how long each field was last time */
  assay_binance_shape shape;
  unsigned level_decimals; /* of prices and quantities, for which the shapes of levels are */
  assay_binance_level_shape level_shapes[1 << ASSAY_BINANCE_LEVEL_BITS];
  assay_binance_texts texts;
} assay_binance_reader;

/* `levels` may be NULL and 0 where there are only trades. Of a stream in pieces, or of a document a packet: zero reader.in, use
 * assay_feed_window, and keep the reader: it remembers how the last trade was laid out. */
ASSAY_API void assay_binance_open(assay_binance_reader *reader, const void *text, size_t size, unsigned price_decimals,
                                  unsigned quantity_decimals, assay_binance_level *levels, size_t capacity);
/* *message is to be used when the answer is ASSAY_FEED_MESSAGE, and holds anything when it is not. */
ASSAY_API assay_feed_step assay_binance_next(assay_binance_reader *reader, assay_binance_message *message);

/* How many events a message is: 1 for trades, one for each level of a depth (with one more, ASSAY_MARKET_CLEAR, before a snapshot's). */
ASSAY_API size_t assay_binance_event_count(const assay_binance_message *message);
/* Its events, at most `capacity`, from the `first`-th on; returns how many were written. `symbol` is what they are to be called. */
ASSAY_API size_t assay_binance_events(const assay_binance_reader *reader, const assay_binance_message *message, uint32_t symbol,
                                      size_t first, assay_market_event *events, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * assay/feeds.h: what all market data feeds share: a reader over bytes in memory, the place where a stream is malformed, normalised events,
 * and a generator of valid streams. Each format has a header of its own: feed_itch.h, feed_json.h, feed_csv.h, feed_dbn.h, feed_fix.h.
 *
 *     assay_feed_reader reader;
 *     assay_itch_message message;
 *     assay_feed_open(&reader, bytes, size);
 *     while (assay_itch_next(&reader, &message) == ASSAY_FEED_MESSAGE)
 *       if (message.type == 'A') shares += assay_be32(message.as->add.shares);
 *     if (reader.fault.problem != NULL) {                               // NULL: every byte was a whole, right message
 *       assay_feed_explain(&reader, "ITCH", &err);                      // "ITCH: message 17 at byte 612, field length: ..."
 *       return fail(err.message);
 *     }
 *
 * Streams that come in pieces: assay_feed_window gives the reader the bytes that are here, and a `next` answers ASSAY_FEED_MORE where they
 * end inside a message. Keep the bytes from `at` on, put the new ones behind them, and open the next window there; offsets go on counting.
 *
 * Nothing here allocates, copies a message or keeps a pointer past its window. Text in a message is not NUL-terminated.
 *
 * Units: times are nanoseconds (since midnight of the exchange in ITCH, since 1970 UTC elsewhere); prices and quantities are integers times
 * a power of ten that stands beside them.
 *
 * Thread-safety: a reader belongs to one thread at a time; everything else is pure.
 */
#ifndef ASSAY_FEEDS_H
#define ASSAY_FEEDS_H

#include <stdbool.h>
#include <stdint.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Formats -------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_feed_format {
  ASSAY_FEED_UNKNOWN,
  ASSAY_FEED_ITCH, /* NASDAQ TotalView-ITCH 5.0, each message behind its length (BinaryFILE) */
  ASSAY_FEED_FIX,  /* FIX 4.4 */
  ASSAY_FEED_DBN,  /* Databento Binary Encoding 1 to 3 */
  ASSAY_FEED_JSON, /* Binance's trades and depth, a document a line or one behind the other */
  ASSAY_FEED_CSV,  /* ticks or bars with a line of names */
  ASSAY_FEED_FORMATS
} assay_feed_format;

/* "itch", "fix", "dbn", "json", "csv"; "unknown". */
ASSAY_API const char *assay_feed_format_text(assay_feed_format format);
/* ASSAY_FEED_UNKNOWN for another word. */
ASSAY_API assay_feed_format assay_feed_format_find(const char *text);
/* By the first bytes of a file; a few hundred are enough. Compressed data (zstd, gzip) is not looked into: ASSAY_FEED_UNKNOWN. */
ASSAY_API assay_feed_format assay_feed_recognise(const void *bytes, size_t size);

/* ---- Reading -------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_feed_step {
  ASSAY_FEED_MESSAGE,  /* here is one */
  ASSAY_FEED_END,      /* all bytes are read, and the last message was whole */
  ASSAY_FEED_MORE,     /* the window ends inside a message and is not the last one */
  ASSAY_FEED_MALFORMED /* `fault` says where and what; the reader stays there until assay_feed_skip */
} assay_feed_step;

/* Where a stream is malformed. The texts are static. */
typedef struct assay_feed_fault {
  uint64_t offset;     /* of the field, from the stream's first byte */
  uint64_t message;    /* from 1 */
  const char *field;   /* "length", "BodyLength (9)", "p" */
  const char *problem; /* NULL: nothing is wrong */
  const char *mend;    /* what to do about it */
  uint64_t next;       /* offset at which the next message can be looked for; 0: it cannot be known */
} assay_feed_fault;

typedef struct assay_feed_reader {
  const uint8_t *data; /* the window */
  size_t size, at;     /* its bytes, and the next to read */
  uint64_t base;       /* the stream's offset of data[0] */
  uint64_t count;      /* messages given */
  bool last;           /* nothing comes behind this window */
  assay_feed_fault fault;
  uint64_t owed; /* a reader's own: bytes that it has looked at in vain */
} assay_feed_reader;

/* A whole stream in memory. */
ASSAY_API void assay_feed_open(assay_feed_reader *reader, const void *bytes, size_t size);
/* The next window of the same stream: its first byte is the one at which the last window's `at` stood. Zero the reader before the first. */
ASSAY_API void assay_feed_window(assay_feed_reader *reader, const void *bytes, size_t size, bool last);
/* One sentence of the fault, with ASSAY_ERR_PARSE; ASSAY_OK when there is none. */
ASSAY_API assay_status assay_feed_explain(const assay_feed_reader *reader, const char *what, assay_error *err);
/* Goes on behind the malformed message where its end is known: false, and nothing is done, where it is not (or not in this window). */
ASSAY_API bool assay_feed_skip(assay_feed_reader *reader);

/* Text where it lies, not NUL-terminated. */
typedef struct assay_feed_text {
  const char *at; /* NULL: not there */
  size_t length;
} assay_feed_text;

enum { ASSAY_FEED_MOST_DECIMALS = 15 };

/*
 * Decimal text ("-12.50", ".5", "7") as a whole number of steps of 10^-decimals, exactly. False where it is no decimal number or does not
 * fit; *value stays then.
 */
ASSAY_API bool assay_feed_decimal(const char *text, size_t length, unsigned decimals, int64_t *value);

/* ---- Events --------------------------------------------------------------------------------------------------------------------- */

typedef enum assay_market_kind {
  ASSAY_MARKET_NOTHING, /* a message that is about no order, trade, quote or state */
  ASSAY_MARKET_ADD,     /* an order rests: order_id, side, price, quantity */
  ASSAY_MARKET_EXECUTE, /* `quantity` of a resting order traded, at `price` where it is not 0 (else at the order's); other_id: the match */
  ASSAY_MARKET_CANCEL,  /* `quantity` of a resting order is withdrawn */
  ASSAY_MARKET_DELETE,  /* a resting order is gone */
  ASSAY_MARKET_REPLACE, /* order_id becomes other_id, at the end of the queue of `price`, with `quantity` */
  ASSAY_MARKET_TRADE,   /* a trade that no visible order was part of, or of a feed without orders; side: the aggressor's */
  ASSAY_MARKET_QUOTE,   /* `quantity` at the price level `price` of `side`; 0: the level is gone; order_id: how many orders, 0: not said */
  ASSAY_MARKET_STATUS,  /* order_id: the format's own code of the state (ITCH: the character) */
  ASSAY_MARKET_CLEAR,   /* the book of the symbol is empty from here on */
  ASSAY_MARKET_BROKEN,  /* the trade other_id is void */
  ASSAY_MARKET_KINDS
} assay_market_kind;

/* "add", "execute", ...; "nothing". */
ASSAY_API const char *assay_market_kind_text(assay_market_kind kind);

enum {
  ASSAY_MARKET_LAST = 1,        /* last event of one message or of one instant */
  ASSAY_MARKET_HIDDEN = 2,      /* of an execution: not to be counted in volume (ITCH "non-printable") */
  ASSAY_MARKET_WHOLE_SIDE = 4,  /* of a quote: what was on its side before is gone */
  ASSAY_MARKET_ALL_SYMBOLS = 8, /* of a status: a day begins, and every book is empty (ITCH system event 'O') */
  ASSAY_MARKET_GAP = 16         /* messages about this symbol are lost before this one (DBN's F_MAYBE_BAD_BOOK) */
};

/* Of an order, or a side, that has none. */
#define ASSAY_FEED_NO_PRICE INT64_MAX

/* 48 bytes, so that four share three cache lines. */
typedef struct assay_market_event {
  uint64_t time_ns;
  uint64_t order_id;
  int64_t price; /* in steps of 10^-decimals, as is the quantity */
  uint64_t quantity;
  uint64_t other_id;
  uint32_t symbol;  /* ITCH: stock locate; DBN: instrument id; else as the reader numbers them */
  uint8_t kind;     /* assay_market_kind */
  char side;        /* 'B', 'S', or 0: not said */
  uint8_t decimals; /* of the price in the low, of the quantity in the high four bits */
  uint8_t flags;
} assay_market_event;

/* The stated scale: price / 10^decimals is the price, and so for the quantity. */
static inline unsigned assay_market_price_decimals(const assay_market_event *event) { return event->decimals & 15u; }
static inline unsigned assay_market_quantity_decimals(const assay_market_event *event) { return event->decimals >> 4; }

/* ---- Making streams --------------------------------------------------------------------------------------------------------------- */

/*
 * A market for tests and benchmarks: prices walk by ticks, orders arrive in bursts and leave again, and every message is one that the
 * format allows where it stands (what is executed, cancelled or replaced rests in the book). The same settings give the same bytes on every
 * machine.
 */
typedef struct assay_feed_market {
  assay_feed_format format;
  uint64_t seed;
  uint64_t messages;  /* of ITCH, about the book and its trades; what opens and closes a day comes on top. 0: 1,000. Of the others so many
                         things happen as ITCH would have messages of, which may take several (an execution is three records of DBN, a
                         trade and a depth update of JSON); of CSV, which tells of trades alone, so many trades: rows */
  uint32_t symbols;   /* 0: 8; at most 10,000 */
  uint32_t orders;    /* that rest, about, for each symbol; 0: 2,000 */
  double start_price; /* of the first symbol; 0: 100 */
  double volatility_ticks; /* standard deviation of a step of the walk; 0: 1 */
  uint64_t start_ns;       /* of the first message; 0: 9:30 (and 2024-01-02 in formats with a date) */
  uint8_t version;         /* of DBN: 1 to 3; 0: 3 */
  /* Shares of what happens to the book; all 0: 45 % add, 4 % add with attribution, 6 % execute, 1 % at another price, 2 % cancel, 37 %
   * delete, 4 % replace, 1 % trade with a hidden order: what a day of TotalView looks like. */
  double add, add_attributed, execute, execute_price, cancel, remove, replace, trade;
  double burst; /* chance that the next message has the same instant; 0: 0.7 */
} assay_feed_market;

typedef struct assay_feed_maker assay_feed_maker;

/* ASSAY_ERR_INVALID names the field that is out of range. */
ASSAY_API assay_status assay_feed_maker_create(const assay_feed_market *market, assay_error *err, assay_feed_maker **maker);
/* Accepts NULL. */
ASSAY_API void assay_feed_maker_destroy(assay_feed_maker *maker);
/* Writes whole messages until no more fit into `capacity` bytes (at least ASSAY_FEED_MAKER_LEAST) or the stream is over: then 0. */
enum { ASSAY_FEED_MAKER_LEAST = 4096 };
ASSAY_API size_t assay_feed_maker_fill(assay_feed_maker *maker, void *bytes, size_t capacity);
/* All of it. Free *bytes with assay_feed_generated_free. */
ASSAY_API assay_status assay_feed_generate(const assay_feed_market *market, assay_error *err, uint8_t **bytes, size_t *size);
ASSAY_API void assay_feed_generated_free(uint8_t *bytes);

#ifdef __cplusplus
}
#endif
#endif

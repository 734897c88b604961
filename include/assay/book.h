/* SPDX-License-Identifier: MIT */
/*
 * assay/book.h: books of orders.
 *
 * A matching engine (`assay_book`) takes messages, which are plain records of 64 bytes, and answers with events, which are too. It holds
 * many books (symbols), trades by price, then time, and checks risk before. docs/book.md has every rule.
 *
 *     static void print(void *context, const assay_book_event *events, size_t count);   // or ASSAY_BOOK_SINK, or an assay_book_queue
 *     assay_book *book = NULL;
 *     if (assay_book_create(&(assay_book_options){.books = 100, .sink = print}, &err, &book) != ASSAY_OK) return fail(err.message);
 *     assay_book_message orders[] = {
 *         {.kind = ASSAY_BOOK_NEW, .id = 1, .account = 7, .side = ASSAY_SELL, .price = 10050, .quantity = 300},
 *         {.kind = ASSAY_BOOK_NEW, .id = 2, .account = 9, .side = ASSAY_BUY, .price = 10051, .quantity = 100, .tif = ASSAY_BOOK_IOC}};
 *     assay_book_apply(book, orders, 2);    // accepted 1; accepted 2; trade of 100 at 10050
 *     assay_book_destroy(book);
 *
 * The same messages give the same events, byte for byte: time comes with the messages, and nothing else from outside counts. A bad message
 * is answered by a REJECTED event that says why; nothing changed then.
 *
 * A rebuilt book (`assay_mbo`, market by order) follows a feed: orders are added, executed, cancelled, deleted and replaced by reference as
 * the feed says, for many symbols at once, without any matching; it answers what the best prices and the depth are.
 *
 *     assay_mbo *mbo = NULL;
 *     if (assay_mbo_create(&(assay_mbo_options){.books = 8192}, &err, &mbo) != ASSAY_OK) return fail(err.message);
 *     assay_mbo_add(mbo, symbol, reference, ASSAY_BUY, 1000000, 300);       // price in ticks, quantity
 *     assay_mbo_execute(mbo, reference, 100);
 *     assay_mbo_level best;
 *     if (assay_mbo_depth(mbo, symbol, ASSAY_BUY, &best, 1) == 1) use(best.price, best.quantity);
 *     assay_mbo_destroy(mbo);
 *
 * Prices are whole ticks from INT32_MIN to INT32_MAX, negative ones too. Quantities are whole and from 1 to ASSAY_BOOK_MOST_QUANTITY. What
 * would overflow is refused, never wrapped. Memory goes with the number of orders and of price levels, never with how far prices lie apart;
 * ids that count up are fast, others are hashed with a secret seed, so no choice of ids is slow. Nothing depends on that seed but memory
 * addresses.
 *
 * Thread-safety: one object belongs to one thread at a time.
 */
#ifndef ASSAY_BOOK_H
#define ASSAY_BOOK_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <assay/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum assay_side { ASSAY_BUY = 0, ASSAY_SELL = 1 } assay_side;

#define ASSAY_BOOK_MOST_QUANTITY ((UINT64_C(1) << 48) - 1)

/* ---- Books rebuilt from a feed ------------------------------------------------------------------------------------------------- */

typedef struct assay_mbo assay_mbo;

typedef struct assay_mbo_options {
  uint32_t books;           /* symbols, numbered from 0; 0: 1 */
  uint32_t expected_orders; /* at one time, over all books: room that is there from the start; 0: 8192 */
  uint32_t most_orders;     /* never more than so many at one time; 0: 2^24, at most 2^30 */
  uint64_t seed;            /* of the map from references to orders; 0: a random one */
} assay_mbo_options;

typedef struct assay_mbo_level {
  int32_t price;
  uint32_t orders;
  uint64_t quantity;
} assay_mbo_level;

typedef struct assay_mbo_order {
  uint64_t reference, quantity;
  uint32_t book;
  int32_t price;
  assay_side side;
} assay_mbo_order;

/* `options` may be NULL. */
ASSAY_API assay_status assay_mbo_create(const assay_mbo_options *options, assay_error *err, assay_mbo **mbo);
ASSAY_API void assay_mbo_destroy(assay_mbo *mbo);

/* Messages of a feed. All answer ASSAY_OK; ASSAY_ERR_INVALID: no such book, a reference in use, a quantity of 0 or above what is there;
 * ASSAY_ERR_NOT_FOUND: no order of that reference; ASSAY_ERR_LIMIT: more orders or a larger level than there may be; ASSAY_ERR_NO_MEMORY.
 * On failure nothing changed. */
ASSAY_API assay_status assay_mbo_add(assay_mbo *mbo, uint32_t book, uint64_t reference, assay_side side, int32_t price, uint64_t quantity);
/* Takes `quantity` off the order, which leaves the book when nothing is left; its place in time stays. Execute and cancel differ only in
 * name. */
ASSAY_API assay_status assay_mbo_execute(assay_mbo *mbo, uint64_t reference, uint64_t quantity);
ASSAY_API assay_status assay_mbo_cancel(assay_mbo *mbo, uint64_t reference, uint64_t quantity);
ASSAY_API assay_status assay_mbo_delete(assay_mbo *mbo, uint64_t reference);
/* The order leaves, and one with a new reference (or the same), price and quantity comes in last in time, on the same side. */
ASSAY_API assay_status assay_mbo_replace(assay_mbo *mbo, uint64_t reference, uint64_t new_reference, int32_t price, uint64_t quantity);
/* Empties one book, for a feed that starts it anew. */
ASSAY_API void assay_mbo_clear(assay_mbo *mbo, uint32_t book);

/* The best `most` levels of a side, best first; how many there were to write. */
ASSAY_API size_t assay_mbo_depth(const assay_mbo *mbo, uint32_t book, assay_side side, assay_mbo_level *levels, size_t most);
/* False when a side is empty; then `*level` stays. */
ASSAY_API bool assay_mbo_best(const assay_mbo *mbo, uint32_t book, assay_side side, assay_mbo_level *level);
/* What rests at a price, and the level that comes next behind a price (whether something rests there or not). False: nothing does. */
ASSAY_API bool assay_mbo_level_at(const assay_mbo *mbo, uint32_t book, assay_side side, int32_t price, assay_mbo_level *level);
ASSAY_API bool assay_mbo_level_after(const assay_mbo *mbo, uint32_t book, assay_side side, int32_t price, assay_mbo_level *level);
ASSAY_API bool assay_mbo_find(const assay_mbo *mbo, uint64_t reference, assay_mbo_order *order);
/* Orders in all books together. */
ASSAY_API size_t assay_mbo_orders(const assay_mbo *mbo);
/* Walks all there is; ASSAY_ERR_CORRUPT names the first thing that does not fit, which would be our bug. For tests; slow. */
ASSAY_API assay_status assay_mbo_check(const assay_mbo *mbo, assay_error *err);

/* ---- Messages ------------------------------------------------------------------------------------------------------------------ */

typedef enum assay_book_kind {
  ASSAY_BOOK_NEW,     /* an order: all fields but new_id */
  ASSAY_BOOK_CANCEL,  /* id, account, book */
  ASSAY_BOOK_MODIFY,  /* id, account, book; new price and open quantity; a waiting stop's new trigger, a trailing one's new distance (0: as
                         it was). Quantity down keeps the place in time */
  ASSAY_BOOK_REPLACE, /* the same, and the order goes on as new_id, last in time */
  ASSAY_BOOK_CLOCK,   /* only time passes */
  ASSAY_BOOK_PHASE,   /* book; `type` is an assay_book_phase */
  ASSAY_BOOK_UNCROSS, /* book; ends an auction; `type` is the phase afterwards, `price` the reference price */
  ASSAY_BOOK_MASS_CANCEL, /* account, book (ASSAY_BOOK_ALL: all of them): its orders go, by book and id */
  ASSAY_BOOK_LIMITS,      /* see assay_book_limits_message */
  ASSAY_BOOK_KILL,        /* account; `type` 1: all its orders go and no more come in; 0: it may trade again */
  ASSAY_BOOK_KINDS
} assay_book_kind;

typedef enum assay_book_type {
  ASSAY_BOOK_LIMIT,
  ASSAY_BOOK_MARKET,
  ASSAY_BOOK_STOP,                /* market when a trade is at `trigger` or beyond */
  ASSAY_BOOK_STOP_LIMIT,          /* limit at `price` then */
  ASSAY_BOOK_TRAILING_STOP,       /* `trigger` ticks behind the best trade since it came in */
  ASSAY_BOOK_TRAILING_STOP_LIMIT, /* limit `price` ticks beyond the trigger then */
  ASSAY_BOOK_ICEBERG,             /* shows at most `display`; a new slice goes last in time */
  ASSAY_BOOK_POST_ONLY,           /* rejected if it would trade at once */
  ASSAY_BOOK_TYPES
} assay_book_type;

typedef enum assay_book_tif {
  ASSAY_BOOK_GTC, /* until cancelled */
  ASSAY_BOOK_IOC, /* what does not trade at once is cancelled */
  ASSAY_BOOK_FOK, /* trades at once and in full, or is cancelled */
  ASSAY_BOOK_AON, /* trades in full or waits, undisplayed and behind all others of its price; until cancelled */
  ASSAY_BOOK_GTD, /* until the time is `expire` */
  ASSAY_BOOK_TIFS
} assay_book_tif;

/* What an order does when it would trade with one of the same account (not account 0). The incoming order's policy counts. */
typedef enum assay_book_self_trade {
  ASSAY_BOOK_ALLOW,
  ASSAY_BOOK_CANCEL_NEWEST, /* what is left of the incoming one goes */
  ASSAY_BOOK_CANCEL_OLDEST, /* the resting one goes, and matching goes on */
  ASSAY_BOOK_CANCEL_BOTH,
  ASSAY_BOOK_DECREMENT, /* both lose what they would have traded */
  ASSAY_BOOK_SELF_TRADES
} assay_book_self_trade;

typedef enum assay_book_phase {
  ASSAY_BOOK_CONTINUOUS,
  ASSAY_BOOK_AUCTION, /* orders gather and may cross */
  ASSAY_BOOK_HALTED,  /* only cancelling */
  ASSAY_BOOK_CLOSED,
  ASSAY_BOOK_PHASES
} assay_book_phase;

enum { ASSAY_BOOK_MOST_SLICES = 4096 }; /* quantity / display of an iceberg */
#define ASSAY_BOOK_ALL UINT32_MAX

/* 64 bytes, zero what does not matter. `kind`, `side`, `type`, `tif` and `self_trade` hold the enums above. */
typedef struct assay_book_message {
  uint64_t time;     /* in ns of any origin; a time before the last message's counts as that one's */
  uint64_t id;       /* of the order, over all books; free again once the order is gone */
  uint64_t quantity; /* 1 to ASSAY_BOOK_MOST_QUANTITY; of a modification: what is to be open afterwards */
  uint64_t display;
  union {
    uint64_t expire;
    uint64_t new_id;
  };
  int32_t price;
  int32_t trigger;
  uint32_t account;
  uint32_t book;
  uint8_t kind, side, type, tif, self_trade;
  uint8_t reserved[3];
} assay_book_message;

/* What an account may do; 0: no limit. */
typedef struct assay_book_limits {
  uint64_t quantity; /* of an order */
  uint64_t notional; /* price times quantity of an order, in ticks */
  uint64_t position; /* in one book, long or short, when all that is open on that side trades */
  uint32_t rate;     /* orders, changes and mass cancellations that come in, in one second of the messages' clock */
  uint32_t collar;   /* ticks from the last trade: beyond, limits are rejected, and market orders and triggered stops end there */
} assay_book_limits;

/* Limits are a message as all else that counts, so a journal has them. */
static inline assay_book_message assay_book_limits_message(uint64_t time, uint32_t account, const assay_book_limits *limits) {
  assay_book_message message;
  memset(&message, 0, sizeof message);
  message.time = time;
  message.kind = ASSAY_BOOK_LIMITS;
  message.account = account;
  message.quantity = limits->quantity;
  message.display = limits->notional;
  message.expire = limits->position;
  message.price = (int32_t)limits->rate;
  message.trigger = (int32_t)limits->collar;
  return message;
}

/* ---- Events -------------------------------------------------------------------------------------------------------------------- */

/* X(symbol, text) */
#define ASSAY_BOOK_EVENT_LIST(X)                                                                                                        \
  X(ACCEPTED, "accepted")   /* quantity; what does not trade or get cancelled in the events that follow is in the book */               \
  X(REJECTED, "rejected")   /* id, reason; but for the time, nothing changed */                                                         \
  X(TRADE, "trade")         /* id: the incoming order (auction: the buyer), other: the resting one; side: of id; remaining: of other */ \
  X(CANCELLED, "cancelled") /* quantity: what went; reason */                                                                           \
  X(MODIFIED, "modified")   /* quantity: what is open now */                                                                            \
  X(REPLACED, "replaced")   /* other: the new id */                                                                                     \
  X(TRIGGERED, "triggered") /* price: the trigger */                                                                                    \
  X(EXPIRED, "expired")     /* quantity: what went */                                                                                   \
  X(REPLENISHED, "replenished") /* quantity: the new slice; remaining: with what is hidden */                                           \
  X(DECREMENTED, "decremented") /* self-trade prevention: as for a trade, but nobody traded */                                          \
  X(PHASE, "phase")             /* flags: the phase */                                                                                  \
  X(AUCTION, "auction")         /* price, quantity traded; remaining: the surplus at that price, side: whose */                         \
  X(LIMITS, "limits")                                                                                                                   \
  X(KILL, "kill") /* flags: 1 killed, 0 revived */
typedef enum assay_book_event_kind {
#define ASSAY_BOOK_EVENT_ENUM(symbol, text) ASSAY_BOOK_##symbol##_EVENT,
  ASSAY_BOOK_EVENT_LIST(ASSAY_BOOK_EVENT_ENUM)
#undef ASSAY_BOOK_EVENT_ENUM
      ASSAY_BOOK_EVENTS
} assay_book_event_kind;

#define ASSAY_BOOK_REASON_LIST(X)                                 \
  X(NONE, "none")                                                 \
  X(MALFORMED, "fields that do not go together")                  \
  X(UNKNOWN_BOOK, "no such book")                                 \
  X(UNKNOWN_ORDER, "no such order")                               \
  X(DUPLICATE, "id in use")                                       \
  X(NOT_OWNER, "another account's order")                         \
  X(QUANTITY, "quantity out of range")                            \
  X(DISPLAY, "display size out of range")                         \
  X(WRONG_PHASE, "not in this phase")                             \
  X(FULL, "no room for more orders")                              \
  X(NO_MEMORY, "out of memory")                                   \
  X(TOO_LATE, "expired already")                                  \
  X(WOULD_TRADE, "post-only, and would trade")                    \
  X(NO_REFERENCE, "no trade yet to trail")                        \
  X(UNKNOWN_ACCOUNT, "no such account")                           \
  X(KILLED, "account killed")                                     \
  X(RISK_RATE, "too many orders this second")                     \
  X(RISK_QUANTITY, "above the account's quantity")                \
  X(RISK_NOTIONAL, "above the account's notional")                \
  X(RISK_COLLAR, "outside the price collar")                      \
  X(RISK_POSITION, "above the account's position")                \
  X(USER, "asked for")                                            \
  X(IMMEDIATE, "immediate or cancel")                             \
  X(NOT_FILLED, "fill or kill, and not enough there")             \
  X(NO_LIQUIDITY, "market order, and nothing left to trade with") \
  X(SELF_TRADE, "would trade with the same account")              \
  X(LEVEL_FULL, "the price level would overflow")
typedef enum assay_book_reason {
#define ASSAY_BOOK_REASON_ENUM(symbol, text) ASSAY_BOOK_##symbol,
  ASSAY_BOOK_REASON_LIST(ASSAY_BOOK_REASON_ENUM)
#undef ASSAY_BOOK_REASON_ENUM
      ASSAY_BOOK_REASONS
} assay_book_reason;

/* Bits of `flags` of a trade. */
enum { ASSAY_BOOK_ID_DONE = 1, ASSAY_BOOK_OTHER_DONE = 2 };

/* 64 bytes; what an event does not use is 0. */
typedef struct assay_book_event {
  uint64_t sequence; /* 1, 2, 3...: a gap means that events were lost on the way */
  uint64_t time;     /* of the message */
  uint64_t id, other;
  uint64_t quantity, remaining;
  int32_t price;
  uint32_t book;
  uint32_t account; /* of `id` */
  uint8_t kind, side, reason, flags;
} assay_book_event;

/* "trade", "would trade with the same account"; "unknown" for anything else. Static. */
ASSAY_API const char *assay_book_event_text(unsigned kind);
ASSAY_API const char *assay_book_reason_text(unsigned reason);

/* Takes events in order; they are gone when it returns. Called when a buffer is full and at the end of each assay_book_apply; it must not
 * call the engine. */
typedef void (*assay_book_sink)(void *context, const assay_book_event *events, size_t count);

/* Defines a sink `name` that calls `each(context, event)` for every event; the compiler inlines it there, so an event costs no call. */
#define ASSAY_BOOK_SINK(name, each)                                                           \
  static void name(void *context, const assay_book_event *events, size_t count) {             \
    for (size_t event_at = 0; event_at < count; event_at++) each(context, &events[event_at]); \
  }

/* ---- The engine ----------------------------------------------------------------------------------------------------------------- */

typedef struct assay_book assay_book;

typedef struct assay_book_options {
  uint32_t books;           /* symbols, numbered from 0; 0: 1 */
  uint32_t accounts;        /* risk is checked for accounts 0 to accounts - 1, and others are rejected; 0: no risk checks at all */
  uint32_t expected_orders; /* as for assay_mbo_options */
  uint32_t most_orders;
  uint32_t most_trailing; /* trailing stops a book; each new extreme of the price looks at all of its side. 0: 1024 */
  uint32_t most_aon;      /* all-or-none orders a book; what comes to rest looks at all of them. 0: 1024 */
  uint64_t seed;
  assay_book_sink sink; /* NULL: events are only counted */
  void *context;
} assay_book_options;

/* `options` may be NULL. */
ASSAY_API assay_status assay_book_create(const assay_book_options *options, assay_error *err, assay_book **book);
ASSAY_API void assay_book_destroy(assay_book *book);
/* Later events go there. */
ASSAY_API void assay_book_set_sink(assay_book *book, assay_book_sink sink, void *context);
/* Any messages at all, one after the other. Many in one call are faster: what the next ones need is fetched into the cache meanwhile. */
ASSAY_API void assay_book_apply(assay_book *book, const assay_book_message *messages, size_t count);

typedef struct assay_book_order {
  uint64_t id, quantity; /* all that is open, hidden quantity too */
  uint64_t displayed;
  uint32_t book, account;
  int32_t price; /* of a waiting stop: its trigger; of a market order in an auction: the end of the range */
  assay_side side;
  bool stop; /* waits for its trigger */
  bool aon;
} assay_book_order;

/* The best `most` levels that are displayed, best first; how many there were to write. */
ASSAY_API size_t assay_book_depth(const assay_book *book, uint32_t number, assay_side side, assay_mbo_level *levels, size_t most);
ASSAY_API bool assay_book_best(const assay_book *book, uint32_t number, assay_side side, assay_mbo_level *level);
ASSAY_API bool assay_book_find(const assay_book *book, uint64_t id, assay_book_order *order);
/* Of a book; false when it has not traded yet. */
ASSAY_API bool assay_book_last_price(const assay_book *book, uint32_t number, int32_t *price);
/* An account's, with risk checks on; false when there is no such book or account. */
ASSAY_API bool assay_book_position(const assay_book *book, uint32_t number, uint32_t account, int64_t *position);
/* Of all books: live orders; messages applied; events given. */
ASSAY_API size_t assay_book_orders(const assay_book *book);
ASSAY_API uint64_t assay_book_applied(const assay_book *book);
ASSAY_API uint64_t assay_book_sequence(const assay_book *book);
/* As assay_mbo_check. */
ASSAY_API assay_status assay_book_check(const assay_book *book, assay_error *err);

/* ---- Keeping it ------------------------------------------------------------------------------------------------------------------ */

/* All that counts, in bytes that are the same for engines that would answer alike, with a check sum. Free with assay_string_free. */
ASSAY_API assay_status assay_book_snapshot(const assay_book *book, assay_error *err, char **bytes, size_t *length);
/* An engine that goes on where the snapshot was taken, with the same events from there. Of `options` (may be NULL) only the sink, `seed`
 * and `expected_orders` count. ASSAY_ERR_CORRUPT: the bytes are no snapshot, whole and sound. */
ASSAY_API assay_status assay_book_restore(const assay_book_options *options, const void *bytes, size_t length, assay_error *err,
                                          assay_book **book);

/* A file of messages, numbered as assay_book_applied counts them. Append before you apply; after a crash restore the last snapshot (or
 * create an engine anew), replay, and all is as it was up to the last record that reached the file. */
typedef struct assay_book_journal assay_book_journal;

typedef struct assay_book_journal_info {
  uint64_t first, next; /* number of the first record, and of the one that will come */
  uint64_t records;     /* sound ones */
  uint64_t applied;     /* of these, by replay */
  uint64_t torn_bytes;  /* at the end, of a record that a crash cut off */
} assay_book_journal_info;

/* Opens it to append; a torn end is cut off. A file that is not there or empty begins with message number `first` (assay_book_applied + 1).
 * `info` may be NULL. ASSAY_ERR_CORRUPT: a sound record is where it should not be, so others are damaged or lost. ASSAY_ERR_INVALID: it
 * ends before message `first`, so messages between would be missing; or `first` is 0. ASSAY_ERR_PARSE: the file is none of ours; it stays
 * as it is. ASSAY_ERR_BUSY: somebody else writes it (flock); replay needs no lock. A new file's name is on the disk when this returns. */
ASSAY_API assay_status assay_book_journal_open(const char *path, uint64_t first, assay_error *err, assay_book_journal **journal,
                                               assay_book_journal_info *info);
/* Gathers records, and writes them when 512 are there. After a failure nothing more is taken. */
ASSAY_API assay_status assay_book_journal_append(assay_book_journal *journal, const assay_book_message *messages, size_t count,
                                                 assay_error *err);
/* Hands them to the system: they survive the end of this process. */
ASSAY_API assay_status assay_book_journal_write(assay_book_journal *journal, assay_error *err);
/* The same, and waits until they are on the disk. */
ASSAY_API assay_status assay_book_journal_sync(assay_book_journal *journal, assay_error *err);
/* Writes what is left. Accepts NULL; the journal is gone also on failure. */
ASSAY_API assay_status assay_book_journal_close(assay_book_journal *journal, assay_error *err);
/* Applies what the engine has not seen of it, but a torn end. `info` may be NULL. ASSAY_ERR_INVALID: it ends before or begins behind. */
ASSAY_API assay_status assay_book_journal_replay(const char *path, assay_book *book, assay_error *err, assay_book_journal_info *info);

/* ---- Queue --------------------------------------------------------------------------------------------------------------------------- */

/* Events on their way to one other thread. Give assay_book_queue_sink with the queue as its context to the engine. */
typedef struct assay_book_queue assay_book_queue;
/* At least `capacity` events. When it is full, `wait`: the engine waits for the reader; else newer events are shed, which the gap in their
 * sequence shows and assay_book_queue_shed counts. */
ASSAY_API assay_status assay_book_queue_create(size_t capacity, bool wait, assay_error *err, assay_book_queue **queue);
ASSAY_API void assay_book_queue_destroy(assay_book_queue *queue);
ASSAY_API void assay_book_queue_sink(void *context, const assay_book_event *events, size_t count);
/* Takes up to `most` events in order; how many there were. From one thread. */
ASSAY_API size_t assay_book_queue_take(assay_book_queue *queue, assay_book_event *events, size_t most);
ASSAY_API uint64_t assay_book_queue_shed(const assay_book_queue *queue);

#ifdef __cplusplus
}
#endif
#endif

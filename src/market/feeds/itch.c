/* SPDX-License-Identifier: MIT */
/* The messages of ITCH, one at a time. itch_events.c has the fast way. */
#include <assay/feed_itch.h>

#include "market/feeds/feed.h"

/* ---- The tables of the specification ------------------------------------------------------------------------------------------------- */

/* M(character, member, name) begins a message, F(member, field, kind) is one of its fields. */
#define MESSAGES(M, F)                                 \
  M('S', system, "system event")                       \
  F('S', system, event, ALPHA)                         \
  M('R', directory, "stock directory")                 \
  F('R', directory, stock, ALPHA)                      \
  F('R', directory, market_category, ALPHA)            \
  F('R', directory, financial_status, ALPHA)           \
  F('R', directory, round_lot_size, WHOLE)             \
  F('R', directory, round_lots_only, ALPHA)            \
  F('R', directory, classification, ALPHA)             \
  F('R', directory, sub_type, ALPHA)                   \
  F('R', directory, authenticity, ALPHA)               \
  F('R', directory, short_sale_threshold, ALPHA)       \
  F('R', directory, ipo, ALPHA)                        \
  F('R', directory, luld_tier, ALPHA)                  \
  F('R', directory, etp, ALPHA)                        \
  F('R', directory, etp_leverage, WHOLE)               \
  F('R', directory, inverse, ALPHA)                    \
  M('H', action, "stock trading action")               \
  F('H', action, stock, ALPHA)                         \
  F('H', action, state, ALPHA)                         \
  F('H', action, reserved, ALPHA)                      \
  F('H', action, reason, ALPHA)                        \
  M('Y', reg_sho, "Reg SHO restriction")               \
  F('Y', reg_sho, stock, ALPHA)                        \
  F('Y', reg_sho, action, ALPHA)                       \
  M('L', participant, "market participant position")   \
  F('L', participant, mpid, ALPHA)                     \
  F('L', participant, stock, ALPHA)                    \
  F('L', participant, primary, ALPHA)                  \
  F('L', participant, mode, ALPHA)                     \
  F('L', participant, state, ALPHA)                    \
  M('V', decline, "MWCB decline level")                \
  F('V', decline, level1, PRICE8)                      \
  F('V', decline, level2, PRICE8)                      \
  F('V', decline, level3, PRICE8)                      \
  M('W', breach, "MWCB status")                        \
  F('W', breach, level, ALPHA)                         \
  M('K', ipo, "IPO quoting period")                    \
  F('K', ipo, stock, ALPHA)                            \
  F('K', ipo, release, SECONDS)                        \
  F('K', ipo, qualifier, ALPHA)                        \
  F('K', ipo, price, PRICE4)                           \
  M('J', collar, "LULD auction collar")                \
  F('J', collar, stock, ALPHA)                         \
  F('J', collar, reference, PRICE4)                    \
  F('J', collar, upper, PRICE4)                        \
  F('J', collar, lower, PRICE4)                        \
  F('J', collar, extension, WHOLE)                     \
  M('h', halt, "operational halt")                     \
  F('h', halt, stock, ALPHA)                           \
  F('h', halt, market, ALPHA)                          \
  F('h', halt, action, ALPHA)                          \
  M('A', add, "add order")                             \
  F('A', add, order, WHOLE)                            \
  F('A', add, side, ALPHA)                             \
  F('A', add, shares, WHOLE)                           \
  F('A', add, stock, ALPHA)                            \
  F('A', add, price, PRICE4)                           \
  M('F', add_attributed, "add order with attribution") \
  F('F', add_attributed, order, WHOLE)                 \
  F('F', add_attributed, side, ALPHA)                  \
  F('F', add_attributed, shares, WHOLE)                \
  F('F', add_attributed, stock, ALPHA)                 \
  F('F', add_attributed, price, PRICE4)                \
  F('F', add_attributed, attribution, ALPHA)           \
  M('E', execute, "order executed")                    \
  F('E', execute, order, WHOLE)                        \
  F('E', execute, shares, WHOLE)                       \
  F('E', execute, match, WHOLE)                        \
  M('C', execute_price, "order executed with price")   \
  F('C', execute_price, order, WHOLE)                  \
  F('C', execute_price, shares, WHOLE)                 \
  F('C', execute_price, match, WHOLE)                  \
  F('C', execute_price, printable, ALPHA)              \
  F('C', execute_price, price, PRICE4)                 \
  M('X', cancel, "order cancel")                       \
  F('X', cancel, order, WHOLE)                         \
  F('X', cancel, shares, WHOLE)                        \
  M('D', remove, "order delete")                       \
  F('D', remove, order, WHOLE)                         \
  M('U', replace, "order replace")                     \
  F('U', replace, order, WHOLE)                        \
  F('U', replace, new_order, WHOLE)                    \
  F('U', replace, shares, WHOLE)                       \
  F('U', replace, price, PRICE4)                       \
  M('P', trade, "trade")                               \
  F('P', trade, order, WHOLE)                          \
  F('P', trade, side, ALPHA)                           \
  F('P', trade, shares, WHOLE)                         \
  F('P', trade, stock, ALPHA)                          \
  F('P', trade, price, PRICE4)                         \
  F('P', trade, match, WHOLE)                          \
  M('Q', cross, "cross trade")                         \
  F('Q', cross, shares, WHOLE)                         \
  F('Q', cross, stock, ALPHA)                          \
  F('Q', cross, price, PRICE4)                         \
  F('Q', cross, match, WHOLE)                          \
  F('Q', cross, cross, ALPHA)                          \
  M('B', broken, "broken trade")                       \
  F('B', broken, match, WHOLE)                         \
  M('I', imbalance, "net order imbalance")             \
  F('I', imbalance, paired, WHOLE)                     \
  F('I', imbalance, imbalance, WHOLE)                  \
  F('I', imbalance, direction, ALPHA)                  \
  F('I', imbalance, stock, ALPHA)                      \
  F('I', imbalance, far_price, PRICE4)                 \
  F('I', imbalance, near_price, PRICE4)                \
  F('I', imbalance, reference, PRICE4)                 \
  F('I', imbalance, cross, ALPHA)                      \
  F('I', imbalance, variation, ALPHA)                  \
  M('N', retail, "retail interest")                    \
  F('N', retail, stock, ALPHA)                         \
  F('N', retail, interest, ALPHA)                      \
  M('O', listing, "direct listing with capital raise") \
  F('O', listing, stock, ALPHA)                        \
  F('O', listing, eligible, ALPHA)                     \
  F('O', listing, least, PRICE4)                       \
  F('O', listing, most, PRICE4)                        \
  F('O', listing, near_price, PRICE4)                  \
  F('O', listing, near_time, TIME)                     \
  F('O', listing, lower_collar, PRICE4)                \
  F('O', listing, upper_collar, PRICE4)

#define SIZE(member, field) sizeof(((const assay_itch_body *)NULL)->member.field)
#define ROW(type, member, field, kind) {type, offsetof(assay_itch_body, member.field), SIZE(member, field), ASSAY_ITCH_##kind, #field},
#define HEAD(type, member, name)                                                                                                \
  {type, 0, 1, ASSAY_ITCH_ALPHA, "type"}, {type, 1, 2, ASSAY_ITCH_WHOLE, "locate"}, {type, 3, 2, ASSAY_ITCH_WHOLE, "tracking"}, \
      {type, 5, 6, ASSAY_ITCH_TIME, "time"},
#define NOTHING(...)
static const assay_itch_field fields[] = {MESSAGES(HEAD, ROW)};

#define LENGTH(type, member, name) [type] = sizeof(((const assay_itch_body *)NULL)->member),
const uint8_t assay_itch_lengths[256] = {MESSAGES(LENGTH, NOTHING)};

#define NAME(type, member, name) [type] = name,
static const char *const names[128] = {MESSAGES(NAME, NOTHING)};

const char *assay_itch_name(char type) { return (unsigned char)type < 128 ? names[(unsigned char)type] : NULL; }

const assay_itch_field *assay_itch_fields(char type, size_t *count) {
  size_t first = 0, all = sizeof fields / sizeof *fields;
  while (first < all && fields[first].type != type) first++;
  size_t end = first;
  while (end < all && fields[end].type == type) end++;
  *count = end - first;
  return *count > 0 ? &fields[first] : NULL;
}

uint64_t assay_itch_number(const assay_itch_message *message, const assay_itch_field *field) {
  const uint8_t *bytes = (const uint8_t *)message->as + field->offset;
  uint64_t number = 0;
  for (size_t i = 0; i < field->bytes; i++) number = number << 8 | bytes[i];
  return number;
}

/* ---- Reading ------------------------------------------------------------------------------------------------------------------------- */

/* Length 0 is how a BinaryFILE ends; files of several days, one behind the other, have it in their middle. */
static void pass_over_ends(assay_feed_reader *reader) {
  while (reader->size - reader->at >= 2 && assay_be16(reader->data + reader->at) == 0) reader->at += 2;
}

assay_feed_step assay_itch_next_checked(assay_feed_reader *reader, assay_itch_message *message) {
  if (reader->fault.problem != NULL) return ASSAY_FEED_MALFORMED;
  pass_over_ends(reader);
  size_t left = reader->size - reader->at;
  const uint8_t *block = reader->data + reader->at;
  if (left == 0) return reader->last ? ASSAY_FEED_END : ASSAY_FEED_MORE;
  if (left < 3) return assay_feed_short(reader, "length");
  uint16_t length = assay_be16(block);
  uint8_t right = assay_itch_lengths[block[2]];
  size_t next = length + (size_t)2 <= left ? reader->at + 2 + length : 0;
  if (right == 0)
    return assay_feed_fail(reader, reader->at + 2, next, "type", "no message type of TotalView-ITCH 5.0",
                           "skip it if its length is right, else look for the next good block");
  if (length != right)
    return assay_feed_fail(reader, reader->at, next, "length", "not the length of a message of this type",
                           "skip it if this is a later revision, else look for the next good block");
  if (next == 0) return assay_feed_short(reader, "length");
  *message = (assay_itch_message){.as = (const assay_itch_body *)(block + 2), .length = length, .type = (char)block[2]};
  reader->at = next;
  reader->count++;
  return ASSAY_FEED_MESSAGE;
}

/* ---- Values -------------------------------------------------------------------------------------------------------------------------- */

static bool one_of(char value, const char *allowed) { return value != '\0' && strchr(allowed, value) != NULL; }

static const char *problem_of(const assay_itch_message *message, const assay_itch_field *field) {
  const uint64_t day_ns = UINT64_C(86400000000000);
  const uint8_t *bytes = (const uint8_t *)message->as + field->offset;
  if (field->kind == ASSAY_ITCH_ALPHA)
    for (size_t i = 0; i < field->bytes; i++)
      if (bytes[i] < ' ' || bytes[i] > '~') return "not printable ASCII";
  if (strcmp(field->name, "side") == 0 && !one_of((char)bytes[0], "BS")) return "neither B nor S";
  if (strcmp(field->name, "printable") == 0 && !one_of((char)bytes[0], "YN")) return "neither Y nor N";
  if (field->kind == ASSAY_ITCH_TIME && field->offset == 5 && assay_be48(bytes) >= day_ns) return "not a time of one day";
  return NULL;
}

bool assay_itch_check(const assay_itch_message *message, assay_feed_fault *fault) {
  size_t count = 0;
  const assay_itch_field *rows = assay_itch_fields(message->type, &count);
  for (size_t i = 0; i < count; i++) {
    const char *problem = problem_of(message, &rows[i]);
    if (problem == NULL) continue;
    *fault = (assay_feed_fault){.offset = rows[i].offset, .field = rows[i].name, .problem = problem, .mend = "do not use this message"};
    return false;
  }
  return true;
}

/* ---- Events -------------------------------------------------------------------------------------------------------------------------- */

enum { DECIMALS = 4 }; /* Price (4), and whole shares */

static void put_add(const assay_itch_body *as, assay_market_event *event) {
  event->kind = ASSAY_MARKET_ADD;
  event->order_id = assay_be64(as->add.order);
  event->side = as->add.side;
  event->quantity = assay_be32(as->add.shares);
  event->price = assay_be32(as->add.price);
}

static void put_execute(const assay_itch_body *as, assay_market_event *event) {
  event->kind = ASSAY_MARKET_EXECUTE;
  event->order_id = assay_be64(as->execute.order);
  event->quantity = assay_be32(as->execute.shares);
  event->other_id = assay_be64(as->execute.match);
}

static void put_execute_price(const assay_itch_body *as, assay_market_event *event) {
  put_execute(as, event); /* the same fields at the same places */
  event->price = assay_be32(as->execute_price.price);
  event->flags = as->execute_price.printable & ASSAY_MARKET_HIDDEN; /* a bit of 'N' and not of 'Y' */
}

static void put_replace(const assay_itch_body *as, assay_market_event *event) {
  event->kind = ASSAY_MARKET_REPLACE;
  event->order_id = assay_be64(as->replace.order);
  event->other_id = assay_be64(as->replace.new_order);
  event->quantity = assay_be32(as->replace.shares);
  event->price = assay_be32(as->replace.price);
}

/* The indicator is the side of the hidden order that rested, not the aggressor's, and the venue says B for all of them since 2014-07-14:
 * nothing is known of the side. */
static void put_trade(const assay_itch_body *as, assay_market_event *event) {
  event->kind = ASSAY_MARKET_TRADE;
  event->order_id = assay_be64(as->trade.order);
  event->quantity = assay_be32(as->trade.shares);
  event->price = assay_be32(as->trade.price);
  event->other_id = assay_be64(as->trade.match);
}

static void put_cross(const assay_itch_body *as, assay_market_event *event) {
  event->kind = ASSAY_MARKET_TRADE;
  event->quantity = assay_be64(as->cross.shares);
  event->price = assay_be32(as->cross.price);
  event->other_id = assay_be64(as->cross.match);
}

static void put_status(char state, assay_market_event *event) {
  event->kind = ASSAY_MARKET_STATUS;
  event->order_id = (unsigned char)state;
}

void assay_itch_event(const assay_itch_message *message, assay_market_event *event) {
  const assay_itch_body *as = message->as;
  *event = (assay_market_event){.time_ns = assay_be48(as->head.time), .symbol = assay_be16(as->head.locate), .decimals = DECIMALS};
  switch (message->type) {
    case 'A':
    case 'F': put_add(as, event); break;
    case 'E': put_execute(as, event); break;
    case 'C': put_execute_price(as, event); break;
    case 'X':
      event->kind = ASSAY_MARKET_CANCEL;
      event->order_id = assay_be64(as->cancel.order);
      event->quantity = assay_be32(as->cancel.shares);
      break;
    case 'D':
      event->kind = ASSAY_MARKET_DELETE;
      event->order_id = assay_be64(as->remove.order);
      break;
    case 'U': put_replace(as, event); break;
    case 'P': put_trade(as, event); break;
    case 'Q': put_cross(as, event); break;
    case 'B':
      event->kind = ASSAY_MARKET_BROKEN;
      event->other_id = assay_be64(as->broken.match);
      break;
    case 'S':
      put_status(as->system.event, event);
      if (as->system.event == 'O') event->flags = ASSAY_MARKET_ALL_SYMBOLS; /* start of messages: of a day */
      break;
    case 'H': put_status(as->action.state, event); break;
    case 'h': put_status(as->halt.action, event); break;
    default: break;
  }
}

/* SPDX-License-Identifier: MIT */
/* FIX 4.4, and for logs 4.2 and 4.3, a message at a time. fix_session.c has the session. */
#include <assay/feed_csv.h>
#include <assay/feed_fix.h>

#include <string.h>

#include "base/text.h"
#include "market/feeds/decimal.h"
#include "market/feeds/feed.h"
#include "market/feeds/fix.h"

enum { SOH = 1, LONGEST_BODY = 1 << 20, CHECKSUM = 7 };

static const struct {
  const char *type, *name;
  uint32_t needs[12]; /* tags, besides the header's */
} kinds[] = {
    {"0", "heartbeat", {0}},
    {"1", "test request", {112}},
    {"2", "resend request", {7, 16}},
    {"3", "reject", {45}},
    {"4", "sequence reset", {36}},
    {"5", "logout", {0}},
    {"8", "execution report", {37, 17, 150, 39, 55, 54, 151, 14, 6}},
    {"9", "order cancel reject", {37, 11, 41, 39, 434}},
    {"A", "logon", {98, 108}},
    {"D", "new order single", {11, 55, 54, 60, 40}},
    {"F", "order cancel request", {11, 41, 55, 54, 60}},
    {"G", "order cancel/replace request", {11, 41, 55, 54, 60, 40}},
};
static const uint32_t header_needs[] = {49, 56, 34, 52};

static const char *tag_text(uint32_t tag) {
  static const struct {
    uint32_t tag;
    const char *text;
  } texts[] = {{6, "AvgPx (6)"},
               {7, "BeginSeqNo (7)"},
               {11, "ClOrdID (11)"},
               {14, "CumQty (14)"},
               {16, "EndSeqNo (16)"},
               {17, "ExecID (17)"},
               {34, "MsgSeqNum (34)"},
               {36, "NewSeqNo (36)"},
               {37, "OrderID (37)"},
               {39, "OrdStatus (39)"},
               {40, "OrdType (40)"},
               {41, "OrigClOrdID (41)"},
               {45, "RefSeqNum (45)"},
               {49, "SenderCompID (49)"},
               {52, "SendingTime (52)"},
               {54, "Side (54)"},
               {55, "Symbol (55)"},
               {56, "TargetCompID (56)"},
               {60, "TransactTime (60)"},
               {98, "EncryptMethod (98)"},
               {108, "HeartBtInt (108)"},
               {112, "TestReqID (112)"},
               {150, "ExecType (150)"},
               {151, "LeavesQty (151)"},
               {434, "CxlRejResponseTo (434)"}};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
    if (texts[i].tag == tag) return texts[i].text;
  return "field";
}

/* ---- Fields -------------------------------------------------------------------------------------------------------------------------- */

/* The tag of the data whose length a field says; 0: it says none. */
static uint32_t data_of(uint32_t tag) {
  switch (tag) {
    case 93: return 89;
    case 618:
    case 621:
    case 445: return tag + 1;
    case 90:
    case 95:
    case 212: return tag + 1;
    default: return tag >= 348 && tag <= 364 && tag % 2 == 0 ? tag + 1 : 0;
  }
}

/* The tag at `at`, up to its '='; 0: there is none. */
static size_t read_tag(const char *at, size_t left, uint32_t *tag) {
  uint32_t value = 0;
  size_t i = 0;
  for (; i < left && i < 9 && at[i] >= '0' && at[i] <= '9'; i++) value = value * 10 + (uint32_t)(at[i] - '0');
  if (i == 0 || at[0] == '0' || i >= left || at[i] != '=') return 0;
  *tag = value;
  return i + 1;
}

/* One field of `left` bytes; how many it takes with its end, 0: it is none. `data` is the length of data that the field before said, of the
 * tag `data_tag`. */
static size_t read_field(const char *at, size_t left, uint32_t data_tag, size_t data, assay_fix_field *field) {
  size_t head = read_tag(at, left, &field->tag), length;
  if (head == 0) return 0;
  if (data_tag != 0 && field->tag == data_tag) {
    if (data >= left - head || at[head + data] != SOH) return 0;
    length = data;
  } else {
    const char *end = memchr(at + head, SOH, left - head);
    if (end == NULL) return 0; /* without a value: it is a field, and a fault that is answered (assay_fix_check) */
    length = (size_t)(end - at) - head;
  }
  field->value = (assay_feed_text){.at = at + head, .length = length};
  return head + length + 1;
}

/* The length that a field says of the data behind it. */
static void note_data(const assay_fix_field *field, uint32_t *data_tag, size_t *data) {
  uint64_t length = 0;
  *data_tag = data_of(field->tag);
  if (*data_tag != 0 && assay_feed_whole_slow(field->value.at, field->value.length, &length) != field->value.length) *data_tag = 0;
  *data = (size_t)length;
}

bool assay_fix_field_next(const assay_fix_message *message, assay_fix_cursor *cursor, assay_fix_field *field) {
  if (cursor->at >= message->body_length) return false;
  size_t used = read_field(message->body + cursor->at, message->body_length - cursor->at, cursor->data_tag, cursor->data, field);
  if (used == 0) return false;
  note_data(field, &cursor->data_tag, &cursor->data);
  cursor->at += used;
  return true;
}

bool assay_fix_find(const assay_fix_message *message, uint32_t tag, assay_feed_text *value) {
  assay_fix_cursor cursor = {0};
  assay_fix_field field;
  while (assay_fix_field_next(message, &cursor, &field)) {
    if (field.tag != tag) continue;
    *value = field.value;
    return true;
  }
  return false;
}

bool assay_fix_whole(const assay_fix_message *message, uint32_t tag, uint64_t *value) {
  assay_feed_text text;
  uint64_t number;
  if (!assay_fix_find(message, tag, &text) || assay_feed_whole_slow(text.at, text.length, &number) != text.length) return false;
  *value = number;
  return true;
}

bool assay_fix_decimal(const assay_fix_message *message, uint32_t tag, unsigned decimals, int64_t *value) {
  assay_feed_text text;
  return assay_fix_find(message, tag, &text) && assay_feed_decimal(text.at, text.length, decimals, value);
}

/* ---- Messages ------------------------------------------------------------------------------------------------------------------------ */

/* Where the next message may begin: behind `from`. 0: not in this window. */
static size_t next_start(const assay_feed_reader *reader, size_t from) {
  const char *data = (const char *)reader->data;
  for (size_t at = from; at + 5 <= reader->size; at++) {
    const char *found = memchr(data + at, '8', reader->size - at - 4);
    if (found == NULL) break;
    at = (size_t)(found - data);
    if (memcmp(found, "8=FIX", 5) == 0 && (at == 0 || data[at - 1] == SOH || data[at - 1] == '\n' || data[at - 1] == '\r')) return at;
  }
  return reader->last ? reader->size : 0;
}

/*
 * Heads within one another whose lengths all end at one trailer would have the same bytes summed for each of them. So bytes that were
 * summed in vain are counted, the stream's own progress pays for them, and who owes too much is not summed.
 */
static const uint64_t MOST_OWED = UINT64_C(64) << 20, PAID_A_BYTE = 32;

static void pay(assay_feed_reader *reader, size_t passed) {
  uint64_t paid = passed * PAID_A_BYTE;
  reader->owed -= paid < reader->owed ? paid : reader->owed;
}

static assay_feed_step garbled(assay_feed_reader *reader, size_t at, const char *field, const char *problem) {
  size_t next = next_start(reader, reader->at + 1);
  if (next > 0) pay(reader, next - reader->at);
  return assay_feed_fail(reader, at, next, field, problem, "ignore the message, as FIX says, and go on at the next 8=FIX");
}

/* Sums bytes: all of the message up to CheckSum. */
static unsigned sum_of(const char *data, size_t length) {
  unsigned sum = 0;
  for (size_t i = 0; i < length; i++) sum += (uint8_t)data[i];
  return sum & 255;
}

static assay_feed_step check_fields(assay_feed_reader *reader, assay_fix_message *message) {
  assay_fix_cursor cursor = {0};
  assay_fix_field field;
  while (cursor.at < message->body_length) {
    size_t place = (size_t)((const uint8_t *)message->body - reader->data) + cursor.at;
    bool first = cursor.at == 0;
    if (!assay_fix_field_next(message, &cursor, &field)) return garbled(reader, place, "field", "no tag=value with its end");
    if (first && field.value.length == 0) return garbled(reader, place, "MsgType (35)", "without a value");
    if (first && field.tag != 35) return garbled(reader, place, "MsgType (35)", "not the third field");
    if (first) message->type = field.value;
  }
  return ASSAY_FEED_MESSAGE;
}

const char assay_fix_other_version[] = "another version than FIX.4.4";
static const char older_version[] = "another version than FIX.4.2, 4.3 and 4.4";

/* A message of any version, its length and sum right. */
typedef enum other { NO_MESSAGE, NOT_ALL_HERE, WHOLE } other;

static other look_for_other(assay_feed_reader *reader, const char *data, size_t left) {
  if (memcmp(data, "8=FIX", left < 5 ? left : 5) != 0) return NO_MESSAGE;
  const char *second = memchr(data, SOH, left < 20 ? left : 20);
  uint64_t body = 0;
  if (second == NULL) return left < 20 ? NOT_ALL_HERE : NO_MESSAGE;
  size_t at = (size_t)(second + 1 - data);
  if (memcmp(data + at, "9=", left - at < 2 ? left - at : 2) != 0) return NO_MESSAGE;
  if (left - at <= 2) return NOT_ALL_HERE;
  size_t digits = assay_feed_whole_slow(data + at + 2, left - at - 2, &body);
  at += 2 + digits;
  if (digits == 0 || digits > 7 || body > LONGEST_BODY) return NO_MESSAGE;
  if (at == left) return NOT_ALL_HERE;
  if (data[at] != SOH) return NO_MESSAGE;
  if (left - at - 1 < body + CHECKSUM) return NOT_ALL_HERE;
  const char *sum = data + at + 1 + body;
  if (memcmp(sum, "10=", 3) != 0 || sum[6] != SOH || reader->owed > MOST_OWED) return NO_MESSAGE;
  for (int i = 3; i < 6; i++)
    if (sum[i] < '0' || sum[i] > '9') return NO_MESSAGE;
  unsigned said = (unsigned)((sum[3] - '0') * 100 + (sum[4] - '0') * 10 + (sum[5] - '0'));
  reader->owed += at + body;
  return said == sum_of(data, at + 1 + (size_t)body) ? WHOLE : NO_MESSAGE;
}

/* `older`: of 4.2 and 4.3 too, whose names are as long. */
static assay_feed_step read_message(assay_feed_reader *reader, bool older, assay_fix_message *message) {
  char begin[] = "8=FIX.4.4\0019=";
  const size_t head = sizeof begin - 1, minor = 8;
  if (reader->fault.problem != NULL) return ASSAY_FEED_MALFORMED;
  while (reader->at < reader->size && (reader->data[reader->at] == '\n' || reader->data[reader->at] == '\r')) reader->at++;
  size_t left = reader->size - reader->at;
  const char *data = (const char *)reader->data + reader->at;
  if (left == 0) return reader->last ? ASSAY_FEED_END : ASSAY_FEED_MORE;
  if (older && left > minor && (data[minor] == '2' || data[minor] == '3')) begin[minor] = data[minor];
  if (memcmp(data, begin, left < head ? left : head) != 0) {
    bool version = memcmp(data, begin, left < 10 ? left : 10) != 0;
    other what = version ? look_for_other(reader, data, left) : NO_MESSAGE;
    if (what == NOT_ALL_HERE && !reader->last) return ASSAY_FEED_MORE;
    return garbled(reader, reader->at, version ? "BeginString (8)" : "BodyLength (9)",
                   !version        ? "not the second field"
                   : what == WHOLE ? older ? older_version : assay_fix_other_version
                   : older         ? "not FIX.4.2, 4.3 or 4.4"
                                   : "not FIX.4.4");
  }
  if (left < head) return assay_feed_short(reader, "BeginString (8)");
  uint64_t body = 0;
  size_t digits = assay_feed_whole_slow(data + head, left - head, &body);
  if (digits == left - head && digits < 8) return assay_feed_short(reader, "BodyLength (9)");
  if (digits == 0 || digits > 7 || data[head + digits] != SOH || body > LONGEST_BODY)
    return garbled(reader, reader->at + head, "BodyLength (9)", "no number of at most a million");
  size_t length = head + digits + 1 + (size_t)body + CHECKSUM;
  if (left < length) return assay_feed_short(reader, "body");
  *message = (assay_fix_message){.data = data, .length = length, .body = data + head + digits + 1, .body_length = (size_t)body};
  const char *sum = message->body + body;
  size_t sum_at = reader->at + length - CHECKSUM;
  if (body == 0 || sum[-1] != SOH || memcmp(sum, "10=", 3) != 0 || sum[6] != SOH)
    return garbled(reader, reader->at + head, "BodyLength (9)", "CheckSum is not where the length says that the body ends");
  unsigned said = 0;
  for (int i = 3; i < 6; i++) {
    if (sum[i] < '0' || sum[i] > '9') return garbled(reader, sum_at, "CheckSum (10)", "not three digits");
    said = said * 10 + (unsigned)(sum[i] - '0');
  }
  if (reader->owed > MOST_OWED) return garbled(reader, sum_at, "CheckSum (10)", "too many wrong ones overlap before it");
  reader->owed += length;
  if (said != sum_of(data, length - CHECKSUM)) return garbled(reader, sum_at, "CheckSum (10)", "not the sum of the message's bytes");
  if (check_fields(reader, message) != ASSAY_FEED_MESSAGE) return ASSAY_FEED_MALFORMED;
  pay(reader, length);
  reader->at += length;
  reader->count++;
  return ASSAY_FEED_MESSAGE;
}

assay_feed_step assay_fix_next(assay_feed_reader *reader, assay_fix_message *message) { return read_message(reader, false, message); }

assay_feed_step assay_fix_next_older(assay_feed_reader *reader, assay_fix_message *message) { return read_message(reader, true, message); }

const char *assay_fix_name(const assay_fix_message *message) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (assay_fix_is(message, kinds[i].type)) return kinds[i].name;
  return NULL;
}

static bool needs(const assay_fix_message *message, uint32_t wanted, uint32_t *tag, assay_feed_fault *fault) {
  assay_feed_text value;
  if (assay_fix_find(message, wanted, &value)) return true;
  *tag = wanted;
  *fault =
      (assay_feed_fault){.field = tag_text(wanted), .problem = "the message needs this field and has it not", .mend = "reject the message"};
  return false;
}

/* No field may stand there without a value. */
static bool has_values(const assay_fix_message *message, uint32_t *tag, assay_feed_fault *fault) {
  assay_fix_cursor cursor = {0};
  assay_fix_field field;
  while (assay_fix_field_next(message, &cursor, &field)) {
    if (field.value.length > 0) continue;
    *tag = field.tag;
    *fault = (assay_feed_fault){.field = tag_text(field.tag), .problem = "the field has no value", .mend = "reject the message"};
    return false;
  }
  return true;
}

bool assay_fix_check(const assay_fix_message *message, uint32_t *tag, assay_feed_fault *fault) {
  if (!has_values(message, tag, fault)) return false;
  for (size_t i = 0; i < sizeof header_needs / sizeof *header_needs; i++)
    if (!needs(message, header_needs[i], tag, fault)) return false;
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (!assay_fix_is(message, kinds[i].type)) continue;
    for (size_t n = 0; kinds[i].needs[n] != 0; n++)
      if (!needs(message, kinds[i].needs[n], tag, fault)) return false;
  }
  return true;
}

/* ---- Events -------------------------------------------------------------------------------------------------------------------------- */

uint64_t assay_fix_id(const assay_fix_message *message, uint32_t tag) {
  assay_feed_text text;
  uint64_t number;
  if (!assay_fix_find(message, tag, &text)) return 0;
  if (assay_feed_whole_slow(text.at, text.length, &number) == text.length) return number;
  return assay_hash(ASSAY_HASH_START, text.at, text.length);
}

/* 20240102-14:30:00.123 */
uint64_t assay_fix_time(const assay_fix_message *message, uint32_t tag) {
  assay_feed_text text;
  char iso[40];
  uint64_t ns = 0;
  if (!assay_fix_find(message, tag, &text) || text.length < 17 || text.length > 30 || text.at[8] != '-') return 0;
  memcpy(iso, text.at, 4), iso[4] = '-', memcpy(iso + 5, text.at + 4, 2), iso[7] = '-', memcpy(iso + 8, text.at + 6, 2), iso[10] = 'T';
  memcpy(iso + 11, text.at + 9, text.length - 9);
  return assay_feed_time(iso, text.length + 2, 0, &ns) ? ns : 0;
}

/* What a report says was done: FIX 4.2 says with ExecType 1 and 2 that something was traded, and with an ExecTransType, which only its
 * reports have, that it is new (0), taken back (1) or put right (2): FIX 4.4's H and G. 0: nothing. */
static char done_by(const assay_fix_message *message) {
  assay_feed_text kind, older;
  if (!assay_fix_find(message, 150, &kind) || kind.length != 1) return 0;
  if (!assay_fix_find(message, 20, &older)) return kind.at[0];
  if (older.length != 1) return 0;
  switch (older.at[0]) {
    case '0': return kind.at[0] == '1' || kind.at[0] == '2' ? 'F' : kind.at[0];
    case '1': return 'H';
    case '2': return 'G';
    default: return 0;
  }
}

/* Behind the event of a trade that was put right: the trade as it is now. */
static size_t put_right(const assay_fix_message *message, assay_market_event events[ASSAY_FIX_MOST_EVENTS]) {
  events[1] = events[0];
  events[1].kind = ASSAY_MARKET_TRADE;
  events[1].other_id = assay_fix_id(message, 17);
  events[1].side = 0;
  events[1].flags = ASSAY_MARKET_LAST;
  events[0].flags = ASSAY_MARKET_GAP;
  return 2;
}

size_t assay_fix_events(const assay_fix_message *message, uint32_t symbol, unsigned price_decimals, unsigned quantity_decimals,
                        assay_market_event events[ASSAY_FIX_MOST_EVENTS]) {
  assay_feed_text side;
  assay_market_event *event = &events[0];
  int64_t price = 0, quantity = 0;
  if (!assay_fix_is(message, "8") || !assay_fix_find(message, 54, &side)) return 0;
  const char what = done_by(message);
  const bool trade = what == 'F' || what == 'G' || what == 'H';
  assay_fix_decimal(message, trade ? 31 : 44, price_decimals, &price);
  if (!assay_fix_decimal(message, trade ? 32 : 151, quantity_decimals, &quantity) || quantity < 0) quantity = 0;
  *event = (assay_market_event){.time_ns = assay_fix_time(message, 60),
                                .order_id = assay_fix_id(message, 37),
                                .price = price,
                                .quantity = (uint64_t)quantity,
                                .symbol = symbol,
                                .side = side.at[0] == '1' || side.at[0] == '3' ? 'B' : 'S', /* 3: buy minus */
                                .decimals = (uint8_t)(price_decimals | quantity_decimals << 4),
                                .flags = ASSAY_MARKET_LAST};
  switch (what) {
    case '0': event->kind = ASSAY_MARKET_ADD; return 1;
    case 'F':
      event->kind = ASSAY_MARKET_EXECUTE;
      event->other_id = assay_fix_id(message, 17);
      return 1;
    case 'G':
    case 'H': /* what the order has left again, the book is not told */
      event->kind = ASSAY_MARKET_BROKEN;
      event->other_id = assay_fix_id(message, 19);
      event->flags |= ASSAY_MARKET_GAP;
      return what == 'G' ? put_right(message, events) : 1;
    case '4': event->kind = ASSAY_MARKET_DELETE; return 1;
    case '5':
      event->kind = ASSAY_MARKET_REPLACE;
      event->other_id = event->order_id;
      return 1;
    default: return 0;
  }
}

/* SPDX-License-Identifier: MIT */
/*
 * A FIX session as a state machine: a message and the time go in, what has to be sent comes out. Nothing is read or written here, so any
 * transport and any test can drive it. The cases are those of the session protocol's own table (volume 2, "Session protocol").
 */
#include <assay/feed_fix.h>

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "market/feeds/fix.h"

enum {
  LONGEST_NAME = 32,
  LEAST_ROOM = 1024,
  LONGEST_BODY = 400,
  LONGEST_HEARTBEAT = 86400,
  PATIENCE = 5,        /* seconds until a gap is asked for again */
  LOGOUT_PATIENCE = 10 /* for the answer to a logout, and to a logon where there are no heartbeats */
};
static const uint64_t second_ns = 1000000000;

/* ---- Writing ------------------------------------------------------------------------------------------------------------------------- */

void assay_fix_time_text(uint64_t now_ns, char out[ASSAY_FIX_TIME_SIZE]) {
  /* Civil date from days (Hinnant, "chrono-compatible low-level date algorithms"). */
  uint64_t days = now_ns / (86400 * second_ns) + 719468, of_day = now_ns % (86400 * second_ns) / 1000000;
  unsigned era = (unsigned)(days / 146097), of_era = (unsigned)(days % 146097);
  unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365,
           of_year = of_era - (365 * year + year / 4 - year / 100);
  unsigned shifted = (5 * of_year + 2) / 153, day = of_year - (153 * shifted + 2) / 5 + 1, month = shifted < 10 ? shifted + 3 : shifted - 9;
  unsigned ms = (unsigned)of_day;
  assay_snprintf(out, ASSAY_FIX_TIME_SIZE, "%04u%02u%02u-%02u:%02u:%02u.%03u", (year + era * 400 + (month <= 2)) % 10000, month % 100,
                 day % 100, ms / 3600000 % 100, ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

size_t assay_fix_write(char *out, size_t capacity, const char *type, const char *sender, const char *target, uint64_t sequence,
                       uint64_t now_ns, uint64_t first_ns, const char *body, size_t length) {
  char head[40], fields[300], time[ASSAY_FIX_TIME_SIZE], before[ASSAY_FIX_TIME_SIZE] = "";
  bool repeated = first_ns != 0;
  assay_fix_time_text(now_ns, time);
  if (repeated) assay_fix_time_text(first_ns, before);
  int fields_length = assay_snprintf(fields, sizeof fields, "35=%s\00149=%s\00156=%s\00134=%" PRIu64 "\001%s%s%s52=%s\001", type, sender,
                                     target, sequence, repeated ? "43=Y\001122=" : "", before, repeated ? "\001" : "", time);
  if (fields_length < 0 || (size_t)fields_length >= sizeof fields) return 0;
  int head_length = assay_snprintf(head, sizeof head, "8=FIX.4.4\0019=%zu\001", (size_t)fields_length + length);
  size_t whole = (size_t)head_length + (size_t)fields_length + length + 7;
  if (whole > capacity) return 0;
  memcpy(out, head, (size_t)head_length);
  memcpy(out + head_length, fields, (size_t)fields_length);
  if (length > 0) memcpy(out + head_length + fields_length, body, length);
  unsigned sum = 0;
  for (size_t i = 0; i < whole - 7; i++) sum += (uint8_t)out[i];
  char check[8];
  assay_snprintf(check, sizeof check, "10=%03u\001", sum & 255);
  memcpy(out + whole - 7, check, 7);
  return whole;
}

static bool put_message(assay_fix_session *s, uint64_t now_ns, const char *type, uint64_t sequence, uint64_t first_ns, const char *body,
                        size_t length) {
  size_t wrote = assay_fix_write(s->out + s->out_length, s->out_capacity - s->out_length, type, s->options.sender, s->options.target,
                                 sequence, now_ns, first_ns, body, length);
  s->out_length += wrote;
  if (wrote > 0) s->last_out_ns = now_ns;
  return wrote > 0;
}

static bool put_own(assay_fix_session *s, uint64_t now_ns, const char *type, const char *body) {
  bool put = put_message(s, now_ns, type, s->next_out, 0, body, strlen(body));
  s->next_out += put;
  s->overflow |= !put;
  return put;
}

/* `expected` 0: it is not said which number comes next. */
static void put_logon(assay_fix_session *s, uint64_t now_ns, bool reset, uint64_t expected) {
  char body[100], next[40] = "";
  if (expected != 0) assay_snprintf(next, sizeof next, "789=%" PRIu64 "\001", expected);
  assay_snprintf(body, sizeof body, "98=0\001108=%u\001%s%s", s->options.heartbeat_s, reset ? "141=Y\001" : "", next);
  put_own(s, now_ns, "A", body);
}

static void put_logout(assay_fix_session *s, uint64_t now_ns, const char *text) {
  char body[LONGEST_BODY] = "";
  if (text != NULL) assay_snprintf(body, sizeof body, "58=%s\001", text);
  put_own(s, now_ns, "5", body);
}

static assay_fix_verdict disconnect(assay_fix_session *s, uint64_t now_ns, const char *reason, bool say) {
  if (say) put_logout(s, now_ns, reason);
  s->state = ASSAY_FIX_CLOSED;
  s->reason = reason;
  return ASSAY_FIX_DISCONNECT;
}

static assay_fix_verdict too_low(assay_fix_session *s, uint64_t now_ns, uint64_t sequence) {
  char text[100];
  assay_snprintf(text, sizeof text, "MsgSeqNum too low, expecting %" PRIu64 " but received %" PRIu64, s->next_in, sequence);
  put_logout(s, now_ns, text);
  return disconnect(s, now_ns, "MsgSeqNum too low", false);
}

/* SessionRejectReason (373) */
enum { MISSING = 1, NO_VALUE = 4, BAD_VALUE = 5, BAD_FORMAT = 6, COMP_ID = 9, BAD_TIME = 10, NO_TYPE = 11, TWICE = 13 };

static const char *reason_text(unsigned reason) {
  switch (reason) {
    case MISSING: return "required tag missing";
    case NO_VALUE: return "tag specified without a value";
    case BAD_FORMAT: return "incorrect data format for value";
    case COMP_ID: return "CompID problem";
    case BAD_TIME: return "SendingTime accuracy problem";
    case NO_TYPE: return "invalid MsgType";
    case TWICE: return "tag appears more than once";
    default: return "value is incorrect for this tag";
  }
}

static assay_fix_verdict reject(assay_fix_session *s, uint64_t now_ns, uint64_t sequence, const assay_fix_message *message, uint32_t tag,
                                unsigned reason) {
  char body[LONGEST_BODY];
  int type = message->type.length < 10 ? (int)message->type.length : 10;
  assay_snprintf(body, sizeof body, "45=%" PRIu64 "\001371=%u\001372=%.*s\001373=%u\00158=%s (%u)\001", sequence, tag, type,
                 message->type.at, reason, reason_text(reason), tag);
  put_own(s, now_ns, "3", body);
  return ASSAY_FIX_REJECTED;
}

/* ---- Gaps ---------------------------------------------------------------------------------------------------------------------------- */

/* What is to come was asked for: up to `end`. */
static void note_asked(assay_fix_session *s, uint64_t now_ns, uint64_t seen, uint64_t end) {
  if (seen > s->gap_end) s->gap_end = seen;
  s->asked_end = end;
  s->gap_asked_ns = now_ns;
}

static void ask_again(assay_fix_session *s, uint64_t now_ns, uint64_t seen) {
  char body[60];
  uint64_t most = s->options.resend_most, end = UINT64_MAX;
  bool asked = s->gap_end >= s->next_in && s->asked_end >= s->next_in;
  if (seen > s->gap_end) s->gap_end = seen;
  if (asked && now_ns - s->gap_asked_ns < PATIENCE * second_ns) return;
  if (most != 0 && s->gap_end - s->next_in >= most) end = s->next_in + most - 1;
  assay_snprintf(body, sizeof body, "7=%" PRIu64 "\00116=%" PRIu64 "\001", s->next_in, end == UINT64_MAX ? 0 : end);
  if (put_own(s, now_ns, "2", body)) note_asked(s, now_ns, seen, end);
}

/* `next_in` went on: the gap is filled, or the next part of it is asked for. */
static void go_on_asking(assay_fix_session *s, uint64_t now_ns) {
  if (s->gap_end < s->next_in)
    s->gap_end = 0;
  else if (s->asked_end < s->next_in)
    ask_again(s, now_ns, s->gap_end);
}

/* Up to the one before `to`. When those were sent is not kept: FIX then wants the time of now. */
static bool fill_gap(assay_fix_session *s, uint64_t now_ns, uint64_t from, uint64_t to) {
  char body[60];
  assay_snprintf(body, sizeof body, "123=Y\00136=%" PRIu64 "\001", to);
  return put_message(s, now_ns, "4", from, now_ns, body, strlen(body));
}

/* One step of what the peer lacks: the next stored message, or a gap in place of all up to it (the session's own are never repeated).
 * False: `out` has no room, and it goes on from here when that was sent. */
static bool repeat_some(assay_fix_session *s, uint64_t now_ns) {
  const char *type = "", *body = "";
  size_t length = 0;
  uint64_t at = s->repeat_at, first_ns = 0;
  bool found = false;
  if (s->options.stored == NULL) at = s->repeat_end + 1;
  while (at <= s->repeat_end && !(found = s->options.stored(s->options.context, at, &type, &body, &length, &first_ns))) at++;
  if (at == s->repeat_at && put_message(s, now_ns, type, at, first_ns != 0 ? first_ns : now_ns, body, length)) {
    s->repeat_at = at + 1;
    return true;
  }
  if (at == s->repeat_at) { /* where it has no room even by itself there is a gap in its place, and it is said that it was lost */
    if (s->out_length > 0) return false;
    s->overflow = true;
    at++;
  }
  if (!fill_gap(s, now_ns, s->repeat_at, at)) return false;
  s->repeat_at = at;
  return true;
}

/* Nothing is left out: what is behind it would have to be asked for again, and the hole for ever. */
static bool go_on_repeating(assay_fix_session *s, uint64_t now_ns) {
  while (s->repeat_end != 0 && s->repeat_at <= s->repeat_end)
    if (!repeat_some(s, now_ns)) return false;
  s->repeat_end = 0;
  return true;
}

static void repeat(assay_fix_session *s, uint64_t now_ns, uint64_t from, uint64_t to) {
  if (to == 0 || to >= s->next_out) to = s->next_out - 1;
  if (from > to) return;
  if (s->repeat_end == 0 || from < s->repeat_at) s->repeat_at = from;
  if (to > s->repeat_end) s->repeat_end = to;
  go_on_repeating(s, now_ns);
}

/* ---- Receiving ----------------------------------------------------------------------------------------------------------------------- */

static bool text_is(assay_feed_text text, const char *wanted) {
  return text.length == strlen(wanted) && memcmp(text.at, wanted, text.length) == 0;
}

static bool flag(const assay_fix_message *message, uint32_t tag) {
  assay_feed_text value;
  return assay_fix_find(message, tag, &value) && text_is(value, "Y");
}

/* A logon that is not right leaves the session without terms to run on: FIX wants a reject, a logout and the end. */
static assay_fix_verdict refuse_logon(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint64_t sequence,
                                      uint32_t tag, unsigned why, const char *text) {
  reject(s, now_ns, sequence, message, tag, why);
  return disconnect(s, now_ns, text, true);
}

/* What assay_fix_check found. */
static unsigned lacks(const assay_fix_message *message, uint32_t tag) {
  assay_feed_text value;
  return assay_fix_find(message, tag, &value) ? NO_VALUE : MISSING;
}

/* ADMIN: there is nothing to say against it. */
static assay_fix_verdict check_logon(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint64_t sequence,
                                     uint64_t *heartbeat) {
  uint64_t encryption = 0, next = 0;
  uint32_t tag = 0;
  assay_feed_fault fault;
  assay_feed_text text;
  if (!assay_fix_check(message, &tag, &fault))
    return refuse_logon(s, now_ns, message, sequence, tag, lacks(message, tag), "the logon lacks a field that it needs");
  if (!assay_fix_whole(message, 98, &encryption) || encryption != 0)
    return refuse_logon(s, now_ns, message, sequence, 98, BAD_VALUE, "EncryptMethod (98) is not 0");
  if (!assay_fix_whole(message, 108, heartbeat) || *heartbeat > LONGEST_HEARTBEAT)
    return refuse_logon(s, now_ns, message, sequence, 108, BAD_VALUE, "HeartBtInt (108) is no number of seconds");
  if (assay_fix_find(message, 789, &text) && (!assay_fix_whole(message, 789, &next) || next == 0))
    return refuse_logon(s, now_ns, message, sequence, 789, BAD_VALUE, "NextExpectedMsgSeqNum (789) is no number of a message");
  if (flag(message, 141) && sequence != 1)
    return refuse_logon(s, now_ns, message, sequence, 34, BAD_VALUE, "a logon that resets the numbers has another MsgSeqNum than 1");
  return ASSAY_FIX_ADMIN;
}

static assay_fix_verdict on_logon(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint64_t sequence) {
  uint64_t heartbeat = 0;
  bool reset = flag(message, 141), begins = s->state == ASSAY_FIX_CLOSED, first = begins || s->state == ASSAY_FIX_LOGGING_ON;
  if (!first && !reset && sequence < s->next_in && flag(message, 43)) return ASSAY_FIX_DUPLICATE;
  assay_fix_verdict verdict = check_logon(s, now_ns, message, sequence, &heartbeat);
  if (verdict == ASSAY_FIX_DISCONNECT) return verdict;
  if (reset) {
    s->next_in = 1;
    s->gap_end = 0;
    s->repeat_end = 0;
    if (s->state != ASSAY_FIX_LOGGING_ON) s->next_out = 1;
  }
  if (sequence < s->next_in) return too_low(s, now_ns, sequence);
  uint64_t expected = 0, sent = s->next_out;
  bool says = assay_fix_whole(message, 789, &expected);
  if (says && expected > sent) return disconnect(s, now_ns, "NextExpectedMsgSeqNum too high", true);
  if (first || reset) s->options.heartbeat_s = (unsigned)heartbeat;
  if (first) s->state = ASSAY_FIX_ON;
  if (begins || (reset && s->state == ASSAY_FIX_ON && !first))
    put_logon(s, now_ns, reset, says ? s->next_in + (sequence == s->next_in) : 0);
  if (sequence == s->next_in)
    s->next_in++;
  else if (says && (begins || s->options.next_expected)) /* it was told, and repeats of its own accord */
    note_asked(s, now_ns, sequence, UINT64_MAX);
  else
    ask_again(s, now_ns, sequence);
  if (says && expected < sent) repeat(s, now_ns, expected, 0);
  return ASSAY_FIX_ADMIN;
}

/* A gap fill is a message like others and counts; a reset is none. Neither goes back. */
static assay_fix_verdict on_reset(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint64_t sequence) {
  uint64_t next = 0;
  assay_feed_text text;
  bool fill = flag(message, 123), there = assay_fix_find(message, 36, &text), number = assay_fix_whole(message, 36, &next);
  if (!number || (fill ? next <= sequence : next < s->next_in)) {
    s->next_in += fill;
    return reject(s, now_ns, sequence, message, 36, !there ? MISSING : !number ? BAD_FORMAT : BAD_VALUE);
  }
  s->next_in = next;
  go_on_asking(s, now_ns);
  return ASSAY_FIX_ADMIN;
}

static assay_fix_verdict on_admin(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint64_t sequence) {
  assay_feed_text id;
  uint64_t from = 0, to = 0;
  char body[LONGEST_BODY];
  switch (message->type.at[0]) {
    case '0':
      if (assay_fix_find(message, 112, &id)) s->asked = false;
      return ASSAY_FIX_ADMIN;
    case '1':
      if (!assay_fix_find(message, 112, &id)) id = (assay_feed_text){.at = "", .length = 0};
      assay_snprintf(body, sizeof body, "112=%.*s\001", (int)(id.length < 300 ? id.length : 300), id.at);
      put_own(s, now_ns, "0", body);
      return ASSAY_FIX_ADMIN;
    case '2':
      if (!assay_fix_whole(message, 7, &from) || from == 0 || from >= s->next_out)
        return reject(s, now_ns, sequence, message, 7, BAD_VALUE); /* there was no such message yet */
      if (!assay_fix_whole(message, 16, &to) || (to != 0 && to < from)) return reject(s, now_ns, sequence, message, 16, BAD_VALUE);
      repeat(s, now_ns, from, to);
      return ASSAY_FIX_ADMIN;
    case '5':
      return disconnect(s, now_ns, s->state == ASSAY_FIX_LOGGING_OUT ? "logged out" : "the peer logged out",
                        s->state != ASSAY_FIX_LOGGING_OUT);
    default: return ASSAY_FIX_ADMIN; /* a reject: for the log */
  }
}

static bool is_admin(const assay_fix_message *message) {
  return message->type.length == 1 && strchr("012345A", message->type.at[0]) != NULL;
}

/* A field of the header that is there more than once; 0: none. Which of them would count is anybody's guess. */
static uint32_t header_twice(const assay_fix_message *message) {
  static const uint32_t tags[] = {35, 49, 56, 34, 52, 43, 122};
  unsigned seen = 0;
  assay_fix_cursor cursor = {0};
  assay_fix_field field;
  while (assay_fix_field_next(message, &cursor, &field)) {
    for (unsigned i = 0; i < sizeof tags / sizeof *tags; i++) {
      if (tags[i] != field.tag) continue;
      if ((seen >> i & 1) != 0) return field.tag;
      seen |= 1u << i;
    }
  }
  return 0;
}

/* MsgType (35) of FIX 4.4, or of the peers' own (U...). */
static bool type_exists(const assay_feed_text *type) {
  char a = type->at[0], b = type->length > 1 ? type->at[1] : 0;
  if (a == 'U') return true;
  if (type->length == 2) return (a == 'A' && b >= 'A' && b <= 'Z') || (a == 'B' && b >= 'A' && b <= 'H');
  return type->length == 1 && ((a >= '0' && a <= '9') || (a >= 'a' && a <= 'z') || (a >= 'A' && a <= 'Z' && a != 'I' && a != 'O'));
}

/* The times of the header; 0: nothing to say against them, else the reason and *tag. A reset or gap fill of a peer that does not say when
 * what it stands for was sent is taken, as everybody does: to reject it would be to ask for it for ever. */
static unsigned check_times(const assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint32_t *tag) {
  const uint64_t most = s->options.accuracy_s * second_ns;
  uint64_t sent = assay_fix_time(message, 52), first = assay_fix_time(message, 122);
  assay_feed_text text;
  *tag = 52;
  if (most != 0 && sent != 0 && (sent > now_ns ? sent - now_ns : now_ns - sent) > most) return BAD_TIME;
  if (!flag(message, 43) || assay_fix_is(message, "4")) return 0;
  *tag = 122;
  if (!assay_fix_find(message, 122, &text)) return MISSING;
  if (first == 0) return BAD_FORMAT;
  return sent != 0 && first > sent ? BAD_TIME : 0;
}

/* Rejected where it stands, which counts: it is not asked for again. */
static assay_fix_verdict reject_here(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint64_t sequence,
                                     uint32_t tag, unsigned reason) {
  if (sequence == s->next_in) {
    s->next_in++;
    go_on_asking(s, now_ns);
  }
  return reject(s, now_ns, sequence, message, tag, reason);
}

assay_fix_verdict assay_fix_session_garbled(assay_fix_session *s, uint64_t now_ns, const assay_feed_fault *fault) {
  s->garbled++;
  if (fault->problem == assay_fix_other_version) return disconnect(s, now_ns, "Incorrect BeginString", s->state != ASSAY_FIX_CLOSED);
  return ASSAY_FIX_GARBLED;
}

assay_fix_verdict assay_fix_session_receive(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message) {
  assay_feed_text sender, target;
  assay_feed_fault fault;
  uint64_t sequence = 0;
  uint32_t tag = 0;
  s->last_in_ns = now_ns;
  go_on_repeating(s, now_ns);
  if (!assay_fix_whole(message, 34, &sequence)) return disconnect(s, now_ns, "MsgSeqNum missing", true);
  if (s->state == ASSAY_FIX_CLOSED && (s->options.initiator || !assay_fix_is(message, "A")))
    return disconnect(s, now_ns, "the first message is not a logon", false);
  if (!assay_fix_find(message, 49, &sender) || !assay_fix_find(message, 56, &target) || !text_is(sender, s->options.target) ||
      !text_is(target, s->options.sender)) {
    reject(s, now_ns, sequence, message, 49, COMP_ID);
    return disconnect(s, now_ns, "CompID problem", true);
  }
  unsigned reason = check_times(s, now_ns, message, &tag);
  if (reason == BAD_TIME && tag == 52) {
    reject_here(s, now_ns, message, sequence, tag, reason);
    return disconnect(s, now_ns, "SendingTime accuracy problem", true);
  }
  if (reason != 0 && s->state != ASSAY_FIX_CLOSED && sequence <= s->next_in) return reject_here(s, now_ns, message, sequence, tag, reason);
  if (assay_fix_is(message, "A")) return on_logon(s, now_ns, message, sequence);
  if (s->state == ASSAY_FIX_LOGGING_ON) return disconnect(s, now_ns, "the first message is not a logon", true);
  if (assay_fix_is(message, "4") && !flag(message, 123)) return on_reset(s, now_ns, message, sequence); /* whatever its number */
  if (sequence < s->next_in) {
    if (flag(message, 43)) return ASSAY_FIX_DUPLICATE;
    return too_low(s, now_ns, sequence);
  }
  if (sequence > s->next_in) {
    /* A peer that lacks something too would wait for ever if its request waited: it is answered at once. A logout ends it anyway. */
    if (assay_fix_is(message, "2") || assay_fix_is(message, "5")) {
      assay_fix_verdict verdict = on_admin(s, now_ns, message, sequence);
      if (verdict == ASSAY_FIX_DISCONNECT) return verdict;
    }
    ask_again(s, now_ns, sequence);
    return ASSAY_FIX_LATER;
  }
  if ((tag = header_twice(message)) != 0) return reject_here(s, now_ns, message, sequence, tag, TWICE);
  if (!type_exists(&message->type)) return reject_here(s, now_ns, message, sequence, 35, NO_TYPE);
  if (assay_fix_is(message, "4")) return on_reset(s, now_ns, message, sequence);
  s->next_in++;
  go_on_asking(s, now_ns);
  if (!assay_fix_check(message, &tag, &fault)) return reject(s, now_ns, sequence, message, tag, lacks(message, tag));
  return is_admin(message) ? on_admin(s, now_ns, message, sequence) : ASSAY_FIX_DELIVER;
}

/* ---- Time, and what we begin --------------------------------------------------------------------------------------------------------- */

assay_status assay_fix_session_init(assay_fix_session *s, const assay_fix_options *options, char *out, size_t capacity, assay_error *err) {
  size_t sender = options->sender != NULL ? strlen(options->sender) : 0, target = options->target != NULL ? strlen(options->target) : 0;
  if (sender == 0 || target == 0 || sender > LONGEST_NAME || target > LONGEST_NAME)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "both names of a FIX session have to have 1 to 32 characters");
  if (out == NULL || capacity < LEAST_ROOM) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a FIX session needs room for at least 1,024 bytes");
  *s = (assay_fix_session){.options = *options, .out = out, .out_capacity = capacity};
  if (s->options.heartbeat_s == 0) s->options.heartbeat_s = 30;
  s->next_out = options->next_out != 0 ? options->next_out : 1;
  s->next_in = options->next_in != 0 ? options->next_in : 1;
  return ASSAY_OK;
}

void assay_fix_session_start(assay_fix_session *s, uint64_t now_ns) {
  s->last_in_ns = now_ns;
  s->state = ASSAY_FIX_LOGGING_ON;
  put_logon(s, now_ns, false, s->options.next_expected ? s->next_in : 0);
}

bool assay_fix_session_send(assay_fix_session *s, uint64_t now_ns, const char *type, const char *body, size_t length) {
  if (s->state != ASSAY_FIX_ON || !go_on_repeating(s, now_ns) || !put_message(s, now_ns, type, s->next_out, 0, body, length)) return false;
  s->next_out++;
  return true;
}

void assay_fix_session_logout(assay_fix_session *s, uint64_t now_ns, const char *text) {
  put_logout(s, now_ns, text);
  s->state = ASSAY_FIX_LOGGING_OUT;
  s->asked_ns = now_ns;
}

assay_fix_verdict assay_fix_session_tick(assay_fix_session *s, uint64_t now_ns) {
  const uint64_t beat = s->options.heartbeat_s * second_ns;
  if (s->state == ASSAY_FIX_CLOSED) return ASSAY_FIX_ADMIN;
  go_on_repeating(s, now_ns);
  if (s->state == ASSAY_FIX_LOGGING_ON)
    return now_ns - s->last_in_ns > (beat != 0 ? beat : LOGOUT_PATIENCE * second_ns)
               ? disconnect(s, now_ns, "no answer to the logon", false)
               : ASSAY_FIX_ADMIN;
  if (s->state == ASSAY_FIX_LOGGING_OUT)
    return now_ns - s->asked_ns > LOGOUT_PATIENCE * second_ns ? disconnect(s, now_ns, "no answer to the logout", false) : ASSAY_FIX_ADMIN;
  if (s->gap_end >= s->next_in) ask_again(s, now_ns, s->gap_end);
  if (beat == 0) return ASSAY_FIX_ADMIN; /* the peer wants no heartbeats, and sends none */
  if (now_ns - s->last_out_ns >= beat) put_own(s, now_ns, "0", "");
  if (s->asked && s->last_in_ns > s->asked_ns) s->asked = false; /* anything that comes shows that the peer lives */
  if (s->asked && now_ns - s->asked_ns >= beat) return disconnect(s, now_ns, "no answer to a test request", true);
  if (!s->asked && now_ns - s->last_in_ns >= beat + beat / 5) {
    put_own(s, now_ns, "1", "112=TEST\001");
    s->asked = true;
    s->asked_ns = now_ns;
  }
  return ASSAY_FIX_ADMIN;
}

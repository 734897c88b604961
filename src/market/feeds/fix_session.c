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

static void put_logon(assay_fix_session *s, uint64_t now_ns, bool reset) {
  char body[60];
  assay_snprintf(body, sizeof body, "98=0\001108=%u\001%s", s->options.heartbeat_s, reset ? "141=Y\001" : "");
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

/* SessionRejectReason (373) */
enum { MISSING = 1, BAD_VALUE = 5, BAD_FORMAT = 6, COMP_ID = 9 };

static assay_fix_verdict reject(assay_fix_session *s, uint64_t now_ns, uint64_t sequence, const assay_fix_message *message, uint32_t tag,
                                unsigned reason) {
  char body[LONGEST_BODY];
  int type = message->type.length < 10 ? (int)message->type.length : 10;
  assay_snprintf(body, sizeof body, "45=%" PRIu64 "\001371=%u\001372=%.*s\001373=%u\001", sequence, tag, type, message->type.at, reason);
  put_own(s, now_ns, "3", body);
  return ASSAY_FIX_REJECTED;
}

/* ---- Gaps ---------------------------------------------------------------------------------------------------------------------------- */

static void ask_again(assay_fix_session *s, uint64_t now_ns, uint64_t seen) {
  char body[60];
  bool asked = s->gap_end >= s->next_in;
  if (seen > s->gap_end) s->gap_end = seen;
  if (asked && now_ns - s->gap_asked_ns < PATIENCE * second_ns) return;
  assay_snprintf(body, sizeof body, "7=%" PRIu64 "\00116=0\001", s->next_in);
  if (put_own(s, now_ns, "2", body)) s->gap_asked_ns = now_ns;
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

/* ADMIN: there is nothing to say against it. */
static assay_fix_verdict check_logon(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message, uint64_t sequence,
                                     uint64_t *heartbeat) {
  uint64_t encryption = 0;
  uint32_t tag = 0;
  assay_feed_fault fault;
  if (!assay_fix_check(message, &tag, &fault))
    return refuse_logon(s, now_ns, message, sequence, tag, MISSING, "the logon lacks a field that it needs");
  if (!assay_fix_whole(message, 98, &encryption) || encryption != 0)
    return refuse_logon(s, now_ns, message, sequence, 98, BAD_VALUE, "EncryptMethod (98) is not 0");
  if (!assay_fix_whole(message, 108, heartbeat) || *heartbeat > LONGEST_HEARTBEAT)
    return refuse_logon(s, now_ns, message, sequence, 108, BAD_VALUE, "HeartBtInt (108) is no number of seconds");
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
  if (sequence < s->next_in) return disconnect(s, now_ns, "MsgSeqNum too low", true);
  if (first || reset) s->options.heartbeat_s = (unsigned)heartbeat;
  if (first) s->state = ASSAY_FIX_ON;
  if (begins || (reset && s->state == ASSAY_FIX_ON && !first)) put_logon(s, now_ns, reset);
  if (sequence > s->next_in)
    ask_again(s, now_ns, sequence);
  else
    s->next_in++;
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
  if (s->gap_end < next) s->gap_end = 0;
  return ASSAY_FIX_ADMIN;
}

static assay_fix_verdict on_admin(assay_fix_session *s, uint64_t now_ns, const assay_fix_message *message) {
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
      if (assay_fix_whole(message, 7, &from) && assay_fix_whole(message, 16, &to) && from > 0 && from < s->next_out)
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
  if (assay_fix_is(message, "A")) return on_logon(s, now_ns, message, sequence);
  if (s->state == ASSAY_FIX_LOGGING_ON) return disconnect(s, now_ns, "the first message is not a logon", true);
  if (assay_fix_is(message, "4") && !flag(message, 123)) return on_reset(s, now_ns, message, sequence); /* whatever its number */
  if (sequence < s->next_in) {
    if (flag(message, 43)) return ASSAY_FIX_DUPLICATE;
    return disconnect(s, now_ns, "MsgSeqNum too low", true);
  }
  if (sequence > s->next_in) {
    /* A peer that lacks something too would wait for ever if its request waited: it is answered at once. A logout ends it anyway. */
    if (assay_fix_is(message, "2") || assay_fix_is(message, "5")) {
      assay_fix_verdict verdict = on_admin(s, now_ns, message);
      if (verdict == ASSAY_FIX_DISCONNECT) return verdict;
    }
    ask_again(s, now_ns, sequence);
    return ASSAY_FIX_LATER;
  }
  if (assay_fix_is(message, "4")) return on_reset(s, now_ns, message, sequence);
  s->next_in++;
  if (s->gap_end < s->next_in) s->gap_end = 0;
  if (!assay_fix_check(message, &tag, &fault)) return reject(s, now_ns, sequence, message, tag, MISSING);
  return is_admin(message) ? on_admin(s, now_ns, message) : ASSAY_FIX_DELIVER;
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
  put_logon(s, now_ns, false);
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

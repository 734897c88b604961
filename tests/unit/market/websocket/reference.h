/* SPDX-License-Identifier: MIT */
/*
 * RFC 6455 read aloud: one frame after another, out of a whole stream, without thought of speed. What the parser is compared with. UTF-8 is
 * judged by base/utf8.h, which the parser does not use.
 */
#ifndef WEBSOCKET_REFERENCE_H
#define WEBSOCKET_REFERENCE_H

#include <assay/websocket.h>

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { REFERENCE_MOST = 4096 };

/* A message or a control frame, or the beginning of a message that is not whole yet (`open`). */
typedef struct heard {
  uint8_t opcode, compressed, open;
  uint16_t code;
  size_t length;
  uint8_t *data;
} heard;

typedef struct transcript {
  heard items[REFERENCE_MOST];
  size_t count;
  unsigned fault;
} transcript;

static inline void transcript_clear(transcript *t) {
  for (size_t i = 0; i < t->count; i++) free(t->items[i].data);
  t->count = 0;
  t->fault = 0;
}

static inline heard *transcript_add(transcript *t, unsigned opcode, bool compressed) {
  if (t->count == REFERENCE_MOST) abort();
  t->items[t->count] = (heard){.opcode = (uint8_t)opcode, .compressed = compressed, .open = 1};
  return &t->items[t->count++];
}

static inline void heard_append(heard *h, const uint8_t *bytes, size_t length) {
  if (length == 0) return;
  h->data = realloc(h->data, h->length + length);
  if (h->data == NULL) abort();
  memcpy(h->data + h->length, bytes, length);
  h->length += length;
}

/* Could these bytes be the beginning of a text? The character that is not whole yet is tried with continuations from every range that
 * counts. */
static inline bool text_begins_so(const uint8_t *bytes, size_t length) {
  size_t i = 0;
  while (i < length) {
    char next[8] = {0};
    size_t left = length - i, n = left < 4 ? left : 4;
    memcpy(next, bytes + i, n);
    if (bytes[i] == 0) { /* ends a C string */
      i++;
      continue;
    }
    size_t got = assay_utf8_length(next);
    if (got > 0 && got <= n) {
      i += got;
      continue;
    }
    if (left > 3) return false;
    static const unsigned char tries[] = {0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF};
    for (size_t t = 0; t < 6 * 6 * 6; t++) {
      memset(next, 0, sizeof next);
      memcpy(next, bytes + i, left);
      next[left] = (char)tries[t % 6], next[left + 1] = (char)tries[t / 6 % 6], next[left + 2] = (char)tries[t / 36];
      if (assay_utf8_length(next) > left) return true;
    }
    return false;
  }
  return true;
}

static inline bool text_is_whole(const uint8_t *bytes, size_t length) {
  size_t i = 0;
  while (i < length) {
    char next[8] = {0};
    memcpy(next, bytes + i, length - i < 4 ? length - i : 4);
    size_t got = bytes[i] == 0 ? 1 : assay_utf8_length(next);
    if (got == 0 || got > length - i) return false;
    i += got;
  }
  return true;
}

static inline void reference_parse(const uint8_t *s, size_t n, assay_ws_role role, bool compression, uint64_t frame_limit,
                                   uint64_t message_limit, transcript *t) {
  heard *message = NULL;
  uint64_t message_bytes = 0;
  for (size_t at = 0; n - at >= 2;) {
    bool fin = (s[at] & 0x80) != 0, rsv1 = (s[at] & 0x40) != 0, masked = (s[at + 1] & 0x80) != 0;
    unsigned opcode = s[at] & 15;
    uint64_t length = s[at + 1] & 127;
    bool control = opcode >= 8;
    t->fault = 1002;
    if ((s[at] & 0x30) != 0) return;
    if (opcode != 0 && opcode != 1 && opcode != 2 && opcode != 8 && opcode != 9 && opcode != 10) return;
    if (rsv1 && (!compression || control || opcode == 0)) return;
    if (masked != (role == ASSAY_WS_SERVER)) return;
    if (control && (!fin || length > 125)) return;
    if (opcode == 8 && length == 1) return;
    if (opcode == 0 && message == NULL) return;
    if (!control && opcode != 0 && message != NULL) return;
    t->fault = 0;
    size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0, header = 2 + extra + (masked ? 4 : 0);
    if (n - at < header) return;
    if (extra > 0) {
      length = 0;
      for (size_t i = 0; i < extra; i++) length = length * 256 + s[at + 2 + i];
      t->fault = 1002;
      if (length >= (uint64_t)1 << 63 || length < 126 || (extra == 8 && length < 65536)) return;
      t->fault = 0;
    }
    if (!control) {
      if (opcode != 0) message_bytes = 0;
      t->fault = 1009;
      if (length > frame_limit || message_bytes + length > message_limit) return;
      t->fault = 0;
      message_bytes += length;
      if (opcode != 0) message = transcript_add(t, opcode, rsv1);
    }
    size_t have = n - at - header < length ? n - at - header : (size_t)length;
    uint8_t *plain = malloc(have + 1);
    if (plain == NULL) abort();
    for (size_t i = 0; i < have; i++) plain[i] = s[at + header + i] ^ (masked ? s[at + header - 4 + i % 4] : 0);
    at += header + have;
    bool whole = have == length;
    if (control) {
      if (!whole) {
        free(plain);
        return;
      }
      heard *h = NULL;
      if (opcode == 8 && have >= 2) {
        unsigned code = plain[0] * 256u + plain[1];
        bool allowed = (code >= 1000 && code < 1004) || (code > 1006 && code < 1015) || (code >= 3000 && code < 5000);
        t->fault = !allowed ? 1002 : !text_is_whole(plain + 2, have - 2) ? 1007 : 0;
        if (t->fault == 0) {
          h = transcript_add(t, 8, false);
          h->code = (uint16_t)code;
          heard_append(h, plain + 2, have - 2);
        }
      } else {
        h = transcript_add(t, opcode, false);
        h->code = opcode == 8 ? 1005 : 0;
        heard_append(h, plain, have);
      }
      free(plain);
      if (h == NULL) return;
      h->open = 0;
      if (opcode == 8) return;
      /* The message it came into goes on behind it in the transcript's order, but keeps its place. */
      continue;
    }
    heard_append(message, plain, have);
    free(plain);
    bool last = fin && whole;
    if (message->opcode == 1 && !message->compressed &&
        (!text_begins_so(message->data, message->length) || (last && !text_is_whole(message->data, message->length)))) {
      t->fault = 1007;
      return;
    }
    if (last) {
      message->open = 0;
      message = NULL;
    }
    if (!whole) return;
  }
}

/* The parser's events as a transcript, fed in pieces of at most `piece` bytes drawn by `next` (0: all at once). */
static inline void parser_transcript(const uint8_t *s, size_t n, const assay_ws_parser_options *options, size_t piece, size_t capacity,
                                     transcript *t) {
  assay_ws_parser parser;
  assay_ws_parser_init(&parser, options);
  heard *message = NULL;
  assay_ws_event events[64];
  size_t at = 0;
  while (at < n && parser.fault == 0) {
    size_t end = piece == 0 || n - at < piece ? n : at + piece, used = 0;
    /* From a block of its exact size, where a sanitizer sees one byte too many. */
    uint8_t *copy = malloc(end - at);
    if (copy == NULL) abort();
    memcpy(copy, s + at, end - at);
    size_t count = assay_ws_parser_feed(&parser, copy, end - at, events, capacity, &used);
    if (parser.fault == 0 && used < end - at && count < capacity) abort(); /* stopped for nothing */
    for (size_t i = 0; i < count; i++) {
      assay_ws_event *e = &events[i];
      bool control = e->opcode >= 8;
      if (!control && ((e->flags & ASSAY_WS_FIRST) != 0) != (message == NULL)) abort();
      heard *h = control || message == NULL ? transcript_add(t, e->opcode, (e->flags & ASSAY_WS_COMPRESSED) != 0) : message;
      if (h->opcode != e->opcode) abort();
      heard_append(h, e->data, e->length);
      h->code = e->code;
      if ((e->flags & ASSAY_WS_LAST) != 0) h->open = 0;
      if (!control) message = (e->flags & ASSAY_WS_LAST) != 0 ? NULL : h;
    }
    free(copy);
    at += used;
  }
  t->fault = parser.fault;
}

/* Nothing differs, but for what was told of a message before a fault ended it, and a message of which no byte has come. */
static inline bool transcripts_agree(const transcript *a, const transcript *b) {
  if (a->fault != b->fault) return false;
  size_t i = 0, j = 0;
  for (;; i++, j++) {
    while (i < a->count && a->items[i].open && (a->fault != 0 || a->items[i].length == 0)) i++;
    while (j < b->count && b->items[j].open && (b->fault != 0 || b->items[j].length == 0)) j++;
    if (i >= a->count || j >= b->count) return i >= a->count && j >= b->count;
    const heard *x = &a->items[i], *y = &b->items[j];
    if (x->opcode != y->opcode || x->compressed != y->compressed || x->open != y->open || x->code != y->code || x->length != y->length ||
        (x->length > 0 && memcmp(x->data, y->data, x->length) != 0))
      return false;
  }
}

#endif

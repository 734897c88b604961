/* SPDX-License-Identifier: MIT */
/*
 * The state machine of RFC 6455 section 5.2. Whole messages of one frame, which is nearly all there is, go through the loop of the
 * instruction set (loops.c); everything else, a header in two pieces too, goes through here.
 */
#include <assay/websocket.h>

#include <pthread.h>
#include <string.h>

#include "kernels/variant.h"
#include "market/websocket/loops.h"

enum { IN_HEADER, IN_PAYLOAD, CLOSED };
enum { FIN = 0x80, RSV1 = 0x40, RESERVED = 0x30, OPCODE = 0x0F, MASKED = 0x80, LENGTH = 0x7F };

#define DECLARE(name, text, needs) extern const assay_ws_loops assay_ws_loops_##name;
ASSAY_KERNEL_VARIANTS(DECLARE)
static const assay_ws_loops *const tables[] = {
#define ROW(name, text, needs) [ASSAY_KERNEL_VARIANT_##name] = &assay_ws_loops_##name,
    ASSAY_KERNEL_VARIANTS(ROW)
#undef ROW
};

/* Asking the processor takes microseconds in a virtual machine, so it is asked once. */
static bool can_run[ASSAY_KERNEL_VARIANT_COUNT];
static pthread_once_t ask_once = PTHREAD_ONCE_INIT;

static void ask(void) {
  size_t variant;
  for (size_t i = 0; (variant = assay_kernel_variant_usable(i)) < ASSAY_KERNEL_VARIANT_COUNT; i++) can_run[variant] = true;
}

const assay_ws_loops *assay_ws_loops_find(const char *variant, const char **name) {
  size_t chosen = assay_kernel_variant_best();
  if (variant != NULL) pthread_once(&ask_once, ask);
  for (size_t i = 0; variant != NULL && i < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    if (can_run[i] && strcmp(assay_kernel_variant_text(i), variant) == 0) chosen = i;
  }
  if (name != NULL) *name = assay_kernel_variant_text(chosen);
  return tables[chosen];
}

void assay_ws_parser_init(assay_ws_parser *parser, const assay_ws_parser_options *options) {
  *parser = (assay_ws_parser){
      .loops = assay_ws_loops_find(options->variant, NULL),
      .role = (uint8_t)options->role,
      .compression = options->compression,
      .frame_limit = options->frame_limit != 0 ? options->frame_limit : ASSAY_WS_MESSAGE_LIMIT,
      .message_limit = options->message_limit != 0 ? options->message_limit : ASSAY_WS_MESSAGE_LIMIT,
      .header_need = 2,
  };
}

const char *assay_ws_parser_variant(const assay_ws_parser *parser) {
  for (size_t i = 0; i < ASSAY_KERNEL_VARIANT_COUNT; i++) {
    if (tables[i] == parser->loops) return assay_kernel_variant_text(i);
  }
  return "";
}

bool assay_ws_close_code_valid(unsigned code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static bool fault(assay_ws_parser *p, unsigned code, const char *why) {
  p->fault = (uint16_t)code;
  p->why = why;
  return false;
}

static bool is_control(unsigned opcode) { return opcode >= ASSAY_WS_CLOSE; }

/* ---- Headers ------------------------------------------------------------------------------------------------------------------------ */

/* What the first two bytes may say, given what came before. */
static bool judge_start(assay_ws_parser *p) {
  unsigned first = p->header[0], second = p->header[1], opcode = first & OPCODE, length = second & LENGTH;
  if ((first & RESERVED) != 0) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a reserved bit is set (RSV2 or RSV3)");
  if ((opcode > ASSAY_WS_BINARY && opcode < ASSAY_WS_CLOSE) || opcode > ASSAY_WS_PONG)
    return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a reserved opcode");
  if ((first & RSV1) != 0) {
    if (!p->compression) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "RSV1 is set, but no compression was agreed on");
    if (is_control(opcode)) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a compressed control frame");
    if (opcode == ASSAY_WS_CONTINUATION) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "RSV1 is set in a continuation");
  }
  bool masked = (second & MASKED) != 0;
  if (masked != (p->role == ASSAY_WS_SERVER))
    return fault(p, ASSAY_WS_CLOSE_PROTOCOL, masked ? "a masked frame from a server" : "a frame from a client is not masked");
  if (is_control(opcode)) {
    if ((first & FIN) == 0) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a control frame in fragments");
    if (length > ASSAY_WS_CONTROL_MOST) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a control frame of more than 125 bytes");
    if (opcode == ASSAY_WS_CLOSE && length == 1) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a close frame with half a code");
  } else if (opcode == ASSAY_WS_CONTINUATION) {
    if (p->message == 0) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a continuation of no message");
  } else if (p->message != 0) {
    return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a new message inside another");
  }
  p->header_need = (uint8_t)(2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (masked ? 4 : 0));
  return true;
}

static uint64_t big_endian(const uint8_t *at, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; i++) value = value << 8 | at[i];
  return value;
}

/* The whole header is there. */
static bool judge_header(assay_ws_parser *p) {
  uint64_t length = p->header[1] & LENGTH;
  size_t extended = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (extended > 0) {
    length = big_endian(p->header + 2, extended);
    if (length >> 63 != 0) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a length beyond 63 bits");
    if (length < (extended == 2 ? 126 : 65536)) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a length in more bytes than it needs");
  }
  unsigned opcode = p->header[0] & OPCODE;
  p->opcode = (uint8_t)opcode;
  p->left = length;
  p->final = (p->header[0] & FIN) != 0;
  if (p->role == ASSAY_WS_SERVER) memcpy(&p->mask, p->header + 2 + extended, 4);
  p->state = IN_PAYLOAD;
  if (is_control(opcode)) {
    p->control_have = 0;
    return true;
  }
  if (length > p->frame_limit) return fault(p, ASSAY_WS_CLOSE_TOO_BIG, "a frame over the limit");
  if (opcode != ASSAY_WS_CONTINUATION) {
    p->message = (uint8_t)opcode;
    p->flags = (p->header[0] & RSV1) != 0 ? ASSAY_WS_COMPRESSED : 0;
    p->started = 0;
    p->utf8 = 0;
    p->message_bytes = 0;
  }
  if (length > p->message_limit - p->message_bytes) return fault(p, ASSAY_WS_CLOSE_TOO_BIG, "a message over the limit");
  p->message_bytes += length;
  return true;
}

static bool take_header(assay_ws_parser *p, const uint8_t *bytes, size_t length, size_t *at) {
  while (*at < length && p->header_have < p->header_need) {
    p->header[p->header_have++] = bytes[(*at)++];
    if (p->header_have == 2 && !judge_start(p)) return false;
  }
  if (p->header_have < p->header_need) return true;
  p->header_have = 0;
  p->header_need = 2;
  return judge_header(p);
}

/* ---- Payloads ----------------------------------------------------------------------------------------------------------------------- */

static void unmask(assay_ws_parser *p, uint8_t *bytes, size_t length) {
  if (p->role != ASSAY_WS_SERVER) return;
  p->loops->mask(bytes, bytes, length, p->mask);
  unsigned bits = 8 * (unsigned)(length & 3); /* what follows begins elsewhere in the mask */
  p->mask = p->mask >> bits | p->mask << ((32 - bits) & 31);
}

static bool take_data(assay_ws_parser *p, uint8_t *bytes, size_t length, assay_ws_event *event) {
  bool checked = p->message == ASSAY_WS_TEXT && (p->flags & ASSAY_WS_COMPRESSED) == 0, right = true;
  if (checked && p->role == ASSAY_WS_SERVER) {
    right = p->loops->text(bytes, length, p->mask, &p->utf8);
    unsigned bits = 8 * (unsigned)(length & 3);
    p->mask = p->mask >> bits | p->mask << ((32 - bits) & 31);
  } else if (checked) {
    right = p->loops->utf8(bytes, length, &p->utf8);
  } else {
    unmask(p, bytes, length);
  }
  if (!right) return fault(p, ASSAY_WS_CLOSE_BAD_DATA, "a text that is not UTF-8");
  bool last = p->final && p->left == 0;
  if (last && checked && p->utf8 != 0) return fault(p, ASSAY_WS_CLOSE_BAD_DATA, "a text that ends within a character");
  *event = (assay_ws_event){.data = bytes,
                            .length = length,
                            .opcode = p->message,
                            .flags = (uint8_t)(p->flags | (p->started ? 0 : ASSAY_WS_FIRST) | (last ? ASSAY_WS_LAST : 0))};
  p->started = 1;
  if (last) p->message = 0;
  return true;
}

static bool finish_close(assay_ws_parser *p, assay_ws_event *event) {
  event->code = ASSAY_WS_CLOSE_NONE;
  if (event->length >= 2) {
    uint32_t state = 0;
    event->code = (uint16_t)big_endian(event->data, 2);
    event->data += 2;
    event->length -= 2;
    if (!assay_ws_close_code_valid(event->code)) return fault(p, ASSAY_WS_CLOSE_PROTOCOL, "a close code that may not be sent");
    if (!p->loops->utf8(event->data, event->length, &state) || state != 0)
      return fault(p, ASSAY_WS_CLOSE_BAD_DATA, "a reason for closing that is not UTF-8");
  }
  p->state = CLOSED;
  return true;
}

/* False when the frame is not whole yet, and at a fault. */
static bool take_control(assay_ws_parser *p, uint8_t *bytes, size_t length, assay_ws_event *event) {
  unmask(p, bytes, length);
  *event = (assay_ws_event){.data = bytes, .length = length, .opcode = p->opcode, .flags = ASSAY_WS_FIRST | ASSAY_WS_LAST};
  if (p->left > 0 || p->control_have > 0) {
    if (p->control_have == 0) p->control_at ^= 1; /* an event of this very feed may point into the other one */
    uint8_t *control = p->control[p->control_at];
    if (length > 0) memcpy(control + p->control_have, bytes, length);
    p->control_have = (uint8_t)(p->control_have + length);
    if (p->left > 0) return false;
    event->data = control;
    event->length = p->control_have;
  }
  return p->opcode != ASSAY_WS_CLOSE || finish_close(p, event);
}

/* Whether there is an event. */
static bool take_payload(assay_ws_parser *p, uint8_t *bytes, size_t length, size_t *at, assay_ws_event *event) {
  size_t count = length - *at < p->left ? length - *at : (size_t)p->left;
  uint8_t *piece = bytes + *at;
  *at += count;
  p->left -= count;
  if (p->left == 0) p->state = IN_HEADER;
  if (is_control(p->opcode)) return take_control(p, piece, count, event);
  return take_data(p, piece, count, event);
}

size_t assay_ws_parser_feed(assay_ws_parser *p, uint8_t *bytes, size_t length, assay_ws_event *events, size_t capacity, size_t *used) {
  size_t at = 0, count = 0;
  bool masked = p->role == ASSAY_WS_SERVER;
  uint64_t limit = p->frame_limit < p->message_limit ? p->frame_limit : p->message_limit;
  while (p->fault == 0 && at < length && count < capacity) {
    if (p->state == CLOSED) {
      at = length;
      break;
    }
    if (p->state == IN_HEADER && p->header_have == 0 && p->message == 0) {
      bool broken = false;
      uint8_t *place = bytes + at;
      count += p->loops->frames(&place, bytes + length, masked, limit, events + count, capacity - count, &broken);
      at = (size_t)(place - bytes);
      if (broken) (void)fault(p, ASSAY_WS_CLOSE_BAD_DATA, "a text that is not UTF-8");
      if (broken || at == length || count == capacity) break;
    }
    if (p->state == IN_HEADER && !take_header(p, bytes, length, &at)) break;
    if (p->state != IN_PAYLOAD || (at == length && p->left > 0)) continue;
    if (take_payload(p, bytes, length, &at, &events[count])) count++;
  }
  *used = at;
  return count;
}

/* ---- UTF-8 by itself ---------------------------------------------------------------------------------------------------------------- */

bool assay_ws_utf8_feed(assay_ws_utf8 *state, const void *bytes, size_t length) {
  static const assay_ws_loops *loops; /* the same for whoever comes first */
  const assay_ws_loops *table = __atomic_load_n(&loops, __ATOMIC_RELAXED);
  if (table == NULL) {
    table = assay_ws_loops_find(NULL, NULL);
    __atomic_store_n(&loops, table, __ATOMIC_RELAXED);
  }
  return table->utf8(bytes, length, &state->last);
}

bool assay_ws_utf8_complete(const assay_ws_utf8 *state) { return state->last == 0; }

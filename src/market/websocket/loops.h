/* SPDX-License-Identifier: MIT */
/* What touches every byte of a frame, once for each instruction set (kernels/variant.h). Pure. */
#ifndef ASSAY_MARKET_WEBSOCKET_LOOPS_H
#define ASSAY_MARKET_WEBSOCKET_LOOPS_H

#include <assay/websocket.h>

/* Set in a UTF-8 state once the text is known to be wrong. */
#define ASSAY_WS_UTF8_BROKEN UINT32_C(0x80000000)

typedef struct assay_ws_loops {
  /* out = in ^ mask; `out` is `in`, or does not overlap it. */
  void (*mask)(uint8_t *out, const uint8_t *in, size_t length, uint32_t mask);
  /* Unmasks in place and checks UTF-8 from *state on, which becomes ASSAY_WS_UTF8_BROKEN when it is wrong. */
  bool (*text)(uint8_t *bytes, size_t length, uint32_t mask, uint32_t *state);
  bool (*utf8)(const uint8_t *bytes, size_t length, uint32_t *state);
  /*
   * Takes whole messages of one frame, text or binary, not compressed, not longer than `limit`, from *at on; stops before anything else,
   * and before a text that is wrong (*broken). Returns events.
   */
  size_t (*frames)(uint8_t **at, uint8_t *end, bool masked, uint64_t limit, assay_ws_event *events, size_t capacity, bool *broken);
} assay_ws_loops;

/* By name, as assay_ws_parser_options.variant; *name (may be NULL) is what was chosen. */
const assay_ws_loops *assay_ws_loops_find(const char *variant, const char **name);

#endif

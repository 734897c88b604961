/* SPDX-License-Identifier: MIT */
#include <assay/websocket.h>

#include <errno.h>
#include <string.h>

#include "market/websocket/loops.h"
#include "os/prim.h"

static const assay_ws_loops *best_loops(void) {
  static const assay_ws_loops *loops;
  const assay_ws_loops *table = __atomic_load_n(&loops, __ATOMIC_RELAXED);
  if (table == NULL) {
    table = assay_ws_loops_find(NULL, NULL);
    __atomic_store_n(&loops, table, __ATOMIC_RELAXED);
  }
  return table;
}

size_t assay_ws_frame_header(uint8_t *out, assay_ws_opcode opcode, unsigned flags, uint64_t length, const uint32_t *mask) {
  size_t at = 2;
  out[0] = (uint8_t)(((flags & ASSAY_WS_MORE) != 0 ? 0 : 0x80) | ((flags & ASSAY_WS_COMPRESSED) != 0 ? 0x40 : 0) | opcode);
  if (length < 126) {
    out[1] = (uint8_t)length;
  } else {
    size_t count = length < 65536 ? 2 : 8;
    out[1] = count == 2 ? 126 : 127;
    for (size_t i = 0; i < count; i++) out[at + i] = (uint8_t)(length >> 8 * (count - 1 - i));
    at += count;
  }
  if (mask != NULL) {
    out[1] |= 0x80;
    memcpy(out + at, mask, 4);
    at += 4;
  }
  return at;
}

size_t assay_ws_frame(uint8_t *out, assay_ws_opcode opcode, unsigned flags, const void *data, size_t length, const uint32_t *mask) {
  size_t header = assay_ws_frame_header(out, opcode, flags, length, mask);
  if (length == 0) return header;
  if (mask != NULL)
    best_loops()->mask(out + header, data, length, *mask);
  else
    memcpy(out + header, data, length);
  return header + length;
}

size_t assay_ws_close_payload(uint8_t out[ASSAY_WS_CONTROL_MOST], unsigned code, const char *reason) {
  if (code == ASSAY_WS_CLOSE_NONE) return 0;
  out[0] = (uint8_t)(code >> 8);
  out[1] = (uint8_t)code;
  size_t length = reason != NULL ? strlen(reason) : 0;
  if (length > ASSAY_WS_CONTROL_MOST - 2) {
    length = ASSAY_WS_CONTROL_MOST - 2;
    while (length > 0 && ((unsigned char)reason[length] & 0xC0) == 0x80) length--;
  }
  if (length > 0) memcpy(out + 2, reason, length);
  return 2 + length;
}

void assay_ws_mask(void *out, const void *in, size_t length, uint32_t mask) { best_loops()->mask(out, in, length, mask); }

assay_status assay_ws_masks_next(assay_ws_masks *masks, assay_error *err, uint32_t *mask) {
  if (masks->left == 0) {
    if (!assay_os_entropy(masks->values, sizeof masks->values))
      return ASSAY_FAIL_ERRNO(err, errno, "the system gives no random numbers for masks");
    masks->left = (unsigned)(sizeof masks->values / sizeof *masks->values);
  }
  *mask = masks->values[--masks->left];
  return ASSAY_OK;
}

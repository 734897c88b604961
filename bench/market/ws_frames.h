/* SPDX-License-Identifier: MIT */
/* The frames that parsers are measured with, ours and wslay: a buffer of whole masked messages, as a server reads them. */
#ifndef ASSAY_BENCH_WS_FRAMES_H
#define ASSAY_BENCH_WS_FRAMES_H

#include <stdint.h>
#include <string.h>

enum { WS_FRAMES_BYTES = 16 * 1024 };

typedef enum ws_frames { WS_FRAMES_64, WS_FRAMES_64_TEXT, WS_FRAMES_1K, WS_FRAMES_1K_TEXT, WS_FRAMES_1K_MIXED, WS_FRAMES_KINDS } ws_frames;
static const char *const ws_frames_names[] = {"64_masked", "64_masked_text", "1k_masked_binary", "1k_masked_text", "1k_masked_mixed_text"};

/*
 * Fills `bytes` and returns the frames. Parsing unmasks in place, and a second parse masks again, so that the same buffer serves every
 * time; the mask is of seven bits, under which ASCII stays ASCII. Text of several bytes a character (a third of them) has the mask 0
 * instead, which costs the same.
 */
static inline size_t ws_frames_make(ws_frames kind, uint8_t *bytes, size_t *length) {
  static const uint8_t masks[2][4] = {{0x37, 0x7a, 0x21, 0x3d}, {0, 0, 0, 0}};
  static const char ascii[] =
      "{\"e\":\"trade\",\"E\":1672515782136,\"s\":\"BNBBTC\",\"t\":12345,\"p\":\"0.001\",\"q\":\"100\",\"T\":1672515782136},";
  static const char mixed[] =
      "caf\xc3\xa9 costs 3 \xe2\x82\xac, na\xc3\xafve \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e text, \xf0\x9f\x98\x80 and so on; ";
  size_t payload = kind <= WS_FRAMES_64_TEXT ? 64 : 1024, header = payload < 126 ? 6 : 8, count = 0;
  const uint8_t *mask = masks[kind == WS_FRAMES_1K_MIXED];
  bool text = kind == WS_FRAMES_64_TEXT || kind >= WS_FRAMES_1K_TEXT;
  const char *source = kind == WS_FRAMES_1K_MIXED ? mixed : ascii;
  size_t period = strlen(source);
  for (*length = 0; *length + header + payload <= WS_FRAMES_BYTES; count++) {
    uint8_t *at = bytes + *length;
    at[0] = text ? 0x81 : 0x82;
    at[1] = (uint8_t)(0x80 | (payload < 126 ? payload : 126));
    if (payload >= 126) at[2] = (uint8_t)(payload >> 8), at[3] = (uint8_t)payload;
    memcpy(at + header - 4, mask, 4);
    size_t whole = payload / period * period; /* characters stay whole */
    for (size_t i = 0; i < payload; i++)
      at[header + i] = (uint8_t)((i < whole || kind != WS_FRAMES_1K_MIXED ? source[i % period] : '.') ^ mask[i % 4]);
    *length += header + payload;
  }
  return count;
}

#endif

/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

static int continues(unsigned char c) { return (c & 0xC0) == 0x80; }

size_t assay_utf8_length(const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  if (p[0] == 0) return 0;
  if (p[0] < 0x80) return 1;
  if (p[0] >= 0xC2 && p[0] <= 0xDF) return continues(p[1]) ? 2 : 0;
  if ((p[0] & 0xF0) == 0xE0) {
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;  /* overlong */
    if (p[0] == 0xED && p[1] >= 0xA0) return 0; /* surrogate */
    return continues(p[1]) && continues(p[2]) ? 3 : 0;
  }
  if (p[0] >= 0xF0 && p[0] <= 0xF4) {
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;
    if (p[0] == 0xF4 && p[1] >= 0x90) return 0;
    return continues(p[1]) && continues(p[2]) && continues(p[3]) ? 4 : 0;
  }
  return 0;
}

size_t assay_utf8_shown(const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  size_t length = assay_utf8_length(text);
  if (length == 1 && (p[0] < 0x20 || p[0] == 0x7F)) return 0;
  if (length == 2 && p[0] == 0xC2 && p[1] < 0xA0) return 0;
  if (length == 2 && p[0] == 0xD8 && p[1] == 0x9C) return 0;
  if (length == 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE))) return 0;
  if (length == 3 && p[0] == 0xE2 && p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9) return 0;
  return length;
}

size_t assay_utf8_encode(uint32_t code_point, char *out) {
  if (code_point < 0x80) {
    out[0] = (char)code_point;
    return 1;
  }
  if (code_point < 0x800) {
    out[0] = (char)(0xC0 | code_point >> 6);
    out[1] = (char)(0x80 | (code_point & 0x3F));
    return 2;
  }
  if (code_point >= 0xD800 && code_point <= 0xDFFF) return 0;
  if (code_point < 0x10000) {
    out[0] = (char)(0xE0 | code_point >> 12);
    out[1] = (char)(0x80 | (code_point >> 6 & 0x3F));
    out[2] = (char)(0x80 | (code_point & 0x3F));
    return 3;
  }
  if (code_point > 0x10FFFF) return 0;
  out[0] = (char)(0xF0 | code_point >> 18);
  out[1] = (char)(0x80 | (code_point >> 12 & 0x3F));
  out[2] = (char)(0x80 | (code_point >> 6 & 0x3F));
  out[3] = (char)(0x80 | (code_point & 0x3F));
  return 4;
}

/* SPDX-License-Identifier: MIT */
#include "market/book/crc.h"

#include <pthread.h>
#include <string.h>

/* table[k][b]: what byte b does when k more bytes follow in the same word. */
static uint32_t table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void) {
  for (uint32_t b = 0; b < 256; b++) {
    uint32_t crc = b;
    for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (0x82F63B78u & -(crc & 1));
    table[0][b] = crc;
  }
  for (int k = 1; k < 8; k++)
    for (uint32_t b = 0; b < 256; b++) table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 255];
}

uint32_t assay_book_crc32c_plain(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  pthread_once(&once, fill_table);
  crc = ~crc;
  for (; count >= 8; at += 8, count -= 8) {
    uint32_t low = crc ^ ((uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24);
    crc = table[7][low & 255] ^ table[6][low >> 8 & 255] ^ table[5][low >> 16 & 255] ^ table[4][low >> 24] ^ table[3][at[4]] ^
          table[2][at[5]] ^ table[1][at[6]] ^ table[0][at[7]];
  }
  for (; count > 0; count--) crc = crc >> 8 ^ table[0][(crc ^ *at++) & 255];
  return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *at = bytes;
  uint64_t sum = ~crc;
  for (; count >= 8; at += 8, count -= 8) {
    uint64_t word;
    memcpy(&word, at, 8);
    sum = __builtin_ia32_crc32di(sum, word);
  }
  uint32_t rest = (uint32_t)sum;
  for (; count > 0; count--) rest = __builtin_ia32_crc32qi(rest, *at++);
  return ~rest;
}

uint32_t assay_book_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return __builtin_cpu_supports("sse4.2") ? crc32c_sse42(crc, bytes, count) : assay_book_crc32c_plain(crc, bytes, count);
}
#else
uint32_t assay_book_crc32c(uint32_t crc, const void *bytes, size_t count) { return assay_book_crc32c_plain(crc, bytes, count); }
#endif

/* SPDX-License-Identifier: MIT */
/*
 * DEFLATE (RFC 1951) and the messages of permessage-deflate (RFC 7692 section 7.2.2) read aloud, a bit at a time: what zlib and what is
 * made of it are compared with.
 */
#ifndef ASSAY_PLAIN_INFLATE_H
#define ASSAY_PLAIN_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct plain_inflate {
  uint8_t *data; /* all messages so far, or since the window was forgotten; the last one begins at `message` */
  size_t length, capacity, message;
  size_t window;
  bool beyond; /* a match reached behind the window, which zlib allows as long as it still has the bytes */
} plain_inflate;

/* Appends a message. 0; 1007: no deflate, or cut off; 1009: more than `limit` bytes. */
unsigned plain_inflate_message(plain_inflate *p, const uint8_t *bytes, size_t length, size_t limit);
/* No context takeover: what follows refers to nothing before. */
void plain_inflate_forget(plain_inflate *p);
void plain_inflate_deinit(plain_inflate *p);

#endif

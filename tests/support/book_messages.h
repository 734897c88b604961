/* SPDX-License-Identifier: MIT */
/* Messages to an engine at random: mostly sensible, sometimes not at all. */
#ifndef ASSAY_BOOK_MESSAGES_H
#define ASSAY_BOOK_MESSAGES_H

#include "base/random.h"

#include "plain_book.h"

typedef struct book_mix {
  uint64_t ids;      /* how many different ones */
  uint32_t width;    /* of the range of prices */
  int32_t middle;    /* of it */
  unsigned plain;    /* of 100 new orders, so many are plain limit orders */
  unsigned auctions; /* of 10,000 messages, so many change the phase */
  unsigned hostile;  /* of 1,000 messages, so many have fields of any value */
  bool sparse;       /* prices over the whole range */
  unsigned cancels;  /* of 100 messages; the rest of 88 are new orders */
  unsigned step;     /* the middle moves by at most so much, once in a while */
} book_mix;

/* `p` is what the message will meet: most cancellations name an order that is there. */
assay_book_message book_random_message(assay_random *random, book_mix *mix, const plain_book *p);

#endif

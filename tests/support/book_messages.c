/* SPDX-License-Identifier: MIT */
#include "book_messages.h"

#include <string.h>

static uint64_t below(assay_random *random, uint64_t bound) { return assay_random_below(random, bound); }

static int32_t some_price(assay_random *random, const book_mix *mix) {
  if (mix->sparse) return (int32_t)(uint32_t)assay_random_next(random);
  int64_t price = (int64_t)mix->middle - mix->width / 2 + (int64_t)below(random, mix->width);
  return price < INT32_MIN ? INT32_MIN : price > INT32_MAX ? INT32_MAX : (int32_t)price;
}

static uint64_t some_quantity(assay_random *random) {
  switch (below(random, 200)) {
    case 0: return 0;
    case 1: return ASSAY_BOOK_MOST_QUANTITY + below(random, 2);
    case 2: return assay_random_next(random) >> below(random, 64);
    default: return 1 + below(random, below(random, 4) == 0 ? 300 : 20);
  }
}

static void make_order(assay_random *random, const book_mix *mix, const plain_book *p, assay_book_message *m) {
  static const uint8_t types[] = {
      ASSAY_BOOK_MARKET,  ASSAY_BOOK_STOP,      ASSAY_BOOK_STOP_LIMIT, ASSAY_BOOK_TRAILING_STOP, ASSAY_BOOK_TRAILING_STOP_LIMIT,
      ASSAY_BOOK_ICEBERG, ASSAY_BOOK_POST_ONLY, ASSAY_BOOK_LIMIT};
  m->id = 1 + below(random, mix->ids);
  m->account = (uint32_t)below(random, 5);
  m->side = (uint8_t)below(random, 2);
  m->price = some_price(random, mix);
  /* Most stay on their own side of the middle, so that books fill. */
  bool apart = m->side == ASSAY_SELL ? m->price >= mix->middle : m->price < mix->middle;
  int64_t mirrored = 2 * (int64_t)mix->middle - m->price;
  if (!apart && mirrored >= INT32_MIN && mirrored <= INT32_MAX && below(random, 6) > 0) m->price = (int32_t)mirrored;
  m->quantity = some_quantity(random);
  if (below(random, 3) == 0) m->self_trade = (uint8_t)below(random, ASSAY_BOOK_SELF_TRADES);
  if (below(random, 100) < mix->plain) return;
  m->type = types[below(random, sizeof types)];
  m->tif = (uint8_t)(below(random, 3) == 0 ? below(random, ASSAY_BOOK_TIFS) : 0);
  m->trigger = some_price(random, mix);
  if (m->type == ASSAY_BOOK_TRAILING_STOP || m->type == ASSAY_BOOK_TRAILING_STOP_LIMIT) {
    m->trigger = (int32_t)below(random, mix->width) - 1;
    m->price = (int32_t)below(random, mix->width) - 1;
  }
  m->display = below(random, 8) == 0 ? m->quantity / 5000 : below(random, 6);
  if (m->tif == ASSAY_BOOK_GTD) m->expire = p->now + below(random, 9000) - (below(random, 50) == 0 ? 5 : 0);
}

static void make_change(assay_random *random, const book_mix *mix, const plain_book *p, assay_book_message *m) {
  m->id = 1 + below(random, mix->ids);
  m->price = some_price(random, mix);
  m->trigger = some_price(random, mix);
  m->quantity = some_quantity(random);
  m->account = (uint32_t)below(random, 5);
  if (m->kind == ASSAY_BOOK_REPLACE) m->new_id = 1 + below(random, mix->ids);
  if (p->count == 0 || below(random, 20) == 0) return;
  const plain_book_order *o = &p->orders[below(random, p->count)];
  m->id = o->m.id;
  m->book = o->m.book;
  if (below(random, 50) > 0) m->account = o->m.account;
  if (below(random, 3) == 0) m->price = o->m.price;
  if (below(random, 3) == 0) m->trigger = o->m.trigger;
  if (o->trail > 0 && below(random, 2) == 0) m->trigger = (int32_t)below(random, mix->width) - 1;
  if (below(random, 2) == 0) m->quantity = o->shown + o->hidden - below(random, 3);
}

static void make_phase(assay_random *random, const book_mix *mix, const plain_book *p, assay_book_message *m) {
  bool auction = p->book[m->book].phase == ASSAY_BOOK_AUCTION;
  m->kind = auction != (below(random, 20) == 0) ? ASSAY_BOOK_UNCROSS : ASSAY_BOOK_PHASE;
  m->type = (uint8_t)(below(random, 10) == 0                                       ? below(random, 6)
                      : m->kind == ASSAY_BOOK_PHASE && p->book[m->book].phase == 0 ? ASSAY_BOOK_AUCTION
                                                                                   : 0);
  m->price = some_price(random, mix);
}

static void make_account(assay_random *random, assay_book_message *m) {
  m->account = (uint32_t)below(random, 6);
  if (below(random, 12) == 0) {
    m->kind = ASSAY_BOOK_KILL;
    m->type = 1;
  } else if (below(random, 2) == 0) {
    m->kind = ASSAY_BOOK_KILL;
  } else if (below(random, 3) == 0) {
    m->kind = ASSAY_BOOK_MASS_CANCEL;
    if (below(random, 2) == 0) m->book = ASSAY_BOOK_ALL;
  } else {
    assay_book_limits limits = {.quantity = below(random, 2) * below(random, 400),
                                .notional = below(random, 2) * below(random, 400000),
                                .position = below(random, 2) * below(random, 2000),
                                .rate = (uint32_t)(below(random, 4) == 0 ? below(random, 400) : 0),
                                .collar = (uint32_t)(below(random, 2) * below(random, 60))};
    uint64_t time = m->time;
    *m = assay_book_limits_message(time, m->account, &limits);
  }
}

assay_book_message book_random_message(assay_random *random, book_mix *mix, const plain_book *p) {
  assay_book_message m = {.time = p->now + below(random, 20)};
  if (below(random, 300) == 0) m.time += 400000000; /* the rate is counted anew */
  if (below(random, 100) == 0) m.time = below(random, 1000);
  m.book = (uint32_t)below(random, p->books + (below(random, 200) == 0));
  bool elsewhere = below(random, 200) == 0; /* a book that there is not, whose number may look like one's in fewer bits */
  if (m.book < p->books && below(random, 10000) < mix->auctions * (p->book[m.book].phase != 0 ? 20 : 1)) {
    make_phase(random, mix, p, &m);
  } else if (below(random, 300) == 0) {
    make_account(random, &m);
  } else {
    uint64_t lot = below(random, 100);
    m.kind = lot < 60   ? ASSAY_BOOK_NEW
             : lot < 78 ? ASSAY_BOOK_CANCEL
             : lot < 89 ? ASSAY_BOOK_MODIFY
             : lot < 99 ? ASSAY_BOOK_REPLACE
                        : ASSAY_BOOK_CLOCK;
    if (m.kind == ASSAY_BOOK_NEW)
      make_order(random, mix, p, &m);
    else
      make_change(random, mix, p, &m);
  }
  if (elsewhere) m.book |= UINT32_C(1) << (p->books > 2 ? 2 + below(random, 30) : 1 + below(random, 31));
  if (below(random, 1000) < mix->hostile) {
    uint8_t *bytes = (uint8_t *)&m;
    for (uint64_t count = 1 + below(random, 8); count > 0; count--)
      bytes[8 + below(random, sizeof m - 8)] = (uint8_t)assay_random_next(random);
  }
  if (mix->step > 0 && below(random, 50) == 0) mix->middle += (int32_t)below(random, 2 * mix->step + 1) - (int32_t)mix->step;
  return m;
}

/* SPDX-License-Identifier: MIT */
/* assay feed match: what has traded of the orders that are open. A hash table with open addressing. */
#include "base/alloc.h"
#include "cli/feed_match.h"
#include "os/prim.h"

static size_t place_of(const assay_match_filled *f, uint64_t id) {
  unsigned __int128 product = (unsigned __int128)(id ^ f->seed) * (UINT64_C(0x9e3779b97f4a7c15) ^ f->seed << 1);
  return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & (f->room - 1);
}

static assay_match_filled_order *find(const assay_match_filled *f, uint64_t id) {
  size_t at = place_of(f, id);
  while (f->orders[at].quantity > 0 && f->orders[at].id != id) at = (at + 1) & (f->room - 1);
  return &f->orders[at];
}

static bool grow(assay_match_filled *f) {
  assay_match_filled grown = {.room = f->room == 0 ? 1024 : 2 * f->room, .count = f->count, .seed = f->seed};
  grown.orders = assay_calloc(ASSAY_TAG_CLI, grown.room, sizeof *grown.orders);
  if (grown.orders == NULL) return false;
  for (size_t i = 0; i < f->room; i++)
    if (f->orders[i].quantity > 0) *find(&grown, f->orders[i].id) = f->orders[i];
  assay_free(f->orders);
  *f = grown;
  return true;
}

static bool add(assay_match_filled *f, uint64_t id, uint64_t quantity) {
  if (quantity == 0) return true;
  if (2 * f->count >= f->room && !grow(f)) return false;
  assay_match_filled_order *own = find(f, id);
  f->count += own->quantity == 0;
  *own = (assay_match_filled_order){.id = id, .quantity = own->quantity + quantity};
  return true;
}

/* What stands behind the free place moves up, unless it would come before where its search begins. */
static void drop(assay_match_filled *f, uint64_t id) {
  const size_t mask = f->room - 1;
  size_t hole = (size_t)(find(f, id) - f->orders);
  if (f->orders[hole].quantity == 0) return;
  for (size_t at = (hole + 1) & mask; f->orders[at].quantity > 0; at = (at + 1) & mask) {
    if (((at - place_of(f, f->orders[at].id)) & mask) < ((at - hole) & mask)) continue;
    f->orders[hole] = f->orders[at];
    hole = at;
  }
  f->orders[hole] = (assay_match_filled_order){0};
  f->count--;
}

bool assay_match_filled_begin(assay_match_filled *filled) {
  if (!assay_os_entropy(&filled->seed, sizeof filled->seed)) filled->seed = assay_os_now_ns();
  return grow(filled);
}

bool assay_match_filled_follow(assay_match_filled *f, const assay_book_event *e) {
  const uint64_t before = e->kind == ASSAY_BOOK_REPLACED_EVENT ? find(f, e->id)->quantity : 0;
  bool fits = true;
  if (e->kind == ASSAY_BOOK_TRADE_EVENT) {
    fits = add(f, e->id, e->quantity) && add(f, e->other, e->quantity);
    if ((e->flags & ASSAY_BOOK_ID_DONE) != 0) drop(f, e->id);
    if ((e->flags & ASSAY_BOOK_OTHER_DONE) != 0) drop(f, e->other);
  }
  /* An id that is used again is another order. */
  if (e->kind == ASSAY_BOOK_ACCEPTED_EVENT || e->kind == ASSAY_BOOK_CANCELLED_EVENT || e->kind == ASSAY_BOOK_EXPIRED_EVENT ||
      e->kind == ASSAY_BOOK_REPLACED_EVENT)
    drop(f, e->id);
  if (e->kind == ASSAY_BOOK_REPLACED_EVENT) fits = add(f, e->other, before);
  return fits;
}

uint64_t assay_match_filled_of(const assay_match_filled *filled, uint64_t id) { return find(filled, id)->quantity; }

void assay_match_filled_end(assay_match_filled *filled) { assay_free(filled->orders); }

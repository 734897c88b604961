/* SPDX-License-Identifier: MIT */
/*
 * A snapshot is what counts and nothing else: orders in the order in which they stand, not the records that they happen to be in. So two
 * engines that would answer alike have the same snapshot, byte for byte. Numbers are as this kind of processor keeps them (little-endian).
 */
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "market/book/crc.h"
#include "market/book/engine.h"

enum { VERSION = 1 };
static const char magic[8] = "ASYBOOK";

typedef struct head_image {
  char magic[8];
  uint32_t version, symbols, accounts, most_orders, most_trailing, most_aon;
  uint64_t sequence, now, applied, orders;
} head_image;

typedef struct account_image {
  uint64_t most_quantity, most_notional, most_position, second;
  uint32_t orders, most_rate, collar, killed;
} account_image;

typedef struct symbol_image {
  int32_t last;
  uint8_t traded, phase, has_positions, pad;
  uint32_t orders, trailing;
} symbol_image;

typedef struct order_image {
  uint64_t id, quantity, hidden, display, expire;
  int32_t price, limit, distance;
  uint32_t account, flags, ladder;
} order_image;

_Static_assert(sizeof(head_image) == 64 && sizeof(account_image) == 48 && sizeof(symbol_image) == 16 && sizeof(order_image) == 64 &&
                   sizeof(book_position) == 24,
               "images have no holes");

static const uint32_t ladder_kinds[] = {0, 1, BOOK_STOP_LADDER, BOOK_STOP_LADDER + 1, BOOK_AON_LADDER, BOOK_AON_LADDER + 1};

static void append(assay_buf *out, const void *bytes, size_t count) { assay_buf_append(out, bytes, count); }

static book_ladder *ladder_of(const assay_book *e, uint32_t number, uint32_t kind) {
  const book_symbol *b = &e->symbols[number];
  if (kind >= BOOK_STOP_LADDER && b->rare == NULL) return NULL;
  return book_ladder_of((assay_book *)(uintptr_t)e, number * BOOK_LADDERS + kind);
}

static void write_order(const assay_book *e, uint32_t order, uint32_t kind, assay_buf *out) {
  const book_order *o = &e->store.orders[order];
  order_image image = {.id = o->id,
                       .quantity = o->quantity,
                       .price = book_order_price(e, o),
                       .account = o->account,
                       .flags = (uint32_t)o->flags,
                       .ladder = kind};
  if ((o->flags & BOOK_HAS_EXTRA) != 0) {
    const book_extra *x = &e->extras[order];
    image.hidden = (o->flags & BOOK_ICEBERG) != 0 ? x->hidden : 0;
    image.display = (o->flags & BOOK_ICEBERG) != 0 ? x->display : 0;
    image.expire = (o->flags & BOOK_EXPIRES) != 0 ? x->expire : 0;
    image.limit = (o->flags & (BOOK_STOP | BOOK_MARKET)) == BOOK_STOP ? x->limit : 0;
    image.distance = (o->flags & BOOK_TRAILING) != 0 ? x->distance : 0;
  }
  append(out, &image, sizeof image);
}

/* Room that was made for positions says nothing: an order that was rejected leaves no trace. */
static bool holds_positions(const assay_book *e, const book_symbol *b) {
  for (uint32_t i = 0; b->positions != NULL && i < e->account_count; i++)
    if (b->positions[i].position != 0 || b->positions[i].open[0] != 0 || b->positions[i].open[1] != 0) return true;
  return false;
}

static void write_symbol(const assay_book *e, uint32_t number, assay_buf *out) {
  const book_symbol *b = &e->symbols[number];
  symbol_image image = {.last = b->last, .traded = b->traded, .phase = b->phase, .has_positions = holds_positions(e, b)};
  image.trailing = b->rare == NULL ? 0 : b->rare->trailing;
  for (unsigned i = 0; i < 6; i++) {
    const book_ladder *l = ladder_of(e, number, ladder_kinds[i]);
    for (uint32_t at = l != NULL && l->levels > 0 ? l->best_level : 0; at != 0;
         at = assay_book_ladder_after(&e->store, l, e->store.levels[at].key))
      image.orders += e->store.levels[at].count;
  }
  append(out, &image, sizeof image);
  if (image.has_positions != 0)
    for (uint32_t i = 0; i < e->account_count; i++) append(out, &b->positions[i].position, sizeof b->positions[i].position);
  for (unsigned i = 0; i < 6; i++) {
    const book_ladder *l = ladder_of(e, number, ladder_kinds[i]);
    for (uint32_t at = l != NULL && l->levels > 0 ? l->best_level : 0; at != 0;
         at = assay_book_ladder_after(&e->store, l, e->store.levels[at].key))
      for (uint32_t order = e->store.levels[at].head; order != 0; order = e->store.orders[order].next)
        write_order(e, order, ladder_kinds[i], out);
  }
  for (unsigned sell = 0; b->rare != NULL && sell < 2; sell++)
    for (uint32_t order = b->rare->trail_head[sell]; order != 0; order = e->extras[order].trail_next)
      append(out, &e->store.orders[order].id, sizeof e->store.orders[order].id);
}

assay_status assay_book_snapshot(const assay_book *e, assay_error *err, char **bytes, size_t *length) {
  assay_buf out = {0};
  head_image head = {.version = VERSION,
                     .symbols = e->symbol_count,
                     .accounts = e->account_count,
                     .most_orders = e->store.most,
                     .most_trailing = e->most_trailing,
                     .most_aon = e->most_aon,
                     .sequence = e->sequence,
                     .now = e->now,
                     .applied = e->applied,
                     .orders = e->store.live};
  memcpy(head.magic, magic, sizeof magic);
  append(&out, &head, sizeof head);
  for (uint32_t i = 0; i < e->account_count; i++) {
    const book_account *a = &e->accounts[i];
    account_image image = {a->most_quantity, a->most_notional, a->most_position, a->second, a->orders, a->most_rate, a->collar, a->killed};
    append(&out, &image, sizeof image);
  }
  for (uint32_t i = 0; i < e->symbol_count; i++) write_symbol(e, i, &out);
  uint32_t crc = assay_book_crc32c(0, out.data, out.length);
  append(&out, &crc, sizeof crc);
  if (out.failed) {
    assay_buf_deinit(&out);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a snapshot of %u orders", e->store.live);
  }
  size_t count = out.length;
  *bytes = assay_buf_take(&out);
  *length = count;
  return ASSAY_OK;
}

/* ---- Back ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct reader {
  const uint8_t *at;
  size_t left;
} reader;

static bool take(reader *r, void *out, size_t count) {
  if (r->left < count) return false;
  memcpy(out, r->at, count);
  r->at += count;
  r->left -= count;
  return true;
}

static bool one_at_most(uint32_t flags) { return (flags & (flags - 1)) == 0; }

/* Whether an order of this type and time in force waits anywhere, in this phase. */
static bool may_wait(uint32_t flags, uint8_t phase) {
  uint32_t tif = flags & (BOOK_IOC | BOOK_FOK | BOOK_AON | BOOK_EXPIRES), type = flags & (BOOK_POST | BOOK_ICEBERG | BOOK_MARKET);
  if (!one_at_most(tif) || !one_at_most(type)) return false;
  if ((flags & BOOK_STOP) != 0) return type == 0 || (type == BOOK_MARKET && (tif & (BOOK_IOC | BOOK_AON)) == 0);
  if ((flags & BOOK_TRAILING) != 0 || (tif & (BOOK_IOC | BOOK_FOK)) != 0 || (type != 0 && tif == BOOK_AON)) return false;
  return type != BOOK_MARKET || (tif == 0 && phase == ASSAY_BOOK_AUCTION);
}

/* An order like this can be; what hangs together with other orders assay_book_check sees. */
static bool is_sound(const assay_book *e, const order_image *i, uint8_t phase) {
  static const uint32_t known = BOOK_SELL | BOOK_POST | BOOK_AON | BOOK_ICEBERG | BOOK_STOP | BOOK_TRAILING | BOOK_MARKET | BOOK_EXPIRES |
                                (7u << BOOK_SELF_TRADE_SHIFT) | BOOK_IOC | BOOK_FOK;
  bool stop = (i->flags & BOOK_STOP) != 0, aon = (i->flags & BOOK_AON) != 0 && !stop;
  uint32_t kind = (stop ? BOOK_STOP_LADDER : aon ? BOOK_AON_LADDER : 0) + (i->flags & BOOK_SELL);
  if ((i->flags & ~known) != 0 || i->ladder != kind || book_policy(i->flags) >= ASSAY_BOOK_SELF_TRADES || !may_wait(i->flags, phase))
    return false;
  if (i->quantity == 0 || i->quantity > BOOK_MOST_QUANTITY || i->hidden > BOOK_MOST_QUANTITY - i->quantity) return false;
  if ((i->flags & BOOK_ICEBERG) == 0 && i->hidden != 0) return false;
  if ((i->flags & BOOK_ICEBERG) != 0 &&
      (i->quantity > i->display || (i->quantity + i->hidden) / ASSAY_BOOK_MOST_SLICES > i->display)) /* or it would show slices for ever */
    return false;
  if ((i->flags & BOOK_MARKET) != 0 && !stop && i->price != ((i->flags & BOOK_SELL) != 0 ? INT32_MIN : INT32_MAX)) return false;
  if ((i->flags & BOOK_TRAILING) != 0 && (i->distance <= 0 || ((i->flags & BOOK_MARKET) == 0 && i->limit < 0))) return false;
  if ((i->flags & BOOK_EXPIRES) != 0 && i->expire <= e->now) return false;
  return e->account_count == 0 || i->account < e->account_count;
}

static bool read_order(assay_book *e, uint32_t number, reader *r, uint64_t *before) {
  order_image i;
  book_store *s = &e->store;
  book_symbol *b = &e->symbols[number];
  if (!take(r, &i, sizeof i) || !is_sound(e, &i, b->phase) || book_taken(s, i.id) || !book_store_room(s) ||
      (e->account_count != 0 && !assay_book_need_owned(e)))
    return false;
  if ((i.flags & (BOOK_STOP | BOOK_AON)) != 0 && !assay_book_need_rare(e, b)) return false;
  if ((i.flags & BOOK_AON) != 0 && (b->rare->aons++ >= e->most_aon || !assay_book_need_scratch(e, b->rare->aons))) return false;
  if ((i.flags & BOOK_HAS_EXTRA) != 0 && (!assay_book_need_extras(e) || !assay_book_need_heap(e))) return false;
  unsigned sell = book_flags_sell(i.flags);
  uint32_t key = book_key(i.price, sell ^ ((i.flags & BOOK_STOP) != 0));
  uint64_t place = (uint64_t)i.ladder << 32 | key; /* in the order in which they were written, or time would change */
  if (place < *before) return false;
  *before = place;
  uint32_t at = book_ladder_open(s, ladder_of(e, number, i.ladder), key, number * BOOK_LADDERS + i.ladder);
  if (at == 0 || s->levels[at].quantity + i.quantity > BOOK_MOST_AT_LEVEL) return false;
  uint32_t order = book_order_new(s, i.id);
  book_level_enter(s, at, order, i.id, i.quantity, i.flags, i.account);
  if ((i.flags & BOOK_ICEBERG) != 0) s->levels[at].special++;
  if ((i.flags & BOOK_HAS_EXTRA) != 0)
    e->extras[order] = (book_extra){.hidden = i.hidden, .display = i.display, .expire = i.expire, .limit = i.limit, .distance = i.distance};
  if ((i.flags & BOOK_EXPIRES) != 0) assay_book_heap_add(e, order);
  if (e->account_count != 0) book_own(e, order);
  book_risk_open(e, b, i.account, sell, i.quantity + i.hidden);
  return e->account_count == 0 || book_worst(&b->positions[i.account], sell) <= INT64_MAX;
}

static bool read_trailing(assay_book *e, uint32_t number, reader *r, uint32_t count) {
  uint64_t id;
  for (uint32_t i = 0; i < count; i++) {
    if (!take(r, &id, sizeof id)) return false;
    uint32_t order = book_find(&e->store, id);
    if (order == 0 || book_order_number(e, &e->store.orders[order]) != number || (e->store.orders[order].flags & BOOK_TRAILING) == 0)
      return false;
    if (e->extras[order].trail_prev != 0 ||
        e->symbols[number].rare->trail_head[book_flags_sell((uint32_t)e->store.orders[order].flags)] == order)
      return false;
    assay_book_trail_append(e, number, order);
  }
  return true;
}

static bool read_symbol(assay_book *e, uint32_t number, reader *r) {
  symbol_image image;
  book_symbol *b = &e->symbols[number];
  if (!take(r, &image, sizeof image) || image.phase >= ASSAY_BOOK_PHASES || image.traded > 1 || image.has_positions > 1 ||
      (image.traded == 0 && image.last != 0) || image.trailing > e->most_trailing)
    return false;
  b->last = image.last;
  b->traded = image.traded != 0;
  b->phase = image.phase;
  book_set_plain(e, b);
  if (image.has_positions != 0 ? e->account_count == 0 || !assay_book_need_positions(e, b) : e->account_count != 0 && image.orders != 0)
    return false;
  for (uint32_t i = 0; image.has_positions != 0 && i < e->account_count; i++)
    if (!take(r, &b->positions[i].position, sizeof b->positions[i].position) || b->positions[i].position == INT64_MIN) return false;
  uint64_t before = 0;
  for (uint32_t i = 0; i < image.orders; i++)
    if (!read_order(e, number, r, &before)) return false;
  return read_trailing(e, number, r, image.trailing);
}

static bool read_all(assay_book *e, reader *r, const head_image *head) {
  for (uint32_t i = 0; i < e->account_count; i++) {
    account_image a;
    if (!take(r, &a, sizeof a)) return false;
    e->accounts[i] = (book_account){.most_quantity = a.most_quantity,
                                    .most_notional = a.most_notional,
                                    .most_position = a.most_position,
                                    .second = a.second,
                                    .orders = a.orders,
                                    .most_rate = a.most_rate,
                                    .collar = a.collar,
                                    .killed = a.killed != 0};
  }
  for (uint32_t i = 0; i < e->symbol_count; i++)
    if (!read_symbol(e, i, r)) return false;
  return r->left == 0 && e->store.live == head->orders;
}

assay_status assay_book_restore(const assay_book_options *options, const void *bytes, size_t length, assay_error *err, assay_book **book) {
  reader r = {bytes, length};
  head_image head;
  uint32_t crc;
  if (length < sizeof head + sizeof crc) return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "%zu bytes are no snapshot of a book", length);
  memcpy(&crc, (const uint8_t *)bytes + length - sizeof crc, sizeof crc);
  r.left -= sizeof crc;
  if (crc != assay_book_crc32c(0, bytes, r.left) || !take(&r, &head, sizeof head) || memcmp(head.magic, magic, sizeof magic) != 0)
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the snapshot is damaged: its check sum does not fit");
  if (head.version != VERSION)
    return ASSAY_FAIL(err, ASSAY_ERR_VERSION, "a snapshot of version %u; this is version %d", head.version, VERSION);
  /* Every book and account takes some bytes, so their number is bounded by the length before anything is allocated. */
  if ((uint64_t)head.symbols * sizeof(symbol_image) + (uint64_t)head.accounts * sizeof(account_image) > length || head.symbols == 0)
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the snapshot speaks of more books and accounts than it has");
  assay_book_options o = options == NULL ? (assay_book_options){0} : *options;
  o.books = head.symbols;
  o.accounts = head.accounts;
  o.most_orders = head.most_orders;
  o.most_trailing = head.most_trailing;
  o.most_aon = head.most_aon;
  assay_book *e = NULL;
  assay_status status = assay_book_create(&o, err, &e);
  if (status != ASSAY_OK) return status;
  e->sequence = head.sequence;
  e->now = head.now;
  e->applied = head.applied;
  if (!read_all(e, &r, &head) || assay_book_check(e, NULL) != ASSAY_OK) {
    assay_book_destroy(e);
    return ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, "the snapshot holds what no book can be");
  }
  *book = e;
  return ASSAY_OK;
}

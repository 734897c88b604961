/* SPDX-License-Identifier: MIT */
/*
 * What a book is made of, shared by the matching engine and by books that are rebuilt from a feed: orders, price levels, the map from ids
 * to orders, and ladders, which keep the levels of one side in order of price. Everything is an index into a pool, so a record is 32 bytes
 * and pools may move when they grow: take pointers anew after book_store_room and book_ladder_open, and levels of orders after the latter.
 *
 * A ladder is a trie over 32-bit keys in which 0 is the best price: 256 ways at the root, then 64 ways four times, with a bit map in every
 * node. As long as no more than 14 keys share a way, or a range of neighbouring ways, they are a bunch: two cache lines, one with the keys
 * in any order, one with their levels. A level of a sparse book comes and goes by one word in a bunch, two or three steps below the root.
 * In a dense book the bottom nodes (64 neighbouring prices) are found at once through a small direct-mapped table, the fingers, and most of
 * these nodes have a block: a level for every price, one behind the other, before an order comes, so a price leads to its level in one
 * step. The best level is kept at hand; when it empties, the next one is nearly always in the same node, a count of trailing zeros away. No
 * operation depends on how far the price moved, and memory on nothing but the number of levels.
 */
#ifndef ASSAY_MARKET_STORE_H
#define ASSAY_MARKET_STORE_H

#include <assay/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Index 0 of every pool stands for none. */
typedef struct book_order {
  uint64_t id;
  union {
    struct {
      uint64_t quantity : 48; /* displayed and open */
      uint64_t flags : 16;    /* the engine's */
    };
    uint64_t bits;
  };
  uint32_t next, prev; /* in time order within the level; `next` also chains free records */
  uint32_t level;
  uint32_t account;
} book_order;

typedef struct book_level {
  uint32_t key;
  uint32_t count;
  uint32_t head, tail;
  uint64_t quantity; /* displayed, of all its orders */
  uint32_t ladder;   /* whose it is: the owner's numbering */
  uint32_t special;  /* orders here that hide some quantity; also chains free records */
} book_level;

typedef struct book_node {
  uint64_t bits; /* the ways on which there is something; where there is a block, they are in its header */
  uint32_t block, unused;
  uint32_t
      child[64]; /* a node or, with BOOK_IS_BUNCH, a bunch; at the bottom a level with BOOK_IS_LEVEL; `child[0]` also chains free ones */
} book_node;

/*
 * Up to 14 levels below 2^width neighbouring ways of a node, of which the first is a multiple of that, or below one way of the root. The
 * first two of each array are taken by what more there is to it, so `used` has bits 2 to 15.
 */
typedef struct book_bunch {
  union {
    struct {
      uint32_t used, width;
    };
    uint32_t key[16];
  };
  uint32_t level[16]; /* `level[0]` chains free records */
} book_bunch;

/*
 * A bottom node's `block` is the first of 64 levels, one for each way, spare where the bit is not set. A level with many
 * orders that was there before the block came stays where it is until it is empty; its place has a key that is none of its own meanwhile.
 * The record in front of them is the header: a level with BOOK_IS_HEADER as its `count` and the bits as its `quantity`. The first 64
 * records of the pool, where block 0 would be, have no key of their own either, so whoever has none finds none.
 */
enum { BOOK_FINGERS = 32, BOOK_PATH = 4, BOOK_FIRST_LEVEL = 64, BOOK_BLOCK = 65 };
#define BOOK_IS_HEADER UINT32_MAX
#define BOOK_IS_LEVEL 0x80000000u
#define BOOK_IS_BUNCH 0x40000000u
#define BOOK_FULL_BUNCH 0xFFFCu
#define BOOK_NO_KEY (UINT64_C(1) << 32)
#define BOOK_MOST_QUANTITY ((UINT64_C(1) << 48) - 1)
/* The most that a level holds, so that no sum over a ladder's orders wraps. */
#define BOOK_MOST_AT_LEVEL (UINT64_C(1) << 62)

typedef struct book_finger {
  uint32_t prefix; /* key >> 6, plus 1 */
  uint32_t node;
} book_finger;

typedef struct book_ladder {
  uint64_t best; /* its key; BOOK_NO_KEY: empty */
  uint32_t best_level;
  uint32_t levels;
  uint64_t top[4];
  uint64_t swift;               /* the engine's: the most that a plain order has that goes straight through; 0 where none does */
  uint32_t block[BOOK_FINGERS]; /* of the finger's node; 0: none */
  book_finger finger[BOOK_FINGERS];
  uint32_t root[256];
} book_ladder;

/* An id's place: the tag is the id's hash, of which the upper bits are where it belongs. */
typedef struct book_place {
  uint32_t tag, order;
} book_place;

/* `used` counts records handed out so far, those freed again included; those above were never touched. */
typedef struct book_pool {
  uint32_t used, capacity, free;
} book_pool;

/*
 * Where orders are by id. Venues count their ids up, so those of orders that live are nearly all in a window of ids that goes along: an
 * array in which an id has one place that nobody else has. The others, strays, are in a hash table. An id in the window may be a stray if
 * it came when the window did not reach that far, or when the same id of another scope was there; `stray_high` says whether any can be.
 */
typedef struct book_store {
  /* What every message looks at comes first. */
  book_order *orders;
  book_level *levels;
  uint32_t *window; /* id & window_mask: its order, or 0 */
  uint64_t window_mask;
  uint64_t window_base; /* the first id in it; at least 1 */
  uint64_t sure;        /* so many ids from the first one on can be nowhere else: all of the window, or none */
  book_pool order_pool;
  uint32_t live;        /* orders */
  uint32_t lone_levels; /* records of levels that were handed out one by one */
  uint32_t most;        /* orders */
  uint32_t *homes;      /* of levels: the bunch times 16 and the place in it; 0: in none */
  book_node *nodes;
  book_bunch *bunches;
  uint64_t stray_high; /* no stray's id is higher */
  book_place *places;
  uint64_t seed[2];
  uint32_t place_mask, place_shift;
  uint32_t scopes;     /* of mbo.h: all ones where an id means something within its book only, which is its order's `account` then */
  uint32_t strays;     /* that came since the window last jumped */
  uint32_t blocks_out; /* that nodes have */
  uint32_t free_block; /* a header, chained by `special` */
  bool is_sparing;     /* no node gets one (mbo.h) */
  book_pool level_pool, node_pool, bunch_pool;
  void *blocks[7]; /* of orders, levels, homes, nodes, bunches, places and the window, as they were allocated */
} book_store;

/* `expected` orders have room from the start; more than `most` never do. Seed 0: a random one. */
assay_status assay_book_store_init(book_store *s, uint32_t expected, uint32_t most, uint64_t seed, assay_error *err);
/* Gives it a window; false when memory is out. */
bool assay_book_store_window(book_store *s);
void assay_book_store_deinit(book_store *s);
size_t assay_book_store_bytes(const book_store *s);
/* Slow sides of the functions below; false when memory is out. */
bool assay_book_store_more_orders(book_store *s);
bool assay_book_store_grow_levels(book_store *s);

/* ---- The hash table ---------------------------------------------------------------------------------------------------------------- */

/* Nobody who does not know the seed can make ids collide; the product's halves are both well mixed only together. The same id in several
 * scopes (mbo.h) is multiplied by another odd number in each. */
static inline uint32_t book_scoped_tag(const book_store *s, uint32_t scope, uint64_t id) {
  unsigned __int128 product = (unsigned __int128)(id ^ s->seed[0]) * (s->seed[1] + 2 * (uint64_t)scope);
  return (uint32_t)((uint64_t)(product >> 64) ^ (uint64_t)product ^ ((uint64_t)product >> 32));
}
static inline uint32_t book_tag(const book_store *s, uint64_t id) { return book_scoped_tag(s, 0, id); }

static inline void book_place_add(book_store *s, uint32_t tag, uint32_t order) {
  uint32_t at = tag >> s->place_shift;
  while (s->places[at].order != 0) at = (at + 1) & s->place_mask;
  s->places[at] = (book_place){tag, order};
}

/* Closes the gap by moving up what would no longer be found across it, so there are no tombstones to gather. */
static inline void book_place_clear(book_store *s, uint32_t gap) {
  book_place *places = s->places;
  uint32_t mask = s->place_mask, shift = s->place_shift;
  for (uint32_t at = gap;;) {
    at = (at + 1) & mask;
    book_place place = places[at];
    if (place.order == 0) break;
    if (((at - (place.tag >> shift)) & mask) < ((at - gap) & mask)) continue;
    places[gap] = place;
    gap = at;
  }
  places[gap].order = 0;
}

static inline void book_place_remove(book_store *s, uint32_t tag, uint32_t order) {
  uint32_t at = tag >> s->place_shift;
  while (s->places[at].order != order) at = (at + 1) & s->place_mask;
  book_place_clear(s, at);
}

/* ---- Orders by id ------------------------------------------------------------------------------------------------------------------ */

/* Those that are not where the window has them. */
uint32_t assay_book_stray_find(const book_store *s, uint32_t scope, uint64_t id);
void assay_book_stray_add(book_store *s, uint32_t scope, uint64_t id, uint32_t order);

/* Whether the window says all about an id. */
static inline bool book_in_window(const book_store *s, uint64_t id) { return id - s->window_base < s->sure; }

/* The order of that id; 0: none. For ids that are likely there. */
static inline uint32_t book_find(const book_store *s, uint64_t id) {
  uint32_t order = s->window[id & s->window_mask];
  if (__builtin_expect(order != 0 && s->orders[order].id == id, true)) return order;
  return book_in_window(s, id) ? 0 : assay_book_stray_find(s, 0, id);
}

/* The same where ids have a scope, which is what their orders' `account` says. */
static inline uint32_t book_scoped_find(const book_store *s, uint32_t scope, uint64_t id) {
  uint32_t order = s->window[id & s->window_mask];
  if (__builtin_expect(order != 0 && s->orders[order].id == id && s->orders[order].account == scope, true)) return order;
  return book_in_window(s, id) ? 0 : assay_book_stray_find(s, scope, id);
}

/* Whether an id is in use. For ids that are likely new. */
static inline bool book_taken(const book_store *s, uint64_t id) {
  if (__builtin_expect(book_in_window(s, id), true)) return s->window[id & s->window_mask] != 0;
  return book_find(s, id) != 0;
}
static inline bool book_scoped_taken(const book_store *s, uint32_t scope, uint64_t id) {
  if (__builtin_expect(book_in_window(s, id) && s->window[id & s->window_mask] == 0, true)) return false;
  return book_scoped_find(s, scope, id) != 0;
}

/* For an id that is not in use. */
static inline void book_scoped_add(book_store *s, uint32_t scope, uint64_t id, uint32_t order) {
  if (__builtin_expect(id - s->window_base <= s->window_mask && s->window[id & s->window_mask] == 0, true))
    s->window[id & s->window_mask] = order;
  else
    assay_book_stray_add(s, scope, id, order);
}
static inline void book_id_add(book_store *s, uint64_t id, uint32_t order) {
  if (__builtin_expect(id - s->window_base <= s->window_mask, true))
    s->window[id & s->window_mask] = order;
  else
    assay_book_stray_add(s, 0, id, order);
}

static inline void book_scoped_remove(book_store *s, uint32_t scope, uint64_t id, uint32_t order) {
  uint32_t *place = &s->window[id & s->window_mask];
  if (__builtin_expect(*place == order, true))
    *place = 0;
  else
    book_place_remove(s, book_scoped_tag(s, scope, id), order);
}
static inline void book_id_remove(book_store *s, uint64_t id, uint32_t order) { book_scoped_remove(s, 0, id, order); }

/* ---- Records of orders ------------------------------------------------------------------------------------------------------------ */

/* Makes sure that one more order has a record. */
static inline bool book_store_room(book_store *s) {
  return __builtin_expect(s->order_pool.free != 0, true) || assay_book_store_more_orders(s);
}

/* A record after book_store_room; what is in it is old. */
static inline uint32_t book_record_take(book_store *s) {
  uint32_t order = s->order_pool.free;
  s->order_pool.free = s->orders[order].next;
  s->live++;
  return order;
}
static inline void book_record_free(book_store *s, uint32_t order) {
  s->orders[order].next = s->order_pool.free;
  s->order_pool.free = order;
  s->live--;
}

/* The same for an id that is not in use. */
static inline uint32_t book_order_new(book_store *s, uint64_t id) {
  uint32_t order = book_record_take(s);
  book_id_add(s, id, order);
  return order;
}
static inline void book_order_free(book_store *s, uint32_t order) {
  book_id_remove(s, s->orders[order].id, order);
  book_record_free(s, order);
}

/* The next live record of an account behind that one; 0: there is none. All records are looked at, one behind the other, so a million take
 * as long as a few thousand that are followed from one to the next. What is in a free one is old, and not found by its id. */
static inline uint32_t book_store_next(const book_store *s, uint32_t order, uint32_t account) {
  while (++order < s->order_pool.used)
    if (s->orders[order].account == account && book_find(s, s->orders[order].id) == order) return order;
  return 0;
}

/* ---- Ladders ----------------------------------------------------------------------------------------------------------------------- */

static inline void book_ladder_init(book_ladder *l) { *l = (book_ladder){.best = BOOK_NO_KEY}; }

/* Keys of a price: those who sell want the lowest price first, those who buy the highest. */
static inline uint32_t book_sell_key(int32_t price) { return (uint32_t)price ^ 0x80000000u; }
static inline uint32_t book_key(int32_t price, unsigned sell) { return (uint32_t)price ^ (0x7FFFFFFFu + sell); }
static inline int32_t book_price(uint32_t key, unsigned sell) { return (int32_t)(key ^ (0x7FFFFFFFu + sell)); }

static inline bool book_is_node(uint32_t child) { return child - 1 < BOOK_IS_BUNCH - 1; }

/* The places of a bunch whose keys are the same as far as `mask` goes. */
static inline uint32_t book_bunch_places(const book_bunch *b, uint32_t key, uint32_t mask) {
  uint32_t places = 0;
#ifdef __SSE2__
  const __m128i *keys = (const __m128i *)(const void *)b->key;
  __m128i wanted = _mm_set1_epi32((int)(key & mask)), masked = _mm_set1_epi32((int)mask), same[4];
  for (int i = 0; i < 4; i++) same[i] = _mm_cmpeq_epi32(_mm_and_si128(_mm_load_si128(&keys[i]), masked), wanted);
  places = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_packs_epi32(same[0], same[1]), _mm_packs_epi32(same[2], same[3])));
#else
  for (unsigned i = 2; i < 16; i++) places |= (uint32_t)(((b->key[i] ^ key) & mask) == 0) << i;
#endif
  return places & b->used;
}

/* Where the walk down to a key ends: no node. */
static inline uint32_t book_ladder_walk(const book_store *s, const book_ladder *l, uint32_t key) {
  uint32_t child = l->root[key >> 24];
  for (unsigned shift = 18; book_is_node(child); shift -= 6) child = s->nodes[child].child[(key >> shift) & 63];
  return child;
}

/* The level of a key, no spare one; 0: none. */
static inline uint32_t book_ladder_find(const book_store *s, const book_ladder *l, uint32_t key) {
  uint32_t child = book_ladder_walk(s, l, key);
  if ((child & BOOK_IS_BUNCH) != 0) {
    const book_bunch *b = &s->bunches[child & ~BOOK_IS_BUNCH];
    uint32_t place = book_bunch_places(b, key, ~0u);
    return place != 0 ? b->level[__builtin_ctz(place)] : 0;
  }
  child &= ~BOOK_IS_LEVEL;
  return child != 0 && s->levels[child].key == key && s->levels[child].quantity > 0 ? child : 0;
}

/* Where a node's bits are. */
static inline uint64_t *book_bits(const book_store *s, book_node *node) {
  return __builtin_expect(node->block != 0, false) ? &s->levels[node->block - 1].quantity : &node->bits;
}

/* book_ladder_open where no finger points; one walk finds the level or the place for a new one. */
uint32_t assay_book_ladder_open(book_store *s, book_ladder *l, uint32_t key, uint32_t ladder);
/* Takes an empty level out that is not in a block with others. */
void assay_book_ladder_remove(book_store *s, book_ladder *l, uint32_t level);
/* What there is to do when the best, or one of the last few of a bunch, has left it. */
void assay_book_bunch_left(book_store *s, book_ladder *l, uint32_t key, uint32_t bunch);
/* The level after a key in order; 0: none. */
uint32_t assay_book_ladder_after(const book_store *s, const book_ladder *l, uint32_t key);

static inline void book_level_free(book_store *s, uint32_t at) {
  s->levels[at].special = s->level_pool.free;
  s->level_pool.free = at;
}

/* An empty new level that is nowhere yet; 0 when memory is out. */
static inline uint32_t book_level_new(book_store *s, uint32_t key, uint32_t ladder) {
  uint32_t at = s->level_pool.free;
  if (at != 0) {
    s->level_pool.free = s->levels[at].special;
  } else {
    if (s->level_pool.used == s->level_pool.capacity && !assay_book_store_grow_levels(s)) return 0;
    at = s->level_pool.used++;
    s->lone_levels++;
  }
  s->levels[at] = (book_level){.key = key, .ladder = ladder};
  s->homes[at] = 0;
  return at;
}

/* A level gets into a bunch where there is room. */
static inline void book_bunch_put(book_store *s, uint32_t bunch, uint32_t key, uint32_t level) {
  book_bunch *b = &s->bunches[bunch];
  uint32_t place = (uint32_t)__builtin_ctz(b->used ^ BOOK_FULL_BUNCH);
  b->used |= 1u << place;
  b->key[place] = key;
  b->level[place] = level;
  s->homes[level] = bunch << 4 | place;
}

/* A new level is in the trie now. */
static inline void book_ladder_grew(book_ladder *l, uint32_t key, uint32_t at) {
  l->levels++;
  if (key >= l->best) return;
  l->best = key;
  l->best_level = at;
}

/* The level of a key, an empty new one if there is none; 0 when memory is out. `ladder` is the owner's number for it. */
static inline uint32_t book_ladder_open(book_store *s, book_ladder *l, uint32_t key, uint32_t ladder) {
  const book_finger *finger = &l->finger[(key >> 6) % BOOK_FINGERS];
  if (finger->prefix != (key >> 6) + 1) return assay_book_ladder_open(s, l, key, ladder);
  book_node *node = &s->nodes[finger->node];
  uint64_t bit = UINT64_C(1) << (key & 63);
  uint32_t at = node->child[key & 63] & ~BOOK_IS_LEVEL;
  if ((*book_bits(s, node) & bit) != 0) return at;
  if (at == 0) {
    at = book_level_new(s, key, ladder);
    if (at == 0) return 0;
    node->child[key & 63] = at | BOOK_IS_LEVEL;
  }
  *book_bits(s, node) |= bit;
  book_ladder_grew(l, key, at);
  return at;
}

/* An empty level goes. In a block it becomes a spare one. */
static inline void book_ladder_close(book_store *s, book_ladder *l, uint32_t at) {
  uint32_t key = s->levels[at].key, way = key & 63, block = at - way;
  l->levels--;
  if (s->is_sparing || s->levels[block - 1].count != BOOK_IS_HEADER) {
    assay_book_ladder_remove(s, l, at);
    return;
  }
  uint64_t rest = s->levels[block - 1].quantity & ~(UINT64_C(1) << way);
  uint32_t after = rest != 0 ? (uint32_t)__builtin_ctzll(rest) : 0;
  if (rest == 0 || s->levels[block + after].key != ((key & ~63u) | after)) { /* the last one, or the next one is not in the block */
    assay_book_ladder_remove(s, l, at);
    return;
  }
  s->levels[block - 1].quantity = rest;
  if (key != l->best) return;
  l->best = (key & ~63u) | after;
  l->best_level = block + after;
}

/* The same for a level with a home. */
static inline void book_ladder_leave(book_store *s, book_ladder *l, uint32_t at, uint32_t home) {
  book_bunch *b = &s->bunches[home / 16];
  uint32_t key = s->levels[at].key, used = b->used & ~(1u << home % 16), more = used & (used - 1);
  b->used = used;
  l->levels--;
  book_level_free(s, at);
  if ((more & (more - 1)) == 0 || key == l->best) assay_book_bunch_left(s, l, key, home / 16);
}

/* ---- Orders in levels ------------------------------------------------------------------------------------------------------------ */

/* The first of two places unless `first` is 0, without a branch: which one it is nobody can foresee. */
static inline uint32_t *book_either(uint32_t first, uint32_t *a, uint32_t *b) {
#ifdef __x86_64__
  __asm__("test %1, %1\n\tcmovne %2, %0" : "+r"(b) : "r"(first), "r"(a) : "cc");
  return b;
#else
  uintptr_t mask = (uintptr_t)0 - (first != 0);
  return (uint32_t *)(((uintptr_t)a & mask) | ((uintptr_t)b & ~mask));
#endif
}

/* Behind all others, where its `prev` says so already. */
static inline void book_level_link(book_store *s, book_level *level, uint32_t order, uint32_t tail, uint64_t quantity) {
  *book_either(tail, &s->orders[tail].next, &level->head) = order;
  level->tail = order;
  level->count++;
  level->quantity += quantity;
}

/* The same for an order of which only id, quantity, flags and account are set. */
static inline void book_level_append(book_store *s, uint32_t at, uint32_t order) {
  book_level *level = &s->levels[at];
  book_order *o = &s->orders[order];
  o->level = at;
  o->next = 0;
  o->prev = level->tail;
  book_level_link(s, level, order, level->tail, o->quantity);
}

/* The same for a new one, written at once. */
static inline void book_level_enter(book_store *s, uint32_t at, uint32_t order, uint64_t id, uint64_t quantity, uint32_t flags,
                                    uint32_t account) {
  book_level *level = &s->levels[at];
  uint32_t tail = level->tail;
  s->orders[order] = (book_order){.id = id, .bits = quantity | (uint64_t)flags << 48, .prev = tail, .level = at, .account = account};
  book_level_link(s, level, order, tail, quantity);
}

/* The order leaves its level, which may be empty then. */
static inline void book_level_unlink(book_store *s, book_level *level, const book_order *o) {
  uint32_t next = o->next, prev = o->prev;
  *book_either(prev, &s->orders[prev].next, &level->head) = next;
  *book_either(next, &s->orders[next].prev, &level->tail) = prev;
  level->count--;
  level->quantity -= o->quantity;
}

/* The same for the only one of its level, which goes. */
static inline void book_level_end(book_store *s, book_ladder *l, uint32_t at) {
  book_level *level = &s->levels[at];
  uint32_t home = s->homes[at];
  if (home != 0) {
    book_ladder_leave(s, l, at, home);
    return;
  }
  level->head = level->tail = level->count = 0;
  level->quantity = 0;
  book_ladder_close(s, l, at);
}

#endif

/* SPDX-License-Identifier: MIT */
#include "market/book/store.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

/* Nobody outside may guess it. Where the system has no random numbers to give, the time and an address that it chose have to do. */
static uint64_t random_seed(const void *somewhere) {
  uint64_t seed = 0;
  int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    if (read(fd, &seed, sizeof seed) != (ssize_t)sizeof seed) seed = 0;
    close(fd);
  }
  return seed ^ assay_os_now_ns() * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)(uintptr_t)somewhere;
}

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 31;
}

/* Blocks: so many, and one for so many orders that there is room for. */
enum { LEAST_BLOCKS = 32, ORDERS_A_BLOCK = 32, MOST_BLOCKS = 1 << 20 };
enum { LINE = 64, ORDERS = 0, LEVELS, HOMES, NODES, BUNCHES, PLACES, WINDOW, BLOCKS };

/* Records of 32 bytes that lie across two cache lines would cost twice, so a block begins on a line. */
static void *aligned(void *block) { return (void *)(((uintptr_t)block + LINE - 1) & ~(uintptr_t)(LINE - 1)); }

/* `*records` become `capacity` of them; what was there stays. */
static bool resize(book_store *s, int which, void **records, uint32_t used, uint32_t capacity, size_t size) {
  void *block = assay_alloc(ASSAY_TAG_MARKET, (size_t)capacity * size + LINE);
  if (block == NULL) return false;
  void *grown = aligned(block);
  if (used > 0) memcpy(grown, *records, (size_t)used * size);
  assay_free(s->blocks[which]);
  s->blocks[which] = block;
  *records = grown;
  return true;
}

/* Twice the room, `most` at most; the records stay where they are by index. */
static bool grow(book_store *s, int which, book_pool *pool, void **records, size_t size, uint32_t most) {
  if (pool->capacity >= most) return false;
  uint32_t capacity = pool->capacity > most / 2 ? most : 2 * pool->capacity;
  if (!resize(s, which, records, pool->used, capacity, size)) return false;
  pool->capacity = capacity;
  return true;
}

/* ---- Orders by id ------------------------------------------------------------------------------------------------------------------- */

/*
 * The window has up to eight ids an order, and moves on by STEP ids at a time, so no message looks at more than two STEPs of them. What
 * still lives when it moves on becomes a stray. Ids that jump further are strays too; if many of them come, the window jumps after them,
 * which costs eight places a stray at most. Where an attacker's ids make it jump, he finds the hash table, whose seed he does not know.
 */
enum { STEP = 1024, IDS_AN_ORDER = 8, LEAST_WINDOW = 4 * STEP };
#define MOST_WINDOW (UINT64_C(1) << 24)

static uint32_t scope_of(const book_store *s, uint32_t order) { return s->orders[order].account & s->scopes; }

uint32_t assay_book_stray_find(const book_store *s, uint32_t scope, uint64_t id) {
  uint32_t tag = book_scoped_tag(s, scope, id);
  for (uint32_t at = tag >> s->place_shift;; at = (at + 1) & s->place_mask) {
    book_place place = s->places[at];
    if (place.order == 0) return 0;
    if (place.tag == tag && s->orders[place.order].id == id && scope_of(s, place.order) == scope) return place.order;
  }
}

/* After a change of the window or of `stray_high`. */
static void set_sure(book_store *s) { s->sure = s->stray_high < s->window_base ? s->window_mask + 1 : 0; }

/* Whether nobody has any of the eight places from `place` on, which are all in one line of the cache. */
static bool eight_free(const uint32_t *place) {
  uint64_t pairs[4];
  memcpy(pairs, place, sizeof pairs);
  return (pairs[0] | pairs[1] | pairs[2] | pairs[3]) == 0;
}

/* The window begins `by` ids later. Nearly all orders are gone by then, so it asks for eight at a time. */
static void move_window(book_store *s, uint64_t by) {
  for (uint64_t id = s->window_base, end = id + by; id < end;) {
    uint32_t *place = &s->window[id & s->window_mask];
    if (id % 8 == 0 && end - id >= 8 && eight_free(place)) {
      id += 8;
      continue;
    }
    if (*place != 0) book_place_add(s, book_scoped_tag(s, scope_of(s, *place), id), *place);
    *place = 0;
    id++;
  }
  s->window_base += by;
}

/* Ids a bit before `id` are in it, too: they may come late. */
static void jump_window(book_store *s, uint64_t id) {
  uint64_t before = s->window_mask / 8;
  s->strays = 0;
  s->window_base = id > before ? id - before : 1;
  if (s->window_base > UINT64_MAX - 2 * (s->window_mask + 1)) s->window_base = UINT64_MAX - 2 * (s->window_mask + 1);
}

static bool is_near(const book_store *s, uint64_t id) { return id - s->window_base <= s->window_mask; }

void assay_book_stray_add(book_store *s, uint32_t scope, uint64_t id, uint32_t order) {
  uint64_t size = s->window_mask + 1, end = s->window_base + size;
  if (s->live <= 1) { /* this one is the only one */
    s->stray_high = 0;
    jump_window(s, id);
  } else if (id >= end && id - end < STEP && end < UINT64_MAX - 2 * size) {
    move_window(s, id - end + STEP);
  } else if (++s->strays > size / 8) {
    move_window(s, size);
    jump_window(s, id);
    s->stray_high = 0;
    for (uint64_t i = 0; i <= s->place_mask; i++)
      if (s->places[i].order != 0 && s->orders[s->places[i].order].id > s->stray_high) s->stray_high = s->orders[s->places[i].order].id;
  }
  if (is_near(s, id) && s->window[id & s->window_mask] == 0) {
    s->window[id & s->window_mask] = order;
    set_sure(s);
    return;
  }
  if (id > s->stray_high) s->stray_high = id;
  set_sure(s);
  book_place_add(s, book_scoped_tag(s, scope, id), order);
}

bool assay_book_store_window(book_store *s) {
  uint64_t size = LEAST_WINDOW;
  while (size < MOST_WINDOW && 2 * size <= (uint64_t)IDS_AN_ORDER * s->order_pool.capacity) size *= 2;
  if (s->window != NULL && size <= s->window_mask + 1) return true;
  const uint32_t *old = s->window;
  void *old_block = s->blocks[WINDOW], *block = assay_alloc(ASSAY_TAG_MARKET, size * sizeof *old + LINE);
  if (block == NULL) return false;
  s->blocks[WINDOW] = block;
  s->window = memset(aligned(block), 0, size * sizeof *old);
  for (uint64_t i = 0; old != NULL && i <= s->window_mask; i++) {
    uint64_t id = s->window_base + i;
    s->window[id & (size - 1)] = old[id & s->window_mask];
  }
  if (old == NULL) s->window_base = 1;
  s->window_mask = size - 1;
  set_sure(s);
  assay_free(old_block);
  return true;
}

/* At least three places an order: nearly every find then ends at the first one, where the branch predictor expects it to. */
static bool spread_places(book_store *s, uint32_t orders) {
  uint32_t bits = 6;
  while ((UINT64_C(1) << bits) < 3 * (uint64_t)orders) bits++;
  if (s->places != NULL && (UINT64_C(1) << bits) == (uint64_t)s->place_mask + 1) return true;
  const book_place *old = s->places;
  void *old_block = s->blocks[PLACES], *block = assay_alloc(ASSAY_TAG_MARKET, ((size_t)1 << bits) * sizeof *old + LINE);
  if (block == NULL) return false;
  size_t count = old == NULL ? 0 : (size_t)s->place_mask + 1;
  s->blocks[PLACES] = block;
  s->places = aligned(block);
  memset(s->places, 0, ((size_t)1 << bits) * sizeof *old);
  s->place_mask = (uint32_t)((UINT64_C(1) << bits) - 1);
  s->place_shift = 32 - bits;
  for (size_t i = 0; i < count; i++)
    if (old[i].order != 0) book_place_add(s, old[i].tag, old[i].order);
  assay_free(old_block);
  return true;
}

/* ---- Pools --------------------------------------------------------------------------------------------------------------------------- */

static bool grow_orders(book_store *s) {
  uint32_t most = s->most + 1, wanted = s->order_pool.capacity > most / 2 ? most : 2 * s->order_pool.capacity;
  if (wanted == s->order_pool.capacity || !spread_places(s, wanted)) return false;
  void *records = s->orders;
  bool grown = grow(s, ORDERS, &s->order_pool, &records, sizeof *s->orders, most);
  s->orders = records;
  if (grown && s->window != NULL) (void)assay_book_store_window(s); /* where memory is short, the old one does as well */
  return grown;
}

/* Some records that were never touched go where those are that are free again, so there is one place to look. */
bool assay_book_store_more_orders(book_store *s) {
  enum { AT_ONCE = 32 };
  book_pool *pool = &s->order_pool;
  if (pool->used == pool->capacity && !grow_orders(s)) return false;
  uint32_t end = pool->capacity - pool->used < AT_ONCE ? pool->capacity : pool->used + AT_ONCE;
  for (uint32_t order = end; order-- > pool->used;) {
    s->orders[order] = (book_order){.next = pool->free};
    pool->free = order;
  }
  pool->used = end;
  return true;
}

/* With a home for each. */
static bool resize_levels(book_store *s, uint32_t capacity) {
  void *homes = s->homes, *levels = s->levels;
  bool there = resize(s, HOMES, &homes, s->level_pool.used, capacity, sizeof *s->homes);
  s->homes = homes;
  there = there && resize(s, LEVELS, &levels, s->level_pool.used, capacity, sizeof *s->levels);
  s->levels = levels;
  if (there) s->level_pool.capacity = capacity;
  return there;
}

bool assay_book_store_grow_levels(book_store *s) {
  /* One more than orders: a replaced order's new level is opened before the old one closes. And those of blocks. */
  uint32_t most = BOOK_FIRST_LEVEL + s->most + 1 + BOOK_BLOCK * MOST_BLOCKS, capacity = s->level_pool.capacity;
  return capacity < most && resize_levels(s, capacity > most / 2 ? most : 2 * capacity);
}

static bool grow_nodes(book_store *s) {
  void *records = s->nodes;
  bool grown = grow(s, NODES, &s->node_pool, &records, sizeof *s->nodes, BOOK_IS_BUNCH);
  s->nodes = records;
  return grown;
}

static bool grow_bunches(book_store *s) {
  void *records = s->bunches;
  bool grown = grow(s, BUNCHES, &s->bunch_pool, &records, sizeof *s->bunches, BOOK_IS_BUNCH);
  s->bunches = records;
  return grown;
}

assay_status assay_book_store_init(book_store *s, uint32_t expected, uint32_t most, uint64_t seed, assay_error *err) {
  enum { FIRST_NODES = 64, FIRST_BUNCHES = 64 };
  if (most == 0 || most > 1u << 30) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a book holds 1 to 2^30 orders, not %u", most);
  if (expected == 0) expected = 8192;
  if (expected > most) expected = most;
  *s =
      (book_store){.most = most, .order_pool = {1, expected + 1, 0}, .node_pool = {1, FIRST_NODES, 0}, .bunch_pool = {1, FIRST_BUNCHES, 0}};
  if (seed == 0) seed = random_seed(s);
  s->seed[0] = mix(seed);
  s->seed[1] = mix(seed + 1) | 1;
  void *orders = NULL, *nodes = NULL, *bunches = NULL;
  bool there = resize(s, ORDERS, &orders, 0, expected + 1, sizeof *s->orders) && resize_levels(s, BOOK_FIRST_LEVEL + expected) &&
               resize(s, NODES, &nodes, 0, FIRST_NODES, sizeof *s->nodes) &&
               resize(s, BUNCHES, &bunches, 0, FIRST_BUNCHES, sizeof *s->bunches) && spread_places(s, expected + 1);
  s->orders = orders;
  s->nodes = nodes;
  s->bunches = bunches;
  if (!there) {
    assay_book_store_deinit(s);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u orders: expect fewer of them", expected);
  }
  s->orders[0] = (book_order){.bits = UINT64_MAX}; /* larger than all that trades, so it ends a walk along a level */
  s->level_pool.used = BOOK_FIRST_LEVEL;
  memset(s->homes, 0, BOOK_FIRST_LEVEL * sizeof *s->homes);
  for (uint32_t way = 0; way < BOOK_FIRST_LEVEL; way++) /* of no ladder, and of no key that leads here */
    s->levels[way] = (book_level){.key = way ^ 63, .quantity = UINT64_MAX, .ladder = UINT32_MAX};
  memset(&s->nodes[0], 0, sizeof s->nodes[0]);
  memset(&s->bunches[0], 0, sizeof s->bunches[0]);
  return ASSAY_OK;
}

void assay_book_store_deinit(book_store *s) {
  for (int i = 0; i < BLOCKS; i++) assay_free(s->blocks[i]);
  *s = (book_store){0};
}

size_t assay_book_store_bytes(const book_store *s) {
  return s->order_pool.capacity * sizeof *s->orders + s->level_pool.capacity * (sizeof *s->levels + sizeof *s->homes) +
         s->node_pool.capacity * sizeof *s->nodes + s->bunch_pool.capacity * sizeof *s->bunches +
         ((size_t)s->place_mask + 1) * sizeof *s->places + (s->window == NULL ? 0 : (size_t)(s->window_mask + 1) * sizeof *s->window);
}

/* ---- Ladders ----------------------------------------------------------------------------------------------------------------------- */

/* 0: no memory. */
static uint32_t node_new(book_store *s) {
  uint32_t node = s->node_pool.free;
  if (node != 0) {
    s->node_pool.free = s->nodes[node].child[0];
  } else {
    if (s->node_pool.used == s->node_pool.capacity && !grow_nodes(s)) return 0;
    node = s->node_pool.used++;
  }
  memset(&s->nodes[node], 0, sizeof s->nodes[node]);
  return node;
}

static void node_free(book_store *s, uint32_t node) {
  s->nodes[node].child[0] = s->node_pool.free;
  s->node_pool.free = node;
}

/* An empty one below 2^`width` ways; 0: no memory. */
static uint32_t bunch_new(book_store *s, uint32_t width) {
  uint32_t bunch = s->bunch_pool.free;
  if (bunch != 0) {
    s->bunch_pool.free = s->bunches[bunch].level[0];
  } else {
    if (s->bunch_pool.used == s->bunch_pool.capacity && !grow_bunches(s)) return 0;
    bunch = s->bunch_pool.used++;
  }
  s->bunches[bunch] = (book_bunch){.used = 0, .width = width};
  return bunch;
}

static void bunch_free(book_store *s, uint32_t bunch) {
  s->bunches[bunch].level[0] = s->bunch_pool.free;
  s->bunch_pool.free = bunch;
}

/* Its lowest key from `floor` on, if there is one: the level of that; else 0. Which key is lower nobody can foresee, so there is no branch.
 */
static inline uint32_t bunch_lowest(const book_bunch *b, uint64_t floor) {
  uint64_t lowest = UINT64_MAX, too_low = UINT64_C(1) << 63;
  for (uint32_t used = b->used; used != 0; used &= used - 1) {
    uint32_t place = (uint32_t)__builtin_ctz(used);
    uint64_t key = b->key[place], rank = key << 4 | place | (key < floor ? too_low : 0);
    lowest = rank < lowest ? rank : lowest;
  }
  return lowest < too_low ? b->level[lowest & 15] : 0;
}

/* The first of the ways that a bunch of that width has, and all of them. */
static uint32_t first_way(uint32_t way, uint32_t width) { return way >> width << width; }
static uint64_t ways(uint32_t way, uint32_t width) { return ~UINT64_C(0) >> (64 - (1u << width)) << first_way(way, width); }

/* 2^`width` ways lead to `child`; 0: nowhere. */
static void set_ways(book_node *node, uint32_t way, uint32_t width, uint32_t child) {
  for (uint32_t i = first_way(way, width), end = i + (1u << width); i < end; i++) node->child[i] = child;
  node->bits = child != 0 ? node->bits | ways(way, width) : node->bits & ~ways(way, width);
}

/* In a dense book new levels come close to others all the time, as the price moves; then they are there already. An attacker's prices
 * cannot make them cost more than 65 bytes for an order that there is room for. 0: no block. */
static uint32_t block_new(book_store *s) {
  if (s->is_sparing || s->blocks_out >= LEAST_BLOCKS + s->order_pool.capacity / ORDERS_A_BLOCK || s->blocks_out >= MOST_BLOCKS) return 0;
  uint32_t header = s->free_block;
  if (header != 0) {
    s->free_block = s->levels[header].special;
  } else {
    if (s->level_pool.capacity - s->level_pool.used < BOOK_BLOCK && !assay_book_store_grow_levels(s)) return 0;
    header = s->level_pool.used;
    memset(&s->homes[header], 0, BOOK_BLOCK * sizeof *s->homes);
    s->level_pool.used += BOOK_BLOCK;
  }
  s->blocks_out++;
  return header + 1;
}

static void block_free(book_store *s, uint32_t block) {
  s->levels[block - 1] = (book_level){.special = s->free_block};
  s->free_block = block - 1;
  s->blocks_out--;
}

/* A level with few orders gets another record. */
static void move_level(book_store *s, book_ladder *l, uint32_t from, uint32_t to) {
  s->levels[to] = s->levels[from];
  for (uint32_t order = s->levels[to].head; order != 0; order = s->orders[order].next) s->orders[order].level = to;
  if (l->best_level == from) l->best_level = to;
  book_level_free(s, from);
}

/* The empty levels of a block, one for each of the 64 keys that begin as `key` does: two stores each. */
static void write_levels(book_level *levels, uint32_t key, uint32_t ladder) {
  typedef uint32_t half __attribute__((vector_size(16)));
  _Static_assert(sizeof *levels == 2 * sizeof(half) && offsetof(book_level, quantity) == sizeof(half) && offsetof(book_level, ladder) == 24,
                 "key, count, head, tail; quantity, ladder, special");
  half first = {key & ~63u}, second = {0, 0, ladder};
  for (uint32_t way = 0; way < 64; way++, first += (half){1}) {
    memcpy(&levels[way], &first, sizeof first);
    memcpy((char *)&levels[way] + sizeof first, &second, sizeof second);
  }
}

/* A new bottom node, the one below `key`, gets a block if there is one. Where the price moves, this makes three in a thousand messages the
 * slowest of all, so it is short. */
static void spread_levels(book_store *s, book_ladder *l, uint32_t number, uint32_t key, uint32_t ladder) {
  enum { MOST_MOVED = 32 }; /* orders of each of its two levels, so that no message moves more than 64 */
  uint32_t block = block_new(s), old[64];
  book_node *node = &s->nodes[number];
  if (block == 0) return;
  for (uint64_t bits = node->bits; bits != 0; bits &= bits - 1) old[__builtin_ctzll(bits)] = node->child[__builtin_ctzll(bits)];
  s->levels[block - 1] = (book_level){.count = BOOK_IS_HEADER, .quantity = node->bits, .ladder = ladder};
  node->block = l->block[(key >> 6) % BOOK_FINGERS] = block;
  write_levels(&s->levels[block], key, ladder);
  for (uint32_t way = 0; way < 64; way++) node->child[way] = (block + way) | BOOK_IS_LEVEL;
  for (uint64_t bits = node->bits; bits != 0; bits &= bits - 1) {
    uint32_t way = (uint32_t)__builtin_ctzll(bits), there = old[way] & ~BOOK_IS_LEVEL;
    if (s->levels[there].count > MOST_MOVED) {
      s->levels[block + way].key ^= 63;
      node->child[way] = old[way];
    } else {
      move_level(s, l, there, block + way);
    }
  }
}

static void set_finger(book_store *s, book_ladder *l, uint32_t key, uint32_t node) {
  l->finger[(key >> 6) % BOOK_FINGERS] = (book_finger){(key >> 6) + 1, node};
  l->block[(key >> 6) % BOOK_FINGERS] = s->nodes[node].block;
}

/* Where a walk ends that goes down to a key: a slot of `node`, or of the root (0), and the key's bits below it. */
typedef struct spot {
  uint32_t node, slot, shift;
} spot;

static uint32_t way_of(uint32_t key, unsigned shift) { return (key >> shift) & 63; }

/* The lower and the upper half of a bunch's ways become a bunch each, or lead nowhere any more. */
static bool halve(book_store *s, uint32_t number, uint32_t shift, uint32_t node, uint32_t way) {
  uint32_t width = s->bunches[number].width - 1, half = 1u << width, middle = first_way(way, width + 1) + half;
  uint32_t upper = bunch_new(s, width);
  if (upper == 0) return false;
  book_bunch *b = &s->bunches[number];
  b->width = width;
  uint32_t bit = half << shift;
  for (uint32_t used = book_bunch_places(b, bit, bit); used != 0; used &= used - 1) {
    uint32_t from = (uint32_t)__builtin_ctz(used);
    book_bunch_put(s, upper, b->key[from], b->level[from]);
    b->used &= ~(1u << from);
  }
  set_ways(&s->nodes[node], middle, width, s->bunches[upper].used != 0 ? upper | BOOK_IS_BUNCH : 0);
  if (s->bunches[upper].used == 0) bunch_free(s, upper);
  if (b->used != 0) return true;
  set_ways(&s->nodes[node], middle - half, width, 0);
  bunch_free(s, number);
  return true;
}

/* What was a bunch of neighbouring keys becomes a bottom node. */
static void make_bottom(book_store *s, book_ladder *l, uint32_t bunch, uint32_t number, uint32_t ladder) {
  const book_bunch *b = &s->bunches[bunch];
  uint32_t key = b->key[__builtin_ctz(b->used)];
  for (uint32_t used = b->used; used != 0; used &= used - 1) {
    uint32_t from = (uint32_t)__builtin_ctz(used);
    set_ways(&s->nodes[number], b->key[from] & 63, 0, b->level[from] | BOOK_IS_LEVEL);
    s->homes[b->level[from]] = 0;
  }
  bunch_free(s, bunch);
  set_finger(s, l, key, number);
  spread_levels(s, l, number, key, ladder);
}

/* A bunch in which there is no room for `key`, or too many neighbours of it, comes a step closer to that there is. False: no memory. */
static bool refine(book_store *s, book_ladder *l, spot at, uint32_t key, uint32_t near, uint32_t ladder) {
  uint32_t bunch = at.slot & ~BOOK_IS_BUNCH, way = way_of(key, at.shift);
  book_bunch *b = &s->bunches[bunch];
  if (at.node != 0 && b->width > 0) {
    if (at.shift != 6 || near != b->used) return halve(s, bunch, at.shift, at.node, way);
    set_ways(&s->nodes[at.node], way, b->width, 0); /* they are all below one way */
    set_ways(&s->nodes[at.node], way, 0, at.slot);
    b->width = 0;
  }
  uint32_t lower = node_new(s);
  if (lower == 0) return false;
  *(at.node == 0 ? &l->root[key >> 24] : &s->nodes[at.node].child[way]) = lower;
  if (at.shift == 6) {
    make_bottom(s, l, bunch, lower, ladder);
  } else {
    s->bunches[bunch].width = 6;
    set_ways(&s->nodes[lower], 0, 6, at.slot);
  }
  return true;
}

/* The first level in some while that comes to a slot: with a bunch for as many ways as there is nothing below. False: no memory. */
static bool first_bunch(book_store *s, book_ladder *l, spot at, uint32_t key, uint32_t level) {
  uint32_t way = way_of(key, at.shift), width = 0;
  while (at.node != 0 && width < 6 && (s->nodes[at.node].bits & ways(way, width + 1)) == 0) width++;
  uint32_t bunch = bunch_new(s, width);
  if (bunch == 0) return false;
  book_bunch_put(s, bunch, key, level);
  if (at.node != 0) {
    set_ways(&s->nodes[at.node], way, width, bunch | BOOK_IS_BUNCH);
  } else {
    l->root[key >> 24] = bunch | BOOK_IS_BUNCH;
    l->top[key >> 30] |= UINT64_C(1) << ((key >> 24) & 63);
  }
  return true;
}

static spot walk_to(const book_store *s, const book_ladder *l, uint32_t key) {
  spot at = {.slot = l->root[key >> 24], .shift = 24};
  while (book_is_node(at.slot)) {
    at.node = at.slot;
    at.shift -= 6;
    at.slot = s->nodes[at.node].child[way_of(key, at.shift)];
  }
  return at;
}

/* At the bottom: the level may be there, maybe as a spare one. */
static uint32_t open_bottom(book_store *s, book_ladder *l, spot at, uint32_t key, uint32_t ladder) {
  uint64_t *bits = book_bits(s, &s->nodes[at.node]), bit = UINT64_C(1) << (key & 63);
  uint32_t level = at.slot & ~BOOK_IS_LEVEL;
  set_finger(s, l, key, at.node);
  if ((*bits & bit) != 0) return level;
  if (level == 0) {
    level = book_level_new(s, key, ladder);
    if (level == 0) return 0;
    s->nodes[at.node].child[key & 63] = level | BOOK_IS_LEVEL;
    bits = book_bits(s, &s->nodes[at.node]);
  }
  *bits |= bit;
  book_ladder_grew(l, key, level);
  return level;
}

/* Three neighbours are dense enough for a bottom node. */
uint32_t assay_book_ladder_open(book_store *s, book_ladder *l, uint32_t key, uint32_t ladder) {
  if (l->levels == 0)
    l->best = BOOK_NO_KEY; /* one that was never used is zeroed (mbo.h); it has no finger, so its first level comes here */
  for (;;) {
    spot at = walk_to(s, l, key);
    if (at.shift == 0) return open_bottom(s, l, at, key, ladder);
    book_bunch *b = &s->bunches[at.slot & ~BOOK_IS_BUNCH]; /* of none: an empty one */
    uint32_t near = book_bunch_places(b, key, ~63u);
    for (uint32_t places = near; places != 0; places &= places - 1)
      if (b->key[__builtin_ctz(places)] == key) return b->level[__builtin_ctz(places)];
    if (__builtin_expect(b->used == BOOK_FULL_BUNCH || (near & (near - 1)) != 0, false)) {
      if (!refine(s, l, at, key, near, ladder)) return 0;
      continue;
    }
    uint32_t level = book_level_new(s, key, ladder);
    if (level == 0) return 0;
    if (__builtin_expect(at.slot != 0, true)) {
      book_bunch_put(s, at.slot & ~BOOK_IS_BUNCH, key, level);
    } else if (!first_bunch(s, l, at, key, level)) {
      book_level_free(s, level);
      return 0;
    }
    book_ladder_grew(l, key, level);
    return level;
  }
}

/* The level with the lowest key at or below `child`. */
static uint32_t lowest_below(const book_store *s, uint32_t child) {
  while (book_is_node(child)) {
    book_node *node = &s->nodes[child];
    child = node->child[__builtin_ctzll(*book_bits(s, node))];
  }
  return (child & BOOK_IS_BUNCH) != 0 ? bunch_lowest(&s->bunches[child & ~BOOK_IS_BUNCH], 0) : child & ~BOOK_IS_LEVEL;
}

static uint32_t lowest_of_all(const book_store *s, const book_ladder *l) {
  for (unsigned i = 0; i < 4; i++)
    if (l->top[i] != 0) return lowest_below(s, l->root[64 * i + (unsigned)__builtin_ctzll(l->top[i])]);
  return 0;
}

static void new_best(const book_store *s, book_ladder *l, uint32_t level) {
  l->best_level = level;
  l->best = level == 0 ? BOOK_NO_KEY : s->levels[level].key;
}

/* The nodes above a slot that leads nowhere any more go as far as that was all below them. */
static void close_above(book_store *s, book_ladder *l, uint32_t key, const uint32_t *path, uint32_t depth) {
  while (depth > 0) {
    book_node *node = &s->nodes[path[--depth]];
    set_ways(node, way_of(key, 18 - 6 * depth), 0, 0);
    if (node->bits != 0) return;
    node_free(s, path[depth]);
  }
  l->root[key >> 24] = 0;
  l->top[key >> 30] &= ~(UINT64_C(1) << ((key >> 24) & 63));
}

/* A bunch that has become small becomes one with the other half of the ways above, if that is small too. */
static void merge(book_store *s, uint32_t number, uint32_t node_number, uint32_t way) {
  enum { SMALL = 6 };
  book_bunch *b = &s->bunches[number];
  book_node *node = &s->nodes[node_number];
  if (b->width == 6) return;
  uint32_t other_way = way ^ (1u << b->width), other = node->child[other_way] & ~BOOK_IS_BUNCH;
  book_bunch *into = &s->bunches[other];
  if (other == 0 || book_is_node(node->child[other_way]) || into->width != b->width ||
      __builtin_popcount(into->used) + __builtin_popcount(b->used) > SMALL)
    return;
  for (uint32_t used = b->used; used != 0; used &= used - 1)
    book_bunch_put(s, other, b->key[__builtin_ctz(used)], b->level[__builtin_ctz(used)]);
  into->width++;
  bunch_free(s, number);
  set_ways(node, way, into->width, other | BOOK_IS_BUNCH);
}

/* Down to where a key is: the nodes on the way, and how many there are. */
static uint32_t walk_down(const book_store *s, const book_ladder *l, uint32_t key, uint32_t *path, uint32_t *depth) {
  uint32_t child = l->root[key >> 24];
  for (unsigned shift = 18; book_is_node(child); shift -= 6) {
    path[(*depth)++] = child;
    child = s->nodes[child].child[way_of(key, shift)];
  }
  return child;
}

void assay_book_bunch_left(book_store *s, book_ladder *l, uint32_t key, uint32_t number) {
  uint32_t path[BOOK_PATH], depth = 0;
  const book_bunch *b = &s->bunches[number];
  uint32_t more = b->used & (b->used - 1);
  if (key == l->best && b->used != 0) new_best(s, l, bunch_lowest(b, 0));
  if ((more & (more - 1)) != 0) return;
  walk_down(s, l, key, path, &depth);
  uint32_t way = way_of(key, 24 - 6 * depth);
  if (b->used != 0) {
    if (depth > 0) merge(s, number, path[depth - 1], way);
    return;
  }
  if (depth > 0) set_ways(&s->nodes[path[depth - 1]], way, b->width, 0);
  bunch_free(s, number);
  close_above(s, l, key, path, depth);
  if (key == l->best) new_best(s, l, lowest_of_all(s, l));
}

/* A bottom node that is empty goes. */
static void close_bottom(book_store *s, book_ladder *l, uint32_t key, uint32_t number) {
  uint32_t path[BOOK_PATH], depth = 0, i = (key >> 6) % BOOK_FINGERS;
  walk_down(s, l, key, path, &depth);
  if (l->finger[i].node == number && l->finger[i].prefix == (key >> 6) + 1) {
    l->finger[i] = (book_finger){0};
    l->block[i] = 0;
  }
  if (s->nodes[number].block != 0) block_free(s, s->nodes[number].block);
  node_free(s, number);
  close_above(s, l, key, path, BOOK_PATH - 1);
}

static void remove_from_bottom(book_store *s, book_ladder *l, uint32_t key, uint32_t at) {
  const book_finger *finger = &l->finger[(key >> 6) % BOOK_FINGERS];
  uint32_t path[BOOK_PATH], depth = 0, way = key & 63, number = finger->node;
  if (finger->prefix != (key >> 6) + 1) {
    walk_down(s, l, key, path, &depth);
    number = path[BOOK_PATH - 1];
  }
  book_node *node = &s->nodes[number];
  uint32_t block = node->block;
  if (block == 0) {
    node->child[way] = 0;
    book_level_free(s, at);
  } else if (at != block + way) { /* its place in the block is its own now */
    s->levels[block + way].key = key;
    node->child[way] = (block + way) | BOOK_IS_LEVEL;
    book_level_free(s, at);
  }
  uint64_t rest = *book_bits(s, node) &= ~(UINT64_C(1) << way);
  if (rest == 0) close_bottom(s, l, key, number);
  if (key == l->best) new_best(s, l, rest != 0 ? node->child[__builtin_ctzll(rest)] & ~BOOK_IS_LEVEL : lowest_of_all(s, l));
}

void assay_book_ladder_remove(book_store *s, book_ladder *l, uint32_t level) {
  uint32_t key = s->levels[level].key, home = s->homes[level];
  if (home == 0) {
    remove_from_bottom(s, l, key, level);
    return;
  }
  l->levels++;
  book_ladder_leave(s, l, level, home);
}

/* Bits above `way`. */
static uint64_t beyond(uint64_t bits, uint32_t way) { return way == 63 ? 0 : bits & (~UINT64_C(0) << (way + 1)); }

uint32_t assay_book_ladder_after(const book_store *s, const book_ladder *l, uint32_t key) {
  uint32_t path[BOOK_PATH], depth = 0, width = 0, child = walk_down(s, l, key, path, &depth);
  if ((child & BOOK_IS_BUNCH) != 0) {
    const book_bunch *b = &s->bunches[child & ~BOOK_IS_BUNCH];
    uint32_t next = bunch_lowest(b, (uint64_t)key + 1);
    if (next != 0) return next;
    width = b->width;
  }
  for (; depth > 0; width = 0) {
    book_node *node = &s->nodes[path[--depth]];
    uint32_t last = way_of(key, 18 - 6 * depth) | ((1u << width) - 1);
    uint64_t rest = beyond(*book_bits(s, node), last);
    if (rest != 0) return lowest_below(s, node->child[__builtin_ctzll(rest)]);
  }
  uint64_t rest = beyond(l->top[key >> 30], (key >> 24) & 63);
  for (unsigned i = key >> 30;;) {
    if (rest != 0) return lowest_below(s, l->root[64 * i + (unsigned)__builtin_ctzll(rest)]);
    if (++i == 4) return 0;
    rest = l->top[i];
  }
}

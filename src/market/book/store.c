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
enum { LINE = 64, ORDERS = 0, LEVELS, NODES, PLACES, WINDOW };

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

/* The window begins `by` ids later. */
static void move_window(book_store *s, uint64_t by) {
  for (uint64_t id = s->window_base; id < s->window_base + by; id++) {
    uint32_t *place = &s->window[id & s->window_mask];
    if (*place != 0) book_place_add(s, book_scoped_tag(s, scope_of(s, *place), id), *place);
    *place = 0;
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
    return;
  }
  if (id > s->stray_high) s->stray_high = id;
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

bool assay_book_store_grow_levels(book_store *s) {
  /* One more than orders: a replaced order's new level is opened before the old one closes. And those of blocks. */
  void *records = s->levels;
  bool grown = grow(s, LEVELS, &s->level_pool, &records, sizeof *s->levels, BOOK_FIRST_LEVEL + s->most + 1 + BOOK_BLOCK * MOST_BLOCKS);
  s->levels = records;
  return grown;
}

bool assay_book_store_grow_nodes(book_store *s) {
  void *records = s->nodes;
  bool grown = grow(s, NODES, &s->node_pool, &records, sizeof *s->nodes, INT32_MAX);
  s->nodes = records;
  return grown;
}

assay_status assay_book_store_init(book_store *s, uint32_t expected, uint32_t most, uint64_t seed, assay_error *err) {
  enum { FIRST_NODES = 64 };
  if (most == 0 || most > 1u << 30) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a book holds 1 to 2^30 orders, not %u", most);
  if (expected == 0) expected = 8192;
  if (expected > most) expected = most;
  *s = (book_store){.most = most,
                    .order_pool = {1, expected + 1, 0},
                    .level_pool = {BOOK_FIRST_LEVEL, BOOK_FIRST_LEVEL + expected, 0},
                    .node_pool = {1, FIRST_NODES, 0}};
  if (seed == 0) seed = random_seed(s);
  s->seed[0] = mix(seed);
  s->seed[1] = mix(seed + 1) | 1;
  void *orders = NULL, *levels = NULL, *nodes = NULL;
  bool there = resize(s, ORDERS, &orders, 0, expected + 1, sizeof *s->orders) &&
               resize(s, LEVELS, &levels, 0, BOOK_FIRST_LEVEL + expected, sizeof *s->levels) &&
               resize(s, NODES, &nodes, 0, FIRST_NODES, sizeof *s->nodes) && spread_places(s, expected + 1);
  s->orders = orders;
  s->levels = levels;
  s->nodes = nodes;
  if (!there) {
    assay_book_store_deinit(s);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %u orders: expect fewer of them", expected);
  }
  s->orders[0] = (book_order){.bits = UINT64_MAX};      /* larger than all that trades, so it ends a walk along a level */
  for (uint32_t way = 0; way < BOOK_FIRST_LEVEL; way++) /* of no ladder, and of no key that leads here */
    s->levels[way] = (book_level){.key = way ^ 63, .quantity = UINT64_MAX, .ladder = UINT32_MAX};
  memset(&s->nodes[0], 0, sizeof s->nodes[0]);
  return ASSAY_OK;
}

void assay_book_store_deinit(book_store *s) {
  for (int i = 0; i < 5; i++) assay_free(s->blocks[i]);
  *s = (book_store){0};
}

size_t assay_book_store_bytes(const book_store *s) {
  return s->order_pool.capacity * sizeof *s->orders + s->level_pool.capacity * sizeof *s->levels +
         s->node_pool.capacity * sizeof *s->nodes + ((size_t)s->place_mask + 1) * sizeof *s->places +
         (s->window == NULL ? 0 : (size_t)(s->window_mask + 1) * sizeof *s->window);
}

/* ---- Ladders ----------------------------------------------------------------------------------------------------------------------- */

static uint32_t node_new(book_store *s) {
  uint32_t node = s->node_pool.free;
  if (node != 0)
    s->node_pool.free = s->nodes[node].child[0];
  else
    node = s->node_pool.used++;
  memset(&s->nodes[node], 0, sizeof s->nodes[node]);
  return node;
}

static void node_free(book_store *s, uint32_t node) {
  s->nodes[node].child[0] = s->node_pool.free;
  s->node_pool.free = node;
}

static void node_set(book_node *node, uint32_t way, uint32_t child) {
  node->bits |= UINT64_C(1) << way;
  node->child[way] = child;
}

static uint32_t *way_of(book_store *s, uint32_t node, uint32_t way) { return &s->nodes[node].child[way]; }

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

/* A bottom node that has just got its second level, `at`, which is empty, gets a block; where that level is then. */
static uint32_t spread_levels(book_store *s, book_ladder *l, uint32_t number, uint32_t at) {
  enum { MOST_MOVED = 64 }; /* orders, so that no message moves more */
  uint32_t block = block_new(s), key = s->levels[at].key, ladder = s->levels[at].ladder;
  book_node *node = &s->nodes[number];
  if (block == 0) return at;
  s->levels[block - 1] = (book_level){.count = BOOK_IS_HEADER, .quantity = node->bits, .ladder = ladder};
  node->block = l->block[(key >> 6) % BOOK_FINGERS] = block;
  for (uint32_t way = 0; way < 64; way++) {
    uint32_t there = node->child[way] & ~BOOK_IS_LEVEL;
    bool stays = there != 0 && s->levels[there].count > MOST_MOVED;
    s->levels[block + way] = (book_level){.key = ((key & ~63u) | way) ^ (stays ? 63 : 0), .ladder = ladder};
    if (!stays) node->child[way] = (block + way) | BOOK_IS_LEVEL;
    if (there != 0 && !stays) move_level(s, l, there, block + way);
  }
  return block + (key & 63);
}

static void set_finger(book_store *s, book_ladder *l, uint32_t key, uint32_t node) {
  l->finger[(key >> 6) % BOOK_FINGERS] = (book_finger){(key >> 6) + 1, node};
  l->block[(key >> 6) % BOOK_FINGERS] = s->nodes[node].block;
}

/* A key that is alone hangs as high as it can; when a second one comes that way, both move down until they part. */
uint32_t assay_book_ladder_open(book_store *s, book_ladder *l, uint32_t key, uint32_t ladder) {
  if (l->levels == 0)
    l->best = BOOK_NO_KEY; /* one that was never used is zeroed (mbo.h); it has no finger, so its first level comes here */
  if (s->node_pool.used + BOOK_PATH > s->node_pool.capacity && !assay_book_store_grow_nodes(s)) return 0;
  uint32_t *slot = &l->root[key >> 24], node = 0;
  unsigned shift = 24;
  while (*slot != 0 && (*slot & BOOK_IS_LEVEL) == 0) {
    node = *slot;
    shift -= 6;
    if (shift == 0) set_finger(s, l, key, node);
    slot = way_of(s, node, (key >> shift) & 63);
  }
  uint32_t other = *slot;
  if (other != 0 && s->levels[other & ~BOOK_IS_LEVEL].key == key) {
    uint64_t bit = UINT64_C(1) << (key & 63);
    other &= ~BOOK_IS_LEVEL;
    if (node != 0 && shift == 0 && (*book_bits(s, &s->nodes[node]) & bit) == 0) { /* a spare one */
      *book_bits(s, &s->nodes[node]) |= bit;
      book_ladder_grew(l, key, other);
    }
    return other;
  }
  uint32_t at = book_level_new(s, key, ladder);
  if (at == 0) return 0;
  if (other == 0) {
    book_ladder_grew(l, key, at);
    if (node == 0)
      l->top[key >> 30] |= UINT64_C(1) << ((key >> 24) & 63);
    else
      s->nodes[node].bits |= UINT64_C(1) << ((key >> shift) & 63);
    *slot = at | BOOK_IS_LEVEL;
    return at;
  }
  uint32_t other_key = s->levels[other & ~BOOK_IS_LEVEL].key;
  do {
    shift -= 6;
    *slot = node = node_new(s);
    slot = way_of(s, node, (key >> shift) & 63);
    if (((key ^ other_key) >> shift & 63) == 0) s->nodes[node].bits = UINT64_C(1) << ((key >> shift) & 63);
  } while (((key ^ other_key) >> shift & 63) == 0);
  node_set(&s->nodes[node], (key >> shift) & 63, at | BOOK_IS_LEVEL);
  node_set(&s->nodes[node], (other_key >> shift) & 63, other);
  if (shift == 0) {
    set_finger(s, l, key, node);
    at = spread_levels(s, l, node, at);
  }
  book_ladder_grew(l, key, at);
  return at;
}

static uint32_t lowest_of_all(const book_store *s, const book_ladder *l) {
  for (unsigned i = 0; i < 4; i++)
    if (l->top[i] != 0) return book_ladder_lowest(s, l->root[64 * i + (unsigned)__builtin_ctzll(l->top[i])]);
  return 0;
}

void assay_book_ladder_remove(book_store *s, book_ladder *l, uint32_t key) {
  uint32_t path[BOOK_PATH], depth = 0, child = l->root[key >> 24];
  for (unsigned shift = 18; (child & BOOK_IS_LEVEL) == 0; shift -= 6) {
    path[depth++] = child;
    child = s->nodes[child].child[(key >> shift) & 63];
  }
  uint32_t at = child & ~BOOK_IS_LEVEL, block = depth == BOOK_PATH ? s->nodes[path[BOOK_PATH - 1]].block : 0;
  bool stays = at == block + (key & 63); /* spare */
  if (!stays) book_level_free(s, at);
  if (block != 0 && !stays) { /* its place in the block is its own now */
    s->levels[block + (key & 63)].key = key;
    s->nodes[path[BOOK_PATH - 1]].child[key & 63] = (block + (key & 63)) | BOOK_IS_LEVEL;
    stays = true;
  }
  while (depth > 0) {
    book_node *node = &s->nodes[path[--depth]];
    uint32_t way = (key >> (18 - 6 * depth)) & 63;
    if (!stays) node->child[way] = 0;
    *book_bits(s, node) &= ~(UINT64_C(1) << way);
    if (*book_bits(s, node) != 0) goto removed;
    uint32_t i = (key >> 6) % BOOK_FINGERS;
    if (depth == BOOK_PATH - 1 && l->finger[i].node == path[depth] && l->finger[i].prefix == (key >> 6) + 1) {
      l->finger[i] = (book_finger){0};
      l->block[i] = 0;
    }
    if (node->block != 0) block_free(s, node->block);
    stays = false;
    node_free(s, path[depth]);
  }
  l->root[key >> 24] = 0;
  l->top[key >> 30] &= ~(UINT64_C(1) << ((key >> 24) & 63));
removed:
  if (key != l->best) return;
  l->best_level = lowest_of_all(s, l);
  l->best = l->best_level == 0 ? BOOK_NO_KEY : s->levels[l->best_level].key;
}

/* Bits above `way`. */
static uint64_t beyond(uint64_t bits, uint32_t way) { return way == 63 ? 0 : bits & (~UINT64_C(0) << (way + 1)); }

uint32_t assay_book_ladder_after(const book_store *s, const book_ladder *l, uint32_t key) {
  uint32_t path[BOOK_PATH], depth = 0, child = l->root[key >> 24];
  for (unsigned shift = 18; child != 0 && (child & BOOK_IS_LEVEL) == 0; shift -= 6) {
    path[depth++] = child;
    child = s->nodes[child].child[(key >> shift) & 63];
  }
  /* A lone key on the way may lie behind the one asked for. */
  if (child != 0 && s->levels[child & ~BOOK_IS_LEVEL].key > key) return child & ~BOOK_IS_LEVEL;
  while (depth > 0) {
    book_node *node = &s->nodes[path[--depth]];
    uint64_t rest = beyond(*book_bits(s, node), (key >> (18 - 6 * depth)) & 63);
    if (rest != 0) return book_ladder_lowest(s, node->child[__builtin_ctzll(rest)]);
  }
  uint64_t rest = beyond(l->top[key >> 30], (key >> 24) & 63);
  for (unsigned i = key >> 30;;) {
    if (rest != 0) return book_ladder_lowest(s, l->root[64 * i + (unsigned)__builtin_ctzll(rest)]);
    if (++i == 4) return 0;
    rest = l->top[i];
  }
}

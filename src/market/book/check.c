/* SPDX-License-Identifier: MIT */
#include "market/book/check.h"

#define BROKEN(...) ASSAY_FAIL(err, ASSAY_ERR_CORRUPT, __VA_ARGS__)

typedef struct walk {
  const book_store *s;
  const book_ladder *l;
  uint32_t ladder;
  assay_error *err;
  book_count *count;
  uint64_t before; /* the last key seen, plus 1 */
  uint32_t levels, lowest;
} walk;

static assay_status check_level(walk *w, uint32_t at, uint32_t key_bits, uint64_t key_mask) {
  const book_store *s = w->s;
  const book_level *level = &s->levels[at];
  assay_error *err = w->err;
  if ((level->key & key_mask) != key_bits) return BROKEN("level %u of ladder %u hangs on the wrong branch", at, w->ladder);
  if (level->key < w->before) return BROKEN("level %u of ladder %u is out of order", at, w->ladder);
  if (level->ladder != w->ladder) return BROKEN("level %u is in ladder %u and says %u", at, w->ladder, level->ladder);
  if (level->count == 0) return BROKEN("level %u of ladder %u is empty", at, w->ladder);
  if (w->levels++ == 0) w->lowest = at;
  w->before = (uint64_t)level->key + 1;
  uint64_t quantity = 0;
  uint32_t count = 0, prev = 0;
  for (uint32_t order = level->head; order != 0; prev = order, order = s->orders[order].next) {
    const book_order *o = &s->orders[order];
    if (o->level != at || o->prev != prev || o->quantity == 0 || count >= s->live)
      return BROKEN("order %llu is not well linked", (unsigned long long)o->id);
    uint32_t found = s->scopes != 0 ? book_scoped_find(s, o->account, o->id) : book_find(s, o->id);
    if (found != order) return BROKEN("order %llu is not found by its id", (unsigned long long)o->id);
    count++;
    quantity += o->quantity;
  }
  if (level->tail != prev || level->count != count || level->quantity != quantity)
    return BROKEN("level %u of ladder %u does not sum its orders up", at, w->ladder);
  w->count->orders += count;
  return ASSAY_OK;
}

static bool is_spare(const walk *w, uint32_t at, uint32_t key) {
  const book_level *level = &w->s->levels[at];
  return level->key == key && level->ladder == w->ladder && level->count == 0 && level->head == 0 && level->tail == 0 &&
         level->quantity == 0 && level->special == 0;
}

/* Every way of a bottom node leads into its block, but where another level was there before. */
static assay_status check_block(walk *w, const book_node *node, uint64_t bits, uint32_t prefix) {
  assay_error *err = w->err;
  const book_level *header = &w->s->levels[node->block - 1];
  w->count->blocks++;
  if (header->count != BOOK_IS_HEADER) return BROKEN("a block of ladder %u has no header", w->ladder);
  for (uint32_t way = 0; way < 64; way++) {
    uint32_t key = prefix | way, at = node->block + way;
    bool there = (bits >> way & 1) != 0, mine = node->child[way] == (at | BOOK_IS_LEVEL);
    w->count->levels += !mine;
    if (mine ? !there && !is_spare(w, at, key) : !there || !is_spare(w, at, key ^ 63))
      return BROKEN("a spare level of ladder %u is none", w->ladder);
  }
  return ASSAY_OK;
}

static assay_status check_bunch(walk *w, uint32_t number, uint32_t key_bits, unsigned shift) {
  assay_error *err = w->err;
  const book_bunch *b = &w->s->bunches[number];
  uint64_t before = 0;
  w->count->bunches++;
  if (b->used == 0 || (b->used & ~BOOK_FULL_BUNCH) != 0) return BROKEN("bunch %u of ladder %u is empty", number, w->ladder);
  for (uint32_t done = 0; done != b->used;) {
    uint32_t lowest = 0;
    for (uint32_t i = 2; i < 16; i++)
      if (((b->used & ~done) >> i & 1) != 0 && (lowest == 0 || b->key[i] < b->key[lowest])) lowest = i;
    done |= 1u << lowest;
    if (b->key[lowest] < before || w->s->levels[b->level[lowest]].key != b->key[lowest] ||
        w->s->homes[b->level[lowest]] != (number << 4 | lowest))
      return BROKEN("bunch %u of ladder %u has a wrong key", number, w->ladder);
    before = (uint64_t)b->key[lowest] + 1;
    w->count->levels++;
    assay_status status = check_level(w, b->level[lowest], key_bits, ~UINT64_C(0) << (shift + b->width));
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}

static assay_status check_below(walk *w, uint32_t child, uint32_t key_bits, unsigned shift) {
  assay_error *err = w->err;
  if ((child & BOOK_IS_BUNCH) != 0) return check_bunch(w, child & ~BOOK_IS_BUNCH, key_bits, shift);
  if ((child & BOOK_IS_LEVEL) != 0) return check_level(w, child & ~BOOK_IS_LEVEL, key_bits, ~UINT64_C(0) << shift);
  book_node *node = &w->s->nodes[child];
  uint64_t bits = *book_bits(w->s, node);
  w->count->nodes++;
  if (shift == 0 || bits == 0 || (node->block != 0 && shift != 6))
    return BROKEN("node %u of ladder %u is empty or too deep", child, w->ladder);
  assay_status status = node->block != 0 ? check_block(w, node, bits, key_bits) : ASSAY_OK;
  for (uint32_t way = 0; way < 64 && status == ASSAY_OK; way++) {
    bool there = (bits >> way & 1) != 0;
    if (there ? node->child[way] == 0 : node->child[way] != 0 && node->block == 0)
      return BROKEN("node %u of ladder %u: its bits are not its children", child, w->ladder);
    if (!there) continue;
    uint32_t below = node->child[way], width = (below & BOOK_IS_BUNCH) != 0 ? w->s->bunches[below & ~BOOK_IS_BUNCH].width : 0;
    if (((below & BOOK_IS_LEVEL) != 0) != (shift == 6) || width > 6 || (way & ((1u << width) - 1)) != 0)
      return BROKEN("node %u of ladder %u leads to what is none of its children", child, w->ladder);
    w->count->levels += node->block == 0 && (below & BOOK_IS_LEVEL) != 0;
    status = check_below(w, below, key_bits | way << (shift - 6), shift - 6);
    for (uint32_t end = way + (1u << width); ++way < end;)
      if (node->child[way] != below || (bits >> way & 1) == 0) return BROKEN("ways of ladder %u do not lead to one bunch", w->ladder);
    way--;
  }
  return status;
}

/* What a finger points at is what the way down from the root comes to. */
static assay_status check_fingers(const walk *w) {
  assay_error *err = w->err;
  for (uint32_t i = 0; i < BOOK_FINGERS; i++) {
    const book_finger *finger = &w->l->finger[i];
    if (finger->prefix == 0 && w->l->block[i] != 0) return BROKEN("finger %u of ladder %u has only a block", i, w->ladder);
    if (finger->prefix == 0) continue;
    uint32_t key = (finger->prefix - 1) << 6, child = w->l->root[key >> 24];
    for (unsigned shift = 18; book_is_node(child) && shift > 0; shift -= 6) child = w->s->nodes[child].child[(key >> shift) & 63];
    if ((finger->prefix - 1) % BOOK_FINGERS != i || child != finger->node || w->l->block[i] != w->s->nodes[child].block)
      return BROKEN("finger %u of ladder %u points elsewhere", i, w->ladder);
  }
  return ASSAY_OK;
}

assay_status assay_book_check_ladder(const book_store *s, const book_ladder *l, uint32_t ladder, assay_error *err, book_count *count) {
  walk w = {.s = s, .l = l, .ladder = ladder, .err = err, .count = count};
  for (uint32_t i = 0; i < 256; i++) {
    bool there = (l->top[i / 64] >> (i % 64) & 1) != 0;
    if (there != (l->root[i] != 0)) return BROKEN("ladder %u: the bits of its root are not its children", ladder);
    if ((l->root[i] & BOOK_IS_LEVEL) != 0 || ((l->root[i] & BOOK_IS_BUNCH) != 0 && s->bunches[l->root[i] & ~BOOK_IS_BUNCH].width != 0))
      return BROKEN("ladder %u: a level hangs at its root", ladder);
    assay_status status = there ? check_below(&w, l->root[i], i << 24, 24) : ASSAY_OK;
    if (status != ASSAY_OK) return status;
  }
  uint64_t best = w.levels == 0 ? BOOK_NO_KEY : s->levels[w.lowest].key;
  if (l->levels != w.levels || l->best != best || (w.levels > 0 && l->best_level != w.lowest))
    return BROKEN("ladder %u: its best is not its best", ladder);
  return check_fingers(&w);
}

static uint32_t chain_length(const book_store *s, uint32_t first, uint32_t most, int which) {
  uint32_t length = 0;
  for (uint32_t at = first; at != 0 && length <= most; length++)
    at = which == 0   ? s->orders[at].next
         : which == 1 ? s->levels[at].special
         : which == 2 ? s->nodes[at].child[0]
                      : s->bunches[at].level[0];
  return length;
}

assay_status assay_book_check_store(const book_store *s, const book_count *count, assay_error *err) {
  if (count->orders != s->live) return BROKEN("%llu orders are in ladders, %u are counted", (unsigned long long)count->orders, s->live);
  const book_pool *orders = &s->order_pool, *levels = &s->level_pool, *nodes = &s->node_pool, *bunches = &s->bunch_pool;
  uint64_t blocks = count->blocks + chain_length(s, s->free_block, levels->used, 1);
  if (count->orders + chain_length(s, orders->free, orders->used, 0) + 1 != orders->used) return BROKEN("an order is lost");
  if (count->levels + chain_length(s, levels->free, levels->used, 1) + BOOK_BLOCK * blocks + BOOK_FIRST_LEVEL != levels->used)
    return BROKEN("a level is lost");
  if (count->nodes + chain_length(s, nodes->free, nodes->used, 2) + 1 != nodes->used) return BROKEN("a node is lost");
  if (count->bunches + chain_length(s, bunches->free, bunches->used, 3) + 1 != bunches->used) return BROKEN("a bunch is lost");
  if (count->blocks != s->blocks_out) return BROKEN("%u nodes have a block, %u are counted", (unsigned)count->blocks, s->blocks_out);
  uint64_t places = 0;
  for (uint64_t i = 0; i <= s->place_mask; i++) {
    const book_place *place = &s->places[i];
    if (place->order == 0) continue;
    places++;
    if (s->orders[place->order].id >= s->window_base && s->orders[place->order].id > s->stray_high)
      return BROKEN("an id is where nobody looks for it");
  }
  if (s->sure != (s->stray_high < s->window_base ? s->window_mask + 1 : 0)) return BROKEN("the window does not know how sure it is");
  for (uint64_t i = 0; i <= s->window_mask; i++) places += s->window[i] != 0;
  if (places != s->live) return BROKEN("%llu ids are kept for %u orders", (unsigned long long)places, s->live);
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
/* Symbols of DBN by number. Instrument ids are any 32 bits, and mean something for one publisher only. */
#include <assay/feed_dbn.h>

#include <string.h>

#include "base/alloc.h"
#include "os/prim.h"

struct assay_dbn_map {
  uint64_t *keys;   /* of the numbers from 1 on: publisher, instrument */
  uint32_t *places; /* numbers, where their keys' hashes say; 0: empty */
  uint32_t count, room, mask, most;
  uint64_t seed[2];
  uint64_t last_key; /* records of one symbol follow each other */
  uint32_t last;
};

static uint64_t key_of(uint32_t publisher, uint32_t instrument) { return (uint64_t)(publisher & 0xffff) << 32 | instrument; }

/* With a secret, so that no choice of ids makes them collide. */
static uint32_t home_of(const assay_dbn_map *map, uint64_t key) {
  unsigned __int128 product = (unsigned __int128)(key ^ map->seed[0]) * map->seed[1];
  return (uint32_t)((uint64_t)(product >> 64) ^ (uint64_t)product) & map->mask;
}

/* The place of a key, or the empty one where it would be. */
static uint32_t place_of(const assay_dbn_map *map, uint64_t key) {
  uint32_t at = home_of(map, key);
  while (map->places[at] != 0 && map->keys[map->places[at]] != key) at = (at + 1) & map->mask;
  return at;
}

static bool grow(assay_dbn_map *map) {
  uint32_t room = map->room == 0 ? 512 : 2 * map->room;
  uint64_t *keys = assay_realloc(ASSAY_TAG_MARKET, map->keys, room, sizeof *keys);
  if (keys != NULL) map->keys = keys;
  uint32_t *places = assay_calloc(ASSAY_TAG_MARKET, 2 * (size_t)room, sizeof *places);
  if (keys == NULL || places == NULL) {
    assay_free(places);
    return false;
  }
  assay_free(map->places);
  map->places = places;
  map->room = room;
  map->mask = 2 * room - 1;
  for (uint32_t i = 1; i <= map->count; i++) places[place_of(map, keys[i])] = i;
  return true;
}

assay_status assay_dbn_map_create(uint32_t most, assay_error *err, assay_dbn_map **map) {
  assay_dbn_map *made = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the symbols of a feed");
  made->most = most == 0 || most > 1u << 24 ? 1u << 24 : most;
  if (!assay_os_entropy(made->seed, sizeof made->seed)) made->seed[0] = assay_os_now_ns() * UINT64_C(0x9e3779b97f4a7c15);
  made->seed[1] = (made->seed[1] ^ UINT64_C(0x9e3779b97f4a7c15)) | 1;
  made->last_key = UINT64_MAX;
  *map = made;
  return ASSAY_OK;
}

void assay_dbn_map_destroy(assay_dbn_map *map) {
  if (map == NULL) return;
  assay_free(map->keys);
  assay_free(map->places);
  assay_free(map);
}

uint32_t assay_dbn_map_count(const assay_dbn_map *map) { return map->count; }

uint32_t assay_dbn_map_find(const assay_dbn_map *map, uint16_t publisher, uint32_t instrument) {
  uint64_t key = key_of(publisher, instrument);
  return map->count > 0 ? map->places[place_of(map, key)] : 0;
}

uint32_t assay_dbn_map_number(assay_dbn_map *map, const assay_dbn_record *record) {
  return assay_dbn_map_add(map, assay_dbn_publisher(record), assay_dbn_instrument(record));
}

uint32_t assay_dbn_map_add(assay_dbn_map *map, uint16_t publisher, uint32_t instrument) {
  uint64_t key = key_of(publisher, instrument);
  if (key == map->last_key) return map->last;
  if (map->count + 1 >= map->room && !grow(map)) return 0;
  uint32_t at = place_of(map, key);
  if (map->places[at] == 0) {
    if (map->count == map->most) return 0;
    map->keys[++map->count] = key;
    map->places[at] = map->count;
  }
  map->last_key = key;
  return map->last = map->places[at];
}

void assay_dbn_map_key(const assay_dbn_map *map, uint32_t number, uint16_t *publisher, uint32_t *instrument) {
  uint64_t key = number > 0 && number <= map->count ? map->keys[number] : 0;
  *publisher = (uint16_t)(key >> 32);
  *instrument = (uint32_t)key;
}

/* SPDX-License-Identifier: MIT */
/* Symbols of a feed: their names by number, and their numbers by name. */
#include <string.h>

#include "base/alloc.h"
#include "cli/feed_walk.h"

/* With a secret, so that nobody's choice of names makes them collide. */
static uint32_t hash_of(const assay_cli_feed_file *feed, const char *text, size_t length) {
  uint64_t hash = feed->seed ^ length;
  for (size_t at = 0; at < length; at += 8) {
    uint64_t word = 0;
    memcpy(&word, text + at, length - at < 8 ? length - at : 8);
    unsigned __int128 product = (unsigned __int128)(hash ^ word) * (UINT64_C(0x9e3779b97f4a7c15) ^ feed->seed << 1);
    hash = (uint64_t)product ^ (uint64_t)(product >> 64);
  }
  return (uint32_t)(hash ^ hash >> 32);
}

static bool is_named(const assay_cli_feed_file *feed, uint32_t symbol, const char *text, size_t length) {
  return strlen(feed->names[symbol]) == length && memcmp(feed->names[symbol], text, length) == 0;
}

static uint32_t find_name(const assay_cli_feed_file *feed, const char *text, size_t length) {
  if (feed->places == NULL || length == 0) return 0;
  for (uint32_t at = hash_of(feed, text, length) & feed->place_mask;; at = (at + 1) & feed->place_mask) {
    uint32_t symbol = feed->places[at];
    if (symbol == 0 || is_named(feed, symbol, text, length)) return symbol;
  }
}

static void place_name(assay_cli_feed_file *feed, uint32_t symbol) {
  const char *name = feed->names[symbol];
  size_t length = strlen(name);
  uint32_t at = hash_of(feed, name, length) & feed->place_mask;
  while (feed->places[at] != 0 && !is_named(feed, feed->places[at], name, length)) at = (at + 1) & feed->place_mask;
  if (feed->places[at] != 0) return; /* of two with one name, the first is found */
  feed->places[at] = symbol;
  feed->places_used++;
}

/* The places of old names are forgotten whenever there are too many. */
static bool spread_names(assay_cli_feed_file *feed) {
  uint32_t room = 1024;
  while (room < 4 * feed->named) room *= 2;
  uint32_t *places = assay_calloc(ASSAY_TAG_CLI, room, sizeof *places);
  if (places == NULL) return false;
  assay_free(feed->places);
  feed->places = places;
  feed->place_mask = room - 1;
  feed->places_used = 0;
  for (uint32_t i = 1; i <= feed->named; i++)
    if (feed->names[i][0] != '\0') place_name(feed, i);
  return true;
}

bool assay_cli_feed_grow_names(char (**names)[ASSAY_CLI_FEED_NAME], uint32_t *room, uint32_t wanted) {
  if (wanted < *room) return true;
  uint32_t more = wanted < 64 ? 128 : 2 * wanted;
  void *grown = assay_realloc(ASSAY_TAG_CLI, *names, more, sizeof **names);
  if (grown == NULL) return false;
  *names = grown;
  memset(*names + *room, 0, (more - *room) * sizeof **names);
  *room = more;
  return true;
}

void assay_cli_feed_give_name(assay_cli_feed_file *feed, uint32_t symbol, const char *text, size_t length) {
  while (length > 0 && text[length - 1] == ' ') length--;
  if (symbol == 0 || symbol >= ASSAY_CLI_FEED_SYMBOLS || length == 0 || length >= ASSAY_CLI_FEED_NAME) return;
  if (!assay_cli_feed_grow_names(&feed->names, &feed->name_room, symbol)) return;
  if (symbol > feed->named) feed->named = symbol;
  if (is_named(feed, symbol, text, length)) return;
  memcpy(feed->names[symbol], text, length);
  feed->names[symbol][length] = '\0';
  if (feed->places != NULL && 2 * feed->places_used < feed->place_mask)
    place_name(feed, symbol);
  else
    (void)spread_names(feed); /* without memory, the names before are found still */
}

uint32_t assay_cli_feed_number(assay_cli_feed_file *feed, assay_feed_text text) {
  if (text.at == NULL || text.length == 0 || text.length >= ASSAY_CLI_FEED_NAME) return 0;
  uint32_t symbol = find_name(feed, text.at, text.length);
  if (symbol != 0) return symbol;
  symbol = feed->named + 1;
  assay_cli_feed_give_name(feed, symbol, text.at, text.length);
  return feed->named == symbol ? symbol : 0;
}

uint32_t assay_cli_feed_symbol(const assay_cli_feed_file *feed, const char *name) { return find_name(feed, name, strlen(name)); }

void assay_cli_feed_forget_names(assay_cli_feed_file *feed) {
  for (uint32_t i = 0; i <= feed->named && feed->names != NULL; i++) feed->names[i][0] = '\0';
  if (feed->places != NULL) memset(feed->places, 0, (feed->place_mask + (size_t)1) * sizeof *feed->places);
  feed->named = feed->places_used = 0;
}

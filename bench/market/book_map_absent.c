/* SPDX-License-Identifier: MIT */
/* Where there is no C++ compiler. */
#include "book_map.h"

map_book *map_book_create(assay_book_sink sink, void *context) {
  (void)sink, (void)context;
  return NULL;
}
void map_book_apply(map_book *book, const assay_book_message *messages, size_t count) { (void)book, (void)messages, (void)count; }
void map_book_destroy(map_book *book) { (void)book; }

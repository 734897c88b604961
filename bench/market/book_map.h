/* SPDX-License-Identifier: MIT */
/* A matching engine as many write it, for limit, market and immediate-or-cancel orders, cancellations and changes. */
#ifndef ASSAY_BENCH_BOOK_MAP_H
#define ASSAY_BENCH_BOOK_MAP_H

#include <assay/book.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct map_book map_book;

/* NULL where it could not be built. */
map_book *map_book_create(assay_book_sink sink, void *context);
void map_book_apply(map_book *book, const assay_book_message *messages, size_t count);
void map_book_destroy(map_book *book);

#ifdef __cplusplus
}
#endif
#endif

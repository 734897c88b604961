/* SPDX-License-Identifier: MIT */
/* Compressed streams, a piece at a time. */
#ifndef ASSAY_MARKET_FEEDS_UNPACK_H
#define ASSAY_MARKET_FEEDS_UNPACK_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct assay_unpacker assay_unpacker;

/* The next packed bytes, which stay until the next call; 0 at their end, -1 where they cannot be read. */
typedef int64_t assay_unpacker_source(void *context, const void **bytes);

/* The source begins at byte `at` of the file, which is told with what is wrong. */
assay_status assay_unpacker_open(assay_unpacker_source *source, void *context, uint64_t at, assay_error *err, assay_unpacker **unpacker);
/* At most `most` bytes; *got 0: the end. */
assay_status assay_unpacker_read(assay_unpacker *unpacker, void *bytes, size_t most, assay_error *err, size_t *got);
/* Accepts NULL. */
void assay_unpacker_close(assay_unpacker *unpacker);

/* The bytes of a frame to be skipped (RFC 8878, 3.1.2) that begins here, with its head; 0: none does. At least 8 bytes are needed. */
uint64_t assay_unpack_skippable(const uint8_t *bytes, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Streams of Zstandard's frames and gzip's members, by their own libraries. libarchive reads them too, but has up to 128 KiB of what it
 * unpacked in a buffer that nobody gets when the stream is cut off behind them: of a small file, all of it.
 */
#ifndef ASSAY_MARKET_FEEDS_FRAMES_H
#define ASSAY_MARKET_FEEDS_FRAMES_H

#include "market/feeds/unpack.h"

typedef struct assay_frames assay_frames;

/* Whether a stream that begins so is one; four bytes are enough. */
bool assay_frames_are(const uint8_t *bytes, size_t size);
/* `first` is what the source has given already, and begins at byte `at` of the file. ASSAY_ERR_UNSUPPORTED: the library is not there. */
assay_status assay_frames_open(assay_unpacker_source *source, void *context, const uint8_t *first, size_t size, uint64_t at,
                               assay_error *err, assay_frames **frames);
/* At most `most` bytes, which are above 0; *got 0: the end. ASSAY_ERR_CORRUPT, and where: once all before it has been given. */
assay_status assay_frames_read(assay_frames *frames, void *bytes, size_t most, assay_error *err, size_t *got);
/* Accepts NULL. */
void assay_frames_close(assay_frames *frames);

#endif

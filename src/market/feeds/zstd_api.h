/* SPDX-License-Identifier: MIT */
/*
 * What is used of libzstd, which comes with libarchive everywhere; its header does not. These have not changed since 1.3.0, and are what
 * its documentation promises to keep ("stable API"). Where the header is, it is taken, and the compiler compares.
 */
#ifndef ASSAY_MARKET_FEEDS_ZSTD_API_H
#define ASSAY_MARKET_FEEDS_ZSTD_API_H

#include <stddef.h>

typedef struct ZSTD_inBuffer_s ZSTD_inBuffer;
typedef struct ZSTD_outBuffer_s ZSTD_outBuffer;
typedef struct ZSTD_DCtx_s ZSTD_DStream;

ZSTD_DStream *ZSTD_createDStream(void);
size_t ZSTD_freeDStream(ZSTD_DStream *stream);
size_t ZSTD_decompressStream(ZSTD_DStream *stream, ZSTD_outBuffer *output, ZSTD_inBuffer *input);
unsigned ZSTD_isError(size_t result);
const char *ZSTD_getErrorName(size_t result);

#if __has_include(<zstd.h>)
#include <zstd.h>
#else
struct ZSTD_inBuffer_s {
  const void *src;
  size_t size, pos;
};
struct ZSTD_outBuffer_s {
  void *dst;
  size_t size, pos;
};
#endif

#endif

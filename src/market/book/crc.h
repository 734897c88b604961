/* SPDX-License-Identifier: MIT */
/* CRC-32C (Castagnoli; RFC 3720 B.4): by the processor's own instruction where it has one. */
#ifndef ASSAY_MARKET_CRC_H
#define ASSAY_MARKET_CRC_H

#include <stddef.h>
#include <stdint.h>

/* `crc` is 0, or that of what comes before. */
uint32_t assay_book_crc32c(uint32_t crc, const void *bytes, size_t count);
/* The same without that instruction. */
uint32_t assay_book_crc32c_plain(uint32_t crc, const void *bytes, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
#include "device/pool_inner.h"

/*
 * Classes 0 to 7 hold 1 to 8 units. Above that each power of two is cut into eight: a request of u units with 2^k < u <= 2^(k+1) is rounded
 * up to a multiple of 2^(k-3), so less than 2^(k-3) of more than 2^k is unused, under 1/9.
 */
unsigned assay_pool_class_of(uint64_t units) {
  if (units <= 8) return (unsigned)units - 1;
  unsigned k = 63 - (unsigned)__builtin_clzll(units - 1);
  return 8 * (k - 2) + (unsigned)((units - 1 - (UINT64_C(1) << k)) >> (k - 3));
}

uint64_t assay_pool_class_units(unsigned index) {
  if (index < 8) return index + 1;
  unsigned k = index / 8 + 2;
  return (UINT64_C(1) << k) + ((uint64_t)(index % 8 + 1) << (k - 3));
}

size_t assay_pool_class_bytes(size_t bytes, size_t alignment) {
  uint64_t units = bytes == 0 ? 1 : (bytes - 1) / alignment + 1;
  return (size_t)(assay_pool_class_units(assay_pool_class_of(units)) * alignment);
}

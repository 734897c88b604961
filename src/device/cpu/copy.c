/* SPDX-License-Identifier: MIT */
#include "device/cpu/copy.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

/* What is larger than most last caches goes past them. A part is some tens of microseconds. */
static const size_t large = (size_t)32 << 20, part = (size_t)1 << 20, huge_page = (size_t)2 << 20;

/* A store that goes to memory without fetching first what it replaces: two thirds of the traffic. */
static void copy_past_caches(char *to, const char *from, size_t bytes) {
#if defined(__x86_64__)
  size_t head = -(uintptr_t)to & 63;
  memcpy(to, from, head);
  size_t i = head;
  for (; i + 64 <= bytes; i += 64) {
    const __m128i *in = (const __m128i *)(const void *)(from + i);
    __m128i *out = (__m128i *)(void *)(to + i), a = _mm_loadu_si128(in), b = _mm_loadu_si128(in + 1), c = _mm_loadu_si128(in + 2),
            d = _mm_loadu_si128(in + 3);
    _mm_stream_si128(out, a);
    _mm_stream_si128(out + 1, b);
    _mm_stream_si128(out + 2, c);
    _mm_stream_si128(out + 3, d);
  }
  _mm_sfence(); /* others may read it once the call has returned */
  memcpy(to + i, from + i, bytes - i);
#else
  memcpy(to, from, bytes);
#endif
}

typedef struct copying {
  char *to;
  const char *from;
  size_t bytes;
} copying;

static void copy_parts(void *context, size_t begin, size_t end) {
  const copying *c = context;
  size_t first = begin * part, last = end * part < c->bytes ? end * part : c->bytes;
  copy_past_caches(c->to + first, c->from + first, last - first);
}

void assay_cpu_copy(assay_threads *threads, void *to, const void *from, size_t bytes) {
  if (bytes < large) {
    memcpy(to, from, bytes);
    return;
  }
  copying c = {to, from, bytes};
  assay_threads_run(threads, (bytes + part - 1) / part, copy_parts, &c);
}

void assay_cpu_ask_for_huge_pages(void *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
  uintptr_t begin = ((uintptr_t)memory + huge_page - 1) & ~(uintptr_t)(huge_page - 1),
            end = ((uintptr_t)memory + bytes) & ~(uintptr_t)(huge_page - 1);
  if (end > begin && end - begin >= 2 * huge_page) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#else
  (void)memory, (void)bytes, (void)huge_page;
#endif
}

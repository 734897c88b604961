/* SPDX-License-Identifier: MIT */
#include "device/cpu/copy.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "kernels/indicators/turn.h"

/* What is larger than most last caches goes past them. A part is some tens of microseconds. */
static const size_t large = (size_t)32 << 20, part = (size_t)1 << 20, huge_page = (size_t)2 << 20;

typedef struct copying {
  char *to;
  const char *from;
  size_t bytes;
  assay_copy_past_fn copy;
} copying;

static void copy_parts(void *context, size_t begin, size_t end) {
  const copying *c = context;
  size_t first = begin * part, last = end * part < c->bytes ? end * part : c->bytes;
  c->copy(c->to + first, c->from + first, last - first);
#if defined(__x86_64__)
  _mm_sfence(); /* others may read it once the call has returned */
#endif
}

void assay_cpu_copy(assay_threads *threads, void *to, const void *from, size_t bytes) {
  if (bytes < large) {
    memcpy(to, from, bytes);
    return;
  }
  copying c = {to, from, bytes, assay_turns_best().copy_past};
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

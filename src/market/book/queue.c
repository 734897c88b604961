/* SPDX-License-Identifier: MIT */
/* One writer, one reader. Each keeps what it last saw of the other's place, so they touch each other's cache line once a lap, not once an
 * event. */
#include <assay/book.h>

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"

struct assay_book_queue {
  assay_book_event *events;
  uint64_t mask;
  bool wait;
  _Alignas(64) _Atomic uint64_t written;
  uint64_t read_seen;
  _Alignas(64) _Atomic uint64_t read;
  uint64_t written_seen;
  _Alignas(64) _Atomic uint64_t shed;
};

assay_status assay_book_queue_create(size_t capacity, bool wait, assay_error *err, assay_book_queue **queue) {
  size_t size = 64;
  if (capacity > (size_t)1 << 30) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a queue of %zu events is too large: at most 2^30", capacity);
  while (size < capacity) size *= 2;
  /* The block is larger by a line, as its own alignment is that of malloc. */
  void *block = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof(assay_book_queue) + 64 + sizeof(void *));
  assay_book_event *events = assay_alloc(ASSAY_TAG_MARKET, size * sizeof *events);
  if (block == NULL || events == NULL) {
    assay_free(block);
    assay_free(events);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a queue of %zu events", size);
  }
  assay_book_queue *q = (assay_book_queue *)(((uintptr_t)block + sizeof(void *) + 63) & ~(uintptr_t)63);
  memcpy((char *)q - sizeof(void *), &block, sizeof block);
  q->events = events;
  q->mask = size - 1;
  q->wait = wait;
  *queue = q;
  return ASSAY_OK;
}

void assay_book_queue_destroy(assay_book_queue *q) {
  if (q == NULL) return;
  void *block;
  memcpy(&block, (char *)q - sizeof(void *), sizeof block);
  assay_free(q->events);
  assay_free(block);
}

/* How many events fit now; waits for one, if so told. */
static uint64_t room(assay_book_queue *q, uint64_t written) {
  for (;;) {
    q->read_seen = atomic_load_explicit(&q->read, memory_order_acquire);
    uint64_t free = q->mask + 1 - (written - q->read_seen);
    if (free > 0 || !q->wait) return free;
    sched_yield();
  }
}

void assay_book_queue_sink(void *context, const assay_book_event *events, size_t count) {
  assay_book_queue *q = context;
  uint64_t written = atomic_load_explicit(&q->written, memory_order_relaxed);
  for (size_t i = 0; i < count;) {
    uint64_t free = q->mask + 1 - (written - q->read_seen);
    if (free == 0) free = room(q, written);
    if (free == 0) {
      atomic_fetch_add_explicit(&q->shed, count - i, memory_order_relaxed);
      return;
    }
    for (; i < count && free > 0; free--) q->events[written++ & q->mask] = events[i++];
    atomic_store_explicit(&q->written, written, memory_order_release);
  }
}

size_t assay_book_queue_take(assay_book_queue *q, assay_book_event *events, size_t most) {
  uint64_t read = atomic_load_explicit(&q->read, memory_order_relaxed);
  if (q->written_seen - read < most) q->written_seen = atomic_load_explicit(&q->written, memory_order_acquire);
  size_t there = (size_t)(q->written_seen - read), count = there < most ? there : most;
  for (size_t i = 0; i < count; i++) events[i] = q->events[(read + i) & q->mask];
  atomic_store_explicit(&q->read, read + count, memory_order_release);
  return count;
}

uint64_t assay_book_queue_shed(const assay_book_queue *q) { return atomic_load_explicit(&q->shed, memory_order_relaxed); }

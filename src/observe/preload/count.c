/* SPDX-License-Identifier: MIT */
/*
 * libassay-count.so: counts the calls of the malloc family in a process that preloads it. assay_count_read gives the sums over all threads.
 * An allocation is a successful call that asks for memory: malloc, calloc, realloc, aligned_alloc and kin count one each, with the bytes
 * asked for.
 *
 * Each thread counts in a slot of its own, so counting costs no atomic read-modify-write; threads beyond the slots share the last one.
 * Slots are never given back: their sums stay valid when the thread is gone.
 *
 * The real functions are found by dlsym(RTLD_NEXT), so that another allocator that is preloaded or linked stays in use. Until they are
 * known (the loader may allocate while it looks) a small static area serves.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { SLOTS = 1024, EARLY_BYTES = 16384, CACHE_LINE = 64 };

typedef struct slot {
  alignas(CACHE_LINE) _Atomic uint64_t count;
  _Atomic uint64_t bytes;
} slot;

static slot slots[SLOTS];
static atomic_uint slots_taken;
static __thread slot *own __attribute__((tls_model("initial-exec")));

static slot *take_slot(void) {
  unsigned index = atomic_fetch_add_explicit(&slots_taken, 1, memory_order_relaxed);
  if (index >= SLOTS - 1) {
    index = SLOTS - 1;
    atomic_store_explicit(&slots_taken, SLOTS, memory_order_relaxed);
  }
  return own = &slots[index];
}

static void book(size_t bytes) {
  slot *s = own;
  if (__builtin_expect(s == NULL, 0)) s = take_slot();
  if (__builtin_expect(s == &slots[SLOTS - 1], 0)) {
    atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->bytes, bytes, memory_order_relaxed);
    return;
  }
  atomic_store_explicit(&s->count, atomic_load_explicit(&s->count, memory_order_relaxed) + 1, memory_order_relaxed);
  atomic_store_explicit(&s->bytes, atomic_load_explicit(&s->bytes, memory_order_relaxed) + bytes, memory_order_relaxed);
}

EXPORT void assay_count_read(uint64_t *count, uint64_t *bytes);
EXPORT void assay_count_read(uint64_t *count, uint64_t *bytes) {
  unsigned taken = atomic_load_explicit(&slots_taken, memory_order_relaxed);
  uint64_t calls = 0, sum = 0;
  for (unsigned i = 0; i < (taken < SLOTS ? taken : SLOTS); i++) {
    calls += atomic_load_explicit(&slots[i].count, memory_order_relaxed);
    sum += atomic_load_explicit(&slots[i].bytes, memory_order_relaxed);
  }
  *count = calls;
  *bytes = sum;
}

/* ---- The real functions ---- */

static struct {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void (*free)(void *);
  void *(*memalign)(size_t, size_t);
  int (*posix_memalign)(void **, size_t, size_t);
  size_t (*usable)(void *);
} real;

enum { UNKNOWN, LOOKING, KNOWN };
static atomic_int state;

static void look_up(const char *name, void *to) {
  void *symbol = dlsym(RTLD_NEXT, name);
  memcpy(to, &symbol, sizeof symbol);
}

/* False while this or another thread is still looking. Before main there is one thread, so nobody waits for long. */
static int is_known(void) {
  int now = atomic_load_explicit(&state, memory_order_acquire);
  if (__builtin_expect(now == KNOWN, 1)) return 1;
  int unknown = UNKNOWN;
  if (!atomic_compare_exchange_strong(&state, &unknown, LOOKING)) return 0;
  look_up("malloc", &real.malloc);
  look_up("calloc", &real.calloc);
  look_up("realloc", &real.realloc);
  look_up("free", &real.free);
  look_up("memalign", &real.memalign);
  look_up("posix_memalign", &real.posix_memalign);
  look_up("malloc_usable_size", &real.usable);
  atomic_store_explicit(&state, KNOWN, memory_order_release);
  return 1;
}

__attribute__((constructor)) static void start(void) { is_known(); }

/* ---- The area for the time before ---- */

static alignas(64) unsigned char early[EARLY_BYTES];
static atomic_size_t early_used;

static int is_early(const void *block) {
  uintptr_t at = (uintptr_t)block, low = (uintptr_t)early;
  return at >= low && at < low + EARLY_BYTES;
}

/* Blocks carry their size before them, for realloc. They are zero already and never given back. */
static void *early_alloc(size_t size, size_t alignment) {
  if (alignment < 16) alignment = 16;
  if (alignment > 64 || size > EARLY_BYTES) return NULL;
  size_t need = (size + 2 * alignment + 63) / 64 * 64;
  size_t at = atomic_fetch_add(&early_used, need);
  if (at + need > EARLY_BYTES) {
    errno = ENOMEM;
    return NULL;
  }
  unsigned char *block = early + at + alignment;
  memcpy(block - sizeof size, &size, sizeof size);
  return block;
}

static size_t early_size(const void *block) {
  size_t size;
  memcpy(&size, (const unsigned char *)block - sizeof size, sizeof size);
  return size;
}

/* ---- What programs call ---- */

EXPORT void *malloc(size_t size) {
  if (!is_known()) return early_alloc(size, 16);
  void *block = real.malloc(size);
  if (block != NULL) book(size);
  return block;
}

EXPORT void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return NULL;
  }
  if (!is_known()) return early_alloc(bytes, 16);
  void *block = real.calloc(count, size);
  if (block != NULL) book(bytes);
  return block;
}

EXPORT void free(void *block) {
  if (block == NULL || is_early(block) || !is_known()) return;
  real.free(block);
}

EXPORT void *realloc(void *block, size_t size) {
  if (is_early(block)) {
    void *moved = malloc(size);
    size_t old = early_size(block);
    if (moved != NULL) memcpy(moved, block, old < size ? old : size);
    return moved;
  }
  if (!is_known()) return early_alloc(size, 16);
  void *moved = real.realloc(block, size);
  if (moved != NULL) book(size);
  return moved;
}

EXPORT void *reallocarray(void *block, size_t count, size_t size) {
  size_t bytes;
  if (!__builtin_mul_overflow(count, size, &bytes)) return realloc(block, bytes);
  errno = ENOMEM;
  return NULL;
}

EXPORT void *memalign(size_t alignment, size_t size) {
  if (!is_known()) return early_alloc(size, alignment);
  void *block = real.memalign(alignment, size);
  if (block != NULL) book(size);
  return block;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

EXPORT int posix_memalign(void **block, size_t alignment, size_t size) {
  if (!is_known()) return (*block = early_alloc(size, alignment)) != NULL ? 0 : ENOMEM;
  int code = real.posix_memalign(block, alignment, size);
  if (code == 0) book(size);
  return code;
}

EXPORT void *valloc(size_t size) { return memalign((size_t)sysconf(_SC_PAGESIZE), size); }

EXPORT void *pvalloc(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return memalign(page, (size + page - 1) / page * page);
}

EXPORT size_t malloc_usable_size(void *block) {
  if (block == NULL) return 0;
  return is_early(block) ? early_size(block) : is_known() ? real.usable(block) : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * libassay-count.so: counts the calls of the malloc family in a process that preloads it. assay_count_read gives the sums over all threads.
 * malloc, calloc, realloc, aligned_alloc and kin count one each, with the bytes asked for; free is not touched.
 *
 * Each thread counts in a slot of its own, so counting costs no atomic read-modify-write; threads beyond the slots share the last one.
 * Slots are never given back: their sums stay valid when the thread is gone.
 *
 * The real functions are found by dlsym(RTLD_NEXT), so that another allocator that is preloaded or linked stays in use. Should the loader
 * itself allocate while they are looked up, the C library's own functions serve, where it has them under a second name.
 */
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define UNLIKELY(condition) __builtin_expect((condition), 0)

/* glibc's second names; NULL with another C library. */
extern void *__libc_malloc(size_t) __attribute__((weak));
extern void *__libc_calloc(size_t, size_t) __attribute__((weak));
extern void *__libc_realloc(void *, size_t) __attribute__((weak));
extern void *__libc_memalign(size_t, size_t) __attribute__((weak));

enum { SLOTS = 1024, CACHE_LINE = 64 };

typedef struct slot {
  alignas(CACHE_LINE) _Atomic uint64_t count;
  _Atomic uint64_t bytes;
} slot;

static slot slots[SLOTS];
static atomic_uint slots_taken;

#define THREAD_LOCAL __thread __attribute__((tls_model("initial-exec")))
static THREAD_LOCAL slot *own; /* NULL at first, while looking up, and in threads beyond the slots */
static THREAD_LOCAL int looking;

static struct {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void *(*memalign)(size_t, size_t);
  int (*posix_memalign)(void **, size_t, size_t);
} real;

enum { UNKNOWN, LOOKING, KNOWN };
static atomic_int state;

static void look_up(const char *name, void *to) {
  void *symbol = dlsym(RTLD_NEXT, name);
  memcpy(to, &symbol, sizeof symbol);
}

static void look_up_all(void) {
  int unknown = UNKNOWN;
  if (!atomic_compare_exchange_strong(&state, &unknown, LOOKING)) {
    while (atomic_load_explicit(&state, memory_order_acquire) != KNOWN) sched_yield();
    return;
  }
  looking = 1;
  look_up("malloc", &real.malloc);
  look_up("calloc", &real.calloc);
  look_up("realloc", &real.realloc);
  look_up("memalign", &real.memalign);
  look_up("posix_memalign", &real.posix_memalign);
  looking = 0;
  atomic_store_explicit(&state, KNOWN, memory_order_release);
}

/* All that is not the common case: the first call of a thread, and threads beyond the slots. False inside the look-up. */
static __attribute__((noinline)) int book_slowly(size_t bytes) {
  if (looking) return 0;
  if (atomic_load_explicit(&state, memory_order_acquire) != KNOWN) look_up_all();
  unsigned index = atomic_load_explicit(&slots_taken, memory_order_relaxed);
  if (index < SLOTS) index = atomic_fetch_add_explicit(&slots_taken, 1, memory_order_relaxed);
  if (index < SLOTS - 1) own = &slots[index];
  slot *s = &slots[index < SLOTS - 1 ? index : SLOTS - 1];
  atomic_fetch_add_explicit(&s->count, 1, memory_order_relaxed);
  atomic_fetch_add_explicit(&s->bytes, bytes, memory_order_relaxed);
  return 1;
}

/* Before the call, so that the call is a jump; a call that fails is so rare that counting it does no harm. */
static inline int book(size_t bytes) {
  slot *s = own;
  if (UNLIKELY(s == NULL)) return book_slowly(bytes);
  atomic_store_explicit(&s->count, atomic_load_explicit(&s->count, memory_order_relaxed) + 1, memory_order_relaxed);
  atomic_store_explicit(&s->bytes, atomic_load_explicit(&s->bytes, memory_order_relaxed) + bytes, memory_order_relaxed);
  return 1;
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

/* ---- What programs call ---- */

static void *out_of_memory(void) {
  errno = ENOMEM;
  return NULL;
}

EXPORT void *malloc(size_t size) {
  if (UNLIKELY(!book(size))) return __libc_malloc != NULL ? __libc_malloc(size) : out_of_memory();
  return real.malloc(size);
}

EXPORT void *calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return out_of_memory();
  if (UNLIKELY(!book(bytes))) return __libc_calloc != NULL ? __libc_calloc(count, size) : out_of_memory();
  return real.calloc(count, size);
}

EXPORT void *realloc(void *block, size_t size) {
  if (UNLIKELY(!book(size))) return __libc_realloc != NULL ? __libc_realloc(block, size) : out_of_memory();
  return real.realloc(block, size);
}

EXPORT void *reallocarray(void *block, size_t count, size_t size) {
  size_t bytes;
  return __builtin_mul_overflow(count, size, &bytes) ? out_of_memory() : realloc(block, bytes);
}

EXPORT void *memalign(size_t alignment, size_t size);
EXPORT void *memalign(size_t alignment, size_t size) {
  if (UNLIKELY(!book(size))) return __libc_memalign != NULL ? __libc_memalign(alignment, size) : out_of_memory();
  return real.memalign(alignment, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

EXPORT int posix_memalign(void **block, size_t alignment, size_t size) {
  if (UNLIKELY(!book(size))) return ENOMEM;
  return real.posix_memalign(block, alignment, size);
}

EXPORT void *valloc(size_t size);
EXPORT void *valloc(size_t size) { return memalign((size_t)sysconf(_SC_PAGESIZE), size); }

EXPORT void *pvalloc(size_t size);
EXPORT void *pvalloc(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  return memalign(page, (size + page - 1) / page * page);
}

/* SPDX-License-Identifier: MIT */
/* What working together costs: starting a thread, taking a lock, sharing a counter, handing an item over. */
#include <assay/bench.h>

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static void *nothing(void *argument) { return argument; }

ASSAY_BENCH(thread_start, .suite = "performance", .summary = "start a thread and wait for its end", .ceiling = "os.thread_start") {
  int code = 0;
  ASSAY_LOOP(b) {
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, nothing, NULL);
    if (failed == 0)
      pthread_join(thread, NULL);
    else
      code = failed;
  }
  if (code != 0) assay_bench_fail(b, "pthread_create: %s", strerror(code));
  assay_bench_items(b, 1);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint64_t guarded;

ASSAY_BENCH(mutex_lock, .suite = "performance", .summary = "lock, add one, unlock; one mutex for all threads",
            .params = {{"threads", "1..cpus*2"}}) {
  ASSAY_LOOP(b) {
    pthread_mutex_lock(&mutex);
    guarded++;
    pthread_mutex_unlock(&mutex);
  }
  assay_bench_items(b, 1);
}

static atomic_uint_fast64_t counter;

ASSAY_BENCH(atomic_add, .suite = "performance", .summary = "add one to a counter that all threads share",
            .params = {{"threads", "1..cpus*2"}}) {
  ASSAY_LOOP(b) atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
  assay_bench_items(b, 1);
}

/* A bounded queue with one producer and one consumer: each side owns an index and keeps a copy of the other's, so that most operations
 * touch no line that the other side writes. */
enum { SLOTS = 1024 };

static struct {
  _Alignas(64) atomic_size_t head;
  _Alignas(64) atomic_size_t tail;
  _Alignas(64) uint64_t slots[SLOTS];
} queue;

ASSAY_BENCH(queue_handoff, .suite = "performance", .summary = "items through a single-producer single-consumer queue between two threads",
            .params = {{"threads", "2"}}) {
  size_t mine = 0, theirs = 0;
  if (assay_bench_thread(b) == 0) {
    ASSAY_LOOP(b) {
      while (mine - theirs == SLOTS) theirs = atomic_load_explicit(&queue.tail, memory_order_acquire);
      queue.slots[mine % SLOTS] = mine;
      atomic_store_explicit(&queue.head, ++mine, memory_order_release);
    }
  } else {
    uint64_t sum = 0;
    ASSAY_LOOP(b) {
      while (mine == theirs) theirs = atomic_load_explicit(&queue.head, memory_order_acquire);
      sum += queue.slots[mine % SLOTS];
      atomic_store_explicit(&queue.tail, ++mine, memory_order_release);
    }
    assay_keep(sum);
  }
  assay_bench_items(b, 0.5); /* an item needs both threads */
}

/* SPDX-License-Identifier: MIT */
#include "device/cpu/threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "os/prim.h"
#include "os/ticks.h"

enum { THREADS_MAX = 1024 };

/* To wake a sleeping thread takes a few microseconds, on virtual machines some tens; what is left must be worth that. */
static const double wake_ns = 15000;
/* The caller tries small parts for this long before it judges. */
static const double trial_ns = 4000;

struct assay_threads {
  unsigned wanted;         /* with the caller */
  unsigned count, started; /* that there are; of who holds `caller` */
  pthread_t *ids;
  unsigned *cpus;
  size_t cpu_count;
  pthread_mutex_t caller; /* held by the thread whose job runs */
  pthread_mutex_t lock;   /* of what follows */
  pthread_cond_t wake, done;
  uint64_t job; /* number of the last one */
  bool open, stop;
  unsigned active;
  assay_threads_fn fn;
  void *context;
  size_t total;
  char apart[64]; /* in a cache line of its own: all threads write it */
  atomic_size_t next;
  char apart_too[64];
};

/* Large parts first, smaller ones towards the end, so that all end at about the same time. */
static void work(assay_threads *threads, assay_threads_fn fn, void *context, size_t total) {
  size_t begin = atomic_load_explicit(&threads->next, memory_order_relaxed);
  while (begin < total) {
    size_t part = (total - begin) / (4 * (size_t)threads->count);
    if (part == 0) part = 1;
    if (atomic_compare_exchange_weak_explicit(&threads->next, &begin, begin + part, memory_order_relaxed, memory_order_relaxed)) {
      fn(context, begin, begin + part);
      begin = atomic_load_explicit(&threads->next, memory_order_relaxed);
    }
  }
}

static void *worker(void *user) {
  assay_threads *threads = user;
  uint64_t seen = 0;
  if (threads->cpu_count > 0) assay_os_pin_thread(threads->cpus, threads->cpu_count, NULL);
  pthread_mutex_lock(&threads->lock);
  for (;;) {
    while (!threads->stop && (!threads->open || threads->job == seen)) pthread_cond_wait(&threads->wake, &threads->lock);
    if (threads->stop) break;
    seen = threads->job;
    threads->active++;
    assay_threads_fn fn = threads->fn;
    void *context = threads->context;
    size_t total = threads->total;
    pthread_mutex_unlock(&threads->lock);
    work(threads, fn, context, total);
    pthread_mutex_lock(&threads->lock);
    if (--threads->active == 0) pthread_cond_signal(&threads->done);
  }
  pthread_mutex_unlock(&threads->lock);
  return NULL;
}

/* Fewer than wanted is no failure: the caller does the rest. Signals are for the program's own threads. */
static void start(assay_threads *threads) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (threads->started + 1 < threads->wanted && pthread_create(&threads->ids[threads->started], NULL, worker, threads) == 0)
    threads->started++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  threads->count = threads->started + 1;
}

assay_threads *assay_threads_create(unsigned count, const unsigned *cpus, size_t cpu_count) {
  assay_threads *threads = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *threads);
  if (threads == NULL) return NULL;
  threads->wanted = count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : count;
  threads->ids = assay_calloc(ASSAY_TAG_DEVICE, threads->wanted, sizeof *threads->ids);
  threads->cpus = assay_calloc(ASSAY_TAG_DEVICE, cpu_count + 1, sizeof *threads->cpus);
  if (threads->ids == NULL || threads->cpus == NULL) {
    assay_free(threads->ids), assay_free(threads->cpus), assay_free(threads);
    return NULL;
  }
  for (size_t i = 0; i < cpu_count; i++) threads->cpus[i] = cpus[i];
  threads->cpu_count = cpu_count;
  pthread_mutex_init(&threads->caller, NULL);
  pthread_mutex_init(&threads->lock, NULL);
  pthread_cond_init(&threads->wake, NULL);
  pthread_cond_init(&threads->done, NULL);
  return threads;
}

void assay_threads_destroy(assay_threads *threads) {
  if (threads == NULL) return;
  pthread_mutex_lock(&threads->lock);
  threads->stop = true;
  pthread_cond_broadcast(&threads->wake);
  pthread_mutex_unlock(&threads->lock);
  for (unsigned i = 0; i < threads->started; i++) pthread_join(threads->ids[i], NULL);
  pthread_cond_destroy(&threads->done);
  pthread_cond_destroy(&threads->wake);
  pthread_mutex_destroy(&threads->lock);
  pthread_mutex_destroy(&threads->caller);
  assay_free(threads->ids), assay_free(threads->cpus), assay_free(threads);
}

unsigned assay_threads_count(const assay_threads *threads) { return threads->wanted; }

static void run_together(assay_threads *threads, size_t begin, size_t total, assay_threads_fn fn, void *context) {
  pthread_mutex_lock(&threads->lock);
  threads->fn = fn, threads->context = context, threads->total = total;
  atomic_store_explicit(&threads->next, begin, memory_order_relaxed);
  threads->job++;
  threads->open = true;
  pthread_cond_broadcast(&threads->wake);
  pthread_mutex_unlock(&threads->lock);
  work(threads, fn, context, total);
  pthread_mutex_lock(&threads->lock);
  threads->open = false; /* who wakes up now comes too late */
  while (threads->active > 0) pthread_cond_wait(&threads->done, &threads->lock);
  pthread_mutex_unlock(&threads->lock);
}

void assay_threads_run(assay_threads *threads, size_t total, assay_threads_fn fn, void *context) {
  if (threads->wanted == 1 || total == 1) {
    fn(context, 0, total);
    return;
  }
  double ticks_per_ns = assay_ticks_per_ns(), spent = 0;
  uint64_t begin = assay_ticks_stamp();
  size_t done = 0;
  for (size_t part = 1; done < total && spent < trial_ns * ticks_per_ns; part *= 2) {
    if (part > total - done) part = total - done;
    fn(context, done, done + part);
    done += part;
    spent = (double)(assay_ticks_stamp() - begin);
  }
  if (done == total) return;
  double left = spent / (double)done * (double)(total - done) / ticks_per_ns;
  if (left < 2 * wake_ns || pthread_mutex_trylock(&threads->caller) != 0) {
    fn(context, done, total);
    return;
  }
  if (threads->started == 0) start(threads);
  run_together(threads, done, total, fn, context);
  pthread_mutex_unlock(&threads->caller);
}

assay_status assay_threads_wanted(assay_error *err, unsigned *count) {
  const char *text = getenv("ASSAY_THREADS");
  uint64_t number = 0;
  if (text != NULL && text[0] != '\0') {
    if (!assay_parse_u64(text, &number) || number < 1 || number > THREADS_MAX)
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ASSAY_THREADS=%s is not a number from 1 to %d", text, THREADS_MAX);
    *count = (unsigned)number;
    return ASSAY_OK;
  }
  size_t cpus = assay_os_allowed_cpus(NULL, 0);
  *count = assay_os_within_quota(cpus > 0 ? cpus : 1, assay_os_cpu_quota());
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
#include "market/backtest/workers.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

enum { MOST_WORKERS = 256, POLL_MS = 5, STOP_MS = 50, MOST_STILLBORN = 3 };

/* Beside the states that are told: begun, and not ended. */
enum { BEGUN = ASSAY_WORK_TIMED_OUT + 1 };

/*
 * A process: which items it has, and which it is at. Shared with it. `item` is where both sides agree on what became of an item: the
 * process puts it in when it begins and takes it out when it is done; the parent marks it as late. Whoever comes second finds that out, so
 * nothing is ended for what it has just finished, nor for what it has just begun.
 */
typedef struct slot {
  _Alignas(64) atomic_size_t at, end;
  atomic_ullong item;            /* place + 1 of the item that it is doing, LATE with it; 0: between items */
  atomic_ullong began_ns;        /* of that item, written before it */
  atomic_bool started, finished; /* its first item can come; it has nothing left to do */
} slot;
#define LATE (UINT64_C(1) << 63)

typedef struct shared {
  atomic_size_t next;
  slot slots[MOST_WORKERS];
} shared;

typedef struct pool {
  const assay_work *work;
  shared *shared; /* followed by states and cells */
  unsigned char *states, *cells;
  unsigned char *signals;
  size_t chunk;
  int pids[MOST_WORKERS], fds[MOST_WORKERS];
  unsigned workers, running;
  unsigned stillborn; /* processes in a row that died before their first item */
} pool;

/* ---- In a worker --------------------------------------------------------------------------------------------------------------------- */

/* Of items that another process has begun, none is begun again. */
static void do_items(const pool *p, slot *s, void *context) {
  for (size_t i = atomic_load(&s->at); i < atomic_load(&s->end); i++) {
    atomic_store(&s->at, i);
    if (p->states[i] != ASSAY_WORK_OPEN) continue;
    atomic_store(&s->began_ns, assay_os_now_ns());
    atomic_store(&s->item, i + 1);
    p->states[i] = BEGUN;
    p->work->item(p->work->user, context, i, p->cells + i * p->work->cell_bytes);
    unsigned long long expected = i + 1;
    if (!atomic_compare_exchange_strong(&s->item, &expected, 0))
      for (;;) pause(); /* late: the parent ends us */
    p->states[i] = ASSAY_WORK_DONE;
  }
  atomic_store(&s->at, atomic_load(&s->end));
}

static void do_all(const pool *p, slot *s) {
  void *context = NULL;
  if (p->work->begin != NULL) p->work->begin(p->work->user, &context);
  atomic_store(&s->started, true);
  do_items(p, s, context); /* what a predecessor has left */
  for (;;) {
    size_t from = atomic_fetch_add(&p->shared->next, p->chunk);
    if (from >= p->work->count) break;
    size_t left = p->work->count - from;
    atomic_store(&s->end, from); /* empty meanwhile: whoever comes after us must not take it for what we had */
    atomic_store(&s->at, from);
    atomic_store(&s->end, from + (left < p->chunk ? left : p->chunk));
    do_items(p, s, context);
  }
  if (p->work->end != NULL) p->work->end(context);
  atomic_store(&s->finished, true);
}

/* A crash ends this process, whatever the program does about crashes elsewhere, and leaves no dump of its memory. A terminal tells all of
 * its processes to stop: where the parent minds that, it ends this one itself. */
static void die_plainly(const pool *p) {
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}, stops[] = {SIGTERM, SIGINT, SIGHUP};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
  for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) signal(stops[i], p->work->stop != NULL ? SIG_IGN : SIG_DFL);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0});
}

/* ---- In the parent ------------------------------------------------------------------------------------------------------------------- */

static assay_status start(pool *p, unsigned number, assay_error *err) {
  slot *s = &p->shared->slots[number];
  atomic_store(&s->item, 0);
  atomic_store(&s->started, false);
  atomic_store(&s->finished, false);
  int parent = (int)getpid(), child = (int)fork();
  if (child < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot start a worker process");
  if (child == 0) {
    assay_os_die_with_parent(parent);
    die_plainly(p);
    do_all(p, s);
    _exit(0);
  }
  p->pids[number] = child;
  p->fds[number] = assay_os_process_fd(child);
  p->running++;
  return ASSAY_OK;
}

static void reap(pool *p, unsigned number, int *how) {
  while (waitpid(p->pids[number], how, 0) < 0 && errno == EINTR) {
  }
  if (p->fds[number] >= 0) close(p->fds[number]);
  p->pids[number] = 0;
  p->running--;
}

/* The item that a process died at is lost; the rest of its items and what nobody has taken yet go to another. */
static assay_status replace(pool *p, unsigned number, int how, assay_error *err) {
  slot *s = &p->shared->slots[number];
  size_t at = atomic_load(&s->at), end = atomic_load(&s->end);
  unsigned long long item = atomic_load(&s->item);
  if (at < end && p->states[at] == BEGUN && item == 0) p->states[at] = ASSAY_WORK_DONE; /* all but the word of it */
  if (at < end && p->states[at] == BEGUN) {
    p->states[at] = (item & LATE) != 0 ? ASSAY_WORK_TIMED_OUT : ASSAY_WORK_CRASHED;
    p->signals[at] = (unsigned char)(WIFSIGNALED(how) ? WTERMSIG(how) : 0);
  }
  p->stillborn = atomic_load(&s->started) ? 0 : p->stillborn + 1;
  if (p->stillborn >= MOST_STILLBORN)
    return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "worker processes die before their first item (the last one of signal %d)",
                      WIFSIGNALED(how) ? WTERMSIG(how) : 0);
  bool more = at < end || atomic_load(&p->shared->next) < p->work->count;
  if (!more) return ASSAY_OK;
  assay_error problem = {0};
  assay_status status = start(p, number, &problem);
  if (status == ASSAY_OK || p->running > 0) return ASSAY_OK; /* what is left, others do in the end */
  return ASSAY_FAIL(err, status, "%s", problem.message);
}

/* Whether the item that it is at takes too long; from then on it cannot end any more. */
static bool is_late(const pool *p, unsigned number) {
  slot *s = &p->shared->slots[number];
  unsigned long long item = atomic_load(&s->item);
  if (!(p->work->seconds > 0) || item == 0) return false;
  uint64_t began = atomic_load(&s->began_ns), now = assay_os_now_ns();
  if (now <= began || (double)(now - began) * 1e-9 <= p->work->seconds) return false;
  return (item & LATE) != 0 || atomic_compare_exchange_strong(&s->item, &item, item | LATE);
}

static bool is_stopped(const assay_work *work) { return work->stop != NULL && *work->stop != 0; }

static void wait_for_any(const pool *p) {
  struct pollfd polled[MOST_WORKERS];
  nfds_t count = 0;
  bool all = true;
  for (unsigned i = 0; i < p->workers; i++) {
    if (p->pids[i] == 0) continue;
    if (p->fds[i] >= 0) polled[count++] = (struct pollfd){.fd = p->fds[i], .events = POLLIN};
    all = all && p->fds[i] >= 0;
  }
  /* A signal may come just before the waiting begins. */
  poll(polled, count, !all || p->work->seconds > 0 ? POLL_MS : p->work->stop != NULL ? STOP_MS : -1);
}

static assay_status watch(pool *p, assay_error *err) {
  assay_status status = ASSAY_OK;
  while (p->running > 0) {
    wait_for_any(p);
    for (unsigned i = 0; i < p->workers; i++) {
      int how = 0;
      if (p->pids[i] == 0) continue;
      const bool ends = status != ASSAY_OK || is_stopped(p->work);
      const bool late = !ends && is_late(p, i);
      if (late || ends) kill(p->pids[i], SIGKILL);
      if (!late && !ends && !assay_os_has_ended(p->pids[i])) continue;
      reap(p, i, &how);
      if (!ends && !atomic_load(&p->shared->slots[i].finished)) status = replace(p, i, how, err);
    }
  }
  return status;
}

/* Items that fell between a process that died and the next one: taken off the list, and never begun. */
static assay_status do_the_rest(pool *p, assay_error *err) {
  slot *s = &p->shared->slots[0];
  assay_status status = ASSAY_OK;
  size_t open = 0;
  while (status == ASSAY_OK && !is_stopped(p->work)) {
    while (open < p->work->count && p->states[open] != ASSAY_WORK_OPEN) open++;
    if (open == p->work->count) return ASSAY_OK;
    atomic_store(&s->at, open);
    atomic_store(&s->end, p->work->count);
    status = start(p, 0, err);
    if (status == ASSAY_OK) status = watch(p, err);
  }
  return status;
}

/* ---- Both ---------------------------------------------------------------------------------------------------------------------------- */

static unsigned workers_for(const assay_work *work) {
  size_t workers = work->workers;
  if (workers == 0) workers = assay_os_within_quota(assay_os_allowed_cpus(NULL, 0), assay_os_cpu_quota());
  if (workers > work->count) workers = work->count;
  return (unsigned)(workers < 1 ? 1 : workers > MOST_WORKERS ? MOST_WORKERS : workers);
}

static assay_status run_here(const assay_work *work, void *cells, unsigned char *states) {
  void *context = NULL;
  if (work->begin != NULL) work->begin(work->user, &context);
  for (size_t i = 0; i < work->count && !is_stopped(work); i++) {
    work->item(work->user, context, i, (char *)cells + i * work->cell_bytes);
    states[i] = ASSAY_WORK_DONE;
  }
  if (work->end != NULL) work->end(context);
  return ASSAY_OK;
}

assay_status assay_work_run(const assay_work *work, assay_error *err, void *cells, unsigned char *states, unsigned char *signals) {
  memset(states, ASSAY_WORK_OPEN, work->count);
  memset(signals, 0, work->count);
  if (work->here || work->count == 0) return run_here(work, cells, states);
  size_t cells_at = (sizeof(shared) + work->count + 63) / 64 * 64, bytes = cells_at + work->count * work->cell_bytes;
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return ASSAY_FAIL_ERRNO(err, errno, "no memory for the results of %zu items", work->count);
  pool p = {.work = work, .shared = memory, .signals = signals, .workers = workers_for(work)};
  p.states = (unsigned char *)memory + sizeof(shared);
  p.cells = (unsigned char *)memory + cells_at;
  /* Pieces small enough that the last ones end together, large enough that taking one costs nothing. */
  p.chunk = work->count / (p.workers * 16);
  if (p.chunk < 1) p.chunk = 1;
  assay_status status = ASSAY_OK;
  for (unsigned i = 0; i < p.workers && status == ASSAY_OK && !is_stopped(work); i++) status = start(&p, i, err);
  if (p.running > 0) {
    assay_status watched = watch(&p, err);
    if (status == ASSAY_OK) status = watched;
  }
  if (status == ASSAY_OK) status = do_the_rest(&p, err);
  for (size_t i = 0; i < work->count; i++)
    if (p.states[i] == BEGUN) p.states[i] = is_stopped(work) ? ASSAY_WORK_OPEN : ASSAY_WORK_CRASHED; /* by who ended without a word */
  memcpy(states, p.states, work->count);
  memcpy(cells, p.cells, work->count * work->cell_bytes);
  munmap(memory, bytes);
  return status;
}

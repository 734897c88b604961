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

enum { MOST_WORKERS = 256, POLL_MS = 5 };

/* A process: which items it has, and which it is at. Shared with it. */
typedef struct slot {
  _Alignas(64) atomic_size_t at, end; /* at: item that it is doing */
  atomic_ullong began_ns;             /* of that item; 0: between items */
} slot;

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
} pool;

/* ---- In a worker -----------------------------------------------------------------------------------------------------------------------
 */

static void do_items(const pool *p, slot *s, void *context) {
  for (size_t i = atomic_load(&s->at); i < atomic_load(&s->end); i++) {
    atomic_store(&s->at, i);
    atomic_store(&s->began_ns, assay_os_now_ns());
    p->work->item(p->work->user, context, i, p->cells + i * p->work->cell_bytes);
    atomic_store(&s->began_ns, 0);
    p->states[i] = ASSAY_WORK_DONE;
  }
}

static void do_all(const pool *p, slot *s) {
  void *context = NULL;
  if (p->work->begin != NULL) p->work->begin(p->work->user, &context);
  do_items(p, s, context); /* what a predecessor has left */
  for (;;) {
    size_t from = atomic_fetch_add(&p->shared->next, p->chunk);
    if (from >= p->work->count) break;
    size_t left = p->work->count - from;
    atomic_store(&s->at, from);
    atomic_store(&s->end, from + (left < p->chunk ? left : p->chunk));
    do_items(p, s, context);
  }
  atomic_store(&s->at, atomic_load(&s->end));
  if (p->work->end != NULL) p->work->end(context);
}

/* A crash ends this process, whatever the program does about crashes elsewhere, and leaves no dump of its memory. */
static void die_plainly(void) {
  static const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTERM, SIGINT};
  for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) signal(fatal[i], SIG_DFL);
  setrlimit(RLIMIT_CORE, &(struct rlimit){0});
}

/* ---- In the parent ----------------------------------------------------------------------------------------------------------------------
 */

static assay_status start(pool *p, unsigned number, assay_error *err) {
  int parent = (int)getpid(), child = (int)fork();
  if (child < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot start a worker process");
  if (child == 0) {
    assay_os_die_with_parent(parent);
    die_plainly();
    do_all(p, &p->shared->slots[number]);
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
static assay_status replace(pool *p, unsigned number, int how, bool late, assay_error *err) {
  slot *s = &p->shared->slots[number];
  size_t at = atomic_load(&s->at), end = atomic_load(&s->end);
  if (at < end && p->states[at] == ASSAY_WORK_OPEN) {
    p->states[at] = late ? ASSAY_WORK_TIMED_OUT : ASSAY_WORK_CRASHED;
    p->signals[at] = (unsigned char)(WIFSIGNALED(how) ? WTERMSIG(how) : 0);
  }
  if (at < end) atomic_store(&s->at, at + 1);
  atomic_store(&s->began_ns, 0);
  bool more = atomic_load(&s->at) < end || atomic_load(&p->shared->next) < p->work->count;
  return more ? start(p, number, err) : ASSAY_OK;
}

static bool is_late(const pool *p, unsigned number) {
  uint64_t began = atomic_load(&p->shared->slots[number].began_ns), now = assay_os_now_ns();
  return p->work->seconds > 0 && began != 0 && now > began && (double)(now - began) * 1e-9 > p->work->seconds;
}

static void wait_for_any(const pool *p) {
  struct pollfd polled[MOST_WORKERS];
  nfds_t count = 0;
  bool all = true;
  for (unsigned i = 0; i < p->workers; i++) {
    if (p->pids[i] == 0) continue;
    if (p->fds[i] >= 0) polled[count++] = (struct pollfd){.fd = p->fds[i], .events = POLLIN};
    all = all && p->fds[i] >= 0;
  }
  poll(polled, count, all && !(p->work->seconds > 0) ? -1 : POLL_MS);
}

static assay_status watch(pool *p, assay_error *err) {
  assay_status status = ASSAY_OK;
  while (p->running > 0) {
    wait_for_any(p);
    for (unsigned i = 0; i < p->workers; i++) {
      int how = 0;
      if (p->pids[i] == 0) continue;
      bool late = is_late(p, i);
      if (late || status != ASSAY_OK) kill(p->pids[i], SIGKILL);
      if (!late && status == ASSAY_OK && !assay_os_has_ended(p->pids[i])) continue;
      reap(p, i, &how);
      bool ended_well = WIFEXITED(how) && WEXITSTATUS(how) == 0;
      if (!ended_well && status == ASSAY_OK) status = replace(p, i, how, late, err);
    }
  }
  return status;
}

/* ---- Both -------------------------------------------------------------------------------------------------------------------------------
 */

static unsigned workers_for(const assay_work *work) {
  size_t workers = work->workers;
  if (workers == 0) workers = assay_os_within_quota(assay_os_allowed_cpus(NULL, 0), assay_os_cpu_quota());
  if (workers > work->count) workers = work->count;
  return (unsigned)(workers < 1 ? 1 : workers > MOST_WORKERS ? MOST_WORKERS : workers);
}

static assay_status run_here(const assay_work *work, void *cells, unsigned char *states) {
  void *context = NULL;
  if (work->begin != NULL) work->begin(work->user, &context);
  for (size_t i = 0; i < work->count; i++) {
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
  for (unsigned i = 0; i < p.workers && status == ASSAY_OK; i++) status = start(&p, i, err);
  if (p.running > 0) {
    assay_status watched = watch(&p, err);
    if (status == ASSAY_OK) status = watched;
  }
  memcpy(states, p.states, work->count);
  memcpy(cells, p.cells, work->count * work->cell_bytes);
  munmap(memory, bytes);
  return status;
}

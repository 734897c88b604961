/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <poll.h>

#include "base/alloc.h"
#include "market/websocket/connection.h"
#include "os/prim.h"

enum {
  READY_AT_ONCE = 256,
  SPINS_A_LOOK = 64, /* at the clock, at new connections, at sockets that had no room */
  USUAL_MEMORY = 1 << 30,
  USUAL_PATIENCE_NS = 50 * 1000,
  SHORT_WAITS = 8, /* so many in a row, and a loop that sleeps is patient; twice as many each time that was in vain */
  MOST_SHORT_WAITS = 4096,
  SCAN_NS = 20 * 1000 * 1000, /* all deadlines are looked at together, not more often: ten thousand pings are no ten thousand walks */
};

assay_status assay_ws_loop_create(const assay_ws_loop_options *options, assay_error *err, assay_ws_loop **loop) {
  double patience_s = options != NULL ? options->patience_s : 0;
  if (isnan(patience_s)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "patience_s is no number");
  assay_ws_loop *l = assay_calloc(ASSAY_TAG_MARKET, 1, sizeof *l);
  if (l == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a loop");
  l->spin = options != NULL && options->spin;
  l->patience_ns = patience_s == 0 ? USUAL_PATIENCE_NS : patience_s < 0 ? 0 : patience_s < 1 ? (uint64_t)(patience_s * 1e9) : 1000000000;
  l->wanted_waits = SHORT_WAITS;
  l->memory_limit = options != NULL && options->memory_limit != 0 ? options->memory_limit : USUAL_MEMORY;
  l->next_deadline_ns = UINT64_MAX;
  l->now_ns = assay_os_now_ns();
  l->bytes = assay_alloc(ASSAY_TAG_MARKET, READ_SIZE);
  l->plain = assay_alloc(ASSAY_TAG_MARKET, READ_SIZE);
  assay_status status = l->bytes != NULL && l->plain != NULL ? assay_os_poller_create(err, &l->poller)
                                                             : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a loop");
  if (status == ASSAY_OK)
    *loop = l;
  else
    assay_ws_loop_destroy(l);
  return status;
}

/* Returns whether any connection ended. */
static bool reap(assay_ws_loop *loop) {
  bool any = false;
  while (loop->dead != NULL) { /* a handler may end others */
    assay_ws *ws = loop->dead;
    loop->dead = ws->dead_next;
    assay_ws_connection_free(ws);
    any = true;
  }
  return any;
}

void assay_ws_loop_destroy(assay_ws_loop *loop) {
  if (loop == NULL) return;
  while (loop->first != NULL || loop->dead != NULL) {
    while (loop->first != NULL) assay_ws_connection_end(loop->first, ASSAY_WS_CLOSE_ABNORMAL, "the loop is gone");
    reap(loop);
  }
  while (loop->servers != NULL) assay_ws_server_destroy(loop->servers);
  assay_os_poller_destroy(loop->poller);
  assay_ws_bytes_deinit(&loop->scratch);
  assay_free(loop->bytes);
  assay_free(loop->plain);
  assay_free(loop);
}

/* When the deadlines are looked at next. */
static uint64_t next_scan(const assay_ws_loop *loop) {
  uint64_t soonest = loop->scanned_ns + SCAN_NS;
  return loop->next_deadline_ns > soonest ? loop->next_deadline_ns : soonest;
}

static void check_deadlines(assay_ws_loop *loop) {
  if (loop->now_ns < next_scan(loop)) return;
  loop->scanned_ns = loop->now_ns;
  loop->next_deadline_ns = UINT64_MAX; /* each sets its own again */
  for (assay_ws *ws = loop->first, *next; ws != NULL; ws = next) {
    next = ws->next;
    assay_ws_connection_deadline(ws);
  }
  for (assay_ws_server *s = loop->servers; s != NULL; s = s->next) assay_ws_server_deadline(s);
}

static bool is_set(const int *flag) { return __atomic_load_n(flag, __ATOMIC_ACQUIRE) != 0; }
static void set_flag(int *flag, int value) { __atomic_store_n(flag, value, __ATOMIC_RELEASE); }
static bool interrupted(const assay_ws_loop *loop) { return is_set(&loop->stopped) || is_set(&loop->woken); }

/* What the poller tells within so many ms; afterwards it is `now_ns`. */
static size_t poll_once(assay_ws_loop *loop, int timeout_ms) {
  assay_os_ready ready[READY_AT_ONCE];
  size_t count = assay_os_poller_wait(loop->poller, timeout_ms, ready, READY_AT_ONCE);
  loop->now_ns = assay_os_now_ns();
  for (size_t i = 0; i < count; i++) {
    if (*(watched *)ready[i].user == WATCHED_SERVER)
      assay_ws_server_accept(ready[i].user);
    else if (((assay_ws *)ready[i].user)->state != DEAD)
      assay_ws_connection_ready(ready[i].user, ready[i].what);
  }
  return count;
}

/* What the poller watches costs the system a call back for each packet, so a spinning loop takes its few connections away from it. */
void assay_ws_loop_adopt(assay_ws *ws) {
  assay_ws_loop *loop = ws->loop;
  if (ws->direct || loop->count > SPIN_DIRECT) return;
  assay_os_poller_remove(loop->poller, ws->fd);
  ws->direct = true;
  loop->direct++;
}

void assay_ws_loop_release(assay_ws *ws) {
  unsigned what = ASSAY_OS_READABLE | (ws->wants_write ? (unsigned)ASSAY_OS_WRITABLE : 0);
  ws->direct = false;
  ws->loop->direct--;
  if (assay_os_poller_add(ws->loop->poller, ws->fd, what, ws, NULL) != ASSAY_OK)
    assay_ws_connection_end(ws, ASSAY_WS_CLOSE_ABNORMAL, "the system waits for no more connections");
}

/* What only the system knows: new connections, room to write, the time. */
static bool look_around(assay_ws_loop *loop) {
  for (assay_ws *ws = loop->first, *next; ws != NULL && loop->direct > 0; ws = next) {
    next = ws->next;
    if (!ws->direct) continue;
    if (loop->count > SPIN_DIRECT)
      assay_ws_loop_release(ws);
    else if (ws->wants_write)
      assay_ws_connection_ready(ws, ASSAY_OS_WRITABLE);
  }
  bool any = poll_once(loop, 0) > 0;
  check_deadlines(loop);
  return any;
}

/*
 * One round over the sockets themselves. poll takes none of their locks, where recv, on one that has nothing, would hold it just when the
 * system brings something.
 */
static bool spin_once(assay_ws_loop *loop) {
  struct pollfd asked[SPIN_DIRECT];
  assay_ws *of[SPIN_DIRECT];
  nfds_t count = 0;
  bool any = false;
  if (loop->idle_spins >= SPINS_A_LOOK || loop->busy_spins >= SPINS_A_LOOK || loop->count == 0 || loop->count > SPIN_DIRECT) {
    loop->idle_spins = loop->busy_spins = 0;
    return look_around(loop);
  }
  for (assay_ws *ws = loop->first; ws != NULL && count < SPIN_DIRECT; ws = ws->next) {
    if (ws->state == TO_CONNECT || ws->state == DEAD) continue;
    asked[count] = (struct pollfd){.fd = ws->fd, .events = POLLIN};
    of[count++] = ws;
  }
  if (poll(asked, count, 0) > 0) {
    for (nfds_t i = 0; i < count; i++)
      if (asked[i].revents != 0) any |= assay_ws_connection_read(of[i]); /* whoever died meanwhile is there until the turn ends */
  }
  if (any) {
    loop->busy_spins++;
    loop->idle_spins = 0;
  } else {
    loop->idle_spins++;
  }
  return any;
}

/* Who was refused for what others held is told when there is room again. */
static void feed_the_starved(assay_ws_loop *loop) {
  if (!assay_ws_memory_has_room(loop, loop->starved)) return;
  loop->starved = 0;
  for (assay_ws *ws = loop->first, *next; ws != NULL; ws = next) {
    next = ws->next;
    assay_ws_tell_drained(ws);
  }
}

static int milliseconds(uint64_t from, uint64_t to) {
  if (to == UINT64_MAX) return -1;
  uint64_t ms = to <= from ? 0 : (to - from + 999999) / 1000000;
  return ms < 1000000000 ? (int)ms : 1000000000;
}

/* The sockets themselves, until something came. Whether it did before `end`. */
static bool spin_until(assay_ws_loop *loop, uint64_t end) {
  while (!spin_once(loop)) {
    if (loop->dead != NULL || interrupted(loop)) return true;
    if (loop->now_ns >= end) return false;
  }
  return true;
}

/*
 * To be woken takes the system longer than most answers do, so a loop that sleeps asks for a while first, where that pays: once some waits
 * in a row were short, and until one was not. Traffic with longer pauses costs nothing; nor, by and by, do two ends that share a core,
 * where asking only keeps the other from answering.
 */
static void wait_for(assay_ws_loop *loop, uint64_t until) {
  uint64_t from = loop->now_ns;
  if (loop->patience_ns > 0 && loop->short_waits >= loop->wanted_waits && until > from && !interrupted(loop)) {
    uint64_t end = from + loop->patience_ns;
    if (spin_until(loop, end < until ? end : until)) {
      loop->wanted_waits = SHORT_WAITS;
      return;
    }
    if (loop->now_ns >= end) {
      loop->short_waits = 0;
      if (loop->wanted_waits < MOST_SHORT_WAITS) loop->wanted_waits *= 2;
    }
  }
  poll_once(loop, interrupted(loop) ? 0 : milliseconds(loop->now_ns, until));
  if (loop->now_ns - from < 2 * loop->patience_ns) /* being woken is a part of it */
    loop->short_waits += loop->short_waits < loop->wanted_waits;
  else
    loop->short_waits = 0;
}

assay_status assay_ws_loop_turn(assay_ws_loop *loop, double timeout_s, assay_error *err) {
  if (isnan(timeout_s)) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the time to wait is no number");
  if (reap(loop)) timeout_s = 0;
  loop->now_ns = assay_os_now_ns();
  uint64_t end = timeout_s < 0 || timeout_s > 1e9 ? UINT64_MAX : loop->now_ns + (uint64_t)(timeout_s * 1e9);
  if (loop->spin) {
    (void)spin_until(loop, end);
  } else {
    uint64_t scan = next_scan(loop);
    wait_for(loop, end < scan ? end : scan);
    if (loop->next_deadline_ns != UINT64_MAX) check_deadlines(loop);
  }
  set_flag(&loop->woken, 0);
  reap(loop);
  if (loop->starved > 0) feed_the_starved(loop);
  return ASSAY_OK;
}

assay_status assay_ws_loop_run(assay_ws_loop *loop, assay_error *err) {
  assay_status status = ASSAY_OK;
  while (!is_set(&loop->stopped) && status == ASSAY_OK) status = assay_ws_loop_turn(loop, -1, err);
  set_flag(&loop->stopped, 0);
  return status;
}

void assay_ws_loop_wake(assay_ws_loop *loop) {
  set_flag(&loop->woken, 1);
  assay_os_poller_wake(loop->poller);
}

void assay_ws_loop_stop(assay_ws_loop *loop) {
  set_flag(&loop->stopped, 1);
  assay_os_poller_wake(loop->poller);
}

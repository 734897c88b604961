/* SPDX-License-Identifier: MIT */
#include "os/poller.h"

#include <errno.h>
#include <sys/event.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/alloc.h"

struct assay_os_poller {
  int queue;
};

assay_status assay_os_poller_create(assay_error *err, assay_os_poller **poller) {
  assay_os_poller *p = assay_calloc(ASSAY_TAG_BASE, 1, sizeof *p);
  if (p == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a poller");
  p->queue = kqueue();
  struct kevent wake;
  EV_SET(&wake, 0, EVFILT_USER, EV_ADD | EV_CLEAR, 0, 0, NULL);
  if (p->queue < 0 || kevent(p->queue, &wake, 1, NULL, 0, NULL) != 0) {
    assay_status status = ASSAY_FAIL_ERRNO(err, errno, "cannot wait for descriptors");
    assay_os_poller_destroy(p);
    return status;
  }
  *poller = p;
  return ASSAY_OK;
}

void assay_os_poller_destroy(assay_os_poller *p) {
  if (p == NULL) return;
  if (p->queue >= 0) close(p->queue);
  assay_free(p);
}

static int set(assay_os_poller *p, int fd, unsigned what, void *user) {
  struct kevent changes[2];
  EV_SET(&changes[0], (uintptr_t)fd, EVFILT_READ, EV_ADD | ((what & ASSAY_OS_READABLE) != 0 ? EV_ENABLE : EV_DISABLE), 0, 0, user);
  EV_SET(&changes[1], (uintptr_t)fd, EVFILT_WRITE, EV_ADD | ((what & ASSAY_OS_WRITABLE) != 0 ? EV_ENABLE : EV_DISABLE), 0, 0, user);
  return kevent(p->queue, changes, 2, NULL, 0, NULL);
}

assay_status assay_os_poller_add(assay_os_poller *p, int fd, unsigned what, void *user, assay_error *err) {
  if (set(p, fd, what, user) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot wait for a connection");
  return ASSAY_OK;
}

void assay_os_poller_change(assay_os_poller *p, int fd, unsigned what, void *user) { (void)set(p, fd, what, user); }

void assay_os_poller_remove(assay_os_poller *p, int fd) {
  struct kevent changes[2];
  EV_SET(&changes[0], (uintptr_t)fd, EVFILT_READ, EV_DELETE, 0, 0, NULL);
  EV_SET(&changes[1], (uintptr_t)fd, EVFILT_WRITE, EV_DELETE, 0, 0, NULL);
  (void)kevent(p->queue, changes, 2, NULL, 0, NULL);
}

size_t assay_os_poller_wait(assay_os_poller *p, int timeout_ms, assay_os_ready *ready, size_t capacity) {
  struct kevent events[256];
  struct timespec timeout = {.tv_sec = timeout_ms / 1000, .tv_nsec = (long)(timeout_ms % 1000) * 1000000};
  int most = capacity < 256 ? (int)capacity : 256, got = kevent(p->queue, NULL, 0, events, most, timeout_ms < 0 ? NULL : &timeout);
  size_t count = 0;
  for (int i = 0; i < got; i++) {
    if (events[i].filter == EVFILT_USER) continue;
    ready[count++] = (assay_os_ready){events[i].udata, events[i].filter == EVFILT_WRITE ? ASSAY_OS_WRITABLE : ASSAY_OS_READABLE};
  }
  return count;
}

void assay_os_poller_wake(assay_os_poller *p) {
  int saved = errno;
  struct kevent wake;
  EV_SET(&wake, 0, EVFILT_USER, 0, NOTE_TRIGGER, 0, NULL);
  (void)kevent(p->queue, &wake, 1, NULL, 0, NULL);
  errno = saved;
}

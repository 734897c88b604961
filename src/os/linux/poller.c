/* SPDX-License-Identifier: MIT */
#include "os/poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"

struct assay_os_poller {
  int epoll, wake;
};

static uint32_t mask_of(unsigned what) {
  return ((what & ASSAY_OS_READABLE) != 0 ? (uint32_t)EPOLLIN | EPOLLRDHUP : 0) |
         ((what & ASSAY_OS_WRITABLE) != 0 ? (uint32_t)EPOLLOUT : 0);
}

assay_status assay_os_poller_create(assay_error *err, assay_os_poller **poller) {
  assay_os_poller *p = assay_calloc(ASSAY_TAG_BASE, 1, sizeof *p);
  if (p == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for a poller");
  p->epoll = epoll_create1(EPOLL_CLOEXEC);
  p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  if (p->epoll < 0 || p->wake < 0 || epoll_ctl(p->epoll, EPOLL_CTL_ADD, p->wake, &event) != 0) {
    assay_status status = ASSAY_FAIL_ERRNO(err, errno, "cannot wait for descriptors");
    assay_os_poller_destroy(p);
    return status;
  }
  *poller = p;
  return ASSAY_OK;
}

void assay_os_poller_destroy(assay_os_poller *p) {
  if (p == NULL) return;
  if (p->epoll >= 0) close(p->epoll);
  if (p->wake >= 0) close(p->wake);
  assay_free(p);
}

assay_status assay_os_poller_add(assay_os_poller *p, int fd, unsigned what, void *user, assay_error *err) {
  struct epoll_event event = {.events = mask_of(what), .data.ptr = user};
  if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot wait for a connection");
  return ASSAY_OK;
}

void assay_os_poller_change(assay_os_poller *p, int fd, unsigned what, void *user) {
  struct epoll_event event = {.events = mask_of(what), .data.ptr = user};
  (void)epoll_ctl(p->epoll, EPOLL_CTL_MOD, fd, &event);
}

void assay_os_poller_remove(assay_os_poller *p, int fd) {
  struct epoll_event event = {0};
  (void)epoll_ctl(p->epoll, EPOLL_CTL_DEL, fd, &event);
}

size_t assay_os_poller_wait(assay_os_poller *p, int timeout_ms, assay_os_ready *ready, size_t capacity) {
  struct epoll_event events[256];
  int most = capacity < 256 ? (int)capacity : 256, got = epoll_wait(p->epoll, events, most, timeout_ms);
  size_t count = 0;
  for (int i = 0; i < got; i++) {
    uint32_t e = events[i].events;
    if (events[i].data.ptr == NULL) {
      uint64_t ignored;
      if (read(p->wake, &ignored, sizeof ignored) < 0) continue;
      continue;
    }
    bool trouble = (e & (EPOLLERR | EPOLLHUP)) != 0;
    unsigned what = (trouble || (e & (EPOLLIN | EPOLLRDHUP)) != 0 ? (unsigned)ASSAY_OS_READABLE : 0) |
                    (trouble || (e & EPOLLOUT) != 0 ? (unsigned)ASSAY_OS_WRITABLE : 0);
    ready[count++] = (assay_os_ready){events[i].data.ptr, what};
  }
  return count;
}

void assay_os_poller_wake(assay_os_poller *p) {
  int saved = errno;
  uint64_t one = 1;
  ssize_t ignored = write(p->wake, &one, sizeof one);
  (void)ignored;
  errno = saved;
}

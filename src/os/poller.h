/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many descriptors: epoll on Linux, kqueue on macOS. Level-triggered: what is ready and was not dealt with is told again.
 * One thread at a time, but for assay_os_poller_wake.
 */
#ifndef ASSAY_OS_POLLER_H
#define ASSAY_OS_POLLER_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

typedef struct assay_os_poller assay_os_poller;

enum { ASSAY_OS_READABLE = 1, ASSAY_OS_WRITABLE = 2 };

typedef struct assay_os_ready {
  void *user;
  unsigned what; /* also for errors and hang-ups, which a read or write then tells */
} assay_os_ready;

assay_status assay_os_poller_create(assay_error *err, assay_os_poller **poller);
void assay_os_poller_destroy(assay_os_poller *poller);
assay_status assay_os_poller_add(assay_os_poller *poller, int fd, unsigned what, void *user, assay_error *err);
/* Cannot fail for a descriptor that was added. */
void assay_os_poller_change(assay_os_poller *poller, int fd, unsigned what, void *user);
void assay_os_poller_remove(assay_os_poller *poller, int fd);
/* Waits at most `timeout_ms` (below 0: for ever), and returns how many of `ready` were filled; 0 also when woken or interrupted. */
size_t assay_os_poller_wait(assay_os_poller *poller, int timeout_ms, assay_os_ready *ready, size_t capacity);
/* Ends the wait that runs, or the next one. From any thread, and from a signal handler. */
void assay_os_poller_wake(assay_os_poller *poller);

#endif

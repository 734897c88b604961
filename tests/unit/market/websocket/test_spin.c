/* SPDX-License-Identifier: MIT */
/* What a spinning loop asks the system, and when its turns end: recv and poll are counted here on their way. */
#include <poll.h>
#include <time.h>

#include "market/websocket/connection.h"
#include "stand.h"

enum { MOST_FDS = 1024 };
static unsigned reads[MOST_FDS], polls, polls_that_wait;
static nfds_t polled;

ssize_t recv(int fd, void *bytes, size_t size, int flags) {
  if (fd >= 0 && fd < MOST_FDS) reads[fd]++;
  return recvfrom(fd, bytes, size, flags, NULL, NULL);
}

int poll(struct pollfd *asked, nfds_t count, int timeout_ms) {
  const struct timespec wait = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
  polls++;
  polls_that_wait += timeout_ms != 0;
  polled = count;
  return ppoll(asked, count, timeout_ms < 0 ? NULL : &wait, NULL);
}

static void forget(void) {
  memset(reads, 0, sizeof reads);
  polls = polls_that_wait = 0;
  polled = 0;
}

static void some_rounds(void) { assert_ok(assay_ws_loop_turn(loop, 0.002, &err), err); }

/* A turn without an end of its own; where it never ends, the alarm ends the test. */
static void turn(void) {
  alarm(30);
  assert_ok(assay_ws_loop_turn(loop, -1, &err), err);
  alarm(0);
}

static void start_spinning(double close_s) {
  start_with(&(assay_ws_server_options){.connection = {.close_s = close_s}}, true);
  ours.echo = false;
}

/* recv on a socket that has nothing would hold its lock just when the system brings something. */
static void nothing_is_read_where_nothing_is(void **state) {
  (void)state;
  start_spinning(0);
  connected(NULL);
  some_rounds();
  forget();
  some_rounds();
  assert_true(polls > 0);
  assert_int_equal(polls_that_wait, 0);
  assert_int_equal(polled, 2);
  assert_int_equal(reads[ours.ws->fd] + reads[theirs.ws->fd], 0);
  loop->idle_spins = 5;
  send_text(&theirs, "to be read");
  while (ours.messages == 0) turn();
  assert_true(reads[ours.ws->fd] > 0);
  assert_int_equal(reads[theirs.ws->fd], 0); /* nor beside one that has something */
  assert_int_equal(loop->idle_spins, 0);
  finish();
}

/* Whose connection is still being made has nothing to say. */
static void who_is_not_connected_is_not_read(void **state) {
  (void)state;
  start_spinning(0);
  connected(NULL);
  some_rounds();
  forget();
  theirs.ws->state = TO_CONNECT;
  send_text(&ours, "too soon");
  some_rounds();
  assert_true(polls > 0);
  assert_int_equal(polled, 1);
  assert_int_equal(reads[theirs.ws->fd], 0);
  theirs.ws->state = OPEN;
  while (theirs.messages == 0) turn();
  finish();
}

/* None, or more than it asks itself: then the poller alone knows. */
static void sockets_are_asked_only_where_they_are_few(void **state) {
  (void)state;
  start_spinning(0);
  some_rounds();
  forget();
  some_rounds();
  assert_int_equal(polls, 0);
  for (unsigned i = 0; i < SPIN_DIRECT / 2; i++) {
    connect_to("ws", "/", NULL);
    until(theirs.opened == i + 1 && ours.opened == i + 1);
  }
  forget();
  some_rounds();
  assert_true(polls > 0);
  assert_int_equal(polled, SPIN_DIRECT); /* both ends of each are on this loop */
  connect_to("ws", "/", NULL);
  until(theirs.opened == SPIN_DIRECT / 2 + 1 && ours.opened == SPIN_DIRECT / 2 + 1);
  some_rounds();
  forget();
  some_rounds();
  assert_int_equal(polls, 0);
  assert_int_equal(loop->direct, 0);
  finish();
}

/* What came, a connection at the door and a wake-up end a turn, however long it may be. */
static void turns_end_when_something_came(void **state) {
  (void)state;
  start_spinning(0);
  connected(NULL);
  some_rounds();
  for (unsigned i = 0; i < 10; i++) {
    send_text(&theirs, "and another");
    while (ours.messages == i) turn();
    send_text(&ours, "and back");
    while (theirs.messages == i) turn();
  }
  int fd = bare_socket(); /* it says nothing yet */
  while (assay_ws_server_connections(server) < 2) turn();
  assay_ws_loop_wake(loop);
  turn();
  close(fd);
  while (assay_ws_server_connections(server) > 1) turn();
  finish();
}

/* A turn that nothing comes in lasts as long as it was told to. */
static void turns_last_where_nothing_comes(void **state) {
  (void)state;
  start_spinning(0);
  connected(NULL);
  some_rounds();
  for (int i = 0; i < 5; i++) {
    const uint64_t begun = assay_os_now_ns();
    assert_ok(assay_ws_loop_turn(loop, 0.01, &err), err);
    assert_true(assay_os_now_ns() - begun >= UINT64_C(10000000));
  }
  finish();
}

/* Those who said goodbye are read until they hang up, and not only found at the end of their time. */
static void goodbyes_are_heard(void **state) {
  (void)state;
  start_spinning(3600);
  connected(&(assay_ws_client_options){.connection = {.close_s = 3600}});
  assert_ok(assay_ws_close(theirs.ws, 1000, NULL, &err), err);
  until(theirs.closed == 1 && ours.closed == 1);
  assert_true(theirs.clean && ours.clean);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_read_where_nothing_is),
      cmocka_unit_test(who_is_not_connected_is_not_read),
      cmocka_unit_test(sockets_are_asked_only_where_they_are_few),
      cmocka_unit_test(turns_end_when_something_came),
      cmocka_unit_test(turns_last_where_nothing_comes),
      cmocka_unit_test(goodbyes_are_heard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

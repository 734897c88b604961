/* SPDX-License-Identifier: MIT */
/* Clients of bare sockets that do what no good client does, and a server that goes by the rules. */
#include "stand.h"

static void faults_are_answered_and_hung_up_on(void **state) {
  (void)state;
  static const struct {
    unsigned first;
    const char *data;
    unsigned code;
  } cases[] = {
      {0x83, "", 1002}, {0xC1, "a", 1002}, {0x80, "a", 1002}, {0x81, "\xff", 1007}, {0x82, "0123456789012345678901234567890", 1009},
      {0x09, "", 1002}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(&(assay_ws_options){.message_limit = 30});
    int fd = shaken("");
    put_masked(fd, cases[i].first, cases[i].data, strlen(cases[i].data));
    assert_int_equal(answered_code(fd), cases[i].code);
    close(fd);
    until(ours.closed == 1);
    assert_int_equal(ours.code, cases[i].code);
    assert_false(ours.clean);
    assert_int_equal(assay_ws_server_count(server).faults, 1);
    finish();
  }
}

static void unmasked_frames_are_faults(void **state) {
  (void)state;
  start(NULL);
  int fd = shaken("");
  put(fd, "\x81\x01x", 3);
  assert_int_equal(answered_code(fd), 1002);
  close(fd);
  finish();
}

static void the_closing_handshake(void **state) {
  (void)state;
  static const struct {
    const char *payload;
    size_t length;
    unsigned said, answered;
  } cases[] = {{"\x03\xe8", 2, 1000, 1000},
               {"\x0f\xa1 bye", 6, 4001, 4001},
               {"\x03\xed", 2, 1002, 1002},
               {"\x03", 1, 1002, 1002},
               {"\x03\xe8\xff", 3, 1007, 1007}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(NULL);
    int fd = shaken("");
    put_masked(fd, 0x88, cases[i].payload, cases[i].length);
    assert_int_equal(answered_code(fd), cases[i].answered);
    close(fd);
    until(ours.closed == 1);
    assert_int_equal(ours.code, cases[i].said);
    finish();
  }
  /* Without a code the answer has none either. */
  start(NULL);
  int fd = shaken("");
  put_masked(fd, 0x88, "", 0);
  until((hear(fd), heard_end));
  assert_int_equal(heard_length, 2);
  assert_memory_equal(heard_bytes, "\x88\x00", 2);
  close(fd);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_NONE);
  assert_true(ours.clean);
  finish();
}

static void every_ping_is_answered(void **state) {
  (void)state;
  start(NULL);
  int fd = shaken("");
  for (int i = 0; i < 10; i++) put_masked(fd, 0x89, "payload 0", 9);
  until((hear(fd), heard_length == 110));
  for (int i = 0; i < 10; i++) assert_memory_equal(heard_bytes + i * 11, "\x8a\x09payload 0", 11);
  close(fd);
  finish();
}

/* Frames in the same packet as the request, and the request a byte at a time. */
static void bytes_as_they_come(void **state) {
  (void)state;
  start(NULL);
  int fd = bare_socket();
  uint8_t all[400];
  size_t length = strlen(hello);
  memcpy(all, hello, length);
  memcpy(all + length,
         "\r\n\x81\x81"
         "abcd",
         8);
  all[length + 8] = 'a' ^ 'Z';
  put(fd, all, length + 9);
  until(ours.messages == 1);
  assert_string_equal(ours.last, "Z");
  close(fd);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_ABNORMAL);
  fd = bare_socket();
  for (size_t i = 0; i < length + 9; i++) put(fd, all + i, 1);
  until(ours.messages == 2);
  close(fd);
  finish();
}

static void slow_and_endless_requests(void **state) {
  (void)state;
  start(&(assay_ws_options){.handshake_s = 0.05});
  int fd = bare_socket();
  put(fd, "GET / HTTP/1.1\r\n", 16);
  heard_end = false;
  until((hear(fd), heard_end));
  close(fd);
  assert_int_equal(assay_ws_server_count(server).faults, 1);
  assert_int_equal(ours.closed, 0); /* it never was open */
  finish();

  start(&(assay_ws_options){.header_limit = 500});
  fd = bare_socket();
  put(fd, "GET / HTTP/1.1\r\nX-Long: ", 24);
  for (int i = 0; i < 600; i++) (void)send(fd, "x", 1, MSG_NOSIGNAL);
  heard_length = 0;
  heard_end = false;
  until((hear(fd), heard_end || heard_length > 30));
  assert_memory_equal(heard_bytes, "HTTP/1.1 431", 12);
  close(fd);
  until(assay_ws_server_connections(server) == 0);
  finish();
}

static void huge_lengths_take_no_memory(void **state) {
  (void)state;
  start(&(assay_ws_options){.message_limit = (uint64_t)1 << 39, .frame_limit = (uint64_t)1 << 39});
  int fd = shaken("");
  put(fd,
      "\x82\xff\x00\x00\x00\x40\x00\x00\x00\x00"
      "mask"
      "few bytes",
      23);
  for (int i = 0; i < 5; i++) assert_ok(assay_ws_loop_turn(loop, 0.001, &err), err);
  assert_int_equal(ours.closed, 0);
  close(fd);
  until(ours.closed == 1);
  finish();
}

static void half_closed_peers_are_gone(void **state) {
  (void)state;
  start(NULL);
  int fd = shaken("");
  shutdown(fd, SHUT_WR);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_ABNORMAL);
  close(fd);
  finish();
}

static void silent_peers_are_pinged_and_dropped(void **state) {
  (void)state;
  start(&(assay_ws_options){.ping_s = 0.05});
  int fd = shaken("");
  until((hear(fd), heard_length >= 2));
  assert_memory_equal(heard_bytes, "\x89\x00", 2);
  until(ours.closed == 1);
  assert_string_equal(ours.reason, "the peer does not answer pings");
  close(fd);
  finish();
}

static void peers_that_answer_pings_stay(void **state) {
  (void)state;
  start(&(assay_ws_options){.ping_s = 0.1});
  connected(NULL);
  uint64_t later = assay_os_now_ns() + 500000000;
  until(assay_os_now_ns() > later);
  assert_int_equal(theirs.closed + ours.closed, 0);
  assert_true(assay_ws_count(theirs.ws).bytes_in >= 2 + 129);
  finish();
}

static void a_close_that_is_not_answered(void **state) {
  (void)state;
  start(&(assay_ws_options){.close_s = 0.05});
  int fd = shaken("");
  assert_ok(assay_ws_close(ours.ws, 1000, "bye", &err), err);
  until(ours.closed == 1);
  assert_int_equal(ours.code, ASSAY_WS_CLOSE_ABNORMAL);
  assert_false(ours.clean);
  close(fd);
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(faults_are_answered_and_hung_up_on),
      cmocka_unit_test(unmasked_frames_are_faults),
      cmocka_unit_test(the_closing_handshake),
      cmocka_unit_test(every_ping_is_answered),
      cmocka_unit_test(bytes_as_they_come),
      cmocka_unit_test(slow_and_endless_requests),
      cmocka_unit_test(huge_lengths_take_no_memory),
      cmocka_unit_test(half_closed_peers_are_gone),
      cmocka_unit_test(silent_peers_are_pinged_and_dropped),
      cmocka_unit_test(peers_that_answer_pings_stay),
      cmocka_unit_test(a_close_that_is_not_answered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

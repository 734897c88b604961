/* SPDX-License-Identifier: MIT */
/* Compressed messages (RFC 7692) by bare sockets: its examples, and what means harm. */
#include "stand.h"

static void a_bomb_is_cut_short(void **state) {
  (void)state;
  /* Deflate's densest: one match of 258 zeros takes two bits here; 200 kB of it are more than 100 MB. */
  start(&(assay_ws_options){.message_limit = 1 << 20, .compression = {.on = true}});
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  static uint8_t bomb[20000];
  /* Block with fixed codes: 0x00, then matches of length 258 (code 285: 8 bits 11000101) at distance 1 (5 bits 00000). */
  size_t bit = 0;
#define BITS_MSB(code, n) \
  for (int b = (n)-1; b >= 0; b--, bit++) bomb[bit / 8] |= (uint8_t)(((code) >> b & 1) << bit % 8)
  BITS_MSB(0, 1);    /* not final */
  BITS_MSB(2, 2);    /* fixed codes: 01, least significant bit first */
  BITS_MSB(0x30, 8); /* the byte 0 */
  while (bit < 8 * sizeof bomb - 40) {
    BITS_MSB(0xC5, 8);
    BITS_MSB(0, 5);
  }
  put_masked(fd, 0xC2, bomb, sizeof bomb - 10);
  assert_int_equal(answered_code(fd), 1009);
  close(fd);
  until(ours.closed == 1);
  assert_int_equal(ours.messages, 0);
  finish();
}

static void what_does_not_inflate_is_a_fault(void **state) {
  (void)state;
  start(&(assay_ws_options){.compression = {.on = true}});
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  put_masked(fd, 0xC2, "\xff\xff\xff", 3);
  assert_int_equal(answered_code(fd), 1007);
  close(fd);
  finish();
}

/* RFC 7692 section 7.2.3: "Hello" as the RFC has it, in fragments, repeated with the window, stored, and with a final block. */
static void the_examples_of_rfc_7692(void **state) {
  (void)state;
  static const struct {
    const char *what, *frames[3];
    size_t lengths[3];
  } cases[] = {
      {"one frame", {"\xf2\x48\xcd\xc9\xc9\x07\x00"}, {7}},
      {"two fragments", {"\xf2\x48\xcd", "\xc9\xc9\x07\x00"}, {3, 4}},
      {"no compression", {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"}, {11}},
      {"a final block", {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}, {8}},
      {"two blocks", {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"}, {13}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(&(assay_ws_options){.compression = {.on = true}});
    ours.echo = false;
    int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    for (int f = 0; f < 3 && cases[i].frames[f] != NULL; f++)
      put_masked(fd, (f == 0 ? 0x41u : 0u) | (f == 2 || cases[i].frames[f + 1] == NULL ? 0x80u : 0u), cases[i].frames[f],
                 cases[i].lengths[f]);
    until(ours.messages == 1);
    assert_string_equal(ours.last, "Hello");
    if (i == 0) { /* the second message points into the first */
      put_masked(fd, 0xC1, "\xf2\x00\x11\x00\x00", 5);
      until(ours.messages == 2);
      assert_string_equal(ours.last, "Hello");
    }
    close(fd);
    finish();
  }
}

/* Compressed text is checked as it is inflated, across blocks and frames. */
static void compressed_text_is_checked(void **state) {
  (void)state;
  start(&(assay_ws_options){.compression = {.on = true}});
  ours.echo = false;
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  put_masked(fd, 0x41, "\x00\x02\x00\xfd\xff\xe2\x82", 7); /* stored: two thirds of a character */
  put_masked(fd, 0x80, "\x00\x01\x00\xfe\xff\xac\x00", 7);
  until(ours.messages == 1);
  assert_string_equal(ours.last, "\xe2\x82\xac");
  put_masked(fd, 0x41, "\x00\x02\x00\xfd\xff\xe2\x82", 7);
  put_masked(fd, 0x00, "\x00\x01\x00\xfe\xff\x41", 6); /* wrong before the message ends */
  assert_int_equal(answered_code(fd), 1007);
  close(fd);
  finish();
}

/* Messages whose compressed data is cut off, or that have none: no part of them is delivered, for zlib would take the four bytes that every
 * sender leaves out for their rest. */
static void cut_off_data_is_no_message(void **state) {
  (void)state;
  static const struct {
    const char *what, *payload;
    size_t length;
  } cases[] = {
      {"a stored block of 9 bytes, of which 5 are there", "\x00\x09\x00\xf6\xff\x48\x65\x6c\x6c\x6f", 10},
      {"a stored block without its length", "\x00\x09", 2},
      {"a stored block without its data", "\x00\x09\x00\xf6\xff", 5},
      {"Hello with half of its letters", "\xf2\x48\xcd\xc9\xc9", 5},
      {"Hello without the end of its block", "\xf2\x48\xcd\xc9\xc9\x07", 6},
      {"half a header of dynamic codes", "\x04\xc0", 2},
      {"an empty stored block, as if it had not been left out", "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", 11},
      {"nothing", "", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int after_another = 0; after_another < 2; after_another++) {
      start(&(assay_ws_options){.compression = {.on = true}});
      ours.echo = false;
      int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
      if (after_another) {
        put_masked(fd, 0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
        until(ours.messages == 1);
      }
      put_masked(fd, 0xC2, cases[i].payload, cases[i].length);
      unsigned code = answered_code(fd);
      if (code != 1007 || ours.messages != (unsigned)after_another) fail_msg("%s: %u, %u messages", cases[i].what, code, ours.messages);
      close(fd);
      finish();
    }
  }
}

/* A final block that ends a message with its last byte, as senders write it whose library cannot flush otherwise; the window stays. */
static void final_blocks_at_the_end(void **state) {
  (void)state;
  start(&(assay_ws_options){.compression = {.on = true}});
  ours.echo = false;
  int fd = shaken("Sec-WebSocket-Extensions: permessage-deflate\r\n");
  put_masked(fd, 0xC1, "\xf3\x48\xcd\xc9\xc9\x07\x00", 7);
  until(ours.messages == 1);
  put_masked(fd, 0x41, "\xf3\x48\xcd\xc9\xc9\x07\x00", 7);
  put_masked(fd, 0x80, "", 0);
  until(ours.messages == 2);
  assert_string_equal(ours.last, "Hello");
  put_masked(fd, 0xC1, "\xf2\x00\x11\x00\x00", 5); /* all of it by reference to the message before */
  until(ours.messages == 3);
  assert_string_equal(ours.last, "Hello");
  close(fd);
  finish();
}

/* The time that a message of empty final blocks takes behind `history` bytes of others. */
static uint64_t empty_blocks_ns(size_t history) {
  enum { BLOCKS = 1 << 16 };
  assay_ws_agreement agreement = {.on = true, .server_bits = 15, .client_bits = 15};
  assay_ws_deflate *d = NULL;
  assay_ws_bytes plain = {0};
  static uint8_t blocks[2 * BLOCKS + 1];
  uint8_t *stored = calloc(1, history + 6);
  assert_non_null(stored);
  stored[1] = (uint8_t)history, stored[2] = (uint8_t)(history >> 8);
  stored[3] = (uint8_t)~stored[1], stored[4] = (uint8_t)~stored[2];
  memset(stored + 5, 'w', history);
  for (size_t i = 0; i < BLOCKS; i++) blocks[2 * i] = 0x03;
  assert_ok(assay_ws_deflate_create(ASSAY_WS_SERVER, &agreement, 1, &err, &d), err);
  assert_int_equal(assay_ws_inflate(d, stored, history + 6, true, 1 << 20, &plain), 0);
  uint64_t from = assay_os_thread_cpu_ns();
  assert_int_equal(assay_ws_inflate(d, blocks, sizeof blocks, true, 1 << 20, &plain), 0);
  uint64_t took = assay_os_thread_cpu_ns() - from;
  assert_int_equal(plain.length, history);
  /* And the window is still there. */
  assert_int_equal(assay_ws_inflate(d, (const uint8_t *)"\xf2\x00\x11\x00\x00", 5, true, 1 << 20, &plain), 0);
  assert_int_equal(plain.length, history + 5);
  assert_memory_equal(plain.data + history, "Hwwww", 5);
  assay_ws_deflate_destroy(d);
  assay_ws_bytes_deinit(&plain);
  free(stored);
  return took;
}

/* What a final block costs must not go with the window: a message of 16 MiB has eight million of them. */
static void empty_final_blocks_cost_no_copies(void **state) {
  (void)state;
  assert_ok(assay_ws_deflate_load(&err), err);
  uint64_t few = UINT64_MAX, many = UINT64_MAX;
  for (int i = 0; i < 3; i++) {
    uint64_t a = empty_blocks_ns(100), b = empty_blocks_ns(32768);
    few = a < few ? a : few, many = b < many ? b : many;
  }
  if (many > 3 * few) fail_msg("with a full window %.1f ms, with nearly none %.1f", (double)many / 1e6, (double)few / 1e6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_bomb_is_cut_short),
      cmocka_unit_test(what_does_not_inflate_is_a_fault),
      cmocka_unit_test(the_examples_of_rfc_7692),
      cmocka_unit_test(compressed_text_is_checked),
      cmocka_unit_test(cut_off_data_is_no_message),
      cmocka_unit_test(final_blocks_at_the_end),
      cmocka_unit_test(empty_final_blocks_cost_no_copies),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

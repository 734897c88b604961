/* SPDX-License-Identifier: MIT */
/*
 * A journal file of any bytes: what replay and open say of it agrees, a file that is refused stays as it is, and one that is taken can be
 * gone on with: what is appended then is there, behind what was sound. The first byte says whether check sums are made to fit, so that
 * what is behind them is reached too.
 */
#include <assay/book.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "market/book/crc.h"

enum { HEAD = 32, RECORD = 80, MOST = 64 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(bool holds) {
  if (!holds) abort();
}

/* Bit 1: the head's sum fits; bit 2: those of all records do; bit 4: their numbers count up from the head's. */
static void mend(uint8_t *bytes, size_t size, uint8_t how) {
  if (size < HEAD) return;
  if ((how & 1) != 0) {
    uint32_t crc = assay_book_crc32c(0, bytes, HEAD - 4);
    memcpy(bytes + HEAD - 4, &crc, 4);
  }
  uint64_t number;
  memcpy(&number, bytes + 16, sizeof number);
  for (size_t at = HEAD; at + RECORD <= size; at += RECORD, number++) {
    if ((how & 4) != 0) memcpy(bytes + at + 8, &number, sizeof number);
    uint32_t crc = assay_book_crc32c(0, bytes + at + 4, RECORD - 4);
    if ((how & 2) != 0) memcpy(bytes + at, &crc, 4);
  }
}

static void put(const char *path, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  expect(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static bool holds(const char *path, const uint8_t *bytes, size_t size) {
  static uint8_t now[MOST + RECORD];
  FILE *file = fopen(path, "rb");
  expect(file != NULL);
  size_t count = fread(now, 1, sizeof now, file);
  fclose(file);
  return count == size && memcmp(now, bytes, size) == 0;
}

static assay_book *new_book(void) {
  assay_book *book = NULL;
  expect(assay_book_create(&(assay_book_options){.books = 2, .accounts = 2, .most_orders = 64, .expected_orders = 4}, NULL, &book) ==
         ASSAY_OK);
  return book;
}

/* It was taken: one more message is behind those that were sound. */
static void go_on(const char *path, const assay_book_journal_info *before, assay_book_journal *journal) {
  assay_book_journal *second = NULL;
  expect(assay_book_journal_open(path, 1, NULL, &second, NULL) == ASSAY_ERR_BUSY);
  assay_book_message m = {.kind = ASSAY_BOOK_CLOCK, .time = 7};
  expect(assay_book_journal_append(journal, &m, 1, NULL) == ASSAY_OK && assay_book_journal_close(journal, NULL) == ASSAY_OK);
  assay_book_journal_info after;
  expect(assay_book_journal_open(path, 1, NULL, &journal, &after) == ASSAY_OK);
  expect(assay_book_journal_close(journal, NULL) == ASSAY_OK);
  expect(after.first == before->first && after.records == before->records + 1 && after.next == before->next + 1 && after.torn_bytes == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char path[64];
  static uint8_t bytes[MOST];
  if (size == 0 || size > MOST) return 0;
  if (path[0] == 0) snprintf(path, sizeof path, "/tmp/assay-fuzz-journal-%d", (int)getpid());
  size_t length = size - 1;
  memcpy(bytes, data + 1, length);
  mend(bytes, length, data[0]);
  put(path, bytes, length);

  assay_book *book = new_book();
  assay_book_journal_info seen = {0}, info = {0};
  assay_status replayed = assay_book_journal_replay(path, book, NULL, &seen);
  expect(assay_book_check(book, NULL) == ASSAY_OK);
  expect(holds(path, bytes, length)); /* reading changes nothing */
  expect(replayed == ASSAY_OK || replayed == ASSAY_ERR_PARSE || replayed == ASSAY_ERR_CORRUPT || replayed == ASSAY_ERR_VERSION ||
         replayed == ASSAY_ERR_INVALID);
  if (replayed == ASSAY_OK) expect(seen.applied <= seen.records && HEAD + seen.records * RECORD + seen.torn_bytes >= length);
  assay_book_destroy(book);

  assay_book_journal *journal = NULL;
  assay_status opened = assay_book_journal_open(path, 1, NULL, &journal, &info);
  if (replayed != ASSAY_ERR_INVALID) expect(opened == replayed || (replayed == ASSAY_OK && opened == ASSAY_ERR_INVALID));
  if (opened == ASSAY_OK) {
    if (replayed == ASSAY_OK && info.first == seen.first) expect(info.records == seen.records && info.torn_bytes == seen.torn_bytes);
    go_on(path, &info, journal);
  } else {
    expect(journal == NULL && holds(path, bytes, length));
  }
  unlink(path);
  return 0;
}

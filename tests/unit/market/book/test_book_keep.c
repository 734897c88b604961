/* SPDX-License-Identifier: MIT */
/* What outlives a process: snapshots, journals, torn and damaged ones, a writer that is killed in the middle; and the queue between
 * threads. */
#include "test.h"

#include <assay/book.h>

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "book_messages.h"
#include "market/book/crc.h"

enum { COUNT = 6000 };

/* Messages that make sense one after the other, and all events that they give. */
typedef struct script {
  assay_book_message messages[COUNT];
  assay_book_event *events;
  size_t event_count, event_at[COUNT + 1]; /* events before each message */
} script;

static const assay_book_options options = {.books = 2, .accounts = 5, .most_orders = 2000, .most_trailing = 20, .most_aon = 30};

static script *make_script(void) {
  script *s = calloc(1, sizeof *s);
  plain_book *p = calloc(1, sizeof *p);
  p->books = options.books;
  p->accounts = options.accounts;
  p->most_orders = options.most_orders;
  p->most_trailing = options.most_trailing;
  p->most_aon = options.most_aon;
  s->events = malloc(100 * COUNT * sizeof *s->events);
  book_mix mix = {.ids = 900, .width = 100, .middle = 5000, .plain = 60, .auctions = 5, .cancels = 15};
  assay_random random;
  assay_random_init(&random, 77);
  for (size_t i = 0; i < COUNT; i++) {
    s->messages[i] = book_random_message(&random, &mix, p);
    plain_book_apply(p, &s->messages[i]);
    s->event_at[i] = s->event_count;
    memcpy(s->events + s->event_count, p->events, p->event_count * sizeof *s->events);
    s->event_count += p->event_count;
  }
  s->event_at[COUNT] = s->event_count;
  free(p);
  return s;
}

static void free_script(script *s) {
  free(s->events);
  free(s);
}

/* Compares events with the script's as they come. */
typedef struct follower {
  const script *s;
  size_t at;
} follower;

static void follow(void *context, const assay_book_event *events, size_t count) {
  follower *f = context;
  assert_true(f->at + count <= f->s->event_count);
  assert_memory_equal(events, f->s->events + f->at, count * sizeof *events);
  f->at += count;
}

static assay_book *new_book(follower *f) {
  assay_error err = {0};
  assay_book *book = NULL;
  assay_book_options o = options;
  o.sink = f == NULL ? NULL : follow;
  o.context = f;
  assert_ok(assay_book_create(&o, &err, &book), err);
  return book;
}

/* The book is what the first messages of the script make of an empty one. */
static void assert_state(const assay_book *book, const script *s, size_t messages) {
  assay_error err = {0};
  assay_book *expected = new_book(NULL);
  assay_book_apply(expected, s->messages, messages);
  char *a = NULL, *b = NULL;
  size_t a_length = 0, b_length = 0;
  assert_ok(assay_book_snapshot(book, &err, &a, &a_length), err);
  assert_ok(assay_book_snapshot(expected, &err, &b, &b_length), err);
  assert_int_equal(a_length, b_length);
  assert_memory_equal(a, b, a_length);
  assay_string_free(a);
  assay_string_free(b);
  assay_book_destroy(expected);
}

static const char *journal_path(const char *name) {
  static char path[600];
  snprintf(path, sizeof path, "%s/%s", test_temp_dir(), name);
  unlink(path);
  return path;
}

static off_t size_of(const char *path) {
  struct stat info;
  assert_int_equal(stat(path, &info), 0);
  return info.st_size;
}

static void write_journal(const char *path, const script *s, size_t count) {
  assay_error err = {0};
  assay_book_journal *journal = NULL;
  assert_ok(assay_book_journal_open(path, 1, &err, &journal, NULL), err);
  assert_ok(assay_book_journal_append(journal, s->messages, count, &err), err);
  assert_ok(assay_book_journal_sync(journal, &err), err);
  assert_ok(assay_book_journal_close(journal, &err), err);
}

/* In one call or one at a time, the same events. */
static void test_bursts(void **state) {
  script *s = *state;
  for (size_t burst = 1; burst < 3000; burst = burst * 3 + 1) {
    follower f = {.s = s};
    assay_book *book = new_book(&f);
    for (size_t i = 0; i < COUNT; i += burst) assay_book_apply(book, s->messages + i, COUNT - i < burst ? COUNT - i : burst);
    assert_int_equal(f.at, s->event_count);
    assay_book_destroy(book);
  }
}

static void test_replay(void **state) {
  script *s = *state;
  assay_error err = {0};
  const char *path = journal_path("replay");
  write_journal(path, s, COUNT);
  follower f = {.s = s};
  assay_book *book = new_book(&f);
  assay_book_journal_info info;
  assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
  assert_int_equal(info.records, COUNT);
  assert_int_equal(info.applied, COUNT);
  assert_int_equal(info.torn_bytes, 0);
  assert_int_equal(f.at, s->event_count);
  /* Nothing is applied twice. */
  assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
  assert_int_equal(info.applied, 0);
  assert_state(book, s, COUNT);
  /* One that ends before what the book has seen is another's, or has lost its end. */
  path = journal_path("short");
  write_journal(path, s, COUNT - 1);
  assert_int_equal(assay_book_journal_replay(path, book, &err, &info), ASSAY_ERR_INVALID);
  assert_int_equal(info.next, COUNT);
  assert_non_null(strstr(err.message, "its end is lost"));
  assert_state(book, s, COUNT);
  assay_book_destroy(book);
}

static void test_snapshot_and_rest_of_journal(void **state) {
  script *s = *state;
  assay_error err = {0};
  const char *path = journal_path("rest");
  write_journal(path, s, COUNT);
  assay_book *book = new_book(NULL);
  assay_book_apply(book, s->messages, 2500);
  char *bytes = NULL;
  size_t length = 0;
  assert_ok(assay_book_snapshot(book, &err, &bytes, &length), err);
  assay_book_destroy(book);
  follower f = {.s = s, .at = s->event_at[2500]};
  assert_ok(assay_book_restore(&(assay_book_options){.sink = follow, .context = &f}, bytes, length, &err, &book), err);
  assay_book_journal_info info;
  assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
  assert_int_equal(info.applied, COUNT - 2500);
  assert_int_equal(f.at, s->event_count);
  assay_book_destroy(book);

  /* Every damage to a snapshot is seen. */
  for (size_t i = 0; i < 300; i++) {
    size_t at = i * length / 300;
    bytes[at] ^= (char)(1 << i % 8);
    assay_book *none = NULL;
    assert_int_equal(assay_book_restore(NULL, bytes, length, NULL, &none), ASSAY_ERR_CORRUPT);
    assert_int_equal(assay_book_restore(NULL, bytes, at, NULL, &none), ASSAY_ERR_CORRUPT);
    assert_null(none);
    bytes[at] ^= (char)(1 << i % 8);
  }
  assay_string_free(bytes);
}

/* Bytes whose check sum fits, and which are still no book: refused, never believed. */
static void test_forged_snapshots(void **state) {
  script *s = *state;
  assay_error err = {0};
  assay_book *book = new_book(NULL);
  assay_book_apply(book, s->messages, 2000);
  char *bytes = NULL;
  size_t length = 0, refused = 0;
  assert_ok(assay_book_snapshot(book, &err, &bytes, &length), err);
  assay_book_destroy(book);
  char *forged = malloc(length);
  assay_random random;
  assay_random_init(&random, 5);
  for (unsigned i = 0; i < 3000; i++) {
    memcpy(forged, bytes, length);
    for (uint64_t k = 1 + assay_random_below(&random, 4); k > 0; k--)
      forged[12 + assay_random_below(&random, length - 16)] = (char)(assay_random_next(&random) >> assay_random_below(&random, 8));
    /* Not so many orders as to make this long. */
    uint32_t crc = assay_book_crc32c(0, forged, length - 4);
    memcpy(forged + length - 4, &crc, 4);
    book = NULL;
    if (assay_book_restore(NULL, forged, length, NULL, &book) != ASSAY_OK) {
      refused++;
      assert_null(book);
      continue;
    }
    assay_book_apply(book, s->messages, 200);
    assert_ok(assay_book_check(book, &err), err);
    assay_book_destroy(book);
  }
  assert_true(refused > 100);
  free(forged);
  assay_string_free(bytes);
}

/* With a check sum that fits. */
static assay_status restore_forged(char *bytes, size_t length) {
  assay_book *book = NULL;
  uint32_t crc = assay_book_crc32c(0, bytes, length - 4);
  memcpy(bytes + length - 4, &crc, 4);
  assay_status status = assay_book_restore(NULL, bytes, length, NULL, &book);
  assay_book_destroy(book);
  return status;
}

/* What no message could have led to is refused: a position that the next trade would carry past 2^63, an iceberg that shows another slice
 * for ever, a market order that waits in a book that trades. */
static void test_snapshots_that_cannot_be(void **state) {
  (void)state;
  enum {
    POSITIONS = 64 + 2 * 48 + 16,
    ORDER = POSITIONS + 2 * 8,
    QUANTITY = ORDER + 8,
    HIDDEN = ORDER + 16,
    PRICE = ORDER + 40,
    FLAGS = ORDER + 56
  };
  for (uint8_t side = 0; side < 2; side++) {
    assay_error err = {0};
    assay_book *book = NULL;
    assert_ok(assay_book_create(&(assay_book_options){.accounts = 2}, &err, &book), err);
    assay_book_message m = {.kind = ASSAY_BOOK_NEW,
                            .id = 1,
                            .account = 1,
                            .side = side,
                            .price = 100,
                            .quantity = 20,
                            .type = ASSAY_BOOK_ICEBERG,
                            .display = 10};
    assay_book_apply(book, &m, 1);
    char *bytes = NULL;
    size_t length = 0;
    assert_ok(assay_book_snapshot(book, &err, &bytes, &length), err);
    assay_book_destroy(book);
    char *forged = malloc(length);
    static const struct {
      int64_t position; /* as a buyer's */
      assay_status status;
    } positions[] = {
        {INT64_MAX, ASSAY_ERR_CORRUPT}, {INT64_MAX - 19, ASSAY_ERR_CORRUPT}, {INT64_MAX - 20, ASSAY_OK}, {-INT64_MAX, ASSAY_OK}};
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) {
      int64_t position = side == ASSAY_SELL ? -positions[i].position : positions[i].position;
      memcpy(forged, bytes, length);
      memcpy(forged + POSITIONS + 8, &position, sizeof position);
      assert_int_equal(restore_forged(forged, length), positions[i].status);
    }
    static const struct {
      size_t at;
      uint64_t value;
    } wrong[] = {{HIDDEN, 10 * 4096 + 4086},
                 {HIDDEN, UINT64_C(1) << 47},
                 {QUANTITY, 11},
                 {FLAGS, 64 | 8},
                 {FLAGS, 64},
                 {FLAGS, 4 | 8},
                 {FLAGS, 2 | 8}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
      memcpy(forged, bytes, length);
      uint64_t value = wrong[i].value;
      int32_t end = side == ASSAY_SELL ? INT32_MIN : INT32_MAX;
      if (wrong[i].at == FLAGS) {
        uint32_t flags = (uint32_t)value | side;
        memcpy(forged + FLAGS, &flags, sizeof flags);
        if ((value & 64) != 0) memcpy(forged + PRICE, &end, sizeof end);
        if ((value & 8) == 0) memset(forged + HIDDEN, 0, 16);
      } else {
        memcpy(forged + wrong[i].at, &value, sizeof value);
      }
      assert_int_equal(restore_forged(forged, length), ASSAY_ERR_CORRUPT);
    }
    memcpy(forged, bytes, length);
    memcpy(forged + HIDDEN, &(uint64_t){10 * 4096 + 4085}, 8);
    assert_int_equal(restore_forged(forged, length), ASSAY_OK);
    free(forged);
    assay_string_free(bytes);
  }
}

/* A message that is rejected leaves the book as it was: the snapshot's bytes, but for the count of messages and events. */
static void test_rejected_changes_nothing(void **state) {
  (void)state;
  assay_error err = {0};
  assay_book *book = NULL;
  assert_ok(assay_book_create(&(assay_book_options){.accounts = 3}, &err, &book), err);
  assay_book_limits limits = {.quantity = 10, .notional = 5000, .position = 15, .rate = 2, .collar = 5};
  assay_book_message begin = assay_book_limits_message(2000000000, 1, &limits);
  assay_book_apply(book, &begin, 1);
#define ORDER(i, q, p, ...) \
  ((assay_book_message){.kind = ASSAY_BOOK_NEW, .id = (i), .quantity = (q), .price = (p), .account = 1, ##__VA_ARGS__})
  const assay_book_message rejected[] = {
      ORDER(1, 11, 100),
      ORDER(1, 10, 501),
      {.kind = ASSAY_BOOK_NEW, .id = 1, .quantity = 10, .price = 100, .account = 3},
      ORDER(1, 0, 100),
      ORDER(1, 1, 100, .type = ASSAY_BOOK_TRAILING_STOP, .trigger = 1),
      ORDER(1, 11, 100, .tif = ASSAY_BOOK_AON),
      ORDER(1, 11, 100, .tif = ASSAY_BOOK_GTD, .expire = UINT64_MAX),
      {.kind = ASSAY_BOOK_CANCEL, .id = 1, .account = 1},
  };
  for (unsigned round = 0; round < 3; round++) {
    for (size_t i = 0; i < sizeof rejected / sizeof *rejected; i++) {
      char *before = NULL, *after = NULL;
      size_t length = 0, length_after = 0;
      uint64_t events = assay_book_sequence(book);
      assert_ok(assay_book_snapshot(book, &err, &before, &length), err);
      assay_book_apply(book, &rejected[i], 1);
      assert_int_equal(assay_book_sequence(book), events + 1);
      assert_ok(assay_book_snapshot(book, &err, &after, &length_after), err);
      assert_int_equal(length_after, length);
      memset(after + 32, 0, 24); /* sequence, now, applied */
      memset(before + 32, 0, 24);
      assert_memory_equal(after, before, length - 4);
      assay_string_free(before);
      assay_string_free(after);
    }
    /* Then an order that rests, then one too many in this second. */
    assay_book_message next = ORDER(50 + round, 5, 100);
    assay_book_apply(book, &next, 1);
    assert_int_equal(assay_book_orders(book), round == 0 ? 1 : 2);
  }
  assay_book_destroy(book);
}

/* What does not count is not in a snapshot: two engines that answer alike have the same bytes. */
static void test_alike_is_alike(void **state) {
  (void)state;
  assay_error err = {0};
  char *bytes[2] = {NULL};
  size_t length[2] = {0};
  for (int i = 0; i < 2; i++) {
    assay_book *book = NULL;
    assert_ok(assay_book_create(&(assay_book_options){.seed = 1 + (uint64_t)i}, &err, &book), err);
    /* A market stop has no limit, whatever its message said. */
    assay_book_message m[] = {{.kind = ASSAY_BOOK_NEW, .id = 1, .quantity = 1, .type = ASSAY_BOOK_STOP, .trigger = 9, .price = 7 * i},
                              {.kind = ASSAY_BOOK_NEW, .id = 2, .quantity = 2, .type = ASSAY_BOOK_STOP, .trigger = 9},
                              {.kind = ASSAY_BOOK_MODIFY, .id = 2, .quantity = 1, .trigger = 9, .price = 5 * i}};
    assay_book_apply(book, m, 3);
    assert_ok(assay_book_snapshot(book, &err, &bytes[i], &length[i]), err);
    assay_book_destroy(book);
  }
  assert_int_equal(length[0], length[1]);
  assert_memory_equal(bytes[0], bytes[1], length[0]);
  assay_string_free(bytes[0]);
  assay_string_free(bytes[1]);
}

static void test_torn_end(void **state) {
  script *s = *state;
  assay_error err = {0};
  const char *path = journal_path("torn");
  for (off_t cut = 0; cut < 180; cut += cut < 40 ? 1 : 13) {
    unlink(path);
    write_journal(path, s, 40);
    off_t size = size_of(path);
    assert_int_equal(truncate(path, cut < 33 ? cut : size - cut), 0); /* also inside the head */
    size_t whole = cut < 33 ? 0 : (size_t)(size - cut - 32) / 80;
    follower f = {.s = s};
    assay_book *book = new_book(&f);
    assay_book_journal_info info;
    assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
    assert_int_equal(info.applied, whole);
    assert_int_equal(assay_book_applied(book), whole);
    /* The writer goes on where the last sound record ends. */
    assay_book_journal *journal = NULL;
    assert_ok(assay_book_journal_open(path, 1, &err, &journal, &info), err);
    assert_int_equal(info.next, whole + 1);
    assert_ok(assay_book_journal_append(journal, s->messages + whole, 100 - whole, &err), err);
    assert_ok(assay_book_journal_close(journal, &err), err);
    assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
    assert_int_equal(info.records, 100);
    assert_int_equal(info.torn_bytes, 0);
    assert_state(book, s, 100);
    assay_book_destroy(book);
  }
}

static void flip(const char *path, off_t at) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseeko(file, at, SEEK_SET), 0);
  int c = fgetc(file);
  assert_int_equal(fseeko(file, at, SEEK_SET), 0);
  assert_int_equal(fputc(c ^ 4, file), c ^ 4);
  assert_int_equal(fclose(file), 0);
}

/* A file of somebody else's is left alone, and a journal that ends too early is not gone on with. */
static void test_wrong_files(void **state) {
  script *s = *state;
  assay_error err = {0};
  assay_book_journal *journal = NULL;
  char path[] = "/tmp/assay-notes-XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "buy milk\n", 9), 9);
  close(fd);
  assert_int_equal(assay_book_journal_open(path, 1, &err, &journal, NULL), ASSAY_ERR_PARSE);
  assert_int_equal(size_of(path), 9);
  assert_int_equal(truncate(path, 0), 0);
  write_journal(path, s, 5);
  assert_int_equal(assay_book_journal_open(path, 11, NULL, &journal, NULL), ASSAY_ERR_INVALID);
  assert_int_equal(assay_book_journal_open(path, 0, NULL, &journal, NULL), ASSAY_ERR_INVALID); /* replay would skip message 0 */
  assert_null(journal);
  assert_ok(assay_book_journal_open(path, 6, &err, &journal, NULL), err);
  assert_ok(assay_book_journal_close(journal, &err), err);
  unlink(path);
}

/* One writer a journal: a second one is turned away and changes nothing, in this process or in another; who reads is not. */
static void test_one_writer(void **state) {
  script *s = *state;
  assay_error err = {0};
  assay_book_journal *journal = NULL, *second = NULL;
  const char *path = journal_path("one");
  assert_ok(assay_book_journal_open(path, 1, &err, &journal, NULL), err);
  assert_ok(assay_book_journal_append(journal, s->messages, 20, &err), err);
  assert_int_equal(assay_book_journal_open(path, 1, &err, &second, NULL), ASSAY_ERR_BUSY);
  assert_non_null(strstr(err.message, path));
  assert_null(second);
  assay_error_clear(&err);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    assay_book_journal *mine = NULL;
    _exit(assay_book_journal_open(path, 1, NULL, &mine, NULL) == ASSAY_ERR_BUSY ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  assert_ok(assay_book_journal_write(journal, &err), err);
  assay_book *book = new_book(NULL);
  assay_book_journal_info info;
  assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
  assert_int_equal(info.applied, 20);
  assay_book_destroy(book);
  assert_ok(assay_book_journal_close(journal, &err), err);
  assert_ok(assay_book_journal_open(path, 21, &err, &journal, &info), err);
  assert_int_equal(info.records, 20);
  assert_ok(assay_book_journal_close(journal, &err), err);
}

/* After a failed write nothing is taken, and the file is left as far as it is sound. */
static void test_full_disk(void **state) {
  script *s = *state;
  assay_error err = {0};
  assay_book_journal *journal = NULL;
  const char *path = journal_path("full");
  struct rlimit before, small = {.rlim_cur = 32 + 100 * 80 + 17};
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
  small.rlim_max = before.rlim_max;
  void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
  assert_ok(assay_book_journal_open(path, 1, &err, &journal, NULL), err);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  assert_ok(assay_book_journal_append(journal, s->messages, 200, &err), err);
  assert_int_not_equal(assay_book_journal_sync(journal, &err), ASSAY_OK);
  assay_error_clear(&err);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
  for (unsigned i = 0; i < 3; i++) assert_int_not_equal(assay_book_journal_append(journal, s->messages, 1, NULL), ASSAY_OK);
  assert_int_not_equal(assay_book_journal_write(journal, NULL), ASSAY_OK);
  assert_int_not_equal(assay_book_journal_close(journal, NULL), ASSAY_OK);
  signal(SIGXFSZ, old);
  assay_book_journal_info info;
  assert_ok(assay_book_journal_open(path, 101, &err, &journal, &info), err);
  assert_int_equal(info.records, 100);
  assert_int_equal(info.torn_bytes, 17);
  assert_ok(assay_book_journal_close(journal, &err), err);
}

static void test_damage(void **state) {
  script *s = *state;
  assay_error err = {0};
  const char *path = journal_path("damage");
  for (off_t at = 0; at < 32 + 1200 * 80; at += at < 32 ? 5 : 1711) {
    unlink(path);
    write_journal(path, s, 1200);
    flip(path, at);
    assay_book *book = new_book(NULL);
    assay_status status = assay_book_journal_replay(path, book, &err, NULL);
    assert_int_equal(status, at < 8 ? ASSAY_ERR_PARSE : at < 32 + 1199 * 80 ? ASSAY_ERR_CORRUPT : ASSAY_OK);
    assay_book_journal *journal = NULL;
    if (status != ASSAY_OK) assert_int_equal(assay_book_journal_open(path, 1, NULL, &journal, NULL), status);
    assert_null(journal);
    assay_error_clear(&err);
    assay_book_destroy(book);
  }
  assert_int_equal(assay_book_journal_replay(journal_path("absent"), NULL, NULL, NULL), ASSAY_ERR_NOT_FOUND);
}

static size_t read_file(const char *path, uint8_t *bytes, size_t most) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  size_t size = fread(bytes, 1, most, file);
  assert_int_equal(fclose(file), 0);
  return size;
}

static void write_file(const char *path, const uint8_t *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* `with` bytes of `filling` in place of `without` bytes. Nobody takes the file for torn while a sound record is behind that, and it stays
 * as it is. */
static void expect_refused(const char *path, const uint8_t *journal, size_t size, size_t at, size_t without, const uint8_t *filling,
                           size_t with) {
  assay_error err = {0};
  uint8_t *changed = malloc(size + with);
  memcpy(changed, journal, at);
  memcpy(changed + at, filling, with);
  memcpy(changed + at + with, journal + at + without, size - at - without);
  write_file(path, changed, size - without + with);
  assay_book *book = new_book(NULL);
  assert_int_equal(assay_book_journal_replay(path, book, &err, NULL), ASSAY_ERR_CORRUPT);
  assert_non_null(strstr(err.message, "is sound"));
  assay_book_destroy(book);
  assay_book_journal *opened = NULL;
  assert_int_equal(assay_book_journal_open(path, 1, NULL, &opened, NULL), ASSAY_ERR_CORRUPT);
  assert_null(opened);
  assert_int_equal(read_file(path, changed, size + with), size - without + with);
  assert_memory_equal(changed, journal, at);
  free(changed);
}

static void test_lost_records(void **state) {
  script *s = *state;
  enum { RECORDS = 15, RECORD = 80, HEAD = 32, MOST = HEAD + 1100 * RECORD };
  const char *path = journal_path("lost");
  uint8_t *journal = malloc(MOST);
  write_journal(path, s, RECORDS);
  const size_t size = read_file(path, journal, MOST);
  assert_int_equal(size, HEAD + RECORDS * RECORD);
  for (size_t record = 0; record < RECORDS - 1; record++) {
    const size_t at = HEAD + record * RECORD;
    expect_refused(path, journal, size, at, RECORD, journal, 0);               /* one is missing */
    expect_refused(path, journal, size, at + RECORD, 0, journal + at, RECORD); /* one is there twice */
    expect_refused(path, journal, size, at + 7, 1 + record, journal, 0);       /* some bytes are missing */
    expect_refused(path, journal, size, at, 0, journal, 1 + record);           /* something else is between */
  }
  for (size_t lost = 2; lost < RECORDS - 1; lost++) expect_refused(path, journal, size, HEAD + RECORD, lost * RECORD, journal, 0);
  /* The same where the records are read in several pieces. */
  unlink(path);
  write_journal(path, s, 1100);
  assert_int_equal(read_file(path, journal, MOST), MOST);
  expect_refused(path, journal, MOST, HEAD + 3 * RECORD + 11, RECORD - 30, journal, 0);
  expect_refused(path, journal, MOST, MOST - 2 * RECORD, RECORD, journal, 0);
  expect_refused(path, journal, MOST, HEAD + 511 * RECORD, RECORD, journal, 0);
  uint8_t *nothing = calloc(600, RECORD);
  expect_refused(path, journal, MOST, HEAD + 400 * RECORD, 699 * RECORD, nothing, 600 * RECORD - 13);
  /* Nothing sound behind it: that is a torn end. */
  write_file(path, journal, HEAD + 400 * RECORD);
  FILE *file = fopen(path, "ab");
  assert_int_equal(fwrite(nothing, RECORD, 600, file), 600);
  assert_int_equal(fclose(file), 0);
  assay_error err = {0};
  assay_book *book = new_book(NULL);
  assay_book_journal_info info;
  assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
  assert_int_equal(info.records, 400);
  assert_int_equal(info.torn_bytes, 600 * RECORD);
  assay_book_destroy(book);
  free(nothing);
  free(journal);
}

/* A child appends and applies, and is killed somewhere; what is replayed is what it had done, and nothing half done. */
static void test_killed_writer(void **state) {
  script *s = *state;
  assay_error err = {0};
  const char *path = journal_path("killed");
  assay_random random;
  assay_random_init(&random, (uint64_t)getpid());
  size_t reached = 0;
  for (unsigned round = 0; round < 12; round++) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      assay_book *book = NULL;
      assay_book_journal *journal = NULL;
      if (assay_book_create(&options, NULL, &book) != ASSAY_OK || assay_book_journal_open(path, 1, NULL, &journal, NULL) != ASSAY_OK)
        _exit(1);
      if (assay_book_journal_replay(path, book, NULL, NULL) != ASSAY_OK) _exit(2);
      for (size_t i = assay_book_applied(book); i < COUNT; i++) {
        if (assay_book_journal_append(journal, &s->messages[i], 1, NULL) != ASSAY_OK) _exit(3);
        if (i % 7 == 0 && assay_book_journal_write(journal, NULL) != ASSAY_OK) _exit(4);
        assay_book_apply(book, &s->messages[i], 1);
      }
      for (;;) pause();
    }
    usleep((useconds_t)assay_random_below(&random, 3000));
    kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    if (access(path, F_OK) != 0) continue; /* it had not come so far */
    follower f = {.s = s};
    assay_book *book = new_book(&f);
    assay_book_journal_info info;
    assert_ok(assay_book_journal_replay(path, book, &err, &info), err);
    assert_true(info.applied >= reached); /* nothing of an earlier life is lost */
    reached = info.applied;
    assert_int_equal(f.at, s->event_at[reached]);
    assert_ok(assay_book_check(book, &err), err);
    assert_state(book, s, reached);
    assay_book_destroy(book);
  }
}

static void test_check_sum(void **state) {
  (void)state;
  /* RFC 3720, B.4 */
  uint8_t bytes[48];
  memset(bytes, 0, 32);
  assert_int_equal(assay_book_crc32c(0, bytes, 32), 0x8A9136AA);
  memset(bytes, 255, 32);
  assert_int_equal(assay_book_crc32c(0, bytes, 32), 0x62A8AB43);
  for (uint8_t i = 0; i < 32; i++) bytes[i] = i;
  assert_int_equal(assay_book_crc32c(0, bytes, 32), 0x46DD794E);
  for (size_t length = 0; length <= 40; length++) {
    assert_int_equal(assay_book_crc32c(0, bytes, length), assay_book_crc32c_plain(0, bytes, length));
    assert_int_equal(assay_book_crc32c(assay_book_crc32c(0, bytes, length / 3), bytes + length / 3, length - length / 3),
                     assay_book_crc32c(0, bytes, length));
  }
}

/* ---- Queue --------------------------------------------------------------------------------------------------------------------------- */

typedef struct reader {
  assay_book_queue *queue;
  const script *s;
  bool same;
} reader;

static void *read_events(void *context) {
  reader *r = context;
  assay_book_event events[50];
  size_t at = 0;
  r->same = true;
  while (at < r->s->event_count) {
    size_t count = assay_book_queue_take(r->queue, events, 1 + at % 50);
    if (memcmp(events, r->s->events + at, count * sizeof *events) != 0) r->same = false;
    at += count;
    if (count == 0) usleep(1);
  }
  return NULL;
}

static void test_queue_between_threads(void **state) {
  script *s = *state;
  assay_error err = {0};
  reader r = {.s = s};
  assert_ok(assay_book_queue_create(100, true, &err, &r.queue), err);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, read_events, &r), 0);
  assay_book *book = new_book(NULL);
  assay_book_set_sink(book, assay_book_queue_sink, r.queue);
  assay_book_apply(book, s->messages, COUNT);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_true(r.same);
  assert_int_equal(assay_book_queue_shed(r.queue), 0);
  assay_book_destroy(book);
  assay_book_queue_destroy(r.queue);
}

/* A reader that does not keep up loses the newer events, sees the gap, and the book does not care. */
static void test_full_queue_sheds(void **state) {
  script *s = *state;
  assay_error err = {0};
  assay_book_queue *queue = NULL;
  assert_ok(assay_book_queue_create(64, false, &err, &queue), err);
  assay_book *book = new_book(NULL);
  assay_book_set_sink(book, assay_book_queue_sink, queue);
  assay_book_event events[64];
  uint64_t taken = 0, last = 0, missed = 0;
  for (size_t i = 0; i < COUNT; i++) {
    assay_book_apply(book, &s->messages[i], 1);
    if (i % 200 != 0) continue;
    size_t count = assay_book_queue_take(queue, events, 64);
    for (size_t k = 0; k < count; k++) {
      assert_memory_equal(&events[k], &s->events[events[k].sequence - 1], sizeof events[k]);
      missed += events[k].sequence - last - 1;
      last = events[k].sequence;
    }
    taken += count;
  }
  assert_true(missed > 0);
  size_t left = assay_book_queue_take(queue, events, 64);
  assert_int_equal(taken + left + assay_book_queue_shed(queue), s->event_count);
  assert_state(book, s, COUNT);
  assay_book_destroy(book);
  assay_book_queue_destroy(queue);
  assert_int_equal(assay_book_queue_create(SIZE_MAX, false, NULL, &queue), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bursts),
      cmocka_unit_test(test_replay),
      cmocka_unit_test(test_snapshot_and_rest_of_journal),
      cmocka_unit_test(test_forged_snapshots),
      cmocka_unit_test(test_snapshots_that_cannot_be),
      cmocka_unit_test(test_rejected_changes_nothing),
      cmocka_unit_test(test_alike_is_alike),
      cmocka_unit_test(test_torn_end),
      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_lost_records),
      cmocka_unit_test(test_wrong_files),
      cmocka_unit_test(test_one_writer),
      cmocka_unit_test(test_full_disk),
      cmocka_unit_test(test_killed_writer),
      cmocka_unit_test(test_check_sum),
      cmocka_unit_test(test_queue_between_threads),
      cmocka_unit_test(test_full_queue_sheds),
  };
  script *s = make_script();
  struct CMUnitTest given[sizeof tests / sizeof *tests];
  for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
    given[i] = tests[i];
    given[i].initial_state = s;
  }
  int failed = cmocka_run_group_tests(given, NULL, NULL);
  free_script(s);
  return failed;
}

/* SPDX-License-Identifier: MIT */
/* Work in processes that die: whatever ends them and wherever, each item is done, or has been begun and is told as lost. */
#include "market/backtest/workers.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

enum { ITEMS = 60 };

/* In memory that the processes share with the test. */
typedef struct seen {
  atomic_int begins, items[ITEMS];
} seen;

static seen *share(void) {
  seen *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(s != MAP_FAILED);
  return s;
}

static int cells[ITEMS];
static unsigned char states[ITEMS], signals[ITEMS];

static assay_status work(assay_work w) {
  w.count = ITEMS;
  w.cell_bytes = sizeof *cells;
  return assay_work_run(&w, NULL, cells, states, signals);
}

/* ---- An item that ends its process without a crash ----------------------------------------------------------------------------------- */

static void leave(void *user, void *context, size_t index, void *cell) {
  (void)context;
  atomic_fetch_add(&((seen *)user)->items[index], 1);
  if (index % 7 == 3) _exit(0);
  *(int *)cell = (int)index;
}

static void test_who_leaves_loses_itself_only(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 3; workers++) {
    seen *s = share();
    assert_int_equal(work((assay_work){.workers = workers, .user = s, .item = leave}), ASSAY_OK);
    for (size_t i = 0; i < ITEMS; i++) {
      assert_int_equal(states[i], i % 7 == 3 ? ASSAY_WORK_CRASHED : ASSAY_WORK_DONE);
      assert_int_equal(signals[i], 0);
      assert_int_equal(atomic_load(&s->items[i]), 1); /* never twice */
      if (i % 7 != 3) assert_int_equal(cells[i], i);
    }
    munmap(s, sizeof *s);
  }
}

/* ---- A process that dies before its first item --------------------------------------------------------------------------------------- */

static void count_item(void *user, void *context, size_t index, void *cell) {
  (void)context, (void)cell;
  atomic_fetch_add(&((seen *)user)->items[index], 1);
}

static void die_at_once(void *user, void **context) {
  (void)context;
  atomic_fetch_add(&((seen *)user)->begins, 1);
  abort();
}

static void die_twice(void *user, void **context) {
  (void)context;
  if (atomic_fetch_add(&((seen *)user)->begins, 1) < 2) raise(SIGKILL);
}

static void test_stillborn(void **state) {
  (void)state;
  seen *s = share();
  assert_int_equal(work((assay_work){.workers = 2, .user = s, .begin = die_at_once, .item = count_item}), ASSAY_ERR_INTERNAL);
  assert_in_range(atomic_load(&s->begins), 3, 4);
  for (size_t i = 0; i < ITEMS; i++) assert_int_equal(atomic_load(&s->items[i]), 0);
  atomic_store(&s->begins, 0);
  assert_int_equal(work((assay_work){.workers = 1, .user = s, .begin = die_twice, .item = count_item}), ASSAY_OK);
  for (size_t i = 0; i < ITEMS; i++) assert_int_equal(states[i], ASSAY_WORK_DONE);
  munmap(s, sizeof *s);
}

/* ---- A process that is killed at any moment ------------------------------------------------------------------------------------------ */

static void *kill_soon(void *seed) {
  unsigned long us = ((unsigned long)seed * 7919) % 400;
  nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
  kill(getpid(), SIGKILL);
  return NULL;
}

static void begin_to_be_killed(void *user, void **context) {
  (void)context;
  int number = atomic_fetch_add(&((seen *)user)->begins, 1);
  pthread_t thread;
  if (number < 25) pthread_create(&thread, NULL, kill_soon, (void *)(uintptr_t)(number + 1));
}

static void test_killed_anywhere(void **state) {
  (void)state;
  for (int round = 0; round < 8; round++) {
    seen *s = share();
    assay_status status = work((assay_work){.workers = 3, .user = s, .begin = begin_to_be_killed, .item = count_item});
    for (size_t i = 0; i < ITEMS && status == ASSAY_OK; i++) {
      int begun = atomic_load(&s->items[i]);
      if (states[i] == ASSAY_WORK_DONE) assert_int_equal(begun, 1);
      if (states[i] != ASSAY_WORK_DONE) {
        assert_int_equal(states[i], ASSAY_WORK_CRASHED);
        assert_int_equal(signals[i], SIGKILL);
      }
      assert_true(begun <= 1);
    }
    assert_true(status == ASSAY_OK || status == ASSAY_ERR_INTERNAL); /* three may die before their first item */
    munmap(s, sizeof *s);
  }
}

/* ---- An item that hangs -------------------------------------------------------------------------------------------------------------- */

static void hang(void *user, void *context, size_t index, void *cell) {
  (void)context, (void)cell;
  atomic_fetch_add(&((seen *)user)->items[index], 1);
  while (index == 11) pause();
}

static void test_hangs(void **state) {
  (void)state;
  seen *s = share();
  assert_int_equal(work((assay_work){.workers = 2, .user = s, .item = hang, /* so long that only what hangs takes it */ .seconds = 3}),
                   ASSAY_OK);
  for (size_t i = 0; i < ITEMS; i++) {
    assert_int_equal(states[i], i == 11 ? ASSAY_WORK_TIMED_OUT : ASSAY_WORK_DONE);
    assert_int_equal(atomic_load(&s->items[i]), 1);
  }
  munmap(s, sizeof *s);
}

/* ---- Somebody says stop -------------------------------------------------------------------------------------------------------------- */

/* The 20th item says it, and a few never end by themselves. A terminal tells all processes. */
typedef struct stopping {
  seen seen;
  volatile int stop;
} stopping;

static void say_stop(void *user, void *context, size_t index, void *cell) {
  stopping *s = user;
  (void)context;
  *(int *)cell = -1;
  if (index == 20) kill(getpid(), SIGINT), s->stop = 1;
  if (index >= 20)
    for (;;) pause();
  atomic_fetch_add(&s->seen.items[index], 1);
  *(int *)cell = (int)index;
}

static void test_stop(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 3; workers++) {
    stopping *s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s != MAP_FAILED);
    assert_int_equal(work((assay_work){.workers = workers, .user = s, .item = say_stop, .stop = &s->stop}), ASSAY_OK);
    for (size_t i = 0; i < ITEMS; i++) {
      if (i >= 20) assert_int_equal(states[i], ASSAY_WORK_OPEN);
      if (workers == 1 && i < 20) assert_int_equal(states[i], ASSAY_WORK_DONE); /* by several, some may not have come to it */
      if (states[i] == ASSAY_WORK_DONE) assert_true(cells[i] == (int)i && atomic_load(&s->seen.items[i]) == 1);
      assert_true(states[i] == ASSAY_WORK_OPEN || states[i] == ASSAY_WORK_DONE);
    }
    /* Before it begins, it begins nothing. */
    assert_int_equal(work((assay_work){.workers = workers, .user = s, .item = say_stop, .stop = &s->stop}), ASSAY_OK);
    for (size_t i = 0; i < ITEMS; i++) assert_int_equal(states[i], ASSAY_WORK_OPEN);
    munmap(s, sizeof *s);
  }
}

static void stop_here(void *user, void *context, size_t index, void *cell) {
  (void)context;
  *(int *)cell = (int)index;
  if (index == 5) *(volatile int *)user = 1;
}

static void test_stop_without_processes(void **state) {
  (void)state;
  volatile int stop = 0;
  assert_int_equal(work((assay_work){.here = true, .user = (void *)(uintptr_t)&stop, .item = stop_here, .stop = &stop}), ASSAY_OK);
  for (size_t i = 0; i < ITEMS; i++) assert_int_equal(states[i], i <= 5 ? ASSAY_WORK_DONE : ASSAY_WORK_OPEN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_who_leaves_loses_itself_only),
      cmocka_unit_test(test_stillborn),
      cmocka_unit_test(test_killed_anywhere),
      cmocka_unit_test(test_hangs),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_stop_without_processes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

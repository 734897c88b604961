/* SPDX-License-Identifier: MIT */
/* Made order flow: always the same, of the promised shares, and what an engine says to it. */
#include <assay/book_flow.h>

#include "test.h"

enum { WARM = 2000, COUNT = 40000, DEPTH = 2000 };

static assay_book_message *made(assay_flow_regime regime, uint64_t seed) {
  assay_error err = {0};
  assay_book_message *messages = NULL;
  assert_ok(assay_book_flow_make(&(assay_book_flow){regime, seed, WARM, COUNT, DEPTH}, &err, &messages), err);
  return messages;
}

static void the_same_seed_gives_the_same_flow(void **state) {
  (void)state;
  for (unsigned regime = 0; regime < ASSAY_FLOW_REGIMES; regime++) {
    assay_book_message *a = made((assay_flow_regime)regime, 7), *b = made((assay_flow_regime)regime, 7),
                       *c = made((assay_flow_regime)regime, 8);
    assert_memory_equal(a, b, (WARM + COUNT) * sizeof *a);
    assert_memory_not_equal(a, c, (WARM + COUNT) * sizeof *a);
    assay_book_flow_free(a);
    assay_book_flow_free(b);
    assay_book_flow_free(c);
  }
}

typedef struct seen {
  size_t rejected, traded;
} seen;

static void look(void *context, const assay_book_event *event) {
  seen *s = context;
  s->rejected += event->kind == ASSAY_BOOK_REJECTED_EVENT;
  s->traded += event->kind == ASSAY_BOOK_TRADE_EVENT;
}
ASSAY_BOOK_SINK(look_at_all, look)

static void an_engine_takes_all_of_it(void **state) {
  (void)state;
  for (unsigned regime = 0; regime < ASSAY_FLOW_REGIMES; regime++) {
    seen s = {0};
    assay_error err = {0};
    assay_book *book = NULL;
    assay_book_message *messages = made((assay_flow_regime)regime, 3);
    size_t kinds[ASSAY_BOOK_KINDS] = {0};
    for (size_t i = WARM; i < WARM + COUNT; i++) kinds[messages[i].kind]++;
    if (regime == ASSAY_FLOW_STATIC || regime == ASSAY_FLOW_NORMAL || regime == ASSAY_FLOW_SPARSE) { /* others eat what rests */
      assert_in_range(kinds[ASSAY_BOOK_NEW], COUNT * 50 / 100, COUNT * 56 / 100);
      assert_in_range(kinds[ASSAY_BOOK_CANCEL], COUNT * 38 / 100, COUNT * 44 / 100);
      assert_in_range(kinds[ASSAY_BOOK_MODIFY] + kinds[ASSAY_BOOK_REPLACE], COUNT * 5 / 100, COUNT * 7 / 100);
    }
    assert_ok(assay_book_create(&(assay_book_options){.sink = look_at_all, .context = &s}, &err, &book), err);
    assay_book_apply(book, messages, WARM);
    assert_int_equal(assay_book_orders(book), WARM);
    assay_book_apply(book, messages + WARM, COUNT);
    assert_int_equal(s.rejected, 0);
    assert_true(s.traded > COUNT / 50);
    assert_in_range(assay_book_orders(book), 400, DEPTH * 3 / 2);
    assert_ok(assay_book_check(book, &err), err);
    assay_book_destroy(book);
    assay_book_flow_free(messages);
  }
}

static void regimes_have_names(void **state) {
  (void)state;
  for (unsigned regime = 0; regime < ASSAY_FLOW_REGIMES; regime++)
    assert_int_equal(assay_flow_regime_find(assay_flow_regime_text((assay_flow_regime)regime)), regime);
  assert_int_equal(assay_flow_regime_find("crashing"), ASSAY_FLOW_REGIMES);
  assert_null(assay_flow_regime_text(ASSAY_FLOW_REGIMES));
}

static void what_cannot_be_made_is_refused(void **state) {
  (void)state;
  assay_error err = {0};
  assay_book_message *messages = NULL;
  assert_int_equal(assay_book_flow_make(&(assay_book_flow){.regime = ASSAY_FLOW_REGIMES, .count = 1}, &err, &messages), ASSAY_ERR_INVALID);
  assert_int_equal(assay_book_flow_make(&(assay_book_flow){.count = SIZE_MAX}, NULL, &messages), ASSAY_ERR_LIMIT);
  assert_null(messages);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_seed_gives_the_same_flow), cmocka_unit_test(an_engine_takes_all_of_it),
                                     cmocka_unit_test(regimes_have_names), cmocka_unit_test(what_cannot_be_made_is_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

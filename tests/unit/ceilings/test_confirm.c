/* SPDX-License-Identifier: MIT */
/* What is measured again, how often at most, and what is said of it: with probes that play a part. */
#include "machine/ceilings/confirm.h"

#include "os/prim.h"
#include "test.h"

typedef struct stage {
  assay_ceilings *set;
  assay_ceilings_run *run;
  assay_confirm confirm;
} stage;

static unsigned calls;
static double script[8][3]; /* the repetitions of each call */

static void play(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  (void)args;
  assay_samples samples = {0};
  for (unsigned i = 0; i < 3; i++) assay_samples_add(&samples, script[calls][i]);
  calls++;
  assay_probe_detail(run, row, "played");
  assay_samples_finish(run, &samples, row);
}

static void make(stage *s) {
  assay_error err = {0};
  calls = 0;
  assert_ok(assay_ceilings_create(&err, &s->set), err);
  s->run = calloc(1, sizeof *s->run);
  *s->run = (assay_ceilings_run){.set = s->set, .quick = true};
  assay_confirm_init(&s->confirm, s->run, assay_os_now_ns());
}

static void drop(stage *s) {
  assay_ceilings_destroy(s->set);
  free(s->run);
}

static assay_ceiling confirmed(stage *s, const char *name, assay_better better, const double played[8][3]) {
  memcpy(script, played, sizeof script);
  calls = 0;
  assay_ceiling row = {.name = name, .unit = "x", .better = better};
  assay_confirm_measure(&s->confirm, play, &(assay_probe_args){0}, &row);
  return row;
}

static void rows_are_measured_again_until_their_best_agree(void **state) {
  (void)state;
  stage s;
  make(&s);
  assay_ceiling row = confirmed(&s, "l1.read", ASSAY_HIGHER, (const double[8][3]){{100, 99, 98}});
  assert_int_equal(calls, 1);
  assert_string_equal(row.detail, "played");
  row = confirmed(&s, "l1.read", ASSAY_HIGHER, (const double[8][3]){{70, 50, 40}, {100, 99, 98}, {500, 500, 500}});
  assert_int_equal(calls, 2);
  assert_true(row.value == 100);
  assert_string_equal(row.detail, "played");
  row = confirmed(&s, "latency.l1", ASSAY_LOWER, (const double[8][3]){{1, 2, 3}, {7, 7, 7}, {1.02, 8, 9}});
  assert_int_equal(calls, 3); /* the second is steadily disturbed and no proof; the third agrees with the first */
  assert_true(row.value == 1);
  assert_string_equal(row.detail, "played");
  row = confirmed(&s, "os.fsync", ASSAY_LOWER, (const double[8][3]){{100, 110, 120}});
  assert_int_equal(calls, 1);
  drop(&s);
}

static void a_row_that_never_agrees_is_doubtful(void **state) {
  (void)state;
  stage s;
  make(&s);
  assay_ceiling row =
      confirmed(&s, "l1.read", ASSAY_HIGHER, (const double[8][3]){{70, 50, 40}, {90, 60, 60}, {80, 60, 50}, {100, 100, 100}});
  assert_int_equal(calls, 3);
  assert_true(row.available && row.value == 90);
  assert_string_equal(row.detail, "played; doubtful: its best repetitions differ by 50 %");
  s.confirm.left_ns = 0; /* the time for repeating is used up */
  row = confirmed(&s, "l1.read", ASSAY_HIGHER, (const double[8][3]){{70, 50, 40}, {100, 100, 100}});
  assert_int_equal(calls, 1);
  assert_non_null(strstr(row.detail, "doubtful"));
  drop(&s);
  make(&s);
  s.confirm.deadline_ns = 0;
  confirmed(&s, "l1.read", ASSAY_HIGHER, (const double[8][3]){{70, 50, 40}, {100, 100, 100}});
  assert_int_equal(calls, 1);
  drop(&s);
}

static void put(stage *s, const char *name, assay_better better, double value) {
  assay_error err = {0};
  assay_ceiling row = {.name = name, .unit = "x", .better = better, .available = true, .value = value, .detail = "first"};
  assert_ok(assay_ceilings_add(s->set, &row, &err), err);
}

/* What measuring again gives: the row's name is kept, so that the test sees who was asked. */
typedef struct second {
  double value;
  char asked[200];
} second;

static void give(void *user, assay_ceiling *row) {
  second *s = user;
  strcat(s->asked, row->name);
  strcat(s->asked, " ");
  row->available = true;
  row->value = s->value;
  row->detail = "second";
}

static void orders_of_a_sound_set_are_left_alone(void **state) {
  (void)state;
  stage s;
  make(&s);
  put(&s, "l1.read", ASSAY_HIGHER, 183);
  put(&s, "l1.copy", ASSAY_HIGHER, 184);
  put(&s, "l2.read", ASSAY_HIGHER, 90);
  put(&s, "l2.copy", ASSAY_HIGHER, 120); /* there the two ways have wires of their own */
  put(&s, "latency.l1", ASSAY_LOWER, 1);
  put(&s, "latency.l2", ASSAY_LOWER, 4);
  second again = {.value = 1};
  assay_confirm_orders(&s.confirm, give, &again);
  assert_string_equal(again.asked, "");
  drop(&s);
}

static void what_noise_made_worse_than_possible_is_measured_again(void **state) {
  (void)state;
  stage s;
  make(&s);
  put(&s, "l1.read", ASSAY_HIGHER, 148);
  put(&s, "l1.copy", ASSAY_HIGHER, 183);
  second again = {.value = 183.5};
  assay_confirm_orders(&s.confirm, give, &again);
  assert_string_equal(again.asked, "l1.read ");
  assert_true(assay_ceilings_find(s.set, "l1.read")->value == 183.5);
  assert_string_equal(assay_ceilings_find(s.set, "l1.read")->detail, "second");
  drop(&s);
  make(&s);
  put(&s, "latency.l2", ASSAY_LOWER, 12);
  put(&s, "latency.l3", ASSAY_LOWER, 10);
  again = (second){.value = 11}; /* better, and still not possible */
  assay_confirm_orders(&s.confirm, give, &again);
  assert_string_equal(again.asked, "latency.l2 latency.l2 ");
  assert_true(assay_ceilings_find(s.set, "latency.l2")->value == 11);
  assert_string_equal(assay_ceilings_find(s.set, "latency.l2")->detail, "second; doubtful: it cannot be that much worse than latency.l3");
  assert_string_equal(assay_ceilings_find(s.set, "latency.l3")->detail, "first");
  drop(&s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_measured_again_until_their_best_agree),
      cmocka_unit_test(a_row_that_never_agrees_is_doubtful),
      cmocka_unit_test(orders_of_a_sound_set_are_left_alone),
      cmocka_unit_test(what_noise_made_worse_than_possible_is_measured_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Runs that end at the same moment on one history: one alert a cause, told once. */
#include <assay/alerts.h>

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../history/store.h"
#include "judge/alert_rules.h"
#include "made_result.h"
#include "test.h"

#define MACHINE "00000000000000ee"
enum { RUNS = 4, ROUNDS = 12, START = 1900000000, APART = 100000 };

static const char rules_text[] = "alerts:\n  time: {warning: 20%%, critical: 50%%}\nchannels:\n  - file: %s\n";

static assay_result *run_at(const char *id, int64_t at_s) {
  assay_result *r = test_empty_result(id, at_s);
  r->machine_id = MACHINE;
  return r;
}

/* Each round has a change of its own, which all runs see; each run ends a second later than the one before it. */
static bool look(assay_history *h, const assay_alert_rules *rules, int run, int round) {
  char name[16], id[17];
  snprintf(name, sizeof name, "b%d", round);
  snprintf(id, sizeof id, "%016x", round * RUNS + run + 1);
  int64_t from_s = START + (int64_t)round * APART;
  assay_result *before = run_at("00000000000000aa", from_s), *after = run_at(id, from_s + 1000 + run);
  assay_change change = {.suite = "s",
                         .benchmark = name,
                         .metric = "time",
                         .unit = "ns",
                         .is_main = true,
                         .verdict = ASSAY_VERDICT_WORSE,
                         .before_count = 5,
                         .after_count = 5,
                         .before = 1000,
                         .after = 1400,
                         .change_ratio = 0.4,
                         .ci_low = 0.38,
                         .ci_high = 0.42,
                         .p_value = 0.001,
                         .q_value = 0.002,
                         .noise_floor = 0.01};
  assay_changes changes = {.items = &change, .count = 1, .alpha = 0.05, .common_ratio = 0};
  assay_alerts_context context = {.before = before, .after = after, .now_s = from_s + 2000 + run};
  assay_alerts *alerts = NULL;
  assay_error err = {0};
  if (assay_alerts_find(rules, &changes, &context, h, &err, &alerts) != ASSAY_OK || assay_alerts_send(alerts, rules, h, &err) != ASSAY_OK) {
    print_error("%s\n", err.message);
    return false;
  }
  assay_alerts_destroy(alerts);
  assay_result_destroy(before);
  assay_result_destroy(after);
  return true;
}

static char told[] = "/tmp/assay-told-XXXXXX"; /* the file that is told */

static size_t lines_of(const char *path) {
  FILE *f = fopen(path, "r");
  size_t lines = 0;
  assert_non_null(f);
  for (int c; (c = fgetc(f)) != EOF;) lines += c == '\n';
  fclose(f);
  return lines;
}

static int look_in_all_rounds(const char *path, pthread_barrier_t *begin, int run) {
  assay_alert_rules *rules = NULL;
  assay_history *h = NULL;
  assay_error err = {0};
  char text[8192];
  int length = snprintf(text, sizeof text, rules_text, told);
  bool fine = assay_alert_rules_parse(text, (size_t)length, "r.yaml", false, &err, &rules) == ASSAY_OK &&
              assay_history_open(path, &err, &h) == ASSAY_OK;
  for (int round = 0; round < ROUNDS; round++) {
    pthread_barrier_wait(begin);
    fine = fine && look(h, rules, run, round);
  }
  assay_history_close(h);
  assay_alert_rules_destroy(rules);
  return fine ? 0 : 1;
}

static void one_cause_makes_one_alert(void **state) {
  (void)state;
  char path[4096];
  pid_t children[RUNS];
  assay_error err = {0};
  snprintf(path, sizeof path, "%s", test_fresh_history());
  int fd = mkstemp(told);
  assert_true(fd >= 0);
  close(fd);
  assay_history_close(test_open_history(path));
  pthread_barrier_t *begin = mmap(NULL, sizeof *begin, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(begin != MAP_FAILED);
  pthread_barrierattr_t attributes;
  pthread_barrierattr_init(&attributes);
  pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_barrier_init(begin, &attributes, RUNS);
  for (int run = 0; run < RUNS; run++)
    if ((children[run] = fork()) == 0) _exit(look_in_all_rounds(path, begin, run));
  for (int run = 0; run < RUNS; run++) {
    int status = 0;
    waitpid(children[run], &status, 0);
    assert_int_equal(status, 0);
  }
  munmap(begin, sizeof *begin);
  assay_history *h = test_open_history(path);
  assay_alerts *alerts = NULL;
  assert_ok(assay_alerts_list(h, true, &err, &alerts), err);
  assert_int_equal(alerts->count, ROUNDS);
  for (size_t i = 0; i < alerts->count; i++) assert_false(alerts->items[i].is_new);
  assert_int_equal(lines_of(told), ROUNDS);
  unlink(told);
  assay_alerts_destroy(alerts);
  assay_history_close(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(one_cause_makes_one_alert)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

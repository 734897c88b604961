/* SPDX-License-Identifier: MIT */
/* What the system says of this process, against what it says elsewhere. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"
#ifdef __linux__
#include "os/linux/cgroup.h"
#endif
#include "test.h"

static double clock_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void cpu_time_is_that_of_the_clock_of_processes(void **state) {
  (void)state;
  assay_os_usage before, after;
  uint64_t thread_before = assay_os_thread_cpu_ns();
  assay_os_get_usage(&before);
  double start = clock_ns(CLOCK_PROCESS_CPUTIME_ID), used = 0;
  while ((used = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - start) < 100e6) {
  }
  assay_os_get_usage(&after);
  double thread = (double)(assay_os_thread_cpu_ns() - thread_before);
  assert_near(after.cpu_ns - before.cpu_ns, used, 25e6); /* some systems count in ticks of 10 ms */
  assert_true(thread >= used && thread < 2 * used);
}

/* Sleeping takes no CPU time. */
static void sleep_is_a_voluntary_switch(void **state) {
  (void)state;
  assay_os_usage before, after;
  uint64_t thread_before = assay_os_thread_cpu_ns();
  assay_os_get_usage(&before);
  for (int i = 0; i < 20; i++) assay_os_sleep_ns(5000000);
  assay_os_get_usage(&after);
  assert_true(after.voluntary_switches - before.voluntary_switches >= 20);
  assert_true(after.cpu_ns - before.cpu_ns < 50e6);
  assert_true(assay_os_thread_cpu_ns() - thread_before < 50000000);
}

#ifdef __linux__
static double from_status(const char *key) {
  char *text = NULL;
  size_t length = 0;
  assay_error err = {0};
  assert_ok(assay_os_read_file("/proc/self/status", 65536, &err, &text, &length), err);
  const char *at = strstr(text, key);
  double value = at != NULL ? strtod(at + strlen(key), NULL) : -1;
  assay_free(text);
  return value;
}
#endif

/* Shares one CPU with another busy process until it was preempted; the kernel's own count stands in /proc as well. */
static void preemption_is_an_involuntary_switch(void **state) {
  (void)state;
#ifdef __linux__
  unsigned cpu = 0;
  if (assay_os_allowed_cpus(&cpu, 1) == 0 || from_status("nonvoluntary_ctxt_switches:") < 0 ||
      assay_os_pin_thread(&cpu, 1, NULL) != ASSAY_OK) {
    test_skip("the system neither pins nor counts");
    return;
  }
  assay_os_usage before, after;
  assay_os_get_usage(&before);
  pid_t rival = fork();
  if (rival == 0) {
    alarm(20);
    for (volatile int i = 0;; i++) {
    }
  }
  double low = 0, high = 0, start = clock_ns(CLOCK_MONOTONIC);
  do {
    low = from_status("nonvoluntary_ctxt_switches:");
    assay_os_get_usage(&after);
    high = from_status("nonvoluntary_ctxt_switches:");
  } while (low < before.involuntary_switches + 3 && clock_ns(CLOCK_MONOTONIC) - start < 20e9);
  kill(rival, SIGKILL);
  waitpid(rival, NULL, 0);
  assert_true(low >= before.involuntary_switches + 3);
  assert_true(after.involuntary_switches >= low && after.involuntary_switches <= high);
#else
  test_skip("needs Linux");
#endif
}

static void a_quota_above_the_group_is_looked_for(void **state) {
  (void)state;
#ifdef __linux__
  char path[100] = "/sys/fs/cgroup/a.slice/b.scope/cpu.stat", first[100] = "/sys/fs/cgroup/cpu,cpuacct/d/cpu.stat";
  assert_true(assay_cgroup_to_parent(path));
  assert_string_equal(path, "/sys/fs/cgroup/a.slice/cpu.stat");
  assert_true(assay_cgroup_to_parent(path));
  assert_string_equal(path, "/sys/fs/cgroup/cpu.stat");
  assert_false(assay_cgroup_to_parent(path));
  assert_string_equal(path, "/sys/fs/cgroup/cpu.stat");
  assert_true(assay_cgroup_to_parent(first));
  assert_string_equal(first, "/sys/fs/cgroup/cpu,cpuacct/cpu.stat");
#else
  test_skip("needs Linux");
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cpu_time_is_that_of_the_clock_of_processes),
      cmocka_unit_test(sleep_is_a_voluntary_switch),
      cmocka_unit_test(a_quota_above_the_group_is_looked_for),
      cmocka_unit_test(preemption_is_an_involuntary_switch),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "os/cgroup.h"

#include <math.h>

#include "os/prim.h"
#include "test.h"

static void expect_group(const char *mounts, const char *self, const char *controller, const char *mount, const char *path, bool v2) {
  assay_cgroup group = assay_cgroup_find(mounts, self, controller);
  assert_int_equal(group.v2, v2);
  if (mount == NULL) {
    assert_null(group.mount);
    return;
  }
  assert_int_equal(group.mount_length, strlen(mount));
  assert_memory_equal(group.mount, mount, group.mount_length);
  assert_int_equal(group.path_length, strlen(path));
  assert_memory_equal(group.path, path, group.path_length);
}

static void the_hierarchy_that_holds_the_controller_is_found(void **state) {
  (void)state;
  const char *hybrid =
      "proc /proc proc rw 0 0\n"
      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0\n"
      "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n"
      "cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n";
  const char *self = "5:cpuset:/sets/a\n4:cpu,cpuacct:/jobs/b\n0::/user.slice/c";
  expect_group(hybrid, self, "cpu", "/sys/fs/cgroup/cpu,cpuacct", "/jobs/b", false);
  expect_group(hybrid, self, "cpuset", "/sys/fs/cgroup/cpuset", "/sets/a", false);
  expect_group(hybrid, self, "memory", "/sys/fs/cgroup/unified", "/user.slice/c", true);
  expect_group(hybrid, self, NULL, "/sys/fs/cgroup/unified", "/user.slice/c", true);
  const char *v1 = "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n";
  expect_group(v1, "1:cpu:/x\n", "memory", NULL, NULL, true);
  expect_group(v1, "1:cpu:/x\n", NULL, NULL, NULL, true);
  expect_group("", "", "cpu", NULL, NULL, true);
  const char *v2 = "none /sys/fs/cgroup cgroup2 rw 0 0\n";
  expect_group(v2, "0::/../../x\n", "cpu", "/sys/fs/cgroup", "/", true); /* outside of what may be seen */
  expect_group(v2, "torn", "cpu", "/sys/fs/cgroup", "/", true);
}

static void a_quota_is_rounded_up_to_whole_cpus(void **state) {
  (void)state;
  assert_int_equal(assay_os_within_quota(16, NAN), 16);
  assert_int_equal(assay_os_within_quota(16, 1.5), 2);
  assert_int_equal(assay_os_within_quota(16, 2), 2);
  assert_int_equal(assay_os_within_quota(16, 0.1), 1);
  assert_int_equal(assay_os_within_quota(2, 8), 2);
  assert_int_equal(assay_os_within_quota(0, NAN), 1);
  double quota = assay_os_cpu_quota();
  assert_true(isnan(quota) || quota > 0);
  double limit = assay_os_memory_limit();
  assert_true(isnan(limit) || limit >= 4096);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_hierarchy_that_holds_the_controller_is_found),
      cmocka_unit_test(a_quota_is_rounded_up_to_whole_cpus),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

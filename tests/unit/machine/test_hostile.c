/* SPDX-License-Identifier: MIT */
/* Archives made to do harm, and archives that are broken: each is a clear error, and nothing outside is touched. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "capture.h"
#include "os/prim.h"
#include "test.h"

static void refused(const char *path, assay_status status, const char *word) {
  assay_error err = {0};
  assay_machine *machine = NULL;
  assay_status got = assay_machine_detect(path, &err, &machine);
  if (got != status || strstr(err.message, word) == NULL) print_error("status %d, message '%s', expected '%s'\n", got, err.message, word);
  assert_int_equal(got, status);
  assert_non_null(strstr(err.message, word));
  assert_null(machine);
}

static capture begin(const char *name) {
  capture c;
  capture_begin(&c, name, ARCHIVE_FILTER_NONE);
  capture_file(&c, "sys/devices/system/cpu/online", "0\n");
  return c;
}

static void paths_that_climb(void **state) {
  (void)state;
  capture c = begin("dots.tar");
  capture_file(&c, "sys/../../escaped", "x");
  refused(capture_end(&c), ASSAY_ERR_CORRUPT, "'..'");
  c = begin("absolute.tar");
  char outside[600];
  snprintf(outside, sizeof outside, "%s/escaped", test_temp_dir());
  capture_file(&c, outside, "x");
  refused(capture_end(&c), ASSAY_ERR_CORRUPT, "absolute");
  assert_int_not_equal(access(outside, F_OK), 0);
}

static void links_that_leave(void **state) {
  (void)state;
  static const char *const targets[] = {"/etc/passwd", "../../../../etc/passwd", "../..", "a/../../../x"};
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    capture c = begin("link.tar");
    capture_member(&c, "sys/link", AE_IFLNK, targets[i], false, 0);
    refused(capture_end(&c), ASSAY_ERR_CORRUPT, "leaves the archive");
  }
}

/* Each link alone looks fine by its text; together they climb: sys/a/b/up is the root, and sys/a/b/out goes above it through up. */
static void links_that_leave_together(void **state) {
  (void)state;
  capture c = begin("together.tar");
  capture_member(&c, "sys/a/b/out", AE_IFLNK, "up/../etc", false, 0);
  capture_member(&c, "sys/a/b/up", AE_IFLNK, "../../..", false, 0);
  refused(capture_end(&c), ASSAY_ERR_CORRUPT, "leaves the archive");
}

static void writing_through_a_link(void **state) {
  (void)state;
  char directory[600], victim[640];
  snprintf(directory, sizeof directory, "%s/victim", test_temp_dir());
  snprintf(victim, sizeof victim, "%s/file", directory);
  mkdir(directory, 0700);
  capture c = begin("through.tar");
  capture_member(&c, "sys/dir", AE_IFLNK, directory, false, 0);
  capture_file(&c, "sys/dir/file", "overwritten");
  refused(capture_end(&c), ASSAY_ERR_CORRUPT, "leaves the archive");
  assert_int_not_equal(access(victim, F_OK), 0);
}

static void hard_links_that_leave(void **state) {
  (void)state;
  capture c = begin("hard.tar");
  capture_member(&c, "sys/hard", AE_IFREG, "/etc/passwd", true, 0);
  refused(capture_end(&c), ASSAY_ERR_CORRUPT, "absolute");
  c = begin("hard2.tar");
  capture_member(&c, "sys/hard", AE_IFREG, "sys/nothing", true, 0);
  refused(capture_end(&c), ASSAY_ERR_CORRUPT, "not a file of the archive");
}

static void devices_and_fifos(void **state) {
  (void)state;
  static const unsigned types[] = {AE_IFIFO, AE_IFCHR, AE_IFBLK};
  for (size_t i = 0; i < 3; i++) {
    capture c = begin("device.tar");
    capture_member(&c, "sys/device", types[i], NULL, false, 0);
    refused(capture_end(&c), ASSAY_ERR_CORRUPT, "device, fifo or socket");
  }
}

static void bombs(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "big.tar.gz", ARCHIVE_FILTER_GZIP);
  capture_member(&c, "proc/cpuinfo", AE_IFREG, NULL, false, 64 << 20);
  refused(capture_end(&c), ASSAY_ERR_LIMIT, "larger than");
  capture_begin(&c, "many.tar.gz", ARCHIVE_FILTER_GZIP);
  for (unsigned i = 0; i < 20; i++) {
    char path[64];
    snprintf(path, sizeof path, "sys/file%u", i);
    capture_member(&c, path, AE_IFREG, NULL, false, 8 << 20);
  }
  refused(capture_end(&c), ASSAY_ERR_LIMIT, "in all");
}

static void too_deep(void **state) {
  (void)state;
  capture c = begin("deep.tar");
  char path[256] = "sys";
  for (int i = 0; i < 60; i++) strcat(path, "/d");
  capture_file(&c, path, "x");
  refused(capture_end(&c), ASSAY_ERR_LIMIT, "deeper");
}

static void truncated_and_garbage(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "whole.tar.xz", ARCHIVE_FILTER_XZ);
  for (unsigned i = 0; i < 200; i++) {
    char text[64];
    snprintf(text, sizeof text, "%u %u\n", i * 2654435761u, i);
    capture_filef(&c, text, "sys/file%u", i);
  }
  char bytes[65536];
  FILE *file = fopen(capture_end(&c), "rb");
  size_t length = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  refused(capture_bytes("cut.tar.xz", bytes, length / 2), ASSAY_ERR_CORRUPT, "not a whole archive");
  refused(capture_bytes("empty", "", 0), ASSAY_ERR_PARSE, "empty");
  for (size_t i = 0; i < 5000; i++) bytes[i] = (char)(i * 2654435761u >> 13);
  refused(capture_bytes("garbage", bytes, 5000), ASSAY_ERR_CORRUPT, "not a whole archive");
  refused("/nonexistent/capture.tar", ASSAY_ERR_NOT_FOUND, "/nonexistent");
}

static void archive_of_something_else(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "else.tar", ARCHIVE_FILTER_NONE);
  capture_file(&c, "README", "hello\n");
  capture_file(&c, "src/main.c", "int main;\n");
  refused(capture_end(&c), ASSAY_ERR_PARSE, "neither /sys nor /proc");
}

/* A file where hwloc expects numbers and a directory where it expects a file: no crash, and an answer or a clear error. */
static void nonsense_inside(void **state) {
  (void)state;
  capture c = begin("nonsense.tar");
  capture_file(&c, "proc/cpuinfo", "processor: : :\n::\nflags\t:\nCPU part : 0x\ncpu MHz : 1e999\nmodel name : \x01\xff\n");
  capture_file(&c, "proc/meminfo", "MemTotal: 99999999999999999999 kB\nMemFree: -5 kB\nMemAvailable: 12 parsecs\n");
  capture_file(&c, "proc/self/cgroup", "::\n0::\n1:memory\n2:memory:/../../..\n");
  capture_file(&c, "proc/mounts", "cgroup\ncgroup2 /sys/fs/cgroup cgroup2\n\n    \n");
  capture_file(&c, "sys/devices/system/cpu/present", "0-99999999999\n");
  capture_file(&c, "sys/devices/system/cpu/cpu0/cache/index0/size", "-1K\n");
  capture_member(&c, "sys/devices/system/cpu/cpu0/topology/core_id", AE_IFDIR, NULL, false, 0);
  capture_file(&c, "sys/class/hwmon/hwmon0/temp1_input", "hot\n");
  assay_machine *m = NULL;
  assay_error err = {0};
  if (assay_machine_detect(capture_end(&c), &err, &m) == ASSAY_OK) {
    expect_unavailable(m, "memory.total_bytes", "MemTotal");
    expect_unavailable(m, "memory.available_bytes", "MemAvailable");
    expect_unavailable(m, "cpu.threads_present", "no CPU list");
    expect_unavailable(m, "sensors.0.celsius", "no number");
    assay_machine_destroy(m);
  } else {
    assert_true(err.message[0] != '\0');
  }
}

/* A directory of an hour ago, and one file in it. */
static void leave(const char *base, const char *name, char *path, size_t size) {
  char file[700];
  snprintf(path, size, "%s/%s", base, name);
  assert_int_equal(mkdir(path, 0700), 0);
  snprintf(file, sizeof file, "%s/file", path);
  assay_error err = {0};
  assert_ok(assay_os_write_file(file, "x", 1, &err), err);
  struct timespec old[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
  assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
}

static void what_a_killed_replay_left_is_removed_by_the_next(void **state) {
  (void)state;
  char base[500], dead[600], alive[600], fresh[600], other[600];
  snprintf(base, sizeof base, "%s/replays", test_temp_dir());
  assert_int_equal(mkdir(base, 0700), 0);
  leave(base, "assay-capture-dead01", dead, sizeof dead);
  leave(base, "assay-capture-alive1", alive, sizeof alive);
  leave(base, "another-program", other, sizeof other);
  int lock = open(alive, O_RDONLY | O_DIRECTORY);
  assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
  snprintf(fresh, sizeof fresh, "%s/assay-capture-fresh1", base);
  assert_int_equal(mkdir(fresh, 0700), 0); /* made just now, and its owner comes to lock it */
  capture c;
  capture_begin(&c, "small.tar", ARCHIVE_FILTER_NONE);
  capture_file(&c, "proc/meminfo", "MemTotal: 16000000 kB\n");
  const char *path = capture_end(&c);
  setenv("TMPDIR", base, 1);
  assay_machine *m = replay(path);
  unsetenv("TMPDIR");
  assay_machine_destroy(m);
  assert_false(assay_os_exists(dead));
  assert_true(assay_os_exists(alive) && assay_os_exists(fresh) && assay_os_exists(other));
  close(lock);
  DIR *dir = opendir(base);
  unsigned left = 0;
  while (readdir(dir) != NULL) left++;
  closedir(dir);
  assert_int_equal(left, 5); /* the three, "." and "..": the replay's own is gone too */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_a_killed_replay_left_is_removed_by_the_next),
      cmocka_unit_test(paths_that_climb),
      cmocka_unit_test(links_that_leave),
      cmocka_unit_test(links_that_leave_together),
      cmocka_unit_test(writing_through_a_link),
      cmocka_unit_test(hard_links_that_leave),
      cmocka_unit_test(devices_and_fifos),
      cmocka_unit_test(bombs),
      cmocka_unit_test(too_deep),
      cmocka_unit_test(truncated_and_garbage),
      cmocka_unit_test(archive_of_something_else),
      cmocka_unit_test(nonsense_inside),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

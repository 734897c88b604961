/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

#include "base/alloc.h"
#include "os/prim.h"
#include "test.h"

static const char *inside(const char *name) {
  static char paths[4][4096];
  static unsigned turn;
  char *path = paths[turn++ % 4];
  snprintf(path, sizeof paths[0], "%s/%s", test_temp_dir(), name);
  return path;
}

static void assert_file(const char *path, const char *expected) {
  assay_error err = {0};
  char *data = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file(path, 1 << 20, &err, &data, &length), err);
  assert_int_equal(length, strlen(expected));
  assert_string_equal(data, expected);
  assay_free(data);
}

static size_t count_entries(const char *path) {
  DIR *dir = opendir(path);
  assert_non_null(dir);
  size_t count = 0;
  for (struct dirent *entry; (entry = readdir(dir)) != NULL;) count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  closedir(dir);
  return count;
}

static void make(const char *path) {
  assay_error err = {0};
  assert_ok(assay_os_make_dirs(path, &err), err);
}

static void reading_keeps_to_its_limit(void **state) {
  (void)state;
  assay_error err = {0};
  const char *path = inside("ten");
  assert_ok(assay_os_write_file(path, "0123456789", 10, &err), err);
  char *data = NULL;
  size_t length = 77;
  assert_ok(assay_os_read_file(path, 10, &err, &data, &length), err);
  assert_int_equal(length, 10);
  assay_free(data);
  data = NULL;
  length = 77;
  assert_int_equal(assay_os_read_file(path, 9, &err, &data, &length), ASSAY_ERR_LIMIT);
  assert_non_null(strstr(err.message, path));
  assert_null(data);
  assert_int_equal(length, 77);
  assay_error_clear(&err);
  assert_int_equal(assay_os_read_file("/dev/zero", 100000, &err, &data, &length), ASSAY_ERR_LIMIT); /* one that never ends */
  assay_error_clear(&err);
  assert_int_equal(assay_os_read_file(inside("missing"), 10, &err, &data, &length), ASSAY_ERR_NOT_FOUND);
  assay_error_clear(&err);
  assert_int_equal(assay_os_read_file(test_temp_dir(), 10, &err, &data, &length), ASSAY_ERR_IO); /* a directory */
  assert_ok(assay_os_write_file(inside("empty"), "", 0, &(assay_error){0}), err);
  assert_file(inside("empty"), "");
}

static void proc_files_are_read_whole(void **state) {
  (void)state;
  if (!assay_os_exists("/proc/self/status")) test_skip("no /proc here");
  assay_error err = {0};
  char *data = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file("/proc/self/status", 1 << 20, &err, &data, &length), err);
  assert_true(length > 100 && strlen(data) == length); /* stat() says 0 bytes */
  assay_free(data);
}

static void writing_replaces_whole_files(void **state) {
  (void)state;
  assay_error err = {0};
  make(inside("atomic"));
  const char *path = inside("atomic/report.json");
  assert_ok(assay_os_write_file(path, "old", 3, &err), err);
  int held = open(path, O_RDONLY);
  assert_ok(assay_os_write_file(path, "new and longer", 14, &err), err);
  assert_file(path, "new and longer");
  /* Who had it open still reads the old one whole: it was replaced, not overwritten. */
  char old[16] = "";
  assert_int_equal(read(held, old, sizeof old), 3);
  close(held);
  assert_int_equal(count_entries(inside("atomic")), 1);
  struct stat info;
  mode_t mask = umask(022);
  assert_int_equal(unlink(path), 0);
  assert_ok(assay_os_write_file(path, "x", 1, &err), err);
  umask(mask);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0644);
  static const mode_t modes[] = {0600, 0664, 0444}; /* who may read it stays as it is */
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    assert_int_equal(chmod(path, modes[i]), 0);
    assert_ok(assay_os_write_file(path, "x", 1, &err), err);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, modes[i]);
  }
}

static void a_failed_write_leaves_the_old_file(void **state) {
  (void)state;
  assay_error err = {0};
  make(inside("target"));
  make(inside("target/taken/child")); /* a directory that is not empty cannot be replaced by a file */
  assert_int_equal(assay_os_write_file(inside("target/taken"), "x", 1, &err) == ASSAY_OK, 0);
  assert_non_null(strstr(err.message, "cannot write"));
  assert_int_equal(count_entries(inside("target")), 1); /* and nothing half-written is left beside it */
  assay_error_clear(&err);
  assert_int_equal(assay_os_write_file(inside("nowhere/x"), "x", 1, &err), ASSAY_ERR_NOT_FOUND);
}

/* As an ordinary user, since root may write anywhere: a child process gives its rights up. */
static void an_unwritable_directory_is_said(void **state) {
  (void)state;
  make(inside("locked"));
  assert_int_equal(chmod(inside("locked"), 0555), 0);
  assert_int_equal(chmod(test_temp_dir(), 0755), 0);
  pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(3);
    assay_error err = {0};
    assay_status status = assay_os_write_file(inside("locked/x"), "x", 1, &err);
    _exit(status == ASSAY_ERR_PERMISSION && strstr(err.message, "locked/x") != NULL ? 0 : 1);
  }
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
  assert_int_equal(count_entries(inside("locked")), 0);
}

static void a_full_disk_is_said_and_the_old_file_stays(void **state) {
  (void)state;
#ifdef __linux__
  make(inside("full"));
  if (geteuid() != 0 || mount("none", inside("full"), "tmpfs", 0, "size=64k") != 0) test_skip("needs the right to mount a small tmpfs");
  assay_error err = {0};
  assay_status small = assay_os_write_file(inside("full/report"), "old", 3, &err);
  static char large[200000];
  assay_status status = assay_os_write_file(inside("full/report"), large, sizeof large, &err);
  char *data = NULL;
  size_t length = 0, entries = count_entries(inside("full"));
  assay_status read_back = assay_os_read_file(inside("full/report"), 100, NULL, &data, &length);
  umount2(inside("full"), MNT_DETACH);
  assert_int_equal(small, ASSAY_OK);
  assert_int_equal(status, ASSAY_ERR_NO_SPACE);
  assert_non_null(strstr(err.message, "full/report"));
  assert_int_equal(entries, 1);
  assert_int_equal(read_back, ASSAY_OK);
  assert_string_equal(data, "old");
  assay_free(data);
#else
  test_skip("needs a tmpfs");
#endif
}

static void a_draft_stands_in_its_place_at_the_end(void **state) {
  (void)state;
  assay_error err = {0};
  assay_os_draft draft;
  make(inside("drafts"));
  const char *path = inside("drafts/note");
  assert_ok(assay_os_write_file(path, "old", 3, &err), err);
  assert_ok(assay_os_draft_open(path, &err, &draft), err);
  assert_int_equal(write(draft.fd, "new", 3), 3);
  assert_file(path, "old");
  assert_ok(assay_os_draft_put(&draft, &err), err);
  assert_file(path, "new");
  assert_ok(assay_os_draft_open(path, &err, &draft), err);
  assay_os_draft_drop(&draft);
  assert_file(path, "new");
  assert_int_equal(count_entries(inside("drafts")), 1);
  struct stat info;
  const mode_t mask = umask(0);
  umask(mask);
  assert_int_equal(stat(path, &info), 0);
  assert_int_equal(info.st_mode & 0777, 0666 & ~mask);
  assert_int_equal(assay_os_draft_open("", &err, &draft), ASSAY_ERR_INVALID);
}

/* Before the work, not after it. */
static void a_place_that_can_never_be_written_is_refused_at_once(void **state) {
  (void)state;
  assay_error err = {0};
  assay_os_draft draft = {.fd = -7};
  char name[300];
  make(inside("refused/directory"));
  assert_int_not_equal(assay_os_draft_open(inside("refused/directory"), &err, &draft), ASSAY_OK);
  assert_non_null(strstr(err.message, "cannot write"));
  assay_error_clear(&err);
  snprintf(name, sizeof name, "refused/%0*d", 256, 0);
  assert_int_not_equal(assay_os_draft_open(inside(name), &err, &draft), ASSAY_OK);
  assert_non_null(strstr(err.message, "cannot write"));
  assert_int_equal(draft.fd, -7);
  assay_error_clear(&err);
  snprintf(name, sizeof name, "refused/%0*d", 255, 0); /* the longest that there may be */
  const char *longest = inside(name);
  assert_ok(assay_os_write_file(longest, "written", 7, &err), err);
  assert_file(longest, "written");
  assert_int_equal(count_entries(inside("refused")), 2);
}

#ifdef __linux__
/* From now on the kernel answers a call with an error where its argument has any of these bits. */
static bool forbid(unsigned call, unsigned argument, unsigned bits, unsigned answer) {
  struct sock_filter steps[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned)offsetof(struct seccomp_data, args) + 8 * argument),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | answer),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog filter = {.len = sizeof steps / sizeof *steps, .filter = steps};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

static bool holds(const char *path, const char *expected) {
  char *data = NULL;
  size_t length = 0;
  bool is = assay_os_read_file(path, 1 << 20, NULL, &data, &length) == ASSAY_OK && strcmp(data, expected) == 0;
  assay_free(data);
  return is;
}

/* 0, or the step that went wrong. */
static int replace_by_a_draft(const char *path, bool is_named) {
  assay_os_draft draft;
  struct stat info;
  umask(027);
  if (assay_os_draft_open(path, NULL, &draft) != ASSAY_OK || draft.is_named != is_named) return 1;
  if ((fcntl(draft.fd, F_GETFD) & FD_CLOEXEC) == 0) return 2;
  if (write(draft.fd, "new", 3) != 3 || !holds(path, "old")) return 3;
  if (assay_os_draft_put(&draft, NULL) != ASSAY_OK || !holds(path, "new")) return 4;
  if (stat(path, &info) != 0 || (info.st_mode & 0777) != 0600) return 5;
  if (assay_os_draft_open(path, NULL, &draft) != ASSAY_OK) return 6;
  assay_os_draft_drop(&draft);
  if (!holds(path, "new") || unlink(path) != 0) return 7;
  if (assay_os_write_file(path, "again", 5, NULL) != ASSAY_OK || !holds(path, "again")) return 8;
  return stat(path, &info) == 0 && (info.st_mode & 0777) == 0640 ? 0 : 9;
}
#endif

/* A file system without files that have no name, and a sandbox that gives them none. */
static void drafts_do_where_the_system_refuses(void **state) {
  (void)state;
#ifdef __linux__
  enum { NOT_HERE = 77 };
  assay_error err = {0};
  assay_os_draft draft;
  make(inside("refusing"));
  const char *path = inside("refusing/note");
  assert_ok(assay_os_draft_open(path, &err, &draft), err);
  const bool is_named = draft.is_named;
  assay_os_draft_drop(&draft);
  for (int links = 0; links < 2; links++) {
    unlink(path);
    assert_ok(assay_os_write_file(path, "old", 3, &err), err);
    assert_int_equal(chmod(path, 0600), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      bool is_forbidden =
          links ? forbid(SYS_linkat, 4, AT_SYMLINK_FOLLOW, EPERM) : forbid(SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY, EOPNOTSUPP);
      _exit(is_forbidden ? replace_by_a_draft(path, !links || is_named) : NOT_HERE);
    }
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    if (WEXITSTATUS(how) == NOT_HERE) test_skip("this system has no filters of its calls");
    assert_int_equal(WEXITSTATUS(how), 0);
    assert_int_equal(count_entries(inside("refusing")), 1);
  }
#else
  test_skip("needs filters of the system's calls");
#endif
}

static void nothing_is_left_of_a_program_that_is_killed(void **state) {
  (void)state;
  assay_error err = {0};
  assay_os_draft draft;
  make(inside("killed"));
  const char *path = inside("killed/note");
  assert_ok(assay_os_draft_open(path, &err, &draft), err);
  const bool is_named = draft.is_named;
  assay_os_draft_drop(&draft);
  if (is_named) test_skip("this file system has no files without a name");
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (assay_os_draft_open(path, &err, &draft) == ASSAY_OK && write(draft.fd, "half", 4) == 4) raise(SIGKILL);
    _exit(1);
  }
  int how = 0;
  assert_int_equal(waitpid(child, &how, 0), child);
  assert_true(WIFSIGNALED(how));
  assert_int_equal(count_entries(inside("killed")), 0);
}

static void directories_are_made_with_parents(void **state) {
  (void)state;
  assay_error err = {0};
  make(inside("a/b//c/"));
  make(inside("a/b/c"));
  assert_true(assay_os_exists(inside("a/b/c")));
  assert_ok(assay_os_write_file(inside("a/file"), "", 0, &err), err);
  assert_int_equal(assay_os_make_dirs(inside("a/file"), &err), ASSAY_ERR_INVALID);
  assert_non_null(strstr(err.message, "not a directory"));
  assay_error_clear(&err);
  assert_true(assay_os_make_dirs(inside("a/file/below"), &err) != ASSAY_OK);
}

static void removing_a_tree_does_not_follow_links(void **state) {
  (void)state;
  assay_error err = {0};
  make(inside("keep"));
  assert_ok(assay_os_write_file(inside("keep/precious"), "x", 1, &err), err);
  make(inside("tree/deep/er"));
  assert_ok(assay_os_write_file(inside("tree/deep/file"), "x", 1, &err), err);
  assert_int_equal(symlink(inside("keep"), inside("tree/deep/link")), 0);
  assert_int_equal(symlink("/nonexistent", inside("tree/dangling")), 0);
  assay_os_remove_tree(inside("tree"));
  assert_false(assay_os_exists(inside("tree")));
  assert_true(assay_os_exists(inside("keep/precious")));
  assert_int_equal(symlink(inside("keep"), inside("alias")), 0);
  assay_os_remove_tree(inside("alias")); /* the link itself goes, what it points to stays */
  struct stat info;
  assert_int_not_equal(lstat(inside("alias"), &info), 0);
  assert_true(assay_os_exists(inside("keep/precious")));
  assay_os_remove_tree(inside("missing"));
}

static void shipped_data_is_found_where_it_is_said_to_be(void **state) {
  (void)state;
  assay_error err = {0};
  make(inside("data/profiles"));
  assert_ok(assay_os_write_file(inside("data/profiles/x.toml"), "", 0, &err), err);
  const char *before = getenv("ASSAY_DATA_DIR");
  char *saved = before == NULL ? NULL : assay_strdup(ASSAY_TAG_BASE, before);
  setenv("ASSAY_DATA_DIR", inside("data"), 1);
  char *path = NULL;
  assert_ok(assay_os_find_data("profiles/x.toml", &err, &path), err);
  assert_string_equal(path, inside("data/profiles/x.toml"));
  assay_free(path);
  path = NULL;
  assert_int_equal(assay_os_find_data("profiles/y.toml", &err, &path), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "ASSAY_DATA_DIR"));
  assert_null(path);
  assay_error_clear(&err);
  unsetenv("ASSAY_DATA_DIR");
  assert_ok(assay_os_find_data("meson.build", &err, &path), err); /* the source tree, as this is not installed */
  assay_free(path);
  assert_int_equal(assay_os_find_data("no/such/file", &err, &path), ASSAY_ERR_NOT_FOUND);
  if (saved != NULL) setenv("ASSAY_DATA_DIR", saved, 1);
  assay_free(saved);
}

static void the_cache_directory_follows_the_environment(void **state) {
  (void)state;
  assay_error err = {0};
  char *path = NULL;
  setenv("ASSAY_CACHE_DIR", inside("cache/own"), 1);
  assert_ok(assay_os_cache_dir(&err, &path), err);
  assert_string_equal(path, inside("cache/own"));
  assert_true(assay_os_exists(path));
  assay_free(path);
  unsetenv("ASSAY_CACHE_DIR");
  setenv("XDG_CACHE_HOME", inside("cache/xdg"), 1);
  assert_ok(assay_os_cache_dir(&err, &path), err);
  assert_string_equal(path, inside("cache/xdg/assay"));
  assay_free(path);
}

static void clocks_go_forward(void **state) {
  (void)state;
  uint64_t before = assay_os_now_ns();
  assay_os_sleep_ns(2000000);
  assert_true(assay_os_now_ns() - before >= 2000000);
  assert_true(assay_os_wall_s() > 1700000000);
}

static void a_pinned_thread_is_on_its_processor(void **state) {
  (void)state;
  unsigned cpus[1024];
  size_t count = assay_os_allowed_cpus(cpus, 1024);
  assert_true(count >= 1);
  for (size_t i = 1; i < count && i < 1024; i++) assert_true(cpus[i - 1] < cpus[i]);
  assay_error err = {0};
  assay_status status = assay_os_pin_thread(&cpus[0], 1, &err);
  if (status == ASSAY_ERR_UNSUPPORTED) test_skip(err.message);
  assert_int_equal(status, ASSAY_OK);
  assert_int_equal(assay_os_current_cpu(), cpus[0]);
  unsigned one = 0;
  assert_int_equal(assay_os_allowed_cpus(&one, 1), 1);
  assert_ok(assay_os_pin_thread(cpus, count, &err), err);
}

/* Renaming over a device, a pipe or a link would destroy it: what it leads to is written. */
static void what_is_no_plain_file_is_written_into(void **state) {
  (void)state;
  assay_error err = {0};
  char target[600], link[600], pipe_path[600];
  snprintf(target, sizeof target, "%s/written-target", test_temp_dir());
  snprintf(link, sizeof link, "%s/written-link", test_temp_dir());
  snprintf(pipe_path, sizeof pipe_path, "%s/written-pipe", test_temp_dir());
  assert_ok(assay_os_write_file(target, "old", 3, &err), err);
  assert_int_equal(symlink("written-target", link), 0);
  assert_ok(assay_os_write_file(link, "new!", 4, &err), err);
  struct stat info;
  assert_int_equal(lstat(link, &info), 0);
  assert_true(S_ISLNK(info.st_mode));
  char *data = NULL;
  size_t length = 0;
  assert_ok(assay_os_read_file(target, 100, &err, &data, &length), err);
  assert_string_equal(data, "new!");
  assay_free(data);

  assert_int_equal(mkfifo(pipe_path, 0600), 0);
  int reader = open(pipe_path, O_RDONLY | O_NONBLOCK);
  char got[8] = "";
  assert_ok(assay_os_write_file(pipe_path, "piped", 5, &err), err);
  assert_int_equal(read(reader, got, sizeof got), 5);
  assert_string_equal(got, "piped");
  close(reader);
  assert_int_equal(lstat(pipe_path, &info), 0);
  assert_true(S_ISFIFO(info.st_mode));
  assert_ok(assay_os_write_file("/dev/null", "gone", 4, &err), err);
  assert_int_equal(stat("/dev/null", &info), 0);
  assert_true(S_ISCHR(info.st_mode));
  if (access("/dev/full", W_OK) == 0) {
    assert_int_equal(assay_os_write_file("/dev/full", "no", 2, &err), ASSAY_ERR_NO_SPACE);
    assert_int_equal(stat("/dev/full", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
  }
  assert_int_equal(assay_os_write_file("", "no", 2, NULL), ASSAY_ERR_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading_keeps_to_its_limit),
      cmocka_unit_test(proc_files_are_read_whole),
      cmocka_unit_test(writing_replaces_whole_files),
      cmocka_unit_test(a_failed_write_leaves_the_old_file),
      cmocka_unit_test(an_unwritable_directory_is_said),
      cmocka_unit_test(a_full_disk_is_said_and_the_old_file_stays),
      cmocka_unit_test(a_draft_stands_in_its_place_at_the_end),
      cmocka_unit_test(a_place_that_can_never_be_written_is_refused_at_once),
      cmocka_unit_test(drafts_do_where_the_system_refuses),
      cmocka_unit_test(nothing_is_left_of_a_program_that_is_killed),
      cmocka_unit_test(directories_are_made_with_parents),
      cmocka_unit_test(removing_a_tree_does_not_follow_links),
      cmocka_unit_test(shipped_data_is_found_where_it_is_said_to_be),
      cmocka_unit_test(the_cache_directory_follows_the_environment),
      cmocka_unit_test(clocks_go_forward),
      cmocka_unit_test(a_pinned_thread_is_on_its_processor),
      cmocka_unit_test(what_is_no_plain_file_is_written_into),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

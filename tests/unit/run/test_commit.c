/* SPDX-License-Identifier: MIT */
/* The commit is read from files laid out as Git lays them out: loose branch, packed branch, detached head, worktree, none. */
#include <assay/run.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "os/prim.h"
#include "test.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER "fedcba9876543210fedcba9876543210fedcba98"

static void put(const char *dir, const char *name, const char *text) {
  assay_buf path = {0};
  assay_error err = {0};
  assay_buf_printf(&path, "%s/%s/%s", test_temp_dir(), dir, name);
  char *slash = strrchr(path.data, '/');
  *slash = '\0';
  assert_ok(assay_os_make_dirs(path.data, &err), err);
  *slash = '/';
  assert_ok(assay_os_write_file(path.data, text, strlen(text), &err), err);
  assay_buf_deinit(&path);
}

static bool commit_of(const char *dir, char commit[41]) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", test_temp_dir(), dir);
  return assay_run_find_commit(path, commit);
}

static void a_branch_is_followed_from_below(void **state) {
  (void)state;
  char commit[41] = "";
  put("loose", ".git/HEAD", "ref: refs/heads/main\n");
  put("loose", ".git/refs/heads/main", COMMIT "\n");
  put("loose", "src/deep/file", "x");
  assert_true(commit_of("loose/src/deep", commit));
  assert_string_equal(commit, COMMIT);
}

static void a_packed_branch_is_found_by_its_whole_name(void **state) {
  (void)state;
  char commit[41] = "";
  put("packed", ".git/HEAD", "ref: refs/heads/main\n");
  put("packed", ".git/packed-refs",
      "# pack-refs with: peeled fully-peeled sorted\n" OTHER " refs/heads/main-2\n" COMMIT " refs/heads/main\n^" OTHER "\n");
  assert_true(commit_of("packed", commit));
  assert_string_equal(commit, COMMIT);
}

static void a_detached_head_is_the_commit(void **state) {
  (void)state;
  char commit[41] = "";
  put("detached", ".git/HEAD", COMMIT "\n");
  assert_true(commit_of("detached", commit));
  assert_string_equal(commit, COMMIT);
}

static void a_worktree_shares_the_branches(void **state) {
  (void)state;
  char commit[41] = "", pointer[4200];
  put("repo", ".git/HEAD", "ref: refs/heads/main\n");
  put("repo", ".git/refs/heads/side", COMMIT "\n");
  put("repo", ".git/worktrees/side/HEAD", "ref: refs/heads/side\n");
  put("repo", ".git/worktrees/side/commondir", "../..\n");
  snprintf(pointer, sizeof pointer, "gitdir: %s/repo/.git/worktrees/side\n", test_temp_dir());
  put("side", ".git", pointer);
  assert_true(commit_of("side", commit));
  assert_string_equal(commit, COMMIT);
}

static void an_unborn_branch_has_none(void **state) {
  (void)state;
  char commit[41] = "untouched";
  put("unborn", ".git/HEAD", "ref: refs/heads/main\n");
  assert_false(commit_of("unborn", commit));
  assert_string_equal(commit, "untouched");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_branch_is_followed_from_below), cmocka_unit_test(a_packed_branch_is_found_by_its_whole_name),
      cmocka_unit_test(a_detached_head_is_the_commit),   cmocka_unit_test(a_worktree_shares_the_branches),
      cmocka_unit_test(an_unborn_branch_has_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Two revisions in work trees of a temporary directory, built, and taken away again. */
#include <assay/ab.h>

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "os/prim.h"
#include "run/child.h"

enum { TAIL_BYTES = 700, GIT_BYTES = 64 << 10 };

typedef struct trees_storage {
  char *scratch, *repository;
  bool added[2];
} trees_storage;

typedef struct work {
  const assay_ab_trees_config *config;
  assay_ab_trees *trees;
  trees_storage *storage;
  uint64_t started_ns, told_ns;
  const char *step;
} work;

static void tell(work *w) {
  uint64_t now = assay_os_now_ns();
  if (w->config->on_step == NULL) return;
  w->told_ns = now;
  w->config->on_step(w->step, (double)(now - w->started_ns) / 1e9, w->config->user);
}

static void on_output(const char *text, size_t length, void *user) {
  (void)text, (void)length;
  work *w = user;
  if (assay_os_now_ns() - w->told_ns > 200000000) tell(w);
}

/* `stop` NULL: taking away goes on after a Ctrl-C. */
static assay_status git(const char *const *words, const volatile int *stop, assay_error *err, assay_buf *output, char problem[256],
                        int *code) {
  assay_child child = {.words = words, .limit = GIT_BYTES, .stop = stop};
  return assay_child_run(&child, err, output, problem, code);
}

static assay_status resolve(work *w, const char *revision, char commit[65], assay_error *err) {
  char name[512], problem[256];
  int code = 0;
  assay_buf output = {0};
  snprintf(name, sizeof name, "%.480s^{commit}", revision);
  const char *words[] = {"git", "-C", w->storage->repository, "rev-parse", "--verify", "--end-of-options", name, NULL};
  assay_status status = git(words, w->config->stop, err, &output, problem, &code);
  size_t digits = output.data != NULL ? strspn(output.data, "0123456789abcdef") : 0;
  if (status == ASSAY_OK && code == 127)
    status = ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "git is not installed, or not in the PATH");
  else if (status == ASSAY_OK && (code != 0 || digits < 40 || digits > 64))
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%s is no revision of the repository here: %s", revision, problem);
  if (status == ASSAY_OK) memcpy(commit, output.data, digits), commit[digits] = '\0';
  assay_buf_deinit(&output);
  return status;
}

static assay_status check_out(work *w, int side, assay_error *err) {
  char problem[256];
  int code = 0;
  assay_buf output = {0};
  const char *directory = side == 0 ? w->trees->directory_a : w->trees->directory_b;
  const char *commit = side == 0 ? w->trees->commit_a : w->trees->commit_b;
  const char *words[] = {"git", "-C", w->storage->repository, "worktree", "add", "--detach", "--force", directory, commit, NULL};
  w->storage->added[side] = true; /* from here on something may be there, also when it is stopped in the middle */
  assay_status status = git(words, w->config->stop, err, &output, problem, &code);
  if (status == ASSAY_OK && code != 0)
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "git cannot check %s out into a work tree: %s",
                        side == 0 ? w->config->revision_a : w->config->revision_b, problem);
  assay_buf_deinit(&output);
  return status;
}

/* The end of what a build wrote, without what would drive a terminal, from a line's begin. */
static void tidy_tail(char *text, size_t length, char out[TAIL_BYTES + 1]) {
  const char *from = length > TAIL_BYTES ? text + length - TAIL_BYTES : text;
  if (from != text && strchr(from, '\n') != NULL && strchr(from, '\n')[1] != '\0') from = strchr(from, '\n') + 1;
  size_t put = 0;
  for (; *from != '\0' && put < TAIL_BYTES; from++) {
    if ((unsigned char)*from >= 0x20 || *from == '\n') out[put++] = *from;
  }
  while (put > 0 && isspace((unsigned char)out[put - 1])) put--;
  out[put] = '\0';
}

static assay_status build(work *w, int side, assay_error *err) {
  if (w->config->build == NULL) return ASSAY_OK;
  const char *revision = side == 0 ? w->config->revision_a : w->config->revision_b;
  char step[200], problem[256], end[TAIL_BYTES + 1];
  int code = 0;
  snprintf(step, sizeof step, "building %.100s (%d of 2)", revision, side + 1);
  w->step = step;
  tell(w);
  const char *words[] = {"/bin/sh", "-c", w->config->build, NULL};
  assay_child child = {.words = words,
                       .directory = side == 0 ? w->trees->directory_a : w->trees->directory_b,
                       .limit = TAIL_BYTES * 4,
                       .tail = true,
                       .merged = true,
                       .stop = w->config->stop,
                       .on_output = on_output,
                       .user = w};
  assay_buf output = {0};
  assay_status status = assay_child_run(&child, err, &output, problem, &code);
  if (status == ASSAY_OK && code != 0) {
    tidy_tail(output.data != NULL ? output.data : problem, output.length, end);
    status = ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the build of %s ended with code %d%s%s", revision, code,
                        end[0] != '\0' ? "; its end:\n" : "", end);
  }
  w->step = NULL;
  assay_buf_deinit(&output);
  return status;
}

static assay_status lay_out(work *w, assay_error *err) {
  trees_storage *st = w->storage;
  st->repository = assay_strdup(ASSAY_TAG_BENCH, w->config->repository != NULL ? w->config->repository : ".");
  assay_status status = assay_os_temp_dir(err, &st->scratch);
  if (status != ASSAY_OK) return status;
  for (int side = 0; side < 2; side++) {
    assay_buf path = {0};
    assay_buf_printf(&path, "%s/%c", st->scratch, "ab"[side]);
    *(side == 0 ? &w->trees->directory_a : &w->trees->directory_b) = assay_buf_take(&path);
  }
  bool well = st->repository != NULL && w->trees->directory_a != NULL && w->trees->directory_b != NULL;
  return well ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
}

assay_status assay_ab_trees_create(const assay_ab_trees_config *config, assay_error *err, assay_ab_trees **trees) {
  assay_ab_trees *made = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *made);
  trees_storage *storage = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *storage);
  if (made == NULL || storage == NULL) {
    assay_free(made);
    assay_free(storage);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  }
  made->storage = storage;
  work w = {.config = config, .trees = made, .storage = storage, .started_ns = assay_os_now_ns(), .step = "checking out"};
  assay_status status = lay_out(&w, err);
  if (status == ASSAY_OK) tell(&w);
  if (status == ASSAY_OK) status = resolve(&w, config->revision_a, made->commit_a, err);
  if (status == ASSAY_OK) status = resolve(&w, config->revision_b, made->commit_b, err);
  for (int side = 0; side < 2 && status == ASSAY_OK; side++) status = check_out(&w, side, err);
  for (int side = 0; side < 2 && status == ASSAY_OK; side++) status = build(&w, side, err);
  if (status == ASSAY_OK)
    *trees = made;
  else
    assay_ab_trees_destroy(made);
  return status;
}

/* Whether git knows it no longer. Forced twice: an interrupted checkout leaves it locked. */
static bool take_away(const trees_storage *st, const char *directory) {
  assay_buf output = {0};
  char problem[256];
  int code = 0;
  const char *words[] = {"git", "-C", st->repository, "worktree", "remove", "--force", "--force", directory, NULL};
  assay_status status = git(words, NULL, NULL, &output, problem, &code);
  assay_buf_deinit(&output);
  return status == ASSAY_OK && code == 0;
}

void assay_ab_trees_destroy(assay_ab_trees *trees) {
  if (trees == NULL) return;
  trees_storage *st = trees->storage;
  bool left[2] = {false};
  const char *directories[] = {trees->directory_a, trees->directory_b};
  for (int side = 0; side < 2; side++) left[side] = st->added[side] && !take_away(st, directories[side]);
  if (st->scratch != NULL) assay_os_remove_tree(st->scratch);
  /* What git would not remove is gone now, and so it may forget it. (Not by `prune`: that would forget the user's own work trees on a disk
   * that is not mounted.) */
  for (int side = 0; side < 2; side++) {
    if (left[side]) take_away(st, directories[side]);
  }
  assay_free(st->scratch);
  assay_free(st->repository);
  assay_free(st);
  assay_free(trees->directory_a);
  assay_free(trees->directory_b);
  assay_free(trees);
}

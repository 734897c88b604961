/* SPDX-License-Identifier: MIT */
#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

enum { MOST_WORDS = 64, POLL_MS = 50, PROBLEM_BYTES = 4096, HELPINGS = 64 };

extern char **environ;

typedef struct attempt {
  const assay_child *child;
  assay_buf *output;
  char problem[PROBLEM_BYTES + 1]; /* the end of what it said of its troubles */
  size_t problem_length;
  bool flooded;
} attempt;

/* Where git runs a hook it names its own repository and index; what is started here is to find its own. */
static char **plain_environment(void) {
  static const char *const names[] = {"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_PREFIX="};
  size_t count = 0, put = 0;
  while (environ[count] != NULL) count++;
  char **env = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *env);
  for (size_t i = 0; env != NULL && i < count; i++) {
    bool keep = true;
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) keep &= strncmp(environ[i], names[k], strlen(names[k])) != 0;
    if (keep) env[put++] = environ[i];
  }
  return env;
}

static void keep_end(attempt *a, const char *text, size_t length) {
  if (length > PROBLEM_BYTES) text += length - PROBLEM_BYTES, length = PROBLEM_BYTES;
  size_t kept = a->problem_length + length > PROBLEM_BYTES ? PROBLEM_BYTES - length : a->problem_length;
  memmove(a->problem, a->problem + a->problem_length - kept, kept);
  memcpy(a->problem + kept, text, length);
  a->problem_length = kept + length;
  a->problem[a->problem_length] = '\0';
}

static void take_output(attempt *a, const char *text, size_t length) {
  const assay_child *child = a->child;
  if (child->on_output != NULL) child->on_output(text, length, child->user);
  if (child->merged) keep_end(a, text, length);
  if (!child->tail && a->output->length + length > child->limit) {
    a->flooded = true;
    return;
  }
  assay_buf_append(a->output, text, length);
  if (child->tail && !a->output->failed && a->output->length > 2 * child->limit) {
    memmove(a->output->data, a->output->data + a->output->length - child->limit, child->limit + 1);
    a->output->length = child->limit;
  }
}

/* False at the end of the stream. */
static bool drain(attempt *a, int fd, bool errors) {
  char chunk[16384];
  ssize_t got = read(fd, chunk, sizeof chunk);
  if (got < 0) return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
  if (got > 0 && errors) keep_end(a, chunk, (size_t)got);
  if (got > 0 && !errors) take_output(a, chunk, (size_t)got);
  return got > 0;
}

static void last_line(attempt *a, char problem[256]) {
  while (a->problem_length > 0 && strchr("\r\n ", a->problem[a->problem_length - 1]) != NULL) a->problem[--a->problem_length] = '\0';
  const char *line = strrchr(a->problem, '\n');
  snprintf(problem, 256, "%.255s", line != NULL ? line + 1 : a->problem);
  for (char *p = problem; *p != '\0'; p++) {
    if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' ';
  }
}

/* Until the process has ended, was stopped, or ran out of time. */
static assay_status attend(attempt *a, int pid, int fds[2], assay_error *err) {
  const assay_child *child = a->child;
  uint64_t deadline_ns = assay_os_now_ns() + (uint64_t)(child->timeout_s * 1e9);
  while (!assay_os_has_ended(pid)) {
    if (child->stop != NULL && *child->stop != 0) return ASSAY_ERR_INTERRUPTED;
    if (child->timeout_s > 0 && assay_os_now_ns() >= deadline_ns)
      return ASSAY_FAIL(err, ASSAY_ERR_TIMEOUT, "%s timed out after %g s", child->words[0], child->timeout_s);
    if (a->flooded) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s wrote more than %zu bytes", child->words[0], child->limit);
    struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    bool open = fds[0] >= 0 || fds[1] >= 0;
    if (poll(p, 2, open ? POLL_MS : 1) <= 0) continue;
    for (int i = 0; i < 2; i++) {
      if (p[i].revents == 0 || drain(a, fds[i], i == 1)) continue;
      close(fds[i]);
      fds[i] = -1;
    }
  }
  return ASSAY_OK;
}

static void take_rest(attempt *a, const int fds[2]) {
  for (int i = 0; i < 2; i++) {
    struct pollfd p = {.fd = fds[i], .events = POLLIN};
    for (int k = 0; fds[i] >= 0 && k < HELPINGS && poll(&p, 1, 0) > 0 && drain(a, fds[i], i == 1);) k++;
  }
}

static assay_status open_pipe(int ends[2], assay_error *err) {
  if (pipe(ends) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot make a pipe");
  for (int i = 0; i < 2; i++) fcntl(ends[i], F_SETFD, FD_CLOEXEC);
  fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK);
  return ASSAY_OK;
}

/* The shell looks the program up, as it would for the user. `out` and `errors`: pipes; errors[1] -1: they go where the output goes. */
static assay_status start(const assay_child *child, const int out[2], const int errors[2], char **env, assay_error *err, int *pid) {
  union {
    const char *words[MOST_WORDS + 5];
    char *argv[MOST_WORDS + 5]; /* what exec wants; it does not write into them */
  } line = {.words = {"/bin/sh", "-c", "exec \"$@\"", "sh"}};
  for (size_t i = 0; i < MOST_WORDS && child->words[i] != NULL; i++) line.words[i + 4] = child->words[i];
  const assay_os_spawn spawn = {.path = "/bin/sh",
                                .directory = child->directory,
                                .argv = line.argv,
                                .envp = env,
                                .in = -1,
                                .out = out[1],
                                .error = errors[1] >= 0 ? errors[1] : out[1],
                                .channel = -1};
  return assay_os_start(&spawn, err, pid);
}

assay_status assay_child_run(const assay_child *child, assay_error *err, assay_buf *output, char problem[256], int *code) {
  attempt a = {.child = child, .output = output};
  int out[2] = {-1, -1}, errors[2] = {-1, -1}, pid = 0, wait_status = 0;
  char **env = plain_environment();
  assay_status status = env == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory") : open_pipe(out, err);
  if (status == ASSAY_OK && !child->merged) status = open_pipe(errors, err);
  if (status == ASSAY_OK) status = start(child, out, errors, env, err, &pid);
  for (int i = 0; i < 2; i++) {
    int *end = i == 0 ? &out[1] : &errors[1];
    if (*end >= 0) close(*end);
  }
  int fds[2] = {out[0], errors[0]};
  if (status == ASSAY_OK) {
    status = attend(&a, pid, fds, err);
    kill(-pid, SIGKILL); /* and what it left behind; before reaping, so that the number is still its own */
    while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
    }
    take_rest(&a, fds);
  }
  for (int i = 0; i < 2; i++)
    if (fds[i] >= 0) close(fds[i]);
  assay_free(env);
  if (status == ASSAY_OK && a.flooded)
    status = ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s wrote more than %zu bytes", child->words[0], child->limit);
  if (status != ASSAY_OK) return status;
  if (problem != NULL) last_line(&a, problem);
  *code = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  return ASSAY_OK;
}

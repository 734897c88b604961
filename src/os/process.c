/* SPDX-License-Identifier: MIT */
/* Starting a fresh process: the part that Linux and macOS share. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/prim.h"

enum { CHANNEL = 3, ERROR_PIPE = 4, OUT_OF_THE_WAY = 16 };

/* Everything from here to exec runs in the child of a program that may have threads: only async-signal-safe calls, no allocation. */

static void reset_signals(void) {
  struct sigaction plain = {.sa_handler = SIG_DFL};
  for (int number = 1; number < NSIG; number++) sigaction(number, &plain, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Puts `from` (-1: /dev/null) at descriptor `to`. Sources were moved above OUT_OF_THE_WAY before, so no target overwrites a source. */
static bool place(int from, int to) {
  if (from < 0) from = open("/dev/null", O_RDWR | O_CLOEXEC);
  return from >= 0 && dup2(from, to) == to;
}

static int move_up(int fd) { return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, OUT_OF_THE_WAY); }

static void become(const assay_os_spawn *spawn, int parent, int error_pipe) {
  setpgid(0, 0);
  assay_os_die_with_parent(parent);
  reset_signals();
  int in = move_up(spawn->in), out = move_up(spawn->out), error = move_up(spawn->error), channel = move_up(spawn->channel);
  error_pipe = move_up(error_pipe);
  bool placed =
      place(in, 0) && place(out, 1) && place(error, 2) && (channel < 0 || place(channel, CHANNEL)) && place(error_pipe, ERROR_PIPE);
  if (channel < 0) close(CHANNEL);
  assay_os_close_from(ERROR_PIPE + 1);
  fcntl(ERROR_PIPE, F_SETFD, FD_CLOEXEC);
  if (placed && spawn->memory_limit_bytes > 0) {
    struct rlimit limit = {.rlim_cur = (rlim_t)spawn->memory_limit_bytes, .rlim_max = (rlim_t)spawn->memory_limit_bytes};
    placed = setrlimit(RLIMIT_AS, &limit) == 0;
  }
  if (placed && spawn->directory != NULL) placed = chdir(spawn->directory) == 0;
  if (placed) execve(spawn->path, spawn->argv, spawn->envp);
  int code = errno;
  ssize_t ignored = write(ERROR_PIPE, &code, sizeof code);
  (void)ignored;
  _exit(127);
}

assay_status assay_os_start(const assay_os_spawn *spawn, assay_error *err, int *pid) {
  int ends[2];
  if (pipe(ends) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot make a pipe");
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  int parent = (int)getpid();
  int child = (int)fork();
  if (child == 0) become(spawn, parent, ends[1]);
  int code = child < 0 ? errno : 0;
  close(ends[1]);
  if (child > 0) {
    setpgid(child, child); /* also here: whoever comes first, the group is there before anyone signals it */
    int exec_code = 0;
    ssize_t got;
    do got = read(ends[0], &exec_code, sizeof exec_code);
    while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof exec_code) {
      code = exec_code;
      while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
      }
    }
  }
  close(ends[0]);
  if (code != 0)
    return ASSAY_FAIL_ERRNO(err, code, "cannot start %s%s%s", spawn->path, spawn->directory != NULL ? " in " : "",
                            spawn->directory != NULL ? spawn->directory : "");
  *pid = child;
  return ASSAY_OK;
}

bool assay_os_has_ended(int pid) {
  siginfo_t info = {0};
  return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

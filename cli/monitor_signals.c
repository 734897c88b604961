/* SPDX-License-Identifier: MIT */
/* assay monitor: waiting, and being told to stop. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "cli/monitor.h"

static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
static int wake_pipe[2] = {-1, -1};
static volatile sig_atomic_t stop_signal, stop_count;

static void on_signal(int number) {
  int saved = errno;
  if (number != SIGCHLD) {
    if (stop_signal == 0) stop_signal = number;
    stop_count++;
  }
  ssize_t ignored = write(wake_pipe[1], "", 1);
  (void)ignored;
  errno = saved;
}

assay_status assay_monitor_catch_signals(assay_error *err) {
  if (pipe(wake_pipe) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot make a pipe");
  for (int i = 0; i < 2; i++) {
    fcntl(wake_pipe[i], F_SETFD, FD_CLOEXEC);
    fcntl(wake_pipe[i], F_SETFL, O_NONBLOCK);
  }
  stop_signal = stop_count = 0;
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
  return ASSAY_OK;
}

void assay_monitor_release_signals(void) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) signal(numbers[i], SIG_DFL);
  close(wake_pipe[0]);
  close(wake_pipe[1]);
}

void assay_monitor_wait(double seconds) {
  struct pollfd wake = {.fd = wake_pipe[0], .events = POLLIN};
  char drained[64];
  double ms = ceil(seconds * 1e3);
  if (poll(&wake, 1, ms > 1e6 ? 1000000 : ms > 0 ? (int)ms : 0) > 0)
    while (read(wake_pipe[0], drained, sizeof drained) > 0) {
    }
}

int assay_monitor_stop_signal(void) { return stop_signal; }
int assay_monitor_stop_count(void) { return stop_count; }

/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <mach-o/dyld.h>
#include <math.h>
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/prim.h"

int assay_os_process_fd(int pid) {
  (void)pid;
  return -1;
}

static char self_path[PATH_MAX];
static pthread_once_t self_once = PTHREAD_ONCE_INIT;

static void find_self(void) {
  uint32_t size = sizeof self_path;
  if (_NSGetExecutablePath(self_path, &size) != 0) self_path[0] = '\0';
}

const char *assay_os_self_executable(void) {
  pthread_once(&self_once, find_self);
  return self_path[0] != '\0' ? self_path : NULL;
}

void assay_os_die_with_parent(int parent) {
  if (getppid() != parent) _exit(127); /* macOS has no signal for the rest */
}

void assay_os_close_from(int first) {
  for (int fd = first; fd < 10240; fd++) close(fd); /* OPEN_MAX of macOS */
}

void assay_os_end_marked(const char *mark) { (void)mark; }

double assay_os_peak_resident(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss : NAN; /* bytes here */
}

int64_t assay_os_memory_kills(void) { return -1; }

/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/number.h"
#include "os/linux/cgroup.h"
#include "os/prim.h"

int assay_os_process_fd(int pid) {
#ifdef SYS_pidfd_open
  return (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by itself; Linux 5.3 */
#else
  (void)pid;
  return -1;
#endif
}

/* The link names the file that runs, not whatever lies at its path now: a rebuild during a run does not mix two versions. */
const char *assay_os_self_executable(void) { return access("/proc/self/exe", X_OK) == 0 ? "/proc/self/exe" : NULL; }

void assay_os_die_with_parent(int parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127); /* it died before the line above */
}

void assay_os_close_from(int first) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, (unsigned)first, ~0u, 0) == 0) return;
#endif
  struct rlimit limit;
  int last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (int)limit.rlim_cur : 65536;
  for (int fd = first; fd < last; fd++) close(fd);
}

static bool has_entry(const char *environment, size_t length, const char *mark) {
  for (size_t at = 0; at < length; at += strlen(environment + at) + 1) {
    if (strcmp(environment + at, mark) == 0) return true;
  }
  return false;
}

void assay_os_end_marked(const char *mark) {
  DIR *all = opendir("/proc");
  if (all == NULL) return;
  for (struct dirent *entry; (entry = readdir(all)) != NULL;) {
    int pid = atoi(entry->d_name);
    char path[64], *environment = NULL;
    size_t length = 0;
    if (pid <= 0 || pid == (int)getpid()) continue;
    snprintf(path, sizeof path, "/proc/%d/environ", pid);
    if (assay_os_read_file(path, 1 << 21, NULL, &environment, &length) != ASSAY_OK) continue;
    if (has_entry(environment, length, mark)) kill(pid, SIGKILL);
    assay_free(environment);
  }
  closedir(all);
}

double assay_os_peak_resident(void) {
  char text[4096];
  int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0) close(fd);
  if (length > 0) {
    text[length] = '\0';
    const char *line = strstr(text, "\nVmHWM:");
    if (line != NULL) return assay_strtod(line + 7, NULL) * 1024;
  }
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? (double)usage.ru_maxrss * 1024 : NAN;
}

/* "<key> <number>" of a file of such lines; -1 when not there. */
static int64_t keyed_number(const char *path, const char *key) {
  char *text = NULL;
  size_t length = 0;
  if (path == NULL || assay_os_read_file(path, 65536, NULL, &text, &length) != ASSAY_OK) return -1;
  int64_t value = -1;
  size_t key_length = strlen(key);
  for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
    if (*line == '\n') line++;
    if (strncmp(line, key, key_length) == 0 && line[key_length] == ' ') value = strtoll(line + key_length + 1, NULL, 10);
  }
  assay_free(text);
  return value;
}

int64_t assay_os_memory_kills(void) {
  char path[4096];
  if (assay_cgroup_path("memory.events", NULL, path, sizeof path)) return keyed_number(path, "oom_kill");
  if (assay_cgroup_path("memory.oom_control", "memory", path, sizeof path)) return keyed_number(path, "oom_kill");
  return -1;
}

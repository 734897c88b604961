/* SPDX-License-Identifier: MIT */
/*
 * Times one execution of a command, from just before exec to its end. With a shell, the shell's own start-up (the median of a few empty
 * commands, timed around it in the same way) is subtracted. The fresh process that does this is small, so the command's peak memory is not
 * hidden behind ours: Linux counts what was resident before exec as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/number.h"
#include "bench/process.h"
#include "bench/worker.h"
#include "os/prim.h"
#include "os/ticks.h"

enum { SHELL_PROBES = 3, MAX_WORDS = 1024 };

typedef struct execution {
  double wall_ns, user_ns, system_ns, peak_bytes;
  double voluntary, involuntary, minor, major;
  int wait_status;
} execution;

/* Shared with the child between fork and exec. */
typedef struct start_note {
  uint64_t start_ns;
  int exec_errno;
} start_note;

static double nanoseconds(struct timeval time) { return (double)time.tv_sec * 1e9 + (double)time.tv_usec * 1e3; }

static void start_in_child(char *const *argv, start_note *note, int parent) {
  assay_os_die_with_parent(parent);
  int null = open("/dev/null", O_RDWR);
  if (null >= 0) {
    dup2(null, 0);
    dup2(null, 1);
  }
  assay_os_close_from(3);
  note->start_ns = assay_os_now_ns();
  execvp(argv[0], argv);
  note->exec_errno = errno;
  _exit(127);
}

/* The one execution in flight, for the alarm. */
static volatile sig_atomic_t in_flight, ran_out;

static void end_in_flight(int number) {
  (void)number;
  if (in_flight > 0) kill((pid_t)in_flight, SIGKILL);
  ran_out = 1;
}

/* 0: none. */
static void set_alarm(double seconds) {
  struct sigaction action = {.sa_handler = end_in_flight};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {0};
  timer.it_value.tv_sec = (time_t)seconds;
  timer.it_value.tv_usec = (suseconds_t)((seconds - floor(seconds)) * 1e6);
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* 0, or the errno that kept it from starting. Its timeout begins with it: what was prepared before is none of its time. */
static int execute(char *const *argv, double timeout_s, start_note *note, execution *x) {
  *note = (start_note){0};
  ran_out = 0;
  int parent = (int)getpid();
  pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) start_in_child(argv, note, parent);
  in_flight = (sig_atomic_t)child;
  set_alarm(timeout_s);
  struct rusage usage;
  while (wait4(child, &x->wait_status, 0, &usage) < 0 && errno == EINTR) {
  }
  uint64_t end_ns = assay_os_now_ns();
  in_flight = 0;
  set_alarm(0);
  if (note->exec_errno != 0) return note->exec_errno;
  x->wall_ns = (double)(end_ns - note->start_ns);
  x->user_ns = nanoseconds(usage.ru_utime);
  x->system_ns = nanoseconds(usage.ru_stime);
#ifdef __APPLE__
  x->peak_bytes = (double)usage.ru_maxrss;
#else
  x->peak_bytes = (double)usage.ru_maxrss * 1024;
#endif
  x->voluntary = (double)usage.ru_nvcsw;
  x->involuntary = (double)usage.ru_nivcsw;
  x->minor = (double)usage.ru_minflt;
  x->major = (double)usage.ru_majflt;
  return 0;
}

static void fail(assay_bench_process *process, const char *format, ...) ASSAY_PRINTF(2, 3);
static void fail(assay_bench_process *process, const char *format, ...) {
  process->outcome = ASSAY_OUTCOME_FAILED;
  va_list args;
  va_start(args, format);
  assay_vsnprintf(process->reason, sizeof process->reason, format, args);
  va_end(args);
}

/* False, and the reason is in `process`, when it did not start or did not end with 0. */
static bool execute_well(const char *what, char *const *argv, const assay_request *r, bool any_code, start_note *note, execution *x,
                         assay_bench_process *process) {
  int code = execute(argv, r->timeout_s, note, x);
  if (code != 0)
    fail(process, "%s cannot be started (%s): %s", what, argv[0], strerror(code));
  else if (ran_out)
    fail(process, "%s timed out after %g s", what, r->timeout_s);
  else if (WIFSIGNALED(x->wait_status))
    fail(process, "%s was killed by signal %d (%s)", what, WTERMSIG(x->wait_status), strsignal(WTERMSIG(x->wait_status)));
  else if (WEXITSTATUS(x->wait_status) != 0 && !any_code)
    fail(process, "%s exited with code %d", what, WEXITSTATUS(x->wait_status));
  else
    return true;
  return false;
}

/* Splits at spaces; '...' and "..." hold words together. For running without a shell; false when there are too many words. */
static bool split(char *text, char **words) {
  size_t count = 0;
  char *to = text;
  for (const char *at = text; *at != '\0';) {
    while (*at == ' ' || *at == '\t' || *at == '\n') at++;
    if (*at == '\0') break;
    if (count == MAX_WORDS - 1) return false;
    words[count++] = to;
    for (char quote = '\0'; *at != '\0' && (quote != '\0' || (*at != ' ' && *at != '\t' && *at != '\n')); at++) {
      if (quote == '\0' && (*at == '\'' || *at == '"'))
        quote = *at;
      else if (*at == quote)
        quote = '\0';
      else
        *to++ = *at;
    }
    bool last = *at == '\0';
    if (!last) at++;
    *to++ = '\0';
    if (last) break;
  }
  words[count] = NULL;
  return count > 0;
}

/* A shell's start-up; false and the reason in `process` when it does not start. */
static bool shell_cost(char *const *empty, const assay_request *r, start_note *note, execution *cost, assay_bench_process *process) {
  double wall[SHELL_PROBES], user[SHELL_PROBES], system[SHELL_PROBES];
  for (size_t i = 0; i < SHELL_PROBES; i++) {
    execution x;
    if (!execute_well("the shell", empty, r, false, note, &x, process)) return false;
    wall[i] = x.wall_ns;
    user[i] = x.user_ns;
    system[i] = x.system_ns;
  }
  cost->wall_ns = assay_stats_median(wall, SHELL_PROBES);
  cost->user_ns = assay_stats_median(user, SHELL_PROBES);
  cost->system_ns = assay_stats_median(system, SHELL_PROBES);
  return true;
}

static void report(const execution *x, const execution *shell, assay_bench_process *process) {
  process->samples = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *process->samples);
  if (process->samples == NULL) {
    fail(process, "out of memory");
    return;
  }
  process->sample_count = 1;
  process->samples[0] = (assay_bench_sample){
      .ns = fmax(0, x->wall_ns - shell->wall_ns),
      .operations = 1,
      /* For a whole program being preempted or moved is part of its life: recorded, never a reason to set the only sample aside. */
      .covariates = {.steal_ms = NAN,
                     .voluntary_switches = x->voluntary,
                     .involuntary_switches = x->involuntary,
                     .migrations = NAN,
                     .minor_faults = x->minor,
                     .major_faults = x->major,
                     .pressure_us = NAN,
                     .throttled_us = NAN,
                     .spin_ratio = NAN,
                     .others_cpus = NAN,
                     .own_cpus = NAN,
                     .stolen_cpus = NAN},
  };
  double user_ns = fmax(0, x->user_ns - shell->user_ns), system_ns = fmax(0, x->system_ns - shell->system_ns);
  assay_bench_process_add(process, "cpu_time", user_ns + system_ns, "ns", ASSAY_KIND_TIME, ASSAY_LOWER);
  assay_bench_process_add(process, "user_time", user_ns, "ns", ASSAY_KIND_TIME, ASSAY_LOWER);
  assay_bench_process_add(process, "system_time", system_ns, "ns", ASSAY_KIND_TIME, ASSAY_LOWER);
  assay_bench_process_add(process, "peak_rss", x->peak_bytes, "B", ASSAY_KIND_MEMORY, ASSAY_LOWER);
}

void assay_command_run(const assay_request *r, assay_bench_process *process) {
  static char *words[MAX_WORDS];
  bool direct = r->shell[0] == '\0';
  process->steady = ASSAY_STEADY_UNTESTED;
  process->threads = 1;
  process->clock_resolution_ns = 1;
  snprintf(process->counters_cause, sizeof process->counters_cause, "not counted for commands");
  snprintf(process->allocations_cause, sizeof process->allocations_cause, "not counted for commands");
  start_note *note = mmap(NULL, sizeof *note, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *shell = strdup(direct ? "/bin/sh" : r->shell), *text = strdup(r->command), *prepare = strdup(r->prepare != NULL ? r->prepare : "");
  char flag[] = "-c", nothing[] = "";
  if (note == MAP_FAILED || shell == NULL || text == NULL || prepare == NULL) {
    fail(process, "out of memory");
    return;
  }
  char *const by_shell[] = {shell, flag, text, NULL}, *const preparing[] = {shell, flag, prepare, NULL},
              *const empty[] = {shell, flag, nothing, NULL};
  if (direct && !split(text, words)) {
    fail(process, "the command has no words, or more than %d", MAX_WORDS - 1);
    return;
  }
  char *const *argv = direct ? words : by_shell;
  execution x;
  for (unsigned i = 0; i < r->warmups; i++) {
    if (prepare[0] != '\0' && !execute_well("the preparation", preparing, r, false, note, &x, process)) return;
    if (!execute_well("the command", argv, r, r->ignore_failure, note, &x, process)) return;
  }
  execution shell_start = {0};
  if (!direct && !shell_cost(empty, r, note, &shell_start, process)) return;
  if (prepare[0] != '\0' && !execute_well("the preparation", preparing, r, false, note, &x, process)) return;
  if (execute_well("the command", argv, r, r->ignore_failure, note, &x, process)) report(&x, &shell_start, process);
}

/* SPDX-License-Identifier: MIT */
#include "bench/fresh.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/number.h"
#include "bench/allocations.h"
#include "bench/process.h"
#include "bench/worker.h"
#include "os/prim.h"
#include "os/ticks.h"

enum {
  STDERR_TAIL = 4096,
  POLL_MS = 100,          /* how late a stop that came without a signal is noticed */
  POLL_WITHOUT_FD_MS = 5, /* where the end of a process is not a file event */
  ENV_PADDING = 4096,
  LEFT_HELPINGS = 64, /* of 16 KiB behind the end, more than a pipe holds: a descendant that left the group may go on writing */
  COMMAND_SLACK_S = 10
};

extern char **environ;

struct assay_fresh {
  uint64_t started_ns;
  char *count_library; /* NULL: allocations are not counted */
  char count_cause[256];
  char **env; /* this process's environment without what a fresh one gets anew; two places more at the front */
  char padding[32 + ENV_PADDING];
  char mark[64]; /* of all that is started, and what they start */
  char preload[8192];
};

/* What a fresh process left behind. */
typedef struct remains {
  assay_buf report;
  char tail[STDERR_TAIL + 1]; /* the end of its stderr */
  size_t tail_length;
  int wait_status;
  bool timed_out, stopped, flooded;
} remains;

/* ---- The environment of fresh processes ---- */

static bool is_ours(const char *entry) {
  static const char *const names[] = {"LD_PRELOAD=", "ASSAY_PADDING=", "ASSAY_RUN=", ASSAY_WORKER_MARK "="};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strncmp(entry, names[i], strlen(names[i])) == 0) return true;
  }
  return false;
}

enum { ENV_PADDING_AT, ENV_MARK_AT, ENV_RUN_AT, ENV_PRELOAD_AT, ENV_REST_AT };

static bool copy_environment(assay_fresh *f) {
  size_t count = 0;
  while (environ[count] != NULL) count++;
  f->env = assay_calloc(ASSAY_TAG_BENCH, count + ENV_REST_AT + 1, sizeof *f->env);
  if (f->env == NULL) return false;
  static char mark[] = ASSAY_WORKER_MARK "=1";
  f->env[ENV_PADDING_AT] = f->padding;
  f->env[ENV_MARK_AT] = mark;
  snprintf(f->mark, sizeof f->mark, "ASSAY_RUN=%d-%" PRIu64, (int)getpid(), f->started_ns);
  f->env[ENV_RUN_AT] = f->mark;
  const char *inherited = getenv("LD_PRELOAD");
  int length = snprintf(f->preload, sizeof f->preload, "LD_PRELOAD=%s%s%s", f->count_library != NULL ? f->count_library : "",
                        f->count_library != NULL && inherited != NULL ? ":" : "", inherited != NULL ? inherited : "");
  if (length >= (int)sizeof f->preload && f->count_library != NULL) {
    snprintf(f->count_cause, sizeof f->count_cause, "LD_PRELOAD is too long to add to it");
    assay_free(f->count_library);
    f->count_library = NULL;
    return copy_environment(f);
  }
  size_t put = ENV_PRELOAD_AT;
  if (f->count_library != NULL || inherited != NULL) f->env[put++] = f->preload;
  for (size_t i = 0; i < count; i++) {
    if (!is_ours(environ[i])) f->env[put++] = environ[i];
  }
  return true;
}

/* The size of the environment moves the stack, and with it the speed of some code by tens of percent (Mytkowicz et al. 2009): a random size
 * each time turns that bias into variation between processes, which the interval then covers. */
static uint32_t pad_environment(assay_fresh *f, assay_random *random) {
  static const char name[] = "ASSAY_PADDING=";
  uint32_t padding = (uint32_t)assay_random_below(random, ENV_PADDING);
  memcpy(f->padding, name, sizeof name - 1);
  memset(f->padding + sizeof name - 1, 'x', padding);
  f->padding[sizeof name - 1 + padding] = '\0';
  return padding;
}

/* ---- One fresh process ---- */

static void set_flags(int fd, int flags) {
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  if (flags != 0) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | flags);
}

static void close_if(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

static assay_status write_request(int fd, const assay_request *request, assay_error *err) {
  assay_buf out = {0};
  assay_wire_put_request(&out, request);
  assay_status status = out.failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory") : ASSAY_OK;
  /* It fits into the socket's buffer (200 KiB) unless a command is absurdly long; nobody reads yet, so a full buffer is an error. */
  if (status == ASSAY_OK && write(fd, out.data, out.length) != (ssize_t)out.length)
    status =
        ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "the command or its parameters are too long to hand to a fresh process (%zu bytes)", out.length);
  assay_buf_deinit(&out);
  shutdown(fd, SHUT_WR);
  return status;
}

static void keep_tail(remains *m, const char *text, size_t length) {
  if (length >= STDERR_TAIL) {
    memcpy(m->tail, text + length - STDERR_TAIL, STDERR_TAIL);
    m->tail_length = STDERR_TAIL;
    return;
  }
  size_t kept = m->tail_length + length > STDERR_TAIL ? STDERR_TAIL - length : m->tail_length;
  memmove(m->tail, m->tail + m->tail_length - kept, kept);
  memcpy(m->tail + kept, text, length);
  m->tail_length = kept + length;
}

/* Takes what has come; false at the end of the stream. */
static bool drain(int fd, remains *m, bool is_report) {
  char chunk[16384];
  for (;;) {
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    if (got == 0) return false;
    if (!is_report) {
      keep_tail(m, chunk, (size_t)got);
      return true; /* one helping: a process that never stops talking must not keep us from its deadline */
    }
    if (m->report.length + (size_t)got > ASSAY_WIRE_LIMIT)
      m->flooded = true;
    else
      assay_buf_append(&m->report, chunk, (size_t)got);
    return true;
  }
}

/* Waits for the end of the process, or for the deadline or a stop. The process is not reaped. */
static void attend(const assay_fresh_job *job, int pid, uint64_t deadline_ns, int *channel, int *error, remains *m) {
  int end = assay_os_process_fd(pid);
  for (;;) {
    uint64_t now = assay_os_now_ns();
    m->stopped = job->stop != NULL && *job->stop != 0;
    m->timed_out = !m->stopped && now >= deadline_ns;
    if (m->stopped || m->timed_out || m->flooded) break;
    uint64_t left_ms = (deadline_ns - now) / 1000000 + 1;
    uint64_t longest = end >= 0 ? POLL_MS : POLL_WITHOUT_FD_MS;
    struct pollfd fds[3] = {{.fd = *channel, .events = POLLIN}, {.fd = *error, .events = POLLIN}, {.fd = end, .events = POLLIN}};
    int ready = poll(fds, 3, (int)(left_ms < longest ? left_ms : longest));
    if (ready < 0 && errno != EINTR) break;
    if (ready > 0 && fds[0].revents != 0 && !drain(*channel, m, true)) close_if(channel);
    if (ready > 0 && fds[1].revents != 0 && !drain(*error, m, false)) close_if(error);
    if (end >= 0 ? ready > 0 && fds[2].revents != 0 : assay_os_has_ended(pid)) break;
  }
  close_if(&end);
}

/* The whole group goes, so that nothing that the process started stays; then what is left in the pipes is taken. */
static void reap(const assay_fresh *f, int pid, int channel, int error, remains *m) {
  kill(-pid, SIGKILL); /* before reaping: as long as it is a zombie nobody else can have its number */
  if (m->timed_out || m->stopped || m->flooded) kill(pid, SIGKILL);
  while (waitpid(pid, &m->wait_status, 0) < 0 && errno == EINTR) {
  }
  for (struct pollfd p = {.fd = channel, .events = POLLIN}; channel >= 0 && !m->flooded && poll(&p, 1, 0) > 0;) {
    if (!drain(channel, m, true)) break;
  }
  struct pollfd p = {.fd = error, .events = POLLIN};
  bool is_open = error >= 0;
  for (int i = 0; i < LEFT_HELPINGS && is_open && poll(&p, 1, 0) > 0; i++) is_open = drain(error, m, false);
  if (is_open) assay_os_end_marked(f->mark); /* a descendant in a session of its own holds it, and would disturb what comes next */
  m->tail[m->tail_length] = '\0';
}

/* ---- What became of it ---- */

/* The last line of stderr; where a sanitizer wrote its summary, that line, because what follows it says nothing. */
static const char *last_line(char *tail) {
  size_t length = strlen(tail);
  while (length > 0 && (tail[length - 1] == '\n' || tail[length - 1] == '\r' || tail[length - 1] == ' ')) tail[--length] = '\0';
  char *line = strrchr(tail, '\n'), *summary = strstr(tail, "SUMMARY: ");
  line = summary != NULL ? summary : line != NULL ? line + 1 : tail;
  line[strcspn(line, "\n")] = '\0';
  for (char *p = line; *p != '\0'; p++) {
    if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = ' '; /* it goes into reports and onto terminals */
  }
  return line;
}

/* `other` holds the text of a signal without a name of its own. */
static const char *signal_name(int number, char other[32]) {
  static const struct {
    int number;
    const char *text;
  } names[] = {{SIGSEGV, "SIGSEGV (segmentation fault)"},
               {SIGBUS, "SIGBUS (bus error)"},
               {SIGABRT, "SIGABRT (aborted)"},
               {SIGFPE, "SIGFPE (arithmetic error)"},
               {SIGILL, "SIGILL (illegal instruction)"},
               {SIGKILL, "SIGKILL"},
               {SIGTERM, "SIGTERM"},
               {SIGTRAP, "SIGTRAP"},
               {SIGPIPE, "SIGPIPE"},
               {SIGXCPU, "SIGXCPU (CPU time limit)"},
               {SIGSYS, "SIGSYS (bad system call)"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (names[i].number == number) return names[i].text;
  }
  snprintf(other, 32, "signal %d", number);
  return other;
}

static void explain_death(const assay_fresh_job *job, const remains *m, int64_t memory_kills, char *reason, size_t size) {
  char limit[64], other[32];
  assay_format_value((double)job->memory_limit_bytes, "B", limit, sizeof limit);
  bool limited = job->memory_limit_bytes > 0;
  if (WIFSIGNALED(m->wait_status)) {
    int number = WTERMSIG(m->wait_status);
    if (number == SIGKILL && memory_kills > 0)
      snprintf(reason, size, "killed for memory by the kernel (SIGKILL)");
    else if (number == SIGKILL)
      snprintf(reason, size, "killed by SIGKILL (out of memory?)");
    else
      snprintf(reason, size, "killed by %s%s%s%s", signal_name(number, other), limited ? ", with its memory limited to " : "",
               limited ? limit : "", limited ? " (out of memory?)" : "");
  } else if (WEXITSTATUS(m->wait_status) == 126 && m->report.length == 0) {
    snprintf(reason, size, "the fresh process could not read its request");
  } else {
    snprintf(reason, size, "exited with code %d inside the benchmark%s%s%s", WEXITSTATUS(m->wait_status),
             limited ? ", with its memory limited to " : "", limited ? limit : "", limited ? " (out of memory?)" : "");
  }
}

static void fail(assay_bench_process *p, const char *reason) {
  p->outcome = ASSAY_OUTCOME_FAILED;
  snprintf(p->reason, sizeof p->reason, "%s", reason);
}

static void append_last_line(remains *m, assay_bench_process *p) {
  const char *line = last_line(m->tail);
  size_t used = strlen(p->reason);
  if (line[0] != '\0' && used + 4 < sizeof p->reason) snprintf(p->reason + used, sizeof p->reason - used, ": %s", line);
}

/* False when the process ended well, or could not even read its request, and there is no report to read. */
static bool conclude(const assay_fresh *f, const assay_fresh_job *job, int64_t memory_kills, remains *m, assay_bench_process *p) {
  bool understood = true;
  char reason[sizeof p->reason];
  assay_error err = {0};
  bool ended_well = WIFEXITED(m->wait_status) && WEXITSTATUS(m->wait_status) == 0;
  if (m->timed_out) {
    assay_snprintf(reason, sizeof reason, "timed out after %g s", job->timeout_s);
    fail(p, reason);
  } else if (m->flooded) {
    fail(p, "wrote more than 8 MiB into the engine's channel (descriptor 3)");
  } else if (!ended_well) {
    explain_death(job, m, memory_kills, reason, sizeof reason);
    fail(p, reason);
    append_last_line(m, p);
    understood = !(WIFEXITED(m->wait_status) && WEXITSTATUS(m->wait_status) == 126 && m->report.length == 0);
  } else if (m->report.length == 0) {
    fail(p, "exited with code 0 inside the benchmark, or main does not begin with assay_bench_worker");
    append_last_line(m, p);
    understood = false;
  } else if (m->report.failed) {
    fail(p, "out of memory for the report of the fresh process");
  } else if (assay_wire_get_report(m->report.data, m->report.length, &err, p) != ASSAY_OK) {
    fail(p, "its report cannot be read; something wrote into the engine's channel (descriptor 3)");
    understood = false;
  } else if (p->outcome == ASSAY_OUTCOME_FAILED) {
    append_last_line(m, p);
  }
  if (f->count_library == NULL && p->allocations_cause[0] != '\0')
    snprintf(p->allocations_cause, sizeof p->allocations_cause, "%s", f->count_cause);
  return understood;
}

assay_status assay_fresh_run(assay_fresh *f, assay_random *random, const assay_fresh_job *job, assay_error *err, assay_bench_process *p,
                             bool *understood) {
  int channel[2] = {-1, -1}, error[2] = {-1, -1}, pid = 0;
  remains m = {.tail_length = 0};
  assay_request *request = job->request;
  request->ticks_per_ns = assay_ticks_per_ns();
  request->preloaded = f->count_library != NULL;
  if (request->shell == NULL) request->shell = "/bin/sh";
  p->env_padding = pad_environment(f, random);
  p->started_s = assay_fresh_elapsed_s(f);
  assay_status status = ASSAY_OK;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel) != 0 || pipe(error) != 0) {
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot make the channel to a fresh process");
    goto done;
  }
  set_flags(channel[0], O_NONBLOCK);
  set_flags(channel[1], 0);
  set_flags(error[0], O_NONBLOCK);
  set_flags(error[1], 0);
  status = write_request(channel[0], request, err);
  if (status != ASSAY_OK) goto done;
  char self[] = "assay", argument[] = ASSAY_WORKER_ARGUMENT;
  char *argv[] = {self, argument, NULL};
  assay_os_spawn spawn = {.path = job->executable != NULL ? job->executable : assay_os_self_executable(),
                          .directory = job->directory,
                          .argv = argv,
                          .envp = f->env,
                          .in = -1,
                          .out = -1,
                          .error = error[1],
                          .channel = channel[1],
                          .memory_limit_bytes = job->memory_limit_bytes};
  int64_t kills_before = assay_os_memory_kills();
  uint64_t started_ns = assay_os_now_ns();
  status = assay_os_start(&spawn, err, &pid);
  if (status != ASSAY_OK) goto done;
  close_if(&channel[1]);
  close_if(&error[1]);
  /* The fresh process of a command times each execution itself; this one is for itself. */
  double patience_s = request->command == NULL ? job->timeout_s : job->timeout_s * (2.0 * (request->warmups + 1) + 3) + COMMAND_SLACK_S;
  attend(job, pid, started_ns + (uint64_t)(patience_s * 1e9), &channel[0], &error[0], &m);
  reap(f, pid, channel[0], error[0], &m);
  p->wall_s = (double)(assay_os_now_ns() - started_ns) / 1e9;
  if (m.stopped) {
    status = ASSAY_ERR_INTERRUPTED;
  } else {
    bool clear = conclude(f, job, WIFSIGNALED(m.wait_status) ? assay_os_memory_kills() - kills_before : 0, &m, p);
    if (understood != NULL) *understood = clear;
  }
done:
  close_if(&channel[0]);
  close_if(&channel[1]);
  close_if(&error[0]);
  close_if(&error[1]);
  assay_buf_deinit(&m.report);
  return status;
}

/* ---- What they share ---- */

assay_status assay_fresh_open(assay_error *err, assay_fresh **fresh) {
  if (getenv(ASSAY_WORKER_MARK) != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "assay_bench_worker must be the first thing in main of a program that runs benchmarks");
  if (assay_os_self_executable() == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "this program cannot be started again: its own path is not known (is /proc mounted?)");
  assay_fresh *made = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *made);
  if (made != NULL) {
    made->started_ns = assay_os_now_ns();
    made->count_library = assay_allocations_library(made->count_cause, sizeof made->count_cause);
  }
  if (made == NULL || !copy_environment(made)) {
    assay_fresh_close(made);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for fresh processes");
  }
  *fresh = made;
  return ASSAY_OK;
}

void assay_fresh_close(assay_fresh *f) {
  if (f == NULL) return;
  assay_free(f->count_library);
  assay_free(f->env);
  assay_free(f);
}

double assay_fresh_elapsed_s(const assay_fresh *f) { return (double)(assay_os_now_ns() - f->started_ns) / 1e9; }

uint64_t assay_fresh_started_ns(const assay_fresh *f) { return f->started_ns; }

/* SPDX-License-Identifier: MIT */
/* Runs a plan: one fresh process at a time, all of them in one random order. Nothing that a process does or writes can harm the run. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "bench/allocations.h"
#include "bench/plan.h"
#include "bench/process.h"
#include "bench/wire.h"
#include "bench/worker.h"
#include "os/prim.h"
#include "os/ticks.h"

enum {
  STDERR_TAIL = 4096,
  POLL_MS = 100,          /* how late a stop that came without a signal is noticed */
  POLL_WITHOUT_FD_MS = 5, /* where the end of a process is not a file event */
  ENV_PADDING = 4096,
  COMMAND_PROCESSES = 10,
  COMMAND_PROCESSES_QUICK = 5,
  CRASHES_TO_GIVE_UP = 2,
  LEFT_HELPINGS = 64, /* of 16 KiB behind the end, more than a pipe holds: a descendant that left the group may go on writing */
  COMMAND_SLACK_S = 10
};

extern char **environ;

/* What is known of a case while the run goes on. */
typedef struct case_state {
  unsigned planned, failures_in_a_row;
  bool settled; /* the remaining processes would only say the same again */
} case_state;

typedef struct run {
  const assay_bench_plan *plan;
  const assay_bench_config *config;
  double time_s, warmup_s, timeout_s;
  case_state *states;
  assay_bench_outcomes *outcomes;
  size_t *order; /* index of the case of each process, in the order they run */
  size_t total, done;
  uint64_t started_ns;
  assay_random random;
  char *count_library; /* NULL: allocations are not counted */
  char count_cause[256];
  char **env; /* this process's environment without what a fresh one gets anew; two places more at the front */
  char padding[32 + ENV_PADDING];
  char mark[64]; /* of all that the run starts, and what they start */
  char preload[8192];
} run;

/* What a fresh process left behind. */
typedef struct remains {
  assay_buf report;
  char tail[STDERR_TAIL + 1]; /* the end of its stderr */
  size_t tail_length;
  int wait_status;
  bool timed_out, stopped, flooded;
} remains;

static bool is_stopped(const run *r) { return r->config->stop != NULL && *r->config->stop != 0; }

static double since_start_s(const run *r) { return (double)(assay_os_now_ns() - r->started_ns) / 1e9; }

/* ---- The environment of fresh processes ---- */

static bool is_ours(const char *entry) {
  static const char *const names[] = {"LD_PRELOAD=", "ASSAY_PADDING=", "ASSAY_RUN=", ASSAY_WORKER_MARK "="};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strncmp(entry, names[i], strlen(names[i])) == 0) return true;
  }
  return false;
}

enum { ENV_PADDING_AT, ENV_MARK_AT, ENV_RUN_AT, ENV_PRELOAD_AT, ENV_REST_AT };

static bool copy_environment(run *r) {
  size_t count = 0;
  while (environ[count] != NULL) count++;
  r->env = assay_calloc(ASSAY_TAG_BENCH, count + ENV_REST_AT + 1, sizeof *r->env);
  if (r->env == NULL) return false;
  static char mark[] = ASSAY_WORKER_MARK "=1";
  r->env[ENV_PADDING_AT] = r->padding;
  r->env[ENV_MARK_AT] = mark;
  snprintf(r->mark, sizeof r->mark, "ASSAY_RUN=%d-%" PRIu64, (int)getpid(), r->started_ns);
  r->env[ENV_RUN_AT] = r->mark;
  const char *inherited = getenv("LD_PRELOAD");
  int length = snprintf(r->preload, sizeof r->preload, "LD_PRELOAD=%s%s%s", r->count_library != NULL ? r->count_library : "",
                        r->count_library != NULL && inherited != NULL ? ":" : "", inherited != NULL ? inherited : "");
  if (length >= (int)sizeof r->preload && r->count_library != NULL) {
    snprintf(r->count_cause, sizeof r->count_cause, "LD_PRELOAD is too long to add to it");
    assay_free(r->count_library);
    r->count_library = NULL;
    return copy_environment(r);
  }
  size_t put = ENV_PRELOAD_AT;
  if (r->count_library != NULL || inherited != NULL) r->env[put++] = r->preload;
  for (size_t i = 0; i < count; i++) {
    if (!is_ours(environ[i])) r->env[put++] = environ[i];
  }
  return true;
}

/* The size of the environment moves the stack, and with it the speed of some code by tens of percent (Mytkowicz et al. 2009): a random size
 * each time turns that bias into variation between processes, which the interval then covers. */
static uint32_t pad_environment(run *r) {
  static const char name[] = "ASSAY_PADDING=";
  uint32_t padding = (uint32_t)assay_random_below(&r->random, ENV_PADDING);
  memcpy(r->padding, name, sizeof name - 1);
  memset(r->padding + sizeof name - 1, 'x', padding);
  r->padding[sizeof name - 1 + padding] = '\0';
  return padding;
}

/* ---- One fresh process ---- */

static uint64_t seed_of(const run *r, const assay_bench_case *bench, size_t process) {
  uint64_t seed = r->outcomes->seed, place = process;
  uint64_t hash = assay_hash(ASSAY_HASH_START, &seed, sizeof seed);
  hash = assay_hash(hash, &place, sizeof place);
  return assay_hash(hash, bench->name, strlen(bench->name));
}

static void make_request(const run *r, const assay_bench_case *bench, size_t process, assay_request *q) {
  *q = (assay_request){
      .time_s = r->time_s,
      .warmup_s = r->warmup_s,
      .timeout_s = r->timeout_s,
      .ticks_per_ns = assay_ticks_per_ns(),
      .seed = seed_of(r, bench, process),
      .suite = bench->suite,
      .name = bench->command == NULL ? bench->desc->name : NULL,
      .command = bench->command,
      .shell = r->config->shell != NULL ? r->config->shell : "/bin/sh",
      .prepare = r->config->prepare,
      .warmups = process == 0 ? r->config->command_warmup : 0,
      .preloaded = r->count_library != NULL,
      .ignore_failure = r->config->ignore_failure,
  };
  if (bench->command != NULL) return;
  q->param_count = bench->param_count;
  for (size_t i = 0; i < bench->param_count; i++) {
    q->params[i].name = bench->params[i].name;
    q->params[i].value = bench->params[i].value;
  }
}

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
static void attend(const run *r, int pid, uint64_t deadline_ns, int *channel, int *error, remains *m) {
  int end = assay_os_process_fd(pid);
  for (;;) {
    uint64_t now = assay_os_now_ns();
    m->stopped = is_stopped(r);
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
static void reap(const run *r, int pid, int channel, int error, remains *m) {
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
  if (is_open) assay_os_end_marked(r->mark); /* a descendant in a session of its own holds it, and would disturb what comes next */
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

static void explain_death(const run *r, const remains *m, int64_t memory_kills, char *reason, size_t size) {
  char limit[64], other[32];
  assay_format_value((double)r->config->memory_limit_bytes, "B", limit, sizeof limit);
  bool limited = r->config->memory_limit_bytes > 0;
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

static void conclude(const run *r, double timeout_s, int64_t memory_kills, remains *m, assay_bench_process *p) {
  char reason[sizeof p->reason];
  assay_error err = {0};
  bool ended_well = WIFEXITED(m->wait_status) && WEXITSTATUS(m->wait_status) == 0;
  if (m->timed_out) {
    snprintf(reason, sizeof reason, "timed out after %g s", timeout_s);
    fail(p, reason);
  } else if (m->flooded) {
    fail(p, "wrote more than 8 MiB into the engine's channel (descriptor 3)");
  } else if (!ended_well) {
    explain_death(r, m, memory_kills, reason, sizeof reason);
    fail(p, reason);
    append_last_line(m, p);
  } else if (m->report.length == 0) {
    fail(p, "exited with code 0 inside the benchmark, or main does not begin with assay_bench_worker");
    append_last_line(m, p);
  } else if (m->report.failed) {
    fail(p, "out of memory for the report of the fresh process");
  } else if (assay_wire_get_report(m->report.data, m->report.length, &err, p) != ASSAY_OK) {
    fail(p, "its report cannot be read; something wrote into the engine's channel (descriptor 3)");
  } else if (p->outcome == ASSAY_OUTCOME_FAILED) {
    append_last_line(m, p);
  }
  if (r->count_library == NULL && p->allocations_cause[0] != '\0')
    snprintf(p->allocations_cause, sizeof p->allocations_cause, "%s", r->count_cause);
}

/* Runs one process into *p. ASSAY_ERR_INTERRUPTED when the run was stopped meanwhile. */
static assay_status run_process(run *r, const assay_bench_case *bench, size_t index, assay_error *err, assay_bench_process *p) {
  int channel[2] = {-1, -1}, error[2] = {-1, -1}, pid = 0;
  remains m = {.tail_length = 0};
  assay_request request;
  make_request(r, bench, index, &request);
  p->env_padding = pad_environment(r);
  p->started_s = since_start_s(r);
  double timeout_s = bench->desc != NULL && bench->desc->timeout_s > 0 ? bench->desc->timeout_s : r->timeout_s;
  assay_status status = ASSAY_OK;
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, channel) != 0 || pipe(error) != 0) {
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot make the channel to a fresh process");
    goto done;
  }
  set_flags(channel[0], O_NONBLOCK);
  set_flags(channel[1], 0);
  set_flags(error[0], O_NONBLOCK);
  set_flags(error[1], 0);
  status = write_request(channel[0], &request, err);
  if (status != ASSAY_OK) goto done;
  char self[] = "assay", argument[] = ASSAY_WORKER_ARGUMENT;
  char *argv[] = {self, argument, NULL};
  assay_os_spawn spawn = {.path = assay_os_self_executable(),
                          .argv = argv,
                          .envp = r->env,
                          .in = -1,
                          .out = -1,
                          .error = error[1],
                          .channel = channel[1],
                          .memory_limit_bytes = r->config->memory_limit_bytes};
  int64_t kills_before = assay_os_memory_kills();
  uint64_t started_ns = assay_os_now_ns();
  status = assay_os_start(&spawn, err, &pid);
  if (status != ASSAY_OK) goto done;
  close_if(&channel[1]);
  close_if(&error[1]);
  /* The fresh process of a command times each execution itself; this one is for itself. */
  double patience_s = bench->command == NULL ? timeout_s : timeout_s * (2.0 * (request.warmups + 1) + 3) + COMMAND_SLACK_S;
  attend(r, pid, started_ns + (uint64_t)(patience_s * 1e9), &channel[0], &error[0], &m);
  reap(r, pid, channel[0], error[0], &m);
  p->wall_s = (double)(assay_os_now_ns() - started_ns) / 1e9;
  if (m.stopped)
    status = ASSAY_ERR_INTERRUPTED;
  else
    conclude(r, timeout_s, WIFSIGNALED(m.wait_status) ? assay_os_memory_kills() - kills_before : 0, &m, p);
done:
  close_if(&channel[0]);
  close_if(&channel[1]);
  close_if(&error[0]);
  close_if(&error[1]);
  assay_buf_deinit(&m.report);
  return status;
}

/* ---- The plan ---- */

/* Whether more processes of this case can tell anything new. A benchmark that hangs costs one timeout, not five; one that says it cannot
 * run here says the same in every process; one that fails twice in a row is broken. */
static void learn(case_state *state, bool is_command, const assay_bench_process *p) {
  bool timed_out = p->outcome == ASSAY_OUTCOME_FAILED &&
                   (strncmp(p->reason, "timed out", 9) == 0 || (is_command && strstr(p->reason, " timed out after ") != NULL));
  state->failures_in_a_row = p->outcome == ASSAY_OUTCOME_FAILED ? state->failures_in_a_row + 1 : 0;
  state->settled = timed_out || p->outcome == ASSAY_OUTCOME_SKIPPED || p->outcome == ASSAY_OUTCOME_UNSUPPORTED ||
                   state->failures_in_a_row >= CRASHES_TO_GIVE_UP;
}

static void repeat_verdict(const assay_bench_outcome *outcome, assay_bench_process *p) {
  const assay_bench_process *last = &outcome->processes[outcome->process_count - 1];
  p->outcome = last->outcome;
  if (strncmp(last->reason, "not run: ", 9) == 0 || last->outcome != ASSAY_OUTCOME_FAILED)
    snprintf(p->reason, sizeof p->reason, "%s", last->reason);
  else
    snprintf(p->reason, sizeof p->reason, "not run: %.240s", last->reason);
}

static assay_status run_next(run *r, size_t place, assay_error *err) {
  size_t index = r->order[place];
  assay_bench_outcome *outcome = &r->outcomes->items[index];
  case_state *state = &r->states[index];
  const assay_bench_config *config = r->config;
  assay_bench_process *p = &outcome->processes[outcome->process_count];
  p->order = (unsigned)place;
  if (state->settled) {
    p->started_s = since_start_s(r);
    repeat_verdict(outcome, p);
  } else {
    if (config->on_start != NULL) config->on_start(outcome->bench, index, r->done, r->total, config->user);
    assay_status status = run_process(r, outcome->bench, outcome->process_count, err, p);
    if (status != ASSAY_OK) return status;
    learn(state, outcome->bench->command != NULL, p);
    if (p->outcome == ASSAY_OUTCOME_FAILED)
      assay_log(ASSAY_LOG_INFO, "%s/%s: process %zu failed: %s", outcome->bench->suite, outcome->bench->name, outcome->process_count + 1,
                p->reason);
  }
  outcome->process_count++;
  r->done++;
  if (config->on_process != NULL) config->on_process(outcome, index, r->done, r->total, config->user);
  return ASSAY_OK;
}

static unsigned processes_of(const run *r, const assay_bench_case *bench) {
  const assay_bench_config *c = r->config;
  if (c->processes > 0) return c->processes;
  if (bench->command != NULL) return c->quick ? COMMAND_PROCESSES_QUICK : COMMAND_PROCESSES;
  return c->quick ? 3 : 5;
}

static assay_status lay_out(run *r, assay_error *err) {
  size_t count = assay_bench_plan_count(r->plan);
  r->states = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *r->states);
  r->outcomes->items = assay_calloc(ASSAY_TAG_BENCH, count + 1, sizeof *r->outcomes->items);
  if (r->states == NULL || r->outcomes->items == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
  r->outcomes->count = count;
  for (size_t i = 0; i < count; i++) {
    const assay_bench_case *bench = assay_bench_plan_at(r->plan, i);
    assay_bench_outcome *outcome = &r->outcomes->items[i];
    r->states[i].planned = processes_of(r, bench);
    outcome->bench = bench;
    outcome->processes = assay_calloc(ASSAY_TAG_BENCH, r->states[i].planned, sizeof *outcome->processes);
    if (outcome->processes == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
    r->total += r->states[i].planned;
  }
  r->order = assay_alloc(ASSAY_TAG_BENCH, (r->total + 1) * sizeof *r->order);
  if (r->order == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
  size_t put = 0;
  for (size_t i = 0; i < count; i++) {
    for (unsigned k = 0; k < r->states[i].planned; k++) r->order[put++] = i;
  }
  assay_random_shuffle(&r->random, r->order, r->total);
  return ASSAY_OK;
}

static bool is_bad(double seconds) { return !(seconds >= 0) || !isfinite(seconds) || seconds > 86400; }

static assay_status check(const assay_bench_config *c, assay_error *err) {
  if (is_bad(c->time_s) || is_bad(c->warmup_s) || is_bad(c->timeout_s))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "time, warm-up and timeout are between 0 and 86400 seconds");
  if (c->processes > 10000) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "%u processes a benchmark; at most 10000", c->processes);
  if (getenv(ASSAY_WORKER_MARK) != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "assay_bench_worker must be the first thing in main of a program that runs benchmarks");
  if (assay_os_self_executable() == NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "this program cannot be started again: its own path is not known (is /proc mounted?)");
  return ASSAY_OK;
}

assay_status assay_bench_run(const assay_bench_plan *plan, const assay_bench_config *config, assay_error *err,
                             assay_bench_outcomes **outcomes) {
  assay_status status = check(config, err);
  if (status != ASSAY_OK) return status;
  run *r = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *r);
  assay_bench_outcomes *made = assay_calloc(ASSAY_TAG_BENCH, 1, sizeof *made);
  if (r == NULL || made == NULL) {
    status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
    goto done;
  }
  r->plan = plan;
  r->config = config;
  r->outcomes = made;
  r->started_ns = assay_os_now_ns();
  r->time_s = config->time_s > 0 ? config->time_s : config->quick ? 0.03 : 0.5;
  r->warmup_s = config->warmup_s > 0 ? config->warmup_s : config->quick ? 0.02 : 1;
  r->timeout_s = config->timeout_s > 0 ? config->timeout_s : 60;
  made->seed = config->seed != 0 ? config->seed : r->started_ns ^ (uint64_t)assay_os_wall_s() << 20 ^ (uint64_t)getpid();
  assay_random_init(&r->random, made->seed);
  r->count_library = assay_allocations_library(r->count_cause, sizeof r->count_cause);
  status = copy_environment(r) ? lay_out(r, err) : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the run");
  for (size_t place = 0; place < r->total && status == ASSAY_OK; place++) {
    status = is_stopped(r) ? ASSAY_ERR_INTERRUPTED : run_next(r, place, err);
  }
  if (status == ASSAY_ERR_INTERRUPTED) {
    made->interrupted = true;
    status = ASSAY_OK;
  }
done:
  if (r != NULL) {
    assay_free(r->count_library);
    assay_free(r->env);
    assay_free(r->states);
    assay_free(r->order);
  }
  assay_free(r);
  if (status == ASSAY_OK)
    *outcomes = made;
  else
    assay_bench_outcomes_destroy(made);
  return status;
}

void assay_bench_outcomes_destroy(assay_bench_outcomes *outcomes) {
  if (outcomes == NULL) return;
  for (size_t i = 0; outcomes->items != NULL && i < outcomes->count; i++) {
    assay_bench_outcome *outcome = &outcomes->items[i];
    for (size_t k = 0; k < outcome->process_count; k++) assay_bench_process_deinit(&outcome->processes[k]);
    assay_free(outcome->processes);
  }
  assay_free(outcomes->items);
  assay_free(outcomes);
}

/* SPDX-License-Identifier: MIT */
/* assay monitor: one round, a run in a process of its own, so that one that goes wrong ends nothing but itself. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "cli/monitor.h"
#include "os/prim.h"

extern char **environ;

#define HISTORY_VARIABLE "ASSAY_HISTORY="

static const double GRACE_S = 15; /* a run that is told to stop reports what it has */

/* ---- Its process --------------------------------------------------------------------------------------------------------------------- */

static char **child_words(assay_monitor *m) {
  const char *const more[] = {"--output-dir",  m->settings->output_dir, "--alerts",   m->rules,   "--json",
                              "--no-progress", "--regression-check",    "--baseline", m->baseline};
  size_t own = sizeof more / sizeof *more - (m->baseline == NULL ? 3 : 0), count = 0;
  const char **words = assay_arena_alloc(&m->cli->arena, m->cli->operand_count + own + 2, sizeof *words);
  if (words == NULL) return NULL;
  words[count++] = m->cli->program;
  words[count++] = m->cli->operands[0];
  /* Ours first, so that an output directory that the user gives to the run wins. */
  for (size_t i = 0; i < own; i++) words[count++] = more[i];
  for (size_t i = 1; i < m->cli->operand_count; i++) words[count++] = m->cli->operands[i];
  return (char **)(uintptr_t)words;
}

/* Everybody can read the words of a process, and the history may be a URL with a password: so it goes by the environment. */
static char **child_environment(assay_monitor *m) {
  size_t count = 0, kept = 0;
  while (environ[count] != NULL) count++;
  char **envp = assay_arena_alloc(&m->cli->arena, count + 2, sizeof *envp);
  if (envp == NULL) return NULL;
  for (size_t i = 0; i < count; i++)
    if (strncmp(environ[i], HISTORY_VARIABLE, strlen(HISTORY_VARIABLE)) != 0) envp[kept++] = environ[i];
  envp[kept] = assay_arena_printf(&m->cli->arena, "%s%s", HISTORY_VARIABLE, m->history);
  return envp[kept] != NULL ? envp : NULL;
}

assay_status assay_monitor_set_child(assay_monitor *m, assay_error *err) {
  m->words = child_words(m);
  m->environment = child_environment(m);
  return m->words != NULL && m->environment != NULL ? ASSAY_OK : ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
}

/* The group is there as long as its leader was not reaped. */
static void end_group(int pid, int number) { kill(-pid, number); }

/* Until it ends. A signal to us goes on to all of its group; one that does not heed it is killed. *in_time: it was not ended by a limit. */
static int wait_for_child(const assay_monitor *m, int pid, bool *in_time) {
  uint64_t start = assay_os_now_ns(), told_ns = 0;
  int passed_on = 0, status = 0;
  *in_time = true;
  while (!assay_os_has_ended(pid)) {
    uint64_t now = assay_os_now_ns();
    if (*in_time && m->timeout_s > 0 && (double)(now - start) / 1e9 >= m->timeout_s) {
      *in_time = false;
      told_ns = now;
      end_group(pid, SIGTERM);
    }
    if (assay_monitor_stop_count() > passed_on) {
      if (told_ns == 0) told_ns = now;
      end_group(pid, passed_on == 0 ? SIGTERM : SIGKILL);
      passed_on = assay_monitor_stop_count();
    }
    if (told_ns != 0 && (double)(now - told_ns) / 1e9 > GRACE_S) end_group(pid, SIGKILL);
    double left = told_ns != 0 ? 0.2 : m->timeout_s > 0 ? m->timeout_s - (double)(now - start) / 1e9 : 60;
    assay_monitor_wait(left > 60 ? 60 : left); /* the end of the child wakes it */
  }
  end_group(pid, SIGKILL); /* what it left behind */
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

/* ---- What it measured ---------------------------------------------------------------------------------------------------------------- */

static assay_status read_result(FILE *output, assay_error *err, assay_result **result) {
  struct stat info;
  if (fstat(fileno(output), &info) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot read what the run said");
  size_t size = (size_t)info.st_size;
  char *text = assay_alloc(ASSAY_TAG_CLI, size + 1);
  if (text == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the result of the run");
  rewind(output);
  size_t got = fread(text, 1, size, output);
  assay_status status = assay_result_from_json(text, got, err, result);
  assay_free(text);
  return status;
}

static size_t failures_of(const assay_result *result) {
  size_t failed = 0;
  for (size_t i = 0; i < result->benchmark_count; i++) failed += result->benchmarks[i].status == ASSAY_OUTCOME_FAILED;
  return failed;
}

static void say_measured(const assay_monitor *m, const assay_result *result) {
  size_t failed = failures_of(result);
  char took[64], more[64] = "";
  if (failed > 0) snprintf(more, sizeof more, ", %zu failed", failed);
  assay_monitor_say(m, "round %llu: run %s, %zu benchmarks in %s%s", (unsigned long long)m->rounds, result->run.id, result->benchmark_count,
                    assay_format_value(result->run.duration_s, "s", took, sizeof took), more);
}

/*
 * What the run said on its standard error: the lines of its alerts are what a round is about, the rest (warnings) is passed on but for
 * where the reports lie, which is the same every time.
 */
static void pass_on(FILE *said) {
  char line[1024];
  bool of_alerts = false;
  rewind(said);
  while (fgets(line, sizeof line, said) != NULL) {
    const char *report = strstr(line, " report: ");
    of_alerts = strncmp(line, "Alerts", 6) == 0 || (of_alerts && line[0] == ' ');
    if (of_alerts)
      fputs(line, stdout);
    else if (line[0] != '\n' && (report == NULL || report - line > 12))
      fputs(line, stderr);
  }
  fflush(stdout);
  fflush(stderr);
}

/* A run in a process of its own; the result comes as JSON on its standard output. */
static assay_status measure(assay_monitor *m, assay_error *err, assay_result **result) {
  FILE *output = tmpfile(), *complaints = tmpfile();
  if (output == NULL || complaints == NULL) {
    assay_status failed = ASSAY_FAIL_ERRNO(err, errno, "cannot prepare a run");
    if (output != NULL) fclose(output);
    if (complaints != NULL) fclose(complaints);
    return failed;
  }
  assay_os_spawn spawn = {.path = assay_os_self_executable(),
                          .argv = m->words,
                          .envp = m->environment,
                          .in = -1,
                          .out = fileno(output),
                          .error = fileno(complaints),
                          .channel = -1};
  int pid = 0, ended = 0;
  bool in_time = true;
  assay_status status = spawn.path != NULL ? assay_os_start(&spawn, err, &pid)
                                           : ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "this system does not say where this program lies");
  if (status == ASSAY_OK) ended = wait_for_child(m, pid, &in_time);
  if (status == ASSAY_OK && assay_monitor_stop_signal() != 0)
    status = ASSAY_FAIL(err, ASSAY_ERR_INTERRUPTED, "stopped in the middle of a round");
  else if (status == ASSAY_OK && !in_time)
    status = ASSAY_FAIL(err, ASSAY_ERR_TIMEOUT, "the run was ended: it took longer than --timeout %s", m->settings->timeout);
  else if (status == ASSAY_OK && WIFSIGNALED(ended))
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "the run was ended by signal %d", WTERMSIG(ended));
  /* A run that could only not deliver its reports or alerts has measured all the same, and gives its result. */
  if (status == ASSAY_OK && read_result(output, NULL, result) != ASSAY_OK)
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "the run ended with exit code %d", WEXITSTATUS(ended));
  if (status == ASSAY_OK) {
    say_measured(m, *result);
    m->code = assay_cli_gravest(m->code, WEXITSTATUS(ended));
  }
  pass_on(complaints);
  fclose(complaints);
  fclose(output);
  return status;
}

static bool is_too_busy(const assay_monitor *m) {
  double load = 0;
  if (!(m->settings->max_load > 0) || getloadavg(&load, 1) != 1 || load <= m->settings->max_load) return false;
  assay_monitor_say(m, "round %llu: skipped, the load is %.2f and --max-load %.2f", (unsigned long long)m->rounds, load,
                    m->settings->max_load);
  return true;
}

void assay_monitor_round(assay_monitor *m) {
  assay_error err = {0};
  assay_result *result = NULL;
  m->rounds++;
  if (is_too_busy(m)) return;
  assay_status status = measure(m, &err, &result);
  if (status != ASSAY_OK && assay_monitor_stop_signal() == 0) {
    m->failed++;
    m->code = ASSAY_EXIT_CANNOT_RUN;
    assay_monitor_say(m, "round %llu: failed: %s", (unsigned long long)m->rounds, err.message);
  }
  assay_result_destroy(result);
}

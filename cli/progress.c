/* SPDX-License-Identifier: MIT */
/* Where a run stands, on stderr: a bar on a terminal, sparse lines elsewhere when asked for, else nothing. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/cli.h"
#include "os/prim.h"

enum { BAR_CELLS = 20 };
static const double SMOOTH_S = 10;
static const uint64_t REDRAW_NS = 100000000; /* ten times a second is smooth, and cheap beside a measurement */

static bool speaks_utf8(void) {
  const char *const variables[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    const char *value = getenv(variables[i]);
    if (value == NULL || value[0] == '\0') continue;
    const char *dot = strchr(value, '.');
    return dot != NULL && (strncasecmp(dot, ".UTF-8", 6) == 0 || strncasecmp(dot, ".utf8", 5) == 0);
  }
  return false;
}

void assay_cli_progress_init(assay_cli_progress *progress, int choice, bool verbose, const char *color) {
  const char *term = getenv("TERM");
  bool terminal = isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0;
  *progress = (assay_cli_progress){.bar = choice > 0 || (choice == 0 && terminal)};
  progress->plain = !progress->bar && verbose && choice >= 0;
  progress->color = assay_cli_use_color(color, stderr);
  progress->unicode = speaks_utf8();
}

static void erase(assay_cli_progress *progress) {
  if (progress->drawn) fputs("\r\033[K", stderr);
  progress->drawn = false;
}

static void put_duration(assay_buf *out, double seconds) {
  unsigned long whole = seconds > 0 ? (unsigned long)(seconds + 0.5) : 0;
  if (whole >= 3600)
    assay_buf_printf(out, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
  else
    assay_buf_printf(out, "%lu:%02lu", whole / 60, whole % 60);
}

/*
 * What is left, in seconds, or NaN. Benchmarks take unlike times, so single estimates jump: the end that they foretell follows them over
 * some ten seconds, and before a twentieth is done there is nothing to go by.
 */
static double time_left(assay_cli_progress *progress, const assay_run_progress *event) {
  if (isnan(event->remaining_s) || event->done * 20 < event->total) return NAN;
  double end_s = event->elapsed_s + event->remaining_s, passed_s = event->elapsed_s - progress->end_at_s;
  if (progress->end_s > 0)
    progress->end_s += (end_s - progress->end_s) * (1 - exp(-fmax(passed_s, 0) / SMOOTH_S));
  else
    progress->end_s = end_s;
  progress->end_at_s = event->elapsed_s;
  return fmax(progress->end_s - event->elapsed_s, 0);
}

/* As many whole parts of a name ("sum/type=f32/n=1000") as fit into `room` columns, none when not even the first does. */
static void put_name(assay_buf *out, const char *name, size_t room, bool unicode) {
  size_t bytes = strlen(name);
  if (assay_cli_text_width(name) > room) {
    size_t most = 0;
    for (size_t i = 0; name[i] != '\0' && i + 2 <= room; i++) {
      if (name[i] == '/') most = i + 1;
    }
    bytes = most;
  }
  if (bytes == 0) return;
  assay_buf part = {0};
  assay_buf_append(&part, name, bytes);
  if (part.data != NULL) assay_buf_puts(out, "  "), assay_buf_plain(out, part.data);
  if (name[bytes] != '\0') assay_buf_puts(out, unicode ? "…" : ".");
  if (part.failed) out->failed = true;
  assay_buf_deinit(&part);
}

/* "benchmarks 12/60  0:12, about 0:40 left  sum/n=1000", in `width` columns unless a wide character is among them. */
static void describe(assay_cli_progress *progress, const assay_run_progress *event, size_t width, assay_buf *out) {
  assay_buf_puts(out, event->phase);
  if (event->total > 0) assay_buf_printf(out, " %zu/%zu", event->done, event->total);
  assay_buf_puts(out, "  ");
  put_duration(out, event->elapsed_s);
  double left_s = time_left(progress, event);
  if (!isnan(left_s)) {
    assay_buf_puts(out, ", about ");
    put_duration(out, left_s);
    assay_buf_puts(out, " left");
  }
  size_t used = out->failed ? width : assay_cli_text_width(out->data) + 3; /* two spaces before the name, and the last column */
  if (event->item[0] != '\0' && used < width) put_name(out, event->item, width - used, progress->unicode);
}

static void put_bar(const assay_cli_progress *progress, const assay_run_progress *event, assay_buf *out) {
  size_t filled = event->total > 0 ? event->done * BAR_CELLS / event->total : 0;
  for (size_t i = 0; i < BAR_CELLS; i++) {
    if (progress->unicode)
      assay_buf_puts(out, i < filled ? "█" : "░");
    else
      assay_buf_putc(out, i < filled ? '#' : '.');
  }
  assay_buf_puts(out, "  ");
}

static void draw(assay_cli_progress *progress, const assay_run_progress *event) {
  assay_buf line = {0};
  size_t width = assay_cli_columns(stderr);
  if (width == 0) width = 100;
  put_bar(progress, event, &line);
  describe(progress, event, width, &line);
  if (!line.failed) {
    /* A line that wraps cannot be erased again, so what is still too long is cut at the width. */
    size_t bytes = 0, columns = 0;
    while (line.data[bytes] != '\0' && columns + 1 < width) {
      bytes++;
      while (((unsigned char)line.data[bytes] & 0xC0) == 0x80) bytes++;
      columns++;
    }
    fprintf(stderr, "\r\033[K%.*s", (int)bytes, line.data);
    fflush(stderr);
    progress->drawn = true;
  }
  assay_buf_deinit(&line);
}

void assay_cli_progress_say(assay_cli_progress *progress, const char *line) {
  erase(progress);
  fprintf(stderr, "%s\n", line);
}

/* Failures are worth a line at once: who sees one early may stop the run. */
static void say_failure(assay_cli_progress *progress, const assay_run_progress *event) {
  assay_buf line = {0};
  assay_buf_printf(&line, "%sfailed%s ", progress->color ? "\033[31m" : "", progress->color ? "\033[0m" : "");
  assay_buf_plain(&line, event->item);
  assay_buf_puts(&line, ": ");
  assay_buf_plain(&line, event->reason != NULL ? event->reason : "no reason given");
  if (!line.failed) assay_cli_progress_say(progress, line.data);
  assay_buf_deinit(&line);
}

static void say_plain(assay_cli_progress *progress, const assay_run_progress *event) {
  assay_buf line = {0};
  describe(progress, event, SIZE_MAX, &line);
  if (event->finished && event->outcome != ASSAY_OUTCOME_OK) {
    assay_buf_printf(&line, ": %s%s", assay_outcome_text(event->outcome), event->reason != NULL ? ": " : "");
    if (event->reason != NULL) assay_buf_plain(&line, event->reason);
  }
  if (!line.failed) assay_cli_progress_say(progress, line.data);
  assay_buf_deinit(&line);
}

void assay_cli_progress_update(assay_cli_progress *progress, const assay_run_progress *event) {
  bool failed = event->finished && event->outcome == ASSAY_OUTCOME_FAILED;
  if (progress->plain && (event->finished || event->item[0] == '\0')) say_plain(progress, event);
  if (!progress->bar) return;
  if (failed) say_failure(progress, event);
  uint64_t now = assay_os_now_ns();
  if (!failed && progress->drawn && event->item[0] != '\0' && now - progress->last_ns < REDRAW_NS) return;
  progress->last_ns = now;
  draw(progress, event);
}

void assay_cli_progress_end(assay_cli_progress *progress) {
  erase(progress);
  fflush(stderr);
}

static volatile int stop_requested;

static void on_signal(int signal_number) {
  static const char note[] = "\nstopping: what was measured will be reported; once more ends at once\n";
  if (stop_requested) _exit(128 + signal_number);
  stop_requested = 1;
  ssize_t ignored = write(STDERR_FILENO, note, sizeof note - 1);
  (void)ignored;
}

const volatile int *assay_cli_stop_on_signal(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL); /* a terminal that was closed should not cost the report */
  return &stop_requested;
}

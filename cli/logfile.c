/* SPDX-License-Identifier: MIT */
/* The timeline of a run: one line an event, with the time of day to the millisecond. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cli.h"

static struct {
  pthread_mutex_t lock;
  FILE *file;
  char path[4096];
  int error; /* errno of the first write that failed */
  assay_cli_progress *progress;
  bool verbose;
} sink = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *level_text(assay_log_level level) {
  switch (level) {
    case ASSAY_LOG_DEBUG: return "debug";
    case ASSAY_LOG_INFO: return "info";
    case ASSAY_LOG_WARNING: return "warning";
  }
  return "?";
}

static void write_line(assay_log_level level, const char *line, void *user) {
  (void)user;
  struct timespec now;
  struct tm local;
  char stamp[32];
  clock_gettime(CLOCK_REALTIME, &now);
  localtime_r(&now.tv_sec, &local);
  strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S", &local);
  pthread_mutex_lock(&sink.lock);
  if (sink.file != NULL && fprintf(sink.file, "%s.%03ld %-7s %s\n", stamp, now.tv_nsec / 1000000, level_text(level), line) < 0 &&
      sink.error == 0)
    sink.error = errno;
  if (sink.file != NULL && fflush(sink.file) != 0 && sink.error == 0) sink.error = errno;
  if (sink.verbose && level != ASSAY_LOG_DEBUG) assay_cli_progress_say(sink.progress, line);
  pthread_mutex_unlock(&sink.lock);
}

assay_status assay_cli_log_open(const char *path, assay_cli_progress *progress, bool verbose, assay_error *err) {
  sink.progress = progress;
  sink.verbose = verbose;
  sink.error = 0;
  if (path != NULL && path[0] != '\0') {
    sink.file = fopen(path, "ae");
    if (sink.file == NULL)
      return ASSAY_FAIL_ERRNO(err, errno, "cannot open the log %s (choose another with --log-file, or none with --log-file=)", path);
    snprintf(sink.path, sizeof sink.path, "%s", path);
  }
  assay_log_set_sink(write_line, NULL);
  return ASSAY_OK;
}

assay_status assay_cli_log_close(assay_error *err) {
  assay_log_set_sink(NULL, NULL);
  if (sink.file == NULL) return ASSAY_OK;
  if (fclose(sink.file) != 0 && sink.error == 0) sink.error = errno;
  sink.file = NULL;
  return sink.error == 0 ? ASSAY_OK : ASSAY_FAIL_ERRNO(err, sink.error, "the log %s is not complete", sink.path);
}

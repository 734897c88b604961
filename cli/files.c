/* SPDX-License-Identifier: MIT */
/* What a finished run leaves behind, and what happens when it cannot be left there. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "os/prim.h"

const char *const assay_cli_formats[] = {
    "json", "html", "csv", "markdown", "junit", "openmetrics", "google-benchmark", "pytest-benchmark", "hyperfine", NULL};
const char *const assay_cli_color_choices[] = {"auto", "always", "never", NULL};

/* A quick run's reports and history are well below this. */
enum { PROBE_BYTES = 1 << 20, PROBE_CHUNK = 1 << 16 };

const char *assay_cli_join(assay_cli *cli, const char *directory, const char *name) {
  size_t length = strlen(directory);
  bool slash = length > 0 && directory[length - 1] == '/';
  return assay_arena_printf(&cli->arena, "%s%s%s", directory, slash || length == 0 ? "" : "/", name);
}

const char *assay_cli_history_path(assay_cli *cli, const char *history, const char *output_dir) {
  return history != NULL ? history : assay_cli_join(cli, output_dir, "history.db");
}

assay_status assay_cli_open_history(const char *path, assay_error *err, assay_history **history) {
  if (path == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  if (!assay_history_exists(path))
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no history %s yet; `run` makes one (--history names another)", path);
  return assay_history_open_read(path, err, history);
}

const char *assay_cli_absolute(assay_cli *cli, const char *path) {
  char *real = realpath(path, NULL);
  const char *copy = real != NULL ? assay_arena_strdup(&cli->arena, real) : NULL;
  free(real);
  return copy != NULL ? copy : path;
}

static int fill(int fd) {
  static const char zeros[PROBE_CHUNK];
  for (size_t written = 0; written < PROBE_BYTES;) {
    ssize_t put = write(fd, zeros, sizeof zeros);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return put < 0 ? errno : ENOSPC;
    written += (size_t)put;
  }
  return 0;
}

assay_status assay_cli_probe_directory(const char *directory, assay_error *err) {
  assay_status status = assay_os_make_dirs(directory, err);
  if (status != ASSAY_OK) return status;
  assay_buf path = {0};
  assay_buf_printf(&path, "%s/.probe-XXXXXX", directory);
  if (path.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  int fd = mkstemp(path.data);
  if (fd < 0) {
    status = ASSAY_FAIL_ERRNO(err, errno, "cannot write into the output directory %s", directory);
  } else {
    int problem = fill(fd);
    if (close(fd) != 0 && problem == 0) problem = errno;
    unlink(path.data);
    if (problem != 0) status = ASSAY_FAIL_ERRNO(err, problem, "the output directory %s has no room for a report (1 MiB)", directory);
  }
  assay_buf_deinit(&path);
  return status;
}

/* ---- Reports ------------------------------------------------------------------------------------------------------------------- */

static const char *title_of(assay_format format) {
  static const char *const titles[ASSAY_FORMAT_COUNT] = {
      "JSON", "HTML", "CSV", "Markdown", "JUnit", "Text", "OpenMetrics", "Google Benchmark", "pytest-benchmark", "hyperfine"};
  return titles[format];
}

/* The reports are lost, the measuring must not be: the result goes wherever there is room, at the very last to stdout. */
static void rescue(assay_cli *cli, const assay_result *result, bool json_was_printed) {
  if (json_was_printed) {
    fprintf(stderr, "%s: nothing that was measured is lost: the result stands on standard output\n", cli->program);
    return;
  }
  char *dir = NULL;
  if (assay_os_temp_dir(NULL, &dir) == ASSAY_OK) {
    const char *path = assay_cli_join(cli, dir, "report.json");
    if (path != NULL && assay_report_write(result, NULL, ASSAY_FORMAT_JSON, path, NULL) == ASSAY_OK) {
      fprintf(stderr, "%s: nothing that was measured is lost: it is in %s; `%s report %s --format html` renders it\n", cli->program, path,
              cli->program, path);
      assay_free(dir);
      return;
    }
    assay_os_remove_tree(dir);
    assay_free(dir);
  }
  char *json = NULL;
  fprintf(stderr, "%s: the temporary directory is no way out either, so the result follows on standard output\n", cli->program);
  if (assay_result_to_json(result, NULL, &json) == ASSAY_OK) assay_cli_print(cli, json);
  assay_string_free(json);
}

/* "HTML report: /abs/benchmark_results/report.html", a line each, into `written`. */
static assay_status write_reports(assay_cli *cli, const assay_cli_delivery *delivery, const assay_result *result,
                                  const assay_report_context *context, assay_buf *written, assay_error *err) {
  for (size_t i = 0; i < delivery->formats->count; i++) {
    assay_format format;
    if (!assay_format_parse(delivery->formats->items[i], &format))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no report format '%s'", delivery->formats->items[i]);
    const char *name = assay_arena_printf(&cli->arena, "report.%s", assay_format_extension(format));
    const char *path = name != NULL ? assay_cli_join(cli, delivery->output_dir, name) : NULL;
    if (path == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
    assay_status status = assay_report_write(result, context, format, path, err);
    if (status != ASSAY_OK) return status;
    assay_buf_printf(written, "%s report: %s\n", title_of(format), assay_cli_absolute(cli, path));
  }
  return ASSAY_OK;
}

static assay_status append(const char *path, const char *text, assay_error *err) {
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot append to %s", path);
  assay_status status = ASSAY_OK;
  for (size_t left = strlen(text); left > 0 && status == ASSAY_OK;) {
    ssize_t put = write(fd, text, left);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) status = ASSAY_FAIL_ERRNO(err, errno, "cannot append to %s", path);
    if (put > 0) {
      text += put;
      left -= (size_t)put;
    }
  }
  close(fd);
  return status;
}

static const char *job_summary(void) {
  const char *path = getenv("GITHUB_STEP_SUMMARY");
  return path != NULL && path[0] != '\0' ? path : NULL;
}

assay_status assay_cli_summarize_changes(const assay_changes *changes, const assay_changes_context *context, assay_error *err) {
  if (job_summary() == NULL) return ASSAY_OK;
  assay_changes_context brief = *context;
  brief.pull_request = true;
  char *text = NULL;
  assay_status status = assay_report_changes(changes, &brief, ASSAY_FORMAT_MARKDOWN, err, &text);
  if (status == ASSAY_OK) status = append(job_summary(), "\n", err); /* apart from what another step wrote */
  if (status == ASSAY_OK) status = append(job_summary(), text, err);
  assay_string_free(text);
  return status;
}

static assay_status append_job_summary(const assay_result *result, const assay_report_context *context, assay_error *err) {
  const char *path = job_summary();
  if (path == NULL) return ASSAY_OK;
  char *text = NULL;
  assay_status status = assay_report_render(result, context, ASSAY_FORMAT_MARKDOWN, err, &text);
  if (status == ASSAY_OK) status = append(path, text, err);
  assay_string_free(text);
  return status;
}

static assay_status print_result(assay_cli *cli, const assay_cli_delivery *delivery, const assay_result *result,
                                 const assay_report_context *context, assay_error *err) {
  char *text = NULL;
  assay_status status = ASSAY_OK;
  if (delivery->json)
    status = assay_result_to_json(result, err, &text);
  else if (delivery->table)
    status = assay_report_render(result, context, ASSAY_FORMAT_TERMINAL, err, &text);
  else
    return ASSAY_OK;
  if (status == ASSAY_OK && assay_cli_print(cli, text) != ASSAY_EXIT_FINE)
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "the result could not be printed");
  if (status == ASSAY_OK && delivery->json && (text[0] == '\0' || text[strlen(text) - 1] != '\n')) putchar('\n');
  assay_string_free(text);
  return status;
}

/* What stands beside the result comes from the history; without one the report simply has less. */
static void load_context(assay_cli *cli, const assay_cli_delivery *delivery, const assay_result *result, assay_report_context *context,
                         assay_history **history) {
  assay_error problem = {0};
  if (delivery->history_path != NULL && assay_history_open(delivery->history_path, &problem, history) == ASSAY_OK)
    assay_report_context_load(*history, result, &problem, context);
  if (problem.status != ASSAY_OK) fprintf(stderr, "%s: the report has no before and after: %s\n", cli->program, problem.message);
  context->color = assay_cli_use_color(delivery->color, stdout);
  context->width = assay_cli_columns(stdout);
}

int assay_cli_deliver(assay_cli *cli, const assay_cli_delivery *delivery, const assay_result *result) {
  assay_report_context context = {0};
  assay_history *history = NULL;
  assay_buf written = {0};
  assay_error printing = {0}, writing = {0}, summary = {0};
  load_context(cli, delivery, result, &context, &history);
  print_result(cli, delivery, result, &context, &printing);
  if (delivery->formats->count > 0) write_reports(cli, delivery, result, &context, &written, &writing);
  if (written.data != NULL) fputs(written.data, delivery->json ? stderr : stdout);
  fflush(stdout);
  if (printing.status != ASSAY_OK) assay_cli_fail(cli, &printing);
  if (writing.status != ASSAY_OK) {
    assay_cli_fail(cli, &writing);
    rescue(cli, result, delivery->json && printing.status == ASSAY_OK);
  }
  if (append_job_summary(result, &context, &summary) != ASSAY_OK) assay_cli_fail(cli, &summary);
  assay_buf_deinit(&written);
  assay_report_context_deinit(&context);
  assay_history_close(history);
  return printing.status == ASSAY_OK && writing.status == ASSAY_OK ? ASSAY_EXIT_FINE : ASSAY_EXIT_CANNOT_RUN;
}

/* SPDX-License-Identifier: MIT */
/* assay import: what other tools measured, into the history. */
#include <assay/import.h>

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "os/prim.h"
#include "report/render.h"

typedef struct import_settings {
  const char *from, *name, *commit, *output, *history, *output_dir;
  bool json, no_history;
} import_settings;

#define AT(field) .at = offsetof(import_settings, field)

static const char *const from_choices[] = {"assay", "google-benchmark", "pytest-benchmark", "hyperfine", "criterion", "jmh", "go", "catch2",
                                           "asv",   "pyperf",           "iai-callgrind",    "k6",        "baselines", NULL};

static const assay_cli_option options[] = {
    {"from", 'f', ASSAY_CLI_TEXT, "FORMAT", .choices = from_choices, .help = "The format; recognised when not given.", AT(from)},
    {"name", 'n', ASSAY_CLI_TEXT, "TEXT", .help = "What this run is called in the history.", AT(name)},
    {"commit", 0, ASSAY_CLI_TEXT, "REV", .help = "The commit that was measured, where the files do not say it.", AT(commit)},
    {"json", 0, ASSAY_CLI_FLAG,
     .help = "Print the result as Assay's JSON instead of what was read; it is then stored only where --history is given.", AT(json)},
    {"output", 'o', ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Write the result as Assay's JSON.", AT(output)},
    {"output-dir", 0, ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY,
     .help = "Where history.db lies.", AT(output_dir)},
    {"history", 0, ASSAY_CLI_TEXT, "FILE", .environment = "ASSAY_HISTORY", .hint = ASSAY_CLI_FILE, AT(history),
     .help = "The history to append to; OUTPUT-DIR/history.db when not given."},
    {"no-history", 0, ASSAY_CLI_FLAG, .help = "Only read, and say what was read.", AT(no_history)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"five invocations of one program: five processes", "import run-1.json run-2.json run-3.json run-4.json run-5.json --name nightly"},
    {"what a file holds, without keeping it", "import results.json --no-history"},
    {"another tool's file as Assay's own, from a pipe", "import - --from jmh --json"},
    {0}};

/* ---- What was read ------------------------------------------------------------------------------------------------------------------- */

static const char *plural(size_t count) { return count == 1 ? "" : "s"; }

static const assay_fact *fact_of(const assay_result *result, const char *key) {
  for (size_t i = 0; i < result->fact_count; i++)
    if (strcmp(result->facts[i].key, key) == 0) return &result->facts[i];
  return NULL;
}

/* "5 processes, 60 samples", "10 repetitions of one process", "a figure of 1000 values", "exact". */
static void put_behind(assay_buf *out, const assay_metric_result *m) {
  switch (m->replicate) {
    case ASSAY_REPLICATE_REPETITION: assay_buf_printf(out, "%zu repetitions of one process", m->process_count); return;
    case ASSAY_REPLICATE_EXACT: assay_buf_puts(out, "exact"); return;
    case ASSAY_REPLICATE_RUN:
      if (m->process_count > 1)
        assay_buf_printf(out, "%zu runs, a figure each", m->process_count);
      else if (m->stats.samples > 1)
        assay_buf_printf(out, "one figure of %zu values", m->stats.samples);
      else
        assay_buf_puts(out, "one figure");
      return;
    case ASSAY_REPLICATE_PROCESS: break;
  }
  assay_buf_printf(out, "%zu process%s", m->process_count, m->process_count == 1 ? "" : "es");
  if (m->stats.samples > m->process_count) assay_buf_printf(out, ", %zu samples", m->stats.samples);
}

static void put_benchmark(assay_buf *out, const assay_benchmark_result *b, size_t width) {
  assay_buf name = {0};
  assay_buf_puts(out, "  ");
  assay_buf_plain(&name, b->name);
  assay_cli_pad(out, name.data != NULL ? name.data : "", width);
  assay_buf_deinit(&name);
  if (b->metric_count > 0) {
    char value[ASSAY_REPORT_TEXT];
    assay_buf_puts(out, "  ");
    assay_cli_pad(out, assay_report_value(b->metrics[0].value, b->metrics[0].unit, value), 13);
    assay_buf_puts(out, "  ");
    put_behind(out, &b->metrics[0]);
    if (b->metric_count > 1) assay_buf_printf(out, "; %zu more metric%s", b->metric_count - 1, plural(b->metric_count - 1));
  }
  if (b->status != ASSAY_OUTCOME_OK) {
    assay_buf_printf(out, "  %s: ", assay_outcome_text(b->status));
    assay_buf_plain(out, b->reason != NULL ? b->reason : "no reason was given");
  }
  assay_buf_putc(out, '\n');
}

static void put_benchmarks(assay_buf *out, const assay_result *result) {
  enum { MOST_SHOWN = 60, WIDEST = 60 };
  size_t width = 8;
  for (size_t i = 0; i < result->benchmark_count && i < MOST_SHOWN; i++) {
    size_t own = assay_cli_text_width(result->benchmarks[i].name);
    if (own > width && own <= WIDEST) width = own;
  }
  const char *suite = "";
  for (size_t i = 0; i < result->benchmark_count && i < MOST_SHOWN; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    if (strcmp(suite, b->suite) != 0) {
      suite = b->suite;
      assay_buf_plain(out, suite);
      assay_buf_putc(out, '\n');
    }
    put_benchmark(out, b, width);
  }
  if (result->benchmark_count > MOST_SHOWN) assay_buf_printf(out, "  ... and %zu more\n", result->benchmark_count - MOST_SHOWN);
}

static void put_line(assay_buf *out, const char *what, const char *text) {
  if (text == NULL) return;
  assay_cli_pad(out, what, 10);
  assay_buf_plain(out, text);
  assay_buf_putc(out, '\n');
}

/* The numbered facts "import.left_out.0", ... */
static void put_remarks(assay_buf *out, const assay_result *result, const char *kind, const char *what) {
  for (size_t i = 0;; i++) {
    char key[64];
    snprintf(key, sizeof key, "import.%s.%zu", kind, i);
    const assay_fact *fact = fact_of(result, key);
    if (fact == NULL || fact->type != ASSAY_FACT_TEXT) return;
    put_line(out, what, fact->text);
  }
}

static void put_summary(assay_buf *out, const assay_result *result, size_t files) {
  const assay_fact *version = fact_of(result, "import.tool_version");
  assay_buf_printf(out, "%zu benchmark%s from %zu file%s of ", result->benchmark_count, plural(result->benchmark_count), files,
                   plural(files));
  assay_buf_plain(out, result->run.source != NULL ? result->run.source : "Assay");
  if (version != NULL && version->type == ASSAY_FACT_TEXT) {
    assay_buf_putc(out, ' ');
    assay_buf_plain(out, version->text);
  }
  assay_buf_puts(out, "\n\n");
  put_benchmarks(out, result);
  assay_buf_putc(out, '\n');
  put_line(out, "machine", result->machine_label != NULL ? result->machine_label : "not said, so it compares with any");
  put_line(out, "commit", result->run.commit);
  put_remarks(out, result, "warning", "beware");
  put_remarks(out, result, "left_out", "left out");
}

/* ---- The verb ------------------------------------------------------------------------------------------------------------------------ */

static assay_status name_run(const import_settings *s, assay_result *result, assay_error *err) {
  if (s->commit != NULL && (s->commit[0] == '\0' || strlen(s->commit) > 40))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--commit wants a commit: 1 to 40 characters");
  if (s->name != NULL) result->run.name = assay_result_text(result, s->name);
  if (s->commit != NULL) result->run.commit = assay_result_text(result, s->commit);
  return ASSAY_OK;
}

/* With --json nothing is kept unless this command line asks for it. */
static const char *history_of(assay_cli *cli, const import_settings *s) {
  const char *variable = getenv("ASSAY_HISTORY");
  bool is_asked = s->history != NULL && (variable == NULL || strcmp(s->history, variable) != 0);
  if (s->no_history || (s->json && !is_asked)) return NULL;
  return s->history != NULL ? s->history : assay_cli_join(cli, s->output_dir, "history.db");
}

static assay_status store(const import_settings *s, const char *path, const assay_result *result, assay_error *err) {
  assay_history *history = NULL;
  assay_status status = s->history != NULL ? ASSAY_OK : assay_os_make_dirs(s->output_dir, err);
  if (status == ASSAY_OK) status = assay_history_open(path, err, &history);
  if (status == ASSAY_OK) status = assay_history_check_import(history, result, err);
  if (status == ASSAY_OK) status = assay_history_put_result(history, result, err);
  assay_history_close(history);
  return status;
}

/* The history as messages may name it: a password in a URL stays out of the log of a pipeline. */
static void put_stored(assay_buf *out, const assay_result *result, const char *history) {
  char *shown = assay_history_shown(history);
  assay_buf_printf(out, "stored    run %s in %s\n", result->run.id, shown != NULL ? shown : "the history");
  assay_string_free(shown);
}

static int run(assay_cli *cli, const void *raw) {
  const import_settings *s = raw;
  assay_error err = {0};
  assay_result *result = NULL;
  assay_buf out = {0};
  char *json = NULL;
  int code = ASSAY_EXIT_FINE;
  const char *history = history_of(cli, s);
  assay_status status = assay_import(cli->operands, cli->operand_count, s->from, &err, &result);
  if (status == ASSAY_OK) status = name_run(s, result, &err);
  if (status == ASSAY_OK && (s->json || s->output != NULL)) status = assay_result_to_json(result, &err, &json);
  /* The file first: an import that fails leaves no run. */
  if (status == ASSAY_OK && s->output != NULL) status = assay_os_write_file(s->output, json, strlen(json), &err);
  if (status == ASSAY_OK && history != NULL) status = store(s, history, result, &err);
  if (status == ASSAY_OK) {
    if (!s->json) put_summary(&out, result, cli->operand_count);
    if (!s->json && history != NULL) put_stored(&out, result, history);
    if (!s->json && s->output != NULL) assay_buf_printf(&out, "written   %s\n", assay_cli_absolute(cli, s->output));
    code = assay_cli_print(cli, s->json ? json : out.data);
  } else {
    code = assay_cli_fail(cli, &err);
  }
  assay_string_free(json);
  assay_buf_deinit(&out);
  assay_result_destroy(result);
  return code;
}

const assay_cli_verb assay_cli_import = {
    .name = "import",
    .summary = "Read what other tools measured, into the history.",
    .details =
        "Formats: Google Benchmark, pytest-benchmark, hyperfine, pyperf and JMH JSON, Go benchmark text, Catch2 XML, criterion and "
        "asv directories, iai-callgrind and k6 summaries, plain JSON of names and numbers, Assay's own (docs/import.md).\n\n"
        "Several files are several invocations of the same program, which makes each a process: that is what a comparison can rest "
        "on. Repetitions inside one invocation are kept and told apart from processes. All files are read or none.\n\n"
        "The same files imported again replace the run they made. ASSAY_IMPORT_LIMIT bytes (256 MiB) is the largest file.",
    .operands = "FILE...",
    .operands_least = 1,
    .operands_most = SIZE_MAX,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(import_settings),
    .run = run,
};

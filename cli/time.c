/* SPDX-License-Identifier: MIT */
/* assay time: whole commands, fresh, interleaved and randomised, side by side. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

typedef struct time_settings {
  assay_cli_words params, formats;
  const char *prepare, *shell, *output_dir, *history, *name, *color;
  uint64_t runs, warmup, seed;
  double timeout_s;
  bool ignore_failure, json, progress, no_progress;
} time_settings;

#define AT(field) .at = offsetof(time_settings, field)

enum { MOST_COMMANDS = 256 };

static const assay_cli_option options[] = {
    {"param", 'P', ASSAY_CLI_REPEAT, "NAME=VALUES", AT(params),
     .help = "Run every command once for each value: {NAME} in it is replaced. Values are words or ranges: 1,2,4 or 1..8 or 1Ki..1Mi*4."},
    {"runs", 'r', ASSAY_CLI_UNSIGNED, "N", "10", .low = 1, .high = 100000, .help = "Runs of each command.", AT(runs)},
    {"warmup", 'w', ASSAY_CLI_UNSIGNED, "N", .low = 0, .high = 100000, .help = "Untimed runs of each command first.", AT(warmup)},
    {"prepare", 0, ASSAY_CLI_TEXT, "COMMAND", .help = "Run before every timing, untimed, e.g. to drop caches.", AT(prepare)},
    {"shell", 0, ASSAY_CLI_TEXT, "SHELL", "/bin/sh", .hint = ASSAY_CLI_FILE,
     .help = "Shell that runs the commands; --shell= runs the words directly.", AT(shell)},
    {"ignore-failure", 'i', ASSAY_CLI_FLAG, .help = "A command that ends with another code than 0 counts all the same.",
     AT(ignore_failure)},
    {"timeout", 0, ASSAY_CLI_REAL, "SECONDS", .low = 0.1, .high = 86400, .help = "After this long a run counts as hung. 60 when not given.",
     AT(timeout_s)},
    {"seed", 0, ASSAY_CLI_UNSIGNED, "N", .low = 0, .high = 9007199254740991.0,
     .help = "Of the random order, to repeat it; 0: from the clock.", AT(seed)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "Print the result as JSON on standard output instead of the table.", AT(json)},
    {"format", 0, ASSAY_CLI_WORDS, "FORMAT", .choices = assay_cli_formats,
     .help = "Also write reports, into the output directory; several at once.", AT(formats)},
    {"output-dir", 'o', ASSAY_CLI_TEXT, "DIR", "benchmark_results", "ASSAY_OUTPUT_DIR", .hint = ASSAY_CLI_DIRECTORY,
     .help = "Where the reports go.", AT(output_dir)},
    {"history", 0, ASSAY_CLI_TEXT, "FILE|URL", .hint = ASSAY_CLI_FILE, .help = "Append to this history; none when not given.", AT(history)},
    {"name", 0, ASSAY_CLI_TEXT, "TEXT", .help = "What this run is called in the reports and the history.", AT(name)},
    {"progress", 0, ASSAY_CLI_FLAG, .help = "Show the progress bar also where stderr is no terminal.", AT(progress)},
    {"no-progress", 0, ASSAY_CLI_FLAG, .help = "Never show progress.", AT(no_progress)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.", AT(color)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"two commands side by side", "time 'sort data.txt' 'sort --parallel=1 data.txt'"},
    {"one command over a parameter", "time -P n=1,2,4 'make -j{n} -B'"},
    {"cold: something is done before every timing", "time --prepare 'rm -rf build/cache' 'build/prog'"},
    {0}};

/* ---- Plan ---------------------------------------------------------------------------------------------------------------------- */

static assay_status split_params(assay_cli *cli, const assay_cli_words *given, assay_param *params, size_t *count, assay_error *err) {
  for (size_t i = 0; i < given->count; i++) {
    const char *equals = strchr(given->items[i], '=');
    if (equals == NULL || equals == given->items[i] || equals[1] == '\0')
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--param needs NAME=VALUES, not '%s'", given->items[i]);
    if (i == ASSAY_BENCH_MAX_PARAMS) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "at most %d parameters", ASSAY_BENCH_MAX_PARAMS);
    params[i].name = assay_arena_strndup(&cli->arena, given->items[i], (size_t)(equals - given->items[i]));
    params[i].values = equals + 1;
    if (params[i].name == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  }
  *count = given->count;
  return ASSAY_OK;
}

static assay_status make_plan(assay_cli *cli, const time_settings *settings, assay_error *err, assay_bench_plan **plan) {
  static const char *const none[] = {NULL};
  assay_param params[ASSAY_BENCH_MAX_PARAMS] = {{0}};
  size_t count = 0;
  assay_status status = split_params(cli, &settings->params, params, &count, err);
  if (status == ASSAY_OK) status = assay_bench_plan_create(none, NULL, err, plan);
  for (size_t i = 0; i < cli->operand_count && status == ASSAY_OK; i++)
    status = assay_bench_plan_add_command(*plan, cli->operands[i], params, count, err);
  return status;
}

/* ---- Table --------------------------------------------------------------------------------------------------------------------- */

static const assay_metric_result *time_of(const assay_benchmark_result *benchmark) {
  return benchmark->status == ASSAY_OUTCOME_OK ? assay_benchmark_metric(benchmark, "time") : NULL;
}

static const assay_benchmark_result *fastest_of(const assay_result *result) {
  const assay_benchmark_result *fastest = NULL;
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_metric_result *time = time_of(&result->benchmarks[i]);
    if (time != NULL && (fastest == NULL || time->value < time_of(fastest)->value)) fastest = &result->benchmarks[i];
  }
  return fastest;
}

static double half_width(const assay_metric_result *metric) { return (metric->ci_high - metric->ci_low) / 2; }

/* How many times slower than the fastest, with the 95 % half-widths of both propagated (first order; relative errors add in squares). */
static void relative(const assay_metric_result *slow, const assay_metric_result *fast, double *ratio, double *error) {
  *ratio = slow->value / fast->value;
  *error = *ratio * hypot(half_width(slow) / slow->value, half_width(fast) / fast->value);
}

static void put_ratio(assay_buf *out, double ratio, double error) {
  if (!isfinite(ratio))
    assay_buf_puts(out, "n/a");
  else if (isnan(error))
    assay_buf_printf(out, "%.2f", ratio);
  else
    assay_buf_printf(out, "%.2f ± %.2f", ratio, error);
}

static void put_cell(assay_buf *out, double ns) {
  char text[64];
  assay_format_value(ns, "ns", text, sizeof text);
  assay_buf_printf(out, "  %10s", text);
}

static void put_row(assay_buf *out, const assay_benchmark_result *benchmark, const assay_benchmark_result *fastest, size_t width) {
  const assay_metric_result *time = time_of(benchmark);
  assay_cli_pad(out, benchmark->name, width);
  if (time == NULL) {
    assay_buf_printf(out, "  %s: %s\n", assay_outcome_text(benchmark->status), benchmark->reason != NULL ? benchmark->reason : "no time");
    return;
  }
  put_cell(out, time->value);
  char error[64];
  assay_format_value(half_width(time), "ns", error, sizeof error);
  assay_buf_puts(out, " ± ");
  assay_cli_pad(out, isnan(half_width(time)) ? "n/a" : error, 10);
  put_cell(out, time->stats.min);
  put_cell(out, time->stats.max);
  assay_buf_puts(out, "  ");
  double ratio, ratio_error;
  relative(time, time_of(fastest), &ratio, &ratio_error);
  if (benchmark == fastest)
    assay_buf_puts(out, "1.00");
  else
    put_ratio(out, ratio, ratio_error);
  assay_buf_putc(out, '\n');
}

static void put_summary(assay_buf *out, const assay_result *result, const assay_benchmark_result *fastest) {
  bool first = true;
  if (!(time_of(fastest)->value > 0)) {
    assay_buf_printf(
        out, "\n'%s' takes no longer than starting the shell, so the others cannot be compared with it; --shell= leaves the shell out\n",
        fastest->name);
    return;
  }
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *other = &result->benchmarks[i];
    if (other == fastest || time_of(other) == NULL) continue;
    if (first) assay_buf_printf(out, "\n'%s' ran\n", fastest->name);
    first = false;
    double ratio, error;
    relative(time_of(other), time_of(fastest), &ratio, &error);
    assay_buf_puts(out, "  ");
    put_ratio(out, ratio, error);
    assay_buf_printf(out, " times faster than '%s'\n", other->name);
  }
}

static void put_table(assay_buf *out, const assay_result *result) {
  const assay_benchmark_result *fastest = fastest_of(result);
  size_t width = 7;
  for (size_t i = 0; i < result->benchmark_count; i++) {
    size_t name = assay_cli_text_width(result->benchmarks[i].name);
    if (name > width) width = name;
  }
  if (width > 60) width = 60;
  assay_cli_pad(out, "command", width);
  assay_buf_printf(out, "  %10s   %-10s  %10s  %10s  %s\n", "time", "95 %", "min", "max", "relative");
  for (size_t i = 0; i < result->benchmark_count; i++) put_row(out, &result->benchmarks[i], fastest, width);
  if (fastest != NULL) put_summary(out, result, fastest);
}

/* ---- Run ----------------------------------------------------------------------------------------------------------------------- */

typedef struct job {
  assay_cli *cli;
  assay_cli_progress progress;
} job;

static void on_progress(const assay_run_progress *event, void *user) {
  job *s = user;
  assay_cli_progress_update(&s->progress, event);
}

static void on_warning(const char *message, void *user) {
  job *s = user;
  assay_cli_progress_say(&s->progress, message);
}

static assay_status measure(job *s, const time_settings *settings, const assay_bench_plan *plan, assay_error *err, assay_result **result) {
  assay_cli_progress_init(&s->progress, settings->no_progress ? -1 : settings->progress ? 1 : 0, false, settings->color);
  assay_run_config config = {.plan = plan,
                             .processes = (unsigned)settings->runs,
                             .timeout_s = settings->timeout_s,
                             .seed = settings->seed,
                             .shell = settings->shell,
                             .prepare = settings->prepare,
                             .command_warmup = (unsigned)settings->warmup,
                             .ignore_failure = settings->ignore_failure,
                             .history_path = settings->history,
                             .name = settings->name,
                             .command = s->cli->command_line,
                             .no_ceilings = true, /* what binds a whole program is its own affair */
                             .stop = assay_cli_stop_on_signal(),
                             .on_progress = on_progress,
                             .on_warning = on_warning,
                             .user = s};
  assay_status status = assay_run(&config, err, result);
  assay_cli_progress_end(&s->progress);
  return status;
}

static int finish(assay_cli *cli, const time_settings *settings, const assay_result *result) {
  int code = ASSAY_EXIT_FINE;
  if (!settings->json) {
    assay_buf table = {0};
    put_table(&table, result);
    code = assay_cli_print(cli, table.data);
    assay_buf_deinit(&table);
  }
  assay_cli_delivery delivery = {.output_dir = settings->output_dir,
                                 .formats = &settings->formats,
                                 .history_path = settings->history,
                                 .color = settings->color,
                                 .json = settings->json};
  int delivered = assay_cli_deliver(cli, &delivery, result);
  if (delivered != ASSAY_EXIT_FINE) code = delivered;
  if (code == ASSAY_EXIT_FINE) code = result->run.interrupted ? 130 : assay_result_exit_code(result);
  return code;
}

static int run(assay_cli *cli, const void *raw) {
  const time_settings *settings = raw;
  job s = {.cli = cli};
  assay_error err = {0};
  assay_bench_plan *plan = NULL;
  assay_result *result = NULL;
  assay_status status = make_plan(cli, settings, &err, &plan);
  if (status == ASSAY_OK && settings->formats.count > 0) status = assay_cli_probe_directory(settings->output_dir, &err);
  if (status == ASSAY_OK) status = measure(&s, settings, plan, &err, &result);
  int code = status == ASSAY_OK ? finish(cli, settings, result) : assay_cli_fail(cli, &err);
  assay_result_destroy(result);
  assay_bench_plan_destroy(plan);
  return code;
}

const assay_cli_verb assay_cli_time = {
    .name = "time",
    .summary = "Time whole commands side by side.",
    .details =
        "The runs of all commands are interleaved in random order, so that a machine that drifts is unfair to none of them. Times are "
        "medians with "
        "95 % intervals; \"relative\" is against the fastest.",
    .operands = "COMMAND...",
    .operands_least = 1,
    .operands_most = MOST_COMMANDS,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(time_settings),
    .run = run,
};

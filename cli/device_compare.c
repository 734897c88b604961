/* SPDX-License-Identifier: MIT */
/* assay device compare: which device for which size. */
#include <assay/crossover.h>

#include <string.h>

#include "cli/cli.h"
#include "os/prim.h"

typedef struct compare_settings {
  const char *operations, *devices, *format, *output;
  double seconds;
  bool json;
} compare_settings;

#define AT(field) .at = offsetof(compare_settings, field)

static const char *const formats[] = {"text", "json", "html", NULL};

static const assay_cli_option options[] = {
    {"operations", 'O', ASSAY_CLI_TEXT, "LIST", AT(operations),
     .help = "Only these: upload, download, copy, european, asian, options, indicator, var, gemm, or the beginning of a name; all when not "
             "given."},
    {"devices", 'd', ASSAY_CLI_TEXT, "LIST", AT(devices),
     .help = "Only these, e.g. cpu,opencl:0 (`assay device list`); all when not given."},
    {"seconds", 's', ASSAY_CLI_REAL, "S", "30", .low = 0.1, .high = 86400, .help = "About how long it may take.", AT(seconds)},
    {"format", 'f', ASSAY_CLI_TEXT, "FORMAT", .choices = formats, .help = "What to write; text when not given.", AT(format)},
    {"output", 'o', ASSAY_CLI_TEXT, "FILE", "-", .hint = ASSAY_CLI_FILE,
     .help = "Where to; - is standard output. A name that ends in .json or .html says the format.", AT(output)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "The same as --format json.", AT(json)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {{"the guide for this machine", "device compare"},
                                             {"as a page with a plot for each operation", "device compare --output devices.html"},
                                             {"one question", "device compare --operations european --devices cpu,opencl:0 --json"},
                                             {0}};

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length >= tail && strcmp(text + length - tail, end) == 0;
}

static assay_crossover_format format_of(const compare_settings *settings) {
  const char *name = settings->format != NULL ? settings->format : "";
  if (settings->json || strcmp(name, "json") == 0 || (name[0] == '\0' && ends_with(settings->output, ".json"))) return ASSAY_CROSSOVER_JSON;
  if (strcmp(name, "html") == 0 || (name[0] == '\0' && ends_with(settings->output, ".html"))) return ASSAY_CROSSOVER_HTML;
  return ASSAY_CROSSOVER_TEXT;
}

/* One line that is written over, on a terminal only. */
static void show_progress(void *user, const char *operation, const char *device, double done) {
  (void)user;
  if (assay_cli_columns(stderr) > 0) fprintf(stderr, "\r\033[K%3d %%  %s on %s", (int)(100 * done), operation, device);
}

static int run(assay_cli *cli, const void *raw) {
  const compare_settings *settings = raw;
  assay_error err = {0};
  assay_crossover *found = NULL;
  char *text = NULL;
  assay_crossover_config config = {.operations = settings->operations,
                                   .devices = settings->devices,
                                   .seconds = settings->seconds,
                                   .progress = show_progress,
                                   .stop = assay_cli_stop_on_signal()};
  assay_status status = assay_crossover_measure(&config, &err, &found);
  if (assay_cli_columns(stderr) > 0) fputs("\r\033[K", stderr);
  if (status == ASSAY_OK) status = assay_crossover_render(found, format_of(settings), &err, &text);
  bool to_file = strcmp(settings->output, "-") != 0;
  if (status == ASSAY_OK && to_file) status = assay_os_write_file(settings->output, text, strlen(text), &err);
  int code = status != ASSAY_OK ? assay_cli_fail(cli, &err) : to_file ? ASSAY_EXIT_FINE : assay_cli_print(cli, text);
  assay_string_free(text);
  assay_crossover_destroy(found);
  return code;
}

const assay_cli_verb assay_cli_device_compare = {
    .name = "device compare",
    .summary = "Measure every operation on every device, and say which one to use for which size.",
    .details =
        "Times are from host call to host result, transfers included. Where one device overtakes another is the crossover "
        "(docs/device-compare.md).",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(compare_settings),
    .run = run,
};

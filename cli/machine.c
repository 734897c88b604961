/* SPDX-License-Identifier: MIT */
/* assay machine: what this machine is, whether it is what it should be, and where its limits are. */
#include <math.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "os/prim.h"

static void free_machine(assay_machine *machine, assay_ceilings *ceilings) {
  assay_ceilings_destroy(ceilings);
  assay_machine_destroy(machine);
}

/* ---- machine ------------------------------------------------------------------------------------------------------------------- */

typedef struct machine_settings {
  const char *from, *color;
  bool json;
} machine_settings;

static const assay_cli_option machine_options[] = {
    {"from", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .at = offsetof(machine_settings, from),
     .help = "Replay a capture instead of looking at this machine: a tar of /sys and /proc, or the text of `sysctl -a` of a Mac; - for "
             "standard input."},
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", .at = offsetof(machine_settings, json)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the text.",
     .at = offsetof(machine_settings, color)},
    ASSAY_CLI_END};

static const assay_cli_example machine_examples[] = {
    {"what this machine is", "machine"}, {"the same of a captured one, as data", "machine --from odd.tar.gz --json"}, {0}};

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static void put_value(assay_buf *out, const assay_fact *fact) {
  static const char *const units[][2] = {{"_bytes", "B"}, {"_hz", "Hz"}, {"_ns", "ns"}, {"_bytes_per_s", "B/s"}, {"_ratio", "ratio"}};
  const char *unit = NULL;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (ends_with(fact->key, units[i][0])) unit = units[i][1];
  }
  char text[64];
  switch (fact->type) {
    case ASSAY_FACT_TEXT: assay_buf_plain(out, fact->text); break;
    case ASSAY_FACT_BOOL: assay_buf_puts(out, fact->integer != 0 ? "yes" : "no"); break;
    case ASSAY_FACT_INTEGER:
      if (unit != NULL)
        assay_buf_puts(out, assay_format_value(fact->real, unit, text, sizeof text));
      else
        assay_buf_printf(out, "%lld", (long long)fact->integer);
      break;
    case ASSAY_FACT_REAL:
      if (unit != NULL)
        assay_buf_puts(out, assay_format_value(fact->real, unit, text, sizeof text));
      else
        assay_buf_printf(out, "%.6g", fact->real);
      break;
    case ASSAY_FACT_UNAVAILABLE: assay_buf_puts(out, "unavailable: "), assay_buf_plain(out, fact->text); break;
  }
}

static size_t part_length(const char *key) { return strcspn(key, "."); }

static bool same_part(const char *a, const char *b) { return part_length(a) == part_length(b) && strncmp(a, b, part_length(a)) == 0; }

static bool is_first_of_part(const assay_machine *machine, size_t index) {
  for (size_t i = 0; i < index; i++) {
    if (same_part(assay_machine_at(machine, i)->key, assay_machine_at(machine, index)->key)) return false;
  }
  return true;
}

static void put_fact(assay_buf *out, const assay_fact *fact, bool color) {
  size_t length = part_length(fact->key);
  bool dim = color && fact->type == ASSAY_FACT_UNAVAILABLE;
  assay_buf_puts(out, dim ? "\033[2m  " : "  ");
  assay_cli_pad(out, fact->key[length] == '.' ? fact->key + length + 1 : fact->key, 28);
  assay_buf_puts(out, "  ");
  put_value(out, fact);
  assay_buf_puts(out, dim ? "\033[0m\n" : "\n");
}

/* Keys are "part.rest", and several components write to one part: a heading a part, all its facts below. */
static void put_facts(assay_buf *out, const assay_machine *machine, bool color) {
  assay_buf_plain(out, assay_machine_label(machine));
  assay_buf_putc(out, '\n');
  size_t count = assay_machine_count(machine);
  for (size_t i = 0; i < count; i++) {
    const char *key = assay_machine_at(machine, i)->key;
    if (!is_first_of_part(machine, i)) continue;
    assay_buf_printf(out, "\n%s%.*s%s\n", color ? "\033[1m" : "", (int)part_length(key), key, color ? "\033[0m" : "");
    for (size_t j = i; j < count; j++) {
      if (same_part(key, assay_machine_at(machine, j)->key)) put_fact(out, assay_machine_at(machine, j), color);
    }
  }
}

static int show(assay_cli *cli, const void *raw) {
  const machine_settings *settings = raw;
  assay_error err = {0};
  assay_machine *machine = NULL;
  char *json = NULL;
  assay_buf out = {0};
  assay_status status = assay_machine_detect(settings->from, &err, &machine);
  if (status == ASSAY_OK && settings->json) {
    status = assay_machine_to_json(machine, &err, &json);
    if (status == ASSAY_OK) assay_buf_puts(&out, json);
    if (status == ASSAY_OK && !ends_with(json, "\n")) assay_buf_putc(&out, '\n');
  } else if (status == ASSAY_OK) {
    put_facts(&out, machine, assay_cli_use_color(settings->color, stdout));
  }
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  assay_string_free(json);
  assay_machine_destroy(machine);
  return code;
}

const assay_cli_verb assay_cli_machine = {
    .name = "machine",
    .summary = "Show what this machine is, and what it does not say of itself.",
    .options = machine_options,
    .examples = machine_examples,
    .settings_size = sizeof(machine_settings),
    .run = show,
};

/* ---- machine gather ------------------------------------------------------------------------------------------------------------ */

static const assay_cli_option gather_options[] = {ASSAY_CLI_END};

static int gather(assay_cli *cli, const void *settings) {
  (void)settings;
  assay_error err = {0};
  if (assay_machine_gather(cli->operands[0], &err) != ASSAY_OK) return assay_cli_fail(cli, &err);
  printf("%s\n", assay_cli_absolute(cli, cli->operands[0]));
  return ASSAY_EXIT_FINE;
}

const assay_cli_verb assay_cli_machine_gather = {
    .name = "machine gather",
    .summary = "Capture what detection reads here, so that an odd machine can become a test.",
    .details = "No host name, user name, serial number or address is in it.",
    .operands = "FILE.tar.gz",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = gather_options,
    .settings_size = 1,
    .run = gather,
};

/* ---- machine check ------------------------------------------------------------------------------------------------------------- */

typedef struct check_settings {
  const char *profile, *from, *color;
  bool json;
} check_settings;

static const assay_cli_option check_options[] = {
    {"profile", 'p', ASSAY_CLI_TEXT, "NAME", .hint = ASSAY_CLI_FILE, .at = offsetof(check_settings, profile),
     .help = "A shipped profile (m4-max) or a TOML file; without one the machine is checked against what it claims of itself."},
    {"from", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Check a capture instead of this machine.",
     .at = offsetof(check_settings, from)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", .at = offsetof(check_settings, json)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the table.",
     .at = offsetof(check_settings, color)},
    ASSAY_CLI_END};

static const assay_cli_example check_examples[] = {
    {"is this the machine that was ordered?", "machine check --profile m4-max"}, {"does it keep what it claims?", "machine check"}, {0}};

static int check(assay_cli *cli, const void *raw) {
  const check_settings *settings = raw;
  assay_error err = {0};
  assay_machine *machine = NULL;
  assay_ceilings *ceilings = NULL;
  assay_check_list *checks = NULL;
  assay_status status = assay_machine_detect(settings->from, &err, &machine);
  /* Ceilings of this machine say nothing about a captured one. Cached ones are enough; rows that need others say so. */
  if (status == ASSAY_OK && settings->from == NULL) assay_ceilings_get(machine, ASSAY_CEILINGS_CACHE_ONLY, NULL, NULL, NULL, &ceilings);
  if (status == ASSAY_OK) status = assay_machine_check(machine, ceilings, settings->profile, &err, &checks);
  int code = status == ASSAY_OK ? assay_cli_show_checks(cli, checks, settings->json ? "assay-checks/1" : NULL, settings->color)
                                : assay_cli_fail(cli, &err);
  assay_check_list_destroy(checks);
  free_machine(machine, ceilings);
  return code;
}

const assay_cli_verb assay_cli_machine_check = {
    .name = "machine check",
    .summary = "Check this machine against an expectation profile, or against itself.",
    .details =
        "A row passes, fails, or is unavailable with the cause. Exit code 1 when a row failed, 3 when none could be judged. Rows about "
        "speed need the ceilings: "
        "`machine ceilings` measures them once.",
    .options = check_options,
    .examples = check_examples,
    .settings_size = sizeof(check_settings),
    .run = check,
};

/* ---- machine ceilings ---------------------------------------------------------------------------------------------------------- */

typedef struct ceilings_settings {
  const char *svg, *color;
  bool json, measure, quick, progress, no_progress;
} ceilings_settings;

static const assay_cli_option ceilings_options[] = {
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", .at = offsetof(ceilings_settings, json)},
    {"svg", 0, ASSAY_CLI_TEXT, "FILE", .hint = ASSAY_CLI_FILE, .help = "Draw the roofline of this machine there.",
     .at = offsetof(ceilings_settings, svg)},
    {"measure", 0, ASSAY_CLI_FLAG, .help = "Measure again, also when they are cached.", .at = offsetof(ceilings_settings, measure)},
    {"quick", 'q', ASSAY_CLI_FLAG, .help = "When they have to be measured, in short form.", .at = offsetof(ceilings_settings, quick)},
    {"progress", 0, ASSAY_CLI_FLAG, .help = "Show the progress bar also where stderr is no terminal.",
     .at = offsetof(ceilings_settings, progress)},
    {"no-progress", 0, ASSAY_CLI_FLAG, .help = "Never show progress.", .at = offsetof(ceilings_settings, no_progress)},
    {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices, .help = "Colour of the bars.",
     .at = offsetof(ceilings_settings, color)},
    ASSAY_CLI_END};

static const assay_cli_example ceilings_examples[] = {
    {"the limits of this machine", "machine ceilings"}, {"with the roofline as a picture", "machine ceilings --svg roofline.svg"}, {0}};

typedef struct measuring {
  assay_cli_progress progress;
  const volatile int *stop;
  uint64_t started_ns;
} measuring;

static bool on_ceiling(const char *name, size_t done, size_t total, void *user) {
  measuring *m = user;
  double elapsed = (double)(assay_os_now_ns() - m->started_ns) / 1e9;
  assay_cli_progress_update(&m->progress,
                            &(assay_run_progress){.phase = "ceilings",
                                                  .item = name,
                                                  .done = done,
                                                  .total = total,
                                                  .elapsed_s = elapsed,
                                                  .remaining_s = done > 0 ? elapsed / (double)done * (double)(total - done) : NAN});
  return *m->stop == 0;
}

/* Bars of one unit share a scale, so that cache levels and memory compare as on a roofline. */
typedef struct scale {
  double least, most;
} scale;

static scale scale_of(const assay_ceilings *ceilings, const char *unit) {
  scale range = {.least = INFINITY, .most = 0};
  for (size_t i = 0; i < assay_ceilings_count(ceilings); i++) {
    const assay_ceiling *ceiling = assay_ceilings_at(ceilings, i);
    if (!ceiling->available || strcmp(ceiling->unit, unit) != 0) continue;
    range.least = fmin(range.least, ceiling->value);
    range.most = fmax(range.most, ceiling->value);
  }
  return range;
}

/* Values of a unit can span many powers of ten, so bars are logarithmic: one cell is the least of the unit, all cells the most. */
static void put_bar(assay_buf *out, double value, scale range, bool color) {
  enum { CELLS = 20 };
  bool spans = range.least > 0 && range.most > range.least && value > 0;
  long cells = spans ? 1 + lround((CELLS - 1) * log(value / range.least) / log(range.most / range.least)) : CELLS;
  assay_buf_puts(out, color ? "\033[36m" : "");
  for (long i = 0; i < CELLS; i++) assay_buf_puts(out, i < cells ? "█" : "·");
  assay_buf_puts(out, color ? "\033[0m" : "");
}

static void put_ceiling(assay_buf *out, const assay_ceilings *ceilings, const assay_ceiling *ceiling, bool color) {
  char value[64];
  assay_buf_puts(out, "  ");
  assay_cli_pad(out, ceiling->name, 26);
  if (!ceiling->available) {
    assay_buf_puts(out, "  unavailable: ");
    assay_buf_plain(out, ceiling->cause != NULL ? ceiling->cause : "not said");
    assay_buf_putc(out, '\n');
    return;
  }
  assay_format_value(ceiling->value, ceiling->unit, value, sizeof value);
  assay_buf_printf(out, "  %14s  ", value);
  put_bar(out, ceiling->value, scale_of(ceilings, ceiling->unit), color);
  assay_buf_printf(out, "  %6.0f %%", ceiling->spread_ratio * 100);
  if (ceiling->detail != NULL && ceiling->detail[0] != '\0') assay_buf_printf(out, "  %s", ceiling->detail);
  assay_buf_putc(out, '\n');
}

static void put_ceilings(assay_buf *out, const assay_machine *machine, const assay_ceilings *ceilings, bool color) {
  int64_t at = 0;
  bool quick = false;
  double took = 0;
  char when[32];
  struct tm local;
  assay_ceilings_provenance(ceilings, &at, &quick, &took);
  time_t seconds = (time_t)at;
  localtime_r(&seconds, &local);
  strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
  assay_buf_plain(out, assay_machine_label(machine));
  assay_buf_printf(out, "\nmeasured %s%s in %.0f s\nthe best seen, a bar (logarithmic within a unit), and how far the repetitions spread\n",
                   when, quick ? " in quick form" : "", took);
  const char *group = "";
  for (size_t i = 0; i < assay_ceilings_count(ceilings); i++) {
    const assay_ceiling *ceiling = assay_ceilings_at(ceilings, i);
    if (!same_part(group, ceiling->name)) assay_buf_putc(out, '\n');
    group = ceiling->name;
    put_ceiling(out, ceilings, ceiling, color);
  }
}

static assay_status write_roofline(const assay_machine *machine, const assay_ceilings *ceilings, const char *path, assay_error *err) {
  assay_result *result = NULL;
  char *svg = NULL;
  assay_status status = assay_result_create(err, &result);
  if (status == ASSAY_OK) status = assay_result_set_machine(result, machine, ceilings, err);
  if (status == ASSAY_OK) status = assay_report_roofline_svg(result, err, &svg);
  if (status == ASSAY_OK) status = assay_os_write_file(path, svg, strlen(svg), err);
  assay_string_free(svg);
  assay_result_destroy(result);
  return status;
}

static assay_status get_ceilings(const ceilings_settings *settings, const assay_machine *machine, assay_error *err,
                                 assay_ceilings **ceilings) {
  measuring m = {.stop = assay_cli_stop_on_signal(), .started_ns = assay_os_now_ns()};
  assay_cli_progress_init(&m.progress, settings->no_progress ? -1 : settings->progress ? 1 : 0, false, settings->color);
  /* A fresh measurement in short form: what is cached in full is better than that, so it is only taken when nothing is. */
  assay_ceilings_mode mode = settings->measure ? ASSAY_CEILINGS_MEASURE : settings->quick ? ASSAY_CEILINGS_QUICK : ASSAY_CEILINGS_CACHED;
  assay_status status = assay_ceilings_get(machine, mode, on_ceiling, &m, err, ceilings);
  assay_cli_progress_end(&m.progress);
  return status;
}

static int show_ceilings(assay_cli *cli, const void *raw) {
  const ceilings_settings *settings = raw;
  assay_error err = {0};
  assay_machine *machine = NULL;
  assay_ceilings *ceilings = NULL;
  char *json = NULL;
  assay_buf out = {0};
  assay_status status = ASSAY_OK;
  if (settings->measure && settings->quick)
    status = ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "--measure measures in full, so it cannot go with --quick");
  if (status == ASSAY_OK) status = assay_machine_detect(NULL, &err, &machine);
  if (status == ASSAY_OK) status = get_ceilings(settings, machine, &err, &ceilings);
  if (status == ASSAY_OK && settings->svg != NULL) status = write_roofline(machine, ceilings, settings->svg, &err);
  if (status == ASSAY_OK && settings->json) {
    status = assay_ceilings_to_json(ceilings, &err, &json);
    if (status == ASSAY_OK) assay_buf_puts(&out, json);
    if (status == ASSAY_OK && !ends_with(json, "\n")) assay_buf_putc(&out, '\n');
  } else if (status == ASSAY_OK) {
    put_ceilings(&out, machine, ceilings, assay_cli_use_color(settings->color, stdout));
    if (settings->svg != NULL) assay_buf_printf(&out, "\nRoofline: %s\n", assay_cli_absolute(cli, settings->svg));
  }
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  assay_string_free(json);
  free_machine(machine, ceilings);
  return code;
}

const assay_cli_verb assay_cli_machine_ceilings = {
    .name = "machine ceilings",
    .summary = "Show this machine's own limits, measured: bandwidth, latency, FLOP/s, system costs.",
    .details = "They are cached for this machine and kernel, and measured when there is no cache.",
    .options = ceilings_options,
    .examples = ceilings_examples,
    .settings_size = sizeof(ceilings_settings),
    .run = show_ceilings,
};

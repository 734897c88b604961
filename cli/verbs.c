/* SPDX-License-Identifier: MIT */
/* The list of verbs, the few that have no file of their own, and the way from a command line to one of them. */
#include <stdlib.h>
#include <string.h>

#include "assay_config.h"
#include "base/text.h"
#include "cli/cli.h"

/* clang-format off */
const assay_cli_verb *const assay_cli_verbs[] = {
    &assay_cli_run,
    &assay_cli_list,
    &assay_cli_time,
    &assay_cli_ab,
    &assay_cli_machine,
    &assay_cli_machine_gather,
    &assay_cli_machine_check,
    &assay_cli_machine_ceilings,
    &assay_cli_doctor,
    &assay_cli_report,
    &assay_cli_import,
    &assay_cli_export,
    &assay_cli_push,
    &assay_cli_changepoints,
    &assay_cli_trend,
                                                 &assay_cli_history,
    &assay_cli_history_show,
    &assay_cli_compare,
    &assay_cli_regress,
    &assay_cli_baseline,
    &assay_cli_baseline_save,
    &assay_cli_baseline_list,
    &assay_cli_baseline_show,
    &assay_cli_baseline_update,
    &assay_cli_baseline_delete,
    &assay_cli_baseline_export,
    &assay_cli_baseline_import,
    &assay_cli_alerts,
    &assay_cli_alerts_list,
    &assay_cli_alerts_ack,
    &assay_cli_alerts_mute,
    &assay_cli_alerts_unmute,
    &assay_cli_alerts_check,
    &assay_cli_alerts_test,
    &assay_cli_monitor,
    &assay_cli_price,
    &assay_cli_price_european,
    &assay_cli_price_american,
    &assay_cli_price_asian,
    &assay_cli_price_barrier,
    &assay_cli_price_digital,
    &assay_cli_price_lookback,
    &assay_cli_price_basket,
    &assay_cli_price_spread,
    &assay_cli_price_implied,
    &assay_cli_backtest,
    &assay_cli_feed,
    &assay_cli_feed_decode,
    &assay_cli_feed_generate,
    &assay_cli_feed_bars,
    &assay_cli_feed_book,
    &assay_cli_feed_flow,
    &assay_cli_feed_match,
    &assay_cli_feed_serve,
    &assay_cli_feed_watch,
    &assay_cli_indicator,
    &assay_cli_risk,
    &assay_cli_risk_var,
    &assay_cli_risk_covariance,
    &assay_cli_risk_correlation,
    &assay_cli_risk_drawdown,
    &assay_cli_risk_performance,
    &assay_cli_risk_beta,
    &assay_cli_risk_stress,
    &assay_cli_portfolio,
    &assay_cli_portfolio_minimum_variance,
    &assay_cli_portfolio_maximum_sharpe,
    &assay_cli_portfolio_risk_parity,
    &assay_cli_portfolio_target_return,
    &assay_cli_portfolio_mean_variance,
    &assay_cli_portfolio_frontier,
    &assay_cli_device,
    &assay_cli_device_list,
    &assay_cli_device_status,
    &assay_cli_device_tune,
    &assay_cli_device_bandwidth,
    &assay_cli_device_compare,
    &assay_cli_demo,
    &assay_cli_help_verb,
    &assay_cli_version,
    &assay_cli_completion,
    &assay_cli_man,
    NULL};
/* clang-format on */

const assay_cli_option assay_cli_no_options[] = {ASSAY_CLI_END};
#define no_options assay_cli_no_options

/* ---- Finding a verb ------------------------------------------------------------------------------------------------------------- */

static const assay_cli_verb *find(const char *first, const char *second) {
  size_t length = strlen(first);
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    const char *name = (*verb)->name;
    if (second == NULL ? strcmp(name, first) == 0
                       : strncmp(name, first, length) == 0 && name[length] == ' ' && strcmp(name + length + 1, second) == 0)
      return *verb;
  }
  return NULL;
}

static assay_status fail_verb(const char *word, assay_error *err) {
  const char *names[64];
  size_t count = 0;
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL && count < 63; verb++) {
    if (!(*verb)->hidden && strchr((*verb)->name, ' ') == NULL) names[count++] = (*verb)->name;
  }
  names[count] = NULL;
  const char *nearest = assay_nearest_word(word, names);
  if (nearest != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no verb '%s'; did you mean '%s'? (`help` lists them)", word, nearest);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no verb '%s' (`help` lists them)", word);
}

/* ---- help, version, completion, man ---------------------------------------------------------------------------------------------- */

static bool is_of(const assay_cli_verb *verb, const assay_cli_verb *family) {
  size_t length = strlen(family->name);
  return strncmp(verb->name, family->name, length) == 0 && verb->name[length] == ' ';
}

static void put_members(const assay_cli_verb *family, assay_buf *out) {
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if ((*verb)->hidden || !is_of(*verb, family)) continue;
    assay_buf_puts(out, "  ");
    assay_cli_pad(out, (*verb)->name, 28);
    assay_buf_printf(out, "%s\n", (*verb)->summary);
  }
}

int assay_cli_run_family(assay_cli *cli, const void *settings) {
  (void)settings;
  assay_error err = {0};
  assay_buf names = {0};
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++)
    if (!(*verb)->hidden && is_of(*verb, cli->verb))
      assay_buf_printf(&names, "%s%s", names.length > 0 ? ", " : "", (*verb)->name + strlen(cli->verb->name) + 1);
  ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "say which: %s (`help %s` explains them)", names.data != NULL ? names.data : "", cli->verb->name);
  assay_buf_deinit(&names);
  return assay_cli_fail(cli, &err);
}

static assay_status fail_member(const assay_cli_verb *family, const char *word, assay_error *err) {
  const char *names[64];
  size_t count = 0;
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL && count < 63; verb++)
    if (is_of(*verb, family)) names[count++] = (*verb)->name + strlen(family->name) + 1;
  names[count] = NULL;
  const char *nearest = assay_nearest_word(word, names);
  if (nearest != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no '%s %s'; did you mean '%s %s'?", family->name, word, family->name, nearest);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no '%s %s' (`help %s` lists what there is)", family->name, word, family->name);
}

static void overview(const assay_cli *cli, assay_buf *out) {
  assay_buf_printf(out, "Usage: %s VERB [OPTION]... [ARGUMENT]...\n\nA performance laboratory: measure, compare, keep.\n\n", cli->program);
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    const char *space = strchr((*verb)->name, ' ');
    const assay_cli_verb *family = NULL;
    for (const assay_cli_verb *const *other = assay_cli_verbs; space != NULL && *other != NULL; other++)
      if ((*other)->family && is_of(*verb, *other)) family = *other;
    if ((*verb)->hidden || family != NULL) continue;
    assay_buf_puts(out, "  ");
    assay_cli_pad(out, (*verb)->name, 18);
    assay_buf_printf(out, "%s\n", (*verb)->summary);
  }
  assay_buf_printf(out,
                   "\n`%s help VERB` or `%s VERB --help` says more.\n"
                   "Exit codes: 0 fine, 1 a limit was missed or a benchmark failed, 2 wrong use or it cannot run, 3 inconclusive.\n",
                   cli->program, cli->program);
}

static void put_help(const assay_cli *cli, const assay_cli_verb *verb, assay_buf *out) {
  if (!verb->family) {
    assay_cli_help(cli, verb, out);
    return;
  }
  assay_buf_printf(out, "Usage: %s %s WHAT [OPTION]...\n\n%s\n\n", cli->program, verb->name, verb->summary);
  put_members(verb, out);
  if (verb->details != NULL) {
    assay_buf_putc(out, '\n');
    assay_cli_wrap(out, verb->details, 0, 0, 100);
    assay_buf_putc(out, '\n');
  }
  assay_buf_printf(out, "\n`%s help %s WHAT` says more.\n", cli->program, verb->name);
}

static int help(assay_cli *cli, const void *settings) {
  (void)settings;
  assay_buf out = {0};
  int code = ASSAY_EXIT_FINE;
  const assay_cli_verb *verb = cli->operand_count == 0 ? NULL : find(cli->operands[0], cli->operand_count > 1 ? cli->operands[1] : NULL);
  assay_error err = {0};
  if (cli->operand_count == 0)
    overview(cli, &out);
  else if (verb != NULL)
    put_help(cli, verb, &out);
  else
    fail_verb(cli->operands[0], &err);
  code = err.status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  return code;
}

const assay_cli_verb assay_cli_help_verb = {.name = "help",
                                            .summary = "Explain a verb.",
                                            .operands = "[VERB]",
                                            .operands_most = 2,
                                            .options = no_options,
                                            .settings_size = 1,
                                            .run = help};

static int version(assay_cli *cli, const void *settings) {
  (void)settings;
  return assay_cli_print(cli, "assay " ASSAY_VERSION "\n");
}

const assay_cli_verb assay_cli_version = {
    .name = "version", .summary = "Print the version.", .options = no_options, .settings_size = 1, .run = version};

static int completion(assay_cli *cli, const void *settings) {
  (void)settings;
  const char *shell = cli->operands[0];
  static const char *const shells[] = {"bash", "zsh", "fish", NULL};
  assay_buf out = {0};
  assay_error err = {0};
  if (strcmp(shell, "bash") == 0)
    assay_cli_complete_bash(cli, &out);
  else if (strcmp(shell, "zsh") == 0)
    assay_cli_complete_zsh(cli, &out);
  else if (strcmp(shell, "fish") == 0)
    assay_cli_complete_fish(cli, &out);
  else if (assay_nearest_word(shell, shells) != NULL)
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "there is no completion for '%s'; did you mean '%s'?", shell, assay_nearest_word(shell, shells));
  else
    ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "there is no completion for '%s' (bash, zsh or fish)", shell);
  int code = err.status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  return code;
}

static const assay_cli_example completion_examples[] = {{"for the shell you are in", "completion bash > assay.bash; . ./assay.bash"}, {0}};

const assay_cli_verb assay_cli_completion = {.name = "completion",
                                             .summary = "Print the completion script of a shell.",
                                             .operands = "bash|zsh|fish",
                                             .operands_least = 1,
                                             .operands_most = 1,
                                             .options = no_options,
                                             .examples = completion_examples,
                                             .settings_size = 1,
                                             .run = completion};

static int man(assay_cli *cli, const void *settings) {
  (void)settings;
  assay_buf out = {0};
  assay_cli_man_page(cli, &out);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

const assay_cli_verb assay_cli_man = {
    .name = "man", .summary = "Print the manual page.", .options = no_options, .settings_size = 1, .hidden = true, .run = man};

/* ---- From words to a verb ---------------------------------------------------------------------------------------------------------- */

static int run_verb(assay_cli *cli, int argc, char **argv) {
  assay_error err = {0};
  bool wants_help = false;
  void *settings = assay_arena_alloc(&cli->arena, 1, cli->verb->settings_size);
  if (settings == NULL) {
    ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory");
    return assay_cli_fail(cli, &err);
  }
  assay_status status = assay_cli_config_open(cli, &err);
  if (status == ASSAY_OK) status = assay_cli_parse(cli, argc, argv, settings, &err, &wants_help);
  bool measures = cli->verb == &assay_cli_run || cli->verb == &assay_cli_time || cli->verb == &assay_cli_ab;
  if (status == ASSAY_OK && measures && !wants_help) status = assay_cli_config_threads(cli, &err);
  if (status != ASSAY_OK) {
    int code = assay_cli_fail(cli, &err);
    fprintf(stderr, "`%s %s --help` lists the options.\n", cli->program, cli->verb->name);
    return code;
  }
  if (!wants_help) return cli->verb->run(cli, settings);
  assay_buf out = {0};
  put_help(cli, cli->verb, &out);
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

/* A word of the command line as reports and the history keep it: the password of a URL is nobody else's. Free with assay_string_free. */
static char *shown_word(const char *word) {
  const char *value = strchr(word, '=');
  if (word[0] != '-' || value == NULL || !assay_history_is_url(value + 1)) return assay_history_shown(word);
  char *url = assay_history_shown(value + 1);
  assay_buf shown = {0};
  assay_buf_printf(&shown, "%.*s%s", (int)(value + 1 - word), word, url != NULL ? url : "");
  assay_string_free(url);
  return assay_buf_take(&shown);
}

static const char *join_words(assay_cli *cli, int argc, char **argv) {
  assay_buf line = {0};
  for (int i = 0; i < argc; i++) {
    bool plain = argv[i][0] != '\0' && strpbrk(argv[i], " \t\n'\"\\$`*?[]{}()<>|&;#~") == NULL;
    char *word = i == 0 ? NULL : shown_word(argv[i]);
    assay_buf_printf(&line, plain ? "%s%s" : "%s'%s'", i > 0 ? " " : "", i == 0 ? cli->program : word != NULL ? word : "");
    assay_string_free(word);
  }
  const char *joined = line.data != NULL ? assay_arena_strdup(&cli->arena, line.data) : NULL;
  assay_buf_deinit(&line);
  return joined;
}

/* Which verb the words ask for; *used words belong to its name. A missing verb is `run`. */
static assay_status choose(assay_cli *cli, int argc, char **argv, int *used, assay_error *err) {
  *used = 1;
  cli->verb = &assay_cli_run;
  if (argc < 2) return ASSAY_OK;
  *used = 2;
  if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
    cli->verb = &assay_cli_help_verb;
    return ASSAY_OK;
  }
  if (strcmp(argv[1], "--version") == 0) {
    cli->verb = &assay_cli_version;
    return ASSAY_OK;
  }
  *used = 1;
  if (argv[1][0] == '-') return ASSAY_OK;
  const assay_cli_verb *verb = argc > 2 ? find(argv[1], argv[2]) : NULL;
  *used = verb != NULL ? 3 : 2;
  if (verb == NULL) verb = find(argv[1], NULL);
  cli->verb = verb;
  if (verb != NULL && verb->family && *used == 2 && argc > 2 && argv[2][0] != '-') return fail_member(verb, argv[2], err);
  return verb != NULL ? ASSAY_OK : fail_verb(argv[1], err);
}

int assay_main(int argc, char **argv) {
  assay_bench_worker(argc, argv);
  const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
  assay_cli cli = {.program = argc > 0 ? (slash != NULL ? slash + 1 : argv[0]) : "assay"};
  assay_arena_init(&cli.arena, ASSAY_TAG_CLI);
  assay_error err = {0};
  int used = 1;
  cli.command_line = join_words(&cli, argc, argv);
  int code = choose(&cli, argc, argv, &used, &err) == ASSAY_OK ? run_verb(&cli, argc - used, argv + used) : assay_cli_fail(&cli, &err);
  assay_cli_config_close(&cli);
  assay_arena_deinit(&cli.arena);
  return code;
}

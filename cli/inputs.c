/* SPDX-License-Identifier: MIT */
/* What a verb that compares is given: files of any tool, or runs of the history by name; and the two judged against each other. */
#include <assay/import.h>

#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/cli.h"
#include "judge/same.h"
#include "os/prim.h"

/* ---- The history ---------------------------------------------------------------------------------------------------------------- */

void assay_cli_inputs_init(assay_cli *cli, const char *history, const char *output_dir, assay_cli_inputs *inputs) {
  *inputs = (assay_cli_inputs){.cli = cli, .history_path = assay_cli_history_path(cli, history, output_dir)};
}

void assay_cli_inputs_deinit(assay_cli_inputs *inputs) {
  assay_history_close(inputs->history);
  inputs->history = NULL;
}

assay_status assay_cli_inputs_history(assay_cli_inputs *inputs, bool write, assay_error *err) {
  if (inputs->history != NULL) return ASSAY_OK;
  assay_status status = assay_cli_open_history(inputs->history_path, err, &inputs->history);
  if (status != ASSAY_OK || !write) return status;
  /* It is there: now for writing. */
  assay_history_close(inputs->history);
  inputs->history = NULL;
  return assay_history_open(inputs->history_path, err, &inputs->history);
}

/* ---- One side ------------------------------------------------------------------------------------------------------------------- */

static bool is_directory(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Files go first. A directory that no tool wrote is none: a baseline may well be called "main" or "build". */
static bool is_file(const char *word) {
  if (strcmp(word, "-") == 0) return true;
  if (!assay_os_exists(word)) return false;
  return !is_directory(word) || assay_import_recognise(word, NULL) != NULL;
}

/* "a.json,b.json" is two files unless there is one of that name. NULL-free list in the arena. */
static assay_status split_files(assay_cli *cli, const char *word, assay_error *err, const char ***files, size_t *count) {
  size_t most = 1;
  for (const char *p = word; *p != '\0'; p++) most += *p == ',';
  const char **made = assay_arena_alloc(&cli->arena, most, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  *count = 0;
  for (const char *p = word;; p += strcspn(p, ",") + 1) {
    size_t length = strcspn(p, ",");
    const char *file = assay_arena_strndup(&cli->arena, p, length);
    if (file == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
    if (length > 0) made[(*count)++] = file;
    if (p[length] == '\0') break;
  }
  *files = made;
  return ASSAY_OK;
}

assay_status assay_cli_read_files(const char *const *files, size_t count, const char *from, assay_error *err, assay_result **result) {
  for (size_t i = 0; i < count; i++) {
    if (!is_file(files[i])) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no file %s", files[i]);
  }
  return assay_import(files, count, from, err, result);
}

static assay_status load_run(assay_cli_inputs *inputs, const char *word, const char *machine_id, assay_error *err, assay_result **result) {
  assay_error tried = {0};
  assay_status status = assay_cli_inputs_history(inputs, false, &tried);
  if (status == ASSAY_OK) status = assay_history_load(inputs->history, word, machine_id, &tried, result);
  if (status == ASSAY_ERR_NOT_FOUND) return ASSAY_FAIL(err, status, "'%s' is no file here, and no run: %s", word, tried.message);
  return status == ASSAY_OK ? ASSAY_OK : ASSAY_FAIL(err, status, "%s", tried.message);
}

assay_status assay_cli_load_side(assay_cli_inputs *inputs, const assay_cli_side *side, const char *machine_id, assay_error *err,
                                 assay_result **result, const char **label) {
  assay_cli *cli = inputs->cli;
  const char *word = side->words[0];
  const char **files = (const char **)(uintptr_t)side->words;
  size_t count = side->count;
  assay_status status = ASSAY_OK;
  if (word[0] == '\0') return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "an empty name is neither a file nor a run");
  if (count == 1 && !is_file(word)) {
    status = split_files(cli, word, err, &files, &count);
    bool several = status == ASSAY_OK && count > 1 && is_file(files[0]);
    if (status == ASSAY_OK && !several) {
      *label = word;
      return load_run(inputs, word, machine_id, err, result);
    }
  }
  if (status == ASSAY_OK) status = assay_cli_read_files(files, count, side->from, err, result);
  if (status == ASSAY_OK)
    *label = count == 1 ? (strcmp(word, "-") == 0 ? "standard input" : word)
                        : assay_arena_printf(&cli->arena, "%s and %zu more", files[0], count - 1);
  return status;
}

/* ---- Both --------------------------------------------------------------------------------------------------------------------------- */

static bool is_relative(const assay_cli_side *side) {
  return side->count == 1 && (strcmp(side->words[0], "latest") == 0 || strcmp(side->words[0], "previous") == 0) && !is_file(side->words[0]);
}

/* A pipeline that moved compares its baseline with the last run of the machine that it left, which is true and of no use: say so. */
static const char *newer_elsewhere(assay_cli_inputs *inputs, const assay_result *chosen) {
  assay_result *newest = NULL;
  const char *note = NULL;
  if (assay_cli_inputs_history(inputs, false, NULL) != ASSAY_OK ||
      assay_history_load(inputs->history, "latest", NULL, NULL, &newest) != ASSAY_OK)
    return NULL;
  bool elsewhere = newest->machine_id != NULL && strcmp(newest->machine_id, chosen->machine_id) != 0;
  if (elsewhere && newest->run.started_at_s >= chosen->run.started_at_s)
    note = assay_arena_printf(&inputs->cli->arena,
                              "The newest run of the history, %s, is of another machine (%s); compared is the last run of the machine that "
                              "the other side is of.",
                              newest->run.id, newest->machine_label != NULL ? newest->machine_label : newest->machine_id);
  assay_result_destroy(newest);
  return note;
}

/*
 * "latest" beside a run of one machine is the latest of that machine. Where it has none but that run itself, of any: a pipeline that moved
 * to another machine is to hear that, not that its baseline agrees with itself.
 */
static assay_status load_beside(assay_cli_inputs *inputs, const assay_cli_side *side, const assay_result *other, assay_error *err,
                                assay_result **result, const char **label, const char **note) {
  if (other->machine_id == NULL || inputs->any_machine || !is_relative(side))
    return assay_cli_load_side(inputs, side, NULL, err, result, label);
  assay_result *own = NULL;
  if (assay_cli_load_side(inputs, side, other->machine_id, NULL, &own, label) == ASSAY_OK) {
    bool is_itself = other->run.id != NULL && own->run.id != NULL && strcmp(own->run.id, other->run.id) == 0;
    if (!is_itself) {
      *result = own;
      if (strcmp(side->words[0], "latest") == 0) *note = newer_elsewhere(inputs, own);
      return ASSAY_OK;
    }
    assay_result_destroy(own);
  }
  return assay_cli_load_side(inputs, side, NULL, err, result, label);
}

assay_status assay_cli_load_pair(assay_cli_inputs *inputs, const assay_cli_side *before, const assay_cli_side *after, assay_error *err,
                                 assay_cli_pair *pair) {
  assay_cli_pair made = {0};
  /* What is named by itself says which machine the other is of. */
  bool after_first = is_relative(before) && !is_relative(after);
  if (is_relative(before) && is_relative(after)) after_first = strcmp(after->words[0], "latest") == 0;
  const assay_cli_side *sides[] = {after_first ? after : before, after_first ? before : after};
  assay_result *results[2] = {NULL};
  const char *labels[2] = {NULL};
  assay_status status = assay_cli_load_side(inputs, sides[0], NULL, err, &results[0], &labels[0]);
  if (status == ASSAY_OK) status = load_beside(inputs, sides[1], results[0], err, &results[1], &labels[1], &made.note);
  if (status != ASSAY_OK) {
    assay_result_destroy(results[0]);
    return status;
  }
  made.before = results[after_first];
  made.after = results[!after_first];
  made.before_label = labels[after_first];
  made.after_label = labels[!after_first];
  *pair = made;
  return ASSAY_OK;
}

void assay_cli_pair_deinit(assay_cli_pair *pair) {
  assay_changes_destroy(pair->changes);
  assay_result_destroy(pair->before);
  assay_result_destroy(pair->after);
  *pair = (assay_cli_pair){0};
}

/* ---- Judging them ----------------------------------------------------------------------------------------------------------------- */

/* "10", "10%" or "10 %" as a ratio. */
assay_status assay_cli_parse_percent(const char *text, const char *option, assay_error *err, double *ratio) {
  char digits[32];
  size_t length = strlen(text);
  while (length > 0 && (text[length - 1] == '%' || text[length - 1] == ' ')) length--;
  double percent = 0;
  if (length == 0 || length >= sizeof digits || (memcpy(digits, text, length), digits[length] = '\0', !assay_parse_f64(digits, &percent)) ||
      !(percent >= 0 && percent <= 100000))
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s needs a percentage from 0 to 100000, such as 10 or 2.5%%, not '%s'", option, text);
  *ratio = percent / 100;
  return ASSAY_OK;
}

assay_status assay_cli_load_thresholds(const assay_cli *cli, const assay_cli_judging *judging, assay_error *err,
                                       assay_thresholds **thresholds) {
  double ratio = 0;
  if (judging->threshold != NULL && judging->thresholds != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--threshold is for everything and --thresholds for each: give one of them");
  if (judging->threshold != NULL) {
    assay_status status = assay_cli_parse_percent(judging->threshold, "threshold", err, &ratio);
    return status == ASSAY_OK ? assay_thresholds_uniform(ratio, err, thresholds) : status;
  }
  const assay_toml_value *root = cli->config != NULL ? assay_toml_root(cli->config) : NULL;
  bool own = assay_toml_get(root, "thresholds") != NULL || assay_toml_get(root, "threshold") != NULL;
  return assay_thresholds_load(judging->thresholds != NULL ? judging->thresholds
                               : own                       ? assay_toml_name(cli->config)
                                                           : NULL,
                               err, thresholds);
}

static double noise_of(const char *suite, const char *benchmark, const char *metric, void *user) {
  const assay_cli_noise *noise = user;
  double ratio = NAN;
  assay_status status = assay_history_noise(noise->history, noise->machine_id, suite, benchmark, metric, NULL, &ratio);
  return status == ASSAY_OK ? ratio : NAN;
}

assay_status assay_cli_judge_config_make(assay_cli_inputs *inputs, const assay_cli_judging *judging, const char *machine_id,
                                         assay_error *err, assay_cli_judge_config *config) {
  assay_thresholds *thresholds = NULL;
  assay_cli_noise *noise = assay_arena_alloc(&inputs->cli->arena, 1, sizeof *noise);
  if (noise == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  assay_status status = assay_cli_load_thresholds(inputs->cli, judging, err, &thresholds);
  if (status != ASSAY_OK) return status;
  /* Files are compared without a history too; one that is there knows the noise between runs. */
  if (inputs->history == NULL) assay_cli_inputs_history(inputs, false, NULL);
  *noise = (assay_cli_noise){.history = inputs->history, .machine_id = machine_id};
  *config = (assay_cli_judge_config){.thresholds = thresholds,
                                     .config = {.thresholds = thresholds,
                                                .alpha = judging->alpha,
                                                .noise = inputs->history != NULL && machine_id != NULL ? noise_of : NULL,
                                                .noise_user = noise,
                                                /* A metric that was asked for is told also when it stayed the same. */
                                                .every_metric = judging->every_metric || judging->metric != NULL,
                                                .other_machines = judging->other_machines}};
  return ASSAY_OK;
}

void assay_cli_judge_config_deinit(assay_cli_judge_config *config) {
  assay_thresholds_destroy(config->thresholds);
  *config = (assay_cli_judge_config){0};
}

static bool is_wanted(const assay_change *change, void *user) {
  const assay_cli_judging *judging = user;
  return (judging->filter == NULL || assay_glob_match_benchmark(judging->filter, change->suite, change->benchmark, NULL)) &&
         (judging->metric == NULL || assay_glob_match(judging->metric, change->metric));
}

static assay_status check_filter(const assay_cli_judging *judging, const assay_changes *changes, size_t before, assay_error *err) {
  if (changes->count > 0 || before == 0) return ASSAY_OK;
  if (judging->filter != NULL && judging->metric != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "nothing matches --filter %s and --metric %s", judging->filter, judging->metric);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "nothing matches --%s %s", judging->filter != NULL ? "filter" : "metric",
                    judging->filter != NULL ? judging->filter : judging->metric);
}

assay_status assay_cli_judge(assay_cli_inputs *inputs, const assay_cli_judging *judging, assay_error *err, assay_cli_pair *pair) {
  assay_cli_judge_config judge = {0};
  assay_changes *changes = NULL;
  assay_status status = assay_cli_judge_config_make(inputs, judging, pair->after->machine_id, err, &judge);
  if (status == ASSAY_OK) status = assay_compare(pair->before, pair->after, &judge.config, err, &changes);
  if (status == ASSAY_OK && (judging->filter != NULL || judging->metric != NULL)) {
    size_t count = changes->count;
    assay_changes_filter(changes, is_wanted, (void *)(uintptr_t)judging);
    status = check_filter(judging, changes, count, err);
  }
  if (status == ASSAY_OK && assay_result_is_same_run(pair->before, pair->after)) assay_changes_refuse_same_run(changes);
  assay_cli_judge_config_deinit(&judge);
  if (status == ASSAY_OK)
    pair->changes = changes;
  else
    assay_changes_destroy(changes);
  return status;
}

/* ---- Showing it --------------------------------------------------------------------------------------------------------------------- */

const char *const assay_cli_change_formats[] = {"terminal", "text", "json", "html", "csv", "markdown", "junit", NULL};

assay_format assay_cli_change_format(const char *name) {
  assay_format format = ASSAY_FORMAT_TERMINAL;
  if (strcmp(name, "text") != 0) assay_format_parse(name, &format);
  return format;
}

int assay_cli_show_changes(assay_cli *cli, const assay_cli_pair *pair, const assay_cli_showing *showing) {
  bool to_stdout = showing->output == NULL || strcmp(showing->output, "-") == 0;
  assay_changes_context context = {.before = pair->before,
                                   .after = pair->after,
                                   .before_label = pair->before_label,
                                   .after_label = pair->after_label,
                                   .note = pair->note,
                                   .pull_request = showing->pull_request,
                                   .all = showing->all,
                                   .color = to_stdout && assay_cli_use_color(showing->color, stdout),
                                   .width = to_stdout ? assay_cli_columns(stdout) : 0};
  assay_error err = {0};
  char *text = NULL;
  int code = ASSAY_EXIT_FINE;
  assay_status status = assay_report_changes(pair->changes, &context, showing->format, &err, &text);
  if (status == ASSAY_OK && !to_stdout) status = assay_os_write_file(showing->output, text, strlen(text), &err);
  if (status != ASSAY_OK)
    code = assay_cli_fail(cli, &err);
  else if (to_stdout)
    code = assay_cli_print(cli, text);
  else
    printf("%s: %s\n", assay_regress_status_text(pair->changes->status), assay_cli_absolute(cli, showing->output));
  if (status == ASSAY_OK && assay_cli_summarize_changes(pair->changes, &context, &err) != ASSAY_OK) code = assay_cli_fail(cli, &err);
  assay_string_free(text);
  return code == ASSAY_EXIT_FINE ? assay_changes_exit_code(pair->changes) : code;
}

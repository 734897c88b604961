/* SPDX-License-Identifier: MIT */
/* Words of a command line into a verb's settings, and the same table back into help. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/cli.h"

enum { HELP_COLUMN = 32, HELP_WIDTH = 100 };

static const assay_cli_option help_option = {.name = "help", .letter = 'h', .type = ASSAY_CLI_FLAG, .help = "Show this help."};

/* ---- Values ------------------------------------------------------------------------------------------------------------------- */

static bool add_word(assay_cli *cli, assay_cli_words *words, const char *word) {
  if (words->count + 1 >= words->capacity) {
    words->items = assay_arena_grow(&cli->arena, words->items, words->count, &words->capacity, sizeof *words->items);
    if (words->items == NULL) return false;
  }
  words->items[words->count++] = word;
  words->items[words->count] = NULL;
  return true;
}

static assay_status fail_choice(const assay_cli_option *option, const char *value, assay_error *err) {
  assay_buf known = {0};
  for (const char *const *choice = option->choices; *choice != NULL; choice++)
    assay_buf_printf(&known, "%s%s", choice > option->choices ? ", " : "", *choice);
  const char *nearest = assay_nearest_word(value, option->choices);
  assay_status status = nearest != NULL
                            ? ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s cannot be '%s'; did you mean '%s'? (one of %s)", option->name, value,
                                         nearest, known.data)
                            : ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s cannot be '%s' (one of %s)", option->name, value, known.data);
  assay_buf_deinit(&known);
  return status;
}

static bool is_choice(const assay_cli_option *option, const char *value) {
  for (const char *const *choice = option->choices; choice != NULL && *choice != NULL; choice++) {
    if (strcmp(*choice, value) == 0) return true;
  }
  return false;
}

static assay_status check_choice(const assay_cli_option *option, const char *value, assay_error *err) {
  return option->choices == NULL || is_choice(option, value) ? ASSAY_OK : fail_choice(option, value, err);
}

static assay_status check_range(const assay_cli_option *option, double value, const char *text, assay_error *err) {
  if (option->low == 0 && option->high == 0) return ASSAY_OK;
  if (value >= option->low && value <= option->high) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s must be from %.10g to %.10g, not %s", option->name, option->low, option->high, text);
}

/* Also as 1e6, which is how counts of paths are written. */
static bool parse_count(const char *text, uint64_t *count) {
  double real = 0;
  if (assay_parse_u64(text, count)) return true;
  if (text[0] < '0' || text[0] > '9' || strpbrk(text, "eE") == NULL || strpbrk(text, "xX") != NULL) return false;
  if (!assay_parse_f64(text, &real) || !(real < 0x1p53) || real != floor(real)) return false;
  *count = (uint64_t)real;
  return true;
}

static assay_status split_words(assay_cli *cli, const assay_cli_option *option, const char *value, assay_cli_words *words,
                                assay_error *err) {
  for (const char *start = value;; start++) {
    size_t length = strcspn(start, ",");
    char *word = assay_arena_strndup(&cli->arena, start, length);
    if (word == NULL || !add_word(cli, words, word)) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --%s", option->name);
    if (length == 0) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s has an empty word in '%s'", option->name, value);
    assay_status status = check_choice(option, word, err);
    if (status != ASSAY_OK) return status;
    start += length;
    if (*start == '\0') return ASSAY_OK;
  }
}

static assay_status set_value(assay_cli *cli, const assay_cli_option *option, const char *value, char *settings, assay_error *err) {
  void *field = settings + option->at;
  uint64_t whole = 0;
  double real = 0;
  assay_status status = ASSAY_OK;
  switch (option->type) {
    case ASSAY_CLI_FLAG: *(bool *)field = true; return ASSAY_OK;
    case ASSAY_CLI_TEXT:
      status = check_choice(option, value, err);
      if (status == ASSAY_OK) *(const char **)field = value;
      return status;
    case ASSAY_CLI_UNSIGNED:
      if (!parse_count(value, &whole))
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s needs a whole number, not '%s'", option->name, value);
      status = check_range(option, (double)whole, value, err);
      if (status == ASSAY_OK) *(uint64_t *)field = whole;
      return status;
    case ASSAY_CLI_REAL:
      if (!assay_parse_f64(value, &real) || !isfinite(real))
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--%s needs a number, not '%s'", option->name, value);
      status = check_range(option, real, value, err);
      if (status == ASSAY_OK) *(double *)field = real;
      return status;
    case ASSAY_CLI_WORDS: return split_words(cli, option, value, field, err);
    case ASSAY_CLI_REPEAT:
      if (!add_word(cli, field, value)) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for --%s", option->name);
      return ASSAY_OK;
  }
  return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "--%s has no type", option->name);
}

/* ---- Words --------------------------------------------------------------------------------------------------------------------- */

typedef struct parser {
  assay_cli *cli;
  const assay_cli_verb *verb;
  char **words;
  int count, next;
  char *settings;
  bool *given; /* an entry an option */
  bool help;
  assay_error *err;
} parser;

static const assay_cli_option *find_long(const parser *p, const char *name, size_t length) {
  for (const assay_cli_option *option = p->verb->options; option->name != NULL; option++) {
    if (strlen(option->name) == length && strncmp(option->name, name, length) == 0) return option;
  }
  return strncmp(name, "help", length) == 0 && length == 4 ? &help_option : NULL;
}

static const assay_cli_option *find_letter(const parser *p, char letter) {
  for (const assay_cli_option *option = p->verb->options; option->name != NULL; option++) {
    if (option->letter == letter) return option;
  }
  return letter == 'h' ? &help_option : NULL;
}

static assay_status fail_unknown(const parser *p, const char *word, size_t length, assay_error *err) {
  const char *names[64] = {"--help"};
  size_t count = 1;
  for (const assay_cli_option *option = p->verb->options; option->name != NULL && count < 63; option++)
    names[count++] = assay_arena_printf(&p->cli->arena, "--%s", option->name);
  char *shown = assay_arena_strndup(&p->cli->arena, word, length);
  const char *nearest = shown != NULL && length > 2 ? assay_nearest_word(shown, names) : NULL;
  if (nearest != NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "unknown option '%s'; did you mean '%s'?", shown, nearest);
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "unknown option '%.*s'", (int)length, word);
}

/* argparse's nargs='+': words behind the value belong to the option too, as far as they cannot be meant otherwise. */
static assay_status take_following(parser *p, const assay_cli_option *option) {
  assay_status status = ASSAY_OK;
  while (status == ASSAY_OK && p->next < p->count && p->words[p->next][0] != '-') {
    const char *word = p->words[p->next];
    if (p->verb->operands_most > 0 && !is_choice(option, word)) break;
    p->next++;
    status = set_value(p->cli, option, word, p->settings, p->err);
  }
  return status;
}

/* What the shell made of `--old before-*.json`. Whether the last of them was meant as an operand, the verb knows. */
static assay_status take_all_following(parser *p, const assay_cli_option *option) {
  assay_cli_words *words = (void *)(p->settings + option->at);
  assay_status status = ASSAY_OK;
  words->followed = 0;
  for (; status == ASSAY_OK && p->next < p->count && p->words[p->next][0] != '-'; words->followed++)
    status = set_value(p->cli, option, p->words[p->next++], p->settings, p->err);
  return status;
}

/* `attached` is the value in the same word, or NULL. */
static assay_status apply(parser *p, const assay_cli_option *option, const char *attached) {
  if (option == &help_option) {
    p->help = true;
    return ASSAY_OK;
  }
  bool *given = &p->given[option - p->verb->options];
  bool first = !*given;
  *given = true;
  if (option->type == ASSAY_CLI_FLAG) {
    if (attached != NULL) return ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "--%s takes no value, but was given '%s'", option->name, attached);
    return set_value(p->cli, option, NULL, p->settings, p->err);
  }
  if (first && (option->type == ASSAY_CLI_WORDS || option->type == ASSAY_CLI_REPEAT))
    *(assay_cli_words *)(void *)(p->settings + option->at) = (assay_cli_words){0}; /* what the user says replaces the default */
  if (attached != NULL) return set_value(p->cli, option, attached, p->settings, p->err);
  if (p->next >= p->count) return ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "--%s needs a value (%s)", option->name, option->value);
  const char *value = p->words[p->next];
  if (strncmp(value, "--", 2) == 0 && value[2] != '\0')
    return ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "--%s needs a value (%s), but '%s' follows; write --%s=%s if that is the value",
                      option->name, option->value, value, option->name, value);
  p->next++;
  assay_status status = set_value(p->cli, option, value, p->settings, p->err);
  if (status == ASSAY_OK && option->type == ASSAY_CLI_WORDS) status = take_following(p, option);
  if (status == ASSAY_OK && option->follows) status = take_all_following(p, option);
  return status;
}

static assay_status parse_long(parser *p, const char *word) {
  size_t length = strcspn(word + 2, "=");
  const assay_cli_option *option = find_long(p, word + 2, length);
  if (option == NULL) return fail_unknown(p, word, length + 2, p->err);
  return apply(p, option, word[2 + length] == '=' ? word + 3 + length : NULL);
}

/* "-v", "-vq" (letters of flags), "-P n=1", "-Pn=1". */
static assay_status parse_letters(parser *p, const char *word) {
  for (const char *letter = word + 1; *letter != '\0'; letter++) {
    const assay_cli_option *option = find_letter(p, *letter);
    if (option == NULL)
      return ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "unknown option '-%c'%s%s", *letter, letter > word + 1 ? " in " : "",
                        letter > word + 1 ? word : "");
    if (option->type == ASSAY_CLI_FLAG) {
      assay_status status = apply(p, option, NULL);
      if (status != ASSAY_OK) return status;
      continue;
    }
    return apply(p, option, letter[1] != '\0' ? letter + 1 : NULL);
  }
  return ASSAY_OK;
}

static assay_status fail_operand(const parser *p, const char *word) {
  if (p->verb->operands_most > 0)
    return ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "'%s' is one argument too many (%s)", word, p->verb->operands);
  for (const assay_cli_option *option = p->verb->options; option->name != NULL; option++) {
    if (option->hint == ASSAY_CLI_SUITE)
      return ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "unexpected argument '%s'; a suite is named with --%s %s", word, option->name, word);
  }
  return ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "unexpected argument '%s'", word);
}

static assay_status parse_words(parser *p) {
  bool only_operands = false;
  assay_cli_words operands = {0};
  assay_status status = ASSAY_OK;
  while (status == ASSAY_OK && p->next < p->count && !p->help) {
    const char *word = p->words[p->next++];
    if (only_operands || word[0] != '-' || word[1] == '\0') {
      if (operands.count >= p->verb->operands_most)
        status = fail_operand(p, word);
      else if (!add_word(p->cli, &operands, word))
        status = ASSAY_FAIL(p->err, ASSAY_ERR_NO_MEMORY, "out of memory");
    } else if (strcmp(word, "--") == 0) {
      only_operands = true;
    } else {
      status = word[1] == '-' ? parse_long(p, word) : parse_letters(p, word);
    }
  }
  for (const assay_cli_option *option = p->verb->options; status == ASSAY_OK && !p->help && option->name != NULL; option++) {
    bool may_be_in_file = p->verb->operands_least == 0 && operands.count > 0;
    if (option->needed && !may_be_in_file && !p->given[option - p->verb->options] && assay_cli_config_value(p->cli, option->name) == NULL)
      status = ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "--%s %s is missing: %s", option->name, option->value, option->help);
  }
  p->cli->operands = operands.items;
  p->cli->operand_count = operands.count;
  if (status == ASSAY_OK && !p->help && operands.count < p->verb->operands_least)
    status = ASSAY_FAIL(p->err, ASSAY_ERR_INVALID, "%s is missing", p->verb->operands);
  return status;
}

static assay_status set_from_config(parser *p, const assay_cli_option *option, const assay_toml_value *value) {
  assay_error problem = {0};
  assay_status status = ASSAY_OK;
  bool is_flag = option->type == ASSAY_CLI_FLAG, takes_many = option->type == ASSAY_CLI_WORDS || option->type == ASSAY_CLI_REPEAT;
  const assay_toml_value *const *items = &value;
  size_t count = 1;
  if (is_flag && value->type == ASSAY_TOML_BOOL) return value->as.boolean ? set_value(p->cli, option, NULL, p->settings, p->err) : ASSAY_OK;
  if (takes_many && value->type == ASSAY_TOML_ARRAY) {
    items = value->as.array.items;
    count = value->as.array.count;
  }
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
    const char *text = is_flag ? NULL : assay_cli_config_text(p->cli, items[i]);
    if (text == NULL)
      return assay_toml_fail(p->cli->config, items[i], p->err, "%s: expected %s, found %s", option->name,
                             is_flag ? "true or false" : "text or a number", assay_toml_type_text(items[i]->type));
    status = set_value(p->cli, option, text, p->settings, &problem);
    if (status != ASSAY_OK) return assay_toml_fail(p->cli->config, items[i], p->err, "%s", problem.message);
  }
  return status;
}

/* Before the words, so that they win: the environment, else the configuration file, else the default. */
static assay_status set_fallback(parser *p, const assay_cli_option *option) {
  const char *set = option->environment != NULL ? getenv(option->environment) : NULL;
  const assay_toml_value *configured = assay_cli_config_value(p->cli, option->name);
  assay_error problem = {0};
  assay_status status = ASSAY_OK;
  if (set != NULL && set[0] != '\0') {
    status = set_value(p->cli, option, set, p->settings, &problem);
    if (status != ASSAY_OK) ASSAY_FAIL(p->err, status, "%s in the environment: %s", option->environment, problem.message);
  } else if (configured != NULL) {
    status = set_from_config(p, option, configured);
  } else if (option->fallback != NULL) {
    status = set_value(p->cli, option, option->fallback, p->settings, p->err);
  }
  return status;
}

static assay_status set_fallbacks(parser *p) {
  assay_status status = assay_cli_config_check(p->cli, p->err);
  for (const assay_cli_option *option = p->verb->options; status == ASSAY_OK && option->name != NULL; option++)
    status = set_fallback(p, option);
  return status;
}

assay_status assay_cli_parse(assay_cli *cli, int argc, char **argv, void *settings, assay_error *err, bool *help) {
  size_t options = 0;
  while (cli->verb->options[options].name != NULL) options++;
  parser p = {.cli = cli, .verb = cli->verb, .words = argv, .count = argc, .settings = settings, .err = err};
  p.given = assay_arena_alloc(&cli->arena, options + 1, sizeof *p.given);
  if (p.given == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
  cli->given = p.given;
  assay_status status = set_fallbacks(&p);
  if (status == ASSAY_OK) status = parse_words(&p);
  *help = p.help;
  return p.help ? ASSAY_OK : status;
}

bool assay_cli_was_typed(const assay_cli *cli, const char *option) {
  for (size_t i = 0; cli->verb->options[i].name != NULL; i++)
    if (strcmp(cli->verb->options[i].name, option) == 0) return cli->given[i];
  return false;
}

static bool has_option(const assay_cli_verb *verb, const char *option) {
  for (size_t i = 0; verb->options[i].name != NULL; i++)
    if (strcmp(verb->options[i].name, option) == 0) return true;
  return false;
}

bool assay_cli_was_given(const assay_cli *cli, const char *option) {
  return assay_cli_was_typed(cli, option) || (has_option(cli->verb, option) && assay_cli_config_value(cli, option) != NULL);
}

/* ---- Help ---------------------------------------------------------------------------------------------------------------------- */

void assay_cli_option_usage(const assay_cli_option *option, assay_buf *out) {
  if (option->letter != 0) assay_buf_printf(out, "-%c, ", option->letter);
  assay_buf_printf(out, "--%s", option->name);
  if (option->value != NULL) assay_buf_printf(out, " %s", option->value);
  if (option->type == ASSAY_CLI_WORDS || option->follows) assay_buf_puts(out, "...");
}

void assay_cli_option_help(const assay_cli_option *option, assay_buf *out) {
  assay_buf_puts(out, option->help);
  for (const char *const *choice = option->choices; choice != NULL && *choice != NULL; choice++)
    assay_buf_printf(out, "%s%s", choice == option->choices ? " One of: " : ", ", *choice);
  if (option->choices != NULL) assay_buf_putc(out, '.');
  if (option->type == ASSAY_CLI_REPEAT) assay_buf_puts(out, " May be repeated.");
  if (option->needed) assay_buf_puts(out, " Needed.");
  if (option->fallback != NULL) assay_buf_printf(out, " Default: %s.", option->fallback[0] != '\0' ? option->fallback : "none");
  if (option->environment != NULL) assay_buf_printf(out, " Environment: %s.", option->environment);
}

static void help_of_option(const assay_cli_option *option, assay_buf *out) {
  assay_buf usage = {0}, help = {0};
  assay_buf_puts(&usage, option->letter != 0 ? "  " : "      ");
  assay_cli_option_usage(option, &usage);
  assay_cli_option_help(option, &help);
  if (!usage.failed && !help.failed) {
    assay_cli_pad(out, usage.data, HELP_COLUMN - 1);
    assay_buf_putc(out, ' ');
    size_t column = usage.length + 1 < HELP_COLUMN ? HELP_COLUMN : usage.length + 1;
    if (column > HELP_COLUMN) {
      assay_buf_printf(out, "\n%*s", HELP_COLUMN, "");
      column = HELP_COLUMN;
    }
    assay_cli_wrap(out, help.data, HELP_COLUMN, column, HELP_WIDTH);
    assay_buf_putc(out, '\n');
  }
  assay_buf_deinit(&usage);
  assay_buf_deinit(&help);
}

void assay_cli_help(const assay_cli *cli, const assay_cli_verb *verb, assay_buf *out) {
  assay_buf_printf(out, "Usage: %s %s [OPTION]...%s%s\n\n", cli->program, verb->name, verb->operands != NULL ? " " : "",
                   verb->operands != NULL ? verb->operands : "");
  assay_buf_printf(out, "%s\n", verb->summary);
  if (verb->details != NULL) {
    assay_buf_putc(out, '\n');
    assay_cli_wrap(out, verb->details, 0, 0, HELP_WIDTH);
    assay_buf_putc(out, '\n');
  }
  assay_buf_puts(out, "\nOptions:\n");
  for (const assay_cli_option *option = verb->options; option->name != NULL; option++) help_of_option(option, out);
  help_of_option(&help_option, out);
  if (verb->examples == NULL) return;
  assay_buf_puts(out, "\nExamples:\n");
  for (const assay_cli_example *example = verb->examples; example->what != NULL; example++)
    assay_buf_printf(out, "  %s %s\n      %s\n", cli->program, example->command, example->what);
}

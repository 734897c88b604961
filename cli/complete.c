/* SPDX-License-Identifier: MIT */
/* Completion scripts from the option tables. They are static text: completing starts no program. */
#include <ctype.h>
#include <string.h>

#include "cli/cli.h"

/* The program's name as part of a shell function's name. */
static void put_identifier(const assay_cli *cli, assay_buf *out) {
  assay_buf_putc(out, '_');
  for (const char *p = cli->program; *p != '\0'; p++) assay_buf_putc(out, isalnum((unsigned char)*p) ? *p : '_');
}

static const char *second_word(const assay_cli_verb *verb) {
  const char *space = strchr(verb->name, ' ');
  return space != NULL ? space + 1 : NULL;
}

static void put_first_words(assay_buf *out) {
  bool first = true;
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if ((*verb)->hidden || second_word(*verb) != NULL) continue;
    assay_buf_printf(out, "%s%s", first ? "" : " ", (*verb)->name);
    first = false;
  }
}

/* Values that can be named: choices, or the suites of this program. False when there are none. */
static bool put_values(const assay_cli_option *option, assay_buf *out) {
  if (option->hint == ASSAY_CLI_SUITE) {
    assay_buf_puts(out, "all");
    for (size_t i = 0; i < assay_suite_count(); i++) assay_buf_printf(out, " %s", assay_suite_at(i)->name);
    return true;
  }
  for (const char *const *choice = option->choices; choice != NULL && *choice != NULL; choice++)
    assay_buf_printf(out, "%s%s", choice == option->choices ? "" : " ", *choice);
  return option->choices != NULL;
}

/* ---- bash ------------------------------------------------------------------------------------------------------------------------ */

static void bash_hint(assay_cli_hint hint, assay_buf *out) {
  if (hint == ASSAY_CLI_ANYTHING) assay_buf_puts(out, ":");
  if (hint == ASSAY_CLI_FILE) assay_buf_puts(out, "mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); compopt -o filenames 2>/dev/null");
  if (hint == ASSAY_CLI_DIRECTORY)
    assay_buf_puts(out, "mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); compopt -o filenames 2>/dev/null");
}

static void bash_option(const assay_cli_option *option, assay_buf *out) {
  if (option->type == ASSAY_CLI_FLAG) return;
  bool words = option->type == ASSAY_CLI_WORDS;
  assay_buf values = {0};
  bool named = put_values(option, &values);
  assay_buf_printf(out, "        %s:--%s", words ? "*" : "1", option->name);
  if (option->letter != 0) assay_buf_printf(out, "|%s:-%c", words ? "*" : "1", option->letter);
  assay_buf_puts(out, ") ");
  if (named)
    assay_buf_printf(out, "mapfile -t COMPREPLY < <(compgen -P \"$lead\" -W '%s' -- \"$word\")", values.data);
  else
    bash_hint(option->hint, out);
  assay_buf_puts(out, words ? "; [ \"$distance\" = 1 ] && return ;;\n" : "; return ;;\n");
  assay_buf_deinit(&values);
}

static void bash_verb(const assay_cli_verb *verb, assay_buf *out) {
  assay_buf_printf(out, "    '%s')\n      case $distance:$option in\n", verb->name);
  for (const assay_cli_option *option = verb->options; option->name != NULL; option++) bash_option(option, out);
  assay_buf_puts(out, "      esac\n      options='");
  for (const assay_cli_option *option = verb->options; option->name != NULL; option++) assay_buf_printf(out, "--%s ", option->name);
  assay_buf_puts(out, "--help'\n");
  if (verb->operand_hint != ASSAY_CLI_ANYTHING) {
    assay_buf_puts(out, "      if [[ $cur != -* && ${#COMPREPLY[@]} -eq 0 ]]; then ");
    bash_hint(verb->operand_hint, out);
    assay_buf_puts(out, "; fi\n");
  }
  if (verb == &assay_cli_completion) assay_buf_puts(out, "      options+=' bash zsh fish'\n");
  if (verb == &assay_cli_help_verb) {
    assay_buf_puts(out, "      options+=' ");
    put_first_words(out);
    assay_buf_puts(out, "'\n");
  }
  for (const assay_cli_verb *const *other = assay_cli_verbs; *other != NULL; other++) {
    const char *second = second_word(*other);
    if (second != NULL && strlen(verb->name) + 1 == (size_t)(second - (*other)->name) &&
        strncmp(verb->name, (*other)->name, strlen(verb->name)) == 0)
      assay_buf_printf(out, "      [ \"$COMP_CWORD\" = 2 ] && options+=' %s'\n", second);
  }
  assay_buf_puts(out, "      ;;\n");
}

void assay_cli_complete_bash(const assay_cli *cli, assay_buf *out) {
  assay_buf_printf(out, "# bash completion for %s\n", cli->program);
  put_identifier(cli, out);
  /* bash splits words at '=' and tells the pieces apart, so "--format=js" comes as three words. */
  assay_buf_puts(
      out,
      "() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} option='' distance=0 i=$((COMP_CWORD - 1)) verb=${COMP_WORDS[1]} options='' word lead=''\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '");
  put_first_words(out);
  assay_buf_puts(out,
                 " --help --version' -- \"$cur\")\n"
                 "    return\n"
                 "  fi\n"
                 "  [ \"$cur\" = = ] && cur=''\n"
                 "  while [ \"$i\" -gt 1 ]; do\n"
                 "    [ \"${COMP_WORDS[i]}\" = = ] || distance=$((distance + 1))\n"
                 "    if [[ ${COMP_WORDS[i]} == -* ]]; then option=${COMP_WORDS[i]}; break; fi\n"
                 "    i=$((i - 1))\n"
                 "  done\n"
                 "  word=${cur##*,}\n"
                 "  [ \"$word\" = \"$cur\" ] || lead=${cur%,*},\n"
                 "  case \"$verb ${COMP_WORDS[2]}\" in\n");
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if (second_word(*verb) != NULL)
      assay_buf_printf(out, "    '%s') [ \"$COMP_CWORD\" -gt 2 ] && verb='%s' ;;\n", (*verb)->name, (*verb)->name);
  }
  assay_buf_puts(out, "  esac\n  case $verb in\n");
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if (!(*verb)->hidden) bash_verb(*verb, out);
  }
  assay_buf_puts(out,
                 "  esac\n"
                 "  [ ${#COMPREPLY[@]} -eq 0 ] && mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
                 "  return 0\n"
                 "}\n"
                 "complete -F ");
  put_identifier(cli, out);
  assay_buf_printf(out, " '%s'\n", cli->program);
}

/* ---- zsh and fish ---------------------------------------------------------------------------------------------------------------- */

/* Up to the first full stop that ends a sentence, inside single quotes; zsh also needs its own marks escaped. */
static void put_sentence(const char *text, bool zsh, assay_buf *out) {
  for (const char *p = text; *p != '\0' && !(*p == '.' && (p[1] == ' ' || p[1] == '\0')); p++) {
    if (*p == '\'')
      assay_buf_puts(out, "'\\''");
    else if (zsh && strchr("[]:\\", *p) != NULL)
      assay_buf_printf(out, "\\%c", *p);
    else if (!zsh && *p == '\\')
      assay_buf_puts(out, "\\\\");
    else
      assay_buf_putc(out, *p);
  }
}

static void zsh_action(const assay_cli_option *option, assay_buf *out) {
  if (option->type == ASSAY_CLI_FLAG) return;
  assay_buf_printf(out, ":%s:", option->value);
  assay_buf values = {0};
  if (put_values(option, &values))
    assay_buf_printf(out, option->type == ASSAY_CLI_WORDS ? "_sequence compadd - %s" : "(%s)", values.data);
  else if (option->hint == ASSAY_CLI_FILE)
    assay_buf_puts(out, "_files");
  else if (option->hint == ASSAY_CLI_DIRECTORY)
    assay_buf_puts(out, "_files -/");
  assay_buf_deinit(&values);
}

static void zsh_option(const assay_cli_option *option, assay_buf *out) {
  bool many = option->type == ASSAY_CLI_WORDS || option->type == ASSAY_CLI_REPEAT;
  const char *equals = option->type == ASSAY_CLI_FLAG ? "" : "=";
  for (int pass = 0; pass < (option->letter != 0 ? 2 : 1); pass++) {
    assay_buf_puts(out, many ? " \\\n        '*" : " \\\n        '");
    if (pass == 0)
      assay_buf_printf(out, "--%s%s[", option->name, equals);
    else
      assay_buf_printf(out, "-%c%s[", option->letter, option->type == ASSAY_CLI_FLAG ? "" : "+");
    put_sentence(option->help, true, out);
    assay_buf_putc(out, ']');
    zsh_action(option, out);
    assay_buf_putc(out, '\'');
  }
}

void assay_cli_complete_zsh(const assay_cli *cli, assay_buf *out) {
  assay_buf_printf(out, "#compdef %s\n# zsh completion for %s\n", cli->program, cli->program);
  put_identifier(cli, out);
  assay_buf_puts(out, "() {\n  if (( CURRENT == 2 )); then\n    local -a verbs=(");
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if ((*verb)->hidden || second_word(*verb) != NULL) continue;
    assay_buf_printf(out, "\n      '%s:", (*verb)->name);
    put_sentence((*verb)->summary, true, out);
    assay_buf_putc(out, '\'');
  }
  assay_buf_puts(out,
                 ")\n    _describe verb verbs\n    return\n  fi\n  local verb=$words[2]\n  shift words; (( CURRENT-- ))\n  case \"$verb "
                 "$words[2]\" in\n");
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if (second_word(*verb) != NULL)
      assay_buf_printf(out, "    '%s') (( CURRENT > 2 )) && { verb='%s'; shift words; (( CURRENT-- )) } ;;\n", (*verb)->name,
                       (*verb)->name);
  }
  assay_buf_puts(out, "  esac\n  case $verb in\n");
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if ((*verb)->hidden) continue;
    assay_buf_printf(out, "    '%s')\n      _arguments -s", (*verb)->name);
    for (const assay_cli_option *option = (*verb)->options; option->name != NULL; option++) zsh_option(option, out);
    assay_buf_puts(out, " \\\n        '--help[Show this help]'");
    if ((*verb)->operand_hint == ASSAY_CLI_FILE) assay_buf_puts(out, " \\\n        '*:argument:_files'");
    if (*verb == &assay_cli_completion) assay_buf_puts(out, " \\\n        '1:shell:(bash zsh fish)'");
    assay_buf_puts(out, "\n      ;;\n");
  }
  assay_buf_puts(out, "  esac\n}\n");
  put_identifier(cli, out);
  assay_buf_puts(out, " \"$@\"\n");
}

static void fish_condition(const assay_cli_verb *verb, assay_buf *out) {
  const char *second = second_word(verb);
  int first = second != NULL ? (int)(second - verb->name) - 1 : (int)strlen(verb->name);
  assay_buf_printf(out, "-n '__fish_seen_subcommand_from %.*s", first, verb->name);
  if (second != NULL) assay_buf_printf(out, "; and __fish_seen_subcommand_from %s", second);
  assay_buf_puts(out, "'");
}

static void fish_option(const assay_cli *cli, const assay_cli_verb *verb, const assay_cli_option *option, assay_buf *out) {
  assay_buf values = {0};
  assay_buf_printf(out, "complete -c %s ", cli->program);
  fish_condition(verb, out);
  assay_buf_printf(out, " -l %s", option->name);
  if (option->letter != 0) assay_buf_printf(out, " -s %c", option->letter);
  if (put_values(option, &values))
    assay_buf_printf(out, " -x -a '%s'", values.data);
  else if (option->hint == ASSAY_CLI_DIRECTORY)
    assay_buf_puts(out, " -x -a '(__fish_complete_directories)'");
  else if (option->hint == ASSAY_CLI_FILE)
    assay_buf_puts(out, " -r -F");
  else if (option->type != ASSAY_CLI_FLAG)
    assay_buf_puts(out, " -x");
  assay_buf_puts(out, " -d '");
  put_sentence(option->help, false, out);
  assay_buf_puts(out, "'\n");
  assay_buf_deinit(&values);
}

void assay_cli_complete_fish(const assay_cli *cli, assay_buf *out) {
  assay_buf_printf(out, "# fish completion for %s\ncomplete -c %s -f\n", cli->program, cli->program);
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if ((*verb)->hidden) continue;
    const char *second = second_word(*verb);
    assay_buf_printf(out, "complete -c %s ", cli->program);
    if (second == NULL)
      assay_buf_printf(out, "-n __fish_use_subcommand -a %s", (*verb)->name);
    else
      assay_buf_printf(out, "-n '__fish_seen_subcommand_from %.*s' -a %s", (int)(second - (*verb)->name) - 1, (*verb)->name, second);
    assay_buf_puts(out, " -d '");
    put_sentence((*verb)->summary, false, out);
    assay_buf_puts(out, "'\n");
    if ((*verb)->operand_hint == ASSAY_CLI_FILE) {
      assay_buf_printf(out, "complete -c %s ", cli->program);
      fish_condition(*verb, out);
      assay_buf_puts(out, " -F\n");
    }
    for (const assay_cli_option *option = (*verb)->options; option->name != NULL; option++) fish_option(cli, *verb, option, out);
  }
}

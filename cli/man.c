/* SPDX-License-Identifier: MIT */
/* The manual page in the macros of man(7), from the option tables. */
#include <string.h>

#include "assay_config.h"
#include "cli/cli.h"

static const char RELEASE_DATE[] = "2026-11-21";

/* Text in roff: backslashes and hyphens are special anywhere, a dot or quote at the start of a line. */
static void put_text(assay_buf *out, const char *text) {
  bool line_start = out->length > 0 && out->data[out->length - 1] == '\n';
  for (const char *p = text; *p != '\0'; p++) {
    if (line_start && (*p == '.' || *p == '\'')) assay_buf_puts(out, "\\&");
    line_start = *p == '\n';
    if (*p == '\\')
      assay_buf_puts(out, "\\e");
    else if (*p == '-')
      assay_buf_puts(out, "\\-");
    else
      assay_buf_putc(out, *p);
  }
}

static void put_bold(assay_buf *out, const char *text) {
  assay_buf_puts(out, "\\fB");
  put_text(out, text);
  assay_buf_puts(out, "\\fR");
}

/* Paragraphs are divided by empty lines, which roff dislikes. */
static void put_paragraphs(assay_buf *out, const char *text) {
  for (const char *end; (end = strstr(text, "\n\n")) != NULL; text = end + 2) {
    assay_buf part = {0};
    assay_buf_append(&part, text, (size_t)(end - text));
    if (part.data != NULL) put_text(out, part.data);
    assay_buf_deinit(&part);
    assay_buf_puts(out, "\n.PP\n");
  }
  put_text(out, text);
  assay_buf_putc(out, '\n');
}

static void put_option(assay_buf *out, const assay_cli_option *option) {
  assay_buf help = {0};
  char letter[3] = {'-', option->letter, '\0'};
  assay_buf_puts(out, ".TP\n");
  if (option->letter != 0) {
    put_bold(out, letter);
    assay_buf_puts(out, ", ");
  }
  assay_buf name = {0};
  assay_buf_printf(&name, "--%s", option->name);
  if (name.data != NULL) put_bold(out, name.data);
  assay_buf_deinit(&name);
  if (option->value != NULL) {
    assay_buf_puts(out, " \\fI");
    put_text(out, option->value);
    assay_buf_puts(out, "\\fR");
  }
  assay_buf_putc(out, '\n');
  assay_cli_option_help(option, &help);
  if (help.data != NULL) put_text(out, help.data);
  assay_buf_putc(out, '\n');
  assay_buf_deinit(&help);
}

static void put_verb(const assay_cli *cli, const assay_cli_verb *verb, assay_buf *out) {
  assay_buf heading = {0};
  assay_buf_printf(&heading, "%s %s", cli->program, verb->name);
  assay_buf_puts(out, ".SS ");
  if (heading.data != NULL) put_text(out, heading.data);
  assay_buf_deinit(&heading);
  if (verb->operands != NULL) {
    assay_buf_putc(out, ' ');
    put_text(out, verb->operands);
  }
  assay_buf_putc(out, '\n');
  put_text(out, verb->summary);
  assay_buf_putc(out, '\n');
  if (verb->details != NULL) {
    assay_buf_puts(out, ".PP\n");
    put_paragraphs(out, verb->details);
  }
  for (const assay_cli_option *option = verb->options; option->name != NULL; option++) put_option(out, option);
}

static void put_examples(const assay_cli *cli, assay_buf *out) {
  assay_buf_puts(out, ".SH EXAMPLES\n");
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    for (const assay_cli_example *example = (*verb)->examples; example != NULL && example->what != NULL; example++) {
      assay_buf command = {0};
      assay_buf_printf(&command, "%s %s", cli->program, example->command);
      assay_buf_puts(out, ".TP\n");
      if (command.data != NULL) put_bold(out, command.data);
      assay_buf_putc(out, '\n');
      put_text(out, example->what);
      assay_buf_putc(out, '\n');
      assay_buf_deinit(&command);
    }
  }
}

static void put_entry(assay_buf *out, const char *term, const char *text) {
  assay_buf_puts(out, ".TP\n");
  put_bold(out, term);
  assay_buf_putc(out, '\n');
  put_text(out, text);
  assay_buf_putc(out, '\n');
}

static void put_environment(assay_buf *out) {
  assay_buf_puts(out, ".SH ENVIRONMENT\nOptions win over these.\n");
  put_entry(out, "ASSAY_OUTPUT_DIR, ASSAY_FORMAT, ASSAY_HISTORY, ASSAY_LOG_FILE", "Defaults of the options that name them.");
  put_entry(out, "ASSAY_CACHE_DIR", "Where the measured ceilings are cached; otherwise $XDG_CACHE_HOME/assay or ~/.cache/assay.");
  put_entry(out, "ASSAY_DATA_DIR", "Where profiles are looked for first.");
  put_entry(out, "NO_COLOR", "When not empty, no colour unless --color=always.");
  put_entry(out, "GITHUB_STEP_SUMMARY", "A file that a run appends its Markdown report to, and a comparison its own.");
}

static void put_exit_status(assay_buf *out) {
  assay_buf_puts(out, ".SH EXIT STATUS\n");
  put_entry(out, "0", "All done, every limit kept.");
  put_entry(out, "1", "A limit was missed, a benchmark or a check failed, or something became slower.");
  put_entry(out, "2", "Wrong use, bad input, or it cannot run here.");
  put_entry(out, "3", "Measured, but too noisy to say.");
  put_entry(out, "130", "Interrupted; what was measured is reported.");
}

void assay_cli_man_page(const assay_cli *cli, assay_buf *out) {
  assay_buf_printf(out, ".TH ASSAY 1 %s \"assay %s\"\n.SH NAME\nassay \\- a performance laboratory: measure, compare, keep\n.SH SYNOPSIS\n",
                   RELEASE_DATE, ASSAY_VERSION);
  put_bold(out, cli->program);
  assay_buf_puts(out, " \\fIverb\\fR [\\fIoption\\fR]... [\\fIargument\\fR]...\n.SH DESCRIPTION\n");
  put_text(out,
           "Measures this machine and runs benchmark suites on it. Every benchmark runs in several fresh processes in random order; every "
           "figure stands beside "
           "the measured limit of the machine that binds it; what is not there is said with its cause.\n");
  assay_buf_puts(out, ".SH VERBS\n");
  for (const assay_cli_verb *const *verb = assay_cli_verbs; *verb != NULL; verb++) {
    if (!(*verb)->hidden) put_verb(cli, *verb, out);
  }
  put_examples(cli, out);
  put_environment(out);
  put_exit_status(out);
}

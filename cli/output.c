/* SPDX-License-Identifier: MIT */
/* Text for a terminal. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/json.h"
#include "base/number.h"
#include "cli/cli.h"

void assay_cli_put_lines(assay_buf *out, const char *text) {
  for (size_t length; *text != '\0'; text += length) {
    assay_buf line = {0};
    length = strcspn(text, "\n");
    assay_buf_append(&line, text, length);
    if (line.data != NULL) assay_buf_plain(out, line.data);
    if (line.failed) out->failed = true;
    assay_buf_deinit(&line);
    if (text[length] == '\n') assay_buf_putc(out, '\n'), length++;
  }
}

int assay_cli_gravest(int a, int b) {
  static const int order[] = {ASSAY_EXIT_CANNOT_RUN, 130, ASSAY_EXIT_MISSED, ASSAY_EXIT_INCONCLUSIVE};
  for (size_t i = 0; i < sizeof order / sizeof *order; i++)
    if (a == order[i] || b == order[i]) return order[i];
  return ASSAY_EXIT_FINE;
}

int assay_cli_fail(const assay_cli *cli, const assay_error *err) {
  assay_buf message = {0};
  assay_cli_put_lines(&message, err->message);
  fflush(stdout);
  fprintf(stderr, "%s%s%s: %s\n", cli->program, cli->verb != NULL ? " " : "", cli->verb != NULL ? cli->verb->name : "",
          message.data != NULL ? message.data : "out of memory");
  assay_buf_deinit(&message);
  return assay_status_exit_code(err->status);
}

int assay_cli_print(const assay_cli *cli, const char *text) {
  if (text != NULL && fputs(text, stdout) >= 0 && fflush(stdout) == 0 && !ferror(stdout)) return ASSAY_EXIT_FINE;
  fprintf(stderr, "%s: cannot write to standard output\n", cli->program);
  return ASSAY_EXIT_CANNOT_RUN;
}

int assay_cli_print_line(const assay_cli *cli, const char *format, ...) {
  char line[1280];
  va_list arguments;
  va_start(arguments, format);
  assay_vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  assay_buf out = {0};
  assay_buf_plain(&out, line);
  assay_buf_putc(&out, '\n');
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code;
}

void assay_cli_note(const assay_cli *cli, const char *format, ...) {
  va_list arguments;
  fflush(stdout);
  fprintf(stderr, "%s %s: ", cli->program, cli->verb->name);
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
}

static bool is_set(const char *variable) {
  const char *value = getenv(variable);
  return value != NULL && value[0] != '\0';
}

bool assay_cli_use_color(const char *choice, FILE *stream) {
  if (choice != NULL && strcmp(choice, "always") == 0) return true;
  if (choice != NULL && strcmp(choice, "never") == 0) return false;
  const char *term = getenv("TERM");
  return isatty(fileno(stream)) && !is_set("NO_COLOR") && term != NULL && strcmp(term, "dumb") != 0;
}

unsigned assay_cli_columns(FILE *stream) {
  struct winsize size;
  if (!isatty(fileno(stream))) return 0;
  return ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

size_t assay_cli_text_width(const char *text) {
  size_t width = 0;
  for (; *text != '\0'; text++) width += ((unsigned char)*text & 0xC0) != 0x80; /* bytes that continue a character have no width */
  return width;
}

void assay_cli_pad(assay_buf *out, const char *text, size_t width) {
  assay_buf_plain(out, text);
  for (size_t column = assay_cli_text_width(text); column < width; column++) assay_buf_putc(out, ' ');
}

void assay_cli_wrap(assay_buf *out, const char *text, size_t indent, size_t column, size_t width) {
  bool first = true;
  while (*text != '\0') {
    if (*text == '\n') {
      assay_buf_putc(out, '\n');
      column = 0;
      first = true;
      text++;
      continue;
    }
    if (*text == ' ' && !first) {
      text++;
      continue;
    }
    /* A line that begins with spaces is laid out by hand; its spaces stay. */
    size_t lead = first ? strspn(text, " ") : 0;
    size_t length = lead + strcspn(text + lead, " \n");
    if (!first && column + 1 + length > width) {
      assay_buf_putc(out, '\n');
      column = 0;
    } else if (!first) {
      assay_buf_putc(out, ' ');
      column++;
    }
    if (column == 0) {
      assay_buf_printf(out, "%*s", (int)indent, "");
      column = indent;
    }
    assay_buf_append(out, text, length);
    column += length;
    text += length;
    first = false;
  }
}

static const char *mark_of(assay_check_status status) {
  switch (status) {
    case ASSAY_CHECK_PASS: return "✓";
    case ASSAY_CHECK_FAIL: return "✗";
    case ASSAY_CHECK_UNAVAILABLE: return "–";
  }
  return "?";
}

static const char *color_of(assay_check_status status) {
  switch (status) {
    case ASSAY_CHECK_PASS: return "\033[32m";
    case ASSAY_CHECK_FAIL: return "\033[31m";
    case ASSAY_CHECK_UNAVAILABLE: return "\033[2m";
  }
  return "";
}

/* A profile or a replayed capture may have said it, so it is not trusted with the terminal. */
static void put_plain(assay_buf *out, const char *before, const char *text, const char *after) {
  assay_buf_puts(out, before);
  assay_buf_plain(out, text);
  assay_buf_puts(out, after);
}

static void put_check(assay_buf *out, const assay_check *check, size_t width, bool color) {
  assay_buf_printf(out, "%s%s%s ", color ? color_of(check->status) : "", mark_of(check->status), color ? "\033[0m" : "");
  assay_cli_pad(out, check->name, width);
  if (check->measured != NULL) put_plain(out, "  ", check->measured, "");
  if (check->status == ASSAY_CHECK_UNAVAILABLE) put_plain(out, "  unavailable: ", check->cause != NULL ? check->cause : "not said", "");
  if (check->expected != NULL) put_plain(out, "  (expected ", check->expected, ")");
  assay_buf_putc(out, '\n');
  if (check->status == ASSAY_CHECK_FAIL && check->cause != NULL) put_plain(out, "    ", check->cause, "\n");
  if (check->status != ASSAY_CHECK_PASS && check->recommendation != NULL) put_plain(out, "    → ", check->recommendation, "\n");
}

void assay_cli_checks(assay_buf *out, const assay_check_list *checks, bool color) {
  size_t width = 0, counts[3] = {0};
  for (size_t i = 0; i < checks->count; i++) {
    size_t name = assay_cli_text_width(checks->items[i].name);
    if (name > width) width = name;
    counts[checks->items[i].status]++;
  }
  for (size_t i = 0; i < checks->count; i++) put_check(out, &checks->items[i], width, color);
  assay_buf_printf(out, "%zu passed, %zu failed, %zu unavailable\n", counts[ASSAY_CHECK_PASS], counts[ASSAY_CHECK_FAIL],
                   counts[ASSAY_CHECK_UNAVAILABLE]);
}

void assay_cli_checks_json(assay_buf *out, const assay_check_list *checks, const char *schema) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", schema);
  assay_json_key(&json, "checks");
  assay_json_array(&json);
  for (size_t i = 0; i < checks->count; i++) {
    const assay_check *check = &checks->items[i];
    const char *const fields[][2] = {{"suite", check->suite},
                                     {"name", check->name},
                                     {"status", assay_check_status_text(check->status)},
                                     {"expected", check->expected},
                                     {"measured", check->measured},
                                     {"cause", check->cause},
                                     {"recommendation", check->recommendation}};
    assay_json_object(&json);
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) assay_json_put_string(&json, fields[f][0], fields[f][1]);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_json_end(&json);
}

int assay_cli_checks_exit_code(const assay_check_list *checks) {
  size_t passed = 0;
  for (size_t i = 0; i < checks->count; i++) {
    if (checks->items[i].status == ASSAY_CHECK_FAIL) return ASSAY_EXIT_MISSED;
    passed += checks->items[i].status == ASSAY_CHECK_PASS;
  }
  return passed > 0 || checks->count == 0 ? ASSAY_EXIT_FINE : ASSAY_EXIT_INCONCLUSIVE;
}

int assay_cli_show_checks(const assay_cli *cli, const assay_check_list *checks, const char *schema, const char *color) {
  assay_buf out = {0};
  if (schema != NULL)
    assay_cli_checks_json(&out, checks, schema);
  else
    assay_cli_checks(&out, checks, assay_cli_use_color(color, stdout));
  int code = assay_cli_print(cli, out.data);
  assay_buf_deinit(&out);
  return code == ASSAY_EXIT_FINE ? assay_cli_checks_exit_code(checks) : code;
}

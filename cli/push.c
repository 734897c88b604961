/* SPDX-License-Identifier: MIT */
/* assay push: a result to a Prometheus Pushgateway (https://github.com/prometheus/pushgateway). */
#include <string.h>

#include "cli/cli.h"
#include "os/http.h"

typedef struct push_settings {
  const char *gateway, *job, *method, *history, *output_dir;
  assay_cli_words grouping;
  double timeout_s;
  bool remove;
} push_settings;

#define AT(field) .at = offsetof(push_settings, field)

enum { ATTEMPTS = 3 };
static const char *const methods[] = {"put", "post", NULL};

static const assay_cli_option options[] = {
    {"gateway", 'g', ASSAY_CLI_TEXT, "URL", .environment = "ASSAY_GATEWAY",
     .help = "Address of the Pushgateway, with user:password@ where it wants that.", AT(gateway)},
    {"job", 'j', ASSAY_CLI_TEXT, "NAME", "assay", .help = "The job that the figures belong to.", AT(job)},
    {"grouping", 0, ASSAY_CLI_REPEAT, "KEY=VALUE", .help = "Another label of the group, e.g. branch=main; repeat for more.", AT(grouping)},
    {"method", 0, ASSAY_CLI_TEXT, "METHOD", "put", .choices = methods,
     .help = "put: the group has these figures and no others; post: those of other names stay.", AT(method)},
    {"delete", 0, ASSAY_CLI_FLAG, .help = "Remove the group from the gateway instead.", AT(remove)},
    {"timeout", 0, ASSAY_CLI_REAL, "SECONDS", "10", .low = 0.001, .high = 3600, .help = "How long one attempt of three may take.",
     AT(timeout_s)},
    ASSAY_CLI_WHERE(push_settings, "The history to read: a file or postgresql://..."),
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"the last run", "push --gateway http://localhost:9091 --grouping branch=main"},
    {"a saved result", "push benchmark_results/report.json --gateway http://localhost:9091 --job nightly"},
    {"take it away again", "push --delete --gateway http://localhost:9091 --grouping branch=main"},
    {0}};

/* ---- The group -------------------------------------------------------------------------------------------------------------------- */

static bool is_label_name(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && (i == 0 || c < '0' || c > '9')) return false;
  }
  return length > 0 && !(length >= 2 && text[0] == '_' && text[1] == '_');
}

/* The gateway writes the group's labels over those of the figures, so that one of ours would make them all alike. */
static bool is_ours(const char *text, size_t length) {
  static const char *const ours[] = {"job",    "suite",   "benchmark", "metric", "status",  "base_name",
                                     "params", "ceiling", "sla",       "check",  "ordinal", NULL};
  for (size_t i = 0; ours[i] != NULL; i++)
    if (strlen(ours[i]) == length && strncmp(ours[i], text, length) == 0) return true;
  return false;
}

static void put_percent(assay_buf *out, const char *text) {
  for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
    bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr("-_.~", *p) != NULL;
    assay_buf_printf(out, plain ? "%c" : "%%%02X", *p);
  }
}

/* Base64 with the alphabet for URLs (RFC 4648, 5); one "=" stands for the empty text, which a path cannot hold. */
static void put_base64(assay_buf *out, const char *text) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  size_t length = strlen(text);
  if (length == 0) assay_buf_putc(out, '=');
  for (size_t i = 0; i < length; i += 3) {
    unsigned long bits = 0;
    size_t have = length - i < 3 ? length - i : 3;
    for (size_t k = 0; k < 3; k++) bits = bits << 8 | (k < have ? (unsigned char)text[i + k] : 0);
    for (size_t k = 0; k <= have; k++) assay_buf_putc(out, digits[bits >> (18 - 6 * k) & 63]);
  }
}

/* "/job/nightly", or "/job@base64/..." for a value that a path cannot hold as it is. */
static void put_label(assay_buf *url, const char *name, size_t length, const char *value) {
  bool encoded = value[0] == '\0' || strchr(value, '/') != NULL || strcmp(value, ".") == 0 || strcmp(value, "..") == 0;
  assay_buf_printf(url, "/%.*s%s/", (int)length, name, encoded ? "@base64" : "");
  encoded ? put_base64(url, value) : put_percent(url, value);
}

static assay_status put_group(const push_settings *settings, assay_buf *url, assay_buf *shown, assay_error *err) {
  if (settings->job[0] == '\0') return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--job is empty; the gateway wants a name");
  put_label(url, "job", 3, settings->job);
  assay_buf_printf(shown, "job=\"%s\"", settings->job);
  for (size_t i = 0; i < settings->grouping.count; i++) {
    const char *pair = settings->grouping.items[i], *equals = strchr(pair, '=');
    size_t length = equals != NULL ? (size_t)(equals - pair) : 0;
    if (!is_label_name(pair, length))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--grouping needs NAME=VALUE, a name of letters, digits and _, not '%s'", pair);
    if (is_ours(pair, length))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--grouping cannot be '%.*s': the figures have a label of that name", (int)length, pair);
    for (size_t k = 0; k < i; k++)
      if (strncmp(settings->grouping.items[k], pair, length + 1) == 0)
        return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--grouping has '%.*s' twice", (int)length, pair);
    put_label(url, pair, length, equals + 1);
    assay_buf_printf(shown, ", %.*s=\"%s\"", (int)length, pair, equals + 1);
  }
  return ASSAY_OK;
}

static assay_status put_url(const push_settings *settings, assay_buf *url, assay_buf *shown, assay_error *err) {
  const char *gateway = settings->gateway;
  if (gateway == NULL || gateway[0] == '\0')
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--gateway is missing: the address of the Pushgateway, e.g. http://localhost:9091");
  if (strpbrk(gateway, "?#") != NULL)
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "--gateway is the address of the gateway itself, without a query");
  size_t length = strlen(gateway);
  while (length > 0 && gateway[length - 1] == '/') length--;
  if (length > 8 && strncmp(gateway + length - 8, "/metrics", 8) == 0) length -= 8;
  assay_buf_append(url, gateway, length);
  assay_buf_puts(url, "/metrics");
  return put_group(settings, url, shown, err);
}

/* ---- Sending ------------------------------------------------------------------------------------------------------------------------ */

static assay_status send_text(const push_settings *settings, const char *url, const char *text, assay_error *err) {
  static const char *const headers[] = {"Content-Type: text/plain; version=0.0.4; charset=utf-8", NULL};
  assay_http_request request = {.method = settings->remove                        ? "DELETE"
                                          : strcmp(settings->method, "post") == 0 ? "POST"
                                                                                  : "PUT",
                                .url = url,
                                .headers = settings->remove ? NULL : headers,
                                .body = text,
                                .body_length = text != NULL ? strlen(text) : 0,
                                .timeout_s = settings->timeout_s,
                                .attempts = ATTEMPTS,
                                .stop = assay_cli_stop_on_signal()};
  return assay_http_send(&request, err, NULL);
}

static assay_status load_and_send(assay_cli *cli, const push_settings *settings, const char *url, assay_buf *said, assay_error *err) {
  const char *what = cli->operand_count > 0 ? cli->operands[0] : "latest", *label = NULL;
  assay_cli_inputs inputs;
  assay_result *result = NULL;
  char *text = NULL;
  assay_cli_inputs_init(cli, settings->history, settings->output_dir, &inputs);
  assay_status status = assay_cli_load_side(&inputs, &(assay_cli_side){.words = &what, .count = 1}, NULL, err, &result, &label);
  if (status == ASSAY_OK) status = assay_report_render(result, NULL, ASSAY_FORMAT_OPENMETRICS, err, &text);
  if (status == ASSAY_OK) status = send_text(settings, url, text, err);
  if (status == ASSAY_OK)
    assay_buf_printf(said, "pushed run %s (%zu benchmark%s) as", result->run.id, result->benchmark_count,
                     result->benchmark_count == 1 ? "" : "s");
  assay_string_free(text);
  assay_result_destroy(result);
  assay_cli_inputs_deinit(&inputs);
  return status;
}

static int run(assay_cli *cli, const void *given) {
  const push_settings *settings = given;
  assay_error err = {0};
  assay_buf url = {0}, group = {0}, said = {0};
  assay_status status = put_url(settings, &url, &group, &err);
  if (status == ASSAY_OK && settings->remove && cli->operand_count > 0)
    status = ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "--delete removes the whole group and takes no run");
  if (status == ASSAY_OK && (url.failed || group.failed)) status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory");
  if (status == ASSAY_OK && settings->remove) {
    status = send_text(settings, url.data, NULL, &err);
    assay_buf_puts(&said, "deleted");
  } else if (status == ASSAY_OK) {
    status = load_and_send(cli, settings, url.data, &said, &err);
  }
  int code = ASSAY_EXIT_FINE;
  if (status == ASSAY_OK) {
    assay_buf_printf(&said, " {%s}", group.data);
    assay_buf line = {0};
    assay_cli_put_lines(&line, said.data);
    assay_buf_putc(&line, '\n');
    code = assay_cli_print(cli, line.data);
    assay_buf_deinit(&line);
  } else {
    code = assay_cli_fail(cli, &err);
  }
  assay_buf_deinit(&url);
  assay_buf_deinit(&group);
  assay_buf_deinit(&said);
  return code;
}

const assay_cli_verb assay_cli_push = {
    .name = "push",
    .summary = "Send a result to a Prometheus Pushgateway.",
    .details =
        "The result is a file (report.json, or another tool's; - for standard input), or a run of the history: its id or the beginning "
        "of it, \"latest\" (the default), \"previous\", a baseline's name, a commit. What is pushed is what `export --to openmetrics` "
        "writes. A password in the address is never shown.",
    .operands = "[FILE|RUN]",
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = options,
    .examples = examples,
    .settings_size = sizeof(push_settings),
    .run = run,
};

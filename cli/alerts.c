/* SPDX-License-Identifier: MIT */
/* assay alerts: what is open, and what people say to it. What rules come to is in alerts_rules.c. */
#include "cli/alerts.h"

#include <math.h>
#include <time.h>

#include "base/json.h"
#include "os/prim.h"

/* ---- What the verbs share ------------------------------------------------------------------------------------------------------------ */

/* clang-format off */
#define END_DATE \
  {"until", 0, ASSAY_CLI_TEXT, "DATE", .help = "Until then: 2026-12-24 or 2026-12-24T18:30.", ASSAY_ALERTS_AT(until)}, \
  {"for", 0, ASSAY_CLI_TEXT, "LENGTH", .help = "For so long: 12h, 7d, 2w.", ASSAY_ALERTS_AT(length)}, \
  {"reason", 0, ASSAY_CLI_TEXT, "TEXT", .help = "Why, for those who ask later.", ASSAY_ALERTS_AT(reason)}
/* clang-format on */

assay_status assay_cli_alerts_open(assay_cli *cli, const assay_cli_alerts_settings *settings, bool write, assay_error *err,
                                   assay_history **history) {
  const char *path = assay_cli_history_path(cli, settings->history, settings->output_dir);
  assay_history *looked = NULL;
  assay_status status = assay_cli_open_history(path, err, &looked);
  if (status == ASSAY_OK && write) {
    assay_history_close(looked);
    return assay_history_open(path, err, history);
  }
  if (status == ASSAY_OK) *history = looked;
  return status;
}

static const char *date_text(int64_t at_s, char out[32]) {
  time_t at = (time_t)at_s;
  struct tm local;
  localtime_r(&at, &local);
  strftime(out, 32, "%Y-%m-%d %H:%M", &local);
  return out;
}

/* ---- list ---------------------------------------------------------------------------------------------------------------------------- */

static void put_member(assay_buf *out, const struct assay_alert_change *m) {
  char before[64], after[64];
  assay_buf_printf(out, "      %-8s  ", assay_alert_level_text(m->level));
  assay_buf_plain(out, m->suite);
  assay_buf_putc(out, '/');
  assay_buf_plain(out, m->benchmark);
  assay_buf_putc(out, ' ');
  assay_buf_plain(out, m->metric);
  assay_buf_printf(out, ": %s -> %s", assay_format_value(m->before, m->unit, before, sizeof before),
                   assay_format_value(m->latest, m->unit, after, sizeof after));
  if (!isnan(m->change_ratio)) assay_buf_printf(out, " (%+.1f %%", m->change_ratio * 100);
  if (!isnan(m->change_ratio) && !isnan(m->ci_low)) assay_buf_printf(out, ", 95 %%: %+.1f to %+.1f", m->ci_low * 100, m->ci_high * 100);
  if (!isnan(m->change_ratio) && m->noise_floor > 0) assay_buf_printf(out, ", noise %.1f %%", m->noise_floor * 100);
  assay_buf_puts(out, isnan(m->change_ratio) ? "" : ")");
  assay_buf_puts(out, m->gone ? " gone\n" : "\n");
}

static void put_details(assay_buf *out, const assay_alert *alert) {
  char date[32];
  if (alert->state != ASSAY_ALERT_RESOLVED && (alert->until_s != 0 || alert->reason != NULL)) {
    assay_buf_printf(out, "      %s%s%s", assay_alert_state_text(alert->state), alert->until_s != 0 ? " until " : "",
                     alert->until_s != 0 ? date_text(alert->until_s, date) : "");
    if (alert->reason != NULL) assay_buf_puts(out, ": "), assay_buf_plain(out, alert->reason);
    assay_buf_putc(out, '\n');
  }
}

static void put_list(assay_buf *out, const assay_alerts *alerts, bool verbose) {
  char date[32];
  if (alerts->count == 0) assay_buf_puts(out, "no alerts\n");
  for (size_t i = 0; i < alerts->count; i++) {
    const assay_alert *alert = &alerts->items[i];
    assay_buf_printf(out, "%.8s  %-8s  %-12s  %s  ", alert->id, assay_alert_level_text(alert->level), assay_alert_state_text(alert->state),
                     date_text(alert->opened_at_s, date));
    assay_buf_plain(out, alert->title);
    assay_buf_putc(out, '\n');
    put_details(out, alert);
    for (size_t k = 0; verbose && k < alert->change_count; k++) put_member(out, &alert->changes[k]);
  }
}

static void put_mutes(assay_buf *out, const assay_alert_mute_entry *mutes, size_t count) {
  char date[32];
  for (size_t i = 0; i < count; i++) {
    assay_buf_printf(out, "%s%s until ", i == 0 ? "\nmuted:\n" : "", "  ");
    assay_buf_puts(out, date_text(mutes[i].until_s, date));
    assay_buf_puts(out, "  ");
    assay_buf_plain(out, mutes[i].glob);
    if (mutes[i].reason != NULL) assay_buf_puts(out, ": "), assay_buf_plain(out, mutes[i].reason);
    assay_buf_putc(out, '\n');
  }
}

static assay_status put_list_json(assay_buf *out, const assay_alerts *alerts, const assay_alert_mute_entry *mutes, size_t count,
                                  assay_error *err) {
  assay_buf_puts(out, "{\"schema\": \"assay-alerts/1\", \"alerts\": [");
  for (size_t i = 0; i < alerts->count; i++) {
    char *one = NULL;
    assay_status status = assay_alert_to_json(&alerts->items[i], 0, err, &one);
    if (status != ASSAY_OK) return status;
    assay_buf_printf(out, "%s\n  %s", i > 0 ? "," : "", one);
    assay_string_free(one);
  }
  assay_buf_puts(out, "],\n \"mutes\": ");
  assay_json json = {.out = out};
  assay_json_array(&json);
  for (size_t i = 0; i < count; i++) {
    assay_json_object(&json);
    assay_json_put_string(&json, "glob", mutes[i].glob);
    assay_json_key(&json, "until_s");
    assay_json_int(&json, mutes[i].until_s);
    assay_json_put_string(&json, "reason", mutes[i].reason);
    assay_json_end(&json);
  }
  assay_json_end(&json);
  assay_buf_puts(out, "}\n");
  return ASSAY_OK;
}

static int list(assay_cli *cli, const void *raw) {
  const assay_cli_alerts_settings *settings = raw;
  assay_error err = {0};
  assay_history *history = NULL;
  assay_alerts *alerts = NULL;
  assay_alert_mute_entry *mutes = NULL;
  size_t count = 0;
  assay_buf out = {0};
  assay_status status = assay_cli_alerts_open(cli, settings, false, &err, &history);
  if (status == ASSAY_OK) status = assay_alerts_list(history, settings->all, &err, &alerts);
  if (status == ASSAY_OK) status = assay_alert_mutes(history, &err, &mutes, &count);
  if (status == ASSAY_OK && settings->json) status = put_list_json(&out, alerts, mutes, count, &err);
  if (status == ASSAY_OK && !settings->json) {
    put_list(&out, alerts, settings->verbose);
    put_mutes(&out, mutes, count);
  }
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  assay_alert_mutes_free(mutes);
  assay_alerts_destroy(alerts);
  assay_history_close(history);
  return code;
}

static const assay_cli_option list_options[] = {
    ASSAY_ALERTS_WHERE,
    {"all", 'a', ASSAY_CLI_FLAG, .help = "Resolved ones too.", ASSAY_ALERTS_AT(all)},
    {"verbose", 'v', ASSAY_CLI_FLAG, .help = "With the benchmarks of each.", ASSAY_ALERTS_AT(verbose)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", ASSAY_ALERTS_AT(json)},
    ASSAY_CLI_END};
static const assay_cli_example list_examples[] = {{"what is open, with the benchmarks of each", "alerts -v"},
                                                  {"everything there ever was, for another program", "alerts list --all --json"},
                                                  {0}};
#define LIST_DETAILS                                                                                                                     \
  "An alert is one cause: the benchmarks that moved together, with the range of commits, the size of the change with its interval, and " \
  "the noise floor. `run --alerts` and `monitor` make them; an alert is told once, again when it rises to critical, and is resolved by " \
  "itself when the figures are back."
const assay_cli_verb assay_cli_alerts = {.name = "alerts",
                                         .summary = "List the alerts that are open.",
                                         .details = LIST_DETAILS,
                                         .options = list_options,
                                         .examples = list_examples,
                                         .settings_size = sizeof(assay_cli_alerts_settings),
                                         .run = list};
const assay_cli_verb assay_cli_alerts_list = {.name = "alerts list",
                                              .summary = "List the alerts that are open.",
                                              .details = LIST_DETAILS,
                                              .options = list_options,
                                              .examples = list_examples,
                                              .settings_size = sizeof(assay_cli_alerts_settings),
                                              .run = list};

/* ---- ack ----------------------------------------------------------------------------------------------------------------------------- */

static int acknowledge(assay_cli *cli, const void *raw) {
  const assay_cli_alerts_settings *settings = raw;
  assay_error err = {0};
  assay_history *history = NULL;
  int64_t until_s = 0;
  char date[32];
  assay_status status = assay_cli_parse_end(settings->until, settings->length, assay_os_wall_s(), &err, &until_s);
  if (status == ASSAY_OK) status = assay_cli_alerts_open(cli, settings, true, &err, &history);
  if (status == ASSAY_OK) status = assay_alert_acknowledge(history, cli->operands[0], until_s, settings->reason, &err);
  assay_history_close(history);
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  return assay_cli_print_line(cli, "Alert %s is acknowledged%s%s; it is told again when it rises to critical%s.", cli->operands[0],
                              until_s != 0 ? " until " : "", until_s != 0 ? date_text(until_s, date) : "",
                              until_s != 0 ? ", or is there still then" : "");
}

static const assay_cli_option ack_options[] = {ASSAY_ALERTS_WHERE, END_DATE, ASSAY_CLI_END};
static const assay_cli_example ack_examples[] = {
    {"we know; say it again in a week if it is there still", "alerts ack 1a2b --for 7d --reason 'fix is in review'"}, {0}};
const assay_cli_verb assay_cli_alerts_ack = {
    .name = "alerts ack",
    .summary = "Acknowledge an alert: it is known.",
    .details =
        "It is not told again until it rises to critical or its time is over; without --until or --for that is never. ID is the "
        "alert's id or the beginning of it, of at least four digits.",
    .operands = "ID",
    .operands_least = 1,
    .operands_most = 1,
    .options = ack_options,
    .examples = ack_examples,
    .settings_size = sizeof(assay_cli_alerts_settings),
    .run = acknowledge};

/* ---- mute, unmute -------------------------------------------------------------------------------------------------------------------- */

static int mute(assay_cli *cli, const void *raw) {
  const assay_cli_alerts_settings *settings = raw;
  assay_error err = {0};
  assay_history *history = NULL;
  int64_t until_s = 0;
  char date[32];
  assay_status status = assay_cli_parse_end(settings->until, settings->length, assay_os_wall_s(), &err, &until_s);
  if (status == ASSAY_OK && until_s == 0) status = ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "a mute needs an end: --until DATE or --for 14d");
  if (status == ASSAY_OK) status = assay_cli_alerts_open(cli, settings, true, &err, &history);
  if (status == ASSAY_OK) status = assay_alert_mute(history, cli->operands[0], until_s, settings->reason, &err);
  assay_history_close(history);
  if (status != ASSAY_OK) return assay_cli_fail(cli, &err);
  return assay_cli_print_line(cli, "'%s' is muted until %s.", cli->operands[0], date_text(until_s, date));
}

static const assay_cli_option mute_options[] = {ASSAY_ALERTS_WHERE, END_DATE, ASSAY_CLI_END};
static const assay_cli_example mute_examples[] = {
    {"while the machine is being moved", "alerts mute 'performance/*' --until 2026-12-24 --reason 'new rack'"},
    {"one metric everywhere", "alerts mute '*:peak_rss' --for 14d"},
    {0}};
const assay_cli_verb assay_cli_alerts_mute = {
    .name = "alerts mute",
    .summary = "Keep benchmarks from making alerts for a while.",
    .details =
        "GLOB is over \"suite/benchmark\" or \"suite/benchmark:metric\", with or without the suite. "
        "What became worse meanwhile is kept, and told when the mute is "
        "over if it is there still.",
    .operands = "GLOB",
    .operands_least = 1,
    .operands_most = 1,
    .options = mute_options,
    .examples = mute_examples,
    .settings_size = sizeof(assay_cli_alerts_settings),
    .run = mute};

static int unmute(assay_cli *cli, const void *raw) {
  const assay_cli_alerts_settings *settings = raw;
  assay_error err = {0};
  assay_history *history = NULL;
  assay_status status = assay_cli_alerts_open(cli, settings, true, &err, &history);
  if (status == ASSAY_OK) status = assay_alert_mute(history, cli->operands[0], 0, NULL, &err);
  assay_history_close(history);
  return status == ASSAY_OK ? assay_cli_print_line(cli, "'%s' is no longer muted.", cli->operands[0]) : assay_cli_fail(cli, &err);
}

static const assay_cli_option unmute_options[] = {ASSAY_ALERTS_WHERE, ASSAY_CLI_END};
const assay_cli_verb assay_cli_alerts_unmute = {.name = "alerts unmute",
                                                .summary = "Take a mute away before its end.",
                                                .operands = "GLOB",
                                                .operands_least = 1,
                                                .operands_most = 1,
                                                .options = unmute_options,
                                                .settings_size = sizeof(assay_cli_alerts_settings),
                                                .run = unmute};

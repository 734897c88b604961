/* SPDX-License-Identifier: MIT */
/* assay alerts check and test: what a file of rules comes to, and whether its channels deliver. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "cli/alerts.h"
#include "judge/alert.h"
#include "judge/changes.h"
#include "os/prim.h"

/* ---- check --------------------------------------------------------------------------------------------------------------------------- */

/* A metric of a benchmark that the history knows. */
typedef struct series {
  const char *suite, *benchmark, *metric, *unit;
  assay_metric_kind kind;
} series;

typedef struct known {
  series *items;
  size_t count, capacity;
} known;

enum { RUNS_TO_LOOK_AT = 10, SHOWN = 4 };

static int by_name(const void *a, const void *b) {
  const series *x = a, *y = b;
  int order = strcmp(x->suite, y->suite);
  if (order == 0) order = strcmp(x->benchmark, y->benchmark);
  return order != 0 ? order : strcmp(x->metric, y->metric);
}

static bool add_series(assay_cli *cli, known *k, const assay_result *run) {
  for (size_t i = 0; i < run->benchmark_count; i++) {
    const assay_benchmark_result *b = &run->benchmarks[i];
    for (size_t m = 0; m < b->metric_count; m++) {
      if (m > 0 && assay_says_nothing_new(b, b->metrics[m].name)) continue; /* it is never compared */
      if (k->count == k->capacity) {
        series *grown = assay_arena_grow(&cli->arena, k->items, k->count, &k->capacity, sizeof *grown);
        if (grown == NULL) return false;
        k->items = grown;
      }
      const assay_metric_result *metric = &b->metrics[m];
      k->items[k->count++] = (series){.suite = assay_arena_strdup(&cli->arena, b->suite),
                                      .benchmark = assay_arena_strdup(&cli->arena, b->name),
                                      .metric = assay_arena_strdup(&cli->arena, metric->name),
                                      .unit = assay_arena_strdup(&cli->arena, metric->unit),
                                      .kind = metric->kind};
    }
  }
  return !cli->arena.failed;
}

static assay_status load_known(assay_cli *cli, assay_history *history, known *k, assay_error *err) {
  assay_history_run *runs = NULL;
  size_t count = 0;
  assay_status status = assay_history_runs(history, NULL, RUNS_TO_LOOK_AT, err, &runs, &count);
  for (size_t i = 0; i < count && status == ASSAY_OK; i++) {
    assay_result *run = NULL;
    status = assay_history_load(history, runs[i].id, NULL, err, &run);
    if (status == ASSAY_OK && !add_series(cli, k, run)) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory");
    assay_result_destroy(run);
  }
  assay_history_runs_free(runs);
  if (k->count > 1) qsort(k->items, k->count, sizeof *k->items, by_name);
  size_t kept = 0;
  for (size_t i = 0; i < k->count; i++)
    if (i == 0 || by_name(&k->items[kept - 1], &k->items[i]) != 0) k->items[kept++] = k->items[i];
  k->count = kept;
  return status;
}

/* What a rule is in charge of: it matches, no later one does, and its amounts are in that unit. */
static bool applies(const assay_alert_rules *rules, const assay_alert_rule *rule, const series *s) {
  if (assay_alert_rule_for(rules, s->suite, s->benchmark, s->metric, s->kind) != rule) return false;
  return rule->off || assay_alert_amount_fits(&rule->warning, s->unit, s->kind) ||
         assay_alert_amount_fits(&rule->critical, s->unit, s->kind);
}

static void put_amounts(assay_buf *out, const assay_alert_rule *rule) {
  if (rule->off) assay_buf_puts(out, "no alerts");
  if (rule->warning.text != NULL) assay_buf_printf(out, "warning from %s%s", rule->warning.relative ? "" : "+", rule->warning.text);
  if (rule->critical.text != NULL)
    assay_buf_printf(out, "%scritical from %s%s", rule->warning.text != NULL ? ", " : "", rule->critical.relative ? "" : "+",
                     rule->critical.text);
}

/* Why it applies to nothing, as far as that can be guessed. */
static void put_why_not(assay_buf *out, const assay_alert_rules *rules, const assay_alert_rule *rule, const known *k) {
  const char *words[256] = {NULL};
  size_t count = 0;
  for (size_t i = 0; i < k->count; i++) {
    const series *s = &k->items[i];
    if (assay_alert_rule_matches(rule, s->suite, s->benchmark, s->metric, s->kind)) {
      const assay_alert_rule *other = assay_alert_rule_for(rules, s->suite, s->benchmark, s->metric, s->kind);
      if (other != rule)
        assay_buf_printf(out, "nothing: the later rule '%s' (line %d) takes what it matches\n", other->name, other->line);
      else
        assay_buf_printf(out, "nothing: %s of %s/%s is in %s, which the amounts are not\n", s->metric, s->suite, s->benchmark, s->unit);
      return;
    }
    bool there = false;
    for (size_t w = 0; w < count; w++) there = there || strcmp(words[w], s->metric) == 0;
    if (!there && count < 255) words[count++] = s->metric;
  }
  const char *nearest = rule->metric != NULL ? assay_nearest_word(rule->metric, words) : NULL;
  if (k->count == 0)
    assay_buf_puts(out, "not known: there is no history to look at\n");
  else if (nearest != NULL)
    assay_buf_printf(out, "nothing in the history; did you mean the metric '%s'?\n", nearest);
  else
    assay_buf_puts(out, "nothing in the history\n");
}

static void put_rule(assay_buf *out, const assay_alert_rules *rules, const assay_alert_rule *rule, const known *k) {
  size_t count = 0;
  assay_buf_printf(out, "%s (line %d): ", rule->name, rule->line);
  put_amounts(out, rule);
  if (rule->description != NULL) assay_buf_printf(out, "; %s", rule->description);
  assay_buf_puts(out, "\n  applies to ");
  for (size_t i = 0; i < k->count; i++) count += applies(rules, rule, &k->items[i]);
  if (count == 0) {
    put_why_not(out, rules, rule, k);
    return;
  }
  assay_buf_printf(out, "%zu: ", count);
  size_t shown = 0;
  for (size_t i = 0; i < k->count && shown < SHOWN; i++) {
    const series *s = &k->items[i];
    if (!applies(rules, rule, s)) continue;
    assay_buf_printf(out, "%s%s/%s:%s", shown++ > 0 ? ", " : "", s->suite, s->benchmark, s->metric);
  }
  assay_buf_puts(out, count > shown ? ", ...\n" : "\n");
}

static const char *medium_text(assay_alert_medium medium) {
  static const char *const texts[] = {"file", "command", "webhook"};
  return texts[medium];
}

static void put_check(assay_buf *out, const assay_alert_rules *rules, const known *k) {
  assay_buf text = {0};
  for (size_t i = 0; i < rules->count; i++) put_rule(&text, rules, &rules->items[i], k);
  if (rules->channel_count == 0) assay_buf_puts(&text, "no channels: alerts are only kept in the history and printed\n");
  for (size_t i = 0; i < rules->channel_count; i++) {
    const assay_alert_channel *channel = &rules->channels[i];
    assay_buf_printf(&text, "%s: ", medium_text(channel->medium));
    assay_alert_channel_shown(channel, &text);
    assay_buf_printf(&text, "%s%s\n", channel->least == ASSAY_ALERT_CRITICAL ? ", critical only" : "",
                     channel->resolved ? ", told of resolved ones too" : "");
  }
  if (text.data != NULL) assay_cli_put_lines(out, text.data);
  assay_buf_deinit(&text);
}

static void put_rule_json(assay_json *json, const assay_alert_rules *rules, const assay_alert_rule *rule, const known *k) {
  assay_json_object(json);
  assay_json_put_string(json, "name", rule->name);
  assay_json_key(json, "line");
  assay_json_int(json, rule->line);
  assay_json_key(json, "off");
  assay_json_bool(json, rule->off);
  assay_json_put_string(json, "warning", rule->warning.text);
  assay_json_put_string(json, "critical", rule->critical.text);
  assay_json_key(json, "applies_to");
  assay_json_array(json);
  for (size_t i = 0; i < k->count; i++) {
    char name[3 * ASSAY_NAME_MAX];
    if (!applies(rules, rule, &k->items[i])) continue;
    snprintf(name, sizeof name, "%s/%s:%s", k->items[i].suite, k->items[i].benchmark, k->items[i].metric);
    assay_json_string(json, name);
  }
  assay_json_end(json);
  assay_json_end(json);
}

static void put_check_json(assay_buf *out, const assay_alert_rules *rules, const known *k) {
  assay_json json = {.out = out, .indent = 2};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-alert-rules/1");
  assay_json_key(&json, "rules");
  assay_json_array(&json);
  for (size_t i = 0; i < rules->count; i++) put_rule_json(&json, rules, &rules->items[i], k);
  assay_json_end(&json);
  assay_json_key(&json, "channels");
  assay_json_array(&json);
  for (size_t i = 0; i < rules->channel_count; i++) assay_json_string(&json, medium_text(rules->channels[i].medium));
  assay_json_end(&json);
  assay_json_end(&json);
}

static int check(assay_cli *cli, const void *raw) {
  const assay_cli_alerts_settings *settings = raw;
  assay_error err = {0}, none = {0};
  assay_alert_rules *rules = NULL;
  assay_history *history = NULL;
  known k = {0};
  assay_buf out = {0};
  assay_status status = assay_alert_rules_read(cli->operands[0], &err, &rules);
  /* Rules can be read before anything was measured. */
  if (status == ASSAY_OK) status = assay_cli_alerts_open(cli, settings, false, &none, &history);
  if (status == ASSAY_ERR_NOT_FOUND && rules != NULL && settings->history == NULL)
    status = ASSAY_OK;
  else if (status != ASSAY_OK && rules != NULL)
    ASSAY_FAIL(&err, status, "%s", none.message);
  if (status == ASSAY_OK && history != NULL) status = load_known(cli, history, &k, &err);
  if (status == ASSAY_OK && settings->json) put_check_json(&out, rules, &k);
  if (status == ASSAY_OK && !settings->json) put_check(&out, rules, &k);
  int code = status == ASSAY_OK ? assay_cli_print(cli, out.data) : assay_cli_fail(cli, &err);
  assay_buf_deinit(&out);
  assay_history_close(history);
  assay_alert_rules_destroy(rules);
  return code;
}

static const assay_cli_option check_options[] = {
    ASSAY_ALERTS_WHERE, {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", ASSAY_ALERTS_AT(json)}, ASSAY_CLI_END};
static const assay_cli_example check_examples[] = {{"what would these rules watch?", "alerts check alerts.yaml"}, {0}};
const assay_cli_verb assay_cli_alerts_check = {
    .name = "alerts check",
    .summary = "Read a file of alert rules and say what it comes to.",
    .details = "For each rule: its levels, and the benchmarks of the history that it is in charge of.",
    .operands = "RULES",
    .operands_least = 1,
    .operands_most = 1,
    .operand_hint = ASSAY_CLI_FILE,
    .options = check_options,
    .examples = check_examples,
    .settings_size = sizeof(assay_cli_alerts_settings),
    .run = check};

/* ---- test ---------------------------------------------------------------------------------------------------------------------------- */

static int test(assay_cli *cli, const void *raw) {
  const assay_cli_alerts_settings *settings = raw;
  assay_error err = {0};
  assay_alert_rules *rules = NULL;
  assay_status status = assay_alert_rules_read(cli->operands[0], &err, &rules);
  if (status == ASSAY_OK && rules->channel_count == 0)
    status = ASSAY_FAIL(&err, ASSAY_ERR_INVALID, "%s has no channels to test; see `help alerts test`", cli->operands[0]);
  assay_check *checks = status == ASSAY_OK ? assay_arena_alloc(&cli->arena, rules->channel_count, sizeof *checks) : NULL;
  if (status == ASSAY_OK && checks == NULL) status = ASSAY_FAIL(&err, ASSAY_ERR_NO_MEMORY, "out of memory");
  if (status != ASSAY_OK) {
    assay_alert_rules_destroy(rules);
    return assay_cli_fail(cli, &err);
  }
  assay_alert alert = {.id = "0000000000000000",
                       .level = ASSAY_ALERT_WARNING,
                       .title = "A test of the alert channels: nothing is wrong",
                       .opened_at_s = assay_os_wall_s(),
                       .updated_at_s = assay_os_wall_s(),
                       .change_ratio = NAN,
                       .ci_low = NAN,
                       .ci_high = NAN,
                       .noise_floor = NAN};
  for (size_t i = 0; i < rules->channel_count; i++) {
    const assay_alert_channel *channel = &rules->channels[i];
    assay_error problem = {0};
    bool sent = assay_alert_try(rules, i, &alert, &problem) == ASSAY_OK;
    assay_buf target = {0};
    assay_alert_channel_shown(channel, &target);
    checks[i] = (assay_check){.suite = "alerts",
                              .name = assay_arena_strdup(&cli->arena, channel->name != channel->target ? channel->name : target.data),
                              .status = sent ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL,
                              .expected = "delivered",
                              .measured = sent ? "delivered" : "not delivered",
                              .cause = sent ? NULL : assay_arena_strdup(&cli->arena, problem.message)};
    assay_buf_deinit(&target);
  }
  assay_check_list shown = {.items = checks, .count = rules->channel_count};
  int code = assay_cli_show_checks(cli, &shown, settings->json ? "assay-alert-test/1" : NULL, settings->color);
  assay_alert_rules_destroy(rules);
  return code;
}

static const assay_cli_option test_options[] = {{"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", ASSAY_ALERTS_AT(json)},
                                                {"color", 0, ASSAY_CLI_TEXT, "WHEN", "auto", .choices = assay_cli_color_choices,
                                                 .help = "Colour of the table.", ASSAY_ALERTS_AT(color)},
                                                ASSAY_CLI_END};
static const assay_cli_example test_examples[] = {{"does the webhook work?", "alerts test alerts.yaml"}, {0}};
const assay_cli_verb assay_cli_alerts_test = {.name = "alerts test",
                                              .summary = "Send a test alert through each channel of the rules.",
                                              .operands = "RULES",
                                              .operands_least = 1,
                                              .operands_most = 1,
                                              .operand_hint = ASSAY_CLI_FILE,
                                              .options = test_options,
                                              .examples = test_examples,
                                              .settings_size = sizeof(assay_cli_alerts_settings),
                                              .run = test};

/* SPDX-License-Identifier: MIT */
/* What the texts of a rules file mean. docs/alerts.md is the description of this. */
#include "judge/alert_rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "judge/alert_tree.h"
#include "os/prim.h"

enum { MOST_CHANNELS = 32, LONGEST_TIMEOUT_S = 30 };
static const double TIMEOUT_S = 10;

/* Names that people give to rules, beside metrics and kinds. The first three are those of row H11. */
#define TIMES (1u << ASSAY_KIND_TIME | 1u << ASSAY_KIND_LATENCY)
static const struct alias {
  const char *name;
  unsigned kinds;
  const char *pattern;
} aliases[] = {
    {"compilation_time", TIMES, "*[Cc]ompil*"},
    {"memory_usage", 1u << ASSAY_KIND_MEMORY, NULL},
    {"energy_efficiency", 1u << ASSAY_KIND_ENERGY, NULL},
    {"compile_time", TIMES, "*[Cc]ompil*"},
    {"inference_time", TIMES, "*[Ii]nfer*"},
    {"training_time", TIMES, "*[Tt]rain*"},
    {"execution_time", 1u << ASSAY_KIND_TIME, NULL},
    {"response_time", 1u << ASSAY_KIND_LATENCY, NULL},
    {"memory_footprint", 1u << ASSAY_KIND_MEMORY, NULL},
    {"energy_consumption", 1u << ASSAY_KIND_ENERGY, NULL},
};

typedef struct reader {
  const assay_alert_tree *tree;
  assay_alert_rules *rules;
  assay_error *err;
} reader;

#define FAIL_AT(r, node, ...) assay_alert_tree_fail((r)->tree, (node)->line, (node)->column, (r)->err, __VA_ARGS__)
#define FAIL_AT_KEY(r, node, ...) assay_alert_tree_fail((r)->tree, (node)->key_line, (node)->key_column, (r)->err, __VA_ARGS__)

/* ---- Small parts ---------------------------------------------------------------------------------------------------------------- */

static const char *keep(reader *r, const char *text) { return assay_arena_strdup(&r->rules->arena, text); }

/* Also 'warn' for 'warning': short forms are further from a word than slips of the pen are. */
static const char *nearest_key(const char *key, const char *const *known) {
  const char *nearest = assay_nearest_word(key, known);
  for (const char *const *word = known; nearest == NULL && *word != NULL && strlen(key) >= 3; word++)
    if (strncmp(*word, key, strlen(key)) == 0) nearest = *word;
  return nearest;
}

static assay_status check_keys(reader *r, const assay_alert_node *map, const char *const *known) {
  for (const assay_alert_node *node = map->child; node != NULL; node = node->next) {
    const char *const *word = known;
    while (*word != NULL && strcmp(*word, node->key) != 0) word++;
    if (*word != NULL) continue;
    const char *nearest = nearest_key(node->key, known);
    if (nearest != NULL) return FAIL_AT_KEY(r, node, "unknown key '%.60s'; did you mean '%s'?", node->key, nearest);
    assay_buf list = {0};
    for (word = known; *word != NULL; word++) assay_buf_printf(&list, "%s%s", word == known ? "" : ", ", *word);
    assay_status status = FAIL_AT_KEY(r, node, "unknown key '%.60s'; known are %s", node->key, list.data != NULL ? list.data : "others");
    assay_buf_deinit(&list);
    return status;
  }
  return ASSAY_OK;
}

static const assay_alert_node *find(const assay_alert_node *map, const char *key) {
  for (const assay_alert_node *node = map->child; node != NULL; node = node->next)
    if (strcmp(node->key, key) == 0) return node;
  return NULL;
}

/* The text of a key; NULL stays where it is missing. */
static assay_status take_text(reader *r, const assay_alert_node *map, const char *key, const char **out) {
  const assay_alert_node *node = find(map, key);
  if (node == NULL) return ASSAY_OK;
  if (node->shape != ASSAY_ALERT_TEXT || node->text[0] == '\0')
    return FAIL_AT(r, node, "%s: expected text, found %s", key, node->shape == ASSAY_ALERT_TEXT ? "nothing" : assay_alert_shape_text(node));
  *out = keep(r, node->text);
  return ASSAY_OK;
}

static assay_status take_bool(reader *r, const assay_alert_node *map, const char *key, bool *out) {
  static const char *const texts[] = {"false", "true", "no", "yes", "off", "on"};
  const assay_alert_node *node = find(map, key);
  if (node == NULL) return ASSAY_OK;
  for (size_t i = 0; node->shape == ASSAY_ALERT_TEXT && i < sizeof texts / sizeof *texts; i++) {
    if (strcmp(node->text, texts[i]) != 0) continue;
    *out = i % 2 == 1;
    return ASSAY_OK;
  }
  return FAIL_AT(r, node, "%s: expected true or false", key);
}

/* ---- Rules ---------------------------------------------------------------------------------------------------------------------- */

static assay_status read_amount(reader *r, const assay_alert_node *node, const char *what, assay_alert_amount *amount) {
  assay_error problem = {0};
  if (node->shape != ASSAY_ALERT_TEXT || node->text[0] == '\0')
    return FAIL_AT(r, node, "%s: expected a share such as 20%% or an amount such as 100MB, found %s", what,
                   node->shape == ASSAY_ALERT_TEXT ? "nothing" : assay_alert_shape_text(node));
  if (assay_parse_value(node->text, &problem, &amount->value, &amount->unit) != ASSAY_OK)
    return FAIL_AT(r, node, "%s: %s", what, problem.message);
  amount->relative = strcmp(amount->unit, "ratio") == 0;
  amount->text = keep(r, node->text);
  if (!(amount->value > 0))
    return FAIL_AT(r, node, "%s: '%.40s' is not more than nothing; every change would be an alert", what, node->text);
  if (amount->unit[0] == '\0' && amount->value != floor(amount->value))
    return FAIL_AT(r, node, "%s: '%.40s' has no unit; write %g%% for a share, or a unit such as 100MB or 10ms", what, node->text,
                   amount->value * 100);
  return ASSAY_OK;
}

/* What the name of a rule stands for, unless `metric` or `kind` say it. */
static void read_name(assay_alert_rule *rule) {
  assay_metric_kind kind;
  if (strpbrk(rule->name, "*?[/:") != NULL) {
    rule->pattern = rule->name;
    return;
  }
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
    if (strcmp(rule->name, aliases[i].name) != 0) continue;
    rule->kinds = aliases[i].kinds;
    rule->pattern = aliases[i].pattern;
    rule->or_metric = rule->name;
    return;
  }
  if (assay_metric_kind_parse(rule->name, &kind)) {
    rule->kinds = 1u << kind;
    rule->or_metric = rule->name;
    return;
  }
  rule->metric = rule->name;
}

static assay_status read_kind(reader *r, const assay_alert_node *map, assay_alert_rule *rule) {
  static const char *const kinds[] = {"time", "latency", "throughput", "accuracy", "error_rate", "memory", "energy", "count", NULL};
  const char *text = NULL;
  assay_metric_kind kind;
  assay_status status = take_text(r, map, "kind", &text);
  if (status != ASSAY_OK || text == NULL) return status;
  if (assay_metric_kind_parse(text, &kind)) {
    rule->kinds = 1u << kind;
    return ASSAY_OK;
  }
  const char *nearest = assay_nearest_word(text, kinds);
  return FAIL_AT(r, find(map, "kind"),
                 "there is no kind of metric '%.40s'; did you mean '%s'? (time, latency, throughput, accuracy, "
                 "error_rate, memory, energy or count)",
                 text, nearest != NULL ? nearest : "time");
}

static assay_status read_levels(reader *r, const assay_alert_node *map, assay_alert_rule *rule) {
  const assay_alert_node *warning = find(map, "warning"), *critical = find(map, "critical");
  assay_status status = ASSAY_OK;
  if (warning == NULL && critical == NULL)
    return FAIL_AT_KEY(r, map, "'%.60s' needs warning or critical, such as warning: 20%%", rule->name);
  if (warning != NULL) status = read_amount(r, warning, "warning", &rule->warning);
  if (status == ASSAY_OK && critical != NULL) status = read_amount(r, critical, "critical", &rule->critical);
  if (status != ASSAY_OK || warning == NULL || critical == NULL) return status;
  if (strcmp(rule->warning.unit, rule->critical.unit) == 0 && rule->critical.value < rule->warning.value)
    return FAIL_AT(r, critical, "critical (%.40s) is less than warning (%.40s)", rule->critical.text, rule->warning.text);
  return ASSAY_OK;
}

static assay_status read_body(reader *r, const assay_alert_node *map, assay_alert_rule *rule) {
  static const char *const known[] = {"warning", "critical", "benchmark", "metric", "kind", "description", NULL};
  assay_status status = check_keys(r, map, known);
  if (find(map, "metric") == NULL && find(map, "kind") == NULL) read_name(rule);
  if (status == ASSAY_OK && find(map, "benchmark") != NULL && rule->pattern == rule->name)
    status = FAIL_AT(r, find(map, "benchmark"), "'%.60s' is a glob over benchmarks already; give the rule another name, or drop benchmark",
                     rule->name);
  if (status == ASSAY_OK) status = take_text(r, map, "benchmark", &rule->benchmark);
  if (status == ASSAY_OK) status = take_text(r, map, "metric", &rule->metric);
  if (status == ASSAY_OK) status = take_text(r, map, "description", &rule->description);
  if (status == ASSAY_OK) status = read_kind(r, map, rule);
  return status == ASSAY_OK ? read_levels(r, map, rule) : status;
}

static bool means_off(const assay_alert_node *node) {
  return node->shape == ASSAY_ALERT_TEXT &&
         (strcmp(node->text, "off") == 0 || strcmp(node->text, "false") == 0 || strcmp(node->text, "none") == 0);
}

static assay_status read_rule(reader *r, const assay_alert_node *node, assay_alert_rule *rule) {
  rule->name = keep(r, node->key);
  rule->line = node->key_line;
  if (rule->name == NULL) return ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
  if (rule->name[0] == '\0') return FAIL_AT_KEY(r, node, "a rule needs a name: a metric, a kind of metric or a glob");
  if (node->shape == ASSAY_ALERT_MAP) return read_body(r, node, rule);
  if (node->shape == ASSAY_ALERT_LIST) return FAIL_AT(r, node, "'%.60s': expected warning and critical, found a list", rule->name);
  read_name(rule);
  rule->off = means_off(node);
  return rule->off ? ASSAY_OK : read_amount(r, node, "warning", &rule->warning);
}

static assay_status read_alerts(reader *r, const assay_alert_node *map) {
  if (map->shape != ASSAY_ALERT_MAP)
    return FAIL_AT(r, map, "alerts: expected rules (a name with warning and critical below it), found %s", assay_alert_shape_text(map));
  r->rules->items = assay_arena_alloc(&r->rules->arena, map->count + 1, sizeof *r->rules->items);
  if (r->rules->items == NULL) return ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
  for (const assay_alert_node *node = map->child; node != NULL; node = node->next) {
    assay_status status = read_rule(r, node, &r->rules->items[r->rules->count++]);
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}

/* ---- Channels ------------------------------------------------------------------------------------------------------------------- */

static assay_status read_words(reader *r, const assay_alert_node *list, const char *what, const char *const **out) {
  const char **words = assay_arena_alloc(&r->rules->arena, list->count + 1, sizeof *words);
  if (words == NULL) return ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
  size_t count = 0;
  for (const assay_alert_node *node = list->child; node != NULL; node = node->next) {
    if (node->shape != ASSAY_ALERT_TEXT) return FAIL_AT(r, node, "%s: expected text, found %s", what, assay_alert_shape_text(node));
    words[count++] = keep(r, node->text);
  }
  if (count == 0 || words[0] == NULL || words[0][0] == '\0') return FAIL_AT(r, list, "%s: an empty list", what);
  *out = words;
  return ASSAY_OK;
}

/* Beside the rules, wherever Assay is started. */
static const char *beside(reader *r, const char *path) {
  const char *slash = strrchr(r->tree->name, '/');
  if (path[0] == '/' || slash == NULL) return keep(r, path);
  return assay_arena_printf(&r->rules->arena, "%.*s/%s", (int)(slash - r->tree->name), r->tree->name, path);
}

static assay_status read_target(reader *r, const assay_alert_node *node, assay_alert_channel *channel) {
  if (node->shape == ASSAY_ALERT_LIST && channel->medium == ASSAY_ALERT_COMMAND) {
    assay_status status = read_words(r, node, "command", &channel->words);
    if (status == ASSAY_OK) channel->target = channel->words[0];
    return status;
  }
  if (node->shape != ASSAY_ALERT_TEXT || node->text[0] == '\0')
    return FAIL_AT(r, node, "%s: expected %s, found %s", node->key,
                   channel->medium == ASSAY_ALERT_COMMAND   ? "a list of words, or a line for the shell"
                   : channel->medium == ASSAY_ALERT_WEBHOOK ? "a URL"
                                                            : "a path",
                   assay_alert_shape_text(node));
  if (channel->medium == ASSAY_ALERT_WEBHOOK && strncmp(node->text, "http://", 7) != 0 && strncmp(node->text, "https://", 8) != 0)
    return FAIL_AT(r, node, "webhook: '%.80s' is no URL that begins with http:// or https://", node->text);
  channel->target = channel->medium == ASSAY_ALERT_FILE ? beside(r, node->text) : keep(r, node->text);
  return channel->target != NULL ? ASSAY_OK : ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
}

static assay_status read_timeout(reader *r, const assay_alert_node *map, assay_alert_channel *channel) {
  const assay_alert_node *node = find(map, "timeout");
  const char *unit = "";
  double value = 0;
  if (node == NULL) return ASSAY_OK;
  bool is_value = node->shape == ASSAY_ALERT_TEXT && assay_parse_value(node->text, NULL, &value, &unit) == ASSAY_OK;
  if (is_value && strcmp(unit, "ns") == 0) value /= 1e9;
  if (!is_value || (strcmp(unit, "ns") != 0 && unit[0] != '\0') || !(value >= 0.1 && value <= LONGEST_TIMEOUT_S))
    return FAIL_AT(r, node, "timeout: expected a time from 100ms to %ds", LONGEST_TIMEOUT_S);
  channel->timeout_s = value;
  return ASSAY_OK;
}

static assay_status read_attempts(reader *r, const assay_alert_node *map, assay_alert_channel *channel) {
  const assay_alert_node *node = find(map, "attempts");
  uint64_t value = 0;
  if (node == NULL) return ASSAY_OK;
  if (node->shape != ASSAY_ALERT_TEXT || !assay_parse_u64(node->text, &value) || value < 1 || value > 10)
    return FAIL_AT(r, node, "attempts: expected a whole number from 1 to 10");
  channel->attempts = (unsigned)value;
  return ASSAY_OK;
}

static assay_status read_least(reader *r, const assay_alert_node *map, assay_alert_channel *channel) {
  const char *text = NULL;
  assay_status status = take_text(r, map, "level", &text);
  if (status != ASSAY_OK || text == NULL) return status;
  if (strcmp(text, "critical") == 0)
    channel->least = ASSAY_ALERT_CRITICAL;
  else if (strcmp(text, "warning") != 0)
    return FAIL_AT(r, find(map, "level"), "level: expected warning or critical");
  return ASSAY_OK;
}

static assay_status read_options(reader *r, const assay_alert_node *map, assay_alert_channel *channel) {
  const assay_alert_node *headers = find(map, "headers");
  assay_status status = read_timeout(r, map, channel);
  if (status == ASSAY_OK) status = read_attempts(r, map, channel);
  if (status == ASSAY_OK) status = read_least(r, map, channel);
  if (status == ASSAY_OK) status = take_bool(r, map, "resolved", &channel->resolved);
  if (status == ASSAY_OK) status = take_text(r, map, "name", &channel->name);
  if (status != ASSAY_OK || headers == NULL) return status;
  if (channel->medium != ASSAY_ALERT_WEBHOOK) return FAIL_AT_KEY(r, headers, "only a webhook has headers");
  if (headers->shape != ASSAY_ALERT_LIST)
    return FAIL_AT(r, headers, "headers: expected a list such as [\"Authorization: Bearer ${TOKEN}\"]");
  status = read_words(r, headers, "headers", &channel->headers);
  const assay_alert_node *node = headers->child;
  for (; status == ASSAY_OK && node != NULL; node = node->next)
    if (strchr(node->text, ':') == NULL || strpbrk(node->text, "\r\n") != NULL)
      status = FAIL_AT(r, node, "headers: expected \"Name: value\" on one line");
  return status;
}

static assay_status read_channel(reader *r, const assay_alert_node *map, assay_alert_channel *channel) {
  static const char *const known[] = {"file", "command", "webhook", "name", "timeout", "attempts", "level", "resolved", "headers", NULL};
  const assay_alert_node *target = NULL;
  if (map->shape != ASSAY_ALERT_MAP)
    return FAIL_AT(r, map, "channels: expected file, command or webhook with its target, such as file: alerts.jsonl");
  assay_status status = check_keys(r, map, known);
  if (status != ASSAY_OK) return status;
  for (int medium = ASSAY_ALERT_FILE; medium <= ASSAY_ALERT_WEBHOOK; medium++) {
    const assay_alert_node *node = find(map, known[medium]);
    if (node == NULL) continue;
    if (target != NULL) return FAIL_AT_KEY(r, node, "a channel is one of file, command and webhook; '%s' starts another one", node->key);
    target = node;
    channel->medium = (assay_alert_medium)medium;
  }
  if (target == NULL) return FAIL_AT(r, map, "a channel needs one of file, command and webhook");
  channel->timeout_s = TIMEOUT_S;
  channel->attempts = channel->medium == ASSAY_ALERT_WEBHOOK ? 3 : 2;
  status = read_target(r, target, channel);
  if (status == ASSAY_OK) status = read_options(r, map, channel);
  if (status == ASSAY_OK && channel->name == NULL) channel->name = channel->target;
  return status;
}

static assay_status read_channels(reader *r, const assay_alert_node *list) {
  if (list->shape != ASSAY_ALERT_LIST)
    return FAIL_AT(r, list, "channels: expected a list (- file: alerts.jsonl), found %s", assay_alert_shape_text(list));
  if (list->count > MOST_CHANNELS) return FAIL_AT(r, list, "more than %d channels", MOST_CHANNELS);
  r->rules->channels = assay_arena_alloc(&r->rules->arena, list->count + 1, sizeof *r->rules->channels);
  if (r->rules->channels == NULL) return ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
  for (const assay_alert_node *node = list->child; node != NULL; node = node->next) {
    assay_status status = read_channel(r, node, &r->rules->channels[r->rules->channel_count++]);
    if (status != ASSAY_OK) return status;
  }
  return ASSAY_OK;
}

/* ---- The file ------------------------------------------------------------------------------------------------------------------- */

static assay_status read_root(reader *r) {
  static const char *const known[] = {"alerts", "channels", NULL};
  const assay_alert_node *root = r->tree->root;
  if (root->shape != ASSAY_ALERT_MAP)
    return FAIL_AT(r, root, "expected alerts: with rules below it, found %s", assay_alert_shape_text(root));
  assay_status status = check_keys(r, root, known);
  const assay_alert_node *alerts = find(root, "alerts"), *channels = find(root, "channels");
  if (status == ASSAY_OK && alerts == NULL) status = FAIL_AT(r, root, "there are no rules: expected alerts:");
  if (status == ASSAY_OK) status = read_alerts(r, alerts);
  if (status == ASSAY_OK && channels != NULL) status = read_channels(r, channels);
  if (status == ASSAY_OK && r->rules->arena.failed) status = ASSAY_FAIL(r->err, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
  return status;
}

assay_status assay_alert_rules_parse(const char *text, size_t length, const char *name, bool toml, assay_error *err,
                                     assay_alert_rules **rules) {
  assay_alert_tree tree;
  assay_status status = assay_alert_tree_parse(text, length, name, toml, err, &tree);
  if (status != ASSAY_OK) return status;
  assay_alert_rules *made = assay_calloc(ASSAY_TAG_RESULT, 1, sizeof *made);
  if (made == NULL) {
    assay_alert_tree_deinit(&tree);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for alert rules");
  }
  assay_arena_init(&made->arena, ASSAY_TAG_RESULT);
  made->path = assay_arena_strdup(&made->arena, name);
  reader r = {.tree = &tree, .rules = made, .err = err};
  status = read_root(&r);
  assay_alert_tree_deinit(&tree);
  if (status == ASSAY_OK)
    *rules = made;
  else
    assay_alert_rules_destroy(made);
  return status;
}

assay_status assay_alert_rules_read(const char *path, assay_error *err, assay_alert_rules **rules) {
  char *text = NULL;
  size_t length = 0, name = strlen(path);
  assay_status status = assay_os_read_file(path, ASSAY_ALERT_FILE_BYTES, err, &text, &length);
  if (status != ASSAY_OK) return status;
  bool toml = name > 5 && strcmp(path + name - 5, ".toml") == 0;
  status = assay_alert_rules_parse(text, length, path, toml, err, rules);
  assay_free(text);
  return status;
}

void assay_alert_rules_destroy(assay_alert_rules *rules) {
  if (rules == NULL) return;
  assay_arena_deinit(&rules->arena);
  assay_free(rules);
}

/* ---- Asking --------------------------------------------------------------------------------------------------------------------- */

/* Text without a wildcard means that text, not "anywhere inside". */
static bool matches_whole(const char *pattern, const char *text) {
  return strpbrk(pattern, "*?[") != NULL ? assay_glob_match(pattern, text) : strcmp(pattern, text) == 0;
}

/* The same for a benchmark: "suite/name", or the name alone, and with `metric` those with ":metric" behind. */
static bool matches_benchmark(const char *pattern, const char *suite, const char *name, const char *metric) {
  if (strpbrk(pattern, "*?[") != NULL) return assay_glob_match_benchmark(pattern, suite, name, metric);
  char full[3 * ASSAY_NAME_MAX];
  snprintf(full, sizeof full, "%s/%s", suite, name);
  if (strcmp(pattern, full) == 0 || strcmp(pattern, name) == 0) return true;
  if (metric == NULL) return false;
  snprintf(full, sizeof full, "%s/%s:%s", suite, name, metric);
  return strcmp(pattern, full) == 0 || strcmp(pattern, full + strlen(suite) + 1) == 0;
}

bool assay_alert_rule_matches(const assay_alert_rule *rule, const char *suite, const char *benchmark, const char *metric,
                              assay_metric_kind kind) {
  if (rule->benchmark != NULL && !matches_benchmark(rule->benchmark, suite, benchmark, NULL)) return false;
  if (rule->or_metric != NULL && strcmp(metric, rule->or_metric) == 0) return true;
  if (rule->kinds != 0 && (rule->kinds & 1u << kind) == 0) return false;
  if (rule->metric != NULL && !matches_whole(rule->metric, metric)) return false;
  return rule->pattern == NULL || matches_benchmark(rule->pattern, suite, benchmark, metric);
}

const assay_alert_rule *assay_alert_rule_for(const assay_alert_rules *rules, const char *suite, const char *benchmark, const char *metric,
                                             assay_metric_kind kind) {
  for (size_t i = rules->count; i-- > 0;)
    if (assay_alert_rule_matches(&rules->items[i], suite, benchmark, metric, kind)) return &rules->items[i];
  return NULL;
}

bool assay_alert_amount_fits(const assay_alert_amount *amount, const char *unit, assay_metric_kind kind) {
  if (amount->text == NULL) return false;
  if (amount->relative) return true;
  return amount->unit[0] == '\0' ? kind == ASSAY_KIND_COUNT : unit != NULL && strcmp(amount->unit, unit) == 0;
}

bool assay_alert_amount_reached(const assay_alert_amount *amount, double before, double after, const char *unit, assay_metric_kind kind,
                                assay_better better, double share) {
  if (!assay_alert_amount_fits(amount, unit, kind)) return false;
  double worse = better == ASSAY_LOWER ? after - before : before - after, limit = amount->value * share;
  /* The same as the judge: error rates move in points, all others in shares of what was before. */
  if (amount->relative && kind != ASSAY_KIND_ERROR_RATE) limit *= fabs(before);
  return worse > 0 && worse >= limit * (1 - 1e-9);
}

bool assay_alert_rule_level(const assay_alert_rule *rule, double before, double after, const char *unit, assay_metric_kind kind,
                            assay_better better, assay_alert_level *level) {
  if (rule->off) return false;
  if (assay_alert_amount_reached(&rule->critical, before, after, unit, kind, better, 1)) {
    *level = ASSAY_ALERT_CRITICAL;
    return true;
  }
  *level = ASSAY_ALERT_WARNING;
  return assay_alert_amount_reached(&rule->warning, before, after, unit, kind, better, 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * assay/alerts.h: rules that turn changes into alerts, one a cause, and the channels that carry them (docs/alerts.md).
 *
 *     assay_alert_rules *rules = NULL;
 *     assay_alert_rules_read("alerts.yaml", &err, &rules);
 *     assay_alerts *alerts = NULL;
 *     assay_alerts_context context = {.before = before, .after = after};
 *     assay_alerts_find(rules, changes, &context, history, &err, &alerts); // new ones, and what became of those that are open
 *     assay_alerts_send(alerts, rules, history, &err);                     // command, webhook, file
 *     assay_alerts_destroy(alerts);
 *
 * Thread-safety: rules are read-only once read; the rest belongs to one thread.
 */
#ifndef ASSAY_ALERTS_H
#define ASSAY_ALERTS_H

#include <assay/compare.h>
#include <assay/history.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_alert_rules assay_alert_rules;

/*
 * YAML (.yaml, .yml) or TOML (.toml), docs/alerts.md has all of it:
 *     alerts:
 *       compilation_time:              # a metric, a kind of metric, a glob over "suite/benchmark:metric", or an alias
 *         warning: 20%                 # relative: this much worse than before
 *         critical: 50%
 *       memory_usage:
 *         warning: 100MB               # absolute: this much above before
 *     channels:
 *       - file: alerts.jsonl
 *       - command: ["notify-send", "{title}"]
 *       - webhook: https://example.org/hook
 * Of several rules for one metric of a benchmark the last one counts. ASSAY_ERR_PARSE names file, line and column.
 */
ASSAY_API assay_status assay_alert_rules_read(const char *path, assay_error *err, assay_alert_rules **rules);
ASSAY_API void assay_alert_rules_destroy(assay_alert_rules *rules); /* accepts NULL */

typedef enum assay_alert_level { ASSAY_ALERT_WARNING, ASSAY_ALERT_CRITICAL } assay_alert_level;
typedef enum assay_alert_state { ASSAY_ALERT_OPEN, ASSAY_ALERT_ACKNOWLEDGED, ASSAY_ALERT_MUTED, ASSAY_ALERT_RESOLVED } assay_alert_state;

/* One cause: the benchmarks that moved together. */
typedef struct assay_alert {
  char id[17];
  assay_alert_level level;
  assay_alert_state state;
  /* This look opened it, saw it rise to critical, found its acknowledgement or mute over, or resolved it. Only such alerts are sent. */
  bool is_new;
  const char *title;                                 /* one line: what, how much, since which commit */
  const char *reason;                                /* of an acknowledgement or mute; NULL: none */
  char machine_id[17];                               /* "" when unknown */
  int64_t opened_at_s, updated_at_s, until_s;        /* until_s: end of an acknowledgement or mute; 0: none */
  char commit_from[41], commit_to[41];               /* the change lies after the first and not after the second; "" when unknown */
  double change_ratio, ci_low, ci_high, noise_floor; /* of the benchmark that moved most surely; NaN: not known */
  size_t change_count;
  struct assay_alert_change {
    const char *suite, *benchmark, *metric, *unit;
    assay_metric_kind kind;
    assay_better better;
    assay_alert_level level;
    bool gone; /* its latest figure is back where it was */
    double before, after, latest, change_ratio, ci_low, ci_high, noise_floor;
  } * changes; /* largest first */
} assay_alert;

typedef struct assay_alerts {
  assay_alert *items;
  size_t count;
  void *storage; /* private */
} assay_alerts;

typedef struct assay_alerts_context {
  const assay_result *before, *after; /* what the changes compare: their commits, machine and figures; NULL: not known */
  int64_t now_s;                      /* seconds since 1970; 0: the clock */
} assay_alerts_context;

/*
 * Groups what the rules object to into alerts, one a cause, keeps them in the history (NULL: not kept), marks those resolved that are gone.
 * An alert is a change that is WORSE or CRITICAL and beyond the level of its rule. The answer has those that this look opened, changed or
 * resolved, and those that are still open, the gravest first. `context` may be NULL.
 */
ASSAY_API assay_status assay_alerts_find(const assay_alert_rules *rules, const assay_changes *changes, const assay_alerts_context *context,
                                         assay_history *history, assay_error *err, assay_alerts **alerts);
/* What the history holds; `all`: resolved ones too. Newest first. */
ASSAY_API assay_status assay_alerts_list(assay_history *history, bool all, assay_error *err, assay_alerts **alerts);
/*
 * Sends new alerts through every channel of the rules. A channel that fails is tried again, then said in the error; the others are served
 * all the same. What could not be delivered waits in the history (NULL: is lost) for the next call. Blocks no longer than 30 s in all.
 */
ASSAY_API assay_status assay_alerts_send(const assay_alerts *alerts, const assay_alert_rules *rules, assay_history *history,
                                         assay_error *err);
ASSAY_API void assay_alerts_destroy(assay_alerts *alerts); /* accepts NULL */

/* "warning", "critical"; "open", "acknowledged", "muted", "resolved". Never NULL. */
ASSAY_API const char *assay_alert_level_text(assay_alert_level level);
ASSAY_API const char *assay_alert_state_text(assay_alert_state state);
/* One alert as JSON on one line, schema "assay-alert/1": what channels carry and the history keeps. `limit`: at most so many changes (0:
 * all). Free with assay_string_free. */
ASSAY_API assay_status assay_alert_to_json(const assay_alert *alert, size_t limit, assay_error *err, char **json);

/* An acknowledged alert is not sent again until it rises to critical or `until_s` (0: for good) is over. `id`: or its unique start of at
 * least four digits. */
ASSAY_API assay_status assay_alert_acknowledge(assay_history *history, const char *id, int64_t until_s, const char *reason,
                                               assay_error *err);

/* Benchmarks whose "suite/name" or "suite/name:metric" (with or without the suite) matches make no alerts until then. `until_s` 0 takes the
 * mute away (ASSAY_ERR_NOT_FOUND when there is none). */
ASSAY_API assay_status assay_alert_mute(assay_history *history, const char *glob, int64_t until_s, const char *reason, assay_error *err);

typedef struct assay_alert_mute_entry {
  const char *glob, *reason; /* reason NULL: none */
  int64_t until_s;
} assay_alert_mute_entry;
/* Those that are not over, by glob. Free with assay_alert_mutes_free. */
ASSAY_API assay_status assay_alert_mutes(assay_history *history, assay_error *err, assay_alert_mute_entry **mutes, size_t *count);
ASSAY_API void assay_alert_mutes_free(assay_alert_mute_entry *mutes); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * assay/alerts.h: rules that turn changes into alerts, one a cause, and the channels that carry them (docs/alerts.md).
 *
 *     assay_alert_rules *rules = NULL;
 *     assay_alert_rules_read("alerts.yaml", &err, &rules);
 *     assay_alerts *alerts = NULL;
 *     assay_alerts_find(rules, changes, history, &err, &alerts);     // new ones, and what became of those that are open
 *     assay_alerts_send(alerts, rules, &err);                        // command, webhook, file
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
 * YAML (.yaml, .yml) or TOML (.toml):
 *     alerts:
 *       compilation_time:              # a metric, or a kind of metric, or its alias (docs/alerts.md)
 *         warning: 20%                 # relative: this much worse than before
 *         critical: 50%
 *       memory_usage:
 *         warning: 100MB               # absolute: this much above before
 *     channels:
 *       - file: alerts.jsonl
 *       - command: ["notify-send", "{title}"]
 *       - webhook: https://example.org/hook
 * ASSAY_ERR_PARSE names file, line and column.
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
  bool is_new;                                       /* opened, or risen to critical, by this look; only such alerts are sent */
  const char *title;                                 /* one line: what, how much, since which commit */
  int64_t opened_at_s, updated_at_s, until_s;        /* until_s: end of an acknowledgement or mute; 0: none */
  char commit_from[41], commit_to[41];               /* the change lies after the first and not after the second; "" when unknown */
  double change_ratio, ci_low, ci_high, noise_floor; /* of the benchmark that moved most surely */
  size_t change_count;
  struct assay_alert_change {
    const char *suite, *benchmark, *metric, *unit;
    assay_alert_level level;
    double before, after, change_ratio, ci_low, ci_high, noise_floor;
  } * changes; /* largest first */
} assay_alert;

typedef struct assay_alerts {
  assay_alert *items;
  size_t count;
  void *storage; /* private */
} assay_alerts;

/* Groups what the rules object to into alerts, keeps them in the history (NULL: not kept), marks those resolved that are gone. */
ASSAY_API assay_status assay_alerts_find(const assay_alert_rules *rules, const assay_changes *changes, assay_history *history,
                                         assay_error *err, assay_alerts **alerts);
/* What the history holds; `all`: resolved ones too. Newest first. */
ASSAY_API assay_status assay_alerts_list(assay_history *history, bool all, assay_error *err, assay_alerts **alerts);
/* Sends new alerts through every channel of the rules. A channel that fails is tried again, then said in the error; the others are served
 * all the same. Blocks no longer than 30 s in all. */
ASSAY_API assay_status assay_alerts_send(const assay_alerts *alerts, const assay_alert_rules *rules, assay_error *err);
ASSAY_API void assay_alerts_destroy(assay_alerts *alerts); /* accepts NULL */

/* An acknowledged alert is not sent again until it rises to critical or `until_s` (0: for good) is over. */
ASSAY_API assay_status assay_alert_acknowledge(assay_history *history, const char *id, int64_t until_s, const char *reason,
                                               assay_error *err);
/* Benchmarks whose "suite/name" or "suite/name:metric" matches make no alerts until then. `until_s` 0 takes the mute away. */
ASSAY_API assay_status assay_alert_mute(assay_history *history, const char *glob, int64_t until_s, const char *reason, assay_error *err);

#ifdef __cplusplus
}
#endif
#endif

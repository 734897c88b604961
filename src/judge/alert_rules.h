/* SPDX-License-Identifier: MIT */
/* Alert rules once read: what `find`, `send` and `assay alerts check` work with. Read-only. */
#ifndef ASSAY_JUDGE_ALERT_RULES_H
#define ASSAY_JUDGE_ALERT_RULES_H

#include <assay/alerts.h>

#include "base/arena.h"

/* How much is too much: a share of what was before (of error rates: points), or an amount in `unit` ("": a count). */
typedef struct assay_alert_amount {
  const char *text; /* as it is written; NULL: not given */
  bool relative;
  double value;
  const char *unit;
} assay_alert_amount;

typedef struct assay_alert_rule {
  const char *name, *description; /* description may be NULL */
  int line;
  /* What it is about; all that is given must match. */
  const char *benchmark; /* glob over "suite/benchmark" that the user gave; NULL: any */
  const char *pattern;   /* glob over "suite/benchmark" or "suite/benchmark:metric"; NULL: any */
  const char *metric;    /* glob or exact name; NULL: any, as far as `kinds` allows */
  unsigned kinds;        /* bit 1 << kind; 0: any */
  const char *or_metric; /* a metric of exactly this name belongs to it as well; NULL: none */
  bool off;              /* what it matches makes no alerts */
  assay_alert_amount warning, critical;
} assay_alert_rule;

typedef enum assay_alert_medium { ASSAY_ALERT_FILE, ASSAY_ALERT_COMMAND, ASSAY_ALERT_WEBHOOK } assay_alert_medium;

typedef struct assay_alert_channel {
  assay_alert_medium medium;
  const char *name;         /* for messages and for what waits: what the user called it, or the target */
  const char *target;       /* path (relative to the rules' file), shell line, program or URL. Messages have assay_alert_channel_shown */
  const char *const *words; /* of a command that needs no shell, NULL-terminated; NULL: `target` is for the shell */
  const char *const *headers;
  double timeout_s;
  unsigned attempts;
  assay_alert_level least; /* lower alerts are not for it */
  bool resolved;           /* is told of resolved ones too */
} assay_alert_channel;

struct assay_alert_rules {
  assay_arena arena;
  const char *path;
  assay_alert_rule *items;
  size_t count;
  assay_alert_channel *channels;
  size_t channel_count;
};

/* From memory; `name` stands in messages. */
assay_status assay_alert_rules_parse(const char *text, size_t length, const char *name, bool toml, assay_error *err,
                                     assay_alert_rules **rules);
/* The rule that counts for a metric of a benchmark; NULL: none. */
const assay_alert_rule *assay_alert_rule_for(const assay_alert_rules *rules, const char *suite, const char *benchmark, const char *metric,
                                             assay_metric_kind kind);
bool assay_alert_rule_matches(const assay_alert_rule *rule, const char *suite, const char *benchmark, const char *metric,
                              assay_metric_kind kind);
/* Whether an amount can be held against figures in this unit. */
bool assay_alert_amount_fits(const assay_alert_amount *amount, const char *unit, assay_metric_kind kind);
/* Whether going from `before` to `after` is that much worse. */
bool assay_alert_amount_reached(const assay_alert_amount *amount, double before, double after, const char *unit, assay_metric_kind kind,
                                assay_better better, double share);
/* The level that such a step reaches; false: none. */
bool assay_alert_rule_level(const assay_alert_rule *rule, double before, double after, const char *unit, assay_metric_kind kind,
                            assay_better better, assay_alert_level *level);

#endif

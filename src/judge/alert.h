/* SPDX-License-Identifier: MIT */
/* What the files behind <assay/alerts.h> share: the set that owns alerts, their stored form, and the grouping. */
#ifndef ASSAY_JUDGE_ALERT_H
#define ASSAY_JUDGE_ALERT_H

#include <assay/alerts.h>

#include "base/arena.h"
#include "base/buf.h"
#include "judge/alert_rules.h"

/* Kinds of documents in the history. */
#define ASSAY_ALERT_DOCUMENT "alert"
#define ASSAY_ALERT_MUTE_DOCUMENT "mute"
#define ASSAY_ALERT_OUTBOX_DOCUMENT "outbox"

typedef struct assay_alert_change assay_alert_change;

/* ---- Sets (alert_set.c) --------------------------------------------------------------------------------------------------------- */

/* What the store of an assay_alerts knows of each item beside what is public, in the same order. */
typedef struct assay_alert_extra {
  int64_t from_s, to_s; /* the change lies between the runs that started then; equal: not known */
  bool touched;         /* differs from what is stored */
} assay_alert_extra;

typedef struct assay_alert_store {
  assay_arena arena;
  size_t capacity, extra_capacity;
  assay_alert_extra *extras;
} assay_alert_store;

assay_status assay_alerts_create(assay_error *err, assay_alerts **alerts);
static inline assay_arena *assay_alerts_arena(assay_alerts *alerts) { return &((assay_alert_store *)alerts->storage)->arena; }
static inline assay_alert_extra *assay_alerts_extra(assay_alerts *alerts, size_t at) {
  return &((assay_alert_store *)alerts->storage)->extras[at];
}
/* A zeroed alert at the end; moves the array. NULL: out of memory. */
assay_alert *assay_alerts_add(assay_alerts *alerts);
/* Adds what assay_alert_document wrote; ASSAY_ERR_CORRUPT when it is something else. */
assay_status assay_alerts_add_document(assay_alerts *alerts, const char *json, assay_error *err);
/* As assay_alert_to_json, with what only the store needs. */
assay_status assay_alert_document(assay_alerts *alerts, size_t at, assay_error *err, char **json);
/* Level, title, figures and the order of members anew, after members came or changed. `everything`: nearly all that was measured moved
 * alike. */
assay_status assay_alert_refresh(assay_alerts *alerts, assay_alert *alert, bool everything, assay_error *err);

/* ---- Grouping (alert_group.c) --------------------------------------------------------------------------------------------------- */

/* A change that a rule objects to, and what is known of when it came. */
typedef struct assay_alert_candidate {
  const assay_change *change;
  assay_alert_level level;
  int64_t from_s, to_s; /* it came after the run that started at the first and not after the other; equal: not known */
  char commit_from[41], commit_to[41];
  size_t count; /* the last runs, oldest first: for correlation */
  const int64_t *at_s;
  const double *values; /* logarithms where all are positive */
  size_t group;         /* out */
} assay_alert_candidate;

/* Narrows from_s .. to_s down by the series in the history; leaves everything as it is where that says nothing. */
assay_status assay_alert_locate(assay_history *history, const char *machine_id, assay_alert_candidate *candidate, assay_arena *arena,
                                assay_error *err);
/* Numbers the causes from 0: fills `group` and returns how many there are. */
size_t assay_alert_group(assay_alert_candidate *candidates, size_t count);
/* How surely a change is one: its size in units of what is not known of it. */
double assay_alert_sureness(double change_ratio, double ci_low, double ci_high, double noise_floor);

/* ---- What the history holds (alert_state.c) ------------------------------------------------------------------------------------- */

/* Adds every alert that is stored and can be read. */
assay_status assay_alerts_load(assay_history *history, assay_alerts *alerts, assay_error *err);
/* Stores one. */
assay_status assay_alerts_save(assay_history *history, assay_alerts *alerts, size_t at, assay_error *err);
/* The end of the mutes that hold for a metric of a benchmark at `now_s`; 0: none does. */
int64_t assay_alert_muted_until(const assay_alert_mute_entry *mutes, size_t count, const char *suite, const char *benchmark,
                                const char *metric, int64_t now_s);

/* ---- Change points (alert_watch.c) ---------------------------------------------------------------------------------------------- */

/* Makes those changes WORSE that the recent history is sure of although two runs are not: their figures become those of the step. The new
 * run must be in the history already. */
/* The `reason` of such a change (the pointer itself): it came at some time before, not between the two runs. */
extern const char assay_alert_watched[];
assay_status assay_alert_watch(assay_changes *changes, const char *machine_id, assay_history *history, assay_error *err);

/* ---- Who tells it (alert_claim.c) ------------------------------------------------------------------------------------------------ */

/* `mine`: the document is still to be told and nobody else is about to; for so many seconds it is the caller's to do. */
assay_status assay_alert_claim(assay_history *history, const char *kind, const char *key, int64_t now_s, int64_t seconds, assay_error *err,
                               bool *mine);
assay_status assay_alert_release(assay_history *history, const char *key, assay_error *err);
/* Stores that it has been told, unless it has become something else since, and releases it. */
assay_status assay_alert_told(assay_history *history, const assay_alert *alert, assay_error *err);

/* ---- Channels (alert_send.c) ----------------------------------------------------------------------------------------------------- */

/* The channel without what may be secret in it, appended: a path, the program of a command, the host of a URL. */
void assay_alert_channel_shown(const assay_alert_channel *channel, assay_buf *out);
/* Sends an alert through one channel of the rules, whatever its level, in at most 30 s; nothing is kept when that fails. */
assay_status assay_alert_try(const assay_alert_rules *rules, size_t channel, const assay_alert *alert, assay_error *err);

#endif

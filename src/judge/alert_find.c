/* SPDX-License-Identifier: MIT */
/*
 * From changes to alerts. An alert remembers for each of its members the level it came from, so that it is known to be there still (or
 * gone) whatever the next comparison is made with: against the run before, a step shows only once.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "history/db.h"
#include "judge/alert.h"
#include "judge/changes.h"
#include "os/prim.h"

/* Gone: less than this share of the rule's level is left, so that an alert near its level does not come and go with the noise. */
static const double LEFT = 0.5;
static const double MOST = 0.5; /* share of the main metrics that is "nearly everything" when they all moved alike */
enum { DAY_S = 86400, KEEP_RESOLVED_S = 400 * DAY_S, ENOUGH_TO_SAY_ALL = 6 };

typedef struct look {
  const assay_alert_rules *rules;
  const assay_changes *changes;
  const assay_result *before, *after; /* NULL: not known */
  assay_history *history;             /* NULL: none */
  int64_t now_s;
  char machine_id[17];
  assay_alerts *known; /* the stored ones, then those that this look opens */
  assay_alert_mute_entry *mutes;
  size_t mute_count;
  assay_alert_candidate *found; /* what the rules object to */
  size_t found_count;
  assay_alert_candidate *candidates; /* those that no known alert holds */
  size_t candidate_count;
  assay_arena arena; /* of what was found */
  assay_error *err;
} look;

static assay_status out_of_memory(const look *l) { return ASSAY_FAIL(l->err, ASSAY_ERR_NO_MEMORY, "out of memory for alerts"); }

/* ---- What is objected to --------------------------------------------------------------------------------------------------------- */

/* Significant and worse. A rule may be stricter than the threshold that the judge calls WORSE from: then the same evidence is asked for. */
static bool is_surely_worse(const assay_changes *changes, const assay_change *c) {
  if (c->verdict == ASSAY_VERDICT_WORSE || c->verdict == ASSAY_VERDICT_CRITICAL) return true;
  if (c->verdict != ASSAY_VERDICT_SAME || isnan(c->q_value)) return false;
  double alpha = changes->alpha > 0 ? changes->alpha : 0.05;
  double low = fmin(assay_towards_worse(c->better, c->ci_low), assay_towards_worse(c->better, c->ci_high));
  return c->q_value <= alpha && low > 0 && assay_towards_worse(c->better, c->change_ratio) > c->noise_floor;
}

static bool is_objected_to(const look *l, const assay_change *c, assay_alert_level *level) {
  if (!is_surely_worse(l->changes, c)) return false;
  const assay_alert_rule *rule = assay_alert_rule_for(l->rules, c->suite, c->benchmark, c->metric, c->kind);
  return rule != NULL && assay_alert_rule_level(rule, c->before, c->after, c->unit, c->kind, c->better, level);
}

static void set_range(const look *l, assay_alert_candidate *c) {
  if (l->before == NULL || l->after == NULL) return;
  bool between_them = c->change->reason != assay_alert_watched;
  c->from_s = between_them ? l->before->run.started_at_s : 0;
  c->to_s = l->after->run.started_at_s;
  if (between_them && l->before->run.commit != NULL) snprintf(c->commit_from, sizeof c->commit_from, "%s", l->before->run.commit);
  if (l->after->run.commit != NULL) snprintf(c->commit_to, sizeof c->commit_to, "%s", l->after->run.commit);
}

static assay_status collect(look *l) {
  l->found = assay_arena_alloc(&l->arena, l->changes->count + 1, sizeof *l->found);
  l->candidates = assay_arena_alloc(&l->arena, l->changes->count + 1, sizeof *l->candidates);
  if (l->found == NULL || l->candidates == NULL) return out_of_memory(l);
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < l->changes->count && status == ASSAY_OK; i++) {
    assay_alert_candidate c = {.change = &l->changes->items[i]};
    if (!is_objected_to(l, c.change, &c.level)) continue;
    set_range(l, &c);
    if (l->history != NULL && l->machine_id[0] != '\0') status = assay_alert_locate(l->history, l->machine_id, &c, &l->arena, l->err);
    l->found[l->found_count++] = c;
  }
  return status;
}

/* ---- Members ---------------------------------------------------------------------------------------------------------------------- */

static bool is_about(const assay_alert_change *m, const assay_change *c) {
  return strcmp(m->suite, c->suite) == 0 && strcmp(m->benchmark, c->benchmark) == 0 && strcmp(m->metric, c->metric) == 0;
}

/* Whether a comparison that started from `before` sees the same step, or one that came on top of it. */
static bool is_same_step(const assay_alert_change *m, double before) {
  if (m->before > 0 && m->after > 0 && before > 0) return fabs(log(before / m->before)) <= fabs(log(before / m->after));
  return fabs(before - m->before) <= fabs(before - m->after);
}

static void set_figures(assay_alert_change *m, const assay_alert_candidate *c) {
  const assay_change *change = c->change;
  m->level = c->level;
  m->after = m->latest = change->after;
  m->change_ratio = change->change_ratio;
  m->ci_low = change->ci_low;
  m->ci_high = change->ci_high;
  m->noise_floor = change->noise_floor > 0 ? change->noise_floor : NAN;
}

static bool set_member(look *l, assay_alert_change *m, const assay_alert_candidate *c) {
  assay_arena *arena = assay_alerts_arena(l->known);
  const assay_change *change = c->change;
  *m = (assay_alert_change){.suite = assay_arena_strdup(arena, change->suite),
                            .benchmark = assay_arena_strdup(arena, change->benchmark),
                            .metric = assay_arena_strdup(arena, change->metric),
                            .unit = assay_arena_strdup(arena, change->unit),
                            .kind = change->kind,
                            .better = change->better,
                            .before = change->before};
  set_figures(m, c);
  return !arena->failed;
}

static bool moved_everything(const look *l, const assay_alert *alert) {
  size_t mains = 0, moved = 0;
  for (size_t i = 0; i < l->changes->count; i++) {
    const assay_change *c = &l->changes->items[i];
    if (!c->is_main || isnan(c->change_ratio)) continue;
    mains++;
    for (size_t k = 0; k < alert->change_count; k++) moved += is_about(&alert->changes[k], c);
  }
  return mains >= ENOUGH_TO_SAY_ALL && (double)moved > MOST * (double)mains && l->changes->common_ratio > 0;
}

static void touch(look *l, size_t at) {
  assay_alerts_extra(l->known, at)->touched = true;
  l->known->items[at].updated_at_s = l->now_s;
}

/* After members came or rose: an acknowledgement holds until it rises to critical, a mute whatever happens. */
static assay_status renew(look *l, size_t at, assay_alert_level was) {
  assay_alert *alert = &l->known->items[at];
  touch(l, at);
  assay_status status = assay_alert_refresh(l->known, alert, moved_everything(l, alert), l->err);
  if (status != ASSAY_OK || alert->level <= was || alert->state == ASSAY_ALERT_MUTED) return status;
  alert->state = ASSAY_ALERT_OPEN;
  alert->until_s = 0;
  alert->is_new = true;
  return ASSAY_OK;
}

static assay_status add_members(look *l, size_t at, size_t group) {
  assay_alert *alert = &l->known->items[at];
  size_t more = 0;
  for (size_t i = 0; i < l->candidate_count; i++) more += l->candidates[i].group == group;
  assay_alert_change *changes = assay_arena_alloc(assay_alerts_arena(l->known), alert->change_count + more, sizeof *changes);
  if (changes == NULL) return out_of_memory(l);
  if (alert->change_count > 0) memcpy(changes, alert->changes, alert->change_count * sizeof *changes);
  alert->changes = changes;
  for (size_t i = 0; i < l->candidate_count; i++)
    if (l->candidates[i].group == group && !set_member(l, &changes[alert->change_count++], &l->candidates[i])) return out_of_memory(l);
  return ASSAY_OK;
}

/* ---- Known alerts ------------------------------------------------------------------------------------------------------------------ */

static bool is_live(const look *l, const assay_alert *alert) {
  return alert->state != ASSAY_ALERT_RESOLVED && strcmp(alert->machine_id, l->machine_id) == 0;
}

/* The member of a known alert that this candidate shows once more; NULL: it is something new. */
static assay_alert_change *member_for(look *l, const assay_alert_candidate *c, size_t *at) {
  for (size_t i = 0; i < l->known->count; i++) {
    assay_alert *alert = &l->known->items[i];
    for (size_t k = 0; is_live(l, alert) && k < alert->change_count; k++) {
      assay_alert_change *m = &alert->changes[k];
      if (m->gone || !is_about(m, c->change) || !is_same_step(m, c->change->before)) continue;
      *at = i;
      return m;
    }
  }
  return NULL;
}

/* Takes out the candidates that known alerts hold already, noting those that became graver. */
static assay_status absorb(look *l) {
  size_t kept = 0;
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < l->candidate_count && status == ASSAY_OK; i++) {
    const assay_alert_candidate *c = &l->candidates[i];
    size_t at = 0;
    assay_alert_change *m = member_for(l, c, &at);
    if (m == NULL) {
      l->candidates[kept++] = *c;
    } else if (c->level > m->level) {
      assay_alert_level was = l->known->items[at].level;
      set_figures(m, c);
      status = renew(l, at, was);
    }
  }
  l->candidate_count = kept;
  return status;
}

/* The figure of a member in the new result; NaN: it was not measured. */
static double latest_of(const look *l, const assay_alert_change *m, const assay_change **change) {
  *change = NULL;
  for (size_t i = 0; i < l->changes->count && *change == NULL; i++)
    if (is_about(m, &l->changes->items[i])) *change = &l->changes->items[i];
  if (*change != NULL) return (*change)->after;
  const assay_benchmark_result *b = l->after != NULL ? assay_result_find(l->after, m->suite, m->benchmark) : NULL;
  const assay_metric_result *metric = b != NULL && b->status == ASSAY_OUTCOME_OK ? assay_benchmark_metric(b, m->metric) : NULL;
  return metric != NULL && strcmp(metric->unit, m->unit) == 0 ? metric->value : NAN;
}

static bool is_gone(const look *l, const assay_alert_change *m, const assay_change *change) {
  const assay_alert_rule *rule = assay_alert_rule_for(l->rules, m->suite, m->benchmark, m->metric, m->kind);
  if (rule == NULL || rule->off) return true; /* nobody objects any more */
  const assay_alert_amount *least = rule->warning.text != NULL ? &rule->warning : &rule->critical;
  if (!assay_alert_amount_reached(least, m->before, m->latest, m->unit, m->kind, m->better, LEFT)) return true;
  return change != NULL && change->verdict == ASSAY_VERDICT_BETTER &&
         !assay_alert_amount_reached(least, m->before, m->latest, m->unit, m->kind, m->better, 1);
}

static void resolve(look *l, size_t at) {
  assay_alert *alert = &l->known->items[at];
  alert->is_new = alert->state != ASSAY_ALERT_MUTED;
  alert->state = ASSAY_ALERT_RESOLVED;
  alert->until_s = 0;
  touch(l, at);
}

static void look_again(look *l, size_t at) {
  assay_alert *alert = &l->known->items[at];
  size_t gone = 0;
  for (size_t i = 0; i < alert->change_count; i++) {
    assay_alert_change *m = &alert->changes[i];
    const assay_change *change;
    double latest = latest_of(l, m, &change);
    if (!isnan(latest) && !m->gone) {
      m->latest = latest;
      m->gone = is_gone(l, m, change);
      assay_alerts_extra(l->known, at)->touched = true;
    }
    gone += m->gone;
  }
  if (gone == alert->change_count) resolve(l, at);
}

/* The end of the mute that holds for all members that are there still; 0: not all are muted. */
static int64_t muted_until(const look *l, const assay_alert *alert) {
  int64_t least = INT64_MAX;
  for (size_t i = 0; i < alert->change_count; i++) {
    const assay_alert_change *m = &alert->changes[i];
    if (m->gone) continue;
    int64_t until = assay_alert_muted_until(l->mutes, l->mute_count, m->suite, m->benchmark, m->metric, l->now_s);
    if (until < least) least = until;
  }
  return least == INT64_MAX ? 0 : least;
}

/* Acknowledgements and mutes that are over, and mutes that began. */
static void keep_dates(look *l, size_t at) {
  assay_alert *alert = &l->known->items[at];
  int64_t muted = muted_until(l, alert);
  bool was_acknowledged = alert->state == ASSAY_ALERT_ACKNOWLEDGED && alert->until_s != 0 && alert->until_s <= l->now_s;
  if (was_acknowledged || (alert->state == ASSAY_ALERT_MUTED && muted == 0)) {
    alert->state = ASSAY_ALERT_OPEN;
    alert->until_s = 0;
    alert->reason = NULL;
    alert->is_new = true;
    touch(l, at);
  }
  if (muted > 0 && (alert->state == ASSAY_ALERT_OPEN || (alert->state == ASSAY_ALERT_MUTED && alert->until_s != muted))) {
    alert->state = ASSAY_ALERT_MUTED;
    alert->until_s = muted;
    alert->is_new = false;
    touch(l, at);
  }
}

/* A run from before the change says nothing of whether it is there still. */
static void look_at_known(look *l, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const assay_alert_extra *extra = assay_alerts_extra(l->known, i);
    bool older = l->after != NULL && extra->to_s > 0 && l->after->run.started_at_s < extra->to_s;
    if (!is_live(l, &l->known->items[i])) continue;
    if (!older) look_again(l, i);
    if (l->known->items[i].state != ASSAY_ALERT_RESOLVED) keep_dates(l, i);
  }
}

/* ---- New alerts --------------------------------------------------------------------------------------------------------------------- */

/* Where the runs of all members agree that it came from. */
static const assay_alert_candidate *narrowest(const look *l, size_t group) {
  const assay_alert_candidate *best = NULL;
  for (size_t i = 0; i < l->candidate_count; i++) {
    const assay_alert_candidate *c = &l->candidates[i];
    if (c->group == group && (best == NULL || c->to_s - c->from_s < best->to_s - best->from_s)) best = c;
  }
  return best;
}

/* An open alert whose runs are those of this group: it has the same cause, also when its members were seen later (another filter). */
static size_t same_cause(const look *l, size_t known, const assay_alert_candidate *c) {
  for (size_t i = 0; i < known; i++) {
    const assay_alert_extra *extra = assay_alerts_extra(l->known, i);
    if (is_live(l, &l->known->items[i]) && l->known->items[i].state == ASSAY_ALERT_OPEN && extra->from_s < extra->to_s &&
        c->from_s < c->to_s && (c->from_s > extra->from_s ? c->from_s : extra->from_s) < (c->to_s < extra->to_s ? c->to_s : extra->to_s))
      return i;
  }
  return SIZE_MAX;
}

static void make_id(const look *l, assay_alert *alert, const assay_alert_candidate *c) {
  uint64_t hash = assay_hash(ASSAY_HASH_START, l->machine_id, strlen(l->machine_id));
  hash = assay_hash(hash, c->change->suite, strlen(c->change->suite) + 1);
  hash = assay_hash(hash, c->change->benchmark, strlen(c->change->benchmark) + 1);
  hash = assay_hash(hash, c->change->metric, strlen(c->change->metric) + 1);
  hash = assay_hash(hash, &c->to_s, sizeof c->to_s);
  hash = assay_hash(hash, &l->now_s, sizeof l->now_s);
  hash = assay_hash(hash, c->commit_to, strlen(c->commit_to));
  hash ^= hash >> 29; /* FNV's last bytes hardly reach the first digits, which people type */
  hash *= UINT64_C(0x9E3779B97F4A7C15);
  snprintf(alert->id, sizeof alert->id, "%016llx", (unsigned long long)hash);
}

static assay_status open_alert(look *l, size_t known, size_t group) {
  const assay_alert_candidate *c = narrowest(l, group);
  size_t at = same_cause(l, known, c);
  if (at != SIZE_MAX) {
    assay_status joined = add_members(l, at, group);
    return joined == ASSAY_OK ? renew(l, at, l->known->items[at].level) : joined;
  }
  assay_alert *alert = assay_alerts_add(l->known);
  if (alert == NULL) return out_of_memory(l);
  at = l->known->count - 1;
  make_id(l, alert, c);
  memcpy(alert->machine_id, l->machine_id, sizeof alert->machine_id);
  memcpy(alert->commit_from, c->commit_from, sizeof alert->commit_from);
  memcpy(alert->commit_to, c->commit_to, sizeof alert->commit_to);
  assay_alerts_extra(l->known, at)->from_s = c->from_s;
  assay_alerts_extra(l->known, at)->to_s = c->to_s;
  alert->opened_at_s = l->now_s;
  alert->is_new = true;
  assay_status status = add_members(l, at, group);
  if (status == ASSAY_OK) status = renew(l, at, ASSAY_ALERT_CRITICAL);
  if (status == ASSAY_OK) keep_dates(l, at);
  return status;
}

static bool is_muted(const look *l, const assay_alert_candidate *c) {
  return assay_alert_muted_until(l->mutes, l->mute_count, c->change->suite, c->change->benchmark, c->change->metric, l->now_s) != 0;
}

/* What is muted is grouped for itself, so that an alert is muted as a whole or not at all. */
static assay_status open_new(look *l) {
  size_t loud = 0, known = l->known->count;
  for (size_t i = 0; i < l->candidate_count; i++) {
    if (is_muted(l, &l->candidates[i])) continue;
    assay_alert_candidate swap = l->candidates[i];
    memmove(&l->candidates[loud + 1], &l->candidates[loud], (i - loud) * sizeof swap);
    l->candidates[loud++] = swap;
  }
  size_t groups = assay_alert_group(l->candidates, loud);
  size_t quiet = assay_alert_group(l->candidates + loud, l->candidate_count - loud);
  for (size_t i = loud; i < l->candidate_count; i++) l->candidates[i].group += groups;
  assay_status status = ASSAY_OK;
  for (size_t group = 0; group < groups + quiet && status == ASSAY_OK; group++) status = open_alert(l, group < groups ? known : 0, group);
  return status;
}

/* ---- The answer ---------------------------------------------------------------------------------------------------------------------- */

static assay_status save(look *l) {
  assay_status status = ASSAY_OK;
  for (size_t i = 0; i < l->known->count && status == ASSAY_OK && l->history != NULL; i++) {
    const assay_alert *alert = &l->known->items[i];
    if (assay_alerts_extra(l->known, i)->touched)
      status = assay_alerts_save(l->history, l->known, i, l->err);
    else if (alert->state == ASSAY_ALERT_RESOLVED && alert->updated_at_s < l->now_s - KEEP_RESOLVED_S)
      status = assay_history_delete_document(l->history, ASSAY_ALERT_DOCUMENT, alert->id, l->err);
  }
  return status;
}

typedef struct entry {
  assay_alert alert;
  assay_alert_extra extra;
} entry;

static int gravest_first(const void *a, const void *b) {
  const entry *x = a, *y = b;
  if (x->alert.is_new != y->alert.is_new) return x->alert.is_new ? -1 : 1;
  if (x->alert.level != y->alert.level) return x->alert.level > y->alert.level ? -1 : 1;
  if (x->alert.change_count != y->alert.change_count) return x->alert.change_count > y->alert.change_count ? -1 : 1;
  return strcmp(x->alert.id, y->alert.id);
}

/* Leaves what belongs into the answer: this machine's, those that are open and those that are still to be told. */
static assay_status arrange(look *l) {
  entry *entries = assay_calloc(ASSAY_TAG_RESULT, l->known->count + 1, sizeof *entries);
  if (entries == NULL) return out_of_memory(l);
  size_t kept = 0;
  for (size_t i = 0; i < l->known->count; i++) {
    const assay_alert *alert = &l->known->items[i];
    bool wanted = alert->is_new || alert->state != ASSAY_ALERT_RESOLVED;
    if (wanted && strcmp(alert->machine_id, l->machine_id) == 0)
      entries[kept++] = (entry){.alert = *alert, .extra = *assay_alerts_extra(l->known, i)};
  }
  if (kept > 0) qsort(entries, kept, sizeof *entries, gravest_first);
  for (size_t i = 0; i < kept; i++) {
    l->known->items[i] = entries[i].alert;
    *assay_alerts_extra(l->known, i) = entries[i].extra;
  }
  l->known->count = kept;
  assay_free(entries);
  return ASSAY_OK;
}

static void forget_known(look *l) {
  assay_alerts_destroy(l->known);
  assay_alert_mutes_free(l->mutes);
  l->known = NULL;
  l->mutes = NULL;
  l->mute_count = 0;
}

/* From what is known to what is stored, where nobody else comes between: two runs that end together have one cause and one alert. It may be
 * done again from its beginning. */
static assay_status look_at_history(assay_history *history, void *context, assay_error *err) {
  look *l = context;
  (void)history;
  l->err = err;
  forget_known(l);
  memcpy(l->candidates, l->found, l->found_count * sizeof *l->found);
  l->candidate_count = l->found_count;
  assay_status status = assay_alerts_create(l->err, &l->known);
  if (status == ASSAY_OK && l->history != NULL) status = assay_alerts_load(l->history, l->known, l->err);
  if (status == ASSAY_OK && l->history != NULL) status = assay_alert_mutes(l->history, l->err, &l->mutes, &l->mute_count);
  size_t known = status == ASSAY_OK ? l->known->count : 0;
  if (status == ASSAY_OK) status = absorb(l);
  if (status == ASSAY_OK) look_at_known(l, known);
  if (status == ASSAY_OK) status = open_new(l);
  return status == ASSAY_OK ? save(l) : status;
}

static assay_status look_at(look *l, assay_error *err) {
  assay_status status = collect(l);
  if (status != ASSAY_OK) return status;
  status = l->history != NULL ? assay_db_alone(l->history, ASSAY_DB_LOCK_ALERTS, look_at_history, l, err) : look_at_history(NULL, l, err);
  l->err = err;
  return status == ASSAY_OK ? arrange(l) : status;
}

assay_status assay_alerts_find(const assay_alert_rules *rules, const assay_changes *changes, const assay_alerts_context *context,
                               assay_history *history, assay_error *err, assay_alerts **alerts) {
  look l = {.rules = rules, .changes = changes, .history = history, .err = err};
  if (context != NULL) {
    l.before = context->before;
    l.after = context->after;
    l.now_s = context->now_s;
  }
  if (l.now_s == 0) l.now_s = assay_os_wall_s();
  if (l.after != NULL && l.after->machine_id != NULL) snprintf(l.machine_id, sizeof l.machine_id, "%s", l.after->machine_id);
  assay_arena_init(&l.arena, ASSAY_TAG_RESULT);
  assay_status status = look_at(&l, err);
  if (status == ASSAY_OK) {
    *alerts = l.known;
    l.known = NULL;
  }
  forget_known(&l);
  assay_arena_deinit(&l.arena);
  return status;
}

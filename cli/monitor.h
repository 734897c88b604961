/* SPDX-License-Identifier: MIT */
/* The inside of assay monitor: rounds on an interval, one instance a history. */
#ifndef ASSAY_CLI_MONITOR_H
#define ASSAY_CLI_MONITOR_H

#include "base/random.h"
#include "cli/cli.h"

typedef struct assay_monitor_settings {
  const char *every, *alerts, *history, *output_dir, *baseline, *jitter, *timeout, *log_file;
  uint64_t rounds;
  double max_load;
} assay_monitor_settings;

typedef struct assay_monitor {
  assay_cli *cli;
  const assay_monitor_settings *settings;
  const char *history, *shown_history; /* `shown` without a password */
  const char *lock_path, *state_path;
  const char *baseline;
  double every_s, jitter_s, timeout_s;
  const char *rules;           /* file */
  char **words, **environment; /* of each round's process */
  assay_random random;
  int lock;
  int64_t due_s; /* of the next round, without jitter */
  uint64_t rounds, failed;
  int code; /* the gravest of the rounds */
} assay_monitor;

/* A line with the time before it, on standard output and in the log. */
void assay_monitor_say(const assay_monitor *m, const char *format, ...) ASSAY_PRINTF(2, 3);

/* ---- Waiting, and being told to stop (monitor_signals.c) ----------------------------------------------------------------------------- */

assay_status assay_monitor_catch_signals(assay_error *err);
void assay_monitor_release_signals(void);
/* Until a signal comes (the end of a child is one), or so long. */
void assay_monitor_wait(double seconds);
/* The first signal that said stop, and how many did; 0: none. */
int assay_monitor_stop_signal(void);
int assay_monitor_stop_count(void);

/* ---- One instance, and what it remembers (monitor_state.c) --------------------------------------------------------------------------- */

/* Where lock and state lie: beside the history; of a URL in the cache directory, under a name that tells one from the other. */
assay_status assay_monitor_find_places(assay_monitor *m, assay_error *err);
/* It goes with the process however that ends, so a monitor that was killed leaves nothing to clear away. */
assay_status assay_monitor_take_lock(assay_monitor *m, assay_error *err);
/* When the next round is due, as far as a monitor before has said it. */
void assay_monitor_read_state(assay_monitor *m);
void assay_monitor_write_state(const assay_monitor *m);

/* ---- One round (monitor_round.c) ----------------------------------------------------------------------------------------------------- */

/* The words and the environment of each round's process, once. */
assay_status assay_monitor_set_child(assay_monitor *m, assay_error *err);
/* A run in a process of its own; what went wrong is said, and ends nothing else. */
void assay_monitor_round(assay_monitor *m);

#endif

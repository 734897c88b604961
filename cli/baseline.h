/* SPDX-License-Identifier: MIT */
/* What the verbs of `assay baseline` share: one settings structure, and work with the history open. */
#ifndef ASSAY_CLI_BASELINE_H
#define ASSAY_CLI_BASELINE_H

#include "cli/cli.h"

typedef struct assay_cli_baseline_settings {
  const char *history, *output_dir, *description, *name, *from, *color;
  assay_cli_judging judging;
  bool json, if_better, force;
} assay_cli_baseline_settings;

#define ASSAY_BASELINE_AT(field) .at = offsetof(assay_cli_baseline_settings, field)
#define ASSAY_BASELINE_WHERE \
  ASSAY_CLI_WHERE(assay_cli_baseline_settings, "The history that the baselines are kept in: a file or postgresql://...")
#define ASSAY_BASELINE_DESCRIPTION \
  { "description", 'd', ASSAY_CLI_TEXT, "TEXT", .help = "What it is, for `baseline list`.", ASSAY_BASELINE_AT(description) }
#define ASSAY_BASELINE_JSON \
  { "json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", ASSAY_BASELINE_AT(json) }

typedef struct assay_cli_baseline_job {
  assay_cli *cli;
  const assay_cli_baseline_settings *settings;
  assay_cli_inputs inputs;
  assay_history *history;
  assay_buf out; /* what is printed when all went well */
} assay_cli_baseline_job;

/* Runs `work` with the history open, and prints what it wrote; the exit code. */
int assay_cli_baseline_work(assay_cli *cli, const void *settings, bool write,
                            assay_status (*work)(assay_cli_baseline_job *j, assay_error *err));
/* A run by its id, number, name or commit, that is whole. */
assay_status assay_cli_baseline_load_run(assay_cli_baseline_job *j, const char *word, assay_error *err, assay_result **result);
/* The run that the name stands for; "" where it stands for none yet. */
assay_status assay_cli_baseline_held_by(assay_cli_baseline_job *j, const char *name, assay_error *err, char run_id[17]);
/* A line of what is printed in the end. */
void assay_cli_baseline_say(assay_cli_baseline_job *j, const char *text);
/* "Baseline 'main' is now run 4f3a... (12 benchmarks)." */
void assay_cli_baseline_say_saved(assay_cli_baseline_job *j, const char *name, const assay_result *result, const char *how);
/* For people, or with `iso` for programs. */
const char *assay_cli_baseline_time(int64_t at_s, bool iso, char out[32]);

#endif

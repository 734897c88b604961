/* SPDX-License-Identifier: MIT */
/* What the verbs of `assay alerts` share: one settings structure, and the history that keeps the alerts. */
#ifndef ASSAY_CLI_ALERTS_H
#define ASSAY_CLI_ALERTS_H

#include "cli/cli.h"

typedef struct assay_cli_alerts_settings {
  const char *history, *output_dir, *until, *length, *reason, *color;
  bool all, json, verbose;
} assay_cli_alerts_settings;

#define ASSAY_ALERTS_AT(field) .at = offsetof(assay_cli_alerts_settings, field)
#define ASSAY_ALERTS_WHERE ASSAY_CLI_WHERE(assay_cli_alerts_settings, "The history that keeps the alerts: a file or postgresql://...")

/* Also for writing only where there is one: a mistyped path must not become an empty history. */
assay_status assay_cli_alerts_open(assay_cli *cli, const assay_cli_alerts_settings *settings, bool write, assay_error *err,
                                   assay_history **history);

#endif

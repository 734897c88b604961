/* SPDX-License-Identifier: MIT */
/* Which suites a run is about: names asked for, against the suites that are registered and those that benchmarks name. */
#ifndef ASSAY_RUN_SELECT_H
#define ASSAY_RUN_SELECT_H

#include <assay/bench.h>

typedef struct assay_selection {
  const char **known;  /* every suite of this program, NULL-terminated; those with an assay_suite first */
  const char **chosen; /* those to run, NULL-terminated */
  const char **left;   /* with "all": those that cannot run in this build, NULL-terminated */
  size_t known_count, chosen_count, left_count;
} assay_selection;

/* Errors as assay_run. `names` as in assay_run_config. */
assay_status assay_selection_init(assay_selection *selection, const char *const *names, assay_error *err);
void assay_selection_deinit(assay_selection *selection);
/* The registered suite of that name, or NULL for a suite that only benchmarks name. */
const assay_suite *assay_suite_find(const char *name);

#endif

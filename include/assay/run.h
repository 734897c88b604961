/* SPDX-License-Identifier: MIT */
/*
 * assay/run.h: the main job from a program: measure the machine, run suites, keep the history, judge.
 *
 *     int main(int argc, char **argv) {
 *       assay_bench_worker(argc, argv);                       // first: fresh processes end here
 *       const char *suites[] = {"performance", NULL};
 *       assay_run_config config = {.suites = suites, .quick = true};
 *       assay_result *result = NULL;
 *       assay_error err = {0};
 *       if (assay_run(&config, &err, &result) != ASSAY_OK) return puts(err.message), 2;
 *       assay_report_write(result, NULL, ASSAY_FORMAT_HTML, "report.html", &err);
 *       assay_result_destroy(result);
 *     }
 */
#ifndef ASSAY_RUN_H
#define ASSAY_RUN_H

#include <assay/compare.h>
#include <assay/judge.h>
#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_run_progress {
  const char *phase; /* "machine", "ceilings", "benchmarks", "again", "checks" */
  const char *item;  /* what is being measured now or was just finished; "" when the phase has no items */
  size_t done, total;
  double elapsed_s, remaining_s; /* of the whole run; remaining NaN while unknown */
  bool finished;                 /* `item` was just finished: a benchmark case with all its processes */
  assay_outcome outcome;         /* of a finished item */
  const char *reason;            /* of a finished item that is not ok; NULL otherwise */
} assay_run_progress;

typedef struct assay_run_config {
  const char *const *suites;    /* NULL-terminated; NULL or {"all"}: every suite of this program */
  const char *filter;           /* glob over the name or "suite/name"; NULL: all */
  const assay_bench_plan *plan; /* run exactly this instead of `suites` and `filter` (assay time); borrowed; NULL: none */
  bool quick;
  unsigned processes;          /* 0: 5, quick 3 */
  double time_s, timeout_s;    /* as in assay_bench_config */
  uint64_t seed;               /* 0: from the clock */
  const char *shell, *prepare; /* of commands, as in assay_bench_config */
  unsigned command_warmup;
  bool ignore_failure;
  const char *history_path; /* NULL: no history */
  const char *name;         /* of the run; may be NULL */
  const char *command;      /* the command line, for the record; may be NULL */
  const char *sla_path;     /* more SLAs; may be NULL */
  const char *profile;      /* machine profile for the hardware suite; may be NULL */
  bool remeasure_ceilings, no_ceilings;
  bool cached_ceilings_only; /* use the machine's ceilings when they are cached; never spend time on measuring them */
  /*
   * Judge against this result (NULL: do not). Benchmarks that look worse, and those that nothing can be said of yet, are measured again in
   * fresh processes for at most `settle_s` seconds (0: not at all). A regression counts only when the fresh processes alone show it too;
   * they are part of the result. The judgement goes to *changes, which borrows from `against` and from the result of this run.
   */
  const assay_result *against;
  const assay_compare_config *compare; /* may be NULL */
  double settle_s;
  assay_changes **changes;
  const volatile int *stop;                                            /* becomes non-zero when the run must end (Ctrl-C); may be NULL */
  void (*on_progress)(const assay_run_progress *progress, void *user); /* may be NULL */
  /* What went wrong beside the measuring, e.g. a history that can no longer be written; the run goes on. May be NULL. */
  void (*on_warning)(const char *message, void *user);
  void *user;
} assay_run_config;

/*
 * Runs and returns the result, also when it was interrupted (result->run.interrupted). Everything that can be refused is refused before
 * anything is measured: ASSAY_ERR_INVALID for an unknown suite (the message names the nearest and lists the known) or a filter that matches
 * nothing, ASSAY_ERR_UNSUPPORTED for a suite that is known but cannot run in this build, and what the SLAs, the profile or the history
 * give. One run at a time in a process.
 */
ASSAY_API assay_status assay_run(const assay_run_config *config, assay_error *err, assay_result **result);

/* The commit of the Git repository that `directory` is in: 40 hex digits, read from its files without running Git. False when there is
 * none. */
ASSAY_API bool assay_run_find_commit(const char *directory, char commit[41]);

#ifdef __cplusplus
}
#endif
#endif

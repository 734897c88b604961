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

#include <assay/judge.h>
#include <assay/result.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct assay_run_progress {
  const char *phase; /* "machine", "ceilings", "benchmarks", "checks" */
  const char *item;  /* what is being measured now or was just finished */
  size_t done, total;
  double elapsed_s, remaining_s; /* of the whole run; remaining NaN while unknown */
  assay_outcome outcome;         /* of `item`, when it just finished */
  const char *reason;
} assay_run_progress;

typedef struct assay_run_config {
  const char *const *suites; /* NULL-terminated; NULL or {"all"}: every suite of this program */
  const char *filter;        /* glob over "suite/name"; NULL: all */
  bool quick;
  unsigned processes;        /* 0: 5, quick 3 */
  double time_s, timeout_s;  /* as in assay_bench_config */
  uint64_t seed;
  const char *history_path;  /* NULL: no history */
  const char *name;          /* of the run; may be NULL */
  const char *command;       /* the command line, for the record; may be NULL */
  const char *sla_path;      /* more SLAs; may be NULL */
  const char *profile;       /* machine profile for the hardware suite; may be NULL */
  bool remeasure_ceilings, no_ceilings;
  const volatile int *stop;
  void (*on_progress)(const assay_run_progress *progress, void *user);
  void *user;
} assay_run_config;

/*
 * Runs and returns the result, also when it was interrupted (result->run.interrupted). ASSAY_ERR_INVALID for an unknown suite or filter
 * that matches nothing; ASSAY_ERR_UNSUPPORTED when every suite asked for is unsupported here.
 */
ASSAY_API assay_status assay_run(const assay_run_config *config, assay_error *err, assay_result **result);

#ifdef __cplusplus
}
#endif
#endif

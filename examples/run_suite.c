/* SPDX-License-Identifier: MIT */
/* The main job from a program of one's own: run part of a suite, look at the results as data, hand them to the reporter. */
#include <assay/report.h>
#include <assay/run.h>

#include <stdio.h>

int main(int argc, char **argv) {
  assay_bench_worker(argc, argv); /* first: a fresh process that measures ends in here */

  const char *const suites[] = {"performance", NULL};
  assay_run_config config = {.suites = suites, .filter = "performance/alloc_small/*", .quick = true, .no_ceilings = true};
  assay_error err = {0};
  assay_result *result = NULL;
  if (assay_run(&config, &err, &result) != ASSAY_OK) {
    fprintf(stderr, "%s\n", err.message);
    return assay_status_exit_code(err.status);
  }
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *benchmark = &result->benchmarks[i];
    const assay_metric_result *time = assay_benchmark_metric(benchmark, "time");
    if (time != NULL) printf("%-32s %8.1f ns  [%.1f, %.1f]\n", benchmark->name, time->value, time->ci_low, time->ci_high);
  }
  const char *path = argc > 1 ? argv[1] : "report.html";
  assay_status status = assay_report_write(result, NULL, ASSAY_FORMAT_HTML, path, &err);
  if (status == ASSAY_OK)
    printf("%s\n", path);
  else
    fprintf(stderr, "%s\n", err.message);
  int exit_code = status == ASSAY_OK ? assay_result_exit_code(result) : assay_status_exit_code(status);
  assay_result_destroy(result);
  return exit_code;
}

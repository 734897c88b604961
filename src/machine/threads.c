/* SPDX-License-Identifier: MIT */
#include <assay/machine.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "os/prim.h"

/* Each library has a variable of its own, read once when it is loaded. */
static const char *const variables[] = {"OMP_NUM_THREADS",  "OPENBLAS_NUM_THREADS",   "MKL_NUM_THREADS",
                                        "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS"};

/* Performance cores that this process may use: more threads than cores only makes them wait for each other. */
static uint64_t cores_for_math(const assay_machine *machine) {
  uint64_t performance = 0, allowed = 0;
  assay_machine_get_u64(machine, "cpu.performance_cores", &performance);
  assay_machine_get_u64(machine, "cpu.cores_allowed", &allowed);
  uint64_t cores = performance > 0 ? performance : allowed;
  double quota = NAN;
  assay_machine_get_f64(machine, "cpu.quota_cores", &quota);
  if (allowed > 0 && allowed < cores) cores = allowed;
  return cores > 0 ? assay_os_within_quota(cores, quota) : 0;
}

assay_status assay_machine_set_math_threads(const assay_machine *machine, unsigned threads, assay_error *err) {
  uint64_t count = threads > 0 ? threads : cores_for_math(machine);
  if (count == 0) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "the number of cores is not known here; name a number of threads");
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)count);
  for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
    if (setenv(variables[i], text, 0) != 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot set %s", variables[i]);
  }
  return ASSAY_OK;
}

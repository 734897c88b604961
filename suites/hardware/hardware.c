/* SPDX-License-Identifier: MIT */
/* The hardware suite has checks instead of benchmarks: the machine against a profile, or against what it claims of itself. */
#include <assay/bench.h>
#include <assay/machine.h>

static assay_status check_machine(const assay_suite_context *context, assay_error *err, assay_check_list **checks) {
  return assay_machine_check(context->machine, context->ceilings, context->profile, err, checks);
}

static const assay_suite hardware = {.name = "hardware",
                                     .summary = "the machine against an expectation profile, or against what it claims of itself",
                                     .check = check_machine};

__attribute__((constructor)) static void register_suite(void) { assay_suite_register(&hardware); }

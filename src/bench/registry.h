/* SPDX-License-Identifier: MIT */
/* The benchmarks and suites of this program, filled by constructors before main; read-only afterwards, so reading is thread-safe. */
#ifndef ASSAY_BENCH_REGISTRY_H
#define ASSAY_BENCH_REGISTRY_H

#include <assay/bench.h>

size_t assay_registry_count(void);
const assay_bench_desc *assay_registry_at(size_t index);
/* Suite of a benchmark; one without a name belongs to the suite named like the program. */
const char *assay_registry_suite(const assay_bench_desc *desc);
/* NULL when not there. */
const assay_bench_desc *assay_registry_find(const char *suite, const char *name);
/* The first thing that is wrong with the registrations: a name twice, a name with odd characters, out of memory. */
assay_status assay_registry_check(assay_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* The kernel's CPU lists: "0-3,5-15", in old kernels also with blanks. */
#ifndef ASSAY_MACHINE_CPULIST_H
#define ASSAY_MACHINE_CPULIST_H

#include <hwloc.h>
#include <stdbool.h>

/* Fills `set`; false when the text is no list or names a CPU above 1,048,575. */
bool assay_cpulist_parse(const char *text, hwloc_bitmap_t set);

#endif

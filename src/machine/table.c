/* SPDX-License-Identifier: MIT */
#include "machine/component.h"

static bool anywhere(const assay_source *source) {
  (void)source;
  return true;
}

/* /proc and /sys, of this system or of a capture. On macOS a live source has neither. */
static bool linux_files(const assay_source *source) {
#ifdef __linux__
  return source->kind != ASSAY_SOURCE_SYSCTL;
#else
  return source->kind == ASSAY_SOURCE_TREE;
#endif
}

static const assay_component components[] = {
    {"build", ASSAY_PHASE_ENVIRONMENT, 50, anywhere, assay_discover_build},
    {"linux-kernel", ASSAY_PHASE_ENVIRONMENT, 40, linux_files, assay_discover_kernel},
    {"hwloc", ASSAY_PHASE_TOPOLOGY, 50, linux_files, assay_discover_topology},
    {"linux-cpuinfo", ASSAY_PHASE_TOPOLOGY, 40, linux_files, assay_discover_cpuinfo},
    {"linux-memory", ASSAY_PHASE_MEMORY, 50, linux_files, assay_discover_memory},
};

size_t assay_component_count(void) { return sizeof components / sizeof *components; }

const assay_component *assay_component_at(size_t index) { return &components[index]; }

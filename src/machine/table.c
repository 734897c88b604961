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

static bool sysctl_values(const assay_source *source) { return source->kind == ASSAY_SOURCE_SYSCTL; }

static const assay_component components[] = {
    {"build", ASSAY_PHASE_ENVIRONMENT, 50, anywhere, assay_discover_build},
    {"linux-kernel", ASSAY_PHASE_ENVIRONMENT, 40, linux_files, assay_discover_kernel},
    {"hwloc", ASSAY_PHASE_TOPOLOGY, 50, linux_files, assay_discover_topology},
    {"macos", ASSAY_PHASE_TOPOLOGY, 50, sysctl_values, assay_discover_macos},
    {"linux-cpuinfo", ASSAY_PHASE_TOPOLOGY, 40, linux_files, assay_discover_cpuinfo},
    {"linux-memory", ASSAY_PHASE_MEMORY, 50, linux_files, assay_discover_memory},
    {"linux-cgroup", ASSAY_PHASE_MEMORY, 40, linux_files, assay_discover_cgroup},
    {"linux-isa", ASSAY_PHASE_ISA, 50, linux_files, assay_discover_isa},
    {"linux-cpufreq", ASSAY_PHASE_FREQUENCY, 50, linux_files, assay_discover_frequency},
    {"linux-sensors", ASSAY_PHASE_SENSORS, 50, linux_files, assay_discover_sensors},
    {"linux-power", ASSAY_PHASE_POWER, 50, linux_files, assay_discover_power},
    {"linux-gpu", ASSAY_PHASE_ACCELERATORS, 50, linux_files, assay_discover_gpus},
    {"linux-accel", ASSAY_PHASE_ACCELERATORS, 40, linux_files, assay_discover_accelerators},
    {"linux-virtualisation", ASSAY_PHASE_VIRTUALISATION, 50, linux_files, assay_discover_virtualisation},
    {"linux-container", ASSAY_PHASE_VIRTUALISATION, 40, linux_files, assay_discover_container},
};

size_t assay_component_count(void) { return sizeof components / sizeof *components; }

const assay_component *assay_component_at(size_t index) { return &components[index]; }

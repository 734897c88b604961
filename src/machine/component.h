/* SPDX-License-Identifier: MIT */
/*
 * Detection is a table of components (table.c), run phase by phase and, in a phase, from the highest priority down. To add one: write
 * src/machine/<name>.c with a discover function, declare it here, add its row to the table, name its keys in docs/machine.md, and test it
 * on a capture.
 */
#ifndef ASSAY_MACHINE_COMPONENT_H
#define ASSAY_MACHINE_COMPONENT_H

#include "machine/facts.h"

typedef enum assay_phase {
  ASSAY_PHASE_ENVIRONMENT, /* operating system, kernel, compiler: later phases may look at them */
  ASSAY_PHASE_TOPOLOGY,
  ASSAY_PHASE_MEMORY,
  ASSAY_PHASE_ISA,
  ASSAY_PHASE_FREQUENCY,
  ASSAY_PHASE_SENSORS,
  ASSAY_PHASE_POWER,
  ASSAY_PHASE_ACCELERATORS,
  ASSAY_PHASE_VIRTUALISATION
} assay_phase;

typedef struct assay_component {
  const char *name;
  assay_phase phase;
  int priority;
  bool (*supports)(const assay_source *source);
  void (*discover)(assay_context *context);
} assay_component;

/* In the order in which they run. */
size_t assay_component_count(void);
const assay_component *assay_component_at(size_t index);

/* Of a kernel command line, the parameters that change timing; "none" when there are none. In the arena. */
const char *assay_kernel_parameters_that_matter(assay_arena *arena, const char *cmdline);

void assay_discover_build(assay_context *context);
void assay_discover_kernel(assay_context *context);
void assay_discover_topology(assay_context *context);
void assay_discover_cpuinfo(assay_context *context);
void assay_discover_memory(assay_context *context);
void assay_discover_cgroup(assay_context *context);
void assay_discover_isa(assay_context *context);
void assay_discover_frequency(assay_context *context);
void assay_discover_sensors(assay_context *context);
void assay_discover_power(assay_context *context);
void assay_discover_gpus(assay_context *context);
void assay_discover_accelerators(assay_context *context);
void assay_discover_virtualisation(assay_context *context);
void assay_discover_container(assay_context *context);
void assay_discover_macos(assay_context *context);

#endif

/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "machine/component.h"
#include "machine/detect.h"
#include "machine/macos_live.h"
#include "machine/snapshot.h"
#include "machine/topology_load.h"
#include "os/prim.h"

static void run_components(assay_context *context) {
  for (int phase = ASSAY_PHASE_ENVIRONMENT; phase <= ASSAY_PHASE_VIRTUALISATION; phase++) {
    for (size_t i = 0; i < assay_component_count(); i++) {
      const assay_component *component = assay_component_at(i);
      if ((int)component->phase != phase || !component->supports(context->source)) continue;
      context->component = component->name;
      component->discover(context);
    }
  }
}

static bool wants_topology(const assay_source *source) {
  if (source->kind == ASSAY_SOURCE_TREE) return true;
#ifdef __linux__
  return source->kind == ASSAY_SOURCE_LIVE;
#else
  return false;
#endif
}

assay_status assay_detect_from(const assay_source *source, assay_error *err, assay_machine **machine) {
  assay_machine *made = NULL;
  assay_status status = assay_facts_create(err, &made);
  if (status != ASSAY_OK) return status;
  assay_context context = {.machine = made, .arena = &made->arena, .source = source};
  /* A capture without a topology still tells the rest. */
  assay_error topology_err = {0};
  if (wants_topology(source)) status = assay_topology_load(source, &topology_err, &context.topology);
  if (status == ASSAY_ERR_UNSUPPORTED) {
    context.no_topology = assay_arena_strdup(&made->arena, topology_err.message);
    status = ASSAY_OK;
  } else if (status != ASSAY_OK && err != NULL && err->status == ASSAY_OK) {
    *err = topology_err;
  }
  if (status == ASSAY_OK) {
    run_components(&context);
    assay_identity_set(made);
    if (made->arena.failed) status = ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the machine's facts");
    if (status == ASSAY_OK) status = assay_plausible(made, source, err);
  }
  if (context.topology != NULL) hwloc_topology_destroy(context.topology);
  if (status == ASSAY_OK)
    *machine = made;
  else
    assay_machine_destroy(made);
  return status;
}

static assay_status detect_here(assay_error *err, assay_machine **machine) {
  assay_source source = {.kind = ASSAY_SOURCE_LIVE, .root = "", .complete = true};
#ifdef __APPLE__
  assay_arena values;
  assay_arena_init(&values, ASSAY_TAG_MACHINE);
  assay_status status = assay_macos_read(&values, err, &source);
  if (status == ASSAY_OK) status = assay_detect_from(&source, err, machine);
  assay_arena_deinit(&values);
  return status;
#else
  return assay_detect_from(&source, err, machine);
#endif
}

assay_status assay_machine_detect(const char *snapshot_path, assay_error *err, assay_machine **machine) {
  if (snapshot_path == NULL) return detect_here(err, machine);
  assay_snapshot snapshot;
  assay_status status = assay_snapshot_open(snapshot_path, err, &snapshot);
  if (status != ASSAY_OK) return status;
  status = assay_detect_from(&snapshot.source, err, machine);
  if (status == ASSAY_OK) (*machine)->replayed = true;
  assay_snapshot_close(&snapshot);
  return status;
}

size_t assay_machine_cpus(const assay_machine *machine, assay_core_class core_class, unsigned *cpus, size_t capacity) {
  size_t count = 0;
  for (size_t i = 0; i < machine->cpu_count; i++) {
    const assay_machine_cpu *cpu = &machine->cpus[i];
    if (!cpu->allowed || (core_class != ASSAY_CORES_ALL && cpu->core_class != core_class)) continue;
    if (count < capacity) cpus[count] = cpu->number;
    count++;
  }
  return count;
}

assay_status assay_machine_run_on(const assay_machine *machine, assay_core_class core_class, assay_error *err) {
  static const char *const names[] = {"usable", "performance", "efficiency"};
  size_t count = assay_machine_cpus(machine, core_class, NULL, 0);
  if (count == 0) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "this machine has no %s CPUs that this process may use", names[core_class]);
  unsigned *cpus = assay_calloc(ASSAY_TAG_MACHINE, count, sizeof *cpus);
  if (cpus == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a CPU list");
  assay_machine_cpus(machine, core_class, cpus, count);
  assay_status status = assay_os_pin_thread(cpus, count, err);
  assay_free(cpus);
  return status;
}

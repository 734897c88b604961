/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "result/storage.h"

static void copy_facts(assay_result *result, const assay_machine *machine) {
  assay_arena *arena = assay_result_arena(result);
  size_t count = assay_machine_count(machine);
  assay_fact *facts = assay_arena_alloc(arena, count, sizeof *facts);
  for (size_t i = 0; facts != NULL && i < count; i++) {
    facts[i] = *assay_machine_at(machine, i);
    facts[i].key = assay_arena_strdup(arena, facts[i].key);
    facts[i].component = assay_arena_strdup(arena, facts[i].component);
    facts[i].text = assay_arena_strdup(arena, facts[i].text);
  }
  if (facts == NULL) return;
  result->facts = facts;
  result->fact_count = assay_result_storage_of(result)->fact_capacity = count;
  result->machine_id = assay_arena_strdup(arena, assay_machine_id(machine));
  result->machine_label = assay_arena_strdup(arena, assay_machine_label(machine));
}

static void copy_ceilings(assay_result *result, const assay_ceilings *from) {
  assay_arena *arena = assay_result_arena(result);
  size_t count = assay_ceilings_count(from);
  assay_ceiling *ceilings = assay_arena_alloc(arena, count, sizeof *ceilings);
  for (size_t i = 0; ceilings != NULL && i < count; i++) {
    ceilings[i] = *assay_ceilings_at(from, i);
    ceilings[i].name = assay_arena_strdup(arena, ceilings[i].name);
    ceilings[i].unit = assay_arena_strdup(arena, ceilings[i].unit);
    ceilings[i].detail = assay_arena_strdup(arena, ceilings[i].detail);
    ceilings[i].cause = assay_arena_strdup(arena, ceilings[i].cause);
  }
  if (ceilings == NULL) return;
  int64_t measured_at_s = 0;
  double took_s = 0;
  assay_ceilings_provenance(from, &measured_at_s, &result->ceilings_quick, &took_s);
  result->ceilings = ceilings;
  result->ceiling_count = assay_result_storage_of(result)->ceiling_capacity = count;
}

assay_status assay_result_set_machine(assay_result *result, const assay_machine *machine, const assay_ceilings *ceilings,
                                      assay_error *err) {
  if (machine != NULL) copy_facts(result, machine);
  if (ceilings != NULL) copy_ceilings(result, ceilings);
  return assay_result_added(result, err);
}

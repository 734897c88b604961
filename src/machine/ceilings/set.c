/* SPDX-License-Identifier: MIT */
#include "machine/ceilings/set.h"

#include <string.h>

assay_status assay_ceilings_create(assay_error *err, assay_ceilings **ceilings) {
  assay_ceilings *created = assay_calloc(ASSAY_TAG_MACHINE, 1, sizeof *created);
  if (created == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the ceilings");
  assay_arena_init(&created->arena, ASSAY_TAG_MACHINE);
  created->threads = 1;
  created->method = ASSAY_CEILINGS_METHOD;
  *ceilings = created;
  return ASSAY_OK;
}

void assay_ceilings_destroy(assay_ceilings *ceilings) {
  if (ceilings == NULL) return;
  assay_arena_deinit(&ceilings->arena);
  assay_free(ceilings);
}

assay_status assay_ceilings_add(assay_ceilings *ceilings, const assay_ceiling *row, assay_error *err) {
  if (ceilings->count == ceilings->capacity) {
    assay_ceiling *grown = assay_arena_grow(&ceilings->arena, ceilings->items, ceilings->count, &ceilings->capacity, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a ceiling");
    ceilings->items = grown;
  }
  assay_ceiling copy = *row;
  copy.name = assay_arena_strdup(&ceilings->arena, row->name);
  copy.unit = assay_arena_strdup(&ceilings->arena, row->unit);
  copy.detail = assay_arena_strdup(&ceilings->arena, row->detail);
  copy.cause = assay_arena_strdup(&ceilings->arena, row->cause);
  if (ceilings->arena.failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a ceiling");
  ceilings->items[ceilings->count++] = copy;
  return ASSAY_OK;
}

size_t assay_ceilings_count(const assay_ceilings *ceilings) { return ceilings->count; }

const assay_ceiling *assay_ceilings_at(const assay_ceilings *ceilings, size_t index) {
  return index < ceilings->count ? &ceilings->items[index] : NULL;
}

const assay_ceiling *assay_ceilings_find(const assay_ceilings *ceilings, const char *name) {
  for (size_t i = 0; i < ceilings->count; i++) {
    if (strcmp(ceilings->items[i].name, name) == 0) return &ceilings->items[i];
  }
  return NULL;
}

void assay_ceilings_provenance(const assay_ceilings *ceilings, int64_t *measured_at_s, bool *quick, double *took_s) {
  if (measured_at_s != NULL) *measured_at_s = ceilings->measured_at_s;
  if (quick != NULL) *quick = ceilings->quick;
  if (took_s != NULL) *took_s = ceilings->took_s;
}

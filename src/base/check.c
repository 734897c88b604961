/* SPDX-License-Identifier: MIT */
#include <assay/check.h>

#include "base/arena.h"

assay_status assay_check_list_create(assay_error *err, assay_check_list **list) {
  assay_check_list *created = assay_calloc(ASSAY_TAG_BASE, 1, sizeof *created);
  assay_arena *arena = assay_calloc(ASSAY_TAG_BASE, 1, sizeof *arena);
  if (created == NULL || arena == NULL) {
    assay_free(created);
    assay_free(arena);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a list of checks");
  }
  assay_arena_init(arena, ASSAY_TAG_BASE);
  created->storage = arena;
  *list = created;
  return ASSAY_OK;
}

assay_status assay_check_list_add(assay_check_list *list, const assay_check *check, assay_error *err) {
  assay_arena *arena = list->storage;
  if (list->count == list->capacity) {
    assay_check *grown = assay_arena_grow(arena, list->items, list->count, &list->capacity, sizeof *grown);
    if (grown == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a check");
    list->items = grown;
  }
  assay_check copy = {
      .suite = assay_arena_strdup(arena, check->suite),
      .name = assay_arena_strdup(arena, check->name),
      .status = check->status,
      .expected = assay_arena_strdup(arena, check->expected),
      .measured = assay_arena_strdup(arena, check->measured),
      .cause = assay_arena_strdup(arena, check->cause),
      .recommendation = assay_arena_strdup(arena, check->recommendation),
  };
  if (arena->failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a check");
  list->items[list->count++] = copy;
  return ASSAY_OK;
}

void assay_check_list_destroy(assay_check_list *list) {
  if (list == NULL) return;
  assay_arena_deinit(list->storage);
  assay_free(list->storage);
  assay_free(list);
}

const char *assay_check_status_text(assay_check_status status) {
  static const char *const texts[] = {"pass", "fail", "unavailable"};
  return (unsigned)status < 3 ? texts[status] : "unknown";
}

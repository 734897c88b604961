/* SPDX-License-Identifier: MIT */
/* Dotted keys become nested objects, numeric parts arrays; objects keep the order in which detection first named them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "machine/facts.h"

typedef struct node {
  const char *name;
  size_t name_length;
  const assay_fact *fact;
  struct node *first, *last, *next;
  size_t children;
} node;

static node *child_named(assay_arena *arena, node *parent, const char *name, size_t length) {
  for (node *child = parent->first; child != NULL; child = child->next) {
    if (child->name_length == length && memcmp(child->name, name, length) == 0) return child;
  }
  node *child = assay_arena_alloc(arena, 1, sizeof *child);
  if (child == NULL) return NULL;
  *child = (node){.name = name, .name_length = length};
  if (parent->last != NULL)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
  parent->children++;
  return child;
}

static void add_fact(assay_arena *arena, node *root, const assay_fact *fact) {
  node *at = root;
  for (const char *part = fact->key; at != NULL;) {
    size_t length = strcspn(part, ".");
    at = child_named(arena, at, part, length);
    if (part[length] == '\0') break;
    part += length + 1;
  }
  if (at != NULL) at->fact = fact;
}

/* True when the children are named 0, 1, 2 ... in order. */
static bool is_array(const node *parent) {
  size_t index = 0;
  for (const node *child = parent->first; child != NULL; child = child->next, index++) {
    if (!isdigit((unsigned char)child->name[0])) return false;
    char *end = NULL;
    if (strtoull(child->name, &end, 10) != index || end != child->name + child->name_length) return false;
  }
  return parent->children > 0;
}

static void write_leaf(assay_json *json, const assay_fact *fact) {
  switch (fact->type) {
    case ASSAY_FACT_TEXT: assay_json_string(json, fact->text); break;
    case ASSAY_FACT_INTEGER: assay_json_int(json, fact->integer); break;
    case ASSAY_FACT_REAL: assay_json_double(json, fact->real); break;
    case ASSAY_FACT_BOOL: assay_json_bool(json, fact->integer != 0); break;
    case ASSAY_FACT_UNAVAILABLE: assay_json_null(json); break;
  }
}

static void write_node(assay_json *json, assay_arena *arena, const node *at);

static void write_members(assay_json *json, assay_arena *arena, const node *parent) {
  for (const node *child = parent->first; child != NULL; child = child->next) {
    const char *name = assay_arena_strndup(arena, child->name, child->name_length);
    if (name == NULL) return;
    assay_json_key(json, name);
    write_node(json, arena, child);
  }
}

static void write_node(assay_json *json, assay_arena *arena, const node *at) {
  if (at->first == NULL) {
    write_leaf(json, at->fact);
    return;
  }
  if (is_array(at)) {
    assay_json_array(json);
    for (const node *child = at->first; child != NULL; child = child->next) write_node(json, arena, child);
  } else {
    assay_json_object(json);
    write_members(json, arena, at);
  }
  assay_json_end(json);
}

static void write_unavailable(assay_json *json, const assay_machine *machine) {
  assay_json_key(json, "unavailable");
  assay_json_object(json);
  for (size_t i = 0; i < machine->count; i++) {
    if (machine->facts[i].type != ASSAY_FACT_UNAVAILABLE) continue;
    assay_json_put_string(json, machine->facts[i].key, machine->facts[i].text);
  }
  assay_json_end(json);
}

assay_status assay_machine_to_json(const assay_machine *machine, assay_error *err, char **json_text) {
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_MACHINE);
  assay_buf buf = {0};
  assay_json json = {.out = &buf, .indent = 2};
  node root = {0};
  for (size_t i = 0; i < machine->count; i++) add_fact(&arena, &root, &machine->facts[i]);
  if (!arena.failed) {
    assay_json_object(&json);
    assay_json_put_string(&json, "schema", "assay-machine/1");
    assay_json_put_string(&json, "id", machine->id);
    assay_json_put_string(&json, "label", machine->label);
    write_members(&json, &arena, &root);
    write_unavailable(&json, machine);
    assay_json_end(&json);
  }
  bool failed = arena.failed;
  assay_arena_deinit(&arena);
  char *text = assay_buf_take(&buf);
  if (failed || text == NULL) {
    assay_free(text);
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the machine's JSON");
  }
  *json_text = text;
  return ASSAY_OK;
}

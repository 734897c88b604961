/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"
#include "machine/facts.h"

enum { FACTS_MAX = 100000, KEY_MAX = 200 };

assay_status assay_facts_create(assay_error *err, assay_machine **machine) {
  assay_machine *made = assay_calloc(ASSAY_TAG_MACHINE, 1, sizeof *made);
  if (made == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the machine's facts");
  assay_arena_init(&made->arena, ASSAY_TAG_MACHINE);
  made->label = "";
  *machine = made;
  return ASSAY_OK;
}

void assay_machine_destroy(assay_machine *machine) {
  if (machine == NULL) return;
  assay_arena_deinit(&machine->arena);
  assay_free(machine);
}

/* Slot that holds the key, or the free one where it belongs. */
static size_t slot_of(const assay_machine *machine, const char *key) {
  size_t mask = machine->slot_count - 1;
  size_t slot = (size_t)assay_hash(ASSAY_HASH_START, key, strlen(key)) & mask;
  while (machine->slots[slot] != 0 && strcmp(machine->facts[machine->slots[slot] - 1].key, key) != 0) slot = (slot + 1) & mask;
  return slot;
}

static bool grow_slots(assay_machine *machine) {
  size_t count = machine->slot_count == 0 ? 256 : machine->slot_count * 2;
  size_t *slots = assay_arena_alloc(&machine->arena, count, sizeof *slots);
  if (slots == NULL) return false;
  machine->slots = slots;
  machine->slot_count = count;
  for (size_t i = 0; i < machine->count; i++) machine->slots[slot_of(machine, machine->facts[i].key)] = i + 1;
  return true;
}

/* The fact of that key, new or to be overwritten; NULL when it must stay as it is. */
static assay_fact *fact_to_write(assay_machine *machine, const char *key, assay_fact_type type) {
  if (machine->slot_count < (machine->count + 1) * 2 && !grow_slots(machine)) return NULL;
  size_t slot = slot_of(machine, key);
  if (machine->slots[slot] != 0) {
    assay_fact *there = &machine->facts[machine->slots[slot] - 1];
    return there->type == ASSAY_FACT_UNAVAILABLE && type != ASSAY_FACT_UNAVAILABLE ? there : NULL;
  }
  if (machine->count == FACTS_MAX) return NULL;
  if (machine->count == machine->capacity) {
    assay_fact *facts = assay_arena_grow(&machine->arena, machine->facts, machine->count, &machine->capacity, sizeof *facts);
    if (facts == NULL) return NULL;
    machine->facts = facts;
  }
  assay_fact *fact = &machine->facts[machine->count];
  fact->key = assay_arena_strdup(&machine->arena, key);
  if (fact->key == NULL) return NULL;
  machine->slots[slot] = ++machine->count;
  return fact;
}

static void put(assay_context *context, assay_fact value, const char *format, va_list args) {
  char key[KEY_MAX];
  int length = assay_vsnprintf(key, sizeof key, format, args);
  if (length < 0 || (size_t)length >= sizeof key) return;
  assay_fact *fact = fact_to_write(context->machine, key, value.type);
  if (fact == NULL) return;
  value.key = fact->key;
  value.component = context->component;
  if (value.text != NULL) value.text = assay_arena_strdup(context->arena, value.text);
  *fact = value;
}

#define PUT(...)                                         \
  do {                                                   \
    va_list args_;                                       \
    va_start(args_, key);                                \
    put(context, (assay_fact){__VA_ARGS__}, key, args_); \
    va_end(args_);                                       \
  } while (0)

void assay_put_text(assay_context *context, const char *text, const char *cause, const char *key, ...) {
  if (text != NULL)
    PUT(.type = ASSAY_FACT_TEXT, .text = text);
  else
    PUT(.type = ASSAY_FACT_UNAVAILABLE, .text = cause != NULL ? cause : "not published");
}

void assay_put_integer(assay_context *context, int64_t value, const char *key, ...) {
  PUT(.type = ASSAY_FACT_INTEGER, .integer = value, .real = (double)value);
}

void assay_put_real(assay_context *context, double value, const char *key, ...) { PUT(.type = ASSAY_FACT_REAL, .real = value); }

void assay_put_bool(assay_context *context, bool value, const char *key, ...) {
  PUT(.type = ASSAY_FACT_BOOL, .integer = value, .real = value);
}

void assay_put_unavailable(assay_context *context, const char *cause, const char *key, ...) {
  PUT(.type = ASSAY_FACT_UNAVAILABLE, .text = cause != NULL ? cause : "not published");
}

void assay_put_file_integer(assay_context *context, int64_t scale, const char *key, const char *path) {
  const char *cause = NULL;
  uint64_t value;
  if (!assay_source_u64(context->source, context->arena, &cause, &value, "%s", path))
    assay_put_unavailable(context, cause, "%s", key);
  else if (value > (uint64_t)(INT64_MAX / scale))
    assay_put_unavailable(context, "the number published is out of range", "%s", key);
  else
    assay_put_integer(context, (int64_t)value * scale, "%s", key);
}

size_t assay_machine_count(const assay_machine *machine) { return machine->count; }

const assay_fact *assay_machine_at(const assay_machine *machine, size_t index) {
  return index < machine->count ? &machine->facts[index] : NULL;
}

const assay_fact *assay_machine_get(const assay_machine *machine, const char *key) {
  if (machine->slot_count == 0) return NULL;
  size_t slot = machine->slots[slot_of(machine, key)];
  return slot == 0 ? NULL : &machine->facts[slot - 1];
}

bool assay_machine_get_u64(const assay_machine *machine, const char *key, uint64_t *value) {
  const assay_fact *fact = assay_machine_get(machine, key);
  if (fact == NULL || (fact->type != ASSAY_FACT_INTEGER && fact->type != ASSAY_FACT_BOOL) || fact->integer < 0) return false;
  *value = (uint64_t)fact->integer;
  return true;
}

bool assay_machine_get_f64(const assay_machine *machine, const char *key, double *value) {
  const assay_fact *fact = assay_machine_get(machine, key);
  if (fact == NULL || (fact->type != ASSAY_FACT_INTEGER && fact->type != ASSAY_FACT_REAL && fact->type != ASSAY_FACT_BOOL)) return false;
  *value = fact->real;
  return true;
}

const char *assay_machine_get_text(const assay_machine *machine, const char *key) {
  const assay_fact *fact = assay_machine_get(machine, key);
  return fact != NULL && fact->type == ASSAY_FACT_TEXT ? fact->text : NULL;
}

const char *assay_machine_id(const assay_machine *machine) { return machine->id; }

const char *assay_machine_label(const assay_machine *machine) { return machine->label; }

uint64_t assay_facts_cache(const assay_machine *machine, unsigned level, uint64_t *instances) {
  for (unsigned i = 0; i < 64; i++) {
    char key[64];
    uint64_t found = 0, size = 0, count = 1;
    snprintf(key, sizeof key, "caches.%u.level", i);
    if (!assay_machine_get_u64(machine, key, &found)) return 0;
    snprintf(key, sizeof key, "caches.%u.type", i);
    const char *type = assay_machine_get_text(machine, key);
    if (found != level || (type != NULL && strcmp(type, "instruction") == 0)) continue;
    snprintf(key, sizeof key, "caches.%u.size_bytes", i);
    if (!assay_machine_get_u64(machine, key, &size)) continue;
    snprintf(key, sizeof key, "caches.%u.count", i);
    assay_machine_get_u64(machine, key, &count);
    if (instances != NULL) *instances = count;
    return size;
  }
  return 0;
}

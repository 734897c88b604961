/* SPDX-License-Identifier: MIT */
/*
 * The machine while components write it. A component gets an assay_context, reads files through its source and puts facts:
 *
 *     const char *cause = NULL;
 *     const char *model = assay_source_read(context->source, context->arena, &cause, "/proc/device-tree/model");
 *     assay_put_text(context, model, cause, "cpu.model");
 *
 * Of two components that write one key, the one with the higher priority wins; a value always wins over "unavailable".
 * Out of memory is sticky in the arena, so components do not check every put; assay_machine_detect checks once at the end.
 */
#ifndef ASSAY_MACHINE_FACTS_H
#define ASSAY_MACHINE_FACTS_H

#include <assay/machine.h>

#include "base/arena.h"
#include "machine/source.h"

/* One logical CPU that is online. */
typedef struct assay_machine_cpu {
  unsigned number;             /* as the kernel counts */
  unsigned core;               /* the same for hardware threads of one core */
  unsigned thread;             /* 0 for the first hardware thread of its core */
  unsigned kind;               /* cpu.kinds index: 0 is the fastest */
  assay_core_class core_class; /* PERFORMANCE or EFFICIENCY */
  bool allowed;
} assay_machine_cpu;

struct assay_machine {
  assay_arena arena;
  assay_fact *facts;
  size_t count, capacity;
  size_t *slots; /* open addressing over keys: index + 1, 0 is free */
  size_t slot_count;
  assay_machine_cpu *cpus; /* fastest kind first, first threads of cores first */
  size_t cpu_count;
  bool replayed; /* from a capture: nothing that is measured here belongs to it */
  char id[17];
  const char *label;
};

struct hwloc_topology;

typedef struct assay_context {
  assay_machine *machine;
  assay_arena *arena; /* the machine's */
  const assay_source *source;
  const char *component;           /* name of the one that writes now */
  struct hwloc_topology *topology; /* NULL for sysctl listings, and where the source holds none */
  const char *no_topology;         /* why it holds none */
} assay_context;

assay_status assay_facts_create(assay_error *err, assay_machine **machine);

/* Each puts one fact under a printf-style key. `text` NULL puts "unavailable" with `cause`. */
void assay_put_text(assay_context *context, const char *text, const char *cause, const char *key, ...) ASSAY_PRINTF(4, 5);
void assay_put_integer(assay_context *context, int64_t value, const char *key, ...) ASSAY_PRINTF(3, 4);
void assay_put_real(assay_context *context, double value, const char *key, ...) ASSAY_PRINTF(3, 4);
void assay_put_bool(assay_context *context, bool value, const char *key, ...) ASSAY_PRINTF(3, 4);
void assay_put_unavailable(assay_context *context, const char *cause, const char *key, ...) ASSAY_PRINTF(3, 4);
/* The whole number that a file holds, times `scale`; else why not. */
void assay_put_file_integer(assay_context *context, int64_t scale, const char *key, const char *path);

/* Bytes of the first data or unified cache of a level whose size is known, and, unless NULL, how many such caches there are; 0 when there
 * is none, and then `instances` is untouched. */
uint64_t assay_facts_cache(const assay_machine *machine, unsigned level, uint64_t *instances);

/* Sets id and label from the facts. */
void assay_identity_set(assay_machine *machine);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A Mac, from sysctl values. Only what a sysctl publishes: GPU cores, Neural Engine cores and memory bandwidth of Apple's chips are not
 * among them, and a table by chip name would be a guess about this very machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/text.h"
#include "machine/component.h"
#include "machine/lines.h"

enum { LEVELS_MAX = 8 };

typedef struct level {
  const char *name;
  int64_t cores, threads; /* 0: not published */
  bool efficient;
} level;

static const char *text_of(assay_context *context, const char *key) {
  const char *value = assay_source_pair(context->source, key);
  return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool number_of(assay_context *context, int64_t *value, const char *key, ...) ASSAY_PRINTF(3, 4);

static bool number_of(assay_context *context, int64_t *value, const char *format, ...) {
  char key[96];
  va_list args;
  va_start(args, format);
  int length = assay_vsnprintf(key, sizeof key, format, args);
  va_end(args);
  uint64_t number;
  const char *text = length > 0 && (size_t)length < sizeof key ? text_of(context, key) : NULL;
  if (text == NULL || !assay_parse_u64(text, &number) || number > INT64_MAX) return false;
  *value = (int64_t)number;
  return true;
}

static const char *not_published(assay_context *context, const char *key) {
  return assay_arena_printf(context->arena, "sysctl does not publish %s", key);
}

/* The first of the sysctls that is there; a count of 0 is no count. */
static bool put_first(assay_context *context, const char *fact, const char *const *keys) {
  for (const char *const *key = keys; *key != NULL; key++) {
    int64_t value;
    if (!number_of(context, &value, "%s", *key) || value == 0) continue;
    assay_put_integer(context, value, "%s", fact);
    return true;
  }
  assay_put_unavailable(context, not_published(context, keys[0]), "%s", fact);
  return false;
}

#define PUT_FIRST(context, fact, ...) put_first(context, fact, (const char *const[]){__VA_ARGS__, NULL})

static void put_first_text(assay_context *context, const char *fact, const char *const *keys) {
  const char *text = NULL;
  for (const char *const *key = keys; text == NULL && *key != NULL; key++) text = text_of(context, *key);
  assay_put_text(context, text, not_published(context, keys[0]), "%s", fact);
}

#define PUT_FIRST_TEXT(context, fact, ...) put_first_text(context, fact, (const char *const[]){__VA_ARGS__, NULL})

/* ---- System --------------------------------------------------------------------------------------------------------- */

static void put_system(assay_context *context) {
  PUT_FIRST_TEXT(context, "kernel.name", "kern.ostype");
  PUT_FIRST_TEXT(context, "kernel.release", "kern.osrelease");
  PUT_FIRST_TEXT(context, "kernel.version", "kern.version");
  PUT_FIRST_TEXT(context, "os.version", "kern.osproductversion");
  assay_put_text(context, text_of(context, "kern.osproductversion") != NULL ? "macOS" : NULL,
                 not_published(context, "kern.osproductversion"), "os.name");
  PUT_FIRST_TEXT(context, "os.model", "hw.model");
  PUT_FIRST(context, "kernel.page_size_bytes", "hw.pagesize", "vm.pagesize");
  int64_t present;
  if (number_of(context, &present, "kern.hv_vmm_present")) {
    assay_put_bool(context, present != 0, "virtualisation.guest");
    assay_put_text(context, present != 0 ? NULL : "none", "the hypervisor does not say its name", "virtualisation.hypervisor");
  } else {
    assay_put_unavailable(context, not_published(context, "kern.hv_vmm_present"), "virtualisation.guest");
    assay_put_unavailable(context, not_published(context, "kern.hv_vmm_present"), "virtualisation.hypervisor");
  }
}

static void put_memory(assay_context *context) {
  int64_t pages, page = 0;
  PUT_FIRST(context, "memory.total_bytes", "hw.memsize");
  PUT_FIRST(context, "memory.usable_bytes", "hw.memsize_usable", "hw.memsize");
  if (number_of(context, &pages, "vm.page_free_count") &&
      (number_of(context, &page, "hw.pagesize") || number_of(context, &page, "vm.pagesize")) && page > 0 && pages <= INT64_MAX / page)
    assay_put_integer(context, pages * page, "memory.free_bytes");
  else
    assay_put_unavailable(context, not_published(context, "vm.page_free_count"), "memory.free_bytes");
  assay_put_unavailable(context, "no sysctl publishes the memory's bandwidth", "memory.bandwidth_bytes_per_s");
}

/* ---- CPUs ----------------------------------------------------------------------------------------------------------- */

static size_t read_levels(assay_context *context, level levels[LEVELS_MAX]) {
  size_t count = 0;
  for (; count < LEVELS_MAX; count++) {
    level *l = &levels[count];
    char name[40];
    snprintf(name, sizeof name, "hw.perflevel%zu.name", count);
    *l = (level){.name = text_of(context, name)};
    bool cores = number_of(context, &l->cores, "hw.perflevel%zu.physicalcpu", count) ||
                 number_of(context, &l->cores, "hw.perflevel%zu.physicalcpu_max", count);
    bool threads = number_of(context, &l->threads, "hw.perflevel%zu.logicalcpu", count) ||
                   number_of(context, &l->threads, "hw.perflevel%zu.logicalcpu_max", count);
    if (!cores && !threads && l->name == NULL) break;
  }
  /* Level 0 is the fastest (Apple: "Optimize for Apple silicon with performance and efficiency cores"); the name decides about the others.
   */
  for (size_t i = 1; i < count; i++)
    levels[i].efficient = levels[i].name != NULL ? strstr(levels[i].name, "Efficiency") != NULL : i + 1 == count;
  return count;
}

static void put_count_or_not(assay_context *context, int64_t value, const char *sysctl, size_t index, const char *fact) {
  if (value > 0)
    assay_put_integer(context, value, "cpu.kinds.%zu.%s", index, fact);
  else
    assay_put_unavailable(context, not_published(context, assay_arena_printf(context->arena, "hw.perflevel%zu.%s", index, sysctl)),
                          "cpu.kinds.%zu.%s", index, fact);
}

static void put_levels(assay_context *context, const level *levels, size_t count) {
  int64_t performance = 0, efficiency = 0;
  bool complete = count > 0;
  for (size_t i = 0; i < count; i++) {
    assay_put_text(context, count == 1 ? "uniform" : levels[i].efficient ? "efficiency" : "performance", NULL, "cpu.kinds.%zu.class", i);
    if (levels[i].name != NULL) assay_put_text(context, levels[i].name, NULL, "cpu.kinds.%zu.name", i);
    put_count_or_not(context, levels[i].cores, "physicalcpu", i, "cores");
    put_count_or_not(context, levels[i].threads, "logicalcpu", i, "threads");
    *(levels[i].efficient ? &efficiency : &performance) += levels[i].cores;
    complete &= levels[i].cores > 0;
  }
  if (complete) {
    assay_put_integer(context, performance, "cpu.performance_cores");
    assay_put_integer(context, efficiency, "cpu.efficiency_cores");
    assay_put_integer(context, performance + efficiency, "cpu.cores");
    return;
  }
  int64_t cores = 0;
  if (count == 0 && (number_of(context, &cores, "hw.physicalcpu") || number_of(context, &cores, "hw.physicalcpu_max")) && cores > 0) {
    /* A Mac with Intel's CPU, or a system older than the levels: one kind. */
    assay_put_text(context, "uniform", NULL, "cpu.kinds.0.class");
    assay_put_integer(context, cores, "cpu.kinds.0.cores");
    assay_put_integer(context, cores, "cpu.performance_cores");
    assay_put_integer(context, 0, "cpu.efficiency_cores");
  } else {
    assay_put_unavailable(context, not_published(context, "hw.perflevel0.physicalcpu"), "cpu.performance_cores");
    assay_put_unavailable(context, not_published(context, "hw.perflevel0.physicalcpu"), "cpu.efficiency_cores");
  }
  PUT_FIRST(context, "cpu.cores", "hw.physicalcpu", "hw.physicalcpu_max", "machdep.cpu.core_count");
}

static void put_architecture(assay_context *context) {
  int64_t arm, type;
  const char *machine = text_of(context, "hw.machine");
  if (machine == NULL &&
      ((number_of(context, &arm, "hw.optional.arm64") && arm == 1) || (number_of(context, &type, "hw.cputype") && type == 0x0100000c)))
    machine = "arm64";
  if (machine == NULL && number_of(context, &type, "hw.cputype") && type == 0x01000007) machine = "x86_64";
  assay_put_text(context, machine, not_published(context, "hw.machine"), "cpu.architecture");
}

static void put_cpu(assay_context *context, const level *levels, size_t count) {
  const char *brand = text_of(context, "machdep.cpu.brand_string");
  assay_put_text(context, brand, not_published(context, "machdep.cpu.brand_string"), "cpu.model");
  const char *vendor = text_of(context, "machdep.cpu.vendor");
  if (vendor == NULL && brand != NULL && strncmp(brand, "Apple ", 6) == 0) vendor = "Apple";
  assay_put_text(context, vendor, not_published(context, "machdep.cpu.vendor"), "cpu.vendor");
  put_architecture(context);
  PUT_FIRST(context, "cpu.packages", "hw.packages");
  put_levels(context, levels, count);
  PUT_FIRST(context, "cpu.threads", "hw.activecpu", "hw.logicalcpu", "hw.ncpu");
  PUT_FIRST(context, "cpu.threads_present", "hw.ncpu", "hw.logicalcpu_max");
  PUT_FIRST(context, "cpu.frequency_max_hz", "hw.cpufrequency_max");
  PUT_FIRST(context, "cpu.frequency_min_hz", "hw.cpufrequency_min");
  PUT_FIRST(context, "cpu.frequency_base_hz", "hw.cpufrequency");
  uint64_t threads = 0, cores = 0;
  if (assay_machine_get_u64(context->machine, "cpu.threads", &threads) && assay_machine_get_u64(context->machine, "cpu.cores", &cores) &&
      cores > 0 && threads % cores == 0)
    assay_put_integer(context, (int64_t)(threads / cores), "cpu.threads_per_core");
  else
    assay_put_unavailable(context, "needs the numbers of threads and cores", "cpu.threads_per_core");
}

/* ---- Caches --------------------------------------------------------------------------------------------------------- */

typedef struct cache_row {
  const char *sysctl, *sharing; /* below hw.perflevelN. */
  int level;
  const char *type;
} cache_row;

static const cache_row cache_rows[] = {{"l1dcachesize", NULL, 1, "data"},
                                       {"l1icachesize", NULL, 1, "instruction"},
                                       {"l2cachesize", "cpusperl2", 2, "unified"},
                                       {"l3cachesize", "cpusperl3", 3, "unified"}};

/* `shared` and `count` 0 where they are not known; kind -1 for none. */
static void put_cache(assay_context *context, size_t index, const cache_row *row, int64_t bytes, int64_t shared, int64_t count, int kind) {
  int64_t line;
  assay_put_integer(context, row->level, "caches.%zu.level", index);
  assay_put_text(context, row->type, NULL, "caches.%zu.type", index);
  assay_put_integer(context, bytes, "caches.%zu.size_bytes", index);
  if (number_of(context, &line, "hw.cachelinesize") && line > 0)
    assay_put_integer(context, line, "caches.%zu.line_bytes", index);
  else
    assay_put_unavailable(context, not_published(context, "hw.cachelinesize"), "caches.%zu.line_bytes", index);
  assay_put_unavailable(context, "sysctl does not publish associativity", "caches.%zu.ways", index);
  if (count > 0)
    assay_put_integer(context, count, "caches.%zu.count", index);
  else
    assay_put_unavailable(context, "sysctl does not publish how many there are", "caches.%zu.count", index);
  if (shared > 0)
    assay_put_integer(context, shared, "caches.%zu.shared_by_threads", index);
  else
    assay_put_unavailable(context, "sysctl does not publish who shares it", "caches.%zu.shared_by_threads", index);
  if (kind >= 0) assay_put_integer(context, kind, "caches.%zu.kind", index);
}

static size_t put_level_caches(assay_context *context, const level *levels, size_t count) {
  size_t index = 0;
  for (size_t r = 0; r < sizeof cache_rows / sizeof *cache_rows; r++) {
    for (size_t i = 0; i < count; i++) {
      const cache_row *row = &cache_rows[r];
      int64_t bytes, shared = 0;
      if (!number_of(context, &bytes, "hw.perflevel%zu.%s", i, row->sysctl) || bytes == 0) continue;
      /* A first-level cache is a core's own; the others say how many CPUs share one. */
      if (row->sharing == NULL)
        shared = levels[i].cores > 0 ? levels[i].threads / levels[i].cores : 0;
      else if (!number_of(context, &shared, "hw.perflevel%zu.%s", i, row->sharing))
        shared = 0;
      int64_t caches = row->sharing == NULL ? levels[i].cores : shared > 0 ? (levels[i].threads + shared - 1) / shared : 0;
      put_cache(context, index++, row, bytes, shared, caches, count > 1 ? (int)i : -1);
    }
  }
  return index;
}

/* Without levels: hw.cacheconfig holds how many CPUs share memory, L1, L2, L3. */
static size_t put_plain_caches(assay_context *context) {
  const char *config = text_of(context, "hw.cacheconfig");
  int64_t shared[4] = {0}, cpus = 0;
  for (size_t i = 0; config != NULL && i < 4; i++) {
    char *end = NULL;
    shared[i] = strtoll(config, &end, 10);
    if (end == config || shared[i] < 0) shared[i] = 0;
    config = end != config ? end : NULL;
  }
  if (!number_of(context, &cpus, "hw.logicalcpu") && !number_of(context, &cpus, "hw.ncpu")) cpus = 0;
  size_t index = 0;
  for (size_t r = 0; r < sizeof cache_rows / sizeof *cache_rows; r++) {
    int64_t bytes, of_level = shared[cache_rows[r].level];
    if (!number_of(context, &bytes, "hw.%s", cache_rows[r].sysctl) || bytes == 0) continue;
    put_cache(context, index++, &cache_rows[r], bytes, of_level, of_level > 0 ? cpus / of_level : 0, -1);
  }
  return index;
}

/* ---- Features ------------------------------------------------------------------------------------------------------- */

static void put_features(assay_context *context) {
  static const struct {
    const char *fact, *keys[3];
  } rows[] = {
      {"isa.neon", {"hw.optional.AdvSIMD", "hw.optional.neon"}},
      {"isa.fp16", {"hw.optional.arm.FEAT_FP16", "hw.optional.neon_fp16"}},
      {"isa.bf16", {"hw.optional.arm.FEAT_BF16"}},
      {"isa.dotprod", {"hw.optional.arm.FEAT_DotProd"}},
      {"isa.int8_dot", {"hw.optional.arm.FEAT_DotProd"}},
      {"isa.i8mm", {"hw.optional.arm.FEAT_I8MM"}},
      {"isa.sme", {"hw.optional.arm.FEAT_SME"}},
      {"isa.sse4_2", {"hw.optional.sse4_2"}},
      {"isa.avx", {"hw.optional.avx1_0"}},
      {"isa.avx2", {"hw.optional.avx2_0"}},
      {"isa.fma", {"hw.optional.fma"}},
      {"isa.f16c", {"hw.optional.f16c"}},
      {"isa.avx512f", {"hw.optional.avx512f"}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t value;
    bool known = false;
    for (size_t k = 0; k < 3 && !known && rows[i].keys[k] != NULL; k++) known = number_of(context, &value, "%s", rows[i].keys[k]);
    if (known)
      assay_put_bool(context, value != 0, "%s", rows[i].fact);
    else
      assay_put_unavailable(context, not_published(context, rows[i].keys[0]), "%s", rows[i].fact);
  }
  /* The list: every hw.optional that is on, without its prefix. */
  assay_buf list = {0};
  for (size_t i = 0; i < context->source->pair_count; i++) {
    const assay_pair *pair = &context->source->pairs[i];
    if (strncmp(pair->key, "hw.optional.", 12) != 0 || strcmp(pair->value, "1") != 0) continue;
    const char *name = strncmp(pair->key + 12, "arm.", 4) == 0 ? pair->key + 16 : pair->key + 12;
    assay_buf_printf(&list, "%s%s", list.length > 0 ? " " : "", name);
  }
  assay_put_text(context, list.data, not_published(context, "hw.optional"), "isa.features");
  assay_buf_deinit(&list);
}

static void put_what_no_sysctl_says(assay_context *context) {
  static const char *const none[] = {"cpu.threads_allowed", "cpu.offline", "cpu.quota_cores", "memory.limit_bytes", "numa.count"};
  for (size_t i = 0; i < sizeof none / sizeof *none; i++) assay_put_unavailable(context, "macOS has no such thing", "%s", none[i]);
  assay_put_unavailable(context, "macOS does not tell what memory is available; vm_stat estimates it", "memory.available_bytes");
  assay_put_unavailable(context, "no sysctl publishes the GPU", "gpus.0.name");
  assay_put_unavailable(context, "no sysctl publishes the number of GPU cores", "gpus.0.cores");
  assay_put_unavailable(context, "no sysctl publishes the Neural Engine", "accelerators.0.name");
  assay_put_unavailable(context, "no sysctl publishes the number of Neural Engine cores", "accelerators.0.cores");
  assay_put_unavailable(context, "sysctl publishes no sensors", "sensors");
  assay_put_unavailable(context, "sysctl publishes no energy counters", "power.domains");
}

/* macOS neither numbers CPUs for programs nor lets them choose one; the list serves for counting by class. */
static void keep_cpus(assay_context *context, const level *levels, size_t count) {
  enum { CPUS_MAX = 4096 };
  assay_machine *machine = context->machine;
  uint64_t threads = 0;
  if (!assay_machine_get_u64(machine, "cpu.threads", &threads) || threads > CPUS_MAX) return;
  machine->cpus = assay_arena_alloc(context->arena, threads > 0 ? (size_t)threads : 1, sizeof *machine->cpus);
  if (machine->cpus == NULL) return;
  size_t at = 0, used = 0;
  for (unsigned i = 0; i < threads; i++) {
    while (at + 1 < count && used >= (size_t)levels[at].threads) {
      at++;
      used = 0;
    }
    used++;
    bool efficient = count > 0 && levels[at].efficient;
    machine->cpus[i] = (assay_machine_cpu){.number = i,
                                           .core = i,
                                           .kind = (unsigned)at,
                                           .core_class = efficient ? ASSAY_CORES_EFFICIENCY : ASSAY_CORES_PERFORMANCE,
                                           .allowed = true};
  }
  machine->cpu_count = (size_t)threads;
}

void assay_discover_macos(assay_context *context) {
  level levels[LEVELS_MAX];
  size_t count = read_levels(context, levels);
  put_system(context);
  put_cpu(context, levels, count);
  keep_cpus(context, levels, count);
  if (put_level_caches(context, levels, count) == 0 && put_plain_caches(context) == 0)
    assay_put_unavailable(context, not_published(context, "hw.l1dcachesize"), "caches");
  put_memory(context);
  put_features(context);
  put_what_no_sysctl_says(context);
}

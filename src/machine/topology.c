/* SPDX-License-Identifier: MIT */
/* CPUs, core kinds, caches and NUMA nodes from hwloc's view of the machine, narrowed to what this process may use. */
#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "machine/component.h"
#include "machine/cpulist.h"
#include "machine/lines.h"

enum { KINDS_MAX = 16 };

typedef struct kind {
  hwloc_bitmap_t cpus;
  int efficiency; /* hwloc's rank, higher is faster; -1 when it cannot tell */
  uint64_t max_hz, base_hz, capacity;
  const char *type; /* "IntelCore", "IntelAtom", from hwloc; NULL elsewhere */
  assay_core_class core_class;
} kind;

typedef struct topology {
  assay_context *context;
  hwloc_topology_t hwloc;
  hwloc_bitmap_t online, allowed;
  kind kinds[KINDS_MAX];
  size_t kind_count;
} topology;

static const char *list_of(assay_context *context, hwloc_const_bitmap_t set) {
  char *text = NULL;
  if (hwloc_bitmap_iszero(set) || hwloc_bitmap_list_asprintf(&text, set) < 0) return "none";
  const char *copy = assay_arena_strdup(context->arena, text);
  free(text);
  return copy;
}

/* A bitmap from a kernel list such as "0-3,8"; NULL when the file cannot be read or is no list. An empty file is an empty set. */
static hwloc_bitmap_t read_list(assay_context *context, const char **cause, const char *path) {
  const char *text = assay_source_read(context->source, context->arena, cause, "%s", path);
  if (text == NULL) return NULL;
  hwloc_bitmap_t set = hwloc_bitmap_alloc();
  if (set != NULL && assay_cpulist_parse(text, set)) return set;
  *cause = assay_arena_printf(context->arena, "%s holds '%.40s', which is no CPU list", path, text);
  hwloc_bitmap_free(set);
  return NULL;
}

/* ---- CPUs ----------------------------------------------------------------------------------------------------------- */

/* hwloc knows cgroups; the thread's own mask (taskset) is in /proc/self/status. */
static void narrow_to_affinity(topology *t) {
  const char *status = assay_source_read(t->context->source, t->context->arena, NULL, "/proc/self/status");
  const char *list = assay_lines_value(t->context->arena, status, "Cpus_allowed_list");
  hwloc_bitmap_t mask = hwloc_bitmap_alloc();
  if (list != NULL && mask != NULL && assay_cpulist_parse(list, mask) && hwloc_bitmap_intersects(t->allowed, mask))
    hwloc_bitmap_and(t->allowed, t->allowed, mask);
  hwloc_bitmap_free(mask);
}

static void put_count(topology *t, hwloc_obj_type_t type, const char *what, const char *key) {
  int count = hwloc_get_nbobjs_by_type(t->hwloc, type);
  if (count > 0)
    assay_put_integer(t->context, count, "%s", key);
  else
    assay_put_unavailable(t->context, assay_arena_printf(t->context->arena, "the system publishes no %s", what), "%s", key);
}

static int cores_within(topology *t, hwloc_const_bitmap_t set) {
  int count = 0;
  for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_CORE, core)) != NULL;)
    count += hwloc_bitmap_intersects(core->cpuset, set);
  return count;
}

static void put_cores(topology *t, hwloc_const_bitmap_t set, const char *key) {
  if (hwloc_get_nbobjs_by_type(t->hwloc, HWLOC_OBJ_CORE) > 0)
    assay_put_integer(t->context, cores_within(t, set), "%s", key);
  else
    assay_put_unavailable(t->context, "the system publishes no cores", "%s", key);
}

static void put_offline(topology *t) {
  const char *cause = NULL;
  hwloc_bitmap_t present = read_list(t->context, &cause, "/sys/devices/system/cpu/present");
  if (present == NULL) {
    assay_put_unavailable(t->context, cause, "cpu.threads_present");
    assay_put_unavailable(t->context, cause, "cpu.offline");
    return;
  }
  assay_put_integer(t->context, hwloc_bitmap_weight(present), "cpu.threads_present");
  hwloc_bitmap_andnot(present, present, t->online);
  assay_put_text(t->context, list_of(t->context, present), NULL, "cpu.offline");
  hwloc_bitmap_free(present);
}

static int most_threads_of_a_core(topology *t) {
  int most = 0;
  for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_CORE, core)) != NULL;) {
    int threads = hwloc_bitmap_weight(core->cpuset);
    if (threads > most) most = threads;
  }
  return most;
}

static void put_cpus(topology *t) {
  assay_context *context = t->context;
  put_count(t, HWLOC_OBJ_PACKAGE, "packages", "cpu.packages");
  if (hwloc_get_nbobjs_by_type(t->hwloc, HWLOC_OBJ_DIE) > 0) put_count(t, HWLOC_OBJ_DIE, "dies", "cpu.dies");
  put_cores(t, t->online, "cpu.cores");
  assay_put_integer(context, hwloc_bitmap_weight(t->online), "cpu.threads");
  put_cores(t, t->allowed, "cpu.cores_allowed");
  assay_put_integer(context, hwloc_bitmap_weight(t->allowed), "cpu.threads_allowed");
  int threads = most_threads_of_a_core(t);
  if (threads > 0)
    assay_put_integer(context, threads, "cpu.threads_per_core");
  else
    assay_put_unavailable(context, "the system publishes no cores", "cpu.threads_per_core");
  put_offline(t);
  assay_put_text(context, list_of(context, t->online), NULL, "cpu.online");
  assay_put_text(context, list_of(context, t->allowed), NULL, "cpu.allowed");
}

/* ---- Core kinds ----------------------------------------------------------------------------------------------------- */

static uint64_t info_mhz(const struct hwloc_info_s *info, uint64_t otherwise) {
  uint64_t mhz;
  return assay_parse_u64(info->value, &mhz) && mhz < 1000000 ? mhz * 1000000 : otherwise;
}

static void read_kind_infos(topology *t, kind *k, const struct hwloc_info_s *infos, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    if (strcmp(infos[i].name, "FrequencyMaxMHz") == 0) k->max_hz = info_mhz(&infos[i], k->max_hz);
    if (strcmp(infos[i].name, "FrequencyBaseMHz") == 0) k->base_hz = info_mhz(&infos[i], k->base_hz);
    if (strcmp(infos[i].name, "CoreType") == 0) k->type = assay_arena_strdup(t->context->arena, infos[i].value);
  }
}

/* Highest figure of a per-CPU file over the CPUs of a kind; 0 where none is published. */
static uint64_t highest_of(topology *t, const kind *k, const char *file) {
  uint64_t highest = 0, value;
  for (int cpu = hwloc_bitmap_first(k->cpus); cpu >= 0; cpu = hwloc_bitmap_next(k->cpus, cpu)) {
    if (!assay_source_u64(t->context->source, t->context->arena, NULL, &value, "/sys/devices/system/cpu/cpu%d/%s", cpu, file)) break;
    if (value > highest && value < UINT64_C(1) << 40) highest = value;
  }
  return highest;
}

static int compare_kinds(const void *a, const void *b) {
  const kind *x = a, *y = b;
  return (x->efficiency < y->efficiency) - (x->efficiency > y->efficiency);
}

static void add_kind(topology *t, hwloc_const_bitmap_t cpus, int efficiency, const struct hwloc_info_s *infos, unsigned info_count) {
  if (t->kind_count == KINDS_MAX) return;
  kind *k = &t->kinds[t->kind_count];
  *k = (kind){.cpus = hwloc_bitmap_dup(cpus), .efficiency = efficiency};
  if (k->cpus == NULL) return;
  hwloc_bitmap_and(k->cpus, k->cpus, t->online);
  if (hwloc_bitmap_iszero(k->cpus)) {
    hwloc_bitmap_free(k->cpus);
    return;
  }
  t->kind_count++;
  read_kind_infos(t, k, infos, info_count);
  k->capacity = highest_of(t, k, "cpu_capacity");
  uint64_t max_hz = highest_of(t, k, "cpufreq/cpuinfo_max_freq") * 1000;
  if (max_hz > 0) k->max_hz = max_hz;
}

/* What tells fast from slow: the kernel's capacity where it differs, else the highest frequency. */
static double strength(const topology *t, const kind *k) {
  bool by_capacity = true;
  for (size_t i = 0; i < t->kind_count; i++) by_capacity &= t->kinds[i].capacity > 0;
  return (double)(by_capacity ? k->capacity : k->max_hz);
}

/*
 * The fastest kind is "performance" and the slowest "efficiency". A middle kind (the big cores beside a prime core, low-power cores beside
 * efficiency cores) goes where its strength is nearer, as a ratio; the maker's own type decides where it is known. One kind alone is
 * "performance".
 */
static void classify_kinds(topology *t) {
  for (size_t i = 0; i < t->kind_count; i++) {
    kind *k = &t->kinds[i];
    double fast = strength(t, &t->kinds[0]), slow = strength(t, &t->kinds[t->kind_count - 1]), own = strength(t, k);
    bool efficient = i > 0 && (i + 1 == t->kind_count || (own > 0 && own * own < fast * slow));
    if (i > 0 && k->type != NULL) efficient = strcmp(k->type, "IntelAtom") == 0;
    k->core_class = efficient ? ASSAY_CORES_EFFICIENCY : ASSAY_CORES_PERFORMANCE;
  }
}

static void find_kinds(topology *t) {
  int count = hwloc_cpukinds_get_nr(t->hwloc, 0);
  hwloc_bitmap_t left = hwloc_bitmap_dup(t->online), cpus = hwloc_bitmap_alloc();
  if (left == NULL || cpus == NULL) goto done;
  bool ranked = count > 1;
  for (int i = 0; i < count; i++) {
    int efficiency = -1;
    unsigned info_count = 0;
    struct hwloc_info_s *infos = NULL;
    if (hwloc_cpukinds_get_info(t->hwloc, (unsigned)i, cpus, &efficiency, &info_count, &infos, 0) != 0) continue;
    if (efficiency < 0) ranked = false;
    add_kind(t, cpus, efficiency, infos, info_count);
    hwloc_bitmap_andnot(left, left, cpus);
  }
  /* Kinds that nobody can rank are no classes; and CPUs that hwloc puts in no kind make the picture incomplete. Both: one kind. */
  if (!ranked || !hwloc_bitmap_iszero(left)) {
    for (size_t i = 0; i < t->kind_count; i++) hwloc_bitmap_free(t->kinds[i].cpus);
    t->kind_count = 0;
    add_kind(t, t->online, 0, NULL, 0);
  }
  qsort(t->kinds, t->kind_count, sizeof *t->kinds, compare_kinds);
  classify_kinds(t);
done:
  hwloc_bitmap_free(left);
  hwloc_bitmap_free(cpus);
}

static const char *class_text(const topology *t, const kind *k) {
  if (t->kind_count == 1) return "uniform";
  return k->core_class == ASSAY_CORES_EFFICIENCY ? "efficiency" : "performance";
}

static void put_positive(assay_context *context, uint64_t value, const char *cause, size_t index, const char *name) {
  if (value > 0)
    assay_put_integer(context, (int64_t)value, "cpu.kinds.%zu.%s", index, name);
  else
    assay_put_unavailable(context, cause, "cpu.kinds.%zu.%s", index, name);
}

static void put_kind(topology *t, size_t index) {
  assay_context *context = t->context;
  const kind *k = &t->kinds[index];
  assay_put_text(context, class_text(t, k), NULL, "cpu.kinds.%zu.class", index);
  if (k->type != NULL) assay_put_text(context, k->type, NULL, "cpu.kinds.%zu.type", index);
  put_positive(context, (uint64_t)cores_within(t, k->cpus), "the system publishes no cores", index, "cores");
  put_positive(context, (uint64_t)hwloc_bitmap_weight(k->cpus), NULL, index, "threads");
  assay_put_text(context, list_of(context, k->cpus), NULL, "cpu.kinds.%zu.cpus", index);
  put_positive(context, k->max_hz, "no frequency is published for these CPUs", index, "frequency_max_hz");
  if (k->base_hz > 0) put_positive(context, k->base_hz, NULL, index, "frequency_base_hz");
  put_positive(context, k->capacity, "cpu_capacity is not published for these CPUs", index, "capacity");
}

static void put_kinds(topology *t) {
  int64_t performance = 0, efficiency = 0;
  for (size_t i = 0; i < t->kind_count; i++) {
    put_kind(t, i);
    *(t->kinds[i].core_class == ASSAY_CORES_EFFICIENCY ? &efficiency : &performance) += cores_within(t, t->kinds[i].cpus);
  }
  if (performance + efficiency > 0) {
    assay_put_integer(t->context, performance, "cpu.performance_cores");
    assay_put_integer(t->context, efficiency, "cpu.efficiency_cores");
  } else {
    assay_put_unavailable(t->context, "the system publishes no cores", "cpu.performance_cores");
    assay_put_unavailable(t->context, "the system publishes no cores", "cpu.efficiency_cores");
  }
}

/* ---- The list of CPUs to run on ------------------------------------------------------------------------------------- */

static unsigned kind_of(const topology *t, unsigned cpu) {
  for (size_t i = 0; i < t->kind_count; i++) {
    if (hwloc_bitmap_isset(t->kinds[i].cpus, cpu)) return (unsigned)i;
  }
  return 0;
}

static int compare_cpus(const void *a, const void *b) {
  const assay_machine_cpu *x = a, *y = b;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  if (x->thread != y->thread) return x->thread < y->thread ? -1 : 1;
  return (x->number > y->number) - (x->number < y->number);
}

static void keep_cpus(topology *t) {
  assay_machine *machine = t->context->machine;
  int weight = hwloc_bitmap_weight(t->online);
  assay_machine_cpu *cpus = assay_arena_alloc(t->context->arena, weight > 0 ? (size_t)weight : 1, sizeof *cpus);
  if (cpus == NULL) return;
  size_t count = 0;
  for (hwloc_obj_t pu = NULL; (pu = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_PU, pu)) != NULL && count < (size_t)weight;) {
    hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(t->hwloc, HWLOC_OBJ_CORE, pu);
    unsigned cpu_kind = kind_of(t, pu->os_index);
    cpus[count++] = (assay_machine_cpu){
        .number = pu->os_index,
        .core = core != NULL ? core->logical_index : pu->logical_index,
        .thread = core != NULL ? (unsigned)(pu->logical_index - core->first_child->logical_index) : 0,
        .kind = cpu_kind,
        .core_class = cpu_kind < t->kind_count ? t->kinds[cpu_kind].core_class : ASSAY_CORES_PERFORMANCE,
        .allowed = hwloc_bitmap_isset(t->allowed, pu->os_index) != 0,
    };
  }
  qsort(cpus, count, sizeof *cpus, compare_cpus);
  machine->cpus = cpus;
  machine->cpu_count = count;
}

/* ---- Caches --------------------------------------------------------------------------------------------------------- */

/* Caches that are alike. */
typedef struct cache_group {
  struct hwloc_cache_attr_s attr;
  int kind; /* -1: shared by CPUs of several kinds */
  int64_t instances, threads, threads_total;
} cache_group;

enum { CACHE_GROUPS_MAX = 64 };

static int kind_of_set(const topology *t, hwloc_const_bitmap_t set) {
  for (size_t i = 0; i < t->kind_count; i++) {
    if (hwloc_bitmap_isincluded(set, t->kinds[i].cpus)) return (int)i;
  }
  return -1;
}

static bool alike(const struct hwloc_cache_attr_s *a, const struct hwloc_cache_attr_s *b) {
  return a->depth == b->depth && a->type == b->type && a->size == b->size && a->linesize == b->linesize &&
         a->associativity == b->associativity;
}

static void group_cache(const topology *t, hwloc_obj_t cache, cache_group *groups, size_t *count) {
  int cache_kind = kind_of_set(t, cache->cpuset);
  size_t i = 0;
  while (i < *count && !(groups[i].kind == cache_kind && alike(&groups[i].attr, &cache->attr->cache))) i++;
  if (i == CACHE_GROUPS_MAX) return;
  if (i == *count) groups[(*count)++] = (cache_group){.attr = cache->attr->cache, .kind = cache_kind};
  int threads = hwloc_bitmap_weight(cache->cpuset);
  groups[i].instances++;
  if (threads > groups[i].threads) groups[i].threads = threads;
}

static int compare_groups(const void *a, const void *b) {
  const cache_group *x = a, *y = b;
  if (x->attr.depth != y->attr.depth) return x->attr.depth < y->attr.depth ? -1 : 1;
  int type_x = x->attr.type == HWLOC_OBJ_CACHE_INSTRUCTION, type_y = y->attr.type == HWLOC_OBJ_CACHE_INSTRUCTION;
  if (type_x != type_y) return type_x - type_y;
  if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
  return (x->attr.size < y->attr.size) - (x->attr.size > y->attr.size);
}

static const char *cache_type_text(hwloc_obj_cache_type_t type) {
  return type == HWLOC_OBJ_CACHE_DATA ? "data" : type == HWLOC_OBJ_CACHE_INSTRUCTION ? "instruction" : "unified";
}

static void put_cache_figure(assay_context *context, int64_t value, size_t index, const char *name) {
  if (value > 0)
    assay_put_integer(context, value, "caches.%zu.%s", index, name);
  else
    assay_put_unavailable(context, "the system publishes no such figure for this cache", "caches.%zu.%s", index, name);
}

static void put_cache(topology *t, const cache_group *group, size_t index) {
  assay_context *context = t->context;
  assay_put_integer(context, group->attr.depth, "caches.%zu.level", index);
  assay_put_text(context, cache_type_text(group->attr.type), NULL, "caches.%zu.type", index);
  put_cache_figure(context, (int64_t)(group->attr.size <= INT64_MAX ? group->attr.size : 0), index, "size_bytes");
  put_cache_figure(context, group->attr.linesize, index, "line_bytes");
  if (group->attr.associativity == -1)
    assay_put_text(context, "fully associative", NULL, "caches.%zu.ways", index);
  else
    put_cache_figure(context, group->attr.associativity, index, "ways");
  assay_put_integer(context, group->instances, "caches.%zu.count", index);
  assay_put_integer(context, group->threads, "caches.%zu.shared_by_threads", index);
  if (t->kind_count > 1 && group->kind >= 0) assay_put_integer(context, group->kind, "caches.%zu.kind", index);
}

static void put_caches(topology *t) {
  static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L1ICACHE, HWLOC_OBJ_L2CACHE, HWLOC_OBJ_L2ICACHE,
                                           HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L3ICACHE, HWLOC_OBJ_L4CACHE, HWLOC_OBJ_L5CACHE};
  cache_group groups[CACHE_GROUPS_MAX];
  size_t count = 0;
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    for (hwloc_obj_t cache = NULL; (cache = hwloc_get_next_obj_by_type(t->hwloc, types[i], cache)) != NULL;)
      group_cache(t, cache, groups, &count);
  }
  qsort(groups, count, sizeof *groups, compare_groups);
  for (size_t i = 0; i < count; i++) put_cache(t, &groups[i], i);
  if (count == 0) assay_put_unavailable(t->context, "the system publishes no caches in /sys/devices/system/cpu/cpu*/cache", "caches");
}

/* ---- NUMA ----------------------------------------------------------------------------------------------------------- */

static const char *distances_of(topology *t, unsigned node) {
  return assay_source_read(t->context->source, t->context->arena, NULL, "/sys/devices/system/node/node%u/distance", node);
}

static void put_numa_node(topology *t, hwloc_obj_t node, size_t index) {
  assay_context *context = t->context;
  hwloc_bitmap_t cpus = hwloc_bitmap_dup(node->cpuset);
  if (cpus == NULL) return;
  hwloc_bitmap_and(cpus, cpus, t->online);
  assay_put_integer(context, node->os_index, "numa.nodes.%zu.id", index);
  uint64_t memory = node->attr->numanode.local_memory;
  if (memory > 0 && memory <= INT64_MAX)
    assay_put_integer(context, (int64_t)memory, "numa.nodes.%zu.memory_bytes", index);
  else
    assay_put_unavailable(context, "the system publishes no size for this node's memory", "numa.nodes.%zu.memory_bytes", index);
  if (node->subtype != NULL) assay_put_text(context, node->subtype, NULL, "numa.nodes.%zu.memory_kind", index);
  assay_put_text(context, list_of(context, cpus), NULL, "numa.nodes.%zu.cpus", index);
  assay_put_integer(context, hwloc_bitmap_weight(cpus), "numa.nodes.%zu.threads", index);
  hwloc_const_bitmap_t nodes = hwloc_topology_get_allowed_nodeset(t->hwloc);
  assay_put_bool(context, nodes == NULL || hwloc_bitmap_isset(nodes, node->os_index), "numa.nodes.%zu.allowed", index);
  const char *distances = distances_of(t, node->os_index);
  if (distances != NULL) assay_put_text(context, distances, NULL, "numa.nodes.%zu.distances", index);
  hwloc_bitmap_free(cpus);
}

static void put_numa(topology *t) {
  int count = hwloc_get_nbobjs_by_type(t->hwloc, HWLOC_OBJ_NUMANODE);
  if (count <= 0) {
    assay_put_unavailable(t->context, "the system publishes no NUMA nodes", "numa.count");
    return;
  }
  assay_put_integer(t->context, count, "numa.count");
  uint64_t total = 0, allowed = 0;
  bool complete = true;
  hwloc_const_bitmap_t nodes = hwloc_topology_get_allowed_nodeset(t->hwloc);
  size_t index = 0;
  for (hwloc_obj_t node = NULL; (node = hwloc_get_next_obj_by_type(t->hwloc, HWLOC_OBJ_NUMANODE, node)) != NULL; index++) {
    put_numa_node(t, node, index);
    complete &= node->attr->numanode.local_memory > 0;
    total += node->attr->numanode.local_memory;
    if (nodes == NULL || hwloc_bitmap_isset(nodes, node->os_index)) allowed += node->attr->numanode.local_memory;
  }
  /* A cpuset may keep this process from the memory of some nodes. */
  if (complete && allowed > 0 && allowed < total) assay_put_integer(t->context, (int64_t)allowed, "memory.allowed_nodes_bytes");
  /* /proc/meminfo, where it is there, overwrites nothing: it says the same. Old captures do not hold it. */
  const char *meminfo = assay_source_read(t->context->source, t->context->arena, NULL, "/proc/meminfo");
  if (meminfo == NULL && complete && total > 0 && total <= INT64_MAX) assay_put_integer(t->context, (int64_t)total, "memory.total_bytes");
}

static void put_no_topology(assay_context *context) {
  static const char *const keys[] = {
      "cpu.packages",         "cpu.cores", "cpu.cores_allowed", "cpu.threads_allowed", "cpu.threads_per_core", "cpu.performance_cores",
      "cpu.efficiency_cores", "caches",    "numa.count"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) assay_put_unavailable(context, context->no_topology, "%s", keys[i]);
  const char *cause = NULL;
  topology t = {.context = context, .online = read_list(context, &cause, "/sys/devices/system/cpu/online")};
  if (t.online != NULL && !hwloc_bitmap_iszero(t.online)) {
    assay_put_integer(context, hwloc_bitmap_weight(t.online), "cpu.threads");
    assay_put_text(context, list_of(context, t.online), NULL, "cpu.online");
    put_offline(&t);
  } else {
    assay_put_unavailable(context, cause, "cpu.threads");
  }
  hwloc_bitmap_free(t.online);
}

void assay_discover_topology(assay_context *context) {
  topology t = {.context = context, .hwloc = context->topology};
  if (t.hwloc == NULL) {
    put_no_topology(context);
    return;
  }
  t.online = hwloc_bitmap_dup(hwloc_topology_get_topology_cpuset(t.hwloc));
  t.allowed = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(t.hwloc));
  if (t.online != NULL && t.allowed != NULL) {
    hwloc_bitmap_and(t.allowed, t.allowed, t.online);
    narrow_to_affinity(&t);
    put_cpus(&t);
    find_kinds(&t);
    put_kinds(&t);
    keep_cpus(&t);
    put_caches(&t);
    put_numa(&t);
  }
  for (size_t i = 0; i < t.kind_count; i++) hwloc_bitmap_free(t.kinds[i].cpus);
  hwloc_bitmap_free(t.online);
  hwloc_bitmap_free(t.allowed);
}

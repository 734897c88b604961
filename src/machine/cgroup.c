/* SPDX-License-Identifier: MIT */
/*
 * How much memory and CPU time the cgroups leave this process. A limit holds for everything below it, so the tightest on the way from the
 * process's group to the root counts. In a container the path in /proc/self/cgroup may be the host's, which is not mounted here: parts of
 * the path that are not there are passed over, and the container's own group is what is mounted at the top.
 */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "machine/component.h"
#include "machine/lines.h"
#include "os/cgroup.h"

typedef struct cgroup {
  const char *mount; /* "/sys/fs/cgroup/memory"; NULL when the controller is not mounted */
  const char *path;  /* "/user.slice/x" */
  bool v2;
} cgroup;

typedef struct limits {
  cgroup group;
  uint64_t value; /* UINT64_MAX: none */
  const char *at; /* directory of the tightest */
  bool seen;      /* a group on the way says something, be it "no limit" */
} limits;

static cgroup find_group(assay_context *context, const char *mounts, const char *self, const char *controller) {
  assay_cgroup found = assay_cgroup_find(mounts, self, controller);
  cgroup group = {.path = assay_arena_strndup(context->arena, found.path, found.path_length), .v2 = found.v2};
  if (found.mount != NULL) group.mount = assay_arena_strndup(context->arena, found.mount, found.mount_length);
  return group;
}

/* False when the group sets no limit; *seen when it says so. */
typedef bool read_limit(assay_context *context, const char *directory, bool v2, uint64_t *value, bool *seen);

static void tighten(assay_context *context, limits *found, read_limit *read) {
  char *path = assay_arena_strdup(context->arena, found->group.path);
  found->value = UINT64_MAX;
  if (found->group.mount == NULL || path == NULL) return;
  for (size_t length = strlen(path);;) {
    while (length > 0 && path[length - 1] == '/') length--;
    path[length] = '\0';
    const char *directory = assay_arena_printf(context->arena, "%s%s", found->group.mount, path);
    uint64_t value;
    if (directory != NULL && read(context, directory, found->group.v2, &value, &found->seen) && value < found->value) {
      found->value = value;
      found->at = directory;
    }
    if (length == 0) return;
    while (length > 0 && path[length - 1] != '/') length--;
  }
}

/* v1 says "none" with the largest multiple of the page size that a signed 64-bit number holds, v2 with "max". */
static bool read_memory_limit(assay_context *context, const char *directory, bool v2, uint64_t *value, bool *seen) {
  const char *file = v2 ? "memory.max" : "memory.limit_in_bytes";
  const char *text = assay_source_read(context->source, context->arena, NULL, "%s/%s", directory, file);
  *seen |= text != NULL;
  return text != NULL && assay_parse_u64(text, value) && *value < UINT64_C(1) << 62;
}

/* "max 100000" or "150000 100000", in us; v1 has two files, and -1 for none. In thousandths of a CPU. */
static bool read_cpu_limit(assay_context *context, const char *directory, bool v2, uint64_t *value, bool *seen) {
  const char *text = assay_source_read(context->source, context->arena, NULL, "%s/%s", directory, v2 ? "cpu.max" : "cpu.cfs_quota_us");
  *seen |= text != NULL;
  if (text == NULL || text[0] < '0' || text[0] > '9') return false;
  char *end = NULL;
  uint64_t quota = strtoull(text, &end, 10), period = 0;
  if (v2)
    period = strtoull(end, NULL, 10);
  else if (!assay_source_u64(context->source, context->arena, NULL, &period, "%s/cpu.cfs_period_us", directory))
    return false;
  if (quota == 0 || period == 0 || quota > UINT64_C(1) << 40) return false;
  *value = quota * 1000 / period;
  return true;
}

/* What the tightest group has left: its limit less what it uses, where file pages that can be dropped do not count as used. */
static bool left_below_limit(assay_context *context, const limits *memory, uint64_t *left) {
  uint64_t used, droppable = 0;
  if (!assay_source_u64(context->source, context->arena, NULL, &used, "%s/%s", memory->at,
                        memory->group.v2 ? "memory.current" : "memory.usage_in_bytes"))
    return false;
  const char *stat = assay_source_read(context->source, context->arena, NULL, "%s/memory.stat", memory->at);
  const char *key = memory->group.v2 ? "inactive_file " : "total_inactive_file ";
  const char *line = stat != NULL ? strstr(stat, key) : NULL;
  if (line != NULL && (line == stat || line[-1] == '\n')) droppable = strtoull(line + strlen(key), NULL, 10);
  if (droppable < used)
    used -= droppable;
  else
    used = 0;
  *left = used < memory->value ? memory->value - used : 0;
  return true;
}

static void put_memory(assay_context *context, const limits *memory, const char *cause) {
  uint64_t total, available;
  bool limited = memory->value != UINT64_MAX;
  if (limited)
    assay_put_integer(context, (int64_t)memory->value, "memory.limit_bytes");
  else
    assay_put_unavailable(context, cause, "memory.limit_bytes");
  if (assay_machine_get_u64(context->machine, "memory.total_bytes", &total)) {
    uint64_t nodes;
    if (limited && memory->value < total) total = memory->value;
    if (assay_machine_get_u64(context->machine, "memory.allowed_nodes_bytes", &nodes) && nodes < total) total = nodes;
    assay_put_integer(context, (int64_t)total, "memory.usable_bytes");
  } else {
    assay_put_unavailable(context, "the size of the memory is not known", "memory.usable_bytes");
  }
  if (!assay_machine_get_u64(context->machine, "memory.available_bytes", &available)) {
    assay_put_unavailable(context, "the available memory of the machine is not known", "memory.usable_available_bytes");
    return;
  }
  uint64_t left;
  if (limited && left_below_limit(context, memory, &left) && left < available) available = left;
  assay_put_integer(context, (int64_t)available, "memory.usable_available_bytes");
}

/* A capture of another tool may just not hold the groups. */
static const char *why_unlimited(assay_context *context, const limits *found, const char *controller) {
  if (found->group.mount == NULL) return assay_arena_printf(context->arena, "the %s controller of cgroups is not mounted", controller);
  if (!found->seen && !context->source->complete) return assay_arena_printf(context->arena, "%s is not in the capture", found->group.mount);
  return assay_arena_printf(context->arena, "no cgroup of this process limits its %s",
                            strcmp(controller, "cpu") == 0 ? "CPU time" : controller);
}

void assay_discover_cgroup(assay_context *context) {
  const char *cause = NULL;
  const char *self = assay_source_read(context->source, context->arena, &cause, "/proc/self/cgroup");
  const char *mounts = self != NULL ? assay_source_read(context->source, context->arena, &cause, "/proc/mounts") : NULL;
  limits memory = {.value = UINT64_MAX}, cpu = {.value = UINT64_MAX};
  const char *no_memory_limit = cause, *no_cpu_limit = cause;
  if (mounts != NULL) {
    memory.group = find_group(context, mounts, self, "memory");
    cpu.group = find_group(context, mounts, self, "cpu");
    tighten(context, &memory, read_memory_limit);
    tighten(context, &cpu, read_cpu_limit);
    no_memory_limit = why_unlimited(context, &memory, "memory");
    no_cpu_limit = why_unlimited(context, &cpu, "cpu");
    bool v1 = (memory.group.mount != NULL && !memory.group.v2) || (cpu.group.mount != NULL && !cpu.group.v2),
         v2 = assay_cgroup_find(mounts, self, NULL).mount != NULL;
    assay_put_text(context, v1 && v2 ? "hybrid" : v1 ? "v1" : v2 ? "v2" : "none", NULL, "cgroup.version");
  } else {
    assay_put_unavailable(context, cause, "cgroup.version");
  }
  put_memory(context, &memory, no_memory_limit);
  if (cpu.value != UINT64_MAX)
    assay_put_real(context, (double)cpu.value / 1000, "cpu.quota_cores");
  else
    assay_put_unavailable(context, no_cpu_limit, "cpu.quota_cores");
}

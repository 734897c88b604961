/* SPDX-License-Identifier: MIT */
/* Which control group a process is in, from the text of /proc/self/cgroup and /proc/mounts: of this process, or of a capture. */
#ifndef ASSAY_OS_CGROUP_H
#define ASSAY_OS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Parts of the two texts, as long as they live. */
typedef struct assay_cgroup {
  const char *mount; /* "/sys/fs/cgroup/memory"; NULL when neither the controller nor version 2 is mounted */
  size_t mount_length;
  const char *path; /* of the group below the mount: "/user.slice/x" */
  size_t path_length;
  bool v2;
} assay_cgroup;

/* The group that rules `controller`: of the version 1 hierarchy that holds it, since the kernel gives a controller to one hierarchy only,
 * else of version 2. `controller` NULL asks for version 2. */
assay_cgroup assay_cgroup_find(const char *mounts, const char *self, const char *controller);

#endif

/* SPDX-License-Identifier: MIT */
/* Where the files of this process's control group are. Only src/os/linux includes this. */
#ifndef ASSAY_OS_LINUX_CGROUP_H
#define ASSAY_OS_LINUX_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* Path of `file` in the group of this process: version 2 for controller NULL, else the version 1 hierarchy of that controller. False when
 * there is no such file. */
bool assay_cgroup_path(const char *file, const char *controller, char *path, size_t size);

/* Turns the path of `file` in a group into that of the same file in the parent group; false at the top of the hierarchy. */
bool assay_cgroup_to_parent(char *path);

#endif

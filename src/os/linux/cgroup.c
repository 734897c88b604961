/* SPDX-License-Identifier: MIT */
#include "os/linux/cgroup.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "os/prim.h"

/* A line of /proc/self/cgroup is "<id>:<controllers>:<path>"; version 2 is "0::<path>". */
static bool find_group(const char *controller, char *group, size_t size) {
  char *text = NULL;
  size_t length = 0;
  if (assay_os_read_file("/proc/self/cgroup", 65536, NULL, &text, &length) != ASSAY_OK) return false;
  bool found = false;
  char *rest = NULL;
  for (char *line = strtok_r(text, "\n", &rest); line != NULL && !found; line = strtok_r(NULL, "\n", &rest)) {
    char *controllers = strchr(line, ':');
    char *path = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL) continue;
    *path++ = '\0';
    controllers++;
    char *more = NULL;
    if (controller == NULL) found = controllers[0] == '\0';
    for (char *name = strtok_r(controllers, ",", &more); name != NULL && controller != NULL; name = strtok_r(NULL, ",", &more))
      found = found || strcmp(name, controller) == 0;
    if (found) snprintf(group, size, "%s", path);
  }
  assay_free(text);
  return found;
}

static bool try_path(const char *mount, const char *group, const char *file, char *path, size_t size) {
  int length = snprintf(path, size, "%s%s/%s", mount, strcmp(group, "/") == 0 ? "" : group, file);
  return length > 0 && (size_t)length < size && access(path, R_OK) == 0;
}

bool assay_cgroup_path(const char *file, const char *controller, char *path, size_t size) {
  char group[1024], mount[256];
  if (!find_group(controller, group, sizeof group)) return false;
  /* In a container the group's own path is often not visible: its files are then at the mount itself. */
  if (controller == NULL)
    return try_path("/sys/fs/cgroup", group, file, path, size) || try_path("/sys/fs/cgroup/unified", group, file, path, size) ||
           try_path("/sys/fs/cgroup", "/", file, path, size);
  snprintf(mount, sizeof mount, "/sys/fs/cgroup/%s", controller);
  return try_path(mount, group, file, path, size) || try_path(mount, "/", file, path, size);
}

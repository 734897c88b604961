/* SPDX-License-Identifier: MIT */
#include "os/cgroup.h"

#include <string.h>

static bool list_has(const char *list, size_t length, const char *word) {
  size_t word_length = strlen(word);
  for (size_t i = 0; i < length;) {
    size_t end = i;
    while (end < length && list[end] != ',') end++;
    if (end - i == word_length && memcmp(list + i, word, word_length) == 0) return true;
    i = end + 1;
  }
  return false;
}

static const char *next_line(const char *line, size_t length) { return line + length + (line[length] == '\n'); }

/* "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0" */
static void find_mount(const char *mounts, const char *controller, assay_cgroup *group) {
  for (const char *line = mounts; *line != '\0'; line = next_line(line, strcspn(line, "\n"))) {
    size_t length = strcspn(line, "\n"), at[5] = {0}, fields = 0;
    for (size_t i = 0; i < length && fields < 4; i++) {
      if (line[i] == ' ') at[++fields] = i + 1;
    }
    if (fields < 4) continue;
    const char *type = line + at[2], *options = line + at[3];
    size_t type_length = at[3] - at[2] - 1, options_length = at[4] - at[3] - 1;
    bool found = controller == NULL ? type_length == 7 && memcmp(type, "cgroup2", 7) == 0
                                    : type_length == 6 && memcmp(type, "cgroup", 6) == 0 && list_has(options, options_length, controller);
    if (!found) continue;
    group->mount = line + at[1];
    group->mount_length = at[2] - at[1] - 1;
    return;
  }
}

/* The path of "4:memory:/a/b" or, for version 2, "0::/a/b". */
static void find_path(const char *self, const char *controller, assay_cgroup *group) {
  for (const char *line = self; *line != '\0'; line = next_line(line, strcspn(line, "\n"))) {
    size_t length = strcspn(line, "\n");
    const char *first = memchr(line, ':', length),
               *second = first != NULL ? memchr(first + 1, ':', (size_t)(line + length - first - 1)) : NULL;
    if (second == NULL) continue;
    size_t list_length = (size_t)(second - first - 1);
    if (controller == NULL ? list_length != 0 : !list_has(first + 1, list_length, controller)) continue;
    group->path = second + 1;
    group->path_length = (size_t)(line + length - second - 1);
    return;
  }
}

/* A group outside of what this process may see ("/../x"): only the top of the mount is known. */
static bool leaves_the_mount(const assay_cgroup *group) {
  for (size_t i = 0; i + 1 < group->path_length; i++) {
    if (group->path[i] == '.' && group->path[i + 1] == '.') return true;
  }
  return false;
}

assay_cgroup assay_cgroup_find(const char *mounts, const char *self, const char *controller) {
  assay_cgroup group = {.v2 = controller == NULL};
  find_mount(mounts, controller, &group);
  find_path(self, controller, &group);
  if (!group.v2 && (group.mount == NULL || group.path == NULL)) return assay_cgroup_find(mounts, self, NULL);
  if (group.path == NULL || leaves_the_mount(&group)) {
    group.path = "/";
    group.path_length = 1;
  }
  return group;
}

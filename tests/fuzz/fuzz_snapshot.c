/* SPDX-License-Identifier: MIT */
/* Any bytes as a capture: it opens, and every link in it stays inside, or it is refused with a reason. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "machine/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_snapshot snapshot;
  assay_error err = {0};
  if (assay_snapshot_open_memory(data, size, "input", &err, &snapshot) != ASSAY_OK) {
    if (err.message[0] == '\0') abort();
    return 0;
  }
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_MACHINE);
  assay_source_read(&snapshot.source, &arena, NULL, "/proc/cpuinfo");
  const char *const *names = NULL;
  size_t count = assay_source_list(&snapshot.source, &arena, NULL, "", &names, "/sys");
  for (size_t i = 0; i < count; i++) {
    char real[PATH_MAX];
    const char *path = assay_arena_printf(&arena, "%s/sys/%s", snapshot.source.root, names[i]);
    if (path != NULL && realpath(path, real) != NULL && strncmp(real, snapshot.directory, strlen(snapshot.directory)) != 0) abort();
  }
  assay_arena_deinit(&arena);
  assay_snapshot_close(&snapshot);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/* Any text as a sysctl listing: a machine whose facts can be written as JSON, or a refusal. */
#include <stdlib.h>
#include <string.h>

#include "machine/detect.h"
#include "machine/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_MACHINE);
  assay_source source = {.kind = ASSAY_SOURCE_SYSCTL};
  assay_error err = {0};
  assay_sysctl_looks_like((const char *)data, size);
  if (assay_sysctl_parse((const char *)data, size, "input", &arena, &err, &source.pairs, &source.pair_count) == ASSAY_OK) {
    assay_machine *machine = NULL;
    char *json = NULL;
    if (assay_detect_from(&source, &err, &machine) == ASSAY_OK) {
      if (assay_machine_to_json(machine, &err, &json) != ASSAY_OK || strlen(assay_machine_id(machine)) != 16) abort();
      assay_string_free(json);
      assay_machine_destroy(machine);
    } else if (err.message[0] == '\0' || machine != NULL) {
      abort();
    }
  }
  assay_arena_deinit(&arena);
  return 0;
}

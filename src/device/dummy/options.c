/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "device/dummy/dummy.h"

static const struct {
  const char *name;
  size_t offset;
} keys[] = {
    {"memory", offsetof(assay_dummy_options, memory)}, {"alloc", offsetof(assay_dummy_options, alloc)},
    {"launch", offsetof(assay_dummy_options, launch)}, {"launch_memory", offsetof(assay_dummy_options, launch_memory)},
    {"sync", offsetof(assay_dummy_options, sync)},     {"rank", offsetof(assay_dummy_options, rank)},
    {"open", offsetof(assay_dummy_options, open)},     {"absent", offsetof(assay_dummy_options, absent)},
};

static bool set(assay_dummy_options *options, const char *name, uint64_t value) {
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (strcmp(keys[i].name, name) != 0) continue;
    memcpy((char *)options + keys[i].offset, &value, sizeof value);
    return true;
  }
  return false;
}

assay_status assay_dummy_parse(const char *text, assay_error *err, assay_dummy_options *out) {
  assay_dummy_options options = {.memory = UINT64_C(64) << 20, .open = 1};
  for (const char *at = text; at != NULL && *at != '\0';) {
    char entry[64];
    size_t length = strcspn(at, ",");
    snprintf(entry, sizeof entry, "%.*s", (int)(length < sizeof entry ? length : sizeof entry - 1), at);
    char *equals = strchr(entry, '=');
    uint64_t value = 0;
    if (equals != NULL) *equals = '\0';
    if (equals == NULL || !assay_parse_u64(equals + 1, &value) || !set(&options, entry, value))
      return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "ASSAY_DUMMY: '%.*s' is not one of its keys with a whole number", (int)length, at);
    at += length;
    if (*at == ',') at++;
  }
  *out = options;
  return ASSAY_OK;
}

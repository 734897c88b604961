/* SPDX-License-Identifier: MIT */
/* A capture comes from anywhere: figures that no machine has are refused with their name instead of being shown as facts. */
#include <string.h>

#include "base/text.h"
#include "machine/detect.h"

static const struct {
  const char *key;
  int64_t most;
} limits[] = {
    {"cpu.packages", 1 << 16},
    {"cpu.cores", 1 << 20},
    {"cpu.threads", 1 << 20},
    {"cpu.threads_present", 1 << 20},
    {"cpu.kinds.0.cores", 1 << 20},
    {"cpu.kinds.1.cores", 1 << 20},
    {"cpu.threads_per_core", 1 << 10},
    {"numa.count", 1 << 16},
    {"memory.total_bytes", INT64_C(1) << 60},
    {"memory.free_bytes", INT64_C(1) << 60},
    {"memory.swap_total_bytes", INT64_C(1) << 60},
};

/* Whole numbers on every Mac. */
static const char *const numbers[] = {"hw.ncpu",
                                      "hw.activecpu",
                                      "hw.memsize",
                                      "hw.physicalcpu",
                                      "hw.logicalcpu",
                                      "hw.nperflevels",
                                      "hw.cachelinesize",
                                      "hw.perflevel0.physicalcpu",
                                      "hw.perflevel0.logicalcpu",
                                      "hw.perflevel1.physicalcpu",
                                      "hw.perflevel1.logicalcpu"};

static assay_status check_numbers(const assay_source *source, assay_error *err) {
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    const char *text = assay_source_pair(source, numbers[i]);
    uint64_t number;
    if (text != NULL && text[0] != '\0' && (!assay_parse_u64(text, &number) || number > INT64_MAX))
      return ASSAY_FAIL(err, ASSAY_ERR_PARSE, "the capture says %s: %.40s, which is no number that a machine has", numbers[i], text);
  }
  return ASSAY_OK;
}

static bool is_known(const assay_machine *machine, const char *key) {
  const assay_fact *fact = assay_machine_get(machine, key);
  return fact != NULL && fact->type != ASSAY_FACT_UNAVAILABLE;
}

assay_status assay_plausible(const assay_machine *machine, const assay_source *source, assay_error *err) {
  for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
    const assay_fact *fact = assay_machine_get(machine, limits[i].key);
    if (fact != NULL && fact->type == ASSAY_FACT_INTEGER && (fact->integer < 0 || fact->integer > limits[i].most))
      return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%s would be %lld, which no machine has", limits[i].key, (long long)fact->integer);
  }
  if (source->kind == ASSAY_SOURCE_LIVE) return ASSAY_OK;
  if (source->kind == ASSAY_SOURCE_SYSCTL) {
    assay_status status = check_numbers(source, err);
    if (status != ASSAY_OK) return status;
  }
  static const char *const telling[] = {"cpu.model",           "cpu.cores",          "cpu.threads",
                                        "cpu.threads_present", "memory.total_bytes", "kernel.release"};
  for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) {
    if (is_known(machine, telling[i])) return ASSAY_OK;
  }
  return ASSAY_FAIL(
      err, ASSAY_ERR_PARSE,
      "this capture tells nothing of a machine: expected a tar of /sys and /proc (`assay machine gather` makes one), or `sysctl -a` "
      "of a Mac with its hw.* values");
}

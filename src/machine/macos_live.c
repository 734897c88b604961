/* SPDX-License-Identifier: MIT */
/* The sysctl values that macos.c looks at, asked of this Mac; from here on live detection and the replay of a listing are one. */
#include <stdio.h>
#include <string.h>

#include "machine/macos_live.h"
#include "os/prim.h"

enum { LEVELS = 4 };

static const char *const texts[] = {"kern.ostype", "kern.osrelease",           "kern.version",      "kern.osproductversion", "hw.model",
                                    "hw.machine",  "machdep.cpu.brand_string", "machdep.cpu.vendor"};

static const char *const numbers[] = {"hw.ncpu",
                                      "hw.activecpu",
                                      "hw.physicalcpu",
                                      "hw.physicalcpu_max",
                                      "hw.logicalcpu",
                                      "hw.logicalcpu_max",
                                      "hw.packages",
                                      "hw.memsize",
                                      "hw.memsize_usable",
                                      "hw.pagesize",
                                      "hw.cachelinesize",
                                      "hw.cputype",
                                      "hw.cpufrequency",
                                      "hw.cpufrequency_max",
                                      "hw.cpufrequency_min",
                                      "hw.l1dcachesize",
                                      "hw.l1icachesize",
                                      "hw.l2cachesize",
                                      "hw.l3cachesize",
                                      "hw.nperflevels",
                                      "kern.hv_vmm_present",
                                      "vm.page_free_count",
                                      "hw.optional.arm64",
                                      "hw.optional.AdvSIMD",
                                      "hw.optional.neon",
                                      "hw.optional.neon_fp16",
                                      "hw.optional.sse4_2",
                                      "hw.optional.avx1_0",
                                      "hw.optional.avx2_0",
                                      "hw.optional.fma",
                                      "hw.optional.f16c",
                                      "hw.optional.avx512f",
                                      "hw.optional.arm.FEAT_FP16",
                                      "hw.optional.arm.FEAT_BF16",
                                      "hw.optional.arm.FEAT_DotProd",
                                      "hw.optional.arm.FEAT_I8MM",
                                      "hw.optional.arm.FEAT_SME"};

static const char *const level_numbers[] = {"physicalcpu",  "physicalcpu_max", "logicalcpu",  "logicalcpu_max", "l1dcachesize",
                                            "l1icachesize", "l2cachesize",     "l3cachesize", "cpusperl2",      "cpusperl3"};

typedef struct reading {
  assay_arena *arena;
  assay_pair *pairs;
  size_t count, capacity;
} reading;

static void ask(reading *r, const char *name, bool text) {
  char value[1024];
  if (!assay_os_sysctl(name, text, value, sizeof value)) return;
  if (r->count == r->capacity) {
    assay_pair *more = assay_arena_grow(r->arena, r->pairs, r->count, &r->capacity, sizeof *more);
    if (more == NULL) return;
    r->pairs = more;
  }
  r->pairs[r->count++] = (assay_pair){assay_arena_strdup(r->arena, name), assay_arena_strdup(r->arena, value)};
}

assay_status assay_macos_read(assay_arena *arena, assay_error *err, assay_source *source) {
  reading r = {.arena = arena};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) ask(&r, texts[i], true);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) ask(&r, numbers[i], false);
  for (unsigned level = 0; level < LEVELS; level++) {
    char name[64];
    snprintf(name, sizeof name, "hw.perflevel%u.name", level);
    ask(&r, name, true);
    for (size_t i = 0; i < sizeof level_numbers / sizeof *level_numbers; i++) {
      snprintf(name, sizeof name, "hw.perflevel%u.%s", level, level_numbers[i]);
      ask(&r, name, false);
    }
  }
  if (arena->failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the sysctl values");
  assay_source_sort_pairs(r.pairs, r.count);
  *source = (assay_source){.kind = ASSAY_SOURCE_SYSCTL, .complete = true, .pairs = r.pairs, .pair_count = r.count};
  return ASSAY_OK;
}

/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "machine/facts.h"

static uint64_t hash_text(uint64_t hash, const char *text) {
  if (text == NULL) text = "";
  return assay_hash(hash, text, strlen(text) + 1);
}

static uint64_t hash_fact(uint64_t hash, const assay_machine *machine, const char *key) {
  const assay_fact *fact = assay_machine_get(machine, key);
  hash = hash_text(hash, key);
  if (fact == NULL || fact->type == ASSAY_FACT_UNAVAILABLE) return hash;
  return fact->type == ASSAY_FACT_TEXT ? hash_text(hash, fact->text) : assay_hash(hash, &fact->integer, sizeof fact->integer);
}

/*
 * What stays the same over reboots and updates, since the history of a machine hangs on it. So nothing that a kernel, its drivers or a
 * microcode decide: releases, which instruction sets are switched on, the highest frequency (one driver counts the boost, another does
 * not). The cache of ceilings asks for those itself. Which CPUs this process may use is not in it (that is the process, not the machine).
 * Memory counts in whole GiB: the kernel's own share of it varies from boot to boot.
 */
static void set_id(assay_machine *machine) {
  static const char *const keys[] = {"cpu.vendor",   "cpu.model",        "cpu.family",   "cpu.model_number",
                                     "cpu.stepping", "cpu.architecture", "cpu.packages", "cpu.cores",
                                     "cpu.threads",  "numa.count",       "kernel.name",  "virtualisation.hypervisor"};
  uint64_t hash = ASSAY_HASH_START;
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) hash = hash_fact(hash, machine, keys[i]);
  for (size_t i = 0; i < machine->count; i++) {
    if (strncmp(machine->facts[i].key, "caches.", 7) == 0) hash = hash_fact(hash, machine, machine->facts[i].key);
  }
  uint64_t memory = 0;
  assay_machine_get_u64(machine, "memory.total_bytes", &memory);
  memory = (memory + (UINT64_C(1) << 29)) >> 30;
  hash = assay_hash(hash, &memory, sizeof memory);
  snprintf(machine->id, sizeof machine->id, "%016" PRIx64, hash);
}

static void separate(assay_buf *buf) {
  if (buf->length > 0) assay_buf_puts(buf, ", ");
}

static void add_cores(const assay_machine *machine, assay_buf *buf) {
  uint64_t performance = 0, efficiency = 0, cores = 0, threads = 0;
  assay_machine_get_u64(machine, "cpu.performance_cores", &performance);
  assay_machine_get_u64(machine, "cpu.efficiency_cores", &efficiency);
  if (performance > 0 && efficiency > 0) {
    separate(buf);
    assay_buf_printf(buf, "%" PRIu64 "P+%" PRIu64 "E cores", performance, efficiency);
  } else if (assay_machine_get_u64(machine, "cpu.cores", &cores)) {
    separate(buf);
    assay_buf_printf(buf, "%" PRIu64 " core%s", cores, cores == 1 ? "" : "s");
  } else if (assay_machine_get_u64(machine, "cpu.threads", &threads)) {
    separate(buf);
    assay_buf_printf(buf, "%" PRIu64 " CPU%s", threads, threads == 1 ? "" : "s");
  }
}

static void add_memory(const assay_machine *machine, assay_buf *buf) {
  uint64_t bytes;
  if (!assay_machine_get_u64(machine, "memory.total_bytes", &bytes)) return;
  separate(buf);
  double gib = (double)bytes / (double)(1 << 30);
  if (gib >= 1)
    assay_buf_printf(buf, gib < 100 ? "%.1f GiB" : "%.0f GiB", gib);
  else
    assay_buf_printf(buf, "%.0f MiB", gib * 1024);
}

/* "6.18.44-fc-v595" is 6.18 to a person. */
static void add_kernel(const assay_machine *machine, assay_buf *buf) {
  const char *name = assay_machine_get_text(machine, "kernel.name"), *release = assay_machine_get_text(machine, "kernel.release");
  if (name == NULL) return;
  separate(buf);
  assay_buf_puts(buf, name);
  if (release == NULL) return;
  size_t major = strcspn(release, "."), minor = release[major] == '.' ? 1 + strspn(release + major + 1, "0123456789") : 0;
  assay_buf_printf(buf, " %.*s", (int)(major + minor), release);
}

static void set_label(assay_machine *machine) {
  assay_buf buf = {0};
  const char *model = assay_machine_get_text(machine, "cpu.model"),
             *hypervisor = assay_machine_get_text(machine, "virtualisation.hypervisor");
  if (model == NULL) model = assay_machine_get_text(machine, "cpu.vendor");
  if (model == NULL) model = assay_machine_get_text(machine, "cpu.architecture");
  if (model != NULL) assay_buf_puts(&buf, model);
  add_cores(machine, &buf);
  add_memory(machine, &buf);
  add_kernel(machine, &buf);
  if (hypervisor != NULL && strcmp(hypervisor, "none") != 0) {
    separate(&buf);
    assay_buf_printf(&buf, "%s guest", hypervisor);
  }
  const char *label = assay_arena_strdup(&machine->arena, buf.data != NULL ? buf.data : "unknown machine");
  if (label != NULL) machine->label = label;
  assay_buf_deinit(&buf);
}

void assay_identity_set(assay_machine *machine) {
  set_id(machine);
  set_label(machine);
}

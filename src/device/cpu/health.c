/* SPDX-License-Identifier: MIT */
#include "device/cpu/health.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <assay/machine.h>

#include "base/alloc.h"
#include "os/prim.h"

/* To look at the machine takes some milliseconds, so only where there is a choice. */
size_t assay_cpu_choose(unsigned wanted, unsigned *cpus, size_t capacity) {
  if (wanted >= assay_os_allowed_cpus(NULL, 0)) return 0;
  assay_machine *machine = NULL;
  if (assay_machine_detect(NULL, NULL, &machine) != ASSAY_OK) return 0;
  size_t count = assay_machine_cpus(machine, ASSAY_CORES_ALL, cpus, capacity);
  assay_machine_destroy(machine);
  return count < wanted ? 0 : wanted < capacity ? wanted : capacity;
}

uint64_t assay_cpu_memory_total(void) {
  double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)assay_os_page_size();
  return (uint64_t)fmin(bytes, assay_os_memory_limit()); /* fmin passes over NaN */
}

assay_status assay_cpu_memory(assay_error *err, uint64_t *free_bytes, uint64_t *total_bytes) {
  char *text = NULL;
  size_t length = 0;
  assay_error cause = {0};
  if (assay_os_read_file("/proc/meminfo", 1 << 16, &cause, &text, &length) != ASSAY_OK)
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "free memory is not known: %s", cause.message);
  unsigned long long available = 0;
  const char *at = strstr(text, "MemAvailable:");
  bool found = at != NULL && sscanf(at, "MemAvailable: %llu kB", &available) == 1;
  assay_free(text);
  if (!found) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "/proc/meminfo does not say how much memory is free");
  *total_bytes = assay_cpu_memory_total();
  *free_bytes = (uint64_t)available * 1024 < *total_bytes ? (uint64_t)available * 1024 : *total_bytes;
  return ASSAY_OK;
}

/* The hottest sensor of the processor's own chips; NaN when there is none. */
static double temperature(const assay_machine *machine) {
  static const char *const chips[] = {"coretemp", "k10temp", "zenpower", "cpu_thermal", "x86_pkg_temp", "cpu-thermal", "soc_thermal"};
  double hottest = NAN;
  for (unsigned i = 0; i < 512; i++) {
    char key[64];
    double celsius;
    snprintf(key, sizeof key, "sensors.%u.chip", i);
    if (assay_machine_get(machine, key) == NULL) break;
    const char *chip = assay_machine_get_text(machine, key);
    bool is_cpu = false;
    for (size_t k = 0; k < sizeof chips / sizeof *chips; k++) is_cpu = is_cpu || (chip != NULL && strcmp(chip, chips[k]) == 0);
    snprintf(key, sizeof key, "sensors.%u.celsius", i);
    if (is_cpu && assay_machine_get_f64(machine, key, &celsius) && !(celsius <= hottest)) hottest = celsius;
  }
  return hottest;
}

static void add_cause(assay_device_health *health, const char *what, const assay_machine *machine, const char *key, const char *otherwise) {
  const assay_fact *fact = assay_machine_get(machine, key);
  const char *why = fact != NULL && fact->type == ASSAY_FACT_UNAVAILABLE ? fact->text : otherwise;
  size_t used = strlen(health->cause);
  snprintf(health->cause + used, sizeof health->cause - used, "%s%s: %s", used > 0 ? "; " : "", what, why);
}

void assay_cpu_health(assay_device_health *health) {
  assay_error err = {0};
  assay_machine *machine = NULL;
  if (assay_machine_detect(NULL, &err, &machine) != ASSAY_OK) {
    snprintf(health->cause, sizeof health->cause, "%.*s", (int)sizeof health->cause - 1, err.message);
    return;
  }
  health->temperature_celsius = temperature(machine);
  if (isnan(health->temperature_celsius)) add_cause(health, "temperature", machine, "sensors", "no sensor of the processor");
  if (!assay_machine_get_f64(machine, "cpu.frequency_current_hz", &health->clock_hz))
    add_cause(health, "clock", machine, "cpu.frequency_current_hz", "no frequency is published");
  if (!assay_machine_get_f64(machine, "cpu.frequency_max_hz", &health->max_clock_hz))
    add_cause(health, "highest clock", machine, "cpu.frequency_max_hz", "no frequency is published");
  add_cause(health, "power", machine, "power.domains", "energy counters need two readings: see the energy figures of a run");
  assay_machine_destroy(machine);
}

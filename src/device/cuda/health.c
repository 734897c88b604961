/* SPDX-License-Identifier: MIT */
#include "device/cuda/health.h"

#include <stdio.h>
#include <string.h>

#include "device/cuda/nvml.h"

/* Bits of nvmlDeviceGetCurrentClocksThrottleReasons. 1 is "idle" and 2 "clocks as set by the user": nothing slows down. */
static const struct {
  unsigned long long bit;
  const char *text;
} reasons_known[] = {
    {0x04, "power cap"},          {0x08, "hardware slowdown"}, {0x10, "sync boost"},          {0x20, "thermal (software)"},
    {0x40, "thermal (hardware)"}, {0x80, "power brake"},       {0x100, "clocks for display"},
};

void assay_cu_throttle_text(unsigned long long reasons, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < sizeof reasons_known / sizeof *reasons_known && used < size; i++) {
    if ((reasons & reasons_known[i].bit) == 0) continue;
    int wrote = snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", reasons_known[i].text);
    if (wrote > 0) used += (size_t)wrote;
  }
}

/* Notes what NVML does not give on this GPU. */
static bool got(nvmlReturn_t code, const char *what, assay_device_health *health) {
  if (code == NVML_SUCCESS) return true;
  size_t used = strlen(health->cause);
  snprintf(health->cause + used, sizeof health->cause - used, "%s%s: %s", used > 0 ? "; " : "", what, assay_nvml.nvmlErrorString(code));
  return false;
}

void assay_cu_health(const char *pci, assay_device_health *health) {
  assay_error err = {0};
  nvmlDevice_t device = NULL;
  if (assay_nvml_load(&err) != ASSAY_OK) {
    snprintf(health->cause, sizeof health->cause, "%.255s", err.message);
    return;
  }
  if (!got(assay_nvml.nvmlDeviceGetHandleByPciBusId_v2(pci, &device), "NVML does not know this GPU", health)) return;
  unsigned number = 0;
  unsigned long long reasons = 0;
  nvmlMemory_t memory = {0};
  nvmlUtilization_t used = {0};
  if (got(assay_nvml.nvmlDeviceGetTemperature(device, NVML_TEMPERATURE_GPU, &number), "temperature", health))
    health->temperature_celsius = number;
  if (got(assay_nvml.nvmlDeviceGetPowerUsage(device, &number), "power", health)) health->power_watts = number / 1000.0;
  if (got(assay_nvml.nvmlDeviceGetEnforcedPowerLimit(device, &number), "power limit", health)) health->power_limit_watts = number / 1000.0;
  if (got(assay_nvml.nvmlDeviceGetClockInfo(device, NVML_CLOCK_SM, &number), "clock", health)) health->clock_hz = number * 1e6;
  if (got(assay_nvml.nvmlDeviceGetClockInfo(device, NVML_CLOCK_MEM, &number), "memory clock", health))
    health->memory_clock_hz = number * 1e6;
  if (got(assay_nvml.nvmlDeviceGetMaxClockInfo(device, NVML_CLOCK_SM, &number), "highest clock", health))
    health->max_clock_hz = number * 1e6;
  if (got(assay_nvml.nvmlDeviceGetUtilizationRates(device, &used), "utilisation", health)) health->utilisation_ratio = used.gpu / 100.0;
  if (got(assay_nvml.nvmlDeviceGetMemoryInfo(device, &memory), "memory", health)) {
    health->memory_free_bytes = (double)memory.free;
    health->memory_total_bytes = (double)memory.total;
  }
  if (got(assay_nvml.nvmlDeviceGetCurrentClocksThrottleReasons(device, &reasons), "throttling", health))
    assay_cu_throttle_text(reasons, health->throttled, sizeof health->throttled);
}

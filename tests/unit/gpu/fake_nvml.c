/* SPDX-License-Identifier: MIT */
/* An NVML for machines without one: round numbers in NVML's own units, and no power limit. */
#include <stdio.h>
#include <string.h>

#include "device/cuda/nvml.h"

#define EXPORT __attribute__((visibility("default")))
enum { NOT_SUPPORTED = 3, NOT_FOUND = 6 };

EXPORT nvmlReturn_t nvmlInit_v2(void);
nvmlReturn_t nvmlInit_v2(void) { return NVML_SUCCESS; }
EXPORT const char *nvmlErrorString(nvmlReturn_t code);
const char *nvmlErrorString(nvmlReturn_t code) { return code == NOT_SUPPORTED ? "Not Supported" : "Not Found"; }
EXPORT nvmlReturn_t nvmlSystemGetDriverVersion(char *text, unsigned size);
nvmlReturn_t nvmlSystemGetDriverVersion(char *text, unsigned size) {
  snprintf(text, size, "1.2.3");
  return NVML_SUCCESS;
}
EXPORT nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *id, nvmlDevice_t *device);
nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char *id, nvmlDevice_t *device) {
  *device = NULL;
  return strcmp(id, "0000:01:00.0") == 0 ? NVML_SUCCESS : NOT_FOUND;
}
#define GIVES(name, parameters, statement) \
  EXPORT nvmlReturn_t name parameters;     \
  nvmlReturn_t name parameters {           \
    (void)device;                          \
    statement;                             \
    return NVML_SUCCESS;                   \
  }
GIVES(nvmlDeviceGetTemperature, (nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned *celsius), *celsius = sensor == 0 ? 41 : 0)
GIVES(nvmlDeviceGetPowerUsage, (nvmlDevice_t device, unsigned *milliwatts), *milliwatts = 123456)
GIVES(nvmlDeviceGetClockInfo, (nvmlDevice_t device, nvmlClockType_t type, unsigned *mhz), *mhz = type == NVML_CLOCK_SM ? 1980 : 3201)
GIVES(nvmlDeviceGetMaxClockInfo, (nvmlDevice_t device, nvmlClockType_t type, unsigned *mhz), *mhz = type == NVML_CLOCK_SM ? 2000 : 0)
GIVES(nvmlDeviceGetCurrentClocksThrottleReasons, (nvmlDevice_t device, unsigned long long *reasons), *reasons = 0x1 | 0x4 | 0x40)
GIVES(nvmlDeviceGetMemoryInfo, (nvmlDevice_t device, nvmlMemory_t *memory),
      *memory = ((nvmlMemory_t){.total = 8000, .free = 6000, .used = 2000}))
GIVES(nvmlDeviceGetUtilizationRates, (nvmlDevice_t device, nvmlUtilization_t *used), *used = ((nvmlUtilization_t){.gpu = 25, .memory = 3}))
EXPORT nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *milliwatts);
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned *milliwatts) {
  (void)device, (void)milliwatts;
  return NOT_SUPPORTED;
}

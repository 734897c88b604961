/* SPDX-License-Identifier: MIT */
/*
 * NVIDIA's management library, which sees what the driver API does not: temperature, power, clocks, and why they were lowered. Loaded at
 * run time, typed from its published documentation like cuda/api.h.
 */
#ifndef ASSAY_DEVICE_CUDA_NVML_H
#define ASSAY_DEVICE_CUDA_NVML_H

#include <assay/status.h>

#ifndef ASSAY_CHECK_AGAINST_VENDOR_HEADER
typedef int nvmlReturn_t, nvmlTemperatureSensors_t, nvmlClockType_t;
typedef struct nvmlDevice_st *nvmlDevice_t;
typedef struct nvmlMemory_st {
  unsigned long long total, free, used;
} nvmlMemory_t;
typedef struct nvmlUtilization_st {
  unsigned gpu, memory;
} nvmlUtilization_t;
enum {
  NVML_SUCCESS = 0,
  NVML_TEMPERATURE_GPU = 0,
  NVML_CLOCK_SM = 1,
  NVML_CLOCK_MEM = 2,
};
#endif

/* X(result, name, arguments) */
#define ASSAY_NVML_FUNCTIONS(X)                                                                    \
  X(nvmlReturn_t, nvmlInit_v2, (void))                                                             \
  X(const char *, nvmlErrorString, (nvmlReturn_t))                                                 \
  X(nvmlReturn_t, nvmlSystemGetDriverVersion, (char *, unsigned))                                  \
  X(nvmlReturn_t, nvmlDeviceGetHandleByPciBusId_v2, (const char *, nvmlDevice_t *))                \
  X(nvmlReturn_t, nvmlDeviceGetTemperature, (nvmlDevice_t, nvmlTemperatureSensors_t, unsigned *))  \
  X(nvmlReturn_t, nvmlDeviceGetPowerUsage, (nvmlDevice_t, unsigned *))                             \
  X(nvmlReturn_t, nvmlDeviceGetEnforcedPowerLimit, (nvmlDevice_t, unsigned *))                     \
  X(nvmlReturn_t, nvmlDeviceGetClockInfo, (nvmlDevice_t, nvmlClockType_t, unsigned *))             \
  X(nvmlReturn_t, nvmlDeviceGetMaxClockInfo, (nvmlDevice_t, nvmlClockType_t, unsigned *))          \
  X(nvmlReturn_t, nvmlDeviceGetCurrentClocksThrottleReasons, (nvmlDevice_t, unsigned long long *)) \
  X(nvmlReturn_t, nvmlDeviceGetMemoryInfo, (nvmlDevice_t, nvmlMemory_t *))                         \
  X(nvmlReturn_t, nvmlDeviceGetUtilizationRates, (nvmlDevice_t, nvmlUtilization_t *))

#define ASSAY_NVML_FIELD(result, name, arguments) result(*name) arguments;
typedef struct assay_nvml_table {
  ASSAY_NVML_FUNCTIONS(ASSAY_NVML_FIELD)
} assay_nvml_table;
#undef ASSAY_NVML_FIELD

extern assay_nvml_table assay_nvml;
/* Loads and starts the library once. ASSAY_ERR_UNSUPPORTED with the cause where it is not there or does not start. */
assay_status assay_nvml_load(assay_error *err);

#endif

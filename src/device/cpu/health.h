/* SPDX-License-Identifier: MIT */
/* What the machine knows of the processor: which CPUs to use, memory, sensors. */
#ifndef ASSAY_DEVICE_CPU_HEALTH_H
#define ASSAY_DEVICE_CPU_HEALTH_H

#include <assay/device.h>

/* The best `wanted` CPUs of those that this process may use, performance cores first; 0: all of them, so there is nothing to choose. */
size_t assay_cpu_choose(unsigned wanted, unsigned *cpus, size_t capacity);
/* What this process may use at most: the machine's memory, or less in a container. */
uint64_t assay_cpu_memory_total(void);
assay_status assay_cpu_memory(assay_error *err, uint64_t *free_bytes, uint64_t *total_bytes);
void assay_cpu_health(assay_device_health *health);

#endif

/* SPDX-License-Identifier: MIT */
/* What NVML says of a GPU. Thread-safe. */
#ifndef ASSAY_DEVICE_CUDA_HEALTH_H
#define ASSAY_DEVICE_CUDA_HEALTH_H

#include <assay/device.h>

/* Fills in what there is, of the GPU at `pci` ("0000:01:00.0"); `cause` names what there is not. */
void assay_cu_health(const char *pci, assay_device_health *health);

/* Names of the bits that NVML gives as the reasons for lowered clocks, but for an idle GPU; writes at most `size` bytes. */
void assay_cu_throttle_text(unsigned long long reasons, char *text, size_t size);

#endif

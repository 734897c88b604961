/* SPDX-License-Identifier: MIT */
/* What an OpenCL device can do, and kernel files built for it. */
#ifndef ASSAY_DEVICE_OPENCL_PROGRAM_H
#define ASSAY_DEVICE_OPENCL_PROGRAM_H

#include <stdbool.h>

#include "device/opencl/api.h"
#include "kernels/embedded/embedded.h"

typedef struct assay_cl_facts {
  char platform[128], name[128], vendor[128], driver[128], version[128];
  bool cpu, gpu;
  bool same_bits; /* false: `lacks` says what the dialect needs and this device has not */
  char lacks[200];
  cl_uint compute_units, clock_mhz, align_bytes, float_lanes; /* of a register */
  cl_ulong memory_bytes, largest_bytes, local_bytes;
  size_t group_items;
} assay_cl_facts;

assay_status assay_cl_get_facts(cl_platform_id platform, cl_device_id device, assay_error *err, assay_cl_facts *facts);

/*
 * Builds a kernel file for one precision (32 or 64 bits): from the cache of binaries when this device, driver and source have been there
 * before, from the source otherwise. A failure ends in the compiler's own first lines.
 */
assay_status assay_cl_build(cl_context context, cl_device_id device, const assay_cl_facts *facts, const assay_embedded *file, unsigned bits,
                            assay_error *err, cl_program *program);

/* Records a failed call: "<what> failed on <device>: CL_OUT_OF_RESOURCES". */
assay_status assay_cl_fail(assay_error *err, cl_int code, const char *device, const char *what);

#endif

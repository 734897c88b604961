/* SPDX-License-Identifier: MIT */
/*
 * PoCL, OpenCL on the processor, is the one driver that ends the process it is in: it starts its threads when it is first asked for devices
 * and calls abort() if the system refuses one (an address space or a number of processes that is limited, as in containers). So auto, which
 * never takes a processor through OpenCL, leaves it alone, and who asks for it is told first whether it could start.
 *
 * Thread-safety: any thread.
 */
#ifndef ASSAY_DEVICE_OPENCL_POCL_H
#define ASSAY_DEVICE_OPENCL_POCL_H

#include <stdbool.h>

#include "device/opencl/api.h"

/* Of loaded drivers (assay_cl_load). Starts nothing. `name` may be NULL; it gets the platform's. */
bool assay_cl_is_pocl(cl_platform_id platform, char *name, size_t size);
/* ASSAY_ERR_UNSUPPORTED with the cause where the system refuses the threads that it would start. */
assay_status assay_cl_pocl_can_start(assay_error *err);

#endif

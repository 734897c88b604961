/* SPDX-License-Identifier: MIT */
#include "device/opencl/api.h"

#include <pthread.h>

#include "os/library.h"

assay_cl_table assay_cl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static assay_error failure;

static void load(void) {
  static const char *const names[] = {"libOpenCL.so.1", "/System/Library/Frameworks/OpenCL.framework/OpenCL", NULL};
#define NAME(result, name, arguments) #name,
  static const char *const symbols[] = {ASSAY_CL_FUNCTIONS(NAME) NULL};
#undef NAME
  assay_library_load(names, symbols, (void **)&assay_cl, "OpenCL", "ocl-icd-libopencl1", &failure);
}

assay_status assay_cl_load(assay_error *err) {
  pthread_once(&once, load);
  if (failure.status == ASSAY_OK) return ASSAY_OK;
  return assay_error_set(err, failure.status, failure.file, failure.line, "%s", failure.message);
}

const char *assay_cl_failure_name(cl_int code) {
  switch (code) {
#define CASE(name, value) \
  case name: return #name;
    ASSAY_CL_FAILURES(CASE)
#undef CASE
    default: return NULL;
  }
}

assay_status assay_cl_failure_status(cl_int code) {
  switch (code) {
    case CL_SUCCESS: return ASSAY_OK;
    case CL_MEM_OBJECT_ALLOCATION_FAILURE:
    case CL_OUT_OF_HOST_MEMORY:
    case CL_INVALID_BUFFER_SIZE: return ASSAY_ERR_NO_MEMORY;
    case CL_DEVICE_NOT_FOUND:
    case CL_DEVICE_NOT_AVAILABLE:
    case CL_COMPILER_NOT_AVAILABLE: return ASSAY_ERR_UNSUPPORTED;
    case CL_INVALID_VALUE:
    case CL_INVALID_ARG_SIZE:
    case CL_INVALID_WORK_GROUP_SIZE: return ASSAY_ERR_INVALID;
    /* What drivers answer once a kernel has brought the device down. */
    case CL_OUT_OF_RESOURCES:
    case CL_INVALID_COMMAND_QUEUE:
    case CL_INVALID_CONTEXT:
    case CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST: return ASSAY_ERR_LOST;
    default: return ASSAY_ERR_IO;
  }
}

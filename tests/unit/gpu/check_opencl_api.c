/* SPDX-License-Identifier: MIT */
/* Compiles only where our lines of OpenCL's interface are those of the real header: compiling it is the test. */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#define ASSAY_CHECK_AGAINST_VENDOR_HEADER
#include "device/opencl/api.h"

#define CHECK_NUMBER(name, value) _Static_assert((name) == (value), #name);
ASSAY_CL_NUMBERS(CHECK_NUMBER)
ASSAY_CL_FAILURES(CHECK_NUMBER)
#define CHECK_FUNCTION(result, name, arguments) \
  typedef result check_##name arguments;        \
  _Static_assert(__builtin_types_compatible_p(__typeof__(name), check_##name), #name);
ASSAY_CL_FUNCTIONS(CHECK_FUNCTION)

int main(void) { return 0; }

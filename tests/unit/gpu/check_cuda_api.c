/* SPDX-License-Identifier: MIT */
/* Compiles only where our lines of the driver's and of NVRTC's interface are those of the real headers: compiling it is the test. */
#include <cuda.h>
#include <nvrtc.h>

#define ASSAY_CHECK_AGAINST_VENDOR_HEADER
#include "device/cuda/api.h"

#define CHECK_NUMBER(name, value) _Static_assert((name) == (value), #name);
ASSAY_CU_NUMBERS(CHECK_NUMBER)
ASSAY_CU_FAILURES(CHECK_NUMBER)
#define CHECK_FUNCTION(result, name, arguments) \
  typedef result check_##name arguments;        \
  _Static_assert(__builtin_types_compatible_p(__typeof__(name), check_##name), #name);
ASSAY_CU_FUNCTIONS(CHECK_FUNCTION)
ASSAY_CU_NEWER_FUNCTIONS(CHECK_FUNCTION)
ASSAY_NVRTC_FUNCTIONS(CHECK_FUNCTION)

int main(void) { return 0; }

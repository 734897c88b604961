/* SPDX-License-Identifier: MIT */
/* Compiles only where our lines of cuBLASLt's interface are those of the real header: compiling it is the test. */
#include <cublasLt.h>
#include <cuda.h>
#include <nvrtc.h>

#define ASSAY_CHECK_AGAINST_VENDOR_HEADER
#include "device/cuda/gemm.h"

#define CHECK_NUMBER(name, value) _Static_assert((name) == (value), #name);
ASSAY_LT_NUMBERS(CHECK_NUMBER)
#define CHECK_FUNCTION(result, name, arguments) \
  typedef result check_##name arguments;        \
  _Static_assert(__builtin_types_compatible_p(__typeof__(name), check_##name), #name);
ASSAY_LT_FUNCTIONS(CHECK_FUNCTION)
/* What our own copies of the two structures assume. */
_Static_assert(sizeof(cublasLtMatmulAlgo_t) == 64, "algorithm");
_Static_assert(sizeof(cublasLtMatmulHeuristicResult_t) == 96, "heuristic");
_Static_assert(offsetof(cublasLtMatmulHeuristicResult_t, state) == 72, "heuristic state");

int main(void) { return 0; }

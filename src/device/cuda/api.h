/* SPDX-License-Identifier: MIT */
/*
 * The few functions of NVIDIA's driver, run-time compiler and management library that Assay calls, each library loaded at run time. Types,
 * numbers and signatures are typed from the published documentation instead of taken from <cuda.h>: the driver's binary interface is
 * versioned by symbol (`cuMemAlloc_v2`) and kept, a build machine needs no toolkit, and one binary runs wherever there is a driver.
 * tests/unit/gpu/check_cuda_api.c holds every line against the real headers where they are installed, so they cannot drift.
 *
 * Thread-safety: the load functions may be called from any thread; after ASSAY_OK their table does not change.
 */
#ifndef ASSAY_DEVICE_CUDA_API_H
#define ASSAY_DEVICE_CUDA_API_H

#include <assay/status.h>

#include <stdint.h>

#ifndef ASSAY_CHECK_AGAINST_VENDOR_HEADER
typedef int CUresult, CUdevice, CUdevice_attribute, CUfunction_attribute, CUjit_option;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef int CUlaunchAttributeID;
typedef union CUlaunchAttributeValue {
  char room[64];
  int programmaticStreamSerializationAllowed;
} CUlaunchAttributeValue;
typedef struct CUlaunchAttribute {
  CUlaunchAttributeID id;
  char room[8 - sizeof(CUlaunchAttributeID)];
  CUlaunchAttributeValue value;
} CUlaunchAttribute;
typedef struct CUlaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ, blockDimX, blockDimY, blockDimZ, sharedMemBytes;
  CUstream hStream;
  CUlaunchAttribute *attrs;
  unsigned numAttrs;
} CUlaunchConfig;
typedef int nvrtcResult;
typedef struct _nvrtcProgram *nvrtcProgram;
#endif

/* X(name, value) */
#define ASSAY_CU_NUMBERS(X)                                   \
  X(CUDA_SUCCESS, 0)                                          \
  X(CU_CTX_SCHED_SPIN, 1)                                     \
  X(CU_CTX_SCHED_BLOCKING_SYNC, 4)                            \
  X(CU_EVENT_DEFAULT, 0)                                      \
  X(CU_EVENT_DISABLE_TIMING, 2)                               \
  X(CU_STREAM_NON_BLOCKING, 1)                                \
  X(CU_MEMHOSTALLOC_PORTABLE, 1)                              \
  X(CU_MEMHOSTALLOC_DEVICEMAP, 2)                             \
  X(CU_FUNC_ATTRIBUTE_PTX_VERSION, 5)                         \
  X(CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION, 6) \
  X(CU_JIT_INFO_LOG_BUFFER, 3)                                \
  X(CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES, 4)                     \
  X(CU_JIT_ERROR_LOG_BUFFER, 5)                               \
  X(CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, 6)                    \
  X(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, 1)             \
  X(CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, 5)                    \
  X(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 8)       \
  X(CU_DEVICE_ATTRIBUTE_CLOCK_RATE, 13)                       \
  X(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 16)             \
  X(CU_DEVICE_ATTRIBUTE_INTEGRATED, 18)                       \
  X(CU_DEVICE_ATTRIBUTE_ECC_ENABLED, 32)                      \
  X(CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE, 36)                \
  X(CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH, 37)          \
  X(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 38)                    \
  X(CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 39)   \
  X(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 75)         \
  X(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 76)

/* Failures that decide what Assay does next; the driver names the others. X(name, value) */
#define ASSAY_CU_FAILURES(X)                   \
  X(CUDA_ERROR_INVALID_VALUE, 1)               \
  X(CUDA_ERROR_OUT_OF_MEMORY, 2)               \
  X(CUDA_ERROR_NOT_INITIALIZED, 3)             \
  X(CUDA_ERROR_DEINITIALIZED, 4)               \
  X(CUDA_ERROR_STUB_LIBRARY, 34)               \
  X(CUDA_ERROR_DEVICE_UNAVAILABLE, 46)         \
  X(CUDA_ERROR_NO_DEVICE, 100)                 \
  X(CUDA_ERROR_INVALID_IMAGE, 200)             \
  X(CUDA_ERROR_NO_BINARY_FOR_GPU, 209)         \
  X(CUDA_ERROR_ECC_UNCORRECTABLE, 214)         \
  X(CUDA_ERROR_UNSUPPORTED_LIMIT, 215)         \
  X(CUDA_ERROR_INVALID_PTX, 218)               \
  X(CUDA_ERROR_JIT_COMPILER_NOT_FOUND, 221)    \
  X(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, 222)   \
  X(CUDA_ERROR_JIT_COMPILATION_DISABLED, 223)  \
  X(CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY, 224) \
  X(CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC, 225)  \
  X(CUDA_ERROR_INVALID_HANDLE, 400)            \
  X(CUDA_ERROR_NOT_FOUND, 500)                 \
  X(CUDA_ERROR_NOT_READY, 600)                 \
  X(CUDA_ERROR_ILLEGAL_ADDRESS, 700)           \
  X(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, 701)   \
  X(CUDA_ERROR_LAUNCH_TIMEOUT, 702)            \
  X(CUDA_ERROR_LAUNCH_FAILED, 719)             \
  X(CUDA_ERROR_NOT_PERMITTED, 800)             \
  X(CUDA_ERROR_NOT_SUPPORTED, 801)             \
  X(CUDA_ERROR_SYSTEM_NOT_READY, 802)          \
  X(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, 803)    \
  X(CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE, 804)

/* X(result, name, arguments) */
#define ASSAY_CU_FUNCTIONS(X)                                                                    \
  X(CUresult, cuInit, (unsigned))                                                                \
  X(CUresult, cuDriverGetVersion, (int *))                                                       \
  X(CUresult, cuGetErrorName, (CUresult, const char **))                                         \
  X(CUresult, cuGetErrorString, (CUresult, const char **))                                       \
  X(CUresult, cuDeviceGetCount, (int *))                                                         \
  X(CUresult, cuDeviceGet, (CUdevice *, int))                                                    \
  X(CUresult, cuDeviceGetName, (char *, int, CUdevice))                                          \
  X(CUresult, cuDeviceGetPCIBusId, (char *, int, CUdevice))                                      \
  X(CUresult, cuDeviceTotalMem_v2, (size_t *, CUdevice))                                         \
  X(CUresult, cuDeviceGetAttribute, (int *, CUdevice_attribute, CUdevice))                       \
  X(CUresult, cuDevicePrimaryCtxSetFlags_v2, (CUdevice, unsigned))                               \
  X(CUresult, cuDevicePrimaryCtxRetain, (CUcontext *, CUdevice))                                 \
  X(CUresult, cuDevicePrimaryCtxRelease_v2, (CUdevice))                                          \
  X(CUresult, cuCtxGetCurrent, (CUcontext *))                                                    \
  X(CUresult, cuCtxSetCurrent, (CUcontext))                                                      \
  X(CUresult, cuMemGetInfo_v2, (size_t *, size_t *))                                             \
  X(CUresult, cuMemAlloc_v2, (CUdeviceptr *, size_t))                                            \
  X(CUresult, cuMemFree_v2, (CUdeviceptr))                                                       \
  X(CUresult, cuMemHostAlloc, (void **, size_t, unsigned))                                       \
  X(CUresult, cuMemFreeHost, (void *))                                                           \
  X(CUresult, cuMemHostGetDevicePointer_v2, (CUdeviceptr *, void *, unsigned))                   \
  X(CUresult, cuMemcpyHtoDAsync_v2, (CUdeviceptr, const void *, size_t, CUstream))               \
  X(CUresult, cuMemcpyDtoHAsync_v2, (void *, CUdeviceptr, size_t, CUstream))                     \
  X(CUresult, cuMemcpyDtoDAsync_v2, (CUdeviceptr, CUdeviceptr, size_t, CUstream))                \
  X(CUresult, cuMemsetD32Async, (CUdeviceptr, unsigned, size_t, CUstream))                       \
  X(CUresult, cuStreamCreate, (CUstream *, unsigned))                                            \
  X(CUresult, cuStreamDestroy_v2, (CUstream))                                                    \
  X(CUresult, cuStreamSynchronize, (CUstream))                                                   \
  X(CUresult, cuStreamQuery, (CUstream))                                                         \
  X(CUresult, cuStreamWaitEvent, (CUstream, CUevent, unsigned))                                  \
  X(CUresult, cuEventCreate, (CUevent *, unsigned))                                              \
  X(CUresult, cuEventDestroy_v2, (CUevent))                                                      \
  X(CUresult, cuEventRecord, (CUevent, CUstream))                                                \
  X(CUresult, cuEventQuery, (CUevent))                                                           \
  X(CUresult, cuEventSynchronize, (CUevent))                                                     \
  X(CUresult, cuEventElapsedTime, (float *, CUevent, CUevent))                                   \
  X(CUresult, cuModuleLoadDataEx, (CUmodule *, const void *, unsigned, CUjit_option *, void **)) \
  X(CUresult, cuModuleUnload, (CUmodule))                                                        \
  X(CUresult, cuModuleGetFunction, (CUfunction *, CUmodule, const char *))                       \
  X(CUresult, cuFuncGetAttribute, (int *, CUfunction_attribute, CUfunction))                     \
  X(CUresult, cuLaunchKernel,                                                                    \
    (CUfunction, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, CUstream, void **, void **))

/* What drivers before CUDA 12 may lack; NULL there. */
#define ASSAY_CU_NEWER_FUNCTIONS(X) X(CUresult, cuLaunchKernelEx, (const CUlaunchConfig *, CUfunction, void **, void **))

/* NVRTC: compiles the embedded source where the build had no nvcc. */
#define ASSAY_NVRTC_FUNCTIONS(X)                                                                                                  \
  X(nvrtcResult, nvrtcVersion, (int *, int *))                                                                                    \
  X(const char *, nvrtcGetErrorString, (nvrtcResult))                                                                             \
  X(nvrtcResult, nvrtcCreateProgram, (nvrtcProgram *, const char *, const char *, int, const char *const *, const char *const *)) \
  X(nvrtcResult, nvrtcDestroyProgram, (nvrtcProgram *))                                                                           \
  X(nvrtcResult, nvrtcCompileProgram, (nvrtcProgram, int, const char *const *))                                                   \
  X(nvrtcResult, nvrtcGetCUBINSize, (nvrtcProgram, size_t *))                                                                     \
  X(nvrtcResult, nvrtcGetCUBIN, (nvrtcProgram, char *))                                                                           \
  X(nvrtcResult, nvrtcGetProgramLogSize, (nvrtcProgram, size_t *))                                                                \
  X(nvrtcResult, nvrtcGetProgramLog, (nvrtcProgram, char *))

#ifndef ASSAY_CHECK_AGAINST_VENDOR_HEADER
enum {
#define ASSAY_CU_ENUM(name, value) name = value,
  ASSAY_CU_NUMBERS(ASSAY_CU_ENUM) ASSAY_CU_FAILURES(ASSAY_CU_ENUM)
#undef ASSAY_CU_ENUM
};
#endif

#define ASSAY_CU_FIELD(result, name, arguments) result(*name) arguments;
typedef struct assay_cu_table {
  ASSAY_CU_FUNCTIONS(ASSAY_CU_FIELD)
} assay_cu_table;
typedef struct assay_cu_newer_table {
  ASSAY_CU_NEWER_FUNCTIONS(ASSAY_CU_FIELD)
} assay_cu_newer_table;
typedef struct assay_nvrtc_table {
  ASSAY_NVRTC_FUNCTIONS(ASSAY_CU_FIELD)
} assay_nvrtc_table;
#undef ASSAY_CU_FIELD

/* The loaded functions; each valid once its load gave ASSAY_OK. */
extern assay_cu_table assay_cu;
extern assay_cu_newer_table assay_cu_newer;
extern assay_nvrtc_table assay_nvrtc;
/* Loads the driver and calls cuInit. ASSAY_ERR_UNSUPPORTED with the cause where there is no driver or no GPU behind it. The first call
 * loads, later ones answer the same. */
assay_status assay_cu_load(assay_error *err);
assay_status assay_nvrtc_load(assay_error *err);
/* Which status a failure of the driver is. */
assay_status assay_cu_failure_status(CUresult code);
/* Records a failed call: "<what> failed on <device>: CUDA_ERROR_OUT_OF_MEMORY (out of memory)". */
assay_status assay_cu_fail(assay_error *err, CUresult code, const char *device, const char *what);

#endif

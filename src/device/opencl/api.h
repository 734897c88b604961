/* SPDX-License-Identifier: MIT */
/*
 * The few OpenCL 1.2 functions that Assay calls, loaded from the ICD loader at run time. The types, numbers and signatures are typed from
 * the published specification instead of taken from <CL/cl.h>: OpenCL's binary interface is fixed, a build machine needs no package for
 * it, and one binary runs wherever there is a loader. tests/unit/gpu/check_opencl_api.c holds every line of the three lists against
 * the real header where that is installed, so they cannot drift.
 *
 * Thread-safety: assay_cl_load may be called from any thread; after ASSAY_OK the table does not change.
 */
#ifndef ASSAY_DEVICE_OPENCL_API_H
#define ASSAY_DEVICE_OPENCL_API_H

#include <assay/status.h>

#include <stdint.h>

#ifndef ASSAY_CHECK_AGAINST_VENDOR_HEADER
typedef int32_t cl_int;
typedef uint32_t cl_uint, cl_bool;
typedef uint64_t cl_ulong, cl_bitfield;
typedef cl_bitfield cl_device_type, cl_mem_flags, cl_command_queue_properties, cl_map_flags, cl_device_fp_config;
typedef cl_uint cl_platform_info, cl_device_info, cl_program_info, cl_program_build_info, cl_event_info, cl_profiling_info;
typedef cl_uint cl_kernel_work_group_info, cl_buffer_create_type;
typedef intptr_t cl_context_properties;
typedef struct _cl_platform_id *cl_platform_id;
typedef struct _cl_device_id *cl_device_id;
typedef struct _cl_context *cl_context;
typedef struct _cl_command_queue *cl_command_queue;
typedef struct _cl_mem *cl_mem;
typedef struct _cl_program *cl_program;
typedef struct _cl_kernel *cl_kernel;
typedef struct _cl_event *cl_event;
#endif

/* X(name, value) */
#define ASSAY_CL_NUMBERS(X)                      \
  X(CL_SUCCESS, 0)                               \
  X(CL_FALSE, 0)                                 \
  X(CL_TRUE, 1)                                  \
  X(CL_COMPLETE, 0)                              \
  X(CL_PLATFORM_VERSION, 0x0901)                 \
  X(CL_PLATFORM_NAME, 0x0902)                    \
  X(CL_PLATFORM_VENDOR, 0x0903)                  \
  X(CL_DEVICE_TYPE_CPU, 2)                       \
  X(CL_DEVICE_TYPE_GPU, 4)                       \
  X(CL_DEVICE_TYPE_ACCELERATOR, 8)               \
  X(CL_DEVICE_TYPE, 0x1000)                      \
  X(CL_DEVICE_MAX_COMPUTE_UNITS, 0x1002)         \
  X(CL_DEVICE_MAX_WORK_GROUP_SIZE, 0x1004)       \
  X(CL_DEVICE_MAX_CLOCK_FREQUENCY, 0x100C)       \
  X(CL_DEVICE_MAX_MEM_ALLOC_SIZE, 0x1010)        \
  X(CL_DEVICE_MEM_BASE_ADDR_ALIGN, 0x1019)       \
  X(CL_DEVICE_SINGLE_FP_CONFIG, 0x101B)          \
  X(CL_DEVICE_GLOBAL_MEM_SIZE, 0x101F)           \
  X(CL_DEVICE_LOCAL_MEM_SIZE, 0x1023)            \
  X(CL_DEVICE_AVAILABLE, 0x1027)                 \
  X(CL_DEVICE_COMPILER_AVAILABLE, 0x1028)        \
  X(CL_DEVICE_NAME, 0x102B)                      \
  X(CL_DEVICE_VENDOR, 0x102C)                    \
  X(CL_DRIVER_VERSION, 0x102D)                   \
  X(CL_DEVICE_VERSION, 0x102F)                   \
  X(CL_DEVICE_EXTENSIONS, 0x1030)                \
  X(CL_DEVICE_DOUBLE_FP_CONFIG, 0x1032)          \
  X(CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 0x103A) \
  X(CL_DEVICE_HOST_UNIFIED_MEMORY, 0x1035)       \
  X(CL_DEVICE_OPENCL_C_VERSION, 0x103D)          \
  X(CL_FP_FMA, 1 << 5)                           \
  X(CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT, 1 << 7) \
  X(CL_FP_DENORM, 1)                             \
  X(CL_QUEUE_PROFILING_ENABLE, 2)                \
  X(CL_CONTEXT_PLATFORM, 0x1084)                 \
  X(CL_MEM_READ_WRITE, 1)                        \
  X(CL_MEM_ALLOC_HOST_PTR, 1 << 4)               \
  X(CL_MAP_READ, 1)                              \
  X(CL_MAP_WRITE, 2)                             \
  X(CL_BUFFER_CREATE_TYPE_REGION, 0x1220)        \
  X(CL_PROGRAM_NUM_DEVICES, 0x1162)              \
  X(CL_PROGRAM_BINARY_SIZES, 0x1165)             \
  X(CL_PROGRAM_BINARIES, 0x1166)                 \
  X(CL_PROGRAM_BUILD_LOG, 0x1183)                \
  X(CL_KERNEL_WORK_GROUP_SIZE, 0x11B0)           \
  X(CL_EVENT_COMMAND_EXECUTION_STATUS, 0x11D3)   \
  X(CL_PROFILING_COMMAND_START, 0x1282)          \
  X(CL_PROFILING_COMMAND_END, 0x1283)

/* Failures that have a name here; others are shown as their number. X(name, value) */
#define ASSAY_CL_FAILURES(X)                           \
  X(CL_DEVICE_NOT_FOUND, -1)                           \
  X(CL_DEVICE_NOT_AVAILABLE, -2)                       \
  X(CL_COMPILER_NOT_AVAILABLE, -3)                     \
  X(CL_MEM_OBJECT_ALLOCATION_FAILURE, -4)              \
  X(CL_OUT_OF_RESOURCES, -5)                           \
  X(CL_OUT_OF_HOST_MEMORY, -6)                         \
  X(CL_PROFILING_INFO_NOT_AVAILABLE, -7)               \
  X(CL_BUILD_PROGRAM_FAILURE, -11)                     \
  X(CL_MAP_FAILURE, -12)                               \
  X(CL_MISALIGNED_SUB_BUFFER_OFFSET, -13)              \
  X(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, -14) \
  X(CL_INVALID_VALUE, -30)                             \
  X(CL_INVALID_PLATFORM, -32)                          \
  X(CL_INVALID_DEVICE, -33)                            \
  X(CL_INVALID_CONTEXT, -34)                           \
  X(CL_INVALID_COMMAND_QUEUE, -36)                     \
  X(CL_INVALID_MEM_OBJECT, -38)                        \
  X(CL_INVALID_BINARY, -42)                            \
  X(CL_INVALID_BUILD_OPTIONS, -43)                     \
  X(CL_INVALID_PROGRAM, -44)                           \
  X(CL_INVALID_PROGRAM_EXECUTABLE, -45)                \
  X(CL_INVALID_KERNEL_NAME, -46)                       \
  X(CL_INVALID_KERNEL, -48)                            \
  X(CL_INVALID_ARG_INDEX, -49)                         \
  X(CL_INVALID_ARG_VALUE, -50)                         \
  X(CL_INVALID_ARG_SIZE, -51)                          \
  X(CL_INVALID_KERNEL_ARGS, -52)                       \
  X(CL_INVALID_WORK_GROUP_SIZE, -54)                   \
  X(CL_INVALID_WORK_ITEM_SIZE, -55)                    \
  X(CL_INVALID_EVENT_WAIT_LIST, -57)                   \
  X(CL_INVALID_EVENT, -58)                             \
  X(CL_INVALID_OPERATION, -59)                         \
  X(CL_INVALID_BUFFER_SIZE, -61)

/* X(result, name, arguments) */
#define ASSAY_CL_FUNCTIONS(X)                                                                                                             \
  X(cl_int, clGetPlatformIDs, (cl_uint, cl_platform_id *, cl_uint *))                                                                     \
  X(cl_int, clGetPlatformInfo, (cl_platform_id, cl_platform_info, size_t, void *, size_t *))                                              \
  X(cl_int, clGetDeviceIDs, (cl_platform_id, cl_device_type, cl_uint, cl_device_id *, cl_uint *))                                         \
  X(cl_int, clGetDeviceInfo, (cl_device_id, cl_device_info, size_t, void *, size_t *))                                                    \
  X(cl_context, clCreateContext,                                                                                                          \
    (const cl_context_properties *, cl_uint, const cl_device_id *, void (*)(const char *, const void *, size_t, void *), void *,          \
     cl_int *))                                                                                                                           \
  X(cl_int, clReleaseContext, (cl_context))                                                                                               \
  X(cl_command_queue, clCreateCommandQueue, (cl_context, cl_device_id, cl_command_queue_properties, cl_int *))                            \
  X(cl_int, clReleaseCommandQueue, (cl_command_queue))                                                                                    \
  X(cl_program, clCreateProgramWithSource, (cl_context, cl_uint, const char **, const size_t *, cl_int *))                                \
  X(cl_program, clCreateProgramWithBinary,                                                                                                \
    (cl_context, cl_uint, const cl_device_id *, const size_t *, const unsigned char **, cl_int *, cl_int *))                              \
  X(cl_int, clBuildProgram, (cl_program, cl_uint, const cl_device_id *, const char *, void (*)(cl_program, void *), void *))              \
  X(cl_int, clReleaseProgram, (cl_program))                                                                                               \
  X(cl_int, clGetProgramInfo, (cl_program, cl_program_info, size_t, void *, size_t *))                                                    \
  X(cl_int, clGetProgramBuildInfo, (cl_program, cl_device_id, cl_program_build_info, size_t, void *, size_t *))                           \
  X(cl_kernel, clCreateKernel, (cl_program, const char *, cl_int *))                                                                      \
  X(cl_int, clReleaseKernel, (cl_kernel))                                                                                                 \
  X(cl_int, clSetKernelArg, (cl_kernel, cl_uint, size_t, const void *))                                                                   \
  X(cl_int, clGetKernelWorkGroupInfo, (cl_kernel, cl_device_id, cl_kernel_work_group_info, size_t, void *, size_t *))                     \
  X(cl_mem, clCreateBuffer, (cl_context, cl_mem_flags, size_t, void *, cl_int *))                                                         \
  X(cl_mem, clCreateSubBuffer, (cl_mem, cl_mem_flags, cl_buffer_create_type, const void *, cl_int *))                                     \
  X(cl_int, clReleaseMemObject, (cl_mem))                                                                                                 \
  X(cl_int, clEnqueueReadBuffer, (cl_command_queue, cl_mem, cl_bool, size_t, size_t, void *, cl_uint, const cl_event *, cl_event *))      \
  X(cl_int, clEnqueueWriteBuffer,                                                                                                         \
    (cl_command_queue, cl_mem, cl_bool, size_t, size_t, const void *, cl_uint, const cl_event *, cl_event *))                             \
  X(cl_int, clEnqueueCopyBuffer, (cl_command_queue, cl_mem, cl_mem, size_t, size_t, size_t, cl_uint, const cl_event *, cl_event *))       \
  X(cl_int, clEnqueueFillBuffer, (cl_command_queue, cl_mem, const void *, size_t, size_t, size_t, cl_uint, const cl_event *, cl_event *)) \
  X(void *, clEnqueueMapBuffer,                                                                                                           \
    (cl_command_queue, cl_mem, cl_bool, cl_map_flags, size_t, size_t, cl_uint, const cl_event *, cl_event *, cl_int *))                   \
  X(cl_int, clEnqueueUnmapMemObject, (cl_command_queue, cl_mem, void *, cl_uint, const cl_event *, cl_event *))                           \
  X(cl_int, clEnqueueNDRangeKernel,                                                                                                       \
    (cl_command_queue, cl_kernel, cl_uint, const size_t *, const size_t *, const size_t *, cl_uint, const cl_event *, cl_event *))        \
  X(cl_int, clEnqueueMarkerWithWaitList, (cl_command_queue, cl_uint, const cl_event *, cl_event *))                                       \
  X(cl_int, clEnqueueBarrierWithWaitList, (cl_command_queue, cl_uint, const cl_event *, cl_event *))                                      \
  X(cl_int, clFlush, (cl_command_queue))                                                                                                  \
  X(cl_int, clFinish, (cl_command_queue))                                                                                                 \
  X(cl_int, clWaitForEvents, (cl_uint, const cl_event *))                                                                                 \
  X(cl_int, clGetEventInfo, (cl_event, cl_event_info, size_t, void *, size_t *))                                                          \
  X(cl_int, clGetEventProfilingInfo, (cl_event, cl_profiling_info, size_t, void *, size_t *))                                             \
  X(cl_int, clReleaseEvent, (cl_event))

#ifndef ASSAY_CHECK_AGAINST_VENDOR_HEADER
enum {
#define ASSAY_CL_ENUM(name, value) name = value,
  ASSAY_CL_NUMBERS(ASSAY_CL_ENUM) ASSAY_CL_FAILURES(ASSAY_CL_ENUM)
#undef ASSAY_CL_ENUM
};

/* What clCreateSubBuffer takes. */
typedef struct cl_buffer_region {
  size_t origin, size;
} cl_buffer_region;
#endif

#define ASSAY_CL_FIELD(result, name, arguments) result(*name) arguments;
typedef struct assay_cl_table {
  ASSAY_CL_FUNCTIONS(ASSAY_CL_FIELD)
} assay_cl_table;
#undef ASSAY_CL_FIELD

/* The loaded functions; valid once assay_cl_load gave ASSAY_OK. */
extern assay_cl_table assay_cl;
/* ASSAY_ERR_UNSUPPORTED with the cause where there is no loader. The first call loads, later ones answer the same. */
assay_status assay_cl_load(assay_error *err);
/* "CL_OUT_OF_RESOURCES", or NULL for a number without a name here. */
const char *assay_cl_failure_name(cl_int code);
/* Which status a failure of OpenCL is. */
assay_status assay_cl_failure_status(cl_int code);

#endif

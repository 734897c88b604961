/* SPDX-License-Identifier: MIT */
#include "device/cuda/api.h"

#include <pthread.h>
#include <stdio.h>

#include "device/cuda/nvml.h"
#include "os/library.h"

#define NAME(result, name, arguments) #name,

assay_cu_table assay_cu;
assay_cu_newer_table assay_cu_newer;
assay_nvrtc_table assay_nvrtc;
assay_nvml_table assay_nvml;

static assay_status same_failure(const assay_error *failure, assay_error *err) {
  if (failure->status == ASSAY_OK) return ASSAY_OK;
  return assay_error_set(err, failure->status, failure->file, failure->line, "%s", failure->message);
}

/* ---- The driver ------------------------------------------------------------------------------------------------------------ */

static pthread_once_t driver_once = PTHREAD_ONCE_INIT;
static assay_error driver_failure;

static void load_driver(void) {
  static const char *const names[] = {"libcuda.so.1", "libcuda.so", NULL};
  static const char *const symbols[] = {ASSAY_CU_FUNCTIONS(NAME) NULL}, *const newer[] = {ASSAY_CU_NEWER_FUNCTIONS(NAME) NULL};
  if (assay_library_load(names, symbols, (void **)&assay_cu, "CUDA", "libcuda1 (NVIDIA's driver)", &driver_failure) != ASSAY_OK) return;
  (void)assay_library_load(names, newer, (void **)&assay_cu_newer, "starting kernels early", "libcuda1", NULL);
  CUresult code = assay_cu.cuInit(0);
  if (code == CUDA_SUCCESS) return;
  const char *name = NULL, *text = NULL;
  assay_cu.cuGetErrorName(code, &name);
  assay_cu.cuGetErrorString(code, &text);
  ASSAY_FAIL(&driver_failure, ASSAY_ERR_UNSUPPORTED, "CUDA's driver is installed but does not start: cuInit gave %s (%s)",
             name != NULL ? name : "an error without a name", text != NULL ? text : "no text");
}

assay_status assay_cu_load(assay_error *err) {
  pthread_once(&driver_once, load_driver);
  return same_failure(&driver_failure, err);
}

assay_status assay_cu_failure_status(CUresult code) {
  switch (code) {
    case CUDA_SUCCESS: return ASSAY_OK;
    case CUDA_ERROR_OUT_OF_MEMORY: return ASSAY_ERR_NO_MEMORY;
    case CUDA_ERROR_INVALID_VALUE: return ASSAY_ERR_INVALID;
    case CUDA_ERROR_NOT_READY: return ASSAY_ERR_BUSY;
    case CUDA_ERROR_NOT_FOUND: return ASSAY_ERR_NOT_FOUND;
    case CUDA_ERROR_INVALID_HANDLE: return ASSAY_ERR_INTERNAL;
    case CUDA_ERROR_NO_DEVICE:
    case CUDA_ERROR_DEVICE_UNAVAILABLE:
    case CUDA_ERROR_STUB_LIBRARY:
    case CUDA_ERROR_NO_BINARY_FOR_GPU:
    case CUDA_ERROR_INVALID_IMAGE:
    case CUDA_ERROR_UNSUPPORTED_LIMIT:
    case CUDA_ERROR_INVALID_PTX:
    case CUDA_ERROR_JIT_COMPILER_NOT_FOUND:
    case CUDA_ERROR_UNSUPPORTED_PTX_VERSION:
    case CUDA_ERROR_JIT_COMPILATION_DISABLED:
    case CUDA_ERROR_UNSUPPORTED_EXEC_AFFINITY:
    case CUDA_ERROR_UNSUPPORTED_DEVSIDE_SYNC:
    case CUDA_ERROR_NOT_PERMITTED:
    case CUDA_ERROR_NOT_SUPPORTED:
    case CUDA_ERROR_SYSTEM_NOT_READY:
    case CUDA_ERROR_SYSTEM_DRIVER_MISMATCH:
    case CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE:
    case CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES: return ASSAY_ERR_UNSUPPORTED;
    /* The rest is a fault of a kernel, of the device or of its memory; each leaves the context unusable for good. */
    default: return ASSAY_ERR_LOST;
  }
}

assay_status assay_cu_fail(assay_error *err, CUresult code, const char *device, const char *what) {
  const char *name = NULL, *text = NULL;
  assay_cu.cuGetErrorName(code, &name);
  assay_cu.cuGetErrorString(code, &text);
  char number[32];
  snprintf(number, sizeof number, "error %d", code);
  return ASSAY_FAIL(err, assay_cu_failure_status(code), "%s failed on %s: %s (%s)", what, device, name != NULL ? name : number,
                    text != NULL ? text : "no text");
}

/* ---- The run-time compiler ------------------------------------------------------------------------------------------------- */

static pthread_once_t nvrtc_once = PTHREAD_ONCE_INIT;
static assay_error nvrtc_failure;

static void load_nvrtc(void) {
  static const char *const names[] = {
      "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so", "/usr/local/cuda/lib64/libnvrtc.so", NULL};
  static const char *const symbols[] = {ASSAY_NVRTC_FUNCTIONS(NAME) NULL};
  assay_library_load(names, symbols, (void **)&assay_nvrtc, "compiling CUDA kernels at run time", "libnvrtc12 (or NVIDIA's own cuda-nvrtc)",
                     &nvrtc_failure);
}

assay_status assay_nvrtc_load(assay_error *err) {
  pthread_once(&nvrtc_once, load_nvrtc);
  return same_failure(&nvrtc_failure, err);
}

/* ---- The management library ------------------------------------------------------------------------------------------------ */

static pthread_once_t nvml_once = PTHREAD_ONCE_INIT;
static assay_error nvml_failure;

static void load_nvml(void) {
  static const char *const names[] = {"libnvidia-ml.so.1", "libnvidia-ml.so", NULL};
  static const char *const symbols[] = {ASSAY_NVML_FUNCTIONS(NAME) NULL};
  if (assay_library_load(names, symbols, (void **)&assay_nvml, "a GPU's temperature, power and clocks", "libnvidia-ml1", &nvml_failure) !=
      ASSAY_OK)
    return;
  nvmlReturn_t code = assay_nvml.nvmlInit_v2();
  if (code != NVML_SUCCESS)
    ASSAY_FAIL(&nvml_failure, ASSAY_ERR_UNSUPPORTED, "NVML is installed but does not start: %s", assay_nvml.nvmlErrorString(code));
}

assay_status assay_nvml_load(assay_error *err) {
  pthread_once(&nvml_once, load_nvml);
  return same_failure(&nvml_failure, err);
}

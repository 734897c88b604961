/* SPDX-License-Identifier: MIT */
#include "device/cuda/module.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "device/binary_cache.h"

/* ---- NVRTC -------------------------------------------------------------------------------------------------------------------- */

enum { OPTION_COUNT = 6, OPTION_SIZE = 40 };

/* What keeps the bits: nothing is fused but FMA, nothing flushed, division and root correctly rounded. nvcc gets the same
 * (src/kernels/embedded/meson.build). */
static void options_of(const assay_cu_target *target, unsigned bits, char options[OPTION_COUNT][OPTION_SIZE]) {
  snprintf(options[0], OPTION_SIZE, "--gpu-architecture=sm_%d%d", target->major, target->minor);
  snprintf(options[1], OPTION_SIZE, "-DREAL_BITS=%u", bits);
  snprintf(options[2], OPTION_SIZE, "--fmad=false");
  snprintf(options[3], OPTION_SIZE, "--ftz=false");
  snprintf(options[4], OPTION_SIZE, "--prec-div=true");
  snprintf(options[5], OPTION_SIZE, "--prec-sqrt=true");
}

static uint64_t key_of(const assay_embedded *file, char options[OPTION_COUNT][OPTION_SIZE]) {
  int version[2] = {0, 0};
  assay_nvrtc.nvrtcVersion(&version[0], &version[1]);
  uint64_t hash = assay_hash(assay_embedded_hash(file), version, sizeof version);
  for (int i = 0; i < OPTION_COUNT; i++) hash = assay_hash(hash, options[i], strlen(options[i]) + 1);
  return hash;
}

static assay_status compile_failure(nvrtcProgram program, nvrtcResult code, const assay_cu_target *target, const assay_embedded *file,
                                    unsigned bits, assay_error *err) {
  size_t length = 0;
  char *log = NULL;
  if (assay_nvrtc.nvrtcGetProgramLogSize(program, &length) == 0) log = assay_calloc(ASSAY_TAG_DEVICE, length + 1, 1);
  if (log != NULL) assay_nvrtc.nvrtcGetProgramLog(program, log);
  for (char *c = log; c != NULL && *c != '\0'; c++) {
    if (*c == '\n') *c = ' ';
  }
  assay_status status =
      ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "NVRTC refused %s in %u bits for sm_%d%d (%s): %s", file->file, bits, target->major,
                 target->minor, assay_nvrtc.nvrtcGetErrorString(code), log != NULL && log[0] != '\0' ? log : "its log is empty");
  assay_free(log);
  return status;
}

static assay_status machine_code(nvrtcProgram program, const assay_embedded *file, assay_error *err, char **cubin, size_t *length) {
  size_t size = 0;
  nvrtcResult code = assay_nvrtc.nvrtcGetCUBINSize(program, &size);
  char *data = code == 0 ? assay_alloc(ASSAY_TAG_DEVICE, size) : NULL;
  if (code == 0 && data == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the machine code of %s", file->file);
  if (code == 0) code = assay_nvrtc.nvrtcGetCUBIN(program, data);
  if (code != 0) {
    assay_free(data);
    return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "NVRTC gives no machine code of %s: %s", file->file,
                      assay_nvrtc.nvrtcGetErrorString(code));
  }
  *cubin = data;
  *length = size;
  return ASSAY_OK;
}

static assay_status compile(const assay_cu_target *target, const assay_embedded *file, unsigned bits,
                            char options[OPTION_COUNT][OPTION_SIZE], assay_error *err, char **cubin, size_t *length) {
  const char *list[OPTION_COUNT];
  for (int i = 0; i < OPTION_COUNT; i++) list[i] = options[i];
  char *source = assay_embedded_source(file);
  if (source == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the source of %s", file->file);
  nvrtcProgram program = NULL;
  nvrtcResult code = assay_nvrtc.nvrtcCreateProgram(&program, source, file->file, 0, NULL, NULL);
  assay_free(source);
  if (code != 0) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "NVRTC takes no source: %s", assay_nvrtc.nvrtcGetErrorString(code));
  code = assay_nvrtc.nvrtcCompileProgram(program, OPTION_COUNT, list);
  assay_status status =
      code != 0 ? compile_failure(program, code, target, file, bits, err) : machine_code(program, file, err, cubin, length);
  assay_nvrtc.nvrtcDestroyProgram(&program);
  return status;
}

assay_status assay_cu_compile(const assay_cu_target *target, const assay_embedded *file, unsigned bits, assay_error *err, char **cubin,
                              size_t *length) {
  assay_status status = assay_nvrtc_load(err);
  if (status != ASSAY_OK) return status;
  char options[OPTION_COUNT][OPTION_SIZE];
  options_of(target, bits, options);
  uint64_t key = key_of(file, options);
  if (assay_binary_cache_load("cuda", key, cubin, length)) return ASSAY_OK;
  status = compile(target, file, bits, options, err, cubin, length);
  if (status == ASSAY_OK) assay_binary_cache_store("cuda", key, *cubin, *length);
  return status;
}

/* ---- Modules ------------------------------------------------------------------------------------------------------------------ */

/* Neither machine code nor PTX in it that this device or driver takes (its own compiler of PTX may be missing or switched off): NVRTC's
 * machine code may still do. */
static bool is_foreign(CUresult code) {
  return code == CUDA_ERROR_NO_BINARY_FOR_GPU || code == CUDA_ERROR_INVALID_IMAGE || code == CUDA_ERROR_INVALID_PTX ||
         code == CUDA_ERROR_UNSUPPORTED_PTX_VERSION || code == CUDA_ERROR_JIT_COMPILER_NOT_FOUND ||
         code == CUDA_ERROR_JIT_COMPILATION_DISABLED;
}

static assay_status load_image(const assay_cu_target *target, const assay_embedded *file, const void *image, assay_error *err,
                               CUmodule *module) {
  CUresult code = assay_cu.cuModuleLoadDataEx(module, image, 0, NULL, NULL);
  if (code == CUDA_SUCCESS) return ASSAY_OK;
  char what[128];
  snprintf(what, sizeof what, "loading the kernels of %s", file->file);
  return assay_cu_fail(err, code, target->name, what);
}

assay_status assay_cu_module_load(const assay_cu_target *target, const assay_embedded *file, unsigned bits, assay_error *err,
                                  CUmodule *module) {
  const assay_embedded_binary *fatbin = &file->fatbin[bits == 64];
  CUresult code = CUDA_ERROR_NO_BINARY_FOR_GPU;
  if (fatbin->data != NULL) code = assay_cu.cuModuleLoadDataEx(module, fatbin->data, 0, NULL, NULL);
  if (code == CUDA_SUCCESS) return ASSAY_OK;
  if (!is_foreign(code)) return assay_cu_fail(err, code, target->name, "loading the kernels that this program brings");

  char *cubin = NULL;
  size_t length = 0;
  assay_error why = {0};
  assay_status status = assay_cu_compile(target, file, bits, &why, &cubin, &length);
  if (status != ASSAY_OK)
    return ASSAY_FAIL(
        err, status, "%s for %s (compute capability %d.%d), and %s",
        fatbin->data != NULL ? "this program brings no kernels" : "this program was built without nvcc, so it brings no kernels",
        target->name, target->major, target->minor, why.message);
  status = load_image(target, file, cubin, err, module);
  assay_free(cubin);
  return status;
}

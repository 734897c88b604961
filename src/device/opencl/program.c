/* SPDX-License-Identifier: MIT */
#include "device/opencl/program.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "device/binary_cache.h"

assay_status assay_cl_fail(assay_error *err, cl_int code, const char *device, const char *what) {
  const char *name = assay_cl_failure_name(code);
  if (name != NULL) return ASSAY_FAIL(err, assay_cl_failure_status(code), "%s failed on %s: %s", what, device, name);
  return ASSAY_FAIL(err, assay_cl_failure_status(code), "%s failed on %s: OpenCL error %d", what, device, (int)code);
}

/* ---- Facts ----------------------------------------------------------------------------------------------------------------- */

static void get_text(cl_device_id device, cl_device_info what, char *text, size_t size) {
  if (assay_cl.clGetDeviceInfo(device, what, size, text, NULL) != CL_SUCCESS) text[0] = '\0';
  text[size - 1] = '\0';
}

/* The largest numbers are asked for as 64 bits; what the driver writes less of stays zero above (little-endian, as all hosts here). */
static cl_ulong get_number(cl_device_id device, cl_device_info what) {
  cl_ulong number = 0;
  return assay_cl.clGetDeviceInfo(device, what, sizeof number, &number, NULL) == CL_SUCCESS ? number : 0;
}

/* What the dialect needs to give the same bits as everywhere: each would fail silently otherwise. */
static bool find_lack(cl_device_id device, char *lacks, size_t size) {
  cl_ulong single = get_number(device, CL_DEVICE_SINGLE_FP_CONFIG), both = get_number(device, CL_DEVICE_DOUBLE_FP_CONFIG);
  const char *lack = NULL;
  if (get_number(device, CL_DEVICE_COMPILER_AVAILABLE) == 0)
    lack = "a compiler in its driver";
  else if (both == 0)
    lack = "double precision (cl_khr_fp64), which sums are made in";
  else if ((single & CL_FP_FMA) == 0)
    lack = "fused multiply-add in single precision";
  else if ((single & CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT) == 0)
    lack = "correctly rounded division and square root in single precision";
  else if ((single & CL_FP_DENORM) == 0)
    lack = "denormal numbers in single precision";
  snprintf(lacks, size, "%s", lack != NULL ? lack : "");
  return lack != NULL;
}

assay_status assay_cl_get_facts(cl_platform_id platform, cl_device_id device, assay_error *err, assay_cl_facts *facts) {
  assay_cl_facts f = {0};
  cl_int code = assay_cl.clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof f.platform, f.platform, NULL);
  if (code != CL_SUCCESS) return assay_cl_fail(err, code, "an OpenCL platform", "asking for its name");
  get_text(device, CL_DEVICE_NAME, f.name, sizeof f.name);
  get_text(device, CL_DEVICE_VENDOR, f.vendor, sizeof f.vendor);
  get_text(device, CL_DRIVER_VERSION, f.driver, sizeof f.driver);
  get_text(device, CL_DEVICE_VERSION, f.version, sizeof f.version);
  cl_ulong type = get_number(device, CL_DEVICE_TYPE);
  f.cpu = (type & CL_DEVICE_TYPE_CPU) != 0;
  f.gpu = (type & CL_DEVICE_TYPE_GPU) != 0;
  f.compute_units = (cl_uint)get_number(device, CL_DEVICE_MAX_COMPUTE_UNITS);
  f.float_lanes = (cl_uint)get_number(device, CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT);
  f.clock_mhz = (cl_uint)get_number(device, CL_DEVICE_MAX_CLOCK_FREQUENCY);
  f.align_bytes = (cl_uint)get_number(device, CL_DEVICE_MEM_BASE_ADDR_ALIGN) / 8;
  f.memory_bytes = get_number(device, CL_DEVICE_GLOBAL_MEM_SIZE);
  f.largest_bytes = get_number(device, CL_DEVICE_MAX_MEM_ALLOC_SIZE);
  f.local_bytes = get_number(device, CL_DEVICE_LOCAL_MEM_SIZE);
  f.group_items = (size_t)get_number(device, CL_DEVICE_MAX_WORK_GROUP_SIZE);
  f.same_bits = !find_lack(device, f.lacks, sizeof f.lacks);
  *facts = f;
  return ASSAY_OK;
}

/* ---- Building -------------------------------------------------------------------------------------------------------------- */

/* On a processor a work-item does a whole group in lanes; the compiler's warnings are for us, not for the user (-w). */
static void options_of(const assay_cl_facts *facts, unsigned bits, char *options, size_t size) {
  snprintf(options, size, "-w -cl-std=CL1.2 -cl-fp32-correctly-rounded-divide-sqrt -DREAL_BITS=%u%s", bits,
           !facts->cpu                ? ""
           : facts->float_lanes >= 16 ? " -DASSAY_OPENCL_LANES=16"
                                      : " -DASSAY_OPENCL_LANES=8");
}

static uint64_t key_of(const assay_cl_facts *facts, const assay_embedded *file, const char *options) {
  uint64_t hash = assay_embedded_hash(file);
  const char *const texts[] = {facts->platform, facts->name, facts->vendor, facts->driver, facts->version, options};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) hash = assay_hash(hash, texts[i], strlen(texts[i]) + 1);
  return hash;
}

static cl_program from_cache(cl_context context, cl_device_id device, uint64_t key, const char *options) {
  char *data = NULL;
  size_t length = 0;
  if (!assay_binary_cache_load("opencl", key, &data, &length)) return NULL;
  const unsigned char *binary = (const unsigned char *)data;
  cl_int loaded = CL_SUCCESS, code = CL_SUCCESS;
  cl_program program = assay_cl.clCreateProgramWithBinary(context, 1, &device, &length, &binary, &loaded, &code);
  assay_free(data);
  if (code != CL_SUCCESS) return NULL;
  if (loaded == CL_SUCCESS && assay_cl.clBuildProgram(program, 1, &device, options, NULL, NULL) == CL_SUCCESS) return program;
  assay_cl.clReleaseProgram(program);
  return NULL;
}

static void to_cache(cl_program program, uint64_t key) {
  size_t length = 0;
  if (assay_cl.clGetProgramInfo(program, CL_PROGRAM_BINARY_SIZES, sizeof length, &length, NULL) != CL_SUCCESS || length == 0) return;
  unsigned char *binary = assay_alloc(ASSAY_TAG_DEVICE, length);
  if (binary == NULL) return;
  if (assay_cl.clGetProgramInfo(program, CL_PROGRAM_BINARIES, sizeof binary, &binary, NULL) == CL_SUCCESS)
    assay_binary_cache_store("opencl", key, binary, length);
  assay_free(binary);
}

/* The compiler's first lines fit into the error's sentence; where they do not, the start is what names the place. */
static assay_status build_failure(cl_program program, cl_device_id device, const assay_cl_facts *facts, const assay_embedded *file,
                                  unsigned bits, cl_int code, assay_error *err) {
  size_t length = 0;
  char *log = NULL;
  if (assay_cl.clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, 0, NULL, &length) == CL_SUCCESS)
    log = assay_calloc(ASSAY_TAG_DEVICE, length + 1, 1);
  if (log != NULL) assay_cl.clGetProgramBuildInfo(program, device, CL_PROGRAM_BUILD_LOG, length, log, NULL);
  for (char *c = log; c != NULL && *c != '\0'; c++) {
    if (*c == '\n') *c = ' ';
  }
  const char *name = assay_cl_failure_name(code);
  assay_status status =
      ASSAY_FAIL(err, code == CL_BUILD_PROGRAM_FAILURE ? ASSAY_ERR_UNSUPPORTED : assay_cl_failure_status(code),
                 "the compiler of %s (%s, %s) refused %s in %u bits (%s): %s", facts->name, facts->platform, facts->driver, file->file,
                 bits, name != NULL ? name : "no known error", log != NULL && log[0] != '\0' ? log : "its log is empty");
  assay_free(log);
  return status;
}

static assay_status from_source(cl_context context, cl_device_id device, const assay_cl_facts *facts, const assay_embedded *file,
                                unsigned bits, const char *options, assay_error *err, cl_program *program) {
  cl_uint count = 0;
  while (file->parts[count] != NULL) count++;
  const char **parts = assay_calloc(ASSAY_TAG_DEVICE, count, sizeof *parts);
  if (parts == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for the source of %s", file->file);
  memcpy(parts, file->parts, count * sizeof *parts);
  cl_int code = CL_SUCCESS;
  cl_program made = assay_cl.clCreateProgramWithSource(context, count, parts, NULL, &code);
  assay_free(parts);
  if (code != CL_SUCCESS) return assay_cl_fail(err, code, facts->name, "making a program of a source");
  code = assay_cl.clBuildProgram(made, 1, &device, options, NULL, NULL);
  if (code != CL_SUCCESS) {
    assay_status status = build_failure(made, device, facts, file, bits, code, err);
    assay_cl.clReleaseProgram(made);
    return status;
  }
  *program = made;
  return ASSAY_OK;
}

assay_status assay_cl_build(cl_context context, cl_device_id device, const assay_cl_facts *facts, const assay_embedded *file, unsigned bits,
                            assay_error *err, cl_program *program) {
  char options[200];
  options_of(facts, bits, options, sizeof options);
  uint64_t key = key_of(facts, file, options);
  cl_program made = from_cache(context, device, key, options);
  if (made == NULL) {
    assay_status status = from_source(context, device, facts, file, bits, options, err, &made);
    if (status != ASSAY_OK) return status;
    to_cache(made, key);
  }
  *program = made;
  return ASSAY_OK;
}

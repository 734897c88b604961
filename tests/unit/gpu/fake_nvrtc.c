/* SPDX-License-Identifier: MIT */
/* An NVRTC beside the driver of fake_cuda.c (the real one looks into the driver): it compiles anything to a few bytes, provided that it is
 * told to keep the bits. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "device/cuda/api.h"

#define FUNCTION(result, name, arguments)                       \
  __attribute__((visibility("default"))) result name arguments; \
  result name arguments

static const char cubin[] = "\177ELF made by nobody";

FUNCTION(nvrtcResult, nvrtcVersion, (int *major, int *minor)) {
  *major = 99;
  *minor = 0;
  return 0;
}
FUNCTION(const char *, nvrtcGetErrorString, (nvrtcResult code)) { return code == 0 ? "fine" : "refused"; }
FUNCTION(nvrtcResult, nvrtcCreateProgram,
         (nvrtcProgram * program, const char *source, const char *name, int count, const char *const *headers, const char *const *names)) {
  (void)headers, (void)names;
  *program = malloc(1);
  return source != NULL && name != NULL && count == 0 ? 0 : 1;
}
FUNCTION(nvrtcResult, nvrtcDestroyProgram, (nvrtcProgram * program)) {
  free(*program);
  return 0;
}
FUNCTION(nvrtcResult, nvrtcCompileProgram, (nvrtcProgram program, int count, const char *const *options)) {
  (void)program;
  bool unfused = false, bits = false;
  for (int i = 0; i < count; i++) {
    unfused |= strcmp(options[i], "--fmad=false") == 0;
    bits |= strncmp(options[i], "-DREAL_BITS=", 12) == 0;
  }
  return unfused && bits ? 0 : 6;
}
FUNCTION(nvrtcResult, nvrtcGetCUBINSize, (nvrtcProgram program, size_t *size)) {
  (void)program;
  *size = sizeof cubin;
  return 0;
}
FUNCTION(nvrtcResult, nvrtcGetCUBIN, (nvrtcProgram program, char *out)) {
  (void)program;
  memcpy(out, cubin, sizeof cubin);
  return 0;
}
FUNCTION(nvrtcResult, nvrtcGetProgramLogSize, (nvrtcProgram program, size_t *size)) {
  (void)program;
  *size = 1;
  return 0;
}
FUNCTION(nvrtcResult, nvrtcGetProgramLog, (nvrtcProgram program, char *out)) {
  (void)program;
  *out = '\0';
  return 0;
}

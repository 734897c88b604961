/* SPDX-License-Identifier: MIT */
/*
 * Instruction sets that a program can use here. On x86 that takes three: the CPU has it (CPUID), and the system saves its registers
 * (XGETBV), on every CPU. Captures of other tools hold no CPUID; there the kernel's list in /proc/cpuinfo says the same, since it drops
 * what it does not support.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "machine/component.h"
#include "machine/lines.h"

/* Register state in XCR0 (Intel SDM vol. 1, 13.3). */
enum { STATE_NONE = 0, STATE_AVX = 0x6, STATE_AVX512 = 0xe6, STATE_AMX = 0x60000 };
enum { EAX, EBX, ECX, EDX };

/* Names are the kernel's, places are Intel SDM vol. 2 (CPUID) and AMD APM vol. 3, appendix E. */
static const struct {
  const char *name;
  unsigned leaf, subleaf, reg, bit, state;
} x86_features[] = {
    {"sse", 1, 0, EDX, 25, STATE_NONE},
    {"sse2", 1, 0, EDX, 26, STATE_NONE},
    {"pni", 1, 0, ECX, 0, STATE_NONE},
    {"ssse3", 1, 0, ECX, 9, STATE_NONE},
    {"sse4_1", 1, 0, ECX, 19, STATE_NONE},
    {"sse4_2", 1, 0, ECX, 20, STATE_NONE},
    {"sse4a", 0x80000001, 0, ECX, 6, STATE_NONE},
    {"cx16", 1, 0, ECX, 13, STATE_NONE},
    {"lahf_lm", 0x80000001, 0, ECX, 0, STATE_NONE},
    {"popcnt", 1, 0, ECX, 23, STATE_NONE},
    {"movbe", 1, 0, ECX, 22, STATE_NONE},
    {"abm", 0x80000001, 0, ECX, 5, STATE_NONE},
    {"bmi1", 7, 0, EBX, 3, STATE_NONE},
    {"bmi2", 7, 0, EBX, 8, STATE_NONE},
    {"adx", 7, 0, EBX, 19, STATE_NONE},
    {"erms", 7, 0, EBX, 9, STATE_NONE},
    {"fsrm", 7, 0, EDX, 4, STATE_NONE},
    {"rdrand", 1, 0, ECX, 30, STATE_NONE},
    {"rdseed", 7, 0, EBX, 18, STATE_NONE},
    {"aes", 1, 0, ECX, 25, STATE_NONE},
    {"pclmulqdq", 1, 0, ECX, 1, STATE_NONE},
    {"sha_ni", 7, 0, EBX, 29, STATE_NONE},
    {"gfni", 7, 0, ECX, 8, STATE_NONE},
    {"avx", 1, 0, ECX, 28, STATE_AVX},
    {"f16c", 1, 0, ECX, 29, STATE_AVX},
    {"fma", 1, 0, ECX, 12, STATE_AVX},
    {"fma4", 0x80000001, 0, ECX, 16, STATE_AVX},
    {"xop", 0x80000001, 0, ECX, 11, STATE_AVX},
    {"avx2", 7, 0, EBX, 5, STATE_AVX},
    {"vaes", 7, 0, ECX, 9, STATE_AVX},
    {"vpclmulqdq", 7, 0, ECX, 10, STATE_AVX},
    {"avx_vnni", 7, 1, EAX, 4, STATE_AVX},
    {"avx_ifma", 7, 1, EAX, 23, STATE_AVX},
    {"avx_vnni_int8", 7, 1, EDX, 4, STATE_AVX},
    {"avx_ne_convert", 7, 1, EDX, 5, STATE_AVX},
    {"avx_vnni_int16", 7, 1, EDX, 10, STATE_AVX},
    {"avx512f", 7, 0, EBX, 16, STATE_AVX512},
    {"avx512cd", 7, 0, EBX, 28, STATE_AVX512},
    {"avx512bw", 7, 0, EBX, 30, STATE_AVX512},
    {"avx512dq", 7, 0, EBX, 17, STATE_AVX512},
    {"avx512vl", 7, 0, EBX, 31, STATE_AVX512},
    {"avx512ifma", 7, 0, EBX, 21, STATE_AVX512},
    {"avx512vbmi", 7, 0, ECX, 1, STATE_AVX512},
    {"avx512_vbmi2", 7, 0, ECX, 6, STATE_AVX512},
    {"avx512_vnni", 7, 0, ECX, 11, STATE_AVX512},
    {"avx512_bitalg", 7, 0, ECX, 12, STATE_AVX512},
    {"avx512_vpopcntdq", 7, 0, ECX, 14, STATE_AVX512},
    {"avx512_vp2intersect", 7, 0, EDX, 8, STATE_AVX512},
    {"avx512_bf16", 7, 1, EAX, 5, STATE_AVX512},
    {"avx512_fp16", 7, 0, EDX, 23, STATE_AVX512},
    {"amx_tile", 7, 0, EDX, 24, STATE_AMX},
    {"amx_int8", 7, 0, EDX, 25, STATE_AMX},
    {"amx_bf16", 7, 0, EDX, 22, STATE_AMX},
    {"amx_fp16", 7, 1, EAX, 21, STATE_AMX},
};

static bool cpuid_register(assay_context *context, const char *cpuid, unsigned leaf, unsigned subleaf, unsigned reg, unsigned *value) {
  char key[40];
  snprintf(key, sizeof key, "leaf %x.%x", leaf, subleaf);
  const char *line = assay_lines_value(context->arena, cpuid, key);
  unsigned values[4];
  if (line == NULL || sscanf(line, "%8x %8x %8x %8x", &values[0], &values[1], &values[2], &values[3]) != 4) return false;
  *value = values[reg];
  return true;
}

static bool usable(assay_context *context, const char *cpuid, size_t i) {
  unsigned value;
  if (!cpuid_register(context, cpuid, x86_features[i].leaf, x86_features[i].subleaf, x86_features[i].reg, &value)) return false;
  if ((value >> x86_features[i].bit & 1) == 0) return false;
  const char *xcr0 = assay_lines_value(context->arena, cpuid, "xcr0");
  uint64_t state = xcr0 != NULL ? strtoull(xcr0, NULL, 16) : 0;
  return (state & x86_features[i].state) == x86_features[i].state;
}

static const char *finish_list(assay_context *context, assay_buf *list) {
  const char *text = assay_arena_strdup(context->arena, list->data != NULL ? list->data : "");
  assay_buf_deinit(list);
  return text;
}

static const char *features_from_cpuid(assay_context *context, const char *cpuid) {
  assay_buf list = {0};
  for (size_t i = 0; i < sizeof x86_features / sizeof *x86_features; i++) {
    if (usable(context, cpuid, i)) assay_buf_printf(&list, "%s%s", list.length > 0 ? " " : "", x86_features[i].name);
  }
  return finish_list(context, &list);
}

/* The same names in the same order, from the kernel's flags. */
static const char *features_from_flags(assay_context *context, const char *flags) {
  assay_buf list = {0};
  for (size_t i = 0; i < sizeof x86_features / sizeof *x86_features; i++) {
    if (assay_words_have(flags, x86_features[i].name)) assay_buf_printf(&list, "%s%s", list.length > 0 ? " " : "", x86_features[i].name);
  }
  return finish_list(context, &list);
}

static bool have_all(const char *list, const char *const *names) {
  for (; *names != NULL; names++) {
    if (!assay_words_have(list, *names)) return false;
  }
  return true;
}

/* The levels of the x86-64 psABI, section 3.1.1. */
static const char *x86_level(const char *list) {
  static const char *const v2[] = {"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3", NULL};
  static const char *const v3[] = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", NULL};
  static const char *const v4[] = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", NULL};
  if (!have_all(list, v2)) return "x86-64-v1";
  if (!have_all(list, v3)) return "x86-64-v2";
  return have_all(list, v4) ? "x86-64-v4" : "x86-64-v3";
}

static void put_common(assay_context *context, const char *list, bool fp16, bool bf16, bool int8_dot) {
  assay_put_text(context, list, NULL, "isa.features");
  assay_put_bool(context, fp16, "isa.fp16");
  assay_put_bool(context, bf16, "isa.bf16");
  assay_put_bool(context, int8_dot, "isa.int8_dot");
}

static const char *const x86_booleans[] = {"sse4_2",      "avx",      "avx2",     "fma",      "f16c",        "avx512f",
                                           "avx512bw",    "avx512dq", "avx512vl", "avx_vnni", "avx512_vnni", "avx512_bf16",
                                           "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16"};
static const struct {
  const char *name, *word;
} arm_booleans[] = {{"neon", "asimd"}, {"sve", "sve"}, {"sve2", "sve2"}, {"sme", "sme"}, {"dotprod", "asimddp"}, {"i8mm", "i8mm"}};

static void put_x86(assay_context *context, const char *list) {
  put_common(context, list, assay_words_have(list, "avx512_fp16") || assay_words_have(list, "amx_fp16"),
             assay_words_have(list, "avx512_bf16") || assay_words_have(list, "amx_bf16"),
             assay_words_have(list, "avx512_vnni") || assay_words_have(list, "avx_vnni") || assay_words_have(list, "amx_int8"));
  assay_put_text(context, x86_level(list), NULL, "isa.level");
  assay_put_integer(context, assay_words_have(list, "avx512f") ? 512 : assay_words_have(list, "avx") ? 256 : 128, "isa.vector_bits");
  for (size_t i = 0; i < sizeof x86_booleans / sizeof *x86_booleans; i++)
    assay_put_bool(context, assay_words_have(list, x86_booleans[i]), "isa.%s", x86_booleans[i]);
  for (size_t i = 0; i < sizeof arm_booleans / sizeof *arm_booleans; i++) assay_put_bool(context, false, "isa.%s", arm_booleans[i].name);
}

static void put_arm_vector_bits(assay_context *context, const char *list, bool neon) {
  const char *cause = NULL;
  uint64_t bytes;
  if (!assay_words_have(list, "sve")) {
    if (neon)
      assay_put_integer(context, 128, "isa.vector_bits");
    else
      assay_put_unavailable(context, "this CPU has no vector registers", "isa.vector_bits");
  } else if (assay_source_u64(context->source, context->arena, &cause, &bytes, "/proc/sys/abi/sve_default_vector_length") && bytes <= 256) {
    assay_put_integer(context, (int64_t)bytes * 8, "isa.vector_bits");
  } else {
    assay_put_unavailable(context, cause, "isa.vector_bits");
  }
}

static void put_arm(assay_context *context, const char *list) {
  put_common(context, list, assay_words_have(list, "asimdhp"), assay_words_have(list, "bf16"), assay_words_have(list, "asimddp"));
  assay_put_unavailable(context, "levels are defined for x86-64 only", "isa.level");
  for (size_t i = 0; i < sizeof arm_booleans / sizeof *arm_booleans; i++) {
    bool has = assay_words_have(list, arm_booleans[i].word) || (i == 0 && assay_words_have(list, "neon"));
    assay_put_bool(context, has, "isa.%s", arm_booleans[i].name);
  }
  put_arm_vector_bits(context, list, assay_words_have(list, "asimd") || assay_words_have(list, "neon"));
  for (size_t i = 0; i < sizeof x86_booleans / sizeof *x86_booleans; i++) assay_put_bool(context, false, "isa.%s", x86_booleans[i]);
}

static void put_unknown(assay_context *context, const char *cause) {
  static const char *const keys[] = {"isa.features", "isa.fp16", "isa.bf16", "isa.int8_dot", "isa.level", "isa.vector_bits"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) assay_put_unavailable(context, cause, "%s", keys[i]);
  for (size_t i = 0; i < sizeof x86_booleans / sizeof *x86_booleans; i++) assay_put_unavailable(context, cause, "isa.%s", x86_booleans[i]);
  for (size_t i = 0; i < sizeof arm_booleans / sizeof *arm_booleans; i++)
    assay_put_unavailable(context, cause, "isa.%s", arm_booleans[i].name);
}

void assay_discover_isa(assay_context *context) {
  const char *cause = NULL;
  const char *cpuid = assay_source_read(context->source, context->arena, NULL, "/assay/cpuid");
  const char *cpuinfo = assay_source_read(context->source, context->arena, &cause, "/proc/cpuinfo");
  const char *flags = assay_lines_common_words(context->arena, cpuinfo, "flags");
  const char *arm = assay_lines_common_words(context->arena, cpuinfo, "Features");
  const char *other = assay_lines_common_words(context->arena, cpuinfo, "isa");
  if (other == NULL) other = assay_lines_common_words(context->arena, cpuinfo, "features");
  if (cpuid != NULL) {
    put_x86(context, features_from_cpuid(context, cpuid));
  } else if (flags != NULL && assay_words_have(flags, "fpu")) {
    put_x86(context, features_from_flags(context, flags));
  } else if (arm != NULL) {
    put_arm(context, arm);
  } else {
    if (other != NULL) assay_put_text(context, other, NULL, "isa.features");
    put_unknown(context, cpuinfo == NULL ? cause : "/proc/cpuinfo lists no features");
  }
}

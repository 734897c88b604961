/* SPDX-License-Identifier: MIT */
/* Who made the CPU and what it is called, from /proc/cpuinfo of every architecture that Linux prints it for. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "machine/component.h"
#include "machine/lines.h"

/* Arm's MIDR_EL1: implementer codes of the Arm Architecture Reference Manual. */
static const struct {
  unsigned code;
  const char *name;
} arm_implementers[] = {
    {0x41, "ARM"},       {0x42, "Broadcom"},  {0x43, "Cavium"},   {0x44, "DEC"},    {0x46, "Fujitsu"},
    {0x48, "HiSilicon"}, {0x49, "Infineon"},  {0x4d, "Motorola"}, {0x4e, "NVIDIA"}, {0x50, "APM"},
    {0x51, "Qualcomm"},  {0x53, "Samsung"},   {0x56, "Marvell"},  {0x61, "Apple"},  {0x66, "Faraday"},
    {0x69, "Intel"},     {0x6d, "Microsoft"}, {0x70, "Phytium"},  {0xc0, "Ampere"},
};

/* Part numbers that the technical reference manuals and the kernel's cputype.h give. */
static const struct {
  unsigned implementer, part;
  const char *name;
} arm_parts[] = {
    {0x41, 0xc05, "Cortex-A5"},   {0x41, 0xc07, "Cortex-A7"},   {0x41, 0xc08, "Cortex-A8"},        {0x41, 0xc09, "Cortex-A9"},
    {0x41, 0xc0d, "Cortex-A17"},  {0x41, 0xc0e, "Cortex-A17"},  {0x41, 0xc0f, "Cortex-A15"},       {0x41, 0xd01, "Cortex-A32"},
    {0x41, 0xd03, "Cortex-A53"},  {0x41, 0xd04, "Cortex-A35"},  {0x41, 0xd05, "Cortex-A55"},       {0x41, 0xd07, "Cortex-A57"},
    {0x41, 0xd08, "Cortex-A72"},  {0x41, 0xd09, "Cortex-A73"},  {0x41, 0xd0a, "Cortex-A75"},       {0x41, 0xd0b, "Cortex-A76"},
    {0x41, 0xd0c, "Neoverse-N1"}, {0x41, 0xd0d, "Cortex-A77"},  {0x41, 0xd40, "Neoverse-V1"},      {0x41, 0xd41, "Cortex-A78"},
    {0x41, 0xd44, "Cortex-X1"},   {0x41, 0xd46, "Cortex-A510"}, {0x41, 0xd47, "Cortex-A710"},      {0x41, 0xd48, "Cortex-X2"},
    {0x41, 0xd49, "Neoverse-N2"}, {0x41, 0xd4a, "Neoverse-E1"}, {0x41, 0xd4b, "Cortex-A78C"},      {0x41, 0xd4d, "Cortex-A715"},
    {0x41, 0xd4e, "Cortex-X3"},   {0x41, 0xd4f, "Neoverse-V2"}, {0x41, 0xd80, "Cortex-A520"},      {0x41, 0xd81, "Cortex-A720"},
    {0x41, 0xd82, "Cortex-X4"},   {0x41, 0xd84, "Neoverse-V3"}, {0x41, 0xd85, "Cortex-X925"},      {0x41, 0xd87, "Cortex-A725"},
    {0x41, 0xd8e, "Neoverse-N3"}, {0x42, 0x516, "Vulcan"},      {0x43, 0x0a1, "ThunderX"},         {0x43, 0x0af, "ThunderX2"},
    {0x46, 0x001, "A64FX"},       {0x48, 0xd01, "Kunpeng-920"}, {0x4e, 0x003, "Denver 2"},         {0x4e, 0x004, "Carmel"},
    {0x50, 0x000, "X-Gene"},      {0x51, 0x001, "Oryon"},       {0x51, 0x800, "Falkor"},           {0x51, 0xc00, "Falkor"},
    {0xc0, 0xac3, "Ampere-1"},    {0xc0, 0xac4, "Ampere-1A"},   {0x6d, 0xd49, "Azure Cobalt 100"},
};

static const char *first_value(assay_context *context, const char *text, const char *const *keys) {
  for (; *keys != NULL; keys++) {
    const char *value = assay_lines_value(context->arena, text, *keys);
    if (value != NULL) return value;
  }
  return NULL;
}

static bool hex_value(assay_context *context, const char *text, const char *key, unsigned *value) {
  const char *hex = assay_lines_value(context->arena, text, key);
  if (hex == NULL || strncmp(hex, "0x", 2) != 0) return false;
  *value = (unsigned)strtoul(hex + 2, NULL, 16);
  return true;
}

static const char *arm_vendor(assay_context *context, const char *text) {
  unsigned implementer;
  if (!hex_value(context, text, "CPU implementer", &implementer)) return NULL;
  for (size_t i = 0; i < sizeof arm_implementers / sizeof *arm_implementers; i++) {
    if (arm_implementers[i].code == implementer) return arm_implementers[i].name;
  }
  return assay_arena_printf(context->arena, "implementer 0x%02x", implementer);
}

static const char *arm_model(assay_context *context, const char *text) {
  unsigned implementer, part;
  if (!hex_value(context, text, "CPU implementer", &implementer) || !hex_value(context, text, "CPU part", &part)) return NULL;
  for (size_t i = 0; i < sizeof arm_parts / sizeof *arm_parts; i++) {
    if (arm_parts[i].implementer == implementer && arm_parts[i].part == part) return arm_parts[i].name;
  }
  return assay_arena_printf(context->arena, "%s part 0x%03x", arm_vendor(context, text), part);
}

/* For captures that name no architecture: each prints a key of its own. */
static const char *architecture_from(assay_context *context, const char *text) {
  const char *flags = assay_lines_value(context->arena, text, "flags");
  if (flags != NULL && assay_words_have(flags, "fpu")) return assay_words_have(flags, "lm") ? "x86_64" : "i686";
  const char *arm = assay_lines_value(context->arena, text, "CPU architecture");
  if (arm != NULL) return arm[0] == '8' || strcmp(arm, "AArch64") == 0 ? "aarch64" : "arm";
  const char *cpu = assay_lines_value(context->arena, text, "cpu");
  if (cpu != NULL && (strncmp(cpu, "POWER", 5) == 0 || strncmp(cpu, "PPC", 3) == 0 || strncmp(cpu, "Cell", 4) == 0)) return "ppc64";
  const char *isa = assay_lines_value(context->arena, text, "isa");
  if (isa != NULL && strncmp(isa, "rv64", 4) == 0) return "riscv64";
  const char *vendor = assay_lines_value(context->arena, text, "vendor_id");
  if (vendor != NULL && strcmp(vendor, "IBM/S390") == 0) return "s390x";
  const char *arch = assay_lines_value(context->arena, text, "arch");
  if (arch != NULL && strncmp(arch, "IA-64", 5) == 0) return "ia64";
  return NULL;
}

static void put_number_line(assay_context *context, const char *text, const char *key, const char *fact) {
  const char *value = assay_lines_value(context->arena, text, key);
  uint64_t number;
  if (value != NULL && assay_parse_u64(value, &number) && number < UINT32_MAX) assay_put_integer(context, (int64_t)number, "%s", fact);
}

void assay_discover_cpuinfo(assay_context *context) {
  static const char *const models[] = {"model name", "Model Name", "Processor", "cpu model", "cpu", "uarch", "family", NULL};
  static const char *const vendors[] = {"vendor_id", "vendor", "mvendorid", NULL};
  const char *cause = NULL;
  const char *text = assay_source_read(context->source, context->arena, &cause, "/proc/cpuinfo");
  if (text != NULL) cause = "/proc/cpuinfo does not say it";
  const char *model = arm_model(context, text), *vendor = arm_vendor(context, text);
  const char *named = first_value(context, text, models);
  if (named != NULL && (model == NULL || strcmp(named, "unknown") != 0))
    model = model != NULL && strncmp(named, "ARMv", 4) == 0 ? model : named;
  if (vendor == NULL) vendor = first_value(context, text, vendors);
  if (vendor == NULL && model != NULL && strncmp(model, "POWER", 5) == 0) vendor = "IBM";
  assay_put_text(context, model, cause, "cpu.model");
  assay_put_text(context, vendor, cause, "cpu.vendor");
  const char *architecture = architecture_from(context, text);
  if (architecture != NULL) assay_put_text(context, architecture, NULL, "cpu.architecture");
  put_number_line(context, text, "cpu family", "cpu.family");
  put_number_line(context, text, "model", "cpu.model_number");
  put_number_line(context, text, "stepping", "cpu.stepping");
  const char *microcode = assay_lines_value(context->arena, text, "microcode");
  if (microcode != NULL) assay_put_text(context, microcode, NULL, "cpu.microcode");
}

/* SPDX-License-Identifier: MIT */
/* Clock frequencies and what governs them. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/text.h"
#include "machine/component.h"
#include "machine/lines.h"

typedef struct range {
  uint64_t low, high;
  const char *cause; /* why there is none */
} range;

/* Lowest and highest figure of a per-CPU file over the online CPUs. The first CPU without it ends the search: the driver gives it to all or
 * none. */
static range range_of(assay_context *context, const char *file) {
  range found = {.low = UINT64_MAX};
  const assay_machine *machine = context->machine;
  if (machine->cpu_count == 0) found.cause = "no CPU is known";
  for (size_t i = 0; i < machine->cpu_count; i++) {
    uint64_t value;
    if (!assay_source_u64(context->source, context->arena, &found.cause, &value, "/sys/devices/system/cpu/cpu%u/%s",
                          machine->cpus[i].number, file))
      break;
    if (value == 0 || value > UINT64_C(100000000)) continue; /* in kHz: 100 GHz is no frequency */
    if (value < found.low) found.low = value;
    if (value > found.high) found.high = value;
  }
  if (found.high == 0 && found.cause == NULL) found.cause = assay_arena_printf(context->arena, "%s holds no frequency", file);
  return found;
}

static void put_hz(assay_context *context, uint64_t value, uint64_t scale, const char *cause, const char *key) {
  if (value > 0 && value < UINT64_MAX)
    assay_put_integer(context, (int64_t)(value * scale), "%s", key);
  else
    assay_put_unavailable(context, cause, "%s", key);
}

/* "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz" gives 2500 MHz. */
static uint64_t mhz_in_model_name(const assay_machine *machine) {
  const char *model = assay_machine_get_text(machine, "cpu.model"), *at = model != NULL ? strstr(model, " @ ") : NULL;
  if (at == NULL) return 0;
  char *end = NULL;
  double value = assay_strtod(at + 3, &end);
  if (strncmp(end, "GHz", 3) == 0)
    value *= 1000;
  else if (strncmp(end, "MHz", 3) != 0)
    return 0;
  return value > 1 && value < 100000 ? (uint64_t)(value + 0.5) : 0;
}

static void put_base(assay_context *context) {
  range base = range_of(context, "cpufreq/base_frequency");
  put_hz(context, base.high, 1000, base.cause, "cpu.frequency_base_hz");
  uint64_t nominal = range_of(context, "acpi_cppc/nominal_freq").high; /* MHz */
  if (nominal > 0) put_hz(context, nominal, 1000000, NULL, "cpu.frequency_base_hz");
  const char *cpuid = assay_source_read(context->source, context->arena, NULL, "/assay/cpuid");
  const char *leaf = assay_lines_value(context->arena, cpuid, "leaf 16.0"); /* CPUID 16h: base and maximum in MHz */
  uint64_t mhz = leaf != NULL ? strtoull(leaf, NULL, 16) & 0xffff : 0;
  if (mhz == 0) mhz = mhz_in_model_name(context->machine);
  if (mhz > 0) put_hz(context, mhz, 1000000, NULL, "cpu.frequency_base_hz");
}

/* What the first CPU runs at now. Only one is asked: on some drivers each question waits 10 ms for a measurement. */
static void put_current(assay_context *context) {
  const char *cause = "no CPU is known";
  uint64_t khz = 0;
  if (context->machine->cpu_count > 0) {
    unsigned cpu = context->machine->cpus[0].number;
    if (assay_source_u64(context->source, context->arena, &cause, &khz, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", cpu) &&
        khz > 0 && khz < UINT64_C(100000000)) {
      put_hz(context, khz, 1000, NULL, "cpu.frequency_current_hz");
      return;
    }
  }
  const char *text = assay_source_read(context->source, context->arena, NULL, "/proc/cpuinfo");
  const char *mhz = assay_lines_value(context->arena, text, "cpu MHz");
  if (mhz == NULL) mhz = assay_lines_value(context->arena, text, "clock"); /* POWER: "3800.000000MHz" */
  double value = mhz != NULL ? assay_strtod(mhz, NULL) : 0;
  put_hz(context, value > 0 && value < 1e5 ? (uint64_t)(value * 1000) : 0, 1000, cause, "cpu.frequency_current_hz");
}

/* The words that stand in a file of every policy, each once. */
static void put_policy_words(assay_context *context, const char *file, const char *fact) {
  const char *cause = NULL;
  const char *const *policies = NULL;
  size_t count = assay_source_list(context->source, context->arena, &cause, "policy", &policies, "/sys/devices/system/cpu/cpufreq");
  assay_buf words = {0};
  for (size_t i = 0; i < count; i++) {
    const char *text =
        assay_source_read(context->source, context->arena, &cause, "/sys/devices/system/cpu/cpufreq/%s/%s", policies[i], file);
    if (text != NULL && strchr(text, ' ') == NULL && !assay_words_have(words.data, text))
      assay_buf_printf(&words, "%s%s", words.length > 0 ? " " : "", text);
  }
  if (words.length == 0 && context->machine->cpu_count > 0) { /* kernels before 4.3 have no policies */
    const char *text = assay_source_read(context->source, context->arena, &cause, "/sys/devices/system/cpu/cpu%u/cpufreq/%s",
                                         context->machine->cpus[0].number, file);
    if (text != NULL) assay_buf_puts(&words, text);
  }
  assay_put_text(context, words.data, cause, "%s", fact);
  assay_buf_deinit(&words);
}

static void put_boost(assay_context *context) {
  const char *cause = NULL;
  uint64_t value;
  if (assay_source_u64(context->source, context->arena, NULL, &value, "/sys/devices/system/cpu/intel_pstate/no_turbo"))
    assay_put_bool(context, value == 0, "cpu.boost");
  else if (assay_source_u64(context->source, context->arena, &cause, &value, "/sys/devices/system/cpu/cpufreq/boost"))
    assay_put_bool(context, value != 0, "cpu.boost");
  else
    assay_put_unavailable(context, cause, "cpu.boost");
}

static void put_smt(assay_context *context) {
  const char *cause = NULL;
  uint64_t active;
  const char *control = assay_source_read(context->source, context->arena, &cause, "/sys/devices/system/cpu/smt/control");
  assay_put_text(context, control, cause, "cpu.smt_control");
  if (assay_source_u64(context->source, context->arena, &cause, &active, "/sys/devices/system/cpu/smt/active"))
    assay_put_bool(context, active != 0, "cpu.smt_active");
  else
    assay_put_unavailable(context, cause, "cpu.smt_active");
}

void assay_discover_frequency(assay_context *context) {
  range low = range_of(context, "cpufreq/cpuinfo_min_freq"), high = range_of(context, "cpufreq/cpuinfo_max_freq");
  put_hz(context, low.low, 1000, low.cause, "cpu.frequency_min_hz");
  put_hz(context, high.high, 1000, high.cause, "cpu.frequency_max_hz");
  put_base(context);
  put_current(context);
  put_policy_words(context, "scaling_governor", "cpu.frequency_governor");
  put_policy_words(context, "scaling_driver", "cpu.frequency_driver");
  put_boost(context);
  put_smt(context);
}

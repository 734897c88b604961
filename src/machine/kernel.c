/* SPDX-License-Identifier: MIT */
/* Operating system, kernel, page size, clock source, boot parameters that change timing, mitigations; and the compiler of this build. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "assay_config.h"
#include "base/buf.h"
#include "machine/component.h"
#include "machine/lines.h"

/* Of this Assay, so it is no fact of a machine that is replayed. */
void assay_discover_build(assay_context *context) {
  if (context->source->kind != ASSAY_SOURCE_LIVE) return;
  assay_put_text(context, ASSAY_COMPILER, NULL, "build.compiler");
  assay_put_text(context, ASSAY_VERSION, NULL, "build.assay_version");
}

/* The first that a source holds of: our own capture or live uname, the kernel's own files, what hwloc writes beside its captures. */
static void put_uname(assay_context *context, const char *our_key, const char *path, const char *hwloc_key, const char *fact) {
  const char *cause = NULL;
  const char *text = assay_lines_value(context->arena, assay_source_read(context->source, context->arena, &cause, "/assay/uname"), our_key);
  if (text == NULL) text = assay_source_read(context->source, context->arena, &cause, "%s", path);
  if (text == NULL)
    text =
        assay_lines_value(context->arena, assay_source_read(context->source, context->arena, NULL, "/proc/hwloc-nofile-info"), hwloc_key);
  assay_put_text(context, text, cause, "%s", fact);
}

/* "Linux version 6.1.0-13-amd64 (builder@host) (gcc ...) #1 SMP": only the release, since the rest names people and hosts. */
static void put_release_from_version(assay_context *context) {
  const char *text = assay_source_read(context->source, context->arena, NULL, "/proc/version");
  if (text == NULL || strncmp(text, "Linux version ", 14) != 0) return;
  const char *release = text + 14;
  size_t length = strcspn(release, " \n");
  if (length == 0) return;
  assay_put_text(context, "Linux", NULL, "kernel.name");
  assay_put_text(context, assay_arena_strndup(context->arena, release, length), NULL, "kernel.release");
}

/* NAME="Debian GNU/Linux" or NAME=value. */
static const char *os_release_value(assay_context *context, const char *text, const char *key) {
  size_t key_length = strlen(key);
  for (const char *line = text; line != NULL && *line != '\0';) {
    size_t length = strcspn(line, "\n");
    if (length > key_length && strncmp(line, key, key_length) == 0 && line[key_length] == '=') {
      const char *value = line + key_length + 1;
      size_t value_length = length - key_length - 1;
      if (value_length >= 2 && (value[0] == '"' || value[0] == '\'') && value[value_length - 1] == value[0]) {
        value++;
        value_length -= 2;
      }
      return value_length > 0 ? assay_arena_strndup(context->arena, value, value_length) : NULL;
    }
    line += length + (line[length] == '\n');
  }
  return NULL;
}

static void put_os(assay_context *context) {
  const char *cause = NULL;
  const char *text = assay_source_read(context->source, context->arena, &cause, "/etc/os-release");
  if (text == NULL) text = assay_source_read(context->source, context->arena, NULL, "/usr/lib/os-release");
  static const struct { const char *key, *fact; } rows[] = {{"PRETTY_NAME", "os.name"}, {"ID", "os.id"}, {"VERSION_ID", "os.version"}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const char *value = os_release_value(context, text, rows[i].key);
    assay_put_text(context, value, text == NULL ? cause : assay_arena_printf(context->arena, "os-release has no %s", rows[i].key), "%s",
                   rows[i].fact);
  }
}

static void put_page_size(assay_context *context) {
  const char *cause = NULL;
  uint64_t bytes = 0;
  if (assay_source_u64(context->source, context->arena, &cause, &bytes, "/assay/page_size") && bytes <= 1 << 30) {
    assay_put_integer(context, (int64_t)bytes, "kernel.page_size_bytes");
    return;
  }
  const char *info = assay_source_read(context->source, context->arena, NULL, "/proc/hwloc-nofile-info");
  const char *text = assay_lines_value(context->arena, info, "PageSize");
  if (text != NULL && strspn(text, "0123456789") == strlen(text) && strlen(text) < 10)
    assay_put_integer(context, atoi(text), "kernel.page_size_bytes");
  else
    assay_put_unavailable(context, cause, "kernel.page_size_bytes");
}

static bool parameter_matters(const char *word, size_t length) {
  static const char *const names[] = {"isolcpus",
                                      "nohz_full",
                                      "nohz",
                                      "rcu_nocbs",
                                      "mitigations",
                                      "intel_pstate",
                                      "amd_pstate",
                                      "nosmt",
                                      "maxcpus",
                                      "nr_cpus",
                                      "mem",
                                      "hugepages",
                                      "hugepagesz",
                                      "default_hugepagesz",
                                      "idle",
                                      "clocksource",
                                      "tsc",
                                      "preempt",
                                      "numa",
                                      "numa_balancing",
                                      "spectre_v2",
                                      "nopti",
                                      "pti",
                                      "nospectre_v2",
                                      "l1tf",
                                      "mds",
                                      "iommu",
                                      "irqaffinity",
                                      "audit",
                                      "nowatchdog",
                                      "nmi_watchdog",
                                      "kthread_cpus",
                                      "transparent_hugepage",
                                      "processor.max_cstate",
                                      "intel_idle.max_cstate",
                                      "cpuidle.off",
                                      "cpufreq.off",
                                      "noapic",
                                      "psi",
                                      "threadirqs",
                                      "skew_tick"};
  size_t name_length = 0;
  while (name_length < length && word[name_length] != '=') name_length++;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strlen(names[i]) == name_length && memcmp(names[i], word, name_length) == 0) return true;
  }
  return false;
}

/* The rest of the command line may name hosts, disks and people. */
const char *assay_kernel_parameters_that_matter(assay_arena *arena, const char *cmdline) {
  assay_buf kept = {0};
  for (const char *word = cmdline; *word != '\0';) {
    while (isspace((unsigned char)*word)) word++;
    size_t length = strcspn(word, " \t\r\n");
    if (length > 0 && parameter_matters(word, length)) {
      if (kept.length > 0) assay_buf_putc(&kept, ' ');
      assay_buf_append(&kept, word, length);
    }
    word += length;
  }
  const char *text = assay_arena_strdup(arena, kept.data != NULL ? kept.data : "none");
  assay_buf_deinit(&kept);
  return text;
}

static void put_parameters(assay_context *context) {
  const char *cause = NULL;
  const char *cmdline = assay_source_read(context->source, context->arena, &cause, "/proc/cmdline");
  assay_put_text(context, cmdline != NULL ? assay_kernel_parameters_that_matter(context->arena, cmdline) : NULL, cause,
                 "kernel.parameters");
}

static void put_isolated(assay_context *context) {
  const char *cause = NULL;
  const char *text = assay_source_read(context->source, context->arena, &cause, "/sys/devices/system/cpu/isolated");
  if (text == NULL && assay_source_exists(context->source, "/sys/devices/system/cpu/isolated")) text = "none"; /* the file is empty then */
  assay_put_text(context, text, cause, "cpu.isolated");
}

static void put_clock_source(assay_context *context) {
  const char *cause = NULL;
  const char *text =
      assay_source_read(context->source, context->arena, &cause, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  assay_put_text(context, text, cause, "kernel.clock_source");
}

/* How many known weaknesses there are, and how many cost time because they are mitigated. */
static void put_mitigations(assay_context *context) {
  static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
  const char *cause = NULL;
  const char *const *names = NULL;
  size_t count = assay_source_list(context->source, context->arena, &cause, "", &names, "%s", dir);
  if (count == 0) {
    assay_put_unavailable(context, cause, "kernel.mitigations");
    return;
  }
  assay_buf mitigated = {0}, vulnerable = {0};
  for (size_t i = 0; i < count; i++) {
    const char *text = assay_source_read(context->source, context->arena, NULL, "%s/%s", dir, names[i]);
    if (text == NULL) continue;
    assay_buf *list = strncmp(text, "Mitigation", 10) == 0 ? &mitigated : strncmp(text, "Vulnerable", 10) == 0 ? &vulnerable : NULL;
    if (list != NULL) assay_buf_printf(list, "%s%s", list->length > 0 ? " " : "", names[i]);
  }
  assay_put_text(context, mitigated.data != NULL ? mitigated.data : "none", NULL, "kernel.mitigations");
  assay_put_text(context, vulnerable.data != NULL ? vulnerable.data : "none", NULL, "kernel.vulnerable_to");
  assay_buf_deinit(&mitigated);
  assay_buf_deinit(&vulnerable);
}

void assay_discover_kernel(assay_context *context) {
  put_uname(context, "sysname", "/proc/sys/kernel/ostype", "OSName", "kernel.name");
  put_uname(context, "release", "/proc/sys/kernel/osrelease", "OSRelease", "kernel.release");
  put_uname(context, "version", "/proc/sys/kernel/version", "OSVersion", "kernel.version");
  put_uname(context, "machine", "/proc/sys/kernel/arch", "Architecture", "cpu.architecture");
  put_release_from_version(context);
  /* No other kernel has this directory. */
  if (assay_source_exists(context->source, "/sys/devices/system/cpu")) assay_put_text(context, "Linux", NULL, "kernel.name");
  put_os(context);
  put_page_size(context);
  put_parameters(context);
  put_isolated(context);
  put_clock_source(context);
  put_mitigations(context);
}

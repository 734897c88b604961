/* SPDX-License-Identifier: MIT */
/*
 * A row is one thing that spoils measurements: pass when it is as it should be, fail with the command that mends it, unavailable with the
 * cause when this system does not tell. Nothing is changed. To add one: a function here, a line in the table at the end, a case in the
 * test's two trees.
 */
#include "machine/doctor.h"

#include <assay/metric.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "assay_config.h"
#include "base/buf.h"
#include "base/number.h"
#include "base/text.h"
#include "machine/facts.h"
#include "os/prim.h"

typedef struct examination {
  const assay_machine *machine;
  const assay_source *source;
  assay_arena *arena;
  const assay_doctor_sample *before, *after;
  assay_check_list *checks;
  assay_error *err;
  assay_status status; /* the first failure of adding a row */
} examination;

/* ---- Rows ----------------------------------------------------------------------------------------------------------------------- */

static void add(examination *e, const char *name, bool fine, const char *expected, const char *measured, const char *cause,
                const char *mend) {
  assay_check check = {.suite = "doctor",
                       .name = name,
                       .status = fine ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL,
                       .expected = expected,
                       .measured = measured,
                       .cause = cause,
                       .recommendation = fine ? NULL : mend};
  if (e->status == ASSAY_OK) e->status = assay_check_list_add(e->checks, &check, e->err);
}

static void unknown(examination *e, const char *name, const char *expected, const char *cause) {
  assay_check check = {.suite = "doctor", .name = name, .status = ASSAY_CHECK_UNAVAILABLE, .expected = expected, .cause = cause};
  if (e->status == ASSAY_OK) e->status = assay_check_list_add(e->checks, &check, e->err);
}

/* The text of a file; when there is none, adds the row as unavailable. */
static const char *text_or_unknown(examination *e, const char *name, const char *expected, const char *path) {
  const char *cause = NULL, *text = assay_source_read(e->source, e->arena, &cause, "%s", path);
  if (text == NULL) unknown(e, name, expected, cause);
  return text;
}

static bool number_or_unknown(examination *e, const char *name, const char *expected, const char *path, uint64_t *value) {
  const char *cause = NULL;
  bool found = assay_source_u64(e->source, e->arena, &cause, value, "%s", path);
  if (!found) unknown(e, name, expected, cause);
  return found;
}

/* "cpu0", "cpu1", ... that are there. */
static size_t list_cpus(examination *e, const char *const **names) {
  const char *cause = NULL;
  const char *const *all = NULL;
  size_t count = assay_source_list(e->source, e->arena, &cause, "cpu", &all, "/sys/devices/system/cpu"), kept = 0;
  const char **cpus = assay_arena_alloc(e->arena, count + 1, sizeof *cpus);
  if (cpus == NULL) return 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t number;
    if (assay_parse_u64(all[i] + 3, &number)) cpus[kept++] = all[i]; /* not cpufreq, cpuidle */
  }
  *names = cpus;
  return kept;
}

/* ---- Frequency and power ---------------------------------------------------------------------------------------------------------- */

static void examine_governor(examination *e) {
  const char *name = "Frequency governor", *expected = "performance", *cause = NULL, *other = NULL;
  const char *const *cpus = NULL;
  size_t count = list_cpus(e, &cpus), seen = 0, wrong = 0;
  for (size_t i = 0; i < count; i++) {
    const char *text = assay_source_read(e->source, e->arena, &cause, "/sys/devices/system/cpu/%s/cpufreq/scaling_governor", cpus[i]);
    if (text == NULL) continue;
    seen++;
    if (strcmp(text, "performance") == 0) continue;
    wrong++;
    other = text;
  }
  if (seen == 0) {
    unknown(e, name, expected, cause != NULL ? cause : "/sys/devices/system/cpu is not there");
    return;
  }
  add(e, name, wrong == 0, expected, wrong == 0 ? "performance" : assay_arena_printf(e->arena, "%s on %zu of %zu CPUs", other, wrong, seen),
      "a governor that follows the load starts every measurement at another frequency", "sudo cpupower frequency-set -g performance");
}

static void examine_turbo(examination *e) {
  const char *name = "Turbo boost", *expected = "off", *why = "its frequency depends on temperature and on what other cores do",
             *cause = NULL;
  uint64_t value = 0;
  if (assay_source_u64(e->source, e->arena, &cause, &value, "/sys/devices/system/cpu/intel_pstate/no_turbo"))
    add(e, name, value == 1, expected, value == 1 ? "off" : "on", why, "echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo");
  else if (assay_source_u64(e->source, e->arena, &cause, &value, "/sys/devices/system/cpu/cpufreq/boost"))
    add(e, name, value == 0, expected, value == 0 ? "off" : "on", why, "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost");
  else
    unknown(e, name, expected, cause);
}

static void examine_idle_states(examination *e) {
  const char *name = "Idle states", *expected = "none that takes over 50 us to leave", *cause = NULL, *deepest = "";
  const char *const *states = NULL;
  size_t count = assay_source_list(e->source, e->arena, &cause, "state", &states, "/sys/devices/system/cpu/cpu0/cpuidle");
  if (count == 0) {
    unknown(e, name, expected, cause != NULL ? cause : "/sys/devices/system/cpu/cpu0/cpuidle has no states");
    return;
  }
  uint64_t worst = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t latency = 0, disabled = 0;
    assay_source_u64(e->source, e->arena, NULL, &latency, "/sys/devices/system/cpu/cpu0/cpuidle/%s/latency", states[i]);
    assay_source_u64(e->source, e->arena, NULL, &disabled, "/sys/devices/system/cpu/cpu0/cpuidle/%s/disable", states[i]);
    if (disabled != 0 || latency <= worst) continue;
    worst = latency;
    const char *state = assay_source_read(e->source, e->arena, NULL, "/sys/devices/system/cpu/cpu0/cpuidle/%s/name", states[i]);
    deepest = state != NULL ? state : states[i];
  }
  add(e, name, worst <= 50, expected, assay_arena_printf(e->arena, "%s %llu us", deepest, (unsigned long long)worst),
      "a core that sleeps deeply answers late, which latencies include", "sudo cpupower idle-set -D 50");
}

static void examine_power_source(examination *e) {
  const char *name = "Power source", *expected = "mains", *cause = NULL;
  const char *const *supplies = NULL;
  size_t count = assay_source_list(e->source, e->arena, &cause, "", &supplies, "/sys/class/power_supply");
  for (size_t i = 0; i < count; i++) {
    const char *type = assay_source_read(e->source, e->arena, NULL, "/sys/class/power_supply/%s/type", supplies[i]);
    uint64_t online = 0;
    if (type == NULL || strcmp(type, "Mains") != 0) continue;
    if (!assay_source_u64(e->source, e->arena, NULL, &online, "/sys/class/power_supply/%s/online", supplies[i])) continue;
    add(e, name, online == 1, expected, online == 1 ? "mains" : "battery", "on battery the firmware holds the processor back",
        "plug in the power supply");
    return;
  }
  unknown(e, name, expected, cause != NULL ? cause : "/sys/class/power_supply names no mains supply");
}

static void examine_throttling(examination *e) {
  const char *name = "Thermal throttling", *expected = "never", *cause = NULL;
  const char *const *cpus = NULL;
  size_t count = list_cpus(e, &cpus), seen = 0;
  uint64_t total = 0;
  for (size_t i = 0; i < count; i++) {
    uint64_t times = 0;
    if (!assay_source_u64(e->source, e->arena, &cause, &times, "/sys/devices/system/cpu/%s/thermal_throttle/core_throttle_count", cpus[i]))
      continue;
    seen++;
    total += times;
  }
  if (seen == 0)
    unknown(e, name, expected, cause != NULL ? cause : "/sys/devices/system/cpu is not there");
  else
    add(e, name, total == 0, expected, assay_arena_printf(e->arena, "%llu times since boot", (unsigned long long)total),
        "a processor that is too hot slows down", "clean or add cooling; lower the power limit until the count stays as it is");
}

/* ---- CPUs and scheduling ---------------------------------------------------------------------------------------------------------- */

static void examine_smt(examination *e) {
  const char *name = "Hyperthreads (SMT)", *expected = "off";
  uint64_t active = 0;
  if (!number_or_unknown(e, name, expected, "/sys/devices/system/cpu/smt/active", &active)) return;
  add(e, name, active == 0, expected, active == 0 ? "off" : "on", "what runs on the other thread of a core takes its units and caches",
      "echo off | sudo tee /sys/devices/system/cpu/smt/control");
}

static void examine_isolation(examination *e) {
  const char *name = "Isolated CPUs", *expected = "some";
  const char *const *cpus = NULL;
  size_t count = list_cpus(e, &cpus);
  if (count < 4) {
    unknown(e, name, expected, assay_arena_printf(e->arena, "with %zu CPU%s there is none to set apart", count, count == 1 ? "" : "s"));
    return;
  }
  const char *isolated = assay_source_read(e->source, e->arena, NULL, "/sys/devices/system/cpu/isolated");
  bool some = isolated != NULL && isolated[0] != '\0';
  add(e, name, some, expected, some ? isolated : "none", "other programs may be scheduled on every CPU",
      assay_arena_printf(e->arena, "add isolcpus=nohz,domain,managed_irq,%zu-%zu to the kernel command line and reboot", count / 2,
                         count - 1));
}

static void examine_load(examination *e) {
  const char *name = "Load average", *expected = "below 0.5";
  const char *text = text_or_unknown(e, name, expected, "/proc/loadavg");
  if (text == NULL) return;
  double load = assay_strtod(text, NULL);
  add(e, name, load < 0.5, expected, assay_arena_printf(e->arena, "%.2f", load),
      "mean number of threads that wanted a CPU in the last minute",
      "ps -eo pid,comm,pcpu --sort=-pcpu | head, and end what is not needed");
}

static uint64_t ticks_before(const assay_doctor_sample *sample, uint64_t pid) {
  for (size_t i = 0; i < sample->count; i++) {
    if (sample->processes[i].pid == pid) return sample->processes[i].ticks;
  }
  return 0;
}

/* Others that took more than a tenth of one CPU between the samples. */
static void examine_hogs(examination *e) {
  const char *name = "Other programs at work", *expected = "none above 10 % of a CPU";
  const char *const *cpus = NULL;
  size_t cpu_count = list_cpus(e, &cpus);
  if (!e->before->has_totals || !e->after->has_totals || e->after->all_ticks <= e->before->all_ticks || cpu_count == 0) {
    unknown(e, name, expected, "/proc/stat does not tell how much time passed");
    return;
  }
  double elapsed = (double)(e->after->all_ticks - e->before->all_ticks) / (double)cpu_count;
  assay_buf found = {0};
  for (size_t i = 0; i < e->after->count; i++) {
    const assay_doctor_process *p = &e->after->processes[i];
    uint64_t earlier = ticks_before(e->before, p->pid);
    if (p->pid == (uint64_t)getpid() || p->ticks <= earlier) continue;
    double share = (double)(p->ticks - earlier) / elapsed;
    if (share > 0.1 && found.length < 300)
      assay_buf_printf(&found, "%s%s (%llu) %.0f %%", found.length > 0 ? ", " : "", p->name, (unsigned long long)p->pid, 100 * share);
  }
  bool none = found.length == 0;
  add(e, name, none, expected, none ? "none" : assay_arena_strdup(e->arena, found.data), "seen over a quarter of a second",
      "end them, or move them to other CPUs: taskset -cp 0 PID");
  assay_buf_deinit(&found);
}

static void examine_interrupt_balancing(examination *e) {
  bool running = false;
  for (size_t i = 0; i < e->after->count; i++) running = running || strcmp(e->after->processes[i].name, "irqbalance") == 0;
  const char *name = "Interrupt balancing", *expected = "off";
  if (e->after->count == 0)
    unknown(e, name, expected, "/proc shows no processes");
  else
    add(e, name, !running, expected, running ? "irqbalance is running" : "off", "it moves interrupts onto the CPU that measures",
        "sudo systemctl stop irqbalance");
}

static void examine_quota(examination *e) {
  const char *name = "CPU quota", *expected = "none";
  double quota = 0;
  const assay_fact *fact = assay_machine_get(e->machine, "cpu.quota_cores");
  if (assay_machine_get_f64(e->machine, "cpu.quota_cores", &quota))
    add(e, name, false, expected, assay_arena_printf(e->arena, "%.2f CPUs", quota),
        "once the quota is used up, every thread stands still until the next period",
        "run the container without --cpus (or set cpu.max to \"max\")");
  else if (fact != NULL && strstr(fact->text, "limits its CPU time") != NULL)
    add(e, name, true, expected, "none", fact->text, NULL);
  else
    unknown(e, name, expected, fact != NULL ? fact->text : "the system has no control groups");
}

static void examine_quota_throttling(examination *e) {
  const char *name = "Stopped by the quota", *expected = "never", *cause = NULL;
  const char *text = assay_source_read(e->source, e->arena, &cause, "/sys/fs/cgroup/cpu.stat");
  const char *at = text != NULL ? strstr(text, "nr_throttled ") : NULL;
  if (at == NULL) {
    unknown(e, name, expected, text != NULL ? "/sys/fs/cgroup/cpu.stat has no nr_throttled" : cause);
    return;
  }
  unsigned long long times = strtoull(at + strlen("nr_throttled "), NULL, 10);
  add(e, name, times == 0, expected, assay_arena_printf(e->arena, "%llu times", times), "periods in which this group used its quota up",
      "raise the quota: run the container without --cpus");
}

static void examine_steal(examination *e) {
  const char *name = "Time stolen by the hypervisor", *expected = "below 1 %";
  if (!e->before->has_totals || !e->after->has_totals || e->after->all_ticks <= e->before->all_ticks) {
    unknown(e, name, expected, "/proc/stat does not tell how much time passed");
    return;
  }
  double share = (double)(e->after->steal_ticks - e->before->steal_ticks) / (double)(e->after->all_ticks - e->before->all_ticks);
  add(e, name, share < 0.01, expected, assay_arena_printf(e->arena, "%.1f %%", 100 * share), "seen over a quarter of a second",
      "use a dedicated host or instance type, or measure when neighbours are quiet");
}

static void examine_guest(examination *e) {
  const char *name = "Virtual machine", *expected = "no";
  const assay_fact *fact = assay_machine_get(e->machine, "virtualisation.guest");
  if (fact == NULL || fact->type != ASSAY_FACT_BOOL) {
    unknown(e, name, expected, fact != NULL ? fact->text : "detection does not know");
    return;
  }
  const char *hypervisor = assay_machine_get_text(e->machine, "virtualisation.hypervisor");
  add(e, name, fact->integer == 0, expected,
      fact->integer == 0   ? "no"
      : hypervisor != NULL ? hypervisor
                           : "yes",
      "others share the caches, the memory and the CPU",
      "measure on bare metal; on a guest look at shares of the ceilings rather than at absolute figures");
}

/* "some avg10=0.12 avg60=..." */
static void examine_pressure(examination *e, const char *what, const char *name, double limit, const char *mend) {
  const char *expected = assay_arena_printf(e->arena, "below %.0f %%", limit);
  const char *text = text_or_unknown(e, name, expected, assay_arena_printf(e->arena, "/proc/pressure/%s", what));
  if (text == NULL) return;
  const char *at = strstr(text, "avg10=");
  if (at == NULL) {
    unknown(e, name, expected, assay_arena_printf(e->arena, "/proc/pressure/%s has no avg10", what));
    return;
  }
  double share = assay_strtod(at + 6, NULL);
  add(e, name, share < limit, expected, assay_arena_printf(e->arena, "%.1f %%", share),
      "share of the last 10 s in which some task waited for it", mend);
}

static void examine_cpu_pressure(examination *e) {
  examine_pressure(e, "cpu", "CPU pressure", 5, "end other programs: ps -eo pid,comm,pcpu --sort=-pcpu | head");
}

static void examine_memory_pressure(examination *e) {
  examine_pressure(e, "memory", "Memory pressure", 1, "end what holds memory: ps -eo pid,comm,rss --sort=-rss | head");
}

static void examine_io_pressure(examination *e) {
  examine_pressure(e, "io", "I/O pressure", 10, "end what reads and writes: sudo iotop, or wait until it is done");
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------------------ */

static void examine_huge_pages(examination *e) {
  const char *name = "Transparent huge pages", *expected = "madvise or never";
  const char *text = text_or_unknown(e, name, expected, "/sys/kernel/mm/transparent_hugepage/enabled");
  if (text == NULL) return;
  bool always = strstr(text, "[always]") != NULL;
  add(e, name, !always, expected,
      always                            ? "always"
      : strstr(text, "[never]") != NULL ? "never"
                                        : "madvise",
      "the kernel merges pages in the background, at times of its own",
      "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled");
}

static void examine_page_merging(examination *e) {
  const char *name = "Page merging (KSM)", *expected = "off";
  uint64_t run = 0;
  if (!number_or_unknown(e, name, expected, "/sys/kernel/mm/ksm/run", &run)) return;
  add(e, name, run != 1, expected, run == 1 ? "on" : "off", "a background thread scans memory and makes later writes fault",
      "echo 0 | sudo tee /sys/kernel/mm/ksm/run");
}

static uint64_t meminfo_kb(const char *text, const char *key) {
  const char *at = strstr(text, key);
  return at != NULL ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static void examine_swap(examination *e) {
  const char *name = "Swap in use", *expected = "none";
  const char *text = text_or_unknown(e, name, expected, "/proc/meminfo");
  if (text == NULL) return;
  uint64_t total = meminfo_kb(text, "SwapTotal:"), available = meminfo_kb(text, "SwapFree:"),
           used = total > available ? total - available : 0;
  char size[32];
  add(e, name, used == 0, expected,
      used == 0 ? "none" : assay_arena_strdup(e->arena, assay_format_value((double)used * 1024, "B", size, sizeof size)),
      "what was swapped out comes back in the middle of a measurement", "sudo swapoff -a");
}

static void examine_numa_balancing(examination *e) {
  const char *name = "NUMA balancing", *expected = "off";
  uint64_t on = 0, nodes = 1;
  if (!number_or_unknown(e, name, expected, "/proc/sys/kernel/numa_balancing", &on)) return;
  assay_machine_get_u64(e->machine, "numa.count", &nodes);
  if (on != 0 && nodes <= 1)
    add(e, name, true, expected, "on, but there is one node", NULL, NULL);
  else
    add(e, name, on == 0, expected, on == 0 ? "off" : "on", "the kernel moves pages between nodes, at times of its own",
        "sudo sysctl kernel.numa_balancing=0");
}

static void examine_address_layout(examination *e) {
  const char *name = "Address randomisation (ASLR)";
  uint64_t value = 0;
  if (!number_or_unknown(e, name, NULL, "/proc/sys/kernel/randomize_va_space", &value)) return;
  add(e, name, true, NULL, value == 0 ? "off" : "on",
      value == 0 ? "one layout is always the same, and may be a lucky one"
                 : "each process has another layout; measuring in several processes averages over it",
      NULL);
}

/* ---- Clocks and counters ------------------------------------------------------------------------------------------------------------ */

static void examine_clock_source(examination *e) {
  const char *name = "Clock source", *expected = "tsc or arch_sys_counter";
  const char *text = text_or_unknown(e, name, expected, "/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (text == NULL) return;
  bool fine = strcmp(text, "tsc") == 0 || strcmp(text, "arch_sys_counter") == 0;
  const char *others = assay_source_read(e->source, e->arena, NULL, "/sys/devices/system/clocksource/clocksource0/available_clocksource");
  bool has_tsc = others != NULL && strstr(others, "tsc") != NULL;
  add(e, name, fine, expected, text, "other clocks are read through the kernel or the hypervisor, which takes long and is uneven",
      has_tsc ? "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
              : "the kernel does not trust the time-stamp counter here: look for 'clocksource' in dmesg");
}

static void examine_counters(examination *e) {
  const char *name = "Hardware counters", *expected = "allowed";
  const char *const *devices = NULL;
  size_t count = assay_source_list(e->source, e->arena, NULL, "", &devices, "/sys/bus/event_source/devices");
  bool has_pmu = false;
  for (size_t i = 0; i < count; i++)
    has_pmu = has_pmu || strcmp(devices[i], "cpu") == 0 || strncmp(devices[i], "cpu_", 4) == 0 || strncmp(devices[i], "armv", 4) == 0;
  if (!has_pmu) {
    unknown(e, name, expected,
            count > 0 ? "the kernel has no driver for the processor's counters (a virtual machine often hides them)"
                      : "/sys/bus/event_source/devices is not there");
    return;
  }
  const char *text = text_or_unknown(e, name, expected, "/proc/sys/kernel/perf_event_paranoid");
  if (text == NULL) return;
  long level = strtol(text, NULL, 10);
  add(e, name, level <= 2, expected, assay_arena_printf(e->arena, "kernel.perf_event_paranoid = %ld", level),
      "without them no result says why it is as it is", "sudo sysctl kernel.perf_event_paranoid=1");
}

static void examine_watchdog(examination *e) {
  const char *name = "NMI watchdog", *expected = "off";
  uint64_t on = 0;
  if (!number_or_unknown(e, name, expected, "/proc/sys/kernel/nmi_watchdog", &on)) return;
  add(e, name, on == 0, expected, on == 0 ? "off" : "on", "it interrupts every core and holds one of its counters",
      "sudo sysctl kernel.nmi_watchdog=0");
}

static void examine_mitigations(examination *e) {
  const char *name = "Kernel mitigations", *text = assay_machine_get_text(e->machine, "kernel.mitigations");
  const assay_fact *fact = assay_machine_get(e->machine, "kernel.mitigations");
  if (text != NULL)
    add(e, name, true, NULL, text, "they make system calls and switches dearer, but not uneven", NULL);
  else
    unknown(e, name, NULL, fact != NULL ? fact->text : "detection does not know");
}

/* ---- Libraries --------------------------------------------------------------------------------------------------------------------- */

/* Bits of the registers that OpenBLAS's kernels for a processor use, half of them where it had no multiply-adds. A name that is not here
 * may be as wide as any. */
static const struct {
  const char *core;
  uint64_t bits;
} cores[] = {{"Prescott", 128},  {"Core2", 128},       {"Penryn", 128},    {"Dunnington", 128},   {"Nehalem", 128},
             {"Atom", 128},      {"Athlon", 128},      {"Opteron", 128},   {"Opteron_SSE3", 128}, {"Barcelona", 128},
             {"Bobcat", 128},    {"Nano", 128},        {"Bulldozer", 128}, {"Piledriver", 128},   {"Steamroller", 128},
             {"Excavator", 128}, {"Sandybridge", 128}, {"Haswell", 256},   {"Zen", 256}};

static uint64_t bits_of_core(const char *name) {
  for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
    if (strcasecmp(name, cores[i].core) == 0) return cores[i].bits;
  }
  return UINT64_MAX;
}

static void examine_openblas(examination *e) {
  const char *name = "OpenBLAS's kernels", *expected = "as wide as this processor's registers", *given = getenv("OPENBLAS_CORETYPE");
  const assay_fact *fact = assay_machine_get(e->machine, "isa.vector_bits");
  uint64_t have = 0;
  if (!assay_machine_get_u64(e->machine, "isa.vector_bits", &have)) {
    unknown(e, name, expected, fact != NULL ? fact->text : "detection does not know how wide they are");
    return;
  }
  uint64_t avx2 = 1; /* before it, the kernels that are called half as wide here are the best there are */
  (void)assay_machine_get_u64(e->machine, "isa.avx2", &avx2);
  uint64_t used = given == NULL || *given == '\0' || avx2 == 0 ? UINT64_MAX : bits_of_core(given);
  add(e, name, used >= have, expected,
      given == NULL ? "left to the library" : assay_arena_printf(e->arena, "OPENBLAS_CORETYPE=%.40s", given),
      used >= have
          ? NULL
          : assay_arena_printf(e->arena, "it holds OpenBLAS, and so NumPy, to %llu bits of the %llu that an instruction could have",
                               (unsigned long long)used, (unsigned long long)have),
      "unset OPENBLAS_CORETYPE");
}

/* ---- This program ------------------------------------------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void examine_build(examination *e) {
#ifdef __OPTIMIZE__
  bool optimised = true;
#else
  bool optimised = false;
#endif
  add(e, "This build", optimised && !SANITIZED, "optimised, without sanitizers",
      assay_arena_printf(e->arena, "%s%s, %s", optimised ? "optimised" : "not optimised", SANITIZED ? ", with a sanitizer" : "",
                         ASSAY_COMPILER),
      "the library's own share of every measurement", "meson setup --buildtype=release build-release && ninja -C build-release");
}

/* ---- All of it ----------------------------------------------------------------------------------------------------------------------- */

static void (*const examinations[])(examination *e) = {
    examine_governor,
    examine_turbo,
    examine_idle_states,
    examine_power_source,
    examine_throttling,
    examine_smt,
    examine_isolation,
    examine_load,
    examine_hogs,
    examine_steal,
    examine_guest,
    examine_quota,
    examine_quota_throttling,
    examine_cpu_pressure,
    examine_memory_pressure,
    examine_io_pressure,
    examine_swap,
    examine_huge_pages,
    examine_page_merging,
    examine_numa_balancing,
    examine_address_layout,
    examine_clock_source,
    examine_counters,
    examine_watchdog,
    examine_interrupt_balancing,
    examine_mitigations,
    examine_openblas,
    examine_build,
};

/* "cpu  user nice system idle iowait irq softirq steal ...": guest time is within user time already. */
static void take_totals(const assay_source *source, assay_arena *arena, assay_doctor_sample *sample) {
  const char *text = assay_source_read(source, arena, NULL, "/proc/stat");
  if (text == NULL || strncmp(text, "cpu ", 4) != 0) return;
  char *at = NULL;
  uint64_t fields[8] = {0};
  const char *from = text + 4;
  for (int i = 0; i < 8; i++) {
    fields[i] = strtoull(from, &at, 10);
    if (at == from) return;
    from = at;
    sample->all_ticks += fields[i];
  }
  sample->steal_ticks = fields[7];
  sample->has_totals = true;
}

/* "pid (name) state ppid ..." with utime and stime as fields 14 and 15; a name may hold blanks and brackets. */
static bool parse_process(const char *text, assay_doctor_process *process) {
  const char *open = strchr(text, '('), *close = strrchr(text, ')');
  if (open == NULL || close == NULL || close < open) return false;
  snprintf(process->name, sizeof process->name, "%.*s", (int)(close - open - 1), open + 1);
  unsigned long long user = 0, system = 0;
  if (sscanf(close + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &system) != 2) return false;
  process->ticks = user + system;
  return true;
}

void assay_doctor_take(const assay_source *source, assay_arena *arena, assay_doctor_sample *sample) {
  *sample = (assay_doctor_sample){0};
  const char *const *names = NULL;
  size_t count = assay_source_list(source, arena, NULL, "", &names, "/proc");
  sample->processes = assay_arena_alloc(arena, count + 1, sizeof *sample->processes);
  for (size_t i = 0; i < count && sample->processes != NULL; i++) {
    assay_doctor_process *process = &sample->processes[sample->count];
    if (!assay_parse_u64(names[i], &process->pid)) continue;
    const char *text = assay_source_read(source, arena, NULL, "/proc/%s/stat", names[i]);
    if (text != NULL && parse_process(text, process)) sample->count++;
  }
  take_totals(source, arena, sample);
}

assay_status assay_doctor_examine(const assay_machine *machine, const assay_source *source, assay_arena *arena,
                                  const assay_doctor_sample *before, const assay_doctor_sample *after, assay_check_list *checks,
                                  assay_error *err) {
  examination e = {.machine = machine, .source = source, .arena = arena, .before = before, .after = after, .checks = checks, .err = err};
  for (size_t i = 0; i < sizeof examinations / sizeof *examinations && e.status == ASSAY_OK; i++) examinations[i](&e);
  if (e.status == ASSAY_OK && arena->failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the examination");
  return e.status;
}

assay_status assay_machine_doctor(const assay_machine *machine, assay_error *err, assay_check_list **checks) {
  if (machine->replayed) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "the doctor looks at this machine, not at a capture of another");
  assay_check_list *list = NULL;
  assay_status status = assay_check_list_create(err, &list);
  if (status != ASSAY_OK) return status;
  const assay_source source = {.kind = ASSAY_SOURCE_LIVE, .root = "", .complete = true};
  assay_doctor_sample before, after;
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_MACHINE);
  assay_doctor_take(&source, &arena, &before);
  assay_os_sleep_ns(250000000);
  assay_doctor_take(&source, &arena, &after);
  status = assay_doctor_examine(machine, &source, &arena, &before, &after, list, err);
  assay_arena_deinit(&arena);
  if (status == ASSAY_OK)
    *checks = list;
  else
    assay_check_list_destroy(list);
  return status;
}

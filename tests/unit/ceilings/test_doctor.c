/* SPDX-License-Identifier: MIT */
/* A quiet machine and a noisy one, as trees of /proc and /sys. */
#include "machine/doctor.h"

#include "machine/facts.h"
#include "os/prim.h"
#include "test.h"

typedef struct file {
  const char *path, *text;
} file;

static const file quiet[] = {
    {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"},
    {"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n"},
    {"sys/devices/system/cpu/cpu2/online", "1\n"},
    {"sys/devices/system/cpu/cpu3/online", "1\n"},
    {"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "0\n"},
    {"sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"},
    {"sys/devices/system/cpu/cpu0/cpuidle/state0/name", "POLL\n"},
    {"sys/devices/system/cpu/cpu0/cpuidle/state0/latency", "0\n"},
    {"sys/devices/system/cpu/cpu0/cpuidle/state1/name", "C6\n"},
    {"sys/devices/system/cpu/cpu0/cpuidle/state1/latency", "170\n"},
    {"sys/devices/system/cpu/cpu0/cpuidle/state1/disable", "1\n"},
    {"sys/devices/system/cpu/smt/active", "0\n"},
    {"sys/devices/system/cpu/isolated", "2-3\n"},
    {"sys/class/power_supply/AC/type", "Mains\n"},
    {"sys/class/power_supply/AC/online", "1\n"},
    {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"sys/kernel/mm/ksm/run", "0\n"},
    {"sys/fs/cgroup/cpu.stat", "usage_usec 1\nnr_periods 9\nnr_throttled 0\nthrottled_usec 0\n"},
    {"sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
    {"sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm\n"},
    {"sys/bus/event_source/devices/cpu/type", "4\n"},
    {"proc/loadavg", "0.10 0.20 0.30 1/100 4242\n"},
    {"proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2 3\n"},
    {"proc/17/stat", "17 (quiet (one) ) S 1 17 17 0 -1 4194560 0 0 0 0 5 5 0 0 20 0 1 0 1 1 1\n"},
    {"proc/pressure/cpu", "some avg10=0.50 avg60=0.10 avg300=0.00 total=1\n"},
    {"proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"},
    {"proc/pressure/io", "some avg10=1.00 avg60=0.00 avg300=0.00 total=0\n"},
    {"proc/meminfo", "MemTotal: 1000 kB\nSwapTotal:     100 kB\nSwapFree:      100 kB\n"},
    {"proc/sys/kernel/numa_balancing", "0\n"},
    {"proc/sys/kernel/randomize_va_space", "2\n"},
    {"proc/sys/kernel/perf_event_paranoid", "-1\n"},
    {"proc/sys/kernel/nmi_watchdog", "0\n"},
    {NULL, NULL},
};

/* What differs on the noisy machine. */
static const file noisy[] = {
    {"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n"},
    {"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "12\n"},
    {"sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"},
    {"sys/devices/system/cpu/cpu0/cpuidle/state1/disable", "0\n"},
    {"sys/devices/system/cpu/smt/active", "1\n"},
    {"sys/devices/system/cpu/isolated", "\n"},
    {"sys/class/power_supply/AC/online", "0\n"},
    {"sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"},
    {"sys/kernel/mm/ksm/run", "1\n"},
    {"sys/fs/cgroup/cpu.stat", "usage_usec 1\nnr_periods 9\nnr_throttled 7\nthrottled_usec 5\n"},
    {"sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"},
    {"proc/loadavg", "3.10 0.20 0.30 1/100 4242\n"},
    {"proc/pressure/cpu", "some avg10=42.50 avg60=0.10 avg300=0.00 total=1\n"},
    {"proc/pressure/memory", "some avg10=2.00 avg60=0.00 avg300=0.00 total=0\n"},
    {"proc/pressure/io", "some avg10=30.00 avg60=0.00 avg300=0.00 total=0\n"},
    {"proc/meminfo", "MemTotal: 1000 kB\nSwapTotal:     4096 kB\nSwapFree:      2048 kB\n"},
    {"proc/sys/kernel/numa_balancing", "1\n"},
    {"proc/sys/kernel/perf_event_paranoid", "4\n"},
    {"proc/sys/kernel/nmi_watchdog", "1\n"},
    {"proc/stat", "cpu  300 0 300 1360 0 0 0 40 0 0\n"},
    {"proc/17/stat", "17 (quiet (one) ) S 1 17 17 0 -1 4194560 0 0 0 0 5 6 0 0 20 0 1 0 1 1 1\n"},
    {"proc/99/stat", "99 (hungry) R 1 99 99 0 -1 4194560 0 0 0 0 100 25 0 0 20 0 1 0 1 1 1\n"},
    {"proc/98/stat", "98 (irqbalance) S 1 98 98 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 1 1 1\n"},
    {NULL, NULL},
};

static void write_tree(const char *root, const file *files) {
  for (const file *f = files; f->path != NULL; f++) {
    char path[4200];
    assay_error err = {0};
    snprintf(path, sizeof path, "%s/%s", root, f->path);
    char *slash = strrchr(path, '/');
    *slash = '\0';
    assert_ok(assay_os_make_dirs(path, &err), err);
    *slash = '/';
    assert_ok(assay_os_write_file(path, f->text, strlen(f->text), &err), err);
  }
}

static assay_source make_tree(const char *name, const file *base, const file *over) {
  static char roots[8][4200];
  static unsigned next;
  char *root = roots[next++];
  snprintf(root, sizeof roots[0], "%s/%s", test_temp_dir(), name);
  assay_error err = {0};
  assert_ok(assay_os_make_dirs(root, &err), err);
  if (base != NULL) write_tree(root, base);
  if (over != NULL) write_tree(root, over);
  return (assay_source){.kind = ASSAY_SOURCE_TREE, .root = root, .complete = true};
}

static assay_machine *make_machine(bool is_quiet) {
  assay_machine *machine = NULL;
  assay_error err = {0};
  assert_ok(assay_facts_create(&err, &machine), err);
  assay_context context = {.machine = machine, .arena = &machine->arena, .component = "test"};
  assay_put_bool(&context, !is_quiet, "virtualisation.guest");
  if (!is_quiet) assay_put_text(&context, "KVM", NULL, "virtualisation.hypervisor");
  if (is_quiet)
    assay_put_unavailable(&context, "no cgroup of this process limits its CPU time", "cpu.quota_cores");
  else
    assay_put_real(&context, 1.5, "cpu.quota_cores");
  assay_put_integer(&context, 2, "numa.count");
  assay_put_text(&context, "spectre_v1", NULL, "kernel.mitigations");
  assay_put_integer(&context, 512, "isa.vector_bits");
  return machine;
}

static assay_check_list *examine(const assay_machine *machine, const assay_source *source, const assay_source *earlier) {
  assay_check_list *list = NULL;
  assay_error err = {0};
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_MACHINE);
  assay_doctor_sample before, after;
  assay_doctor_take(earlier, &arena, &before);
  assay_doctor_take(source, &arena, &after);
  assert_ok(assay_check_list_create(&err, &list), err);
  assert_ok(assay_doctor_examine(machine, source, &arena, &before, &after, list, &err), err);
  assay_arena_deinit(&arena);
  return list;
}

static const assay_check *find(const assay_check_list *list, const char *name) {
  for (size_t i = 0; i < list->count; i++) {
    if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
  }
  fail_msg("there is no row %s", name);
  return NULL;
}

static void a_quiet_machine_passes_and_gets_no_advice(void **state) {
  (void)state;
  assay_source source = make_tree("quiet", quiet, NULL);
  const file later[] = {{"proc/stat", "cpu  200 0 200 1600 0 0 0 0 0 0\n"}, {NULL, NULL}};
  assay_source now = make_tree("quiet-later", quiet, later);
  assay_machine *machine = make_machine(true);
  assay_check_list *list = examine(machine, &now, &source);
  for (size_t i = 0; i < list->count; i++) {
    const assay_check *row = &list->items[i];
    if (strcmp(row->name, "This build") == 0) continue; /* tests are built with sanitizers too */
    if (row->status != ASSAY_CHECK_PASS) fail_msg("%s: %s, %s", row->name, assay_check_status_text(row->status), row->cause);
    assert_null(row->recommendation);
    assert_non_null(row->measured);
  }
  assay_check_list_destroy(list);
  assay_machine_destroy(machine);
}

static void a_noisy_machine_gets_the_figure_and_the_command(void **state) {
  (void)state;
  assay_source earlier = make_tree("noisy-earlier", quiet, NULL), source = make_tree("noisy", quiet, noisy);
  assay_machine *machine = make_machine(false);
  assay_check_list *list = examine(machine, &source, &earlier);
  const struct {
    const char *name, *measured, *command;
  } rows[] = {
      {"Frequency governor", "powersave on 1 of 2 CPUs", "cpupower frequency-set -g performance"},
      {"Turbo boost", "on", "intel_pstate/no_turbo"},
      {"Idle states", "C6 170 us", "cpupower idle-set"},
      {"Power source", "battery", "plug"},
      {"Thermal throttling", "12 times since boot", "cooling"},
      {"Hyperthreads (SMT)", "on", "smt/control"},
      {"Isolated CPUs", "none", "isolcpus="},
      {"Load average", "3.10", "ps -eo"},
      {"Other programs at work", "hungry (99) 50 %", "taskset"},
      {"Time stolen by the hypervisor", "4.0 %", "dedicated"},
      {"Virtual machine", "KVM", "bare metal"},
      {"CPU quota", "1.50 CPUs", "--cpus"},
      {"Stopped by the quota", "7 times", "quota"},
      {"CPU pressure", "42.5 %", "ps -eo"},
      {"Memory pressure", "2.0 %", "ps -eo"},
      {"I/O pressure", "30.0 %", "iotop"},
      {"Swap in use", "2.000 MiB", "swapoff"},
      {"Transparent huge pages", "always", "echo madvise"},
      {"Page merging (KSM)", "on", "ksm/run"},
      {"NUMA balancing", "on", "numa_balancing=0"},
      {"Clock source", "hpet", "echo tsc"},
      {"Hardware counters", "kernel.perf_event_paranoid = 4", "perf_event_paranoid=1"},
      {"NMI watchdog", "on", "nmi_watchdog=0"},
      {"Interrupt balancing", "irqbalance is running", "systemctl stop irqbalance"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const assay_check *row = find(list, rows[i].name);
    if (row->status != ASSAY_CHECK_FAIL) fail_msg("%s: %s", row->name, assay_check_status_text(row->status));
    assert_string_equal(row->measured, rows[i].measured);
    if (strstr(row->recommendation, rows[i].command) == NULL) fail_msg("%s: %s", row->name, row->recommendation);
  }
  assert_int_equal(find(list, "Address randomisation (ASLR)")->status, ASSAY_CHECK_PASS);
  assay_check_list_destroy(list);
  assay_machine_destroy(machine);
}

static void an_empty_system_is_unavailable_with_causes(void **state) {
  (void)state;
  assay_source source = make_tree("empty", NULL, NULL);
  assay_machine *machine = NULL;
  assay_error err = {0};
  assert_ok(assay_facts_create(&err, &machine), err);
  assay_check_list *list = examine(machine, &source, &source);
  for (size_t i = 0; i < list->count; i++) {
    const assay_check *row = &list->items[i];
    if (strcmp(row->name, "This build") == 0) continue;
    if (row->status != ASSAY_CHECK_UNAVAILABLE) fail_msg("%s: %s", row->name, assay_check_status_text(row->status));
    assert_true(row->cause != NULL && row->cause[0] != '\0');
    assert_null(row->measured);
  }
  assay_check_list_destroy(list);
  assay_machine_destroy(machine);
}

/* A core type that somebody set for another machine makes every product slower and shows nowhere. */
static void openblas_held_to_narrow_kernels_is_said(void **state) {
  (void)state;
  const struct {
    const char *core;
    bool fine;
  } rows[] = {{"Haswell", false}, {"ZEN", false}, {"nehalem", false}, {"SkylakeX", true}, {"a name to come", true}, {"", true}};
  assay_source source = make_tree("openblas", quiet, NULL);
  assay_machine *machine = make_machine(true);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    setenv("OPENBLAS_CORETYPE", rows[i].core, 1);
    assay_check_list *list = examine(machine, &source, &source);
    const assay_check *row = find(list, "OpenBLAS's kernels");
    if ((row->status == ASSAY_CHECK_PASS) != rows[i].fine) fail_msg("'%s': %s", rows[i].core, assay_check_status_text(row->status));
    if (!rows[i].fine) {
      assert_non_null(strstr(row->measured, rows[i].core));
      assert_non_null(strstr(row->cause, "of the 512"));
      assert_string_equal(row->recommendation, "unset OPENBLAS_CORETYPE");
    }
    assay_check_list_destroy(list);
  }
  unsetenv("OPENBLAS_CORETYPE");
  assay_machine_destroy(machine);
}

/* Kernels for a Sandy Bridge are its own: 256 bits, no multiply-adds, and nothing wider to be had. */
static void openblas_of_an_old_processor_is_fine(void **state) {
  (void)state;
  assay_source source = make_tree("openblas-old", quiet, NULL);
  assay_machine *machine = NULL;
  assay_error err = {0};
  assert_ok(assay_facts_create(&err, &machine), err);
  assay_context context = {.machine = machine, .arena = &machine->arena, .component = "test"};
  assay_put_integer(&context, 256, "isa.vector_bits");
  assay_put_bool(&context, false, "isa.avx2");
  setenv("OPENBLAS_CORETYPE", "Sandybridge", 1);
  assay_check_list *list = examine(machine, &source, &source);
  assert_int_equal(find(list, "OpenBLAS's kernels")->status, ASSAY_CHECK_PASS);
  assay_check_list_destroy(list);
  unsetenv("OPENBLAS_CORETYPE");
  assay_machine_destroy(machine);
}

static void a_capture_has_no_doctor(void **state) {
  (void)state;
  assay_machine *machine = make_machine(true);
  machine->replayed = true;
  assay_check_list *list = NULL;
  assert_int_equal(assay_machine_doctor(machine, NULL, &list), ASSAY_ERR_UNSUPPORTED);
  assert_null(list);
  assay_machine_destroy(machine);
}

int main(void) {
  unsetenv("OPENBLAS_CORETYPE");
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_quiet_machine_passes_and_gets_no_advice),  cmocka_unit_test(a_noisy_machine_gets_the_figure_and_the_command),
      cmocka_unit_test(an_empty_system_is_unavailable_with_causes), cmocka_unit_test(openblas_of_an_old_processor_is_fine),
      cmocka_unit_test(openblas_held_to_narrow_kernels_is_said),    cmocka_unit_test(a_capture_has_no_doctor),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

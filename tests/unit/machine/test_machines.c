/* SPDX-License-Identifier: MIT */
/* Small captures of machines that are odd in one way each, written here; they need nothing from outside. */
#include "capture.h"
#include "machine/ceilings/measure.h"
#include "test.h"

#define CPU "sys/devices/system/cpu/cpu%u/"

static void online(capture *c, const char *list) {
  capture_file(c, "sys/devices/system/cpu/online", list);
  capture_file(c, "sys/devices/system/cpu/possible", list);
  capture_file(c, "sys/devices/system/cpu/present", list);
}

/* A prime core, three big ones and four little ones, as in phones. */
static void three_core_kinds(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "phone.tar.zst", ARCHIVE_FILTER_ZSTD);
  online(&c, "0-7\n");
  for (unsigned cpu = 0; cpu < 8; cpu++) {
    char list[8];
    snprintf(list, sizeof list, "%u", cpu);
    capture_cpu(&c, cpu, 0, cpu, list, "0-7");
    capture_filef(&c, cpu < 4 ? "325\n" : cpu < 7 ? "828\n" : "1024\n", CPU "cpu_capacity", cpu);
    capture_filef(&c, cpu < 4 ? "1800000\n" : cpu < 7 ? "2500000\n" : "3000000\n", CPU "cpufreq/cpuinfo_max_freq", cpu);
  }
  capture_file(&c, "proc/cpuinfo",
               "processor\t: 0\nFeatures\t: fp asimd aes asimdhp asimddp i8mm bf16\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU "
               "part\t: 0xd46\n\n"
               "processor\t: 7\nFeatures\t: fp asimd aes asimdhp asimddp sve i8mm\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU "
               "part\t: 0xd48\n");
  assay_machine *m = replay(capture_end(&c));
  expect_integer(m, "cpu.cores", 8);
  expect_text(m, "cpu.kinds.0.cpus", "7");
  expect_integer(m, "cpu.kinds.0.capacity", 1024);
  expect_integer(m, "cpu.kinds.0.frequency_max_hz", INT64_C(3000000000));
  expect_text(m, "cpu.kinds.1.class", "performance"); /* 828 is nearer to 1024 than to 325 */
  expect_text(m, "cpu.kinds.1.cpus", "4-6");
  expect_text(m, "cpu.kinds.2.class", "efficiency");
  expect_integer(m, "cpu.performance_cores", 4);
  expect_integer(m, "cpu.efficiency_cores", 4);
  expect_text(m, "isa.features", "fp asimd aes asimdhp asimddp i8mm"); /* what only some cores have is not usable */
  expect_bool(m, "isa.bf16", false);
  expect_bool(m, "isa.sve", false);
  expect_text(m, "cpu.architecture", "aarch64");
  unsigned cpus[8];
  assert_int_equal(assay_machine_cpus(m, ASSAY_CORES_PERFORMANCE, cpus, 8), 4);
  assert_int_equal(cpus[0], 7);
  assay_machine_destroy(m);
}

/* One machine under a kernel and a microcode; both decide which instruction sets are on, and what the highest frequency is. */
static assay_machine *updated(const char *name, const char *microcode, const char *flags, const char *uname, const char *highest,
                              const char *stepping) {
  capture c;
  char text[600];
  capture_begin(&c, name, ARCHIVE_FILTER_GZIP);
  online(&c, "0-1\n");
  for (unsigned cpu = 0; cpu < 2; cpu++) {
    char own[8];
    snprintf(own, sizeof own, "%u", cpu);
    capture_cpu(&c, cpu, 0, cpu, own, "0-1");
    capture_filef(&c, highest, CPU "cpufreq/cpuinfo_max_freq", cpu);
  }
  snprintf(text, sizeof text,
           "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: Some CPU\nstepping\t: %s\n"
           "microcode\t: %s\nflags\t\t: %s\n",
           stepping, microcode, flags);
  capture_file(&c, "proc/cpuinfo", text);
  capture_file(&c, "proc/meminfo", "MemTotal: 16000000 kB\n");
  capture_file(&c, "assay/uname", uname);
  return replay(capture_end(&c));
}

static void the_id_outlives_updates(void **state) {
  (void)state;
  const char *old_kernel = "sysname: Linux\nrelease: 6.1.0\nversion: #1 SMP\nmachine: x86_64\n",
             *new_kernel = "sysname: Linux\nrelease: 6.18.2\nversion: #7 SMP\nmachine: x86_64\n";
  assay_machine *before = updated("before.tar.gz", "0x1", "fpu sse sse2 avx avx2", old_kernel, "3000000\n", "1"),
                *after = updated("after.tar.gz", "0x2", "fpu sse sse2 avx", new_kernel, "3700000\n", "1"),
                *other = updated("other.tar.gz", "0x1", "fpu sse sse2 avx avx2", old_kernel, "3000000\n", "2");
  expect_text(before, "kernel.release", "6.1.0");
  expect_text(after, "kernel.release", "6.18.2");
  expect_text(after, "cpu.microcode", "0x2");
  assert_string_equal(assay_machine_id(before), assay_machine_id(after));
  assert_string_not_equal(assay_machine_id(before), assay_machine_id(other));
  assay_machine_destroy(before);
  assay_machine_destroy(after);
  assay_machine_destroy(other);
}

/* CPUs 0 and 1 are hardware threads of one core. */
static assay_machine *hyperthreads(const char *name, unsigned count) {
  capture c;
  char list[16];
  capture_begin(&c, name, ARCHIVE_FILTER_NONE);
  snprintf(list, sizeof list, "0-%u\n", count - 1);
  online(&c, list);
  snprintf(list, sizeof list, "0-%u", count - 1);
  for (unsigned cpu = 0; cpu < count; cpu++) capture_cpu(&c, cpu, 0, cpu / 2, cpu < 2 ? "0-1" : "2-3", list);
  return replay(capture_end(&c));
}

static void waking_another_core_needs_another_core(void **state) {
  (void)state;
  static assay_ceilings_run run;
  assay_machine *two = hyperthreads("two.tar", 4), *one = hyperthreads("one.tar", 2);
  assay_ceilings_run_init(&run, two, true);
  assert_null(run.no_other_core);
  assert_int_equal(run.cpus[0], 0);
  assert_int_equal(run.other_core, 2);
  assay_ceilings_run_init(&run, one, true);
  assert_string_equal(run.no_other_core, "this process may use hardware threads of one core only");
  assay_machine_destroy(two);
  assay_machine_destroy(one);
}

/* Two core complexes with a last-level cache each; SMT switched off; two CPUs isolated. */
static void core_complexes_smt_off_isolated(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "ccx.tar.gz", ARCHIVE_FILTER_GZIP);
  online(&c, "0-7\n");
  capture_file(&c, "sys/devices/system/cpu/isolated", "6-7\n");
  capture_file(&c, "sys/devices/system/cpu/smt/active", "0\n");
  capture_file(&c, "sys/devices/system/cpu/smt/control", "off\n");
  capture_file(&c, "proc/cmdline", "BOOT_IMAGE=/vmlinuz root=UUID=1234 ro isolcpus=6-7 nosmt quiet ip=10.0.0.7\n");
  for (unsigned cpu = 0; cpu < 8; cpu++) {
    char own[8];
    snprintf(own, sizeof own, "%u", cpu);
    capture_cpu(&c, cpu, 0, cpu, own, "0-7");
    capture_cache(&c, cpu, 0, 1, "Data\n", "32K\n", own);
    capture_cache(&c, cpu, 1, 3, "Unified\n", "16384K\n", cpu < 4 ? "0-3" : "4-7");
  }
  assay_machine *m = replay(capture_end(&c));
  expect_cache(m, 3, "unified", 16 << 20, 2, 4);
  expect_cache(m, 1, "data", 32 << 10, 8, 1);
  expect_unavailable(m, "caches.0.ways", "no such figure");
  expect_text(m, "cpu.isolated", "6-7");
  expect_text(m, "cpu.smt_control", "off");
  expect_bool(m, "cpu.smt_active", false);
  expect_text(m, "kernel.parameters", "isolcpus=6-7 nosmt");
  expect_unavailable(m, "cpu.model", "/proc/cpuinfo");
  expect_unavailable(m, "isa.avx2", "/proc/cpuinfo");
  assay_machine_destroy(m);
}

/* The tightest group between the process and the root counts, for memory and for CPU time. */
static void nested_cgroup_v2_limits(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "cgroup2.tar.bz2", ARCHIVE_FILTER_BZIP2);
  online(&c, "0-3\n");
  for (unsigned cpu = 0; cpu < 4; cpu++) {
    char own[8];
    snprintf(own, sizeof own, "%u", cpu);
    capture_cpu(&c, cpu, 0, cpu, own, "0-3");
  }
  capture_file(&c, "proc/meminfo", "MemTotal:       16777216 kB\nMemFree:         8388608 kB\nMemAvailable:   12582912 kB\n");
  capture_file(&c, "proc/self/cgroup", "0::/a.slice/b.service/c\n");
  capture_file(&c, "proc/mounts", "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n");
  capture_file(&c, "sys/fs/cgroup/a.slice/memory.max", "4294967296\n");
  capture_file(&c, "sys/fs/cgroup/a.slice/b.service/memory.max", "1073741824\n");
  capture_file(&c, "sys/fs/cgroup/a.slice/b.service/memory.current", "805306368\n");
  capture_file(&c, "sys/fs/cgroup/a.slice/b.service/memory.stat", "anon 1\nfile 2\ninactive_file 268435456\n");
  capture_file(&c, "sys/fs/cgroup/a.slice/b.service/c/memory.max", "max\n");
  capture_file(&c, "sys/fs/cgroup/a.slice/cpu.max", "150000 100000\n");
  capture_file(&c, "sys/fs/cgroup/a.slice/b.service/c/cpu.max", "max 100000\n");
  assay_machine *m = replay(capture_end(&c));
  expect_text(m, "cgroup.version", "v2");
  expect_integer(m, "memory.total_bytes", INT64_C(16) << 30);
  expect_integer(m, "memory.limit_bytes", INT64_C(1) << 30);
  expect_integer(m, "memory.usable_bytes", INT64_C(1) << 30);
  expect_integer(m, "memory.usable_available_bytes", INT64_C(512) << 20); /* 1024 - (768 - 256) MiB */
  double cores = 0;
  assert_true(assay_machine_get_f64(m, "cpu.quota_cores", &cores));
  assert_near(cores, 1.5, 1e-9);
  assert_int_equal(assay_machine_cpus(m, ASSAY_CORES_ALL, NULL, 0), 4);
  assert_int_equal(assay_ceilings_threads(m), 2); /* more would only wait for their turn */
  assay_machine_destroy(m);
}

/* In a container with cgroups v1 the path is the host's and is not there; the container's own group is at the top of the mount. */
static void cgroup_v1_in_a_container(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "cgroup1.tar", ARCHIVE_FILTER_NONE);
  online(&c, "0\n");
  capture_file(&c, "proc/meminfo", "MemTotal:       16777216 kB\n");
  capture_file(&c, "proc/self/cgroup", "4:memory:/docker/0123\n2:cpu,cpuacct:/docker/0123\n");
  capture_file(&c, "proc/mounts",
               "cgroup /sys/fs/cgroup/memory cgroup ro,memory 0 0\ncgroup /sys/fs/cgroup/cpu,cpuacct cgroup ro,cpu,cpuacct 0 0\n");
  capture_file(&c, "sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
  capture_file(&c, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "50000\n");
  capture_file(&c, "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  assay_machine *m = replay(capture_end(&c));
  expect_integer(m, "memory.limit_bytes", 512 << 20);
  double cores = 0;
  assert_true(assay_machine_get_f64(m, "cpu.quota_cores", &cores));
  assert_near(cores, 0.5, 1e-9);
  expect_text(m, "virtualisation.container", "docker");
  assay_machine_destroy(m);
}

/* A node with memory and no CPU, as CXL or a GPU gives. */
static void memory_only_node(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "cxl.tar", ARCHIVE_FILTER_NONE);
  online(&c, "0-1\n");
  capture_cpu(&c, 0, 0, 0, "0", "0-1");
  capture_cpu(&c, 1, 0, 1, "1", "0-1");
  capture_file(&c, "sys/devices/system/node/online", "0,2\n");
  capture_file(&c, "sys/devices/system/node/node0/cpumap", "3\n");
  capture_file(&c, "sys/devices/system/node/node0/meminfo", "Node 0 MemTotal:  1048576 kB\n");
  capture_file(&c, "sys/devices/system/node/node0/distance", "10 20\n");
  capture_file(&c, "sys/devices/system/node/node2/cpumap", "0\n");
  capture_file(&c, "sys/devices/system/node/node2/meminfo", "Node 2 MemTotal:  4194304 kB\n");
  capture_file(&c, "sys/devices/system/node/node2/distance", "20 10\n");
  assay_machine *m = replay(capture_end(&c));
  expect_integer(m, "numa.count", 2);
  expect_integer(m, "numa.nodes.1.id", 2);
  expect_integer(m, "numa.nodes.1.memory_bytes", INT64_C(4) << 30);
  expect_text(m, "numa.nodes.0.cpus", "0-1");
  assay_machine_destroy(m);
}

/* Nothing but an empty /sys: every fact is a cause, and nothing of the machine that replays leaks in. */
static void almost_nothing(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "nothing.tar", ARCHIVE_FILTER_NONE);
  capture_member(&c, "capture/sys/", AE_IFDIR, NULL, false, 0);
  capture_file(&c, "capture/proc/sys/kernel/osrelease", "6.1.0\n");
  assay_machine *m = replay(capture_end(&c));
  expect_unavailable(m, "memory.total_bytes", "/proc/meminfo is not in the capture");
  expect_unavailable(m, "cpu.model", "/proc/cpuinfo is not in the capture");
  expect_unavailable(m, "caches", "topology");
  expect_unavailable(m, "os.name", "/etc/os-release");
  expect_unavailable(m, "virtualisation.container", "capture");
  uint64_t threads = 0;
  if (assay_machine_get_u64(m, "cpu.threads", &threads)) assert_true(threads <= 1);
  assay_machine_destroy(m);
}

static void devices_sensors_and_power(void **state) {
  (void)state;
  capture c;
  capture_begin(&c, "devices.tar.xz", ARCHIVE_FILTER_XZ);
  online(&c, "0\n");
  capture_file(&c, "sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");
  capture_file(&c, "sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
  capture_file(&c, "sys/bus/pci/devices/0000:00:02.0/device", "0xa7a0\n");
  capture_member(&c, "sys/bus/pci/devices/0000:00:02.0/driver", AE_IFLNK, "../../../../bus/pci/drivers/i915", false, 0);
  capture_file(&c, "sys/bus/pci/devices/0000:01:00.0/class", "0x030200\n");
  capture_file(&c, "sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
  capture_file(&c, "sys/bus/pci/devices/0000:01:00.0/device", "0x2335\n");
  capture_file(&c, "proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H200\nIRQ:   1\nGPU UUID: \t GPU-1\n");
  capture_file(&c, "sys/class/accel/accel0/device/vendor", "0x8086\n");
  capture_file(&c, "sys/class/accel/accel0/device/device", "0x7d1d\n");
  capture_file(&c, "sys/class/hwmon/hwmon0/name", "coretemp\n");
  capture_file(&c, "sys/class/hwmon/hwmon0/temp1_input", "45500\n");
  capture_file(&c, "sys/class/hwmon/hwmon0/temp1_label", "Package id 0\n");
  capture_file(&c, "sys/class/hwmon/hwmon0/fan1_input", "1200\n");
  capture_file(&c, "sys/class/hwmon/hwmon0/temp2_input", "");
  capture_file(&c, "sys/class/powercap/intel-rapl:0/name", "package-0\n");
  capture_file(&c, "sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw", "28000000\n");
  capture_file(&c, "sys/class/power_supply/AC/type", "Mains\n");
  capture_file(&c, "sys/class/power_supply/AC/online", "0\n");
  capture_file(&c, "sys/class/power_supply/BAT0/type", "Battery\n");
  capture_file(&c, "sys/class/power_supply/BAT0/status", "Discharging\n");
  assay_machine *m = replay(capture_end(&c));
  expect_text(m, "gpus.0.vendor", "Intel");
  expect_text(m, "gpus.0.driver", "i915");
  expect_bool(m, "gpus.0.integrated", true);
  expect_text(m, "gpus.1.name", "NVIDIA H200");
  expect_text(m, "gpus.1.device_id", "0x2335");
  expect_bool(m, "gpus.1.integrated", false);
  expect_unavailable(m, "gpus.1.memory_bytes", "mem_info_vram_total");
  expect_text(m, "accelerators.0.device_id", "0x7d1d");
  expect_text(m, "sensors.0.name", "Package id 0");
  double value = 0;
  assert_true(assay_machine_get_f64(m, "sensors.0.celsius", &value));
  assert_near(value, 45.5, 1e-9);
  expect_unavailable(m, "sensors.1.celsius", "empty");
  assert_true(assay_machine_get_f64(m, "sensors.2.rpm", &value));
  assert_near(value, 1200, 0);
  expect_text(m, "power.domains.0.name", "package-0");
  expect_unavailable(m, "power.domains.0.energy_joules", "energy_uj");
  assert_true(assay_machine_get_f64(m, "power.domains.0.limit_watts", &value));
  assert_near(value, 28, 1e-9);
  expect_bool(m, "power.on_battery", true);
  assay_machine_destroy(m);
}

static assay_machine *listing(const char *text) { return replay(capture_bytes("mac.sysctl", text, strlen(text))); }

static void macs_of_other_kinds(void **state) {
  (void)state;
  assay_machine *m = listing(
      "hw.ncpu = 8\nhw.physicalcpu = 4\nhw.logicalcpu = 8\nhw.activecpu = 8\nhw.packages = 1\nhw.machine = x86_64\n"
      "hw.memsize = 17179869184\nhw.cacheconfig = 8 2 2 8 0\nhw.l1dcachesize = 32768\nhw.l2cachesize = 262144\n"
      "hw.l3cachesize = 8388608\nhw.optional.avx2_0 = 1\nhw.optional.avx512f = 0\nkern.hv_vmm_present = 0\n"
      "machdep.cpu.brand_string = Intel(R) Core(TM) i7-7700K CPU @ 4.20GHz\n");
  expect_integer(m, "cpu.cores", 4);
  expect_integer(m, "cpu.threads_per_core", 2);
  expect_integer(m, "cpu.performance_cores", 4);
  expect_integer(m, "cpu.efficiency_cores", 0);
  expect_cache(m, 1, "data", 32768, 4, 2);
  expect_cache(m, 3, "unified", 8 << 20, 1, 8);
  expect_bool(m, "isa.avx2", true);
  expect_bool(m, "isa.avx512f", false);
  expect_bool(m, "virtualisation.guest", false);
  assay_machine_destroy(m);
  /* No core is invented where a level does not say how many it has. */
  m = listing(
      "hw.nperflevels: 2\nhw.perflevel0.name: Performance\nhw.perflevel1.name: Efficiency\nhw.perflevel1.physicalcpu: 4\nhw.ncpu: 16\n"
      "machdep.cpu.brand_string: Apple M9\n");
  expect_unavailable(m, "cpu.performance_cores", "hw.perflevel0.physicalcpu");
  expect_unavailable(m, "cpu.kinds.0.cores", "hw.perflevel0.physicalcpu");
  expect_integer(m, "cpu.kinds.1.cores", 4);
  expect_integer(m, "cpu.threads", 16);
  assay_machine_destroy(m);
  m = listing("hw.ncpu: 8\nhw.cacheconfig: x\nhw.l1dcachesize: lots\n");
  expect_unavailable(m, "memory.total_bytes", "hw.memsize");
  assay_machine_destroy(m);
}

/* What no machine has is refused with its name; so is what tells nothing. */
static void absurd_listings_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } rows[] = {
      {"hw.ncpu: lots\nhw.memsize: 1024\n", "hw.ncpu: lots"},
      {"hw.ncpu: -5\n", "hw.ncpu: -5"},
      {"hw.ncpu: 8\nhw.memsize: 99999999999999999999999\n", "hw.memsize"},
      {"hw.nperflevels: 2\nhw.perflevel0.physicalcpu: 2000000000\nhw.perflevel1.physicalcpu: 2000000000\nhw.ncpu: 8\n", "no machine has"},
      {"hw.ncpu: 8\nhw.memsize: 9000000000000000000\n", "memory.total_bytes"},
      {"kern.foo: 1\n", "tells nothing of a machine"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char path[600];
    snprintf(path, sizeof path, "%s/absurd.sysctl", test_temp_dir());
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(rows[i].text, file);
    fclose(file);
    assay_error err = {0};
    assay_machine *m = NULL;
    assert_int_not_equal(assay_machine_detect(path, &err, &m), ASSAY_OK);
    assert_null(m);
    if (strstr(err.message, rows[i].says) == NULL) fail_msg("%s: %s", rows[i].text, err.message);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_id_outlives_updates),
      cmocka_unit_test(waking_another_core_needs_another_core),
      cmocka_unit_test(three_core_kinds),
      cmocka_unit_test(core_complexes_smt_off_isolated),
      cmocka_unit_test(nested_cgroup_v2_limits),
      cmocka_unit_test(cgroup_v1_in_a_container),
      cmocka_unit_test(memory_only_node),
      cmocka_unit_test(almost_nothing),
      cmocka_unit_test(devices_sensors_and_power),
      cmocka_unit_test(macs_of_other_kinds),
      cmocka_unit_test(absurd_listings_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

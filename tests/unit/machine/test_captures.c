/* SPDX-License-Identifier: MIT */
/* Captures of real machines. The expected values were read from the captures by hand (their /proc and /sys) and with lstopo. */
#include "capture.h"
#include "test.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static assay_machine *shared_machine(const char *name) {
  char relative[256];
  snprintf(relative, sizeof relative, "data/machines/%s", name);
  const char *path = test_shared_path(relative);
  if (path == NULL) test_skip("the shared captures are not here");
  return replay(path);
}

static void arm_with_128_cores(void **state) {
  (void)state;
  assay_machine *m = shared_machine("128arm-2pa2n8cluster4co.tar.bz2");
  expect_integer(m, "cpu.packages", 2);
  expect_integer(m, "cpu.cores", 128);
  expect_integer(m, "cpu.threads", 128);
  expect_integer(m, "cpu.threads_per_core", 1);
  expect_integer(m, "cpu.threads_allowed", 128);
  expect_text(m, "cpu.architecture", "aarch64");
  expect_text(m, "cpu.vendor", "HiSilicon");
  expect_text(m, "cpu.offline", "none");
  expect_text(m, "cpu.kinds.0.class", "uniform");
  expect_cache(m, 1, "data", 64 * KIB, 128, 1);
  expect_cache(m, 1, "instruction", 64 * KIB, 128, 1);
  expect_cache(m, 2, "unified", 512 * KIB, 128, 1);
  expect_cache(m, 3, "unified", 32 * MIB, 4, 32);
  expect_integer(m, "numa.count", 4);
  expect_integer(m, "numa.nodes.0.memory_bytes", INT64_C(131732940) * 1024);
  expect_integer(m, "numa.nodes.3.memory_bytes", INT64_C(131062408) * 1024);
  expect_text(m, "numa.nodes.2.cpus", "64-95");
  expect_integer(m, "memory.total_bytes", INT64_C(527031224) * 1024);
  expect_integer(m, "memory.available_bytes", INT64_C(478155232) * 1024);
  expect_bool(m, "isa.neon", true);
  expect_bool(m, "isa.sve", false);
  expect_bool(m, "isa.dotprod", true);
  expect_bool(m, "isa.fp16", true);
  expect_bool(m, "isa.bf16", false);
  expect_bool(m, "isa.avx2", false);
  expect_text(m, "kernel.release", "5.15.0-rc1-00005-g4c1b4a4d90b6-dirty");
  expect_unavailable(m, "cpu.frequency_max_hz", "not in the capture");
  expect_unavailable(m, "memory.limit_bytes", "not in the capture");
  expect_unavailable(m, "sensors", "not in the capture");
  expect_unavailable(m, "gpus", "not in the capture");
  assay_machine_destroy(m);
}

static void hybrid_with_two_kinds(void **state) {
  (void)state;
  assay_machine *m = shared_machine("20em64t-hybrid-1p6c2t+2ca4co1t.tar.bz2");
  expect_text(m, "cpu.model", "13th Gen Intel(R) Core(TM) i7-1370P");
  expect_integer(m, "cpu.packages", 1);
  expect_integer(m, "cpu.cores", 14);
  expect_integer(m, "cpu.threads", 20);
  expect_integer(m, "cpu.performance_cores", 6);
  expect_integer(m, "cpu.efficiency_cores", 8);
  expect_text(m, "cpu.kinds.0.class", "performance");
  expect_integer(m, "cpu.kinds.0.cores", 6);
  expect_integer(m, "cpu.kinds.0.threads", 12);
  expect_text(m, "cpu.kinds.0.cpus", "0-11");
  expect_integer(m, "cpu.kinds.0.frequency_max_hz", INT64_C(5200000000));
  expect_text(m, "cpu.kinds.1.class", "efficiency");
  expect_integer(m, "cpu.kinds.1.cores", 8);
  expect_text(m, "cpu.kinds.1.cpus", "12-19");
  expect_integer(m, "cpu.kinds.1.frequency_max_hz", INT64_C(3900000000));
  expect_integer(m, "cpu.frequency_max_hz", INT64_C(5200000000));
  expect_integer(m, "cpu.frequency_base_hz", INT64_C(1900000000));
  expect_text(m, "cpu.frequency_governor", "powersave");
  expect_text(m, "cpu.frequency_driver", "intel_pstate");
  expect_bool(m, "cpu.boost", true);
  expect_bool(m, "cpu.smt_active", true);
  expect_cache(m, 1, "data", 48 * KIB, 6, 2);
  expect_cache(m, 1, "data", 32 * KIB, 8, 1);
  expect_cache(m, 1, "instruction", 32 * KIB, 6, 2);
  expect_cache(m, 1, "instruction", 64 * KIB, 8, 1);
  expect_cache(m, 2, "unified", 1280 * KIB, 6, 2);
  expect_cache(m, 2, "unified", 2048 * KIB, 2, 4);
  expect_cache(m, 3, "unified", 24 * MIB, 1, 20);
  expect_integer(m, "memory.total_bytes", INT64_C(32489496) * 1024);
  expect_text(m, "isa.level", "x86-64-v3");
  expect_bool(m, "isa.avx_vnni", true);
  expect_bool(m, "isa.avx512f", false);
  expect_text(m, "virtualisation.hypervisor", "none");
  expect_text(m, "cgroup.version", "v2");
  unsigned cpus[32];
  assert_int_equal(assay_machine_cpus(m, ASSAY_CORES_PERFORMANCE, cpus, 32), 12);
  for (unsigned i = 0; i < 6; i++) assert_int_equal(cpus[i], 2 * i); /* one thread of each core first */
  assert_int_equal(assay_machine_cpus(m, ASSAY_CORES_EFFICIENCY, cpus, 32), 8);
  assert_int_equal(cpus[0], 12);
  assert_int_equal(assay_machine_cpus(m, ASSAY_CORES_ALL, NULL, 0), 20);
  assay_machine_destroy(m);
}

static void restricted_cpusets(void **state) {
  (void)state;
  assay_machine *m = shared_machine("16amd64-8n2c-cpusets.tar.bz2");
  expect_integer(m, "cpu.packages", 8);
  expect_integer(m, "cpu.threads_present", 16);
  expect_integer(m, "cpu.threads", 15);
  expect_text(m, "cpu.offline", "4");
  expect_integer(m, "cpu.threads_allowed", 10);
  expect_text(m, "cpu.allowed", "0-3,5-6,12-15");
  expect_integer(m, "numa.count", 8);
  expect_bool(m, "numa.nodes.0.allowed", false);
  expect_bool(m, "numa.nodes.1.allowed", true);
  expect_bool(m, "numa.nodes.4.allowed", true);
  expect_bool(m, "numa.nodes.5.allowed", false);
  expect_integer(m, "memory.total_bytes", INT64_C(68717527040));  /* sum over the nodes: there is no /proc/meminfo */
  expect_integer(m, "memory.usable_bytes", INT64_C(34359738368)); /* nodes 1 to 4 of 8 GiB */
  expect_unavailable(m, "memory.available_bytes", "/proc/meminfo");
  expect_text(m, "cpu.architecture", "x86_64");
  expect_text(m, "isa.level", "x86-64-v1");
  expect_cache(m, 2, "unified", 1 * MIB, 15, 1);
  assert_int_equal(assay_machine_cpus(m, ASSAY_CORES_ALL, NULL, 0), 10);
  assay_machine_destroy(m);
}

static void cpu_0_and_node_0_offline(void **state) {
  (void)state;
  assay_machine *m = shared_machine("offline-cpu0-node0.tar.bz2");
  expect_integer(m, "cpu.packages", 2);
  expect_integer(m, "cpu.cores", 17);
  expect_integer(m, "cpu.threads", 17);
  expect_integer(m, "cpu.threads_present", 24);
  expect_text(m, "cpu.online", "4-20");
  expect_text(m, "cpu.offline", "0-3,21-23");
  expect_integer(m, "numa.count", 1);
  expect_integer(m, "numa.nodes.0.id", 1);
  expect_text(m, "numa.nodes.0.cpus", "5,7,9,11,13,15,17,19");
  expect_cache(m, 3, "unified", 30 * MIB, 2, 9);
  expect_integer(m, "cpu.frequency_base_hz", INT64_C(2500000000)); /* the model's name says it */
  expect_text(m, "cgroup.version", "v1");
  unsigned cpus[32];
  assert_int_equal(assay_machine_cpus(m, ASSAY_CORES_ALL, cpus, 32), 17);
  assert_int_equal(cpus[0], 4);
  assay_machine_destroy(m);
}

static void opteron_with_shared_caches(void **state) {
  (void)state;
  assay_machine *m = shared_machine("64amd64-4s2n4ca2co.tar.bz2");
  expect_integer(m, "cpu.packages", 4);
  expect_integer(m, "cpu.cores", 64);
  expect_text(m, "cpu.model", "AMD Opteron(TM) Processor 6276");
  expect_cache(m, 1, "data", 16 * KIB, 64, 1);
  expect_cache(m, 1, "instruction", 64 * KIB, 32, 2);
  expect_cache(m, 2, "unified", 2 * MIB, 32, 2);
  expect_cache(m, 3, "unified", 6 * MIB, 8, 8);
  expect_integer(m, "numa.count", 8);
  expect_integer(m, "memory.total_bytes", INT64_C(123994388) * 1024);
  expect_unavailable(m, "memory.available_bytes", "MemAvailable");
  expect_bool(m, "isa.avx", true);
  expect_bool(m, "isa.avx2", false);
  assay_machine_destroy(m);
}

static void small_arm_without_caches(void **state) {
  (void)state;
  assay_machine *m = shared_machine("2arm-2c.tar.bz2");
  expect_integer(m, "cpu.cores", 2);
  expect_text(m, "cpu.architecture", "arm");
  expect_text(m, "cpu.model", "Cortex-A9");
  expect_unavailable(m, "caches", "cache");
  expect_integer(m, "memory.total_bytes", INT64_C(280840) * 1024);
  expect_integer(m, "cpu.frequency_max_hz", 800000000);
  expect_text(m, "cpu.frequency_governor", "ondemand");
  expect_bool(m, "isa.neon", true);
  assay_machine_destroy(m);
}

static void apple_m1_pro(void **state) {
  (void)state;
  assay_machine *m = shared_machine("apple-m1-pro-10core.sysctl");
  expect_text(m, "cpu.model", "Apple M1 Pro");
  expect_integer(m, "cpu.cores", 10);
  expect_integer(m, "cpu.threads", 10);
  expect_integer(m, "cpu.performance_cores", 8);
  expect_integer(m, "cpu.efficiency_cores", 2);
  expect_cache(m, 1, "data", 128 * KIB, 8, 1);
  expect_cache(m, 1, "instruction", 192 * KIB, 8, 1);
  expect_cache(m, 1, "data", 64 * KIB, 2, 1);
  expect_cache(m, 2, "unified", 12 * MIB, 2, 4);
  expect_cache(m, 2, "unified", 4 * MIB, 1, 2);
  expect_integer(m, "caches.0.line_bytes", 128);
  expect_unavailable(m, "memory.total_bytes", "hw.memsize");
  expect_unavailable(m, "gpus.0.cores", "no sysctl");
  expect_unavailable(m, "memory.bandwidth_bytes_per_s", "no sysctl");
  assay_machine_destroy(m);
}

static void apple_m4_pro(void **state) {
  (void)state;
  assay_machine *m = shared_machine("apple-m4-pro-12core.sysctl");
  expect_text(m, "cpu.model", "Apple M4 Pro");
  expect_integer(m, "cpu.performance_cores", 8);
  expect_integer(m, "cpu.efficiency_cores", 4);
  expect_integer(m, "memory.total_bytes", INT64_C(25769803776));
  expect_cache(m, 2, "unified", 16 * MIB, 2, 4);
  expect_cache(m, 2, "unified", 4 * MIB, 1, 4);
  expect_unavailable(m, "caches.0.line_bytes", "hw.cachelinesize");
  expect_unavailable(m, "accelerators.0.cores", "no sysctl");
  assert_string_equal(assay_machine_label(m), "Apple M4 Pro, 8P+4E cores, 24.0 GiB");
  assay_machine_destroy(m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arm_with_128_cores),
      cmocka_unit_test(hybrid_with_two_kinds),
      cmocka_unit_test(restricted_cpusets),
      cmocka_unit_test(cpu_0_and_node_0_offline),
      cmocka_unit_test(opteron_with_shared_caches),
      cmocka_unit_test(small_arm_without_caches),
      cmocka_unit_test(apple_m1_pro),
      cmocka_unit_test(apple_m4_pro),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

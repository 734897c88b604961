/* SPDX-License-Identifier: MIT */
#include "sample_result.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PROCESSES = 5, RUNS = 12, MAX_METRICS = 6 };
#define STARTED INT64_C(1789632000) /* 2026-09-17 08:00 UTC */

/* ---- Noise that repeats ------------------------------------------------------------------------------------------------------------- */

static uint64_t noise_state;

/* In [-1, 1], more often near 0. */
static double noise(void) {
  double sum = 0;
  for (int i = 0; i < 3; i++) {
    noise_state = noise_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    sum += (double)(noise_state >> 40) / (double)(1 << 24) * 2 - 1;
  }
  return sum / 3;
}

/* ---- Benchmarks --------------------------------------------------------------------------------------------------------------------- */

static assay_metric_result *add_metric(assay_benchmark_result *b, const char *name, const char *unit, assay_metric_kind kind,
                                       assay_better better) {
  assay_metric_result *m = &b->metrics[b->metric_count++];
  *m = (assay_metric_result){.name = name, .unit = unit, .kind = kind, .better = better, .ceiling_share = NAN, .ceiling_value = NAN};
  return m;
}

/* Five processes around `value`; `spread` is the relative half width of what they give. */
static void fill_values(assay_arena *arena, assay_metric_result *m, double value, double spread) {
  m->process_count = PROCESSES;
  m->processes = assay_arena_alloc(arena, PROCESSES, sizeof *m->processes);
  for (size_t i = 0; i < PROCESSES; i++) m->processes[i] = value * (1 + spread * noise());
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < PROCESSES; i++) {
    low = fmin(low, m->processes[i]);
    high = fmax(high, m->processes[i]);
  }
  m->value = value;
  m->ci_low = value * (1 - spread * 0.6);
  m->ci_high = value * (1 + spread * 0.7);
  m->stats = (assay_summary){.processes = PROCESSES,
                             .samples = 412,
                             .set_aside = 9,
                             .median = value,
                             .mean = value * (1 + spread * 0.05),
                             .stddev = value * spread * 0.4,
                             .min = low * (1 - spread / 2),
                             .max = high * (1 + spread * 3),
                             .p50 = value,
                             .p90 = value * (1 + spread * 0.8),
                             .p95 = value * (1 + spread),
                             .p99 = value * (1 + spread * 2),
                             .p999 = NAN,
                             .ci_low = m->ci_low,
                             .ci_high = m->ci_high};
}

static assay_benchmark_result *add_benchmark(test_sample *s, const char *suite, const char *base, const char *params) {
  assay_benchmark_result *b = &s->result->benchmarks[s->result->benchmark_count++];
  *b = (assay_benchmark_result){.suite = suite,
                                .base_name = base,
                                .status = ASSAY_OUTCOME_OK,
                                .steady = ASSAY_STEADY_YES,
                                .set_aside_ratio = 0.021,
                                .set_aside_why = "6 preempted, 3 migrated",
                                .clock_resolution_ns = 0.4,
                                .clock_cost_ns = 9.7,
                                .counters_cause = "perf_event_open: not supported by this virtual machine",
                                .covariates = {.steal_ms = 12,
                                               .voluntary_switches = 3,
                                               .involuntary_switches = 41,
                                               .migrations = 3,
                                               .minor_faults = 812,
                                               .major_faults = 0,
                                               .pressure_us = 2210,
                                               .throttled_us = NAN,
                                               .spin_ratio = 1.01}};
  b->name = params[0] == '\0' ? base : assay_arena_printf(&s->arena, "%s/%s", base, params);
  b->metrics = assay_arena_alloc(&s->arena, MAX_METRICS, sizeof *b->metrics);
  b->params = assay_arena_alloc(&s->arena, ASSAY_BENCH_MAX_PARAMS, sizeof *b->params);
  char *text = assay_arena_strdup(&s->arena, params), *rest = NULL;
  for (char *part = strtok_r(text, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
    char *equals = strchr(part, '=');
    *equals = '\0';
    b->params[b->param_count].name = part;
    b->params[b->param_count++].value = equals + 1;
  }
  return b;
}

static double ceiling_value(const assay_result *r, const char *name) {
  for (size_t i = 0; i < r->ceiling_count; i++) {
    if (strcmp(r->ceilings[i].name, name) == 0) return r->ceilings[i].value;
  }
  return NAN;
}

/* A benchmark that is bound by a bandwidth or a FLOP rate and reaches `share` of it. */
static void add_bound(test_sample *s, const char *base, const char *params, double bytes, double flops, const char *ceiling, double share,
                      double spread) {
  assay_benchmark_result *b = add_benchmark(s, "performance", base, params);
  double limit_ns = (strncmp(ceiling, "flops", 5) == 0 ? flops : bytes) / ceiling_value(s->result, ceiling) * 1e9;
  double ns = limit_ns / share;
  assay_metric_result *m = add_metric(b, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER);
  fill_values(&s->arena, m, ns, spread);
  m->ceiling = ceiling;
  m->ceiling_value = limit_ns;
  m->ceiling_share = share;
  if (bytes > 0)
    fill_values(&s->arena, add_metric(b, "bytes_per_second", "B/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER), bytes / ns * 1e9, spread);
  if (flops > 0) fill_values(&s->arena, add_metric(b, "flops", "FLOP/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER), flops / ns * 1e9, spread);
  fill_values(&s->arena, add_metric(b, "peak_rss", "B", ASSAY_KIND_MEMORY, ASSAY_LOWER), 3.1e6 + bytes / 4, 0.002);
}

static void add_cost(test_sample *s, const char *suite, const char *base, const char *params, double ns, double spread) {
  assay_benchmark_result *b = add_benchmark(s, suite, base, params);
  fill_values(&s->arena, add_metric(b, "time", "ns", ASSAY_KIND_TIME, ASSAY_LOWER), ns, spread);
  fill_values(&s->arena, add_metric(b, "items_per_second", "items/s", ASSAY_KIND_THROUGHPUT, ASSAY_HIGHER), 1e9 / ns, spread);
}

/* Response times whose tail grows by `per_nine` with every nine. */
static assay_latency_curve make_curve(assay_arena *arena, double median, double per_nine) {
  enum { POINTS = 40 };
  assay_latency_curve curve = {.count = POINTS};
  curve.quantiles = assay_arena_alloc(arena, POINTS, sizeof *curve.quantiles);
  curve.values_ns = assay_arena_alloc(arena, POINTS, sizeof *curve.values_ns);
  for (int i = 0; i < POINTS; i++) {
    double nines = i * 0.15;
    curve.quantiles[i] = 1 - pow(10, -nines);
    curve.values_ns[i] = median * (0.82 + 0.18 * fmin(nines / 0.3, 1)) * pow(per_nine, fmax(nines - 0.3, 0)) * (1 + 0.02 * floor(nines));
  }
  return curve;
}

static void add_latency(test_sample *s, const char *base, const char *params, double median, double per_nine, double rate_hz) {
  assay_benchmark_result *b = add_benchmark(s, "trading", base, params);
  assay_metric_result *m = add_metric(b, "latency", "ns", ASSAY_KIND_LATENCY, ASSAY_LOWER);
  fill_values(&s->arena, m, median, 0.03);
  b->latency = make_curve(&s->arena, median, per_nine);
  if (rate_hz > 0) b->service = make_curve(&s->arena, median * 0.9, 1 + (per_nine - 1) * 0.35);
  m->stats.p90 = median * pow(per_nine, 0.7);
  m->stats.p99 = median * pow(per_nine, 1.7);
  m->stats.p999 = median * pow(per_nine, 2.7);
  m->stats.max = b->latency.values_ns[b->latency.count - 1];
  b->rate_hz = rate_hz;
  b->rate_achieved_hz = rate_hz * 0.998;
}

static void add_absent(test_sample *s, const char *suite, const char *base, const char *params, assay_outcome status, const char *reason) {
  assay_benchmark_result *b = add_benchmark(s, suite, base, params);
  b->status = status;
  b->reason = reason;
}

static void fill_benchmarks(test_sample *s) {
  add_bound(s, "elementwise_add", "type=f32/n=4096/layout=contiguous", 49152, 4096, "l1.triad", 0.87, 0.01);
  add_bound(s, "elementwise_add", "type=f32/n=262144/layout=contiguous", 3145728, 262144, "l2.triad", 0.78, 0.02);
  add_bound(s, "elementwise_add", "type=f32/n=16777216/layout=contiguous", 201326592, 16777216, "memory.triad.1t", 0.94, 0.05);
  add_bound(s, "elementwise_add", "type=f64/n=4096/layout=contiguous", 98304, 4096, "l2.triad", 0.81, 0.01);
  add_bound(s, "elementwise_add", "type=f64/n=16777216/layout=contiguous", 402653184, 16777216, "memory.triad.1t", 0.95, 0.04);
  add_bound(s, "elementwise_mul", "type=f32/n=4096/layout=strided8", 49152, 4096, "l1.triad", 0.11, 0.02);
  add_bound(s, "elementwise_mul", "type=bf16/n=4096/layout=contiguous", 24576, 4096, "l1.triad", 0.34, 0.015);
  add_bound(s, "fma_chain", "type=f32", 0, 1048576, "flops.f32.vector", 0.981, 0.004);
  add_bound(s, "fma_chain", "type=f64", 0, 1048576, "flops.f64.vector", 0.978, 0.005);
  add_bound(s, "stencil", "type=f32/n=1048576", 8388608, 14680064, "memory.copy.1t", 0.66, 0.03);
  add_bound(s, "matmul_naive", "type=f32/n=256", 786432, 33554432, "flops.f32.vector", 0.071, 0.02);
  add_bound(s, "matmul_blocked", "type=f32/n=256", 786432, 33554432, "flops.f32.vector", 0.613, 0.018);
  uint64_t kept = noise_state; /* what comes after draws the same noise with or without this */
  assay_benchmark_result *own = &s->result->benchmarks[s->result->benchmark_count - 1];
  fill_values(&s->arena, add_metric(own, "accuracy", "ratio", ASSAY_KIND_ACCURACY, ASSAY_HIGHER), 0.974, 0.002);
  noise_state = kept;
  static const double sizes[] = {1e3, 1e4, 1e5, 1e6};
  for (size_t i = 0; i < 4; i++)
    add_cost(s, "performance", "sort", assay_arena_printf(&s->arena, "n=%.0f", sizes[i]),
             1.31 * sizes[i] * log2(sizes[i]) * (1 + 0.04 * noise()), 0.02);
  for (size_t i = 0; i < 4; i++)
    add_cost(s, "performance", "sum", assay_arena_printf(&s->arena, "n=%.0f", sizes[i]), 0.062 * sizes[i] * (1 + 0.03 * noise()), 0.012);
  add_cost(s, "performance", "alloc_1g", "touch=no", 4480, 0.12);
  add_cost(s, "performance", "alloc_1g", "touch=yes", 2.13e8, 0.08);
  add_cost(s, "performance", "null", "", 0.04, 0.4);
  add_cost(s, "performance", "thread_pingpong", "placement=cross_core", 70100, 0.22);
  s->result->benchmarks[s->result->benchmark_count - 1].steady = ASSAY_STEADY_NO;
  add_absent(s, "performance", "elementwise_add", "type=f16/n=4096/layout=contiguous", ASSAY_OUTCOME_UNSUPPORTED,
             "this CPU has no avx512_fp16 and no F16C arithmetic");
  add_absent(s, "performance", "gpu_copy", "", ASSAY_OUTCOME_UNSUPPORTED, "no OpenCL platform: libOpenCL.so.1 is not there");
  add_absent(s, "performance", "huge_matrix", "n=65536", ASSAY_OUTCOME_FAILED, "killed for memory: 32.0 GiB asked, 23.4 GiB there");
  add_latency(s, "order_insert", "book=1k", 38, 1.62, 0);
  add_latency(s, "order_insert", "book=100k", 61, 1.85, 0);
  add_latency(s, "order_at_rate", "rate=1M", 44, 2.9, 1e6);
  add_absent(s, "trading", "feed_replay", "", ASSAY_OUTCOME_SKIPPED, "no capture named; give one with --input");
}

/* ---- The machine -------------------------------------------------------------------------------------------------------------------- */

static const assay_ceiling sample_ceilings[] = {
    {"l1.read", "B/s", ASSAY_HIGHER, true, 402e9, 399e9, 0.02, "avx512, 24 KiB working set, 1 thread", NULL},
    {"l1.write", "B/s", ASSAY_HIGHER, true, 203e9, 201e9, 0.02, "avx512, 24 KiB working set, 1 thread", NULL},
    {"l1.copy", "B/s", ASSAY_HIGHER, true, 388e9, 380e9, 0.03, "avx512, 24 KiB working set, 1 thread", NULL},
    {"l1.triad", "B/s", ASSAY_HIGHER, true, 310e9, 306e9, 0.03, "avx512, 24 KiB working set, 1 thread", NULL},
    {"l2.read", "B/s", ASSAY_HIGHER, true, 164e9, 160e9, 0.04, "avx512, 1 MiB working set, 1 thread", NULL},
    {"l2.write", "B/s", ASSAY_HIGHER, true, 81e9, 80e9, 0.04, "avx512, 1 MiB working set, 1 thread", NULL},
    {"l2.copy", "B/s", ASSAY_HIGHER, true, 98e9, 96e9, 0.04, "avx512, 1 MiB working set, 1 thread", NULL},
    {"l2.triad", "B/s", ASSAY_HIGHER, true, 104e9, 101e9, 0.04, "avx512, 1 MiB working set, 1 thread", NULL},
    {"l3.read", "B/s", ASSAY_HIGHER, true, 24.1e9, 23e9, 0.09, "avx512, 16 MiB working set, 1 thread", NULL},
    {"l3.write", "B/s", ASSAY_HIGHER, true, 17.8e9, 17e9, 0.09, "avx512, 16 MiB working set, 1 thread", NULL},
    {"l3.copy", "B/s", ASSAY_HIGHER, true, 20.2e9, 19.5e9, 0.08, "avx512, 16 MiB working set, 1 thread", NULL},
    {"l3.triad", "B/s", ASSAY_HIGHER, true, 21.0e9, 20.1e9, 0.08, "avx512, 16 MiB working set, 1 thread", NULL},
    {"memory.read.1t", "B/s", ASSAY_HIGHER, true, 16.2e9, 15.6e9, 0.06, "avx512, 1 GiB working set, 1 thread", NULL},
    {"memory.write.1t", "B/s", ASSAY_HIGHER, true, 10.9e9, 10.1e9, 0.07, "avx512, 1 GiB working set, 1 thread", NULL},
    {"memory.copy.1t", "B/s", ASSAY_HIGHER, true, 14.1e9, 13.7e9, 0.06, "avx512, 1 GiB working set, 1 thread", NULL},
    {"memory.triad.1t", "B/s", ASSAY_HIGHER, true, 15.0e9, 14.4e9, 0.05, "avx512, 1 GiB working set, 1 thread", NULL},
    {"memory.read.2t", "B/s", ASSAY_HIGHER, true, 30.4e9, 29.2e9, 0.06, "avx512, 1 GiB working set, 2 threads", NULL},
    {"memory.triad.2t", "B/s", ASSAY_HIGHER, true, 26.3e9, 25.0e9, 0.06, "avx512, 1 GiB working set, 2 threads", NULL},
    {"memory.write_nt.1t", "B/s", ASSAY_HIGHER, true, 19.9e9, 19.0e9, 0.05, "avx512 non-temporal, 1 GiB working set, 1 thread", NULL},
    {"memory.triad_nt.1t", "B/s", ASSAY_HIGHER, true, 22.0e9, 21.0e9, 0.05, "avx512 non-temporal, 1 GiB working set, 1 thread", NULL},
    {"latency.l1", "ns", ASSAY_LOWER, true, 1.6, 1.62, 0.01, "pointer chase, 24 KiB", NULL},
    {"latency.l2", "ns", ASSAY_LOWER, true, 4.5, 4.6, 0.02, "pointer chase, 1 MiB", NULL},
    {"latency.l3", "ns", ASSAY_LOWER, true, 28.4, 31, 0.11, "pointer chase, 16 MiB", NULL},
    {"latency.memory", "ns", ASSAY_LOWER, true, 118, 124, 0.08, "pointer chase, 1 GiB", NULL},
    {"flops.f64.scalar", "FLOP/s", ASSAY_HIGHER, true, 11.1e9, 11e9, 0.01, "scalar FMA", NULL},
    {"flops.f64.vector", "FLOP/s", ASSAY_HIGHER, true, 87.6e9, 87e9, 0.01, "avx512 FMA", NULL},
    {"flops.f32.scalar", "FLOP/s", ASSAY_HIGHER, true, 11.1e9, 11e9, 0.01, "scalar FMA", NULL},
    {"flops.f32.vector", "FLOP/s", ASSAY_HIGHER, true, 175e9, 174e9, 0.01, "avx512 FMA", NULL},
    {"flops.f16.vector", "FLOP/s", ASSAY_HIGHER, false, 0, 0, 0, NULL, "this CPU has no avx512_fp16"},
    {"flops.bf16.vector", "FLOP/s", ASSAY_HIGHER, true, 344e9, 340e9, 0.02, "avx512_bf16 dot product", NULL},
    {"ops.int8.vector", "OP/s", ASSAY_HIGHER, true, 702e9, 698e9, 0.01, "avx512_vnni", NULL},
    {"flops.f32.vector.2t", "FLOP/s", ASSAY_HIGHER, true, 341e9, 335e9, 0.03, "avx512 FMA, 2 threads", NULL},
    {"os.syscall", "ns", ASSAY_LOWER, true, 71, 74, 0.06, "getppid", NULL},
    {"os.context_switch", "ns", ASSAY_LOWER, true, 1480, 1610, 0.2, "two processes, one pipe each way, one core", NULL},
    {"os.wakeup.same_core", "ns", ASSAY_LOWER, true, 5010, 5400, 0.3, "futex", NULL},
    {"os.wakeup.cross_core", "ns", ASSAY_LOWER, true, 69800, 74000, 0.4, "futex", NULL},
    {"os.thread_start", "ns", ASSAY_LOWER, true, 17300, 19000, 0.2, "create and join", NULL},
    {"os.page_fault", "ns", ASSAY_LOWER, true, 480, 510, 0.1, "first touch of a 4 KiB page", NULL},
    {"os.alloc_1g.untouched", "ns", ASSAY_LOWER, true, 4300, 4700, 0.2, "mmap and munmap", NULL},
    {"os.alloc_1g.touched", "ns", ASSAY_LOWER, true, 2.04e8, 2.1e8, 0.1, "mmap, every page touched, munmap", NULL},
    {"os.fsync", "ns", ASSAY_LOWER, true, 1.1e6, 1.3e6, 0.5, "4 KiB appended to a file in the cache directory", NULL},
    {"clock.cost", "ns", ASSAY_LOWER, true, 9.7, 9.8, 0.02, "rdtsc", NULL},
    {"clock.resolution", "ns", ASSAY_LOWER, true, 0.4, 0.4, 0, "rdtsc", NULL},
};

#define TEXT(key, component, value) \
  { key, component, ASSAY_FACT_TEXT, value, 0, 0 }
#define INTEGER(key, component, value) \
  { key, component, ASSAY_FACT_INTEGER, NULL, (double)(value), (value) }
#define REAL(key, component, value) \
  { key, component, ASSAY_FACT_REAL, NULL, (value), 0 }
#define BOOLEAN(key, component, value) \
  { key, component, ASSAY_FACT_BOOL, NULL, (value), (value) }
#define ABSENT(key, component, cause) \
  { key, component, ASSAY_FACT_UNAVAILABLE, cause, 0, 0 }

static const assay_fact sample_facts[] = {
    TEXT("cpu.model", "linux-cpu", "AMD EPYC 9V74 80-Core Processor"),
    TEXT("cpu.vendor", "linux-cpu", "AuthenticAMD"),
    INTEGER("cpu.cores", "linux-cpu", 2),
    INTEGER("cpu.threads", "linux-cpu", 2),
    INTEGER("cpu.packages", "linux-cpu", 1),
    REAL("cpu.frequency_hz", "linux-clock", 2.6e9),
    ABSENT("cpu.frequency_max_hz", "linux-clock", "/sys/devices/system/cpu/cpu0/cpufreq is not there"),
    INTEGER("cpu.kinds.0.cores", "hwloc-kinds", 2),
    TEXT("isa.level", "isa", "x86-64-v4"),
    INTEGER("isa.vector_bits", "isa", 512),
    BOOLEAN("isa.avx2", "isa", 1),
    BOOLEAN("isa.avx512f", "isa", 1),
    BOOLEAN("isa.avx512_bf16", "isa", 1),
    BOOLEAN("isa.avx512_fp16", "isa", 0),
    INTEGER("caches.0.level", "hwloc-caches", 1),
    INTEGER("caches.0.size_bytes", "hwloc-caches", 32768),
    INTEGER("caches.1.level", "hwloc-caches", 2),
    INTEGER("caches.1.size_bytes", "hwloc-caches", 1048576),
    INTEGER("caches.2.level", "hwloc-caches", 3),
    INTEGER("caches.2.size_bytes", "hwloc-caches", 33554432),
    INTEGER("memory.total_bytes", "linux-memory", INT64_C(25125558681)),
    INTEGER("memory.available_bytes", "linux-memory", INT64_C(21474836480)),
    INTEGER("memory.page_bytes", "linux-memory", 4096),
    INTEGER("numa.count", "hwloc-numa", 1),
    ABSENT("sensors.temperature.0.celsius", "linux-sensors", "/sys/class/hwmon has no temperature"),
    ABSENT("power.package.0.watts", "linux-power", "/sys/class/powercap is not there"),
    ABSENT("gpus.0.name", "gpu", "no PCI display device"),
    TEXT("virtualisation.hypervisor", "virtualisation", "kvm"),
    ABSENT("counters.hardware", "linux-perf", "perf_event_open: not supported by this virtual machine"),
    TEXT("virtualisation.container", "container", "none"),
    TEXT("os.name", "linux-kernel", "Debian GNU/Linux 12 (bookworm)"),
    TEXT("kernel.release", "linux-kernel", "6.1.0-25-cloud-amd64"),
    TEXT("build.compiler", "build", "gcc 12.2.0"),
};

/* ---- What the judge says ------------------------------------------------------------------------------------------------------------ */

static const assay_sla_result sample_slas[] = {
    {"Order execution", "an order is in the book", "trading/order_insert*", "latency", "ns", true, 1e7, 61, ASSAY_SLA_MET, NULL},
    {"Memory allocation", "1 GB, every page touched", "performance/alloc_1g*", "time", "ns", true, 1e7, 2.13e8, ASSAY_SLA_MISSED, NULL},
    {"Market data", "messages a second", "trading/feed*", "items_per_second", "items/s", false, 5e4, NAN, ASSAY_SLA_NOT_APPLICABLE,
     "trading/feed_replay was skipped: no capture named; give one with --input"},
    {"Sum throughput", "operations a second", "performance/sum/n=1000", "items_per_second", "items/s", false, 1e7, 1.61e7, ASSAY_SLA_MET,
     NULL},
    {"Page faults", "a page of fresh memory", "performance/alloc_1g*", "time", "ns", true, 2.2e8, 2.13e8, ASSAY_SLA_INCONCLUSIVE,
     "its 95 % interval, 208 ms to 223 ms, holds the limit"},
    {"AI inference", "batch of 32", "ai/inference*", "time", "ns", true, 5e6, NAN, ASSAY_SLA_NOT_APPLICABLE,
     "the ai suite is not built yet"},
};

static const assay_check sample_checks[] = {
    {"hardware", "CPU cores usable", ASSAY_CHECK_PASS, "2", "2", "hwloc and the affinity mask agree", NULL},
    {"hardware", "Memory bandwidth, all cores", ASSAY_CHECK_PASS, "at least 1.2 x one core", "1.87 x",
     "memory.read.2t beside memory.read.1t", NULL},
    {"hardware", "Clock frequency under load", ASSAY_CHECK_FAIL, "2.60 GHz or more", "2.31 GHz",
     "flops.f64.scalar is 11 % under what the published clock gives", "Look for a power or turbo limit: cpupower frequency-info"},
    {"hardware", "Hardware counters", ASSAY_CHECK_UNAVAILABLE, "readable", NULL, "perf_event_open: not supported by this virtual machine",
     "Use a host with a virtual PMU, or measure on metal"},
    {"hardware", "Temperature", ASSAY_CHECK_UNAVAILABLE, NULL, NULL, "/sys/class/hwmon has no temperature", NULL},
};

static const assay_recommendation sample_recommendations[] = {
    {"Give matmul_naive a blocked loop", "matmul_naive/type=f32/n=256 reaches 7.1 % of flops.f32.vector; matmul_blocked reaches 61 %", NULL,
     1},
    {"Pin the measured processes to a core", "41 involuntary switches and 3 migrations while elementwise_add was measured",
     "taskset -c 1 assay run", 1},
    {"Use huge pages for large allocations", "touching 1 GB takes 213 ms, of which page faults are 126 ms (480 ns each)",
     "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled", 2},
    {"Turn on non-temporal stores for arrays beyond the caches", "memory.triad_nt.1t is 22.0 GB/s, memory.triad.1t is 15.0 GB/s", NULL, 3},
};

static const assay_complexity_result sample_fits[] = {
    {"performance", "sort", "n", "sort", {ASSAY_O_N_LOG_N, 1.31, 0.021}},
    {"performance", "sum", "n", "sum", {ASSAY_O_N, 0.062, 0.014}},
};

/* ---- Before, and over time ---------------------------------------------------------------------------------------------------------- */

/* How much the i-th benchmark changed since the run before: mostly nothing, a few that stand out. */
static double change_of(size_t i) {
  switch (i % 31) {
    case 1: return 0.124;
    case 6: return -0.31;
    case 10: return -0.064;
    case 23: return 0.08;
    case 28: return 0.31;
    default: return 0.012 * sin((double)i * 1.7);
  }
}

static assay_verdict verdict_of(size_t i) {
  switch (i % 31) {
    case 1: return ASSAY_VERDICT_WORSE;
    case 28: return ASSAY_VERDICT_CRITICAL;
    case 6:
    case 10: return ASSAY_VERDICT_BETTER;
    case 23: return ASSAY_VERDICT_INCONCLUSIVE;
    default: return ASSAY_VERDICT_SAME;
  }
}

static void fill_changes(test_sample *s) {
  assay_result *r = s->result;
  s->changes = assay_arena_alloc(&s->arena, 1, sizeof *s->changes);
  s->changes->alpha = 0.05;
  s->changes->status = ASSAY_REGRESS_HAS_CRITICAL_REGRESSIONS;
  s->changes->common_ratio = 0.004;
  s->changes->items = assay_arena_alloc(&s->arena, r->benchmark_count + 2, sizeof *s->changes->items);
  for (size_t i = 0; i < r->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->benchmarks[i];
    if (b->status != ASSAY_OUTCOME_OK) continue;
    const assay_metric_result *m = &b->metrics[0];
    double half = verdict_of(i) == ASSAY_VERDICT_INCONCLUSIVE ? 0.19 : 0.008 + 0.01 * fabs(noise());
    s->changes->items[s->changes->count++] = (assay_change){.is_main = true,
                                                            .suite = b->suite,
                                                            .benchmark = b->name,
                                                            .metric = m->name,
                                                            .unit = m->unit,
                                                            .kind = m->kind,
                                                            .better = m->better,
                                                            .verdict = verdict_of(i),
                                                            .before = m->value / (1 + change_of(i)),
                                                            .after = m->value,
                                                            .change_ratio = change_of(i),
                                                            .ci_low = change_of(i) - half,
                                                            .ci_high = change_of(i) + half,
                                                            .p_value = verdict_of(i) == ASSAY_VERDICT_SAME ? 0.41 : 0.0021,
                                                            .q_value = verdict_of(i) == ASSAY_VERDICT_SAME ? 0.62 : 0.011,
                                                            .noise_floor = i % 3 == 0 ? 0 : 0.006 + 0.002 * (double)(i % 5),
                                                            .threshold = {.warning = m->kind == ASSAY_KIND_LATENCY ? 0.2 : 0.05},
                                                            .detectable = half * 1.4};
  }
  if (s->changes->count > 0) {
    assay_change heavier = s->changes->items[0];
    heavier.is_main = false;
    heavier.metric = "index_bytes";
    heavier.unit = "B";
    heavier.kind = ASSAY_KIND_MEMORY;
    heavier.verdict = ASSAY_VERDICT_WORSE;
    heavier.before = 64 << 20;
    heavier.after = 80 << 20;
    heavier.change_ratio = 0.25;
    heavier.ci_low = 0.24;
    heavier.ci_high = 0.26;
    heavier.threshold.warning = 0.1;
    s->changes->items[s->changes->count++] = heavier;
  }
  s->changes->items[s->changes->count++] = (assay_change){.is_main = true,
                                                          .suite = "performance",
                                                          .benchmark = "memcpy/n=4096",
                                                          .metric = "time",
                                                          .unit = "ns",
                                                          .kind = ASSAY_KIND_TIME,
                                                          .verdict = ASSAY_VERDICT_MISSING,
                                                          .before = 61.2,
                                                          .after = NAN,
                                                          .change_ratio = NAN,
                                                          .ci_low = NAN,
                                                          .ci_high = NAN,
                                                          .p_value = NAN,
                                                          .q_value = NAN,
                                                          .threshold = {.warning = 0.05},
                                                          .detectable = NAN};
}

static void fill_trends(test_sample *s) {
  assay_result *r = s->result;
  s->trends = assay_arena_alloc(&s->arena, r->benchmark_count + 1, sizeof *s->trends);
  s->trend_count = 0;
  for (size_t i = 0; i < r->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->benchmarks[i];
    if (b->status != ASSAY_OUTCOME_OK) continue;
    assay_history_point *points = assay_arena_alloc(&s->arena, RUNS, sizeof *points);
    for (size_t k = 0; k < RUNS; k++) {
      bool last = k == RUNS - 1;
      double before = b->metrics[0].value / (1 + change_of(i));
      double value = last ? b->metrics[0].value : before * (1 + 0.015 * noise()) * (k < 4 && i % 9 == 2 ? 1.18 : 1);
      points[k] = (assay_history_point){
          .at_s = STARTED - (int64_t)(RUNS - 1 - k) * 86400, .value = value, .ci_low = value * 0.985, .ci_high = value * 1.02};
      snprintf(points[k].run_id, sizeof points[k].run_id, "%016zx", k + 1);
    }
    s->trends[s->trend_count++] = (assay_report_trend){b->suite, b->name, b->metrics[0].name, points, RUNS};
  }
}

static void *copied(assay_arena *arena, const void *items, size_t count, size_t size) {
  void *copy = assay_arena_alloc(arena, count, size);
  memcpy(copy, items, count * size);
  return copy;
}

#define COPY(arena, items, count) ((count) = sizeof(items) / sizeof *(items), copied((arena), (items), (count), sizeof *(items)))

static void fill_run(test_sample *s) {
  assay_run_info *run = &s->result->run;
  *run = (assay_run_info){.id = "00c0ffee00c0ffee",
                          .version = "0.1.0",
                          .command = "assay run --suite all --format html json",
                          .commit = "4743812",
                          .host = "AMD EPYC 9V74, 2 cores, 23.4 GiB, Linux 6.1, KVM guest",
                          .started_at_s = STARTED,
                          .duration_s = 171.4,
                          .processes = PROCESSES,
                          .seed = 42,
                          .suite_count = 4};
  run->suites = assay_arena_alloc(&s->arena, 4, sizeof *run->suites);
  run->suites[0].name = "performance";
  run->suites[1].name = "hardware";
  run->suites[2].name = "trading";
  run->suites[3].name = "ai";
  run->suites[3].status = ASSAY_OUTCOME_UNSUPPORTED;
  run->suites[3].reason = "not built yet";
}

void test_sample_init(test_sample *s) {
  *s = (test_sample){0};
  noise_state = 20260917;
  assay_arena_init(&s->arena, ASSAY_TAG_BASE);
  assay_result *r = s->result = assay_arena_alloc(&s->arena, 1, sizeof *r);
  fill_run(s);
  r->machine_id = "5eed5eed5eed5eed";
  r->machine_label = "AMD EPYC 9V74, 2 cores, 23.4 GiB, Linux 6.1, KVM guest";
  r->facts = COPY(&s->arena, sample_facts, r->fact_count);
  r->ceilings = COPY(&s->arena, sample_ceilings, r->ceiling_count);
  r->benchmarks = assay_arena_alloc(&s->arena, 64, sizeof *r->benchmarks);
  fill_benchmarks(s);
  r->complexities = COPY(&s->arena, sample_fits, r->complexity_count);
  r->checks = COPY(&s->arena, sample_checks, r->check_count);
  r->slas = COPY(&s->arena, sample_slas, r->sla_count);
  r->recommendations = COPY(&s->arena, sample_recommendations, r->recommendation_count);
  s->previous = assay_arena_alloc(&s->arena, 1, sizeof *s->previous);
  *s->previous = *r;
  s->previous->run.id = "00c0ffee00c0ffed";
  s->previous->run.commit = "e3d9a20";
  s->previous->run.started_at_s = STARTED - 86400;
  s->previous->benchmarks = copied(&s->arena, r->benchmarks, r->benchmark_count, sizeof *r->benchmarks);
  for (size_t i = 0; i < r->benchmark_count; i++) {
    assay_benchmark_result *b = &s->previous->benchmarks[i];
    if (b->metric_count == 0) continue;
    b->metrics = copied(&s->arena, b->metrics, b->metric_count, sizeof *b->metrics);
    b->metrics[0].value /= 1 + change_of(i) - 0.004; /* the median is not the mean that is judged */
  }
  fill_changes(s);
  fill_trends(s);
}

void test_sample_deinit(test_sample *s) { assay_arena_deinit(&s->arena); }

assay_report_context test_sample_context(const test_sample *s) {
  return (assay_report_context){.previous = s->previous, .changes = s->changes, .trends = s->trends, .trend_count = s->trend_count};
}

void test_sample_keep(test_sample *s, size_t benchmarks) {
  assay_result *r = s->result;
  r->benchmark_count = benchmarks;
  r->sla_count = r->complexity_count = s->trend_count = 0;
  s->changes->count = 0;
  s->previous = NULL;
}

void test_sample_grow(test_sample *s, size_t benchmarks) {
  assay_result *r = s->result;
  size_t count = r->benchmark_count;
  assay_benchmark_result *all = assay_arena_alloc(&s->arena, benchmarks, sizeof *all);
  for (size_t i = 0; i < benchmarks; i++) {
    all[i] = r->benchmarks[i % count];
    if (i >= count) all[i].name = assay_arena_printf(&s->arena, "%s/round=%zu", all[i].name, i / count);
  }
  r->benchmarks = all;
  r->benchmark_count = benchmarks;
  fill_changes(s);
  fill_trends(s);
}

void test_sample_fail_all(test_sample *s) {
  for (size_t i = 0; i < s->result->benchmark_count; i++) {
    assay_benchmark_result *b = &s->result->benchmarks[i];
    b->status = ASSAY_OUTCOME_FAILED;
    b->reason = "killed by signal 11 (segmentation fault)";
    b->metric_count = b->latency.count = b->service.count = 0;
  }
  s->result->complexity_count = s->changes->count = s->trend_count = 0;
}

void test_sample_single_process(test_sample *s) {
  for (size_t i = 0; i < s->result->benchmark_count; i++) {
    assay_benchmark_result *b = &s->result->benchmarks[i];
    for (size_t k = 0; k < b->metric_count; k++) {
      assay_metric_result *m = &b->metrics[k];
      m->process_count = 1;
      m->ci_low = m->ci_high = m->stats.ci_low = m->stats.ci_high = m->stats.stddev = NAN;
    }
  }
}

void test_sample_make_hostile(test_sample *s) {
  assay_result *r = s->result;
  const char *evil = TEST_HOSTILE_NAME;
  r->run.name = r->run.command = r->run.commit = r->run.host = r->machine_label = evil;
  for (size_t i = 0; i < r->benchmark_count; i++) {
    assay_benchmark_result *b = &r->benchmarks[i];
    b->name = assay_arena_printf(&s->arena, "%s%zu", evil, i);
    if (b->reason != NULL) b->reason = evil;
    for (size_t k = 0; k < b->param_count; k++) b->params[k].value = evil;
    for (size_t k = 0; k < b->metric_count; k++) {
      b->metrics[k].name = assay_arena_printf(&s->arena, "%s%zu", evil, k);
      b->metrics[k].unit = evil;
    }
  }
  for (size_t i = 0; i < r->fact_count; i++) {
    if (r->facts[i].text != NULL) r->facts[i].text = evil;
  }
  for (size_t i = 0; i < r->check_count; i++)
    r->checks[i].name = r->checks[i].measured = r->checks[i].cause = r->checks[i].recommendation = evil;
  for (size_t i = 0; i < r->sla_count; i++) r->slas[i].name = r->slas[i].description = r->slas[i].benchmark = r->slas[i].reason = evil;
  for (size_t i = 0; i < r->recommendation_count; i++)
    r->recommendations[i].title = r->recommendations[i].because = r->recommendations[i].command = evil;
  fill_changes(s);
  fill_trends(s);
}

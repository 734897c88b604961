/* SPDX-License-Identifier: MIT */
/*
 * Does what was measured fit what the machine claims? The tolerances are wide on purpose: they must hold on a healthy but busy virtual
 * machine, and still show a wrong core count, a clock that runs at half speed, a cache that is not there or an instruction that does not
 * work. docs/machine-check.md has them all.
 */
#include "machine/validate.h"

#include <assay/ceilings.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine/ceilings/kernels.h"
#include "machine/facts.h"
#include "os/prim.h"
#include "os/ticks.h"

typedef struct validation {
  const assay_machine *machine;
  const assay_ceilings *ceilings;
  assay_arena *arena;
  assay_check_list *checks;
  assay_error *err;
  assay_status status; /* the first failure of adding a row */
} validation;

static const char *const replayed = "this machine was replayed from a capture, so nothing can be run on it";

static void add(validation *v, const char *name, assay_check_status status, const char *expected, const char *measured, const char *cause,
                const char *recommendation) {
  assay_check check = {.suite = "hardware", .name = name, .status = status, .expected = expected, .cause = cause};
  if (status != ASSAY_CHECK_UNAVAILABLE) check.measured = measured;
  if (status == ASSAY_CHECK_FAIL) check.recommendation = recommendation;
  if (v->status == ASSAY_OK) v->status = assay_check_list_add(v->checks, &check, v->err);
}

static void add_unavailable(validation *v, const char *name, const char *expected, const char *cause) {
  add(v, name, ASSAY_CHECK_UNAVAILABLE, expected, NULL, cause, NULL);
}

static const char *show(validation *v, double value, const char *unit) {
  char text[64];
  return assay_arena_strdup(v->arena, assay_format_value(value, unit, text, sizeof text));
}

/* Value of a ceiling; false adds an unavailable row with the cause. */
static bool measured(validation *v, const char *row, const char *expected, const char *name, double *value) {
  const assay_ceiling *ceiling = v->ceilings != NULL ? assay_ceilings_find(v->ceilings, name) : NULL;
  if (ceiling != NULL && ceiling->available) {
    *value = ceiling->value;
    return true;
  }
  const char *cause =
      v->machine->replayed ? "a capture cannot be measured" : "the ceilings were not measured: run 'assay machine ceilings'";
  if (ceiling != NULL)
    cause = ceiling->cause;
  else if (v->ceilings != NULL)
    cause = assay_arena_printf(v->arena, "%s was not measured", name);
  add_unavailable(v, row, expected, cause);
  return false;
}

static const char *cause_of(const assay_machine *machine, const char *key, const char *otherwise) {
  const assay_fact *fact = assay_machine_get(machine, key);
  return fact != NULL && fact->type == ASSAY_FACT_UNAVAILABLE ? fact->text : otherwise;
}

static bool is_guest(const assay_machine *machine) {
  const assay_fact *fact = assay_machine_get(machine, "virtualisation.guest");
  return fact != NULL && fact->type == ASSAY_FACT_BOOL && fact->integer != 0;
}

/* ---- Cores ---------------------------------------------------------------------------------------------------------------------- */

static void check_core_count(validation *v) {
  const char *name = "Cores do the work of their number";
  uint64_t cores = 0;
  double one = 0, all = 0, quota = 0;
  if (!assay_machine_get_u64(v->machine, "cpu.cores_allowed", &cores) && !assay_machine_get_u64(v->machine, "cpu.cores", &cores)) {
    add_unavailable(v, name, NULL, cause_of(v->machine, "cpu.cores", "the number of cores is not published"));
    return;
  }
  double claimed = (double)cores;
  if (assay_machine_get_f64(v->machine, "cpu.quota_cores", &quota) && quota > 0 && quota < claimed) claimed = quota;
  /* Efficiency cores, turbo of a lone core, hyperthreads that are other guests': half is still no wrong count. */
  const char *expected = assay_arena_printf(v->arena, "%.2f to %.2f times one core", 0.5 * claimed, 1.3 * claimed);
  if (!measured(v, name, expected, "flops.f32.vector", &one) || !measured(v, name, expected, "flops.f32.vector.Nt", &all)) return;
  double times = all / one;
  /* Other programs on these cores take their share too. Repetitions that differ tell of them, and then too little work says nothing. */
  double spread = assay_ceilings_find(v->ceilings, "flops.f32.vector.Nt")->spread_ratio;
  if (times < 0.5 * claimed && spread > 0.25) {
    add_unavailable(v, name, expected,
                    assay_arena_printf(v->arena,
                                       "%.2f times was measured, but the repetitions differ by %.0f %%: other programs ran; measure again "
                                       "with 'assay machine ceilings --measure'",
                                       times, spread * 100));
    return;
  }
  bool fits = times >= 0.5 * claimed && times <= 1.3 * claimed;
  add(v, name, fits ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, expected, assay_arena_printf(v->arena, "%.2f times", times),
      assay_arena_printf(v->arena, "%s on all cores, %s on one", show(v, all, "FLOP/s"), show(v, one, "FLOP/s")),
      "look for other work on these cores ('assay doctor'), a CPU quota of the container, or hyperthreads that are counted as cores");
}

/* ---- Clocks --------------------------------------------------------------------------------------------------------------------- */

/* Cycles a second, from additions that each wait for the last: one cycle each on every processor of the last decades. */
static double cycles_hz(void) {
  enum { ROUNDS = 20000 };
  double best_ns = 1e18;
  for (int attempt = 0; attempt < 15; attempt++) {
    uint64_t value = 1, start = assay_os_now_ns();
    for (int i = 0; i < ROUNDS; i++) {
#define ADD                           \
  __asm__ volatile("" : "+r"(value)); \
  value += 3;
      ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD ADD
    }
    double ns = (double)(assay_os_now_ns() - start);
    if (ns < best_ns) best_ns = ns;
  }
  return 20.0 * ROUNDS / best_ns * 1e9;
}

static void check_frequency(validation *v) {
  const char *name = "Clock frequency";
  double claimed = 0, base = 0;
  const char *key = "cpu.frequency_max_hz";
  if (v->machine->replayed) {
    add_unavailable(v, name, NULL, replayed);
    return;
  }
  double hz = cycles_hz();
  bool has_max = assay_machine_get_f64(v->machine, key, &claimed) && claimed > 0;
  assay_machine_get_f64(v->machine, "cpu.frequency_base_hz", &base);
  if (!has_max) {
    add_unavailable(v, name, NULL,
                    assay_arena_printf(v->arena, "%s (additions run at %s here)", cause_of(v->machine, key, "no frequency is published"),
                                       show(v, hz, "Hz")));
    return;
  }
  /* The base frequency is what is promised under load; without one, six tenths of the highest. */
  double least = base > 0 && base < claimed ? 0.9 * base : 0.6 * claimed;
  bool fits = hz >= least && hz <= 1.1 * claimed;
  add(v, name, fits ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL,
      assay_arena_printf(v->arena, "%s to %s", show(v, least, "Hz"), show(v, 1.1 * claimed, "Hz")), show(v, hz, "Hz"),
      "additions that wait for each other, one a cycle",
      "set the performance governor (cpupower frequency-set -g performance) and look at temperatures and power limits");
}

static void check_clock_monotonic(validation *v) {
  const char *name = "Clock never runs backwards";
  uint64_t backwards = 0, before_ns = assay_os_now_ns(), before = assay_ticks();
  for (int i = 0; i < 200000; i++) {
    uint64_t ticks = assay_ticks();
    backwards += ticks < before;
    before = ticks;
    if (i % 8 != 0) continue;
    uint64_t ns = assay_os_now_ns();
    backwards += ns < before_ns;
    before_ns = ns;
  }
  add(v, name, backwards == 0 ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, "0 steps back",
      assay_arena_printf(v->arena, "%llu steps back", (unsigned long long)backwards),
      "200,000 readings of the counter, 25,000 of the system's clock",
      "look at the kernel's clock source; the firmware may not keep the counters of the cores together");
}

/* The counter against the system's clock over two separate stretches: a counter that follows the core's frequency would drift. */
static void check_counter_rate(validation *v) {
  double rates[2] = {0};
  for (int i = 0; i < 2; i++) {
    uint64_t start_ns = assay_os_now_ns(), start = assay_ticks();
    assay_os_sleep_ns(20000000);
    uint64_t ticks = assay_ticks() - start, ns = assay_os_now_ns() - start_ns;
    rates[i] = (double)ticks / (double)ns;
  }
  double known = assay_ticks_per_ns(), worst = 0;
  for (int i = 0; i < 2; i++) {
    double off = rates[i] / known - 1;
    if (off < 0) off = -off;
    if (off > worst) worst = off;
  }
  add(v, "Counter keeps its rate", worst < 0.002 ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, "within 0.2 % of the system's clock",
      assay_arena_printf(v->arena, "%.4f %%", 100 * worst), assay_arena_printf(v->arena, "%.6g ticks a ns, two stretches of 20 ms", known),
      "the time-stamp counter is not constant here: boot with clocksource=hpet or use another machine for timings");
}

static void check_clock_resolution(validation *v) {
  const char *name = "Clock resolution", *expected = "at most 100 ns";
  double ns = 0;
  if (!measured(v, name, expected, "clock.resolution", &ns)) return;
  add(v, name, ns <= 100 ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, expected, show(v, ns, "ns"), NULL,
      "look at the kernel's clock source (assay doctor)");
}

/* ---- Caches and memory ------------------------------------------------------------------------------------------------------------ */

/* A set that fits in a level must be reached faster than one that fits in the next: else the level is not as large as it says. */
static void check_cache(validation *v, unsigned level) {
  static const char *const latencies[] = {NULL, "latency.l1", "latency.l2", "latency.l3"};
  uint64_t bytes = assay_facts_cache(v->machine, level, NULL);
  if (bytes == 0) return;
  const char *outer = level < 3 && assay_facts_cache(v->machine, level + 1, NULL) > 0 ? latencies[level + 1] : "latency.memory";
  const char *name = assay_arena_printf(v->arena, "L%u cache of %s", level, show(v, (double)bytes, "B")),
             *expected = "at most 0.8 of the next level's latency";
  double inside = 0, outside = 0;
  if (!measured(v, name, expected, latencies[level], &inside) || !measured(v, name, expected, outer, &outside)) return;
  const char *found = assay_arena_printf(v->arena, "%s against %s", show(v, inside, "ns"), show(v, outside, "ns"));
  bool fits = inside <= 0.8 * outside;
  if (!fits && level == 3 && is_guest(v->machine)) {
    add_unavailable(
        v, name, expected,
        assay_arena_printf(v->arena, "%s: this guest shares the L3 with others, and how much of it is its own is not published", found));
    return;
  }
  add(v, name, fits ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, expected, found, "random chase over a part of each level",
      "look for other work that uses the cache, and for cache partitions (resctrl)");
}

static void check_bandwidth_order(validation *v) {
  const char *name = "Caches are faster than memory", *expected = "l1.read above memory.read.1t";
  double cache = 0, memory = 0;
  if (!measured(v, name, expected, "l1.read", &cache) || !measured(v, name, expected, "memory.read.1t", &memory)) return;
  add(v, name, cache > memory ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, expected,
      assay_arena_printf(v->arena, "%s and %s", show(v, cache, "B/s"), show(v, memory, "B/s")), NULL,
      "measure the ceilings again on a quiet machine");
}

static void check_memory_bandwidth(validation *v) {
  const char *name = "Memory bandwidth", *key = "memory.bandwidth_bytes_per_s";
  double claimed = 0, all = 0, one = 0;
  bool known = assay_machine_get_f64(v->machine, key, &claimed) && claimed > 0;
  /* One to all cores get from a third (processors that have far more bandwidth than their cores can ask for) to all of what the memory has.
   */
  const char *expected =
      known ? assay_arena_printf(v->arena, "%s to %s", show(v, 0.3 * claimed, "B/s"), show(v, 1.05 * claimed, "B/s")) : NULL;
  if (!measured(v, name, expected, "memory.read.1t", &one) || !measured(v, name, expected, "memory.read.Nt", &all)) return;
  double best = all > one ? all : one;
  if (!known) {
    add_unavailable(v, name, NULL,
                    assay_arena_printf(v->arena, "%s (%s was measured)",
                                       cause_of(v->machine, key, "the memory's bandwidth is not published"), show(v, best, "B/s")));
    return;
  }
  add(v, name, best >= 0.3 * claimed && best <= 1.05 * claimed ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, expected, show(v, best, "B/s"), NULL,
      "look for empty memory channels and for other work on the machine");
}

static void check_memory_size(validation *v) {
  const char *name = "Memory size";
  double claimed = 0;
  if (!assay_machine_get_f64(v->machine, "memory.total_bytes", &claimed)) {
    add_unavailable(v, name, NULL, cause_of(v->machine, "memory.total_bytes", "the size of the memory is not published"));
    return;
  }
  if (v->machine->replayed) {
    add_unavailable(v, name, NULL, replayed);
    return;
  }
  double system = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
  bool fits = system > 0.95 * claimed && system < 1.05 * claimed;
  add(v, name, fits ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, show(v, claimed, "B"), show(v, system, "B"),
      "what detection found, and what the C library is told",
      "something hides memory from one of them: look at the container's limits and lxcfs");
}

static void check_memory_use(validation *v) {
  const char *name = "1 GiB can be used", *expected = "allocated and every page written";
  double ns = 0;
  if (!measured(v, name, expected, "os.alloc_1g.touched", &ns)) return;
  add(v, name, ASSAY_CHECK_PASS, expected, show(v, ns, "ns"), NULL, NULL);
}

/* ---- Instructions ----------------------------------------------------------------------------------------------------------------- */

/* Every variant that this processor claims is run; its sum is known exactly. */
static void check_instructions(validation *v) {
  if (v->machine->replayed) {
    add_unavailable(v, "Instructions give right results", NULL, replayed);
    return;
  }
  enum { ITERATIONS = 100 };
  uint32_t isa = assay_isa_usable();
  for (const assay_flops_variant *f = assay_flops_variants; f->type != NULL; f++) {
    if ((f->isa & ~isa) != 0) continue;
    double wanted = (double)f->counted * ITERATIONS, sum = f->kernel(ITERATIONS);
    const char *name = assay_arena_printf(v->arena, "Instructions: %s %s (%s)", f->type, f->shape, f->name);
    add(v, name, sum == wanted ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, assay_arena_printf(v->arena, "a known sum of %.0f", wanted),
        assay_arena_printf(v->arena, "sum %.17g", sum), "multiply-accumulates of ones, whose sum is known exactly",
        "the processor or its emulation is wrong: do not trust any result of this machine");
  }
}

/* What detection says beside what this program found by itself. */
static void check_claimed_instructions(validation *v) {
  static const struct {
    const char *key;
    uint32_t bit;
  } claims[] = {
      {"isa.avx2", ASSAY_ISA_AVX2},
      {"isa.fma", ASSAY_ISA_FMA},
      {"isa.avx512f", ASSAY_ISA_AVX512},
      {"isa.avx512_fp16", ASSAY_ISA_AVX512_FP16},
      {"isa.avx512_bf16", ASSAY_ISA_AVX512_BF16},
      {"isa.avx512_vnni", ASSAY_ISA_AVX512_VNNI},
      {"isa.avx_vnni", ASSAY_ISA_AVX_VNNI},
      {"isa.dotprod", ASSAY_ISA_ARM_DOTPROD},
      {"isa.i8mm", ASSAY_ISA_ARM_I8MM},
  };
  if (v->machine->replayed) return;
  uint32_t isa = assay_isa_usable();
  const char *wrong = NULL;
  unsigned claimed = 0;
  for (size_t i = 0; i < sizeof claims / sizeof *claims; i++) {
    const assay_fact *fact = assay_machine_get(v->machine, claims[i].key);
    if (fact == NULL || fact->type != ASSAY_FACT_BOOL || fact->integer == 0) continue;
    claimed++;
    if ((isa & claims[i].bit) == 0) wrong = claims[i].key;
  }
  add(v, "Claimed instruction sets can be used", wrong == NULL ? ASSAY_CHECK_PASS : ASSAY_CHECK_FAIL, "all that are claimed",
      wrong == NULL ? assay_arena_printf(v->arena, "all %u", claimed)
                    : assay_arena_printf(v->arena, "%s is claimed, but the system does not enable it", wrong),
      NULL, "the hypervisor or kernel hides the registers of that instruction set");
}

assay_status assay_machine_validate(const assay_machine *machine, const assay_ceilings *ceilings, assay_arena *arena,
                                    assay_check_list *checks, assay_error *err) {
  validation v = {.machine = machine, .ceilings = ceilings, .arena = arena, .checks = checks, .err = err};
  check_core_count(&v);
  check_frequency(&v);
  for (unsigned level = 1; level <= 3; level++) check_cache(&v, level);
  check_bandwidth_order(&v);
  check_memory_bandwidth(&v);
  check_memory_size(&v);
  check_memory_use(&v);
  check_claimed_instructions(&v);
  check_instructions(&v);
  if (!machine->replayed) {
    check_clock_monotonic(&v);
    check_counter_rate(&v);
  }
  check_clock_resolution(&v);
  if (v.status == ASSAY_OK && arena->failed) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the checks");
  return v.status;
}

/* SPDX-License-Identifier: MIT */
#include "machine/ceilings/measure.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/ceilings/chase.h"
#include "machine/facts.h"
#include "os/isa.h"
#include "os/prim.h"
#include "os/ticks.h"

/* ---- What is known of the machine -------------------------------------------------------------------------------------------- */

static uint64_t cache_from_system(unsigned level) {
  long size = 0;
#ifdef _SC_LEVEL1_DCACHE_SIZE
  static const int names[] = {0, _SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
  size = sysconf(names[level]);
#else
  (void)level;
#endif
  return size > 0 ? (uint64_t)size : 0;
}

static void find_caches(assay_ceilings_run *run, const assay_machine *machine) {
  for (unsigned level = 1; level <= 3; level++) {
    uint64_t instances = 1;
    if (machine != NULL) run->level_bytes[level] = assay_facts_cache(machine, level, &instances);
    if (run->level_bytes[level] == 0) run->level_bytes[level] = cache_from_system(level);
    /* A level no larger than the one inside it adds nothing that a working set could show (exclusive designs, odd virtual machines). */
    if (level > 1 && run->level_bytes[level] <= run->level_bytes[level - 1]) run->level_bytes[level] = 0;
    if (run->level_bytes[level] > 0) run->last_level_bytes = run->level_bytes[level] * (instances > 0 ? instances : 1);
  }
}

uint64_t assay_ceilings_level_set(const assay_ceilings_run *run, unsigned level) {
  uint64_t half = run->level_bytes[level] / 2;
  if (level < 3) return half;
  uint64_t least = 4 * run->level_bytes[2], eighth = half / 4;
  return eighth > least ? eighth : least < half ? least : half;
}

/* A quarter of what can be had, so that measuring never makes a machine swap or kills its container. */
static uint64_t find_memory_limit(const assay_machine *machine) {
  uint64_t available = 0;
  if (machine != NULL) assay_machine_get_u64(machine, "memory.usable_available_bytes", &available);
#ifdef _SC_AVPHYS_PAGES
  long pages = sysconf(_SC_AVPHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  if (available == 0 && pages > 0 && size > 0) available = (uint64_t)pages * (uint64_t)size;
#endif
  return available > 0 ? available / 4 : (uint64_t)256 << 20;
}

/* CPUs of this process, one hardware thread per core first; none where they have no numbers. */
static size_t allowed_cpus(const assay_machine *machine, unsigned *cpus, size_t capacity) {
  size_t count = machine != NULL ? assay_machine_cpus(machine, ASSAY_CORES_ALL, cpus, capacity) : 0;
  return count > 0 ? count : assay_os_allowed_cpus(cpus, capacity);
}

unsigned assay_ceilings_threads(const assay_machine *machine) {
  size_t count = allowed_cpus(machine, NULL, 0);
  if (count == 0) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    count = online > 0 ? (size_t)online : 1;
  }
  double quota = NAN;
  if (machine != NULL) assay_machine_get_f64(machine, "cpu.quota_cores", &quota);
  unsigned threads = assay_os_within_quota(count, quota);
  return threads < ASSAY_CEILINGS_CPUS_MAX ? threads : ASSAY_CEILINGS_CPUS_MAX;
}

/* Two hardware threads of one core wake each other up without leaving it. */
static void find_other_core(assay_ceilings_run *run, const assay_machine *machine) {
  size_t allowed = 0;
  const assay_machine_cpu *first = NULL;
  for (size_t i = 0; machine != NULL && i < machine->cpu_count; i++) {
    const assay_machine_cpu *cpu = &machine->cpus[i];
    if (!cpu->allowed) continue;
    allowed++;
    if (first == NULL && cpu->number == run->cpus[0]) first = cpu;
    if (first == NULL || cpu->core == first->core) continue;
    run->other_core = cpu->number;
    return;
  }
  run->no_other_core = allowed == 1  ? "this process may use one CPU only"
                       : allowed > 1 ? "this process may use hardware threads of one core only"
                                     : "which CPUs share a core is not known here";
}

static void find_cpus(assay_ceilings_run *run, const assay_machine *machine) {
  run->pins = allowed_cpus(machine, run->cpus, ASSAY_CEILINGS_CPUS_MAX) > 0;
  run->threads = assay_ceilings_threads(machine);
  find_other_core(run, machine);
}

static uint64_t read_ticks(void) { return assay_ticks(); }

void assay_ceilings_run_init(assay_ceilings_run *run, const assay_machine *machine, bool quick) {
  *run = (assay_ceilings_run){.quick = quick,
                              .isa = assay_isa_usable(),
                              .ticks = read_ticks,
                              .ticks_per_ns = assay_ticks_per_ns(),
                              .streams = assay_stream_variants,
                              .flops = assay_flops_variants,
                              .chase = assay_chase_follow};
  run->repetitions = quick ? 9 : 31;
  run->slice_ns = quick ? 1000000 : 2000000;
  run->passes = quick ? 5 : 15;
  find_cpus(run, machine);
  find_caches(run, machine);
  run->memory_limit_bytes = find_memory_limit(machine);
}

/* ---- Samples ------------------------------------------------------------------------------------------------------------------ */

void assay_samples_add(assay_samples *samples, double value) {
  if (samples->count < ASSAY_CEILINGS_REPETITIONS_MAX && value > 0) samples->values[samples->count++] = value;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

void assay_samples_finish(const assay_ceilings_run *run, const assay_samples *samples, assay_ceiling *row) {
  row->available = samples->count > 0;
  if (!row->available) {
    if (row->cause == NULL) row->cause = "the measurement gave no value";
    return;
  }
  assay_samples sorted = *samples;
  unsigned n = sorted.count;
  qsort(sorted.values, n, sizeof *sorted.values, ascending);
  row->typical = n % 2 == 1 ? sorted.values[n / 2] : (sorted.values[n / 2 - 1] + sorted.values[n / 2]) / 2;
  row->value = row->better == ASSAY_HIGHER ? sorted.values[n - 1] : sorted.values[0];
  row->spread_ratio = (sorted.values[n - 1] - sorted.values[0]) / row->typical;
  unsigned third = n < 3 ? n - 1 : 2;
  double last = sorted.values[row->better == ASSAY_HIGHER ? n - 1 - third : third];
  run->set->gap_ratio = row->better == ASSAY_HIGHER ? row->value / last - 1 : last / row->value - 1;
}

static double best_of(const assay_samples *samples, assay_better better) {
  double best = samples->values[0];
  for (unsigned i = 1; i < samples->count; i++) {
    if (better == ASSAY_HIGHER ? samples->values[i] > best : samples->values[i] < best) best = samples->values[i];
  }
  return best;
}

bool assay_samples_better(const assay_samples *a, const assay_samples *b, assay_better better) {
  if (a->count == 0 || b->count == 0) return a->count > 0;
  return better == ASSAY_HIGHER ? best_of(a, better) > best_of(b, better) : best_of(a, better) < best_of(b, better);
}

/* ---- Threads ------------------------------------------------------------------------------------------------------------------ */

void assay_barrier_wait(assay_barrier *barrier) {
  unsigned generation = atomic_load(&barrier->generation);
  if (atomic_fetch_add(&barrier->waiting, 1) + 1 == barrier->parties) {
    atomic_store(&barrier->waiting, 0);
    atomic_fetch_add(&barrier->generation, 1);
    return;
  }
  for (unsigned spins = 0; atomic_load(&barrier->generation) == generation; spins++) {
    if (spins > 1000) sched_yield();
  }
}

typedef struct assay_team_member {
  const assay_ceilings_run *run;
  void (*work)(void *user, unsigned index);
  void *user;
  unsigned index;
  pthread_t thread;
  atomic_int *go; /* 0: wait; 1: work; -1: leave, since not all could be started */
} assay_team_member;

static void *team_main(void *argument) {
  assay_team_member *member = argument;
  if (member->run->pins) assay_os_pin_thread(&member->run->cpus[member->index % member->run->threads], 1, NULL);
  while (atomic_load(member->go) == 0) sched_yield();
  if (atomic_load(member->go) > 0) member->work(member->user, member->index);
  return NULL;
}

assay_status assay_ceilings_team(const assay_ceilings_run *run, unsigned threads, void (*work)(void *user, unsigned index), void *user,
                                 assay_error *err) {
  assay_team_member *members = assay_calloc(ASSAY_TAG_MACHINE, threads, sizeof *members);
  if (members == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for %u threads", threads);
  atomic_int go = 0;
  unsigned started = 0;
  int code = 0;
  for (; started < threads && code == 0; started += code == 0) {
    members[started] = (assay_team_member){.run = run, .work = work, .user = user, .index = started, .go = &go};
    code = pthread_create(&members[started].thread, NULL, team_main, &members[started]);
  }
  atomic_store(&go, code == 0 ? 1 : -1);
  for (unsigned i = 0; i < started; i++) pthread_join(members[i].thread, NULL);
  assay_free(members);
  return code == 0 ? ASSAY_OK : ASSAY_FAIL_ERRNO(err, code, "cannot start %u threads", threads);
}

/* ---- Memory ------------------------------------------------------------------------------------------------------------------- */

void *assay_ceilings_map(size_t bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return NULL;
#ifdef MADV_HUGEPAGE
  madvise(memory, bytes, MADV_HUGEPAGE); /* best effort: fewer address translations, so that the cache and not the TLB is measured */
#endif
  return memory;
}

void assay_ceilings_unmap(void *memory, size_t bytes) {
  if (memory != NULL) munmap(memory, bytes);
}

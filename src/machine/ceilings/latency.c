/* SPDX-License-Identifier: MIT */
/*
 * Load-to-use latency: each load gives the address of the next, in a random order that no prefetcher can guess. Sattolo's algorithm makes
 * the order one single cycle, so the whole set is visited and not a short loop that the innermost cache would hold.
 */
#include "machine/ceilings/chase.h"

#include <string.h>

#include "base/random.h"
#include "machine/ceilings/probes.h"

void assay_chase_build(void *memory, size_t lines, uint64_t seed) {
  char *base = memory;
  assay_random random;
  assay_random_init(&random, seed);
  for (size_t i = 0; i < lines; i++) *(void **)(void *)(base + i * ASSAY_CHASE_LINE) = base + i * ASSAY_CHASE_LINE;
  for (size_t i = lines; i-- > 1;) {
    void **here = (void **)(void *)(base + i * ASSAY_CHASE_LINE);
    void **there = (void **)(void *)(base + assay_random_below(&random, i) * ASSAY_CHASE_LINE);
    void *swap = *here;
    *here = *there;
    *there = swap;
  }
}

void *assay_chase_follow(void *start, size_t steps) {
  void *at = start;
  for (size_t i = 0; i < steps; i++) {
    at = *(void **)at;
    __asm__ volatile("" : "+r"(at));
  }
  return at;
}

/* Building left a cache full of the set; a quarter of the loads would still find their line there. */
static void leave_the_caches(const char *memory, size_t lines) {
#if defined(__x86_64__)
  for (size_t i = 0; i < lines; i++) __asm__ volatile("clflush %0" : : "m"(memory[i * ASSAY_CHASE_LINE]) : "memory");
  __asm__ volatile("mfence" : : : "memory");
#else
  (void)memory, (void)lines;
#endif
}

typedef struct chase_job {
  const assay_ceilings_run *run;
  size_t lines;
  bool in_memory, failed;
  assay_samples samples;
} chase_job;

static void chase_thread(void *user, unsigned index) {
  (void)index;
  chase_job *job = user;
  size_t bytes = job->lines * ASSAY_CHASE_LINE;
  void *memory = assay_ceilings_map(bytes);
  job->failed = memory == NULL;
  if (job->failed) return;
  assay_chase_build(memory, job->lines, 1);
  if (job->in_memory) leave_the_caches(memory, job->lines);
  /* A cache is filled by walking the whole cycle; of memory any stretch misses. Stretches of about a millisecond find a moment in which
   * nothing else runs. */
  size_t steps = job->lines > 100000 ? 5000 : 20000;
  void *at = job->run->chase(memory, job->in_memory ? steps : 2 * job->lines);
  for (unsigned i = 0; i < 4 * job->run->repetitions; i++) {
    uint64_t start = job->run->ticks();
    at = job->run->chase(at, steps);
    assay_samples_add(&job->samples, (double)(job->run->ticks() - start) / job->run->ticks_per_ns / (double)steps);
  }
  assay_ceilings_unmap(memory, bytes);
}

void assay_probe_latency(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  bool in_memory = args->level == ASSAY_LEVEL_MEMORY;
  uint64_t last = run->level_bytes[3] > 0 ? run->level_bytes[3] : run->last_level_bytes;
  uint64_t set = in_memory ? (last > 0 ? 4 * last : (uint64_t)256 << 20) : assay_ceilings_level_set(run, args->level);
  if (set == 0) {
    assay_probe_unavailable(run, row, "this machine shows no level-%u data cache", args->level);
    return;
  }
  if (set > run->memory_limit_bytes) {
    char need[32], have[32];
    assay_probe_unavailable(run, row, "needs %s of memory to get past the caches; %s may be used",
                            assay_format_value((double)set, "B", need, sizeof need),
                            assay_format_value((double)run->memory_limit_bytes, "B", have, sizeof have));
    return;
  }
  chase_job job = {.run = run, .lines = (size_t)set / ASSAY_CHASE_LINE, .in_memory = in_memory};
  assay_error err = {0};
  if (assay_ceilings_team(run, 1, chase_thread, &job, &err) != ASSAY_OK) {
    assay_probe_unavailable(run, row, "%s", err.message);
  } else if (job.failed) {
    assay_probe_unavailable(run, row, "no memory for the working set");
  } else {
    char size[32];
    assay_probe_detail(run, row, "random chase, one load a %d-byte line, %s, huge pages asked for", ASSAY_CHASE_LINE,
                       assay_format_value((double)set, "B", size, sizeof size));
    assay_samples_finish(run, &job.samples, row);
  }
}

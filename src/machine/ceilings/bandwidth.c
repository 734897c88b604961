/* SPDX-License-Identifier: MIT */
/* Read, write, copy and triad over a set that lives in one cache level, or in memory. */
#include <stdio.h>
#include <string.h>

#include "machine/ceilings/probes.h"
#include "os/prim.h"

static const unsigned arrays_of[ASSAY_STREAM_OPS] = {1, 1, 2, 3, 1, 2, 3};

/* The C library's own loops are tuned for each processor (rep movsb and the like): inside the caches they take part in the contest. Through
 * volatile pointers, so that they are called. */
static void *(*volatile libc_memset)(void *, int, size_t) = memset;
static void *(*volatile libc_memcpy)(void *, const void *, size_t) = memcpy;

static uint64_t write_libc(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  (void)b, (void)c, (void)s;
  for (size_t i = 0; i < passes; i++) libc_memset(a, 0, count * sizeof *a);
  return 0;
}

static uint64_t copy_libc(double *a, const double *b, const double *c, double s, size_t count, size_t passes) {
  (void)c, (void)s;
  for (size_t i = 0; i < passes; i++) libc_memcpy(a, b, count * sizeof *a);
  return 0;
}

static const assay_stream_variant libc_variant = {"libc", ASSAY_ISA_BASE, {NULL, write_libc, copy_libc, NULL, NULL, NULL, NULL}};

/* However slow the machine is. A set in memory is timed in segments: a repetition of a millisecond finds a moment in which nothing else
 * runs, and what it reads was last touched seven eighths of the set ago. */
enum { REPETITIONS_MIN = 8, SEGMENTS = 8 };

typedef struct span {
  uint64_t start, end;
  char apart[112]; /* two cache lines: neighbours are fetched in pairs */
} span;

typedef struct stream_job {
  const assay_ceilings_run *run;
  const assay_stream_variant *variants[8];
  unsigned variant_count, threads, arrays, repetitions;
  assay_stream_op op;
  size_t count;      /* doubles an array of one thread */
  unsigned segments; /* that an array is timed in */
  size_t segment_count;
  uint64_t slice_ns;  /* how long a repetition lasts at least */
  uint64_t budget_ns; /* after which a variant gets no more than REPETITIONS_MIN */
  bool late;          /* set by thread 0 between two barriers, as is passes */
  unsigned passes;    /* over the set, in one repetition; set by thread 0 for all */
  assay_barrier barrier;
  span *spans;
  atomic_bool failed;
  assay_samples samples[8];
} stream_job;

/* Arrays start 1344 bytes further into their page each: with the same low 12 bits a load would wait for an earlier store of another array.
 */
static size_t array_stride(const stream_job *job) { return (job->count * sizeof(double) + 4095) / 4096 * 4096 + 1344; }

static void run_kernel(const stream_job *job, unsigned variant, double *a, unsigned segment, unsigned passes) {
  size_t stride = array_stride(job) / sizeof(double);
  a += segment * job->segment_count;
  uint64_t sum = job->variants[variant]->kernels[job->op](a, a + stride, a + 2 * stride, 3.0, job->segment_count, passes);
  __asm__ volatile("" : : "r"(sum));
}

static double slowest_span_ns(const stream_job *job) {
  uint64_t start = job->spans[0].start, end = job->spans[0].end;
  for (unsigned i = 1; i < job->threads; i++) {
    if (job->spans[i].start < start) start = job->spans[i].start;
    if (job->spans[i].end > end) end = job->spans[i].end;
  }
  return (double)(end - start) / job->run->ticks_per_ns;
}

static void timed_passes(stream_job *job, unsigned index, unsigned variant, double *a, unsigned segment, unsigned passes) {
  assay_barrier_wait(&job->barrier);
  job->spans[index].start = job->run->ticks();
  run_kernel(job, variant, a, segment, passes);
  job->spans[index].end = job->run->ticks();
  assay_barrier_wait(&job->barrier);
}

static void measure_variant(stream_job *job, unsigned index, unsigned variant, double *a) {
  double bytes = (double)job->threads * (double)job->arrays * (double)job->segment_count * sizeof(double);
  for (unsigned segment = 0; segment < job->segments; segment++) run_kernel(job, variant, a, segment, 1);
  timed_passes(job, index, variant, a, 0, 1);
  if (index == 0) {
    double ns = slowest_span_ns(job);
    job->passes = job->segments == 1 && ns < (double)job->slice_ns ? (unsigned)((double)job->slice_ns / (ns > 10 ? ns : 10)) + 1 : 1;
  }
  uint64_t deadline = assay_os_now_ns() + job->budget_ns;
  for (unsigned i = 0; i < job->repetitions; i++) {
    assay_barrier_wait(&job->barrier);
    if (i >= REPETITIONS_MIN && job->late) break;
    timed_passes(job, index, variant, a, (i + 1) % job->segments, job->passes);
    if (index != 0) continue;
    assay_samples_add(&job->samples[variant], bytes * job->passes / slowest_span_ns(job) * 1e9);
    job->late = assay_os_now_ns() > deadline;
  }
}

/* Each thread maps and touches its own arrays, so that they lie in its own NUMA node. */
static void stream_thread(void *user, unsigned index) {
  stream_job *job = user;
  size_t bytes = job->arrays * array_stride(job) + 4096;
  double *a = assay_ceilings_map(bytes);
  if (a == NULL) atomic_store(&job->failed, true);
  if (a != NULL) {
    for (size_t i = 0; i < bytes / sizeof *a; i++) a[i] = 1;
  }
  assay_barrier_wait(&job->barrier);
  if (!atomic_load(&job->failed)) {
    for (unsigned i = 0; i < job->variant_count; i++) measure_variant(job, index, i, a);
  }
  assay_ceilings_unmap(a, bytes);
}

static void choose_variants(stream_job *job, bool in_cache) {
  for (const assay_stream_variant *v = job->run->streams; v->name != NULL; v++) {
    if ((v->isa & ~job->run->isa) == 0 && v->kernels[job->op] != NULL && job->variant_count < 7) job->variants[job->variant_count++] = v;
  }
  /* Memory is the same for every width, so the two widest do; the caches decide between all. */
  while (!in_cache && job->variant_count > 2) {
    job->variant_count--;
    memmove(job->variants, job->variants + 1, job->variant_count * sizeof *job->variants);
  }
  if (in_cache && libc_variant.kernels[job->op] != NULL) job->variants[job->variant_count++] = &libc_variant;
}

/* Bytes that all threads together work on: what fits in a cache; in memory four times all the caches that these threads can reach. */
static uint64_t working_set(const assay_ceilings_run *run, unsigned level, unsigned threads) {
  if (level != ASSAY_LEVEL_MEMORY) return assay_ceilings_level_set(run, level);
  uint64_t last = threads == 1 && run->level_bytes[3] > 0 ? run->level_bytes[3] : run->last_level_bytes;
  uint64_t caches = last + (run->level_bytes[3] > 0 ? threads * run->level_bytes[2] : 0);
  return caches > 0 ? 4 * caches : (uint64_t)256 << 20;
}

/* How much of it is gone over, and for how long. */
static void plan_job(stream_job *job, uint64_t set, bool in_memory) {
  const assay_ceilings_run *run = job->run;
  job->count = (size_t)(set / job->threads / job->arrays / sizeof(double)) / 64 * 64;
  job->segments = in_memory ? SEGMENTS : 1;
  job->segment_count = job->count / job->segments / 64 * 64;
  job->slice_ns = run->slice_ns;
  job->repetitions = in_memory ? SEGMENTS * run->passes : run->repetitions;
  job->budget_ns = run->quick ? 150000000 : 600000000;
  job->barrier.parties = job->threads;
}

static void take_best(const stream_job *job, bool is_limited, assay_ceiling *row) {
  unsigned best = 0;
  for (unsigned i = 1; i < job->variant_count; i++) {
    if (assay_samples_better(&job->samples[i], &job->samples[best], row->better)) best = i;
  }
  char size[32];
  assay_format_value((double)(job->count * sizeof(double) * job->arrays * job->threads), "B", size, sizeof size);
  assay_probe_detail(job->run, row, "%s, %s working set%s, %u thread%s", job->variants[best]->name, size,
                     is_limited ? " (limited by free memory)" : "", job->threads, job->threads == 1 ? "" : "s");
  assay_samples_finish(job->run, &job->samples[best], row);
}

void assay_probe_bandwidth(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  unsigned threads = args->threads == 0 ? run->threads : args->threads;
  bool in_memory = args->level == ASSAY_LEVEL_MEMORY;
  if (!in_memory && run->level_bytes[args->level] == 0) {
    assay_probe_unavailable(run, row, "this machine shows no level-%u data cache", args->level);
    return;
  }
  stream_job job = {.run = run, .op = args->op, .threads = threads, .arrays = arrays_of[args->op]};
  choose_variants(&job, !in_memory);
  if (job.variant_count == 0) {
    assay_probe_unavailable(run, row, "non-temporal stores are known here for x86-64 only");
    return;
  }
  uint64_t wanted = working_set(run, args->level, threads), set = wanted < run->memory_limit_bytes ? wanted : run->memory_limit_bytes;
  plan_job(&job, set, in_memory);
  job.spans = assay_calloc(ASSAY_TAG_MACHINE, threads, sizeof *job.spans);
  assay_error err = {0};
  if (job.segment_count == 0 || (in_memory && set < wanted / 2)) {
    char have[32], need[32];
    assay_probe_unavailable(run, row, "needs %s of memory to get past the caches; %s may be used",
                            assay_format_value((double)wanted, "B", need, sizeof need),
                            assay_format_value((double)run->memory_limit_bytes, "B", have, sizeof have));
  } else if (job.spans == NULL) {
    assay_probe_unavailable(run, row, "out of memory");
  } else if (assay_ceilings_team(run, threads, stream_thread, &job, &err) != ASSAY_OK) {
    assay_probe_unavailable(run, row, "%s", err.message);
  } else if (atomic_load(&job.failed)) {
    assay_probe_unavailable(run, row, "no memory for the working set");
  } else {
    take_best(&job, set < wanted, row);
  }
  assay_free(job.spans);
}

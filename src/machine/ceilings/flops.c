/* SPDX-License-Identifier: MIT */
/* Peak arithmetic: independent multiply-accumulate chains in registers, on one core or on all. */
#include <string.h>

#include "machine/ceilings/probes.h"

typedef struct flops_job {
  const assay_ceilings_run *run;
  const assay_flops_variant *variants[8];
  unsigned variant_count, threads;
  assay_barrier barrier;
  uint64_t iterations;
  atomic_uint_fast64_t start, end; /* the earliest and the latest of all threads */
  assay_samples samples[8];
} flops_job;

static void keep_lowest(atomic_uint_fast64_t *at, uint64_t value) {
  uint_fast64_t seen = atomic_load(at);
  while (value < seen && !atomic_compare_exchange_weak(at, &seen, value)) {
  }
}

static void keep_highest(atomic_uint_fast64_t *at, uint64_t value) {
  uint_fast64_t seen = atomic_load(at);
  while (value > seen && !atomic_compare_exchange_weak(at, &seen, value)) {
  }
}

static double timed_ns(flops_job *job, unsigned index, const assay_flops_variant *variant) {
  if (index == 0) {
    atomic_store(&job->start, UINT64_MAX);
    atomic_store(&job->end, 0);
  }
  assay_barrier_wait(&job->barrier);
  uint64_t start = job->run->ticks();
  double sum = variant->kernel(job->iterations);
  uint64_t end = job->run->ticks();
  __asm__ volatile("" : : "m"(sum));
  keep_lowest(&job->start, start);
  keep_highest(&job->end, end);
  assay_barrier_wait(&job->barrier);
  return (double)(atomic_load(&job->end) - atomic_load(&job->start)) / job->run->ticks_per_ns;
}

static void flops_thread(void *user, unsigned index) {
  flops_job *job = user;
  for (unsigned v = 0; v < job->variant_count; v++) {
    const assay_flops_variant *variant = job->variants[v];
    if (index == 0) job->iterations = 20000;
    timed_ns(job, index, variant); /* wide units wake up and clocks settle */
    double ns = timed_ns(job, index, variant);
    if (index == 0) job->iterations = (uint64_t)(20000.0 * (double)job->run->slice_ns / (ns > 100 ? ns : 100)) + 1;
    for (unsigned i = 0; i < job->run->repetitions; i++) {
      ns = timed_ns(job, index, variant);
      double operations = (double)job->threads * (double)job->iterations * variant->operations;
      if (index == 0) assay_samples_add(&job->samples[v], operations / ns * 1e9);
    }
  }
}

void assay_probe_flops(const assay_ceilings_run *run, const assay_probe_args *args, assay_ceiling *row) {
  flops_job job = {.run = run, .threads = args->threads == 0 ? run->threads : args->threads};
  uint32_t wanted = 0;
  bool known = false;
  for (const assay_flops_variant *v = run->flops; v->type != NULL; v++) {
    if (strcmp(v->type, args->type) != 0 || strcmp(v->shape, args->shape) != 0) continue;
    known = true;
    if ((v->isa & ~run->isa) == 0 && job.variant_count < 8)
      job.variants[job.variant_count++] = v;
    else
      wanted = v->isa;
  }
  if (job.variant_count == 0) {
    char missing[200];
    assay_probe_unavailable(run, row, known ? "this CPU has no %s arithmetic (%s)" : "there is no %s kernel for this CPU", args->type,
                            assay_isa_missing(wanted, run->isa, missing, sizeof missing));
    return;
  }
  job.barrier.parties = job.threads;
  assay_error err = {0};
  if (assay_ceilings_team(run, job.threads, flops_thread, &job, &err) != ASSAY_OK) {
    assay_probe_unavailable(run, row, "%s", err.message);
    return;
  }
  unsigned best = 0;
  for (unsigned i = 1; i < job.variant_count; i++) {
    if (assay_samples_better(&job.samples[i], &job.samples[best], row->better)) best = i;
  }
  assay_probe_detail(run, row, "%s, multiply-accumulate counted as 2, %u thread%s", job.variants[best]->name, job.threads,
                     job.threads == 1 ? "" : "s");
  assay_samples_finish(run, &job.samples[best], row);
}

/* SPDX-License-Identifier: MIT */
/* What the device layer itself costs: a pool hit, a timed operation, a launch; and how much memory the pool's classes waste. Best of the
 * rounds, by CPU time. Beside each: what one reading of the time-stamp counter costs here, which a hit needs once and a timed pair twice.
 */
#include <assay/device.h>

#include <math.h>
#include <stdio.h>

#include "base/random.h"
#include "figure.h"
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"
#include "os/ticks.h"

enum { ROUNDS = 15, BATCH = 200, BATCHES = 20, PAIRS = 20000, LAUNCHES = 2000 };

static void need(assay_status status, const assay_error *err) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

static double best(double *values) {
  figure_median(values, ROUNDS);
  return values[0];
}

static double stamp_ns(void) {
  uint64_t sum = 0;
  double ns = FIGURE_BEST_NS(ROUNDS, for (int i = 0; i < PAIRS; i++) sum += assay_ticks_stamp());
  __asm__ volatile("" : : "r"(sum));
  return ns / PAIRS;
}

static void pool_hits(assay_stream *stream, double stamp) {
  static assay_buffer *buffers[BATCH];
  assay_error err = {0};
  double alloc_ns[ROUNDS], free_ns[ROUNDS];
  for (int round = -1; round < ROUNDS; round++) {
    uint64_t taken = 0, given = 0;
    for (int batch = 0; batch < BATCHES; batch++) {
      uint64_t begin = figure_now_ns();
      for (int i = 0; i < BATCH; i++) need(assay_buffer_alloc(stream, 4000 + (size_t)(i % 8) * 600, "bench", &err, &buffers[i]), &err);
      uint64_t middle = figure_now_ns();
      for (int i = 0; i < BATCH; i++) assay_buffer_free(buffers[i]);
      taken += middle - begin, given += figure_now_ns() - middle;
    }
    if (round >= 0) alloc_ns[round] = (double)taken / (BATCH * BATCHES), free_ns[round] = (double)given / (BATCH * BATCHES);
  }
  char note[100];
  snprintf(note, sizeof note, "with its row in the ring; one stamp: %.1f ns", stamp);
  figure("pool_hit", best(alloc_ns), "ns", note);
  figure("pool_free", best(free_ns), "ns", note);
}

/* Sizes as finance has them: from some hundred bytes to 16 MiB, as many in each power of two. */
static void fragmentation(assay_device *device, assay_stream *stream) {
  enum { COUNT = 400 };
  static assay_buffer *buffers[COUNT];
  assay_error err = {0};
  assay_random random;
  assay_memory_stats stats;
  double worst = 0, sum = 0;
  assay_random_init(&random, 1);
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < COUNT; i++) {
      size_t bytes = (size_t)(512 * pow(2, 15 * assay_random_unit(&random)));
      need(assay_buffer_alloc(stream, bytes, "bench", &err, &buffers[i]), &err);
    }
    assay_device_memory(device, &stats);
    worst = fmax(worst, stats.internal_fragmentation);
    sum += stats.internal_fragmentation;
    for (int i = 0; i < COUNT; i++) assay_buffer_free(buffers[i]);
  }
  char note[100];
  snprintf(note, sizeof note, "worst of %d mixes; mean %.2f %%; hit rate %.1f %%", ROUNDS, 100 * sum / ROUNDS, 100 * stats.hit_ratio);
  figure("internal_fragmentation", 100 * worst, "%", note);
  assay_device_trim(device, 0);
}

static void pairs(void) {
  for (int i = 0; i < PAIRS; i++) {
    assay_perf perf;
    assay_perf_begin(&perf, "bench");
    assay_perf_end(&perf, 64, 8);
    __asm__ volatile("" : : "r"(&perf) : "memory");
  }
}

static void nothing(void) {
  for (int i = 0; i < PAIRS; i++) {
    assay_perf perf = {.on = false};
    __asm__ volatile("" : : "r"(&perf) : "memory");
  }
}

static void timed_operations(double stamp) {
  char note[100];
  double loop = FIGURE_BEST_NS(ROUNDS, nothing()) / PAIRS;
  double off = fmax(FIGURE_BEST_NS(ROUNDS, pairs()) / PAIRS - loop, 0);
  assay_perf_enable(true);
  double on = FIGURE_BEST_NS(ROUNDS, pairs()) / PAIRS - loop;
  assay_perf_enable(false);
  snprintf(note, sizeof note, "begin and end, with a row in the ring; two stamps: %.1f ns", 2 * stamp);
  figure_beside("perf_on", on, "ns", 2 * stamp, note);
  figure("perf_off", off, "ns", "begin and end");
}

/* One group that has nothing to draw, by launch, less the same by a plain call of its function. */
static void launches(assay_stream *stream) {
  double sums[MC_EUROPEAN_SUMS];
  mc_european_params params = {.groups = 1, .scale = 1};
  assay_error err = {0};
  assay_buffer *buffer = NULL;
  const assay_kernel *kernel = assay_kernel_find("mc_european_f32");
  assay_kernel_fn function = assay_kernel_function(kernel, NULL);
  void *buffers[] = {sums};
  need(assay_buffer_borrow_out(stream, sums, sizeof sums, "sums", &err, &buffer), &err);
  double plain = FIGURE_BEST_NS(ROUNDS, for (int i = 0; i < LAUNCHES; i++) function(&params, buffers, 0, 1)) / LAUNCHES;
  double launch =
      FIGURE_BEST_NS(ROUNDS, for (int i = 0; i < LAUNCHES; i++)
                                 need(assay_stream_launch(stream, kernel->name, 1, &params, sizeof params, &buffer, 1, &err), &err)) /
      LAUNCHES;
  char note[100];
  snprintf(note, sizeof note, "one group; the group itself: %.0f ns", plain);
  figure("cpu_launch", fmax(launch - plain, 0), "ns", note);
  need(assay_buffer_give_back(stream, buffer, &err), &err);
}

static assay_status no_work(assay_device *device, assay_stream *stream, void *context, assay_error *err) {
  (void)device, (void)stream, (void)context, (void)err;
  return ASSAY_OK;
}

static void runs(assay_device *device) {
  assay_error err = {0};
  assay_device_outcome outcome;
  double ns =
      FIGURE_BEST_NS(ROUNDS, for (int i = 0; i < LAUNCHES; i++) need(assay_device_run(device, no_work, NULL, &err, &outcome), &err));
  figure("device_run", ns / LAUNCHES, "ns", "a stream, work that does nothing, and the outcome");
}

int main(int argc, char **argv) {
  assay_error err = {0};
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  figure_begin(argc, argv);
  need(assay_device_open("cpu", &err, &device), &err);
  need(assay_stream_create(device, &err, &stream), &err);
  double stamp = stamp_ns();
  figure("stamp", stamp, "ns", "one reading of the counter");
  pool_hits(stream, stamp);
  fragmentation(device, stream);
  timed_operations(stamp);
  launches(stream);
  runs(device);
  assay_stream_destroy(stream);
  assay_device_close(device);
  return figure_end();
}

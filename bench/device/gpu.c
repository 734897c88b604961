/* SPDX-License-Identifier: MIT */
/*
 * The bars for a GPU, through the public functions alone, a line each: bench/device/gpu [cuda|opencl|cpu]. The bars are for an H200 and
 * CUDA. Times are of whole calls, from the host's call to the price; the middle of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <assay/device.h>
#include <assay/montecarlo.h>

static const char *name = "cuda";
static bool missed;

static double now_us(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static void row(bool met, const char *what, const char *bar, double figure, const char *unit, const char *beside) {
  missed |= !met;
  printf("%s  %-44s %16s %12.4g %-9s  %s\n", met ? "met   " : "MISSED", what, bar, figure, unit, beside);
  fflush(stdout);
}

/* Microseconds of one price; the middle of `rounds` after one that makes the device ready. */
static double price_us(const assay_mc_params *option, int rounds, assay_mc_result *result) {
  double *times = malloc((size_t)rounds * sizeof *times);
  if (times == NULL) exit(EXIT_FAILURE);
  for (int i = -3; i < rounds; i++) {
    assay_error err = {0};
    double begin = now_us();
    if (assay_mc_price(option, &err, result) != ASSAY_OK) {
      fprintf(stderr, "%s\n", err.message);
      exit(EXIT_FAILURE);
    }
    if (i >= 0) times[i] = now_us() - begin;
  }
  qsort(times, (size_t)rounds, sizeof *times, ascending);
  double middle = times[rounds / 2];
  free(times);
  return middle;
}

static void price_row(const char *what, assay_mc_params option, int rounds, double limit_us, double per_s) {
  assay_mc_result result;
  char bar[32], beside[200];
  option.device = name;
  double us = price_us(&option, rounds, &result);
  snprintf(beside, sizeof beside, "price %.6f +- %.6f", result.price, result.standard_error);
  if (per_s > 0) {
    double rate = 1e-3 * (double)option.paths / us;
    snprintf(bar, sizeof bar, ">= %g", per_s);
    row(rate >= per_s, what, bar, rate, "Gpaths/s", beside);
  } else {
    snprintf(bar, sizeof bar, "<= %g", limit_us);
    row(us <= limit_us, what, bar, us, "us", beside);
  }
}

static void need(assay_status status, const assay_error *err) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err->message);
  exit(EXIT_FAILURE);
}

static void copy_row(size_t bytes) {
  assay_error err = {0};
  assay_device *device = NULL;
  assay_stream *stream = NULL;
  assay_buffer *from = NULL, *to = NULL;
  assay_event *begin = NULL, *end = NULL;
  double ns = 0, best = 1e300;
  need(assay_device_open(name, &err, &device), &err);
  need(assay_stream_create(device, &err, &stream), &err);
  need(assay_buffer_alloc(stream, bytes, "copied from", &err, &from), &err);
  need(assay_buffer_alloc(stream, bytes, "copied to", &err, &to), &err);
  need(assay_event_create(device, &err, &begin), &err);
  need(assay_event_create(device, &err, &end), &err);
  need(assay_buffer_fill(stream, from, 0, 7, bytes, &err), &err);
  for (int i = 0; i < 10; i++) {
    need(assay_event_record(begin, stream, &err), &err);
    need(assay_buffer_copy(stream, to, 0, from, 0, bytes, &err), &err);
    need(assay_event_record(end, stream, &err), &err);
    need(assay_event_elapsed(begin, end, &err, &ns), &err);
    if (ns < best) best = ns;
  }
  double rate = 2e-3 * (double)bytes / best;
  row(rate >= 4.2, "copy through our buffers", ">= 4.2", rate, "TB/s", "read and written");
  assay_buffer_free(from), assay_buffer_free(to);
  assay_event_destroy(begin), assay_event_destroy(end);
  assay_stream_destroy(stream);
  assay_memory_stats stats;
  assay_device_memory(device, &stats);
  char beside[100];
  snprintf(beside, sizeof beside, "%llu allocations of this program", (unsigned long long)stats.allocations);
  row(stats.hit_ratio >= 0.95, "allocations that the pool served", ">= 95", 100 * stats.hit_ratio, "%", beside);
  assay_device_close(device);
}

int main(int argc, char **argv) {
  if (argc > 1) name = argv[1];
  assay_error err = {0};
  assay_device *device = NULL;
  if (assay_device_open(name, &err, &device) != ASSAY_OK) { /* held open, so that the calls below share it */
    printf("%s: unavailable: %s\n", name, err.message);
    return 77;
  }
  const assay_device_info *info = assay_device_get_info(device);
  bool gpu = info->kind == ASSAY_DEVICE_GPU;
  printf("%s: %s (%s)\n", info->id, info->name, info->driver);
  assay_mc_params european = {
      .spot = 100, .strike = 110, .time = 0.25, .rate = 0.05, .volatility = 0.2, .seed = 7, .precision = ASSAY_MC_F32};
  european.paths = gpu ? 1000000000 : 10000000;
  price_row("European MC, 1e9 paths f32", european, 9, 0, 450);
  european.paths = 1000000;
  price_row("European MC, 1e6 paths f32, call to price", european, gpu ? 2000 : 50, 20, 0);
  assay_mc_params asian = european;
  asian.payoff = ASSAY_MC_ASIAN_ARITHMETIC, asian.time = 1, asian.steps = 252, asian.paths = gpu ? 1000000 : 20000;
  price_row("Asian, 1M paths x 252 steps f32", asian, 15, 400, 0);
  asian.precision = ASSAY_MC_F64;
  price_row("Asian, 1M paths x 252 steps f64", asian, 15, 1200, 0);
  copy_row(gpu ? (size_t)1 << 30 : (size_t)32 << 20);
  assay_device_close(device);
  return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

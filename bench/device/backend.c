/* SPDX-License-Identifier: MIT */
/*
 * What a device backend gives without anything above it (bench/device/backend [cuda|opencl]): kernels, the time from a call to its sums,
 * copies. A price through the public functions cannot be faster; how near it comes is bench/device/bars.c.
 *
 * A figure of the device is the best of some rounds; a time of a call is the median, with the worst of 100 beside it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/backend.h"
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"
#include "os/prim.h"

static const assay_backend *backend;
static void *device, *queue, *begin_mark, *end_mark;
static assay_error err;

static void need(assay_status status) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err.message);
  exit(EXIT_FAILURE);
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static assay_slice make_buffer(size_t bytes) {
  assay_slice slice = {.bytes = bytes};
  need(backend->memory_alloc(device, bytes, &err, &slice.memory));
  if (backend->view != NULL) need(backend->view(device, slice.memory, 0, bytes, &err, &slice.view));
  return slice;
}

static void free_buffer(assay_slice *slice) {
  if (slice->view != NULL) backend->unview(device, slice->view);
  backend->memory_free(device, slice->memory);
}

/* Device time of what `rounds` calls of `work` enqueue, each; the best. */
#define DEVICE_NS(rounds, work)                                                \
  __extension__({                                                              \
    double best = 1e300;                                                       \
    for (int round = 0; round < (rounds); round++) {                           \
      double took = 0;                                                         \
      need(backend->event_record(device, begin_mark, queue, &err));            \
      work;                                                                    \
      need(backend->event_record(device, end_mark, queue, &err));              \
      need(backend->event_elapsed(device, begin_mark, end_mark, &err, &took)); \
      if (took < best) best = took;                                            \
    }                                                                          \
    best;                                                                      \
  })

/* Host time of `work`, which ends when its results are there. */
static void host_us(const char *what, void (*work)(void *), void *context) {
  enum { CALLS = 2000, WARM = 200 };
  static double times[CALLS];
  for (int i = -WARM; i < CALLS; i++) {
    uint64_t at = assay_os_now_ns();
    work(context);
    if (i >= 0) times[i] = (double)(assay_os_now_ns() - at) * 1e-3;
  }
  qsort(times, CALLS, sizeof *times, ascending);
  printf("%-44s %10.2f us  (least %.2f, 99 of 100 within %.2f)\n", what, times[CALLS / 2], times[0], times[CALLS * 99 / 100]);
}

/* ---- European options --------------------------------------------------------------------------------------------------------------- */

typedef struct price {
  mc_european_params params;
  void *kernel;
  assay_slice sums;
  double *host;
} price;

static void launch(const price *p) {
  need(backend->launch(device, queue, p->kernel, p->params.groups, &p->params, sizeof p->params, &p->sums, 1, &err));
}

static price make_price(const char *name, u64 paths, u32 draws) {
  u64 block = ASSAY_KERNEL_GROUP_SIZE * 4, blocks = (paths + block - 1) / block;
  price p = {.params = {.paths = paths,
                        .draws = draws,
                        .groups = (u32)((blocks + draws - 1) / draws),
                        .key = random_key_make(1, 2),
                        .drift = 0.01,
                        .width = 0.144,
                        .scale = 100,
                        .shift = -110}};
  p.params.full = (u32)(paths / (block * p.params.groups));

  need(backend->kernel_find(device, name, &err, &p.kernel));
  p.sums = make_buffer(p.params.groups * MC_EUROPEAN_GREEKS_SUMS * sizeof(double));
  p.sums.bytes = p.params.groups * (strstr(name, "greeks") != NULL ? MC_EUROPEAN_GREEKS_SUMS : MC_EUROPEAN_SUMS) * sizeof(double);
  p.host = malloc(p.sums.bytes);
  return p;
}

static void free_price(price *p) {
  free_buffer(&p->sums);
  free(p->host);
}

/* The same groups on the processor: does every bit agree? */
static const char *compare(const char *name, price *p) {
  const assay_kernel *row = assay_kernel_find(name);
  void *reference = malloc(p->sums.bytes);
  assay_kernel_function(row, NULL)(&p->params, &reference, 0, p->params.groups);
  launch(p);
  need(backend->read(device, queue, &p->sums, p->host, &err));
  need(backend->queue_sync(device, queue, &err));
  bool same = memcmp(reference, p->host, p->sums.bytes) == 0;
  free(reference);
  return same ? "every sum has the bits of the processor's" : "SUMS DIFFER FROM THE PROCESSOR'S";
}

static void measure_paths(const char *name, u64 paths) {
  static const u32 draws[] = {8, 16, 32, 57, 64, 128, 256};
  printf("%s, %.3g paths:", name, (double)paths);
  for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
    price p = make_price(name, paths, draws[i]);
    double ns = DEVICE_NS(4, launch(&p));
    printf("  %u draws %.1f", draws[i], (double)paths / ns);
    free_price(&p);
  }
  printf(" Gpaths/s\n");
  price p = make_price(name, 1 << 22, 4);
  printf("%s, 4 Mi paths: %s\n", name, compare(name, &p));
  free_price(&p);
}

static void one_price(void *context) {
  price *p = context;
  launch(p);
  need(backend->read(device, queue, &p->sums, p->host, &err));
  need(backend->queue_sync(device, queue, &err));
}

static void launch_and_wait(void *context) {
  launch(context);
  need(backend->queue_sync(device, queue, &err));
}

static void enqueue_only(void *context) { launch(context); }

static void wait_only(void *context) {
  (void)context;
  need(backend->queue_sync(device, queue, &err));
}

static void measure_latency(void) {
  price small = make_price("mc_european_f32", 1024, 1), million = make_price("mc_european_f32", 1000000, 1),
        longer = make_price("mc_european_f32", 1000000, 2);
  host_us("sync of an idle queue", wait_only, NULL);
  host_us("launch of one group, enqueued", enqueue_only, &small);
  need(backend->queue_sync(device, queue, &err));
  host_us("launch of one group and sync", launch_and_wait, &small);
  host_us("launch of 1e6 paths and sync", launch_and_wait, &million);
  host_us("launch of 1e6 paths (2 draws) and sync", launch_and_wait, &longer);
  host_us("1e6 paths: launch, sums on the host", one_price, &million);
  double ns = DEVICE_NS(20, launch(&million));
  printf("%-44s %10.2f us  (device time between events)\n", "1e6 paths: kernel", ns * 1e-3);
  free_price(&small), free_price(&million), free_price(&longer);
}

/* ---- Copies ------------------------------------------------------------------------------------------------------------------------- */

static void measure_copies(size_t bytes) {
  assay_slice a = make_buffer(bytes), b = make_buffer(bytes);
  need(backend->fill(device, queue, &a, 0x3F800000, &err));
  double copy = DEVICE_NS(6, need(backend->copy(device, queue, &b, &a, &err)));
  double fill = DEVICE_NS(6, need(backend->fill(device, queue, &b, 7, &err)));
  printf("device copy of %zu MiB: %.2f TB/s read and written; fill: %.2f TB/s\n", bytes >> 20, 2e-3 * (double)bytes / copy,
         1e-3 * (double)bytes / fill);
  free_buffer(&a), free_buffer(&b);
}

static void measure_host_copies(void) {
  static const size_t sizes[] = {16 << 10, 1 << 20, 256 << 20};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    size_t bytes = sizes[i];
    assay_slice a = make_buffer(bytes);
    char *host = malloc(bytes);
    memset(host, 1, bytes);
    double write = 1e300, read = 1e300;
    for (int round = 0; round < 6; round++) {
      uint64_t t0 = assay_os_now_ns();
      need(backend->write(device, queue, &a, host, &err));
      need(backend->queue_sync(device, queue, &err));
      uint64_t t1 = assay_os_now_ns();
      need(backend->read(device, queue, &a, host, &err));
      need(backend->queue_sync(device, queue, &err));
      uint64_t t2 = assay_os_now_ns();
      if ((double)(t1 - t0) < write) write = (double)(t1 - t0);
      if ((double)(t2 - t1) < read) read = (double)(t2 - t1);
    }
    printf("host memory, %zu KiB: write %.1f us (%.2f GB/s), read %.1f us (%.2f GB/s)\n", bytes >> 10, write * 1e-3, (double)bytes / write,
           read * 1e-3, (double)bytes / read);
    free(host);
    free_buffer(&a);
  }
}

int main(int argc, char **argv) {
  backend = argc > 1 && strcmp(argv[1], "opencl") == 0 ? assay_backend_opencl() : assay_backend_cuda();
  assay_device_info infos[ASSAY_BACKEND_MAX_DEVICES];
  char cause[256] = "";
  if (backend->enumerate(infos, ASSAY_BACKEND_MAX_DEVICES, cause, sizeof cause) == 0) {
    printf("%s: unavailable: %s\n", backend->name, cause);
    return 77;
  }
  printf("%s: %s (%s)\n", backend->name, infos[0].name, infos[0].driver);
  bool gpu = infos[0].kind == ASSAY_DEVICE_GPU;
  uint64_t at = assay_os_now_ns();
  need(backend->open(0, &err, &device));
  uint64_t opened = assay_os_now_ns();
  need(backend->queue_create(device, &err, &queue));
  printf("opened in %.0f ms, first queue in %.2f ms\n", (double)(opened - at) * 1e-6, (double)(assay_os_now_ns() - opened) * 1e-6);
  need(backend->event_create(device, &err, &begin_mark));
  need(backend->event_create(device, &err, &end_mark));
  u64 many = gpu ? 1000000000 : 1 << 22;
  measure_paths("mc_european_f32", many);
  measure_paths("mc_european_f64", many / 4);
  measure_paths("mc_european_greeks_f32", many);
  measure_paths("mc_european_greeks_f64", many / 4);
  if (gpu) measure_latency();
  measure_copies(gpu ? (size_t)1 << 30 : 64 << 20);
  measure_host_copies();
  assay_device_health health = {0};
  backend->health(device, &health);
  printf(
      "health: %.0f C, %.1f of %.0f W, %.0f of %.0f MHz, memory %.0f MHz, used %.0f %%, free %.1f of %.1f GB, throttled: '%s', cause: "
      "'%s'\n",
      health.temperature_celsius, health.power_watts, health.power_limit_watts, health.clock_hz * 1e-6, health.max_clock_hz * 1e-6,
      health.memory_clock_hz * 1e-6, 100 * health.utilisation_ratio, health.memory_free_bytes * 1e-9, health.memory_total_bytes * 1e-9,
      health.throttled, health.cause);
  backend->event_destroy(device, begin_mark), backend->event_destroy(device, end_mark);
  backend->queue_destroy(device, queue);
  backend->close(device);
  return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * The bar for PoCL: the same kernels on all cores through OpenCL and as native lanes, in turns. Both are timed by the processor time of the
 * whole process, so that neighbours on the machine do not count; the middle of the rounds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/backend.h"
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"

enum { ROUNDS = 15 };

typedef struct side {
  const assay_backend *backend;
  void *device, *queue, *kernel;
  assay_slice sums;
  double cpu[ROUNDS], wall[ROUNDS];
} side;

static assay_error err;

static void need(assay_status status) {
  if (status == ASSAY_OK) return;
  fprintf(stderr, "%s\n", err.message);
  exit(EXIT_FAILURE);
}

static double seconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int ascending(const void *a, const void *b) {
  const double *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

static double middle(double *values) {
  qsort(values, ROUNDS, sizeof *values, ascending);
  return values[ROUNDS / 2];
}

static void open_side(side *s, const assay_backend *backend) {
  assay_device_info infos[ASSAY_BACKEND_MAX_DEVICES];
  char cause[256] = "";
  s->backend = backend;
  if (backend->enumerate(infos, ASSAY_BACKEND_MAX_DEVICES, cause, sizeof cause) == 0) {
    printf("%s: unavailable: %s\n", backend->name, cause);
    exit(77);
  }
  if (strcmp(backend->name, "opencl") == 0 && infos[0].kind != ASSAY_DEVICE_CPU) {
    printf("opencl: the first device, %s, is no processor\n", infos[0].name);
    exit(77);
  }
  need(backend->open(0, &err, &s->device));
  need(backend->queue_create(s->device, &err, &s->queue));
}

static void run(side *s, const mc_european_params *params) {
  need(s->backend->launch(s->device, s->queue, s->kernel, params->groups, params, sizeof *params, &s->sums, 1, &err));
  need(s->backend->queue_sync(s->device, s->queue, &err));
}

static bool measure(side sides[2], const char *name, unsigned bits) {
  u32 groups = 1024, draws = bits == 32 ? 16 : 8;
  mc_european_params params = {.paths = (u64)groups * draws * ASSAY_KERNEL_GROUP_SIZE * (bits == 32 ? 4 : 2),
                               .draws = draws,
                               .full = draws, /* as a price has: every path exists */
                               .groups = groups,
                               .key = random_key_make(1, 2),
                               .drift = 0.01,
                               .width = 0.144,
                               .scale = 100,
                               .shift = -110};
  size_t bytes = groups * MC_EUROPEAN_GREEKS_SUMS * sizeof(double);
  for (int i = 0; i < 2; i++) {
    side *s = &sides[i];
    need(s->backend->kernel_find(s->device, name, &err, &s->kernel));
    s->sums = (assay_slice){.bytes = bytes};
    need(s->backend->memory_alloc(s->device, bytes, &err, &s->sums.memory));
    run(s, &params); /* drivers compile at the first launch */
  }
  for (int round = 0; round < ROUNDS; round++) {
    for (int i = 0; i < 2; i++) {
      double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
      run(&sides[i], &params);
      sides[i].cpu[round] = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
      sides[i].wall[round] = seconds(CLOCK_MONOTONIC) - wall;
    }
  }
  double native = middle(sides[0].cpu), opencl = middle(sides[1].cpu), paths = (double)params.paths * 1e-9;
  bool met = native / opencl >= 0.8;
  printf("%s  PoCL beside native lanes, %-24s >= 0.8 %8.2f  (%.3f and %.3f Gpaths a second of processor; by the clock %.3f and %.3f)\n",
         met ? "met   " : "MISSED", name, native / opencl, paths / opencl, paths / native, paths / middle(sides[1].wall),
         paths / middle(sides[0].wall));
  for (int i = 0; i < 2; i++) sides[i].backend->memory_free(sides[i].device, sides[i].sums.memory);
  return met;
}

int main(void) {
  side sides[2] = {0};
  open_side(&sides[0], assay_backend_cpu());
  open_side(&sides[1], assay_backend_opencl());
  bool met = true;
  met &= measure(sides, "mc_european_f32", 32);
  met &= measure(sides, "mc_european_f64", 64);
  met &= measure(sides, "mc_european_greeks_f32", 32);
  met &= measure(sides, "mc_european_greeks_f64", 64);
  for (int i = 0; i < 2; i++) {
    sides[i].backend->queue_destroy(sides[i].device, sides[i].queue);
    sides[i].backend->close(sides[i].device);
  }
  return met ? EXIT_SUCCESS : EXIT_FAILURE;
}

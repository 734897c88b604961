/* SPDX-License-Identifier: MIT */
/* What the tests of devices share: backends that pretend, and a kernel launch that is easy to check. */
#ifndef TESTS_DEVICE_FAKE_H
#define TESTS_DEVICE_FAKE_H

#include "device/core.h"
#include "kernels/kernel.h"
#include "kernels/montecarlo/european.h"
#include "test.h"

/* The dummy with another name, other devices and, when it has none, a cause. */
typedef struct fake_backend {
  assay_backend backend;
  assay_device_info infos[4];
  size_t count;
  const char *cause;
  bool opens;
  unsigned asked;     /* for its devices */
  unsigned looked_at; /* whether it may serve auto: fake_by_name */
  /* NULL, or waits while it is asked for its devices or opens one (`what`): a driver that takes its time. */
  void (*wait)(const char *what);
  atomic_uint opened;
} fake_backend;

/* Up to four; `slot` 0 to 3. Every device says: flags F64, 1 GiB, alignment 256. */
fake_backend *fake(unsigned slot, const char *name);
void fake_device(fake_backend *backend, const char *name, assay_device_kind kind, unsigned rank);
/* From now on it says that it has nothing for auto, but a "processor"; for one backend at a time. */
void fake_by_name(fake_backend *backend);
/* Sets ASSAY_DUMMY for what is opened from now on; NULL: the defaults. */
void fake_options(const char *text);

/* A small Monte Carlo: `groups` groups of sums. */
mc_european_params small_params(size_t groups);
/* Runs it on the device and reads the sums back: groups * MC_EUROPEAN_SUMS numbers. */
assay_status small_run(assay_device *device, assay_stream *stream, size_t groups, double *sums, assay_error *err);

#endif

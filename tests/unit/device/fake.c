/* SPDX-License-Identifier: MIT */
#include "fake.h"

static fake_backend fakes[4];

static size_t enumerate(fake_backend *self, assay_device_info *infos, size_t capacity, char *cause, size_t size) {
  self->asked++;
  if (self->wait != NULL) self->wait("enumerate");
  for (size_t i = 0; i < self->count && i < capacity; i++) infos[i] = self->infos[i];
  if (self->count == 0) snprintf(cause, size, "%s", self->cause != NULL ? self->cause : "");
  return self->count;
}

static assay_status open_fake(fake_backend *self, size_t index, assay_error *err, void **state) {
  atomic_fetch_add(&self->opened, 1);
  if (self->wait != NULL) self->wait("open");
  if (!self->opens) return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "its driver is too old");
  return assay_backend_dummy()->open(index, err, state);
}

#define FAKE(n)                                                                                      \
  static size_t enumerate_##n(assay_device_info *infos, size_t capacity, char *cause, size_t size) { \
    return enumerate(&fakes[n], infos, capacity, cause, size);                                       \
  }                                                                                                  \
  static assay_status open_##n(size_t index, assay_error *err, void **state) { return open_fake(&fakes[n], index, err, state); }
FAKE(0)
FAKE(1)
FAKE(2)
FAKE(3)

fake_backend *fake(unsigned slot, const char *name) {
  static size_t (*const enumerates[4])(assay_device_info *, size_t, char *, size_t) = {enumerate_0, enumerate_1, enumerate_2, enumerate_3};
  static assay_status (*const opens[4])(size_t, assay_error *, void **) = {open_0, open_1, open_2, open_3};
  fakes[slot] = (fake_backend){.backend = *assay_backend_dummy(), .opens = true};
  fakes[slot].backend.name = name;
  fakes[slot].backend.enumerate = enumerates[slot];
  fakes[slot].backend.open = opens[slot];
  return &fakes[slot];
}

void fake_device(fake_backend *backend, const char *name, assay_device_kind kind, unsigned rank) {
  assay_device_info *info = &backend->infos[backend->count++];
  *info = (assay_device_info){.kind = kind,
                              .rank = rank,
                              .flags = ASSAY_DEVICE_F64,
                              .memory_bytes = UINT64_C(1) << 30,
                              .max_buffer_bytes = UINT64_C(1) << 30,
                              .alignment_bytes = 256};
  snprintf(info->name, sizeof info->name, "%s", name);
}

static fake_backend *only_by_name;

static bool serves_nobody(char *what, size_t size) {
  only_by_name->looked_at++;
  snprintf(what, size, "processor");
  return false;
}

void fake_by_name(fake_backend *backend) {
  only_by_name = backend;
  backend->backend.serves_auto = serves_nobody;
}

void fake_options(const char *text) {
  if (text != NULL)
    setenv("ASSAY_DUMMY", text, 1);
  else
    unsetenv("ASSAY_DUMMY");
}

mc_european_params small_params(size_t groups) {
  return (mc_european_params){.paths = groups * ASSAY_KERNEL_GROUP_SIZE * 2,
                              .draws = 1,
                              .full = 0,
                              .groups = (u32)groups,
                              .key = random_key_make(7, 9),
                              .drift = 0.01,
                              .width = 0.3,
                              .scale = 100,
                              .shift = -100};
}

assay_status small_run(assay_device *device, assay_stream *stream, size_t groups, double *sums, assay_error *err) {
  (void)device;
  mc_european_params params = small_params(groups);
  size_t bytes = groups * MC_EUROPEAN_SUMS * sizeof *sums;
  assay_buffer *buffer = NULL;
  assay_status status = assay_buffer_borrow_out(stream, sums, bytes, "sums", err, &buffer);
  if (status != ASSAY_OK) return status;
  status = assay_stream_launch(stream, "mc_european_f64", groups, &params, sizeof params, &buffer, 1, err);
  assay_status back = assay_buffer_give_back(stream, buffer, err);
  if (status == ASSAY_OK) status = back;
  return status == ASSAY_OK ? assay_stream_sync(stream, err) : status;
}

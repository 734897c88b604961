/* SPDX-License-Identifier: MIT */
/* Which device is taken, and why not a better one. */
#include <assay/device.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "device/registry.h"

/* Lets the lock go meanwhile; what it reads of the row does not change any more. */
static assay_status open_core(assay_registry *registry, assay_registered *row, assay_error *err) {
  assay_core *core = NULL;
  row->under_way = true;
  pthread_mutex_unlock(&registry->lock);
  assay_status status = assay_core_open(row->backend, row->index, &row->public.info, err, &core);
  pthread_mutex_lock(&registry->lock);
  row->under_way = false;
  if (status == ASSAY_OK) {
    core->registry = registry;
    row->core = core;
  }
  pthread_cond_broadcast(&registry->ended);
  return status;
}

/* Under the lock. A device that is lost stays so; one that did not open is tried again by the next who wants it. */
static assay_status open_row(assay_registry *registry, assay_registered *row, assay_error *err) {
  if (!row->public.available) return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "%s: %s", row->public.info.id, row->public.cause);
  size_t which = (size_t)(row - registry->rows) / ASSAY_BACKEND_MAX_DEVICES;
  while (row->under_way) pthread_cond_wait(&registry->ended, &registry->lock);
  if (row->core != NULL) return assay_core_usable(row->core, err);
  if (row->backend->of_one_process && registry->asked_in[which] != assay_core_generation())
    return ASSAY_FAIL(err, ASSAY_ERR_LOST, "%s: its driver was loaded before this process was forked", row->public.info.id);
  return open_core(registry, row, err);
}

static assay_status make_handle(assay_core *core, bool exact, const char *reason, assay_error *err, assay_device **device) {
  assay_device *handle = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *handle);
  if (handle == NULL) {
    return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for a device");
  }
  handle->core = core;
  handle->exact = exact;
  snprintf(handle->reason, sizeof handle->reason, "%s", reason);
  *device = handle;
  return ASSAY_OK;
}

/* A long cause ends after a word. */
static void add_cause(const assay_registered *row, assay_buf *reason) {
  enum { MOST = 120 };
  const char *cause = row->public.cause;
  size_t length = strlen(cause);
  if (length <= MOST) {
    assay_buf_printf(reason, "%s: %s; ", row->public.info.id, cause);
    return;
  }
  for (length = MOST; length > 1 && cause[length] != ' ';) length--;
  while (length > 1 && strchr(" ,;:(", cause[length - 1]) != NULL) length--;
  assay_buf_printf(reason, "%s: %.*s ...; ", row->public.info.id, (int)length, cause);
}

/* What would have been better: devices that were lost, then backends before the one taken that have nothing for auto here. A cause may be
 * long; assay_device_list has it whole. */
static void add_absent(const assay_registry *registry, const assay_backend *taken, assay_buf *reason) {
  assay_registered *rows[ASSAY_REGISTRY_ROWS];
  size_t count = assay_registry_rows(registry, rows);
  for (size_t i = 0; i < count; i++) {
    const assay_registered *row = rows[i];
    if (!row->public.available && row->public.info.rank != 0) add_cause(row, reason);
  }
  for (size_t i = 0; i < count && rows[i]->backend != taken; i++) {
    const assay_registered *row = rows[i];
    const assay_device_info *info = &row->public.info;
    if (info->rank != 0) continue;
    if (row->public.available)
      assay_buf_printf(reason, "%s (%.60s) is for those who ask for it; ", info->id, info->name);
    else
      add_cause(row, reason);
  }
  for (size_t b = 0; b < registry->backend_count && registry->backends[b] != taken; b++)
    if (registry->asked[b] == ASSAY_REGISTRY_BY_NAME)
      assay_buf_printf(reason, "%s (%s) is for those who ask for it; ", registry->backends[b]->name, registry->by_name[b]);
}

/* auto: the best that opens; the reason names each that was better and why it was not taken. */
static assay_status open_best(assay_registry *registry, assay_error *err, assay_core **core, assay_buf *reason) {
  assay_registry_ask_for_auto(registry);
  assay_registered *ordered[ASSAY_REGISTRY_ROWS];
  size_t count = assay_registry_by_rank(registry, ordered), last = ASSAY_REGISTRY_ROWS;
  for (size_t i = 0; i < count && last == ASSAY_REGISTRY_ROWS; i++) {
    if (ordered[i]->public.available && ordered[i]->public.info.rank == 0) continue;
    if (!ordered[i]->public.available) continue;
    assay_error cause = {0};
    assay_status status = open_row(registry, ordered[i], &cause);
    /* What the environment says is wrong: no other device is the answer to that. */
    if (status == ASSAY_ERR_INVALID) return ASSAY_FAIL(err, status, "%s", cause.message);
    if (status == ASSAY_OK)
      last = i;
    else
      assay_buf_printf(reason, "%s: %s; ", ordered[i]->public.info.id, cause.message);
  }
  add_absent(registry, last != ASSAY_REGISTRY_ROWS ? ordered[last]->backend : NULL, reason);
  if (last == ASSAY_REGISTRY_ROWS) {
    while (reason->length > 0 && strchr("; ", reason->data[reason->length - 1]) != NULL) reason->data[--reason->length] = '\0';
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no device: %s", reason->length > 0 ? reason->data : "no backend is built in");
  }
  assay_buf_printf(reason, "%s%s", reason->length > 0 ? "so " : "the best one here: ", ordered[last]->public.info.id);
  *core = ordered[last]->core;
  return ASSAY_OK;
}

static assay_status unknown_request(const assay_registry *registry, const char *request, assay_error *err) {
  const char *words[ASSAY_REGISTRY_BACKENDS + 2] = {"auto"};
  assay_buf known = {0};
  assay_buf_puts(&known, "auto");
  for (size_t i = 0; i < registry->backend_count; i++) {
    words[i + 1] = registry->backends[i]->name;
    assay_buf_printf(&known, ", %s", words[i + 1]);
  }
  const char *near = assay_nearest_word(request, words);
  ASSAY_FAIL(err, ASSAY_ERR_INVALID, "there is no device '%.40s'%s%s%s; devices are %s, or one of them with a number such as cuda:1",
             request, near != NULL ? " (did you mean " : "", near != NULL ? near : "", near != NULL ? "?)" : "",
             known.data != NULL ? known.data : "auto");
  assay_buf_deinit(&known);
  return ASSAY_ERR_INVALID;
}

/* "cuda:1", "cuda" (the best of them), "cpu". */
static assay_status open_named(assay_registry *registry, const char *request, assay_error *err, assay_core **core) {
  size_t length = strcspn(request, ":");
  const assay_backend *backend = NULL;
  size_t which = 0;
  for (size_t i = 0; i < registry->backend_count; i++) {
    const char *name = registry->backends[i]->name;
    if (strlen(name) == length && strncmp(name, request, length) == 0) backend = registry->backends[which = i];
  }
  uint64_t number = 0;
  bool numbered = request[length] == ':';
  if (backend == NULL || (numbered && !assay_parse_u64(request + length + 1, &number))) return unknown_request(registry, request, err);
  assay_registry_ask(registry, which); /* and no other: who names the processor wants no driver in the process */
  assay_registered *ordered[ASSAY_REGISTRY_ROWS];
  size_t count = assay_registry_by_rank(registry, ordered), devices = 0;
  for (size_t i = 0; i < count; i++) {
    assay_registered *row = ordered[i];
    if (row->backend != backend) continue;
    if (!row->public.available || !numbered || row->index == number) {
      assay_status status = open_row(registry, row, err);
      if (status == ASSAY_OK) *core = row->core;
      return status;
    }
    devices++;
  }
  return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no device '%.40s': %s has %zu here, numbered from 0", request, backend->name,
                    devices);
}

static assay_status open_request(assay_registry *registry, const char *request, bool from_environment, assay_error *err,
                                 assay_device **device) {
  assay_core *core = NULL;
  assay_buf reason = {0};
  bool exact = strcmp(request, "auto") != 0;
  pthread_mutex_lock(&registry->lock);
  assay_status status = exact ? open_named(registry, request, err, &core) : open_best(registry, err, &core, &reason);
  pthread_mutex_unlock(&registry->lock);
  if (exact && status == ASSAY_OK)
    assay_buf_printf(&reason, from_environment ? "ASSAY_DEVICE=%.60s asks for it" : "'%.60s' was asked for", request);
  if (status == ASSAY_OK) {
    status = make_handle(core, exact, reason.data != NULL ? reason.data : "", err, device);
  }
  assay_buf_deinit(&reason);
  return status;
}

assay_status assay_registry_open(assay_registry *registry, const char *request, assay_error *err, assay_device **device) {
  if (registry == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "the list of devices could not be made");
  bool from_environment = request == NULL && (request = assay_settings_device()) != NULL;
  return open_request(registry, request != NULL ? request : "auto", from_environment, err, device);
}

/* The lanes of the processor itself: the last that auto would take. */
assay_status assay_registry_open_fallback(assay_registry *registry, assay_error *err, assay_device **device) {
  assay_registered *last = NULL;
  assay_core *core = NULL;
  pthread_mutex_lock(&registry->lock);
  assay_registry_ask_for_auto(registry);
  assay_registered *rows[ASSAY_REGISTRY_ROWS];
  size_t count = assay_registry_rows(registry, rows);
  for (size_t i = 0; i < count; i++) {
    assay_registered *row = rows[i];
    if (!row->public.available || row->public.info.rank == 0 || row->public.info.kind != ASSAY_DEVICE_CPU) continue;
    if (last == NULL || row->public.info.rank > last->public.info.rank) last = row;
  }
  assay_status status =
      last == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no processor device to move to") : open_row(registry, last, err);
  if (status == ASSAY_OK) core = last->core;
  pthread_mutex_unlock(&registry->lock);
  return status == ASSAY_OK ? make_handle(core, false, "the work moved here", err, device) : status;
}

assay_status assay_device_open(const char *request, assay_error *err, assay_device **device) {
  if (device == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_device_open needs a place for the device");
  return assay_registry_open(assay_registry_of_process(), request, err, device);
}

void assay_device_close(assay_device *device) { assay_free(device); }

/* Kept for good, so that a driver is not taken down while the program ends. */
assay_status assay_device_default(assay_error *err, assay_device **device) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static _Atomic(assay_device *) kept;
  if (device == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_device_default needs a place for the device (NULL)");
  assay_device *found = atomic_load_explicit(&kept, memory_order_acquire);
  assay_status status = ASSAY_OK;
  if (found == NULL) {
    pthread_mutex_lock(&lock);
    found = atomic_load_explicit(&kept, memory_order_relaxed);
    if (found == NULL && (status = assay_device_open(NULL, err, &found)) == ASSAY_OK)
      atomic_store_explicit(&kept, found, memory_order_release);
    pthread_mutex_unlock(&lock);
  }
  if (status == ASSAY_OK) *device = found;
  return status;
}

/* SPDX-License-Identifier: MIT */
/* Work that moves to the processor when its device fails. */
#include <assay/device.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "device/core.h"

/* Work of this thread that has a stream: if work within work waited for another, all might wait for each other. */
static _Thread_local unsigned depth;

static assay_status run_once(assay_device *device, assay_device_work work, void *context, assay_error *err) {
  assay_stream *stream = NULL;
  assay_status status = depth == 0 ? assay_stream_create_in_turn(device, err, &stream) : assay_stream_create(device, err, &stream);
  if (status != ASSAY_OK) return status;
  depth++;
  status = work(device, stream, context, err);
  depth--;
  assay_stream_destroy(stream);
  return status;
}

/* Failures of the device, not of the work. */
static bool is_of_the_device(assay_status status) {
  return status == ASSAY_ERR_NO_MEMORY || status == ASSAY_ERR_LOST || status == ASSAY_ERR_UNSUPPORTED;
}

static void put_outcome(const assay_device *device, bool fell_back, const char *reason, assay_device_outcome *outcome) {
  if (outcome == NULL) return;
  *outcome = (assay_device_outcome){.fell_back = fell_back};
  memcpy(outcome->device, device->core->info.id, sizeof outcome->device);
  snprintf(outcome->reason, sizeof outcome->reason, "%.*s", (int)sizeof outcome->reason - 1, reason);
}

static assay_status run_elsewhere(assay_device *from, assay_device_work work, void *context, const assay_error *why, assay_error *err,
                                  assay_device_outcome *outcome) {
  assay_device *fallback = NULL;
  assay_status status = assay_registry_open_fallback(from->core->registry, err, &fallback);
  if (status != ASSAY_OK) return ASSAY_FAIL(err, why->status, "%s", why->message);
  if (fallback->core == from->core) {
    ASSAY_FAIL(err, why->status, "%s", why->message);
    assay_device_close(fallback);
    return why->status;
  }
  assay_log(ASSAY_LOG_WARNING, "%s; the work is done again on %s", why->message, fallback->core->info.id);
  status = run_once(fallback, work, context, err);
  if (status == ASSAY_OK) put_outcome(fallback, true, why->message, outcome);
  assay_device_close(fallback);
  return status;
}

assay_status assay_device_run(assay_device *device, assay_device_work work, void *context, assay_error *err,
                              assay_device_outcome *outcome) {
  if (work == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "assay_device_run needs work");
  assay_status status = device == NULL ? assay_device_default(err, &device) : ASSAY_OK;
  if (status != ASSAY_OK) return status;
  assay_error why = {0};
  status = run_once(device, work, context, &why);
  if (status == ASSAY_OK) {
    put_outcome(device, false, device->reason, outcome);
    return status;
  }
  why.status = status;
  if (!is_of_the_device(status)) return ASSAY_FAIL(err, status, "%s", why.message);
  if (device->exact)
    return ASSAY_FAIL(err, status, "%s; %s was asked for, so it was not done elsewhere", why.message, device->core->info.id);
  return run_elsewhere(device, work, context, &why, err, outcome);
}

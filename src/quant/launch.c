/* SPDX-License-Identifier: MIT */
#include "quant/launch.h"

#include <stdbool.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "kernels/kernel.h"

enum { MAX_BUFFERS = 16 };

struct assay_quant_buffer {
  void *data;
  size_t bytes;
  bool owned;
};

struct assay_quant_session {
  assay_quant_buffer buffers[MAX_BUFFERS];
  size_t count;
};

static assay_status add(assay_quant_session *session, void *data, size_t bytes, bool owned, assay_error *err, assay_quant_buffer **buffer) {
  if (session->count == MAX_BUFFERS) return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "a session holds at most %d buffers", MAX_BUFFERS);
  *buffer = &session->buffers[session->count++];
  **buffer = (assay_quant_buffer){.data = data, .bytes = bytes, .owned = owned};
  return ASSAY_OK;
}

assay_status assay_quant_in(assay_quant_session *session, const void *array, size_t bytes, const char *label, assay_error *err,
                            assay_quant_buffer **buffer) {
  (void)label;
  return add(session, (void *)(uintptr_t)array, bytes, false, err, buffer);
}

assay_status assay_quant_out(assay_quant_session *session, void *array, size_t bytes, const char *label, assay_error *err,
                             assay_quant_buffer **buffer) {
  (void)label;
  return add(session, array, bytes, false, err, buffer);
}

assay_status assay_quant_scratch(assay_quant_session *session, size_t bytes, const char *label, assay_error *err,
                                 assay_quant_buffer **buffer) {
  void *data = assay_alloc(ASSAY_TAG_QUANT, bytes);
  if (data == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory for %zu bytes of %s", bytes, label);
  assay_status status = add(session, data, bytes, true, err, buffer);
  if (status != ASSAY_OK) assay_free(data);
  return status;
}

assay_status assay_quant_launch(assay_quant_session *session, const char *name, unsigned bits, size_t groups, const void *params,
                                size_t params_bytes, assay_quant_buffer *const *buffers, size_t count, assay_error *err) {
  (void)session;
  char full[64];
  assay_snprintf(full, sizeof full, "%s_f%u", name, bits);
  const assay_kernel *kernel = assay_kernel_find(full);
  if (kernel == NULL || kernel->params_bytes != params_bytes || kernel->buffers != count) {
    return ASSAY_FAIL(err, ASSAY_ERR_INTERNAL, "there is no kernel %s with %zu bytes of parameters and %zu buffers", full, params_bytes,
                      count);
  }
  void *data[ASSAY_KERNEL_MAX_BUFFERS];
  for (size_t i = 0; i < count; i++) data[i] = buffers[i]->data;
  assay_kernel_function(kernel, NULL)(params, data, 0, groups);
  return ASSAY_OK;
}

assay_status assay_quant_finish(assay_quant_session *session, assay_error *err) {
  (void)session;
  (void)err;
  return ASSAY_OK;
}

assay_status assay_quant_run(const char *device, assay_quant_work work, void *context, assay_error *err, assay_quant_where *where) {
  if (device != NULL && strcmp(device, "auto") != 0 && strcmp(device, "cpu") != 0) {
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no device '%s' here: auto and cpu are", device);
  }
  assay_quant_session session = {.count = 0};
  assay_status status = work(&session, context, err);
  for (size_t i = 0; i < session.count; i++) {
    if (session.buffers[i].owned) assay_free(session.buffers[i].data);
  }
  if (status != ASSAY_OK) return status;
  *where = (assay_quant_where){.device = "cpu", .reason = "the processor's vector lanes"};
  assay_snprintf(where->isa, sizeof where->isa, "%s", assay_kernel_variant_text(assay_kernel_variant_best()));
  return ASSAY_OK;
}

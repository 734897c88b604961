/* SPDX-License-Identifier: MIT */
#include "device/backend.h"

assay_status assay_backend_check(const assay_backend *backend, assay_error *err) {
  if (backend == NULL || backend->name == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a device backend has no name");
  if (backend->version != ASSAY_BACKEND_VERSION)
    return ASSAY_FAIL(err, ASSAY_ERR_VERSION, "the backend '%s' is of version %u, the core of version %d", backend->name, backend->version,
                      ASSAY_BACKEND_VERSION);
#define NEED(hook) \
  if (backend->hook == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the backend '%s' lacks the hook '" #hook "'", backend->name);
  NEED(enumerate)
  NEED(open)
  NEED(close) NEED(memory_alloc) NEED(memory_free) NEED(write) NEED(read) NEED(copy) NEED(fill) NEED(queue_create) NEED(queue_destroy)
      NEED(queue_sync) NEED(event_create) NEED(event_destroy) NEED(event_record) NEED(event_wait) NEED(event_elapsed) NEED(kernel_find)
          NEED(launch)
#undef NEED
#define PAIR(one, other)                                                                                                             \
  if ((backend->one == NULL) != (backend->other == NULL))                                                                            \
    return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the backend '%s' has one of the hooks '" #one "' and '" #other "' without the other", \
                      backend->name);
              PAIR(wrap, unwrap) PAIR(view, unview)
#undef PAIR
                  return ASSAY_OK;
}

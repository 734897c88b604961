/* SPDX-License-Identifier: MIT */
#include "device/backend.h"

#define REQUIRED(X) \
  X(enumerate)      \
  X(open)           \
  X(close)          \
  X(memory_alloc)   \
  X(memory_free)    \
  X(write)          \
  X(read)           \
  X(copy)           \
  X(fill)           \
  X(queue_create)   \
  X(queue_destroy)  \
  X(queue_sync)     \
  X(event_create)   \
  X(event_destroy)  \
  X(event_record)   \
  X(event_wait)     \
  X(event_elapsed)  \
  X(kernel_find)    \
  X(launch)

static assay_status check_pair(const char *backend, bool one, bool other, const char *names, assay_error *err) {
  if (one == other) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the backend '%s' has only one of the hooks %s", backend, names);
}

assay_status assay_backend_check(const assay_backend *backend, assay_error *err) {
  if (backend == NULL || backend->name == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "a device backend has no name");
  const char *name = backend->name;
  if (backend->version != ASSAY_BACKEND_VERSION) {
    return ASSAY_FAIL(err, ASSAY_ERR_VERSION, "the backend '%s' is of version %u, the core of version %d", name, backend->version,
                      ASSAY_BACKEND_VERSION);
  }
#define CHECK(hook) \
  if (backend->hook == NULL) return ASSAY_FAIL(err, ASSAY_ERR_INVALID, "the backend '%s' lacks the hook '%s'", name, #hook);
  REQUIRED(CHECK)
#undef CHECK
  assay_status status = check_pair(name, backend->wrap != NULL, backend->unwrap != NULL, "'wrap' and 'unwrap'", err);
  if (status == ASSAY_OK)
    status = check_pair(name, backend->direct_alloc != NULL, backend->direct_free != NULL, "'direct_alloc' and 'direct_free'", err);
  return status != ASSAY_OK ? status : check_pair(name, backend->view != NULL, backend->unview != NULL, "'view' and 'unview'", err);
}

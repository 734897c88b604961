/* SPDX-License-Identifier: MIT */
#include "device/opencl/pocl.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

bool assay_cl_is_pocl(cl_platform_id platform, char *name, size_t size) {
  char own[64] = "";
  if (assay_cl.clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof own, own, NULL) != CL_SUCCESS) return false;
  own[sizeof own - 1] = '\0';
  if (name != NULL) snprintf(name, size, "%s", own);
  return strcmp(own, "Portable Computing Language") == 0;
}

/* ---- Whether it can start ----------------------------------------------------------------------------------------------------------- */

/* It starts a thread for each CPU; its compiler and what others start meanwhile want something too. */
enum { SPARE_THREADS = 4 };

/* Threads that wait until as many as wanted were there at once. */
static void *wait_for_all(void *gate) {
  pthread_mutex_lock(gate);
  pthread_mutex_unlock(gate);
  return NULL;
}

static int start_threads(pthread_t *ids, size_t wanted, size_t *started) {
  pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
  int code = 0;
  pthread_mutex_lock(&gate);
  for (*started = 0; *started < wanted && code == 0; *started += code == 0)
    code = pthread_create(&ids[*started], NULL, wait_for_all, &gate);
  pthread_mutex_unlock(&gate);
  for (size_t i = 0; i < *started; i++) pthread_join(ids[i], NULL);
  pthread_mutex_destroy(&gate);
  return code;
}

assay_status assay_cl_pocl_can_start(assay_error *err) {
  long cpus = sysconf(_SC_NPROCESSORS_CONF);
  size_t wanted = (size_t)(cpus > 0 ? cpus : 1) + SPARE_THREADS, started = 0;
  pthread_t *ids = assay_calloc(ASSAY_TAG_DEVICE, wanted, sizeof *ids);
  if (ids == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "no memory to ask PoCL for its devices");
  sigset_t all, before; /* signals are for the program's own threads */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int code = start_threads(ids, wanted, &started);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  assay_free(ids);
  if (code == 0) return ASSAY_OK;
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED,
                    "PoCL cannot start its threads here (%zu of %zu: %s); raise the limit of processes or of address space (ulimit -u, -v)",
                    started, wanted, strerror(code));
}

/* SPDX-License-Identifier: MIT */
/* Which devices there are, and which one is taken. */
#include <assay/device.h>

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "device/core.h"

/* In the order in which they are asked. */
static const assay_backend *(*const backends_of_process[])(void) = {
    assay_backend_cuda,
    assay_backend_opencl,
    assay_backend_cpu,
    assay_backend_dummy,
};

enum { BACKENDS = 8, ROWS = BACKENDS * ASSAY_BACKEND_MAX_DEVICES };

typedef struct registered {
  assay_device_row public;
  const assay_backend *backend;
  size_t index;     /* in the backend */
  bool under_way;   /* somebody opens it */
  assay_core *core; /* once it was opened */
} registered;

typedef enum progress { NOT_YET, UNDER_WAY, DONE } progress;

struct assay_registry {
  /* Of all that follows. A driver that is loaded and a device that opens take up to a second each: the lock is let go meanwhile, and only
   * who wants that same one waits for it. */
  pthread_mutex_t lock;
  pthread_cond_t ended; /* one of the two */
  const assay_backend *backends[BACKENDS];
  size_t backend_count;
  registered rows[ROWS]; /* of each backend, as enumerated: ASSAY_BACKEND_MAX_DEVICES places */
  size_t counts[BACKENDS];
  assay_registry *next;        /* of all there are */
  progress asked[BACKENDS];    /* drivers are loaded when somebody may want them */
  unsigned asked_in[BACKENDS]; /* by which process: drivers do not survive a fork */
};

/* ---- enumerating -------------------------------------------------------------------------------------------------------------------- */

static registered *add_row(assay_registry *registry, size_t backend) {
  return &registry->rows[backend * ASSAY_BACKEND_MAX_DEVICES + registry->counts[backend]++];
}

/* Under the lock, with what the backend said. */
static void add_rows(assay_registry *registry, size_t which, const assay_device_info *infos, size_t count, const char *cause) {
  const assay_backend *backend = registry->backends[which];
  for (size_t i = 0; i < count && i < ASSAY_BACKEND_MAX_DEVICES; i++) {
    registered *at = add_row(registry, which);
    *at = (registered){.public = {.info = infos[i], .available = true}, .backend = backend, .index = i};
    if (infos[i].id[0] == '\0') snprintf(at->public.info.id, sizeof at->public.info.id, "%s:%zu", backend->name, i);
  }
  if (count > 0) return;
  registered *at = add_row(registry, which);
  *at = (registered){.backend = backend};
  snprintf(at->public.info.id, sizeof at->public.info.id, "%s", backend->name);
  snprintf(at->public.cause, sizeof at->public.cause, "%s", cause[0] != '\0' ? cause : "the backend does not say why");
}

/* Asks a backend for its devices, once. */
static void ask(assay_registry *registry, size_t which) {
  while (registry->asked[which] == UNDER_WAY) pthread_cond_wait(&registry->ended, &registry->lock);
  if (registry->asked[which] == DONE) return;
  registry->asked[which] = UNDER_WAY;
  registry->asked_in[which] = assay_core_generation();
  assay_device_info infos[ASSAY_BACKEND_MAX_DEVICES] = {0};
  char cause[256] = "";
  pthread_mutex_unlock(&registry->lock);
  size_t count = registry->backends[which]->enumerate(infos, ASSAY_BACKEND_MAX_DEVICES, cause, sizeof cause);
  if (count == 0) assay_log(ASSAY_LOG_DEBUG, "%s: %s", registry->backends[which]->name, cause); /* unlocked: who listens may fork */
  pthread_mutex_lock(&registry->lock);
  add_rows(registry, which, infos, count, cause);
  registry->asked[which] = DONE;
  pthread_cond_broadcast(&registry->ended);
}

static void ask_all(assay_registry *registry) {
  for (size_t i = 0; i < registry->backend_count; i++) ask(registry, i);
}

/* The rows of backends that were asked, in their order. */
static size_t rows_of(const assay_registry *registry, registered *rows[ROWS]) {
  size_t count = 0;
  for (size_t b = 0; b < registry->backend_count; b++) {
    for (size_t i = 0; i < registry->counts[b]; i++)
      rows[count++] = (registered *)(uintptr_t)&registry->rows[b * ASSAY_BACKEND_MAX_DEVICES + i];
  }
  return count;
}

/* ---- fork --------------------------------------------------------------------------------------------------------------------------- */

/*
 * Whoever forks has every registry's lock meanwhile, so the child finds each in one piece. What another thread was about to do there will
 * never end in the child: a driver that was being loaded cannot be used, what else was under way is begun anew. Nothing here allocates.
 */
static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static assay_registry *list;

static void before_fork(void) {
  pthread_mutex_lock(&list_lock);
  for (assay_registry *r = list; r != NULL; r = r->next) pthread_mutex_lock(&r->lock);
}

static void after_fork(void) {
  for (assay_registry *r = list; r != NULL; r = r->next) pthread_mutex_unlock(&r->lock);
  pthread_mutex_unlock(&list_lock);
}

static void give_up_driver(assay_registry *registry, size_t which) {
  static const char cause[] = "its driver was being loaded by another thread when this process was forked";
  const assay_backend *backend = registry->backends[which];
  registry->counts[which] = 0;
  registry->asked[which] = NOT_YET;
  if (!backend->of_one_process) return;
  registered *at = add_row(registry, which);
  *at = (registered){.backend = backend};
  strncpy(at->public.info.id, backend->name, sizeof at->public.info.id - 1);
  memcpy(at->public.cause, cause, sizeof cause);
  registry->asked[which] = DONE;
}

static void after_fork_in_child(void) {
  for (assay_registry *r = list; r != NULL; r = r->next) {
    pthread_cond_init(&r->ended, NULL); /* nobody waits there any more */
    for (size_t b = 0; b < r->backend_count; b++) {
      if (r->asked[b] == UNDER_WAY) give_up_driver(r, b);
      for (size_t i = 0; i < r->counts[b]; i++) r->rows[b * ASSAY_BACKEND_MAX_DEVICES + i].under_way = false;
    }
  }
  after_fork();
}

/* Without memory for that, only a fork while a device opens is what it was: the child may wait for ever. */
static void watch_forks(void) {
  if (pthread_atfork(before_fork, after_fork, after_fork_in_child) != 0)
    assay_log(ASSAY_LOG_WARNING, "devices: no memory to watch for forks; do not fork while a device opens");
}

static void add_to_list(assay_registry *registry) {
  static pthread_once_t watched = PTHREAD_ONCE_INIT;
  pthread_once(&watched, watch_forks);
  pthread_mutex_lock(&list_lock);
  registry->next = list;
  list = registry;
  pthread_mutex_unlock(&list_lock);
}

static void take_from_list(const assay_registry *registry) {
  pthread_mutex_lock(&list_lock);
  assay_registry **at = &list;
  while (*at != NULL && *at != registry) at = &(*at)->next;
  if (*at != NULL) *at = registry->next;
  pthread_mutex_unlock(&list_lock);
}

/* ---- registries --------------------------------------------------------------------------------------------------------------------- */

assay_status assay_registry_create(const assay_backend *const *backends, size_t count, assay_error *err, assay_registry **out) {
  if (count > BACKENDS) return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu device backends are more than %d", count, BACKENDS);
  for (size_t i = 0; i < count; i++) {
    assay_status status = assay_backend_check(backends[i], err);
    if (status != ASSAY_OK) return status;
  }
  assay_registry *registry = assay_calloc(ASSAY_TAG_DEVICE, 1, sizeof *registry);
  if (registry == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the list of devices");
  pthread_mutex_init(&registry->lock, NULL);
  pthread_cond_init(&registry->ended, NULL);
  for (size_t i = 0; i < count; i++) registry->backends[registry->backend_count++] = backends[i];
  add_to_list(registry);
  *out = registry;
  return ASSAY_OK;
}

void assay_registry_destroy(assay_registry *registry) {
  if (registry == NULL) return;
  take_from_list(registry);
  registered *rows[ROWS];
  size_t count = rows_of(registry, rows);
  for (size_t i = 0; i < count; i++) {
    if (rows[i]->core != NULL) assay_core_close(rows[i]->core);
  }
  pthread_cond_destroy(&registry->ended);
  pthread_mutex_destroy(&registry->lock);
  assay_free(registry);
}

static assay_registry *process;
static pthread_once_t process_once = PTHREAD_ONCE_INIT;

static void make_process(void) {
  const assay_backend *backends[BACKENDS];
  size_t count = sizeof backends_of_process / sizeof *backends_of_process;
  for (size_t i = 0; i < count; i++) backends[i] = backends_of_process[i]();
  assay_error err = {0};
  if (assay_registry_create(backends, count, &err, &process) != ASSAY_OK) assay_log(ASSAY_LOG_WARNING, "devices: %s", err.message);
}

assay_registry *assay_registry_of_process(void) {
  pthread_once(&process_once, make_process);
  return process;
}

/* ---- listing ------------------------------------------------------------------------------------------------------------------------ */

/* A loss is found out while others look on. */
static void copy_row(registered *from, assay_device_row *to) {
  *to = from->public;
  assay_error lost = {0};
  if (from->core == NULL || assay_core_usable(from->core, &lost) == ASSAY_OK) return;
  to->available = false;
  snprintf(to->cause, sizeof to->cause, "%.*s", (int)sizeof to->cause - 1, lost.message);
}

/* What auto would take first; what it never takes, and what is not there, at the end. */
static unsigned place(const registered *row) {
  if (!row->public.available) return UINT32_MAX;
  return row->public.info.rank == 0 ? UINT32_MAX - 1 : row->public.info.rank;
}

static size_t by_rank(assay_registry *registry, registered *ordered[ROWS]) {
  size_t count = rows_of(registry, ordered);
  for (size_t i = 0; i < count; i++) {
    registered *row = ordered[i];
    size_t j = i;
    for (; j > 0 && place(ordered[j - 1]) > place(row); j--) ordered[j] = ordered[j - 1];
    ordered[j] = row;
  }
  return count;
}

size_t assay_registry_list(assay_registry *registry, assay_device_row *rows, size_t capacity) {
  if (registry == NULL) return 0;
  registered *ordered[ROWS];
  pthread_mutex_lock(&registry->lock);
  ask_all(registry);
  size_t count = by_rank(registry, ordered);
  for (size_t i = 0; i < count && i < capacity; i++) copy_row(ordered[i], &rows[i]);
  pthread_mutex_unlock(&registry->lock);
  return count;
}

size_t assay_device_list(assay_device_row *rows, size_t capacity) {
  return assay_registry_list(assay_registry_of_process(), rows, capacity);
}

/* ---- opening ------------------------------------------------------------------------------------------------------------------------ */

/* Lets the lock go meanwhile; what it reads of the row does not change any more. */
static assay_status open_core(assay_registry *registry, registered *row, assay_error *err) {
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
static assay_status open_row(assay_registry *registry, registered *row, assay_error *err) {
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
static void add_cause(const registered *row, assay_buf *reason) {
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
  registered *rows[ROWS];
  size_t count = rows_of(registry, rows);
  for (size_t i = 0; i < count; i++) {
    const registered *row = rows[i];
    if (!row->public.available && row->public.info.rank != 0) add_cause(row, reason);
  }
  for (size_t i = 0; i < count && rows[i]->backend != taken; i++) {
    const registered *row = rows[i];
    const assay_device_info *info = &row->public.info;
    if (info->rank != 0) continue;
    if (row->public.available)
      assay_buf_printf(reason, "%s (%.60s) is for those who ask for it; ", info->id, info->name);
    else
      add_cause(row, reason);
  }
}

/* auto: the best that opens; the reason names each that was better and why it was not taken. */
static assay_status open_best(assay_registry *registry, assay_error *err, assay_core **core, assay_buf *reason) {
  ask_all(registry);
  registered *ordered[ROWS];
  size_t count = by_rank(registry, ordered), last = ROWS;
  for (size_t i = 0; i < count && last == ROWS; i++) {
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
  add_absent(registry, last != ROWS ? ordered[last]->backend : NULL, reason);
  if (last == ROWS) {
    while (reason->length > 0 && strchr("; ", reason->data[reason->length - 1]) != NULL) reason->data[--reason->length] = '\0';
    return ASSAY_FAIL(err, ASSAY_ERR_NOT_FOUND, "there is no device: %s", reason->length > 0 ? reason->data : "no backend is built in");
  }
  assay_buf_printf(reason, "%s%s", reason->length > 0 ? "so " : "the best one here: ", ordered[last]->public.info.id);
  *core = ordered[last]->core;
  return ASSAY_OK;
}

static assay_status unknown_request(const assay_registry *registry, const char *request, assay_error *err) {
  const char *words[BACKENDS + 2] = {"auto"};
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
  ask(registry, which); /* and no other: who names the processor wants no driver in the process */
  registered *ordered[ROWS];
  size_t count = by_rank(registry, ordered), devices = 0;
  for (size_t i = 0; i < count; i++) {
    registered *row = ordered[i];
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
  registered *last = NULL;
  assay_core *core = NULL;
  pthread_mutex_lock(&registry->lock);
  ask_all(registry);
  registered *rows[ROWS];
  size_t count = rows_of(registry, rows);
  for (size_t i = 0; i < count; i++) {
    registered *row = rows[i];
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

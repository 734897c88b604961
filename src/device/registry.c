/* SPDX-License-Identifier: MIT */
/* Which devices there are. */
#include <assay/device.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "device/registry.h"

/* In the order in which they are asked. */
static const assay_backend *(*const backends_of_process[])(void) = {
    assay_backend_cuda,
    assay_backend_opencl,
    assay_backend_cpu,
    assay_backend_dummy,
};

/* ---- enumerating -------------------------------------------------------------------------------------------------------------------- */

static assay_registered *add_row(assay_registry *registry, size_t backend) {
  return &registry->rows[backend * ASSAY_BACKEND_MAX_DEVICES + registry->counts[backend]++];
}

/* Under the lock, with what the backend said. */
static void add_rows(assay_registry *registry, size_t which, const assay_device_info *infos, size_t count, const char *cause) {
  const assay_backend *backend = registry->backends[which];
  for (size_t i = 0; i < count && i < ASSAY_BACKEND_MAX_DEVICES; i++) {
    assay_registered *at = add_row(registry, which);
    *at = (assay_registered){.public = {.info = infos[i], .available = true}, .backend = backend, .index = i};
    if (infos[i].id[0] == '\0') snprintf(at->public.info.id, sizeof at->public.info.id, "%s:%zu", backend->name, i);
  }
  if (count > 0) return;
  assay_registered *at = add_row(registry, which);
  *at = (assay_registered){.backend = backend};
  snprintf(at->public.info.id, sizeof at->public.info.id, "%s", backend->name);
  snprintf(at->public.cause, sizeof at->public.cause, "%s", cause[0] != '\0' ? cause : "the backend does not say why");
}

void assay_registry_ask(assay_registry *registry, size_t which) {
  while (registry->asked[which] == ASSAY_REGISTRY_UNDER_WAY) pthread_cond_wait(&registry->ended, &registry->lock);
  if (registry->asked[which] == ASSAY_REGISTRY_DONE) return;
  registry->asked[which] = ASSAY_REGISTRY_UNDER_WAY;
  registry->asked_in[which] = assay_core_generation();
  assay_device_info infos[ASSAY_BACKEND_MAX_DEVICES] = {0};
  char cause[256] = "";
  pthread_mutex_unlock(&registry->lock);
  size_t count = registry->backends[which]->enumerate(infos, ASSAY_BACKEND_MAX_DEVICES, cause, sizeof cause);
  if (count == 0) assay_log(ASSAY_LOG_DEBUG, "%s: %s", registry->backends[which]->name, cause); /* unlocked: who listens may fork */
  pthread_mutex_lock(&registry->lock);
  add_rows(registry, which, infos, count, cause);
  registry->asked[which] = ASSAY_REGISTRY_DONE;
  pthread_cond_broadcast(&registry->ended);
}

/* Looking is quick and starts nothing, but it loads libraries, so the lock is let go here as well. */
static bool serves_auto(assay_registry *registry, size_t which) {
  const assay_backend *backend = registry->backends[which];
  while (registry->asked[which] == ASSAY_REGISTRY_UNDER_WAY) pthread_cond_wait(&registry->ended, &registry->lock);
  if (registry->asked[which] != ASSAY_REGISTRY_NOT_YET || backend->serves_auto == NULL)
    return registry->asked[which] != ASSAY_REGISTRY_BY_NAME;
  registry->asked[which] = ASSAY_REGISTRY_UNDER_WAY;
  char what[sizeof registry->by_name[which]] = "";
  pthread_mutex_unlock(&registry->lock);
  bool serves = backend->serves_auto(what, sizeof what);
  pthread_mutex_lock(&registry->lock);
  memcpy(registry->by_name[which], what, sizeof what);
  registry->asked[which] = serves ? ASSAY_REGISTRY_NOT_YET : ASSAY_REGISTRY_BY_NAME;
  pthread_cond_broadcast(&registry->ended);
  return serves;
}

void assay_registry_ask_for_auto(assay_registry *registry) {
  for (size_t i = 0; i < registry->backend_count; i++)
    if (serves_auto(registry, i)) assay_registry_ask(registry, i);
}

void assay_registry_ask_all(assay_registry *registry) {
  for (size_t i = 0; i < registry->backend_count; i++) assay_registry_ask(registry, i);
}

size_t assay_registry_rows(const assay_registry *registry, assay_registered *rows[ASSAY_REGISTRY_ROWS]) {
  size_t count = 0;
  for (size_t b = 0; b < registry->backend_count; b++) {
    for (size_t i = 0; i < registry->counts[b]; i++)
      rows[count++] = (assay_registered *)(uintptr_t)&registry->rows[b * ASSAY_BACKEND_MAX_DEVICES + i];
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
  registry->asked[which] = ASSAY_REGISTRY_NOT_YET;
  if (!backend->of_one_process) return;
  assay_registered *at = add_row(registry, which);
  *at = (assay_registered){.backend = backend};
  strncpy(at->public.info.id, backend->name, sizeof at->public.info.id - 1);
  memcpy(at->public.cause, cause, sizeof cause);
  registry->asked[which] = ASSAY_REGISTRY_DONE;
}

static void after_fork_in_child(void) {
  for (assay_registry *r = list; r != NULL; r = r->next) {
    pthread_cond_init(&r->ended, NULL); /* nobody waits there any more */
    for (size_t b = 0; b < r->backend_count; b++) {
      if (r->asked[b] == ASSAY_REGISTRY_UNDER_WAY) give_up_driver(r, b);
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
  if (count > ASSAY_REGISTRY_BACKENDS)
    return ASSAY_FAIL(err, ASSAY_ERR_LIMIT, "%zu device backends are more than %d", count, ASSAY_REGISTRY_BACKENDS);
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
  assay_registered *rows[ASSAY_REGISTRY_ROWS];
  size_t count = assay_registry_rows(registry, rows);
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
  const assay_backend *backends[ASSAY_REGISTRY_BACKENDS];
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
static void copy_row(assay_registered *from, assay_device_row *to) {
  *to = from->public;
  assay_error lost = {0};
  if (from->core == NULL || assay_core_usable(from->core, &lost) == ASSAY_OK) return;
  to->available = false;
  snprintf(to->cause, sizeof to->cause, "%.*s", (int)sizeof to->cause - 1, lost.message);
}

/* What auto would take first; what it never takes, and what is not there, at the end. */
static unsigned place(const assay_registered *row) {
  if (!row->public.available) return UINT32_MAX;
  return row->public.info.rank == 0 ? UINT32_MAX - 1 : row->public.info.rank;
}

size_t assay_registry_by_rank(assay_registry *registry, assay_registered *ordered[ASSAY_REGISTRY_ROWS]) {
  size_t count = assay_registry_rows(registry, ordered);
  for (size_t i = 0; i < count; i++) {
    assay_registered *row = ordered[i];
    size_t j = i;
    for (; j > 0 && place(ordered[j - 1]) > place(row); j--) ordered[j] = ordered[j - 1];
    ordered[j] = row;
  }
  return count;
}

size_t assay_registry_list(assay_registry *registry, assay_device_row *rows, size_t capacity) {
  if (registry == NULL) return 0;
  assay_registered *ordered[ASSAY_REGISTRY_ROWS];
  pthread_mutex_lock(&registry->lock);
  assay_registry_ask_all(registry);
  size_t count = assay_registry_by_rank(registry, ordered);
  for (size_t i = 0; i < count && i < capacity; i++) copy_row(ordered[i], &rows[i]);
  pthread_mutex_unlock(&registry->lock);
  return count;
}

size_t assay_device_list(assay_device_row *rows, size_t capacity) {
  return assay_registry_list(assay_registry_of_process(), rows, capacity);
}

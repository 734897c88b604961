/* SPDX-License-Identifier: MIT */
/* assay monitor: one instance a history, and when its next round is due, kept over a restart. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/monitor.h"
#include "os/prim.h"

assay_status assay_monitor_find_places(assay_monitor *m, assay_error *err) {
  assay_arena *arena = &m->cli->arena;
  const char *stem = NULL;
  if (assay_history_is_url(m->history)) {
    char *cache = NULL;
    assay_status status = assay_os_cache_dir(err, &cache);
    if (status != ASSAY_OK) return status;
    uint64_t hash = assay_hash(ASSAY_HASH_START, m->history, strlen(m->history));
    stem = assay_arena_printf(arena, "%s/monitor-%016llx", cache, (unsigned long long)hash);
    assay_free(cache);
  } else {
    const char *slash = strrchr(m->history, '/');
    char *folder = slash != NULL && slash != m->history ? assay_arena_strndup(arena, m->history, (size_t)(slash - m->history)) : NULL;
    assay_status status = folder != NULL ? assay_os_make_dirs(folder, err) : ASSAY_OK;
    if (status != ASSAY_OK) return status;
    stem = assay_arena_printf(arena, "%s.monitor", assay_cli_absolute(m->cli, m->history));
  }
  char *shown = assay_history_shown(m->history);
  m->shown_history = shown != NULL ? assay_arena_strdup(arena, shown) : NULL;
  assay_string_free(shown);
  m->lock_path = assay_arena_printf(arena, "%s.lock", stem);
  m->state_path = assay_arena_printf(arena, "%s.json", stem);
  return arena->failed || m->shown_history == NULL ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory") : ASSAY_OK;
}

assay_status assay_monitor_take_lock(assay_monitor *m, assay_error *err) {
  char holder[120] = "";
  m->lock = open(m->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (m->lock < 0) return ASSAY_FAIL_ERRNO(err, errno, "cannot open %s", m->lock_path);
  if (flock(m->lock, LOCK_EX | LOCK_NB) != 0) {
    int code = errno;
    ssize_t got = pread(m->lock, holder, sizeof holder - 1, 0);
    holder[got > 0 ? got : 0] = '\0';
    holder[strcspn(holder, "\n")] = '\0';
    if (code != EWOULDBLOCK) return ASSAY_FAIL_ERRNO(err, code, "cannot lock %s", m->lock_path);
    return ASSAY_FAIL(err, ASSAY_ERR_BUSY, "another monitor works on %s (%s); stop it, or give this one another --history",
                      m->shown_history, holder[0] != '\0' ? holder : m->lock_path);
  }
  int length = snprintf(holder, sizeof holder, "process %d, since %lld\n", (int)getpid(), (long long)assay_os_wall_s());
  if (ftruncate(m->lock, 0) != 0 || pwrite(m->lock, holder, (size_t)length, 0) != length)
    return ASSAY_FAIL_ERRNO(err, errno, "cannot write %s", m->lock_path);
  return ASSAY_OK;
}

void assay_monitor_read_state(assay_monitor *m) {
  char *text = NULL;
  size_t length = 0;
  if (assay_os_read_file(m->state_path, 65536, NULL, &text, &length) != ASSAY_OK) return;
  json_t *state = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
  int64_t due = (int64_t)json_integer_value(json_object_get(state, "due_s"));
  int64_t now = assay_os_wall_s();
  /* Shorter than before, or a clock that went back: nobody waits longer than one interval. */
  if (due > 0) m->due_s = due > now + (int64_t)ceil(m->every_s) ? now + (int64_t)ceil(m->every_s) : due;
  json_decref(state);
  assay_free(text);
}

void assay_monitor_write_state(const assay_monitor *m) {
  assay_buf out = {0};
  assay_json json = {.out = &out, .indent = 2};
  assay_error err = {0};
  assay_json_object(&json);
  assay_json_put_string(&json, "schema", "assay-monitor/1");
  assay_json_key(&json, "due_s");
  assay_json_int(&json, m->due_s);
  assay_json_put_uint(&json, "rounds", m->rounds);
  assay_json_put_uint(&json, "failed", m->failed);
  assay_json_end(&json);
  if (out.failed || assay_os_write_file(m->state_path, out.data, out.length, &err) != ASSAY_OK) assay_cli_fail(m->cli, &err);
  assay_buf_deinit(&out);
}

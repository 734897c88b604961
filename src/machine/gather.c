/* SPDX-License-Identifier: MIT */
/*
 * A capture is made by detecting this machine and keeping everything that was read on the way, so it holds what a replay asks for by
 * construction. hwloc reads for itself; its files are listed by pattern. What could name a person, a host or a single device is filtered
 * out of the text.
 */
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "assay_config.h"
#include "base/buf.h"
#include "machine/archive.h"
#include "machine/component.h"
#include "machine/detect.h"
#include "machine/snapshot.h"
#include "os/prim.h"

typedef struct member {
  assay_record_kind kind;
  const char *path, *text;
  int code; /* errno when it could not be read */
} member;

typedef struct gathering {
  assay_arena arena;
  member *members;
  size_t count, capacity;
} gathering;

static void keep(void *user, assay_record_kind kind, const char *path, const char *text, int code) {
  gathering *g = user;
  if (text == NULL && (code == ENOENT || code == ENOTDIR)) return;
  if (g->count == g->capacity) {
    member *more = assay_arena_grow(&g->arena, g->members, g->count, &g->capacity, sizeof *more);
    if (more == NULL) return;
    g->members = more;
  }
  g->members[g->count++] = (member){kind, assay_arena_strdup(&g->arena, path), assay_arena_strdup(&g->arena, text), code};
}

/* ---- What hwloc reads on its own ------------------------------------------------------------------------------------ */

static const char *const patterns[] = {
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/cpu/possible",
    "/sys/devices/system/cpu/present",
    "/sys/devices/system/cpu/cpu[0-9]*/online",
    "/sys/devices/system/cpu/cpu[0-9]*/cpu_capacity",
    "/sys/devices/system/cpu/cpu[0-9]*/topology/*",
    "/sys/devices/system/cpu/cpu[0-9]*/cache/index*/*",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/cpuinfo_max_freq",
    "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/base_frequency",
    "/sys/devices/system/cpu/cpu[0-9]*/acpi_cppc/nominal_freq",
    "/sys/devices/cpu_*/cpus",
    "/sys/devices/system/node/online",
    "/sys/devices/system/node/possible",
    "/sys/devices/system/node/has_*",
    "/sys/devices/system/node/node[0-9]*/cpumap",
    "/sys/devices/system/node/node[0-9]*/cpulist",
    "/sys/devices/system/node/node[0-9]*/meminfo",
    "/sys/devices/system/node/node[0-9]*/distance",
    "/sys/devices/system/node/node[0-9]*/hugepages/*/nr_hugepages",
    "/sys/devices/system/node/node[0-9]*/access*/initiators/*",
    "/sys/devices/system/node/node[0-9]*/memory_side_cache/index*/*",
    "/sys/kernel/mm/hugepages/*/nr_hugepages",
    "/proc/self/cpuset",
};

static bool is_regular(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static void keep_pattern(gathering *g, const assay_source *source, const char *pattern) {
  glob_t found = {0};
  if (glob(pattern, 0, NULL, &found) == 0) {
    for (size_t i = 0; i < found.gl_pathc; i++) {
      if (is_regular(found.gl_pathv[i])) assay_source_read(source, &g->arena, NULL, "%s", found.gl_pathv[i]);
    }
  }
  globfree(&found);
}

/* Of the group `path` and all above it. */
static void keep_cpusets_up(gathering *g, const assay_source *source, char *path) {
  static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/cpuset", "/sys/fs/cgroup/unified"};
  if (path != NULL && strcmp(path, "/") == 0) *path = '\0';
  while (path != NULL) {
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++) {
      keep_pattern(g, source, assay_arena_printf(&g->arena, "%s%s/cpuset.*cpus*", mounts[i], path));
      keep_pattern(g, source, assay_arena_printf(&g->arena, "%s%s/cpuset.*mems*", mounts[i], path));
    }
    char *slash = strrchr(path, '/');
    if (slash == NULL) return;
    *slash = '\0';
  }
}

/* The cpuset files of every group from this process's own to the top, in both versions of cgroups. */
static void keep_cpusets(gathering *g, const assay_source *source) {
  const char *self = assay_source_read(source, &g->arena, NULL, "/proc/self/cgroup");
  for (const char *line = self; line != NULL && *line != '\0';) {
    size_t length = strcspn(line, "\n");
    const char *first = memchr(line, ':', length),
               *second = first != NULL ? memchr(first + 1, ':', (size_t)(line + length - first - 1)) : NULL;
    if (second != NULL) keep_cpusets_up(g, source, assay_arena_strndup(&g->arena, second + 1, (size_t)(line + length - second - 1)));
    line += length + (line[length] == '\n');
  }
}

/* ---- Leaving out what names anybody --------------------------------------------------------------------------------- */

/* Lines for which `wanted` says yes. */
static const char *lines_that(assay_arena *arena, const char *text, bool (*wanted)(const char *line, size_t length)) {
  assay_buf kept = {0};
  for (const char *line = text; *line != '\0';) {
    size_t length = strcspn(line, "\n");
    if (wanted(line, length)) {
      assay_buf_append(&kept, line, length);
      assay_buf_putc(&kept, '\n');
    }
    line += length + (line[length] == '\n');
  }
  const char *copy = assay_arena_strdup(arena, kept.data != NULL ? kept.data : "");
  assay_buf_deinit(&kept);
  return copy;
}

static bool begins_with(const char *line, size_t length, const char *start) {
  return length >= strlen(start) && strncmp(line, start, strlen(start)) == 0;
}

static bool no_serial(const char *line, size_t length) { return !begins_with(line, length, "Serial"); }

static bool allowed_line(const char *line, size_t length) {
  return begins_with(line, length, "Cpus_allowed") || begins_with(line, length, "Mems_allowed");
}

static bool model_line(const char *line, size_t length) { return begins_with(line, length, "Model"); }

/* Mounts of disks and servers carry names; those of cgroups do not. The type is the third field. */
static bool cgroup_mount(const char *line, size_t length) {
  const char *end = line + length;
  for (int field = 0; field < 2; field++) {
    line = memchr(line, ' ', (size_t)(end - line));
    if (line == NULL) return false;
    line++;
  }
  size_t left = (size_t)(end - line);
  return begins_with(line, left, "cgroup") || begins_with(line, left, "cpuset ");
}

static const char *filtered(assay_arena *arena, const char *path, const char *text) {
  if (strcmp(path, "/proc/cpuinfo") == 0) return lines_that(arena, text, no_serial);
  if (strcmp(path, "/proc/self/status") == 0) return lines_that(arena, text, allowed_line);
  if (strcmp(path, "/proc/mounts") == 0) return lines_that(arena, text, cgroup_mount);
  if (strcmp(path, "/proc/cmdline") == 0) return assay_kernel_parameters_that_matter(arena, text);
  if (strcmp(path, "/proc/version") == 0) return NULL; /* names who built the kernel, and where; uname says the rest */
  if (strncmp(path, "/proc/driver/nvidia/", 20) == 0) return lines_that(arena, text, model_line); /* the rest has the UUID */
  return text;
}

/* ---- Writing -------------------------------------------------------------------------------------------------------- */

static la_ssize_t append(struct archive *archive, void *user, const void *bytes, size_t length) {
  assay_buf *buf = user;
  assay_buf_append(buf, bytes, length);
  if (!buf->failed) return (la_ssize_t)length;
  assay_libarchive.archive_set_error(archive, ENOMEM, "out of memory");
  return -1;
}

/* By path, so that a directory comes before what is in it; of one path the content before the mere presence. */
static int compare_members(const void *a, const void *b) {
  const member *x = a, *y = b;
  int order = strcmp(x->path, y->path);
  if (order != 0) return order;
  size_t length_x = x->text != NULL ? strlen(x->text) : 0, length_y = y->text != NULL ? strlen(y->text) : 0;
  return (length_x < length_y) - (length_x > length_y);
}

static bool write_member(struct archive *archive, struct archive_entry *entry, const char *path, assay_record_kind kind, const char *text) {
  char name[ASSAY_SNAPSHOT_PATH_MAX];
  if ((size_t)snprintf(name, sizeof name, "machine%s", path) >= sizeof name) return true;
  assay_libarchive.archive_entry_clear(entry);
  assay_libarchive.archive_entry_set_pathname(entry, name);
  assay_libarchive.archive_entry_set_mtime(entry, 0, 0); /* the same machine gives the same bytes */
  assay_libarchive.archive_entry_set_perm(entry, kind == ASSAY_RECORD_DIRECTORY ? 0755 : 0644);
  size_t length = kind == ASSAY_RECORD_FILE ? strlen(text) : 0;
  assay_libarchive.archive_entry_set_filetype(entry, kind == ASSAY_RECORD_FILE   ? AE_IFREG
                                                     : kind == ASSAY_RECORD_LINK ? AE_IFLNK
                                                                                 : AE_IFDIR);
  assay_libarchive.archive_entry_set_size(entry, (la_int64_t)length);
  if (kind == ASSAY_RECORD_LINK) {
    /* Only the last part of a target says something (the driver's name), and alone it cannot point out of the capture. */
    const char *slash = strrchr(text, '/');
    assay_libarchive.archive_entry_set_symlink(entry, slash != NULL ? slash + 1 : text);
  }
  if (assay_libarchive.archive_write_header(archive, entry) != ARCHIVE_OK) return false;
  return length == 0 || assay_libarchive.archive_write_data(archive, text, length) == (la_ssize_t)length;
}

static const char *manifest_of(gathering *g) {
  assay_buf text = {0};
  assay_buf_printf(&text, "%s\nassay %s\n", ASSAY_MANIFEST_HEAD, ASSAY_VERSION);
  for (size_t i = 0; i < g->count; i++) {
    bool again = i > 0 && strcmp(g->members[i].path, g->members[i - 1].path) == 0;
    if (g->members[i].text == NULL && !again) assay_buf_printf(&text, "%s\t%s\n", g->members[i].path, strerror(g->members[i].code));
  }
  const char *copy = assay_arena_strdup(&g->arena, text.data);
  assay_buf_deinit(&text);
  return copy;
}

static bool write_members(gathering *g, struct archive *archive) {
  struct archive_entry *entry = assay_libarchive.archive_entry_new();
  const char *manifest = manifest_of(g);
  bool fine = entry != NULL && manifest != NULL && write_member(archive, entry, ASSAY_MANIFEST_PATH, ASSAY_RECORD_FILE, manifest);
  for (size_t i = 0; fine && i < g->count; i++) {
    const member *m = &g->members[i];
    if (m->text == NULL || (i > 0 && strcmp(m->path, g->members[i - 1].path) == 0)) continue;
    const char *text = filtered(&g->arena, m->path, m->text);
    if (text != NULL) fine = write_member(archive, entry, m->path, m->kind, text);
  }
  assay_libarchive.archive_entry_free(entry);
  return fine;
}

static assay_status write_archive(gathering *g, const char *path, assay_error *err) {
  assay_buf bytes = {0};
  assay_status status = assay_libarchive_load(err);
  if (status != ASSAY_OK) return status;
  struct archive *archive = assay_libarchive.archive_write_new();
  if (archive == NULL) return ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the capture");
  bool fine = assay_libarchive.archive_write_set_format_pax_restricted(archive) == ARCHIVE_OK &&
              assay_libarchive.archive_write_add_filter_gzip(archive) == ARCHIVE_OK &&
              assay_libarchive.archive_write_set_options(archive, "gzip:!timestamp") == ARCHIVE_OK &&
              assay_libarchive.archive_write_set_bytes_in_last_block(archive, 1) == ARCHIVE_OK &&
              assay_libarchive.archive_write_open(archive, &bytes, NULL, append, NULL) == ARCHIVE_OK && write_members(g, archive) &&
              assay_libarchive.archive_write_close(archive) == ARCHIVE_OK;
  if (!fine) {
    const char *why = assay_libarchive.archive_error_string(archive);
    status = ASSAY_FAIL(err, ASSAY_ERR_IO, "cannot make the capture %s: %s", path, why != NULL ? why : "out of memory");
  }
  assay_libarchive.archive_write_free(archive);
  if (status == ASSAY_OK) status = assay_os_write_file(path, bytes.data, bytes.length, err);
  assay_buf_deinit(&bytes);
  return status;
}

assay_status assay_machine_gather(const char *path, assay_error *err) {
#ifndef __linux__
  return ASSAY_FAIL(err, ASSAY_ERR_UNSUPPORTED, "cannot gather into %s: on a Mac, save the output of `sysctl -a` instead", path);
#endif
  gathering g = {0};
  assay_arena_init(&g.arena, ASSAY_TAG_MACHINE);
  const assay_source source = {.kind = ASSAY_SOURCE_LIVE, .root = "", .complete = true, .record = keep, .record_user = &g};
  assay_machine *machine = NULL;
  assay_status status = assay_detect_from(&source, err, &machine);
  assay_machine_destroy(machine);
  if (status == ASSAY_OK) {
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) keep_pattern(&g, &source, patterns[i]);
    keep_cpusets(&g, &source);
    if (g.count > 0) qsort(g.members, g.count, sizeof *g.members, compare_members);
    status = g.arena.failed ? ASSAY_FAIL(err, ASSAY_ERR_NO_MEMORY, "out of memory for the capture") : write_archive(&g, path, err);
  }
  assay_arena_deinit(&g.arena);
  return status;
}

/* SPDX-License-Identifier: MIT */
/*
 * The whole contract between Assay and an operating system. linux/ and macos/ implement it; nothing else includes a system header that only one
 * of them has. POSIX that both have (pthread, unistd, stdio) may be used anywhere.
 * Thread-safe unless said otherwise.
 */
#ifndef ASSAY_OS_PRIM_H
#define ASSAY_OS_PRIM_H

#include <assay/status.h>

#include <stdbool.h>
#include <stdint.h>

/* ---- Clock (posix.c, and ticks.h for the inlined counter) ---------------------------------------------------------------- */

/* Nanoseconds of a monotonic clock that no one sets. */
uint64_t assay_os_now_ns(void);
/* Seconds since 1970. */
int64_t assay_os_wall_s(void);
void assay_os_sleep_ns(uint64_t ns);

/* ---- Files ------------------------------------------------------------------------------------------------------------------ */

/* Reads a whole file ("-": standard input) of at most `limit` bytes, also one in /proc whose size is not known. The data is NUL-terminated behind its
 * end; free with assay_free. */
assay_status assay_os_read_file(const char *path, size_t limit, assay_error *err, char **data, size_t *length);
/* Writes beside (same directory, random name), syncs, then renames: the file is the old one or the new one, never half. */
assay_status assay_os_write_file(const char *path, const void *data, size_t length, assay_error *err);
/* Creates a directory and its parents; one that exists is fine. */
assay_status assay_os_make_dirs(const char *path, assay_error *err);
bool assay_os_exists(const char *path);
/* A new private directory under $TMPDIR; free the path with assay_free. */
assay_status assay_os_temp_dir(assay_error *err, char **path);
/* Removes a directory and all below it without following links. */
void assay_os_remove_tree(const char *path);
/* Cache directory of this user ($ASSAY_CACHE_DIR, $XDG_CACHE_HOME/assay, ~/.cache/assay, on macOS ~/Library/Caches/assay); created when missing. */
assay_status assay_os_cache_dir(assay_error *err, char **path);
/* A shipped data file such as "profiles/machines/m4-max.toml": looked for in $ASSAY_DATA_DIR, beside the executable's tree, then where it was
 * installed. Free with assay_free. */
assay_status assay_os_find_data(const char *relative, assay_error *err, char **path);
/* Absolute path of the running executable; free with assay_free. */
assay_status assay_os_self_path(assay_error *err, char **path);

/* ---- Processors ------------------------------------------------------------------------------------------------------------ */

/* Logical CPUs this thread may run on: writes up to `capacity` of them in ascending order and returns how many there are. */
size_t assay_os_allowed_cpus(unsigned *cpus, size_t capacity);
/* Restricts the calling thread. ASSAY_ERR_UNSUPPORTED where the system cannot. */
assay_status assay_os_pin_thread(const unsigned *cpus, size_t count, assay_error *err);
/* CPU that the calling thread is on; -1 when unknown. */
int assay_os_current_cpu(void);
size_t assay_os_page_size(void);

#endif

/* SPDX-License-Identifier: MIT */
/* Makes captures for tests: any tar that libarchive can write, hostile ones too, and small machines of our own. */
#ifndef ASSAY_TEST_CAPTURE_H
#define ASSAY_TEST_CAPTURE_H

#include <archive.h>
#include <archive_entry.h>

#include <assay/machine.h>

typedef struct capture {
  struct archive *archive;
  char path[512];
} capture;

/* Opens <temp dir>/<name>; `filter` is an ARCHIVE_FILTER_ code. */
void capture_begin(capture *c, const char *name, int filter);
void capture_file(capture *c, const char *path, const char *text);
void capture_filef(capture *c, const char *text, const char *path, ...) ASSAY_PRINTF(3, 4);
/* Any member: `type` is an AE_IF code, `link` its target, `hard` for hard links. `size` bytes of zeros follow when it is a file. */
void capture_member(capture *c, const char *path, unsigned type, const char *link, bool hard, long long size);
/* Path of the finished archive. */
const char *capture_end(capture *c);
/* Writes bytes as they are; returns the path. */
const char *capture_bytes(const char *name, const void *bytes, size_t length);

/* One logical CPU, online: topology files of its core and package. `siblings` is the CPU list of its core. */
void capture_cpu(capture *c, unsigned cpu, unsigned package, unsigned core, const char *siblings, const char *package_cpus);
void capture_cache(capture *c, unsigned cpu, unsigned index, int level, const char *type, const char *size, const char *shared);

/* Replays or fails the test. */
assay_machine *replay(const char *path);
/* The fact must be there with that value; prints what is there otherwise. */
void expect_integer(const assay_machine *machine, const char *key, int64_t value);
void expect_text(const assay_machine *machine, const char *key, const char *value);
void expect_bool(const assay_machine *machine, const char *key, bool value);
/* Unavailable, with `word` in the cause. */
void expect_unavailable(const assay_machine *machine, const char *key, const char *word);
/* The one cache of that level, type and size: how many there are and how many threads share one. */
void expect_cache(const assay_machine *machine, int level, const char *type, int64_t size, int64_t count, int64_t shared);

#endif

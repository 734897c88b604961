/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "test.h"

void capture_begin(capture *c, const char *name, int filter) {
  snprintf(c->path, sizeof c->path, "%s/%s", test_temp_dir(), name);
  c->archive = archive_write_new();
  assert_int_equal(archive_write_set_format_pax_restricted(c->archive), ARCHIVE_OK);
  assert_int_equal(archive_write_add_filter(c->archive, filter), ARCHIVE_OK);
  assert_int_equal(archive_write_open_filename(c->archive, c->path), ARCHIVE_OK);
}

void capture_member(capture *c, const char *path, unsigned type, const char *link, bool hard, long long size) {
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, path);
  archive_entry_set_filetype(entry, type);
  archive_entry_set_perm(entry, type == AE_IFDIR ? 0755 : 0644);
  archive_entry_set_size(entry, type == AE_IFREG && !hard ? size : 0);
  if (hard) archive_entry_set_hardlink(entry, link);
  if (!hard && link != NULL) archive_entry_set_symlink(entry, link);
  assert_int_equal(archive_write_header(c->archive, entry), ARCHIVE_OK);
  static const char zeros[65536];
  while (type == AE_IFREG && !hard && size > 0) {
    size_t part = size < (long long)sizeof zeros ? (size_t)size : sizeof zeros;
    assert_int_equal(archive_write_data(c->archive, zeros, part), (la_ssize_t)part);
    size -= (long long)part;
  }
  archive_entry_free(entry);
}

void capture_file(capture *c, const char *path, const char *text) {
  struct archive_entry *entry = archive_entry_new();
  archive_entry_set_pathname(entry, path);
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_entry_set_perm(entry, 0644);
  archive_entry_set_size(entry, (la_int64_t)strlen(text));
  assert_int_equal(archive_write_header(c->archive, entry), ARCHIVE_OK);
  assert_int_equal(archive_write_data(c->archive, text, strlen(text)), (la_ssize_t)strlen(text));
  archive_entry_free(entry);
}

void capture_filef(capture *c, const char *text, const char *format, ...) {
  char path[512];
  va_list args;
  va_start(args, format);
  vsnprintf(path, sizeof path, format, args);
  va_end(args);
  capture_file(c, path, text);
}

const char *capture_end(capture *c) {
  assert_int_equal(archive_write_close(c->archive), ARCHIVE_OK);
  archive_write_free(c->archive);
  return c->path;
}

const char *capture_bytes(const char *name, const void *bytes, size_t length) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", test_temp_dir(), name);
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, length, file), length);
  fclose(file);
  return path;
}

#define CPU "sys/devices/system/cpu/cpu%u/"

/* A hexadecimal mask of a short CPU list, as the kernel writes it for less than 32 CPUs. */
static void mask_of(const char *list, char out[16]) {
  unsigned long mask = 0;
  for (char *end; *list != '\0'; list = *end == '\0' ? end : end + 1) {
    unsigned long first = strtoul(list, &end, 10), last = first;
    if (*end == '-') last = strtoul(end + 1, &end, 10);
    for (; first <= last; first++) mask |= 1ul << first;
  }
  snprintf(out, 16, "%08lx\n", mask);
}

void capture_cpu(capture *c, unsigned cpu, unsigned package, unsigned core, const char *siblings, const char *package_cpus) {
  char number[16], mask[16];
  snprintf(number, sizeof number, "%u\n", core);
  capture_filef(c, number, CPU "topology/core_id", cpu);
  snprintf(number, sizeof number, "%u\n", package);
  capture_filef(c, number, CPU "topology/physical_package_id", cpu);
  mask_of(siblings, mask);
  capture_filef(c, mask, CPU "topology/thread_siblings", cpu);
  capture_filef(c, mask, CPU "topology/core_cpus", cpu);
  mask_of(package_cpus, mask);
  capture_filef(c, mask, CPU "topology/core_siblings", cpu);
  capture_filef(c, mask, CPU "topology/package_cpus", cpu);
}

void capture_cache(capture *c, unsigned cpu, unsigned index, int level, const char *type, const char *size, const char *shared) {
  char number[16], mask[16];
  snprintf(number, sizeof number, "%d\n", level);
  capture_filef(c, number, CPU "cache/index%u/level", cpu, index);
  capture_filef(c, type, CPU "cache/index%u/type", cpu, index);
  capture_filef(c, size, CPU "cache/index%u/size", cpu, index);
  capture_filef(c, "64\n", CPU "cache/index%u/coherency_line_size", cpu, index);
  mask_of(shared, mask);
  capture_filef(c, mask, CPU "cache/index%u/shared_cpu_map", cpu, index);
}

assay_machine *replay(const char *path) {
  assay_machine *machine = NULL;
  assay_error err = {0};
  assert_ok(assay_machine_detect(path, &err, &machine), err);
  return machine;
}

static const assay_fact *fact_of(const assay_machine *machine, const char *key, assay_fact_type type) {
  const assay_fact *fact = assay_machine_get(machine, key);
  if (fact == NULL) print_error("there is no fact %s\n", key);
  assert_non_null(fact);
  if (fact->type != type) print_error("%s is of another type: %s, %g\n", key, fact->text != NULL ? fact->text : "-", fact->real);
  assert_int_equal(fact->type, type);
  return fact;
}

void expect_integer(const assay_machine *machine, const char *key, int64_t value) {
  const assay_fact *fact = fact_of(machine, key, ASSAY_FACT_INTEGER);
  if (fact->integer != value) print_error("%s is %lld, expected %lld\n", key, (long long)fact->integer, (long long)value);
  assert_true(fact->integer == value);
}

void expect_text(const assay_machine *machine, const char *key, const char *value) {
  const assay_fact *fact = fact_of(machine, key, ASSAY_FACT_TEXT);
  if (strcmp(fact->text, value) != 0) print_error("%s\n", key);
  assert_string_equal(fact->text, value);
}

void expect_bool(const assay_machine *machine, const char *key, bool value) {
  const assay_fact *fact = fact_of(machine, key, ASSAY_FACT_BOOL);
  if ((fact->integer != 0) != value) print_error("%s is %s\n", key, value ? "false" : "true");
  assert_int_equal(fact->integer != 0, value);
}

void expect_unavailable(const assay_machine *machine, const char *key, const char *word) {
  const assay_fact *fact = fact_of(machine, key, ASSAY_FACT_UNAVAILABLE);
  if (strstr(fact->text, word) == NULL) print_error("%s: cause '%s' does not name '%s'\n", key, fact->text, word);
  assert_non_null(strstr(fact->text, word));
}

void expect_cache(const assay_machine *machine, int level, const char *type, int64_t size, int64_t count, int64_t shared) {
  for (int i = 0;; i++) {
    char key[64];
    uint64_t value = 0;
    snprintf(key, sizeof key, "caches.%d.level", i);
    if (!assay_machine_get_u64(machine, key, &value)) break;
    snprintf(key, sizeof key, "caches.%d.type", i);
    const char *found = assay_machine_get_text(machine, key);
    uint64_t bytes = 0;
    snprintf(key, sizeof key, "caches.%d.size_bytes", i);
    assay_machine_get_u64(machine, key, &bytes);
    if (value != (uint64_t)level || strcmp(found, type) != 0 || bytes != (uint64_t)size) continue;
    snprintf(key, sizeof key, "caches.%d.count", i);
    expect_integer(machine, key, count);
    snprintf(key, sizeof key, "caches.%d.shared_by_threads", i);
    expect_integer(machine, key, shared);
    return;
  }
  print_error("no level %d %s cache of %lld bytes\n", level, type, (long long)size);
  fail();
}

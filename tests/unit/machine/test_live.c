/* SPDX-License-Identifier: MIT */
/* This machine, against what the system says by other ways; and a capture of it, against itself. */
#include <jansson.h>
#include <pthread.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/alloc.h"
#include "capture.h"
#include "os/prim.h"
#include "test.h"

static void agrees_with_the_system(void **state) {
  (void)state;
  assay_machine *m = replay(NULL);
  expect_integer(m, "cpu.threads", sysconf(_SC_NPROCESSORS_ONLN));
  expect_integer(m, "cpu.threads_allowed", (int64_t)assay_os_allowed_cpus(NULL, 0));
  expect_integer(m, "kernel.page_size_bytes", sysconf(_SC_PAGESIZE));
  expect_integer(m, "memory.total_bytes", (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
  struct utsname info;
  uname(&info);
  expect_text(m, "kernel.release", info.release);
  expect_text(m, "cpu.architecture", info.machine);
#if defined(__x86_64__)
  __builtin_cpu_init();
  expect_bool(m, "isa.avx2", __builtin_cpu_supports("avx2") != 0);
  expect_bool(m, "isa.fma", __builtin_cpu_supports("fma") != 0);
  expect_bool(m, "isa.avx512f", __builtin_cpu_supports("avx512f") != 0);
  expect_bool(m, "isa.sse4_2", __builtin_cpu_supports("sse4.2") != 0);
#endif
  assert_int_equal(strlen(assay_machine_id(m)), 16);
  assay_machine_destroy(m);
}

static void same_machine_same_id(void **state) {
  (void)state;
  assay_machine *a = replay(NULL), *b = replay(NULL);
  assert_string_equal(assay_machine_id(a), assay_machine_id(b));
  assert_string_equal(assay_machine_label(a), assay_machine_label(b));
  assay_machine_destroy(a);
  assay_machine_destroy(b);
}

/* Changes from one reading to the next. */
static bool is_volatile(const char *key) {
  static const char *const words[] = {"free_bytes", "available_bytes", "steal_ratio", "frequency_current_hz", "energy_joules", "sensors."};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strstr(key, words[i]) != NULL) return true;
  }
  return false;
}

static void capture_of_this_machine_replays_the_same(void **state) {
  (void)state;
  char path[600];
  snprintf(path, sizeof path, "%s/this.tar.gz", test_temp_dir());
  assay_error err = {0};
  assert_ok(assay_machine_gather(path, &err), err);
  assay_machine *live = replay(NULL), *again = replay(path);
  for (size_t i = 0; i < assay_machine_count(again); i++) assert_non_null(assay_machine_get(live, assay_machine_at(again, i)->key));
  for (size_t i = 0; i < assay_machine_count(live); i++) {
    const assay_fact *a = assay_machine_at(live, i), *b = assay_machine_get(again, a->key);
    if (strncmp(a->key, "build.", 6) == 0) { /* of this program, not of the machine */
      assert_null(b);
      continue;
    }
    if (b == NULL || a->type != b->type) print_error("%s: %s / %s\n", a->key, a->text, b != NULL ? b->text : "(nothing)");
    assert_non_null(b);
    assert_int_equal(a->type, b->type);
    if (is_volatile(a->key)) continue;
    if (a->text != NULL && strcmp(a->text, b->text) != 0) print_error("%s: '%s' / '%s'\n", a->key, a->text, b->text);
    if (a->text != NULL) assert_string_equal(a->text, b->text);
    if (a->real != b->real) print_error("%s: %.17g / %.17g\n", a->key, a->real, b->real);
    assert_true(a->real == b->real && a->integer == b->integer);
  }
  assert_string_equal(assay_machine_id(live), assay_machine_id(again));
  assay_machine_destroy(live);
  assay_machine_destroy(again);
}

/* Unpacked text of a capture must not hold the host's name, the user's name or the root disk. */
static void capture_names_nobody(void **state) {
  (void)state;
  char path[600], host[256] = "", command[1400];
  snprintf(path, sizeof path, "%s/private.tar.gz", test_temp_dir());
  assay_error err = {0};
  assert_ok(assay_machine_gather(path, &err), err);
  gethostname(host, sizeof host - 1);
  struct archive *archive = archive_read_new();
  archive_read_support_filter_gzip(archive);
  archive_read_support_format_tar(archive);
  assert_int_equal(archive_read_open_filename(archive, path, 65536), ARCHIVE_OK);
  static char text[1 << 20];
  for (struct archive_entry *entry; archive_read_next_header(archive, &entry) == ARCHIVE_OK;) {
    const char *name = archive_entry_pathname(entry);
    assert_null(strstr(name, "serial"));
    assert_null(strstr(name, "uuid"));
    la_ssize_t length = archive_read_data(archive, text, sizeof text - 1);
    assert_true(length >= 0);
    text[length] = '\0';
    snprintf(command, sizeof command, "%s", name);
    if (strlen(host) > 3 && strstr(text, host) != NULL) fail_msg("%s holds the host's name", command);
    if (strstr(name, "cmdline") != NULL && strstr(text, "root=") != NULL) fail_msg("%s holds the root disk", command);
  }
  archive_read_free(archive);
}

static void gathering_into_nowhere_is_an_error(void **state) {
  (void)state;
  assay_error err = {0};
  assert_int_equal(assay_machine_gather("/nonexistent/dir/m.tar.gz", &err), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "/nonexistent/dir/m.tar.gz"));
}

static void json_is_nested_and_names_what_is_missing(void **state) {
  (void)state;
  assay_machine *m = replay(NULL);
  assay_error err = {0};
  char *text = NULL;
  assert_ok(assay_machine_to_json(m, &err, &text), err);
  json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
  assert_non_null(root);
  assert_string_equal(json_string_value(json_object_get(root, "schema")), "assay-machine/1");
  assert_string_equal(json_string_value(json_object_get(root, "id")), assay_machine_id(m));
  json_t *threads = json_object_get(json_object_get(root, "cpu"), "threads");
  assert_int_equal(json_integer_value(threads), sysconf(_SC_NPROCESSORS_ONLN));
  assert_true(json_is_array(json_object_get(json_object_get(root, "cpu"), "kinds")));
  json_t *unavailable = json_object_get(root, "unavailable");
  size_t missing = 0;
  for (size_t i = 0; i < assay_machine_count(m); i++) {
    const assay_fact *fact = assay_machine_at(m, i);
    if (fact->type != ASSAY_FACT_UNAVAILABLE) continue;
    missing++;
    assert_string_equal(json_string_value(json_object_get(unavailable, fact->key)), fact->text);
  }
  assert_int_equal(json_object_size(unavailable), missing);
  json_decref(root);
  assay_string_free(text);
  assay_machine_destroy(m);
}

static void *pin_and_look(void *user) {
  assay_machine *m = user;
  assay_error err = {0};
  assert_ok(assay_machine_run_on(m, ASSAY_CORES_PERFORMANCE, &err), err);
  unsigned wanted[1024], found[1024];
  size_t count = assay_machine_cpus(m, ASSAY_CORES_PERFORMANCE, wanted, 1024);
  assert_int_equal(assay_os_allowed_cpus(found, 1024), count);
  return NULL;
}

static void threads_run_on_their_class(void **state) {
  (void)state;
  assay_machine *m = replay(NULL);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, pin_and_look, m), 0);
  pthread_join(thread, NULL);
  uint64_t efficiency = 1;
  assay_error err = {0};
  assert_true(assay_machine_get_u64(m, "cpu.efficiency_cores", &efficiency));
  if (efficiency == 0) {
    assert_int_equal(assay_machine_run_on(m, ASSAY_CORES_EFFICIENCY, &err), ASSAY_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "efficiency"));
  }
  assay_machine_destroy(m);
}

static void unknown_keys_are_unknown(void **state) {
  (void)state;
  assay_machine *m = replay(NULL);
  uint64_t value = 7;
  assert_null(assay_machine_get(m, "cpu.colour"));
  assert_false(assay_machine_get_u64(m, "cpu.colour", &value));
  assert_false(assay_machine_get_u64(m, "kernel.release", &value));
  assert_int_equal(value, 7);
  assert_null(assay_machine_at(m, assay_machine_count(m)));
  assay_machine_destroy(m);
}

/* Detection leaves no memory and no directory behind, also after a failure. */
static void nothing_is_left(void **state) {
  (void)state;
  uint64_t before = assay_tag_get_stats(ASSAY_TAG_MACHINE).live_blocks;
  assay_machine_destroy(replay(NULL));
  assay_machine *m = NULL;
  assert_int_not_equal(assay_machine_detect("/dev/null", NULL, &m), ASSAY_OK);
  assert_int_equal(assay_tag_get_stats(ASSAY_TAG_MACHINE).live_blocks, before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_the_system),
      cmocka_unit_test(same_machine_same_id),
      cmocka_unit_test(capture_of_this_machine_replays_the_same),
      cmocka_unit_test(capture_names_nobody),
      cmocka_unit_test(gathering_into_nowhere_is_an_error),
      cmocka_unit_test(json_is_nested_and_names_what_is_missing),
      cmocka_unit_test(threads_run_on_their_class),
      cmocka_unit_test(unknown_keys_are_unknown),
      cmocka_unit_test(nothing_is_left),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

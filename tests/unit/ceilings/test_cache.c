/* SPDX-License-Identifier: MIT */
/* What is kept between runs, and what makes it worthless. */
#include "machine/ceilings/cache.h"

#include "os/prim.h"
#include "test.h"

static assay_ceilings *sample(void) {
  assay_ceilings *c = NULL;
  assay_error err = {0};
  assert_ok(assay_ceilings_create(&err, &c), err);
  c->measured_at_s = 1763696201;
  c->took_s = 7.25;
  c->quick = true;
  c->threads = 2;
  c->level_bytes[1] = 32768;
  c->level_bytes[3] = 1 << 25;
  c->last_level_bytes = 1 << 26;
  c->machine_id = "0123456789abcdef";
  c->kernel = "Linux 6.1";
  c->microcode = "0x2b000571";
  c->features = "avx2 fma";
  c->cpus = "0-1";
  c->assay = "0.1.0";
  assay_ceiling there = {.name = "l1.read",
                         .unit = "B/s",
                         .better = ASSAY_HIGHER,
                         .available = true,
                         .value = 1.3507e11,
                         .typical = 1.2e11,
                         .spread_ratio = 0.125,
                         .detail = "avx2, 16 KiB \"set\""};
  assay_ceiling absent = {.name = "flops.f16.vector", .unit = "FLOP/s", .better = ASSAY_HIGHER, .cause = "this CPU has no f16 arithmetic"};
  assert_ok(assay_ceilings_add(c, &there, &err), err);
  assert_ok(assay_ceilings_add(c, &absent, &err), err);
  return c;
}

static void what_is_written_reads_back_the_same(void **state) {
  (void)state;
  assay_ceilings *c = sample(), *read = NULL;
  assay_error err = {0};
  char *text = NULL, *again = NULL;
  assert_ok(assay_ceilings_to_json(c, &err, &text), err);
  assert_ok(assay_ceilings_from_json(text, strlen(text), &err, &read), err);
  assert_ok(assay_ceilings_to_json(read, &err, &again), err);
  assert_string_equal(text, again);
  int64_t at = 0;
  bool quick = false;
  double took = 0;
  assay_ceilings_provenance(read, &at, &quick, &took);
  assert_true(at == 1763696201 && quick && took == 7.25);
  assert_int_equal(assay_ceilings_count(read), 2);
  const assay_ceiling *row = assay_ceilings_find(read, "l1.read");
  assert_true(row->available && row->value == 1.3507e11 && row->typical == 1.2e11 && row->spread_ratio == 0.125 &&
              row->better == ASSAY_HIGHER);
  assert_string_equal(row->detail, "avx2, 16 KiB \"set\"");
  assert_null(row->cause);
  row = assay_ceilings_find(read, "flops.f16.vector");
  assert_false(row->available);
  assert_string_equal(row->cause, "this CPU has no f16 arithmetic");
  assert_null(assay_ceilings_find(read, "l9.read"));
  assert_null(assay_ceilings_at(read, 2));
  assay_string_free(text);
  assay_string_free(again);
  assay_ceilings_destroy(c);
  assay_ceilings_destroy(read);
}

/* The sample's JSON with the first `from` replaced by `to`. */
static assay_status read_changed(const char *from, const char *to, assay_error *err) {
  assay_ceilings *c = sample(), *read = NULL;
  char *text = NULL, changed[8192];
  assert_ok(assay_ceilings_to_json(c, err, &text), *err);
  const char *at = strstr(text, from);
  assert_non_null(at);
  snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
  assay_status status = assay_ceilings_from_json(changed, strlen(changed), err, &read);
  if (status != ASSAY_OK) assert_null(read);
  assay_ceilings_destroy(read);
  assay_ceilings_destroy(c);
  assay_string_free(text);
  return status;
}

static void bad_files_are_refused_with_the_reason(void **state) {
  (void)state;
  const struct {
    const char *from, *to;
    assay_status status;
    const char *part;
  } cases[] = {
      {"assay-ceilings/1", "assay-ceilings/2", ASSAY_ERR_VERSION, "assay-ceilings/2"},
      {"assay-ceilings/1", "something", ASSAY_ERR_PARSE, "schema"},
      {"\"l1.read\"", "\"flops.f16.vector\"", ASSAY_ERR_PARSE, "twice"},
      {"\"l1.read\"", "\"\"", ASSAY_ERR_PARSE, "name"},
      {"\"l1.read\"", "7", ASSAY_ERR_PARSE, "name"},
      {"\"value\": 135070000000", "\"value\": -1", ASSAY_ERR_PARSE, "value"},
      {"\"value\": 135070000000", "\"value\": 0", ASSAY_ERR_PARSE, "l1.read"},
      {"\"value\": 135070000000", "\"value\": \"1\"", ASSAY_ERR_PARSE, "value"},
      {"\"threads\": 2", "\"threads\": 0", ASSAY_ERR_PARSE, "threads"},
      {"\"higher\"", "\"best\"", ASSAY_ERR_PARSE, "better"},
      {"\"name\": \"l1\"", "\"name\": \"l7\"", ASSAY_ERR_PARSE, "level"},
      {"\"quick\": true", "\"quick\": 1", ASSAY_ERR_PARSE, "quick"},
      {"\"threads\"", "\"quick\": true, \"threads\"", ASSAY_ERR_PARSE, "duplicate"},
      {"\"levels\"", "", ASSAY_ERR_PARSE, ":"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    assert_int_equal(read_changed(cases[i].from, cases[i].to, &err), cases[i].status);
    if (strstr(err.message, cases[i].part) == NULL) fail_msg("case %zu: \"%s\" does not name %s", i, err.message, cases[i].part);
  }
  assay_error err = {0};
  assert_ok(read_changed("7.25", "8", &err), err);
}

static void a_torn_file_is_refused_at_every_length(void **state) {
  (void)state;
  assay_ceilings *c = sample();
  assay_error err = {0};
  char *text = NULL;
  assert_ok(assay_ceilings_to_json(c, &err, &text), err);
  size_t whole = strlen(text);
  while (text[whole - 1] == '\n') whole--; /* without its last newline it is still whole */
  for (size_t length = 0; length < whole; length++) {
    assay_ceilings *read = NULL;
    assert_int_equal(assay_ceilings_from_json(text, length, NULL, &read), ASSAY_ERR_PARSE);
  }
  assay_string_free(text);
  assay_ceilings_destroy(c);
}

static void other_conditions_make_it_stale(void **state) {
  (void)state;
  assay_ceilings *read = sample(), *now = sample();
  assert_null(assay_ceilings_stale(read, now));
  now->kernel = "Linux 6.2";
  assert_string_equal(assay_ceilings_stale(read, now), "they were measured under another kernel");
  now->kernel = read->kernel;
  now->microcode = "0x2b000590";
  assert_string_equal(assay_ceilings_stale(read, now), "they were measured with another microcode");
  now->microcode = NULL;
  assert_string_equal(assay_ceilings_stale(read, now), "they were measured with another microcode");
  now->microcode = read->microcode;
  now->features = "avx2";
  assert_string_equal(assay_ceilings_stale(read, now), "they were measured with other instruction sets");
  now->features = read->features;
  now->cpus = "0,2"; /* as many, but others: threads of one core, or of another kind of core */
  assert_string_equal(assay_ceilings_stale(read, now), "they were measured on other CPUs than this process may use");
  now->cpus = read->cpus;
  now->threads = 1;
  assert_string_equal(assay_ceilings_stale(read, now), "they were measured on other CPUs than this process may use");
  now->threads = read->threads;
  now->cpus = read->cpus = NULL;
  assert_null(assay_ceilings_stale(read, now)); /* a system that never says */
  now->machine_id = "fedcba9876543210";
  assert_string_equal(assay_ceilings_stale(read, now), "they are of another machine");
  now->machine_id = read->machine_id;
  now->method++;
  assert_string_equal(assay_ceilings_stale(read, now), "they were measured by another version of assay");
  assay_ceilings_destroy(read);
  assay_ceilings_destroy(now);
}

static bool stop_at_once(const char *name, size_t done, size_t total, void *user) {
  assert_non_null(name);
  assert_true(done == 0 && total > 30);
  *(bool *)user = true;
  return false;
}

/* A valid cache is used without measuring; whatever is wrong with it, it is measured again (stopped at once here). */
static void only_a_good_full_cache_is_used(void **state) {
  (void)state;
  setenv("ASSAY_CACHE_DIR", test_temp_dir(), 1);
  assay_error err = {0};
  assay_machine *machine = NULL;
  assert_ok(assay_machine_detect(NULL, &err, &machine), err);
  assay_ceilings *c = sample(), *got = NULL;
  bool asked = false;
  assert_int_equal(assay_ceilings_get(machine, ASSAY_CEILINGS_CACHE_ONLY, NULL, NULL, NULL, &got), ASSAY_ERR_NOT_FOUND);
  assay_ceilings_identify(c, machine);
  assert_ok(assay_ceilings_cache_store(c, &err), err);
  assert_ok(assay_ceilings_get(machine, ASSAY_CEILINGS_QUICK, stop_at_once, &asked, &err, &got), err);
  assert_false(asked);
  assert_int_equal(assay_ceilings_count(got), 2);
  assay_ceilings_destroy(got);
  got = NULL;
  assert_int_equal(assay_ceilings_get(machine, ASSAY_CEILINGS_CACHED, stop_at_once, &asked, NULL, &got),
                   ASSAY_ERR_INTERRUPTED); /* only a quick one */
  assert_true(asked);
  c->quick = false;
  assert_ok(assay_ceilings_cache_store(c, &err), err);
  assert_ok(assay_ceilings_get(machine, ASSAY_CEILINGS_CACHED, NULL, NULL, &err, &got), err);
  assay_ceilings_destroy(got);
  got = NULL;
  assert_int_equal(assay_ceilings_get(machine, ASSAY_CEILINGS_MEASURE, stop_at_once, &asked, NULL, &got), ASSAY_ERR_INTERRUPTED);
  c->kernel = "Linux 0.01";
  assert_ok(assay_ceilings_cache_store(c, &err), err);
  assert_int_equal(assay_ceilings_get(machine, ASSAY_CEILINGS_CACHE_ONLY, NULL, NULL, NULL, &got), ASSAY_ERR_NOT_FOUND);
  c->kernel = NULL;
  assay_ceilings_identify(c, machine);
  c->cpus = "4000"; /* as after taskset: one CPU of many must not stand for all */
  assert_ok(assay_ceilings_cache_store(c, &err), err);
  assert_int_equal(assay_ceilings_get(machine, ASSAY_CEILINGS_CACHE_ONLY, NULL, NULL, NULL, &got), ASSAY_ERR_NOT_FOUND);
  char path[4200];
  snprintf(path, sizeof path, "%s/ceilings-%s.json", test_temp_dir(), assay_machine_id(machine));
  assert_ok(assay_os_write_file(path, "{\"schema\": \"assay-ceil", 22, &err), err);
  assert_int_equal(assay_ceilings_get(machine, ASSAY_CEILINGS_CACHE_ONLY, NULL, NULL, NULL, &got), ASSAY_ERR_NOT_FOUND);
  assert_null(got);
  assay_ceilings_destroy(c);
  assay_machine_destroy(machine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_reads_back_the_same),    cmocka_unit_test(bad_files_are_refused_with_the_reason),
      cmocka_unit_test(a_torn_file_is_refused_at_every_length), cmocka_unit_test(other_conditions_make_it_stale),
      cmocka_unit_test(only_a_good_full_cache_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

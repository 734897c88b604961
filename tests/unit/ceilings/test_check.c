/* SPDX-License-Identifier: MIT */
/* Expectation profiles against machines that were made up, and the machine against itself. */
#include <assay/ceilings.h>
#include <assay/machine.h>

#include "machine/ceilings/set.h"
#include "machine/facts.h"
#include "os/prim.h"
#include "test.h"

static assay_machine *make_machine(void) {
  assay_machine *machine = NULL;
  assay_error err = {0};
  assert_ok(assay_facts_create(&err, &machine), err);
  machine->replayed = true;
  assay_context context = {.machine = machine, .arena = &machine->arena, .component = "test"};
  assay_put_text(&context, "Apple M4 Max", NULL, "cpu.model");
  assay_put_text(&context, "arm64", NULL, "cpu.architecture");
  assay_put_integer(&context, 16, "cpu.cores");
  assay_put_integer(&context, 12, "cpu.performance_cores");
  assay_put_integer(&context, 3, "cpu.efficiency_cores");
  assay_put_real(&context, 546e9, "memory.bandwidth_bytes_per_s");
  assay_put_integer(&context, (int64_t)64 << 30, "memory.total_bytes");
  assay_put_bool(&context, true, "isa.neon");
  assay_put_unavailable(&context, "no driver tells", "gpus");
  return machine;
}

static assay_ceilings *make_ceilings(void) {
  assay_ceilings *ceilings = NULL;
  assay_error err = {0};
  assert_ok(assay_ceilings_create(&err, &ceilings), err);
  const assay_ceiling rows[] = {
      {.name = "memory.read.1t", .unit = "B/s", .available = true, .value = 100e9, .better = ASSAY_HIGHER},
      {.name = "memory.read.Nt", .unit = "B/s", .available = true, .value = 400e9, .better = ASSAY_HIGHER},
      {.name = "l1.read", .unit = "B/s", .available = true, .value = 300e9, .better = ASSAY_HIGHER},
      {.name = "flops.f32.vector", .unit = "FLOP/s", .available = true, .value = 100e9, .better = ASSAY_HIGHER},
      {.name = "flops.f32.vector.Nt", .unit = "FLOP/s", .available = true, .value = 1200e9, .better = ASSAY_HIGHER},
      {.name = "os.fsync", .unit = "ns", .cause = "no disk", .better = ASSAY_LOWER},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_ok(assay_ceilings_add(ceilings, &rows[i], &err), err);
  return ceilings;
}

static const assay_check *find(const assay_check_list *list, const char *name) {
  for (size_t i = 0; i < list->count; i++) {
    if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
  }
  fail_msg("there is no row %s", name);
  return NULL;
}

static void the_shipped_m4_max_profile_judges_each_row(void **state) {
  (void)state;
  assay_machine *machine = make_machine();
  assay_ceilings *ceilings = make_ceilings();
  assay_check_list *list = NULL;
  assay_error err = {0};
  assert_ok(assay_machine_check(machine, ceilings, "m4-max", &err, &list), err);
  assert_int_equal(find(list, "Chip")->status, ASSAY_CHECK_PASS);
  assert_string_equal(find(list, "Performance cores")->expected, "12");
  assert_string_equal(find(list, "Performance cores")->measured, "12");
  assert_int_equal(find(list, "Efficiency cores")->status, ASSAY_CHECK_FAIL);
  assert_string_equal(find(list, "Efficiency cores")->measured, "3");
  assert_int_equal(find(list, "Unified memory bandwidth")->status, ASSAY_CHECK_PASS);
  assert_string_equal(find(list, "Unified memory bandwidth")->measured, "546.0 GB/s");
  assert_int_equal(find(list, "Memory bandwidth measured from the CPU")->status, ASSAY_CHECK_PASS);
  assert_int_equal(find(list, "GPU cores")->status, ASSAY_CHECK_UNAVAILABLE);
  assert_string_equal(find(list, "GPU cores")->cause, "no driver tells");
  assert_null(find(list, "GPU cores")->measured);
  assert_string_equal(find(list, "GPU cores")->expected, "40");
  assert_int_equal(find(list, "Neural Engine cores")->status, ASSAY_CHECK_UNAVAILABLE);
  assert_int_equal(find(list, "NEON (SIMD)")->status, ASSAY_CHECK_PASS);
  assert_string_equal(find(list, "NEON (SIMD)")->measured, "yes");
  assay_check_list_destroy(list);
  list = NULL;
  assert_ok(assay_machine_check(machine, NULL, "m4-max", &err, &list), err);
  assert_int_equal(find(list, "Memory bandwidth measured from the CPU")->status, ASSAY_CHECK_UNAVAILABLE);
  assay_check_list_destroy(list);
  assay_ceilings_destroy(ceilings);
  assay_machine_destroy(machine);
}

static void every_shipped_profile_reads(void **state) {
  (void)state;
  static const char *const names[] = {"m4-max", "trading-server", "avx512-server"};
  assay_machine *machine = make_machine();
  for (size_t i = 0; i < 3; i++) {
    assay_check_list *list = NULL;
    assay_error err = {0};
    assert_ok(assay_machine_check(machine, NULL, names[i], &err, &list), err);
    assert_true(list->count >= 5);
    assay_check_list_destroy(list);
  }
  assay_machine_destroy(machine);
}

/* Checks a profile of this text; the list is NULL on failure. */
static assay_status check_text(const char *text, assay_error *err, assay_check_list **list) {
  static char path[4200];
  assay_machine *machine = make_machine();
  assay_ceilings *ceilings = make_ceilings();
  snprintf(path, sizeof path, "%s/own.toml", test_temp_dir());
  assert_ok(assay_os_write_file(path, text, strlen(text), err), *err);
  *list = NULL;
  assay_status status = assay_machine_check(machine, ceilings, path, err, list);
  assay_ceilings_destroy(ceilings);
  assay_machine_destroy(machine);
  return status;
}

static void every_comparison_can_pass_and_fail(void **state) {
  (void)state;
  const struct {
    const char *row;
    assay_check_status status;
    const char *expected;
  } cases[] = {
      {"fact = 'cpu.cores'\nequals = 16", ASSAY_CHECK_PASS, "16"},
      {"fact = 'cpu.cores'\nequals = 17", ASSAY_CHECK_FAIL, "17"},
      {"fact = 'cpu.cores'\ndiffers = 17", ASSAY_CHECK_PASS, "not 17"},
      {"fact = 'cpu.model'\ndiffers = 'apple m4 max'", ASSAY_CHECK_FAIL, "not apple m4 max"},
      {"fact = 'cpu.cores'\nmin = 16\nmax = 16", ASSAY_CHECK_PASS, "16 to 16"},
      {"fact = 'cpu.cores'\nmin = 17", ASSAY_CHECK_FAIL, "at least 17"},
      {"fact = 'cpu.cores'\nmax = 15.5", ASSAY_CHECK_FAIL, "at most 15.5"},
      {"fact = 'memory.total_bytes'\nmin = '64 GiB'", ASSAY_CHECK_PASS, "at least 64 GiB"},
      {"fact = 'memory.total_bytes'\nmin = '65 GiB'", ASSAY_CHECK_FAIL, "at least 65 GiB"},
      {"fact = 'memory.bandwidth_bytes_per_s'\nequals = '546 GB/s'", ASSAY_CHECK_PASS, "546 GB/s"},
      {"fact = 'cpu.model'\ncontains = 'm4'", ASSAY_CHECK_PASS, "contains \"m4\""},
      {"fact = 'cpu.model'\ncontains = 'M5'", ASSAY_CHECK_FAIL, "contains \"M5\""},
      {"fact = 'cpu.architecture'\none_of = ['aarch64', 'ARM64']", ASSAY_CHECK_PASS, "one of aarch64, ARM64"},
      {"fact = 'cpu.cores'\none_of = [2, 4]", ASSAY_CHECK_FAIL, "one of 2, 4"},
      {"fact = 'isa.neon'\nequals = true", ASSAY_CHECK_PASS, "yes"},
      {"fact = 'isa.neon'\nequals = false", ASSAY_CHECK_FAIL, "no"},
      {"fact = 'gpus.0.cores'\nequals = 1", ASSAY_CHECK_UNAVAILABLE, "1"},
      {"fact = 'nothing.like.it'\nequals = 1", ASSAY_CHECK_UNAVAILABLE, "1"},
      {"ceiling = 'memory.read.1t'\nmin = '99 GB/s'", ASSAY_CHECK_PASS, "at least 99 GB/s"},
      {"ceiling = 'memory.read.1t'\nmin = '101 GB/s'", ASSAY_CHECK_FAIL, "at least 101 GB/s"},
      {"ceiling = 'os.fsync'\nmax = '1 ms'", ASSAY_CHECK_UNAVAILABLE, "at most 1 ms"},
      {"ceiling = 'no.such'\nmax = '1 ms'", ASSAY_CHECK_UNAVAILABLE, "at most 1 ms"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[500];
    assay_error err = {0};
    assay_check_list *list = NULL;
    snprintf(text, sizeof text, "[[check]]\nname = 'Row'\n%s\nrecommendation = 'mend it'\n", cases[i].row);
    assert_ok(check_text(text, &err, &list), err);
    const assay_check *row = &list->items[0];
    if (row->status != cases[i].status) fail_msg("%s: %s", cases[i].row, assay_check_status_text(row->status));
    assert_string_equal(row->expected, cases[i].expected);
    assert_true((row->status == ASSAY_CHECK_FAIL) == (row->recommendation != NULL));
    assert_true((row->status == ASSAY_CHECK_UNAVAILABLE) == (row->measured == NULL));
    if (row->status == ASSAY_CHECK_UNAVAILABLE) assert_non_null(row->cause);
    assay_check_list_destroy(list);
  }
}

static void a_broken_profile_names_its_place(void **state) {
  (void)state;
  const struct {
    const char *text, *place, *part;
  } cases[] = {
      {"[[check]]\nname = 'x'\nfact = 'cpu.cores'\nequals = \n", "own.toml:4:", "value"},
      {"[[check]]\nname = 'x'\nfact = 'cpu.cores'\nequal = 3\n", "own.toml:4:", "equals"},
      {"[[check]]\nname = 'x'\nfact = 'cpu.cores'\n", "own.toml:1:", "equals"},
      {"[[check]]\nname = 'x'\nequals = 3\n", "own.toml:1:", "fact"},
      {"[[check]]\nname = 'x'\nfact = 'a'\nceiling = 'b'\nequals = 3\n", "own.toml:1:", "either"},
      {"[[check]]\nfact = 'cpu.cores'\nequals = 3\n", "own.toml:1:", "name"},
      {"[[check]]\nname = 'x'\nfact = 'cpu.cores'\nmin = '5 parrots'\n", "own.toml:4:", "number"},
      {"[[check]]\nname = 'x'\nfact = 'cpu.model'\nmin = 5\n", "own.toml:4:", "text"},
      {"[[check]]\nname = 'x'\nfact = 'cpu.model'\nequals = 5\n", "own.toml:4:", "string"},
      {"[[check]]\nname = 'x'\nfact = 'cpu.model'\none_of = 'a'\n", "own.toml:4:", "array"},
      {"name = 'x'\n", "own.toml:", "[[check]]"},
      {"check = 3\n", "own.toml:1:", "[[check]]"},
      {"check = [3]\n", "own.toml:1:", "[[check]]"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    assay_error err = {0};
    assay_check_list *list = NULL;
    assert_true(check_text(cases[i].text, &err, &list) != ASSAY_OK);
    assert_null(list);
    if (strstr(err.message, cases[i].place) == NULL || strstr(err.message, cases[i].part) == NULL) fail_msg("case %zu: %s", i, err.message);
  }
}

static void an_unknown_profile_lists_the_known_ones(void **state) {
  (void)state;
  assay_machine *machine = make_machine();
  assay_check_list *list = NULL;
  assay_error err = {0};
  assert_int_equal(assay_machine_check(machine, NULL, "m5-max", &err, &list), ASSAY_ERR_NOT_FOUND);
  assert_non_null(strstr(err.message, "m4-max"));
  assert_non_null(strstr(err.message, "trading-server"));
  assert_null(list);
  assay_machine_destroy(machine);
}

static void a_replayed_machine_is_checked_by_its_figures_only(void **state) {
  (void)state;
  assay_machine *machine = make_machine();
  assay_ceilings *ceilings = make_ceilings();
  assay_check_list *list = NULL;
  assay_error err = {0};
  assert_ok(assay_machine_check(machine, ceilings, NULL, &err, &list), err);
  const assay_check *cores = find(list, "Cores do the work of their number"); /* 12 of 16 */
  assert_int_equal(cores->status, ASSAY_CHECK_PASS);
  assert_string_equal(cores->measured, "12.00 times");
  assert_int_equal(find(list, "Clock frequency")->status, ASSAY_CHECK_UNAVAILABLE);
  assert_int_equal(find(list, "Memory bandwidth")->status, ASSAY_CHECK_PASS);
  assert_int_equal(find(list, "1 GiB can be used")->status, ASSAY_CHECK_UNAVAILABLE);
  assay_check_list_destroy(list);
  /* a quota that was not seen: 16 cores that do the work of two */
  for (size_t i = 0; i < ceilings->count; i++) {
    if (strcmp(ceilings->items[i].name, "flops.f32.vector.Nt") == 0) ceilings->items[i].value = 200e9;
    if (strcmp(ceilings->items[i].name, "memory.read.Nt") == 0) ceilings->items[i].value = 600e9;
  }
  list = NULL;
  assert_ok(assay_machine_check(machine, ceilings, NULL, &err, &list), err);
  assert_int_equal(find(list, "Cores do the work of their number")->status, ASSAY_CHECK_FAIL);
  assert_non_null(find(list, "Cores do the work of their number")->recommendation);
  assert_int_equal(find(list, "Memory bandwidth")->status, ASSAY_CHECK_FAIL); /* more than the memory has */
  assay_check_list_destroy(list);
  assay_ceilings_destroy(ceilings);
  assay_machine_destroy(machine);
}

static void this_machine_does_not_contradict_itself(void **state) {
  (void)state;
  assay_machine *machine = NULL;
  assay_check_list *list = NULL;
  assay_error err = {0};
  assert_ok(assay_machine_detect(NULL, &err, &machine), err);
  assert_ok(assay_machine_check(machine, NULL, NULL, &err, &list), err);
  unsigned instructions = 0;
  for (size_t i = 0; i < list->count; i++) {
    const assay_check *row = &list->items[i];
    instructions += strncmp(row->name, "Instructions:", 13) == 0;
    /* frequency is the one figure that the load of others may spoil */
    if (row->status == ASSAY_CHECK_FAIL && strcmp(row->name, "Clock frequency") != 0)
      fail_msg("%s: expected %s, measured %s", row->name, row->expected, row->measured);
  }
  assert_true(instructions >= 4);
  assay_check_list_destroy(list);
  assay_machine_destroy(machine);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_shipped_m4_max_profile_judges_each_row), cmocka_unit_test(every_shipped_profile_reads),
      cmocka_unit_test(every_comparison_can_pass_and_fail),         cmocka_unit_test(a_broken_profile_names_its_place),
      cmocka_unit_test(an_unknown_profile_lists_the_known_ones),    cmocka_unit_test(a_replayed_machine_is_checked_by_its_figures_only),
      cmocka_unit_test(this_machine_does_not_contradict_itself),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "imports.h"

#include <assay/import.h>
#include <math.h>

#include "os/prim.h"

#define HEAD(version)                                                                                          \
  "\"version\": \"" version                                                                                    \
  "\", \"kind\": \"LibraryBenchmark\", \"project_root\": \"/p\", \"package_dir\": \"/p\", \"benchmark_file\":" \
  " \"/p/benches/lib.rs\", \"benchmark_exe\": \"/p/target/lib-1\", \"function_name\": \"fib\", \"module_path\": \"lib::group::fib\", "
#define V6 \
  "{" HEAD("6") "\"baselines\": [null, null], \"id\": \"short\", \"details\": \"10\", \"profiles\": [{\"tool\": \"Callgrind\","             \
  " \"log_paths\": [], \"out_paths\": [], \"flamegraphs\": [], \"summaries\": {\"parts\": [], \"total\": {\"summary\": {\"Callgrind\": {"   \
  "\"Ir\": {\"metrics\": {\"Both\": [{\"Int\": 1733}, {\"Int\": 1500}]}, \"diffs\": {\"diff_pct\": \"15.5\", \"factor\": \"1.155\"}},"      \
  "\"L1hits\": {\"metrics\": {\"Left\": {\"Int\": 2359}}}, \"L1HitRate\": {\"metrics\": {\"Left\": {\"Float\": 99.5}}},"                   \
  "\"Dr\": {\"metrics\": {\"Right\": {\"Int\": 7}}}, \"EstimatedCycles\": {\"metrics\": {\"Left\": {\"Int\": 2464}}}}},"                   \
  " \"regressions\": [{\"Soft\": {\"metric\": {\"Callgrind\": \"Ir\"}, \"new\": {\"Int\": 1733}, \"old\": {\"Int\": 1500},"                 \
  " \"diff_pct\": \"15.5\", \"limit\": \"5\"}}]}}},"                                                                                        \
  " {\"tool\": \"DHAT\", \"log_paths\": [], \"out_paths\": [], \"flamegraphs\": [], \"summaries\": {\"parts\": [], \"total\": {\"summary\":" \
  " {\"Dhat\": {\"TotalBytes\": {\"metrics\": {\"Left\": {\"Int\": 96}}}, \"TotalBlocks\": {\"metrics\": {\"Left\": {\"Int\": 3}}}}}, \"regressions\": []}}}]}"

static void counts_are_exact(void **state) {
  (void)state;
  assay_result *r = import_text("iai-callgrind", V6);
  const char *suite = "lib::group", *name = "fib/id=short";
  assert_values(metric(r, suite, name, "instructions"), ASSAY_REPLICATE_EXACT, 1, 1733.0);
  assert_string_equal(benchmark(r, suite, name)->metrics[0].name, "instructions");
  assert_values(metric(r, suite, name, "l1_hits"), ASSAY_REPLICATE_EXACT, 1, 2359.0);
  assert_near(metric(r, suite, name, "l1_hit_rate")->value, 0.995, 1e-12);
  assert_int_equal(metric(r, suite, name, "l1_hit_rate")->better, ASSAY_HIGHER);
  assert_near(metric(r, suite, name, "estimated_cycles")->value, 2464, 0);
  assert_near(metric(r, suite, name, "allocated_bytes")->value, 96, 0);
  assert_string_equal(metric(r, suite, name, "allocated_bytes")->unit, "B");
  assert_near(metric(r, suite, name, "allocations")->value, 3, 0);
  assert_null(assay_benchmark_metric(benchmark(r, suite, name), "Dr")); /* only an old value */
  assert_string_equal(benchmark(r, suite, name)->params[0].value, "short");
  assert_int_equal(r->check_count, 1);
  assert_string_equal(r->checks[0].name, "lib::group::fib short: Ir");
  assert_string_equal(r->checks[0].measured, "15.5 %");
  assert_int_equal(r->checks[0].status, ASSAY_CHECK_FAIL);
  assay_result_destroy(r);
}

static void older_generations_mean_the_same(void **state) {
  (void)state;
  assay_result *r = import_text("iai-callgrind", "{" HEAD("3") "\"id\": null, \"tool_summaries\": [{\"tool\": \"Callgrind\", \"log_paths\": [], \"out_paths\": [], \"flamegraphs\": [],"
                                                     " \"summaries\": {\"segments\": [], \"total\": {\"summary\": {\"CallgrindSummary\": {\"Ir\": {\"metrics\": {\"Both\": [5, 4]}}}},"
                                                     " \"regressions\": [{\"metric\": {\"Callgrind\": \"Ir\"}, \"new\": 5, \"old\": 4, \"diff_pct\": \"25\", \"limit\": \"10\"}]}}},"
                                                     " {\"tool\": \"Massif\", \"summaries\": {\"segments\": [], \"total\": {\"summary\": \"None\", \"regressions\": []}}}]}");
  assert_values(metric(r, "lib::group", "fib", "instructions"), ASSAY_REPLICATE_EXACT, 1, 5.0);
  assert_int_equal(r->check_count, 1);
  assay_result_destroy(r);
  r = import_text("iai-callgrind", "{" HEAD("2") "\"id\": \"a\", \"callgrind_summary\": {\"log_paths\": [], \"out_paths\": [], \"flamegraphs\": [], \"summaries\": [{\"command\": \"x\","
                                       " \"baseline\": null, \"events\": {\"Ir\": {\"new\": 9, \"old\": null, \"diff_pct\": null, \"factor\": null}, \"LLhits\": {\"new\": 2, \"old\": 1, \"diff_pct\": 100.0, \"factor\": 2.0}},"
                                       " \"regressions\": [{\"event_kind\": \"Ir\", \"new\": 9, \"old\": 8, \"diff_pct\": 12.5, \"limit\": 10.0}]}]}, \"tool_summaries\": []}");
  assert_near(metric(r, "lib::group", "fib/id=a", "instructions")->value, 9, 0);
  assert_near(metric(r, "lib::group", "fib/id=a", "ll_hits")->value, 2, 0);
  assert_string_equal(r->checks[0].expected, "at most 10.0 % above the run before");
  assay_result_destroy(r);
}

#define LINE(path, ir) \
  "{" HEAD_PATH(path) "\"id\": null, \"tool_summaries\": [{\"tool\": \"Callgrind\", \"summaries\": {\"total\": {\"summary\": {\"CallgrindSummary\": {\"Ir\": {\"metrics\": {\"Left\": " ir "}}}}}}}]}"
#define HEAD_PATH(path) "\"version\": \"3\", \"benchmark_file\": \"f\", \"benchmark_exe\": \"e\", \"module_path\": \"" path "\", "

static void documents_one_a_line_and_folders(void **state) {
  (void)state;
  assay_result *r = import_text("iai-callgrind", LINE("lib::a", "5") "\n" LINE("lib::b", "6") "\n");
  assert_near(metric(r, "lib", "a", "instructions")->value, 5, 0);
  assert_near(metric(r, "lib", "b", "instructions")->value, 6, 0);
  assay_result_destroy(r);
  char path[600];
  const char *texts[] = {LINE("lib::a", "5"), LINE("lib::b", "6")}, *paths[] = {path};
  for (int i = 0; i < 2; i++) {
    assay_error err = {0};
    snprintf(path, sizeof path, "%s/iai/bench/%d", test_temp_dir(), i);
    assert_ok(assay_os_make_dirs(path, &err), err);
    snprintf(path, sizeof path, "%s/iai/bench/%d/summary.json", test_temp_dir(), i);
    assert_ok(assay_os_write_file(path, texts[i], strlen(texts[i]), &err), err);
  }
  snprintf(path, sizeof path, "%s/iai", test_temp_dir());
  assay_error err = {0};
  assert_string_equal(assay_import_recognise(path, &err), "iai-callgrind");
  assert_ok(assay_import(paths, 1, NULL, &err, &r), err);
  assert_int_equal(r->benchmark_count, 2);
  assert_near(metric(r, "lib", "b", "instructions")->value, 6, 0);
  assay_result_destroy(r);
}

static void what_it_prints_gives_the_same_names(void **state) {
  (void)state;
  assay_result *r = import_text("iai-callgrind",
                                "lib::group::fib short:10\n"
                                "  ======= CALLGRIND ====================================================================\n"
                                "  \x1b[1mInstructions:\x1b[0m                        1733|1500                 (+15.5333%) [+1.15533x]\n"
                                "  L1 Hits:                             2359|N/A                  (*********)\n"
                                "  LL Hits:                              N/A|3                    (*********)\n"
                                "  RAM Hits:                               3|3                    (No change)\n"
                                "  Total read+write:                    2362|2362                 (No change)\n"
                                "  Estimated Cycles:                    2464|2464                 (No change)\n"
                                "  ======= DHAT =========================================================================\n"
                                "  ## pid: 2001                    |pid: 2000\n"
                                "  Total bytes:                           50|50                   (No change)\n"
                                "  ## Total\n"
                                "  Total bytes:                           96|96                   (No change)\n"
                                "Performance has regressed: Instructions (1500 -> 1733) regressed by +15.5333% (>+5.00000%)\n"
                                "lib::group::fib\n"
                                "  Instructions:                1735 (No change)\n"
                                "\nIai-Callgrind result: Ok. 2 without regressions; 0 regressed; 2 benchmarks finished in 0.4s\n");
  const char *suite = "lib::group", *name = "fib/id=short";
  assert_values(metric(r, suite, name, "instructions"), ASSAY_REPLICATE_EXACT, 1, 1733.0);
  assert_near(metric(r, suite, name, "total_read_write")->value, 2362, 0);
  assert_values(metric(r, suite, name, "allocated_bytes"), ASSAY_REPLICATE_EXACT, 1, 96.0);
  assert_null(assay_benchmark_metric(benchmark(r, suite, name), "ll_hits"));
  assert_fact(r, "import.benchmarks.lib::group/fib/id=short.details", "10");
  assert_near(metric(r, suite, "fib", "instructions")->value, 1735, 0);
  assert_int_equal(r->check_count, 1);
  assay_result_destroy(r);
}

static void mistakes_name_the_place(void **state) {
  (void)state;
  const char *f = "iai-callgrind";
  assert_says(refused(f, "{" HEAD("3") "\"tool_summaries\": [{\"tool\": \"Callgrind\", \"summaries\": {\"total\": {\"summary\": {\"C\": "
                                       "{\"Ir\": {\"metrics\": {\"Left\": \"x\"}}}}}}}]}"),
              "file: tool_summaries[0].summaries.total.C.Ir.metrics.Left: expected a count, found the string \"x\"");
  assert_says(refused(f, LINE("lib::a", "-5")), "expected a count");
  assert_says(refused(f, LINE("lib::a", "NaN")), "expected a count, found NaN");
  assert_says(refused(f, LINE("lib::a", "5") "\n" LINE("lib::a", "6")), "is there");
  assert_says(refused(f, LINE("lib::a", "5") "\n{\"version\": "), "not valid JSON");
  assert_says(refused(f, "{" HEAD("9") "\"new_things\": []}"),
              "none of profiles, tool_summaries and callgrind_summary is there (version \"9\")");
  assert_says(refused(f, "{\"version\": \"3\"}"), "module_path: expected a string, found nothing");
  assert_says(refused(f, "[]"), "expected a summary of iai-callgrind");
  assert_says(refused(f, "lib::a\n  Instructions:  1.2.3|5\n"), "file:2: column 18: expected a count");
  assert_says(refused(f, "nothing here\n"), "no counts of iai-callgrind in it");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(counts_are_exact),
      cmocka_unit_test(older_generations_mean_the_same),
      cmocka_unit_test(documents_one_a_line_and_folders),
      cmocka_unit_test(what_it_prints_gives_the_same_names),
      cmocka_unit_test(mistakes_name_the_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

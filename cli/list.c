/* SPDX-License-Identifier: MIT */
/* assay list: what there is to run. */
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"

typedef struct list_settings {
  assay_cli_words suites;
  const char *filter;
  bool json, only_suites;
} list_settings;

#define AT(field) .at = offsetof(list_settings, field)

static const assay_cli_option options[] = {
    {"suite", 's', ASSAY_CLI_WORDS, "NAME", .hint = ASSAY_CLI_SUITE, .help = "Only these suites.", AT(suites)},
    {"filter", 'f', ASSAY_CLI_TEXT, "GLOB", .help = "Only benchmarks whose name or \"suite/name\" matches; a plain word matches anywhere.",
     AT(filter)},
    {"suites", 0, ASSAY_CLI_FLAG, .help = "Only the names of the suites.", AT(only_suites)},
    {"json", 0, ASSAY_CLI_FLAG, .help = "As JSON.", AT(json)},
    ASSAY_CLI_END};

static const assay_cli_example examples[] = {
    {"every suite and benchmark", "list"}, {"what a filter would run", "list --filter 'performance/*/n=1?'"}, {0}};

static void text_of_suites(assay_buf *out) {
  for (size_t i = 0; i < assay_suite_count(); i++) {
    const assay_suite *suite = assay_suite_at(i);
    assay_cli_pad(out, suite->name, 14);
    assay_buf_puts(out, suite->summary != NULL ? suite->summary : "");
    if (suite->unsupported != NULL) assay_buf_printf(out, " (unsupported: %s)", suite->unsupported);
    assay_buf_putc(out, '\n');
  }
}

static void text_of_benchmarks(const assay_bench_plan *plan, assay_buf *out) {
  const assay_bench_desc *before = NULL;
  for (size_t i = 0; i < assay_bench_plan_count(plan); i++) {
    const assay_bench_case *bench = assay_bench_plan_at(plan, i);
    if (bench->desc != before && bench->desc->summary != NULL)
      assay_buf_printf(out, "%s%s/%s: %s\n", before != NULL ? "\n" : "", bench->suite, bench->desc->name, bench->desc->summary);
    before = bench->desc;
    assay_buf_printf(out, "  %s/%s\n", bench->suite, bench->name);
  }
}

static void json_of_suites(assay_json *json) {
  assay_json_key(json, "suites");
  assay_json_array(json);
  for (size_t i = 0; i < assay_suite_count(); i++) {
    const assay_suite *suite = assay_suite_at(i);
    assay_json_object(json);
    assay_json_put_string(json, "name", suite->name);
    assay_json_put_string(json, "summary", suite->summary);
    assay_json_put_string(json, "unsupported", suite->unsupported);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static void json_of_benchmarks(assay_json *json, const assay_bench_plan *plan) {
  assay_json_key(json, "benchmarks");
  assay_json_array(json);
  for (size_t i = 0; i < assay_bench_plan_count(plan); i++) {
    const assay_bench_case *bench = assay_bench_plan_at(plan, i);
    assay_json_object(json);
    assay_json_put_string(json, "suite", bench->suite);
    assay_json_put_string(json, "name", bench->name);
    assay_json_put_string(json, "summary", bench->desc->summary);
    assay_json_key(json, "params");
    assay_json_object(json);
    for (size_t p = 0; p < bench->param_count; p++) assay_json_put_string(json, bench->params[p].name, bench->params[p].value);
    assay_json_end(json);
    assay_json_end(json);
  }
  assay_json_end(json);
}

static int run(assay_cli *cli, const void *raw) {
  const list_settings *settings = raw;
  assay_error err = {0};
  assay_bench_plan *plan = NULL;
  const char *const *suites = settings->suites.items;
  if (suites != NULL && strcmp(suites[0], "all") == 0) suites = NULL;
  if (assay_bench_plan_create(suites, settings->filter, &err, &plan) != ASSAY_OK) return assay_cli_fail(cli, &err);
  assay_buf out = {0};
  if (settings->json) {
    assay_json json = {.out = &out, .indent = 2};
    assay_json_object(&json);
    assay_json_put_string(&json, "schema", "assay-list/1");
    json_of_suites(&json);
    if (!settings->only_suites) json_of_benchmarks(&json, plan);
    assay_json_end(&json);
  } else {
    if (settings->only_suites)
      text_of_suites(&out);
    else
      text_of_benchmarks(plan, &out);
  }
  assay_bench_plan_destroy(plan);
  int code = assay_cli_print(cli, out.data != NULL || out.failed ? out.data : "");
  assay_buf_deinit(&out);
  return code;
}

const assay_cli_verb assay_cli_list = {
    .name = "list",
    .summary = "List suites and benchmarks.",
    .options = options,
    .examples = examples,
    .settings_size = sizeof(list_settings),
    .run = run,
};

/* SPDX-License-Identifier: MIT */
/*
 * iai-callgrind, since renamed gungraun: counts of Valgrind's tools, which do not vary. Two generations of summary.json (schemas v1 and v2
 * with "events" of {new, old}; v3 to v6 with "metrics" of {Left|Right|Both}, new on the left, under "tool_summaries" or "profiles"), one
 * document or one a line (--output-format=json), a directory of them (target/iai, target/gungraun), and what it prints for people.
 *
 * Only the new figures are taken: the old ones are another run's.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "result/import_lines.h"
#include "result/import_rows.h"

/* ---- Counts ------------------------------------------------------------------------------------------------------------------- */

typedef struct iai_count {
  const char *event, *label; /* in JSON; in text */
  assay_import_metric what;
} iai_count;

#define COUNT_OF(metric) \
  { metric, "1", ASSAY_KIND_COUNT, ASSAY_LOWER }
#define BYTES_OF(metric) \
  { metric, "B", ASSAY_KIND_MEMORY, ASSAY_LOWER }
#define RATE_OF(metric, better) \
  { metric, "ratio", better == ASSAY_HIGHER ? ASSAY_KIND_ACCURACY : ASSAY_KIND_ERROR_RATE, better }

static const iai_count counts[] = {
    {"Ir", "Instructions", COUNT_OF("instructions")},
    {"L1hits", "L1 Hits", COUNT_OF("l1_hits")},
    {"LLhits", "LL Hits", COUNT_OF("ll_hits")},
    {"LLhits", "L2 Hits", COUNT_OF("ll_hits")},
    {"RamHits", "RAM Hits", COUNT_OF("ram_hits")},
    {"L1hits", "L1 Accesses", COUNT_OF("l1_hits")}, /* the older iai */
    {"LLhits", "L2 Accesses", COUNT_OF("ll_hits")},
    {"RamHits", "RAM Accesses", COUNT_OF("ram_hits")},
    {"TotalRW", "Total read+write", COUNT_OF("total_read_write")},
    {"EstimatedCycles", "Estimated Cycles", COUNT_OF("estimated_cycles")},
    {"L1HitRate", "L1 Hit Rate", RATE_OF("l1_hit_rate", ASSAY_HIGHER)},
    {"LLHitRate", "LL Hit Rate", RATE_OF("ll_hit_rate", ASSAY_HIGHER)},
    {"RamHitRate", "RAM Hit Rate", RATE_OF("ram_hit_rate", ASSAY_LOWER)},
    {"I1MissRate", "I1 Miss Rate", RATE_OF("i1_miss_rate", ASSAY_LOWER)},
    {"LLiMissRate", "LLi Miss Rate", RATE_OF("lli_miss_rate", ASSAY_LOWER)},
    {"D1MissRate", "D1 Miss Rate", RATE_OF("d1_miss_rate", ASSAY_LOWER)},
    {"LLdMissRate", "LLd Miss Rate", RATE_OF("lld_miss_rate", ASSAY_LOWER)},
    {"LLMissRate", "LL Miss Rate", RATE_OF("ll_miss_rate", ASSAY_LOWER)},
    {"SysCount", "Number system calls", COUNT_OF("system_calls")},
    {"SysTime", "Elapsed time system calls", COUNT_OF("system_call_time")}, /* in the unit of --collect-systime, which is not said */
    {"SysCpuTime", "Cpu time system calls", COUNT_OF("system_call_cpu_time")},
    {"Ge", "Global bus events", COUNT_OF("global_bus_events")},
    {"Bc", "Conditional branches", COUNT_OF("conditional_branches")},
    {"Bcm", "Conditional branches misses", COUNT_OF("conditional_branch_misses")},
    {"Bi", "Indirect branches", COUNT_OF("indirect_branches")},
    {"Bim", "Indirect branches misses", COUNT_OF("indirect_branch_misses")},
    {"TotalBytes", "Total bytes", BYTES_OF("allocated_bytes")},
    {"TotalBlocks", "Total blocks", COUNT_OF("allocations")},
    {"AtTGmaxBytes", "At t-gmax bytes", BYTES_OF("peak_heap_bytes")},
    {"AtTGmaxBlocks", "At t-gmax blocks", COUNT_OF("peak_heap_blocks")},
    {"AtTEndBytes", "At t-end bytes", BYTES_OF("end_heap_bytes")},
    {"AtTEndBlocks", "At t-end blocks", COUNT_OF("end_heap_blocks")},
    {"ReadsBytes", "Reads bytes", BYTES_OF("heap_read_bytes")},
    {"WritesBytes", "Writes bytes", BYTES_OF("heap_written_bytes")},
    {"Errors", "Errors", COUNT_OF("errors")},
    {"Contexts", "Contexts", COUNT_OF("error_contexts")},
    {"SuppressedErrors", "Suppressed Errors", COUNT_OF("suppressed_errors")},
    {"SuppressedContexts", "Suppressed Contexts", COUNT_OF("suppressed_error_contexts")},
};

/* Any other event keeps its own name. */
static assay_import_metric count_named(const char *event, const char *label) {
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
    if ((event != NULL && strcmp(counts[i].event, event) == 0) || (label != NULL && strcmp(counts[i].label, label) == 0))
      return counts[i].what;
  return (assay_import_metric)COUNT_OF(event != NULL ? event : label);
}

enum { MAX_SEEN = 200 };

/* The benchmark that is being told; what two tools count alike ("Ir" of callgrind and cachegrind) is kept apart by the tool's name. */
typedef struct iai_benchmark {
  assay_importer *in;
  assay_imported *told;
  const char *tool;
  size_t seen_count;
  const char *seen[MAX_SEEN];
} iai_benchmark;

static void tell(iai_benchmark *b, assay_import_metric what, double value) {
  for (size_t i = 0; i < b->seen_count; i++) {
    if (strcmp(b->seen[i], what.name) != 0) continue;
    what.name = assay_import_printf(b->in, "%s_%s", b->tool != NULL && b->tool[0] != '\0' ? b->tool : "other", what.name);
    break;
  }
  if (b->seen_count < MAX_SEEN) b->seen[b->seen_count++] = what.name;
  if (strcmp(what.unit, "ratio") == 0) value /= 100; /* rates are percentages */
  assay_import_exact(b->in, b->told, &what, value);
}

/* "file::group::bench" and the id that tells its cases apart. */
static void open_benchmark(iai_benchmark *b, const char *module_path, const char *id) {
  const char *end = NULL;
  for (const char *at = module_path; (at = strstr(at, "::")) != NULL; at += 2) end = at;
  const char *suite = end == NULL ? "iai-callgrind" : assay_import_printf(b->in, "%.*s", (int)(end - module_path), module_path);
  assay_import_param param = {.name = "id", .value = id};
  b->told = assay_import_benchmark(b->in, suite, end == NULL ? module_path : end + 2, &param, id != NULL && id[0] != '\0' ? 1 : 0, NULL);
  b->tool = NULL;
  b->seen_count = 0;
}

/* ---- summary.json ------------------------------------------------------------------------------------------------------------- */

/* A number, or {"Int": 5} or {"Float": 0.5}. NaN after a mistake. */
static double metric_value(assay_importer *in, const json_t *value, const char *key) {
  const json_t *inner = value;
  if (json_is_object(value)) {
    inner = json_object_get(value, "Int");
    if (inner == NULL) inner = json_object_get(value, "Float");
  }
  if (json_is_number(inner) && json_number_value(inner) >= 0) return json_number_value(inner);
  assay_import_expected(in, key, "a count", value);
  return NAN;
}

/* The new value of {"new": 5, "old": 4}, {"Left": 5} or {"Both": [5, 4]}; NaN where there is only an old one. */
static double new_value(assay_importer *in, const json_t *diff) {
  const json_t *either = json_object_get(diff, "metrics");
  if (either == NULL) {
    const json_t *value = json_object_get(diff, "new");
    if (value == NULL && json_object_get(diff, "old") == NULL) assay_import_expected(in, "metrics", "an object with the new value", diff);
    return value == NULL || json_is_null(value) ? NAN : metric_value(in, value, "new");
  }
  if (json_object_get(either, "Right") != NULL) return NAN;
  const json_t *both = json_object_get(either, "Both");
  if (both != NULL && json_array_size(both) != 2) assay_import_expected(in, "metrics.Both", "an array of two", both);
  return both != NULL ? metric_value(in, json_array_get(both, 0), "metrics.Both[0]")
                      : metric_value(in, json_object_get(either, "Left"), "metrics.Left");
}

/* {"Ir": {...}, "L1hits": {...}} */
static void tell_events(iai_benchmark *b, const json_t *events, const char *key) {
  const char *event = NULL;
  const json_t *diff = NULL;
  size_t outer = assay_import_enter(b->in, key, SIZE_MAX);
  if (!json_is_object(events)) assay_import_expected(b->in, "", "an object", events);
  json_object_foreach((json_t *)(uintptr_t)events, event, diff) {
    size_t before = assay_import_enter(b->in, event, SIZE_MAX);
    if (!json_is_object(diff)) assay_import_expected(b->in, "", "an object", diff);
    double value = json_is_object(diff) ? new_value(b->in, diff) : NAN;
    if (assay_import_ok(b->in) && !isnan(value)) tell(b, count_named(event, NULL), value);
    assay_import_leave(b->in, before);
    if (!assay_import_ok(b->in)) break;
  }
  assay_import_leave(b->in, outer);
}

/* {"Callgrind": {events}} (v6), {"CallgrindSummary": {events}} (v3 on), "None" for tools without figures. */
static void tell_tool_metrics(iai_benchmark *b, const json_t *summary) {
  if (json_is_string(summary)) return;
  const char *kind = NULL;
  const json_t *events = NULL;
  if (!json_is_object(summary)) assay_import_expected(b->in, "summary", "an object", summary);
  json_object_foreach((json_t *)(uintptr_t)summary, kind, events) tell_events(b, events, kind);
}

static const char *shown_limit(assay_importer *in, const json_t *value) {
  return json_is_object(value) ? assay_import_shown(in, json_object_iter_value(json_object_iter((json_t *)(uintptr_t)value)))
                               : assay_import_shown(in, value);
}

/* What the tool itself found to be a regression: v1 and v2 {event_kind, limit, ...}, v3 {metric: {...}}, v6 {"Soft"|"Hard": {...}}. */
static void tell_regression(iai_benchmark *b, const char *module_path, const char *id, const json_t *regression) {
  const json_t *soft = json_object_get(regression, "Soft"), *hard = json_object_get(regression, "Hard");
  const json_t *row = soft != NULL ? soft : hard != NULL ? hard : regression, *kind = json_object_get(row, "event_kind");
  if (kind == NULL) kind = json_object_get(row, "metric");
  if (!json_is_object(row)) {
    assay_import_expected(b->in, "", "an object", row);
    return;
  }
  const char *event = shown_limit(b->in, kind), *limit = shown_limit(b->in, json_object_get(row, "limit"));
  const json_t *diff = json_object_get(row, "diff_pct");
  assay_import_check(
      b->in,
      &(assay_check){.suite = "iai-callgrind limits",
                     .name = assay_import_printf(b->in, "%s%s%s: %s", module_path, id != NULL ? " " : "", id != NULL ? id : "", event),
                     .status = ASSAY_CHECK_FAIL,
                     .expected = assay_import_printf(b->in, hard != NULL ? "at most %s" : "at most %s %% above the run before", limit),
                     .measured = diff != NULL ? assay_import_printf(b->in, "%s %%", assay_import_shown(b->in, diff))
                                              : shown_limit(b->in, json_object_get(row, "new"))});
}

static void tell_regressions(iai_benchmark *b, const char *module_path, const char *id, const json_t *holder) {
  size_t count = 0;
  const json_t *rows = assay_import_opt_array(b->in, holder, "regressions", &count);
  for (size_t i = 0; i < count && assay_import_ok(b->in); i++) {
    size_t before = assay_import_enter(b->in, "regressions", i);
    tell_regression(b, module_path, id, json_array_get(rows, i));
    assay_import_leave(b->in, before);
  }
}

/* One tool of v3 and later: {"tool": ..., "summaries": {"total": {"summary": ..., "regressions": [...]}}}; of v1 and v2: "summaries" is an
 * array of runs whose figures are texts. */
static void tell_tool(iai_benchmark *b, const char *module_path, const char *id, const json_t *tool) {
  if (!json_is_object(tool)) {
    assay_import_expected(b->in, "", "an object", tool);
    return;
  }
  char name[40];
  snprintf(name, sizeof name, "%.30s", assay_import_text(b->in, tool, "tool"));
  for (char *c = name; *c != '\0'; c++)
    if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
  b->tool = assay_import_printf(b->in, "%s", name);
  const json_t *summaries = json_object_get(tool, "summaries"), *total = json_object_get(summaries, "total");
  if (json_is_array(summaries)) {
    assay_import_note(b->in, "the figures of %s, which this version of the format gives as texts", name);
    return;
  }
  size_t before = assay_import_enter(b->in, "summaries.total", SIZE_MAX);
  if (!json_is_object(total)) assay_import_expected(b->in, "", "an object", total);
  const json_t *summary = json_object_get(total, "summary");
  if (assay_import_ok(b->in)) tell_tool_metrics(b, summary != NULL ? summary : total);
  if (assay_import_ok(b->in)) tell_regressions(b, module_path, id, total);
  assay_import_leave(b->in, before);
}

/* "callgrind_summary" of v1 and v2: one benchmark may have several runs (processes of --trace-children), which add up. */
static void tell_callgrind(iai_benchmark *b, const char *module_path, const char *id, const json_t *summary) {
  size_t count = 0;
  size_t outer = assay_import_enter(b->in, "callgrind_summary", SIZE_MAX);
  const json_t *runs = assay_import_array(b->in, summary, "summaries", &count);
  if (count > 1) assay_import_note(b->in, "the callgrind runs of %s but the first, of %zu", module_path, count);
  if (count > 0) {
    size_t before = assay_import_enter(b->in, "summaries", 0);
    const json_t *run = json_array_get(runs, 0);
    if (json_is_object(run))
      tell_events(b, json_object_get(run, "events"), "events");
    else
      assay_import_expected(b->in, "", "an object", run);
    if (assay_import_ok(b->in)) tell_regressions(b, module_path, id, run);
    assay_import_leave(b->in, before);
  }
  assay_import_leave(b->in, outer);
}

static void read_summary(assay_importer *in, const json_t *root) {
  if (!json_is_object(root)) {
    assay_import_expected(in, "", "a summary of iai-callgrind, which is an object", root);
    return;
  }
  iai_benchmark b = {.in = in};
  const char *version = assay_import_text(in, root, "version"), *module_path = assay_import_text(in, root, "module_path");
  const char *id = assay_import_opt_text(in, root, "id");
  if (!assay_import_ok(in)) return;
  open_benchmark(&b, module_path, id);
  assay_import_once(in, b.told);
  assay_import_fact(in, "summary_version", version);
  assay_import_fact_json(in, "kind", json_object_get(root, "kind"));
  assay_import_fact_json(in, "project_root", json_object_get(root, "project_root"));
  assay_import_benchmark_fact(in, b.told, "details", json_object_get(root, "details"));
  assay_import_benchmark_fact(in, b.told, "executable", json_object_get(root, "benchmark_exe"));
  const json_t *callgrind = assay_import_opt_object(in, root, "callgrind_summary");
  if (callgrind != NULL) tell_callgrind(&b, module_path, id, callgrind);
  static const char *const keys[] = {"profiles", "tool_summaries"};
  bool has_tools = callgrind != NULL;
  for (size_t k = 0; k < 2 && assay_import_ok(in); k++) {
    size_t count = 0;
    const json_t *tools = assay_import_opt_array(in, root, keys[k], &count);
    has_tools |= tools != NULL;
    for (size_t i = 0; i < count && assay_import_ok(in); i++) {
      size_t before = assay_import_enter(in, keys[k], i);
      tell_tool(&b, module_path, id, json_array_get(tools, i));
      assay_import_leave(in, before);
    }
  }
  if (!has_tools)
    assay_import_mistake(in, "", "none of profiles, tool_summaries and callgrind_summary is there (version \"%.20s\")", version);
}

/* Length of the JSON value at the start of `text`, as far as its brackets say. */
static size_t document_length(const char *text, size_t length) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < length; i++) {
    char c = text[i];
    if (in_string) {
      if (c == '\\') i++;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      depth++;
    } else if ((c == '}' || c == ']') && --depth <= 0) {
      return i + 1;
    }
  }
  return length;
}

/* One summary, or one after the other as --output-format=json prints them. */
static void read_documents(assay_importer *in, const char *text, size_t length) {
  static const char *const blanks = " \t\r\n";
  size_t at = 0;
  for (size_t number = 0; assay_import_ok(in); number++) {
    at += strspn(text + at, blanks);
    if (at >= length) return;
    size_t bytes = document_length(text + at, length - at);
    bool is_only = number == 0 && at + bytes + strspn(text + at + bytes, blanks) >= length;
    json_t *root = assay_import_parse(in, text + at, bytes);
    size_t before = is_only ? in->path_length : assay_import_enter(in, "summary ", number);
    if (root != NULL) read_summary(in, root);
    assay_import_leave(in, before);
    json_decref(root);
    at += bytes;
  }
}

/* ---- What it prints ----------------------------------------------------------------------------------------------------------- */

typedef struct iai_text {
  iai_benchmark b;
  assay_text_lines lines;
  const char *heading; /* the last line that was not indented */
  bool opened, skips;  /* `skips`: a part of a tool's run, which its total holds, too */
  char tool[20];
} iai_text;

/* "file::group::bench id:arguments" */
static void open_heading(iai_text *t) {
  char *line = assay_arena_strdup(&t->b.in->scratch, t->heading), *at = line;
  char *path = line == NULL ? NULL : assay_text_word(&at);
  if (path == NULL) return;
  char *rest = assay_text_trim(at), *colon = strchr(rest, ':');
  if (colon != NULL) *colon = '\0';
  open_benchmark(&t->b, path, rest[0] != '\0' && strchr(rest, ' ') == NULL ? rest : NULL);
  t->b.tool = t->tool;
  if (colon != NULL && colon[1] != '\0') {
    json_t *details = json_string(colon + 1);
    assay_import_benchmark_fact(t->b.in, t->b.told, "details", details);
    json_decref(details);
  }
}

/* "  Instructions:      1733|1735       (-0.11527%) [-1.00115x]", older "  Instructions:   1733 (+1.0%)" */
static void read_count(iai_text *t, char *line) {
  char *label = line + strspn(line, " "), *colon = strchr(label, ':');
  if (colon == NULL || t->heading == NULL || t->skips) return;
  char *at = colon + 1, *start = at + strspn(at, " \t");
  size_t digits = strspn(start, "0123456789.");
  bool is_old_only = strncmp(start, "N/A|", 4) == 0;
  bool is_count = digits > 0 && strchr("| \t", start[digits]) != NULL; /* strchr finds the end of the text, too */
  if (!is_old_only && !is_count) return;
  *colon = '\0';
  start[is_count ? digits : 0] = '\0';
  if (!t->opened) {
    open_heading(t);
    t->opened = true;
  }
  double value = 0;
  if (is_old_only) return;
  if (assay_text_number(start, false, &value))
    tell(&t->b, count_named(NULL, label), value);
  else
    assay_text_mistake(t->b.in, &t->lines, line, start, "expected a count");
}

/* "Performance has regressed: Instructions (1733 -> 2000) regressed by +15.4% (>+5.0%)" */
static bool read_regression(iai_text *t, const char *line) {
  static const char *const start = "Performance has regressed: ";
  if (strncmp(line, start, strlen(start)) != 0) return false;
  const char *text = line + strlen(start);
  assay_import_check(t->b.in, &(assay_check){.suite = "iai-callgrind limits",
                                             .name = assay_import_printf(t->b.in, "%s: %.*s", t->heading != NULL ? t->heading : "?",
                                                                         (int)strcspn(text, "("), text),
                                             .status = ASSAY_CHECK_FAIL,
                                             .measured = text});
  return true;
}

/* "  ======= DHAT ======..." and "  ## Total" */
static bool read_separator(iai_text *t, const char *line) {
  const char *at = line + strspn(line, " ");
  if (strncmp(at, "====", 4) == 0) {
    at += strspn(at, "= ");
    size_t length = strcspn(at, " =");
    snprintf(t->tool, sizeof t->tool, "%.*s", (int)(length < 18 ? length : 18), at);
    for (char *c = t->tool; *c != '\0'; c++)
      if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    t->skips = false;
    return true;
  }
  if (strncmp(at, "## ", 3) != 0) return false;
  t->skips = strncmp(at, "## Total", 8) != 0;
  return true;
}

static void read_printed(assay_importer *in, const char *text, size_t length) {
  iai_text t = {.b.in = in};
  bool found = false;
  if (!assay_text_lines_begin(in, &in->scratch, text, length, &t.lines)) return;
  for (char *line = NULL; assay_import_ok(in) && (line = assay_text_lines_next(&t.lines)) != NULL;) {
    if (line[0] == '\0' || read_separator(&t, line) || read_regression(&t, line)) continue;
    if (line[0] == ' ') {
      read_count(&t, line);
      found |= t.opened;
      continue;
    }
    t.heading = line;
    t.opened = t.skips = false;
    t.tool[0] = '\0';
  }
  if (!found) assay_import_mistake(in, "", "no counts of iai-callgrind in it (\"  Instructions:   1733|1733\")");
}

/* ---- The format --------------------------------------------------------------------------------------------------------------- */

static void read_iai(assay_importer *in, const char *text, size_t length) {
  size_t skip = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  skip += strspn(text + skip, " \t\r\n");
  if (text[skip] == '{' || text[skip] == '[')
    read_documents(in, text + skip, length - skip);
  else
    read_printed(in, text, length);
}

enum { DEPTH = 8 };

static void read_iai_directory(assay_importer *in, const char *path) {
  assay_import_files files = {0};
  assay_import_find(in, &in->scratch, path, "[s]ummary.json", DEPTH, &files);
  for (size_t i = 0; i < files.count && assay_import_ok(in); i++) {
    size_t length = 0;
    char *text = assay_import_load(in, files.paths[i], &length);
    if (text != NULL) read_documents(in, text, length);
    assay_free(text);
  }
}

static bool looks_iai_directory(const char *path) {
  assay_arena arena;
  assay_import_files files = {0};
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  assay_import_find(NULL, &arena, path, "[s]ummary.json", DEPTH, &files);
  bool found = files.count > 0;
  assay_arena_deinit(&arena);
  return found;
}

static bool looks_iai(const assay_import_look *look) {
  if (look->is_json)
    return assay_import_has(look, "module_path") || (assay_import_has(look, "benchmark_exe") && assay_import_has(look, "benchmark_file"));
  return assay_import_has_line(look, "  Instructions: ") || strstr(look->text, "  Estimated Cycles: ") != NULL;
}

const assay_import_format assay_import_iai = {.name = "iai-callgrind",
                                              .what = "summary.json of iai-callgrind (gungraun), its folder, or what it prints",
                                              .looks = looks_iai,
                                              .read_text = read_iai,
                                              .looks_directory = looks_iai_directory,
                                              .read_directory = read_iai_directory};

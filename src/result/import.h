/* SPDX-License-Identifier: MIT */
/*
 * What the readers of other tools' formats share. A format is one file (import_<name>.c) with one `assay_import_format`, listed in
 * import.c. Its reader gets the whole document and tells the importer what stands in it: benchmarks, the values of their processes,
 * facts of the environment. The importer makes metrics of them once every file was read.
 *
 *     static void read_rows(assay_importer *in, const json_t *root) {
 *       size_t count = 0;
 *       const json_t *rows = assay_import_array(in, root, "rows", &count);
 *       for (size_t i = 0; i < count && assay_import_ok(in); i++) {
 *         size_t before = assay_import_enter(in, "rows", i);
 *         const json_t *row = json_array_get(rows, i);
 *         assay_imported *b = assay_import_benchmark(in, "suite", assay_import_text(in, row, "name"), NULL, 0, NULL);
 *         assay_import_once(in, b);                                            // a second row of that name is a mistake
 *         assay_import_value(in, b, &assay_import_time, 0, 1e9 * assay_import_number(in, row, "seconds"));
 *         assay_import_leave(in, before);
 *       }
 *     }
 *
 * The first mistake is kept and everything after it does nothing, so a reader checks only where it loops. Values are in base units (ns, B,
 * items/s, B/s, ratio, J, 1).
 */
#ifndef ASSAY_RESULT_IMPORT_H
#define ASSAY_RESULT_IMPORT_H

#include <assay/import.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"

/* ---- Formats (import.c) -------------------------------------------------------------------------------------------------------- */

typedef struct assay_importer assay_importer;

/* The beginning of a file. */
typedef struct assay_import_look {
  const char *text; /* NUL-terminated behind its end */
  size_t length;
  bool is_json;     /* starts with { or [ */
  const char *keys; /* of JSON: the paths that were seen, a line each; see assay_import_has */
} assay_import_look;

/* Whether the beginning has that path: "context.num_cpus", "benchmarks[].real_time"; of a document that is an array "[].mode". */
bool assay_import_has(const assay_import_look *look, const char *path);
/* Whether some line of the beginning starts with those characters. */
bool assay_import_has_line(const assay_import_look *look, const char *start);

typedef struct assay_import_format {
  const char *name;
  const char *what; /* for people: "Google Benchmark's JSON" */
  bool (*looks)(const assay_import_look *look);
  /* One of the two, for files. JSON is parsed before (duplicate keys refused, NaN and Infinity accepted as tokens). */
  void (*read_json)(assay_importer *in, const json_t *root);
  void (*read_text)(assay_importer *in, const char *text, size_t length);
  /* Formats that are directories; NULL for all others. */
  bool (*looks_directory)(const char *path);
  void (*read_directory)(assay_importer *in, const char *path);
} assay_import_format;

/* One file each, listed in import.c. */
extern const assay_import_format assay_import_assay, assay_import_google, assay_import_pytest, assay_import_hyperfine, assay_import_pyperf,
    assay_import_jmh, assay_import_baselines;
extern const assay_import_format assay_import_go, assay_import_asv, assay_import_criterion, assay_import_catch2, assay_import_iai,
    assay_import_k6;

/* For loops over the members of an object, which jansson's iterator has no const form of. */
#define ASSAY_IMPORT_EACH(object, at)                                            \
  for (void *at = json_object_iter((json_t *)(uintptr_t)(object)); (at) != NULL; \
       (at) = json_object_iter_next((json_t *)(uintptr_t)(object), (at)))

/* ---- Mistakes and places (import_json.c) ----------------------------------------------------------------------------------------- */

bool assay_import_ok(const assay_importer *in);
/* "FILE: benchmarks[3].real_time: <message>": the place is where the reader is now. `key` "" is that place itself. */
void assay_import_mistake(assay_importer *in, const char *key, const char *format, ...) ASSAY_PRINTF(3, 4);
/* "...: expected <expected>, found <what `found` is>" */
void assay_import_expected(assay_importer *in, const char *key, const char *expected, const json_t *found);
/* "FILE:12: <message>", for text. */
void assay_import_mistake_line(assay_importer *in, size_t line, const char *format, ...) ASSAY_PRINTF(3, 4);

/* Goes into a member (index SIZE_MAX) or an item of one; gives what assay_import_leave wants. */
size_t assay_import_enter(assay_importer *in, const char *key, size_t index);
void assay_import_leave(assay_importer *in, size_t before);
/* For text: the place that duplicates are named by ("line 12"). */
void assay_import_at_line(assay_importer *in, size_t line);

/*
 * A further file of a directory: read within the limit, named in messages from now on. NULL after a failure; free with assay_free.
 * assay_import_parse gives the document; json_decref it.
 */
char *assay_import_load(assay_importer *in, const char *path, size_t *length);
json_t *assay_import_parse(assay_importer *in, const char *text, size_t length);

/* ---- Values out of JSON (import_json.c) ------------------------------------------------------------------------------------------ */

/* Missing, null or of the wrong type is a mistake; then "" or 0 or NULL comes back. */
const char *assay_import_text(assay_importer *in, const json_t *object, const char *key);
double assay_import_number(assay_importer *in, const json_t *object, const char *key); /* finite */
int64_t assay_import_whole(assay_importer *in, const json_t *object, const char *key, int64_t low, int64_t high);
const json_t *assay_import_object(assay_importer *in, const json_t *object, const char *key);
const json_t *assay_import_array(assay_importer *in, const json_t *object, const char *key, size_t *count);
/* A number that is not a member, e.g. an item of an array entered before. */
double assay_import_number_of(assay_importer *in, const json_t *value);
/* Missing and null are NULL, NaN, false; the wrong type is a mistake. NaN and Infinity are "no figure": NaN. */
const char *assay_import_opt_text(assay_importer *in, const json_t *object, const char *key);
double assay_import_opt_number(assay_importer *in, const json_t *object, const char *key);
bool assay_import_opt_bool(assay_importer *in, const json_t *object, const char *key);
const json_t *assay_import_opt_object(assay_importer *in, const json_t *object, const char *key);
const json_t *assay_import_opt_array(assay_importer *in, const json_t *object, const char *key, size_t *count);
/* The token NaN, Infinity or -Infinity, which jansson does not know and Python and C++ write. */
bool assay_import_is_nan(const json_t *value);
/* A scalar as text ("8", "true", "fast"); anything else as compact JSON. In the importer's arena. */
const char *assay_import_shown(assay_importer *in, const json_t *value);

/* ---- Telling what stands there (import_build.c) ---------------------------------------------------------------------------------- */

typedef struct assay_imported assay_imported; /* a benchmark */

typedef struct assay_import_param {
  const char *name, *value;
} assay_import_param;

typedef struct assay_import_metric {
  const char *name, *unit;
  assay_metric_kind kind;
  assay_better better;
} assay_import_metric;

extern const assay_import_metric assay_import_time, assay_import_cpu_time, assay_import_items_per_second, assay_import_bytes_per_second,
    assay_import_peak_rss;

/*
 * The benchmark of that suite and name; made at its first mention in any file. `name` NULL: made of the base name and the parameters,
 * "sum/n=1000". Text is copied. Never NULL, so that readers go on; after a failure it is one that nobody sees.
 */
assay_imported *assay_import_benchmark(assay_importer *in, const char *suite, const char *base_name, const assay_import_param *params,
                                       size_t param_count, const char *name);
/* Where a second mention inside one invocation is a mistake: the message names both places. */
void assay_import_once(assay_importer *in, assay_imported *benchmark);

/*
 * A value of a process; processes are numbered within the invocation (one file, or as many as the format says), in any order. Several
 * values of one process are its repetitions or samples, whose median is the process's value; where there is only one process at all they
 * are the values (ASSAY_REPLICATE_REPETITION). The first metric of a benchmark is its main one.
 */
void assay_import_value(assay_importer *in, assay_imported *benchmark, const assay_import_metric *what, unsigned process, double value);
/* Where the format gives only a figure of many: ASSAY_REPLICATE_RUN. `stats` is what it says of them; what it does not say is NaN
 * (assay_import_no_summary). */
void assay_import_summary(assay_importer *in, assay_imported *benchmark, const assay_import_metric *what, double value,
                          const assay_summary *stats);
assay_summary assay_import_no_summary(void);
/* Beside the values of processes: what the format says of all that stands behind them (samples, min, max, percentiles). NaN says nothing.
 */
void assay_import_distribution(assay_importer *in, assay_imported *benchmark, const assay_import_metric *what, const assay_summary *stats);
/* A count that does not vary: ASSAY_REPLICATE_EXACT. */
void assay_import_exact(assay_importer *in, assay_imported *benchmark, const assay_import_metric *what, double value);

/* What became of it, where it is not ok. The worst of all mentions stays. */
void assay_import_outcome(assay_importer *in, assay_imported *benchmark, assay_outcome outcome, const char *reason);

/* Ends an invocation inside a file that holds several (k runs of one program one after the other). */
void assay_import_next_invocation(assay_importer *in);

/* Facts "import.<key>"; the first mention stays. NULL text and NaN say nothing. */
void assay_import_fact(assay_importer *in, const char *key, const char *text);
void assay_import_fact_real(assay_importer *in, const char *key, double value);
void assay_import_fact_whole(assay_importer *in, const char *key, int64_t value);
void assay_import_fact_bool(assay_importer *in, const char *key, bool value);
/* Any JSON: members and items become keys of their own. NULL and null say nothing. */
void assay_import_fact_json(assay_importer *in, const char *key, const json_t *value);
/* "import.benchmarks.<suite>/<name>.<key>" */
void assay_import_benchmark_fact(assay_importer *in, const assay_imported *benchmark, const char *key, const json_t *value);

/*
 * Which machine this invocation ran on, as far as the file says; all may be NULL. The same texts give the same machine id; files that say
 * nothing give none.
 */
void assay_import_machine(assay_importer *in, const char *host, const char *processor, const char *system);
/* The same where the file has an id of ours. */
void assay_import_hardware(assay_importer *in, const char *id, const char *label);
/* What our exports say beside the tool's own words for a machine: `assay_machine_id` and `assay_machine` of `about`. False: they are not
 * there, or no id. */
bool assay_import_own_machine(assay_importer *in, const json_t *about);
void assay_import_started(assay_importer *in, int64_t at_s); /* the earliest of all stays */
void assay_import_commit(assay_importer *in, const char *revision);
void assay_import_command(assay_importer *in, const char *command);
void assay_import_duration(assay_importer *in, double seconds); /* adds */
void assay_import_tool_version(assay_importer *in, const char *version);
/* What was left out, and why; each different note once. */
void assay_import_note(assay_importer *in, const char *format, ...) ASSAY_PRINTF(2, 3);
/* What makes its figures doubtful (a debug build, a single iteration); each different one once. */
void assay_import_warn(assay_importer *in, const char *format, ...) ASSAY_PRINTF(2, 3);

/* The stem of a path: "build/bench_sum.exe" -> "bench_sum". In the importer's arena; `fallback` when there is none. */
const char *assay_import_program(assay_importer *in, const char *path, const char *fallback);
const char *assay_import_printf(assay_importer *in, const char *format, ...) ASSAY_PRINTF(2, 3);

/* ---- Units and times (import_units.c) -------------------------------------------------------------------------------------------- */

/* "us" -> "ns" and 1000; "MiB" -> "B"; "ops/ms" -> "items/s"; "MB/sec" -> "B/s"; "%" -> "ratio". False for what it does not know. */
bool assay_import_unit(const char *unit, const char **base, double *factor);
/* What a figure with that unit (a base unit, or any other text) measures: kind and direction. `what->name` is the caller's. */
void assay_import_describe(const char *base_unit, assay_import_metric *what);
/*
 * What the name of a bare number says: "memory_peak_mb" is bytes, "ops_per_sec" a throughput, "accuracy" a ratio that should be high.
 * `what->name` is a copy without the unit's suffix where the unit was understood.
 */
void assay_import_guess(assay_importer *in, const char *name, assay_import_metric *what, double *factor);
/* The name of a figure of the other tool's; "counter.time" where the engine's own figure of that name is something else. */
const char *assay_import_own_name(assay_importer *in, const char *name);
/* ISO 8601 and RFC 3339 ("2026-01-15T10:30:00Z", "+01:00", "20260115T103000", with fractions, a blank for the T): seconds since 1970.
 * Without an offset: UTC. */
bool assay_import_parse_time(const char *text, int64_t *at_s);

/* ---- The importer itself --------------------------------------------------------------------------------------------------------- */

enum { ASSAY_IMPORT_PATH_BYTES = 400 };

typedef struct assay_import_map {
  struct assay_import_slot {
    const char *key;
    size_t value;
  } * slots;
  size_t count, capacity;
} assay_import_map;

typedef struct assay_import_machine_name {
  const char *id, *label;
} assay_import_machine_name;

/* import.c and import_build.c fill it; readers use the functions above. */
struct assay_importer {
  size_t file_count;    /* that were asked for */
  assay_result *whole;  /* a result that is taken as it is */
  assay_result *result; /* its arena owns all text */
  assay_arena *arena;
  assay_arena scratch; /* values until they are metrics */
  assay_error *err;
  assay_status status; /* the first failure */
  const char *file;    /* as shown in messages */
  size_t limit;        /* bytes of a file */
  uint64_t loaded;     /* hash over what the files of a directory hold: the run is known by it */
  int64_t loaded_at_s; /* the earliest change of one of them; INT64_MAX: none was read */
  size_t path_length;
  char path[ASSAY_IMPORT_PATH_BYTES];
  unsigned invocation;
  assay_imported **benchmarks;
  size_t benchmark_count, benchmark_capacity;
  assay_import_map by_name, by_fact, by_note, by_machine, by_content;
  const char **contents; /* files, by content */
  size_t content_count, content_capacity;
  size_t note_count, warning_count, fact_dropped;
  assay_import_machine_name *machines;
  size_t machine_count, machine_capacity;
  int64_t started_at_s; /* INT64_MAX: not said */
  const char *commit, *command, *tool_version;
  bool commits_differ;
  double duration_s;
  size_t value_count;
  assay_imported *nobody;
};

/* One file out of memory, called `name` in messages (tests, fuzzing). `from` NULL: recognised. */
assay_status assay_import_memory(const char *name, const char *text, size_t length, const char *from, assay_error *err,
                                 assay_result **result);

/* The file that had the same content before; NULL when there was none, and then this one is remembered. */
const char *assay_import_content(assay_importer *in, const char *text, size_t length);

assay_status assay_importer_init(assay_importer *in, assay_error *err);
void assay_importer_deinit(assay_importer *in); /* also the result, unless it was taken */
/* Makes the result of everything that was told; `source` and `id` go into its run. */
void assay_importer_finish(assay_importer *in, const char *source, const char *id, int64_t otherwise_started_at_s, assay_result **result);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What `go test -bench` prints, also as events (`go test -json`). The format is golang.org/design/14313-benchmark-format with the unit
 * lines of golang.org/x/perf/benchfmt; what a failed benchmark or package prints around it is the testing package's.
 *
 * A block is what one test binary printed: from its "goos:", "goarch:", "pkg:" and "cpu:" lines to the next of them. Every block is a
 * process; the lines of one name in a block are the repetitions of `-count`.
 */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "result/import_lines.h"
#include "result/import_rows.h"
#include "result/storage.h"

enum { MAX_KEYS = 50, MAX_BLOCKS = 100000, MAX_REASON = 400 };

typedef struct go_value {
  double value;
  const char *unit;
} go_value;

typedef struct go_row {
  const char *name; /* as printed, with "-8" */
  size_t block, value_count;
  double iterations;
  go_value *values; /* NULL: it has an outcome only */
  assay_outcome outcome;
  const char *reason;
  const char *gomaxprocs; /* "8"; NULL: the name says none */
} go_row;

typedef struct go_block {
  const char *package;
  size_t first_row;
  const char **config; /* values of the first config_count keys; NULL: not given yet */
  size_t config_count;
} go_block;

typedef struct go_key {
  const char *name, *value; /* the value now */
  const char *first;        /* its first value */
  bool varies;              /* it has others elsewhere */
  bool late;                /* first met behind results: what a program printed, not configuration */
} go_key;

typedef struct go_unit {
  const char *name;
  assay_better better;
  bool has_better, exact;
} go_unit;

typedef struct go_suite {
  const char *name;
  assay_outcome outcome;
  const char *reason;
} go_suite;

typedef struct go_reader {
  assay_importer *in;
  assay_arena *arena;
  const size_t *places; /* line of the document that each line of the text came from; NULL: the same */
  assay_text_lines lines;
  go_row *rows;
  go_block *blocks;
  go_unit *units;
  go_suite *suites;
  size_t row_count, row_capacity, block_count, block_capacity, unit_count, unit_capacity, suite_count, suite_capacity;
  go_key keys[MAX_KEYS];
  size_t key_count;
  /* The block that is being read. */
  bool filled, ended;
  const char *pending;    /* a benchmark whose figures have not come yet */
  const char *crash;      /* "panic: ..." */
  const char *crashed_in; /* the benchmark that the trace behind it names */
  size_t log_of;          /* the row whose reason the indented lines that follow give; SIZE_MAX: none */
  bool log_is_taken;      /* they belong to the "--- " line before them, not to one that follows */
  assay_buf log;          /* the indented lines just read */
} go_reader;

/* ---- Small parts -------------------------------------------------------------------------------------------------------------- */

/* Line of the document that the line just read came from. */
static size_t place(const go_reader *r) { return r->places == NULL ? r->lines.number : r->places[r->lines.number - 1]; }

static void mistake(go_reader *r, const char *line, const char *at, const char *what) {
  if (r->places == NULL)
    assay_text_mistake(r->in, &r->lines, line, at, what);
  else
    assay_import_mistake_line(r->in, place(r), "in the output: %s", what);
}

static bool going(const go_reader *r) { return assay_import_ok(r->in) && !r->arena->failed; }

static const char *keep(go_reader *r, const char *text) { return assay_arena_strdup(r->arena, text); }

/* Room for one more of `items`; false when memory is out. */
#define ROOM(r, items, singular) \
  (((r)->items = room((r)->arena, (r)->items, (r)->singular##_count, &(r)->singular##_capacity, sizeof *(r)->items)) != NULL)

static void *room(assay_arena *arena, void *items, size_t count, size_t *capacity, size_t size) {
  return count < *capacity ? items : assay_arena_grow(arena, items, count, capacity, size);
}

/* "BenchmarkSum", but not "Benchmarking ...": the testing package takes no name that goes on in lower case. */
static bool is_benchmark(const char *word) { return strncmp(word, "Benchmark", 9) == 0 && !islower((unsigned char)word[9]); }

static go_block *block_now(go_reader *r) { return &r->blocks[r->block_count - 1]; }

/* What the keys were for this block; they go on into the next one until they are given anew. */
static void close_block(go_reader *r) {
  go_block *b = block_now(r);
  b->config = assay_arena_alloc(r->arena, r->key_count + 1, sizeof *b->config);
  b->config_count = b->config == NULL ? 0 : r->key_count;
  for (size_t i = 0; i < b->config_count; i++) b->config[i] = r->keys[i].value;
}

static void open_block(go_reader *r) {
  if (r->block_count > 0) close_block(r);
  if (r->block_count == MAX_BLOCKS) {
    assay_import_mistake_line(r->in, place(r), "more than %d invocations in one file", MAX_BLOCKS);
    return;
  }
  if (!ROOM(r, blocks, block)) return;
  const char *package = r->block_count > 0 ? block_now(r)->package : NULL;
  r->blocks[r->block_count++] = (go_block){.package = package, .first_row = r->row_count};
  r->filled = r->ended = false;
  r->pending = r->crash = r->crashed_in = NULL;
}

static go_row *add_row(go_reader *r, const char *name) {
  if (r->ended) open_block(r);
  if (!going(r) || !ROOM(r, rows, row)) return NULL;
  r->rows[r->row_count] = (go_row){.name = name, .block = r->block_count - 1};
  r->filled = true;
  return &r->rows[r->row_count++];
}

/* The worst outcome of all invocations of a package stays. */
static void add_suite(go_reader *r, const char *name, assay_outcome outcome, const char *reason) {
  for (size_t i = 0; i < r->suite_count; i++) {
    if (strcmp(r->suites[i].name, name) != 0) continue;
    if (r->suites[i].outcome < outcome) r->suites[i] = (go_suite){.name = r->suites[i].name, .outcome = outcome, .reason = keep(r, reason)};
    return;
  }
  if (!ROOM(r, suites, suite)) return;
  r->suites[r->suite_count++] = (go_suite){.name = keep(r, name), .outcome = outcome, .reason = keep(r, reason)};
}

/* ---- Results ------------------------------------------------------------------------------------------------------------------ */

/* "1000  1234 ns/op  56 B/op ...", from the count of iterations on. */
static void read_values(go_reader *r, const char *name, const char *line, char *at) {
  double iterations = 0;
  go_value *values = NULL;
  size_t count = 0, capacity = 0;
  char *number = assay_text_word(&at);
  if (!assay_text_number(number, false, &iterations)) {
    mistake(r, line, number, "expected a count of iterations");
    return;
  }
  while ((number = assay_text_word(&at)) != NULL) {
    char *unit = assay_text_word(&at);
    double value = 0;
    if (!assay_text_number(number, false, &value)) {
      mistake(r, line, number, "expected a number, as in \"1234 ns/op\" (NaN and infinities are none)");
      return;
    }
    if (unit == NULL) {
      mistake(r, line, number, "a figure without its unit: is the file cut off?");
      return;
    }
    values = room(r->arena, values, count, &capacity, sizeof *values);
    if (values == NULL) return;
    values[count++] = (go_value){.value = value, .unit = keep(r, unit)};
  }
  if (count == 0) {
    mistake(r, line, at, "a result without figures: is the file cut off?");
    return;
  }
  go_row *row = add_row(r, name);
  if (row == NULL) return;
  row->iterations = iterations;
  row->values = values;
  row->value_count = count;
}

static bool starts_crash(const char *line) { return strncmp(line, "panic: ", 7) == 0 || strncmp(line, "fatal error: ", 13) == 0; }

static void note_crash(go_reader *r, const char *line) {
  if (r->crash == NULL) r->crash = keep(r, line);
}

/* "BenchmarkSum-8  1000  1234 ns/op": name and figures; the name alone when the program printed something before its figures came. */
static void read_benchmark(go_reader *r, char *line) {
  char *at = line;
  const char *name = keep(r, assay_text_word(&at));
  char *rest = at + strspn(at, " \t");
  if (starts_crash(rest)) note_crash(r, rest);
  size_t digits = strspn(rest, "0123456789");
  bool counted = digits > 0 && strchr(" \t", rest[digits]) != NULL; /* strchr finds the end of the text, too */
  if (r->ended) open_block(r);
  r->filled = true;
  r->pending = counted ? NULL : name;
  if (counted) read_values(r, name, line, rest);
}

/* ---- What else stands in the output --------------------------------------------------------------------------------------------- */

static void add_log(go_reader *r, char *line) {
  const char *text = assay_text_trim(line);
  if (text[0] == '\0' || r->log.length > MAX_REASON) return;
  assay_buf_printf(&r->log, "%s%.*s", r->log.length > 0 ? "; " : "", MAX_REASON, text);
  if (r->log_of != SIZE_MAX && !r->log.failed) r->rows[r->log_of].reason = keep(r, r->log.data);
}

/* "--- FAIL: BenchmarkX", with indented lines behind it that say why; in events and with -v they stand before it. */
static void read_event(go_reader *r, char *at, assay_outcome outcome) {
  const char *name = assay_text_word(&at);
  if (name == NULL || !is_benchmark(name)) return;
  go_row *row = add_row(r, keep(r, name));
  if (row == NULL) return;
  if (r->log_is_taken) assay_buf_clear(&r->log);
  row->outcome = outcome;
  row->reason = r->log.length > 0                 ? keep(r, r->log.data)
                : outcome == ASSAY_OUTCOME_FAILED ? "it failed and did not say why"
                                                  : "it skipped itself";
  r->log_of = r->log.length > 0 ? SIZE_MAX : r->row_count - 1;
  r->pending = NULL;
}

/* The binary ended: a benchmark that was under way, or that a trace names, failed. */
static void end_block(go_reader *r, bool failed) {
  const char *lost = r->pending != NULL ? r->pending : r->crashed_in;
  if (failed && r->crash != NULL && lost != NULL) {
    go_row *row = add_row(r, lost);
    if (row != NULL) {
      row->outcome = ASSAY_OUTCOME_FAILED;
      row->reason = r->crash;
    }
  }
  r->pending = NULL;
  r->ended = true;
}

/* "ok  \tpackage\t1.2s", "FAIL\tpackage\t0.1s", "FAIL\tpackage [build failed]", "?   \tpackage\t[no test files]". */
static bool read_package_end(go_reader *r, char *line) {
  double seconds = 0;
  bool ok = strncmp(line, "ok  \t", 5) == 0, failed = strncmp(line, "FAIL\t", 5) == 0, none = strncmp(line, "?   \t", 5) == 0;
  if (!ok && !failed && !none) return false;
  char *at = line + 5;
  const char *package = assay_text_word(&at);
  if (package == NULL) return false;
  char *why = strchr(at, '['), *end = why == NULL ? NULL : strchr(why, ']');
  if (end != NULL) *end = '\0';
  char *took = at + strspn(at, " \t");
  size_t digits = strspn(took, "0123456789.");
  if (digits > 0 && took[digits] == 's') {
    took[digits] = '\0';
    if (assay_text_number(took, false, &seconds)) assay_import_duration(r->in, seconds);
  }
  if (ok) add_suite(r, package, ASSAY_OUTCOME_OK, NULL);
  if (none) add_suite(r, package, ASSAY_OUTCOME_SKIPPED, end != NULL ? why + 1 : "no test files");
  if (failed)
    add_suite(r, package, ASSAY_OUTCOME_FAILED, end != NULL ? why + 1 : r->crash != NULL ? r->crash : "a test or benchmark failed");
  if (!none) {
    if (!r->ended) end_block(r, failed);
    if (going(r) && block_now(r)->package == NULL) block_now(r)->package = keep(r, package);
  }
  return true;
}

/* "Unit ns/op better=lower assume=exact" */
static void read_unit(go_reader *r, char *at) {
  const char *name = assay_text_word(&at);
  if (name == NULL || !ROOM(r, units, unit)) return;
  go_unit unit = {.name = keep(r, name)};
  for (const char *word = NULL; (word = assay_text_word(&at)) != NULL;) {
    if (strcmp(word, "assume=exact") == 0) unit.exact = true;
    if (strcmp(word, "better=lower") == 0 || strcmp(word, "better=higher") == 0) {
      unit.has_better = true;
      unit.better = strcmp(word, "better=higher") == 0 ? ASSAY_HIGHER : ASSAY_LOWER;
    }
  }
  r->units[r->unit_count++] = unit;
}

static bool is_header(const char *key) {
  return strcmp(key, "goos") == 0 || strcmp(key, "goarch") == 0 || strcmp(key, "pkg") == 0 || strcmp(key, "cpu") == 0;
}

static go_key *find_key(go_reader *r, const char *name) {
  for (size_t i = 0; i < r->key_count; i++)
    if (strcmp(r->keys[i].name, name) == 0) return &r->keys[i];
  return NULL;
}

/*
 * "key: value", where the key has neither blanks nor capitals. A program's own output may look the same ("warning: ..."), so a key counts
 * that stood before the first result; one more such line behind results begins the next invocation.
 */
static bool read_config(go_reader *r, char *line) {
  size_t length = strcspn(line, ": \t");
  if (!islower((unsigned char)line[0]) || line[length] != ':' || (line[length + 1] != '\0' && strchr(" \t", line[length + 1]) == NULL))
    return false;
  for (size_t i = 0; i < length; i++)
    if (isupper((unsigned char)line[i])) return false;
  line[length] = '\0';
  const char *value = line[length + 1] == '\0' ? "" : assay_text_trim(line + length + 2);
  go_key *key = find_key(r, line);
  if (key == NULL) {
    if (r->key_count == MAX_KEYS) return true;
    key = &r->keys[r->key_count++];
    *key = (go_key){.name = keep(r, line), .late = r->filled && !r->ended && !is_header(line)};
  }
  if (key->late) return true;
  if (r->filled || r->ended) open_block(r);
  if (!going(r)) return true;
  key->value = keep(r, value);
  if (key->value == NULL) return true;
  if (key->first == NULL) key->first = key->value;
  key->varies |= strcmp(key->first, key->value) != 0;
  if (strcmp(key->name, "pkg") == 0) block_now(r)->package = key->value;
  return true;
}

/* "example.com/sums.BenchmarkSum.func1(0xc0...)" in a trace */
static void read_trace(go_reader *r, const char *line) {
  const char *found = strstr(line, ".Benchmark");
  if (r->crash == NULL || r->crashed_in != NULL || found == NULL || line[0] == ' ' || line[0] == '\t') return;
  size_t length = strcspn(found + 1, ".(");
  char *name = assay_arena_strndup(r->arena, found + 1, length);
  if (name != NULL && is_benchmark(name)) r->crashed_in = name;
}

static void read_line(go_reader *r, char *line) {
  bool is_log = strncmp(line, "    ", 4) == 0 || line[0] == '\t';
  char *word = line + strspn(line, " \t");
  size_t digits = strspn(word, "0123456789");
  if (r->pending != NULL && digits > 0 && strchr(" \t", word[digits]) != NULL && word[digits] != '\0') {
    const char *name = r->pending;
    r->pending = NULL;
    read_values(r, name, line, word);
    return;
  }
  if (is_log) {
    add_log(r, line);
    return;
  }
  if (strncmp(line, "--- FAIL: ", 10) == 0)
    read_event(r, line + 10, ASSAY_OUTCOME_FAILED);
  else if (strncmp(line, "--- SKIP: ", 10) == 0)
    read_event(r, line + 10, ASSAY_OUTCOME_SKIPPED);
  else
    r->log_of = SIZE_MAX;
  r->log_is_taken = strncmp(line, "--- ", 4) == 0;
  assay_buf_clear(&r->log);
  if (is_benchmark(line))
    read_benchmark(r, line);
  else if (strcmp(line, "PASS") == 0 || strcmp(line, "FAIL") == 0)
    end_block(r, line[0] == 'F');
  else if (strncmp(line, "Unit ", 5) == 0)
    read_unit(r, line + 5);
  else if (starts_crash(line))
    note_crash(r, line);
  else if (!read_package_end(r, line) && !read_config(r, line))
    read_trace(r, line);
}

/* A file that ends inside its last word still looks whole ("36.6 ns/o"): a unit that is new there, without a newline, is no unit. */
static void refuse_half_unit(go_reader *r) {
  static const char *const known[] = {"ns/op", "MB/s", "B/op", "allocs/op"};
  const go_row *last = r->row_count == 0 ? NULL : &r->rows[r->row_count - 1];
  if (last == NULL || last->values == NULL) return;
  const char *unit = last->values[last->value_count - 1].unit;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    size_t length = strlen(unit);
    if (strcmp(unit, known[i]) == 0) return;
    if (length < strlen(known[i]) && strncmp(unit, known[i], length) == 0)
      assay_import_mistake_line(r->in, place(r), "ends in the middle of the unit \"%s\": the file is cut off", unit);
  }
}

static void read_text(go_reader *r, const char *text, size_t length) {
  if (!assay_text_lines_begin(r->in, r->arena, text, length, &r->lines)) return;
  open_block(r);
  size_t rows = 0;
  for (char *line = NULL; going(r) && (line = assay_text_lines_next(&r->lines)) != NULL;) {
    rows = r->row_count;
    read_line(r, line);
  }
  if (!going(r)) return;
  if (!r->lines.whole && r->row_count > rows) refuse_half_unit(r);
  if (r->pending != NULL && !r->ended)
    assay_import_mistake_line(r->in, place(r), "the file ends before the figures of %s: it is cut off", r->pending);
  close_block(r);
}

/* ---- From rows to benchmarks ---------------------------------------------------------------------------------------------------- */

/* The "-8" at the end of a name; NULL when there is none. */
static const char *suffix_of(const char *name) {
  const char *dash = strrchr(name, '-');
  return dash != NULL && dash > name && assay_text_is_count(dash + 1) ? dash : NULL;
}

static int by_text(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool is_among(const char *name, const char **names, size_t count) {
  return bsearch(&name, names, count, sizeof *names, by_text) != NULL;
}

/* The name without its suffix; NULL when it has none. */
static const char *stem_of(go_reader *r, const char *name) {
  const char *suffix = suffix_of(name);
  return suffix == NULL ? NULL : assay_arena_strndup(r->arena, name, (size_t)(suffix - name));
}

/*
 * The testing package puts "-N" behind every name where GOMAXPROCS is N, but nothing where it is 1; "size-10" at the end of a name looks
 * the same. Where a block has a name bare, GOMAXPROCS 1 is among those that ran (-cpu 1,8), and then a number is GOMAXPROCS only where its
 * name is there without it, too.
 */
static void find_gomaxprocs(go_reader *r, size_t first, size_t end) {
  const char **names = assay_arena_alloc(r->arena, end - first + 1, sizeof *names), *only = NULL;
  size_t count = 0;
  bool has_bare = false, several = false;
  if (names == NULL) return;
  for (size_t i = first; i < end; i++)
    if (r->rows[i].values != NULL) names[count++] = r->rows[i].name;
  qsort(names, count, sizeof *names, by_text);
  for (size_t i = 0; i < count && !has_bare; i++) {
    const char *stem = stem_of(r, names[i]);
    has_bare = stem == NULL || is_among(stem, names, count);
  }
  for (size_t i = first; i < end; i++) {
    go_row *row = &r->rows[i];
    const char *stem = stem_of(r, row->name);
    if (stem == NULL || (has_bare && !is_among(stem, names, count))) continue;
    row->gomaxprocs = suffix_of(row->name) + 1;
    if (row->values == NULL) continue;
    several |= only != NULL && strcmp(only, row->gomaxprocs) != 0;
    only = row->gomaxprocs;
  }
  if (only == NULL || several || has_bare) return;
  /* "--- FAIL: BenchmarkX" comes without the number that its results would have. */
  for (size_t i = first; i < end; i++) {
    if (r->rows[i].values != NULL || r->rows[i].gomaxprocs != NULL) continue;
    r->rows[i].name = assay_arena_printf(r->arena, "%s-%s", r->rows[i].name, only);
    r->rows[i].gomaxprocs = only;
  }
}

/* Keys that name one invocation, so that they differ between those that belong together. */
static bool names_an_invocation(const char *key) {
  static const char *const keys[] = {"pkg",       "date", "time",   "timestamp",   "commit-time", "run",
                                     "iteration", "pass", "upload", "upload-time", "upload-part", "upload-file"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    if (strcmp(key, keys[i]) == 0) return true;
  return false;
}

enum { MAX_PARAMS = 32 };

typedef struct go_case {
  assay_import_param params[MAX_PARAMS];
  size_t param_count;
  const char *base, *name;
} go_case;

static bool has_param(const go_case *c, const char *name) {
  for (size_t i = 0; i < c->param_count; i++)
    if (strcmp(c->params[i].name, name) == 0) return true;
  return false;
}

static bool add_param(go_case *c, const char *name, const char *value) {
  if (c->param_count == MAX_PARAMS || name[0] == '\0' || has_param(c, name)) return false;
  c->params[c->param_count++] = (assay_import_param){.name = name, .value = value};
  return true;
}

/* "BenchmarkSum/size=10/small-8": parameters size and gomaxprocs of "BenchmarkSum/small". The name stays as Go prints it. */
static void describe_case(go_reader *r, const go_row *row, go_case *c) {
  assay_buf base = {0}, name = {0};
  size_t length = strlen(row->name) - (row->gomaxprocs != NULL ? strlen(row->gomaxprocs) + 1 : 0);
  char *part = assay_arena_strndup(r->arena, row->name, length);
  c->param_count = 0;
  for (char *next = part; next != NULL && part != NULL; part = next) {
    char *slash = strchr(part, '/'), *equals = strchr(part, '=');
    next = slash == NULL ? NULL : slash + 1;
    if (slash != NULL) *slash = '\0';
    if (equals != NULL && (slash == NULL || equals < slash)) {
      *equals = '\0';
      if (add_param(c, part, equals + 1)) continue;
      *equals = '=';
    }
    assay_buf_printf(&base, "%s%s", base.length > 0 ? "/" : "", part);
  }
  if (row->gomaxprocs != NULL) add_param(c, "gomaxprocs", row->gomaxprocs);
  assay_buf_puts(&name, row->name);
  const go_block *block = &r->blocks[row->block];
  for (size_t i = 0; i < block->config_count; i++) {
    const go_key *key = &r->keys[i];
    if (key->varies && !names_an_invocation(key->name) && block->config[i] != NULL && add_param(c, key->name, block->config[i]))
      assay_buf_printf(&name, "/%s=%s", key->name, block->config[i]);
  }
  c->base = base.length > 0 ? keep(r, base.data) : row->name;
  c->name = keep(r, name.failed ? NULL : name.data);
  assay_buf_deinit(&base);
  assay_buf_deinit(&name);
}

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), tail = strlen(end);
  return length > tail && strcmp(text + length - tail, end) == 0;
}

/* "p99-ns/op": a custom figure of time. */
static bool is_time(const char *unit, double *factor) {
  static const struct {
    const char *end;
    double factor;
  } ends[] = {{"-ns/op", 1}, {"-us/op", 1e3}, {"-ms/op", 1e6}, {"-sec/op", 1e9}, {"-ns", 1}, {"-us", 1e3}, {"-ms", 1e6}, {"-sec", 1e9}};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    if (!ends_with(unit, ends[i].end)) continue;
    *factor = ends[i].factor;
    return true;
  }
  return false;
}

static assay_import_metric metric_of(const go_reader *r, const char *unit, double *factor, bool *exact) {
  assay_import_metric m = {.name = unit, .unit = unit, .kind = ASSAY_KIND_COUNT, .better = ASSAY_LOWER};
  *factor = 1;
  *exact = false;
  if (strcmp(unit, "ns/op") == 0 || strcmp(unit, "sec/op") == 0) {
    m = assay_import_time;
    *factor = unit[0] == 'n' ? 1 : 1e9;
  } else if (strcmp(unit, "MB/s") == 0 || strcmp(unit, "B/s") == 0) {
    m = assay_import_bytes_per_second;
    *factor = unit[0] == 'M' ? 1e6 : 1;
  } else if (strcmp(unit, "B/op") == 0) {
    m = (assay_import_metric){.name = "allocated_bytes", .unit = "B", .kind = ASSAY_KIND_MEMORY, .better = ASSAY_LOWER};
  } else if (strcmp(unit, "allocs/op") == 0) {
    m = (assay_import_metric){.name = "allocations", .unit = "1", .kind = ASSAY_KIND_COUNT, .better = ASSAY_LOWER};
  } else if (is_time(unit, factor)) {
    m = (assay_import_metric){.name = unit, .unit = "ns", .kind = ASSAY_KIND_LATENCY, .better = ASSAY_LOWER};
  } else if (ends_with(unit, "-B/op") || ends_with(unit, "-bytes")) {
    m = (assay_import_metric){.name = unit, .unit = "B", .kind = ASSAY_KIND_MEMORY, .better = ASSAY_LOWER};
  } else if (ends_with(unit, "/s") || ends_with(unit, "/sec")) {
    m = (assay_import_metric){.name = unit, .unit = unit, .kind = ASSAY_KIND_THROUGHPUT, .better = ASSAY_HIGHER};
  }
  if (m.name == unit && assay_metric_is_amount(unit)) m.name = assay_import_printf(r->in, "counter.%s", unit); /* not Assay's own */
  for (size_t i = 0; i < r->unit_count; i++) {
    if (strcmp(r->units[i].name, unit) != 0) continue;
    if (r->units[i].has_better) m.better = r->units[i].better;
    *exact |= r->units[i].exact;
  }
  return m;
}

static void tell_row(go_reader *r, const go_row *row) {
  go_case c;
  describe_case(r, row, &c);
  const char *package = r->blocks[row->block].package;
  if (!going(r)) return;
  assay_imported *b = assay_import_benchmark(r->in, package != NULL ? package : "go", c.base, c.params, c.param_count, c.name);
  if (row->outcome != ASSAY_OUTCOME_OK) assay_import_outcome(r->in, b, row->outcome, row->reason);
  if (row->values != NULL) {
    /* The file may say anything, and what no integer holds is not to be cast to one. */
    bool is_whole = row->iterations >= 0 && row->iterations < 9e15;
    json_t *iterations = is_whole ? json_integer((json_int_t)row->iterations) : json_real(row->iterations);
    assay_import_benchmark_fact(r->in, b, "iterations", iterations);
    json_decref(iterations);
  }
  for (size_t i = 0; i < row->value_count; i++) {
    double factor = 1;
    bool exact = false;
    assay_import_metric what = metric_of(r, row->values[i].unit, &factor, &exact);
    if (exact)
      assay_import_exact(r->in, b, &what, row->values[i].value * factor);
    else
      assay_import_value(r->in, b, &what, (unsigned)row->block, row->values[i].value * factor);
  }
}

static const char *config_of(const go_reader *r, const go_block *block, const char *name) {
  for (size_t i = 0; i < block->config_count; i++)
    if (strcmp(r->keys[i].name, name) == 0) return block->config[i];
  return NULL;
}

static void tell_environment(go_reader *r) {
  for (size_t i = 0; i < r->block_count; i++) {
    const go_block *block = &r->blocks[i];
    const char *os = config_of(r, block, "goos"), *arch = config_of(r, block, "goarch"), *cpu = config_of(r, block, "cpu");
    int64_t at_s = 0;
    const char *date = config_of(r, block, "date");
    if (os != NULL || arch != NULL || cpu != NULL)
      assay_import_machine(r->in, NULL, cpu, os == NULL || arch == NULL ? os : assay_arena_printf(r->arena, "%s/%s", os, arch));
    if (config_of(r, block, "commit") != NULL) assay_import_commit(r->in, config_of(r, block, "commit"));
    if (date != NULL && assay_import_parse_time(date, &at_s)) assay_import_started(r->in, at_s);
  }
  for (size_t i = 0; i < r->key_count; i++)
    if (!r->keys[i].late && strcmp(r->keys[i].name, "pkg") != 0) assay_import_fact(r->in, r->keys[i].name, r->keys[i].first);
}

static void tell(go_reader *r) {
  for (size_t i = 0; i < r->block_count && going(r); i++)
    find_gomaxprocs(r, r->blocks[i].first_row, i + 1 < r->block_count ? r->blocks[i + 1].first_row : r->row_count);
  tell_environment(r);
  for (size_t i = 0; i < r->row_count && going(r); i++) tell_row(r, &r->rows[i]);
  for (size_t i = 0; i < r->suite_count && going(r); i++)
    assay_import_suite(r->in, r->suites[i].name, r->suites[i].outcome, r->suites[i].reason);
}

/* `places` as in go_reader. */
static void import_text(assay_importer *in, const char *text, size_t length, const size_t *places, bool *found) {
  assay_arena arena;
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  go_reader *r = assay_arena_alloc(&arena, 1, sizeof *r);
  if (r != NULL) {
    *r = (go_reader){.in = in, .arena = &arena, .places = places, .log_of = SIZE_MAX};
    read_text(r, text, length);
    if (going(r)) tell(r);
    *found |= r->row_count > 0 || r->suite_count > 0;
    assay_buf_deinit(&r->log);
  }
  if (arena.failed) assay_import_mistake(in, "", "out of memory");
  assay_arena_deinit(&arena);
}

/* ---- go test -json -------------------------------------------------------------------------------------------------------------- */

/* What one package printed, put together out of its events. */
typedef struct go_output {
  char *package;
  assay_buf text;
  size_t *places, place_count, place_capacity; /* line of the document of each line of the text */
} go_output;

typedef struct go_stream {
  assay_importer *in;
  assay_arena arena;
  go_output *outputs, *last;
  size_t output_count, output_capacity;
} go_stream;

static go_output *output_of(go_stream *s, const char *package) {
  if (s->last != NULL && strcmp(s->last->package, package) == 0) return s->last;
  for (size_t i = 0; i < s->output_count; i++)
    if (strcmp(s->outputs[i].package, package) == 0) return s->last = &s->outputs[i];
  void *grown = room(&s->arena, s->outputs, s->output_count, &s->output_capacity, sizeof *s->outputs);
  char *name = assay_arena_strdup(&s->arena, package);
  if (grown == NULL || name == NULL) return NULL;
  s->outputs = grown;
  s->outputs[s->output_count] = (go_output){.package = name};
  return s->last = &s->outputs[s->output_count++];
}

static void add_place(go_stream *s, go_output *o, size_t line) {
  size_t *grown = room(&s->arena, o->places, o->place_count, &o->place_capacity, sizeof *o->places);
  if (grown == NULL) return;
  o->places = grown;
  o->places[o->place_count++] = line;
}

static void read_event_line(go_stream *s, const char *line, size_t number) {
  json_error_t where;
  json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, &where);
  if (event == NULL) {
    assay_import_mistake_line(s->in, number, "column %d: no event of \"go test -json\": %s", where.column, where.text);
    return;
  }
  const char *action = json_string_value(json_object_get(event, "Action"));
  const json_t *package = json_object_get(event, "Package"), *output = json_object_get(event, "Output");
  if (action == NULL || (package != NULL && !json_is_string(package)) || (output != NULL && !json_is_string(output)))
    assay_import_mistake_line(s->in, number, "no event of \"go test -json\": \"Action\", \"Package\" and \"Output\" are texts");
  else if (strcmp(action, "output") == 0 && output != NULL) {
    go_output *o = output_of(s, package == NULL ? "" : json_string_value(package));
    const char *text = json_string_value(output);
    if (o != NULL) assay_buf_puts(&o->text, text);
    for (const char *c = text; o != NULL && (c = strchr(c, '\n')) != NULL; c++) add_place(s, o, number);
  }
  json_decref(event);
}

/* Lines that are no events are the go command's own ("# package", messages of the compiler). */
static void import_events(assay_importer *in, const char *text, size_t length, bool *found) {
  go_stream s = {.in = in};
  assay_text_lines lines;
  assay_arena_init(&s.arena, ASSAY_TAG_RESULT);
  if (assay_text_lines_begin(in, &s.arena, text, length, &lines)) {
    for (char *line = NULL; assay_import_ok(in) && !s.arena.failed && (line = assay_text_lines_next(&lines)) != NULL;)
      if (line[0] == '{') read_event_line(&s, line, lines.number);
  }
  for (size_t i = 0; i < s.output_count; i++) {
    go_output *o = &s.outputs[i];
    add_place(&s, o, lines.number);
    if (o->text.failed) s.arena.failed = true;
    if (assay_import_ok(in) && !s.arena.failed && o->text.length > 0) import_text(in, o->text.data, o->text.length, o->places, found);
    assay_buf_deinit(&o->text);
  }
  if (s.arena.failed) assay_import_mistake(in, "", "out of memory");
  assay_arena_deinit(&s.arena);
}

/* ---- The format ----------------------------------------------------------------------------------------------------------------- */

static void read_go(assay_importer *in, const char *text, size_t length) {
  bool found = false;
  if (text[strspn(text, " \t\r\n")] == '{')
    import_events(in, text, length, &found);
  else
    import_text(in, text, length, NULL, &found);
  if (!found) assay_import_mistake(in, "", "no benchmark in it: is it what \"go test -bench .\" printed?");
}

static bool looks_go(const assay_import_look *look) {
  if (look->is_json) return assay_import_has(look, "Action") && (assay_import_has(look, "Package") || assay_import_has(look, "ImportPath"));
  if (assay_import_has_line(look, "goos: ") || assay_import_has_line(look, "pkg: ")) return true;
  for (const char *line = look->text; line != NULL; line = strchr(line, '\n')) {
    line += line[0] == '\n';
    size_t name = strcspn(line, " \t\r\n"), gap = strspn(line + name, " \t"), digits = strspn(line + name + gap, "0123456789");
    if (is_benchmark(line) && gap > 0 && digits > 0 && strchr(" \t", line[name + gap + digits]) != NULL) return true;
    if (line[0] == '\0') break;
  }
  return assay_import_has_line(look, "FAIL\t") || assay_import_has_line(look, "ok  \t");
}

const assay_import_format assay_import_go = {
    .name = "go", .what = "the output of \"go test -bench\", also with -json", .looks = looks_go, .read_text = read_go};

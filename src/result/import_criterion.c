/* SPDX-License-Identifier: MIT */
/*
 * criterion.rs: its folder (target/criterion/GROUP/FUNCTION/VALUE/new/{benchmark,sample,estimates}.json), one of those files, and what
 * `cargo bench` prints, criterion's and libtest's own.
 *
 * sample.json has the time of every batch and its iterations: those are the samples. Everything else gives a figure and bounds of it. The
 * name of a benchmark is criterion's full id, "group/function/value", whichever of them it was read from.
 */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "result/import_lines.h"
#include "result/import_rows.h"

static const char *const suite = "criterion";

/* ---- What a benchmark is (benchmark.json) --------------------------------------------------------------------------------------- */

typedef struct criterion_id {
  const char *full_id, *base, *value;
  double elements, bytes; /* of one iteration; NaN: no throughput was declared */
} criterion_id;

static double amount(assay_importer *in, const json_t *object, const char *key) {
  double value = assay_import_number(in, object, key);
  if (value < 0) assay_import_mistake(in, key, "expected no negative number");
  return value;
}

/* {"Bytes": 1024}, {"BytesDecimal": 1024}, {"Elements": 10}, {"Bits": 8}, {"ElementsAndBytes": {"elements": 10, "bytes": 80}} */
static void read_throughput(assay_importer *in, const json_t *throughput, criterion_id *id) {
  const char *kind = json_object_iter_key(json_object_iter((json_t *)(uintptr_t)throughput));
  if (throughput == NULL || kind == NULL) return;
  size_t before = assay_import_enter(in, "throughput", SIZE_MAX);
  if (strcmp(kind, "Bytes") == 0 || strcmp(kind, "BytesDecimal") == 0) {
    id->bytes = amount(in, throughput, kind);
  } else if (strcmp(kind, "Elements") == 0) {
    id->elements = amount(in, throughput, kind);
  } else if (strcmp(kind, "Bits") == 0) {
    id->bytes = amount(in, throughput, kind) / 8;
  } else if (strcmp(kind, "ElementsAndBytes") == 0) {
    const json_t *both = assay_import_object(in, throughput, kind);
    id->elements = amount(in, both, "elements");
    id->bytes = amount(in, both, "bytes");
  } else {
    assay_import_note(in, "throughput in \"%.40s\"", kind);
  }
  assay_import_leave(in, before);
}

static const char *keep(assay_importer *in, const char *text) { return assay_arena_strdup(&in->scratch, text); }

/* Its texts outlive the document. */
static criterion_id read_id(assay_importer *in, const json_t *root) {
  criterion_id id = {.elements = NAN, .bytes = NAN};
  const char *group = keep(in, assay_import_text(in, root, "group_id"));
  const char *function = assay_import_opt_text(in, root, "function_id"), *full = keep(in, assay_import_opt_text(in, root, "full_id"));
  id.value = keep(in, assay_import_opt_text(in, root, "value_str"));
  id.base = function == NULL ? group : assay_import_printf(in, "%s/%s", group, function);
  id.full_id = full != NULL ? full : id.value == NULL ? id.base : assay_import_printf(in, "%s/%s", id.base, id.value);
  read_throughput(in, assay_import_opt_object(in, root, "throughput"), &id);
  return id;
}

/* Where there is no benchmark.json: the folders between "criterion" and the name of the baseline ("new", "base"). */
static criterion_id id_of_path(assay_importer *in, const char *folder) {
  const char *start = folder, *last = strrchr(folder, '/');
  for (const char *at = folder; (at = strstr(at, "criterion/")) != NULL; at++)
    if (at == folder || at[-1] == '/') start = at + strlen("criterion/");
  criterion_id id = {.elements = NAN, .bytes = NAN};
  id.full_id = last == NULL || last <= start ? "benchmark" : assay_import_printf(in, "%.*s", (int)(last - start), start);
  id.base = id.full_id;
  return id;
}

static assay_imported *benchmark_of(assay_importer *in, const criterion_id *id) {
  if (id->base == NULL || id->full_id == NULL) return in->nobody;
  assay_import_param value = {.name = "value", .value = id->value};
  return assay_import_benchmark(in, suite, id->base, &value, id->value != NULL ? 1 : 0, id->full_id);
}

/* ---- sample.json -------------------------------------------------------------------------------------------------------------- */

static void tell_sample(assay_importer *in, assay_imported *b, const criterion_id *id, double ns) {
  assay_import_value(in, b, &assay_import_time, 0, ns);
  if (ns <= 0) return;
  if (!isnan(id->bytes)) assay_import_value(in, b, &assay_import_bytes_per_second, 0, id->bytes / ns * 1e9);
  if (!isnan(id->elements)) assay_import_value(in, b, &assay_import_items_per_second, 0, id->elements / ns * 1e9);
}

/* {"sampling_mode": "Linear", "iters": [...], "times": [...]}; before 0.3.3 [[iters], [times]]. */
static void read_sample(assay_importer *in, assay_imported *b, const criterion_id *id, const json_t *root) {
  bool is_old = json_is_array(root) && json_array_size(root) == 2;
  const json_t *iterations = is_old ? json_array_get(root, 0) : json_object_get(root, "iters");
  const json_t *times = is_old ? json_array_get(root, 1) : json_object_get(root, "times");
  if (!json_is_array(iterations)) assay_import_expected(in, is_old ? "[0]" : "iters", "an array", iterations);
  if (!json_is_array(times)) assay_import_expected(in, is_old ? "[1]" : "times", "an array", times);
  size_t count = json_array_size(times);
  if (json_array_size(iterations) != count)
    assay_import_mistake(in, "iters", "%zu counts of iterations for %zu times", json_array_size(iterations), count);
  if (count == 0) assay_import_mistake(in, "times", "there is no sample");
  for (size_t i = 0; i < count && assay_import_ok(in); i++) {
    size_t before = assay_import_enter(in, is_old ? "[0]" : "iters", i);
    double n = assay_import_number_of(in, json_array_get(iterations, i));
    if (!(n > 0)) assay_import_mistake(in, "", "expected a count of iterations above zero");
    assay_import_leave(in, before);
    before = assay_import_enter(in, is_old ? "[1]" : "times", i);
    double ns = assay_import_number_of(in, json_array_get(times, i));
    if (assay_import_ok(in)) tell_sample(in, b, id, ns / n);
    assay_import_leave(in, before);
  }
  assay_import_benchmark_fact(in, b, "sampling_mode", json_object_get(root, "sampling_mode"));
}

/* ---- estimates.json ----------------------------------------------------------------------------------------------------------- */

typedef struct estimate {
  double value, low, high; /* bounds NaN unless they are of 95 % */
} estimate;

/* {"confidence_interval": {"confidence_level", "lower_bound", "upper_bound"}, "point_estimate", "standard_error"}; names of version 0.2
 * begin with capitals. False where there is none (the slope of a flat sample). */
static bool read_estimate(assay_importer *in, const json_t *root, const char *key, const char *old_key, estimate *e) {
  const json_t *object = assay_import_opt_object(in, root, key);
  if (object == NULL) object = assay_import_opt_object(in, root, key = old_key);
  if (object == NULL || !assay_import_ok(in)) return false;
  size_t before = assay_import_enter(in, key, SIZE_MAX);
  *e = (estimate){.value = assay_import_number(in, object, "point_estimate"), .low = NAN, .high = NAN};
  const json_t *interval = assay_import_opt_object(in, object, "confidence_interval");
  if (interval != NULL) {
    size_t inner = assay_import_enter(in, "confidence_interval", SIZE_MAX);
    double level = assay_import_number(in, interval, "confidence_level");
    double low = assay_import_number(in, interval, "lower_bound"), high = assay_import_number(in, interval, "upper_bound");
    if (low > high) assay_import_mistake(in, "", "lower_bound is above upper_bound");
    if (level == 0.95) e->low = low, e->high = high;
    assay_import_leave(in, inner);
  }
  assay_import_leave(in, before);
  return assay_import_ok(in);
}

static void tell_rate(assay_importer *in, assay_imported *b, const assay_import_metric *what, double work, double ns,
                      const assay_summary *time) {
  if (isnan(work) || ns <= 0) return;
  assay_summary s = assay_import_no_summary();
  s.samples = time->samples;
  if (time->ci_low > 0) s.ci_high = work / time->ci_low * 1e9;
  if (time->ci_high > 0) s.ci_low = work / time->ci_high * 1e9;
  assay_import_summary(in, b, what, work / ns * 1e9, &s);
}

/* The figure that criterion prints: the slope over batches where there is one, else the mean. */
static void read_estimates(assay_importer *in, assay_imported *b, const criterion_id *id, const json_t *root) {
  estimate mean = {0}, median = {0}, deviation = {0}, slope = {0};
  bool has_mean = read_estimate(in, root, "mean", "Mean", &mean), has_slope = read_estimate(in, root, "slope", "Slope", &slope);
  assay_summary s = assay_import_no_summary();
  if (read_estimate(in, root, "median", "Median", &median)) s.median = s.p50 = median.value;
  if (read_estimate(in, root, "std_dev", "StdDev", &deviation)) s.stddev = deviation.value;
  if (!assay_import_ok(in)) return;
  if (!has_mean && !has_slope) {
    assay_import_mistake(in, "", "expected the estimates \"mean\" or \"slope\", found neither");
    return;
  }
  const estimate *typical = has_slope ? &slope : &mean;
  if (has_mean) s.mean = mean.value;
  s.ci_low = typical->low;
  s.ci_high = typical->high;
  assay_import_summary(in, b, &assay_import_time, typical->value, &s);
  tell_rate(in, b, &assay_import_bytes_per_second, id->bytes, typical->value, &s);
  tell_rate(in, b, &assay_import_items_per_second, id->elements, typical->value, &s);
}

/* ---- Folders ------------------------------------------------------------------------------------------------------------------ */

static json_t *load(assay_importer *in, const char *path) {
  size_t length = 0;
  char *text = assay_import_load(in, path, &length);
  json_t *root = text == NULL ? NULL : assay_import_parse(in, text, length);
  assay_free(text);
  return root;
}

static const char *beside(assay_importer *in, const char *folder, const char *name) {
  const char *path = assay_arena_printf(&in->scratch, "%s/%s", folder, name);
  return path != NULL && assay_import_is_file(path) ? path : NULL;
}

static criterion_id id_in(assay_importer *in, const char *folder) {
  const char *path = beside(in, folder, "benchmark.json");
  json_t *root = path == NULL ? NULL : load(in, path);
  criterion_id id = root == NULL ? id_of_path(in, folder) : read_id(in, root);
  json_decref(root);
  return id;
}

/* One folder with sample.json or estimates.json: its samples, or else its estimates. */
static void read_folder(assay_importer *in, const char *folder) {
  criterion_id id = id_in(in, folder);
  const char *samples = beside(in, folder, "sample.json"), *estimates = beside(in, folder, "estimates.json");
  if (!assay_import_ok(in) || (samples == NULL && estimates == NULL)) return;
  assay_imported *b = benchmark_of(in, &id);
  json_t *root = load(in, samples != NULL ? samples : estimates);
  if (root == NULL) return;
  assay_import_once(in, b);
  if (samples != NULL)
    read_sample(in, b, &id, root);
  else
    read_estimates(in, b, &id, root);
  json_decref(root);
}

static bool has_figures(const char *directory, int depth) {
  assay_arena arena;
  assay_import_files files = {0};
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  assay_import_find(NULL, &arena, directory, "[s]ample.json", depth, &files);
  assay_import_find(NULL, &arena, directory, "[e]stimates.json", depth, &files);
  bool has = files.count > 0;
  assay_arena_deinit(&arena);
  return has;
}

enum { DEPTH = 10 };

/* A path may end in "/new", "/base" or another baseline's name and mean that; a whole tree means its "new". */
static void read_criterion_directory(assay_importer *in, const char *path) {
  assay_arena arena;
  assay_import_files files = {0};
  assay_arena_init(&arena, ASSAY_TAG_RESULT);
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  const char *plain = assay_arena_strndup(&arena, path, length), *last = NULL;
  if (plain != NULL && has_figures(plain, 0)) {
    read_folder(in, plain);
  } else if (plain != NULL) {
    assay_import_find(in, &arena, plain, "[s]ample.json", DEPTH, &files);
    assay_import_find(in, &arena, plain, "[e]stimates.json", DEPTH, &files);
  }
  bool found = plain != NULL && files.count == 0;
  for (size_t i = 0; i < files.count && assay_import_ok(in); i++) {
    const char *folder = assay_import_folder(&arena, files.paths[i]), *slash = folder == NULL ? NULL : strrchr(folder, '/');
    if (slash == NULL || strcmp(slash, "/new") != 0) continue;
    found = true;
    /* estimates.json beside a sample.json is the same benchmark. */
    if (strstr(files.paths[i] + strlen(folder), "estimates.json") != NULL && beside(in, folder, "sample.json") != NULL) continue;
    if (last == NULL || strcmp(last, folder) != 0) read_folder(in, folder);
    last = folder;
  }
  if (!found) assay_import_mistake(in, "", "no folder \"new\" with sample.json or estimates.json in it");
  if (arena.failed) assay_import_mistake(in, "", "out of memory");
  assay_arena_deinit(&arena);
}

static bool looks_criterion_directory(const char *path) { return has_figures(path, DEPTH); }

/* One file; its name and its throughput stand in benchmark.json beside it. */
static void read_one_json(assay_importer *in, const char *text, size_t length) {
  const char *file = in->file;
  json_t *root = assay_import_parse(in, text, length);
  if (root == NULL) return;
  if (json_object_get(root, "group_id") != NULL) {
    assay_import_mistake(in, "", "benchmark.json has no figures: give the folder it is in");
  } else {
    const char *folder = assay_import_folder(&in->scratch, file);
    criterion_id id = folder == NULL ? (criterion_id){0} : id_in(in, folder);
    in->file = file;
    assay_imported *b = assay_import_ok(in) && folder != NULL ? benchmark_of(in, &id) : in->nobody;
    assay_import_once(in, b);
    if (json_is_array(root) || json_object_get(root, "iters") != NULL)
      read_sample(in, b, &id, root);
    else
      read_estimates(in, b, &id, root);
  }
  json_decref(root);
}

/* ---- What cargo bench prints ---------------------------------------------------------------------------------------------------- */

enum { MAX_BINARIES = 200 };

typedef struct cargo_text {
  assay_importer *in;
  assay_text_lines lines;
  assay_imported *current;
  const char *name, *started; /* the last name on a line; what "Benchmarking X" began and has no time yet */
  const char *panic;
  bool found, in_change;
  const char *binaries[MAX_BINARIES]; /* that ran since the last invocation began */
  size_t binary_count;
} cargo_text;

typedef struct unit_factor {
  const char *unit;
  double factor;
} unit_factor;

static const unit_factor times[] = {{"ps", 1e-3},       {"ns", 1},   {"us", 1e3}, {"\xc2\xb5s", 1e3},
                                    {"\xce\xbcs", 1e3}, {"ms", 1e6}, {"s", 1e9},  {NULL, 0}};
static const unit_factor byte_rates[] = {{"B/s", 1},     {"KiB/s", 0x1p10}, {"MiB/s", 0x1p20}, {"GiB/s", 0x1p30}, {"TiB/s", 0x1p40},
                                         {"KB/s", 1e3},  {"MB/s", 1e6},     {"GB/s", 1e9},     {"TB/s", 1e12},    {"bytes/s", 1},
                                         {"b/s", 0.125}, {"Kb/s", 125},     {"Mb/s", 125e3},   {"Gb/s", 125e6},   {NULL, 0}};
static const unit_factor item_rates[] = {{"elem/s", 1}, {"Kelem/s", 1e3}, {"Melem/s", 1e6}, {"Gelem/s", 1e9}, {"Telem/s", 1e12}, {NULL, 0}};

static bool factor_of(const unit_factor *units, const char *unit, double *factor) {
  for (size_t i = 0; units[i].unit != NULL; i++) {
    if (strcmp(units[i].unit, unit) != 0) continue;
    *factor = units[i].factor;
    return true;
  }
  return false;
}

/* "[1.2345 ns 1.2445 ns 1.2555 ns]": lower bound, estimate, upper bound. `metric` says what the units are of. */
static bool read_bounds(cargo_text *t, char *line, char *bracket, assay_import_metric *what, double values[3]) {
  char *close = strchr(bracket, ']'), *at = bracket + 1;
  if (close == NULL) {
    assay_text_mistake(t->in, &t->lines, line, bracket, "a \"[\" that is not closed: is the file cut off?");
    return false;
  }
  *close = '\0';
  for (int i = 0; i < 3; i++) {
    double factor = 0;
    char *number = assay_text_word(&at), *unit = number == NULL ? NULL : assay_text_word(&at);
    if (unit == NULL || !assay_text_number(number, false, &values[i])) {
      assay_text_mistake(t->in, &t->lines, line, number != NULL ? number : close,
                         "expected three figures with units, as in \"[1.1 ns 1.2 ns 1.3 ns]\"");
      return false;
    }
    if (factor_of(times, unit, &factor)) {
      *what = assay_import_time;
    } else if (factor_of(byte_rates, unit, &factor)) {
      *what = assay_import_bytes_per_second;
    } else if (factor_of(item_rates, unit, &factor)) {
      *what = assay_import_items_per_second;
    } else {
      factor = 1; /* a measurement of the user's own */
      *what = (assay_import_metric){
          .name = "value", .unit = assay_import_printf(t->in, "%s", unit), .kind = ASSAY_KIND_COUNT, .better = ASSAY_LOWER};
    }
    values[i] *= factor;
  }
  return true;
}

static void read_figure(cargo_text *t, char *line, char *bracket) {
  double values[3] = {0};
  assay_import_metric what = {0};
  if (!read_bounds(t, line, bracket, &what, values)) return;
  assay_summary s = assay_import_no_summary();
  s.ci_low = fmin(values[0], values[2]);
  s.ci_high = fmax(values[0], values[2]);
  assay_import_summary(t->in, t->current, &what, values[1], &s);
  t->found = true;
}

/* "group/function/value   time:   [...]"; a long name stands on a line of its own before. */
static void read_time(cargo_text *t, char *line, char *label) {
  char *bracket = strchr(label, '[');
  if (bracket == NULL) return;
  *label = '\0';
  char *name = assay_text_trim(line);
  if (name[0] != '\0') {
    t->name = name;
    t->in_change = false;
  }
  if (t->name == NULL || t->in_change) return;
  t->current = assay_import_benchmark(t->in, suite, t->name, NULL, 0, t->name);
  assay_import_at_line(t->in, t->lines.number);
  assay_import_once(t->in, t->current);
  t->in->path_length = 0;
  t->started = NULL;
  read_figure(t, line, bracket);
}

/* "(+/- 56) = 1600 MB/s" behind a time: either may be missing. */
static void read_libtest_rest(cargo_text *t, assay_imported *b, char *at, double factor) {
  double spread = 0, rate = 0;
  char *word = assay_text_word(&at), *unit;
  if (word != NULL && strcmp(word, "(+/-") == 0 && (word = assay_text_word(&at)) != NULL) {
    word[strcspn(word, ")")] = '\0';
    if (assay_text_number(word, true, &spread)) { /* largest less smallest sample */
      json_t *fact = json_real(spread * factor);
      assay_import_benchmark_fact(t->in, b, "spread_ns", fact);
      json_decref(fact);
    }
    word = assay_text_word(&at);
  }
  if (word != NULL && strcmp(word, "=") == 0 && (word = assay_text_word(&at)) != NULL && assay_text_number(word, true, &rate) &&
      (unit = assay_text_word(&at)) != NULL && factor_of(byte_rates, unit, &factor)) {
    const assay_summary s = assay_import_no_summary();
    assay_import_summary(t->in, b, &assay_import_bytes_per_second, rate * factor, &s);
  }
}

/* "test name ... bench:   1,234 ns/iter (+/- 56) = 1600 MB/s", "test name ... FAILED" */
static void read_libtest(cargo_text *t, char *line) {
  char *dots = strstr(line, " ... "), *at = dots == NULL ? NULL : dots + 5;
  if (dots == NULL) return;
  *dots = '\0';
  const char *name = line + 5;
  if (strncmp(at, "FAILED", 6) == 0) {
    assay_import_outcome(t->in, assay_import_benchmark(t->in, suite, name, NULL, 0, name), ASSAY_OUTCOME_FAILED,
                         t->panic != NULL ? t->panic : "it failed");
    t->found = true;
    return;
  }
  if (strncmp(at, "bench:", 6) != 0) return;
  at += 6;
  double value = 0, factor = 1;
  char *start = at, *number = assay_text_word(&at), *unit = number == NULL ? NULL : assay_text_word(&at);
  char *per = unit == NULL ? NULL : strstr(unit, "/iter");
  if (per != NULL) *per = '\0';
  if (per == NULL || !assay_text_number(number, true, &value) || !factor_of(times, unit, &factor)) {
    assay_text_mistake(t->in, &t->lines, line, start, "expected a time, as in \"bench: 1,234 ns/iter (+/- 56)\"");
    return;
  }
  assay_imported *b = assay_import_benchmark(t->in, suite, name, NULL, 0, name);
  assay_import_at_line(t->in, t->lines.number);
  assay_import_once(t->in, b);
  t->in->path_length = 0;
  assay_summary s = assay_import_no_summary();
  s.median = s.p50 = value * factor;
  assay_import_summary(t->in, b, &assay_import_time, value * factor, &s);
  t->found = true;
  read_libtest_rest(t, b, at, factor);
}

static void note_panic(cargo_text *t, const char *line) {
  if (strstr(line, "panicked at") == NULL || t->panic != NULL) return;
  t->panic = assay_import_printf(t->in, "%s", line);
  if (t->started == NULL) return;
  assay_import_outcome(t->in, assay_import_benchmark(t->in, suite, t->started, NULL, 0, t->started), ASSAY_OUTCOME_FAILED, t->panic);
  t->found = true;
  t->started = NULL;
}

/* "Benchmarking name: Warming up for 3.0000 s" */
static void read_start(cargo_text *t, char *line) {
  char *name = line + strlen("Benchmarking "), *end = NULL;
  for (char *at = name; (at = strstr(at, ": ")) != NULL; at++) end = at;
  static const char *const states[] = {": Warming up", ": Collecting", ": Analyzing", ": Complete"};
  for (size_t i = 0; i < sizeof states / sizeof *states; i++)
    if (strstr(name, states[i]) != NULL) end = strstr(name, states[i]);
  if (end != NULL) *end = '\0';
  t->started = name;
}

/* "     Running benches/sums.rs (target/release/deps/sums-0123456789abcdef)": one that ran already begins the next invocation. */
static void read_binary(cargo_text *t, const char *line) {
  const char *name = assay_import_printf(t->in, "%.*s", (int)strcspn(line, "("), line);
  bool ran = false;
  for (size_t i = 0; i < t->binary_count; i++) ran |= strcmp(t->binaries[i], name) == 0;
  if (ran) {
    assay_import_next_invocation(t->in);
    t->binary_count = 0;
  }
  if (t->binary_count < MAX_BINARIES) t->binaries[t->binary_count++] = name;
}

static void read_cargo_line(cargo_text *t, char *line) {
  char *time = strstr(line, " time:  "), *label = line + strspn(line, " ");
  bool is_indented = label > line;
  if (strncmp(line, "test result: FAILED", 19) == 0) {
    assay_import_suite(t->in, suite, ASSAY_OUTCOME_FAILED, "cargo bench: a test failed");
  } else if (is_indented && strncmp(label, "Running ", 8) == 0) {
    read_binary(t, label + 8);
  } else if (strncmp(line, "test ", 5) == 0) {
    read_libtest(t, line);
  } else if (time != NULL && strchr(time, '[') != NULL) {
    read_time(t, line, time);
  } else if (is_indented && strncmp(label, "time:", 5) == 0) {
    read_time(t, line, label);
  } else if (is_indented && strncmp(label, "thrpt:", 6) == 0 && strchr(label, '[') != NULL) {
    if (t->current != NULL && !t->in_change) read_figure(t, line, strchr(label, '['));
  } else if (is_indented && strncmp(label, "change:", 7) == 0) {
    t->in_change = true;
  } else if (strncmp(line, "Benchmarking ", 13) == 0) {
    t->in_change = false;
    read_start(t, line);
  } else if (!is_indented && line[0] != '\0') {
    note_panic(t, line);
    t->in_change = false;
    t->name = assay_text_trim(line);
  }
}

static void read_cargo(assay_importer *in, const char *text, size_t length) {
  cargo_text t = {.in = in};
  if (!assay_text_lines_begin(in, &in->scratch, text, length, &t.lines)) return;
  for (char *line = NULL; assay_import_ok(in) && (line = assay_text_lines_next(&t.lines)) != NULL;) read_cargo_line(&t, line);
  if (t.started != NULL) assay_import_mistake_line(in, t.lines.number, "the file ends before the time of %s: it is cut off", t.started);
  if (!t.found) assay_import_mistake(in, "", "no benchmark in it: is it what \"cargo bench\" printed?");
}

/* ---- The format --------------------------------------------------------------------------------------------------------------- */

static void read_criterion(assay_importer *in, const char *text, size_t length) {
  size_t skip = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
  skip += strspn(text + skip, " \t\r\n");
  if (text[skip] == '{' || text[skip] == '[')
    read_one_json(in, text, length);
  else
    read_cargo(in, text, length);
}

static bool looks_criterion(const assay_import_look *look) {
  if (look->is_json)
    return (assay_import_has(look, "iters") && (assay_import_has(look, "times") || assay_import_has(look, "sampling_mode"))) ||
           assay_import_has(look, "mean.point_estimate") || assay_import_has(look, "Mean.point_estimate") ||
           assay_import_has(look, "slope.point_estimate");
  if (strstr(look->text, " ... bench: ") != NULL || strstr(look->text, ": Warming up for ") != NULL) return true;
  const char *time = strstr(look->text, " time:   [");
  return time != NULL;
}

const assay_import_format assay_import_criterion = {
    .name = "criterion",
    .what = "criterion.rs (target/criterion, its JSON files) or what \"cargo bench\" prints",
    .looks = looks_criterion,
    .read_text = read_criterion,
    .looks_directory = looks_criterion_directory,
    .read_directory = read_criterion_directory};

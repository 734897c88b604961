/* SPDX-License-Identifier: MIT */
/*
 * OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/), and at the same time Prometheus' text format 0.0.4, which the
 * Pushgateway and `promtool check metrics` want: so every family is a gauge (0.0.4 knows neither info nor stateset, and names counters
 * otherwise), which a figure of a finished run is anyway. What would be a stateset is a gauge with a series for each state, 1 for the one
 * that holds. No timestamps: whoever collects says when. docs/export.md lists the families.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "report/export.h"

enum { NAME_LENGTH = 200 };

/* ---- Lines --------------------------------------------------------------------------------------------------------------------------- */

/* The unit is the end of the name, as the specification wants it; NULL or "": none. */
static void head(assay_buf *out, const char *name, const char *unit, const char *help) {
  assay_buf_printf(out, "# TYPE %s gauge\n", name);
  if (unit != NULL && unit[0] != '\0') assay_buf_printf(out, "# UNIT %s %s\n", name, unit);
  assay_buf_printf(out, "# HELP %s %s\n", name, help);
}

/* Label values may be any UTF-8. */
static void label_text(assay_buf *out, const char *text) {
  while (*text != '\0') {
    size_t length = assay_utf8_length(text);
    if (length == 0) {
      assay_buf_puts(out, "\xef\xbf\xbd");
      text++;
    } else if (*text == '\n') {
      assay_buf_puts(out, "\\n");
      text++;
    } else {
      if (*text == '"' || *text == '\\') assay_buf_putc(out, '\\');
      assay_buf_append(out, text, length);
      text += length;
    }
  }
}

/* One more label; an empty value is the same as none, so it is left out. */
static void label(assay_buf *out, bool *first, const char *name, const char *value) {
  if (value == NULL || value[0] == '\0') return;
  assay_buf_printf(out, "%s%s=\"", *first ? "{" : ",", name);
  *first = false;
  label_text(out, value);
  assay_buf_putc(out, '"');
}

static void end_sample(assay_buf *out, bool first, double value) {
  assay_buf_puts(out, first ? " " : "} ");
  if (isfinite(value))
    assay_buf_double(out, value);
  else
    assay_buf_puts(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
  assay_buf_putc(out, '\n');
}

static void bench_labels(assay_buf *out, const char *family, const assay_benchmark_result *b, bool *first) {
  assay_buf_puts(out, family);
  *first = true;
  label(out, first, "suite", b->suite);
  label(out, first, "benchmark", b->name);
}

/* ---- Names and units ---------------------------------------------------------------------------------------------------------------- */

static const struct unit {
  const char *ours, *theirs;
  double divisor;
} units[] = {{"ns", "seconds", 1e9},
             {"us", "seconds", 1e6},
             {"ms", "seconds", 1e3},
             {"s", "seconds", 1},
             {"B", "bytes", 1},
             {"B/s", "bytes_per_second", 1},
             {"FLOP/s", "flops", 1},
             {"items/s", "items_per_second", 1},
             {"Hz", "hertz", 1},
             {"ratio", "ratio", 1},
             {"J", "joules", 1},
             {"W", "watts", 1},
             {"kB", "bytes", 1e-3},
             {"KB", "bytes", 1e-3},
             {"MB", "bytes", 1e-6},
             {"GB", "bytes", 1e-9},
             {"KiB", "bytes", 1.0 / 1024},
             {"MiB", "bytes", 1.0 / 1048576},
             {"GiB", "bytes", 1.0 / 1073741824},
             {"1", "", 1},
             {"", "", 1}};

/* Words that a name should not have as a whole, says promtool: short units, and types. */
static bool is_frowned_upon(const char *word, size_t length) {
  static const char *const words[] = {"s",  "ms", "us", "ns", "sec",   "b",       "kb",      "mb",        "gb",      "tb",
                                      "pb", "m",  "h",  "d",  "gauge", "counter", "summary", "histogram", "untyped", NULL};
  for (size_t i = 0; words[i] != NULL; i++)
    if (strlen(words[i]) == length && strncmp(words[i], word, length) == 0) return true;
  return false;
}

/* Lower-case letters, digits and single underscores, at most 64; a word that is frowned upon joins the one before it ("latency_ms" becomes
 * latencyms). `out` has room for NAME_LENGTH. */
static void plain_name(const char *text, char *out) {
  size_t length = 0, word = 0;
  for (const char *p = text; length < 64; p++) {
    char c = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      out[length++] = c;
      continue;
    }
    if (length > word && is_frowned_upon(out + word, length - word)) {
      bool first = word == 0;
      memmove(out + word + (first ? 5 : -1), out + word, length - word);
      if (first) memcpy(out, "value", 5);
      length += first ? 5 : (size_t)-1;
    }
    if (c == '\0') break;
    if (length > word) out[length++] = '_';
    word = length;
  }
  while (length > 0 && out[length - 1] == '_') length--;
  out[length] = '\0';
}

/* Ends that mean something else: samples of counters, histograms and summaries, and what goes with them. */
static bool is_reserved_end(const char *word) {
  static const char *const ends[] = {"total", "count", "sum", "bucket", "created", "info", "gcount", "gsum", NULL};
  for (size_t i = 0; ends[i] != NULL; i++)
    if (strcmp(word, ends[i]) == 0) return true;
  return false;
}

static const char *last_word(const char *name) {
  const char *underscore = strrchr(name, '_');
  return underscore != NULL ? underscore + 1 : name;
}

/* One family of a metric's values: all metrics of one name and unit, over all benchmarks. */
typedef struct family {
  const char *metric, *unit; /* as in the result */
  char stem[NAME_LENGTH];    /* "assay_benchmark_cpu_time", without the unit */
  char their_unit[NAME_LENGTH];
  double divisor;
  const assay_metric_result *first;
} family;

typedef struct families {
  family *items;
  size_t count, capacity;
} families;

static void set_unit(family *f) {
  f->divisor = 1;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
    if (strcmp(f->unit, units[i].ours) != 0) continue;
    strcpy(f->their_unit, units[i].theirs);
    f->divisor = units[i].divisor;
    return;
  }
  size_t length = strlen(f->unit);
  bool rate = length > 2 && strcmp(f->unit + length - 2, "/s") == 0;
  char of[NAME_LENGTH], plain[NAME_LENGTH];
  snprintf(of, sizeof of, "%.*s", (int)(length > 100 ? 100 : rate ? length - 2 : length), f->unit);
  plain_name(of, plain);
  snprintf(f->their_unit, NAME_LENGTH, "%.100s%s%s", plain, rate && plain[0] != '\0' ? "_" : "", rate ? "per_second" : "");
  if (is_reserved_end(last_word(f->their_unit))) f->their_unit[0] = '\0';
}

/* "<stem>[_<part>][_<unit>]" */
static void name_of(const family *f, const char *part, char out[3 * NAME_LENGTH]) {
  snprintf(out, 3 * NAME_LENGTH, "%s%s%s%s%s", f->stem, part[0] != '\0' ? "_" : "", part, f->their_unit[0] != '\0' ? "_" : "",
           f->their_unit);
}

static const char *const parts[] = {"", "ci_low", "ci_high"};
static const char *const fixed_names[] = {"assay_benchmark_info", "assay_benchmark_status", "assay_benchmark_processes",
                                          "assay_benchmark_ceiling_ratio", NULL};

/* True when a name of `f` would be one that is there already: other text in the result, the same here. */
static bool is_taken(const families *all, const family *f) {
  char mine[3 * NAME_LENGTH], other[3 * NAME_LENGTH];
  for (size_t p = 0; p < 3; p++) {
    name_of(f, parts[p], mine);
    for (size_t i = 0; fixed_names[i] != NULL; i++)
      if (strcmp(mine, fixed_names[i]) == 0) return true;
    for (size_t i = 0; i < all->count; i++) {
      for (size_t q = 0; q < 3; q++) {
        name_of(&all->items[i], parts[q], other);
        if (strcmp(mine, other) == 0) return true;
      }
    }
  }
  return false;
}

static void set_stem(const families *all, family *f) {
  char plain[NAME_LENGTH], stem[NAME_LENGTH];
  plain_name(f->metric, plain);
  size_t length = strlen(plain), unit = strlen(f->their_unit);
  /* "items_per_second" in items_per_second says it once. */
  if (unit > 0 && length >= unit && strcmp(plain + length - unit, f->their_unit) == 0 &&
      (length == unit || plain[length - unit - 1] == '_'))
    plain[length > unit ? length - unit - 1 : 0] = '\0';
  bool bare = unit == 0 && (plain[0] == '\0' || is_reserved_end(last_word(plain)));
  snprintf(stem, sizeof stem, "assay_benchmark%s%.80s%s", plain[0] != '\0' ? "_" : "", plain, bare ? "_value" : "");
  strcpy(f->stem, stem);
  for (unsigned n = 2; is_taken(all, f); n++) snprintf(f->stem, NAME_LENGTH, "%.150s_%u", stem, n);
}

static bool is_of(const family *f, const assay_metric_result *m) {
  return strcmp(f->metric, m->name) == 0 && strcmp(f->unit, m->unit) == 0;
}

static bool add_family(families *all, const assay_metric_result *m) {
  for (size_t i = 0; i < all->count; i++)
    if (is_of(&all->items[i], m)) return true;
  if (all->count == all->capacity) {
    size_t capacity = all->capacity > 0 ? all->capacity * 2 : 16;
    family *items = assay_realloc(ASSAY_TAG_REPORT, all->items, capacity, sizeof *items);
    if (items == NULL) return false;
    all->items = items;
    all->capacity = capacity;
  }
  family f = {.metric = m->name, .unit = m->unit, .first = m};
  set_unit(&f);
  set_stem(all, &f);
  all->items[all->count++] = f;
  return true;
}

static bool find_families(const assay_result *result, families *all) {
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    for (size_t k = 0; b->status == ASSAY_OUTCOME_OK && k < b->metric_count; k++)
      if (!add_family(all, &b->metrics[k])) return false;
  }
  return true;
}

/* ---- The run ------------------------------------------------------------------------------------------------------------------------- */

static void run_families(const assay_render *r) {
  const assay_run_info *run = &r->result->run;
  assay_buf *out = r->out;
  bool first = true;
  head(out, "assay_run_info", NULL, "The run that these figures are of.");
  assay_buf_puts(out, "assay_run_info");
  label(out, &first, "run", run->id);
  label(out, &first, "name", run->name);
  label(out, &first, "commit", run->commit);
  label(out, &first, "source", run->source != NULL ? run->source : "assay");
  label(out, &first, "version", run->version);
  label(out, &first, "machine_id", r->result->machine_id);
  label(out, &first, "machine", r->result->machine_label);
  label(out, &first, "quick", run->quick ? "true" : "false");
  end_sample(out, first, 1);
  head(out, "assay_run_started_timestamp_seconds", "seconds", "When the run began, since 1970.");
  assay_buf_puts(out, "assay_run_started_timestamp_seconds");
  end_sample(out, true, (double)run->started_at_s);
  if (isfinite(run->duration_s)) {
    head(out, "assay_run_duration_seconds", "seconds", "How long the run took.");
    assay_buf_puts(out, "assay_run_duration_seconds");
    end_sample(out, true, run->duration_s);
  }
  head(out, "assay_run_complete", NULL, "1 when the run came to its end, 0 when it was interrupted.");
  assay_buf_puts(out, "assay_run_complete");
  end_sample(out, true, !run->interrupted);
  head(out, "assay_run_benchmarks", NULL, "Benchmarks of the run by what became of them.");
  for (int o = ASSAY_OUTCOME_OK; o <= ASSAY_OUTCOME_FAILED; o++) {
    size_t count = 0;
    for (size_t i = 0; i < r->result->benchmark_count; i++) count += r->result->benchmarks[i].status == (assay_outcome)o;
    assay_buf_printf(out, "assay_run_benchmarks{status=\"%s\"} %zu\n", assay_outcome_text((assay_outcome)o), count);
  }
}

/* ---- Benchmarks ---------------------------------------------------------------------------------------------------------------------- */

static void benchmark_info(const assay_render *r) {
  assay_buf params = {0};
  head(r->out, "assay_benchmark_info", NULL, "Name without parameters, and the parameters, of each benchmark.");
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    bool first;
    assay_buf_clear(&params);
    for (size_t k = 0; k < b->param_count; k++)
      assay_buf_printf(&params, "%s%s=%s", k > 0 ? ";" : "", b->params[k].name, b->params[k].value);
    bench_labels(r->out, "assay_benchmark_info", b, &first);
    label(r->out, &first, "base_name", b->base_name);
    label(r->out, &first, "params", params.data);
    end_sample(r->out, first, 1);
  }
  if (params.failed) r->out->failed = true;
  assay_buf_deinit(&params);
}

static void benchmark_status(const assay_render *r) {
  head(r->out, "assay_benchmark_status", NULL, "What became of each benchmark: 1 for the state that it is in.");
  for (size_t i = 0; i < r->result->benchmark_count; i++) {
    const assay_benchmark_result *b = &r->result->benchmarks[i];
    for (int o = ASSAY_OUTCOME_OK; o <= ASSAY_OUTCOME_FAILED; o++) {
      bool first;
      bench_labels(r->out, "assay_benchmark_status", b, &first);
      label(r->out, &first, "status", assay_outcome_text((assay_outcome)o));
      end_sample(r->out, first, b->status == (assay_outcome)o);
    }
  }
}

typedef double (*figure_of)(const assay_metric_result *m);
static double value_of(const assay_metric_result *m) { return m->value; }
static double low_of(const assay_metric_result *m) { return m->ci_low; }
static double high_of(const assay_metric_result *m) { return m->ci_high; }
static double processes_of(const assay_metric_result *m) { return m->process_count > 0 ? (double)m->process_count : NAN; }
static double share_of(const assay_metric_result *m) { return m->ceiling != NULL ? m->ceiling_share : NAN; }

/* Calls `visit` for each figure that is there; of a metric that a benchmark has twice, for the first. */
static void each_figure(const assay_result *result, const family *f, figure_of figure,
                        void (*visit)(const assay_benchmark_result *b, const assay_metric_result *m, double value, void *user),
                        void *user) {
  for (size_t i = 0; i < result->benchmark_count; i++) {
    const assay_benchmark_result *b = &result->benchmarks[i];
    for (size_t k = 0; b->status == ASSAY_OUTCOME_OK && k < b->metric_count; k++) {
      const assay_metric_result *m = &b->metrics[k];
      if ((f != NULL && !is_of(f, m)) || !isfinite(figure(m))) continue;
      if (f != NULL || assay_benchmark_metric(b, m->name) == m) visit(b, m, figure(m), user);
      if (f != NULL) break;
    }
  }
}

typedef struct lines {
  assay_buf *out;
  const char *name, *unit, *help;
  double divisor;
  bool begun; /* the head comes with the first line: a family without samples says nothing */
} lines;

static void begin_lines(lines *l) {
  if (!l->begun) head(l->out, l->name, l->unit, l->help);
  l->begun = true;
}

static void put_value(const assay_benchmark_result *b, const assay_metric_result *m, double value, void *user) {
  lines *l = user;
  bool first;
  (void)m;
  begin_lines(l);
  bench_labels(l->out, l->name, b, &first);
  end_sample(l->out, first, value / l->divisor);
}

static void put_of_metric(const assay_benchmark_result *b, const assay_metric_result *m, double value, void *user) {
  lines *l = user;
  bool first;
  begin_lines(l);
  bench_labels(l->out, l->name, b, &first);
  label(l->out, &first, "metric", m->name);
  if (strcmp(l->name, "assay_benchmark_ceiling_ratio") == 0) label(l->out, &first, "ceiling", m->ceiling);
  end_sample(l->out, first, value);
}

static void metric_families(const assay_render *r, const families *all) {
  static const figure_of figures[] = {value_of, low_of, high_of};
  static const char *const words[] = {"median over processes", "lower end of the 95 % interval", "upper end of the 95 % interval"};
  for (size_t i = 0; i < all->count; i++) {
    const family *f = &all->items[i];
    for (size_t p = 0; p < 3; p++) {
      char name[3 * NAME_LENGTH], plain[NAME_LENGTH], help[2 * NAME_LENGTH];
      name_of(f, parts[p], name);
      plain_name(f->metric, plain); /* the two formats escape help differently, so nothing in it needs escaping */
      snprintf(help, sizeof help, "%s of a benchmark (%s, %s is better): %s.", plain, assay_metric_kind_text(f->first->kind),
               f->first->better == ASSAY_HIGHER ? "higher" : "lower", words[p]);
      lines l = {.out = r->out, .name = name, .unit = f->their_unit, .help = help, .divisor = f->divisor};
      each_figure(r->result, f, figures[p], put_value, &l);
    }
  }
  lines processes = {
      .out = r->out, .name = "assay_benchmark_processes", .help = "Fresh processes (or other independent values) behind a figure."};
  each_figure(r->result, NULL, processes_of, put_of_metric, &processes);
  lines shares = {
      .out = r->out, .name = "assay_benchmark_ceiling_ratio", .unit = "ratio", .help = "Share of the limit of this machine that binds it."};
  each_figure(r->result, NULL, share_of, put_of_metric, &shares);
}

/* ---- Limits and checks --------------------------------------------------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b) { return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0); }

/* A name that is there again needs another label, or the series would be double. */
static void ordinal(assay_buf *out, bool *first, size_t before) {
  char text[24];
  snprintf(text, sizeof text, "%zu", before + 1);
  if (before > 0) label(out, first, "ordinal", text);
}

static void sla_status(const assay_render *r) {
  const assay_result *result = r->result;
  if (result->sla_count > 0) head(r->out, "assay_sla_status", NULL, "Whether each limit is kept: 1 for the state that it is in.");
  for (size_t i = 0; i < result->sla_count; i++) {
    const assay_sla_result *sla = &result->slas[i];
    size_t before = 0;
    for (size_t k = 0; k < i; k++)
      before += same_text(result->slas[k].name, sla->name) && same_text(result->slas[k].benchmark, sla->benchmark) &&
                same_text(result->slas[k].metric, sla->metric);
    for (int s = ASSAY_SLA_MET; s <= ASSAY_SLA_INCONCLUSIVE; s++) {
      bool first = true;
      assay_buf_puts(r->out, "assay_sla_status");
      label(r->out, &first, "sla", sla->name);
      label(r->out, &first, "benchmark", sla->benchmark);
      label(r->out, &first, "metric", sla->metric);
      ordinal(r->out, &first, before);
      label(r->out, &first, "status", assay_sla_status_text((assay_sla_status)s));
      end_sample(r->out, first, sla->status == (assay_sla_status)s);
    }
  }
}

static void check_status(const assay_render *r) {
  const assay_result *result = r->result;
  if (result->check_count > 0) head(r->out, "assay_check_status", NULL, "Whether each check passed: 1 for the state that it is in.");
  for (size_t i = 0; i < result->check_count; i++) {
    const assay_check *check = &result->checks[i];
    size_t before = 0;
    for (size_t k = 0; k < i; k++)
      before += same_text(result->checks[k].name, check->name) && same_text(result->checks[k].suite, check->suite);
    for (int s = ASSAY_CHECK_PASS; s <= ASSAY_CHECK_UNAVAILABLE; s++) {
      bool first = true;
      assay_buf_puts(r->out, "assay_check_status");
      label(r->out, &first, "suite", check->suite);
      label(r->out, &first, "check", check->name);
      ordinal(r->out, &first, before);
      label(r->out, &first, "status", assay_check_status_text((assay_check_status)s));
      end_sample(r->out, first, check->status == (assay_check_status)s);
    }
  }
}

void assay_export_openmetrics(const assay_render *r) {
  families all = {0};
  if (!find_families(r->result, &all)) r->out->failed = true;
  run_families(r);
  if (r->result->benchmark_count > 0) {
    benchmark_info(r);
    benchmark_status(r);
  }
  metric_families(r, &all);
  sla_status(r);
  check_status(r);
  assay_buf_puts(r->out, "# EOF\n");
  assay_free(all.items);
}
